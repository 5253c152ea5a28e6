"""WASM guests to measure with; run as a program of its own, so that wasmtime does not make the benchmark large.

`python wasm_guest.py write FILE` writes a plugin that answers `[]`. `python wasm_guest.py overhead BYTES REPEAT`
prints, as JSON, milliseconds of the guest itself (called bare, input in place) and of the whole evaluation through the
sandbox's worker process: pipe, copy, instance, call, answer.
"""

from __future__ import annotations

import ctypes
import json
import statistics
import sys
import time
from pathlib import Path

ANSWER = '(data (i32.const 1024) "[]")'
PACKED = f"(i64.const {1024 << 32 | 2})"
NOTHING = f"""(module (memory (export "memory") 4) (global (export "semfora_abi_v1") i32 (i32.const 0))
  (func (export "semfora_alloc") (param i32) (result i32)
    (drop (memory.grow (i32.add (i32.shr_u (local.get 0) (i32.const 16)) (i32.const 1)))) (i32.const 65536))
  (func (export "evaluate") (param i32 i32) (result i64) {PACKED}) {ANSWER})"""

# What a JSON parser does with each byte, without the parser: look at it, branch on quotes, backslashes and brackets,
# and hash what is in strings. About 4 ns a byte; Rust's serde takes 5 for typed structs, other parsers more.
SCANNER = f"""(module (memory (export "memory") 4) (global (export "semfora_abi_v1") i32 (i32.const 0))
  (global $seen (export "seen") (mut i64) (i64.const 0))
  (func (export "semfora_alloc") (param i32) (result i32)
    (drop (memory.grow (i32.add (i32.shr_u (local.get 0) (i32.const 16)) (i32.const 1)))) (i32.const 65536))
  (func (export "evaluate") (param $at i32) (param $len i32) (result i64)
    (local $end i32) (local $byte i32) (local $depth i32) (local $inside i32) (local $hash i64)
    (local.set $end (i32.add (local.get $at) (local.get $len)))
    (block $done (loop $next
      (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
      (local.set $byte (i32.load8_u (local.get $at)))
      (if (local.get $inside)
        (then
          (if (i32.eq (local.get $byte) (i32.const 92))
            (then (local.set $at (i32.add (local.get $at) (i32.const 1))))
            (else (if (i32.eq (local.get $byte) (i32.const 34))
              (then
                (local.set $inside (i32.const 0))
                (global.set $seen (i64.xor (global.get $seen) (local.get $hash))))
              (else
                (local.set $hash (i64.mul
                  (i64.xor (local.get $hash) (i64.extend_i32_u (local.get $byte)))
                  (i64.const 1099511628211)))
                (local.set $hash (i64.rotl (i64.mul (local.get $hash) (i64.const 2654435761)) (i64.const 13))))))))
        (else
          (if (i32.eq (local.get $byte) (i32.const 34))
            (then (local.set $inside (i32.const 1)) (local.set $hash (i64.const -3750763034362895579)))
            (else
              (if (i32.or (i32.eq (local.get $byte) (i32.const 91)) (i32.eq (local.get $byte) (i32.const 123)))
                (then (local.set $depth (i32.add (local.get $depth) (i32.const 1))))
                (else (if (i32.or (i32.eq (local.get $byte) (i32.const 93)) (i32.eq (local.get $byte) (i32.const 125)))
                  (then (local.set $depth (i32.sub (local.get $depth) (i32.const 1)))))))))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br $next)))
    {PACKED}) {ANSWER})"""


def write(file: str) -> None:
    """Assemble the plugin that answers nothing."""
    import wasmtime

    Path(file).parent.mkdir(parents=True, exist_ok=True)
    Path(file).write_bytes(wasmtime.wat2wasm(NOTHING))


def payload(size: int) -> bytes:
    """JSON of about `size` bytes, like a context's symbols."""
    symbol = {
        "id": "app.models:Model.save",
        "name": "save",
        "file": "app/models.py",
        "start_line": 17,
        "kind": "method",
    }
    one = json.dumps(symbol).encode()
    return b'{"symbols": [' + b",".join([one] * (size // (len(one) + 1))) + b"]}"


def overhead(size: int, repeat: int) -> None:
    """Measure the guest alone and through the host, by turns."""
    import wasmtime

    from semfora_hooks.providers.wasm import host, sandbox

    binary = host.Binary.of(bytes(wasmtime.wat2wasm(SCANNER)))
    context = payload(size)
    engine = sandbox.make_engine()
    module = wasmtime.Module(engine, binary.code)
    pool = host.Pool(256 << 20)
    alone, whole = [], []
    for _ in range(repeat + 1):
        store = wasmtime.Store(engine)
        store.set_epoch_deadline(1 << 40)
        exports = wasmtime.Instance(store, module, []).exports(store)
        place = exports["semfora_alloc"](store, len(context))
        memory = exports["memory"]
        ctypes.memmove(ctypes.addressof(memory.data_ptr(store).contents) + place, context, len(context))
        start = time.perf_counter()
        exports["evaluate"](store, place, len(context))
        alone.append(time.perf_counter() - start)
        start = time.perf_counter()
        pool.evaluate(binary, context, memory=256 << 20, timeout=30.0)
        whole.append(time.perf_counter() - start)
    pool.close()
    print(json.dumps({"guest": 1000 * statistics.median(alone[1:]), "whole": 1000 * statistics.median(whole[1:])}))


if __name__ == "__main__":
    if sys.argv[1] == "write":
        write(sys.argv[2])
    else:
        overhead(int(sys.argv[2]), int(sys.argv[3]))
