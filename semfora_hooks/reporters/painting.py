"""Source in colours, for terminals: lexed as a whole, then cut to the columns there are."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence

from pygments.formatters.terminal import TerminalFormatter  # type: ignore[import-untyped]
from pygments.lexers.python import PythonLexer  # type: ignore[import-untyped]
from pygments.token import Error, Text  # type: ignore[import-untyped]

from semfora_hooks.reporters.columns import cut, width_of

_Token = tuple[object, str]


def paint_python(lines: Sequence[str], room: int) -> list[str]:
    """Lines of Python in colours; lexed together, so that a text over several lines has the colour of one.

    Args:
        lines: The source, without control characters; it starts where a statement does, mostly.
        room: Columns; a longer line ends in `…`.
    """
    formatter = TerminalFormatter(bg="dark")
    return [_formatted(formatter, _cut(tokens, room)) for tokens in _by_line("\n".join(lines))]


def _by_line(source: str) -> Iterator[list[_Token]]:
    """The tokens of each line. What is no Python, such as the rest of a text that began above, has no colour."""
    line: list[_Token] = []
    for kind, value in PythonLexer(stripnl=False, ensurenl=False).get_tokens(source):
        first, *others = value.split("\n")
        known = Text if kind is Error else kind
        line.append((known, first))
        for part in others:
            yield line
            line = [(known, part)]
    yield line


def _cut(tokens: Sequence[_Token], room: int) -> list[_Token]:
    whole = "".join(value for _, value in tokens)
    shown = cut(whole, room)
    if shown == whole:
        return list(tokens)
    left = len(shown) - 1  # characters before the …
    kept: list[_Token] = []
    for kind, value in tokens:
        kept.append((kind, value[:left]))
        left -= len(kept[-1][1])
    assert width_of(shown) <= room
    return [*kept, (Text, "…")]


def _formatted(formatter: TerminalFormatter, tokens: Sequence[_Token]) -> str:
    stream = io.StringIO()
    formatter.format([token for token in tokens if token[1]], stream)
    return stream.getvalue().rstrip("\n")
