"""`rules new` and `rules schema`: what whoever writes a rule starts with."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from semfora_hooks.cli import EXIT_CLEAN
from semfora_hooks.cli.rules.reading import read_rules
from semfora_hooks.cli.rules.schemafile import refresh
from semfora_hooks.config import Config
from semfora_hooks.discovery import find_root
from semfora_hooks.errors import UsageError
from semfora_hooks.providers.declarative.schema import rule_schema
from semfora_hooks.providers.declarative.starter import SCHEMA_FILE, starter, write_starter
from semfora_hooks.reporters.jsonreport import as_json
from semfora_hooks.rules import load_builtin


@click.command()
@click.argument("name")
def new(name: str) -> int:
    """Write a commented rule to start from to .semfora/rules/NAME.yaml. Overwrites nothing.

    It is valid as it is, and its examples hold. The schema that editors check it with is written beside it.
    """
    root = find_root([], Path.cwd()).path
    starter(name)  # a name that cannot be, before anything is looked for
    for rule in load_builtin(Config(root=str(root))).rules:
        if rule.id == name:
            raise UsageError(f"there is a rule '{name}' that ships", hint="choose another name")
    for taken in read_rules(root).rules:
        if taken.id == name:
            raise UsageError(
                f"there is a rule '{name}' already, at {taken.origin}:{taken.place.line}", hint="choose another name"
            )
    path = write_starter(root, name).relative_to(root).as_posix()
    click.echo(f"wrote {path}; it says how to go on")
    return EXIT_CLEAN


@click.command()
@click.option("--write", is_flag=True, help=f"Write it to {SCHEMA_FILE} instead, also over one of another version.")
def schema(write: bool) -> int:
    """Print the JSON Schema of rule files, for editors and other programs.

    An editor with a YAML language server completes and checks a rule file whose first line is
    `# yaml-language-server: $schema=PATH`, where PATH leads to this schema.
    """
    if not write:
        sys.stdout.write(as_json(rule_schema(), order=None))
        return EXIT_CLEAN
    has_changed = refresh(find_root([], Path.cwd()).path)
    click.echo(f"wrote {SCHEMA_FILE}" if has_changed else f"{SCHEMA_FILE} is as it should be")
    return EXIT_CLEAN
