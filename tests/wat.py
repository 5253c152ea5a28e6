"""Plugins of a few bytes, for tests of what is around plugins: they say what they are made to say, or fail."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import wasmtime

_INPUT = 65536


def text_plugin(output: str, *, log: str = "", before: str = "") -> bytes:
    """A core plugin that prints `log` and returns `output`, whatever it gets.

    Args:
        output: What `evaluate` returns.
        log: What it writes to standard error first.
        before: Instructions that run before it returns, such as `unreachable`.
    """
    data, printed = _escaped(output), _escaped(log)
    start = 1024 + len(log.encode())
    write = "(drop (call $write (i32.const 2) (i32.const 8) (i32.const 1) (i32.const 16)))" if log else ""
    imports = (
        '(import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))' if log else ""
    )
    vector = _escaped((1024).to_bytes(4, "little") + len(log.encode()).to_bytes(4, "little"))
    return bytes(
        wasmtime.wat2wasm(
            f"""(module {imports} (memory (export "memory") 4)
            (data (i32.const 8) "{vector}") (data (i32.const 1024) "{printed}") (data (i32.const {start}) "{data}")
            (global (export "semfora_abi_v1") i32 (i32.const 0))
            (func (export "semfora_alloc") (param i32) (result i32) (i32.const {_INPUT}))
            (func (export "evaluate") (param i32 i32) (result i64)
              {write} {before} (i64.const {start << 32 | len(output.encode())})))"""
        )
    )


def plugin(findings: Sequence[Mapping[str, Any]], **more: str) -> bytes:
    """A core plugin that returns these findings; the other arguments are those of `text_plugin`."""
    return text_plugin(json.dumps(findings), **more)


def echo() -> bytes:
    """A core plugin that reports its own context as the title of a finding without symbols, quotes left out."""
    # It writes `[{"title": "`, the context with each quote, backslash and line end as a blank, and `"}]`.
    head, tail = '[{"title": "', '"}]'
    return bytes(
        wasmtime.wat2wasm(
            f"""(module (memory (export "memory") 64) (data (i32.const 1024) "{_escaped(head)}")
            (global (export "semfora_abi_v1") i32 (i32.const 0))
            (func (export "semfora_alloc") (param i32) (result i32) (i32.const {1024 + len(head)}))
            (func (export "evaluate") (param $at i32) (param $length i32) (result i64)
              (local $end i32) (local $byte i32)
              (local.set $end (i32.add (local.get $at) (local.get $length)))
              (block $done (loop $next
                (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
                (local.set $byte (i32.load8_u (local.get $at)))
                (if (i32.or (i32.or (i32.eq (local.get $byte) (i32.const 34)) (i32.eq (local.get $byte) (i32.const 92)))
                            (i32.lt_u (local.get $byte) (i32.const 32)))
                  (then (i32.store8 (local.get $at) (i32.const 32))))
                (local.set $at (i32.add (local.get $at) (i32.const 1)))
                (br $next)))
              {"".join(f"(i32.store8 offset={n} (local.get $end) (i32.const {ord(c)}))" for n, c in enumerate(tail))}
              (i64.or (i64.shl (i64.const 1024) (i64.const 32))
                      (i64.extend_i32_u (i32.add (local.get $length) (i32.const {len(head) + len(tail)}))))))"""
        )
    )


TRAP = "unreachable"
SPIN = "(loop $forever (br $forever))"


def context(symbols: Sequence[str] = ("a::f",), **more: Any) -> dict[str, Any]:
    """A small context document with functions of these ids."""
    return {
        "generator": {"version": "1"},
        "repository": {"name": "r"},
        "scope": {"kind": "repo"},
        "symbols": [
            {
                "id": identity,
                "name": identity.rpartition(":")[2],
                "qualified_name": identity.replace("::", "."),
                "kind": "function",
                "module": identity.partition("::")[0],
                "file": f"{identity.partition('::')[0]}.py",
                "start_line": number,
                "end_line": number + 1,
                "start_column": 1,
                "entry_point": "none",
                "reachability": "unknown",
                "language": "python",
            }
            for number, identity in enumerate(symbols, start=1)
        ],
        **more,
    }


def _escaped(text: str | bytes) -> str:
    return "".join(f"\\{byte:02x}" for byte in (text.encode() if isinstance(text, str) else text))


def component() -> bytes:
    """A component that finds nothing: it returns `[]`."""
    return bytes(
        wasmtime.wat2wasm(
            f"""(component
            (core module $m (memory (export "memory") 2) (data (i32.const 8) "{_escaped(b"[]")}")
              (data (i32.const 0) "{_escaped((8).to_bytes(4, "little") + (2).to_bytes(4, "little"))}")
              (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const {_INPUT}))
              (func (export "evaluate") (param i32 i32) (result i32) (i32.const 0)))
            (core instance $i (instantiate $m))
            (func (export "evaluate") (param "context-json" string) (result string)
              (canon lift (core func $i "evaluate") (memory (core memory $i "memory"))
                (realloc (core func $i "realloc")))))"""
        )
    )
