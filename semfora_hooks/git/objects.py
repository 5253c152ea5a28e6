"""What the index, the work tree and commits hold: paths, ids, and the content of blobs."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from semfora_hooks.errors import GitError
from semfora_hooks.git.differences import RAW, RawChange, empty_tree, finish_head, parse_raw, raw_changes, start_head
from semfora_hooks.git.process import TIMEOUT, Running, run

ANY = (b"",)
"""Endings that every name has."""

_BLOBS_A_CALL = 1000
_BYTES_A_CALL = 8 << 20
_UNKNOWN_SIZE = 64 << 10  # what a blob counts whose size nobody told
_SCRAP = 1 << 20


class TreeEntry(NamedTuple):
    """A path in the index or in a commit.

    Attributes:
        mode: `100644`, `100755`, `120000` for a symbolic link, `160000` for a submodule.
        oid: The blob's id.
        name: The path's bytes.
        stage: Not 0 while it has conflicts.
        is_kept: Git was told to take the index's word for the work tree's: sparse checkout, assume-unchanged.
    """

    mode: bytes
    oid: str
    name: bytes
    stage: int = 0
    is_kept: bool = False


# ---------------------------------------------------------------------------------------------------------- listings


class _Listing:
    """Processes that list files, and say what HEAD is, side by side; leaving the `with` block leaves none behind."""

    def __init__(self, root: Path, endings: tuple[bytes, ...]) -> None:
        self._root = root
        self._endings = endings
        self._running: list[Running] = []
        self._asked = start_head(root)
        self._running.append(self._asked)
        self._ids: tuple[str, str] | None = None

    def _start(self, *arguments: str) -> Running:
        self._running.append(Running(self._root, *arguments))
        return self._running[-1]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for running in self._running:
            running.stop()

    def head(self) -> str | None:
        """The commit id of HEAD; `None` before the first commit."""
        if self._asked.process.returncode is None:
            self._ids = finish_head(self._asked)
        return self._ids[0] if self._ids else None


class WorkTree(_Listing):
    """Git's view of a work tree: three processes at once. Use it in a `with` block.

    Args:
        root: The top of the work tree.
        endings: Only names that end in one of these are listed.
    """

    def __init__(self, root: Path, endings: tuple[bytes, ...] = ANY) -> None:
        super().__init__(root, endings)
        self._tracked = self._start("ls-files", "-z", "-v", "--stage")
        self._others = self._start("ls-files", "-z", "--others", "--exclude-standard")

    def tracked(self) -> list[TreeEntry]:
        """What is in the index, by name; conflicts once for each side."""
        entries = []
        for line in _records(self._tracked.finish().stdout, self._endings):
            tag, _, rest = line.partition(b" ")
            entry = _index_entry(rest)
            entries.append(entry._replace(is_kept=True) if tag == b"S" or tag.islower() else entry)
        return entries

    def untracked(self) -> list[bytes]:
        """Files that are not in the index, and that git does not ignore."""
        return _records(self._others.finish().stdout, self._endings)


class Index(_Listing):
    """What is staged: three processes at once. Use it in a `with` block. Honours `GIT_INDEX_FILE`.

    Args:
        root: The top of the work tree.
        endings: Only names that end in one of these are listed.
    """

    def __init__(self, root: Path, endings: tuple[bytes, ...] = ANY) -> None:
        super().__init__(root, endings)
        self._staged = self._start("ls-files", "-z", "--stage")
        self._visible = self._start("diff-index", "--cached", *RAW, "--ita-visible-in-index", "HEAD", "--")

    def entries(self) -> list[TreeEntry]:
        """All entries, by name; conflicts once for each side. Files that `git add -N` announced are not staged yet."""
        entries = [_index_entry(line) for line in _records(self._staged.finish().stdout, self._endings)]
        empty_ids = (blob_id(b""), blob_id(b"", "sha256"))
        empty = {entry.name for entry in entries if entry.oid in empty_ids}
        if not empty:
            return entries
        announced = {change.name for change in self._changes_with_announced() if change.name in empty}
        if announced:
            base = self.head() or empty_tree(self._root)
            announced -= {change.name for change in raw_changes(self._root, base) if change.status != "D"}
        return [entry for entry in entries if entry.name not in announced]

    def _changes_with_announced(self) -> list[RawChange]:
        done = self._visible.finish(check=False)
        if done.returncode == 0:
            return parse_raw(done.stdout)
        return raw_changes(self._root, self.head() or empty_tree(self._root), announced=True)


def start_index_entries(root: Path, path: str) -> Running:
    """Have git list what the index holds at a path and below it; `finish_index_entries` gives it."""
    return Running(root, "ls-files", "-z", "--stage", "--", f":(top,literal){path}")


def finish_index_entries(running: Running) -> list[TreeEntry]:
    """The entries, by name; conflicts once for each side."""
    return [_index_entry(line) for line in _records(running.finish().stdout, ANY)]


def _index_entry(line: bytes) -> TreeEntry:
    information, _, name = line.partition(b"\t")
    mode, oid, stage = information.split(b" ")
    return TreeEntry(mode, oid.decode(), name, int(stage))


def _records(output: bytes, endings: tuple[bytes, ...]) -> list[bytes]:
    """The records of a listing that end, with their names, in one of `endings`."""
    return [record for record in output.split(b"\0") if record and record.endswith(endings)]


def tree_entries(root: Path, commit: str, endings: tuple[bytes, ...] = ANY) -> Iterator[TreeEntry]:
    """What a commit or a tree holds, where its name ends in one of `endings`."""
    for line in _records(run(root, "ls-tree", "-r", "-z", "--full-tree", commit).stdout, endings):
        information, _, name = line.partition(b"\t")
        mode, _, oid = information.split(b" ")
        yield TreeEntry(mode, oid.decode(), name)


# ------------------------------------------------------------------------------------------------------------- blobs


def blob_sizes(root: Path, oids: Sequence[str]) -> dict[str, int]:
    """Bytes of each blob; -1 where this clone does not have it."""
    unique = sorted(set(oids))
    if not unique:
        return {}
    command = ("cat-file", "--buffer", "--batch-check=%(objectname) %(objectsize)")
    asking = Running(root, *command, data=_lines(unique))
    done = asking.finish(check=False)
    if done.returncode == 0:
        return _sizes(done.stdout)
    if b"promisor" not in done.stderr:
        raise asking.failed(done.stderr)
    # A partial clone, and git gives up at the first blob it may not fetch: look for them in all that is here.
    present = _sizes(run(root, *command, "--batch-all-objects", "--unordered").stdout)
    return {oid: present.get(oid, -1) for oid in unique}


def _sizes(output: bytes) -> dict[str, int]:
    sizes = {}
    for line in output.decode().splitlines():
        oid, _, size = line.partition(" ")
        sizes[oid] = int(size) if size.isdigit() else -1
    return sizes


def _lines(oids: Iterable[str]) -> bytes:
    return "".join(f"{oid}\n" for oid in oids).encode()


def read_blobs(root: Path, oids: Sequence[str], sizes: Mapping[str, int] | None = None) -> Iterator[bytes]:
    """The content of blobs, in their order, a few megabytes at a time.

    Args:
        root: The repository.
        oids: Their ids.
        sizes: Their sizes, where they are known.

    Raises:
        GitError: One is missing.
    """
    known = sizes or {}
    start = 0
    while start < len(oids):
        end, weight = start, 0
        while end < len(oids) and end - start < _BLOBS_A_CALL and weight < _BYTES_A_CALL:
            weight += known.get(oids[end], _UNKNOWN_SIZE)
            end += 1
        part = oids[start:end]
        found = blobs(root, part)
        for oid in part:
            data = found[oid]
            if isinstance(data, int):
                raise GitError(f"git has no object {oid} in {root}", hint="git fsck says what else is missing")
            yield data
        start = end


def blobs(root: Path, oids: Sequence[str], limit: int | None = None) -> dict[str, bytes | int]:
    """The content of each blob, by one process; its size where it is larger than `limit`, -1 where it is missing.

    Raises:
        GitError: Git failed, or took too long.
    """
    unique = list(dict.fromkeys(oids))
    if not unique:
        return {}
    found: dict[str, bytes | int] = {}
    reading = Running(root, "cat-file", "--buffer", "--batch", data=_lines(unique))
    err = _read_batch(reading, unique, limit, found)
    if len(found) < len(unique):
        if b"promisor" not in err:
            raise reading.failed(err)
        sizes = blob_sizes(root, [oid for oid in unique if oid not in found])
        found |= {oid: -1 for oid, size in sizes.items() if size < 0}
        found |= blobs(root, [oid for oid, size in sizes.items() if size >= 0], limit)
    return found


def _read_batch(reading: Running, oids: Sequence[str], limit: int | None, found: dict[str, bytes | int]) -> bytes:
    """Take what `git cat-file --batch` says about `oids` into `found`; what it says to standard error.

    `communicate` would hold all of it in memory, even a blob of gigabytes that nobody wants.
    """
    process, late = reading.process, threading.Event()
    if process.stdin is None or process.stdout is None or process.stderr is None:
        raise AssertionError
    errors: list[bytes] = []

    def stop() -> None:
        late.set()
        process.kill()

    threads = [
        threading.Thread(target=reading.feed, daemon=True),
        threading.Thread(target=lambda stream: errors.append(stream.read()), args=(process.stderr,), daemon=True),
    ]
    alarm = threading.Timer(TIMEOUT, stop)
    alarm.daemon = True
    for thread in (*threads, alarm):
        thread.start()
    try:
        for oid in oids:
            header = process.stdout.readline().split()
            if len(header) == 2:  # `<id> missing`
                found[oid] = -1
                continue
            if len(header) != 3:  # it failed, and says why in words
                break
            size = int(header[2])
            if limit is not None and size > limit:
                left = size + 1
                while left and (scrap := process.stdout.read(min(left, _SCRAP))):
                    left -= len(scrap)
                found[oid] = size
                continue
            data = process.stdout.read(size + 1)
            if len(data) != size + 1:
                break
            found[oid] = data[:-1]
        if process.stdout.read(1):
            process.kill()  # not what was asked for
        process.wait()
        threads[1].join()
    finally:
        alarm.cancel()
        reading.stop()
    if late.is_set():
        raise reading.too_slow()
    return b"".join(errors)


def blob_id(data: bytes, algorithm: str = "sha1") -> str:
    """Git's id of a file's content, in the object format of the repository."""
    import hashlib

    digest = hashlib.new(algorithm, b"blob %d\0" % len(data), usedforsecurity=False)
    digest.update(data)
    return digest.hexdigest()
