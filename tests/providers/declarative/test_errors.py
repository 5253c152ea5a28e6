"""Every way a rule file can be wrong, with the exact place and the hint."""

from __future__ import annotations

import textwrap

import pytest

from semfora_hooks.errors import RuleFileError

from .builders import hints, parse, problems

# Fields go behind a complete rule, so that the wrong one is all that is wrong.
RULE = "name: x\nmatch: {name: load}\n"
FILES_ALONE = "4:3: an example with 'files' needs just 'fires: true' or 'silent: true' beside them"


def field_problems(text: str) -> list[str]:
    return problems(RULE + text)


def test_an_error_shows_the_line_and_a_caret() -> None:
    (error,) = parse("name: x\nmatch:\n  missing_controlflow: [try]\n", path=".semfora/rules/a.yaml").errors
    assert isinstance(error, RuleFileError)
    assert (error.kind, error.hint) == ("rule", "did you mean 'missing_control_flow'?")
    assert error.message == textwrap.dedent("""\
        .semfora/rules/a.yaml:3:3: unknown key 'missing_controlflow'
              missing_controlflow: [try]
              ^""")


def test_the_caret_stays_under_its_text_behind_tabs_and_wide_characters() -> None:
    (error,) = parse("name: x\nmatch: {name: [load,\t'é', 3]}\n").errors
    line, caret = error.message.splitlines()[1:]
    assert line[caret.index("^")] == "3"
    assert caret[: caret.index("^")].count("\t") == 1


def test_a_long_line_is_cut_around_the_place() -> None:
    (error,) = parse(f"name: x\nmatch: {{name: [{'load, ' * 100}3]}}\n").errors
    line, caret = error.message.splitlines()[1:]
    assert len(line) <= 124
    assert line[caret.index("^")] == "3"


# ------------------------------------------------------------------------------------------------------ fields


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nam: x\nmatch: {name: load}", ["1:1: unknown key 'nam'", "1:1: a rule needs a 'name'"]),
        ("match: {name: load}", ["1:1: a rule needs a 'name'"]),
        ("name: x", ["1:1: a rule needs a 'match' or a 'condition', or it would fire on everything"]),
        ("name: x\nmatch: {}", ["2:8: 'match': no key, so it would hold for every symbol"]),
        ("name: x\nmatch:\n", ["2:7: 'match': expected a mapping, found nothing"]),
        ("name: x\nmatch: [a]", ["2:8: 'match': expected a mapping, found a list"]),
        ("just text", ["1:1: a rule: expected a mapping, found text"]),
        ("- 3", ["1:3: a rule: expected a mapping, found a number"]),
        ("- [a]", ["1:3: a rule: expected a mapping, found a list"]),
        ("name: x\nname: y\nmatch: {name: a}", ["2:1: duplicate key 'name'; it already stands in line 1"]),
        ("name: x\nid: y\nmatch: {name: a}", ["2:1: 'id' says the same as the key in line 1"]),
        ("name: 3\nmatch: {name: a}", ["1:7: 'name': expected text, found '3'"]),
        ("name: yes\nmatch: {name: a}", ["1:7: 'name': expected text, found 'yes'"]),
        ("name:\nmatch: {name: a}", ["1:6: 'name': expected text, found nothing"]),
        ("name: ' '\nmatch: {name: a}", ["1:7: 'name': expected text, found an empty one"]),
        ("name: a b\nmatch: {name: a}", ["1:7: 'name': 'a b' is not a name such as 'api-error-handling'"]),
        ("name: {a: b}\nmatch: {name: a}", ["1:7: 'name': expected text, found a mapping"]),
        ("rules: []", ["1:1: unknown key 'rules'", "1:1: a rule needs a 'name'",
                       "1:1: a rule needs a 'match' or a 'condition', or it would fire on everything"]),
        ("? [a]\n: b\nname: x\nmatch: {name: a}", ["1:3: a rule: a key: expected text, found a list"]),
    ],
)  # fmt: skip
def test_rules(text: str, expected: list[str]) -> None:
    assert problems(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("severity: warn", "3:11: 'severity': unknown value 'warn'"),
        ("severity: [error]", "3:11: 'severity': expected text, found a list"),
        ("confidence: 1.01", "3:13: 'confidence': expected a number from 0.0 to 1.0, found '1.01'"),
        ("confidence: -0.1", "3:13: 'confidence': expected a number from 0.0 to 1.0, found '-0.1'"),
        ("confidence: .nan", "3:13: 'confidence': expected a number from 0.0 to 1.0, found '.nan'"),
        ("confidence: high", "3:13: 'confidence': expected a number from 0.0 to 1.0, found 'high'"),
        ("confidence: '0.5'", "3:13: 'confidence': expected a number from 0.0 to 1.0, found '0.5'"),
        ("enabled: 1", "3:10: 'enabled': expected true or false, found '1'"),
        ("enabled: 'true'", "3:10: 'enabled': expected true or false, found 'true'"),
        ("group: a,b", "3:8: 'group': 'a,b' is not a name such as 'project-conventions'"),
        ("category: 'custom:'", "3:11: 'category': 'custom:' is not a name such as 'custom:error-handling'"),
        ("condition: {kind: funktion}", "3:19: 'kind': unknown value 'funktion'"),
        ("kind: function", "3:1: unknown key 'kind'"),
        ("examples: {}", "3:11: 'examples': expected a list, found a mapping"),
    ],
)
def test_fields(text: str, expected: str) -> None:
    assert field_problems(text) == [expected]


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("severity: warn", "did you mean 'warning'?"),
        ("severity: fatal", "one of: error, info, warning"),
        ("suggestoin: a", "did you mean 'suggestion'?"),
        ("kind: function", "it belongs under 'match' or 'condition'"),
        ("rules: []", "write the list of rules at the top of the file"),
        ("title: yes", 'put it in quotes if it is meant as text: "yes"'),
        ("condition: {kind: func}", "did you mean 'function'?"),
        ("condition: {has_control_flow: [tri]}", "did you mean 'try'?"),
        ("condition: {max_complexty: 3}", "did you mean 'max_complexity'?"),
        ("description: 'in {fille}'", "did you mean 'file'?"),
        ("examples: [{fire: x, silent: y}]", "did you mean 'fires'?"),
    ],
)
def test_hints(text: str, hint: str) -> None:
    assert hints(RULE + text) == [hint]


def test_a_hopeless_key_gets_all_valid_ones() -> None:
    (hint,) = hints(RULE + "qqqqqq: 1")
    assert hint is not None
    assert hint.startswith("valid keys: category, condition, confidence, description, enabled, examples")


# -------------------------------------------------------------------------------------------------- conditions


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("name: 3", "1:15: 'name': expected text, found '3'"),
        ("name: []", "1:15: 'name': the list is empty"),
        ("name: [a, '']", "1:19: 'name': expected text, found an empty one"),
        ("name: {a: b}", "1:15: 'name': expected text, found a mapping"),
        ("name: ^get", "1:15: 'name': bad glob '^get': '^' has no meaning in a glob, which is not a "
         "regular expression"),
        ("name: [ok, 'get(a)']", "1:24: 'name': bad glob 'get(a)': '(' has no meaning in a glob, which is not a "
         "regular expression"),
        ("module: 'a[b'", "1:19: 'module': bad glob 'a[b': '[' is never closed"),
        ("module: 'a//b'", "1:20: 'module': bad glob 'a//b': a folder's name is empty"),
        ("file: 'a/../b'", "1:18: 'file': bad glob 'a/../b': '..' leaves the repository"),
        ("file: '{a,b}'", "1:16: 'file': bad glob '{a,b}': '{' has no meaning in a path glob; write a list instead"),
        ("is_async: 3", "1:19: 'is_async': expected true or false, found '3'"),
        ("is_async: [true]", "1:19: 'is_async': expected true or false, found a list"),
        ("min_loc: many", "1:18: 'min_loc': expected a whole number from 0, found 'many'"),
        ("min_loc: -1", "1:18: 'min_loc': expected a whole number from 0, found '-1'"),
        ("min_loc: 1.5", "1:18: 'min_loc': expected a whole number from 0, found '1.5'"),
        ("min_loc: 0x1F", "1:18: 'min_loc': expected a whole number from 0, found '0x1F'"),
        ("min_loc: '5'", "1:18: 'min_loc': expected a whole number from 0, found '5'"),
        ("min_loc: 5000000000000", "1:18: 'min_loc': expected a whole number from 0, found '5000000000000'"),
        ("kind: []", "1:15: 'kind': the list is empty"),
        ("has_control_flow: goto", "1:27: 'has_control_flow': unknown value 'goto'"),
        ("missing_argument_type: 3", "1:32: 'missing_argument_type': expected text, found '3'"),
        ("entry_point: 3", "1:22: 'entry_point': expected text, found '3'"),
        ("any: {name: a}", "1:14: 'any': expected a list, found a mapping"),
        ("any: []", "1:14: 'any': the list is empty, so it would never hold"),
        ("any: [{}]", "1:15: 'any': no key, so it would hold for every symbol"),
        ("any: [{name: a}, {nam: b}]", "1:27: unknown key 'nam'"),
        ("any: [a]", "1:15: 'any': expected a mapping, found text"),
        ("not: [{name: a}]", "1:14: 'not': expected a mapping, found a list"),
        ("not: {not: {naem: a}}", "1:21: unknown key 'naem'"),
        ("name: a, transitively: true", "1:18: 'transitively' says nothing without 'has_calls_to' or "
         "'missing_calls_to' beside it"),
        ("has_calls_to: a, transitively: 1", "1:40: 'transitively': expected true or false, found '1'"),
    ],
)  # fmt: skip
def test_conditions(condition: str, expected: str) -> None:
    assert problems(f"match: {{{condition}}}\nname: x") == [expected]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("min_loc: 5, max_loc: 3",
         "1:21: 'min_loc: 5' and 'max_loc: 3' both set a lower limit, so one of them says nothing"),
        ("max_arity: 3, min_argument_count: 5",
         "1:23: 'max_arity: 3' and 'min_argument_count: 5' both set a lower limit, so one of them says nothing"),
        ("min_loc: 5, not: {max_loc: 3}", "1:27: can never hold: 'not max_loc: 3' contradicts 'min_loc: 5' in line 1"),
        ("min_loc: 4, not: {min_loc: 4}", "1:27: can never hold: 'not min_loc: 4' contradicts 'min_loc: 4' in line 1"),
        ("not: {min_loc: 0}", "1:15: can never hold: 'not min_loc: 0', and nothing is below 0"),
        ("arity: 2, min_argument_count: 3",
         "1:19: can never hold: 'min_argument_count: 3' contradicts 'arity: 2' in line 1"),
        ("arity: 2, max_arity: 2", "1:19: can never hold: 'max_arity: 2' contradicts 'arity: 2' in line 1"),
        ("is_async: true, not: {is_async: true}",
         "1:31: can never hold: 'not is_async: true' contradicts 'is_async: true' in line 1"),
        ("kind: class, not: {kind: [class, enum]}",
         "1:28: can never hold: 'not kind: class, enum' contradicts 'kind: class' in line 1"),
        ("has_control_flow: [if, try], missing_control_flow: [try]",
         "1:38: can never hold: 'missing_control_flow: try' contradicts 'has_control_flow: if, try' in line 1"),
        ("has_control_flow: catch, missing_control_flow: [except]",
         "1:34: can never hold: 'missing_control_flow: except' contradicts 'has_control_flow: catch' in line 1"),
        ("has_control_flow: for, missing_control_flow: [loop]",
         "1:32: can never hold: 'missing_control_flow: loop' contradicts 'has_control_flow: for' in line 1"),
        ("has_calls_to: a, missing_calls_to: [b, a]",
         "1:26: can never hold: 'missing_calls_to: b, a' contradicts 'has_calls_to: a' in line 1"),
        ("has_decorator: [a, b], not: {has_decorator: b}",
         "1:38: can never hold: 'not has_decorator: b' contradicts 'has_decorator: a, b' in line 1"),
        ("no_callers: true, called_by: main",
         "1:27: can never hold: 'called_by: main' contradicts 'no_callers: true' in line 1"),
        ("missing_argument_type: true, not: {missing_argument_type: true}",
         "1:44: can never hold: 'not missing_argument_type: true' contradicts 'missing_argument_type: true' in line 1"),
        ("kind: class, any: [{name: a}, {kind: function}]",
         "1:40: can never hold: 'kind: function' contradicts 'kind: class' in line 1"),
        ("entry_point: false, any: [{entry_point: [web_route]}]",
         "1:36: can never hold: 'entry_point: web_route' contradicts 'entry_point: false' in line 1"),
    ],
)  # fmt: skip
def test_impossible_conditions(condition: str, expected: str) -> None:
    assert problems(f"match: {{{condition}}}\nname: x") == [expected]


def test_match_and_condition_must_be_possible_together() -> None:
    assert problems("name: x\nmatch:\n  is_exported: true\ncondition:\n  name: a\n  is_exported: false") == [
        "6:3: can never hold: 'is_exported: false' contradicts 'is_exported: true' in line 3"
    ]


@pytest.mark.parametrize(
    "condition",
    [
        "min_loc: 5, not: {max_loc: 5}",
        "min_loc: 5, min_complexity: 1",
        "has_control_flow: loop, missing_control_flow: for",
        "has_control_flow: if, not: {has_control_flow: [if, try]}",
        "has_calls_to: a, not: {has_calls_to: [a, b]}",
        "any: [{kind: class}, {kind: function}]",
        "not: {kind: class, is_async: true}, kind: class",
        "arity: 2, not: {arity: 3}",
        "arity: 2, min_arity: 2",
        "no_callers: true, not: {called_by: a}",
        "missing_calls_to: a, not: {missing_calls_to: a, transitively: true}",
    ],
)
def test_possible_conditions_are_not_refused(condition: str) -> None:
    assert problems(f"{{name: x, match: {{{condition}}}}}") == []


# --------------------------------------------------------------------------------------------------- templates


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("suggestion: fix {symbl}", "3:17: 'suggestion': unknown template variable '{symbl}'"),
        ("description: \"in '{fil}'\"", "3:19: 'description': unknown template variable '{fil}'"),
        ("title: '{symbol.__class__}'", "3:9: 'title': unknown template variable '{symbol.__class__}'"),
        ("title: '{symbol!r}'", "3:9: 'title': unknown template variable '{symbol!r}'"),
        ("title: '{symbol:>99}'", "3:9: 'title': unknown template variable '{symbol:>99}'"),
        ("title: '{symbol[0]}'", "3:9: 'title': unknown template variable '{symbol[0]}'"),
        ("title: '{{a}} {a}'", "3:15: 'title': unknown template variable '{a}'"),
        ("suggestion: |\n  one\n  two {b}\n", "5:7: 'suggestion': unknown template variable '{b}'"),
        ("suggestion: >-\n  one\n\n  {c}\n", "6:3: 'suggestion': unknown template variable '{c}'"),
        ("message: 3", "3:10: 'message': expected text, found '3'"),
    ],
)
def test_templates(text: str, expected: str) -> None:
    assert field_problems(text) == [expected]


# ---------------------------------------------------------------------------------------------------- examples


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("- x", "4:3: an example: expected a mapping, found text"),
        ("- {note: x}", "4:3: an example needs 'fires' or 'silent'"),
        ("- {fires: true}", "4:3: an example needs code behind 'fires', or 'files'"),
        ("- {fires: x, files: {a.py: y}}", FILES_ALONE),
        ("- {fires: true, silent: true, files: {a.py: y}}",
         FILES_ALONE),
        ("- {fires: false, files: {a.py: y}}", FILES_ALONE),
        ("- {fires: true, files: {}}", "4:24: 'files': no file"),
        ("- {fires: true, files: {../a.py: x}}",
         "4:25: 'files': '../a.py' is not a file below the repository, such as 'src/example.py'"),
        ("- {fires: true, files: {a.py: [x]}}", "4:31: 'files': expected text, found a list"),
        ("- {fires: x, path: /etc/passwd}",
         "4:20: 'path': '/etc/passwd' is not a file below the repository, such as 'src/example.py'"),
        ("- {fires: x, path: a/./b}",
         "4:20: 'path': 'a/./b' is not a file below the repository, such as 'src/example.py'"),
        ("- {fires: x, language: cobol}", "4:3: an example in 'cobol' needs a 'path'"),
        ("- {fires: x, langauge: go}", "4:14: unknown key 'langauge' in an example"),
        ("- {fires: 3}", "4:11: 'fires': expected text, found '3'"),
    ],
)  # fmt: skip
def test_examples(text: str, expected: str) -> None:
    assert field_problems(f"examples:\n{text}") == [expected]


# ------------------------------------------------------------------------------------ one bad rule hides no other

MIXED = """\
- name: good-1
  match: {name: a}
- name: bad
  severity: fatal
  match: {nme: a}
- name: good-2
  match: {name: a}
---
name: good-3
match: {name: a}
---
name: broken
match: !!python/object:os.system {name: a}
---
name: good-4
match: {name: a}
---
name: [unclosed
"""


def test_all_errors_are_told_and_all_good_rules_kept() -> None:
    parsed = parse(MIXED)
    assert [rule.id for rule in parsed.rules] == ["good-1", "good-2", "good-3", "good-4"]
    assert [error.message.splitlines()[0] for error in parsed.errors] == [
        "r.yaml:4:13: 'severity': unknown value 'fatal'",
        "r.yaml:5:11: unknown key 'nme'",
        "r.yaml:13:8: 'match': the tag '!!python/object:os.system' is not allowed",
        "r.yaml:18:16: not valid YAML: did not find expected ',' or ']' while parsing a flow sequence",
    ]


def test_a_duplicate_name_names_both_places() -> None:
    parsed = parse("- {name: a, match: {name: x}}\n- {name: a, match: {name: y}}\n")
    assert len(parsed.rules) == 1
    assert "x" in parsed.rules[0].in_words()
    (error,) = parsed.errors
    assert error.message.startswith("r.yaml:2:10: duplicate rule name 'a'; it is already defined at r.yaml:1:10\n")


def test_very_many_errors_are_counted() -> None:
    text = "name: x\nmatch:\n" + "".join(f"  key{i}: 1\n" for i in range(300))
    errors = parse(text).errors
    assert len(errors) == 101
    assert errors[-1].message == "r.yaml:1:1: 200 more problems in this file"
