"""Binaries that are broken, huge or want what they do not get: refused before anything of them runs."""

from __future__ import annotations

import random

import pytest

from semfora_hooks.errors import PluginError
from semfora_hooks.providers.wasm import abi
from semfora_hooks.providers.wasm.manifest import Limits

from ..builders import component, constant, core, data, packed, wasm
from . import sources
from .conftest import ALIVE

KINDS = {"compile", "incompatible", "refused_import", "trap", "memory", "bad_output", "too_large", "timeout", "plugin"}
SEED = 20_240_611
SHORT = Limits(memory=16 << 20, timeout=0.5)
"""For what runs until it is stopped."""
STARTED = "(func $start (unreachable)) (start $start)"
"""Would give `trap` if it ran."""


def mutants(code: bytes, count: int, seed: int) -> list[bytes]:
    """Variations of a binary: cut off, with bits flipped, bytes exchanged, removed, doubled."""
    chance = random.Random(seed)
    found = []
    for _ in range(count):
        mutant = bytearray(code)
        at = chance.randrange(8, len(code))  # the header stays: what is no WASM at all is not looked at
        match chance.randrange(5):
            case 0:
                del mutant[at:]
            case 1:
                for _ in range(chance.choice((1, 1, 1, 4, 16))):
                    mutant[chance.randrange(8, len(code))] ^= 1 << chance.randrange(8)
            case 2:
                mutant[at] = chance.choice((0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)))
            case 3:
                del mutant[at : at + chance.randrange(1, 9)]
            case _:
                mutant[at:at] = mutant[at : at + chance.randrange(1, 65)]
        found.append(bytes(mutant))
    return found


RICH = core(
    f"(local $i i32) (loop $more (br_if $more (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1)))"
    f" (i32.const 10)))) (drop (call_indirect (type $t) (i32.const 0)))"
    f" (memory.fill (i32.const 4096) (i32.const 7) (i32.const 64)) {packed(1024, 19)}",
    imports=f'(type $t (func (result i32))) (import "{abi.WASI}" "sched_yield" (func $yield (result i32)))',
    extra=f"""(table 2 funcref) (elem (i32.const 0) $seven $yield) (func $seven (result i32) (i32.const 7))
    (global $g (mut i64) (i64.const 5)) (func (export "_initialize") (global.set $g (i64.const 6)))
    (data (i32.const 1024) "{data('[{"title":"whole"}]')}")""",
)


@pytest.mark.parametrize(
    ("source", "seed"), [(RICH, SEED), (component(), SEED + 1)], ids=["a core module", "a component"]
)
def test_mutants(make_rule, context, own_pool, source, seed):
    """Five hundred of each. Whatever they are, they end in a kind of the taxonomy, never with the worker's death."""
    original = wasm(source)
    assert list(make_rule(ALIVE, on=own_pool).evaluate(context))
    [worker] = own_pool._all
    assert list(make_rule(original, on=own_pool).evaluate(context))
    seen: dict[str, int] = {}
    for index, mutant in enumerate(mutants(original, 500, seed)):
        rule = make_rule(mutant, on=own_pool, limits=Limits(memory=16 << 20, timeout=0.2))
        try:
            list(rule.evaluate(context))
            kind = "fine"
        except PluginError as error:
            kind = error.kind
            assert kind in KINDS, f"mutant {index}: {error.message}"
            assert error.message.isprintable()
        if kind == "timeout" and list(own_pool._all) != [worker]:
            assert list(make_rule(ALIVE, on=own_pool).evaluate(context))
            [worker] = own_pool._all
        seen[kind] = seen.get(kind, 0) + 1
        assert list(own_pool._all) == [worker], f"mutant {index} killed the worker"
    assert seen["compile"] > 100
    assert {"fine", "bad_output", "trap"} <= set(seen), seen
    assert [found.title for found in make_rule(ALIVE, on=own_pool).evaluate(context)] == ["alive"]


@pytest.mark.parametrize("source", [RICH, component()], ids=["a core module", "a component"])
def test_every_truncation_is_refused(make_rule, context, own_pool, source):
    """At each place of a small binary. Only between two of its last sections can a cut leave a valid one."""
    original = wasm(source)
    kinds = set()
    for length in range(0, len(original), 3):
        with pytest.raises(PluginError) as caught:
            list(make_rule(original[:length], on=own_pool).evaluate(context))
        kinds.add(caught.value.kind)
    assert kinds <= {"compile", "incompatible", "bad_output", "trap"}
    assert "compile" in kinds


@pytest.mark.parametrize(
    "wanted",
    [
        '"env" "system" (func (param i32) (result i32))',
        '"env" "memory" (memory 1)',
        '"wasi_unstable" "fd_write" (func (param i32 i32 i32 i32) (result i32))',
        '"wasi_snapshot_preview1" "sock_open" (func (param i32 i32 i32) (result i32))',
        '"wasi_snapshot_preview1" "fd_write" (func (param i64 i32 i32 i32) (result i32))',
        '"wasi_snapshot_preview1" "fd_write" (global i32)',
        '"wasi:filesystem/types" "open" (func)',
        '"" "" (func)',
        '"extism:host/env" "http_request" (func (param i64 i64) (result i64))',
    ],
)
def test_forbidden_imports(fails, wanted):
    module, name = (part.strip('"') for part in wanted.split(" ")[:2])
    plugin = core(imports=f"(import {wanted})", extra=STARTED)
    if "(memory" in wanted:
        plugin = plugin.replace('(memory (export "memory") 4)', '(export "memory" (memory 0))')
    error = fails(plugin, "refused_import")
    assert f"it imports '{module}.{name}'" in error.message
    assert "without access to files, network and the system" in error.hint


@pytest.mark.parametrize(
    "imported",
    [
        '(import "wasi:filesystem/preopens@0.2.0" (instance))',
        '(import "wasi:sockets/tcp@0.2.0" (instance))',
        '(import "host" (func (param "command" string)))',
    ],
)
def test_a_component_imports_nothing(fails, imported):
    error = fails(component(imports=imported), "refused_import")
    assert f"'{imported.split(chr(34))[1]}'" in error.message


FILE_AND_SOCKET_CALLS = {
    "path_open": (3, 0, 4096, 11, 0, 0, 0, 0, 5000),
    "path_create_directory": (3, 4096, 6),
    "path_unlink_file": (3, 4096, 6),
    "path_symlink": (4096, 6, 3, 4096, 6),
    "path_rename": (3, 4096, 6, 3, 4100, 2),
    "path_filestat_get": (3, 0, 4096, 6, 5000),
    "fd_readdir": (3, 5000, 64, 0, 5100),
    "fd_pwrite": (1, 4096, 1, 0, 5000),
    "fd_prestat_get": (3, 5000),
    "fd_filestat_get": (0, 5000),
    "fd_seek": (0, 0, 0, 5000),
    "fd_renumber": (0, 1),
    "fd_close": (1,),
    "sock_accept": (0, 0, 5000),
    "sock_recv": (0, 4096, 1, 0, 5000, 5004),
    "sock_send": (1, 4096, 1, 0, 5000),
    "sock_shutdown": (1, 3),
    "poll_oneoff": (4096, 5000, 1, 5100),
    "proc_raise": (9,),
}


@pytest.mark.parametrize("name", FILE_AND_SOCKET_CALLS)
def test_files_and_sockets_are_not_there(make_rule, context, tmp_path, monkeypatch, name):
    """The call fails, with an errno, for whatever file; the plugin lives on and nothing has changed."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "victim").write_text("kept")
    before = sorted(path.name for path in tmp_path.iterdir())
    letters = {"i": "i32", "I": "i64"}
    params = [letters[letter] for letter in abi.SIGNATURES[name]]
    args = " ".join(f"({kind}.const {arg})" for kind, arg in zip(params, FILE_AND_SOCKET_CALLS[name], strict=True))
    failed, worked = '[{"title":"failed"}]', '[{"title":"worked"}]'
    plugin = core(
        f"(if (result i64) (call $f {args}) (then {packed(1024, 20)}) (else {packed(2048, 20)}))",
        imports=f'(import "{abi.WASI}" "{name}" (func $f (param {" ".join(params)}) (result i32)))',
        extra=f"""(data (i32.const 1024) "{data(failed)}") (data (i32.const 2048) "{data(worked)}")
        (data (i32.const 4096) "victim")""",
    )
    assert [found.title for found in make_rule(plugin).evaluate(context)] == ["failed"]
    after = sorted(path.name for path in tmp_path.iterdir() if not path.name.startswith("plugin"))
    assert after == [path for path in before if not path.startswith("plugin")]
    assert (tmp_path / "victim").read_text() == "kept"


@pytest.mark.parametrize(
    ("plugin", "what"),
    [
        (core(imports=f'(import "{abi.WASI}" "sched_yield" (func (result i32)))' * 1001), "1001 imports"),
        (core(extra="".join(f'(export "e{index}" (memory 0))' for index in range(10_000))), "10004 exports"),
    ],
    ids=["imports", "exports"],
)
def test_a_flood_of_names(fails, plugin, what):
    assert what in fails(plugin, "too_large").message


@pytest.mark.parametrize("depth", [1000, 200_000])
def test_deeply_nested_code(evaluate, depth):
    """Compilers that recurse would overflow their stack: 200,000 blocks in each other."""
    plugin = core("(block " * 10 + ")" * 10 + packed(1024, 2), extra='(data (i32.const 1024) "[]")')
    assert evaluate(plugin) == []
    code = wasm(plugin)
    block, end = b"\x02\x40", b"\x0b"
    body = code.index(block * 10)
    inside = block * depth + end * depth
    assert code[body : body + 30] == block * 10 + end * 10
    grown = code[:body] + inside + code[body + 30 :]
    grown = resized(grown, code.index(b"\x0a", body - 24), len(inside) - 30)
    assert evaluate(grown, limits=Limits(memory=16 << 20, timeout=60)) == []


def resized(code: bytes, section: int, by: int) -> bytes:
    """`code` whose code section at `section`, and last function in it, are `by` bytes longer than their sizes say."""

    def number(at: int) -> tuple[int, int]:
        value = shift = 0
        while True:
            byte = code[at]
            value |= (byte & 0x7F) << shift
            at, shift = at + 1, shift + 7
            if byte < 0x80:
                return value, at

    def encoded(value: int) -> bytes:
        out = bytearray()
        while value >= 0x80:
            out.append(value & 0x7F | 0x80)
            value >>= 7
        return bytes([*out, value])

    size, start = number(section + 1)
    count, at = number(start)
    for _ in range(count - 1):
        length, at = number(at)
        at += length
    last, body = number(at)
    head = code[start:at] + encoded(last + by)
    tail = code[body : body + last + by]
    rest = code[body + last + by :]
    return code[: section + 1] + encoded(size + by + len(head) - (body - start)) + head + tail + rest


@pytest.mark.parametrize(
    "code",
    [b"", b"\0asm", b"\0asm\x02\0\0\0", b"\0asm\x0d\0\x02\0", b"MZ\x90\0", b"\x7fELF", b"(module)", b"\0" * 100_000],
    ids=repr,
)
def test_no_module_at_all(fails, code):
    error = fails(code[:100_000], "compile")
    assert "build the plugin again" in error.hint


def test_precompiled_code_is_not_taken(fails):
    """What wasmtime serialises is an ELF file with native code in it: loading one would be the end of the sandbox."""
    import wasmtime

    from semfora_hooks.providers.wasm import sandbox

    native = bytes(wasmtime.Module(sandbox.make_engine(), wasm(constant("[]"))).serialize())
    assert native[:4] == b"\x7fELF"
    assert "not a WASM module or component" in fails(native, "compile").message


def test_a_file_that_is_too_large(fails):
    error = fails(wasm(constant("[]")) + b"\0" * 100, "too_large", max_size=100)
    assert "more than 100 bytes" in error.message


def test_every_kind_has_a_hint(fails, patient_host):
    """The ones that plugins can bring about; each error says what to do."""
    for plugin, kind in {
        core(sources.LOOP): "timeout",
        core(pages=1000): "memory",
        core("(unreachable)"): "trap",
        core(): "bad_output",
        constant('{"error":"x"}'): "plugin",
        core(extra="(memory 1)"): "too_large",
        "(module)": "incompatible",
        core(imports='(import "a" "b" (func))'): "refused_import",
    }.items():
        error = fails(plugin, kind, **({"limits": SHORT} if kind == "timeout" else {}))
        assert error.hint
        assert error.message.startswith("plugin 'custom-checks/probe' (.semfora/plugins/probe.wasm): ")
