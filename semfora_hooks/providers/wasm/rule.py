"""A plugin as a rule: encodes the context, has it evaluated in the sandbox, decodes the result."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from semfora_hooks.context import SuggestContext
from semfora_hooks.hookspecs import Rule
from semfora_hooks.model import CATEGORIES, Granularity, Recommendation, Severity
from semfora_hooks.providers.wasm import host
from semfora_hooks.providers.wasm.binaryfile import read_binary
from semfora_hooks.providers.wasm.failures import plugin_error
from semfora_hooks.providers.wasm.manifest import Limits, OnError
from semfora_hooks.providers.wasm.output import OutputError, decode, normal_category

_ENCODER = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class PluginSpec:
    """One plugin of a repository, checked.

    Attributes:
        name: Unique in the manifest.
        group: What it is switched on and off with.
        description: What it finds.
        path: The real path of its file; meaningless for a disabled one.
        file: The file as the manifest names it, relative to the plugin folder.
        shown: The file as messages show it, relative to the repository.
        version: What the manifest says, for messages.
        contract: The version of the JSON contract it was written for.
        enabled: Whether it runs.
        severity: Where a recommendation leaves it out.
        needs: Sections of the context it gets.
        granularity: How much of the repository one decision needs.
        config: What reaches it as `config` in the context.
        limits: After the user's ceilings.
        on_error: Whether its failure fails the run, is a notice, or is not mentioned.
        origin: The file that declares it, relative to the repository.
        has_manifest: Whether that is a manifest.
        max_size: Bytes the file may have.
        binary: Its code, where that was read already, to compare it with the lock.
    """

    name: str
    group: str
    description: str
    path: Path
    shown: str
    file: str = ""
    version: str | None = None
    contract: int = 1
    enabled: bool = True
    severity: Severity = Severity.WARNING
    needs: tuple[str, ...] = ("symbols", "calls", "modules", "duplicates")
    granularity: Granularity = "project"
    config: Mapping[str, Any] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    on_error: OnError = "fail"
    origin: str | None = None
    has_manifest: bool = True
    max_size: int = 64 << 20
    binary: host.Binary | None = field(default=None, repr=False, compare=False)

    @property
    def id(self) -> str:
        """`group/name`."""
        return f"{self.group}/{self.name}"

    @property
    def category(self) -> str:
        """The fixed category the group is one of, else `custom:<group>`."""
        category = normal_category(self.group)
        return category if category in CATEGORIES else f"custom:{self.group}"


class WasmRule(Rule):
    """One plugin."""

    def __init__(self, spec: PluginSpec, pool: host.Pool) -> None:
        self.spec = spec
        self.id = spec.id
        self.group = spec.group
        self.category = spec.category
        self.severity = spec.severity
        self.description = spec.description
        self.granularity = spec.granularity
        self.origin = spec.origin
        self._pool = pool
        self._binary = spec.binary

    def prepare(self) -> None:
        """Start a worker without waiting for it. Optional: call it early, when it is sure that plugins will run."""
        with contextlib.suppress(host.SandboxError):  # `evaluate` will say so
            self._pool.warm_up()

    def evaluate(self, context: SuggestContext) -> Iterator[Recommendation]:
        """Run the plugin. Well-formed recommendations come even where the same output has malformed ones.

        Raises:
            PluginError: It failed; not fatal with `on_error: warn`, and not raised at all with `on_error: skip`.
        """
        try:
            output = self._run(self.document(context))
            recommendations, error = decode(output, context)
            yield from recommendations
            if error is not None:
                raise error
        except (host.SandboxError, OutputError) as error:
            if self.spec.on_error != "skip":
                raise plugin_error(self.spec, error.kind, error.detail, getattr(error, "log", "")) from None

    def document(self, context: SuggestContext) -> bytes:
        """The JSON the plugin gets for `context`."""
        only: set[str] | None = None
        if self.granularity == "symbol" and context.scope.kind in ("staged", "range"):
            only = set(context.scope.symbols)
            for symbol_id in context.scope.symbols:
                only.update(call.callee for call in context.calls_from(symbol_id) if call.callee is not None)
                only.update(call.caller for call in context.calls_to(symbol_id))
        return _ENCODER.encode(context.document(self.spec.needs, config=self.spec.config, only=only))

    def _run(self, document: bytes) -> bytes:
        limits = self.spec.limits
        output, _ = self._pool.evaluate(self._read(), document, memory=limits.memory, timeout=limits.timeout)
        return output

    def _read(self) -> host.Binary:
        """The code, read once: what was read first is what runs each time."""
        if self._binary is None:
            self._binary = read_binary(self.spec.path, self.spec.max_size)
        return self._binary
