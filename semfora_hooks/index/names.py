"""Resolving names across files: what a dotted reference in some scope stands for.

Follows what Python's scoping and import rules say without running anything: local and enclosing scopes, module
globals, imports (re-exports and stars included), class members through base classes, `self`, `cls` and `super()`.
Where types are needed it uses annotations and constructor assignments, and says so (`inferred`).
"""

from __future__ import annotations

import builtins
import re
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Literal, NamedTuple

from semfora_hooks.index.entries import FileEntry
from semfora_hooks.index.memo import Memo
from semfora_hooks.languages.facts import ImportFacts, SymbolFacts
from semfora_hooks.model import CLASS_KINDS, Resolution

_MAX_WRAPPERS = 12  # `Optional[Annotated[...]]`, peeled off
_MAX_BASES = 48  # classes looked at for one member
_MAX_REEXPORTS = 8  # modules that pass on one name
_WRAPPED = re.compile(r"(?:\w+\.)*(?:Optional|Annotated|Final|ClassVar|Required|NotRequired)\s*\[(.*)\]")
_CLASS = re.compile(r"([A-Za-z_][\w.]*)\s*(?:\[.*\])?")
_BUILTINS = frozenset(dir(builtins))
_PLAIN_BASES = frozenset(("object", "Generic", "Protocol", "ABC", "NamedTuple", "TypedDict"))
_PLAIN_MODULES = frozenset(("builtins", "typing", "typing_extensions", "abc"))


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
    """Resolves references among files. Each answer depends on the files alone, not on earlier questions.

    Args:
        files: Module name to file.
        packages: Names of packages, folders without an `__init__` included; found from `files` where `None`.
        roots: The source roots, as `modules.source_roots` gives them.
        track: Collect which names of which files the answers depend on: see `memo.Memo` and `index.interface`.
    """

    def __init__(
        self,
        files: Mapping[str, FileEntry],
        packages: Container[str] | None = None,
        roots: Sequence[str] = (),
        *,
        track: bool = False,
    ) -> None:
        self.files = files
        self._roots = [(root, root[:-1].replace("/", "."), root[:-1].rpartition("/")) for root in roots if root]
        self._firsts = {part.partition(".")[0] for _, dotted, names in self._roots for part in (dotted, names[2])}
        self.packages = packages_of(files) if packages is None else packages
        self.memo = Memo(track=track)

    # ------------------------------------------------------------------------------------------------- references

    def resolve(self, file: FileEntry, scope: int, reference: str) -> Target | None:
        """What dotted `reference` means in the symbol `scope` of `file`; `None` where nothing can be said."""
        if reference.startswith("super()."):
            return self._super_member(file, scope, reference[8:])
        first, *rest = reference.split(".")
        target = self.lookup(file, scope, first)
        for part in rest:
            if target is None:
                return None
            target = self._attribute(target, part)
        return target

    def lookup(self, file: FileEntry, scope: int, name: str) -> Target | None:
        """What a bare name means in a scope: the scope itself, the functions around it, the module, stars."""
        if scope <= 0:
            return self._in_module(file, name)
        if name not in file.names.local:  # as most: it means what it means in the module
            self._note_symbol(file, scope)
            return self._in_module(file, name)
        return self.memo.ask(("scope", file.path, scope, name), lambda: self._lookup(file, scope, name))

    def _lookup(self, file: FileEntry, scope: int, name: str) -> Target | None:
        self._note_symbol(file, scope)
        symbols = file.facts.symbols
        current, first = scope, True
        while current > 0:
            symbol = symbols[current]
            if first or symbol.kind not in CLASS_KINDS:  # class scopes do not reach into their methods
                found, target = self._in_scope(file, current, symbol, name)
                if found:
                    return target
            current, first = symbol.parent, False
        return self._in_module(file, name)

    def _note_symbol(self, file: FileEntry, index: int) -> None:
        """The answer under way looked into a definition."""
        if self.memo.track:
            self.memo.note(("name", file.path, file.names.tops[index]))

    def file_of(self, module: str) -> FileEntry | None:
        """The file of a module, if the repository has it."""
        if self.memo.track:
            self.memo.note(("module", module))
        return self.files.get(module)

    def is_module(self, name: str) -> bool:
        """Whether the repository has a module or package of that name."""
        if self.memo.track:
            self.memo.note(("module", name))
        return name in self.files or name in self.packages

    def _in_scope(self, file: FileEntry, scope: int, symbol: SymbolFacts, name: str) -> tuple[bool, Target | None]:
        """Whether `name` belongs to this scope, and what it means there."""
        names = file.names
        member = names.members.get(scope, {}).get(name)
        if member is not None:
            return True, Target("symbol", file, member, name)
        imported = names.imports.get(scope, {}).get(name)
        if imported is not None:
            return True, self._imported(file, *imported)
        if name in names.bindings.get(scope, {}):
            return True, self._bound(file, scope, name)
        arguments = names.arguments.get(scope)
        if arguments is not None and name in arguments:
            if symbol.kind == "method" and next(iter(arguments)) == name and "staticmethod" not in symbol.decorators:
                return True, Target("instance", file, symbol.parent, name)
            return True, self._annotated(file, scope, arguments[name])
        return False, None

    def _in_module(self, file: FileEntry, name: str) -> Target | None:
        return self.memo.ask(("module", file.path, name), lambda: self._find_in_module(file, name))

    def _find_in_module(self, file: FileEntry, name: str) -> Target | None:
        self.memo.note(("name", file.path, name))
        names = file.names
        index = names.top_level.get(name)
        if index is not None:
            return Target("symbol", file, index, name)
        imported = names.imports.get(0, {}).get(name)
        if imported is not None:
            return self._imported(file, *imported)
        if name in names.bindings.get(0, {}):
            return self._bound(file, 0, name)
        self.memo.note(("stars", file.path))
        for star in names.stars:
            source = self.file_of(self.absolute(file, star))
            if source is not None and source is not file:
                self.memo.note(("name", source.path, name))
                self.memo.note(("stars", source.path))
                if _is_in_star(source, name):
                    target = self._in_module(source, name)
                    if target is not None:
                        return target
        return None

    # --------------------------------------------------------------------------------------------- imports, bindings

    def absolute(self, file: FileEntry, item: ImportFacts) -> str:
        """The dotted module an import names, relative levels resolved."""
        if not item.level:
            return self.rooted(file, item.module)
        parts = file.module.split(".")
        drop = item.level - (1 if file.is_package else 0)
        parts = parts[: len(parts) - drop] if drop else parts
        return ".".join([*parts, item.module] if item.module else parts)

    def may_be_root(self, first: str) -> bool:
        """Whether the first part of a module's name may lead to a source root."""
        return first in self._firsts

    def rooted(self, file: FileEntry, module: str) -> str:
        """The name here of a module that a file names through a source root: `src.a` is `a` where `src/` is a root.

        From the folder that a root is in, the root is a package like any other folder (PEP 420).
        """
        if not self.may_be_root(module.partition(".")[0]) or self.is_module(module):
            return module
        for root, dotted, (parent, _, last) in self._roots:
            for name in (dotted, last) if file.path.startswith(f"{parent}/") else (dotted,):
                inner = module.removeprefix(f"{name}.")
                if inner == module:
                    continue
                source = self.file_of(inner)
                if self.is_module(inner) if source is None else source.path.startswith(root):
                    return inner
        return module

    def _imported(self, file: FileEntry, item: ImportFacts, name: str | None) -> Target | None:
        module = self.absolute(file, item)
        if name is None:
            return self._module(module)
        if name == "":
            return self._module(item.module.partition(".")[0])
        full = f"{module}.{name}"
        inner = self.rooted(file, full)
        return self.member_of_module(module, name) if inner == full else self._module(inner)

    def _module(self, name: str) -> Target:
        kind: Literal["module", "external"] = "module" if self.is_module(name) else "external"
        return Target(kind, self.files.get(name), 0, name)

    def member_of_module(self, module: str, name: str) -> Target | None:
        """What `name` means as an attribute of a module of the repository, or outside it."""
        source = self.file_of(module)
        if source is not None:
            target = self._in_module(source, name)
            if target is not None:
                return target
        full = f"{module}.{name}"
        if self.is_module(full):
            return self._module(full)
        if source is None and not self.is_module(module):
            return Target("external", None, 0, full)
        return None

    def _bound(self, file: FileEntry, scope: int, name: str) -> Target | None:
        binding = file.names.bindings[scope][name]
        if binding is None or binding.value.partition(".")[0] == name:
            return None
        head, *rest = binding.value.split(".")
        target = self.lookup(file, binding.owner, head)
        for part in rest:
            target = None if target is None else self._attribute(target, part)
        if not binding.is_call:
            return target
        return self._constructed(target)

    def _constructed(self, target: Target | None) -> Target | None:
        """What calling `target` gives: an instance, where it is a class."""
        if target is None or target.kind != "symbol" or target.file is None:
            return None
        self._note_symbol(target.file, target.local)
        symbol = target.file.facts.symbols[target.local]
        if symbol.kind in CLASS_KINDS:
            return Target("instance", target.file, target.local, symbol.name, "inferred")
        if symbol.return_type:
            return self._annotated(target.file, symbol.parent if symbol.parent >= 0 else 0, symbol.return_type)
        return None

    def _annotated(self, file: FileEntry, scope: int, annotation: str | None) -> Target | None:
        name = class_of_annotation(annotation) if annotation else None
        if name is None:
            return None
        head, *rest = name.split(".")
        parent = file.facts.symbols[scope].parent if scope > 0 else 0
        target = self.lookup(file, max(parent, 0), head)
        for part in rest:
            target = None if target is None else self._attribute(target, part)
        if target is None or target.kind != "symbol" or target.file is None:
            return None
        self._note_symbol(target.file, target.local)
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
        self._note_symbol(target.file, target.local)
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
        return self.memo.ask(("member", file.path, index, name), lambda: self._member_of_class(file, index, name))

    def _member_of_class(self, file: FileEntry, index: int, name: str) -> Target | None:
        seen: set[tuple[str, int]] = set()
        pending: list[tuple[FileEntry, int]] = [(file, index)]
        while pending and len(seen) <= _MAX_BASES:
            owner, class_index = pending.pop(0)
            if (owner.path, class_index) in seen:
                continue
            seen.add((owner.path, class_index))
            self._note_symbol(owner, class_index)
            member = owner.names.members.get(class_index, {}).get(name)
            if member is not None:
                return Target("symbol", owner, member, name)
            bindings = owner.names.bindings.get(class_index, {})
            for key in (f"self.{name}", name):
                if key in bindings:
                    binding = bindings[key]
                    if binding is None or not binding.is_call:
                        return None
                    constructed = self._constructed(self.resolve(owner, binding.owner, binding.value))
                    return constructed if constructed is None else constructed._replace(resolution="inferred")
            pending.extend(self.bases(owner, class_index))
        return None

    def bases(self, file: FileEntry, index: int) -> Sequence[tuple[FileEntry, int]]:
        """The base classes of a class that are in the repository."""
        if not file.facts.symbols[index].base_classes:
            self._note_symbol(file, index)
            return ()
        return self.memo.ask(("bases", file.path, index), lambda: self._bases(file, index)) or ()

    def _bases(self, file: FileEntry, index: int) -> Sequence[tuple[FileEntry, int]]:
        found = []
        self._note_symbol(file, index)
        symbol = file.facts.symbols[index]
        for base in symbol.base_classes:
            target = self.resolve(file, max(symbol.parent, 0), base.partition("[")[0])
            if target is None or target.kind != "symbol" or target.file is None:
                continue
            self._note_symbol(target.file, target.local)
            if target.file.facts.symbols[target.local].kind in CLASS_KINDS:
                found.append((target.file, target.local))
        return tuple(found)

    def has_unknown_base(self, file: FileEntry, index: int) -> bool:
        """Whether a class inherits from something outside the repository (`object`, `Protocol` and the like apart)."""
        key = ("unknown base", file.path, index)
        return bool(self.memo.ask(key, lambda: self._has_unknown_base(file, index)))

    def _has_unknown_base(self, file: FileEntry, index: int) -> bool:
        symbol = file.facts.symbols[index]
        known = self.bases(file, index)
        plain = sum(self._is_plain_base(file, max(symbol.parent, 0), base) for base in symbol.base_classes)
        if len(known) + plain < len(symbol.base_classes):
            return True
        return any(self.has_unknown_base(owner, base) for owner, base in known if (owner, base) != (file, index))

    def ancestors(self, file: FileEntry, index: int) -> frozenset[str]:
        """Dotted names of all that a class inherits from, inside the repository and outside it.

        What a call gives is named after what is called: `db.Model` is `flask_sqlalchemy.SQLAlchemy().Model`.
        """
        if not file.facts.symbols[index].base_classes:
            self._note_symbol(file, index)
            return frozenset()
        key = ("ancestors", file.path, index)
        return self.memo.ask(key, lambda: self._ancestors(file, index)) or frozenset()

    def _ancestors(self, file: FileEntry, index: int) -> frozenset[str]:
        found: set[str] = set()
        symbol = file.facts.symbols[index]
        scope = max(symbol.parent, 0)
        for base in symbol.base_classes:
            name = self._outside_name(file, scope, base.partition("[")[0])
            if name is not None:
                found.add(name)
        for owner, base_index in self.bases(file, index):
            found.add(f"{owner.module}.{owner.facts.symbols[base_index].qualified_name}")
            found |= self.ancestors(owner, base_index)
        return frozenset(found)

    def _outside_name(self, file: FileEntry, scope: int, reference: str) -> str | None:
        """The dotted name of something outside the repository, which may be made by a call; else `None`."""
        target = self.resolve(file, scope, reference)
        if target is not None:
            return target.name if target.kind == "external" else None
        head, dot, rest = reference.partition(".")
        for _ in range(_MAX_REEXPORTS):
            self.memo.note(("name", file.path, head))
            item, name = file.names.imports.get(0, {}).get(head, (None, None))
            if item is None or not name:
                break
            source = self.file_of(self.absolute(file, item))
            if source is None:
                return None
            file, head = source, name
        binding = file.names.bindings.get(0, {}).get(head)
        if binding is None or not binding.is_call:
            return None
        made_by = self.resolve(file, binding.owner, binding.value)
        return f"{made_by.name}(){dot}{rest}" if made_by is not None and made_by.kind == "external" else None

    def _is_plain_base(self, file: FileEntry, scope: int, base: str) -> bool:
        """Whether a base class brings no methods that others call: by its name, and by where that was imported from."""
        written = base.partition("[")[0]
        if written.rpartition(".")[2] not in _PLAIN_BASES:
            return False
        target = self.resolve(file, scope, written)
        if target is None or target.kind != "external":
            return True
        owner = target.name.rpartition(".")[0].rpartition(".")[2]
        return not owner or owner in _PLAIN_MODULES  # `asyncio.Protocol` and Twisted's are called by an event loop

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


def packages_of(modules: Iterable[str]) -> set[str]:
    """The packages around modules, up to the top; also folders that have no `__init__`."""
    found = {name.rpartition(".")[0] for name in modules} - {""}
    for package in list(found):
        parts = package.split(".")
        found.update(".".join(parts[:count]) for count in range(1, len(parts)))
    return found


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
    for _ in range(_MAX_WRAPPERS):
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
