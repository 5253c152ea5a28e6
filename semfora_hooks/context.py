"""What rules see: a read-only view of the whole index, what the run is about, and the rule's configuration."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

import msgspec

from semfora_hooks.model import (
    CallEdge,
    ContextDocument,
    Duplicate,
    Generator,
    ImportEdge,
    Module,
    Repository,
    Scope,
    Symbol,
)

NEEDS = ("symbols", "calls", "modules", "duplicates")
"""The sections of a context document that a provider may ask for."""


class SuggestContext(msgspec.Struct, frozen=True, dict=True):
    """The linked repository, as rules get it. Everything is sorted and the same for the same input.

    Attributes:
        symbols: All symbols, by file and position.
        calls: All call edges, by caller, then line.
        modules: All modules, by name.
        imports: Imports between modules of the repository.
        duplicates: Groups of symbols that repeat each other.
        mentions: Name to how often it stands in the repository's code other than where it is defined: in code, in
            strings that could name something, in imports. Comments and docstrings do not count.
        is_library: The repository is meant to be imported by others, so what is public may be used elsewhere.
        scope: What the run is about.
        repository: Name and head commit.
        generator: Version, and which data can be trusted to be there (`capabilities`).
        config: The options of the rule or plugin that is evaluated.
        tally: Sums over the whole repository, where the context shows a part of it: see `Rule.tally`.
    """

    generator: Generator
    repository: Repository
    symbols: Sequence[Symbol] = ()
    calls: Sequence[CallEdge] = ()
    modules: Sequence[Module] = ()
    imports: Sequence[ImportEdge] = ()
    duplicates: Sequence[Duplicate] = ()
    mentions: Mapping[str, int] = {}
    is_library: bool = False
    scope: Scope = msgspec.field(default_factory=Scope)
    config: Mapping[str, Any] = {}
    tally: Mapping[str, int] | None = None

    # ------------------------------------------------------------------------------------------------ look-ups

    @cached_property
    def shared(self) -> dict[Any, Any]:
        """What rules work out about the symbols and share: one dictionary for all copies that `with_config` makes."""
        return {}

    @cached_property
    def by_id(self) -> Mapping[str, Symbol]:
        """Symbol id to symbol."""
        return {symbol.id: symbol for symbol in self.symbols}

    @cached_property
    def by_module(self) -> Mapping[str, Sequence[Symbol]]:
        """Module name to its symbols."""
        groups: defaultdict[str, list[Symbol]] = defaultdict(list)
        for symbol in self.symbols:
            groups[symbol.module].append(symbol)
        return groups

    @cached_property
    def by_name(self) -> Mapping[str, Sequence[Symbol]]:
        """Bare name to the symbols that have it."""
        groups: defaultdict[str, list[Symbol]] = defaultdict(list)
        for symbol in self.symbols:
            groups[symbol.name].append(symbol)
        return groups

    @cached_property
    def module_by_name(self) -> Mapping[str, Module]:
        """Dotted name to module."""
        return {module.name: module for module in self.modules}

    @cached_property
    def _calls_by_caller(self) -> Mapping[str, Sequence[CallEdge]]:
        groups: defaultdict[str, list[CallEdge]] = defaultdict(list)
        for call in self.calls:
            groups[call.caller].append(call)
        return groups

    @cached_property
    def _calls_by_callee(self) -> Mapping[str, Sequence[CallEdge]]:
        groups: defaultdict[str, list[CallEdge]] = defaultdict(list)
        for call in self.calls:
            if call.callee is not None:
                groups[call.callee].append(call)
        return groups

    @cached_property
    def _children(self) -> Mapping[str, Sequence[Symbol]]:
        groups: defaultdict[str, list[Symbol]] = defaultdict(list)
        for symbol in self.symbols:
            if symbol.parent is not None:
                groups[symbol.parent].append(symbol)
        return groups

    def calls_from(self, symbol_id: str) -> Sequence[CallEdge]:
        """The calls that stand in a symbol."""
        return self._calls_by_caller.get(symbol_id, ())

    def calls_to(self, symbol_id: str) -> Sequence[CallEdge]:
        """The calls that reach a symbol."""
        return self._calls_by_callee.get(symbol_id, ())

    def children(self, symbol_id: str) -> Sequence[Symbol]:
        """The symbols defined directly inside a symbol."""
        return self._children.get(symbol_id, ())

    # ------------------------------------------------------------------------------------------------- documents

    def with_config(self, config: Mapping[str, Any], tally: Mapping[str, int] | None = None) -> SuggestContext:
        """The same view for another rule. Look-up tables already built are shared."""
        other = msgspec.structs.replace(self, config=config, tally=tally)
        _ = self.shared, self.by_id  # made here, or each copy would make its own
        other.__dict__.update(self.__dict__)
        return other

    def document(
        self, needs: Iterable[str] = NEEDS, *, config: Mapping[str, Any] | None = None, only: set[str] | None = None
    ) -> ContextDocument:
        """The contract's JSON document (`model.ContextDocument`).

        Args:
            needs: Sections to fill; the others stay empty.
            config: What becomes `config`; this context's own where `None`.
            only: Symbol ids to keep, with the calls among them; everything where `None`.
        """
        wanted = set(needs)
        symbols = self.symbols if "symbols" in wanted else ()
        calls = self.calls if "calls" in wanted else ()
        if only is not None:
            symbols = [symbol for symbol in symbols if symbol.id in only]
            calls = [call for call in calls if call.caller in only or call.callee in only]
        return ContextDocument(
            generator=self.generator,
            repository=self.repository,
            scope=self.scope,
            config=dict(self.config if config is None else config),
            symbols=list(symbols),
            calls=list(calls),
            modules=list(self.modules) if "modules" in wanted else [],
            duplicates=list(self.duplicates) if "duplicates" in wanted else [],
        )
