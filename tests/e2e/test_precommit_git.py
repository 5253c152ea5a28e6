"""What git can do, with our hooks in it: parts of files, moves, merges, ranges, submodules, worktrees, many files."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from precommit_kit import STRICT, TITLES, UNUSED, WHISPER, Hooks, Make, Repository, check

pytestmark = pytest.mark.e2e

FORGOTTEN = UNUSED.replace("_unused", "_forgotten")
LOST = UNUSED.replace("_unused", "_lost")
FILLER = "".join(f"value_{number} = {number}\n" for number in range(12))
"""Enough lines between two changes, so that git sees two hunks."""
HELPERS = "def _twice(x):\n    return 2 * x\n"
CALLER = "from helpers import _twice\n\nprint(_twice({}))\n"


# ------------------------------------------------------------------------------------------------------- what is staged


def test_a_part_of_a_file(make: Make) -> None:
    """`git add -p` takes one hunk: only that one is judged, and the other is still there afterwards, unstaged."""
    repository = make({"pyproject.toml": STRICT, "app.py": FILLER})
    both = FORGOTTEN + FILLER + LOST
    repository.write("app.py", both)
    assert repository.git("add", "-p", "app.py", data="n\ny\n").code == 0
    staged, unstaged = repository.git("diff", "--cached").text, repository.git("diff").text
    assert "_lost" in staged and "_forgotten" not in staged
    blocked = repository.commit(stage=False)
    check(blocked, "Failed")
    assert "app.py:13:1: warning dead-code introduced" in blocked.text  # its line in the index
    assert "_forgotten" not in blocked.text
    assert (repository.git("diff", "--cached").text, repository.git("diff").text) == (staged, unstaged)
    assert (repository.path / "app.py").read_text() == both

    repository.git("reset", "-q")
    repository.write("app.py", WHISPER + FILLER + LOST)
    assert repository.git("add", "-p", "app.py", data="y\nn\n").code == 0
    check(repository.commit(stage=False), "Passed")
    assert repository.git("show", "HEAD:app.py").text == WHISPER + FILLER
    assert (repository.path / "app.py").read_text() == WHISPER + FILLER + LOST


def test_commit_all_takes_what_is_tracked(make: Make) -> None:
    """`git commit -a` stages into an index of its own, which pre-commit and we are told of."""
    repository = make({"pyproject.toml": STRICT, "app.py": "x = 1\n"})
    repository.write("app.py", UNUSED)
    repository.write("untracked.py", "from app import _unused\n\n_unused()\n" + FORGOTTEN)
    blocked = repository.commit("-a", stage=False)
    check(blocked, "Failed")
    assert "app.py:1:1: warning dead-code introduced" in blocked.text and "_forgotten" not in blocked.text
    assert repository.git("diff", "--cached").text == ""  # as if nothing had been tried
    repository.write("app.py", WHISPER)
    check(repository.commit("-a", stage=False), "Passed")
    assert repository.git("status", "--porcelain").text == "?? untracked.py\n"


def test_a_commit_of_some_paths(make: Make) -> None:
    """`git commit PATH` leaves out what else is staged, with an index of its own."""
    repository = make({"pyproject.toml": STRICT, "app.py": "x = 1\n", "pkg/other.py": "y = 2\n"})
    repository.write("app.py", UNUSED)
    repository.write("pkg/other.py", WHISPER)
    repository.git("add", "-A")
    check(repository.commit("pkg/other.py", stage=False), "Passed")
    assert repository.git("diff", "--cached", "--name-only").text == "app.py\n"
    repository.write("pkg/other.py", WHISPER + FORGOTTEN)
    blocked = repository.commit("pkg/other.py", stage=False)
    check(blocked, "Failed")
    assert "pkg/other.py:" in blocked.text and "app.py" not in blocked.text
    assert repository.commits == 2


def test_a_commit_from_a_folder_below(make: Make) -> None:
    repository = make({"pyproject.toml": STRICT, "pkg/app.py": "x = 1\n"})
    repository.write("pkg/app.py", UNUSED)
    blocked = repository.git("commit", "-m", "change", "app.py", folder="pkg")
    check(blocked, "Failed")
    assert "pkg/app.py:1:1: warning dead-code introduced" in blocked.text


def test_renames_introduce_nothing(make: Make) -> None:
    """A file that moves takes its findings along; one that it makes true elsewhere is new."""
    repository = make(
        {"pyproject.toml": STRICT, "app.py": UNUSED, "helpers.py": HELPERS, "caller.py": CALLER.format(1)}
    )
    (repository.path / "pkg").mkdir()
    repository.git("mv", "app.py", "pkg/moved.py")
    check(repository.commit(stage=False), "Passed")
    repository.git("mv", "pkg/moved.py", "again.py")
    repository.write("again.py", "import os\n\nprint(os.sep)\n\n\n" + UNUSED)  # moved and edited
    check(repository.commit(), "Passed")
    repository.git("mv", "caller.py", "caller.txt")  # Python no more
    blocked = repository.commit()
    check(blocked, "Failed")
    assert "helpers.py:1:1: warning dead-code introduced" in blocked.text and "again.py" not in blocked.text


def test_every_file_is_deleted(make: Make) -> None:
    repository = make({"pyproject.toml": STRICT, "app.py": UNUSED, "pkg/other.py": WHISPER})
    repository.git("rm", "-q", "app.py", "pkg/other.py")
    check(repository.commit(stage=False), "Passed")
    repository.git("rm", "-q", "pyproject.toml")
    check(repository.commit(stage=False), "Passed")


def test_amending_and_empty_commits(make: Make) -> None:
    repository = make({"pyproject.toml": STRICT, "app.py": UNUSED})
    check(repository.commit("--amend"), "Passed")
    check(repository.commit("--allow-empty"), "Passed")  # nothing is staged, and nothing else is judged
    assert repository.commits == 2


def test_three_thousand_files_at_once(make: Make) -> None:
    """Pre-commit would split their names into several calls; we are called once, and see them together."""
    repository = make({"pyproject.toml": STRICT, "app.py": "x = 1\n"})
    number = 3000
    for index in range(number):
        name = f"{'a_long_name_for_a_package_' * 3}{index % 30}/module_{index:04}.py"
        repository.write(name, f"def task_{index}():\n    return task_{(index + 1) % number}()\n")
    repository.write("lonely.py", UNUSED)
    blocked = repository.commit()
    check(blocked, "Failed")
    totals = [line for line in blocked.text.splitlines() if " symbols, " in line]
    assert [line.partition(" symbols")[0] for line in totals] == [f"1 warning in {number + 2} files ({2 * number + 3}"]
    assert blocked.text.count("lonely.py:1:1: warning dead-code introduced") == 1


def test_a_repository_without_python(make: Make) -> None:
    """All hooks are quiet there, and say nothing but that they passed."""
    repository = make({"README.md": "# Title\n", "main.c": "int main(void) { return 0; }\n"}, "semfora", "semfora-all")
    repository.write("main.c", "int main(void) { return 1; }\n")
    done = repository.commit()
    check(done, "Passed")
    assert done.text.splitlines()[0].endswith("Passed")
    whole = repository.pre_commit("run", "--all-files", "--verbose", "--hook-stage", "manual")
    check(whole, "Passed", TITLES["semfora-all"])
    assert "no findings in 0 files (0 symbols" in whole.text
    check(repository.pre_commit("run", "--all-files"), "Passed")


# --------------------------------------------------------------------------------------------------- merges and ranges


def two_sides(make: Make) -> Repository:
    """A branch `side` that takes away one of two callers, while `main` changes the rest of that file."""
    files = {"pyproject.toml": STRICT, "helpers.py": HELPERS, "callers.py": "x = 1\n" + CALLER.format(1)}
    repository = make(files, stages=("pre-commit", "pre-merge-commit"))
    repository.git("checkout", "-q", "-b", "side")
    repository.write("callers.py", "x = 2\n" + CALLER.format(1))
    repository.commit("--no-verify")
    repository.git("checkout", "-q", "main")
    repository.write("callers.py", "x = 3\n" + CALLER.format(1))
    repository.commit("--no-verify")
    return repository


def test_a_merge_with_conflicts_is_judged_as_resolved(make: Make) -> None:
    repository = two_sides(make)
    merging = repository.git("merge", "--no-edit", "side")
    assert merging.code == 1 and "CONFLICT" in merging.text
    repository.write("callers.py", "x = 4\n")  # the call got lost
    blocked = repository.commit()
    check(blocked, "Failed")
    assert "helpers.py:1:1: warning dead-code introduced" in blocked.text
    repository.write("callers.py", "x = 4\n" + CALLER.format(1))
    check(repository.commit(), "Passed")
    assert repository.git("log", "-1", "--format=%p").text.count(" ") == 1  # two parents


def test_a_merge_that_is_fine_and_a_fast_forward(make: Make) -> None:
    repository = make({"pyproject.toml": STRICT, "app.py": UNUSED}, stages=("pre-commit", "pre-merge-commit"))
    repository.git("checkout", "-q", "-b", "side")
    repository.write("more.py", WHISPER)
    check(repository.commit(), "Passed")
    repository.git("checkout", "-q", "main")
    forward = repository.git("merge", "--no-edit", "side")
    assert forward.code == 0 and TITLES["semfora"] not in forward.text  # git runs no hook: nothing is committed
    repository.git("reset", "-q", "--hard", "HEAD~1")
    check(repository.git("merge", "--no-edit", "--no-ff", "side"), "Passed")


def test_a_merge_brings_what_was_judged_elsewhere(make: Make) -> None:
    """Findings of the merged branch are inherited, with conflicts and without; what the merge adds is not."""
    repository = two_sides(make)
    repository.git("checkout", "-q", "side")
    repository.write("other.py", FORGOTTEN)
    repository.commit("--no-verify")
    repository.git("checkout", "-q", "-b", "clean", "main~1")
    repository.write("more.py", LOST)
    repository.commit("--no-verify")
    repository.git("checkout", "-q", "main")
    check(repository.git("merge", "--no-edit", "clean"), "Passed")
    assert repository.git("merge", "--no-edit", "side").code == 1
    repository.write("callers.py", "x = 4\n" + CALLER.format(1) + UNUSED)
    blocked = repository.commit()
    check(blocked, "Failed")
    assert "_unused" in blocked.text and "_forgotten" not in blocked.text and "_lost" not in blocked.text
    repository.write("callers.py", "x = 4\n" + CALLER.format(1))
    check(repository.commit(), "Passed")


def test_a_range_that_is_named(make: Make) -> None:
    """`--from-ref` and `--to-ref`, as continuous integration has them, whatever is checked out."""
    repository = make({"pyproject.toml": STRICT, "app.py": UNUSED})
    repository.git("tag", "first")
    repository.write("more.py", WHISPER)
    repository.commit("--no-verify")
    repository.git("tag", "fine")
    repository.write("more.py", FORGOTTEN)
    repository.commit("--no-verify")
    repository.git("tag", "wrong")
    check(repository.pre_commit("run", "--from-ref", "first", "--to-ref", "fine"), "Passed")
    for start in ("first", "fine"):
        blocked = repository.pre_commit("run", "--from-ref", start, "--to-ref", "wrong")
        check(blocked, "Failed")
        assert "more.py:1:1: warning dead-code introduced" in blocked.text and "app.py" not in blocked.text
    repository.git("checkout", "-q", "first")
    check(repository.pre_commit("run", "--from-ref", "fine", "--to-ref", "wrong"), "Failed")
    check(repository.pre_commit("run", "--from-ref", "wrong", "--to-ref", "first"), "Passed")
    repository.git("checkout", "-q", "main")
    check(repository.pre_commit("run", "--source", "first", "--origin", "wrong"), "Failed")  # the older names


def test_all_files(make: Make) -> None:
    """Nothing staged means all of the repository, untracked files too; something staged means just that."""
    repository = make({"pyproject.toml": STRICT, "app.py": UNUSED})
    everything = repository.pre_commit("run", "--all-files")
    check(everything, "Failed")
    assert "app.py:1:1: warning dead-code" in everything.text
    repository.write("app.py", WHISPER)  # not staged
    check(repository.pre_commit("run", "--all-files"), "Passed")
    repository.git("checkout", "-q", "app.py")
    repository.write("more.py", WHISPER)
    repository.git("add", "more.py")
    check(repository.pre_commit("run", "--all-files"), "Passed")


def test_pushes(make: Make, tmp_path: Path) -> None:
    """The first push is judged whole; a new branch by what it adds; a deletion, and one that is up to date, not."""
    name = TITLES["semfora-push"]
    repository = make({"pyproject.toml": STRICT, "app.py": UNUSED}, "semfora-push", stages=("pre-push",))
    repository.git("init", "-q", "--bare", str(tmp_path / "remote.git"))
    repository.git("remote", "add", "origin", str(tmp_path / "remote.git"))
    first = repository.git("push", "-u", "origin", "main")
    check(first, "Failed", name)
    assert "app.py:1:1: warning dead-code" in first.text
    assert repository.git("push", "--no-verify", "-q", "-u", "origin", "main").code == 0

    repository.git("checkout", "-q", "-b", "feature")
    repository.write("more.py", WHISPER)
    assert repository.commit().code == 0
    check(repository.git("push", "origin", "feature"), "Passed", name)
    repository.write("more.py", FORGOTTEN)
    assert repository.commit().code == 0
    repository.git("checkout", "-q", "main")  # what is pushed is judged, not what is checked out
    blocked = repository.git("push", "origin", "feature")
    check(blocked, "Failed", name)
    assert "more.py:1:1: warning dead-code introduced" in blocked.text and "app.py" not in blocked.text
    gone = repository.git("push", "origin", "--delete", "feature")
    assert gone.code == 0 and name not in gone.text
    same = repository.git("push", "origin", "main")
    assert same.code == 0 and "Everything up-to-date" in same.text


# ------------------------------------------------------------------------------------------------ several work trees


def test_a_worktree(make: Make, tmp_path: Path) -> None:
    """It shares hooks and cache with the repository, and has an index of its own."""
    repository = make({"pyproject.toml": STRICT, "app.py": "x = 1\n"})
    tree = tmp_path / "tree"
    assert repository.git("worktree", "add", "-q", "-b", "side", str(tree)).code == 0
    (tree / "app.py").write_text(UNUSED)
    blocked = repository.git("commit", "-am", "change", folder=tree)
    check(blocked, "Failed")
    assert "app.py:1:1: warning dead-code introduced" in blocked.text
    (tree / "app.py").write_text(WHISPER)
    check(repository.git("commit", "-am", "change", folder=tree), "Passed")
    repository.write("app.py", UNUSED)
    check(repository.commit(), "Failed")
    assert repository.git("worktree", "list", "--porcelain").text.count("worktree ") == 2
    assert repository.git("fsck", "--strict").code == 0


def test_submodules(hooks: Hooks, make: Make, tmp_path: Path) -> None:
    """Each repository is judged by itself: the other one has neither callers nor findings for it."""
    library = make({"pyproject.toml": STRICT, "library.py": HELPERS}, name="library")
    outer = make({"pyproject.toml": STRICT, "app.py": "x = 1\n"}, name="outer")
    added = outer.git("-c", "protocol.file.allow=always", "submodule", "add", "-q", str(library.path), "vendor")
    assert added.code == 0, added.text
    check(outer.commit(), "Passed")  # its dead code is its own business
    outer.write("app.py", "import vendor.library\n\nvendor.library._twice(1)\n" + UNUSED)
    blocked = outer.commit()
    check(blocked, "Failed")
    assert "app.py:" in blocked.text and "vendor/library.py" not in blocked.text
    outer.write("app.py", "import vendor.library\n\nvendor.library._twice(1)\n")
    check(outer.commit(), "Passed")

    inner = outer.path / "vendor"
    assert hooks.run(inner, sys.executable, "-m", "pre_commit", "install").code == 0
    outer.git("checkout", "-q", "-B", "main", folder=inner)
    (inner / "library.py").write_text(HELPERS + "\n\n" + FORGOTTEN)
    outer.write("app.py", UNUSED)
    outer.git("add", "app.py")  # of the other repository
    inside = outer.git("commit", "-am", "change", folder=inner)
    check(inside, "Failed")
    assert "library.py:5:1: warning dead-code introduced" in inside.text and "app.py" not in inside.text
    (inner / "library.py").write_text(HELPERS + "\n\n" + WHISPER)
    check(outer.git("commit", "-am", "change", folder=inner), "Passed")
    outer.write("app.py", "x = 2\n")
    check(outer.commit(), "Passed")  # moves the submodule's commit
    assert outer.git("submodule", "status").text.startswith(" ")
