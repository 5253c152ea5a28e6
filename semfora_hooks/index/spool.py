"""Bytes that are put aside: the first few stay in memory, the others go to a file that has no name.

Large repositories have hundreds of megabytes of facts, each of which is wanted three or four times. A file of ours that
nobody else can open needs no checksums, and goes with the process, however that ends.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import IO

MEMORY_BYTES = 16 << 20
"""What stays in memory; the facts of some three thousand files."""

Ticket = bytes | tuple[int, int]
"""What was put aside itself, or its place in the file and its length."""


class Spool:
    """Takes bytes, and gives them back.

    Where there is no room for a file, or none can be made, everything stays in memory.
    """

    def __init__(self) -> None:
        self._room = MEMORY_BYTES
        self._file: IO[bytes] | None = None
        self._end = 0
        self._is_full = False

    def put(self, data: bytes) -> Ticket:
        """Put `data` aside; what this returns gets it back."""
        if len(data) <= self._room or self._is_full:
            self._room -= len(data)
            return data
        try:
            if self._file is None:
                self._file = _nameless_file()
            self._file.seek(self._end)
            if self._file.write(data) == len(data):
                self._end += len(data)
                return self._end - len(data), len(data)
        except OSError:
            pass
        self._is_full = True  # what was written before can still be read
        return data

    def get(self, ticket: Ticket) -> bytes:
        """What was put aside.

        Raises:
            OSError: The disk fails.
        """
        if isinstance(ticket, bytes):
            return ticket
        assert self._file is not None
        self._file.seek(ticket[0])
        data = self._file.read(ticket[1])
        if len(data) != ticket[1]:
            raise OSError(f"a temporary file in {_folder()} lost what was written to it")
        return data

    def size(self, ticket: Ticket) -> int:
        """The number of bytes that were put aside."""
        return len(ticket) if isinstance(ticket, bytes) else ticket[1]

    def __del__(self) -> None:
        if self._file is not None:
            with suppress(OSError):
                self._file.close()


def _nameless_file() -> IO[bytes]:
    import tempfile  # it takes a while to import, and few repositories need it

    return tempfile.TemporaryFile(buffering=0, prefix="semfora-")


def _folder() -> str:
    import tempfile

    return os.fspath(tempfile.gettempdir())
