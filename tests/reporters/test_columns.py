"""Text in columns: wide characters, narrow terminals, and colours of source."""

from __future__ import annotations

import re
import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from semfora_hooks.model import Report
from semfora_hooks.reporters.columns import MIN_WIDTH, cut, width_of, wrap

from .sample import REPORT, finding, render, symbol

WIDE = st.text("abc 漢字é한", max_size=80)


@given(WIDE, st.integers(MIN_WIDTH, 60))
def test_lines_fit_and_nothing_is_lost(text: str, width: int) -> None:
    lines = wrap(text, width, "  ", hang="  ")
    for line in lines:
        words = [word for word in line.split() if width_of(word) == len(word) and len(word) > width - 4]
        assert cell_len(line) <= width or words, line
    assert "".join("".join(lines).split()) == "".join(text.split())


@given(st.text("ab -", max_size=60), st.integers(MIN_WIDTH, 40))
def test_plain_text_is_wrapped_as_textwrap_does(text: str, width: int) -> None:
    options = {"break_long_words": False, "break_on_hyphens": False}
    wanted = textwrap.wrap(text, width, initial_indent="  ", subsequent_indent="  ", **options)
    assert wrap(text, width, "  ") == (wanted or ["  "])


@given(WIDE, st.integers(2, 60))
def test_what_is_cut_says_so(text: str, width: int) -> None:
    made = cut(text, width)
    assert cell_len(made) <= width
    assert made == text or (made.endswith("…") and text.startswith(made[:-1]))


def test_words_stay_whole_where_they_fit() -> None:
    assert wrap("größe " * 6, 20, "") == ["größe größe größe", "größe größe größe"]
    assert wrap("漢" * 25, 20, "  ") == ["  " + "漢" * 9] * 2 + ["  " + "漢" * 7]


def wide_report() -> Report:
    title = "`f` says 漢字かな交じり文 " + "and goes on " * 8
    found = finding("rule", title, "warning", symbol("f", "a.py"), description=title, suggestion=title)
    return Report(tool=REPORT.tool, summary=REPORT.summary, recommendations=[found])


@pytest.mark.parametrize("width", [40, 61, 100])
def test_full_fits_a_narrow_terminal(width: int) -> None:
    source = (
        "def f(): return '漢字かな交じり文漢字かな交じり文漢字かな交じり文漢字かな交じり文漢字かな交じり文'\n\n    x\n"
    )
    text = render("full", wide_report(), width=width, read_source=lambda path: source)
    body = text.splitlines()[1:-1]
    assert max(cell_len(line) for line in body) <= width
    (excerpt,) = (line for line in body if "    1 | def f()" in line)
    assert cell_len(excerpt) >= width - 1 if width < 100 else excerpt.endswith("…")


def test_source_is_coloured_only_if_colours_are_welcome() -> None:
    source = "def f():\n    return '\x1b[2J'  # \u202e\n"
    plain = render("full", wide_report(), read_source=lambda path: source)
    colored = render("full", wide_report(), read_source=lambda path: source, color=True)
    assert "\x1b" not in plain
    (line,) = (line for line in colored.splitlines() if "1 |" in line)
    assert line.count("\x1b[") > 4
    codes = re.findall("\x1b(.{0,4})", colored)
    assert all(re.match(r"\[\d+(;|m)", code) for code in codes), "colours are the only escape sequences"
    assert re.sub("\x1b\\[[0-9;]*m", "", colored) == plain


def test_other_languages_are_not_coloured_as_python() -> None:
    found = finding("rule", "t", "info", symbol("f", "a.txt"))
    report = Report(tool=REPORT.tool, summary=REPORT.summary, recommendations=[found])
    colored = render("full", report, read_source=lambda path: "def f():\n", color=True)
    assert " def f():\n" in colored
