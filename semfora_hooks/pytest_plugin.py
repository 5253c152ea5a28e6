"""The pytest plugin: `pytest --semfora` runs each rule as a test, over the repository around pytest's root.

Until it is switched on, or a test asks for one of the fixtures, this module does nothing and imports nothing heavy:
what needs the engine is imported where it is used.
"""

from __future__ import annotations

import io
import os
import shutil
import tempfile
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from semfora_hooks.errors import SemforaError, UsageError

if TYPE_CHECKING:
    from semfora_hooks.hookspecs import RenderOptions, Reporter
    from semfora_hooks.model import Recommendation
    from semfora_hooks.testing import Analysis, Architecture, RuleTester

NAME = "semfora"
PREFIX = f"{NAME}::"
ERRORS, REPOSITORY = "errors", "repository"
"""Items that stand for no rule and no file: what failed in the run, and findings that concern no single file."""

_OPTIONS: dict[str, tuple[str, tuple[str, ...], str]] = {
    "fail-on": ("", ("never", "info", "warning", "error"), "severity from which a finding fails its item"),
    "min-confidence": ("F", (), "leave out findings that are less sure, from 0.0 to 1.0"),
    "since": ("REV", (), "judge only what HEAD has on top of its merge base with REV"),
    "baseline": ("FILE", (), "findings that were accepted"),
    "items": ("", ("rule", "file", "none"), "one test item a rule (the default), one a file, or none: only a list"),
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options and their twins in the configuration file."""
    group = parser.getgroup(NAME, "architecture recommendations (semfora-hooks)")
    group.addoption("--semfora", action="store_true", dest="semfora", default=None, help="run the rules as tests")
    group.addoption("--no-semfora", action="store_false", dest="semfora", default=None, help="undo --semfora")
    parser.addini("semfora", "run the rules as tests: true or false", type="string", default="")
    for name, (metavar, choices, text) in _OPTIONS.items():
        group.addoption(f"--semfora-{name}", metavar=metavar or "|".join(choices), default=None, help=text)
        parser.addini(f"semfora_{name.replace('-', '_')}", f"{text} (--semfora-{name})", type="string", default="")
    text = "write a report, such as json:report.json; may be repeated"
    group.addoption("--semfora-report", metavar="FMT:DEST", action="append", default=None, help=text)
    parser.addini("semfora_report", "reports to write, one FMT:DEST a line", type="string", default="")


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker; where switched on, read the configuration, so that mistakes show before anything runs."""
    config.addinivalue_line("markers", "semfora: an item of semfora-hooks (a rule, a file, or the run's errors).")
    if not _is_on(config):
        return
    run = _run(config)
    own = [argument for argument in config.args if argument.startswith(PREFIX)]
    if own:  # a node id of ours, as pytest prints it: no file stands behind it
        run.chosen = [argument.removeprefix(PREFIX) for argument in own]
        config.args[:] = [argument for argument in config.args if not argument.startswith(PREFIX)]


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove what the workers of pytest-xdist shared."""
    folder = config.stash.get(_SHARED, None)
    if folder is not None and not hasattr(config, "workerinput"):
        shutil.rmtree(folder, ignore_errors=True)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of pytest-xdist which items there are, and where the workers share the one analysis."""
    config: pytest.Config = node.config
    if _SHARED not in config.stash:
        config.stash[_SHARED] = Path(tempfile.mkdtemp(prefix="semfora-pytest-"))
    node.workerinput["semfora_shared"] = str(config.stash[_SHARED])
    if _is_on(config):
        run = _run(config)
        run.chosen_names()  # a name there is not: say so once, here
        node.workerinput["semfora_names"] = run.names()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    """Add our items before pytest selects (`-k`, `-m`, `--lf`, …), wherever it was told to look for tests."""
    if _is_on(config) and _run(config).chosen_names():
        items.extend(session.genitems(SemforaCollector.from_parent(session, name=NAME, nodeid=NAME)))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the reports that were asked for."""
    config, ends = session.config, pytest.ExitCode
    run = config.stash.get(_RUN, None)
    if run is None or not _is_on(config) or hasattr(config, "workerinput") or config.option.collectonly:
        return
    has_ended = session.exitstatus in (ends.OK, ends.TESTS_FAILED, ends.NO_TESTS_COLLECTED)
    if has_ended and (run.reports or run.kind == "none"):
        run.write_reports()
        if run.problems:
            session.exitstatus = ends.USAGE_ERROR


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """List everything that was found, below the threshold too, and what is wrong with the run itself."""
    run = config.stash.get(_RUN, None)
    if run is None or not _is_on(config) or not (run.analysis.has_run() or run.problems):
        return
    terminalreporter.write_sep("=", NAME)
    for line in run.summary():
        terminalreporter.write_line(line)


# ------------------------------------------------------------------------------------------------------------- items


class FindingsError(Exception):
    """What an item fails with: text for the reader, shown without a traceback."""


class SemforaCollector(pytest.Collector):
    """Holds the items: one a rule or file, and one for what failed in the run."""

    def collect(self) -> Iterator[SemforaItem]:
        """Make the items, in the same order in every process."""
        for name in _run(self.config).chosen_names():
            yield SemforaItem.from_parent(self, name=name)


class SemforaItem(pytest.Item):
    """Passes unless a finding of its rule, or in its file, trips the gate."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.add_marker(NAME)

    def runtest(self) -> None:
        """Look at the findings; the first item that runs has the repository analysed."""
        if text := _run(self.config).verdict(self.name):
            raise FindingsError(text)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Our failures as plain text; a traceback only for what should not happen."""
        if isinstance(excinfo.value, FindingsError):
            return str(excinfo.value)
        if isinstance(excinfo.value, SemforaError):
            return f"error: {excinfo.value}"
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[os.PathLike[str] | str, int | None, str]:
        """Where pytest says the item stands."""
        return self.config.rootpath, None, self.nodeid


# -------------------------------------------------------------------------------------------------------- the session


class Run:
    """What a session of pytest wants from us: its settings, its items, their texts, its reports."""

    def __init__(self, config: pytest.Config) -> None:
        from semfora_hooks.config import load_config
        from semfora_hooks.discovery import find_root
        from semfora_hooks.engine import Request, SuggestEngine
        from semfora_hooks.git import merge_base

        self._pytest = config
        root = find_root([], config.rootpath)
        overrides: dict[str, Any] = {}
        if fail_on := _setting(config, "fail-on"):
            overrides["fail_on"] = fail_on
        if confidence := _setting(config, "min-confidence"):
            try:
                overrides["min_confidence"] = float(confidence)
            except ValueError:
                raise UsageError(f"semfora-min-confidence: {confidence!r} is not a number") from None
        if baseline := _setting(config, "baseline"):
            path = self._from(config.option.semfora_baseline) / baseline
            overrides["baseline"] = str(path.relative_to(root.path) if path.is_relative_to(root.path) else path)
        since = _setting(config, "since")
        if since and not root.is_git:
            raise UsageError(f"semfora-since: {root.path} is not a git repository")
        if since:
            merge_base(root.path, since)  # a revision there is not: say so before anything runs
        self.engine = SuggestEngine(load_config(root.path, overrides=overrides))
        self.request = Request(root, "range", base=since) if since else Request(root)
        self.kind = _setting(config, "items") or "rule"
        self.reports = self._find_reporters()
        self.problems: list[str] = []
        self.chosen: list[str] = []
        self._names: list[str] | None = getattr(config, "workerinput", {}).get("semfora_names")

    @cached_property
    def analysis(self) -> Analysis:
        """The one analysis, which the workers of pytest-xdist share. A worker on another machine makes its own."""
        from semfora_hooks.testing import Analysis

        workers = getattr(self._pytest, "workerinput", {}).get("semfora_shared")
        shared = self._pytest.stash.get(_SHARED, None) if workers is None else Path(workers)
        return Analysis(self.engine, self.request, shared if shared is not None and shared.is_dir() else None)

    def names(self) -> list[str]:
        """The names of all items, in order; the same in every process."""
        if self._names is None:
            try:
                self._names = self._find_names()
            except SemforaError as error:
                raise pytest.UsageError(str(error)) from None
        return self._names

    def chosen_names(self) -> list[str]:
        """The names of the items to run: all, or those the command line names."""
        missing = [name for name in self.chosen if name not in self.names()]
        if missing:
            raise pytest.UsageError(f"not found: {PREFIX}{missing[0]}")
        return [name for name in self.names() if not self.chosen or name in self.chosen]

    def _find_names(self) -> list[str]:
        from semfora_hooks import discovery, git
        from semfora_hooks.policy.selection import is_selected

        config, root = self.engine.config, self.request.root
        if self.kind == "none":
            return []
        if self.kind == "rule":
            rules = (loaded.rule for loaded in self.engine.load_rules().rules)
            return [*(rule.id for rule in rules if is_selected(rule, config)), ERRORS]
        if self.request.scope == "range":
            snapshot = discovery.revision(root, config, git.commit_id(root.path, self.request.target))
        else:
            snapshot = discovery.work_tree(root, config)
        return [*(file.path for file in snapshot.files), REPOSITORY, ERRORS]

    def verdict(self, name: str) -> str:
        """Why an item fails, as the command line would show it; nothing if it passes."""
        import msgspec

        from semfora_hooks.policy.gate import summarise, trips
        from semfora_hooks.reporters.text import error_line, render_full

        report, config, stream = self.analysis.report, self.engine.config, io.StringIO()
        errors = (entry for entry in report.errors if name in (ERRORS, entry.rule))
        stream.writelines(f"{error_line(entry)}\n" for entry in errors)
        found = [item for item in report.recommendations if trips(item, config) and self._item_of(item) == name]
        if found:
            summary = summarise(found, config, files=report.summary.files, symbols=report.summary.symbols)
            part = msgspec.structs.replace(report, recommendations=found, fixed=[], summary=summary)
            render_full(part, stream, self._render_options())
        return stream.getvalue().rstrip()

    def _item_of(self, found: Recommendation) -> str:
        """The name of the item that a finding fails."""
        if self.kind == "rule":
            return found.rule_id
        return found.symbols[0].file if found.symbols and found.symbols[0].file in self._files else REPOSITORY

    @cached_property
    def _files(self) -> frozenset[str]:
        return frozenset(self.names())

    def summary(self) -> Iterator[str]:
        """The lines of the terminal section."""
        from semfora_hooks.reporters.text import problem_lines, render_concise, totals

        if self.analysis.has_run():
            try:
                report, stream, options = self.analysis.report, io.StringIO(), self._render_options()
                render_concise(report, stream, options)
                yield from stream.getvalue().splitlines()
                yield from problem_lines(report, options)
                yield totals(report)
            except SemforaError as error:
                yield f"error: {error}"
        yield from self.problems

    def write_reports(self) -> None:
        """Write what `--semfora-report` asks for; what goes wrong is added to `problems`."""
        try:
            for reporter, path in self.reports:
                path.parent.mkdir(parents=True, exist_ok=True)
                with path.open("w", encoding="utf-8", newline="\n") as stream:
                    reporter.render(self.analysis.report, stream, self._render_options())
            _ = self.analysis.report
        except SemforaError as error:
            self.problems.append(f"error: {error}")
        except OSError as error:
            self.problems.append(f"error: {error.filename}: cannot be written: {error.strerror}")

    def _find_reporters(self) -> list[tuple[Reporter, Path]]:
        """What `--semfora-report` asks for: output formats, and the files to write."""
        from semfora_hooks.reporters import REPORTERS

        given: list[str] | None = self._pytest.option.semfora_report
        folder, twin = self._from(given), self._pytest.getini("semfora_report")
        lines = given or (twin.splitlines() if isinstance(twin, str) else twin)
        wanted = [line.strip() for line in lines if line.strip()]
        known = REPORTERS if not wanted else {**self.engine.plugins.reporters([]), **REPORTERS}
        found = []
        for item in wanted:
            name, colon, destination = item.partition(":")
            if not colon or not destination:
                raise UsageError(f"semfora-report: {item!r} is not FMT:DEST, such as json:report.json")
            if name not in known:
                hint = f"one of {', '.join(sorted(known))}"
                raise UsageError(f"semfora-report: there is no output format '{name}'", hint=hint)
            found.append((known[name], folder / Path(destination).expanduser()))
        return found

    def _from(self, given: object) -> Path:
        """Where a setting's relative path starts: here on the command line, at pytest's root in its configuration."""
        return self._pytest.invocation_params.dir if given else self._pytest.rootpath

    def _render_options(self) -> RenderOptions:
        from semfora_hooks.hookspecs import RenderOptions

        root = self.request.root.path
        return RenderOptions(root=str(root), read_source=lambda path: _read(root / path))


_RUN = pytest.StashKey[Run]()
_SHARED = pytest.StashKey[Path]()


def _run(config: pytest.Config) -> Run:
    """The session's run, made when it is first wanted; a usage error where the configuration is wrong."""
    if _RUN not in config.stash:
        try:
            config.stash[_RUN] = Run(config)
        except SemforaError as error:
            raise pytest.UsageError(str(error)) from None
    return config.stash[_RUN]


def _is_on(config: pytest.Config) -> bool:
    """Whether the options, or else the configuration file, switch the plugin on."""
    if config.option.semfora is not None:
        return bool(config.option.semfora)
    return str(config.getini("semfora")).strip().lower() in ("1", "true", "yes", "on")


def _setting(config: pytest.Config, name: str) -> str | None:
    """An option's value: from the command line, else from the configuration file, else `None`."""
    key = f"semfora_{name.replace('-', '_')}"
    value = getattr(config.option, key)
    value = str(config.getini(key)).strip() if value is None else value
    choices = _OPTIONS[name][1]
    if value and choices and value not in choices:
        raise UsageError(f"semfora-{name}: {value!r} is none of {', '.join(choices)}")
    return value or None


def _read(path: Path) -> str | None:
    """A file's text, for excerpts."""
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return None


# ---------------------------------------------------------------------------------------------------------- fixtures


@pytest.fixture(scope="session")
def semfora(pytestconfig: pytest.Config) -> Analysis:
    """The analysed repository: `.recommendations(rule=…, group=…, min_severity=…)`, `.symbols`, `.graph`, `.report`."""
    analysis = _run(pytestconfig).analysis
    try:
        _ = analysis.report
    except SemforaError as error:
        pytest.fail(f"semfora-hooks: {error}", pytrace=False)
    return analysis


@pytest.fixture(scope="session")
def semfora_arch(semfora: Analysis) -> Architecture:
    """Architecture tests: `semfora_arch.modules("app.domain.*").should_not_call("app.web.*")`."""
    from semfora_hooks.testing import Architecture

    return Architecture(semfora.graph)


@pytest.fixture
def semfora_rule_tester() -> RuleTester:
    """For authors of rules: `.run(rule, files, options)` and `.check(rule)`, which holds it to its examples."""
    from semfora_hooks.testing import RuleTester

    return RuleTester()
