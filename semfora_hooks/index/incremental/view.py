"""A snapshot told as a state and the files that differ from it: look-ups that cost what they look up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Set
from functools import cached_property

from semfora_hooks.index.entries import FileEntry, path_of
from semfora_hooks.index.entry_points import OutsideCallers
from semfora_hooks.index.filelink import FileLink, FileLinker, MethodPlace
from semfora_hooks.index.incremental.reverse import ReverseLinks
from semfora_hooks.index.incremental.state import State, SymbolCounts
from semfora_hooks.index.link import is_plain_method, is_preferred
from semfora_hooks.index.names import Resolver
from semfora_hooks.index.reachability import possible_parts


class View:
    """One snapshot.

    Args:
        state: What is stored.
        changed: Path to file, for each that differs from the state; `None` for one that is not there.
        outside: What the project says of callers outside.
        track: Collect what links depend on, to store them.

    Attributes:
        hidden: Ids of the state's files that this snapshot does not have as they are.
        links: The files that were linked again; see `add_link`.
        reverse: What those links say of the files at their other ends.
        notes: With `track`, what those links depend on.
        counts: What the call graph says of symbols, where it differs from the state.
        mentions: How much oftener each name is mentioned than in the state.
        fragments: In how many more files each part of a name stands.
    """

    def __init__(
        self, state: State, changed: Mapping[str, FileEntry | None], outside: OutsideCallers, *, track: bool = False
    ) -> None:
        self.state = state
        self.changed = changed
        self.hidden = {row.id for path in changed if (row := state.row(path)) is not None}
        self.links: dict[str, FileLink] = {}
        self.reverse = ReverseLinks()
        self.notes: dict[str, set[object]] = {}
        self.counts: dict[str, SymbolCounts] = {}
        self.mentions: Counter[str] = Counter()
        self.fragments: Counter[str] = Counter()
        self._new_modules: dict[str, list[str]] = {}
        for path, entry in sorted(changed.items()):
            if entry is not None:
                self._new_modules.setdefault(entry.module, []).append(path)
        self._new_packages = {package for module in self._new_modules for package in packages_of(module)}
        self._preferred: dict[str, FileEntry | None] = {}
        self._packages: dict[str, bool] = {}
        self._methods: dict[str, MethodPlace | None] = {}
        self._known_mentions: dict[str, int] = {}
        self.resolver = Resolver(_Modules(self), _Packages(self), state.roots, track=track)
        self.linker = FileLinker(self.resolver, self.unique_method, outside)

    # -------------------------------------------------------------------------------------------------------- files

    def has(self, path: str) -> bool:
        """Whether the snapshot has a file."""
        return self.changed[path] is not None if path in self.changed else self.state.row(path) is not None

    def entry(self, path: str) -> FileEntry:
        """A file of the snapshot."""
        entry = self.changed.get(path)
        return entry if entry is not None else self.state.entry(path)

    def link(self, path: str) -> FileLink:
        """A file of the snapshot, linked."""
        known = self.links.get(path)
        return known if known is not None else self.state.stored(path).link

    def add_link(self, path: str, link: FileLink) -> None:
        """Take in a file that was linked again."""
        assert path not in self.links
        self.links[path] = link
        self.reverse.add(path, link)

    def files_of(self, module: str) -> list[str]:
        """The paths of a module's files, sorted."""
        stored = [row.path for row in self.state.rows_of_module(module) if row.id not in self.hidden]
        return sorted([*stored, *self._new_modules.get(module, ())])

    def file_of(self, module: str) -> FileEntry | None:
        """The file that stands for a module."""
        if module not in self._preferred:
            chosen: str | None = None
            for path in self.files_of(module):
                if chosen is None or is_preferred(path, chosen):
                    chosen = path
            self._preferred[module] = None if chosen is None else self.entry(chosen)
        return self._preferred[module]

    def is_package(self, name: str) -> bool:
        """Whether some module's name begins with `name` and a dot."""
        if name not in self._packages:
            self._packages[name] = name in self._new_packages or any(
                identity not in self.hidden
                for (identity,) in self.state.query(
                    "SELECT id FROM link_file WHERE module > ? AND module < ? LIMIT ?",
                    f"{name}.",
                    f"{name}/",  # the character after the dot
                    len(self.hidden) + 1,
                )
            )
        return self._packages[name]

    # -------------------------------------------------------------------------------------------------------- names

    def definers(self, name: str) -> Iterator[tuple[str, int, int]]:
        """The files that define a name, with how many symbols, and how many methods, have it there."""
        sql = "SELECT file, symbols, methods FROM link_definition WHERE bare = ? AND name = ?"
        for file, symbols, methods in self.state.query(sql, name.lstrip("_"), name):
            if file not in self.hidden:
                yield self.state.row_of(int(file)).path, int(symbols), int(methods)  # type: ignore[call-overload]
        yield from self._new_definers.get(name, ())

    @cached_property
    def _new_definers(self) -> dict[str, list[tuple[str, int, int]]]:
        """What `definers` says of the files that differ, for all names."""
        found: dict[str, list[tuple[str, int, int]]] = {}
        for path, entry in self.changed.items():
            if entry is not None:
                for name, (symbols, methods) in definitions(entry).items():
                    found.setdefault(name, []).append((path, symbols, methods))
        return found

    def unique_method(self, name: str) -> MethodPlace | None:
        """The one method of a name; see `filelink.FileLinker`."""
        if name not in self._methods:
            places = [(path, methods) for path, _, methods in self.definers(name) if methods]
            self._methods[name] = None
            if len(places) == 1 and places[0][1] == 1:
                entry = self.entry(places[0][0])
                index = next(
                    i for i, symbol in enumerate(entry.facts.symbols) if symbol.name == name and is_plain_method(symbol)
                )
                self._methods[name] = (entry, index)
        return self._methods[name]

    def load_mentions(self, names: Iterable[str]) -> None:
        """Read how often several names are mentioned, at once."""
        wanted = [name for name in names if name not in self._known_mentions]
        if wanted:
            found = self.state.counts_in("link_mention", wanted)
            self._known_mentions.update((name, found[name]) for name in wanted)

    def is_mentioned(self, name: str) -> bool:
        """See `reachability.Vocabulary`."""
        self.load_mentions([name])
        return self._known_mentions[name] + self.mentions[name] > 0

    def is_defined(self, name: str) -> bool:
        """See `reachability.Vocabulary`."""
        return next(self.definers(name), None) is not None

    def has_fragment_of(self, name: str) -> bool:
        """See `reachability.Vocabulary`."""
        parts = possible_parts(name)
        found = self.state.counts_in("link_fragment", parts)
        return any(found[part] + self.fragments[part] > 0 for part in parts)

    # --------------------------------------------------------------------------------------------------- call graph

    def counts_of(self, path: str) -> list[SymbolCounts]:
        """What the call graph says of a file's symbols, in their order."""
        ids = self.entry(path).ids
        if path in self.changed:
            known = stored_counts(self.state, path)
            return [self.counts.get(identity) or known.get(identity) or SymbolCounts() for identity in ids]
        stored = self.state.stored(path).counts
        return [self.counts.get(identity, count) for identity, count in zip(ids, stored, strict=True)]

    def constructors(self, path: str) -> dict[str, list[str]]:
        """The classes of a file that are called somewhere, with the `__init__` that runs then."""
        found: dict[str, set[str]] = {}
        sql = "SELECT class, init, file FROM link_constructor WHERE class >= ? AND class < ?"
        for first, second, file in self.state.query(sql, f"{path}::", f"{path}:;"):  # ";" comes after ":"
            if file not in self.hidden and self.state.row_of(int(file)).path not in self.links:  # type: ignore[call-overload]
                found.setdefault(str(first), set()).add(str(second))
        for first, second in self.reverse.constructors.get(path, ()):
            found.setdefault(first, set()).add(second)
        return {first: sorted(second) for first, second in found.items()}

    def constructed_in(self, paths: Set[str]) -> set[tuple[str, str]]:
        """The classes that are called somewhere and whose `__init__` stands in one of some files, each with it."""
        found: set[tuple[str, str]] = set()
        for path in paths:
            sql = "SELECT class, init, file FROM link_constructor WHERE init >= ? AND init < ?"
            for first, second, file in self.state.query(sql, f"{path}::", f"{path}:;"):
                if file not in self.hidden and self.state.row_of(int(file)).path not in self.links:  # type: ignore[call-overload]
                    found.add((str(first), str(second)))
        for link in self.links.values():
            found.update(pair for pair in link.constructors if path_of(pair[1]) in paths)
        return found

    def callers_of(self, path: str) -> list[str]:
        """The files with calls into a file, sorted."""
        found = set(self.reverse.callers.get(path, ()))
        row = self.state.row(path)
        if row is not None:
            for (caller,) in self.state.query("SELECT caller FROM link_reference WHERE callee = ?", row.id):
                other = self.state.row_of(int(caller)).path  # type: ignore[call-overload]
                if other not in self.links and other not in self.changed:
                    found.add(other)
        return sorted(found)

    def importers_of(self, module: str) -> list[str]:
        """The modules that import a module, sorted."""
        found = set()
        for (file,) in self.state.query("SELECT file FROM link_import WHERE module = ?", module):
            row = self.state.row_of(int(file))  # type: ignore[call-overload]
            if row.id not in self.hidden and row.path not in self.links:
                found.add(row.module)
        found.update(self.entry(path).module for path in self.reverse.importers.get(module, ()))
        return sorted(found)


def packages_of(module: str) -> Iterator[str]:
    """The packages around a module: `a.b` and `a` of `a.b.c`."""
    while "." in module:
        module = module.rpartition(".")[0]
        yield module


def stored_counts(state: State, path: str) -> dict[str, SymbolCounts]:
    """What the state's call graph says of a file's symbols, by id; empty where it has no such file."""
    if state.row(path) is None:
        return {}
    return dict(zip(state.entry(path).ids, state.stored(path).counts, strict=True))


def definitions(entry: FileEntry) -> dict[str, tuple[int, int]]:
    """The names a file defines, with how many symbols, and how many methods of calls by name, have it."""
    symbols = entry.facts.symbols
    return {
        name: (len(indexes), sum(is_plain_method(symbols[index]) for index in indexes))
        for name, indexes in entry.names.symbols_by_name.items()
    }


class _Modules(Mapping[str, FileEntry]):
    """The modules of a view, each looked up when it is asked for."""

    def __init__(self, view: View) -> None:
        self._view = view

    def __getitem__(self, module: str) -> FileEntry:
        found = self._view.file_of(module)
        if found is None:
            raise KeyError(module)
        return found

    def __iter__(self) -> Iterator[str]:
        raise TypeError("the modules of a view are only looked up")

    def __len__(self) -> int:
        raise TypeError("the modules of a view are only looked up")


class _Packages(Container[str]):
    """The packages of a view."""

    def __init__(self, view: View) -> None:
        self._view = view

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._view.is_package(name)
