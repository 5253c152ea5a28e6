"""Worker processes of our own: one pipe each, one batch at a time.

A worker sends each file's facts when it has them, so that the file it dies or hangs on is known, and is all that is
lost. Workers end with this process, whatever ends it: they read the end of their pipe, and a file that never ends is
stopped by the kernel.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Literal

import msgspec

from semfora_hooks.index.backlog import Backlog
from semfora_hooks.index.batch import CRASHED, TIMED_OUT, Item, encode_broken, extract_item

START_SECONDS = 60.0
"""What a process may take until it can work."""

MAX_FAILED_STARTS = 3

_ENDING = {getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)}
_LIMIT_SIGNAL: int = getattr(signal, "SIGPROF", 0)

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[tuple[str, str, bytes]]).decode


class CannotStartError(Exception):
    """Processes cannot be started here, or die before they can work."""


class _Worker:
    """A process and what it has in hand."""

    def __init__(self, process: BaseProcess, connection: Connection) -> None:
        self.process = process
        self.connection = connection
        self.is_ready = False
        self.batch: deque[Item] = deque()
        self.is_retry = False
        self.silence = 0.0

    @property
    def is_free(self) -> bool:
        return self.is_ready and not self.batch

    def kill(self) -> None:
        with suppress(OSError):
            self.connection.close()
        self.process.kill()


class Workers:
    """Processes that extract files; a context manager, so that none is left.

    Args:
        jobs: How many.
        seconds: What one file may take.
        replace_by: How processes are started in place of those that died. Not by forking, as a rule: what this process
            has open by then, such as pipes to git, would be open in the child too.
    """

    def __init__(self, jobs: int, seconds: float, replace_by: Literal["spawn", "fork"] = "spawn") -> None:
        self._jobs = jobs
        self._seconds = seconds
        self._replace_by = replace_by
        self._workers: list[_Worker] = []
        self._suspects: list[Item] = []
        self._failed_starts = 0

    def __enter__(self) -> Workers:
        try:
            for _ in range(self._jobs):
                self._start("fork" if can_fork() else "spawn")
        except BaseException as error:
            self.__exit__()
            if isinstance(error, (OSError, AssertionError, RuntimeError)):  # no more processes, or none in a daemon
                raise CannotStartError(str(error) or type(error).__name__) from None
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.kill()
        for worker in self._workers:
            worker.process.join()
        self._workers.clear()

    def run(self, backlog: Backlog) -> Iterator[Item]:
        """The encoded facts of all items, in the order in which they are ready.

        Raises:
            CannotStartError: No process can be kept running; what nobody has extracted is still in the backlog.
        """
        last = time.monotonic()
        tick = min(0.5, self._seconds / 4)
        while True:
            for worker in [worker for worker in self._workers if worker.is_free]:
                self._give(worker, backlog)
            waiting = [worker for worker in self._workers if not worker.is_free]
            if not any(worker.batch for worker in waiting) and not backlog and not self._suspects:
                return
            if not self._workers:
                yield from (encode_broken(item, CRASHED) for item in self._suspects)
                raise CannotStartError("they end before they have begun")
            has_read = backlog.read_ahead()
            ready = wait([worker.connection for worker in waiting], 0 if has_read else tick)
            now = time.monotonic()
            passed, last = min(now - last, 2 * tick), now  # not the hours for which we were stopped ourselves
            for worker in waiting:
                if worker.connection in ready:
                    worker.silence = 0.0
                    yield from self._hear(worker, backlog)
                else:
                    worker.silence += passed
                    if worker.silence > (self._seconds if worker.is_ready else START_SECONDS):
                        yield from self._bury(worker, backlog, is_hung=worker.is_ready)

    def _give(self, worker: _Worker, backlog: Backlog) -> None:
        """The next batch; or, when all else is done, a file that a process died on, while no other process works."""
        batch = backlog.take()
        worker.is_retry = not batch and bool(self._suspects) and not any(other.batch for other in self._workers)
        if worker.is_retry:
            batch = [self._suspects.pop()]
        if not batch:
            return
        worker.batch.extend(batch)
        worker.silence = 0.0
        try:
            worker.connection.send_bytes(_encode(batch))
        except OSError:  # it had died before
            self._take_back(worker, batch, backlog)
            self._replace(worker)

    def _hear(self, worker: _Worker, backlog: Backlog) -> Iterator[Item]:
        try:
            data = worker.connection.recv_bytes()
        except (EOFError, OSError):
            yield from self._bury(worker, backlog, is_hung=False)
            return
        if worker.is_ready:
            oid, language, _ = worker.batch.popleft()
            yield oid, language, data
        else:
            worker.is_ready = True
            self._failed_starts = 0

    def _bury(self, worker: _Worker, backlog: Backlog, *, is_hung: bool) -> Iterator[Item]:
        """Take back what a process had in hand, except for the file that it ended on: that one may be to blame."""
        if not worker.is_ready:
            self._failed_starts += 1
        was_retry, lost = worker.is_retry, list(worker.batch)
        self._replace(worker)
        is_hung = is_hung or worker.process.exitcode == -_LIMIT_SIGNAL
        self._take_back(worker, lost[1:], backlog)
        if lost and is_hung:
            yield encode_broken(lost[0], f"{TIMED_OUT} in {self._seconds:g} s; it was not analysed")
        elif lost and was_retry:
            yield encode_broken(lost[0], CRASHED)
        elif lost:  # the system may have killed it for the memory that the others took
            self._suspects.append(lost[0])

    def _take_back(self, worker: _Worker, items: Sequence[Item], backlog: Backlog) -> None:
        for item in items:
            if worker.is_retry:
                self._suspects.append(item)
            else:
                backlog.put(item)

    def _replace(self, worker: _Worker) -> None:
        self._workers.remove(worker)
        worker.kill()
        worker.process.join()
        worker.batch.clear()
        if self._failed_starts < MAX_FAILED_STARTS:
            try:
                self._start(self._replace_by)
            except OSError:  # perhaps there are others left
                self._failed_starts += 1

    def _start(self, method: Literal["spawn", "fork"]) -> None:
        # Two calls, since each has its own type.
        context = multiprocessing.get_context("fork") if method == "fork" else multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        # A forked child has our ends of the pipes, and would keep the others from reading the end of theirs.
        inherited = [*(worker.connection for worker in self._workers), ours] if method == "fork" else []
        with _no_interrupts():
            try:
                process = context.Process(target=_serve, args=(theirs, inherited, self._seconds), daemon=True)
                process.start()
                self._workers.append(_Worker(process, ours))
            except BaseException:
                ours.close()
                raise
            finally:
                theirs.close()


def can_fork() -> bool:
    """Whether forking is safe: a child of a process with threads can wait forever for a lock that one of them held.

    Where it is, it saves the time of starting Python and importing.
    """
    if sys.platform in ("darwin", "win32") or threading.active_count() > 1:
        return False
    try:
        return len(os.listdir("/proc/self/task")) == 1  # noqa: PTH208  also threads that Python does not know
    except OSError:
        return True


@contextmanager
def _no_interrupts() -> Iterator[None]:
    """Signals wait: one that comes while a process starts would end it in the middle of our code, or be forgotten."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


# ---------------------------------------------------------------------------------------------------- in the worker


def _serve(connection: Connection, inherited: Iterable[Connection], seconds: float) -> None:
    """Extract batches until there are no more."""
    _start_worker(inherited)
    with suppress(EOFError, OSError):  # the other end is closed, or the process that held it is gone
        connection.send_bytes(b"")
        while True:
            for item in _decode(connection.recv_bytes()):
                # Of the processor's time, and a little more than the parent waits: for the case that it is gone.
                signal.setitimer(signal.ITIMER_PROF, seconds + 1) if _LIMIT_SIGNAL else None
                connection.send_bytes(extract_item(item)[2])


def _start_worker(inherited: Iterable[Connection]) -> None:
    """Ctrl-C is the parent's to handle, and everything else ends this process at once."""
    for other in inherited:
        other.close()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for number in (*_ENDING - {signal.SIGINT}, _LIMIT_SIGNAL):
        if number:
            signal.signal(number, signal.SIG_DFL)
    if hasattr(signal, "pthread_sigmask"):
        signal.set_wakeup_fd(-1)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
    gc.disable()
