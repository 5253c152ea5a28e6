"""The whole flow on one screen: discover, extract, link, scope, rules, policy, report."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from semfora_hooks import __version__, discovery, evaluation, git
from semfora_hooks.config import Config, load_config
from semfora_hooks.context import SuggestContext
from semfora_hooks.discovery import Root
from semfora_hooks.evaluation import Run
from semfora_hooks.hookspecs import Rule
from semfora_hooks.languages import SUFFIXES
from semfora_hooks.model import (
    ErrorEntry,
    Generator,
    Incomplete,
    Recommendation,
    Report,
    ReportScope,
    Repository,
    Scope,
    ScopeKind,
    Timings,
    Tool,
)
from semfora_hooks.plugin_manager import (
    OWN_DISTRIBUTION,
    LoadedRule,
    Plugins,
    RuleSet,
    load_plugins,
)
from semfora_hooks.policy import gate, selection

if TYPE_CHECKING:
    from semfora_hooks.git.process import Running
    from semfora_hooks.policy.policing import Policing
    from semfora_hooks.sides import Side, SideReader

# What only a run with something to analyse needs is imported where it is used: a hook that has nothing to do
# must end in a tenth of a second.


class Request(msgspec.Struct, frozen=True):
    """What to analyse.

    Attributes:
        root: The repository and the paths to report on.
        scope: `repo`, `staged`, or `range` (since `base`).
        base: A revision, for `range`; the change is what `target` has on top of their merge base.
        target: The revision that is judged, for `range`.
        show_inherited: In runs about a change: also list what was there before.
        rules: Only these rules, by id; all selected ones where empty.
        whole: The result's context is wanted whole, not only what a change reaches.
    """

    root: Root
    scope: ScopeKind = "repo"
    base: str | None = None
    target: str = "HEAD"
    show_inherited: bool = False
    rules: tuple[str, ...] = ()
    whole: bool = True


class Result(msgspec.Struct):
    """The report, the context the rules saw, and the source they were computed from.

    Attributes:
        read_source: A file's text by its path in the report, as it was analysed (staged, committed or on disk).
        rules: Those that were run.
        policing: Knows the comments that silence, and what each was good for.
    """

    report: Report
    context: SuggestContext
    read_source: Callable[[str], str | None] = lambda _: None
    rules: Sequence[Rule] = ()
    policing: Policing | None = None


class SuggestEngine:
    """Runs the flow for one repository.

    Args:
        config: Its configuration.
        plugins: The providers; those that are installed where `None`.
        progress: Told how many of the files to extract are done, as `progress(done, total)`.
        stages: Told each stage of a run as it begins; see `evaluation.Run`.
    """

    def __init__(
        self,
        config: Config,
        plugins: Plugins | None = None,
        progress: Callable[[int, int], None] | None = None,
        stages: Callable[[str], None] | None = None,
    ) -> None:
        self.config = config
        self.progress = progress
        self.stages = stages
        self.plugins = plugins or load_plugins(disable=config.providers.disable, no_plugins=config.no_plugins)

    @classmethod
    def for_folder(cls, folder: Path) -> SuggestEngine:
        """An engine for the repository around `folder`, configured by its files."""
        return cls(load_config(discovery.find_root([], folder).path))

    def run(self, request: Request) -> Result:
        """Analyse, judge, report.

        Raises:
            SemforaError: Nothing could be analysed: git failed, the baseline is missing, the revision unknown.
        """
        with _quiet_gc():
            start = time.perf_counter()
            run = Run(tell=self.stages)
            scope = self._scope(request)
            if request.scope in ("staged", "range") and not discovery.touches_analysis(scope.files):
                return self._nothing_to_do(request, scope)
            rules, policing = self._rules(request, run)
            reader = self._reader(request, run)
            if request.scope in ("staged", "range"):
                evaluation.prepare(rules)
                side, found, fixed = self._judge_change(request, scope, rules, reader, policing, run)
            else:
                fixed = []
                side, found = reader.judged(
                    scope,
                    self._judge_key(request, rules),
                    partial(self._judge, rules, run),
                    partial(evaluation.prepare, rules),
                )
                found = policing.add_unused(side, found, run.failed)
            concerns = partial(_is_inside, filters=request.root.filters)
            fixed = policing.wanted(fixed, concerns)
            found = policing.police(found, request.root.path, concerns)
            if request.scope == "repo" and not request.root.filters:  # else what was not looked at would be missed
                run.notices.extend(policing.baseline.remarks(self.config.baseline or ""))
            run.notices.extend(policing.notices)
            result = self._report(request, scope, run, side, found, fixed, start)
            return msgspec.structs.replace(result, rules=[loaded.rule for loaded in rules], policing=policing)

    def analyse(self, request: Request) -> tuple[SuggestContext, list[Incomplete]]:
        """The context alone, without rules, and what is missing from it."""
        with _quiet_gc():
            scope = self._scope(request)
            reader = self._reader(request, Run())
            if request.scope in ("staged", "range"):
                side = reader.after(scope, self._target(request))
            else:
                side = reader.work_tree(scope)
            return side.context, side.all_incomplete()

    def load_rules(self, request: Request | None = None, listing: Running | None = None) -> RuleSet:
        """All rules of all providers, selected or not, with what is wrong with names in the configuration.

        Args:
            request: Where it is about what is staged, so are the rules that the repository holds.
            listing: Git at work, listing those.
        """
        if request is not None and request.scope == "staged":
            from semfora_hooks.providers.staged import load_staged

            loaded, notices = load_staged(request.root.path, self.config, self.plugins.load_rules, listing)
            loaded.notices += notices
        else:
            loaded = self.plugins.load_rules(self.config)
        loaded.notices += selection.without_effect(self.config)
        rules = [item.rule for item in loaded.rules]
        source = self.config.source or "configuration"
        broken = {error.rule for error in loaded.errors}  # they have been told of
        for key, name, guess in selection.unknown_names(self.config, rules):
            if name in broken:
                continue
            text = f"{source}: '{key}' names '{name}', and there is no such rule"
            hint = f"did you mean '{guess}'?" if guess else "semfora-hooks rules list shows the names"
            if loaded.errors or self.config.no_plugins or self.config.providers.disable:
                loaded.notices.append(f"{text}, perhaps since a provider is off or failed")
            else:
                loaded.errors.append(ErrorEntry(kind="config", message=text, hint=hint))
        for name, guess in selection.unknown_frameworks(self.config):
            text = f"{source}: 'frameworks' names '{name}', of which nothing is known"
            hint = f"did you mean '{guess}'?" if guess else "name what it calls in 'entry-points'"
            loaded.errors.append(ErrorEntry(kind="config", message=text, hint=hint))
        return loaded

    # ------------------------------------------------------------------------------------------------------- stages

    def _scope(self, request: Request) -> Scope:
        if request.scope == "staged":
            head, files = discovery.staged_changes(request.root.path)
            return Scope(kind="staged", base_ref=head, files=tuple(files))
        if request.scope == "range":
            base = git.merge_base(request.root.path, request.base or "HEAD", request.target)
            target = git.commit_id(request.root.path, request.target)
            return Scope(kind="range", base_ref=base, files=tuple(discovery.changes(request.root.path, base, target)))
        return Scope(kind="files" if request.root.filters else "repo")

    def _rules(self, request: Request, run: Run) -> tuple[list[LoadedRule], Policing]:
        """The rules that run, and what polices their findings."""
        with _listing_staged(request) as listing:
            from semfora_hooks.policy.policing import Policing  # meanwhile

            loaded = self.load_rules(request, listing)
        run.errors.extend(loaded.errors)
        run.notices.extend(loaded.notices)
        chosen = self._chosen(request, loaded, run)
        config = self.config
        is_narrowed = request.rules or config.no_plugins or config.providers.disable or not config.plugins.wasm.enabled
        return chosen, Policing(
            config,
            [item.rule for item in chosen],
            [item.rule for item in loaded.rules],
            are_all=not (is_narrowed or loaded.errors or loaded.notices),
            is_staged=request.scope == "staged",
        )

    def _chosen(self, request: Request, loaded: RuleSet, run: Run) -> list[LoadedRule]:
        if request.rules:
            return [item for item in loaded.rules if item.rule.id in request.rules]
        chosen = [item for item in loaded.rules if selection.is_selected(item.rule, self.config)]
        explained = any(error.kind == "config" for error in loaded.errors)
        if not (chosen or explained) and selection.unknown_names(self.config, [item.rule for item in loaded.rules]):
            text = "no rule is left to run: what the configuration selects is unknown, or its provider is off"
            run.errors.append(
                ErrorEntry(kind="config", message=text, hint="semfora-hooks rules list shows what there is")
            )
        return chosen

    def _judge(self, rules: Sequence[LoadedRule], run: Run, side: Side) -> tuple[list[Recommendation], bool]:
        """What the rules say of a side, and whether all of them could say it."""
        told = len(run.errors), len(run.notices)
        found = evaluation.evaluate(rules, side, evaluation.begin(rules, side, self.config), {}, self.config, run)
        return found, told == (len(run.errors), len(run.notices))

    def _judge_key(self, request: Request, rules: Sequence[LoadedRule]) -> str | None:
        """What findings depend on besides the snapshot; `None` where they must not be kept."""
        if request.whole:
            return None
        # A third party's rule may read what we cannot see, even if it is derived from one of ours.
        ours = all(loaded.origin.distribution == OWN_DISTRIBUTION for loaded in rules)
        keys = [loaded.rule.result_key() for loaded in rules] if ours else [None]
        if None in keys:
            return None
        config = self.config
        return msgspec.json.encode([keys, sorted(config.severity.items()), sorted(config.rules.items())]).decode()

    def _target(self, request: Request) -> str | None:
        """The commit that is judged; `None` for what is staged."""
        return git.commit_id(request.root.path, request.target) if request.scope == "range" else None

    def _reader(self, request: Request, run: Run) -> SideReader:
        from semfora_hooks.index.extract import Workforce
        from semfora_hooks.sides import SideReader

        workforce = Workforce(
            jobs=self.config.jobs,
            executor=lambda: self.plugins.executor(self.config, run.errors),
            progress=self.progress,
            notices=run.notices,
        )
        return SideReader(request.root, self.config, workforce, run.timed)

    def _judge_change(
        self,
        request: Request,
        scope: Scope,
        rules: Sequence[LoadedRule],
        reader: SideReader,
        policing: Policing,
        run: Run,
    ) -> tuple[Side, list[Recommendation], list[Recommendation]]:
        from semfora_hooks.judging import ChangeJudge

        in_part = not (request.whole or request.show_inherited)
        target = self._target(request)
        plain = [loaded.rule for loaded in rules]
        judge = ChangeJudge(self.config, rules, policing, show_inherited=request.show_inherited)
        return judge.judge(
            scope, self._merged(request), lambda change: reader.change(change, target, plain, in_part=in_part), run
        )

    def _merged(self, request: Request) -> list[Scope]:
        """What is staged as a change of the other parents, where the next commit is a merge.

        A range is judged against the commit it starts from only: what a merged branch brings is what it asks about.
        """
        if request.scope != "staged":
            return []
        root = request.root.path
        return [
            Scope(kind="staged", base_ref=commit, files=tuple(discovery.changes(root, commit)))
            for commit in git.merge_heads(root)
        ]

    def _report(
        self,
        request: Request,
        scope: Scope,
        run: Run,
        side: Side,
        found: list[Recommendation],
        fixed: list[Recommendation],
        start: float,
    ) -> Result:
        from semfora_hooks.index.extract import FAILED

        incomplete = side.all_incomplete()
        run.errors.extend(  # ours, not the file's: a bug that breaks every file must not pass all rules
            ErrorEntry(kind="internal", message=f"{item.file}: {item.reason}")
            for item in incomplete
            if item.reason.startswith(FAILED)
        )
        if not side.files and not incomplete:
            endings = ", ".join(sorted(SUFFIXES))
            unless = " that 'exclude' leaves" if self.config.exclude else ""
            run.notices.append(f"nothing to analyse: there are no files with the endings {endings} here{unless}")
        if request.root.filters:
            incomplete = [item for item in incomplete if _path_inside(item.file, request.root.filters)]
        report = Report(
            tool=Tool(version=__version__),
            scope=ReportScope(kind=scope.kind, base_ref=scope.base_ref),
            summary=gate.summarise(found, self.config, files=side.files, symbols=side.symbols),
            recommendations=found,
            fixed=fixed,
            errors=run.errors,
            incomplete=incomplete,
            notices=run.notices,
            timings=Timings(
                discover=round(run.seconds.get("discover", 0.0), 4),
                extract=round(run.seconds.get("extract", 0.0), 4),
                link=round(run.seconds.get("link", 0.0), 4),
                rules={name: round(seconds, 4) for name, seconds in sorted(run.rule_seconds.items())},
                total=round(time.perf_counter() - start, 4),
            ),
        )
        run.notices.extend(self.plugins.run_finished(report))
        return Result(report, side.context, side.read_source)

    def _nothing_to_do(self, request: Request, scope: Scope) -> Result:
        """The change touches nothing that is analysed."""
        report = Report(
            tool=Tool(version=__version__),
            scope=ReportScope(kind=scope.kind, base_ref=scope.base_ref),
            summary=gate.summarise([], self.config, files=0, symbols=0),
            errors=list(self.plugins.errors),
        )
        context = SuggestContext(
            generator=Generator(version=__version__),
            repository=Repository(name=request.root.path.name, head=scope.base_ref),
            scope=scope,
        )
        return Result(report, context)


@contextmanager
def _listing_staged(request: Request) -> Iterator[Running | None]:
    """Have git list the rules and plugins that are staged, where they count, while other things are done."""
    if request.scope != "staged":
        yield None
        return
    running = git.start_index_entries(request.root.path, ".semfora")
    try:
        yield running
    finally:
        running.stop()


@contextmanager
def _quiet_gc() -> Iterator[None]:
    """No garbage collection while millions of long-lived objects are made: it would only look at them again."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _is_inside(item: Recommendation, filters: Sequence[str]) -> bool:
    return not filters or any(_path_inside(symbol.file, filters) for symbol in item.symbols)


def _path_inside(path: str, filters: Sequence[str]) -> bool:
    return any(path == prefix or path.startswith(f"{prefix}/") for prefix in filters)
