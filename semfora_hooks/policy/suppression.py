"""Comments that silence a finding where it stands: `# semfora: ignore[rule-id] -- reason`."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from semfora_hooks.languages.facts import SuppressionFacts
from semfora_hooks.model import Recommendation, Suppression

_COMMENT = re.compile(r"semfora:\s*(?P<file>file-)?ignore\[(?P<rules>[^\]]*)\](?P<rest>.*)", re.DOTALL)
_UNTIL = re.compile(r"\buntil=(\d{4}-\d{2}-\d{2})\b")


class _Mark(NamedTuple):
    line: int
    comment_line: int
    whole_file: bool
    rules: frozenset[str]
    reason: str | None
    until: datetime.date | None


def suppressor(
    comments: Mapping[str, Sequence[SuppressionFacts]], today: datetime.date, line_of: Callable[[str], int | None]
) -> Callable[[Recommendation, frozenset[str]], Suppression | None]:
    """A function that finds the comment which silences a finding.

    It takes a finding and the words that name its rule, and looks at the line the finding is reported on, the line of
    the symbol's definition (the same, mostly), and a comment alone on the line above.

    Args:
        comments: Those that speak to us, by path.
        today: Comments whose `until` lies before it silence nothing.
        line_of: Gives the line of a symbol's definition by its id.
    """
    marks = {path: _marks(found) for path, found in comments.items() if found}

    def find(item: Recommendation, words: frozenset[str]) -> Suppression | None:
        if not item.symbols:
            return None
        place = item.symbols[0]
        lines = (place.start_line, line_of(place.id))
        for mark in marks.get(place.file, ()):
            if mark.rules.isdisjoint(words) or (mark.until is not None and today > mark.until):
                continue
            if mark.whole_file or mark.line in lines:
                return Suppression(kind="comment", file=place.file, line=mark.comment_line, reason=mark.reason)
        return None

    return find


def _marks(comments: Sequence[SuppressionFacts]) -> Sequence[_Mark]:
    alone = {item.line for item in comments if item.alone}
    found = []
    for item in comments:
        match = _COMMENT.search(item.text)
        if match is None:
            continue
        rest = match["rest"]
        until = _UNTIL.search(rest)
        try:
            expires = datetime.date.fromisoformat(until[1]) if until else None
        except ValueError:
            continue  # no such day: the comment is wrong, so it silences nothing
        reason = rest.partition("--")[2].strip() or None
        line = item.line
        while item.alone and line in alone:  # a comment alone speaks for the first line below that is none
            line += 1
        rules = frozenset(part.strip() for part in match["rules"].split(",") if part.strip())
        found.append(_Mark(line, item.line, match["file"] is not None, rules, reason, expires))
    return found
