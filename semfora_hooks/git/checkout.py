"""Some folders as they are staged, written out to a folder of their own, for whoever reads files.

Each file is what the index says, whatever the work tree holds. A file of the work tree is taken only where it has the
id that the index has, since that is faster than having git unpack it.
"""

from __future__ import annotations

import hashlib
import os
import posixpath
import re
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from semfora_hooks.errors import GitError
from semfora_hooks.git.names import display_path
from semfora_hooks.git.objects import (
    Index,
    TreeEntry,
    blob_id,
    blob_sizes,
    finish_index_entries,
    read_blobs,
    start_index_entries,
    tree_entries,
)
from semfora_hooks.git.process import Running, git_folder

MAX_FILE = 64 << 20
"""Bytes; larger files are written as holes of their size, which their readers refuse for it."""
MAX_TOTAL = 1 << 30
MAX_FILES = 10_000
MAX_LISTINGS = 20
"""Links to other parts of the repository that are looked up."""
_MAX_LINK = 4096
_LINK, _SUBMODULE = b"120000", b"160000"
_RULES = (b".yaml", b".yml", b".wasm", b".lock")
_OPEN = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_POINTER = re.compile(
    rb"version https://git-lfs\.github\.com/spec/v1\n(?:[a-z].*\n)*?oid sha256:([0-9a-f]{64})\nsize (\d{1,12})\n"
)


class _Source(msgspec.Struct, frozen=True):
    """A file of the copy: where it goes, its id, and the repository (of a submodule, perhaps) and path it has there."""

    name: bytes
    oid: str
    repository: Path
    path: bytes


class StagedCopy(msgspec.Struct, frozen=True):
    """A copy of what is staged.

    Attributes:
        root: Stands for the top of the work tree, with nothing but the folders that were asked for.
        names: The files in it, by their paths from there.
    """

    root: Path
    names: frozenset[str]


@contextmanager
def staged_copy(root: Path, top: str, folders: Sequence[str], listing: Running | None = None) -> Iterator[StagedCopy]:
    """Write out folders as they are staged; the copy is gone at the end of the block.

    Links are copied as links, with what they lead to where that is in the repository: whoever follows them sees what
    they would see in the work tree, or that they leave it. A submodule is copied as of the commit that is staged.

    Args:
        root: The top of the work tree.
        top: A folder or link that all of `folders` are in.
        folders: Which ones; what else `top` holds is left out.
        listing: What `start_index_entries` gave for `top`, if it was started.

    Raises:
        GitError: A file has conflicts, an object is missing, or there is too much.
        OSError: The copy cannot be written.
    """
    files, links = _collect(root, top, tuple(os.fsencode(folder) for folder in folders), listing)
    if not files and not links:
        yield StagedCopy(Path(os.devnull), frozenset())  # nothing can be below it
        return
    import tempfile  # costs milliseconds

    with tempfile.TemporaryDirectory(prefix="semfora-staged-") as name:
        place = Path(os.path.realpath(name))
        _write_files(place, files)
        for link, target in links.items():  # last, so that nothing is ever written through one
            path = place / os.fsdecode(link)
            if not any(_is_below(link, other) for other in links):
                path.parent.mkdir(parents=True, exist_ok=True)
                with suppress(FileExistsError):
                    path.symlink_to(os.fsdecode(target))
        names = frozenset(display_path(name) for name in (*(file.name for file in files), *links))
        yield StagedCopy(place, names)


def _collect(
    root: Path, top: str, folders: tuple[bytes, ...], listing: Running | None
) -> tuple[list[_Source], dict[bytes, bytes]]:
    """What is to be copied: files, and links with their targets."""
    files: dict[bytes, _Source] = {}
    links: dict[bytes, bytes] = {}
    waiting, listed = [os.fsencode(top)], 0
    while waiting and listed < MAX_LISTINGS:
        asked = waiting.pop(0)
        listed += 1
        running = start_index_entries(root, os.fsdecode(asked)) if listing is None or listed > 1 else listing
        known = finish_index_entries(running)
        entries = _checked(root, [entry for entry in known if _is_wanted(entry, asked, folders, os.fsencode(top))])
        found = [entry for entry in entries if entry.mode == _LINK and entry.name not in links]
        for entry in entries:
            if entry.mode == _SUBMODULE:
                _add_submodule(root, entry, files)
            elif entry.mode != _LINK:
                files[entry.name] = _Source(entry.name, entry.oid, root, entry.name)
        if len(files) + len(found) > MAX_FILES:
            raise GitError(f"{top}: more than {MAX_FILES} files are staged there, which is too much for rules")
        for name, target in _targets(root, found).items():
            links[name] = target
            path = posixpath.normpath(posixpath.join(posixpath.dirname(name), target))
            if not _leaves(path) and not any(_is_in(path, folder) for folder in (*folders, os.fsencode(top))):
                waiting.append(path)
    return list(files.values()), links


def _checked(root: Path, entries: list[TreeEntry]) -> list[TreeEntry]:
    """Entries of the index without those that `git add -N` announced, which are not staged yet."""
    for entry in entries:
        if entry.stage:
            raise GitError(
                f"{display_path(entry.name)}: has conflicts, so nobody knows which rules are staged",
                hint="resolve them, and git add the file",
            )
    empty = tuple(entry.name for entry in entries if entry.oid in (blob_id(b""), blob_id(b"", "sha256")))
    if not empty:
        return entries
    with Index(root, empty) as index:
        staged = {entry.name for entry in index.entries()}
    return [entry for entry in entries if entry.name not in empty or entry.name in staged]


def _is_wanted(entry: TreeEntry, asked: bytes, folders: Iterable[bytes], top: bytes) -> bool:
    """Whether an entry belongs into the copy: something in the folders, or a rule file that a link leads to."""
    name = entry.name
    if any(part in (b"", b".", b"..", b".git") for part in name.split(b"/")):  # git would not write it either
        return False
    if any(_is_in(name, folder) or _is_in(folder, name) for folder in folders):
        return True
    return asked != top and (name == asked or entry.mode == _LINK or name.lower().endswith(_RULES))


def _is_in(path: bytes, folder: bytes) -> bool:
    return path == folder or _is_below(path, folder)


def _is_below(path: bytes, folder: bytes) -> bool:
    return path.startswith(folder + b"/")


def _leaves(path: bytes) -> bool:
    return path.startswith((b"/", b"../")) or path in (b"..", b".")


def _add_submodule(root: Path, entry: TreeEntry, files: dict[bytes, _Source]) -> None:
    """Add the files of a submodule as of the commit that is staged, if it is checked out. Its links are left out."""
    place = root / os.fsdecode(entry.name)
    if place.is_symlink() or git_folder(place) is None:
        return
    for inner in tree_entries(place, entry.oid):
        name = entry.name + b"/" + inner.name
        if inner.mode not in (_LINK, _SUBMODULE) and b".." not in name.split(b"/"):
            files[name] = _Source(name, inner.oid, place, inner.name)


def _targets(root: Path, links: Sequence[TreeEntry]) -> dict[bytes, bytes]:
    """Where links lead."""
    sizes = blob_sizes(root, [link.oid for link in links])
    short = [link for link in links if 0 < sizes[link.oid] <= _MAX_LINK]
    contents = read_blobs(root, [link.oid for link in short], sizes)
    return {link.name: text for link, text in zip(short, contents, strict=True) if b"\0" not in text}


def _write_files(place: Path, files: Sequence[_Source]) -> None:
    total = 0
    packed: dict[Path, list[_Source]] = {}
    for file in files:
        data = _from_work_tree(file)
        if data is None:
            packed.setdefault(file.repository, []).append(file)
            continue
        total += len(data)
        _check_total(total)
        _write(place, file.name, data)
    for repository, group in packed.items():
        sizes = blob_sizes(repository, [file.oid for file in group])
        total += sum(size for size in sizes.values() if size <= MAX_FILE)
        _check_total(total)
        fitting = [file for file in group if sizes[file.oid] <= MAX_FILE]  # of missing ones, reading tells
        for file, data in zip(fitting, read_blobs(repository, [file.oid for file in fitting], sizes), strict=True):
            _write(place, file.name, _from_large_storage(file, data))
        for file in group:
            if sizes[file.oid] > MAX_FILE:
                _write(place, file.name, b"", size=sizes[file.oid])


def _check_total(total: int) -> None:
    if total > MAX_TOTAL:
        raise GitError(f"the rules and plugins that are staged have more than {MAX_TOTAL} bytes together")


def _write(place: Path, name: bytes, data: bytes, size: int | None = None) -> None:
    path = place / os.fsdecode(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as file:
        file.write(data)
        if size is not None:
            file.truncate(size)


def _from_work_tree(file: _Source) -> bytes | None:
    """A file's content from the work tree, if it is what is staged."""
    data = _read(file.repository / os.fsdecode(file.path), MAX_FILE)
    if data is None:
        return None
    return data if blob_id(data, "sha256" if len(file.oid) == 64 else "sha1") == file.oid else None


def _from_large_storage(file: _Source, data: bytes) -> bytes:
    """What a pointer of Git LFS stands for, if it is here; else what is staged."""
    pointer = _POINTER.fullmatch(data) if len(data) < 1024 else None
    if pointer is None:
        return data
    sha256 = pointer[1].decode()
    stored = git_folder(file.repository)
    candidates = [file.repository / os.fsdecode(file.path)]
    if stored is not None:
        candidates.append(Path(stored, "lfs", "objects", sha256[:2], sha256[2:4], sha256))
    for candidate in candidates:
        content = _read(candidate, min(MAX_FILE, int(pointer[2])))
        if content is not None and hashlib.sha256(content).hexdigest() == sha256:
            return content
    return data


def _read(path: Path, limit: int) -> bytes | None:
    """A regular file's content, if it can be read and has at most `limit` bytes."""
    try:
        with open(os.open(path, _OPEN), "rb") as file:  # noqa: PTH123  a descriptor
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode) or status.st_size > limit:
                return None
            data = file.read(limit + 1)
    except (OSError, ValueError):
        return None
    return data if len(data) <= limit else None


def unstaged_files(root: Path, copy: StagedCopy, folder: str, endings: tuple[str, ...], *, deep: bool) -> list[str]:
    """Files that stand in a folder of the work tree and are not staged at all.

    Args:
        root: The top of the work tree.
        copy: What is staged.
        folder: The folder.
        endings: Of the files that are looked for.
        deep: Whether folders in it are looked at too.
    """
    found: list[str] = []
    looked = 0
    for place, inner, names in os.walk(root / folder, followlinks=False):
        inner[:] = [name for name in inner if deep and not name.startswith(".")]
        looked += 1 + len(names)
        if looked > MAX_FILES:
            break
        for name in names:
            path = display_path(os.fsencode((Path(place) / name).relative_to(root).as_posix()))
            if path.endswith(endings) and not name.startswith(".") and path not in copy.names:
                found.append(path)
    return sorted(found)
