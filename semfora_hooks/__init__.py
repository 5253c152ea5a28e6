"""semfora-hooks: architecture recommendations for whole repositories.

The public names load when they are first used (PEP 562), so that importing the package costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOMES = {
    "hookspecs": ("Example", "Loaded", "RenderOptions", "Reporter", "Rule", "RuleProvider", "hookimpl"),
    "context": ("SuggestContext",),
    "model": (
        "CallEdge",
        "Duplicate",
        "Evidence",
        "Module",
        "Recommendation",
        "Report",
        "Severity",
        "Symbol",
        "SymbolRef",
    ),
    "config": ("Config", "load_config"),
    "engine": ("Request", "SuggestEngine"),
    "errors": ("SemforaError",),
    "wasm_runner": ("PluginFailuresError", "WasmPluginRunner"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

if TYPE_CHECKING:
    from semfora_hooks.config import Config, load_config
    from semfora_hooks.context import SuggestContext
    from semfora_hooks.engine import Request, SuggestEngine
    from semfora_hooks.errors import SemforaError
    from semfora_hooks.hookspecs import (
        Example,
        Loaded,
        RenderOptions,
        Reporter,
        Rule,
        RuleProvider,
        hookimpl,
    )
    from semfora_hooks.model import (
        CallEdge,
        Duplicate,
        Evidence,
        Module,
        Recommendation,
        Report,
        Severity,
        Symbol,
        SymbolRef,
    )
    from semfora_hooks.wasm_runner import PluginFailuresError, WasmPluginRunner

__all__ = [
    "CallEdge",
    "Config",
    "Duplicate",
    "Evidence",
    "Example",
    "Loaded",
    "Module",
    "PluginFailuresError",
    "Recommendation",
    "RenderOptions",
    "Report",
    "Reporter",
    "Request",
    "Rule",
    "RuleProvider",
    "SemforaError",
    "Severity",
    "SuggestContext",
    "SuggestEngine",
    "Symbol",
    "SymbolRef",
    "WasmPluginRunner",
    "__version__",
    "hookimpl",
    "load_config",
]


def __getattr__(name: str) -> Any:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"{__name__}.{home}"), name)


def __dir__() -> list[str]:
    return __all__
