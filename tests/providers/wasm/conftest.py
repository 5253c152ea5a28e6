"""Running plugins that tests write."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from stopwatch import PATIENCE

from semfora_hooks.context import SuggestContext
from semfora_hooks.errors import PluginError
from semfora_hooks.model import Recommendation
from semfora_hooks.providers.wasm import host
from semfora_hooks.providers.wasm.manifest import Limits
from semfora_hooks.providers.wasm.rule import PluginSpec, WasmRule

from .builders import PluginRepository, constant, make_context, wasm


@pytest.fixture
def context() -> SuggestContext:
    return make_context()


@pytest.fixture(scope="session")
def pool() -> Iterator[host.Pool]:
    shared = host.Pool(512 << 20)
    yield shared
    shared.close()


@pytest.fixture
def make_rule(tmp_path: Path, pool: host.Pool) -> Callable[..., WasmRule]:
    """Makes a rule from WAT (or bytes), which may take its time; keywords go to its `PluginSpec`."""
    count = iter(range(1000))

    def make(code: str | bytes, *, on: host.Pool | None = None, **changes: Any) -> WasmRule:
        path = tmp_path / f"plugin{next(count)}.wasm"
        path.write_bytes(wasm(code) if isinstance(code, str) else code)
        fields: dict[str, Any] = {
            "name": "probe",
            "group": "custom-checks",
            "description": "Probes.",
            "path": path,
            "shown": ".semfora/plugins/probe.wasm",
            "origin": ".semfora/plugins/manifest.yaml",
            "limits": Limits(memory=16 << 20, timeout=PATIENCE),
        }
        return WasmRule(PluginSpec(**(fields | changes)), on or pool)

    return make


@pytest.fixture
def evaluate(make_rule: Callable[..., WasmRule], context: SuggestContext) -> Callable[..., list[Recommendation]]:
    """Makes a rule and evaluates it once."""

    def run(code: str | bytes, **changes: Any) -> list[Recommendation]:
        return list(make_rule(code, **changes).evaluate(context))

    return run


@pytest.fixture
def fails(evaluate: Callable[..., list[Recommendation]]) -> Callable[..., PluginError]:
    """Evaluates a plugin that must fail with `kind`, and then one that must work, in the same pool."""

    def run(code: str | bytes, kind: str, **changes: Any) -> PluginError:
        with pytest.raises(PluginError) as caught:
            evaluate(code, **changes)
        assert caught.value.kind == kind, caught.value.message
        assert "custom-checks/probe" in caught.value.message
        assert [r.title for r in evaluate(constant('[{"title":"alive"}]'))] == ["alive"]
        return caught.value

    return run


@pytest.fixture
def patient_host(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the machine never stalled: what is late is not killed by the host before the worker can say so itself."""
    monkeypatch.setattr(host, "GRACE_SECONDS", PATIENCE)


@pytest.fixture
def repository(tmp_path: Path) -> PluginRepository:
    (tmp_path / "repository").mkdir()
    return PluginRepository(tmp_path / "repository")
