"""The AssemblyScript SDK and its template: built with npm's compiler; its JSON reader beside Python's; schemas."""

from __future__ import annotations

import json
import math
import random
import re
import shutil
import struct
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, localcontext
from pathlib import Path
from typing import Any

import pytest
from sharing import made_once

from semfora_hooks.providers.wasm import host

from . import kit
from .authored import NAME, assert_same_commands, authored
from .broken_json import damaged, is_json
from .toolchains import install_node, node_modules

pytestmark = pytest.mark.e2e

FOLDER = kit.PLUGINS / "assemblyscript"
SDK = FOLDER / "semfora-plugin-sdk"
TEMPLATE = FOLDER / "semfora-plugin-template"
PAGE = kit.ROOT / "docs" / "plugins" / "assemblyscript.md"
README = TEMPLATE / "README.md"


@dataclass(frozen=True)
class Node:
    """Node.js, and where the packages of the template's lock are."""

    environment: dict[str, str]
    packages: Path

    def link_packages(self, project: Path) -> None:
        """What `npm ci` does in a project beside the SDK, without copying."""
        modules = project / "node_modules"
        modules.mkdir()
        for item in self.packages.iterdir():
            if item.name != SDK.name:
                (modules / item.name).symlink_to(item)
        (modules / SDK.name).symlink_to(project.parent / SDK.name)


@pytest.fixture(scope="module")
def node() -> Node:
    return Node(install_node(), node_modules(TEMPLATE))


COMPILE = """\
import fs from "node:fs";
const { main } = await import(process.argv[2]);
for (const { name, folder, options } of JSON.parse(fs.readFileSync(0, "utf-8"))) {
  process.chdir(folder);
  const { error, stderr } = await main(options);
  fs.writeFileSync(`${process.argv[3]}/${name}.log`, stderr.toString() + (error ?? ""));
}
"""
"""Runs the compiler several times in one process, which is warm after the first: what it says goes to files."""
SOME_TESTS = """\
import { log } from "./sdk/index";
export function testGood(): void { log("grün"); }
export function testBad(): void { assert(1 == 2, "it is not"); }"""
PAGES = (SDK / "README.md", PAGE)


@dataclass(frozen=True)
class Products:
    """What was compiled of the SDK's sources, the template's and the pages' examples."""

    folder: Path

    def get(self, name: str) -> Path:
        """A binary, of which the compiler said nothing."""
        assert (self.folder / f"{name}.log").read_text("utf-8") == ""
        return self.folder / f"{name}.wasm"


@pytest.fixture(scope="module")
def products(node: Node, tmp_path_factory: pytest.TempPathFactory) -> Products:
    """All that tests need, compiled once for a run; `project` is a copy of the template with the SDK beside it."""

    def compile_all(folder: Path) -> None:
        shutil.copytree(FOLDER, folder / "copy", ignore=shutil.ignore_patterns("*.wasm", "build", "node_modules"))
        project = folder / "copy" / TEMPLATE.name
        node.link_packages(project)
        (folder / "sdk").symlink_to(SDK)
        (folder / "some.ts").write_text(SOME_TESTS, "utf-8")
        jobs = [
            ("failing", SDK, ["examples/failing.ts", *STUB]),
            ("echo", SDK, ["examples/echo.ts", *STUB]),
            ("tests", SDK, ["assembly/tests/index.ts", *STUB, "--debug"]),
            ("some", folder, ["some.ts", *STUB]),
            ("collected", project, collecting(json.loads((project / "package.json").read_text())["scripts"]["build"])),
        ]
        for page in PAGES:
            (example,) = re.findall(r"^```ts\n(.*?)^```$", page.read_text("utf-8"), re.M | re.S)
            (project / f"{page.stem}.ts").write_text(example, "utf-8")
            jobs.append((page.stem, project, [f"{page.stem}.ts", *STUB]))
        (folder / "compile.mjs").write_text(COMPILE, "utf-8")
        compiler = node.packages / "assemblyscript" / "dist" / "asc.js"
        described = [
            {"name": name, "folder": str(where), "options": [*options, "-o", str(folder / f"{name}.wasm")]}
            for name, where, options in jobs
        ]
        command = ["node", "--enable-source-maps", str(folder / "compile.mjs"), str(compiler), str(folder)]
        kit.run(command, folder, node.environment, json.dumps(described))

    return Products(made_once(tmp_path_factory, "assemblyscript", compile_all))


STUB = ("--runtime", "stub")


def collecting(build: str) -> list[str]:
    """The options of the template's build with the garbage collector, which the README offers.

    Without `-O`, with which it takes longer and collects the same.
    """
    program, *options = build.split()
    assert program == "asc"
    end = options.index("-O")
    assert options[end:] == ["-O", *STUB, "-o", "layer-guard.wasm"]
    return [*options[:end], "--runtime", "incremental"]


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template as a project of its own, built as its README says."""
    return authored(tmp_path_factory, "assemblyscript").plugin


@pytest.fixture(scope="module")
def failing(products: Products) -> Path:
    return products.get("failing")


@pytest.fixture(scope="module")
def echo(node: Node, products: Products) -> Callable[[str, list[bytes]], list[bytes]]:
    """What an export of `echo.ts` gives for each document."""
    program = products.get("echo")

    def echoed(export: str, documents: list[bytes]) -> list[bytes]:
        frames = b"".join(b"%d\n%s" % (len(document), document) for document in documents)
        command = ["node", str(SDK / "examples" / "echo.mjs"), str(program), export]
        done = subprocess.run(command, input=frames, capture_output=True, check=False, env=node.environment)
        assert (done.returncode, done.stderr) == (0, b"")
        results = done.stdout.splitlines()
        assert len(results) == len(documents)
        return results

    return echoed


Echo = Callable[[str, list[bytes]], list[bytes]]


# ------------------------------------------------------------------------------------------------ the SDK's tests


def test_the_sdks_own_tests_pass(node: Node, products: Products, tmp_path: Path) -> None:
    tests = products.get("tests")
    output = kit.run(["node", str(SDK / "testing" / "run.mjs"), str(tests)], tmp_path, node.environment)
    names = re.findall(r"^export function (test\w+)", "".join(map(Path.read_text, sdk_tests())), re.M)
    assert len(names) > 20
    assert output == f"{len(names)} of {len(names)} passed\n"


def sdk_tests() -> list[Path]:
    return [path for path in (SDK / "assembly" / "tests").glob("*.ts") if path.name not in ("index.ts", "expect.ts")]


def test_the_runner_tells_what_fails(node: Node, plugin: Path, products: Products) -> None:
    """A runner that lets everything pass would make all other tests worthless."""

    def run(tests: Path) -> tuple[int, str, str]:
        command = ["node", str(SDK / "testing" / "run.mjs"), str(tests)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=node.environment)
        return done.returncode, done.stdout, done.stderr

    assert run(products.get("some")) == (1, "1 of 2 passed\n", "grün\ntestBad: it is not at some.ts:3:35\n")
    assert run(plugin) == (1, "", f'{plugin} exports no function whose name starts with "test"\n')


def test_the_runner_compares_fixtures(node: Node, plugin: Path, tmp_path: Path) -> None:
    shutil.copytree(plugin.parent / "fixtures", tmp_path / "fixtures")
    command = ["node", str(SDK / "testing" / "run.mjs"), str(plugin), str(plugin), str(tmp_path / "fixtures")]
    assert kit.run(command, tmp_path, node.environment) == "3 of 3 passed\n"
    (tmp_path / "fixtures" / "no-layers.expected.json").write_text('[{"title": "something"}]')
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=node.environment)
    assert (done.returncode, done.stdout) == (1, "2 of 3 passed\n")
    assert done.stderr.startswith("no-layers.context.json: Expected values to be strictly deep-equal")


# -------------------------------------------------------------------------------------------- types and schemas


@pytest.mark.parametrize("kind", kit.DOCUMENTS)
def test_types_hold_every_field_of_the_schema(echo: Echo, kind: str) -> None:
    documents = list(kit.full_documents(kind))
    results = echo(kind, [json.dumps(document).encode() for document in documents])
    assert [json.loads(result) for result in results] == documents


@pytest.mark.parametrize("kind", kit.DOCUMENTS)
def test_types_have_the_fields_of_the_schema_and_no_other(kind: str) -> None:
    source = (SDK / "assembly" / {"context": "context.ts", "recommendations": "recommendation.ts"}[kind]).read_text()
    classes = dict(re.findall(r"^export class (\w+) \{\n(.*?)^\}$", source, re.M | re.S))
    classes["ContextDocument" if kind == "context" else ""] = classes.pop("SuggestContext", "")
    fields = {name: set(re.findall(r'= f\.\w+(?:<\w+>)?\("(\w+)"', body)) for name, body in classes.items() if name}
    assert fields == kit.fields(kind)


def test_the_defaults_are_the_schemas(echo: Echo) -> None:
    kit.assert_defaults(lambda document: json.loads(echo("context", [json.dumps(document).encode()])[0]))


# -------------------------------------------------------------------------------------------------- the reader


def test_the_reader_accepts_what_pythons_does(echo: Echo) -> None:
    """20,000 documents, most of them broken."""
    chance = random.Random(7)
    documents = [damaged(chance).replace(b"\n", b" ") for _ in range(20_000)]  # `config` is written as it was
    verdicts = [is_json(document) for document in documents]
    assert verdicts.count(True) > 1000 < verdicts.count(False)
    for document, verdict, result in zip(documents, verdicts, echo("any", documents), strict=True):
        assert verdict is None or (result == b'"ok"') is verdict, (document, result)
    accepted = 0
    for document, verdict, result in zip(documents, verdicts, echo("context", documents), strict=True):
        is_context = result.startswith(b'{"schema":')
        accepted += is_context
        if verdict is not None:
            assert set(json.loads(result)) >= ({"schema", "scope"} if is_context else {"error"}), document
            assert verdict or not is_context, document
    assert accepted > 500


def test_cut_contexts_are_refused_with_a_place(echo: Echo) -> None:
    document = (kit.CASES / "every-field.context.json").read_bytes().rstrip()
    for result in echo("context", [document[:length] for length in range(len(document))]):
        assert re.fullmatch(r"the context cannot be read: .* at byte \d+", json.loads(result)["error"])


def doubles(chance: random.Random) -> list[str]:
    """Numbers of all sizes, and those exactly between two doubles, or a little beside."""
    texts = ["1.7976931348623157e308", "2.2250738585072011e-308", "2.4703282292062327e-324", "1e-400", "0e999", "-0.0"]
    texts += [f"0.{'0' * 300}1e301", f"1{'0' * 300}e-300", "123456789012345678901234567890E-20"]
    texts += [repr(5e-324 * number) for number in range(1, 100)]
    with localcontext() as context:
        context.prec = 1200
        for _ in range(3000):
            (number,) = struct.unpack("<d", chance.randbytes(8))
            texts.append(repr(round(chance.random() * 10 ** chance.randint(-6, 6), chance.randint(0, 17))))
            texts.append(str(chance.randint(-(10**18), 10 ** chance.randint(1, 30))))
            if math.isfinite(number):
                texts.append(repr(number))
            if len(texts) % 10 == 0 and abs(number) < 1e300:
                middle = (Decimal(number) + Decimal(math.nextafter(number, math.inf))) / 2
                texts += [f"{value:e}" for value in (middle, middle - abs(middle) * Decimal(10) ** -900)]
    return texts


def test_numbers_are_the_nearest_doubles_both_ways(echo: Echo) -> None:
    texts = doubles(random.Random(8))
    (result,) = echo("numbers", [f"[{','.join(texts)}]".encode()])
    assert json.loads(result) == [float(text) for text in texts]


# -------------------------------------------------------------------------------------------------- the sample


def test_the_sample_is_small_and_has_the_exports(plugin: Path) -> None:
    imports, exports = kit.imports_and_exports(plugin)
    assert imports == {"env.abort"}
    assert {"memory", "semfora_abi_v1", "semfora_alloc", "evaluate"} == exports
    assert plugin.stat().st_size < 60_000


def test_the_sample_conforms(plugin: Path, pool: host.Pool) -> None:
    kit.assert_conforms(plugin, pool, NAME)
    kit.assert_fixtures_hold(plugin, plugin.parent / "fixtures", pool)


def test_the_sample_conforms_with_the_garbage_collector_too(products: Products, pool: host.Pool) -> None:
    """It would notice objects that the SDK holds by their address alone."""
    kit.assert_conforms(products.get("collected"), pool)


@pytest.mark.parametrize(
    ("how", "text"),
    [("text", "a text: \U0001f600"), ("assertion", "there are no symbols"), ("null", "Unexpected 'null'")],
)
def test_an_abort_reaches_the_host_with_text_and_place(pool: host.Pool, failing: Path, how: str, text: str) -> None:
    with pytest.raises(host.SandboxError) as caught:
        kit.evaluate_how(pool, failing, how)
    assert caught.value.kind == "trap"
    place = re.fullmatch(r"abort: (.*) at examples/failing\.ts:(\d+):\d+", str(caught.value))
    assert place is not None, str(caught.value)
    assert place[1].startswith(text)
    lines = (SDK / "examples" / "failing.ts").read_text("utf-8").splitlines()
    assert f'how == "{how}"' in lines[int(place[2]) - 2]
    assert caught.value.log == f"how: {how}\n"


@pytest.mark.parametrize(
    ("how", "text"),
    [
        ("index", r"Index out of range at ~lib/array\.ts:\d+:\d+"),
        ("twice", r"register was called twice at \S+:\d+:\d+"),
    ],
)
def test_what_ends_elsewhere_says_so(pool: host.Pool, failing: Path, how: str, text: str) -> None:
    with pytest.raises(host.SandboxError, match=f"^abort: {text}$") as caught:
        kit.evaluate_how(pool, failing, how)
    assert caught.value.kind == "trap"


def test_running_out_of_memory_is_told_as_that(pool: host.Pool, failing: Path) -> None:
    with pytest.raises(host.SandboxError) as caught:
        kit.evaluate_how(pool, failing, "memory")
    assert caught.value.kind == "memory"


@pytest.mark.parametrize(
    ("how", "output"),
    [
        ("error", {"error": 'it says "why"\n'}),
        ("errors", {"error": "config.how must be an integer"}),
        ("nan", {"error": "the recommendations cannot be written: a number is not finite"}),
        ("", [{"title": "nothing happened", "confidence": 1.0}]),
    ],
)
def test_what_is_no_abort_is_a_result(pool: host.Pool, failing: Path, how: str, output: Any) -> None:
    assert kit.evaluate_how(pool, failing, how) == output


# --------------------------------------------------------------------------------------------------- the pages


def test_the_readme_is_that_of_a_new_project() -> None:
    """Whose commands are followed, up to a finding, in `tests/e2e/test_plugin_authoring.py`."""
    assert_same_commands(README, "assemblyscript")


def test_the_page_of_the_manual_says_the_same() -> None:
    """Its commands are the README's, which are run, so they need not run twice."""
    assert kit.commands(PAGE) == kit.commands(README)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_example_of_a_page_is_a_plugin(products: Products, page: Path, pool: host.Pool) -> None:
    binary = host.Binary.of(products.get(page.stem).read_bytes())
    output, _ = pool.evaluate(binary, b"{}", memory=64 << 20, timeout=60.0)
    assert output == b"[]"
