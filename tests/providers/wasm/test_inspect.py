"""Reading binaries without wasmtime: the same verdict as the sandbox's, and clean errors for damaged ones."""

from __future__ import annotations

import random

import pytest
import wasmtime
from hypothesis import given, settings
from hypothesis import strategies as st

from semfora_hooks.providers.wasm import abi, sandbox
from semfora_hooks.providers.wasm.cursor import BinaryError, Cursor
from semfora_hooks.providers.wasm.inspect import MAX_ITEMS, Bounds, inspect

from .builders import component, constant, core, wasm

ENGINE = sandbox.make_engine()
WASI_WRITE = '(import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32)))'
WASI_OPEN = (
    '(import "wasi_snapshot_preview1" "path_open" (func (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))'
)
ABORT = '(import "env" "abort" (func (param i32 i32 i32 i32)))'
NO_MEMORY = """(module (global (export "semfora_abi_v1") i32 (i32.const 0))
  (func (export "semfora_alloc") (param i32) (result i32) (i32.const 0))
  (func (export "evaluate") (param i32 i32) (result i64) (i64.const 0)))"""


def test_a_module():
    code = wasm(
        core(
            imports=f'{WASI_WRITE} {ABORT} {WASI_OPEN} (import "env" "table" (table 3 7 funcref))'
            '(import "env" "shared" (global (mut i64))) (import "env" "memory" (memory 1 9))',
            extra='(table 2 funcref) (func $s) (start $s) (func (export "odd") (param f32 f64) (result externref)'
            " (ref.null extern))",
            pages=5,
        )
    )
    info = inspect(code)
    assert (info.kind, info.abi, info.has_start) == ("module", 1, True)
    assert [(item.name, item.kind, item.type, item.grant) for item in info.imports] == [
        ("wasi_snapshot_preview1.fd_write", "function", "(i32, i32, i32, i32) -> i32", "provided"),
        ("env.abort", "function", "(i32, i32, i32, i32) -> ()", "provided"),
        (
            "wasi_snapshot_preview1.path_open",
            "function",
            "(i32, i32, i32, i32, i32, i64, i64, i32, i32) -> i32",
            "stubbed",
        ),
        ("env.table", "table", None, "refused"),
        ("env.shared", "global", None, "refused"),
        ("env.memory", "memory", None, "refused"),
    ]
    assert [(item.name, item.kind, item.type) for item in info.exports] == [
        ("memory", "memory", None),
        ("semfora_abi_v1", "global", None),
        ("semfora_alloc", "function", "(i32) -> i32"),
        ("evaluate", "function", "(i32, i32) -> i64"),
        ("odd", "function", "(f32, f64) -> externref"),
    ]
    assert info.memories == [Bounds(1, 9), Bounds(5, None)]
    assert info.tables == [Bounds(3, 7), Bounds(2, None)]
    assert info.problem == ("refused_import", "it imports 'env.table', which plugins do not get")


def test_a_component():
    imports = '(import "acme:host/files@1.0.0" (instance)) (import "log" (func)) (import "t" (type (sub resource)))'
    nested = "(component (core module (memory 2 3) (table 1 1 funcref) (func $s) (start $s)))"
    info = inspect(wasm(component(imports=imports + nested)))
    assert (info.kind, info.abi, info.has_start) == ("component", 1, True)
    assert [(item.name, item.kind, item.grant) for item in info.imports] == [
        ("acme:host/files@1.0.0", "instance", "refused"),
        ("log", "function", "refused"),
        ("t", "type", "refused"),
    ]
    assert [(item.name, item.kind) for item in info.exports] == [("evaluate", "function")]
    assert info.memories == [Bounds(2, 3), Bounds(4, None)]
    assert info.tables == [Bounds(1, 1)]
    assert info.problem is not None
    assert info.problem[0] == "refused_import"


@pytest.mark.parametrize(
    "wat",
    [
        constant("[]"),
        component(),
        core(imports=f"{WASI_WRITE} {ABORT} {WASI_OPEN}"),
        core(extra='(func (export "_initialize"))'),
        core(extra='(func (export "_initialize") (param i32))'),
        core(marker=""),
        core(marker='(global (export "semfora_abi_v2") i32 (i32.const 0))'),
        core(marker='(func (export "semfora_abi_v0"))'),
        core(marker='(func (export "semfora_abi_v1")) (func (export "semfora_abi_v2"))'),
        core(imports='(import "env" "system" (func))'),
        core(imports='(import "env" "abort" (func))'),
        core(imports='(import "env" "abort" (global i32))'),
        core(imports='(import "wasi_snapshot_preview1" "fd_write" (func (param i64)))'),
        core(imports='(import "wasi_snapshot_preview1" "fd_fly" (func))'),
        core(imports='(import "" "" (memory 1))'),
        core(imports=ABORT * 1001),
        core(extra="(func $f)" + "".join(f'(export "e{number}" (func $f))' for number in range(9_997))),
        core(extra='(func $f) (memory 1)(export "m" (memory 1))'),
        NO_MEMORY,
        NO_MEMORY.replace("(func", '(func (export "memory")) (func', 1),
        '(module (memory (export "memory") 1) (global (export "semfora_abi_v1") i32 (i32.const 0)))',
        core().replace('(export "evaluate") (param $ptr i32)', '(export "evaluate") (param $ptr i64)'),
        core().replace('(func (export "semfora_alloc")', '(func (export "semfora_free")'),
        "(module)",
        "(component)",
        component(imports='(import "a" (func)) (import "b" (func))'),
        component().replace('(export "evaluate") (param "context-json"', '(export "assess") (param "context-json"'),
    ],
)
def test_the_verdict_is_the_sandboxs(wat):
    code = wasm(wat)
    verdict = None
    try:
        sandbox.compile_plugin(ENGINE, code)
    except sandbox.GuestError as error:
        verdict = (error.kind, error.detail)
    assert inspect(code).problem == verdict


def test_what_wasmtime_sees_is_what_we_see():
    code = wasm(core(imports=f"{WASI_WRITE} {WASI_OPEN}", extra='(table (export "t") 1 2 funcref) (memory 7 8)'))
    module = wasmtime.Module(ENGINE, code)
    info = inspect(code)
    assert [item.name for item in info.exports] == [export.name for export in module.exports]
    assert [item.name for item in info.imports] == [f"{item.module}.{item.name}" for item in module.imports]
    assert info.memories == [Bounds(4, None), Bounds(7, 8)]


@pytest.mark.parametrize(
    ("code", "says"),
    [
        (b"", "not a WASM"),
        (b"#!/bin/sh\n", "not a WASM"),
        (b"\0asm", "unknown version none"),
        (b"\0asm\x02\0\0\0", "unknown version 02 00 00 00"),
        (abi.CORE_MAGIC + b"\x02", "cut off"),
        (abi.CORE_MAGIC + b"\x02\xff\xff\xff\xff\xff\xff\x01", "too long"),
        (abi.CORE_MAGIC + b"\x02\xff\xff\xff\xff\x7f", "too large"),
        (abi.CORE_MAGIC + b"\x02\x05\xff\xff\xff\xff\x0f", f"at most {MAX_ITEMS}"),
        (abi.CORE_MAGIC + b"\x01\x05\xff\xff\xff\xff\x0f", "types"),
        (abi.CORE_MAGIC + b"\x01\x02\x01\x4e", "unsupported form"),
        (abi.CORE_MAGIC + b"\x02\x05\x01\x01\xff\x01a", "not UTF-8"),
        (abi.CORE_MAGIC + b"\x02\x05\x01\xc0\x84\x3d\x00", "a name of 1000000 bytes"),
        (abi.CORE_MAGIC + b"\x02\x05\x01\x01a\x01b\x09", "cut off"),
        (abi.COMPONENT_MAGIC + b"\x01\x08" + abi.COMPONENT_MAGIC, "modules"),
        (abi.COMPONENT_MAGIC + b"\x04\x08" + abi.CORE_MAGIC, "components"),
        (abi.COMPONENT_MAGIC + b"\x0a\x03\x01\x09\x00", "unknown form"),
    ],
)
def test_what_is_malformed(code, says):
    with pytest.raises(BinaryError, match=says):
        inspect(code)


@pytest.mark.parametrize(
    "code",
    [
        abi.CORE_MAGIC + b"\0\0" * 2_000_000,
        abi.COMPONENT_MAGIC + (b"\x01\x08" + abi.CORE_MAGIC) * 200_000,
    ],
    ids=["sections", "modules"],
)
def test_binaries_made_to_keep_readers_busy(code):
    with pytest.raises(BinaryError, match="more sections and items"):
        inspect(code)


def test_components_nested_too_deeply():
    code = abi.COMPONENT_MAGIC
    for _ in range(200):
        length = len(code)
        code = abi.COMPONENT_MAGIC + b"\x04" + bytes([length & 0x7F | 0x80, length >> 7]) + code
    with pytest.raises(BinaryError, match="deeper"):
        inspect(code)


@pytest.mark.parametrize("wat", [core(imports=f"{WASI_WRITE} {ABORT}", extra="(table 1 funcref)"), component()])
def test_damaged_binaries_give_clean_errors(wat):
    whole = wasm(wat)
    random_ = random.Random(5)
    mutants = [whole[:length] for length in range(len(whole))]
    for _ in range(1500):
        code = bytearray(whole)
        for _ in range(random_.randint(1, 3)):
            code[random_.randrange(8, len(code))] ^= 1 << random_.randrange(8)
        mutants.append(bytes(code))
    outcomes = set()
    for code in mutants:
        try:
            outcomes.add(inspect(code).problem is None)
        except BinaryError:
            outcomes.add(None)
    assert outcomes == {True, False, None}


@settings(deadline=None)
@given(st.sampled_from([abi.CORE_MAGIC, abi.COMPONENT_MAGIC]), st.binary(max_size=300))
def test_any_bytes(magic, rest):
    try:
        info = inspect(magic + rest)
    except BinaryError:
        return
    assert info.kind in ("module", "component")


@given(st.integers(0, (1 << 32) - 1))
def test_numbers(value):
    encoded, rest = bytearray(), value
    while True:
        encoded.append(rest & 0x7F | (0x80 if rest > 0x7F else 0))
        rest >>= 7
        if not rest:
            break
    cursor = Cursor(bytes(encoded) + b"\0")
    assert cursor.number() == value
    assert not cursor.is_done
