"""The output formats that ship, by name. Each renders a report and decides nothing."""

from __future__ import annotations

from semfora_hooks.hookspecs import Reporter
from semfora_hooks.reporters import jsonreport, text

REPORTERS = {
    reporter.name: reporter
    for reporter in (
        Reporter("full", text.render_full, "findings with source, evidence and suggestion; default on a terminal"),
        Reporter("concise", text.render_concise, "one line a finding; default elsewhere"),
        Reporter("json", jsonreport.render, "everything, as one JSON document (schema semfora.report)"),
    )
}
