"""The library of rules that ship as recipes: YAML files that a repository copies, and makes its own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from semfora_hooks.config import nearest
from semfora_hooks.errors import UsageError
from semfora_hooks.providers.declarative import RULES_FOLDER
from semfora_hooks.providers.declarative.parsing import parse_file
from semfora_hooks.providers.declarative.rule import DeclarativeRule
from semfora_hooks.providers.declarative.starter import make_folder, write_new, write_schema

_FOLDER = files("semfora_hooks") / "recipes"
_SUFFIX = ".yaml"


@dataclass(frozen=True, slots=True)
class Recipe:
    """One recipe.

    Attributes:
        name: The rule's name, and its file's without the suffix.
        text: The file.
        rule: The rule in it.
    """

    name: str
    text: str
    rule: DeclarativeRule

    @property
    def summary(self) -> str:
        """The first sentence of its description."""
        return " ".join(self.rule.description.split()).partition(". ")[0].rstrip(".")


def recipe_names() -> list[str]:
    """The names of all recipes, sorted."""
    return sorted(item.name.removesuffix(_SUFFIX) for item in _FOLDER.iterdir() if item.name.endswith(_SUFFIX))


def load_recipes(names: Iterable[str] | None = None) -> list[Recipe]:
    """The recipes of these names, or all.

    Raises:
        UsageError: There are none of some of the names.
    """
    known = recipe_names()
    wanted = known if names is None else list(dict.fromkeys(names))
    unknown = [name for name in wanted if name not in known]
    if unknown:
        said = "; ".join(_unknown(name, known) for name in unknown)
        raise UsageError(said, hint="'semfora-hooks rules add --list' lists them all; nothing was written")
    return [_load(name) for name in wanted]


def _unknown(name: str, known: list[str]) -> str:
    shown = repr(name if len(name) <= 60 else f"{name[:59]}…")
    guess = nearest(name, known)
    others = [other for other in known if guess is None and name and (name in other or other in name)]
    near = f"did you mean '{guess}'?" if guess else f"these are near: {', '.join(others)}" if others else ""
    return f"there is no recipe {shown}" + (f" ({near})" if near else "")


def _load(name: str) -> Recipe:
    text = (_FOLDER / f"{name}{_SUFFIX}").read_text("utf-8")
    (rule,) = parse_file(f"{name}{_SUFFIX}", text.encode()).rules
    return Recipe(name, text, rule)


def write_recipes(root: Path, recipes: Iterable[Recipe]) -> list[Path]:
    """Copy recipes into a repository's rule folder, each to a file of its own, and the schema that editors want.

    Nothing is overwritten, and nothing is written at all if one of the files is there already.

    Returns:
        The files.

    Raises:
        UsageError: A file is there already, or a link leads out of the repository.
        OSError: A file cannot be written.
    """
    folder = root / RULES_FOLDER
    targets = [(folder / f"{recipe.name}{_SUFFIX}", recipe.text) for recipe in recipes]
    there = [path for path, _ in targets if path.exists() or path.is_symlink()]
    if there:
        raise _taken(root, there)
    make_folder(folder, root)
    write_schema(root)
    for path, text in targets:
        try:
            write_new(path, text)
        except FileExistsError:
            raise _taken(root, [path]) from None
    return [path for path, _ in targets]


def _taken(root: Path, paths: list[Path]) -> UsageError:
    names = ", ".join(path.relative_to(root).as_posix() for path in paths)
    verb = "are" if len(paths) > 1 else "is"
    return UsageError(f"{names} {verb} there already, and nothing is overwritten", hint="leave it out, or move it away")
