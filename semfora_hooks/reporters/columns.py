"""Text in the columns of a terminal: wrapping and cutting that know wide characters."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

MIN_WIDTH = 20
"""Columns below which lines run over: a word a line helps nobody."""


def width_of(text: str) -> int:
    """The columns that `text` takes on a terminal."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def cut(text: str, width: int) -> str:
    """`text`, or its beginning and `…` where it takes more than `width` columns."""
    if len(text) * 2 <= width or width_of(text) <= width:
        return text
    kept, used = [], 0
    for character in text:
        used += width_of(character)
        if used >= width:
            break
        kept.append(character)
    return "".join(kept) + "…"


def wrap(text: str, width: int, indent: str, hang: str = "") -> list[str]:
    """`text` in lines of at most `width` columns, if its words are no longer. Text without spaces breaks anywhere.

    Args:
        text: One line.
        width: Columns, indentation included.
        indent: What every line begins with.
        hang: What lines but the first begin with besides.
    """
    width = max(width, MIN_WIDTH)
    if text.isascii():
        made = textwrap.wrap(
            text,
            width,
            initial_indent=indent,
            subsequent_indent=indent + hang,
            break_long_words=False,
            break_on_hyphens=False,
        )
        return made or [indent]
    lines, line, used, filled = [], indent, len(indent), False
    for space, piece in _pieces(text, width - len(indent) - len(hang)):
        size = width_of(piece) + (space and filled)
        if filled and used + size > width:
            lines.append(line)
            line, used, filled, size = indent + hang, len(indent + hang), False, width_of(piece)
        line += f" {piece}" if space and filled else piece
        used, filled = used + size, True
    return [*lines, line]


def _pieces(text: str, room: int) -> Iterator[tuple[bool, str]]:
    """What can stand on a line by itself, and whether a space stands before it."""
    for word in text.split():
        wide = width_of(word) > room and width_of(word) > len(word)
        for index, piece in enumerate(word if wide else [word]):
            yield index == 0, piece
