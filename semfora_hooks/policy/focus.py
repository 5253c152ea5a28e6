"""What rules of symbol and of module granularity see of a change: what it is about, and what stands around that.

Both sides are narrowed to the same ids, told from both, so that whatever is shown in part is shown in the same part on
either side: a finding that does not come from the change is then on both, and no news.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from typing import Any

import msgspec

from semfora_hooks.context import SuggestContext
from semfora_hooks.hookspecs import Rule
from semfora_hooks.model import CallEdge, Symbol

_NO_PLACE = {"start_line": 0, "end_line": 0, "start_column": 0}


class Focus:
    """What a change is about, and views of its sides that show no more than that asks for.

    Args:
        before: The side before, whole or the part that the change reaches.
        after: The side after.
        files: Outside of these nothing differs; everything is looked at where `None`.

    Attributes:
        symbols: Ids of the symbols that differ other than in their place, whose calls or callers do, or whose lines
            were changed; on either side.
        modules: The modules of those symbols.
    """

    def __init__(self, before: SuggestContext, after: SuggestContext, files: Container[str] | None = None) -> None:
        self.symbols = frozenset(
            {*_differing(before, after, files), *_ends(_calls(before) ^ _calls(after)), *after.scope.symbols}
        )
        sides = (before, after)
        self.modules = frozenset(
            side.by_id[identity].module for side in sides for identity in self.symbols if identity in side.by_id
        )
        self._groups = frozenset(before.duplicates) ^ frozenset(after.duplicates)
        self._views: dict[tuple[int, str], tuple[SuggestContext, SuggestContext]] = {}

    def view(self, rule: Rule, side: SuggestContext) -> SuggestContext:
        """What a rule sees of a side: with the locality `focus` no more than its granularity needs, else all of it."""
        if getattr(rule, "locality", None) != "focus" or rule.granularity not in ("symbol", "module"):
            return side
        key = (id(side), rule.granularity)
        if key not in self._views:
            self._views[key] = (side, self._narrow(side, whole_modules=rule.granularity == "module"))
        return self._views[key][1]

    def _narrow(self, side: SuggestContext, *, whole_modules: bool) -> SuggestContext:
        inside = set(self.symbols)
        if whole_modules:
            inside.update(symbol.id for symbol in side.symbols if symbol.module in self.modules)
        calls = tuple(call for call in side.calls if call.caller in inside or call.callee in inside)
        shown = inside.union(_ends(map(_call_key, calls)))
        return msgspec.structs.replace(
            side,
            symbols=tuple(symbol for symbol in side.symbols if symbol.id in shown),
            calls=calls,
            modules=tuple(module for module in side.modules if module.name in self.modules),
            imports=(),
            duplicates=tuple(group for group in side.duplicates if group in self._groups),
            mentions={},
            scope=msgspec.structs.replace(
                side.scope, symbols=tuple(symbol.id for symbol in side.symbols if symbol.id in self.symbols)
            ),
        )


def _differing(before: SuggestContext, after: SuggestContext, files: Container[str] | None) -> Iterable[str]:
    """Symbols of some files that one side alone has, or that differ in more than their place."""
    for one, other in ((before, after), (after, before)):
        for symbol in one.symbols:
            if files is None or symbol.file in files:
                known = other.by_id.get(symbol.id)
                if known is None or (known != symbol and _content(known) != _content(symbol)):
                    yield symbol.id


def _content(symbol: Symbol) -> Symbol:
    return msgspec.structs.replace(symbol, **_NO_PLACE)


def _call_key(call: CallEdge) -> tuple[Any, ...]:
    """A call without its line."""
    return call.caller, call.callee, call.external, call.count, call.resolution, call.in_try, call.is_awaited


def _calls(side: SuggestContext) -> set[tuple[Any, ...]]:
    return set(map(_call_key, side.calls))


def _ends(calls: Iterable[tuple[Any, ...]]) -> Iterable[str]:
    for caller, callee, *_ in calls:
        yield caller
        if callee is not None:
            yield callee
