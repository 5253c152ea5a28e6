"""What a loaded rule is, says and yields."""

from __future__ import annotations

import pytest

from semfora_hooks.hookspecs import Example, Rule
from semfora_hooks.model import CATEGORIES, Severity, SymbolRef
from semfora_hooks.providers.declarative.templates import VARIABLES

from .builders import call, context, evaluate_one, flow, metrics, rule, rule_of, symbol

CONTRACT = """
# yaml-language-server: $schema=x
name: api-error-handling
group: project-conventions
description: API handlers must have error handling
match:
  module: "src.api.*"
  kind: function
  is_exported: true
  name_pattern: "handle_*"
condition:
  missing_control_flow: [try]
severity: warning
confidence: 0.9
suggestion: "Add try/except error handling to exported API function {symbol}"
examples:
  - language: python
    fires: |
      def handle_user():
          save()
  - language: python
    silent: |
      def handle_user():
          try:
              save()
          except OSError:
              pass
"""


def test_the_contracts_example() -> None:
    loaded = rule(CONTRACT)
    assert isinstance(loaded, Rule)
    assert (loaded.id, loaded.group, loaded.category) == (
        "api-error-handling",
        "project-conventions",
        "custom:project-conventions",
    )
    assert (loaded.severity, loaded.granularity, loaded.origin, loaded.recommended) == (
        Severity.WARNING,
        "symbol",
        "r.yaml",
        True,
    )
    assert loaded.remedy == "Add try/except error handling to exported API function {symbol}"
    assert [example.fires for example in loaded.examples] == [True, False]
    bad = symbol("handle_user", is_exported=True)
    good = symbol("handle_item", is_exported=True, control_flow=flow(try_=1))
    hidden = symbol("handle_hidden")
    found = list(loaded.evaluate(context(bad, good, hidden)))
    assert len(found) == 1
    assert found[0].symbols == (SymbolRef.of(bad),)
    assert found[0].title == "handle_user: API handlers must have error handling"
    assert found[0].suggestion == "Add try/except error handling to exported API function handle_user"
    assert (found[0].rule_id, found[0].confidence) == ("api-error-handling", 0.9)
    assert [evidence.text for evidence in found[0].evidence] == [
        "module: src.api.* (api.loader)",
        "kind: function (function)",
        "is_exported: true (yes)",
        "name_pattern: handle_* (handle_user)",
        "missing_control_flow: try (none)",
    ]


def test_the_older_dialect_says_the_same() -> None:
    loaded = rule("""
        id: chatty
        category: logging
        message: "{symbol} makes {calls} calls
          and logs none"
        match:
          module_pattern: "api.*"
          min_calls: 2
          missing_calls: ["log*"]
    """)
    assert (loaded.id, loaded.group, loaded.category) == ("chatty", "logging", "custom:logging")
    one = symbol()
    found = list(loaded.evaluate(context(one, calls=[call(one, "save", count=3)])))
    assert [recommendation.title for recommendation in found] == ["load makes 3 calls and logs none"]
    assert list(loaded.evaluate(context(one, calls=[call(one, "save"), call(one, "logger")]))) == []


def test_defaults() -> None:
    loaded = rule("{name: x, match: {name: load}}")
    assert (loaded.group, loaded.category, loaded.severity) == (
        "project-conventions",
        "custom:project-conventions",
        Severity.WARNING,
    )
    (found,) = loaded.evaluate(context(symbol()))
    assert (found.confidence, found.suggestion, found.title) == (1.0, None, "load is named load")
    assert found.description == "name: load (load)"
    assert loaded.description == "Reports every function, method, component or class that is named load."


@pytest.mark.parametrize(
    ("fields", "group", "category"),
    [
        ("group: web", "web", "custom:web"),
        ("category: complexity", "complexity", "complexity"),
        ("category: 'custom:x'", "x", "custom:x"),
        ("group: web, category: naming", "web", "naming"),
        ("group: naming", "naming", "naming"),
    ],
)
def test_group_and_category(fields: str, group: str, category: str) -> None:
    loaded = rule(f"{{name: x, {fields}, match: {{name: load}}}}")
    assert (loaded.group, loaded.category) == (group, category)
    assert category in CATEGORIES or category.startswith("custom:")


def test_a_disabled_rule_is_not_recommended() -> None:
    assert not rule("{name: x, enabled: false, match: {name: load}}").recommended


@pytest.mark.parametrize("severity", list(Severity))
def test_severity(severity: Severity) -> None:
    assert rule(f"{{name: x, severity: {severity.value}, match: {{name: a}}}}").severity is severity


@pytest.mark.parametrize(
    ("condition", "granularity"),
    [
        ("missing_control_flow: try, max_complexity: 4", "symbol"),
        ("missing_calls_to: log", "symbol"),
        ("missing_calls_to: log, transitively: true", "project"),
        ("not: {any: [{no_callers: true}]}", "project"),
        ("called_by: x", "project"),
        ("min_fan_in: 2", "project"),
        ("min_callers_count: 2", "project"),
        ("imports: x", "project"),
    ],
)
def test_granularity(condition: str, granularity: str) -> None:
    assert rule_of(condition).granularity == granularity


def test_limits_that_hold_become_metrics() -> None:
    text = "{name: x, condition: {max_complexity: 3, min_loc: 4, not: {max_nesting_depth: 3}}}"
    one = symbol(metrics=metrics(cognitive_complexity=4, loc=4, nesting_depth=1))
    assert evaluate_one(text, context(one)).metrics == {"cognitive_complexity": 4.0, "loc": 4.0}


def test_evaluating_keeps_no_state() -> None:
    loaded = rule_of('module: "api.*", no_callers: true')
    one, caller = symbol(), symbol("main", module="app", file="app.py")
    assert len(list(loaded.evaluate(context(one)))) == 1
    assert list(loaded.evaluate(context(one, caller, calls=[call(caller, one)]))) == []
    assert len(list(loaded.evaluate(context(one)))) == 1


def test_findings_come_in_the_order_of_the_symbols() -> None:
    names = ["c", "a", "b"]
    found = rule_of("kind: function").evaluate(context(*map(symbol, names)))
    assert [recommendation.symbols[0].name for recommendation in found] == names


# --------------------------------------------------------------------------------------------------- templates


def test_every_variable_is_filled_in() -> None:
    text = " ".join(f"{name}={{{name}}}" for name in VARIABLES)
    one = symbol(metrics=metrics(cognitive_complexity=7, loc=3, argument_count=2))
    found = evaluate_one(f"name: x\nmatch: {{name: load}}\nsuggestion: '{text}'", context(one))
    assert found.suggestion == (
        "symbol=load file=src/api/loader.py module=api.loader line=10 kind=function cognitive_complexity=7 "
        "cyclomatic_complexity=0 nesting_depth=0 loc=3 fan_in=0 fan_out=0 callers_count=0 calls=0 argument_count=2 "
        "complexity=7 arity=2"
    )


def test_an_unknown_metric_is_said_to_be_so() -> None:
    text = "{name: x, match: {name: load}, suggestion: '{loc} lines'}"
    assert evaluate_one(text, context(symbol(), capabilities=())).suggestion == "unknown lines"


def test_braces_that_are_no_variable_stay() -> None:
    text = """
        name: x
        match: {name: load}
        suggestion: 'write {} or { a: 1 } or {"k"} or {{symbol}} for {symbol}'
    """
    assert evaluate_one(text, context(symbol())).suggestion == 'write {} or { a: 1 } or {"k"} or {symbol} for load'


def test_what_is_filled_in_is_not_read_again() -> None:
    one = symbol("load", module="{file}")
    text = "{name: x, match: {name: load}, suggestion: 'in {module}'}"
    assert evaluate_one(text, context(one)).suggestion == "in {file}"


def test_title_and_description_are_templates() -> None:
    found = evaluate_one(
        "{name: x, match: {name: load}, title: 'T {symbol}', description: 'D {line}.'}", context(symbol())
    )
    assert (found.title, found.description) == ("T load", "D 10.")


def test_the_title_is_one_line_of_the_description() -> None:
    text = """
        name: x
        match: {name: load}
        description: |
          {kind}s must
          be small. And so on.
    """
    assert evaluate_one(text, context(symbol())).title == "load: functions must be small"


# --------------------------------------------------------------------------------------------------- in words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            CONTRACT,
            "Reports every function that is in module src.api.* and is exported and is named handle_*, "
            "when it does not use try.",
        ),
        (
            "{name: x, match: {kind: [class, function]}, condition: {max_loc: 50, is_async: false}}",
            "Reports every class or function, when it has more than 50 lines of code and is not async.",
        ),
        (
            "{name: x, condition: {any: [{min_complexity: 9}, {has_calls_to: [a, b], transitively: true}]}}",
            "Reports every function, method or component, when it either has a cognitive complexity of at least 9 "
            "or calls a and b, directly or through others.",
        ),
        (
            "{name: x, condition: {not: {has_decorator: route}, no_callers: true}}",
            "Reports every function, method, component or class, when it is not one that is decorated with route "
            "and has no callers.",
        ),
        (
            "{name: x, match: {any: [{kind: module}]}, condition: {entry_point: false, imports: [a], called_by: b}}",
            "Reports every symbol that is a module, when it is entry point none and is in a module that imports a "
            "and is called by b.",
        ),
    ],
)
def test_in_words(text: str, words: str) -> None:
    assert rule(text).in_words() == words


# --------------------------------------------------------------------------------------------------- examples


def examples_of(text: str, match: str = "name: f"):
    return list(rule(f"name: x\nmatch: {{{match}}}\nexamples:\n{text}").examples)


def test_an_example_may_have_both_sides() -> None:
    assert examples_of("- {fires: 'a = 1', silent: 'b = 1', note: why}") == [
        Example(True, {"example.py": "a = 1"}, note="why"),
        Example(False, {"example.py": "b = 1"}, note="why"),
    ]


def test_an_example_may_name_its_file_or_several() -> None:
    assert examples_of("- {fires: 'a', path: src/a.py}\n- {silent: true, files: {a.py: 'x', pkg/b.py: }}") == [
        Example(True, {"src/a.py": "a"}),
        Example(False, {"a.py": "x", "pkg/b.py": ""}),
    ]


@pytest.mark.parametrize(
    ("match", "path"),
    [
        ("name: f", "example.py"),
        ('module: "src.api.*"', "src/api/example.py"),
        ('module: "*"', "example.py"),
        ('module: "api.v[12]"', "api/v1.py"),
        ('module: "src/api/*.py"', "src/api/example.py"),
        ('file: "src/**/api/*.py"', "src/api/example.py"),
        ('file: "src/api/"', "src/api/example.py"),
        ('file: "*_test.py"', "example_test.py"),
        ('module: "src.*", file: "**/api/?.py"', "example.py"),
    ],
)
def test_code_without_a_path_stands_where_the_rule_looks(match: str, path: str) -> None:
    (example,) = examples_of("- {fires: 'a'}", match)
    assert list(example.files) == [path]


def test_an_examples_language_gives_the_extension() -> None:
    (example,) = examples_of("- {language: TypeScript, fires: 'a'}")
    assert list(example.files) == ["example.ts"]
