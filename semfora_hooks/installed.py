"""The installed entry points of a group, found without `importlib.metadata`, whose import alone takes 20 ms.

It looks where `importlib.metadata` looks and takes what that takes: every folder of `sys.path`, and of each
distribution the first one of its name. It opens one small file a distribution and parses those that mention the group,
which is a millisecond for a hundred distributions: cheap enough to do each time, so that there is no cache that could
be stale. Where distributions may come from elsewhere (a zip file, a finder of its own) it asks `importlib.metadata`.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.machinery import PathFinder
from typing import Any

UNKNOWN = ("unknown", "?")
"""Name and version of a distribution that does not tell them."""

_ABSENT = (FileNotFoundError, NotADirectoryError, IsADirectoryError, PermissionError)  # as importlib.metadata sees it


class InstalledPoint:
    """An entry point.

    Attributes:
        name: Its name.
        value: What it names: `module` or `module:attribute`.
        distribution: The name of the distribution that brings it, in lower case and with `-`.
        version: The version of that distribution.
    """

    __slots__ = ("distribution", "name", "value", "version")

    def __init__(self, name: str, value: str, distribution: str, version: str) -> None:
        self.name = name
        self.value = value
        self.distribution = distribution
        self.version = version

    def load(self) -> object:
        """Import what it names."""
        module, _, attributes = self.value.partition("[")[0].partition(":")  # what is in brackets has no meaning now
        loaded: object = import_module(module.strip())
        for attribute in filter(None, attributes.strip().split(".")):
            loaded = getattr(loaded, attribute)
        return loaded


def installed_points(group: str, failed: Callable[[str, Exception], object]) -> list[InstalledPoint]:
    """The installed entry points of `group`.

    Args:
        group: A section of `entry_points.txt`.
        failed: Called with the place of each distribution whose entry points cannot be read, and why; such a
            distribution costs only its own.
    """
    if not _only_folders():
        return _as_importlib_finds_them(group, failed)
    found: list[InstalledPoint] = []
    seen: set[str] = set()
    for name, folder in _distributions():
        if name in seen:
            continue
        seen.add(name)
        try:
            found.extend(_points(folder, group))
        except Exception as error:  # noqa: BLE001
            failed(folder, error)
    return found


def _only_folders() -> bool:
    """Whether all distributions are in folders of `sys.path`."""
    if any(finder is not PathFinder and hasattr(finder, "find_distributions") for finder in sys.meta_path):
        return False
    return all(isinstance(entry, str) and not os.path.isfile(entry) for entry in sys.path)


def _distributions() -> Iterator[tuple[str, str]]:
    """The normalised name and the metadata folder of each distribution, in the order of `sys.path`."""
    for entry in sys.path:
        try:
            children = os.listdir(entry or ".")
        except OSError:
            continue
        is_egg = entry.lower().endswith(".egg")
        for child in children:
            stem, dot, kind = child.lower().rpartition(".")
            if kind not in ("dist-info", "egg-info"):
                continue
            if not dot:  # EGG-INFO
                if not is_egg:
                    continue
                stem = os.path.basename(entry).lower().removesuffix(".egg")
            yield re.sub(r"[-_.]+", "_", stem.partition("-")[0]), os.path.join(entry, child)


def _points(folder: str, group: str) -> Iterator[InstalledPoint]:
    """The entry points of `group` that one distribution's metadata folder lists."""
    data = _read(os.path.join(folder, "entry_points.txt"))
    if data is None or group.encode() not in data:
        return
    lines = [line.strip() for line in data.decode().splitlines()]
    section = ""
    distribution: tuple[str, str] | None = None
    for line in lines:
        if not line or line.startswith("#"):
            continue
        if line.startswith("[") and line.endswith("]"):
            section = line.strip("[]")
        elif section == group:
            name, equals, value = line.partition("=")
            if not equals:
                raise ValueError(f"entry_points.txt has the line {line!r}, without a '='")
            distribution = distribution or _identity(folder)
            yield InstalledPoint(name.strip(), value.strip(), *distribution)


def _identity(folder: str) -> tuple[str, str]:
    """Name and version of a distribution, out of its metadata."""
    data = _read(os.path.join(folder, "METADATA"))
    if data is None:
        data = _read(os.path.join(folder, "PKG-INFO"))
    headers: dict[str, str] = {}
    for line in (data or b"").decode("utf-8", "replace").splitlines():
        if not line.strip():
            break
        key, _, value = line.partition(":")
        headers.setdefault(key.lower(), value.strip())
    return _named(headers.get("name"), headers.get("version"))


def _named(name: str | None, version: str | None) -> tuple[str, str]:
    if not name:
        return UNKNOWN
    return name.lower().replace("_", "-"), version or "?"


def _read(path: str) -> bytes | None:
    """A file's content; `None` where there is no such file."""
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except _ABSENT:
        return None


def _as_importlib_finds_them(group: str, failed: Callable[[str, Exception], object]) -> list[InstalledPoint]:
    """The same by `importlib.metadata`, distribution by distribution."""
    from importlib.metadata import distributions

    found: list[InstalledPoint] = []
    seen: set[str] = set()
    for distribution in distributions():
        place = str(getattr(distribution, "_path", None) or "a distribution")
        try:
            key = str(getattr(distribution, "_normalized_name", None) or place)
            if key in seen:
                continue
            seen.add(key)
            points = [point for point in distribution.entry_points if point.group == group]
            if not points:
                continue
        except Exception as error:  # noqa: BLE001
            failed(place, error)
            continue
        identity = _told_by(distribution)
        found.extend(InstalledPoint(point.name, point.value, *identity) for point in points)
    return found


def _told_by(distribution: Any) -> tuple[str, str]:
    try:
        metadata = distribution.metadata
        return _named(metadata.get("Name"), metadata.get("Version"))
    except Exception:  # noqa: BLE001  a distribution without metadata, or with broken one
        return UNKNOWN
