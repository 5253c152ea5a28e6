"""Finds conditions that no symbol can ever satisfy, so that a rule is not silently dead."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations, product

from semfora_hooks.providers.declarative.calls import CalledBy, Calls, NoCallers
from semfora_hooks.providers.declarative.document import Source
from semfora_hooks.providers.declarative.logic import All, AnyOf, Clause, Leaf, Not
from semfora_hooks.providers.declarative.predicates import (
    Bound,
    Constructs,
    Contains,
    Flag,
    Matcher,
    OneOf,
    Untyped,
)

_Claim = tuple[Leaf, bool]
"""A key, and whether it must hold or must not."""

_INFINITY = float("inf")


def check_possible(source: Source, condition: All) -> None:
    """Record a problem for each pair of keys that cannot both hold, at the later one."""
    reported: set[Leaf] = set()

    def report(leaf: Leaf, text: str) -> None:
        if leaf not in reported:
            reported.add(leaf)
            source.problem(leaf.place, f"can never hold: {text}")

    for outer, inner in _conjunctions(condition, []):
        for pair in (*product(outer, inner), *combinations(inner, 2)):
            first, second = sorted(pair, key=lambda claim: claim[0].place)
            if _contradict(first, second):
                line = first[0].place.line
                report(second[0], f"{_said(second)} contradicts {_said(first)} in line {line}")
        for leaf, holds in inner:
            if isinstance(leaf.predicate, Bound) and _interval(leaf.predicate, holds)[1] < 0:
                report(leaf, f"{_said((leaf, holds))}, and nothing is below 0")


def _conjunctions(condition: Clause, outer: Sequence[_Claim]) -> Iterator[tuple[Sequence[_Claim], list[_Claim]]]:
    """The keys that must hold together, those from further out apart: here, and in each branch of an `any`."""
    inner: list[_Claim] = []
    branches: list[Clause] = []
    for part in condition.parts if isinstance(condition, All) else (condition,):
        if isinstance(part, Leaf):
            inner.append((part, True))
        elif isinstance(part, AnyOf):
            branches.extend(part.parts)
        elif isinstance(part, Not) and isinstance(part.part, All) and len(part.part.parts) == 1:
            # Denying several keys at once denies none of them alone.
            inner.extend((leaf, False) for leaf in part.part.parts if isinstance(leaf, Leaf))
    yield outer, inner
    for branch in branches:
        yield from _conjunctions(branch, [*outer, *inner])


def _contradict(first: _Claim, second: _Claim) -> bool:
    return _excludes(first, second) or _excludes(second, first)


def _excludes(one: _Claim, other: _Claim) -> bool:
    """Whether `one` rules `other` out; asked both ways round."""
    (a, a_holds), (b, b_holds) = (one[0].predicate, one[1]), (other[0].predicate, other[1])
    match a, b:
        case Bound(metric=m), Bound(metric=n):
            return m == n and not _overlap(_interval(a, a_holds), _interval(b, b_holds))
        case Flag(attribute=m, wanted=x), Flag(attribute=n, wanted=y):
            return m == n and (x is a_holds) is not (y is b_holds)
        case OneOf(attribute=m, wanted=x), OneOf(attribute=n, wanted=y) if m == n and x is a_holds:
            return a.options.isdisjoint(b.options) if y is b_holds else a.options <= b.options
        case Contains(wanted=True), Contains() if a.subject is b.subject and a_holds and b.wanted is not b_holds:
            covered = [any(_implies(p, q) for p in a.patterns) for q in b.patterns]
            return all(covered) if b.wanted else any(covered)
        case Calls(wanted=True), Calls(wanted=False) if a_holds and b_holds:
            shared = {glob.text for glob in a.globs} & {glob.text for glob in b.globs}
            return bool(shared) and (b.transitively or not a.transitively)
        case (Untyped(wanted=x), Untyped(wanted=y)) | (NoCallers(wanted=x), NoCallers(wanted=y)):
            return (x is a_holds) is not (y is b_holds)
        case NoCallers(wanted=x), CalledBy():
            return x is a_holds and b_holds
        case _:
            return False


def _implies(one: Matcher, other: Matcher) -> bool:
    """Whether a text that fits `one` surely fits `other`."""
    if isinstance(one, Constructs) and isinstance(other, Constructs):
        return one.names <= other.names
    return one.text == other.text


def _interval(bound: Bound, holds: bool) -> tuple[float, float]:
    """The values that satisfy a limit, or its negation."""
    if bound.relation == "exactly":
        return (bound.limit, bound.limit) if holds else (0, _INFINITY)
    return (bound.lowest, _INFINITY) if holds else (0, bound.lowest - 1)


def _overlap(one: tuple[float, float], other: tuple[float, float]) -> bool:
    return max(one[0], other[0]) <= min(one[1], other[1])


def _said(claim: _Claim) -> str:
    return f"'{'' if claim[1] else 'not '}{claim[0].shown}'"
