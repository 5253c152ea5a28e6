"""Which plugins `plugin test`, `run` and `bench` mean, and whether they may run.

A plugin of the repository runs if lock and trust allow it, as in `suggest`. A file elsewhere is its
author's own: it runs in the same sandbox, under the same ceilings.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from semfora_hooks.cli.plugin.reading import PluginFolder, read_code, read_folder, tell
from semfora_hooks.config import nearest
from semfora_hooks.errors import PluginError, UsageError
from semfora_hooks.providers.wasm import PLUGIN_FOLDER
from semfora_hooks.providers.wasm.approval import approve
from semfora_hooks.providers.wasm.folder import DEFAULT_GROUP, MANIFEST, Discovered, ceilings, discover
from semfora_hooks.providers.wasm.manifest import Limits, valid_name
from semfora_hooks.providers.wasm.rule import PluginSpec
from semfora_hooks.providers.wasm.text import clean_line


@dataclass(frozen=True, slots=True)
class Chosen:
    """A plugin that may run.

    Attributes:
        spec: The plugin, with its code.
        folder: The plugin folder it stands in: what its manifest's paths are relative to.
    """

    spec: PluginSpec
    folder: Path


@dataclass(slots=True)
class Choice:
    """What the arguments of a command mean.

    Attributes:
        repository: The repository around the current folder.
        plugins: The plugins that may run.
        errors: What is wrong with others.
    """

    repository: PluginFolder
    plugins: list[Chosen] = field(default_factory=list)
    errors: list[PluginError] = field(default_factory=list)

    def add(self, target: str | None) -> None:
        """Choose what an argument names; `None` is every plugin of the repository.

        Raises:
            UsageError: It names nothing that could run.
        """
        own = self.repository
        spec = None if target is None else own.named(target)
        if target is None:
            self._add_own(own.found)
        elif spec is not None:
            self._add_one(spec)
        elif (path := Path(target)).is_dir():
            if path.resolve() == own.path.resolve():
                self._add_own(own.found)
            else:
                self._add_project(path)
        elif path.is_file():
            self._add_file(path)
        else:
            names = [spec.name for spec in own.found.specs]
            guess = nearest(target, names)
            hint = f"did you mean '{guess}'?" if guess else f"plugins: {', '.join(sorted(names)) or 'none'}"
            tell(own.found.errors)  # it may be there, and broken
            raise UsageError(f"there is no plugin, no file and no folder '{target}'", hint=hint)

    def _add_own(self, found: Discovered) -> None:
        """Plugins of the repository that may run."""
        own = self.repository
        self.errors += found.errors
        if not found.specs:
            return
        for source, settings in ((own.config.source, own.config.plugins.wasm), ("your own configuration", own.user)):
            if not settings.enabled:
                raise UsageError(f"plugins.wasm.enabled = false in {source}: no plugin of this repository is run")
        approvals = approve(own.config, own.path, found, own.user)
        self.errors += approvals.errors
        self._add_specs(approvals.specs, own.path)

    def _add_one(self, spec: PluginSpec) -> None:
        if not spec.enabled:
            raise UsageError(f"plugin '{spec.id}' is disabled", hint=f"enabled: false in {PLUGIN_FOLDER}/{MANIFEST}")
        self._add_own(replace(self.repository.found, specs=[spec], errors=[], broken={}, is_complete=False))

    def _add_file(self, path: Path) -> None:
        own, real = self.repository, path.resolve()
        if real.is_relative_to(own.path.resolve()):
            spec = next((spec for spec in own.found.specs if own.file_of(spec).resolve() == real), None)
            if spec is None:
                hint = f"list it in {PLUGIN_FOLDER}/{MANIFEST}: semfora-hooks plugin list says more"
                raise UsageError(f"{path}: is in this repository's plugin folder, and none of its plugins", hint=hint)
            self._add_one(spec)
            return
        listed = self._discover(real.parent, path.parent) if (real.parent / MANIFEST).is_file() else Discovered()
        spec = next((spec for spec in listed.specs if spec.enabled and spec.path == real), None)
        self._add_specs([spec or self._unlisted(real, path)], real.parent)

    def _add_project(self, path: Path) -> None:
        """The plugins of a folder somewhere else, by its manifest where it has one."""
        found = self._discover(path.resolve(), path)
        for error in found.broken.values():
            error.hint = error.hint or "build the plugin first"
        self.errors += found.errors
        enabled = [spec for spec in found.specs if spec.enabled]
        if not enabled and not found.errors:
            hint = f"a plugin's project has a {MANIFEST} that lists it, or a .wasm file"
            raise UsageError(f"there are no plugins in '{path}'", hint=hint)
        self._add_specs(enabled, path.resolve())

    def _discover(self, folder: Path, shown: Path) -> Discovered:
        own = self.repository
        return discover(own.config.replace(root=str(folder)), folder, own.user, shown=clean_line(shown.as_posix()))

    def _unlisted(self, real: Path, path: Path) -> PluginSpec:
        name = real.stem if valid_name(real.stem) else "plugin"
        return PluginSpec(
            name=name,
            group=DEFAULT_GROUP,
            description=f"The WASM plugin {name}.",
            path=real,
            file=real.name,
            shown=clean_line(path.as_posix()),
            limits=Limits().capped(ceilings(self.repository.config, self.repository.user)),
            origin=clean_line(path.as_posix()),
            has_manifest=False,
        )

    def _add_specs(self, specs: Iterable[PluginSpec], folder: Path) -> None:
        for spec in specs:
            read = spec if spec.binary is not None else replace(spec, binary=read_code(spec.path))
            if all(known.spec.path != read.path for known in self.plugins):
                self.plugins.append(Chosen(read, folder))


def choose(targets: Iterable[str]) -> Choice:
    """What the arguments of a command mean; without any, all plugins of the repository around the current folder.

    Raises:
        UsageError: One names nothing that could run.
        ConfigError: The repository's configuration, or the user's own, is wrong.
    """
    choice = Choice(read_folder())
    named = list(targets)
    for target in named:
        choice.add(target)
    if not named:
        choice.add(None)
    return choice


def choose_one(target: str) -> tuple[Chosen, PluginFolder]:
    """The one plugin that a command's argument means, and the repository around the current folder.

    Raises:
        UsageError: It names nothing that could run, or several plugins.
        PluginError: The plugin must not run, or there is something wrong with it.
        ConfigError: The repository's configuration, or the user's own, is wrong.
    """
    choice = choose([target])
    if len(choice.plugins) > 1:
        names = ", ".join(chosen.spec.name for chosen in choice.plugins)
        raise UsageError(f"'{target}' has several plugins: {names}", hint="name one plugin, or its file")
    if not choice.plugins:
        raise choice.errors[0] if choice.errors else UsageError(f"'{target}' has no plugin that is enabled")
    return choice.plugins[0], choice.repository
