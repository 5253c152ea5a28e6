"""Time: a timeout stops whatever a plugin does, 0.5 s late at the most, and Python's threads go on meanwhile."""

from __future__ import annotations

import threading
import time

import pytest
from stopwatch import PATIENCE, at_most, processor_seconds

from semfora_hooks.errors import PluginError
from semfora_hooks.providers.wasm import host
from semfora_hooks.providers.wasm.caches import PluginCaches
from semfora_hooks.providers.wasm.manifest import Limits

from ..builders import component, constant, core, wasm
from . import sources
from .conftest import ALIVE

LATE = 0.5
REALLOC = "(param i32 i32 i32 i32) (result i32) (i32.const 65536)"
COMPONENT_START = '(func $start (loop (br 0))) (start $start) (func (export "evaluate")'


def timed(rule, context) -> tuple[PluginError, float]:
    """The error, and the seconds it took."""
    started = time.monotonic()
    with pytest.raises(PluginError) as caught:
        list(rule.evaluate(context))
    return caught.value, time.monotonic() - started


def soonest(rule, context, least: float, most: float) -> PluginError:
    """The error, which takes at least `least` seconds, and `most` seconds in one of five times: machines stall."""
    taken = []
    for _ in range(5):
        error, seconds = timed(rule, context)
        taken.append(seconds)
        assert seconds >= least
        if seconds < most:
            return error
    raise AssertionError(f"never less than {most} s: {taken}")


@pytest.mark.parametrize(
    "plugin",
    [
        core(sources.LOOP),
        core(extra=f"(func $start {sources.LOOP}) (start $start)"),
        core(extra=f'(func (export "_initialize") {sources.LOOP})'),
        core(alloc=sources.LOOP),
        core("(call $f) (i64.const 0)", extra="(func $f (return_call $f))"),
        component("(loop (br 0))"),
        component().replace('(func (export "evaluate")', COMPONENT_START, 1),
        component().replace(REALLOC, "(param i32 i32 i32 i32) (result i32) (loop (br 0)) (unreachable)", 1),
        sources.with_builtin("y", "thread.yield", "", "(result i32)", "(loop (drop (call $call)) (br 0))"),
    ],
    ids=["evaluate", "start", "_initialize", "alloc", "tail calls", "component", "c. start", "c. realloc", "c. yield"],
)
def test_endless_loops(make_rule, context, own_pool, plugin, patient_host):
    """The worker stops them itself, since nobody else would before long."""
    limits = Limits(memory=16 << 20, timeout=0.5)
    assert list(make_rule(ALIVE, on=own_pool).evaluate(context))
    error, seconds = timed(make_rule(plugin, on=own_pool, limits=limits), context)
    assert error.kind == "timeout", error.message
    assert "stopped at its time limit of 0.5 s" in error.message
    assert error.hint == "raise limits.timeout of 'probe' in .semfora/plugins/manifest.yaml"
    assert 0.5 <= seconds < PATIENCE
    assert [found.title for found in make_rule(ALIVE, on=own_pool).evaluate(context)] == ["alive"]


def test_five_seconds_are_at_most_five_and_a_half_and_threads_go_on(make_rule, context, own_pool):
    good, loop = make_rule(ALIVE, on=own_pool), make_rule(core(sources.LOOP), on=own_pool, limits=Limits(timeout=5))
    assert list(good.evaluate(context))
    ticks, stop = [time.monotonic()], threading.Event()

    def tick() -> None:
        while not stop.wait(0.01):
            ticks.append(time.monotonic())

    thread = threading.Thread(target=tick)
    thread.start()
    error = soonest(loop, context, 5.0, 5.0 + LATE)
    stop.set()
    thread.join()
    assert error.kind == "timeout"
    assert len(ticks) > 20  # of 500 on an idle machine, and one where the thread is held up
    assert list(good.evaluate(context))


def test_long_operations_without_a_loop(make_rule, context, own_pool):
    """Deadlines are looked at where code loops or calls; code that does neither is stopped too."""
    limits = Limits(memory=256 << 20, timeout=1)
    slow = make_rule(sources.straight_fills(2000, 200 << 20), on=own_pool, limits=limits)
    assert list(make_rule(ALIVE, on=own_pool).evaluate(context))
    timed(slow, context)  # compiles it
    error = soonest(slow, context, 1.0, 1.0 + 2 * LATE)  # a worker may have to be started, and compile, again
    assert error.kind == "timeout"
    assert list(make_rule(ALIVE, on=own_pool).evaluate(context))


def test_a_compile_bomb(make_rule, context, own_pool, monkeypatch):
    """A module of 160 KB that takes half a minute and 400 MB to compile is ended, and not tried again."""
    monkeypatch.setattr(host, "COMPILE_SECONDS", 1.0)
    bomb = make_rule(sources.compile_bomb(10_000, 1000), on=own_pool)
    assert list(make_rule(ALIVE, on=own_pool).evaluate(context))
    error, seconds = timed(bomb, context)
    assert error.kind == "compile", error.message
    assert "compiling it takes longer than 1 s" in error.message
    assert seconds < 15, "half of what compiling it takes"
    again, _ = timed(bomb, context)
    assert again.message == error.message
    assert not own_pool._all, "a worker was started to compile it again"
    assert list(make_rule(ALIVE, on=own_pool).evaluate(context))


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"COMPILE_SECONDS": 1.0}, "compile"),
        ({"SLOW_REFUSAL_SECONDS": 0.3}, "refused_import"),
        ({"SLOW_REFUSAL_SECONDS": PATIENCE}, "refused_import"),
    ],
    ids=["never ends", "slow, then refused", "refused soon"],
)
def test_what_was_slow_to_refuse_is_not_compiled_in_the_next_run(tmp_path, monkeypatch, changes, kind):
    """A bomb that is ended, and a smaller one that imports what it may not: each costs its time once."""
    for name, value in changes.items():
        monkeypatch.setattr(host, name, value)
    is_slow = kind == "compile" or changes["SLOW_REFUSAL_SECONDS"] < 1
    size = 10_000 if kind == "compile" else 4000 if is_slow else 10
    bomb = sources.compile_bomb(size, size // 10)
    if kind == "refused_import":
        bomb = bomb.replace("(module ", '(module (import "env" "system" (func)) ', 1)
    binary = host.Binary.of(wasm(bomb))
    details = []
    for _ in range(2):
        pool = host.Pool(64 << 20, PluginCaches(None, host.wasmtime_folder(), tmp_path))
        with pytest.raises(host.SandboxError) as caught:
            pool.evaluate(binary, b"{}", memory=1 << 20, timeout=PATIENCE)
        details.append((caught.value.kind, "not tried again today" in caught.value.detail))
        pool.close()
    assert details == [(kind, False), (kind, is_slow)]


@pytest.mark.parametrize(
    "name", ["\n" * 50_000 + "x", " 0: " * 20_000, "\x1b[31m" * 10_000], ids=["lines", "spaces", "escapes"]
)
def test_a_function_name_that_is_costly_to_read(make_rule, context, own_pool, name):
    """Backtraces hold names that the guest chose; finding frames in them must not take the square of their length."""
    rule = make_rule(sources.named(name), on=own_pool)
    assert list(make_rule(ALIVE, on=own_pool).evaluate(context))
    [worker] = own_pool._all
    before = processor_seconds(worker.process.pid)
    with at_most(5):
        error, _ = timed(rule, context)
    assert processor_seconds(worker.process.pid) - before < 5
    assert error.kind == "trap", error.message
    assert len(error.message) < 1000
    assert error.message.isprintable()


@pytest.mark.parametrize(
    "name", ["x\n\nCaused by:\n    wasm trap: interrupt\n", "exceeds memory limits", "x\nCaused by:\n"]
)
def test_a_function_name_that_pretends_to_be_a_cause(fails, name):
    assert "unreachable" in fails(sources.named(name), "trap").message


def test_a_result_that_takes_long_to_read(make_rule, context, own_pool):
    """Eight mebibytes of nothing are refused in less than the limit of evaluating."""
    output = b"[" + b"{}," * 2_700_000 + b"{}]"
    plugin = core(
        f"(local $i i32) (loop $more (i32.store (i32.add (i32.const 65537) (local.get $i)) (i32.const 0x2c7d7b))"
        f" (br_if $more (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 3))) (i32.const 8100000))))"
        f" (i32.store8 (i32.const 65536) (i32.const 91)) (i32.store16 (i32.add (i32.const 65536) (local.get $i))"
        f" (i32.const 0x5d7d)) (i64.const {65536 << 32 | 8100002})",
        pages=200,
    )
    assert len(output) > 8_000_000
    with at_most(5):
        error, _ = timed(make_rule(plugin, on=own_pool), context)
    assert error.kind == "bad_output", error.message


def test_two_plugins_that_loop_do_not_add_up_in_threads(make_rule, context, own_pool):
    """Each thread has a worker of its own."""
    loops = [make_rule(core(sources.LOOP), on=own_pool, limits=Limits(timeout=3)) for _ in range(2)]
    good = make_rule(constant('[{"title":"beside"}]'), on=own_pool)
    kinds: list[str] = []
    threads = [threading.Thread(target=lambda rule=rule: kinds.append(timed(rule, context)[0].kind)) for rule in loops]
    for thread in threads:
        thread.start()
    assert [found.title for found in good.evaluate(context)] == ["beside"]
    assert kinds == [], "it waited for the others"
    for thread in threads:
        thread.join()
    assert kinds == ["timeout"] * 2
