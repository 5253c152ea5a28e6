"""The cache folder as a whole: what is in it, how large it may become, and what goes first when it is full."""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from semfora_hooks.index import database
from semfora_hooks.index.database import Unusable, today

DEFAULT_CAP = 2 << 30
"""Bytes that all databases of a user may take together."""

IDLE_DAYS = 7
"""What was not used for longer goes first. A row's last use is noted no more often than that."""

_LOW_WATER = 0.9  # of the cap; so that a full cache is not trimmed in every run
_DAY = 86_400
_NAME = re.compile(r"[0-9a-f]{24}(-v\d+)?\.sqlite")
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?", re.IGNORECASE)
_ROWS_A_DELETE = 500


class Entry(msgspec.Struct, frozen=True):
    """A repository's database.

    Attributes:
        path: Its file, which may be gone while others that belong to it are still there.
        size: Bytes of all of them.
        used: When it was last used, in seconds of the epoch, to the day.
    """

    path: Path
    size: int
    used: float


class Contents(msgspec.Struct, frozen=True):
    """What a database holds.

    Attributes:
        repository: Whose facts they are; `None` where that cannot be read.
        rows: Facts of files; `None` where they cannot be read.
        stale: Those of other versions of the extractor.
        problem: Why something cannot be read, or `None`.
    """

    repository: str | None
    rows: int | None = None
    stale: int | None = None
    problem: str | None = None


def parse_size(text: str) -> int:
    """Bytes of `512 MiB`, `1G` or `1000`; units are powers of 1024.

    Raises:
        ValueError: It is no size.
    """
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is no size; write it like 512M or 2G")
    return int(float(match[1]) * 1024 ** " KMGT".index(match[2].upper() or " "))


def cap() -> int:
    """Bytes the cache may take: `SEMFORA_CACHE_SIZE`, or the default where that is not set or no size."""
    with contextlib.suppress(ValueError):
        return parse_size(os.environ["SEMFORA_CACHE_SIZE"]) if os.environ.get("SEMFORA_CACHE_SIZE") else DEFAULT_CAP
    return DEFAULT_CAP


def entries(folder: Path) -> list[Entry]:
    """The databases in a folder, the longest unused first; nothing else in it is looked at."""
    sizes: dict[str, int] = {}
    used: dict[str, float] = {}
    with contextlib.suppress(OSError), os.scandir(folder) as found:
        for item in found:
            stem = re.sub(r"\.(lock|sqlite(-wal|-shm|-journal)?)$", ".sqlite", item.name)
            if not _NAME.fullmatch(stem):
                continue
            with contextlib.suppress(OSError):
                status = item.stat(follow_symlinks=False)
                sizes[stem] = sizes.get(stem, 0) + status.st_size
                if not item.name.endswith("-shm"):  # written by readers of every kind
                    used[stem] = max(used.get(stem, 0.0), status.st_mtime)
    return sorted(
        (Entry(folder / stem, size, used.get(stem, 0.0)) for stem, size in sizes.items()),
        key=lambda entry: (entry.used, entry.path),
    )


def contents(path: Path, key: str) -> Contents:
    """Look into a database without changing it.

    Args:
        path: The file.
        key: The current `store.extractor_key`.
    """
    repository = None
    try:
        with contextlib.closing(database.connect_read_only(path)) as connection:
            row = connection.execute("SELECT value FROM meta WHERE key = 'repository'").fetchone()
            if row is not None and isinstance(row[0], bytes):
                repository = row[0].decode("utf-8", "backslashreplace")
            counts = "SELECT count(*), count(*) FILTER (WHERE version IS NOT ?) FROM blob"
            rows, stale = connection.execute(counts, (key,)).fetchone()
            return Contents(repository, rows, stale)
    except (OSError, sqlite3.Error, Unusable) as error:
        return Contents(repository, problem=str(error))


def trim(connection: sqlite3.Connection, path: Path, limit: int) -> bool:
    """Make room where the cache is too large: idle databases first, then idle rows of this one, then the rest.

    Args:
        connection: The database of this run.
        path: Its file.
        limit: Bytes that all databases may take.

    Returns:
        Whether this database has to be removed as a whole: what it holds besides facts is too much alone.

    Raises:
        sqlite3.Error: This database cannot be written.
    """
    if _total(path.parent) <= limit:
        return False
    _checkpoint(connection)  # the log of a large transaction is as large as the database
    excess = _total(path.parent) - int(limit * _LOW_WATER)
    others = [entry for entry in entries(path.parent) if entry.path != path]
    excess -= _remove(others, excess, before=time.time() - IDLE_DAYS * _DAY)
    excess -= _drop_rows(connection, excess, before=today() - IDLE_DAYS)
    excess -= _remove(others, excess, before=time.time() + _DAY)
    _drop_rows(connection, excess, before=today() + 1)
    return _size(connection) > limit


def _total(folder: Path) -> int:
    return sum(entry.size for entry in entries(folder))


def _remove(others: list[Entry], excess: int, before: float) -> int:
    """Remove databases nobody uses now until `excess` bytes are freed; the number of bytes that are."""
    freed = 0
    for entry in others:
        if freed >= excess or entry.used >= before:
            break
        with contextlib.suppress(OSError):
            if database.remove_database(entry.path):
                freed += entry.size
    return freed


def _drop_rows(connection: sqlite3.Connection, excess: int, before: int) -> int:
    """Delete the longest unused rows until `excess` bytes are freed; the number of bytes that are.

    Of equally old ones always the same go, so that a repository larger than the cap keeps finding the others.
    """
    if excess <= 0:
        return 0
    size = _size(connection)
    rows = connection.execute("SELECT id, length(facts) FROM blob WHERE used < ? ORDER BY used, oid", (before,))
    freed = 0
    doomed: list[tuple[int]] = []
    for row, length in rows:
        if freed >= excess:
            break
        freed += (length or 0) + 200  # estimated: its key stands in the table and in the index
        doomed.append((row,))
    rows.close()  # an open one locks the table
    for part in _parts(doomed):
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("DELETE FROM blob WHERE id = ?", part)
        connection.execute("COMMIT")
    connection.executescript("PRAGMA incremental_vacuum")  # `execute` would free a single page
    _checkpoint(connection)
    return size - _size(connection)


def _parts(rows: list[tuple[int]]) -> Iterator[list[tuple[int]]]:
    for start in range(0, len(rows), _ROWS_A_DELETE):
        yield rows[start : start + _ROWS_A_DELETE]


def _checkpoint(connection: sqlite3.Connection) -> None:
    """Move the log into the database and make it empty, as far as other processes allow."""
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def _size(connection: sqlite3.Connection) -> int:
    """Bytes of the database file, without its log."""
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    (size,) = connection.execute("PRAGMA page_size").fetchone()
    return int(pages) * int(size)
