"""The types of values in a rule file: each knows how to read a node and how to say itself in JSON Schema."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from semfora_hooks.config import nearest
from semfora_hooks.providers.declarative.document import Node, Source, expect, shorten
from semfora_hooks.providers.declarative.globs import BadGlobError, Glob

_WHOLE_NUMBER = re.compile(r"0|[1-9][0-9]{0,8}")
_NUMBER = re.compile(r"[0-9]{1,9}(\.[0-9]{0,17})?|\.[0-9]{1,17}")


@dataclass(frozen=True, slots=True)
class ValueType:
    """A kind of value.

    Attributes:
        schema: Its JSON Schema.
        read: Gives the value of a node, or `None` once a problem is recorded; the text names the key in messages.
    """

    schema: Mapping[str, Any]
    read: Callable[[Source, Node, str], Any]


def read_text(source: Source, node: Node, what: str) -> str | None:
    """A text that is not empty."""
    if not expect(source, node, "scalar", what):
        return None
    if node.tag not in ("str", "value", "merge"):
        hint = None if node.tag == "null" else f'put it in quotes if it is meant as text: "{node.text}"'
        source.problem(node.place, f"{what}: expected text, found {_shown(node)}", hint=hint)
        return None
    if not node.text.strip():
        source.problem(node.place, f"{what}: expected text, found an empty one")
        return None
    return node.text


def read_texts(source: Source, node: Node, what: str) -> list[tuple[Node, str]] | None:
    """One text or a list of them, with their nodes. `None` if any is wrong."""
    nodes = node.items if node.kind == "list" else [node]
    if node.kind == "list" and not (expect(source, node, "list", what) and _not_empty(source, node, what)):
        return None
    texts = [(item, read_text(source, item, what)) for item in nodes]
    read = [(item, text) for item, text in texts if text is not None]
    return read if len(read) == len(texts) else None


def read_flag(source: Source, node: Node, what: str) -> bool | None:
    """True or false."""
    wanted = "true or false"
    if not expect(source, node, "scalar", what, wanted):
        return None
    value = yaml.SafeLoader.bool_values.get(node.text.lower()) if node.tag == "bool" else None
    if value is None:
        source.problem(node.place, f"{what}: expected {wanted}, found {_shown(node)}")
    return value


def read_count(source: Source, node: Node, what: str) -> int | None:
    """A whole number from 0."""
    wanted = "a whole number from 0"
    if not expect(source, node, "scalar", what, wanted):
        return None
    if node.tag != "int" or not _WHOLE_NUMBER.fullmatch(node.text):
        source.problem(node.place, f"{what}: expected {wanted}, found {_shown(node)}")
        return None
    return int(node.text)


def read_fraction(source: Source, node: Node, what: str) -> float | None:
    """A number from 0 to 1."""
    wanted = "a number from 0.0 to 1.0"
    if not expect(source, node, "scalar", what, wanted):
        return None
    value = float(node.text) if node.tag in ("int", "float") and _NUMBER.fullmatch(node.text) else math.nan
    if not 0.0 <= value <= 1.0:
        source.problem(node.place, f"{what}: expected {wanted}, found {_shown(node)}")
        return None
    return value


FLAG = ValueType({"type": "boolean"}, read_flag)
COUNT = ValueType({"type": "integer", "minimum": 0, "maximum": 999_999_999}, read_count)
FRACTION = ValueType({"type": "number", "minimum": 0, "maximum": 1}, read_fraction)
_TEXT_SCHEMA = {"type": "string", "minLength": 1, "pattern": r"\S"}
TEXT = ValueType(_TEXT_SCHEMA, read_text)


def one_or_more(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of one value or a list of them."""
    return {"anyOf": [schema, {"type": "array", "items": schema, "minItems": 1}]}


def globs(make: Callable[[str], Glob]) -> ValueType:
    """One glob or a list of them, compiled by `make`."""

    def read(source: Source, node: Node, what: str) -> tuple[Glob, ...] | None:
        texts = read_texts(source, node, what)
        if texts is None:
            return None
        compiled: list[Glob] = []
        for item, text in texts:
            try:
                compiled.append(make(text))
            except BadGlobError as error:
                source.problem(source.place_inside(item, error.offset), f"{what}: bad glob {shorten(text)}: {error}")
        return tuple(compiled) if len(compiled) == len(texts) else None

    return ValueType(one_or_more(_TEXT_SCHEMA), read)


def choices(valid: Mapping[str, str], *, several: bool = True) -> ValueType:
    """Words from a fixed set; `valid` maps what may be written to what it means. Gives the words as written."""

    def read(source: Source, node: Node, what: str) -> tuple[str, ...] | str | None:
        if several:
            texts = read_texts(source, node, what)
        else:
            text = read_text(source, node, what)
            texts = None if text is None else [(node, text)]
        if texts is None:
            return None
        wrong = [(item, text) for item, text in texts if text not in valid]
        for item, text in wrong:
            guess = nearest(text, sorted(valid))
            hint = f"did you mean '{guess}'?" if guess else f"one of: {', '.join(sorted(set(valid.values())))}"
            source.problem(item.place, f"{what}: unknown value {shorten(text)}", hint=hint)
        if wrong:
            return None
        return tuple(text for _, text in texts) if several else texts[0][1]

    schema = {"enum": sorted(valid)}
    return ValueType(one_or_more(schema) if several else schema, read)


def words() -> ValueType:
    """Free words, one or a list of them."""

    def read(source: Source, node: Node, what: str) -> tuple[str, ...] | None:
        texts = read_texts(source, node, what)
        return None if texts is None else tuple(text for _, text in texts)

    return ValueType(one_or_more(_TEXT_SCHEMA), read)


def flag_or(other: ValueType) -> ValueType:
    """True, false, or something else."""

    def read(source: Source, node: Node, what: str) -> Any:
        chosen = FLAG if node.kind == "scalar" and node.tag == "bool" else other
        return chosen.read(source, node, what)

    options: Sequence[Mapping[str, Any]] = other.schema.get("anyOf", [other.schema])
    return ValueType({"anyOf": [FLAG.schema, *options]}, read)


def _shown(node: Node) -> str:
    return node.found if node.kind != "scalar" or node.tag == "null" else shorten(node.text)


def _not_empty(source: Source, node: Node, what: str) -> bool:
    if not node.items:
        source.problem(node.place, f"{what}: the list is empty")
    return bool(node.items)
