"""`WasmPluginRunner`, as a program that has a context uses it."""

from __future__ import annotations

from pathlib import Path

import pytest
import wasmtime
from providers.wasm.builders import constant, core, make_context

from semfora_hooks import Config, PluginFailuresError, WasmPluginRunner
from semfora_hooks.errors import PluginError


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SEMFORA_CACHE_DIR", str(tmp_path / "cache"))
    place = tmp_path / "repository" / "plugins"
    place.mkdir(parents=True)
    return place


def add(folder: Path, name: str, wat: str) -> None:
    (folder / f"{name}.wasm").write_bytes(wasmtime.wat2wasm(wat))


def says(title: str) -> str:
    return constant(f'[{{"title":"{title}","symbols":[{{"id":"app:a"}}]}}]')


def test_plugins_are_loaded_and_evaluated(folder: Path) -> None:
    for name in ("second", "first"):
        add(folder, name, says(name))
    with WasmPluginRunner() as runner:
        assert runner.load_plugins(folder) == ["wasm/first", "wasm/second"]
        assert runner.errors == []
        found = runner.evaluate(make_context())
        assert {(item.rule_id, item.title, item.symbols[0].name) for item in found} == {
            ("wasm/first", "first", "a"),
            ("wasm/second", "second", "a"),
        }
        assert all(item.fingerprint for item in found)
        assert runner.evaluate(make_context()) == found
        assert [stats.contexts for stats in runner.stats.values()] == [2, 2]
        assert all(stats.result_hits == 1 for stats in runner.stats.values())


def test_one_failure_hides_nothing_and_does_not_pass(folder: Path) -> None:
    add(folder, "good", says("alive"))
    add(folder, "trapped", core("(unreachable)"))
    (folder / "junk.wasm").write_bytes(b"junk")
    with WasmPluginRunner() as runner:
        runner.load_plugins(folder)
        with pytest.raises(PluginFailuresError) as caught:
            runner.evaluate(make_context())
    assert [item.title for item in caught.value.recommendations] == ["alive"]
    assert {error.kind for error in caught.value.errors} == {"compile", "trap"}
    assert "(and 1 more)" in caught.value.message


def test_a_failure_that_is_a_warning_is_a_notice(folder: Path) -> None:
    add(folder, "trapped", core("(unreachable)"))
    (folder / "manifest.yaml").write_text("plugins: [{name: trapped, group: g, description: d, on_error: warn}]\n")
    with WasmPluginRunner() as runner:
        assert runner.load_plugins(folder) == ["g/trapped"]
        runner.notices.clear()  # that nothing is locked
        assert runner.evaluate(make_context()) == []
        [notice] = runner.notices
    assert "g/trapped" in notice


def test_what_cannot_be_loaded_is_said(folder: Path) -> None:
    add(folder, "good", says("alive"))
    (folder / "manifest.yaml").write_text("plugins:\n- {name: good, group: g, description: d}\n- {name: gone}\n")
    with WasmPluginRunner() as runner:
        assert runner.load_plugins(folder) == ["g/good"]
        assert any("manifest.yaml:3" in error.message for error in runner.errors)
        assert runner.load_plugins(folder) == []  # taken
        with pytest.raises(PluginError, match="no such folder"):
            runner.load_plugins(folder / "none")


def test_a_configuration_without_a_cache_leaves_none(folder: Path, tmp_path: Path) -> None:
    add(folder, "good", says("alive"))
    with WasmPluginRunner(Config(root=str(folder.parent)).replace(use_cache=False)) as runner:
        runner.load_plugins(folder)
        for _ in range(2):
            assert len(runner.evaluate(make_context())) == 1
        [stats] = runner.stats.values()
    assert (stats.result_hits, stats.compiled_hits, stats.compile > 0) == (0, 0, True)
    assert not (tmp_path / "cache").exists()
