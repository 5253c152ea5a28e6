"""Git's plumbing, and only that: nothing here starts a program that a repository could name, or writes anything."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from semfora_hooks.errors import GitError
from semfora_hooks.model import ChangedFile, ChangeKind

EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
_BLOBS_A_CALL = 200
_TIMEOUT = 60  # seconds; git takes less than one on a hundred thousand files


class TreeEntry(NamedTuple):
    """A path in the index or in a commit; `stage` is not 0 while it has conflicts."""

    mode: bytes
    oid: str
    name: bytes
    stage: int = 0


def top_level(folder: Path) -> Path | None:
    """The top of the git work tree around `folder`, found without git; `None` outside one."""
    for candidate in (folder, *folder.parents):
        if (candidate / ".git").exists():
            return candidate
    return None


def is_ignored(top: Path, path: Path) -> bool:
    """Whether git ignores `path` in the work tree at `top`."""
    result = _run(top, "check-ignore", "-q", "--", str(path), check=False)
    return result.returncode == 0


def _run(
    root: Path, *arguments: str, data: bytes | None = None, check: bool = True
) -> subprocess.CompletedProcess[bytes]:
    """Run git plumbing at `root`.

    Raises:
        GitError: Git is missing, or failed.
    """
    options = ("-c", "core.fsmonitor=false", "-c", "core.quotePath=false", "--work-tree=.", "--no-pager")
    command = ["git", *options, *arguments]
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0"}
    # A missing object must not be fetched: a repository's configuration names the programs that do it.
    environment |= {"GIT_NO_LAZY_FETCH": "1", "GIT_ALLOW_PROTOCOL": ""}
    environment.pop("GIT_DIFF_OPTS", None)  # would widen the ranges of changed lines
    try:
        result = subprocess.run(
            command,
            cwd=root,
            input=data,
            stdin=subprocess.DEVNULL if data is None else None,
            capture_output=True,
            env=environment,
            check=False,
            timeout=_TIMEOUT,
        )
    except subprocess.TimeoutExpired:
        raise GitError(
            f"git {arguments[0]} in {root} did not end within {_TIMEOUT} s",
            hint="is .gitignore, or another file git reads, a pipe?",
        ) from None
    except FileNotFoundError:
        raise GitError(
            "git is not installed, or not on PATH", hint="install git, or analyse a folder without .git"
        ) from None
    if check and result.returncode != 0:
        text = result.stderr.decode("utf-8", "replace").strip().splitlines()
        hint = None
        if any("dubious ownership" in line for line in text):
            hint = f"if you trust it: git config --global --add safe.directory {root}"
        if any("unable to read" in line or "missing" in line or "promisor" in line for line in text):
            hint = "objects are missing in this clone; if it is a partial one: git fetch --refetch --no-filter"
        raise GitError(f"git {arguments[0]} failed in {root}: {text[0] if text else result.returncode}", hint=hint)
    return result


def head(root: Path) -> str | None:
    """The commit id of HEAD; `None` before the first commit."""
    result = _run(root, "rev-parse", "--verify", "-q", "HEAD^{commit}", check=False)
    return result.stdout.decode().strip() or None if result.returncode == 0 else None


def commit_id(root: Path, revision: str) -> str:
    """The commit a revision names.

    Raises:
        GitError: There is none here.
    """
    known = None
    if not revision.startswith("-"):
        known = _run(root, "rev-parse", "--verify", "-q", f"{revision}^{{commit}}", check=False)
    if known is None or known.returncode != 0:
        raise GitError(
            f"the revision {revision!r} is not in this repository",
            hint="in a shallow clone: git fetch --unshallow, or fetch the branch with enough depth",
        )
    return known.stdout.decode().strip()


def merge_base(root: Path, revision: str, target: str = "HEAD") -> str:
    """The commit where `target` left `revision`.

    Raises:
        GitError: A revision is unknown, or they share no history.
    """
    result = _run(root, "merge-base", commit_id(root, revision), commit_id(root, target), check=False)
    if result.returncode != 0:
        raise GitError(
            f"{target} and {revision!r} have no common commit here", hint="in a shallow clone: git fetch --unshallow"
        )
    return result.stdout.decode().strip()


def changes(
    root: Path, base: str | None, target: str | None = None, *, with_lines: Callable[[str], object] = bool
) -> list[ChangedFile]:
    """What differs between two states, with line ranges.

    Args:
        root: The repository.
        base: A commit; `None` before the first one.
        target: A commit; `None` for what is staged.
        with_lines: The ranges of lines are wanted if it holds for the path of any file; by default, always.
    """
    sides = ["--cached", base or EMPTY_TREE] if target is None else [base or EMPTY_TREE, target]
    options = ("-M", "--no-ext-diff", "--no-textconv", "--no-color", "--ignore-submodules", "--inter-hunk-context=0")
    raw = _run(root, "diff", *options, "--raw", "-z", "--abbrev=40", *sides).stdout.split(b"\0")
    found: list[ChangedFile] = []
    names: dict[bytes, list[tuple[int, int]]] = {}
    position = 0
    entries: list[tuple[bytes, bytes | None, ChangeKind]] = []
    kinds: dict[str, ChangeKind] = {
        "A": "added",
        "M": "modified",
        "D": "deleted",
        "R": "renamed",
        "T": "modified",
        "C": "added",
    }
    while position + 1 < len(raw):
        status = raw[position].rsplit(b" ", 1)[-1].decode()[:1]
        if status in ("R", "C"):
            entries.append((raw[position + 2], raw[position + 1] if status == "R" else None, kinds[status]))
            position += 3
        else:
            entries.append((raw[position + 1], None, kinds.get(status, "modified")))
            position += 2
    wanted = [entry for entry in entries if entry[2] != "deleted" and with_lines(display_path(entry[0]))]
    if wanted:
        patch = _run(root, "diff", *options, "-U0", "--no-prefix", *sides).stdout
        names = _changed_lines(patch)
    for new, old, kind in entries:
        found.append(
            ChangedFile(
                path=display_path(new),
                change=kind,
                old_path=None if old is None else display_path(old),
                lines=tuple(names.get(new, ())),
            )
        )
    return sorted(found, key=lambda change: change.path)


def _changed_lines(patch: bytes) -> dict[bytes, list[tuple[int, int]]]:
    """Ranges of lines on the new side, by path, from a patch without context."""
    ranges: dict[bytes, list[tuple[int, int]]] = {}
    current: list[tuple[int, int]] = []
    in_header = False
    for line in patch.split(b"\n"):
        if line.startswith(b"diff --git "):
            in_header = True
        elif in_header and line.startswith(b"+++ "):
            name = line[4:].rstrip(b"\t")
            if name.startswith(b'"'):
                name = _unquote(name)
            current = ranges.setdefault(name, [])
        elif line.startswith(b"@@ "):
            in_header = False
            start, _, count = line.split(b" ")[2][1:].partition(b",")
            length = int(count) if count else 1
            if length:
                current.append((int(start), int(start) + length - 1))
    return ranges


def _unquote(name: bytes) -> bytes:
    """A path as git quotes it in patches (C style) back to bytes."""
    escapes = {
        b"n": b"\n",
        b"t": b"\t",
        b"r": b"\r",
        b'"': b'"',
        b"\\": b"\\",
        b"a": b"\a",
        b"b": b"\b",
        b"f": b"\f",
        b"v": b"\v",
    }
    body, out, position = name[1:-1], bytearray(), 0
    while position < len(body):
        character = body[position : position + 1]
        if character != b"\\":
            out += character
            position += 1
        elif body[position + 1 : position + 2].isdigit():
            out.append(int(body[position + 1 : position + 4], 8) & 0xFF)
            position += 4
        else:
            out += escapes.get(body[position + 1 : position + 2], b"")
            position += 2
    return bytes(out)


def is_anything_staged(root: Path) -> bool:
    """Whether the index differs from HEAD. Honours `GIT_INDEX_FILE`."""
    base = head(root) or EMPTY_TREE
    return _run(root, "diff-index", "--cached", "--quiet", base, "--", check=False).returncode == 1


def work_tree_files(root: Path) -> list[bytes]:
    """Tracked files and untracked ones that git does not ignore, sorted."""
    listing = _run(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard").stdout
    return sorted({name for name in listing.split(b"\0") if name})


def index_entries(root: Path) -> Iterator[TreeEntry]:
    """What is staged. Honours `GIT_INDEX_FILE`."""
    for line in filter(None, _run(root, "ls-files", "-z", "--stage").stdout.split(b"\0")):
        head, _, name = line.partition(b"\t")
        mode, oid, stage = head.split(b" ")
        yield TreeEntry(mode, oid.decode(), name, int(stage))


def tree_entries(root: Path, commit: str) -> Iterator[TreeEntry]:
    """What a commit holds."""
    for line in filter(None, _run(root, "ls-tree", "-r", "-z", "--full-tree", commit).stdout.split(b"\0")):
        head, _, name = line.partition(b"\t")
        mode, _, oid = head.split(b" ")
        yield TreeEntry(mode, oid.decode(), name)


def blob_sizes(root: Path, oids: Sequence[str]) -> dict[str, int]:
    """Bytes of each blob; -1 where this clone does not have it."""
    unique = sorted(set(oids))
    if not unique:
        return {}
    request = "".join(f"{oid}\n" for oid in unique).encode()
    output = _run(root, "cat-file", "--batch-check=%(objectname) %(objectsize)", data=request).stdout
    sizes = {}
    for line in output.decode().splitlines():
        oid, _, size = line.partition(" ")
        sizes[oid] = int(size) if size.isdigit() else -1
    return sizes


def read_blobs(root: Path, oids: Sequence[str]) -> Iterator[bytes]:
    """The content of blobs, in their order.

    Raises:
        GitError: One is missing.
    """
    for start in range(0, len(oids), _BLOBS_A_CALL):
        part = oids[start : start + _BLOBS_A_CALL]
        output = _run(root, "cat-file", "--batch", data="".join(f"{oid}\n" for oid in part).encode()).stdout
        position = 0
        for oid in part:
            end = output.index(b"\n", position)
            header = output[position:end].split(b" ")
            if len(header) != 3:
                raise GitError(f"git has no object {oid} in {root}", hint="git fsck says what else is missing")
            size = int(header[2])
            yield output[end + 1 : end + 1 + size]
            position = end + 1 + size + 1


def blob_id(data: bytes) -> str:
    """Git's id of a file's content."""
    digest = hashlib.sha1(b"blob %d\0" % len(data), usedforsecurity=False)
    digest.update(data)
    return digest.hexdigest()


def display_path(name: bytes) -> str:
    """A path as text: UTF-8, with escapes for bytes that are not, so that every path can stand in JSON."""
    return name.decode("utf-8", "backslashreplace")
