"""What the command line adds to a long run: a bar on the terminal, and an orderly end when it is told to end."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

SHOW_AFTER = 1.0
SHOW_IF_LEFT = 1.0
"""Seconds of work behind and, as far as one can tell, before us. Shorter runs get no bar, and do not import one."""

REDRAW_EVERY = 0.1

_STAGES = {"link": "Linking files", "judge": "Applying rules"}
"""What is said of stages that cannot be counted; each takes the place of what was shown before."""
_ERASE = "\r\x1b[2K"


class Bar:
    """A progress bar on standard error, if that is a terminal; a context manager that leaves no trace of it."""

    def __init__(self) -> None:
        self._is_wanted = sys.stderr is not None and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
        self._started = self._drawn = 0.0
        self._begun = time.monotonic()
        self._last = 0
        self._progress: Progress | None = None
        self._task: TaskID | None = None
        self._stage: str | None = None

    def __enter__(self) -> Bar:
        return self

    def __exit__(self, *_: object) -> None:
        self._erase()

    def stage(self, name: str) -> None:
        """Say that a stage of the run begins. In runs that have been short so far, nothing shows."""
        if not self._is_wanted or self._stage == name:
            return
        is_long = self._progress is not None or time.monotonic() - self._begun >= SHOW_AFTER
        self._erase()
        if is_long and name in _STAGES:
            click.echo(f"{_ERASE}{_STAGES[name]} ...", nl=False, err=True)
            self._stage = name

    def _erase(self) -> None:
        if self._progress is not None:
            self._progress.stop()
            self._progress = None
        if self._stage is not None:
            click.echo(_ERASE, nl=False, err=True)
            self._stage = None

    def update(self, done: int, total: int) -> None:
        """Say how many files are done. Called for each of them, so that it must cost nothing."""
        if not self._is_wanted:
            return
        now = time.monotonic()
        if done <= self._last or not self._started:  # another side of a change begins
            self._started = now
        self._last = done
        if self._progress is None:
            passed = now - self._started
            if passed < SHOW_AFTER or passed * (total - done) < SHOW_IF_LEFT * done:
                return
            self._show()
        if now - self._drawn >= REDRAW_EVERY or done == total:
            self._drawn = now
            assert self._progress is not None and self._task is not None
            self._progress.update(self._task, completed=done, total=total)
            self._progress.refresh()

    def _show(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self._progress = Progress(
            TextColumn("Extracting"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("files"),
            TimeRemainingColumn(),
            console=Console(stderr=True),  # honours NO_COLOR
            transient=True,
            auto_refresh=False,  # which would need a thread, and processes with threads cannot fork
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._task = self._progress.add_task("", total=None)
        self._progress.start()


@contextmanager
def orderly_end() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end the process as Ctrl-C does: worker processes end, and what they have done is kept."""
    caught: list[int] = []

    def end(number: int, _: Any) -> None:
        if not caught:
            caught.append(number)
            raise KeyboardInterrupt

    wanted = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    if threading.current_thread() is not threading.main_thread():
        wanted = []
    changed = [number for number in wanted if signal.getsignal(number) is signal.SIG_DFL]
    for number in changed:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number in changed:
            signal.signal(number, signal.SIG_DFL)
        if caught:
            os.kill(os.getpid(), caught[0])
