"""Running git so that a repository cannot make it start other programs, ask questions, take locks or fetch."""

from __future__ import annotations

import contextlib
import os
import stat
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from semfora_hooks.errors import GitError

TIMEOUT = 60  # seconds; git takes less than one on a hundred thousand files
_OPTIONS = (
    *("-c", "core.fsmonitor=false"),
    *("-c", "core.quotePath=false"),
    *("-c", "core.bigFileThreshold=64m"),  # larger blobs are not compared line by line, nor held in memory
    "--work-tree=.",
    "--no-pager",
)
_SETTINGS = {
    "GIT_OPTIONAL_LOCKS": "0",
    "LC_ALL": "C",
    "GIT_TERMINAL_PROMPT": "0",
    # A missing object must not be fetched: a repository's configuration names the programs that do it.
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "",
}
# An id must give the content it is the hash of, since facts are kept by it.
_UNREPLACED = {"GIT_NO_REPLACE_OBJECTS": "1"}
# What `git rev-parse --local-env-vars` lists, without configuration: it names a repository, or a part of one.
_OF_ONE_REPOSITORY = (
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_GRAFT_FILE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_INTERNAL_SUPER_PREFIX",
    "GIT_NO_REPLACE_OBJECTS",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_REPLACE_REF_BASE",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
)


def environment(root: Path) -> dict[str, str]:
    """The variables git gets. Those that hooks set are kept where they speak of the repository at `root`."""
    variables = {**os.environ, **_SETTINGS}
    # These would widen the ranges of changed lines, and read paths other than as they are.
    for name in ("GIT_DIFF_OPTS", "GIT_LITERAL_PATHSPECS", "GIT_GLOB_PATHSPECS", "GIT_ICASE_PATHSPECS"):
        variables.pop(name, None)
    if "GIT_DIR" in variables or "GIT_INDEX_FILE" in variables:
        _keep_to(root, variables)
    return variables


def _keep_to(root: Path, variables: dict[str, str]) -> None:
    """Drop variables that name another repository: a hook of a superproject may look into a submodule."""
    ours = git_folder(root)
    if "GIT_DIR" in variables:
        theirs = os.path.realpath(variables["GIT_DIR"])
        if ours is not None and theirs != ours and not is_named_work_tree(root):
            for name in _OF_ONE_REPOSITORY:
                variables.pop(name, None)
            return
        variables["GIT_DIR"] = ours = theirs  # it may be relative to the current folder, and git runs in `root`
    index = variables.get("GIT_INDEX_FILE")
    if index is not None:
        folder = Path(os.path.realpath(root / index)).parent  # git reads it from the top of the work tree
        if not folder.is_dir() or (str(folder) != ours and (folder / "HEAD").is_file()):
            del variables["GIT_INDEX_FILE"]


def is_named_work_tree(folder: Path) -> bool:
    """Whether the environment says that `folder` is the top of a work tree, which then needs no `.git`."""
    if "GIT_DIR" not in os.environ:
        return False
    named = os.environ.get("GIT_WORK_TREE") or _configured_work_tree(os.environ["GIT_DIR"], Path.cwd())
    return bool(named) and os.path.realpath(folder) == os.path.realpath(str(named))


@cache
def _configured_work_tree(repository: str, cwd: Path) -> str | None:
    """The work tree that a repository names in its own configuration."""
    try:  # not by `run`, which asks here which repository it is about
        found = subprocess.run(
            ["git", "config", "--get", "core.worktree"],
            cwd=cwd,
            env={**os.environ, **_SETTINGS},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=TIMEOUT,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    if found.returncode != 0:
        return None
    return os.path.join(cwd, repository, os.fsdecode(found.stdout.rstrip(b"\n")))  # noqa: PTH118  it may be absolute


def git_folder(root: Path) -> str | None:
    """Where the repository of the work tree at `root` is, links resolved: `.git`, or the folder that file names."""
    path = root / ".git"
    try:
        kind = path.stat().st_mode
        if stat.S_ISDIR(kind):
            return os.path.realpath(path)
        if stat.S_ISREG(kind):
            with path.open("rb") as stream:
                word, _, name = stream.read(1 << 13).partition(b" ")
            if word == b"gitdir:":
                return os.path.realpath(root / os.fsdecode(name.rstrip(b"\r\n")))
    except OSError:
        pass
    return None


class Running:
    """A git process at work; `finish` waits for it.

    Args:
        root: The top of the work tree.
        arguments: The command and its arguments.
        data: What it reads.

    Raises:
        GitError: Git is missing.
    """

    def __init__(self, root: Path, *arguments: str, data: bytes | None = None) -> None:
        self.root = root
        self.command = arguments[0]
        self._data = data
        try:
            self.process = subprocess.Popen(
                ["git", *_OPTIONS, *arguments],
                cwd=root,
                stdin=subprocess.DEVNULL if data is None else subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=environment(root) | _UNREPLACED if self.command == "cat-file" else environment(root),
            )
        except FileNotFoundError:
            raise GitError(
                "git is not installed, or not on PATH", hint="install git, or analyse a folder without .git"
            ) from None

    def finish(self, *, check: bool = True) -> subprocess.CompletedProcess[bytes]:
        """What it wrote.

        Raises:
            GitError: It took too long, or failed and `check` is set.
        """
        try:
            out, err = self.process.communicate(self._data, timeout=TIMEOUT)
        except subprocess.TimeoutExpired:
            self.stop()
            raise self.too_slow() from None
        except BaseException:
            self.stop()
            raise
        if check and self.process.returncode != 0:
            raise self.failed(err)
        return subprocess.CompletedProcess(self.process.args, self.process.returncode, out, err)

    def feed(self) -> None:
        """Give it its data and nothing after; for those who read the output themselves."""
        if self.process.stdin is not None:
            with contextlib.suppress(OSError, ValueError):  # it has ended, or was stopped
                self.process.stdin.write(self._data or b"")
                self.process.stdin.close()

    def stop(self) -> None:
        """End it, whatever it does."""
        self.process.kill()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        self.process.wait()

    def too_slow(self) -> GitError:
        """The error for a process that does not end."""
        return GitError(
            f"git {self.command} in {self.root} did not end within {TIMEOUT} s",
            hint="is .gitignore, or another file git reads, a pipe?",
        )

    def failed(self, err: bytes) -> GitError:
        """The error for a process that failed, by what it wrote to standard error."""
        text = err.decode("utf-8", "replace").strip().splitlines()
        hint = None
        if any("dubious ownership" in line for line in text):
            hint = f"if you trust it: git config --global --add safe.directory {self.root}"
        if any(word in line for line in text for word in ("corrupt", "unable to stream", "inflate", "bad tree")):
            hint = "the repository is damaged; git fsck says where"
        if any("unable to read" in line or "missing" in line or "promisor" in line for line in text):
            hint = "objects are missing in this clone; if it is a partial one: git fetch --refetch --no-filter"
        reasons = [line for line in text if not line.startswith("warning:")] or text
        reason = reasons[0] if reasons else f"exit code {self.process.returncode}"
        return GitError(f"git {self.command} failed in {self.root}: {reason}", hint=hint)


def run(
    root: Path, *arguments: str, data: bytes | None = None, check: bool = True
) -> subprocess.CompletedProcess[bytes]:
    """Run git plumbing at `root`.

    Raises:
        GitError: Git is missing, or failed.
    """
    return Running(root, *arguments, data=data).finish(check=check)


@contextlib.contextmanager
def together(*running: Running) -> Iterator[None]:
    """Processes that were started side by side: when one fails, none is left behind."""
    try:
        yield
    except BaseException:
        for one in running:
            one.stop()
        raise
