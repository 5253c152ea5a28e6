"""The sources to measure on: Django or another package, several times over, as a git repository with one commit.

A copy has every name the package defines, and the package itself, followed by its number, wherever the name appears:
`django.db.models.Model` is `django_3.db.models.Model_3` in the third copy. So copies share no names and import only
themselves, and each has the shape of the original. The first copy is the original.

Run as a program of its own (`python corpus.py SOURCE TARGET COPIES`), which prints a plan of edits as JSON: to Linux,
the memory a process had when it started a program is part of that program's peak, so whoever measures has to stay
small.
"""

from __future__ import annotations

import ast
import builtins
import json
import keyword
import os
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

DJANGO = "django==5.2.*"
TYPICAL_SIZE = 9_000
"""Bytes of the files in an ordinary commit; performance.md's five typical files have 45 KB."""
STAGED = 5
ORM = ("db", "models")

_WORD = re.compile(r"[A-Za-z_]\w*")
_DEFINITION = re.compile(r"^[ \t]*(?:async[ \t]+def|def|class)[ \t]+([A-Za-z_]\w*)", re.MULTILINE)
_UNTOUCHED = frozenset({*dir(builtins), *keyword.kwlist, *keyword.softkwlist, *sys.stdlib_module_names, "self", "cls"})


def django(cache: Path) -> Path:
    """Django's package, from its wheel, downloaded once."""
    target = cache / "django"
    if not (target / "django" / "__init__.py").is_file():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as folder:
            command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary", ":all:"]
            subprocess.run([*command, "-d", folder, DJANGO], check=True)
            (wheel,) = Path(folder).glob("*.whl")
            unpacked = Path(folder) / "unpacked"
            with zipfile.ZipFile(wheel) as archive:
                archive.extractall(unpacked)
            unpacked.rename(target)
    return target / "django"


def defined_names(texts: Iterable[str]) -> set[str]:
    """What functions, classes and methods are called, without names that Python gives a meaning.

    Names of one or two letters stay as they are: they are also prefixes and escapes in strings.
    """
    names = {match.group(1) for text in texts for match in _DEFINITION.finditer(text)}
    names -= _UNTOUCHED
    return {name for name in names if len(name) > 2 and not (name.startswith("__") and name.endswith("__"))}


def split(text: str, names: set[str]) -> list[str]:
    """`text`, cut behind each mention of one of `names`; joined with a suffix, all of them are renamed."""
    pieces, start = [], 0
    for match in _WORD.finditer(text):
        if match.group() in names:
            pieces.append(text[start : match.end()])
            start = match.end()
    pieces.append(text[start:])
    return pieces


def write_copies(source: Path, target: Path, copies: int) -> tuple[int, int]:
    """Write the package `copies` times into `target`, and a README.

    Returns:
        Files and bytes of Python in it.
    """
    paths = sorted(path for path in source.rglob("*.py") if path.is_file() and not path.is_symlink())
    texts = {path.relative_to(source.parent).as_posix(): path.read_bytes().decode("utf-8", "replace") for path in paths}
    names = defined_names(texts.values()) | {source.name}
    # Names of modules are mentioned in imports, so files are renamed like everything else.
    split_files = [(split(path, names), split(text, names)) for path, text in texts.items()]
    size = 0
    for number in range(1, copies + 1):
        suffix = f"_{number}" if number > 1 else ""
        for path, text in split_files:
            file = target / suffix.join(path)
            file.parent.mkdir(parents=True, exist_ok=True)
            size += file.write_bytes(suffix.join(text).encode())
    (target / "README.md").write_text("# A repository to measure on\n", encoding="utf-8")
    return len(texts) * copies, size


def commit(folder: Path) -> None:
    """Make `folder` a repository whose one commit, packed, has everything in it."""
    git(folder, "init", "-q")
    for setting in ("user.name=Bench", "user.email=bench@example.invalid", "gc.auto=0", "core.autocrlf=false"):
        git(folder, "config", *setting.split("="))
    git(folder, "-c", "core.looseCompression=0", "add", "-A")
    git(folder, "commit", "-q", "--no-verify", "-m", "everything")
    # Deltas between so many similar files take minutes, and make no difference to reading a few of them.
    git(folder, "-c", "pack.window=0", "repack", "-a", "-d", "-q")


def git(folder: Path, *arguments: str) -> None:
    """Run git, as nobody's user."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    subprocess.run(["git", *arguments], cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)


def edits(root: Path, package: str) -> dict[str, list[dict[str, Any]]]:
    """Where an ordinary commit, and one to the largest ORM files, would change something.

    Returns:
        For `typical` and `largest`, files with the place of a statement in a function.
    """
    sizes = {path: path.stat().st_size for path in (root / package).rglob("*.py") if not path.is_symlink()}
    orm = root.joinpath(package, *ORM)
    by_size = sorted(sizes, key=lambda path: (-sizes[path], path))
    ordinary = sorted(sizes, key=lambda path: (abs(sizes[path] - TYPICAL_SIZE), path))
    return {
        "typical": list(_places(root, ordinary, one_a_folder=True)) or list(_places(root, ordinary)),
        "largest": list(_places(root, [path for path in by_size if path.is_relative_to(orm) or not orm.is_dir()])),
    }


def _places(root: Path, paths: list[Path], one_a_folder: bool = False) -> Iterator[dict[str, Any]]:
    """The first few of `paths` that have a function, with a place in it."""
    folders: set[Path] = set()
    found = 0
    for path in paths:
        if found == STAGED or (one_a_folder and path.parent in folders):
            continue
        raw = path.read_bytes()
        place = _place(raw)
        if place is not None:
            found += 1
            folders.add(path.parent)
            yield {"path": path.relative_to(root).as_posix(), "line": place[0], "indent": place[1], "bytes": len(raw)}


def _place(raw: bytes) -> tuple[int, int] | None:
    """Line (from 0) and indentation of the first statement behind the docstring of a function in the middle."""
    lines = raw.count(b"\n")
    best: tuple[int, int] | None = None
    for node in ast.walk(ast.parse(raw)):
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        body = node.body[1:] if ast.get_docstring(node, clean=False) is not None else node.body
        # A decorated statement starts above its line, and a one-line function has no line to insert.
        if not body or body[0].lineno == node.lineno or getattr(body[0], "decorator_list", None):
            continue
        place = (body[0].lineno - 1, body[0].col_offset)
        if best is None or abs(place[0] - lines // 2) < abs(best[0] - lines // 2):
            best = place
    return best


def main(source: str, target: str, copies: str) -> None:
    """Write the repository and print the plan."""
    root = Path(target)
    root.mkdir(parents=True)
    package = Path(source).resolve()
    files, size = write_copies(package, root, int(copies))
    commit(root)
    print(json.dumps({"files": files, "bytes": size, **edits(root, package.name)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
