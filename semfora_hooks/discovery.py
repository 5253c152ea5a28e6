"""Which files a snapshot holds, each with the hash of its content: the work tree, git's index, or a revision.

Content hashes are git's own (`sha1("blob <size>\\0" + bytes)`, or what the repository uses instead), so that facts are
shared between the work tree, the index and every commit. Where the work tree's bytes are not the blob's (line endings,
filters), the hash is that of the bytes which are analysed. Nothing here follows a symbolic link.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from semfora_hooks import git
from semfora_hooks.config import Config
from semfora_hooks.errors import ConfigError, SemforaError, UsageError
from semfora_hooks.git import TreeEntry
from semfora_hooks.languages import SUFFIXES, language_of
from semfora_hooks.model import ChangedFile, Incomplete

_SKIPPED_FOLDERS = frozenset({"__pycache__", "node_modules", "site-packages", "__pypackages__"})
_MAX_GITIGNORE = 1 << 20
_MAX_IN_MEMORY = 32 << 20  # of files' content; what is beyond is read again when it is wanted
_CHUNK = 1 << 16
_FEW = 32  # files whose content is read at once, wanted or not
_MAX_WILDCARDS = 12  # in one glob; pathspec's regular expressions backtrack over all of them
_OPEN = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_ENDINGS = tuple(ending.encode() for ending in SUFFIXES)
_REGULAR = (b"100644", b"100755")
_ROOT_MARKERS = ("semfora.toml", "pyproject.toml", ".semfora", "setup.py", "setup.cfg")


class SourceFile(msgspec.Struct, frozen=True):
    """A file to analyse.

    Attributes:
        path: Relative to the root, with `/`; bytes that are not UTF-8 show as escapes.
        digest: Git's blob id, hexadecimal.
        language: As in `languages.SUFFIXES`.
        data: The content, where it had to be read anyway.
    """

    path: str
    digest: str
    language: str
    data: bytes | None = None


class Snapshot(msgspec.Struct):
    """The files of one state of the repository.

    Attributes:
        files: Sorted by path.
        incomplete: Files that could not be read, and why.
        head: The commit the state belongs to, where there is one.
        read: Gives the content of several files, in their order.
    """

    files: list[SourceFile]
    read: Callable[[Sequence[SourceFile]], Iterator[bytes]]
    incomplete: list[Incomplete] = []
    head: str | None = None

    def text(self, file: SourceFile) -> str:
        """A file's text, decoded as its language has it."""
        from semfora_hooks.languages import load_spec

        source, _ = load_spec(file.language).decode(next(iter(self.read([file]))))
        return source.decode("utf-8", "replace")


class Root(msgspec.Struct, frozen=True):
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


def staged_changes(root: Path) -> tuple[str | None, list[ChangedFile]]:
    """HEAD's commit, and what is staged on top of it; see `git.staged_changes`."""
    return git.staged_changes(root, with_lines=language_of)


# ------------------------------------------------------------------------------------------------------- snapshots


def work_tree(root: Root, config: Config) -> Snapshot:
    """The files as they are on disk: tracked and untracked ones that git does not ignore, or all of a plain folder.

    Files that git leaves out of the work tree on purpose (sparse checkout) are read from its index: what they call is
    not dead.

    Raises:
        GitError: Git is missing, or failed.
    """
    if not root.is_git:
        disk = _Disk(root.path, config)
        disk.add(sorted(_walk(root.path, disk.snapshot.incomplete)))
        return disk.finish()
    with git.WorkTree(root.path, _ENDINGS) as tree:
        entries = tree.tracked()
        disk = _Disk(root.path, config, "sha256" if entries and len(entries[0].oid) == 64 else "sha1")
        disk.add(
            dict.fromkeys(entry.name for entry in entries), {entry.name: entry for entry in entries if entry.is_kept}
        )
        disk.add(sorted(tree.untracked()))
        disk.snapshot.head = tree.head()
    return disk.finish()


def git_index(root: Root, config: Config) -> Snapshot:
    """The files as they are staged. Honours `GIT_INDEX_FILE`.

    Raises:
        GitError: Git is missing, or failed.
    """
    with git.Index(root.path, _ENDINGS) as index:
        entries, head = index.entries(), index.head()
    snapshot = _from_git(root, config, (entry for entry in entries if entry.stage == 0), head)
    conflicts = {git.display_path(entry.name) for entry in entries if entry.stage != 0}
    is_excluded = _excluder(config)
    for path in sorted(conflicts):
        if language_of(path) is not None and not is_excluded(path):
            reason = "not merged yet: it has conflicts in git's index"
            snapshot.incomplete.append(Incomplete(file=path, reason=reason))
    return snapshot


def revision(root: Root, config: Config, commit: str | None) -> Snapshot:
    """The files of a commit; an empty snapshot for `None`.

    Raises:
        GitError: Git is missing, or failed.
    """
    if commit is None:
        return Snapshot([], lambda files: iter(()))
    return _from_git(root, config, git.tree_entries(root.path, commit, _ENDINGS), commit)


def difference(
    root: Root, config: Config, changes: Iterable[git.RawChange], head: str | None
) -> tuple[Snapshot, list[str]] | None:
    """Where a state of the repository differs from another: its own files there, and all paths that differ.

    `None` where that cannot be told file by file: a path has conflicts, or a name that is not UTF-8 and may be the same
    text as another.
    """
    entries: list[TreeEntry] = []
    paths = []
    is_excluded = _excluder(config)
    for change in changes:
        path = git.display_path(change.name)
        if language_of(path) is None or is_excluded(path):
            continue
        if change.is_unmerged or path.encode() != change.name:
            return None
        paths.append(path)
        entries.append(TreeEntry(change.new_mode, change.new_oid, change.name))
    return _from_git(root, config, entries, head), paths


def _from_git(root: Root, config: Config, entries: Iterable[TreeEntry], head: str | None) -> Snapshot:
    is_excluded = _excluder(config)
    sizes: dict[str, int] = {}

    def read(files: Sequence[SourceFile]) -> Iterator[bytes]:
        blobs = git.read_blobs(root.path, [file.digest for file in files if file.data is None], sizes)
        return (next(blobs) if file.data is None else file.data for file in files)

    snapshot = Snapshot([], read, head=head)
    candidates: list[SourceFile] = []
    seen: set[str] = set()
    for entry in sorted(entries, key=lambda entry: entry.name):
        path = git.display_path(entry.name)
        language = language_of(path)
        if language is None or entry.mode not in _REGULAR or is_excluded(path):
            continue
        if _is_repeated(path, seen, snapshot):
            continue
        candidates.append(SourceFile(path, entry.oid, language))
    sizes |= _add_blobs(root.path, candidates, config.max_file_size_bytes, snapshot)
    return snapshot


def _add_blobs(root: Path, files: Sequence[SourceFile], limit: int, snapshot: Snapshot) -> dict[str, int]:
    """Take those of `files` into the snapshot whose blobs are here and not too large; all sizes."""
    digests = [file.digest for file in files]
    if len(files) <= _FEW:  # asking for sizes first would be another process
        contents = git.blobs(root, digests, limit)
        files = [msgspec.structs.replace(file, data=_data(contents[file.digest])) for file in files]
        sizes = {digest: data if isinstance(data, int) else len(data) for digest, data in contents.items()}
    else:
        sizes = git.blob_sizes(root, digests)
    for file in files:
        size = sizes.get(file.digest, -1)
        if size < 0:
            reason = "its content is not in this clone (partial clone or corrupt repository)"
            snapshot.incomplete.append(Incomplete(file=file.path, reason=reason))
        elif size > limit:
            snapshot.incomplete.append(Incomplete(file=file.path, reason=_too_large(size, limit)))
        else:
            snapshot.files.append(file)
    return sizes


def _data(content: bytes | int) -> bytes | None:
    return None if isinstance(content, int) else content


def _is_repeated(path: str, seen: set[str], snapshot: Snapshot) -> bool:
    """Whether two names that are not the same bytes are the same text; then the second one is only mentioned."""
    if path in seen:
        snapshot.incomplete.append(Incomplete(file=path, reason="another file's name is the same text; rename one"))
        return True
    seen.add(path)
    return False


class _Disk:
    """A snapshot of files on disk, as it grows.

    Args:
        root: The folder they are in.
        config: Says which files are left out.
        algorithm: The hash of the repository's object format.
    """

    def __init__(self, root: Path, config: Config, algorithm: str = "sha1") -> None:
        self.snapshot = Snapshot([], self._read)
        self._root = root
        self._limit = config.max_file_size_bytes
        self._reader = _Reader(root, self._limit)
        self._is_excluded = _excluder(config)
        self._algorithm = algorithm
        self._seen: set[str] = set()
        self._in_memory = 0
        self._names: dict[str, bytes] = {}  # of files that are read again
        self._kept: dict[str, SourceFile] = {}  # files that are read from git's index

    def add(self, names: Iterable[bytes], kept: Mapping[bytes, TreeEntry] | None = None) -> None:
        """Take in the files of these names; those of `kept` come from the index where they are not on disk."""
        for name in names:
            path = git.display_path(name)
            language = language_of(path)
            if language is None or self._is_excluded(path) or _is_repeated(path, self._seen, self.snapshot):
                continue
            data, problem = self._reader.read(name)
            if problem is not None:
                self.snapshot.incomplete.append(Incomplete(file=path, reason=problem))
            elif data is None:
                entry = kept.get(name) if kept else None
                if entry is not None and entry.mode in _REGULAR:
                    self._kept[path] = SourceFile(path, entry.oid, language)
            else:
                digest = git.blob_id(data, self._algorithm)
                self._in_memory += len(data)
                if self._in_memory > _MAX_IN_MEMORY:
                    self._names[path] = name
                    data = None
                self.snapshot.files.append(SourceFile(path, digest, language, data))

    def finish(self) -> Snapshot:
        """The whole snapshot, in order."""
        if self._kept:
            _add_blobs(self._root, list(self._kept.values()), self._limit, self.snapshot)
        self.snapshot.files.sort(key=lambda file: file.path)
        return self.snapshot

    def _read(self, files: Sequence[SourceFile]) -> Iterator[bytes]:
        blobs = git.read_blobs(
            self._root, [file.digest for file in files if file.data is None and file.path in self._kept]
        )
        for file in files:
            if file.data is not None:
                yield file.data
            elif file.path in self._kept:
                yield next(blobs)
            else:
                yield self._again(file)

    def _again(self, file: SourceFile) -> bytes:
        name = self._names.get(file.path, os.fsencode(file.path))
        data, _ = self._reader.read(name)
        if data is None or git.blob_id(data, self._algorithm) != file.digest:
            raise SemforaError(f"{file.path}: changed while it was analysed", hint="run again", kind="changed")
        return data


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
    data, _ = _Reader(root, _MAX_GITIGNORE).read(b".gitignore")
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


class _Reader:
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
                return None, _too_large(status.st_size, self._limit)
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


def _too_large(size: int, limit: int) -> str:
    return (
        f"not analysed: {size / (1 << 20):.1f} MiB is more than max-file-size ({limit / (1 << 20):g} MiB); "
        "exclude it, or raise the limit"
    )
