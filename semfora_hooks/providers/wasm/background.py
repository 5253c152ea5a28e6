"""Evaluations in the background, as many at a time as there are processors.

The threads are daemons: Ctrl-C ends the program at once, and the workers with it.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

from semfora_hooks.index.processors import processors

T = TypeVar("T")


class Task(Generic[T]):
    """Something that is worked out by another thread.

    Args:
        work: Gives the result, or raises.
    """

    def __init__(self, work: Callable[[], T]) -> None:
        self._work: Callable[[], T] | None = work
        self._done = threading.Event()
        self._result: T | None = None
        self._error: BaseException | None = None

    def run(self) -> None:
        """Do the work; called once, by the thread that does it."""
        assert self._work is not None
        try:
            self._result = self._work()
        except BaseException as error:  # noqa: BLE001  whoever asks for the result gets it
            self._error = error
        self._work = None  # and what it holds, such as a context
        self._done.set()

    def result(self) -> T:
        """The result, once it is there; raises what the work raised."""
        self._done.wait()
        if self._error is not None:
            raise self._error
        return self._result  # type: ignore[return-value]


class Crew:
    """Threads that take tasks in the order they come; they end when there is nothing left to do.

    Args:
        size: How many at most; the processors where `None`.
    """

    def __init__(self, size: int | None = None) -> None:
        self._size = size or processors()
        self._lock = threading.Lock()
        self._waiting: deque[Task[object]] = deque()
        self._threads = 0

    def submit(self, work: Callable[[], T]) -> Task[T]:
        """Have something done."""
        task = Task(work)
        with self._lock:
            self._waiting.append(task)  # type: ignore[arg-type]
            if self._threads >= self._size:
                return task
            self._threads += 1
        threading.Thread(target=self._serve, name="semfora-wasm", daemon=True).start()
        return task

    def _serve(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._threads -= 1
                    return
                task = self._waiting.popleft()
            task.run()
