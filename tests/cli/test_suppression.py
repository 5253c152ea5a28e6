"""Comments: what they silence, and what they do not."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import pytest

from .conftest import Outcome, Project

Run = Callable[..., Outcome]


def suppressed(outcome: Outcome) -> list[tuple[str, dict[str, Any] | None]]:
    return [
        (item["symbols"][0]["name"], item["suppressed"])
        for item in outcome.json["recommendations"]
        if item["rule_id"] != "unused-suppression"
    ]


def useless(outcome: Outcome) -> list[tuple[int, str]]:
    """Lines of comments that are good for nothing, and what is said about them."""
    return [
        (item["symbols"][0]["start_line"], item["title"])
        for item in outcome.json["recommendations"]
        if item["rule_id"] == "unused-suppression"
    ]


def comment(line: int, reason: str | None = None, file: str = "app.py") -> dict[str, Any]:
    return {"kind": "comment", "file": file, "line": line, "reason": reason}


TOMORROW = (datetime.datetime.now(tz=datetime.UTC) + datetime.timedelta(days=1)).date().isoformat()


@pytest.mark.parametrize(
    ("source", "mark"),
    [
        ("def _f():  # semfora: ignore[dead-code]\n    return 1\n", comment(1)),
        ("def _f():  # semfora: ignore[dead-code] -- asked for\n    return 1\n", comment(1, "asked for")),
        ("def _f():  # semfora: ignore[naming, dead-code] -- x\n    return 1\n", comment(1, "x")),
        ("def _f():  # semfora: ignore[dead_code]\n    return 1\n", comment(1)),
        ("def _f():  # noqa: F841  semfora: ignore[dead-code]\n    return 1\n", comment(1)),
        ("# semfora: ignore[dead-code]\ndef _f():\n    return 1\n", comment(1)),
        ("# semfora: ignore[dead-code]\n# more words\ndef _f():\n    return 1\n", None),
        ("# semfora: ignore[dead-code]\n\ndef _f():\n    return 1\n", None),
        ("# semfora: file-ignore[dead-code] -- legacy\n\n\ndef _f():\n    return 1\n", comment(1, "legacy")),
        ("def _f():\n    return 1\n# semfora: file-ignore[dead-code]\n", comment(3)),
        ("def _f():  # semfora: ignore[dead-code] until=2999-12-31 -- later\n    return 1\n", comment(1, "later")),
        (f"def _f():  # semfora: ignore[dead-code] until={TOMORROW}\n    return 1\n", comment(1)),
        # What does not silence:
        ("def _f():  # semfora: ignore[naming]\n    return 1\n", None),
        ("def _f():  # semfora: ignore\n    return 1\n", None),
        ("def _f():  # semfora: ignore[]\n    return 1\n", None),
        ("def _f():  # semfora: ignore[all]\n    return 1\n", None),
        ("def _f():  # semfora: ignore[recommended]\n    return 1\n", None),
        ("def _f():  # semfora: ignore[*]\n    return 1\n", None),
        ("def _f():\n    return 1  # semfora: ignore[dead-code]\n", None),
        ('def _f():\n    """semfora: ignore[dead-code]"""\n    return 1\n', None),
        ("def _f(a='# semfora: ignore[dead-code]'):\n    return 1\n", None),
        ("'''\n# semfora: file-ignore[dead-code]\n'''\n\n\ndef _f():\n    return 1\n", None),
        ("def _f():  # semfora: ignore[dead-code] until=2020-01-01\n    return 1\n", None),
        ("def _f():  # semfora: ignore[dead-code] until=2999-02-31\n    return 1\n", None),
    ],
)
def test_comments(project: Project, run: Run, source: str, mark: dict[str, Any] | None) -> None:
    project.write({"app.py": source})
    options = ("suggest", "--fail-on", "warning", "--output-format", "json")
    outcome = run(*options, "--ignore", "unused-suppression")
    assert suppressed(outcome) == [("_f", mark)]
    assert outcome.code == (1 if mark is None else 0)
    assert outcome.json["summary"]["suppressed"] == (mark is not None)
    assert outcome.json["summary"]["recommendations"] == (mark is None)


def test_until_holds_through_its_last_day(project: Project, run: Run) -> None:
    today = datetime.datetime.now(tz=datetime.UTC).date()
    for day, silent in ((today, True), (today - datetime.timedelta(days=1), False)):
        project.write({"app.py": f"def _f():  # semfora: ignore[dead-code] until={day}\n    return 1\n"})
        ((_, mark),) = suppressed(run("suggest", "--output-format", "json"))
        assert (mark is not None) is silent


@pytest.mark.parametrize(
    ("comment", "expected"),
    [
        ("ignore[dead-code] -- asked for", None),
        ("ignore[dead_code]", None),
        ("ignore", "This comment silences nothing: it names no rule in brackets: write ignore[rule-id] -- reason"),
        ("ignore[]", "This comment silences nothing: its brackets are empty: write ignore[rule-id] -- reason"),
        ("ignore[naming]", "This comment silences nothing: 'naming' finds nothing here"),
        ("ignore[naming, dead-code]", "This comment silences nothing for naming: 'naming' finds nothing here"),
        ("ignore[dead-cod]", "This comment silences nothing: there is no rule 'dead-cod'; did you mean 'dead-code'?"),
        (
            "ignore[all]",
            "This comment silences nothing: 'all' names no rule: there is no form that silences everything",
        ),
        (
            "ignore[dead-code] until=2020-01-01",
            "This comment's last day was 2020-01-01, and what it silenced is still there",
        ),
        ("ignore[naming] until=2020-01-01", "This comment's last day was 2020-01-01"),
        (
            "ignore[dead-code] until=soon",
            "This comment silences nothing: 'until=soon' is no day: write until=YYYY-MM-DD",
        ),
        ("ignore[unused-suppression]", None),
        ("ignore[naming, unused-suppression]", None),
    ],
)
def test_comments_that_are_good_for_nothing(project: Project, run: Run, comment: str, expected: str | None) -> None:
    project.write({"app.py": f"x = 1\n\n\ndef _f():  # semfora: {comment}\n    return 1\n"})
    outcome = run("suggest", "--output-format", "json")
    open_ones = [item for item in outcome.json["recommendations"] if item["suppressed"] is None]
    titles = [item["title"] for item in open_ones if item["rule_id"] == "unused-suppression"]
    assert titles == ([] if expected is None else [expected])
    assert [line for line, _ in useless(outcome)] in ([], [4])
    assert run("suggest", "--output-format", "json").json["recommendations"] == outcome.json["recommendations"]  # kept


@pytest.mark.parametrize(
    "options",
    [("--select", "naming,unused-suppression"), ("--ignore", "dead-code"), ("--rule", "unused-suppression")],
)
def test_comments_for_rules_that_did_not_run_are_left_alone(
    project: Project, run: Run, options: tuple[str, ...]
) -> None:
    project.write({"app.py": "def used():  # semfora: ignore[dead-code]\n    return 1\n\n\nused()\n"})
    assert useless(run("suggest", "--output-format", "json")) == [
        (1, "This comment silences nothing: 'dead-code' finds nothing here")
    ]
    assert useless(run("suggest", "--output-format", "json", *options)) == []


def test_suppressed_findings_are_not_shown_as_text(project: Project, run: Run) -> None:
    project.write({"app.py": "def _f():  # semfora: ignore[dead-code]\n    return 1\n"})
    assert run("suggest") == (0, "", "no findings, 1 suppressed in 1 files (2 symbols, 0.0 s)\n")


CYCLE = {
    "a.py": '"""A."""\nimport os\nimport b  {0}\n\nprint(os, b)\n',
    "b.py": "import a\n\nprint(a)\n",
}


@pytest.mark.parametrize(
    ("first", "inline", "silent"),
    [
        ("", "", False),
        ("", "# semfora: ignore[module-organization]", True),
        ("  # semfora: ignore[module-organization]", "", True),  # the symbol's definition: the module's first line
    ],
)
def test_a_finding_inside_a_symbol_listens_to_both_lines(
    project: Project, run: Run, first: str, inline: str, silent: bool
) -> None:
    source = CYCLE["a.py"].format(inline).replace('"""A."""', f'"""A."""{first}')
    project.write({"a.py": source, "b.py": CYCLE["b.py"]})
    outcome = run("suggest", "--select", "module-organization", "--output-format", "json")
    (found,) = outcome.json["recommendations"]
    assert (found["symbols"][0]["file"], found["symbols"][0]["start_line"]) == ("a.py", 3)
    assert (found["suppressed"] is not None) is silent
