"""Findings of both sides of a change, compared."""

from __future__ import annotations

from semfora_hooks.model import Severity
from semfora_hooks.policy.changes import compare

from .builders import finding


def test_each_status() -> None:
    before = [
        finding(fingerprint="same", metrics={"lines": 3}),
        finding(fingerprint="better", metrics={"lines": 3}),
        finding(fingerprint="worse", metrics={"lines": 3, "depth": 1}),
        finding(fingerprint="severer"),
        finding(fingerprint="milder", severity=Severity.ERROR),
        finding(fingerprint="gone"),
    ]
    after = [
        finding(fingerprint="same", metrics={"lines": 3}),
        finding(fingerprint="better", metrics={"lines": 2}),
        finding(fingerprint="worse", metrics={"lines": 1, "depth": 2}),
        finding(fingerprint="severer", severity=Severity.ERROR),
        finding(fingerprint="milder"),
        finding(fingerprint="new"),
    ]
    judged, fixed = compare(after, before)
    assert [(item.fingerprint, item.status) for item in judged] == [
        ("same", "inherited"),
        ("better", "inherited"),
        ("worse", "worsened"),
        ("severer", "worsened"),
        ("milder", "inherited"),
        ("new", "introduced"),
    ]
    assert [item.fingerprint for item in fixed] == ["gone"]


def test_a_metric_that_was_not_there_before_is_no_worsening() -> None:
    (judged,), fixed = compare(
        [finding(fingerprint="x", metrics={"lines": 3, "new": 9})], [finding(fingerprint="x", metrics={"lines": 3})]
    )
    assert (judged.status, fixed) == ("inherited", [])


def test_nothing_on_either_side() -> None:
    assert compare([], []) == ([], [])
