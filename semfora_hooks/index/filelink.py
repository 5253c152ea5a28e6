"""Linking one file: what its calls, imports and methods mean among the other files.

The result is plain data that is stored, and holds as long as the file and the names it looked at stay what they are.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence
from itertools import chain
from typing import NamedTuple

import msgspec

from semfora_hooks.index.entries import FileEntry
from semfora_hooks.index.entry_points import OutsideCallers, entry_point, is_test_file
from semfora_hooks.index.frameworks import conventions, finds_subclasses
from semfora_hooks.index.imports import external_imports, file_imports
from semfora_hooks.index.names import Resolver, Target
from semfora_hooks.languages.facts import CallFacts, SymbolFacts
from semfora_hooks.model import CLASS_KINDS, CallEdge, Resolution

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
RESOLUTIONS: tuple[Resolution, ...] = ("exact", "inferred", "name")
"""By the number that stands for them in a `LinkedCall`."""
_NUMBER = {name: number for number, name in enumerate(RESOLUTIONS)}

MethodPlace = tuple[FileEntry, int]
"""A file and the local index of one of its symbols."""


class LinkedCall(NamedTuple):
    """Calls from one symbol to one target; `callee` and `external` are positions in the lists of `FileLink`, or -1."""

    caller: int
    callee: int
    external: int
    resolution: int
    in_try: bool
    is_awaited: bool
    sites: int
    line: int


class LinkedImport(NamedTuple):
    """A module of the repository that the file imports."""

    imported: str
    line: int
    lazy: bool
    type_checking: bool


class FileLink(msgspec.Struct, array_like=True):
    """One file, linked.

    Attributes:
        callees: Ids of the symbols that it calls.
        externals: Names outside the repository that it calls.
        calls: Its calls.
        constructors: Ids of classes that it calls, each with the `__init__` which runs then.
        entry_points: For each symbol, as `model.Symbol.entry_point`.
        imports: What it imports from the repository.
        external_imports: Modules outside the repository that it imports.
    """

    callees: list[str]
    externals: list[str]
    calls: list[LinkedCall]
    constructors: list[tuple[str, str]]
    entry_points: list[str]
    imports: list[LinkedImport]
    external_imports: list[str]

    def edges(self, ids: Sequence[str], only: Container[int] | None = None) -> Iterator[CallEdge]:
        """The calls as edges.

        Args:
            ids: Those of the file's symbols.
            only: Indexes of the callees whose calls are wanted; all calls where `None`.
        """
        for call in self.calls:
            if only is not None and call.callee not in only:
                continue
            yield CallEdge(
                caller=ids[call.caller],
                callee=self.callees[call.callee] if call.callee >= 0 else None,
                external=self.externals[call.external] if call.external >= 0 else None,
                count=call.sites,
                line=call.line,
                resolution=RESOLUTIONS[call.resolution],
                in_try=call.in_try,
                is_awaited=call.is_awaited,
            )


_OF_TESTS = ("pytest", "unittest")
"""Frameworks whose conventions hold in test files, whatever these import."""


def is_telling(name: str) -> bool:
    """Whether a method's name alone can say which method is meant."""
    return name not in _BUILTIN_MEMBERS and not name.startswith("__")


class FileLinker:
    """Links files, one at a time.

    Args:
        resolver: Knows all files.
        unique_method: The method of a name that exactly one class of the repository defines, if its name is telling.
        outside: What the project says of callers outside.
    """

    def __init__(
        self, resolver: Resolver, unique_method: Callable[[str], MethodPlace | None], outside: OutsideCallers
    ) -> None:
        self.resolver = resolver
        self._unique_method = unique_method
        self._outside = outside

    def link(self, entry: FileEntry) -> FileLink:
        """One file, linked."""
        callees: dict[str, int] = {}
        externals: dict[str, int] = {}
        calls: dict[tuple[int, int, int, int, bool, bool], tuple[int, int]] = {}
        constructors: set[tuple[str, str]] = set()
        for call in entry.facts.calls:
            target, external = self._target(entry, call)
            callee = -1
            if target is not None and target.file is not None:
                identity = target.file.ids[target.local]
                callee = callees.setdefault(identity, len(callees))
                if target.file.facts.symbols[target.local].kind in CLASS_KINDS:
                    init = self.resolver.member_of_class(target.file, target.local, "__init__")
                    if init is not None and init.kind == "symbol" and init.file is not None:
                        constructors.add((identity, init.file.ids[init.local]))
            resolution = _NUMBER[target.resolution if target is not None and callee >= 0 else "name"]
            outside = externals.setdefault(external, len(externals)) if external is not None and callee < 0 else -1
            key = (call.owner, callee, outside, resolution, call.in_try, call.is_awaited)
            count, line = calls.get(key, (0, call.line))
            calls[key] = (count + call.count, min(line, call.line))
        return FileLink(
            callees=list(callees),
            externals=list(externals),
            calls=[LinkedCall(*key, *rest) for key, rest in calls.items()],
            constructors=sorted(constructors),
            entry_points=self._entry_points(entry),
            imports=[LinkedImport(*item) for item in file_imports(entry, self.resolver)],
            external_imports=external_imports(entry, self.resolver),
        )

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
        if is_telling(method):
            self.resolver.memo.note(("method", method))
            unique = self._unique_method(method)
            if unique is not None and not self._is_external(entry, call.owner, callee):
                return Target("symbol", unique[0], unique[1], method, "name"), None
        return None, callee

    def _is_external(self, entry: FileEntry, scope: int, callee: str) -> bool:
        first = callee.partition(".")[0]
        target = self.resolver.lookup(entry, scope, first) if first else None
        return target is not None and target.kind in ("external", "module", "instance")

    def _entry_points(self, entry: FileEntry) -> list[str]:
        in_test_file = is_test_file(entry.path, entry.facts.symbols)
        cooperative = {(call.owner, call.callee) for call in entry.facts.calls if call.callee.startswith("super().")}
        named = (*self._outside.frameworks, *_OF_TESTS) if in_test_file else self._outside.frameworks
        followed = conventions(entry.facts.imports, named)
        found = []
        for index, facts in enumerate(entry.facts.symbols):
            kind = entry_point(
                facts,
                module=entry.module,
                in_test_file=in_test_file,
                has_main_guard=entry.facts.has_main_guard,
                declared=self._outside.entry_points,
                conventions=followed,
            )
            if kind == "none" and facts.kind == "method":
                kind = self._override(entry, facts, (index, f"super().{facts.name}") in cooperative)
            elif kind == "none" and facts.kind in CLASS_KINDS:
                kind = self._found_class(entry, index, facts)
            found.append(kind)
        return found

    def _override(self, entry: FileEntry, facts: SymbolFacts, is_cooperative: bool) -> str:
        """`override` where a method replaces one of a base class, or may replace one of a base we do not see."""
        if self.resolver.overrides(entry, facts.parent, facts.name) is not None:
            return "override"
        if is_cooperative:
            return "override"  # a mixin: the base comes with the class that uses it
        return "framework" if self.resolver.has_unknown_base(entry, facts.parent) else "none"

    def _found_class(self, entry: FileEntry, index: int, facts: SymbolFacts) -> str:
        """Whether a class is found by its bases (they register it), or by those of the class around it (`Meta`)."""
        if facts.base_classes:
            if self.resolver.overrides(entry, index, "__init_subclass__") is not None:
                return "framework"
            if any(map(finds_subclasses, self.resolver.ancestors(entry, index))):
                return "framework"
        around = facts.parent
        if around > 0 and entry.facts.symbols[around].kind in CLASS_KINDS and not facts.name.startswith("_"):
            return self._override(entry, facts, is_cooperative=False)
        return "none"
