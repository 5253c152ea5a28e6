"""Running the examples of rules in YAML, and writing them anew."""

from __future__ import annotations

import textwrap

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from semfora_hooks.hookspecs import Example
from semfora_hooks.providers.declarative.parsing import parse_file
from semfora_hooks.providers.declarative.rule import DeclarativeRule
from semfora_hooks.testing.examples import example_yaml, name_of, try_example


def rule(text: str) -> DeclarativeRule:
    parsed = parse_file(".semfora/rules/r.yaml", textwrap.dedent(text).encode())
    assert [str(error) for error in parsed.errors] == []
    return parsed.rules[0]


CALLS = """
name: no-queries
match: {module: "web.*"}
condition: {has_calls_to: "db.execute", transitively: true}
examples:
  - files:
      web/views.py: |
        from service import load
        def show(): return load()
      service.py: |
        import db
        def load(): return db.execute(1)
    fires: true
  - files:
      web/views.py: "def show(): pass"
    silent: true
  - fires: |
      def show(): pass
    silent: |
      import db
      def show(): return db.execute(1)
  - silent: "def f(:"
"""


def test_examples_run_on_the_whole_engine() -> None:
    found = rule(CALLS)
    outcomes = [try_example(found, number) for number in range(1, 6)]
    assert [outcome.passed for outcome in outcomes] == [True, True, False, False, False]
    assert [name_of(found, number) for number in range(1, 6)] == [
        "example 1 (fires)",
        "example 2 (silent)",
        "example 3 (fires)",
        "example 4 (silent)",
        "example 5 (silent)",
    ]
    assert [outcome.place.removeprefix(".semfora/rules/r.yaml:") for outcome in outcomes] == [
        "13:5",
        "16:5",
        "17:5",
        "19:5",
        "22:5",
    ]
    assert list(outcomes[2].lines())[1] == (
        "  web/example.py:1:1: function web.example.show: silent, since 'has_calls_to: db.execute, transitively' "
        "does not hold (no way of calls to db.execute; it calls nothing in the repository)"
    )
    assert list(outcomes[3].lines())[1:] == [
        "  fires on web/example.py:2: show, since",
        "    module: web.* (web.example)",
        "    has_calls_to: db.execute (show -> db.execute)",
    ]
    assert [bool(outcome.problems) for outcome in outcomes] == [False, False, False, False, True]
    assert list(outcomes[4].repairs()) == list(outcomes[0].repairs()) == []


def test_texts_of_others_do_not_drive_the_terminal() -> None:
    found = rule("""
        name: a
        condition: {language: ["\\e[31m", python], name: load}
        examples:
          - note: "a\\e[31m\\nnote"
            silent: "def load(): pass"
    """)
    lines = list(try_example(found, 1).lines())
    assert lines[0].endswith("example 1 (a\ufffd[31m note): must be silent, and fires")
    assert "    language: [31m, python (python)" in lines  # the host cleans what rules say
    assert all(line.isprintable() for line in lines)


def test_a_suppressed_finding_counts_as_silence() -> None:
    found = rule("""
        name: a
        condition: {name: load}
        examples:
          - silent: "def load(): pass  # semfora: ignore[a] -- wanted"
    """)
    assert try_example(found, 1).passed


def test_many_near_symbols_are_counted() -> None:
    code = "\n".join(f"def f{number}(): pass" for number in range(7))
    found = rule(f"name: a\nmatch: {{name: load}}\nexamples:\n  - fires: |\n{textwrap.indent(code, '      ')}\n")
    assert list(try_example(found, 1).lines())[-1] == "  and 5 more symbols are no nearer to it"
    assert "'name: [load, f0]' instead of 'name: load'" in [line.strip() for line in try_example(found, 1).repairs()]


@pytest.mark.parametrize(
    "example",
    [
        Example(fires=True, files={"example.py": "def f():\n    pass\n"}),
        Example(fires=True, files={"example.py": "def f(): pass"}, note="one line: with a colon"),
        Example(fires=False, files={"web/views.py": "x = 1\n", "b.py": ""}, note="two"),
        Example(fires=False, files={"web/views.py": "\tx = 1  \n\n\n"}),
        Example(fires=False, files={"a.py": "true"}),
        Example(fires=False, files={"a.py": ""}),
        Example(fires=False, files={"a.py": "# ünï ✓ \x1b[31m\n'''---\n...'''\n"}),
    ],
)
def test_an_example_in_yaml_reads_back(example: Example) -> None:
    text = example_yaml(example, fires=example.fires)
    assert "\x1b" not in text
    again = rule(f"name: a\nmatch: {{name: x}}\nexamples:\n{text}")
    assert list(again.examples) == [example]


@settings(max_examples=60, deadline=None)
@example(code="x = 'a\x85b'\ny = 1\n", fires=True)
@example(code="\x85", fires=True)
@example(code="x\u2028\r\n \u2029", fires=False)
@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), st.booleans())
def test_any_code_reads_back(code: str, fires: bool) -> None:
    text = example_yaml(Example(fires=not fires, files={"a.py": code}), fires=fires)
    (document,) = yaml.safe_load(text)
    files = document.get("files") or {document["path"]: document["fires" if fires else "silent"]}
    assert files == {"a.py": code}
    assert document["fires" if fires else "silent"]


def test_what_is_printed_is_the_example_with_another_verdict() -> None:
    """As a person copies it, line by line; YAML takes more characters for line ends than code has."""
    code = "x = 'a\x85b\u2028c\fd'\ny = 1\n\n\tz = 2\n"
    found = rule(yaml.safe_dump({"name": "a", "match": {"name": "load"}, "examples": [{"fires": code}]}))
    printed = list(try_example(found, 1).repairs())
    start = next(number for number, line in enumerate(printed) if line.startswith("  or let line"))
    assert yaml.safe_load("\n".join(printed[start + 1 :])) == [{"silent": code}]
    assert all(line.isprintable() for line in printed)
