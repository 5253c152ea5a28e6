"""`semfora-hooks plugin test`: do plugins say what their fixtures expect?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import click

from semfora_hooks.cli import EXIT_CLEAN, EXIT_ERROR, EXIT_FAILED, printable
from semfora_hooks.cli.plugin.choosing import Chosen, choose
from semfora_hooks.cli.plugin.reading import tell
from semfora_hooks.errors import PluginError, UsageError
from semfora_hooks.providers.wasm import host
from semfora_hooks.providers.wasm.rule import PluginSpec
from semfora_hooks.testing.fixtures import Fixture, find_fixtures, fixture_folder, plugin_pool, try_fixture


@click.command()
@click.argument("targets", nargs=-1, metavar="[NAME|FILE|FOLDER]...")
@click.option(
    "--fixtures",
    "folder",
    metavar="FOLDER",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The fixtures of the one plugin that is tested, whatever its manifest says.",
)
@click.option("--update", is_flag=True, help="Write what the plugins say as what is expected, where the two differ.")
def test(targets: tuple[str, ...], folder: Path | None, update: bool) -> int:
    """Run plugins on their fixtures: X.context.json is what a plugin gets, X.expected.json what it must say.

    By default all plugins of this repository; otherwise those of these names, of these files, and of these folders (a
    plugin's project, with its manifest.yaml). A manifest's `tests` names the folder of the fixtures, tests/NAME if it
    says nothing. Plugins run in the sandbox, under their own limits.
    """
    choice = choose(targets)
    errors, plugins = list(choice.errors), choice.plugins
    if folder is not None:
        if len(plugins) != 1:
            raise UsageError("--fixtures is for one plugin", hint="name it")
        plugins = [_with_fixtures(plugins[0], folder.resolve())]
    tests, untested = _collect(plugins, errors)
    tell(errors)
    if not tests and not errors:
        if targets:
            hint = "a manifest's 'tests' names their folder; by default it is tests/NAME"
            raise UsageError(f"plugin '{untested[0]}' has no fixtures", hint=hint)
        click.echo(_nothing(untested))
        return EXIT_CLEAN
    result = _Result()
    if tests:
        pool = plugin_pool(choice.repository.config)
        for spec, fixtures in tests:
            for fixture in fixtures:
                _try(spec, fixture, pool, result, update=update)
        pool.close()
        click.echo(result.verdict(len(tests), untested, update=update))
    return EXIT_ERROR if errors or result.broken else EXIT_FAILED if result.failed else EXIT_CLEAN


@dataclass(slots=True)
class _Result:
    """How many fixtures there were, and what became of those that did not pass.

    Attributes:
        tried: All of them.
        failed: The plugin said something else than what is expected.
        broken: Nothing could be compared.
        written: What the plugin said is what is expected from now on.
    """

    tried: int = 0
    failed: int = 0
    broken: int = 0
    written: list[Path] = field(default_factory=list)

    def verdict(self, plugins: int, untested: Sequence[str], *, update: bool) -> str:
        """The last line."""
        of = f"{_count(self.tried, 'fixture')} of {_count(plugins, 'plugin')}"
        parts = []
        if bad := self.failed + self.broken:
            hint = "; --update writes what the plugins say" if self.failed and not update else ""
            parts.append(f"{bad} of {of} failed{hint}")
        if self.written:
            parts.append(f"{len(self.written)} of {of} written anew; review them")
        rest = f"; without fixtures: {', '.join(untested)}" if untested else ""
        return ("; ".join(parts) or f"{of}: all pass") + rest


def _with_fixtures(chosen: Chosen, folder: Path) -> Chosen:
    return Chosen(replace(chosen.spec, tests=folder.name), folder.parent)


def _collect(
    plugins: Sequence[Chosen], errors: list[PluginError]
) -> tuple[list[tuple[PluginSpec, list[Fixture]]], list[str]]:
    """The plugins with their fixtures, and the ids of those without; what is wrong with others goes to `errors`."""
    tests, untested = [], []
    for chosen in plugins:
        try:
            place = fixture_folder(chosen.spec, chosen.folder)
            if place is None:
                untested.append(chosen.spec.id)
            else:
                tests.append((chosen.spec, find_fixtures(place)))
        except PluginError as error:
            errors.append(error)
    return tests, untested


def _try(spec: PluginSpec, fixture: Fixture, pool: host.Pool, result: _Result, *, update: bool) -> None:
    """Run one fixture, and say why it does not pass."""
    outcome = try_fixture(spec, fixture, pool)
    result.tried += 1
    if outcome.passed:
        return
    for line in outcome.lines():
        click.echo(printable(line))
    if outcome.problem is not None:
        result.broken += 1
    elif update:
        outcome.accept()
        result.written.append(fixture.expected)
    else:
        result.failed += 1


def _nothing(untested: Sequence[str]) -> str:
    if untested:
        return f"there are no fixtures; a manifest's 'tests' names their folder, or tests/NAME: {', '.join(untested)}"
    return "there are no plugins to test"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun if number == 1 else f'{noun}s'}"
