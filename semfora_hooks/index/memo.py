"""Remembering answers of mutually recursive questions, so that an answer never depends on what was asked before it.

Questions about names can lead back to themselves (modules that import each other), and chains of them can be long.
Both are cut: a question that is under way already, or nested too deep, is answered with `None`. An answer that such a
cut had a part in holds where it was given and nowhere else, so it is not kept. What is kept is what the question alone
decides; linking one file therefore gives the same result whatever was linked before: incremental linking needs that.

With `track`, each answer also brings what it was made of (`note`): the names in other files that can change it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, TypeVar, cast

MAX_DEPTH = 40
"""Questions nested in each other; some ten re-exports, bases and assignments in a row."""
MAX_STEPS = 50_000
"""Questions that one question from outside may lead to; only a hostile repository comes near."""

Answer = TypeVar("Answer")
_LIMIT = ("limit",)  # stands for a cut that no frame closes


class _Frame:
    """What happened while one question was answered."""

    __slots__ = ("cuts", "height", "notes")

    def __init__(self, notes: set[Hashable] | None) -> None:
        self.height = 0
        self.cuts: set[Hashable] = set()
        self.notes = notes


class Memo:
    """Answers by question.

    Args:
        track: Collect what answers are made of.
    """

    def __init__(self, *, track: bool = False) -> None:
        self.track = track
        self._known: dict[Hashable, tuple[Any, int, frozenset[Hashable]]] = {}
        self._roots: dict[Hashable, tuple[Any, frozenset[Hashable]]] = {}
        self._open: set[Hashable] = set()
        self._depth = 0
        self._steps = 0
        self._frame = _Frame(set() if track else None)

    def ask(self, key: Hashable, compute: Callable[[], Answer | None]) -> Answer | None:
        """The answer to `key`: known, or computed now; `None` where it is cut."""
        outer = self._frame
        depth = self._depth
        known = self._known.get(key)
        if known is not None and depth + known[1] < MAX_DEPTH:
            value, height, notes = known
            if outer.height <= height:
                outer.height = height + 1
            if notes and outer.notes is not None:
                outer.notes |= notes
            return cast("Answer | None", value)
        if depth == 0:
            root = self._roots.get(key)
            if root is not None:
                if root[1] and outer.notes is not None:
                    outer.notes |= root[1]
                return cast("Answer | None", root[0])
            self._steps = 0
        elif key in self._open:
            outer.cuts.add(key)
            return None
        elif depth >= MAX_DEPTH or self._steps > MAX_STEPS:
            outer.cuts.add(_LIMIT)
            return None
        return self._compute(key, compute)

    def _compute(self, key: Hashable, compute: Callable[[], Answer | None]) -> Answer | None:
        outer, depth = self._frame, self._depth
        inner = self._frame = _Frame(set() if self.track else None)
        self._open.add(key)
        self._depth = depth + 1
        self._steps += 1
        try:
            value = compute()
        finally:
            self._open.discard(key)
            self._depth = depth
            self._frame = outer
        inner.cuts.discard(key)  # a circle through this very question ends here, however it was reached
        notes = frozenset(inner.notes or ())
        if not inner.cuts:
            self._known[key] = (value, inner.height, notes)
        elif depth == 0:
            self._roots[key] = (value, notes)
        else:
            outer.cuts |= inner.cuts
        if outer.height <= inner.height:
            outer.height = inner.height + 1
        if outer.notes is not None:
            outer.notes |= notes
        return value

    def note(self, what: Hashable) -> None:
        """The answers under way depend on `what`."""
        if self._frame.notes is not None:
            self._frame.notes.add(what)

    def collect(self) -> set[Hashable]:
        """What the answers since the last call were made of. Called between questions."""
        notes = self._frame.notes or set()
        self._frame = _Frame(set() if self.track else None)
        return notes
