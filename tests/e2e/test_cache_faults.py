"""The cache under fire, with real processes: whatever happens to it, the report is the one of `--no-cache`.

Never another answer, never an error where computing again would do, never a traceback.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import forked
import msgspec
import pytest

from semfora_hooks.index.database import SCHEMA_VERSION, database_path, shared_folder
from semfora_hooks.index.store import checksum_of, extractor_key
from semfora_hooks.languages.extract import extract

pytestmark = pytest.mark.e2e

HERE = Path(__file__).parent
PROGRAM = Path(sys.executable).parent / "semfora-hooks"
FILES = 24
LIMIT = 120.0


class Outcome(NamedTuple):
    """What a run says, without its seconds."""

    code: int
    report: Any
    problems: list[str]


def start(
    root: Path,
    *arguments: str,
    drop: Callable[[], None] | None = None,
    room: int | None = None,
    **environment: str,
) -> Any:
    """A run, with what `drop` does before it, or with no file that may become larger than `room`."""
    inherited = {name: value for name, value in os.environ.items() if environment.get(name) != "-"}
    its_own = {**inherited, **{name: value for name, value in environment.items() if value != "-"}}
    if drop is None:
        return forked.Process(arguments, root, its_own, room)
    return subprocess.Popen(
        [PROGRAM, *arguments],
        cwd=root,
        env=its_own,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        preexec_fn=drop,  # noqa: PLW1509
    )


def finish(process: Any) -> Outcome:
    out, err = (stream.decode() for stream in process.communicate(timeout=LIMIT))
    assert "Traceback" not in out + err, err
    assert process.returncode in (0, 1), err
    report = json.loads(out)
    del report["timings"]
    return Outcome(process.returncode, report, err.splitlines())


def suggest(root: Path, *arguments: str, **options: Any) -> Outcome:
    return finish(start(root, "suggest", "--output-format", "json", *arguments, **options))


def cold(root: Path) -> Outcome:
    """The truth."""
    return suggest(root, "--no-cache")


def verify(root: Path, **environment: str) -> tuple[int, str]:
    process = start(root, "cache", "verify", **environment)
    out, err = process.communicate(timeout=LIMIT)
    assert b"Traceback" not in err, err
    return process.returncode, out.decode()


def source(number: int, generation: int = 0) -> str:
    """A file that calls its neighbours, with something to find in it that depends on the generation."""
    other = (number + 1) % FILES
    branches = "".join(f"    if value == {i}:\n        total += {i}\n" for i in range(6 + generation % 20))
    return (
        f"from part{other} import work_{other}\n\n\n"
        f"def work_{number}(value):\n    total = 0\n{branches}    return total + work_{other}(value)\n\n\n"
        f"def _unused_{number}_{generation}(left, right):\n    return left + right\n"
    )


def edit(root: Path, number: int, generation: int) -> None:
    (root / f"part{number}.py").write_text(source(number, generation))


def make(parent: Path) -> Path:
    folder = parent / "repository"
    folder.mkdir()
    for number in range(FILES):
        edit(folder, number, 0)
    identity = ("-c", "user.name=Test", "-c", "user.email=test@example.invalid")
    for command in (["init", "-q"], ["add", "-A"], [*identity, "commit", "-q", "-m", "first"]):
        subprocess.run(["git", *command], cwd=folder, check=True)
    return folder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make(tmp_path)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SEMFORA_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


class Warm(NamedTuple):
    """A repository whose cache is filled, but for one file that was edited since."""

    root: Path
    cache: Path
    truth: Outcome

    @property
    def database(self) -> Path:
        return database(self.root, self.cache)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Warm:
    folder = tmp_path_factory.mktemp("filled")
    root = make(folder)
    suggest(root, SEMFORA_CACHE_DIR=str(folder / "saved"))
    edit(root, 2, 2)
    return Warm(root, folder / "cache", cold(root))


@pytest.fixture
def warm(filled: Warm, monkeypatch: pytest.MonkeyPatch) -> Warm:
    """The same for every test, each with a copy of the cache."""
    shutil.rmtree(filled.cache, ignore_errors=True)
    shutil.copytree(filled.root.parent / "saved", filled.cache)
    monkeypatch.setenv("SEMFORA_CACHE_DIR", str(filled.cache))
    return filled


def database(root: Path, cache: Path) -> Path:
    return database_path(shared_folder(root), cache)


# ------------------------------------------------------------------------------------------------------ many at once


@pytest.mark.parametrize("state", ["none", "garbage", "damaged"])
def test_eight_processes_at_once(root: Path, cache: Path, state: str) -> None:
    truth = cold(root)
    assert truth.report["recommendations"]
    if state != "none":
        suggest(root)
        path = database(root, cache)
        data = path.read_bytes()
        path.write_bytes(b"garbage" * 9999 if state == "garbage" else data[:4096] + b"\xa5" * (len(data) - 4096))
    running = [start(root, "suggest", "--output-format", "json") for _ in range(8)]
    for process in running:
        assert finish(process) == truth
    assert suggest(root) == truth
    assert suggest(root) == truth
    assert verify(root) == (0, f"{FILES} of {FILES} cached files checked, 0 wrong\n")


def test_eight_processes_at_once_in_four_worktrees(root: Path, cache: Path, tmp_path: Path) -> None:
    trees = [tmp_path / f"tree{number}" for number in range(4)]
    for number, tree in enumerate(trees):
        subprocess.run(["git", "worktree", "add", "-q", "--detach", str(tree)], cwd=root, check=True)
        for file in range(number + 1):
            edit(tree, file, number + 1)
    truth = {tree: cold(tree) for tree in trees}
    running = [(tree, start(tree, "suggest", "--output-format", "json")) for tree in trees * 2]
    for tree, process in running:
        assert finish(process) == truth[tree]
    for tree in trees:  # eight at once may have waited too long for each other to keep everything
        assert suggest(tree) == truth[tree]
    assert len(list(cache.glob("*.sqlite"))) == 1
    edited = sum(range(1, 5))  # and the first file in each of them, so that nothing is known of what it was
    assert verify(trees[0])[1].startswith(f"{FILES} of {FILES - 1 + edited} cached files checked, 0 wrong")


# -------------------------------------------------------------------------------------------------------------- kills

KILLS = """
import os, pathlib, random, signal, sys, time
sys.path[:0] = sys.argv[2:]
from forked import import_everything
from semfora_hooks.config import load_config
from semfora_hooks.discovery import find_root
from semfora_hooks.engine import Request, SuggestEngine
from test_cache_faults import FILES, edit

root = pathlib.Path(sys.argv[1])
chance = random.Random(20261124)

def run():
    found = find_root([root], root)
    SuggestEngine(load_config(found.path)).run(Request(found))

def child():
    pid = os.fork()
    if pid:
        return pid
    try:
        run()
    finally:
        os._exit(0)

import_everything()

def measured():
    start = time.perf_counter()
    os.waitpid(child(), 0)
    return time.perf_counter() - start

edit(root, 0, 1)
seconds = measured()
killed = 0
for turn in range(100):
    if turn % 10 == 0:
        for path in pathlib.Path(os.environ["SEMFORA_CACHE_DIR"]).glob("*.sqlite*"):
            path.unlink()  # cold again: killed while the database is made
    for number in chance.sample(range(FILES), 6):
        edit(root, number, turn)
    pid = child()
    time.sleep(chance.uniform(0, 0.8 * seconds))
    os.kill(pid, signal.SIGKILL)
    was_killed = os.WIFSIGNALED(os.waitpid(pid, 0)[1])
    killed += was_killed
    seconds *= 1.03 if was_killed else 0.9  # how long a run takes changes with what else the machine does
print(killed)
"""


def test_a_hundred_kills(root: Path, cache: Path) -> None:
    """Each at another moment of a run that writes; forked, so that none is wasted on the interpreter's start."""
    suggest(root)
    command = [sys.executable, "-P", "-c", KILLS, str(root), str(HERE), str(HERE.parent)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT, cwd=root, check=True)
    assert "Traceback" not in done.stderr
    assert int(done.stdout) >= 40  # others were faster than what was expected
    truth = cold(root)
    assert suggest(root) == truth
    assert suggest(root) == truth
    code, text = verify(root)
    assert code == 0, text
    with contextlib.closing(sqlite3.connect(database(root, cache))) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


WRITERS = """
import os, pathlib, random, signal, sys, time
from semfora_hooks.index.store import FactStore
import msgspec
from semfora_hooks.languages.extract import extract

data = msgspec.msgpack.encode(extract(b"x = 1\\n" * 999, "python"))
chance = random.Random(7)

def write(number, ready):
    names = random.Random(number)
    os.write(ready, b"+")
    while True:
        store = FactStore(pathlib.Path(sys.argv[1]))
        store.save((f"{names.getrandbits(160):040x}", "python", data) for _ in range(300))
        store.close()

for number in range(12):
    begun, ready = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            write(number, ready)
        finally:
            os._exit(1)
    os.read(begun, 1)
    time.sleep(chance.uniform(0.0, 0.15))
    os.kill(pid, signal.SIGKILL)
    assert os.WIFSIGNALED(os.waitpid(pid, 0)[1])
"""


def test_kills_in_the_middle_of_writing(root: Path, cache: Path) -> None:
    truth = cold(root)
    command = [sys.executable, "-P", "-c", WRITERS, str(root)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert suggest(root) == truth
    code, text = verify(root)
    assert (code, " 0 wrong; " in text) == (0, True), text


# ------------------------------------------------------------------------------------------------------- no more room


@contextlib.contextmanager
def mounted(folder: Path, options: str) -> Iterator[bool]:
    """A file system in memory; whether we may have one."""
    folder.mkdir(exist_ok=True)
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", folder], capture_output=True, check=False)
    if done.returncode != 0:
        yield False
        return
    try:
        yield True
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


@pytest.mark.parametrize("size", [4, 28, 64, 100])
def test_a_full_disk(warm: Warm, size: int) -> None:
    shutil.rmtree(warm.cache)
    with mounted(warm.cache, f"size={size}k,mode=700") as is_small:
        room = None if is_small else size << 10
        assert suggest(warm.root, room=room) == warm.truth
        assert suggest(warm.root, room=room) == warm.truth
        if is_small:
            assert os.statvfs(warm.cache).f_blocks * os.statvfs(warm.cache).f_frsize == size << 10


@pytest.mark.parametrize("size", [1, 8192, 40_000])
def test_files_that_may_not_grow(warm: Warm, size: int) -> None:
    assert suggest(warm.root, room=size) == warm.truth
    assert suggest(warm.root) == warm.truth
    warm.database.unlink()
    assert suggest(warm.root, room=size) == warm.truth
    assert suggest(warm.root) == warm.truth
    assert verify(warm.root)[0] == 0


def test_a_disk_that_fills_up_between_runs(root: Path, cache: Path) -> None:
    with mounted(cache, "size=2m,mode=700") as is_small:
        assert suggest(root) == cold(root)
        if is_small:
            with (cache / "filler").open("wb", buffering=0) as stream, contextlib.suppress(OSError):
                while stream.write(b"x" * 512):
                    pass
        for number in range(FILES):
            edit(root, number, 7)
        truth = cold(root)
        room = None if is_small else database(root, cache).stat().st_size
        assert suggest(root, room=room) == truth
        (cache / "filler").unlink(missing_ok=True)
        assert suggest(root) == truth
        assert verify(root)[0] == 0


# ---------------------------------------------------------------------------------------------------------- read-only


def without_privileges() -> None:
    """Make file modes count for root too, from the next program on: without CAP_DAC_OVERRIDE and ..._READ_SEARCH."""
    if os.geteuid() == 0:
        libc = ctypes.CDLL(None, use_errno=True)
        for capability in (1, 2):
            if libc.prctl(24, capability, 0, 0, 0) != 0:
                raise OSError(ctypes.get_errno(), "prctl(PR_CAPBSET_DROP) failed")


@contextlib.contextmanager
def read_only(folder: Path, how: str) -> Iterator[Callable[[], None] | None]:
    """A folder that cannot be written: by its modes, or since its file system is so, where we may mount one."""
    mounted_over = False
    if how == "mount":
        command = "mount --bind {0} {0} && mount -o remount,bind,ro {0}".format(f"'{folder}'")
        mounted_over = subprocess.run(["sh", "-c", command], capture_output=True, check=False).returncode == 0
    modes = {path: path.stat().st_mode for path in (folder, *folder.rglob("*"))}
    if not mounted_over:
        for path in modes:
            path.chmod(0o500 if path.is_dir() else 0o400)
    try:
        yield None if mounted_over else without_privileges
    finally:
        if mounted_over:
            subprocess.run(["umount", "-l", folder], check=True)
        else:
            for path, mode in modes.items():
                path.chmod(mode)


def listing(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


READ = """
import pathlib, sys
from semfora_hooks import git
from semfora_hooks.index.store import FactStore
root = pathlib.Path(sys.argv[1])
store = FactStore(root)
keys = [(git.blob_id(path.read_bytes()), "python") for path in root.glob("*.py")]
print(store.read_only, store.problem, len(store.load(keys)), store.save([]))
"""


@pytest.mark.parametrize("how", ["mount", "modes"])
def test_a_cache_that_is_read_only(warm: Warm, how: str) -> None:
    before = listing(warm.cache)
    with read_only(warm.cache, how) as drop:
        assert suggest(warm.root, drop=drop) == warm.truth
        command = [sys.executable, "-P", "-c", READ, str(warm.root)]
        done = subprocess.run(command, preexec_fn=drop, capture_output=True, text=True, check=True)
        assert done.stdout == f"True None {FILES - 1} None\n"
    assert listing(warm.cache) == before


@pytest.mark.parametrize("how", ["mount", "modes"])
def test_a_read_only_cache_with_a_log(warm: Warm, how: str) -> None:
    """Whoever used it last was killed: what is in the log cannot be brought in."""
    connection = sqlite3.connect(warm.database, isolation_level=None)
    connection.execute("UPDATE blob SET used = used + 1")
    log = warm.database.with_name(warm.database.name + "-wal")
    data = log.read_bytes()
    connection.close()
    log.write_bytes(data)
    before = listing(warm.cache)
    with read_only(warm.cache, how) as drop:
        assert suggest(warm.root, drop=drop) == warm.truth
    assert listing(warm.cache) == before
    assert suggest(warm.root) == warm.truth


@pytest.mark.parametrize("how", ["mount", "modes"])
def test_a_read_only_cache_that_is_empty(warm: Warm, how: str) -> None:
    shutil.rmtree(warm.cache)
    warm.cache.mkdir(mode=0o700)
    with read_only(warm.cache, how) as drop:
        assert suggest(warm.root, drop=drop) == warm.truth
        assert suggest(warm.root, drop=drop, SEMFORA_CACHE_DIR=str(warm.cache / "deeper")) == warm.truth
    assert list(warm.cache.iterdir()) == []


@pytest.mark.parametrize("how", ["mount", "modes"])
def test_a_home_that_is_read_only(root: Path, tmp_path: Path, how: str) -> None:
    home = tmp_path / "home"
    home.mkdir()
    truth = cold(root)
    with read_only(home, how) as drop:
        for _ in range(2):
            assert suggest(root, drop=drop, HOME=str(home), SEMFORA_CACHE_DIR="-", XDG_CACHE_HOME="-") == truth
    assert list(home.iterdir()) == []
    assert suggest(root, HOME=str(home), SEMFORA_CACHE_DIR="-", XDG_CACHE_HOME="-") == truth
    assert list(home.rglob("*.sqlite")) != []


def test_a_home_that_does_not_exist_or_is_a_file(root: Path, tmp_path: Path) -> None:
    truth = cold(root)
    (tmp_path / "file").write_text("")
    for home in ("/proc/nowhere", str(tmp_path / "file"), "/dev/null"):
        assert suggest(root, HOME=home, SEMFORA_CACHE_DIR="-", XDG_CACHE_HOME="-") == truth


def test_nothing_is_written_into_the_repository(root: Path) -> None:
    truth = cold(root)
    before = sorted(path for path in root.rglob("*") if ".git" not in path.parts)
    for place in (root / "cache", root / ".git" / "cache", root):
        assert suggest(root, SEMFORA_CACHE_DIR=str(place)) == truth
    assert suggest(root, SEMFORA_CACHE_DIR="relative") == truth
    assert suggest(root, HOME=str(root), SEMFORA_CACHE_DIR="-", XDG_CACHE_HOME="-") == truth
    assert sorted(path for path in root.rglob("*") if ".git" not in path.parts) == before
    assert not (root / ".git" / "cache").exists()


# -------------------------------------------------------------------------------------------------------------- damage


def overwrite(start: float, length: int, seed: int) -> Callable[[Path], None]:
    """Noise from some part of the file on."""

    def change(path: Path) -> None:
        data = bytearray(path.read_bytes())
        first = int(len(data) * start)
        data[first : first + length] = random.Random(seed).randbytes(min(length, len(data) - first))
        path.write_bytes(data)

    return change


def every_third_page(path: Path) -> None:
    data = bytearray(path.read_bytes())
    for start in range(4096, len(data), 3 * 4096):
        data[start : start + 4096] = random.Random(start).randbytes(4096)
    path.write_bytes(data)


def schema(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[:100] + random.Random(5).randbytes(3996) + data[4096:])


def cut(share: float) -> Callable[[Path], None]:
    return lambda path: os.truncate(path, int(path.stat().st_size * share))


def foreign(path: Path) -> None:
    path.unlink()
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE blob (oid, language, version, used, checksum, facts)")
        connection.execute("CREATE TABLE bookmarks (url)")
        connection.commit()


def other_columns(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("ALTER TABLE blob RENAME COLUMN facts TO fiction")


def beside(suffix: str, data: bytes) -> Callable[[Path], object]:
    return lambda path: path.with_name(path.name + suffix).write_bytes(data)


def pipe(suffix: str) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        name = path.with_name(path.name + suffix) if suffix != ".lock" else path.with_suffix(suffix)
        name.unlink(missing_ok=True)
        os.mkfifo(name)

    return change


def as_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def rows_swapped(path: Path) -> None:
    """Each file gets the facts of the one before it; what a damaged tree could do."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        rows = connection.execute("SELECT oid, facts, checksum FROM blob ORDER BY id").fetchall()
        for (oid, _, _), (_, facts, checksum) in zip(rows, rows[1:] + rows[:1], strict=True):
            connection.execute("UPDATE blob SET facts = ?, checksum = ? WHERE oid = ?", (facts, checksum, oid))


DAMAGE: dict[str, Callable[[Path], object]] = {
    "a garbage page in the middle": overwrite(0.5, 4096, 1),
    "a garbage page early": overwrite(0.15, 4096, 2),
    "garbage at the end": overwrite(0.9, 99_999, 3),
    "garbage in many pages": every_third_page,
    "a garbage header": overwrite(0.0, 100, 4),
    "a garbage schema": schema,
    "empty": cut(0.0),
    "cut in the first page": cut(0.01),
    "cut in half": cut(0.5),
    "cut at the end": cut(0.97),
    "a text file": lambda path: path.write_text("dear diary\n" * 999),
    "another application's database": foreign,
    "other columns": other_columns,
    "a garbage log": beside("-wal", b"\xff" * 70_000),
    "a garbage index of the log": beside("-shm", b"\xff" * 32_768),
    "a garbage journal": beside("-journal", b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7" + b"\xff" * 9_000),
    "rows in each other's places": rows_swapped,
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_heals(warm: Warm, damage: str) -> None:
    DAMAGE[damage](warm.database)
    assert suggest(warm.root) == warm.truth
    assert suggest(warm.root) == warm.truth
    code, text = verify(warm.root)
    if code == 1:  # damage in what nobody asked for is found only now
        assert suggest(warm.root) == warm.truth
        code, text = verify(warm.root)
    assert (code, int(text.split()[0]) >= FILES) == (0, True), text


@pytest.mark.parametrize("seed", range(6))
def test_bits_that_turned(warm: Warm, seed: int) -> None:
    data = bytearray(warm.database.read_bytes())
    chance = random.Random(seed)
    for _ in range(30):
        data[chance.randrange(100, len(data))] ^= 1 << chance.randrange(8)
    warm.database.write_bytes(data)
    assert suggest(warm.root) == warm.truth
    assert suggest(warm.root) == warm.truth


@pytest.fixture(scope="module")
def stated(tmp_path_factory: pytest.TempPathFactory) -> Warm:
    """A repository with something staged, and a cache with the state of its last commit."""
    folder = tmp_path_factory.mktemp("stated")
    root = make(folder)
    edit(root, 4, 9)
    subprocess.run(["git", "add", "part4.py"], cwd=root, check=True)
    truth = suggest(root, "--staged", "--no-cache")
    assert suggest(root, "--staged", SEMFORA_CACHE_DIR=str(folder / "saved")) == truth  # writes the state
    assert suggest(root, "--staged", SEMFORA_CACHE_DIR=str(folder / "saved")) == truth  # reads it
    return Warm(root, folder / "cache", truth)


@pytest.mark.parametrize("seed", range(8))
def test_damage_to_what_changes_are_told_from(stated: Warm, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Staged runs read tables in which a row that cannot be found would be an answer."""
    shutil.rmtree(stated.cache, ignore_errors=True)
    shutil.copytree(stated.root.parent / "saved", stated.cache)
    monkeypatch.setenv("SEMFORA_CACHE_DIR", str(stated.cache))
    data = bytearray(stated.database.read_bytes())
    chance = random.Random(seed)
    for page in chance.sample(range(1, len(data) // 4096), 4):
        data[page * 4096 + 2000 : (page + 1) * 4096] = chance.randbytes(2096)
    stated.database.write_bytes(data)
    assert suggest(stated.root, "--staged") == stated.truth
    assert suggest(stated.root, "--staged") == stated.truth


OBSTACLES: dict[str, Callable[[Path], object]] = {
    "a folder": as_folder,
    "a pipe": pipe(""),
    "a pipe as log": pipe("-wal"),
    "a pipe as index of the log": pipe("-shm"),
    "a pipe as lock": pipe(".lock"),
}


@pytest.mark.parametrize("obstacle", OBSTACLES)
def test_what_is_in_the_way_stays(warm: Warm, obstacle: str) -> None:
    OBSTACLES[obstacle](warm.database)
    before = sorted(path.name for path in warm.cache.iterdir())
    assert suggest(warm.root) == warm.truth
    assert sorted(path.name for path in warm.cache.iterdir()) == before


@pytest.mark.parametrize("suffix", ["", "-wal", "-shm"])
def test_links_are_not_followed(warm: Warm, tmp_path: Path, suffix: str) -> None:
    (tmp_path / "victim").write_bytes(b"precious")
    name = warm.database.with_name(warm.database.name + suffix)
    name.unlink(missing_ok=True)
    name.symlink_to(tmp_path / "victim")
    assert suggest(warm.root) == warm.truth
    assert (tmp_path / "victim").read_bytes() == b"precious"


def test_the_database_of_a_newer_version_is_left_alone(warm: Warm) -> None:
    path = warm.database
    newer = path.with_name(path.name.replace(f"-v{SCHEMA_VERSION}", f"-v{SCHEMA_VERSION + 1}"))
    shutil.copy(path, newer)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version={SCHEMA_VERSION + 1}")
        connection.execute("PRAGMA journal_mode=DELETE")
    before = (path.read_bytes(), newer.read_bytes())
    assert suggest(warm.root) == warm.truth
    assert (path.read_bytes(), newer.read_bytes()) == before


def test_a_poisoned_cache_is_noticed(root: Path, cache: Path) -> None:
    truth = suggest(root)
    name = subprocess.run(["git", "hash-object", "part5.py"], cwd=root, capture_output=True, text=True, check=True)
    oid = name.stdout.strip()
    facts = msgspec.msgpack.encode(extract(b"def innocent():\n    return 1\n", "python"))
    with contextlib.closing(sqlite3.connect(database(root, cache), isolation_level=None)) as connection:
        checksum = checksum_of(oid, "python", extractor_key(), facts)
        connection.execute("UPDATE blob SET facts = ?, checksum = ? WHERE oid = ?", (facts, checksum, oid))
        assert connection.execute("SELECT changes()").fetchone() == (1,)
    code, text = verify(root)
    assert code == 1
    assert text.startswith("wrong: part5.py (python): it is not what the content says\n")
    assert suggest(root) == truth
    assert verify(root)[0] == 0


def test_a_cache_that_goes_away_during_runs(root: Path, cache: Path) -> None:
    truth = cold(root)
    running = [start(root, "suggest", "--output-format", "json") for _ in range(4)]
    while any(process.poll() is None for process in running):
        shutil.rmtree(cache, ignore_errors=True)
        for process in running:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.005)
    for process in running:
        assert finish(process) == truth
    assert suggest(root) == truth
