"""The conformance kit is what its generator makes, exercises the whole contract, and can tell right from wrong."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import wasmtime

from .conftest import PLUGINS

KIT = PLUGINS / "conformance"
ROOT = PLUGINS.parent
SCHEMA = json.loads((ROOT / "docs" / "schemas" / "context.v1.json").read_text("utf-8"))
CASES = sorted(path.name.removesuffix(".context.json") for path in (KIT / "cases").glob("*.context.json"))


def run_check(plugin: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(KIT / "check.py"), str(plugin)], capture_output=True, text=True, check=False
    )


def constant_plugin(output: str) -> bytes:
    escaped = "".join(f"\\{byte:02x}" for byte in output.encode())
    return bytes(
        wasmtime.wat2wasm(
            f"""(module (memory (export "memory") 64) (data (i32.const 16) "{escaped}")
            (global (export "semfora_abi_v1") i32 (i32.const 0))
            (func (export "semfora_alloc") (param i32) (result i32) (i32.const 65536))
            (func (export "evaluate") (param i32 i32) (result i64) (i64.const {16 << 32 | len(output.encode())})))"""
        )
    )


def test_the_cases_in_git_are_what_the_generator_makes() -> None:
    done = subprocess.run(
        [sys.executable, str(KIT / "generate.py"), "--check"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert len(CASES) >= 14


def test_a_case_that_was_edited_is_noticed(tmp_path: Path) -> None:
    import shutil

    copy = tmp_path / "conformance"
    shutil.copytree(KIT, copy)
    edited = copy / "cases" / "layers.expected.json"
    edited.write_bytes(edited.read_bytes().replace(b'"distance": 2.0', b'"distance": 1.0'))
    (copy / "cases" / "stray.context.json").write_text("{}")
    done = subprocess.run(
        [sys.executable, str(copy / "generate.py"), "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stdout.splitlines() == ["differs: cases/stray.context.json", "differs: cases/layers.expected.json"]


def test_the_large_context_has_the_size_it_should() -> None:
    from semfora_conformance import contexts

    large = contexts.large()
    assert 900_000 < len(large) < 1_200_000
    assert contexts.large() == large
    digest = hashlib.sha256(large).hexdigest()
    assert f"{digest}  large.context.json\n" in (KIT / "large.sha256").read_text()


def test_findings_are_those_a_person_finds() -> None:
    """The reference itself, held to the findings of one case worked out by hand."""
    expected = json.loads((KIT / "cases" / "layers.expected.json").read_text("utf-8"))
    assert [
        (item["id"].removeprefix("layer-guard:"), item["severity"], item["evidence"][0]["text"]) for item in expected
    ] == [
        ("shop.core.prices:price->shop.api.views:show", "warning", "line 4"),
        ("shop.db.store:load->shop.api.views:show", "warning", "line 4"),
        ("shop.db.store:load->shop.core.prices:price", "error", "line 7"),
        ("shop.db.store:save->shop.core.prices:price", "warning", "line 22"),
        ("shop.db.store:save->shop.api.views:show", "error", "line 23"),
        ("shop.db.store:save->shop.core.prices:tax", "warning", "line 24"),
    ]
    assert [item["confidence"] for item in expected] == [0.7, 0.4, 0.95, 0.7, 0.95, 0.4]
    assert [item["metrics"]["distance"] for item in expected] == [1, 2, 1, 1, 2, 1]
    assert expected[1]["title"] == "`shop.db.store.load` (db) calls `shop.api.views.show` (api)"
    assert expected[1]["description"] == "Layer `db` must not depend on layer `api`; the order is api > core > db."
    assert expected[1]["suggestion"] == "Move the call up, or pass what `load` needs as an argument."


def values_at(node: Any, schema: dict[str, Any], path: str) -> Iterator[tuple[str, Any]]:
    """Every value in `node` with its place in the schema: `Symbol.kind`, `Symbol.arguments[]`, …"""
    yield path, node
    while "$ref" in schema:
        path = schema["$ref"].rpartition("/")[2]
        schema = SCHEMA["$defs"][path]
    for option in schema.get("anyOf", []):
        if option.get("type") != "null" and node is not None:
            yield from values_at(node, option, path)
    if isinstance(node, dict):
        for name, inner in schema.get("properties", {}).items():
            if name in node:
                yield from values_at(node[name], inner, f"{path}.{name}")
    elif isinstance(node, list):
        for item in node:
            if isinstance(schema.get("items"), dict):
                yield from values_at(item, schema["items"], f"{path}[]")


def places(schema: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, inner in schema.get("properties", {}).items():
        yield f"{path}.{name}", inner


@pytest.mark.parametrize("case", ["every-field"])
def test_every_field_and_every_name_of_the_contract_occurs(case: str) -> None:
    document = json.loads((KIT / "cases" / f"{case}.context.json").read_text("utf-8"))
    seen: dict[str, list[Any]] = {}
    for place, value in values_at(document, {"$ref": "#/$defs/ContextDocument"}, ""):
        seen.setdefault(place, []).append(value)
    checked = 0
    for title, definition in SCHEMA["$defs"].items():
        for place, inner in places(definition, title):
            values = seen.get(place, [])
            default = inner.get("default")
            fixed = "enum" in inner and len(inner["enum"]) == 1
            assert values, f"{place} does not occur"
            assert fixed or any(value != default for value in values), f"{place} has its default everywhere"
            if place != "Scope.kind":  # a document has one
                missing = set(inner.get("enum", [])) - {value for value in values if isinstance(value, str | int)}
                assert not missing, f"{place} is never {missing}"
            checked += 1
    assert checked > 90


def test_check_tells_a_wrong_plugin_from_a_right_one(tmp_path: Path) -> None:
    silent = tmp_path / "silent.wasm"
    silent.write_bytes(constant_plugin("[]"))
    done = run_check(silent)
    assert done.returncode == 1, done.stderr
    verdicts = dict(line.split(": ", 1) for line in done.stdout.splitlines() if not line.startswith(" "))
    assert verdicts["empty"] == verdicts["no-config"] == verdicts["null-config"] == "ok"
    assert verdicts["layers"] == verdicts["bad-config"] == verdicts["large"] == "DIFFERS"
    assert '-  "id": "layer-guard:shop.core.prices:price->shop.api.views:show",' in done.stdout

    broken = tmp_path / "broken.wasm"
    broken.write_bytes(constant_plugin("nothing"))
    done = run_check(broken)
    assert done.returncode == 1
    assert "empty: FAILED: bad_output: " in done.stdout


def test_check_says_how_it_is_used() -> None:
    done = subprocess.run([sys.executable, str(KIT / "check.py")], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "python check.py layer-guard.wasm" in done.stderr
