"""Many files: in the process or in a pool, the facts are the same; a dying worker costs its file alone."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from semfora_hooks.discovery import Snapshot, SourceFile
from semfora_hooks.git import blob_id
from semfora_hooks.index import extract as module
from semfora_hooks.index.extract import Workforce, broken, extract_snapshot
from semfora_hooks.index.store import FactStore
from semfora_hooks.languages.extract import extract

SOURCES = {f"m{i}.py": f"def f{i}(x):\n    return g{i}(x) and {i}\n".encode() for i in range(30)}
LARGE = {f"big{i}.py": (f"def f{i}(x):\n    return g(x)\n\n\n" * 500).encode() for i in range(6)}


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the sources were large."""
    monkeypatch.setattr(module, "POOL_BYTES", 50_000)
    monkeypatch.setattr(module, "BATCH_BYTES", 20_000)


class Reads:
    """A snapshot of plain bytes that remembers what was read."""

    def __init__(self, sources: dict[str, bytes]) -> None:
        self.read: list[str] = []
        files = [SourceFile(path, blob_id(data), "python") for path, data in sorted(sources.items())]

        def read(wanted: Sequence[SourceFile]) -> Iterator[bytes]:
            for file in wanted:
                self.read.append(file.path)
                yield sources[file.path]

        self.snapshot = Snapshot(files, read)


def never() -> Executor | None:
    raise AssertionError("no executor is needed for so little")


FEW = Workforce(executor=never)


def test_little_is_extracted_without_an_executor() -> None:
    found = extract_snapshot(Reads(SOURCES).snapshot, None, FEW)
    assert found == {path: extract(data, "python") for path, data in SOURCES.items()}
    assert list(found) == sorted(SOURCES)


def test_nothing_at_all() -> None:
    assert extract_snapshot(Reads({}).snapshot, None, FEW) == {}


@pytest.mark.parametrize("make", [lambda: ThreadPoolExecutor(2), lambda: ProcessPoolExecutor(2, get_context("spawn"))])
def test_a_pool_finds_what_one_process_finds(make: Callable[[], Executor]) -> None:
    sources = {**SOURCES, **LARGE}
    assert sum(map(len, sources.values())) > 50_000
    with make() as pool:
        found = extract_snapshot(Reads(sources).snapshot, None, Workforce(executor=lambda: pool))
    assert found == extract_snapshot(Reads(sources).snapshot, None, Workforce(jobs=1))
    assert len(found["big0.py"].symbols) == 501


def test_equal_files_are_read_and_extracted_once() -> None:
    same = Reads({"a.py": b"def f(): ...\n", "b.py": b"def f(): ...\n", "c.py": b"x = 1\n"})
    found = extract_snapshot(same.snapshot, None, FEW)
    assert same.read == ["a.py", "c.py"]
    assert found["a.py"] == found["b.py"] == extract(b"def f(): ...\n", "python")


def test_what_the_store_knows_is_not_read_again(tmp_path: Path) -> None:
    store = FactStore(tmp_path, tmp_path / "cache")
    first = extract_snapshot(Reads(SOURCES).snapshot, store, FEW)
    again = Reads({**SOURCES, "m3.py": b"changed = 1\n", "new.py": SOURCES["m5.py"]})
    second = extract_snapshot(again.snapshot, FactStore(tmp_path, tmp_path / "cache"), FEW)
    assert again.read == ["m3.py"]
    assert second == {**first, "m3.py": extract(b"changed = 1\n", "python"), "new.py": first["m5.py"]}


def test_an_extractor_that_raises_costs_its_file(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(data: bytes, language: str) -> Any:
        if b"f7" in data:
            raise ZeroDivisionError("by design")
        return extract(data, language)

    monkeypatch.setattr(module, "extract", failing)
    found = extract_snapshot(Reads(SOURCES).snapshot, None, FEW)
    assert found["m7.py"] == broken("python", "the extractor failed: ZeroDivisionError: by design (please report this)")
    assert found["m8.py"] == extract(SOURCES["m8.py"], "python")


def test_recursion_and_memory_errors_are_caught_too(monkeypatch: pytest.MonkeyPatch) -> None:
    errors = iter([RecursionError("deep"), MemoryError()])

    def failing(data: bytes, language: str) -> Any:
        raise next(errors)

    monkeypatch.setattr(module, "extract", failing)
    found = extract_snapshot(Reads({"a.py": b"1\n", "b.py": b"2\n"}).snapshot, None, FEW)
    assert {facts.problems[0].split(":")[1].strip() for facts in found.values()} == {"RecursionError", "MemoryError"}


class Dying(Executor):
    """Does the work at once, but loses every batch that holds a file saying so, as a pool does whose worker died."""

    def __init__(self, *, for_good: bool) -> None:
        self.for_good = for_good
        self.is_broken = False

    def submit(self, work: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        if self.is_broken:
            raise BrokenProcessPool("broken before")
        future: Future[Any] = Future()
        if any(b"KILL" in data for _, _, data in args[0]):
            self.is_broken = self.for_good
            future.set_exception(BrokenProcessPool("a worker died"))
        else:
            future.set_result(work(*args, **kwargs))
        return future


@pytest.mark.parametrize("for_good", [False, True])
def test_a_dying_worker_costs_nothing_that_another_process_can_read(
    for_good: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone: list[str] = []

    def extract_alone(item: tuple[str, str, bytes]) -> tuple[str, str, bytes]:
        alone.append(item[0])
        return module.extract_batch([item])[0]

    monkeypatch.setattr(module, "_extract_alone", extract_alone)
    sources = {**SOURCES, **LARGE, "kill.py": b"KILL = 1\n"}
    found = extract_snapshot(Reads(sources).snapshot, None, Workforce(executor=lambda: Dying(for_good=for_good)))
    assert found == {path: extract(data, "python") for path, data in sources.items()}
    assert blob_id(sources["kill.py"]) in alone


def dies_on_kill(data: bytes, language: str) -> Any:
    if b"KILL" in data:
        os._exit(11)
    return extract(data, language)


def test_a_file_that_kills_every_process_is_said_to_be_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    # Forked workers inherit the extractor that dies; the real ones are spawned.
    monkeypatch.setattr(module, "extract", dies_on_kill)
    monkeypatch.setattr(multiprocessing, "get_context", lambda method: get_context("fork"))
    sources = {**LARGE, "kill.py": b"KILL = 1\n", "small.py": b"x = 1\n"}
    with ProcessPoolExecutor(2, get_context("fork")) as pool:
        found = extract_snapshot(Reads(sources).snapshot, None, Workforce(executor=lambda: pool))
    assert found["kill.py"] == broken("python", "the parser crashed on this file; it was not analysed")
    assert {path: facts.problems for path, facts in found.items() if path != "kill.py"} == {
        path: [] for path in sources if path != "kill.py"
    }
    assert found["big3.py"] == extract(LARGE["big3.py"], "python")


def test_broken_files_are_not_kept_for_the_next_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = FactStore(tmp_path, tmp_path / "cache")
    monkeypatch.setattr(module, "extract", lambda data, language: 1 / 0)
    extract_snapshot(Reads({"a.py": b"x = 1\n"}).snapshot, store, FEW)
    monkeypatch.undo()
    found = extract_snapshot(Reads({"a.py": b"x = 1\n"}).snapshot, store, FEW)
    assert found["a.py"].problems == []


def test_many_small_batches_are_all_extracted() -> None:
    sources = {f"m{i}.py": f"v{i} = {i}\n".encode() for i in range(400)}
    sources["pad.py"] = b"# " + b"x" * 50_000 + b"\n"
    with ThreadPoolExecutor(2) as pool:
        found = extract_snapshot(Reads(sources).snapshot, None, Workforce(executor=lambda: pool))
    assert len(found) == 401
    assert found["m399.py"].mentions == {"v399": 1}
