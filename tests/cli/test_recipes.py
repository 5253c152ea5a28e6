"""`rules add`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from semfora_hooks.providers.declarative.recipes import load_recipes, recipe_names

from .conftest import Outcome, Project

Run = Callable[..., Outcome]
RULES = ".semfora/rules"


def written(project: Project) -> list[str]:
    folder = project.path / ".semfora"
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_a_recipe_becomes_the_repositorys_own(project: Project, run: Run) -> None:
    outcome = run("rules", "add", "no-print")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.splitlines() == [
        "wrote .semfora/rules/no-print.yaml",
        "now see what they find, and change what does not fit:",
        "  semfora-hooks suggest --rule no-print",
        "  semfora-hooks rules test no-print",
    ]
    assert written(project) == ["rule.v1.json", "rules/no-print.yaml"]
    (recipe,) = load_recipes(["no-print"])
    assert (project.path / RULES / "no-print.yaml").read_text("utf-8") == recipe.text
    project.write({"shop/orders.py": "def place(order):\n    print(order)\n", "shop/__init__.py": ""})
    found = run("suggest", "--rule", "no-print", "--fail-on", "warning", "--output-format", "json")
    assert found.code == 1
    assert [item["title"] for item in found.json["recommendations"]] == ["place prints"]


def test_all_at_once_are_valid_and_pass(project: Project, run: Run) -> None:
    names = recipe_names()
    assert run("rules", "add", *names, names[0]).code == 0
    assert written(project) == ["rule.v1.json", *(f"rules/{name}.yaml" for name in names)]
    count = len(names)
    assert run("rules", "validate") == (0, f"{count} rules in {count} files: all valid\n", "")
    tested = run("rules", "test")
    assert (tested.code, tested.err) == (0, "")
    assert tested.out.endswith(f" examples of {count} rules: all pass\n")


def test_the_list(project: Project, run: Run) -> None:
    outcome = run("rules", "add", "--list")
    assert (outcome.code, outcome.err) == (0, "")
    lines = outcome.out.splitlines()
    assert sorted(line.split()[1] for line in lines) == recipe_names()
    assert [line.split()[0] for line in lines] == sorted(line.split()[0] for line in lines)
    assert any(line.endswith("Only the command line prints") for line in lines)
    some = run("rules", "add", "--list", "sleep-in-test", "layering").out.splitlines()
    assert [line.split()[:3] for line in some] == [
        ["layers", "layering", "error"],
        ["tests", "sleep-in-test", "warning"],
    ]
    assert not (project.path / ".semfora").exists()


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["layring"], "there is no recipe 'layring' (did you mean 'layering'?)"),
        (["layering", "async", "sleep-in-tests"], "there is no recipe 'async' (these are near: "),
        (["sleep-in-tests", "layering"], "there is no recipe 'sleep-in-tests' (did you mean 'sleep-in-test'?)"),
        (["../rules/layering"], "there is no recipe '../rules/layering'"),
        (["/etc/passwd"], "there is no recipe '/etc/passwd'"),
        (["layering.yaml"], "(did you mean 'layering'?)"),
        ([""], "there is no recipe ''"),
        (["a\x1b[2Jb"], "there is no recipe 'a\\x1b[2Jb'"),
        (["x" * 5000], f"there is no recipe '{'x' * 59}…'"),
    ],
)
def test_an_unknown_name_writes_nothing(project: Project, run: Run, names: list[str], said: str) -> None:
    outcome = run("rules", "add", *names)
    assert (outcome.code, outcome.out) == (2, "")
    assert said in outcome.err
    assert "\x1b" not in outcome.err
    assert outcome.err.endswith("'semfora-hooks rules add --list' lists them all; nothing was written)\n")
    assert not (project.path / ".semfora").exists()


def test_all_unknown_names_are_told(run: Run) -> None:
    err = run("rules", "add", "nope", "layring").err
    assert "'nope'" in err
    assert "'layring'" in err


def test_without_a_name(run: Run) -> None:
    assert run("rules", "add") == (2, "", "error: which rules? ('semfora-hooks rules add --list' lists them)\n")


def test_nothing_is_overwritten(project: Project, run: Run) -> None:
    ours = "name: ours\nmatch: {name: x}\n"
    project.write({f"{RULES}/no-print.yaml": ours, ".semfora/rule.v1.json": "{}"})
    outcome = run("rules", "add", "layering", "no-print")
    assert outcome == (
        2,
        "",
        "error: .semfora/rules/no-print.yaml is there already, and nothing is overwritten "
        "(leave it out, or move it away)\n",
    )
    assert written(project) == ["rule.v1.json", "rules/no-print.yaml"]
    assert (project.path / RULES / "no-print.yaml").read_text() == ours
    assert run("rules", "add", "layering").code == 0
    assert (project.path / ".semfora/rule.v1.json").read_text() == "{}"


def test_a_rule_of_that_name_elsewhere(project: Project, run: Run) -> None:
    project.write({f"{RULES}/ours/all.yaml": "- name: layering\n  match: {name: x}\n"})
    outcome = run("rules", "add", "layering")
    assert outcome.code == 2
    assert "there is a rule 'layering' already, at .semfora/rules/ours/all.yaml:1" in outcome.err
    assert written(project) == ["rules/ours/all.yaml"]


def test_a_broken_rule_file_does_not_stand_in_the_way(project: Project, run: Run) -> None:
    project.write({f"{RULES}/broken.yaml": "name: [\n"})
    assert run("rules", "add", "layering").code == 0
    assert run("rules", "validate").code == 2


@pytest.mark.parametrize("link", [".semfora", RULES])
def test_nothing_is_written_through_a_link_that_leaves(project: Project, run: Run, tmp_path: Path, link: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (project.path / link).parent.mkdir(exist_ok=True)
    (project.path / link).symlink_to(outside)
    outcome = run("rules", "add", "layering")
    assert outcome.code == 2
    assert "leaves the repository" in outcome.err
    assert list(outside.iterdir()) == []


def test_a_link_in_the_files_place_stays(project: Project, run: Run, tmp_path: Path) -> None:
    target = tmp_path / "target"
    (project.path / RULES).mkdir(parents=True)
    (project.path / RULES / "layering.yaml").symlink_to(target)
    assert run("rules", "add", "layering").code == 2
    assert not target.exists()


def test_from_a_folder_below(project: Project, run: Run) -> None:
    project.write({"shop/orders.py": "x = 1\n"}).commit()
    assert run("rules", "add", "layering", folder="shop").code == 0
    assert written(project) == ["rule.v1.json", "rules/layering.yaml"]
