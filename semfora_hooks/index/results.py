"""What rules said of a whole snapshot, kept beside its facts: while nothing changes, nothing is linked or judged again.

The key must hold everything that the findings depend on; `code_stamp` is the part of it that is this program.
"""

from __future__ import annotations

import os
import sqlite3
from binascii import crc32
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

from semfora_hooks.index.store import FactStore

_KEPT = 6
"""Results kept for a repository: a few branches, selections of rules and Pythons."""
_MAX_BYTES = 64 << 20

# What is large comes last: SQLite would otherwise put the row together in memory.
_TABLE = "CREATE TABLE IF NOT EXISTS result (key TEXT PRIMARY KEY, checksum INTEGER, used INTEGER, data BLOB)"
_INSERT = "INSERT OR REPLACE INTO result (key, checksum, used, data) VALUES (?, ?, ?, zeroblob(?))"


def load_result(store: FactStore, key: str) -> bytes | None:
    """What was kept under a key, if it is there and intact."""
    if store.connection is None:
        return None
    try:
        row = store.connection.execute("SELECT data, checksum FROM result WHERE key = ?", (key,)).fetchone()
    except sqlite3.OperationalError:  # no such table, or busy
        return None
    except sqlite3.Error as error:
        store.give_up(error)
        return None
    if row is None or not isinstance(row[0], bytes) or _checksum(key, row[0]) != row[1]:
        return None
    return row[0]


def save_result(store: FactStore, key: str, parts: Callable[[], Iterable[bytes]]) -> None:
    """Keep something under a key, instead of what was kept longest ago.

    Args:
        store: Where.
        key: The key.
        parts: Gives it in pieces, the same ones each time: all of it need not be in memory.
    """
    if store.read_only or store.connection is None:
        return
    size, checksum = 0, _checksum(key, b"")
    for part in parts():
        size, checksum = size + len(part), crc32(part, checksum)
    if size > _MAX_BYTES:
        return
    connection = store.connection
    try:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(_TABLE)
        (newest,) = connection.execute("SELECT coalesce(max(used), 0) FROM result").fetchone()
        row = connection.execute(_INSERT, (key, checksum, newest + 1, size)).lastrowid
        assert row is not None
        with connection.blobopen("result", "data", row) as blob:
            for part in parts():
                blob.write(part)
        connection.execute(
            "DELETE FROM result WHERE key NOT IN (SELECT key FROM result ORDER BY used DESC LIMIT ?)", (_KEPT,)
        )
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        store.give_up(error)


def remove_results(store: FactStore) -> None:
    """Forget all results."""
    if store.read_only or store.connection is None:
        return
    try:
        store.connection.execute("DROP TABLE IF EXISTS result")
    except sqlite3.Error as error:
        store.give_up(error)


def _checksum(key: str, data: bytes) -> int:
    return crc32(data, crc32(key.encode()))


@cache
def code_stamp() -> str:
    """The size and the time of each of our modules: a change of the program is another program, its version aside."""
    package = Path(__file__).parent.parent
    found = []
    folders = [os.fspath(package)]
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    if entry.name != "__pycache__":
                        folders.append(entry.path)
                elif entry.name.endswith((".py", ".scm")):
                    status = entry.stat()
                    found.append((os.path.relpath(entry.path, package), status.st_size, status.st_mtime_ns))
    return repr(sorted(found))
