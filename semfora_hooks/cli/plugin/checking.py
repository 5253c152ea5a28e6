"""Are a repository's plugins fit to run? Manifest, files, lock, trust, and what stands in the binaries; runs none."""

from __future__ import annotations

from collections.abc import Iterator

from semfora_hooks.cli.plugin.reading import read_folder
from semfora_hooks.errors import PluginError
from semfora_hooks.providers.wasm.approval import Approval, approve
from semfora_hooks.providers.wasm.cursor import BinaryError
from semfora_hooks.providers.wasm.inspect import inspect


def check_plugins() -> tuple[int, list[PluginError]]:
    """How many plugins of the repository around the current folder are enabled, and all that is wrong with any.

    Raises:
        ConfigError: The repository's configuration, or the user's own, is wrong.
    """
    folder = read_folder()
    if not (folder.config.plugins.wasm.enabled and folder.user.enabled):
        return 0, []
    approvals = approve(folder.config, folder.path, folder.found, folder.user, look_closer=True)
    errors = [*folder.found.errors, *approvals.errors, *_unfit(approvals.plugins)]
    return sum(spec.enabled for spec in folder.found.specs), errors


def _unfit(plugins: list[Approval]) -> Iterator[PluginError]:
    """Plugins that may run, and could not."""
    for plugin in plugins:
        if plugin.refusal is not None or plugin.binary is None:
            continue
        try:
            problem = inspect(plugin.binary.code).problem
        except BinaryError as error:
            problem = ("compile", str(error))
        if problem is not None:
            spec, (kind, why) = plugin.spec, problem
            yield PluginError(f"plugin '{spec.id}' ({spec.shown}): {why}", kind=kind)
