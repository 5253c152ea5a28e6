"""A plugin's output in the form in which two of them are compared, and running a plugin on a case."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec

from semfora_hooks.context import SuggestContext
from semfora_hooks.hookspecs import Rule
from semfora_hooks.model import ContextDocument, Recommendation, Severity
from semfora_hooks.policy.intake import complete
from semfora_hooks.providers.wasm import host
from semfora_hooks.providers.wasm.output import OutputError, decode

MEMORY = 256 << 20
TIMEOUT = 5.0


class _LayerGuard(Rule):
    """What the manifest says about the plugin."""

    id = "architecture/layer-guard"
    group = "architecture"
    category = "custom:architecture"
    severity = Severity.WARNING
    description = "Flags calls that cross layers upwards."

    def evaluate(self, context: SuggestContext) -> list[Recommendation]:  # noqa: ARG002 - the base's name
        """Nothing: the plugin finds, this only says how findings are completed."""
        return []


def canonical(context: bytes, output: bytes) -> bytes:
    """`output` as the host takes it in: decoded, cleaned, completed and checked, in the plugin's order.

    Args:
        context: The document the plugin got.
        output: What it returned.

    Raises:
        OutputError: The output breaks the contract.
        ProviderError: One of its values is nonsense.
    """
    document = msgspec.json.decode(context, type=ContextDocument)
    view = SuggestContext(
        generator=document.generator,
        repository=document.repository,
        symbols=document.symbols,
        calls=document.calls,
        modules=document.modules,
        duplicates=document.duplicates,
        scope=document.scope,
        config=document.config,
    )
    result: Any
    try:
        found, malformed = decode(output, view)
    except OutputError as error:
        if error.kind != "plugin":
            raise
        result = {"error": json.loads(output)["error"]}
    else:
        if malformed is not None:
            raise malformed
        rule = _LayerGuard()
        result = [complete(item, rule, view, None) for item in found]
    return msgspec.json.format(msgspec.json.encode(result), indent=1) + b"\n"


def run(pool: host.Pool, plugin: Path, context: bytes) -> bytes:
    """The canonical output of the plugin in file `plugin` for `context`, under the production defaults.

    Raises:
        SandboxError: The plugin failed.
    """
    output, _ = pool.evaluate(host.Binary.of(plugin.read_bytes()), context, memory=MEMORY, timeout=TIMEOUT)
    return canonical(context, output)
