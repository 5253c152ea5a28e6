"""A merge is judged against all of its parents: what came with one of them is no news."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable

import pytest

from .conftest import Outcome, Project, statuses

Run = Callable[..., Outcome]

DEAD = "def _unused_{name}(rows):\n    return list(rows)\n"
FLAT = "def walk(rows):\n    for row in rows:\n        if row:\n            print(row)\n\n\nwalk([])\n"
DEEP = FLAT.replace("            print(row)", "            if row.x:\n                print(row)")
DEEPER = DEEP.replace("                print(row)", "                if row.y:\n                    print(row)")
LIMIT = "[rules.complexity]\nmax-cognitive = 2\n"

Found = list[tuple[str, str, str | None]]


def judged(run: Run, *options: str) -> Found:
    arguments = ("suggest", "--staged", "--output-format", "json", *options)
    outcome = run(*arguments)
    assert run(*arguments, "--no-cache").json["recommendations"] == outcome.json["recommendations"]
    return statuses(outcome)


@pytest.fixture
def repository(project: Project) -> Project:
    """Two branches that parted: each has findings of its own."""
    project.write(
        {"semfora.toml": LIMIT, "old.py": DEAD.format(name="old"), "walk.py": FLAT, "z.py": "z = 1\n"}
    ).commit()
    project.git("checkout", "-q", "-b", "side")
    project.write({"side.py": DEAD.format(name="side"), "walk.py": DEEP}).commit()
    project.git("checkout", "-q", "main")
    project.write({"main.py": DEAD.format(name="main")}).commit()
    return project


def test_what_the_other_branch_brings_is_inherited(repository: Project, run: Run) -> None:
    repository.git("merge", "-q", "--no-commit", "side")
    assert judged(run) == []
    assert run("suggest", "--staged", "--fail-on", "info").code == 0
    assert judged(run, "--all") == [
        ("inherited", "dead-code", "main.py::_unused_main"),
        ("inherited", "dead-code", "old.py::_unused_old"),
        ("inherited", "dead-code", "side.py::_unused_side"),
        ("inherited", "complexity", "walk.py::walk"),
    ]


def test_what_the_merge_itself_adds_is_introduced(repository: Project, run: Run) -> None:
    repository.git("merge", "-q", "--no-commit", "side")
    repository.write({"evil.py": DEAD.format(name="evil")}).git("add", "-A")
    assert judged(run) == [("introduced", "dead-code", "evil.py::_unused_evil")]
    assert run("suggest", "--staged", "--fail-on", "info").code == 1


def test_what_gets_worse_than_on_both_sides(repository: Project, run: Run) -> None:
    repository.git("merge", "-q", "--no-commit", "side")
    repository.write({"walk.py": DEEPER}).git("add", "-A")
    outcome = run("suggest", "--staged", "--output-format", "json")
    assert statuses(outcome) == [("worsened", "complexity", "walk.py::walk")]
    (found,) = outcome.json["recommendations"]
    causes = [item["text"] for item in found["evidence"] if item["kind"] == "cause"]
    assert causes[0] == "cognitive complexity grew from 3 to 10"  # told from the branch that is checked out


def test_the_last_callers_go_one_on_each_side(project: Project, run: Run) -> None:
    """Each branch removed one of two calls: neither left dead code, the merge does."""
    call = "from lib import _helper\n\n_helper(1)\n"
    project.write({"lib.py": "def _helper(x):\n    return x\n", "a.py": call, "b.py": call}).commit()
    project.git("checkout", "-q", "-b", "side")
    project.write({"b.py": "y = 1\n"}).commit()
    project.git("checkout", "-q", "main")
    project.write({"a.py": "x = 1\n"}).commit()
    project.git("merge", "-q", "--no-commit", "side")
    assert judged(run) == [("introduced", "dead-code", "lib.py::_helper")]


def test_what_the_other_branch_fixed_is_not_fixed_again(repository: Project, run: Run) -> None:
    repository.git("checkout", "-q", "side")
    repository.write({"old.py": "x = 1\n"}).commit()
    repository.git("checkout", "-q", "main")
    repository.git("merge", "-q", "--no-commit", "side")
    assert judged(run) == []
    repository.write({"walk.py": "def walk(rows):\n    print(rows)\n\n\nwalk([])\n"}).git("add", "-A")
    assert judged(run) == [("fixed", "complexity", "walk.py::walk")]


def test_several_branches_at_once(repository: Project, run: Run) -> None:
    repository.git("checkout", "-q", "-b", "third", "main~1")
    repository.write({"third.py": DEAD.format(name="third")}).commit()
    repository.git("checkout", "-q", "main")
    repository.git("merge", "-q", "--no-commit", "side", "third")
    assert judged(run) == []
    repository.write({"evil.py": DEAD.format(name="evil")}).git("add", "-A")
    assert judged(run) == [("introduced", "dead-code", "evil.py::_unused_evil")]


def test_a_merge_in_a_worktree(repository: Project, run: Run) -> None:
    """`MERGE_HEAD` is the worktree's own: the main one, where nothing is merged, does not see it."""
    repository.git("worktree", "add", "-q", "-b", "work", "../tree", "main")
    tree = Project(repository.path.parent / "tree")
    tree.git("merge", "-q", "--no-commit", "side")
    outcome = run("suggest", "--staged", "--output-format", "json", folder="../tree")
    assert statuses(outcome) == []
    repository.write({"side.py": DEAD.format(name="side")}).git("add", "-A")
    assert judged(run) == [("introduced", "dead-code", "side.py::_unused_side")]


def test_a_range_asks_what_a_merge_brought(repository: Project, run: Run) -> None:
    """Continuous integration judges merges of whole branches: there, what the branch brings is the question."""
    repository.git("merge", "-q", "--no-edit", "side")
    assert statuses(run("suggest", "--since", "HEAD~1", "--output-format", "json")) == [
        ("introduced", "dead-code", "side.py::_unused_side"),
        ("worsened", "complexity", "walk.py::walk"),
    ]


def test_a_merge_that_succeeds_tells_its_hooks(repository: Project) -> None:
    """Git has no `MERGE_HEAD` then. The hook is one that git itself starts."""
    hook = repository.path / ".git" / "hooks" / "pre-merge-commit"
    hook.write_text(f"#!/bin/sh\nexec '{sys.executable}' -m semfora_hooks suggest --staged --fail-on info >&2\n")
    hook.chmod(0o755)
    merged = subprocess.run(
        ["git", "merge", "--no-edit", "side"], cwd=repository.path, capture_output=True, text=True, check=False
    )
    assert "no findings in " in merged.stderr
    assert merged.returncode == 0
    hook.rename(hook.with_name("pre-commit"))
    repository.write({"more.py": DEAD.format(name="more")}).git("add", "-A")
    blocked = subprocess.run(
        ["git", "commit", "-qm", "x"], cwd=repository.path, capture_output=True, text=True, check=False
    )
    assert (blocked.returncode, "_unused_more" in blocked.stderr) == (1, True)


@pytest.mark.parametrize("content", ["", "nonsense\n", "0" * 40 + "\n", "--help\n", "\x00\xff"])
def test_a_merge_head_that_is_none(repository: Project, run: Run, content: str) -> None:
    (repository.path / ".git" / "MERGE_HEAD").write_text(content)
    repository.write({"side.py": DEAD.format(name="side")}).git("add", "-A")
    assert judged(run) == [("introduced", "dead-code", "side.py::_unused_side")]


def test_a_merge_head_that_is_a_pipe(repository: Project, run: Run) -> None:
    os.mkfifo(repository.path / ".git" / "MERGE_HEAD")
    repository.write({"side.py": DEAD.format(name="side")}).git("add", "-A")
    assert [item[0] for item in statuses(run("suggest", "--staged", "--output-format", "json"))] == ["introduced"]
