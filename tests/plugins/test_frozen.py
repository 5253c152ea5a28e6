"""Contract stability: binaries, a manifest and a lock of the day when contract 1 was fixed still do what they did."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import frozen
import pytest

from semfora_hooks.providers.wasm import host

from . import kit

FROZEN = frozen.all_frozen()
BUDGET = 9_000_000
"""Bytes of all binaries as they are kept: everybody who clones the repository pays for them."""


@pytest.mark.parametrize("binary", FROZEN, ids=lambda binary: binary.name)
def test_a_frozen_plugin_still_gives_the_same(binary: frozen.Frozen, pool: host.Pool, tmp_path: Path) -> None:
    """Where one fails, the contract broke: do not build it anew."""
    kit.assert_conforms(binary.unpack(tmp_path), pool)


def test_a_frozen_repository_still_gives_the_same(tmp_path: Path) -> None:
    """Manifest with every key, lock, two kinds of binaries: from the files of a repository to its report."""
    shop = kit.repository(tmp_path / "shop")
    folder = shop / ".semfora" / "plugins"
    folder.mkdir(parents=True)
    for name in ("manifest.yaml", "manifest.lock"):
        shutil.copy(frozen.FOLDER / "repository" / name, folder / name)
    for name in ("layer-guard-c", "layer-guard-rust"):
        frozen.named(name).unpack(folder)
    done = subprocess.run(
        [sys.executable, "-m", "semfora_hooks", "suggest", "--locked", "--output-format", "json"],
        cwd=shop,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    report = json.loads(done.stdout)
    found = sorted(
        (item for item in report["recommendations"] if item["group"] == "frozen"), key=lambda item: item["rule_id"]
    )
    wanted = json.loads((frozen.FOLDER / "repository" / "expected.json").read_text("utf-8"))
    assert len(found) == len(wanted) == 2
    for item, known in zip(found, wanted, strict=True):
        assert {name: item[name] for name in known} == known  # a report may say more than it did


def test_every_frozen_file_has_a_record() -> None:
    kept = {path.name for path in frozen.FOLDER.glob("*.wasm*")}
    assert kept == {binary.file.name for binary in FROZEN}
    for binary in FROZEN:
        wanted = {"language", "sha256", "size", "source", "revision", "build", "compiler", "abi", "contract"}
        assert set(binary.record) == wanted, binary.name
        assert re.fullmatch("[0-9a-f]{40}", binary.record["revision"]), binary.name
        assert (kit.ROOT / binary.record["source"]).is_dir(), binary.name


def test_every_language_is_frozen() -> None:
    languages = {path.parent.name for path in kit.PLUGINS.glob("*/semfora-plugin-template")}
    assert {binary.record["language"] for binary in FROZEN} == languages >= {"rust", "assemblyscript", "go", "python"}


def test_they_are_no_burden() -> None:
    assert sum(binary.file.stat().st_size for binary in FROZEN) < BUDGET


# ---------------------------------------------------------------------------------------------- adding one

RECORD = {"language": "go", "source": "plugins/go"}


@pytest.mark.parametrize(("size", "name"), [(3000, "some.wasm"), (frozen.COMPRESSED_FROM, "some.wasm.xz")])
def test_what_is_frozen_is_read_again(tmp_path: Path, size: int, name: str) -> None:
    code = b"\0asm" + bytes(size - 4)
    made = frozen.freeze("some", code, RECORD, tmp_path)
    assert made.file.name == name
    assert made.code() == code
    (tmp_path / "out").mkdir()
    assert made.unpack(tmp_path / "out").read_bytes() == code
    assert frozen.all_frozen(tmp_path) == [made]


def test_nothing_replaces_a_frozen_one(tmp_path: Path) -> None:
    made = frozen.freeze("some", b"one", RECORD, tmp_path)
    with pytest.raises(FileExistsError, match="some is frozen already"):
        frozen.freeze("some", b"two", RECORD, tmp_path)
    assert made.code() == b"one"


@pytest.mark.parametrize("size", [3000, frozen.COMPRESSED_FROM])
def test_a_changed_one_is_noticed(tmp_path: Path, size: int) -> None:
    made = frozen.freeze("some", bytes(size), RECORD, tmp_path)
    other = frozen.freeze("other", bytes(size - 1) + b"\1", RECORD, tmp_path)
    shutil.copy(other.file, made.file)
    with pytest.raises(ValueError, match="is not what was frozen"):
        made.code()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A small repository with a plugin's sources, this module, and a built plugin."""
    root = tmp_path / "checkout"
    for folder in ("tests/fixtures/frozen/v1", "plugins/go/semfora-plugin-template"):
        (root / folder).mkdir(parents=True)
    shutil.copy(frozen.__file__, root / "tests" / "frozen.py")
    (root / "plugins" / "go" / "main.go").write_text("package main\n")
    (tmp_path / "built.wasm").write_bytes(b"\0asm\1\0\0\0")
    for command in (["init", "-q"], ["add", "plugins"], ["commit", "-q", "-m", "sources"]):
        subprocess.run(["git", *command], cwd=root, check=True)
    return root


def add(checkout: Path, name: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "tests/frozen.py", name, "../built.wasm", "--language", "go", "--build", "go build"]
    command += ["--compiler", "go 1"]
    return subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False)


def test_the_command_records_what_was_built_from_what(checkout: Path) -> None:
    done = add(checkout, "some-go")
    assert (done.returncode, done.stdout) == (0, "tests/fixtures/frozen/v1/some-go.wasm: 8 bytes for 8\n"), done.stderr
    (made,) = frozen.all_frozen(checkout / "tests" / "fixtures" / "frozen" / "v1")
    assert made.code() == b"\0asm\1\0\0\0"
    head = kit.run(["git", "rev-parse", "HEAD"], checkout, os.environ).strip()
    assert made.record == {
        "language": "go",
        "sha256": "93a44bbb96c751218e4c00d479e4c14358122a389acca16205b1e4d0dc5f9476",
        "size": 8,
        "source": "plugins/go/semfora-plugin-template",
        "revision": head,
        "build": "go build",
        "compiler": "go 1",
        "abi": 1,
        "contract": 1,
    }


def test_the_command_refuses_sources_that_no_revision_has(checkout: Path) -> None:
    (checkout / "plugins" / "go" / "main.go").write_text("package other\n")
    done = add(checkout, "some-go")
    assert done.returncode == 1
    assert "plugins/go: commit first" in done.stderr
    assert frozen.all_frozen(checkout / "tests" / "fixtures" / "frozen" / "v1") == []


def test_the_command_refuses_names_that_are_paths(checkout: Path) -> None:
    assert add(checkout, "../some").returncode == 2
