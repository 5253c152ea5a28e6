"""Which edit brought a finding about, or fixed it: read from what the changed files said before and what they say now.

Causes look at the changed files and at the finding's own symbols only, so that they are the same whether a run saw the
whole repository or the part that the change reaches.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

import msgspec

from semfora_hooks.languages.facts import FileFacts, ImportFacts
from semfora_hooks.model import Evidence, Metrics, Recommendation, Symbol
from semfora_hooks.policy.intake import clean
from semfora_hooks.policy.moves import ChangedSide, Moves

KIND = "cause"
"""The kind of evidence that says it."""

_SHOWN = 3  # places named in one sentence
_METRICS = frozenset(Metrics.__struct_fields__)


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


class _Reference(NamedTuple):
    """How references to a name differ: the places of calls or imports, or the files that mention it; and how many."""

    kind: str
    places: tuple[str, ...]
    total: int = 1


class Causes:
    """Explains the findings of one change.

    Args:
        moves: The change.
    """

    def __init__(self, moves: Moves) -> None:
        self._moves = moves
        self._pairs = [
            (
                None if change.change == "added" else change.old_path or change.path,
                None if change.change == "deleted" else change.path,
            )
            for change in moves.files
        ]

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
            yield _evidence(f"the change adds `{_inner(symbol)}`")
        elif item.category == "dead_code" and (lost := self._lost(symbol)):
            what = "without callers" if lost.kind == "call" else "unused"
            yield _evidence(f"removing {_phrase(lost)} left `{_inner(symbol)}` {what}")
            return
        yield from self._numbers(item, earlier, symbol, "grew", lambda old, new: new > old)
        yield from self._imports(item, self._moves.after, "the change adds the import at")
        for ref in item.symbols[1:] if len(item.symbols) > 1 else ():
            other = self._moves.after.context.by_id.get(ref.id)
            if other is not None and other.kind != "module" and self._moves.has_come(ref.id):
                yield _evidence(f"the change adds `{_inner(other)}`", other)

    def _fixed(self, item: Recommendation) -> Iterator[Evidence]:
        if not item.symbols:
            return
        symbol = self._moves.before.context.by_id.get(item.symbols[0].id)
        if symbol is None:
            return
        now = self._moves.now(symbol.id)
        if self._moves.has_gone(symbol.id):
            yield _evidence(f"the change removes `{_inner(symbol)}`")
            return
        # In a part of the repository `now` may not be shown: then nothing about it differs.
        if now is not None and item.category == "dead_code" and (gained := self._gained(now)):
            if gained.kind == "call":
                yield _evidence(f"adding {_phrase(gained)} gave `{_inner(now)}` a caller")
            else:
                yield _evidence(f"adding {_phrase(gained)} put `{_inner(now)}` to use")
            return
        if now is not None:
            yield from self._numbers(item, symbol, now, "fell", lambda old, new: new < old)
        yield from self._imports(item, self._moves.before, "the change removes the import at")
        for ref in item.symbols[1:]:
            if self._moves.has_gone(ref.id):
                inner = ref.id.removeprefix(ref.file).removeprefix("::")
                yield _evidence(f"the change removes `{inner or ref.name}`")

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

    def _imports(self, item: Recommendation, side: ChangedSide, text: str) -> Iterator[Evidence]:
        """Imports among the evidence that the other side does not have."""
        is_new = side is self._moves.after
        for piece in item.evidence:
            if piece.kind != "import" or piece.file is None or piece.line is None:
                continue
            for old, new in self._pairs:
                here, there = (new, old) if is_new else (old, new)
                if here != piece.file:
                    continue
                other = self._moves.before if is_new else self._moves.after
                missing = _import_keys(side.facts.get(piece.file), piece.line) - _import_keys(
                    None if there is None else other.facts.get(there)
                )
                if missing:
                    yield _evidence(
                        f"{text} {piece.file}:{piece.line}", file=piece.file if is_new else None, line=piece.line
                    )

    # ----------------------------------------------------------------------------------------------------- references

    @cached_property
    def _before(self) -> dict[str, _Sites]:
        side = self._moves.before
        return {old: _sites(old, side.facts[old]) for old, _ in self._pairs if old is not None and old in side.facts}

    @cached_property
    def _after(self) -> dict[str, _Sites]:
        side = self._moves.after
        return {new: _sites(new, side.facts[new]) for _, new in self._pairs if new is not None and new in side.facts}

    def _lost(self, symbol: Symbol) -> _Reference | None:
        """References to a symbol's name that the change took away."""
        return self._difference(symbol, earlier=self._moves.earlier(symbol.id), is_loss=True)

    def _gained(self, symbol: Symbol) -> _Reference | None:
        """References to a symbol's name that the change brought."""
        return self._difference(symbol, earlier=self._moves.earlier(symbol.id), is_loss=False)

    def _difference(self, symbol: Symbol, earlier: Symbol | None, *, is_loss: bool) -> _Reference | None:
        places: dict[str, Counter[tuple[str, int]]] = {"call": Counter(), "import": Counter()}
        mentions: set[str] = set()
        for old, new in self._pairs:
            had = _from_outside(self._before.get(old or "", {}), earlier)
            has = _from_outside(self._after.get(new or "", {}), symbol)
            more, less = (had, has) if is_loss else (has, had)
            rest: Counter[tuple[str, str, str]] = Counter()
            for site, count in more:
                rest[site.key] += count
            for site, count in less:
                rest[site.key] -= count
            for site, count in more:
                surplus = min(count, rest[site.key])
                if surplus > 0:
                    places[site.kind][site.path, site.line] += surplus
            name = symbol.name
            counts = (self._mentions(self._moves.before, old, name), self._mentions(self._moves.after, new, name))
            path = old if is_loss else new
            if path is not None and (counts[0] > counts[1] if is_loss else counts[1] > counts[0]):
                mentions.add(path)
        for kind, found in places.items():
            if found:
                texts = tuple(
                    f"{path}:{line}" + (f" ({count} times)" if count > 1 and kind == "call" else "")
                    for (path, line), count in sorted(found.items())
                )
                return _Reference(kind, texts, found.total())
        return _Reference("mention", tuple(sorted(mentions))) if mentions else None

    @staticmethod
    def _mentions(side: ChangedSide, path: str | None, name: str) -> int:
        facts = None if path is None else side.facts.get(path)
        return 0 if facts is None else facts.mentions.get(name, 0)


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
    inner = _inner(symbol)
    return [
        (site, count)
        for site, count in sites.get(symbol.name, ())
        if site.path != symbol.file or not (site.owner == inner or site.owner.startswith(f"{inner}."))
    ]


def _import_keys(facts: FileFacts | None, line: int | None = None) -> set[tuple[object, ...]]:
    """What a file imports, or what it imports on one line, without lines."""
    found = () if facts is None else facts.imports
    return {_import_key(item) for item in found if line is None or item.line == line}


def _import_key(item: ImportFacts) -> tuple[object, ...]:
    return item.module, item.level, item.names, item.alias, item.owner > 0, item.type_checking, item.main_only


def _inner(symbol: Symbol) -> str:
    """A symbol's name inside its module; the module's own for a module."""
    return symbol.qualified_name.removeprefix(f"{symbol.module}.")


def _phrase(reference: _Reference) -> str:
    if reference.kind == "mention":
        return f"what names it in {_enumerated(reference.places)}"
    noun = reference.kind if reference.total == 1 else f"{reference.kind}s"
    return f"the {noun} at {_enumerated(reference.places)}"


def _enumerated(places: Sequence[str]) -> str:
    shown, rest = places[:_SHOWN], len(places) - _SHOWN
    if rest > 0:
        return f"{', '.join(shown)} and {rest} more"
    return " and ".join(filter(None, (", ".join(shown[:-1]), shown[-1])))


def _words(metric: str) -> str:
    return metric.replace("_", " ")


def _evidence(text: str, where: Symbol | None = None, *, file: str | None = None, line: int | None = None) -> Evidence:
    """A cause; its place only where the side after the change has it."""
    if where is not None:
        return Evidence(kind=KIND, text=clean(text), symbol=where.id, file=where.file, line=where.start_line)
    return Evidence(kind=KIND, text=clean(text), file=file, line=line if file is not None else None)


def _with(item: Recommendation, causes: Iterable[Evidence]) -> Recommendation:
    found = tuple(dict.fromkeys(causes))
    return msgspec.structs.replace(item, evidence=(*found, *item.evidence)) if found else item


def without_causes(item: Recommendation) -> Recommendation:
    """A finding as it was before anything was said about what brought it about."""
    kept = tuple(piece for piece in item.evidence if piece.kind != KIND)
    return item if len(kept) == len(item.evidence) else msgspec.structs.replace(item, evidence=kept)
