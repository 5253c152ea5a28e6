"""Measuring what a plugin makes of the process it runs in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from semfora_hooks.context import SuggestContext
from semfora_hooks.errors import PluginError
from semfora_hooks.providers.wasm import host
from semfora_hooks.providers.wasm.rule import WasmRule

from ..builders import constant

ALIVE = constant('[{"title":"alive"}]')


@dataclass(frozen=True)
class Outcome:
    """How an attack ended.

    Attributes:
        error: The error, or `None` where the plugin returned.
        peak: Bytes of resident memory the worker gained at its peak.
        kept: Bytes of resident memory it has more than before, after the next plugin has run.
        titles: What the plugin reported.
    """

    error: PluginError | None
    peak: int
    kept: int
    titles: list[str]

    @property
    def kind(self) -> str | None:
        return None if self.error is None else self.error.kind


@pytest.fixture
def own_pool() -> Iterator[host.Pool]:
    pool = host.Pool(1200 << 20)
    yield pool
    pool.close()


@pytest.fixture
def measured(
    make_rule: Callable[..., WasmRule], context: SuggestContext, own_pool: host.Pool, patient_host: None
) -> Callable[..., Outcome]:
    """Evaluates a plugin in a worker that has done so before, which must survive and run the next plugin."""

    def run(code: str | bytes, times: int = 1, **changes: object) -> Outcome:
        def titles(rule: WasmRule) -> list[str]:
            return [found.title for found in rule.evaluate(context)]

        good = make_rule(ALIVE, on=own_pool)
        assert titles(good) == ["alive"]
        [worker] = own_pool._all
        process = Path("/proc") / str(worker.process.pid)
        (process / "clear_refs").write_text("5")  # the peak starts from here
        before = memory(process, "VmRSS")
        rule = make_rule(code, on=own_pool, **changes)
        found: list[str] = []
        error = None
        for _ in range(times):
            try:
                found = titles(rule)
            except PluginError as failure:
                error = failure
        peak = memory(process, "VmHWM")
        assert titles(make_rule(constant('[{"title":"another"}]'), on=own_pool)) == ["another"]
        assert list(own_pool._all) == [worker], "the worker did not survive"
        return Outcome(error, peak - before, memory(process, "VmRSS") - before, found)

    return run


def memory(process: Path, name: str) -> int:
    """A number of bytes from a process's status."""
    for line in (process / "status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) << 10
    raise AssertionError(f"no {name} in {process}/status")
