"""`semfora-hooks rules list`: what there is to check with."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from pathlib import Path

import click

from semfora_hooks.cli import EXIT_CLEAN, EXIT_ERROR
from semfora_hooks.config import load_config
from semfora_hooks.discovery import find_root
from semfora_hooks.engine import SuggestEngine
from semfora_hooks.policy.selection import is_selected
from semfora_hooks.reporters.jsonreport import as_json
from semfora_hooks.reporters.text import error_line


@click.command("list")
@click.option("--output-format", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--no-plugins", is_flag=True, help="Only the rules that ship.")
@click.option("--disable-provider", multiple=True, metavar="NAME", help="Leave out a provider.")
def list_rules(output_format: str, no_plugins: bool, disable_provider: tuple[str, ...]) -> int:
    """List every rule of every provider, selected or not."""
    root = find_root([], Path.cwd())
    config = load_config(root.path)
    disabled = type(config.providers)(disable=(*config.providers.disable, *disable_provider))
    config = config.replace(no_plugins=no_plugins, providers=disabled)
    with redirect_stdout(sys.stderr):
        loaded = SuggestEngine(config).load_rules()
    rows = [
        {
            "id": item.rule.id,
            "group": item.rule.group,
            "category": item.rule.category,
            "severity": config.severity.get(item.rule.id, item.rule.severity).value,
            "enabled": is_selected(item.rule, config),
            "provider": item.origin.name,
            "distribution": item.origin.distribution,
            "version": item.origin.version,
            "origin": getattr(item.rule, "origin", None),
            "description": " ".join(item.rule.description.split()),
        }
        for item in loaded.rules
    ]
    if output_format == "json":
        click.echo(as_json(rows, order=None), nl=False)
    else:
        width = max((len(str(row["id"])) for row in rows), default=0)
        for row in rows:
            state = "on " if row["enabled"] else "off"
            first = str(row["description"]).partition(". ")[0].rstrip(".")
            click.echo(f"{row['id']:<{width}}  {state}  {row['severity']:<7}  {row['provider']:<12}  {first}")
    for notice in loaded.notices:
        click.echo(f"note: {notice}", err=True)
    for error in loaded.errors:
        click.echo(error_line(error), err=True)
    return EXIT_ERROR if loaded.errors else EXIT_CLEAN
