"""`markdown`: GitHub-flavoured Markdown for comments and job summaries. Foreign text stays text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TextIO

from semfora_hooks.hookspecs import RenderOptions
from semfora_hooks.model import Recommendation, Report
from semfora_hooks.reporters.plain import (
    error_line,
    evidence_text,
    explanation,
    one_line,
    open_findings,
    place,
    severity,
    shown_path,
    totals,
)

_SPECIAL = re.compile(r"[\\`*_{}\[\]<>&|~$^!]|#|://|(?<=www)\.|^[-+=:]|(?<=^\d)[.)]|(?<=^\d\d)[.)]|^ ")
_CODE = re.compile(r"`([^`]+)`")
_MENTION = re.compile(r"@(?=\w)")


def render(report: Report, stream: TextIO, options: RenderOptions) -> None:  # noqa: ARG001
    """Write the totals, a table of findings, then what was fixed or went wrong."""
    stream.write("\n".join(_lines(report)) + "\n")


def _lines(report: Report) -> Iterator[str]:
    yield "## semfora-hooks"
    yield ""
    yield inline(totals(report))
    found = open_findings(report)
    if found:
        yield ""
        yield "| severity | place | rule | finding |"
        yield "| --- | --- | --- | --- |"
        yield from (_row(item) for item in found)
    yield from _section("Fixed", [f"{code(item.rule_id)}: {inline(item.title)}" for item in report.fixed])
    yield from _section("Suppressed", [_suppressed(item) for item in report.recommendations if item.suppressed])
    yield from _section("Errors", [inline(error_line(error).removeprefix("error: ")) for error in report.errors])
    files = [f"{code(shown_path(item.file))}: {inline(item.reason)}" for item in report.incomplete]
    yield from _section("Incomplete", files)
    yield from _section("Notes", [inline(notice) for notice in report.notices])


def _section(title: str, items: list[str]) -> Iterator[str]:
    if items:
        yield from ("", f"### {title}", "", *(f"- {item}" for item in items))


def _row(item: Recommendation) -> str:
    parts = [f"<b>{inline(item.title)}</b>"]  # asterisks mean nothing beside some punctuation
    parts += [inline(line) for line in explanation(item).splitlines() if line.strip()]
    parts += [f"• {inline(evidence_text(piece))}" for piece in item.evidence]
    if item.suggestion:
        parts.append(f"*Fix:* {inline(item.suggestion)}")
    status = f"<br>{item.status}" if item.status else ""
    sure = f"{severity(item)}{status}<br>confidence {item.confidence:.2f}"
    return f"| {sure} | {code(place(item))} | {code(item.rule_id)} | {'<br>'.join(parts)} |"


def _suppressed(item: Recommendation) -> str:
    assert item.suppressed is not None
    reason = f": {inline(item.suppressed.reason)}" if item.suppressed.reason else ""
    return f"{code(place(item))} {code(item.rule_id)} {inline(item.title)} ({inline(item.suppressed.kind)}){reason}"


def inline(text: str) -> str:
    """Text on one line in which only `code` between backticks is markup. It fits into a cell of a table."""
    parts = _CODE.split(one_line(text))
    return "".join(code(part) if index % 2 else _escape(part, first=index == 0) for index, part in enumerate(parts))


def code(text: str) -> str:
    """Text as code: between backticks where nothing in it means anything to a table or to them."""
    text = one_line(text)
    if text and not re.search(r"[`|\\]|^ | $", text):
        return f"`{text}`"
    return f"<code>{_escape(text, first=False)}</code>"


def _escape(text: str, *, first: bool) -> str:
    """Everything that could be markup as character references, and mentions cut, so that nobody is called."""
    if not first:
        text = f"\0{text}"  # not the beginning of a line
    text = _SPECIAL.sub(lambda match: "".join(f"&#{ord(c)};" for c in match.group()), text)
    return _MENTION.sub("@<!-- -->", text.replace("\0", ""))
