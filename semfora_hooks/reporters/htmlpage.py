"""`html`: one page with everything in it. It loads nothing and runs nothing, and says so to the browser."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import TextIO

from semfora_hooks.hookspecs import RenderOptions
from semfora_hooks.model import Recommendation, Report
from semfora_hooks.reporters.plain import (
    error_line,
    evidence_text,
    explanation,
    first_symbol,
    one_line,
    open_findings,
    place,
    printable,
    severity,
    shown_path,
    totals,
)

_CODE = re.compile(r"`([^`]+)`")
_EXCERPT = 12  # lines of source

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --error: #c62828; --warning: #b26a00; --info: #00728f; }
@media (prefers-color-scheme: dark) { :root { --error: #ff8a80; --warning: #ffc46b; --info: #7fd8f0; } }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 0 auto; padding: 1rem; }
code, pre { font-family: ui-monospace, monospace; font-size: .875em; overflow-wrap: anywhere; }
pre { overflow-x: auto; overflow-wrap: normal; padding: .75rem; border: 1px solid var(--line); border-radius: .25rem; }
table { border-collapse: collapse; }
td, th { padding: .25rem .75rem; border-bottom: 1px solid var(--line); text-align: left; }
td.number { text-align: right; }
article { border-top: 1px solid var(--line); padding: .5rem 0; } h3 { margin: .5rem 0; font-size: 1rem; }
summary { cursor: pointer; }
.error { color: var(--error); } .warning { color: var(--warning); } .info { color: var(--info); }
.severity { font-weight: bold; }
"""


def render(report: Report, stream: TextIO, options: RenderOptions) -> None:
    """Write the page."""
    stream.write("\n".join(_page(report, options)) + "\n")


def _page(report: Report, options: RenderOptions) -> Iterator[str]:
    yield "<!DOCTYPE html>"
    yield '<html lang="en">'
    yield "<head>"
    yield '<meta charset="utf-8">'
    yield "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield "<title>semfora-hooks</title>"
    yield f"<style>{_STYLE}</style>"
    yield "</head>"
    yield "<body>"
    yield "<h1>semfora-hooks</h1>"
    yield f"<p>{_text(totals(report))}</p>"
    yield from _problems(report)
    yield from _by_rule(report)
    found = open_findings(report)
    if found:
        yield "<h2>Findings</h2>"
    seen: set[str] = set()
    for item in found:
        anchor = "" if item.rule_id in seen else f' id="{_attribute("rule-" + item.rule_id)}"'
        seen.add(item.rule_id)
        yield from _article(item, anchor, options)
    fixed = [f"<code>{_text(item.rule_id)}</code>: {_prose(item.title)}" for item in report.fixed]
    yield from _list("Fixed", fixed)
    yield from _list("Suppressed", [_suppressed(item) for item in report.recommendations if item.suppressed])
    yield f"<footer><p>{_text(report.tool.name)} {_text(report.tool.version)}</p></footer>"
    yield "</body>"
    yield "</html>"


def _problems(report: Report) -> Iterator[str]:
    yield from _list("Errors", [_text(error_line(error).removeprefix("error: ")) for error in report.errors])
    files = [f"<code>{_text(shown_path(item.file))}</code>: {_text(item.reason)}" for item in report.incomplete]
    yield from _list("Incomplete", files)
    yield from _list("Notes", [_text(notice) for notice in report.notices])


def _by_rule(report: Report) -> Iterator[str]:
    if report.summary.by_rule:
        yield "<table>"
        yield "<thead><tr><th>rule</th><th>findings</th></tr></thead>"
        yield "<tbody>"
        for name, count in report.summary.by_rule.items():
            link = f'<a href="#{_attribute("rule-" + name)}"><code>{_text(name)}</code></a>'
            yield f'<tr><td>{link}</td><td class="number">{count}</td></tr>'
        yield "</tbody>"
        yield "</table>"


def _list(title: str, items: list[str]) -> Iterator[str]:
    if items:
        yield from (f"<h2>{title}</h2>", "<ul>", *(f"<li>{item}</li>" for item in items), "</ul>")


def _article(item: Recommendation, anchor: str, options: RenderOptions) -> Iterator[str]:
    name = severity(item)
    status = f" · {item.status}" if item.status else ""
    yield f"<article{anchor}>"
    yield f"<h3>{_prose(item.title)}</h3>"
    yield (
        f'<p><span class="severity {name}">{name}</span> · <code>{_text(item.rule_id)}</code>{status} · '
        f"confidence {item.confidence:.2f} · <code>{_text(place(item))}</code></p>"
    )
    yield from (f"<p>{_prose(line)}</p>" for line in explanation(item).splitlines() if line.strip())
    if item.suggestion:
        yield f"<p><strong>Fix:</strong> {_prose(item.suggestion)}</p>"
    if item.evidence:
        yield "<ul>"
        yield from (f"<li>{_prose(evidence_text(piece))}</li>" for piece in item.evidence)
        yield "</ul>"
    source = _source(item, options)
    if source:
        yield f"<details><summary>Source</summary><pre>{source}</pre></details>"
    yield "</article>"


def _source(item: Recommendation, options: RenderOptions) -> str:
    """The lines of the first symbol, numbered; where there are more, it says how many."""
    first = first_symbol(item)
    source = options.read_source(first.file) if first is not None else None
    if first is None or source is None:
        return ""
    lines = source.split("\n")
    end = min(first.end_line, len(lines))
    last = min(first.start_line + _EXCERPT - 1, end)
    shown = [
        f"{number:>5} | {html.escape(printable(lines[number - 1]))}" for number in range(first.start_line, last + 1)
    ]
    if last < end:
        shown.append(f"      … {end - last} more lines")
    return "\n".join(shown)


def _suppressed(item: Recommendation) -> str:
    assert item.suppressed is not None
    reason = f": {_text(item.suppressed.reason)}" if item.suppressed.reason else ""
    where = f"<code>{_text(place(item))}</code> <code>{_text(item.rule_id)}</code>"
    return f"{where} {_prose(item.title)} ({_text(item.suppressed.kind)}){reason}"


def _text(text: str) -> str:
    return html.escape(one_line(text))


def _prose(text: str) -> str:
    """Text with code between backticks."""
    parts = _CODE.split(one_line(text))
    return "".join(f"<code>{html.escape(part)}</code>" if i % 2 else html.escape(part) for i, part in enumerate(parts))


def _attribute(name: str) -> str:
    """An anchor's name."""
    return re.sub(r"[^\w/.-]", "-", one_line(name))
