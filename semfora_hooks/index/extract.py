"""Extracting many files: what the store knows is not extracted again; the rest goes through processes in batches."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import chain
from typing import TYPE_CHECKING, Any

import msgspec

from semfora_hooks.discovery import Snapshot, SourceFile
from semfora_hooks.index.batch import (
    CRASHED,
    FAILED,
    TIMED_OUT,
    Item,
    StrangeResultError,
    broken,
    decode,
    encode_broken,
    extract_item,
    is_our_problem,
    is_ours,
)
from semfora_hooks.index.facttable import FactTable
from semfora_hooks.index.store import FactStore
from semfora_hooks.languages.facts import FileFacts

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from semfora_hooks.index.backlog import Backlog

__all__ = [
    "CRASHED",
    "FAILED",
    "TIMED_OUT",
    "Workforce",
    "broken",
    "extract_snapshot",
    "has_ours",
    "is_our_problem",
    "is_ours",
]

POOL_BYTES = 192 * 1024
"""Less source than this is extracted in the process itself: starting workers would take longer."""

SAMPLE_FILES = 64
"""Files that are read to tell how much source there is."""

SAVE_BYTES = 2 * 1024 * 1024
SAVE_FILES = 500
"""Facts that are lost at most when a run is killed."""

FILE_SECONDS = 30.0
"""What one file may take. `SEMFORA_FILE_SECONDS` overrides it, for tests."""

Result = tuple[Item, FileFacts]


class Workforce(msgspec.Struct):
    """Who extracts, and who is told about it.

    Attributes:
        jobs: Processes of ours; 0 means one a processor, 1 means this process.
        executor: Gives another's executor, which is then used instead, and shut down; asked if there is work for it.
        progress: Told how many of the files to extract are done.
        notices: Gets remarks for the user.
    """

    jobs: int = 0
    executor: Callable[[], Executor | None] = lambda: None
    progress: Callable[[int, int], None] | None = None
    notices: list[str] = msgspec.field(default_factory=list)


def extract_snapshot(snapshot: Snapshot, store: FactStore | None, workforce: Workforce) -> FactTable:
    """The facts of every file of a snapshot, by path.

    Args:
        snapshot: The files.
        store: Facts of earlier runs, or `None`.
        workforce: Who extracts what is missing.
    """
    keys = [(file.digest, file.language) for file in snapshot.files]
    table = FactTable()
    for row in store.rows(keys) if store is not None else ():
        table.add(*row)
    missing: dict[tuple[str, str], SourceFile] = {}
    for key, file in zip(keys, snapshot.files, strict=True):
        if not table.knows(key):
            missing.setdefault(key, file)
    files = list(missing.values())
    with _saving(store) as save, closing(_extract_all(snapshot, files, workforce)) as results:
        for done, (item, facts) in enumerate(results, 1):
            table.add(item[:2], item[2], facts)
            if not is_ours(facts):
                save(item)
            if workforce.progress is not None:
                workforce.progress(done, len(files))
    for key, file in zip(keys, snapshot.files, strict=True):
        table.place(file.path, key)
    return table


def has_ours(table: FactTable) -> bool:
    """Whether some of the facts are bad through our fault, or bad luck, and may be better the next time."""
    return any(is_our_problem(problem) for problems in table.problems.values() for problem in problems)


@contextmanager
def _saving(store: FactStore | None) -> Iterator[Callable[[Item], None]]:
    """A function that keeps facts, many at a time; what is left at the end is kept too, however it ends."""
    rows: list[Item] = []
    size = 0

    def save(item: Item) -> None:
        nonlocal size
        if store is None:
            return
        rows.append(item)
        size += len(item[2])
        if size >= SAVE_BYTES or len(rows) >= SAVE_FILES:
            part, size = rows.copy(), 0
            rows.clear()
            store.save(part)

    try:
        yield save
    finally:
        if store is not None and rows:
            store.save(rows)


def _extract_all(
    snapshot: Snapshot, files: Sequence[SourceFile], workforce: Workforce
) -> Generator[Result, None, None]:
    """The facts of all files, in any order."""
    sample = list(_read(snapshot, files[:SAMPLE_FILES]))
    items = chain(sample, _read(snapshot, files[SAMPLE_FILES:]))
    size = sum(len(data) for _, _, data in sample) * len(files) // max(1, len(sample))
    if size < POOL_BYTES:
        yield from map(_extract_here, items)
        return
    from semfora_hooks.index.backlog import Backlog

    backlog = Backlog(items)
    executor = workforce.executor()
    if executor is not None:
        yield from _borrow(executor, backlog, workforce)
    jobs = _jobs(workforce, size)
    if jobs > 1 and backlog:
        yield from _hire(jobs, backlog, workforce)
    yield from map(_extract_here, backlog.rest())


def _read(snapshot: Snapshot, files: Sequence[SourceFile]) -> Iterator[Item]:
    for file, data in zip(files, snapshot.read(files), strict=True):
        yield file.digest, file.language, data


def _borrow(executor: Executor, backlog: Backlog, workforce: Workforce) -> Iterator[Result]:
    """Use an executor that is not ours as long as it does what it should."""
    from semfora_hooks.index.borrowed import Borrowed

    with Borrowed(executor, 2 * file_seconds()) as borrowed:
        yield from borrowed.run(backlog)
    if borrowed.problem is not None:
        kind = type(executor)
        workforce.notices.append(
            f"the executor {kind.__module__}.{kind.__qualname__}, which a plugin provides, failed: {borrowed.problem}; "
            "files were extracted without it"
        )


def _hire(jobs: int, backlog: Backlog, workforce: Workforce) -> Iterator[Result]:
    """Use processes of our own. Where they cannot be had, the backlog keeps what they did not do."""
    from semfora_hooks.index.workers import CannotStartError, Workers

    try:
        with Workers(jobs, file_seconds()) as workers:
            for item in workers.run(backlog):
                yield _checked(item)
    except CannotStartError as error:
        workforce.notices.append(f"files were extracted in one process: others cannot be started ({error})")


def _checked(item: Item) -> Result:
    """A worker's result, which is in order unless the parser has damaged its memory."""
    try:
        return item, decode(item)
    except StrangeResultError:
        item = encode_broken(item, CRASHED)
        return item, decode(item)


def _jobs(workforce: Workforce, size: int) -> int:
    """Processes that are worth starting."""
    if workforce.jobs == 1:
        return 1
    from semfora_hooks.index.processors import processors

    return min(workforce.jobs or processors(), 2 * size // POOL_BYTES)


def file_seconds() -> float:
    """What one file may take."""
    try:
        return float(os.environ.get("SEMFORA_FILE_SECONDS", FILE_SECONDS))
    except ValueError:
        return FILE_SECONDS


# -------------------------------------------------------------------------------------------------- in this process


class _Overtime(BaseException):
    """A file takes too long. No `Exception`: nothing on the way shall catch it."""


def _extract_here(item: Item) -> Result:
    seconds = file_seconds()
    try:
        with _limit(seconds):
            item = extract_item(item)
    except _Overtime:
        item = encode_broken(item, f"{TIMED_OUT} in {seconds:g} s; it was not analysed")
    return item, decode(item)


@contextmanager
def _limit(seconds: float) -> Iterator[None]:
    """Raise `_Overtime` after some of the processor's time.

    Only between two steps of Python: the parser itself cannot be interrupted here, other than in a worker. And only
    in the main thread, and if nobody else uses that timer.
    """
    import signal
    import threading

    if (
        not hasattr(signal, "setitimer")
        or threading.current_thread() is not threading.main_thread()
        or signal.getsignal(signal.SIGPROF) is not signal.SIG_DFL
    ):
        yield
        return

    def ring(*_: Any) -> None:
        raise _Overtime

    signal.signal(signal.SIGPROF, ring)
    try:
        signal.setitimer(signal.ITIMER_PROF, seconds)
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, signal.SIG_DFL)
