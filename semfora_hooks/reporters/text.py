"""`full` and `concise`: text for people, and for programs that read lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TextIO

import click

from semfora_hooks.hookspecs import RenderOptions
from semfora_hooks.model import Recommendation, Report
from semfora_hooks.reporters.plain import (
    error_line,
    first_symbol,
    incomplete_line,
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

    def style(text: str, **how: object) -> str:
        return click.style(text, **how) if options.color else text  # type: ignore[arg-type]

    colored = _python_painter() if options.color else None
    for item in open_findings(report):
        name = severity(item)
        status = f" {item.status}" if item.status else ""
        stream.write(
            f"{style(_place(item, options), bold=True)}: {style(name, fg=_COLORS[name], bold=True)} "
            f"{item.rule_id}{status} {style(f'(confidence {item.confidence:.2f})', dim=True)}\n"
        )
        _paragraph(stream, item.title, options.width, "  ")
        for number, line in _excerpt(item, options):
            bar = style(f"{number:>5} |", dim=True)
            shown = colored(line) if colored and item.symbols[0].file.endswith((".py", ".pyi")) else line
            stream.write(f"    {bar} {shown}".rstrip() + "\n")
        if item.description:
            _paragraph(stream, item.description, options.width, "  ")
        for evidence in item.evidence:
            where = ""
            if evidence.file and evidence.line:
                where = f" ({path_from_here(evidence.file, options)}:{evidence.line})"
            _paragraph(stream, f"- {evidence.text}{where}", options.width, "    ", hang="  ")
        if item.suggestion:
            _paragraph(stream, f"fix: {item.suggestion}", options.width, "  ", hang="     ")
        stream.write("\n")
    for item in report.fixed:
        stream.write(f"{style('fixed', fg='green')} {item.rule_id}: {one_line(item.title)}\n")
    stream.write(f"{totals(report)}\n")
    if options.statistics:
        write_statistics(report, stream)


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
    """The line the finding stands on, and the next two, with their numbers."""
    from semfora_hooks.reporters.columns import MIN_WIDTH, cut

    first = first_symbol(item)
    source = options.read_source(first.file) if first is not None else None
    if first is None or source is None:
        return
    lines = source.split("\n")
    end = min(first.start_line + 2, first.end_line, len(lines))
    room = max(options.width - len("    12345 | "), MIN_WIDTH)
    for number in range(first.start_line, end + 1):
        yield number, cut(printable(lines[number - 1]), room)


def _paragraph(stream: TextIO, text: str, width: int, indent: str, hang: str = "") -> None:
    from semfora_hooks.reporters.columns import wrap

    for line in text.splitlines() or [""]:
        stream.write("\n".join(wrap(printable(line), width, indent, hang)) + "\n")


def _python_painter() -> Callable[[str], str]:
    """Colours a line of Python. A line at a time: what comes before an excerpt is not read for it."""
    from pygments import highlight  # type: ignore[import-untyped]
    from pygments.formatters.terminal import TerminalFormatter  # type: ignore[import-untyped]
    from pygments.lexers.python import PythonLexer  # type: ignore[import-untyped]

    lexer, formatter = PythonLexer(stripnl=False, ensurenl=False), TerminalFormatter(bg="dark")
    return lambda line: highlight(line, lexer, formatter).rstrip("\n")
