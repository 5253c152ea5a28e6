"""The gate through the command line: severity and confidence, severities of rules, files where rules are ignored."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from .conftest import Outcome, Project

Run = Callable[..., Outcome]

FILES = {
    # Surely dead: a warning of confidence 0.95. Perhaps dead, since it is public: less sure.
    "app.py": "def _sure(rows):\n    return list(rows)\n",
    "tests/test_app.py": "def _helper(rows):\n    return list(rows)\n",
    "lib.py": "import app\n\n\ndef is_old(row) -> list[str]:\n    return [row]\n\n\nprint(app, is_old(1))\n",
}
CONFIGURATION = "select = ['dead-code', 'naming']\n[rules.dead-code]\ninclude-tests = true\n"


def shown(outcome: Outcome) -> list[tuple[str, str, str, float]]:
    """`(rule, file, severity, confidence)` of what is reported."""
    return [
        (item["rule_id"], item["symbols"][0]["file"], item["severity"], item["confidence"])
        for item in outcome.json["recommendations"]
    ]


DEAD = ("dead-code", "app.py", "warning", 0.95)
DEAD_IN_TESTS = ("dead-code", "tests/test_app.py", "warning", 0.95)
NAME = ("naming", "lib.py", "info", 0.8)


@pytest.fixture
def repository(project: Project) -> Project:
    return project.write({**FILES, "semfora.toml": CONFIGURATION})


def test_what_there_is(repository: Project, run: Run) -> None:
    assert shown(run("suggest", "--output-format", "json")) == [DEAD, DEAD_IN_TESTS, NAME]


@pytest.mark.parametrize(
    ("severity", "confidence", "count", "code"),
    [
        ("never", "0", 3, 0),
        ("error", "0", 3, 0),
        ("warning", "0", 3, 1),
        ("info", "0", 3, 1),
        ("warning", "0.95", 2, 1),
        ("warning", "0.951", 0, 0),  # surer than any
        ("info", "0.8", 3, 1),
        ("info", "0.81", 2, 1),
        ("info", "1", 0, 0),
        ("never", "1", 0, 0),
    ],
)
@pytest.mark.parametrize("is_configured", [False, True])
def test_two_axes(
    repository: Project, run: Run, severity: str, confidence: str, count: int, code: int, is_configured: bool
) -> None:
    """A finding counts if it is severe and sure enough; one that is not sure enough is not shown at all."""
    options = ["--fail-on", severity, "--min-confidence", confidence]
    if is_configured:
        settings = f"fail-on = '{severity}'\nmin-confidence = {float(confidence)}\n"
        repository.write({"semfora.toml": settings + CONFIGURATION})
        options = []
    outcome = run("suggest", "--output-format", "json", *options)
    assert (len(outcome.json["recommendations"]), outcome.code) == (count, code)
    assert outcome.json["summary"]["failed"] is (code == 1)


def test_the_severe_one_may_be_unsure_and_the_sure_one_mild(repository: Project, run: Run) -> None:
    """The axes are two: a finding has to pass both."""
    repository.write({"semfora.toml": CONFIGURATION + "[severity]\nnaming = 'error'\ndead-code = 'info'\n"})
    for confidence, severities, code in (("0", ["error", "info", "info"], 1), ("0.9", ["info", "info"], 0)):
        outcome = run("suggest", "--output-format", "json", "--fail-on", "error", "--min-confidence", confidence)
        assert ([item[2] for item in shown(outcome)], outcome.code) == (severities, code)


@pytest.mark.parametrize(("severity", "code"), [("info", 0), ("warning", 0), ("error", 1)])
def test_the_severity_of_a_rule(repository: Project, run: Run, severity: str, code: int) -> None:
    repository.write({"semfora.toml": CONFIGURATION + f"[severity]\nnaming = '{severity}'\n"})
    outcome = run("suggest", "--output-format", "json")
    assert ("naming", "lib.py", severity, 0.8) in shown(outcome)
    assert outcome.code == code  # the default: errors


def test_the_severity_holds_in_runs_about_a_change_and_from_the_cache(repository: Project, run: Run) -> None:
    repository.write({"app.py": "x = 1\n"}).commit()
    repository.write({"app.py": FILES["app.py"]}).git("add", "-A")
    for severity, code in (("info", 0), ("error", 1), ("warning", 0)):
        repository.write({"semfora.toml": CONFIGURATION + f"[severity]\ndead-code = '{severity}'\n"})
        for options in (("--staged",), ("--staged",), (), ()):
            outcome = run("suggest", "--output-format", "json", *options)
            assert ("dead-code", "app.py", severity, 0.95) in shown(outcome)
            assert outcome.code == code


@pytest.mark.parametrize(
    ("ignores", "left"),
    [
        ("'tests/**' = ['dead-code']", [DEAD, NAME]),
        ("'tests/**' = ['naming']", [DEAD, DEAD_IN_TESTS, NAME]),
        ("'*.py' = ['dead-code']", [NAME]),
        ("'/*.py' = ['dead-code']", [DEAD_IN_TESTS, NAME]),
        ("'lib.py' = ['all']", [DEAD, DEAD_IN_TESTS]),
        ("'**' = ['dead-code', 'naming']", []),
        ("'app.py' = ['dead_code']\n'tests/**' = ['dead-code']", [NAME]),
        ("'nothing/**' = ['all']", [DEAD, DEAD_IN_TESTS, NAME]),
    ],
)
def test_files_where_rules_are_ignored(
    repository: Project, run: Run, ignores: str, left: list[tuple[str, str, str, float]]
) -> None:
    repository.write({"semfora.toml": f"{CONFIGURATION}[per-file-ignores]\n{ignores}\n"})
    outcome = run("suggest", "--output-format", "json", "--fail-on", "info")
    assert shown(outcome) == left
    assert outcome.code == (1 if left else 0)


def test_ignored_and_unsure_findings_use_up_their_comments(repository: Project, run: Run) -> None:
    """What is not shown is still there: a comment for it is useful, whatever this run was asked to show."""
    repository.write(
        {
            "app.py": "def _sure(rows):  # semfora: ignore[dead-code]\n    return list(rows)\n",
            "semfora.toml": "[per-file-ignores]\n'app.py' = ['dead-code']\n",
        }
    )
    assert shown(run("suggest", "--output-format", "json", "--ignore", "naming")) == []
    repository.write({"semfora.toml": ""})
    assert shown(run("suggest", "--output-format", "json", "--ignore", "naming", "--min-confidence", "0.99")) == []
