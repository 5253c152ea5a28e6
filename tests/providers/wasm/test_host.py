"""The worker processes: killed, hung, orphaned, shared; and what they can see."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest
from stopwatch import PATIENCE, processor_seconds, wait_until

from semfora_hooks.errors import PluginError
from semfora_hooks.providers.wasm import host, workerprocess
from semfora_hooks.providers.wasm.caches import PluginCaches
from semfora_hooks.providers.wasm.manifest import Limits
from semfora_hooks.providers.wasm.stats import PluginStats

from .builders import component, constant, core, stop, wasm

GOOD = constant('[{"title":"alive"}]')
LOOP = core("(loop (br 0)) (unreachable)")
PATIENT = Limits(memory=16 << 20, timeout=PATIENCE)


@pytest.fixture
def own_pool():
    pool = host.Pool(64 << 20)
    yield pool
    pool.close()


def worker_of(pool: host.Pool) -> host.Worker:
    [worker] = pool._all
    return worker


def ended(pid: int) -> bool:
    """Whether a process is gone, or waits to be reaped by somebody else."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def titles(rule, context) -> list[str]:
    return [found.title for found in rule.evaluate(context)]


def failure(rule, context) -> PluginError:
    with pytest.raises(PluginError) as caught:
        list(rule.evaluate(context))
    return caught.value


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGABRT])
def test_a_worker_that_dies_midway(own_pool, make_rule, context, number):
    good, loop = make_rule(GOOD, on=own_pool), make_rule(LOOP, on=own_pool, limits=PATIENT)
    assert titles(good, context) == ["alive"]
    first = worker_of(own_pool)
    before = processor_seconds(first.process.pid)

    def kill() -> None:
        """Once it is in the loop: nothing else would take so long."""
        wait_until(lambda: processor_seconds(first.process.pid) > before + 0.3)
        os.kill(first.process.pid, number)

    killer = threading.Thread(target=kill)
    killer.start()
    started = time.monotonic()
    error = failure(loop, context)
    killer.join()
    assert error.kind == "crash"
    assert number.name in error.message
    assert time.monotonic() - started < PATIENCE
    assert titles(good, context) == ["alive"]
    assert worker_of(own_pool) is not first
    assert first.process.returncode == -number


def test_a_worker_killed_while_idle_is_replaced(own_pool, make_rule, context):
    good = make_rule(GOOD, on=own_pool)
    assert titles(good, context) == ["alive"]
    worker_of(own_pool).process.kill()
    worker_of(own_pool).process.wait()
    assert titles(good, context) == ["alive"]


def test_a_worker_that_hangs_is_killed(own_pool, make_rule, context, monkeypatch):
    monkeypatch.setattr(host, "GRACE_SECONDS", 0.3)
    good = make_rule(GOOD, on=own_pool)
    assert titles(good, context) == ["alive"]
    hung = worker_of(own_pool)
    stop(hung.process.pid)
    started = time.monotonic()
    assert failure(make_rule(GOOD, on=own_pool, limits=Limits(timeout=0.2)), context).kind == "timeout"
    assert 0.5 <= time.monotonic() - started < PATIENCE
    assert hung.process.returncode == -signal.SIGKILL
    assert titles(good, context) == ["alive"]


def test_compiling_for_too_long_is_ended_and_remembered(own_pool, make_rule, context, monkeypatch):
    good, slow = make_rule(GOOD, on=own_pool), make_rule(LOOP, on=own_pool)
    assert titles(good, context) == ["alive"]
    monkeypatch.setattr(host, "COMPILE_SECONDS", 0.3)
    stop(worker_of(own_pool).process.pid)
    error = failure(slow, context)
    assert error.kind == "compile"
    assert "longer than 0.3 s" in error.message
    assert failure(slow, context).message == error.message
    assert not own_pool._all, "a worker was started to compile it again"
    monkeypatch.undo()
    assert titles(good, context) == ["alive"]


def test_a_worker_that_cannot_start(own_pool, make_rule, context, monkeypatch):
    monkeypatch.setattr(workerprocess, "_BOOTSTRAP", "raise SystemExit('no luck')")
    error = failure(make_rule(GOOD, on=own_pool), context)
    assert error.kind == "crash"
    assert "no luck" in error.message
    monkeypatch.setattr(workerprocess, "_BOOTSTRAP", "import time; time.sleep(60)")
    monkeypatch.setattr(workerprocess, "START_SECONDS", 0.2)
    error = failure(make_rule(GOOD, on=own_pool), context)
    assert error.kind == "crash"
    assert "did not start" in error.message
    monkeypatch.setattr(sys, "executable", "/nonexistent/python")
    assert "cannot be started" in failure(make_rule(GOOD, on=own_pool), context).message
    monkeypatch.undo()
    assert titles(make_rule(GOOD, on=own_pool), context) == ["alive"]


@pytest.mark.parametrize(
    "reply",
    [b"junk" * 100, b"\xff" * 8, b"\x02\0\0\0\0\0\0\0[]", b"\x02\0\0\0\0\0\0\0{", b"\x01"],
)
def test_a_worker_that_answers_nonsense(own_pool, make_rule, context, monkeypatch, reply):
    script = f"import sys, time; sys.stdout.buffer.write({reply!r}); sys.stdout.flush(); sys.stdout.close()"
    monkeypatch.setattr(workerprocess, "_BOOTSTRAP", script)
    assert failure(make_rule(GOOD, on=own_pool), context).kind == "crash"
    monkeypatch.undo()
    assert titles(make_rule(GOOD, on=own_pool), context) == ["alive"]


def test_an_unsuitable_wasmtime(own_pool, make_rule, context, monkeypatch):
    lacking = "import wasmtime; del wasmtime.Config.wasm_threads\n" + workerprocess._BOOTSTRAP
    monkeypatch.setattr(workerprocess, "_BOOTSTRAP", lacking)
    error = failure(make_rule(GOOD, on=own_pool), context)
    assert error.kind == "missing_extra"
    assert "wasm_threads" in error.message
    assert "pip install" in error.hint


def test_warming_up_starts_one_worker_without_waiting(own_pool, make_rule, context, monkeypatch, tmp_path):
    rule, gate = make_rule(GOOD, on=own_pool), tmp_path / "gate"
    wait = f"import os, time\nwhile not os.path.exists({str(gate)!r}): time.sleep(0.01)\n"
    monkeypatch.setattr(workerprocess, "_BOOTSTRAP", wait + workerprocess._BOOTSTRAP)
    rule.prepare()
    rule.prepare()
    warm = worker_of(own_pool)
    gate.touch()  # it could not have said that it is ready before
    assert titles(rule, context) == ["alive"]
    assert worker_of(own_pool) is warm


def test_threads_get_workers_of_their_own_and_the_right_results(own_pool, make_rule, context):
    rules = [make_rule(constant(f'[{{"title":"{index}"}}]'), on=own_pool) for index in range(4)]
    results: dict[int, list[str]] = {}

    def work(index: int) -> None:
        results[index] = [title for _ in range(20) for title in titles(rules[index], context)]

    threads = [threading.Thread(target=work, args=(index,)) for index in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {index: [str(index)] * 20 for index in range(4)}
    assert 1 <= len(own_pool._all) <= 4


def test_compiled_plugins_are_bounded(own_pool, monkeypatch):
    monkeypatch.setattr(host, "MAX_COMPILED", 3)
    binaries = [host.Binary.of(wasm(constant(f'[{{"title":"{index}"}}]'))) for index in range(6)]
    for binary in [*binaries, *binaries]:
        own_pool.evaluate(binary, b"{}", memory=1 << 20, timeout=PATIENCE)
        assert len(worker_of(own_pool).compiled) <= 3


def test_a_context_larger_than_the_memory_is_not_even_sent(own_pool):
    with pytest.raises(host.SandboxError) as caught:
        own_pool.evaluate(host.Binary.of(wasm(GOOD)), b" " * 1025, memory=1024, timeout=1)
    assert caught.value.kind == "memory"
    assert not own_pool._all


def test_closing_a_pool_ends_its_workers(make_rule, context):
    pool = host.Pool(64 << 20)
    assert titles(make_rule(GOOD, on=pool), context) == ["alive"]
    worker = worker_of(pool)
    pool.close()
    assert worker.process.returncode is not None


def test_a_pool_that_is_forgotten_ends_its_workers():
    pool = host.Pool(64 << 20)
    pool.evaluate(host.Binary.of(wasm(GOOD)), b"{}", memory=1 << 20, timeout=PATIENCE)
    worker = worker_of(pool)
    del pool
    assert worker.process.returncode is not None


def test_the_worker_sees_neither_the_repository_nor_the_environment(
    own_pool, make_rule, context, tmp_path, monkeypatch
):
    trap = f"import pathlib; pathlib.Path({str(tmp_path / 'imported')!r}).touch(); raise SystemExit(1)"
    for name in ("json", "struct", "wasmtime", "sitecustomize", "usercustomize", "semfora_hooks", "hashlib"):
        (tmp_path / f"{name}.py").write_text(trap)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("PYTHONSTARTUP", str(tmp_path / "json.py"))
    monkeypatch.setenv("SECRET_TOKEN", "hunter2")
    assert titles(make_rule(GOOD, on=own_pool), context) == ["alive"]
    assert not (tmp_path / "imported").exists()
    process = Path("/proc") / str(worker_of(own_pool).process.pid)
    environment = (process / "environ").read_bytes()
    assert b"SECRET_TOKEN" not in environment
    assert b"PYTHONPATH" not in environment
    assert (process / "cwd").readlink() == Path("/")


def test_the_workers_resources_are_limited(own_pool, make_rule, context):
    assert titles(make_rule(GOOD, on=own_pool), context) == ["alive"]
    text = Path(f"/proc/{worker_of(own_pool).process.pid}/limits").read_text()
    limits = {line[:26].strip(): line[26:].split()[0] for line in text.splitlines()}
    assert limits["Max core file size"] == "0"
    assert int(limits["Max open files"]) <= 1024
    assert int(limits["Max data size"]) == workerprocess.DATA_LIMIT + 4 * (64 << 20)


SCRIPT = """
    import sys
    sys.path.insert(0, {root!r})
    from semfora_hooks.providers.wasm import host
    pool = host.Pool(64 << 20)
    good, loop = (host.Binary.of(open(path, "rb").read()) for path in sys.argv[1:])
    pool.evaluate(good, b"{{}}", memory=1 << 20, timeout=60)
    print(*[worker.process.pid for worker in pool._all], flush=True)
    {then}
"""
HANG = 'pool.evaluate(loop, b"{}", memory=1 << 20, timeout=600)'


@pytest.mark.parametrize(
    ("then", "number", "status"),
    [
        (HANG, signal.SIGINT, -signal.SIGINT),
        (HANG, signal.SIGTERM, -signal.SIGTERM),
        (HANG, signal.SIGKILL, -signal.SIGKILL),
        ("input()", signal.SIGKILL, -signal.SIGKILL),
        ("", None, 0),
    ],
    ids=["Ctrl-C", "SIGTERM", "SIGKILL", "SIGKILL while idle", "the end"],
)
def test_no_worker_outlives_the_host(tmp_path, then, number, status):
    (tmp_path / "good.wasm").write_bytes(wasm(GOOD))
    (tmp_path / "loop.wasm").write_bytes(wasm(LOOP))
    root = str(Path(host.__file__).parents[3])
    program = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(SCRIPT).format(root=root, then=then), "good.wasm", "loop.wasm"],
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    worker = int(program.stdout.readline())
    if number is not None:
        assert not ended(worker)
        before = processor_seconds(worker)
        if then == HANG:
            wait_until(lambda: processor_seconds(worker) > 0.3 + before)  # it is in the loop
        os.killpg(program.pid, number)
    assert program.wait(PATIENCE) == status
    wait_until(lambda: ended(worker))
    program.stdin.close()
    program.stdout.close()


@pytest.mark.parametrize(("is_given_back", "workers"), [(True, 1), (False, 2)], ids=["short", "long"])
def test_who_finds_the_worker_busy_waits_a_little_for_it(own_pool, monkeypatch, is_given_back, workers):
    """Two short evaluations at once are one worker's; where one takes long, another is started."""
    monkeypatch.setattr(host, "PATIENCE_SECONDS", PATIENCE if is_given_back else 0.1)
    good = host.Binary.of(wasm(GOOD))

    def evaluate() -> bytes:
        return own_pool.evaluate(good, b"[]", memory=1 << 20, timeout=PATIENCE)[0]

    expected = evaluate()
    found: list[bytes] = []
    other = threading.Thread(target=lambda: found.append(evaluate()))
    with own_pool._worker(good.key):
        other.start()
        if is_given_back:
            wait_until(lambda: own_pool._lock._waiters, "waiting for the worker")
        else:
            other.join()
    other.join()
    assert found == [expected]
    assert len(own_pool._all) == workers


def test_code_is_loaded_before_it_is_asked_for(tmp_path):
    folder = host.wasmtime_folder()
    assert folder is not None
    caches = PluginCaches(None, folder, tmp_path)
    binary = host.Binary.of(wasm(GOOD))
    for expected in (0, 1):  # nothing is compiled ahead of time
        pool = host.Pool(64 << 20, caches)
        stats = PluginStats()
        pool.preload(binary, stats)
        assert not pool._all  # no worker is started for it
        pool.warm_up()
        pool.preload(binary, stats)
        assert (stats.compiled_hits, stats.compile) == (expected, 0)
        pool.evaluate(binary, b"[%d]" % expected, memory=1 << 20, timeout=PATIENCE, stats=stats)
        assert stats.compiled_hits == expected
        pool.close()


@pytest.mark.parametrize(("code", "needed"), [(GOOD, False), (component(), True)], ids=["core", "component"])
def test_what_only_components_need_is_imported_for_them(tmp_path, code, needed):
    """It takes a quarter of the time in which a worker is ready."""
    (tmp_path / "plugin.wasm").write_bytes(wasm(code))
    program = (
        "import sys, pathlib\n"
        "from semfora_hooks.providers.wasm import sandbox\n"
        f"code = pathlib.Path({str(tmp_path / 'plugin.wasm')!r}).read_bytes()\n"
        "plugin = sandbox.compile_plugin(sandbox.make_engine(), code)\n"
        "output, _ = plugin.evaluate(b'{}', sandbox.Limits(1 << 24, 60, 1 << 20))\n"
        "print(output.decode(), 'wasmtime.component' in sys.modules)\n"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert said.startswith('[{"title":')
    assert said.endswith(f" {needed}\n")
