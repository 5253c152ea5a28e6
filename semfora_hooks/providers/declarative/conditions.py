"""Nodes under `match` and `condition` to clauses."""

from __future__ import annotations

import dataclasses

from semfora_hooks.providers.declarative.calls import Calls
from semfora_hooks.providers.declarative.document import Node, Source, entries, expect, shorten
from semfora_hooks.providers.declarative.keys import ANY, KEY_NAMES, NOT, TRANSITIVELY
from semfora_hooks.providers.declarative.logic import All, AnyOf, Clause, Leaf, Not
from semfora_hooks.providers.declarative.predicates import Bound
from semfora_hooks.providers.declarative.values import read_flag

VALID_KEYS = (*KEY_NAMES, ANY, NOT, TRANSITIVELY)


def read_condition(source: Source, node: Node, what: str) -> All | None:
    """The conjunction a mapping stands for, or `None` once a problem is recorded."""
    before = source.problems
    table = entries(source, node, what)
    if table is None:
        return None
    if not node.pairs:
        source.problem(node.place, f"{what}: no key, so it would hold for every symbol")
    transitively = False
    parts: list[Clause] = []
    for name, (key, value) in table.items():
        if name == TRANSITIVELY:
            transitively = bool(read_flag(source, value, f"'{name}'"))
        elif (clause := _clause(source, name, key, value)) is not None:
            parts.append(clause)
    if TRANSITIVELY in table:
        if not any(isinstance(part, Leaf) and isinstance(part.predicate, Calls) for part in parts):
            source.problem(
                table[TRANSITIVELY][0].place,
                f"'{TRANSITIVELY}' says nothing without 'has_calls_to' or 'missing_calls_to' beside it",
            )
        parts = [_follow(part) if transitively else part for part in parts]
    _check_ranges(source, parts)
    return All(parts) if source.problems == before else None


def _clause(source: Source, name: str, key: Node, value: Node) -> Clause | None:
    what = f"'{name}'"
    if name == ANY:
        if not expect(source, value, "list", what):
            return None
        if not value.items:
            source.problem(value.place, f"{what}: the list is empty, so it would never hold")
        branches = [read_condition(source, item, what) for item in value.items]
        return AnyOf([branch for branch in branches if branch is not None])
    if name == NOT:
        part = read_condition(source, value, what)
        return None if part is None else Not(part)
    known = KEY_NAMES.get(name)
    if known is None:
        source.problem(key.place, f"unknown key {shorten(name)}", key=name, valid=VALID_KEYS)
        return None
    read = known.value.read(source, value, what)
    return None if read is None else Leaf(known, f"{name}: {_shown(value)}", known.build(read), key.place)


def _follow(part: Clause) -> Clause:
    if isinstance(part, Leaf) and isinstance(part.predicate, Calls):
        return dataclasses.replace(part, predicate=dataclasses.replace(part.predicate, transitively=True))
    return part


def _check_ranges(source: Source, parts: list[Clause]) -> None:
    """Refuse `min_x` beside `max_x`: it reads like a range, but both are lower limits."""
    lower: dict[str, Leaf] = {}
    for part in parts:
        bound = part.predicate if isinstance(part, Leaf) else None
        if not isinstance(part, Leaf) or not isinstance(bound, Bound) or bound.relation == "exactly":
            continue
        first = lower.setdefault(bound.metric, part)
        if first is not part:
            source.problem(
                part.place,
                f"'{first.shown}' and '{part.shown}' both set a lower limit, so one of them says nothing",
                hint=f"'max_…: N' holds above N; the upper end of a range is 'not: {{max_{bound.metric}: N}}'",
            )


def _shown(node: Node) -> str:
    return ", ".join(item.text for item in node.items) if node.kind == "list" else node.text
