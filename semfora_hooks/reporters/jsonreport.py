"""`json`: the whole report as one document, and the JSON Schemas of what we publish."""

from __future__ import annotations

import inspect
from typing import Any, Literal, TextIO

import msgspec

from semfora_hooks.hookspecs import RenderOptions
from semfora_hooks.model import ContextDocument, Recommendation, Report
from semfora_hooks.reporters.listings import BaselineStatus, Comments

SCHEMAS: dict[str, type[Any]] = {
    "report": Report,
    "recommendation": Recommendation,
    "context": ContextDocument,
    "suppressions": Comments,
    "baseline-status": BaselineStatus,
}
"""What has a published schema: name to type. `docs/schemas/<name>.v1.json` holds them, and a test compares."""

_NO_FINDINGS = '\n  "recommendations": []'
"""No text in JSON has a line's end in it, so this is nothing else."""


def render(report: Report, stream: TextIO, options: RenderOptions) -> None:  # noqa: ARG001
    """Write `report` as JSON, finding by finding: as one text, tens of thousands would take much memory."""
    frame = as_json(msgspec.structs.replace(report, recommendations=[]))
    head, empty, tail = frame.partition(_NO_FINDINGS)
    stream.write(head)
    before = empty.removesuffix("]")
    for item in report.recommendations:
        text = as_json(item).rstrip("\n").replace("\n", "\n    ")
        stream.write(f"{before}\n    {text}")
        before = ","
    stream.write("\n  ]" if report.recommendations else empty)
    stream.write(tail)


def as_json(document: Any, order: Literal["deterministic"] | None = "deterministic") -> str:
    """A document as indented JSON. What is no text (halves of UTF-16 pairs, from file names) shows as escapes.

    Args:
        document: Structs, or plain data.
        order: `None` keeps the order of mappings; otherwise they are sorted.
    """
    return msgspec.json.format(_encoded(document, order), indent=2).decode() + "\n"


def as_json_line(document: Any) -> str:
    """The same on one line, in the order of its keys, without the line's end."""
    return _encoded(document, None).decode()


def _encoded(document: Any, order: Literal["deterministic"] | None) -> bytes:
    try:
        return msgspec.json.encode(document, order=order)
    except UnicodeEncodeError:
        return msgspec.json.encode(_showable(msgspec.to_builtins(document, order=order)))


def _showable(node: Any) -> Any:
    if isinstance(node, str):
        return node.encode("utf-8", "backslashreplace").decode()
    if isinstance(node, dict):
        return {_showable(key): _showable(value) for key, value in node.items()}
    return [_showable(item) for item in node] if isinstance(node, list | tuple) else node


def schema(name: str) -> dict[str, Any]:
    """The JSON Schema (2020-12) of a published document."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"https://semfora.dev/schemas/{name}.v1.json",
        "title": f"semfora {name}, version 1",
        **_undented(msgspec.json.schema(SCHEMAS[name])),
    }


def _undented(node: Any) -> Any:
    """A schema with its descriptions free of source code's indentation, which depends on the version of Python."""
    if isinstance(node, dict):
        return {
            key: inspect.cleandoc(value) if key == "description" and isinstance(value, str) else _undented(value)
            for key, value in node.items()
        }
    return [_undented(item) for item in node] if isinstance(node, list) else node
