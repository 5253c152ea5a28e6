"""Git's plumbing, against real repositories: how states differ, by ids."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from semfora_hooks import git
from semfora_hooks.errors import GitError
from semfora_hooks.git import RawChange

ZEROS = "0" * 40
FILE = b"100644"
NONE = b"000000"


def sh(root: Path, *arguments: str, check: bool = True, data: bytes | None = None) -> str:
    done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, check=False, input=data)
    assert done.returncode == 0 or not check, done.stderr
    return done.stdout.decode("utf-8", "surrogateescape").strip()


def commit(root: Path, files: dict[str, str | None] | None = None) -> str:
    """Write files (`None` deletes one) and commit everything; the commit's id."""
    for name, text in (files or {}).items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if text is None:
            path.unlink()
        else:
            path.write_text(text)
    sh(root, "add", "-A")
    sh(root, "commit", "-q", "--allow-empty", "-m", "m")
    return sh(root, "rev-parse", "HEAD")


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    root = Path(os.path.realpath(tmp_path)) / "repo"
    root.mkdir()
    sh(root, "init", "-q", "-b", "main")
    return root


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The git commands that were started since."""
    commands: list[list[str]] = []
    real = subprocess.Popen

    def popen(command: list[str], **options: object) -> object:
        commands.append(command)
        return real(command, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(subprocess, "Popen", popen)
    return commands


def oid(text: str) -> str:
    return git.blob_id(text.encode())


# ------------------------------------------------------------------------------------------------------ raw changes


def test_raw_changes_between_commits_and_to_the_index(repo: Path) -> None:
    first = commit(repo, {"mod.py": "1", "del.py": "2", "mode.py": "3", "type.py": "4", "old.py": "long " * 50})
    (repo / "mode.py").chmod(0o755)
    (repo / "type.py").unlink()
    (repo / "type.py").symlink_to("mod.py")
    sh(repo, "mv", "old.py", "new.py")
    (repo / "mod.py").write_text("5")
    (repo / "del.py").unlink()
    sh(repo, "add", "-A")
    moved = oid("long " * 50)
    expected = [
        RawChange(b"del.py", FILE, oid("2"), NONE, ZEROS, "D"),
        RawChange(b"mod.py", FILE, oid("1"), FILE, oid("5"), "M"),
        RawChange(b"mode.py", FILE, oid("3"), b"100755", oid("3"), "M"),
        RawChange(b"new.py", NONE, ZEROS, FILE, moved, "A"),
        RawChange(b"old.py", FILE, moved, NONE, ZEROS, "D"),
        RawChange(b"type.py", FILE, oid("4"), b"120000", oid("mod.py"), "T"),
    ]
    assert git.raw_changes(repo, first) == expected
    (repo / "mod.py").write_text("not staged")
    assert git.raw_changes(repo, git.tree_id(repo, first)) == expected
    (repo / "mod.py").write_text("5")
    second = commit(repo)
    assert git.raw_changes(repo, first, second) == expected
    assert git.raw_changes(repo, git.tree_id(repo, first), git.tree_id(repo, second)) == expected
    assert git.raw_changes(repo, second) == git.raw_changes(repo, first, first) == []
    assert git.raw_changes(repo, git.EMPTY_TREE, first)[0] == RawChange(b"del.py", NONE, ZEROS, FILE, oid("2"), "A")


def test_a_tree_id(repo: Path) -> None:
    first = commit(repo, {"a.py": "1"})
    again = commit(repo)
    assert first != again
    assert git.tree_id(repo, first) == git.tree_id(repo, again) == sh(repo, "rev-parse", "HEAD^{tree}")
    with pytest.raises(GitError, match="git rev-parse failed in"):
        git.tree_id(repo, "f" * 40)


def test_names_are_bytes(repo: Path) -> None:
    names = [b"caf\xe9.py", b"new\nline.py", b"tab\t.py", b'quo"te.py', b":100644 100644.py", b"-x.py"]
    for name in names:
        (repo / os.fsdecode(name)).write_text("x")
    sh(repo, "add", "-A")
    assert [change.name for change in git.raw_changes(repo, git.EMPTY_TREE)] == sorted(names)
    first = commit(repo)
    assert [change.name for change in git.raw_changes(repo, git.EMPTY_TREE, first)] == sorted(names)


@pytest.mark.parametrize(
    "setting",
    [
        ("diff.renames", "copies"),
        ("diff.relative", "true"),
        ("diff.noprefix", "true"),
        ("diff.ignoreSubmodules", "all"),
        ("core.abbrev", "5"),
        ("core.quotePath", "true"),
        ("diff.orderFile", ".git/order"),
        ("color.ui", "always"),
    ],
)
def test_no_configuration_changes_raw_changes(repo: Path, setting: tuple[str, str]) -> None:
    first = commit(repo, {"ä.py": "1", "sub/b.py": "2"})
    (repo / ".git" / "order").write_text("ä.py\n")
    sh(repo, "config", *setting)
    sh(repo, "mv", "ä.py", "sub/c.py")
    expected = [("sub/c.py", oid("1")), ("ä.py", ZEROS)]
    assert [(change.name.decode(), change.new_oid) for change in git.raw_changes(repo, first)] == expected
    second = commit(repo)
    assert [(change.name.decode(), change.new_oid) for change in git.raw_changes(repo, first, second)] == expected


# ------------------------------------------------------------------------------------------------------ the index


def test_changes_of_another_index(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = commit(repo, {"a.py": "1"})
    monkeypatch.setenv("GIT_INDEX_FILE", ".git/other-index")  # as git does in hooks: relative to the top
    sh(repo, "read-tree", "HEAD")
    (repo / "a.py").write_text("2")
    sh(repo, "add", "a.py")
    monkeypatch.chdir(repo.parent)
    assert [change.new_oid for change in git.raw_changes(repo, first)] == [oid("2")]
    monkeypatch.delenv("GIT_INDEX_FILE")
    assert git.raw_changes(repo, first) == []


def test_conflicts_can_be_told_apart(repo: Path) -> None:
    commit(repo, {"a.py": "base\n", "b.py": "b\n", "gone.py": "1\n"})
    sh(repo, "checkout", "-q", "-b", "other")
    commit(repo, {"a.py": "theirs\n", "b.py": "b2\n", "gone.py": "2\n"})
    sh(repo, "checkout", "-q", "main")
    commit(repo, {"a.py": "ours\n", "gone.py": None})
    sh(repo, "merge", "-q", "other", check=False)
    changes = git.raw_changes(repo, "HEAD")
    assert {change.name: change.is_unmerged for change in changes if change.is_unmerged} == {
        b"a.py": True,
        b"gone.py": True,
    }
    assert [(change.name, change.new_oid) for change in changes if not change.is_unmerged] == [(b"b.py", oid("b2\n"))]


def test_files_that_are_only_meant_to_be_added_are_not_staged(repo: Path) -> None:
    commit(repo, {"a.py": "1"})
    (repo / "empty.py").write_text("")
    (repo / "full.py").write_text("x")
    sh(repo, "add", "-N", "empty.py", "full.py")
    assert git.raw_changes(repo, "HEAD") == []
    assert not git.is_anything_staged(repo)
    sh(repo, "add", "empty.py")
    assert [change.name for change in git.raw_changes(repo, "HEAD")] == [b"empty.py"]
    assert git.is_anything_staged(repo)


def test_a_submodule_is_a_change_that_is_no_file(repo: Path) -> None:
    inner = repo / "inner"
    inner.mkdir()
    sh(inner, "init", "-q")
    pinned = commit(inner, {"x.py": "x"})
    commit(repo, {"a.py": "1"})
    first = git.head(repo)
    assert first is not None
    assert RawChange(b"inner", NONE, ZEROS, b"160000", pinned, "A") in git.raw_changes(repo, git.EMPTY_TREE, first)
    moved = commit(inner, {"x.py": "y"})
    sh(repo, "add", "inner")
    assert git.raw_changes(repo, "HEAD") == [RawChange(b"inner", b"160000", pinned, b"160000", moved, "M")]


def test_another_object_format(repo: Path) -> None:
    root = repo.parent / "modern"
    root.mkdir()
    sh(root, "init", "-q", "--object-format=sha256")
    (root / "a.py").write_text("1")
    sh(root, "add", "-A")
    empty = git.empty_tree(root)
    assert (git.head(root), len(empty)) == (None, 64)
    assert [len(change.new_oid) for change in git.raw_changes(root, empty)] == [64]
    assert git.is_anything_staged(root)
    first = commit(root)
    assert git.tree_id(root, first) == sh(root, "rev-parse", "HEAD^{tree}")
    assert [change.status for change in git.raw_changes(root, git.empty_tree(root), first)] == ["A"]


# ------------------------------------------------------------------------------------------------- broken repositories


@pytest.mark.parametrize("damage", ["no commit object", "a reference that is none"])
def test_a_lost_commit_is_not_a_repository_without_commits(repo: Path, damage: str) -> None:
    first = commit(repo, {"a.py": "1"})
    if damage == "no commit object":
        (repo / ".git" / "objects" / first[:2] / first[2:]).unlink()
    else:
        (repo / ".git" / "refs" / "heads" / "main").write_text("nonsense\n")
    for ask in (git.staged_changes, git.head, git.is_anything_staged):
        with pytest.raises(GitError, match="HEAD is broken in") as caught:
            ask(repo)
        assert caught.value.hint == "git fsck says what is missing"


def test_a_lost_tree_is_an_error(repo: Path) -> None:
    commit(repo, {"a.py": "1"})
    tree = sh(repo, "rev-parse", "HEAD^{tree}")
    (repo / ".git" / "objects" / tree[:2] / tree[2:]).unlink()
    for ask in (git.staged_changes, git.is_anything_staged):
        with pytest.raises(GitError, match=r"(HEAD is broken|git diff(-index)? failed) in"):
            ask(repo)


# ------------------------------------------------------------------------------------------------------------- blobs


def lose(repo: Path, digest: str) -> None:
    (repo / ".git" / "objects" / digest[:2] / digest[2:]).unlink()


def test_blobs_come_with_one_process(repo: Path, started: list[list[str]]) -> None:
    texts = ["", "x\n", "no end", "\n\n", "big " * 300, *(f"n = {number}\n" for number in range(2500))]
    commit(repo, {f"{number}.py": text for number, text in enumerate(texts)})
    lost, never = oid("n = 7\n"), "f" * 40
    lose(repo, lost)
    oids = [oid(text) for text in texts]
    started.clear()
    found = git.blobs(repo, [*oids, never, oids[0]], limit=1000)
    assert len(started) == 1
    expected: dict[str, bytes | int] = {oid(text): text.encode() for text in texts}
    assert found == expected | {lost: -1, never: -1, oid("big " * 300): 1200}
    assert git.blobs(repo, [oid("big " * 300)]) == {oid("big " * 300): b"big " * 300}
    assert git.blobs(repo, []) == {}
    assert git.blob_sizes(repo, [*oids, never]) == {oid(text): len(text) for text in texts} | {lost: -1, never: -1}


def test_blobs_are_read_in_order_and_in_parts(
    repo: Path, started: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [f"n = {number}\n" * 100 for number in range(40)]
    commit(repo, {f"{number}.py": text for number, text in enumerate(texts)})
    oids = [oid(text) for text in (*texts[::-1], *texts)]
    expected = [text.encode() for text in (*texts[::-1], *texts)]
    assert list(git.read_blobs(repo, oids)) == expected
    monkeypatch.setattr("semfora_hooks.git.objects._BYTES_A_CALL", 4000)
    started.clear()
    reading = git.read_blobs(repo, oids, {oid(text): len(text) for text in texts})
    assert [next(reading) for _ in range(5)] == expected[:5]
    assert len(started) < 3
    assert list(reading) == expected[5:]
    lose(repo, oids[3])
    with pytest.raises(GitError, match=f"git has no object {oids[3]}"):
        list(git.read_blobs(repo, oids))


@pytest.mark.parametrize("kept", [0.0, 0.5])
def test_a_blob_that_is_damaged_is_missing_or_an_error_and_nothing_hangs(repo: Path, kept: float) -> None:
    text = "".join(f"{number * 7919 % 10007}\n" for number in range(20_000))
    commit(repo, {"a.py": text, "b.py": "b"})
    path = repo / ".git" / "objects" / oid(text)[:2] / oid(text)[2:]
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * kept)])
    for digests in ([oid(text), oid("b")], [oid("b"), oid(text)]):
        if not kept:
            assert git.blobs(repo, digests) == {oid(text): -1, oid("b"): b"b"}
        else:
            with pytest.raises(GitError, match="git cat-file failed in") as caught:
                git.blobs(repo, digests)
            assert caught.value.hint == "the repository is damaged; git fsck says where"


def test_the_blobs_that_a_partial_clone_lacks_are_minus_one(repo: Path) -> None:
    commit(repo, {f"{number}.py": f"n = {number}\n" for number in range(50)})
    sh(repo, "config", "uploadpack.allowFilter", "true")
    part = repo.parent / "part"
    sh(repo.parent, "clone", "-q", "--filter=blob:none", "--no-checkout", f"file://{repo}", str(part))
    (part / "here.py").write_text("here")
    sh(part, "add", "here.py")
    oids = [oid("n = 3\n"), oid("here"), oid("n = 4\n")]
    sizes = {oids[0]: -1, oids[1]: 4, oids[2]: -1}
    assert git.blob_sizes(part, oids) == sizes
    assert git.blobs(part, oids) == sizes | {oids[1]: b"here"}


def test_an_id_gives_the_content_it_is_the_hash_of(repo: Path) -> None:
    commit(repo, {"a.py": "a", "b.py": "b"})
    sh(repo, "replace", oid("a"), oid("b"))
    assert git.blobs(repo, [oid("a")]) == {oid("a"): b"a"}
    assert list(git.read_blobs(repo, [oid("a")])) == [b"a"]


def test_a_git_that_does_not_end_is_stopped(repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "bin" / "git"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=os.pathsep)
    monkeypatch.setattr("semfora_hooks.git.process.TIMEOUT", 0.2)
    monkeypatch.setattr("semfora_hooks.git.objects.TIMEOUT", 0.2)
    for ask in (
        lambda: git.blobs(repo, ["f" * 40]),
        lambda: git.staged_changes(repo),
        lambda: git.Index(repo).entries(),
    ):
        with pytest.raises(GitError, match=r"did not end within 0\.2 s"):
            list(ask() or ())


# ---------------------------------------------------------------------------------------------------------- listings


def test_entries_that_git_was_told_to_keep(repo: Path) -> None:
    commit(repo, {"plain.py": "1", "sparse.py": "2", "assumed.py": "3", "other.txt": "4"})
    sh(repo, "update-index", "--skip-worktree", "sparse.py")
    sh(repo, "update-index", "--assume-unchanged", "assumed.py")
    (repo / "new.py").write_text("")
    (repo / "new.txt").write_text("")
    with git.WorkTree(repo, (b".py",)) as tree:
        entries = {entry.name: (entry.oid, entry.is_kept) for entry in tree.tracked()}
        assert entries == {
            b"assumed.py": (oid("3"), True),
            b"plain.py": (oid("1"), False),
            b"sparse.py": (oid("2"), True),
        }
        assert tree.untracked() == [b"new.py"]
        assert tree.head() == sh(repo, "rev-parse", "HEAD")


def test_listings_start_all_they_need_at_once_and_leave_nothing_behind(repo: Path, started: list[list[str]]) -> None:
    commit(repo, {"a.py": "1", "empty.py": ""})
    started.clear()
    with git.Index(repo) as index:
        assert len(started) == 3
        assert [entry.name for entry in index.entries()] == [b"a.py", b"empty.py"]
        assert index.head() == sh(repo, "rev-parse", "HEAD")
    assert len(started) == 4  # ours is the fourth
    with git.WorkTree(repo) as tree:
        pass
    assert all(running.process.returncode is not None for running in tree._running)


# ------------------------------------------------------------------------------------------------- changes with lines


def test_what_is_staged_comes_with_head_and_of_three_processes(repo: Path, started: list[list[str]]) -> None:
    (repo / "HEAD").write_text("a file of this name is no revision\n")
    (repo / "a.py").write_text("1\n")
    sh(repo, "add", "-A")
    head, changes = git.staged_changes(repo)
    assert (head, [(change.path, change.lines) for change in changes]) == (
        None,
        [("HEAD", ((1, 1),)), ("a.py", ((1, 1),))],
    )
    first = commit(repo)
    (repo / "a.py").write_text("1\n2\n")
    (repo / "b.txt").write_text("1\n")
    sh(repo, "add", "-A")
    started.clear()
    head, changes = git.staged_changes(repo, with_lines=lambda path: path.endswith(".py"))
    assert len(started) == 3
    assert head == first
    assert [(change.path, change.change, change.lines) for change in changes] == [
        ("a.py", "modified", ((2, 2),)),
        ("b.txt", "added", ((1, 1),)),
    ]
    assert git.changes(repo, first) == changes
    assert [change.lines for change in git.staged_changes(repo, with_lines=lambda path: False)[1]] == [(), ()]
    started.clear()
    git.tree_id(repo, first)
    assert started == []  # HEAD's tree came with it


def test_a_huge_blob_is_not_compared_line_by_line(repo: Path) -> None:
    first = commit(repo, {"a.py": "1\n", "data.txt": "x\n"})
    (repo / "data.txt").write_bytes((b"y" * 1023 + b"\n") * (65 << 10))
    (repo / "a.py").write_text("1\n2\n")
    sh(repo, "-c", "core.bigFileThreshold=1m", "add", "-A")
    changes = git.changes(repo, first)
    assert [(change.path, change.lines) for change in changes] == [("a.py", ((2, 2),)), ("data.txt", ())]
    assert git.blobs(repo, [git.raw_changes(repo, first)[1].new_oid], limit=1000) == {
        git.raw_changes(repo, first)[1].new_oid: 65 << 20
    }
