"""Plugins that misbehave. Each must give its kind of error, leave this process alone, and not harm the next plugin."""

from __future__ import annotations

import pytest
from stopwatch import PATIENCE

from semfora_hooks.providers.wasm.manifest import Limits
from semfora_hooks.providers.wasm.rule import PluginSpec

from .builders import INPUT, component, constant, core, data, packed

LOOP = "(loop (br 0)) (unreachable)"
SHORT = Limits(memory=16 << 20, timeout=0.5)


def test_memory_that_grows_without_end(fails):
    grow = "(loop (br_if 0 (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) (unreachable)"
    error = fails(core(grow), "memory")
    assert "16 MiB" in error.message
    assert "limits.memory" in error.hint


def test_more_memory_from_the_start_than_allowed(fails):
    assert "exceeds memory limits" in fails(core(pages=1000), "memory").message


def test_a_component_with_more_memory_than_allowed(fails):
    plugin = component().replace('(memory (export "memory") 4)', '(memory (export "memory") 1000)')
    fails(plugin, "memory")


def test_a_second_memory(fails):
    assert "memory count" in fails(core(extra="(memory $other 1)"), "too_large").message


def test_a_huge_table(fails):
    assert "200000 elements" in fails(core(extra="(table 200000 funcref)"), "too_large").message


def test_an_allocator_that_refuses(fails):
    assert "semfora_alloc" in fails(core(alloc="(i32.const 0)"), "memory").message


@pytest.mark.parametrize("address", [-1, 0x7FFFFFFF, 4 * INPUT, 4 * INPUT - 8], ids=hex)
def test_an_allocator_that_points_outside(fails, address):
    assert "semfora_alloc" in fails(core(alloc=f"(i32.const {address})"), "bad_output").message


@pytest.mark.parametrize(
    ("start", "length"),
    [(0, 0xFFFFFFFF), (0xFFFFFFFF, 0xFFFFFFFF), (0x7FFFFFFF, 16), (4 * INPUT, 1), (4 * INPUT - 1, 2), (0xFFFFFFFF, 1)],
    ids=hex,
)
def test_results_outside_the_memory(fails, start, length):
    assert "outside its memory" in fails(core(packed(start, length)), "bad_output").message


def test_an_out_of_bounds_access(fails):
    assert "out of bounds" in fails(core("(i64.load (i32.const 0x7ffffff0))"), "trap").message


def test_a_stack_overflow(fails):
    error = fails(core("(call $f) (i64.const 0)", extra="(func $f (call $f) (call $f))"), "trap")
    assert "stack" in error.message


def test_a_trap_names_functions(fails):
    plugin = core("(call $deep) (i64.const 0)", extra="(func $deep (unreachable))")
    assert "unreachable" in fails(plugin, "trap").message
    assert "deep" in fails(plugin, "trap").message


def test_a_trapping_component(fails):
    fails(component("(unreachable)"), "trap")


@pytest.mark.parametrize(
    "output",
    [
        b"",
        b"hello",
        b"\xff\xfe",
        b'[{"title":"\xff"}]',
        b'[{"title":"\xed\xa0\x80"}]',
        b'[{"title":"x","confidence":NaN}]',
        b'[{"title":"x","confidence":Infinity}]',
        b'[{"title":"x","confidence":1e999}]',
        b'[{"title":"x"}',
        b'[{"title":"x"}] trailing',
        b'"text"',
        b"7",
        b"null",
        b"{}",
        b'{"error":5}',
        b'{"recommendations":[]}',
        b"[" * 20_000,
        b'[{"title":"x","nested":' + b"[" * 20_000 + b"]" * 20_000 + b"}]",
    ],
    ids=lambda output: repr(output[:34]),
)
def test_results_that_are_not_the_contracts_json(fails, output):
    fails(constant(output), "bad_output")


def test_a_result_longer_than_allowed(fails):
    plugin = core(packed(0, (8 << 20) + 1), pages=200)
    assert "at most" in fails(plugin, "too_large").message


def test_a_plugins_own_error(fails):
    error = fails(constant('{"error":"no \\u001b[31mlayers\\u001b[0m configured"}'), "plugin")
    assert "it reports an error: no layers configured" in error.message
    long = fails(constant('{"error":"' + "x" * 20_000 + '"}'), "plugin")
    assert len(long.message) < 1000


@pytest.mark.parametrize(
    "name",
    ['"env" "system"', '"wasi_snapshot_preview1" "path_open_all"', '"wasi_unstable" "fd_write"', '"" ""'],
)
def test_refused_imports_are_named(fails, name):
    started = "(func $start (unreachable)) (start $start)"
    error = fails(core(imports=f"(import {name} (func))", extra=started), "refused_import")
    module, function = (part.strip('"') for part in name.split(" "))
    assert f"'{module}.{function}'" in error.message


@pytest.mark.parametrize(
    "wanted",
    ["(func (param i64))", "(global i32)", "(func (param i32) (result i32))", "(memory 1)"],
)
def test_imports_of_a_wrong_type_are_refused(fails, wanted):
    plugin = core(imports=f'(import "wasi_snapshot_preview1" "proc_exit" {wanted})')
    if "memory" in wanted:
        plugin = plugin.replace('(memory (export "memory") 4)', '(export "memory" (memory 0))')
    fails(plugin, "refused_import")


def test_a_component_that_imports(fails):
    error = fails(component(imports='(import "wasi:cli/environment@0.2.0" (instance))'), "refused_import")
    assert "wasi:cli/environment@0.2.0" in error.message


MEMORY = '(memory (export "memory") 4)'
PARAM = '(param "context-json" string)'
NOT_MEMORY = '(memory 4) (global (export "memory") i32 (i32.const 0))'


@pytest.mark.parametrize(
    ("plugin", "named"),
    [
        (core("(unreachable)").replace("(param $ptr i32) (param $len i32)", "(param i32)"), "evaluate"),
        (core("(unreachable)").replace("(result i64)", "(result i32)"), "evaluate"),
        (core().replace("(param $size i32)", "(param i64)"), "semfora_alloc"),
        (core().replace('"evaluate"', '"other"'), "evaluate"),
        (core().replace(MEMORY, NOT_MEMORY), "memory"),
        (core(extra='(func (export "_initialize") (param i32))'), "_initialize"),
        (core(extra='(global (export "_initialize") i32 (i32.const 0))'), "_initialize"),
        (component().replace('(func (export "evaluate") (param "', '(func (export "run") (param "'), "evaluate"),
        (component().replace(PARAM, '(param "a" u32) (param "b" u32)'), "evaluate"),
    ],
)
def test_exports_of_a_wrong_type(fails, plugin, named):
    assert f"'{named}'" in fails(plugin, "incompatible").message


@pytest.mark.parametrize(
    ("marker", "advice"),
    [
        ("", "not a semfora plugin"),
        ('(global (export "semfora_abi_v2") i32 (i32.const 0))', "upgrade semfora-hooks"),
        ('(global (export "semfora_abi_v0") i32 (i32.const 0))', "update the plugin"),
        ('(global (export "semfora_abi_v99999999999999999999") i32 (i32.const 0))', "upgrade semfora-hooks"),
    ],
)
def test_the_abi_marker(fails, marker, advice):
    assert advice in fails(core(marker=marker), "incompatible").message


def test_the_marker_may_be_a_function_and_stand_beside_others(evaluate):
    marker = '(func (export "semfora_abi_v1")) (func (export "semfora_abi_v2"))'
    plugin = core(packed(1024, 2), marker=marker, extra='(data (i32.const 1024) "[]")')
    assert evaluate(plugin) == []


@pytest.mark.parametrize(
    "code",
    [
        b"",
        b"\0asm",
        b"\0asm\x07\0\0\0",
        b"#!/bin/sh\nexit 0\n",
        b"\0asm\x01\0\0\0\xff\xff\xff",
        b"\0asm\x0d\0\x01\0junk",
    ],
    ids=repr,
)
def test_files_that_are_no_modules(fails, code):
    fails(code, "compile")


@pytest.mark.parametrize(
    "module",
    [
        '(module (memory (export "memory") i64 1))',
        '(module (memory (export "memory") 1 2 shared))',
    ],
    ids=["memory64", "threads"],
)
def test_features_that_are_off(fails, module):
    fails(module, "compile")


def test_a_module_that_grew_after_it_was_listed(fails):
    fails(core(), "too_large", max_size=10)


def test_limits_that_the_user_capped_name_the_ceiling(fails):
    ceilings = Limits(8 << 20, 0.2, "memory-ceiling in x.toml", "timeout-ceiling in x.toml")
    capped = Limits(memory=16 << 20, timeout=300).capped(ceilings)
    assert "timeout-ceiling" in fails(core(LOOP), "timeout", limits=capped).hint
    roomy = Limits(8 << 20, PATIENCE, "memory-ceiling in x.toml", "timeout-ceiling in x.toml")
    error = fails(core(pages=200), "memory", limits=Limits(memory=16 << 20, timeout=300).capped(roomy))
    assert "memory-ceiling" in error.hint
    assert "8 MiB" in error.message


def test_the_hint_without_a_manifest(fails):
    assert "write a manifest.yaml" in fails(core(LOOP), "timeout", has_manifest=False, limits=SHORT).hint


def test_a_spec_has_a_version_in_messages(fails):
    assert "custom-checks/probe' 1.2.3" in fails(core("(unreachable)"), "trap", version="1.2.3").message
    assert PluginSpec.__dataclass_fields__["max_size"].default == 64 << 20


ABORT = '(import "env" "abort" (func $abort (param i32 i32 i32 i32)))'


def utf16(text: str) -> str:
    raw = text.encode("utf-16-le")
    return data(len(raw).to_bytes(4, "little") + raw)


def test_abort_tells_why(fails):
    plugin = core(
        "(call $abort (i32.const 1028) (i32.const 2052) (i32.const 7) (i32.const 9)) (unreachable)",
        imports=ABORT,
        extra=f'(data (i32.const 1024) "{utf16("no layers")}") (data (i32.const 2048) "{utf16("plug.ts")}")',
    )
    assert "abort: no layers at plug.ts:7:9" in fails(plugin, "trap").message


@pytest.mark.parametrize("address", [0, 2, -1, 0x7FFFFFFF])
def test_abort_with_bad_pointers(fails, address):
    body = f"(call $abort {f'(i32.const {address}) ' * 4}) (unreachable)"
    assert "abort: no message" in fails(core(body, imports=ABORT), "trap").message


def test_going_on_after_abort_does_not_help(fails, patient_host):
    call = "(call $abort (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))"
    plugin = core(f"{call} {packed(1024, 2)}", imports=ABORT, extra='(data (i32.const 1024) "[]")')
    assert "abort" in fails(plugin, "trap").message
    fails(core(f"{call} {LOOP}", imports=ABORT), "trap", limits=Limits(memory=16 << 20, timeout=1))
