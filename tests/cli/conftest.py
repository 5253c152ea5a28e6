"""Running commands in this process, on scratch repositories."""

from __future__ import annotations

import gc
import json
import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from semfora_hooks.cli import main


class Outcome(NamedTuple):
    """What a command left behind. Seconds in `err` read as `0.0 s`, so that tests can compare whole texts."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Project:
    """A scratch repository."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, files: dict[str, str | None]) -> Project:
        """Write files, dedented; `None` deletes one."""
        for name, text in files.items():
            path = self.path / name
            if text is None:
                path.unlink()
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text), encoding="utf-8")
        return self

    def git(self, *arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=self.path, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def commit(self, message: str = "change") -> str:
        if not (self.path / ".git").exists():
            self.git("init", "-q", "-b", "main")
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "repository").mkdir()
    return Project(tmp_path / "repository")


@pytest.fixture
def run(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Outcome]:
    """Runs a command in the project, or in a folder of it."""

    def call(*arguments: str, folder: str = ".") -> Outcome:
        monkeypatch.chdir(project.path / folder)
        monkeypatch.setenv("PYTHONSAFEPATH", os.environ.get("PYTHONSAFEPATH", "1"))
        monkeypatch.setattr(sys, "argv", ["semfora-hooks", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            main()
        gc.enable()  # `main` switches it off for good: its process ends
        captured = capsys.readouterr()
        err = "".join(_without_seconds(line) for line in captured.err.splitlines(keepends=True))
        assert "Traceback" not in err
        assert isinstance(stop.value.code, int)
        return Outcome(stop.value.code, captured.out, err)

    return call


def _without_seconds(line: str) -> str:
    return re.sub(r" symbols, \d+\.\d s\)", " symbols, 0.0 s)", line)


def statuses(outcome: Outcome) -> list[tuple[str, str, str | None]]:
    """`(status, rule, first symbol)` of a JSON report's recommendations, then of what was fixed."""
    report = outcome.json
    assert report["errors"] == []
    return [
        *((item["status"], item["rule_id"], item["symbols"][0]["id"]) for item in report["recommendations"]),
        *(("fixed", item["rule_id"], item["symbols"][0]["id"]) for item in report["fixed"]),
    ]
