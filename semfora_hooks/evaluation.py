"""Rules over contexts: what they find, what they cost, and what is wrong with them. One that fails hides no other."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import msgspec

from semfora_hooks.config import Config
from semfora_hooks.context import SuggestContext
from semfora_hooks.errors import SemforaError
from semfora_hooks.hookspecs import Rule
from semfora_hooks.model import ErrorEntry, Recommendation, Severity
from semfora_hooks.plugin_manager import LoadedRule, describe, error_entry

if TYPE_CHECKING:
    from semfora_hooks.sides import Side


class Run(msgspec.Struct):
    """What piles up while a run goes on.

    Attributes:
        failed: Ids of rules that did not say all they had to say.
        tell: Told each stage as it begins: `discover`, `extract`, `link`, `judge`; some come more than once.
    """

    errors: list[ErrorEntry] = []
    notices: list[str] = []
    seconds: dict[str, float] = {}
    rule_seconds: dict[str, float] = {}
    failed: set[str] = set()
    tell: Callable[[str], None] | None = None

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Add the time of a block to a stage."""
        if self.tell is not None:
            self.tell(stage)
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - start


def prepare(rules: Sequence[LoadedRule]) -> None:
    """Let rules start what takes long, such as a sandbox, while the index is read; failures will show later."""
    for loaded in rules:
        prepare = getattr(loaded.rule, "prepare", None)
        if callable(prepare):
            with suppress(Exception, SystemExit):
                prepare()


def everything(_: Rule, context: SuggestContext) -> SuggestContext:
    """A rule's view of a side that hides nothing."""
    return context


def begin(
    rules: Sequence[LoadedRule],
    side: Side,
    config: Config,
    view: Callable[[Rule, SuggestContext], SuggestContext] = everything,
) -> list[SuggestContext]:
    """What each rule sees of a side; those that can do so start on it in the background."""
    contexts = []
    for loaded in rules:
        rule = loaded.rule
        seen = view(rule, side.context)
        contexts.append(seen.with_config(config.rules.get(rule.id, {}), side.tallies.get(rule.id)))
        begin = getattr(rule, "begin", None)
        if callable(begin):
            with suppress(Exception, SystemExit):  # failures will show when it is evaluated
                begin(contexts[-1])
    return contexts


def evaluate(
    rules: Sequence[LoadedRule],
    side: Side,
    contexts: Sequence[SuggestContext],
    aliases: Mapping[str, str],
    config: Config,
    run: Run,
    counts: Callable[[Rule, Recommendation], bool] = lambda rule, item: True,
) -> list[Recommendation]:
    """What the rules say and `counts` lets pass; a rule that fails keeps what it said before, and is named."""
    from semfora_hooks.policy import intake

    if run.tell is not None:
        run.tell("judge")
    found: list[Recommendation] = []
    for loaded, context in zip(rules, contexts, strict=True):
        rule = loaded.rule
        start = time.perf_counter()
        severity = config.severity.get(rule.id)
        found.extend(item for item in _one_rule(loaded, context, severity, run) if counts(rule, item))
        run.rule_seconds[rule.id] = run.rule_seconds.get(rule.id, 0.0) + time.perf_counter() - start
    return intake.finish(found, side.context, aliases)


def _one_rule(
    loaded: LoadedRule, context: SuggestContext, severity: Severity | None, run: Run
) -> Iterator[Recommendation]:
    from semfora_hooks.policy import intake

    rule, origin = loaded.rule, loaded.origin
    count = 0
    malformed: dict[str, ErrorEntry] = {}
    try:
        for item in rule.evaluate(context) or ():
            count += 1
            if count > intake.MAX_FINDINGS:
                raise SemforaError(
                    f"rule '{rule.id}' returned more than {intake.MAX_FINDINGS} findings; the rest was dropped",
                    kind="provider",
                )
            try:
                yield intake.complete(item, rule, context, severity)
            except SemforaError as error:
                malformed.setdefault(error.message, error_entry(error, origin, rule.id))
    except SemforaError as error:
        run.failed.add(rule.id)
        entry = error_entry(error, origin, rule.id)
        if error.fatal:
            run.errors.append(entry)
        else:
            run.notices.append(f"{entry.message}" + (f" ({entry.hint})" if entry.hint else ""))
    except (KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as error:  # noqa: BLE001  a provider's bug must not hide the others' findings
        run.failed.add(rule.id)
        failure = SemforaError(
            f"{origin}: rule '{rule.id}' raised {describe(error)}",
            kind="provider",
            hint=f"update {origin.distribution}, or ignore the rule: --ignore {rule.id}",
        )
        run.errors.append(error_entry(failure, origin, rule.id))
    if malformed:
        run.failed.add(rule.id)
    run.errors.extend(malformed.values())
