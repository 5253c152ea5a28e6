"""The specification of `layer-guard` (README.md) as plain Python, on a decoded context document."""

from __future__ import annotations

from typing import Any

BAD_CONFIG = "config.layers must be a list of strings"
_CONFIDENCE = {"exact": 0.95, "inferred": 0.7, "name": 0.4}


def evaluate(context: dict[str, Any]) -> list[dict[str, Any]] | dict[str, str]:
    """What a plugin must return for `context`, apart from JSON's freedoms."""
    layers = context.get("config", {}).get("layers")
    if layers is None:
        layers = []
    if not isinstance(layers, list) or not all(isinstance(name, str) for name in layers):
        return {"error": BAD_CONFIG}
    symbols = {symbol["id"]: symbol for symbol in context.get("symbols", [])}
    seen: set[tuple[str, str]] = set()
    found = []
    for call in context.get("calls", []):
        caller, callee = symbols.get(call["caller"]), symbols.get(call.get("callee"))
        if caller is None or callee is None:
            continue
        lower, upper = layer(caller, layers), layer(callee, layers)
        pair = (caller["id"], callee["id"])
        if lower is None or upper is None or lower <= upper or pair in seen:
            continue
        seen.add(pair)
        found.append(_finding(call, caller, callee, layers, lower, upper))
    return found


def layer(symbol: dict[str, Any], layers: list[str]) -> int | None:
    """The position of a symbol's layer, or `None` where it is in none."""
    parts = symbol["module"].split(".")
    return next((position for position, name in enumerate(layers) if name in parts), None)


def _finding(
    call: dict[str, Any], caller: dict[str, Any], callee: dict[str, Any], layers: list[str], lower: int, upper: int
) -> dict[str, Any]:
    return {
        "id": f"layer-guard:{caller['id']}->{callee['id']}",
        "category": "custom:architecture",
        "severity": "error" if call["resolution"] == "exact" else "warning",
        "confidence": _CONFIDENCE[call["resolution"]],
        "title": f"`{caller['qualified_name']}` ({layers[lower]}) calls `{callee['qualified_name']}` ({layers[upper]})",
        "description": f"Layer `{layers[lower]}` must not depend on layer `{layers[upper]}`; "
        f"the order is {' > '.join(layers)}.",
        "symbols": [_reference(caller), _reference(callee)],
        "suggestion": f"Move the call up, or pass what `{caller['name']}` needs as an argument.",
        "evidence": [{"kind": "call", "text": f"line {call['line']}", "symbol": callee["id"]}],
        "metrics": {"distance": lower - upper},
    }


def _reference(symbol: dict[str, Any]) -> dict[str, Any]:
    return {key: symbol[key] for key in ("id", "name", "file", "module", "start_line", "end_line", "start_column")}
