"""Fixtures of plugins in real processes: `plugin test`, and pytest with two workers."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import forked
import pytest
import wat

pytestmark = pytest.mark.e2e

PLUGINS = ".semfora/plugins"


def python(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=120)


def test_fixtures_in_two_workers(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = -p no:hypothesispytest --semfora\n")
    (tmp_path / "test_app.py").write_text("def test_passes():\n    pass\n")
    for plugin in ("first", "second"):
        tests = tmp_path / PLUGINS / "tests" / plugin
        tests.mkdir(parents=True)
        (tmp_path / PLUGINS / f"{plugin}.wasm").write_bytes(wat.plugin([{"title": plugin}]))
        for number in range(3):
            (tests / f"case {number}.context.json").write_text(json.dumps(wat.context()))
            expected = plugin if (plugin, number) != ("second", 1) else "something else"
            (tests / f"case {number}.expected.json").write_text(json.dumps([{"title": expected}]))

    tested = forked.run(["plugin", "test"], tmp_path)
    assert (tested.returncode, tested.stderr) == (1, b"")
    assert tested.stdout.endswith(b"\n1 of 6 fixtures of 2 plugins failed; --update writes what the plugins say\n")

    parallel = python(tmp_path, "pytest", "-n", "2", "-v", "-k", "case")
    assert parallel.returncode == 1, parallel.stdout
    assert "1 failed, 5 passed" in parallel.stdout
    failing = f"{PLUGINS}/second::case 1"
    assert f"FAILED {failing}" in parallel.stdout
    assert f"PASSED {PLUGINS}/first::case 2" in parallel.stdout

    again = python(tmp_path, "pytest", "-n", "2", "--lf", "-v")
    assert f"FAILED {failing}" in again.stdout and "1 failed in " in again.stdout

    updated = forked.run(["plugin", "test", "second", "--update"], tmp_path)
    assert updated.returncode == 0
    alone = python(tmp_path, "pytest", "-n", "2", failing, f"{PLUGINS}/first")
    assert (alone.returncode, "4 passed in " in alone.stdout) == (0, True), alone.stdout
