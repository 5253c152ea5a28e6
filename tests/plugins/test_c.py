"""The C SDK and its template: built with `zig cc` from PyPI; its JSON reader beside Python's; schemas, conformance."""

from __future__ import annotations

import json
import random
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from semfora_hooks.providers.wasm import host

from . import kit
from .broken_json import damaged, is_json
from .toolchains import Toolchains

pytestmark = pytest.mark.e2e

C = kit.PLUGINS / "c"
SDK = C / "semfora-plugin-sdk"
TEMPLATE = C / "semfora-plugin-template"
PAGE = kit.ROOT / "docs" / "plugins" / "c.md"
README = TEMPLATE / "README.md"
WASM = ("-target", "wasm32-wasi", "-mexec-model=reactor", "-Os", "-s")
NATIVE = ("-g", "-O1", "-fsanitize=undefined")


def compile_(toolchains: Toolchains, source: Path, output: Path, *options: str) -> Path:
    """Build a program or plugin from one file and the SDK; warnings are errors."""
    strict = ("-std=c11", "-Wall", "-Wextra", "-Wshadow", "-Werror", "-I", str(SDK))
    sources = (str(source), *sorted(str(path) for path in SDK.glob("*.c")))
    command = [str(toolchains.programs / "python"), "-m", "ziglang", "cc", *options, *strict, *sources]
    kit.run([*command, "-o", str(output)], source.parent, toolchains.environment())
    return output


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("c")


@pytest.fixture(scope="module")
def plugin(toolchains: Toolchains, folder: Path) -> Path:
    return compile_(toolchains, TEMPLATE / "layer_guard.c", folder / "layer-guard.wasm", *WASM)


@pytest.fixture(scope="module")
def failing(toolchains: Toolchains, folder: Path) -> Path:
    return compile_(toolchains, SDK / "examples" / "failing.c", folder / "failing.wasm", *WASM)


@pytest.fixture(scope="module")
def echo(toolchains: Toolchains, folder: Path) -> Path:
    return compile_(toolchains, SDK / "examples" / "echo.c", folder / "echo", *NATIVE)


def echoed(program: Path, kind: str, documents: list[bytes]) -> list[bytes]:
    frames = b"".join(b"%d\n%s" % (len(document), document) for document in documents)
    done = subprocess.run([str(program), kind], input=frames, capture_output=True, check=False, timeout=120)
    assert (done.returncode, done.stderr) == (0, b"")
    results = done.stdout.splitlines()
    assert len(results) == len(documents)
    return results


def test_native_tests_pass(toolchains: Toolchains, folder: Path) -> None:
    tests = compile_(toolchains, SDK / "tests" / "test_sdk.c", folder / "test-sdk", *NATIVE)
    passed = re.fullmatch(r"(\d+) checks passed\n", kit.run([str(tests)], folder, toolchains.environment()))
    assert passed is not None
    assert int(passed[1]) > 3000


@pytest.mark.parametrize("kind", kit.DOCUMENTS)
def test_types_hold_every_field_of_the_schema(echo: Path, kind: str) -> None:
    documents = list(kit.full_documents(kind))
    results = echoed(echo, kind, [json.dumps(document).encode() for document in documents])
    assert [json.loads(result) for result in results] == documents


def test_types_have_no_field_that_the_schema_lacks() -> None:
    """A table's name in the C sources is a type of the schemas, and its fields are that type's."""
    source = (SDK / "records.c").read_text("utf-8")
    tables = {
        name: {quoted or plain for plain, quoted in re.findall(r"[A-Z]+\(\w+, [A-Z]+, (\w+)(?:, \"(\w+)\")?", fields)}
        for name, fields in re.findall(r"^FIELDS\((\w+),\n(.*?)\)\n(?:static )?const record", source, re.M | re.S)
    }
    named = {"".join(part.title() for part in name.split("_")): fields for name, fields in tables.items()}
    named["ContextDocument"], named["CallEdge"] = named.pop("Context"), named.pop("Call")
    assert named == {title: fields for kind in kit.DOCUMENTS for title, fields in kit.fields(kind).items()}


def test_the_defaults_are_the_schemas(echo: Path) -> None:
    kit.assert_defaults(lambda document: json.loads(echoed(echo, "context", [json.dumps(document).encode()])[0]))


def test_the_reader_accepts_what_pythons_does(echo: Path) -> None:
    """20,000 documents, most of them broken; undefined behaviour would end the program."""
    chance = random.Random(6)
    documents = [damaged(chance) for _ in range(20_000)]
    verdicts = [is_json(document) for document in documents]
    results = echoed(echo, "any", documents)
    assert verdicts.count(True) > 1000 < verdicts.count(False)
    for document, verdict, result in zip(documents, verdicts, results, strict=True):
        assert verdict is None or (result == b"ok") is verdict, (document, result)
    documents = [document.replace(b"\n", b" ") for document in documents]  # `config` is written as it was: in a line
    accepted = 0
    for document, result in zip(documents, echoed(echo, "context", documents), strict=True):
        accepted += result.startswith(b'{"schema":')
        if is_json(document) is not None:
            assert set(json.loads(result)) >= {"error"} or set(json.loads(result)) >= {"schema", "scope"}, document
    assert accepted > 500


def test_cut_contexts_are_refused_with_a_place(echo: Path) -> None:
    document = (kit.CASES / "every-field.context.json").read_bytes().rstrip()
    results = echoed(echo, "context", [document[:length] for length in range(len(document))])
    for result in results:
        assert re.fullmatch(r"the context cannot be read: .* at byte \d+", json.loads(result)["error"])


def test_the_sample_is_small_and_has_the_exports(plugin: Path) -> None:
    imports, exports = kit.imports_and_exports(plugin)
    assert {name for name in imports if not name.startswith("wasi_snapshot_preview1.")} <= {"env.abort"}
    assert {"memory", "semfora_abi_v1", "semfora_alloc", "evaluate"} <= exports
    assert plugin.stat().st_size < 60_000


def test_the_sample_conforms(plugin: Path, pool: host.Pool) -> None:
    kit.assert_conforms(plugin, pool)
    kit.assert_fixtures_hold(plugin, TEMPLATE / "fixtures", pool)


@pytest.mark.parametrize(
    ("how", "text", "line"),
    [
        ("panic", "it gives up", "SEMFORA_PANIC"),
        ("assertion", "assertion failed: context->symbols.count > 0", "SEMFORA_ASSERT"),
    ],
)
def test_a_panic_reaches_the_host_with_text_and_place(
    pool: host.Pool, failing: Path, how: str, text: str, line: str
) -> None:
    with pytest.raises(host.SandboxError) as caught:
        kit.evaluate_how(pool, failing, how)
    assert caught.value.kind == "trap"
    place = re.fullmatch(r"abort: (.*) at \S*failing\.c:(\d+):0", str(caught.value))
    assert place is not None, str(caught.value)
    assert place[1] == text
    assert line in (SDK / "examples" / "failing.c").read_text("utf-8").splitlines()[int(place[2]) - 1]
    assert caught.value.log == f"how: {how}\n"


@pytest.mark.parametrize(("how", "kind"), [("memory", "memory"), ("trap", "trap")])
def test_other_ends_are_told_as_what_they_are(pool: host.Pool, failing: Path, how: str, kind: str) -> None:
    with pytest.raises(host.SandboxError) as caught:
        kit.evaluate_how(pool, failing, how)
    assert caught.value.kind == kind


@pytest.mark.parametrize(
    ("how", "output"),
    [
        ("error", {"error": 'it says "why"\n'}),
        ("nan", {"error": "the recommendations cannot be written: a number is not finite"}),
        ("", [{"title": "nothing happened", "confidence": 1.0}]),
    ],
)
def test_what_is_no_panic_is_a_result(pool: host.Pool, failing: Path, how: str, output: Any) -> None:
    assert kit.evaluate_how(pool, failing, how) == output


def test_following_the_readme_leads_to_a_finding(toolchains: Toolchains, tmp_path: Path) -> None:
    """Someone who has only `plugins/c` and the installed package. Their `python` is the one with `ziglang`."""
    shutil.copytree(C, tmp_path / "c", ignore=shutil.ignore_patterns("*.wasm", "test-layer-guard"))
    output = kit.follow(
        README,
        tmp_path / "c" / TEMPLATE.name,
        tmp_path,
        toolchains.environment(),
        lambda line: line == "pip install ziglang",
    )
    assert kit.FINDING in output


def test_the_page_of_the_manual_says_the_same() -> None:
    """Its commands are the README's, which are run, so they need not run twice."""
    assert kit.commands(PAGE) == kit.commands(README)


@pytest.mark.parametrize("page", [SDK / "README.md", PAGE], ids=["README.md", "c.md"])
def test_the_example_of_a_page_compiles(toolchains: Toolchains, tmp_path: Path, page: Path) -> None:
    (example,) = re.findall(r"^```c\n(.*?)^```$", page.read_text("utf-8"), re.M | re.S)
    (tmp_path / "example.c").write_text(example, "utf-8")
    compile_(toolchains, tmp_path / "example.c", tmp_path / "example.wasm", *WASM)
