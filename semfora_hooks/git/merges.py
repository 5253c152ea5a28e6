"""The other parents of the commit that a merge is about to make."""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path

from semfora_hooks.git.process import environment, git_folder, run

_ID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_NAMED = "GITHEAD_"
"""Git names the commits that it merges in variables that begin so; while its hooks run, they stand nowhere else."""
_MAX_PARENTS = 16  # git's own limit for an octopus was that for long


def merge_heads(root: Path) -> list[str]:
    """The commits that the next commit has as parents besides HEAD; none but while a merge goes on.

    A merge that stopped (conflicts, `--no-commit`) left them in `MERGE_HEAD`. One that is about to succeed tells its
    hooks alone.
    """
    names = [*_stopped_at(root), *(name.removeprefix(_NAMED) for name in os.environ if name.startswith(_NAMED))]
    found: list[str] = []
    for name in dict.fromkeys(names):
        if _ID.fullmatch(name) and len(found) < _MAX_PARENTS and _is_news(root, name):
            found.append(name)
    return found


def _stopped_at(root: Path) -> list[str]:
    folder = environment(root).get("GIT_DIR") or git_folder(root)
    if folder is None:
        return []
    path = Path(folder) / "MERGE_HEAD"
    if not path.is_file():  # a pipe would never answer
        return []
    with contextlib.suppress(OSError), path.open("rb") as stream:
        return stream.read(_MAX_PARENTS * 65).decode("ascii", "replace").split()
    return []


def _is_news(root: Path, commit: str) -> bool:
    """Whether a commit is in the repository at `root`, and HEAD does not have it already."""
    known = run(root, "merge-base", "--is-ancestor", commit, "HEAD", check=False)
    return known.returncode == 1
