"""`rules add`: rules that ship as recipes become the repository's own."""

from __future__ import annotations

from pathlib import Path

import click

from semfora_hooks.cli import EXIT_CLEAN
from semfora_hooks.cli.rules.reading import read_rules
from semfora_hooks.discovery import find_root
from semfora_hooks.errors import UsageError
from semfora_hooks.providers.declarative.recipes import Recipe, load_recipes, write_recipes


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--list", "show", is_flag=True, help="List the recipes instead, with what each says.")
def add(names: tuple[str, ...], show: bool) -> int:
    """Copy rules of the library to .semfora/rules/NAME.yaml. Overwrites nothing.

    A copy is the repository's own: change what its first lines say may need changing. Its examples keep holding it to
    what it does.
    """
    if show:
        _list(load_recipes(names or None))
        return EXIT_CLEAN
    if not names:
        raise UsageError("which rules?", hint="'semfora-hooks rules add --list' lists them")
    recipes = load_recipes(names)
    root = find_root([], Path.cwd()).path
    wanted = {recipe.name for recipe in recipes}
    for rule in read_rules(root).rules:
        if rule.id in wanted:
            raise UsageError(
                f"there is a rule '{rule.id}' already, at {rule.origin}:{rule.place.line}",
                hint="leave it out; nothing was written",
            )
    for path in write_recipes(root, recipes):
        click.echo(f"wrote {path.relative_to(root).as_posix()}")
    click.echo("now see what they find, and change what does not fit:")
    click.echo(f"  semfora-hooks suggest {' '.join(f'--rule {recipe.name}' for recipe in recipes)}")
    click.echo(f"  semfora-hooks rules test {' '.join(recipe.name for recipe in recipes)}")
    return EXIT_CLEAN


def _list(recipes: list[Recipe]) -> None:
    """One line a recipe, by group."""
    wide = max(len(recipe.name) for recipe in recipes)
    for recipe in sorted(recipes, key=lambda recipe: (recipe.rule.group, recipe.name)):
        rule = recipe.rule
        click.echo(f"{rule.group:<18}  {recipe.name:<{wide}}  {rule.severity.value:<7}  {recipe.summary}")
