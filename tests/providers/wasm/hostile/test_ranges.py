"""Pointers, lengths and texts that a plugin gives: anything may stand in them, and only its own bytes are read."""

from __future__ import annotations

import json

import pytest

from semfora_hooks.providers.wasm.manifest import Limits

from ..builders import INPUT, component, constant, core, data, packed, searching
from . import sources

END = 4 * sources.PAGE
I64_MIN, I64_MAX = -(1 << 63), (1 << 63) - 1


def as_i64(value: int) -> str:
    return f"(i64.const {value})"


@pytest.mark.parametrize(
    "result",
    [
        packed(0, 0xFFFFFFFF),
        packed(0xFFFFFFFF, 0xFFFFFFFF),
        packed(0xFFFFFFFF, 1),
        packed(0x80000000, 0x80000000),
        packed(END, 1),
        packed(END - 1, 2),
        as_i64(-1),
        as_i64(I64_MIN + 1),
        as_i64(I64_MAX),
    ],
)
def test_results_out_of_bounds(fails, result):
    assert "a range outside its memory" in fails(core(result), "bad_output").message


@pytest.mark.parametrize("result", [packed(0, 0), packed(END, 0), packed(0xFFFFFFFF, 0), as_i64(I64_MIN)])
def test_empty_results(fails, result):
    assert fails(core(result), "bad_output").message


@pytest.mark.parametrize("address", [END, END - 1, -1, -(1 << 31), (1 << 31) - 1])
def test_allocators_out_of_bounds(fails, address):
    assert "its semfora_alloc returned" in fails(core(alloc=f"(i32.const {address})"), "bad_output").message


def test_a_memory_without_pages(fails):
    fails(core(alloc="(i32.const 8)", pages=0), "bad_output")


def test_an_allocator_that_gives_a_place_in_use(fails):
    """The context lands on the plugin's own data. That is the plugin's loss, and nobody else's."""
    output = '[{"title":"overwritten"}]'
    plugin = core(
        packed(1024, len(output)), alloc="(i32.const 1000)", extra=f'(data (i32.const 1024) "{data(output)}")'
    )
    fails(plugin, "bad_output")


def test_a_result_that_overlaps_the_input(evaluate):
    """It writes its result over the input it is reading, and returns a range that begins there."""
    output = '[{"title":"over the input"}]'
    plugin = core(
        f"(memory.copy (local.get $ptr) (i32.const 1024) (i32.const {len(output)}))"
        f"(i64.or (i64.shl (i64.extend_i32_u (local.get $ptr)) (i64.const 32)) (i64.const {len(output)}))",
        extra=f'(data (i32.const 1024) "{data(output)}")',
    )
    assert [found.title for found in evaluate(plugin)] == ["over the input"]


def test_a_plugin_that_returns_its_input(fails):
    echo = "(i64.or (i64.shl (i64.extend_i32_u (local.get $ptr)) (i64.const 32)) (i64.extend_i32_u (local.get $len)))"
    assert "neither an array nor an object with 'error'" in fails(core(echo), "bad_output").message


def test_writing_over_the_input_reaches_nobody_else(make_rule, context):
    """One encoding of the context serves several plugins: what one does to its copy, the next does not see."""
    vandal = make_rule(core(f"(memory.fill (local.get $ptr) (i32.const 0) (local.get $len)) {packed(1024, 2)}",
                            extra='(data (i32.const 1024) "[]")'))  # fmt: skip
    reader = make_rule(searching('"id":"app:c"'))
    for _ in range(2):
        assert list(vandal.evaluate(context)) == []
        assert [found.title for found in reader.evaluate(context)] == ["found"]


def test_growing_moves_nothing_from_under_us(evaluate):
    """`evaluate` grows the memory and returns a range in the new part."""
    output = '[{"title":"in the new part"}]'
    plugin = core(
        f"(drop (memory.grow (i32.const 16))) (memory.copy (i32.const {END + 100}) (i32.const 1024)"
        f" (i32.const {len(output)})) {packed(END + 100, len(output))}",
        extra=f'(data (i32.const 1024) "{data(output)}")',
    )
    assert [found.title for found in evaluate(plugin)] == ["in the new part"]


@pytest.mark.parametrize(
    ("pointer", "length"), [(0, -1), (-16, -1), (-1, 1), (END, 1), (END - 1, 2), (0x7FFFFFFF, 0x7FFFFFFF)]
)
def test_a_components_result_out_of_bounds(fails, pointer, length):
    assert "out of bounds" in fails(sources.with_result(pointer, length), "bad_output").message


@pytest.mark.parametrize("address", [-8, END, 0x7FFFFFF0])
def test_a_components_allocator_out_of_bounds(fails, address):
    plugin = component().replace(f"(i32.const {INPUT}))", f"(i32.const {address}))", 1)
    assert "realloc" in fails(plugin, "bad_output").message


@pytest.mark.parametrize("address", [1, 2, -4, -1])
def test_a_components_return_area_out_of_place(fails, address):
    plugin = component().replace("(i32.const 0)))\n", f"(i32.const {address})))\n", 1)
    assert "pointer" in fails(plugin, "bad_output").message


@pytest.mark.parametrize(
    "raw", [b"\xff\xfe[]", b'["\xed\xa0\x80"]', b'["\xc0\x80"]', b'["\xf8\x88\x80\x80\x80"]', b"[\x80]"]
)
def test_invalid_utf8(fails, raw):
    assert "UTF-8" in fails(constant(raw), "bad_output").message
    assert "utf-8" in fails(sources.with_raw_output(raw), "bad_output").message


@pytest.mark.parametrize(
    "output",
    [
        "[" * 100_000,
        "[" * 100_000 + "]" * 100_000,
        '{"error":' * 100_000,
        '[{"title":"x","extra":' + "[" * 100_000 + "]" * 100_000 + "}]",
        '[{"title":"x","extra":' + '{"a":' * 100_000 + "1" + "}" * 100_000 + "}]",
    ],
    ids=lambda output: output[:30],
)
def test_deep_json(fails, output):
    plugin = core(packed(1024, len(output)), extra=f'(data (i32.const 1024) "{data(output)}")', pages=20)
    fails(plugin, "bad_output", limits=Limits(memory=16 << 20, timeout=60))


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999", "1" + "0" * 400, "0x10", "1_000"])
@pytest.mark.parametrize("field", ['"confidence":{}', '"metrics":{{"loc":{}}}'])
def test_numbers_that_are_not_finite(fails, value, field):
    fails(constant('[{"title":"x",' + field.format(value) + "}]"), "bad_output")


@pytest.mark.parametrize("line", [0, -1, 2**31, 2**63, 10**400, 1.5])
def test_lines_that_are_none(fails, line):
    output = [{"title": "x", "symbols": [{"id": "app:a", "start_line": line}]}]
    assert "start_line" in fails(constant(json.dumps(output)), "bad_output").message


@pytest.mark.parametrize("symbol", ["nowhere", "../../etc/passwd", "", "app:a\u0000", "APP:A", "app:a ", "app:\u202ea"])
def test_symbols_from_elsewhere(fails, symbol):
    error = fails(constant(json.dumps([{"title": "x", "symbols": [{"id": symbol}]}])), "bad_output")
    assert "there is no symbol '" in error.message
    assert error.message.isprintable()


def test_nothing_that_drives_a_terminal_gets_into_findings_or_errors(evaluate, fails):
    evil = "\x1b[2J\x1b]0;owned\x07\x1b]8;;http://evil\x1b\\\x9b31m\x00\x08\r\u202e\u2028text"
    [found] = evaluate(constant(json.dumps([{"title": evil, "description": evil, "metrics": {evil: 1}}])))
    assert (found.title, found.description) == ("31m text", "31m\ntext")
    assert all(text.isprintable() for text in (found.title, *found.metrics))
    for output in ({"error": evil}, [{"title": "x", "category": evil}], [{"title": "x", "symbols": [{"id": evil}]}]):
        kind = "plugin" if "error" in output else "bad_output"
        assert fails(constant(json.dumps(output)), kind).message.isprintable()
