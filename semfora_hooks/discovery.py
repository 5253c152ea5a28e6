"""Which files a snapshot holds, each with the hash of its content: the work tree, git's index, or a revision.

Content hashes are git's own (`sha1("blob <size>\\0" + bytes)`), so that facts are shared between the work tree, the
index and every commit. Nothing here follows a symbolic link.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from semfora_hooks import git
from semfora_hooks.config import Config
from semfora_hooks.errors import ConfigError, UsageError
from semfora_hooks.git import TreeEntry
from semfora_hooks.languages import language_of
from semfora_hooks.model import ChangedFile, Incomplete

_SKIPPED_FOLDERS = frozenset({"__pycache__", "node_modules", "site-packages", "__pypackages__"})
_MAX_GITIGNORE = 1 << 20
_MAX_WILDCARDS = 12  # in one glob; pathspec's regular expressions backtrack over all of them
_ROOT_MARKERS = ("semfora.toml", "pyproject.toml", ".semfora", "setup.py", "setup.cfg")


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file to analyse.

    Attributes:
        path: Relative to the root, with `/`; bytes that are not UTF-8 show as escapes.
        digest: Git's blob id, hexadecimal.
        language: As in `languages.SUFFIXES`.
        data: The content, where it had to be read to hash it.
    """

    path: str
    digest: str
    language: str
    data: bytes | None = None


@dataclass
class Snapshot:
    """The files of one state of the repository.

    Attributes:
        files: Sorted by path.
        incomplete: Files that could not be read, and why.
        head: The commit the state belongs to, where there is one.
        read: Gives the content of several files, in their order.
    """

    files: list[SourceFile]
    read: Callable[[Sequence[SourceFile]], Iterator[bytes]]
    incomplete: list[Incomplete] = field(default_factory=list)
    head: str | None = None


@dataclass(frozen=True, slots=True)
class Root:
    """The analysed repository: its folder, whether git manages it, and the paths that were asked for, inside it."""

    path: Path
    is_git: bool
    filters: tuple[str, ...] = ()


# ------------------------------------------------------------------------------------------------------------ root


def find_root(paths: Sequence[Path], cwd: Path) -> Root:
    """The repository that `paths` (or the current folder) belong to.

    A git work tree, unless git ignores the path; else the nearest folder with a project file; else the
    outermost package around the path, or the path itself.

    Raises:
        UsageError: A path does not exist, or the paths belong to different repositories.
    """
    wanted = [Path(os.path.abspath(path)) for path in paths] or [Path(os.path.abspath(cwd))]
    for path in wanted:
        try:
            path.stat()
        except FileNotFoundError:
            raise UsageError(f"{path}: no such file or folder") from None
        except OSError as error:
            raise UsageError(f"{path}: cannot be read: {error.strerror}") from None
    roots = {_root_of(path) for path in wanted}
    if len(roots) > 1:
        common = Path(os.path.commonpath([str(path) for path in wanted]))
        if any(is_git for _, is_git in roots):
            names = ", ".join(sorted(str(path) for path, _ in roots))
            raise UsageError(f"the paths belong to different repositories: {names}", hint="run once for each")
        roots = {(common if common.is_dir() else common.parent, False)}
    root, is_git = roots.pop()
    real = Path(os.path.realpath(root))
    filters = []
    for path in wanted if paths else ():
        relative = os.path.relpath(os.path.realpath(path), real)
        if relative.split(os.sep)[0] == os.pardir:
            raise UsageError(f"{path}: a symbolic link that leaves the repository {real}; it is not followed")
        if relative != ".":
            filters.append(git.display_path(os.fsencode(relative)).replace(os.sep, "/"))
    return Root(real, is_git, tuple(filters))


def _root_of(path: Path) -> tuple[Path, bool]:
    folder = path if path.is_dir() else path.parent
    top = git.top_level(folder)
    if top is not None and (path == top or not git.is_ignored(top, path)):
        return top, True
    for candidate in (folder, *folder.parents):
        if top is not None and candidate == top:
            break
        if any((candidate / marker).exists() for marker in _ROOT_MARKERS):
            inside = folder.relative_to(candidate).parts
            return (folder if any(map(_is_skipped_folder, inside)) else candidate), False
    while (folder / "__init__.py").is_file() and (folder.parent / "__init__.py").is_file():
        folder = folder.parent  # a part of a package: its callers are in the rest of it
    return folder, False


def changes(root: Path, base: str | None, target: str | None = None) -> list[ChangedFile]:
    """What differs between two states of a repository; see `git.changes`. Lines are wanted of analysed files only."""
    return git.changes(root, base, target, with_lines=language_of)


# ------------------------------------------------------------------------------------------------------- snapshots


def work_tree(root: Root, config: Config) -> Snapshot:
    """The files as they are on disk: tracked and untracked ones that git does not ignore, or all of a plain folder."""
    snapshot = Snapshot([], _read_work_tree(root.path), head=git.head(root.path) if root.is_git else None)
    names = git.work_tree_files(root.path) if root.is_git else sorted(_walk(root.path, snapshot.incomplete))
    limit = config.max_file_size_bytes
    is_excluded = _excluder(config)
    seen: set[str] = set()
    folders: dict[bytes, bool] = {}
    for name in names:
        path = git.display_path(name)
        language = language_of(path)
        if language is None or is_excluded(path) or _is_repeated(path, seen, snapshot):
            continue
        data, problem = _read_file(root.path, name, limit, folders)
        if problem is not None:
            snapshot.incomplete.append(Incomplete(file=path, reason=problem))
        if data is not None:
            snapshot.files.append(SourceFile(path, git.blob_id(data), language, data))
    return snapshot


def git_index(root: Root, config: Config) -> Snapshot:
    """The files as they are staged. Honours `GIT_INDEX_FILE`."""
    entries = []
    conflicts: set[str] = set()
    for entry in git.index_entries(root.path):
        if entry.stage == 0:
            entries.append(entry)
        else:
            conflicts.add(git.display_path(entry.name))
    snapshot = _from_git(root, config, entries, git.head(root.path))
    is_excluded = _excluder(config)
    for path in sorted(conflicts):
        if language_of(path) is not None and not is_excluded(path):
            reason = "not merged yet: it has conflicts in git's index"
            snapshot.incomplete.append(Incomplete(file=path, reason=reason))
    return snapshot


def revision(root: Root, config: Config, commit: str | None) -> Snapshot:
    """The files of a commit; an empty snapshot for `None`."""
    if commit is None:
        return Snapshot([], lambda files: iter(()))
    return _from_git(root, config, git.tree_entries(root.path, commit), commit)


def _from_git(root: Root, config: Config, entries: Iterable[TreeEntry], head: str | None) -> Snapshot:
    is_excluded = _excluder(config)
    snapshot = Snapshot([], lambda files: git.read_blobs(root.path, [file.digest for file in files]), head=head)
    candidates = []
    seen: set[str] = set()
    for entry in sorted(entries, key=lambda entry: entry.name):
        path = git.display_path(entry.name)
        language = language_of(path)
        if language is None or entry.mode not in (b"100644", b"100755") or is_excluded(path):
            continue
        if _is_repeated(path, seen, snapshot):
            continue
        candidates.append(SourceFile(path, entry.oid, language))
    limit = config.max_file_size_bytes
    sizes = git.blob_sizes(root.path, [file.digest for file in candidates])
    for file in candidates:
        size = sizes.get(file.digest, -1)
        if size < 0:
            snapshot.incomplete.append(
                Incomplete(
                    file=file.path, reason="its content is not in this clone (partial clone or corrupt repository)"
                )
            )
        elif size > limit:
            snapshot.incomplete.append(Incomplete(file=file.path, reason=_too_large(size, limit)))
        else:
            snapshot.files.append(file)
    return snapshot


def _is_repeated(path: str, seen: set[str], snapshot: Snapshot) -> bool:
    """Whether two names that are not the same bytes are the same text; then the second one is only mentioned."""
    if path in seen:
        snapshot.incomplete.append(Incomplete(file=path, reason="another file's name is the same text; rename one"))
        return True
    seen.add(path)
    return False


def _read_work_tree(root: Path) -> Callable[[Sequence[SourceFile]], Iterator[bytes]]:
    def read(files: Sequence[SourceFile]) -> Iterator[bytes]:
        for file in files:
            yield (root / file.path).read_bytes() if file.data is None else file.data

    return read


def _walk(root: Path, incomplete: list[Incomplete]) -> Iterator[bytes]:
    """The files of a plain folder, without hidden folders, virtual environments, caches and what `.gitignore` names."""
    ignored = _gitignore(root)
    top, separator = os.fsencode(root), os.fsencode(os.sep)

    def refused(error: OSError) -> None:
        path = git.display_path(os.path.relpath(error.filename, top))
        incomplete.append(Incomplete(file=path, reason=f"folder cannot be read: {error.strerror}"))

    for folder, folders, names in os.walk(top, onerror=refused, followlinks=False):
        if folder != top and b"pyvenv.cfg" in names:  # a virtual environment
            folders.clear()
            continue
        prefix = b"" if folder == top else folder[len(top) :].lstrip(separator) + separator
        folders[:] = [
            name
            for name in folders
            if not _is_skipped_folder(git.display_path(name)) and not ignored(git.display_path(prefix + name) + "/")
        ]
        for name in names:
            path = git.display_path(prefix + name)
            if language_of(path) is not None and not ignored(path):
                yield (prefix + name).replace(separator, b"/")


def _is_skipped_folder(name: str) -> bool:
    """Whether a plain folder of this name holds no code of the project: caches, environments, metadata."""
    return name.startswith(".") or name in _SKIPPED_FOLDERS or name.endswith(".egg-info")


def _gitignore(root: Path) -> Callable[[str], bool]:
    data, _ = _read_file(root, b".gitignore", _MAX_GITIGNORE)
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


def _excluder(config: Config) -> Callable[[str], bool]:
    if not config.exclude:
        return lambda path: False
    try:
        return compile_globs(config.exclude)
    except ValueError as error:
        raise ConfigError(f"{config.source or 'configuration'}: 'exclude': {error}") from None


def _read_file(
    root: Path, name: bytes, limit: int, folders: dict[bytes, bool] | None = None
) -> tuple[bytes | None, str | None]:
    """A file's bytes, or why there are none. Opens nothing but regular files inside the root.

    Args:
        root: The repository.
        name: The file, relative to it.
        limit: Bytes that are still read.
        folders: Remembers which folders are inside the root, links resolved; shared by the calls of one snapshot.
    """
    folders = {} if folders is None else folders
    full = os.path.join(os.fsencode(root), name)
    try:
        mode = os.lstat(full)
        if stat.S_ISLNK(mode.st_mode):
            return None, _link_problem(root, full)
        if not stat.S_ISREG(mode.st_mode):
            return None, None if stat.S_ISDIR(mode.st_mode) else "not a regular file"
        if mode.st_size > limit:
            return None, _too_large(mode.st_size, limit)
        folder = os.path.dirname(full)
        if folder not in folders:
            folders[folder] = (os.path.realpath(folder) + b"/").startswith(os.fsencode(root) + b"/")
        if not folders[folder]:
            return None, "reached through a symbolic link that leaves the repository"
        descriptor = os.open(full, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
        with os.fdopen(descriptor, "rb") as stream:
            return stream.read(limit + 1)[:limit], None
    except FileNotFoundError:
        return None, None  # deleted in the work tree, still in the index
    except OSError as error:
        return None, f"cannot be read: {error.strerror or error}"


def _link_problem(root: Path, full: bytes) -> str | None:
    """Why a symbolic link is not analysed; `None` where its target is, under its own name."""
    try:
        target = os.path.realpath(full, strict=True)
    except OSError as error:
        return f"symbolic link that leads nowhere: {error.strerror}"
    if not target.startswith(os.fsencode(root) + b"/"):
        return "symbolic link that leaves the repository; not followed"
    return None


def _too_large(size: int, limit: int) -> str:
    return (
        f"not analysed: {size / (1 << 20):.1f} MiB is more than max-file-size ({limit / (1 << 20):g} MiB); "
        "exclude it, or raise the limit"
    )
