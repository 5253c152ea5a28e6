"""Code that moves or gets another name takes its findings along: they are not new."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from .conftest import Outcome, Project, statuses

Run = Callable[..., Outcome]

LONG = """\
def {name}(rows, {extra}):
    first = [row for row in rows if row]
    second = sorted(first)
    for row in second:
        if row.parts:
            for part in row.parts:
                print(part, {extra})
    print(len(first), len(second))
    return second
"""
SHORT = "def {name}(rows):\n    return list(rows)\n"
COPY = "def {name}(values):\n" + "".join(f"    values.append(compute_{n}(values, {n}))\n" for n in range(9))
STRICT = "[rules.dead-code]\npublic = 'always'\n[rules.complexity]\nmax-cognitive = 5\n"

Found = list[tuple[str, str, str | None]]


def judged(run: Run, *options: str) -> Found:
    """Statuses of a staged change, and the same without the cache."""
    arguments = ("suggest", "--staged", "--output-format", "json", *options)
    found = statuses(run(*arguments))
    assert statuses(run(*arguments, "--no-cache")) == found
    return found


def change(project: Project, run: Run, before: dict[str, str], after: dict[str, str | None], *options: str) -> Found:
    project.write({"semfora.toml": STRICT, "z.py": "z = 1\n", **before}).commit()
    project.write(after).git("add", "-A")
    return judged(run, *options)


def test_a_function_moves_to_another_module(project: Project, run: Run) -> None:
    before = {"a.py": "x = 1\n\n\n" + LONG.format(name="_walk", extra="deep"), "b.py": "y = 1\n"}
    after: dict[str, str | None] = {"a.py": "x = 1\n", "b.py": "y = 1\n\n\n" + LONG.format(name="_walk", extra="deep")}
    assert change(project, run, before, after) == []
    assert judged(run, "--all") == [
        ("inherited", "dead-code", "b.py::_walk"),
        ("inherited", "complexity", "b.py::_walk"),
    ]


def test_a_short_function_moves_into_a_class(project: Project, run: Run) -> None:
    """A method is no function: another kind of thing, and another finding."""
    before = {"a.py": "def _f(rows):\n    return list(rows)\n"}
    after: dict[str, str | None] = {
        "a.py": "class Shelf:\n    def _f(rows):\n        return list(rows)\n\n\nprint(Shelf)\n"
    }
    assert change(project, run, before, after) == [
        ("introduced", "dead-code", "a.py::Shelf._f"),
        ("fixed", "dead-code", "a.py::_f"),
    ]


def test_a_function_moves_and_is_edited(project: Project, run: Run) -> None:
    text = LONG.format(name="_walk", extra="deep")
    deeper = text.replace(
        "                print(part, deep)", "                if part:\n                    print(part, deep)"
    )
    found = change(project, run, {"a.py": text, "b.py": "y = 1\n"}, {"a.py": "x = 1\n", "b.py": f"y = 1\n\n\n{deeper}"})
    assert found == [("worsened", "complexity", "b.py::_walk")]


def test_what_has_the_name_alone_in_common_is_another_function(project: Project, run: Run) -> None:
    other = "def _walk(path):\n    with open(path) as stream:\n        for line in stream:\n            yield line\n"
    found = change(project, run, {"a.py": SHORT.format(name="_walk"), "b.py": "y = 1\n"}, {"a.py": None, "b.py": other})
    assert found == [("introduced", "dead-code", "b.py::_walk"), ("fixed", "dead-code", "a.py::_walk")]


def test_a_function_gets_another_name(project: Project, run: Run) -> None:
    before = {"a.py": LONG.format(name="walk", extra="deep") + "\n\nwalk([], 1)\n"}
    after: dict[str, str | None] = {"a.py": LONG.format(name="stroll", extra="deep") + "\n\nstroll([], 1)\n"}
    assert change(project, run, before, after) == []
    assert judged(run, "--all") == [("inherited", "complexity", "a.py::stroll")]


def test_a_short_function_gets_another_name_in_its_place(project: Project, run: Run) -> None:
    """Equal texts of a line prove little, unless they stand in one file."""
    before, after = SHORT.format(name="_walk"), SHORT.format(name="_stroll")
    assert change(project, run, {"a.py": f"x = 1\n\n\n{before}"}, {"a.py": f"x = 1\n\n\n{after}"}) == []
    assert judged(run, "--all") == [("inherited", "dead-code", "a.py::_stroll")]
    project.git("commit", "-q", "-m", "change")
    project.write({"a.py": "x = 1\n", "b.py": SHORT.format(name="_run")}).git("add", "-A")
    assert judged(run) == [("introduced", "dead-code", "b.py::_run"), ("fixed", "dead-code", "a.py::_stroll")]


def test_a_long_function_becomes_a_method(project: Project, run: Run) -> None:
    text = LONG.format(name="walk", extra="deep")
    inner = "".join(f"    {line}" for line in text.splitlines(keepends=True))
    before = {"a.py": f"{text}\n\nwalk([], 1)\n"}
    after: dict[str, str | None] = {"a.py": f"class Shelf:\n    @staticmethod\n{inner}\n\nShelf.walk([], 1)\n"}
    assert change(project, run, before, after) == []
    assert judged(run, "--all") == [("inherited", "complexity", "a.py::Shelf.walk")]


def test_a_class_gets_another_name(project: Project, run: Run) -> None:
    assert change(project, run, {"a.py": NODE}, {"a.py": NODE.replace("Node", "Leaf")}) == []


def test_a_file_is_renamed_and_its_functions_too(project: Project, run: Run) -> None:
    project.write({"semfora.toml": STRICT, "a.py": LONG.format(name="_walk", extra="deep")}).commit()
    project.git("mv", "a.py", "b.py")
    project.write({"b.py": LONG.format(name="_stroll", extra="deep")}).git("add", "-A")
    assert judged(run) == []


def test_two_new_functions_are_not_both_the_old_one(project: Project, run: Run) -> None:
    text = LONG.format(name="_walk", extra="deep")
    after: dict[str, str | None] = {"a.py": None, "b.py": text, "c.py": text.replace("first", "begin")}
    found = change(project, run, {"a.py": text}, after, "--select", "dead-code")
    assert found == [("introduced", "dead-code", "c.py::_walk")]


def test_a_copy_moves(project: Project, run: Run) -> None:
    one, two = COPY.format(name="one"), COPY.format(name="two")
    used = "import a\nimport b\n\nprint(a, b, 'one', 'two')\n"
    before = {"a.py": one, "b.py": two, "use.py": used, "c.py": "z = 1\n"}
    moved: dict[str, str | None] = {"b.py": "x = 1\n", "c.py": two}
    assert change(project, run, before, moved) == []
    project.commit()
    project.write({"a.py": "x = 1\n", "d.py": one}).git("add", "-A")
    assert judged(run) == []
    assert judged(run, "--all") == [("inherited", "combine-functions", "c.py::two")]


def test_one_more_copy_makes_it_worse_wherever_it_stands(project: Project, run: Run) -> None:
    before = {
        "b.py": COPY.format(name="one") + "\n\n" + COPY.format(name="two"),
        "use.py": "print('one', 'two', 'new')\n",
    }
    found = change(project, run, before, {"a.py": COPY.format(name="new")})
    assert found == [("worsened", "combine-functions", "a.py::new")]


def test_hundreds_of_functions_move_at_once(project: Project, run: Run) -> None:
    """Too many to compare each with each: those that kept their names are found."""
    names = [f"_step_{number}" for number in range(120)]
    functions = {name: LONG.format(name=name, extra=f"extra{number}") for number, name in enumerate(names)}
    project.write({"semfora.toml": STRICT, "a.py": "\n\n".join(functions.values())}).commit()
    spread: dict[str, str | None] = {f"pkg/m{n}.py": "\n\n".join(list(functions.values())[n::10]) for n in range(10)}
    project.write({**spread, "a.py": None}).git("add", "-A")
    outcome = run("suggest", "--staged", "--output-format", "json", "--select", "dead-code,complexity")
    assert [item for item in statuses(outcome) if item[0] != "inherited"] == []
    whole = statuses(run("suggest", "--staged", "--all", "--output-format", "json", "--select", "dead-code,complexity"))
    assert len(whole) == 240


NODE = """\
class Node:
    def __init__(self, x):
        self.x = x

    def _gone(self):
        return Node(1)


Node(2)
"""


@pytest.mark.parametrize("name", ["we::ird.py", "a::b::c.py"])
def test_names_with_two_colons(project: Project, run: Run, name: str) -> None:
    """Two colons in a file's name do not end it, whether both sides are read whole or told from the stored index."""
    project.write({"semfora.toml": STRICT, "a.py": "x = 1\n", name: NODE}).commit()
    assert [item["symbols"][0]["id"] for item in run("suggest", "--output-format", "json").json["recommendations"]] == [
        f"{name}::Node._gone"
    ]
    project.write({"a.py": SHORT.format(name="_f")}).git("add", "-A")
    new = ("introduced", "dead-code", "a.py::_f")
    assert judged(run) == [new]
    assert judged(run) == [new]  # from the stored index this time
    project.write({name: NODE.replace("_gone(self)", "_lost(self, more)")}).git("add", "-A")
    gone = ("fixed", "dead-code", f"{name}::Node._gone")
    assert judged(run) == [new, ("introduced", "dead-code", f"{name}::Node._lost"), gone]
    project.git("mv", name, "plain.py")
    assert judged(run) == [new, ("introduced", "dead-code", "plain.py::Node._lost"), gone]
    project.write({"plain.py": NODE}).git("add", "-A")
    assert judged(run) == [new]


def test_a_name_that_reads_like_a_symbol_is_left_out_aloud(project: Project, run: Run) -> None:
    """`a.py::f.py` may be a file, or the method `py` of the class `f` in `a.py`."""
    project.write(
        {"a.py": "class f:\n    def py(self):\n        return 1\n\n\nf()\n", "a.py::f.py": "x = 1\n"}
    ).commit()
    reason = "its name reads like a symbol of another file; rename it"
    for options in ((), ("--no-cache",)):
        outcome = run("suggest", "--output-format", "json", *options)
        assert [(item["file"], item["reason"]) for item in outcome.json["incomplete"]] == [("a.py::f.py", reason)]
    project.write({"a.py::f.py": SHORT.format(name="_f"), "b.py": SHORT.format(name="_g")}).git("add", "-A")
    for _ in range(2):
        assert judged(run) == [("introduced", "dead-code", "b.py::_g")]
    outcome = run("suggest", "--staged", "--output-format", "json")
    assert [(item["file"], item["reason"]) for item in outcome.json["incomplete"]] == [("a.py::f.py", reason)]
