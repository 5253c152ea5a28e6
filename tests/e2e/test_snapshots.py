"""What git can make of a work tree, an index and a clone, through the real command line: each is analysed right, or
a line says what is missing.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import forked
import pytest

pytestmark = pytest.mark.e2e

PROGRAM = Path(sys.executable).parent / "semfora-hooks"
DEAD = "def _f():\n    return 1\n"
CALLED = "def _helper():\n    return 1\n"
CALLER = "from lib import _helper\n\nprint(_helper())\n"
ABSENT = "its content is not in this clone (partial clone or corrupt repository)"


class Outcome(NamedTuple):
    """What `suggest` said, from its JSON report."""

    code: int
    found: list[tuple[str, str, int]]
    fixed: list[str]
    incomplete: dict[str, str]
    errors: list[str]
    report: Any


def suggest(cwd: Path, *arguments: str, **environment: str) -> Outcome:
    command = ["suggest", "--output-format", "json", *arguments]
    done = forked.run(command, cwd, {**os.environ, **environment}, timeout=60)
    assert b"Traceback" not in done.stderr, done.stderr
    if not done.stdout:
        assert done.returncode == 2
        return Outcome(2, [], [], {}, done.stderr.decode().splitlines(), None)
    report = json.loads(done.stdout)
    return Outcome(
        done.returncode,
        [
            (item["rule_id"], item["symbols"][0]["file"], item["symbols"][0]["start_line"])
            for item in report["recommendations"]
        ],
        [item["symbols"][0]["file"] for item in report["fixed"]],
        {item["file"]: item["reason"] for item in report["incomplete"]},
        [item["message"] for item in report["errors"]],
        report,
    )


def git(
    cwd: Path,
    *arguments: str,
    check: bool = True,
    data: bytes | None = None,
    environment: Mapping[str, str] = MappingProxyType({}),
) -> str:
    done = subprocess.run(
        ["git", *arguments],
        cwd=cwd,
        input=data,
        capture_output=True,
        env={**os.environ, **environment},
        timeout=60,
        check=False,
    )
    assert done.returncode == 0 or not check, done.stderr
    return done.stdout.decode("utf-8", "surrogateescape").strip()


def write(root: Path, files: dict[str, str | bytes]) -> None:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


def commit(root: Path, files: dict[str, str | bytes] | None = None) -> str:
    write(root, files or {})
    git(root, "add", "-A")
    git(root, "commit", "-q", "--allow-empty", "-m", "m")
    return git(root, "rev-parse", "HEAD")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = Path(os.path.realpath(tmp_path)) / "repository"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    return folder


@pytest.fixture
def trap(tmp_path: Path) -> Path:
    """A program that leaves a trace when it is run, in a file beside it."""
    program = tmp_path / "trap.sh"
    program.write_text(f'#!/bin/sh\ntouch "{tmp_path}/sprung"\nexit 1\n')
    program.chmod(0o755)
    return program


def hook(repository: Path, out: Path, *, folder: str = ".") -> None:
    """A pre-commit hook that writes what is said about the staged change to `out`."""
    path = Path(git(repository, "rev-parse", "--path-format=absolute", "--git-path", "hooks")) / "pre-commit"
    path.parent.mkdir(exist_ok=True)
    path.write_text(f'#!/bin/sh\ncd "{folder}" && exec "{PROGRAM}" suggest --staged --output-format json > "{out}"\n')
    path.chmod(0o755)


def seen(out: Path) -> list[tuple[str, str]]:
    """The findings a hook wrote, as rule and file; it writes anew at every commit."""
    report = json.loads(out.read_text())
    out.unlink()
    assert report["errors"] == []
    return [(item["rule_id"], item["symbols"][0]["file"]) for item in report["recommendations"]]


# ---------------------------------------------------------------------------------------- submodules and work trees


@pytest.fixture
def superproject(root: Path) -> Path:
    """A repository with a submodule `sub`; both hold dead code."""
    other = root.parent / "other"
    other.mkdir()
    git(other, "init", "-q", "-b", "main")
    commit(other, {"inner.py": DEAD, "pkg/deep.py": DEAD})
    commit(root, {"a.py": DEAD})
    git(root, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(other), "sub")
    commit(root)
    return root


def test_a_submodule_is_a_repository_of_its_own(superproject: Path) -> None:
    sub = superproject / "sub"
    assert (sub / ".git").is_file()
    outside = suggest(superproject)
    assert (outside.found, outside.incomplete, outside.errors) == ([("dead-code", "a.py", 1)], {}, [])
    inner = [("dead-code", "inner.py", 1), ("dead-code", "pkg/deep.py", 1)]
    for outcome in (suggest(sub), suggest(sub / "pkg"), suggest(superproject, "sub")):
        assert (outcome.found, outcome.incomplete, outcome.errors) == (inner, {}, [])
    write(sub, {"new.py": DEAD})
    git(sub, "add", "new.py")
    assert suggest(sub, "--staged").found == [("dead-code", "new.py", 1)]
    commit(sub)
    git(superproject, "add", "sub")
    moved = suggest(superproject, "--staged")
    assert (moved.code, moved.found, moved.errors) == (0, [], [])


def test_a_hook_of_the_superproject_may_look_into_a_submodule(superproject: Path) -> None:
    out = superproject.parent / "out.json"
    sub = superproject / "sub"
    hook(superproject, out, folder="sub")
    write(superproject, {"b.py": DEAD})
    write(sub, {"new.py": DEAD})
    git(sub, "add", "new.py")
    git(superproject, "add", "b.py")
    git(superproject, "commit", "-q", "-m", "m")
    assert seen(out) == [("dead-code", "new.py")]
    write(superproject, {"a.py": DEAD + "\n"})
    git(superproject, "commit", "-q", "-m", "m", "a.py")  # with an index of its own, by its whole path
    assert seen(out) == [("dead-code", "new.py")]
    linked = superproject.parent / "linked"
    git(superproject, "worktree", "add", "-q", "-b", "x", str(linked))
    git(linked, "-c", "protocol.file.allow=always", "submodule", "--quiet", "update", "--init")
    write(linked / "sub", {"third.py": DEAD})
    git(linked / "sub", "add", "third.py")
    git(linked, "commit", "-q", "--allow-empty", "-m", "m")  # hooks of linked work trees get GIT_DIR
    assert seen(out) == [("dead-code", "third.py")]


@pytest.mark.parametrize("where", ["main", "linked"])
def test_hooks_judge_what_is_committed(root: Path, where: str) -> None:
    commit(root, {"a.py": "x = 1\n", "b.py": "y = 1\n", "sub/c.py": "z = 1\n"})
    top = root
    if where == "linked":
        top = root.parent / "linked"
        git(root, "worktree", "add", "-q", "-b", "feature", str(top))
        assert (top / ".git").is_file()
    out = root.parent / "out.json"
    hook(top, out)
    other = "def _g(x):\n    return [x]\n"  # the same function elsewhere would be one that moved
    write(top, {"a.py": DEAD, "b.py": other})
    git(top, "add", "a.py")
    git(top, "commit", "-q", "-m", "what is staged")
    assert seen(out) == [("dead-code", "a.py")]
    write(top, {"a.py": "x = 1\n", "sub/c.py": DEAD})
    git(top / "sub", "commit", "-q", "-m", "a path", "c.py")  # in a temporary index
    assert seen(out) == [("dead-code", "sub/c.py")]
    git(top / "sub", "commit", "-q", "-a", "-m", "everything")
    assert seen(out) == [("dead-code", "b.py")]
    assert git(top, "status", "--porcelain") == ""
    assert suggest(top).found == [("dead-code", "b.py", 1), ("dead-code", "sub/c.py", 1)]


# ------------------------------------------------------------------------------------------------- sparse checkouts


@pytest.mark.parametrize("options", [["--cone"], ["--cone", "--sparse-index"], ["--no-cone"]])
def test_what_a_sparse_checkout_leaves_out_still_calls(root: Path, options: list[str]) -> None:
    commit(root, {"lib.py": CALLED, "keep/x.py": "x = 1\n", "users/u.py": CALLER, "users/more.txt": "t"})
    full = suggest(root)
    git(root, "sparse-checkout", "set", *options, *(["keep"] if "--cone" in options else ["/lib.py", "/keep/"]))
    assert not (root / "users").exists()
    sparse = suggest(root)
    assert sparse[:4] == full[:4] == (0, [], [], {})
    assert sparse.report["summary"]["files"] == full.report["summary"]["files"] == 3
    write(root, {"users/u.py": "x = 1\n"})  # on disk after all: that counts
    assert suggest(root).found == [("dead-code", "lib.py", 1)]
    (root / "users" / "u.py").unlink()
    write(root, {"keep/x.py": DEAD})
    git(root, "add", "keep/x.py")
    assert suggest(root, "--staged").found == [("dead-code", "keep/x.py", 1)]


def test_a_sparse_checkout_of_a_clone_without_the_blobs_says_so_and_fetches_nothing(root: Path, trap: Path) -> None:
    commit(root, {"lib.py": CALLED, "keep/x.py": "x = 1\n", "users/u.py": CALLER, "users/v.py": "v = 1\n"})
    git(root, "config", "uploadpack.allowFilter", "true")
    part = root.parent / "part"
    git(root.parent, "clone", "-q", "--filter=blob:none", "--sparse", f"file://{root}", str(part))
    git(part, "config", "remote.origin.uploadpack", str(trap))
    outcome = suggest(part)
    assert outcome.incomplete == {"keep/x.py": ABSENT, "users/u.py": ABSENT, "users/v.py": ABSENT}
    assert (outcome.errors, outcome.report["summary"]["files"]) == ([], 1)
    write(part, {"new.py": DEAD})
    git(part, "add", "new.py")
    staged = suggest(part, "--staged")
    assert ("dead-code", "new.py", 1) in staged.found
    assert set(outcome.incomplete) <= set(staged.incomplete)
    assert staged.errors == []
    write(part, {"keep/x.py": "other\n"})
    git(part, "add", "--sparse", "keep/x.py")
    assert not (trap.parent / "sprung").exists()
    broken = suggest(part, "--staged")
    assert not (trap.parent / "sprung").exists()
    assert "keep/x.py" in broken.incomplete or "partial one: git fetch" in broken.errors[0]
    git(part, "cat-file", "-p", "HEAD:users/u.py", check=False)
    assert (trap.parent / "sprung").exists()  # the trap works


def test_files_that_are_assumed_to_be_unchanged(root: Path) -> None:
    commit(root, {"lib.py": CALLED, "user.py": CALLER, "other.py": "x = 1\n"})
    git(root, "update-index", "--assume-unchanged", "user.py", "other.py")
    write(root, {"other.py": DEAD})
    assert suggest(root).found == [("dead-code", "other.py", 1)]
    assert suggest(root, "--staged").found == []
    (root / "user.py").unlink()
    assert suggest(root).found == [("dead-code", "other.py", 1)]
    git(root, "update-index", "--no-assume-unchanged", "user.py")
    assert suggest(root).found == [("dead-code", "lib.py", 1), ("dead-code", "other.py", 1)]


# ------------------------------------------------------------------------------------------------ bytes that differ

LONG = """
TEXT = \"\"\"first
  second
\"\"\"


def first(items, limit):
    # a comment
    total = 0
    for item in items:
        if item > limit and item % 2 == 0 or item < -limit:
            total += item * 2
        elif item == 0:
            total -= 1
        else:
            print("skipped", item, sep="; ")
    while total > 1000 and limit > 3:
        total = total // limit + len(str(total))
    return \\
        total


def second(values, bound):
    result = 0
    for value in values:
        if value > bound and value % 2 == 0 or value < -bound:
            result += value * 2
        elif value == 0:
            result -= 1
        else:
            print("skipped", value, sep="; ")
    while result > 1000 and bound > 3:
        result = result // bound + len(str(result))
    return \\
        result


def _unused():  # semfora: ignore
    pass


def _f():
    return 1
"""


def stripped(outcome: Outcome) -> Any:
    """All that was found; without the times."""
    return [outcome.report["recommendations"], outcome.report["incomplete"], outcome.report["summary"]]


@pytest.mark.parametrize("how", ["autocrlf", "eol", "text"])
def test_line_endings_of_the_work_tree_make_no_difference(root: Path, how: str) -> None:
    attributes = {"autocrlf": "", "eol": "*.py eol=crlf\n", "text": "* text=auto\n"}[how]
    commit(root, {"a.py": LONG, "lib.py": CALLED, "user.py": CALLER, ".gitattributes": attributes})
    git(root, "config", "core.eol", "crlf") if how == "text" else None
    git(root, "config", "core.autocrlf", "true") if how == "autocrlf" else None
    everything = ("--select", "all")
    plain = suggest(root, *everything)
    assert {rule for rule, _, _ in plain.found} >= {"dead-code", "combine-functions"}
    (root / "a.py").unlink()
    (root / "lib.py").unlink()
    git(root, "checkout", "--", ".")
    assert (root / "a.py").read_bytes() == LONG.replace("\n", "\r\n").encode()
    git(root, "add", "-A")
    assert stripped(suggest(root, *everything)) == stripped(suggest(root, *everything, "--no-cache")) == stripped(plain)
    assert suggest(root, "--staged", *everything).found == []
    write(
        root, {"a.py": LONG.replace("return 1", "return 2").replace("\n", "\r\n"), "n.py": DEAD.replace("\n", "\r\n")}
    )
    git(root, "add", "-A")
    assert suggest(root, "--staged", *everything).found == [("dead-code", "n.py", 1)]


def test_normalising_line_endings_is_no_change(root: Path) -> None:
    commit(root, {"a.py": LONG.replace("\n", "\r\n")})
    write(root, {".gitattributes": "* text=auto\n"})
    git(root, "add", "--renormalize", ".")
    assert git(root, "diff", "--cached", "--name-only") == "a.py"
    outcome = suggest(root, "--staged", "--select", "all")
    assert (outcome.found, outcome.fixed, outcome.errors) == ([], [], [])


POINTER = (
    "version https://git-lfs.github.com/spec/v1\n"
    "oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n"
)


def test_a_pointer_to_large_file_storage_is_said(root: Path) -> None:
    first = commit(root, {"a.py": "x = 1\n"})
    write(root, {"data.py": POINTER})
    git(root, "add", "-A")
    reason = "a Git LFS pointer: its content is not here; git lfs pull fetches it"
    assert suggest(root).incomplete == {"data.py": reason}
    assert suggest(root, "--staged").incomplete == {"data.py": reason}
    commit(root)
    assert suggest(root, "--since", first).incomplete == {"data.py": reason}
    write(root, {"data.py": DEAD})  # as after `git lfs pull`
    fetched = suggest(root)
    assert (fetched.found, fetched.incomplete) == ([("dead-code", "data.py", 1)], {})


# --------------------------------------------------------------------------------------------------- names and renames


def test_a_rename_that_only_changes_case(root: Path) -> None:
    commit(root, {"mod.py": DEAD, "pkg/__init__.py": "", "pkg/x.py": DEAD, "main.py": "import mod\nprint(mod)\n"})
    git(root, "mv", "mod.py", "Mod.py")
    git(root, "mv", "pkg", "Pkg")
    outcome = suggest(root, "--staged")
    assert (outcome.found, outcome.fixed, outcome.incomplete, outcome.errors) == ([], [], {}, [])
    inherited = suggest(root, "--staged", "--all").report["recommendations"]
    assert [(item["symbols"][0]["file"], item["status"]) for item in inherited] == [
        ("Mod.py", "inherited"),
        ("Pkg/x.py", "inherited"),
    ]


def test_names_that_are_hard_to_write_are_renamed_and_staged(root: Path) -> None:
    names = [b"caf\xe9.py", b"new\nline.py", b"tab\there.py", b'quo"te.py', b"back\\slash.py", b"-dash.py", b"$(x).py"]
    for number, name in enumerate(names):
        (root / os.fsdecode(name)).write_text(DEAD.replace("_f", f"_f{number}"))
    git(root, "add", "-A")
    shown = sorted(name.decode("utf-8", "backslashreplace") for name in names)
    assert sorted(file for _, file, _ in suggest(root, "--staged").found) == shown
    commit(root)
    (root / "deeper").mkdir()
    for name in names:
        (root / os.fsdecode(name)).rename(root / "deeper" / os.fsdecode(name))
    git(root, "add", "-A")
    moved = suggest(root, "--staged")
    assert (moved.found, moved.fixed, moved.incomplete, moved.errors) == ([], [], {}, [])


def test_more_names_than_a_command_line_holds(root: Path) -> None:
    commit(root, {"a.py": "x = 1\n"})
    blob = git(root, "hash-object", "-w", "--stdin", data=b"y = 1\n")
    folder = "/".join("d" * 60 for _ in range(30))
    count = 1200
    assert count * len(folder) > 2 << 20
    lines = "".join(f"100644 {blob}\t{folder}/m{number}.py\n" for number in range(count))
    git(root, "update-index", "--add", "--index-info", data=lines.encode())
    write(root, {"n.py": DEAD})
    git(root, "add", "n.py")
    outcome = suggest(root, "--staged")
    assert (outcome.found, outcome.incomplete, outcome.errors) == ([("dead-code", "n.py", 1)], {}, [])


# ------------------------------------------------------------------------------------------------- states of the index


def test_files_that_are_only_meant_to_be_added(root: Path) -> None:
    commit(root, {"a.py": "x = 1\n", "empty.py": ""})
    write(root, {"lib.py": CALLED, "user.py": CALLER})
    git(root, "add", "-N", "user.py")
    assert suggest(root).found == []
    nothing = suggest(root, "--staged")
    assert (nothing.found, nothing.report["summary"]["files"]) == ([], 0)
    git(root, "add", "lib.py")
    staged = suggest(root, "--staged")
    assert staged.found == [("dead-code", "lib.py", 1)]  # the commit will not hold its caller
    git(root, "add", "user.py")
    assert suggest(root, "--staged").found == []


def test_conflicts_are_said(root: Path) -> None:
    commit(root, {"a.py": "x = 1\n", "b.py": "y = 1\n"})
    git(root, "checkout", "-q", "-b", "other")
    commit(root, {"a.py": "x = 2\n", "new.py": DEAD})
    git(root, "checkout", "-q", "main")
    commit(root, {"a.py": "x = 3\n"})
    git(root, "merge", "-q", "other", check=False)
    staged = suggest(root, "--staged")
    assert staged.incomplete == {"a.py": "not merged yet: it has conflicts in git's index"}
    assert (staged.found, staged.errors) == ([], [])  # the other branch has it
    write(root, {"more.py": DEAD})
    git(root, "add", "more.py")
    assert suggest(root, "--staged").found == [("dead-code", "more.py", 1)]
    (line,) = suggest(root).incomplete.items()
    assert line[0] == "a.py"
    assert line[1].startswith("line 1, column 1: syntax error near '<<<<<<< HEAD'")


def test_a_first_commit(root: Path) -> None:
    write(root, {"a.py": DEAD, "b.py": CALLER, "lib.py": CALLED})
    assert suggest(root, "--staged").found == []
    git(root, "add", "-A")
    outcome = suggest(root, "--staged")
    assert (outcome.found, outcome.errors) == ([("dead-code", "a.py", 1)], [])
    assert [item["status"] for item in outcome.report["recommendations"]] == ["introduced"]
    assert outcome.report["scope"]["base_ref"] is None


def test_another_object_format(tmp_path: Path) -> None:
    root = Path(os.path.realpath(tmp_path)) / "modern"
    root.mkdir()
    git(root, "init", "-q", "-b", "main", "--object-format=sha256")
    write(root, {"a.py": DEAD, "lib.py": CALLED, "user.py": CALLER})
    git(root, "add", "-A")
    assert suggest(root, "--staged").found == suggest(root).found == [("dead-code", "a.py", 1)]
    first = commit(root)
    assert len(first) == 64
    write(root, {"b.py": DEAD, "user.py": "x = 1\n"})
    git(root, "add", "-A")
    expected = [("dead-code", "b.py", 1), ("dead-code", "lib.py", 1)]
    assert suggest(root, "--staged").found == expected
    commit(root)
    assert suggest(root, "--since", first).found == expected
    git(root, "sparse-checkout", "set", "--no-cone", "/lib.py")
    assert suggest(root).found == [("dead-code", "a.py", 1), *expected]


# ------------------------------------------------------------------------------------------------ where git looks


def test_variables_that_name_the_repository(root: Path) -> None:
    commit(root, {"a.py": "x = 1\n", "sub/b.py": "y = 1\n"})
    write(root, {"a.py": DEAD})
    git(root, "add", "a.py")
    expected = [("dead-code", "a.py", 1)]
    here = {"GIT_DIR": ".git", "GIT_WORK_TREE": "."}
    assert suggest(root, "--staged", **here).found == expected
    assert suggest(root, "--staged", GIT_DIR=".git").found == expected
    assert suggest(root / "sub", "--staged", GIT_DIR="../.git").found == expected
    assert suggest(root / "sub", "--staged", GIT_DIR=str(root / ".git"), GIT_WORK_TREE=str(root)).found == expected
    assert suggest(root.parent, "--staged", str(root), GIT_DIR="repository/.git").found == expected
    other = str(root / ".git" / "other-index")
    git(root, "read-tree", "HEAD", environment={"GIT_INDEX_FILE": other})
    assert suggest(root, "--staged", GIT_INDEX_FILE=other).found == []
    assert suggest(root / "sub", "--staged", GIT_INDEX_FILE=".git/other-index").found == []
    assert suggest(root, "--staged", GIT_INDEX_FILE=str(root / ".git" / "index")).found == expected


def test_a_work_tree_whose_repository_is_elsewhere(root: Path) -> None:
    home = root.parent / "home"
    write(home, {"bin/a.py": "x = 1\n", "not-mine.py": DEAD})
    variables = {"GIT_DIR": str(root / ".git"), "GIT_WORK_TREE": str(home)}
    git(home, "add", "bin", environment=variables)
    git(home, "commit", "-q", "-m", "m", environment=variables)
    write(home, {"bin/a.py": DEAD})
    git(home, "add", "bin", environment=variables)
    assert suggest(home / "bin", "--staged", **variables).found == [("dead-code", "bin/a.py", 1)]
    assert suggest(home, "--staged").errors or suggest(home, "--staged").code == 2


def test_a_bare_repository(root: Path) -> None:
    commit(root, {"a.py": DEAD})
    bare = root.parent / "bare.git"
    git(root.parent, "clone", "-q", "--bare", str(root), str(bare))
    outcome = suggest(bare)
    assert (outcome.code, outcome.found) == (0, [])
    assert "nothing to analyse" in outcome.report["notices"][0]
    staged = suggest(bare, "--staged")
    assert (staged.code, len(staged.errors)) == (2, 1)
    assert "is not a git repository" in staged.errors[0]
    git(root, "config", "core.bare", "true")
    assert suggest(root).found == [("dead-code", "a.py", 1)]


@pytest.mark.parametrize("scope", [(), ("--staged",), ("--since", "HEAD~1")])
def test_a_repository_that_lost_its_commit(root: Path, scope: tuple[str, ...]) -> None:
    commit(root, {"a.py": DEAD})
    last = commit(root, {"b.py": DEAD})
    (root / ".git" / "objects" / last[:2] / last[2:]).unlink()
    outcome = suggest(root, *scope)
    assert (outcome.code, outcome.found) == (2, [])
    assert outcome.errors[0].startswith("error: ")
    assert "git fsck says what is missing" in outcome.errors[0] or "is not in this repository" in outcome.errors[0]
