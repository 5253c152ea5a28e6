"""Circles through a change: of calls, and of imports. Only what the changed ends reach is looked at."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

from semfora_hooks.index.entries import path_of
from semfora_hooks.index.filelink import FileLink
from semfora_hooks.index.graph import strongly_connected
from semfora_hooks.index.incremental.view import View

Node = TypeVar("Node", bound=Hashable)


class LazyGraph(Mapping[Node, Sequence[Node]]):
    """A graph of which only the roots are known; the rest is asked for."""

    def __init__(self, roots: Iterable[Node], successors: Callable[[Node], Sequence[Node]]) -> None:
        self._roots = list(dict.fromkeys(roots))
        self._successors = successors
        self._known: dict[Node, Sequence[Node]] = {}

    def __getitem__(self, node: Node) -> Sequence[Node]:
        if node not in self._known:
            self._known[node] = self._successors(node)
        return self._known[node]

    def __iter__(self) -> Iterator[Node]:
        return iter(self._roots)

    def __len__(self) -> int:
        return len(self._roots)


def circles(roots: Iterable[Node], successors: Callable[[Node], Sequence[Node]]) -> list[list[Node]]:
    """The strongly connected components that can be reached from `roots`; see `graph.strongly_connected`."""
    return strongly_connected(LazyGraph(sorted(set(roots)), successors))  # type: ignore[type-var]


class CallGraph:
    """The exact calls of a view."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._files: dict[str, dict[str, list[str]]] = {}

    def callees(self, identity: str) -> Sequence[str]:
        """What a symbol calls for sure."""
        path = path_of(identity)
        if path not in self._files:
            view = self._view
            known: dict[str, list[str]] = {}
            if view.has(path):
                ids, link = view.entry(path).ids, view.link(path)
                for caller, callee in exact_calls(ids, link):
                    known.setdefault(caller, []).append(callee)
                for first, second in view.constructors(path).items():
                    known.setdefault(first, []).extend(second)
            self._files[path] = known
        return self._files[path].get(identity, ())


def exact_calls(ids: Sequence[str], link: FileLink) -> Iterator[tuple[str, str]]:
    """Caller and callee of a file's calls that follow the language's own rules; a call may come more than once."""
    for call in link.calls:
        if call.callee >= 0 and call.resolution == 0:
            yield ids[call.caller], link.callees[call.callee]


class ImportGraph:
    """The imports between modules of a view.

    Args:
        view: The snapshot.
        wants: Whether an import counts, by whether it is lazy and whether it is for type checkers.
    """

    def __init__(self, view: View, wants: Callable[[bool, bool], bool]) -> None:
        self._view = view
        self._wants = wants

    def imported(self, module: str) -> Sequence[str]:
        """The modules that a module imports, sorted."""
        found = set()
        for path in self._view.files_of(module):
            for item in self._view.link(path).imports:
                if self._wants(item.lazy, item.type_checking):
                    found.add(item.imported)
        return sorted(found)
