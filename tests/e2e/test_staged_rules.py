"""`suggest --staged` judges with the rules and plugins of the next commit, whatever lies about in the work tree."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import forked
import pytest
import wasmtime
from providers.wasm.builders import constant

pytestmark = pytest.mark.e2e
COMMAND = str(Path(sys.executable).parent / "semfora-hooks")
PLUGINS = ".semfora/plugins"
MANIFEST = "plugins: [{name: marker, group: marks, description: Marks., granularity: symbol, severity: error}]\n"
RULE = 'name: no-{0}\nmatch: {{kind: function, name_pattern: "{0}*"}}\nseverity: error\nsuggestion: "Not {0}."\n'
APP = "def greet():\n    return 1\n\n\nprint(greet())\n"


def plugin(title: str) -> bytes:
    """A plugin that reports one finding, about the function that is staged below."""
    return bytes(wasmtime.wat2wasm(constant(json.dumps([{"title": title, "symbols": [{"id": "app.py::handle"}]}]))))


class Repository:
    """A repository whose next commit adds the function `handle`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir()
        self.git("init", "-q", "-b", "main")
        self.write("app.py", APP)
        self.commit()

    def git(self, *arguments: str) -> None:
        subprocess.run(["git", *arguments], cwd=self.root, check=True, capture_output=True)

    def commit(self) -> None:
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "m")

    def write(self, path: str, data: str | bytes) -> None:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data.encode() if isinstance(data, str) else data)

    def stage_function(self) -> None:
        self.write("app.py", APP + "\n\ndef handle():\n    return 2\n\n\nprint(handle())\n")
        self.git("add", "app.py")

    def run(self, *arguments: str) -> tuple[int, dict[str, Any]]:
        done = forked.run(["suggest", "--output-format", "json", *arguments], self.root)
        assert done.stdout, done.stderr
        return done.returncode, json.loads(done.stdout)

    def titles(self, *arguments: str) -> list[str]:
        """Titles of a run's findings about the staged function; it has no errors."""
        _, report = self.run(*(arguments or ("--staged",)))
        assert report["errors"] == []
        return sorted(item["title"] for item in report["recommendations"] if item["symbols"][0]["name"] == "handle")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "repository")


def test_the_staged_binary_runs(repository: Repository) -> None:
    repository.write(f"{PLUGINS}/marker.wasm", plugin("committed"))
    repository.write(f"{PLUGINS}/manifest.yaml", MANIFEST)
    repository.commit()
    repository.stage_function()
    assert repository.titles() == ["committed"]
    repository.write(f"{PLUGINS}/marker.wasm", plugin("work tree"))
    assert repository.titles() == ["committed"]
    assert repository.titles(".") == ["work tree"]  # a run over the work tree is about the work tree
    repository.git("add", PLUGINS)
    repository.write(f"{PLUGINS}/marker.wasm", plugin("later"))
    assert repository.titles() == ["work tree"]
    (repository.root / PLUGINS / "marker.wasm").unlink()
    assert repository.titles() == ["work tree"]
    (repository.root / PLUGINS / "marker.wasm").symlink_to("/etc/hostname")
    assert repository.titles() == ["work tree"]


def test_the_staged_manifest_and_lock_count(repository: Repository) -> None:
    repository.write(f"{PLUGINS}/marker.wasm", plugin("locked"))
    repository.write(f"{PLUGINS}/manifest.yaml", MANIFEST)
    subprocess.run([COMMAND, "plugin", "lock"], cwd=repository.root, check=True, capture_output=True)
    repository.commit()
    repository.stage_function()
    repository.write(f"{PLUGINS}/manifest.yaml", MANIFEST.replace("error", "info, enabled: false"))
    assert repository.titles() == ["locked"]
    repository.write(f"{PLUGINS}/marker.wasm", plugin("changed"))
    assert repository.titles() == ["locked"]  # what runs is what was locked
    (repository.root / PLUGINS / "manifest.lock").unlink()
    repository.git("add", f"{PLUGINS}/marker.wasm")
    code, report = repository.run("--staged")  # the lock is still staged, and the binary is another one
    assert code == 2
    [error] = report["errors"]
    assert error["kind"] == "untrusted"
    assert "its content changed since it was locked" in error["message"]


def test_a_plugin_that_is_not_staged_is_mentioned_and_does_not_run(repository: Repository) -> None:
    repository.stage_function()
    repository.write(f"{PLUGINS}/marker.wasm", plugin("not staged"))
    code, report = repository.run("--staged")
    assert (code, report["errors"]) == (0, [])
    assert report["notices"] == [f"{PLUGINS}/marker.wasm: not staged, so it is not used here; git add it"]
    repository.git("add", PLUGINS)
    assert repository.titles() == ["not staged"]


def test_half_a_staged_plugin_is_an_error(repository: Repository) -> None:
    repository.write(f"{PLUGINS}/manifest.yaml", MANIFEST)
    repository.stage_function()
    repository.git("add", PLUGINS)
    repository.write(f"{PLUGINS}/marker.wasm", plugin("not staged"))
    code, report = repository.run("--staged")
    assert code == 2
    [error] = report["errors"]
    assert "the file 'marker.wasm' does not exist" in error["message"]
    assert report["notices"] == [f"{PLUGINS}/marker.wasm: not staged, so it is not used here; git add it"]


def test_declared_rules_are_those_that_are_staged(repository: Repository) -> None:
    repository.write(".semfora/rules/names.yaml", RULE.format("handle"))
    repository.commit()
    repository.stage_function()
    [found] = repository.titles()
    repository.write(".semfora/rules/names.yaml", "broken: [")
    repository.write(".semfora/rules/more.yaml", RULE.format("hand"))
    assert repository.titles() == [found]
    repository.git("add", ".semfora/rules/more.yaml")
    assert len(repository.titles()) == 2
    repository.git("add", ".semfora")
    code, report = repository.run("--staged")
    assert code == 2
    [error] = report["errors"]
    assert error["message"].startswith(".semfora/rules/names.yaml:1:")


def test_a_commit_with_paths_is_judged_with_the_rules_it_holds(repository: Repository) -> None:
    """`git commit app.py` makes an index of its own, without what else is staged."""
    repository.write(".semfora/rules/names.yaml", RULE.format("handle"))
    repository.git("add", ".semfora")
    hook = repository.root / ".git" / "hooks" / "pre-commit"
    hook.write_text(f"#!/bin/sh\nexec {COMMAND} suggest --staged --output-format concise\n")
    hook.chmod(0o755)
    repository.stage_function()

    def commit(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = ["git", "commit", "-q", "-m", "x", *arguments]
        return subprocess.run(command, cwd=repository.root, capture_output=True, text=True, check=False)

    refused = commit()
    assert refused.returncode == 1
    assert "no-handle" in refused.stdout + refused.stderr
    assert commit("app.py").returncode == 0
    assert os.path.lexists(repository.root / ".semfora/rules/names.yaml")


def test_a_copy_that_cannot_be_written_is_an_error(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    """No rule is left out in silence: the run fails, and says why."""
    repository.write(".semfora/rules/names.yaml", RULE.format("handle"))
    repository.commit()
    repository.stage_function()
    command = (
        "import sys, tempfile; tempfile.tempdir = '/dev/null/nowhere'\n"
        "sys.argv = ['semfora-hooks', 'suggest', '--staged']\n"
        "from semfora_hooks.cli import main\nmain()"
    )
    done = subprocess.run(
        [sys.executable, "-c", command], cwd=repository.root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "the rules that are staged cannot be copied to a temporary folder" in done.stderr
