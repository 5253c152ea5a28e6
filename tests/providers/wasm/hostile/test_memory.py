"""Memory: a limit of 64 MiB holds the growth of the worker's resident memory under 64 MiB and a constant.

The constant is `CORE` for core modules. Components may have several memories, and what they return is copied before its
length is known to us, so theirs is `COMPONENT`; the system enforces it (`resources.bounded_growth`).
"""

from __future__ import annotations

from pathlib import Path

import pytest

from semfora_hooks.providers.wasm import sandbox
from semfora_hooks.providers.wasm.manifest import Limits
from semfora_hooks.providers.wasm.output import OutputError, decode

from ..builders import component, core, data, make_context, packed
from . import sources
from .conftest import memory

LIMIT = 64 << 20
CORE = 16 << 20
COMPONENT = sandbox.COPIED_OUT * 3 // 2 + sandbox.HEADROOM
WITHIN = Limits(memory=LIMIT, timeout=60)


def test_a_core_module_that_takes_all_it_gets(measured):
    outcome = measured(core(f"{sources.GROW_AND_TOUCH} (unreachable)"), limits=WITHIN)
    assert outcome.kind == "memory", outcome
    assert "its limit is 64 MiB: it gave up with 6" in outcome.error.message
    assert LIMIT * 0.9 < outcome.peak < LIMIT + CORE
    assert outcome.kept < CORE


def test_memory_is_given_back_each_time(measured):
    """Ten evaluations need what one needs."""
    outcome = measured(core(f"{sources.GROW_AND_TOUCH} (unreachable)"), times=10, limits=WITHIN)
    assert outcome.kind == "memory", outcome
    assert outcome.peak < LIMIT + CORE
    assert outcome.kept < CORE


def test_a_start_function_that_takes_all_it_gets(measured):
    plugin = core(extra=f"(func $start {sources.GROW_AND_TOUCH} (unreachable)) (start $start)")
    outcome = measured(plugin, limits=WITHIN)
    assert outcome.kind == "memory", outcome
    assert outcome.peak < LIMIT + CORE


def test_a_component_that_takes_all_it_gets(measured):
    outcome = measured(
        component("(call $grow) (unreachable)").replace(
            '(func (export "evaluate")', f'(func $grow {sources.GROW_AND_TOUCH}) (func (export "evaluate")', 1
        ),
        limits=WITHIN,
    )
    assert outcome.kind == "memory", outcome
    assert LIMIT * 0.9 < outcome.peak < LIMIT + CORE
    assert outcome.kept < CORE


def test_a_component_of_several_memories_is_bounded_as_a_whole(measured):
    """Three memories of 192 MiB beside the main one would be 576 MiB."""
    limit = 192 << 20
    outcome = measured(sources.hungry_component(3), limits=Limits(memory=limit, timeout=60))
    assert outcome.kind == "memory", outcome
    assert limit < outcome.peak < limit + COMPONENT + CORE
    assert outcome.kept < CORE


@pytest.mark.parametrize("tables", [1, 4])
def test_tables_that_grow_without_end(measured, tables):
    grow = "".join(
        f"(loop (br_if 0 (i32.ne (table.grow $t{index} (ref.null func) (i32.const 1000)) (i32.const -1))))"
        for index in range(tables)
    )
    size = sum(1 for _ in range(tables)) * sandbox.TABLE_ELEMENTS
    total = "(i32.const 0)"
    for index in range(tables):
        total = f"(i32.add (table.size $t{index}) {total})"
    body = f"{grow} (if (i32.gt_u {total} (i32.const {size})) (then {sources.LOOP})) (unreachable)"
    plugin = core(body, extra="".join(f"(table $t{index} 1 funcref)" for index in range(tables)))
    outcome = measured(plugin, limits=WITHIN)
    assert outcome.kind == "trap", outcome
    assert outcome.peak < CORE


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        ("(table 100001 funcref)", "100001 elements"),
        ("(table 1 funcref)" * 5, "table count too high at 5"),
        ("(memory 1)", "memory count too high at 2"),
    ],
    ids=["a huge table", "five tables", "two memories"],
)
def test_more_from_the_start_than_allowed(fails, extra, said):
    error = fails(core(extra=extra), "too_large")
    assert said in error.message
    assert "the same for every plugin" in error.hint


@pytest.mark.parametrize("count", [5, 64], ids=["memories", "instances"])
def test_a_component_of_too_many_parts(fails, count):
    memories = "(memory 1)" if count == 5 else ""
    parts = f"(core module $n {memories})" + "(core instance (instantiate $n))" * count
    error = fails(component().replace("(core module $m", f"{parts} (core module $m", 1), "too_large")
    assert "count too high" in error.message


@pytest.mark.parametrize(
    ("canon", "types", "call"),
    [
        ("waitable-set.new", "", "(drop (call $call))"),
        ("resource.new $r", "(type $r (resource (rep i32)))", "(drop (call $call (i32.const 1)))"),
    ],
    ids=["sets", "resources"],
)
def test_a_flood_of_handles(measured, canon, types, call):
    params = "(param i32) (result i32)" if "resource" in canon else "(result i32)"
    plugin = sources.with_builtin("n", canon, types, params, f"(loop {call} (br 0))")
    outcome = measured(plugin, limits=WITHIN)
    assert outcome.kind == "too_large", outcome
    assert outcome.peak < LIMIT + COMPONENT


def test_a_flood_of_output(measured):
    """Writing a mebibyte at a time, in 1,024 pieces, until its time is over: only the end is kept."""
    plugin = core(
        "(memory.fill (i32.const 0) (i32.const 120) (i32.const 1024))"
        " (loop $more (drop (call $fd_write (i32.const 2) (i32.const 131072) (i32.const 1024) (i32.const 60000)))"
        " (br $more)) (unreachable)",
        imports='(import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))',
        extra=f"""(data (i32.const 131072) "{data((bytes(4) + (1024).to_bytes(4, "little")) * 1024)}")""",
    )
    outcome = measured(plugin, limits=Limits(memory=LIMIT, timeout=1))
    assert outcome.kind == "timeout", outcome
    assert "it printed: (" in outcome.error.message
    assert len(outcome.error.message) < 1000
    assert outcome.peak < CORE


def test_a_result_of_a_gibibyte(measured):
    """The memory is there but never touched, so only we could make it cost something."""
    roomy = Limits(memory=1100 << 20, timeout=60)
    plugin = core(f"(drop (memory.grow (i32.const 17000))) {packed(0, 1 << 30)}")
    outcome = measured(plugin, limits=roomy)
    assert outcome.kind == "too_large", outcome
    assert f"{1 << 30} bytes; at most {8 << 20}" in outcome.error.message
    assert outcome.peak < CORE


def test_a_components_result_of_a_gibibyte(measured):
    plugin = sources.with_result(1024, 1 << 30, "(drop (memory.grow (i32.const 17000)))")
    outcome = measured(plugin, limits=Limits(memory=1100 << 20, timeout=60))
    assert outcome.kind == "too_large", outcome
    assert outcome.peak < CORE


def test_a_components_result_of_all_its_memory(measured):
    plugin = sources.with_result(1024, 60 << 20, "(drop (memory.grow (i32.const 1000)))")
    outcome = measured(plugin, limits=WITHIN)
    assert outcome.kind == "too_large", outcome
    assert outcome.peak < LIMIT + COMPONENT


class OwnGrowth:
    """What this process, the host, gained at its peak since the object was made."""

    def __init__(self) -> None:
        self._process = Path("/proc/self")
        (self._process / "clear_refs").write_text("5")
        self._before = memory(self._process, "VmRSS")

    def peak(self) -> int:
        return memory(self._process, "VmHWM") - self._before


def test_a_result_that_fills_all_the_memory_there_is(measured):
    """256 MiB that are really written, not only claimed; nothing of it reaches us."""
    limits = Limits(timeout=60)
    assert limits.memory == 256 << 20
    growth = OwnGrowth()
    outcome = measured(sources.whole_memory(), limits=limits)
    assert outcome.kind == "too_large", outcome
    assert f"its result has {256 << 20} bytes; at most {8 << 20} are read" in outcome.error.message
    assert 250 << 20 < outcome.peak < (256 << 20) + CORE
    assert outcome.kept < CORE
    assert growth.peak() < CORE


def test_a_result_of_a_gibibyte_that_is_really_there(measured):
    growth = OwnGrowth()
    outcome = measured(sources.whole_memory(), limits=Limits(memory=1 << 30, timeout=60))
    assert outcome.kind == "too_large", outcome
    assert f"its result has {1 << 30} bytes" in outcome.error.message
    assert 1000 << 20 < outcome.peak < (1 << 30) + CORE
    assert outcome.kept < CORE
    assert growth.peak() < CORE


def test_the_largest_result_that_is_read(measured):
    """Eight mebibytes, which is no JSON: they are copied to us, and given back."""
    growth = OwnGrowth()
    outcome = measured(sources.whole_memory(length=8 << 20), limits=WITHIN)
    assert outcome.kind == "bad_output", outcome
    assert growth.peak() < 32 << 20  # memory that this process had before may serve for it


@pytest.mark.parametrize("length", [9 << 20, 100 << 20, 250 << 20], ids=["just too long", "copied out", "not copied"])
def test_a_components_text_that_is_really_that_long(measured, length):
    """Up to 128 MiB of it wasmtime copies out of the component, before we can look at its length."""
    growth = OwnGrowth()
    outcome = measured(sources.long_text_component(length), limits=Limits(timeout=60))
    assert outcome.kind == "too_large", outcome
    said = "too much data is being copied" if length > sandbox.COPIED_OUT else f"its result has {length} bytes"
    assert said in outcome.error.message
    assert 250 << 20 < outcome.peak < (256 << 20) + COMPONENT
    assert outcome.kept < CORE
    assert growth.peak() < CORE


@pytest.mark.parametrize(
    "element", [b"1", b"{}", b'{"title":"x"}', b"[]", b'""'], ids=["numbers", "objects", "findings", "arrays", "texts"]
)
def test_a_result_of_many_elements_costs_us_little(element):
    """Eight mebibytes of the smallest elements are millions of objects, if each becomes one of ours."""
    output = b"[" + (element + b",") * ((8 << 20) // (len(element) + 1) - 2) + element + b"]"
    assert len(output) <= 8 << 20
    process = Path("/proc/self")
    (process / "clear_refs").write_text("5")
    before = memory(process, "VmRSS")
    with pytest.raises(OutputError) as caught:
        decode(output, make_context())
    assert caught.value.kind == ("too_large" if b"title" in element else "bad_output")
    assert memory(process, "VmHWM") - before < 192 << 20
