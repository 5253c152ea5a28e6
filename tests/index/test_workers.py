"""Worker processes, ours and borrowed ones: what dies, hangs or lies costs at most the file it had in hand."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import loky
import pytest

from semfora_hooks.discovery import Snapshot, SourceFile
from semfora_hooks.git import blob_id
from semfora_hooks.index import backlog as backlog_module
from semfora_hooks.index import extract as module
from semfora_hooks.index import workers
from semfora_hooks.index.backlog import Backlog
from semfora_hooks.index.batch import CRASHED, TIMED_OUT, Item, decode
from semfora_hooks.index.extract import Workforce, broken, extract_snapshot
from semfora_hooks.index.store import FactStore
from semfora_hooks.index.workers import Workers
from semfora_hooks.languages.extract import extract

from . import sabotage

SOURCES = {f"m{i:02}.py": f"def f{i}(x):\n    return g{i}(x) and {i}\n".encode() * 20 for i in range(30)}


@pytest.fixture(autouse=True)
def worth_it(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As if the sources were large; and no process is left behind, nor given up because the machine stalls."""
    monkeypatch.setattr(module, "POOL_BYTES", 1_000)
    monkeypatch.setattr(backlog_module, "BATCH_BYTES", 3_000)
    monkeypatch.setenv("SEMFORA_FILE_SECONDS", "120")
    before = set(multiprocessing.active_children())
    yield
    assert set(multiprocessing.active_children()) == before


@pytest.fixture
def sabotaged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "_serve", sabotage.sabotaged)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEMFORA_FILE_SECONDS", "2")


@pytest.fixture(params=["fork", "spawn"])
def method(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(workers, "can_fork", lambda: request.param == "fork")
    return str(request.param)


def snapshot_of(sources: dict[str, bytes]) -> Snapshot:
    def read(wanted: Sequence[SourceFile]) -> Iterator[bytes]:
        return (sources[file.path] for file in wanted)

    return Snapshot([SourceFile(path, blob_id(data), "python") for path, data in sorted(sources.items())], read)


def plain(sources: dict[str, bytes]) -> dict[str, Any]:
    return {path: extract(data, "python") for path, data in sources.items()}


def items(sources: dict[str, bytes]) -> Iterator[Item]:
    return iter([(blob_id(data), "python", data) for data in sources.values()])


# ---------------------------------------------------------------------------------------------------------------- ours


def test_workers_find_what_one_process_finds(method: str) -> None:
    workforce = Workforce(jobs=3)
    found = extract_snapshot(snapshot_of(SOURCES), None, workforce)
    assert found == plain(SOURCES)
    assert list(found) == sorted(SOURCES)
    assert workforce.notices == []


def test_other_processes_do_the_work(sabotaged: None) -> None:
    """A file that ends its process does not end this one."""
    found = extract_snapshot(snapshot_of({**SOURCES, "a.py": b"# exit\n"}), None, Workforce(jobs=2))
    assert found["a.py"] == broken("python", CRASHED)


@pytest.mark.parametrize("how", ["# die SIGKILL", "# die SIGSEGV", "# die SIGTERM", "# exit"])
def test_a_file_that_kills_its_process_is_the_only_one_lost(how: str, sabotaged: None, tmp_path: Path) -> None:
    sources = {**SOURCES, "killer.py": f"{how}\nx = 1\n".encode()}
    store = FactStore(tmp_path / "repository", tmp_path / "cache")
    workforce = Workforce(jobs=2)
    found = extract_snapshot(snapshot_of(sources), store, workforce)
    assert found == {**plain(SOURCES), "killer.py": broken("python", CRASHED)}
    assert workforce.notices == []
    assert set(store.load([(blob_id(data), "python") for data in sources.values()])) == {
        (blob_id(data), "python") for data in SOURCES.values()
    }


def test_many_files_that_kill(sabotaged: None, method: str) -> None:
    killers = {f"k{i}.py": f"# die SIGKILL\nx = {i}\n".encode() for i in range(3)}
    found = extract_snapshot(snapshot_of({**SOURCES, **killers}), None, Workforce(jobs=2))
    assert found == {**plain(SOURCES), **{path: broken("python", CRASHED) for path in killers}}


def test_a_process_that_somebody_else_kills_costs_nothing(sabotaged: None, tmp_path: Path) -> None:
    sources = {**SOURCES, "a.py": f"# once {tmp_path / 'died'}\n# die SIGKILL\n".encode()}
    found = extract_snapshot(snapshot_of(sources), None, Workforce(jobs=2))
    assert (tmp_path / "died").exists()
    assert found == plain(sources)


@pytest.mark.parametrize("how", ["# spin", "# sleep", "# die SIGSTOP"])
def test_a_file_that_never_ends_is_the_only_one_lost(
    how: str, sabotaged: None, impatient: None, tmp_path: Path
) -> None:
    sources = {**SOURCES, "endless.py": f"{how}\n".encode(), "killer.py": b"# die SIGKILL\n"}
    store = FactStore(tmp_path / "repository", tmp_path / "cache")
    found = extract_snapshot(snapshot_of(sources), store, Workforce(jobs=2))
    assert found == {
        **plain(SOURCES),
        "endless.py": broken("python", f"{TIMED_OUT} in 2 s; it was not analysed"),
        "killer.py": broken("python", CRASHED),
    }
    assert store.load([(blob_id(sources["endless.py"]), "python")]) == {}


def test_a_limit_of_the_kernel_s_is_a_limit_too(sabotaged: None) -> None:
    """The worker's own timer, which counts when nobody waits for the worker any more."""
    with Workers(1, 600.0) as hired:
        found = list(hired.run(Backlog(items({"a.py": b"# die SIGPROF\n", "b.py": b"x = 1\n"}))))
    problems = {oid: decode((oid, language, data)).problems for oid, language, data in found}
    assert problems == {
        blob_id(b"# die SIGPROF\n"): [f"{TIMED_OUT} in 600 s; it was not analysed"],
        blob_id(b"x = 1\n"): [],
    }


def test_a_worker_that_nobody_waits_for_is_stopped_by_the_kernel(sabotaged: None) -> None:
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(target=sabotage.sabotaged, args=(theirs, [], 0.1))
    process.start()
    assert ours.recv_bytes() == b""
    ours.send_bytes(workers._encode([("0" * 40, "python", b"# spin\n")]))
    process.join(60)
    assert process.exitcode == -signal.SIGPROF


def test_workers_end_when_their_pipe_does(method: str) -> None:
    with Workers(2, 600.0) as hired:
        processes = [worker.process for worker in hired._workers]
        for worker in hired._workers:  # what the kernel does with those of a process that dies
            worker.connection.close()
        for process in processes:
            process.join(60)
        assert [process.exitcode for process in processes] == [0, 0]


def test_processes_that_die_before_they_can_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "_serve", sabotage.stillborn)
    workforce = Workforce(jobs=2)
    assert extract_snapshot(snapshot_of(SOURCES), None, workforce) == plain(SOURCES)
    assert workforce.notices == [
        "files were extracted in one process: others cannot be started (they end before they have begun)"
    ]


def test_processes_that_cannot_be_replaced(sabotaged: None, monkeypatch: pytest.MonkeyPatch) -> None:
    start = Workers._start

    def once(self: Workers, method: Any) -> None:
        if method == "spawn":
            raise BlockingIOError(11, "no more processes")
        start(self, method)

    monkeypatch.setattr(Workers, "_start", once)
    monkeypatch.setattr(workers, "can_fork", lambda: True)
    killers = {f"k{i}.py": f"# die SIGKILL\nx = {i}\n".encode() * 100 for i in range(3)}
    survivor = {f"b{i}.py": f"y = {i}\n".encode() * 100 for i in range(10)}
    with Workers(2, 600.0) as hired:
        backlog = Backlog(items({**killers, **survivor}))
        found = []
        with pytest.raises(workers.CannotStartError):
            for item in hired.run(backlog):
                found.append(item)
        rest = list(backlog.rest())
    assert sorted({oid for oid, _, _ in [*found, *rest]}) == sorted(
        blob_id(data) for data in {**killers, **survivor}.values()
    )
    assert len(found) + len(rest) == 13


def test_a_worker_that_answers_nonsense(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "_serve", sabotage.garbled)
    found = extract_snapshot(snapshot_of(SOURCES), None, Workforce(jobs=2))
    assert found == {path: broken("python", CRASHED) for path in SOURCES}


def test_a_consumer_that_stops_leaves_no_process(sabotaged: None) -> None:
    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    sources = {**SOURCES, "endless.py": b"# sleep\n" * 1000}
    with pytest.raises(KeyboardInterrupt):
        extract_snapshot(snapshot_of(sources), None, Workforce(jobs=2, progress=stop))
    assert multiprocessing.active_children() == []


def test_workers_ignore_ctrl_c(sabotaged: None, impatient: None) -> None:
    sources = {**SOURCES, "a.py": b"# die SIGINT\n# sleep\n"}
    found = extract_snapshot(snapshot_of(sources), None, Workforce(jobs=2))
    assert found["a.py"].problems == [f"{TIMED_OUT} in 2 s; it was not analysed"]


def test_forking_is_for_processes_without_threads() -> None:
    with ThreadPoolExecutor(1) as pool:
        pool.submit(int).result()
        assert not workers.can_fork()
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    try:
        assert not workers.can_fork()
        assert extract_snapshot(snapshot_of(SOURCES), None, Workforce(jobs=2)) == plain(SOURCES)
    finally:
        done.set()
        thread.join()


def test_signals_are_as_before_when_workers_run() -> None:
    before, handler = signal.pthread_sigmask(signal.SIG_BLOCK, ()), signal.getsignal(signal.SIGINT)
    with Workers(2, 1.0):
        assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before
    assert signal.getsignal(signal.SIGINT) is handler


# ------------------------------------------------------------------------------------------------------------- backlog


def test_the_largest_come_first_in_small_batches() -> None:
    sizes = [10, 500, 300, 2000, 999, 1, 5000]
    backlog = Backlog(iter([(str(size), "python", b"x" * size) for size in sizes]))
    assert backlog.read_ahead()
    batches = []
    while batch := backlog.take():
        batches.append([len(item[2]) for item in batch])
    assert batches == [[2000, 999], [500, 300, 10], [5000], [1]]
    assert not backlog


def test_reading_stays_a_little_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backlog_module, "AHEAD_BYTES", 5_000)
    read: list[int] = []

    def source() -> Iterator[Item]:
        for number in range(100):
            read.append(number)
            yield str(number), "python", b"x" * 500

    backlog = Backlog(source())
    while backlog.read_ahead():
        pass
    assert len(read) * 500 <= 5_000 + 3_000
    taken = len(backlog.take()) + len(backlog.take())
    assert backlog.read_ahead()
    assert len(read) < 100
    assert len(list(backlog.rest())) == 100 - taken
    assert len(read) == 100


# ------------------------------------------------------------------------------------------------------------ borrowed


class Borrowable(Executor):
    """Works at once, but what it says is passed through `answer`."""

    def __init__(self, answer: Callable[[Any], Any] = lambda result: result) -> None:
        self.answer = answer
        self.submitted = 0
        self.shutdowns: list[bool] = []

    def submit(self, work: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.submitted += 1
        future: Future[Any] = Future()
        try:
            result = self.answer(work(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        else:
            if result is not NOTHING:
                future.set_result(result)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self.shutdowns.append(wait)


NOTHING = object()


def refuse(error: BaseException) -> Callable[[Any], Any]:
    def answer(result: Any) -> Any:
        raise error

    return answer


def changed(change: Callable[[Item], Any]) -> Callable[[Any], Any]:
    return lambda result: (result[0], [change(row) for row in result[1]])


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (lambda result: None, "it returned NoneType instead of a version and a list of facts"),
        (lambda result: result[1], "it returned list instead of a version and a list of facts"),
        (lambda result: ("0.0-old", result[1]), "its extractor is '0.0-old', this one '"),
        (lambda result: (result[0], result[1][1:]), "it returned facts of other files than it was given"),
        (lambda result: (result[0], result[1][::-1] + result[1]), "facts of other files"),
        (changed(lambda row: ("0" * 40, *row[1:])), "it returned facts of other files than it was given"),
        (changed(lambda row: row[:2]), "it returned rows that are not facts"),
        (changed(lambda row: (*row[:2], row[2].hex())), "it returned rows that are not facts"),
        (changed(lambda row: (*row[:2], row[2][:-1])), "facts that cannot be read: "),
        (changed(lambda row: (*row[:2], b"")), "facts that cannot be read: "),
        (changed(lambda row: (*row[:2], b"\x92\xa6python\x90")), "facts that are not those of a file"),
        (changed(lambda row: (*row[:2], row[2].replace(b"python", b"cobol!", 1))), "facts that are not those"),
        (refuse(BrokenProcessPool("a worker died")), "BrokenProcessPool: a worker died"),
        (refuse(ValueError("no cluster")), "ValueError: no cluster"),
        (lambda result: NOTHING, "nothing came back in 0.2 s"),
    ],
)
def test_an_executor_that_does_not_do_its_work(
    answer: Callable[[Any], Any], says: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(module, "file_seconds", lambda: 0.1 if says.startswith("nothing") else 30.0)
    executor = Borrowable(answer)
    workforce = Workforce(jobs=1, executor=lambda: executor)
    store = FactStore(tmp_path / "repository", tmp_path / "cache")
    assert extract_snapshot(snapshot_of(SOURCES), store, workforce) == plain(SOURCES)
    kept = store.load([(blob_id(data), "python") for data in SOURCES.values()])
    assert kept == {(blob_id(data), "python"): extract(data, "python") for data in SOURCES.values()}
    (notice,) = workforce.notices
    assert "Borrowable, which a plugin provides, failed: " in notice
    assert says in notice
    assert notice.endswith("; files were extracted without it")
    assert executor.shutdowns == [False]


def test_an_executor_that_fails_half_way(monkeypatch: pytest.MonkeyPatch) -> None:
    count = iter(range(1000))
    executor = Borrowable(lambda result: result if next(count) < 4 else None)
    seen: list[int] = []
    workforce = Workforce(jobs=1, executor=lambda: executor, progress=lambda done, total: seen.append(done))
    assert extract_snapshot(snapshot_of(SOURCES), None, workforce) == plain(SOURCES)
    assert seen == list(range(1, 31))
    assert len(workforce.notices) == 1


def test_our_processes_take_over(monkeypatch: pytest.MonkeyPatch) -> None:
    hired: list[int] = []
    enter = Workers.__enter__
    monkeypatch.setattr(Workers, "__enter__", lambda self: hired.append(self._jobs) or enter(self))
    workforce = Workforce(jobs=2, executor=lambda: Borrowable(lambda result: None))
    assert extract_snapshot(snapshot_of(SOURCES), None, workforce) == plain(SOURCES)
    assert hired == [2]


def test_an_executor_that_takes_nothing() -> None:
    class Closed(Borrowable):
        def submit(self, *_: Any, **__: Any) -> Future[Any]:
            raise RuntimeError("cannot schedule new futures after shutdown")

    workforce = Workforce(jobs=1, executor=Closed)
    assert extract_snapshot(snapshot_of(SOURCES), None, workforce) == plain(SOURCES)
    assert "RuntimeError: cannot schedule new futures after shutdown" in workforce.notices[0]


def test_an_executor_that_cannot_be_shut_down() -> None:
    class Stuck(Borrowable):
        def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
            raise OSError("connection lost")

    workforce = Workforce(jobs=1, executor=Stuck)
    assert extract_snapshot(snapshot_of(SOURCES), None, workforce) == plain(SOURCES)
    assert "shutting it down failed: OSError: connection lost" in workforce.notices[0]


def test_an_executor_that_does_its_work_is_used_alone_and_shut_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Workers, "__enter__", None)
    executor = Borrowable()
    workforce = Workforce(executor=lambda: executor)
    assert extract_snapshot(snapshot_of(SOURCES), None, workforce) == plain(SOURCES)
    assert (executor.submitted > 5, executor.shutdowns, workforce.notices) == (True, [True], [])


def hang(*_: Any) -> None:
    threading.Event().wait()


class Hanging(ProcessPoolExecutor):
    """Its processes never come back."""

    def submit(self, work: Any, /, *args: Any, **kwargs: Any) -> Any:
        return super().submit(hang)


def test_processes_of_an_executor_that_hangs_are_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "file_seconds", lambda: 0.5)
    executor = Hanging(2, multiprocessing.get_context("spawn"))
    workforce = Workforce(jobs=1, executor=lambda: executor)
    assert extract_snapshot(snapshot_of(SOURCES), None, workforce) == plain(SOURCES)
    assert "nothing came back in 1 s" in workforce.notices[0]
    manager = executor._executor_manager_thread
    if manager is not None:
        manager.join(60)
        assert not manager.is_alive()


def test_loky(tmp_path: Path) -> None:
    executor = loky.ProcessPoolExecutor(2)
    workforce = Workforce(jobs=1, executor=lambda: executor)
    assert extract_snapshot(snapshot_of(SOURCES), None, workforce) == plain(SOURCES)
    assert workforce.notices == []
    with pytest.raises(Exception, match=r"shutdown|cannot schedule"):
        executor.submit(int)


def test_loky_whose_processes_die() -> None:
    class Dying(loky.ProcessPoolExecutor):  # type: ignore[misc]
        def submit(self, work: Any, *args: Any, **kwargs: Any) -> Any:
            return super().submit(os._exit, 1)

    executor = Dying(1)
    workforce = Workforce(jobs=1, executor=lambda: executor)
    assert extract_snapshot(snapshot_of(SOURCES), None, workforce) == plain(SOURCES)
    assert "TerminatedWorkerError" in workforce.notices[0] or "BrokenProcessPool" in workforce.notices[0]
