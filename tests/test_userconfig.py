"""The user's own configuration: where it is, and what is not believed."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import platformdirs
import pytest

from semfora_hooks.errors import ConfigError
from semfora_hooks.userconfig import UserConfig, load_user_config, user_config_path, user_folder


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SEMFORA_CONFIG_DIR", str(tmp_path))

    def call(content: str | bytes) -> Path:
        path = user_config_path()
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return call


def test_without_a_file_the_defaults_hold():
    config = load_user_config()
    assert config == UserConfig()
    wasm = config.plugins.wasm
    assert (wasm.enabled, wasm.locked, wasm.trust) == (True, False, "sandbox")
    assert (wasm.memory_ceiling_bytes, wasm.timeout_ceiling_seconds) == (512 << 20, 30.0)
    assert wasm.total_timeout_seconds == 60.0


def test_every_key(write):
    write(
        "[plugins.wasm]\nenabled = false\nlocked = true\ntrust = 'explicit'\n"
        "memory-ceiling = '64MiB'\ntimeout-ceiling = '2s'\ntotal-timeout = '1.5m'\n"
    )
    wasm = load_user_config().plugins.wasm
    assert (wasm.enabled, wasm.locked, wasm.trust) == (False, True, "explicit")
    assert (wasm.memory_ceiling_bytes, wasm.timeout_ceiling_seconds) == (64 << 20, 2.0)
    assert wasm.total_timeout_seconds == 90.0


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("[plugins.wasm]\nlocked = 'yes'\n", "'plugins.wasm.locked': Expected `bool`, got `str`"),
        ("select = ['all']\n", "unknown key 'select'"),
        ("[plugins.wams]\n", "did you mean 'wasm'?"),
        ("[plugins.wasm]\ntotal-timeout = 'long'\n", "'plugins.wasm.total-timeout': 'long' is not a duration"),
        (b"\xff\xfe", "not valid TOML"),
        ("x = " + "[" * 100_000, "not valid TOML"),
        (b"#" * ((1 << 20) + 1), "larger than 1 MiB"),
    ],
)
def test_what_is_wrong_is_named(write, content, says):
    path = write(content)
    with pytest.raises(ConfigError) as caught:
        load_user_config()
    assert str(caught.value).startswith(f"{path}: ")
    assert says in str(caught.value)


def test_a_file_that_everybody_can_change_is_not_believed(write):
    path = write("")
    path.chmod(0o646)
    with pytest.raises(ConfigError, match="every user can change it"):
        load_user_config()
    path.chmod(0o664)
    assert load_user_config() == UserConfig()


def test_a_file_of_another_user_is_not_believed(write, monkeypatch):
    owner = write("").stat().st_uid
    real = os.fstat

    def another(descriptor: int) -> os.stat_result:
        fields = list(real(descriptor))
        fields[4] = owner + 5
        return os.stat_result(fields)

    monkeypatch.setattr(os, "fstat", another)
    with pytest.raises(ConfigError, match="belongs to another user"):
        load_user_config()


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_what_is_no_file(write, make):
    path = write("")
    path.unlink()
    make(path)
    with pytest.raises(ConfigError, match=r"not a regular file|cannot be read"):
        load_user_config()


@pytest.mark.parametrize(
    "environment", [{"XDG_CONFIG_HOME": "/x/config"}, {"XDG_CONFIG_HOME": ""}, {"XDG_CONFIG_HOME": "relative"}]
)
def test_the_folder_is_the_platforms(monkeypatch, environment):
    monkeypatch.delenv("SEMFORA_CONFIG_DIR")
    monkeypatch.setenv("HOME", "/home/somebody")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    usual = platformdirs.user_config_dir("semfora-hooks", appauthor=False)
    if environment["XDG_CONFIG_HOME"] == "relative" and sys.platform == "linux":
        usual = "/home/somebody/.config/semfora-hooks"  # the specification: relative paths are to be ignored
    assert str(user_folder()) == usual
