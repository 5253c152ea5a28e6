"""The JSON Schema of manifests, made from the structs that read them: editors complete what the program accepts."""

from __future__ import annotations

from typing import Any

import msgspec

from semfora_hooks.providers.wasm.manifest import (
    CONTRACT_VERSION,
    NAME_PATTERN,
    SCHEMA_VERSION,
    DefaultsEntry,
    PluginEntry,
)

_SIZE = r"^\s*\d{1,15}(\.\d{1,9})?\s*([kKmMgG][iI]?[bB]|[bB])?\s*$"
_DURATION = r"^\s*\d{1,15}(\.\d{1,9})?\s*([mM][sS]|[sS]|[mM]|[mM][iI][nN])?\s*$"

HELP: dict[str, dict[str, str]] = {
    "PluginEntry": {
        "name": "What the plugin is called; its rule is `group/name`.",
        "group": "What it is switched on, off and listed with: a category such as `complexity`, or a word of your own.",
        "description": "What it finds, and why that matters.",
        "file": "Its binary, relative to the plugin folder, which it must not leave. Default: `<name>.wasm`.",
        "version": "Its version, in quotes, for messages.",
        "contract": "The version of the JSON contract it was written for.",
        "enabled": "Whether it runs.",
        "severity": "The severity of a recommendation that names none.",
        "needs": "The sections of the context it gets. Fewer make it faster.",
        "granularity": "How much of the repository one decision needs; less makes runs about a change faster.",
        "config": "Reaches the plugin as `config` in its context.",
        "limits": "What one evaluation may use. The user's own ceilings, and the repository's, hold besides.",
        "on_error": "Whether its failure fails the run (exit code 2), is a note, or is not mentioned.",
        "tests": "The folder of its fixtures, relative to the plugin folder. "
        "Default: `tests/<name>`, where there is one.",
    },
    "LimitsEntry": {
        "memory": "Of each of its memories: such as `128MiB`, or a number of bytes. Default: `256MiB`.",
        "timeout": "Such as `2s` or `500ms`, or a number of seconds. Default: `5s`.",
    },
    "DefaultsEntry": {
        "limits": "For plugins that set none.",
        "on_error": "For plugins that set none.",
    },
}
"""What each key of each mapping means."""


def manifest_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of `.semfora/plugins/manifest.yaml`."""
    _, components = msgspec.json.schema_components([PluginEntry, DefaultsEntry], ref_template="#/$defs/{name}")
    definitions = {name: _described(name, definition) for name, definition in components.items()}
    _narrow(definitions)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://semfora.dev/schemas/manifest.v1.json",
        "title": "semfora plugin manifest, version 1",
        "type": ["object", "null"],
        "properties": {
            "schema": {
                "description": "The version of this format.",
                "const": SCHEMA_VERSION,
                "default": SCHEMA_VERSION,
            },
            "defaults": {
                "description": "What holds for all plugins that say nothing else.",
                "anyOf": [{"$ref": "#/$defs/DefaultsEntry"}, {"type": "null"}],
            },
            "plugins": {
                "description": "The plugins that run. A `.wasm` file that is not listed does not.",
                "anyOf": [{"type": "array", "items": {"$ref": "#/$defs/PluginEntry"}}, {"type": "null"}],
            },
        },
        "additionalProperties": False,
        "$defs": definitions,
    }


def _described(name: str, definition: dict[str, Any]) -> dict[str, Any]:
    """A definition with a description of each key, and without those defaults that only mean *nothing was said*."""
    for key, value in definition.get("properties", {}).items():
        if value.get("default", ...) in (None, {"memory": None, "timeout": None}):
            del value["default"]
        definition["properties"][key] = {"description": HELP[name][key], **value}
    return definition


def _narrow(definitions: dict[str, Any]) -> None:
    """Add what the program checks besides the types."""
    plugin = definitions["PluginEntry"]["properties"]
    for key in ("name", "group"):
        plugin[key]["pattern"] = f"^{NAME_PATTERN}$"
    plugin["description"]["pattern"] = r"\S"
    plugin["contract"]["const"] = CONTRACT_VERSION
    limits = definitions["LimitsEntry"]["properties"]
    for key, pattern in (("memory", _SIZE), ("timeout", _DURATION)):
        for choice in limits[key]["anyOf"]:
            if choice["type"] == "string":
                choice["pattern"] = pattern
            elif choice["type"] != "null":
                choice["exclusiveMinimum"] = 0
