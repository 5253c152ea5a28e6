"""Files of reports: written whole or not at all."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO


@contextmanager
def replacing(path: Path) -> Iterator[TextIO]:
    """A stream whose text becomes the file `path` when all of it is written, or not at all.

    A symbolic link to a file is replaced, not followed: a repository could have put it there. Devices and pipes are
    written as they are.

    Raises:
        OSError: It cannot be written.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        mode = stat.S_IFREG
    if not stat.S_ISREG(mode):
        with path.open("w", encoding="utf-8", errors="backslashreplace", newline="\n") as stream:
            yield stream
        return
    draft = path.with_name(f".{path.name[:200]}.{os.urandom(6).hex()}.tmp")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
    try:
        handle = os.open(draft, flags, 0o666)
        with open(handle, "w", encoding="utf-8", errors="backslashreplace", newline="\n") as stream:  # noqa: PTH123
            yield stream
        if stat.S_IMODE(mode) and not path.is_symlink():
            draft.chmod(stat.S_IMODE(mode))
        draft.replace(path)
    except BaseException as error:
        with suppress(OSError):
            draft.unlink()
        if isinstance(error, OSError) and error.filename == os.fspath(draft):
            raise OSError(error.errno, error.strerror, os.fspath(path)) from None  # the draft's name helps nobody
        raise
