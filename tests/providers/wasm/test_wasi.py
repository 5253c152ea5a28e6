"""The stub of WASI preview 1: the same for each evaluation, and without a way out."""

from __future__ import annotations

import re

import pytest
import wasmtime

from semfora_hooks.providers.wasm import abi, wasi
from semfora_hooks.providers.wasm.manifest import Limits

from .builders import INPUT, core, data, packed

P1 = "wasi_snapshot_preview1"
LETTERS = {"i": "i32", "I": "i64"}


def imported(name: str) -> str:
    params = " ".join(LETTERS[letter] for letter in abi.SIGNATURES[name])
    result = "" if name == "proc_exit" else "(result i32)"
    return f'(import "{P1}" "{name}" (func ${name} (param {params}) {result}))'


HEX = """
  (func $hex (param $from i32) (param $count i32)
    (local $i i32) (local $byte i32)
    (i32.store8 (i32.const 8192) (i32.const 91)) (i32.store8 (i32.const 8193) (i32.const 123))
    (memory.copy (i32.const 8192) (i32.const 7000) (i32.const 11))
    (loop $next
      (local.set $byte (i32.load8_u (i32.add (local.get $from) (local.get $i))))
      (i32.store8 (i32.add (i32.const 8203) (i32.shl (local.get $i) (i32.const 1)))
        (i32.load8_u (i32.add (i32.const 7100) (i32.shr_u (local.get $byte) (i32.const 4)))))
      (i32.store8 (i32.add (i32.const 8204) (i32.shl (local.get $i) (i32.const 1)))
        (i32.load8_u (i32.add (i32.const 7100) (i32.and (local.get $byte) (i32.const 15)))))
      (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $count))))
    (memory.copy (i32.add (i32.const 8203) (i32.shl (local.get $count) (i32.const 1))) (i32.const 7200) (i32.const 3)))
  (data (i32.const 7000) "[{\\22title\\22:\\22") (data (i32.const 7100) "0123456789abcdef")
  (data (i32.const 7200) "\\22}]")
"""


def reporting(calls: str, names: list[str], count: int, extra: str = "") -> str:
    """A plugin that runs `calls` and returns `count` bytes at 5000 in hexadecimal as a title."""
    return core(
        f"{calls} (call $hex (i32.const 5000) (i32.const {count})) {packed(8192, 14 + 2 * count)}",
        imports=" ".join(imported(name) for name in names),
        extra=HEX + extra,
    )


def result_of(evaluate, name: str, *args: int, extra: str = "") -> int:
    """The errno of one call."""
    given = " ".join(f"({LETTERS[letter]}.const {arg})" for letter, arg in zip(abi.SIGNATURES[name], args, strict=True))
    plugin = reporting(f"(i32.store8 (i32.const 5000) (call ${name} {given}))", [name], 1, extra)
    return int(evaluate(plugin)[0].title, 16)


def test_the_clock_counts_from_zero_for_each_evaluation(evaluate):
    call = "(drop (call $clock_time_get (i32.const 0) (i64.const 1) (i32.const {})))"
    plugin = reporting(call.format(5000) + call.format(5008), ["clock_time_get"], 16)
    titles = [evaluate(plugin)[0].title for _ in range(2)]
    first, second = (int.from_bytes(bytes.fromhex(titles[0][i : i + 16]), "little") for i in (0, 16))
    assert (first, second) == (0, 1_000_000)
    assert titles[0] == titles[1]


def test_randomness_is_fixed_but_varies_from_call_to_call(evaluate):
    call = "(drop (call $random_get (i32.const {}) (i32.const 8)))"
    plugin = reporting(call.format(5000) + call.format(5008), ["random_get"], 16)
    titles = [evaluate(plugin)[0].title for _ in range(2)]
    assert titles[0] == titles[1]
    assert titles[0][:16] != titles[0][16:]
    assert set(titles[0]) != {"0"}


@pytest.mark.parametrize(
    ("name", "args", "errno"),
    [
        ("fd_prestat_get", (3, 5000), wasi.BADF),
        ("fd_write", (3, 0, 0, 5000), wasi.BADF),
        ("fd_write", (1, 0, -1, 5000), wasi.INVAL),
        ("fd_write", (1, 0, 2_000_000_000, 5000), wasi.INVAL),
        ("fd_write", (1, -8, 1, 5000), wasi.FAULT),
        ("fd_read", (0, 0, 0, 5000), wasi.SUCCESS),
        ("fd_read", (4, 0, 0, 5000), wasi.BADF),
        ("fd_fdstat_get", (1, 5100), wasi.SUCCESS),
        ("fd_fdstat_get", (1, -4), wasi.FAULT),
        ("random_get", (-1, 16), wasi.FAULT),
        ("random_get", (0, -1), wasi.INVAL),
        ("random_get", (4 * INPUT - 8, 16), wasi.FAULT),
        ("clock_time_get", (0, 0, 0x7FFFFFFF), wasi.FAULT),
        ("environ_sizes_get", (5100, 5104), wasi.SUCCESS),
        ("args_get", (5100, 5104), wasi.SUCCESS),
        ("sched_yield", (), wasi.SUCCESS),
        ("path_open", (3, 0, 0, 0, 0, 0, 0, 0, 5100), wasi.NOSYS),
        ("poll_oneoff", (0, 5100, 1, 5200), wasi.NOSYS),
        ("sock_accept", (3, 0, 5100), wasi.NOSYS),
        ("proc_raise", (9,), wasi.NOSYS),
    ],
)
def test_errno(evaluate, name, args, errno):
    assert result_of(evaluate, name, *args) == errno


def test_every_function_of_the_interface_can_be_imported(evaluate):
    plugin = core(
        packed(1024, 2),
        imports=" ".join(imported(name) for name in sorted(abi.SIGNATURES)),
        extra='(data (i32.const 1024) "[]")',
    )
    assert evaluate(plugin) == []


def test_a_function_may_be_imported_twice(evaluate):
    """As Go's compiler does."""
    twice = imported("fd_write") + imported("fd_write").replace("$fd_write", "$again")
    assert evaluate(core(packed(1024, 2), imports=twice, extra='(data (i32.const 1024) "[]")')) == []


def test_signatures_are_wasmtimes_own():
    """Our table agrees with the real implementation, which checks types when it links."""
    engine = wasmtime.Engine()
    linker = wasmtime.Linker(engine)
    linker.define_wasi()
    store = wasmtime.Store(engine)
    store.set_wasi(wasmtime.WasiConfig())
    module = wasmtime.Module(engine, f"(module {' '.join(imported(name) for name in abi.SIGNATURES)})")
    assert linker.instantiate(store, module) is not None
    assert len(abi.SIGNATURES) == 46


def test_proc_exit_is_a_failure(fails, patient_host):
    plugin = core("(call $proc_exit (i32.const 3)) (unreachable)", imports=imported("proc_exit"))
    assert "proc_exit(3)" in fails(plugin, "trap").message
    endless = core("(call $proc_exit (i32.const 0)) (loop (br 0)) (unreachable)", imports=imported("proc_exit"))
    short = Limits(memory=16 << 20, timeout=1)  # a loop that has begun is stopped at its time limit, and not before
    assert "proc_exit(0)" in fails(endless, "trap", limits=short).message


def vector(start: int, length: int) -> str:
    """An element of what `fd_write` gets, as the body of a WAT data string."""
    return data(start.to_bytes(4, "little") + length.to_bytes(4, "little"))


def writing(text: str, then: str) -> str:
    """A plugin that writes `text` to its standard error and goes on with `then`."""
    return core(
        f"(drop (call $fd_write (i32.const 2) (i32.const 512) (i32.const 1) (i32.const 600))) {then}",
        imports=imported("fd_write"),
        extra=f"""(data (i32.const 512) "{vector(1024, len(text))}") (data (i32.const 1024) "{data(text)}")""",
    )


def test_what_a_failing_guest_printed_is_told_without_its_escapes(fails):
    message = fails(writing("thread panicked\x1b[31m at lib.rs:7\n", "(unreachable)"), "trap").message
    assert "it printed: thread panicked at lib.rs:7" in message


def test_what_a_guest_prints_is_capped_and_its_end_is_kept(fails):
    """A flood before the panic must not hide the panic."""
    plugin = core(
        """(local $i i32)
        (loop $more
          (drop (call $fd_write (i32.const 1) (i32.const 512) (i32.const 1) (i32.const 600)))
          (br_if $more (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 200))))
        (drop (call $fd_write (i32.const 2) (i32.const 520) (i32.const 1) (i32.const 600)))
        (unreachable)""",
        imports=imported("fd_write"),
        extra=f"""(data (i32.const 512) "{vector(1024, 5000)}{vector(9000, 22)}")
        (data (i32.const 1024) "{data("spam " * 1000)}") (data (i32.const 9000) "{data("panicked at lib.rs:7:9")}")""",
    )
    message = fails(plugin, "trap", limits=Limits(memory=16 << 20, timeout=60)).message
    assert len(message) < 1000
    assert message.endswith("panicked at lib.rs:7:9")
    assert re.search(r"it printed: \(\d+ characters before\) …", message)
    assert message.count("spam") > 50


@pytest.mark.parametrize("at", [4 * INPUT - 4, 0x7FFFFFFF])
def test_writing_from_outside_the_memory(evaluate, at):
    extra = f'(data (i32.const 512) "{vector(at, 0xFFFFFFFF)}")'
    assert result_of(evaluate, "fd_write", 1, 512, 1, 600, extra=extra) == wasi.FAULT


def test_printing_does_not_disturb_the_result(evaluate, capfd):
    found = evaluate(writing("[]", packed(1024, 2)))
    assert found == []
    assert capfd.readouterr() == ("", "")


def test_a_guest_without_memory_of_its_own_name_gets_an_error_not_a_crash(evaluate):
    # The start function runs before the exports are there to be looked up by the host.
    plugin = core(
        packed(1024, 2),
        imports=imported("random_get"),
        extra='(func $s (drop (call $random_get (i32.const 0) (i32.const 8)))) (start $s) (data (i32.const 1024) "[]")',
    )
    assert evaluate(plugin) == []


def test_the_list_of_answered_functions_is_what_guests_get():
    implemented = {name for name in abi.SIGNATURES if hasattr(wasi.Guest, f"_{name}")}
    assert implemented == abi.ANSWERED
