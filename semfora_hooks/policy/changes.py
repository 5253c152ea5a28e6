"""What a change did: findings of both sides compared by fingerprint, and what brought about the differences."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from semfora_hooks.model import Evidence, Recommendation, Status, Suppression

if TYPE_CHECKING:
    from semfora_hooks.policy.moves import Moves

_REOPENED = "the change takes away the comment that silenced it"
_NEWS: dict[Status | None, int] = {None: 0, "inherited": 0, "worsened": 1, "introduced": 2}


class Comparison(msgspec.Struct, frozen=True):
    """What a change did, told from one of its parents.

    Attributes:
        found: The findings after it with their status; those that the change does not reach may be left out.
        fixed: Those before it that are gone.
        failed: Ids of rules that did not say all they had to say.
    """

    found: list[Recommendation]
    fixed: list[Recommendation]
    failed: frozenset[str] = frozenset()


def against_all(first: Comparison, others: Sequence[Comparison]) -> Comparison:
    """What a merge did: only what it did to each of its parents. The rest came with one of them, and was judged there.

    Args:
        first: The change of the parent that the merge goes on from.
        others: The changes of the others, by the same rules.
    """
    if not others:
        return first
    found, fixed = first.found, first.fixed
    for other in others:
        theirs = {item.fingerprint: item for item in other.found}
        found = [
            item if item.rule_id in other.failed else _lesser(item, theirs.get(item.fingerprint)) for item in found
        ]
        gone = {item.fingerprint for item in other.fixed}
        fixed = [item for item in fixed if item.fingerprint in gone or item.rule_id in other.failed]
    return Comparison(found, fixed, first.failed)


def _lesser(item: Recommendation, other: Recommendation | None) -> Recommendation:
    """A finding as the parent tells it to which it is the lesser news."""
    if other is not None and _NEWS[other.status] >= _NEWS[item.status]:
        return item
    if other is not None:
        return other
    from semfora_hooks.policy.causes import without_causes

    return msgspec.structs.replace(without_causes(item), status="inherited")


def compare(
    after: Sequence[Recommendation],
    before: Sequence[Recommendation],
    look_for_moves: Callable[[], Moves] | None = None,
) -> tuple[list[Recommendation], list[Recommendation]]:
    """The findings after the change with their status, and those the change fixed.

    Args:
        after: What is found after the change.
        before: What was found before it.
        look_for_moves: Says what became of the symbols; asked if anything differs. With it, a finding whose symbol
            moved is not new, and differences get their cause as evidence.
    """
    known = {item.fingerprint: item for item in before}
    new = [item for item in after if item.fingerprint not in known]
    now = {item.fingerprint for item in after}
    gone = [item for item in before if item.fingerprint not in now]
    moves: Moves | None = None
    if look_for_moves is not None and new and gone:
        moves = look_for_moves()
        same = moves.pair(new, gone)
        known.update(same)
        moved = {item.fingerprint for item in same.values()}
        gone = [item for item in gone if item.fingerprint not in moved]
    judged = [msgspec.structs.replace(item, status=_status(item, known.get(item.fingerprint))) for item in after]
    if look_for_moves is None or not (gone or any(item.status != "inherited" for item in judged)):
        return judged, gone
    from semfora_hooks.policy.causes import Causes

    causes = Causes(moves or look_for_moves())
    return [causes.explain(item, known.get(item.fingerprint)) for item in judged], [
        causes.explain_fixed(item) for item in gone
    ]


def reopen(
    judged: Sequence[Recommendation], reopened: Mapping[str, Suppression], rules: Container[str]
) -> list[Recommendation]:
    """The findings, those as introduced that were silenced before by a comment which the change took away.

    Else anything could be brought in with a comment, which the next change deletes.

    Args:
        judged: The findings after the change, with their status.
        reopened: The comments that silenced something before, by its fingerprint, where none does now.
        rules: Ids of the rules that say the same of a file with such a comment whatever else a run looks at.
    """
    return [
        _reopened(item, comment)
        if item.status == "inherited"
        and (comment := reopened.get(item.fingerprint)) is not None
        and item.rule_id in rules
        else item
        for item in judged
    ]


def _reopened(item: Recommendation, comment: Suppression) -> Recommendation:
    cause = Evidence(kind="cause", text=_REOPENED, file=comment.file, line=comment.line)
    return msgspec.structs.replace(item, status="introduced", evidence=(cause, *item.evidence))


def _status(item: Recommendation, earlier: Recommendation | None) -> Status:
    if earlier is None:
        return "introduced"
    if any(value > earlier.metrics.get(name, value) for name, value in item.metrics.items()):
        return "worsened"
    if item.severity is not None and earlier.severity is not None and item.severity > earlier.severity:
        return "worsened"
    return "inherited"
