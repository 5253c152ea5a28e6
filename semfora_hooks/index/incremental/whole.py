"""A whole snapshot from a state: nothing is linked but what a difference reaches, and both sides share the rest.

What comes out is what linking the whole snapshot would give, since the same function puts it together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from semfora_hooks.index.entries import FileEntry, Window, path_of
from semfora_hooks.index.facttable import FactTable
from semfora_hooks.index.incremental.copies import touched_duplicates
from semfora_hooks.index.incremental.difference import Difference
from semfora_hooks.index.incremental.state import StaleStateError, State
from semfora_hooks.index.incremental.view import View
from semfora_hooks.index.link import Index, LinkedFiles, assemble
from semfora_hooks.languages.facts import FileFacts, SuppressionFacts
from semfora_hooks.model import Duplicate, Symbol


class EntryFacts(Mapping[str, FileFacts]):
    """Path to facts, for files that open theirs when they are asked for."""

    def __init__(self, entries: Mapping[str, FileEntry]) -> None:
        self._entries = entries

    def __getitem__(self, path: str) -> FileFacts:
        """The facts of a file."""
        return self._entries[path].facts

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)


class Whole(msgspec.Struct, frozen=True):
    """A whole snapshot, linked.

    Attributes:
        index: The same as linking it anew would give.
        facts: What its files say.
        suppressions: Comments that speak to us, by path; files without are left out.
        languages: Those of its files.
    """

    index: Index
    facts: Mapping[str, FileFacts]
    suppressions: Mapping[str, Sequence[SuppressionFacts]]
    languages: set[str]


class Assembler:
    """Puts together snapshots that are told from one state.

    Args:
        state: What is stored.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self._table: FactTable = state.load_facts()
        window = Window(self._table)
        self._entries = {path: state.entry_of(path, window) for path in self._table}
        self._symbols: dict[str, list[Symbol]] = {}
        self._first: tuple[View, list[Duplicate]] | None = None
        state.load_stored(self._entries)

    def whole(self, view: View, difference: Difference) -> Whole:
        """A snapshot.

        Args:
            view: It, as its difference to the state, brought up to date.
            difference: What that reaches, calls included; the symbols of other files are the state's.
        """
        entries = {path: entry for path, entry in self._entries.items() if path not in view.changed}
        entries |= {path: entry for path, entry in view.changed.items() if entry is not None}
        entries = {path: entries[path] for path in sorted(entries)}
        links = [view.link(path) for path in entries]
        linked = LinkedFiles(self._state.roots, list(entries.values()), links, [])
        shared = {path: symbols for path, symbols in self._symbols.items() if path not in difference.affected}
        index = assemble(linked, shared, self._duplicates(view, entries))
        self._first = self._first or (view, index.duplicates)
        for path, symbols in shared.items():
            if path not in difference.affected:
                self._symbols[path] = symbols
        suppressions = {p: s for p, s in self._table.suppressions.items() if p not in view.changed}
        languages = {row.language for path in self._entries if path in entries and (row := self._state.row(path))}
        for path, entry in view.changed.items():
            if entry is not None:
                languages.add(entry.facts.language)
                if entry.facts.suppressions:
                    suppressions[path] = entry.facts.suppressions
        return Whole(index, EntryFacts(entries), suppressions, languages)

    def _duplicates(self, view: View, entries: Mapping[str, FileEntry]) -> list[Duplicate] | None:
        """The duplicates of another snapshot than the first: the first one's, and what the change makes of them.

        `None` where they must be looked for.
        """
        if self._first is None:
            return None
        first, known = self._first
        try:
            gone, come = touched_duplicates([first, view], {*first.changed, *view.changed})
        except StaleStateError:  # too much hangs together
            return None
        left = set(known).difference(gone)
        if len(left) != len(known) - len(gone):
            return None

        def order(group: Duplicate) -> list[tuple[str, int]]:
            paths = [path_of(identity) for identity in group.symbols]
            return [(path, entries[path].positions[i]) for path, i in zip(paths, group.symbols, strict=True)]

        return sorted([*left, *come], key=order)
