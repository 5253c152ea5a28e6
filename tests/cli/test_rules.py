"""`rules validate`, `rules test`, `rules new` and `rules schema`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest
import yaml

from semfora_hooks.providers.declarative.schema import rule_schema

from .conftest import Outcome, Project

Run = Callable[..., Outcome]

GOOD = """\
name: long-handlers
match: {name: "handle_*"}
condition: {min_loc: 2}
examples:
  - fires: |
      def handle_order(order):
          return order
  - silent: "def handle_order(order): return order"
"""


# ---------------------------------------------------------------------------------------------------------------- help


def test_help_names_every_command_and_imports_none(project: Project, run: Run) -> None:
    listed = run("rules", "--help").out.partition("Commands:\n")[2]
    names = [line.split()[0] for line in listed.splitlines() if line.startswith("  ") and not line.startswith("   ")]
    assert {"list", "new", "validate", "test", "schema"} <= set(names)
    for name in names:
        own = run("rules", name, "--help")
        assert own.code == 0 and f"Usage: semfora-hooks rules {name} " in own.out
    code = (
        "import sys; sys.argv[1:] = ['rules', '--help']\n"
        "from semfora_hooks.cli import main\n"
        "try: main()\n"
        "except SystemExit: print([m for m in sys.modules if m == 'yaml' or m.startswith('semfora_hooks.engine')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


# ------------------------------------------------------------------------------------------------------------ validate


def test_valid_rules_are_counted(project: Project, run: Run) -> None:
    project.write({".semfora/rules/a.yaml": GOOD, ".semfora/rules/deep/b.yml": "name: b\nmatch: {name: x}\n"})
    assert run("rules", "validate") == (0, "2 rules in 2 files: all valid; without examples: b\n", "")


def test_all_errors_of_all_files_with_their_places_and_lines(project: Project, run: Run) -> None:
    project.write(
        {
            ".semfora/rules/a.yaml": "name: a\nmatch: {nme: x, min_loc: many}\n",
            ".semfora/rules/b.yaml": GOOD,
            ".semfora/rules/c.yaml": "name: c\nmatch: !!python/object/apply:os.system [true]\n",
            ".semfora/rules/d.yaml": 'name: d\nmatch: {name: "["}\nsuggestion: "fix {symbl}"\n---\nname: x: y\n',
        }
    )
    outcome = run("rules", "validate")
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.splitlines() == [
        "error: .semfora/rules/a.yaml:2:9: unknown key 'nme' (did you mean 'name'?)",
        "      match: {nme: x, min_loc: many}",
        "              ^",
        "error: .semfora/rules/a.yaml:2:26: 'min_loc': expected a whole number from 0, found 'many'",
        "      match: {nme: x, min_loc: many}",
        "                               ^",
        "error: .semfora/rules/c.yaml:2:8: 'match': the tag '!!python/object/apply:os.system' is not allowed "
        "(rule files hold plain text, numbers, true/false, lists and mappings)",
        "      match: !!python/object/apply:os.system [true]",
        "             ^",
        "error: .semfora/rules/d.yaml:2:16: 'name': bad glob '[': '[' is never closed",
        '      match: {name: "["}',
        "                     ^",
        "error: .semfora/rules/d.yaml:3:18: 'suggestion': unknown template variable '{symbl}' (did you mean 'symbol'?)",
        '      suggestion: "fix {symbl}"',
        "                       ^",
        "error: .semfora/rules/d.yaml:5:8: not valid YAML: mapping values are not allowed in this context",
        "      name: x: y",
        "             ^",
        "6 errors in 3 files; 1 rule can run",
    ]


def test_a_name_that_is_taken(project: Project, run: Run) -> None:
    project.write(
        {
            ".semfora/rules/a.yaml": GOOD,
            ".semfora/rules/b.yaml": f"# again\n{GOOD}",
            ".semfora/rules/c.yaml": "name: complexity\nmatch: {name: x}\n",
        }
    )
    outcome = run("rules", "validate")
    assert outcome.code == 2
    assert [line for line in outcome.err.splitlines() if line.startswith("error")] == [
        "error: .semfora/rules/b.yaml:2:7: duplicate rule name 'long-handlers'; it is already defined at "
        ".semfora/rules/a.yaml:1:7 (that one is used; rename this one)",
        "error: .semfora/rules/c.yaml:1:1: duplicate rule name 'complexity'; a rule that ships has it "
        "(rename this one)",
    ]
    assert "      name: complexity\n" in outcome.err


def test_paths_narrow_it_down(project: Project, run: Run, tmp_path: Path) -> None:
    """Files of the rule folder are still seen together with the others there."""
    project.write(
        {
            ".semfora/rules/a.yaml": GOOD,
            ".semfora/rules/b.yaml": GOOD,
            ".semfora/rules/bad.yaml": "name: [",
            "docs/more/recipe.yaml": GOOD,
            "docs/more/.hidden.yaml": "name: [",
        }
    )
    assert run("rules", "validate", ".semfora/rules/a.yaml") == (0, "1 rule in 1 file: all valid\n", "")
    assert run("rules", "validate", ".semfora/rules/b.yaml").code == 2
    assert run("rules", "validate", "docs") == (0, "1 rule in 1 file: all valid\n", "")
    assert run("rules", "validate", "more/recipe.yaml", "more", folder="docs").out.startswith("1 rule in 1 file:")
    whole = run("rules", "validate")
    assert whole.code == 2
    assert run("rules", "validate", ".") == whole == run("rules", "validate", ".semfora/rules")
    outside = tmp_path / "outside.yaml"
    outside.write_text("nme: x\n")
    outcome = run("rules", "validate", str(outside))
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith(f"error: {outside}:1:1: ")


def test_a_file_that_is_linked_to_is_read_as_the_engine_reads_it(project: Project, run: Run) -> None:
    project.write({".semfora/rules/a.yaml": GOOD})
    (project.path / ".semfora/rules/z.yaml").symlink_to("a.yaml")
    outcome = run("rules", "validate")
    assert "error: .semfora/rules/z.yaml:1:7: duplicate rule name 'long-handlers'" in outcome.err
    assert outcome.err.endswith("1 error in 1 file; 1 rule can run\n")


def test_a_path_there_is_not(project: Project, run: Run) -> None:
    outcome = run("rules", "validate", "nothing.yaml")
    assert (outcome.code, outcome.out) == (2, "")
    assert "'nothing.yaml' does not exist" in outcome.err


def test_without_rules_there_is_nothing_to_check(project: Project, run: Run) -> None:
    text = "there are no rules in .semfora/rules; semfora-hooks rules new NAME writes one\n"
    assert run("rules", "validate") == (0, text, "")
    assert run("rules", "test") == (0, text, "")


def test_hostile_files_do_no_harm(project: Project, run: Run, tmp_path: Path) -> None:
    (tmp_path / "secret.yaml").write_text("name: secret\n")
    project.write(
        {".semfora/rules/good.yaml": GOOD, ".semfora/rules/escape.yaml": 'name: "a\\e[31m"\nmatch: {name: x}\n'}
    )
    rules = project.path / ".semfora/rules"
    (rules / "big.yaml").write_bytes(b"# " + b"x" * (10 << 20))
    (rules / "link.yaml").symlink_to(tmp_path / "secret.yaml")
    bomb = [
        "a: &a0 [x, x, x, x, x, x, x, x, x]",
        *(f"b{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 9)),
    ]
    (rules / "bomb.yaml").write_text("\n".join(bomb))
    os.mkfifo(rules / "pipe.yaml")
    outcome = run("rules", "validate")
    assert outcome.code == 2
    places = [line.split(": ")[1] for line in outcome.err.splitlines() if line.startswith("error: ")]
    assert sorted(places)[:1] == [".semfora/rules/big.yaml:1:1"]
    assert {place.partition(":")[0].rpartition("/")[2] for place in places} == {
        "big.yaml",
        "bomb.yaml",
        "escape.yaml",
        "link.yaml",
        "pipe.yaml",
    }
    assert "\x1b" not in outcome.err
    assert outcome.err.endswith("in 5 files; 1 rule can run\n")


# ---------------------------------------------------------------------------------------------------------------- test


def test_examples_that_hold(project: Project, run: Run) -> None:
    project.write({".semfora/rules/a.yaml": GOOD})
    assert run("rules", "test") == (0, "2 examples of 1 rule: all pass\n", "")


WRONG = """\
name: long-handlers
match: {name: "handle_*", is_exported: true}
condition: {min_loc: 4}
examples:
  - note: a handler
    fires: |
      def handle_order(order):
          return order

      def other(order):
          return order
  - silent: |
      def handle_all(orders):
          for order in orders:
              print(order)
          return orders
"""


def test_failing_examples_say_which_symbol_and_which_key(project: Project, run: Run) -> None:
    project.write({".semfora/rules/a.yaml": WRONG})
    outcome = run("rules", "test")
    assert (outcome.code, outcome.err) == (1, "")
    assert outcome.out.splitlines() == [
        ".semfora/rules/a.yaml:6:5: long-handlers, example 1 (a handler): must fire, and is silent",
        "  example.py:1:1: function example.handle_order: silent, since 'min_loc: 4' does not hold (loc is 2)",
        "  example.py:4:1: function example.other: silent, since 'name: handle_*' does not hold (other) "
        "and 'min_loc: 4' does not hold (loc is 2)",
        "  example.py:1:1: module example: silent, since it is a module and 'name: handle_*' does not hold (example)",
        ".semfora/rules/a.yaml:12:5: long-handlers, example 2: must be silent, and fires",
        "  fires on example.py:1: handle_all, since",
        "    name: handle_* (handle_all)",
        "    is_exported: true (yes)",
        "    min_loc: 4 (loc is 4)",
        "2 of 2 examples of 1 rule failed; -u prints what would make them pass",
    ]


def test_update_prints_what_makes_them_pass(project: Project, run: Run) -> None:
    """What it prints is taken at its word: both ways out lead to rules whose examples pass."""
    path = ".semfora/rules/a.yaml"
    project.write({path: WRONG})
    outcome = run("rules", "test", "--update")
    assert outcome.code == 1
    lines = outcome.out.splitlines()
    assert "    'min_loc: 2' instead of 'min_loc: 4'" in lines
    assert "    'min_loc: 5' instead of 'min_loc: 4'" in lines
    assert "  or let line 6 say what the rule does:" in lines
    start = lines.index("    - silent: |")
    assert lines[start : start + 7] == [
        "    - silent: |",
        "        def handle_order(order):",
        "            return order",
        "",
        "        def other(order):",
        "            return order",
        "      note: a handler",
    ]
    begin = lines.index("    - fires: |")
    examples = [*lines[start : start + 7], *lines[begin : begin + 5]]
    head = WRONG.partition("examples:")[0]
    project.write({path: "\n".join([f"{head}examples:", *examples])})
    assert run("rules", "test") == (0, "2 examples of 1 rule: all pass\n", "")
    assert (project.path / path).read_text().startswith(head)  # and nothing was written by itself
    project.write({path: WRONG.replace("min_loc: 4", "min_loc: 2")})
    assert "1 of 2 examples" in run("rules", "test").out


def test_rules_and_files_can_be_named(project: Project, run: Run) -> None:
    project.write(
        {
            ".semfora/rules/a.yaml": WRONG,
            ".semfora/rules/b.yaml": GOOD.replace("long-handlers", "b"),
            ".semfora/rules/bad.yaml": "name: [",
            "more/c.yaml": GOOD.replace("long-handlers", "c"),
        }
    )
    assert run("rules", "test", "b") == (0, "2 examples of 1 rule: all pass\n", "")
    assert run("rules", "test", "b", "more/c.yaml", ".semfora/rules/b.yaml").out == "4 examples of 2 rules: all pass\n"
    assert run("rules", "test", "more") == (0, "2 examples of 1 rule: all pass\n", "")
    assert run("rules", "test", ".semfora/rules/a.yaml").code == 1
    assert run("rules", "test", "long-handlrs") == (
        2,
        "",
        "error: there is no rule and no file 'long-handlrs' (did you mean 'long-handlers'?)\n",
    )
    everything = run("rules", "test")
    assert everything.code == 2  # a broken file is worse than a failing example, and hides none
    assert everything.err.startswith("error: .semfora/rules/bad.yaml:1:8: not valid YAML: ")
    assert everything.err.splitlines()[1:] == ["      name: [", "             ^"]
    assert "2 of 4 examples of 2 rules failed" in everything.out


@pytest.mark.parametrize(
    ("example", "problem"),
    [
        ('silent: "def f(:"', "incomplete: example.py: "),
        ("{language: go, silent: 'package main'}", "nothing of it is analysed: example.go (what is ends with"),
        ('{path: "a\\0.py", silent: "x = 1"}', "its files cannot be analysed: embedded null byte"),
        ("{files: {a: x, a/b.py: 'x = 1'}, silent: true}", "its files cannot be analysed: "),
        ("{files: {semfora.toml: 'slect = 1', b.py: x}, silent: true}", "its files cannot be analysed: semfora.toml: "),
    ],
)
def test_an_example_that_proves_nothing_is_an_error(project: Project, run: Run, example: str, problem: str) -> None:
    body = example if example.startswith("{") else f"{{{example}}}"
    project.write({".semfora/rules/a.yaml": f"name: a\nmatch: {{name: load}}\nexamples:\n  - {body}\n"})
    outcome = run("rules", "test", "-u")
    assert outcome.code == 2
    head, why, *_, total = outcome.out.splitlines()
    assert head.startswith(".semfora/rules/a.yaml:4:") and head.endswith(" must be silent, and could not be checked")
    assert why.startswith(f"  {problem}")
    assert total == "1 of 1 example of 1 rule failed"


def test_rules_without_examples_are_named(project: Project, run: Run) -> None:
    project.write({".semfora/rules/a.yaml": "[{name: a, match: {name: x}}, {name: b, match: {name: x}}]"})
    assert run("rules", "test") == (0, "0 examples of 2 rules: all pass; without examples: a, b\n", "")


def test_examples_leave_nothing_behind(
    project: Project, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    project.write({".semfora/rules/a.yaml": WRONG})
    before = sorted(project.path.rglob("*"))
    run("rules", "test", "-u")
    assert sorted(project.path.rglob("*")) == before
    assert list(temporary.iterdir()) == []


# ----------------------------------------------------------------------------------------------------------------- new


@pytest.mark.parametrize(
    "name", ["api-errors", "api/errors", "a.b_c", "1.5", "null", "2024-01-01", "yes", "0x1F", "x" * 100]
)
def test_a_new_rule_is_valid_and_its_examples_pass(project: Project, run: Run, name: str) -> None:
    assert run("rules", "new", name) == (0, f"wrote .semfora/rules/{name}.yaml; it says how to go on\n", "")
    assert run("rules", "validate") == (0, "1 rule in 1 file: all valid\n", "")
    assert run("rules", "test", name) == (0, "3 examples of 1 rule: all pass\n", "")
    path = project.path / f".semfora/rules/{name}.yaml"
    text = path.read_text()
    schema = text.splitlines()[0].removeprefix("# yaml-language-server: $schema=")
    published = json.loads((path.parent / schema).resolve().read_text())
    assert published == rule_schema()
    document = yaml.safe_load(text)
    assert document["name"] == name
    jsonschema.Draft202012Validator(published).validate(document)
    assert f"--rule {name} --trace SYMBOL" in text


def test_the_commands_in_a_new_rule_work(project: Project, run: Run) -> None:
    project.write({"app.py": "def handle_x(x):\n    return x\n"})
    run("rules", "new", "mine")
    text = (project.path / ".semfora/rules/mine.yaml").read_text()
    commands = [
        line.split("semfora-hooks ")[1].split("  ")[0].split()
        for line in text.splitlines()
        if "   semfora-hooks " in line
    ]
    assert len(commands) == 4
    outcomes = [run(*(word.replace("SYMBOL", "handle_x") for word in command)) for command in commands]
    assert [outcome.code for outcome in outcomes] == [0, 0, 0, 0]
    assert "app.py:1:1: warning mine handle_x" in outcomes[2].out
    assert outcomes[3].out.startswith("app.py:1:1: function app.handle_x: fires\n")


def test_nothing_is_overwritten(project: Project, run: Run) -> None:
    project.write({".semfora/rules/a.yaml": "# mine\n", ".semfora/rule.v1.json": "{}", ".semfora/rules/b.yaml": GOOD})
    assert run("rules", "new", "a") == (
        2,
        "",
        "error: .semfora/rules/a.yaml is there already, and nothing is overwritten (choose another name)\n",
    )
    assert run("rules", "new", "long-handlers") == (
        2,
        "",
        "error: there is a rule 'long-handlers' already, at .semfora/rules/b.yaml:1 (choose another name)\n",
    )
    assert (
        run("rules", "new", "dead-code").err == "error: there is a rule 'dead-code' that ships (choose another name)\n"
    )
    assert run("rules", "new", "c").code == 0
    assert (project.path / ".semfora/rules/a.yaml").read_text() == "# mine\n"
    assert (project.path / ".semfora/rule.v1.json").read_text() == "{}"


def test_a_schema_of_another_version_is_told_and_refreshed(project: Project, run: Run) -> None:
    project.write({".semfora/rules/b.yaml": GOOD})
    path = project.path / ".semfora/rule.v1.json"
    assert run("rules", "validate").err == ""  # nobody has to have one
    assert run("rules", "schema", "--write") == (0, "wrote .semfora/rule.v1.json\n", "")
    fresh = path.read_bytes()
    assert json.loads(fresh) == rule_schema()
    assert run("rules", "schema", "--write") == (0, ".semfora/rule.v1.json is as it should be\n", "")
    path.write_text(json.dumps(rule_schema(), indent=None))
    assert run("rules", "validate").err == ""  # another layout is the same schema
    older = rule_schema()
    del older["$defs"]["condition"]["properties"]["has_base_class"]
    for text in (json.dumps(older, indent=2), "<<<<<<< HEAD\n" + fresh.decode(), "{}"):
        path.write_text(text)
        code, out, err = run("rules", "validate")
        assert (code, out) == (0, "1 rule in 1 file: all valid\n")
        assert err == (
            "note: .semfora/rule.v1.json is not the schema that this semfora-hooks has, so editors may complete "
            "and mark rules wrongly (semfora-hooks rules schema --write refreshes it)\n"
        )
        assert run("rules", "new", "x").code == 0 and path.read_text() == text  # which overwrites nothing
        (project.path / ".semfora/rules/x.yaml").unlink()
        assert run("rules", "schema", "--write") == (0, "wrote .semfora/rule.v1.json\n", "")
        assert path.read_bytes() == fresh


def test_only_a_schema_of_rules_is_refreshed(project: Project, run: Run, tmp_path: Path) -> None:
    other = '{"title": "mine"}\n'
    project.write({".semfora/rule.v1.json": other})
    path = project.path / ".semfora/rule.v1.json"
    code, out, err = run("rules", "schema", "--write")
    assert (code, out) == (2, "")
    assert err.startswith("error: .semfora/rule.v1.json holds no schema of rule files, so it is not overwritten (")
    assert path.read_text() == other
    path.unlink()
    outside = tmp_path / "outside.json"
    outside.write_text("{}")
    path.symlink_to(outside)
    assert run("rules", "validate").err == ""
    assert run("rules", "schema", "--write").code == 2
    assert outside.read_text() == "{}" and path.is_symlink()
    path.unlink()
    path.parent.rmdir()
    folder = tmp_path / "folder"
    folder.mkdir()
    path.parent.symlink_to(folder)
    assert "a symbolic link that leaves the repository" in run("rules", "schema", "--write").err
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    "name",
    [
        "../x",
        "a/../../x",
        "/tmp/x",
        "a//b",
        "a/",
        ".hidden",
        "a/.hidden",
        "a b",
        "a\nb",
        "a\x1b[31mb",
        "",
        "x" * 101,
        "~",
        "a\\b",
        "é",
        "a:b",
        "a,b",
        "-",
    ],
)
def test_hostile_names_are_refused(project: Project, run: Run, name: str) -> None:
    before = sorted(project.path.parent.rglob("*"))
    outcome = run("rules", "new", "--", name)
    assert (outcome.code, outcome.out) == (2, "")
    assert "cannot be the name of a rule and its file" in outcome.err
    assert "\x1b" not in outcome.err and len(outcome.err.splitlines()) == 1
    assert sorted(project.path.parent.rglob("*")) == before


@pytest.mark.parametrize("link", [".semfora", ".semfora/rules", ".semfora/rules/sub"])
def test_links_out_of_the_repository_are_not_followed(project: Project, run: Run, tmp_path: Path, link: str) -> None:
    outside = tmp_path / "outside"
    (outside / "rules/sub").mkdir(parents=True)
    (project.path / link).parent.mkdir(parents=True, exist_ok=True)
    (project.path / link).symlink_to(outside)
    before = sorted(outside.rglob("*"))
    outcome = run("rules", "new", "sub/x")
    assert outcome.code == 2
    assert "a symbolic link that leaves the repository; nothing is written through it" in outcome.err
    assert sorted(outside.rglob("*")) == before


def test_a_dangling_link_in_the_files_place_is_not_written_through(project: Project, run: Run, tmp_path: Path) -> None:
    (project.path / ".semfora/rules").mkdir(parents=True)
    (project.path / ".semfora/rules/x.yaml").symlink_to(tmp_path / "target.yaml")
    (project.path / ".semfora/rule.v1.json").symlink_to(tmp_path / "target.json")
    assert run("rules", "new", "x").code == 2
    assert not (tmp_path / "target.yaml").exists() and not (tmp_path / "target.json").exists()


# -------------------------------------------------------------------------------------------------------------- schema


def test_the_schema_tells_good_documents_from_bad(project: Project, run: Run) -> None:
    outcome = run("rules", "schema")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out == run("schema", "rule").out
    jsonschema.Draft202012Validator.check_schema(outcome.json)
    validator = jsonschema.Draft202012Validator(outcome.json)
    good = yaml.safe_load(GOOD)
    for document in (good, [good, good], {"id": "old", "match": {"module_pattern": "a.*", "min_calls": 2}}):
        assert validator.is_valid(document)
    for bad in (
        {**good, "nme": "x"},
        {**good, "match": {"nme": "x"}},
        {**good, "condition": {"min_loc": "many"}},
        {**good, "condition": {"any": [{"not": {"min_lok": 1}}]}},
        {**good, "severity": "fatal"},
        {**good, "examples": [{"fires": 3}]},
        {"match": {"name": "x"}},
        {"name": "x"},
        "text",
    ):
        assert not validator.is_valid(bad)


def test_every_key_of_the_schema_says_what_it_is(run: Run, project: Project) -> None:
    """What an editor shows beside a completion."""
    definitions = run("rules", "schema").json["$defs"]
    for name in ("rule", "condition", "example"):
        for key, schema in definitions[name]["properties"].items():
            assert len(schema["description"]) > 10, key
