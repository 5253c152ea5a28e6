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
    causes = [(item["text"], item["file"], item["line"]) for item in evidence if item["kind"] == "cause"]
    assert causes == [(REASON, "app.py", 1)]


BODY = "".join(f"    values.append(compute_{n}(values, {n}))\n" for n in range(9)) + "    return values\n"
COPY = f"def one(values):\n{BODY}\n\none([])\n"
OTHER = COPY.replace("one", "two")
COMMENT = "# semfora: ignore[{}] -- known\n"


@pytest.mark.parametrize("word", ["combine-functions", "duplicates", "combine_functions"])
@pytest.mark.parametrize("line", [1, 15])
def test_the_comment_of_copies_goes(project: Project, run: Run, word: str, line: int) -> None:
    comment = COMMENT.format(word) if line == 1 else COMMENT.format(word).replace("ignore", "file-ignore")
    with_comment = comment + COPY if line == 1 else COPY + comment
    project.write({"a.py": with_comment, "b.py": OTHER, "c.py": "x = 1\n"}).commit()
    outcome = staged(project, run, {"a.py": COPY, "c.py": "x = 2\n"}, "--fail-on", "info")
    assert (outcome.code, statuses(outcome)) == (1, [("introduced", "combine-functions", "a.py::one")])
    cause = outcome.json["recommendations"][0]["evidence"][0]
    assert (cause["text"], cause["file"], cause["line"]) == (REASON, "a.py", line)
    # Now it is there, and other changes of the file do not bring it in again.
    assert statuses(staged(project, run, {"a.py": COPY + "x = 3\n"}, "--fail-on", "info")) == []
    assert statuses(staged(project, run, {"a.py": with_comment})) == []


def test_a_comment_of_copies_that_is_no_longer_above(project: Project, run: Run) -> None:
    comment = COMMENT.format("combine-functions")
    project.write({"a.py": comment + COPY, "b.py": OTHER}).commit()
    outcome = staged(project, run, {"a.py": f"{comment}x = 1\n{COPY}"})
    assert ("introduced", "combine-functions", "a.py::one") in statuses(outcome)


def test_the_comment_of_a_circle_goes(project: Project, run: Run) -> None:
    comment = "# semfora: file-ignore[module-organization] -- known\n"
    circle = {"a.py": "import b\n\nprint(b)\n", "b.py": "import a\n\nprint(a)\n"}
    project.write({**circle, "a.py": circle["a.py"] + comment, "c.py": "x = 1\n"}).commit()
    outcome = staged(project, run, {"a.py": circle["a.py"], "c.py": "x = 2\n"}, "--fail-on", "info")
    assert (outcome.code, statuses(outcome)) == (1, [("introduced", "module-organization", "a.py")])
    cause = outcome.json["recommendations"][0]["evidence"][0]
    assert (cause["text"], cause["file"], cause["line"]) == (REASON, "a.py", 4)
    assert statuses(staged(project, run, {"a.py": circle["a.py"] + "x = 3\n"})) == []


def test_a_comment_of_copies_stays(project: Project, run: Run) -> None:
    comment = COMMENT.format("combine-functions")
    project.write({"a.py": comment + COPY, "b.py": OTHER}).commit()
    assert statuses(staged(project, run, {"a.py": f"import os\n\nprint(os.sep)\n{comment}{COPY}"})) == []
    assert statuses(staged(project, run, {"a.py": None, "aa.py": comment + COPY})) == []


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
