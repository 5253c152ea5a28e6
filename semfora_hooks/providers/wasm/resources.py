"""How much memory this process has, and keeping it from having more. Worker side; elsewhere than on Linux, a no-op."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

_STATM = Path("/proc/self/statm")
_DATA = 5
"""Position of the pages of private, writable memory in `_STATM`: what `RLIMIT_DATA` counts, and the stack."""


def private_bytes() -> int:
    """Private, writable memory of this process, in bytes; 0 where the system does not tell."""
    try:
        return int(_STATM.read_bytes().split()[_DATA]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0


@contextlib.contextmanager
def bounded_growth(allowed: int) -> Iterator[None]:
    """Let this process allocate at most `allowed` more bytes for a while: more is refused by the system.

    For the whole process, so only where one guest at a time runs in it.
    """
    now = private_bytes()
    try:
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
        limit = now + allowed
        if now and (soft == resource.RLIM_INFINITY or limit < soft):
            resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))
    except (ImportError, OSError, ValueError):
        yield
        return
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))
