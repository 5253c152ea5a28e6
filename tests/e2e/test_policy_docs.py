"""docs/policy.md: every command as typed, the configuration, the comments and the baseline it shows."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import NamedTuple

import forked
import pytest

from semfora_hooks.policy.baseline import parse, render

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "policy.md").read_text("utf-8")

pytestmark = pytest.mark.e2e


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def commands() -> list[str]:
    return [line.partition("  #")[0].strip() for block in blocks("sh") for line in block.splitlines() if line.strip()]


class Done(NamedTuple):
    """What a command left behind."""

    returncode: int
    stdout: str
    stderr: str


def shell(folder: Path, command: str) -> Done:
    """A command as typed; ours need no shell where none of its signs is in them."""
    program, *arguments = shlex.split(command, comments=True)
    if program == "semfora-hooks" and not re.search(r"[$`*?|&;<>()~]", command):
        ours = forked.run(arguments, folder)
        return Done(ours.returncode, ours.stdout.decode(), ours.stderr.decode())
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        ["sh", "-c", command], cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    return Done(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """On a branch of `main`, with the page's configuration and comments, an accepted finding and a new one."""
    (tmp_path / "pyproject.toml").write_text(blocks("toml")[0])
    (python,) = blocks("python")
    (tmp_path / "app.py").write_text(python + "\n\ndef _old():\n    return 1\n")
    git = "git init -q -b main && git add -A && git commit -q -m first && git checkout -q -b feature"
    assert shell(tmp_path, git).returncode == 0
    (tmp_path / "new.py").write_text("def _new():\n    return 2\n")
    assert shell(tmp_path, "git add -A && git commit -q -m second").returncode == 0
    return tmp_path


def test_every_command_of_the_page(repository: Path) -> None:
    found = commands()
    assert len(found) == 13
    for command in found:
        done = shell(repository, command)
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        assert "Traceback" not in done.stderr
    # As they stand there, they leave everything accepted.
    assert json.loads((repository / ".semfora" / "baseline.json").read_text())["findings"]
    assert shell(repository, "semfora-hooks suggest --fail-on info").returncode == 0


def test_the_comments_of_the_page_do_what_it_says(repository: Path) -> None:
    report = json.loads(shell(repository, "semfora-hooks suggest --output-format json --min-confidence 0").stdout)
    assert report["errors"] == []
    marks = {item["symbols"][0]["name"]: item["suppressed"] for item in report["recommendations"]}
    assert marks["_on_exit"]["reason"] == "the scheduler calls it by name"
    assert marks["_old"] is None


def test_a_reason_can_be_asked_for(repository: Path) -> None:
    assert "`require-reason = true`" in PAGE
    assert "`[tool.semfora.rules.unused-suppression]`" in PAGE
    (repository / "more.py").write_text("def _more():  # semfora: ignore[dead-code]\n    return 1\n")
    command = "semfora-hooks suggest --rule unused-suppression --rule dead-code"
    assert "more.py" not in shell(repository, command).stdout
    settings = repository / "pyproject.toml"
    settings.write_text(f"{settings.read_text()}\n[tool.semfora.rules.unused-suppression]\nrequire-reason = true\n")
    told = "more.py:1:1: warning unused-suppression This comment does not say why"
    assert told in shell(repository, command).stdout


def test_the_configuration_is_valid_and_has_the_keys_of_the_text(repository: Path) -> None:
    table = tomllib.loads((repository / "pyproject.toml").read_text())["tool"]["semfora"]
    assert set(table) == {"fail-on", "min-confidence", "ignore", "severity", "per-file-ignores"}
    report = json.loads(shell(repository, "semfora-hooks suggest --output-format json").stdout)
    (new,) = (item for item in report["recommendations"] if item["symbols"][0]["name"] == "_new")
    assert (new["severity"], report["summary"]["failed"]) == ("info", False)


def test_the_baseline_that_it_shows_is_one() -> None:
    (text,) = blocks("json")
    assert render(parse(text.encode(), "policy.md")) == text


def test_the_exit_codes_of_the_table(repository: Path) -> None:
    """Statuses: an inherited finding fails a run with --all only."""
    options = "--since main --fail-on info --ignore unused-suppression"
    assert shell(repository, f"semfora-hooks suggest {options}").returncode == 1
    (repository / "new.py").write_text("x = 1\n")
    assert shell(repository, "git add -A && git commit -q -m third").returncode == 0
    assert shell(repository, f"semfora-hooks suggest {options}").returncode == 0
    assert shell(repository, f"semfora-hooks suggest {options} --all").returncode == 1
    settings = repository / "pyproject.toml"
    settings.write_text(settings.read_text().replace("[tool.semfora]\n", "[tool.semfora]\nnew-only = false\n"))
    everywhere = shell(repository, f"semfora-hooks suggest {options}")
    assert (everywhere.returncode, "_old" in everywhere.stdout) == (1, True)
