"""The examples of rules in YAML as pytest items."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
import tree_sitter  # noqa: F401  an inner session forgets what it imports, which extension modules do not survive
import tree_sitter_python  # noqa: F401
from test_pytest_plugin import items, section

import semfora_hooks.engine
import semfora_hooks.testing.examples  # noqa: F401

pytest_plugins = ["pytester"]

RULES = """\
name: handlers-catch
match: {name: "handle_*"}
condition: {missing_control_flow: [try]}
examples:
  - fires: |
      def handle_order(order):
          return order
  - silent: |
      def handle_order(order):
          return order
---
name: second
match: {name: other}
examples:
  - silent: "def load(): pass"
"""
FILE = ".semfora/rules/a.yaml"
FIRST = [f"{FILE}::handlers-catch::example 1 (fires)", f"{FILE}::handlers-catch::example 2 (silent)"]
EXAMPLES = [*FIRST, f"{FILE}::second::example 1 (silent)", ".semfora/rules/sub/b.yml::third::example 1 (fires)"]


@pytest.fixture
def repository(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A repository with four examples in two files, of which one fails, and a passing test."""
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p no:hypothesispytest -p no:xdist -p no:warnings")
    pytester.makeini("[pytest]\n")
    pytester.makepyfile(test_app="def test_passes():\n    pass\n")
    write(pytester, "a.yaml", RULES)
    write(pytester, "sub/b.yml", "name: third\nmatch: {name: load}\nexamples: [{fires: 'def load(): pass'}]\n")
    return pytester


def write(repository: pytest.Pytester, name: str, text: str) -> None:
    path = repository.path / ".semfora/rules" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def examples(result: pytest.RunResult) -> list[str]:
    return [item for item in items(result) if item.startswith(".semfora")]


def test_off_by_default(repository: pytest.Pytester) -> None:
    assert items(repository.runpytest("--co", "-q")) == ["test_app.py::test_passes"]


def test_each_example_is_an_item(repository: pytest.Pytester) -> None:
    result = repository.runpytest("--semfora", "--co", "-q")
    assert examples(result) == EXAMPLES
    assert items(result)[0] == "test_app.py::test_passes" and "semfora::handlers-catch" in items(result)
    assert section(result) == []  # nothing was analysed


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["-k", "example"], EXAMPLES),
        (["-k", "handlers-catch and example and silent"], [FIRST[1]]),
        (["-k", "sub"], [EXAMPLES[3]]),
        (["-m", "semfora"], EXAMPLES),
        (["-m", "not semfora"], []),
        (["--deselect", f"{FILE}::handlers-catch"], EXAMPLES[2:]),
        (["--deselect", FIRST[1]], [FIRST[0], *EXAMPLES[2:]]),
        ([FIRST[1]], [FIRST[1]]),
        ([f"{FILE}::handlers-catch"], FIRST),
        ([FILE], EXAMPLES[:3]),
        ([".semfora/rules"], EXAMPLES),
        ([".semfora/rules/sub", f"{FILE}::second"], EXAMPLES[2:]),
        ([f"./{FILE}::second"], [EXAMPLES[2]]),
        (["test_app.py"], EXAMPLES),
        (["semfora::naming"], []),
        (["semfora::naming", FIRST[0]], [FIRST[0]]),
        (["--semfora-items=none"], []),
        (["--semfora-items=file"], EXAMPLES),
    ],
)
def test_pytest_selects_them_like_all_others(
    repository: pytest.Pytester, arguments: list[str], expected: list[str]
) -> None:
    assert examples(repository.runpytest("--semfora", "--co", "-q", *arguments)) == expected


def test_naming_examples_leaves_the_rules_out(repository: pytest.Pytester) -> None:
    assert items(repository.runpytest("--semfora", "--co", "-q", FILE)) == EXAMPLES[:3]
    assert items(repository.runpytest("--semfora", "--co", "-q", FILE, "test_app.py")) == [
        "test_app.py::test_passes",
        *EXAMPLES[:3],
    ]


@pytest.mark.parametrize(
    "argument", [f"{FILE}::handlers-cach", f"{FIRST[0]}x", f"{FILE}::second::example 2 (fires)", ".semfora/rules/empty"]
)
def test_an_example_there_is_not(repository: pytest.Pytester, argument: str) -> None:
    (repository.path / ".semfora/rules/empty").mkdir()
    result = repository.runpytest("--semfora", argument)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert f"ERROR: not found: {argument} (no example of a rule that is on)" in result.stderr.str()


def test_only_enabled_rules_have_examples(repository: pytest.Pytester) -> None:
    repository.makepyprojecttoml('[tool.semfora]\nignore = ["handlers-catch"]\n')
    assert examples(repository.runpytest("--semfora", "--co", "-q")) == EXAMPLES[2:]


def test_a_wrong_example_fails_its_item_readably(repository: pytest.Pytester) -> None:
    result = repository.runpytest("--semfora", "-k", "example", "-v")
    result.assert_outcomes(passed=3, failed=1, deselected=12)
    result.stdout.fnmatch_lines([f"{FIRST[0].replace('[', '[[]')} PASSED*", f"{FIRST[1]} FAILED*"])
    text = result.stdout.str()
    start = text.index(f"{FILE}:8:5: handlers-catch, example 2: must be silent, and fires")
    assert text[start:].splitlines()[1:7] == [
        "  fires on example.py:1: handle_order, since",
        "    name: handle_* (handle_order)",
        "    missing_control_flow: try (return)",
        "  to make it pass, change the rule by one of these:",
        "    add 'not: {name: handle_order}'",
        "  or let line 8 say what the rule does:",
    ]
    assert "_ handlers-catch, example 2 (silent) _" in text
    assert "Traceback" not in text and "pytest_plugin" not in text and "FailedItemError" not in text
    assert section(result) == []  # the repository itself was not analysed


def test_lf_runs_what_failed_until_it_passes(repository: pytest.Pytester) -> None:
    repository.runpytest("--semfora", "-m", "semfora").assert_outcomes(passed=14, failed=1, deselected=1)
    result = repository.runpytest("--semfora", "--lf", "-v")
    result.assert_outcomes(failed=1, deselected=15)
    assert f"{FIRST[1]} FAILED" in result.stdout.str()
    write(
        repository, "a.yaml", RULES.replace("  - silent: |\n      def handle_order", "  - silent: |\n      def order")
    )
    repository.runpytest("--semfora", "--lf").assert_outcomes(passed=1, deselected=15)
    repository.runpytest("--semfora", "--lf").assert_outcomes(passed=16)


def test_a_broken_file_hides_no_other_examples(repository: pytest.Pytester) -> None:
    write(repository, "bad.yaml", "name: bad\nmatch: {nme: x}\nexamples: [{fires: x}]\n")
    result = repository.runpytest("--semfora", "-m", "semfora")
    result.assert_outcomes(passed=13, failed=2, deselected=1)
    assert "FAILED semfora::errors" in result.stdout.str()


def test_an_example_that_proves_nothing_fails(repository: pytest.Pytester) -> None:
    write(repository, "bad.yaml", "name: bad\nmatch: {name: x}\nexamples: [{silent: 'def f(:'}]\n")
    result = repository.runpytest("--semfora", ".semfora/rules/bad.yaml")
    result.assert_outcomes(failed=1)
    assert "must be silent, and could not be checked\n  incomplete: example.py: " in result.stdout.str()


def test_junit(repository: pytest.Pytester) -> None:
    repository.runpytest("--semfora", FILE, "--junitxml=out.xml")
    cases = {case.get("name"): case for case in ET.parse(repository.path / "out.xml").getroot().iter("testcase")}
    assert list(cases) == ["example 1 (fires)", "example 2 (silent)", "example 1 (silent)"]
    assert cases["example 2 (silent)"].find("failure") is not None
    assert cases["example 1 (fires)"].get("classname") == ".semfora.rules.a.yaml.handlers-catch"


def test_when_pytests_root_is_below_the_repositorys(repository: pytest.Pytester) -> None:
    repository.run("git", "init", "-q")
    folder = repository.mkdir("inner")
    (repository.path / "tox.ini").rename(folder / "tox.ini")
    (folder / "test_inner.py").write_text("def test_inner(): pass\n")
    result = repository.runpytest("--semfora", "-c", "inner/tox.ini", "inner", "-k", "example")
    result.assert_outcomes(passed=3, failed=1, deselected=12)
    shown = f"inner/../{FIRST[1]}"
    assert f"FAILED {shown}" in result.stdout.str()
    repository.runpytest("--semfora", "-c", "inner/tox.ini", shown).assert_outcomes(failed=1)
    repository.runpytest("--semfora", "-c", "inner/tox.ini", "inner", "--lf").assert_outcomes(failed=1, deselected=15)
