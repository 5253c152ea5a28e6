"""Resolving names across files: what a dotted reference in some scope stands for.

Follows what Python's scoping and import rules say without running anything: local and enclosing scopes, module
globals, imports (re-exports and stars included), class members through base classes, `self`, `cls` and `super()`.
Where types are needed it uses annotations and constructor assignments, and says so (`inferred`).
"""

from __future__ import annotations

import builtins
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal, NamedTuple

from semfora_hooks.languages.facts import BindingFacts, FileFacts, ImportFacts, SymbolFacts
from semfora_hooks.model import CLASS_KINDS, Resolution

_MAX_HOPS = 12  # re-exports followed, bases climbed, assignments chased
_WRAPPED = re.compile(r"(?:\w+\.)*(?:Optional|Annotated|Final|ClassVar|Required|NotRequired)\s*\[(.*)\]")
_CLASS = re.compile(r"([A-Za-z_][\w.]*)\s*(?:\[.*\])?")
_BUILTINS = frozenset(dir(builtins))


@dataclass
class FileEntry:
    """A file in the linked index.

    Attributes:
        base: Global index of its first symbol (the module); local index + base = global index.
    """

    path: str
    module: str
    is_package: bool
    facts: FileFacts
    base: int
    top_level: dict[str, int] = field(default_factory=dict)
    members: dict[int, dict[str, int]] = field(default_factory=dict)
    imports: dict[int, dict[str, tuple[ImportFacts, str | None]]] = field(default_factory=dict)
    stars: list[ImportFacts] = field(default_factory=list)
    bindings: dict[int, dict[str, BindingFacts | None]] = field(default_factory=dict)
    arguments: dict[int, dict[str, str | None]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for index, symbol in enumerate(self.facts.symbols):
            if index:
                scope = self.members.setdefault(symbol.parent, {})
                if symbol.role in ("", "overload") or symbol.name not in scope:
                    scope[symbol.name] = index
            if symbol.arguments:
                self.arguments[index] = {argument.name: argument.type for argument in symbol.arguments}
        self.top_level = self.members.get(0, {})
        for item in self.facts.imports:
            scope_imports = self.imports.setdefault(item.owner, {})
            if item.names:
                for name, alias in item.names:
                    if name == "*":
                        self.stars.append(item)
                    else:
                        scope_imports[alias] = (item, name)
            elif item.alias:
                scope_imports[item.alias] = (item, None)
            else:
                scope_imports.setdefault(item.module.partition(".")[0], (item, ""))
        for binding in self.facts.bindings:
            owner = binding.owner
            if binding.target.startswith("self."):
                owner = self.facts.symbols[owner].parent  # an attribute belongs to the class
            scope_bindings = self.bindings.setdefault(owner, {})
            known = scope_bindings.get(binding.target, binding)
            same = known is not None and known.value == binding.value
            scope_bindings[binding.target] = binding if same else None  # two different values: cannot tell


class Target(NamedTuple):
    """What a reference stands for.

    `symbol` and `instance` (of a class) name a file and a local symbol index; `module` a module of the repository;
    `external` something outside it. `name` holds the module's or the external's dotted name.
    """

    kind: Literal["symbol", "instance", "module", "external"]
    file: FileEntry | None
    local: int
    name: str
    resolution: Resolution = "exact"


class Resolver:
    """Resolves references among `files` (module name to file)."""

    def __init__(self, files: dict[str, FileEntry]) -> None:
        self.files = files
        self.packages = {name.rpartition(".")[0] for name in files} - {""}
        for package in list(self.packages):  # namespace packages, up to the top
            parts = package.split(".")
            self.packages.update(".".join(parts[:count]) for count in range(1, len(parts)))
        self._scoped: dict[tuple[str, int, str], Target | None] = {}
        self._global: dict[tuple[str, str], Target | None] = {}
        self._members: dict[tuple[str, int, str], Target | None] = {}
        self._depth = 0  # nested resolutions under way; hostile chains must not exhaust the stack

    # ------------------------------------------------------------------------------------------------- references

    def resolve(self, file: FileEntry, scope: int, reference: str) -> Target | None:
        """What dotted `reference` means in the symbol `scope` of `file`; `None` where nothing can be said."""
        if self._depth > _MAX_HOPS:
            return None
        self._depth += 1
        try:
            if reference.startswith("super()."):
                return self._super_member(file, scope, reference[8:])
            first, *rest = reference.split(".")
            target = self.lookup(file, scope, first)
            for part in rest:
                if target is None:
                    return None
                target = self._attribute(target, part)
            return target
        finally:
            self._depth -= 1

    def lookup(self, file: FileEntry, scope: int, name: str, hops: int = 0) -> Target | None:
        """What a bare name means in a scope: the scope itself, the functions around it, the module, stars."""
        key = (file.path, scope, name)
        if key in self._scoped:
            return self._scoped[key]
        self._scoped[key] = None  # cycles end here
        target = self._lookup(file, scope, name, hops)
        self._scoped[key] = target
        return target

    def _lookup(self, file: FileEntry, scope: int, name: str, hops: int) -> Target | None:
        symbols = file.facts.symbols
        current, first = scope, True
        while current > 0:
            symbol = symbols[current]
            if first or symbol.kind not in CLASS_KINDS:  # class scopes do not reach into their methods
                found, target = self._in_scope(file, current, symbol, name, hops)
                if found:
                    return target
            current, first = symbol.parent, False
        return self._in_module(file, name, hops)

    def _in_scope(
        self, file: FileEntry, scope: int, symbol: SymbolFacts, name: str, hops: int
    ) -> tuple[bool, Target | None]:
        """Whether `name` belongs to this scope, and what it means there."""
        member = file.members.get(scope, {}).get(name)
        if member is not None:
            return True, Target("symbol", file, member, name)
        imported = file.imports.get(scope, {}).get(name)
        if imported is not None:
            return True, self._imported(file, *imported, hops)
        if name in file.bindings.get(scope, {}):
            return True, self._bound(file, scope, name, hops)
        arguments = file.arguments.get(scope)
        if arguments is not None and name in arguments:
            if symbol.kind == "method" and next(iter(arguments)) == name and "staticmethod" not in symbol.decorators:
                return True, Target("instance", file, symbol.parent, name)
            return True, self._annotated(file, scope, arguments[name], hops)
        return False, None

    def _in_module(self, file: FileEntry, name: str, hops: int) -> Target | None:
        key = (file.path, name)
        if key in self._global:
            return self._global[key]
        self._global[key] = None
        target: Target | None = None
        index = file.top_level.get(name)
        if index is not None:
            target = Target("symbol", file, index, name)
        elif name in file.imports.get(0, {}):
            target = self._imported(file, *file.imports[0][name], hops)
        elif name in file.bindings.get(0, {}):
            target = self._bound(file, 0, name, hops)
        else:
            for star in file.stars:
                source = self.files.get(self.absolute(file, star))
                if source is not None and source is not file and hops < _MAX_HOPS and _is_in_star(source, name):
                    target = self._in_module(source, name, hops + 1)
                    if target is not None:
                        break
        self._global[key] = target
        return target

    # --------------------------------------------------------------------------------------------- imports, bindings

    def absolute(self, file: FileEntry, item: ImportFacts) -> str:
        """The dotted module an import names, relative levels resolved."""
        if not item.level:
            return item.module
        parts = file.module.split(".")
        drop = item.level - (1 if file.is_package else 0)
        parts = parts[: len(parts) - drop] if drop else parts
        return ".".join([*parts, item.module] if item.module else parts)

    def _imported(self, file: FileEntry, item: ImportFacts, name: str | None, hops: int) -> Target | None:
        module = self.absolute(file, item)
        if name is None:
            return self._module(module)
        if name == "":
            return self._module(item.module.partition(".")[0])
        if hops > _MAX_HOPS:
            return None
        return self.member_of_module(module, name, hops + 1)

    def _module(self, name: str) -> Target:
        kind: Literal["module", "external"] = "module" if name in self.files or name in self.packages else "external"
        return Target(kind, self.files.get(name), 0, name)

    def member_of_module(self, module: str, name: str, hops: int = 0) -> Target | None:
        """What `name` means as an attribute of a module of the repository, or outside it."""
        source = self.files.get(module)
        if source is not None:
            target = self._in_module(source, name, hops)
            if target is not None:
                return target
        full = f"{module}.{name}"
        if full in self.files or full in self.packages:
            return self._module(full)
        if source is None and module not in self.packages:
            return Target("external", None, 0, full)
        return None

    def _bound(self, file: FileEntry, scope: int, name: str, hops: int) -> Target | None:
        binding = file.bindings[scope][name]
        if binding is None or hops > _MAX_HOPS or binding.value.partition(".")[0] == name:
            return None
        head, *rest = binding.value.split(".")
        target = self.lookup(file, binding.owner, head, hops + 1)
        for part in rest:
            target = None if target is None else self._attribute(target, part)
        if not binding.is_call:
            return target
        return self._constructed(target)

    def _constructed(self, target: Target | None) -> Target | None:
        """What calling `target` gives: an instance, where it is a class."""
        if target is None or target.kind != "symbol" or target.file is None:
            return None
        symbol = target.file.facts.symbols[target.local]
        if symbol.kind in CLASS_KINDS:
            return Target("instance", target.file, target.local, symbol.name, "inferred")
        if symbol.return_type:
            return self._annotated(target.file, symbol.parent if symbol.parent >= 0 else 0, symbol.return_type, 1)
        return None

    def _annotated(self, file: FileEntry, scope: int, annotation: str | None, hops: int) -> Target | None:
        name = class_of_annotation(annotation) if annotation else None
        if name is None or hops > _MAX_HOPS:
            return None
        head, *rest = name.split(".")
        parent = file.facts.symbols[scope].parent if scope > 0 else 0
        target = self.lookup(file, max(parent, 0), head, hops + 1)
        for part in rest:
            target = None if target is None else self._attribute(target, part)
        if target is None or target.kind != "symbol" or target.file is None:
            return None
        if target.file.facts.symbols[target.local].kind not in CLASS_KINDS:
            return None
        return Target("instance", target.file, target.local, target.name, "inferred")

    # ------------------------------------------------------------------------------------------------------ members

    def _attribute(self, target: Target, name: str) -> Target | None:
        if target.kind == "external":
            return Target("external", None, 0, f"{target.name}.{name}")
        if target.kind == "module":
            return self.member_of_module(target.name, name)
        assert target.file is not None
        symbol = target.file.facts.symbols[target.local]
        if symbol.kind not in CLASS_KINDS:
            return None
        found = self.member_of_class(target.file, target.local, name)
        if found is None:
            return None
        weaker: Resolution = "inferred" if "inferred" in (target.resolution, found.resolution) else "exact"
        return found._replace(resolution=weaker)

    def member_of_class(self, file: FileEntry, index: int, name: str) -> Target | None:
        """A member of a class or, breadth first, of its bases; the type of `self.<name>` where that is known."""
        key = (file.path, index, name)
        if key not in self._members:
            self._members[key] = None  # cycles end here
            self._members[key] = self._member_of_class(file, index, name)
        return self._members[key]

    def _member_of_class(self, file: FileEntry, index: int, name: str) -> Target | None:
        seen: set[tuple[str, int]] = set()
        pending: list[tuple[FileEntry, int]] = [(file, index)]
        while pending and len(seen) <= _MAX_HOPS * 4:
            owner, class_index = pending.pop(0)
            if (owner.path, class_index) in seen:
                continue
            seen.add((owner.path, class_index))
            member = owner.members.get(class_index, {}).get(name)
            if member is not None:
                return Target("symbol", owner, member, name)
            bindings = owner.bindings.get(class_index, {})
            for key in (f"self.{name}", name):
                if key in bindings:
                    binding = bindings[key]
                    if binding is None or not binding.is_call:
                        return None
                    constructed = self._constructed(self.resolve(owner, binding.owner, binding.value))
                    return constructed if constructed is None else constructed._replace(resolution="inferred")
            pending.extend(self.bases(owner, class_index))
        return None

    def bases(self, file: FileEntry, index: int) -> list[tuple[FileEntry, int]]:
        """The base classes of a class that are in the repository."""
        found = []
        symbol = file.facts.symbols[index]
        for base in symbol.base_classes:
            target = self.resolve(file, max(symbol.parent, 0), base.partition("[")[0])
            if target is None or target.kind != "symbol" or target.file is None:
                continue
            if target.file.facts.symbols[target.local].kind in CLASS_KINDS:
                found.append((target.file, target.local))
        return found

    def has_unknown_base(self, file: FileEntry, index: int, hops: int = 0) -> bool:
        """Whether a class inherits from something outside the repository (`object`, `Protocol` and the like apart)."""
        symbol = file.facts.symbols[index]
        known = self.bases(file, index)
        plain = sum(
            base.partition("[")[0].rpartition(".")[2]
            in ("object", "Generic", "Protocol", "ABC", "NamedTuple", "TypedDict")
            for base in symbol.base_classes
        )
        if len(known) + plain < len(symbol.base_classes):
            return True
        return hops < _MAX_HOPS and any(
            self.has_unknown_base(owner, base, hops + 1) for owner, base in known if (owner, base) != (file, index)
        )

    def overrides(self, file: FileEntry, class_index: int, name: str) -> Target | None:
        """The member of a base class that `name` in this class overrides."""
        for owner, base in self.bases(file, class_index):
            if (owner.path, base) == (file.path, class_index):
                continue
            found = self.member_of_class(owner, base, name)
            if found is not None and found.kind == "symbol":
                return found
        return None

    def _super_member(self, file: FileEntry, scope: int, name: str) -> Target | None:
        symbols = file.facts.symbols
        while scope > 0 and symbols[scope].kind not in CLASS_KINDS:
            scope = symbols[scope].parent
        return self.overrides(file, scope, name) if scope > 0 else None


def _is_in_star(source: FileEntry, name: str) -> bool:
    """Whether `from source import *` brings `name`. Lists of exports may be longer than what we could read of them."""
    exports = source.facts.exports
    if exports is not None and (name in exports or name in _BUILTINS):
        return name in exports
    return not name.startswith("_")


@lru_cache(maxsize=20_000)
def class_of_annotation(annotation: str) -> str | None:
    """The one class that an annotation names, `None` and wrappers such as `Optional` aside; else `None`."""
    text = annotation.replace('"', "").replace("'", "")
    for _ in range(_MAX_HOPS):
        parts = [part for part in _split(text, "|") if part != "None"]
        if len(parts) != 1:
            return None
        text = parts[0]
        wrapped = _WRAPPED.fullmatch(text)
        if wrapped is None:
            break
        text = _split(wrapped[1], ",")[0]
    match = _CLASS.fullmatch(text)
    return match[1] if match is not None else None


def _split(text: str, separator: str) -> list[str]:
    """The parts of `text` between separators that stand outside all brackets."""
    parts, depth, start = [], 0, 0
    for position, character in enumerate(text):
        if character in "[(":
            depth += 1
        elif character in "])":
            depth -= 1
        elif character == separator and depth == 0:
            parts.append(text[start:position].strip())
            start = position + 1
    return [*parts, text[start:].strip()]


def scopes(symbols: Sequence[SymbolFacts], scope: int) -> Iterator[int]:
    """A symbol and what it is nested in, inside out, without the module."""
    while scope > 0:
        yield scope
        scope = symbols[scope].parent
