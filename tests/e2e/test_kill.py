"""A hook that is killed while git commits: neither the repository nor the cache is the worse for it."""

from __future__ import annotations

import contextlib
import hashlib
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from test_cache_faults import FILES, database, edit, make, suggest, verify

pytestmark = pytest.mark.e2e

KILLS = 100
HOOK = """\
#!/bin/sh
echo $$ >"$TEST_PID.part" && mv "$TEST_PID.part" "$TEST_PID"
exec "$TEST_PYTHON" -m semfora_hooks suggest --auto-scope --exit-zero
"""


class Hooked:
    """A repository whose commits run our hook, with a way to kill it."""

    def __init__(self, root: Path, folder: Path, cache: Path) -> None:
        self.root, self.cache = root, cache
        self.pid = folder / "pid"
        hook = root / ".git" / "hooks" / "pre-commit"
        hook.write_text(HOOK)
        hook.chmod(0o755)
        self.environment = {**os.environ, "TEST_PID": str(self.pid), "TEST_PYTHON": sys.executable}

    def git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=self.root, capture_output=True, text=True, check=True, timeout=60
        )
        return done.stdout

    def commit(self) -> subprocess.Popen[bytes]:
        """Starts a commit, and returns once the hook runs."""
        self.pid.unlink(missing_ok=True)
        process = subprocess.Popen(
            ["git", "commit", "-q", "-m", "change"],
            cwd=self.root,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        while not self.pid.exists():
            assert process.poll() is None, process.communicate()
            time.sleep(0.002)
        return process

    def seconds(self) -> float:
        """How long the hook takes, undisturbed."""
        process = self.commit()
        start = time.monotonic()
        output = process.communicate(timeout=60)[0]
        assert process.returncode == 0, output
        return time.monotonic() - start

    def written(self) -> dict[str, tuple[int, int]]:
        """How the files of the cache look from outside."""
        found = {}
        for path in self.cache.glob("*.sqlite*"):
            with contextlib.suppress(FileNotFoundError):
                status = path.stat()
                found[path.name] = (status.st_mtime_ns, status.st_size)
        return found

    def wait_for_a_write(self, process: subprocess.Popen[bytes]) -> None:
        before = self.written()
        while process.poll() is None and self.written() == before:
            time.sleep(0.002)

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(self.pid.read_text()), signal.SIGKILL)

    def state(self) -> tuple[Any, ...]:
        """What a hook must leave as it is: commits, index, work tree, and what stands in `.git`."""
        git = self.root / ".git"
        tree, names = {}, set()
        for folder, folders, files in os.walk(self.root):
            here = Path(folder)
            folders[:] = [name for name in folders if name != "objects"]
            if here.is_relative_to(git):
                names |= {str(here / name) for name in (*folders, *files) if name != "COMMIT_EDITMSG"}
            else:
                tree |= {str(here / name): hashlib.sha256((here / name).read_bytes()).hexdigest() for name in files}
        head = (git / (git / "HEAD").read_text().removeprefix("ref: ").strip()).read_text()
        assert not (git / "packed-refs").exists()  # so that a stash would be among the names
        return head, self.git("ls-files", "--stage"), tree, names


def test_a_hundred_kills_during_commits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of them at any moment, half just after the cache was written to."""
    cache = tmp_path / "cache"
    monkeypatch.setenv("SEMFORA_CACHE_DIR", str(cache))
    root = make(tmp_path)
    hooked = Hooked(root, tmp_path, cache)
    chance = random.Random(20261124)
    edit(root, 0, 1)
    hooked.git("add", "-A")
    hooked.seconds()  # fills the cache
    edit(root, 0, 2)
    hooked.git("add", "-A")
    seconds = hooked.seconds()  # how long it takes changes with what else the machine does
    killed = compared = found = 0
    for turn in range(KILLS):
        if turn % 25 == 24:
            for path in cache.glob("*.sqlite*"):
                path.unlink()  # killed while the database is made
        numbers = chance.sample(range(FILES), 7)
        for number in numbers:
            edit(root, number, turn)
        (root / f"new{turn}.py").write_text(f"def _new_{turn}():\n    return 1\n")
        hooked.git("add", f"new{turn}.py", *(f"part{number}.py" for number in numbers[1:]))
        edit(root, numbers[1], turn + 1)  # what is staged is not what stands in the work tree
        before = hooked.state()
        process = hooked.commit()
        if turn % 2:
            hooked.wait_for_a_write(process)
            time.sleep(chance.uniform(0, 0.02))
        else:
            time.sleep(chance.uniform(0, 0.9 * seconds))
        hooked.kill()
        output = process.communicate(timeout=60)[0]
        assert b"Traceback" not in output, output
        if not turn % 2:
            seconds *= 1.03 if process.returncode else 0.9
        if process.returncode:
            killed += 1
            assert hooked.state() == before
        if turn % 5 == 4:
            after = suggest(root, "--staged")
            assert after == suggest(root, "--staged", "--no-cache")
            found += len(after.report["recommendations"])
            compared += 1
            hooked.git("commit", "-q", "--no-verify", "--allow-empty", "-m", "base")  # the stored index has to follow
    assert killed >= KILLS // 2  # others were faster than expected
    assert (compared, found > compared) == (KILLS // 5, True)
    assert suggest(root) == suggest(root, "--no-cache")
    code, text = verify(root)
    assert code == 0, text
    with contextlib.closing(sqlite3.connect(database(root, cache))) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    hooked.git("fsck", "--strict")
