"""Which files a snapshot holds, each with the hash of its content: the work tree, git's index, or a revision.

Content hashes are git's own (`sha1("blob <size>\\0" + bytes)`, or what the repository uses instead), so that facts are
shared between the work tree, the index and every commit. Where the work tree's bytes are not the blob's (line endings,
filters), the hash is that of the bytes which are analysed. Nothing here follows a symbolic link.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from semfora_hooks import git
from semfora_hooks.config import Config
from semfora_hooks.errors import ConfigError, SemforaError, UsageError
from semfora_hooks.files import Reader, compile_globs, is_skipped_folder, too_large, walk
from semfora_hooks.git import TreeEntry
from semfora_hooks.languages import SUFFIXES, language_of
from semfora_hooks.model import ChangedFile, Incomplete

_MAX_IN_MEMORY = 16 << 20  # of files' content; what is beyond is read again when it is wanted
_FEW = 32  # files whose content is read at once, wanted or not
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
            return (folder if any(map(is_skipped_folder, inside)) else candidate), False
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


def touches_analysis(files: Iterable[ChangedFile]) -> bool:
    """Whether a change can make a difference: source, rules, plugins or configuration."""
    configuration = ("pyproject.toml", "semfora.toml")
    return any(
        language_of(path) is not None or path.startswith(".semfora/") or path in configuration
        for change in files
        for path in (change.path, change.old_path or "")
    )


def work_tree(root: Root, config: Config) -> Snapshot:
    """The files as they are on disk: tracked and untracked ones that git does not ignore, or all of a plain folder.

    Files that git leaves out of the work tree on purpose (sparse checkout) are read from its index: what they call is
    not dead.

    Raises:
        GitError: Git is missing, or failed.
    """
    if not root.is_git:
        disk = _Disk(root.path, config)
        disk.add(sorted(walk(root.path, disk.snapshot.incomplete)))
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
        if _is_unusable(path, seen, snapshot):
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
            snapshot.incomplete.append(Incomplete(file=file.path, reason=too_large(size, limit)))
        else:
            snapshot.files.append(file)
    return sizes


def _data(content: bytes | int) -> bytes | None:
    return None if isinstance(content, int) else content


def _is_unusable(path: str, seen: set[str], snapshot: Snapshot) -> bool:
    """Whether nobody could tell a file by its name; then it is only mentioned.

    Two names that are not the same bytes may be the same text, and one may read like the id of another file's symbol.
    """
    if "::" in path and any(f"{ending}::" in path for ending in SUFFIXES):
        reason = "its name reads like a symbol of another file; rename it"
        snapshot.incomplete.append(Incomplete(file=path, reason=reason))
        return True
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
        self._reader = Reader(root, self._limit)
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
            if language is None or self._is_excluded(path) or _is_unusable(path, self._seen, self.snapshot):
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


def _excluder(config: Config) -> Callable[[str], bool]:
    if not config.exclude:
        return lambda path: False
    try:
        return compile_globs(config.exclude)
    except ValueError as error:
        raise ConfigError(f"{config.source or 'configuration'}: 'exclude': {error}") from None
