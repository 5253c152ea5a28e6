"""The provider of rules that are WASM plugins: `.semfora/plugins/*.wasm`.

Importing this module is cheap: what runs plugins, and YAML, load when a repository has plugins.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from semfora_hooks.hookspecs import Loaded, RuleProvider, hookimpl

if TYPE_CHECKING:
    from semfora_hooks.config import Config

PLUGIN_FOLDER = ".semfora/plugins"
"""Where a repository keeps its plugins and their manifest."""


@hookimpl
def semfora_rule_providers() -> list[RuleProvider]:
    """Declare the provider."""
    return [RuleProvider(name="wasm", load=load)]


def load(config: Config) -> Loaded:
    """The rules of the repository's enabled plugins. Nothing is compiled or run here.

    Args:
        config: The run's configuration; `config.root` is the repository.
    """
    if config.no_plugins or not config.plugins.wasm.enabled:
        return Loaded()
    folder = config.rules_root_path / PLUGIN_FOLDER
    try:
        names = {entry.name for entry in folder.iterdir()}
    except (FileNotFoundError, NotADirectoryError):
        return Loaded()
    except OSError as error:
        from semfora_hooks.errors import PluginError

        return Loaded(errors=[PluginError(f"{PLUGIN_FOLDER}: cannot be read: {error.strerror}", kind="manifest")])
    if not any(name.endswith(".wasm") or name in ("manifest.yaml", "manifest.yml", "manifest.lock") for name in names):
        return Loaded()
    from semfora_hooks.providers.wasm.loading import load_plugins

    return load_plugins(config, folder)
