"""Files and snapshots, against real git repositories."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from semfora_hooks import discovery
from semfora_hooks.config import Config
from semfora_hooks.discovery import Root, Snapshot, changes, find_root, git_index, revision, work_tree
from semfora_hooks.errors import ConfigError, GitError, SemforaError, UsageError
from semfora_hooks.git import EMPTY_TREE, blob_id, commit_id, is_anything_staged, merge_base
from semfora_hooks.git import head as git_head
from semfora_hooks.model import ChangedFile

CONFIG = Config()


@pytest.fixture(autouse=True)
def plain_git(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Git without the configuration and the variables of whoever runs the tests."""
    for name in list(os.environ):
        if name.startswith("GIT_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "Somebody")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "somebody@example.org")


def git(root: Path, *arguments: str) -> str:
    result = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


def write(root: Path, files: dict[str, str | bytes]) -> None:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


def commit(root: Path, files: dict[str, str | bytes] | None = None, message: str = "m") -> str:
    write(root, files or {})
    git(root, "add", "-A")
    git(root, "commit", "-q", "--allow-empty", "-m", message)
    return git(root, "rev-parse", "HEAD")


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    root = Path(os.path.realpath(tmp_path)) / "repo"
    root.mkdir()
    git(root, "init", "-q", "-b", "main")
    return root


def contents(snapshot: Snapshot) -> dict[str, bytes]:
    """Path to content, read through the snapshot; digests checked on the way."""
    data = list(snapshot.read(snapshot.files))
    assert [blob_id(item) for item in data] == [file.digest for file in snapshot.files]
    paths = [file.path for file in snapshot.files]
    assert paths == sorted(paths)
    return dict(zip(paths, data, strict=True))


def on_disk(root: Path, config: Config = CONFIG, *, is_git: bool = True) -> dict[str, bytes]:
    return contents(work_tree(Root(root, is_git), config))


def staged(root: Path, config: Config = CONFIG) -> dict[str, bytes]:
    return contents(git_index(Root(root, True), config))


def problems(snapshot: Snapshot) -> dict[str, str]:
    return {item.file: item.reason for item in snapshot.incomplete}


def test_digests_are_gits() -> None:
    assert blob_id(b"") == "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"
    assert blob_id(b"hello\n") == "ce013625030ba8dba906f756967f9e9ca394464a"
    assert blob_id(b"x" * 5) == hashlib.sha1(b"blob 5\0xxxxx").hexdigest()


# ------------------------------------------------------------------------------------------------------ snapshots


def test_tracked_untracked_and_ignored(repo: Path) -> None:
    commit(repo, {"tracked.py": "a", "sub/deep.pyi": "b", "text.txt": "c", ".gitignore": "ignored*\nbuild/\n"})
    write(repo, {"new.py": "d", "ignored.py": "e", "build/x.py": "f", ".hidden/y.py": "g"})
    assert on_disk(repo) == {"tracked.py": b"a", "sub/deep.pyi": b"b", "new.py": b"d", ".hidden/y.py": b"g"}
    assert staged(repo) == {"tracked.py": b"a", "sub/deep.pyi": b"b"}


def test_an_ignored_file_that_is_tracked_counts(repo: Path) -> None:
    write(repo, {".gitignore": "*.py\n", "kept.py": "a"})
    git(repo, "add", "-f", ".gitignore", "kept.py")
    write(repo, {"lost.py": "b"})
    assert on_disk(repo) == {"kept.py": b"a"}


def test_what_is_staged_is_not_what_is_on_disk(repo: Path) -> None:
    first = commit(repo, {"a.py": "one", "gone.py": "x", "kept.py": "k"})
    write(repo, {"a.py": "two", "b.py": "new"})
    git(repo, "add", "a.py", "b.py")
    git(repo, "rm", "-q", "--cached", "gone.py")
    write(repo, {"a.py": "three"})
    (repo / "kept.py").unlink()
    assert on_disk(repo) == {"a.py": b"three", "b.py": b"new", "gone.py": b"x"}
    assert staged(repo) == {"a.py": b"two", "b.py": b"new", "kept.py": b"k"}
    old = revision(Root(repo, True), CONFIG, first)
    assert contents(old) == {"a.py": b"one", "gone.py": b"x", "kept.py": b"k"}
    assert (old.head, git_index(Root(repo, True), CONFIG).head) == (first, first)


def test_before_the_first_commit(repo: Path) -> None:
    write(repo, {"a.py": "a"})
    assert git_head(repo) is None
    assert on_disk(repo) == {"a.py": b"a"}
    assert staged(repo) == {}
    assert contents(revision(Root(repo, True), CONFIG, None)) == {}
    git(repo, "add", "a.py")
    assert staged(repo) == {"a.py": b"a"}
    assert is_anything_staged(repo)
    assert changes(repo, None) == [ChangedFile(path="a.py", change="added", lines=((1, 1),))]


def test_another_index_file(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commit(repo, {"a.py": "one"})
    monkeypatch.setenv("GIT_INDEX_FILE", str(repo / ".git" / "other-index"))
    git(repo, "read-tree", "HEAD")
    write(repo, {"a.py": "two"})
    git(repo, "add", "a.py")
    assert staged(repo) == {"a.py": b"two"}
    assert is_anything_staged(repo)
    monkeypatch.delenv("GIT_INDEX_FILE")
    assert staged(repo) == {"a.py": b"one"}
    assert not is_anything_staged(repo)


def test_a_repository_is_found_from_a_linked_work_tree(repo: Path) -> None:
    commit(repo, {"a.py": "one"})
    linked = repo.parent / "linked"
    git(repo, "worktree", "add", "-q", str(linked))
    write(linked, {"b.py": "two"})
    assert find_root([], linked) == Root(linked, True)
    assert on_disk(linked) == {"a.py": b"one", "b.py": b"two"}
    assert staged(linked) == {"a.py": b"one"}


def test_submodules_and_nested_repositories_are_left_alone(repo: Path) -> None:
    other = repo.parent / "other"
    other.mkdir()
    git(other, "init", "-q")
    commit(other, {"inner.py": "x"})
    commit(repo, {"a.py": "a"})
    git(repo, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(other), "sub.py")
    nested = repo / "nested"
    nested.mkdir()
    git(nested, "init", "-q")
    commit(nested, {"n.py": "n"})
    assert on_disk(repo) == {"a.py": b"a"}
    assert staged(repo) == {"a.py": b"a"}
    assert work_tree(Root(repo, True), CONFIG).incomplete == []
    assert [change.path for change in changes(repo, git_head(repo))] == [".gitmodules"]


def test_conflicts_are_read_from_the_work_tree_and_said_of_the_index(repo: Path) -> None:
    commit(repo, {"a.py": "base\n", "b.py": "b\n"})
    git(repo, "checkout", "-q", "-b", "other")
    commit(repo, {"a.py": "theirs\n"})
    git(repo, "checkout", "-q", "main")
    commit(repo, {"a.py": "ours\n"})
    subprocess.run(["git", "merge", "-q", "other"], cwd=repo, capture_output=True, check=False)
    assert set(on_disk(repo)) == {"a.py", "b.py"}
    snapshot = git_index(Root(repo, True), CONFIG)
    assert set(contents(snapshot)) == {"b.py"}
    assert problems(snapshot) == {"a.py": "not merged yet: it has conflicts in git's index"}


def test_content_beyond_the_budget_is_read_again_and_checked(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discovery, "_MAX_IN_MEMORY", 10)
    commit(repo, {"a.py": "12345", "b.py": "67890", "c.py": "three"})
    with open(os.path.join(os.fsencode(repo), b"caf\xe9.py"), "wb") as stream:
        stream.write(b"x = 1\n")
    snapshot = work_tree(Root(repo, True), CONFIG)
    kept = {file.path: file.data is not None for file in snapshot.files}
    assert kept == {"a.py": True, "b.py": True, "c.py": False, "caf\\xe9.py": False}
    expected = {"a.py": b"12345", "b.py": b"67890", "c.py": b"three", "caf\\xe9.py": b"x = 1\n"}
    assert contents(snapshot) == expected
    write(repo, {"c.py": "other", "a.py": "other"})
    for change in ("", "gone", "link"):
        if change == "gone":
            (repo / "c.py").unlink()
        elif change == "link":
            (repo / "c.py").symlink_to("b.py")
        assert next(snapshot.read(snapshot.files)) == b"12345"
        with pytest.raises(SemforaError, match=r"c\.py: changed while it was analysed") as caught:
            list(snapshot.read(snapshot.files))
        assert caught.value.hint == "run again"


def test_what_git_keeps_out_of_the_work_tree_is_read_from_the_index(repo: Path) -> None:
    commit(repo, {"a.py": "a", "sub/b.py": "b", "sub/c.py": "c", "sub/large.py": b"#" * 3000, "d.py": "d"})
    (repo / "sub" / "link.py").symlink_to("b.py")
    git(repo, "add", "-A")
    kept = ["sub/b.py", "sub/c.py", "sub/large.py", "sub/link.py"]
    git(repo, "update-index", "--skip-worktree", *kept)
    for name in kept:
        (repo / name).unlink()
    (repo / "d.py").unlink()
    write(repo, {"sub/c.py": "on disk"})
    config = Config(max_file_size="2KiB")
    snapshot = work_tree(Root(repo, True), config)
    assert contents(snapshot) == {"a.py": b"a", "sub/b.py": b"b", "sub/c.py": b"on disk"}
    assert list(problems(snapshot)) == ["sub/large.py"]
    some = [snapshot.files[1], snapshot.files[0], snapshot.files[1]]
    assert list(snapshot.read(some)) == [b"b", b"a", b"b"]


def test_digests_are_those_of_the_object_format(repo: Path) -> None:
    modern = repo.parent / "modern"
    modern.mkdir()
    git(modern, "init", "-q", "--object-format=sha256")
    first = commit(modern, {"a.py": "a", "empty.py": ""})
    write(modern, {"b.py": "b"})
    root = Root(modern, True)
    ids = {file.path: file.digest for file in work_tree(root, CONFIG).files}
    assert ids == {name: git(modern, "hash-object", name) for name in ("a.py", "b.py", "empty.py")}
    assert {len(digest) for digest in ids.values()} == {64}
    del ids["b.py"]
    for snapshot in (git_index(root, CONFIG), revision(root, CONFIG, first)):
        assert {file.path: file.digest for file in snapshot.files} == ids
        assert list(snapshot.read(snapshot.files)) == [b"a", b""]
    assert blob_id(b"a", "sha256") == ids["a.py"]


def test_an_index_whose_names_lead_out_of_the_repository(repo: Path) -> None:
    """Git writes no such index, but it lists the names of one."""
    write(repo.parent, {"up.py": "secret"})
    commit(repo, {"a.py": "a", "zz/up.py": "mine"})
    index = repo / ".git" / "index"
    data = index.read_bytes()[:-20].replace(b"zz/up.py", b"../up.py")
    data = data[: data.index(b"TREE")] if b"TREE" in data else data
    index.write_bytes(data + hashlib.sha1(data).digest())
    assert "../up.py" in git(repo, "ls-files")
    snapshot = work_tree(Root(repo, True), CONFIG)
    assert contents(snapshot)["a.py"] == b"a"
    assert b"secret" not in contents(snapshot).values()


def test_files_that_are_only_meant_to_be_added_are_not_in_the_index(repo: Path) -> None:
    write(repo, {"new.py": "n", "empty.py": "", "meant.py": ""})
    git(repo, "add", "-N", "new.py", "meant.py")
    git(repo, "add", "empty.py")
    assert staged(repo) == {"empty.py": b""}
    commit(repo, {"gone.py": "g"})
    assert set(staged(repo)) == {"empty.py", "gone.py", "meant.py", "new.py"}
    git(repo, "rm", "-q", "--cached", "gone.py", "empty.py")
    git(repo, "add", "-N", "gone.py")
    assert set(staged(repo)) == {"meant.py", "new.py"}
    assert set(on_disk(repo)) == {"empty.py", "gone.py", "meant.py", "new.py"}


# ------------------------------------------------------------------------------------------------------ odd names

ODD = [
    "with space.py",
    "new\nline.py",
    "tab\there.py",
    'quo"te.py',
    "back\\slash.py",
    "ünï.py",
    "-dash.py",
    "a/--x.py",
    "colon:name.py",
    "*.py",
    "trailing .py",
    "'single'.py",
    "emoji🙂.py",
]


def test_odd_names(repo: Path) -> None:
    files = {name: f"{index}\n" for index, name in enumerate(ODD)}
    first = commit(repo, dict(files))
    expected = {name: text.encode() for name, text in files.items()}
    assert on_disk(repo) == expected
    assert staged(repo) == expected
    assert contents(revision(Root(repo, True), CONFIG, first)) == expected
    for name in ODD:
        with (repo / name).open("a") as stream:
            stream.write("more\n")
    git(repo, "add", "-A")
    assert {change.path: change.lines for change in changes(repo, first)} == dict.fromkeys(ODD, ((2, 2),))


def test_names_that_are_not_utf8(repo: Path) -> None:
    name = os.path.join(os.fsencode(repo), b"caf\xe9.py")
    with open(name, "wb") as stream:
        stream.write(b"x = 1\n")
    git(repo, "add", "-A")
    assert on_disk(repo) == {"caf\\xe9.py": b"x = 1\n"}
    assert staged(repo) == {"caf\\xe9.py": b"x = 1\n"}
    assert [change.lines for change in changes(repo, None)] == [((1, 1),)]
    assert on_disk(repo, is_git=False) == {"caf\\xe9.py": b"x = 1\n"}


def test_names_that_look_alike_as_text_are_one_path_at_most(repo: Path) -> None:
    with open(os.path.join(os.fsencode(repo), b"caf\xe9.py"), "wb") as stream:
        stream.write(b"x = 1\n")
    write(repo, {"caf\\xe9.py": "y = 2\n"})
    git(repo, "add", "-A")
    for snapshot in (work_tree(Root(repo, True), CONFIG), git_index(Root(repo, True), CONFIG)):
        assert [file.path for file in snapshot.files] == ["caf\\xe9.py"]
        assert list(problems(snapshot)) == ["caf\\xe9.py"]


# ------------------------------------------------------------------------------------------- what is not a file


def test_symbolic_links_are_not_followed(repo: Path) -> None:
    outside = repo.parent / "outside.py"
    outside.write_text("secret")
    (repo.parent / "folder").mkdir()
    (repo.parent / "folder" / "x.py").write_text("secret")
    write(repo, {"real.py": "r", "pkg/a.py": "a"})
    (repo / "inside.py").symlink_to("real.py")
    (repo / "out.py").symlink_to(outside)
    (repo / "loop.py").symlink_to("loop.py")
    (repo / "broken.py").symlink_to("nowhere.py")
    (repo / "linked").symlink_to(repo.parent / "folder")
    (repo / "circle").symlink_to(repo)
    git(repo, "add", "-A")
    for is_git in (True, False):
        snapshot = work_tree(Root(repo, is_git), CONFIG)
        assert contents(snapshot) == {"real.py": b"r", "pkg/a.py": b"a"}
        assert problems(snapshot) == {
            "broken.py": "symbolic link that leads nowhere: No such file or directory",
            "loop.py": "symbolic link that leads nowhere: Too many levels of symbolic links",
            "out.py": "symbolic link that leaves the repository; not followed",
        }
    assert staged(repo) == {"real.py": b"r", "pkg/a.py": b"a"}


def test_a_folder_that_became_a_link_is_not_followed(repo: Path) -> None:
    commit(repo, {"pkg/a.py": "mine"})
    other = repo.parent / "elsewhere"
    write(other, {"a.py": "secret"})
    (repo / "pkg" / "a.py").unlink()
    (repo / "pkg").rmdir()
    (repo / "pkg").symlink_to(other)
    snapshot = work_tree(Root(repo, True), CONFIG)
    assert contents(snapshot) == {}


def test_a_pipe_does_not_hang(repo: Path) -> None:
    commit(repo, {"a.py": "a", "b.py": "b"})
    os.mkfifo(repo / "pipe.py")
    (repo / "b.py").unlink()
    os.mkfifo(repo / "b.py")
    start = time.perf_counter()
    tracked = work_tree(Root(repo, True), CONFIG)
    plain = work_tree(Root(repo, False), CONFIG)
    assert time.perf_counter() - start < 60
    assert contents(tracked) == contents(plain) == {"a.py": b"a"}
    assert problems(tracked)["b.py"] == "not a regular file"
    assert problems(plain) == {"b.py": "not a regular file", "pipe.py": "not a regular file"}


def test_a_folder_named_like_a_file(repo: Path) -> None:
    commit(repo, {"x.py": "a", "pkg.py/y.py": "y"})
    (repo / "x.py").unlink()
    (repo / "x.py").mkdir()
    assert on_disk(repo) == {"pkg.py/y.py": b"y"}
    assert work_tree(Root(repo, True), CONFIG).incomplete == []


AS_SOMEBODY = """
import hashlib, os, pathlib, sys  # before Python itself is out of reach
import pathspec
from semfora_hooks.config import Config
from semfora_hooks.discovery import Root, work_tree
if os.getuid() == 0:  # whom nothing is forbidden
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
snapshot = work_tree(Root(pathlib.Path(sys.argv[1]), False), Config())
print([file.path for file in snapshot.files], [(item.file, item.reason) for item in snapshot.incomplete])
"""


def test_a_file_that_may_not_be_read_is_said() -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(os.path.realpath(folder))
        write(root, {"a.py": "a", "secret.py": "s", "closed/c.py": "c"})
        root.chmod(0o755)
        (root / "secret.py").chmod(0)
        (root / "closed").chmod(0)
        result = subprocess.run(
            [sys.executable, "-c", AS_SOMEBODY, str(root)],
            capture_output=True,
            text=True,
            cwd=Path(__file__).parent.parent,
            check=False,
        )
        (root / "closed").chmod(0o755)
    assert result.stderr == ""
    assert result.stdout.strip() == (
        "['a.py'] [('closed', 'folder cannot be read: Permission denied'), "
        "('secret.py', 'cannot be read: Permission denied')]"
    )


def test_large_files_are_said_to_be_left_out(repo: Path) -> None:
    config = Config(max_file_size="1KiB")
    first = commit(repo, {"large.py": b"#" * 1025, "limit.py": b"#" * 1024, "large.txt": b"#" * 5000})
    reason = "not analysed: 0.0 MiB is more than max-file-size (0.000976562 MiB); exclude it, or raise the limit"
    root = Root(repo, True)
    for snapshot in (work_tree(root, config), git_index(root, config), revision(root, config, first)):
        assert list(contents(snapshot)) == ["limit.py"]
        assert problems(snapshot) == {"large.py": reason}


def test_excluded_files(repo: Path) -> None:
    files = {
        "a.py": "",
        "gen/x.py": "",
        "pkg/gen/y.py": "",
        "pkg/b_pb2.py": "",
        "docs/conf.py": "",
        "docs/sub/z.py": "",
    }
    first = commit(repo, {name: name for name in files})
    root = Root(repo, True)
    for exclude, left in (
        ((), set(files)),
        (("gen/",), {"a.py", "pkg/b_pb2.py", "docs/conf.py", "docs/sub/z.py"}),
        (("/gen/",), set(files) - {"gen/x.py"}),
        (("*_pb2.py", "docs/**"), {"a.py", "gen/x.py", "pkg/gen/y.py"}),
        (("docs/*", "!docs/conf.py"), set(files) - {"docs/sub/z.py"}),
        (("*",), set()),
    ):
        config = Config(exclude=exclude)
        assert set(on_disk(repo, config)) == left
        assert set(staged(repo, config)) == left
        assert set(contents(revision(root, config, first))) == left
        assert set(on_disk(repo, config, is_git=False)) == left


def test_a_pattern_that_is_none_is_a_mistake_in_the_configuration(repo: Path) -> None:
    write(repo, {"a.py": "a"})
    with pytest.raises(ConfigError, match="'exclude': '!' is not a pattern"):
        work_tree(Root(repo, True), Config(exclude=("ok", "!"), source="semfora.toml"))


# ---------------------------------------------------------------------------------------------------- no git here


def test_a_plain_folder(tmp_path: Path) -> None:
    root = Path(os.path.realpath(tmp_path)) / "plain"
    write(
        root,
        {
            "a.py": "a",
            "pkg/b.py": "b",
            "pkg/__pycache__/c.py": "",
            ".tox/d.py": "",
            "venv/pyvenv.cfg": "",
            "venv/e.py": "",
            "node_modules/f.py": "",
            "x.egg-info/g.py": "",
            ".gitignore": "build/\n*.gen.py\n",
            "build/h.py": "",
            "pkg/i.gen.py": "",
            "data.txt": "",
        },
    )
    assert find_root([], root) == Root(root, False)
    snapshot = work_tree(Root(root, False), CONFIG)
    assert contents(snapshot) == {"a.py": b"a", "pkg/b.py": b"b"}
    assert snapshot.head is None
    assert snapshot.incomplete == []


def test_git_that_is_not_installed(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commit(repo, {"a.py": "a"})
    monkeypatch.setenv("PATH", str(repo))
    with pytest.raises(GitError, match="git is not installed"):
        work_tree(Root(repo, True), CONFIG)
    assert on_disk(repo, is_git=False) == {"a.py": b"a"}


def test_a_broken_repository_is_an_error(repo: Path) -> None:
    commit(repo, {"a.py": "a"})
    (repo / ".git" / "HEAD").write_text("nonsense")
    with pytest.raises(GitError, match="git ls-files failed in"):
        work_tree(Root(repo, True), CONFIG)


def test_a_missing_object_is_said(repo: Path) -> None:
    commit(repo, {"a.py": "unique content", "b.py": "b"})
    digest = blob_id(b"unique content")
    (repo / ".git" / "objects" / digest[:2] / digest[2:]).unlink()
    snapshot = git_index(Root(repo, True), CONFIG)
    assert contents(snapshot) == {"b.py": b"b"}
    assert problems(snapshot) == {"a.py": "its content is not in this clone (partial clone or corrupt repository)"}


def test_nothing_that_a_repository_configures_is_run(repo: Path) -> None:
    commit(repo, {"a.py": "a\n", ".gitattributes": "*.py diff=evil filter=evil\n"})
    trap = repo.parent / "trap.sh"
    trap.write_text("#!/bin/sh\ntouch " + str(repo.parent / "sprung") + "\ncat\n")
    trap.chmod(0o755)
    for key in (
        "core.fsmonitor",
        "diff.evil.textconv",
        "diff.evil.command",
        "diff.external",
        "core.pager",
        "core.hooksPath",
    ):
        git(repo, "config", key, str(trap))
    write(repo, {"a.py": "b\n", "c.py": "c\n"})
    subprocess.run(["git", "-c", "core.fsmonitor=false", "add", "-A"], cwd=repo, check=True)
    (repo.parent / "sprung").unlink(missing_ok=True)
    on_disk(repo)
    staged(repo)
    assert [change.path for change in changes(repo, git_head(repo))] == ["a.py", "c.py"]
    merge_base(repo, "main")
    assert is_anything_staged(repo)
    assert not (repo.parent / "sprung").exists()


# ------------------------------------------------------------------------------------------------------------ root


def test_roots_and_filters(repo: Path) -> None:
    write(repo, {"pkg/sub/a.py": "a", "b.py": "b"})
    assert find_root([], repo / "pkg") == Root(repo, True)
    assert find_root([repo], repo) == Root(repo, True)
    assert find_root([repo / "pkg"], repo) == Root(repo, True, ("pkg",))
    assert find_root([repo / "pkg" / "sub" / "a.py", repo / "b.py"], repo) == Root(repo, True, ("pkg/sub/a.py", "b.py"))


def test_roots_of_plain_projects(tmp_path: Path) -> None:
    base = Path(os.path.realpath(tmp_path))
    write(base, {"project/pyproject.toml": "", "project/pkg/a.py": "", "loose/b.py": ""})
    assert find_root([base / "project" / "pkg"], base) == Root(base / "project", False, ("pkg",))
    assert find_root([base / "loose"], base) == Root(base / "loose", False)
    assert find_root([base / "loose" / "b.py"], base) == Root(base / "loose", False, ("b.py",))
    both = find_root([base / "project", base / "loose"], base)
    assert both == Root(base, False, ("project", "loose"))


def test_an_ignored_folder_is_a_root_of_its_own(repo: Path) -> None:
    commit(repo, {".gitignore": "vendor/\n", "a.py": "a"})
    write(repo, {"vendor/lib/x.py": "x"})
    found = find_root([repo / "vendor" / "lib"], repo)
    assert found == Root(repo / "vendor" / "lib", False)
    assert on_disk(found.path, is_git=False) == {"x.py": b"x"}


def test_paths_that_make_no_sense(repo: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file or folder"):
        find_root([repo / "missing"], repo)
    other = Path(os.path.realpath(tmp_path)) / "second"
    other.mkdir()
    git(other, "init", "-q")
    with pytest.raises(UsageError, match="different repositories"):
        find_root([repo, other], repo)
    plain = other.parent / "plain"
    plain.mkdir()
    (repo / "away").symlink_to(plain)
    with pytest.raises(UsageError, match="a symbolic link that leaves the repository"):
        find_root([repo / "away"], repo)


def test_a_root_reached_through_a_link_is_real(repo: Path) -> None:
    write(repo, {"pkg/a.py": "a"})
    link = repo.parent / "link"
    link.symlink_to(repo)
    assert find_root([link / "pkg"], repo.parent) == Root(repo, True, ("pkg",))


# --------------------------------------------------------------------------------------------------------- changes

BASE = "".join(f"line {i}\n" for i in range(1, 21))


def edited(*edits: tuple[int, str | None]) -> str:
    """`BASE` with lines (1-based) replaced, or removed for `None`."""
    lines = BASE.splitlines(keepends=True)
    for number, text in sorted(edits, reverse=True):
        lines[number - 1 : number] = [] if text is None else [text]
    return "".join(lines)


@pytest.mark.parametrize(
    ("after", "lines"),
    [
        (edited((3, "x\n")), ((3, 3),)),
        (edited((3, "x\ny\nz\n")), ((3, 5),)),
        (edited((3, "x\n"), (4, "y\n"), (10, "z\n")), ((3, 4), (10, 10))),
        (edited((3, "x\n"), (5, "y\n")), ((3, 3), (5, 5))),
        (edited((3, None)), ()),
        (edited((3, None), (10, "x\n")), ((9, 9),)),
        (BASE + "more\n", ((21, 21),)),
        ("first\n" + BASE, ((1, 1),)),
        (BASE.rstrip("\n"), ((20, 20),)),
        ("", ()),
        (edited((1, "+++ b/evil.py\n"), (2, "@@ -1 +5,9 @@\n"), (3, "diff --git a/x b/x\n")), ((1, 3),)),
        (edited((1, "-- a\n"), (2, "++ b\n")), ((1, 2),)),
    ],
)
def test_line_ranges_of_a_change(repo: Path, after: str, lines: tuple[tuple[int, int], ...]) -> None:
    first = commit(repo, {"a.py": BASE})
    write(repo, {"a.py": after})
    git(repo, "add", "a.py")
    expected = [ChangedFile(path="a.py", change="modified", lines=lines)]
    assert changes(repo, first) == expected
    second = commit(repo)
    assert changes(repo, first, second) == changes(repo, first, "HEAD") == expected
    assert changes(repo, second) == []


def test_every_kind_of_change(repo: Path) -> None:
    first = commit(
        repo,
        {
            "mod.py": "a\n",
            "del.py": "b\n",
            "old.py": BASE,
            "same.py": "c\n",
            "mode.py": "d\n",
            "type.py": "e\n",
            "t.txt": "t\n",
        },
    )
    write(repo, {"mod.py": "a\nb\n", "new.py": "n\n\n\n", "t.txt": "changed\n", "bin.py": b"\0\1"})
    (repo / "del.py").unlink()
    (repo / "old.py").rename(repo / "renamed.py")
    with (repo / "renamed.py").open("a") as stream:
        stream.write("more\n")
    (repo / "mode.py").chmod(0o755)
    (repo / "type.py").unlink()
    (repo / "type.py").symlink_to("mod.py")
    git(repo, "add", "-A")
    assert changes(repo, first) == [
        ChangedFile(path="bin.py", change="added"),
        ChangedFile(path="del.py", change="deleted"),
        ChangedFile(path="mod.py", change="modified", lines=((2, 2),)),
        ChangedFile(path="mode.py", change="modified"),
        ChangedFile(path="new.py", change="added", lines=((1, 3),)),
        ChangedFile(path="renamed.py", change="renamed", old_path="old.py", lines=((21, 21),)),
        ChangedFile(path="t.txt", change="modified", lines=((1, 1),)),
        ChangedFile(path="type.py", change="modified", lines=((1, 1),)),
    ]


def test_unstaged_changes_are_no_changes(repo: Path) -> None:
    first = commit(repo, {"a.py": BASE})
    write(repo, {"a.py": "different\n", "b.py": "untracked\n"})
    assert changes(repo, first) == []
    assert not is_anything_staged(repo)


@pytest.mark.parametrize(
    "settings",
    [
        {"diff.context": "9"},
        {"diff.interHunkContext": "20"},
        {"diff.noprefix": "true"},
        {"diff.mnemonicPrefix": "true"},
        {"diff.renames": "copies"},
        {"color.ui": "always", "color.diff": "always"},
        {"diff.algorithm": "patience", "diff.indentHeuristic": "false"},
        {"core.quotePath": "true"},
        {"diff.wordRegex": "."},
        {"diff.suppressBlankEmpty": "true"},
        {"diff.submodule": "diff"},
        {"diff.orderFile": "/dev/null"},
        {"diff.dstPrefix": "zzz/", "diff.srcPrefix": "yyy/"},
        {"diff.statGraphWidth": "1", "diff.relative": "true"},
        {"core.autocrlf": "true"},
    ],
)
def test_no_configuration_changes_the_ranges(repo: Path, settings: dict[str, str]) -> None:
    first = commit(repo, {"ä b.py": BASE, "c.py": "c\n"})
    write(repo, {"ä b.py": edited((3, "x\n"), (7, "y\n")), "d.py": "c\n"})
    git(repo, "add", "-A")
    for key, value in settings.items():
        git(repo, "config", key, value)
    assert changes(repo, first) == [
        ChangedFile(path="d.py", change="added", lines=((1, 1),)),
        ChangedFile(path="ä b.py", change="modified", lines=((3, 3), (7, 7))),
    ]


@pytest.mark.parametrize(("name", "value"), [("GIT_DIFF_OPTS", "--unified=9"), ("GIT_EXTERNAL_DIFF", "/bin/false")])
def test_no_variable_changes_the_ranges(repo: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    first = commit(repo, {"a.py": BASE})
    write(repo, {"a.py": edited((3, "x\n"))})
    git(repo, "add", "-A")
    monkeypatch.setenv(name, value)
    assert changes(repo, first) == [ChangedFile(path="a.py", change="modified", lines=((3, 3),))]


def test_lines_of_a_file_with_carriage_returns(repo: Path) -> None:
    first = commit(repo, {"a.py": "a\r\nb\r\nc\r\n"})
    write(repo, {"a.py": "a\r\nB\r\nc\r\n"})
    git(repo, "add", "-A")
    assert changes(repo, first)[0].lines == ((2, 2),)


# ------------------------------------------------------------------------------------------------------- revisions


def test_merge_bases(repo: Path) -> None:
    first = commit(repo, {"a.py": "1"})
    git(repo, "checkout", "-q", "-b", "feature")
    feature = commit(repo, {"b.py": "2"})
    git(repo, "checkout", "-q", "main")
    main = commit(repo, {"c.py": "3"})
    git(repo, "tag", "-a", "v1", "-m", "annotated", feature)
    git(repo, "checkout", "-q", "feature")
    assert merge_base(repo, "main") == first
    assert merge_base(repo, main[:12]) == first
    assert merge_base(repo, "feature") == feature
    assert merge_base(repo, "main", "v1") == first
    assert commit_id(repo, "v1") == feature
    assert git_head(repo) == feature


@pytest.mark.parametrize(
    "name", ["nowhere", "main~50", "--help", "-q", "", "a b", "HEAD:a.py", EMPTY_TREE, "\n", "main..HEAD"]
)
def test_revisions_that_are_none(repo: Path, name: str) -> None:
    commit(repo, {"a.py": "1"})
    with pytest.raises(GitError, match="is not in this repository"):
        merge_base(repo, name)


def test_histories_without_a_common_commit(repo: Path) -> None:
    commit(repo, {"a.py": "1"})
    git(repo, "checkout", "-q", "--orphan", "island")
    commit(repo, {"b.py": "2"})
    with pytest.raises(GitError, match="HEAD and 'main' have no common commit here"):
        merge_base(repo, "main")


def test_a_shallow_clone_says_what_to_do(repo: Path) -> None:
    first = commit(repo, {"a.py": "1"})
    commit(repo, {"a.py": "2"})
    shallow = repo.parent / "shallow"
    git(repo.parent, "clone", "-q", "--depth", "1", f"file://{repo}", str(shallow))
    with pytest.raises(GitError) as caught:
        merge_base(shallow, first)
    assert caught.value.hint is not None
    assert "--unshallow" in caught.value.hint


def test_a_shallow_clone_that_lacks_the_base_is_read_for_what_it_has(repo: Path) -> None:
    commit(repo, {"a.py": "1"})
    commit(repo, {"a.py": "2"})
    shallow = repo.parent / "shallow"
    git(repo.parent, "clone", "-q", "--depth", "1", f"file://{repo}", str(shallow))
    assert on_disk(shallow) == staged(shallow) == {"a.py": b"2"}


def test_part_of_a_package_without_a_project_is_analysed_with_the_whole_package(tmp_path: Path) -> None:
    inner = tmp_path / "pkg" / "inner"
    inner.mkdir(parents=True)
    for folder in (inner, inner.parent):
        (folder / "__init__.py").touch()
    (inner / "a.py").write_text("x = 1\n")
    assert find_root([inner / "a.py"], tmp_path) == Root(tmp_path / "pkg", False, ("inner/a.py",))
    assert find_root([inner], tmp_path) == Root(tmp_path / "pkg", False, ("inner",))
    assert find_root([tmp_path / "pkg"], tmp_path) == Root(tmp_path / "pkg", False, ())
