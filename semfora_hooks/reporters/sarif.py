"""`sarif`: the Static Analysis Results Interchange Format, OASIS standard, version 2.1.0."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, TextIO

from semfora_hooks.hookspecs import RenderOptions, Rule
from semfora_hooks.model import Evidence, Recommendation, Report, Severity, SymbolRef
from semfora_hooks.reporters.jsonreport import as_json
from semfora_hooks.reporters.markdown import inline
from semfora_hooks.reporters.plain import (
    error_line,
    first_symbol,
    message_lines,
    one_line,
    open_findings,
    relative_uri,
)

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
ROOT = "%SRCROOT%"
FINGERPRINT = "semforaFingerprint/v1"

_LEVELS = {"info": "note", "warning": "warning", "error": "error"}
_BASELINE = {"introduced": "new", "worsened": "updated", "inherited": "unchanged"}
_LINK = re.compile(r"\[([^\[\]]*)\](?=\()")


def render(report: Report, stream: TextIO, options: RenderOptions) -> None:
    """Write `report` as a SARIF log with one run. What is suppressed is left out, and counted."""
    stream.write(as_json(_log(report, options), None))


def _log(report: Report, options: RenderOptions) -> dict[str, Any]:
    found = open_findings(report)
    rules = _rules(found, options)
    places = {rule["id"]: index for index, rule in enumerate(rules)}
    run = {
        "tool": {
            "driver": {
                "name": report.tool.name,
                "version": report.tool.version,
                "informationUri": "https://github.com/semfora/semfora-hooks",
                "rules": rules,
            }
        },
        "invocations": [_invocation(report, options)],
        "originalUriBaseIds": {ROOT: {"description": {"text": "The root of the repository."}}},
        "columnKind": "unicodeCodePoints",
        "results": [_result(item, places[item.rule_id]) for item in found],
        "properties": {
            "scope": report.scope.kind,
            "baseRef": report.scope.base_ref,
            "failed": report.summary.failed,
            "failOn": report.summary.fail_on,
            "suppressed": report.summary.suppressed,
            "fixed": [
                {"ruleId": item.rule_id, "title": item.title, "fingerprint": item.fingerprint} for item in report.fixed
            ],
        },
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rules(found: list[Recommendation], options: RenderOptions) -> list[dict[str, Any]]:
    """What is known of the rules that were run, and of those that only findings name."""
    described = {rule.id: _rule(rule) for rule in options.rules}
    for item in found:
        if item.rule_id not in described:
            described[item.rule_id] = {"id": item.rule_id, "defaultConfiguration": {"level": _level(item.severity)}}
    return [described[name] for name in sorted(described)]


def _rule(rule: Rule) -> dict[str, Any]:
    description = one_line(str(rule.description)) or rule.id
    remedy = one_line(str(getattr(rule, "remedy", "") or ""))
    silence = f"# semfora: ignore[{rule.id}] -- why"
    text, formatted = [description], [inline(description)]
    if remedy:
        text.append(f"To fix: {remedy}")
        formatted.append(f"**To fix:** {inline(remedy)}")
    text.append(f"To silence one finding: {silence}")
    formatted.append(f"**To silence one finding:** `{silence}`")
    return {
        "id": rule.id,
        "shortDescription": {"text": _plain(_first_sentence(description))},
        "fullDescription": {"text": _plain(description)},
        "help": {"text": _plain("\n".join(text)), "markdown": "\n\n".join(formatted)},
        "defaultConfiguration": {"level": _level(rule.severity)},
        "properties": {"tags": list(dict.fromkeys(("architecture", str(rule.category), str(rule.group))))},
    }


def _result(item: Recommendation, index: int) -> dict[str, Any]:
    first = first_symbol(item)
    result: dict[str, Any] = {
        "ruleId": item.rule_id,
        "ruleIndex": index,
        "level": _level(item.severity),
        "rank": round(item.confidence * 100, 2),
        "message": {"text": _plain("\n".join(message_lines(item)))},
        "locations": [_location(first)] if first is not None else [],
        "partialFingerprints": {FINGERPRINT: item.fingerprint} if item.fingerprint else {},
    }
    related = [_location(symbol, f"also {one_line(symbol.name)}") for symbol in item.symbols[1:]]
    # Where a cause has no symbol, its place may be one that the change took away; the message tells it.
    related += [_evidence(piece) for piece in item.evidence if piece.file and (piece.symbol or piece.kind != "cause")]
    if related:
        result["relatedLocations"] = [{"id": number, **one} for number, one in enumerate(related, 1)]
    if item.status is not None:
        result["baselineState"] = _BASELINE[item.status]
    result["properties"] = {
        "id": item.id,
        "category": item.category,
        "confidence": item.confidence,
        "metrics": item.metrics,
        "status": item.status,
    }
    return result


def _location(symbol: SymbolRef, message: str | None = None) -> dict[str, Any]:
    region = {
        "startLine": max(symbol.start_line, 1),
        "startColumn": max(symbol.start_column, 1),
        "endLine": max(symbol.end_line, symbol.start_line, 1),
    }
    location: dict[str, Any] = {
        "physicalLocation": {"artifactLocation": _artifact(symbol.file), "region": region},
        "logicalLocations": [{"name": symbol.name, "fullyQualifiedName": symbol.id}],
    }
    if message is not None:
        location["message"] = {"text": _plain(message)}
    return location


def _evidence(piece: Evidence) -> dict[str, Any]:
    physical: dict[str, Any] = {"artifactLocation": _artifact(piece.file or "")}
    if piece.line is not None and piece.line > 0:
        physical["region"] = {"startLine": piece.line}
    return {"physicalLocation": physical, "message": {"text": _plain(one_line(piece.text))}}


def _artifact(path: str) -> dict[str, str]:
    return {"uri": relative_uri(path), "uriBaseId": ROOT}


def _invocation(report: Report, options: RenderOptions) -> dict[str, Any]:
    made: dict[str, Any] = {"executionSuccessful": not report.errors}
    if options.exit_code is not None:
        made["exitCode"] = options.exit_code
    made["toolExecutionNotifications"] = list(_notifications(report))
    return made


def _notifications(report: Report) -> Iterator[dict[str, Any]]:
    for error in report.errors:
        text = error_line(error).removeprefix("error: ")
        entry: dict[str, Any] = {
            "descriptor": {"id": error.kind},
            "level": "error",
            "message": {"text": _plain(text)},
        }
        if error.rule is not None:
            entry["associatedRule"] = {"id": error.rule}
        yield entry
    for item in report.incomplete:
        yield {
            "descriptor": {"id": "incomplete"},
            "level": "warning",
            "message": {"text": _plain(one_line(item.reason))},
            "locations": [{"physicalLocation": {"artifactLocation": _artifact(item.file)}}],
        }
    for notice in report.notices:
        yield {"descriptor": {"id": "notice"}, "level": "note", "message": {"text": _plain(one_line(notice))}}


def _level(severity: Severity | None) -> str:
    return _LEVELS[severity.value] if severity is not None else "note"


def _plain(text: str) -> str:
    """A plain text message in which nothing reads as a link: those are `[text](target)` here too (§3.11.6)."""
    return _LINK.sub(r"\\[\1\\]", text)


def _first_sentence(text: str) -> str:
    return re.split(r"(?<=[.!?])\s", text, maxsplit=1)[0]
