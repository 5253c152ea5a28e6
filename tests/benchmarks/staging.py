"""A repository to measure in, and changes to stage in it: a new one for each run, so that none can be answered from
what an earlier run left behind."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from corpus import git

HERE = Path(__file__).parent
Kind = Literal["typical", "largest"]


@dataclass
class Repository:
    """A git repository with one commit.

    Attributes:
        root: Its folder.
        files: Python files in it.
        size: Their bytes.
        plan: Where to edit, as `corpus.edits` returns it.
    """

    root: Path
    files: int
    size: int
    plan: dict[str, list[dict[str, Any]]]
    _edits: int = 0
    _originals: dict[str, bytes] = field(default_factory=dict)

    @classmethod
    def make(cls, source: Path, root: Path, copies: int) -> Repository:
        """Write `copies` of `source` into a new repository at `root`."""
        command = [sys.executable, str(HERE / "corpus.py"), str(source), str(root), str(copies)]
        plan = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
        return cls(root, plan.pop("files"), plan.pop("bytes"), plan)

    def staged_paths(self, kind: Kind) -> list[str]:
        """The files that `stage` changes."""
        return [place["path"] for place in self.plan[kind]]

    def staged_kilobytes(self, kind: Kind) -> float:
        """The size of those files."""
        return sum(place["bytes"] for place in self.plan[kind]) / 1000

    def stage(self, kind: Kind) -> None:
        """Stage in each file a new function and, in an old one, a call of it. Nothing else is staged."""
        self.restore()
        self._edits += 1
        name = f"bench_added_{self._edits}"
        for place in self.plan[kind]:
            lines = self._original(place["path"]).splitlines(keepends=True)
            lines.insert(place["line"], f"{' ' * place['indent']}{name}({self._edits})\n".encode())
            lines.append(f"\n\ndef {name}(value):\n    return value + {self._edits}\n".encode())
            (self.root / place["path"]).write_bytes(b"".join(lines))
        git(self.root, "add", "--", *self.staged_paths(kind))

    def stage_text(self) -> None:
        """Stage a change of the README only."""
        self.restore()
        self._edits += 1
        (self.root / "README.md").write_bytes(self._original("README.md") + b"\nLine %d.\n" % self._edits)
        git(self.root, "add", "--", "README.md")

    def commit(self, message: str) -> None:
        """Commit everything there is, if only to refresh what git knows about the files."""
        git(self.root, "add", "-A")
        git(self.root, "commit", "-q", "--no-verify", "--allow-empty", "-m", message)

    def restore(self) -> None:
        """Undo what was staged."""
        if self._originals:
            for path, raw in self._originals.items():
                (self.root / path).write_bytes(raw)
            git(self.root, "add", "--", *self._originals)
            self._originals.clear()

    def _original(self, path: str) -> bytes:
        return self._originals.setdefault(path, (self.root / path).read_bytes())
