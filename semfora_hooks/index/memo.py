"""Remembering answers of mutually recursive questions, so that an answer never depends on what was asked before it.

Questions about names can lead back to themselves (modules that import each other), and chains of them can be long.
Both are cut: a question that is under way already, or nested too deep, is answered with `None`. An answer that such a
cut had a part in, however deep below, holds for whoever asked first and for nobody else: asked from inside the circle,
the same question would be cut elsewhere. So it is kept for questions from outside only. What is kept for all is what no
cut had a part in; linking one file therefore gives the same result whatever was linked before: incremental linking
needs that.

With `track`, each answer also brings what it was made of (`note`): the names in other files that can change it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, TypeVar, cast

MAX_DEPTH = 40
"""Questions nested in each other; some ten re-exports, bases and assignments in a row."""
MAX_STEPS = 50_000
"""Questions that one question from outside may lead to; only a hostile repository comes near."""

MAX_ANSWERS = 150_000
"""Answers that are remembered, some 50 MB; a repository of 3,000 files has that many."""

Answer = TypeVar("Answer")


_Notes = frozenset[Hashable]
_NOTHING: _Notes = frozenset()


class Memo:
    """Answers by question.

    Args:
        track: Collect what answers are made of.
    """

    def __init__(self, *, track: bool = False) -> None:
        self.track = track
        self._known: dict[Hashable, tuple[Any, int, _Notes]] = {}
        self._roots: dict[Hashable, tuple[Any, _Notes]] = {}
        self._open: set[Hashable] = set()
        self._depth = 0
        self._steps = 0
        # Of the question under way: how deep it led, whether it was cut, what it is made of.
        self._height = 0
        self._is_cut = False
        self._notes: set[Hashable] = set()

    def ask(self, key: Hashable, compute: Callable[[], Answer | None]) -> Answer | None:
        """The answer to `key`: known, or computed now; `None` where it is cut."""
        depth = self._depth
        known = self._known.get(key)
        if known is not None and depth + known[1] < MAX_DEPTH:
            value, height, notes = known
            if self._height <= height:
                self._height = height + 1
            if notes:
                self._notes |= notes
            return cast("Answer | None", value)
        if depth == 0:
            root = self._roots.get(key)
            if root is not None:
                self._notes |= root[1]
                return cast("Answer | None", root[0])
            self._steps = 0
        elif key in self._open or depth >= MAX_DEPTH or self._steps > MAX_STEPS:
            self._is_cut = True
            return None
        return self._compute(key, compute)

    def _compute(self, key: Hashable, compute: Callable[[], Answer | None]) -> Answer | None:
        depth, height, is_cut, notes = self._depth, self._height, self._is_cut, self._notes
        self._begin()
        self._open.add(key)
        self._depth = depth + 1
        self._steps += 1
        try:
            value = compute()
        finally:
            self._open.discard(key)
            self._depth = depth
            inner_height, was_cut, inner_notes = self._height, self._is_cut, self._notes
            self._height, self._is_cut, self._notes = max(height, inner_height + 1), is_cut or was_cut, notes
        kept = _NOTHING
        if self.track:
            kept = frozenset(inner_notes)
            notes |= kept
        if not was_cut:
            self._known[key] = (value, inner_height, kept)
        elif depth == 0:
            self._roots[key] = (value, kept)
        return value

    def _begin(self) -> None:
        self._height = 0
        self._is_cut = False
        if self.track:
            self._notes = set()

    def note(self, what: Hashable) -> None:
        """The answers under way depend on `what`."""
        if self.track:
            self._notes.add(what)

    def trim(self) -> None:
        """Forget, if there is much to forget. Called between questions; answers do not depend on earlier ones."""
        if len(self._known) + len(self._roots) > MAX_ANSWERS:
            self._known.clear()
            self._roots.clear()

    def collect(self) -> set[Hashable]:
        """What the answers since the last call were made of. Called between questions."""
        notes, self._notes = self._notes, set()
        return notes
