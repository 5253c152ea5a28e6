"""What `unused-suppression` reports: comments that match nothing, that expired, or that are written wrongly."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence

import msgspec

from semfora_hooks.config import nearest
from semfora_hooks.hookspecs import Rule
from semfora_hooks.languages.facts import SuppressionFacts
from semfora_hooks.model import CommentState, Evidence, Recommendation, Severity, Symbol, SymbolRef
from semfora_hooks.policy import intake
from semfora_hooks.policy.intake import clean
from semfora_hooks.policy.selection import EVERYTHING, RECOMMENDED, selectors
from semfora_hooks.policy.suppression import Mark, Suppressions, read_marks

RULE_ID = "unused-suppression"
_BLANKETS = frozenset({EVERYTHING, RECOMMENDED, "*"})


class Names:
    """What the names in brackets mean in a run.

    Args:
        known: All rules that were loaded.
        sound: Ids of those that ran over the whole of what is judged, and did not fail.
        are_all: Every provider could load its rules, so that a name none of them has is nobody's.
    """

    def __init__(self, known: Mapping[str, Rule], sound: Container[str], *, are_all: bool) -> None:
        self._rules: dict[str, set[str]] = {}
        for rule in known.values():
            for word in selectors(rule):
                self._rules.setdefault(word, set()).add(rule.id)
        self._sound = sound
        self._are_all = are_all

    def problem(self, name: str) -> str | None:
        """What is wrong with a name that matched nothing; `None` where that proves nothing."""
        if name in _BLANKETS:
            return f"'{name}' names no rule: there is no form that silences everything"
        rules = self._rules.get(name)
        if rules is None:
            if not self._are_all:
                return None
            guess = nearest(name, sorted(set(self._rules) - _BLANKETS))
            return f"there is no rule '{name}'" + (f"; did you mean '{guess}'?" if guess else "")
        return f"'{name}' finds nothing here" if all(rule in self._sound for rule in rules) else None

    def is_own(self, name: str) -> bool:
        """Whether a name means `unused-suppression` alone, which has its say last."""
        return self._rules.get(name, {name}) == {RULE_ID}


class Anchor(msgspec.Struct, frozen=True, array_like=True):
    """The symbol that a comment belongs to, and its kind."""

    symbol: SymbolRef
    kind: str


Anchors = Mapping[tuple[str, int], Anchor]
"""Path and line of a comment to the symbol it belongs to."""


def anchors(suppressions: Mapping[str, Sequence[SuppressionFacts]], symbols: Iterable[Symbol]) -> Anchors:
    """The symbols that comments belong to: what is defined on the line they speak for, or what is around them.

    Args:
        suppressions: The comments, by path.
        symbols: Those of their files, and perhaps others; a file's module comes first.
    """
    if not suppressions:
        return {}
    by_path: dict[str, list[Symbol]] = {}
    for symbol in symbols:
        if symbol.file in suppressions:
            by_path.setdefault(symbol.file, []).append(symbol)
    return {
        (path, mark.comment_line): Anchor(SymbolRef.of(place), place.kind)
        for path, known in by_path.items()
        for mark, place in _places(read_marks(path, suppressions[path]), known)
    }


def _places(marks: Iterable[Mark], symbols: Sequence[Symbol]) -> Iterator[tuple[Mark, Symbol]]:
    """Some comments of a file, by line, each with the symbol that it belongs to.

    Args:
        marks: The comments.
        symbols: The file's, by position: the module comes first, and what is inside comes behind what is around it.
    """
    defined: dict[int, Symbol] = {}
    for symbol in symbols[1:]:
        defined.setdefault(symbol.start_line, symbol)
    around = [symbols[0]]
    position = 1
    for mark in marks:
        while position < len(symbols) and symbols[position].start_line <= mark.comment_line:
            around.append(symbols[position])
            position += 1
        while len(around) > 1 and around[-1].end_line < mark.comment_line:
            around.pop()
        yield mark, symbols[0] if mark.whole_file else defined.get(mark.line, around[-1])


class Problem(msgspec.Struct, frozen=True, array_like=True):
    """What is wrong with a comment: `malformed`, `expired`, `unused` (for some names) or `reason` (it has none)."""

    kind: str
    title: str
    suggestion: str
    names: tuple[str, ...] = ()


def unused(
    suppressions: Suppressions,
    rule: Rule,
    names: Names,
    anchors: Anchors,
    is_judged: Callable[[str], bool] = lambda path: True,
    severity: Severity | None = None,
    aliases: Mapping[str, str] = {},
) -> list[Recommendation]:
    """The comments that are good for nothing, as findings.

    Args:
        suppressions: The comments; every finding must have been looked up in them.
        rule: `unused-suppression`, with its options.
        names: What names in brackets mean.
        anchors: The symbols that the comments belong to.
        is_judged: Whether the comments of a file, by its path, are judged.
        severity: The configuration's severity for the rule.
        aliases: Module to the name it has on the other side of a change.
    """
    requires_reason = bool(getattr(getattr(rule, "options", None), "require_reason", False))
    found: list[Recommendation] = []
    kinds: dict[str, str] = {}
    for mark, used in zip(suppressions.marks, suppressions.used, strict=True):
        place = anchors.get((mark.path, mark.comment_line))
        if place is None or not is_judged(mark.path):
            continue
        kinds[place.symbol.id] = place.kind
        for problem in problems(mark, used, suppressions.today, names, requires_reason=requires_reason):
            found.append(_finding(mark, problem, place, rule, severity))
    return intake.number(found, lambda item: intake.identity(item, kinds[item.symbols[0].id], aliases))


def problems(
    mark: Mark, used: set[str], today: datetime.date, names: Names, *, requires_reason: bool = False
) -> Iterator[Problem]:
    """What is wrong with a comment.

    Args:
        mark: The comment.
        used: The names in its brackets that match a finding.
        today: The day of the run.
        names: What names in brackets mean.
        requires_reason: Whether a comment must say why.
    """
    if mark.problem is not None:
        yield Problem("malformed", f"This comment silences nothing: {mark.problem}", "Correct it, or delete it.")
        return
    if mark.has_expired(today):
        came_back = ", and what it silenced is still there" if used else ""
        advice = "Fix what it was written for, or say until when it may stay." if used else "Delete it."
        yield Problem("expired", f"This comment's last day was {mark.until}{came_back}", advice, mark.rules)
        return
    wrong = {
        name: problem
        for name in mark.rules
        if name not in used and not names.is_own(name) and (problem := names.problem(name)) is not None
    }
    if wrong:
        rest = [name for name in mark.rules if name not in wrong]
        advice = f"Take {', '.join(wrong)} out of its brackets." if rest else "Delete it."
        title = f"This comment silences nothing for {', '.join(wrong)}" if rest else "This comment silences nothing"
        yield Problem("unused", f"{title}: {'; '.join(wrong.values())}", advice, tuple(wrong))
    if requires_reason and mark.reason is None and len(wrong) < len(mark.rules):
        yield Problem("reason", "This comment does not say why", "Write the reason behind --.", mark.rules)


class Review(msgspec.Struct, frozen=True):
    """What a comment is good for.

    Attributes:
        state: `used`; `partly used`, where some names match nothing; `unused`; `expired`; `malformed`; or `unknown`,
            where nobody can tell.
        remarks: What is wrong with it, or not known.
    """

    state: CommentState
    remarks: tuple[str, ...] = ()


def review(mark: Mark, used: set[str], today: datetime.date, names: Names, *, is_whole: bool = True) -> Review:
    """What a comment is good for; arguments as of `problems`.

    Args:
        mark: The comment.
        used: The names in its brackets that match a finding.
        today: The day of the run.
        names: What names in brackets mean.
        is_whole: Rules could see the whole of its file.
    """
    if mark.problem is not None:
        return Review("malformed", (mark.problem,))
    if mark.has_expired(today):
        return Review("expired", ("what it silenced is still there",) if used else ())
    idle = [name for name in mark.rules if name not in used]
    if not is_whole:
        return Review("used") if not idle else Review("unknown", ("its file could not be analysed wholly",))
    wrong = [problem for name in idle if (problem := names.problem(name)) is not None]
    unsure = [f"'{name}' was not looked for" for name in idle if names.problem(name) is None]
    if wrong:
        return Review("partly used" if len(wrong) < len(mark.rules) else "unused", (*wrong, *unsure))
    return Review("unknown" if unsure and not used else "used", tuple(unsure))


def _finding(mark: Mark, problem: Problem, place: Anchor, rule: Rule, severity: Severity | None) -> Recommendation:
    where = SymbolRef(
        id=place.symbol.id,
        name=place.symbol.name,
        file=place.symbol.file,
        module=place.symbol.module,
        start_line=mark.comment_line,
        end_line=mark.comment_line,
    )
    discriminator = ":".join((problem.kind, *sorted(problem.names)))
    evidence = []
    if mark.reason is not None:
        evidence.append(Evidence(kind="reason", text=f"its reason: {clean(mark.reason)}"))
    return Recommendation(
        id=clean(f"{rule.id}:{where.id}:{discriminator}"),
        rule_id=rule.id,
        group=rule.group,
        category=rule.category,
        severity=severity or rule.severity,
        confidence=1.0,
        title=clean(" ".join(problem.title.split())),
        description="",
        symbols=(where,),
        suggestion=clean(problem.suggestion),
        evidence=tuple(evidence),
        discriminator=clean(discriminator),
    )
