"""One rule on a few files: what it says, and whether its examples hold."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pluggy

from semfora_hooks import __version__, hookspecs
from semfora_hooks.config import load_config
from semfora_hooks.discovery import Root
from semfora_hooks.engine import Request, Result, SuggestEngine
from semfora_hooks.hookspecs import PROJECT_NAME, Example, Rule, RuleProvider, hookimpl
from semfora_hooks.languages import SUFFIXES
from semfora_hooks.model import Recommendation, Report
from semfora_hooks.plugin_manager import Origin, Plugins
from semfora_hooks.reporters.text import error_line


def run_rule(rule: Rule, files: Mapping[str, str], options: Mapping[str, Any] | None = None) -> list[Recommendation]:
    """What one rule says about some files: written to a folder of their own, analysed by the real engine.

    Args:
        rule: The rule. One with options of its own (a class method `configured`) is built anew with `options`; others
            find them in `context.config`.
        files: Path to content. A `pyproject.toml` among them counts as the repository's.
        options: What would stand in `[tool.semfora.rules.<id>]`.

    Returns:
        The findings that no comment suppresses.

    Raises:
        AssertionError: The rule failed, or broke its contract with the host.
        ConfigError: An option is unknown or has the wrong type.
    """
    report = analyse_files(rule, files, options or {}).report
    if report.errors:
        raise AssertionError("\n".join([f"rule '{rule.id}' did not run cleanly:", *map(error_line, report.errors)]))
    return [item for item in report.recommendations if item.suppressed is None]


def check_example(rule: Rule, example: Example) -> None:
    """Hold a rule to one of its examples.

    Raises:
        AssertionError: It is silent where it must fire, fires where it must be silent, fails, or the example's code
            cannot be parsed, so that its silence would prove nothing.
    """
    __tracebackhide__ = True
    report = analyse_files(rule, example.files, example.options).report
    found = [item for item in report.recommendations if item.suppressed is None]
    problems = obstacles(example, report)
    if problems:
        verdict = "could not be checked"
    elif bool(found) == example.fires:
        return
    else:
        verdict = "must fire, and is silent" if example.fires else "must be silent, and fires"
    note = f" ({example.note})" if example.note else ""
    said = [f"{_place(item)}: {item.title}" for item in found]
    options = [f"options: {dict(example.options)}"] if example.options else []
    shown = [f"--- {path}\n{text}" for path, text in example.files.items()]
    raise AssertionError("\n".join([f"rule '{rule.id}', example{note}: {verdict}", *problems, *said, *options, *shown]))


class RuleTester:
    """The fixture `semfora_rule_tester`."""

    def run(
        self, rule: Rule, files: Mapping[str, str], options: Mapping[str, Any] | None = None
    ) -> list[Recommendation]:
        """What the rule says about `files`; see `run_rule`."""
        return run_rule(rule, files, options)

    def check(self, rule: Rule) -> None:
        """Hold a rule to all its examples.

        Raises:
            AssertionError: It fails one, or has none that fires or none that does not.
        """
        __tracebackhide__ = True
        kinds = {example.fires for example in rule.examples}
        if kinds != {True, False}:
            raise AssertionError(f"rule '{rule.id}' needs an example that fires and one that does not")
        for example in rule.examples:
            check_example(rule, example)


def obstacles(example: Example, report: Report) -> list[str]:
    """Why a report about an example proves nothing: errors, code that cannot be parsed, no code at all."""
    problems = [error_line(entry) for entry in report.errors]
    problems += [f"incomplete: {item.file}: {item.reason}" for item in report.incomplete]
    if not (report.summary.files or problems):
        endings = ", ".join(sorted(SUFFIXES))
        problems.append(f"nothing of it is analysed: {', '.join(example.files)} (what is ends with {endings})")
    return problems


def analyse_files(rule: Rule, files: Mapping[str, str], options: Mapping[str, Any]) -> Result:
    """One rule over some files, written to a folder of their own, which is gone afterwards.

    Raises:
        ValueError: A path leads out of the folder.
        OSError: The files cannot be written.
        ConfigError: An option is unknown or has the wrong type.
    """
    with tempfile.TemporaryDirectory(prefix="semfora-rule-") as name:
        folder = Path(name).resolve()
        for path, text in files.items():
            file = folder / path
            if not file.resolve().is_relative_to(folder):
                raise ValueError(f"{path!r} is not a path below the example's folder")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8", newline="")
        config = load_config(folder, environment={})
        config = config.replace(rules={**config.rules, rule.id: dict(options)}, use_cache=False, jobs=1)
        configured = getattr(type(rule), "configured", None)
        subject = rule if configured is None else configured(config)
        engine = SuggestEngine(config, _only(subject))
        return engine.run(Request(Root(folder, is_git=False), rules=(rule.id,)))


def _only(rule: Rule) -> Plugins:
    """Providers of one rule, which is checked as a third party's would be."""

    class _Provider:
        @hookimpl
        def semfora_rule_providers(self) -> list[RuleProvider]:
            return [RuleProvider("testing", lambda config: [rule])]

    manager = pluggy.PluginManager(PROJECT_NAME)
    manager.add_hookspecs(hookspecs)
    manager.register(_Provider(), name="testing")
    return Plugins(manager, {"testing": Origin("testing", "semfora_hooks.testing", __version__)}, [])


def _place(item: Recommendation) -> str:
    return f"{item.symbols[0].file}:{item.symbols[0].start_line}" if item.symbols else "repository"
