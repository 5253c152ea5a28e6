"""Fixtures that several files of end-to-end tests share."""

from __future__ import annotations

import fcntl
from pathlib import Path

import pytest
from precommit_kit import Hooks, Make, Repository, build
from sharing import run_folder


@pytest.fixture(scope="session")
def hooks(tmp_path_factory: pytest.TempPathFactory) -> Hooks:
    """Our hooks, installed once; the workers of pytest-xdist share them."""
    with (run_folder(tmp_path_factory) / "hooks.lock").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        return build(run_folder(tmp_path_factory) / "hooks")


@pytest.fixture
def make(hooks: Hooks, tmp_path: Path) -> Make:
    """Makes a scratch repository with a first commit, which no hook judges."""

    def make(
        files: dict[str, str], *names: str, name: str = "repo", stages: tuple[str, ...] = ("pre-commit",)
    ) -> Repository:
        repository = Repository(hooks, tmp_path / name, *(names or ("semfora",)), stages=stages)
        for path, text in files.items():
            repository.write(path, text)
        assert repository.commit("--no-verify").code == 0
        return repository

    return make
