"""Facts by content hash, in one SQLite file a repository under the user's cache folder.

The store only saves time: every failure of it (no space, a read-only folder, a corrupt file, another program's lock)
means extracting again, never an error and never another answer. A checksum guards each row, and the key holds the
extractor's version, so that no stale fact survives an upgrade.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
import sys
from binascii import crc32
from collections.abc import Iterable, Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec

from semfora_hooks import __version__
from semfora_hooks.languages.facts import EXTRACTOR_VERSION, FileFacts

_CHUNK = 500  # SQLite's default limit of variables is 999 in old builds
_decode = msgspec.msgpack.Decoder(FileFacts).decode


def cache_folder() -> Path:
    """The user's cache folder for semfora-hooks; `SEMFORA_CACHE_DIR` overrides the platform's choice."""
    override = os.environ.get("SEMFORA_CACHE_DIR")
    if override:
        return Path(override)
    import platformdirs

    return Path(platformdirs.user_cache_dir("semfora-hooks", appauthor=False))


def extractor_key() -> str:
    """What facts depend on besides bytes: our version, the extractor's, the grammars', and Python's `\\w`."""
    grammars = []
    for name in ("tree-sitter", "tree-sitter-python"):
        try:
            grammars.append(version(name))
        except PackageNotFoundError:
            grammars.append("?")
    return "-".join([__version__, str(EXTRACTOR_VERSION), *grammars, f"{sys.version_info[0]}.{sys.version_info[1]}"])


class FactStore:
    """The facts known for one repository.

    Args:
        root: The repository; worktrees of one clone are different roots, and share nothing yet.
        folder: Where databases live; the user's cache where `None`.
    """

    def __init__(self, root: Path, folder: Path | None = None) -> None:
        self._connection: sqlite3.Connection | None = None
        try:
            folder = folder or cache_folder()
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if hasattr(os, "getuid") and folder.stat().st_uid != os.getuid():
                return  # another user could write what we would trust
            name = hashlib.sha256(os.fsencode(root)).hexdigest()[:24]
            self._path = folder / f"{name}.sqlite"
            self._connection = self._open(self._path)
            self._key = extractor_key()
        except (OSError, sqlite3.Error):
            self._connection = None

    @staticmethod
    def _open(path: Path) -> sqlite3.Connection:
        try:
            return _connect(path)
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError:  # not a database: start over
            _remove(path)
            return _connect(path)

    def load(self, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], FileFacts]:
        """The facts of those of `keys` (content hash, language) that are known and intact."""
        found: dict[tuple[str, str], FileFacts] = {}
        if self._connection is None:
            return found
        try:
            for chunk in _chunks(sorted({oid for oid, _ in keys}), _CHUNK):
                marks = ",".join("?" * len(chunk))
                rows = self._connection.execute(
                    f"SELECT oid, language, facts, checksum FROM blob WHERE oid IN ({marks}) AND version = ?",  # noqa: S608
                    (*chunk, self._key),
                )
                for oid, language, data, checksum in rows:
                    if isinstance(data, bytes) and crc32(data) == checksum:
                        with contextlib.suppress(msgspec.MsgspecError):
                            found[oid, language] = _decode(data)
        except sqlite3.Error as error:
            self._give_up(error)
        return found

    def save(self, rows: Iterable[tuple[str, str, bytes]]) -> None:
        """Keep encoded facts by content hash and language."""
        if self._connection is None:
            return
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.executemany(
                "INSERT OR REPLACE INTO blob VALUES (?, ?, ?, ?, ?)",
                ((oid, language, self._key, data, crc32(data)) for oid, language, data in sorted(rows)),
            )
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            self._give_up(error)

    def _give_up(self, error: sqlite3.Error) -> None:
        """Close; and remove a database that is damaged, so that the next run starts a new one."""
        self.close()
        if type(error) is sqlite3.DatabaseError:  # its subclasses mean something else
            with contextlib.suppress(OSError):
                _remove(self._path)

    def close(self) -> None:
        """Let go of the database; everything is a miss from here on."""
        if self._connection is not None:
            with contextlib.suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None


def _connect(path: Path) -> sqlite3.Connection:
    """An open database with its table; closed again if it cannot be used."""
    connection = sqlite3.connect(path, timeout=2.0, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute(
            "CREATE TABLE IF NOT EXISTS blob (oid TEXT, language TEXT, version TEXT, facts BLOB, checksum INTEGER, "
            "PRIMARY KEY (oid, language, version)) WITHOUT ROWID"
        )
    except sqlite3.DatabaseError:
        connection.close()
        raise
    return connection


def _remove(path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def _chunks(items: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
