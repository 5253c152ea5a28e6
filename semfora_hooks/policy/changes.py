"""What a change did: findings of both sides compared by fingerprint."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from semfora_hooks.model import Recommendation, Status


def compare(
    after: Sequence[Recommendation], before: Sequence[Recommendation]
) -> tuple[list[Recommendation], list[Recommendation]]:
    """The findings after the change with their status, and those the change fixed."""
    known = {item.fingerprint: item for item in before}
    now = {item.fingerprint for item in after}
    judged = [msgspec.structs.replace(item, status=_status(item, known.get(item.fingerprint))) for item in after]
    return judged, [item for item in before if item.fingerprint not in now]


def _status(item: Recommendation, earlier: Recommendation | None) -> Status:
    if earlier is None:
        return "introduced"
    if any(value > earlier.metrics.get(name, value) for name, value in item.metrics.items()):
        return "worsened"
    if item.severity is not None and earlier.severity is not None and item.severity > earlier.severity:
        return "worsened"
    return "inherited"
