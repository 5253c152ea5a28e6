"""The fixtures of WASM plugins as pytest items."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET

import pytest
import tree_sitter  # noqa: F401  an inner session forgets what it imports, which extension modules do not survive
import tree_sitter_python  # noqa: F401
import wat
from test_pytest_plugin import items

import semfora_hooks.engine
import semfora_hooks.pytest_plugin.fixtures
import semfora_hooks.testing.fixtures  # noqa: F401

pytest_plugins = ["pytester"]

PLUGINS = ".semfora/plugins"
FINDING = {"title": "It is bad", "symbols": [{"id": "a::f"}]}
GUARD = [f"{PLUGINS}/guard::one", f"{PLUGINS}/guard::two words"]
MANIFEST = """\
plugins:
  - {name: other, group: o, description: d}
  - {name: guard, group: g, description: d, tests: cases}
"""


@pytest.fixture
def repository(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A repository with two plugins, one with two fixtures and one without, a rule in YAML and a passing test."""
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p no:hypothesispytest -p no:xdist -p no:warnings")
    pytester.makeini("[pytest]\n")
    pytester.makepyfile(test_app="def test_passes():\n    pass\n")
    write(pytester, "manifest.yaml", MANIFEST)
    rules = pytester.path / ".semfora/rules"
    rules.mkdir()
    (rules / "a.yaml").write_text("name: third\nmatch: {name: load}\nexamples: [{fires: 'def load(): pass'}]\n")
    for name in ("guard", "other"):
        add(pytester, name, wat.plugin([FINDING] if name == "guard" else []))
    for name in ("one", "two words"):
        fixture(pytester, f"cases/{name}", [FINDING])
    return pytester


def write(repository: pytest.Pytester, name: str, text: str) -> None:
    path = repository.path / PLUGINS / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def add(repository: pytest.Pytester, name: str, code: bytes) -> None:
    (repository.path / PLUGINS / f"{name}.wasm").write_bytes(code)


def fixture(repository: pytest.Pytester, name: str, expected: object) -> None:
    write(repository, f"{name}.context.json", json.dumps(wat.context()))
    write(repository, f"{name}.expected.json", json.dumps(expected))


def fixtures(result: pytest.RunResult) -> list[str]:
    return [item for item in items(result) if item.startswith(PLUGINS)]


def test_off_by_default(repository: pytest.Pytester) -> None:
    assert fixtures(repository.runpytest("--co", "-q")) == []
    assert fixtures(repository.runpytest("--semfora", "--semfora-items=none", "--co", "-q")) == []


def test_one_item_a_fixture(repository: pytest.Pytester) -> None:
    assert fixtures(repository.runpytest("--semfora", "--co", "-q")) == GUARD
    assert fixtures(repository.runpytest("--semfora", "--semfora-items=file", "--co", "-q")) == GUARD


def test_they_pass(repository: pytest.Pytester) -> None:
    result = repository.runpytest("--semfora", "-v", "-k", "guard and not semfora::")
    result.stdout.fnmatch_lines([f"{GUARD[0]} PASSED*", f"{GUARD[1]} PASSED*"])


def test_a_failure_says_what_differs_without_a_traceback(repository: pytest.Pytester) -> None:
    fixture(repository, "cases/one", [{**FINDING, "title": "It is good"}])
    result = repository.runpytest("--semfora", PLUGINS, "--junitxml=report.xml")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            "*guard, one*",
            "g/guard, fixture one: other findings than in one.expected.json (- expected, + what the plugin says)",
            '  -    "title": "It is good",',
            '  +    "title": "It is bad",',
        ]
    )
    assert "Traceback" not in result.stdout.str() and "fixtures.py" not in result.stdout.str()
    (failed,) = ET.parse(repository.path / "report.xml").getroot().iterfind(".//testcase[failure]")
    assert failed.get("name") == "one"


def test_a_plugin_that_fails(repository: pytest.Pytester) -> None:
    add(repository, "guard", wat.plugin([], before=wat.TRAP))
    result = repository.runpytest("--semfora", GUARD[0])
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["g/guard, fixture one: could not be checked: plugin 'g/guard'*unreachable*"])


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        ((PLUGINS,), GUARD),
        ((f"{PLUGINS}/guard",), GUARD),
        ((GUARD[1],), GUARD[1:]),
        ((GUARD[1], GUARD[0]), GUARD),
        (("semfora::errors",), []),
        ((".semfora/rules",), []),
        (("test_app.py",), GUARD),
    ],
)
def test_selecting(repository: pytest.Pytester, arguments: tuple[str, ...], names: list[str]) -> None:
    result = repository.runpytest("--semfora", "--co", "-q", *arguments)
    assert result.ret == 0
    assert fixtures(result) == names
    if arguments[0].startswith(PLUGINS):
        assert items(result) == names


def test_selecting_by_marker_and_by_last_failure(repository: pytest.Pytester) -> None:
    assert set(GUARD) <= set(items(repository.runpytest("--semfora", "-m", "semfora", "--co", "-q")))
    fixture(repository, "cases/one", [])
    repository.runpytest("--semfora", PLUGINS).assert_outcomes(passed=1, failed=1)
    assert items(repository.runpytest("--semfora", "--lf", "--co", "-q")) == [GUARD[0]]


def test_from_a_folder_below(repository: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repository.path / ".semfora")
    assert items(repository.runpytest("--semfora", "--co", "-q", "plugins/guard::one")) == [GUARD[0]]


@pytest.mark.parametrize("name", [f"{PLUGINS}/nobody", f"{PLUGINS}/guard::three", f"{PLUGINS}/other"])
def test_what_there_is_not(repository: pytest.Pytester, name: str) -> None:
    result = repository.runpytest("--semfora", name)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*not found: {name} (no fixture of a plugin that is on)"])


def test_fixtures_that_cannot_be_read_fail(repository: pytest.Pytester) -> None:
    write(repository, "manifest.yaml", MANIFEST.replace("cases", "nowhere"))
    result = repository.runpytest("--semfora", PLUGINS)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*plugin 'guard': 'tests': the folder 'nowhere' does not exist*"])


def test_a_plugin_that_is_off_has_no_items(repository: pytest.Pytester) -> None:
    (repository.path / "semfora.toml").write_text('ignore = ["g/guard"]\n')
    assert fixtures(repository.runpytest("--semfora", "--co", "-q")) == []


def test_a_plugin_that_may_not_run_does_not(repository: pytest.Pytester) -> None:
    """Refused plugins have no items; the run's own item says why."""
    write(repository, "manifest.lock", "")
    assert fixtures(repository.runpytest("--semfora", "--co", "-q")) == []
    result = repository.runpytest("--semfora", "semfora::errors")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*manifest.lock*"])
