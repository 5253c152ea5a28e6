"""Which rule files a command of `rules` is about, read with everything that is wrong in them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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
    problems: list[RuleFileError] = []
    own = list(rule_files(folder, root, problems)) if folder.exists() or folder.is_symlink() else []
    reader = _Reader(root)
    read = {path: reader.read(path, path.relative_to(root).as_posix()) for path in own}
    found = RuleFiles()
    reader = _Reader(root)
    for path in _files(paths, folder, own, problems) if paths else read:
        found.add(*(read[path] if path in read else reader.read(path, _name(path, root))))
    found.errors += problems
    found.broken += len(problems)
    return found


def _files(paths: Sequence[Path], folder: Path, own: Sequence[Path], problems: list[RuleFileError]) -> Iterable[Path]:
    """The files that paths of the command line mean, each once.

    Args:
        paths: Files and folders, which may stand anywhere.
        folder: The rule folder.
        own: The files in it.
        problems: What is wrong with the rule folder, which stays if the paths are about it; others' are added.
    """
    found: dict[Path, None] = {}
    at_folder = list(problems)
    problems.clear()
    home = folder.resolve()
    for path in (given.resolve() for given in paths):
        inside = [file for file in own if file.resolve().is_relative_to(path)]
        if not path.is_dir():
            found.update(dict.fromkeys(inside or [path]))
        elif path.is_relative_to(home) or home.is_relative_to(path):
            found.update(dict.fromkeys(inside))
            problems += at_folder
            at_folder = []
        else:
            found.update(dict.fromkeys(rule_files(path, path, problems)))
    return found


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
