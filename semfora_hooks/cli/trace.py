"""`semfora-hooks suggest --rule RULE --trace SYMBOL`: why a rule fires on a symbol or stays silent, key by key."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import redirect_stdout

import click
import msgspec

from semfora_hooks.cli import EXIT_CLEAN, EXIT_ERROR, printable
from semfora_hooks.context import SuggestContext
from semfora_hooks.engine import Request, SuggestEngine
from semfora_hooks.errors import UsageError
from semfora_hooks.model import Recommendation
from semfora_hooks.plugin_manager import LoadedRule
from semfora_hooks.providers.declarative.rule import DeclarativeRule
from semfora_hooks.providers.declarative.trace import find_symbols, nearest_names, trace
from semfora_hooks.providers.declarative.view import View
from semfora_hooks.reporters.text import error_line


def print_trace(engine: SuggestEngine, request: Request, loaded: LoadedRule, name: str) -> int:
    """Trace a rule on every symbol that a name means; the paths of the command line narrow them down.

    Returns:
        The exit code: 0 whatever the answer, 2 if something was wrong with the run.

    Raises:
        UsageError: The rule is not declared in YAML, or no symbol has the name.
    """
    rule = loaded.rule
    if not isinstance(rule, DeclarativeRule):
        raise UsageError(
            f"--trace works for rules in YAML; '{rule.id}' is from {loaded.origin}",
            hint=f"semfora-hooks suggest --rule {rule.id} --output-format full shows its evidence",
        )
    with redirect_stdout(sys.stderr):
        result = engine.run(msgspec.structs.replace(request, show_inherited=True, whole=True))
    context, report = result.context, result.report
    filters = request.root.filters
    symbols = [
        symbol
        for symbol in find_symbols(context, name)
        if not filters or any(symbol.file == path or symbol.file.startswith(f"{path}/") for path in filters)
    ]
    for error in report.errors:
        click.echo(error_line(error), err=True)
    if not symbols:
        raise _not_found(context, name, filters)
    view = View(context)
    findings = {item.symbols[0].id: item for item in report.recommendations if item.symbols}
    traces = [trace(rule, symbol, view) for symbol in symbols]
    for traced in traces:
        lines = list(traced.lines())
        if traced.fires:
            lines.append(f"  {_outcome(findings.get(traced.symbol.id))}")
        click.echo("\n".join(printable(line.expandtabs(4)) for line in lines) + "\n")
    fired = sum(traced.fires for traced in traces)
    count = "1 symbol" if len(symbols) == 1 else f"{len(symbols)} symbols"
    click.echo(printable(f"{rule.id} ({rule.origin}:{rule.place.line}) fires on {fired} of {count}"), err=True)
    return EXIT_ERROR if report.errors else EXIT_CLEAN


def _outcome(finding: Recommendation | None) -> str:
    """What becomes of a finding."""
    if finding is None:
        return "not reported: 'min-confidence', 'per-file-ignores' or the scope of the run leaves it out"
    severity = finding.severity.value if finding.severity is not None else "info"
    said = f"{severity}, confidence {finding.confidence:.2f}{f', {finding.status}' if finding.status else ''}"
    mark = finding.suppressed
    if mark is None:
        return f"reported: {said}; semfora-hooks explain {finding.fingerprint} says more"
    return f"suppressed ({mark.kind}) by {mark.file}:{mark.line}{f': {mark.reason}' if mark.reason else ''}"


def _not_found(context: SuggestContext, name: str, filters: Sequence[str]) -> UsageError:
    if not context.symbols:
        return UsageError("nothing was analysed, so there is no symbol to trace", hint="leave --staged or --since out")
    if find_symbols(context, name):
        return UsageError(f"there is no symbol '{name}' in {', '.join(filters)}", hint="leave the paths out")
    near = nearest_names(context, name)
    known = f"did you mean {' or '.join(repr(other) for other in near)}?" if near else None
    return UsageError(
        f"there is no symbol '{name}'", hint=known or "an id, a qualified name or its end, or a bare name, as in graph"
    )
