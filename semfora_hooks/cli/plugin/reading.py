"""What the commands of `plugin` look at: the repository we are in, its plugins, and the user's settings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import click

from semfora_hooks.config import Config, load_config, nearest
from semfora_hooks.discovery import find_root
from semfora_hooks.errors import SemforaError, UsageError
from semfora_hooks.plugin_manager import error_entry
from semfora_hooks.providers.wasm import PLUGIN_FOLDER
from semfora_hooks.providers.wasm.binaryfile import read_binary
from semfora_hooks.providers.wasm.folder import MAX_MODULE, Discovered, discover
from semfora_hooks.providers.wasm.host import Binary, SandboxError
from semfora_hooks.providers.wasm.rule import PluginSpec
from semfora_hooks.reporters.text import error_line
from semfora_hooks.userconfig import UserWasmSettings, load_user_config


@dataclass(slots=True)
class PluginFolder:
    """A repository's plugins.

    Attributes:
        config: The repository's configuration.
        user: The user's own settings.
        path: The plugin folder, there or not.
        found: What stands in it.
    """

    config: Config
    user: UserWasmSettings
    path: Path
    found: Discovered

    def named(self, name: str) -> PluginSpec | None:
        """The plugin with a name or a rule id."""
        return next((spec for spec in self.found.specs if name in (spec.name, spec.id)), None)

    def file_of(self, spec: PluginSpec) -> Path:
        """A plugin's file, also if it is disabled."""
        return spec.path if spec.enabled else self.path / spec.file

    def resolve(self, target: str) -> tuple[PluginSpec | None, Path]:
        """What a command's argument means: a plugin's name or rule id, else a file.

        Raises:
            UsageError: There is neither.
        """
        spec = self.named(target)
        if spec is not None:
            return spec, self.file_of(spec)
        path = Path(target)
        if not path.is_file():
            names = [spec.name for spec in self.found.specs]
            guess = nearest(target, names)
            hint = f"did you mean '{guess}'?" if guess else f"plugins: {', '.join(sorted(names)) or 'none'}"
            tell(self.found.errors)  # it may be there, and broken
            raise UsageError(f"there is no plugin and no file '{target}'", hint=hint)
        real = path.resolve()
        return next((spec for spec in self.found.specs if self.file_of(spec) == real), None), real


def read_folder() -> PluginFolder:
    """The plugins of the repository around the current folder.

    Raises:
        ConfigError: The repository's configuration, or the user's own, is wrong.
    """
    config = load_config(find_root([], Path.cwd()).path)
    user = load_user_config().plugins.wasm
    path = config.root_path / PLUGIN_FOLDER
    found = discover(config, path, user) if path.is_dir() or path.is_symlink() else Discovered(is_complete=True)
    return PluginFolder(config, user, path, found)


def read_code(path: Path) -> Binary:
    """A file's code.

    Raises:
        UsageError: It cannot be read, or is too large.
    """
    try:
        return read_binary(path.resolve(), MAX_MODULE)
    except SandboxError as error:
        raise UsageError(f"{path}: {error.detail}") from None


def tell(errors: Iterable[SemforaError]) -> None:
    """Print errors as a run does."""
    for error in errors:
        click.echo(error_line(error_entry(error)), err=True)
