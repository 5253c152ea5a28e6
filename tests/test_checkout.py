"""Folders as they are staged, copied for readers of files."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from test_git import commit, sh, started  # noqa: F401  a fixture

from semfora_hooks.errors import GitError
from semfora_hooks.git import checkout
from semfora_hooks.git.checkout import staged_copy, unstaged_files

RULES, PLUGINS = ".semfora/rules", ".semfora/plugins"


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    root = Path(os.path.realpath(tmp_path)) / "repo"
    root.mkdir()
    sh(root, "init", "-q", "-b", "main")
    return root


def write(root: Path, path: str, data: bytes | str) -> Path:
    target = root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data.encode() if isinstance(data, str) else data)
    return target


def content(root: Path) -> dict[str, bytes | str]:
    """What a copy holds: files with their bytes, links with their targets."""
    found: dict[str, bytes | str] = {}
    with staged_copy(root, ".semfora", (RULES, PLUGINS)) as copy:
        place = copy.root
        for folder, folders, names in os.walk(place):
            for name in (*names, *folders):
                path = Path(folder) / name
                if path.is_symlink():
                    found[path.relative_to(place).as_posix()] = os.readlink(path)
                elif path.is_file():
                    found[path.relative_to(place).as_posix()] = path.read_bytes()
        assert set(found) == copy.names
    assert not place.exists() or place == Path(os.devnull)
    return found


def test_it_holds_what_is_staged_and_nothing_else(repo: Path) -> None:
    staged = {f"{RULES}/a.yaml": "staged", f"{RULES}/deep/b.yaml": "b", f"{PLUGINS}/p.wasm": b"\0asm\xff"}
    for path, text in staged.items():
        write(repo, path, text)
    write(repo, ".semfora/baseline.json", "{}")
    write(repo, "app.py", "x = 1\n")
    sh(repo, "add", "-A")
    assert content(repo) == {path: t.encode() if isinstance(t, str) else t for path, t in staged.items()}
    write(repo, f"{RULES}/a.yaml", "changed, and not staged")
    write(repo, f"{RULES}/c.yaml", "new, and not staged")
    (repo / f"{PLUGINS}/p.wasm").unlink()
    assert content(repo)[f"{RULES}/a.yaml"] == b"staged"
    assert content(repo)[f"{PLUGINS}/p.wasm"] == b"\0asm\xff"
    assert f"{RULES}/c.yaml" not in content(repo)
    sh(repo, "rm", "-q", "-f", "--cached", f"{RULES}/a.yaml")
    assert f"{RULES}/a.yaml" not in content(repo)


@pytest.mark.parametrize("format_", ["sha1", "sha256"])
def test_what_is_unchanged_is_not_unpacked(
    tmp_path: Path,
    started: list[list[str]],  # noqa: F811
    format_: str,
) -> None:
    root = Path(os.path.realpath(tmp_path)) / "other"
    root.mkdir()
    sh(root, "init", "-q", f"--object-format={format_}")
    write(root, f"{PLUGINS}/p.wasm", b"x" * 100_000)
    write(root, f"{RULES}/a.yaml", "a")
    sh(root, "add", "-A")
    started.clear()
    assert len(content(root)) == 2
    assert [command[-4:-2] for command in started] == [["-z", "--stage"]]
    write(root, f"{RULES}/a.yaml", "b")
    started.clear()
    assert content(root)[f"{RULES}/a.yaml"] == b"a"
    assert sum("cat-file" in command for command in started) == 2


def test_nothing_staged_is_no_folder_at_all(repo: Path) -> None:
    write(repo, f"{RULES}/a.yaml", "a")
    with staged_copy(repo, ".semfora", (RULES, PLUGINS)) as copy:
        assert not (copy.root / RULES).exists()
        assert copy.names == frozenset()
        assert unstaged_files(repo, copy, RULES, (".yaml",), deep=True) == [f"{RULES}/a.yaml"]


def test_a_file_that_is_only_announced_is_not_staged(repo: Path) -> None:
    write(repo, f"{RULES}/announced.yaml", "a")
    write(repo, f"{RULES}/empty.yaml", "")
    sh(repo, "add", f"{RULES}/empty.yaml")
    sh(repo, "add", "-N", f"{RULES}/announced.yaml")
    assert content(repo) == {f"{RULES}/empty.yaml": b""}


def test_a_conflict_is_an_error(repo: Path) -> None:
    commit(repo, {f"{PLUGINS}/manifest.lock": "base"})
    sh(repo, "checkout", "-q", "-b", "side")
    commit(repo, {f"{PLUGINS}/manifest.lock": "theirs"})
    sh(repo, "checkout", "-q", "main")
    commit(repo, {f"{PLUGINS}/manifest.lock": "ours"})
    sh(repo, "merge", "side", check=False)
    with pytest.raises(GitError, match=r"manifest\.lock: has conflicts"):
        content(repo)


def test_a_conflict_elsewhere_is_none_of_the_rules(repo: Path) -> None:
    commit(repo, {f"{RULES}/a.yaml": "a", ".semfora/baseline.json": "base"})
    sh(repo, "checkout", "-q", "-b", "side")
    commit(repo, {".semfora/baseline.json": "theirs"})
    sh(repo, "checkout", "-q", "main")
    commit(repo, {".semfora/baseline.json": "ours"})
    sh(repo, "merge", "side", check=False)
    assert content(repo) == {f"{RULES}/a.yaml": b"a"}


def test_links_are_links_with_what_they_lead_to(repo: Path) -> None:
    write(repo, "shared/rules/x.yaml", "x")
    write(repo, "shared/rules/notes.txt", "not a rule")
    write(repo, "shared/one.rule", "one")
    (repo / RULES).mkdir(parents=True)
    (repo / RULES / "all").symlink_to("../../shared/rules")
    (repo / RULES / "one.yaml").symlink_to("../../shared/one.rule")
    (repo / RULES / "loop").symlink_to("loop")
    (repo / RULES / "everything").symlink_to("../..")
    (repo / RULES / "outside.yaml").symlink_to("/etc/hostname")
    (repo / RULES / "up.yaml").symlink_to("../../../elsewhere/secret.yaml")
    sh(repo, "add", "-A")
    for path in ("shared/rules/x.yaml", f"{RULES}/one.yaml"):  # what is on disk does not matter
        (repo / path).unlink()
    write(repo.parent, "elsewhere/secret.yaml", "secret")
    assert content(repo) == {
        f"{RULES}/all": "../../shared/rules",
        f"{RULES}/one.yaml": "../../shared/one.rule",
        f"{RULES}/loop": "loop",
        f"{RULES}/everything": "../..",
        f"{RULES}/outside.yaml": "/etc/hostname",
        f"{RULES}/up.yaml": "../../../elsewhere/secret.yaml",
        "shared/rules/x.yaml": b"x",
        "shared/one.rule": b"one",
    }


def test_a_folder_that_is_a_link(repo: Path) -> None:
    write(repo, "tools/plugins/p.wasm", b"p")
    (repo / ".semfora").mkdir()
    (repo / PLUGINS).symlink_to("../tools/plugins")
    sh(repo, "add", "-A")
    with staged_copy(repo, ".semfora", (RULES, PLUGINS)) as copy:
        assert (copy.root / PLUGINS / "p.wasm").read_bytes() == b"p"


def test_a_link_in_the_work_tree_where_a_file_is_staged(repo: Path) -> None:
    path = write(repo, f"{PLUGINS}/p.wasm", "staged")
    sh(repo, "add", "-A")
    path.unlink()
    secret = write(repo.parent, "secret", "secret")
    path.symlink_to(secret)
    assert content(repo) == {f"{PLUGINS}/p.wasm": b"staged"}
    path.unlink()
    os.mkfifo(path)
    assert content(repo) == {f"{PLUGINS}/p.wasm": b"staged"}


def test_names_that_lead_elsewhere_never_leave_the_copy(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Git refuses such an index; whatever lists one all the same writes nothing outside."""
    oid = sh(repo, "hash-object", "-w", "--stdin", data=b"evil")
    link = sh(repo, "hash-object", "-w", "--stdin", data=os.fsencode(repo.parent))
    entries = [
        checkout.TreeEntry(b"100644", oid, name)
        for name in (b".semfora/rules/../../../evil", b".semfora/rules//evil", b".semfora/rules/.git/evil")
    ]
    entries += [
        checkout.TreeEntry(b"120000", link, b".semfora/rules/link"),
        checkout.TreeEntry(b"120000", link, b".semfora/rules/link/evil"),
        checkout.TreeEntry(b"100644", oid, b".semfora/rules/good.yaml"),
    ]
    listed = iter([entries])
    monkeypatch.setattr(checkout, "finish_index_entries", lambda running: running.finish() and next(listed, []))
    with staged_copy(repo, ".semfora", (RULES, PLUGINS)) as copy:
        assert sorted(path.name for path in (copy.root / RULES).iterdir()) == ["good.yaml", "link"]
    assert not (repo.parent / "evil").exists()


def test_large_files_are_holes_and_too_much_is_an_error(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkout, "MAX_FILE", 1000)
    write(repo, f"{PLUGINS}/large.wasm", b"x" * 1001)
    write(repo, f"{PLUGINS}/fits.wasm", b"x" * 1000)
    sh(repo, "add", "-A")
    found = content(repo)
    assert found[f"{PLUGINS}/large.wasm"] == bytes(1001)
    assert found[f"{PLUGINS}/fits.wasm"] == b"x" * 1000
    (repo / f"{PLUGINS}/fits.wasm").unlink()
    assert content(repo) == found
    monkeypatch.setattr(checkout, "MAX_TOTAL", 999)
    with pytest.raises(GitError, match="more than 999 bytes together"):
        content(repo)
    monkeypatch.setattr(checkout, "MAX_FILES", 1)
    with pytest.raises(GitError, match="more than 1 files are staged"):
        content(repo)


def test_a_submodule_is_copied_as_of_the_commit_that_is_staged(repo: Path) -> None:
    origin = repo.parent / "shared"
    origin.mkdir()
    sh(origin, "init", "-q", "-b", "main")
    commit(origin, {"a.yaml": "one", "deep/b.yaml": "b"})
    commit(repo, {"x.py": "x = 1\n"})
    sh(repo, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(origin), RULES)
    assert content(repo) == {f"{RULES}/a.yaml": b"one", f"{RULES}/deep/b.yaml": b"b"}
    commit(repo / RULES, {"a.yaml": "two"})  # of the submodule; the superproject has not staged it
    assert content(repo)[f"{RULES}/a.yaml"] == b"one"
    sh(repo, "add", RULES)
    assert content(repo)[f"{RULES}/a.yaml"] == b"two"
    sh(repo, "commit", "-q", "-m", "m")
    sh(repo, "submodule", "deinit", "-q", "-f", RULES)
    assert content(repo) == {}


@pytest.mark.parametrize("place", ["work tree", "storage", "nowhere"])
def test_a_pointer_of_large_file_storage_stands_for_its_content(repo: Path, place: str) -> None:
    binary = b"\0asm" + bytes(range(256)) * 10
    sha256 = hashlib.sha256(binary).hexdigest()
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha256}\nsize {len(binary)}\n"
    path = write(repo, f"{PLUGINS}/p.wasm", pointer)
    sh(repo, "add", "-A")
    path.write_bytes(b"another build")
    if place == "work tree":
        path.write_bytes(binary)
    elif place == "storage":
        write(repo, f".git/lfs/objects/{sha256[:2]}/{sha256[2:4]}/{sha256}", binary)
    expected = pointer.encode() if place == "nowhere" else binary
    assert content(repo) == {f"{PLUGINS}/p.wasm": expected}


def test_a_missing_object_is_an_error(repo: Path) -> None:
    path = write(repo, f"{RULES}/a.yaml", "staged")
    sh(repo, "add", "-A")
    path.write_text("changed")
    oid = sh(repo, "rev-parse", f":{RULES}/a.yaml")
    (repo / ".git" / "objects" / oid[:2] / oid[2:]).unlink()
    with pytest.raises(GitError, match=oid):
        content(repo)


def test_files_that_are_not_staged_are_told(repo: Path) -> None:
    for path in (f"{RULES}/a.yaml", f"{RULES}/deep/b.yml", f"{RULES}/.hidden/c.yaml", f"{RULES}/notes.md"):
        write(repo, path, "x")
    for path in (f"{PLUGINS}/p.wasm", f"{PLUGINS}/target/q.wasm"):
        write(repo, path, "x")
    sh(repo, "add", f"{RULES}/a.yaml")
    with staged_copy(repo, ".semfora", (RULES, PLUGINS)) as copy:
        assert unstaged_files(repo, copy, RULES, (".yaml", ".yml"), deep=True) == [f"{RULES}/deep/b.yml"]
        assert unstaged_files(repo, copy, PLUGINS, (".wasm",), deep=False) == [f"{PLUGINS}/p.wasm"]
