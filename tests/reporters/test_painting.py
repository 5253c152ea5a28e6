"""Source in colours."""

from __future__ import annotations

import re

import pytest
from rich.cells import cell_len

from semfora_hooks.reporters.painting import paint_python

_COLOR = re.compile(r"\x1b\[[0-9;]*m")
SOURCE = [
    "def f(a, b):",
    '    """What it\'s for, and',
    "    don't do more.",
    '    """  # done',
    "",
    "    return größe + 変数  # 1",
]


def plain(line: str) -> str:
    return _COLOR.sub("", line)


@pytest.mark.parametrize("room", [20, 21, 24, 30, 80])
def test_the_text_is_the_source_cut_to_the_room(room: int) -> None:
    painted = paint_python(SOURCE, room)
    assert len(painted) == len(SOURCE)
    for line, source in zip(painted, SOURCE, strict=True):
        shown = plain(line)
        assert cell_len(shown) <= room
        assert shown == source or (shown.endswith("…") and source.startswith(shown[:-1]))
    assert any(plain(line).endswith("…") for line in painted) is (room < 27)


def test_a_text_over_several_lines_has_one_colour() -> None:
    _, first, second, third, *_ = paint_python(SOURCE, 80)
    color = re.search(r"(\x1b\[[0-9;]+m)    don't", second)
    assert color is not None
    assert color[1] in first
    assert color[1] in third


def test_nothing_is_marked_as_wrong() -> None:
    wrong = re.compile(r"\x1b\[04m|\x1b\[91m")
    for lines in (SOURCE[2:4], ["x = 1 $ ?", "    it's"], ["return a_very_long_name"]):
        for line in paint_python(lines, 20):
            assert not wrong.search(line)


def test_no_colour_runs_on_into_the_next_line() -> None:
    for line in paint_python(SOURCE, 24):
        codes = _COLOR.findall(line)
        assert codes[-1:] in ([], ["\x1b[39;49;00m"])


def test_what_is_empty() -> None:
    assert paint_python([""], 40) == [""]
    assert paint_python(["", "x"], 40)[0] == ""
