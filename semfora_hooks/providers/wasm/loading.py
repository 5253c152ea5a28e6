"""From the plugin folder to rules: what is there, what of it may run, and the rules that run it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from semfora_hooks.config import Config
from semfora_hooks.errors import PluginError
from semfora_hooks.hookspecs import Loaded
from semfora_hooks.providers.wasm import host
from semfora_hooks.providers.wasm.approval import approve
from semfora_hooks.providers.wasm.budget import run_budget
from semfora_hooks.providers.wasm.caches import PluginCaches, caches
from semfora_hooks.providers.wasm.folder import ceilings, discover
from semfora_hooks.providers.wasm.keptmanifest import ManifestReader
from semfora_hooks.providers.wasm.manifest import parse_manifest
from semfora_hooks.providers.wasm.rule import PluginSpec, Shared, WasmRule
from semfora_hooks.userconfig import load_user_config


def load_plugins(config: Config, folder: Path) -> Loaded:
    """Rules for the enabled plugins in `folder` that lock and trust allow; they share the workers they run in.

    Raises:
        ConfigError: The user's own configuration is wrong, so that nobody knows what may run.
    """
    user = load_user_config().plugins.wasm
    if not user.enabled:
        return Loaded()
    # A copy of what is staged is gone when the plugins run, so their code is read now.
    is_copy = bool(config.rules_root)
    parse = ManifestReader(caches(config.root_path).manifests) if config.use_cache else parse_manifest
    found = discover(config.replace(root=config.rules_root) if is_copy else config, folder, user, parse=parse)
    approvals = approve(config, folder, found, user, look_closer=is_copy)
    errors = [*found.errors, *approvals.errors]
    notices = [*found.notices, *approvals.notices]
    specs = approvals.specs
    wasmtime = host.wasmtime_folder() if specs else None
    if specs and wasmtime is None:
        return Loaded(errors=[*errors, _missing_extra(specs)], notices=notices)
    kept = PluginCaches(config.root_path, wasmtime) if config.use_cache and wasmtime is not None else None
    shared = Shared(host.Pool(ceilings(config, user).memory, kept, run_budget(config, user)))
    return Loaded([WasmRule(spec, shared) for spec in specs], errors, notices)


def _missing_extra(specs: Sequence[PluginSpec]) -> PluginError:
    names = ", ".join(spec.id for spec in specs)
    count = "1 WASM plugin was" if len(specs) == 1 else f"{len(specs)} WASM plugins were"
    return PluginError(
        f"{count} not run, because wasmtime is not installed: {names}",
        hint="pip install 'semfora-hooks[wasm]', or set plugins.wasm.enabled = false",
        kind="missing_extra",
    )
