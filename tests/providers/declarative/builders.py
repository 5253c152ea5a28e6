"""Contexts and rules by hand: what the tests of declarative rules look at."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

from semfora_hooks.context import SuggestContext
from semfora_hooks.model import (
    Argument,
    CallEdge,
    ControlFlow,
    Generator,
    Metrics,
    Module,
    Recommendation,
    Repository,
    Symbol,
)
from semfora_hooks.providers.declarative.parsing import ParsedFile, parse_file
from semfora_hooks.providers.declarative.rule import DeclarativeRule

CAPABILITIES = ("arguments", "base_classes", "calls", "control_flow", "decorators", "imports", "metrics", "types")


def symbol(name: str = "load", **fields: Any) -> Symbol:
    """A function `name` in `src/api/loader.py`, with `fields` on top."""
    module = fields.pop("module", "api.loader")
    values: dict[str, Any] = {
        "id": f"{module}:{name}",
        "name": name.rpartition(".")[2],
        "qualified_name": f"{module}.{name}",
        "kind": "function",
        "module": module,
        "file": "src/api/loader.py",
        "start_line": 10,
        "end_line": 20,
        "start_column": 1,
        "language": "python",
        "entry_point": "none",
        "reachability": "unreferenced",
    }
    return Symbol(**{**values, **fields})


def flow(**counts: int) -> ControlFlow:
    """Control flow by the constructs' own names, with a trailing underscore for Python's keywords."""
    return ControlFlow(**counts)


def metrics(**values: int) -> Metrics:
    return Metrics(**values)


def arg(name: str, type: str | None = None) -> Argument:
    return Argument(name=name, type=type, kind="positional")


def call(caller: Symbol, target: Symbol | str, **fields: Any) -> CallEdge:
    """An edge to a symbol, or to a name outside the repository."""
    callee = {"callee": target.id} if isinstance(target, Symbol) else {"external": target}
    return CallEdge(**{"caller": caller.id, "count": 1, "line": 12, "resolution": "exact", **callee, **fields})


def module(name: str, imports: Sequence[str] = (), external: Sequence[str] = ()) -> Module:
    return Module(name=name, files=1, imports=tuple(imports), external_imports=tuple(external))


def context(
    *symbols: Symbol,
    calls: Iterable[CallEdge] = (),
    modules: Iterable[Module] = (),
    capabilities: Iterable[str] = CAPABILITIES,
) -> SuggestContext:
    return SuggestContext(
        generator=Generator(version="0", capabilities=tuple(capabilities)),
        repository=Repository(name="example"),
        symbols=list(symbols),
        calls=list(calls),
        modules=list(modules),
    )


def without(*missing: str) -> tuple[str, ...]:
    """All capabilities but some."""
    return tuple(capability for capability in CAPABILITIES if capability not in missing)


def parse(text: str, path: str = "r.yaml") -> ParsedFile:
    return parse_file(path, textwrap.dedent(text).encode())


def rule(text: str) -> DeclarativeRule:
    """The one rule of a text in which nothing is wrong."""
    parsed = parse(text)
    assert [str(error) for error in parsed.errors] == []
    (only,) = parsed.rules
    return only


def rule_of(condition: str) -> DeclarativeRule:
    """A rule with this condition, written in flow style without the outer braces."""
    return rule(f"name: example\ncondition: {{{condition}}}\n")


def fired(condition: str, in_context: SuggestContext) -> list[str]:
    """The names of the symbols on which a condition holds."""
    return [found.symbols[0].name for found in rule_of(condition).evaluate(in_context)]


def fires(condition: str, one: Symbol, **fields: Any) -> bool:
    return bool(fired(condition, context(one, **fields)))


def evaluate_one(text: str, in_context: SuggestContext) -> Recommendation:
    (only,) = rule(text).evaluate(in_context)
    return only


def problems(text: str) -> list[str]:
    """The first lines of the errors in a text, without the file's name."""
    return [error.message.splitlines()[0].removeprefix("r.yaml:") for error in parse(text).errors]


def hints(text: str) -> list[str | None]:
    return [error.hint for error in parse(text).errors]
