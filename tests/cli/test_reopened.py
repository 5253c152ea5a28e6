"""A finding whose comment goes is one that the change brings in; one whose last day comes is not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from .conftest import Outcome, Project, statuses

Run = Callable[..., Outcome]

DEAD = "def _unused(rows):\n    return list(rows)\n"
SILENT = f"# semfora: ignore[dead-code] -- called from outside\n{DEAD}"
REASON = "the change takes away the comment that silenced it"


def staged(project: Project, run: Run, files: dict[str, str | None], *options: str) -> Outcome:
    """The report on a change; the same with the stored index, without it and of the commit afterwards."""
    project.write(files).git("add", "-A")
    outcome = run("suggest", "--staged", "--output-format", "json", *options)
    plain = run("suggest", "--staged", "--no-cache", "--output-format", "json", *options)
    project.git("commit", "-q", "-m", "change")
    ranged = run("suggest", "--since", "HEAD~1", "--output-format", "json", *options)
    for other in (plain, ranged):
        assert (other.code, other.json["recommendations"]) == (outcome.code, outcome.json["recommendations"])
    return outcome


def test_a_comment_is_deleted(project: Project, run: Run) -> None:
    project.write({"app.py": SILENT}).commit()
    outcome = staged(project, run, {"app.py": DEAD}, "--fail-on", "info")
    assert (outcome.code, statuses(outcome)) == (1, [("introduced", "dead-code", "app.py::_unused")])
    evidence = outcome.json["recommendations"][0]["evidence"]
    assert [item["text"] for item in evidence if item["kind"] == "cause"] == [REASON]


@pytest.mark.parametrize(
    "after",
    [
        f"import os\n\nprint(os.sep)\n\n\n{SILENT}",
        f"# semfora: file-ignore[dead-code] -- called from outside\n\n{DEAD}",
        SILENT.replace("called from", "until=2999-12-31 called from"),
    ],
    ids=["moved", "another", "limited"],
)
def test_a_comment_that_is_still_there_in_another_form(project: Project, run: Run, after: str) -> None:
    project.write({"app.py": SILENT}).commit()
    outcome = staged(project, run, {"app.py": after}, "--fail-on", "info")
    assert (outcome.code, statuses(outcome)) == (0, [])
    everything = run("suggest", "--since", "HEAD~1", "--all", "--output-format", "json").json["recommendations"]
    assert [(item["status"], item["suppressed"]["kind"]) for item in everything] == [("inherited", "comment")]


def test_a_comment_moves_with_its_file(project: Project, run: Run) -> None:
    project.write({"app.py": SILENT}).commit()
    assert statuses(staged(project, run, {"app.py": None, "lib/app.py": SILENT})) == []


def test_a_comment_that_was_over_silenced_nothing(project: Project, run: Run) -> None:
    project.write({"app.py": SILENT.replace("called from", "until=2020-01-01 called from")}).commit()
    outcome = staged(project, run, {"app.py": DEAD}, "--fail-on", "info")
    assert (outcome.code, statuses(outcome)) == (0, [("fixed", "unused-suppression", "app.py::_unused")])
