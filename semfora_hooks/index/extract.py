"""Extracting many files: what the store knows is not extracted again; the rest goes through an executor in batches."""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from semfora_hooks.discovery import Snapshot, SourceFile
from semfora_hooks.index.store import FactStore
from semfora_hooks.languages.extract import extract
from semfora_hooks.languages.facts import FileFacts, SymbolFacts

if TYPE_CHECKING:
    from concurrent.futures import Executor, Future

BATCH_BYTES = 256 * 1024
BATCH_FILES = 64
IN_FLIGHT = 8
POOL_BYTES = 512 * 1024
"""Less source than this is extracted in the process itself: starting workers would take longer."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(FileFacts).decode

CRASHED = "the parser crashed on this file; it was not analysed"
FAILED = "the extractor failed"
"""How the problems begin that are ours rather than the file's."""

Batch = list[tuple[str, str, bytes]]
"""Content hash, language and bytes of a few files."""


@dataclass
class Workforce:
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
    notices: list[str] = field(default_factory=list)


def extract_snapshot(snapshot: Snapshot, store: FactStore | None, workforce: Workforce) -> dict[str, FileFacts]:
    """The facts of every file of a snapshot, by path.

    Args:
        snapshot: The files.
        store: Facts of earlier runs, or `None`.
        workforce: Who extracts what is missing.
    """
    keys = [(file.digest, file.language) for file in snapshot.files]
    known = store.load(keys) if store is not None else {}
    missing: dict[tuple[str, str], SourceFile] = {}
    for key, file in zip(keys, snapshot.files, strict=True):
        if key not in known:
            missing.setdefault(key, file)
    fresh: list[tuple[str, str, bytes]] = []
    with _executors(workforce) as executor:
        for oid, language, data in _extract_all(snapshot, list(missing.values()), executor):
            facts = known[oid, language] = _decode(data)
            if not any(problem.startswith((CRASHED, FAILED)) for problem in facts.problems):  # may do better next time
                fresh.append((oid, language, data))
    if store is not None and fresh:
        store.save(fresh)
    return {file.path: known[key] for key, file in zip(keys, snapshot.files, strict=True)}


@contextmanager
def _executors(workforce: Workforce) -> Iterator[Callable[[], Executor | None]]:
    """A function that makes the executor when it is first wanted; it is shut down at the end."""
    made: list[Executor] = []

    def make() -> Executor | None:
        executor = workforce.executor() or default_executor(workforce.jobs)
        if executor is not None:
            made.append(executor)
        return executor

    try:
        yield make
    except BaseException:
        for executor in made:
            executor.shutdown(wait=False, cancel_futures=True)
        raise
    for executor in made:
        executor.shutdown()


def default_executor(jobs: int) -> Executor | None:
    """Worker processes of ours, or `None` where there is to be one process only."""
    jobs = jobs or len(os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1))
    if jobs < 2:
        return None
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    # Forking a process with threads can deadlock the child; without threads it saves half a second of imports.
    can_fork = "fork" in multiprocessing.get_all_start_methods() and threading.active_count() == 1
    context = multiprocessing.get_context("fork" if can_fork else "spawn")
    return ProcessPoolExecutor(jobs, mp_context=context, initializer=_start_worker)


def _start_worker() -> None:
    """Ctrl-C is the parent's to handle; workers end when it closes the pool."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.disable()


def _extract_all(
    snapshot: Snapshot, files: Sequence[SourceFile], executor: Callable[[], Executor | None]
) -> Iterator[tuple[str, str, bytes]]:
    contents = [(file.digest, file.language, data) for file, data in zip(files, snapshot.read(files), strict=True)]
    pool = executor() if sum(len(data) for _, _, data in contents) >= POOL_BYTES else None
    batches = _batches(contents)
    if pool is None:
        for batch in batches:
            yield from extract_batch(batch)
        return
    yield from _run(pool, batches)


def _batches(contents: Iterable[tuple[str, str, bytes]]) -> Iterator[Batch]:
    """Largest files first, so that no worker is left with a giant at the end."""
    batch: Batch = []
    size = 0
    for item in sorted(contents, key=lambda item: (-len(item[2]), item[0])):
        if batch and (size + len(item[2]) > BATCH_BYTES or len(batch) >= BATCH_FILES):
            yield batch
            batch, size = [], 0
        batch.append(item)
        size += len(item[2])
    if batch:
        yield batch


def _run(pool: Executor, batches: Iterator[Batch]) -> Iterator[tuple[str, str, bytes]]:
    """Keep a few batches in flight. What a dying worker had in hand is extracted again, each file by itself."""
    from concurrent.futures import FIRST_COMPLETED, wait

    running: dict[Future[list[tuple[str, str, bytes]]], Batch] = {}
    lost: list[Batch] = []
    pending = iter(batches)
    while True:
        while len(running) < IN_FLIGHT and (batch := next(pending, None)) is not None:
            try:
                running[pool.submit(extract_batch, batch)] = batch
            except RuntimeError:  # the pool is broken
                lost.append(batch)
        if not running:
            break
        for future in wait(running, return_when=FIRST_COMPLETED).done:
            batch = running.pop(future)
            if future.exception() is not None:
                lost.append(batch)
            else:
                yield from future.result()
    for batch in lost:
        for item in batch:
            yield _extract_alone(item)


def _extract_alone(item: tuple[str, str, bytes]) -> tuple[str, str, bytes]:
    """One file in a process of its own: if that dies too, only this file is lost."""
    from concurrent.futures import BrokenExecutor, ProcessPoolExecutor
    from multiprocessing import get_context

    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        try:
            return pool.submit(extract_batch, [item]).result()[0]
        except BrokenExecutor:
            oid, language, _ = item
            return oid, language, _encode(broken(language, CRASHED))


def extract_batch(batch: Batch) -> list[tuple[str, str, bytes]]:
    """Encoded facts of each file. Runs in workers, so it takes and returns plain data only."""
    return [(oid, language, _encode(_extract_one(data, language))) for oid, language, data in batch]


def _extract_one(data: bytes, language: str) -> FileFacts:
    try:
        return extract(data, language)
    except Exception as error:  # noqa: BLE001  one file must not hide the others
        return broken(language, f"{FAILED}: {type(error).__name__}: {error} (please report this)")


def broken(language: str, problem: str) -> FileFacts:
    """Facts that say only that there are none."""
    return FileFacts(language=language, symbols=[SymbolFacts("", "", "module", "", -1, 1, 1, 1)], problems=[problem])
