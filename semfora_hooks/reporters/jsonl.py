"""`jsonl`: a JSON object a line, for programs that read findings one by one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TextIO

import msgspec

from semfora_hooks.hookspecs import RenderOptions
from semfora_hooks.model import Report
from semfora_hooks.reporters.jsonreport import as_json_line


def render(report: Report, stream: TextIO, options: RenderOptions) -> None:  # noqa: ARG001
    """Write the report's head, a line for each thing that was found or went wrong, then the summary."""
    for kind, content in _lines(report):
        stream.write(as_json_line({"type": kind, **content}) + "\n")


def _lines(report: Report) -> Iterator[tuple[str, dict[str, Any]]]:
    head = {"schema": report.schema, "version": report.version, "tool": report.tool, "scope": report.scope}
    yield "report", head
    for kind, items in (
        ("recommendation", report.recommendations),
        ("fixed", report.fixed),
        ("error", report.errors),
        ("incomplete", report.incomplete),
    ):
        for item in items:
            yield kind, msgspec.to_builtins(item)
    for notice in report.notices:
        yield "notice", {"message": notice}
    yield "summary", {**msgspec.to_builtins(report.summary), "timings": report.timings}
