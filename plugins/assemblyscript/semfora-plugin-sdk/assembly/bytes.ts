/** Characters that JSON is made of. */
export const enum Char {
  Tab = 0x09,
  Newline = 0x0a,
  Return = 0x0d,
  Space = 0x20,
  Quote = 0x22,
  Plus = 0x2b,
  Comma = 0x2c,
  Minus = 0x2d,
  Dot = 0x2e,
  Slash = 0x2f,
  Zero = 0x30,
  Nine = 0x39,
  Colon = 0x3a,
  OpenBracket = 0x5b,
  Backslash = 0x5c,
  CloseBracket = 0x5d,
  OpenBrace = 0x7b,
  CloseBrace = 0x7d,
}

/** Zero bytes behind a document, so that reading eight at a time does not leave it. */
export const PADDING: usize = 8;

/** Text as a document: UTF-8, at the returned address, padded. It stays there. */
export function documentOf(text: string): usize {
  const size = <usize>String.UTF8.byteLength(text);
  const address = heap.alloc(size + PADDING);
  String.UTF8.encodeUnsafe(changetype<usize>(text), text.length, address);
  store<u64>(address + size, 0);
  return address;
}

/** Four ASCII letters as UTF-16. */
// @ts-ignore: decorator
@inline
export function widened(letters: u32): u64 {
  const pairs = (<u64>letters | (<u64>letters << 16)) & 0x0000ffff0000ffff;
  return (pairs | (pairs << 8)) & 0x00ff00ff00ff00ff;
}

/** Makes a string of ASCII letters. */
export function fromAscii(start: usize, length: usize): string {
  const text = __new(length << 1, idof<String>());
  let i: usize = 0;
  for (; i + 4 <= length; i += 4) {
    store<u64>(text + (i << 1), widened(load<u32>(start + i)));
  }
  for (; i < length; ++i) {
    store<u16>(text + (i << 1), load<u8>(start + i));
  }
  return changetype<string>(text);
}

/** Whether ASCII letters are the same as a string. */
export function equalsAscii(text: string, start: usize, length: usize): bool {
  if (<usize>text.length != length) return false;
  const units = changetype<usize>(text);
  let i: usize = 0;
  for (; i + 4 <= length; i += 4) {
    if (load<u64>(units + (i << 1)) != widened(load<u32>(start + i))) return false;
  }
  for (; i < length; ++i) {
    if (load<u16>(units + (i << 1)) != <u16>load<u8>(start + i)) return false;
  }
  return true;
}
