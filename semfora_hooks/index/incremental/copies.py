"""Groups of duplicates that a change touches, on both sides; the rest of the repository is not looked at.

A body can gain or lose copies only through bodies that changed: by an equal digest, or by a probe that both have.
Groups are parts of connected components of likeness, so each that may differ is followed to its end on both sides.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import islice

import msgspec

from semfora_hooks.index.entries import FileEntry, path_of
from semfora_hooks.index.incremental.state import StaleStateError
from semfora_hooks.index.incremental.view import View
from semfora_hooks.index.link import as_duplicates
from semfora_hooks.index.names import scopes
from semfora_hooks.index.similarity import MAX_BUCKET, Body, Group, cluster, exact_group, likeness, probes
from semfora_hooks.languages.facts import SymbolFacts
from semfora_hooks.model import Duplicate

_MAX_BODIES = 5_000  # that belong together; beyond, looking at everything is no dearer

Place = tuple[str, int]
"""A file and the local index of a symbol."""


class _Probed(msgspec.Struct, frozen=True):
    """A body in a bucket: the id or the path of its file, its index there, and its digest as the database has it.

    Buckets can be large, so paths are looked up when they are wanted.
    """

    file: int | str
    symbol: int
    digest: int


def touched_duplicates(sides: Sequence[View], paths: Iterable[str], also: Iterable[str] = ()) -> list[list[Duplicate]]:
    """For each of two sides, the groups that may differ from the other's, and what they hang together with.

    Args:
        sides: The snapshots.
        paths: The files that differ.
        also: Files whose groups are wanted in any case.

    Raises:
        StaleStateError: Too much hangs together.
    """
    looks = [_Look(side) for side in sides]
    changed = _changed_bodies(sides, paths)
    digests = {
        signed(body.digest) for look in looks for identity in changed if (body := look.facts(identity)) is not None
    }
    near = set(changed)
    together = changed.union(*(_bodies(side.entry(path)) for side in sides for path in also if side.has(path)))
    for digest in sorted(digests):
        members = [{look.identity(place) for place in look.members(digest)} for look in looks]
        everyone = set().union(*members)
        together |= everyone
        near |= {i for i in everyone if len({len(group) == 1 and i in group for group in members}) > 1}
    hashes = {
        probe for look in looks for i in near if (body := look.facts(i)) is not None for probe in probes(body.shingles)
    }
    for probe in sorted(hashes):
        if len({look.is_telling(probe) for look in looks}) > 1:  # pairs of others count it on one side only
            together |= {look.identity(look.place_of(body)) for look in looks for body in look.bucket(probe)}
    closed = _close(looks, together)
    return [look.groups(closed) for look in looks]


def _changed_bodies(sides: Sequence[View], paths: Iterable[str]) -> set[str]:
    """Ids of functions whose bodies, places among others, or owners differ."""
    found: set[str] = set()
    for path in paths:
        entries = [side.entry(path) if side.has(path) else None for side in sides]
        if entries[0] is entries[1]:
            continue
        tables = [_bodies(entry) for entry in entries]
        common = [i for i in tables[0] if i in tables[1]]
        if common != [i for i in tables[1] if i in tables[0]] or len({e and e.facts.is_generated for e in entries}) > 1:
            found.update(*tables)
            continue
        differ = {i for i in tables[0].keys() | tables[1].keys() if tables[0].get(i) != tables[1].get(i)}
        found |= differ
        for entry, table in zip(entries, tables, strict=True):
            for identity in table:
                assert entry is not None
                around = scopes(entry.facts.symbols, entry.facts.symbols[entry.positions[identity]].parent)
                if any(entry.ids[scope] in differ for scope in around):
                    found.add(identity)
    return found


def _bodies(entry: FileEntry | None) -> dict[str, tuple[object, ...]]:
    if entry is None:
        return {}
    return {
        entry.ids[index]: (symbol.name, symbol.shingles, symbol.tokens, symbol.digest, symbol.literal_digest)
        for index, symbol in enumerate(entry.facts.symbols)
        if symbol.shingles
    }


def _close(looks: Sequence[_Look], ids: set[str]) -> set[str]:
    """All bodies that hang together with some, on either side."""
    closed: set[str] = set()
    waiting = sorted(ids)
    while waiting:
        identity = waiting.pop()
        if identity in closed:
            continue
        closed.add(identity)
        if len(closed) > _MAX_BODIES:
            raise StaleStateError("too many bodies resemble each other")
        for look in looks:
            waiting.extend(look.neighbours(identity) - closed)
    return closed


class _Look:
    """Bodies of one side, by digest and by probe."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._members: dict[int, list[Place]] = {}
        self._buckets: dict[int, list[_Probed]] = {}
        self._edges: dict[str, dict[str, float]] = {}
        self._new_digests: defaultdict[int, list[Place]] = defaultdict(list)
        self._new_bands: defaultdict[int, list[_Probed]] = defaultdict(list)
        for path, entry in view.changed.items():
            for index, symbol in enumerate(entry.facts.symbols if entry is not None else ()):
                if symbol.shingles:
                    place, digest = (path, index), signed(symbol.digest)
                    self._new_digests[digest].append(place)
                    for probe in probes(symbol.shingles):
                        self._new_bands[probe].append(_Probed(path, index, digest))

    def place(self, identity: str) -> Place | None:
        path = path_of(identity)
        index = self._view.entry(path).positions.get(identity) if self._view.has(path) else None
        return None if index is None else (path, index)

    def identity(self, place: Place) -> str:
        return self._view.entry(place[0]).ids[place[1]]

    def facts(self, identity: str) -> SymbolFacts | None:
        """A function, if it is long enough to be compared."""
        place = self.place(identity)
        symbol = None if place is None else self._view.entry(place[0]).facts.symbols[place[1]]
        return symbol if symbol is not None and symbol.shingles else None

    def members(self, digest: int) -> list[Place]:
        """The bodies with a digest, given as the database has it, in the index's order."""
        if digest not in self._members:
            view = self._view
            found = list(self._new_digests.get(digest, ()))
            for file, index in view.state.query("SELECT file, symbol FROM link_body WHERE digest = ?", digest):
                if file not in view.hidden:
                    found.append((view.state.row_of(int(file)).path, int(index)))  # type: ignore[call-overload]
            self._members[digest] = sorted(found)
        return self._members[digest]

    def bucket(self, probe: int) -> list[_Probed]:
        """The bodies that have a probe, in no order."""
        if probe not in self._buckets:
            hidden = self._view.hidden
            rows = self._view.state.query("SELECT file, symbol, digest FROM link_band WHERE hash = ?", probe)
            found = [_Probed(*row) for row in rows if row[0] not in hidden]  # type: ignore[arg-type]
            found.extend(self._new_bands.get(probe, ()))
            self._buckets[probe] = found
        return self._buckets[probe]

    def place_of(self, body: _Probed) -> Place:
        """Where a body of a bucket stands."""
        path = body.file if isinstance(body.file, str) else self._view.state.row_of(body.file).path
        return path, body.symbol

    def is_telling(self, probe: int) -> bool:
        """Whether few enough bodies without exact copies have a probe."""
        bucket = self.bucket(probe)
        if len(bucket) <= MAX_BUCKET:
            return True
        singles = (body for body in bucket if self.is_single(body.digest))
        return sum(1 for _ in islice(singles, MAX_BUCKET + 1)) <= MAX_BUCKET

    def is_single(self, digest: int) -> bool:
        """Whether one body only has a digest, given as the database has it."""
        return len(self.members(digest)) == 1

    def neighbours(self, identity: str) -> set[str]:
        """What a body hangs together with: its copies, the functions around it, and those inside it."""
        facts = self.facts(identity)
        place = self.place(identity)
        if facts is None or place is None:
            return set()
        found = {self.identity(other) for other in self.members(signed(facts.digest))}
        found |= self.edges(identity).keys()
        entry = self._view.entry(place[0])
        symbols = entry.facts.symbols
        found |= {entry.ids[scope] for scope in scopes(symbols, facts.parent) if symbols[scope].shingles}
        found |= {entry.ids[i] for i, s in enumerate(symbols) if s.shingles and place[1] in scopes(symbols, s.parent)}
        return found

    def edges(self, identity: str) -> dict[str, float]:
        """The bodies that are like one that has no exact copy."""
        if identity not in self._edges:
            facts, place = self.facts(identity), self.place(identity)
            found: dict[str, float] = {}
            if facts is not None and place is not None and self.is_single(signed(facts.digest)):
                telling = [probe for probe in probes(facts.shingles) if self.is_telling(probe)]
                shared = Counter(other for probe in telling for other in self.bucket(probe))
                body = _body(facts)
                for other, count in shared.items():
                    if count < 2 or not self.is_single(other.digest):
                        continue
                    path, index = self.place_of(other)
                    if (path, index) != place:
                        similarity = likeness(body, _body(self._view.entry(path).facts.symbols[index]), count)
                        if similarity is not None:
                            found[self.identity((path, index))] = similarity
            self._edges[identity] = found
        return self._edges[identity]

    def groups(self, ids: Iterable[str]) -> list[Duplicate]:
        """The groups among bodies that hang together."""
        places = sorted(place for i in ids if self.facts(i) is not None and (place := self.place(i)) is not None)
        ranked = sorted(
            {(path, scope) for path, index in places for scope in scopes(self._view.entry(path).facts.symbols, index)}
        )
        rank = {place: number for number, place in enumerate(ranked)}
        bodies: dict[str, Body] = {}
        for path, index in places:
            symbols = self._view.entry(path).facts.symbols
            around = frozenset(rank[path, scope] for scope in scopes(symbols, symbols[index].parent))
            bodies[self.identity((path, index))] = _body(symbols[index], rank[path, index], around)
        groups: list[Group] = []
        for digest in sorted({signed(body.digest) for body in bodies.values()}):
            members = self.members(digest)
            if len(members) > 1:
                groups.append(exact_group([bodies[self.identity(place)] for place in members]))
        singles = [i for i, body in bodies.items() if self.is_single(signed(body.digest))]
        number = {identity: position for position, identity in enumerate(singles)}
        edges = [
            (similarity, number[first], number[second])
            for first in singles
            for second, similarity in self.edges(first).items()
            if number[first] < number[second]
        ]
        groups.extend(cluster([bodies[identity] for identity in singles], edges))
        return as_duplicates(sorted(groups), {body.position: identity for identity, body in bodies.items()})


def _body(facts: SymbolFacts, position: int = 0, around: frozenset[int] = frozenset()) -> Body:
    return Body(position, around, facts.name, facts.shingles, facts.tokens, facts.digest, facts.literal_digest)


def signed(digest: int) -> int:
    """A 64-bit digest as the signed number that SQLite has room for."""
    return digest - (1 << 64) if digest >= 1 << 63 else digest
