"""The inverted index finds what trying every text would find."""

from __future__ import annotations

import re

from hypothesis import example, given, settings
from hypothesis import strategies as st

from semfora_hooks.providers.declarative.bitmaps import bitmap, intersection, members, union
from semfora_hooks.providers.declarative.globs import (
    BadGlobError,
    import_glob,
    module_glob,
    name_glob,
    path_glob,
    type_glob,
)
from semfora_hooks.providers.declarative.postings import Postings

MAKERS = (name_glob, module_glob, import_glob, path_glob, type_glob)
TEXTS = st.text("ab./[]\n ", max_size=7)
GLOBS = st.text("ab.*?/[]!-", min_size=1, max_size=6)


@settings(max_examples=250, deadline=None)
@given(st.lists(TEXTS, max_size=12), GLOBS, st.sampled_from(MAKERS))
@example(["a\nb", "b", "a"], "b", name_glob)
@example(["", "a"], "*", name_glob)
@example(["x", "a\n", "\na"], "a", module_glob)
def test_a_search_finds_what_trying_each_text_finds(texts, written, make) -> None:
    try:
        glob = make(written)
    except BadGlobError:
        return
    expected = {position for position, text in enumerate(texts) if glob.matches(text)}
    assert set(Postings((text, position) for position, text in enumerate(texts)).positions(glob)) == expected


def test_a_needle_with_a_line_break_may_span_two_texts() -> None:
    class Broken:
        needle = "\nb"

        def matches(self, value: str) -> bool:
            return "\nb" in value

    assert list(Postings([("a", 0), ("b", 1), ("b\nb", 2), ("b", 3)]).positions(Broken())) == [2]


@settings(max_examples=150, deadline=None)
@given(GLOBS, st.sampled_from(MAKERS), TEXTS)
def test_what_a_glob_fits_holds_its_needle(written, make, text) -> None:
    try:
        glob = make(written)
    except BadGlobError:
        return
    if glob.matches(text):
        assert glob.needle in text


@settings(max_examples=150, deadline=None)
@given(st.text("ab.", min_size=1, max_size=5), st.text("ab.", max_size=8))
def test_a_plain_name_is_told_without_its_expression(written, value) -> None:
    glob = name_glob(written)
    regex = re.compile(glob.pattern)
    slow = any(regex.match(name) for name in (value, value.rpartition(".")[2]))
    assert glob.matches(value) is bool(slow)


def test_globs_that_mean_the_same_are_equal() -> None:
    assert path_glob("./a/*.py") == path_glob("a/*.py")
    assert hash(path_glob("./a/*.py")) == hash(path_glob("a/*.py"))
    assert name_glob("load") != name_glob("store")
    assert name_glob("load") != module_glob("load")
    assert module_glob("load") != import_glob("load")


@given(st.sets(st.integers(0, 300)), st.sets(st.integers(0, 300)))
def test_sets_as_numbers(one, other) -> None:
    bits = [bitmap(positions, 301) for positions in (one, other)]
    assert list(members(bits[0])) == sorted(one)
    assert list(members(union(bits))) == sorted(one | other)
    assert list(members(intersection(bits))) == sorted(one & other)
    assert bitmap([], 0) == union([]) == 0
