"""Comments that silence a finding where it stands: `# semfora: ignore[rule-id] -- reason`."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Mapping, Sequence

import msgspec

from semfora_hooks.languages.facts import SuppressionFacts
from semfora_hooks.model import Recommendation, Suppression

_COMMENT = re.compile(r"\bsemfora:\s*(?P<file>file-)?ignore\[(?P<rules>[^\]]*)\](?P<rest>.*)", re.DOTALL)
_ATTEMPT = re.compile(r"\bsemfora:\s*(?:file-)?(?:ignore|disable|skip|suppress|noqa)\b", re.IGNORECASE)
"""What a comment looks like whose writer meant to silence something."""
_UNTIL = re.compile(r"\buntil\s*=\s*(\S*)")
_UNTIL_A_DAY = re.compile(r"\buntil=(\d{4}-\d{2}-\d{2})\b")
"""The same in a reason, where other words may stand behind `until=`."""

_FORM = "write ignore[rule-id] -- reason"


class Mark(msgspec.Struct, frozen=True):
    """A comment that silences, or was meant to.

    Attributes:
        path: The file it stands in.
        comment_line: The line it stands on.
        line: The line it speaks for; nothing to do with `whole_file`.
        whole_file: It speaks for the file.
        rules: The names in its brackets, in their order, each once.
        reason: What stands behind `--`.
        until: The last day on which it silences.
        problem: Why it silences nothing, whatever it names: it is not written as it must be.
    """

    path: str
    comment_line: int
    line: int
    whole_file: bool = False
    rules: tuple[str, ...] = ()
    reason: str | None = None
    until: datetime.date | None = None
    problem: str | None = None

    def has_expired(self, today: datetime.date) -> bool:
        """Whether its last day is over."""
        return self.until is not None and today > self.until


class Suppressions:
    """The comments of one side of a run, and what each of them is good for.

    Args:
        comments: Those that speak to us, by path.
        today: Comments whose `until` lies before it silence nothing.
        line_of: Gives the line of a symbol's definition by its id.

    Attributes:
        marks: All of them, by path and line; badly written ones too.
        used: What each was good for, by its place in `marks`: the names in its brackets that match a finding.
    """

    def __init__(
        self,
        comments: Mapping[str, Sequence[SuppressionFacts]],
        today: datetime.date,
        line_of: Callable[[str], int | None],
    ) -> None:
        self.today = today
        self.marks = [mark for path in sorted(comments) for mark in read_marks(path, comments[path])]
        self.used: list[set[str]] = [set() for _ in self.marks]
        self._line_of = line_of
        # A generated file may have thousands of comments and of findings: none looks at all of the others.
        self._by_line: dict[tuple[str, int], list[int]] = {}
        self._of_files: dict[str, list[int]] = {}
        self._in_file: dict[tuple[str, frozenset[str]], int | None] = {}
        for number, mark in enumerate(self.marks):
            if mark.problem is None and mark.whole_file:
                self._of_files.setdefault(mark.path, []).append(number)
            elif mark.problem is None:
                self._by_line.setdefault((mark.path, mark.line), []).append(number)

    def find(self, item: Recommendation, words: frozenset[str]) -> Suppression | None:
        """The comment that silences a finding; it, and all others that would, count as used from now on.

        A comment speaks for the line it stands on, or for the first line below if it stands alone: that must be the
        line the finding is reported on, or the line of the symbol's definition (the same, mostly).

        Args:
            item: The finding.
            words: What its rule is called: its id, group and category.
        """
        if not item.symbols:
            return None
        place = item.symbols[0]
        key = (place.file, words)
        if key not in self._in_file:
            self._in_file[key] = self._first(self._of_files.get(place.file, ()), words)
        lines = dict.fromkeys((place.start_line, self._line_of(place.id)))
        here = (self._first(self._by_line.get((place.file, line), ()), words) for line in lines if line is not None)
        numbers = [number for number in (self._in_file[key], *here) if number is not None]
        if not numbers:
            return None
        mark = self.marks[min(numbers)]
        return Suppression(kind="comment", file=place.file, line=mark.comment_line, reason=mark.reason)

    def _first(self, numbers: Sequence[int], words: frozenset[str]) -> int | None:
        """The first of some comments that silences a rule; all that name the rule are used."""
        first = None
        for number in numbers:
            mark = self.marks[number]
            names = words.intersection(mark.rules)
            self.used[number] |= names
            if names and first is None and not mark.has_expired(self.today):
                first = number
        return first


def read_marks(path: str, comments: Sequence[SuppressionFacts]) -> list[Mark]:
    """What the comments of a file say, by line; those that only mention our name are left out."""
    alone = {item.line for item in comments if item.alone}
    found = []
    for item in sorted(comments, key=lambda comment: comment.line):
        match = _COMMENT.search(item.text)
        if match is None:
            if _ATTEMPT.search(item.text):
                found.append(Mark(path, item.line, item.line, problem=f"it names no rule in brackets: {_FORM}"))
            continue
        line = item.line
        while item.alone and line in alone:  # a comment alone speaks for the first line below that is none
            line += 1
        options, _, reason = match["rest"].partition("--")
        names = tuple(dict.fromkeys(part.strip() for part in match["rules"].split(",") if part.strip()))
        day, problem = _last_day(_UNTIL.search(options) or _UNTIL_A_DAY.search(reason))
        if not names:
            problem = f"its brackets are empty: {_FORM}"
        found.append(
            Mark(path, item.line, line, match["file"] is not None, names, _reason(reason), day, problem=problem)
        )
    return found


def _reason(text: str) -> str | None:
    return text.strip() or None


def _last_day(match: re.Match[str] | None) -> tuple[datetime.date | None, str | None]:
    """The day that `until=` names, and what is wrong with it."""
    if match is None:
        return None, None
    try:
        return datetime.datetime.strptime(match[1], "%Y-%m-%d").replace(tzinfo=datetime.UTC).date(), None
    except ValueError:
        return None, f"'until={match[1]}' is no day: write until=YYYY-MM-DD"
