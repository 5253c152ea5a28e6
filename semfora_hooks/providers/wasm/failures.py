"""The failure taxonomy of plugins: from a kind and what is known about it to an error that says what to do.

| kind | what failed |
| --- | --- |
| `timeout` | it ran longer than `limits.timeout`, or all plugins together longer than `total-timeout` |
| `memory` | it needed more than `limits.memory` |
| `trap` | it crashed, or ended itself |
| `bad_output` | its result is not what the contract says |
| `plugin` | it reported an error of its own |
| `too_large` | its file, its result, its tables or the like exceed a limit that nothing changes |
| `compile` | its file is no valid WASM, or takes too long or too much memory to compile |
| `incompatible` | it has not the exports of our ABI, or speaks another ABI or contract |
| `refused_import` | it wants something that plugins do not get |
| `untrusted` | its content is not what was locked or trusted |
| `crash` | the sandbox's process died |
| `missing_extra` | wasmtime is missing or unsuitable |
"""

from __future__ import annotations

from typing import Protocol

from semfora_hooks.errors import PluginError
from semfora_hooks.providers.wasm.manifest import Limits, OnError
from semfora_hooks.providers.wasm.text import clean_end, clean_line

MAX_DETAIL = 500
"""Characters of what a guest chose: function names, messages, what it printed."""

_HINTS = {
    "trap": "it is a bug in the plugin: report it to its author, or switch the plugin off with 'enabled: false'",
    "bad_output": "it is a bug in the plugin: docs/schemas/recommendation.v1.json says what a finding looks like",
    "plugin": "the plugin's own documentation says what it needs",
    "too_large": "this limit is the same for every plugin",
    "compile": "build the plugin again, and check that the file was copied whole",
    "incompatible": "build it for plugin ABI 1",
    "refused_import": "build it for wasm32-unknown-unknown, or without access to files, network and the system",
    "crash": "try again; if it happens again, report it with the plugin's file",
    "missing_extra": "pip install 'semfora-hooks[wasm]'",
}


class FailingPlugin(Protocol):
    """What is told about a plugin that failed; `rule.PluginSpec` has it."""

    @property
    def id(self) -> str:
        """`group/name`."""

    @property
    def name(self) -> str:
        """Its name in the manifest."""

    @property
    def shown(self) -> str:
        """Its file, as messages show it."""

    @property
    def version(self) -> str | None:
        """What the manifest says."""

    @property
    def limits(self) -> Limits:
        """After the ceilings."""

    @property
    def on_error(self) -> OnError:
        """Whether its failure is fatal."""

    @property
    def origin(self) -> str | None:
        """The file that declares it."""

    @property
    def has_manifest(self) -> bool:
        """Whether that is a manifest."""


def plugin_error(plugin: FailingPlugin, kind: str, detail: str, log: str = "", hint: str | None = None) -> PluginError:
    """The error for users: which plugin, what happened, which limit, which setting changes it.

    Args:
        plugin: Which one.
        kind: As in `PluginError.kind`.
        detail: What is known. The guest may have chosen parts of it, so it is cut, and control characters go.
        log: What the guest printed; its end is shown.
        hint: What to do, where the plugin's own limit has nothing to do with it.
    """
    detail, log = clean_line(detail, MAX_DETAIL), clean_end(log, MAX_DETAIL)
    limits = plugin.limits
    if hint is not None:
        pass
    elif kind == "timeout":
        detail = f"stopped at its time limit of {limits.timeout:g} s"
        hint = _limit_hint(plugin, "timeout", limits.timeout_cap)
    elif kind == "memory":
        detail = f"ran out of memory; its limit is {limits.memory / 2**20:.4g} MiB: {detail}"
        hint = _limit_hint(plugin, "memory", limits.memory_cap)
    else:
        hint = _HINTS.get(kind)
    version = f" {plugin.version}" if plugin.version else ""
    printed = f"; {'its last line' if kind == 'crash' else 'it printed'}: {log}" if log else ""
    return PluginError(
        f"plugin '{plugin.id}'{version} ({plugin.shown}): {detail}{printed}",
        hint=hint,
        kind=kind,
        fatal=plugin.on_error != "warn",
    )


def _limit_hint(plugin: FailingPlugin, key: str, cap: str | None) -> str:
    if cap is not None:
        return f"a ceiling decides: {cap}"
    if not plugin.has_manifest:
        return f"write a manifest.yaml beside it and set limits.{key} there"
    return f"raise limits.{key} of '{plugin.name}' in {plugin.origin}"
