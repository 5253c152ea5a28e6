"""Linking small repositories in tests."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

from semfora_hooks.index.entry_points import OutsideCallers
from semfora_hooks.index.link import Index, link
from semfora_hooks.languages.extract import extract
from semfora_hooks.model import CallEdge, Module, Symbol


def build(
    files: Mapping[str, str],
    *,
    src: Sequence[str] = (),
    prefix: str = "",
    declared: tuple[str, ...] = (),
    frameworks: tuple[str, ...] = (),
) -> Index:
    """The index of `files` (path to source, dedented)."""
    facts = [(path, extract(textwrap.dedent(text).encode(), "python")) for path, text in sorted(files.items())]
    return link(facts, src=src, prefix=prefix, outside=OutsideCallers(declared, frameworks))


def sym(index: Index, identity: str) -> Symbol:
    """The symbol of that id."""
    return {item.id: item for item in index.symbols}[identity]


def module(index: Index, name: str) -> Module:
    """The module of that name."""
    return {item.name: item for item in index.modules}[name]


def edges(index: Index, caller: str) -> list[CallEdge]:
    """The calls from one symbol."""
    return [edge for edge in index.calls if edge.caller == caller]


def reached(index: Index, caller: str) -> dict[str, str]:
    """What one symbol calls (id, or `!name` outside the repository) and how sure that is."""
    return {edge.callee or f"!{edge.external}": edge.resolution for edge in edges(index, caller)}
