"""Plugins that are out to harm, in WAT. What a plugin that behaves looks like is in `..builders`."""

from __future__ import annotations

import re

from ..builders import component, core, data

LOOP = "(loop (br 0)) (unreachable)"
PAGE = 65536

GROW_AND_TOUCH = f"""
  (local $at i32)
  (loop $more
    (local.set $at (i32.mul (memory.size) (i32.const {PAGE})))
    (if (i32.ne (memory.grow (i32.const 16)) (i32.const -1))
      (then (memory.fill (local.get $at) (i32.const 1) (i32.const {16 * PAGE})) (br $more))))
"""
"""Takes a mebibyte at a time, and writes to all of it, until it gets no more."""


def whole_memory(length: int | None = None) -> str:
    """A core plugin that takes and writes all the memory it gets, and returns it, or its first `length` bytes."""
    size = f"(i32.mul (memory.size) (i32.const {PAGE}))" if length is None else f"(i32.const {length})"
    return core(f"{GROW_AND_TOUCH} (i64.extend_i32_u {size})", pages=16)


def long_text_component(length: int) -> str:
    """A component that takes and writes all the memory it gets, and returns so many bytes of it as its text."""
    plugin = with_result(PAGE, length, "(call $grow)")
    return plugin.replace('(func (export "evaluate")', f'(func $grow {GROW_AND_TOUCH}) (func (export "evaluate")', 1)


def straight_fills(count: int, size: int) -> str:
    """A core plugin without a loop, where deadlines are looked at, that fills `size` bytes `count` times."""
    fill = f"(memory.fill (i32.const 0) (i32.const 1) (i32.const {size}))"
    return core(f"(drop (memory.grow (i32.const {size // PAGE}))) {fill * count} (unreachable)")


def with_builtin(name: str, canon: str, types: str, params: str, body: str) -> str:
    """A component whose `evaluate` runs `body`, in which `$call` is a built-in function of the component model."""
    plugin = component(body)
    plugin = plugin.replace("(core module $m", f"{types} (core func $call (canon {canon})) (core module $m", 1)
    plugin = plugin.replace("(core module $m", f'(core module $m (import "" "{name}" (func $call {params}))', 1)
    return plugin.replace(
        "(instantiate $m)", f'(instantiate $m (with "" (instance (export "{name}" (func $call)))))', 1
    )


def with_result(pointer: int, length: int, body: str = "", output: str = "[]") -> str:
    """A component that says that its result has `length` bytes at `pointer`."""
    plugin = component(body, output)
    plugin = plugin.replace(
        "(i32.store (i32.const 0) (i32.const 1024))", f"(i32.store (i32.const 0) (i32.const {pointer}))"
    )
    return re.sub(
        r"\(i32.store \(i32.const 4\) \(i32.const \d+\)\)", f"(i32.store (i32.const 4) (i32.const {length}))", plugin
    )


def with_raw_output(raw: bytes) -> str:
    """A component that returns bytes that may be no UTF-8."""
    filler = "x" * len(raw)
    return component(output=filler).replace(data(filler), data(raw))


def hungry_component(memories: int) -> str:
    """A component of several modules, each with a memory of its own that it takes all it gets of."""
    extra = "".join(
        f'(core module $n{index} (memory 1) (func (export "f") {GROW_AND_TOUCH}))'
        f"(core instance $j{index} (instantiate $n{index}))"
        f'(alias core export $j{index} "f" (core func $f{index}))'
        for index in range(memories)
    )
    calls = "".join(f"(call $f{index})" for index in range(memories))
    plugin = component(f"{calls} (unreachable)")
    imports = "".join(f'(import "" "f{index}" (func $f{index}))' for index in range(memories))
    given = "".join(f'(export "f{index}" (func $f{index}))' for index in range(memories))
    plugin = plugin.replace("(core module $m", f"{extra} (core module $m {imports}", 1)
    return plugin.replace("(instantiate $m)", f'(instantiate $m (with "" (instance {given})))', 1)


def compile_bomb(branches: int, variables: int) -> str:
    """A valid module of some kilobytes that takes the compiler minutes: variables that flow into each other."""
    declared = "".join(f"(local $v{index} i32)" for index in range(variables))
    body = "".join(
        f"(if (local.get $v{i % variables}) (then (local.set $v{i * 7 % variables}"
        f" (i32.mul (local.get $v{(i * 13 + 1) % variables}) (local.get $v{(i * 5 + 3) % variables})))))"
        for i in range(branches)
    )
    return core(f"{declared} {body} (i64.extend_i32_u (local.get $v0))")


def named(name: str) -> str:
    """A core plugin that traps in a function with a name of its choice."""
    escaped = "".join(f"\\{byte:02x}" for byte in name.encode())
    return core("(call $f) (i64.const 0)", extra=f'(func $f (@name "{escaped}") (unreachable))')
