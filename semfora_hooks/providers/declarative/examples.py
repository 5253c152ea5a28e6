"""A rule's own tests: code on which it must fire, and code on which it must stay silent."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from semfora_hooks.hookspecs import Example
from semfora_hooks.providers.declarative.document import Node, Place, Source, entries, expect, shorten
from semfora_hooks.providers.declarative.globs import Glob, PathGlob, dotted_path
from semfora_hooks.providers.declarative.logic import All, Leaf
from semfora_hooks.providers.declarative.predicates import Placed
from semfora_hooks.providers.declarative.values import TEXT, ValueType, read_flag, read_text

EXTENSIONS: Mapping[str, str] = {
    "python": ".py",
    "javascript": ".js",
    "typescript": ".ts",
    "go": ".go",
    "rust": ".rs",
    "java": ".java",
    "c": ".c",
    "cpp": ".cpp",
    "csharp": ".cs",
    "ruby": ".rb",
    "php": ".php",
    "kotlin": ".kt",
    "swift": ".swift",
    "bash": ".sh",
}
"""Language to the extension an example's file gets where no path is given."""

_VERDICTS = ("fires", "silent")
_OUTSIDE = re.compile(r"/|.*\\|(.*/)?\.\.?(/|\Z)|.*/\Z|.*//")


@dataclass(frozen=True, slots=True)
class RawExample:
    """An example as written: `code` where no path is given, else `files`. `place` is where it says its verdict."""

    place: Place
    fires: bool
    code: str | None
    files: Mapping[str, str]
    language: str
    note: str


def _read_code(source: Source, node: Node, what: str) -> str | bool | None:
    is_flag = node.kind == "scalar" and node.tag == "bool"
    return read_flag(source, node, what) if is_flag else read_text(source, node, what)


def _read_path(source: Source, node: Node, what: str) -> str | None:
    path = read_text(source, node, what)
    if path is not None and _OUTSIDE.match(path):
        source.problem(
            node.place, f"{what}: {shorten(path)} is not a file below the repository, such as 'src/example.py'"
        )
        return None
    return path


def _read_files(source: Source, node: Node, what: str) -> Mapping[str, str] | None:
    before = source.problems
    table = entries(source, node, what)
    if table is None:
        return None
    if not node.pairs:
        source.problem(node.place, f"{what}: no file")
    files: dict[str, str] = {}
    for key, value in table.values():
        path = _read_path(source, key, what)
        # An empty file is a fine part of an example.
        if path is not None and expect(source, value, "scalar", what):
            files[path] = "" if value.tag == "null" else value.text
    return files if source.problems == before else None


_CODE_SCHEMA = {"anyOf": [TEXT.schema, {"const": True}]}
EXAMPLE_FIELDS: Mapping[str, tuple[ValueType, str]] = {
    "language": (TEXT, "The code's language; `python` where left out."),
    "fires": (ValueType(_CODE_SCHEMA, _read_code), "Code with at least one finding; `true` where `files` has it."),
    "silent": (ValueType(_CODE_SCHEMA, _read_code), "Code without a finding; `true` where `files` has it."),
    "path": (ValueType(TEXT.schema, _read_path), "The file the code stands in."),
    "files": (
        ValueType(
            {"type": "object", "additionalProperties": {"type": ["string", "null"]}, "minProperties": 1}, _read_files
        ),
        "Several files: path to code.",
    ),
    "note": (TEXT, "What the example shows, in a few words."),
}
"""The keys of one example, each with its type and a line of help."""

EXAMPLE_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {name: {"description": text, **kind.schema} for name, (kind, text) in EXAMPLE_FIELDS.items()},
    "anyOf": [{"required": ["fires"]}, {"required": ["silent"]}],
}


def read_examples(source: Source, node: Node, what: str) -> list[RawExample] | None:
    """The examples of a list; `None` once a problem is recorded."""
    before = source.problems
    if not expect(source, node, "list", what):
        return None
    found = [example for item in node.items for example in _read_example(source, item)]
    return found if source.problems == before else None


def _read_example(source: Source, node: Node) -> list[RawExample]:
    """One mapping; with both `fires` and `silent` it is two examples."""
    table = entries(source, node, "an example")
    if table is None:
        return []
    values: dict[str, Any] = {}
    before = source.problems
    for name, (key, value) in table.items():
        if name in EXAMPLE_FIELDS:
            values[name] = EXAMPLE_FIELDS[name][0].read(source, value, f"'{name}'")
        else:
            source.problem(
                key.place, f"unknown key {shorten(name)} in an example", key=name, valid=list(EXAMPLE_FIELDS)
            )
    if source.problems > before:
        return []
    problem = _verdict_problem(values)
    if problem is not None:
        source.problem(node.place, problem)
        return []
    path, files = values.get("path"), values.get("files", {})
    return [
        RawExample(
            table[name][0].place,
            name == "fires",
            None if files or path else values[name],
            files or ({path: values[name]} if path else {}),
            _language(values),
            values.get("note", ""),
        )
        for name in _VERDICTS
        if name in values
    ]


def _verdict_problem(values: Mapping[str, Any]) -> str | None:
    """What is wrong with the keys of an example taken together."""
    said = [name for name in _VERDICTS if name in values]
    if not said:
        return "an example needs 'fires' or 'silent'"
    if "files" in values:
        if len(said) == 2 or values[said[0]] is not True or "path" in values:
            return "an example with 'files' needs just 'fires: true' or 'silent: true' beside them"
        return None
    if any(isinstance(values[name], bool) for name in said):
        return f"an example needs code behind '{said[0]}', or 'files'"
    if "path" not in values and _language(values) not in EXTENSIONS:
        return f"an example in {shorten(_language(values))} needs a 'path'"
    return None


def _language(values: Mapping[str, Any]) -> str:
    language: str = values.get("language", "python")
    return language.lower()


def to_examples(raw: list[RawExample], condition: All) -> tuple[Example, ...]:
    """Host examples. Code without a path gets one that the rule's `module` and `file` keys accept."""
    return tuple(
        Example(
            fires=example.fires,
            files=example.files if example.code is None else {_path_for(condition, example.language): example.code},
            note=example.note,
        )
        for example in raw
    )


def _path_for(condition: All, language: str) -> str:
    """A file name on which the rule looks, as far as a simple guess finds one; else `example.py`."""
    extension = EXTENSIONS[language]
    default = f"example{extension}"
    placed = [
        leaf.predicate for leaf in condition.parts if isinstance(leaf, Leaf) and isinstance(leaf.predicate, Placed)
    ]
    candidates = [default, *(_instance(glob, extension) for where in placed for glob in where.globs)]
    fitting = (path for path in candidates if all(any(_fits(glob, path) for glob in where.globs) for where in placed))
    return next(fitting, default)


def _instance(glob: Glob, extension: str) -> str:
    """A path that the glob probably fits."""
    text = re.sub(r"\[(!?)(.).*?\]", lambda m: "x" if m[1] else m[2], glob.text)
    if isinstance(glob, PathGlob):
        text = text.removeprefix("./").removeprefix("/")
        text = text + "**" if text.endswith("/") else text
        text = re.sub(r"\*\*/", "", text)
        text = re.sub(r"\*\*\Z", default_name(extension), text)
    else:
        text = text.replace(".", "/") + extension
    return re.sub(r"\*+", "example", text).replace("?", "x")


def default_name(extension: str) -> str:
    """The name of an example's file."""
    return f"example{extension}"


def _fits(glob: Glob, path: str) -> bool:
    return glob.matches(path if isinstance(glob, PathGlob) else dotted_path(path))
