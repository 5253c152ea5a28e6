"""`--staged` and `--since`: what a change introduced, worsened, left alone and fixed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import Outcome, Project, statuses

Run = Callable[..., Outcome]

DEAD = """\
    def _unused(rows):
        return list(rows)
    """

TANGLE = """\
    def untangle(rows):
        for row in rows:
            if row:
                print(row)


    untangle([])
    """

WORSE = """\
    def untangle(rows):
        for row in rows:
            if row:
                if row.name:
                    print(row)


    untangle([])
    """

LIMIT = "[rules.complexity]\nmax-cognitive = 2\n"


def staged(run: Run, *options: str) -> list[tuple[str, str, str | None]]:
    return statuses(run("suggest", "--staged", "--output-format", "json", *options))


@pytest.fixture
def repository(project: Project) -> Project:
    project.write({"app.py": DEAD, "tangle.py": TANGLE, "semfora.toml": LIMIT, "README.md": "text\n"}).commit("first")
    return project


INHERITED = [
    ("inherited", "dead-code", "app.py::_unused"),
    ("inherited", "complexity", "tangle.py::untangle"),
]


def test_introduced(repository: Project, run: Run) -> None:
    repository.write({"more.py": DEAD}).git("add", "-A")
    assert staged(run) == [("introduced", "dead-code", "more.py::_unused")]
    outcome = run("suggest", "--staged")
    assert outcome == (
        0,
        "more.py:1:1: warning dead-code function `_unused` is never used\n",
        "1 warning in 3 files (6 symbols, 0.0 s)\n",
    )
    assert run("suggest", "--staged", "--fail-on", "warning").code == 1
    full = run("suggest", "--staged", "--output-format", "full").out
    assert full.startswith("more.py:1:1: warning dead-code introduced (confidence 0.95)\n")


def test_inherited_is_shown_on_request_and_never_trips_the_gate(repository: Project, run: Run) -> None:
    repository.write({"app.py": f"# a comment\n{'def _unused(rows):'}\n    return tuple(rows)\n"}).git("add", "-A")
    assert staged(run) == []
    assert staged(run, "--all") == INHERITED
    assert run("suggest", "--staged", "--fail-on", "info").code == 0
    # `--all` judges everything; the configuration can also ask for that.
    assert run("suggest", "--staged", "--all", "--fail-on", "info").code == 1
    assert run("suggest", "--fail-on", "info").code == 1


def test_worsened(repository: Project, run: Run) -> None:
    repository.write({"tangle.py": WORSE}).git("add", "-A")
    assert staged(run) == [("worsened", "complexity", "tangle.py::untangle")]
    assert run("suggest", "--staged", "--fail-on", "info").code == 1


def test_improved_but_still_there_is_inherited(repository: Project, run: Run) -> None:
    repository.write({"tangle.py": WORSE}).commit()
    repository.write({"tangle.py": TANGLE}).git("add", "-A")
    assert staged(run, "--all") == INHERITED


def test_fixed(repository: Project, run: Run) -> None:
    repository.write({"app.py": "print(1)\n", "tangle.py": None}).git("add", "-A")
    assert staged(run) == [
        ("fixed", "dead-code", "app.py::_unused"),
        ("fixed", "complexity", "tangle.py::untangle"),
    ]
    outcome = run("suggest", "--staged", "--output-format", "full")
    assert (outcome.code, outcome.out.splitlines()[:2]) == (
        0,
        [
            "fixed dead-code: function `_unused` is never used",
            "fixed complexity: `untangle` is hard to follow: cognitive complexity 3",
        ],
    )
    assert outcome.out.splitlines()[2].startswith("no findings, 2 fixed in 1 files (1 symbols, ")


def test_removing_the_last_caller_introduces_a_finding_in_a_file_that_was_not_touched(
    project: Project, run: Run
) -> None:
    project.write({"lib.py": "def _helper():\n    return 1\n", "app.py": "from lib import _helper\n\n_helper()\n"})
    project.commit()
    project.write({"app.py": "print(2)\n"}).git("add", "-A")
    assert staged(run) == [("introduced", "dead-code", "lib.py::_helper")]


def test_a_renamed_file_keeps_its_findings(repository: Project, run: Run) -> None:
    repository.git("mv", "app.py", "other.py")
    assert staged(run) == []
    assert staged(run, "--all") == [
        ("inherited", "dead-code", "other.py::_unused"),
        ("inherited", "complexity", "tangle.py::untangle"),
    ]


def test_a_renamed_and_edited_file_keeps_its_findings(repository: Project, run: Run) -> None:
    repository.git("mv", "tangle.py", "sub.py")
    repository.write({"sub.py": WORSE}).git("add", "-A")
    assert staged(run) == [("worsened", "complexity", "sub.py::untangle")]


def test_a_moved_package_keeps_its_findings(project: Project, run: Run) -> None:
    names = ("first", "second", "third")
    project.write({f"old/{name}.py": f"def _{name}_helper():\n    return {len(name)}\n" for name in names})
    project.commit()
    (project.path / "new").mkdir()
    project.git("mv", "old", "new/place")
    assert staged(run) == []
    assert [status for status, *_ in staged(run, "--all")] == ["inherited"] * 3


def test_two_files_that_swap_names(project: Project, run: Run) -> None:
    project.write({"a.py": "def _in_a():\n    return 'a' * 20\n", "b.py": "def _in_b():\n    return {'b': 20}\n"})
    project.commit()
    project.git("mv", "a.py", "c.py")
    project.git("mv", "b.py", "a.py")
    project.git("mv", "c.py", "b.py")
    found = staged(run, "--all")
    assert [(rule, symbol) for status, rule, symbol in found if status != "fixed"] == [
        ("dead-code", "a.py::_in_b"),
        ("dead-code", "b.py::_in_a"),
    ]


def test_the_index_counts_and_not_the_work_tree(repository: Project, run: Run) -> None:
    repository.write({"more.py": DEAD}).git("add", "-A")
    repository.write({"more.py": "print(1)\n", "untracked.py": "from app import _unused\n\n_unused([])\n"})
    assert staged(run) == [("introduced", "dead-code", "more.py::_unused")]


def test_nothing_staged_that_matters(repository: Project, run: Run) -> None:
    assert run("suggest", "--staged") == (0, "", "no findings in 0 files (0 symbols, 0.0 s)\n")
    repository.write({"README.md": "other text\n"}).git("add", "-A")
    assert run("suggest", "--staged") == (0, "", "no findings in 0 files (0 symbols, 0.0 s)\n")


def test_staged_before_the_first_commit(project: Project, run: Run) -> None:
    project.write({"app.py": DEAD})
    project.git("init", "-q")
    project.git("add", "-A")
    assert staged(run) == [("introduced", "dead-code", "app.py::_unused")]


def test_since(repository: Project, run: Run) -> None:
    base = repository.git("rev-parse", "HEAD")
    repository.write({"more.py": DEAD}).commit()
    repository.write({"tangle.py": WORSE}).commit()
    repository.write({"app.py": "# in the work tree only\n"})
    outcome = run("suggest", "--since", base, "--output-format", "json")
    assert statuses(outcome) == [
        ("introduced", "dead-code", "more.py::_unused"),
        ("worsened", "complexity", "tangle.py::untangle"),
    ]
    assert outcome.json["scope"] == {"kind": "range", "base_ref": base}
    assert statuses(run("suggest", "--since", "HEAD~1", "--output-format", "json")) == [
        ("worsened", "complexity", "tangle.py::untangle")
    ]
    assert statuses(run("suggest", "--since", "HEAD", "--output-format", "json")) == []


def test_since_means_since_the_branches_parted(repository: Project, run: Run) -> None:
    repository.git("checkout", "-q", "-b", "topic")
    repository.write({"topic.py": DEAD}).commit()
    repository.git("checkout", "-q", "main")
    repository.write({"app.py": "print(1)\n"}).commit("main goes on, and fixes something")
    repository.git("checkout", "-q", "topic")
    assert statuses(run("suggest", "--since", "main", "--output-format", "json")) == [
        ("introduced", "dead-code", "topic.py::_unused")
    ]


@pytest.mark.parametrize("revision", ["nope", "--output=x", "HEAD~9", "0" * 40])
def test_since_a_revision_that_is_not_there(repository: Project, run: Run, revision: str) -> None:
    outcome = run("suggest", f"--since={revision}")
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith(f"error: the revision '{revision}' is not in this repository (in a shallow clone: ")
    assert not (repository.path / "x").exists()


def test_since_an_unrelated_history(repository: Project, run: Run) -> None:
    repository.git("checkout", "-q", "--orphan", "island")
    repository.commit()
    outcome = run("suggest", "--since", "main")
    assert outcome.code == 2
    assert outcome.err.startswith("error: HEAD and 'main' have no common commit here")


def test_paths_filter_a_change(repository: Project, run: Run) -> None:
    repository.write({"more.py": DEAD, "sub/again.py": DEAD}).git("add", "-A")
    assert staged(run, "sub") == [("introduced", "dead-code", "sub/again.py::_unused")]


def test_a_suppressed_finding_that_was_there_before(repository: Project, run: Run) -> None:
    repository.write({"more.py": "def _unused(rows):  # semfora: ignore[dead-code]\n    return rows\n"})
    repository.git("add", "-A")
    outcome = run("suggest", "--staged", "--fail-on", "info", "--output-format", "json")
    assert outcome.code == 0
    assert outcome.json["summary"]["recommendations"] == 0
    assert [item["suppressed"]["kind"] for item in outcome.json["recommendations"]] == ["comment"]


def test_what_is_missing_of_the_base_is_said(repository: Project, run: Run) -> None:
    lost = repository.git("rev-parse", "HEAD:app.py")
    repository.write({"app.py": None}).git("add", "-A")
    (repository.path / ".git" / "objects" / lost[:2] / lost[2:]).unlink()
    outcome = run("suggest", "--staged", "--output-format", "json")
    assert [(item["file"], item["reason"]) for item in outcome.json["incomplete"]] == [
        (
            "app.py",
            "before the change: its content is not in this clone (partial clone or corrupt repository)",
        )
    ]


def test_a_worktree_and_a_subfolder(repository: Project, run: Run, tmp_path: Path) -> None:
    repository.git("worktree", "add", "-q", str(tmp_path / "tree"), "-b", "side")
    tree = Project(tmp_path / "tree").write({"sub/more.py": DEAD})
    tree.git("add", "-A")
    outcome = run("suggest", "--staged", "--output-format", "json", folder="../tree/sub")
    assert statuses(outcome) == [("introduced", "dead-code", "sub/more.py::_unused")]
    assert staged(run) == []


def test_a_change_that_cannot_be_read_is_an_error(repository: Project, run: Run) -> None:
    lost = repository.git("rev-parse", "HEAD:app.py")
    repository.write({"app.py": DEAD + "\n    print(2)\n"}).git("add", "-A")
    (repository.path / ".git" / "objects" / lost[:2] / lost[2:]).unlink()
    assert run("suggest", "--staged") == (
        2,
        "",
        f"error: git diff failed in {repository.path}: fatal: unable to read {lost} "
        "(objects are missing in this clone; if it is a partial one: git fetch --refetch --no-filter)\n",
    )


def test_the_commit_of_the_stored_index_is_gone(repository: Project, run: Run) -> None:
    """After `git gc`, or in another clone with the same cache, the index is made again, and nothing else is said."""
    repository.write({"more.py": "print(1)\n"}).commit()
    repository.write({"more.py": DEAD}).git("add", "-A")
    expected = staged(run)  # the index is that of HEAD now
    assert expected == [("introduced", "dead-code", "more.py::_unused")]
    repository.git("stash", "-q")
    repository.write({"more.py": "print(2)\n"}).git("add", "-A")
    tree = repository.git("rev-parse", "HEAD^{tree}")
    repository.git("commit", "-q", "--amend", "-m", "another")
    repository.git("stash", "drop", "-q")
    repository.git("reflog", "expire", "--expire=now", "--all")
    repository.git("gc", "-q", "--prune=now")
    assert tree not in repository.git("cat-file", "--batch-all-objects", "--batch-check")
    repository.write({"more.py": DEAD}).git("add", "-A")
    assert staged(run) == expected
    assert staged(run, "--no-cache") == expected
