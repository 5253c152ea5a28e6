"""Memory that host and worker share: contexts and compiled code go through it, not through a pipe, in one copy.

The host only writes and reads it through its descriptor, so that a worker gone wrong, which may cut it off, cannot make
the host touch memory that is not there. The worker imports this too, so it uses the standard library alone.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import mmap

KEPT_BYTES = 64 << 20
"""What stays allocated between uses; pages that are there already are written faster than new ones."""
_PAGES = 1 << 20
_BATCH = 512  # buffers a call; the system's limit is 1024


def is_available() -> bool:
    """Whether this system has anonymous files that a child can inherit; elsewhere pipes carry everything."""
    return hasattr(os, "memfd_create") and hasattr(os, "pwritev")


class Sender:
    """The host's end.

    Attributes:
        descriptor: What the worker must inherit.
    """

    def __init__(self) -> None:
        self.descriptor = os.memfd_create("semfora-wasm", os.MFD_CLOEXEC)
        self._size = 0

    def write(self, chunks: Sequence[bytes]) -> int:
        """Put chunks one after another at the start; their bytes together.

        Raises:
            OSError: There is no memory left.
        """
        total = sum(map(len, chunks))
        self.reserve(total)
        at = 0
        for first in range(0, len(chunks), _BATCH):
            rest: list[memoryview | bytes] = [chunk for chunk in chunks[first : first + _BATCH] if chunk]
            while rest:
                written = os.pwritev(self.descriptor, rest, at)
                at += written
                while rest and written >= len(rest[0]):
                    written -= len(rest.pop(0))
                if written:
                    rest[0] = memoryview(rest[0])[written:]
        return total

    def reserve(self, size: int) -> None:
        """Make it at least so large, so that the worker can map it."""
        if size > self._size:
            self._size = -(-size // _PAGES) * _PAGES
            os.ftruncate(self.descriptor, self._size)

    def read(self, size: int) -> bytes:
        """The first bytes; fewer where the worker has cut it off."""
        parts = []
        at = 0
        while at < size and (part := os.pread(self.descriptor, min(size - at, 1 << 30), at)):
            parts.append(part)
            at += len(part)
        return b"".join(parts)

    def shrink(self) -> None:
        """Give back what is large."""
        if self._size > KEPT_BYTES:
            os.ftruncate(self.descriptor, 0)
            self._size = 0

    def close(self) -> None:
        """Give back everything."""
        os.close(self.descriptor)


class Receiver:
    """The worker's end.

    Args:
        descriptor: As inherited.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._map: mmap.mmap | None = None

    def view(self, size: int) -> Any:
        """The first bytes as an array of `ctypes`, not a copy.

        Raises:
            OSError: The host did not reserve as much.
        """
        import ctypes  # these two are the worker's alone
        import mmap

        if not size:
            return (ctypes.c_char * 0)()
        if self._map is None or len(self._map) < size:
            whole = os.fstat(self._descriptor).st_size
            if whole < size:
                raise OSError(f"{whole} bytes are shared, {size} were announced")
            self._map = mmap.mmap(self._descriptor, whole)
        return (ctypes.c_char * size).from_buffer(self._map)

    def write(self, data: bytes | bytearray) -> None:
        """Put bytes at the start, for the host to read."""
        os.ftruncate(self._descriptor, max(len(data), os.fstat(self._descriptor).st_size))
        at = 0
        rest = memoryview(data)
        while at < len(data):
            at += os.pwrite(self._descriptor, rest[at : at + (1 << 30)], at)
