"""`junit`: XML that test reports read. A suite is a rule, a case is a finding; a rule without findings has passed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TextIO
from xml.etree import ElementTree  # writes only

from semfora_hooks.hookspecs import RenderOptions
from semfora_hooks.model import Recommendation, Report
from semfora_hooks.reporters.plain import (
    error_line,
    first_symbol,
    is_failure,
    message_lines,
    one_line,
    place,
    severity,
    shown_path,
    totals,
)

_NOT_XML = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufdcf\ufdf0-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 does not allow, escaped or not (2.2 Characters), and what it discourages."""


def render(report: Report, stream: TextIO, options: RenderOptions) -> None:
    """Write `report` as JUnit XML. Cases fail if the run's threshold says so; lesser findings pass, with text."""
    suites = list(_suites(report, options))
    root = ElementTree.Element(
        "testsuites", {"name": "semfora-hooks", **_sums(suites), "time": _time(report.timings.total)}
    )
    root.extend(suites)
    ElementTree.indent(root)
    stream.write('<?xml version="1.0" encoding="utf-8"?>\n')
    stream.write(ElementTree.tostring(root, encoding="unicode") + "\n")


def _suites(report: Report, options: RenderOptions) -> Iterator[ElementTree.Element]:
    run = _suite("semfora-hooks", list(_run_cases(report)), 0.0)
    lines = [*(f"note: {one_line(notice)}" for notice in report.notices)]
    lines += [f"fixed {item.rule_id}: {one_line(item.title)}" for item in report.fixed]
    _child(run, "system-out", "\n".join([*lines, totals(report)]))
    yield run
    found: dict[str, list[Recommendation]] = {}
    for item in report.recommendations:
        found.setdefault(item.rule_id, []).append(item)
    names = {*found, *report.timings.rules, *(rule.id for rule in options.rules)}
    broken = {error.rule for error in report.errors}
    for name in sorted(names):
        cases = [_case(item, report) for item in found.get(name, ())]
        if not cases and name not in broken:
            cases = [_element("testcase", classname=name, name="no findings")]
        yield _suite(name, cases, report.timings.rules.get(name, 0.0))


def _run_cases(report: Report) -> Iterator[ElementTree.Element]:
    """The run itself as tests: its errors, and the files it could not read."""
    for error in report.errors:
        case = _element("testcase", classname="semfora-hooks", name=f"run: {error.rule or error.kind}")
        text = error_line(error).removeprefix("error: ")
        _child(case, "error", text, type=error.kind, message=one_line(text.split("\n")[0]))
        yield case
    for item in report.incomplete:
        case = _element("testcase", classname="semfora-hooks", name=f"read {shown_path(item.file)}", file=item.file)
        _child(case, "skipped", "", message=f"incomplete: {one_line(item.reason)}")
        yield case
    if not (report.errors or report.incomplete):
        yield _element("testcase", classname="semfora-hooks", name="run")


def _case(item: Recommendation, report: Report) -> ElementTree.Element:
    first = first_symbol(item)
    where = {"file": first.file, "line": str(first.start_line)} if first is not None else {}
    case = _element("testcase", classname=item.rule_id, name=f"{place(item)} {one_line(item.title)}", **where)
    status = f" {item.status}" if item.status else ""
    text = "\n".join([f"{place(item)}: {severity(item)} {item.rule_id}{status}", *message_lines(item)])
    if item.suppressed is not None:
        reason = f": {one_line(item.suppressed.reason)}" if item.suppressed.reason else ""
        at = f"{shown_path(item.suppressed.file)}:{item.suppressed.line}"
        _child(case, "skipped", "", message=f"suppressed ({item.suppressed.kind}, {at}){reason}")
    elif is_failure(item, report):
        _child(case, "failure", text, type=f"{severity(item)}{status}", message=one_line(item.title))
    else:
        _child(case, "system-out", text)
    return case


def _suite(name: str, cases: list[ElementTree.Element], seconds: float) -> ElementTree.Element:
    counts = {
        "tests": len(cases),
        "failures": sum(case.find("failure") is not None for case in cases),
        "errors": sum(case.find("error") is not None for case in cases),
        "skipped": sum(case.find("skipped") is not None for case in cases),
    }
    suite = _element("testsuite", name=name, **{key: str(value) for key, value in counts.items()}, time=_time(seconds))
    suite.extend(cases)
    return suite


def _sums(suites: list[ElementTree.Element]) -> dict[str, str]:
    keys = ("tests", "failures", "errors", "skipped")
    return {key: str(sum(int(suite.get(key, "0")) for suite in suites)) for key in keys}


def _element(tag: str, **attributes: str) -> ElementTree.Element:
    return ElementTree.Element(tag, {key: _xml(value) for key, value in attributes.items()})


def _child(parent: ElementTree.Element, tag: str, text: str, **attributes: str) -> None:
    child = _element(tag, **attributes)
    child.text = _xml(text) or None
    parent.append(child)


def _xml(text: str) -> str:
    return _NOT_XML.sub("�", text)


def _time(seconds: float) -> str:
    return f"{seconds:.3f}"
