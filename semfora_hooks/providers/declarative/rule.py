"""A declared rule, ready to run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from semfora_hooks.context import SuggestContext
from semfora_hooks.hookspecs import Example, Rule
from semfora_hooks.model import CALLABLE_KINDS, CLASS_KINDS, Evidence, Recommendation, Severity, Symbol, SymbolRef
from semfora_hooks.providers.declarative.bitmaps import members, union
from semfora_hooks.providers.declarative.document import Place
from semfora_hooks.providers.declarative.logic import All, Clause, Fact, Leaf
from semfora_hooks.providers.declarative.symbolindex import SymbolIndex
from semfora_hooks.providers.declarative.templates import Template
from semfora_hooks.providers.declarative.view import View


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """What a rule file says about one rule. `match` or `condition` may be empty, not both."""

    name: str
    group: str
    category: str
    severity: Severity
    confidence: float
    match: All
    condition: All
    description: Template | None = None
    title: Template | None = None
    suggestion: Template | None = None
    enabled: bool = True
    examples: Sequence[Example] = ()
    example_places: Sequence[Place] = ()
    path: str
    place: Place


class DeclarativeRule(Rule):
    """A rule of `.semfora/rules`. It looks at one symbol after the other.

    Without a `kind`, it looks at functions, methods and components, and at classes too unless one of its keys speaks of
    what only functions have.

    Attributes:
        source: A digest of the rule's file, where it was read from one.
    """

    def __init__(self, definition: Definition) -> None:
        self.definition = definition
        self.source: str | None = None
        self.clause = All([*definition.match.parts, *definition.condition.parts])
        self.id = definition.name
        self.group = definition.group
        self.category = definition.category
        self.severity = definition.severity
        self.description = definition.description.text if definition.description else self.in_words()
        self.remedy = definition.suggestion.text if definition.suggestion else ""
        self.recommended = definition.enabled
        self.examples = definition.examples
        self.origin = definition.path
        transitive = any(getattr(leaf.predicate, "transitively", False) for leaf, _ in self.clause.leaves())
        self.locality = "repository" if transitive else "file"
        self.granularity = "project" if any(_is_wide(leaf) for leaf, _ in self.clause.leaves()) else "symbol"

    def result_key(self) -> str | None:
        """The rule's file, as it is."""
        return f"{self.id}:{self.origin}:{self.source}" if self.source else None

    @property
    def place(self) -> Place:
        """Where the rule stands in its file."""
        return self.definition.place

    def evaluate(self, context: SuggestContext) -> Iterator[Recommendation]:
        """A recommendation for each symbol on which the rule fires."""
        index = SymbolIndex.of(context)
        found = self.clause.select(index)
        kinds = self.default_kinds()
        if kinds is not None:
            found &= union(index.having("kind", kind) for kind in kinds)
        for position in members(found):
            yield self._recommendation(index.symbols[position], index.view)

    def in_words(self) -> str:
        """The rule as a sentence."""
        match, condition = self.definition.match, self.definition.condition
        named = [part for part in match.parts if isinstance(part, Leaf) and part.key.name == "kind"]
        rest = All([part for part in match.parts if part not in named])
        that = f" that {rest.words()}" if rest.parts else ""
        when = f", when it {condition.words()}" if condition.parts else ""
        return f"Reports every {self.subject(named)}{that}{when}."

    def subject(self, named: Sequence[Leaf]) -> str:
        """What the rule looks at, in words; `named` are the kinds that `match` asks for."""
        if named:
            return named[0].words().removeprefix("is a ")
        kinds = self.default_kinds()
        if kinds is None:
            return "symbol"
        return "function, method, component or class" if kinds & CLASS_KINDS else "function, method or component"

    def default_kinds(self) -> frozenset[str] | None:
        """The kinds the rule looks at, or `None` where it says so itself."""
        if _names_kinds(self.clause):
            return None
        body = any(leaf.key.body for leaf, _ in self.clause.leaves())
        return CALLABLE_KINDS if body else CALLABLE_KINDS | CLASS_KINDS

    def _recommendation(self, symbol: Symbol, view: View) -> Recommendation:
        rule = self.definition
        facts = list(self.clause.facts(symbol, view))
        strength = min((fact.observation.strength for fact in facts), default=1.0)
        return Recommendation(
            rule_id=self.id,
            group=self.group,
            category=self.category,
            confidence=round(rule.confidence * strength, 4),
            title=self._title(symbol, view),
            description=rule.description.render(symbol, view) if rule.description else _list_facts(facts),
            symbols=(SymbolRef.of(symbol),),
            suggestion=rule.suggestion.render(symbol, view) if rule.suggestion else None,
            evidence=tuple(_evidence(fact, symbol) for fact in facts),
            metrics=_metrics(facts),
        )

    def _title(self, symbol: Symbol, view: View) -> str:
        """One line: the rule's own title, or the symbol with the first sentence of the description, or in words."""
        rule = self.definition
        if rule.title:
            return " ".join(rule.title.render(symbol, view).split())
        if rule.description:
            first = rule.description.render(symbol, view).partition(". ")[0]
            return f"{symbol.name}: {' '.join(first.split()).removesuffix('.')}"
        return f"{symbol.name} {(rule.condition if rule.condition.parts else rule.match).words()}"


def _is_wide(leaf: Leaf) -> bool:
    return leaf.key.wide or bool(getattr(leaf.predicate, "transitively", False))


def _names_kinds(clause: Clause) -> bool:
    """Whether the clause says which kinds it wants; a kind under `not` only says which it does not."""
    return any(leaf.key.name == "kind" and positive for leaf, positive in clause.leaves())


def _evidence(fact: Fact, symbol: Symbol) -> Evidence:
    seen = fact.observation
    return Evidence(
        kind=seen.kind, text=fact.text, symbol=symbol.id, file=symbol.file, line=seen.line or symbol.start_line
    )


def _metrics(facts: Sequence[Fact]) -> dict[str, float]:
    """The metrics that exceed a limit of the rule: when one grows, the finding got worse."""
    metrics = [fact.observation.metric for fact in facts if fact.positive and fact.observation.metric]
    return {name: float(value) for name, value in metrics}


def _list_facts(facts: Sequence[Fact]) -> str:
    return "; ".join(fact.text for fact in facts)
