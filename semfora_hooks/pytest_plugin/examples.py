"""The examples of rules in YAML as items: `.semfora/rules/x.yaml::rule::example 1 (fires)`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from semfora_hooks.config import Config
from semfora_hooks.plugin_manager import LoadedRule
from semfora_hooks.policy.selection import is_selected
from semfora_hooks.providers.declarative.rule import DeclarativeRule
from semfora_hooks.pytest_plugin.plainitem import FailedItemError, PlainItem, items_below
from semfora_hooks.testing.examples import name_of, try_example

Name = tuple[str, str, str]
"""A rule file below the repository's root, a rule's id, an example's name."""

FindRule = Callable[[str], DeclarativeRule]
"""Gives a rule by its id."""


def example_names(loaded: Sequence[LoadedRule], config: Config) -> list[Name]:
    """The examples of all rules in YAML that are selected, in the order of their files."""
    rules = [item.rule for item in loaded if is_selected(item.rule, config)]
    declared = sorted(
        (rule for rule in rules if isinstance(rule, DeclarativeRule)), key=lambda rule: (rule.origin or "", rule.place)
    )
    return [
        (rule.origin or "", rule.id, name_of(rule, number))
        for rule in declared
        for number in range(1, len(rule.examples) + 1)
    ]


def chosen_examples(arguments: Mapping[str, Path], names: Sequence[Name], root: Path) -> list[Name]:
    """The examples that arguments of the command line name: all of a folder, a file or a rule, or a single one.

    Args:
        arguments: Arguments, each with the folder or file it starts with.
        names: All examples.
        root: The repository's root.

    Raises:
        pytest.UsageError: One names nothing.
    """
    chosen: set[Name] = set()
    for argument, path in arguments.items():
        parts = tuple(argument.split("::")[1:])
        found = [
            name
            for name in names
            if (root / name[0]).resolve().is_relative_to(path) and name[1:][: len(parts)] == parts
        ]
        if not found:
            raise pytest.UsageError(f"not found: {argument} (no example of a rule that is on)")
        chosen.update(found)
    return [name for name in names if name in chosen]


class RuleFileCollector(pytest.Collector):
    """One rule file."""

    def __init__(self, *, names: Sequence[Name], find_rule: FindRule, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._names, self._find_rule = names, find_rule

    def collect(self) -> Iterator[RuleCollector]:
        """Its rules."""
        for rule, names in groupby(self._names, key=lambda name: name[1]):
            yield RuleCollector.from_parent(self, name=rule, names=list(names), find_rule=self._find_rule)


class RuleCollector(pytest.Collector):
    """One rule."""

    def __init__(self, *, names: Sequence[Name], find_rule: FindRule, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._names, self._find_rule = names, find_rule

    def collect(self) -> Iterator[ExampleItem]:
        """Its examples."""
        for _, rule, name in self._names:
            yield ExampleItem.from_parent(self, name=name, rule=rule, find_rule=self._find_rule)


class ExampleItem(PlainItem):
    """Passes if the rule does what the example says."""

    def __init__(self, *, rule: str, find_rule: FindRule, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._rule, self._find_rule = rule, find_rule
        self._number = int(self.name.split()[1])

    def runtest(self) -> None:
        """Run the rule on the example's code."""
        outcome = try_example(self._find_rule(self._rule), self._number)
        if not outcome.passed:
            raise FailedItemError("\n".join([*outcome.lines(), *outcome.repairs()]))

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where the example stands."""
        rule = self._find_rule(self._rule)
        line = rule.definition.example_places[self._number - 1].line
        # Not the end of the node id: pytest would read its dots as those between modules and classes.
        return (self.config.rootpath / self.nodeid.partition("::")[0]).resolve(), line - 1, f"{self._rule}, {self.name}"


def collect_examples(
    session: pytest.Session, root: Path, names: Sequence[Name], find_rule: FindRule
) -> Iterator[pytest.Item]:
    """The items of some examples of the repository in `root`."""
    for path, group in groupby(names, key=lambda name: name[0]):
        yield from items_below(session, RuleFileCollector, path, root / path, names=list(group), find_rule=find_rule)
