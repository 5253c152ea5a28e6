"""Installing compilers from Debian. A test that needs one never skips: where it cannot be installed, the test fails."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

WORKSPACE = Path(__file__).parents[2] / "plugins" / "rust"
TARGET = "wasm32-unknown-unknown"
SAMPLE = ("build", "--release", "--target", TARGET, "-p", "semfora-plugin-template")
"""Builds the sample plugin and the SDK."""
CRATES = Path("/usr/share/cargo/registry")
RUST_PACKAGES = (
    "rustc",
    "cargo",
    "libstd-rust-dev-wasm32",
    "lld",
    "librust-serde-dev",
    "librust-serde-json-dev",
    "librust-serde-derive-dev",
)
_RUST_FILES = ("/usr/bin/rustc", "/usr/bin/rustdoc", "/usr/bin/cargo", "/usr/bin/rust-lld")


def apt_install(packages: Sequence[str]) -> None:
    """Install Debian packages, one process at a time."""
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        pytest.fail(f"these are needed, and can only be installed as root on Debian: {' '.join(packages)}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    options = ["-q", "-y", "-o", "DPkg::Lock::Timeout=300"]
    for command in (
        ["apt-get", *options, "update"],
        ["apt-get", *options, "install", "--no-install-recommends", *packages],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        assert done.returncode == 0, f"{' '.join(command)}:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"


def has_rust() -> bool:
    """Whether all of `RUST_PACKAGES` is there."""
    crates = ("serde-1*", "serde_json-1*", "serde_derive-1*")
    standard_library = Path("/usr/lib/rustlib", TARGET, "lib")
    return (
        all(Path(name).exists() for name in _RUST_FILES)
        and all(any(CRATES.glob(name)) for name in crates)
        and any(standard_library.glob("libstd-*.rlib"))
    )


def install_rust() -> Rust:
    """Debian's Rust toolchain, installed if it is not there."""
    with (Path(tempfile.gettempdir()) / f"semfora-tests-apt-{os.getuid()}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not has_rust():
            apt_install(RUST_PACKAGES)
    assert has_rust()
    return Rust()


@dataclass(frozen=True)
class Rust:
    """A Rust toolchain; builds are shared by all tests, cargo locks them.

    Attributes:
        rustc: The compiler.
        rustdoc: The program that runs examples in documentation.
        target: Where builds are kept.
    """

    rustc: str = "/usr/bin/rustc"
    rustdoc: str = "/usr/bin/rustdoc"
    target: Path = WORKSPACE / "target"

    def environment(self) -> dict[str, str]:
        """What commands run with: no settings of whoever runs the tests, and nothing for debuggers is compiled."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("CARGO", "RUST"))}
        return {
            **kept,
            "PATH": f"/usr/bin:{os.environ['PATH']}",
            "RUSTC": self.rustc,
            "RUSTDOC": self.rustdoc,
            "CARGO_TARGET_DIR": str(self.target),
            "CARGO_NET_OFFLINE": "true",
            "CARGO_INCREMENTAL": "0",
            "CARGO_PROFILE_DEV_DEBUG": "0",
            "CARGO_PROFILE_TEST_DEBUG": "0",
        }

    def cargo(self, *arguments: str, more: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run cargo in the workspace; it must succeed."""
        done = subprocess.run(
            ["/usr/bin/cargo", "--config", "debian.toml", *arguments, "--locked"],
            cwd=WORKSPACE,
            env=self.environment() | dict(more or {}),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"cargo {' '.join(arguments)}:\n{done.stdout[-4000:]}\n{done.stderr[-6000:]}"
        return done

    def plugin(self) -> Path:
        """The sample plugin, built as its README says."""
        self.cargo(*SAMPLE)
        return self.target / TARGET / "release" / "layer_guard.wasm"

    def example_plugin(self, name: str) -> Path:
        """An example of the SDK as a plugin, with the same serde as the sample plugin's."""
        self.cargo("build", "--release", "--target", TARGET, "-p", "semfora-plugin-sdk", "--example", name)
        return self.target / TARGET / "release" / "examples" / f"{name}.wasm"

    def example_program(self, name: str) -> Path:
        """An example of the SDK as a program of this machine."""
        self.cargo("build", "-p", "semfora-plugin-sdk", "--example", name)
        return self.target / "debug" / "examples" / name
