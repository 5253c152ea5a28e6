"""`github`: workflow commands, which GitHub Actions shows as annotations.

GitHub shows at most ten annotations of a level for a step and drops the rest without a word. So the rest goes to the
log as plain lines, and a notice counts it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import NamedTuple, TextIO

from semfora_hooks.hookspecs import RenderOptions
from semfora_hooks.model import Recommendation, Report
from semfora_hooks.reporters.plain import (
    error_line,
    first_symbol,
    message_lines,
    one_line,
    open_findings,
    path_bytes,
    place,
    plural,
    severity,
    shown_path,
    totals,
)

LIMIT = 10
"""Annotations of a level that GitHub keeps for one step."""

_LEVELS = {"error": "error", "warning": "warning", "info": "notice"}
_ORDER = ("error", "warning", "notice")


class _Annotation(NamedTuple):
    """One workflow command; `line` is what the log says where GitHub would drop it."""

    level: str
    properties: Mapping[str, str]
    message: str
    line: str


def render(report: Report, stream: TextIO, options: RenderOptions) -> None:  # noqa: ARG001
    """Write annotations, then as plain lines what GitHub would drop, what was fixed, and the totals."""
    wanted = list(_annotations(report))
    counts = Counter(one.level for one in wanted)
    limits = dict.fromkeys(_ORDER, LIMIT)
    if any(counts[level] > LIMIT for level in _ORDER):
        limits["notice"] = LIMIT - 1  # the last place is for the count
    shown: Counter[str] = Counter()
    rest = []
    for one in wanted:
        shown[one.level] += 1
        if shown[one.level] <= limits[one.level]:
            stream.write(_command(one.level, one.properties, one.message))
        else:
            rest.append(one)
    if rest:
        left = Counter(one.level for one in rest)
        parts = [f"{left[level]} more {plural(level, left[level])}" for level in _ORDER if left[level]]
        text = f"{', '.join(parts)}: GitHub shows {LIMIT} of a level, the rest is in this step's log"
        stream.write(_command("notice", {"title": "semfora-hooks"}, text))
        stream.write("::group::What GitHub does not show as annotations\n")
        stream.writelines(_log_line(one.line) for one in rest)
        stream.write("::endgroup::\n")
    stream.writelines(_log_line(f"fixed {item.rule_id}: {one_line(item.title)}") for item in report.fixed)
    stream.write(f"{totals(report)}\n")


def _annotations(report: Report) -> Iterator[_Annotation]:
    for error in report.errors:
        text = error_line(error)
        title = {"title": f"semfora-hooks: {error.kind}"}
        yield _Annotation("error", title, text.removeprefix("error: "), one_line(text))
    for item in report.incomplete:
        reason = one_line(item.reason)
        properties = {"file": _file(item.file), "title": "semfora-hooks: incomplete"}
        yield _Annotation("warning", properties, reason, f"incomplete: {shown_path(item.file)}: {reason}")
    for found in open_findings(report):
        yield _finding(found)
    for notice in report.notices:
        text = one_line(notice)
        yield _Annotation("notice", {"title": "semfora-hooks"}, text, f"note: {text}")


def _finding(item: Recommendation) -> _Annotation:
    first = first_symbol(item)
    properties = {}
    if first is not None:
        properties = {"file": _file(first.file), "line": str(first.start_line), "col": str(first.start_column)}
    properties["title"] = item.rule_id + (f" ({item.status})" if item.status else "")
    line = f"{place(item)}: {severity(item)} {item.rule_id} {one_line(item.title)}"
    return _Annotation(_LEVELS[severity(item)], properties, "\n".join(message_lines(item)), line)


def _file(path: str) -> str:
    return path_bytes(path).decode("utf-8", "backslashreplace")


def _command(level: str, properties: Mapping[str, str], message: str) -> str:
    """A workflow command, escaped as GitHub's own toolkit does it."""
    given = ",".join(f"{key}={_escape(value, ':,')}" for key, value in properties.items())
    return f"::{level} {given}::{_escape(message)}\n"


def _escape(text: str, more: str = "") -> str:
    for character in f"%\r\n{more}":
        text = text.replace(character, f"%{ord(character):02X}")
    return "".join(c if c.isprintable() else "�" for c in text)


def _log_line(text: str) -> str:
    """A line of the log that is no command: those begin with `::`, or hold `##[`."""
    return f"- {text.replace('##[', '## [')}\n"
