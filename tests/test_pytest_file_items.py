"""`--semfora-items=file`, and how pytest prints our items' ids, whatever stands in the names of files."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
import tree_sitter  # noqa: F401  an inner session forgets what it imports, which extension modules do not survive
import tree_sitter_python  # noqa: F401
from test_pytest_plugin import DEAD, items, section

import semfora_hooks.engine  # noqa: F401

pytest_plugins = ["pytester"]

BY_FILE = ("--semfora", "--semfora-items=file", "--semfora-fail-on=warning", "-m", "semfora")


@pytest.fixture
def repository(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """Two files with a finding, one of them deeper and with dots in its name; without others' plugins."""
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p no:hypothesispytest -p no:xdist -p no:warnings")
    pytester.makeini("[pytest]\n")
    pytester.makepyfile(app=DEAD)
    write(pytester, "pkg/odd.name.py", DEAD)
    return pytester


def write(repository: pytest.Pytester, path: str, text: str) -> None:
    (repository.path / path).parent.mkdir(parents=True, exist_ok=True)
    (repository.path / path).write_text(text)


def verbose(result: pytest.RunResult) -> list[str]:
    """What `-v` says, without the percentages."""
    return [line.partition("  ")[0] for line in result.outlines if "%]" in line]


def test_verbose_lines_are_node_ids(repository: pytest.Pytester) -> None:
    """Pytest reads the dots at the end of some ids as those between modules, classes and functions."""
    lines = verbose(repository.runpytest(*BY_FILE, "-v"))
    assert lines == [
        "semfora::app.py FAILED",
        "semfora::pkg/odd.name.py FAILED",
        "semfora::repository PASSED",
        "semfora::errors PASSED",
    ]
    for line in lines:
        name, _, outcome = line.rpartition(" ")
        assert verbose(repository.runpytest(*BY_FILE, "-v", name)) == [f"{name} {outcome}"]


def test_more_verbose_lines_name_the_file(repository: pytest.Pytester) -> None:
    assert verbose(repository.runpytest(*BY_FILE, "-vv")) == [
        "semfora::app.py <- app.py FAILED",
        "semfora::pkg/odd.name.py <- pkg/odd.name.py FAILED",
        "semfora::repository PASSED",
        "semfora::errors PASSED",
    ]
    rules = verbose(repository.runpytest("--semfora", "-vv"))
    assert "semfora::dead-code PASSED" in rules


def test_a_rule_whose_name_has_dots(repository: pytest.Pytester) -> None:
    write(repository, ".semfora/rules/a.yaml", 'name: acme.no.shouting\nmatch: {name: "SHOUT*"}\n')
    lines = verbose(repository.runpytest("--semfora", "-v", "-k", "shouting"))
    assert lines == ["semfora::acme.no.shouting PASSED"]


def test_ids_from_a_folder_below(repository: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pytest prints ids from the current folder, and what it prints can be given back."""
    monkeypatch.chdir(repository.path / "pkg")
    run = ("--semfora", "--semfora-fail-on=warning", "-v")
    printed = verbose(repository.runpytest(*run, "-k", "dead-code"))
    assert printed == ["../semfora::dead-code FAILED"]
    assert verbose(repository.runpytest(*run, "../semfora::dead-code")) == printed
    assert verbose(repository.runpytest(*run, "semfora::dead-code")) == printed
    missing = repository.runpytest(*run, "../semfora::dead-cod")
    missing.stderr.fnmatch_lines(["ERROR: not found: semfora::dead-cod"])


def test_hostile_names_of_files(repository: pytest.Pytester) -> None:
    """They neither drive the terminal nor break lines, and each still has its own item."""
    for name in ("bad\x1b[31mred.py", "new\nline.py", "co::lon.py", "we ird[1].py"):
        write(repository, name, DEAD)
    result = repository.runpytest(*BY_FILE, "-v", "--junitxml=out.xml")
    result.assert_outcomes(failed=6, passed=2)
    assert verbose(result)[1:6] == [
        "semfora::'bad\\x1b[31mred.py' FAILED",
        "semfora::co::lon.py FAILED",
        "semfora::'new\\nline.py' FAILED",
        "semfora::pkg/odd.name.py FAILED",
        "semfora::we ird[1].py FAILED",
    ]
    assert "\x1b" not in result.stdout.str() + (repository.path / "out.xml").read_text()
    again = repository.runpytest(*BY_FILE, "semfora::'new\\nline.py'", "semfora::we ird[1].py")
    again.assert_outcomes(failed=2)


def test_junit_by_file(repository: pytest.Pytester) -> None:
    repository.runpytest(*BY_FILE, "--junitxml=out.xml", "-o", "junit_family=xunit1")
    cases = {case.get("name"): case for case in ET.parse(repository.path / "out.xml").getroot().iter("testcase")}
    assert {name: (case.get("classname"), case.get("file")) for name, case in cases.items()} == {
        "app.py": ("semfora", "app.py"),
        "pkg/odd.name.py": ("semfora", "pkg/odd.name.py"),
        "repository": ("semfora", "semfora"),
        "errors": ("semfora", "semfora"),
    }
    failure = cases["pkg/odd.name.py"].find("failure")
    assert failure is not None and "pkg/odd.name.py:1:1: warning dead-code" in (failure.text or "")


def test_the_last_failures_by_file(repository: pytest.Pytester) -> None:
    repository.runpytest(*BY_FILE).assert_outcomes(failed=2, passed=2)
    write(repository, "app.py", "x = 1\n")
    repository.runpytest(*BY_FILE, "--lf").assert_outcomes(failed=1, passed=1, deselected=2)
    last = repository.runpytest(*BY_FILE, "--lf", "-v")
    assert verbose(last) == ["semfora::pkg/odd.name.py FAILED"]
    assert any(line.startswith("pkg/odd.name.py:1:1: ") for line in section(last))


def test_by_file_with_k(repository: pytest.Pytester) -> None:
    found = repository.runpytest(*BY_FILE, "--collect-only", "-q", "-k", "odd and not app")
    assert items(found) == ["semfora::pkg/odd.name.py"]
