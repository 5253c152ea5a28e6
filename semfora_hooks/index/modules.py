"""Module names: how files become the dotted names that imports speak of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

PACKAGE_FILES = ("__init__.py", "__init__.pyi")


def package_prefix(root: Path) -> str:
    """The dotted package that the root itself is inside of, when someone analyses a package's folder; else empty."""
    parts: list[str] = []
    folder = root
    while (folder / "__init__.py").is_file() and folder.name.isidentifier():
        parts.insert(0, folder.name)
        folder = folder.parent
    return ".".join(parts)


def source_roots(paths: Iterable[str], configured: Sequence[str]) -> tuple[str, ...]:
    """Folders that stand on the import path, longest first, each with a trailing `/`; the repository is always last.

    Where nothing is configured: `src` and `lib`, wherever a project keeps its packages in one (no `__init__.py` in it),
    and the root of every project of a monorepo (a folder with a `src` of its own).
    """
    if configured:
        roots = {root.strip("/").removeprefix("./") + "/" for root in configured if root.strip("/.")}
        return (*sorted(roots, key=lambda root: (-len(root), root)), "")
    found: set[str] = set()
    packages = {path.rpartition("/")[0] for path in paths if path.rpartition("/")[2] in PACKAGE_FILES}
    for path in paths:
        parts = path.split("/")[:-1]
        for index, part in enumerate(parts):
            if part in ("src", "lib"):
                folder = "/".join(parts[: index + 1])
                parent = "/".join(parts[:index])
                if folder not in packages and parent not in packages:
                    found.add(f"{folder}/")
                break
    return (*sorted(found, key=lambda root: (-len(root), root)), "")


def module_name(path: str, roots: Sequence[str], prefix: str = "") -> tuple[str, bool]:
    """The dotted name of a file, and whether it is a package's `__init__`."""
    inner, from_root = path, True
    for root in roots:
        if root and path.startswith(root):
            inner, from_root = path[len(root) :], False
            break
    stem = inner.rpartition(".")[0]
    parts = [part for part in stem.split("/") if part]
    is_package = bool(parts) and parts[-1] == "__init__"
    if is_package:
        parts.pop()
    if prefix and from_root:
        parts = [*prefix.split("."), *parts]
    return ".".join(parts) or (parts[0] if parts else "__init__"), is_package
