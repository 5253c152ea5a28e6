"""An inverted index: text to the positions it stands at, searched by glob without trying every text."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import Protocol

_BETWEEN = "\n"


class Searchable(Protocol):
    """What a glob must offer; groups of constructs have no `needle`."""

    def matches(self, value: str) -> bool:
        """Whether it fits a text."""
        ...


class Postings:
    """Which positions each distinct text stands at.

    The texts also stand one behind the other in one long text. There, the needle of a glob is found at the speed of
    `str.find`, and only texts that hold it are tried.

    Args:
        entries: Text and position; a text may come many times.
    """

    def __init__(self, entries: Iterable[tuple[str, int]]) -> None:
        table: dict[str, list[int]] = {}
        for text, position in entries:
            known = table.get(text)
            if known is None:
                table[text] = [position]
            else:
                known.append(position)
        self._texts = list(table)
        self._positions = list(table.values())
        self._haystack = _BETWEEN.join(self._texts)
        self._starts: list[int] = []
        start = 0
        for text in self._texts:
            self._starts.append(start)
            start += len(text) + len(_BETWEEN)

    def positions(self, glob: Searchable) -> Iterator[int]:
        """Where the texts that `glob` fits stand: each text's positions together, some perhaps more than once."""
        for index in self._fitting(glob):
            yield from self._positions[index]

    def _fitting(self, glob: Searchable) -> Iterator[int]:
        """The indexes of the texts that `glob` fits."""
        needle = getattr(glob, "needle", "")
        if not needle:
            yield from (index for index, text in enumerate(self._texts) if glob.matches(text))
            return
        at = self._haystack.find(needle)
        while at >= 0:
            index = bisect_right(self._starts, at) - 1
            text = self._texts[index]
            # A needle with a line break in it can begin in one text and end in the next.
            if glob.matches(text):
                yield index
            at = self._haystack.find(needle, self._starts[index] + len(text) + len(_BETWEEN))
