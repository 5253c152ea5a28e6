"""Shallow clones: what is judged needs no history, and where the base is missing, the error says how to get it."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import forked
import pytest

pytestmark = pytest.mark.e2e

DEAD = "def _{name}(rows):\n    return list(rows)\n"


class Done:
    """What a process left behind."""

    def __init__(self, arguments: list[str], folder: Path, program: bool = False) -> None:
        done: forked.Done | subprocess.CompletedProcess[bytes]
        if program:
            done = forked.run(arguments, folder, timeout=60)
        else:
            done = subprocess.run(arguments, cwd=folder, capture_output=True, check=False, timeout=60)
        self.code, self.out, self.err = done.returncode, done.stdout.decode(), done.stderr.decode()


def git(folder: Path, *arguments: str) -> str:
    done = Done(["git", *arguments], folder)
    assert done.code == 0, done.err
    return done.out.strip()


def suggest(folder: Path, *options: str) -> Done:
    return Done(["suggest", "--fail-on", "info", *options], folder, program=True)


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four commits on `main`, and a branch `topic` that left it after the second."""
    folder = tmp_path_factory.mktemp("origin")
    git(folder, "init", "-q", "-b", "main")

    def commit(name: str, text: str) -> None:
        (folder / name).write_text(text)
        git(folder, "add", "-A")
        git(folder, "commit", "-q", "-m", name)

    commit("app.py", DEAD.format(name="old"))
    commit("more.py", "x = 1\n")
    git(folder, "checkout", "-q", "-b", "topic")
    commit("topic.py", DEAD.format(name="topic"))
    git(folder, "checkout", "-q", "main")
    commit("lib.py", DEAD.format(name="lib"))
    commit("last.py", DEAD.format(name="last"))
    return folder


def clone(origin: Path, folder: Path, *options: str) -> Path:
    git(folder, "clone", "-q", *options, origin.as_uri(), "clone")
    return folder / "clone"


def advised(done: Done) -> list[str]:
    """The commands that an error names."""
    return re.findall(r"git fetch (?:--unshallow|origin \S+)", done.err)


def test_the_base_is_missing(origin: Path, tmp_path: Path) -> None:
    """Exit code 2, nothing on standard output, and a command that helps."""
    here = clone(origin, tmp_path, "--depth", "1")
    for base in ("HEAD~1", git(origin, "rev-parse", "main~2")):
        missing = suggest(here, "--since", base)
        assert (missing.code, missing.out) == (2, "")
        assert missing.err.startswith(
            f"error: the revision '{base}' is not in this repository (this clone is shallow: "
        )
    command = advised(missing)[0]
    assert command == "git fetch --unshallow"
    git(here, *shlex.split(command)[1:])
    assert suggest(here, "--since", "HEAD~1").out.startswith("last.py:1:1: warning dead-code")


def test_the_branches_have_no_common_commit_here(origin: Path, tmp_path: Path) -> None:
    """Both ends are there, as in continuous integration with a depth of 1, and where they parted is not."""
    here = clone(origin, tmp_path, "--depth", "1", "--no-single-branch", "-b", "topic")
    missing = suggest(here, "--since", "origin/main")
    assert (missing.code, missing.out) == (2, "")
    assert missing.err.startswith("error: HEAD and 'origin/main' have no common commit here (this clone is shallow: ")
    git(here, *shlex.split(advised(missing)[0])[1:])
    found = suggest(here, "--since", "origin/main")
    assert (found.code, found.out.count("\n")) == (1, 1)
    assert found.out.startswith("topic.py:1:1: warning dead-code")


def test_the_other_branch_was_not_cloned(origin: Path, tmp_path: Path) -> None:
    """A clone of one branch: more depth does not bring the other one, the second command does."""
    here = clone(origin, tmp_path, "--depth", "1", "-b", "topic")
    first, second = advised(suggest(here, "--since", "origin/main"))
    git(here, *shlex.split(first)[1:])
    assert suggest(here, "--since", "origin/main").code == 2
    git(here, *shlex.split(second.replace("BRANCH", "main"))[1:])
    assert suggest(here, "--since", "origin/main").out.startswith("topic.py:1:1: warning dead-code")


def test_what_is_staged_needs_no_history(origin: Path, tmp_path: Path) -> None:
    here = clone(origin, tmp_path, "--depth", "1")
    (here / "new.py").write_text(DEAD.format(name="new"))
    git(here, "add", "-A")
    for options in ((), (), ("--no-cache",)):
        found = suggest(here, "--staged", *options)
        assert (found.code, found.out.count("\n")) == (1, 1)
        assert found.out.startswith("new.py:1:1: warning dead-code")


def test_enough_depth_is_enough(origin: Path, tmp_path: Path) -> None:
    here = clone(origin, tmp_path, "--depth", "2")
    assert suggest(here, "--since", "HEAD~1").out.startswith("last.py:1:1: warning dead-code")
    assert suggest(here, "--since", "HEAD~2").code == 2
