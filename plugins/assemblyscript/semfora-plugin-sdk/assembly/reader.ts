import { Char, equalsAscii, fromAscii, PADDING } from "./bytes";
import { decimalAt } from "./decimal";

/** Values inside values up to which a document is read. */
export const MAX_DEPTH: i32 = 512;

const REPLACEMENT: u16 = 0xfffd;
/** Eight bytes, each 1. */
const EACH: u64 = 0x0101010101010101;
const CACHED: u32 = 4096;
const LONGEST_CACHED: usize = 200;

/** Texts come again and again: ids, files, kinds. Each is made once while it has its place here. */
const texts = new StaticArray<string | null>(CACHED);

/**
 * A strict reader of JSON (RFC 8259) in UTF-8.
 *
 * After an error, which says what is wrong at `at`, everything it gives is empty and no item follows.
 */
export class JsonReader {
  error: string | null = null;
  at: usize;

  /** Where the pending key of the object that is read stands, or 0 if it is in `keyText`; its length, or -1 for none. */
  private keyAt: usize = 0;
  private keyLength: i32 = -1;
  private keyText: string = "";
  private keyCount: u32 = 0;

  /**
   * @param start Where the document starts.
   * @param end Where it ends; eight zero bytes must follow.
   */
  constructor(private start: usize, private end: usize) {
    this.at = start;
  }

  /** Says that the value is not what it should be. */
  fail(message: string): void {
    if (this.error === null) this.error = message;
    this.keyLength = -1;
  }

  /** What went wrong and where. */
  get problem(): string {
    const error = this.error;
    return error === null ? "" : `${error} at byte ${this.at - this.start}`;
  }

  /** The first letter of the next value, a digit's being 0x30; 0 for an error. */
  peek(): u32 {
    if (this.error !== null) return 0;
    this.skipSpace();
    const next = <u32>load<u8>(this.at);
    if (next == Char.Quote || next == Char.OpenBrace || next == Char.OpenBracket) return next;
    if (next == Char.Minus || isDigit(next)) return Char.Zero;
    if (next == 0x74 || next == 0x66 || next == 0x6e) return next; // t, f, n
    this.fail(this.at == this.end ? "it ends too soon" : "a value is needed");
    return 0;
  }

  /** Whether the next value is null; if so, it is read. */
  isNull(): bool {
    if (this.error !== null) return false;
    this.skipSpace();
    return load<u8>(this.at) == 0x6e && this.word(0x6c6c756e, 4);
  }

  /** The next value, which must be true or false. */
  readFlag(): bool {
    const next = this.peek();
    if (next == 0x74) return this.word(0x65757274, 4);
    if (next != 0x66) {
      this.fail("true or false is needed");
    } else if (load<u8>(this.at, 4) == 0x65) {
      if (this.word(0x736c6166, 4)) this.at++;
    } else {
      this.fail("a value is needed");
    }
    return false;
  }

  /** The next value, which must be an integer of 32 bits. */
  readInteger(): i32 {
    if (this.peek() != Char.Zero) {
      this.fail("an integer is needed");
      return 0;
    }
    const first = this.at;
    const isInteger = this.skipNumber();
    if (this.error !== null) return 0;
    if (!isInteger) {
      this.at = first;
      this.fail("an integer is needed");
      return 0;
    }
    const isNegative = load<u8>(first) == Char.Minus;
    let value: i64 = 0;
    for (let at = first + <usize>isNegative; at < this.at && value <= 0xffffffff; ++at) {
      value = value * 10 + (load<u8>(at) - Char.Zero);
    }
    if (isNegative) value = -value;
    if (value != <i64>(<i32>value)) {
      this.at = first;
      this.fail("an integer of 32 bits is needed");
      return 0;
    }
    return <i32>value;
  }

  /** The next value, which must be a number. */
  readNumber(): f64 {
    if (this.peek() != Char.Zero) {
      this.fail("a number is needed");
      return 0;
    }
    const first = this.at;
    this.skipNumber();
    if (this.error !== null) return 0;
    const value = decimalAt(first, this.at);
    if (!isFinite(value)) {
      this.at = first;
      this.fail("a number is too large");
      return 0;
    }
    return value;
  }

  /** The next value, which must be a text. A lone half of a surrogate pair becomes U+FFFD. */
  readText(): string {
    if (this.peek() != Char.Quote) {
      this.fail("a text is needed");
      return "";
    }
    const first = this.at + 1;
    const last = plainAsciiEnd(first);
    if (load<u8>(last) != Char.Quote) return this.decodeText(first, last);
    this.at = last + 1;
    return this.cached(first, last - first);
  }

  /** Reads over a value. */
  skip(depth: i32 = 0): void {
    const next = this.peek();
    if (next == Char.Quote) {
      this.skipText();
    } else if (next == Char.Zero) {
      this.skipNumber();
    } else if (next == 0x6e) {
      this.isNull();
    } else if (next == 0x74 || next == 0x66) {
      this.readFlag();
    } else if (next != 0) {
      if (depth == MAX_DEPTH) {
        this.fail("values are nested too deeply");
        return;
      }
      const isObject = next == Char.OpenBrace;
      const closing = isObject ? Char.CloseBrace : Char.CloseBracket;
      this.at++;
      for (let isFirst = true; this.follows(closing, isFirst); isFirst = false) {
        if (isObject) {
          if (this.peek() == Char.Quote) this.skipText();
          else this.fail("a text is needed");
          this.colon();
        }
        this.skip(depth + 1);
      }
    }
  }

  /** Goes into an array or object. */
  enter(opening: Char): bool {
    if (this.peek() != <u32>opening) {
      this.fail(opening == Char.OpenBrace ? "an object is needed" : "a list is needed");
      return false;
    }
    this.at++;
    return true;
  }

  /** Whether another item follows. If not, the array or object is left, or there was an error. */
  follows(closing: Char, isFirst: bool): bool {
    if (this.error !== null) return false;
    this.skipSpace();
    const next = <u32>load<u8>(this.at);
    if (next == <u32>closing) {
      this.at++;
      return false;
    }
    if (!isFirst) {
      if (next != Char.Comma) {
        this.fail(this.at == this.end ? "it ends too soon" : "a comma is needed");
        return false;
      }
      this.at++;
    }
    return true;
  }

  /** Makes the next key of an object the pending one. If none follows, the object is left and none is pending. */
  nextKey(isFirst: bool): void {
    this.keyLength = -1;
    if (!this.follows(Char.CloseBrace, isFirst)) return;
    if (this.peek() != Char.Quote) {
      this.fail("a text is needed");
      return;
    }
    const first = this.at + 1;
    const last = plainAsciiEnd(first);
    if (load<u8>(last) == Char.Quote) {
      this.at = last + 1;
      this.keyAt = first;
      this.colon();
      if (this.error === null) this.keyLength = <i32>(last - first);
    } else {
      const key = this.readText();
      this.colon();
      this.keyAt = 0;
      this.keyText = key;
      if (this.error === null) this.keyLength = key.length;
    }
    this.keyCount++;
  }

  /** Whether a key is pending. */
  get hasKey(): bool {
    return this.keyLength >= 0;
  }

  /** How many keys have been read: another number, another key. */
  get keysRead(): u32 {
    return this.keyCount;
  }

  /** Whether the pending key is this one. */
  keyIs(name: string): bool {
    if (this.keyLength != name.length) return false;
    return this.keyAt != 0 ? equalsAscii(name, this.keyAt, this.keyLength) : this.keyText == name;
  }

  /** The pending key. */
  get key(): string {
    return this.keyAt != 0 ? this.cached(this.keyAt, this.keyLength) : this.keyText;
  }

  /** Fails unless nothing but white space is left. */
  finish(): void {
    if (this.error !== null) return;
    this.skipSpace();
    if (this.at != this.end) this.fail("there is something behind it");
  }

  // @ts-ignore: decorator
  @inline
  private skipSpace(): void {
    let at = this.at;
    let next = <u32>load<u8>(at);
    while (next == Char.Space || next == Char.Newline || next == Char.Tab || next == Char.Return) {
      next = <u32>load<u8>(++at);
    }
    this.at = at;
  }

  /** Reads a word of `length` letters, which are those of `letters`, the first one lowest. */
  private word(letters: u32, length: usize): bool {
    if (load<u32>(this.at) != letters) {
      this.fail("a value is needed");
      return false;
    }
    this.at += length;
    return true;
  }

  private colon(): void {
    if (this.error !== null) return;
    this.skipSpace();
    if (load<u8>(this.at) == Char.Colon) this.at++;
    else this.fail("a colon is needed");
  }

  /** Reads over a number, and says whether it is written as an integer. */
  private skipNumber(): bool {
    let at = this.at;
    if (load<u8>(at) == Char.Minus) ++at;
    let isRight = isDigit(load<u8>(at));
    at = load<u8>(at) == Char.Zero ? at + 1 : digitsEnd(at);
    const isInteger = load<u8>(at) != Char.Dot && (load<u8>(at) | 0x20) != 0x65;
    if (isRight && load<u8>(at) == Char.Dot) {
      isRight = isDigit(load<u8>(++at));
      at = digitsEnd(at);
    }
    if (isRight && (load<u8>(at) | 0x20) == 0x65) {
      ++at;
      if (load<u8>(at) == Char.Plus || load<u8>(at) == Char.Minus) ++at;
      isRight = isDigit(load<u8>(at));
      at = digitsEnd(at);
    }
    if (isRight) this.at = at;
    else this.fail("a number is malformed");
    return isInteger;
  }

  private skipText(): void {
    let at = this.at + 1;
    while (true) {
      at = plainAsciiEnd(at);
      const next = <u32>load<u8>(at);
      if (next == Char.Quote) {
        this.at = at + 1;
        return;
      }
      if (next < 0x20 || (next == Char.Backslash && at + 1 == this.end)) {
        this.closingQuote(at); // which says what is wrong
        return;
      }
      if (next == Char.Backslash) {
        const letter = <u32>load<u8>(at, 1);
        if (letter == 0x75 ? hexadecimal(at + 2) < 0 : meaning(letter) == 0) {
          this.at = at + 1;
          this.fail("an escape is malformed");
          return;
        }
        at += letter == 0x75 ? 6 : 2;
      }
      while (load<u8>(at) >= 0x80) ++at;
    }
  }

  /** Where the text ends that `at` is in; 0 for an error. */
  private closingQuote(at: usize): usize {
    while (true) {
      const next = <u32>load<u8>(at);
      if (next == Char.Quote) return at;
      if (next < 0x20) {
        this.at = at;
        this.fail(at == this.end ? "a text does not end" : "a control character in a text");
        return 0;
      }
      // What is behind a backslash is looked at by others, but must not be the end.
      at += next == Char.Backslash && at + 1 != this.end ? 2 : 1;
    }
  }

  private cached(start: usize, length: usize): string {
    if (length == 0) return "";
    if (length > LONGEST_CACHED) return fromAscii(start, length);
    const place = hash(start, length) & (CACHED - 1);
    const known = unchecked(texts[place]);
    if (known !== null && equalsAscii(known, start, length)) return known;
    const text = fromAscii(start, length);
    unchecked((texts[place] = text));
    return text;
  }

  /** The text from `first`, which is plain ASCII up to `at`. */
  private decodeText(first: usize, at: usize): string {
    const last = this.closingQuote(at);
    if (last == 0) return "";
    // No byte becomes more than one unit, so this is enough; it is cut where the text ends.
    const text = __new((last - first) << 1, idof<String>());
    let to = text;
    for (let from = first; from < at; ++from, to += 2) {
      store<u16>(to, load<u8>(from));
    }
    this.at = at;
    while (this.at < last) {
      const byte = <u32>load<u8>(this.at);
      if (byte == Char.Backslash) {
        to = this.decodeEscape(to);
      } else if (byte < 0x80) {
        store<u16>(to, byte);
        to += 2;
        this.at++;
      } else {
        to = this.decodePoint(to);
      }
      if (this.error !== null) return "";
    }
    this.at = last + 1;
    return changetype<string>(__renew(text, to - text));
  }

  /** Decodes the escape at `at`, writes it, and gives the address behind it. */
  private decodeEscape(to: usize): usize {
    const letter = <u32>load<u8>(this.at, 1);
    const known = meaning(letter);
    if (known != 0) {
      store<u16>(to, known);
      this.at += 2;
      return to + 2;
    }
    const high = letter == 0x75 ? hexadecimal(this.at + 2) : -1;
    if (high < 0) {
      this.fail("an escape is malformed");
      return to;
    }
    this.at += 6;
    if ((high & 0xf800) != 0xd800) {
      store<u16>(to, high);
      return to + 2;
    }
    const isPair = high < 0xdc00 && load<u8>(this.at) == Char.Backslash && load<u8>(this.at, 1) == 0x75;
    const low = isPair ? hexadecimal(this.at + 2) : -1;
    if (low < 0xdc00 || low > 0xdfff) {
      store<u16>(to, REPLACEMENT);
      return to + 2;
    }
    this.at += 6;
    store<u16>(to, high);
    store<u16>(to, low, 2);
    return to + 4;
  }

  /** Decodes the character beyond ASCII at `at`, writes it, and gives the address behind it. */
  private decodePoint(to: usize): usize {
    const at = this.at;
    const byte = <u32>load<u8>(at);
    const more = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
    let point = byte & (0x3f >> more);
    for (let i = 1; i <= more; ++i) {
      const next = <u32>load<u8>(at + i);
      if ((next & 0xc0) != 0x80) {
        this.fail("a text is not UTF-8");
        return to;
      }
      point = (point << 6) | (next & 0x3f);
    }
    const least: u32 = more == 1 ? 0x80 : more == 2 ? 0x800 : 0x10000;
    if (byte < 0xc2 || byte > 0xf4 || point < least || point > 0x10ffff || (point & 0xfffff800) == 0xd800) {
      this.fail("a text is not UTF-8");
      return to;
    }
    this.at = at + more + 1;
    if (point < 0x10000) {
      store<u16>(to, point);
      return to + 2;
    }
    store<u16>(to, 0xd7c0 + (point >> 10));
    store<u16>(to, 0xdc00 | (point & 0x3ff), 2);
    return to + 4;
  }
}

// @ts-ignore: decorator
@inline
function isDigit(letter: u32): bool {
  return letter - Char.Zero < 10;
}

function digitsEnd(at: usize): usize {
  while (isDigit(load<u8>(at))) ++at;
  return at;
}

/** Where the next quote, backslash, control character or byte beyond ASCII is. */
function plainAsciiEnd(at: usize): usize {
  while (true) {
    const letters = load<u64>(at);
    const quotes = letters ^ (EACH * Char.Quote);
    const backslashes = letters ^ (EACH * Char.Backslash);
    // The highest bit of each byte: it was there, or a subtraction that must not borrow did. Bytes behind the first such
    // one may be marked by a borrow alone.
    const marks =
      (letters | ((letters - EACH * 0x20) & ~letters) | ((quotes - EACH) & ~quotes) | ((backslashes - EACH) & ~backslashes)) &
      (EACH * 0x80);
    if (marks != 0) return at + <usize>(ctz(marks) >> 3);
    at += 8;
  }
}

/** What the letter behind a backslash means; 0 if nothing, or if it is u. */
function meaning(letter: u32): u32 {
  switch (letter) {
    case Char.Quote:
    case Char.Backslash:
    case Char.Slash:
      return letter;
    case 0x62:
      return 0x08; // b
    case 0x66:
      return 0x0c; // f
    case 0x6e:
      return Char.Newline;
    case 0x72:
      return Char.Return;
    case 0x74:
      return Char.Tab;
  }
  return 0;
}

/** Four hexadecimal digits, or -1. */
function hexadecimal(at: usize): i32 {
  let value: i32 = 0;
  for (let i: usize = 0; i < 4; ++i) {
    const letter = <i32>load<u8>(at + i);
    const lower = letter | 0x20;
    if (isDigit(letter)) value = (value << 4) | (letter - Char.Zero);
    else if (lower >= 0x61 && lower <= 0x66) value = (value << 4) | (lower - 0x57);
    else return -1;
  }
  return value;
}

/** Of the length and three times eight bytes: enough to tell most ids apart. */
function hash(start: usize, length: usize): u32 {
  let mixed = load<u64>(start);
  if (length < PADDING) {
    mixed &= ((<u64>1) << (length << 3)) - 1;
  } else {
    mixed = (mixed ^ rotl<u64>(load<u64>(start + length - 8), 23)) * 0x9e3779b97f4a7c15;
    mixed ^= load<u64>(start + ((length - 8) >> 1));
  }
  mixed = (mixed + length) * 0x9e3779b97f4a7c15;
  return <u32>(mixed >> 40);
}
