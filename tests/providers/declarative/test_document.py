"""YAML within limits: bombs, tags, aliases, merges, bytes that are no text."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stopwatch import at_most

from semfora_hooks.providers.declarative import document
from semfora_hooks.providers.declarative.document import MAX_DEPTH
from semfora_hooks.providers.declarative.keys import KEY_NAMES
from semfora_hooks.providers.declarative.parsing import parse_file

from .builders import parse, problems, rule

RULE = "name: x\nmatch: {name: load}\n"


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n---\n", "null", "[]"])
def test_a_file_without_rules_is_fine(text: str) -> None:
    parsed = parse(text)
    assert (list(parsed.rules), list(parsed.errors)) == ([], [])


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("!!python/object/apply:os.system ['touch /tmp/pwned']", "!!python/object/apply:os.system"),
        ("!!python/name:os.system", "!!python/name:os.system"),
        ("!!binary aGk=", "!!binary"),
        ("!!set {a}", "!!set"),
        ("!local x", "!local"),
    ],
)
def test_tags_construct_nothing(text: str, tag: str) -> None:
    assert problems(f"{RULE}title: {text}") == [f"3:8: 'title': the tag '{tag}' is not allowed"]
    assert problems(text) == [f"1:1: a rule: the tag '{tag}' is not allowed"]


def test_a_tag_on_a_key_a_list_and_a_mapping() -> None:
    assert problems("!x name: x\nmatch: {name: a}") == [
        "1:1: a rule: a key: the tag '!x' is not allowed",
        "1:1: a rule needs a 'name'",
    ]
    assert problems("name: x\nmatch: {name: !x [a]}") == ["2:15: 'name': the tag '!x' is not allowed"]
    assert problems("!x [{name: x}]") == ["1:1: a rule: the tag '!x' is not allowed"]


def test_plain_tags_are_what_they_say() -> None:
    assert rule("name: !!str 3\nmatch: !!map {name: !!seq [a]}\nenabled: !!bool yes").id == "3"
    assert problems(f"{RULE}enabled: !!bool maybe") == ["3:10: 'enabled': expected true or false, found 'maybe'"]
    assert problems(f"{RULE}confidence: !!float x") == [
        "3:13: 'confidence': expected a number from 0.0 to 1.0, found 'x'"
    ]


def test_the_classic_bomb_is_refused_at_once() -> None:
    lines = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 10)]
    with at_most(0.5):
        assert problems("\n".join(lines)) == ["5:25: more than 50000 values in one file"]


def test_few_aliases_are_fine_and_many_are_not() -> None:
    text = "name: &n x\nmatch: {name: [" + "*n, " * 48
    assert problems(text + "]}") == []
    assert problems(text + "*n]}") == ["2:208: more than 48 aliases in one file"]


def test_many_plain_values_are_refused_too() -> None:
    assert problems("[" + "a," * 60_000 + "]") == ["1:100000: more than 50000 values in one file"]


@pytest.mark.parametrize(("opening", "columns"), [("[", (33, 1001)), ("{a: ", (129,)), ("- ", (65,))])
def test_depth_is_bounded(opening: str, columns: tuple[int, ...]) -> None:
    # Of brackets, PyYAML from 6.0.4 on tells the thousandth before it tells of the first.
    assert problems(opening * 50_000) in [[f"1:{column}: nested more than 32 levels deep"] for column in columns]
    inner = "any: [{" * (MAX_DEPTH // 2 - 1) + "name: load" + "}]" * (MAX_DEPTH // 2 - 1)
    assert problems(f"name: x\nmatch: {{{inner}}}") == []


def test_depth_counts_through_aliases() -> None:
    deep = "{not: " * 20 + "{name: load}" + "}" * 20
    text = f"name: x\nmatch: {{any: [&a {deep}]}}\ncondition: " + "{not: " * 15 + "*a" + "}" * 15
    assert problems(text) == ["3:102: nested more than 32 levels deep"]


def test_an_alias_in_its_own_anchor() -> None:
    assert problems("name: x\nmatch: &a {not: *a}") == ["2:17: alias '*a' stands inside its own anchor"]


def test_an_alias_without_an_anchor() -> None:
    assert problems("name: x\nmatch: *nothing") == ["2:8: alias '*nothing' has no anchor before it"]
    # Anchors end with their document.
    assert problems("name: x\nmatch: &m {name: a}\n---\nname: y\nmatch: *m") == [
        "5:8: alias '*m' has no anchor before it"
    ]


def test_aliases_and_merges_repeat_what_they_name() -> None:
    parsed = parse("""
        - name: a
          match: &api
            module: "api.*"
            kind: function
        - name: b
          match: *api
        - name: c
          match:
            <<: *api
            kind: class
        - name: d
          match:
            <<: [{name: first}, {name: second}, *api]
    """)
    assert list(parsed.errors) == []
    assert [rule.in_words() for rule in parsed.rules] == [
        "Reports every function that is in module api.*.",
        "Reports every function that is in module api.*.",
        "Reports every class that is in module api.*.",
        "Reports every function that is in module api.* and is named first.",
    ]


def test_a_merge_of_something_else_is_an_error() -> None:
    assert problems("name: x\nmatch: {<<: [a], name: b}") == ["2:14: '<<': expected a mapping, found text"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name: x\n\tmatch: a",
         "2:1: not valid YAML: found a tab character that violates indentation while scanning a plain scalar"),
        ("name: 'x", "1:9: not valid YAML: found unexpected end of stream while scanning a quoted scalar"),
        ("name: x: y", "1:8: not valid YAML: mapping values are not allowed in this context"),
        ("%YAML 9.9\n---\na", "1:1: not valid YAML: found incompatible YAML document"),
        ("name: \x07x", "1:7: not valid YAML: the character U+0007 is not allowed"),
        ("a: b\nname: x\x00", "2:8: not valid YAML: the character U+0000 is not allowed"),
    ],
)  # fmt: skip
def test_syntax_errors_are_located(text: str, expected: str) -> None:
    assert problems(text) == [expected]


def test_bytes_that_are_no_text() -> None:
    for mark in (b"", b"\xef\xbb\xbf"):
        (error,) = parse_file("r.yaml", mark + b"name: x\nmatch: caf\xe9 {}\n").errors
        assert error.message.splitlines() == [
            "r.yaml:2:11: not valid UTF-8: the byte 0xE9",
            "    match: caf\ufffd {}",
            "              ^",
        ]
        assert error.hint == "save the file as UTF-8"


def test_a_byte_order_mark_is_no_part_of_the_text() -> None:
    parsed = parse_file("r.yaml", b"\xef\xbb\xbfname: x\r\nmatch: {nme: a}\r\n")
    assert parsed.errors[0].message.startswith("r.yaml:2:9: unknown key 'nme'")


def test_control_characters_do_not_reach_the_terminal() -> None:
    (error,) = parse_file("r.yaml", b"name: \x1b[31mred").errors
    assert "\x1b" not in error.message
    assert "\ufffd[31mred" in error.message


def test_the_python_parser_gives_the_same_rules(monkeypatch) -> None:
    import yaml

    text = "name: x\nmatch: {name: [a, 'b*'], any: [{min_loc: 3}, {nmae: 3}]}\nseverity: errr\n"
    fast = problems(text)
    monkeypatch.setattr(document, "_LOADER", yaml.SafeLoader)
    assert problems(text) == fast == ["2:47: unknown key 'nmae'", "3:11: 'severity': unknown value 'errr'"]
    assert problems("name: \x07x") == ["1:7: not valid YAML: the character U+0007 is not allowed"]


# --------------------------------------------------------------------------------------------------- properties

words = st.sampled_from(
    [*KEY_NAMES, "name", "id", "match", "condition", "any", "not", "transitively", "severity", "examples", "fires"]
)
values = st.one_of(
    st.sampled_from(
        ["true", "3", "-1", "null", "'*'", "'a[b'", "try", "function", "{symbl}", "!x y", "*a", "&a b", "~"]
    ),
    st.text(max_size=8),
)
flow = st.recursive(
    values,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4).map(lambda items: f"[{', '.join(items)}]"),
        st.dictionaries(words, inner, max_size=4).map(
            lambda pairs: "{" + ", ".join(f"{key}: {value}" for key, value in pairs.items()) + "}"
        ),
    ),
    max_leaves=12,
)


def check_collects(data: bytes) -> None:
    parsed = parse_file("r.yaml", data)
    for error in parsed.errors:
        path, line, column, _ = error.message.split(":", 3)
        assert (path, error.kind) == ("r.yaml", "rule")
        assert int(line) >= 1
        assert int(column) >= 1
        text, _, excerpt = error.message.partition("\n")
        assert text.isprintable() or "\u00a0" in text
        assert excerpt == "" or excerpt.endswith("^")
    for loaded in parsed.rules:
        assert loaded.in_words().endswith(".")


@settings(deadline=None, max_examples=300, database=None)
@given(st.one_of(st.binary(max_size=60), st.text(max_size=60).map(lambda text: text.encode("utf-8", "replace"))))
def test_any_bytes_give_errors_never_exceptions(data: bytes) -> None:
    check_collects(data)


@settings(deadline=None, max_examples=400, database=None)
@given(flow)
def test_any_structure_gives_errors_never_exceptions(text: str) -> None:
    check_collects(text.encode("utf-8", "replace"))


@settings(deadline=None, max_examples=300, database=None)
@given(words, flow)
def test_any_value_gives_errors_never_exceptions(key: str, value: str) -> None:
    check_collects(f"name: x\nmatch:\n  {key}: {value}\n".encode("utf-8", "replace"))
    check_collects(f"name: x\nmatch: {{name: a}}\n{key}: {value}\n".encode("utf-8", "replace"))
