"""Which plugins may run: those that the lock holds as they are, and that the user trusts, where that is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from semfora_hooks.config import Config
from semfora_hooks.errors import PluginError
from semfora_hooks.providers.wasm import PLUGIN_FOLDER
from semfora_hooks.providers.wasm.binaryfile import read_binary
from semfora_hooks.providers.wasm.folder import Discovered
from semfora_hooks.providers.wasm.host import Binary, SandboxError
from semfora_hooks.providers.wasm.lock import LOCK, LockedPlugin, read_lock
from semfora_hooks.providers.wasm.rule import PluginSpec
from semfora_hooks.providers.wasm.trust import TrustStore
from semfora_hooks.userconfig import UserWasmSettings, user_config_path

LockState = Literal["none", "damaged", "locked", "changed", "unlocked"]


@dataclass(slots=True)
class Approval:
    """What was decided about one enabled plugin.

    Attributes:
        spec: The plugin, with its code if that was read.
        lock: How it stands to the lock; `none` where there is no lock.
        trusted: Whether the user has trusted this content; `None` where nobody looked.
        refusal: Why it is not run; `None` if it may.
    """

    spec: PluginSpec
    lock: LockState = "none"
    trusted: bool | None = None
    refusal: PluginError | None = None

    @property
    def binary(self) -> Binary | None:
        """The code that was judged; it is what runs."""
        return self.spec.binary


@dataclass(slots=True)
class Approvals:
    """What was decided about a folder.

    Attributes:
        plugins: The enabled plugins.
        errors: Why some are not run, and what the lock holds and the folder does not.
        notices: Remarks for the user.
    """

    plugins: list[Approval] = field(default_factory=list)
    errors: list[PluginError] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)

    @property
    def specs(self) -> list[PluginSpec]:
        """The plugins that may run."""
        return [plugin.spec for plugin in self.plugins if plugin.refusal is None]


def approve(
    config: Config, folder: Path, found: Discovered, user: UserWasmSettings, *, look_closer: bool = False
) -> Approvals:
    """Decide which of the plugins that were found may run.

    Where a lock or the user's trust decides, the code is read here, once, and goes on with the plugin: what is compared
    is what runs.

    Args:
        config: The repository's configuration; `plugins.wasm.locked` asks for a lock.
        folder: The plugin folder.
        found: What stands in it.
        user: The user's own settings.
        look_closer: Read every plugin's code and look up its trust, even where neither decides: for listings.
    """
    result = Approvals([Approval(spec) for spec in found.specs if spec.enabled])
    locks, everything = _consult_lock(config, folder, found, user, result)
    store = TrustStore(config.root_path)
    needs_trust = user.trust == "explicit"
    for plugin in result.plugins:
        plugin.refusal = everything
        if locks is not None or needs_trust or look_closer:
            _read(plugin)
        if locks is not None:
            _compare(plugin, locks.get(plugin.spec.name))
        if needs_trust or look_closer:
            _ask(plugin, store, needs_trust)
        if plugin.refusal is not None and plugin.refusal is not everything:
            result.errors.append(plugin.refusal)
    return result


def _consult_lock(
    config: Config, folder: Path, found: Discovered, user: UserWasmSettings, result: Approvals
) -> tuple[Mapping[str, LockedPlugin] | None, PluginError | None]:
    """What the lock holds, if there is one, and why nothing runs at all, if nothing does; both noted in `result`."""
    try:
        locks = read_lock(folder) if found.is_complete or found.specs else None
    except PluginError as error:
        for plugin in result.plugins:
            plugin.lock = "damaged"
        result.errors.append(error)
        return None, error
    if locks is not None:
        result.errors += _missing(locks, found)
    elif result.plugins and (config.plugins.wasm.locked or user.locked):
        required = _lock_required(result.plugins, user)
        result.errors.append(required)
        return None, required
    elif result.plugins:
        result.notices.append(_hint_to_lock(result.plugins))
    return locks, None


def _read(plugin: Approval) -> None:
    spec = plugin.spec
    try:
        plugin.spec = replace(spec, binary=read_binary(spec.path, spec.max_size))
    except SandboxError as error:
        plugin.refusal = plugin.refusal or PluginError(f"{_named(spec)}: {error.detail}", kind=error.kind)


def _compare(plugin: Approval, locked: LockedPlugin | None) -> None:
    spec, binary = plugin.spec, plugin.binary
    if binary is None:  # it could not be read, and is refused for that
        return
    if locked is None:
        plugin.lock, why = "unlocked", f"it is not in {LOCK}"
    elif locked.sha256 != binary.key:
        plugin.lock = "changed"
        why = f"its content changed since it was locked: {locked.sha256[:12]} then, {binary.key[:12]} now"
    elif locked.file != spec.file:
        plugin.lock, why = "changed", f"it was locked as the file {locked.file!r}"
    else:
        plugin.lock = "locked"
        return
    hint = f"review it, then run: semfora-hooks plugin lock {spec.name}"
    plugin.refusal = plugin.refusal or PluginError(f"{_named(spec)}: {why}; it is not run", hint=hint, kind="untrusted")


def _ask(plugin: Approval, store: TrustStore, needs_trust: bool) -> None:
    spec, binary = plugin.spec, plugin.binary
    if binary is None:
        return
    problem: PluginError | None = None
    try:
        plugin.trusted = store.is_trusted(binary.key)
    except PluginError as error:
        problem = PluginError(f"{_named(spec)} is not run: {error.message}", hint=error.hint, kind="untrusted")
    if plugin.trusted or not needs_trust:
        return
    plugin.refusal = (
        plugin.refusal
        or problem
        or PluginError(
            f"{_named(spec)}: you have not trusted this content (sha256 {binary.key[:12]}), "
            f"and {user_config_path()} asks for that; it is not run",
            hint=f"look at it, then run: semfora-hooks plugin trust {spec.name}",
            kind="untrusted",
        )
    )


def _missing(locks: Mapping[str, LockedPlugin], found: Discovered) -> list[PluginError]:
    """Errors about what is locked and not there."""
    for name, error in found.broken.items():
        if name in locks:
            error.kind = "untrusted"
    if not found.is_complete:
        return []
    known = {spec.name for spec in found.specs} | found.claimed
    return [
        PluginError(
            f"{PLUGIN_FOLDER}/{locked.file}: plugin {name!r} is locked, and is not there any more",
            hint="restore it, or take it out of the lock: semfora-hooks plugin lock",
            kind="untrusted",
        )
        for name, locked in sorted(locks.items())
        if name not in known
    ]


def _lock_required(plugins: list[Approval], user: UserWasmSettings) -> PluginError:
    names = ", ".join(plugin.spec.id for plugin in plugins)
    who = str(user_config_path()) if user.locked else "--locked or the configuration"
    return PluginError(
        f"{PLUGIN_FOLDER}/{LOCK}: does not exist, and {who} asks for it; not run: {names}",
        hint="review the plugins, run: semfora-hooks plugin lock, and commit the file",
        kind="untrusted",
    )


def _hint_to_lock(plugins: list[Approval]) -> str:
    count = "1 WASM plugin is" if len(plugins) == 1 else f"{len(plugins)} WASM plugins are"
    return (
        f"{count} not locked, so a changed binary would run unnoticed; "
        f"'semfora-hooks plugin lock' writes {PLUGIN_FOLDER}/{LOCK} to commit"
    )


def _named(spec: PluginSpec) -> str:
    return f"plugin '{spec.id}' ({spec.shown})"
