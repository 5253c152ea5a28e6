"""Whether anything refers to a symbol: by a call, by name, from outside, or by a name put together at run time."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Protocol

from semfora_hooks.languages.facts import FileFacts, SymbolFacts
from semfora_hooks.model import Reachability

# Methods named after a class, `visit_Name`: chosen by the name of a type, however that name is put together.
_DISPATCHED = re.compile(r"_*[a-z]\w*_[A-Z]\w*")
_MIN_FRAGMENT = 3  # characters of a string like "visit_" before it can stand for the names that begin with it


class Vocabulary(Protocol):
    """What the code and the strings of a repository mention."""

    def is_mentioned(self, name: str) -> bool:
        """Whether a name stands somewhere other than in its own definition."""
        ...

    def is_defined(self, name: str) -> bool:
        """Whether some symbol has that name."""
        ...

    def has_fragment_of(self, name: str) -> bool:
        """Whether a string holds a part of a name that `name` can be put together from."""
        ...


class References:
    """The vocabulary of a whole repository.

    Attributes:
        mentions: Name to how often it stands somewhere other than in its own definition.
    """

    def __init__(self) -> None:
        self.mentions: Mapping[str, int] = {}
        self._totals: Counter[str] = Counter()
        self._fragments: set[str] = set()
        self._defined: set[str] = set()
        self._prefixes: tuple[str, ...] = ()
        self._suffixes: tuple[str, ...] = ()

    def add(self, facts: FileFacts) -> None:
        """Read a file."""
        self._totals.update(facts.mentions)
        self._fragments.update(facts.fragments)
        for symbol in facts.symbols:
            self._defined.add(symbol.name)
            if symbol.own_mentions:
                self._totals[symbol.name] -= symbol.own_mentions

    def complete(self) -> None:
        """All files were read; no question can be answered before."""
        self.mentions = {name: count for name, count in sorted(self._totals.items()) if count > 0}
        self._totals.clear()
        usable = sorted(name for name in self._fragments if is_usable(name))
        self._prefixes = tuple(name for name in usable if name.endswith("_"))
        self._suffixes = tuple(name for name in usable if not name.endswith("_"))

    def is_mentioned(self, name: str) -> bool:
        """See `Vocabulary`."""
        return name in self.mentions

    def is_defined(self, name: str) -> bool:
        """See `Vocabulary`."""
        return name in self._defined

    def has_fragment_of(self, name: str) -> bool:
        """See `Vocabulary`."""
        return name.startswith(self._prefixes) or name.endswith(self._suffixes)


def is_usable(fragment: str) -> bool:
    """Whether a part of a name, from a string, is long enough to stand for the names that begin or end with it."""
    if len(fragment) < _MIN_FRAGMENT or not fragment.strip("_"):
        return False
    return fragment.endswith("_") or fragment.startswith("_")


def is_part_of(fragment: str, name: str) -> bool:
    """Whether `name` can be put together from a usable fragment."""
    return name.startswith(fragment) if fragment.endswith("_") else name.endswith(fragment)


def possible_parts(name: str) -> list[str]:
    """All fragments that `name` could be put together from."""
    heads = [name[: i + 1] for i, character in enumerate(name) if character == "_"]
    tails = [name[i:] for i, character in enumerate(name) if character == "_" and not name.endswith("_")]
    return [part for part in dict.fromkeys((*heads, *tails)) if is_usable(part)]


def reachability(symbol: SymbolFacts, words: Vocabulary, *, entry_point: str, is_called: bool) -> Reachability:
    """How a symbol is reached; `unknown` where its name may be put together at run time."""
    if is_called:
        return "called"
    if entry_point != "none":
        return "entry_point"
    if words.is_mentioned(symbol.name):
        return "referenced"
    return "unknown" if _may_be_composed(symbol, words) else "unreferenced"


def _may_be_composed(symbol: SymbolFacts, words: Vocabulary) -> bool:
    name = symbol.name
    if words.has_fragment_of(name):
        return True  # `getattr(self, "visit_" + kind)`
    if symbol.kind == "method" and _DISPATCHED.fullmatch(name):
        return True
    bare = name.lstrip("_")  # `getattr(self, "_" + name)`
    return bare != name and words.is_mentioned(bare) and not words.is_defined(bare)
