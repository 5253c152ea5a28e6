"""What is kept between runs: compiled code, results, refusals; and that a report never depends on it."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from semfora_hooks.providers.wasm import caches as module
from semfora_hooks.providers.wasm import filecache, host, workerprocess
from semfora_hooks.providers.wasm.caches import PluginCaches
from semfora_hooks.providers.wasm.stats import PluginStats

from .builders import constant, core, stop, wasm

GOOD = host.Binary.of(wasm(constant('[{"title":"alive"}]')))
FAILING = host.Binary.of(wasm(core("(unreachable)")))
COMPONENT = """(component
  (core module $m (memory (export "memory") 1)
    (data (i32.const 16) "\\20\\00\\00\\00\\02\\00\\00\\00") (data (i32.const 32) "[]")
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
    (func (export "evaluate") (param i32 i32) (result i32) (i32.const 16)))
  (core instance $i (instantiate $m))
  (alias core export $i "memory" (core memory $memory))
  (alias core export $i "realloc" (core func $realloc))
  (func (export "evaluate") (param "context-json" string) (result string)
    (canon lift (core func $i "evaluate") (memory $memory) (realloc $realloc))))"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def start(folder: Path):
    """Makes pools as separate runs would have them."""
    pools = []

    def make() -> host.Pool:
        parent = host.wasmtime_folder()
        assert parent is not None
        pools.append(host.Pool(64 << 20, PluginCaches(None, parent, folder)))
        return pools[-1]

    yield make
    for pool in pools:
        pool.close()


def run(pool: host.Pool, binary: host.Binary, context: bytes = b"{}", **limits) -> tuple[bytes, PluginStats]:
    stats = PluginStats()
    limits = {"memory": 16 << 20, "timeout": 60.0} | limits
    output, _ = pool.evaluate(binary, context, stats=stats, **limits)
    return output, stats


@pytest.mark.parametrize("binary", [GOOD, host.Binary.of(wasm(COMPONENT))], ids=["core", "component"])
def test_code_is_compiled_once(start, binary) -> None:
    output, cold = run(start(), binary)
    again, warm = run(start(), binary, b'{"other": 1}')
    assert again == output
    assert (cold.compile > 0, cold.compiled_hits, warm.compile, warm.compiled_hits) == (True, 0, 0, 1)
    assert warm.load > 0


@pytest.mark.parametrize("place", [0, 20, 60, -1])
def test_damaged_code_is_compiled_again(start, folder: Path, place: int) -> None:
    run(start(), GOOD)
    [entry] = (folder / "wasm" / "compiled").iterdir()
    data = bytearray(entry.read_bytes())
    data[place] ^= 0xFF
    entry.write_bytes(data)
    output, stats = run(start(), GOOD, b"[]")
    assert (output, stats.compiled_hits, stats.compile > 0) == (b'[{"title":"alive"}]', 0, True)
    assert run(start(), GOOD, b"[1]")[1].compiled_hits == 1  # it was replaced


def test_code_of_another_engine_is_compiled_again(start) -> None:
    pool = start()
    key = pool.caches.code_key(GOOD.key)
    pool.caches.compiled.put(key, b"\x7fELF is what wasmtime's code is, but this is none")
    output, stats = run(pool, GOOD)
    assert (output, stats.compiled_hits, stats.compile > 0) == (b'[{"title":"alive"}]', 0, True)


def test_the_key_covers_wasmtime_and_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = set()
    for version in ("50.0.1", "50.0.2"):
        place = tmp_path / version
        (place / f"wasmtime-{version}.dist-info").mkdir(parents=True)
        keys.add(PluginCaches(None, place, tmp_path).code_key("a"))
    keys.add(PluginCaches(None, place, tmp_path).code_key("b"))
    monkeypatch.setattr(module, "_ENGINE_SOURCES", ("sandbox.py",))
    keys.add(PluginCaches(None, place, tmp_path).code_key("a"))
    assert len(keys) == 4


def test_results_are_kept_by_everything_they_depend_on(start) -> None:
    first = run(start(), GOOD, b'{"config":1}')
    same = run(start(), GOOD, b'{"config":1}')
    assert (same[0], same[1].result_hits, same[1].guest) == (first[0], 1, 0)
    pool = start()
    assert run(pool, GOOD, b'{"config":2}')[1].result_hits == 0
    assert run(pool, GOOD, b'{"config":1}', timeout=59.0)[1].result_hits == 0
    assert run(pool, GOOD, b'{"config":1}', memory=17 << 20)[1].result_hits == 0
    other = host.Binary.of(wasm(constant('[{"title":"other"}]')))
    assert run(pool, other, b'{"config":1}')[0] == b'[{"title":"other"}]'


def test_no_worker_is_needed_for_known_results(start) -> None:
    run(start(), GOOD)
    pool = start()
    run(pool, GOOD)
    assert not pool._all


def test_failures_are_not_kept(start, folder: Path) -> None:
    for _ in range(2):
        with pytest.raises(host.SandboxError) as caught:
            run(start(), FAILING)
        assert caught.value.kind == "trap"
    assert list((folder / "wasm" / "results").iterdir() if (folder / "wasm" / "results").exists() else []) == []


def test_damaged_results_are_worked_out_again(start, folder: Path) -> None:
    run(start(), GOOD)
    [entry] = (folder / "wasm" / "results").iterdir()
    filecache.FileCache("results", 1 << 20, folder=folder).put(entry.name, b"\x93 no result")
    output, stats = run(start(), GOOD)
    assert (output, stats.result_hits) == (b'[{"title":"alive"}]', 0)


def test_too_long_compiling_is_remembered_for_a_day(start, monkeypatch: pytest.MonkeyPatch) -> None:
    pool = start()
    run(pool, GOOD)
    monkeypatch.setattr(host, "COMPILE_SECONDS", 0.3)
    [worker] = pool._all
    stop(worker.process.pid)
    with pytest.raises(host.SandboxError) as caught:
        run(pool, FAILING)
    assert caught.value.kind == "compile"
    monkeypatch.undo()
    later = start()
    with pytest.raises(host.SandboxError) as caught:
        run(later, FAILING)
    assert caught.value.kind == "compile"
    assert "cache clean" in caught.value.detail
    assert not later._all
    tomorrow = time.time() + 1.1 * module.REFUSAL_SECONDS
    monkeypatch.setattr(module.time, "time", lambda: tomorrow)
    with pytest.raises(host.SandboxError) as caught:
        run(start(), FAILING)
    assert caught.value.kind == "trap"


def test_a_worker_that_lies_about_shared_memory(start, monkeypatch: pytest.MonkeyPatch) -> None:
    reply = json.dumps({"shared": 1 << 40}).encode()
    script = f"import sys, struct; r = {reply!r}; sys.stdout.buffer.write(struct.pack('<II', len(r), 0) + r)"
    monkeypatch.setattr(workerprocess, "_BOOTSTRAP", script)
    with pytest.raises(host.SandboxError) as caught:
        run(start(), GOOD)
    assert caught.value.kind == "crash"


def test_without_shared_memory_pipes_do(start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workerprocess.sharedmemory, "is_available", lambda: False)
    pool = start()
    assert run(pool, GOOD, b" " * 30_000)[0] == b'[{"title":"alive"}]'
    assert run(start(), GOOD)[1].compiled_hits == 1
