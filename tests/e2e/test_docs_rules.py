"""docs/rules.md and docs/recipes.md: every key is there, every example is run, every command works as typed."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import forked
import jsonschema
import pytest
import yaml

from semfora_hooks.cli.rules import COMMANDS
from semfora_hooks.index.entry_points import entry_point
from semfora_hooks.index.frameworks import conventions
from semfora_hooks.languages.facts import SymbolFacts
from semfora_hooks.providers.declarative.examples import EXAMPLE_FIELDS
from semfora_hooks.providers.declarative.fields import FIELDS
from semfora_hooks.providers.declarative.globs import import_glob, module_glob, name_glob, path_glob, type_glob
from semfora_hooks.providers.declarative.keys import ANY, CONSTRUCT_GROUPS, KEYS, NOT, SYNONYMS, TRANSITIVELY
from semfora_hooks.providers.declarative.parsing import parse_file
from semfora_hooks.providers.declarative.recipes import load_recipes
from semfora_hooks.providers.declarative.rule import DeclarativeRule
from semfora_hooks.providers.declarative.schema import rule_schema
from semfora_hooks.providers.declarative.templates import VARIABLES
from semfora_hooks.testing.examples import try_example

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "rules.md").read_text("utf-8")
RECIPES = (DOCS / "recipes.md").read_text("utf-8")


class Block(NamedTuple):
    """A fenced block of the page."""

    line: int
    text: str

    @property
    def rules(self) -> list[DeclarativeRule]:
        parsed = parse_file(f"rules.md:{self.line}", self.text.encode())
        assert [str(error) for error in parsed.errors] == []
        return list(parsed.rules)


def blocks(language: str, page: str = PAGE) -> list[Block]:
    found = re.finditer(rf"^```{language}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    return [Block(page.count("\n", 0, match.start()) + 2, match[1]) for match in found]


def section(title: str) -> str:
    """What stands below a heading, up to the next."""
    return re.split(r"^#+ ", PAGE.partition(f"# {title}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]


def rows(text: str) -> list[list[str]]:
    """The cells of a table's rows, without its head."""
    lines = [line.strip() for line in text.splitlines() if line.strip().startswith("|")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines[2:]]


def code(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


YAML = blocks("yaml")
EXAMPLES = [
    pytest.param(rule, number, id=f"line {block.line}-{rule.id}-{number}")
    for block in YAML
    for rule in block.rules
    for number in range(1, len(rule.examples) + 1)
]
KEY_ROWS = {code(row[0])[0]: row for row in rows(section("Every key"))[: len(KEYS) + 3]}


# ------------------------------------------------------------------------------------------------- what is on the page


def test_every_rule_on_the_page_has_examples_of_both_kinds() -> None:
    every = [rule for block in YAML for rule in block.rules]
    assert len(every) > len(KEYS)
    for rule in every:
        assert {example.fires for example in rule.examples} == {True, False}, rule.id


@pytest.mark.parametrize(("rule", "number"), EXAMPLES)
def test_each_example_holds(rule: DeclarativeRule, number: int) -> None:
    outcome = try_example(rule, number)
    assert outcome.passed, "\n".join(outcome.lines())


@pytest.mark.parametrize("block", YAML, ids=lambda block: f"line {block.line}")
def test_the_schema_takes_each_block(block: Block) -> None:
    for document in yaml.safe_load_all(block.text):
        jsonschema.Draft202012Validator(rule_schema()).validate(document)


# -------------------------------------------------------------------------------------------------------- every key


def test_the_table_has_every_key_and_no_other() -> None:
    assert list(KEY_ROWS) == [*KEYS, ANY, NOT, TRANSITIVELY]


@pytest.mark.parametrize("name", KEYS)
def test_a_row_says_what_the_program_says(name: str) -> None:
    _, also, holds, _ = KEY_ROWS[name]
    assert tuple(code(also)) == KEYS[name].aliases
    assert holds == KEYS[name].help


@pytest.mark.parametrize("name", [*KEYS, ANY, NOT, TRANSITIVELY])
def test_the_example_of_each_row_is_one_that_is_run(name: str) -> None:
    (shown,) = code(KEY_ROWS[name][3])
    example = yaml.safe_load(f"{{{shown}}}")
    assert list(example) == [name]
    run = [
        rule
        for block in YAML
        for document in yaml.safe_load_all(block.text)
        for rule in (document if isinstance(document, list) else [document])
        for mapping in conditions(rule)
        if name in mapping and mapping[name] == example[name]
    ]
    assert run, f"no rule on the page has {shown}"
    assert all(rule["examples"] for rule in run)


def conditions(rule: Any) -> Iterator[dict[str, Any]]:
    """Every mapping under `match` and `condition`."""
    pending = [rule.get("match"), rule.get("condition")]
    while pending:
        node = pending.pop()
        if isinstance(node, dict):
            yield node
            pending += [node.get(NOT), *node.get(ANY, [])]


@pytest.mark.parametrize("name", [name for name, key in KEYS.items() if key.aliases])
def test_other_names_mean_the_same(name: str) -> None:
    (shown,) = code(KEY_ROWS[name][3])
    value = yaml.safe_load(f"{{{shown}}}")[name]
    for alias in KEYS[name].aliases:
        words = {
            parse_file("x.yaml", yaml.safe_dump({"name": "x", "match": {key: value}}).encode()).rules[0].clause.words()
            for key in (name, alias)
        }
        assert len(words) == 1


def test_the_fields_of_a_rule_and_of_an_example() -> None:
    expected = [[name, *field.aliases, field.help] for name, field in FIELDS.items()]
    assert [[*code(row[0]), *code(row[1]), row[2]] for row in rows(section("The fields of a rule"))] == expected
    examples = [[name, text] for name, (_, text) in EXAMPLE_FIELDS.items()]
    assert sorted([*code(row[0]), row[1]] for row in rows(section("Examples"))) == sorted(examples)


def test_constructs_their_synonyms_and_variables() -> None:
    text = section("Every key")
    listed = code(text.partition("**Constructs** are ")[2].partition("A nested function")[0])
    assert set(listed) - {"and", "or"} == set(CONSTRUCT_GROUPS)
    table = rows(text.partition("  | word | means |")[2].join(["\n|head|\n", ""]))
    assert {word: code(means)[0] for words, means in table for word in code(words)} == SYNONYMS
    said = section("Variables in texts").partition("Braces")[0]
    assert {name.strip("{}") for name in code(said) if name.startswith("{")} == set(VARIABLES)


@pytest.mark.parametrize(
    ("name", "decorators", "kind"),
    [
        ("home", ("app.get",), "web_route"),
        ("run", ("cli.command",), "cli_main"),
        ("test_x", (), "test_function"),
        ("shop", ("pytest.fixture",), "test_fixture"),
        ("run", ("register",), "decorated"),
        ("pytest_configure", (), "framework"),
        ("__len__", (), "protocol"),
        ("run", (), "none"),
    ],
)
def test_entry_points_are_named_as_they_are(name: str, decorators: tuple[str, ...], kind: str) -> None:
    facts = SymbolFacts(name, name, "function", "", 0, 1, 2, 1, decorators=decorators)
    called = conventions([], ["pytest"])
    found = entry_point(facts, module="x", in_test_file=True, has_main_guard=False, declared=(), conventions=called)
    assert found == kind
    assert f"`{kind}`" in section("Every key")


@pytest.mark.parametrize(
    ("make", "glob", "fitting", "other"),
    [
        (name_glob, "load", ["load", "app.db.load"], ["reload", "load_all"]),
        (name_glob, "db.*", ["db.load", "app.db.load", "app.db.user.load"], ["dbx.load"]),
        (name_glob, "cursor.execute", ["self.cursor.execute"], ["executor.execute"]),
        (module_glob, "shop.*", ["shop.api", "shop.api.orders"], ["shop", "app.shop.api"]),
        (path_glob, "src/*.py", ["src/a.py"], ["src/a/b.py"]),
        (path_glob, "src/**", ["src/a.py", "src/a/b.py"], ["lib/a.py"]),
        (path_glob, "**/x.py", ["x.py", "a/b/x.py"], ["a/y.py"]),
        (path_glob, "x.py", ["x.py", "a/b/x.py"], ["a/y.py"]),
        (import_glob, "flask", ["flask", "flask.views"], ["flask_login"]),
        (type_glob, "list[*]", ["list[int]"], ["list"]),
    ],
)
def test_globs_fit_what_the_page_says(make: Any, glob: str, fitting: list[str], other: list[str]) -> None:
    assert f"`{glob}`" in section("Globs")
    assert all(make(glob).matches(text) for text in fitting)
    assert not any(make(glob).matches(text) for text in other)


# --------------------------------------------------------------------------------------------------------- commands


class Done(NamedTuple):
    """What a command left behind."""

    returncode: int
    stdout: str
    stderr: str


def run(*arguments: str, cwd: Path) -> Done:
    done = forked.run(arguments, cwd)
    return Done(done.returncode, done.stdout.decode(), done.stderr.decode())


def typed(page: str) -> list[str]:
    """The commands of the page's shell blocks, in order."""
    lines = [line.partition("#")[0].strip() for block in blocks("sh", page) for line in block.text.splitlines()]
    return [line.removeprefix("semfora-hooks ") for line in lines if line]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "repository"
    root.mkdir()
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    (root / "shop.py").write_text(
        "def handle_order(order):\n    return order.total / order.count\n\n\nprint(handle_order)\n"
    )
    (root / "tests").mkdir()
    (root / "tests" / "test_shop.py").write_text(
        "import time\n\n\ndef test_shop():\n    time.sleep(1)\n    assert True\n"
    )
    return root


def test_the_two_minutes(repository: Path) -> None:
    """The commands as typed, with the rule of the page written over the starter in between."""
    new, validate, test, suggest, trace = typed(PAGE)
    assert run(*new.split(), cwd=repository).returncode == 0
    path = repository / ".semfora" / "rules" / "handlers-catch.yaml"
    assert path.is_file()
    path.write_text(YAML[0].text)
    assert (repository / ".semfora" / "rule.v1.json").is_file()
    assert run(*validate.split(), cwd=repository).stdout == "1 rule in 1 file: all valid\n"
    assert run(*test.split(), cwd=repository).stdout == "2 examples of 1 rule: all pass\n"
    found = run(*suggest.split(), cwd=repository)
    assert found.returncode == 0, found.stderr
    assert "shop.py:1:1: warning handlers-catch handle_order: A handler handles errors" in found.stdout
    traced = run(*trace.split(), cwd=repository).stdout
    assert "shop.py:1:1: function shop.handle_order: fires" in traced
    assert "missing_control_flow: try" in traced


def test_the_recipes_commands(repository: Path) -> None:
    show, add, suggest = typed(RECIPES)
    assert "sleep-in-test" in run(*show.split(), cwd=repository).stdout
    assert run(*add.split(), cwd=repository).returncode == 0
    found = run(*suggest.split(), cwd=repository)
    assert found.returncode == 0, found.stderr
    assert "tests/test_shop.py:4:1: warning sleep-in-test test_shop sleeps" in found.stdout


def test_the_table_of_commands_is_complete(repository: Path) -> None:
    named = [code(row[0])[0].replace("\\|", "|") for row in rows(section("Commands"))]
    assert {command.split()[1] for command in named if command.startswith("rules ")} == set(COMMANDS)
    for command in named:
        words = [word for word in command.split() if word.islower()]
        result = run(*[word for word in words if not word.startswith("--")], "--help", cwd=repository)
        assert result.returncode == 0, command
        assert all(word in result.stdout for word in words if word.startswith("--")), command


def test_the_errors_are_those_that_are_printed(repository: Path) -> None:
    broken, printed = (
        re.search(rf"<!-- {name} -->\n```text\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
        for name in ("broken", "printed")
    )
    assert broken is not None
    assert printed is not None
    (repository / ".semfora" / "rules").mkdir(parents=True)
    (repository / ".semfora" / "rules" / "broken.yaml").write_text(broken[1])
    result = run("rules", "validate", cwd=repository)
    assert (result.returncode, result.stdout, result.stderr) == (2, "", printed[1])


# ------------------------------------------------------------------------------------------------------- recipes.md


def test_the_table_of_recipes_is_complete() -> None:
    recipes = load_recipes()
    expected = sorted(
        [rule.group, f"[`{name}`](../semfora_hooks/recipes/{name}.yaml)", rule.severity.value, recipe.summary]
        for recipe in recipes
        for name, rule in [(recipe.name, recipe.rule)]
    )
    assert rows(RECIPES) == expected
    assert f"\n{len(recipes)} rules " in RECIPES


@pytest.mark.parametrize("page", [PAGE, RECIPES], ids=["rules.md", "recipes.md"])
def test_links_lead_somewhere(page: str) -> None:
    anchors = {
        re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in re.findall(r"^#+ (.+)$", page, re.M)
    }
    links = re.findall(r"\]\(([^)]+)\)", page)
    assert links
    for link in links:
        path, _, anchor = link.partition("#")
        assert (DOCS / path).exists() if path else anchor in anchors, link
