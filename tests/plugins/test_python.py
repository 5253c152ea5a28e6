"""The Python SDK and its template: native tests, types, schemas, one component that is built and run."""

from __future__ import annotations

import dataclasses
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from semfora_hooks.providers.wasm import host

from . import kit
from .authored import NAME, assert_same_commands, authored
from .toolchains import Toolchains

pytestmark = pytest.mark.e2e

PYTHON = kit.PLUGINS / "python"
SDK = PYTHON / "semfora-plugin-sdk"
TEMPLATE = PYTHON / "semfora-plugin-template"
PAGE = kit.ROOT / "docs" / "plugins" / "python.md"
README = TEMPLATE / "README.md"


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template as a project of its own, built as its README says: building takes long, so it happens once."""
    return authored(tmp_path_factory, "python").plugin


def test_the_readme_is_that_of_a_new_project() -> None:
    """Whose commands are followed, up to a finding, in `tests/e2e/test_plugin_authoring.py`."""
    assert_same_commands(README, "python")


def test_the_page_of_the_manual_says_the_same() -> None:
    """Its commands are the README's, which are run, so they need not run twice."""
    assert kit.commands(PAGE) == kit.commands(README)


def test_the_sample_conforms(plugin: Path, pool: host.Pool) -> None:
    kit.assert_conforms(plugin, pool, NAME)
    kit.assert_fixtures_hold(plugin, plugin.parent / "fixtures", pool)


def test_the_component_is_alone(plugin: Path) -> None:
    """It imports nothing, and is no larger than an interpreter has to be."""
    assert plugin.stat().st_size < 25_000_000
    imports, exports = kit.imports_and_exports(plugin)
    assert imports == set()
    assert "evaluate" in exports


def test_an_exception_reaches_the_host_with_text_and_place(plugin: Path, pool: host.Pool) -> None:
    context = json.dumps({"symbols": [{"id": "a", "module": 3}]}).encode()
    output, _ = pool.evaluate(host.Binary.of(plugin.read_bytes()), context, memory=256 << 20, timeout=60.0)
    error = json.loads(output)["error"]
    place = re.fullmatch(r"AttributeError: 'int' object has no attribute 'split' at (?:\S+/)?my_rule\.py:(\d+)", error)
    assert place is not None, error
    assert "symbol.module.split" in (TEMPLATE / "layer_guard.py").read_text("utf-8").splitlines()[int(place[1]) - 1]


def test_native_tests_pass(toolchains: Toolchains) -> None:
    for folder, least in ((SDK, 8), (TEMPLATE, 3)):
        done = subprocess.run(
            [sys.executable, "-B", "-m", "unittest"],
            cwd=folder,
            env=toolchains.environment() | {"PYTHONPATH": str(SDK)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        ran = re.search(r"^Ran (\d+) tests in .*\n\nOK\n", done.stderr, re.M)
        assert ran is not None, done.stderr
        assert int(ran[1]) >= least


EXAMPLES = (TEMPLATE / "layer_guard.py", SDK / "README.md", PAGE)


def example(page: Path) -> str:
    """A module, or the one block of Python of a page."""
    source = page.read_text("utf-8")
    if page.suffix == ".md":
        (source,) = re.findall(r"^```python\n(.*?)^```$", source, re.M | re.S)
    return source


def test_types_are_right(tmp_path: Path, toolchains: Toolchains) -> None:
    """What a plugin's author gets from a type checker, on the SDK, the template and the pages' examples."""
    names = [f"example_{number}.py" for number, _ in enumerate(EXAMPLES)]
    for name, page in zip(names, EXAMPLES, strict=True):
        (tmp_path / name).write_text(example(page), "utf-8")
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--no-incremental"]
    environment = toolchains.environment() | {"MYPYPATH": str(SDK)}
    output = kit.run([*command, *names, str(SDK / "semfora_plugin")], tmp_path, environment)
    modules = len(names) + len(list((SDK / "semfora_plugin").glob("*.py")))
    assert output == f"Success: no issues found in {modules} source files\n"


@pytest.mark.parametrize("page", EXAMPLES, ids=lambda path: path.name)
def test_an_example_is_right(page: Path, tmp_path: Path, toolchains: Toolchains) -> None:
    """It runs on every fixture; the examples find nothing there."""
    (tmp_path / "example.py").write_text(example(page), "utf-8")
    environment = toolchains.environment() | {"PYTHONPATH": str(SDK)}
    contexts = sorted(str(path) for path in (TEMPLATE / "fixtures").glob("*.context.json"))
    program = "import sys, example\nfor name in sys.argv[1:]: print(example.WitWorld().evaluate(open(name).read()))"
    output = kit.run([sys.executable, "-B", "-c", program, *contexts], tmp_path, environment)
    results = [json.loads(line) for line in output.splitlines()]
    assert len(results) == len(contexts) >= 3
    if page.suffix == ".md":
        assert results == [[]] * len(contexts)
    else:
        assert [len(result) for result in results] == [0, 2, 1]


def plain(value: Any) -> Any:
    """A record as JSON has it, defaults included."""
    if isinstance(value, dict):
        return {str(name).removesuffix("_"): plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def test_the_contexts_types_have_the_fields_and_defaults_of_the_schema(monkeypatch: pytest.MonkeyPatch) -> None:
    """Equal both ways: a field too many would have its default, one too few would be lost."""
    monkeypatch.syspath_prepend(str(SDK))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    from semfora_plugin import plugin

    for document in kit.full_documents("context"):
        read = plugin.parse_context(json.dumps(document))
        assert plain(dataclasses.asdict(read)) == document
    kit.assert_defaults(lambda document: plain(dataclasses.asdict(plugin.parse_context(json.dumps(document)))))


def test_recommendations_have_the_fields_of_the_schema(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(SDK))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    import semfora_plugin

    for (item,) in kit.full_documents("recommendations"):
        found = semfora_plugin.Recommendation(
            **{
                **item,
                "symbols": [semfora_plugin.SymbolRef(**symbol) for symbol in item["symbols"]],
                "evidence": [semfora_plugin.Evidence(**evidence) for evidence in item["evidence"]],
            }
        )
        output = semfora_plugin.evaluate_json("{}", lambda _, found=found: [found])
        assert json.loads(output) == [item]
    types = (semfora_plugin.Recommendation, semfora_plugin.SymbolRef, semfora_plugin.Evidence)
    fields = {item.__name__: {field.name for field in dataclasses.fields(item)} for item in types}
    assert fields == kit.fields("recommendations")
