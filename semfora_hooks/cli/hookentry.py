"""Our entry in a `.pre-commit-config.yaml`: found, or added as text, so that every byte of the rest stays."""

from __future__ import annotations

from collections.abc import Iterator

import yaml

from semfora_hooks import __version__

REPOSITORY = "https://github.com/semfora/semfora-hooks"
HOOKS = ("semfora", "semfora-rules")

_OURS = "semfora-hooks"


class NotSafeError(Exception):
    """The entry cannot be added without a guess at what the file means; the text says why."""


def entry(indent: int = 2, newline: str = "\n") -> str:
    """The entry as an item of `repos`.

    Args:
        indent: Columns before its `-`.
        newline: What ends a line.
    """
    lines = [f"- repo: {REPOSITORY}", f"  rev: v{__version__}", "  hooks:", *(f"    - id: {hook}" for hook in HOOKS)]
    return "".join(f"{' ' * indent}{line}{newline}" for line in lines)


def new_file() -> str:
    """A whole configuration."""
    return f"repos:\n{entry()}"


def has_entry(text: str) -> bool:
    """Whether a configuration has hooks of ours: from our repository, a copy of it, or run as a local command.

    Raises:
        yaml.YAMLError: It is no YAML.
    """
    return any(_is_ours(item) for item in _items(_compose(text)))


def with_entry(text: str) -> str:
    """A configuration with our entry behind the others.

    Raises:
        NotSafeError: It is not laid out as such files are: a list of repositories, one item below the other.
        yaml.YAMLError: It is no YAML.
    """
    repos = _repos(_compose(text))
    if not isinstance(repos, yaml.SequenceNode) or repos.flow_style or not repos.value:
        raise NotSafeError("'repos' is no list of items below each other")
    if text[repos.start_mark.index] != "-":  # it has an anchor or a tag
        raise NotSafeError("its layout is unusual")
    column = repos.start_mark.column
    end = _line_after(text, _end(repos.value[-1]))
    tight = len(text[:end].rstrip("\r\n"))  # without blank lines, if they are not a part of a text at the end
    for start in (_line_after(text, tight), end):
        position = _behind_comments(text, start, column)
        newline = "\r\n" if "\r\n" in text else "\n"
        before = text[:position]
        gap = "" if before.endswith("\n") else newline
        added = before + gap + entry(column, newline) + text[position:]
        if _is_meant(text, added):
            return added
    raise NotSafeError("its layout is unusual")


def _line_after(text: str, index: int) -> int:
    end = text.find("\n", index)
    return len(text) if end < 0 else end + 1


def _behind_comments(text: str, index: int, column: int) -> int:
    """Behind the comments that go with the item above: those that are indented as what is in it."""
    while True:
        line = text[index : _line_after(text, index)]
        stripped = line.lstrip(" ")
        if not stripped.startswith("#") or len(line) - len(stripped) <= column:
            return index
        index += len(line)


def _compose(text: str) -> yaml.Node | None:
    try:
        node: yaml.Node | None = yaml.compose(text, Loader=yaml.SafeLoader)
    except RecursionError:
        raise NotSafeError("it is nested too deeply") from None
    return node


def _repos(root: yaml.Node | None) -> yaml.Node | None:
    if isinstance(root, yaml.MappingNode):
        for key, value in root.value:
            if isinstance(key, yaml.ScalarNode) and key.value == "repos":
                return value if isinstance(value, yaml.Node) else None
    return None


def _items(root: yaml.Node | None) -> Iterator[yaml.MappingNode]:
    repos = _repos(root)
    if isinstance(repos, yaml.SequenceNode):
        yield from (item for item in repos.value if isinstance(item, yaml.MappingNode))


def _is_ours(item: yaml.MappingNode) -> bool:
    for key, value in item.value:
        if key.value == "repo" and isinstance(value, yaml.ScalarNode) and _OURS in value.value:
            return True
        if key.value == "hooks" and isinstance(value, yaml.SequenceNode):
            for hook in value.value:
                fields = hook.value if isinstance(hook, yaml.MappingNode) else []
                words = {name.value: text.value for name, text in fields if isinstance(text, yaml.ScalarNode)}
                if words.get("id") in HOOKS or _OURS in str(words.get("entry", "")):
                    return True
    return False


def _end(node: yaml.Node) -> int:
    """The index behind the last character of a node; what parsers call its end may be that of blank lines behind it."""
    while isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        node = last[1] if isinstance(last, tuple) else last
    # A text block ends where the next line starts, and that line is not its own.
    return int(node.end_mark.index) - (1 if node.end_mark.column == 0 else 0)


def _is_meant(old: str, new: str) -> bool:
    """Whether the new text says all that was there, and one item more at the end of `repos`."""
    expected, found, ours = _events(old), _events(new), _events(new_file())[5:-4]
    place = next((index for index, pair in enumerate(zip(expected, found, strict=False)) if pair[0] != pair[1]), 0)
    return found == [*expected[:place], *ours, *expected[place:]] and has_entry(new)


def _events(text: str) -> list[tuple[object, ...]]:
    """What a parser sees, without places; aliases stay aliases, so that this is never longer than the text.

    Nothing, if it is no YAML.
    """
    try:
        return [
            (type(event), *(getattr(event, name, None) for name in ("value", "tag", "anchor")))
            for event in yaml.parse(text, Loader=yaml.SafeLoader)
        ]
    except yaml.YAMLError:
        return []
