"""The pytest plugin: `pytest --semfora` runs each rule as a test, over the repository around pytest's root.

Until it is switched on, or a test asks for one of the fixtures, this module does nothing and imports nothing heavy:
what needs the engine is imported where it is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from semfora_hooks.pytest_plugin.options import NAME, SHARED, add_options, is_on

if TYPE_CHECKING:
    from semfora_hooks.pytest_plugin.session import Run
    from semfora_hooks.testing import Analysis, Architecture, RuleTester


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options and their twins in the configuration file."""
    add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker; where switched on, read the configuration, so that mistakes show before anything runs."""
    config.addinivalue_line("markers", "semfora: an item of semfora-hooks (a rule, a file, or the run's errors).")
    if not is_on(config):
        return
    _run_of(config).take_arguments(config.args)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove what the workers of pytest-xdist shared."""
    folder = config.stash.get(SHARED, None)
    if folder is not None and not hasattr(config, "workerinput"):
        import shutil

        shutil.rmtree(folder, ignore_errors=True)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of pytest-xdist which items there are, and where the workers share the one analysis."""
    config: pytest.Config = node.config
    if SHARED not in config.stash:
        import tempfile
        from pathlib import Path

        config.stash[SHARED] = Path(tempfile.mkdtemp(prefix="semfora-pytest-"))
    node.workerinput["semfora_shared"] = str(config.stash[SHARED])
    if is_on(config):
        run = _run_of(config)
        run.chosen_names()  # a name there is not: say so once, here
        node.workerinput["semfora_names"] = run.names()
        node.workerinput["semfora_examples"] = run.examples()
        node.workerinput["semfora_fixtures"] = run.fixtures()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    """Add our items before pytest selects (`-k`, `-m`, `--lf`, …), wherever it was told to look for tests."""
    if not is_on(config):
        return
    run = _run_of(config)
    if run.chosen_names():
        from semfora_hooks.pytest_plugin.items import SemforaCollector

        items.extend(session.genitems(SemforaCollector.from_parent(session, name=NAME, nodeid=NAME)))
    if examples := run.chosen_examples():
        from semfora_hooks.pytest_plugin.examples import collect_examples

        items.extend(collect_examples(session, run.request.root.path, examples, run.find_rule))
    if fixtures := run.chosen_fixtures():
        from semfora_hooks.pytest_plugin.fixtures import collect_fixtures

        items.extend(collect_fixtures(session, run.request.root.path, fixtures, run.find_plugin))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the reports that were asked for."""
    config, ends = session.config, pytest.ExitCode
    if not is_on(config) or hasattr(config, "workerinput") or config.option.collectonly:
        return
    run = _run_of(config)
    has_ended = session.exitstatus in (ends.OK, ends.TESTS_FAILED, ends.NO_TESTS_COLLECTED)
    if has_ended and (run.reports or run.kind == "none"):
        run.write_reports()
        if run.problems:
            session.exitstatus = ends.USAGE_ERROR


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """List everything that was found, below the threshold too, and what is wrong with the run itself."""
    if not is_on(config):
        return
    run = _run_of(config)
    if not (run.analysis.has_run() or run.problems):
        return
    terminalreporter.write_sep("=", NAME)
    for line in run.summary():
        terminalreporter.write_line(line)


# ---------------------------------------------------------------------------------------------------------- fixtures


@pytest.fixture(scope="session")
def semfora(pytestconfig: pytest.Config) -> Analysis:
    """The analysed repository: `.recommendations(rule=…, group=…, min_severity=…)`, `.symbols`, `.graph`, `.report`."""
    analysis = _run_of(pytestconfig).analysis
    from semfora_hooks.errors import SemforaError

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


def _run_of(config: pytest.Config) -> Run:
    """See `session.run_of`; what it needs is loaded by the first who asks."""
    from semfora_hooks.pytest_plugin.session import run_of

    return run_of(config)
