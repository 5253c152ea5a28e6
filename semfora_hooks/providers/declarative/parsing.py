"""A rule file's bytes to rules, with everything that is wrong in it."""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from semfora_hooks.errors import RuleFileError
from semfora_hooks.model import CATEGORIES, Severity
from semfora_hooks.providers.declarative.conditions import VALID_KEYS
from semfora_hooks.providers.declarative.consistency import check_possible
from semfora_hooks.providers.declarative.document import (
    Node,
    Place,
    Source,
    entries,
    read_documents,
    shorten,
)
from semfora_hooks.providers.declarative.examples import to_examples
from semfora_hooks.providers.declarative.fields import DEFAULT_GROUP, FIELD_NAMES, FIELDS
from semfora_hooks.providers.declarative.logic import All
from semfora_hooks.providers.declarative.rule import DeclarativeRule, Definition


@dataclass(frozen=True, slots=True)
class ParsedFile:
    """The rules of a file that are fit to run, and what is wrong with the others."""

    rules: Sequence[DeclarativeRule]
    errors: Sequence[RuleFileError]


def parse_file(path: str, data: bytes, taken: dict[str, tuple[str, Place]] | None = None) -> ParsedFile:
    """Read the rules of one file. Never raises: what is wrong is in `errors`.

    Args:
        path: The file's path as messages should have it.
        data: The file's content.
        taken: Names of rules that exist already, with their places; the rules of this file are added.
    """
    data = data.removeprefix(codecs.BOM_UTF8)
    try:
        source = Source(path, data.decode())
    except UnicodeDecodeError as error:
        source = Source(path, data.decode(errors="replace"))
        place = source.place_at(len(data[: error.start].decode()))
        source.problem(place, f"not valid UTF-8: the byte 0x{data[error.start]:02X}", hint="save the file as UTF-8")
        return ParsedFile([], source.errors)
    taken = {} if taken is None else taken
    rules: list[DeclarativeRule] = []
    for document in read_documents(source):
        for node in _rule_nodes(document):
            rule = _read_rule(source, node, taken)
            if rule is not None:
                rules.append(rule)
    return ParsedFile(rules, source.errors)


def _rule_nodes(document: Node) -> Iterator[Node]:
    """The rules of a document: itself, or each item of a list. An empty document has none."""
    if document.kind == "list" and document.known:
        yield from document.items
    elif document.tag != "null":
        yield document


def _read_rule(source: Source, node: Node, taken: dict[str, tuple[str, Place]]) -> DeclarativeRule | None:
    before = source.problems
    table = entries(source, node, "a rule")
    if table is None:
        return None
    values: dict[str, Any] = {}
    places: dict[str, Place] = {}
    for name, (key, value) in table.items():
        field = FIELD_NAMES.get(name)
        if field is None:
            _unknown_field(source, key)
        elif field in places:
            source.problem(key.place, f"{shorten(name)} says the same as the key in line {places[field].line}")
        else:
            places[field] = value.place
            values[field] = FIELDS[field].value.read(source, value, f"'{name}'")
    if "name" not in places:
        source.problem(node.place, "a rule needs a 'name'")
    if "match" not in places and "condition" not in places:
        source.problem(node.place, "a rule needs a 'match' or a 'condition', or it would fire on everything")
    match, condition = values.get("match") or All([]), values.get("condition") or All([])
    check_possible(source, All([*match.parts, *condition.parts]))
    if source.problems > before:
        return None
    name = values["name"]
    if name in taken:
        path, first = taken[name]
        source.problem(
            places["name"],
            f"duplicate rule name {shorten(name)}; it is already defined at {path}:{first.line}:{first.column}",
            hint="that one is used; rename this one",
        )
        return None
    taken[name] = (source.path, places["name"])
    return DeclarativeRule(_definition(values, match, condition, source.path, node.place))


def _definition(values: Mapping[str, Any], match: All, condition: All, path: str, place: Place) -> Definition:
    category = values.get("category")
    group = values.get("group") or (category.removeprefix("custom:") if category else DEFAULT_GROUP)
    category = category or group
    if category not in CATEGORIES and not category.startswith("custom:"):
        category = f"custom:{category}"
    return Definition(
        name=values["name"],
        group=group,
        category=category,
        severity=Severity(values.get("severity", "warning")),
        confidence=values.get("confidence", 1.0),
        match=match,
        condition=condition,
        description=values.get("description"),
        title=values.get("title"),
        suggestion=values.get("suggestion"),
        enabled=values.get("enabled", True),
        examples=to_examples(values.get("examples", []), All([*match.parts, *condition.parts])),
        example_places=[example.place for example in values.get("examples", [])],
        path=path,
        place=place,
    )


def _unknown_field(source: Source, key: Node) -> None:
    name = key.text
    what = f"unknown key {shorten(name)}"
    if name == "rules":
        source.problem(key.place, what, hint="write the list of rules at the top of the file")
    elif name in VALID_KEYS:
        source.problem(key.place, what, hint="it belongs under 'match' or 'condition'")
    else:
        source.problem(key.place, what, key=name, valid=list(FIELD_NAMES))
