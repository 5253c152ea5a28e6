"""The examples of every built-in rule, through the real engine: they are the rules' documentation and their tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from semfora_hooks.config import Config
from semfora_hooks.hookspecs import Example, Rule
from semfora_hooks.rules import load_builtin
from semfora_hooks.testing import check_example

RULES = load_builtin(Config()).rules


def examples() -> Iterator[object]:
    for rule in RULES:
        for number, example in enumerate(rule.examples):
            kind = "fires" if example.fires else "silent"
            yield pytest.param(rule, example, id=f"{rule.id}-{kind}-{number}-{example.note.replace(' ', '_')}")


@pytest.mark.parametrize(("rule", "example"), list(examples()))
def test_example(rule: Rule, example: Example) -> None:
    check_example(rule, example)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rule_shows_both_sides(rule: Rule) -> None:
    assert {example.fires for example in rule.examples} == {True, False}
