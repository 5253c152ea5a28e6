"""Which files a snapshot holds, each with the hash of its content: the work tree, git's index, or a revision.

Content hashes are git's own (`sha1("blob <size>\\0" + bytes)`), so that facts are shared between the work tree, the
index and every commit. Nothing here follows a symbolic link, and git only runs plumbing that starts no program a
repository could name.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import subprocess
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from semfora_hooks.config import Config
from semfora_hooks.errors import ConfigError, GitError, UsageError
from semfora_hooks.languages import language_of
from semfora_hooks.model import ChangedFile, ChangeKind, Incomplete

EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
_SKIPPED_FOLDERS = frozenset({"__pycache__", "node_modules", "site-packages", "__pypackages__"})
_MAX_GITIGNORE = 1 << 20
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

    A git work tree, unless git ignores the path; else the nearest folder with a project file; else the path itself.

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
            filters.append(relative.replace(os.sep, "/"))
    return Root(real, is_git, tuple(filters))


def _root_of(path: Path) -> tuple[Path, bool]:
    folder = path if path.is_dir() else path.parent
    top = _git_top(folder)
    if top is not None and (path == top or not _is_ignored(top, path)):
        return top, True
    for candidate in (folder, *folder.parents):
        if top is not None and candidate == top:
            break
        if any((candidate / marker).exists() for marker in _ROOT_MARKERS):
            inside = folder.relative_to(candidate).parts
            return (folder if any(map(_is_skipped_folder, inside)) else candidate), False
    return folder, False


def _git_top(folder: Path) -> Path | None:
    """The top of the git work tree around `folder`, found without git; `None` outside one."""
    for candidate in (folder, *folder.parents):
        if (candidate / ".git").exists():
            return candidate
    return None


def _is_ignored(top: Path, path: Path) -> bool:
    result = _run_git(top, "check-ignore", "-q", "--", str(path), check=False)
    return result.returncode == 0


# ------------------------------------------------------------------------------------------------------------- git


def _run_git(
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
        )
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


def git_head(root: Path) -> str | None:
    """The commit id of HEAD; `None` before the first commit."""
    result = _run_git(root, "rev-parse", "--verify", "-q", "HEAD^{commit}", check=False)
    return result.stdout.decode().strip() or None if result.returncode == 0 else None


def commit_id(root: Path, revision: str) -> str:
    """The commit a revision names.

    Raises:
        GitError: There is none here.
    """
    known = None
    if not revision.startswith("-"):
        known = _run_git(root, "rev-parse", "--verify", "-q", f"{revision}^{{commit}}", check=False)
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
    result = _run_git(root, "merge-base", commit_id(root, revision), commit_id(root, target), check=False)
    if result.returncode != 0:
        raise GitError(
            f"{target} and {revision!r} have no common commit here", hint="in a shallow clone: git fetch --unshallow"
        )
    return result.stdout.decode().strip()


def changes(root: Path, base: str | None, target: str | None = None) -> list[ChangedFile]:
    """What differs between two states, with line ranges.

    Args:
        root: The repository.
        base: A commit; `None` before the first one.
        target: A commit; `None` for what is staged.
    """
    sides = ["--cached", base or EMPTY_TREE] if target is None else [base or EMPTY_TREE, target]
    options = ("-M", "--no-ext-diff", "--no-textconv", "--no-color", "--ignore-submodules", "--inter-hunk-context=0")
    raw = _run_git(root, "diff", *options, "--raw", "-z", "--abbrev=40", *sides).stdout.split(b"\0")
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
    wanted = [entry for entry in entries if entry[2] != "deleted" and language_of(_display(entry[0]))]
    if wanted:
        patch = _run_git(root, "diff", *options, "-U0", "--no-prefix", *sides).stdout
        names = _changed_lines(patch)
    for new, old, kind in entries:
        found.append(
            ChangedFile(
                path=_display(new),
                change=kind,
                old_path=None if old is None else _display(old),
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


# ------------------------------------------------------------------------------------------------------- snapshots


def blob_id(data: bytes) -> str:
    """Git's id of a file's content."""
    digest = hashlib.sha1(b"blob %d\0" % len(data), usedforsecurity=False)
    digest.update(data)
    return digest.hexdigest()


def work_tree(root: Root, config: Config) -> Snapshot:
    """The files as they are on disk: tracked and untracked ones that git does not ignore, or all of a plain folder."""
    snapshot = Snapshot([], _read_work_tree(root.path), head=git_head(root.path) if root.is_git else None)
    names = _git_files(root.path) if root.is_git else sorted(_walk(root.path, snapshot.incomplete))
    limit = config.max_file_size_bytes
    is_excluded = _excluder(config)
    seen: set[str] = set()
    for name in names:
        path = _display(name)
        language = language_of(path)
        if language is None or is_excluded(path) or _is_repeated(path, seen, snapshot):
            continue
        data, problem = _read_file(root.path, name, limit)
        if problem is not None:
            snapshot.incomplete.append(Incomplete(file=path, reason=problem))
        if data is not None:
            snapshot.files.append(SourceFile(path, blob_id(data), language, data))
    return snapshot


def git_index(root: Root, config: Config) -> Snapshot:
    """The files as they are staged. Honours `GIT_INDEX_FILE`."""
    listing = _run_git(root.path, "ls-files", "-z", "--stage").stdout
    entries = []
    conflicts: set[str] = set()
    for line in filter(None, listing.split(b"\0")):
        head, _, name = line.partition(b"\t")
        mode, oid, stage = head.split(b" ")
        if stage == b"0":
            entries.append((mode, oid, name))
        else:
            conflicts.add(_display(name))
    snapshot = _from_git(root, config, entries, git_head(root.path))
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
    listing = _run_git(root.path, "ls-tree", "-r", "-z", "--full-tree", commit).stdout
    entries = []
    for line in filter(None, listing.split(b"\0")):
        head, _, name = line.partition(b"\t")
        mode, _, oid = head.split(b" ")
        entries.append((mode, oid, name))
    return _from_git(root, config, entries, commit)


def _from_git(root: Root, config: Config, entries: Iterable[tuple[bytes, bytes, bytes]], head: str | None) -> Snapshot:
    is_excluded = _excluder(config)
    snapshot = Snapshot([], _read_blobs(root.path), head=head)
    candidates = []
    seen: set[str] = set()
    for mode, oid, name in sorted(entries, key=lambda entry: entry[2]):
        path = _display(name)
        language = language_of(path)
        if language is None or mode not in (b"100644", b"100755") or is_excluded(path):
            continue
        if _is_repeated(path, seen, snapshot):
            continue
        candidates.append(SourceFile(path, oid.decode(), language))
    limit = config.max_file_size_bytes
    sizes = _blob_sizes(root.path, [file.digest for file in candidates])
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


def _blob_sizes(root: Path, oids: Sequence[str]) -> dict[str, int]:
    unique = sorted(set(oids))
    if not unique:
        return {}
    request = "".join(f"{oid}\n" for oid in unique).encode()
    output = _run_git(root, "cat-file", "--batch-check=%(objectname) %(objectsize)", data=request).stdout
    sizes = {}
    for line in output.decode().splitlines():
        oid, _, size = line.partition(" ")
        sizes[oid] = int(size) if size.isdigit() else -1
    return sizes


def _read_blobs(root: Path) -> Callable[[Sequence[SourceFile]], Iterator[bytes]]:
    def read(files: Sequence[SourceFile]) -> Iterator[bytes]:
        for start in range(0, len(files), 200):
            part = files[start : start + 200]
            request = "".join(f"{file.digest}\n" for file in part).encode()
            output = _run_git(root, "cat-file", "--batch", data=request).stdout
            position = 0
            for file in part:
                end = output.index(b"\n", position)
                header = output[position:end].split(b" ")
                if len(header) != 3:
                    raise GitError(f"{file.path}: git has no object {file.digest}", hint="git fsck")
                size = int(header[2])
                yield output[end + 1 : end + 1 + size]
                position = end + 1 + size + 1

    return read


def _read_work_tree(root: Path) -> Callable[[Sequence[SourceFile]], Iterator[bytes]]:
    def read(files: Sequence[SourceFile]) -> Iterator[bytes]:
        for file in files:
            yield (root / file.path).read_bytes() if file.data is None else file.data

    return read


def _git_files(root: Path) -> list[bytes]:
    listing = _run_git(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard").stdout
    return sorted({name for name in listing.split(b"\0") if name})


def _walk(root: Path, incomplete: list[Incomplete]) -> Iterator[bytes]:
    """The files of a plain folder, without hidden folders, virtual environments, caches and what `.gitignore` names."""
    ignored = _gitignore(root)
    top = os.fsencode(root)

    def refused(error: OSError) -> None:
        path = _display(os.path.relpath(error.filename, top))
        incomplete.append(Incomplete(file=path, reason=f"folder cannot be read: {error.strerror}"))

    for folder, folders, names in os.walk(top, onerror=refused, followlinks=False):
        prefix = b"" if folder == top else os.path.relpath(folder, top) + b"/"
        kept = []
        for name in sorted(folders):
            shown = _display(name)
            if _is_skipped_folder(shown):
                continue
            full = os.path.join(folder, name)
            if os.path.exists(os.path.join(full, b"pyvenv.cfg")) or ignored(_display(prefix + name) + "/"):
                continue
            if os.path.islink(full):
                continue
            kept.append(name)
        folders[:] = kept
        for name in names:
            if not ignored(_display(prefix + name)):
                yield (prefix + name).replace(os.fsencode(os.sep), b"/")


def _is_skipped_folder(name: str) -> bool:
    """Whether a plain folder of this name holds no code of the project: caches, environments, metadata."""
    return name.startswith(".") or name in _SKIPPED_FOLDERS or name.endswith(".egg-info")


def _gitignore(root: Path) -> Callable[[str], bool]:
    data, _ = _read_file(root, b".gitignore", _MAX_GITIGNORE)
    lines = (data or b"").decode("utf-8", "replace").splitlines()
    if not lines:
        return lambda path: False
    import pathspec

    try:
        return pathspec.GitIgnoreSpec.from_lines(lines).match_file
    except (ValueError, re.error):  # git passes over lines that make no pattern, and so do we
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


def _read_file(root: Path, name: bytes, limit: int) -> tuple[bytes | None, str | None]:
    """A file's bytes, or why there are none. Opens nothing but regular files inside the root."""
    full = os.path.join(os.fsencode(root), name)
    try:
        mode = os.lstat(full)
        if stat.S_ISLNK(mode.st_mode):
            return None, _link_problem(root, full)
        if not stat.S_ISREG(mode.st_mode):
            return None, None if stat.S_ISDIR(mode.st_mode) else "not a regular file"
        if mode.st_size > limit:
            return None, _too_large(mode.st_size, limit)
        parent = os.path.realpath(os.path.dirname(full))
        if parent != os.path.dirname(full) and not (parent + b"/").startswith(os.fsencode(root) + b"/"):
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


def _display(name: bytes) -> str:
    """A path as text: UTF-8, with escapes for bytes that are not, so that every path can stand in JSON."""
    return name.decode("utf-8", "backslashreplace")


def is_anything_staged(root: Path) -> bool:
    """Whether the index differs from HEAD. Honours `GIT_INDEX_FILE`."""
    head = git_head(root) or EMPTY_TREE
    return _run_git(root, "diff-index", "--cached", "--quiet", head, "--", check=False).returncode == 1
