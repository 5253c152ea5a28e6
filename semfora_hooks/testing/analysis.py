"""The analysed repository in a test session, shared among processes."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Generator, Sequence
from pathlib import Path

import msgspec

from semfora_hooks.context import SuggestContext
from semfora_hooks.engine import Request, SuggestEngine
from semfora_hooks.errors import SemforaError
from semfora_hooks.model import Recommendation, Report, Severity, Symbol


class Analysis:
    """The analysed repository, and the fixture `semfora`. The engine runs once, when something is first asked.

    Args:
        engine: Analyses.
        request: What to analyse.
        shared: A folder through which processes share the one analysis: the first that needs it holds a lock and
            analyses, the others wait and read.
    """

    def __init__(self, engine: SuggestEngine, request: Request, shared: Path | None = None) -> None:
        self._engine = engine
        self._request = request
        self._shared = shared
        self._report: Report | None = None
        self._context: SuggestContext | None = None
        self._failure: SemforaError | None = None

    @property
    def report(self) -> Report:
        """The whole report.

        Raises:
            SemforaError: The repository could not be analysed.
        """
        if self._report is None and self._failure is None:
            try:
                self._report = self._run() if self._shared is None else self._share(self._shared)
            except SemforaError as error:
                self._failure = error
        if self._report is None:
            raise self._failure or SemforaError("there is no report")
        return self._report

    @property
    def graph(self) -> SuggestContext:
        """The linked repository: `symbols`, `calls`, `modules`, `imports`, and look-ups such as `calls_to(id)`."""
        _ = self.report
        if self._context is None and self._shared is not None:  # another process analysed
            self._context = msgspec.json.decode((self._shared / "context.json").read_bytes(), type=SuggestContext)
        if self._context is None:
            raise SemforaError("there is no graph")
        return self._context

    @property
    def symbols(self) -> Sequence[Symbol]:
        """All symbols, by file and position."""
        return self.graph.symbols

    def recommendations(
        self, rule: str | None = None, group: str | None = None, min_severity: Severity | str | None = None
    ) -> list[Recommendation]:
        """The findings that are not suppressed.

        Args:
            rule: Only this rule's.
            group: Only this group's.
            min_severity: Only those at least so severe.

        Raises:
            LookupError: The rule did not run, so that it found nothing proves nothing.
        """
        ran = self.report.timings.rules
        if rule is not None and ran and rule not in ran:
            raise LookupError(f"the rule '{rule}' did not run; these did: {', '.join(ran)}")
        least = Severity.INFO if min_severity is None else Severity(min_severity)
        return [
            item
            for item in self.report.recommendations
            if item.suppressed is None
            and rule in (None, item.rule_id)
            and group in (None, item.group)
            and (item.severity or Severity.INFO) >= least
        ]

    def has_run(self) -> bool:
        """Whether the repository was analysed, here or in a process that shares it."""
        if self._report is None and self._failure is None and self._shared is not None:
            return any((self._shared / name).exists() for name in ("report.json", "failure.json"))
        return self._report is not None or self._failure is not None

    def _run(self) -> Report:
        result = self._engine.run(self._request)
        self._context = result.context
        return result.report

    def _share(self, folder: Path) -> Report:
        report, context, failure = (folder / f"{name}.json" for name in ("report", "context", "failure"))
        with _lock(folder / "lock"):
            if failure.exists():
                message, hint, kind = msgspec.json.decode(failure.read_bytes())
                raise SemforaError(message, hint=hint, kind=kind)
            if report.exists():
                return msgspec.json.decode(report.read_bytes(), type=Report)
            try:
                found = self._run()
            except SemforaError as error:
                _write(failure, [error.message, error.hint, error.kind])
                raise
            _write(context, self._context)
            _write(report, found)
            return found


def _write(path: Path, document: object) -> None:
    """Write a file that others see wholly or not at all."""
    part = path.with_suffix(".part")
    part.write_bytes(msgspec.json.encode(document, enc_hook=_as_list))
    part.replace(path)


def _as_list(value: object) -> list[object]:
    """A sequence of a type of ours, such as the calls of a context, which are packed."""
    if isinstance(value, Sequence):
        return list(value)
    raise NotImplementedError(type(value).__name__)


@contextlib.contextmanager
def _lock(path: Path) -> Generator[None]:
    """Hold a lock among processes; the system lets go of it when the process ends, however it ends."""
    with path.open("a") as stream:
        if sys.platform == "win32":
            import msvcrt

            while True:
                with contextlib.suppress(OSError):  # it gives up after ten seconds
                    msvcrt.locking(stream.fileno(), msvcrt.LK_LOCK, 1)
                    break
        else:
            import fcntl

            fcntl.flock(stream, fcntl.LOCK_EX)
        yield
