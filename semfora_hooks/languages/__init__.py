"""Languages: which file is which, and its facts. Grammars load when the first file of their language is extracted."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from semfora_hooks.languages.spec import LanguageSpec

SUFFIXES = {".py": "python", ".pyi": "python"}
"""File endings and their languages; kept apart from the specs so that discovery loads none of them."""


def language_of(path: str) -> str | None:
    """The language of a file, by its name; `None` if it is not analysed."""
    dot = path.rfind(".")
    return SUFFIXES.get(path[dot:]) if dot > path.rfind("/") else None


@cache
def load_spec(language: str) -> LanguageSpec:
    """The spec of a language named in `SUFFIXES`."""
    loaded: LanguageSpec = import_module(f"{__name__}.{language}").SPEC
    return loaded
