"""The verdict: which findings trip the gate."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from semfora_hooks.config import Config
from semfora_hooks.model import Recommendation, Severity, Summary


def trips(item: Recommendation, config: Config) -> bool:
    """Whether one finding is severe, sure and new enough to fail a run."""
    if config.fail_on == "never" or item.suppressed is not None or item.severity is None:
        return False
    if config.new_only and item.status == "inherited":
        return False
    return item.severity >= Severity(config.fail_on) and item.confidence >= config.min_confidence


def summarise(found: Sequence[Recommendation], config: Config, *, files: int, symbols: int) -> Summary:
    """The run in numbers, and whether the gate tripped."""
    open_findings = [item for item in found if item.suppressed is None]
    severities = Counter(item.severity.value for item in open_findings if item.severity is not None)
    return Summary(
        files=files,
        symbols=symbols,
        recommendations=len(open_findings),
        by_severity={severity.value: severities[severity.value] for severity in reversed(Severity)},
        by_rule=dict(sorted(Counter(item.rule_id for item in open_findings).items())),
        suppressed=len(found) - len(open_findings),
        failed=any(trips(item, config) for item in found),
        fail_on=config.fail_on,
    )
