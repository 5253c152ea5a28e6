"""One commit's linked index, kept in the user's cache: each file's link and inverted tables over all files.

It lives in the repository's database beside the facts. There is one for a repository; runs about other commits tell
theirs as a difference (`view.View`). What is read is checked: a damaged or missing row raises `StaleStateError`, and
the run does the whole work instead.
"""

from __future__ import annotations

import sqlite3
from binascii import crc32
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import msgspec

from semfora_hooks.index.entries import FileEntry, Window
from semfora_hooks.index.facttable import FactTable
from semfora_hooks.index.filelink import FileLink
from semfora_hooks.index.modules import module_name
from semfora_hooks.index.store import FactStore
from semfora_hooks.languages.facts import FileFacts

STATE_VERSION = 1
"""Raise it when a table or the meaning of a column changes."""
_CHUNK = 500

TABLES = {
    "link_meta": "key TEXT PRIMARY KEY, value TEXT",
    "link_file": "id INTEGER PRIMARY KEY, path TEXT UNIQUE, digest TEXT, language TEXT, module TEXT, data BLOB, "
    "checksum INTEGER",
    "link_definition": "bare TEXT, file INTEGER, name TEXT, symbols INTEGER, methods INTEGER, "
    "PRIMARY KEY (bare, name, file)",
    "link_band": "hash INTEGER, file INTEGER, symbol INTEGER, digest INTEGER, PRIMARY KEY (hash, file, symbol)",
    "link_body": "digest INTEGER, file INTEGER, symbol INTEGER, PRIMARY KEY (digest, file, symbol)",
    "link_dependency": "key INTEGER, file INTEGER, PRIMARY KEY (key, file)",
    "link_reference": "callee INTEGER, caller INTEGER, PRIMARY KEY (callee, caller)",
    "link_import": "module TEXT, file INTEGER, PRIMARY KEY (module, file)",
    "link_constructor": "class TEXT, init TEXT, file INTEGER, PRIMARY KEY (class, init, file)",
    "link_orphan": "file INTEGER, name TEXT, PRIMARY KEY (file, name)",
    "link_mention": "name TEXT PRIMARY KEY, count INTEGER",
    "link_fragment": "name TEXT PRIMARY KEY, count INTEGER",
    "link_tally": "rule TEXT, word TEXT, count INTEGER, PRIMARY KEY (rule, word)",
    "link_problem": "file TEXT, reason TEXT, is_file INTEGER, PRIMARY KEY (file, reason, is_file)",
}
"""Inverted tables: who defines a name, which bodies share a hash, who depends on what, who calls into a file…"""


class StaleStateError(Exception):
    """What is stored cannot answer: it is missing, damaged, made for other settings, or too far away."""


class NoStateError(StaleStateError):
    """There is no state for these settings, or it was damaged; a new one can be made."""


class MovedStateError(NoStateError):
    """Another process made it the state of another commit; reading again will do."""


class SymbolCounts(NamedTuple):
    """What the call graph says of one symbol: distinct callers, call sites, and whether it calls itself."""

    fan_in: int = 0
    sites: int = 0
    is_recursive: bool = False


class StoredFile(msgspec.Struct, array_like=True):
    """What is kept of one file. `counts` are those of its symbols, in their order."""

    link: FileLink
    counts: list[SymbolCounts]


class FileRow(NamedTuple):
    """A file of the state."""

    id: int
    path: str
    digest: str
    language: str
    module: str


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(StoredFile).decode


class State:
    """The state of a repository, open for reading.

    Args:
        store: The repository's facts, and the database.
        key: What links depend on besides files: versions and configuration.

    Raises:
        NoStateError: There is none for `key`.
    """

    def __init__(self, store: FactStore, key: str) -> None:
        if store.connection is None:
            raise NoStateError("no database")
        self._store = store
        self.connection = store.connection
        try:
            meta = dict(self.connection.execute("SELECT key, value FROM link_meta"))
        except sqlite3.Error as error:
            raise NoStateError(str(error)) from None
        if meta.get("key") != key:
            raise NoStateError("made with other settings")
        self.key = key
        self.tree: str = meta["tree"]
        self.prefix: str = meta["prefix"]
        self.roots: tuple[str, ...] = tuple(msgspec.json.decode(meta["roots"], type=list[str]))
        self.files = int(meta["files"])
        self.symbols = int(meta["symbols"])
        self.tallied = frozenset(msgspec.json.decode(meta["tallies"], type=list[str]))
        self._rows: dict[str, FileRow | None] = {}
        self._by_id: dict[int, FileRow] = {}
        self._entries: dict[str, FileEntry] = {}
        self._stored: dict[str, StoredFile] = {}

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Read it as it is now, whatever other processes write meanwhile.

        Raises:
            MovedStateError: Another process has changed it since it was opened.
        """
        self.query("BEGIN")
        try:
            meta = {str(name): value for name, value in self.query("SELECT key, value FROM link_meta")}
            if (meta.get("key"), meta.get("tree")) != (self.key, self.tree):
                raise MovedStateError("another process changed it")
            yield
        finally:
            if self._store.connection is not None:
                self.query("ROLLBACK")

    def query(self, sql: str, *arguments: object) -> list[tuple[object, ...]]:
        """Rows of a query.

        Raises:
            StaleStateError: The database cannot answer.
        """
        try:
            return self.connection.execute(sql, arguments).fetchall()
        except sqlite3.Error as error:
            self._store.give_up(error)
            raise StaleStateError(str(error)) from None

    def query_in(self, sql: str, values: Iterable[object], *arguments: object) -> Iterator[tuple[object, ...]]:
        """Rows of a query with `IN (?)` after `arguments`, for any number of values."""
        ordered = list(values)
        for start in range(0, len(ordered), _CHUNK):
            part = ordered[start : start + _CHUNK]
            yield from self.query(sql.replace("(?)", f"({','.join('?' * len(part))})"), *arguments, *part)

    # ------------------------------------------------------------------------------------------------------- files

    def row(self, path: str) -> FileRow | None:
        """The file at a path."""
        if path not in self._rows:
            rows = self.query("SELECT id, path, digest, language, module FROM link_file WHERE path = ?", path)
            self._rows[path] = self._known(rows[0]) if rows else None
        return self._rows[path]

    def row_of(self, identity: int) -> FileRow:
        """The file of an id that another table holds."""
        if identity not in self._by_id:
            rows = self.query("SELECT id, path, digest, language, module FROM link_file WHERE id = ?", identity)
            if not rows:
                raise StaleStateError("a row that belongs to no file")
            self._known(rows[0])
        return self._by_id[identity]

    def rows_of_module(self, module: str) -> list[FileRow]:
        """The files of a module, by path; mostly one."""
        sql = "SELECT id, path, digest, language, module FROM link_file WHERE module = ? ORDER BY path"
        return [self._known(row) for row in self.query(sql, module)]

    def _known(self, values: Sequence[object]) -> FileRow:
        row = FileRow(*values)  # type: ignore[arg-type]
        self._rows[row.path] = self._by_id[row.id] = row
        return row

    def entry(self, path: str) -> FileEntry:
        """A file of the state, with its facts."""
        entry = self._entries.get(path)
        if entry is None:
            row = self.row(path)
            if row is None:
                raise StaleStateError(f"no file {path}")
            key = (row.digest, row.language)
            facts = self._store.load([key]).get(key)
            if facts is None:
                raise StaleStateError(f"the facts of {path} are no longer there")
            entry = self._entries[path] = FileEntry(path, *module_name(path, self.roots, self.prefix), facts)
        return entry

    def load_entries(self, paths: Iterable[str]) -> None:
        """Read the facts of several files at once."""
        rows = [row for path in paths if path not in self._entries and (row := self.row(path)) is not None]
        facts = self._store.load([(row.digest, row.language) for row in rows])
        for row in rows:
            found = facts.get((row.digest, row.language))
            if found is not None:
                module = module_name(row.path, self.roots, self.prefix)
                self._entries[row.path] = FileEntry(row.path, *module, found)

    def load_facts(self) -> FactTable:
        """The facts of all files, kept encoded.

        Raises:
            StaleStateError: Those of some file are no longer there.
        """
        sql = "SELECT id, path, digest, language, module FROM link_file ORDER BY path"
        rows = [self._known(row) for row in self.query(sql)]
        table = FactTable()
        for key, data, facts in self._store.rows([(row.digest, row.language) for row in rows]):
            table.add(key, data, facts)
        for row in rows:
            try:
                table.place(row.path, (row.digest, row.language))
            except KeyError:
                raise StaleStateError(f"the facts of {row.path} are no longer there") from None
        return table

    def entry_of(self, path: str, facts: FileFacts | Window) -> FileEntry:
        """A file with its module."""
        return FileEntry(path, *module_name(path, self.roots, self.prefix), facts)

    def stored(self, path: str) -> StoredFile:
        """A file's link and counts."""
        known = self._stored.get(path)
        if known is None:
            rows = self.query("SELECT data, checksum FROM link_file WHERE path = ?", path)
            known = self._stored[path] = _unpack(path, rows[0] if rows else (b"", 0))
        return known

    def load_stored(self, paths: Iterable[str]) -> None:
        """Read the links of several files at once."""
        wanted = sorted({path for path in paths if path not in self._stored})
        for path, *row in self.query_in("SELECT path, data, checksum FROM link_file WHERE path IN (?)", wanted):
            self._stored[str(path)] = _unpack(str(path), row)

    # ------------------------------------------------------------------------------------------------------ tables

    def tally(self, rule: str) -> Counter[str]:
        """A rule's sums over the repository."""
        rows = self.query("SELECT word, count FROM link_tally WHERE rule = ?", rule)
        return Counter({str(word): int(count) for word, count in rows})  # type: ignore[call-overload]

    def paths(self) -> list[str]:
        """All paths, sorted."""
        return [str(path) for (path,) in self.query("SELECT path FROM link_file ORDER BY path")]

    def problems(self) -> list[tuple[str, str, bool]]:
        """Files that are incomplete, why, and whether the snapshot rather than the extractor said so."""
        rows = self.query("SELECT file, reason, is_file FROM link_problem")
        return [(str(path), str(reason), bool(is_file)) for path, reason, is_file in rows]

    def counts_in(self, table: str, names: Iterable[str]) -> Counter[str]:
        """The counts of names in `link_mention` or `link_fragment`."""
        found: Counter[str] = Counter()
        for name, count in self.query_in(f"SELECT name, count FROM {table} WHERE name IN (?)", names):  # noqa: S608
            found[str(name)] = int(count)  # type: ignore[call-overload]
        return found


def _unpack(path: str, row: Sequence[object]) -> StoredFile:
    data, checksum = row
    if not isinstance(data, bytes) or crc32(data, crc32(path.encode("utf-8", "surrogatepass"))) != checksum:
        raise StaleStateError(f"the link of {path} is damaged")
    try:
        return _decode(data)
    except msgspec.MsgspecError:
        raise StaleStateError(f"the link of {path} is damaged") from None


def pack(path: str, stored: StoredFile) -> tuple[bytes, int]:
    """A file's link and counts as the database has them, with a checksum that ties them to the path."""
    data = _encode(stored)
    return data, crc32(data, crc32(path.encode("utf-8", "surrogatepass")))
