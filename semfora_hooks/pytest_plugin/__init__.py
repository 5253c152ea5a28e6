"""The pytest plugin: `pytest --semfora` runs each rule as a test, over the repository around pytest's root.

Until it is switched on, or a test asks for one of the fixtures, this module does nothing and imports nothing heavy:
what needs the engine is imported where it is used.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from semfora_hooks.errors import SemforaError
from semfora_hooks.pytest_plugin.session import NAME, OPTIONS, RUN, SHARED, is_on, run_of

if TYPE_CHECKING:
    from semfora_hooks.testing import Analysis, Architecture, RuleTester


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options and their twins in the configuration file."""
    group = parser.getgroup(NAME, "architecture recommendations (semfora-hooks)")
    group.addoption("--semfora", action="store_true", dest="semfora", default=None, help="run the rules as tests")
    group.addoption("--no-semfora", action="store_false", dest="semfora", default=None, help="undo --semfora")
    parser.addini("semfora", "run the rules as tests: true or false", type="string", default="")
    for name, (metavar, choices, text) in OPTIONS.items():
        group.addoption(f"--semfora-{name}", metavar=metavar or "|".join(choices), default=None, help=text)
        parser.addini(f"semfora_{name.replace('-', '_')}", f"{text} (--semfora-{name})", type="string", default="")
    text = "write a report, such as json:report.json; may be repeated"
    group.addoption("--semfora-report", metavar="FMT:DEST", action="append", default=None, help=text)
    parser.addini("semfora_report", "reports to write, one FMT:DEST a line", type="string", default="")


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker; where switched on, read the configuration, so that mistakes show before anything runs."""
    config.addinivalue_line("markers", "semfora: an item of semfora-hooks (a rule, a file, or the run's errors).")
    if not is_on(config):
        return
    run_of(config).take_arguments(config.args)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove what the workers of pytest-xdist shared."""
    folder = config.stash.get(SHARED, None)
    if folder is not None and not hasattr(config, "workerinput"):
        shutil.rmtree(folder, ignore_errors=True)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of pytest-xdist which items there are, and where the workers share the one analysis."""
    config: pytest.Config = node.config
    if SHARED not in config.stash:
        config.stash[SHARED] = Path(tempfile.mkdtemp(prefix="semfora-pytest-"))
    node.workerinput["semfora_shared"] = str(config.stash[SHARED])
    if is_on(config):
        run = run_of(config)
        run.chosen_names()  # a name there is not: say so once, here
        node.workerinput["semfora_names"] = run.names()
        node.workerinput["semfora_examples"] = run.examples()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    """Add our items before pytest selects (`-k`, `-m`, `--lf`, …), wherever it was told to look for tests."""
    if not is_on(config):
        return
    run = run_of(config)
    if run.chosen_names():
        items.extend(session.genitems(SemforaCollector.from_parent(session, name=NAME, nodeid=NAME)))
    if examples := run.chosen_examples():
        from semfora_hooks.pytest_plugin.examples import collect_examples

        items.extend(collect_examples(session, run.request.root.path, examples, run.find_rule))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the reports that were asked for."""
    config, ends = session.config, pytest.ExitCode
    run = config.stash.get(RUN, None)
    if run is None or not is_on(config) or hasattr(config, "workerinput") or config.option.collectonly:
        return
    has_ended = session.exitstatus in (ends.OK, ends.TESTS_FAILED, ends.NO_TESTS_COLLECTED)
    if has_ended and (run.reports or run.kind == "none"):
        run.write_reports()
        if run.problems:
            session.exitstatus = ends.USAGE_ERROR


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """List everything that was found, below the threshold too, and what is wrong with the run itself."""
    run = config.stash.get(RUN, None)
    if run is None or not is_on(config) or not (run.analysis.has_run() or run.problems):
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
        for name in run_of(self.config).chosen_names():
            yield SemforaItem.from_parent(self, name=name)


class SemforaItem(pytest.Item):
    """Passes unless a finding of its rule, or in its file, trips the gate."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.add_marker(NAME)

    def runtest(self) -> None:
        """Look at the findings; the first item that runs has the repository analysed."""
        if text := run_of(self.config).verdict(self.name):
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
        # Not the end of the node id: pytest would read its dots as those between modules and classes.
        return run_of(self.config).place_of(self.name), None, f"{NAME}: {self.name}"


# ---------------------------------------------------------------------------------------------------------- fixtures


@pytest.fixture(scope="session")
def semfora(pytestconfig: pytest.Config) -> Analysis:
    """The analysed repository: `.recommendations(rule=…, group=…, min_severity=…)`, `.symbols`, `.graph`, `.report`."""
    analysis = run_of(pytestconfig).analysis
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
