"""`full` and `concise`: text for people, and for programs that read lines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TextIO

import click

from semfora_hooks.hookspecs import RenderOptions
from semfora_hooks.model import Evidence, Recommendation, Report
from semfora_hooks.reporters.plain import (
    error_line,
    explanation,
    first_symbol,
    incomplete_line,
    needs_place,
    one_line,
    open_findings,
    path_from_here,
    printable,
    severity,
    totals,
)

__all__ = [
    "error_line",
    "incomplete_line",
    "problem_lines",
    "render_concise",
    "render_full",
    "totals",
    "write_statistics",
]

_COLORS = {"error": "red", "warning": "yellow", "info": "cyan"}


def render_concise(report: Report, stream: TextIO, options: RenderOptions) -> None:
    """One line a finding: `path:line:col: severity rule-id message`."""
    for item in open_findings(report):
        stream.write(f"{_place(item, options)}: {severity(item)} {item.rule_id} {one_line(item.title)}\n")


def render_full(report: Report, stream: TextIO, options: RenderOptions) -> None:
    """Findings with source, evidence and advice, then the totals."""
    for item in open_findings(report):
        _finding(item, stream, options)
    for item in report.fixed:
        stream.write(f"{_style('fixed', options, fg='green')} {item.rule_id}: {one_line(item.title)}\n")
    stream.write(f"{totals(report)}\n")
    if options.statistics:
        write_statistics(report, stream)


def _finding(item: Recommendation, stream: TextIO, options: RenderOptions) -> None:
    name = severity(item)
    status = f" {item.status}" if item.status else ""
    stream.write(
        f"{_style(_place(item, options), options, bold=True)}: "
        f"{_style(name, options, fg=_COLORS[name], bold=True)} {item.rule_id}{status} "
        f"{_style(f'(confidence {item.confidence:.2f})', options, dim=True)}\n"
    )
    _paragraph(stream, item.title, options.width, "  ")
    for number, line in _excerpt(item, options):
        bar = _style(f"{number:>5} |", options, dim=True)
        stream.write(f"    {bar} {line}".rstrip() + "\n")
    if text := explanation(item):
        _paragraph(stream, text, options.width, "  ")
    for evidence in item.evidence:
        _paragraph(stream, f"- {_evidence(evidence, options)}", options.width, "    ", hang="  ")
    if item.suggestion:
        _paragraph(stream, f"fix: {item.suggestion}", options.width, "  ", hang="     ")
    stream.write("\n")


def _style(text: str, options: RenderOptions, **how: Any) -> str:
    return click.style(text, **how) if options.color else text


def _evidence(item: Evidence, options: RenderOptions) -> str:
    where = f" ({path_from_here(item.file, options)}:{item.line})" if item.file and needs_place(item) else ""
    return f"{item.text}{where}"


def problem_lines(report: Report, options: RenderOptions) -> Iterator[str]:
    """What is wrong with the run itself, for standard error: errors, incomplete files, notices."""
    for error in report.errors:
        yield error_line(error)
    for item in report.incomplete:
        yield incomplete_line(item, options)
    for notice in report.notices:
        yield f"note: {one_line(notice)}"


def write_statistics(report: Report, stream: TextIO) -> None:
    """Findings and seconds by rule, seconds by stage."""
    timings = report.timings
    stream.write(f"\n{'findings':>9}  {'seconds':>8}\n")
    for name in sorted({*report.summary.by_rule, *timings.rules}):
        seconds = timings.rules.get(name, 0.0)
        stream.write(f"{report.summary.by_rule.get(name, 0):>9}  {seconds:>8.3f}  {one_line(name)}\n")
    for stage in ("discover", "extract", "link"):
        stream.write(f"{'':>9}  {getattr(timings, stage):>8.3f}  ({stage})\n")


def _place(item: Recommendation, options: RenderOptions) -> str:
    first = first_symbol(item)
    if first is None:
        return "repository"
    return f"{path_from_here(first.file, options)}:{first.start_line}:{first.start_column}"


def _excerpt(item: Recommendation, options: RenderOptions) -> Iterator[tuple[int, str]]:
    """The line the finding stands on, and the next two, with their numbers; coloured if colour is welcome."""
    from semfora_hooks.reporters.columns import MIN_WIDTH, cut

    first = first_symbol(item)
    source = options.read_source(first.file) if first is not None else None
    if first is None or source is None:
        return
    lines = source.split("\n")
    end = min(first.start_line + 2, first.end_line, len(lines))
    room = max(options.width - len("    12345 | "), MIN_WIDTH)
    shown = [printable(line) for line in lines[first.start_line - 1 : end]]
    if options.color and first.file.endswith((".py", ".pyi")):
        from semfora_hooks.reporters.painting import paint_python

        painted = paint_python(shown, room)
    else:
        painted = [cut(line, room) for line in shown]
    yield from enumerate(painted, first.start_line)


def _paragraph(stream: TextIO, text: str, width: int, indent: str, hang: str = "") -> None:
    from semfora_hooks.reporters.columns import wrap

    for line in text.splitlines() or [""]:
        stream.write("\n".join(wrap(printable(line), width, indent, hang)) + "\n")
