"""Why a rule fires on a symbol or stays silent, key by key."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from semfora_hooks.context import SuggestContext
from semfora_hooks.model import CallEdge, Symbol
from semfora_hooks.providers.declarative.calls import Calls, NoCallers
from semfora_hooks.providers.declarative.globs import PathGlob
from semfora_hooks.providers.declarative.keys import ANY, NOT
from semfora_hooks.providers.declarative.logic import All, AnyOf, Clause, Leaf, Not
from semfora_hooks.providers.declarative.predicates import Bound, Contains, Placed
from semfora_hooks.providers.declarative.rule import DeclarativeRule
from semfora_hooks.providers.declarative.view import METRICS, CallPath, Truth, View, either

_SHOWN = 8
"""Names that a line spells out; the rest is counted."""

_MARKS = {True: "yes", False: "no ", None: "?  "}


@dataclass(frozen=True, slots=True)
class Step:
    """The answer of one key, or of one group of keys.

    Attributes:
        text: The key with its value, or `any`, `not`, `all`.
        truth: Whether it holds for the symbol; `None` where the data cannot tell.
        seen: What the answer rests on.
        calls: Each call of the path that was followed, with its place.
        parts: The group's parts.
        leaf: The key, for those that are one.
    """

    text: str
    truth: Truth
    seen: str = ""
    calls: tuple[str, ...] = ()
    parts: tuple[Step, ...] = ()
    leaf: Leaf | None = None


@dataclass(frozen=True, slots=True)
class Trace:
    """What a rule makes of a symbol.

    Attributes:
        symbol: The symbol.
        sections: `match` and `condition`, as far as the rule has them; before them, the kinds that a rule without
            `kind` looks at.
        fires: Whether the rule reports the symbol.
    """

    symbol: Symbol
    sections: tuple[tuple[str, tuple[Step, ...]], ...]
    fires: bool

    def blockers(self) -> list[tuple[Step, bool]]:
        """The keys that keep the rule silent, each with whether it would have to hold (or not to, under `not`)."""
        return [found for _, steps in self.sections for step in steps for found in _blockers(step, True)]

    def lines(self) -> Iterator[str]:
        """The trace as text: where the symbol is, the verdict, a line for each key, and what decided."""
        yield f"{self.place()}: {'fires' if self.fires else 'silent'}"
        for name, steps in self.sections:
            if name:
                yield f"  {name}"
            for step in steps:
                yield from _step_lines(step, 2 if name else 1)
        if not self.fires:
            yield f"  {self.reason()}"

    def reason(self, *, seen: bool = False) -> str:
        """Why the rule is silent: the keys that keep it so, on demand with what they saw."""
        return f"silent, since {' and '.join(_reason(step, wanted, seen) for step, wanted in self.blockers())}"

    def place(self) -> str:
        """Where the symbol is, and what."""
        symbol = self.symbol
        return f"{symbol.file}:{symbol.start_line}:{symbol.start_column}: {symbol.kind} {symbol.qualified_name}"


def trace(rule: DeclarativeRule, symbol: Symbol, view: View) -> Trace:
    """Ask every key of a rule about a symbol, also those that evaluation would not need."""
    sections: list[tuple[str, tuple[Step, ...]]] = []
    kinds = rule.default_kinds()
    if kinds is not None:
        text = f"kind: {either(kinds)}, since the rule names none"
        sections.append(("", (Step(text, symbol.kind in kinds, symbol.kind),)))
    for name, clause in (("match", rule.definition.match), ("condition", rule.definition.condition)):
        if clause.parts:
            sections.append((name, tuple(_step(part, symbol, view) for part in clause.parts)))
    fires = all(step.truth is True for _, steps in sections for step in steps)
    return Trace(symbol, tuple(sections), fires)


def find_symbols(context: SuggestContext, name: str) -> list[Symbol]:
    """The symbols that a name means: an id, a qualified name or its end, or a bare name."""
    exact = [symbol for symbol in context.symbols if name in (symbol.id, symbol.qualified_name)]
    if exact:
        return exact
    end = f".{name}"
    return [symbol for symbol in context.symbols if symbol.name == name or symbol.qualified_name.endswith(end)]


def nearest_names(context: SuggestContext, name: str) -> list[str]:
    """Up to three ends of qualified names, with as many parts as a name has, that look most like it."""
    length = name.count(".") + 1
    names = {".".join(symbol.qualified_name.split(".")[-length:]) for symbol in context.symbols}
    return difflib.get_close_matches(name, sorted(names), n=3, cutoff=0.6)


# --------------------------------------------------------------------------------------------------------------- steps


def _step(clause: Clause, symbol: Symbol, view: View) -> Step:
    truth = clause.holds(symbol, view)
    match clause:
        case Leaf():
            predicate = clause.predicate
            far = isinstance(predicate, Calls) and predicate.transitively
            text = f"{clause.shown}{', transitively' if far else ''}"
            calls = tuple(_call_lines(predicate, symbol, view)) if isinstance(predicate, Calls) else ()
            return Step(text, truth, _seen(clause, truth, symbol, view), calls, leaf=clause)
        case Not(part=All(parts=parts)):
            return Step(NOT, truth, parts=tuple(_step(part, symbol, view) for part in parts))
        case AnyOf(parts=parts):
            return Step(ANY, truth, parts=tuple(_step(part, symbol, view) for part in parts))
        case All(parts=(only,)):
            return _step(only, symbol, view)
        case All(parts=parts):
            return Step("all", truth, parts=tuple(_step(part, symbol, view) for part in parts))
        case _:
            return Step(clause.words(), truth)


def _blockers(step: Step, wanted: bool) -> Iterator[tuple[Step, bool]]:
    """The keys below a step that would have to answer otherwise for it to be `wanted`."""
    if step.truth is wanted:
        return
    if not step.parts:
        yield step, wanted
    for part in step.parts:
        yield from _blockers(part, wanted is (step.text != NOT))


def _step_lines(step: Step, depth: int) -> Iterator[str]:
    seen = f"  ({step.seen})" if step.seen else ""
    yield f"{'  ' * depth}{_MARKS[step.truth]} {step.text}{seen}"
    for call in step.calls:
        yield f"{'  ' * depth}      {call}"
    for part in step.parts:
        yield from _step_lines(part, depth + 2)


def _reason(step: Step, wanted: bool, seen: bool) -> str:
    if step.leaf is None and not step.parts:
        return f"it is a {step.seen}"
    if step.truth is None:
        return f"it cannot be told whether '{step.text}' holds"
    shown = f" ({step.seen})" if seen else ""
    return f"'{step.text}' {'does not hold' if wanted else 'holds'}{shown}"


# ------------------------------------------------------------------------------------------------------- what was seen


def _seen(leaf: Leaf, truth: Truth, symbol: Symbol, view: View) -> str:
    """What a key looked at; where it does not hold, also what it missed."""
    predicate = leaf.predicate
    match predicate:
        case Bound() if truth is None:
            return f"not known: the facts about {symbol.language} lack {METRICS[predicate.metric].capability}"
        case NoCallers() if truth is None:
            return "not known: it may be used in ways that cannot be seen"
        case Calls(wanted=True) if truth is not True:
            return f"{_unknown(truth, 'calls', symbol)}{_missed_calls(predicate, symbol, view)}"
        case Contains(wanted=True) if truth is not True:
            values = predicate.subject.values(symbol, view)
            missed = [p.text for p in predicate.patterns if not any(p.matches(value) for value in values or ())]
            there = _listed(values) if values else "nothing"
            return f"{_unknown(truth, predicate.subject.capability, symbol)}{either(missed)} is not in: {there}"
        case Contains() if truth is None:
            return f"{_unknown(truth, predicate.subject.capability, symbol)}no such thing is seen"
        case Placed() if not isinstance(predicate.globs[0], PathGlob):
            dotted = view.dotted(symbol.file)
            return symbol.module if dotted == symbol.module else f"{symbol.module}, by its path {dotted}"
        case _:
            unknown = "not known, since the facts do not tell" if truth is None else ""
            return ": ".join(text for text in (unknown, predicate.observe(symbol, view).text) if text)


def _unknown(truth: Truth, capability: str, symbol: Symbol) -> str:
    return f"not known, since the facts about {symbol.language} lack {capability}: " if truth is None else ""


def _missed_calls(predicate: Calls, symbol: Symbol, view: View) -> str:
    """Which globs nothing fits, and what there is instead."""
    missed = [g.text for g in predicate.globs if view.call_path(symbol.id, g, predicate.transitively) is None]
    edges = view.context.calls_from(symbol.id)
    inside = list(dict.fromkeys(_target(edge, view.context) for edge in edges if edge.callee is not None))
    outside = list(dict.fromkeys(edge.external for edge in edges if edge.external is not None))
    there = [f"it calls {_listed(inside) if inside else 'nothing in the repository'}"]
    there += [f"and, elsewhere or unresolved, {_listed(outside)}"] if outside else []
    what = "no way of calls to" if predicate.transitively else "no call of"
    return f"{what} {either(missed)}; {' '.join(there)}"


def _target(edge: CallEdge, context: SuggestContext) -> str:
    callee = context.by_id.get(edge.callee or "")
    return callee.qualified_name if callee is not None else edge.callee or edge.external or ""


def _call_lines(predicate: Calls, symbol: Symbol, view: View) -> Iterator[str]:
    """Each call of the paths to what the globs fit, with its place; of direct calls, those alone."""
    for glob in predicate.globs:
        path = view.call_path(symbol.id, glob, predicate.transitively)
        if path is not None:
            yield from _hops(path, symbol, view.context)


def _hops(path: CallPath | None, symbol: Symbol, context: SuggestContext) -> Iterator[str]:
    at: Symbol | None = symbol
    while path is not None and at is not None:
        edges = [
            edge
            for edge in context.calls_from(at.id)
            if edge.line == path.line and _target(edge, context) == path.target
        ]
        edge = edges[0] if edges else None
        sure = "" if edge is None or edge.callee is None or edge.resolution == "exact" else f" ({edge.resolution})"
        yield f"{at.file}:{path.line}: {at.qualified_name} calls {path.target}{sure}"
        at = context.by_id.get(edge.callee or "") if edge is not None else None
        path = path.rest


def _listed(names: Sequence[str]) -> str:
    more = [f"{len(names) - _SHOWN} more"] if len(names) > _SHOWN else []
    return ", ".join([*names[:_SHOWN], *more])
