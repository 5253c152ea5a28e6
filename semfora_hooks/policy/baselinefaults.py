"""What is wrong with a file that is no baseline, and where: for the message, so it is looked for only then."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import NamedTuple

_CONFLICT = re.compile(r"^(?:<{7}|={7}|>{7}|\|{7})(?=[ \r\n]|\Z)", re.MULTILINE)
_SCHEMA, _VERSION = "semfora.baseline", 1
_RESTORE = "restore it from version control, or write it anew: semfora-hooks baseline create --force"


class Fault(NamedTuple):
    """Where and why a file is no baseline; lines and columns count from 1, in characters."""

    line: int
    column: int
    why: str
    hint: str


def diagnose(data: bytes, otherwise: str) -> Fault:
    """The first thing that is wrong.

    Args:
        data: The file's content.
        otherwise: What to say if nothing is found.
    """
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        before = data[: error.start].decode()
        return _at(before, len(before), f"byte 0x{data[error.start]:02x} is not UTF-8")
    conflict = _CONFLICT.search(text)
    if conflict is not None:
        return _at(
            text,
            conflict.start(),
            "it holds the conflict markers of a merge",
            "keep the entries of both sides, then run: semfora-hooks baseline update",
        )
    if not text.strip():
        return _at(text, 0, "the file is empty")
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        return _at(text, error.pos, f"not valid JSON: {_lower(error.msg)}")
    except RecursionError:
        return _at(text, 0, "nested too deeply")
    except ValueError as error:  # a number with too many digits
        return _at(text, 0, f"not valid JSON: {_lower(str(error))}")
    return next(_wrong_shape(document, text), _at(text, 0, _lower(otherwise)))


def _lower(message: str) -> str:
    return message[:1].lower() + message[1:]


def _wrong_shape(document: object, text: str) -> Iterator[Fault]:
    if not isinstance(document, dict):
        yield _at(text, 0, f"expected an object, found {_kind(document)}")
        return
    for key, wanted in (("schema", f'"{_SCHEMA}"'), ("version", str(_VERSION)), ("findings", "an object")):
        if key not in document:
            yield _at(text, 0, f"it has no '{key}'; expected {wanted}")
    schema, version, findings = (document.get(key) for key in ("schema", "version", "findings"))
    if schema != _SCHEMA:
        yield _at(text, _place(text, "schema"), f"'schema' is {_shown(schema)}; expected \"{_SCHEMA}\"")
    if isinstance(version, int) and not isinstance(version, bool) and version > _VERSION:
        later = f"version {_shown(version)} is from a later semfora-hooks"
        yield _at(text, _place(text, "version"), later, "upgrade semfora-hooks")
    elif version != _VERSION or isinstance(version, bool):
        yield _at(text, _place(text, "version"), f"'version' is {_shown(version)}; expected {_VERSION}")
    if not isinstance(findings, dict):
        yield _at(text, _place(text, "findings"), f"'findings' is {_kind(findings)}; expected an object")
        return
    for name, entry in findings.items():
        where = _place(text, name)
        if not isinstance(entry, dict):
            yield _at(text, where, f"the entry {_shown(name)} is {_kind(entry)}; expected an object")
            continue
        if "rule_id" not in entry:
            yield _at(text, where, f"the entry {_shown(name)} has no 'rule_id'")
        for key in ("rule_id", "symbol"):
            if not isinstance(entry.get(key, ""), str):
                yield _at(text, where, f"'{key}' of the entry {_shown(name)} is {_kind(entry[key])}; expected text")


def _place(text: str, key: str) -> int:
    """Where a key stands; the start of the file if it is written with escapes."""
    match = re.search(rf"{re.escape(json.dumps(key, ensure_ascii=False))}\s*:", text)
    return match.start() if match is not None else 0


def _kind(value: object) -> str:
    if value is None:
        return "null"
    kinds = {bool: "a truth value", int: "a number", float: "a number", str: "text", list: "a list", dict: "an object"}
    return kinds[type(value)]


def _shown(value: object) -> str:
    try:
        text = json.dumps(value)
    except (ValueError, RecursionError):
        return _kind(value)
    return text if len(text) <= 60 else f"{text[:60]}…"


def _at(text: str, offset: int, why: str, hint: str = _RESTORE) -> Fault:
    before = text[:offset]
    return Fault(before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1, why, hint)
