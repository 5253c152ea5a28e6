"""The fields of a rule: one table for the validator and the JSON Schema."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from semfora_hooks.model import Severity
from semfora_hooks.providers.declarative.conditions import read_condition
from semfora_hooks.providers.declarative.document import Node, Source, shorten
from semfora_hooks.providers.declarative.examples import EXAMPLE_SCHEMA, read_examples
from semfora_hooks.providers.declarative.templates import TEMPLATE
from semfora_hooks.providers.declarative.values import FLAG, FRACTION, ValueType, choices, read_text

DEFAULT_GROUP = "project-conventions"

_IDENTIFIER = r"[A-Za-z0-9][A-Za-z0-9._/-]{0,99}"


@dataclass(frozen=True, slots=True)
class Field:
    """One key of a rule, with its type, a line of help and its other names."""

    value: ValueType
    help: str
    aliases: tuple[str, ...] = ()


def _identifier(pattern: str, example: str) -> ValueType:
    def read(source: Source, node: Node, what: str) -> str | None:
        text = read_text(source, node, what)
        if text is not None and not re.fullmatch(pattern, text):
            source.problem(
                node.place, f"{what}: {shorten(text)} is not a name such as '{example}'", hint="no spaces or commas"
            )
            return None
        return text

    return ValueType({"type": "string", "pattern": f"^{pattern}$"}, read)


_CONDITION = ValueType({"$ref": "#/$defs/condition"}, read_condition)

FIELDS: Mapping[str, Field] = {
    "name": Field(_identifier(_IDENTIFIER, "api-error-handling"), "The rule's id, unique in the repository.", ("id",)),
    "group": Field(_identifier(_IDENTIFIER, DEFAULT_GROUP), f"What it is listed with; `{DEFAULT_GROUP}` by default."),
    "category": Field(
        _identifier(rf"(custom:)?{_IDENTIFIER}", "custom:error-handling"),
        "One of the fixed categories or `custom:<name>`; `custom:<group>` by default. Without `group`, the group too.",
    ),
    "description": Field(TEMPLATE, "What must be so, and why."),
    "title": Field(TEMPLATE, "A finding's headline.", ("message",)),
    "suggestion": Field(TEMPLATE, "How to fix a finding."),
    "match": Field(_CONDITION, "Which symbols the rule is about."),
    "condition": Field(_CONDITION, "When it fires on one of them."),
    "severity": Field(
        choices({severity.value: severity.value for severity in Severity}, several=False),
        "How much a finding matters; `warning` by default.",
    ),
    "confidence": Field(FRACTION, "How sure a finding is, 0 to 1, where all evidence is; 1 by default."),
    "enabled": Field(FLAG, "`false` takes the rule out of the recommended selection."),
    "examples": Field(
        ValueType({"type": "array", "items": {"$ref": "#/$defs/example"}}, read_examples), "Its own tests."
    ),
}
"""Every field by its name."""

FIELD_NAMES: Mapping[str, str] = {alias: name for name, field in FIELDS.items() for alias in (name, *field.aliases)}
"""Name or alias to the field's name."""

__all__ = ["DEFAULT_GROUP", "EXAMPLE_SCHEMA", "FIELDS", "FIELD_NAMES", "Field"]
