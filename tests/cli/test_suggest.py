"""`suggest`: what it prints, where, and what it ends with."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import Outcome, Project

Run = Callable[..., Outcome]

APP = """\
    import os


    def _unused(rows):
        return list(rows)


    def is_ready(value) -> list:
        return [value]


    print(is_ready(os.getcwd()))
    """

CONCISE = """\
app.py:4:1: warning dead-code function `_unused` is never used
app.py:8:1: info naming `is_ready` asks a question, but returns `list`
"""

FULL = """\
app.py:4:1: warning dead-code (confidence 0.95)
  function `_unused` is never used
        4 | def _unused(rows):
        5 |     return list(rows)
  Nothing calls, imports or names it, and its name is private.
    - 0 mentions of `_unused` outside its definition
    - its name is private
  fix: Delete it (2 lines), or name what calls it in `entry-points`.

app.py:8:1: info naming (confidence 0.80)
  `is_ready` asks a question, but returns `list`
        8 | def is_ready(value) -> list:
        9 |     return [value]
  A name that begins like a question is read as true or false at the call.
    - declared to return `list`
  fix: Return a boolean, or name it after what it returns.

"""

FORMATS = "concise, full, github, gitlab, html, json, jsonl, junit, markdown, sarif"
TOTALS = "1 warning, 1 info in 1 files (3 symbols, 0.0 s)"


@pytest.fixture
def app(project: Project) -> Project:
    return project.write({"app.py": APP})


# ------------------------------------------------------------------------------------------------------------- output


def test_concise_is_the_default_where_there_is_no_terminal(app: Project, run: Run) -> None:
    assert run("suggest") == (0, CONCISE, f"{TOTALS}\n")
    assert run("suggest", "--output-format", "concise") == (0, CONCISE, f"{TOTALS}\n")


def test_full(app: Project, run: Run) -> None:
    code, out, err = run("suggest", "--output-format", "full")
    body, _, last = out.rpartition("\n\n")
    assert (code, f"{body}\n\n", err) == (0, FULL, "")
    assert last.startswith("1 warning, 1 info in 1 files (3 symbols, ")


def test_full_is_the_default_on_a_terminal(
    app: Project, run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(type(sys.stdout), "isatty", lambda self: True)
    code, out, _ = run("suggest")
    assert code == 0
    assert out.startswith("\x1b[1mapp.py:4:1\x1b[0m: \x1b[33m\x1b[1mwarning\x1b[0m dead-code ")
    monkeypatch.setenv("NO_COLOR", "1")
    assert run("suggest").out.startswith(FULL)


def test_force_color_and_no_color(app: Project, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[" in run("suggest", "--output-format", "full").out
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" not in run("suggest", "--output-format", "full").out


def test_json(app: Project, run: Run) -> None:
    outcome = run("suggest", "--output-format", "json")
    report = outcome.json
    timings = report.pop("timings")
    assert (outcome.code, outcome.err) == (0, "")
    assert sorted(timings) == ["discover", "extract", "link", "rules", "total"]
    assert {"dead-code", "naming", "complexity"} <= set(timings["rules"])
    (dead, naming) = report.pop("recommendations")
    assert report == {
        "schema": "semfora.report",
        "version": 1,
        "tool": {"name": "semfora-hooks", "version": "0.1.0"},
        "scope": {"kind": "repo", "base_ref": None},
        "summary": {
            "files": 1,
            "symbols": 3,
            "recommendations": 2,
            "by_severity": {"error": 0, "warning": 1, "info": 1},
            "by_rule": {"dead-code": 1, "naming": 1},
            "suppressed": 0,
            "failed": False,
            "fail_on": "error",
        },
        "fixed": [],
        "errors": [],
        "incomplete": [],
        "notices": [],
    }
    assert dead == {
        "id": "dead-code:app.py::_unused",
        "rule_id": "dead-code",
        "group": "dead-code",
        "category": "dead_code",
        "severity": "warning",
        "confidence": 0.95,
        "title": "function `_unused` is never used",
        "description": "Nothing calls, imports or names it, and its name is private.",
        "symbols": [
            {
                "id": "app.py::_unused",
                "name": "_unused",
                "file": "app.py",
                "module": "app",
                "start_line": 4,
                "end_line": 5,
                "start_column": 1,
            }
        ],
        "suggestion": "Delete it (2 lines), or name what calls it in `entry-points`.",
        "evidence": [
            {
                "kind": "references",
                "text": "0 mentions of `_unused` outside its definition",
                "symbol": None,
                "file": None,
                "line": None,
            },
            {"kind": "visibility", "text": "its name is private", "symbol": None, "file": None, "line": None},
        ],
        "metrics": {},
        "discriminator": "",
        "fingerprint": "cfd87d39b7eb7141152c",
        "status": None,
        "suppressed": None,
    }
    assert naming["id"] == "naming:app.py::is_ready:promise"


def test_fingerprints_survive_moves_and_reformatting(app: Project, run: Run) -> None:
    def prints() -> list[str]:
        report = run("suggest", "--output-format", "json").json
        return [item["fingerprint"] for item in report["recommendations"]]

    before = prints()
    app.write({"app.py": f"{'# moved' + chr(10)}\n\n" + APP.replace("    ", "  ").replace("(rows)", "( rows )")})
    app.write(
        {"app.py": "\n\n\n\ndef _unused( rows ):\n  return list( rows )\n\ndef is_ready(v) -> list: return [v]\n"}
    )
    app.write({"main.py": "from app import is_ready\n\nprint(is_ready(1))\n"})
    assert prints() == before


def test_an_output_file(app: Project, run: Run) -> None:
    assert run("suggest", "-o", "found.txt") == (0, "", f"{TOTALS}\n")
    assert (app.path / "found.txt").read_text() == CONCISE
    assert run("suggest", "--output-format", "json", "--output", "found.json") == (0, "", f"{TOTALS}\n")
    assert json.loads((app.path / "found.json").read_text())["schema"] == "semfora.report"


def test_an_output_file_that_cannot_be_written(app: Project, run: Run) -> None:
    assert run("suggest", "-o", "missing/found.txt") == (
        2,
        "",
        "error: missing/found.txt: cannot be written: No such file or directory\n",
    )
    assert run("suggest", "-o", ".") == (2, "", "error: --output: '.' is a directory (name a file in it)\n")


def test_several_outputs(app: Project, run: Run) -> None:
    assert run("suggest", "-o", "sarif:found.sarif", "-o", "json:found.json") == (0, CONCISE, f"{TOTALS}\n")
    assert json.loads((app.path / "found.sarif").read_text())["version"] == "2.1.0"
    assert json.loads((app.path / "found.json").read_text())["schema"] == "semfora.report"
    assert run("suggest", "-o", "found.txt", "-o", "jsonl:found.jsonl") == (0, "", f"{TOTALS}\n")
    assert (app.path / "found.txt").read_text() == CONCISE
    assert run("suggest", "--output-format", "concise", "-o", "-") == (0, CONCISE, f"{TOTALS}\n")
    assert run("suggest", "-o", "a:b.txt", "--fail-on", "info") == (
        1,
        "",
        f"{TOTALS}; failed: at least one at or above 'info'\n",
    )
    assert (app.path / "a:b.txt").read_text() == CONCISE
    code, out, err = run("suggest", "-o", "a.txt", "-o", "b.txt")
    assert (code, out) == (2, "")
    assert err.startswith("error: --output a.txt and --output b.txt ask for the same report twice (a second report is ")


def test_statistics(app: Project, run: Run) -> None:
    full = run("suggest", "--statistics", "--output-format", "full")
    assert [line.split()[0] for line in full.out.splitlines() if line.endswith(("dead-code", "naming"))] == ["1", "1"]
    assert full.out.splitlines()[-1].endswith("(link)")
    concise = run("suggest", "--statistics")
    assert concise.out == CONCISE
    assert concise.err.splitlines()[-1].endswith("(link)")


def test_file_names_that_are_not_printable(project: Project, run: Run) -> None:
    project.write({"a\nb.py": "def _unused():\n    return 1\n"})
    assert run("suggest").out == "'a\\nb.py':1:1: warning dead-code function `_unused` is never used\n"


# --------------------------------------------------------------------------------------------------------- exit codes


@pytest.mark.parametrize(("fail_on", "code"), [("never", 0), ("error", 0), ("warning", 1), ("info", 1)])
def test_the_gate(app: Project, run: Run, fail_on: str, code: int) -> None:
    outcome = run("suggest", "--fail-on", fail_on)
    assert (outcome.code, outcome.out) == (code, CONCISE)
    verdict = f"; failed: at least one at or above '{fail_on}'" if code else ""
    assert outcome.err == f"{TOTALS}{verdict}\n"
    report = run("suggest", "--fail-on", fail_on, "--output-format", "json").json
    assert (report["summary"]["failed"], report["summary"]["fail_on"]) == (bool(code), fail_on)


def test_a_clean_repository(project: Project, run: Run) -> None:
    project.write({"app.py": "print(1)\n"})
    assert run("suggest", "--fail-on", "info") == (0, "", "no findings in 1 files (1 symbols, 0.0 s)\n")


def test_exit_zero_hides_one_and_not_two(app: Project, run: Run) -> None:
    assert run("suggest", "--fail-on", "info", "--exit-zero").code == 0
    assert run("suggest", "--fail-on", "info", "--exit-zero", "--select", "dead-cod").code == 2
    app.write({".semfora/rules/bad.yaml": "name: 3\n"})
    outcome = run("suggest", "--fail-on", "info", "--exit-zero")
    assert (outcome.code, outcome.out) == (2, CONCISE)
    assert outcome.err.startswith("error: .semfora/rules/bad.yaml:1:")


def test_an_error_beats_a_tripped_gate(app: Project, run: Run) -> None:
    assert run("suggest", "--fail-on", "info").code == 1
    assert run("suggest", "--fail-on", "info", "--disable-provider", "nobody").code == 2


def test_strict(app: Project, run: Run) -> None:
    app.write({"broken.py": "def broken(:\n    return 1\n"})
    plain = run("suggest")
    assert plain.code == 0
    (line,) = (line for line in plain.err.splitlines() if line.startswith("incomplete: "))
    assert line.startswith("incomplete: broken.py: ")
    strict = run("suggest", "--strict", "--output-format", "json")
    assert strict.code == 2
    (error,) = strict.json["errors"]
    assert (error["kind"], error["hint"]) == ("incomplete", "without --strict it is a remark")
    assert error["message"] == line.removeprefix("incomplete: ")
    assert run("suggest", "--strict", "--exit-zero").code == 2
    assert strict.json["recommendations"][0]["title"] == "function `_unused` is never used"


# -------------------------------------------------------------------------------------------------------------- usage


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("nope.py",), "error: {root}/nope.py: no such file or folder"),
        (
            ("--fail-on", "fatal"),
            "Error: Invalid value for '--fail-on': 'fatal' is not one of 'never', 'info', 'warning', 'error'.",
        ),
        (("--min-confidence", "2"), "Error: Invalid value for '--min-confidence': 2.0 is not in the range 0<=x<=1."),
        (("--min-confidence", "nan"), "error: configuration: 'min-confidence': nan is not between 0.0 and 1.0"),
        (("--output-format", "xml"), "error: there is no output format 'xml' (one of {formats})"),
        (
            ("--output-format", "sarf"),
            "error: there is no output format 'sarf' (did you mean 'sarif'? There are {formats})",
        ),
        (("--staged", "--since", "HEAD"), "error: --staged, --since and --auto-scope exclude each other"),
        (("--staged",), "error: {root} is not a git repository, so nothing is staged or changed there"),
        (("--since", "HEAD"), "error: {root} is not a git repository, so nothing is staged or changed there"),
        (
            ("--baseline", "gone.json"),
            "error: {root}/gone.json: the baseline does not exist (semfora-hooks baseline create, or remove ",
        ),
        (("--jobs", "-1"), "Error: Invalid value for '--jobs': -1 is not in the range x>=0."),
        (("--since",), "Error: Option '--since' requires an argument."),
    ],
)
def test_wrong_usage(app: Project, run: Run, arguments: tuple[str, ...], text: str) -> None:
    code, out, err = run("suggest", *arguments)
    assert (code, out) == (2, "")
    assert err.splitlines()[-1].startswith(text.format(root=app.path, formats=FORMATS))


def test_unknown_options_and_commands(app: Project, run: Run) -> None:
    assert run("suggest", "--frobnicate").code == 2
    outcome = run("sugest")
    assert (outcome.code, outcome.out) == (2, "")
    assert "No such command 'sugest'" in outcome.err
    assert run().code == 2
    assert "Commands:" in run().err


def test_paths_of_two_repositories(app: Project, run: Run, tmp_path: Path) -> None:
    app.commit()
    other = tmp_path / "other"
    other.mkdir()
    (other / "b.py").write_text("")
    assert run("suggest", "app.py", str(other)) == (
        2,
        "",
        f"error: the paths belong to different repositories: {other}, {app.path} (run once for each)\n",
    )


def test_a_link_that_leaves_the_repository_is_no_path(app: Project, run: Run, tmp_path: Path) -> None:
    app.commit()
    (tmp_path / "outside.py").write_text("def _unused(): ...\n")
    (app.path / "link.py").symlink_to(tmp_path / "outside.py")
    outcome = run("suggest", "link.py")
    assert outcome.code == 2
    assert "link.py: a symbolic link that leaves the repository" in outcome.err


# ------------------------------------------------------------------------------------------------------ configuration


@pytest.mark.parametrize(
    ("toml", "text"),
    [
        ('fail-onn = "error"', "pyproject.toml: unknown key 'fail-onn' (did you mean 'fail-on'?)"),
        ("zzz = 1", "pyproject.toml: unknown key 'zzz' (valid keys: baseline, entry-points, exclude, fail-on,"),
        ("use-cache = false", "pyproject.toml: unknown key 'use-cache' (valid keys: "),
        ('min-confidence = "high"', "pyproject.toml: 'min-confidence': Expected `float`, got `str`"),
        ("min-confidence = 1.5", "pyproject.toml: 'min-confidence': 1.5 is not between 0.0 and 1.0"),
        ('select = "all"', "pyproject.toml: 'select': Expected `array`, got `str`"),
        ('fail-on = "fatal"', "pyproject.toml: 'fail-on': Invalid enum value 'fatal'"),
        (
            "[tool.semfora.plugins.wasm]\nzzz = 1",
            "pyproject.toml: unknown key 'plugins.wasm.zzz' "
            "(valid keys: enabled, locked, memory-ceiling, timeout-ceiling, total-timeout)",
        ),
        (
            "[tool.semfora.plugins.wasm]\nmemory-ceilin = 1",
            "pyproject.toml: unknown key 'plugins.wasm.memory-ceilin' (did you mean 'memory-ceiling'?)",
        ),
        ('max-file-size = "big"', "pyproject.toml: 'max-file-size': 'big' is not a size such as '256MiB'"),
        ('exclude = ["ok/**", "!"]', "pyproject.toml: 'exclude': '!' is not a pattern in gitignore's syntax"),
        (
            '[tool.semfora.per-file-ignores]\n"[z-a]" = ["naming"]',
            "pyproject.toml: 'per-file-ignores': '[z-a]' is not a pattern in gitignore's syntax",
        ),
        (
            "[tool.semfora.rules.complexity]\nmax-cognitiv = 3",
            "pyproject.toml: unknown key 'rules.complexity.max-cognitiv' (did you mean 'max-cognitive'?)",
        ),
        (
            "[tool.semfora.rules.complexity]\nmax-cognitive = -3",
            "pyproject.toml: 'rules.complexity.max-cognitive': Expected `int` >= 0",
        ),
    ],
)
def test_wrong_configuration(app: Project, run: Run, toml: str, text: str) -> None:
    head = "" if toml.startswith("[") else "[tool.semfora]\n"
    app.write({"pyproject.toml": f"{head}{toml}\n"})
    code, _, err = run("suggest")
    assert code == 2
    assert err.startswith(f"error: {text}")


@pytest.mark.parametrize(
    ("toml", "text"),
    [
        (
            'select = ["recommended", "dead-cod"]',
            "'select' names 'dead-cod', and there is no such rule (did you mean 'dead-code'?)",
        ),
        (
            'ignore = ["complexiti"]',
            "'ignore' names 'complexiti', and there is no such rule (did you mean 'complexity'?)",
        ),
        (
            'ignore = ["qqq"]',
            "'ignore' names 'qqq', and there is no such rule (semfora-hooks rules list shows the names)",
        ),
        (
            'severity = {dead-coed = "info"}',
            "'severity' names 'dead-coed', and there is no such rule (did you mean 'dead-code'?)",
        ),
        (
            'per-file-ignores = {"tests/**" = ["namin"]}',
            "'per-file-ignores.'tests/**'' names 'namin', and there is no such rule (did you mean 'naming'?)",
        ),
        ("rules = {namin = {}}", "'rules' names 'namin', and there is no such rule (did you mean 'naming'?)"),
        (
            'frameworks = ["djangoo"]',
            "'frameworks' names 'djangoo', of which nothing is known (did you mean 'django'?)",
        ),
        (
            'frameworks = ["django", "homegrown"]',
            "'frameworks' names 'homegrown', of which nothing is known (name what it calls in 'entry-points')",
        ),
    ],
)
def test_unknown_names(app: Project, run: Run, toml: str, text: str) -> None:
    app.write({"semfora.toml": f"{toml}\n"})
    outcome = run("suggest")
    assert outcome.code == 2
    assert outcome.err.splitlines()[0] == f"error: semfora.toml: {text}"
    assert "app.py:4:1: warning dead-code" in outcome.out  # the others ran


def test_a_rule_with_wrong_options_is_told_once(app: Project, run: Run) -> None:
    app.write({"semfora.toml": 'select = ["naming", "dead-code"]\n[rules.naming]\nmajority = 1\n'})
    outcome = run("suggest")
    assert outcome.code == 2
    assert outcome.err.startswith("error: semfora.toml: unknown key 'rules.naming.majority' (")
    assert "no such rule" not in outcome.err
    assert "app.py:4:1: warning dead-code" in outcome.out
    errors = run("suggest", "--output-format", "json").json["errors"]
    assert [error["rule"] for error in errors] == ["naming"]


def test_corrupt_configuration(app: Project, run: Run) -> None:
    app.write({"pyproject.toml": "[tool.semfora\n"})
    code, out, err = run("suggest")
    assert (code, out) == (2, "")
    assert err.startswith("error: pyproject.toml: not valid TOML: ")
    app.write({"pyproject.toml": "[tool.semfora]\n", "semfora.toml": "ignore = []\n"})
    code, out, err = run("suggest")
    assert (code, out) == (2, "")
    assert err.startswith("error: both semfora.toml and [tool.semfora] in pyproject.toml")


def test_nothing_left_to_run_is_no_success(app: Project, run: Run) -> None:
    outcome = run("suggest", "--select", "acme/special", "--no-plugins")
    assert outcome.code == 2
    assert outcome.err.startswith("error: no rule is left to run: ")
    assert run("suggest", "--ignore", "all").code == 0  # asked for


@pytest.mark.parametrize(
    ("arguments", "rules"),
    [
        ((), ["dead-code", "naming"]),
        (("--select", "dead-code"), ["dead-code"]),
        (("--select", "dead_code"), ["dead-code"]),
        (("--select", "naming,complexity"), ["naming"]),
        (("--select", "naming", "--select", "dead-code"), ["dead-code", "naming"]),
        (("--select", "all", "--ignore", "naming"), ["dead-code"]),
        (("--ignore", "all"), []),
        (("--ignore", "all", "--select", "naming"), ["naming"]),  # a rule's own id beats a group
        (("--ignore", "naming", "--select", "naming"), []),
    ],
)
def test_select_and_ignore(app: Project, run: Run, arguments: tuple[str, ...], rules: list[str]) -> None:
    outcome = run("suggest", *arguments, "--output-format", "json")
    assert outcome.code == 0
    assert [item["rule_id"] for item in outcome.json["recommendations"]] == rules


def test_the_command_line_beats_the_environment_beats_the_file(
    app: Project, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    app.write({"pyproject.toml": '[tool.semfora]\nselect = ["naming"]\n'})
    assert run("suggest").out.splitlines() == CONCISE.splitlines()[1:]
    monkeypatch.setenv("SEMFORA_SELECT", "dead-code")
    assert run("suggest").out.splitlines() == CONCISE.splitlines()[:1]
    assert run("suggest", "--select", "recommended").out == CONCISE
    monkeypatch.setenv("SEMFORA_JOBS", "many")
    assert run("suggest") == (2, "", "error: SEMFORA_JOBS: 'many' is not a number\n")


def test_severity_by_rule(app: Project, run: Run) -> None:
    app.write({"semfora.toml": 'fail-on = "error"\n[severity]\nnaming = "error"\ndead-code = "info"\n'})
    outcome = run("suggest")
    assert (outcome.code, outcome.out) == (
        1,
        "app.py:8:1: error naming `is_ready` asks a question, but returns `list`\n"
        "app.py:4:1: info dead-code function `_unused` is never used\n",
    )


def test_per_file_ignores(app: Project, run: Run) -> None:
    app.write({"old/app.py": APP, "semfora.toml": '[per-file-ignores]\n"old/**" = ["naming", "dead_code"]\n'})
    assert run("suggest").out == CONCISE
    app.write({"semfora.toml": '[per-file-ignores]\n"*.py" = ["recommended"]\n'})
    assert run("suggest").out == ""


def test_min_confidence(app: Project, run: Run) -> None:
    assert run("suggest", "--min-confidence", "0.9").out.splitlines() == CONCISE.splitlines()[:1]
    assert run("suggest", "--min-confidence", "0.95").out.splitlines() == CONCISE.splitlines()[:1]
    assert run("suggest", "--min-confidence", "0.96").out == ""
    assert run("suggest", "--min-confidence", "0.96", "--fail-on", "info").code == 0


def test_exclude(app: Project, run: Run) -> None:
    app.write({"vendor/lib.py": APP, "semfora.toml": 'exclude = ["vendor/**"]\n'})
    assert run("suggest") == (0, CONCISE, f"{TOTALS}\n")


def test_where_all_is_excluded_the_note_says_so(app: Project, run: Run) -> None:
    app.write({"semfora.toml": 'exclude = ["*"]\n'})
    outcome = run("suggest")
    assert outcome.code == 0
    note = "there are no files with the endings .py, .pyi here that 'exclude' leaves"
    assert outcome.err.startswith(f"note: nothing to analyse: {note}\n")


# -------------------------------------------------------------------------------------------------------------- paths


@pytest.fixture
def tree(project: Project) -> Project:
    return project.write(
        {"one/a.py": APP, "one/two/b.py": "def _b():\n    return 1\n", "c.py": "def _c():\n    return 1\n"}
    )


def files(outcome: Outcome) -> list[str]:
    return [item["symbols"][0]["file"] for item in outcome.json["recommendations"]]


@pytest.mark.parametrize("git", [True, False])
def test_from_a_subfolder_the_whole_repository_is_analysed(tree: Project, run: Run, git: bool) -> None:
    if git:
        tree.commit()
    else:
        tree.write({"semfora.toml": ""})
    lines = run("suggest", folder="one").out.splitlines()
    assert [line.partition(":")[0] for line in lines] == [f"{tree.path}/c.py", "a.py", "two/b.py", "a.py"]


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (["c.py"], ["c.py"]),
        (["one"], ["one/a.py", "one/two/b.py", "one/a.py"]),
        (["one/two", "c.py"], ["c.py", "one/two/b.py"]),
        (["."], ["c.py", "one/a.py", "one/two/b.py", "one/a.py"]),
        (["./one/../c.py"], ["c.py"]),
    ],
)
def test_paths_filter_what_is_reported(tree: Project, run: Run, paths: list[str], expected: list[str]) -> None:
    tree.commit()
    outcome = run("suggest", *paths, "--output-format", "json")
    assert files(outcome) == expected
    assert outcome.json["summary"]["files"] == 3  # all of them were read: calls cross files
    assert outcome.json["scope"]["kind"] == ("repo" if paths == ["."] else "files")


def test_paths_start_from_the_current_folder(tree: Project, run: Run) -> None:
    tree.commit()
    assert files(run("suggest", "two", "--output-format", "json", folder="one")) == ["one/two/b.py"]
    assert files(run("suggest", "../c.py", "--output-format", "json", folder="one")) == ["c.py"]


def test_a_path_outside_git_that_git_ignores(tree: Project, run: Run) -> None:
    tree.write({".gitignore": "one/\n"}).commit()
    assert files(run("suggest", "--output-format", "json")) == ["c.py"]
    assert files(run("suggest", "one/two", "--output-format", "json")) == ["b.py"]


# -------------------------------------------------------------------------------------------------- the real program


def program(*arguments: str, cwd: Path, **options: object) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-P", "-m", "semfora_hooks", *arguments]
    return subprocess.run(command, cwd=cwd, timeout=60, check=False, stderr=subprocess.PIPE, **options)  # type: ignore[call-overload, no-any-return]


@pytest.mark.parametrize(("fail_on", "code"), [("error", 0), ("warning", 1)])
def test_a_reader_that_has_had_enough(project: Project, fail_on: str, code: int) -> None:
    project.write({"app.py": "".join(f"def _unused{number}():\n    return 1\n" for number in range(3000))})
    command = [sys.executable, "-P", "-m", "semfora_hooks", "suggest", "--fail-on", fail_on]
    with subprocess.Popen(command, cwd=project.path, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as started:
        assert started.stdout is not None
        assert started.stderr is not None
        assert started.stdout.readline().startswith(b"app.py:1:1: warning dead-code ")
        started.stdout.close()
        assert started.wait(60) == code
        assert b"Traceback" not in (errors := started.stderr.read())
        assert b"BrokenPipe" not in errors


def test_a_full_disk(app: Project) -> None:
    with Path("/dev/full").open("wb") as full:
        done = program("suggest", cwd=app.path, stdout=full)
    assert (done.returncode, done.stderr) == (2, b"error: output: No space left on device\n")


def test_a_closed_standard_output(app: Project) -> None:
    done = program("suggest", cwd=app.path, preexec_fn=lambda: os.close(1))
    assert done.returncode == 0
    assert b"Traceback" not in done.stderr


def test_an_encoding_that_cannot_show_everything(project: Project) -> None:
    project.write({"app.py": "def _größe():\n    return 1\n"})
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = program("suggest", cwd=project.path, env=environment, stdout=subprocess.PIPE)
    assert (done.returncode, done.stdout) == (
        0,
        b"app.py:1:1: warning dead-code function `_gr\\xf6\\xdfe` is never used\n",
    )
    listed = program("rules", "list", cwd=project.path, env=environment, stdout=subprocess.PIPE)
    assert listed.returncode == 0
    assert b"dead-code" in listed.stdout


def test_a_current_folder_that_is_gone(app: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = app.path / "gone"
    gone.mkdir()
    script = 'rmdir ../gone && exec "$0" suggest'
    command = ["sh", "-c", script, str(Path(sys.executable).parent / "semfora-hooks")]
    done = subprocess.run(command, cwd=gone, capture_output=True, timeout=60, check=False)
    assert done.returncode == 2
    assert done.stderr == b"error: the current folder no longer exists: No such file or directory\n"


def test_traceback_is_shown_only_on_request(app: Project) -> None:
    done = program("--traceback", "suggest", "nope.py", cwd=app.path)
    assert done.returncode == 2
    assert done.stderr.startswith(b"Traceback (most recent call last):")
    assert done.stderr.endswith(b"nope.py: no such file or folder\n")


@pytest.mark.parametrize(("columns", "expected"), [("61", 61), ("0", None), ("-5", None), ("wide", None), (None, None)])
def test_the_width_is_the_one_shutil_finds(
    monkeypatch: pytest.MonkeyPatch, columns: str | None, expected: int | None
) -> None:
    from semfora_hooks.cli.output import width

    if columns is not None:
        monkeypatch.setenv("COLUMNS", columns)
    assert width(os.environ) == shutil.get_terminal_size((100, 24)).columns
    monkeypatch.setattr(os, "get_terminal_size", lambda _: os.terminal_size((77, 20)))
    monkeypatch.setattr(sys.__stdout__, "fileno", lambda: 1, raising=False)
    assert width(os.environ) == shutil.get_terminal_size((100, 24)).columns == (expected or 77)
    monkeypatch.setattr(sys, "__stdout__", None)
    assert width(os.environ) == shutil.get_terminal_size((100, 24)).columns == (expected or 100)
