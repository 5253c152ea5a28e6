"""`semfora-hooks plugin`: what there is in `.semfora/plugins/`, and what of it may run."""

from __future__ import annotations

import click

from semfora_hooks.cli.lazygroup import LazyGroup

COMMANDS = {
    "new": ("semfora_hooks.cli.plugin.creating:new", "Write a project for a plugin in a language of your choice."),
    "list": ("semfora_hooks.cli.plugin.listing:list_plugins", "List the plugins, and which of them run."),
    "inspect": ("semfora_hooks.cli.plugin.inspecting:inspect", "Say what stands in a plugin's binary."),
    "test": ("semfora_hooks.cli.plugin.testing:test", "Run plugins on their fixtures."),
    "run": ("semfora_hooks.cli.plugin.running:run", "Run one plugin, and print its recommendations as JSON."),
    "bench": ("semfora_hooks.cli.plugin.benching:bench", "Measure one plugin: compiling, evaluating, memory."),
    "lock": ("semfora_hooks.cli.plugin.locking:lock", "Record the plugins' contents in manifest.lock."),
    "trust": ("semfora_hooks.cli.plugin.trusting:trust", "Trust a plugin's content, for this user."),
}
"""Command to where it lives, and its line in `--help`."""


@click.group(cls=LazyGroup, table=COMMANDS)
def plugin() -> None:
    """Write, test, run and measure WASM plugins; list, inspect, lock and trust those in .semfora/plugins/."""
