"""Runs that are forked are what runs that are started are, but for what they cost."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import forked
import pytest

PROGRAM = Path(sys.executable).parent / "semfora-hooks"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    (folder / "a.py").write_text("def _größe():\n    return 1\n", encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    "arguments",
    [["--version"], ["suggest", "--fail-on", "warning"], ["suggest", "gone.py"], ["nonsense"], ["rules", "list"]],
    ids=" ".join,
)
def test_a_run_is_what_it_is_as_a_program(root: Path, arguments: list[str]) -> None:
    started = subprocess.run([PROGRAM, *arguments], cwd=root, capture_output=True, check=False)
    done = forked.run(arguments, root)
    assert (done.returncode, done.stdout) == (started.returncode, started.stdout)
    seconds = b" symbols, "  # which differ
    assert done.stderr.partition(seconds)[0] == started.stderr.partition(seconds)[0]


def test_its_environment_is_the_given_one(root: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    environment = {"PATH": os.environ["PATH"], "SEMFORA_CACHE_DIR": str(cache)}
    assert forked.run(["suggest"], root, environment).returncode == 0
    assert len(list(cache.glob("*.sqlite"))) == 1


def test_room_is_what_no_file_exceeds(root: Path, tmp_path: Path) -> None:
    done = forked.run(["suggest", "--no-cache", "--output-format", "json", "-o", str(tmp_path / "out")], root, room=100)
    assert done.returncode == 2
    assert b"File too large" in done.stderr
    assert not (tmp_path / "out").exists() or (tmp_path / "out").stat().st_size <= 100


def test_several_at_once_each_with_its_own_end(root: Path) -> None:
    first, second = (forked.Process(["suggest", "--output-format", "json", "--no-cache"], root) for _ in range(2))
    assert first.pid != second.pid
    assert json.loads(second.communicate(60)[0])["summary"]["files"] == 1
    assert json.loads(first.communicate(60)[0])["summary"]["files"] == 1
    assert (first.returncode, second.returncode, first.poll()) == (0, 0, 0)


def test_a_signal_ends_it(root: Path) -> None:
    """What waits for a pipe that nobody opens waits for ever."""
    (root / "out").mkdir()
    os.mkfifo(root / "out" / "pipe")
    process = forked.Process(["suggest", "-o", "out/pipe"], root)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.2)
    process.kill()
    assert process.communicate(60) == (b"", b"")
    assert process.returncode == -signal.SIGKILL
