"""`semfora-hooks rules`: what there is to check with, and everything for those who write rules."""

from __future__ import annotations

import click

from semfora_hooks.cli.lazygroup import LazyGroup

COMMANDS = {
    "list": ("semfora_hooks.cli.rules.listing:list_rules", "List every rule of every provider, selected or not."),
}
"""Command to where it lives, and its line in `--help`."""


@click.group(cls=LazyGroup, table=COMMANDS)
def rules() -> None:
    """List, write, check and test rules."""
