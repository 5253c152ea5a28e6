"""Git's plumbing, and only that: nothing here starts a program that a repository could name, or writes anything."""

from __future__ import annotations

from pathlib import Path

from semfora_hooks.errors import GitError
from semfora_hooks.git.differences import (
    EMPTY_TREE,
    RawChange,
    changes,
    empty_tree,
    head,
    is_anything_staged,
    raw_changes,
    staged_changes,
    tree_id,
)
from semfora_hooks.git.merges import merge_heads
from semfora_hooks.git.names import display_path
from semfora_hooks.git.objects import (
    Index,
    TreeEntry,
    WorkTree,
    blob_id,
    blob_sizes,
    blobs,
    read_blobs,
    start_index_entries,
    tree_entries,
)
from semfora_hooks.git.process import is_named_work_tree, run

__all__ = [
    "EMPTY_TREE",
    "Index",
    "RawChange",
    "TreeEntry",
    "WorkTree",
    "blob_id",
    "blob_sizes",
    "blobs",
    "changes",
    "commit_id",
    "display_path",
    "empty_tree",
    "head",
    "is_anything_staged",
    "is_ignored",
    "merge_base",
    "merge_heads",
    "raw_changes",
    "read_blobs",
    "staged_changes",
    "start_index_entries",
    "top_level",
    "tree_entries",
    "tree_id",
]


def top_level(folder: Path) -> Path | None:
    """The top of the git work tree around `folder`, found without git; `None` outside one."""
    for candidate in (folder, *folder.parents):
        if (candidate / ".git").exists() or is_named_work_tree(candidate):
            return candidate
    return None


def is_ignored(top: Path, path: Path) -> bool:
    """Whether git ignores `path` in the work tree at `top`."""
    result = run(top, "check-ignore", "-q", "--", str(path), check=False)
    return result.returncode == 0


def commit_id(root: Path, revision: str) -> str:
    """The commit a revision names.

    Raises:
        GitError: There is none here.
    """
    known = None
    if not revision.startswith("-"):
        known = run(root, "rev-parse", "--verify", "-q", f"{revision}^{{commit}}", check=False)
    if known is None or known.returncode != 0:
        raise GitError(f"the revision {revision!r} is not in this repository", hint=_how_to_fetch(root))
    return known.stdout.decode().strip()


def merge_base(root: Path, revision: str, target: str = "HEAD") -> str:
    """The commit where `target` left `revision`.

    Raises:
        GitError: A revision is unknown, or they share no history.
    """
    result = run(root, "merge-base", commit_id(root, revision), commit_id(root, target), check=False)
    if result.returncode != 0:
        raise GitError(f"{target} and {revision!r} have no common commit here", hint=_how_to_fetch(root))
    return result.stdout.decode().strip()


def _how_to_fetch(root: Path) -> str:
    """What to do where history is missing."""
    shallow = run(root, "rev-parse", "--is-shallow-repository", check=False)
    if shallow.stdout.strip() == b"true":
        return (
            "this clone is shallow: git fetch --unshallow brings the rest of it, and "
            "git fetch origin BRANCH:refs/remotes/origin/BRANCH another branch"
        )
    return "in a shallow clone: git fetch --unshallow, or fetch the branch with enough depth"
