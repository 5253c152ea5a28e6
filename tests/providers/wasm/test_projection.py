"""Joined documents are byte for byte what encoding them whole gives; sections are encoded once."""

from __future__ import annotations

import itertools

import msgspec
import pytest

from semfora_hooks.context import NEEDS
from semfora_hooks.index import calls
from semfora_hooks.index.filelink import FileLink
from semfora_hooks.model import ChangedFile, Duplicate, Scope
from semfora_hooks.providers.wasm import projection
from semfora_hooks.providers.wasm.projection import Document, Projector

from .builders import make_context

SUBSETS = [subset for size in range(5) for subset in itertools.combinations(NEEDS, size)]
CONFIG = {"layers": ["api", 'with "quotes"', "é\u2028"], "symbols": [{"deep": None}]}


def context():
    group = Duplicate(symbols=("app:a", "app:b"), similarity=0.5, kind="near")
    scope = Scope(kind="staged", base_ref="x", files=(ChangedFile(path="ü.py", change="added", lines=((1, 2),)),))
    return make_context(duplicates=(group,), scope=scope)


@pytest.mark.parametrize("needs", SUBSETS, ids="-".join)
@pytest.mark.parametrize("config", [{}, CONFIG], ids=["plain", "config"])
def test_bytes(needs, config) -> None:
    whole = msgspec.json.encode(context().document(needs, config=config))
    document = Projector().document(context(), needs, config)
    assert bytes(document) == whole
    assert document.size == len(whole)


def test_an_empty_context() -> None:
    empty = make_context(symbols=(), calls=(), modules=())
    assert bytes(Projector().document(empty, NEEDS, {})) == msgspec.json.encode(empty.document())


@pytest.mark.parametrize("kept", [0, 100])
def test_packed_calls_are_sent_as_edges(kept: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "KEPT", kept)
    rows = [calls.constructor_call(line, "app:b") for line in (3, 1)]
    table = calls.CallTable.of([(["app:a"], FileLink([], [], [], [], [], [], []), [], [(0, row) for row in rows])])
    packed, plain = make_context(calls=table), make_context(calls=tuple(table))
    assert [call.line for call in plain.calls] == [1, 3]
    assert bytes(Projector().document(packed, NEEDS, {})) == bytes(Projector().document(plain, NEEDS, {}))
    assert packed.document() == plain.document()
    assert packed.calls_from("app:a") == plain.calls_from("app:a")
    assert packed.calls_to("app:b") == [*table]


def test_a_section_is_encoded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    encoded = []
    section = projection.Section
    monkeypatch.setattr(projection, "Section", lambda name, items: encoded.append(name) or section(name, items))
    projector, one, other = Projector(), context(), context()
    for _ in range(3):
        projector.document(one, NEEDS, {})
        projector.document(other.with_config({"a": 1}), ("symbols",), {"b": 2})
    assert sorted(encoded) == sorted([*NEEDS, "symbols"])


def test_digests_tell_documents_apart() -> None:
    projector = Projector()
    contexts = [context(), make_context(), make_context(calls=())]
    documents = [projector.document(c, n, k) for c in contexts for n in SUBSETS for k in ({}, CONFIG)]
    by_bytes = {bytes(document): document.digest() for document in documents}
    assert len(set(by_bytes.values())) == len(by_bytes) > 40
    assert Projector().document(contexts[0], NEEDS, {}).digest() == projector.document(contexts[0], NEEDS, {}).digest()
    assert Document.of(b"ab").digest() != Document.of(b"ba").digest()
    assert bytes(Document.of(b"ab")) == b"ab"
