"""Which findings trip the gate, and the run in numbers."""

from __future__ import annotations

from typing import Any

import pytest

from semfora_hooks.config import Config
from semfora_hooks.model import Severity, Suppression
from semfora_hooks.policy.gate import summarise, trips

from .builders import finding

MARK = Suppression(kind="comment", file="a.py", line=1)


@pytest.mark.parametrize(
    ("item", "config", "expected"),
    [
        ({"severity": Severity.ERROR}, {"fail_on": "error"}, True),
        ({"severity": Severity.WARNING}, {"fail_on": "error"}, False),
        ({"severity": Severity.WARNING}, {"fail_on": "warning"}, True),
        ({"severity": Severity.ERROR}, {"fail_on": "info"}, True),
        ({"severity": Severity.INFO}, {"fail_on": "warning"}, False),
        ({"severity": Severity.ERROR}, {"fail_on": "never"}, False),
        ({"severity": Severity.ERROR, "suppressed": MARK}, {"fail_on": "info"}, False),
        ({"severity": Severity.ERROR, "confidence": 0.5}, {"min_confidence": 0.5}, True),
        ({"severity": Severity.ERROR, "confidence": 0.49}, {"min_confidence": 0.5}, False),
        ({"severity": Severity.ERROR, "status": "inherited"}, {}, False),
        ({"severity": Severity.ERROR, "status": "inherited"}, {"new_only": False}, True),
        ({"severity": Severity.ERROR, "status": "introduced"}, {}, True),
        ({"severity": Severity.ERROR, "status": "worsened"}, {}, True),
        ({"severity": None}, {"fail_on": "info"}, False),
    ],
)
def test_trips(item: dict[str, Any], config: dict[str, Any], expected: bool) -> None:
    assert trips(finding(**item), Config(**config)) is expected


def test_the_summary_counts_what_is_not_suppressed() -> None:
    found = [
        finding(severity=Severity.ERROR, suppressed=MARK),
        finding(severity=Severity.WARNING, rule_id="b"),
        finding(severity=Severity.WARNING, rule_id="a"),
        finding(severity=Severity.INFO, rule_id="a"),
    ]
    summary = summarise(found, Config(), files=4, symbols=9)
    assert (summary.files, summary.symbols, summary.recommendations, summary.suppressed) == (4, 9, 3, 1)
    assert summary.by_severity == {"error": 0, "warning": 2, "info": 1}
    assert list(summary.by_rule.items()) == [("a", 2), ("b", 1)]
    assert (summary.failed, summary.fail_on) == (False, "error")
    assert summarise(found, Config(fail_on="warning"), files=4, symbols=9).failed
