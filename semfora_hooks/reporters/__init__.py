"""The output formats that ship, by name. Each renders a report and decides nothing, and is imported when it is used."""

from __future__ import annotations

import importlib
from typing import TextIO

from semfora_hooks.hookspecs import RenderOptions, Reporter
from semfora_hooks.model import Report

TEXT_FORMATS = frozenset({"full", "concise"})
"""Formats that leave what went wrong with the run itself to standard error. The others say it themselves."""


def _reporter(name: str, module: str, description: str, function: str = "render") -> Reporter:
    """A reporter whose module waits until something is rendered."""

    def render(report: Report, stream: TextIO, options: RenderOptions) -> None:
        getattr(importlib.import_module(f"semfora_hooks.reporters.{module}"), function)(report, stream, options)

    return Reporter(name, render, description)


REPORTERS = {
    reporter.name: reporter
    for reporter in (
        _reporter(
            "full", "text", "findings with source, evidence and suggestion; default on a terminal", "render_full"
        ),
        _reporter("concise", "text", "one line a finding; default elsewhere", "render_concise"),
        _reporter("json", "jsonreport", "everything, as one JSON document (schema semfora.report)"),
        _reporter("jsonl", "jsonl", "the same, a JSON object a line"),
        _reporter("sarif", "sarif", "SARIF 2.1.0, for code scanning"),
        _reporter("github", "github", "annotations of a GitHub workflow"),
        _reporter("gitlab", "gitlab", "GitLab's code quality report"),
        _reporter("junit", "junit", "JUnit XML, for test reports"),
        _reporter("markdown", "markdown", "a table, for comments and job summaries"),
        _reporter("html", "htmlpage", "one page that needs nothing else"),
    )
}
