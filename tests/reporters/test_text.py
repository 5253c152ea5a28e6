"""`full`, `concise` and the lines about the run itself."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from semfora_hooks.hookspecs import RenderOptions
from semfora_hooks.model import (
    ErrorEntry,
    Evidence,
    Incomplete,
    Recommendation,
    Report,
    Severity,
    Summary,
    Suppression,
    SymbolRef,
    Timings,
    Tool,
)
from semfora_hooks.reporters import REPORTERS
from semfora_hooks.reporters.text import error_line, problem_lines, totals


def item(**fields: Any) -> Recommendation:
    where = SymbolRef(id="a.py::f", name="f", file="a.py", start_line=2, end_line=3, start_column=5)
    values = {
        "id": "r:a.py::f",
        "rule_id": "rule",
        "title": "A title",
        "severity": Severity.WARNING,
        "confidence": 0.8,
        "symbols": (where,),
    }
    return Recommendation(**{**values, **fields})


def report(*items: Recommendation, **fields: Any) -> Report:
    counts = {"error": 0, "warning": len(items), "info": 0}
    summary = Summary(files=1, symbols=2, recommendations=len(items), by_severity=counts)
    values = {"tool": Tool(version="0"), "summary": summary, "recommendations": list(items)}
    return Report(**{**values, **fields})


def render(name: str, what: Report, source: str | None = None, **options: Any) -> str:
    stream = io.StringIO()
    REPORTERS[name].render(what, stream, RenderOptions(str(Path.cwd()), lambda path: source, **options))
    return stream.getvalue()


FULL = """\
a.py:2:5: warning rule worsened (confidence 0.80)
  A title
        2 | def f(a, b):
        3 |     return a +<TAB>b
  Because of two
  lines.
    - one fact (b.py:7)
    - another, in words that go on for so long that they
      do not fit
  fix: Do something about it, in words that go on for so
       long

"""


def test_full() -> None:
    found = item(
        status="worsened",
        description="Because of two\nlines.",
        suggestion="Do something about it, in words that go on for so long",
        evidence=(
            Evidence(kind="x", text="one fact", file="b.py", line=7),
            Evidence(kind="x", text="another, in words that go on for so long that they do not fit"),
        ),
    )
    text = render("full", report(found), "# first\ndef f(a, b):\n    return a +\tb\n", width=56)
    body, _, last = text.rpartition("\n\n")
    assert f"{body}\n\n" == FULL.replace("<TAB>", "  ")
    assert last == "1 warning in 1 files (2 symbols, 0.0 s)\n"


@pytest.mark.parametrize("name", ["full", "github", "html", "junit", "markdown", "sarif"])
def test_a_description_that_the_title_says_is_not_said_again(name: str) -> None:
    said, more = "Handlers catch errors", "Customers see the rest"
    title = f"handle_x: {said}"
    once = render(name, report(item(title=title, description=f"{said}.\n")))
    longer = render(name, report(item(title=title, description=f"{said}. {more}.")))
    assert longer.count(said) == once.count(said) + 1
    assert more in longer


def test_source_cannot_drive_the_terminal_or_fill_it() -> None:
    text = render("full", report(item()), "\n\x1b[2J\u202e" + "x" * 900)
    (line,) = (line for line in text.splitlines() if " | " in line)
    assert line.startswith("        2 | �[2J�xxx")
    assert line.endswith("x…")
    assert len(line) < 200


def test_color_only_where_it_is_welcome() -> None:
    assert "\x1b" not in render("full", report(item()))
    assert "\x1b[1ma.py:2:5\x1b[0m" in render("full", report(item()), color=True)


def test_suppressed_findings_are_left_out() -> None:
    quiet = item(suppressed=Suppression(kind="comment", file="a.py", line=2))
    assert render("concise", report(quiet, item(title="Loud"))) == "a.py:2:5: warning rule Loud\n"
    assert "A title" not in render("full", report(quiet))


def test_concise() -> None:
    text = render("concise", report(item(), item(symbols=(), title="All of it", severity=Severity.ERROR)))
    assert text == "a.py:2:5: warning rule A title\nrepository: error rule All of it\n"


@pytest.mark.parametrize(
    ("root", "file", "shown"),
    [
        (".", "a b.py", "a b.py"),
        ("..", "x.py", "{parent}/x.py"),
        (".", "a\nb.py", "'a\\nb.py'"),
        (".", "a\x1b.py", "'a\\x1b.py'"),
        (".", "a\u202e.py", "'a\\u202e.py'"),
        (".", "größe.py", "größe.py"),
    ],
)
def test_paths(root: str, file: str, shown: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = item(symbols=(SymbolRef(id="x", name="x", file=file),))
    stream = io.StringIO()
    options = RenderOptions(str((tmp_path / root).resolve()), lambda path: None)
    REPORTERS["concise"].render(report(found), stream, options)
    assert stream.getvalue() == f"{shown.format(parent=tmp_path.parent)}:1:1: warning rule A title\n"


@pytest.mark.parametrize(
    ("summary", "fixed", "text"),
    [
        ({"by_severity": {"error": 0, "warning": 0, "info": 0}}, 0, "no findings in 3 files (4 symbols, 1.5 s)"),
        (
            {"by_severity": {"error": 1, "warning": 2, "info": 3}},
            0,
            "1 error, 2 warnings, 3 info in 3 files (4 symbols, 1.5 s)",
        ),
        ({"suppressed": 2}, 0, "no findings, 2 suppressed in 3 files (4 symbols, 1.5 s)"),
        ({"suppressed": 1}, 2, "no findings, 1 suppressed, 2 fixed in 3 files (4 symbols, 1.5 s)"),
        (
            {"by_severity": {"error": 2}, "failed": True, "fail_on": "error"},
            0,
            "2 errors in 3 files (4 symbols, 1.5 s); failed: at least one at or above 'error'",
        ),
    ],
)
def test_totals(summary: dict[str, Any], fixed: int, text: str) -> None:
    made = report(summary=Summary(files=3, symbols=4, **summary), fixed=[item()] * fixed, timings=Timings(total=1.46))
    assert totals(made) == text


def test_statistics() -> None:
    made = report(
        item(),
        summary=Summary(by_rule={"rule": 1}),
        timings=Timings(discover=0.5, extract=0.25, link=0.125, rules={"rule": 0.0625, "quiet": 0.001}),
    )
    assert render("full", made, statistics=True).partition("s)\n")[2] == (
        "\n findings   seconds\n"
        "        0     0.001  quiet\n"
        "        1     0.062  rule\n"
        "              0.500  (discover)\n"
        "              0.250  (extract)\n"
        "              0.125  (link)\n"
    )


def test_what_is_wrong_with_the_run() -> None:
    made = report(
        errors=[
            ErrorEntry(kind="provider", message="rule 'x'\nfailed", provider="p", distribution="acme", version="2"),
            ErrorEntry(kind="rule", message="a.yaml:1:1: no", distribution="semfora-hooks", version="0", hint="do so"),
        ],
        incomplete=[Incomplete(file="a\nb.py", reason="binary\x07 file")],
        notices=["something\nelse"],
    )
    lines = list(problem_lines(made, RenderOptions(str(Path.cwd()), lambda path: None)))
    assert lines == [
        "error: p (acme 2): rule 'x'\n  failed",
        "error: a.yaml:1:1: no (do so)",
        "incomplete: 'a\\nb.py': binary� file",
        "note: something else",
    ]


def test_an_error_that_names_its_package_does_not_name_it_twice() -> None:
    entry = ErrorEntry(kind="x", message="p (acme 2): late", provider="p", distribution="acme", version="2", hint="h")
    assert error_line(entry) == "error: p (acme 2): late (h)"
