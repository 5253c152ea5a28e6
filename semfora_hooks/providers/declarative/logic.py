"""Conditions put together: conjunction, `any` and `not`, over true, false and unknown (Kleene's strong logic)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from semfora_hooks.model import Symbol
from semfora_hooks.providers.declarative.bitmaps import union
from semfora_hooks.providers.declarative.document import Place
from semfora_hooks.providers.declarative.keys import Key
from semfora_hooks.providers.declarative.predicates import Observation, Predicate
from semfora_hooks.providers.declarative.symbolindex import SymbolIndex
from semfora_hooks.providers.declarative.view import Truth, View


@dataclass(frozen=True, slots=True)
class Fact:
    """One key that decided, and what was seen. `positive` is false for a key under `not`."""

    text: str
    positive: bool
    observation: Observation


class Clause(ABC):
    """A part of a condition. `cost` orders the parts of a conjunction: the cheap ones are asked first."""

    cost: int

    @abstractmethod
    def holds(self, symbol: Symbol, view: View) -> Truth:
        """Whether the symbol satisfies it; `None` where the data cannot tell."""

    @abstractmethod
    def select(self, index: SymbolIndex, wanted: bool = True) -> int:
        """The symbols for which it is true (or false, with `wanted` false), as a set."""

    @abstractmethod
    def facts(self, symbol: Symbol, view: View, wanted: bool = True) -> Iterator[Fact]:
        """The keys that make it true (or false, with `wanted` false) for a symbol for which it is so."""

    @abstractmethod
    def words(self) -> str:
        """It, as the end of "a function that …"."""

    @abstractmethod
    def leaves(self, positive: bool = True) -> Iterator[tuple[Leaf, bool]]:
        """Every key below, with whether it stands under an even number of `not`s."""


@dataclass(frozen=True, slots=True, eq=False)
class Leaf(Clause):
    """One key with its value."""

    key: Key
    shown: str
    predicate: Predicate
    place: Place

    @property
    def cost(self) -> int:  # type: ignore[override]
        """The key's own."""
        return self.key.cost

    def holds(self, symbol: Symbol, view: View) -> Truth:
        """The predicate's answer."""
        return self.predicate.holds(symbol, view)

    def select(self, index: SymbolIndex, wanted: bool = True) -> int:
        """What the index answers."""
        answer = index.answer(self.predicate)
        return answer.true if wanted else answer.false

    def facts(self, symbol: Symbol, view: View, wanted: bool = True) -> Iterator[Fact]:
        """The key, its value and what was seen."""
        observation = self.predicate.observe(symbol, view)
        yield Fact(f"{'' if wanted else 'not '}{self.shown} ({observation.text})", wanted, observation)

    def words(self) -> str:
        """The predicate's own."""
        return self.predicate.words()

    def leaves(self, positive: bool = True) -> Iterator[tuple[Leaf, bool]]:
        """Itself."""
        yield self, positive


class _Group(Clause):
    def __init__(self, parts: Sequence[Clause]) -> None:
        self.parts = tuple(parts)
        self._by_cost = sorted(parts, key=lambda part: part.cost)
        self.cost = max((part.cost for part in parts), default=0)

    def _in_each(self, index: SymbolIndex, wanted: bool) -> int:
        """The symbols for which every part is what is wanted; nothing dear is asked where nothing is left."""
        left = index.everything
        for part in self._by_cost:
            if not left:
                break
            left &= part.select(index, wanted)
        return left

    def _in_any(self, index: SymbolIndex, wanted: bool) -> int:
        """The symbols for which some part is what is wanted."""
        return union(part.select(index, wanted) for part in self._by_cost)

    def _facts_of_all(self, symbol: Symbol, view: View, wanted: bool) -> Iterator[Fact]:
        """Those of the parts, each of which is what is wanted."""
        for part in self.parts:
            yield from part.facts(symbol, view, wanted)

    def _facts_of_some(self, symbol: Symbol, view: View, wanted: bool) -> Iterator[Fact]:
        """Those of the parts that are what is wanted."""
        for part in self.parts:
            if part.holds(symbol, view) is wanted:
                yield from part.facts(symbol, view, wanted)

    def leaves(self, positive: bool = True) -> Iterator[tuple[Leaf, bool]]:
        """Those of the parts."""
        for part in self.parts:
            yield from part.leaves(positive)


class All(_Group):
    """Every part holds."""

    def holds(self, symbol: Symbol, view: View) -> Truth:
        """False as soon as one part is false; otherwise unknown if one is."""
        answer: Truth = True
        for part in self._by_cost:
            truth = part.holds(symbol, view)
            if truth is False:
                return False
            if truth is None:
                answer = None
        return answer

    def select(self, index: SymbolIndex, wanted: bool = True) -> int:
        """True where each part is, false where one is."""
        return self._in_each(index, True) if wanted else self._in_any(index, False)

    def facts(self, symbol: Symbol, view: View, wanted: bool = True) -> Iterator[Fact]:
        """Those of every part where it is true, of the false ones where it is false."""
        of_parts = self._facts_of_all if wanted else self._facts_of_some
        return of_parts(symbol, view, wanted)

    def words(self) -> str:
        """The parts, joined."""
        return " and ".join(part.words() for part in self.parts)


class AnyOf(_Group):
    """At least one part holds."""

    def holds(self, symbol: Symbol, view: View) -> Truth:
        """True as soon as one part is true; otherwise unknown if one is."""
        answer: Truth = False
        for part in self._by_cost:
            truth = part.holds(symbol, view)
            if truth:
                return True
            if truth is None:
                answer = None
        return answer

    def select(self, index: SymbolIndex, wanted: bool = True) -> int:
        """True where one part is, false where each is."""
        return self._in_any(index, True) if wanted else self._in_each(index, False)

    def facts(self, symbol: Symbol, view: View, wanted: bool = True) -> Iterator[Fact]:
        """Those of the true parts where it is true, of every part where it is false."""
        of_parts = self._facts_of_some if wanted else self._facts_of_all
        return of_parts(symbol, view, wanted)

    def words(self) -> str:
        """The parts as alternatives."""
        return f"either {' or '.join(part.words() for part in self.parts)}" if len(self.parts) > 1 else _only(self)


class Not(Clause):
    """The part does not hold. What is unknown stays so."""

    def __init__(self, part: Clause) -> None:
        self.part = part
        self.cost = part.cost

    def holds(self, symbol: Symbol, view: View) -> Truth:
        """The opposite of the part's answer."""
        truth = self.part.holds(symbol, view)
        return None if truth is None else not truth

    def select(self, index: SymbolIndex, wanted: bool = True) -> int:
        """Where the part is the opposite."""
        return self.part.select(index, not wanted)

    def facts(self, symbol: Symbol, view: View, wanted: bool = True) -> Iterator[Fact]:
        """What makes the part false."""
        return self.part.facts(symbol, view, not wanted)

    def words(self) -> str:
        """The part, denied."""
        return f"is not one that {self.part.words()}"

    def leaves(self, positive: bool = True) -> Iterator[tuple[Leaf, bool]]:
        """Those of the part, turned round."""
        return self.part.leaves(not positive)


def _only(group: _Group) -> str:
    return group.parts[0].words()
