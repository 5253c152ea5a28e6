"""`unused-suppression` in runs about a change: comments that a change leaves without anything to silence."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from .conftest import Outcome, Project, statuses

Run = Callable[..., Outcome]
Found = list[tuple[str, str, str | None]]

SILENCED = "def _f(rows):  # semfora: ignore[dead-code] -- for the plugins\n    return list(rows)\n"
COPY = "def {name}(values):{comment}\n" + "".join(f"    values.append(compute_{n}(values, {n}))\n" for n in range(9))


def judged(run: Run, *options: str) -> Found:
    """What a staged change does, told from the stored index and from scratch."""
    arguments = ("suggest", "--staged", "--output-format", "json", *options)
    outcome = run(*arguments)
    fresh = run(*arguments, "--no-cache").json
    assert (fresh["recommendations"], fresh["fixed"]) == (outcome.json["recommendations"], outcome.json["fixed"])
    return [item for item in statuses(outcome) if item[1] == "unused-suppression"]


@pytest.fixture
def repository(project: Project, run: Run) -> Project:
    project.write({"app.py": SILENCED, "other.py": "x = 1\n", "semfora.toml": ""}).commit()
    return project


def test_a_comment_loses_its_finding_in_its_own_file(repository: Project, run: Run) -> None:
    repository.write({"app.py": SILENCED + "\n\nprint(_f([]))\n"}).git("add", "-A")
    assert judged(run) == [("introduced", "unused-suppression", "app.py::_f")]
    assert run("suggest", "--staged", "--fail-on", "warning").code == 1


def test_a_comment_in_a_file_that_is_not_touched(repository: Project, run: Run) -> None:
    """Only comments in the change are judged: a run about everything reports the others."""
    repository.write({"other.py": "from app import _f\n\n_f([])\n"}).git("add", "-A")
    assert judged(run) == []
    assert [item["rule_id"] for item in run("suggest", "--output-format", "json").json["recommendations"]] == [
        "unused-suppression"
    ]


def test_a_new_comment_that_silences_nothing(repository: Project, run: Run) -> None:
    repository.write({"other.py": "x = 1  # semfora: ignore[dead-cod]\n"}).git("add", "-A")
    assert judged(run) == [("introduced", "unused-suppression", "other.py")]


def test_comments_that_were_useless_before(repository: Project, run: Run) -> None:
    useless = "def used(rows):  # semfora: ignore[dead-code]\n    return list(rows)\n\n\nprint(used([]))\n"
    repository.write({"more.py": useless}).commit()
    repository.write({"more.py": "y = 2\n\n\n" + useless}).git("add", "-A")
    assert judged(run) == []
    assert judged(run, "--all") == [("inherited", "unused-suppression", "more.py::used")]
    repository.git("mv", "more.py", "renamed.py")
    assert judged(run) == []
    repository.write({"renamed.py": useless.replace("  # semfora: ignore[dead-code]", "")}).git("add", "-A")
    assert judged(run) == [("fixed", "unused-suppression", "more.py::used")]


def test_of_two_useless_comments_one_goes(repository: Project, run: Run) -> None:
    """Each has a fingerprint of its own, by its words and its number, so that one is fixed and none is new."""
    comment = "  # semfora: ignore[naming]"
    both = f"def used(rows):\n    x = 1{comment}\n    y = 2{comment}\n    return rows, x, y\n"
    repository.write({"more.py": both + "\n\nused([])\n"}).commit()
    left = both.replace(comment, "", 1)
    repository.write({"more.py": left + "\n\nused([])\n"}).git("add", "-A")
    assert judged(run) == [("fixed", "unused-suppression", "more.py::used")]


def test_rules_that_see_a_part_only_prove_nothing(project: Project, run: Run) -> None:
    """Copies and circles of imports reach across files: from a part of a repository, their comments are left alone."""
    silenced = COPY.format(name="one", comment="  # semfora: ignore[combine-functions]")
    project.write(
        {"a.py": silenced, "b.py": COPY.format(name="two", comment=""), "use.py": "print('one', 'two')\n"}
    ).commit()
    project.write({"a.py": "x = 1\n\n\n" + silenced}).git("add", "-A")
    assert judged(run) == []
    project.write({"a.py": silenced.replace("compute_", "other_")}).git("add", "-A")
    assert judged(run) == []
    assert [item["rule_id"] for item in run("suggest", "--output-format", "json").json["recommendations"]] == [
        "unused-suppression"
    ]


def test_a_comment_expires(repository: Project, run: Run) -> None:
    repository.write({"app.py": SILENCED.replace(" -- for", " until=2020-01-31 -- for")}).git("add", "-A")
    assert judged(run) == [("introduced", "unused-suppression", "app.py::_f")]
    outcome = run("suggest", "--staged", "--output-format", "json")
    (found,) = (item for item in outcome.json["recommendations"] if item["rule_id"] == "unused-suppression")
    assert found["title"] == "This comment's last day was 2020-01-31, and what it silenced is still there"
    assert [item["text"] for item in found["evidence"]] == ["its reason: for the plugins"]


def test_a_comment_that_names_this_rule(repository: Project, run: Run) -> None:
    text = "def used(rows):  # semfora: ignore[dead-code, unused-suppression]\n    return rows\n\n\nused([])\n"
    repository.write({"more.py": text}).git("add", "-A")
    outcome = run("suggest", "--staged", "--fail-on", "info", "--output-format", "json")
    (found,) = outcome.json["recommendations"]
    assert (found["rule_id"], found["suppressed"]["line"], outcome.code) == ("unused-suppression", 1, 0)


def test_files_with_errors_prove_nothing(repository: Project, run: Run) -> None:
    repository.write({"app.py": SILENCED.replace("_f", "f") + "\n\ndef broken(:\n    pass\n\n\nf([])\n"}).git(
        "add", "-A"
    )
    assert judged(run) == []
