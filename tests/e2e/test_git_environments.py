"""`git commit` as graphical programs, editors and scripts call it: from anywhere, with variables, with hooks elsewhere.

The change is the same each time: the last call of a helper goes, and a file that is not staged calls it still.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.e2e

PROGRAM = Path(sys.executable).parent / "semfora-hooks"
FILES = {
    "pyproject.toml": '[tool.semfora]\nfail-on = "info"\n',
    "helpers.py": "def _twice(x):\n    return 2 * x\n\n\ndef _old():\n    return 1\n",
    "pkg/sub/caller.py": "from helpers import _twice\n\nprint(_twice(2))\n",
}
LOST = "print(4)\n"
SAID = "helpers.py:1:1: warning dead-code introduced"


class Place:
    """A repository with our hook, and where and how git is called for it.

    Args:
        base: An empty folder.
    """

    def __init__(self, base: Path) -> None:
        self.root = Path(os.path.realpath(base)) / "project"
        self.outside = self.root.parent / "outside"
        self.cwd = self.root
        self.options: list[str] = []
        self.variables: dict[str, str] = {}
        self.dropped: tuple[str, ...] = ()
        self.outside.mkdir()
        for name, text in FILES.items():
            self.write(name, text)

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def setup(self, *arguments: str, cwd: Path | None = None) -> None:
        subprocess.run(["git", *arguments], cwd=cwd or self.root, check=True, capture_output=True, timeout=60)

    def git(self, *arguments: str) -> tuple[int, str]:
        """Call git as this place has it."""
        kept = {key: value for key, value in os.environ.items() if key not in self.dropped}
        done = subprocess.run(
            ["git", *self.options, *arguments],
            cwd=self.cwd,
            env={**kept, **self.variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=60,
        )
        assert "Traceback" not in done.stdout
        return done.returncode, done.stdout


def hook(folder: Path) -> Path:
    """A folder with a pre-commit hook that is a script of the user's."""
    path = folder / "pre-commit"
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(f'#!/bin/sh\nexec "{PROGRAM}" suggest --auto-scope --output-format full\n')
    path.chmod(0o755)
    return folder


def plain(place: Place) -> None:
    place.setup("init", "-q", "-b", "main")
    hook(place.root / ".git" / "hooks")


def below(place: Place) -> None:
    plain(place)
    place.cwd = place.root / "pkg" / "sub"


def from_elsewhere(place: Place) -> None:
    plain(place)
    place.cwd = place.outside
    place.options = ["-C", str(place.root / "pkg")]


def through_a_link(place: Place) -> None:
    plain(place)
    place.cwd = place.outside / "link"
    place.cwd.symlink_to(place.root)
    place.variables = {"PWD": str(place.cwd)}


def named_by_options(place: Place) -> None:
    plain(place)
    place.cwd = place.outside
    place.options = [f"--git-dir={place.root}/.git", f"--work-tree={place.root}"]


def named_by_variables(place: Place) -> None:
    plain(place)
    place.cwd = place.outside
    place.variables = {"GIT_DIR": f"{place.root}/.git", "GIT_WORK_TREE": str(place.root)}


def named_from_below(place: Place) -> None:
    plain(place)
    place.cwd = place.root / "pkg"
    place.variables = {"GIT_DIR": "../.git", "GIT_WORK_TREE": ".."}


def named_without_a_work_tree(place: Place) -> None:
    plain(place)
    place.variables = {"GIT_DIR": ".git"}


def with_a_repository_elsewhere(place: Place) -> None:
    place.setup("init", "-q", "-b", "main", "--separate-git-dir", str(place.outside / "store"))
    hook(place.outside / "store" / "hooks")


def like_dotfiles(place: Place) -> None:
    """A bare repository, and a work tree that holds nothing of git's."""
    store = place.outside / "dotfiles"
    place.setup("init", "-q", "-b", "main", "--bare", str(store))
    hook(store / "hooks")
    place.cwd = place.root / "pkg"
    place.options = [f"--git-dir={store}", f"--work-tree={place.root}"]


def with_a_configured_work_tree(place: Place) -> None:
    store = place.outside / "store"
    place.setup("init", "-q", "-b", "main", "--bare", str(store))
    hook(store / "hooks")
    place.setup("config", "core.bare", "false", cwd=store)
    place.setup("config", "core.worktree", str(place.root), cwd=store)
    place.variables = {"GIT_DIR": str(store)}


def in_a_linked_work_tree(place: Place) -> None:
    """Git names the repository to hooks there."""
    main = place.outside / "main"
    place.setup("init", "-q", "-b", "main", str(main))
    place.setup("commit", "-q", "--allow-empty", "-m", "first", cwd=main)
    hook(main / ".git" / "hooks")
    for name in FILES:
        (place.root / name).unlink()
    place.setup("worktree", "add", "-q", "-f", "-b", "side", str(place.root / "tree"), cwd=main)
    place.root = place.cwd = place.root / "tree"
    for name, text in FILES.items():
        place.write(name, text)


def with_hooks_in_the_tree(place: Place) -> None:
    place.setup("init", "-q", "-b", "main")
    place.setup("config", "core.hooksPath", ".githooks")
    hook(place.root / ".githooks")
    place.cwd = place.root / "pkg"


def with_hooks_elsewhere(place: Place) -> None:
    place.setup("init", "-q", "-b", "main")
    place.options = ["-c", f"core.hooksPath={hook(place.outside / 'hooks')}"]


def from_a_graphical_program(place: Place) -> None:
    """Started by a desktop: no terminal, a short search path, a plain locale, git told to keep its hands still."""
    plain(place)
    place.dropped = ("HOME", "TERM", "LANG", "LC_ALL", "SHELL", "XDG_CACHE_HOME", "VIRTUAL_ENV", "COLORTERM")
    place.variables = {
        "PATH": "/usr/bin:/bin",
        "LC_ALL": "C",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_LITERAL_PATHSPECS": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "/bin/false",
        "GIT_EDITOR": ":",
        "GIT_PAGER": "less",
        "GIT_TRACE2_EVENT": str(place.outside / "trace"),
    }


PLACES = (
    plain,
    below,
    from_elsewhere,
    through_a_link,
    named_by_options,
    named_by_variables,
    named_from_below,
    named_without_a_work_tree,
    with_a_repository_elsewhere,
    like_dotfiles,
    with_a_configured_work_tree,
    in_a_linked_work_tree,
    with_hooks_in_the_tree,
    with_hooks_elsewhere,
    from_a_graphical_program,
)


@pytest.mark.parametrize("enter", PLACES, ids=lambda enter: enter.__name__)
def test_a_commit_is_judged_wherever_it_comes_from(enter: Callable[[Place], None], tmp_path: Path) -> None:
    place = Place(tmp_path)
    enter(place)
    files = [str(place.root / name) for name in FILES]
    caller = files[-1]
    assert place.git("add", *files) == (0, "")
    code, text = place.git("commit", "-q", "--no-verify", "-m", "first")
    assert code == 0, text

    # What is there already, dead code included, stops nobody.
    place.write("pkg/sub/caller.py", FILES["pkg/sub/caller.py"] + "print(5)\n")
    code, text = place.git("commit", "-m", "fine", "--", caller)
    assert (code, "dead-code" in text) == (0, False), text

    place.write("pkg/sub/caller.py", LOST)
    place.write("untracked.py", FILES["pkg/sub/caller.py"])
    assert place.git("add", caller) == (0, "")
    for arguments in (("-m", "staged"), ("-a", "-m", "all"), ("-m", "a path", "--", caller)):
        code, text = place.git("commit", *arguments)
        assert (code, SAID in text, "_old" in text) == (1, True, False), (arguments, text)
    code, text = place.git("log", "--format=%s", "-1")
    assert text == "fine\n"
    assert place.git("commit", "-q", "--no-verify", "-m", "done")[0] == 0
