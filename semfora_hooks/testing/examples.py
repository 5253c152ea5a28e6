"""Runs the examples of declared rules, and says what was wrong and what would make them pass."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import yaml

from semfora_hooks.errors import SemforaError
from semfora_hooks.hookspecs import Example
from semfora_hooks.model import Recommendation
from semfora_hooks.providers.declarative.examples import default_name
from semfora_hooks.providers.declarative.repairs import make_fire, make_silent
from semfora_hooks.providers.declarative.rule import DeclarativeRule
from semfora_hooks.providers.declarative.trace import Trace, trace
from semfora_hooks.providers.declarative.view import View
from semfora_hooks.testing.rules import analyse_files, obstacles

_SHOWN = 3
"""Symbols that came near to firing a rule that is silent."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a rule made of one of its examples.

    Attributes:
        rule: The rule.
        number: The example's, from 1.
        findings: What the rule reported.
        near: Where it reported nothing: what it made of each symbol, those that came nearest to a finding first.
        problems: Why the example proves nothing.
        changes: What to change in the rule so that it does what the example says.
    """

    rule: DeclarativeRule
    number: int
    findings: tuple[Recommendation, ...] = ()
    near: tuple[Trace, ...] = ()
    problems: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()

    @property
    def example(self) -> Example:
        """The example."""
        return self.rule.examples[self.number - 1]

    @property
    def passed(self) -> bool:
        """Whether the rule did what the example says."""
        return not self.problems and bool(self.findings) == self.example.fires

    @property
    def place(self) -> str:
        """Where the example says its verdict, as `path:line:column`."""
        place = self.rule.definition.example_places[self.number - 1]
        return f"{self.rule.origin}:{place.line}:{place.column}"

    def lines(self) -> Iterator[str]:
        """Why the example fails: what it wants, and which symbol fired or which key kept the rule silent."""
        for line in self._lines():
            yield "".join(c if c.isprintable() else "\ufffd" for c in line.expandtabs(4))

    def _lines(self) -> Iterator[str]:
        wanted = "must fire" if self.example.fires else "must be silent"
        note = f" ({' '.join(self.example.note.split())})" if self.example.note else ""
        head = f"{self.place}: {self.rule.id}, example {self.number}{note}: {wanted}"
        if self.problems:
            yield f"{head}, and could not be checked"
            yield from (f"  {line}" for problem in self.problems for line in problem.splitlines())
            return
        yield f"{head}, and {'is silent' if self.example.fires else 'fires'}"
        for finding in self.findings:
            first = finding.symbols[0]
            yield f"  fires on {first.file}:{first.start_line}: {first.name}, since"
            yield from (f"    {evidence.text}" for evidence in finding.evidence)
        for traced in self.near[:_SHOWN]:
            yield f"  {traced.place()}: {traced.reason(seen=True)}"
        if len(self.near) > _SHOWN:
            more = len(self.near) - _SHOWN
            yield f"  and {more} more {'symbol is' if more == 1 else 'symbols are'} no nearer to it"

    def repairs(self) -> Iterator[str]:
        """What would make a failing example pass: other keys in the rule, or the example as the rule has it."""
        if self.problems or self.passed:
            return
        yield f"  to make it pass, change the rule{' by one of these' if not self.example.fires else ''}:"
        yield from (f"    {change}" for change in self.changes)
        yield f"  or let line {self.rule.definition.example_places[self.number - 1].line} say what the rule does:"
        text = example_yaml(self.example, fires=bool(self.findings))
        yield from (line and f"    {line}" for line in text.rstrip("\n").split("\n"))


def name_of(rule: DeclarativeRule, number: int) -> str:
    """How one of a rule's examples is called among its tests."""
    return f"example {number} ({'fires' if rule.examples[number - 1].fires else 'silent'})"


def try_example(rule: DeclarativeRule, number: int) -> Outcome:
    """Run a rule on one of its examples, by the whole engine. Never raises for what an example may hold."""
    example = rule.examples[number - 1]
    try:
        result = analyse_files(rule, example.files, example.options)
    except (OSError, ValueError, SemforaError) as error:
        return Outcome(rule, number, problems=(f"its files cannot be analysed: {error}",))
    report, context = result.report, result.context
    findings = tuple(item for item in report.recommendations if item.suppressed is None)
    problems = tuple(obstacles(example, report))
    if problems or bool(findings) == example.fires:
        return Outcome(rule, number, findings, problems=problems)
    view = View(context)
    if findings:
        symbols = [context.by_id[finding.symbols[0].id] for finding in findings]
        changes = [line for symbol in symbols for line in make_silent(trace(rule, symbol, view), view)]
        return Outcome(rule, number, findings, changes=tuple(dict.fromkeys(changes)))
    near = [trace(rule, symbol, view) for symbol in context.symbols]
    near.sort(key=lambda traced: (traced.symbol.kind == "module", len(traced.blockers())))
    return Outcome(rule, number, near=tuple(near), changes=tuple(make_fire(near[0], view)))


def example_yaml(example: Example, *, fires: bool) -> str:
    """An example as an item of `examples`, with another verdict."""
    verdict = "fires" if fires else "silent"
    (path, code), *more = example.files.items()
    document: dict[str, object] = {}
    if more or not code.strip():
        document = {verdict: True, "files": dict(example.files)}
    else:
        document = {**({} if path == default_name(".py") else {"path": path}), verdict: code}
    if example.note:
        document["note"] = example.note
    return yaml.dump([document], Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1_000)


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as such."""


_BREAKS = re.compile("[\r\x85\u2028\u2029]")
"""What YAML also takes for the end of a line, so that it stays what it is only as an escape in double quotes."""


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    style = '"' if _BREAKS.search(text) else "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)
