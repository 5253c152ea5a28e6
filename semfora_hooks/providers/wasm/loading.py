"""From the plugin folder to rules: which files run, under which names and limits."""

from __future__ import annotations

import stat
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from semfora_hooks.config import Config
from semfora_hooks.errors import PluginError
from semfora_hooks.hookspecs import Loaded
from semfora_hooks.providers.wasm import PLUGIN_FOLDER, host
from semfora_hooks.providers.wasm.manifest import (
    MAX_MANIFEST,
    Limits,
    OnError,
    PluginEntry,
    parse_manifest,
    valid_name,
)
from semfora_hooks.providers.wasm.rule import PluginSpec, WasmRule

MANIFEST = "manifest.yaml"
MAX_MODULE = 64 << 20
"""Bytes; a plugin that carries a Python interpreter has 18 MB."""
DEFAULT_GROUP = "wasm"


@dataclass(slots=True)
class Discovered:
    """What stands in a plugin folder.

    Attributes:
        specs: The plugins that are fit to be loaded, disabled ones included.
        errors: What is wrong with others.
        notices: Remarks for the user.
    """

    specs: list[PluginSpec] = field(default_factory=list)
    errors: list[PluginError] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)


def load_plugins(config: Config, folder: Path) -> Loaded:
    """Rules for the enabled plugins in `folder`; they share the workers they run in."""
    found = discover(config, folder)
    enabled = [spec for spec in found.specs if spec.enabled]
    if enabled and host.wasmtime_folder() is None:
        return Loaded(errors=[*found.errors, _missing_extra(enabled)], notices=found.notices)
    pool = host.Pool(config.plugins.wasm.memory_ceiling_bytes)
    return Loaded([WasmRule(spec, pool) for spec in enabled], found.errors, found.notices)


def discover(config: Config, folder: Path) -> Discovered:
    """The plugins of `folder`, from its manifest where there is one. Runs and compiles nothing."""
    found = Discovered()
    try:
        inside = folder.resolve(strict=True).is_relative_to(config.root_path.resolve())
        names = sorted(path.name for path in folder.iterdir())
    except (OSError, RuntimeError) as error:
        found.errors.append(PluginError(f"{PLUGIN_FOLDER}: cannot be read: {error}", kind="manifest"))
        return found
    if not inside:
        message = f"{PLUGIN_FOLDER}: is a link that leads outside the repository; its plugins are not run"
        found.errors.append(PluginError(message, kind="manifest"))
        return found
    modules = [name for name in names if name.endswith(".wasm")]
    if MANIFEST in names:
        _read_manifest(config, folder, modules, found)
    elif "manifest.yml" in names:
        message = f"{PLUGIN_FOLDER}/manifest.yml: the manifest is called {MANIFEST}; no plugin is run"
        found.errors.append(PluginError(message, hint="rename it", kind="manifest"))
    else:
        for name in modules:
            _add_unlisted(config, folder, name, found)
    return found


def _read_manifest(config: Config, folder: Path, modules: Sequence[str], found: Discovered) -> None:
    shown = f"{PLUGIN_FOLDER}/{MANIFEST}"
    try:
        data = _checked_file(folder, MANIFEST, shown, MAX_MANIFEST).read_bytes()
    except PluginError as error:
        error.kind = "manifest"
        found.errors.append(error)
        return
    except OSError as error:
        found.errors.append(PluginError(f"{shown}: cannot be read: {error.strerror}", kind="manifest"))
        return
    manifest = parse_manifest(data, shown)
    found.errors += manifest.errors
    for plugin in manifest.plugins:
        entry = plugin.entry
        try:
            path = _checked_file(folder, entry.file_name, plugin.where, MAX_MODULE) if entry.enabled else folder
        except PluginError as error:
            error.message = f"{error.message}; plugin '{entry.name}' is not run"
            found.errors.append(error)
            continue
        found.specs.append(_spec(config, entry, path, plugin.limits, plugin.on_error, origin=shown))
    if manifest.readable:
        for name in modules:
            if name not in manifest.files:
                found.notices.append(f"{PLUGIN_FOLDER}/{name}: not listed in {MANIFEST}, so it is not run")


def _add_unlisted(config: Config, folder: Path, name: str, found: Discovered) -> None:
    shown = f"{PLUGIN_FOLDER}/{name}"
    stem = name.removesuffix(".wasm")
    if not valid_name(stem):
        message = f"{shown}: {stem!r} cannot be a plugin's name: only letters, digits, '.', '_' and '-'"
        found.errors.append(PluginError(message, hint=f"rename it, or list it in {MANIFEST}", kind="manifest"))
        return
    try:
        path = _checked_file(folder, name, shown, MAX_MODULE)
    except PluginError as error:
        found.errors.append(error)
        return
    entry = PluginEntry(name=stem, group=DEFAULT_GROUP, description=f"The WASM plugin {shown}.")
    found.specs.append(_spec(config, entry, path, Limits(), "fail", origin=shown, has_manifest=False))


def _spec(
    config: Config,
    entry: PluginEntry,
    path: Path,
    limits: Limits,
    on_error: OnError,
    *,
    origin: str,
    has_manifest: bool = True,
) -> PluginSpec:
    wasm = config.plugins.wasm
    return PluginSpec(
        name=entry.name,
        group=entry.group,
        description=entry.description.strip(),
        path=path,
        shown=f"{PLUGIN_FOLDER}/{entry.file_name}",
        version=entry.version,
        enabled=entry.enabled,
        severity=entry.severity,
        needs=entry.needs,
        granularity=entry.granularity,
        config=entry.config,
        limits=limits.capped(wasm.memory_ceiling_bytes, wasm.timeout_ceiling_seconds),
        on_error=on_error,
        origin=origin,
        has_manifest=has_manifest,
        max_size=MAX_MODULE,
    )


def _checked_file(folder: Path, name: str, where: str, max_size: int) -> Path:
    """The real path of the regular file `name` in `folder`.

    Raises:
        PluginError: It is missing, leads outside, is no regular file, or is larger than `max_size` bytes.
    """
    try:
        path = (folder / name).resolve(strict=True)
        status = path.stat()
    except FileNotFoundError:
        raise PluginError(f"{where}: the file '{name}' does not exist", kind="manifest") from None
    except (OSError, RuntimeError, ValueError) as error:  # RuntimeError: a loop of links; ValueError: a null byte
        raise PluginError(f"{where}: the file {name!r} cannot be read: {error}", kind="manifest") from None
    if not path.is_relative_to(folder.resolve()):
        raise PluginError(f"{where}: the file '{name}' is outside {PLUGIN_FOLDER}", kind="manifest")
    if not stat.S_ISREG(status.st_mode):
        raise PluginError(f"{where}: '{name}' is not a regular file", kind="manifest")
    if status.st_size > max_size:
        message = f"{where}: '{name}' has {status.st_size} bytes; at most {max_size} are read"
        raise PluginError(message, kind="too_large")
    return path


def _missing_extra(specs: Sequence[PluginSpec]) -> PluginError:
    names = ", ".join(spec.id for spec in specs)
    count = "1 WASM plugin was" if len(specs) == 1 else f"{len(specs)} WASM plugins were"
    return PluginError(
        f"{count} not run, because wasmtime is not installed: {names}",
        hint="pip install 'semfora-hooks[wasm]', or set plugins.wasm.enabled = false",
        kind="missing_extra",
    )
