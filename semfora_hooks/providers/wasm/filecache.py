"""Files by key in a folder of the user's cache: compiled plugins and their results.

Compiled code is run as it is, so an entry counts only where nobody else can have written it: the folders and the file
belong to the user and are open to nobody else, and a digest over key and content holds. Whatever is wrong with an entry
makes it a miss. Nothing here raises.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import time
from pathlib import Path
from typing import NamedTuple

from semfora_hooks.index import database
from semfora_hooks.index.database import Unusable

FOLDER = "wasm"
_MAGIC = b"semfora wasm 1\n\0"
_DIGEST = 32
_MARK_SECONDS = 3_600.0  # a use is noted no more often
_LEFTOVER_SECONDS = 3_600.0  # files half written by processes that were killed
_LOW_WATER = 0.9
_FORBIDDEN_BITS = 0o077


class Usage(NamedTuple):
    """What a cache holds: how many entries, and their bytes."""

    entries: int
    size: int


class FileCache:
    """Entries of one kind.

    Args:
        name: The kind, a folder's name.
        cap: Bytes all entries may take; the longest unused ones go first.
        root: A repository, in which nothing is kept.
        folder: The user's cache folder where it is not the usual one.
    """

    def __init__(self, name: str, cap: int, root: Path | None = None, folder: Path | None = None) -> None:
        self._top = folder or database.cache_folder()
        self.folder = self._top / FOLDER / name
        self._cap = cap
        self._root = root
        self._usable: bool | None = None

    def get(self, key: str) -> bytes | None:
        """What was kept under a key, a word of hexadecimal digits; `None` where nothing is that can be believed."""
        if not self._is_usable(create=False):
            return None
        with contextlib.suppress(OSError):
            descriptor = os.open(self.folder / key, os.O_RDONLY | _flag("O_NOFOLLOW") | _flag("O_NONBLOCK"))
            with open(descriptor, "rb") as file:  # noqa: PTH123  a descriptor
                status = os.fstat(descriptor)
                if not (stat.S_ISREG(status.st_mode) and _is_private(status)) or status.st_size > self._cap:
                    return None
                head = file.read(len(_MAGIC) + _DIGEST)
                data = file.read()
            if head == _MAGIC + _digest(key, data):
                if status.st_mtime < time.time() - _MARK_SECONDS:
                    os.utime(self.folder / key)
                return data
        return None

    def put(self, key: str, data: bytes) -> None:
        """Keep something under a key."""
        if len(data) > self._cap // 4 or not self._is_usable(create=True):
            return
        temporary = self.folder / f".{os.urandom(8).hex()}"
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _flag("O_NOFOLLOW"), 0o600)
            with open(descriptor, "wb") as file:  # noqa: PTH123  a descriptor
                file.write(_MAGIC + _digest(key, data))
                file.write(data)
            temporary.replace(self.folder / key)
            self._trim()
        except OSError:
            with contextlib.suppress(OSError):
                temporary.unlink()

    def remove(self, key: str) -> None:
        """Forget what was kept under a key."""
        if self._is_usable(create=False):
            with contextlib.suppress(OSError):
                (self.folder / key).unlink()

    def usage(self) -> Usage:
        """How much there is."""
        found = self._entries() if self._is_usable(create=False) else []
        return Usage(len(found), sum(size for _, size, _ in found))

    def clean(self, *, before: float | None = None) -> Usage:
        """Remove everything, or what was last used before a time in seconds of the epoch; says what went."""
        removed = size = 0
        for _, bytes_of, path in self._entries() if self._is_usable(create=False) else ():
            with contextlib.suppress(OSError):
                if before is None or path.lstat().st_mtime < before:
                    path.unlink()
                    removed, size = removed + 1, size + bytes_of
        return Usage(removed, size)

    def _is_usable(self, *, create: bool) -> bool:
        """Whether the folder is there, and the user's alone."""
        if self._usable is None or (create and not self._usable):
            try:
                database.check_folder(self._top, self._root, create=create)
                for folder in (self._top / FOLDER, self.folder):
                    if create:
                        folder.mkdir(mode=0o700, exist_ok=True)
                    status = folder.lstat()
                    if not stat.S_ISDIR(status.st_mode) or not _is_private(status):
                        raise Unusable(f"{folder} is not the user's alone")
                self._usable = True
            except (OSError, Unusable):
                self._usable = False
        return self._usable

    def _entries(self) -> list[tuple[float, int, Path]]:
        """When each entry was last used, its size and its file; the longest unused first."""
        found = []
        with contextlib.suppress(OSError), os.scandir(self.folder) as items:
            for item in items:
                with contextlib.suppress(OSError):
                    status = item.stat(follow_symlinks=False)
                    found.append((status.st_mtime, status.st_size, Path(item.path)))
        return sorted(found)

    def _trim(self) -> None:
        found = self._entries()
        excess = sum(size for _, size, _ in found) - self._cap
        if excess > 0:
            excess += int(self._cap * (1 - _LOW_WATER))
        for used, size, path in found:
            is_leftover = path.name.startswith(".") and used < time.time() - _LEFTOVER_SECONDS
            if excess > 0 or is_leftover:
                with contextlib.suppress(OSError):
                    path.unlink()
                    excess -= size


def _flag(name: str) -> int:
    return int(getattr(os, name, 0))  # Windows has not all of them


def _is_private(status: os.stat_result) -> bool:
    if not hasattr(os, "getuid"):
        return True
    return status.st_uid == os.getuid() and not status.st_mode & _FORBIDDEN_BITS


def _digest(key: str, data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=_DIGEST, key=key.encode()[:64]).digest()
