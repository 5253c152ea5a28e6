"""`semfora-hooks plugin run`: what one plugin says, of a document or of this repository."""

from __future__ import annotations

import sys

import click
import msgspec

from semfora_hooks.cli import EXIT_CLEAN, EXIT_ERROR, printable
from semfora_hooks.cli.plugin.choosing import choose_one
from semfora_hooks.cli.plugin.contexts import plugin_context
from semfora_hooks.cli.plugin.reading import read_code, tell
from semfora_hooks.context import SuggestContext
from semfora_hooks.errors import PluginError, ProviderError
from semfora_hooks.model import Recommendation
from semfora_hooks.policy.intake import complete, finish
from semfora_hooks.providers.wasm import host
from semfora_hooks.providers.wasm.failures import plugin_error
from semfora_hooks.providers.wasm.output import OutputError, decode
from semfora_hooks.providers.wasm.rule import PluginSpec, WasmRule
from semfora_hooks.providers.wasm.text import clean
from semfora_hooks.reporters.jsonreport import as_json
from semfora_hooks.testing.fixtures import plugin_pool

_MAX_LOG = 100_000
"""Characters of what the plugin printed."""


@click.command()
@click.argument("target", metavar="NAME|FILE")
@click.argument("document", metavar="[CONTEXT.json|-]", required=False)
@click.option("--show-context", is_flag=True, help="Run nothing; print the context that the plugin would get.")
def run(target: str, document: str | None, show_context: bool) -> int:
    """Run one plugin, and print its recommendations as JSON.

    The plugin is one of this repository, by its name, or any file. It gets the context of the repository around the
    current folder with the configuration of its manifest, or a document from a file (- is standard input) as it stands
    there. What it prints goes to standard error.
    """
    chosen, repository = choose_one(target)
    spec = chosen.spec
    context, view = plugin_context(spec, repository, document)
    if show_context:
        sys.stdout.write(msgspec.json.format(context, indent=2).decode() + "\n")
        return EXIT_CLEAN
    pool = plugin_pool(repository.config)
    try:
        binary = spec.binary or read_code(spec.path)
        output, log = pool.evaluate(binary, context, memory=spec.limits.memory, timeout=spec.limits.timeout)
    except host.SandboxError as error:
        _show(error.log)
        tell([plugin_error(spec, error.kind, error.detail)])
        return EXIT_ERROR
    finally:
        pool.close()
    _show(log)
    try:
        found, errors = _taken_in(spec, output, view, WasmRule(spec, pool))
    except OutputError as error:
        tell([plugin_error(spec, error.kind, error.detail)])
        return EXIT_ERROR
    click.echo(as_json(finish(found, view, {})), nl=False)
    tell(errors)
    return EXIT_ERROR if errors else EXIT_CLEAN


def _show(log: str) -> None:
    """Print what the plugin printed."""
    for line in clean(log, _MAX_LOG).splitlines():
        click.echo(printable(line.expandtabs(4)), err=True)


def _taken_in(
    spec: PluginSpec, output: bytes, context: SuggestContext, rule: WasmRule
) -> tuple[list[Recommendation], list[PluginError]]:
    """The well-formed recommendations of a result, completed, and what is wrong with the others.

    Raises:
        OutputError: It is no result at all, or the plugin's own failure.
    """
    items, malformed = decode(output, context)
    errors = [] if malformed is None else [plugin_error(spec, malformed.kind, malformed.detail)]
    found = []
    for item in items:
        try:
            found.append(complete(item, rule, context, None))
        except ProviderError as error:
            errors.append(plugin_error(spec, "bad_output", error.message))
    return found, errors
