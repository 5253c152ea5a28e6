"""Dataclasses from JSON and back: unknown fields are ignored, what is left out or null has its default."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

T = TypeVar("T")


def json_name(field: str) -> str:
    """A field's name in JSON: Python's keywords have an underscore behind them in Python only."""
    return field.removesuffix("_")


@cache
def _readers(record: type[Any]) -> dict[str, tuple[str, Callable[[Any], Any] | None]]:
    """For each name in JSON: the field, and what makes its value from JSON's, or `None` where that is the value."""
    hints = get_type_hints(record)
    return {json_name(field.name): (field.name, _reader(hints[field.name])) for field in fields(record)}


def _reader(hint: Any) -> Callable[[Any], Any] | None:
    if is_dataclass(hint):
        return lambda value: decode(hint, value)  # type: ignore[arg-type]
    if get_origin(hint) is not tuple:
        return None
    inner = get_args(hint)[0]
    if is_dataclass(inner):
        return lambda value: tuple([decode(inner, item) for item in value])  # type: ignore[arg-type]
    if get_origin(inner) is tuple:
        return lambda value: tuple([tuple(item) for item in value])
    return tuple


def decode(record: type[T], value: Mapping[str, Any]) -> T:
    """A `record` from a decoded JSON object.

    Raises:
        TypeError: `value` is no object.
    """
    if not isinstance(value, dict):
        raise TypeError(f"{record.__name__}: an object is needed, not {value!r:.40}")
    readers = _readers(record)  # type: ignore[arg-type]  # a class can be hashed
    known = {}
    for name, content in value.items():
        if content is not None and name in readers:
            field, reader = readers[name]
            known[field] = content if reader is None else reader(content)
    return record(**known)


def encode(value: Any) -> Any:
    """`value` for JSON; fields that have their defaults are left out."""
    if isinstance(value, list | tuple):
        return [encode(item) for item in value]
    if not is_dataclass(value) or isinstance(value, type):
        return value
    found = {}
    for field in fields(value):
        content = getattr(value, field.name)
        if field.metadata.get("always") or content != _default(field):
            found[json_name(field.name)] = encode(content)
    return found


def _default(field: Any) -> Any:
    return field.default_factory() if callable(field.default_factory) else field.default
