// The contract's types say once, in a method `fields`, which fields they have in JSON. A `RecordReader` fills them in,
// a `RecordWriter` writes them: both have a method for each type of field, which gets the field's name and value and
// gives its new value. (No interface says so: AssemblyScript's cannot have methods with type parameters.)

import { Char } from "./bytes";
import { Config } from "./config";
import { JsonReader } from "./reader";
import { JsonWriter } from "./writer";

/** What is known about a question of yes or no. */
export enum Answer {
  Unknown,
  No,
  Yes,
}

/** Lines from the first to the last one. */
export class LineRange {
  constructor(
    public first: i32 = 0,
    public last: i32 = 0,
  ) {}
}

/** Reads records. What is left out or null keeps its value; unknown fields are read over. */
export class RecordReader extends JsonReader {
  /** Reads an object into a record. */
  into<T>(record: T): void {
    if (!this.enter(Char.OpenBrace)) return;
    this.nextKey(true);
    while (this.hasKey) {
      // Fields usually come in the order of `fields`, so that one call reads them all.
      const keys = this.keysRead;
      record.fields<RecordReader>(this);
      if (this.hasKey && this.keysRead == keys) {
        this.skip();
        this.nextKey(false);
      }
    }
  }

  /** Reads a list of records. */
  list<T>(): T[] {
    const items: T[] = [];
    if (!this.enter(Char.OpenBracket)) return items;
    for (let isFirst = true; this.follows(Char.CloseBracket, isFirst); isFirst = false) {
      const item = instantiate<T>();
      this.into<T>(item);
      items.push(item);
    }
    return items;
  }

  required(name: string, value: string): string {
    return this.text(name, value);
  }

  text(name: string, value: string): string {
    if (!this.isGiven(name)) return value;
    const found = this.readText();
    this.nextKey(false);
    return found;
  }

  integer(name: string, value: i32): i32 {
    if (!this.isGiven(name)) return value;
    const found = this.readInteger();
    this.nextKey(false);
    return found;
  }

  number(name: string, value: f64): f64 {
    if (!this.isGiven(name)) return value;
    const found = this.readNumber();
    this.nextKey(false);
    return found;
  }

  flag(name: string, value: bool): bool {
    if (!this.isGiven(name)) return value;
    const found = this.readFlag();
    this.nextKey(false);
    return found;
  }

  answer(name: string, value: Answer): Answer {
    if (!this.isGiven(name)) return value;
    const found = this.readFlag() ? Answer.Yes : Answer.No;
    this.nextKey(false);
    return found;
  }

  texts(name: string, value: string[]): string[] {
    if (!this.isGiven(name)) return value;
    const found: string[] = [];
    if (this.enter(Char.OpenBracket)) {
      for (let isFirst = true; this.follows(Char.CloseBracket, isFirst); isFirst = false) {
        found.push(this.readText());
      }
    }
    this.nextKey(false);
    return found;
  }

  ranges(name: string, value: LineRange[]): LineRange[] {
    if (!this.isGiven(name)) return value;
    const found: LineRange[] = [];
    if (this.enter(Char.OpenBracket)) {
      for (let isFirst = true; this.follows(Char.CloseBracket, isFirst); isFirst = false) {
        found.push(this.range());
      }
    }
    this.nextKey(false);
    return found;
  }

  numbers(name: string, value: Map<string, f64>): Map<string, f64> {
    if (!this.isGiven(name)) return value;
    const found = new Map<string, f64>();
    if (this.enter(Char.OpenBrace)) {
      for (this.nextKey(true); this.hasKey; this.nextKey(false)) {
        const key = this.key;
        found.set(key, this.readNumber());
      }
    }
    this.nextKey(false);
    return found;
  }

  config(name: string, value: Config): Config {
    if (!this.isGiven(name)) return value;
    if (this.peek() != Char.OpenBrace) {
      this.fail("an object is needed");
      return value;
    }
    const start = this.at;
    this.skip();
    const found = new Config(start, this.at);
    this.nextKey(false);
    return found;
  }

  record<T>(name: string, value: T): T {
    if (!this.isGiven(name)) return value;
    this.into<T>(value);
    this.nextKey(false);
    return value;
  }

  records<T>(name: string, value: T[]): T[] {
    if (!this.isGiven(name)) return value;
    const found = this.list<T>();
    this.nextKey(false);
    return found;
  }

  /** Whether the pending key is this one and has a value. */
  private isGiven(name: string): bool {
    if (!this.keyIs(name)) return false;
    if (!this.isNull()) return true;
    this.nextKey(false);
    return false;
  }

  private range(): LineRange {
    const found = new LineRange();
    if (!this.enter(Char.OpenBracket)) return found;
    if (this.follows(Char.CloseBracket, true)) found.first = this.readInteger();
    if (this.follows(Char.CloseBracket, false)) found.last = this.readInteger();
    else this.fail("two lines are needed");
    if (this.follows(Char.CloseBracket, false)) this.fail("two lines are needed");
    return found;
  }
}

/** Writes records. What is empty, false or 0 is left out. */
export class RecordWriter extends JsonWriter {
  private isFirst: bool = true;

  /** Writes a record as an object. */
  object<T>(record: T): void {
    this.put(Char.OpenBrace);
    this.isFirst = true;
    record.fields<RecordWriter>(this);
    this.put(Char.CloseBrace);
    this.isFirst = false;
  }

  /** Writes records as a list. */
  list<T>(items: T[]): void {
    this.put(Char.OpenBracket);
    for (let i = 0, n = items.length; i < n; ++i) {
      if (i > 0) this.put(Char.Comma);
      this.object<T>(items[i]);
    }
    this.put(Char.CloseBracket);
  }

  required(name: string, value: string): string {
    this.putName(name);
    this.putText(value);
    return value;
  }

  text(name: string, value: string): string {
    return value.length > 0 ? this.required(name, value) : value;
  }

  integer(name: string, value: i32): i32 {
    if (value != 0) {
      this.putName(name);
      this.putAscii(value.toString());
    }
    return value;
  }

  number(name: string, value: f64): f64 {
    this.putName(name);
    this.putNumber(value);
    return value;
  }

  flag(name: string, value: bool): bool {
    if (value) {
      this.putName(name);
      this.putAscii("true");
    }
    return value;
  }

  answer(name: string, value: Answer): Answer {
    if (value != Answer.Unknown) {
      this.putName(name);
      this.putAscii(value == Answer.Yes ? "true" : "false");
    }
    return value;
  }

  texts(name: string, value: string[]): string[] {
    if (value.length > 0) {
      this.putName(name);
      this.put(Char.OpenBracket);
      for (let i = 0, n = value.length; i < n; ++i) {
        if (i > 0) this.put(Char.Comma);
        this.putText(value[i]);
      }
      this.put(Char.CloseBracket);
    }
    return value;
  }

  ranges(name: string, value: LineRange[]): LineRange[] {
    if (value.length > 0) {
      this.putName(name);
      this.put(Char.OpenBracket);
      for (let i = 0, n = value.length; i < n; ++i) {
        if (i > 0) this.put(Char.Comma);
        this.putAscii(`[${value[i].first},${value[i].last}]`);
      }
      this.put(Char.CloseBracket);
    }
    return value;
  }

  numbers(name: string, value: Map<string, f64>): Map<string, f64> {
    if (value.size > 0) {
      this.putName(name);
      this.put(Char.OpenBrace);
      this.isFirst = true;
      const keys = value.keys();
      for (let i = 0, n = keys.length; i < n; ++i) {
        this.number(keys[i], value.get(keys[i]));
      }
      this.put(Char.CloseBrace);
      this.isFirst = false;
    }
    return value;
  }

  config(name: string, value: Config): Config {
    this.putName(name);
    this.putBytes(value.start, value.end - value.start);
    return value;
  }

  record<T>(name: string, value: T): T {
    this.putName(name);
    this.object<T>(value);
    return value;
  }

  records<T>(name: string, value: T[]): T[] {
    if (value.length > 0) {
      this.putName(name);
      this.list<T>(value);
      this.isFirst = false;
    }
    return value;
  }

  private putName(name: string): void {
    if (!this.isFirst) this.put(Char.Comma);
    this.isFirst = false;
    this.putText(name);
    this.put(Char.Colon);
  }
}
