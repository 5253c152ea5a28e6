"""What is expensive to make, made once for all processes of a run (the workers of pytest-xdist)."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest


def run_folder(factory: pytest.TempPathFactory) -> Path:
    """The folder for temporary files that all processes of this run have in common."""
    base = factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """A folder that the first process to want it fills, while others wait; nobody may change what is in it.

    Args:
        factory: pytest's fixture `tmp_path_factory`.
        name: The folder's name, one for each thing that is made.
        make: Fills the empty folder that it gets. Where it fails, the next process tries again.
    """
    folder = run_folder(factory) / f"once-{name}"
    made = folder.with_name(f"{folder.name}.made")
    with folder.with_name(f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            make(folder)
            made.touch()
    return folder
