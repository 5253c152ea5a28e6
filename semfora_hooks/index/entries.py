"""The files of a snapshot as linking sees them: each with its module and its names arranged for looking them up."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import chain

from semfora_hooks.index.facttable import FactTable
from semfora_hooks.languages import SUFFIXES
from semfora_hooks.languages.facts import BindingFacts, FileFacts, ImportFacts

OPEN_BYTES = 8 << 20
"""Encoded size of the facts of the files that a window keeps open."""

_ENDINGS = tuple(SUFFIXES)


def path_of(identity: str) -> str:
    """The file of a symbol's id: its first part that ends as a source file does, since names of files may hold `::`.

    Discovery leaves out files for which that would be wrong.
    """
    end = identity.find("::")
    while end >= 0:
        if identity.endswith(_ENDINGS, 0, end):
            return identity[:end]
        end = identity.find("::", end + 1)
    return identity


class FileNames:
    """What one file defines, imports and binds, by scope (the index of a symbol; 0 is the module).

    Attributes:
        members: Name to symbol.
        top_level: The members of the module.
        imports: Bound name to the import that binds it, with the name it has there: `None` for a module that gets an
            alias, empty for the first part of a dotted module.
        stars: Star imports.
        bindings: Target to the assignment that binds it; `None` where several differ.
        arguments: Name to annotation.
    """

    def __init__(self, facts: FileFacts) -> None:
        self.facts = facts
        self.members: dict[int, dict[str, int]] = {}
        self.imports: dict[int, dict[str, tuple[ImportFacts, str | None]]] = {}
        self.stars: list[ImportFacts] = []
        self.bindings: dict[int, dict[str, BindingFacts | None]] = {}
        self.arguments: dict[int, dict[str, str | None]] = {}
        for index, symbol in enumerate(facts.symbols):
            if index:
                scope = self.members.setdefault(symbol.parent, {})
                if symbol.role in ("", "overload") or symbol.name not in scope:
                    scope[symbol.name] = index
            if symbol.arguments:
                self.arguments[index] = {argument.name: argument.type for argument in symbol.arguments}
        self.top_level = self.members.get(0, {})
        for item in facts.imports:
            self._import(item)
        for binding in facts.bindings:
            owner = binding.owner
            if binding.target.startswith("self."):
                owner = facts.symbols[owner].parent  # an attribute belongs to the class
            scope_bindings = self.bindings.setdefault(owner, {})
            known = scope_bindings.get(binding.target, binding)
            same = known is not None and known.value == binding.value
            scope_bindings[binding.target] = binding if same else None  # two different values: cannot tell

    def _import(self, item: ImportFacts) -> None:
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

    @cached_property
    def symbols_by_name(self) -> Mapping[str, Sequence[int]]:
        """Bare name to the symbols that have it."""
        found: dict[str, list[int]] = {}
        for index, symbol in enumerate(self.facts.symbols):
            found.setdefault(symbol.name, []).append(index)
        return found

    @cached_property
    def local(self) -> frozenset[str]:
        """All names that mean something in a scope other than the module."""
        tables: tuple[Mapping[int, Mapping[str, object]], ...] = (
            self.members,
            self.imports,
            self.bindings,
            self.arguments,
        )
        return frozenset(chain.from_iterable(names for table in tables for scope, names in table.items() if scope > 0))

    @cached_property
    def tops(self) -> Sequence[str]:
        """The name of the top-level definition around each symbol; empty for the module itself."""
        names: list[str] = []
        for symbol in self.facts.symbols:
            names.append(symbol.name if symbol.parent == 0 else names[symbol.parent] if symbol.parent > 0 else "")
        return names


class FileEntry:
    """A file among the linked ones.

    Args:
        path: Its path.
        module: Its dotted module.
        is_package: It is the module's `__init__`.
        facts: What it says, or the window that opens it when that is asked for.
    """

    __slots__ = ("_facts", "_ids", "_names", "_positions", "_window", "is_package", "module", "path")

    def __init__(self, path: str, module: str, is_package: bool, facts: FileFacts | Window) -> None:
        self.path = path
        self.module = module
        self.is_package = is_package
        self._ids: Sequence[str] | None = None
        self._names: FileNames | None = None
        self._positions: Mapping[str, int] | None = None
        self._window = facts if isinstance(facts, Window) else None
        self._facts = None if isinstance(facts, Window) else facts

    @property
    def facts(self) -> FileFacts:
        """What it says. Use it and let it go: who keeps it keeps the file open."""
        facts = self._facts
        if facts is None:
            assert self._window is not None
            facts = self._facts = self._window.open(self)
        return facts

    @property
    def names(self) -> FileNames:
        """Its names; as `facts`."""
        names = self._names
        if names is None:
            names = self._names = FileNames(self.facts)
        return names

    def close(self) -> None:
        """Forget all that the window can give again."""
        self._facts = None
        self._names = None
        self._positions = None

    @property
    def ids(self) -> Sequence[str]:
        """Ids of the symbols: path and qualified name; what else has that name gets its role, then a number.

        They stay, since much of what linking gives holds them.
        """
        if self._ids is None:
            ids = [self.path]
            taken: Counter[str] = Counter()
            for symbol in self.facts.symbols[1:]:
                identity = f"{self.path}::{symbol.qualified_name}"
                if symbol.role:
                    identity += f"@{symbol.role}"
                taken[identity] += 1
                ids.append(identity if taken[identity] == 1 else f"{identity}#{taken[identity]}")
            self._ids = ids
        return self._ids

    @property
    def positions(self) -> Mapping[str, int]:
        """Id to local index."""
        if self._positions is None:
            self._positions = {identity: index for index, identity in enumerate(self.ids)}
        return self._positions


class Window:
    """Opens files, and closes those it opened longest ago: what is open has a limit, whatever the repository's size.

    Args:
        table: The facts of the files.
    """

    def __init__(self, table: FactTable) -> None:
        self._table = table
        self._room = OPEN_BYTES
        self._open: deque[FileEntry] = deque()

    def open(self, entry: FileEntry) -> FileFacts:
        """The facts of a file of the table."""
        self._room -= self._table.size(entry.path)
        self._open.append(entry)
        while self._room < 0 and len(self._open) > 1:
            oldest = self._open.popleft()
            oldest.close()
            self._room += self._table.size(oldest.path)
        return self._table.take(entry.path)

    def close(self) -> None:
        """Close all files. The window can go on, but has no part in a circle of references then."""
        while self._open:
            self._open.popleft().close()
        self._room = OPEN_BYTES
