from __future__ import annotations

from collections.abc import Mapping

from hypothesis import given, settings
from hypothesis import strategies as st
from stopwatch import at_most

from semfora_hooks.index.graph import shortest_cycle, strongly_connected

quick = settings(deadline=None, max_examples=100, database=None)

GRAPHS = st.dictionaries(
    st.integers(0, 9), st.lists(st.integers(0, 11), max_size=5), max_size=10
)  # successors may be missing from the keys


def reachable(graph: Mapping[int, list[int]], start: int) -> set[int]:
    """What one or more steps from `start` reach."""
    found: set[int] = set()
    pending = list(graph.get(start, ()))
    while pending:
        node = pending.pop()
        if node not in found:
            found.add(node)
            pending.extend(graph.get(node, ()))
    return found


def naive(graph: Mapping[int, list[int]]) -> set[frozenset[int]]:
    """Nodes that reach each other, by trying everything."""
    reach = {
        node: reachable(graph, node) for node in {*graph, *(n for successors in graph.values() for n in successors)}
    }
    return {
        frozenset({other for other in reach[node] if node in reach[other]}) for node in reach if node in reach[node]
    }


def naive_shortest(graph: Mapping[int, list[int]], inside: set[int]) -> int:
    best = len(inside)
    for start in inside:
        seen, length = {start}, 0
        while True:
            length += 1
            seen = {n for node in seen for n in graph.get(node, ()) if n in inside}
            if start in seen:
                best = min(best, length)
                break
            if length > len(inside):
                break
    return best


@quick
@given(GRAPHS)
def test_components_are_the_naive_ones(graph: dict[int, list[int]]) -> None:
    found = strongly_connected(graph)
    assert {frozenset(component) for component in found} == naive(graph)
    assert sum(map(len, found)) == len({node for component in found for node in component})
    assert found == strongly_connected(dict(graph))


@quick
@given(GRAPHS)
def test_a_shortest_cycle_is_a_cycle_and_none_is_shorter(graph: dict[int, list[int]]) -> None:
    for component in strongly_connected(graph):
        cycle = shortest_cycle(graph, component)
        assert set(cycle) <= set(component)
        assert len(set(cycle)) == len(cycle)
        for node, successor in zip(cycle, [*cycle[1:], cycle[0]], strict=True):
            assert successor in graph[node]
        assert len(cycle) == naive_shortest(graph, set(component))


def test_known_graphs() -> None:
    assert strongly_connected({}) == []
    assert strongly_connected({1: [2], 2: [3]}) == []
    assert strongly_connected({1: [1]}) == [[1]]
    assert [sorted(c) for c in strongly_connected({1: [2], 2: [1, 3], 3: [4], 4: [3]})] == [[3, 4], [1, 2]]
    assert shortest_cycle({"a": ["b"], "b": ["c", "a"], "c": ["a"]}, ["a", "b", "c"]) == ["a", "b"]
    assert shortest_cycle({"b": ["a"], "a": ["b"]}, ["b", "a"]) == ["a", "b"]
    assert shortest_cycle({"a": ["a", "b"], "b": ["a"]}, ["a", "b"]) == ["a"]


def test_deep_graphs_do_not_recurse() -> None:
    count = 50_000
    ring = {i: [(i + 1) % count] for i in range(count)}
    with at_most(5):
        (component,) = strongly_connected(ring)
        assert len(component) == count
        assert strongly_connected({i: [i + 1] for i in range(count)}) == []


def test_a_shortest_cycle_of_a_large_component_is_found_in_time() -> None:
    count = 1_000
    graph = {i: [(i + 1) % count, (i + 7) % count] for i in range(count)}
    with at_most(10):
        assert len(shortest_cycle(graph, range(count))) == 148  # 142 steps of 7 and six of 1
        graph[734] = [735, 730]
        graph[730] = [734]
        assert shortest_cycle(graph, range(count)) == [730, 734]
        dense = {i: [(i * 31 + k * k) % 2_500 for k in range(40)] for i in range(2_500)}
        assert shortest_cycle(dense, range(2_500)) == [0]
