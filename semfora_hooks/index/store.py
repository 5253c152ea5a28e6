"""Facts by content hash, in one SQLite file a repository under the user's cache folder.

The store only saves time: every failure of it (no space, a read-only folder, a corrupt file, another program's lock)
means extracting again, never an error and never another answer. A checksum guards each row, and the key holds the
extractor's version, so that no stale fact survives an upgrade.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import sys
from binascii import crc32
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from importlib.machinery import PathFinder
from itertools import islice
from pathlib import Path

import msgspec

from semfora_hooks import __version__
from semfora_hooks.index import database
from semfora_hooks.index.database import Database, Unusable, today
from semfora_hooks.languages.facts import EXTRACTOR_VERSION, FileFacts

_CHUNK = 500  # SQLite's default limit of variables is 999 in old builds
_ROWS_A_TRANSACTION = 2_000  # keeps the log small, and lets other processes have their turn
_DAYS_BETWEEN_MARKS = 6  # a row's last use is noted this rarely; less than `cachefolder.IDLE_DAYS`
_decode = msgspec.msgpack.Decoder(FileFacts).decode


def extractor_key() -> str:
    """What facts depend on besides bytes: our version, the extractor's, the grammars', and Python's `\\w`."""
    grammars = [_version("tree_sitter"), _version("tree_sitter_python")]
    return "-".join([__version__, str(EXTRACTOR_VERSION), *grammars, f"{sys.version_info[0]}.{sys.version_info[1]}"])


@cache
def _version(package: str) -> str:
    """The version of an installed package, by the name of the folder beside it that installers write.

    `importlib.metadata` would say the same, and its import takes longer than the whole lookup of facts.
    """
    spec = PathFinder.find_spec(package)
    if spec is not None and spec.origin is not None:
        with contextlib.suppress(OSError), os.scandir(Path(spec.origin).parents[1]) as beside:
            found = [entry.name for entry in beside if entry.name.startswith(f"{package}-")]
            if len(found) == 1 and found[0].endswith(".dist-info"):
                return found[0].removeprefix(f"{package}-").removesuffix(".dist-info")
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package.replace("_", "-"))
    except PackageNotFoundError:
        return "?"


def checksum_of(oid: str, language: str, key: str, data: bytes) -> int:
    """A row's checksum. It covers the key as well: a damaged tree can put a row in another's place."""
    return crc32(data, crc32(f"{oid} {language} {key}".encode("utf-8", "surrogatepass")))


class FactStore:
    """The facts known for one repository, shared by its worktrees and branches.

    Other modules may keep tables of their own in the same file, over `connection`. Rows of `blob` keep their `id` while
    they live, ids are never used twice, and rows disappear when the cache is full.

    Args:
        root: The repository.
        folder: Where databases live; the user's cache where `None`.

    Attributes:
        problem: Why nothing is cached, or `None`.
        mended: What was found there was no database of ours, or a damaged one, and was replaced or removed.
    """

    def __init__(self, root: Path, folder: Path | None = None) -> None:
        self._database: Database | None = None
        self._unmarked: set[int] = set()
        self.problem: str | None = None
        self.mended = False
        try:
            self._key = extractor_key()
            folder = folder or database.cache_folder()
            read_only = folder.is_dir() and not os.access(folder, os.W_OK)
            database.check_folder(folder, root, create=not read_only)
            shared = database.shared_folder(root)
            repository = shared.parent if shared.name == ".git" else shared
            self._database = database.open_database(database.database_path(shared, folder), repository)
            self.mended = self._database.mended
            if self._database.altered and not self._database.read_only:
                self.forget_others()
        except (OSError, sqlite3.Error, Unusable) as error:
            self.problem = str(error)

    def forget_others(self) -> None:
        """Drop what other modules keep, where it cannot be believed.

        A garbage page can hide rows, which no checksum of theirs shows; and from wrong facts follow wrong answers.
        """
        connection = self.connection
        if connection is None or self.read_only:
            return
        try:
            connection.execute("BEGIN IMMEDIATE")
            tables = connection.execute(
                "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT IN ('meta', 'blob') "
                "AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
            ).fetchall()
            for (name,) in tables:
                quoted = name.replace('"', '""')
                connection.execute(f'DROP TABLE "{quoted}"')
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            self.give_up(error)

    @property
    def connection(self) -> sqlite3.Connection | None:
        """The open database in autocommit mode, for tables of other modules; `None` once it was given up.

        Writers start with `BEGIN IMMEDIATE`: a deferred transaction cannot wait for its lock.
        """
        if self._database is None or (self._database.read_only and self._database.altered):
            return None  # rows of facts have checksums; what others keep cannot be believed
        return self._database.connection

    @property
    def read_only(self) -> bool:
        """Whether nothing can be written: the folder is read-only, or there is no database."""
        return self._database is None or self._database.read_only

    def load(self, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], FileFacts]:
        """The facts of those of `keys` (content hash, language) that are known and intact."""
        return {key: facts for key, _, facts in self.rows(keys)}

    def rows(self, keys: Sequence[tuple[str, str]]) -> Iterator[tuple[tuple[str, str], bytes, FileFacts]]:
        """The same one by one, each with its encoded form."""
        if self._database is None:
            return
        old = today() - _DAYS_BETWEEN_MARKS
        try:
            for chunk in _chunks(sorted({oid for oid, _ in keys}), _CHUNK):
                marks = ",".join("?" * len(chunk))
                rows = self._database.connection.execute(
                    "SELECT id, oid, language, used, checksum, facts FROM blob "  # noqa: S608
                    f"WHERE oid IN ({marks}) AND version = ?",
                    (*chunk, self._key),
                )
                for row, oid, language, used, checksum, data in rows:
                    if isinstance(data, bytes) and checksum_of(oid, language, self._key, data) == checksum:
                        try:
                            facts = _decode(data)
                        except msgspec.MsgspecError:
                            continue
                        if isinstance(used, int) and used < old:
                            self._unmarked.add(row)
                        yield (oid, language), data, facts
        except sqlite3.Error as error:
            self.give_up(error)

    def save(self, rows: Iterable[tuple[str, str, bytes]]) -> None:
        """Keep encoded facts by content hash and language."""
        if self._database is None or self._database.read_only:
            return
        connection = self._database.connection
        pending = iter(sorted(rows))
        day = today()
        try:
            while part := list(islice(pending, _ROWS_A_TRANSACTION)):
                connection.execute("BEGIN IMMEDIATE")
                connection.executemany(
                    "INSERT INTO blob (oid, language, version, used, checksum, facts) VALUES (?, ?, ?, ?, ?, ?) "
                    "ON CONFLICT DO UPDATE "
                    "SET used = excluded.used, checksum = excluded.checksum, facts = excluded.facts",
                    (
                        (oid, language, self._key, day, checksum_of(oid, language, self._key, data), data)
                        for oid, language, data in part
                    ),
                )
                connection.execute("COMMIT")
        except sqlite3.Error as error:
            self.give_up(error)

    def give_up(self, error: sqlite3.Error) -> None:
        """Go on without a cache; a database that is damaged is removed, so that the next run starts a new one."""
        if self._database is None:
            return
        self.problem = str(error)
        path, read_only = self._database.path, self._database.read_only
        self._close()
        if database.is_damage(error) and not read_only:
            self.mended = True
            with contextlib.suppress(OSError):
                database.remove_database(path)  # not while others use it: the last one of them will

    def close(self) -> None:
        """Let go of the database; everything is a miss from here on. After a run that wrote, the cache is trimmed."""
        if self._database is None:
            return
        connection, path = self._database.connection, self._database.path
        must_go = False
        try:
            if self._unmarked and not self._database.read_only:
                self._mark_used(connection)
            if connection.total_changes and not connection.in_transaction:
                from semfora_hooks.index import cachefolder

                must_go = cachefolder.trim(connection, path, cachefolder.cap())
        except sqlite3.Error as error:
            self.give_up(error)
        self._close()
        if must_go:
            with contextlib.suppress(OSError):
                database.remove_database(path)

    def _mark_used(self, connection: sqlite3.Connection) -> None:
        """Note that old rows were used, so that the cache keeps them; once a week for each."""
        rows = [(today(), row) for row in sorted(self._unmarked)]
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("UPDATE blob SET used = ? WHERE id = ?", rows)
        connection.execute("COMMIT")

    def _close(self) -> None:
        if self._database is not None:
            self._database.close()
            self._database = None


def _chunks(items: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
