"""The user's own configuration: what no repository can change. One file in the user's configuration folder.

Read only where it matters: by the WASM provider, once a repository has plugins.
"""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path
from typing import Any, Literal

import msgspec

from semfora_hooks.config import (
    MEBIBYTE,
    MEMORY_CEILING,
    TIMEOUT_CEILING,
    TOTAL_TIMEOUT,
    check_quantities,
    convert_table,
    parse_duration,
    parse_size,
    parse_toml,
)
from semfora_hooks.errors import ConfigError

FILE_NAME = "config.toml"

Trust = Literal["sandbox", "explicit"]


class UserWasmSettings(msgspec.Struct, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """`[plugins.wasm]` of the user's file.

    Attributes:
        enabled: Whether any repository's plugins run.
        locked: Every repository with plugins must have a lock, as with `--locked`.
        trust: `sandbox`: plugins run, since the sandbox is what protects. `explicit`: only those whose content this
            user has trusted with `plugin trust`.
        memory_ceiling: The most memory one evaluation gets, whatever a repository says.
        timeout_ceiling: The same for its time.
        total_timeout: The time that all plugins of a run have together, compiling included.
    """

    enabled: bool = True
    locked: bool = False
    trust: Trust = "sandbox"
    memory_ceiling: str = MEMORY_CEILING
    timeout_ceiling: str = TIMEOUT_CEILING
    total_timeout: str = TOTAL_TIMEOUT

    @property
    def memory_ceiling_bytes(self) -> int:
        """The ceiling in bytes."""
        return parse_size(self.memory_ceiling)

    @property
    def timeout_ceiling_seconds(self) -> float:
        """The ceiling in seconds."""
        return parse_duration(self.timeout_ceiling)

    @property
    def total_timeout_seconds(self) -> float:
        """The time of all plugins of a run in seconds."""
        return parse_duration(self.total_timeout)


class UserPluginSettings(msgspec.Struct, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """`[plugins]` of the user's file."""

    wasm: UserWasmSettings = UserWasmSettings()


class UserConfig(msgspec.Struct, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """The whole file."""

    plugins: UserPluginSettings = UserPluginSettings()


def user_folder() -> Path:
    """The folder of the user's configuration and trust; `SEMFORA_CONFIG_DIR` overrides the platform's choice."""
    override = os.environ.get("SEMFORA_CONFIG_DIR")
    if override:
        return Path(override).absolute()
    if sys.platform == "linux" and "ANDROID_ROOT" not in os.environ:
        # What platformdirs says, without its import, for which every hook in a repository with plugins would wait.
        for variable, below in (("XDG_CONFIG_HOME", ""), ("HOME", ".config")):
            folder = os.environ.get(variable, "")
            if folder.startswith("/"):
                return Path(folder, below, "semfora-hooks")
    import platformdirs

    return Path(platformdirs.user_config_dir("semfora-hooks", appauthor=False)).absolute()


def user_config_path() -> Path:
    """The user's configuration file, there or not."""
    return user_folder() / FILE_NAME


def load_user_config() -> UserConfig:
    """The user's own configuration; the defaults where there is none.

    Raises:
        ConfigError: The file cannot be read, can be changed by other users, or has unknown keys, wrong types or
            impossible values.
    """
    path = user_config_path()
    try:
        table = _read(path)
    except FileNotFoundError:
        return UserConfig()
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror or error}") from None
    config = convert_table(table, UserConfig, prefix="", source=str(path))
    wasm = config.plugins.wasm
    check_quantities(str(path), parse_size, {"plugins.wasm.memory-ceiling": wasm.memory_ceiling})
    check_quantities(str(path), parse_duration, {"plugins.wasm.timeout-ceiling": wasm.timeout_ceiling})
    check_quantities(str(path), parse_duration, {"plugins.wasm.total-timeout": wasm.total_timeout})
    return config


def _read(path: Path) -> dict[str, Any]:
    # O_NONBLOCK: a fifo must not block us.
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
    with os.fdopen(descriptor, "rb") as stream:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise ConfigError(f"{path}: not a regular file")
        if hasattr(os, "getuid"):
            if status.st_uid not in (0, os.getuid()):
                raise ConfigError(f"{path}: belongs to another user, who could change it", hint="make it your own file")
            if status.st_mode & stat.S_IWOTH:
                raise ConfigError(f"{path}: every user can change it", hint=f"chmod o-w {path}")
        data = stream.read(MEBIBYTE + 1)
    if len(data) > MEBIBYTE:
        raise ConfigError(f"{path}: larger than 1 MiB; refusing to read it as configuration")
    try:
        return parse_toml(data.decode())
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from None
