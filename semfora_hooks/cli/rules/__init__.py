"""`semfora-hooks rules`: what there is to check with, and everything for those who write rules."""

from __future__ import annotations

import click

from semfora_hooks.cli.lazygroup import LazyGroup

COMMANDS = {
    "list": ("semfora_hooks.cli.rules.listing:list_rules", "List every rule of every provider, selected or not."),
    "new": ("semfora_hooks.cli.rules.starting:new", "Write a commented rule to start from."),
    "add": ("semfora_hooks.cli.recipes:add", "Copy rules of the library, to use as they are or to change."),
    "validate": ("semfora_hooks.cli.rules.checking:validate", "Check the rules in YAML, all errors at once."),
    "test": ("semfora_hooks.cli.rules.checking:test", "Run the rules in YAML on their own examples."),
    "schema": ("semfora_hooks.cli.rules.starting:schema", "Print the JSON Schema of rule files, for editors."),
}
"""Command to where it lives, and its line in `--help`."""


@click.group(cls=LazyGroup, table=COMMANDS)
def rules() -> None:
    """List, write, check and test rules."""
