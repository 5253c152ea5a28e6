"""The Rust SDK and its template: built with Debian's compiler, held to the schemas, run in sandbox and repository."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from semfora_hooks.model import ContextDocument
from semfora_hooks.providers.wasm import host

from .conftest import PLUGINS
from .debian import SAMPLE, WORKSPACE, Rust
from .kit import (
    DOCUMENTS,
    assert_conforms,
    assert_defaults,
    assert_fixtures_hold,
    commands,
    definitions,
    fields,
    full_documents,
    repository,
)

pytestmark = pytest.mark.e2e

ROOT = PLUGINS.parent
README = WORKSPACE / "semfora-plugin-template" / "README.md"
MAX_SIZE = 150_000


@pytest.fixture(scope="module")
def plugin(rust: Rust) -> Path:
    return rust.plugin()


# --------------------------------------------------------------------------------------------------- the SDK


def test_native_tests_pass(rust: Rust) -> None:
    output = rust.cargo("test", "--workspace").stdout
    passed = [
        int(number) for number in re.findall(r"^test result: ok\. (\d+) passed; 0 failed; 0 ignored", output, re.M)
    ]
    assert len(passed) == 4, "the SDK's own tests, those of contexts, the template's, and the examples in documentation"
    assert sum(passed) >= 30
    assert " - Readme (line " in output


def echoed(program: Path, kind: str, document: Any) -> Any:
    done = subprocess.run(
        [str(program), kind], input=json.dumps(document), capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_types_hold_every_field_of_the_schema(rust: Rust, kind: str) -> None:
    """A document with every property the schema has, each set, goes through the SDK's types unharmed."""
    program = rust.example_program("echo")
    for document in full_documents(kind):
        assert echoed(program, kind, document) == document


def test_types_have_no_field_that_the_schema_lacks(rust: Rust) -> None:
    program = rust.example_program("echo")
    types = definitions("context")
    minimal = echoed(
        program,
        "context",
        {"symbols": [{"arguments": [{}], "type_checks": [{}]}], "calls": [{}]}
        | {"modules": [{}], "duplicates": [{}], "scope": {"files": [{}]}},
    )
    given = {"symbols", "calls", "modules", "duplicates", "files", "arguments", "type_checks"}
    symbol = minimal["symbols"][0]
    for title, written in {
        "ContextDocument": minimal,
        "Generator": minimal["generator"],
        "Repository": minimal["repository"],
        "Scope": minimal["scope"],
        "ChangedFile": minimal["scope"]["files"][0],
        "Symbol": symbol,
        "Argument": symbol["arguments"][0],
        "ControlFlow": symbol["control_flow"],
        "Metrics": symbol["metrics"],
        "TypeCheck": symbol["type_checks"][0],
        "CallEdge": minimal["calls"][0],
        "Module": minimal["modules"][0],
        "Duplicate": minimal["duplicates"][0],
    }.items():
        assert set(written) == set(types[title]["properties"]), title
        for field, inner in types[title]["properties"].items():
            if isinstance(inner.get("default", ""), bool | int | list | None) and field not in given:
                assert written[field] == inner["default"], f"{title}.{field}"


def test_a_recommendations_types_have_the_fields_of_the_schema_and_no_other() -> None:
    source = (WORKSPACE / "semfora-plugin-sdk" / "src" / "recommendation.rs").read_text("utf-8")
    structs = re.findall(r"^pub struct (\w+) \{\n(.*?)^\}$", source, re.M | re.S)
    named = {name: set(re.findall(r"^    pub (\w+):", body, re.M)) for name, body in structs}
    assert named == fields("recommendations")


def test_the_defaults_are_the_schemas_and_the_hosts(rust: Rust) -> None:
    """What the host leaves out, the SDK fills in as the host's own reader does."""
    program = rust.example_program("echo")
    assert_defaults(lambda document: echoed(program, "context", document))
    source = (PLUGINS / "conformance" / "cases" / "defaults.context.json").read_bytes()
    read = echoed(program, "context", json.loads(source))
    assert msgspec.convert(read, ContextDocument) == msgspec.json.decode(source, type=ContextDocument)


# -------------------------------------------------------------------------------------------------- panics


@pytest.fixture(scope="module")
def panicking(rust: Rust) -> host.Binary:
    return host.Binary.of(rust.example_plugin("panicking").read_bytes())


def evaluate(pool: host.Pool, binary: host.Binary, how: str, memory: int = 64 << 20) -> Any:
    context = json.dumps({"config": {"how": how}}).encode()
    output, _ = pool.evaluate(binary, context, memory=memory, timeout=60.0)
    return json.loads(output)


@pytest.mark.parametrize(
    ("how", "text"),
    [
        ("literal", "a text known at build time"),
        ("formatted", "0 symbols are too many: \U0001f600"),
        ("index", "index out of bounds: the len is 0 but the index is 0"),
        ("unwrap", "a commit"),
    ],
)
def test_a_panic_reaches_the_host_with_text_and_place(
    pool: host.Pool, panicking: host.Binary, how: str, text: str
) -> None:
    with pytest.raises(host.SandboxError) as caught:
        evaluate(pool, panicking, how)
    assert caught.value.kind == "trap"
    assert re.fullmatch(
        rf"abort: {re.escape(text)} at semfora-plugin-sdk/examples/panicking\.rs:\d+:\d+", caught.value.detail
    )
    assert caught.value.log == f"how: {how}\n"


def test_running_out_of_memory_is_told_as_that(pool: host.Pool, panicking: host.Binary) -> None:
    with pytest.raises(host.SandboxError) as caught:
        evaluate(pool, panicking, "memory", memory=16 << 20)
    assert caught.value.kind == "memory"


@pytest.mark.parametrize(
    ("how", "output"),
    [
        ("error", {"error": "it says why"}),
        ("nan", {"error": "the metric 'm' is not a finite number"}),
        ("", [{"title": "nothing happened", "confidence": 1}]),
    ],
)
def test_what_is_no_panic_is_a_result(pool: host.Pool, panicking: host.Binary, how: str, output: Any) -> None:
    assert evaluate(pool, panicking, how) == output


# ------------------------------------------------------------------------------------------------- the sample


def test_the_sample_is_small_and_imports_nothing_but_abort(plugin: Path) -> None:
    import wasmtime

    assert plugin.stat().st_size < MAX_SIZE
    module = wasmtime.Module(wasmtime.Engine(), plugin.read_bytes())
    assert [(item.module, item.name) for item in module.imports] == [("env", "abort")]
    exports = {item.name for item in module.exports}
    assert {"memory", "semfora_abi_v1", "semfora_alloc", "evaluate"} <= exports


def test_the_sample_conforms(plugin: Path, pool: host.Pool) -> None:
    assert_conforms(plugin, pool)


def test_fixtures_hold_in_the_sandbox_too(plugin: Path, pool: host.Pool) -> None:
    """The template's fixtures, which `cargo test` runs natively."""
    assert_fixtures_hold(plugin, WORKSPACE / "semfora-plugin-template" / "fixtures", pool, memory=64 << 20)


# ------------------------------------------------------------------------------------------ the READMEs' commands


def test_following_the_readme_leads_to_a_finding(rust: Rust, plugin: Path, tmp_path: Path) -> None:
    """Someone who has only `plugins/rust` and the installed package: every command of the page, in its order."""
    del plugin  # built before, so that the page's own build has little to do
    folder = tmp_path / "rust"
    shutil.copytree(WORKSPACE, folder, ignore=shutil.ignore_patterns("target"))
    (folder / "target").symlink_to(rust.target)
    shop = repository(tmp_path / "shop")
    environment = rust.environment()
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
    lines = commands(README)
    assert any("cargo" in line and "build" in line for line in lines)
    assert any(line.startswith("semfora-hooks suggest") for line in lines)
    output = ""
    where = folder / README.parent.name
    for line in lines:
        if line.startswith("apt-get "):  # the fixture `rust` did, once for all tests
            assert set(line.split()[2:]) <= {"-y", "install", *RUST_NAMES}, line
            continue
        done = subprocess.run(
            ["bash", "-euc", f"{line}\npwd >{tmp_path}/pwd"],
            cwd=where,
            env=environment | {"REPO": str(shop)},
            capture_output=True,
            text=True,
            check=False,
        )
        found = line.startswith("semfora-hooks suggest")
        assert done.returncode == (1 if found else 0), f"{line}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        where = Path((tmp_path / "pwd").read_text().strip()) if not found else where
        output = done.stdout if found else output
    assert "shop/db.py:4:1: error architecture/layer-guard `shop.db.save` (db) calls `shop.api.notify` (api)" in output


def test_the_page_of_the_manual_says_the_same() -> None:
    """Its commands are the README's, which are run, so they need not run twice."""
    page = commands(ROOT / "docs" / "plugins" / "rust.md")
    assert page == commands(README)


@pytest.mark.parametrize("page", [README, ROOT / "docs" / "plugins" / "rust.md"], ids=["README.md", "rust.md"])
def test_the_examples_of_a_page_compile(rust: Rust, page: Path) -> None:
    """`cargo test` does this for the SDK's own README."""
    rust.cargo("build", "-p", "semfora-plugin-sdk")
    debug = rust.target / "debug"
    arguments = ["--edition", "2021", "--test", str(page), "-L", f"dependency={debug / 'deps'}"]
    crate = f"semfora_plugin_sdk={debug / 'libsemfora_plugin_sdk.rlib'}"
    done = subprocess.run(
        [rust.rustdoc, *arguments, "--extern", crate],
        env=rust.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "test result: ok. 1 passed; 0 failed" in done.stdout


RUST_NAMES = {
    *("rustc", "cargo", "lld", "libstd-rust-dev-wasm32", "librust-serde-dev", "librust-serde-json-dev"),
    "librust-serde-derive-dev",
}


# ------------------------------------------------------------------------------------------------ current Rust


def current_rust(folder: Path) -> Rust:
    """A compiler of the last two years: one that is installed, else the one Debian keeps for its browsers."""
    for name in filter(None, (shutil.which("rustc"), str(Path.home() / ".cargo/bin/rustc"))):
        if Path(name).exists():
            version = subprocess.run([name, "--version"], capture_output=True, text=True, check=False).stdout
            match = re.match(r"rustc 1\.(\d+)\.", version)
            if match and int(match[1]) >= 85:
                # Not rustup's proxy, which would look for updates.
                root = subprocess.run([name, "--print", "sysroot"], check=True, **_TEXT).stdout.strip()
                return Rust(rustc=f"{root}/bin/rustc", rustdoc=f"{root}/bin/rustdoc", target=folder / "target")
    packages = folder / "packages"
    packages.mkdir()
    subprocess.run(["apt-get", "-q", "update"], check=True, capture_output=True)
    wanted = ["rustc-web", "libstd-rust-web-dev"]
    for name in wanted:  # grows: the compiler's library, then LLVM
        show = subprocess.run(["apt-cache", "show", "--no-all-versions", name], check=True, **_TEXT).stdout
        depends = " ".join(re.findall(r"^Depends: (.*)$", show, re.M))
        wanted += sorted(set(re.findall(r"\b(?:libstd-rust-web-[\d.]+|libllvm\d+)", depends)) - set(wanted))
    subprocess.run(["apt-get", "-q", "download", *wanted], cwd=packages, check=True, capture_output=True)
    for package in packages.glob("*.deb"):
        subprocess.run(["dpkg", "-x", str(package), str(folder / "root")], check=True)
    return Rust(rustc=str(folder / "root/usr/bin/rustc"), target=folder / "target")


_TEXT: dict[str, Any] = {"capture_output": True, "text": True}


def test_it_builds_without_warnings_with_current_rust(rust: Rust, tmp_path: Path) -> None:
    """Natively: the target for WebAssembly comes with rustup, over the network. Its code is checked with Debian's."""
    newer = current_rust(tmp_path)
    more = {"LD_LIBRARY_PATH": os.environ.get("LD_LIBRARY_PATH", "")}
    root = tmp_path / "root" / "usr" / "lib"
    if root.exists():
        folders = (root, *root.glob("*-linux-gnu*"), *root.glob("llvm-*/lib"))
        more["LD_LIBRARY_PATH"] = ":".join(map(str, folders))
    done = newer.cargo("check", "--workspace", "--all-targets", more=more)
    ours = [line for line in done.stderr.splitlines() if line.startswith(("warning", "error"))]
    assert ours == []
    assert (newer.target / "debug").is_dir()


def test_it_builds_without_warnings_with_the_oldest_rust(rust: Rust) -> None:
    version = subprocess.run([rust.rustc, "--version"], check=True, **_TEXT).stdout
    oldest = re.search(
        r'rust-version = "([\d.]+)"', (WORKSPACE / "semfora-plugin-sdk" / "Cargo.toml").read_text("utf-8")
    )
    assert oldest is not None
    assert version.startswith(f"rustc {oldest[1]}."), (
        "the oldest version that is said to work is the one that is tested"
    )
    done = rust.cargo(*SAMPLE)  # cargo repeats the warnings of what it has built before
    assert "warning" not in done.stderr
