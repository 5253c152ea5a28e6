"""Globs for names, modules and paths, each translated to one regular expression that matches in linear time.

A chunk between two stars is matched at the first place it fits and never tried again (an atomic group): chunks have a
fixed length, so the leftmost fit is always the best one, and `*a*a*a*b` costs no more than `*b`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePosixPath

_ANY = r"(?s:.)"
_IN_SEGMENT = "[^/]"
_SPECIAL = re.compile(r"\[!?.[^\]]*\]|[*?/]", re.DOTALL)
_NOT_A_GLOB = frozenset("\\^+|(){}")


class BadGlobError(ValueError):
    """The text is not a glob; `offset` is where it goes wrong."""

    def __init__(self, message: str, offset: int = 0) -> None:
        super().__init__(message)
        self.offset = offset


@dataclass(frozen=True)
class Glob:
    """A glob with the expression it stands for. Two that mean the same are equal, however they are written.

    Attributes:
        text: The glob as written.
        pattern: The regular expression that matches all of what the glob matches.
        needle: A text that is somewhere in everything the glob fits; the longest that is easy to see.
        dotted: Whether the glob speaks of a qualified name.
    """

    text: str = field(compare=False)
    pattern: str
    needle: str = field(compare=False)
    dotted: bool = False

    @cached_property
    def regex(self) -> re.Pattern[str]:
        """The pattern, compiled when it is first needed: compiling takes as long as reading the rest of a rule."""
        return re.compile(self.pattern)

    def matches(self, value: str) -> bool:
        """Whether the glob fits all of `value`."""
        return self.regex.match(value) is not None


class NameGlob(Glob):
    """A glob on names: `load`, `handle_*`, `db.*`."""

    def matches(self, value: str) -> bool:
        """Whether it fits the qualified name `value`, or the bare name at its end."""
        if self.needle == self.text and not self.dotted:  # just a name
            return value == self.text or value.endswith(f".{self.text}")
        return self.regex.match(value) is not None or self.regex.match(value.rpartition(".")[2]) is not None


class PathGlob(Glob):
    """A glob on a file's path; the others are globs on dotted names."""


def name_glob(text: str) -> NameGlob:
    """A glob on symbol names. One with dots also fits the end of a longer name: `db.run` fits `app.db.run`."""
    body = _body(text)
    dotted = "." in text
    return NameGlob(text, rf"(?:{_ANY}*\.)?{body}\Z" if dotted else rf"{body}\Z", _needle(text), dotted)


def module_glob(text: str) -> Glob:
    """A glob on dotted modules, in which stars cross dots; with a slash in it, a glob on paths."""
    return path_glob(text) if "/" in text else Glob(text, rf"{_body(text)}\Z", _needle(text), dotted="." in text)


def import_glob(text: str) -> Glob:
    """A glob on imported modules; a package's name stands for everything below it too."""
    return Glob(text, rf"{_body(text)}(?:\.{_ANY}*)?\Z", _needle(text))


def type_glob(text: str) -> Glob:
    """A glob on written types: only `*` is special (`list[*]`), and spaces do not count."""
    squeezed = "".join(text.split())
    if not squeezed:
        raise BadGlobError("it is empty")
    pattern = _join([None if c == "*" else re.escape(c) for c in squeezed], _ANY) + r"\Z"
    return Glob(text, pattern, max(squeezed.split("*"), key=len))


def path_glob(text: str) -> PathGlob:
    """A glob on paths below the repository: `*` stays within a folder, `**` stands for any number of folders.

    Without a slash it is about the file's name, wherever it stands. A slash at the end means everything below.
    """
    for offset, character in enumerate(text):
        if character in "\\{}":
            hint = "use '/' between folders" if character == "\\" else "write a list instead"
            raise BadGlobError(f"'{character}' has no meaning in a path glob; {hint}", offset)
    pattern = text.removeprefix("./").removeprefix("/")
    start = len(text) - len(pattern)
    if not pattern:
        raise BadGlobError("it is empty")
    if pattern.endswith("/"):
        pattern += "**"
    if "/" not in text:
        pattern, start = f"**/{pattern}", start - len("**/")
    return PathGlob(text, _path_regex(pattern.split("/"), start), _needle(pattern))


def dotted_path(file: str) -> str:
    """`src/api/loader.py` as `src.api.loader`; a package's `__init__.py` as the package."""
    path = PurePosixPath(file)
    parts = [*path.parts[:-1], path.stem]
    if parts[-1] == "__init__" and len(parts) > 1:
        parts.pop()
    return ".".join(parts)


def _needle(text: str) -> str:
    return max(_SPECIAL.split(text), key=len)


def _body(text: str) -> str:
    if not text:
        raise BadGlobError("it is empty")
    for offset, character in enumerate(text):
        if character in _NOT_A_GLOB or character.isspace():
            raise BadGlobError(f"{character!r} has no meaning in a glob, which is not a regular expression", offset)
    return _join(list(_tokens(text, _ANY)), _ANY)


def _path_regex(segments: list[str], offset: int) -> str:
    """One expression for the runs of segments between `**`s; the leftmost fit of a run is always good enough."""
    runs: list[list[str]] = [[]]
    for segment in segments:
        if segment == "**":
            if runs[-1] or len(runs) == 1:
                runs.append([])
        elif not segment or segment == "..":
            raise BadGlobError("a folder's name is empty" if not segment else "'..' leaves the repository", offset)
        elif "**" in segment:
            raise BadGlobError("'**' must stand alone between slashes", offset + segment.index("**"))
        else:
            runs[-1].append(_join(list(_tokens(segment, _IN_SEGMENT, offset)), _IN_SEGMENT))
        offset += len(segment) + 1
    first, *rest = ["/".join(run) for run in runs]
    if not rest:
        return rf"{first}\Z"
    *middle, last = rest
    expression = f"{first}/" if first else ""
    expression += "".join(f"(?>(?:[^/]++/)*?{run}/)" for run in middle)
    return expression + (rf"(?:[^/]++/)*{last}\Z" if last else rf"{_ANY}+\Z")


def _tokens(text: str, any_character: str, offset: int = 0) -> Iterator[str | None]:
    """Expressions that match one character each, and `None` for a star."""
    position = 0
    while position < len(text):
        character = text[position]
        if character == "[":
            end = text.find("]", position + (3 if text.startswith("[!", position) else 2))
            if end < 0:
                raise BadGlobError("'[' is never closed", offset + position)
            yield _character_class(text[position + 1 : end], any_character, offset + position)
            position = end
        elif character == "*":
            yield None
        else:
            yield any_character if character == "?" else re.escape(character)
        position += 1


def _character_class(content: str, any_character: str, offset: int) -> str:
    """`a-z_` or `!0-9`, what stands between brackets, as an expression."""
    negated = content.startswith("!")
    content = content[1:] if negated else content
    parts: list[str] = []
    position = 0
    while position < len(content):
        low = content[position]
        if content[position + 1 : position + 2] == "-" and position + 2 < len(content):
            high = content[position + 2]
            if low > high:
                raise BadGlobError(f"the range '{low}-{high}' runs backwards", offset)
            parts.append(f"{re.escape(low)}-{re.escape(high)}")
            position += 3
        else:
            parts.append(re.escape(low))
            position += 1
    if negated:
        return f"[^{''.join(parts)}{'/' if any_character == _IN_SEGMENT else ''}]"
    return f"[{''.join(parts)}]"


def _join(tokens: list[str | None], any_character: str) -> str:
    """One expression from the tokens of a glob."""
    chunks: list[str] = [""]
    for token, following in zip(tokens, [*tokens[1:], ""], strict=True):
        if token is not None:
            chunks[-1] += token
        elif following is not None:
            chunks.append("")
    if len(chunks) == 1:
        return chunks[0]
    middle = "".join(f"(?>{any_character}*?{chunk})" for chunk in chunks[1:-1])
    return f"{chunks[0]}{middle}{any_character}*{chunks[-1]}"
