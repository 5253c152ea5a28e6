"""Times programs, each run in a fresh process, by turns: a machine that slows down slows all of them."""

from __future__ import annotations

import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

POLL = 0.02
"""Seconds between two looks at the memory of a process tree."""
_TAIL = 200_000
"""Bytes at a report's end that hold its timings, those of a thousand rules too."""


@dataclass
class Row:
    """A program to time, and what was measured.

    Attributes:
        name: As the tables show it.
        command: What to run; the first is a path.
        cwd: Where to run it.
        environment: Variables it gets besides the usual ones.
        before: Called before each run, and not timed.
        repeat: Runs that count.
        warm_up: Whether a run goes before that does not count, since it warms file caches and may do work that is done
            once, and another one after, to poll the memory. Without, memory is polled in the first run.
        report: The JSON report that each run writes, for the stages' shares. It also means that the program is ours.
        seconds: Of each run that counts.
        first: Of the run that goes before them.
        largest: Bytes of the largest process, at its peak, as the kernel counts them, after the run that goes before.
        tree: Bytes of the process tree at its peak, shared memory counted once.
        timings: The `timings` of each report.
        problem: What went wrong, or why it was not run.
    """

    name: str
    command: Sequence[str]
    cwd: Path
    environment: dict[str, str] = field(default_factory=dict)
    before: Callable[[], None] | None = None
    repeat: int = 5
    warm_up: bool = True
    report: Path | None = None
    seconds: list[float] = field(default_factory=list)
    first: float | None = None
    largest: int = 0
    tree: int = 0
    timings: list[dict[str, Any]] = field(default_factory=list)
    problem: str | None = None

    def full_environment(self) -> dict[str, str]:
        """What the program finds in its environment: ours, without what changes how programs work."""
        # PYTHON: where no bytecode may be written, each run would compile what it imports
        unwanted = ("GIT_", "SEMFORA_", "PRE_COMMIT", "PYTEST_", "COV_", "FORCE_COLOR", "PYTHON")
        environment = {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}
        environment |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, "NO_COLOR": "1"}
        return environment | self.environment

    @property
    def median(self) -> float | None:
        """Seconds, or `None` where there are none."""
        return statistics.median(self.seconds) if self.seconds and not self.problem else None

    @property
    def fastest(self) -> float | None:
        """Seconds, or `None` where there are none."""
        return min(self.seconds) if self.seconds and not self.problem else None


def take_turns(rows: Sequence[Row], label: str) -> None:
    """Run all rows, once a turn each, until each has its runs; every second turn goes backwards."""
    turns = max((row.repeat + 2 * row.warm_up for row in rows), default=0)
    for turn in range(turns):
        for row in rows if turn % 2 == 0 else list(reversed(rows)):
            last = row.repeat + 2 * row.warm_up - 1
            if row.problem or turn > last:
                continue
            if sys.stderr.isatty():
                print(f"\r\x1b[K{label}, turn {turn + 1}/{turns}: {row.name}", end="", file=sys.stderr, flush=True)
            run(row, counts=not row.warm_up or 0 < turn < last, watch=turn == (last if row.warm_up else 0))
    if sys.stderr.isatty():
        print("\r\x1b[K", end="", file=sys.stderr)


def run(row: Row, *, counts: bool, watch: bool) -> None:
    """Run it once.

    Args:
        row: What to run; gets the results.
        counts: Whether its time is kept.
        watch: Whether to poll the memory of the process tree.
    """
    if row.before is not None:
        row.before()
    with tempfile.TemporaryFile() as errors:  # not a pipe: a process left in the background would hold it open
        watcher = None
        start = time.perf_counter()
        try:
            process = subprocess.Popen(
                row.command,
                cwd=row.cwd,
                env=row.full_environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
            )
        except OSError as error:
            row.problem = f"not run: {error.strerror}"
            return
        if watch:
            watcher = _Watcher(process.pid)
            watcher.start()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if watcher is not None:
            watcher.stop()
            row.tree = max(row.tree, watcher.peak)
        errors.seek(0)
        row.problem = _problem(row, process.returncode, errors.read().decode(errors="replace"))
    if counts or watch:
        row.largest = max(row.largest, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024))
    elif row.problem is None:
        row.first = seconds
    if counts and row.problem is None:
        row.seconds.append(seconds)
        if row.report is not None:
            row.timings.append(timings(row.report))


def _problem(row: Row, code: int, errors: str) -> str | None:
    """Why a run is not worth its time. Peers exit with 1 and 3 when they find something."""
    if code == 0 or (row.report is None and code in (1, 3) and "Traceback" not in errors):
        return None
    lines = errors.strip().splitlines()
    return f"failed with {code}: {lines[-1][:100] if lines else 'no message'}"


def timings(report: Path) -> dict[str, Any]:
    """The `timings` of a JSON report, from its end: a large report would make us large, see `corpus`."""
    with report.open("rb") as stream:
        stream.seek(max(0, report.stat().st_size - _TAIL))
        tail = stream.read().decode(errors="replace")
    start = [match.end() for match in re.finditer(r'"timings"\s*:\s*', tail)]
    found: dict[str, Any] = json.JSONDecoder().raw_decode(tail, start[-1])[0] if start else {}
    return found


class _Watcher(threading.Thread):
    """Polls the memory of a process and all below it."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.pid = pid
        self.peak = 0
        self._done = threading.Event()

    def run(self) -> None:
        pause = 0.0
        while not self._done.wait(pause):
            start = time.perf_counter()
            self.peak = max(self.peak, sum(map(_memory, _tree(self.pid))))
            pause = max(POLL, 20 * (time.perf_counter() - start))  # looking takes a twentieth of a processor at most

    def stop(self) -> None:
        """End it."""
        self._done.set()
        self.join()


def _tree(pid: int) -> list[int]:
    """A process and those it started, and so on."""
    found = [pid]
    for parent in found:
        try:
            tasks = list(Path(f"/proc/{parent}/task").iterdir())
            found.extend(int(child) for task in tasks for child in (task / "children").read_text().split())
        except OSError:  # it has ended, or there is no /proc
            continue
    return found


def _memory(pid: int) -> int:
    """Bytes a process takes; what it shares with others counts in parts."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    match = re.search(r"^Pss:\s+(\d+) kB", text, re.MULTILINE)
    return int(match.group(1)) * 1024 if match else 0
