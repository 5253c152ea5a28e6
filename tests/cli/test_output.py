"""Which reports go where, and whether in colour."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping

import pytest

from semfora_hooks.cli.output import wants_color

from .conftest import Outcome, Project


@pytest.mark.parametrize(
    ("environment", "terminal", "expected"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"NO_COLOR": "1"}, True, False),
        ({"NO_COLOR": ""}, True, True),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, True, False),
        ({"FORCE_COLOR": "1"}, False, True),
        ({"FORCE_COLOR": "0"}, False, False),
        ({"FORCE_COLOR": "0"}, True, True),
        ({"TERM": "dumb"}, True, False),
        ({"TERM": "dumb", "FORCE_COLOR": "1"}, True, True),
        ({"TERM": "xterm"}, False, False),
    ],
)
def test_colours(
    environment: Mapping[str, str], terminal: bool, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(sys.stdout), "isatty", lambda self: terminal)
    assert wants_color(environment) is expected


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (
            ("-o", "sarfi:a.sarif"),
            "--output: there is no output format 'sarfi' (did you mean 'sarif:a.sarif'? A file of ",
        ),
        (("-o", "sarif:a", "-o", "html:./a"), "--output: two reports cannot both go to 'a'"),
        (("-o", "a", "-o", "json:a"), "--output: two reports cannot both go to 'a'"),
        (("-o", "json:-"), "--output: two reports cannot both go to '-'"),
        (("-o", "a", "-o", "-"), "--output a and --output - ask for the same report twice"),
        (("-o", "json:."), "--output: '.' is a directory"),
        (("-o", "sarif"), "--output: 'sarif' is an output format and names no file ('sarif:FILE'; a file of "),
        (("-o", "html:"), "--output: 'html:' is an output format and names no file ('html:FILE'; a file of "),
    ],
)
def test_outputs_that_make_no_sense(
    project: Project, run: Callable[..., Outcome], arguments: tuple[str, ...], text: str
) -> None:
    project.write({"app.py": "print(1)\n"})
    code, out, err = run("suggest", *arguments)
    assert (code, out) == (2, "")
    assert err.startswith(f"error: {text}")
    assert [path.name for path in project.path.iterdir()] == ["app.py"]


def test_a_colon_in_a_name(project: Project, run: Callable[..., Outcome]) -> None:
    project.write({"app.py": "print(1)\n"})
    assert run("suggest", "-o", "./sarfi:a.txt").code == 0
    assert run("suggest", "-o", "x:a.txt").code == 0
    assert run("suggest", "-o", "./sarif").code == 0
    assert sorted(path.name for path in project.path.iterdir()) == ["app.py", "sarfi:a.txt", "sarif", "x:a.txt"]


def test_a_format_beside_standard_output(project: Project, run: Callable[..., Outcome]) -> None:
    project.write({"app.py": "def _unused():\n    return 1\n"})
    outcome = run("suggest", "-o", "report.txt", "-o", "json:-")
    assert (outcome.code, len(outcome.json["recommendations"])) == (0, 1)
    assert (project.path / "report.txt").read_text().startswith("app.py:1:1: warning dead-code ")
