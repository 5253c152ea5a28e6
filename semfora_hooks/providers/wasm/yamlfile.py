"""A YAML file as plain values that remember where they stood. Safe against files made to exhaust memory or stack."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import yaml

MAX_DEPTH = 32
_TOO_DEEP = f"nested deeper than {MAX_DEPTH} levels"
_EXCERPT_WIDTH = 120
Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class YamlError(Exception):
    """What is wrong with a file, and where: `line` and `column` count from 1."""

    def __init__(self, message: str, line: int = 1, column: int = 1) -> None:
        super().__init__(message)
        self.line = line
        self.column = column


@dataclass(slots=True)
class Document:
    """A parsed file.

    Attributes:
        value: Its content: dictionaries with string keys, lists, scalars.
        places: Path of a value, such as `$.plugins[0].name`, to line and column.
        keys: Path of a value that stands under a key to the key's line and column.
        lines: The text, for excerpts.
    """

    value: Any = None
    places: dict[str, tuple[int, int]] = field(default_factory=dict)
    keys: dict[str, tuple[int, int]] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)

    def place(self, path: str) -> tuple[int, int]:
        """Line and column of the value at `path`, or of the nearest thing around it."""
        while path not in self.places and path:
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        return self.places.get(path, (1, 1))

    def excerpt(self, line: int, column: int) -> str:
        """A line with a caret under one of its characters, indented, on lines of their own; empty for an empty line."""
        text = self.lines[line - 1] if 0 < line <= len(self.lines) else ""
        if not text.strip():
            return ""
        start = max(0, column - 1 - _EXCERPT_WIDTH // 2) if len(text) > _EXCERPT_WIDTH else 0
        shown = "".join(c if c.isprintable() or c == "\t" else "\ufffd" for c in text[start : start + _EXCERPT_WIDTH])
        padding = "".join("\t" if c == "\t" else " " for c in shown[: column - 1 - start])
        return f"\n    {shown}\n    {padding}^"


def parse(data: bytes) -> Document:
    """Parse a file of one document.

    Raises:
        YamlError: It is not YAML, or uses aliases, repeated or non-text keys, more than one document or deep nesting.
    """
    document = Document()
    try:
        text = data.decode("utf-8-sig")
        _check_events(text)
        node = yaml.compose(text, Loader=Loader)
        if node is not None:
            document.value = _Reader(document).read(node, "$")
    except UnicodeDecodeError as error:
        raise YamlError(f"not UTF-8: byte {error.start}") from None
    except yaml.MarkedYAMLError as error:
        problem = error.problem or error.context or ""
        # libyaml looks ahead, and refuses a depth of its own, ours many times over, before it tells of ours.
        what = _TOO_DEEP if "nesting depth" in problem else f"not valid YAML: {problem}"
        raise YamlError(what, *_place(error.problem_mark)) from None
    except yaml.YAMLError as error:
        position = getattr(error, "position", None)
        where = _place_of_offset(text, position) if isinstance(position, int) else (1, 1)
        raise YamlError(f"not valid YAML: {getattr(error, 'reason', error)}", *where) from None
    return document


def _check_events(text: str) -> None:
    """Refuse what makes composing dangerous: aliases multiply values, and nesting overflows libyaml's stack."""
    depth = 0
    for event in yaml.parse(text, Loader=Loader):
        if isinstance(event, yaml.AliasEvent):
            raise YamlError(f"alias '*{event.anchor}': aliases are not allowed", *_place(event.start_mark))
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                raise YamlError(_TOO_DEEP, *_place(event.start_mark))
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


class _Reader:
    def __init__(self, document: Document) -> None:
        self._document = document
        self._constructor = yaml.constructor.SafeConstructor()

    def read(self, node: yaml.Node, path: str) -> Any:
        self._document.places[path] = _place(node.start_mark)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.read(item, f"{path}[{index}]") for index, item in enumerate(node.value)]
        return self._scalar(node)

    def _mapping(self, node: yaml.MappingNode, path: str) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = self._scalar(key_node) if isinstance(key_node, yaml.ScalarNode) else None
            if not isinstance(key, str):
                raise YamlError("a key must be text; put it in quotes", *_place(key_node.start_mark))
            if key in values:
                raise YamlError(f"key '{key}' stands here twice", *_place(key_node.start_mark))
            self._document.keys[f"{path}.{key}"] = _place(key_node.start_mark)
            values[key] = self.read(value_node, f"{path}.{key}")
        return values

    def _scalar(self, node: yaml.Node) -> Any:
        try:
            return self._constructor.construct_object(node)
        except yaml.MarkedYAMLError:
            raise
        except (ValueError, OverflowError) as error:  # such as 2026-99-99
            raise YamlError(f"not a valid value: {error}", *_place(node.start_mark)) from None


def _place(mark: Any) -> tuple[int, int]:
    return (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)


def _place_of_offset(text: str, offset: int) -> tuple[int, int]:
    before = text[:offset]
    return before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1
