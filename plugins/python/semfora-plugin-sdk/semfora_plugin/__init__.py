"""Write plugins of semfora-hooks in Python.

A plugin is one function from a `SuggestContext` to `Recommendation`s, and the line that exports it:

    def evaluate(context: SuggestContext) -> list[Recommendation]: ...

    WitWorld = export(evaluate)
"""

from .context import (
    Argument,
    CallEdge,
    ChangedFile,
    ControlFlow,
    Duplicate,
    Generator,
    Metrics,
    Module,
    PluginError,
    Repository,
    Scope,
    SuggestContext,
    Symbol,
    TypeCheck,
)
from .graph import Graph
from .plugin import evaluate_json, export
from .recommendation import Evidence, Recommendation, SymbolRef

__all__ = [
    "Argument",
    "CallEdge",
    "ChangedFile",
    "ControlFlow",
    "Duplicate",
    "Evidence",
    "Generator",
    "Graph",
    "Metrics",
    "Module",
    "PluginError",
    "Recommendation",
    "Repository",
    "Scope",
    "SuggestContext",
    "Symbol",
    "SymbolRef",
    "TypeCheck",
    "evaluate_json",
    "export",
]
