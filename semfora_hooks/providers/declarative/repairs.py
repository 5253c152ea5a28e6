"""What to change in a rule so that it fires on a symbol, or no longer does."""

from __future__ import annotations

from collections.abc import Iterator

from semfora_hooks.model import Symbol
from semfora_hooks.providers.declarative.globs import PathGlob
from semfora_hooks.providers.declarative.predicates import Bound, Flag, Named, OneOf, Placed
from semfora_hooks.providers.declarative.trace import Step, Trace
from semfora_hooks.providers.declarative.view import View


def make_fire(traced: Trace, view: View) -> Iterator[str]:
    """A line for each key that keeps the rule silent: with all of them changed, it fires on the symbol."""
    for step, wanted in traced.blockers():
        yield _repair(step, wanted, traced.symbol, view)


def make_silent(traced: Trace, view: View) -> Iterator[str]:
    """Lines of which one is enough: stricter limits where the rule has some, and a key that leaves the symbol out."""
    for _, steps in traced.sections:
        for step in steps:
            if step.leaf is not None and isinstance(step.leaf.predicate, Bound):
                yield _repair(step, False, traced.symbol, view)
    yield f"add 'not: {{name: {traced.symbol.name}}}'"


def _repair(step: Step, wanted: bool, symbol: Symbol, view: View) -> str:
    """How one key comes to answer otherwise."""
    if step.leaf is None:
        return f"add 'kind: {symbol.kind}' to 'match'" if not step.parts else f"leave '{step.text}' out"
    key, _, value = step.leaf.shown.partition(": ")
    better: str | None = None
    match step.leaf.predicate:
        case Flag(wanted=flag):
            better = str(not flag).lower()
        case Bound() as bound:
            better = _limit(bound, wanted, view.metric(symbol, bound.metric))
        case Named() if wanted:
            better = f"[{value}, {symbol.name}]"
        case OneOf(attribute=attribute, wanted=True) if wanted:
            better = f"[{value}, {getattr(symbol, attribute)}]"
        case Placed(globs=globs) if wanted:
            better = f"[{value}, {symbol.file if isinstance(globs[0], PathGlob) else symbol.module}]"
        case _:
            pass
    return f"leave '{step.text}' out" if better is None else f"'{key}: {better}' instead of '{step.text}'"


def _limit(bound: Bound, wanted: bool, value: int | None) -> str | None:
    """The limit that a value satisfies, or does not; `None` where there is none."""
    if value is None:
        return None
    if bound.relation == "exactly":
        return str(value) if wanted else None
    limit = value if (bound.relation == "min") is wanted else value - 1 if wanted else value + 1
    return str(limit) if limit >= 0 else None
