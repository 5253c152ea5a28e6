"""Findings whose symbols moved or were renamed: the same as before, in another place.

A file that git calls renamed is told by its modules' names (`intake.finish`). What moves between files, or gets another
name, is told here by its text: only for the findings that a change would otherwise make both new and fixed.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from semfora_hooks.context import SuggestContext
from semfora_hooks.index.entries import path_of
from semfora_hooks.languages.facts import FileFacts
from semfora_hooks.model import CALLABLE_KINDS, ChangedFile, Recommendation, Symbol

MOVED = 0.5
"""The share of lines in common from which a symbol of the same name elsewhere is the same one, edited."""
RENAMED = 0.8
"""The same for a symbol of another name, if it is long enough for that to be no chance."""
_LONG = 6  # lines
_TELLING = 30  # characters of a body, below which equal texts prove nothing about another name
_MAX_LINES = 400
_MAX_PAIRS = 10_000
_FEW = 10  # findings of one name with which each new one is compared then


class ChangedSide(Protocol):
    """One side of a change, as far as policy looks at it."""

    @property
    def context(self) -> SuggestContext:
        """What rules saw."""

    @property
    def facts(self) -> Mapping[str, FileFacts]:
        """What the changed files say, and perhaps others."""

    @property
    def read_source(self) -> Callable[[str], str | None]:
        """Gives a file's text by its path."""


class Moves:
    """What became of the symbols of a change.

    Args:
        files: The files it touches.
        before: The side before.
        after: The side after.
    """

    def __init__(self, files: Iterable[ChangedFile], before: ChangedSide, after: ChangedSide) -> None:
        self.before = before
        self.after = after
        self.files = tuple(files)
        self._now_at = {change.old_path: change.path for change in self.files if change.old_path is not None}
        self._was_at = {path: old for old, path in self._now_at.items()}
        self._paths_before = {change.old_path or change.path for change in self.files}
        self._paths_after = {change.path for change in self.files}
        self._now: dict[str, str] = {}
        self._texts: dict[tuple[bool, str], Sequence[str] | None] = {}

    def now(self, identity: str) -> Symbol | None:
        """What a symbol of the side before is now."""
        moved = self._now.get(identity)
        return self._in_place(identity) if moved is None else self.after.context.by_id.get(moved)

    def _in_place(self, identity: str) -> Symbol | None:
        """The symbol that has a symbol's name after the change, in the same file."""
        path = path_of(identity)
        return self.after.context.by_id.get(self._now_at.get(path, path) + identity.removeprefix(path))

    def earlier(self, identity: str) -> Symbol | None:
        """What a symbol of the side after was before, if it was in the same file."""
        path = path_of(identity)
        return self.before.context.by_id.get(self._was_at.get(path, path) + identity.removeprefix(path))

    def has_gone(self, identity: str) -> bool:
        """Whether a symbol of the side before is no more; one of a file without changes is there, shown or not."""
        return path_of(identity) in self._paths_before and self.now(identity) is None

    def _left(self, item: Recommendation) -> Symbol | None:
        """A finding's symbol before, if it is not where it was; findings of another rule may have found it again."""
        identity = item.symbols[0].id
        is_there = path_of(identity) not in self._paths_before or self._in_place(identity) is not None
        return None if is_there else self.before.context.by_id.get(identity)

    def has_come(self, identity: str) -> bool:
        """Whether a symbol of the side after was not there before; as `has_gone`."""
        return path_of(identity) in self._paths_after and self.earlier(identity) is None

    def pair(self, new: Sequence[Recommendation], gone: Sequence[Recommendation]) -> dict[str, Recommendation]:
        """Which of the findings that seem to be gone the new ones are, by the new ones' fingerprints."""
        found: dict[str, Recommendation] = {}
        by_rule: defaultdict[tuple[str, str], tuple[list[Recommendation], list[Recommendation]]] = defaultdict(
            lambda: ([], [])
        )
        for kind, items in enumerate((new, gone)):
            for item in items:
                if item.symbols:
                    by_rule[item.rule_id, item.discriminator][kind].append(item)
        both = [(came, went) for came, went in by_rule.values() if came and went]
        for came, went in both:
            same = _best(self._single(came, went))
            found.update(same)
            firsts = {item.fingerprint: item.symbols[0].id for item in came}
            for fingerprint, old in same.items():
                self._now.setdefault(old.symbols[0].id, firsts[fingerprint])
        for came, went in both:
            taken = {item.fingerprint for item in found.values()}
            left = [item for item in came if item.fingerprint not in found]
            missing = [item for item in went if item.fingerprint not in taken]
            if left and missing:
                found.update(_best(self._groups(left, missing)))
        return found

    # ------------------------------------------------------------------------------------------- findings of a symbol

    def _single(self, came: Sequence[Recommendation], went: Sequence[Recommendation]) -> Iterable[_Candidate]:
        """Findings of one rule whose symbols are alike; only those of one name where all pairs would be too many."""
        by_id = self.after.context.by_id
        news = [item for item in came if self.has_come(item.symbols[0].id) and item.symbols[0].id in by_id]
        olds = [item for item in went if (symbol := self._left(item)) is not None and symbol.kind != "module"]
        is_many = len(news) * len(olds) > _MAX_PAIRS
        pools: defaultdict[tuple[str, str], list[Recommendation]] = defaultdict(list)
        for old in olds:
            known = self.before.context.by_id[old.symbols[0].id]
            pools[_sort(known), inner_name(known) if is_many else ""].append(old)
        for new in news:
            symbol = by_id[new.symbols[0].id]
            pool = pools[_sort(symbol), inner_name(symbol) if is_many else ""]
            for old in pool[:_FEW] if is_many else pool:
                known = self.before.context.by_id[old.symbols[0].id]
                likeness = self._likeness(known, symbol)
                if likeness:
                    yield likeness + (symbol.name == known.name), new, old

    def is_edited(self, old: Symbol, new: Symbol) -> bool:
        """Whether the text of a symbol that is on both sides differs, its indentation and own name aside."""
        first, second = self._lines(old, self.before, is_new=False), self._lines(new, self.after, is_new=True)
        return first is not None and second is not None and first != second

    def _likeness(self, old: Symbol, new: Symbol) -> float:
        """How much of a symbol's text stayed as it was, if it is the same symbol; else 0."""
        first, second = self._lines(old, self.before, is_new=False), self._lines(new, self.after, is_new=True)
        if first is None or second is None:
            return 0.0
        if old.kind != new.kind and min(len(first), len(second)) < _LONG:
            return 0.0
        if first == second:
            is_long = len(first) > 2 or sum(map(len, first[1:])) >= _TELLING
            is_in_place = self._now_at.get(old.file, old.file) == new.file
            return 1.0 if old.name == new.name or is_long or is_in_place else 0.0
        if len(first) > _MAX_LINES or len(second) > _MAX_LINES:
            return 0.0
        from difflib import SequenceMatcher  # few runs need it

        matcher = SequenceMatcher(None, first, second, autojunk=False)
        least = MOVED if old.name == new.name else RENAMED if min(len(first), len(second)) >= _LONG else 1.0
        if matcher.real_quick_ratio() < least or matcher.quick_ratio() < least:
            return 0.0
        likeness = matcher.ratio()
        return likeness if likeness >= least else 0.0

    def _lines(self, symbol: Symbol, side: ChangedSide, *, is_new: bool) -> Sequence[str] | None:
        """A symbol's lines without their indentation, empty ones left out and its own name blanked."""
        source = self._source(symbol.file, side, is_new=is_new)
        if source is None:
            return None
        name = re.compile(rf"\b{re.escape(symbol.name)}\b")
        lines = (line.strip() for line in source[symbol.start_line - 1 : symbol.end_line])
        return [name.sub("\0", line) for line in lines if line]

    def _source(self, path: str, side: ChangedSide, *, is_new: bool) -> Sequence[str] | None:
        key = (is_new, path)
        if key not in self._texts:
            text = side.read_source(path)
            self._texts[key] = None if text is None else text.split("\n")
        return self._texts[key]

    # ---------------------------------------------------------------------------------------- findings about several

    def _groups(self, came: Sequence[Recommendation], went: Sequence[Recommendation]) -> Iterable[_Candidate]:
        """Groups that share most of their members: one came to a group or left it, or moved; and the group is known."""
        groups = [item for item in went if len(item.symbols) > 1]
        by_member: defaultdict[str, list[int]] = defaultdict(list)
        for number, old in enumerate(groups):
            for symbol in old.symbols:
                now = self.now(symbol.id)
                by_member[symbol.id if now is None else now.id].append(number)
        for new in came:
            if len(new.symbols) < 2:
                continue
            here = {symbol.id for symbol in new.symbols}
            shared = Counter(number for identity in here for number in by_member.get(identity, ()))
            for number, stayed in shared.items():
                old = groups[number]
                count = stayed + self._moved(new, old)
                if 2 * count > min(len(here), len(old.symbols)):
                    yield float(count), new, old

    def _moved(self, new: Recommendation, old: Recommendation) -> int:
        """How many members of a group have another place or name in another group."""
        gone = [symbol for ref in old.symbols if (symbol := self._lost(ref.id)) is not None]
        count = 0
        for ref in new.symbols:
            symbol = self.after.context.by_id.get(ref.id)
            if symbol is None or not self.has_come(ref.id):
                continue
            for known in gone:
                if known.kind == symbol.kind != "module" and self._likeness(known, symbol):
                    gone.remove(known)
                    count += 1
                    break
        return count

    def _lost(self, identity: str) -> Symbol | None:
        """A symbol of the side before that is no more."""
        return self.before.context.by_id.get(identity) if self.has_gone(identity) else None


def inner_name(symbol: Symbol) -> str:
    """A symbol's name inside its module; the module's own for a module."""
    return symbol.qualified_name.removeprefix(f"{symbol.module}.")


def _sort(symbol: Symbol) -> str:
    """What a symbol can be after a move: a function may become a method, but no class."""
    return "callable" if symbol.kind in CALLABLE_KINDS else symbol.kind


_Candidate = tuple[float, Recommendation, Recommendation]


def _best(candidates: Iterable[_Candidate]) -> dict[str, Recommendation]:
    """Pairs of the candidates, the likeliest first, each finding once."""
    found: dict[str, Recommendation] = {}
    taken: set[str] = set()
    for _, new, old in sorted(candidates, key=lambda one: (-one[0], one[1].fingerprint, one[2].fingerprint)):
        if new.fingerprint not in found and old.fingerprint not in taken:
            found[new.fingerprint] = old
            taken.add(old.fingerprint)
    return found
