"""Numbers a symbol gets from the call graph: who calls it, how often, what it calls, whether it calls itself."""

from __future__ import annotations

from collections import Counter

from semfora_hooks.index.calls import CallTable
from semfora_hooks.index.graph import strongly_connected
from semfora_hooks.languages.facts import SymbolFacts
from semfora_hooks.model import CALLABLE_KINDS, CLASS_KINDS, Metrics


class CallStatistics:
    """Counts over the call graph; calls of a symbol by itself count for its fan-out only.

    Args:
        calls: All calls.
    """

    def __init__(self, calls: CallTable) -> None:
        self._fan_in: dict[str, int] = {}
        self._fan_out: dict[str, int] = {}
        self._sites: Counter[str] = Counter()
        exact: dict[str, list[str]] = {}
        for caller, outside, symbols, sure in calls.targets():
            self._fan_out[caller] = len(outside) + len(symbols)
            symbols.pop(caller, None)
            for callee, sites in symbols.items():
                self._sites[callee] += sites
                self._fan_in[callee] = self._fan_in.get(callee, 0) + 1
            if sure:
                exact[caller] = sure
        # SonarSource's definition adds one to each method in a recursion cycle; a guessed edge must not make one.
        self.recursive = {symbol for component in strongly_connected(exact) for symbol in component}

    def counts(self, identity: str) -> tuple[int, int, bool]:
        """Distinct callers, call sites, and whether the symbol calls itself, in however many steps."""
        return self._fan_in.get(identity, 0), self._sites.get(identity, 0), identity in self.recursive

    def is_called(self, identity: str) -> bool:
        """Whether another symbol calls this one."""
        return identity in self._fan_in

    def metrics(self, identity: str, facts: SymbolFacts) -> Metrics:
        """All metrics of a symbol."""
        return symbol_metrics(
            facts,
            is_recursive=identity in self.recursive,
            fan_in=self._fan_in.get(identity, 0),
            fan_out=self._fan_out.get(identity, 0),
            sites=self._sites.get(identity, 0),
        )


def symbol_metrics(facts: SymbolFacts, *, is_recursive: bool, fan_in: int, fan_out: int, sites: int) -> Metrics:
    """A symbol's metrics from its facts and what the call graph says of it."""
    bound = facts.kind == "method" and bool(facts.arguments) and "staticmethod" not in facts.decorators
    return Metrics(
        cognitive_complexity=facts.cognitive + (facts.kind in CALLABLE_KINDS and is_recursive),
        cyclomatic_complexity=facts.cyclomatic if facts.kind not in CLASS_KINDS else 0,
        nesting_depth=facts.nesting_depth,
        loc=facts.loc,
        fan_in=fan_in,
        fan_out=fan_out,
        callers_count=sites,
        argument_count=len(facts.arguments) - bound,
    )
