"""What WASM plugins cost; run as a program of its own, so that wasmtime does not make the benchmark large.

`python wasm_plugins.py [--quick | --once]` prints JSON: contexts of 1, 10 and 50 MB through the Rust sample, cold and
warm starts, several plugins at a time, Extism's Python SDK on the same work, and what the limits of time and memory
hold. With `--once`, which is to test this, all sizes are a hundredth and the limit of time a tenth.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from wasm_guest import NOTHING, SCANNER, payload

from semfora_hooks.context import NEEDS, SuggestContext
from semfora_hooks.index.processors import processors
from semfora_hooks.model import CallEdge, Generator, Metrics, Repository, Symbol
from semfora_hooks.providers.wasm import host
from semfora_hooks.providers.wasm.background import Crew
from semfora_hooks.providers.wasm.caches import PluginCaches
from semfora_hooks.providers.wasm.output import decode
from semfora_hooks.providers.wasm.projection import Document, Projector
from semfora_hooks.providers.wasm.stats import PluginStats

FROZEN = Path(__file__).parent.parent / "fixtures" / "frozen" / "v1"
MEMORY = 512 << 20
LAYERS = ("api", "core", "db")
LOOP = """(module (memory (export "memory") 4) (global (export "semfora_abi_v1") i32 (i32.const 0))
  (func (export "semfora_alloc") (param i32) (result i32) (i32.const 65536))
  (func (export "evaluate") (param i32 i32) (result i64) (loop (br 0)) (unreachable)))"""
GROW = """(module (memory (export "memory") 4) (global (export "semfora_abi_v1") i32 (i32.const 0))
  (func (export "semfora_alloc") (param i32) (result i32) (i32.const 65536))
  (func (export "evaluate") (param i32 i32) (result i64) (local $at i32)
    (loop $more
      (br_if $more (i32.ne (memory.grow (i32.const 16)) (i32.const -1))))
    (loop $touch
      (i32.store (local.get $at) (i32.const 1))
      (local.set $at (i32.add (local.get $at) (i32.const 4096)))
      (br_if $touch (i32.lt_u (local.get $at) (i32.mul (memory.size) (i32.const 65536)))))
    (unreachable)))"""


def extism_guest() -> str:
    """The scanner behind Extism's interface: copy the input in, eight bytes a call, as its kits do, and scan it."""
    scan = SCANNER.index('(func (export "evaluate")'), SCANNER.index("(data (i32.const 1024)")
    body = SCANNER[scan[0] : scan[1]].replace('(func (export "evaluate")', "(func $scan")
    return f"""(module
  (import "extism:host/env" "input_length" (func $length (result i64)))
  (import "extism:host/env" "input_load_u64" (func $load (param i64) (result i64)))
  (import "extism:host/env" "input_load_u8" (func $load8 (param i64) (result i32)))
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "output_set" (func $output (param i64 i64)))
  (memory (export "memory") 4)
  (global $seen (mut i64) (i64.const 0))
  (func (export "evaluate") (result i32) (local $at i64) (local $size i64)
    (local.set $size (call $length))
    (drop (memory.grow (i32.add (i32.wrap_i64 (i64.shr_u (local.get $size) (i64.const 16))) (i32.const 1))))
    (block $done (loop $next
      (br_if $done (i64.gt_u (i64.add (local.get $at) (i64.const 8)) (local.get $size)))
      (i64.store (i32.add (i32.const 65536) (i32.wrap_i64 (local.get $at))) (call $load (local.get $at)))
      (local.set $at (i64.add (local.get $at) (i64.const 8)))
      (br $next)))
    (block $end (loop $rest
      (br_if $end (i64.ge_u (local.get $at) (local.get $size)))
      (i32.store8 (i32.add (i32.const 65536) (i32.wrap_i64 (local.get $at))) (call $load8 (local.get $at)))
      (local.set $at (i64.add (local.get $at) (i64.const 1)))
      (br $rest)))
    (drop (call $scan (i32.const 65536) (i32.wrap_i64 (local.get $size))))
    (call $output (call $alloc (i64.const 2)) (i64.const 2))
    (i32.const 0))
  {body})"""


def context(size: int) -> SuggestContext:
    """A repository in layers whose document has about `size` bytes; one call in 300 goes up."""
    count = max(10, size // 480)
    symbols, calls = [], []
    for number in range(count):
        layer = LAYERS[number % 3]
        name = f"handle_request_{number}"
        identity = f"src/app/{layer}/module_{number // 20}.py::{name}"
        symbols.append(
            Symbol(
                id=identity,
                name=name,
                qualified_name=f"app.{layer}.module_{number // 20}.{name}",
                kind="function",
                module=f"app.{layer}.module_{number // 20}",
                file=f"src/app/{layer}/module_{number // 20}.py",
                start_line=number % 20 * 10 + 1,
                end_line=number % 20 * 10 + 9,
                start_column=1,
                language="python",
                is_exported=True,
                metrics=Metrics(loc=9, fan_in=1, fan_out=1, cyclomatic_complexity=2),
                entry_point="none",
                reachability="called",
            )
        )
    for number in range(count):
        step = 1 if number % 3 < 2 else -2 if number % 300 == 2 else 3  # down, up, or within the layer
        other = min(max(0, number + step), count - 1)
        calls.append(CallEdge(caller=symbols[number].id, callee=symbols[other].id, count=1, line=2, resolution="exact"))
    return SuggestContext(
        generator=Generator(version="bench"),
        repository=Repository(name="bench"),
        symbols=tuple(symbols),
        calls=tuple(sorted(calls, key=lambda call: call.caller)),
    )


def sizes(binary: host.Binary, megabyte: int, repeat: int) -> list[dict[str, float]]:
    """Milliseconds of each step, and bytes, for the three sizes."""
    rows = []
    with _pool() as pool:
        for size in (1, 10, 50):
            seen = context(size * megabyte)
            found: list[dict[str, float]] = []
            for _ in range(max(2, repeat // (1 if size < 50 else 3)) + 1):
                stats = PluginStats()
                start = time.perf_counter()
                document = Projector().document(seen, NEEDS, {"layers": list(LAYERS)})
                encoded = time.perf_counter()
                output, _ = pool.evaluate(binary, document, memory=MEMORY, timeout=30.0, stats=stats)
                evaluated = time.perf_counter()
                recommendations, error = decode(output, seen)
                decoded = time.perf_counter()
                assert error is None and recommendations, error
                found.append(
                    {
                        "bytes": document.size,
                        "findings": len(recommendations),
                        "encode": encoded - start,
                        "copy": stats.copy,
                        "guest": stats.guest,
                        "decode": decoded - evaluated,
                        "peak": stats.peak_memory,
                    }
                )
            rows.append({name: statistics.median(row[name] for row in found[1:]) for name in found[0]})
    return rows


def starts(binary: host.Binary, repeat: int) -> dict[str, float]:
    """Seconds from nothing to the first result: the worker's start and compiling, or loading compiled code."""
    parent = host.wasmtime_folder()
    assert parent is not None
    found: dict[str, list[float]] = {"cold": [], "warm": []}
    with tempfile.TemporaryDirectory() as folder:
        for number in range(repeat):
            cache = Path(folder) / str(number)
            for kind, seconds in found.items():
                start = time.perf_counter()
                pool = host.Pool(MEMORY, PluginCaches(None, parent, cache))
                pool.evaluate(binary, json.dumps({"config": {}, "kind": kind}).encode(), memory=MEMORY, timeout=30.0)
                seconds.append(time.perf_counter() - start)
                pool.close()
    return {kind: statistics.median(seconds) for kind, seconds in found.items()}


def together(count: int, size: int, repeat: int) -> dict[str, float]:
    """Seconds of several plugins on the same input, one after another and side by side."""
    data = Document.of(payload(size))
    binaries = [_assembled(SCANNER) for number in range(count)]
    binaries = [host.Binary(binary.code, f"{binary.key}{number}") for number, binary in enumerate(binaries)]
    found: dict[str, list[float]] = {"serial": [], "parallel": []}
    with _pool() as pool:
        for _ in range(repeat + 1):
            for kind, crew in (("serial", Crew(1)), ("parallel", Crew())):
                start = time.perf_counter()
                works = [lambda b=binary: pool.evaluate(b, data, memory=MEMORY, timeout=30.0) for binary in binaries]
                for task in [crew.submit(work) for work in works]:
                    task.result()
                found[kind].append(time.perf_counter() - start)
    return {kind: statistics.median(seconds[1:]) for kind, seconds in found.items()} | {"processors": processors()}


def beside_extism(size: int, repeat: int) -> dict[str, float] | str:
    """Seconds of the same scan through Extism's Python SDK and through our sandbox, by turns."""
    try:
        import extism
        import wasmtime
    except ImportError:
        return "not run: extism is not installed"
    data = payload(size)
    ours = _assembled(SCANNER)
    plugin = extism.Plugin(bytes(wasmtime.wat2wasm(extism_guest())), wasi=False)
    found: dict[str, list[float]] = {"extism": [], "ours": []}
    with _pool() as pool:
        works: dict[str, Callable[[], Any]] = {
            "extism": lambda: plugin.call("evaluate", data),
            "ours": lambda: pool.evaluate(ours, data, memory=MEMORY, timeout=30.0),
        }
        for _ in range(repeat + 1):
            for kind, work in works.items():
                start = time.perf_counter()
                work()
                found[kind].append(time.perf_counter() - start)
    return {kind: statistics.median(seconds[1:]) for kind, seconds in found.items()}


def limits(seconds: float) -> dict[str, float]:
    """When a limit of time fires and how long Python's threads stood still meanwhile; what a limit of 64 MiB holds."""
    nothing, loop, grow = _assembled(NOTHING), _assembled(LOOP), _assembled(GROW)
    gaps, done = [0.0], threading.Event()

    def watch() -> None:
        last = time.perf_counter()
        while not done.wait(0.001):
            now = time.perf_counter()
            gaps[0], last = max(gaps[0], now - last), now

    with _pool() as pool:
        pool.evaluate(nothing, b"{}", memory=64 << 20, timeout=5.0)
        [worker] = pool._all
        before = _memory(worker.process.pid)
        watcher = threading.Thread(target=watch)
        watcher.start()
        start = time.perf_counter()
        kinds = [_failure(pool, loop, seconds)]
        fired = time.perf_counter() - start
        done.set()
        watcher.join()
        kinds.append(_failure(pool, grow, 5.0))
        peak = _memory(worker.process.pid)
    assert kinds == ["timeout", "memory"], kinds
    return {"fired": fired, "stood_still": gaps[0], "grown": peak - before}


def _failure(pool: host.Pool, binary: host.Binary, timeout: float) -> str:
    try:
        pool.evaluate(binary, b"{}", memory=64 << 20, timeout=timeout)
    except host.SandboxError as error:
        return error.kind
    return "none"


def _memory(pid: int) -> float:
    """The most memory a process had so far, in bytes."""
    text = Path(f"/proc/{pid}/status").read_text()
    return 1024.0 * int(text.partition("VmHWM:")[2].split()[0])


def _assembled(text: str) -> host.Binary:
    import wasmtime

    return host.Binary.of(bytes(wasmtime.wat2wasm(text)))


class _pool:
    def __enter__(self) -> host.Pool:
        self.made = host.Pool(MEMORY)
        return self.made

    def __exit__(self, *_: object) -> None:
        self.made.close()


def sample() -> host.Binary:
    """The Rust sample, as it was frozen."""
    return host.Binary.of((FROZEN / "layer-guard-rust.wasm").read_bytes())


def main() -> None:
    """Measure everything."""
    once = "--once" in sys.argv
    repeat = 1 if once else 2 if "--quick" in sys.argv else 9
    megabyte = 10_000 if once else 1_000_000
    rust = sample()
    print(
        json.dumps(
            {
                "sizes": sizes(rust, megabyte, repeat),
                "starts": starts(rust, repeat),
                "together": together(4, 10 * megabyte, repeat),
                "extism": beside_extism(10 * megabyte, repeat),
                "limits": limits(0.5 if once else 5.0),
            }
        )
    )


if __name__ == "__main__":
    main()
