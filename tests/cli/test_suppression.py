"""Comments and baselines: what they silence, and what they do not."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable
from typing import Any

import pytest

from semfora_hooks.discovery import find_root
from semfora_hooks.engine import Request, SuggestEngine
from semfora_hooks.policy import baseline

from .conftest import Outcome, Project

Run = Callable[..., Outcome]


def suppressed(outcome: Outcome) -> list[tuple[str, dict[str, Any] | None]]:
    return [(item["symbols"][0]["name"], item["suppressed"]) for item in outcome.json["recommendations"]]


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
    outcome = run("suggest", "--fail-on", "warning", "--output-format", "json")
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


# ----------------------------------------------------------------------------------------------------------- baseline

TWO = {"app.py": "def _f():\n    return 1\n\n\ndef _g():\n    return 2\n"}


def accept(project: Project, *names: str, file: str = "baseline.json") -> None:
    engine = SuggestEngine.for_folder(project.path)
    found = engine.run(Request(find_root([], project.path))).report.recommendations
    kept = [item for item in found if item.symbols[0].name in names]
    (project.path / file).parent.mkdir(exist_ok=True)
    (project.path / file).write_bytes(baseline.render(kept))


def test_a_baseline(project: Project, run: Run) -> None:
    project.write(TWO)
    accept(project, "_f")
    outcome = run("suggest", "--baseline", "baseline.json", "--fail-on", "warning", "--output-format", "json")
    mark = {"kind": "baseline", "file": "baseline.json", "line": 1, "reason": None}
    assert (outcome.code, suppressed(outcome)) == (1, [("_f", mark), ("_g", None)])
    project.write({"app.py": "# moved\n\n\ndef _f(x, y):\n    return x * y\n"})
    assert run("suggest", "--baseline", "baseline.json", "--fail-on", "warning").code == 0
    assert run("suggest", "--fail-on", "warning").code == 1


def test_a_baseline_in_the_configuration_starts_from_the_root_and_on_the_command_line_from_here(
    project: Project, run: Run
) -> None:
    project.write({**TWO, "sub/x.txt": "", "semfora.toml": ""})
    accept(project, "_f", file="sub/b.json")
    assert run("suggest", "--baseline", "b.json", folder="sub").out.count("\n") == 1
    assert run("suggest", "--baseline", "sub/b.json", folder="sub").code == 2
    project.write({"semfora.toml": 'baseline = "sub/b.json"\n'})
    outcome = run("suggest", "--output-format", "json", folder="sub")
    assert [mark and mark["file"] for _, mark in suppressed(outcome)] == ["sub/b.json", None]
    again = run("suggest", "--output-format", "json", "--baseline", str(project.path / "sub" / "b.json"))
    assert suppressed(again) == suppressed(outcome)


def test_a_baseline_is_the_same_bytes_for_the_same_findings(project: Project) -> None:
    project.write({**TWO, "z.py": "def _z():\n    return 1\n"})
    accept(project, "_g", "_z", "_f")
    first = (project.path / "baseline.json").read_bytes()
    accept(project, "_f", "_g", "_z")
    assert (project.path / "baseline.json").read_bytes() == first
    document = json.loads(first)
    assert (document["schema"], document["version"]) == ("semfora.baseline", 1)
    assert [entry["symbol"] for entry in document["findings"]] == ["app.py::_f", "app.py::_g", "z.py::_z"]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("", "not a baseline: Input data was truncated"),
        ("[]", "not a baseline: Expected `object`, got `array`"),
        ('{"schema": "other"}', "not a baseline: Invalid enum value 'other'"),
        ('{"version": 2}', "not a baseline: Invalid enum value 2"),
        ('{"findings": [{}]}', "not a baseline: Object missing required field `fingerprint`"),
        ('{"findings": [{"fingerprint": "\xff"}]}', "not a baseline: "),
    ],
)
def test_a_file_that_is_no_baseline(project: Project, run: Run, content: str, text: str) -> None:
    project.write(TWO)
    (project.path / "b.json").write_bytes(content.encode("latin-1"))
    outcome = run("suggest", "--baseline", "b.json")
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith(f"error: {project.path}/b.json: {text}")


def test_a_baseline_that_is_a_folder(project: Project, run: Run) -> None:
    project.write({**TWO, "sub/x.txt": ""})
    assert run("suggest", "--baseline", "sub") == (
        2,
        "",
        f"error: {project.path}/sub: cannot be read: Is a directory\n",
    )
