"""What the tests of all SDKs share: documents with every field, the pages' commands, the conformance kit."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from semfora_hooks.providers.wasm import host
from semfora_hooks.providers.wasm.inspect import inspect

ROOT = Path(__file__).parents[2]
PLUGINS = ROOT / "plugins"
CASES = PLUGINS / "conformance" / "cases"
FINDING = "shop/db.py:4:1: error architecture/layer-guard `shop.db.save` (db) calls `shop.api.notify` (api)"
DOCUMENTS = {
    "context": ("context.v1.json", "ContextDocument"),
    "recommendations": ("recommendation.v1.json", "Recommendation"),
}
_HOST_ALONE = {"status", "suppressed"}
"""What a report says of a recommendation, and a plugin cannot."""


def definitions(kind: str) -> dict[str, Any]:
    """The types that the schema of `kind` of documents defines, as a plugin knows them."""
    name, root = DOCUMENTS[kind]
    found: dict[str, Any] = json.loads((ROOT / "docs" / "schemas" / name).read_text("utf-8"))["$defs"]
    if kind == "recommendations":
        for field in _HOST_ALONE:
            del found[root]["properties"][field]
    return found


def _instance(schema: dict[str, Any], types: dict[str, Any], round_: int) -> Any:
    """A value of `schema` with every property set, none at its default; each round takes other names."""
    if "$ref" in schema:
        return _instance(types[schema["$ref"].rpartition("/")[2]], types, round_)
    if "anyOf" in schema:
        return _instance(next(s for s in schema["anyOf"] if s.get("type") != "null"), types, round_)
    if "enum" in schema:
        return schema["enum"][round_ % len(schema["enum"])]
    if "prefixItems" in schema:
        return [_instance(item, types, round_) for item in schema["prefixItems"]]
    match schema["type"]:
        case "object":
            if "additionalProperties" in schema:
                return {"m\u00fc": _instance(schema["additionalProperties"], types, round_)}
            properties = schema.get("properties")
            if properties is None:
                return {"layers": ["a"], "deep": {"x": [1, -2.5, None, True, "\U0001f600"]}}
            return {name: _instance(inner, types, round_) for name, inner in properties.items()}
        case "array":
            return [_instance(schema["items"], types, round_ + step) for step in range(2)]
        case "string":
            return f'text {round_} \u00e9"\\\n'
        case "integer":
            return round_ + 3
        case "number":
            return 0.25 + round_
        case "boolean":
            return True
    raise AssertionError(schema)


def _enum_sizes(schema: Any) -> Iterator[int]:
    if isinstance(schema, dict):
        if "enum" in schema:
            yield len(schema["enum"])
        for inner in schema.values():
            yield from _enum_sizes(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from _enum_sizes(inner)


def fields(kind: str) -> dict[str, set[str]]:
    """The names of the fields of each type that `kind` of documents is made of."""
    types = definitions(kind)
    types.pop("Suppression", None)
    return {title: set(found["properties"]) for title, found in types.items() if "properties" in found}


def _sparse(schema: dict[str, Any], types: dict[str, Any]) -> Any:
    """What `schema` requires, and one record in each list of records, so that every type occurs."""
    if "$ref" in schema:
        schema = types[schema["$ref"].rpartition("/")[2]]
    if schema.get("type") != "object":
        return _instance(schema, types, 0)
    found = {}
    for name, inner in schema["properties"].items():
        if inner.get("type") == "array" and "$ref" in inner["items"]:
            found[name] = [_sparse(inner["items"], types)]
        elif name in schema.get("required", ()):
            found[name] = _sparse(inner, types)
    return found


def assert_defaults(echo: Callable[[Any], Any]) -> None:
    """What a context leaves out has the schema's default.

    Args:
        echo: Reads a context through an SDK's types and writes it again. What it does not write has its language's
            zero value, which must then be the schema's default.
    """
    types = definitions("context")
    sparse = _sparse({"$ref": "#/$defs/ContextDocument"}, types)
    checked: set[str] = set()

    def compare(title: str, given: dict[str, Any], read: dict[str, Any]) -> None:
        for name, inner in types[title]["properties"].items():
            place, value = f"{title}.{name}", given.get(name)
            record = (inner.get("items") or inner).get("$ref", "").rpartition("/")[2]
            checked.add(place)
            if record and isinstance(value, list):
                assert len(read[name]) == len(value), place
                compare(record, value[0], read[name][0])
            elif record and "type" not in inner:
                compare(record, value or {}, read.get(name) or {})
            elif name in given:
                assert read[name] == value, place
            elif name in read:
                assert read[name] == inner["default"], place
            else:
                assert not inner["default"], f"{place} is {inner['default']!r} where it is left out"

    compare("ContextDocument", sparse, echo(sparse))
    assert checked == {f"{title}.{name}" for title, names in fields("context").items() for name in names}


def full_documents(kind: str) -> Iterator[Any]:
    """Documents with every property that the schema has, none at its default; together they have every name of it."""
    types = definitions(kind)
    for round_ in range(max(_enum_sizes(types))):
        document = _instance({"$ref": f"#/$defs/{DOCUMENTS[kind][1]}"}, types, round_)
        if kind == "recommendations":
            document["category"] = f"custom:{round_}"
        yield document if kind == "context" else [document]


def assert_conforms(plugin: Path, pool: host.Pool, name: str = "layer-guard") -> None:
    """The plugin gives what the conformance kit says, byte for byte. As `check.py` does, but compiled once.

    Args:
        plugin: The binary.
        pool: Runs it.
        name: What the plugin calls itself, where its project is not the template: findings' ids begin with it.
    """
    from generate import expected
    from semfora_conformance import contexts
    from semfora_conformance.canonical import run as result

    def renamed(expected: bytes) -> bytes:
        return expected.replace(b'"id": "layer-guard:', b'"id": "%s:' % name.encode())

    cases = sorted(CASES.glob("*.context.json"))
    assert len(cases) >= 14
    for path in cases:
        wanted = path.with_name(path.name.replace(".context.", ".expected."))
        assert result(pool, plugin, path.read_bytes()) == renamed(wanted.read_bytes()), path.name
    large = contexts.large()
    assert result(pool, plugin, large) == renamed(expected(large))


def assert_fixtures_hold(plugin: Path, fixtures: Path, pool: host.Pool, memory: int = 256 << 20) -> None:
    """The template's fixtures, in the sandbox with some bytes of memory."""
    contexts = sorted(fixtures.glob("*.context.json"))
    assert len(contexts) >= 3
    for path in contexts:
        output, _ = pool.evaluate(host.Binary.of(plugin.read_bytes()), path.read_bytes(), memory=memory, timeout=60.0)
        expected = path.with_name(path.name.replace(".context.", ".expected."))
        assert json.loads(output) == json.loads(expected.read_text("utf-8")), path.name


def evaluate_how(pool: host.Pool, binary: Path, how: str, memory: int = 64 << 20) -> Any:
    """What an example that fails in several ways returns where it is asked to fail in this one."""
    context = json.dumps({"config": {"how": how}}).encode()
    output, _ = pool.evaluate(host.Binary.of(binary.read_bytes()), context, memory=memory, timeout=60.0)
    return json.loads(output)


def imports_and_exports(plugin: Path) -> tuple[set[str], set[str]]:
    """The names of what a binary imports, and of what it exports."""
    found = inspect(plugin.read_bytes())
    assert found.problem is None
    return {item.name for item in found.imports}, {item.name for item in found.exports}


def commands(page: Path) -> list[str]:
    """The lines of a page's `console` blocks that start with `$ `, prompts removed."""
    blocks = re.findall(r"^```console\n(.*?)^```$", page.read_text("utf-8"), re.M | re.S)
    return [line[2:] for block in blocks for line in block.splitlines() if line.startswith("$ ")]


def repository(path: Path) -> Path:
    """A repository in which `db` calls `api`."""
    for name, text in {
        "shop/__init__.py": "",
        "shop/api.py": "def notify(user):\n    return user\n",
        "shop/core.py": "from shop.api import notify\n\n\ndef price():\n    return 3\n",
        "shop/db.py": "from shop.api import notify\n\n\ndef save(user):\n    return notify(user)\n\n\nsave(1)\n",
    }.items():
        file = path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    subprocess.run(["git", "init", "-q", str(path)], check=True)
    return path


def follow(
    page: Path,
    folder: Path,
    scratch: Path,
    environment: Mapping[str, str],
    instead: Callable[[str], bool],
) -> str:
    """Type in the commands of a page, one after the other.

    Args:
        page: The page.
        folder: Where its reader is at first.
        scratch: A folder for the repository that the page calls `$REPO`.
        environment: What the commands run with. The installed package comes second on its `PATH`, behind the
            toolchain: both have a `python`.
        instead: Does itself what a command does, and says whether it did: downloads that tests share.

    Returns:
        What `semfora-hooks suggest` printed.
    """
    shop = repository(scratch / "shop")
    toolchain, _, rest = environment["PATH"].partition(":")
    path = f"{toolchain}:{Path(sys.executable).parent}:{rest}"
    if "PYTHONPATH" in environment:
        raise AssertionError("the reader has no PYTHONPATH")
    output = ""
    where = folder
    for line in commands(page):
        if instead(line):
            continue
        done = subprocess.run(
            ["bash", "-euc", f"{line}\npwd >{scratch}/pwd"],
            cwd=where,
            env={**environment, "PATH": path, "REPO": str(shop)},
            capture_output=True,
            text=True,
            check=False,
        )
        found = line.startswith("semfora-hooks suggest")
        assert done.returncode == (1 if found else 0), f"{line}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        if found:
            output = done.stdout
        else:
            where = Path((scratch / "pwd").read_text().strip())
    return output


def run(command: Sequence[str], where: Path, environment: Mapping[str, str], text: str = "") -> str:
    """What a command prints that is given `text`; it must succeed."""
    done = subprocess.run(command, cwd=where, env=environment, input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}:\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return done.stdout
