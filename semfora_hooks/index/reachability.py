"""Whether anything refers to a symbol: by a call, by name, from outside, or by a name put together at run time."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from semfora_hooks.index.names import FileEntry
from semfora_hooks.languages.facts import SymbolFacts
from semfora_hooks.model import Reachability

# Methods named after a class, `visit_Name`: chosen by the name of a type, however that name is put together.
_DISPATCHED = re.compile(r"_*[a-z]\w*_[A-Z]\w*")
_MIN_FRAGMENT = 3  # characters of a string like "visit_" before it can stand for the names that begin with it


class References:
    """The names that code and strings mention.

    Attributes:
        mentions: Name to how often it stands somewhere other than in its own definition.
    """

    def __init__(self, entries: Iterable[FileEntry]) -> None:
        totals: Counter[str] = Counter()
        fragments: set[str] = set()
        self._defined: set[str] = set()
        for entry in entries:
            totals.update(entry.facts.mentions)
            fragments.update(entry.facts.fragments)
            for symbol in entry.facts.symbols:
                self._defined.add(symbol.name)
                if symbol.own_mentions:
                    totals[symbol.name] -= symbol.own_mentions
        self.mentions = {name: count for name, count in sorted(totals.items()) if count > 0}
        usable = sorted(name for name in fragments if len(name) >= _MIN_FRAGMENT and name.strip("_"))
        self._prefixes = tuple(name for name in usable if name.endswith("_"))
        self._suffixes = tuple(name for name in usable if name.startswith("_") and not name.endswith("_"))

    def reachability(self, symbol: SymbolFacts, *, entry_point: str, is_called: bool) -> Reachability:
        """How a symbol is reached; `unknown` where its name may be put together at run time."""
        if is_called:
            return "called"
        if entry_point != "none":
            return "entry_point"
        if self.mentions.get(symbol.name):
            return "referenced"
        return "unknown" if self._may_be_composed(symbol) else "unreferenced"

    def _may_be_composed(self, symbol: SymbolFacts) -> bool:
        name = symbol.name
        if name.startswith(self._prefixes) or name.endswith(self._suffixes):
            return True  # `getattr(self, "visit_" + kind)`
        if symbol.kind == "method" and _DISPATCHED.fullmatch(name):
            return True
        bare = name.lstrip("_")  # `getattr(self, "_" + name)`
        return bare != name and bare in self.mentions and bare not in self._defined
