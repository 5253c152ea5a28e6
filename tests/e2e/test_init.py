"""From nothing to a commit that is judged: `init`, then what it says comes next, with the real pre-commit."""

from __future__ import annotations

import os
from pathlib import Path

import forked
import pytest
from precommit_kit import TITLES, UNUSED, WHISPER, Make, Outcome, Repository, check

from semfora_hooks import __version__
from semfora_hooks.cli.hookentry import REPOSITORY

pytestmark = pytest.mark.e2e

CONFIG = ".pre-commit-config.yaml"
OTHERS = """\
# What we check.
repos:
- repo: local
  hooks:
  - id: nothing
    name: nothing
    entry: git version
    language: system
    pass_filenames: false   # the last of ours
default_stages: [pre-commit, pre-merge-commit]
"""


def semfora(repository: Repository, *arguments: str) -> Outcome:
    done = forked.run(arguments, repository.path, repository.hooks.environment)
    return Outcome(done.returncode, (done.stdout + done.stderr).decode())


def from_our_copy(repository: Repository) -> None:
    """The hooks come from the kit's copy of this checkout, where the released ones cannot be had."""
    path = repository.path / CONFIG
    text = path.read_text()
    assert text.count(f"repo: {REPOSITORY}\n") == text.count(f"rev: v{__version__}\n") == 1
    path.write_text(
        text.replace(REPOSITORY, str(repository.hooks.path)).replace(f"v{__version__}", repository.hooks.revision)
    )


@pytest.mark.parametrize(
    ("files", "config"),
    [
        ({"app.py": WHISPER}, None),
        ({"app.py": WHISPER, "pyproject.toml": "[project]\nname = 'x'"}, OTHERS),
        ({"main.go": "package main\n"}, OTHERS.replace("\n", "\r\n")),
    ],
    ids=["new", "added to", "no Python"],
)
def test_what_init_says_comes_next_works(make: Make, files: dict[str, str], config: str | None) -> None:
    repository = make(files)
    path = repository.path / CONFIG
    path.unlink()
    if config is not None:
        path.write_bytes(config.encode())
    repository.commit("--no-verify")
    done = semfora(repository, "init")
    assert done.code == 0, done.text
    for name in ("suggest", "rules validate", "rules test"):
        ran = semfora(repository, *name.split())
        assert ran.code == 0, ran.text
    from_our_copy(repository)
    repository.git("add", "-A")
    for command in (("validate-config",), ("install",)):
        ran = repository.pre_commit(*command)
        assert ran.code == 0, ran.text
    ran = repository.pre_commit("run", "--all-files")
    check(ran, "Passed", TITLES["semfora"])
    check(ran, "Passed", TITLES["semfora-rules"])
    assert ("nothing" in ran.text) is (config is not None)
    check(repository.commit(), "Passed")
    assert repository.git("status", "--porcelain").text == ""
    again = semfora(repository, "init")
    assert (again.code, repository.git("status", "--porcelain").text) == (0, "")


def test_the_starter_configuration_and_rule_are_what_the_hook_uses(make: Make) -> None:
    repository = make({"app.py": WHISPER})
    (repository.path / CONFIG).unlink()
    assert semfora(repository, "init").code == 0
    from_our_copy(repository)
    assert repository.commit("--no-verify").code == 0
    settings = repository.path / "semfora.toml"
    settings.write_text(settings.read_text().replace('fail-on = "error"', 'fail-on = "warning"'))
    repository.write("handlers.py", "def handle_it(x):\n    return x.y\n\n\nhandle_it(1)\n")
    outcome = repository.commit()
    check(outcome, "Failed")
    assert "handlers.py:1:1: warning handlers-handle-errors introduced" in outcome.text


def test_a_baseline_in_the_hook(make: Make) -> None:
    """The old findings are accepted, the new one fails, and the file of the commit is the one that counts."""
    repository = make({"old.py": UNUSED, "semfora.toml": 'fail-on = "warning"\nnew-only = false\n'})
    assert semfora(repository, "baseline", "create").code == 0
    repository.write("app.py", WHISPER)
    check(repository.commit(), "Passed")
    repository.write("more.py", UNUSED.replace("unused", "useless"))
    outcome = repository.commit()
    check(outcome, "Failed")
    assert "_useless" in outcome.text
    assert "_unused" not in outcome.text
    assert semfora(repository, "baseline", "update", "--accept-new").code == 0
    check(repository.commit(), "Passed")


def test_init_in_a_folder_that_nothing_manages(tmp_path: Path) -> None:
    done = forked.run(["init"], tmp_path, {**os.environ, "GIT_CEILING_DIRECTORIES": str(tmp_path)})
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"is not a git repository, and pre-commit needs one" in done.stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == [".semfora", "semfora.toml"]
