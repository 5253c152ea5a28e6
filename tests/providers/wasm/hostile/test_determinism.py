"""The same input gives the same output: no state, no clock, no chance, no difference between two processes."""

from __future__ import annotations

import pytest

from semfora_hooks.providers.wasm import abi, host

from ..builders import core, data

AT = 5000
"""Where the plugins below write what they see, before it is returned in hexadecimal."""
LETTERS = {"i": "i32", "I": "i64"}
HEX = f"""
  (func $hex (param $count i32) (result i64)
    (local $i i32) (local $byte i32)
    (memory.copy (i32.const 9000) (i32.const 7000) (i32.const 11))
    (loop $next
      (local.set $byte (i32.load8_u (i32.add (i32.const {AT}) (local.get $i))))
      (i32.store8 (i32.add (i32.const 9011) (i32.shl (local.get $i) (i32.const 1)))
        (i32.load8_u (i32.add (i32.const 7100) (i32.shr_u (local.get $byte) (i32.const 4)))))
      (i32.store8 (i32.add (i32.const 9012) (i32.shl (local.get $i) (i32.const 1)))
        (i32.load8_u (i32.add (i32.const 7100) (i32.and (local.get $byte) (i32.const 15)))))
      (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $count))))
    (memory.copy (i32.add (i32.const 9011) (i32.shl (local.get $count) (i32.const 1))) (i32.const 7200) (i32.const 3))
    (i64.or (i64.const {9000 << 32})
      (i64.extend_i32_u (i32.add (i32.const 14) (i32.shl (local.get $count) (i32.const 1))))))
  (data (i32.const 7000) "{data('[{"title":"')}") (data (i32.const 7100) "0123456789abcdef")
  (data (i32.const 7200) "{data('"}]')}")
"""


def seeing(body: str, count: int, imports: str = "", extra: str = "") -> str:
    """A plugin that runs `body` and returns the `count` bytes at `AT`."""
    return core(f"{body} (call $hex (i32.const {count}))", imports=imports, extra=HEX + extra)


def imported(name: str) -> str:
    params = " ".join(LETTERS[letter] for letter in abi.SIGNATURES[name])
    return f'(import "{abi.WASI}" "{name}" (func ${name} (param {params}) (result i32)))'


CLOCKS = "".join(
    f"(drop (call $clock_time_get (i32.const {clock}) (i64.const 0) (i32.const {AT + 8 * clock})))"
    for clock in range(4)
)
RANDOM = f"(drop (call $random_get (i32.const {AT}) (i32.const 64)))"
# 0/0, the square root of -1, infinity minus infinity, and a NaN with a payload and a sign, passed through arithmetic.
NANS = "".join(
    f"(f64.store (i32.const {AT + 8 * index}) {expression})"
    for index, expression in enumerate(
        [
            "(f64.div (f64.const 0) (f64.const 0))",
            "(f64.sqrt (f64.const -1))",
            "(f64.sub (f64.const inf) (f64.const inf))",
            "(f64.add (f64.const -nan:0x8dead00000000) (f64.const 1))",
            "(f64.mul (f64.const nan:0x8beef00000000) (f64.const -1))",
            "(f64.promote_f32 (f32.div (f32.const 0) (f32.const -0)))",
        ]
    )
)
# The same four times and twice at once.
VECTORS = f"""
  (v128.store (i32.const {AT}) (f32x4.div (v128.const f32x4 0 0 0 0) (v128.const f32x4 0 -0 0 -0)))
  (v128.store (i32.const {AT + 16})
    (f64x2.add (v128.const f64x2 nan:0x8dead00000000 -nan:0x8beef00000000) (v128.const f64x2 1 1)))
"""
STATE = f"""
  (i32.store (i32.const {AT}) (global.get $count)) (global.set $count (i32.const 1))
  (i32.store (i32.const {AT + 4}) (i32.load (i32.const 60000))) (i32.store (i32.const 60000) (i32.const 1))
  (i32.store (i32.const {AT + 8}) (memory.grow (i32.const 1)))
  (i32.store (i32.const {AT + 12}) (i32.load (i32.const {4 * 65536})))
  (i32.store (i32.const {AT + 16}) (table.grow $t (ref.null func) (i32.const 1)))
  (memory.fill (i32.const {4 * 65536}) (i32.const 255) (i32.const 65536))
"""
PLUGINS = {
    "clocks": (seeing(CLOCKS, 32, imported("clock_time_get")), 32),
    "randomness": (seeing(RANDOM, 64, imported("random_get")), 64),
    "NaNs": (seeing(NANS, 48), 48),
    "vectors": (seeing(VECTORS, 32), 32),
    "state": (seeing(STATE, 20, extra="(global $count (mut i32) (i32.const 0)) (table $t 1 funcref)"), 20),
}


@pytest.mark.parametrize(("plugin", "count"), PLUGINS.values(), ids=PLUGINS)
def test_every_evaluation_sees_the_same(make_rule, context, plugin, count):
    seen = set()
    for _ in range(2):
        own = host.Pool(64 << 20)
        rule = make_rule(plugin, on=own)
        for _ in range(3):
            [found] = rule.evaluate(context)
            assert len(found.title) == 2 * count
            seen.add(found.title)
        own.close()
    assert len(seen) == 1


def test_the_clock_starts_at_zero_and_goes_on(evaluate):
    [found] = evaluate(PLUGINS["clocks"][0])
    times = [int.from_bytes(bytes.fromhex(found.title)[at : at + 8], "little") for at in (0, 8, 16, 24)]
    assert times == [0, 1_000_000, 2_000_000, 3_000_000]


def test_nans_are_the_canonical_one(evaluate):
    [found] = evaluate(PLUGINS["NaNs"][0])
    assert [found.title[at : at + 16] for at in range(0, 96, 16)] == ["000000000000f87f"] * 6


def test_vectors_of_nans_are_the_canonical_one(evaluate):
    [found] = evaluate(PLUGINS["vectors"][0])
    assert found.title == "0000c07f" * 4 + "000000000000f87f" * 2


def test_nothing_is_remembered(evaluate):
    [found] = evaluate(PLUGINS["state"][0])
    # count 0, the byte unset, four pages before growing, new memory zeroed, a table of one
    assert [int.from_bytes(bytes.fromhex(found.title)[at : at + 4], "little") for at in range(0, 20, 4)] == [
        0,
        0,
        4,
        0,
        1,
    ]


def test_randomness_is_no_constant(evaluate):
    [found] = evaluate(PLUGINS["randomness"][0])
    assert len({found.title[at : at + 16] for at in range(0, 128, 16)}) == 8


def test_nothing_tells_the_size_or_speed_of_the_machine(evaluate):
    """Of what a guest may call, only these answer, and with the same for everybody."""
    assert {"clock_time_get", "clock_res_get", "random_get"} <= abi.ANSWERED
    assert not abi.ANSWERED & {"poll_oneoff", "path_open", "fd_readdir", "sock_recv", "fd_filestat_get"}
    answer = seeing(f"(drop (call $clock_res_get (i32.const 0) (i32.const {AT})))", 8, imported("clock_res_get"))
    assert evaluate(answer)[0].title == (1_000_000).to_bytes(8, "little").hex()
