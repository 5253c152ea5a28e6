import { Char, documentOf } from "./bytes";
import { fail } from "./failure";
import { JsonReader } from "./reader";

/** What a value of JSON is. */
export enum JsonKind {
  Null,
  Flag,
  Number,
  Text,
  List,
  Object,
}

/** A value of JSON, which is read when it is asked for something. What it is not ends the evaluation: ask for `kind`. */
export class Json {
  /**
   * @param start Where the value stands, and
   * @param end where it ends. It must have been read over before.
   */
  constructor(
    readonly start: usize,
    readonly end: usize,
  ) {}

  /** As it is written. */
  get raw(): string {
    return String.UTF8.decodeUnsafe(this.start, this.end - this.start);
  }

  get kind(): JsonKind {
    switch (<u32>load<u8>(this.start)) {
      case Char.OpenBrace:
        return JsonKind.Object;
      case Char.OpenBracket:
        return JsonKind.List;
      case Char.Quote:
        return JsonKind.Text;
      case 0x6e:
        return JsonKind.Null;
      case 0x74:
      case 0x66:
        return JsonKind.Flag;
    }
    return JsonKind.Number;
  }

  /** Whether it is a number that `integer` can give. */
  get isInteger(): bool {
    if (this.kind != JsonKind.Number) return false;
    const reader = this.reader();
    reader.readInteger();
    return reader.error === null;
  }

  flag(): bool {
    const reader = this.reader();
    const value = reader.readFlag();
    check(reader);
    return value;
  }

  integer(): i32 {
    const reader = this.reader();
    const value = reader.readInteger();
    check(reader);
    return value;
  }

  number(): f64 {
    const reader = this.reader();
    const value = reader.readNumber();
    check(reader);
    return value;
  }

  text(): string {
    const reader = this.reader();
    const value = reader.readText();
    check(reader);
    return value;
  }

  /** The items of a list. */
  items(): Json[] {
    const reader = this.reader();
    const found: Json[] = [];
    reader.enter(Char.OpenBracket);
    for (let isFirst = true; reader.follows(Char.CloseBracket, isFirst); isFirst = false) {
      found.push(valueAt(reader));
    }
    check(reader);
    return found;
  }

  /** The names in an object, in their order. */
  names(): string[] {
    const reader = this.reader();
    const found: string[] = [];
    if (reader.enter(Char.OpenBrace)) {
      for (reader.nextKey(true); reader.hasKey; reader.nextKey(false)) {
        found.push(reader.key);
        reader.skip();
      }
    }
    check(reader);
    return found;
  }

  /** What has this name in an object; null where nothing has, or where it is null. The last one counts. */
  get(name: string): Json | null {
    const reader = this.reader();
    let found: Json | null = null;
    if (reader.enter(Char.OpenBrace)) {
      for (reader.nextKey(true); reader.hasKey; reader.nextKey(false)) {
        if (reader.keyIs(name)) {
          found = reader.isNull() ? null : valueAt(reader);
        } else {
          reader.skip();
        }
      }
    }
    check(reader);
    return found;
  }

  private reader(): JsonReader {
    return new JsonReader(this.start, this.end);
  }
}

/**
 * The manifest's `config`.
 *
 * An option that is missing or null is what `otherwise` says. One of another type is the plugin's failure, as `fail`
 * is: the user reads which option must be what.
 */
export class Config extends Json {
  /** A configuration as it stands in JSON, for tests. */
  static parse(text: string): Config {
    const start = documentOf(text);
    const end = start + String.UTF8.byteLength(text);
    const reader = new JsonReader(start, end);
    reader.skip();
    reader.finish();
    check(reader);
    const config = new Config(start, end);
    assert(config.kind == JsonKind.Object, "a configuration is an object");
    return config;
  }

  /** The option as a list of texts. */
  strings(name: string, otherwise: string[] = []): string[] {
    const option = this.get(name);
    if (option === null) return otherwise;
    const found: string[] = [];
    if (option.kind == JsonKind.List) {
      const items = option.items();
      for (let i = 0, n = items.length; i < n; ++i) {
        if (items[i].kind == JsonKind.Text) found.push(items[i].text());
      }
      if (found.length == items.length) return found;
    }
    fail(`config.${name} must be a list of strings`);
    return otherwise;
  }

  string(name: string, otherwise: string = ""): string {
    const option = this.get(name);
    if (option === null) return otherwise;
    if (option.kind == JsonKind.Text) return option.text();
    fail(`config.${name} must be a string`);
    return otherwise;
  }

  int(name: string, otherwise: i32 = 0): i32 {
    const option = this.get(name);
    if (option === null) return otherwise;
    if (option.isInteger) return option.integer();
    fail(`config.${name} must be an integer`);
    return otherwise;
  }

  float(name: string, otherwise: f64 = 0): f64 {
    const option = this.get(name);
    if (option === null) return otherwise;
    if (option.kind == JsonKind.Number) return option.number();
    fail(`config.${name} must be a number`);
    return otherwise;
  }

  bool(name: string, otherwise: bool = false): bool {
    const option = this.get(name);
    if (option === null) return otherwise;
    if (option.kind == JsonKind.Flag) return option.flag();
    fail(`config.${name} must be true or false`);
    return otherwise;
  }
}

/** Reads over the next value, and gives it. */
function valueAt(reader: JsonReader): Json {
  reader.peek();
  const start = reader.at;
  reader.skip();
  return new Json(start, reader.at);
}

function check(reader: JsonReader): void {
  if (reader.error !== null) throw new Error(reader.problem);
}
