"""Which rule files a command of `rules` is about, read with everything that is wrong in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from semfora_hooks.config import Config
from semfora_hooks.errors import RuleFileError
from semfora_hooks.providers.declarative import RULES_FOLDER
from semfora_hooks.providers.declarative.document import Place, located_error
from semfora_hooks.providers.declarative.loading import load_file, rule_files
from semfora_hooks.providers.declarative.rule import DeclarativeRule
from semfora_hooks.rules import load_builtin


@dataclass(slots=True)
class RuleFiles:
    """Some rule files, read.

    Attributes:
        rules: The rules that are fit to run, in the files' order.
        errors: What is wrong with the others.
        files: How many files were read.
        broken: How many of them have an error.
    """

    rules: list[DeclarativeRule] = field(default_factory=list)
    errors: list[RuleFileError] = field(default_factory=list)
    files: int = 0
    broken: int = 0

    def add(self, rules: Sequence[DeclarativeRule], errors: Sequence[RuleFileError]) -> None:
        """Count in one file."""
        self.rules += rules
        self.errors += errors
        self.files += 1
        self.broken += bool(errors)


def read_rules(root: Path, paths: Sequence[Path] = ()) -> RuleFiles:
    """The rules of a repository; with `paths`, those of these files and folders, wherever they are.

    A file of the repository's rule folder is read together with all others there, so that a name that is taken is seen.
    """
    folder = root / RULES_FOLDER
    folder_errors: list[RuleFileError] = []
    own = list(rule_files(folder, root, folder_errors)) if folder.exists() or folder.is_symlink() else []
    reader = _Reader(root)
    read = {path.resolve(): reader.read(path, path.relative_to(root).as_posix()) for path in own}
    found = RuleFiles()
    if not paths:
        _add_errors(found, folder_errors)
        for rules, errors in read.values():
            found.add(rules, errors)
        return found
    reader, seen = _Reader(root), set[Path]()
    for given in paths:
        path = given.resolve()
        if not path.is_dir():
            files = [path]
        elif path.is_relative_to(folder.resolve()) or folder.resolve().is_relative_to(path):
            files = [file for file in read if file.is_relative_to(path)]
            _add_errors(found, folder_errors)
            folder_errors = []
        else:
            problems: list[RuleFileError] = []
            files = list(rule_files(path, path, problems))
            _add_errors(found, problems)
        for file in files:
            if file not in seen:
                seen.add(file)
                found.add(*(read[file] if file in read else reader.read(file, _name(file, root))))
    return found


def _add_errors(found: RuleFiles, errors: Sequence[RuleFileError]) -> None:
    found.errors += errors
    found.broken += len(errors)


class _Reader:
    """Reads files whose rules share one space of names among them and with the rules that ship."""

    def __init__(self, root: Path) -> None:
        self._taken: dict[str, tuple[str, Place]] = {}
        self._builtin = frozenset(rule.id for rule in load_builtin(Config(root=str(root))).rules)

    def read(self, path: Path, name: str) -> tuple[list[DeclarativeRule], list[RuleFileError]]:
        """The rules of a file, and what is wrong in it; `name` is what messages call it."""
        parsed = load_file(path, name, self._taken)
        errors = list(parsed.errors)
        for rule in parsed.rules:
            if rule.id in self._builtin:
                errors.append(
                    located_error(
                        name,
                        rule.place,
                        f"duplicate rule name '{rule.id}'; a rule that ships has it",
                        hint="rename this one",
                        line=path.read_text("utf-8-sig").splitlines()[rule.place.line - 1],
                    )
                )
        return [rule for rule in parsed.rules if rule.id not in self._builtin], errors


def _name(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
