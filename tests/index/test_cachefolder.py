"""The cap: what goes first when the cache is full, and that nothing else is ever touched."""

from __future__ import annotations

import os
import time
from pathlib import Path

import msgspec
import pytest

from semfora_hooks.index import cachefolder, database
from semfora_hooks.index.cachefolder import DEFAULT_CAP, Contents, cap, contents, entries, parse_size
from semfora_hooks.index.store import FactStore, extractor_key
from semfora_hooks.languages.extract import extract

DATA = msgspec.msgpack.encode(extract(b"".join(b"name_%d = 1\n" % i for i in range(400)), "python"))
DAY = 86_400


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def keys(start: int, count: int) -> list[tuple[str, str]]:
    return [(f"{i:040x}", "python") for i in range(start, start + count)]


def fill(root: Path, folder: Path, wanted: list[tuple[str, str]], *, days_ago: int = 0) -> Path:
    """A database with rows that were last used some days ago, and its path."""
    store = FactStore(root, folder)
    store.save((*key, DATA) for key in wanted)
    assert store.connection is not None
    for key in wanted:
        day = database.today() - days_ago
        store.connection.execute("UPDATE blob SET used = ? WHERE oid = ?", (day, key[0]))
    store.close()
    path = database.database_path(database.shared_folder(root), folder)
    age(path, days_ago)
    return path


def age(path: Path, days: int) -> None:
    for name in (path, path.with_suffix(".lock")):
        os.utime(name, (time.time() - days * DAY,) * 2)


def known(root: Path, folder: Path, wanted: list[tuple[str, str]]) -> set[tuple[str, str]]:
    store = FactStore(root, folder)
    found = set(store.load(wanted))
    store.close()
    return found


def total(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())


@pytest.mark.parametrize(
    ("text", "size"),
    [("512M", 512 << 20), ("1 GiB", 1 << 30), ("0", 0), ("1000", 1000), ("1.5k", 1536), (" 2gb ", 2 << 30), ("3B", 3)],
)
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "M", "-1", "1X", "1e9", "0x10", "1 M 2", "nan"])
def test_no_sizes(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="is no size"):
        parse_size(text)
    monkeypatch.setenv("SEMFORA_CACHE_SIZE", text)
    assert cap() == DEFAULT_CAP


def test_the_cap_can_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SEMFORA_CACHE_SIZE", raising=False)
    assert cap() == DEFAULT_CAP == 2 << 30
    monkeypatch.setenv("SEMFORA_CACHE_SIZE", "3M")
    assert cap() == 3 << 20


def test_what_is_in_the_folder(tmp_path: Path, folder: Path) -> None:
    old = fill(tmp_path / "old", folder, keys(0, 3), days_ago=9)
    new = fill(tmp_path / "new", folder, keys(0, 5))
    (folder / "notes.sqlite").write_text("not ours")
    (folder / "README").write_text("not ours")
    found = entries(folder)
    assert [entry.path for entry in found] == [old, new]
    assert sum(entry.size for entry in found) + 2 * len("not ours") == total(folder)
    assert round((found[1].used - found[0].used) / DAY) == 9
    assert contents(old, extractor_key()) == Contents(str(tmp_path / "old"), 3, 0)
    assert contents(new, "another version") == Contents(str(tmp_path / "new"), 5, 5)
    assert entries(tmp_path / "nowhere") == []


@pytest.mark.parametrize("garbage", [b"", b"text" * 999, b"SQLite format 3\0" + b"\xff" * 5000])
def test_what_cannot_be_read_says_why(tmp_path: Path, folder: Path, garbage: bytes) -> None:
    path = fill(tmp_path / "a", folder, keys(0, 3))
    path.write_bytes(garbage)
    found = contents(path, extractor_key())
    assert (found.repository, found.rows) == (None, None)
    assert found.problem
    assert path.read_bytes() == garbage


def test_below_the_cap_nothing_goes(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path / "a", folder, keys(0, 50), days_ago=900)
    monkeypatch.setenv("SEMFORA_CACHE_SIZE", str(total(folder) + (1 << 20)))
    fill(tmp_path / "b", folder, keys(0, 5))
    assert len(known(tmp_path / "a", folder, keys(0, 50))) == 50


def test_the_longest_unused_repository_goes_first(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    oldest = fill(tmp_path / "oldest", folder, keys(0, 100), days_ago=30)
    older = fill(tmp_path / "older", folder, keys(0, 100), days_ago=20)
    fill(tmp_path / "mine", folder, keys(0, 10), days_ago=25)
    monkeypatch.setenv("SEMFORA_CACHE_SIZE", str(int(total(folder) * 0.9)))
    fill(tmp_path / "mine", folder, keys(10, 10))
    assert not oldest.exists()
    assert not oldest.with_suffix(".lock").exists()
    assert older.exists()
    assert len(known(tmp_path / "mine", folder, keys(0, 20))) == 20


def test_idle_rows_go_before_repositories_in_use(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = fill(tmp_path / "other", folder, keys(0, 50), days_ago=2)
    fill(tmp_path / "mine", folder, keys(100, 60), days_ago=10)
    fill(tmp_path / "mine", folder, keys(0, 60), days_ago=20)
    limit = int(total(folder) * 0.9)
    monkeypatch.setenv("SEMFORA_CACHE_SIZE", str(limit))
    fill(tmp_path / "mine", folder, keys(200, 10))
    assert total(folder) <= limit
    assert other.exists()
    assert len(known(tmp_path / "mine", folder, keys(200, 10))) == 10
    assert len(known(tmp_path / "mine", folder, keys(100, 60))) == 60
    assert 0 < len(known(tmp_path / "mine", folder, keys(0, 60))) < 60


def test_a_repository_larger_than_the_cap_keeps_the_same_part(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEMFORA_CACHE_SIZE", "600K")
    wanted = keys(0, 200)
    parts = []
    for _ in range(3):
        store = FactStore(tmp_path / "mine", folder)
        found = set(store.load(wanted))
        store.save((*key, DATA) for key in wanted if key not in found)
        store.close()
        assert total(folder) <= 600 << 10
        parts.append(known(tmp_path / "mine", folder, wanted))
    assert 50 < len(parts[0]) < 200
    assert len(parts[0] ^ parts[1]) <= 2  # what rows take is estimated
    assert parts[1] == parts[2]


def test_a_database_in_use_stays(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = fill(tmp_path / "other", folder, keys(0, 100), days_ago=30)
    user = FactStore(tmp_path / "other", folder)
    age(other, 30)
    monkeypatch.setenv("SEMFORA_CACHE_SIZE", "50K")
    fill(tmp_path / "mine", folder, keys(0, 5))
    assert len(user.load(keys(0, 100))) == 100
    user.close()
    fill(tmp_path / "mine", folder, keys(5, 5))
    assert not other.exists()


def test_a_cap_of_nothing_keeps_nothing(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEMFORA_CACHE_SIZE", "0")
    store = FactStore(tmp_path / "mine", folder)
    store.save((*key, DATA) for key in keys(0, 5))
    store.close()
    assert entries(folder) == []


def test_tables_of_others_that_are_too_large_alone_go_with_the_database(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEMFORA_CACHE_SIZE", "300K")
    store = FactStore(tmp_path / "mine", folder)
    store.save((*key, DATA) for key in keys(0, 5))
    assert store.connection is not None
    store.connection.execute("CREATE TABLE theirs AS SELECT zeroblob(400000)")
    store.close()
    assert total(folder) == 0


def test_a_run_that_only_reads_trims_nothing(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path / "mine", folder, keys(0, 20))
    monkeypatch.setenv("SEMFORA_CACHE_SIZE", "0")
    monkeypatch.setattr(cachefolder, "entries", lambda folder: pytest.fail("the folder was looked at"))
    assert len(known(tmp_path / "mine", folder, keys(0, 20))) == 20


def test_only_our_files_are_ever_removed(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path / "other", folder, keys(0, 20), days_ago=30)
    for name in ("notes.sqlite", "0" * 24 + ".txt", "0" * 25 + "-v1.sqlite", "x.lock"):
        (folder / name).write_bytes(b"x" * 100_000)
    monkeypatch.setenv("SEMFORA_CACHE_SIZE", "0")
    store = FactStore(tmp_path / "mine", folder)
    store.save((*key, DATA) for key in keys(0, 5))
    store.close()
    assert sorted(path.stat().st_size for path in folder.iterdir()) == [100_000] * 4
