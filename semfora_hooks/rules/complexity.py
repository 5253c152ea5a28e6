"""`complexity`: functions that are hard to follow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar

from msgspec import Meta

from semfora_hooks.context import SuggestContext
from semfora_hooks.hookspecs import Example
from semfora_hooks.model import CALLABLE_KINDS, ControlFlow, Evidence, Recommendation, Severity, Symbol, SymbolRef
from semfora_hooks.rules.options import BuiltinRule, Options, is_own_code, plural, shown


class ComplexityOptions(Options, frozen=True, kw_only=True):
    """Thresholds of `complexity`."""

    max_cognitive: Annotated[int, Meta(ge=0, description="Cognitive Complexity that is still fine.")] = 15
    max_cyclomatic: Annotated[
        int, Meta(ge=0, description="McCabe's number that is still fine; 0 does not look at it.")
    ] = 0
    warning_factor: Annotated[
        float, Meta(ge=1, description="From this many times the limit on, a finding is a warning; below, information.")
    ] = 2.0
    error_factor: Annotated[float, Meta(ge=1, description="From this many times the limit on, it is an error.")] = 5.0
    include_tests: Annotated[bool, Meta(description="Look at test code too.")] = False


class Complexity(BuiltinRule[ComplexityOptions]):
    """Fires on functions over a threshold; the further over, the more severe."""

    id = "complexity"
    group = "complexity"
    category = "complexity"
    severity = Severity.WARNING
    granularity = "symbol"
    locality = "file"
    uses_calls = False
    description = (
        "A function whose control flow is hard to follow. The measure is SonarSource's Cognitive Complexity: each break "
        "in the linear flow costs one, and one more for each level it is nested in. Severity grows with the excess."
    )
    remedy = (
        "Turn nested conditions into early returns, move the body of a loop or a branch that has a name of its own into "
        "a function, replace a chain of tests on one value by a table or a match statement."
    )
    options_type: ClassVar = ComplexityOptions

    def evaluate(self, context: SuggestContext) -> Iterator[Recommendation]:
        """Yield a finding for each function over a limit."""
        for symbol in context.symbols:
            if symbol.kind in CALLABLE_KINDS and is_own_code(symbol, tests=self.options.include_tests):
                parent = context.by_id.get(symbol.parent or "")
                if parent is not None and parent.kind in CALLABLE_KINDS and self._excess(parent) > 1:
                    continue  # a nested function counts in the one around it, which is reported
                yield from self._judge(symbol, context)

    def _excess(self, symbol: Symbol) -> float:
        """How many times over its limit the worse of the two measures is; at most 1 is fine."""
        metrics, options = symbol.metrics, self.options
        excess = metrics.cognitive_complexity / max(1, options.max_cognitive)
        if options.max_cyclomatic:
            excess = max(excess, metrics.cyclomatic_complexity / options.max_cyclomatic)
        return excess

    def _judge(self, symbol: Symbol, context: SuggestContext) -> Iterator[Recommendation]:
        excess = self._excess(symbol)
        if excess <= 1:
            return
        metrics, options = symbol.metrics, self.options
        flow, depth, inner = _with_inner(symbol, context)
        cognitive = metrics.cognitive_complexity
        severity = Severity.INFO
        if excess >= options.error_factor:
            severity = Severity.ERROR
        elif excess >= options.warning_factor:
            severity = Severity.WARNING
        parts = [
            f"{count} {name}"
            for name, count in (
                ("if/elif", flow.if_ + flow.elif_),
                ("else", flow.else_),
                ("loops", flow.for_ + flow.while_),
                ("except", flow.except_),
                ("match", flow.match),
                ("ternaries", flow.ternary),
                ("and/or", flow.boolean),
            )
            if count
        ]
        evidence = [
            Evidence(
                kind="metric",
                text=f"cognitive complexity {cognitive} (limit {options.max_cognitive}), nesting depth {depth}, "
                f"{metrics.loc} lines of code",
            ),
            Evidence(kind="control_flow", text=f"made of {', '.join(parts) or 'nested functions'}"),
        ]
        if options.max_cyclomatic and metrics.cyclomatic_complexity > options.max_cyclomatic:
            evidence.append(
                Evidence(
                    kind="metric",
                    text=f"cyclomatic complexity {metrics.cyclomatic_complexity} (limit {options.max_cyclomatic})",
                )
            )
        flat = depth <= 2
        yield Recommendation(
            title=f"`{shown(symbol)}` is hard to follow: cognitive complexity {cognitive}",
            description=(
                f"Its {flow.if_ + flow.elif_ + flow.for_ + flow.while_ + flow.match + flow.except_} branches and loops nest "
                f"{depth} deep"
                + (f", {plural(inner, 'inner function')} included." if inner else ".")
                + (" They stand side by side rather than inside each other, which is easier to read." if flat else "")
            ),
            severity=severity,
            confidence=min(0.95, (0.6 if flat else 0.75) + 0.05 * min(excess, 4)),
            symbols=(SymbolRef.of(symbol),),
            suggestion=_advice(symbol, flow, depth),
            evidence=tuple(evidence),
            metrics={
                "cognitive_complexity": cognitive,
                **({"cyclomatic_complexity": metrics.cyclomatic_complexity} if options.max_cyclomatic else {}),
            },
        )

    examples = (
        Example(
            fires=True,
            note="loops and conditions inside each other",
            files={
                "orders.py": """\
def match_orders(orders, stock, prices):
    matched = []
    for order in orders:
        if order.open:
            for item in stock:
                if item.sku == order.sku:
                    for price in prices:
                        if price.sku == item.sku and (price.valid or order.force):
                            matched.append((order, item, price))
                        elif order.strict:
                            raise ValueError(order)
    return matched
"""
            },
        ),
        Example(
            fires=False,
            note="the same amount of work, one level at a time",
            files={
                "orders.py": """\
def match_orders(orders, stock, prices):
    wanted = [order for order in orders if order.open]
    return [match for order in wanted for match in matches(order, stock, prices)]


def matches(order, stock, prices):
    for item in stock:
        if item.sku == order.sku:
            yield order, item, prices[item.sku]
"""
            },
        ),
        Example(
            fires=True,
            note="a lower limit, set in the configuration",
            options={"max-cognitive": 1},
            files={
                "pick.py": """\
def pick(values, limit):
    for value in values:
        if value > limit:
            return value
    return None
"""
            },
        ),
    )


def _with_inner(symbol: Symbol, context: SuggestContext) -> tuple[ControlFlow, int, int]:
    """Control flow and depth of a function with the functions inside it, and how many those are."""
    flow, depth, inner = symbol.control_flow, symbol.metrics.nesting_depth, 0
    for child in context.children(symbol.id):
        if child.kind in CALLABLE_KINDS:
            child_flow, child_depth, below = _with_inner(child, context)
            names = ControlFlow.__struct_fields__
            flow = ControlFlow(**{name: getattr(flow, name) + getattr(child_flow, name) for name in names})
            depth, inner = max(depth, child_depth + 1), inner + below + 1
    return flow, depth, inner


def _advice(symbol: Symbol, flow: ControlFlow, depth: int) -> str:
    metrics = symbol.metrics
    if flow.elif_ >= 5 and depth <= 3:
        return "Replace the long chain of conditions by a table of handlers or a match statement."
    if depth >= 4:
        return "Return or continue early to flatten it, and move the innermost blocks into functions with a name."
    if metrics.loc > 80:
        return "Split it at its stages: each block that needs a comment to explain it can be a function."
    return "Move a branch or the body of a loop that has a purpose of its own into a function."
