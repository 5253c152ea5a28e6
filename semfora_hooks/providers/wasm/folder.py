"""What stands in a plugin folder: which files are plugins, under which names, settings and limits. Runs nothing."""

from __future__ import annotations

import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from semfora_hooks.config import Config
from semfora_hooks.errors import PluginError
from semfora_hooks.providers.wasm import PLUGIN_FOLDER
from semfora_hooks.providers.wasm.manifest import (
    MAX_MANIFEST,
    Limits,
    Manifest,
    OnError,
    PluginEntry,
    parse_manifest,
    valid_name,
)
from semfora_hooks.providers.wasm.rule import PluginSpec
from semfora_hooks.providers.wasm.text import clean, clean_line
from semfora_hooks.userconfig import UserWasmSettings, user_config_path

MANIFEST = "manifest.yaml"
MAX_MODULE = 64 << 20
"""Bytes; a plugin that carries a Python interpreter has 18 MB."""
MAX_TOTAL = 1 << 30
"""Bytes of all plugins of a repository together; where a lock is compared, they are in memory at the same time."""
DEFAULT_GROUP = "wasm"


@dataclass(slots=True)
class Discovered:
    """What stands in a plugin folder.

    Attributes:
        specs: The plugins that are fit to be loaded, disabled ones included.
        errors: What is wrong with others.
        notices: Remarks for the user.
        unlisted: Files that the manifest does not list.
        broken: Names of valid entries, with what is wrong with their files.
        claimed: Names of all entries, wrong ones included.
        is_complete: Whether folder and manifest could be read at all.
        size: Bytes of the enabled plugins' files.
        shown: The folder as messages show it.
    """

    specs: list[PluginSpec] = field(default_factory=list)
    errors: list[PluginError] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    unlisted: list[str] = field(default_factory=list)
    broken: dict[str, PluginError] = field(default_factory=dict)
    claimed: set[str] = field(default_factory=set)
    is_complete: bool = False
    size: int = 0
    shown: str = PLUGIN_FOLDER

    def plugin_file(self, folder: Path, name: str, where: str) -> Path:
        """The real path of an enabled plugin's file; raises like `checked_file`, and where all are too large."""
        path = checked_file(folder, name, where, MAX_MODULE, self.shown)
        try:
            size = path.stat().st_size
        except OSError as error:  # it went away in between
            raise PluginError(f"{where}: the file {name!r} cannot be read: {error.strerror}", kind="manifest") from None
        if self.size + size > MAX_TOTAL:
            message = f"{where}: '{name}' and the plugins before it have more than {MAX_TOTAL} bytes together"
            raise PluginError(message, kind="too_large")
        self.size += size
        return path


def discover(
    config: Config,
    folder: Path,
    user: UserWasmSettings | None = None,
    *,
    shown: str = PLUGIN_FOLDER,
    parse: Callable[[bytes, str], Manifest] = parse_manifest,
) -> Discovered:
    """The plugins of `folder`, from its manifest where there is one. Runs and compiles nothing.

    Args:
        config: The repository's configuration.
        folder: The plugin folder.
        user: The user's own settings; the defaults where `None`.
        shown: The folder as messages show it.
        parse: Reads a manifest.
    """
    found = Discovered(shown=shown)
    try:
        inside = folder.resolve(strict=True).is_relative_to(config.root_path.resolve())
        names = sorted(path.name for path in folder.iterdir())
    except (OSError, RuntimeError) as error:
        found.errors.append(PluginError(f"{shown}: cannot be read: {error}", kind="manifest"))
        return found
    if not inside:
        message = f"{shown}: is a link that leads outside the repository; its plugins are not run"
        found.errors.append(PluginError(message, kind="manifest"))
        return found
    modules = [name for name in names if name.endswith(".wasm")]
    limits = ceilings(config, user or UserWasmSettings())
    if MANIFEST in names:
        _read_manifest(limits, folder, modules, found, parse)
    elif "manifest.yml" in names:
        message = f"{shown}/manifest.yml: the manifest is called {MANIFEST}; no plugin is run"
        found.errors.append(PluginError(message, hint="rename it", kind="manifest"))
    else:
        for name in modules:
            _add_unlisted(limits, folder, name, found)
        found.is_complete = True
    return found


def ceilings(config: Config, user: UserWasmSettings) -> Limits:
    """The most that any plugin gets: the user's ceilings, which a repository's configuration can lower."""
    repository = config.plugins.wasm
    users_file, own_file = str(user_config_path()), config.source or "the repository's configuration"
    memory, memory_from = user.memory_ceiling_bytes, users_file
    if repository.memory_ceiling is not None and repository.memory_ceiling_bytes < memory:
        memory, memory_from = repository.memory_ceiling_bytes, own_file
    timeout, timeout_from = user.timeout_ceiling_seconds, users_file
    if repository.timeout_ceiling is not None and repository.timeout_ceiling_seconds < timeout:
        timeout, timeout_from = repository.timeout_ceiling_seconds, own_file
    return Limits(memory, timeout, f"memory-ceiling in {memory_from}", f"timeout-ceiling in {timeout_from}")


def checked_file(folder: Path, name: str, where: str, max_size: int, shown: str = PLUGIN_FOLDER) -> Path:
    """The real path of the regular file `name` in `folder`.

    Args:
        folder: The plugin folder.
        name: The file, relative to it.
        where: What an error's message starts with.
        max_size: Bytes it may have.
        shown: The folder as messages show it.

    Raises:
        PluginError: It is missing, leads outside, is no regular file, or is too large.
    """
    try:
        path = (folder / name).resolve(strict=True)
        status = path.stat()
    except FileNotFoundError:
        raise PluginError(f"{where}: the file '{name}' does not exist", kind="manifest") from None
    except (OSError, RuntimeError, ValueError) as error:  # RuntimeError: a loop of links; ValueError: a null byte
        raise PluginError(f"{where}: the file {name!r} cannot be read: {error}", kind="manifest") from None
    if not path.is_relative_to(folder.resolve()):
        raise PluginError(f"{where}: the file '{name}' is outside {shown}", kind="manifest")
    if not stat.S_ISREG(status.st_mode):
        raise PluginError(f"{where}: '{name}' is not a regular file", kind="manifest")
    if status.st_size > max_size:
        message = f"{where}: '{name}' has {status.st_size} bytes; at most {max_size} are read"
        raise PluginError(message, kind="too_large")
    return path


def _read_manifest(
    limits: Limits,
    folder: Path,
    modules: Sequence[str],
    found: Discovered,
    parse: Callable[[bytes, str], Manifest],
) -> None:
    shown = f"{found.shown}/{MANIFEST}"
    try:
        data = checked_file(folder, MANIFEST, shown, MAX_MANIFEST, found.shown).read_bytes()
    except PluginError as error:
        error.kind = "manifest"
        found.errors.append(error)
        return
    except OSError as error:
        found.errors.append(PluginError(f"{shown}: cannot be read: {error.strerror}", kind="manifest"))
        return
    manifest = parse(data, shown)
    found.errors += manifest.errors
    found.claimed = manifest.names
    found.is_complete = manifest.readable
    for plugin in manifest.plugins:
        entry = plugin.entry
        try:
            path = found.plugin_file(folder, entry.file_name, plugin.where) if entry.enabled else folder
        except PluginError as error:
            error.message = f"{error.message}; plugin '{entry.name}' is not run{plugin.excerpt}"
            found.broken[entry.name] = error
            found.errors.append(error)
            continue
        found.specs.append(_spec(found, entry, path, plugin.limits.capped(limits), plugin.on_error, origin=shown))
    if manifest.readable:
        found.unlisted = [name for name in modules if name not in manifest.files]
        found.notices += [f"{found.shown}/{n}: not listed in {MANIFEST}, so it is not run" for n in found.unlisted]


def _add_unlisted(limits: Limits, folder: Path, name: str, found: Discovered) -> None:
    shown = f"{found.shown}/{name}"
    stem = name.removesuffix(".wasm")
    if not valid_name(stem):
        message = f"{shown}: {stem!r} cannot be a plugin's name: only letters, digits, '.', '_' and '-'"
        found.errors.append(PluginError(message, hint=f"rename it, or list it in {MANIFEST}", kind="manifest"))
        return
    found.claimed.add(stem)
    try:
        path = found.plugin_file(folder, name, shown)
    except PluginError as error:
        found.broken[stem] = error
        found.errors.append(error)
        return
    entry = PluginEntry(name=stem, group=DEFAULT_GROUP, description=f"The WASM plugin {shown}.")
    found.specs.append(_spec(found, entry, path, Limits().capped(limits), "fail", origin=shown, has_manifest=False))


def _spec(
    found: Discovered,
    entry: PluginEntry,
    path: Path,
    limits: Limits,
    on_error: OnError,
    *,
    origin: str,
    has_manifest: bool = True,
) -> PluginSpec:
    return PluginSpec(
        name=entry.name,
        group=entry.group,
        description=clean(entry.description).strip(),
        path=path,
        file=entry.file_name,
        shown=f"{found.shown}/{entry.file_name}",
        version=clean_line(entry.version, 100) if entry.version is not None else None,
        contract=entry.contract,
        enabled=entry.enabled,
        severity=entry.severity,
        needs=entry.needs,
        granularity=entry.granularity,
        config=entry.config,
        limits=limits,
        on_error=on_error,
        origin=origin,
        has_manifest=has_manifest,
        max_size=MAX_MODULE,
        tests=entry.tests,
    )
