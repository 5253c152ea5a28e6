"""The part of a snapshot that rules must see to judge a difference: whole files, and what their findings name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

import msgspec

from semfora_hooks.index.entries import path_of
from semfora_hooks.index.imports import import_edges, modules
from semfora_hooks.index.incremental.cycles import ImportGraph, circles
from semfora_hooks.index.incremental.view import View
from semfora_hooks.index.link import call_order, file_symbols, module_share
from semfora_hooks.index.metrics import symbol_metrics
from semfora_hooks.index.reachability import reachability
from semfora_hooks.languages.facts import SymbolFacts
from semfora_hooks.model import CallEdge, Duplicate, ImportEdge, Metrics, Module, Reachability, Symbol

KnownSymbols = dict[tuple[str, frozenset[int]], list[Symbol]]
"""Symbols by their file, and by their indexes in it."""


class Slice(msgspec.Struct):
    """A part of an index.

    Attributes:
        symbols: In the index's order; of the files that are judged, all.
        calls: From and to the symbols of those files, where they are wanted.
        modules: Those of the files, and of circles of imports.
        imports: Between modules in circles.
        duplicates: The groups that may differ.
    """

    symbols: list[Symbol] = msgspec.field(default_factory=list)
    calls: Sequence[CallEdge] = msgspec.field(default_factory=list)
    modules: list[Module] = msgspec.field(default_factory=list)
    imports: list[ImportEdge] = msgspec.field(default_factory=list)
    duplicates: list[Duplicate] = msgspec.field(default_factory=list)


def import_circles(sides: Sequence[View], roots: Iterable[str], wants: Callable[[bool, bool], bool]) -> list[set[str]]:
    """For each of two sides, the modules in circles of imports that may differ from the other side's.

    Args:
        sides: The snapshots.
        roots: Modules whose imports differ.
        wants: Whether an import counts, by whether it is lazy and whether it is for type checkers.
    """
    starts = set(roots)
    if not starts:
        return [set() for _ in sides]
    graphs = [ImportGraph(side, wants).imported for side in sides]
    broken = [_members(circles(starts, graph), starts) for graph in graphs]
    everyone = starts.union(*broken)  # a circle that broke may have left smaller ones; one that came may join some
    return [_members(circles(everyone, graph), everyone) for graph in graphs]


def _members(found: Iterable[Sequence[str]], touching: set[str]) -> set[str]:
    return {node for circle in found if not touching.isdisjoint(circle) for node in circle}


class Slicer:
    """Makes the slice of one side.

    Args:
        view: The snapshot.
        known: Takes and gives symbols that stand outside of the files that are judged, and so are the same on both
            sides; two slicers may share one.
    """

    def __init__(self, view: View, known: KnownSymbols | None = None) -> None:
        self._view = view
        self._known: KnownSymbols = {} if known is None else known

    def slice(
        self,
        files: Iterable[str],
        *,
        duplicates: Sequence[Duplicate] = (),
        circle: Iterable[str] = (),
        with_calls: bool = False,
        with_imported: bool = False,
    ) -> Slice:
        """The slice for some files, groups of duplicates and modules in circles.

        Args:
            files: The files that are judged.
            duplicates: The groups that are.
            circle: The modules that are.
            with_calls: Give the calls of those files too, and the symbols at their other ends.
            with_imported: Give the files of what their modules import too.
        """
        view = self._view
        here = sorted(path for path in set(files) if view.has(path))
        found = Slice(duplicates=list(duplicates))
        wanted: defaultdict[str, set[int] | None] = defaultdict(set)
        wanted.update(dict.fromkeys(here))
        for group in duplicates:
            for identity in group.symbols:
                self._want(wanted, identity, parents=True)
        inside = set(circle)
        circle_files = sorted(path for module in inside for path in view.files_of(module))
        for path in circle_files:
            self._want(wanted, path)
        found.imports = [edge for edge in import_edges(self._imports(circle_files)) if edge.imported in inside]
        if with_calls:
            found.calls = self._calls(here)
            for end in (end for call in found.calls for end in (call.caller, call.callee) if end is not None):
                self._want(wanted, end)
        names = {view.entry(path).module for path in here} | inside
        found.modules = [self._module(name) for name in sorted(names)]
        if with_imported:
            for module in found.modules:
                for name in module.imports:
                    for path in view.files_of(name)[:1]:
                        self._want(wanted, path)
        view.state.load_stored(path for path in wanted if path not in view.links)
        view.state.load_entries(path for path in wanted if path not in view.changed)
        for path in sorted(wanted):
            some = wanted[path]
            found.symbols.extend(self.symbols(path) if some is None else self._around(path, some))
        return found

    def _around(self, path: str, only: set[int]) -> list[Symbol]:
        """Some symbols of a file that is not judged; the other side's slicer need not make them again."""
        key = (path, frozenset(only))
        if key not in self._known:
            self._known[key] = self.symbols(path, only)
        return self._known[key]

    def _want(self, wanted: dict[str, set[int] | None], identity: str, *, parents: bool = False) -> None:
        path = path_of(identity)
        entry = self._view.entry(path)
        index = entry.positions[identity]
        some = wanted[path]
        while some is not None and index >= 0:
            some.add(index)
            index = entry.facts.symbols[index].parent if parents else -1

    def symbols(self, path: str, only: set[int] | None = None) -> list[Symbol]:
        """A file's symbols; those of some indexes where `only` is given."""
        view = self._view
        entry, link = view.entry(path), view.link(path)
        counts = dict(zip(entry.ids, view.counts_of(path), strict=True))
        uncalled = [
            facts.name
            for index, facts in enumerate(entry.facts.symbols)
            if (only is None or index in only)
            and not counts[entry.ids[index]].fan_in
            and link.entry_points[index] == "none"
        ]
        view.load_mentions(uncalled)
        targets = self._targets(path, only)

        def metrics(identity: str, facts: SymbolFacts) -> Metrics:
            known = counts[identity]
            return symbol_metrics(
                facts,
                is_recursive=known.is_recursive,
                fan_in=known.fan_in,
                fan_out=len(targets.get(identity, ())),
                sites=known.sites,
            )

        def reached(facts: SymbolFacts, identity: str, kind: str) -> Reachability:
            return reachability(facts, view, entry_point=kind, is_called=bool(counts[identity].fan_in))

        return file_symbols(entry, link, metrics, reached, only)

    def _targets(self, path: str, only: set[int] | None) -> dict[str, set[str]]:
        """What the symbols of a file call, or some of them; names outside the repository included."""
        view = self._view
        ids, link = view.entry(path).ids, view.link(path)
        found: defaultdict[str, set[str]] = defaultdict(set)
        for call in link.calls:
            if only is not None and call.caller not in only:
                continue
            target = link.callees[call.callee] if call.callee >= 0 else f"\0{link.externals[call.external]}"
            found[ids[call.caller]].add(target)
        symbols = view.entry(path).facts.symbols
        if only is None or any(symbols[index].kind == "class" for index in only):
            for first, second in view.constructors(path).items():
                found[first].update(second)
        return found

    def _imports(self, paths: Iterable[str]) -> Iterable[tuple[str, str, Sequence[tuple[str, int, bool, bool]]]]:
        for path in paths:
            yield path, self._view.entry(path).module, self._view.link(path).imports

    def _module(self, name: str) -> Module:
        view = self._view
        files = view.files_of(name)
        shares = [module_share(view.entry(path), view.link(path)) for path in files]
        edges = import_edges(self._imports(files))
        edges += [ImportEdge(importer=other, imported=name, file="", line=0) for other in view.importers_of(name)]
        return next(module for module in modules(shares, edges) if module.name == name)

    def _calls(self, paths: Sequence[str]) -> list[CallEdge]:
        """The calls from and to the symbols of some files, in the index's order."""
        view = self._view
        inside = set(paths)
        around = sorted(inside.union(*(view.callers_of(path) for path in paths)))
        view.state.load_stored(path for path in around if path not in view.links)
        view.state.load_entries(path for path in around if path not in view.changed)
        edges: list[CallEdge] = []
        for path in around:
            link, only = view.link(path), None
            if path not in inside:
                only = {number for number, callee in enumerate(link.callees) if path_of(callee) in inside}
            edges.extend(link.edges(view.entry(path).ids, only))
        pairs = {
            (first, second) for path in paths for first, all_of in view.constructors(path).items() for second in all_of
        }
        pairs |= view.constructed_in(inside)
        for class_id, init_id in sorted(pairs):
            owner = view.entry(path_of(class_id))
            line = owner.facts.symbols[owner.positions[class_id]].start_line
            edges.append(CallEdge(caller=class_id, callee=init_id, count=1, line=line, resolution="exact"))
        return sorted(edges, key=call_order)
