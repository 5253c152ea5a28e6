"""What a session of pytest wants from us: its settings, its items, their texts, its reports."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from semfora_hooks.errors import SemforaError, UsageError
from semfora_hooks.pytest_plugin.options import NAME, OPTIONS, SHARED

if TYPE_CHECKING:
    from semfora_hooks.hookspecs import RenderOptions, Reporter
    from semfora_hooks.model import Recommendation
    from semfora_hooks.plugin_manager import LoadedRule
    from semfora_hooks.providers.declarative.rule import DeclarativeRule
    from semfora_hooks.providers.wasm import host
    from semfora_hooks.pytest_plugin.examples import Name as ExampleName
    from semfora_hooks.pytest_plugin.fixtures import Name as FixtureName
    from semfora_hooks.pytest_plugin.fixtures import Subject
    from semfora_hooks.testing import Analysis

PREFIX = f"{NAME}::"
ERRORS, REPOSITORY = "errors", "repository"
"""Items that stand for no rule and no file: what failed in the run, and findings that concern no single file."""


class Run:
    """What a session of pytest wants from us: its settings, its items, their texts, its reports."""

    def __init__(self, config: pytest.Config) -> None:
        from semfora_hooks.config import load_config
        from semfora_hooks.discovery import find_root
        from semfora_hooks.engine import Request, SuggestEngine
        from semfora_hooks.git import merge_base

        self._pytest = config
        root = find_root([], config.rootpath)
        overrides: dict[str, Any] = {}
        if fail_on := _setting(config, "fail-on"):
            overrides["fail_on"] = fail_on
        if confidence := _setting(config, "min-confidence"):
            try:
                overrides["min_confidence"] = float(confidence)
            except ValueError:
                raise UsageError(f"semfora-min-confidence: {confidence!r} is not a number") from None
        if baseline := _setting(config, "baseline"):
            path = self._from(config.option.semfora_baseline) / baseline
            overrides["baseline"] = str(path.relative_to(root.path) if path.is_relative_to(root.path) else path)
        since = _setting(config, "since")
        if since and not root.is_git:
            raise UsageError(f"semfora-since: {root.path} is not a git repository")
        if since:
            merge_base(root.path, since)  # a revision there is not: say so before anything runs
        self.engine = SuggestEngine(load_config(root.path, overrides=overrides))
        inherited = not self.engine.config.new_only
        self.request = Request(root, "range", base=since, show_inherited=inherited) if since else Request(root)
        self.kind = _setting(config, "items") or "rule"
        self.reports = self._find_reporters()
        self.problems: list[str] = []
        self._chosen: list[str] = []
        self._chosen_files: dict[str, Path] = {}
        self._chosen_plugins: dict[str, Path] = {}
        told = getattr(config, "workerinput", {})
        self._names: list[str] | None = told.get("semfora_names")
        self._examples: list[ExampleName] | None = told.get("semfora_examples")
        self._fixtures: list[FixtureName] | None = told.get("semfora_fixtures")

    def take_arguments(self, arguments: list[str]) -> None:
        """Take what names our items out of the command line's arguments: pytest would look for tests in files."""
        rest = []
        for argument in arguments:
            if name := self._own_name(argument):
                self._chosen.append(name)
            elif path := self._rule_path(argument):
                self._chosen_files[argument] = path
            elif path := self._plugin_path(argument):
                self._chosen_plugins[argument] = path
            else:
                rest.append(argument)
        arguments[:] = rest

    def _own_name(self, argument: str) -> str:
        """The name in a node id of ours as pytest prints it, from here or from its root; no file stands behind it."""
        start, _, name = argument.partition("::")
        here = self._pytest.invocation_params.dir
        is_ours = start == NAME or os.path.normpath(here / start) == str(self._pytest.rootpath / NAME)
        return name if is_ours else ""

    def _rule_path(self, argument: str) -> Path | None:
        """The rule file, or the folder of some, that an argument starts with; `None` if it is about something else."""
        from semfora_hooks.providers.declarative import RULES_FOLDER

        path = (self._pytest.invocation_params.dir / argument.partition("::")[0]).resolve()
        folder = (self.request.root.path / RULES_FOLDER).resolve()
        return path if path.is_relative_to(folder) and path.exists() else None

    def _plugin_path(self, argument: str) -> Path | None:
        """The plugin folder, or a plugin's name in it, which no file need have; `None` if it is something else."""
        from semfora_hooks.providers.wasm import PLUGIN_FOLDER

        path = (self._pytest.invocation_params.dir / argument.partition("::")[0]).resolve()
        folder = (self.request.root.path / PLUGIN_FOLDER).resolve()
        return path if folder.is_dir() and folder in (path, path.parent) and not path.is_file() else None

    @cached_property
    def analysis(self) -> Analysis:
        """The one analysis, which the workers of pytest-xdist share. A worker on another machine makes its own."""
        from semfora_hooks.testing import Analysis

        workers = getattr(self._pytest, "workerinput", {}).get("semfora_shared")
        shared = self._pytest.stash.get(SHARED, None) if workers is None else Path(workers)
        return Analysis(self.engine, self.request, shared if shared is not None and shared.is_dir() else None)

    def names(self) -> list[str]:
        """The names of all items, in order; the same in every process."""
        if self._names is None:
            try:
                self._names = self._find_names()
            except SemforaError as error:
                raise pytest.UsageError(str(error)) from None
        return self._names

    def chosen_names(self) -> list[str]:
        """The names of the items to run: all, or those the command line names."""
        missing = [name for name in self._chosen if name not in self.names()]
        if missing:
            raise pytest.UsageError(f"not found: {PREFIX}{missing[0]}")
        everything = not (self._chosen or self._chosen_files or self._chosen_plugins)
        return [name for name in self.names() if everything or name in self._chosen]

    def examples(self) -> list[ExampleName]:
        """The examples of all rules in YAML, in order; the same in every process."""
        if self._examples is None:
            has_some = self.kind != "none" and any(item.origin.name == "declarative" for item in self._rules)
            self._examples = []
            if has_some:
                from semfora_hooks.pytest_plugin.examples import example_names

                self._examples = example_names(self._rules, self.engine.config)
        return self._examples

    def chosen_examples(self) -> list[ExampleName]:
        """The examples to run: all, or those the command line names."""
        if self._chosen_files:
            from semfora_hooks.pytest_plugin.examples import chosen_examples

            return chosen_examples(self._chosen_files, self.examples(), self.request.root.path)
        return [] if self._chosen or self._chosen_plugins else self.examples()

    def fixtures(self) -> list[FixtureName]:
        """The fixtures of all WASM plugins, in order; the same in every process."""
        if self._fixtures is None:
            has_some = self.kind != "none" and any(item.origin.name == "wasm" for item in self._rules)
            self._fixtures = []
            if has_some:
                from semfora_hooks.pytest_plugin.fixtures import fixture_names

                self._fixtures = fixture_names(self._rules, self.engine.config)
        return self._fixtures

    def chosen_fixtures(self) -> list[FixtureName]:
        """The fixtures to run: all, or those the command line names."""
        if self._chosen_plugins:
            from semfora_hooks.pytest_plugin.fixtures import chosen_fixtures

            return chosen_fixtures(self._chosen_plugins, self.fixtures(), self.request.root.path)
        return [] if self._chosen or self._chosen_files else self.fixtures()

    def find_plugin(self, name: str) -> Subject:
        """A WASM plugin by its name, and what runs it."""
        from semfora_hooks.providers.wasm.rule import WasmRule

        rules = (item.rule for item in self._rules)
        return next(rule.spec for rule in rules if isinstance(rule, WasmRule) and rule.spec.name == name), self._pool

    @cached_property
    def _pool(self) -> host.Pool:
        from semfora_hooks.testing.fixtures import plugin_pool

        return plugin_pool(self.engine.config)

    def find_rule(self, name: str) -> DeclarativeRule:
        """A rule in YAML by its id."""
        from semfora_hooks.providers.declarative.rule import DeclarativeRule

        rule = next(item.rule for item in self._rules if item.rule.id == name)
        assert isinstance(rule, DeclarativeRule)
        return rule

    @cached_property
    def _rules(self) -> Sequence[LoadedRule]:
        try:
            return self.engine.load_rules().rules
        except SemforaError as error:
            raise pytest.UsageError(str(error)) from None

    def _find_names(self) -> list[str]:
        from semfora_hooks import discovery, git
        from semfora_hooks.policy.selection import is_selected
        from semfora_hooks.reporters.plain import shown_path

        config, root = self.engine.config, self.request.root
        if self.kind == "none":
            return []
        if self.kind == "rule":
            rules = (loaded.rule for loaded in self._rules)
            return [*(rule.id for rule in rules if is_selected(rule, config)), ERRORS]
        if self.request.scope == "range":
            snapshot = discovery.revision(root, config, git.commit_id(root.path, self.request.target))
        else:
            snapshot = discovery.work_tree(root, config)
        # As reports show paths: pytest prints names as they are, and a file's may hold anything.
        return [*dict.fromkeys(shown_path(file.path) for file in snapshot.files), REPOSITORY, ERRORS]

    def place_of(self, name: str) -> Path:
        """Where an item stands: its file; for all others a path that is the start of their ids, and is not there."""
        is_file = self.kind == "file" and name not in (REPOSITORY, ERRORS)
        return self.request.root.path / name if is_file else self._pytest.rootpath / NAME

    def verdict(self, name: str) -> str:
        """Why an item fails, as the command line would show it; nothing if it passes."""
        import msgspec

        from semfora_hooks.policy.gate import summarise, trips
        from semfora_hooks.reporters.text import error_line, render_full

        report, config, stream = self.analysis.report, self.engine.config, io.StringIO()
        errors = (entry for entry in report.errors if name in (ERRORS, entry.rule))
        stream.writelines(f"{error_line(entry)}\n" for entry in errors)
        found = [item for item in report.recommendations if trips(item, config) and self._item_of(item) == name]
        if found:
            summary = summarise(found, config, files=report.summary.files, symbols=report.summary.symbols)
            part = msgspec.structs.replace(report, recommendations=found, fixed=[], summary=summary)
            render_full(part, stream, self._render_options())
        return stream.getvalue().rstrip()

    def _item_of(self, found: Recommendation) -> str:
        """The name of the item that a finding fails."""
        from semfora_hooks.reporters.plain import shown_path

        if self.kind == "rule":
            return found.rule_id
        file = shown_path(found.symbols[0].file) if found.symbols else REPOSITORY
        return file if file in self._files else REPOSITORY

    @cached_property
    def _files(self) -> frozenset[str]:
        return frozenset(self.names())

    def summary(self) -> Iterator[str]:
        """The lines of the terminal section."""
        from semfora_hooks.reporters.text import problem_lines, render_concise, totals

        if self.analysis.has_run():
            try:
                report, stream, options = self.analysis.report, io.StringIO(), self._render_options()
                render_concise(report, stream, options)
                yield from stream.getvalue().splitlines()
                yield from problem_lines(report, options)
                yield totals(report)
            except SemforaError as error:
                yield f"error: {error}"
        yield from self.problems

    def write_reports(self) -> None:
        """Write what `--semfora-report` asks for; what goes wrong is added to `problems`."""
        import msgspec

        from semfora_hooks.policy.selection import is_selected
        from semfora_hooks.reporters.writing import replacing

        try:
            report = self.analysis.report
            for reporter, path in self.reports:
                rules = [loaded.rule for loaded in self._rules if is_selected(loaded.rule, self.engine.config)]
                options = msgspec.structs.replace(self._render_options(), rules=rules)
                path.parent.mkdir(parents=True, exist_ok=True)
                with replacing(path) as stream:
                    reporter.render(report, stream, options)
        except SemforaError as error:
            self.problems.append(f"error: {error}")
        except OSError as error:
            self.problems.append(f"error: {error.filename}: cannot be written: {error.strerror}")

    def _find_reporters(self) -> list[tuple[Reporter, Path]]:
        """What `--semfora-report` asks for: output formats, and the files to write."""
        from semfora_hooks.reporters import REPORTERS

        given: list[str] | None = self._pytest.option.semfora_report
        folder, twin = self._from(given), self._pytest.getini("semfora_report")
        lines = given or (twin.splitlines() if isinstance(twin, str) else twin)
        wanted = [line.strip() for line in lines if line.strip()]
        known = REPORTERS if not wanted else {**self.engine.plugins.reporters([]), **REPORTERS}
        found = []
        for item in wanted:
            name, colon, destination = item.partition(":")
            if not colon or not destination:
                raise UsageError(f"semfora-report: {item!r} is not FMT:DEST, such as json:report.json")
            if name not in known:
                hint = f"one of {', '.join(sorted(known))}"
                raise UsageError(f"semfora-report: there is no output format '{name}'", hint=hint)
            found.append((known[name], folder / Path(destination).expanduser()))
        return found

    def _from(self, given: object) -> Path:
        """Where a setting's relative path starts: here on the command line, at pytest's root in its configuration."""
        return self._pytest.invocation_params.dir if given else self._pytest.rootpath

    def _render_options(self) -> RenderOptions:
        from semfora_hooks.hookspecs import RenderOptions

        root = self.request.root.path
        # Tests change the current folder, and may delete it.
        here = str(self._pytest.invocation_params.dir)
        return RenderOptions(root=str(root), read_source=lambda path: _read(root / path), here=here)


RUN = pytest.StashKey[Run]()


def run_of(config: pytest.Config) -> Run:
    """The session's run, made when it is first wanted; a usage error where the configuration is wrong."""
    if RUN not in config.stash:
        try:
            config.stash[RUN] = Run(config)
        except SemforaError as error:
            raise pytest.UsageError(str(error)) from None
    return config.stash[RUN]


def _setting(config: pytest.Config, name: str) -> str | None:
    """An option's value: from the command line, else from the configuration file, else `None`."""
    key = f"semfora_{name.replace('-', '_')}"
    value = getattr(config.option, key)
    value = str(config.getini(key)).strip() if value is None else value
    choices = OPTIONS[name][1]
    if value and choices and value not in choices:
        raise UsageError(f"semfora-{name}: {value!r} is none of {', '.join(choices)}")
    return value or None


def _read(path: Path) -> str | None:
    """A file's text, for excerpts."""
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return None
