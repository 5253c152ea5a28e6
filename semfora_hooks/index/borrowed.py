"""Executors that are not ours: what comes back from them is checked, and what does not come back is taken back."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from contextlib import suppress

from semfora_hooks.index.backlog import Backlog
from semfora_hooks.index.batch import Item, StrangeResultError, check, extract_batch
from semfora_hooks.index.store import extractor_key
from semfora_hooks.languages.facts import FileFacts

IN_FLIGHT = 16
"""Batches that are submitted at a time, or twice the executor's workers, if it says how many it has."""


class Borrowed:
    """An executor in use; a context manager that shuts it down.

    Args:
        executor: The executor.
        seconds: How long it may take until another batch comes back.

    Attributes:
        problem: Why it was given up, if it was. What it had in hand is back in the backlog then.
    """

    def __init__(self, executor: Executor, seconds: float) -> None:
        self._executor = executor
        self._seconds = seconds
        self._running: dict[Future[tuple[str, list[Item]]], list[Item]] = {}
        self.problem: str | None = None

    def __enter__(self) -> Borrowed:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None and self.problem is None:
            try:
                self._executor.shutdown()
            except Exception as error:  # noqa: BLE001
                self.problem = f"shutting it down failed: {type(error).__name__}: {error}"
            return
        processes = getattr(self._executor, "_processes", None)
        doomed = list(processes.values()) if isinstance(processes, dict) else []
        if not doomed:  # the standard library's threads stumble over cancelled futures of processes that die
            for future in self._running:
                future.cancel()
        with suppress(Exception):
            self._executor.shutdown(wait=False)
        for process in doomed:  # what hangs in one would keep ours from ending, which waits for it
            with suppress(Exception):
                process.kill()

    def run(self, backlog: Backlog) -> Iterator[tuple[Item, FileFacts]]:
        """The facts of what is in the backlog, until it is empty, or something is wrong with the executor."""
        version = extractor_key()
        workers = getattr(self._executor, "_max_workers", None)
        limit = max(IN_FLIGHT, 2 * workers) if isinstance(workers, int) else IN_FLIGHT
        try:
            while True:
                while len(self._running) < limit and (batch := backlog.take()):
                    try:
                        self._running[self._executor.submit(extract_batch, batch, version)] = batch
                    except BaseException:
                        self._give_back(batch, backlog)
                        raise
                if not self._running:
                    return
                done = wait(self._running, self._seconds, FIRST_COMPLETED).done
                if not done:
                    raise StrangeResultError(f"nothing came back in {self._seconds:g} s")
                for future in done:
                    result = check(self._running[future], future.result(), version)
                    del self._running[future]
                    yield from result
        except StrangeResultError as error:
            self.problem = str(error)
        except Exception as error:  # noqa: BLE001  whatever its authors thought of
            self.problem = f"{type(error).__name__}: {error}"
        for batch in self._running.values():
            self._give_back(batch, backlog)

    @staticmethod
    def _give_back(batch: list[Item], backlog: Backlog) -> None:
        for item in batch:
            backlog.put(item)
