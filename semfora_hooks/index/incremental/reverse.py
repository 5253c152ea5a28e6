"""Links by their other end: which of the files that were linked again call, import or construct what."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from semfora_hooks.index.filelink import FileLink


class ReverseLinks:
    """The links of some files, so that a look-up costs what it finds, however many files there are.

    Attributes:
        callers: A file to those with calls of its symbols.
        importers: A module to the files that import it.
        constructors: A file to its classes that are called, each with the `__init__` that runs then.
        pairs: All of those.
    """

    def __init__(self) -> None:
        self.callers: defaultdict[str, set[str]] = defaultdict(set)
        self.importers: defaultdict[str, set[str]] = defaultdict(set)
        self.constructors: defaultdict[str, set[tuple[str, str]]] = defaultdict(set)
        self.pairs: set[tuple[str, str]] = set()

    def add(self, path: str, link: FileLink) -> None:
        """Take in the link of one more file."""
        for callee in link.callees:
            for file in possible_files(callee):
                self.callers[file].add(path)
        for item in link.imports:
            self.importers[item.imported].add(path)
        for pair in link.constructors:
            self.pairs.add(pair)
            for file in possible_files(pair[0]):
                self.constructors[file].add(pair)


def possible_files(identity: str) -> Iterator[str]:
    """The files that a symbol's id may belong to: more than one if two colons stand in a file's name."""
    yield identity
    end = identity.find("::")
    while end >= 0:
        yield identity[:end]
        end = identity.find("::", end + 1)
