"""From the facts of files to one linked index: symbols with ids, the call graph, imports, modules, duplicates."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import msgspec

from semfora_hooks.index.entry_points import entry_point, is_test_file
from semfora_hooks.index.graph import strongly_connected
from semfora_hooks.index.modules import module_name, source_roots
from semfora_hooks.index.names import FileEntry, Resolver, Target
from semfora_hooks.index.similarity import Body, find_duplicates
from semfora_hooks.languages.facts import CallFacts, FileFacts, SymbolFacts
from semfora_hooks.model import (
    CALLABLE_KINDS,
    CLASS_KINDS,
    CallEdge,
    Duplicate,
    ImportEdge,
    Metrics,
    Module,
    Reachability,
    Resolution,
    Symbol,
)

# Attribute names of built-in types: an unknown receiver with one of these is most likely a list, a string, a file…
_BUILTIN_MEMBERS = frozenset(
    chain.from_iterable(
        dir(kind)
        for kind in (
            str,
            bytes,
            bytearray,
            list,
            dict,
            set,
            frozenset,
            tuple,
            int,
            float,
            property,
            type,
            BaseException,
        )
    )
) | frozenset(
    "read write close open flush seek readline readlines send recv run start stop match search group sub findall".split()
)
# Methods named after a class, `visit_Name`: chosen by the name of a type, however that name is put together.
_DISPATCHED = re.compile(r"_*[a-z]\w*_[A-Z]\w*")
_MIN_FRAGMENT = 3  # characters of a string like "visit_" before it can stand for the names that begin with it


@dataclass(frozen=True)
class Index:
    """The linked repository. `context.SuggestContext` shows it to rules."""

    symbols: list[Symbol]
    calls: list[CallEdge]
    imports: list[ImportEdge]
    modules: list[Module]
    duplicates: list[Duplicate]
    mentions: dict[str, int]
    facts: dict[str, FileFacts]


def link(
    files: Iterable[tuple[str, FileFacts]],
    *,
    src: Sequence[str] = (),
    prefix: str = "",
    declared_entry_points: Sequence[str] = (),
) -> Index:
    """Link the facts of a snapshot.

    Args:
        files: Paths and facts, sorted by path.
        src: Configured source roots; found by themselves where empty.
        prefix: The dotted package the repository's root is inside of (`modules.package_prefix`).
        declared_entry_points: `module:name` of code that is called from outside.
    """
    return _Linker(list(files), src, prefix, declared_entry_points).index()


class _Linker:
    def __init__(
        self, files: list[tuple[str, FileFacts]], src: Sequence[str], prefix: str, declared: Sequence[str]
    ) -> None:
        self.declared = declared
        self.entries: list[FileEntry] = []
        by_module: dict[str, FileEntry] = {}
        roots = source_roots([path for path, _ in files], src)
        base = 0
        for path, facts in files:
            module, is_package = module_name(path, roots, prefix)
            entry = FileEntry(path, module, is_package, facts, base)
            self.entries.append(entry)
            if module not in by_module or path.endswith(".py") > by_module[module].path.endswith(".py"):
                by_module[module] = entry
            base += len(facts.symbols)
        self.count = base
        self.resolver = Resolver(by_module)
        self.ids: list[str] = []
        for entry in self.entries:
            self.ids.extend(_ids(entry))
        self.methods = self._unique_methods()
        self.cooperative = {
            (entry.path, call.owner, call.callee)
            for entry in self.entries
            for call in entry.facts.calls
            if call.callee.startswith("super().")
        }

    def index(self) -> Index:
        edges, externals = self._calls()
        imports = self._imports()
        mentions = self._mentions()
        symbols = self._symbols(edges, externals, mentions)
        modules = self._modules(imports)
        calls = sorted(
            chain(edges.values(), externals.values()),
            key=lambda call: (
                call.caller,
                call.line,
                call.callee or "",
                call.external or "",
                call.in_try,
                call.is_awaited,
            ),
        )
        return Index(
            symbols=symbols,
            calls=calls,
            imports=imports,
            modules=modules,
            duplicates=self._duplicates(),
            mentions=mentions,
            facts={entry.path: entry.facts for entry in self.entries},
        )

    # ------------------------------------------------------------------------------------------------------- calls

    def _unique_methods(self) -> dict[str, tuple[FileEntry, int]]:
        """Method names that exactly one class of the repository defines."""
        seen: dict[str, tuple[FileEntry, int] | None] = {}
        for entry in self.entries:
            for index, symbol in enumerate(entry.facts.symbols):
                if symbol.kind == "method" and not symbol.role:
                    seen[symbol.name] = None if symbol.name in seen else (entry, index)
        return {
            name: where
            for name, where in seen.items()
            if where and name not in _BUILTIN_MEMBERS and not name.startswith("__")
        }

    def _calls(self) -> tuple[dict[object, CallEdge], dict[object, CallEdge]]:
        edges: dict[object, CallEdge] = {}
        externals: dict[object, CallEdge] = {}
        constructors: set[tuple[str, str]] = set()
        for entry in self.entries:
            for call in entry.facts.calls:
                caller = self.ids[entry.base + call.owner]
                target, external = self._target(entry, call)
                callee = None
                if target is not None and target.file is not None:
                    index = target.file.base + target.local
                    callee = self.ids[index]
                    if target.file.facts.symbols[target.local].kind in CLASS_KINDS:
                        init = self.resolver.member_of_class(target.file, target.local, "__init__")
                        if init is not None and init.kind == "symbol" and init.file is not None:
                            constructors.add((callee, self.ids[init.file.base + init.local]))
                resolution: Resolution = target.resolution if target is not None and callee else "name"
                key = (caller, callee, external, resolution, call.in_try, call.is_awaited)
                table = edges if callee else externals
                known = table.get(key)
                if known is None:
                    table[key] = CallEdge(
                        caller=caller,
                        callee=callee,
                        external=external,
                        count=call.count,
                        line=call.line,
                        resolution=resolution,
                        in_try=call.in_try,
                        is_awaited=call.is_awaited,
                    )
                else:
                    table[key] = msgspec.structs.replace(
                        known, count=known.count + call.count, line=min(known.line, call.line)
                    )
        lines = {self.ids[e.base + i]: s.start_line for e in self.entries for i, s in enumerate(e.facts.symbols)}
        for class_id, init_id in sorted(constructors):
            edges[class_id, init_id] = CallEdge(
                caller=class_id, callee=init_id, count=1, line=lines[class_id], resolution="exact"
            )
        return edges, externals

    def _target(self, entry: FileEntry, call: CallFacts) -> tuple[Target | None, str | None]:
        """The symbol a call reaches, or the name of what it calls outside the repository."""
        callee = call.callee
        if not callee.startswith("."):
            target = self.resolver.resolve(entry, call.owner, callee)
            if target is not None:
                if target.kind == "symbol":
                    return target, None
                if target.kind == "instance" and target.file is not None:
                    dunder = self.resolver.member_of_class(target.file, target.local, "__call__")
                    return (dunder._replace(resolution="inferred"), None) if dunder else (None, callee)
                return None, target.name
            if "." not in callee:
                return None, callee
        method = callee.rpartition(".")[2]
        unique = self.methods.get(method)
        if unique is not None and not self._is_external(entry, call.owner, callee):
            return Target("symbol", unique[0], unique[1], method, "name"), None
        return None, callee

    def _is_external(self, entry: FileEntry, scope: int, callee: str) -> bool:
        first = callee.partition(".")[0]
        target = self.resolver.lookup(entry, scope, first) if first else None
        return target is not None and target.kind in ("external", "module", "instance")

    # ---------------------------------------------------------------------------------------------------- symbols

    def _mentions(self) -> dict[str, int]:
        totals: Counter[str] = Counter()
        for entry in self.entries:
            totals.update(entry.facts.mentions)
            for symbol in entry.facts.symbols:
                if symbol.own_mentions:
                    totals[symbol.name] -= symbol.own_mentions
        return {name: count for name, count in sorted(totals.items()) if count > 0}

    def _symbols(
        self, edges: Mapping[object, CallEdge], externals: Mapping[object, CallEdge], mentions: Mapping[str, int]
    ) -> list[Symbol]:
        callers: defaultdict[str, set[str]] = defaultdict(set)
        sites: Counter[str] = Counter()
        targets: defaultdict[str, set[str]] = defaultdict(set)
        exact: defaultdict[str, list[str]] = defaultdict(list)
        for edge in edges.values():
            assert edge.callee is not None
            if edge.caller != edge.callee:
                callers[edge.callee].add(edge.caller)
                sites[edge.callee] += edge.count
            targets[edge.caller].add(edge.callee)
            if edge.resolution == "exact":
                exact[edge.caller].append(edge.callee)
        for edge in externals.values():
            targets[edge.caller].add(f"\0{edge.external}")
        recursive = {symbol for component in strongly_connected(exact) for symbol in component}
        prefixes, suffixes = _fragments(mentions)
        defined = {facts.name for entry in self.entries for facts in entry.facts.symbols}
        symbols = []
        for entry in self.entries:
            in_test_file = is_test_file(entry.path)
            private_module = any(part.startswith("_") and not part.startswith("__") for part in entry.module.split("."))
            exported: list[bool] = []
            for index, facts in enumerate(entry.facts.symbols):
                identity = self.ids[entry.base + index]
                is_exported = _is_exported(facts, entry, exported) and not private_module
                exported.append(is_exported)
                entry_kind = entry_point(
                    facts,
                    module=entry.module,
                    in_test_file=in_test_file,
                    has_main_guard=entry.facts.has_main_guard,
                    declared=self.declared,
                )
                if entry_kind == "none":
                    entry_kind = self._override(entry, facts, index)
                reach: Reachability
                if callers.get(identity):
                    reach = "called"
                elif entry_kind != "none":
                    reach = "entry_point"
                elif mentions.get(facts.name):
                    reach = "referenced"
                elif (
                    facts.name.startswith(prefixes)
                    or facts.name.endswith(suffixes)
                    or (facts.kind == "method" and _DISPATCHED.fullmatch(facts.name))
                    or (bare := facts.name.lstrip("_")) in mentions
                    and bare not in defined  # `getattr(self, "_" + name)`
                ):
                    reach = "unknown"
                else:
                    reach = "unreferenced"
                arguments = facts.arguments
                bound = facts.kind == "method" and bool(arguments) and "staticmethod" not in facts.decorators
                symbols.append(
                    Symbol(
                        id=identity,
                        name=facts.name or entry.module.rpartition(".")[2],
                        qualified_name=f"{entry.module}.{facts.qualified_name}" if index else entry.module,
                        kind=facts.kind,
                        module=entry.module,
                        file=entry.path,
                        start_line=facts.start_line,
                        end_line=facts.end_line,
                        start_column=facts.start_column,
                        language=entry.facts.language,
                        parent=self.ids[entry.base + facts.parent] if index else None,
                        is_exported=is_exported,
                        is_async=facts.is_async,
                        is_test=in_test_file,
                        is_generated=entry.facts.is_generated,
                        is_stub=facts.is_stub,
                        decorators=facts.decorators,
                        base_classes=facts.base_classes,
                        return_type=facts.return_type,
                        arguments=arguments,
                        control_flow=facts.control_flow,
                        metrics=Metrics(
                            cognitive_complexity=facts.cognitive
                            + (identity in recursive and facts.kind in CALLABLE_KINDS),
                            cyclomatic_complexity=facts.cyclomatic if facts.kind not in CLASS_KINDS else 0,
                            nesting_depth=facts.nesting_depth,
                            loc=facts.loc,
                            fan_in=len(callers.get(identity, ())),
                            fan_out=len(targets.get(identity, ())),
                            callers_count=sites.get(identity, 0),
                            argument_count=len(arguments) - bound,
                        ),
                        entry_point=entry_kind,
                        reachability=reach,
                        type_checks=facts.type_checks,
                        returns_none=facts.returns_none,
                    )
                )
        return symbols

    def _override(self, entry: FileEntry, facts: SymbolFacts, index: int) -> str:
        """`override` where a method replaces one of a base class, or may replace one of a base we do not see."""
        if facts.kind != "method":
            return "none"
        if self.resolver.overrides(entry, facts.parent, facts.name) is not None:
            return "override"
        if (entry.path, index, f"super().{facts.name}") in self.cooperative:
            return "override"  # a mixin: the base comes with the class that uses it
        return "framework" if self.resolver.has_unknown_base(entry, facts.parent) else "none"

    # -------------------------------------------------------------------------------------- imports, modules, copies

    def _imports(self) -> list[ImportEdge]:
        edges: dict[tuple[str, str, bool, bool], ImportEdge] = {}
        for entry in self.entries:
            symbols = entry.facts.symbols
            for item in entry.facts.imports:
                module = self.resolver.absolute(entry, item)
                imported = [module] if not item.names else []
                for name, _ in item.names:
                    full = f"{module}.{name}"
                    imported.append(full if full in self.resolver.files else module)
                lazy = item.main_only or any(
                    symbols[scope].kind in CALLABLE_KINDS for scope in _scopes(symbols, item.owner)
                )
                for target in imported:
                    if target not in self.resolver.files or target == entry.module:
                        continue
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

    def _modules(self, imports: Sequence[ImportEdge]) -> list[Module]:
        outgoing: defaultdict[str, set[str]] = defaultdict(set)
        incoming: defaultdict[str, set[str]] = defaultdict(set)
        external: defaultdict[str, set[str]] = defaultdict(set)
        for edge in imports:
            outgoing[edge.importer].add(edge.imported)
            incoming[edge.imported].add(edge.importer)
        files: Counter[str] = Counter()
        symbols: Counter[str] = Counter()
        loc: Counter[str] = Counter()
        for entry in self.entries:
            files[entry.module] += 1
            symbols[entry.module] += len(entry.facts.symbols) - 1
            loc[entry.module] += entry.facts.symbols[0].loc
            for item in entry.facts.imports:
                module = self.resolver.absolute(entry, item)
                top = module.partition(".")[0]
                if top and top not in self.resolver.files and top not in self.resolver.packages:
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

    def _duplicates(self) -> list[Duplicate]:
        bodies = [
            Body(
                entry.base + index,
                frozenset(entry.base + scope for scope in _scopes(entry.facts.symbols, facts.parent)),
                facts.name,
                facts.shingles,
                facts.tokens,
                facts.digest,
                facts.literal_digest,
            )
            for entry in self.entries
            for index, facts in enumerate(entry.facts.symbols)
            if facts.shingles
        ]
        return [
            Duplicate(
                symbols=tuple(self.ids[index] for index in group.members),
                similarity=group.similarity,
                kind=group.kind,
                tokens=group.tokens,
                identical=group.identical,
            )
            for group in find_duplicates(bodies)
        ]


def _ids(entry: FileEntry) -> list[str]:
    """Ids of a file's symbols: path and qualified name; what else has that name gets its role, then a number."""
    ids = [entry.path]
    taken: Counter[str] = Counter()
    for symbol in entry.facts.symbols[1:]:
        identity = f"{entry.path}::{symbol.qualified_name}"
        if symbol.role:
            identity += f"@{symbol.role}"
        taken[identity] += 1
        ids.append(identity if taken[identity] == 1 else f"{identity}#{taken[identity]}")
    return ids


def _scopes(symbols: Sequence[SymbolFacts], scope: int) -> Iterable[int]:
    while scope > 0:
        yield scope
        scope = symbols[scope].parent


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


def _fragments(mentions: Mapping[str, int]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Beginnings and ends of names that code puts together at run time, such as `"visit_" + kind`."""
    prefixes = tuple(name for name in mentions if name.endswith("_") and len(name) >= _MIN_FRAGMENT and name.strip("_"))
    suffixes = tuple(
        name for name in mentions if name.startswith("_") and len(name) > _MIN_FRAGMENT + 1 and not name.endswith("_")
    )
    return prefixes, suffixes
