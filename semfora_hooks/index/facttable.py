"""The facts of a snapshot's files, kept encoded: decoded they take five times the memory, and few are needed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from semfora_hooks.index.spool import Spool, Ticket
from semfora_hooks.languages.facts import FileFacts, SuppressionFacts

FRESH_BYTES = 8 << 20
"""Encoded size of the facts that stay decoded until they are asked for; a thousand files have no more."""

Key = tuple[str, str]
"""Content hash and language."""

_decode = msgspec.msgpack.Decoder(FileFacts).decode


class FactTable(Mapping[str, FileFacts]):
    """Path to facts, in the order of the snapshot. What all files are asked for is known without decoding them.

    Facts are added by content, and files that have the same content share them.

    Attributes:
        problems: Why files may be incomplete, by path; files without problems are left out.
        suppressions: Comments that speak to us, by path; files without are left out.
    """

    def __init__(self) -> None:
        self._spool = Spool()
        self._encoded: dict[Key, Ticket] = {}
        self._fresh: dict[Key, FileFacts] = {}
        self._room = FRESH_BYTES
        self._noted: dict[Key, tuple[list[str], list[SuppressionFacts]]] = {}
        self._keys: dict[str, Key] = {}
        self.problems: dict[str, Sequence[str]] = {}
        self.suppressions: dict[str, Sequence[SuppressionFacts]] = {}

    def add(self, key: Key, data: bytes, facts: FileFacts) -> None:
        """Keep facts, encoded in `data`, under their content."""
        self._encoded[key] = self._spool.put(data)
        if len(data) <= self._room:
            self._room -= len(data)
            self._fresh[key] = facts
        if facts.problems or facts.suppressions:
            self._noted[key] = (facts.problems, facts.suppressions)

    def knows(self, key: Key) -> bool:
        """Whether the facts of a content are there."""
        return key in self._encoded

    def place(self, path: str, key: Key) -> None:
        """Say which content a file has; its facts must be there."""
        if key not in self._encoded:
            raise KeyError(key)
        self._keys[path] = key
        problems, suppressions = self._noted.get(key, ((), ()))
        if problems:
            self.problems[path] = problems
        if suppressions:
            self.suppressions[path] = suppressions

    def __getitem__(self, path: str) -> FileFacts:
        """The facts of a file; each call may decode them again."""
        key = self._keys[path]
        return self._fresh.get(key) or self._decoded(key)

    def take(self, path: str) -> FileFacts:
        """The facts of a file, for one who keeps them: they are no longer kept decoded here."""
        key = self._keys[path]
        return self._fresh.pop(key, None) or self._decoded(key)

    def _decoded(self, key: Key) -> FileFacts:
        return _decode(self._spool.get(self._encoded[key]))

    def size(self, path: str) -> int:
        """The bytes of a file's encoded facts."""
        return self._spool.size(self._encoded[self._keys[path]])

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)
