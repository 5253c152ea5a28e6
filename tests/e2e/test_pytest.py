"""The pytest plugin in real processes: what it imports, how often it analyses, with and without pytest-xdist."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.e2e

DEAD = "def _unused():\n    return 1\n"
RULES = 7
ITEMS = RULES + 1

PROVIDER = """
import os
from semfora_hooks import hookimpl

@hookimpl
def semfora_run_finished(report):
    with open(os.environ["SEMFORA_TEST_LOG"], "a") as log:
        log.write(f"{os.getpid()}\\n")
"""

METADATA = "Metadata-Version: 2.1\nName: counting\nVersion: 1.0\n"


class Project:
    """A scratch repository, and pytest in a process of its own; an installed provider counts the analyses."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "repo"
        self.path.mkdir()
        self.log = folder / "analyses.log"
        self.temporary = folder / "tmp"
        self.temporary.mkdir()
        self.site = folder / "site"
        self.python_path = [str(self.site), *filter(None, [os.environ.get("PYTHONPATH")])]
        installed = self.site / "counting-1.0.dist-info"
        installed.mkdir(parents=True)
        (self.site / "counting.py").write_text(PROVIDER)
        (installed / "METADATA").write_text(METADATA)
        (installed / "entry_points.txt").write_text("[semfora_hooks]\ncounting = counting\n")
        self.write("pytest.ini", "[pytest]\n")
        self.write("app.py", DEAD)
        self.write("test_app.py", "def test_passes():\n    pass\n")

    def write(self, path: str, text: str) -> None:
        (self.path / path).parent.mkdir(parents=True, exist_ok=True)
        (self.path / path).write_text(text)

    def pytest(self, *arguments: str, interpreter: tuple[str, ...] = (), folder: str = ".") -> Outcome:
        self.log.unlink(missing_ok=True)
        plugins = "-p no:hypothesispytest -p no:cacheprovider"
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(self.python_path),
            "SEMFORA_TEST_LOG": str(self.log),
            "TMPDIR": str(self.temporary),
            "PYTEST_ADDOPTS": plugins if "--lf" not in arguments else "-p no:hypothesispytest",
        }
        command = [sys.executable, *interpreter, "-m", "pytest", *arguments]
        done = subprocess.run(
            command, cwd=self.path / folder, env=environment, capture_output=True, text=True, check=False, timeout=120
        )
        analyses = len(self.log.read_text().splitlines()) if self.log.exists() else 0
        return Outcome(done.returncode, done.stdout, done.stderr, analyses)


class Outcome:
    """How a session ended."""

    def __init__(self, code: int, out: str, err: str, analyses: int) -> None:
        self.code, self.out, self.err, self.analyses = code, out, err, analyses

    @property
    def counts(self) -> dict[str, int]:
        """`{"passed": 3, "failed": 1}`, from pytest's last line."""
        last = [line for line in self.out.splitlines() if re.search(r" in \d+\.\d+s", line)][-1]
        return {word: int(count) for count, word in re.findall(r"(\d+) (\w+)", last.partition(" in ")[0])}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


WARNING = ("--semfora", "--semfora-fail-on=warning")


# ----------------------------------------------------------------------------------------------------------- inertness


def imported(outcome: Outcome) -> set[str]:
    """The modules that `-X importtime` lists."""
    return {line.rpartition("|")[2].strip() for line in outcome.err.splitlines() if line.startswith("import time:")}


def test_switched_off_it_imports_nothing_heavy(project: Project) -> None:
    off = project.pytest("-p", "no:xdist", interpreter=("-X", "importtime"))
    assert (off.code, off.counts, off.analyses) == (0, {"passed": 1}, 0)
    heavy = {"msgspec", "tree_sitter", "tree_sitter_python", "yaml", "wasmtime", "click", "pathspec", "sqlite3"}
    assert heavy & {name.partition(".")[0] for name in imported(off)} == set()
    ours = {name for name in imported(off) if name.startswith("semfora_hooks")}
    plugin = "semfora_hooks.pytest_plugin"
    assert ours <= {"semfora_hooks", plugin, f"{plugin}.options"}
    on = project.pytest("--semfora", "-p", "no:xdist", interpreter=("-X", "importtime"))
    assert {"msgspec", "semfora_hooks.engine"} <= imported(on)


# -------------------------------------------------------------------------------------------------------- one analysis


def test_in_one_process(project: Project) -> None:
    broken = project.pytest(*WARNING)
    assert (broken.code, broken.counts, broken.analyses) == (1, {"failed": 1, "passed": ITEMS}, 1)
    assert "function `_unused` is never used" in broken.out
    assert "Traceback" not in broken.out + broken.err
    project.write("app.py", DEAD + "\n\n_unused()\n")
    fixed = project.pytest(*WARNING)
    assert (fixed.code, fixed.counts, fixed.analyses) == (0, {"passed": ITEMS + 1}, 1)


def test_with_workers_it_runs_once_for_all(project: Project) -> None:
    project.write(
        "test_arch.py",
        "import pytest\n\n"
        "@pytest.mark.parametrize('number', range(6))\n"
        "def test_shares(semfora, number):\n"
        "    assert [found.rule_id for found in semfora.recommendations()] == ['dead-code']\n"
        "    assert {'app', 'test_app', 'test_arch'} <= {symbol.module for symbol in semfora.symbols}\n",
    )
    found = project.pytest(*WARNING, "-n", "2", "-v", "--junitxml=out.xml", "--semfora-report=json:out.json")
    assert (found.code, found.counts, found.analyses) == (1, {"failed": 1, "passed": ITEMS + 6}, 1), found.out
    assert set(re.findall(r"\[(gw\d)\]", found.out)) == {"gw0", "gw1"}
    assert (
        found.out.count("app.py:1:1: warning dead-code function `_unused` is never used") == 1
    )  # the terminal section
    assert json.loads((project.path / "out.json").read_text())["summary"]["recommendations"] == 1
    assert 'classname="semfora" name="dead-code"' in (project.path / "out.xml").read_text()
    assert [path.name for path in project.temporary.glob("semfora-pytest-*")] == []


def test_workers_analyse_only_if_they_must(project: Project) -> None:
    found = project.pytest("--semfora", "-n", "2", "-k", "test_passes")
    assert (found.code, found.counts["passed"], found.analyses) == (0, 1, 0)
    assert "semfora =" not in found.out


def test_workers_take_node_ids(project: Project) -> None:
    found = project.pytest(*WARNING, "-n", "2", "semfora::dead-code", "semfora::naming")
    assert (found.code, found.counts, found.analyses) == (1, {"failed": 1, "passed": 1}, 1)
    missing = project.pytest("--semfora", "-n", "2", "semfora::dead-cod")
    assert (missing.code, missing.analyses) == (4, 0)
    assert "ERROR: not found: semfora::dead-cod" in missing.err
    assert "INTERNALERROR" not in missing.out + missing.err


def test_a_worker_that_dies_takes_nothing_with_it(project: Project) -> None:
    project.write("test_app.py", "import os\n\ndef test_dies():\n    os._exit(3)\n")
    found = project.pytest("--semfora", "-n", "1", "--max-worker-restart=1")
    assert (found.code, found.counts) == (1, {"failed": 1, "passed": ITEMS}), found.out
    assert found.analyses == 1


def test_failures_are_shared_by_workers_too(project: Project) -> None:
    found = project.pytest("--semfora", "-n", "2", "-m", "semfora", "--semfora-baseline=missing.json")
    assert (found.code, found.counts["failed"], found.analyses) == (1, ITEMS, 0)
    assert "missing.json" in found.out and "Traceback" not in found.out + found.err


# --------------------------------------------------------------------------------------------------- as people call it


def test_from_a_folder_below(project: Project) -> None:
    project.write("tests/test_inner.py", "def test_inner():\n    pass\n")
    found = project.pytest(*WARNING, folder="tests")
    assert (found.code, found.counts) == (1, {"failed": 1, "passed": ITEMS})
    assert "../app.py:1:1: warning dead-code" in found.out or f"{project.path}/app.py:1:1: warning" in found.out


def test_the_last_failures(project: Project) -> None:
    assert project.pytest(*WARNING, "--lf").counts == {"failed": 1, "passed": ITEMS}
    assert project.pytest(*WARNING, "--lf").counts == {"failed": 1, "deselected": ITEMS}
    again = project.pytest(*WARNING, "--lf", "-n", "2")
    assert (again.code, again.counts, again.analyses) == (1, {"failed": 1}, 1)


def test_a_repository_without_tests(project: Project) -> None:
    (project.path / "test_app.py").unlink()
    found = project.pytest("--semfora")
    assert (found.code, found.counts) == (0, {"passed": ITEMS})
    assert project.pytest("--semfora", "-p", "no:semfora").code == 4
