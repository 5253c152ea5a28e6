"""Writing a state: whole, after everything was linked; or the part in which a newer commit differs."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import msgspec

from semfora_hooks.index.entries import FileEntry, path_of
from semfora_hooks.index.filelink import FileLink
from semfora_hooks.index.incremental.copies import signed
from semfora_hooks.index.incremental.difference import Difference, fragments, mentions
from semfora_hooks.index.incremental.interface import dependency_keys, notes_about_others
from semfora_hooks.index.incremental.slices import Slicer
from semfora_hooks.index.incremental.state import TABLES, State, StoredFile, SymbolCounts, pack
from semfora_hooks.index.incremental.view import View, definitions
from semfora_hooks.index.link import LinkedFiles
from semfora_hooks.index.metrics import CallStatistics
from semfora_hooks.index.similarity import probes
from semfora_hooks.index.store import FactStore
from semfora_hooks.model import Symbol

_WITH_ROWID = frozenset({"link_file", "link_meta"})
_PER_FILE = ("link_definition", "link_band", "link_body", "link_import", "link_constructor", "link_reference")
Row = tuple[object, ...]


class Description(msgspec.Struct, frozen=True):
    """What a state is a state of.

    Attributes:
        key: What links depend on besides files.
        tree: Git's id of the tree.
        prefix: As in `project.Project`.
        tallies: Sums over the whole repository, by rule and word.
        problems: Path, reason, and whether the snapshot said it, of what is incomplete.
    """

    key: str
    tree: str
    prefix: str
    tallies: Mapping[str, Mapping[str, int]]
    problems: Sequence[tuple[str, str, bool]]


def _file_rows(entry: FileEntry, link: FileLink, identity: int, ids: Mapping[str, int]) -> dict[str, set[Row]]:
    """The rows of one file in the inverted tables that can be told from it alone; `ids` are those of all files."""
    rows: dict[str, set[Row]] = {name: set() for name in _PER_FILE}
    rows["link_definition"] = {
        (name.lstrip("_"), identity, name, symbols, methods) for name, (symbols, methods) in definitions(entry).items()
    }
    for index, symbol in enumerate(entry.facts.symbols):
        if symbol.shingles:
            digest = signed(symbol.digest)
            rows["link_body"].add((digest, identity, index))
            rows["link_band"].update((probe, identity, index, digest) for probe in probes(symbol.shingles))
    rows["link_import"] = {(item.imported, identity) for item in link.imports}
    rows["link_constructor"] = {(first, second, identity) for first, second in link.constructors}
    rows["link_reference"] = {(ids[path_of(callee)], identity) for callee in link.callees}
    return rows


def _orphans(symbols: Iterable[Symbol]) -> set[str]:
    return {symbol.name for symbol in symbols if symbol.reachability in ("unreferenced", "unknown")}


@contextmanager
def _writing(store: FactStore) -> Iterator[sqlite3.Connection]:
    """A transaction; a failure of the database ends it, and costs only what would have been written."""
    connection = store.connection
    assert connection is not None
    try:
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        store.give_up(error)


def _insert(connection: sqlite3.Connection, table: str, rows: Iterable[Row], *, replace: bool = False) -> None:
    columns = TABLES[table].split(", PRIMARY KEY")[0].count(",") + 1
    marks = ",".join("?" * columns)
    verb = "REPLACE" if replace else "IGNORE"
    connection.executemany(f"INSERT OR {verb} INTO {table} VALUES ({marks})", rows)  # noqa: S608


# -------------------------------------------------------------------------------------------------------------- whole


def state_rows(
    about: Description,
    linked: LinkedFiles,
    digests: Mapping[str, str],
    statistics: CallStatistics,
    symbols: Sequence[Symbol],
) -> dict[str, list[Row]]:
    """All rows of a state, by table.

    Args:
        about: What it is a state of.
        linked: All files, linked with `track`.
        digests: Content hash of each file.
        statistics: Of all calls.
        symbols: All symbols.
    """
    ids = {entry.path: number for number, entry in enumerate(linked.entries, 1)}
    tables: dict[str, list[Row]] = {name: [] for name in TABLES}
    words: Counter[str] = Counter()
    parts: Counter[str] = Counter()
    for entry, link, notes in zip(linked.entries, linked.links, linked.notes, strict=True):
        identity = ids[entry.path]
        counts = [SymbolCounts(*statistics.counts(i)) for i in entry.ids]
        data, checksum = pack(entry.path, StoredFile(link, counts))
        tables["link_file"].append(
            (identity, entry.path, digests[entry.path], entry.facts.language, entry.module, data, checksum)
        )
        for name, rows in _file_rows(entry, link, identity, ids).items():
            tables[name].extend(rows)
        keys = dependency_keys(notes_about_others(entry.path, notes))
        tables["link_dependency"].extend((key, identity) for key in keys)
        words.update(mentions(entry))
        parts.update(fragments(entry))
    orphans = {(ids[s.file], s.name) for s in symbols if s.reachability in ("unreferenced", "unknown")}
    tables["link_orphan"].extend(orphans)
    tables["link_mention"] = [item for item in words.items() if item[1]]
    tables["link_fragment"] = list(parts.items())
    tables["link_problem"] = list(about.problems)
    tables["link_tally"] = [(rule, w, n) for rule, counts in about.tallies.items() for w, n in counts.items() if n]
    meta = {
        "key": about.key,
        "tree": about.tree,
        "prefix": about.prefix,
        "roots": msgspec.json.encode(linked.roots).decode(),
        "files": str(len(linked.entries)),
        "symbols": str(len(symbols)),
        "tallies": msgspec.json.encode(sorted(about.tallies)).decode(),
    }
    tables["link_meta"] = list(meta.items())
    return tables


def write_state(store: FactStore, tables: Mapping[str, list[Row]]) -> None:
    """Write a state anew, from the rows of `state_rows`; nothing happens where nothing can be written."""
    if store.read_only or store.connection is None:
        return
    with _writing(store) as connection:
        for name, columns in TABLES.items():
            connection.execute(f"DROP TABLE IF EXISTS {name}")
            suffix = "" if name in _WITH_ROWID else " WITHOUT ROWID"
            connection.execute(f"CREATE TABLE {name} ({columns}){suffix}")
            _insert(
                connection, name, sorted(tables[name], key=_first_columns)
            )  # in key order: pages fill up one by one
        connection.execute("CREATE INDEX link_file_module ON link_file (module)")
        connection.execute("CREATE INDEX link_constructor_init ON link_constructor (init)")


def _first_columns(row: Row) -> Row:
    return row[:3]


# --------------------------------------------------------------------------------------------------------- difference


def advance(
    store: FactStore,
    view: View,
    difference: Difference,
    digests: Mapping[str, str],
    about: Description,
) -> None:
    """Make a state that of a newer commit.

    Args:
        store: Where the state is.
        view: The newer commit, examined with `calls_matter` and `track`.
        difference: What it reaches.
        digests: Content hash of each changed file.
        about: What it is a state of then; `problems` are those of the changed files.
    """
    state = view.state
    if store.read_only or store.connection is None:
        return
    old = {path: state.entry(path) for path in view.changed if state.row(path) is not None}
    slicer = Slicer(view)
    gained = sum(len(view.entry(path).facts.symbols) for path in view.changed if view.has(path))
    gained -= sum(len(entry.facts.symbols) for entry in old.values())
    fresh = [path for path in sorted(view.changed) if view.has(path) and path not in old]
    gone = [path for path in old if not view.has(path)]
    counted = {path_of(identity) for identity in view.counts}
    rewritten = sorted(path for path in {*view.links, *counted} if view.has(path))
    packed = {path: pack(path, StoredFile(view.link(path), view.counts_of(path))) for path in rewritten}
    orphans = {path: _orphans(slicer.symbols(path)) if view.has(path) else set() for path in difference.affected}
    removed: dict[str, set[Row]] = {name: set() for name in _PER_FILE}
    added: dict[str, set[Row]] = {name: set() for name in _PER_FILE}
    with _writing(store) as connection:
        current = dict(connection.execute("SELECT key, value FROM link_meta"))
        if current.get("tree") != state.tree or current.get("key") != state.key:
            return  # another process was faster
        first = (connection.execute("SELECT max(id) FROM link_file").fetchone()[0] or 0) + 1
        new_ids = {path: first + number for number, path in enumerate(fresh)}
        ids = _Ids(state, new_ids)
        for path in {*view.links, *old}:
            if path in old or state.row(path) is not None:
                for name, rows in _file_rows(state.entry(path), state.stored(path).link, ids[path], ids).items():
                    removed[name] |= rows
            if path in view.links:
                for name, rows in _file_rows(view.entry(path), view.links[path], ids[path], ids).items():
                    added[name] |= rows
        for name in _PER_FILE:
            _delete(connection, name, removed[name] - added[name])
            _insert(connection, name, added[name] - removed[name], replace=True)
        connection.executemany("DELETE FROM link_file WHERE id = ?", [(ids[path],) for path in gone])
        for path in rewritten:
            entry, row = view.entry(path), state.row(path)
            digest = digests.get(path, row.digest if row else "")
            values = (ids[path], path, digest, entry.facts.language, entry.module, *packed[path])
            _insert(connection, "link_file", [values], replace=True)
        keys = (
            (key, ids[path])
            for path, notes in view.notes.items()
            for key in dependency_keys(notes_about_others(path, notes))
        )
        _insert(connection, "link_dependency", keys)  # old ones stay: a file linked once too often is linked right
        for path, names in orphans.items():
            connection.execute("DELETE FROM link_orphan WHERE file = ?", (ids[path],))
            _insert(connection, "link_orphan", [(ids[path], name) for name in sorted(names)])
        for table, counter in (("link_mention", view.mentions), ("link_fragment", view.fragments)):
            _add(connection, table, counter)
        paths = [(path,) for path in view.changed]
        connection.executemany("DELETE FROM link_problem WHERE file = ?", paths)
        _insert(connection, "link_problem", about.problems)
        connection.execute("DELETE FROM link_tally")
        _insert(connection, "link_tally", [(r, w, n) for r, c in about.tallies.items() for w, n in c.items() if n])
        meta = {"tree": about.tree, "files": state.files + len(fresh) - len(gone), "symbols": state.symbols + gained}
        connection.executemany("UPDATE link_meta SET value = ? WHERE key = ?", [(str(v), k) for k, v in meta.items()])


class _Ids(dict[str, int]):
    """Path to id: known ones are looked up, new ones given."""

    def __init__(self, state: State, new: Mapping[str, int]) -> None:
        super().__init__(new)
        self._state = state

    def __missing__(self, path: str) -> int:
        row = self._state.row(path)
        self[path] = -1 if row is None else row.id
        return self[path]


def _delete(connection: sqlite3.Connection, table: str, rows: Iterable[Row]) -> None:
    names = [column.strip().split(" ")[0] for column in TABLES[table].split(", PRIMARY KEY")[0].split(",")]
    condition = " AND ".join(f"{name} = ?" for name in names)
    connection.executemany(f"DELETE FROM {table} WHERE {condition}", rows)  # noqa: S608


def _add(connection: sqlite3.Connection, table: str, counter: Mapping[str, int]) -> None:
    rows = [(name, count) for name, count in counter.items() if count]
    connection.executemany(
        f"INSERT INTO {table} VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET count = count + excluded.count",  # noqa: S608
        rows,
    )
    connection.executemany(f"DELETE FROM {table} WHERE name = ? AND count = 0", [(name,) for name, _ in rows])  # noqa: S608


# ------------------------------------------------------------------------------------------------------------ checking


def differing_tables(state: State, fresh: Mapping[str, list[Row]]) -> list[str]:
    """The tables of a state that do not hold what they should, with a row that is wrong; all is well where empty."""
    found = []
    for name, columns in TABLES.items():
        titles = [column.strip().split(" ")[0] for column in columns.split(", PRIMARY KEY")[0].split(",")]
        stored = state.query(f"SELECT * FROM {name}")  # noqa: S608
        here = {_named(row, titles, name, _paths(state)) for row in stored}
        there = {
            _named(row, titles, name, {int(str(r[0])): str(r[1]) for r in fresh["link_file"]}) for row in fresh[name]
        }
        # Dependencies of earlier links stay behind: they make a file be linked once too often, never wrongly.
        wrong = there - here if name == "link_dependency" else there ^ here
        if wrong:
            example = min(repr(row) for row in wrong)
            found.append(f"{len(wrong)} rows of {name} are wrong, such as {example[:200]}")
    return found


def _paths(state: State) -> dict[int, str]:
    return {int(str(identity)): str(path) for identity, path in state.query("SELECT id, path FROM link_file")}


def _named(row: Row, titles: Sequence[str], table: str, paths: Mapping[int, str]) -> Row:
    """A row with paths instead of ids, which differ between two states of the same files."""
    if table == "link_file":
        return row[1:]
    if table in ("link_meta", "link_problem", "link_tally"):
        return row
    return tuple(
        paths.get(value) if title in ("file", "callee", "caller") and isinstance(value, int) else value
        for title, value in zip(titles, row, strict=True)
    )


def remove_state(store: FactStore) -> None:
    """Delete the state."""
    if store.read_only or store.connection is None:
        return
    with _writing(store) as connection:
        for name in TABLES:
            connection.execute(f"DROP TABLE IF EXISTS {name}")
