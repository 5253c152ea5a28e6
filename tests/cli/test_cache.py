"""`cache info`, `cache clean`, `cache verify`."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from binascii import crc32
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from semfora_hooks.index.database import database_path, shared_folder
from semfora_hooks.index.store import FactStore, checksum_of, extractor_key
from semfora_hooks.languages.extract import extract

from .conftest import Outcome, Project

Run = Callable[..., Outcome]

FILES = {
    "app.py": """\
    def _unused():
        return 1


    print("app")
    """,
    "lib/tools.py": """\
    def helper(x):
        return x + 1
    """,
}


@pytest.fixture
def cache() -> Path:
    return Path(os.environ["SEMFORA_CACHE_DIR"])


@pytest.fixture
def warm(project: Project, run: Run) -> Project:
    """A repository in git that was analysed once."""
    project.write(FILES).commit()
    run("suggest")
    return project


def database(project: Project, cache: Path) -> Path:
    return database_path(shared_folder(project.path), cache)


def change(project: Project, cache: Path, statement: str, *values: object) -> Any:
    """Change the database so that only its content tells: a file that was written to since the last run is suspect."""
    path = database(project, cache)
    before = path.stat()
    connection = sqlite3.connect(path, isolation_level=None)
    row = connection.execute(statement, values).fetchone()
    connection.close()
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size
    return row


def oid(project: Project, name: str) -> str:
    return project.git("hash-object", name)


def poison(project: Project, cache: Path, name: str, source: bytes) -> None:
    """What someone would do who wants a finding to go away: other facts, and a checksum that fits."""
    data = msgspec.msgpack.encode(extract(source, "python"))
    checksum = checksum_of(oid(project, name), "python", extractor_key(), data)
    statement = "UPDATE blob SET facts = ?, checksum = ? WHERE oid = ?"
    change(project, cache, statement, data, checksum, oid(project, name))
    change(project, cache, "DELETE FROM result")  # what was said before would hide it


# --------------------------------------------------------------------------------------------------------------- info


def test_info_of_nothing(project: Project, run: Run, cache: Path) -> None:
    outcome = run("cache", "info")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out == f"{cache}: 0.0 MiB of at most 2048.0 MiB, 0 repositories\n"
    assert list(cache.iterdir()) == []


def test_info_makes_no_folder(project: Project, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SEMFORA_CACHE_DIR", str(tmp_path / "none"))
    assert run("cache", "info").code == 0
    assert run("cache", "clean").out == "nothing is cached\n"
    assert not (tmp_path / "none").exists()


def test_info(warm: Project, run: Run, cache: Path) -> None:
    lines = run("cache", "info").out.splitlines()
    assert len(lines) == 2
    assert lines[0].endswith("MiB of at most 2048.0 MiB, 1 repository")
    today = time.strftime("%Y-%m-%d", time.gmtime())
    assert lines[1].split(maxsplit=2)[2] == f"{today}  2 files  {warm.path}"


def test_info_as_json(warm: Project, run: Run, cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SEMFORA_CACHE_SIZE", "2M")
    change(warm, cache, "UPDATE blob SET version = 'older' WHERE oid = ?", oid(warm, "app.py"))
    other = FactStore(tmp_path / "other")
    other.close()
    path = database(warm, cache)
    for name in (path, path.with_suffix(".lock")):
        os.utime(name, (86_400.0 * 365,) * 2)
    document = run("cache", "info", "--output-format", "json").json
    sizes = [row.pop("bytes") for row in document["databases"]]
    assert document.pop("total_bytes") == sum(sizes)
    nothing = {"entries": 0, "size": 0}
    kinds = ("compiled", "results", "refused", "manifests")
    assert document.pop("plugins") == dict.fromkeys(kinds, nothing)
    assert document == {
        "folder": str(cache),
        "cap_bytes": 2 << 20,
        "extractor": extractor_key(),
        "problem": None,
        "databases": [
            {
                "repository": str(tmp_path / "other"),
                "file": database_path(tmp_path / "other", cache).name,
                "rows": 0,
                "stale_rows": 0,
                "last_used": time.strftime("%Y-%m-%d", time.gmtime()),
                "problem": None,
            },
            {
                "repository": str(warm.path),
                "file": path.name,
                "rows": 2,
                "stale_rows": 1,
                "last_used": "1971-01-01",
                "problem": None,
            },
        ],
    }
    assert "2 files (1 of other versions)" in run("cache", "info").out


def test_info_of_a_database_that_cannot_be_read(warm: Project, run: Run, cache: Path) -> None:
    database(warm, cache).write_bytes(b"garbage" * 999)
    outcome = run("cache", "info")
    assert (outcome.code, outcome.err) == (0, "")
    assert "unreadable" in outcome.out
    assert "file is not a database" in outcome.out


def test_info_says_why_nothing_is_cached(
    project: Project, run: Run, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.chmod(0o777)
    assert "chmod go-w" in run("cache", "info").err
    monkeypatch.setenv("SEMFORA_CACHE_DIR", str(project.path / "inside"))
    run("suggest")
    outcome = run("cache", "info")
    assert outcome.err.startswith(f"note: nothing is cached here: the cache folder {project.path / 'inside'} lies in")
    assert json.loads(run("cache", "info", "--output-format", "json").out)["problem"]
    assert not (project.path / "inside").exists()


def test_a_cap_that_is_no_size(project: Project, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEMFORA_CACHE_SIZE", "plenty")
    outcome = run("cache", "info")
    assert outcome.code == 2
    assert "SEMFORA_CACHE_SIZE: 'plenty' is no size" in outcome.err
    assert run("suggest").code == 0


def test_a_name_cannot_drive_the_terminal(project: Project, run: Run, tmp_path: Path) -> None:
    FactStore(tmp_path / "evil\x1b[2Jname\nnext").close()
    assert "evil\\x1b[2Jname\\nnext" in run("cache", "info").out


# -------------------------------------------------------------------------------------------------------------- clean


def test_clean_removes_everything_of_ours(warm: Project, run: Run, cache: Path, tmp_path: Path) -> None:
    FactStore(tmp_path / "other").close()
    (cache / "notes.sqlite").write_text("not ours")
    outcome = run("cache", "clean")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.startswith("removed 2 databases, 0.")
    assert [path.name for path in cache.iterdir()] == ["notes.sqlite"]
    assert run("suggest").code == run("suggest", "--no-cache").code


def test_clean_of_one_repository(warm: Project, run: Run, cache: Path, tmp_path: Path) -> None:
    other = database_path(tmp_path / "other", cache)
    FactStore(tmp_path / "other").close()
    assert run("cache", "clean", "--repository", ".", folder="lib").out.startswith("removed 1 database,")
    assert not database(warm, cache).exists()
    assert other.exists()
    assert run("cache", "clean", "--repository", str(tmp_path / "other")).out.startswith("removed 1 database,")
    assert list(cache.iterdir()) == []


def test_clean_by_age(warm: Project, run: Run, cache: Path, tmp_path: Path) -> None:
    FactStore(tmp_path / "other").close()
    path = database(warm, cache)
    for name in (path, path.with_suffix(".lock")):
        os.utime(name, (time.time() - 10 * 86_400,) * 2)
    assert run("cache", "clean", "--older-than", "2w").out.startswith("removed 0 databases")
    assert run("cache", "clean", "--older-than", "9d").out.startswith("removed 1 database,")
    assert not path.exists()
    assert run("cache", "clean", "--older-than", "1h").out.startswith("removed 0 databases")
    for wrong in ("9x", "", "-1d", "soon"):
        assert run("cache", "clean", "--older-than", wrong).code == 2


def test_clean_leaves_what_is_in_use(warm: Project, run: Run, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from semfora_hooks.cli import cache as module

    monkeypatch.setattr(module, "_WAIT", 0.05)
    user = FactStore(warm.path)
    outcome = run("cache", "clean")
    assert outcome.code == 2
    assert outcome.err == f"error: {database(warm, cache)}: a run uses it; try again when it ended\n"
    assert user.load([(oid(warm, "app.py"), "python")])
    user.close()


def test_clean_touches_no_folder_of_others(warm: Project, run: Run, cache: Path) -> None:
    cache.chmod(0o777)
    outcome = run("cache", "clean")
    assert (outcome.code, outcome.out) == (2, "")
    assert database(warm, cache).exists()


# ------------------------------------------------------------------------------------------------------------- verify


def test_verify(warm: Project, run: Run) -> None:
    outcome = run("cache", "verify")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out == "2 of 2 cached files checked, 0 wrong\n"


def test_verify_notices_what_a_checksum_does_not(warm: Project, run: Run, cache: Path) -> None:
    finding = run("suggest", "--output-format", "concise").out
    assert "_unused" in finding
    poison(warm, cache, "app.py", b"print('nothing to see')\n")
    assert "_unused" not in run("suggest", "--output-format", "concise").out
    outcome = run("cache", "verify")
    assert outcome.code == 1
    assert outcome.out.splitlines() == [
        "wrong: app.py (python): it is not what the content says",
        "2 of 2 cached files checked, 1 wrong and removed",
    ]
    assert run("suggest", "--output-format", "concise").out == finding
    assert run("cache", "verify").out == "2 of 2 cached files checked, 0 wrong\n"


def test_verify_notices_a_wrong_index(warm: Project, run: Run, cache: Path) -> None:
    warm.commit()
    warm.write({"app.py": "def _other():\n    return 2\n"})
    warm.git("add", "-A")
    run("suggest", "--staged")
    assert run("cache", "verify").out.endswith(", 0 wrong\n")
    change(warm, cache, "UPDATE link_mention SET count = count + 1 WHERE name = 'print'")
    outcome = run("cache", "verify")
    assert outcome.code == 1
    assert outcome.out.startswith("wrong: the stored index: 2 rows of link_mention are wrong, such as ('print', ")
    assert run("cache", "verify").code == 0


def test_verify_notices_wrong_findings(warm: Project, run: Run, cache: Path) -> None:
    finding = run("suggest", "--output-format", "concise").out
    key, data = change(warm, cache, "SELECT key, data FROM result")
    kept = msgspec.msgpack.decode(data)
    kept[0] = []
    wrong = msgspec.msgpack.encode(kept)
    change(warm, cache, "UPDATE result SET data = ?, checksum = ?", wrong, crc32(wrong, crc32(key.encode())))
    assert run("suggest", "--output-format", "concise").out == ""
    outcome = run("cache", "verify")
    assert outcome.code == 1
    assert outcome.out.startswith("wrong: the findings that are kept for the files on disk")
    assert run("suggest", "--output-format", "concise").out == finding


def test_verify_finds_content_in_git(warm: Project, run: Run, cache: Path) -> None:
    """What is no longer in the work tree is a blob somewhere; it is checked all the same."""
    before = oid(warm, "app.py")
    warm.write({"app.py": "print(2)\n"}).commit()
    assert run("cache", "verify").out == "2 of 2 cached files checked, 0 wrong\n"
    data = msgspec.msgpack.encode(extract(b"", "python"))
    checksum = checksum_of(before, "python", extractor_key(), data)
    change(warm, cache, "UPDATE blob SET facts = ?, checksum = ? WHERE oid = ?", data, checksum, before)
    outcome = run("cache", "verify")
    assert (outcome.code, outcome.out.splitlines()[0]) == (
        1,
        f"wrong: {before} (python): it is not what the content says",
    )


def test_verify_counts_what_it_cannot_check(warm: Project, run: Run, cache: Path) -> None:
    warm.write({"app.py": "print(2)\n"})
    run("suggest")
    warm.write({"app.py": "print(3)\n"})
    change(warm, cache, "UPDATE blob SET version = 'older' WHERE oid = ?", oid(warm, "lib/tools.py"))
    outcome = run("cache", "verify")
    assert outcome.code == 1  # the checksum covers the version
    assert outcome.out.splitlines() == [
        f"wrong: {oid(warm, 'lib/tools.py')} (python): its checksum is wrong",
        "1 of 3 cached files checked, 1 wrong and removed; 1 could not be checked, as their content is gone",
    ]


def test_verify_leaves_other_versions(warm: Project, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from semfora_hooks.index import store

    monkeypatch.setattr(store, "EXTRACTOR_VERSION", 999)
    assert run("cache", "verify").out == "0 of 2 cached files checked, 0 wrong; 2 of other versions were not checked\n"


def test_verify_without_git(project: Project, run: Run, cache: Path) -> None:
    project.write(FILES)
    run("suggest")
    project.write({"app.py": "print(2)\n"})
    assert run("cache", "verify").out == (
        "1 of 2 cached files checked, 0 wrong; 1 could not be checked, as their content is gone\n"
    )


def test_verify_of_another_repository(warm: Project, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "empty").mkdir()
    assert run("cache", "verify", folder="../empty").out == "0 of 0 cached files checked, 0 wrong\n"
    outcome = run("cache", "verify", "--repository", str(warm.path / "lib"), folder="../empty")
    assert outcome.out == "2 of 2 cached files checked, 0 wrong\n"


def test_verify_of_a_damaged_database(warm: Project, run: Run, cache: Path) -> None:
    path = database(warm, cache)
    data = path.read_bytes()
    path.write_bytes(data[:4096] + b"\xa5" * (len(data) - 4096))
    outcome = run("cache", "verify")
    assert outcome.code == 1
    assert "the database" in outcome.out
    run("suggest")
    assert run("cache", "verify").out == "2 of 2 cached files checked, 0 wrong\n"
    path.write_bytes(b"no database" * 500)
    outcome = run("cache", "verify")
    assert outcome.code == 1
    assert outcome.out.splitlines()[0] == "wrong: the database could not be read, or was not ours"


def test_verify_where_nothing_is_cached(project: Project, run: Run, cache: Path) -> None:
    cache.chmod(0o777)
    outcome = run("cache", "verify")
    assert outcome.code == 0
    assert outcome.out.startswith("nothing to check: other users can write")
