"""The published schema and the validator say the same."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
import yaml

from semfora_hooks.providers.declarative.keys import KEY_NAMES
from semfora_hooks.providers.declarative.schema import rule_schema

from .builders import problems
from .test_keys import CASES
from .test_rule import CONTRACT

VALIDATOR = jsonschema.Draft202012Validator(rule_schema())


def accepts(document: Any) -> bool:
    return VALIDATOR.is_valid(document)


def test_it_is_a_schema_and_json() -> None:
    jsonschema.Draft202012Validator.check_schema(rule_schema())
    assert json.loads(json.dumps(rule_schema())) == rule_schema()


def test_it_takes_the_contracts_example_alone_and_in_a_list() -> None:
    document = yaml.safe_load(CONTRACT)
    assert accepts(document)
    assert accepts([document, document])


@pytest.mark.parametrize("key", CASES)
def test_every_key_and_its_values(key: str) -> None:
    for value in CASES[key]:
        assert accepts(yaml.safe_load(f"{{name: x, match: {{{key}: {value}}}}}"))


SAMPLES = ["true", "3", "-3", "0.5", "text", "try", "function", "''", "' '", "[]", "[try, if]", "[3]", "null", "{}",
           "{name: a}", "[{name: a}]", "[[a]]", "[function, class]", "warning", "{a.py: x}", "[{fires: x}]", "2.5",
           "[{fires: x, note: y, path: a.py}]", "[{note: x}]", "[{nope: x}]", "a b", "9999999999"]  # fmt: skip


@pytest.mark.parametrize("key", [*KEY_NAMES, "any", "not", "unknown_key"])
def test_conditions_agree(key: str) -> None:
    disagree = []
    for sample in SAMPLES:
        text = f"name: x\nmatch: {{{key}: {sample}}}\n"
        found = problems(text)
        # What a glob may hold is beyond the schema, and so is what can never hold.
        beyond = any("bad glob" in problem or "can never hold" in problem for problem in found)
        if not beyond and accepts(yaml.safe_load(text)) is not (found == []):
            disagree.append(text)
    assert disagree == []


@pytest.mark.parametrize(
    "key",
    ["name", "id", "group", "category", "title", "message", "description", "suggestion", "severity", "confidence",
     "enabled", "examples", "match", "condition", "unknown_key"],
)  # fmt: skip
def test_fields_agree(key: str) -> None:
    base = {"name": "x", "match": {"name": "load"}}
    base.pop("name" if key == "id" else key, None)
    disagree = []
    for sample in SAMPLES:
        text = f"{json.dumps(base)[:-1]}{', ' if base else ''}{key}: {sample}}}"
        if accepts(yaml.safe_load(text)) is not (problems(text) == []):
            disagree.append(text)
    assert disagree == []


@pytest.mark.parametrize(
    "text",
    [
        "{match: {name: a}}",
        "{name: x}",
        "{name: x, id: y, match: {name: a}}",
        "{name: x, title: a, message: b, match: {name: a}}",
        "just text",
        "[[]]",
        "{name: x, match: {}}",
    ],
)
def test_both_refuse(text: str) -> None:
    assert not accepts(yaml.safe_load(text))
    assert problems(text) != []


def test_every_property_is_described() -> None:
    for part in ("rule", "condition", "example"):
        properties = rule_schema()["$defs"][part]["properties"]
        assert [name for name, schema in properties.items() if not schema.get("description", "").endswith(".")] == []
