"""Near-duplicate functions: candidates by shared smallest shingle hashes, verified by Jaccard similarity of sketches.

Bottom-k sketches follow Broder, "On the resemblance and containment of documents" (1997): exact for bodies with at most
`tokens.SKETCH` distinct shingles, an estimate with a standard error of about 0.03 beyond.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Container, Sequence
from itertools import chain
from typing import NamedTuple

from semfora_hooks.languages.tokens import SKETCH
from semfora_hooks.model import DuplicateKind

NEAR = 0.85
"""Jaccard similarity from which two bodies are near duplicates."""
DIVERGENT = 0.7
"""The same, for symbols that share their name: copies that drifted apart."""
_PROBES = 8  # smallest hashes that make two bodies candidates
_SHARED = 2  # probes that two bodies must share
MAX_BUCKET = 40
"""Bodies that share one hash; beyond, the hash says nothing."""
_MAX_CLUSTER = 30


class Body(NamedTuple):
    """What similarity needs to know of a function. `around` are the positions of the functions it is nested in."""

    position: int
    around: Container[int]
    name: str
    shingles: bytes
    tokens: int
    digest: int
    literal_digest: int


class Group(NamedTuple):
    """Indexes of bodies that repeat each other; see `model.Duplicate`."""

    members: tuple[int, ...]
    similarity: float
    kind: DuplicateKind
    tokens: int
    identical: bool


def hashes(shingles: bytes) -> Sequence[int]:
    """The hashes of a sketch as facts hold it, ascending."""
    return memoryview(shingles).cast("I")


def jaccard(first: bytes, second: bytes) -> float:
    """Similarity of two bottom-k sketches."""
    left, right = set(hashes(first)), set(hashes(second))
    if len(left) < SKETCH and len(right) < SKETCH:
        shared = len(left & right)
        union = len(left) + len(right) - shared
        return shared / union if union else 0.0
    smallest = sorted(left | right)[:SKETCH]
    return sum(h in left and h in right for h in smallest) / len(smallest)


def find_duplicates(bodies: Sequence[Body]) -> list[Group]:
    """Groups of bodies that are exact, near or divergent duplicates; a body is in one group at most."""
    exact: defaultdict[int, list[Body]] = defaultdict(list)
    for body in bodies:
        if body.shingles:
            exact[body.digest].append(body)
    groups = [exact_group(members) for members in exact.values() if len(members) > 1]
    singles = [members[0] for members in exact.values() if len(members) == 1]
    groups.extend(_near(singles))
    return sorted(groups)


def exact_group(members: Sequence[Body]) -> Group:
    """The group of several bodies with one digest."""
    return Group(
        tuple(body.position for body in members),
        1.0,
        "exact",
        min(body.tokens for body in members),
        len({body.literal_digest for body in members}) == 1,
    )


def probes(shingles: bytes) -> Sequence[int]:
    """The hashes by which a body is looked for: two bodies that share two of them are compared."""
    return hashes(shingles)[:_PROBES]


def _near(bodies: Sequence[Body]) -> list[Group]:
    buckets = _buckets(bodies)
    edges: list[tuple[float, int, int]] = []
    for first, body in enumerate(bodies):
        members = [bucket for probe in probes(body.shingles) if (bucket := buckets.get(probe)) is not None]
        for bucket in members:
            bucket.pop()  # the body itself, which is the first one left
        for second, count in Counter(chain.from_iterable(members)).items():
            similarity = likeness(body, bodies[second], count) if count >= _SHARED else None
            if similarity is not None:
                edges.append((similarity, first, second))
    return cluster(bodies, edges)


def _buckets(bodies: Sequence[Body]) -> dict[int, list[int]]:
    """Hashes that several bodies share, and few enough to say something, with the bodies' positions, the last first.

    Most hashes have one body, and a list for each would take several times the memory of the bodies: so those that
    come a second time are found first, by their last bits.
    """
    last_bits = (1 << (4 * _PROBES * len(bodies)).bit_length()) - 1
    seen = bytearray(last_bits + 1)
    repeated: set[int] = set()
    for body in bodies:
        for probe in probes(body.shingles):
            if seen[probe & last_bits]:
                repeated.add(probe)
            else:
                seen[probe & last_bits] = 1
    buckets: defaultdict[int, list[int]] = defaultdict(list)
    for position in range(len(bodies) - 1, -1, -1):
        for probe in probes(bodies[position].shingles):
            if probe in repeated:
                buckets[probe].append(position)
    return {probe: members for probe, members in buckets.items() if 1 < len(members) <= MAX_BUCKET}


def likeness(left: Body, right: Body, shared: int) -> float | None:
    """How similar two bodies that share some probes are; `None` where that is not enough to be copies."""
    small, large = sorted((len(left.shingles), len(right.shingles)))
    limit = DIVERGENT if left.name == right.name else NEAR
    if (
        shared < _SHARED
        or small < limit * large
        or min(left.tokens, right.tokens) < limit * max(left.tokens, right.tokens)
    ):
        return None
    similarity = jaccard(left.shingles, right.shingles)
    return similarity if similarity >= limit else None


def cluster(bodies: Sequence[Body], edges: list[tuple[float, int, int]]) -> list[Group]:
    """Join the most similar pairs first; a group's similarity is the weakest link it needed.

    Args:
        bodies: In the index's order.
        edges: Similarity and the positions in `bodies` of two that are alike, the first before the second.
    """
    leader: dict[int, int] = {}
    members: dict[int, list[int]] = {}
    weakest: dict[int, float] = {}
    for similarity, first, second in sorted(edges, key=lambda edge: (-edge[0], edge[1], edge[2])):
        one, two = leader.get(first, first), leader.get(second, second)
        if one == two or len(members.get(one, [one])) + len(members.get(two, [two])) > _MAX_CLUSTER:
            continue
        if similarity < NEAR and (one in members or two in members):
            continue  # drifted copies come in pairs; chaining them would join strangers
        together = [bodies[position] for position in (*members.get(one, [one]), *members.get(two, [two]))]
        if any(body.position in other.around for body in together for other in together):
            continue
        joined = [*members.pop(one, [one]), *members.pop(two, [two])]
        members[one] = joined
        weakest[one] = similarity
        for member in joined:
            leader[member] = one
    return [
        Group(
            tuple(sorted(bodies[position].position for position in group)),
            round(weakest[key], 3),
            "near" if weakest[key] >= NEAR else "divergent",
            min(bodies[position].tokens for position in group),
            False,
        )
        for key, group in members.items()
    ]
