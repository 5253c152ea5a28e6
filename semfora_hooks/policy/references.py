"""How a change differs in the calls, imports and mentions of a name: read from the facts of the changed files."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

from semfora_hooks.languages.facts import FileFacts
from semfora_hooks.model import Symbol
from semfora_hooks.policy.moves import ChangedSide, inner_name

_SHOWN = 3  # places named in one sentence


class _Site(NamedTuple):
    """A call or an import of a name; what it is called by, without its line, tells whether it is the same one."""

    path: str
    line: int
    kind: str
    owner: str
    text: str

    @property
    def key(self) -> tuple[str, str, str]:
        return self.kind, self.owner, self.text


_Sites = Mapping[str, Sequence[tuple[_Site, int]]]
"""Name to where it is called or imported, and how often there."""


class Reference(NamedTuple):
    """How references to a name differ.

    Attributes:
        kind: `call`, `import` or `mention`.
        path: The first file with one, on the side that has it.
        line: Where in it; nobody knows for mentions.
        places: All of them in words: places, or files with mentions.
        total: How many there are.
    """

    kind: str
    path: str
    line: int | None
    places: tuple[str, ...]
    total: int = 1

    @property
    def phrase(self) -> str:
        """The same in words: `the call at api.py:12`."""
        if self.kind == "mention":
            return f"what names it in {_enumerated(self.places)}"
        noun = self.kind if self.total == 1 else f"{self.kind}s"
        return f"the {noun} at {_enumerated(self.places)}"


class References:
    """The references in the files of a change.

    Args:
        pairs: The changed files: each one's path before and after, `None` where it is not there.
        before: The side before.
        after: The side after.
    """

    def __init__(self, pairs: Sequence[tuple[str | None, str | None]], before: ChangedSide, after: ChangedSide) -> None:
        self._pairs = pairs
        self._sides = before, after

    @cached_property
    def _before(self) -> dict[str, _Sites]:
        facts = self._sides[0].facts
        return {old: _sites(old, facts[old]) for old, _ in self._pairs if old is not None and old in facts}

    @cached_property
    def _after(self) -> dict[str, _Sites]:
        facts = self._sides[1].facts
        return {new: _sites(new, facts[new]) for _, new in self._pairs if new is not None and new in facts}

    def lost(self, earlier: Symbol | None, symbol: Symbol) -> Reference | None:
        """What the change took away of the references to a symbol, which was `earlier` before."""
        return self._difference(earlier, symbol, is_loss=True)

    def gained(self, earlier: Symbol | None, symbol: Symbol) -> Reference | None:
        """What the change brought of them."""
        return self._difference(earlier, symbol, is_loss=False)

    def _difference(self, earlier: Symbol | None, symbol: Symbol, *, is_loss: bool) -> Reference | None:
        places: dict[str, Counter[tuple[str, int]]] = {"call": Counter(), "import": Counter()}
        mentions: set[str] = set()
        for old, new in self._pairs:
            sides = [
                (old, _from_outside(self._before.get(old or "", {}), earlier), self._mentions(0, old, symbol.name)),
                (new, _from_outside(self._after.get(new or "", {}), symbol), self._mentions(1, new, symbol.name)),
            ]
            (path, more, mentioned), (_, less, also) = sides if is_loss else reversed(sides)
            for site, surplus in _surplus(more, less):
                places[site.kind][site.path, site.line] += surplus
            if path is not None and mentioned > also:
                mentions.add(path)
        for kind, found in places.items():
            if found:
                told = tuple(_place(kind, *item) for item in sorted(found.items()))
                return Reference(kind, *min(found), told, found.total())
        return Reference("mention", min(mentions), None, tuple(sorted(mentions))) if mentions else None

    def _mentions(self, side: int, path: str | None, name: str) -> int:
        facts = None if path is None else self._sides[side].facts.get(path)
        return 0 if facts is None else facts.mentions.get(name, 0)


def _surplus(more: Sequence[tuple[_Site, int]], less: Sequence[tuple[_Site, int]]) -> Iterator[tuple[_Site, int]]:
    """The sites of which there are more than before, or than after, and by how many."""
    rest: Counter[tuple[str, str, str]] = Counter()
    for site, count in more:
        rest[site.key] += count
    for site, count in less:
        rest[site.key] -= count
    for site, count in more:
        if rest[site.key] > 0:
            yield site, min(count, rest[site.key])


def _place(kind: str, where: tuple[str, int], count: int) -> str:
    path, line = where
    return f"{path}:{line}" + (f" ({count} times)" if count > 1 and kind == "call" else "")


def _sites(path: str, facts: FileFacts) -> _Sites:
    """Where a file calls and imports names; a call by the name that an import gave counts for the imported one."""
    found: defaultdict[str, list[tuple[_Site, int]]] = defaultdict(list)
    aliases: dict[str, str] = {}
    for item in facts.imports:
        owner = facts.symbols[item.owner].qualified_name
        for name, alias in item.names:
            found[name].append((_Site(path, item.line, "import", owner, alias), 1))
            aliases[alias] = name
    for call in facts.calls:
        owner = facts.symbols[call.owner].qualified_name
        last = call.callee.rpartition(".")[2]
        name = aliases.get(last, last) if last == call.callee else last
        found[name].append((_Site(path, call.line, "call", owner, call.callee), call.count))
    return found


def _from_outside(sites: _Sites, symbol: Symbol | None) -> Sequence[tuple[_Site, int]]:
    """References to a symbol's name, but for those that it makes itself."""
    if symbol is None:
        return ()
    inner = inner_name(symbol)
    return [
        (site, count)
        for site, count in sites.get(symbol.name, ())
        if site.path != symbol.file or not (site.owner == inner or site.owner.startswith(f"{inner}."))
    ]


def _enumerated(places: Sequence[str]) -> str:
    shown, rest = places[:_SHOWN], len(places) - _SHOWN
    if rest > 0:
        return f"{', '.join(shown)} and {rest} more"
    return " and ".join(filter(None, (", ".join(shown[:-1]), shown[-1])))
