"""Is what the cache says true? Everything whose content can still be found is extracted again and compared.

Checksums find damage; only this finds a row that was changed by someone who knows how to make a checksum.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

from semfora_hooks import git
from semfora_hooks.discovery import Root, Snapshot, SourceFile
from semfora_hooks.errors import GitError
from semfora_hooks.index.extract import Workforce, extract_snapshot, is_ours
from semfora_hooks.index.incremental.writing import remove_state
from semfora_hooks.index.results import remove_results
from semfora_hooks.index.store import FactStore, checksum_of, extractor_key
from semfora_hooks.languages import SUFFIXES
from semfora_hooks.languages.facts import FileFacts

Check = Callable[[FactStore], list[str]]
"""Looks for what is wrong in tables of another module, removes it, and says what it was, a line each."""

_ROWS_A_TIME = 1_000


@dataclass
class Verification:
    """What `verify` found.

    Attributes:
        rows: Facts in the database.
        checked: Those that were extracted again.
        gone: Those whose content is in no object of this clone and in no file of this work tree.
        stale: Those of other versions of the extractor, which nobody can extract again.
        wrong: What was removed, and why, a line each.
        damaged: The database could not be read, and was removed as a whole.
    """

    rows: int = 0
    checked: int = 0
    gone: int = 0
    stale: int = 0
    wrong: list[str] = field(default_factory=list)
    damaged: bool = False


class _Row(NamedTuple):
    id: int
    oid: str
    language: str
    data: bytes


def verify(
    store: FactStore, root: Root, work_tree: Snapshot, workforce: Workforce, checks: Sequence[Check] = ()
) -> Verification:
    """Check a repository's database, and remove what is wrong.

    Args:
        store: Its open store.
        root: The repository.
        work_tree: The files on disk.
        workforce: Who extracts.
        checks: Of what other modules keep in the database; called when wrong facts are gone.
    """
    result = Verification()
    connection = store.connection
    if store.mended:
        result.damaged = True
        result.wrong.append("the database could not be read, or was not ours")
    if connection is None:
        return result
    try:
        problems = [str(row[0]) for row in connection.execute("PRAGMA integrity_check(3)")]
        if problems != ["ok"]:
            raise _damage(problems)
        doomed: list[int] = []
        for rows in _intact_rows(connection, result, doomed):
            _compare(rows, root, work_tree, workforce, result, doomed)
        if doomed and not store.read_only:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany("DELETE FROM blob WHERE id = ?", [(row,) for row in doomed])
            connection.execute("COMMIT")
        if result.wrong:
            remove_state(store)  # what was made of wrong facts is wrong
            remove_results(store)
        for check in checks:
            result.wrong.extend(check(store))
    except sqlite3.Error as error:
        result.damaged = True
        result.wrong.append(f"the database is damaged: {error}")
        store.give_up(error)
    return result


def _damage(problems: list[str]) -> sqlite3.DatabaseError:
    error = sqlite3.DatabaseError("; ".join(" ".join(problem.split()) for problem in problems))
    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    return error


def _intact_rows(connection: sqlite3.Connection, result: Verification, doomed: list[int]) -> Iterator[list[_Row]]:
    """Rows of this version whose checksums are right, some at a time; the others are only counted."""
    last = 0
    while True:
        query = "SELECT id, oid, language, version, checksum, facts FROM blob WHERE id > ? ORDER BY id LIMIT ?"
        found = connection.execute(query, (last, _ROWS_A_TIME)).fetchall()
        if not found:
            return
        last = found[-1][0]
        rows = []
        for row, oid, language, version, checksum, data in found:
            result.rows += 1
            if not isinstance(data, bytes) or checksum_of(oid, language, version, data) != checksum:
                result.wrong.append(f"{oid} ({language}): its checksum is wrong")
                doomed.append(row)
            elif version != extractor_key():
                result.stale += 1
            else:
                rows.append(_Row(row, oid, language, data))
        yield rows


def _compare(
    rows: list[_Row],
    root: Root,
    work_tree: Snapshot,
    workforce: Workforce,
    result: Verification,
    doomed: list[int],
) -> None:
    """Extract again what can be found, and note rows that say something else."""
    wanted = {row.oid for row in rows}
    names = {file.digest: file.path for file in work_tree.files}
    contents = dict(_from_disk(work_tree, wanted))
    contents.update(_from_git(root, sorted(wanted - contents.keys())))
    known = [row for row in rows if row.oid in contents and row.language in SUFFIXES.values()]
    result.gone += len(rows) - len(known)
    sources = [SourceFile(f"{row.oid} {row.language}", row.oid, row.language, contents[row.oid]) for row in known]
    snapshot = Snapshot(sources, lambda some: (file.data or b"" for file in some))
    facts = extract_snapshot(snapshot, None, workforce)
    for row in known:
        now = facts[f"{row.oid} {row.language}"]
        if is_ours(now):
            result.gone += 1
            continue
        result.checked += 1
        if _decoded(row.data) != now:
            result.wrong.append(f"{names.get(row.oid, row.oid)} ({row.language}): it is not what the content says")
            doomed.append(row.id)


def _from_disk(work_tree: Snapshot, wanted: set[str]) -> Iterator[tuple[str, bytes]]:
    """The content of those files that are what their names say: one can be changed while we look."""
    files = [file for file in work_tree.files if file.digest in wanted]
    for file, data in zip(files, work_tree.read(files), strict=True):
        if _is_named(file.digest, data):
            yield file.digest, data


def _is_named(oid: str, data: bytes) -> bool:
    """Whether a blob of this id has this content."""
    hasher = hashlib.sha1(usedforsecurity=False) if len(oid) == 40 else hashlib.sha256()
    hasher.update(b"blob %d\0" % len(data))
    hasher.update(data)
    return hasher.hexdigest() == oid


def _from_git(root: Root, oids: list[str]) -> Iterator[tuple[str, bytes]]:
    """The content of those blobs that this clone has, and that are what their names say."""
    if not (root.is_git and oids):
        return
    hexadecimal = [oid for oid in oids if len(oid) in (40, 64) and all(c in "0123456789abcdef" for c in oid)]
    try:
        sizes = git.blob_sizes(root.path, hexadecimal)
        here = [oid for oid in hexadecimal if sizes.get(oid, -1) >= 0]
        for oid, data in zip(here, git.read_blobs(root.path, here), strict=True):
            if _is_named(oid, data):  # a tree or a commit has a name, too
                yield oid, data
    except GitError:
        return


def _decoded(data: bytes) -> FileFacts | None:
    try:
        return msgspec.msgpack.decode(data, type=FileFacts)
    except msgspec.MsgspecError:
        return None
