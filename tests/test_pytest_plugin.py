"""The pytest plugin: options, items, verdicts, fixtures. `tests/e2e/test_pytest.py` starts real processes."""

from __future__ import annotations

import json
import sqlite3  # noqa: F401  pytester forgets what a run imports; imported once more, it has exceptions of its own
import subprocess
import warnings
import xml.etree.ElementTree as ET

import pytest
import tree_sitter  # noqa: F401  an inner session forgets what it imports, which extension modules do not survive
import tree_sitter_python  # noqa: F401

import semfora_hooks.engine
import semfora_hooks.policy.baseline  # noqa: F401  msgspec looks for its module while it reads one
from semfora_hooks.reporters import REPORTERS

pytest_plugins = ["pytester"]

DEAD = "def _unused():\n    return 1\n"
RULES = [
    "combine-functions",
    "complexity",
    "dead-code",
    "module-organization",
    "naming",
    "type-narrowing",
    "unused-suppression",
]
ITEMS = [f"semfora::{name}" for name in (*RULES, "errors")]


@pytest.fixture
def repository(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A folder with a finding (a warning), a passing test, and pytest's configuration; without others' plugins."""
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p no:hypothesispytest -p no:xdist -p no:warnings")
    pytester.makeini("[pytest]\n")
    pytester.makepyfile(app=DEAD, test_app="def test_passes():\n    pass\n")
    return pytester


def items(result: pytest.RunResult) -> list[str]:
    """The ids that `--collect-only -q` printed."""
    return [line for line in result.outlines if "::" in line]


def section(result: pytest.RunResult) -> list[str]:
    """The lines of our terminal section."""
    lines = iter(result.outlines)
    found: list[str] = []
    for line in lines:
        if line.strip("=") == " semfora ":
            for inner in lines:
                if inner.startswith("="):
                    return found
                found.append(inner)
    return found


# -------------------------------------------------------------------------------------------------------- switched off


def test_off_by_default(repository: pytest.Pytester) -> None:
    result = repository.runpytest()
    result.assert_outcomes(passed=1)
    assert section(result) == []
    assert "semfora" not in "\n".join(line for line in result.outlines if not line.startswith("plugins:"))


def test_the_last_switch_counts(repository: pytest.Pytester) -> None:
    assert items(repository.runpytest("--semfora", "--no-semfora", "--co", "-q")) == ["test_app.py::test_passes"]
    assert len(items(repository.runpytest("--no-semfora", "--semfora", "--co", "-q"))) == 1 + len(ITEMS)


def test_without_the_plugin_its_options_are_unknown(repository: pytest.Pytester) -> None:
    repository.runpytest("-p", "no:semfora").assert_outcomes(passed=1)
    result = repository.runpytest("-p", "no:semfora", "--semfora")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*unrecognized arguments: --semfora"])


def test_help_has_a_group_of_its_own_and_the_twins(repository: pytest.Pytester) -> None:
    text = repository.runpytest("--help").stdout.str()
    assert "architecture recommendations (semfora-hooks):" in text
    for name in ("fail-on", "min-confidence", "since", "baseline", "report", "items"):
        assert f"--semfora-{name}=" in text
        assert f"semfora_{name.replace('-', '_')} (string):" in text
    assert "--no-semfora" in text and "semfora (string):" in text


def test_the_marker_is_registered(repository: pytest.Pytester) -> None:
    repository.runpytest("--markers").stdout.fnmatch_lines(["@pytest.mark.semfora: *"])
    repository.runpytest("--strict-markers", "--strict-config", "-m", "semfora").assert_outcomes(deselected=1)


# ---------------------------------------------------------------------------------------------------------- collection


def test_one_item_a_rule_and_one_for_errors(repository: pytest.Pytester) -> None:
    result = repository.runpytest("--semfora", "--collect-only", "-q")
    assert items(result) == ["test_app.py::test_passes", *ITEMS]
    assert section(result) == []  # nothing was analysed


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["-k", "dead-code"], ["semfora::dead-code"]),
        (["-k", "dead-code or naming"], ["semfora::dead-code", "semfora::naming"]),
        (["-m", "semfora"], ITEMS),
        (["-m", "not semfora"], ["test_app.py::test_passes"]),
        (["-m", "semfora", "--deselect", "semfora::errors"], ITEMS[:-1]),
        (["semfora::naming", "semfora::errors"], ["semfora::naming", "semfora::errors"]),
        (["semfora::naming", "test_app.py"], ["test_app.py::test_passes", "semfora::naming"]),
        (["test_app.py::test_passes"], ["test_app.py::test_passes", *ITEMS]),
        (["--semfora-items=none"], ["test_app.py::test_passes"]),
        (
            ["--semfora-items=file", "-m", "semfora"],
            ["semfora::app.py", "semfora::test_app.py", "semfora::repository", "semfora::errors"],
        ),
    ],
)
def test_pytest_selects_our_items_like_all_others(
    repository: pytest.Pytester, arguments: list[str], expected: list[str]
) -> None:
    assert items(repository.runpytest("--semfora", "--collect-only", "-q", *arguments)) == expected


def test_an_item_there_is_not(repository: pytest.Pytester) -> None:
    result = repository.runpytest("--semfora", "semfora::dead-cod")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: not found: semfora::dead-cod"])


def test_counts_include_our_items(repository: pytest.Pytester) -> None:
    repository.runpytest("--semfora", "-k", "naming").stdout.fnmatch_lines(
        ["collected 9 items / 8 deselected / 1 selected", "*1 passed, 8 deselected*"]
    )


def test_the_scope_is_the_repository_not_testpaths(repository: pytest.Pytester) -> None:
    repository.makeini("[pytest]\ntestpaths = tests\n")
    repository.mkdir("tests").joinpath("test_inner.py").write_text("def test_inner(): pass\n")
    result = repository.runpytest("--semfora", "--semfora-fail-on=warning")
    result.assert_outcomes(passed=8, failed=1)
    result.stdout.fnmatch_lines(["app.py:1:1: warning dead-code*"])


def test_only_enabled_rules_have_items(repository: pytest.Pytester) -> None:
    repository.makepyprojecttoml('[tool.semfora]\nselect = ["dead-code", "naming"]\nignore = ["naming"]\n')
    assert items(repository.runpytest("--semfora", "--co", "-q", "-m", "semfora")) == [
        "semfora::dead-code",
        "semfora::errors",
    ]


# ------------------------------------------------------------------------------------------------------------ verdicts


def test_a_violation_fails_its_item_readably(repository: pytest.Pytester) -> None:
    result = repository.runpytest("--semfora", "--semfora-fail-on=warning")
    result.assert_outcomes(passed=8, failed=1)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        [
            "*_ semfora: dead-code _*",
            "app.py:1:1: warning dead-code (confidence 0.95)",
            "  function `_unused` is never used",
            "*1 | def _unused():",
            "  fix: Delete it*",
            "*FAILED semfora::dead-code*",
        ]
    )
    text = result.stdout.str()
    assert "Traceback" not in text and "pytest_plugin.py" not in text and "FailedItemError" not in text


def test_a_place_is_told_from_where_pytest_was_started_though_a_test_moved_away(repository: pytest.Pytester) -> None:
    repository.makepyfile(
        test_app="""
        import os

        def test_moves(tmp_path):
            gone = tmp_path / "gone"
            gone.mkdir()
            os.chdir(gone)
            gone.rmdir()
        """
    )
    options = ("--semfora-fail-on=warning", "--semfora-report=json:report.json")
    result = repository.runpytest_subprocess("--semfora", *options)
    result.assert_outcomes(passed=len(ITEMS), failed=1)
    result.stdout.fnmatch_lines(["app.py:1:1: warning dead-code *", "FAILED semfora::dead-code - app.py:1:1: *"])
    assert "Error" not in result.stdout.str() + result.stderr.str()
    assert json.loads((repository.path / "report.json").read_text())["summary"]["recommendations"] == 1


def test_fixing_it_lets_the_item_pass(repository: pytest.Pytester) -> None:
    repository.makepyfile(app=DEAD + "\n\n_unused()\n")
    repository.runpytest("--semfora", "--semfora-fail-on=info", "-k", "dead-code").assert_outcomes(
        passed=1, deselected=8
    )


def test_below_the_threshold_nothing_fails_and_all_is_listed(repository: pytest.Pytester) -> None:
    repository.makepyfile(broken="def f(:\n")
    result = repository.runpytest("--semfora")
    result.assert_outcomes(passed=9)
    assert result.ret == pytest.ExitCode.OK
    finding, incomplete, total = section(result)
    assert finding == "app.py:1:1: warning dead-code function `_unused` is never used"
    assert incomplete.startswith("incomplete: broken.py: ")
    assert total.startswith("1 warning in 3 files")


def test_never_means_never(repository: pytest.Pytester) -> None:
    result = repository.runpytest("--semfora", "--semfora-fail-on=never")
    result.assert_outcomes(passed=9)
    assert "dead-code" in section(result)[0]


def test_suppressed_and_unsure_findings_do_not_fail(repository: pytest.Pytester) -> None:
    run = ["--semfora", "--semfora-fail-on=warning", "-k", "dead-code"]
    repository.runpytest(*run, "--semfora-min-confidence=0.99").assert_outcomes(passed=1, deselected=8)
    repository.makepyfile(app="# semfora: ignore[dead-code] -- kept\n" + DEAD)
    result = repository.runpytest(*run)
    result.assert_outcomes(passed=1, deselected=8)
    assert section(result)[-1].startswith("no findings, 1 suppressed in 2 files")


def test_items_by_file(repository: pytest.Pytester) -> None:
    result = repository.runpytest("--semfora", "--semfora-items=file", "--semfora-fail-on=warning")
    result.assert_outcomes(passed=4, failed=1)
    result.stdout.fnmatch_lines(["*FAILED semfora::app.py*"])


def test_no_items_still_lists(repository: pytest.Pytester) -> None:
    result = repository.runpytest("--semfora", "--semfora-items=none", "--semfora-fail-on=info")
    result.assert_outcomes(passed=1)
    assert section(result)[0].startswith("app.py:1:1: warning dead-code")


def test_lf_runs_what_failed_and_only_that(repository: pytest.Pytester) -> None:
    run = ["--semfora", "--semfora-fail-on=warning"]
    repository.runpytest(*run).assert_outcomes(passed=8, failed=1)
    result = repository.runpytest(*run, "--lf", "-v")
    result.assert_outcomes(failed=1, deselected=8)
    result.stdout.fnmatch_lines(["semfora::dead-code FAILED*"])
    repository.makepyfile(app="")
    repository.runpytest(*run, "--lf").assert_outcomes(passed=1, deselected=8)
    repository.runpytest(*run, "--lf").assert_outcomes(passed=9)


def test_junit(repository: pytest.Pytester) -> None:
    repository.runpytest("--semfora", "--semfora-fail-on=warning", "--junitxml=out.xml")
    suite = ET.parse(repository.path / "out.xml").getroot()
    cases = {(case.get("classname"), case.get("name")): case for case in suite.iter("testcase")}
    assert {name for group, name in cases if group == "semfora"} == {*RULES, "errors"}
    failure = cases["semfora", "dead-code"].find("failure")
    assert failure is not None and "function `_unused` is never used" in (failure.text or "")
    assert [case for case in cases.values() if case.find("failure") is not None] == [cases["semfora", "dead-code"]]


# -------------------------------------------------------------------------------------------- errors of the run itself


def test_errors_of_the_run_fail_their_own_item(repository: pytest.Pytester) -> None:
    """A rule file that cannot be read hides no other rule's results, and does not pass for success."""
    rules = repository.mkdir(".semfora") / "rules"
    rules.mkdir()
    (rules / "bad.yaml").write_text("name: bad\nmatch: {nme: x}\n")
    result = repository.runpytest("--semfora", "--semfora-fail-on=warning")
    result.assert_outcomes(passed=7, failed=2)
    result.stdout.fnmatch_lines(
        ["*_ semfora: dead-code _*", "*_ semfora: errors _*", "error: .semfora/rules/bad.yaml:2*"]
    )
    assert any(line.startswith("error: .semfora/rules/bad.yaml:2") for line in section(result))


def test_when_nothing_can_be_analysed_every_item_says_so(repository: pytest.Pytester) -> None:
    result = repository.runpytest("--semfora", "--semfora-baseline=missing.json", "-m", "semfora")
    result.assert_outcomes(failed=8, deselected=1)
    assert "Traceback" not in result.stdout.str()
    assert any("missing.json" in line for line in section(result))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--semfora-fail-on=fatal"], "semfora-fail-on: 'fatal' is none of never, info, warning, error"),
        (["--semfora-items=rules"], "semfora-items: 'rules' is none of rule, file, none"),
        (["--semfora-min-confidence=high"], "semfora-min-confidence: 'high' is not a number"),
        (["--semfora-min-confidence=2"], "*'min-confidence': 2.0 is not between 0.0 and 1.0"),
        (["--semfora-report=json"], "semfora-report: 'json' is not FMT:DEST, such as json:report.json"),
        (["--semfora-report=jsn:out"], "semfora-report: there is no output format 'jsn' (one of *json*"),
        (["--semfora-since=main"], "semfora-since: * is not a git repository"),
    ],
)
def test_wrong_settings_stop_before_anything_runs(
    repository: pytest.Pytester, arguments: list[str], message: str
) -> None:
    result = repository.runpytest("--semfora", *arguments)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {message}"])
    repository.runpytest(*arguments).assert_outcomes(passed=1)  # switched off, nothing looks at them


def test_a_wrong_configuration_stops_too(repository: pytest.Pytester) -> None:
    repository.makepyprojecttoml('[tool.semfora]\nfail_on = "error"\n')
    result = repository.runpytest("--semfora")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: pyproject.toml: unknown key 'fail_on' (did you mean 'fail-on'[?])"])


# ------------------------------------------------------------------------------------------------------- configuration


def test_twins_in_pytests_configuration(repository: pytest.Pytester) -> None:
    repository.makeini(
        "[pytest]\nsemfora = true\nsemfora_fail_on = warning\nsemfora_items = file\nsemfora_min_confidence = 0.5\n"
        "semfora_report =\n    json:out/a.json\n    concise:out/b.txt\n"
    )
    repository.runpytest("--strict-config").assert_outcomes(passed=4, failed=1)
    assert json.loads((repository.path / "out/a.json").read_text())["schema"] == "semfora.report"
    assert "dead-code" in (repository.path / "out/b.txt").read_text()


def test_command_line_beats_pytests_configuration_beats_ours(repository: pytest.Pytester) -> None:
    repository.makepyprojecttoml('[tool.semfora]\nfail-on = "warning"\n')
    repository.makeini("[pytest]\naddopts = --semfora\n")
    repository.runpytest().assert_outcomes(passed=8, failed=1)
    repository.makeini("[pytest]\naddopts = --semfora\nsemfora_fail_on = error\n")
    repository.runpytest().assert_outcomes(passed=9)
    repository.runpytest("--semfora-fail-on=info").assert_outcomes(passed=8, failed=1)
    repository.runpytest("--no-semfora").assert_outcomes(passed=1)


def test_pyproject_configures_pytest(repository: pytest.Pytester) -> None:
    (repository.path / "tox.ini").unlink()
    repository.makepyprojecttoml(
        '[tool.pytest.ini_options]\nsemfora = true\nsemfora_fail_on = "warning"\nsemfora_report = ["json:a.json"]\n'
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pytest 10 will refuse a list by itself
        repository.runpytest().assert_outcomes(passed=8, failed=1)
    assert (repository.path / "a.json").exists()


def test_the_baseline_is_found_from_where_it_was_named(repository: pytest.Pytester) -> None:
    """On the command line from the current folder, in the configuration file from pytest's root."""
    run = ["--semfora", "--semfora-fail-on=warning", "--semfora-report=json:out.json"]
    repository.runpytest(*run)
    (found,) = json.loads((repository.path / "out.json").read_text())["recommendations"]
    folder = repository.mkdir("sub")
    findings = {found["fingerprint"]: {"rule_id": "dead-code"}}
    baseline = {"schema": "semfora.baseline", "version": 1, "findings": findings}
    (folder / "accepted.json").write_text(json.dumps(baseline))
    repository.runpytest(*run, "--semfora-baseline=sub/accepted.json").assert_outcomes(passed=9)
    repository.makeini("[pytest]\nsemfora_baseline = sub/accepted.json\n")
    repository.runpytest(*run).assert_outcomes(passed=9)


def test_since_judges_only_the_change(repository: pytest.Pytester) -> None:
    def git(*arguments: str) -> None:
        subprocess.run(["git", *arguments], cwd=repository.path, check=True, capture_output=True)

    git("init", "-q", "-b", "main")
    (repository.path / ".gitignore").write_text("*.json\n.pytest_cache\n__pycache__\n")
    git("add", ".")
    git("commit", "-q", "-m", "inherited")
    run = ["--semfora", "--semfora-fail-on=warning", "--semfora-since=main"]
    git("checkout", "-q", "-b", "change")
    (repository.path / "other.py").write_text("def used():\n    return 1\n\n\nused()\n")
    git("add", ".")
    git("commit", "-q", "-m", "clean")
    repository.runpytest(*run).assert_outcomes(passed=9)
    (repository.path / "other.py").write_text("def _more():\n    return 1\n")
    git("commit", "-q", "-a", "-m", "dirty")
    result = repository.runpytest(*run)
    result.assert_outcomes(passed=8, failed=1)
    assert [line.split(":")[0] for line in section(result)[:-1]] == ["other.py"]
    (repository.path / "semfora.toml").write_text("new-only = false\n")
    result = repository.runpytest(*run)
    result.assert_outcomes(passed=8, failed=1)
    assert {line.split(":")[0] for line in section(result)[:-1]} == {"other.py", "app.py"}
    (repository.path / "semfora.toml").unlink()
    result = repository.runpytest(*run, "--semfora-items=file", "-m", "semfora")
    result.stdout.fnmatch_lines(["*FAILED semfora::other.py*"])
    result.assert_outcomes(passed=4, failed=1, deselected=1)
    result = repository.runpytest("--semfora", "--semfora-since=nowhere")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: the revision 'nowhere' is not in this repository*"])


# ------------------------------------------------------------------------------------------------------------- reports


def test_reports(repository: pytest.Pytester) -> None:
    result = repository.runpytest(
        "--semfora", "--semfora-report=json:new/out.json", f"--semfora-report=full:{repository.path}/out.txt"
    )
    result.assert_outcomes(passed=9)
    report = json.loads((repository.path / "new/out.json").read_text())
    assert [found["rule_id"] for found in report["recommendations"]] == ["dead-code"]
    assert "1 | def _unused():" in (repository.path / "out.txt").read_text()


def test_every_format_there_is(repository: pytest.Pytester) -> None:
    repository.runpytest("--semfora", *(f"--semfora-report={name}:out/{name}" for name in REPORTERS))
    assert {path.name for path in (repository.path / "out").iterdir()} == set(REPORTERS)
    assert all("_unused" in (repository.path / "out" / name).read_text() for name in REPORTERS)


def test_a_report_is_written_whatever_is_selected(repository: pytest.Pytester) -> None:
    repository.runpytest("--semfora", "-k", "test_passes", "--semfora-report=json:out.json").assert_outcomes(
        passed=1, deselected=8
    )
    assert (repository.path / "out.json").exists()
    repository.runpytest("--semfora", "--collect-only", "--semfora-report=json:dry.json")
    assert not (repository.path / "dry.json").exists()


def test_a_report_that_cannot_be_written_is_no_success(repository: pytest.Pytester) -> None:
    result = repository.runpytest("--semfora", "--semfora-report=json:app.py/out.json")
    result.assert_outcomes(passed=9)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert any(line.startswith("error: ") and "cannot be written" in line for line in section(result))


# ------------------------------------------------------------------------------------------------------------ fixtures


def test_fixtures_without_the_switch(repository: pytest.Pytester) -> None:
    repository.makepyfile(
        test_arch="""
        import pytest

        def test_findings(semfora):
            assert [found.rule_id for found in semfora.recommendations(min_severity="warning")] == ["dead-code"]
            assert semfora.recommendations(rule="naming") == []
            assert {"app", "test_app", "test_arch"} <= {symbol.qualified_name for symbol in semfora.symbols}
            assert semfora.graph.by_name["test_passes"] and semfora.report.summary.files == 3

        def test_holds(semfora_arch):
            semfora_arch.modules("app").should_not_call("test_app")

        def test_breaks(semfora_arch):
            semfora_arch.modules("test_arch").should_not_call("len")
            len([])

        def test_rule(semfora_rule_tester):
            from semfora_hooks.rules.dead_code import DeadCode, DeadCodeOptions
            semfora_rule_tester.check(DeadCode(DeadCodeOptions()))
            assert semfora_rule_tester.run(DeadCode(DeadCodeOptions()), {"a.py": "x = 1\\n"}) == []
        """
    )
    result = repository.runpytest()
    result.assert_outcomes(passed=4, failed=1)
    result.stdout.fnmatch_lines(
        ["E*AssertionError: test_arch should not call len, and does in 1 place:", "*test_arch.py:14: *"]
    )
    assert section(result) == []
    assert "semfora_hooks/testing" not in result.stdout.str()


def test_fixtures_share_the_items_analysis(repository: pytest.Pytester) -> None:
    repository.makepyfile(
        test_arch="""
        def test_first(semfora):
            global seen
            seen = semfora.report

        def test_second(semfora, pytestconfig):
            assert semfora.report is seen
        """
    )
    repository.runpytest("--semfora").assert_outcomes(passed=11)


def test_a_fixture_that_cannot_analyse_says_why(repository: pytest.Pytester) -> None:
    repository.makepyfile("def test_uses(semfora):\n    pass\n")
    result = repository.runpytest("--semfora-baseline=missing.json")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["semfora-hooks: *missing.json*"])
    assert "Traceback" not in result.stdout.str()
