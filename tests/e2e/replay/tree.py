"""A work tree to edit as people do, and its git repository."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

IDENTITY = {
    f"GIT_{role}_{what}": value
    for role in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "Test"), ("EMAIL", "test@example.invalid"), ("DATE", "2026-01-05T12:00:00Z"))
}


def surroundings(**more: str) -> dict[str, str]:
    """An environment in which nobody's settings count."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("GIT_", "SEMFORA_", "PRE_"))}
    return {**kept, **IDENTITY, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, **more}


class Tree:
    """A work tree.

    Every edit says what it expects to find, so that one that meets something else fails instead of doing nothing.

    Args:
        root: Its folder.
        environment: What git is called with.
    """

    def __init__(self, root: Path, environment: Mapping[str, str]) -> None:
        self.root = root
        self.environment = dict(environment)

    def git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.root,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, f"git {' '.join(arguments)}: {done.stderr}"
        return done.stdout.rstrip()

    def read(self, path: str) -> str:
        return (self.root / path).read_text("utf-8")

    def write(self, path: str, text: str) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text, "utf-8")

    def replace(self, path: str, old: str, new: str, *, times: int = 1) -> None:
        text = self.read(path)
        assert text.count(old) == times, f"{path} has {text.count(old)} times, not {times} times: {old}"
        self.write(path, text.replace(old, new))

    def before(self, path: str, anchor: str, text: str) -> None:
        self.replace(path, anchor, text + anchor)

    def after(self, path: str, anchor: str, text: str) -> None:
        self.replace(path, anchor, anchor + text)

    def part(self, path: str, start: str, end: str) -> str:
        """The text from `start` on, up to `end`; each stands there once."""
        text = self.read(path)
        assert text.count(start) == text.count(end) == 1, (path, start, end)
        return text[text.index(start) : text.index(end)]

    def line(self, path: str, text: str, revision: str) -> int:
        """The one line of a file that has `text`, in a commit."""
        content = self.git("show", f"{revision}:{path}")
        numbers = [number for number, line in enumerate(content.splitlines(), 1) if text in line]
        assert len(numbers) == 1, f"{revision}:{path} has {len(numbers)} lines with {text}"
        return numbers[0]
