"""The import graph: which module imports which, and how modules are coupled."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence

from semfora_hooks.index.names import FileEntry, Resolver, scopes
from semfora_hooks.languages.facts import ImportFacts
from semfora_hooks.model import CALLABLE_KINDS, ImportEdge, Module


def import_edges(entries: Iterable[FileEntry], resolver: Resolver) -> list[ImportEdge]:
    """Imports between modules of the repository, each once by its first line, sorted."""
    edges: dict[tuple[str, str, bool, bool], ImportEdge] = {}
    for entry in entries:
        for item in entry.facts.imports:
            lazy = item.main_only or any(
                entry.facts.symbols[scope].kind in CALLABLE_KINDS for scope in scopes(entry.facts.symbols, item.owner)
            )
            for target in _imported(entry, item, resolver):
                key = (entry.module, target, lazy, item.type_checking)
                if key not in edges or item.line < edges[key].line:
                    edges[key] = ImportEdge(
                        importer=entry.module,
                        imported=target,
                        file=entry.path,
                        line=item.line,
                        lazy=lazy,
                        type_checking=item.type_checking,
                    )
    return [edges[key] for key in sorted(edges)]


def _imported(entry: FileEntry, item: ImportFacts, resolver: Resolver) -> Iterator[str]:
    """The modules of the repository that an import statement names, submodules before their package."""
    module = resolver.absolute(entry, item)
    names = [f"{module}.{name}" for name, _ in item.names] or [module]
    for full in names:
        target = full if full in resolver.files else module
        if target in resolver.files and target != entry.module:
            yield target


def modules(entries: Sequence[FileEntry], imports: Iterable[ImportEdge], resolver: Resolver) -> list[Module]:
    """Every module with its size and couplings, by name."""
    outgoing: defaultdict[str, set[str]] = defaultdict(set)
    incoming: defaultdict[str, set[str]] = defaultdict(set)
    external: defaultdict[str, set[str]] = defaultdict(set)
    files: Counter[str] = Counter()
    symbols: Counter[str] = Counter()
    loc: Counter[str] = Counter()
    for edge in imports:
        outgoing[edge.importer].add(edge.imported)
        incoming[edge.imported].add(edge.importer)
    for entry in entries:
        files[entry.module] += 1
        symbols[entry.module] += len(entry.facts.symbols) - 1
        loc[entry.module] += entry.facts.symbols[0].loc
        for item in entry.facts.imports:
            module = resolver.absolute(entry, item)
            top = module.partition(".")[0]
            if top and top not in resolver.files and top not in resolver.packages:
                external[entry.module].add(module)
    return [
        Module(
            name=name,
            files=files[name],
            symbols=symbols[name],
            loc=loc[name],
            imports=tuple(sorted(outgoing[name])),
            external_imports=tuple(sorted(external[name])),
            afferent_coupling=len(incoming[name]),
            efferent_coupling=len(outgoing[name]),
            instability=round(len(outgoing[name]) / max(1, len(outgoing[name]) + len(incoming[name])), 3),
        )
        for name in sorted(files)
    ]
