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


def clean(text: str, limit: int | None = None) -> str:
    """`text` without escape sequences and control characters, cut as `clean_line` cuts; tabs and line feeds stay."""
    if not (text.isascii() and text.isprintable()):
        text = _CONTROL.sub("", _ESCAPE.sub("", _ENDINGS.sub("\n", text)))
    return _cut(text, limit)


def clean_line(text: str, limit: int | None = None) -> str:
    """`text` cleaned and brought onto one line, of at most `limit` characters; a cut one says so."""
    return _cut(_SPACE.sub(" ", clean(text)).strip(), limit)


def clean_end(text: str, limit: int) -> str:
    """As `clean_line`, but the last `limit` characters: where a program says why it fails."""
    line = clean_line(text)
    return line if len(line) <= limit else f"({len(line) - limit} characters before) …{line[-limit:]}"


def _cut(text: str, limit: int | None) -> str:
    if limit is not None and len(text) > limit:
        return f"{text[:limit]}… ({len(text) - limit} more characters)"
    return text
