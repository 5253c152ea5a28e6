"""`semfora-hooks explain`: what a rule means, or why a finding is there."""

from __future__ import annotations

import io
import re
import shutil
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import msgspec

from semfora_hooks.cli import EXIT_CLEAN, EXIT_ERROR, printable
from semfora_hooks.config import Config, load_config, nearest
from semfora_hooks.discovery import find_root
from semfora_hooks.engine import Request, SuggestEngine
from semfora_hooks.errors import UsageError
from semfora_hooks.hookspecs import Example, RenderOptions, Rule
from semfora_hooks.plugin_manager import LoadedRule
from semfora_hooks.policy.selection import is_selected
from semfora_hooks.reporters.text import error_line, render_full

_FINGERPRINT = re.compile(r"[0-9a-f]{20}")


@click.command()
@click.argument("name", metavar="RULE_ID|FINGERPRINT")
def explain(name: str) -> int:
    """Say what a rule means, how to fix and how to silence it; or why a finding is there."""
    root = find_root([], Path.cwd())
    config = load_config(root.path)
    engine = SuggestEngine(config)
    loaded = engine.load_rules()
    for error in loaded.errors:
        click.echo(error_line(error), err=True)
    known = {item.rule.id: item for item in loaded.rules}
    if name in known:
        _print_rule(known[name], config)
        return EXIT_ERROR if loaded.errors else EXIT_CLEAN
    if not _FINGERPRINT.fullmatch(name):
        guess = nearest(name, sorted(known))
        raise UsageError(
            f"there is no rule '{name}'",
            hint=f"did you mean '{guess}'?" if guess else "semfora-hooks rules list shows the names",
        )
    report = engine.run(Request(root)).report
    found = [item for item in report.recommendations if item.fingerprint == name]
    if not found:
        raise UsageError(f"there is no finding {name} in the work tree", hint="it may be fixed, or of another revision")
    stream = io.StringIO()
    options = RenderOptions(
        root=str(root.path), read_source=lambda _: None, width=shutil.get_terminal_size((100, 24)).columns
    )
    shown = [msgspec.structs.replace(item, suppressed=None) for item in found]
    render_full(msgspec.structs.replace(report, recommendations=shown, fixed=[]), stream, options)
    click.echo(stream.getvalue().rpartition("\n\n")[0] + "\n")
    for mark in (item.suppressed for item in found if item.suppressed is not None):
        click.echo(
            f"It does not count: {mark.file}:{mark.line} ({mark.kind})" + (f": {mark.reason}" if mark.reason else "")
        )
        click.echo()
    _print_rule(known[found[0].rule_id], config)
    return EXIT_CLEAN


def _print_rule(loaded: LoadedRule, config: Config) -> None:
    for line in _rule_lines(loaded, config):
        click.echo(printable(line.expandtabs(4)))


def _rule_lines(loaded: LoadedRule, config: Config) -> Iterator[str]:
    rule = loaded.rule
    state = "on" if is_selected(rule, config) else "off"
    severity = config.severity.get(rule.id, rule.severity).value
    yield f"{rule.id} ({rule.category}, {severity}, {state}; from {loaded.origin})"
    yield ""
    if loaded.origin.name == "declarative":
        yield from _declared_lines(rule)
    else:
        yield from _wrapped(rule.description)
    if getattr(rule, "remedy", ""):
        yield ""
        yield from _wrapped(f"To fix: {rule.remedy}")
    yield from _option_lines(rule)
    yield ""
    yield f"To silence one finding:  # semfora: ignore[{rule.id}] -- why"
    yield f'To silence the rule:     ignore = ["{rule.id}"] in [tool.semfora]'
    for example in getattr(rule, "examples", ()):
        yield from _example_lines(example)


def _example_lines(example: Example) -> Iterator[str]:
    verdict = "Fires" if example.fires else "Silent"
    yield ""
    yield f"{verdict}: {example.note}" if example.note else f"{verdict}:"
    if example.options:
        yield "    with " + ", ".join(f"{key} = {value!r}" for key, value in example.options.items())
    for path, source in example.files.items():
        yield f"    {path}"
        yield from textwrap.indent(source.rstrip().expandtabs(4), "      ").splitlines()


def _declared_lines(rule: Rule) -> Iterator[str]:
    """A YAML rule: its description, where it stands, and in words what it says."""
    from semfora_hooks.providers.declarative.rule import DeclarativeRule
    from semfora_hooks.providers.declarative.wording import describe

    if not isinstance(rule, DeclarativeRule):  # a third party's, which calls itself so too
        yield from _wrapped(rule.description)
        return
    if rule.definition.description is not None:
        yield from _wrapped(rule.description)
        yield ""
    yield f"{rule.origin}:{rule.place.line} says in words:"
    yield from textwrap.indent("\n".join(describe(rule)), "  ").splitlines()


def _option_lines(rule: Rule) -> Iterator[str]:
    """The rule's thresholds: key, current value, default, meaning."""
    options_type = getattr(rule, "options_type", None)
    if options_type is None:
        return
    current = getattr(rule, "options", None)
    schema = msgspec.json.schema(options_type)
    properties: dict[str, Any] = schema["$defs"][options_type.__name__]["properties"]
    yield ""
    yield f"Options, in [tool.semfora.rules.{rule.id}]:"
    for item in msgspec.structs.fields(options_type):
        value = getattr(current, item.name, item.default)
        changed = "" if value == item.default else f" (default {_toml(item.default)})"
        yield f"  {item.encode_name} = {_toml(value)}{changed}"
        yield from _wrapped(str(properties[item.encode_name].get("description", "")), "      ")


def _toml(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _wrapped(text: str, indent: str = "") -> list[str]:
    return textwrap.wrap(
        " ".join(text.split()), 100, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False
    )
