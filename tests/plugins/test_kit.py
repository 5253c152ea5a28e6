"""The kit's own checks, with our model in place of an SDK: they accept what is right, and notice what is not."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from semfora_hooks.model import ContextDocument

from . import kit


def read(document: Any) -> Any:
    """A document as our model reads it, every default spelled out."""
    return spelled(msgspec.convert(document, ContextDocument))


def spelled(value: Any) -> Any:
    if isinstance(value, msgspec.Struct):
        return {field.encode_name: spelled(getattr(value, field.name)) for field in msgspec.structs.fields(type(value))}
    if isinstance(value, list | tuple):
        return [spelled(item) for item in value]
    return value


def test_our_own_types_have_the_schemas_defaults() -> None:
    kit.assert_defaults(read)


def test_what_is_left_out_may_stay_out_only_where_the_default_is_nothing() -> None:
    def without_the_kind(document: Any) -> Any:
        found = read(document)
        del found["scope"]["kind"]
        return found

    with pytest.raises(AssertionError, match=r"Scope\.kind is 'repo' where it is left out"):
        kit.assert_defaults(without_the_kind)


def test_another_default_is_noticed() -> None:
    def exported(document: Any) -> Any:
        found = read(document)
        found["symbols"][0]["is_exported"] = True
        return found

    with pytest.raises(AssertionError, match=r"Symbol\.is_exported"):
        kit.assert_defaults(exported)


@pytest.mark.parametrize("kind", kit.DOCUMENTS)
def test_full_documents_have_every_field_of_every_type(kind: str) -> None:
    types = kit.definitions(kind)
    seen: set[str] = set()

    def visit(value: Any, schema: Any) -> None:
        if "$ref" in schema:
            title = schema["$ref"].rpartition("/")[2]
            schema = types[title]
            if isinstance(value, dict):
                assert set(value) == kit.fields(kind)[title]
                seen.add(title)
        for option in schema.get("anyOf", ()):
            visit(value, option)
        if isinstance(value, dict):
            for name, inner in schema.get("properties", {}).items():
                visit(value[name], inner)
        elif isinstance(value, list) and isinstance(schema.get("items"), dict):
            for item in value:
                visit(item, schema["items"])

    root = {"$ref": f"#/$defs/{kit.DOCUMENTS[kind][1]}"}
    for document in kit.full_documents(kind):
        visit(document if kind == "context" else document[0], root)
    assert seen == set(kit.fields(kind))
