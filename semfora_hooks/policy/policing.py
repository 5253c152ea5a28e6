"""What happens to findings between the rules and the report: comments, ignored files, confidence, the baseline."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from semfora_hooks.config import Config
from semfora_hooks.hookspecs import Rule
from semfora_hooks.languages.facts import SuppressionFacts
from semfora_hooks.model import Incomplete, Recommendation, Suppression
from semfora_hooks.policy import baseline, intake, selection
from semfora_hooks.policy.suppression import Suppressions
from semfora_hooks.policy.unused import RULE_ID, Anchors, Names, unused


class CommentedSide(Protocol):
    """One side of a run, as far as comments are concerned."""

    @property
    def suppressions(self) -> Mapping[str, Sequence[SuppressionFacts]]:
        """Comments that speak to us, by path."""

    def line_of(self, identity: str) -> int | None:
        """The line of a symbol's definition."""

    def anchors(self) -> Anchors:
        """The symbols that the comments belong to."""

    def all_incomplete(self) -> list[Incomplete]:
        """What could not be read, or not wholly."""


class Policing:
    """Polices the findings of one run.

    Args:
        config: The repository's configuration.
        rules: The rules that run.
        known: All rules that could be loaded.
        are_all: Those are all there are: every provider could load its rules.
        is_staged: What is staged is judged, with the baseline that is staged.

    Attributes:
        baseline: After `police`: the accepted findings, and entries that match nothing in what is judged.
        notices: What the user should know about the baseline.
    """

    def __init__(
        self,
        config: Config,
        rules: Sequence[Rule],
        known: Iterable[Rule],
        *,
        are_all: bool,
        is_staged: bool = False,
    ) -> None:
        self._config = config
        self._rules = rules
        self._known = {rule.id: rule for rule in (*known, *rules)}
        self._are_all = are_all
        self._words = selection.comment_words(rules)
        self._today = datetime.datetime.now(tz=datetime.UTC).date()
        self.names = Names(self._known, (), are_all=False)
        self.comments = Suppressions({}, self._today, lambda _: None)
        self._sound: Container[str] = ()
        self._gaps: Container[str] = ()
        self._is_staged = is_staged
        self.baseline = baseline.Comparison()
        self.notices: list[str] = []

    def add_unused(
        self,
        side: CommentedSide,
        found: list[Recommendation],
        failed: Container[str],
        sees: Callable[[Rule], bool] = lambda rule: True,
        only: Container[str] | None = None,
        aliases: Mapping[str, str] = {},
    ) -> list[Recommendation]:
        """All that rules found on a side, with what `unused-suppression` has to say now that this is known.

        The side's comments are those that `police` looks at from now on.

        Args:
            side: The side.
            found: What the rules found.
            failed: Ids of rules that did not say all.
            sees: Whether a rule looked at all of the files whose comments are judged.
            only: Paths whose comments are judged; all where `None`.
            aliases: Module to the name it has on the other side of a change.
        """
        sound = {rule.id for rule in self._rules if sees(rule) and rule.id not in failed}
        self._sound, self._gaps = sound, {item.file for item in side.all_incomplete()}
        self.names = Names(self._known, sound, are_all=self._are_all)
        self.comments = Suppressions(side.suppressions, self._today, side.line_of)
        for item in found:
            self.comments.find(item, self._words[item.rule_id])
        rule = next((rule for rule in self._rules if rule.id == RULE_ID), None)
        if rule is None or not self.comments.marks:
            return found
        gaps = self._gaps
        more = unused(
            self.comments,
            rule,
            self.names,
            side.anchors(),
            lambda path: path not in gaps and (only is None or path in only),
            self._config.severity.get(rule.id),
            aliases,
        )
        return sorted([*found, *more], key=intake.order) if more else found

    def police(
        self, found: Iterable[Recommendation], root: Path, concerns: Callable[[Recommendation], bool]
    ) -> list[Recommendation]:
        """Leave out what is ignored or too unsure, mark what is suppressed or in the baseline.

        Args:
            found: The findings.
            root: Where the baseline's path starts from.
            concerns: Whether a finding is about what was asked for.

        Raises:
            ConfigError: The baseline cannot be read, or a glob is none.
        """
        config = self._config
        entries = self._accepted(root)
        found = list(found)
        self.baseline = baseline.compare(entries, found, self._would_find, self._gaps)
        kept = []
        for item in self.wanted(found, concerns):
            mark = self.comments.find(item, self._words[item.rule_id])
            if mark is None and item.fingerprint in entries:
                mark = baseline.accepted(config.baseline or "")
            kept.append(item if mark is None else msgspec.structs.replace(item, suppressed=mark))
        return kept

    def wanted(
        self, found: Iterable[Recommendation], concerns: Callable[[Recommendation], bool]
    ) -> list[Recommendation]:
        """Those that are neither ignored nor too unsure, and about what was asked for.

        Args:
            found: The findings.
            concerns: Whether a finding is about what was asked for.

        Raises:
            ConfigError: A glob is none.
        """
        is_ignored = selection.ignored_in_files(self._config, self._rules)
        return [
            item
            for item in found
            if item.confidence >= self._config.min_confidence and not is_ignored(item) and concerns(item)
        ]

    def silenced(self, found: Iterable[Recommendation]) -> dict[str, Suppression]:
        """Fingerprints of findings, each with the comment of the side last looked at that silences it."""
        marks = ((item.fingerprint, self.comments.find(item, self._words[item.rule_id])) for item in found)
        return {name: mark for name, mark in marks if mark is not None}

    def _accepted(self, root: Path) -> Mapping[str, baseline.Entry]:
        if self._config.baseline is None:
            return {}
        path = baseline.locate(root, self._config.baseline)
        if self._is_staged and path.is_relative_to(root):
            return baseline.read_staged(root, path, self.notices)
        return baseline.read(path)

    def _would_find(self, rule_id: str) -> bool:
        """Whether a rule would have found again what it found once: it looked at everything, or is no more."""
        return rule_id in self._sound or (self._are_all and rule_id not in self._known)
