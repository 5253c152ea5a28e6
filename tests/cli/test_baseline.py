"""`semfora-hooks baseline`: created once, it only shrinks, and nothing that failed is taken for fixed."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .conftest import Outcome, Project

Run = Callable[..., Outcome]

FILE = ".semfora/baseline.json"
F, G, H = (f"def _{name}():\n    return 1\n\n\n" for name in "fgh")
GATE = ("suggest", "--fail-on", "warning")


def entries(project: Project, file: str = FILE) -> dict[str, str]:
    """Symbol to rule."""
    document = json.loads((project.path / file).read_text("utf-8"))
    assert (document["schema"], document["version"]) == ("semfora.baseline", 1)
    return {entry["symbol"]: entry["rule_id"] for entry in document["findings"].values()}


def states(outcome: Outcome) -> dict[str, list[str]]:
    """What a command says in JSON: state to symbols."""
    document = outcome.json
    assert (document["schema"], document["version"], document["file"]) == ("semfora.baseline_status", 1, FILE)
    known = {key: [line["symbol"] for line in document[key]] for key in document if isinstance(document[key], list)}
    return {key: sorted(symbols) for key, symbols in known.items() if symbols}


@pytest.fixture
def accepted(project: Project, run: Run) -> Project:
    """A repository whose baseline holds `_f` and `_g`."""
    project.write({"app.py": F + G})
    assert run("baseline", "create").code == 0
    return project


# -------------------------------------------------------------------------------------------------------------- create


def test_create_accepts_what_is_there_and_suggest_fails_for_what_is_new(project: Project, run: Run) -> None:
    project.write({"app.py": F + G})
    assert run(*GATE).code == 1
    assert run("baseline", "create") == (0, f"{FILE}: 2 findings accepted; review it and commit it\n", "")
    assert entries(project) == {"app.py::_f": "dead-code", "app.py::_g": "dead-code"}
    assert run(*GATE) == (0, "", "no findings, 2 suppressed in 1 files (3 symbols, 0.0 s)\n")
    project.write({"app.py": F + G + H})
    code, out, _ = run(*GATE)
    assert (code, out) == (1, "app.py:9:1: warning dead-code function `_h` is never used\n")
    assert run(*GATE, "--baseline", "").out.count("\n") == 3
    assert run("suggest", "--output-format", "json").json["recommendations"][0]["suppressed"] == {
        "kind": "baseline",
        "file": FILE,
        "line": 1,
        "reason": None,
    }


def test_create_overwrites_nothing(accepted: Project, run: Run) -> None:
    before = (accepted.path / FILE).read_bytes()
    accepted.write({"app.py": F + H})
    assert run("baseline", "create") == (
        2,
        "",
        f"error: {FILE} is there already (semfora-hooks baseline update drops what is fixed, with --accept-new it also "
        "accepts what is new; create --force writes it anew)\n",
    )
    assert (accepted.path / FILE).read_bytes() == before
    assert run("baseline", "create", "--force").code == 0
    assert entries(accepted) == {"app.py::_f": "dead-code", "app.py::_h": "dead-code"}


@pytest.mark.parametrize("content", ["print('mine')\n", '{"name": "package"}\n'])
def test_force_is_for_baselines(project: Project, run: Run, content: str) -> None:
    project.write({"app.py": F, "other": content})
    assert run("baseline", "create", "--force", "--baseline", "other") == (
        2,
        "",
        "error: other is no baseline, so it is not overwritten, with --force neither\n",
    )
    assert (project.path / "other").read_text() == content


def test_force_writes_over_a_broken_one(accepted: Project, run: Run) -> None:
    text = (accepted.path / FILE).read_text()
    for broken in (f"{text}<<<<<<< HEAD\n", ""):
        (accepted.path / FILE).write_text(broken)
        assert run(*GATE).code == 2
        assert run("baseline", "create", "--force").code == 0
        assert (accepted.path / FILE).read_text() == text


def test_create_leaves_out_what_does_not_count(project: Project, run: Run) -> None:
    project.write(
        {
            "app.py": "def _f():  # semfora: ignore[dead-code] -- called by name\n    return 1\n",
            "tests/t.py": F,
            "low.py": G,
            "semfora.toml": '[per-file-ignores]\n"tests/**" = ["dead-code"]\n',
        }
    )
    assert run("baseline", "create").code == 0
    assert entries(project) == {"low.py::_g": "dead-code"}
    project.write({"semfora.toml": "min-confidence = 1.0\n"})
    assert run("baseline", "create", "--force").out == f"{FILE}: 0 findings accepted; review it and commit it\n"
    assert entries(project) == {}


def test_create_for_one_rule(project: Project, run: Run) -> None:
    project.write({"app.py": F + "def is_big(x) -> str:\n    return str(x)\n\n\nis_big(1)\n"})
    assert run("baseline", "create", "--rule", "naming").code == 0
    assert entries(project) == {"app.py::is_big": "naming"}
    assert run("baseline", "create", "--force", "--rule", "namin") == (
        2,
        "",
        "error: there is no rule 'namin' (did you mean 'naming'?)\n",
    )
    assert run("baseline", "update", "--rule", "naming").code == 2
    assert run("baseline", "update", "--accept-new", "--rule", "dead-code").code == 0
    assert entries(project) == {"app.py::is_big": "naming", "app.py::_f": "dead-code"}


def test_another_file(project: Project, run: Run, tmp_path: Path) -> None:
    project.write({"app.py": F, "sub/x.txt": "", "semfora.toml": ""})
    assert run("baseline", "create", "--baseline", "b.json", folder="sub") == (
        0,
        "sub/b.json: 1 finding accepted; review it and commit it\n"
        "it counts with: semfora-hooks suggest --baseline sub/b.json\n"
        'or, for every run: baseline = "sub/b.json" in the configuration\n',
        "",
    )
    project.write({"semfora.toml": 'baseline = "deep/er/b.json"\n'})
    assert run("suggest").err.startswith(f"error: {project.path}/deep/er/b.json: the baseline does not exist")
    assert (
        run("baseline", "create", folder="sub").out == "deep/er/b.json: 1 finding accepted; review it and commit it\n"
    )
    assert run(*GATE).code == 0
    outside = tmp_path / "elsewhere.json"
    assert run("baseline", "create", "--baseline", str(outside)).code == 0
    assert run("baseline", "show", "--baseline", str(outside)).out.endswith(f"{outside}: 1 accepted finding\n")


def test_the_configuration_starts_from_the_root_and_the_command_line_from_here(project: Project, run: Run) -> None:
    project.write({"app.py": F + G, "sub/x.txt": "", "semfora.toml": ""})
    assert run("baseline", "create", "--baseline", "sub/b.json").code == 0
    assert run(*GATE, "--baseline", "b.json", folder="sub").code == 0
    assert run(*GATE, "--baseline", "sub/b.json", folder="sub").err.startswith(
        f"error: {project.path}/sub/sub/b.json: the baseline does not exist"
    )
    project.write({"semfora.toml": 'baseline = "sub/b.json"\n'})
    report = run("suggest", "--output-format", "json", folder="sub").json
    assert [item["suppressed"]["file"] for item in report["recommendations"]] == ["sub/b.json"] * 2
    assert run(*GATE, "--baseline", str(project.path / "sub" / "b.json")).code == 0
    project.write({"semfora.toml": 'baseline = ""\n', FILE: (project.path / "sub/b.json").read_text()})
    assert run(*GATE).code == 1


def test_the_environment_names_it_too(project: Project, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    project.write({"app.py": F, "semfora.toml": 'baseline = "gone.json"\n'})
    monkeypatch.setenv("SEMFORA_BASELINE", "there.json")
    assert run("baseline", "create").code == 0
    assert (project.path / "there.json").is_file()
    assert run(*GATE).code == 0


def test_the_same_findings_are_the_same_bytes(project: Project, run: Run) -> None:
    project.write({"b.py": G, "a.py": F, "größe.py": H})
    run("baseline", "create")
    first = (project.path / FILE).read_bytes()
    assert "größe.py::_h".encode() in first
    project.write({"a.py": f"# moved\n\n\n{F.replace('1', '2 * 3')}", "b.py": f"'''Text.'''\n\n\n{G}"})
    run("baseline", "create", "--force")
    assert (project.path / FILE).read_bytes() == first
    assert list(json.loads(first)["findings"]) == sorted(json.loads(first)["findings"])


# ------------------------------------------------------------------------------------------------------ update and show


def test_update_drops_what_is_gone_and_accepts_nothing(accepted: Project, run: Run) -> None:
    accepted.write({"app.py": F + H})
    assert run("suggest").err.startswith(
        f"note: {FILE}: 1 entry matches nothing any more (semfora-hooks baseline update drops them)\n"
    )
    assert run("baseline", "show") == (
        0,
        "app.py:1: warning dead-code function `_f` is never used\n"
        "stale: dead-code app.py::_g\n"
        f"{FILE}: 2 accepted findings, 1 stale, 1 not in it\n",
        "",
    )
    assert run("baseline", "update") == (
        0,
        f"dropped: dead-code app.py::_g\n{FILE}: 1 dropped; it holds 1 finding\n",
        "note: 1 finding is not in it; --accept-new accepts it\n",
    )
    assert entries(accepted) == {"app.py::_f": "dead-code"}
    assert run("suggest").out == "app.py:5:1: warning dead-code function `_h` is never used\n"
    assert run("baseline", "update").out == f"{FILE}: nothing changed; it holds 1 finding\n"


def test_update_accepts_what_is_new_if_asked_to(accepted: Project, run: Run) -> None:
    accepted.write({"app.py": F + H})
    assert run("baseline", "update", "--accept-new") == (
        0,
        "dropped: dead-code app.py::_g\n"
        "accepted: app.py:5: warning dead-code function `_h` is never used\n"
        f"{FILE}: 1 dropped, 1 accepted; it holds 2 findings\n",
        "",
    )
    assert entries(accepted) == {"app.py::_f": "dead-code", "app.py::_h": "dead-code"}


def test_an_update_changes_the_lines_of_its_findings_only(accepted: Project, run: Run) -> None:
    before = (accepted.path / FILE).read_text().splitlines()
    accepted.write({"app.py": F + G + H})
    run("baseline", "update", "--accept-new")
    after = (accepted.path / FILE).read_text().splitlines()
    assert len(after) == len(before) + 1
    assert {line.rstrip(",") for line in before} < {line.rstrip(",") for line in after}


def test_check_writes_nothing(accepted: Project, run: Run) -> None:
    before = (accepted.path / FILE).read_bytes()
    assert run("baseline", "update", "--check").code == 0
    accepted.write({"app.py": F + H})
    code, out, _ = run("baseline", "update", "--check")
    assert (code, out) == (
        1,
        f"stale: dead-code app.py::_g\n{FILE}: 1 would be dropped; it holds 2 findings\n",
    )
    assert (accepted.path / FILE).read_bytes() == before
    assert run("baseline", "update").code == 0
    assert run("baseline", "update", "--check").code == 0
    assert run("baseline", "update", "--check", "--accept-new").code == 1


def test_show_lists_by_place(project: Project, run: Run) -> None:
    project.write({f"{name}.py": F + G + H for name in ("b", "a", "c")})
    run("baseline", "create")
    project.write({"a.py": H + G, "c.py": "x = 1\n"})
    places = [line.partition(" dead")[0] for line in run("baseline", "show").out.splitlines()[:-1]]
    found = ["a.py:1", "a.py:5", "b.py:1", "b.py:5", "b.py:9"]
    assert places == [*(f"{place}: warning" for place in found), *["stale:"] * 4]
    stale = [line.rpartition(" ")[2] for line in run("baseline", "show").out.splitlines() if line.startswith("stale")]
    assert stale == ["a.py::_f", "c.py::_f", "c.py::_g", "c.py::_h"]


def test_json(accepted: Project, run: Run) -> None:
    accepted.write({"app.py": F + H})
    for command in (("show",), ("update", "--check")):
        outcome = run("baseline", *command, "--output-format", "json")
        assert (outcome.json["written"], outcome.err) == (False, "")
        assert states(outcome) == {"accepted": ["app.py::_f"], "stale": ["app.py::_g"], "open": ["app.py::_h"]}
    (line,) = outcome.json["accepted"]
    assert line == {
        "fingerprint": line["fingerprint"],
        "rule_id": "dead-code",
        "symbol": "app.py::_f",
        "severity": "warning",
        "file": "app.py",
        "line": 1,
        "title": "function `_f` is never used",
    }
    outcome = run("baseline", "update", "--accept-new", "--output-format", "json")
    assert outcome.json["written"] is True
    assert states(outcome) == {"accepted": ["app.py::_f"], "stale": ["app.py::_g"], "added": ["app.py::_h"]}
    again = run("baseline", "update", "--output-format", "json")
    assert (again.json["written"], states(again)) == (False, {"accepted": ["app.py::_f", "app.py::_h"]})
    assert states(run("baseline", "create", "--force", "--output-format", "json")) == {
        "added": ["app.py::_f", "app.py::_h"]
    }


def test_thresholds_and_comments_make_nothing_stale(accepted: Project, run: Run) -> None:
    accepted.write(
        {
            "app.py": F.replace(":\n", ":  # semfora: ignore[dead-code]\n") + G,
            "semfora.toml": 'min-confidence = 1.0\n[per-file-ignores]\n"*.py" = ["dead-code"]\n',
        }
    )
    assert run("baseline", "update").out == f"{FILE}: nothing changed; it holds 2 findings\n"
    assert "baseline" not in run("suggest").err


# --------------------------------------------------------------------------------------------- what does not run fails


@pytest.mark.parametrize(
    "settings", ['ignore = ["dead-code"]\n', 'select = ["naming"]\n', '[providers]\ndisable = ["builtin"]\n']
)
def test_entries_of_rules_that_did_not_run_stay(accepted: Project, run: Run, settings: str) -> None:
    accepted.write(
        {"app.py": "x = 1\n", "semfora.toml": settings, ".semfora/rules/r.yaml": "name: r\nmatch: {name: q}\n"}
    )
    code, out, err = run("baseline", "update")
    assert (code, out) == (0, f"{FILE}: nothing changed; it holds 2 findings\n")
    assert "note: 2 entries could not be checked and stayed" in err
    assert "baseline" not in run("suggest").err
    assert run("baseline", "show").out.startswith("not checked: dead-code app.py::_")
    accepted.write({"semfora.toml": None})
    assert run("baseline", "update").out.endswith("2 dropped; it holds 0 findings\n")


def test_entries_of_a_rule_that_is_no_more_are_stale(project: Project, run: Run) -> None:
    rule = ".semfora/rules/r.yaml"
    project.write({"app.py": "def f():\n    pass\n\n\nf()\n", rule: "name: r\nmatch: {name: f}\n"})
    run("baseline", "create")
    assert entries(project) == {"app.py::f": "r"}
    project.write({rule: None})
    assert run("baseline", "update").out == f"dropped: r app.py::f\n{FILE}: 1 dropped; it holds 0 findings\n"


def test_nothing_is_written_while_a_rule_is_broken(accepted: Project, run: Run) -> None:
    before = (accepted.path / FILE).read_bytes()
    accepted.write({"app.py": F, ".semfora/rules/bad.yaml": "name: bad\n"})
    told = "was not written: with these errors, findings may be missing\n"
    for command in (("update",), ("update", "--accept-new"), ("create", "--force"), ("create", "--baseline", "n.json")):
        code, out, err = run("baseline", *command)
        assert (code, out) == (2, "")
        assert err.startswith("error: .semfora/rules/bad.yaml:1:1: ")
        assert err.endswith(told)
    assert (accepted.path / FILE).read_bytes() == before
    assert not (accepted.path / "n.json").exists()
    code, out, err = run("baseline", "show")
    assert code == 2
    assert "accepted finding" in out
    assert told not in err


def test_entries_of_files_that_could_not_be_read_stay(accepted: Project, run: Run) -> None:
    accepted.write({"more.py": H})
    run("baseline", "update", "--accept-new")
    accepted.write({"app.py": "x = 1\n"})
    (accepted.path / "more.py").write_bytes(b"x" * (3 << 20))
    code, out, err = run("baseline", "update")
    assert (code, out.splitlines()[-1]) == (0, f"{FILE}: 2 dropped; it holds 1 finding")
    assert "incomplete: more.py: not analysed" in err
    assert "note: 1 entry could not be checked and stayed" in err
    assert entries(accepted) == {"more.py::_h": "dead-code"}


def test_partial_runs_say_nothing_of_stale_entries(accepted: Project, run: Run) -> None:
    accepted.commit()
    accepted.write({"app.py": F, "other.py": "x = 1\n"})
    accepted.git("add", "-A")
    for options in ((), ("--statistics",)):
        assert "matches nothing any more" in run("suggest", *options).err
    for options in (("--staged",), ("--since", "HEAD"), ("other.py",), ("--rule", "naming"), ("--ignore", "dead-code")):
        assert "matches nothing" not in run("suggest", *options).err


def test_a_change_is_judged_with_the_baseline(accepted: Project, run: Run) -> None:
    accepted.commit()
    accepted.write({"app.py": F + G + H})
    accepted.git("add", "-A")
    report = run(*GATE, "--staged", "--all", "--output-format", "json").json
    assert [(item["symbols"][0]["name"], item["status"], item["suppressed"] is None) for item in _sorted(report)] == [
        ("_f", "inherited", False),
        ("_g", "inherited", False),
        ("_h", "introduced", True),
    ]


def test_what_is_staged_is_judged_with_the_baseline_that_is_staged(project: Project, run: Run) -> None:
    project.write({"app.py": F}).commit()
    project.write({"app.py": F + G})
    project.git("add", "-A")
    assert run(*GATE, "--staged").code == 1
    assert run("baseline", "create").code == 0
    code, out, err = run(*GATE, "--staged")
    assert (code, out) == (1, "app.py:5:1: warning dead-code function `_g` is never used\n")
    assert err.startswith(f"note: {FILE}: not staged, so it is not used here; git add it\n")
    assert run(*GATE).code == 0  # the work tree, which has it
    project.git("add", "-N", FILE)  # announced, and not a part of the next commit
    assert run(*GATE, "--staged")[:2] == (code, out)
    project.git("add", FILE)
    assert run(*GATE, "--staged").code == 0
    text = (project.path / FILE).read_text()
    project.write({FILE: "broken"})
    assert run(*GATE, "--staged").code == 0
    project.git("add", FILE)
    project.write({FILE: text})
    code, out, err = run(*GATE, "--staged")
    assert (code, out) == (2, "")
    assert err.startswith(f"error: {project.path}/{FILE} (staged):1:1: not a baseline: not valid JSON")


def test_a_baseline_elsewhere_is_taken_as_it_is(project: Project, run: Run, tmp_path: Path) -> None:
    project.write({"app.py": F}).commit()
    project.write({"app.py": F + G})
    project.git("add", "-A")
    outside = tmp_path / "b.json"
    assert run("baseline", "create", "--baseline", str(outside)).code == 0
    assert run(*GATE, "--staged", "--baseline", str(outside)).code == 0


@pytest.mark.parametrize("file", ["accepted.json", FILE])
def test_a_baseline_with_conflicts_in_the_index(project: Project, run: Run, file: str) -> None:
    project.write({"app.py": F + G, "semfora.toml": f'baseline = "{file}"\n'})
    run("baseline", "create")
    project.commit()
    project.git("checkout", "-q", "-b", "other")
    for branch, source in (("other", F + G + H), ("main", F + G + H.replace("_h", "_i"))):
        project.git("checkout", "-q", branch)
        project.write({"app.py": source})
        run("baseline", "update", "--accept-new")
        project.commit()
    with pytest.raises(subprocess.CalledProcessError):
        project.git("merge", "-q", "other")
    assert "<<<<<<<" in (project.path / file).read_text()
    assert run("suggest").err.startswith(f"error: {project.path}/{file}:")
    assert "conflict markers of a merge" in run("suggest").err
    project.write({"app.py": F + G + H + H.replace("_h", "_i")})
    project.git("add", "app.py")
    code, _, err = run("suggest", "--staged")
    assert code == 2
    assert err.startswith(
        f"error: {project.path}/{file}: this baseline has conflicts in git's index: "
        "HEAD and what is merged into it changed it differently "
        "(keep the entries of both, run semfora-hooks baseline update, then git add it)"
    )
    assert "rules" not in err
    lines = [line for line in (project.path / file).read_text().splitlines() if line[0] not in "<=>"]
    merged = "\n".join(line if line[0] != " " else line.rstrip(",") + "," for line in lines).replace(",\n}", "\n}")
    (project.path / file).write_text(merged)
    assert run("baseline", "update").code == 0
    assert sorted(entries(project, file)) == [f"app.py::_{name}" for name in "fghi"]


@pytest.mark.parametrize(
    ("deleted_in", "said"),
    [
        (
            "other",
            "HEAD changed it, and what is merged into it deleted or renamed it (git add it to keep it, or git rm it)",
        ),
        ("main", "what is merged into HEAD changed or renamed it, and HEAD deleted it or has it elsewhere (git add it"),
    ],
)
def test_a_baseline_that_one_side_of_a_merge_deleted(project: Project, run: Run, deleted_in: str, said: str) -> None:
    project.write({"app.py": F + G})
    run("baseline", "create")
    project.commit()
    project.git("branch", "other")
    for branch in ("other", "main"):
        project.git("checkout", "-q", branch)
        if branch == deleted_in:
            project.git("rm", "-q", FILE)
        else:
            project.write({"app.py": F + G + H})
            run("baseline", "update", "--accept-new")
        project.commit()
    with pytest.raises(subprocess.CalledProcessError):
        project.git("merge", "-q", "other")
    code, _, err = run("suggest", "--staged")
    assert code == 2
    assert f"{FILE}: this baseline has conflicts in git's index: {said}" in err
    project.git("add", FILE)
    assert "conflict" not in run("suggest", "--staged").err


def _sorted(report: Any) -> list[Any]:
    return sorted(report["recommendations"], key=lambda item: item["symbols"][0]["name"])


# ------------------------------------------------------------------------------------------------------------- hostile


@pytest.mark.parametrize("command", [("show",), ("update",), ("update", "--accept-new")])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"schema": 1}', "1:1: not a baseline: it has no 'version'"),
        ("{\n<<<<<<< HEAD\n", "2:1: not a baseline: it holds the conflict markers of a merge"),
    ],
)
def test_a_broken_baseline(accepted: Project, run: Run, command: tuple[str, ...], content: str, message: str) -> None:
    (accepted.path / FILE).write_text(content)
    for arguments in (("baseline", *command), ("suggest",), ("suggest", "--exit-zero")):
        code, out, err = run(*arguments)
        assert (code, out) == (2, "")
        assert err.startswith(f"error: {accepted.path}/{FILE}:{message}")
    assert (accepted.path / FILE).read_text() == content


def test_links_out_of_the_repository(project: Project, run: Run, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    project.write({"app.py": F})
    (project.path / ".semfora").symlink_to(outside)
    for command in (("create",), ("create", "--force"), ("update",), ("show",)):
        code, out, err = run("baseline", *command)
        assert (code, out) == (2, "")
        assert err.startswith(f"error: {project.path}/{FILE}: a symbolic link that leaves the repository")
    assert list(outside.iterdir()) == []
    (outside / "baseline.json").write_text('{"schema": "semfora.baseline", "version": 1, "findings": {}}')
    assert run("suggest").err.startswith(f"error: {project.path}/{FILE}: a symbolic link that leaves the repository")


@pytest.mark.parametrize("name", ["../outside.json", "{outside}"])
def test_a_configuration_cannot_make_us_write_elsewhere(project: Project, run: Run, tmp_path: Path, name: str) -> None:
    outside = tmp_path / "outside.json"
    project.write({"app.py": F, "semfora.toml": f'baseline = "{name.format(outside=outside)}"\n'})
    assert run("baseline", "create") == (
        2,
        "",
        f"error: the configured baseline, {outside}, is outside of the repository (if you mean it, name it with "
        "--baseline)\n",
    )
    assert not outside.exists()


@pytest.mark.parametrize("name", [".git/hooks/pre-commit", ".GIT/config", "sub/../.git/x"])
def test_git_s_own_folder_is_no_place(project: Project, run: Run, name: str) -> None:
    project.write({"app.py": F, "sub/x.txt": ""}).commit()
    project.write({"semfora.toml": f'baseline = "{name}"\n'})
    before = sorted(path for path in project.path.rglob("*"))
    code, _, err = run("baseline", "create", "--force")
    assert code == 2
    assert err.endswith("a baseline cannot be in git's own folder\n")
    assert sorted(path for path in project.path.rglob("*")) == before


def test_a_link_inside_the_repository_stays_one(project: Project, run: Run) -> None:
    project.write({"app.py": F, "kept/b.json": "", ".semfora/x.txt": ""})
    (project.path / FILE).symlink_to("../kept/b.json")
    assert run("baseline", "create", "--force").code == 0
    assert (project.path / FILE).is_symlink()
    assert entries(project, "kept/b.json") == {"app.py::_f": "dead-code"}


def test_what_is_no_file(project: Project, run: Run) -> None:
    project.write({"app.py": F, f"{FILE}/x.txt": ""})
    assert run("baseline", "create").err == f"error: {FILE} is there and no file, so it is not overwritten\n"
    assert run("suggest", "--baseline", FILE).err.endswith(f"/{FILE}: cannot be read: Is a directory\n")
    assert run("baseline", "create", "--baseline", "").err == "error: --baseline names no file\n"
    os.mkfifo(project.path / "pipe")
    assert run("baseline", "create", "--baseline", "pipe").code == 2
    assert run("baseline", "show", "--baseline", "pipe").err.endswith("not a regular file, so not a baseline\n")


def test_a_folder_that_cannot_be_written(project: Project, run: Run) -> None:
    project.write({"app.py": F, ".semfora": "a file\n"})
    code, out, err = run("baseline", "create")
    assert (code, out) == (2, "")
    assert err.startswith(f"error: {FILE}: cannot be written: ")


def test_a_full_disk_leaves_the_old_one(accepted: Project, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    before = (accepted.path / FILE).read_bytes()
    accepted.write({"app.py": F})

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    assert run("baseline", "update").err.startswith(f"error: {FILE}: cannot be written: No space left on device")
    assert (accepted.path / FILE).read_bytes() == before
    assert [path.name for path in (accepted.path / ".semfora").iterdir()] == ["baseline.json"]


def test_names_cannot_drive_the_terminal(project: Project, run: Run) -> None:
    project.write({"app.py": F})
    run("baseline", "create")
    text = (project.path / FILE).read_text().replace("app.py", "\\u001b[31m\\n::error::x")
    (project.path / FILE).write_text(text.replace('"findings": {', '"findings": {\n"x": {"rule_id": "gone\\u202e"},'))
    for command in ("show", "update"):
        out = run("baseline", command).out
        assert "\x1b" not in out
        assert "\u202e" not in out
        assert not any(line.startswith("::") for line in out.splitlines())
