from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stopwatch import at_most

from semfora_hooks.providers.declarative.globs import (
    BadGlobError,
    dotted_path,
    import_glob,
    module_glob,
    name_glob,
    path_glob,
    type_glob,
)

quick = settings(deadline=None, max_examples=400, database=None)


# ------------------------------------------------------------------------------- a naive reference, exponential


def naive(pattern: str, text: str) -> bool:
    """`*` and `?` over any character, by trying everything."""

    @cache
    def at(p: int, t: int) -> bool:
        if p == len(pattern):
            return t == len(text)
        if pattern[p] == "*":
            return at(p + 1, t) or (t < len(text) and at(p, t + 1))
        return t < len(text) and pattern[p] in ("?", text[t]) and at(p + 1, t + 1)

    return at(0, 0)


def naive_path(pattern: str, path: str) -> bool:
    """Segment by segment; `**` takes any number of folders, at the end at least one thing."""
    segments, parts = pattern.split("/"), path.split("/")

    def at(s: int, p: int) -> bool:
        if s == len(segments):
            return p == len(parts)
        if segments[s] == "**":
            if all(rest == "**" for rest in segments[s:]):
                return p < len(parts)
            return any(at(s + 1, later) for later in range(p, len(parts)))
        return p < len(parts) and naive(segments[s], parts[p]) and at(s + 1, p + 1)

    return at(0, 0)


@quick
@given(st.text("ab*?", min_size=1, max_size=9), st.text("ab", max_size=9))
def test_a_glob_on_names_is_the_naive_one(pattern: str, text: str) -> None:
    assert bool(name_glob(pattern).regex.match(text)) == naive(pattern, text)


@quick
@given(st.text("ab.*?", min_size=1, max_size=9), st.text("ab.", max_size=9))
def test_a_glob_on_modules_is_the_naive_one(pattern: str, text: str) -> None:
    assert module_glob(pattern).matches(text) == naive(pattern, text)


segments = st.one_of(st.just("**"), st.text("ab*?", min_size=1, max_size=4).filter(lambda s: "**" not in s))
folders = st.lists(st.text("ab", min_size=1, max_size=3), min_size=1, max_size=5)


@quick
@given(st.lists(segments, min_size=2, max_size=6), folders)
def test_a_glob_on_paths_is_the_naive_one(pattern: list[str], path: list[str]) -> None:
    assert path_glob("/".join(pattern)).matches("/".join(path)) == naive_path("/".join(pattern), "/".join(path))


@quick
@given(segments, folders)
def test_a_path_glob_without_a_slash_is_about_the_file_name(pattern: str, path: list[str]) -> None:
    assert path_glob(pattern).matches("/".join(path)) == naive_path(f"**/{pattern}", "/".join(path))


@quick
@given(st.text(max_size=30))
def test_any_text_is_a_glob_or_a_bad_one(text: str) -> None:
    for make in (name_glob, module_glob, import_glob, type_glob, path_glob):
        try:
            make(text).matches("src/api/loader.py")
        except BadGlobError as error:
            assert 0 <= error.offset <= len(text)


@pytest.mark.parametrize("make", [name_glob, module_glob, import_glob, path_glob])
def test_many_stars_cost_no_more_than_one(make) -> None:
    glob = make("*a" * 40 + "*b")
    with at_most(1.0):
        assert not glob.matches("a" * 3000)


def test_many_double_stars_cost_no_more_than_one() -> None:
    glob = path_glob("**/a*a/" * 25 + "b")
    with at_most(1.0):
        assert not glob.matches("aa/" * 800 + "c")


@pytest.mark.parametrize(
    ("glob", "value", "expected"),
    [
        ("handle_*", "handle_user", True),
        ("handle_*", "do_handle_user", False),
        ("handle_?", "handle_a", True),
        ("handle_?", "handle_ab", False),
        ("[hg]et", "get", True),
        ("[!hg]et", "get", False),
        ("v[0-9]", "v7", True),
        ("v[0-9]", "vx", False),
        ("[]]x", "]x", True),
        ("a[!]]", "ab", True),
        ("[a-]x", "-x", True),
        ("[^a]", "b", None),
        ("load", "api.loader.load", True),
        ("loader.load", "api.loader.load", True),
        ("oader.load", "api.loader.load", False),
        ("requests.*", "requests.get", True),
        ("requests*", "requests.get", True),
        ("api.*", "app.api.run", True),
    ],
)
def test_names(glob: str, value: str, expected: bool | None) -> None:
    if expected is None:
        with pytest.raises(BadGlobError):
            name_glob(glob)
    else:
        assert name_glob(glob).matches(value) is expected


@pytest.mark.parametrize(
    ("glob", "value", "expected"),
    [
        ("src/api/*.py", "src/api/loader.py", True),
        ("src/api/*.py", "src/api/v1/loader.py", False),
        ("src/**/*.py", "src/loader.py", True),
        ("src/**/*.py", "src/api/v1/loader.py", True),
        ("src/api/", "src/api/v1/loader.py", True),
        ("src/**", "src", False),
        ("./src/*.py", "src/a.py", True),
        ("/src/*.py", "src/a.py", True),
        ("./a.py", "src/a.py", False),
        ("*.py", "src/api/loader.py", True),
        ("src/[!a]pi/*", "src/bpi/x", True),
        ("src/a[!b]c/x", "src/a/c/x", False),
        ("**", "a.py", True),
        ("src/(group)/+page.ts", "src/(group)/+page.ts", True),
    ],
)
def test_paths(glob: str, value: str, expected: bool) -> None:
    assert path_glob(glob).matches(value) is expected


def test_an_import_glob_covers_what_is_below() -> None:
    glob = import_glob("requests")
    assert [glob.matches(name) for name in ("requests", "requests.adapters", "requests_toolbelt")] == [
        True,
        True,
        False,
    ]


def test_a_type_glob_takes_brackets_literally_and_ignores_spaces() -> None:
    assert type_glob("dict[str, *]").matches("dict[str,int]")
    assert not type_glob("list[int]").matches("listi")


@pytest.mark.parametrize(
    ("make", "glob", "offset"),
    [
        (name_glob, "", 0),
        (name_glob, "a(b|c)", 1),
        (name_glob, "get.+", 4),
        (name_glob, "a b", 1),
        (name_glob, "ab[c", 2),
        (name_glob, "[]", 0),
        (name_glob, "a[z-a]", 1),
        (path_glob, "", 0),
        (path_glob, "/", 0),
        (path_glob, "src\\api", 3),
        (path_glob, "src/{a,b}", 4),
        (path_glob, "src//api", 4),
        (path_glob, "src/../x", 4),
        (path_glob, "src/a**/x", 5),
        (path_glob, "src/[ab/x", 4),
        (path_glob, "a**", 1),
        (type_glob, "  ", 0),
    ],
)
def test_bad_globs_say_where(make, glob: str, offset: int) -> None:
    with pytest.raises(BadGlobError) as caught:
        make(glob)
    assert caught.value.offset == offset


@pytest.mark.parametrize(
    ("path", "dotted"),
    [
        ("src/api/loader.py", "src.api.loader"),
        ("src/api/__init__.py", "src.api"),
        ("__init__.py", "__init__"),
        ("setup.py", "setup"),
        ("web/app.test.ts", "web.app.test"),
    ],
)
def test_dotted_paths(path: str, dotted: str) -> None:
    assert dotted_path(path) == dotted
