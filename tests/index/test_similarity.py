from __future__ import annotations

import itertools
import random
from array import array
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stopwatch import at_most

from semfora_hooks.index.similarity import MAX_BUCKET, Body, Group, find_duplicates, jaccard
from semfora_hooks.languages.tokens import SKETCH

from .helpers import build

quick = settings(deadline=None, max_examples=300, database=None)
HASHES = st.sets(st.integers(0, 2**32 - 1), max_size=SKETCH - 1)


def pack(found: Iterable[int]) -> bytes:
    return array("I", sorted(found)[:SKETCH]).tobytes()


def exact(first: set[int], second: set[int]) -> float:
    return len(first & second) / len(first | second) if first | second else 0.0


@quick
@given(HASHES, HASHES)
def test_small_sketches_are_exact(first: set[int], second: set[int]) -> None:
    assert jaccard(pack(first), pack(second)) == exact(first, second)
    assert jaccard(pack(first), pack(second)) == jaccard(pack(second), pack(first))


@quick
@given(HASHES.filter(bool))
def test_everything_is_like_itself(found: set[int]) -> None:
    assert jaccard(pack(found), pack(found)) == 1.0
    assert jaccard(pack(found), b"") == 0.0


@settings(quick, max_examples=60)
@given(st.integers(0, 2000), st.integers(100, 1000), st.integers(100, 1000), st.integers(0, 10_000))
def test_large_sketches_estimate(shared: int, left: int, right: int, seed: int) -> None:
    rng = random.Random(seed)
    hashes = rng.sample(range(2**32), shared + left + right)
    first, second = set(hashes[: shared + left]), set(hashes[:shared] + hashes[shared + left :])
    estimate = jaccard(pack(first), pack(second))
    assert 0.0 <= estimate <= 1.0
    assert abs(estimate - exact(first, second)) < 0.25  # about five standard errors


def body(
    index: int, shingles: range | tuple[int, ...], name: str = "f", digest: int | None = None, literal: int = 0
) -> Body:
    return Body(
        index,
        frozenset(),
        name,
        array("I", shingles).tobytes(),
        len(shingles) + 4,
        index + 1000 if digest is None else digest,
        literal,
    )


def test_exact_duplicates_share_a_digest() -> None:
    found = find_duplicates(
        [
            body(0, range(50), "a", digest=7, literal=1),
            body(1, range(50), "b", digest=7, literal=1),
            body(2, range(50), "c", digest=8, literal=1),
            body(3, range(50), "d", digest=8, literal=2),
            body(4, range(900, 950), "e"),
        ]
    )
    assert found == [Group((0, 1), 1.0, "exact", 54, True), Group((2, 3), 1.0, "exact", 54, False)]


def test_near_and_divergent() -> None:
    near = [body(0, range(100), "a"), body(1, range(5, 105), "b")]
    assert find_duplicates(near) == [Group((0, 1), 0.905, "near", 104, False)]
    drifted = [range(100), tuple(sorted({*range(8), *range(20, 112)}))]
    assert find_duplicates([body(0, drifted[0], "a"), body(1, drifted[1], "b")]) == []
    assert find_duplicates([body(0, drifted[0], "a"), body(1, drifted[1], "a")]) == [
        Group((0, 1), 0.786, "divergent", 104, False)
    ]


def test_nothing_without_shingles_and_nothing_for_strangers() -> None:
    assert find_duplicates([body(0, (), digest=5), body(1, (), digest=5)]) == []
    assert find_duplicates([body(0, range(50)), body(1, range(1000, 1050))]) == []
    assert find_duplicates([]) == []


@quick
@given(st.lists(st.tuples(st.integers(0, 40), st.integers(10, 60), st.sampled_from("abc")), max_size=12), st.randoms())
def test_a_body_is_in_one_group_at_most_and_order_does_not_matter(
    shapes: list[tuple[int, int, str]], rng: random.Random
) -> None:
    bodies = [body(i, range(s, s + n), name, digest=hash((s, n))) for i, (s, n, name) in enumerate(shapes)]
    found = find_duplicates(bodies)
    members = [member for group in found for member in group.members]
    assert len(members) == len(set(members))
    assert all(len(group.members) > 1 and 0.7 <= group.similarity <= 1 for group in found)
    assert all(list(group.members) == sorted(group.members) for group in found)
    assert find_duplicates(bodies) == found


@quick
@given(st.lists(st.sets(st.integers(0, 60), min_size=1, max_size=30), max_size=14))
def test_near_pairs_are_those_that_share_two_of_their_smallest_hashes(shapes: list[set[int]]) -> None:
    bodies = [body(i, tuple(sorted(shape)), f"f{i}", digest=i) for i, shape in enumerate(shapes)]
    alike = {
        (i, j)
        for i, j in itertools.combinations(range(len(shapes)), 2)
        if len(set(sorted(shapes[i])[:8]) & set(sorted(shapes[j])[:8])) >= 2 and exact(shapes[i], shapes[j]) >= 0.85
    }
    found = find_duplicates(bodies)
    assert {member for group in found for member in group.members} == {member for pair in alike for member in pair}
    for group in found:
        assert len(group.members) > 2 or group.members in alike


def test_a_hash_that_too_many_bodies_share_says_nothing() -> None:
    def some(count: int) -> list[Group]:
        shapes = [(1, 2, *range(100 * (i + 1), 100 * (i + 1) + 2)) for i in range(count - 2)]
        return find_duplicates([body(i, shape, f"f{i}") for i, shape in enumerate([(1, 2), (1, 2), *shapes])])

    assert [group.members for group in some(MAX_BUCKET)] == [(0, 1)]
    assert some(MAX_BUCKET + 1) == []


def test_thousands_of_like_bodies_end_in_time() -> None:
    with at_most(30):
        find_duplicates([body(i, tuple(range(60 + i % 7)), f"f{i}") for i in range(5_000)])
        find_duplicates([body(i, tuple(range(i, i + 60)), "f") for i in range(5_000)])


# ---------------------------------------------------------------------------------------------- through the index

COPY = """
def {name}({arg}):
    {doc}
    result = []
    for item in {arg}:
        if item.{attr} > {limit}:  # comment
            result.append(item.{attr} * 2)
        elif item.other is None:
            result.append(0)
        else:
            raise ValueError("{text}")
    return sorted(result, key=str)
"""


def copy(name: str, arg: str = "rows", attr: str = "size", limit: str = "10", text: str = "x", doc: str = "''") -> str:
    return COPY.format(name=name, arg=arg, attr=attr, limit=limit, text=text, doc=doc)


def groups(*sources: str) -> list[tuple[tuple[str, ...], str, bool]]:
    index = build({f"m{i}.py": source for i, source in enumerate(sources)})
    return [(group.symbols, group.kind, group.identical) for group in index.duplicates]


def test_copies_that_differ_in_layout_only_are_identical() -> None:
    assert groups(copy("f"), copy("f", doc='"""Explained.\n\n    At length."""').replace("    ", "\t")) == [
        (("m0.py::f", "m1.py::f"), "exact", True)
    ]


def test_copies_that_differ_in_local_names_and_literals_are_exact() -> None:
    assert groups(copy("f"), copy("g", arg="lines", limit="99", text="other")) == [
        (("m0.py::f", "m1.py::g"), "exact", False)
    ]


def test_a_copy_that_reads_another_attribute_is_not_exact() -> None:
    assert ("exact" in {kind for _, kind, _ in groups(copy("f"), copy("g", attr="weight"))}) is False


def test_small_functions_are_no_duplicates() -> None:
    small = "def {0}(a, b):\n    if a:\n        return b\n    return a.run(b)\n"
    assert groups(small.format("f"), small.format("g")) == []


def test_a_drifted_copy_of_the_same_name_is_divergent() -> None:
    long = "def f(rows):\n" + "".join(f"    step_{i}(rows.part_{i}, {i})\n" for i in range(20))
    drifted = long.replace("step_9(", "changed(").replace("part_12", "moved")
    found = groups(long, drifted)
    assert [(symbols, kind) for symbols, kind, _ in found] == [(("m0.py::f", "m1.py::f"), "divergent")]
    assert groups(long, drifted.replace("def f", "def g")) == []


def test_a_function_is_no_duplicate_of_the_one_it_stands_in() -> None:
    inner = copy("inner").strip("\n").replace("\n", "\n    ")
    assert groups(f"def outer(rows):\n    {inner}\n    return inner\n") == []


@pytest.mark.parametrize("count", [2, 5])
def test_groups_hold_all_copies(count: int) -> None:
    found = groups(*(copy(f"f{i}") for i in range(count)))
    assert [symbols for symbols, _, _ in found] == [tuple(f"m{i}.py::f{i}" for i in range(count))]
