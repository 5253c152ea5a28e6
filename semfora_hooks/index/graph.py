"""Graph algorithms the index and the rules share."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterable, Iterator, Mapping
from typing import Generic, TypeVar

Node = TypeVar("Node", bound=Hashable)


def strongly_connected(graph: Mapping[Node, Iterable[Node]]) -> list[list[Node]]:
    """Strongly connected components with more than one node, or with a self-loop (Tarjan 1972), without recursion.

    Order follows the graph's iteration order: the same input gives the same output.
    """
    search = _Tarjan(graph)
    for root in graph:
        search.run(root)
    return [found for found in search.components if len(found) > 1 or found[0] in graph.get(found[0], ())]


class _Tarjan(Generic[Node]):
    """Depth-first search that numbers nodes, and closes a component at the node from which none lower is reached."""

    def __init__(self, graph: Mapping[Node, Iterable[Node]]) -> None:
        self.components: list[list[Node]] = []
        self._graph = graph
        self._index: dict[Node, int] = {}
        self._low: dict[Node, int] = {}
        self._stack: list[Node] = []
        self._on_stack: set[Node] = set()

    def run(self, root: Node) -> None:
        """Search from `root`, unless it was reached before."""
        if root in self._index:
            return
        path = [(root, self._open(root))]
        while path:
            node, successors = path[-1]
            fresh = self._next(node, successors)
            if fresh:
                path.append((fresh[0], self._open(fresh[0])))
                continue
            path.pop()
            self._close(node)
            if path:
                parent = path[-1][0]
                self._low[parent] = min(self._low[parent], self._low[node])

    def _open(self, node: Node) -> Iterator[Node]:
        self._index[node] = self._low[node] = len(self._index)
        self._stack.append(node)
        self._on_stack.add(node)
        return iter(self._graph.get(node, ()))

    def _next(self, node: Node, successors: Iterator[Node]) -> list[Node]:
        """The next successor that is new; empty at the end. Known ones may lower the node's number on the way."""
        for successor in successors:
            if successor not in self._index:
                return [successor]
            if successor in self._on_stack:
                self._low[node] = min(self._low[node], self._index[successor])
        return []

    def _close(self, node: Node) -> None:
        if self._low[node] != self._index[node]:
            return
        component: list[Node] = []
        while not component or component[-1] != node:
            component.append(self._stack.pop())
            self._on_stack.discard(component[-1])
        self.components.append(component)


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
