"""`gitlab`: the code quality report that merge requests show (docs.gitlab.com, "Code Quality report format")."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any, TextIO

from semfora_hooks.hookspecs import RenderOptions
from semfora_hooks.model import Recommendation, Report
from semfora_hooks.reporters.jsonreport import as_json
from semfora_hooks.reporters.plain import error_line, first_symbol, one_line, open_findings, path_bytes, severity

_SEVERITIES = {"info": "info", "warning": "minor", "error": "major"}
_WHOLE = "."  # a path is required; this is the repository's


def render(report: Report, stream: TextIO, options: RenderOptions) -> None:  # noqa: ARG001
    """Write an array of issues. GitLab compares two branches' reports itself, so what was fixed is just absent."""
    stream.write(as_json([*_problems(report), *(_issue(item) for item in open_findings(report))], None))


def _issue(item: Recommendation) -> dict[str, Any]:
    first = first_symbol(item)
    status = f" ({item.status})" if item.status else ""
    advice = f" Fix: {one_line(item.suggestion)}" if item.suggestion else ""
    return _entry(
        item.rule_id,
        f"{one_line(item.title)}{status}.{advice}" if advice else f"{one_line(item.title)}{status}",
        _SEVERITIES[severity(item)],
        first.file if first is not None else _WHOLE,
        (first.start_line, first.end_line) if first is not None else (1, 1),
        item.fingerprint,
    )


def _problems(report: Report) -> Iterator[dict[str, Any]]:
    """What went wrong with the run: a report without findings must not look like a clean repository."""
    for error in report.errors:
        text = one_line(error_line(error).removeprefix("error: "))
        yield _entry(f"semfora-hooks/{error.kind}", text, "blocker", _WHOLE)
    for item in report.incomplete:
        yield _entry("semfora-hooks/incomplete", one_line(item.reason), "minor", item.file)
    for notice in report.notices:
        yield _entry("semfora-hooks/notice", one_line(notice), "info", _WHOLE)


def _entry(
    check: str, text: str, severity: str, path: str, lines: tuple[int, int] = (1, 1), fingerprint: str = ""
) -> dict[str, Any]:
    begin, end = max(lines[0], 1), max(*lines, 1)
    name = path_bytes(path).decode("utf-8", "backslashreplace")
    identity = "\0".join((check, name, text)).encode("utf-8", "backslashreplace")
    return {
        "description": text,
        "check_name": check,
        "fingerprint": fingerprint or hashlib.sha256(identity).hexdigest()[:20],
        "severity": severity,
        "location": {"path": name, "lines": {"begin": begin, "end": end}},
    }
