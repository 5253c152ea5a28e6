"""`semfora-hooks plugin`: what there is in `.semfora/plugins/`, and what of it may run."""

from __future__ import annotations

import click

from semfora_hooks.cli.lazygroup import LazyGroup

COMMANDS = {
    "list": ("semfora_hooks.cli.plugin.listing:list_plugins", "List the plugins, and which of them run."),
    "inspect": ("semfora_hooks.cli.plugin.inspecting:inspect", "Say what stands in a plugin's binary."),
    "lock": ("semfora_hooks.cli.plugin.locking:lock", "Record the plugins' contents in manifest.lock."),
    "trust": ("semfora_hooks.cli.plugin.trusting:trust", "Trust a plugin's content, for this user."),
}
"""Command to where it lives, and its line in `--help`."""


@click.group(cls=LazyGroup, table=COMMANDS)
def plugin() -> None:
    """List, inspect, lock and trust WASM plugins in .semfora/plugins/."""
