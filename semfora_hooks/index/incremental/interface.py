"""What other files can see of a file, name by name: the grain of dependency between files.

A file's link (`index.filelink`) notes the names it looked at: `("name", path, name)` for a top-level name with all
that is defined inside it, `("stars", path)` for what star imports pass on, `("module", name)` for the existence of a
module or package, `("method", name)` for the one method of a name. It holds until one of them changes.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable

import msgspec

from semfora_hooks.index.entries import FileEntry

STARS = "*"
"""The key of what star imports pass on."""

_encode = msgspec.msgpack.Encoder().encode


def interface(entry: FileEntry) -> dict[str, bytes]:
    """A digest for each top-level name of a file, imports and exports included, and one for its star imports.

    Bodies, lines and metrics have no part in it. Local names of functions do: an attribute's type may come from one.
    """
    facts = entry.facts
    parts: defaultdict[str, list[object]] = defaultdict(list)
    for index, symbol in enumerate(facts.symbols):
        if index:
            parts[entry.names.tops[index]].append(
                (
                    entry.ids[index],
                    symbol.kind,
                    symbol.role,
                    symbol.parent > 0,
                    symbol.decorators,
                    symbol.base_classes,
                    symbol.return_type,
                    [(argument.name, argument.type) for argument in symbol.arguments],
                )
            )
    for item in facts.imports:
        if item.owner:
            parts[entry.names.tops[item.owner]].append(
                (entry.ids[item.owner], item.module, item.level, item.names, item.alias)
            )
    for binding in facts.bindings:
        owner = binding.owner
        name = entry.names.tops[owner] if owner else binding.target
        parts[name].append((entry.ids[owner], binding.target, binding.value, binding.is_call))
    for name, (item, imported) in entry.names.imports.get(0, {}).items():
        parts[name].append((item.module, item.level, imported))
    for name in facts.exports or ():
        parts[name].append("exported")
    found = {name: _digest(part) for name, part in parts.items()}
    stars = [(star.module, star.level) for star in entry.names.stars]
    found[STARS] = _digest([stars, facts.exports is None])
    return found


def _digest(parts: object) -> bytes:
    return hashlib.blake2b(_encode(parts), digest_size=12).digest()


def changed_names(path: str, old: FileEntry | None, new: FileEntry | None) -> set[tuple[str, ...]]:
    """The dependencies that a file's change from `old` to `new` breaks; `None` where there is no such file."""
    before = interface(old) if old is not None else {}
    after = interface(new) if new is not None else {}
    found: set[tuple[str, ...]] = set()
    for name in before.keys() | after.keys():
        if before.get(name) != after.get(name):
            found.add(("stars", path) if name == STARS else ("name", path, name))
    if old is None or new is None:
        entry = old or new
        assert entry is not None
        found |= {("module", name) for name in module_and_packages(entry.module)}
    return found


def module_and_packages(module: str) -> list[str]:
    """A module and the packages around it, inside out."""
    parts = module.split(".")
    return [".".join(parts[:count]) for count in range(len(parts), 0, -1)]


def dependency_keys(notes: Iterable[object]) -> set[int]:
    """Notes as 64-bit numbers: two that share one by chance only mean that a file is linked once too often."""
    return {
        int.from_bytes(hashlib.blake2b(_encode(note), digest_size=8).digest(), "big", signed=True) for note in notes
    }


def notes_about_others(path: str, notes: Iterable[object]) -> Iterable[object]:
    """Notes without those about the file itself, which is linked again whenever it changes."""
    return (
        note for note in notes if not (isinstance(note, tuple) and note[0] in ("name", "stars") and note[1] == path)
    )
