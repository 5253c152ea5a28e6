"""Rules in words."""

from __future__ import annotations

import textwrap

import pytest

from semfora_hooks.providers.declarative.wording import describe

from .builders import rule, rule_of
from .test_keys import CASES


def words(text: str) -> str:
    return "\n".join(describe(rule(text))) + "\n"


def test_the_contracts_shape() -> None:
    assert words("""
        name: api-error-handling
        group: web
        title: "{symbol} catches
          nothing"
        match: {module: "src.api.*", kind: function, is_exported: true, name_pattern: "handle_*"}
        condition: {missing_control_flow: [try]}
        confidence: 0.9
    """) == textwrap.dedent("""\
        It looks at every function that
          - is in module src.api.*  (module: src.api.*)
          - is exported  (is_exported: true)
          - is named handle_*  (name_pattern: handle_*)
        and reports it when it
          - does not use try  (missing_control_flow: try)
        A finding's confidence is at most 0.9; its group is web.
        Its headline: {symbol} catches nothing
    """)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("match: {kind: [class, function], name: x}", "It reports every class or function that"),
        ("match: {kind: function}", "It reports every function."),
        ("match: {name: x}", "It reports every function, method, component or class that"),
        ("condition: {min_arity: 3}", "It reports every function, method or component that"),
        ("match: {kind: class}\ncondition: {name: x}", "It reports every class that"),
        ("match: {name: x}\ncondition: {kind: class}", "It looks at every symbol that"),
    ],
)
def test_what_a_rule_looks_at(text: str, first: str) -> None:
    assert words(f"name: x\n{text}\n").splitlines()[0] == first


def test_groups_are_lists_of_their_own() -> None:
    lines = describe(
        rule_of(
            "min_loc: 3, any: [{min_fan_in: 2, is_async: true}, {not: {name: x}}, {any: [{max_calls: 1}]}], "
            "not: {any: [{has_control_flow: catch}, {has_calls_to: [a, b], transitively: true}]}"
        )
    )
    assert lines[1:-1] == [
        "  - has at least 3 lines of code  (min_loc: 3)",
        "  - satisfies at least one of these:",
        "    - satisfies all of these:",
        "      - is called by at least 2 symbols  (min_fan_in: 2)",
        "      - is async  (is_async: true)",
        "    - does not satisfy this:",
        "      - is named x  (name: x)",
        "    - makes more than 1 calls  (max_calls: 1)",
        "  - satisfies none of these:",
        "    - uses catch  (has_control_flow: catch)",
        "    - calls a and b, directly or through others  (has_calls_to: a, b)",
    ]
    lines = describe(rule_of("not: {min_loc: 3, name: x}"))
    assert lines[1:4] == [
        "  - does not satisfy all of these together:",
        "    - has at least 3 lines of code  (min_loc: 3)",
        "    - is named x  (name: x)",
    ]


@pytest.mark.parametrize("key", CASES)
def test_every_key_has_words_of_its_own(key: str) -> None:
    """Words that change with the value, and stand beside the key as it is written."""
    said = []
    for value in CASES[key]:
        lines = describe(rule_of(f"{key}: {value}"))
        assert f"({key}: " in "\n".join(lines)
        said.append(next(line.partition("  (")[0] for line in lines if f"({key}: " in line))
    assert said[0] != said[1]
    assert all(len(line.strip("- ").split()) >= 2 for line in said)
