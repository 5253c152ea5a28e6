"""Many files: whoever extracts them, the facts are the same, and what is bad through our fault is not kept."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from semfora_hooks.discovery import Snapshot, SourceFile
from semfora_hooks.errors import GitError
from semfora_hooks.git import blob_id
from semfora_hooks.index import backlog, batch
from semfora_hooks.index import extract as module
from semfora_hooks.index.extract import Workforce, broken, extract_snapshot
from semfora_hooks.index.store import FactStore
from semfora_hooks.index.workers import Workers
from semfora_hooks.languages.extract import extract

SOURCES = {f"m{i}.py": f"def f{i}(x):\n    return g{i}(x) and {i}\n".encode() for i in range(30)}
LARGE = {f"big{i}.py": (f"def f{i}(x):\n    return g(x)\n\n\n" * 500).encode() for i in range(6)}


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the sources were large."""
    monkeypatch.setattr(module, "POOL_BYTES", 50_000)
    monkeypatch.setattr(backlog, "BATCH_BYTES", 20_000)


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
    store = FactStore(tmp_path / "repository", tmp_path / "cache")
    first = extract_snapshot(Reads(SOURCES).snapshot, store, FEW)
    again = Reads({**SOURCES, "m3.py": b"changed = 1\n", "new.py": SOURCES["m5.py"]})
    second = extract_snapshot(again.snapshot, FactStore(tmp_path / "repository", tmp_path / "cache"), FEW)
    assert again.read == ["m3.py"]
    assert second == {**first, "m3.py": extract(b"changed = 1\n", "python"), "new.py": first["m5.py"]}


def test_an_extractor_that_raises_costs_its_file(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(data: bytes, language: str) -> Any:
        if b"f7" in data:
            raise ZeroDivisionError("by design")
        return extract(data, language)

    monkeypatch.setattr(batch, "extract", failing)
    found = extract_snapshot(Reads(SOURCES).snapshot, None, FEW)
    assert found["m7.py"] == broken("python", "the extractor failed: ZeroDivisionError: by design (please report this)")
    assert found["m8.py"] == extract(SOURCES["m8.py"], "python")


def test_recursion_and_memory_errors_are_caught_too(monkeypatch: pytest.MonkeyPatch) -> None:
    errors = iter([RecursionError("deep"), MemoryError()])

    def failing(data: bytes, language: str) -> Any:
        raise next(errors)

    monkeypatch.setattr(batch, "extract", failing)
    found = extract_snapshot(Reads({"a.py": b"1\n", "b.py": b"2\n"}).snapshot, None, FEW)
    assert {facts.problems[0].split(":")[1].strip() for facts in found.values()} == {"RecursionError", "MemoryError"}


def test_broken_files_are_not_kept_for_the_next_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = FactStore(tmp_path / "repository", tmp_path / "cache")
    monkeypatch.setattr(batch, "extract", lambda data, language: 1 / 0)
    extract_snapshot(Reads({"a.py": b"x = 1\n"}).snapshot, store, FEW)
    monkeypatch.undo()
    found = extract_snapshot(Reads({"a.py": b"x = 1\n"}).snapshot, store, FEW)
    assert found["a.py"].problems == []


def test_what_is_done_is_kept_when_the_run_is_interrupted(tmp_path: Path) -> None:
    def interrupt(done: int, total: int) -> None:
        if done == 10:
            raise KeyboardInterrupt

    store = FactStore(tmp_path / "repository", tmp_path / "cache")
    with pytest.raises(KeyboardInterrupt):
        extract_snapshot(Reads(SOURCES).snapshot, store, Workforce(progress=interrupt))
    again = Reads(SOURCES)
    extract_snapshot(again.snapshot, FactStore(tmp_path / "repository", tmp_path / "cache"), FEW)
    assert len(again.read) == 20


def test_facts_are_kept_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parts: list[int] = []
    store = FactStore(tmp_path / "repository", tmp_path / "cache")
    save = store.save

    def counting(rows: Any) -> None:
        parts.append(len(rows))
        save(rows)

    monkeypatch.setattr(store, "save", counting)
    monkeypatch.setattr(module, "SAVE_FILES", 12)
    extract_snapshot(Reads(SOURCES).snapshot, store, FEW)
    assert parts == [12, 12, 6]
    parts.clear()
    monkeypatch.setattr(module, "SAVE_BYTES", 1)
    extract_snapshot(Reads({"a.py": b"x = 1\n", "b.py": b"y = 1\n"}).snapshot, store, FEW)
    assert parts == [1, 1]


@pytest.mark.parametrize("jobs", [1, 2])
def test_progress_counts_every_file_that_is_extracted(jobs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "POOL_BYTES", 5_000)
    seen: list[tuple[int, int]] = []
    workforce = Workforce(jobs=jobs, progress=lambda done, total: seen.append((done, total)))
    extract_snapshot(Reads(LARGE).snapshot, None, workforce)
    assert seen == [(number, 6) for number in range(1, 7)]


def test_what_the_store_knows_is_no_progress(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    workforce = Workforce(progress=lambda done, total: seen.append((done, total)))
    for _ in range(2):
        extract_snapshot(
            Reads({"a.py": b"x = 1\n"}).snapshot, FactStore(tmp_path / "repository", tmp_path / "cache"), workforce
        )
    assert seen == [(1, 1)]


def test_one_job_starts_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Workers, "__enter__", None)  # starting one would fail
    found = extract_snapshot(Reads(LARGE).snapshot, None, Workforce(jobs=1))
    assert found == {path: extract(data, "python") for path, data in LARGE.items()}


def test_processes_that_cannot_be_started_are_done_without(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(Workers, "_start", refuse)
    workforce = Workforce(jobs=2)
    found = extract_snapshot(Reads({**SOURCES, **LARGE}).snapshot, None, workforce)
    assert found == {path: extract(data, "python") for path, data in {**SOURCES, **LARGE}.items()}
    assert workforce.notices == [
        "files were extracted in one process: others cannot be started ([Errno 11] Resource temporarily unavailable)"
    ]


def test_a_file_that_never_ends_is_given_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def endless(data: bytes, language: str) -> Any:
        while b"HANG" in data:
            pass
        return extract(data, language)

    monkeypatch.setenv("SEMFORA_FILE_SECONDS", "2")
    monkeypatch.setattr(batch, "extract", endless)
    sources = {**LARGE, "hang.py": b"HANG = 1\n"}
    found = extract_snapshot(
        Reads(sources).snapshot, FactStore(tmp_path / "repository", tmp_path / "c"), Workforce(jobs=1)
    )
    assert found == {
        **{path: extract(data, "python") for path, data in LARGE.items()},
        "hang.py": broken("python", "the parser did not come to an end on this file in 2 s; it was not analysed"),
    }
    monkeypatch.undo()
    again = Reads(sources)
    found = extract_snapshot(again.snapshot, FactStore(tmp_path / "repository", tmp_path / "c"), FEW)
    assert (again.read, found["hang.py"].problems) == (["hang.py"], [])
    assert signal.getsignal(signal.SIGPROF) is signal.SIG_DFL


def test_a_timer_of_somebody_else_is_left_alone() -> None:
    signal.signal(signal.SIGPROF, signal.SIG_IGN)
    try:
        assert len(extract_snapshot(Reads(SOURCES).snapshot, None, FEW)) == 30
        assert signal.getsignal(signal.SIGPROF) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGPROF, signal.SIG_DFL)


def test_little_can_be_extracted_in_any_thread() -> None:
    with ThreadPoolExecutor(1) as pool:
        found = pool.submit(extract_snapshot, Reads(SOURCES).snapshot, None, FEW).result()
    assert found == {path: extract(data, "python") for path, data in SOURCES.items()}


def test_reading_that_fails_leaves_no_process() -> None:
    good = Reads(LARGE).snapshot

    def read(wanted: Sequence[SourceFile]) -> Iterator[bytes]:
        for file in wanted:
            if file.path == "m7.py":
                raise GitError("git has no object")
            yield {**SOURCES, **LARGE}[file.path]

    snapshot = Snapshot([*good.files, *Reads(SOURCES).snapshot.files], read)
    with pytest.MonkeyPatch.context() as patch, pytest.raises(GitError):
        patch.setattr(module, "SAMPLE_FILES", 6)
        extract_snapshot(snapshot, None, Workforce(jobs=2))
    assert multiprocessing.active_children() == []


def test_many_small_batches_are_all_extracted() -> None:
    sources = {f"m{i}.py": f"v{i} = {i}\n".encode() for i in range(400)}
    sources["pad.py"] = b"# " + b"x" * 50_000 + b"\n"
    with ThreadPoolExecutor(2) as pool:
        found = extract_snapshot(Reads(sources).snapshot, None, Workforce(executor=lambda: pool))
    assert len(found) == 401
    assert found["m399.py"].mentions == {"v399": 1}
