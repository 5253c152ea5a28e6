"""Which edit brought a finding about, or fixed it: `--staged` says so, across files."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from .conftest import Outcome, Project

Run = Callable[..., Outcome]

HELPER = "def helper(rows):\n    return list(rows)\n"
ALWAYS = "[rules.dead-code]\npublic = 'always'\n[rules.complexity]\nmax-cognitive = 2\n"


def causes(outcome: Outcome) -> dict[tuple[str, str], list[str]]:
    """What is said about the causes of what is new and what is gone, by rule and symbol."""
    assert outcome.json["errors"] == []
    found: dict[tuple[str, str], list[str]] = {}
    for item in (*outcome.json["recommendations"], *outcome.json["fixed"]):
        key = (item["rule_id"], item["symbols"][0]["id"])
        assert key not in found
        found[key] = [piece["text"] for piece in item["evidence"] if piece["kind"] == "cause"]
    return found


def places(outcome: Outcome) -> list[tuple[str | None, int | None, str | None]]:
    """File, line and symbol of all causes."""
    found = (*outcome.json["recommendations"], *outcome.json["fixed"])
    pieces = [piece for item in found for piece in item["evidence"] if piece["kind"] == "cause"]
    return [(piece["file"], piece["line"], piece["symbol"]) for piece in pieces]


def change(
    project: Project, run: Run, before: dict[str, Any], after: dict[str, Any], *options: str
) -> dict[tuple[str, str], list[str]]:
    project.write({"semfora.toml": ALWAYS, "z.py": "z = 1\n", **before}).commit()
    project.write(after).git("add", "-A")
    outcome = run("suggest", "--staged", "--output-format", "json", *options)
    assert (
        run("suggest", "--staged", "--output-format", "json", "--no-cache", *options).json["recommendations"]
        == (outcome.json["recommendations"])
    )
    return causes(outcome)


@pytest.mark.parametrize(
    ("before", "after", "cause"),
    [
        (
            {"api.py": "from lib import helper\n\nx = 1\nhelper(x)\n"},
            {"api.py": "x = 1\n"},
            "removing the call at api.py:4 left `helper` without callers",
        ),
        (
            {"api.py": "import lib\n\n\ndef main():\n    lib.helper(1)\n    lib.helper(2)\n\n\nmain()\n"},
            {"api.py": "def main():\n    print(1)\n\n\nmain()\n"},
            "removing the calls at api.py:5 (2 times) left `helper` without callers",
        ),
        (
            {"api.py": "import lib\n\nlib.helper(1)\n\n\ndef main():\n    lib.helper(2)\n\n\nmain()\n"},
            {"api.py": "def main():\n    print(1)\n\n\nmain()\n"},
            "removing the calls at api.py:3 and api.py:7 left `helper` without callers",
        ),
        (
            {"api.py": "from lib import helper as h\n\nh(1)\n", "other.py": "import lib\n\nlib.helper(3)\n"},
            {"api.py": None, "other.py": "x = 1\n"},
            "removing the calls at api.py:3 and other.py:3 left `helper` without callers",
        ),
        (
            {f"m{n}.py": "import lib\n\nlib.helper(3)\n" for n in range(5)},
            {f"m{n}.py": "x = 1\n" for n in range(5)},
            "removing the calls at m0.py:3, m1.py:3, m2.py:3 and 2 more left `helper` without callers",
        ),
        (
            {"api.py": "from lib import helper\n\nx = [helper]\n"},
            {"api.py": "x = []\n"},
            "removing the import at api.py:1 left `helper` unused",
        ),
        (
            {"api.py": "use('helper')\n"},
            {"api.py": "use('other')\n"},
            "removing what names it in api.py left `helper` unused",
        ),
    ],
)
def test_what_left_a_function_without_callers(
    project: Project, run: Run, before: dict[str, Any], after: dict[str, Any], cause: str
) -> None:
    found = change(project, run, {"lib.py": HELPER, **before}, after)
    assert found == {("dead-code", "lib.py::helper"): [cause]}


def test_causes_have_places(project: Project, run: Run) -> None:
    """What was taken away has the place where it was, whatever became of its file."""
    uses = {"api.py": "from lib import helper\n\nhelper(1)\n", "b.py": "import lib\n\n\n\nlib.helper(2)\n"}
    steps: list[tuple[dict[str, Any], tuple[str | None, int | None, str | None]]] = [
        ({"api.py": None, "b.py": "x = 1\n"}, ("api.py", 3, None)),
        ({"b.py": "import lib\n\nlib.helper(2)\n"}, ("b.py", 3, None)),
        ({"b.py": "x = 1\n"}, ("b.py", 3, None)),
        ({"b.py": "use('helper')\n"}, ("b.py", None, None)),
    ]
    project.write({"semfora.toml": ALWAYS, "lib.py": HELPER, **uses}).commit()
    for files, place in steps:
        project.write(files).git("add", "-A")
        assert places(run("suggest", "--staged", "--output-format", "json")) == [place]
        project.commit()


@pytest.mark.parametrize(
    ("after", "cause"),
    [
        ("from lib import helper\n\nhelper(1)\n", "adding the call at api.py:3 gave `helper` a caller"),
        ("from lib import helper\n\nx = [helper]\n", "adding the import at api.py:1 put `helper` to use"),
        ("use('helper')\n", "adding what names it in api.py put `helper` to use"),
    ],
)
def test_what_put_a_function_to_use(project: Project, run: Run, after: str, cause: str) -> None:
    found = change(project, run, {"lib.py": HELPER, "api.py": "x = 1\n"}, {"api.py": after})
    assert found == {("dead-code", "lib.py::helper"): [cause]}


def test_what_comes_and_goes_itself(project: Project, run: Run) -> None:
    before = {"lib.py": "def _old(rows):\n    return list(rows)\n"}
    after = {"lib.py": "def _new_one(first, second):\n    print(first, second)\n"}
    assert change(project, run, before, after) == {
        ("dead-code", "lib.py::_new_one"): ["the change adds `_new_one`"],
        ("dead-code", "lib.py::_old"): ["the change removes `_old`"],
    }


def test_numbers(project: Project, run: Run) -> None:
    flat = "def walk(rows):\n    for row in rows:\n        print(row)\n\n\nwalk([])\n"
    deep = "def walk(rows):\n    for row in rows:\n        if row:\n            print(row)\n\n\nwalk([])\n"
    deeper = deep.replace("            print(row)", "            if row.x:\n                print(row)")
    assert change(project, run, {"a.py": flat}, {"a.py": deep}) == {
        ("complexity", "a.py::walk"): ["cognitive complexity grew from 1 to 3"]
    }
    assert change(project, run, {"a.py": deep}, {"a.py": deeper}) == {
        ("complexity", "a.py::walk"): [
            "cognitive complexity grew from 3 to 6",
            "its severity rose from info to warning",
        ]
    }
    assert change(project, run, {"a.py": deep}, {"a.py": flat}) == {
        ("complexity", "a.py::walk"): ["cognitive complexity fell from 3 to 1"]
    }


def test_circles_of_imports(project: Project, run: Run) -> None:
    apart = {"a.py": "import b\n\nprint(b)\n", "b.py": "x = 1\n"}
    closed = {"b.py": "x = 1\nimport a\n\nprint(a)\n"}
    assert change(project, run, apart, closed) == {
        ("module-organization", "a.py"): ["the change adds the import at b.py:2"]
    }
    assert places(run("suggest", "--staged", "--output-format", "json")) == [("b.py", 2, None)]
    assert change(project, run, closed, {"b.py": "x = 1\n"}) == {
        ("module-organization", "a.py"): ["the change removes the import at b.py:2"]
    }
    assert places(run("suggest", "--staged", "--output-format", "json")) == [("b.py", 2, None)]


def test_copies(project: Project, run: Run) -> None:
    body = (
        "(values):\n"
        + "".join(f"    values.append(compute_{n}(values, {n}))\n" for n in range(9))
        + "    return values\n"
    )
    copied = {"b.py": f"def two{body}\n\ntwo([])\n"}
    assert change(project, run, {"a.py": f"def one{body}\n\none([])\n"}, copied) == {
        ("combine-functions", "a.py::one"): ["the change adds `two`"]
    }
    assert places(run("suggest", "--staged", "--output-format", "json")) == [("b.py", 1, "b.py::two")]
    assert change(project, run, copied, {"b.py": "x = 1\n"}) == {
        ("combine-functions", "a.py::one"): ["the change removes `two`"]
    }
    assert places(run("suggest", "--staged", "--output-format", "json")) == [("b.py", 1, "b.py::two")]


def test_copies_that_drift_apart(project: Project, run: Run) -> None:
    lines = [f"    values.append(compute_{n}(values, {n}))\n" for n in range(12)]
    one, two = (f"def {name}(values):\n{''.join(lines)}    return values\n\n\n{name}([])\n" for name in ("one", "two"))
    drifted = two.replace("".join(lines[4:8]), "    for value in values:\n        print(value, sep='')\n")
    apart = {("combine-functions", "a.py::one"): ["the change edits `two`, and the copies are no longer alike"]}
    alike = {("combine-functions", "a.py::one"): ["the change edits `two`, which makes the copies alike"]}
    # What else the change does is no cause of it.
    before = {"a.py": one, "b.py": two, "c.py": "def three(x):\n    return x\n\n\nthree(1)\n"}
    assert change(project, run, before, {"b.py": f"import os\n\nprint(os)\n{drifted}", "c.py": "x = 1\n"}) == apart
    assert places(run("suggest", "--staged", "--output-format", "json")) == [("b.py", 4, "b.py::two")]
    assert change(project, run, {"b.py": drifted}, {"a.py": f"x = 1\n{one}", "b.py": two}) == alike
    assert places(run("suggest", "--staged", "--output-format", "json")) == [("b.py", 1, "b.py::two")]


def test_imports_through_a_source_root(project: Project, run: Run) -> None:
    """The stored index knows a file that comes to be, or goes, under both of its names."""
    steps: list[tuple[dict[str, Any], dict[tuple[str, str], list[str]]]] = [
        ({"src/a.py": "from src.b import z\n\nprint(z)\n"}, {}),
        (
            {"src/b.py": "from src import a\n\nz = 1\nprint(a)\n"},
            {("module-organization", "src/a.py"): ["the change adds the import at src/b.py:1"]},
        ),
        (
            {"src/b.py": None},
            {
                ("module-organization", "src/a.py"): [
                    "the change removes the import at src/b.py:1",
                    "the change removes `b`",
                ]
            },
        ),
    ]
    project.write({"semfora.toml": ALWAYS, "src/c.py": "x = 1\n", "app.py": "import c\n\nprint(c)\n"}).commit()
    for files, found in steps:
        assert change(project, run, {}, files) == found
        project.commit()


def test_inherited_findings_have_no_cause(project: Project, run: Run) -> None:
    project.write({"lib.py": HELPER, "semfora.toml": ALWAYS}).commit()
    project.write({"lib.py": "# more\n" + HELPER}).git("add", "-A")
    outcome = run("suggest", "--staged", "--all", "--output-format", "json")
    assert [item["status"] for item in outcome.json["recommendations"]] == ["inherited"]
    assert causes(outcome) == {("dead-code", "lib.py::helper"): []}


def test_people_see_it(project: Project, run: Run) -> None:
    project.write(
        {"lib.py": HELPER, "semfora.toml": ALWAYS, "api.py": "from lib import helper\n\nhelper(1)\n"}
    ).commit()
    project.write({"api.py": "x = 1\n"}).git("add", "-A")
    out = run("suggest", "--staged", "--output-format", "full").out
    assert "- removing the call at api.py:3 left `helper` without callers\n" in out  # the place is said once
    results = json.loads(run("suggest", "--staged", "--output-format", "sarif").out)["runs"][0]["results"]
    assert "removing the call at api.py:3" in results[0]["message"]["text"]
    assert "relatedLocations" not in results[0]  # nothing of it is there any more


def test_since_a_revision(project: Project, run: Run) -> None:
    project.write(
        {"lib.py": HELPER, "semfora.toml": ALWAYS, "api.py": "from lib import helper\n\nhelper(1)\n"}
    ).commit()
    project.write({"api.py": "x = 1\n"}).commit()
    assert causes(run("suggest", "--since", "HEAD~1", "--output-format", "json")) == {
        ("dead-code", "lib.py::helper"): ["removing the call at api.py:3 left `helper` without callers"]
    }
