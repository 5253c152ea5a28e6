"""`json`: the whole report as one document, and the JSON Schemas of what we publish."""

from __future__ import annotations

import inspect
from typing import Any, TextIO

import msgspec

from semfora_hooks.hookspecs import RenderOptions
from semfora_hooks.model import ContextDocument, Recommendation, Report

SCHEMAS: dict[str, type[Any]] = {"report": Report, "recommendation": Recommendation, "context": ContextDocument}
"""What has a published schema: name to type. `docs/schemas/<name>.v1.json` holds them, and a test compares."""


def render(report: Report, stream: TextIO, options: RenderOptions) -> None:  # noqa: ARG001
    """Write `report` as JSON."""
    stream.write(msgspec.json.format(msgspec.json.encode(report, order="deterministic"), indent=2).decode())
    stream.write("\n")


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
