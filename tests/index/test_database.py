"""Where a database is, who may use it, and how it is made, mended and removed: never under somebody else's hands."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from semfora_hooks.index import database
from semfora_hooks.index.database import (
    FileLock,
    Unusable,
    cache_folder,
    check_folder,
    database_path,
    is_damage,
    open_database,
    remove_database,
    shared_folder,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "cache"
    path.mkdir(mode=0o700)
    return path


@pytest.fixture
def path(folder: Path) -> Path:
    return database_path(Path("/somewhere"), folder)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    root = tmp_path / "clone"
    root.mkdir()
    git(root, "init", "-q", "-b", "main")
    git(root, "commit", "-q", "--allow-empty", "-m", "first")
    return root


def git(cwd: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=cwd, check=True, capture_output=True)


def fill(path: Path, value: str = "x") -> None:
    opened = open_database(path, Path("/somewhere"))
    opened.connection.execute("INSERT OR REPLACE INTO meta VALUES ('mark', ?)", (value,))
    opened.close()


def mark(path: Path) -> str | None:
    opened = open_database(path, Path("/somewhere"))
    row = opened.connection.execute("SELECT value FROM meta WHERE key = 'mark'").fetchone()
    opened.close()
    return row and row[0]


# ----------------------------------------------------------------------------------------------------- which database


def test_a_plain_folder_is_itself(tmp_path: Path) -> None:
    assert shared_folder(tmp_path) == tmp_path
    (tmp_path / "link").symlink_to(tmp_path)
    assert shared_folder(tmp_path / "link") == tmp_path


def test_worktrees_share(clone: Path, tmp_path: Path) -> None:
    git(clone, "worktree", "add", "-q", str(tmp_path / "other"))
    git(tmp_path / "other", "worktree", "add", "-q", str(tmp_path / "third"), "-b", "third")
    assert shared_folder(clone) == clone / ".git"
    assert shared_folder(tmp_path / "other") == shared_folder(tmp_path / "third") == clone / ".git"


def test_worktrees_with_relative_links_share(clone: Path, tmp_path: Path) -> None:
    git(clone, "worktree", "add", "-q", str(tmp_path / "other"))
    (tmp_path / "other" / ".git").write_text("gitdir: ../clone/.git/worktrees/other\n")
    assert shared_folder(tmp_path / "other") == clone / ".git"


def test_a_separate_git_folder(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    git(tmp_path / "work", "init", "-q", "--separate-git-dir", str(tmp_path / "elsewhere"))
    assert shared_folder(tmp_path / "work") == tmp_path / "elsewhere"


def test_a_submodule_is_a_repository_of_its_own(clone: Path, tmp_path: Path) -> None:
    parent = tmp_path / "parent"
    parent.mkdir()
    git(parent, "init", "-q")
    git(parent, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(clone), "sub")
    assert shared_folder(parent / "sub") == parent / ".git" / "modules" / "sub"


def test_clones_share_nothing(clone: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", str(clone), "copy")
    assert shared_folder(tmp_path / "copy") != shared_folder(clone)


@pytest.mark.parametrize(
    "text", [b"", b"gitdir: ", b"gitdir: nowhere", b"gitdir: /etc", b"nonsense", b"gitdir: " + b"x" * 9000, b"\xff\0"]
)
def test_a_git_file_that_leads_nowhere_is_a_plain_folder(tmp_path: Path, text: bytes) -> None:
    (tmp_path / ".git").write_bytes(text)
    assert shared_folder(tmp_path) == tmp_path


def test_a_git_file_that_is_a_pipe_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / ".git")
    assert shared_folder(tmp_path) == tmp_path


def test_the_name_depends_on_the_repository_and_the_schema(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = {database_path(Path("/a"), folder), database_path(Path("/b"), folder)}
    monkeypatch.setattr(database, "SCHEMA_VERSION", database.SCHEMA_VERSION + 1)
    names.add(database_path(Path("/a"), folder))
    assert len(names) == 3


# ---------------------------------------------------------------------------------------------------------- the folder


def test_the_cache_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SEMFORA_CACHE_DIR", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SEMFORA_CACHE_DIR", "relative")
    assert cache_folder() == tmp_path / "relative"
    monkeypatch.delenv("SEMFORA_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder().name == "semfora-hooks"


def test_a_folder_is_made_for_the_user_alone(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        check_folder(tmp_path / "new" / "cache", create=True)
    finally:
        os.umask(old)
    assert (tmp_path / "new" / "cache").stat().st_mode & 0o777 == 0o700


def test_a_folder_in_the_repository_is_not_made(clone: Path, tmp_path: Path) -> None:
    git(clone, "worktree", "add", "-q", str(tmp_path / "other"))
    (tmp_path / "link").symlink_to(clone)
    for inside in (clone / "cache", clone / ".git" / "cache", clone, tmp_path / "link" / "cache"):
        with pytest.raises(Unusable, match="lies in the repository"):
            check_folder(inside, clone, create=True)
    with pytest.raises(Unusable, match="lies in the repository"):
        check_folder(clone / ".git" / "cache", tmp_path / "other", create=True)
    check_folder(tmp_path / "clone-cache", clone, create=True)
    assert sorted(path.name for path in clone.iterdir()) == [".git"]
    assert not (clone / ".git" / "cache").exists()


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o777, 0o1777])
def test_a_folder_others_can_write_is_not_used(folder: Path, mode: int) -> None:
    folder.chmod(mode)
    with pytest.raises(Unusable, match="other users can write"):
        check_folder(folder)
    assert folder.stat().st_mode & 0o7777 == mode
    folder.chmod(0o755)
    check_folder(folder)


def test_a_folder_that_is_a_link_or_a_file_is_not_used(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(folder)
    with pytest.raises(Unusable, match="symbolic link"):
        check_folder(tmp_path / "link", create=True)
    check_folder(tmp_path / "link" / "inside", create=True)  # links on the way are the user's business
    (tmp_path / "file").write_text("")
    with pytest.raises(Unusable, match="not a folder"):
        check_folder(tmp_path / "file")


def test_a_folder_of_another_user_is_not_used(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 54321)
    with pytest.raises(Unusable, match="belongs to another user"):
        check_folder(folder)


# -------------------------------------------------------------------------------------------------- opening, mending


def test_a_new_database(path: Path) -> None:
    opened = open_database(path, Path("/somewhere"))
    assert (opened.read_only, opened.mended) == (False, False)
    one = {
        name: opened.connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("journal_mode", "synchronous", "auto_vacuum", "user_version", "trusted_schema")
    }
    assert one == {
        "journal_mode": "wal",
        "synchronous": 1,
        "auto_vacuum": 2,
        "user_version": database.SCHEMA_VERSION,
        "trusted_schema": 0,
    }
    assert opened.connection.isolation_level is None
    opened.connection.execute("INSERT INTO meta VALUES ('mark', 'x')")
    files = {item.name.removeprefix(path.stem): item.stat().st_mode & 0o777 for item in path.parent.iterdir()}
    assert files == {".sqlite": 0o600, ".sqlite-wal": 0o600, ".sqlite-shm": 0o600, ".lock": 0o600}
    opened.close()
    assert mark(path) == "x"


def test_tables_of_other_modules_are_left_alone(path: Path) -> None:
    opened = open_database(path, Path("/somewhere"))
    opened.connection.execute("CREATE TABLE theirs (x)")
    opened.connection.execute("INSERT INTO theirs VALUES (7)")
    opened.close()
    opened = open_database(path, Path("/somewhere"))
    assert opened.connection.execute("SELECT x FROM theirs").fetchall() == [(7,)]
    opened.close()


def set_version(path: Path, change: int) -> None:
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version={database.SCHEMA_VERSION + change}")
    connection.close()


def test_an_older_schema_is_made_again(path: Path) -> None:
    fill(path)
    set_version(path, -1)
    opened = open_database(path, Path("/somewhere"))
    assert opened.mended
    opened.close()
    assert mark(path) is None


def test_a_newer_schema_is_left_alone(path: Path) -> None:
    fill(path)
    set_version(path, 1)
    with pytest.raises(Unusable, match="newer version"):
        open_database(path, Path("/somewhere"))
    set_version(path, 0)
    assert mark(path) == "x"


def test_the_database_of_another_application_is_replaced(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE blob (oid, language, version, facts, checksum)")
    connection.execute("PRAGMA user_version=99")
    connection.commit()
    connection.close()
    opened = open_database(path, Path("/somewhere"))
    assert opened.mended
    assert opened.connection.execute("SELECT count(id) FROM blob").fetchone() == (0,)
    opened.close()


def test_one_that_was_not_finished_is_made_again(path: Path) -> None:
    """Killed after the file was made, or after its mode was set."""
    path.touch()
    fill(path)
    path.unlink()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.close()
    fill(path)
    assert mark(path) == "x"


def test_the_log_of_a_database_that_is_gone_is_not_applied(path: Path) -> None:
    opened = open_database(path, Path("/somewhere"))
    opened.connection.execute("INSERT INTO meta VALUES ('mark', 'old')")
    log = path.with_name(path.name + "-wal").read_bytes()
    path.unlink()  # by somebody who does not know that three files are one
    opened.close()
    path.with_name(path.name + "-wal").write_bytes(log)
    assert mark(path) is None


@pytest.mark.parametrize("suffix", ["", "-wal"])
def test_a_link_in_its_place_is_not_followed(path: Path, tmp_path: Path, suffix: str) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    path.with_name(path.name + suffix).symlink_to(victim)
    with pytest.raises(Unusable, match="not a regular file"):
        open_database(path, Path("/somewhere"))
    assert victim.read_bytes() == b"precious"


def test_a_link_in_the_locks_place_is_not_followed(path: Path, tmp_path: Path) -> None:
    path.with_suffix(".lock").symlink_to(tmp_path / "victim")
    with pytest.raises(OSError):
        open_database(path, Path("/somewhere"))
    assert not (tmp_path / "victim").exists()


def test_a_file_of_another_user_is_not_used(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(path)
    monkeypatch.setattr(os, "getuid", lambda: 54321)
    with pytest.raises(Unusable, match="belongs to another user"):
        open_database(path, Path("/somewhere"))


def test_what_damage_is(path: Path) -> None:
    path.write_bytes(b"no database" * 500)
    with sqlite3.connect(path) as connection, pytest.raises(sqlite3.DatabaseError) as caught:
        connection.execute("SELECT 1 FROM sqlite_schema")
    connection.close()
    assert is_damage(caught.value)
    memory = sqlite3.connect(":memory:")
    with pytest.raises(sqlite3.OperationalError) as caught:
        memory.execute("SELECT * FROM nowhere")
    assert is_damage(caught.value)  # our tables are not there
    with pytest.raises(sqlite3.OperationalError) as caught:
        memory.execute("SELECT CAST(x'ff' AS TEXT)").fetchall()
    assert is_damage(caught.value)
    memory.execute("PRAGMA max_page_count=2")
    with pytest.raises(sqlite3.OperationalError) as caught:
        memory.execute("CREATE TABLE t AS SELECT zeroblob(99999)")
    assert not is_damage(caught.value)  # full
    memory.close()
    with pytest.raises(sqlite3.ProgrammingError) as closed:
        memory.execute("SELECT 1")
    assert not is_damage(closed.value)


# ------------------------------------------------------------------------------------------------------------ locking


def test_locks(path: Path) -> None:
    first, second, third = FileLock(path), FileLock(path), FileLock(path)
    assert first.acquire(exclusive=False)
    assert second.acquire(exclusive=False)
    assert not third.acquire(exclusive=True)
    first.release()
    assert not third.acquire(exclusive=True, seconds=0.05)
    second.release()
    assert third.acquire(exclusive=True)
    assert not first.acquire(exclusive=False)
    third.release()
    third.release()


def test_a_lock_waits(path: Path) -> None:
    first, second = FileLock(path), FileLock(path)
    assert first.acquire(exclusive=True)
    timer = threading.Timer(0.2, first.release)
    timer.start()
    assert second.acquire(exclusive=False, seconds=30)
    timer.join()
    second.release()


def test_a_lock_that_was_removed_meanwhile_is_not_the_lock(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever opened the file before it was removed would hold a lock that nobody else sees."""
    real, calls = os.open, []

    def opens(name: Path, *arguments: int) -> int:
        descriptor = real(name, *arguments)
        if not calls:
            name.unlink()
        calls.append(name)
        return descriptor

    monkeypatch.setattr(os, "open", opens)
    lock = FileLock(path)
    assert lock.acquire(exclusive=True)
    monkeypatch.undo()
    assert len(calls) == 2
    assert not FileLock(path).acquire(exclusive=False)
    lock.release()


def test_a_lock_ends_with_its_process(path: Path) -> None:
    code = (
        "import sys, pathlib, time; from semfora_hooks.index.database import FileLock\n"
        "lock = FileLock(pathlib.Path(sys.argv[1]))\n"
        "print(lock.acquire(exclusive=True), flush=True)\n"
        "time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"True\n"
    assert not FileLock(path).acquire(exclusive=False)
    process.kill()
    process.communicate()
    lock = FileLock(path)
    assert lock.acquire(exclusive=True)
    lock.release()


def test_a_database_in_use_is_not_removed(path: Path) -> None:
    opened = open_database(path, Path("/somewhere"))
    assert not remove_database(path)
    opened.connection.execute("INSERT INTO meta VALUES ('mark', 'x')")
    opened.close()
    assert mark(path) == "x"
    assert remove_database(path)
    assert list(path.parent.iterdir()) == []
    assert remove_database(path)


def test_a_damaged_database_in_use_is_not_replaced(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "_BUSY_SECONDS", 0.1)
    user = FileLock(path)
    assert user.acquire(exclusive=False)
    path.write_bytes(b"garbage" * 999)
    with pytest.raises(Unusable, match="other processes still use it"):
        open_database(path, Path("/somewhere"))
    assert path.read_bytes() == b"garbage" * 999
    user.release()
    fill(path)
    assert mark(path) == "x"


def test_use_is_noted_once_a_day(path: Path) -> None:
    lock = path.with_suffix(".lock")
    fill(path)
    os.utime(lock, (time.time() - 3600,) * 2)
    before = lock.stat().st_mtime
    mark(path)
    assert lock.stat().st_mtime == before
    os.utime(lock, (time.time() - 90_000,) * 2)
    mark(path)
    assert lock.stat().st_mtime > time.time() - 600


def is_altered(path: Path) -> bool:
    opened = open_database(path, Path("/somewhere"))
    opened.close()
    return opened.altered


def test_what_others_did_to_the_file_is_noticed(path: Path) -> None:
    fill(path)
    assert [is_altered(path), is_altered(path)] == [False, False]
    data = path.read_bytes()
    path.write_bytes(data)
    assert [is_altered(path), is_altered(path)] == [True, False]
    path.with_suffix(".lock").unlink()
    assert [is_altered(path), is_altered(path)] == [True, False]


def test_what_runs_do_is_no_alteration(path: Path) -> None:
    first, second = open_database(path, Path("/somewhere")), open_database(path, Path("/somewhere"))
    first.connection.execute("INSERT INTO meta VALUES ('mark', 'x')")
    third = open_database(path, Path("/somewhere"))
    assert not third.altered
    for opened in (first, third, second):
        opened.connection.execute("UPDATE meta SET value = 'y' WHERE key = 'mark'")
        opened.close()
    assert not is_altered(path)
    code = (
        "import sys, os, pathlib; from semfora_hooks.index.database import open_database\n"
        "opened = open_database(pathlib.Path(sys.argv[1]), pathlib.Path('/somewhere'))\n"
        "opened.connection.execute('UPDATE meta SET value = 1')\n"
        "opened.connection.execute('PRAGMA wal_checkpoint')\n"
        "os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    assert [is_altered(path), is_altered(path)] == [False, False]
