"""The import graph: which module imports which, and how modules are coupled."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from semfora_hooks.index.entries import FileEntry
from semfora_hooks.index.names import Resolver, scopes
from semfora_hooks.languages.facts import ImportFacts
from semfora_hooks.model import CALLABLE_KINDS, ImportEdge, Module


class ModuleShare(NamedTuple):
    """What one file adds to its module."""

    module: str
    symbols: int
    loc: int
    external_imports: Sequence[str]


def file_imports(entry: FileEntry, resolver: Resolver) -> list[tuple[str, int, bool, bool]]:
    """What a file imports from the repository: module, first line, whether lazy, whether for type checkers; sorted."""
    lines: dict[tuple[str, bool, bool], int] = {}
    for item in entry.facts.imports:
        lazy = item.main_only or any(
            entry.facts.symbols[scope].kind in CALLABLE_KINDS for scope in scopes(entry.facts.symbols, item.owner)
        )
        for target in _imported(entry, item, resolver):
            key = (target, lazy, item.type_checking)
            lines[key] = min(item.line, lines.get(key, item.line))
    return [(target, lines[target, lazy, typed], lazy, typed) for target, lazy, typed in sorted(lines)]


def import_edges(files: Iterable[tuple[str, str, Iterable[tuple[str, int, bool, bool]]]]) -> list[ImportEdge]:
    """Imports between modules of the repository, each once by its first line, sorted.

    Args:
        files: Path, module and imports of each file, by path.
    """
    edges: dict[tuple[str, str, bool, bool], ImportEdge] = {}
    for path, module, imports in files:
        for target, line, lazy, typed in imports:
            key = (module, target, lazy, typed)
            if key not in edges or line < edges[key].line:
                edges[key] = ImportEdge(
                    importer=module, imported=target, file=path, line=line, lazy=lazy, type_checking=typed
                )
    return [edges[key] for key in sorted(edges)]


def _imported(entry: FileEntry, item: ImportFacts, resolver: Resolver) -> Iterator[str]:
    """The modules of the repository that an import statement names, submodules before their package."""
    module = resolver.absolute(entry, item)
    names = [resolver.rooted(entry, f"{module}.{name}") for name, _ in item.names] or [module]
    for full in names:
        target = full if resolver.file_of(full) is not None else module
        if target != entry.module and resolver.file_of(target) is not None:
            yield target


def external_imports(entry: FileEntry, resolver: Resolver) -> list[str]:
    """The modules outside the repository that a file imports, sorted."""
    found = set()
    for item in entry.facts.imports:
        module = resolver.absolute(entry, item)
        top = module.partition(".")[0]
        if top and not resolver.is_module(top):
            if resolver.may_be_root(top) and any(_imported(entry, item, resolver)):
                continue
            found.add(module)
    return sorted(found)


def modules(shares: Iterable[ModuleShare], imports: Iterable[ImportEdge]) -> list[Module]:
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
    for share in shares:
        files[share.module] += 1
        symbols[share.module] += share.symbols
        loc[share.module] += share.loc
        external[share.module].update(share.external_imports)
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
