"""Reading a folder without leaving it: which files it holds, what `.gitignore` and globs name, and their bytes."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from semfora_hooks.git import display_path
from semfora_hooks.languages import language_of
from semfora_hooks.model import Incomplete

_SKIPPED_FOLDERS = frozenset({"__pycache__", "node_modules", "site-packages", "__pypackages__"})
_MAX_GITIGNORE = 1 << 20
_MAX_WILDCARDS = 12  # in one glob; pathspec's regular expressions backtrack over all of them
_CHUNK = 1 << 16
_OPEN = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def walk(root: Path, incomplete: list[Incomplete]) -> Iterator[bytes]:
    """The files of a plain folder, without hidden folders, virtual environments, caches and what `.gitignore` names."""
    ignored = _gitignore(root)
    top, separator = os.fsencode(root), os.fsencode(os.sep)

    def refused(error: OSError) -> None:
        path = display_path(os.path.relpath(error.filename, top))
        incomplete.append(Incomplete(file=path, reason=f"folder cannot be read: {error.strerror}"))

    for folder, folders, names in os.walk(top, onerror=refused, followlinks=False):
        if folder != top and b"pyvenv.cfg" in names:  # a virtual environment
            folders.clear()
            continue
        prefix = b"" if folder == top else folder[len(top) :].lstrip(separator) + separator
        folders[:] = [
            name
            for name in folders
            if not is_skipped_folder(display_path(name)) and not ignored(display_path(prefix + name) + "/")
        ]
        for name in names:
            path = display_path(prefix + name)
            if language_of(path) is not None and not ignored(path):
                yield (prefix + name).replace(separator, b"/")


def is_skipped_folder(name: str) -> bool:
    """Whether a plain folder of this name holds no code of the project: caches, environments, metadata."""
    return name.startswith(".") or name in _SKIPPED_FOLDERS or name.endswith(".egg-info")


def _gitignore(root: Path) -> Callable[[str], bool]:
    data, _ = Reader(root, _MAX_GITIGNORE).read(b".gitignore")
    lines = (data or b"").decode("utf-8", "replace").splitlines()
    if not lines:
        return lambda path: False
    import pathspec

    # Git passes over lines that make no pattern, and so do we.
    return pathspec.GitIgnoreSpec.from_lines([line for line in lines if _is_glob(line)]).match_file


def _is_glob(line: str) -> bool:
    try:
        compile_globs([line])
    except ValueError:
        return False
    return True


def compile_globs(globs: Sequence[str]) -> Callable[[str], bool]:
    """Whether a path matches one of `globs`, in gitignore's syntax.

    Raises:
        ValueError: One of them is no glob; the message names it.
    """
    import pathspec

    for glob in globs:
        if glob.count("*") > _MAX_WILDCARDS:
            raise ValueError(
                f"{glob[:40]!r}… has more than {_MAX_WILDCARDS} wildcards, which would take minutes to match"
            )
        try:
            pathspec.GitIgnoreSpec.from_lines([glob])
        except (ValueError, re.error):
            raise ValueError(f"{glob!r} is not a pattern in gitignore's syntax") from None
    return pathspec.GitIgnoreSpec.from_lines(globs).match_file


class Reader:
    """Reads files, and opens nothing but regular files inside the root.

    Args:
        root: The folder; links resolved.
        limit: Bytes of a file that are still read.
    """

    def __init__(self, root: Path, limit: int) -> None:
        self._root = os.path.join(os.fsencode(root), b"")
        self._limit = limit
        self._inside = {self._root[:-1]: True}

    def read(self, name: bytes) -> tuple[bytes | None, str | None]:
        """The bytes of a file, by its path in the root, or why there are none."""
        full = self._root + name
        try:
            status = os.lstat(full)
            if stat.S_ISLNK(status.st_mode):
                return None, self._link_problem(full)
            if not stat.S_ISREG(status.st_mode):
                return None, None if stat.S_ISDIR(status.st_mode) else "not a regular file"
            if status.st_size > self._limit:
                return None, too_large(status.st_size, self._limit)
            if not self._is_inside(full[: full.rfind(b"/")]):
                return None, "reached through a symbolic link that leaves the repository"
            return _read_regular(full, status.st_size, self._limit), None
        except FileNotFoundError:
            return None, None  # deleted in the work tree, still in the index
        except OSError as error:
            return None, f"cannot be read: {error.strerror or error}"

    def _is_inside(self, folder: bytes) -> bool:
        """Whether a folder is inside the root, links resolved."""
        known = self._inside.get(folder)
        if known is None:
            if folder.endswith((b"/..", b"/.")) or stat.S_ISLNK(os.lstat(folder).st_mode):
                known = (os.path.realpath(folder) + b"/").startswith(self._root)
            else:
                known = self._is_inside(folder[: folder.rfind(b"/")])
            self._inside[folder] = known
        return known

    def _link_problem(self, full: bytes) -> str | None:
        """Why a symbolic link is not analysed; `None` where its target is, under its own name."""
        try:
            target = os.path.realpath(full, strict=True)
        except OSError as error:
            return f"symbolic link that leads nowhere: {error.strerror}"
        if not target.startswith(self._root):
            return "symbolic link that leaves the repository; not followed"
        return None


def _read_regular(full: bytes, size: int, limit: int) -> bytes:
    """What is in a file of about `size` bytes, which is not a link; a stream object would take twice as long."""
    descriptor = os.open(full, _OPEN)
    try:
        data = os.read(descriptor, size + 1)
        while size < len(data) <= limit and (more := os.read(descriptor, _CHUNK)):  # it grows
            data += more
    finally:
        os.close(descriptor)
    return data[:limit]


def too_large(size: int, limit: int) -> str:
    """Why a file of `size` bytes is not analysed."""
    return (
        f"not analysed: {size / (1 << 20):.1f} MiB is more than max-file-size ({limit / (1 << 20):g} MiB); "
        "exclude it, or raise the limit"
    )
