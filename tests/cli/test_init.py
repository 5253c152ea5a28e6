"""`semfora-hooks init`: a start that overwrites nothing, wherever it is run."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from semfora_hooks.cli.hookentry import entry, new_file

from .conftest import Outcome, Project

Run = Callable[..., Outcome]

RULE = ".semfora/rules/handlers-handle-errors.yaml"
CONFIG = ".pre-commit-config.yaml"
SETTINGS = {"fail-on": "error"}
SOURCE = "def used():\n    return 1\n\n\nused()\n"


def tree(project: Project) -> dict[str, bytes]:
    """All files but git's."""
    return {
        path.relative_to(project.path).as_posix(): path.read_bytes()
        for path in sorted(project.path.rglob("*"))
        if path.is_file() and ".git" not in path.relative_to(project.path).parts
    }


def said(outcome: Outcome) -> list[str]:
    """What was done, without the advice at the end."""
    assert outcome.err == ""
    return outcome.out.partition("next:\n")[0].splitlines()


def works(run: Run) -> None:
    """What was written can be used at once."""
    assert run("suggest").code == 0
    assert run("rules", "validate").out == "1 rule in 1 file: all valid\n"
    assert run("rules", "test").out == "3 examples of 1 rule: all pass\n"
    assert "handlers-handle-errors" in run("rules", "list").out


def test_a_new_repository(project: Project, run: Run) -> None:
    project.write({"app.py": SOURCE}).commit()
    outcome = run("init")
    assert outcome.code == 0
    assert said(outcome) == [
        "wrote semfora.toml",
        f"wrote {RULE}, a rule that says how to go on",
        f"wrote {CONFIG}",
    ]
    assert outcome.out.endswith(
        "next:\n"
        "  semfora-hooks suggest           # what does it find here?\n"
        "  semfora-hooks rules test        # do the rules do what their examples say?\n"
        "  semfora-hooks baseline create   # accept what is there; from then on only new findings count\n"
        "  pre-commit install              # judge every commit by what it introduces\n"
    )
    assert sorted(tree(project)) == sorted(["app.py", "semfora.toml", CONFIG, RULE, ".semfora/rule.v1.json"])
    assert tomllib.loads((project.path / "semfora.toml").read_text()) == SETTINGS
    assert (project.path / CONFIG).read_text() == new_file()
    works(run)


def test_twice(project: Project, run: Run) -> None:
    project.write({"app.py": SOURCE, "pyproject.toml": "[project]\nname = 'x'\n", CONFIG: HOOKS}).commit()
    run("init")
    before = tree(project)
    again = run("init")
    assert (again.code, said(again)) == (
        0,
        [
            "pyproject.toml has [tool.semfora] already",
            ".semfora/rules has rules already",
            f"{CONFIG} has a hook of ours already",
        ],
    )
    assert tree(project) == before


HOOKS = """\
# Ours.
repos:
  - repo: https://github.com/pre-commit/pre-commit-hooks
    rev: v5.0.0
    hooks:
      - id: end-of-file-fixer   # all of them
ci:
  autofix_prs: false
"""


def test_what_is_there_is_added_to_and_keeps_its_bytes(project: Project, run: Run) -> None:
    pyproject = "[project]\nname = 'größe'  # mine\n\n[tool.ruff]\nline-length=100"
    project.write({"app.py": SOURCE, "pyproject.toml": pyproject, CONFIG: HOOKS}).commit()
    assert said(run("init"))[0::2] == [
        "added [tool.semfora] to pyproject.toml",
        f"added the hooks semfora and semfora-rules to {CONFIG}",
    ]
    text = (project.path / "pyproject.toml").read_text("utf-8")
    assert text.startswith(f"{pyproject}\n\n[tool.semfora]\nfail-on = ")
    assert tomllib.loads(text)["tool"]["semfora"] == SETTINGS
    assert (project.path / CONFIG).read_text() == HOOKS.replace("ci:\n", f"{entry()}ci:\n")
    assert not (project.path / "semfora.toml").exists()
    works(run)


@pytest.mark.parametrize(
    "pyproject",
    [
        b"",
        b"\n",
        b"# only a comment",
        b"[project]\r\nname = 'x'\r\n",
        b"[project]\r\nname = 'x'",
        b"[tool.black]\nx = 1\n\n\n",
        b"tool.black.x = 1\n",
        b"[[tool.mypy.overrides]]\nmodule = 'a'\n",
        b"[tool]\n[tool.a]\n",
        b"a = '''\nlast line'''",
    ],
)
def test_pyproject_keeps_every_byte(project: Project, run: Run, pyproject: bytes) -> None:
    (project.path / "pyproject.toml").write_bytes(pyproject)
    assert said(run("init"))[0] == "added [tool.semfora] to pyproject.toml"
    after = (project.path / "pyproject.toml").read_bytes()
    assert after.startswith(pyproject)
    newline = b"\r\n" if b"\r\n" in pyproject else b"\n"
    assert after.count(newline) == after.count(b"\n")
    old, new = (tomllib.loads(data.decode()) for data in (pyproject, after))
    assert new.pop("tool") == {**old.pop("tool", {}), "semfora": SETTINGS}
    assert new == old
    assert run("suggest").code == 0


@pytest.mark.parametrize("pyproject", ["tool = {black = {x = 1}}\n", "tool = 3\n", "[[tool]]\nx = 1\n"])
def test_pyproject_that_cannot_be_added_to(project: Project, run: Run, pyproject: str) -> None:
    project.write({"pyproject.toml": pyproject})
    outcome = run("init")
    assert outcome.code == 0
    assert said(outcome)[:2] == [
        "pyproject.toml defines [tool] in a way that nothing can be added to; to have the configuration, add this "
        "yourself:",
        "    [tool.semfora]",
    ]
    assert (project.path / "pyproject.toml").read_text() == pyproject
    assert (project.path / RULE).is_file()


@pytest.mark.parametrize(
    "hooks", ["repos: []\n", "repos: [{repo: local, hooks: []}]\n", "fail_fast: true\n", "repos: &x\n- repo: a\n"]
)
def test_hooks_that_cannot_be_added_to(project: Project, run: Run, hooks: str) -> None:
    project.write({"app.py": SOURCE, CONFIG: hooks}).commit()
    outcome = run("init")
    assert outcome.code == 0
    *_, told = [line for line in said(outcome) if line.startswith(CONFIG)]
    assert told.endswith("; to have the hook entry, add this yourself:")
    assert outcome.out.count("    - repo: https://github.com/semfora/semfora-hooks\n") == 1
    assert (project.path / CONFIG).read_text() == hooks


def test_broken_files_are_errors_and_do_not_hinder_the_others(project: Project, run: Run) -> None:
    files = {"pyproject.toml": "[project\n", CONFIG: "repos:\n  - a: b: c\n"}
    project.write({"app.py": SOURCE, **files}).commit()
    code, out, err = run("init")
    assert code == 2
    first, second = err.splitlines()
    assert first.startswith("error: pyproject.toml: not valid TOML: Expected ']' at the end of a table declaration")
    assert second == f"error: {CONFIG}:2:9: not valid YAML (mend it and run this again)"
    assert out.startswith(f"wrote {RULE}")
    assert {name: (project.path / name).read_text() for name in files} == files


def test_outside_git(project: Project, run: Run) -> None:
    project.write({"app.py": SOURCE})
    outcome = run("init")
    assert outcome.code == 0
    assert said(outcome)[2] == f"no hook entry: {project.path} is not a git repository, and pre-commit needs one"
    assert "pre-commit install" not in outcome.out
    assert not (project.path / CONFIG).exists()
    works(run)


def test_a_repository_without_python(project: Project, run: Run) -> None:
    project.write({"src/main.go": "package main\n"}).commit()
    assert run("init").code == 0
    assert sorted(tree(project)) == sorted(["src/main.go", "semfora.toml", CONFIG, RULE, ".semfora/rule.v1.json"])
    outcome = run("suggest")
    assert outcome.code == 0
    assert outcome.err.startswith("note: nothing to analyse: there are no files with the endings .py, .pyi here\n")
    assert run("rules", "test").code == 0


def test_from_a_folder_below_it_writes_at_the_root(project: Project, run: Run) -> None:
    project.write({"src/app.py": SOURCE}).commit()
    assert run("init", folder="src").code == 0
    assert {path.name for path in (project.path / "src").iterdir()} == {"app.py"}
    assert (project.path / CONFIG).is_file()


def test_what_is_configured_already(project: Project, run: Run) -> None:
    project.write(
        {
            "app.py": SOURCE,
            "semfora.toml": "",
            "pyproject.toml": "[project]\n",
            ".semfora/rules/deep/mine.yml": "name: mine\nmatch: {name: x}\n",
            CONFIG: "repos:\n- repo: local\n  hooks:\n  - {id: semfora, name: x, entry: y, language: system}\n",
        }
    ).commit()
    before = tree(project)
    assert said(run("init")) == [
        "semfora.toml is there already",
        ".semfora/rules has rules already",
        f"{CONFIG} has a hook of ours already",
    ]
    assert tree(project) == before


# ------------------------------------------------------------------------------------------------------------- hostile


def test_links_are_not_written_through(project: Project, run: Run, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "pyproject.toml").write_text("[project]\n")
    (outside / "hooks.yaml").write_text(HOOKS)
    project.write({"app.py": SOURCE})
    (project.path / "pyproject.toml").symlink_to(outside / "pyproject.toml")
    (project.path / CONFIG).symlink_to(outside / "hooks.yaml")
    (project.path / ".semfora").symlink_to(outside)
    project.commit()
    code, out, err = run("init")
    assert code == 2
    assert "pyproject.toml is a symbolic link, which is not written through; to have the configuration" in out
    assert f"{CONFIG} is a symbolic link, which is not written through; to have the hook entry" in out
    assert err.startswith(f"error: {project.path}/.semfora: a symbolic link that leaves the repository")
    assert {path.name: path.read_text() for path in outside.iterdir()} == {
        "pyproject.toml": "[project]\n",
        "hooks.yaml": HOOKS,
    }


def test_links_that_lead_nowhere_are_not_filled(project: Project, run: Run, tmp_path: Path) -> None:
    project.write({"app.py": SOURCE}).commit()
    for name in ("semfora.toml", CONFIG, RULE):
        (project.path / name).parent.mkdir(parents=True, exist_ok=True)
        (project.path / name).symlink_to(tmp_path / "target")
    assert run("init").code == 2  # the rule folder cannot be read
    assert not (tmp_path / "target").exists()


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("pyproject.toml", b"\xff\xfe", "pyproject.toml: not UTF-8 from byte 1 on"),
        ("pyproject.toml", b"#" * (2 << 20), "pyproject.toml: larger than 1 MiB"),
        (CONFIG, b"repos:\n  - \xff\n", f"{CONFIG}: not UTF-8 from byte 12 on"),
        (CONFIG, b"a: \x07\n", f"{CONFIG}: not valid YAML"),
        (".semfora", b"a file\n", "{root}/.semfora: File exists"),
    ],
)
def test_files_that_cannot_be(project: Project, run: Run, name: str, data: bytes, message: str) -> None:
    project.write({"app.py": SOURCE})
    (project.path / name).write_bytes(data)
    project.commit()
    code, _, err = run("init")
    assert code == 2
    assert err.startswith(f"error: {message.format(root=project.path)}")
    assert (project.path / name).read_bytes() == data


def test_a_merge_keeps_the_mode_of_the_file(project: Project, run: Run) -> None:
    project.write({"pyproject.toml": "[project]\n"})
    (project.path / "pyproject.toml").chmod(0o640)
    run("init")
    assert (project.path / "pyproject.toml").stat().st_mode & 0o777 == 0o640


def test_the_entry_is_what_the_hooks_page_shows() -> None:
    page = (Path(__file__).parents[2] / "docs" / "pre-commit.md").read_text("utf-8")
    block = yaml.safe_load(page.partition("```yaml\n")[2].partition("```")[0])
    ours = yaml.safe_load(new_file())["repos"][0]
    assert (ours["repo"], ours["rev"]) == (block["repos"][0]["repo"], block["repos"][0]["rev"])
    assert [hook for hook in ours["hooks"] if hook not in block["repos"][0]["hooks"]] == []
