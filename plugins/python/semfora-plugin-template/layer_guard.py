"""Calls must not go up, from a lower layer of the architecture into a higher one.

The manifest's `config.layers` names the layers from the uppermost to the lowest. A symbol is in the first of them
that is one of the dotted parts of its module.
"""

from __future__ import annotations

from collections.abc import Iterator

from semfora_plugin import (
    CallEdge,
    Evidence,
    Graph,
    Recommendation,
    SuggestContext,
    Symbol,
    SymbolRef,
    export,
)

CONFIDENCE = {"exact": 0.95, "inferred": 0.7, "name": 0.4}


def evaluate(context: SuggestContext) -> Iterator[Recommendation]:
    """One finding for each pair of symbols, at its first call.

    Raises:
        PluginError: `config.layers` is something else than a list of strings.
    """
    layers = context.strings("layers")
    graph = Graph(context)
    layer_of = {symbol.id: layer(symbol, layers) for symbol in context.symbols}
    seen = set()
    for call in context.calls:
        ends = graph.ends(call)
        if ends is None:
            continue
        caller, callee = ends
        lower, upper = layer_of[caller.id], layer_of[callee.id]
        if lower is None or upper is None or lower <= upper or (caller.id, callee.id) in seen:
            continue
        seen.add((caller.id, callee.id))
        yield finding(call, caller, callee, layers, lower, upper)


def layer(symbol: Symbol, layers: list[str]) -> int | None:
    """The position of the symbol's layer."""
    parts = symbol.module.split(".")
    return next((position for position, name in enumerate(layers) if name in parts), None)


def finding(
    call: CallEdge, caller: Symbol, callee: Symbol, layers: list[str], lower: int, upper: int
) -> Recommendation:
    """What is reported about a call."""
    return Recommendation(
        id=f"layer-guard:{caller.id}->{callee.id}",
        category="custom:architecture",
        severity="error" if call.resolution == "exact" else "warning",
        confidence=CONFIDENCE.get(call.resolution, CONFIDENCE["name"]),
        title=f"`{caller.qualified_name}` ({layers[lower]}) calls `{callee.qualified_name}` ({layers[upper]})",
        description=f"Layer `{layers[lower]}` must not depend on layer `{layers[upper]}`; "
        f"the order is {' > '.join(layers)}.",
        symbols=[SymbolRef.of(caller), SymbolRef.of(callee)],
        suggestion=f"Move the call up, or pass what `{caller.name}` needs as an argument.",
        evidence=[Evidence("call", f"line {call.line}", symbol=callee.id)],
        metrics={"distance": lower - upper},
    )


WitWorld = export(evaluate)
