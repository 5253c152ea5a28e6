"""Which findings trip the gate, and the run in numbers."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

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


SEVERITIES = ["info", "warning", "error", "never"]
"""From mild to severe; nothing is as severe as `never`."""


@given(
    severity=st.sampled_from(SEVERITIES[:-1]),
    fail_on=st.sampled_from(SEVERITIES),
    confidence=st.floats(0, 1),
    least=st.floats(0, 1),
)
def test_two_axes(severity: str, fail_on: str, confidence: float, least: float) -> None:
    """A finding trips the gate if it is both severe and sure enough, and neither makes up for the other."""
    item = finding(severity=Severity(severity), confidence=confidence)
    config = Config(fail_on=fail_on, min_confidence=least)  # type: ignore[arg-type]
    is_severe = SEVERITIES.index(severity) >= SEVERITIES.index(fail_on)
    assert trips(item, config) is (is_severe and confidence >= least)
    assert summarise([item], config, files=1, symbols=1).failed is trips(item, config)
