"""The symbols of a context as an inverted index: which of them have a value, found without asking each.

A thousand rules look at the same few fields. So each field is read once, and a key is answered for all symbols
together, as a set; a rule joins the sets of its keys. The set of a key is remembered for the next rule that has it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple, Protocol

from semfora_hooks.context import SuggestContext
from semfora_hooks.model import Symbol
from semfora_hooks.providers.declarative.bitmaps import bitmap
from semfora_hooks.providers.declarative.globs import Glob, NameGlob, PathGlob
from semfora_hooks.providers.declarative.postings import Postings, Searchable
from semfora_hooks.providers.declarative.view import View

_MAX_REMEMBERED = 128_000_000
"""Bytes of answers that are kept for other rules."""


TextsOf = Callable[[Symbol, View], Sequence[str] | None]
"""Gives texts that belong to a symbol; `None` where nothing is known about them."""


class Answer(NamedTuple):
    """For which symbols a question's answer is true, and for which it is known."""

    true: int
    known: int

    @property
    def false(self) -> int:
        """The symbols for which it is surely false."""
        return self.known & ~self.true


class Question(Protocol):
    """What can be asked about all symbols at once. Equal ones have equal answers."""

    def ask(self, index: SymbolIndex, /) -> Answer:
        """The answer."""
        ...


class SymbolIndex:
    """Look-ups over all symbols of a context, each table made when it is first needed.

    Attributes:
        symbols: The symbols; a position in a set is one in this list.
        view: Look-ups about one of them.
        everything: The set of all of them.
    """

    def __init__(self, view: View) -> None:
        self.view = view
        self.symbols = view.context.symbols
        self.everything = (1 << len(self.symbols)) - 1
        self._answers: dict[Any, Answer] = {}
        self._remembered = 0
        self._values: dict[str, Mapping[Any, int]] = {}
        self._metrics: dict[str, Mapping[Any, int]] = {}
        self._texts: dict[TextsOf, tuple[Postings, Sequence[Sequence[int]]]] = {}
        self._unreadable: dict[TextsOf, int] = {}

    @classmethod
    def of(cls, context: SuggestContext) -> SymbolIndex:
        """The one index of a context and its copies for other rules."""
        known = context.shared.get(cls)
        if known is None:
            known = context.shared[cls] = cls(View(context))
        found: SymbolIndex = known
        return found

    def answer(self, question: Question) -> Answer:
        """What `question` gives, asked once."""
        known = self._answers.get(question)
        if known is None:
            known = question.ask(self)
            self._remembered += (known.true.bit_length() + known.known.bit_length()) // 8 + 200
            if self._remembered > _MAX_REMEMBERED:
                self._answers.clear()
                self._remembered = 0
            self._answers[question] = known
        return known

    def certain(self, true: int) -> Answer:
        """An answer that is known for every symbol."""
        return Answer(true, self.everything)

    def set_of(self, positions: Iterable[int]) -> int:
        """Symbols by their positions."""
        return bitmap(positions, len(self.symbols))

    def having(self, attribute: str, value: Hashable) -> int:
        """The symbols whose field has a value."""
        if attribute not in self._values:
            self._values[attribute] = self._grouped(lambda symbol: getattr(symbol, attribute))
        return self._values[attribute].get(value, 0)

    def measured(self, metric: str) -> Mapping[Any, int]:
        """A metric's values, each with the symbols that have it; those for which it is unknown at `None`."""
        if metric not in self._metrics:
            self._metrics[metric] = self._grouped(lambda symbol: self.view.metric(symbol, metric))
        return self._metrics[metric]

    def containing(self, values: TextsOf, matcher: Searchable) -> int:
        """The symbols that have a text that `matcher` fits among those that `values` gives."""
        postings, groups = self._texts_of(values)
        return self.set_of(position for group in set(postings.positions(matcher)) for position in groups[group])

    def readable(self, values: TextsOf) -> int:
        """The symbols for which `values` gives texts, be it none, and not `None`."""
        self._texts_of(values)
        return self.everything & ~self._unreadable[values]

    def _texts_of(self, values: TextsOf) -> tuple[Postings, Sequence[Sequence[int]]]:
        """Text to groups of symbols with the same texts, and the groups: all symbols of a module, for its imports."""
        known = self._texts.get(values)
        if known is None:
            groups: dict[frozenset[str], list[int]] = {}
            unreadable = []
            for position, symbol in enumerate(self.symbols):
                texts = values(symbol, self.view)
                if texts is None:
                    unreadable.append(position)
                else:
                    groups.setdefault(frozenset(texts), []).append(position)
            postings = Postings((text, group) for group, texts in enumerate(groups) for text in texts)
            known = self._texts[values] = postings, list(groups.values())
            self._unreadable[values] = self.set_of(unreadable)
        return known

    def named(self, glob: Glob) -> int:
        """The symbols with a name that `glob` fits: bare, or qualified where it has a dot."""
        return self.set_of((self._qualified_names if glob.dotted else self._names).positions(glob))

    def placed(self, glob: Glob) -> int:
        """The symbols in a file that a path glob fits, or in a module or dotted file that another glob fits."""
        tables = (self._files,) if isinstance(glob, PathGlob) else (self._modules, self._dotted_files)
        return self.set_of(position for table in tables for position in table.positions(glob))

    def calling(self, glob: NameGlob, transitively: bool) -> int:
        """The symbols that call something that `glob` fits."""
        callers: Iterable[str] = self.view.reaching(glob) if transitively else self.view.first_calls(glob)
        return self.set_of(self._position_of[caller] for caller in callers if caller in self._position_of)

    def called_by(self, glob: Searchable) -> int:
        """The symbols that another symbol calls, one whose qualified name `glob` fits."""
        return self.set_of(self._callers.positions(glob))

    @cached_property
    def called(self) -> int:
        """The symbols that another symbol calls."""
        return self.set_of(position for _, position in self._calls_from_others())

    def _grouped(self, value: Callable[[Symbol], Hashable]) -> Mapping[Any, int]:
        groups: dict[Hashable, list[int]] = {}
        for position, symbol in enumerate(self.symbols):
            groups.setdefault(value(symbol), []).append(position)
        return {key: self.set_of(positions) for key, positions in groups.items()}

    def _calls_from_others(self) -> Iterable[tuple[str, int]]:
        places = self._position_of
        for position, symbol in enumerate(self.symbols):
            for edge in self.view.context.calls_to(symbol.id):
                if edge.caller != symbol.id:
                    caller = places.get(edge.caller)
                    yield edge.caller if caller is None else self.symbols[caller].qualified_name, position

    @cached_property
    def _position_of(self) -> Mapping[str, int]:
        return {symbol.id: position for position, symbol in enumerate(self.symbols)}

    @cached_property
    def _callers(self) -> Postings:
        return Postings(self._calls_from_others())

    @cached_property
    def _names(self) -> Postings:
        return self._field(lambda symbol: symbol.name)

    @cached_property
    def _qualified_names(self) -> Postings:
        return self._field(lambda symbol: symbol.qualified_name)

    @cached_property
    def _modules(self) -> Postings:
        return self._field(lambda symbol: symbol.module)

    @cached_property
    def _files(self) -> Postings:
        return self._field(lambda symbol: symbol.file)

    @cached_property
    def _dotted_files(self) -> Postings:
        return self._field(lambda symbol: self.view.dotted(symbol.file))

    def _field(self, value: Callable[[Symbol], str]) -> Postings:
        return Postings((value(symbol), position) for position, symbol in enumerate(self.symbols))
