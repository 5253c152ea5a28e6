"""`json`: stable, complete, and printable whatever the names hold."""

from __future__ import annotations

import io
import json

import msgspec
import pytest

from semfora_hooks.hookspecs import RenderOptions
from semfora_hooks.model import Incomplete, Recommendation, Report, Severity, Summary, Timings, Tool
from semfora_hooks.reporters import REPORTERS
from semfora_hooks.reporters.jsonreport import SCHEMAS, as_json, schema


def test_a_report_spells_everything_out() -> None:
    stream = io.StringIO()
    report = Report(tool=Tool(version="1.2.3"), summary=Summary())
    REPORTERS["json"].render(report, stream, RenderOptions("/", lambda path: None))
    assert stream.getvalue().endswith("}\n")
    assert json.loads(stream.getvalue()) == {
        "schema": "semfora.report",
        "version": 1,
        "tool": {"name": "semfora-hooks", "version": "1.2.3"},
        "scope": {"kind": "repo", "base_ref": None},
        "summary": {
            "files": 0,
            "symbols": 0,
            "recommendations": 0,
            "by_severity": {},
            "by_rule": {},
            "suppressed": 0,
            "failed": False,
            "fail_on": "error",
        },
        "recommendations": [],
        "fixed": [],
        "errors": [],
        "incomplete": [],
        "notices": [],
        "timings": {"discover": 0.0, "extract": 0.0, "link": 0.0, "rules": {}, "total": 0.0},
    }
    assert msgspec.json.decode(stream.getvalue(), type=Report) == report


def test_mappings_are_sorted() -> None:
    first = Report(tool=Tool(version="1"), summary=Summary(), timings=Timings(rules={"b": 1.0, "a": 2.0}))
    second = Report(tool=Tool(version="1"), summary=Summary(), timings=Timings(rules={"a": 2.0, "b": 1.0}))
    assert as_json(first) == as_json(second)
    assert list(json.loads(as_json({"b": 1, "a": 2}))) == ["a", "b"]
    assert list(json.loads(as_json({"b": 1, "a": 2}, order=None))) == ["b", "a"]


@pytest.mark.parametrize("count", [0, 1, 3])
def test_findings_one_by_one_are_the_document(count: int) -> None:
    texts = ['\n  "recommendations": []', "half\ud800 größe\u2028", "[]"]
    found = [
        Recommendation(title=text, description="{}\n", severity=Severity.INFO, confidence=1.0, metrics={"b": 1, "a": 2})
        for text in texts[:count]
    ]
    report = Report(tool=Tool(version=texts[0]), summary=Summary(), recommendations=found, fixed=found)
    stream = io.StringIO()
    REPORTERS["json"].render(report, stream, RenderOptions("/", lambda path: None))
    assert stream.getvalue() == as_json(report)


def test_text_that_is_no_unicode_shows_as_escapes() -> None:
    report = Report(
        tool=Tool(version="1"),
        summary=Summary(by_rule={"half\ud800": 1}),
        incomplete=[Incomplete(file="bad\udcff.py", reason="größe")],
    )
    document = json.loads(as_json(report))
    assert document["incomplete"] == [{"file": "bad\\udcff.py", "reason": "größe"}]
    assert document["summary"]["by_rule"] == {"half\\ud800": 1}


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_schemas_say_what_they_are(name: str) -> None:
    made = schema(name)
    assert made["$id"] == f"https://semfora.dev/schemas/{name}.v1.json"
    assert made["title"] == f"semfora {name}, version 1"
