"""The JSON Schema of rule files, made from the tables the validator reads them with."""

from __future__ import annotations

from typing import Any

from semfora_hooks.providers.declarative.examples import EXAMPLE_SCHEMA
from semfora_hooks.providers.declarative.fields import FIELD_NAMES, FIELDS
from semfora_hooks.providers.declarative.keys import ANY, KEY_NAMES, NOT, TRANSITIVELY
from semfora_hooks.providers.declarative.values import FLAG


def rule_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of a rule file's document: a rule, or a list of rules."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "semfora-hooks declarative rules, version 1",
        "anyOf": [{"$ref": "#/$defs/rule"}, {"type": "array", "items": {"$ref": "#/$defs/rule"}}, {"type": "null"}],
        "$defs": {"rule": _rule(), "condition": _condition(), "example": EXAMPLE_SCHEMA},
    }


def _rule() -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            name: {"description": _help(FIELDS[field].help, name, field), **FIELDS[field].value.schema}
            for name, field in FIELD_NAMES.items()
        },
        "allOf": [
            *({"oneOf": [{"required": [n]} for n in _names("name")]},),
            *({"not": {"required": list(_names(field))}} for field in FIELDS if len(_names(field)) > 1),
            {"anyOf": [{"required": ["match"]}, {"required": ["condition"]}]},
        ],
    }


def _names(field: str) -> tuple[str, ...]:
    return (field, *FIELDS[field].aliases)


def _condition() -> dict[str, Any]:
    condition = {"$ref": "#/$defs/condition"}
    properties: dict[str, Any] = {
        name: {"description": _help(key.help, name, key.name), **key.value.schema} for name, key in KEY_NAMES.items()
    }
    properties[ANY] = {
        "description": "At least one of these holds.",
        "type": "array",
        "items": condition,
        "minItems": 1,
    }
    properties[NOT] = {"description": "This does not hold.", **condition}
    properties[TRANSITIVELY] = {"description": "Follow the call graph beyond direct calls.", **FLAG.schema}
    return {"type": "object", "additionalProperties": False, "minProperties": 1, "properties": properties}


def _help(text: str, name: str, canonical: str) -> str:
    return text if name == canonical else f"The same as `{canonical}`. {text}"
