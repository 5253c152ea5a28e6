"""From the facts of files to one linked index: symbols with ids, the call graph, imports, modules, duplicates."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from semfora_hooks.index.calls import CallTable, constructor_call
from semfora_hooks.index.calls import Row as CallRow
from semfora_hooks.index.entries import FileEntry, Window, path_of
from semfora_hooks.index.entry_points import NO_CALLERS, OutsideCallers, is_test_file, is_vendored
from semfora_hooks.index.facttable import FactTable
from semfora_hooks.index.filelink import FileLink, FileLinker, LinkedCall, MethodPlace, is_telling
from semfora_hooks.index.imports import ModuleShare, import_edges, modules
from semfora_hooks.index.metrics import CallStatistics
from semfora_hooks.index.modules import module_name, source_roots
from semfora_hooks.index.names import Resolver, scopes
from semfora_hooks.index.reachability import References, reachability
from semfora_hooks.index.similarity import Body, Group, find_duplicates
from semfora_hooks.languages.facts import FileFacts, SymbolFacts
from semfora_hooks.model import CLASS_KINDS, CallEdge, Duplicate, ImportEdge, Metrics, Module, Reachability, Symbol

_POOLED = 50_000
"""Parts of symbols that are looked at for equal ones; most have theirs near by."""

_encode_calls = msgspec.msgpack.Encoder().encode
_decode_calls = msgspec.msgpack.Decoder(list[LinkedCall]).decode


class Index(msgspec.Struct, frozen=True):
    """The linked repository. `context.SuggestContext` shows it to rules."""

    symbols: list[Symbol]
    calls: CallTable
    imports: list[ImportEdge]
    modules: list[Module]
    duplicates: list[Duplicate]
    mentions: Mapping[str, int]
    statistics: CallStatistics


class LinkedFiles(msgspec.Struct, frozen=True):
    """All files of a snapshot, each linked: what an index is put together from.

    Attributes:
        notes: With `track`, for each file: the names elsewhere that its link depends on (`index.interface`).
        window: Opens them, where they are kept encoded.
        packed: Without `track`, the calls in each file, encoded, since they would take much memory, and are wanted
            once. The `calls` of `links` are empty then.
    """

    roots: tuple[str, ...]
    entries: list[FileEntry]
    links: list[FileLink]
    notes: list[set[object]]
    window: Window | None = None
    packed: list[bytes] = []

    def calls(self) -> Iterator[list[LinkedCall]]:
        """The calls in each file."""
        return map(_decode_calls, self.packed) if self.packed else (link.calls for link in self.links)

    def spend(self) -> None:
        """Forget whom the files call and what they import: an index has that now."""
        self.packed.clear()
        for link in self.links:
            link.callees, link.externals, link.calls, link.constructors, link.imports = [], [], [], [], []

    def close(self) -> None:
        """Forget what the files say, as far as it can be had again; garbage is not collected while we work."""
        if self.window is not None:
            self.window.close()


def link(
    files: Iterable[tuple[str, FileFacts]],
    *,
    src: Sequence[str] = (),
    prefix: str = "",
    outside: OutsideCallers = NO_CALLERS,
) -> Index:
    """Link the facts of a snapshot.

    Args:
        files: Paths and facts, sorted by path.
        src: Configured source roots; found by themselves where empty.
        prefix: The dotted package the repository's root is inside of (`modules.package_prefix`).
        outside: What the project says of callers outside.
    """
    return assemble(link_files(dict(files), src, prefix, outside))


def link_files(
    files: Mapping[str, FileFacts],
    src: Sequence[str] = (),
    prefix: str = "",
    outside: OutsideCallers = NO_CALLERS,
    *,
    track: bool = False,
) -> LinkedFiles:
    """Link each file of a snapshot; see `link`. With `track`, say what each link depends on."""
    roots = source_roots(list(files), src)
    window = Window(files) if isinstance(files, FactTable) else None
    entries = [FileEntry(path, *module_name(path, roots, prefix), window or files[path]) for path in files]
    by_module: dict[str, FileEntry] = {}
    for entry in entries:
        known = by_module.get(entry.module)
        if known is None or is_preferred(entry.path, known.path):
            by_module[entry.module] = entry
    resolver = Resolver(by_module, roots=roots, track=track)
    linker = FileLinker(resolver, _unique_methods(entries).get, outside)
    links, notes, packed = [], [], []
    names: dict[str, str] = {}
    share = names.setdefault  # each file has texts of its own for what many of them call and import
    for entry in entries:
        found = linker.link(entry)
        found.externals = [share(name, name) for name in found.externals]
        found.imports = [item._replace(imported=share(item.imported, item.imported)) for item in found.imports]
        links.append(found)
        if track:
            notes.append(resolver.memo.collect())
        else:
            packed.append(_encode_calls(found.calls))
            found.calls = []
        resolver.memo.trim()
    return LinkedFiles(roots, entries, links, notes, window, packed)


def is_preferred(path: str, other: str) -> bool:
    """Whether `path` rather than `other`, which comes before it, stands for the module that both are."""
    return path.endswith(".py") > other.endswith(".py")


def is_plain_method(symbol: SymbolFacts) -> bool:
    """Whether a call of an unknown receiver may mean this symbol, by its name alone."""
    return symbol.kind == "method" and not symbol.role and is_telling(symbol.name)


def _unique_methods(entries: Iterable[FileEntry]) -> dict[str, MethodPlace]:
    """Method names that exactly one class of the repository defines."""
    seen: dict[str, MethodPlace | None] = {}
    for entry in entries:
        for index, symbol in enumerate(entry.facts.symbols):
            if is_plain_method(symbol):
                seen[symbol.name] = None if symbol.name in seen else (entry, index)
    return {name: where for name, where in seen.items() if where}


def assemble(
    linked: LinkedFiles,
    known: dict[str, list[Symbol]] | None = None,
    duplicates: list[Duplicate] | None = None,
    *,
    spend: bool = False,
) -> Index:
    """One index from linked files.

    Args:
        linked: The files.
        known: Symbols of files, by path, that another index over files of the same facts and the same surroundings
            has: they are taken from there. Those that are not there are put in.
        duplicates: The groups of duplicates, where they are known.
        spend: Nobody needs the linked files afterwards: let go what is done with, which large repositories feel.
    """
    pairs = list(zip(linked.entries, linked.links, strict=True))
    copies, references, shares = _Copies(), References(), []
    for entry, file in pairs:
        if duplicates is None:
            copies.add(entry)
        references.add(entry.facts)
        shares.append(module_share(entry, file))
    references.complete()
    if duplicates is None:
        duplicates = copies.find()  # before the rest: the memory that this takes for a while is free again then
    calls = CallTable.of(_file_calls(linked))
    imports = import_edges((entry.path, entry.module, file.imports) for entry, file in pairs)
    statistics = CallStatistics(calls)
    packages = modules(shares, imports)  # before the symbols: the memory that this takes for a while is free again then
    if spend:
        linked.spend()

    def reached(facts: SymbolFacts, identity: str, kind: str) -> Reachability:
        return reachability(facts, references, entry_point=kind, is_called=statistics.is_called(identity))

    symbols: list[Symbol] = []
    pool: dict[Any, Any] = {}
    for entry, file in pairs:
        found = None if known is None else known.get(entry.path)
        if found is None:
            if len(pool) > _POOLED:
                pool.clear()
            found = file_symbols(entry, file, statistics.metrics, reached, pool=pool)
            if known is not None:
                known[entry.path] = found
        symbols.extend(found)
    return Index(
        symbols=symbols,
        calls=calls,
        imports=imports,
        modules=packages,
        duplicates=duplicates,
        mentions=references.mentions,
        statistics=statistics,
    )


def module_share(entry: FileEntry, file: FileLink) -> ModuleShare:
    """What a file adds to its module."""
    facts = entry.facts
    return ModuleShare(entry.module, len(facts.symbols) - 1, facts.symbols[0].loc, file.external_imports)


def _file_calls(
    linked: LinkedFiles,
) -> Iterator[tuple[Sequence[str], FileLink, Iterable[LinkedCall], Iterable[tuple[int, CallRow]]]]:
    """The calls in each file, and from the classes that are called to the constructors that run then."""
    constructors: dict[str, set[tuple[str, str]]] = {}
    for link in linked.links:
        for class_id, init_id in link.constructors:
            constructors.setdefault(path_of(class_id), set()).add((class_id, init_id))
    for entry, link, calls in zip(linked.entries, linked.links, linked.calls(), strict=True):
        more = []
        for class_id, init_id in sorted(constructors.pop(entry.path, ())):
            local = entry.positions[class_id]
            more.append((local, constructor_call(entry.facts.symbols[local].start_line, init_id)))
        yield entry.ids, link, calls, more
    assert not constructors, "a class that is in no file was called"


def call_order(call: CallEdge) -> tuple[object, ...]:
    """The order of calls in an index."""
    return call.caller, call.line, call.callee or "", call.external or "", call.in_try, call.is_awaited


def file_symbols(
    entry: FileEntry,
    file: FileLink,
    metrics: Callable[[str, SymbolFacts], Metrics],
    reached: Callable[[SymbolFacts, str, str], Reachability],
    only: Container[int] | None = None,
    pool: dict[Any, Any] | None = None,
) -> list[Symbol]:
    """A file's symbols.

    Args:
        entry: The file.
        file: The same, linked.
        metrics: Gives the metrics of a symbol by its id and facts.
        reached: Says how a symbol is reached, by its facts, id and entry point.
        only: The indexes of those that are wanted; all where `None`.
        pool: Takes and gives parts of symbols, so that equal ones are one object: many have the same arguments.
    """
    share = ({} if pool is None else pool).setdefault
    symbols = []
    in_test_file, vendored = is_test_file(entry.path, entry.facts.symbols), is_vendored(entry.path)
    private_module = any(part.startswith("_") and not part.startswith("__") for part in entry.module.split("."))
    exported: list[bool] = []
    ids = entry.ids
    for index, facts in enumerate(entry.facts.symbols):
        identity = ids[index]
        is_exported = _is_exported(facts, entry, exported) and not private_module
        exported.append(is_exported)
        if only is not None and index not in only:
            continue
        entry_kind = file.entry_points[index]
        symbols.append(
            Symbol(
                id=identity,
                name=share(facts.name, facts.name) or entry.module.rpartition(".")[2],
                qualified_name=f"{entry.module}.{facts.qualified_name}" if index else entry.module,
                kind=facts.kind,
                module=entry.module,
                file=entry.path,
                start_line=share(facts.start_line, facts.start_line),
                end_line=share(facts.end_line, facts.end_line),
                start_column=facts.start_column,
                language=entry.facts.language,
                parent=ids[facts.parent] if index else None,
                is_exported=is_exported,
                is_async=facts.is_async,
                is_test=in_test_file,
                is_generated=entry.facts.is_generated or vendored,
                is_stub=facts.is_stub,
                decorators=share(facts.decorators, facts.decorators),
                base_classes=share(facts.base_classes, facts.base_classes),
                return_type=share(facts.return_type, facts.return_type),
                arguments=share(facts.arguments, facts.arguments),
                control_flow=share(facts.control_flow, facts.control_flow),
                metrics=share(numbers := metrics(identity, facts), numbers),
                entry_point=entry_kind,
                reachability=reached(facts, identity, entry_kind),
                type_checks=share(facts.type_checks, facts.type_checks),
                returns_none=facts.returns_none,
            )
        )
    return symbols


def bodies_of(entry: FileEntry, base: int = 0) -> list[Body]:
    """What similarity needs of a file's functions; their positions are their indexes in the file, plus `base`."""
    symbols = entry.facts.symbols
    around: dict[int, tuple[int, ...]] = {}  # siblings share it
    found = []
    for index, facts in enumerate(symbols):
        if facts.shingles:
            if facts.parent not in around:
                around[facts.parent] = tuple(base + scope for scope in scopes(symbols, facts.parent))
            numbers = facts.tokens, facts.digest, facts.literal_digest
            found.append(Body(base + index, around[facts.parent], facts.name, facts.shingles, *numbers))
    return found


class _Copies:
    """Finds duplicates among the functions of the files that were added."""

    def __init__(self) -> None:
        self._bodies: list[Body] = []
        self._entries: list[FileEntry] = []
        self._bases: list[int] = []
        self._base = 0

    def add(self, entry: FileEntry) -> None:
        """Look at a file; files come in the index's order."""
        self._bodies.extend(bodies_of(entry, self._base))
        self._entries.append(entry)
        self._bases.append(self._base)
        self._base += len(entry.facts.symbols)

    def find(self) -> list[Duplicate]:
        """The groups; what they were found by is let go."""
        groups, self._bodies = find_duplicates(self._bodies), []
        return as_duplicates(groups, {member: self._id(member) for group in groups for member in group.members})

    def _id(self, position: int) -> str:
        """The id of the symbol at a position among those of all files."""
        number = bisect_right(self._bases, position) - 1
        return self._entries[number].ids[position - self._bases[number]]


def as_duplicates(groups: Iterable[Group], ids: Mapping[int, str]) -> list[Duplicate]:
    """Groups of bodies as the contract has them; `ids` maps positions to symbols."""
    return [
        Duplicate(
            symbols=tuple(ids[index] for index in group.members),
            similarity=group.similarity,
            kind=group.kind,
            tokens=group.tokens,
            identical=group.identical,
        )
        for group in groups
    ]


def _is_exported(facts: SymbolFacts, entry: FileEntry, exported: Sequence[bool]) -> bool:
    if facts.kind == "module":
        return True
    name = facts.name
    if facts.parent == 0 and entry.facts.exports is not None:
        return name in entry.facts.exports
    if name.startswith("_") and not (name.startswith("__") and name.endswith("__")):
        return False
    if facts.parent == 0:
        return True
    return entry.facts.symbols[facts.parent].kind in CLASS_KINDS and exported[facts.parent]
