"""What differs between two states of a repository: by path and id, or with ranges of lines."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from semfora_hooks.errors import GitError
from semfora_hooks.git.names import display_path, unquote
from semfora_hooks.git.process import Running, run, together
from semfora_hooks.model import ChangedFile, ChangeKind

EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
EMPTY_TREES = {"sha1": EMPTY_TREE, "sha256": "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321"}
_KINDS: dict[str, ChangeKind] = {
    "A": "added",
    "M": "modified",
    "D": "deleted",
    "R": "renamed",
    "T": "modified",
    "C": "added",
}
_UNORDERED = f"-O{os.devnull}"  # a file that `diff.orderFile` names may be missing, or a pipe
_PATCH = (
    "-M",
    "--no-ext-diff",
    "--no-textconv",
    "--no-color",
    "--ignore-submodules",
    "--inter-hunk-context=0",
    _UNORDERED,
)
RAW = ("--raw", "-z", "--no-renames", "--no-abbrev", "--ignore-submodules=none", _UNORDERED)

_TREES: dict[str, str] = {}
"""The trees of commits that were asked about: both are hashes, so one never has another."""


class RawChange(msgspec.Struct, frozen=True):
    """A path that two trees hold differently. A side that lacks it has the mode `000000` and an id of zeros.

    Attributes:
        name: The path's bytes.
        old_mode: As in `TreeEntry`.
        old_oid: The blob's id before; of a submodule, a commit's.
        new_mode: As in `TreeEntry`.
        new_oid: The blob's id after.
        status: `A`, `D`, `M`, `T` (another type of file), or `U`: conflicts in the index, and both ids are zeros.
    """

    name: bytes
    old_mode: bytes
    old_oid: str
    new_mode: bytes
    new_oid: str
    status: str

    @property
    def is_unmerged(self) -> bool:
        """Whether the index holds conflicts instead of a file."""
        return self.status == "U"


# ------------------------------------------------------------------------------------------------------------- HEAD


def head(root: Path) -> str | None:
    """The commit id of HEAD; `None` before the first commit.

    Raises:
        GitError: HEAD names a commit that is not there.
    """
    ids = finish_head(start_head(root))
    return ids[0] if ids else None


def start_head(root: Path) -> Running:
    """Ask for the ids of HEAD's commit and tree; for `finish_head`."""
    return Running(root, "rev-parse", "HEAD^{commit}", "HEAD^{tree}")


def finish_head(asked: Running) -> tuple[str, str] | None:
    """The ids of HEAD's commit and tree; `None` before the first commit.

    Raises:
        GitError: HEAD names a commit that is not there.
    """
    done = asked.finish(check=False)
    ids = done.stdout.decode().split()
    if done.returncode != 0 or len(ids) != 2:
        _check_unborn(asked.root)
        return None
    _TREES[ids[0]] = ids[1]
    return ids[0], ids[1]


def _check_unborn(root: Path) -> None:
    """Tell a repository without commits from one that lost them: there, everything would look new."""
    named = run(root, "rev-parse", "--verify", "-q", "HEAD", check=False)
    said = run(root, "log", "-1", "--format=%H", check=False).stderr
    if named.returncode == 0 or b"broken" in said:
        text = said.decode("utf-8", "replace").strip().splitlines() or ["its commit cannot be read"]
        raise GitError(f"HEAD is broken in {root}: {text[0]}", hint="git fsck says what is missing")


def tree_id(root: Path, commit: str) -> str:
    """The id of a commit's tree.

    Raises:
        GitError: There is no such commit.
    """
    if commit not in _TREES:
        _TREES[commit] = run(root, "rev-parse", "--verify", f"{commit}^{{tree}}").stdout.decode().strip()
    return _TREES[commit]


def empty_tree(root: Path) -> str:
    """The id of the tree without files, in the repository's object format."""
    result = run(root, "rev-parse", "--show-object-format", check=False)  # unknown to git before 2.25
    return EMPTY_TREES.get(result.stdout.decode().strip(), EMPTY_TREE)


# ------------------------------------------------------------------------------------------------------ raw changes


def raw_changes(root: Path, base: str, target: str | None = None, *, announced: bool = False) -> list[RawChange]:
    """The paths in which two trees differ. Honours `GIT_INDEX_FILE`.

    Args:
        root: The repository.
        base: A commit or a tree.
        target: A commit or a tree; the index for `None`.
        announced: Count files that `git add -N` announced as empty ones in the index; a commit would not hold them.
    """
    return parse_raw(_start_raw(root, base, target, announced=announced).finish().stdout)


def _start_raw(root: Path, base: str, target: str | None, *, announced: bool = False) -> Running:
    if target is None:
        visible = "--ita-visible-in-index" if announced else "--ita-invisible-in-index"
        return Running(root, "diff-index", "--cached", *RAW, visible, base, "--")
    return Running(root, "diff-tree", "-r", *RAW, base, target, "--")


def parse_raw(output: bytes) -> list[RawChange]:
    """What git wrote with the options `RAW`."""
    fields = output.split(b"\0")
    found = []
    for information, name in zip(fields[::2], fields[1::2], strict=False):
        old_mode, new_mode, old_oid, new_oid, status = information.lstrip(b":").split(b" ")
        found.append(RawChange(name, old_mode, old_oid.decode(), new_mode, new_oid.decode(), status[:1].decode()))
    return found


def is_anything_staged(root: Path) -> bool:
    """Whether the index differs from HEAD. Honours `GIT_INDEX_FILE`.

    Raises:
        GitError: Git failed.
    """
    options = ("diff-index", "--cached", "--quiet", "--ita-invisible-in-index")
    done = run(root, *options, "HEAD", "--", check=False)
    if done.returncode > 1:
        asked = Running(root, *options, head(root) or empty_tree(root), "--")
        done = asked.finish(check=False)
        if done.returncode > 1:
            raise asked.failed(done.stderr)
    return done.returncode == 1


# ---------------------------------------------------------------------------------------------- changes with lines


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
    return _finish_changes(*_start_changes(root, base or empty_tree(root), target), with_lines)


def staged_changes(root: Path, *, with_lines: Callable[[str], object] = bool) -> tuple[str | None, list[ChangedFile]]:
    """HEAD's commit, `None` before the first one, and what is staged on top of it; see `changes`."""
    asked = start_head(root)
    listing, patch = _start_changes(root, "HEAD", None)
    with together(asked, listing, patch):
        ids = finish_head(asked)
        if ids is not None:
            return ids[0], _finish_changes(listing, patch, with_lines)
        listing.stop()
        patch.stop()
    return None, changes(root, None, with_lines=with_lines)


def _start_changes(root: Path, base: str, target: str | None) -> tuple[Running, Running]:
    """The list of changes, and their patch, which perhaps nobody wants."""
    sides = ["--cached", base, "--"] if target is None else [base, target, "--"]
    return (
        Running(root, "diff", *_PATCH, "--raw", "-z", "--no-abbrev", *sides),
        Running(root, "diff", *_PATCH, "-U0", "--no-prefix", *sides),
    )


def _finish_changes(listing: Running, patch: Running, with_lines: Callable[[str], object]) -> list[ChangedFile]:
    names: dict[bytes, list[tuple[int, int]]] = {}
    with together(listing, patch):
        entries = list(_named(listing.finish().stdout.split(b"\0")))
        if any(kind != "deleted" and with_lines(display_path(new)) for new, _, kind in entries):
            names = _changed_lines(patch.finish().stdout)
        else:
            patch.stop()
    found = [
        ChangedFile(
            path=display_path(new),
            change=kind,
            old_path=None if old is None else display_path(old),
            lines=tuple(names.get(new, ())),
        )
        for new, old, kind in entries
    ]
    return sorted(found, key=lambda change: change.path)


def _named(raw: list[bytes]) -> Iterator[tuple[bytes, bytes | None, ChangeKind]]:
    """New name, old name where it has another, and kind of each change in git's raw output."""
    position = 0
    while position + 1 < len(raw):
        status = raw[position].rsplit(b" ", 1)[-1].decode()[:1]
        if status in ("R", "C"):
            yield raw[position + 2], raw[position + 1] if status == "R" else None, _KINDS[status]
            position += 3
        else:
            yield raw[position + 1], None, _KINDS.get(status, "modified")
            position += 2


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
                name = unquote(name)
            current = ranges.setdefault(name, [])
        elif line.startswith(b"@@ "):
            in_header = False
            start, _, count = line.split(b" ")[2][1:].partition(b",")
            length = int(count) if count else 1
            if length:
                current.append((int(start), int(start) + length - 1))
    return ranges
