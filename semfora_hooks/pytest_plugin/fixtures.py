"""The fixtures of WASM plugins as items: `.semfora/plugins/layer-guard::upward`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from semfora_hooks.config import Config
from semfora_hooks.errors import PluginError
from semfora_hooks.plugin_manager import LoadedRule
from semfora_hooks.policy.selection import is_selected
from semfora_hooks.providers.wasm import PLUGIN_FOLDER, host
from semfora_hooks.providers.wasm.rule import PluginSpec, WasmRule
from semfora_hooks.pytest_plugin.plainitem import FailedItemError, PlainItem, items_below
from semfora_hooks.testing.fixtures import Fixture, find_fixtures, fixture_folder, try_fixture

Name = tuple[str, str]
"""A plugin's name, a fixture's name."""

Subject = tuple[PluginSpec, host.Pool]

FindPlugin = Callable[[str], Subject]
"""Gives a plugin by its name, and what runs it."""

BROKEN = "fixtures"
"""Stands for all fixtures of a plugin where they cannot be read: the item says why."""


def fixture_names(loaded: Sequence[LoadedRule], config: Config) -> list[Name]:
    """The fixtures of all plugins that are selected, by their names."""
    specs = [item.rule.spec for item in loaded if isinstance(item.rule, WasmRule) and is_selected(item.rule, config)]
    names: list[Name] = []
    for spec in sorted(specs, key=lambda spec: spec.name):
        try:
            names += [(spec.name, fixture.name) for fixture in _fixtures(spec, config.root_path)]
        except PluginError:
            names.append((spec.name, BROKEN))
    return names


def _fixtures(spec: PluginSpec, root: Path) -> list[Fixture]:
    """A plugin's fixtures, none if it has no folder of them; raises `PluginError` where that is no good."""
    folder = fixture_folder(spec, root / PLUGIN_FOLDER)
    return [] if folder is None else find_fixtures(folder)


def chosen_fixtures(arguments: Mapping[str, Path], names: Sequence[Name], root: Path) -> list[Name]:
    """The fixtures that arguments of the command line name: all, all of a plugin, or a single one.

    Args:
        arguments: Arguments, each with the path it starts with: the plugin folder's, or a plugin's name in it.
        names: All fixtures.
        root: The repository's root.

    Raises:
        pytest.UsageError: One names nothing.
    """
    chosen: set[Name] = set()
    folder = (root / PLUGIN_FOLDER).resolve()
    for argument, path in arguments.items():
        parts = (*path.relative_to(folder).parts, *argument.split("::")[1:])
        found = [name for name in names if name[: len(parts)] == parts]
        if not found:
            raise pytest.UsageError(f"not found: {argument} (no fixture of a plugin that is on)")
        chosen.update(found)
    return [name for name in names if name in chosen]


class PluginCollector(pytest.Collector):
    """One plugin."""

    def __init__(self, *, names: Sequence[Name], find_plugin: FindPlugin, root: Path, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._names, self._find_plugin, self._root = names, find_plugin, root

    def collect(self) -> Iterator[FixtureItem]:
        """Its fixtures."""
        for plugin, name in self._names:
            yield FixtureItem.from_parent(
                self, name=name, plugin=plugin, find_plugin=self._find_plugin, root=self._root
            )


class FixtureItem(PlainItem):
    """Passes if the plugin says what the fixture expects."""

    def __init__(self, *, plugin: str, find_plugin: FindPlugin, root: Path, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._plugin, self._find_plugin, self._root = plugin, find_plugin, root

    def runtest(self) -> None:
        """Run the plugin on the fixture's context."""
        spec, pool = self._find_plugin(self._plugin)
        try:
            fixture = next((item for item in _fixtures(spec, self._root) if item.name == self.name), None)
        except PluginError as error:
            raise FailedItemError(str(error)) from None
        if fixture is None:
            raise FailedItemError(f"{spec.id}: the fixture '{self.name}' is not there any more")
        outcome = try_fixture(spec, fixture, pool)
        if not outcome.passed:
            raise FailedItemError("\n".join(outcome.lines()))

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Where the plugin stands."""
        # Not the end of the node id: pytest would read its dots as those between modules and classes.
        return self._root / PLUGIN_FOLDER / self._plugin, None, f"{self._plugin}, {self.name}"


def collect_fixtures(
    session: pytest.Session, root: Path, names: Sequence[Name], find_plugin: FindPlugin
) -> Iterator[pytest.Item]:
    """The items of some fixtures of the repository in `root`."""
    for plugin, group in groupby(names, key=lambda name: name[0]):
        path = f"{PLUGIN_FOLDER}/{plugin}"
        yield from items_below(
            session, PluginCollector, path, root / path, names=list(group), find_plugin=find_plugin, root=root
        )
