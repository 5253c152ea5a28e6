"""One report that has everything a report can have, built by hand; hostile text included."""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from semfora_hooks.hookspecs import RenderOptions, Rule
from semfora_hooks.model import (
    ErrorEntry,
    Evidence,
    Incomplete,
    Recommendation,
    Report,
    ReportScope,
    Severity,
    Summary,
    Suppression,
    SymbolRef,
    Timings,
    Tool,
)
from semfora_hooks.reporters import REPORTERS

HOSTILE = "<img src=x onerror=alert(1)>|`a|b`|[x](http://evil.example)@octocat \x1b[31m]]>&amp;{0}"
SOURCE = "def alpha(x):\n    '''<script>document.title = 'owned'</script>'''\n    return x\n"


class ExampleRule(Rule):
    """A rule that only says what it is."""

    id = "dead-code"
    group = "dead-code"
    category = "dead_code"
    severity = Severity.WARNING
    description = "Definitions nothing refers to. They cost whoever reads them [time](http://example.invalid)."
    remedy = "Delete it, or name what calls it in `entry-points`."

    def evaluate(self, context: object) -> Iterable[Recommendation]:
        return ()


def symbol(name: str, file: str = "src/a.py", line: int = 1, end: int | None = None) -> SymbolRef:
    """A reference to a function."""
    return SymbolRef(
        id=f"{file}::{name}",
        name=name,
        file=file,
        module="a",
        start_line=line,
        end_line=end or line + 2,
        start_column=5,
    )


def finding(rule: str, title: str, severity: str, *symbols: SymbolRef, **fields: Any) -> Recommendation:
    """A finding as the host completes it."""
    values = {
        "id": f"{rule}:{symbols[0].id if symbols else 'repository'}",
        "rule_id": rule,
        "group": rule,
        "category": rule.replace("-", "_"),
        "severity": Severity(severity),
        "confidence": 0.9,
        "title": title,
        "symbols": symbols,
        "fingerprint": f"{abs(sum(map(ord, rule + title))):020x}",
    }
    return Recommendation(**{**values, **fields})


FOUND = [
    finding(
        "complexity", "`alpha` is hard to follow", "error", symbol("alpha"), status="worsened", metrics={"c": 31.0}
    ),
    finding(
        "dead-code",
        "function `beta` is never used",
        "warning",
        symbol("beta", "src/b c#?.py", 3),
        symbol("gamma", "src/größe.py", 7),
        status="introduced",
        confidence=0.955,
        description="Nothing calls it.\nRemoving the call at api.py:12 left it without callers.",
        suggestion="Delete it (3 lines).",
        evidence=(
            Evidence(kind="references", text="0 mentions of `beta`"),
            Evidence(kind="call", text="the call stood here", file="api.py", line=12),
        ),
    ),
    finding("hostile", HOSTILE, "warning", symbol("x", "a\nb|`<.py"), description=HOSTILE, suggestion=HOSTILE),
    finding("module-organization", "modules import each other", "info", status="inherited"),
    finding(
        "naming",
        "`is_x` returns `list`",
        "info",
        symbol("is_x", line=9),
        suppressed=Suppression(kind="comment", file="src/a.py", line=8, reason="the API's name | <b>"),
    ),
]
REPORT = Report(
    tool=Tool(version="1.2.3"),
    scope=ReportScope(kind="range", base_ref="abc123"),
    summary=Summary(
        files=4,
        symbols=20,
        recommendations=4,
        by_severity={"error": 1, "warning": 2, "info": 1},
        by_rule={"complexity": 1, "dead-code": 1, "hostile": 1, "module-organization": 1},
        suppressed=1,
        failed=True,
        fail_on="error",
    ),
    recommendations=FOUND,
    fixed=[finding("dead-code", "function `old` is never used", "warning", symbol("old"))],
    errors=[
        ErrorEntry(
            kind="provider",
            message="rule 'acme' raised ValueError: <b>\x1b[2J",
            provider="acme",
            distribution="acme-rules",
            version="2.1",
            rule="acme",
            hint="update acme-rules",
        ),
        ErrorEntry(kind="config", message="pyproject.toml:3:1: no\n  3 | [tool", hint="did you mean 'x'?"),
    ],
    incomplete=[Incomplete(file="src/broken.py", reason="does not parse at line 3: '|'")],
    notices=["nothing was compared <i>with</i> the baseline"],
    timings=Timings(discover=0.5, extract=0.25, link=0.125, rules={"dead-code": 0.0625, "quiet": 0.001}, total=1.46),
)


def render(name: str, report: Report = REPORT, **options: Any) -> str:
    """A report in a format, as it would be written from the repository's root."""
    values: dict[str, Any] = {
        "read_source": lambda path: SOURCE if path == "src/a.py" else None,
        "rules": [ExampleRule()],
        "exit_code": 2,
    }
    stream = io.StringIO()
    REPORTERS[name].render(report, stream, RenderOptions(str(Path.cwd()), **{**values, **options}))
    return stream.getvalue()
