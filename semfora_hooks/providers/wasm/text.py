"""Making text that a guest wrote fit to print."""

from __future__ import annotations

import re

_ESCAPE = re.compile(
    r"""\x1b\[[0-?]*[ -/]*[@-~]             # CSI: colours, cursor
      | \x1b[\]PX^_].*?(?:\x07|\x1b\\|\Z)   # OSC, DCS, SOS, PM, APC: titles, hyperlinks
      | \x1b[ -/]*[0-~]                     # the two-character ones
    """,
    re.VERBOSE | re.DOTALL,
)
# C0 without tab and line feed, DEL, C1, line and paragraph separators, overrides of the writing direction, surrogates.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_ENDINGS = re.compile(r"\r\n?")
_SPACE = re.compile(r"\s+")


def clean(text: str) -> str:
    """`text` without escape sequences and control characters; tabs and line feeds stay."""
    if text.isascii() and text.isprintable():
        return text
    return _CONTROL.sub("", _ESCAPE.sub("", _ENDINGS.sub("\n", text)))


def clean_line(text: str, limit: int | None = None) -> str:
    """`text` cleaned and brought onto one line, of at most `limit` characters; a cut one says so."""
    line = _SPACE.sub(" ", clean(text)).strip()
    if limit is not None and len(line) > limit:
        return f"{line[:limit]}… ({len(line) - limit} more characters)"
    return line
