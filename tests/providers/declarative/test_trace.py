"""Traces say what evaluation does, key by key; repairs do what they say."""

from __future__ import annotations

import itertools
import json
import re
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from semfora_hooks.context import SuggestContext
from semfora_hooks.model import Symbol
from semfora_hooks.providers.declarative.repairs import make_fire, make_silent
from semfora_hooks.providers.declarative.rule import DeclarativeRule
from semfora_hooks.providers.declarative.trace import Trace, find_symbols, nearest_names, trace
from semfora_hooks.providers.declarative.view import View

from .builders import call, context, flow, metrics, rule_of, symbol, without
from .test_keys import CASES, around_handler

HANDLER = "api.loader:handle_user"


def rule_from(condition: dict[str, Any]) -> DeclarativeRule:
    return rule_of(json.dumps(condition)[1:-1])


def traced(condition: str, world: SuggestContext, symbol_id: str = HANDLER) -> Trace:
    return trace(rule_of(condition), world.by_id[symbol_id], View(world))


def one_line(condition: str, one: Symbol, **fields: Any) -> str:
    """The line of the one key of a condition."""
    lines = list(traced(condition, context(one, **fields), one.id).lines())
    return lines[lines.index("  condition") + 1].strip()


@pytest.mark.parametrize("key", CASES)
def test_each_key_shows_its_answer_its_value_and_what_was_seen(key: str) -> None:
    world = around_handler(key)
    for value, mark, verdict in zip(CASES[key], ("yes", "no "), ("fires", "silent"), strict=True):
        found = traced(f"{key}: {value}", world)
        lines = list(found.lines())
        assert lines[0].endswith(f" api.loader.handle_user: {verdict}")
        assert found.fires is (verdict == "fires")
        (line,) = (line for line in lines if re.match(rf"    (yes|no |\?  ) {key}: ", line))
        assert line.startswith(f"    {mark}") and re.search(r"  \(.+\)$", line)
        if verdict == "silent":
            assert [step.leaf and step.leaf.shown.partition(":")[0] for step, _ in found.blockers()] == [key]
            assert lines[-1].startswith(f"  silent, since '{key}: ") and lines[-1].endswith(" does not hold")


@st.composite
def conditions(draw: st.DrawFn, depth: int = 3) -> dict[str, Any]:
    """Conditions over all keys, nested."""
    keys = draw(st.lists(st.sampled_from(sorted(CASES)), max_size=3, unique=True))
    condition: dict[str, Any] = {key: yaml.safe_load(draw(st.sampled_from(CASES[key]))) for key in keys}
    if depth and draw(st.booleans()):
        condition["any"] = draw(st.lists(conditions(depth - 1), min_size=1, max_size=3))
    if depth and (draw(st.booleans()) or not condition):
        condition["not"] = draw(conditions(depth - 1))
    return condition or {"name": "handle_user"}


def possible(condition: dict[str, Any]) -> DeclarativeRule | None:
    """The rule, unless the validator sees that it can never fire."""
    try:
        return rule_from(condition)
    except AssertionError:
        return None


@settings(max_examples=150, deadline=None)
@given(
    conditions(),
    st.sampled_from(["", "has_base_class"]),
    st.sampled_from(["", "calls", "imports", "arguments", "metrics"]),
)
def test_a_trace_agrees_with_evaluation(condition: dict[str, Any], key: str, missing: str) -> None:
    rule = possible(condition)
    if rule is None:
        return
    known = around_handler(key)
    world = context(*known.symbols, calls=known.calls, modules=known.modules, capabilities=without(missing))
    fired = {found.symbols[0].id for found in rule.evaluate(world)}
    view = View(world)
    for one in world.symbols:
        found = trace(rule, one, view)
        assert found.fires is (one.id in fired)
        assert bool(found.blockers()) is not found.fires
        text = "\n".join(found.lines())
        assert all(make_silent(found, view)) if found.fires else all(make_fire(found, view))
        assert ("silent, since" in text) is not found.fires


# -------------------------------------------------------------------------------------------------------------- nesting


def test_groups_are_indented_with_their_own_answers() -> None:
    one = symbol("load", metrics=metrics(loc=5), control_flow=flow(try_=1))
    lines = list(traced("any: [{min_loc: 9}, {not: {has_control_flow: try, name: load}}, {name: x, max_loc: 1}]",
                        context(one), one.id).lines())  # fmt: skip
    assert lines[2:] == [
        "  condition",
        "    no  any",
        "        no  min_loc: 9  (loc is 5)",
        "        no  not",
        "            yes has_control_flow: try  (try)",
        "            yes name: load  (load)",
        "        no  all",
        "            no  name: x  (load)",
        "            yes max_loc: 1  (loc is 5)",
        "  silent, since 'min_loc: 9' does not hold and 'has_control_flow: try' holds and 'name: load' holds "
        "and 'name: x' does not hold",
    ]


@pytest.mark.parametrize(
    ("condition", "missing", "line"),
    [
        ("min_loc: 3", "metrics", "?   min_loc: 3  (not known: the facts about python lack metrics)"),
        (
            "missing_control_flow: try",
            "control_flow",
            "?   missing_control_flow: try  (not known, since the facts about python lack control_flow: "
            "no such thing is seen)",
        ),
        (
            "has_control_flow: try",
            "control_flow",
            "?   has_control_flow: try  (not known, since the facts about python lack control_flow: "
            "try is not in: nothing)",
        ),
        (
            "has_calls_to: x",
            "calls",
            "?   has_calls_to: x  (not known, since the facts about python lack calls: no call of x; "
            "it calls nothing in the repository)",
        ),
        (
            "missing_calls_to: x",
            "calls",
            "?   missing_calls_to: x  (not known, since the facts do not tell: no such call)",
        ),
        (
            "imports: x",
            "imports",
            "?   imports: x  (not known, since the facts about python lack imports: x is not in: nothing)",
        ),
        (
            "missing_argument_type: true",
            "arguments",
            "?   missing_argument_type: true  (not known, since the facts do not tell: none without a type)",
        ),
    ],
)
def test_what_is_not_known_is_said_to_be(condition: str, missing: str, line: str) -> None:
    assert one_line(condition, symbol(), capabilities=without(missing)) == line
    assert "it cannot be told whether" in list(traced(condition, context(symbol(), capabilities=without(missing)),
                                                      "api.loader:load").lines())[-1]  # fmt: skip


def test_what_may_be_reached_in_unseen_ways() -> None:
    unseen = symbol(reachability="unknown")
    assert (
        one_line("no_callers: true", unseen)
        == "?   no_callers: true  (not known: it may be used in ways that cannot be seen)"
    )


@pytest.mark.parametrize(
    ("condition", "line"),
    [
        (
            "has_calls_to: [save, drop]",
            "no  has_calls_to: save, drop  (no call of drop; it calls core.save and, elsewhere or unresolved, print)",
        ),
        (
            "has_calls_to: [a, b]",
            "no  has_calls_to: a, b  (no call of a or b; it calls core.save and, elsewhere or unresolved, print)",
        ),
        ("missing_calls_to: save", "no  missing_calls_to: save  (load -> core.save)"),
        ("has_control_flow: [if, try]", "no  has_control_flow: if, try  (try is not in: if)"),
        ("module: web", "no  module: web  (api.loader, by its path src.api.loader)"),
        ("file: web/*", "no  file: web/*  (src/api/loader.py)"),
    ],
)
def test_what_does_not_hold_says_what_is_there_instead(condition: str, line: str) -> None:
    save, load = symbol("save", module="core"), symbol("load", control_flow=flow(if_=1))
    world = context(load, save, calls=[call(load, save), call(load, "print")])
    lines = list(traced(condition, world, load.id).lines())
    assert lines[3].strip() == line


# ----------------------------------------------------------------------------------------------------------- call paths


def test_the_way_of_calls_names_each_place_and_what_is_unsure() -> None:
    one = symbol("one", file="a.py")
    two = symbol("two", file="b.py")
    three = symbol("three", file="c.py")
    calls = [call(one, two, line=3, resolution="name"), call(two, three, line=5), call(three, "db.execute", line=7)]
    world = context(one, two, three, calls=calls)
    (step,) = traced("has_calls_to: db.execute, transitively: true", world, one.id).sections[-1][1]
    assert step.calls == (
        "a.py:3: api.loader.one calls api.loader.two (name)",
        "b.py:5: api.loader.two calls api.loader.three",
        "c.py:7: api.loader.three calls db.execute",
    )
    (step,) = traced("has_calls_to: two", world, one.id).sections[-1][1]
    assert step.calls == ("a.py:3: api.loader.one calls api.loader.two (name)",)
    (step,) = traced("missing_calls_to: db.execute, transitively: true", world, two.id).sections[-1][1]
    assert (step.truth, len(step.calls)) == (False, 2)


def test_a_long_way_is_shown_whole() -> None:
    chain = [symbol(f"f{number}") for number in range(40)]
    calls = [call(a, b, line=number) for number, (a, b) in enumerate(itertools.pairwise(chain), 1)]
    world = context(*chain, calls=[*calls, call(chain[-1], "end", line=99)])
    (step,) = traced("has_calls_to: end, transitively: true", world, chain[0].id).sections[-1][1]
    assert len(step.calls) == 40
    assert step.calls[-1] == "src/api/loader.py:99: api.loader.f39 calls end"


# -------------------------------------------------------------------------------------------------------------- look-up


def test_symbols_by_name() -> None:
    world = context(symbol("Loader.load"), symbol("load"), symbol("load", module="other"))
    by_name = {
        "load": ["api.loader:Loader.load", "api.loader:load", "other:load"],
        "api.loader.load": ["api.loader:load"],
        "Loader.load": ["api.loader:Loader.load"],
        "loader.load": ["api.loader:load"],
        "other:load": ["other:load"],
        "oad": [],
    }
    assert {name: [one.id for one in find_symbols(world, name)] for name in by_name} == by_name
    assert nearest_names(world, "laod") == ["load"]
    assert nearest_names(world, "othr.load")[0] == "other.load"
    assert nearest_names(world, "Loadr.load")[0] == "Loader.load"
    assert nearest_names(world, "api.lodr.load")[0] == "api.loader.load"
    assert nearest_names(world, "zzzz") == []


# -------------------------------------------------------------------------------------------------------------- repairs

_INSTEAD = re.compile(r"'(\w+): (.*)' instead of '(\w+): .*'")
_OUT = re.compile(r"leave '(\w+): .*' out")


def repaired(condition: dict[str, Any], lines: list[str]) -> dict[str, Any]:
    """A flat condition with the changes that lines ask for."""
    changed = dict(condition)
    for line in lines:
        if found := _INSTEAD.fullmatch(line):
            assert found[1] == found[3]
            changed[found[1]] = yaml.safe_load(found[2])
        else:
            found = _OUT.fullmatch(line)
            assert found is not None, line
            del changed[found[1]]
    return changed


@pytest.mark.parametrize("key", CASES)
def test_with_the_changes_made_the_rule_fires(key: str) -> None:
    world = around_handler(key)
    kind = "class" if key == "has_base_class" else "function"
    condition = {"entry_point": ["none", "web_route"], key: yaml.safe_load(CASES[key][1])}
    condition.setdefault("kind", kind)
    found = trace(rule_from(condition), world.by_id[HANDLER], View(world))
    assert not found.fires
    lines = list(make_fire(found, View(world)))
    assert lines
    again = rule_from(repaired(condition, lines))
    assert HANDLER in {item.symbols[0].id for item in again.evaluate(world)}


@pytest.mark.parametrize(
    "key", [key for key in CASES if key.startswith(("min_", "max_")) or key in ("argument_count", "arity")]
)
def test_a_stricter_limit_makes_it_silent(key: str) -> None:
    world = around_handler(key)
    condition = {"name": "handle_user", key: yaml.safe_load(CASES[key][0])}
    found = trace(rule_from(condition), world.by_id[HANDLER], View(world))
    assert found.fires
    limit, otherwise = make_silent(found, View(world))
    assert otherwise == "add 'not: {name: handle_user}'"
    if key in ("argument_count", "arity"):
        assert limit == f"leave '{key}: 3' out"
    else:
        assert list(rule_from(repaired(condition, [limit])).evaluate(world)) == []


def test_a_kind_that_the_rule_does_not_look_at() -> None:
    one = symbol(kind="module")
    found = trace(rule_of("name: load"), one, View(context(one)))
    assert list(make_fire(found, View(context(one)))) == ["add 'kind: module' to 'match'"]
