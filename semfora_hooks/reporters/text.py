"""`full` and `concise`: text for people, and for programs that read lines."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TextIO

import click

from semfora_hooks.hookspecs import RenderOptions
from semfora_hooks.model import ErrorEntry, Incomplete, Recommendation, Report, Summary

_COLORS = {"error": "red", "warning": "yellow", "info": "cyan"}
_MAX_SOURCE = 160  # columns of a source line that are shown


def render_concise(report: Report, stream: TextIO, options: RenderOptions) -> None:
    """One line a finding: `path:line:col: severity rule-id message`."""
    for item in report.recommendations:
        if item.suppressed is None:
            stream.write(f"{_place(item, options)}: {_severity(item)} {item.rule_id} {item.title}\n")


def render_full(report: Report, stream: TextIO, options: RenderOptions) -> None:
    """Findings with source, evidence and advice, then the totals."""

    def style(text: str, **how: object) -> str:
        return click.style(text, **how) if options.color else text  # type: ignore[arg-type]

    for item in report.recommendations:
        if item.suppressed is not None:
            continue
        severity = _severity(item)
        status = f" {item.status}" if item.status else ""
        stream.write(
            f"{style(_place(item, options), bold=True)}: {style(severity, fg=_COLORS[severity], bold=True)} "
            f"{item.rule_id}{status} {style(f'(confidence {item.confidence:.2f})', dim=True)}\n"
        )
        _paragraph(stream, item.title, options.width, "  ")
        for line in _excerpt(item, options):
            stream.write(f"    {style(line, dim=True)}\n")
        if item.description:
            _paragraph(stream, item.description, options.width, "  ")
        for evidence in item.evidence:
            where = f" ({_path(evidence.file, options)}:{evidence.line})" if evidence.file and evidence.line else ""
            _paragraph(stream, f"- {evidence.text}{where}", options.width, "    ", hang="  ")
        if item.suggestion:
            _paragraph(stream, f"fix: {item.suggestion}", options.width, "  ", hang="     ")
        stream.write("\n")
    for item in report.fixed:
        stream.write(f"{style('fixed', fg='green')} {item.rule_id}: {item.title}\n")
    stream.write(f"{totals(report)}\n")
    if options.statistics:
        write_statistics(report, stream)


def totals(report: Report) -> str:
    """The run in one line."""
    summary = report.summary
    counts = [f"{count} {_plural(name, count)}" for name, count in summary.by_severity.items() if count]
    found = ", ".join(counts) if counts else "no findings"
    extra = f", {summary.suppressed} suppressed" if summary.suppressed else ""
    extra += f", {len(report.fixed)} fixed" if report.fixed else ""
    size = f"{summary.files} files ({summary.symbols} symbols, {report.timings.total:.1f} s)"
    return f"{found}{extra} in {size}{_verdict(summary)}"


def problem_lines(report: Report, options: RenderOptions) -> Iterator[str]:
    """What is wrong with the run itself, for standard error: errors, incomplete files, notices."""
    for error in report.errors:
        yield error_line(error)
    for item in report.incomplete:
        yield incomplete_line(item, options)
    for notice in report.notices:
        yield f"note: {_one_line(notice)}"


def error_line(error: ErrorEntry) -> str:
    """An error entry, with the package it comes from where that is not ours. An excerpt keeps its lines."""
    first, *excerpt = error.message.split("\n")
    message = _one_line(first)
    if error.distribution not in (None, "semfora-hooks") and f"{error.distribution} {error.version}" not in message:
        message = f"{error.provider} ({error.distribution} {error.version}): {message}"
    if error.hint:
        message += f" ({_one_line(error.hint)})"
    return "\n".join([f"error: {message}", *(f"  {_printable(line)}" for line in excerpt)])


def incomplete_line(item: Incomplete, options: RenderOptions) -> str:
    """An incomplete file on one line; its name quoted where it holds more than a line can."""
    return f"incomplete: {_path(item.file, options)}: {_one_line(item.reason)}"


def write_statistics(report: Report, stream: TextIO) -> None:
    """Findings and seconds by rule, seconds by stage."""
    timings = report.timings
    stream.write(f"\n{'findings':>9}  {'seconds':>8}\n")
    for name in sorted({*report.summary.by_rule, *timings.rules}):
        stream.write(f"{report.summary.by_rule.get(name, 0):>9}  {timings.rules.get(name, 0.0):>8.3f}  {name}\n")
    for stage in ("discover", "extract", "link"):
        stream.write(f"{'':>9}  {getattr(timings, stage):>8.3f}  ({stage})\n")


def _verdict(summary: Summary) -> str:
    return f"; failed: at least one at or above '{summary.fail_on}'" if summary.failed else ""


def _plural(name: str, count: int) -> str:
    return name if name == "info" or count == 1 else f"{name}s"


def _severity(item: Recommendation) -> str:
    return item.severity.value if item.severity is not None else "info"


def _place(item: Recommendation, options: RenderOptions) -> str:
    if not item.symbols:
        return "repository"
    first = item.symbols[0]
    return f"{_path(first.file, options)}:{first.start_line}:{first.start_column}"


def _path(path: str, options: RenderOptions) -> str:
    """A path as the reader can open it from where they are, on one line."""
    relative = os.path.relpath(os.path.join(options.root, path))
    shown = relative if not relative.startswith(os.pardir + os.sep) else os.path.join(options.root, path)
    shown = os.fsencode(shown).decode("utf-8", "backslashreplace")  # as reports show bytes that are not UTF-8
    return shown if shown.isprintable() else ascii(shown)


def _one_line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() or c.isspace() else "�" for c in text).split())


def _printable(line: str) -> str:
    """A line as it is, but for what would drive a terminal."""
    return "".join(c if c.isprintable() else "�" for c in line.rstrip().expandtabs(4))


def _excerpt(item: Recommendation, options: RenderOptions) -> Iterator[str]:
    """The line the finding stands on, and the next two."""
    if not item.symbols:
        return
    first = item.symbols[0]
    source = options.read_source(first.file)
    if source is None:
        return
    lines = source.split("\n")
    end = min(first.start_line + 2, first.end_line, len(lines))
    for number in range(first.start_line, end + 1):
        text = _printable(lines[number - 1])
        yield f"{number:>5} | {text[:_MAX_SOURCE]}{'…' if len(text) > _MAX_SOURCE else ''}"


def _paragraph(stream: TextIO, text: str, width: int, indent: str, hang: str = "") -> None:
    import textwrap

    for line in text.splitlines() or [""]:
        wrapped = textwrap.wrap(
            line,
            max(width, 40),
            initial_indent=indent,
            subsequent_indent=indent + hang,
            break_long_words=False,
            break_on_hyphens=False,
        )
        stream.write("\n".join(wrapped or [indent]) + "\n")
