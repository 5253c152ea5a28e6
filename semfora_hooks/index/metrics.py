"""Numbers a symbol gets from the call graph: who calls it, how often, what it calls, whether it calls itself."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

from semfora_hooks.index.graph import strongly_connected
from semfora_hooks.languages.facts import SymbolFacts
from semfora_hooks.model import CALLABLE_KINDS, CLASS_KINDS, CallEdge, Metrics


class CallStatistics:
    """Counts over the call graph; calls of a symbol by itself count for its fan-out only."""

    def __init__(self, calls: Iterable[CallEdge]) -> None:
        self.callers: defaultdict[str, set[str]] = defaultdict(set)
        self._sites: Counter[str] = Counter()
        self._targets: defaultdict[str, set[str]] = defaultdict(set)
        exact: defaultdict[str, list[str]] = defaultdict(list)
        for edge in calls:
            if edge.callee is None:
                self._targets[edge.caller].add(f"\0{edge.external}")
                continue
            if edge.caller != edge.callee:
                self.callers[edge.callee].add(edge.caller)
                self._sites[edge.callee] += edge.count
            self._targets[edge.caller].add(edge.callee)
            if edge.resolution == "exact":
                exact[edge.caller].append(edge.callee)
        # SonarSource's definition adds one to each method in a recursion cycle; a guessed edge must not make one.
        self.recursive = {symbol for component in strongly_connected(exact) for symbol in component}

    def counts(self, identity: str) -> tuple[int, int, bool]:
        """Distinct callers, call sites, and whether the symbol calls itself, in however many steps."""
        return len(self.callers.get(identity, ())), self._sites.get(identity, 0), identity in self.recursive

    def is_called(self, identity: str) -> bool:
        """Whether another symbol calls this one."""
        return bool(self.callers.get(identity))

    def metrics(self, identity: str, facts: SymbolFacts) -> Metrics:
        """All metrics of a symbol."""
        return symbol_metrics(
            facts,
            is_recursive=identity in self.recursive,
            fan_in=len(self.callers.get(identity, ())),
            fan_out=len(self._targets.get(identity, ())),
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
