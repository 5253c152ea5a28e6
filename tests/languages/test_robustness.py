"""What no file may do: raise, hang, or be read differently twice."""

from __future__ import annotations

import inspect
import random
import textwrap

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stopwatch import at_most

import semfora_hooks.languages.walker
from semfora_hooks.languages import language_of, load_spec
from semfora_hooks.languages.extract import extract
from semfora_hooks.languages.facts import FileFacts

from .helpers import calls, read, symbol

quick = settings(deadline=None, max_examples=300, database=None)
SECONDS = 10.0


def names(facts: FileFacts) -> list[str]:
    return [item.qualified_name for item in facts.symbols[1:]]


@pytest.mark.parametrize(
    ("path", "language"),
    [
        ("a.py", "python"),
        ("a/b.pyi", "python"),
        ("a.py/b", None),
        (".py", "python"),
        ("a.PY", None),
        ("a.pyc", None),
        ("py", None),
        ("a/.hidden/x.py", "python"),
    ],
)
def test_languages_are_told_by_the_file_ending(path: str, language: str | None) -> None:
    assert language_of(path) == language


# ----------------------------------------------------------------------------------------------------- encodings


def test_a_byte_order_mark_is_not_part_of_the_source() -> None:
    facts = read(b"\xef\xbb\xbfdef f(): pass\n")
    assert (names(facts), facts.problems, symbol(facts, "f").start_column) == (["f"], [], 1)


def test_a_declared_encoding_is_used() -> None:
    facts = read("# -*- coding: latin-1 -*-\ndef größe(): fn('café')\n".encode("latin-1"))
    assert (names(facts), facts.problems) == (["größe"], [])
    assert facts.mentions["café"] == 1


def test_an_encoding_declared_on_the_second_line() -> None:
    facts = read("#!/usr/bin/env python\n# vim: set fileencoding=cp1252 :\nx = 'é'\ndef f(): ''\n".encode("cp1252"))
    assert (names(facts), facts.problems) == (["f"], [])


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"x = 1\ny = 2\nz = '\xe9'\ndef f(): pass\n", "line 3: not UTF-8 (byte 0xe9) and no encoding is declared"),
        (
            b"# coding: no-such-codec\nz = '\xe9'\ndef f(): pass\n",
            "line 2: not UTF-8 (byte 0xe9), nor what its encoding declaration says",
        ),
        (
            b"# coding: ascii\nz = '\xe9'\ndef f(): pass\n",
            "line 2: not UTF-8 (byte 0xe9), nor what its encoding declaration says",
        ),
        (b"# coding: utf-8\nz = '\xe9'\ndef f(): pass\n", "line 2: not UTF-8 (byte 0xe9) and no encoding is declared"),
    ],
)
def test_what_is_not_in_its_encoding_is_a_problem_with_its_line(data: bytes, problem: str) -> None:
    facts = read(data)
    assert facts.problems == [problem]
    assert names(facts) == ["f"]


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-le", "utf-32"])
def test_wide_encodings_look_binary(codec: str) -> None:
    facts = read("def f(): pass\n".encode(codec))
    assert facts.problems == ["binary file: it contains NUL bytes"]
    assert names(facts) == []


@pytest.mark.parametrize(
    "codec", [b"hex", b"rot13", b"base64", b"zlib", b"utf-7", b"idna", b"unicode_escape", b"undefined"]
)
def test_no_codec_that_a_file_may_declare_raises(codec: bytes) -> None:
    facts = read(b"# coding: " + codec + b"\ndef f(): pass\nx = '\xff'\n")
    assert facts.symbols[0].kind == "module"
    assert len(facts.problems) <= 1


def test_binary_files_are_said_to_be_so() -> None:
    facts = read(b"\x7fELF\x02\x01\x01\0\0\0def f(): pass\n")
    assert facts.problems == ["binary file: it contains NUL bytes"]
    assert [s.kind for s in facts.symbols] == ["module"]


def test_a_nul_byte_far_behind_the_beginning_counts_too() -> None:
    facts = read(b"x = 1\n" * 20_000 + b"\0")
    assert facts.problems == ["binary file: it contains NUL bytes"]


# --------------------------------------------------------------------------------------------------- line ends


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_make_no_difference(end: str) -> None:
    source = (
        'import a\n\n\ndef f(x):\n    """Doc."""\n    if x:\n        g("""a\n\n    b""")\n\n\nclass A:\n    b = 1\n'
    )
    facts = extract(source.replace("\n", end).encode(), "python")
    assert facts == extract(source.encode(), "python")
    assert [(s.name, s.start_line, s.end_line) for s in facts.symbols[1:]] == [("f", 4, 9), ("A", 12, 13)]
    assert facts.lines == 13


def test_mixed_line_ends() -> None:
    assert [(s.name, s.start_line) for s in read(b"def a(): 0\r\ndef b(): 0\rdef c(): 0\ndef d(): 0").symbols[1:]] == [
        ("a", 1),
        ("b", 2),
        ("c", 3),
        ("d", 4),
    ]


def test_tabs_and_form_feeds() -> None:
    facts = read(
        b"def f():\n\tif a:\n\t\tg()\n\x0c\ndef h():\n\tpass\n\x0cclass A:\n        def m(self):\n\t\treturn 1\n"
    )
    assert names(facts) == ["f", "h", "A", "A.m"]
    assert facts.problems == []
    assert [call[0] for call in calls(facts)] == ["g"]


@pytest.mark.parametrize(
    ("data", "lines"), [(b"", 1), (b"\n", 1), (b"x", 1), (b"x\n", 1), (b"x\n\n", 2), (b"x\ny", 2), (b"\xef\xbb\xbf", 1)]
)
def test_numbers_of_lines(data: bytes, lines: int) -> None:
    facts = read(data)
    assert facts.lines == lines
    assert facts.symbols[0].end_line == max(1, lines)


# -------------------------------------------------------------------------------------------------- syntax errors


@pytest.mark.parametrize(
    ("source", "where", "found"),
    [
        ("def f(): pass\ndef (:\n    pass\ndef g(): pass\n", "line 2, column", {"f", "g"}),
        ("def f():\n    x = = 1\n    h()\ndef g(): pass\n", "line 2, column", {"f", "g"}),
        ("def f(): pass\nx = (1,\n", "line 2, column", {"f"}),
        ("class A:\n    def m(self): pass\n    def n(self:\n        pass\n", "line 3, column", {"A", "A.m"}),
        (
            "def f(): pass\n<<<<<<< HEAD\nx = 1\n=======\nx = 2\n>>>>>>> other\ndef g(): pass\n",
            "line 2, column",
            {"f", "g"},
        ),
        ("x = '''never closed\ndef f(): pass\n", "line 1, column", set()),
        ("???\n", "line 1, column", set()),
    ],
)
def test_syntax_errors_are_located_and_the_rest_is_read(source: str, where: str, found: set[str]) -> None:
    facts = read(source)
    assert len(facts.problems) == 1
    assert facts.problems[0].startswith(where)
    assert "syntax error" in facts.problems[0]
    assert found <= set(names(facts))


def test_python_2_is_read_as_well_as_possible() -> None:
    facts = read("def f():\n    print 'x'\n    exec code\ndef g():\n    print >>f, 1\n")
    assert names(facts) == ["f", "g"]


# ------------------------------------------------------------------------------------------------------ nesting

N = 10_000


def indented(open_line: str, depth: int) -> str:
    return "".join(" " * level + open_line + "\n" for level in range(depth)) + " " * depth + "pass\n"


DEEP = {
    "parentheses": "x = " + "(" * N + "1" + ")" * N + "\n",
    "lists": "x = " + "[" * N + "]" * N + "\n",
    "dictionaries": "x = " + "{1:" * N + "1" + "}" * N + "\n",
    "unclosed": "x = " + "(" * N + "\n",
    "closers": "x = 1\n" + ")" * N + "\n",
    "subscripts": "x" + "[0]" * N + "\n",
    "calls": "x" + "()" * N + "\n",
    "nested calls": "f(" * N + ")" * N + "\n",
    "attributes": "a" + ".b" * N + "\n",
    "called attributes": "a" + ".b" * N + "()\n",
    "methods": "a" + ".b()" * N + "\n",
    "and": "x = a" + " and a" * N + "\n",
    "and or": "x = a" + " and a or a" * N + "\n",
    "right-nested and": "x = " + "a and (" * N + "a" + ")" * N + "\n",
    "not": "x = " + "not " * N + "a\n",
    "minus": "x = " + "-" * N + "a\n",
    "plus": "x = a" + " + a" * N + "\n",
    "comparisons": "x = a" + " < a" * N + "\n",
    "strings": "x = 'a'" + " 'a'" * N + "\n",
    "ternaries": "x = " + "a if b else " * N + "c\n",
    "lambdas": "x = " + "lambda: " * N + "1\n",
    "awaits": "async def f():\n    " + "await " * N + "x\n",
    "comprehensions": "x = " + "[a for a in " * 2_000 + "b" + "]" * 2_000 + "\n",
    "ifs": indented("if a:", 1_500),
    "functions": indented("def f():", 1_500),
    "classes": indented("class A:", 1_500),
    "tries": "".join(" " * i + "try:\n" for i in range(800)) + " " * 800 + "pass\n",
    "elifs": "if a: pass\n" + "elif b: pass\n" * N,
    "decorators": "@a\n" * N + "def f(): pass\n",
    "f-strings": "x = " + 'f"{' * 500 + "1" + '}"' * 500 + "\n",
    "braces in an f-string": 'x = f"' + "{" * N + '"\n',
    "arguments": "def f(" + ", ".join(f"a{i}" for i in range(N)) + "): pass\n",
    "bases": "class A(" + ", ".join(f"B{i}" for i in range(N)) + "): pass\n",
    "imports": "from a import " + ", ".join(f"b{i}" for i in range(N)) + "\n",
    "one name": "a" * 200_000 + "()\n",
    "one string": "x = '" + "a" * 500_000 + "'\n",
    "backslashes": "x = '" + "\\" * 200_001 + "'\n",
    "open strings": "'''a" * N + "\n",
    "quotes": "'" * 50_001 + "\n",
    "statements": "x = f(1)\n" * N,
    "semicolons": "x;" * N + "\n",
    "matches": "match a:\n" + " case 1: pass\n" * N,
    "blank lines": "\n" * 200_000,
    "spaces": " " * 500_000,
    "comments": "# semfora: ignore\n" * N,
    "exports": "__all__ = [" * N,
    "annotations": "def f(a: " + "A[" * N + "]" * N + "): pass\n",
    "generic bases": "class A(" + "B[" * N + "]" * N + "): pass\n",
    "dots": "from " + "." * N + " import a\n",
    "returned": "def f() -> None:\n    return " + "(" * N + ")" * N + "\n",
    "dedents": "".join(" " * (500 - i) + "x\n" for i in range(500)),
}


@pytest.mark.parametrize("shape", DEEP)
def test_deep_and_long_source_is_read_or_refused_in_time(shape: str) -> None:
    data = DEEP[shape].encode()
    with at_most(SECONDS):
        facts = extract(data, "python")
    assert facts.symbols[0].kind == "module"
    assert len(facts.problems) <= 3


def test_nesting_beyond_the_limit_is_a_problem_and_what_is_around_it_is_kept() -> None:
    facts = read(indented("if a:", 500) + "def after(): g()\n")
    assert len(facts.problems) == 1
    assert facts.problems[0].endswith("nested deeper than 400 constructs; what is inside was not analysed")
    assert names(facts) == ["after"]
    assert [call[0] for call in calls(facts, "after")] == ["g"]


def test_long_chains_are_counted_exactly() -> None:
    module = extract(DEEP["and"].encode(), "python").symbols[0]
    assert (module.control_flow.boolean, module.cognitive) == (N, 1)
    module = extract(DEEP["and or"].encode(), "python").symbols[0]
    assert (module.control_flow.boolean, module.cognitive) == (2 * N, 2 * N)
    assert extract(DEEP["elifs"].encode(), "python").symbols[0].control_flow.elif_ == N
    assert len(symbol(extract(DEEP["arguments"].encode(), "python"), "f").arguments) == N


# --------------------------------------------------------------------------------------------------- hypothesis

REAL = [inspect.getsource(module).encode() for module in (semfora_hooks.languages.walker, textwrap, random)]
FRAGMENTS = [
    *(
        b"def f(",
        b"):\n",
        b"    ",
        b"\t",
        b"\n",
        b"\r\n",
        b"class A",
        b":",
        b"(",
        b")",
        b"[",
        b"]",
        b"{",
        b"}",
        b"'",
        b'"',
    ),
    *(
        b'"""',
        b"f'",
        b"\\",
        b"if ",
        b"else",
        b"elif ",
        b"try:",
        b"except* E:",
        b"finally:",
        b"with ",
        b"match x:",
        b"case _:",
    ),
    *(
        b"lambda",
        b"async ",
        b"await ",
        b"yield ",
        b"return",
        b"import ",
        b"from . ",
        b"as ",
        b"*",
        b"**",
        b"/",
        b"@",
        b"->",
        b"=",
    ),
    *(
        b" and ",
        b" or ",
        b"not ",
        b" if ",
        b" else ",
        b"isinstance(x, ",
        b"__all__",
        b"super()",
        b".",
        b",",
        b"#",
        b"\xff",
        b"\0",
    ),
    *(
        b"\xef\xbb\xbf",
        b"# coding: latin-1\n",
        b"type X = ",
        b":=",
        b"...",
        b"pass\n",
        b"raise ",
        b"x",
        b"\xc3\xa9",
        b"\x0c",
    ),
]


def check(data: bytes) -> None:
    facts = extract(data, "python")
    assert facts == extract(data, "python")
    first, *rest = facts.symbols
    assert (first.kind, first.parent) == ("module", -1)
    for index, item in enumerate(rest, 1):
        assert 0 <= item.parent < index
        assert 1 <= item.start_line <= item.end_line
        assert item.cyclomatic >= 1
        assert item.cognitive >= 0
        assert item.loc >= 0
    for fact in (*facts.calls, *facts.imports, *facts.bindings):
        assert 0 <= fact.owner < len(facts.symbols)
    assert all(count > 0 for count in facts.mentions.values())


@quick
@given(st.binary(max_size=300))
def test_no_bytes_raise(data: bytes) -> None:
    check(data)


@quick
@given(st.lists(st.sampled_from(FRAGMENTS), max_size=60).map(b"".join))
def test_no_soup_of_python_raises(data: bytes) -> None:
    check(data)


@settings(quick, max_examples=60)
@given(st.sampled_from(REAL), st.randoms(use_true_random=False))
def test_no_mutation_of_real_source_raises(source: bytes, rng: random.Random) -> None:
    start = rng.randrange(len(source))
    data = bytearray(source[start : start + 4000])
    for _ in range(rng.randrange(1, 12)):
        at = rng.randrange(len(data) + 1)
        kind = rng.randrange(4)
        if kind == 0:
            del data[at : at + rng.randrange(1, 40)]
        elif kind == 1:
            data[at:at] = rng.choice(FRAGMENTS)
        elif kind == 2:
            data[at : at + 1] = bytes([rng.randrange(256)])
        else:
            data[at:at] = data[rng.randrange(len(data) + 1) :][:200]
    check(bytes(data))


def test_the_order_in_which_a_query_returns_captures_does_not_matter() -> None:
    """A file of 3,000 comments whose first line says it was generated: the answer is the same each time."""
    source = b"# GENERATED BY a tool, DO NOT EDIT\n" + b"x = 1  # semfora: ignore[naming] -- why\n" * 3000
    facts = [extract(source, "python") for _ in range(8)]
    assert all(item.is_generated for item in facts)
    assert [mark.line for mark in facts[0].suppressions] == list(range(2, 3002))
    assert all(item == facts[0] for item in facts)


@pytest.mark.parametrize("gap", ["", "\n", "  "], ids=["in a row", "with empty lines", "indented"])
def test_a_file_that_is_commented_out_takes_time_in_proportion(gap: str) -> None:
    """The grammar looks from each comment for the next code: 10,000 lines of 97 characters took it minutes."""
    lines = [
        f"{gap}# semfora: ignore[rule{n}] -- why\n" if n % 3000 == 0 else f"{gap}# {'c' * 95}\n" for n in range(10_000)
    ]
    source = f"x = 1\n{''.join(lines)}def last():\n    return x\n"
    with at_most(20):
        facts = extract(source.encode(), "python")
    assert facts.problems == []
    assert [mark.text.split()[2] for mark in facts.suppressions] == [f"ignore[rule{n}]" for n in (0, 3000, 6000, 9000)]
    assert (facts.lines, facts.symbols[1].start_line, facts.symbols[0].loc) == (source.count("\n"), facts.lines - 1, 3)


def test_a_short_block_of_comments_stays_as_it_is() -> None:
    source = "x = '''\n" + "# text\n" * 199 + "'''\n"
    assert load_spec("python").decode(source.encode())[0].decode() == source
