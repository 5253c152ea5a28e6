"""Text from guests is fit to print."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from semfora_hooks.providers.wasm.text import clean, clean_end, clean_line


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("zwei\tSpalten\nÄ 漢字 🙂", "zwei\tSpalten\nÄ 漢字 🙂"),
        ("\x1b[1;31mred\x1b[m", "red"),
        ("\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b]0;never closed", ""),
        ("\x1bc\x1b(Breset", "reset"),
        ("a\r\nb\rc", "a\nb\nc"),
        ("\x00\x07\x08\x7f\x85\x9b31m", "31m"),
        ("\u202eevil\u2066", "evil"),
        ("a\ud800b", "ab"),
    ],
)
def test_clean(text, expected):
    assert clean(text) == expected


def test_clean_line():
    assert clean_line("  a\n b\t c ") == "a b c"
    assert clean_line("abcdef", 3) == "abc… (3 more characters)"
    assert clean_line("abc", 3) == "abc"


@settings(deadline=None)
@given(st.text(st.characters(codec=None)))
def test_nothing_dangerous_is_left(text):
    cleaned = clean(text)
    cleaned.encode()
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]", cleaned)
    assert "\n" not in clean_line(text)


def test_cutting_says_how_much():
    assert clean("ab\ncd", 3) == "ab\n… (2 more characters)"
    assert clean_line("abcdef", 4) == "abcd… (2 more characters)"
    assert clean_line("abcd", 4) == "abcd"


def test_the_end_is_kept_where_it_matters():
    assert clean_end("one\ntwo\x1b[0m three", 5) == "(8 characters before) …three"
    assert clean_end("short\n", 5) == "short"
