"""The store saves time and nothing else: every failure of it is a miss."""

from __future__ import annotations

import os
import random
import sqlite3
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from semfora_hooks.index import store as store_module
from semfora_hooks.index.database import cache_folder
from semfora_hooks.index.store import FactStore, checksum_of, extractor_key
from semfora_hooks.languages.extract import extract
from semfora_hooks.languages.facts import FileFacts

KEY = ("a" * 40, "python")
SOURCE = b'import os\n\n\n@deco\ndef f(x: int = 1) -> None:\n    """Doc."""\n    if x and os:\n        os.g(x)\n'


def facts(source: bytes = SOURCE) -> FileFacts:
    return extract(source, "python")


def row(key: tuple[str, str] = KEY, source: bytes = SOURCE) -> tuple[str, str, bytes]:
    return (*key, msgspec.msgpack.encode(facts(source)))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "repository"


def database(folder: Path) -> Path:
    (path,) = folder.glob("*.sqlite")
    return path


def works(root: Path, folder: Path) -> bool:
    """Whether a new store keeps what it is given."""
    FactStore(root, folder).save([row()])
    return FactStore(root, folder).load([KEY]) == {KEY: facts()}


def test_what_is_saved_is_loaded_by_another_store(root: Path, folder: Path) -> None:
    store = FactStore(root, folder)
    assert store.load([KEY]) == {}
    store.save([row()])
    assert store.load([KEY]) == {KEY: facts()}
    store.close()
    assert store.load([KEY]) == {}
    assert FactStore(root, folder).load([KEY, ("b" * 40, "python")]) == {KEY: facts()}


def test_facts_of_real_source_survive_the_trip(root: Path, folder: Path) -> None:
    source = Path(store_module.__file__).read_bytes()
    FactStore(root, folder).save([row(source=source)])
    assert FactStore(root, folder).load([KEY])[KEY] == facts(source)


def test_more_keys_than_sqlite_has_variables(root: Path, folder: Path) -> None:
    keys = [(f"{i:040x}", "python") for i in range(2_500)]
    store = FactStore(root, folder)
    store.save(row(key) for key in keys)
    assert set(FactStore(root, folder).load([*keys, *keys])) == set(keys)


def test_languages_and_repositories_are_kept_apart(root: Path, folder: Path) -> None:
    other = (KEY[0], "other")
    FactStore(root, folder).save([row(KEY, b"x = 1\n"), row(other, b"y = 2\n")])
    found = FactStore(root, folder).load([KEY, other])
    assert (found[KEY].mentions, found[other].mentions) == ({"x": 1}, {"y": 1})
    assert FactStore(root / "elsewhere", folder).load([KEY]) == {}
    assert len(list(folder.glob("*.sqlite"))) == 2


def test_saving_again_replaces(root: Path, folder: Path) -> None:
    store = FactStore(root, folder)
    store.save([row(source=b"x = 1\n")])
    store.save([row(source=b"y = 1\n")])
    assert store.load([KEY])[KEY].mentions == {"y": 1}


def test_another_version_is_a_miss(root: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    FactStore(root, folder).save([row()])
    monkeypatch.setattr(store_module, "EXTRACTOR_VERSION", 999)
    store = FactStore(root, folder)
    assert store.load([KEY]) == {}
    store.save([row(source=b"new = 1\n")])
    assert store.load([KEY])[KEY].mentions == {"new": 1}
    monkeypatch.undo()
    assert FactStore(root, folder).load([KEY]) == {KEY: facts()}


def test_the_key_names_everything_facts_depend_on(monkeypatch: pytest.MonkeyPatch) -> None:
    before = extractor_key()
    monkeypatch.setattr(store_module, "_version", lambda name: f"{name}-9.9")
    assert extractor_key() not in (before, "")
    monkeypatch.setattr(store_module, "__version__", "77.0")
    assert extractor_key().startswith("77.0-")


# ------------------------------------------------------------------------------------------------------- failures


@pytest.mark.parametrize(
    "garbage", [b"", b"not a database at all, by far" * 100, b"SQLite format 3\0" + b"\xff" * 5000]
)
def test_a_file_that_is_no_database_is_replaced(root: Path, folder: Path, garbage: bytes) -> None:
    FactStore(root, folder).close()
    path = database(folder)
    for extra in folder.glob("*.sqlite-*"):
        extra.unlink()
    path.write_bytes(garbage)
    assert FactStore(root, folder).load([KEY]) == {}
    assert works(root, folder)


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9])
def test_a_truncated_database_is_a_miss_and_mends_itself(root: Path, folder: Path, kept: float) -> None:
    keys = [(f"{i:040x}", "python") for i in range(500)]
    store = FactStore(root, folder)
    store.save(row(key) for key in keys)
    store.close()
    path = database(folder)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * kept)])
    found = FactStore(root, folder).load(keys)
    assert all(value == facts() for value in found.values())
    FactStore(root, folder).load(keys)
    FactStore(root, folder).save([row()])
    assert works(root, folder)


def test_garbage_pages_never_give_wrong_facts(root: Path, folder: Path) -> None:
    keys = [(f"{i:040x}", "python") for i in range(500)]
    store = FactStore(root, folder)
    store.save(row(key) for key in keys)
    store.close()
    path = database(folder)
    data = bytearray(path.read_bytes())
    noise = random.Random(1)
    for start in range(8192, len(data) - 4096, 3 * 4096):
        data[start + 1000 : start + 1400] = noise.randbytes(400)
    path.write_bytes(data)
    found = FactStore(root, folder).load(keys)
    assert len(found) < 500
    assert all(value == facts() for value in found.values())
    FactStore(root, folder).save([row()])
    assert works(root, folder)


@pytest.mark.parametrize(
    ("facts_value", "checksum"),
    [
        (b"\xc1garbage", None),
        (b"", None),
        (row()[2], 1),
        ("text", 5),
        (None, None),
        (12, 12),
        (b"\x90", None),
        (row()[2], "x"),
    ],
)
def test_a_garbage_row_is_a_miss_and_its_neighbours_are_not(
    root: Path, folder: Path, facts_value: object, checksum: object
) -> None:
    good = ("c" * 40, "python")
    FactStore(root, folder).save([row(), row(good)])
    if checksum is None and isinstance(facts_value, bytes):
        checksum = checksum_of(*KEY, extractor_key(), facts_value)
    with sqlite3.connect(database(folder)) as connection:
        connection.execute("UPDATE blob SET facts = ?, checksum = ? WHERE oid = ?", (facts_value, checksum, KEY[0]))
    connection.close()
    assert FactStore(root, folder).load([KEY, good]) == {good: facts()}
    assert works(root, folder)


def test_a_database_that_turns_out_to_be_damaged_is_removed(root: Path, folder: Path) -> None:
    store = FactStore(root, folder)
    store.save(row((f"{i:040x}", "python")) for i in range(500))
    store.close()
    path = database(folder)
    data = bytearray(path.read_bytes())
    for start in range(4096, len(data), 4096):  # all pages but the first
        data[start : start + 4096] = b"\xff" * len(data[start : start + 4096])
    path.write_bytes(data)
    assert FactStore(root, folder).load([KEY]) == {}
    assert works(root, folder)


def test_facts_of_another_shape_are_a_miss(root: Path, folder: Path) -> None:
    FactStore(root, folder).save([(*KEY, msgspec.msgpack.encode(["python", [["only", "three", "fields"]]]))])
    assert FactStore(root, folder).load([KEY]) == {}


def test_a_folder_that_cannot_be_made_is_no_error(root: Path, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    for place in (blocked, blocked / "deeper"):
        store = FactStore(root, place)
        store.save([row()])
        assert store.load([KEY]) == {}
    assert blocked.read_text() == "in the way"


def test_a_folder_where_the_database_should_be_is_no_error(root: Path, folder: Path) -> None:
    FactStore(root, folder).close()
    path = database(folder)
    for extra in folder.glob("*.sqlite*"):
        extra.unlink()
    path.mkdir()
    store = FactStore(root, folder)
    store.save([row()])
    assert store.load([KEY]) == {}


def test_a_folder_of_another_user_is_not_trusted(root: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    FactStore(root, folder).save([row()])
    monkeypatch.setattr(os, "getuid", lambda: 54321)
    assert FactStore(root, folder).load([KEY]) == {}


def test_a_lock_that_is_held_is_no_error(root: Path, folder: Path) -> None:
    FactStore(root, folder).save([row()])
    blocker = sqlite3.connect(database(folder), isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    store = FactStore(root, folder)
    assert store.load([KEY]) == {KEY: facts()}
    store.save([row(("d" * 40, "python"))])  # waits, gives up
    blocker.execute("ROLLBACK")
    blocker.close()
    assert FactStore(root, folder).load([KEY, ("d" * 40, "python")]) == {KEY: facts()}


def test_the_cache_folder_can_be_chosen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, root: Path) -> None:
    monkeypatch.setenv("SEMFORA_CACHE_DIR", str(tmp_path / "chosen"))
    assert cache_folder() == tmp_path / "chosen"
    FactStore(root).save([row()])
    assert FactStore(root, tmp_path / "chosen").load([KEY]) == {KEY: facts()}
    monkeypatch.delenv("SEMFORA_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder().name == "semfora-hooks"


def test_the_folder_is_the_users_alone(root: Path, folder: Path) -> None:
    FactStore(root, folder).close()
    assert folder.stat().st_mode & 0o077 == 0


def test_a_row_in_anothers_place_is_a_miss(root: Path, folder: Path) -> None:
    """A damaged tree can give a row another key; both are whole."""
    FactStore(root, folder).save([row(source=b"other = 1\n")])
    with sqlite3.connect(database(folder)) as connection:
        connection.execute("UPDATE blob SET oid = ?", ("e" * 40,))
    connection.close()
    assert FactStore(root, folder).load([("e" * 40, "python")]) == {}


def test_text_that_is_no_utf8_is_damage(root: Path, folder: Path) -> None:
    FactStore(root, folder).save([row()])
    with sqlite3.connect(database(folder)) as connection:
        connection.execute("UPDATE blob SET language = CAST(x'ff' AS TEXT)")
    connection.close()
    assert FactStore(root, folder).load([KEY]) == {}
    assert works(root, folder)


# ------------------------------------------------------------------------------------------------ sharing and its use


def test_worktrees_share_what_they_know(tmp_path: Path, folder: Path) -> None:
    def git(cwd: Path, *arguments: str) -> None:
        subprocess.run(["git", *arguments], cwd=cwd, check=True, capture_output=True)

    clone = tmp_path / "clone"
    clone.mkdir()
    git(clone, "init", "-q")
    git(clone, "commit", "-q", "--allow-empty", "-m", "first")
    git(clone, "worktree", "add", "-q", str(tmp_path / "other"))
    FactStore(clone, folder).save([row()])
    assert FactStore(tmp_path / "other", folder).load([KEY]) == {KEY: facts()}
    with sqlite3.connect(database(folder)) as connection:
        assert connection.execute("SELECT value FROM meta").fetchone() == (os.fsencode(clone),)
    connection.close()


def test_a_cache_in_the_repository_is_none(root: Path) -> None:
    root.mkdir()
    store = FactStore(root, root / "cache")
    store.save([row()])
    assert (store.load([KEY]), store.connection, store.read_only) == ({}, None, True)
    assert store.problem is not None
    assert "lies in the repository" in store.problem
    assert list(root.iterdir()) == []


def test_other_modules_use_the_connection(root: Path, folder: Path) -> None:
    store = FactStore(root, folder)
    assert store.connection is not None
    assert not store.read_only
    store.connection.execute("BEGIN IMMEDIATE")
    store.connection.execute("CREATE TABLE theirs (x)")
    store.connection.execute("COMMIT")
    store.give_up(sqlite3.OperationalError("database is locked"))
    assert (store.connection, store.read_only, store.problem) == (None, True, "database is locked")
    store.give_up(sqlite3.OperationalError("again"))
    store.close()


def test_what_other_modules_keep_is_dropped_where_the_file_was_altered(root: Path, folder: Path) -> None:
    """A garbage page can hide rows of theirs; facts have checksums, and what is not found is computed."""

    def tables() -> list[str] | None:
        store = FactStore(root, folder)
        connection = store.connection
        query = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name LIKE 'their%'"
        found = None if connection is None else [name for (name,) in connection.execute(query)]
        assert store.load([KEY]) == {KEY: facts()}
        store.close()
        return found

    store = FactStore(root, folder)
    store.save([row()])
    assert store.connection is not None
    store.connection.execute('CREATE TABLE "their ""table" (x)')
    store.close()
    assert [tables(), tables()] == [['their "table'], ['their "table']]
    os.utime(database(folder))
    assert [tables(), tables()] == [[], []]


def test_rows_keep_their_ids(root: Path, folder: Path) -> None:
    def ids() -> list[tuple[int]]:
        with sqlite3.connect(database(folder)) as connection:
            found = connection.execute("SELECT id FROM blob ORDER BY id").fetchall()
        connection.close()
        return found

    FactStore(root, folder).save([row(), row(("b" * 40, "python"))])
    FactStore(root, folder).save([row(source=b"x = 1\n")])
    assert ids() == [(1,), (2,)]
    with sqlite3.connect(database(folder)) as connection:
        connection.execute("DELETE FROM blob WHERE id = 2")
    connection.close()
    FactStore(root, folder).save([row(("c" * 40, "python"))])
    assert ids()[0] == (1,)
    assert ids()[1] > (2,)


def test_a_damaged_database_is_removed_by_who_gives_it_up_last(root: Path, folder: Path) -> None:
    first, second = FactStore(root, folder), FactStore(root, folder)
    first.save([row()])
    damage = sqlite3.DatabaseError("malformed")
    damage.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    first.give_up(damage)
    assert database(folder).exists()
    assert second.load([KEY]) == {KEY: facts()}
    second.give_up(damage)
    assert list(folder.glob("*.sqlite")) == []
    assert works(root, folder)


def test_use_is_noted_once_a_week(root: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def use(day: int) -> int:
        monkeypatch.setattr(store_module, "today", lambda: day)
        store = FactStore(root, folder)
        assert store.load([KEY]) == {KEY: facts()}
        store.close()
        with sqlite3.connect(database(folder)) as connection:
            (used,) = connection.execute("SELECT used FROM blob WHERE oid = ?", (KEY[0],)).fetchone()
        connection.close()
        return int(used)

    monkeypatch.setattr(store_module, "today", lambda: 100)
    FactStore(root, folder).save([row(), row(("b" * 40, "python"))])
    assert [use(day) for day in (100, 106, 107, 110, 114)] == [100, 100, 107, 107, 114]
    with sqlite3.connect(database(folder)) as connection:
        assert connection.execute("SELECT used FROM blob WHERE oid = ?", ("b" * 40,)).fetchone() == (100,)
        connection.execute("UPDATE blob SET used = 'garbage'")
    connection.close()
    assert FactStore(root, folder).load([KEY]) == {KEY: facts()}


def test_more_rows_than_a_transaction_holds(root: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "_ROWS_A_TRANSACTION", 3)
    keys = [(f"{i:040x}", "python") for i in range(10)]
    FactStore(root, folder).save(row(key) for key in keys)
    assert set(FactStore(root, folder).load(keys)) == set(keys)


def test_a_replaced_database_says_so(root: Path, folder: Path) -> None:
    store = FactStore(root, folder)
    assert not store.mended
    store.close()
    path = database(folder)
    path.write_bytes(b"garbage" * 999)
    store = FactStore(root, folder)
    assert store.mended
    store.close()
    store = FactStore(root, folder)
    assert not store.mended
    store.close()


def test_a_store_that_was_forgotten_blocks_nobody(root: Path, folder: Path) -> None:
    store = FactStore(root, folder)
    store.save([row()])
    del store
    database(folder).write_bytes(b"garbage" * 999)
    assert works(root, folder)


def test_versions_are_those_importlib_metadata_tells() -> None:
    from importlib.metadata import version

    grammars = [version("tree-sitter"), version("tree-sitter-python")]
    assert extractor_key().split("-")[2:4] == grammars
    assert store_module._version("no_such_package") == "?"


WRITER = """
import sys, pathlib, msgspec
from semfora_hooks.index import database
from semfora_hooks.index.store import FactStore
from semfora_hooks.languages.extract import extract
database._BUSY_SECONDS = 50  # rather than go without the cache, as a hook would on a machine that stalls
root, folder, name = sys.argv[1:]
data = msgspec.msgpack.encode(extract(b"x = 1\\n", "python"))
for turn in range(40):
    store = FactStore(pathlib.Path(root), pathlib.Path(folder))
    keys = [(f"{name}{turn:03}{i:03}", "python") for i in range(20)]
    store.save([(*key, data) for key in keys])
    assert len(store.load(keys)) == 20, (name, turn)
    store.close()
"""


def test_processes_at_once_lose_nothing(root: Path, folder: Path) -> None:
    running = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(root), str(folder), name], stderr=subprocess.PIPE)
        for name in "abc"
    ]
    for process in running:
        _, errors = process.communicate(timeout=120)
        assert (process.returncode, errors) == (0, b"")
    keys = [(f"{name}{turn:03}{i:03}", "python") for name in "abc" for turn in range(40) for i in range(20)]
    assert len(FactStore(root, folder).load(keys)) == 2_400
