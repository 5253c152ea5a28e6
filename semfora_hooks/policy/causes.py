"""Which edit brought a finding about, or fixed it: read from what the changed files said before and what they say now.

Causes look at the changed files and at the finding's own symbols only, so that they are the same whether a run saw the
whole repository or the part that the change reaches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import msgspec

from semfora_hooks.languages.facts import ImportFacts
from semfora_hooks.model import Evidence, Metrics, Recommendation, Symbol
from semfora_hooks.policy.intake import clean
from semfora_hooks.policy.moves import ChangedSide, Moves, inner_name
from semfora_hooks.policy.references import References

KIND = "cause"
"""The kind of evidence that says it."""

_METRICS = frozenset(Metrics.__struct_fields__)


class Causes:
    """Explains the findings of one change.

    Args:
        moves: The change.
    """

    def __init__(self, moves: Moves) -> None:
        self._moves = moves
        pairs = [
            (
                None if change.change == "added" else change.old_path or change.path,
                None if change.change == "deleted" else change.path,
            )
            for change in moves.files
        ]
        self._earlier_path = {new: old for old, new in pairs if new is not None}
        self._later_path = {old: new for old, new in pairs if old is not None}
        self._references = References(pairs, moves.before, moves.after)

    def explain(self, item: Recommendation, earlier: Recommendation | None) -> Recommendation:
        """A finding after the change, with what brought it about, if that is known; inherited ones stay as they are."""
        if item.status == "worsened" and earlier is not None:
            return _with(item, self._worsened(item, earlier))
        return _with(item, self._introduced(item)) if item.status == "introduced" else item

    def explain_fixed(self, item: Recommendation) -> Recommendation:
        """A finding before the change that is gone, with what fixed it, if that is known."""
        return _with(item, self._fixed(item))

    # -------------------------------------------------------------------------------------------------------- reasons

    @staticmethod
    def _worsened(item: Recommendation, earlier: Recommendation) -> Iterator[Evidence]:
        for name, value in item.metrics.items():
            before = earlier.metrics.get(name, value)
            if value > before:
                yield _evidence(f"{_words(name)} grew from {before:g} to {value:g}")
        if item.severity is not None and earlier.severity is not None and item.severity > earlier.severity:
            yield _evidence(f"its severity rose from {earlier.severity.value} to {item.severity.value}")

    def _introduced(self, item: Recommendation) -> Iterator[Evidence]:
        if not item.symbols:
            return
        symbol = self._moves.after.context.by_id.get(item.symbols[0].id)
        earlier = self._moves.earlier(item.symbols[0].id)
        if symbol is None:
            return
        if symbol.kind != "module" and self._moves.has_come(symbol.id):
            yield _evidence(f"the change adds `{inner_name(symbol)}`")
        elif item.category == "dead_code" and (lost := self._references.lost(earlier, symbol)):
            what = "without callers" if lost.kind == "call" else "unused"
            yield _evidence(f"removing {lost.phrase} left `{inner_name(symbol)}` {what}", lost.path, lost.line)
            return
        yield from self._numbers(item, earlier, symbol, "grew", lambda old, new: new > old)
        yield from self._imports(item, is_new=True)
        for ref in item.symbols[1:]:
            other = self._moves.after.context.by_id.get(ref.id)
            if other is not None and other.kind != "module" and self._moves.has_come(ref.id):
                yield _evidence(f"the change adds `{inner_name(other)}`", other.file, other.start_line, other.id)
        if item.category == "combine_functions":
            here = (self._moves.after.context.by_id.get(ref.id) for ref in item.symbols)
            pairs = [(self._moves.earlier(now.id), now) for now in here if now is not None]
            yield from self._edits(pairs, "which makes the copies alike")

    def _fixed(self, item: Recommendation) -> Iterator[Evidence]:
        if not item.symbols:
            return
        symbol = self._moves.before.context.by_id.get(item.symbols[0].id)
        if symbol is None:
            return
        now = self._moves.now(symbol.id)
        if self._moves.has_gone(symbol.id):
            yield _evidence(f"the change removes `{inner_name(symbol)}`")
            return
        # In a part of the repository `now` may not be shown: then nothing about it differs.
        if now is not None and item.category == "dead_code" and (gained := self._references.gained(symbol, now)):
            did = f"gave `{inner_name(now)}` a caller" if gained.kind == "call" else f"put `{inner_name(now)}` to use"
            yield _evidence(f"adding {gained.phrase} {did}", gained.path, gained.line)
            return
        if now is not None:
            yield from self._numbers(item, symbol, now, "fell", lambda old, new: new < old)
        yield from self._imports(item, is_new=False)
        for ref in item.symbols[1:]:
            if self._moves.has_gone(ref.id):
                inner = ref.id.removeprefix(ref.file).removeprefix("::")
                yield _evidence(f"the change removes `{inner or ref.name}`", ref.file, ref.start_line, ref.id)
        if item.category == "combine_functions":
            there = (self._moves.before.context.by_id.get(ref.id) for ref in item.symbols)
            pairs = [(old, self._moves.now(old.id)) for old in there if old is not None]
            yield from self._edits(pairs, "and the copies are no longer alike")

    def _edits(self, pairs: Iterable[tuple[Symbol | None, Symbol | None]], what: str) -> Iterator[Evidence]:
        """The symbols in changed files that are on both sides, with another text."""
        for old, new in pairs:
            if (
                old is not None
                and new is not None
                and new.file in self._earlier_path
                and self._moves.is_edited(old, new)
            ):
                yield _evidence(f"the change edits `{inner_name(new)}`, {what}", new.file, new.start_line, new.id)

    @staticmethod
    def _numbers(
        item: Recommendation, before: Symbol | None, after: Symbol, verb: str, counts: Callable[[int, int], bool]
    ) -> Iterator[Evidence]:
        """How metrics that the finding is about differ, where the symbol was there before."""
        if before is None:
            return
        for name in item.metrics:
            if name in _METRICS:
                old, new = getattr(before.metrics, name), getattr(after.metrics, name)
                if counts(old, new):
                    yield _evidence(f"{_words(name)} {verb} from {old} to {new}")

    def _imports(self, item: Recommendation, *, is_new: bool) -> Iterator[Evidence]:
        """Imports among the evidence that the other side does not have."""
        here, there = self._moves.after, self._moves.before
        paths, verb = self._earlier_path, "adds"
        if not is_new:
            here, there, paths, verb = there, here, self._later_path, "removes"
        for piece in item.evidence:
            if piece.kind != "import" or piece.file not in paths or piece.line is None:
                continue
            known = _import_keys(there, paths[piece.file])
            if not _import_keys(here, piece.file, piece.line) <= known:
                place = f"{piece.file}:{piece.line}"
                yield _evidence(f"the change {verb} the import at {place}", piece.file, piece.line)


def _import_keys(side: ChangedSide, path: str | None, line: int | None = None) -> set[tuple[object, ...]]:
    """What a file imports, or what it imports on one line, without lines."""
    facts = None if path is None else side.facts.get(path)
    found = () if facts is None else facts.imports
    return {_import_key(item) for item in found if line is None or item.line == line}


def _import_key(item: ImportFacts) -> tuple[object, ...]:
    return item.module, item.level, item.names, item.alias, item.owner > 0, item.type_checking, item.main_only


def _words(metric: str) -> str:
    return metric.replace("_", " ")


def _evidence(text: str, file: str | None = None, line: int | None = None, symbol: str | None = None) -> Evidence:
    """A cause. The place of what the change took away is where it was before."""
    return Evidence(kind=KIND, text=clean(text), symbol=symbol, file=file, line=line)


def _with(item: Recommendation, causes: Iterable[Evidence]) -> Recommendation:
    found = tuple(dict.fromkeys(causes))
    return msgspec.structs.replace(item, evidence=(*found, *item.evidence)) if found else item


def without_causes(item: Recommendation) -> Recommendation:
    """A finding as it was before anything was said about what brought it about."""
    kept = tuple(piece for piece in item.evidence if piece.kind != KIND)
    return item if len(kept) == len(item.evidence) else msgspec.structs.replace(item, evidence=kept)
