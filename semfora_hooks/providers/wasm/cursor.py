"""Reading the encodings that WASM binaries are made of: bytes, LEB128 numbers, names, sections. Never past the end."""

from __future__ import annotations

from collections.abc import Iterator

MAX_ITEMS = 1_000_000
"""What sections and elements of vectors may cost to read: some seconds; real interpreters have some ten thousand."""
MAX_NAME = 100_000
"""Bytes of a name, as in wasmtime."""


class BinaryError(Exception):
    """The bytes are no WASM binary, or one that is cut off or malformed."""


class Budget:
    """How many items may still be read: a hostile binary of 64 MB must not keep us busy."""

    def __init__(self, items: int = MAX_ITEMS) -> None:
        self._items = items

    def spend(self, count: int) -> None:
        """Count items that are about to be read."""
        self._items -= count
        if self._items < 0:
            raise BinaryError("it has more sections and items than any plugin needs")


class Cursor:
    """A position in bytes that never leaves them. All cursors on one binary share what may be read of it."""

    def __init__(self, data: bytes, at: int = 0, end: int | None = None, budget: Budget | None = None) -> None:
        self._data = data
        self._at = at
        self._end = len(data) if end is None else end
        self._budget = budget or Budget()

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
        self._budget.spend(value)
        return value

    def name(self) -> str:
        """A length and so many bytes of UTF-8."""
        start = self._at
        length = self.number()
        if length > MAX_NAME:
            raise BinaryError(f"a name of {length} bytes at byte {start}")
        try:
            return self.take(length).decode()
        except UnicodeDecodeError:
            raise BinaryError(f"a name that is not UTF-8 at byte {start}") from None

    def take(self, length: int) -> bytes:
        """The next bytes."""
        start = self._at
        self.skip(length)
        return self._data[start : self._at]

    def part(self, length: int) -> Cursor:
        """The next bytes as a cursor of their own."""
        start = self._at
        self.skip(length)
        return Cursor(self._data, start, self._at, self._budget)

    def sections(self) -> Iterator[tuple[int, Cursor]]:
        """Id and content of each section."""
        while not self.is_done:
            self._budget.spend(10)  # each costs as much as ten numbers
            number = self.byte()
            yield number, self.part(self.number())
