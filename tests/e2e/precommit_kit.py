"""Scratch repositories with our pre-commit hooks: a real pre-commit, our checkout as the hooks' repository."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import yaml

CHECKOUT = Path(__file__).parents[2]
SHIPPED = ("pyproject.toml", "README.md", "LICENSE", ".pre-commit-hooks.yaml", "semfora_hooks")
STAGES = ("pre-commit", "pre-merge-commit", "pre-push")
HOOKS = ("semfora", "semfora-push", "semfora-all", "semfora-report", "semfora-rules")
TITLES = {
    "semfora": "semfora (what the commit introduces)",
    "semfora-push": "semfora (what the push introduces)",
    "semfora-all": "semfora (whole repository)",
    "semfora-report": "semfora (report only)",
    "semfora-rules": "semfora (rules and plugins)",
}

RULE = """\
name: no-shouting
severity: error
match: {kind: function, name: "SHOUT*"}
message: "`{symbol}` shouts"
suggestion: "Say it in lower case."
"""
SHOUT = "def SHOUT_it():\n    return 1\n\n\nSHOUT_it()\n"
WHISPER = "def whisper_it():\n    return 1\n\n\nwhisper_it()\n"
UNUSED = "def _unused():\n    return 1\n"
STRICT = '[tool.semfora]\nfail-on = "warning"\n'


@dataclass(frozen=True)
class Outcome:
    """What a command printed, and its exit code."""

    code: int
    text: str


@dataclass(frozen=True)
class Hooks:
    """Our checkout as a repository of hooks, and the environment to call programs in."""

    path: Path
    revision: str
    environment: dict[str, str]

    def run(self, folder: Path, *command: str, data: str | None = None) -> Outcome:
        done = subprocess.run(
            command,
            cwd=folder,
            env=self.environment,
            input=data,
            stdin=subprocess.DEVNULL if data is None else None,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=180,
        )
        return Outcome(done.returncode, done.stdout)

    @property
    def scripts(self) -> Path:
        """What `pre-commit install` puts into a repository's `.git/hooks`, the same for each repository."""
        return self.path.parent / "scratch" / ".git" / "hooks"

    def configuration(self, *names: str) -> str:
        hooks = [{"id": name} for name in names]
        return yaml.safe_dump({"repos": [{"repo": str(self.path), "rev": self.revision, "hooks": hooks}]})


def build(folder: Path) -> Hooks:
    """A committed copy of this checkout in `folder`; pre-commit builds the hooks' environment, with pip, from PyPI.

    A folder in which that was done before is taken as it is.
    """
    source, stamp = folder / "semfora", folder / "built"
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(("GIT_", "SEMFORA_", "PRE_"))}
    environment = {
        **inherited,
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_SYSTEM": os.devnull,
        "GIT_AUTHOR_NAME": "Test",
        "GIT_AUTHOR_EMAIL": "test@example.invalid",
        "GIT_COMMITTER_NAME": "Test",
        "GIT_COMMITTER_EMAIL": "test@example.invalid",
        "PRE_COMMIT_HOME": str(folder / "pre-commit"),
        "SEMFORA_CACHE_DIR": str(folder / "cache"),
    }
    if stamp.exists():
        return Hooks(source, stamp.read_text(), environment)
    shutil.rmtree(folder, ignore_errors=True)
    source.mkdir(parents=True)
    for name in SHIPPED:
        if (CHECKOUT / name).is_dir():
            shutil.copytree(CHECKOUT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(CHECKOUT / name, source / name)
    made = Hooks(source, "", environment)
    for command in (("init", "-q", "-b", "main"), ("add", "-A"), ("commit", "-q", "-m", "snapshot")):
        assert made.run(source, "git", *command).code == 0
    made = Hooks(source, made.run(source, "git", "rev-parse", "HEAD").text.strip(), environment)
    scratch = folder / "scratch"
    scratch.mkdir()
    made.run(scratch, "git", "init", "-q")
    (scratch / ".pre-commit-config.yaml").write_text(made.configuration(*HOOKS))
    types = [f"--hook-type={stage}" for stage in STAGES]
    built = made.run(scratch, sys.executable, "-m", "pre_commit", "install", "--install-hooks", *types)
    assert built.code == 0, built.text
    stamp.write_text(made.revision)
    return made


class Repository:
    """A scratch repository with the hooks installed, as `pre-commit install` did it in another one."""

    def __init__(self, hooks: Hooks, path: Path, *names: str, stages: tuple[str, ...] = ("pre-commit",)) -> None:
        self.hooks = hooks
        self.path = path
        path.mkdir()
        self.git("init", "-q", "-b", "main")
        self.write(".pre-commit-config.yaml", hooks.configuration(*names))
        for stage in stages:
            shutil.copy(hooks.scripts / stage, path / ".git" / "hooks" / stage)

    def write(self, path: str, text: str) -> None:
        (self.path / path).parent.mkdir(parents=True, exist_ok=True)
        (self.path / path).write_text(textwrap.dedent(text))

    def git(self, *arguments: str, data: str | None = None, folder: Path | str = ".") -> Outcome:
        return self.hooks.run(self.path / folder, "git", *arguments, data=data)

    def pre_commit(self, *arguments: str) -> Outcome:
        return self.hooks.run(self.path, sys.executable, "-m", "pre_commit", *arguments)

    def commit(self, *options: str, stage: bool = True) -> Outcome:
        if stage:
            self.git("add", "-A")
        return self.git("commit", "-m", "change", *options)

    @property
    def commits(self) -> int:
        return len(self.git("log", "--oneline", "--all").text.splitlines())


Make = Callable[..., Repository]


def check(outcome: Outcome, verdict: str, name: str = TITLES["semfora"]) -> None:
    """The hook ran, ended as it should, and told of it without a traceback."""
    line = next((line for line in outcome.text.splitlines() if line.startswith(name)), outcome.text)
    assert line.endswith(verdict), outcome.text
    assert "Traceback" not in outcome.text and "Installing environment" not in outcome.text
    assert (outcome.code == 0) == (verdict == "Passed")
