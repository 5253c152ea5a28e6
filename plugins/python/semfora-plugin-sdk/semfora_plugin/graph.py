"""Look-ups by id and module, and along calls. All lists are in the order of the context."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from .context import CallEdge, Module, SuggestContext, Symbol


class Graph:
    """An index of a context. Build it once."""

    def __init__(self, context: SuggestContext) -> None:
        self._symbols = {symbol.id: symbol for symbol in context.symbols}
        self._modules = {module.name: module for module in context.modules}
        self._from: defaultdict[str, list[CallEdge]] = defaultdict(list)
        self._to: defaultdict[str, list[CallEdge]] = defaultdict(list)
        self._members: defaultdict[str, list[Symbol]] = defaultdict(list)
        self._children: defaultdict[str, list[Symbol]] = defaultdict(list)
        for symbol in context.symbols:
            self._members[symbol.module].append(symbol)
            if symbol.parent is not None:
                self._children[symbol.parent].append(symbol)
        for call in context.calls:
            self._from[call.caller].append(call)
            if call.callee is not None:
                self._to[call.callee].append(call)

    def symbol(self, symbol_id: str | None) -> Symbol | None:
        """The symbol with this id; `None` is normal where a projection left it out."""
        return None if symbol_id is None else self._symbols.get(symbol_id)

    def module(self, name: str) -> Module | None:
        """The module of this name."""
        return self._modules.get(name)

    def ends(self, call: CallEdge) -> tuple[Symbol, Symbol] | None:
        """Caller and callee, where both are in the context."""
        caller, callee = self.symbol(call.caller), self.symbol(call.callee)
        return None if caller is None or callee is None else (caller, callee)

    def calls_from(self, symbol_id: str) -> Sequence[CallEdge]:
        """The calls that the symbol makes."""
        return self._from.get(symbol_id, ())

    def calls_to(self, symbol_id: str) -> Sequence[CallEdge]:
        """The calls that reach the symbol."""
        return self._to.get(symbol_id, ())

    def callers_of(self, symbol_id: str) -> list[Symbol]:
        """The symbols that call this one, each once."""
        return self._known(call.caller for call in self.calls_to(symbol_id))

    def callees_of(self, symbol_id: str) -> list[Symbol]:
        """The symbols that this one calls, each once."""
        return self._known(call.callee for call in self.calls_from(symbol_id))

    def symbols_in(self, module: str) -> Sequence[Symbol]:
        """The symbols of a module."""
        return self._members.get(module, ())

    def children_of(self, symbol_id: str) -> Sequence[Symbol]:
        """The symbols directly inside this one."""
        return self._children.get(symbol_id, ())

    def _known(self, ids: Iterable[str | None]) -> list[Symbol]:
        return [symbol for symbol in map(self.symbol, dict.fromkeys(ids)) if symbol is not None]
