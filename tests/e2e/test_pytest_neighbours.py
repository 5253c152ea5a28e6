"""The pytest plugin beside others that change how tests run: pytest-xdist, pytest-randomly, pytest-cov."""

from __future__ import annotations

import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from sharing import made_once
from test_pytest import ITEMS, WARNING, Outcome, Project

pytestmark = pytest.mark.e2e

TESTS = """\
import app


def test_one():
    assert app.used() == 2


def test_two(semfora):
    assert semfora.recommendations(rule="dead-code")


class TestMore:
    def test_three(self):
        pass
"""
EXAMPLES = """\
name: handlers
match: {name: handle}
examples:
  - fires: "def handle(): pass"
  - silent: "def other(): pass"
"""


@pytest.fixture(scope="session")
def neighbours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pytest-randomly and pytest-cov, from PyPI, in a folder of their own: here they would act on our own tests."""
    names = ("pytest-randomly", "pytest-cov", "coverage")
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", *names, "--target"]
    return made_once(
        tmp_path_factory, "neighbours", lambda folder: subprocess.run([*command, str(folder)], check=True, timeout=300)
    )


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A finding, three files of tests, and a rule with two examples."""
    project = Project(tmp_path)
    (project.path / "test_app.py").unlink()
    project.write("app.py", "def _unused():\n    return 1\n\n\ndef used():\n    return 2\n")
    for name in ("a", "b", "c"):
        project.write(f"test_{name}.py", TESTS)
    project.write(".semfora/rules/handlers.yaml", EXAMPLES)
    return project


@pytest.fixture
def crowded(project: Project, neighbours: Path) -> Project:
    """The same, with pytest-randomly and pytest-cov."""
    project.python_path.append(str(neighbours))
    return project


OWN = ITEMS + 1 + 2
"""Our items: those of every repository, the rule's, and its examples'."""
TOTAL = OWN + 9


def collected(outcome: Outcome) -> list[str]:
    return [line for line in outcome.out.splitlines() if "::" in line]


def ours(names: list[str]) -> list[str]:
    return [name for name in names if not name.startswith("test_")]


# ------------------------------------------------------------------------------------------------------ pytest-randomly


def test_random_order(crowded: Project) -> None:
    """The same seed gives the same order; whatever the seed, the same items, each with the same outcome."""
    dry = ("--semfora", "--collect-only", "-q")
    first, again, other = (collected(crowded.pytest(*dry, f"--randomly-seed={seed}")) for seed in (1, 1, 3))
    assert len(first) == TOTAL
    assert first == again
    assert other != first
    assert sorted(other) == sorted(first)
    found = crowded.pytest(*WARNING, "--randomly-seed=1")
    assert (found.code, found.counts, found.analyses) == (1, {"failed": 1, "passed": TOTAL - 1}, 1)
    assert "FAILED semfora::dead-code" in found.out


def test_random_order_with_workers(crowded: Project) -> None:
    """Workers that did not collect the same items in the same order would end the session."""
    found = crowded.pytest(*WARNING, "-n", "2", "--randomly-seed=3")
    assert (found.code, found.counts, found.analyses) == (1, {"failed": 1, "passed": TOTAL - 1}, 1), found.out
    assert "Using --randomly-seed=3" in found.out


# ----------------------------------------------------------------------------------------------------------- pytest-cov


def measured(outcome: Outcome) -> list[str]:
    """The lines of pytest-cov's table."""
    return re.findall(r"^\w+(?:\.py)? +\d+ +\d+ +\d+%$", outcome.out, re.MULTILINE)


def test_coverage_is_the_same_with_and_without_us(crowded: Project) -> None:
    """We read code and never import it; and what we do ourselves is not counted as the project's."""
    run = ("--cov=.", "--cov-report=term", "-p", "no:randomly", "-W", "error")
    with_us = crowded.pytest("--semfora", *run)
    assert (with_us.code, with_us.counts, with_us.analyses) == (0, {"passed": TOTAL}, 1), with_us.out
    without = crowded.pytest("--no-semfora", *run)
    assert (without.code, without.counts, without.analyses) == (0, {"passed": 9}, 1)  # for the fixture
    assert [line.split()[0] for line in measured(with_us)] == ["app.py", "test_a.py", "test_b.py", "test_c.py", "TOTAL"]
    assert measured(with_us) == measured(without)
    workers = crowded.pytest("--semfora", *run, "-n", "2")
    assert (workers.code, workers.counts, workers.analyses) == (0, {"passed": TOTAL}, 1), workers.out
    assert measured(workers) == measured(with_us)


def test_coverage_of_what_only_we_read(crowded: Project) -> None:
    crowded.write("never.py", "raise SystemExit('imported')\n")
    found = crowded.pytest("--semfora", "--cov=.", "--cov-report=term")
    assert (found.code, found.counts) == (0, {"passed": TOTAL})
    assert re.search(r"^never.py +1 +1 +0%$", found.out, re.MULTILINE)


# --------------------------------------------------------------------------------------------------------- pytest-xdist


@pytest.mark.parametrize(("distribution", "times"), [("worksteal", 1), ("each", 2)])
def test_one_analysis_however_tests_are_dealt(project: Project, distribution: str, times: int) -> None:
    found = project.pytest(*WARNING, "-n", "2", "--dist", distribution)
    assert (found.code, found.analyses) == (1, 1), found.out
    assert found.counts == {"failed": times, "passed": times * (TOTAL - 1)}


def test_workers_collect_what_the_session_told_them(project: Project) -> None:
    """Items by file, while each worker writes a file of its own before it collects."""
    project.write(
        "conftest.py",
        "from pathlib import Path\n\n"
        "def pytest_configure(config):\n"
        "    if hasattr(config, 'workerinput'):\n"
        "        Path(f\"made_by_{config.workerinput['workerid']}.py\").write_text('x = 1\\n')\n",
    )
    by_file = (*WARNING, "--semfora-items=file", "-n", "2")
    found = project.pytest(*by_file, "--junitxml=out.xml")
    assert {path.name for path in project.path.glob("made_by_*")} == {"made_by_gw0.py", "made_by_gw1.py"}
    assert (found.code, found.analyses) == (1, 1), found.out
    cases = {(case.get("classname"), case.get("name")) for case in ET.parse(project.path / "out.xml").iter("testcase")}
    names = {name for group, name in cases if group == "semfora"}
    assert names == {"app.py", "conftest.py", "test_a.py", "test_b.py", "test_c.py", "repository", "errors"}
    assert "FAILED semfora::app.py" in found.out


def test_only_collecting_analyses_nothing(project: Project) -> None:
    alone = collected(project.pytest("--semfora", "--collect-only", "-q"))
    workers = project.pytest("--semfora", "--collect-only", "-q", "-n", "2")
    assert (workers.code, workers.analyses) == (0, 0)
    assert collected(workers) == alone
    assert len(alone) == TOTAL


def test_workers_import_nothing_heavy_until_they_must(project: Project) -> None:
    """Switched off, in every process that runs tests; what the session itself imports, `-X importtime` says."""
    for path in project.path.glob("test_*.py"):
        path.unlink()
    project.write(
        "test_modules.py",
        "import sys\n\nimport pytest\n\n"
        "@pytest.mark.parametrize('number', range(4))\n"
        "def test_modules(number):\n"
        "    loaded = {name.partition('.')[0] for name in sys.modules}\n"
        "    heavy = {'msgspec', 'tree_sitter', 'yaml', 'click', 'sqlite3', 'wasmtime', 'pathspec'}\n"
        "    assert loaded & (heavy | {'pluggy'}) == {'pluggy'}\n"
        "    ours = {name for name in sys.modules if name.startswith('semfora_hooks')}\n"
        "    plugin = 'semfora_hooks.pytest_plugin'\n"
        "    assert ours == {'semfora_hooks', plugin, f'{plugin}.options'}\n",
    )
    found = project.pytest("-n", "2")
    assert (found.code, found.counts, found.analyses) == (0, {"passed": 4}, 0), found.out


# ---------------------------------------------------------------------------------------------------------- where it is


def test_testpaths_elsewhere(project: Project) -> None:
    """Pytest's configuration among the tests, which then are its root: the repository is still the whole of it."""
    subprocess.run(["git", "init", "-q"], cwd=project.path, check=True)
    (project.path / "pytest.ini").unlink()
    for path in project.path.glob("test_*.py"):
        path.unlink()
    project.write("tests/pytest.ini", "[pytest]\ntestpaths = unit\nsemfora = true\nsemfora_fail_on = warning\n")
    project.write("tests/unit/test_unit.py", "def test_unit():\n    pass\n")
    for arguments in (("-c", "tests/pytest.ini"), ("tests",), ("--rootdir=tests", "-c", "tests/pytest.ini")):
        found = project.pytest(*arguments)
        assert (found.code, found.counts, found.analyses) == (1, {"failed": 1, "passed": OWN}, 1), found.out
        assert "app.py:1:1: warning dead-code" in found.out
    inside = project.pytest(folder="tests")
    assert (inside.code, inside.counts) == (1, {"failed": 1, "passed": OWN})


def test_without_the_plugin_its_settings_do_no_harm(project: Project) -> None:
    project.write("pytest.ini", "[pytest]\nsemfora = true\nsemfora_items = file\n")
    for path in project.path.glob("test_*.py"):
        path.write_text("def test_passes():\n    pass\n")
    found = project.pytest("-p", "no:semfora")
    assert (found.code, found.counts["passed"], found.analyses) == (0, 3, 0)
    assert project.pytest().counts == {"passed": 3 + len(list(project.path.glob("*.py"))) + 2 + 2}
