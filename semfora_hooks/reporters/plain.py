"""What several formats say in the same words: places, totals, and foreign text made harmless."""

from __future__ import annotations

import os
from collections.abc import Iterator

from semfora_hooks.hookspecs import RenderOptions
from semfora_hooks.model import ErrorEntry, Evidence, Incomplete, Recommendation, Report, Severity, Summary, SymbolRef

REPLACEMENT = "�"


def totals(report: Report) -> str:
    """The run in one line."""
    summary = report.summary
    counts = [f"{count} {plural(name, count)}" for name, count in summary.by_severity.items() if count]
    found = ", ".join(counts) if counts else "no findings"
    extra = f", {summary.suppressed} suppressed" if summary.suppressed else ""
    extra += f", {len(report.fixed)} fixed" if report.fixed else ""
    size = f"{summary.files} files ({summary.symbols} symbols, {report.timings.total:.1f} s)"
    return f"{found}{extra} in {size}{_verdict(summary)}"


def _verdict(summary: Summary) -> str:
    return f"; failed: at least one at or above '{summary.fail_on}'" if summary.failed else ""


def plural(name: str, count: int) -> str:
    """A severity's name as it stands behind a number."""
    return name if name == "info" or count == 1 else f"{name}s"


def severity(item: Recommendation) -> str:
    """A finding's severity: `error`, `warning` or `info`."""
    return item.severity.value if item.severity is not None else "info"


def is_failure(item: Recommendation, report: Report) -> bool:
    """Whether a finding is one for which the run fails, by the report's own threshold."""
    fail_on = report.summary.fail_on
    if fail_on == "never" or item.suppressed is not None or item.severity is None:
        return False
    return item.severity >= Severity(fail_on)


def open_findings(report: Report) -> list[Recommendation]:
    """The findings that nobody has silenced, in the report's order."""
    return [item for item in report.recommendations if item.suppressed is None]


def explanation(item: Recommendation) -> str:
    """A finding's description; empty where the title is made of it, `symbol: description`, and says all of it."""
    said = " ".join(item.description.split()).removesuffix(".")
    return "" if item.title.endswith(f": {said}") else item.description


def first_symbol(item: Recommendation) -> SymbolRef | None:
    """Where a finding is reported; `None` if it is about the repository as a whole."""
    return item.symbols[0] if item.symbols else None


def place(item: Recommendation) -> str:
    """Where a finding is, from the repository's root: `path:line:col`, on one line."""
    first = first_symbol(item)
    return "repository" if first is None else f"{shown_path(first.file)}:{first.start_line}:{first.start_column}"


def evidence_text(item: Evidence) -> str:
    """A piece of evidence on one line, with its place."""
    where = f" ({shown_path(item.file)}:{item.line})" if item.file and needs_place(item) else ""
    return f"{one_line(item.text)}{where}"


def needs_place(item: Evidence) -> bool:
    """Whether a piece of evidence has a place that its text does not tell."""
    return bool(item.file and item.line) and f"{item.file}:{item.line}" not in item.text


def message_lines(item: Recommendation) -> Iterator[str]:
    """All that a finding says, in lines: title, reason, evidence, advice."""
    yield one_line(item.title)
    for line in explanation(item).splitlines():
        if line.strip():
            yield one_line(line)
    for evidence in item.evidence:
        yield f"- {evidence_text(evidence)}"
    if item.suggestion:
        yield f"fix: {one_line(item.suggestion)}"


def error_line(error: ErrorEntry) -> str:
    """An error entry, with the package it comes from where that is not ours. An excerpt keeps its lines."""
    first, *excerpt = error.message.split("\n")
    message = one_line(first)
    if error.distribution not in (None, "semfora-hooks") and f"{error.distribution} {error.version}" not in message:
        message = one_line(f"{error.provider} ({error.distribution} {error.version}): {message}")
    if error.hint:
        message += f" ({one_line(error.hint)})"
    return "\n".join([f"error: {message}", *(f"  {printable(line)}" for line in excerpt)])


def incomplete_line(item: Incomplete, options: RenderOptions) -> str:
    """An incomplete file on one line; its name quoted where it holds more than a line can."""
    return f"incomplete: {path_from_here(item.file, options)}: {one_line(item.reason)}"


def path_from_here(path: str, options: RenderOptions) -> str:
    """A path as the reader can open it from where they are, on one line."""
    relative = os.path.relpath(os.path.join(options.root, path), options.here or os.curdir)
    return shown_path(relative if not relative.startswith(os.pardir + os.sep) else os.path.join(options.root, path))


def shown_path(path: str) -> str:
    """A path on one line; quoted where it holds more than a line can."""
    shown = path_bytes(path).decode("utf-8", "backslashreplace")  # as reports show bytes that are not UTF-8
    return shown if shown.isprintable() else ascii(shown)


def path_bytes(path: str) -> bytes:
    """The bytes of a file's name."""
    try:
        return os.fsencode(path)
    except UnicodeEncodeError:  # half of a UTF-16 pair, which is no byte of any name
        return path.encode("utf-8", "backslashreplace")


def relative_uri(path: str) -> str:
    """A path as a relative URI (RFC 3986): every byte that could mean something else is escaped."""
    from urllib.parse import quote

    return quote(path_bytes(path), safe="/")


def one_line(text: str) -> str:
    """Text on one line, without what would drive a terminal or turn the direction of writing."""
    return " ".join("".join(c if c.isprintable() or c.isspace() else REPLACEMENT for c in text).split())


def printable(line: str) -> str:
    """A line as it is, but for what would drive a terminal."""
    return "".join(c if c.isprintable() else REPLACEMENT for c in line.rstrip().expandtabs(4))
