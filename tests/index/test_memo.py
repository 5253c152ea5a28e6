"""Answers are remembered only where they depend on the question alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hypothesis import given
from hypothesis import strategies as st

from semfora_hooks.index.memo import MAX_DEPTH, Memo

graphs = st.dictionaries(st.integers(0, 7), st.lists(st.integers(0, 7), max_size=4), max_size=8)


class Sums:
    """A question of each node: how many nodes its successors lead to, cut where it comes back to itself."""

    def __init__(self, graph: Mapping[int, Sequence[int]], *, track: bool = False) -> None:
        self.graph = graph
        self.memo = Memo(track=track)

    def of(self, node: int) -> int:
        return self.memo.ask(node, lambda: self._compute(node)) or 0

    def _compute(self, node: int) -> int:
        self.memo.note(node)
        return 1 + sum(self.of(successor) for successor in self.graph.get(node, ()))


@given(graph=graphs, order=st.permutations(range(8)))
def test_answers_do_not_depend_on_the_order_of_questions(graph: dict[int, list[int]], order: list[int]) -> None:
    sums = Sums(graph)
    assert {node: sums.of(node) for node in order} == {node: Sums(graph).of(node) for node in order}


@given(graph=graphs)
def test_notes_are_all_that_an_answer_is_made_of(graph: dict[int, list[int]]) -> None:
    sums = Sums(graph, track=True)
    for node in range(8):
        reached, pending = set[int](), [node]
        while pending:
            current = pending.pop()
            if current not in reached:
                reached.add(current)
                pending.extend(graph.get(current, ()))
        sums.of(node)
        assert sums.memo.collect() == reached


def test_a_long_chain_is_cut_the_same_way_from_everywhere() -> None:
    graph = {node: [node + 1] for node in range(3 * MAX_DEPTH)}
    backwards = Sums(graph)
    for node in reversed(range(2 * MAX_DEPTH)):
        backwards.of(node)
    assert backwards.of(0) == Sums(graph).of(0) == MAX_DEPTH


def test_without_track_nothing_is_noted() -> None:
    sums = Sums({0: [1]})
    sums.of(0)
    assert sums.memo.collect() == set()
