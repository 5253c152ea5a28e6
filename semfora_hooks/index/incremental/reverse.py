"""Links by their other end: which of the files that were linked again call, import or construct what."""

from __future__ import annotations

from collections import defaultdict

from semfora_hooks.index.entries import path_of
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
            self.callers[path_of(callee)].add(path)
        for item in link.imports:
            self.importers[item.imported].add(path)
        for pair in link.constructors:
            self.pairs.add(pair)
            self.constructors[path_of(pair[0])].add(pair)
