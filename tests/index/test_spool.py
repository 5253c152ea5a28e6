"""Bytes that are put aside."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from semfora_hooks.index import spool
from semfora_hooks.index.spool import Spool

PARTS = [b"one", b"", b"three" * 1000, b"\0\n\r\x1a", b"five"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files go."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("room", [0, 10, 5010, 1 << 20])
def test_what_is_put_aside_comes_back(room: int, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "MEMORY_BYTES", room)
    kept = Spool()
    tickets = []
    for part in PARTS:
        tickets.append(kept.put(part))
        assert kept.get(tickets[0]) == PARTS[0]  # reading between two writes moves nothing
    assert [kept.get(ticket) for ticket in reversed(tickets)] == PARTS[::-1]
    assert [kept.size(ticket) for ticket in tickets] == [len(part) for part in PARTS]
    if sys.platform == "linux":
        assert list(folder.iterdir()) == []


def test_the_first_ones_stay_in_memory(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "MEMORY_BYTES", 6)
    kept = Spool()
    assert [isinstance(kept.put(part), bytes) for part in (b"1234", b"5678", b"90", b"1")] == [True, False, True, False]
    assert kept._end == 5


def test_without_a_folder_everything_stays_in_memory(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(folder / "gone"))
    monkeypatch.setattr(spool, "MEMORY_BYTES", 0)
    kept = Spool()
    assert [kept.get(kept.put(part)) for part in PARTS] == PARTS


def test_a_disk_that_is_full_is_left_alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Small:
        """A file on a disk that has room for eight bytes."""

        def __init__(self) -> None:
            self.file = tempfile.TemporaryFile(buffering=0)
            self.writes = 0

        def write(self, data: bytes) -> int:
            self.writes += 1
            return self.file.write(data[: max(0, 8 - self.file.tell())])

        def __getattr__(self, name: str) -> Any:
            return getattr(self.file, name)

    small = Small()
    monkeypatch.setattr(spool, "MEMORY_BYTES", 0)
    monkeypatch.setattr(spool, "_nameless_file", lambda: small)
    kept = Spool()
    tickets = [kept.put(part) for part in (b"12345", b"67890", b"12", b"34")]
    assert [kept.get(ticket) for ticket in tickets] == [b"12345", b"67890", b"12", b"34"]
    assert tickets[0] == (0, 5)
    assert tickets[1:] == [b"67890", b"12", b"34"]
    assert small.writes == 2


def test_what_the_disk_loses_is_noticed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "MEMORY_BYTES", 0)
    kept = Spool()
    ticket = kept.put(b"12345678")
    assert kept._file is not None
    os.ftruncate(kept._file.fileno(), 3)
    with pytest.raises(OSError, match="lost what was written"):
        kept.get(ticket)
