"""Bounds on what something takes, which hold on a machine that is slow or has other work."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

PATIENCE = 120.0
"""Seconds after which something that ought to happen soon never will."""


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Fail where what is inside takes this thread more processor time, which other processes do not change.

    For what would take a thousand times as long if it were wrong: nothing is said about speed.
    """
    start = time.thread_time()
    yield
    spent = time.thread_time() - start
    assert spent < seconds, f"{spent:.2f} s of processor time"


def wait_until(condition: Callable[[], object], what: str = "it") -> None:
    """Return once `condition` holds; fail if it never does."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, f"{what} never happened"
        time.sleep(0.005)


def processor_seconds(pid: int) -> float:
    """What a process has taken of the processors so far, in steps of 10 ms."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100
