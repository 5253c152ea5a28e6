"""Graph algorithms the index and the rules share."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterable, Mapping
from typing import TypeVar

Node = TypeVar("Node", bound=Hashable)


def strongly_connected(graph: Mapping[Node, Iterable[Node]]) -> list[list[Node]]:
    """Strongly connected components with more than one node, or with a self-loop (Tarjan 1972), without recursion.

    Order follows the graph's iteration order: the same input gives the same output.
    """
    index: dict[Node, int] = {}
    low: dict[Node, int] = {}
    on_stack: set[Node] = set()
    stack: list[Node] = []
    components: list[list[Node]] = []
    for root in graph:
        if root in index:
            continue
        index[root] = low[root] = len(index)
        stack.append(root)
        on_stack.add(root)
        work = [(root, iter(graph.get(root, ())))]
        while work:
            node, successors = work[-1]
            for successor in successors:
                if successor not in index:
                    index[successor] = low[successor] = len(index)
                    stack.append(successor)
                    on_stack.add(successor)
                    work.append((successor, iter(graph.get(successor, ()))))
                    break
                if successor in on_stack:
                    low[node] = min(low[node], index[successor])
            else:
                work.pop()
                if work:
                    parent = work[-1][0]
                    low[parent] = min(low[parent], low[node])
                if low[node] == index[node]:
                    component = []
                    while True:
                        member = stack.pop()
                        on_stack.discard(member)
                        component.append(member)
                        if member == node:
                            break
                    if len(component) > 1 or node in graph.get(node, ()):
                        components.append(component)
    return components


def shortest_cycle(graph: Mapping[Node, Iterable[Node]], component: Iterable[Node]) -> list[Node]:
    """A shortest cycle inside a strongly connected component, starting at its least node; ties by iteration order."""
    inside = set(component)
    best: list[Node] = []
    for start in sorted(inside, key=str):
        if start in graph.get(start, ()):
            return [start]
    for start in sorted(inside, key=str):
        path = _cycle_through(graph, inside, start, len(best) - 1 if best else len(inside))
        best = path or best
        if len(best) == 2:
            break
    return best


def _cycle_through(graph: Mapping[Node, Iterable[Node]], inside: set[Node], start: Node, limit: int) -> list[Node]:
    """A shortest cycle from `start` back to it, of at most `limit` nodes; empty where there is none."""
    parents: dict[Node, Node] = {}
    lengths = {start: 1}
    queue = deque([start])
    while queue:
        node = queue.popleft()
        if lengths[node] > limit:
            break
        for successor in graph.get(node, ()):
            if successor == start:
                path = [node]
                while path[-1] != start:
                    path.append(parents[path[-1]])
                return path[::-1]
            if successor in inside and successor not in lengths:
                parents[successor] = node
                lengths[successor] = lengths[node] + 1
                queue.append(successor)
    return []
