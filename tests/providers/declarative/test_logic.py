"""Conjunction, `any`, `not`, and what is not known."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from semfora_hooks.providers.declarative.logic import All, AnyOf, Clause, Not
from semfora_hooks.providers.declarative.symbolindex import SymbolIndex
from semfora_hooks.providers.declarative.view import View

from .builders import arg, call, context, fired, fires, flow, metrics, module, parse, rule_of, symbol, without


class Fixed(Clause):
    """A clause with a given answer."""

    def __init__(self, truth: bool | None, cost: int = 0) -> None:
        self.truth, self.cost = truth, cost

    def holds(self, symbol, view):
        return self.truth

    def select(self, index, wanted=True):
        return index.everything if self.truth is wanted else 0

    def facts(self, symbol, view, wanted=True):
        return iter(())

    def words(self):
        return str(self.truth)

    def leaves(self, positive=True):
        return iter(())


ONE = symbol()
VIEW = View(context(ONE))


def kleene_and(truths):
    return False if False in truths else None if None in truths else True


@pytest.mark.parametrize("truths", list(itertools.product([True, False, None], repeat=3)))
def test_three_valued_logic(truths) -> None:
    parts = [Fixed(truth, cost) for cost, truth in enumerate(truths)]
    conjunction, disjunction = All(parts).holds(ONE, VIEW), AnyOf(parts).holds(ONE, VIEW)
    assert conjunction is kleene_and(truths)
    negated = [None if truth is None else not truth for truth in truths]
    expected = kleene_and(negated)
    assert disjunction is (None if expected is None else not expected)
    assert Not(All(parts)).holds(ONE, VIEW) is (None if conjunction is None else not conjunction)
    index = SymbolIndex(VIEW)
    for clause in (All(parts), AnyOf(parts), Not(All(parts)), Not(AnyOf(parts))):
        for wanted in (True, False):
            assert bool(clause.select(index, wanted)) is (clause.holds(ONE, VIEW) is wanted)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("any: [{name: x}, {name: load}]", True),
        ("any: [{name: x}, {name: y}]", False),
        ("name: load, any: [{kind: class}, {is_async: true}]", False),
        ("any: [{name: load, kind: class}, {not: {kind: class}}]", True),
        ("not: {name: load, kind: class}", True),
        ("not: {name: load, kind: function}", False),
        ("not: {any: [{name: x}, {kind: class}]}", True),
        ("not: {any: [{name: load}, {kind: class}]}", False),
        ("not: {not: {name: load}}", True),
        ("any: [{any: [{not: {name: load}}]}]", False),
    ],
)
def test_nesting(condition: str, expected: bool) -> None:
    assert fires(condition, ONE) is expected


def test_the_evidence_of_an_alternative_is_the_one_that_held() -> None:
    rule = rule_of("any: [{name: x}, {min_loc: 2}], not: {is_async: true, name: load}")
    (found,) = rule.evaluate(context(symbol(metrics=metrics(loc=3))))
    assert [evidence.text for evidence in found.evidence] == ["min_loc: 2 (loc is 3)", "not is_async: true (no)"]


@pytest.mark.parametrize(
    ("condition", "text"),
    [
        ("has_decorator: route", "has_decorator: route (app.route)"),
        ("not: {has_decorator: x}", "not has_decorator: x (app.route, d0, d1, d2, d3, d4, d5, d6, 3 more)"),
    ],
)
def test_the_evidence_of_many_values_is_short(condition: str, text: str) -> None:
    many = symbol(decorators=("app.route", *(f"d{i}" for i in range(10))))
    (found,) = rule_of(condition).evaluate(context(many))
    assert [evidence.text for evidence in found.evidence] == [text]


# ------------------------------------------------------------------------------------------- missing capabilities

busy = symbol(
    control_flow=flow(try_=1),
    decorators=("route",),
    arguments=(arg("x", "int"), arg("y")),
    metrics=metrics(cognitive_complexity=5, argument_count=2, fan_in=1),
)
other = symbol("other", file="src/other.py", module="other")

UNKNOWN = {
    # capability: conditions that are false or negative, and say nothing without it
    "control_flow": ["missing_control_flow: while", "has_control_flow: while", "not: {has_control_flow: while}"],
    "decorators": ["has_decorator: cached", "not: {has_decorator: cached}"],
    "arguments": [
        "has_argument_type: str",
        "not: {has_argument_type: str}",
        "missing_argument_type: str",
        "missing_argument_type: true",
        "missing_argument_type: false",
        "argument_count: 2",
        "not: {argument_count: 9}",
        "max_arity: 0",
    ],
    "metrics": ["min_complexity: 1", "not: {min_complexity: 50}", "not: {max_loc: 100}", "min_nesting_depth: 1"],
    "calls": [
        "missing_calls_to: nothing",
        "missing_calls_to: nothing, transitively: true",
        "not: {has_calls_to: nothing}",
        "not: {called_by: nobody}",
        "no_callers: true",
        "not: {no_callers: false}",
        "not: {min_calls: 10}",
        "not: {min_fan_in: 10}",
        "min_fan_in: 1",
    ],
    "imports": ["not: {imports: flask}", "imports: flask"],
}


@pytest.mark.parametrize(
    ("capability", "condition"), [(name, condition) for name, conditions in UNKNOWN.items() for condition in conditions]
)
def test_nothing_fires_on_what_is_not_known(capability: str, condition: str) -> None:
    world = {"modules": [module("api.loader", external=["requests"])], "calls": [call(busy, "log")]}
    assert not fires(condition, busy, capabilities=without(capability), **world)
    assert not fires(f"not: {{{condition}}}", busy, capabilities=without(capability), **world)
    # It is the missing capability that silences it, no other.
    known = [fires(text, busy, **world) for text in (condition, f"not: {{{condition}}}")]
    assert sorted(known) == [False, True]


@pytest.mark.parametrize(
    ("capability", "condition"),
    [
        ("control_flow", "has_control_flow: try"),
        ("decorators", "has_decorator: route"),
        ("arguments", "has_argument_type: int"),
        ("calls", "has_calls_to: log"),
        ("calls", "called_by: other"),
        ("calls", "no_callers: false"),
        ("imports", "imports: requests"),
    ],
)
def test_what_is_there_counts_without_the_capability(capability: str, condition: str) -> None:
    world = context(
        busy,
        other,
        modules=[module("api.loader", external=["requests"])],
        calls=[call(busy, "log"), call(other, busy)],
        capabilities=without(capability),
    )
    assert fired(condition, world) == ["load"]
    assert "load" not in fired(f"not: {{{condition}}}", world)


def test_unknown_does_not_spoil_an_alternative() -> None:
    assert fires("any: [{missing_control_flow: while}, {name: load}]", busy, capabilities=())
    assert not fires("name: load, missing_control_flow: while", busy, capabilities=())


conditions = st.recursive(
    st.sampled_from([text for texts in UNKNOWN.values() for text in texts]).map(lambda text: f"{{{text}}}"),
    lambda inner: st.one_of(
        inner.map(lambda text: f"{{not: {text}}}"),
        st.lists(inner, min_size=1, max_size=3).map(lambda texts: f"{{any: [{', '.join(texts)}]}}"),
    ),
    max_leaves=6,
)


@settings(deadline=None, max_examples=150, database=None)
@given(conditions)
def test_no_nesting_makes_knowledge_out_of_nothing(condition: str) -> None:
    # Without any data every one of these keys is unknown, so nothing built from them may fire.
    parsed = parse(f"name: x\ncondition: {condition}")
    if parsed.errors:
        assert all("can never hold" in error.message for error in parsed.errors)
    for rule in parsed.rules:
        assert list(rule.evaluate(context(symbol(), capabilities=()))) == []
