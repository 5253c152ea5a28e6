"""The recipes that ship: each is valid, says why, and does what its examples say."""

from __future__ import annotations

import re

import jsonschema
import pytest
import yaml

from semfora_hooks.config import Config
from semfora_hooks.providers.declarative.parsing import parse_file
from semfora_hooks.providers.declarative.recipes import Recipe, load_recipes, recipe_names
from semfora_hooks.providers.declarative.schema import rule_schema
from semfora_hooks.rules import load_builtin
from semfora_hooks.testing.examples import try_example

RECIPES = load_recipes()
BUILT_IN = {rule.id for rule in load_builtin(Config(root=".")).rules}
SCHEMA = jsonschema.Draft202012Validator(rule_schema())
EXAMPLES = [
    pytest.param(recipe, number, id=f"{recipe.name}-{number}")
    for recipe in RECIPES
    for number in range(1, len(recipe.rule.examples) + 1)
]

each = pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)


def test_there_are_at_least_25() -> None:
    assert len(RECIPES) >= 25
    assert [recipe.name for recipe in RECIPES] == recipe_names() == sorted(set(recipe_names()))


@pytest.mark.parametrize(("recipe", "number"), EXAMPLES)
def test_each_example_holds(recipe: Recipe, number: int) -> None:
    outcome = try_example(recipe.rule, number)
    assert outcome.passed, "\n".join(outcome.lines())


@each
def test_a_recipe_is_valid_and_its_schema_agrees(recipe: Recipe) -> None:
    parsed = parse_file("x.yaml", recipe.text.encode())
    assert (list(parsed.errors), len(parsed.rules)) == ([], 1)
    SCHEMA.validate(yaml.safe_load(recipe.text))


@each
def test_a_recipe_says_what_and_why_and_how_to_fix(recipe: Recipe) -> None:
    rule = recipe.rule
    assert rule.id == recipe.name
    assert rule.id not in BUILT_IN
    sentences = re.findall(r"[.](?:\s|$)", rule.description)
    assert len(sentences) >= 2, "the description needs a sentence that says what, and one that says why"
    assert rule.remedy
    assert rule.definition.title is not None
    assert recipe.text.startswith("# yaml-language-server: $schema=../rule.v1.json\n")


@each
def test_a_recipe_shows_both_what_fires_and_what_does_not(recipe: Recipe) -> None:
    assert {example.fires for example in recipe.rule.examples} == {True, False}
    assert all(example.note for example in recipe.rule.examples)
