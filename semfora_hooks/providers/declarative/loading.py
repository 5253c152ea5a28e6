"""Finds the rule files below a folder, reads them within limits, and puts their rules together."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from semfora_hooks.config import MEBIBYTE
from semfora_hooks.errors import RuleFileError
from semfora_hooks.hookspecs import Loaded, Rule
from semfora_hooks.providers.declarative.document import Place, located_error
from semfora_hooks.providers.declarative.parsing import ParsedFile, parse_file

MAX_FILE_SIZE = MEBIBYTE
SUFFIXES = (".yaml", ".yml")

_START = Place(1, 1)


def load_folder(folder: Path, root: Path) -> Loaded:
    """The rules of every file below `folder`, in the files' order, with all errors of all files."""
    rules: list[Rule] = []
    errors: list[RuleFileError] = []
    taken: dict[str, tuple[str, Place]] = {}
    for path in rule_files(folder, root, errors):
        loaded = load_file(path, path.relative_to(root).as_posix(), taken)
        rules += loaded.rules
        errors += loaded.errors
    return Loaded(rules=rules, errors=errors)


def load_file(path: Path, name: str, taken: dict[str, tuple[str, Place]]) -> ParsedFile:
    """The rules of one file, which messages call `name`, and its errors; for `taken` see `parse_file`."""
    try:
        data = _read(path, name)
    except RuleFileError as error:
        return ParsedFile([], [error])
    parsed = parse_file(name, data, taken)
    digest = hashlib.sha256(data).hexdigest()
    for rule in parsed.rules:
        rule.source = digest
    return parsed


def rule_files(folder: Path, root: Path, errors: list[RuleFileError]) -> Iterator[Path]:
    """Rule files in sorted order. Hidden ones are left out: editors put their own there."""
    real_root = root.resolve()
    seen: set[Path] = set()

    def walk(path: Path) -> Iterator[Path]:
        name = path.relative_to(root).as_posix()
        try:
            real = path.resolve(strict=True)
            if not real.is_relative_to(real_root):
                errors.append(located_error(name, _START, "a symbolic link that leaves the repository is not followed"))
            elif not real.is_dir():
                if path == folder:
                    errors.append(located_error(name, _START, "expected a folder of rule files"))
                else:
                    yield path
            elif real not in seen:
                seen.add(real)
                children = sorted(path.iterdir(), key=lambda child: child.name)
                for child in children:
                    if not child.name.startswith(".") and (child.suffix.lower() in SUFFIXES or child.is_dir()):
                        yield from walk(child)
        except (OSError, RuntimeError) as error:
            reason = getattr(error, "strerror", None) or "a symbolic link that leads to itself"
            errors.append(located_error(name, _START, f"cannot be read: {reason}"))

    yield from walk(folder)


def _read(path: Path, name: str) -> bytes:
    """A file's content.

    Raises:
        RuleFileError: It is no regular file, too large, or cannot be read.
    """
    try:
        # Without blocking: opening a named pipe would wait for a writer.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise located_error(name, _START, "not a regular file")
            data = file.read(MAX_FILE_SIZE + 1)
    except OSError as error:
        raise located_error(name, _START, f"cannot be read: {error.strerror}") from None
    if len(data) > MAX_FILE_SIZE:
        raise located_error(name, _START, "larger than 1 MiB; refusing to read it as rules", hint="split the file")
    return data
