"""Entries that cannot be believed are misses: damaged, foreign, open to others, links."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from semfora_hooks.providers.wasm import filecache
from semfora_hooks.providers.wasm.filecache import FileCache, Usage

KEY = "0" * 64
OTHER = "1" * 64


@pytest.fixture
def top(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def cache(top: Path) -> FileCache:
    return FileCache("kind", 1 << 20, folder=top)


def reread(cache: FileCache, top: Path) -> bytes | None:
    return FileCache("kind", 1 << 20, folder=top).get(KEY)


def test_what_is_put_is_got(cache: FileCache, top: Path) -> None:
    assert cache.get(KEY) is None
    assert not top.exists()  # looking makes nothing
    cache.put(KEY, b"code")
    assert (cache.get(KEY), cache.get(OTHER), reread(cache, top)) == (b"code", None, b"code")
    cache.put(KEY, b"newer")
    assert cache.get(KEY) == b"newer"
    assert cache.usage().entries == 1
    modes = [oct(path.stat().st_mode & 0o777) for path in (top, top / "wasm", cache.folder, cache.folder / KEY)]
    assert modes == ["0o700", "0o700", "0o700", "0o600"]
    cache.remove(KEY)
    assert cache.get(KEY) is None


@pytest.mark.parametrize("place", range(0, 60, 7))
def test_a_flipped_bit_is_a_miss(cache: FileCache, top: Path, place: int) -> None:
    cache.put(KEY, b"some code")
    data = bytearray((cache.folder / KEY).read_bytes())
    data[place % len(data)] ^= 1
    (cache.folder / KEY).write_bytes(data)
    assert reread(cache, top) is None


def test_a_cut_and_a_renamed_entry_are_misses(cache: FileCache, top: Path) -> None:
    cache.put(KEY, b"some code")
    data = (cache.folder / KEY).read_bytes()
    (cache.folder / KEY).write_bytes(data[:-1])
    assert reread(cache, top) is None
    (cache.folder / KEY).write_bytes(b"")
    assert reread(cache, top) is None
    cache.put(OTHER, b"other code")
    (cache.folder / OTHER).rename(cache.folder / KEY)
    assert reread(cache, top) is None


@pytest.mark.parametrize("which", ["file", "kind", "wasm", "top"])
def test_what_others_could_write_is_not_read(cache: FileCache, top: Path, which: str) -> None:
    cache.put(KEY, b"code")
    {"file": cache.folder / KEY, "kind": cache.folder, "wasm": top / "wasm", "top": top}[which].chmod(0o777)
    assert reread(cache, top) is None


@pytest.mark.skipif(os.name == "nt" or os.getuid() != 0, reason="only root can give files away")
@pytest.mark.parametrize("which", ["file", "kind"])
def test_what_others_own_is_not_read(cache: FileCache, top: Path, which: str) -> None:
    cache.put(KEY, b"code")
    os.chown({"file": cache.folder / KEY, "kind": cache.folder}[which], 12345, -1)
    assert reread(cache, top) is None


def test_links_and_pipes_are_not_followed(cache: FileCache, top: Path, tmp_path: Path) -> None:
    cache.put(KEY, b"code")
    (tmp_path / "elsewhere").write_bytes((cache.folder / KEY).read_bytes())
    (tmp_path / "elsewhere").chmod(0o600)
    (cache.folder / KEY).unlink()
    (cache.folder / KEY).symlink_to(tmp_path / "elsewhere")
    assert reread(cache, top) is None
    (cache.folder / KEY).unlink()
    os.mkfifo(cache.folder / KEY, 0o600)
    assert reread(cache, top) is None
    (cache.folder / KEY).unlink()
    cache.folder.rename(tmp_path / "moved")
    cache.folder.symlink_to(tmp_path / "moved")
    assert reread(cache, top) is None
    FileCache("kind", 1 << 20, folder=top).put(KEY, b"code")
    assert list((tmp_path / "moved").iterdir()) == []


def test_nothing_is_kept_in_a_repository(tmp_path: Path) -> None:
    cache = FileCache("kind", 1 << 20, root=tmp_path, folder=tmp_path / "cache")
    cache.put(KEY, b"code")
    assert cache.get(KEY) is None
    assert not (tmp_path / "cache").exists()


def test_the_longest_unused_go_first(top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = FileCache("kind", 10_000, folder=top)
    keys = [f"{number:064x}" for number in range(12)]
    for number, key in enumerate(keys):
        cache.put(key, bytes(1500))
        os.utime(cache.folder / key, (time.time() - 90_000 + number,) * 2)
        if number == 3:
            assert cache.get(keys[0]) is not None  # used: no longer the oldest
    left = {path.name for path in cache.folder.iterdir()}
    assert keys[0] in left
    assert keys[1] not in left
    assert cache.usage().size <= 10_000
    cache.put(OTHER, bytes(9_000))  # more than a quarter of all there may be
    assert cache.get(OTHER) is None


def test_leftovers_of_killed_processes_go(cache: FileCache) -> None:
    cache.put(KEY, b"code")
    old, new = cache.folder / ".old", cache.folder / ".new"
    for path in (old, new):
        path.write_bytes(b"half")
    os.utime(old, (time.time() - 2 * filecache._LEFTOVER_SECONDS,) * 2)
    cache.put(OTHER, b"code")
    assert (old.exists(), new.exists()) == (False, True)


def test_cleaning(cache: FileCache) -> None:
    cache.put(KEY, b"code")
    cache.put(OTHER, b"code")
    os.utime(cache.folder / KEY, (1, 1))
    size = (cache.folder / KEY).stat().st_size
    assert cache.usage() == Usage(2, 2 * size)
    assert cache.clean(before=time.time() - 60) == Usage(1, size)
    assert cache.get(OTHER) == b"code"
    assert cache.clean() == Usage(1, size)
    assert cache.usage() == Usage(0, 0)


def test_a_folder_that_cannot_be_written_is_no_error(top: Path) -> None:
    top.write_text("a file")
    cache = FileCache("kind", 1 << 20, folder=top)
    cache.put(KEY, b"code")
    assert cache.get(KEY) is None
    assert cache.clean() == cache.usage() == Usage(0, 0)
