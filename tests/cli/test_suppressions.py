"""`suppressions`: what silences findings, why, until when, and whether there is still something to silence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from .conftest import Outcome, Project

Run = Callable[..., Outcome]

FILES = {
    "app.py": """\
        # semfora: file-ignore[naming, complexity] -- written by a friend


        def _kept():  # semfora: ignore[dead-code] until=2999-12-31 -- called by the plugins
            return 1


        # semfora: ignore[dead-code, combine-functions] -- two names
        def _both():
            return 2


        def used():  # semfora: ignore[dead-code]
            return 3


        def _late():  # semfora: ignore[dead-code] until=2020-01-31 -- for a while
            return 4


        used()  # semfora: ignore
        """,
    "sub/more.py": """\
        HINT = '# semfora: ignore[dead-code]'


        def _x():  # semfora: ignore[dead-cod]
            return HINT
        """,
}


def listed(outcome: Outcome) -> list[dict[str, Any]]:
    document = outcome.json
    assert (document["schema"], document["version"]) == ("semfora.suppressions", 1)
    found: list[dict[str, Any]] = document["suppressions"]
    return found


def test_the_listing_as_text(project: Project, run: Run) -> None:
    project.write(FILES)
    assert run("suppressions") == (
        0,
        """\
app.py:1: file-ignore[naming, complexity]: unused ('naming' finds nothing here; 'complexity' finds nothing here)\
 -- written by a friend
app.py:4: ignore[dead-code] until 2999-12-31: used -- called by the plugins
app.py:8: ignore[dead-code, combine-functions]: partly used ('combine-functions' finds nothing here) -- two names
app.py:13: ignore[dead-code]: unused ('dead-code' finds nothing here)
app.py:17: ignore[dead-code] until 2020-01-31: expired (what it silenced is still there) -- for a while
app.py:21: ignore[]: malformed (it names no rule in brackets: write ignore[rule-id] -- reason)
sub/more.py:4: ignore[dead-cod]: unused (there is no rule 'dead-cod'; did you mean 'dead-code'?)
""",
        "7 comments: 1 expired, 1 malformed, 1 partly used, 3 unused, 1 used\n",
    )


def test_the_listing_as_json(project: Project, run: Run) -> None:
    project.write(FILES)
    found = listed(run("suppressions", "--output-format", "json"))
    assert [(item["file"], item["line"], item["state"]) for item in found] == [
        ("app.py", 1, "unused"),
        ("app.py", 4, "used"),
        ("app.py", 8, "partly used"),
        ("app.py", 13, "unused"),
        ("app.py", 17, "expired"),
        ("app.py", 21, "malformed"),
        ("sub/more.py", 4, "unused"),
    ]
    assert found[1] == {
        "file": "app.py",
        "line": 4,
        "scope": "line",
        "rules": ["dead-code"],
        "reason": "called by the plugins",
        "until": "2999-12-31",
        "state": "used",
        "used_for": ["dead-code"],
        "remarks": [],
    }
    assert (found[0]["scope"], found[2]["used_for"]) == ("file", ["dead-code"])


def test_it_is_the_same_from_the_cache_and_without_it(project: Project, run: Run) -> None:
    project.write(FILES)
    first = run("suppressions", "--output-format", "json").out
    assert run("suppressions", "--output-format", "json").out == first
    assert run("suppressions", "--output-format", "json", "--no-cache").out == first


def test_paths_choose_what_is_listed_and_not_what_is_known(project: Project, run: Run) -> None:
    project.write({**FILES, "sub/called.py": "def called():  # semfora: ignore[dead-code]\n    return 1\n"})
    project.write({"other.py": "from sub.called import called\n\ncalled()\n"}).commit()
    outcome = run("suppressions", "sub")
    assert [line.partition(":")[0] for line in outcome.out.splitlines()] == ["sub/called.py", "sub/more.py"]
    assert outcome.out.startswith("sub/called.py:1: ignore[dead-code]: unused ('dead-code' finds nothing here)\n")
    assert run("suppressions", "more.py", folder="sub").err == "1 comment: 1 unused\n"


def test_nothing_to_list(project: Project, run: Run) -> None:
    project.write({"app.py": "print(1)\n"})
    assert run("suppressions") == (0, "", "no comments silence anything\n")
    assert listed(run("suppressions", "--output-format", "json")) == []


def test_the_rules_that_are_off_know_nothing(project: Project, run: Run) -> None:
    project.write({"app.py": "def _f():  # semfora: ignore[dead-code]\n    return 1\n"})
    assert run("suppressions").err == "1 comment: 1 used\n"
    project.write({"semfora.toml": 'ignore = ["dead-code"]\n'})
    assert run("suppressions").out == "app.py:1: ignore[dead-code]: unknown ('dead-code' was not looked for)\n"


def test_a_rule_that_fails_knows_nothing_and_the_exit_code_says_so(project: Project, run: Run) -> None:
    project.write(
        {
            "app.py": "def _f():  # semfora: ignore[broken, dead-code]\n    return 1\n",
            ".semfora/rules/broken.yaml": "name: broken\nmatch: {kind: [function\n",
        }
    )
    outcome = run("suppressions")
    assert outcome.code == 2
    assert "app.py:1: ignore[broken, dead-code]: used ('broken' was not looked for)\n" == outcome.out
    assert outcome.err.startswith("error: .semfora/rules/broken.yaml:")


def test_a_file_that_cannot_be_analysed_wholly(project: Project, run: Run) -> None:
    project.write(
        {"app.py": "def f():  # semfora: ignore[dead-code]\n    return 1\n\n\ndef broken(:\n    pass\n\n\nf()\n"}
    )
    outcome = run("suppressions")
    assert outcome.out == "app.py:1: ignore[dead-code]: unknown (its file could not be analysed wholly)\n"


def test_a_comment_for_the_rule_about_comments(project: Project, run: Run) -> None:
    both = (
        "def used():  # semfora: ignore[dead-code, unused-suppression] -- it comes and goes\n    return 1\n\n\nused()\n"
    )
    project.write({"app.py": both})
    (found,) = listed(run("suppressions", "--output-format", "json"))
    assert (found["state"], found["used_for"]) == ("partly used", ["unused-suppression"])


def test_no_comment_can_drive_the_terminal(project: Project, run: Run) -> None:
    project.write({"app.py": "def _f():  # semfora: ignore[dead-code] -- \x1b[31mred\n    return 1\n"})
    outcome = run("suppressions")
    assert "\x1b" not in outcome.out and "red" in outcome.out


@pytest.mark.parametrize("arguments", [("--output-format", "xml"), ("nowhere.py",)])
def test_wrong_arguments(project: Project, run: Run, arguments: tuple[str, ...]) -> None:
    project.write({"app.py": "print(1)\n"})
    assert run("suppressions", *arguments).code == 2
