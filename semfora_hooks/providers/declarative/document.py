"""YAML text to nodes that know their place, within limits. Nothing is ever constructed from a tag.

Nodes are built from PyYAML's events, not by its composer: so nesting is bounded before anything recurses, an alias is
charged for everything it repeats, and a syntax error keeps the documents before it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import yaml

from semfora_hooks.config import unknown_key_text
from semfora_hooks.errors import RuleFileError

MAX_DEPTH = 32
_TOO_DEEP = f"nested more than {MAX_DEPTH} levels deep"
MAX_ALIASES = 48
MAX_NODES = 50_000
"""Nodes in a file, everything an alias repeats counted again."""
MAX_ERRORS = 100
"""Errors told in full about one file; the rest are counted."""

_EXCERPT_WIDTH = 120
_TAG = "tag:yaml.org,2002:"
_KNOWN_TAGS = frozenset(_TAG + name for name in ("str", "int", "float", "bool", "null", "timestamp", "merge", "value"))
_COLLECTION_TAGS = {"list": _TAG + "seq", "mapping": _TAG + "map"}
_SHORT_TAGS = {tag: tag.removeprefix(_TAG) for tag in (*_KNOWN_TAGS, *_COLLECTION_TAGS.values())}
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

NodeKind = Literal["scalar", "list", "mapping"]


class Place(NamedTuple):
    """A position in a file, 1-based."""

    line: int
    column: int


@dataclass(slots=True, eq=False)
class Node:
    """One YAML value. `start` and `end` are where it stands in the text.

    Attributes:
        tag: The short name of a standard type (`str`, `int`, …); an unknown tag as written.
        known: Whether the tag is one of YAML's plain types.
        size: How many nodes it holds, itself and repeated ones counted.
        height: How many levels it has, itself counted.
    """

    kind: NodeKind
    tag: str
    known: bool
    place: Place
    start: int
    end: int
    text: str = ""
    items: list[Node] = field(default_factory=list)
    pairs: list[tuple[Node, Node]] = field(default_factory=list)
    size: int = 1
    height: int = 1

    @property
    def found(self) -> str:
        """What it is, for messages."""
        if self.kind != "scalar":
            return f"a {self.kind}"
        names = {
            "int": "a number",
            "float": "a number",
            "bool": "true or false",
            "null": "nothing",
            "timestamp": "a date",
        }
        return names.get(self.tag, "text")


class Source:
    """One rule file's text, with the problems found in it."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.text = text
        self.lines = text.splitlines()
        self.problems = 0
        self._errors: list[tuple[Place, RuleFileError]] = []

    def problem(
        self, place: Place, what: str, *, hint: str | None = None, key: str | None = None, valid: Sequence[str] = ()
    ) -> None:
        """Record an error at `place`; with `key`, the hint names what in `valid` comes nearest to it."""
        self.problems += 1
        if self.problems > MAX_ERRORS:
            return
        if key is not None:
            hint = unknown_key_text(key, list(valid))
        self._errors.append((place, located_error(self.path, place, what, hint=hint, line=self._line(place))))

    @property
    def errors(self) -> list[RuleFileError]:
        """What was recorded, by place; beyond a limit only how much."""
        errors = [error for _, error in sorted(self._errors, key=lambda entry: entry[0])]
        more = self.problems - len(errors)
        if more:
            errors.append(located_error(self.path, Place(1, 1), f"{more} more problems in this file"))
        return errors

    def place_at(self, index: int) -> Place:
        """The place of a position in the text."""
        before = self.text[:index].splitlines(keepends=True)
        if not before or before[-1].splitlines()[0] != before[-1]:
            return Place(len(before) + 1, 1)
        return Place(len(before), len(before[-1]) + 1)

    def place_inside(self, node: Node, offset: int) -> Place:
        """The place of a character of a scalar's value, or of the scalar where the text does not hold it verbatim."""
        at = self.text.find(node.text, node.start, node.end)
        return node.place if at < 0 else self.place_at(at + offset)

    def shown_place(self, place: Place) -> Place:
        """The place itself; for one behind all text, where a message has no line to show, the end of the last line."""
        if any(line.strip() for line in self.lines[place.line - 1 :]):
            return place
        last = max((number for number, line in enumerate(self.lines, 1) if line.strip()), default=0)
        return Place(last, len(self.lines[last - 1]) + 1) if last else place

    def _line(self, place: Place) -> str:
        return self.lines[place.line - 1] if place.line <= len(self.lines) else ""


def located_error(path: str, place: Place, what: str, *, hint: str | None = None, line: str = "") -> RuleFileError:
    """The error every wrong rule file ends in: `path:line:column: what`, then the source line with a caret."""
    message = f"{path}:{place.line}:{place.column}: {what}"
    if line.strip():
        start = max(0, place.column - 1 - _EXCERPT_WIDTH // 2) if len(line) > _EXCERPT_WIDTH else 0
        shown = "".join(c if c.isprintable() or c == "\t" else "\ufffd" for c in line[start : start + _EXCERPT_WIDTH])
        padding = "".join("\t" if c == "\t" else " " for c in shown[: place.column - 1 - start])
        message += f"\n    {shown}\n    {padding}^"
    return RuleFileError(message, hint=hint)


def shorten(text: str, limit: int = 60) -> str:
    """`text` in quotes, cut to what fits a message."""
    return repr(text if len(text) <= limit else text[: limit - 1] + "…")


def read_documents(source: Source) -> Iterator[Node]:
    """The documents of a file, one by one, until the end or the first place that is not acceptable YAML."""
    builder = _Builder()
    try:
        loader = _LOADER(source.text)
        try:
            while loader.check_event():
                document = builder.take(loader.get_event(), loader)
                if document is not None:
                    yield document
        finally:
            loader.dispose()
    except _LimitError as refused:
        source.problem(refused.place, refused.what, hint=refused.hint)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = source.shown_place(Place(mark.line + 1, mark.column + 1) if mark else Place(1, 1))
        text = error.problem or error.context or "not valid YAML"
        context = f" {error.context}" if error.context and error.problem else ""
        # libyaml looks ahead, and refuses a depth of its own, ours many times over, before it tells of ours.
        what = _TOO_DEEP if "nesting depth" in text else f"not valid YAML: {text}{context}"
        source.problem(place, what)
    except (yaml.YAMLError, ValueError):
        # PyYAML gives no mark for characters it refuses.
        bad = yaml.reader.Reader.NON_PRINTABLE.search(source.text)
        place = source.place_at(bad.start()) if bad else Place(1, 1)
        character = f"the character U+{ord(bad[0]):04X} is not allowed" if bad else "cannot be read"
        source.problem(place, f"not valid YAML: {character}")


class _LimitError(Exception):
    """Valid YAML that goes beyond a limit."""

    def __init__(self, place: Place, what: str, hint: str | None = None) -> None:
        super().__init__(what)
        self.place, self.what, self.hint = place, what, hint


class _Builder:
    """Builds one document after the other from events."""

    def __init__(self) -> None:
        self._open: list[Node] = []
        self._keys: list[Node | None] = []
        self._anchors: dict[str, Node] = {}
        self._aliases = 0
        self._nodes = 0

    def take(self, event: Any, loader: Any) -> Node | None:
        """Add an event; gives the document when it is complete."""
        kind = type(event)
        if kind is yaml.ScalarEvent:
            return self._add(self._scalar(event, loader))
        if kind is yaml.SequenceStartEvent or kind is yaml.MappingStartEvent:
            self._start(event)
        elif kind is yaml.SequenceEndEvent or kind is yaml.MappingEndEvent:
            self._keys.pop()
            return self._add(self._open.pop())
        elif kind is yaml.AliasEvent:
            return self._add(self._alias(event))
        elif kind is yaml.DocumentStartEvent:
            self._anchors = {}
        return None

    def _node(self, event: Any, kind: NodeKind, tag: str, known: bool, text: str = "") -> Node:
        mark = event.start_mark
        place = Place(mark.line + 1, mark.column + 1)
        short = _SHORT_TAGS[tag] if known else tag.replace(_TAG, "!!", 1)
        node = Node(kind, short, known, place, mark.index, event.end_mark.index, text)
        self._nodes += 1
        if self._nodes > MAX_NODES:
            self._charge(0, place)
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        return node

    def _scalar(self, event: Any, loader: Any) -> Node:
        tag = event.tag
        if tag is None or tag == "!":
            tag = loader.resolve(yaml.ScalarNode, event.value, event.implicit)
        return self._node(event, "scalar", tag, tag in _KNOWN_TAGS, event.value)

    def _start(self, event: Any) -> None:
        kind: NodeKind = "list" if isinstance(event, yaml.SequenceStartEvent) else "mapping"
        tag = event.tag if event.tag not in (None, "!") else _COLLECTION_TAGS[kind]
        self._open.append(self._node(event, kind, tag, tag == _COLLECTION_TAGS[kind]))
        self._keys.append(None)
        self._check_depth(self._open[-1].place, 0)

    def _alias(self, event: Any) -> Node:
        mark = event.start_mark
        place = Place(mark.line + 1, mark.column + 1)
        node = self._anchors.get(event.anchor)
        if node is None:
            raise _LimitError(place, f"alias {shorten('*' + event.anchor)} has no anchor before it")
        if any(node is parent for parent in self._open):
            raise _LimitError(place, f"alias {shorten('*' + event.anchor)} stands inside its own anchor")
        self._aliases += 1
        if self._aliases > MAX_ALIASES:
            raise _LimitError(place, f"more than {MAX_ALIASES} aliases in one file", hint="write the values out")
        self._charge(node.size, place)
        self._check_depth(place, node.height)
        return node

    def _charge(self, size: int, place: Place) -> None:
        self._nodes += size
        if self._nodes > MAX_NODES:
            raise _LimitError(place, f"more than {MAX_NODES} values in one file", hint="split the file; avoid aliases")

    def _check_depth(self, place: Place, height: int) -> None:
        if len(self._open) + height > MAX_DEPTH:
            raise _LimitError(place, _TOO_DEEP)

    def _add(self, node: Node) -> Node | None:
        """Put a finished node where it belongs; a document's root is given back."""
        if not self._open:
            return node
        parent = self._open[-1]
        parent.size += node.size
        parent.height = max(parent.height, node.height + 1)
        if parent.kind == "list":
            parent.items.append(node)
        elif (key := self._keys[-1]) is None:
            self._keys[-1] = node
        else:
            parent.pairs.append((key, node))
            self._keys[-1] = None
        return None


# ------------------------------------------------------------------------------------------------- reading nodes


def expect(source: Source, node: Node, kind: NodeKind, what: str, wanted: str | None = None) -> bool:
    """Whether `node` is of `kind` and has no foreign tag; a problem is recorded where not, which calls it `wanted`."""
    if not node.known:
        source.problem(
            node.place,
            f"{what}: the tag {shorten(node.tag)} is not allowed",
            hint="rule files hold plain text, numbers, true/false, lists and mappings",
        )
    elif node.kind != kind:
        wanted = wanted or ("text" if kind == "scalar" else f"a {kind}")
        source.problem(node.place, f"{what}: expected {wanted}, found {node.found}")
    else:
        return True
    return False


def entries(source: Source, node: Node, what: str) -> Mapping[str, tuple[Node, Node]] | None:
    """Key to its node and its value, `<<` merged in; problems with keys are recorded."""
    if not expect(source, node, "mapping", what):
        return None
    own: dict[str, tuple[Node, Node]] = {}
    merged: dict[str, tuple[Node, Node]] = {}
    for key, value in node.pairs:
        if not expect(source, key, "scalar", f"{what}: a key"):
            continue
        if key.tag == "merge":
            for base in value.items if value.kind == "list" else [value]:
                merged = {**(entries(source, base, "'<<'") or {}), **merged}
        elif key.text in own:
            first = own[key.text][0].place
            source.problem(key.place, f"duplicate key {shorten(key.text)}; it already stands in line {first.line}")
        else:
            own[key.text] = (key, value)
    return {**merged, **own}
