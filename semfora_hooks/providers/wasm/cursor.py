"""Reading the encodings that WASM binaries are made of: bytes, LEB128 numbers, names, sections. Never past the end."""

from __future__ import annotations

from collections.abc import Iterator


class BinaryError(Exception):
    """The bytes are no WASM binary, or one that is cut off or malformed."""


class Cursor:
    """A position in bytes that never leaves them."""

    def __init__(self, data: bytes, at: int = 0, end: int | None = None) -> None:
        self._data = data
        self._at = at
        self._end = len(data) if end is None else end

    @property
    def is_done(self) -> bool:
        """Whether nothing is left."""
        return self._at >= self._end

    def skip(self, count: int) -> Cursor:
        """Step over bytes."""
        if count > self._end - self._at:
            raise BinaryError(f"cut off or malformed at byte {self._at}")
        self._at += count
        return self

    def byte(self) -> int:
        """The next byte."""
        self.skip(1)
        return self._data[self._at - 1]

    def number(self, bits: int = 32) -> int:
        """An unsigned LEB128 number."""
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
            if shift >= bits + 7:
                raise BinaryError(f"a number that is too long at byte {self._at}")
        if value >> bits:
            raise BinaryError(f"a number that is too large at byte {self._at}")
        return value

    def count(self, most: int, what: str) -> int:
        """The length of a vector."""
        value = self.number()
        if value > most:
            raise BinaryError(f"{value} {what}; at most {most} are read")
        return value

    def name(self) -> str:
        """A length and so many bytes of UTF-8."""
        length = self.number()
        start = self._at
        self.skip(length)
        try:
            return self._data[start : self._at].decode()
        except UnicodeDecodeError:
            raise BinaryError(f"a name that is not UTF-8 at byte {start}") from None

    def part(self, length: int) -> Cursor:
        """The next bytes as a cursor of their own."""
        start = self._at
        self.skip(length)
        return Cursor(self._data, start, self._at)

    def sections(self) -> Iterator[tuple[int, Cursor]]:
        """Id and content of each section."""
        while not self.is_done:
            number = self.byte()
            yield number, self.part(self.number())

    def magic(self) -> bytes:
        """The first eight bytes of a binary."""
        start = self._at
        self.skip(8)
        return self._data[start : self._at]
