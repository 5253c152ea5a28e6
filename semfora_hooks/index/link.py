"""From the facts of files to one linked index: symbols with ids, the call graph, imports, modules, duplicates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

import msgspec

from semfora_hooks.index.entry_points import entry_point, is_test_file, is_vendored
from semfora_hooks.index.imports import import_edges, modules
from semfora_hooks.index.metrics import CallStatistics
from semfora_hooks.index.modules import module_name, source_roots
from semfora_hooks.index.names import FileEntry, Resolver, Target, scopes
from semfora_hooks.index.reachability import References
from semfora_hooks.index.similarity import Body, find_duplicates
from semfora_hooks.languages.facts import CallFacts, FileFacts, SymbolFacts
from semfora_hooks.model import (
    CLASS_KINDS,
    CallEdge,
    Duplicate,
    ImportEdge,
    Module,
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
    "read write close open flush seek readline readlines send recv run start stop match search group sub "
    "findall".split()
)


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
        imports = import_edges(self.entries, self.resolver)
        references = References(self.entries)
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
            symbols=self._symbols(CallStatistics(edges.values(), externals.values()), references),
            calls=calls,
            imports=imports,
            modules=modules(self.entries, imports, self.resolver),
            duplicates=self._duplicates(),
            mentions=references.mentions,
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

    def _symbols(self, statistics: CallStatistics, references: References) -> list[Symbol]:
        symbols = []
        for entry in self.entries:
            in_test_file, vendored = is_test_file(entry.path), is_vendored(entry.path)
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
                        is_generated=entry.facts.is_generated or vendored,
                        is_stub=facts.is_stub,
                        decorators=facts.decorators,
                        base_classes=facts.base_classes,
                        return_type=facts.return_type,
                        arguments=facts.arguments,
                        control_flow=facts.control_flow,
                        metrics=statistics.metrics(identity, facts),
                        entry_point=entry_kind,
                        reachability=references.reachability(
                            facts, entry_point=entry_kind, is_called=statistics.is_called(identity)
                        ),
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

    def _duplicates(self) -> list[Duplicate]:
        bodies = [
            Body(
                entry.base + index,
                frozenset(entry.base + scope for scope in scopes(entry.facts.symbols, facts.parent)),
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
