"""The findings of a change: the same rules judge both sides, and each finding is told what the change did to it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from semfora_hooks import discovery, evaluation
from semfora_hooks.config import Config
from semfora_hooks.evaluation import Run
from semfora_hooks.hookspecs import Rule
from semfora_hooks.model import Recommendation, Scope
from semfora_hooks.plugin_manager import LoadedRule
from semfora_hooks.policy import changes
from semfora_hooks.policy.changes import Comparison
from semfora_hooks.policy.focus import Focus
from semfora_hooks.policy.policing import Policing
from semfora_hooks.sides import Side, Sides

if TYPE_CHECKING:
    from semfora_hooks.policy.moves import Moves


class ChangeJudge:
    """Judges changes.

    Args:
        config: The repository's configuration.
        rules: Those that judge.
        policing: What silences findings.
        show_inherited: Findings that were there before are wanted too.
    """

    def __init__(
        self, config: Config, rules: Sequence[LoadedRule], policing: Policing, *, show_inherited: bool
    ) -> None:
        self.config = config
        self.rules = rules
        self.policing = policing
        self.show_inherited = show_inherited

    def judge(
        self, scope: Scope, others: Iterable[Scope], read: Callable[[Scope], Sides], run: Run
    ) -> tuple[Side, list[Recommendation], list[Recommendation]]:
        """The side after a change, its findings with their statuses, and those that the change fixed.

        Args:
            scope: The change.
            others: The same as a change of other commits, those that it merges.
            read: Gives both sides of a change.
            run: Gets what goes wrong, and the time that it takes.
        """
        compared_with_others = []
        # The first parent comes last, since `policing` then looks at the comments of the side that is reported.
        for other in others:
            if discovery.touches_analysis(other.files):
                theirs = Run(seconds=run.seconds, rule_seconds=run.rule_seconds)
                compared_with_others.append(self._compare(other, read(other), theirs))
            else:
                compared_with_others.append(Comparison([], []))
        sides = read(scope)
        compared = changes.against_all(self._compare(scope, sides, run), compared_with_others)
        found = compared.found
        if not self.show_inherited:
            found = [item for item in found if item.status != "inherited"]
        return sides.after, found, compared.fixed

    def _compare(self, scope: Scope, sides: Sides, run: Run) -> Comparison:
        """Judge both sides, and give each finding its status. The base's own errors are not news."""
        before, after = sides.before, sides.after
        now = {symbol.file: symbol.module for symbol in after.context.symbols if symbol.kind == "module"}
        then = {symbol.file: symbol.module for symbol in before.context.symbols if symbol.kind == "module"}
        aliases = {
            then[change.old_path]: now[change.path]
            for change in scope.files
            if change.old_path in then and change.path in now
        }
        known = set(after.incomplete)
        after.incomplete.extend(
            msgspec.structs.replace(item, reason=f"before the change: {item.reason}")
            for item in before.incomplete
            if item not in known
        )
        view = Focus(before.context, after.context, sides.files).view if self._wants_focus() else evaluation.everything
        now_seen, then_seen = (evaluation.begin(self.rules, side, self.config, view) for side in (after, before))
        past = Run()
        found = evaluation.evaluate(self.rules, after, now_seen, {}, self.config, run, sides.is_about)
        earlier = evaluation.evaluate(self.rules, before, then_seen, aliases, self.config, past, sides.is_about)
        # Where plugins had no time left for the side before, what they said all along would pass for new.
        run.errors.extend(error for error in past.errors if error.kind == "timeout" and error.rule not in run.failed)
        failed = run.failed | past.failed  # a comment for a rule that fails on one side only has not changed
        old_paths = {change.old_path or change.path for change in scope.files}
        earlier = self.policing.add_unused(before, earlier, failed, _sees_whole_files, old_paths, aliases)
        silent = self.policing.silenced(earlier)
        paths = {change.path for change in scope.files}
        found = self.policing.add_unused(after, found, failed, _sees_whole_files, paths)
        judged, fixed = changes.compare(found, earlier, partial(_moves, scope, before, after))
        fixed = [item for item in fixed if item.fingerprint not in silent]
        still = self.policing.silenced(found)
        reopened = {name: comment for name, comment in silent.items() if name not in still}
        judged = changes.reopen(judged, reopened, {one.rule.id for one in self.rules if _sees_comments(one.rule)})
        return Comparison(judged, fixed, frozenset(failed))

    def _wants_focus(self) -> bool:
        """Whether some rule is shown only what a change is about. What was there before is elsewhere too."""
        return not self.show_inherited and any(getattr(one.rule, "locality", "") == "focus" for one in self.rules)


def _moves(scope: Scope, before: Side, after: Side) -> Moves:
    """What became of the symbols of a change."""
    from semfora_hooks.policy.moves import Moves

    return Moves(scope.files, before, after)


def _sees_whole_files(rule: Rule) -> bool:
    """Whether what a rule finds in a file is all that a run about a change can know, whatever the change reaches."""
    return getattr(rule, "locality", "repository") in ("file", "repository")


def _sees_comments(rule: Rule) -> bool:
    """Whether a run about a change sees all that a rule finds where comments of changed files may silence it."""
    return getattr(rule, "locality", "repository") != "focus"
