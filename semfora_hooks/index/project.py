"""What a project says about itself: whether others import it, and which of its functions installers call."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from semfora_hooks.config import Config, parse_toml
from semfora_hooks.index.entry_points import OutsideCallers
from semfora_hooks.index.modules import package_prefix

_MAX_BYTES = 1 << 20


class Project(msgspec.Struct, frozen=True):
    """Facts about the project as a whole.

    Attributes:
        is_library: It is packaged for others to import, so what is public may be used elsewhere.
        entry_points: `module:name` of functions that installers or plugin hosts call.
        prefix: The dotted package the root is inside of; see `modules.package_prefix`.
    """

    is_library: bool
    entry_points: tuple[str, ...]
    prefix: str


def read_project(root: Path) -> Project:
    """Read packaging metadata, as data: nothing is imported or executed."""
    prefix = package_prefix(root)
    table = _read_toml(root / "pyproject.toml")
    project = _table(table, "project")
    found: list[str] = []
    for name in ("scripts", "gui-scripts"):
        found.extend(_targets(_table(project, name)))
    for group in _table(project, "entry-points").values():
        found.extend(_targets(group if isinstance(group, dict) else {}))
    poetry = _table(_table(table, "tool"), "poetry")
    found.extend(_targets(_table(poetry, "scripts")))
    is_library = bool(
        prefix
        or "site-packages" in root.parts
        or "dist-packages" in root.parts
        or "build-system" in table
        or (root / "setup.py").is_file()
        or (root / "setup.cfg").is_file()
        or any(root.glob("*.dist-info"))
    )
    return Project(is_library, tuple(sorted(set(found))), prefix)


def outside_callers(config: Config, project: Project) -> OutsideCallers:
    """What the configuration and the packaging metadata say of callers outside."""
    return OutsideCallers((*config.entry_points, *project.entry_points), config.frameworks)


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        if not path.is_file() or path.stat().st_size > _MAX_BYTES:
            return {}
        return parse_toml(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}  # configuration that matters to us is checked in `config`


def _table(parent: dict[str, Any], key: str) -> dict[str, Any]:
    value = parent.get(key)
    return value if isinstance(value, dict) else {}


def _targets(table: dict[str, Any]) -> list[str]:
    return [value.partition("[")[0].strip() for value in table.values() if isinstance(value, str)]
