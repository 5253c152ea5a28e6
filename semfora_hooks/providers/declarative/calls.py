"""What a condition asks of the call graph around a symbol."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from semfora_hooks.model import Symbol
from semfora_hooks.providers.declarative.globs import NameGlob
from semfora_hooks.providers.declarative.predicates import Observation, presence
from semfora_hooks.providers.declarative.symbolindex import Answer, SymbolIndex
from semfora_hooks.providers.declarative.view import Truth, View, either


@dataclass(frozen=True, slots=True)
class Calls:
    """The symbol calls something that fits each glob; with `wanted` false, nothing that fits any.

    `transitively` counts what its callees call as well, at any distance.
    """

    globs: tuple[NameGlob, ...]
    wanted: bool = True
    transitively: bool = False

    def holds(self, symbol: Symbol, view: View) -> Truth:
        """The answer; no known call means no call only where calls are known."""
        found = (view.call_path(symbol.id, glob, self.transitively) is not None for glob in self.globs)
        if all(found) if self.wanted else any(found):
            return self.wanted
        return not self.wanted if "calls" in view.capabilities else None

    def ask(self, index: SymbolIndex) -> Answer:
        """All symbols with such calls, or without."""
        found = [index.calling(glob, self.transitively) for glob in self.globs]
        return presence(found, self.wanted, index.everything if "calls" in index.view.capabilities else 0)

    def observe(self, symbol: Symbol, view: View) -> Observation:
        """The path of calls, or that there is none."""
        paths = [path for glob in self.globs if (path := view.call_path(symbol.id, glob, self.transitively))]
        if not paths:
            return Observation("no such call" + (" on any path" if self.transitively else ""), kind="call_path")
        text = "; ".join(" -> ".join([symbol.name, *path.names()]) for path in paths)
        return Observation(text, min(path.strength for path in paths), line=paths[0].line, kind="call_path")

    def words(self) -> str:
        """Such as "calls db.execute, directly or through others"."""
        far = ", directly or through others" if self.transitively else ""
        if self.wanted:
            return f"calls {' and '.join(glob.text for glob in self.globs)}{far}"
        return f"does not call {either(glob.text for glob in self.globs)}{far}"


@dataclass(frozen=True, slots=True)
class CalledBy:
    """For each glob, something that fits it calls the symbol."""

    globs: tuple[NameGlob, ...]

    def holds(self, symbol: Symbol, view: View) -> Truth:
        """The answer; no known caller means none only where calls are known."""
        if all(any(glob.matches(name) for name, _ in view.callers(symbol)) for glob in self.globs):
            return True
        return False if "calls" in view.capabilities else None

    def ask(self, index: SymbolIndex) -> Answer:
        """All symbols with such callers."""
        found = [index.called_by(glob) for glob in self.globs]
        return presence(found, True, index.everything if "calls" in index.view.capabilities else 0)

    def observe(self, symbol: Symbol, view: View) -> Observation:
        """The callers."""
        return _observe_callers(symbol, view, self.globs)

    def words(self) -> str:
        """Such as "is called by api.*"."""
        return f"is called by {' and '.join(glob.text for glob in self.globs)}"


@dataclass(frozen=True, slots=True)
class NoCallers:
    """Nothing but the symbol itself calls it; with `wanted` false, something does."""

    wanted: bool

    def holds(self, symbol: Symbol, view: View) -> Truth:
        """The answer; nobody is known not to call what can be reached in ways unknown."""
        if any(True for _ in view.callers(symbol)):
            return not self.wanted
        if "calls" not in view.capabilities or symbol.reachability == "unknown":
            return None
        return self.wanted

    def ask(self, index: SymbolIndex) -> Answer:
        """All symbols that nothing calls, or that something does."""
        called = index.called
        told = index.everything & ~index.having("reachability", "unknown")
        known = called | told if "calls" in index.view.capabilities else called
        return Answer(known & ~called if self.wanted else called, known)

    def observe(self, symbol: Symbol, view: View) -> Observation:
        """The callers. What is referenced may be called through the reference, so that weighs less."""
        if symbol.reachability == "referenced" and not any(True for _ in view.callers(symbol)):
            return Observation("no calls, but it is referenced as a value", strength=0.6, kind="counter_evidence")
        return _observe_callers(symbol, view)

    def words(self) -> str:
        """Such as "has no callers"."""
        return "has no callers" if self.wanted else "has callers"


def _observe_callers(symbol: Symbol, view: View, globs: Iterable[NameGlob] = ()) -> Observation:
    callers = sorted(view.callers(symbol))
    wanted = [c for c in callers if any(glob.matches(c[0]) for glob in globs)] or callers
    if not wanted:
        return Observation("no callers", kind="call_path")
    names = ", ".join(name for name, _ in wanted[:3]) + (f" and {len(wanted) - 3} more" if len(wanted) > 3 else "")
    return Observation(f"called by {names}", max(strength for _, strength in wanted), kind="call_path")
