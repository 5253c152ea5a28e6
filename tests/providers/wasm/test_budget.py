"""The time that all plugins of a run have together."""

from __future__ import annotations

import threading
import time

import pytest
from stopwatch import PATIENCE

from semfora_hooks.config import Config, PluginSettings, WasmSettings
from semfora_hooks.errors import PluginError
from semfora_hooks.providers.wasm import host
from semfora_hooks.providers.wasm.budget import Budget, run_budget
from semfora_hooks.providers.wasm.caches import PluginCaches
from semfora_hooks.providers.wasm.manifest import Limits
from semfora_hooks.userconfig import UserWasmSettings, user_config_path
from semfora_hooks.wasm_runner import WasmPluginRunner

from .builders import constant, core, make_context

LOOP = core("(loop (br 0)) (unreachable)")
GOOD = constant('[{"title":"alive"}]')
SETTING = "plugins.wasm.total-timeout in x.toml"


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_time_is_spent_while_something_runs_and_side_by_side_once() -> None:
    clock = Clock()
    budget = Budget(10, SETTING, clock)
    clock.now += 50
    assert budget.left() == 10
    with budget.running():
        clock.now += 1
        assert budget.left() == 9
        with budget.running():
            clock.now += 2
            assert budget.left() == 7
        clock.now += 1
    clock.now += 50
    assert budget.left() == 6
    with pytest.raises(KeyError), budget.running():
        clock.now += 7
        assert budget.left() == 0
        raise KeyError
    assert budget.left() == 0
    budget.renew()
    assert budget.left() == 10


def test_overlapping_threads_spend_their_union() -> None:
    clock, budget = Clock(), Budget(10, SETTING)
    budget._clock = clock
    inside, go_on = threading.Event(), threading.Event()

    def other() -> None:
        with budget.running():
            inside.set()
            assert go_on.wait(10)

    thread = threading.Thread(target=other)
    with budget.running():
        clock.now += 1
        thread.start()
        assert inside.wait(10)
        clock.now += 1
    clock.now += 2  # the other one goes on alone
    assert budget.left() == 6
    go_on.set()
    thread.join()
    clock.now += 5
    assert budget.left() == 6


@pytest.mark.parametrize(
    ("user", "repository", "seconds", "place"),
    [
        ({}, {}, 60, "user"),
        ({"total_timeout": "5s"}, {"total_timeout": "10m"}, 5, "user"),
        ({"total_timeout": "5s"}, {"total_timeout": "1s"}, 1, "semfora.toml"),
        ({"total_timeout": "5m"}, {}, 300, "user"),
    ],
)
def test_a_repository_can_only_lower_it(user, repository, seconds, place) -> None:
    config = Config(source="semfora.toml", plugins=PluginSettings(wasm=WasmSettings(**repository)))
    budget = run_budget(config, UserWasmSettings(**user))
    assert budget.seconds == seconds
    file = user_config_path() if place == "user" else place
    assert budget.setting == f"plugins.wasm.total-timeout in {file}"


@pytest.fixture
def thrifty(tmp_path):
    """Makes a pool with a cache and so many seconds."""
    pools: list[host.Pool] = []

    def make(seconds: float) -> host.Pool:
        folder = host.wasmtime_folder()
        assert folder is not None
        caches = PluginCaches(None, folder, tmp_path / "cache")
        pools.append(host.Pool(512 << 20, caches, Budget(seconds, SETTING)))
        return pools[-1]

    yield make
    for pool in pools:
        pool.close()


def test_who_runs_when_the_time_is_up_is_stopped_and_the_next_one_does_not_start(make_rule, context, thrifty) -> None:
    pool = thrifty(1.5)
    good = make_rule(GOOD, on=pool)
    assert list(good.evaluate(context))
    slow = make_rule(LOOP, on=pool, limits=Limits(timeout=PATIENCE))
    started = time.monotonic()
    with pytest.raises(PluginError) as stopped:
        list(slow.evaluate(context))
    assert time.monotonic() - started < PATIENCE
    assert stopped.value.kind == "timeout"
    assert "): stopped: all plugins of a run have 1.5 s together" in stopped.value.message
    assert stopped.value.hint == f"raise {SETTING}, or switch slow plugins off"
    other = make_context(symbols=[])
    with pytest.raises(PluginError) as refused:
        list(good.evaluate(other))
    assert refused.value.kind == "timeout"
    assert (
        "not run: all plugins of a run have 1.5 s together, and the others have used them up" in refused.value.message
    )
    assert [found.title for found in good.evaluate(context)] == ["alive"]  # known already, which takes no time
    good.renew_budget()
    assert [found.title for found in good.evaluate(other)] == ["alive"]


def test_a_plugins_own_limit_is_named_where_that_is_what_it_exceeds(make_rule, context, thrifty) -> None:
    pool = thrifty(PATIENCE)
    with pytest.raises(PluginError) as caught:
        list(make_rule(LOOP, on=pool, limits=Limits(timeout=0.5)).evaluate(context))
    assert "stopped at its time limit of 0.5 s" in caught.value.message
    assert 0 < pool.budget.left() <= PATIENCE - 0.5


def test_compiling_counts_and_is_not_held_against_the_plugin(make_rule, context, thrifty) -> None:
    """A plugin whose compiling was cut off by the others' time is compiled in the next run."""
    from .hostile import sources

    slow_to_compile = sources.compile_bomb(3000, 300).replace("(i64.extend_i32_u (local.get $v0))", "(i64.const 0)")
    with pytest.raises(PluginError) as caught:
        list(make_rule(slow_to_compile, on=thrifty(0.3)).evaluate(context))
    assert caught.value.kind == "timeout"
    assert "all plugins of a run have 0.3 s together" in caught.value.message
    with pytest.raises(PluginError) as caught:
        list(make_rule(slow_to_compile, on=thrifty(PATIENCE), limits=Limits(timeout=PATIENCE)).evaluate(context))
    assert caught.value.kind == "bad_output"  # it ran, and returned nothing


def test_the_runner_gives_each_context_the_whole_time(repository) -> None:
    repository.add("a.wasm", GOOD)
    with WasmPluginRunner(repository.config(total_timeout="1s")) as runner:
        runner.load_plugins(repository.folder)
        [rule] = runner.plugins.values()
        budget = rule._shared.pool.budget
        assert budget.seconds == 1
        budget.seconds = 0.0
        with pytest.raises(PluginError, match="all plugins of a run"):
            runner.evaluate(make_context())
        budget.seconds, budget._spent = 1.0, 5.0
        assert [found.title for found in runner.evaluate(make_context())] == ["alive"]
