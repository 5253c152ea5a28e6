"""What the predicates of one evaluation look up in a context, remembered while it lasts."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from semfora_hooks.context import SuggestContext
from semfora_hooks.model import CallEdge, Symbol
from semfora_hooks.providers.declarative.globs import NameGlob, dotted_path
from semfora_hooks.providers.declarative.postings import Postings

Truth = bool | None
"""True, false, or not known."""

BUILTINS = "builtins."
"""What a glob on callees starts with if it means nothing but a function that needs no import."""

TRUST = {"exact": 1.0, "inferred": 0.9, "name": 0.7}
"""How far a call's resolution can be trusted."""


@dataclass(frozen=True, slots=True)
class Metric:
    """A number about a symbol.

    Attributes:
        phrase: What it says of a symbol, with braces for the amount.
        capability: What the context must list for the number to mean anything.
        wide: Whether code elsewhere can change it.
    """

    phrase: str
    capability: str = "metrics"
    wide: bool = False


METRICS: Mapping[str, Metric] = {
    "cognitive_complexity": Metric("has a cognitive complexity of {}"),
    "cyclomatic_complexity": Metric("has a cyclomatic complexity of {}"),
    "nesting_depth": Metric("has a nesting depth of {}"),
    "loc": Metric("has {} lines of code"),
    "fan_in": Metric("is called by {} symbols", "calls", wide=True),
    "fan_out": Metric("calls {} different symbols", "calls"),
    "callers_count": Metric("is called from {} places", "calls", wide=True),
    "calls": Metric("makes {} calls", "calls"),
    "argument_count": Metric("takes {} arguments", "arguments"),
}


_SHOWN_HOPS = 6
"""Calls of a path that are named; of a longer one, the rest is counted."""


@dataclass(frozen=True, slots=True, eq=False)
class CallPath:
    """A shortest way from a symbol to what it calls, as a linked list: each symbol's way goes on in its callee's.

    Attributes:
        target: The qualified name of the first callee.
        line: Where the first call stands.
        strength: The trust in the weakest call of the way.
        length: How many calls it has.
        rest: The way from the first callee on; `None` at the end.
        end: What is called at the end.
    """

    target: str
    line: int
    strength: float
    length: int = 1
    rest: CallPath | None = None
    end: str = ""

    def names(self) -> Iterator[str]:
        """What is called, from the first callee to the end; the middle of a long way is left out, and said to be."""
        path: CallPath | None = self
        shown = 0
        while path is not None and path.rest is not None:
            if shown == _SHOWN_HOPS:
                yield f"({path.length - 1} more)"
                break
            yield path.target
            path, shown = path.rest, shown + 1
        yield self.end


class View:
    """A context with the look-ups of declarative rules."""

    def __init__(self, context: SuggestContext) -> None:
        self.context = context
        self.capabilities = frozenset(context.generator.capabilities)
        self.places: dict[tuple[object, str, str], bool] = {}
        self._dotted: dict[str, str] = {}
        self._imports: dict[str, Sequence[str] | None] = {}
        self._first_calls: dict[NameGlob, Mapping[str, CallEdge]] = {}
        self._reaching: dict[NameGlob, Mapping[str, CallPath]] = {}

    def dotted(self, file: str) -> str:
        """A file's path as a dotted name."""
        if file not in self._dotted:
            self._dotted[file] = dotted_path(file)
        return self._dotted[file]

    def metric(self, symbol: Symbol, name: str) -> int | None:
        """A metric's value, `None` where the context cannot tell."""
        if METRICS[name].capability not in self.capabilities:
            return None
        if name == "calls":
            return sum(edge.count for edge in self.context.calls_from(symbol.id))
        value: int = getattr(symbol.metrics, name)
        return value

    def imports(self, module: str) -> Sequence[str] | None:
        """What a module imports, repository modules also under their file's dotted path; `None` if it is unknown."""
        if module not in self._imports:
            record = self.context.module_by_name.get(module)
            names = None if record is None else [*record.imports, *record.external_imports]
            if record is not None and names is not None:
                files = {symbol.file for name in record.imports for symbol in self.context.by_module.get(name, ())[:1]}
                names += sorted({self.dotted(file) for file in files} - set(names))
            self._imports[module] = names
        return self._imports[module]

    def callers(self, symbol: Symbol) -> Iterator[tuple[str, float]]:
        """The qualified names of a symbol's callers other than itself, each with the call's trust."""
        for edge in self.context.calls_to(symbol.id):
            if edge.caller != symbol.id:
                caller = self.context.by_id.get(edge.caller)
                yield caller.qualified_name if caller else edge.caller, TRUST[edge.resolution]

    def call_path(self, symbol_id: str, glob: NameGlob, transitively: bool) -> CallPath | None:
        """How a symbol gets to call something that fits `glob`; the shortest way, `None` where there is none."""
        if transitively:
            return self.reaching(glob).get(symbol_id)
        edge = self.first_calls(glob).get(symbol_id)
        return None if edge is None else self._last_call(edge)

    def first_calls(self, glob: NameGlob) -> Mapping[str, CallEdge]:
        """Each symbol that calls something that fits `glob`, with the first such call."""
        if glob not in self._first_calls:
            table = self._calls_with_builtins if glob.text.startswith(BUILTINS) else self._calls_by_name
            edges = self.context.calls
            first: dict[str, CallEdge] = {}
            for position in sorted(table.positions(glob)):
                first.setdefault(edges[position].caller, edges[position])
            self._first_calls[glob] = first
        return self._first_calls[glob]

    @cached_property
    def _calls_by_name(self) -> Postings:
        return Postings((self._name(edge), position) for position, edge in enumerate(self.context.calls))

    @cached_property
    def _calls_with_builtins(self) -> Postings:
        return Postings((self._full_name(edge), position) for position, edge in enumerate(self.context.calls))

    def reaching(self, glob: NameGlob) -> Mapping[str, CallPath]:
        """Each symbol that gets to `glob`, with a shortest way: a search backwards from the ends."""
        if glob not in self._reaching:
            paths = {caller: self._last_call(edge) for caller, edge in self.first_calls(glob).items()}
            queue = deque(paths)
            while queue:
                reached = queue.popleft()
                rest = paths[reached]
                for edge in self.context.calls_to(reached):
                    if edge.caller not in paths:
                        strength = min(self._trust(edge), rest.strength)
                        target = self._name(edge)
                        paths[edge.caller] = CallPath(target, edge.line, strength, rest.length + 1, rest, rest.end)
                        queue.append(edge.caller)
            self._reaching[glob] = paths
        return self._reaching[glob]

    def _last_call(self, edge: CallEdge) -> CallPath:
        name = self._name(edge)
        return CallPath(name, edge.line, self._trust(edge), end=name)

    def _full_name(self, edge: CallEdge) -> str:
        """The callee's name. A bare one outside the repository is a built-in, or a local one that nobody can tell."""
        name = self._name(edge)
        return BUILTINS + name if edge.callee is None and "." not in name else name

    def _name(self, edge: CallEdge) -> str:
        if edge.callee is None:
            return edge.external or ""
        callee = self.context.by_id.get(edge.callee)
        return callee.qualified_name if callee else edge.callee

    @staticmethod
    def _trust(edge: CallEdge) -> float:
        return 1.0 if edge.callee is None else TRUST[edge.resolution]


def either(texts: Iterable[str]) -> str:
    """`a, b or c`, in sorted order for sets."""
    names = sorted(texts) if isinstance(texts, (set, frozenset)) else list(texts)
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"
