"""Findings and symbols to judge."""

from __future__ import annotations

from typing import Any

from semfora_hooks.context import SuggestContext
from semfora_hooks.hookspecs import Rule
from semfora_hooks.model import Generator, Recommendation, Repository, Severity, Symbol, SymbolRef


class AnyRule(Rule):
    """A rule of the given id that finds nothing."""

    severity = Severity.WARNING
    description = "Any."

    def __init__(self, name: str, group: str = "group", category: str = "custom:any", recommended: bool = True) -> None:
        self.id, self.group, self.category, self.recommended = name, group, category, recommended

    def evaluate(self, context: SuggestContext) -> list[Recommendation]:
        return []


def symbol(name: str = "f", file: str = "a.py", line: int = 1, **fields: Any) -> Symbol:
    module = file.removesuffix(".py").replace("/", ".")
    values = {
        "id": f"{file}::{name}",
        "name": name,
        "qualified_name": f"{module}.{name}",
        "kind": "function",
        "module": module,
        "file": file,
        "start_line": line,
        "end_line": line + 9,
        "start_column": 1,
        "language": "python",
        "entry_point": "none",
        "reachability": "called",
    }
    return Symbol(**{**values, **fields})


def context(*symbols: Symbol) -> SuggestContext:
    return SuggestContext(
        generator=Generator(version="0"), repository=Repository(name="r"), symbols=symbols or (symbol(),)
    )


def finding(where: Symbol | None = None, **fields: Any) -> Recommendation:
    values: dict[str, Any] = {
        "rule_id": "rule",
        "title": "Title",
        "severity": Severity.WARNING,
        "confidence": 0.8,
        "symbols": () if where is None else (SymbolRef.of(where),),
    }
    return Recommendation(**{**values, **fields})
