"""A plugin as a rule: encodes the context, has it evaluated in the sandbox, decodes the result."""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from semfora_hooks.context import SuggestContext
from semfora_hooks.hookspecs import Locality, Rule
from semfora_hooks.model import CATEGORIES, Granularity, Recommendation, Severity
from semfora_hooks.providers.wasm import host
from semfora_hooks.providers.wasm.background import Crew, Task
from semfora_hooks.providers.wasm.binaryfile import read_binary
from semfora_hooks.providers.wasm.failures import plugin_error
from semfora_hooks.providers.wasm.manifest import Limits, OnError
from semfora_hooks.providers.wasm.output import OutputError, decode, normal_category
from semfora_hooks.providers.wasm.projection import Document, Projector
from semfora_hooks.providers.wasm.stats import PluginStats


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
        tests: The folder of its fixtures as the manifest names it, relative to the plugin folder; `None` for none.
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
    tests: str | None = None
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


class Shared:
    """What the plugins of one run have in common.

    Args:
        pool: The workers.
        projector: Encodes contexts for all of them.
        crew: Evaluates in the background.
    """

    def __init__(self, pool: host.Pool, projector: Projector | None = None, crew: Crew | None = None) -> None:
        self.pool = pool
        self.projector = projector or Projector()
        self.crew = crew or Crew()


class WasmRule(Rule):
    """One plugin.

    Attributes:
        stats: What it has cost so far.
    """

    def __init__(self, spec: PluginSpec, shared: Shared | host.Pool) -> None:
        self.spec = spec
        self.id = spec.id
        self.group = spec.group
        self.category = spec.category
        self.severity = spec.severity
        self.description = spec.description
        self.granularity = spec.granularity
        self.origin = spec.origin
        # Its granularity says what a run about a change shows it; with `project`, everything.
        self.locality: Locality = "repository" if spec.granularity == "project" else "focus"
        self.stats = PluginStats()
        self._shared = shared if isinstance(shared, Shared) else Shared(shared)
        self._begun: list[tuple[SuggestContext, Task[bytes], PluginStats]] = []
        self._binary = spec.binary
        self._prepared = PluginStats()

    def prepare(self) -> None:
        """Start a worker, and have it load the code if that was compiled before, without waiting for either.

        Optional: call it early, when it is sure that plugins will run.
        """
        with contextlib.suppress(host.SandboxError):  # `evaluate` will say so
            self._shared.pool.warm_up()
            if self._shared.pool.caches is not None:
                stats = self._prepared
                self._shared.crew.submit(lambda: self._shared.pool.preload(self._read(), stats))

    def begin(self, context: SuggestContext) -> None:
        """Start evaluating in the background; `evaluate` is called later with the same context."""
        stats = PluginStats()
        document = self._project(context, stats)
        self._begun.append((context, self._shared.crew.submit(lambda: self._run(document, stats)), stats))

    def evaluate(self, context: SuggestContext) -> Iterator[Recommendation]:
        """Run the plugin. Well-formed recommendations come even where the same output has malformed ones.

        Raises:
            PluginError: It failed; not fatal with `on_error: warn`, and not raised at all with `on_error: skip`.
        """
        try:
            output = self._output(context)
            start = time.perf_counter()
            recommendations, error = decode(output, context)
            self.stats.decode += time.perf_counter() - start
            yield from recommendations
            if error is not None:
                raise error
        except (host.SandboxError, OutputError) as error:
            if self.spec.on_error != "skip":
                more = getattr(error, "log", ""), getattr(error, "hint", None)
                raise plugin_error(self.spec, error.kind, error.detail, *more) from None

    def result_key(self) -> str | None:
        """See `Rule`: the code, what the manifest says, and what runs it."""
        caches = self._shared.pool.caches
        if caches is None or self.spec.on_error == "skip":  # a failure that nobody sees must not be kept
            return None
        try:
            binary = self._read()
        except host.SandboxError:
            return None
        spec = self.spec
        about = (spec.id, spec.severity, spec.needs, spec.granularity, dict(spec.config), spec.limits, spec.on_error)
        return caches.result_key(binary.key, hashlib.sha256(repr(about).encode()).digest(), ())

    def renew_budget(self) -> None:
        """Give the plugins that were loaded together with this one their time anew."""
        self._shared.pool.budget.renew()

    def close(self) -> None:
        """End the sandbox's processes now, those of the plugins loaded together with this one too."""
        self._shared.pool.close()

    def document(self, context: SuggestContext) -> bytes:
        """The JSON the plugin gets for `context`."""
        return bytes(self._project(context, PluginStats()))

    def _project(self, context: SuggestContext, stats: PluginStats) -> Document:
        start = time.perf_counter()
        document = self._shared.projector.document(context, self.spec.needs, self.spec.config)
        stats.encode += time.perf_counter() - start
        return document

    def _output(self, context: SuggestContext) -> bytes:
        """The plugin's result, from the background where it was begun there."""
        place = next((i for i, (begun, _, _) in enumerate(self._begun) if begun is context), None)
        if place is None:
            self.begin(context)
            place = len(self._begun) - 1
        _, task, stats = self._begun.pop(place)
        try:
            return task.result()
        finally:
            self.stats.add(stats)
            # Complete by now: whoever evaluated had to wait for the worker that loaded.
            self.stats.add(self._prepared)
            self._prepared = PluginStats()

    def _run(self, document: Document, stats: PluginStats) -> bytes:
        limits = self.spec.limits
        binary = self._read()
        output, _ = self._shared.pool.evaluate(
            binary, document, memory=limits.memory, timeout=limits.timeout, stats=stats
        )
        return output

    def _read(self) -> host.Binary:
        """The code, read once: what was read first is what runs each time."""
        if self._binary is None:
            self._binary = read_binary(self.spec.path, self.spec.max_size)
        return self._binary
