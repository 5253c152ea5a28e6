"""Examples of rules in real processes: a new rule from the command line to pytest with two workers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.e2e

FAILING = """\
name: failing
match: {name: load}
examples:
  - silent: "def load(): pass"
  - fires: "def load(): pass"
"""


def python(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=120)


def test_from_a_new_rule_to_tests_in_two_workers(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = -p no:hypothesispytest --semfora\n")
    (tmp_path / "test_app.py").write_text("def test_passes():\n    pass\n")
    assert python(tmp_path, "semfora_hooks", "rules", "new", "mine").returncode == 0
    (tmp_path / ".semfora/rules/failing.yaml").write_text(FAILING)

    tested = python(tmp_path, "semfora_hooks", "rules", "test")
    assert (tested.returncode, tested.stderr) == (1, "")
    assert tested.stdout.endswith("1 of 5 examples of 2 rules failed; -u prints what would make them pass\n")

    parallel = python(tmp_path, "pytest", "-n", "2", "-v", "-k", "example")
    assert parallel.returncode == 1, parallel.stdout
    assert "1 failed, 4 passed" in parallel.stdout
    failing = ".semfora/rules/failing.yaml::failing::example 1 (silent)"
    assert f"FAILED {failing}" in parallel.stdout
    assert "PASSED .semfora/rules/mine.yaml::mine::example 3 (silent)" in parallel.stdout

    again = python(tmp_path, "pytest", "-n", "2", "--lf", "-v")
    assert f"FAILED {failing}" in again.stdout and "1 failed in " in again.stdout
    alone = python(tmp_path, "pytest", failing)
    assert "1 failed in " in alone.stdout
