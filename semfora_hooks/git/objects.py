"""What the index and commits hold: paths, ids, and the content of blobs."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from semfora_hooks.errors import GitError
from semfora_hooks.git.process import run

_BLOBS_A_CALL = 200


class TreeEntry(NamedTuple):
    """A path in the index or in a commit; `stage` is not 0 while it has conflicts."""

    mode: bytes
    oid: str
    name: bytes
    stage: int = 0


def work_tree_files(root: Path) -> list[bytes]:
    """Tracked files and untracked ones that git does not ignore, sorted."""
    listing = run(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard").stdout
    return sorted({name for name in listing.split(b"\0") if name})


def index_entries(root: Path) -> Iterator[TreeEntry]:
    """What is staged. Honours `GIT_INDEX_FILE`."""
    for line in filter(None, run(root, "ls-files", "-z", "--stage").stdout.split(b"\0")):
        head, _, name = line.partition(b"\t")
        mode, oid, stage = head.split(b" ")
        yield TreeEntry(mode, oid.decode(), name, int(stage))


def tree_entries(root: Path, commit: str) -> Iterator[TreeEntry]:
    """What a commit holds."""
    for line in filter(None, run(root, "ls-tree", "-r", "-z", "--full-tree", commit).stdout.split(b"\0")):
        head, _, name = line.partition(b"\t")
        mode, _, oid = head.split(b" ")
        yield TreeEntry(mode, oid.decode(), name)


def blob_sizes(root: Path, oids: Sequence[str]) -> dict[str, int]:
    """Bytes of each blob; -1 where this clone does not have it."""
    unique = sorted(set(oids))
    if not unique:
        return {}
    request = "".join(f"{oid}\n" for oid in unique).encode()
    output = run(root, "cat-file", "--batch-check=%(objectname) %(objectsize)", data=request).stdout
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
        output = run(root, "cat-file", "--batch", data="".join(f"{oid}\n" for oid in part).encode()).stdout
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
