"""What the host fills in, sorts and identifies."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from semfora_hooks.errors import ProviderError
from semfora_hooks.model import Evidence, Recommendation, Severity, SymbolRef
from semfora_hooks.policy.intake import complete, finish

from .builders import AnyRule, context, finding, symbol

RULE = AnyRule("rule")


def test_the_configured_severity_wins_over_the_findings_over_the_rules() -> None:
    here = context()
    assert complete(Recommendation(title="t"), RULE, here, None).severity is Severity.WARNING
    assert complete(Recommendation(title="t", severity=Severity.INFO), RULE, here, None).severity is Severity.INFO
    item = Recommendation(title="t", severity=Severity.INFO)
    assert complete(item, RULE, here, Severity.ERROR).severity is Severity.ERROR


def test_a_rule_cannot_speak_for_another_or_claim_a_verdict() -> None:
    item = finding(symbol(), rule_id="another", status="inherited", suppressed=None, fingerprint="mine")
    checked = complete(item, RULE, context(), None)
    assert (checked.rule_id, checked.status, checked.suppressed) == ("rule", None, None)
    (finished,) = finish([checked], context(), {})
    assert finished.fingerprint != "mine"


@pytest.mark.parametrize(("line", "expected"), [(1, 1), (3, 3), (10, 10), (11, 1), (0, 1), (-5, 1), (10**9, 1)])
def test_a_finding_may_point_inside_its_symbol_only(line: int, expected: int) -> None:
    where = symbol()  # lines 1 to 10
    item = Recommendation(title="t", symbols=(SymbolRef(id=where.id, name="lie", file="lie.py", start_line=line),))
    (ref,) = complete(item, RULE, context(), None).symbols
    assert (ref.name, ref.file, ref.start_line) == ("f", "a.py", expected)


def test_fingerprints_ignore_lines_metrics_words_and_paths_but_not_identity() -> None:
    def print_of(item: Recommendation, *symbols: object) -> str:
        (done,) = finish([item], context(*symbols), {})  # type: ignore[arg-type]
        return done.fingerprint

    where = symbol()
    reference = print_of(finding(where), where)
    moved = symbol(line=50)
    assert print_of(finding(moved), moved) == reference
    assert print_of(finding(where, title="x", confidence=0.1, metrics={"a": 1}, severity=None), where) == reference
    other = symbol("g")
    assert print_of(finding(other), other) != reference
    assert print_of(finding(where, rule_id="other"), where) != reference
    assert print_of(finding(where, discriminator="x"), where) != reference
    method = symbol(kind="method")
    assert print_of(finding(method), method) != reference
    elsewhere = symbol(file="b.py")
    assert print_of(finding(elsewhere), elsewhere) != reference


def test_a_renamed_module_keeps_its_fingerprints() -> None:
    old, new = symbol(file="old.py"), symbol(file="new.py")
    (before,) = finish([finding(old)], context(old), {"old": "new"})
    (after,) = finish([finding(new)], context(new), {})
    assert before.fingerprint == after.fingerprint


def test_repeated_findings_get_ids_and_fingerprints_of_their_own() -> None:
    where = symbol()
    done = finish([finding(where, id="x") for _ in range(3)], context(where), {})
    assert [item.id for item in done] == ["x", "x#2", "x#3"]
    assert len({item.fingerprint for item in done}) == 3


def test_order() -> None:
    first, second = symbol("a", "a.py", 5), symbol("b", "b.py", 1)
    items = [
        finding(second, id="5"),
        finding(first, id="4"),
        finding(first, id="3", confidence=0.9),
        finding(second, id="2", severity=Severity.ERROR, confidence=0.1),
        finding(id="3b", confidence=0.8),
        finding(first, id="6", severity=Severity.INFO, confidence=1.0),
    ]
    done = finish(items, context(first, second), {})
    assert [item.id for item in done] == ["2", "3", "3b", "4", "5", "6"]
    assert finish(list(reversed(items)), context(first, second), {}) == done


TEXT = st.text(st.characters(exclude_categories=()), max_size=20)


@given(
    title=TEXT,
    description=TEXT,
    discriminator=TEXT,
    evidence=TEXT,
    identity=TEXT,
    confidence=st.floats() | st.integers() | st.booleans() | st.none(),
    metric=st.floats() | st.integers(),
)
def test_whatever_comes_in_is_refused_or_can_be_printed(
    title: str,
    description: str,
    discriminator: str,
    evidence: str,
    identity: str,
    confidence: object,
    metric: float,
) -> None:
    item = Recommendation(
        id=identity,
        title=title,
        description=description,
        suggestion=description,
        discriminator=discriminator,
        evidence=(Evidence(kind=evidence, text=evidence),),
        metrics={evidence: metric},
        confidence=confidence,  # type: ignore[arg-type]
    )
    try:
        checked = complete(item, RULE, context(), None)
    except ProviderError as error:
        assert "rule 'rule'" in error.message
        return
    (done,) = finish([checked], context(), {})
    assert msgspec.json.decode(msgspec.json.encode(done), type=Recommendation) == done
    assert 0.0 <= done.confidence <= 1.0
    assert "\x1b" not in done.title + done.description + done.id + done.discriminator
    assert "\n" not in done.title
