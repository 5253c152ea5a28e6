"""Helpers for authors: run one rule on a few files, hold a rule to its examples, state an architecture as a test.

The pytest plugin offers them as the fixtures `semfora_rule_tester` and `semfora_arch`; nothing here needs pytest.
"""

from __future__ import annotations

import contextlib
import sys
import tempfile
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pluggy

from semfora_hooks import __version__, hookspecs
from semfora_hooks.config import load_config
from semfora_hooks.context import SuggestContext
from semfora_hooks.discovery import Root
from semfora_hooks.engine import Request, SuggestEngine
from semfora_hooks.errors import SemforaError
from semfora_hooks.hookspecs import PROJECT_NAME, Example, Rule, RuleProvider, hookimpl
from semfora_hooks.model import Recommendation, Report, Resolution, Severity, Symbol
from semfora_hooks.plugin_manager import Origin, Plugins
from semfora_hooks.providers.declarative.globs import Glob, import_glob
from semfora_hooks.reporters.text import error_line

# ------------------------------------------------------------------------------------------------------------- rules


def run_rule(rule: Rule, files: Mapping[str, str], options: Mapping[str, Any] | None = None) -> list[Recommendation]:
    """What one rule says about some files: written to a folder of their own, analysed by the real engine.

    Args:
        rule: The rule. One with options of its own (a class method `configured`) is built anew with `options`; others
            find them in `context.config`.
        files: Path to content. A `pyproject.toml` among them counts as the repository's.
        options: What would stand in `[tool.semfora.rules.<id>]`.

    Returns:
        The findings that no comment suppresses.

    Raises:
        AssertionError: The rule failed, or broke its contract with the host.
        ConfigError: An option is unknown or has the wrong type.
    """
    report = _analyse(rule, files, options or {})
    if report.errors:
        raise AssertionError("\n".join([f"rule '{rule.id}' did not run cleanly:", *map(error_line, report.errors)]))
    return [item for item in report.recommendations if item.suppressed is None]


def check_example(rule: Rule, example: Example) -> None:
    """Hold a rule to one of its examples.

    Raises:
        AssertionError: It is silent where it must fire, fires where it must be silent, fails, or the example's code
            cannot be parsed, so that its silence would prove nothing.
    """
    __tracebackhide__ = True
    report = _analyse(rule, example.files, example.options)
    found = [item for item in report.recommendations if item.suppressed is None]
    problems = [error_line(entry) for entry in report.errors]
    problems += [f"incomplete: {item.file}: {item.reason}" for item in report.incomplete]
    if problems:
        verdict = "could not be checked"
    elif bool(found) == example.fires:
        return
    else:
        verdict = "must fire, and is silent" if example.fires else "must be silent, and fires"
    note = f" ({example.note})" if example.note else ""
    said = [f"{_place(item)}: {item.title}" for item in found]
    options = [f"options: {dict(example.options)}"] if example.options else []
    shown = [f"--- {path}\n{text}" for path, text in example.files.items()]
    raise AssertionError("\n".join([f"rule '{rule.id}', example{note}: {verdict}", *problems, *said, *options, *shown]))


class RuleTester:
    """The fixture `semfora_rule_tester`."""

    def run(
        self, rule: Rule, files: Mapping[str, str], options: Mapping[str, Any] | None = None
    ) -> list[Recommendation]:
        """What the rule says about `files`; see `run_rule`."""
        return run_rule(rule, files, options)

    def check(self, rule: Rule) -> None:
        """Hold a rule to all its examples.

        Raises:
            AssertionError: It fails one, or has none that fires or none that does not.
        """
        __tracebackhide__ = True
        kinds = {example.fires for example in rule.examples}
        if kinds != {True, False}:
            raise AssertionError(f"rule '{rule.id}' needs an example that fires and one that does not")
        for example in rule.examples:
            check_example(rule, example)


def _analyse(rule: Rule, files: Mapping[str, str], options: Mapping[str, Any]) -> Report:
    with tempfile.TemporaryDirectory(prefix="semfora-rule-") as name:
        folder = Path(name).resolve()
        for path, text in files.items():
            file = folder / path
            if not file.resolve().is_relative_to(folder):
                raise ValueError(f"{path!r} is not a path below the example's folder")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8", newline="")
        config = load_config(folder, environment={})
        config = config.replace(rules={**config.rules, rule.id: dict(options)}, use_cache=False, jobs=1)
        configured = getattr(type(rule), "configured", None)
        subject = rule if configured is None else configured(config)
        engine = SuggestEngine(config, _only(subject))
        return engine.run(Request(Root(folder, is_git=False), rules=(rule.id,))).report


def _only(rule: Rule) -> Plugins:
    """Providers of one rule, which is checked as a third party's would be."""

    class _Provider:
        @hookimpl
        def semfora_rule_providers(self) -> list[RuleProvider]:
            return [RuleProvider("testing", lambda config: [rule])]

    manager = pluggy.PluginManager(PROJECT_NAME)
    manager.add_hookspecs(hookspecs)
    manager.register(_Provider(), name="testing")
    return Plugins(manager, {"testing": Origin("testing", "semfora_hooks.testing", __version__)}, [])


def _place(item: Recommendation) -> str:
    return f"{item.symbols[0].file}:{item.symbols[0].start_line}" if item.symbols else "repository"


# ---------------------------------------------------------------------------------------------------------- analysis


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
    part.write_bytes(msgspec.json.encode(document))
    part.replace(path)


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


# ------------------------------------------------------------------------------------------------------ architecture

_TRUST: Mapping[Resolution, int] = {"name": 0, "inferred": 1, "exact": 2}


class Architecture:
    """The fixture `semfora_arch`: claims about who calls and imports whom, over the whole repository.

    Patterns are globs on dotted module names, in which `*` crosses dots. A package's name stands for everything in it:
    `app.web` is `app.web` and all below, `app.web.*` only what is below.
    """

    def __init__(self, context: SuggestContext) -> None:
        self._context = context

    def modules(self, *patterns: str) -> Modules:
        """The modules of the repository that fit one of `patterns`.

        Raises:
            AssertionError: None does, so that any claim about them would hold.
        """
        __tracebackhide__ = True
        fits = _matcher(patterns)
        names = [module.name for module in self._context.modules if fits(module.name)]
        if not names:
            known = ", ".join(module.name for module in self._context.modules[:10])
            raise AssertionError(f"no module fits {' or '.join(patterns)}; the first modules are: {known}")
        return Modules(self._context, patterns, frozenset(names))


class Modules:
    """Some modules, and what can be claimed about them."""

    def __init__(self, context: SuggestContext, patterns: Sequence[str], names: frozenset[str]) -> None:
        self._context = context
        self._patterns = patterns
        self.names = names

    def should_not_call(self, *patterns: str, trust: Resolution = "inferred") -> None:
        """Claim that nothing in these modules calls what stands in others.

        Args:
            patterns: Modules, or names outside the repository (`requests`). Calls among them do not count.
            trust: The least sure kind of call edge inside the repository that counts: `exact`, `inferred`, or `name`
                (a guess by name alone).

        Raises:
            AssertionError: Something does; the message has a line for each call.
        """
        __tracebackhide__ = True
        self._claim("call", patterns, self._calls(_matcher(patterns), _TRUST[trust]))

    def should_not_import(self, *patterns: str, type_checking: bool = False) -> None:
        """Claim that these modules import none of the others.

        Args:
            patterns: Modules of the repository. Imports among them do not count.
            type_checking: Whether imports that run only for type checkers count too.

        Raises:
            AssertionError: One does; the message has a line for each import.
        """
        __tracebackhide__ = True
        fits = _matcher(patterns)
        self._claim(
            "import",
            patterns,
            (
                f"{edge.file}:{edge.line}: {edge.importer} imports {edge.imported}"
                for edge in self._context.imports
                if edge.importer in self.names
                and fits(edge.imported)
                and not fits(edge.importer)
                and (type_checking or not edge.type_checking)
            ),
        )

    def _calls(self, fits: Callable[[str], bool], least: int) -> Iterator[str]:
        symbols = self._context.by_id
        for call in self._context.calls:
            caller = symbols[call.caller]
            callee = symbols.get(call.callee or "")
            if caller.module not in self.names or fits(caller.module):
                continue
            place = f"{caller.file}:{call.line}: {caller.qualified_name} calls"
            if callee is None and fits(call.external or ""):
                yield f"{place} {call.external}"
            elif callee is not None and fits(callee.module) and _TRUST[call.resolution] >= least:
                yield f"{place} {callee.qualified_name} ({call.resolution})"

    def _claim(self, verb: str, patterns: Sequence[str], found: Iterable[str]) -> None:
        __tracebackhide__ = True
        lines = list(found)
        if lines:
            head = f"{' or '.join(self._patterns)} should not {verb} {' or '.join(patterns)}"
            places = "1 place" if len(lines) == 1 else f"{len(lines)} places"
            raise AssertionError("\n  ".join([f"{head}, and does in {places}:", *lines]))


def _matcher(patterns: Sequence[str]) -> Callable[[str], bool]:
    """Whether a dotted name fits one of `patterns`.

    Raises:
        ValueError: There is none, or one is not a glob.
    """
    if not patterns:
        raise ValueError("name at least one module pattern, such as 'app.web.*'")
    globs: list[Glob] = [import_glob(pattern) for pattern in patterns]
    return lambda name: any(glob.matches(name) for glob in globs)
