"""Contexts as plugins get them: JSON, each section encoded once however many plugins need it.

What is joined here is byte for byte what encoding `SuggestContext.document` as a whole gives.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from semfora_hooks.context import NEEDS, SuggestContext

_encode = msgspec.json.Encoder().encode
_EMPTY = {name: b'"%s":[]' % name.encode() for name in NEEDS}


class Section:
    """One encoded section of a context."""

    def __init__(self, name: str, items: Sequence[Any]) -> None:
        self.data = b'"%s":%s' % (name.encode(), _encode(tuple(items)))
        self._digest: bytes | None = None

    def digest(self) -> bytes:
        """Its SHA-256, worked out once."""
        if self._digest is None:
            self._digest = hashlib.sha256(self.data).digest()
        return self._digest


class Document:
    """The JSON of one context for one plugin, in pieces that may be shared with others.

    Attributes:
        chunks: What gives it when joined.
        size: Bytes of all of them.
    """

    def __init__(self, head: bytes, sections: Sequence[Section | bytes]) -> None:
        self._head = head
        self._sections = sections
        self.chunks: list[bytes] = [head]
        for section in sections:
            self.chunks += [b",", section if isinstance(section, bytes) else section.data]
        self.chunks.append(b"}")
        self.size = sum(map(len, self.chunks))

    @classmethod
    def of(cls, data: bytes) -> Document:
        """One that is JSON already."""
        made = cls.__new__(cls)
        made._head, made._sections, made.chunks, made.size = data, (), [data], len(data)
        return made

    def digest(self) -> bytes:
        """Tells it from all others; sections are not looked at again."""
        whole = hashlib.sha256(b"%d " % len(self._head) + self._head)
        for section in self._sections:
            whole.update(hashlib.sha256(section).digest() if isinstance(section, bytes) else section.digest())
        return whole.digest()

    def __bytes__(self) -> bytes:
        return b"".join(self.chunks)


class Projector:
    """Makes documents, and keeps the sections of the contexts it saw last: the two sides of a change, in two views."""

    _KEPT = 6

    def __init__(self) -> None:
        self._known: list[tuple[SuggestContext, dict[str, Section]]] = []

    def document(self, context: SuggestContext, needs: Sequence[str], config: Mapping[str, Any]) -> Document:
        """The document of a context.

        Args:
            context: What is shown; copies that `with_config` makes of it share their sections.
            needs: The sections that are filled.
            config: What becomes `config`.
        """
        head = _encode(context.document((), config=config))
        rest = b"".join(b"," + _EMPTY[name] for name in NEEDS) + b"}"
        assert head.endswith(rest)
        sections = self._sections(context)
        chosen: list[Section | bytes] = []
        for name in NEEDS:
            if name not in needs:
                chosen.append(_EMPTY[name])
                continue
            if name not in sections:
                sections[name] = Section(name, getattr(context, name))
            chosen.append(sections[name])
        return Document(head[: -len(rest)], chosen)

    def _sections(self, context: SuggestContext) -> dict[str, Section]:
        for known, sections in self._known:
            if all(getattr(known, name) is getattr(context, name) for name in NEEDS):
                return sections
        self._known = [*self._known[1 - self._KEPT :], (context, {})]
        return self._known[-1][1]
