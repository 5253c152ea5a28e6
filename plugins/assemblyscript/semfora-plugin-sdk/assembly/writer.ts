import { Char } from "./bytes";

/** Writes JSON in UTF-8. */
export class JsonWriter {
  /** What cannot be written. */
  error: string | null = null;
  /** Where the document stands, and its length in bytes. */
  start: usize;
  length: usize = 0;

  private capacity: usize = 1024;

  constructor() {
    this.start = heap.alloc(this.capacity);
  }

  /** The document as a string. */
  toString(): string {
    return String.UTF8.decodeUnsafe(this.start, this.length);
  }

  /** A character of ASCII. */
  put(letter: Char): void {
    this.reserve(1);
    store<u8>(this.start + this.length++, <u8>letter);
  }

  /** Bytes as they are. */
  putBytes(from: usize, length: usize): void {
    this.reserve(length);
    memory.copy(this.start + this.length, from, length);
    this.length += length;
  }

  /** ASCII as it is. */
  putAscii(text: string): void {
    const length = text.length;
    this.reserve(length);
    const to = this.start + this.length;
    for (let i = 0; i < length; ++i) {
      store<u8>(to + i, <u8>text.charCodeAt(i));
    }
    this.length += length;
  }

  /** A text, quoted. Half of a surrogate pair becomes U+FFFD. */
  putText(text: string): void {
    this.reserve(<usize>text.length * 6 + 2);
    let to = this.start + this.length;
    store<u8>(to++, Char.Quote);
    for (let from = changetype<usize>(text), end = from + (<usize>text.length << 1); from < end; from += 2) {
      const unit = <u32>load<u16>(from);
      if (unit < 0x80) {
        to = putLetter(to, unit);
      } else if (isHighSurrogate(unit) && from + 2 < end && isLowSurrogate(load<u16>(from, 2))) {
        from += 2;
        to = putPoint(to, 0x10000 + ((unit - 0xd800) << 10) + (<u32>load<u16>(from) - 0xdc00));
      } else {
        to = putPoint(to, (unit & 0xf800) == 0xd800 ? 0xfffd : unit);
      }
    }
    store<u8>(to++, Char.Quote);
    this.length = to - this.start;
  }

  /** A number, which must be finite. */
  putNumber(number: f64): void {
    if (!isFinite(number)) {
      this.error = "a number is not finite";
    } else if (number == Math.trunc(number) && Math.abs(number) < 1e15) {
      this.putAscii((<i64>number).toString());
    } else {
      this.putAscii(number.toString());
    }
  }

  private reserve(more: usize): void {
    if (this.length + more <= this.capacity) return;
    this.capacity = max(this.capacity * 2, this.length + more);
    this.start = heap.realloc(this.start, this.capacity);
  }
}

function isHighSurrogate(unit: u32): bool {
  return (unit & 0xfc00) == 0xd800;
}

function isLowSurrogate(unit: u32): bool {
  return (unit & 0xfc00) == 0xdc00;
}

/** Writes a letter of ASCII as it stands in a text, and gives the address behind it. */
function putLetter(to: usize, letter: u32): usize {
  if (letter == Char.Quote || letter == Char.Backslash) {
    store<u8>(to++, Char.Backslash);
  } else if (letter < 0x20) {
    store<u32>(to, 0x3030755c); // \u00
    store<u8>(to, Char.Zero + (letter >> 4), 4);
    const digit = letter & 15;
    store<u8>(to, digit < 10 ? Char.Zero + digit : 0x57 + digit, 5);
    return to + 6;
  }
  store<u8>(to, letter);
  return to + 1;
}

/** Writes a character beyond ASCII, and gives the address behind it. */
function putPoint(to: usize, point: u32): usize {
  const more: u32 = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
  store<u8>(to++, ((0xff00 >> (more + 1)) & 0xff) | (point >> (6 * more)));
  for (let i = more; i > 0; ) {
    --i;
    store<u8>(to++, 0x80 | ((point >> (6 * i)) & 0x3f));
  }
  return to;
}
