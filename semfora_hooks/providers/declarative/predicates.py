"""What a condition's keys ask of one symbol. Answers are true, false or unknown (`None`).

Data that the context's capabilities do not list is unknown where it is absent: what is there counts, what is not there
proves nothing. Unknown stays unknown under `not`, and never fires.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from msgspec.structs import astuple, fields

from semfora_hooks.model import CLASS_KINDS, ControlFlow, Symbol
from semfora_hooks.providers.declarative.bitmaps import intersection, union
from semfora_hooks.providers.declarative.globs import Glob, NameGlob, PathGlob
from semfora_hooks.providers.declarative.symbolindex import Answer, SymbolIndex
from semfora_hooks.providers.declarative.view import METRICS, Truth, View, either

_SHOWN_VALUES = 8
"""Values of a field that evidence spells out."""


@dataclass(frozen=True, slots=True)
class Observation:
    """What a predicate saw in a symbol.

    Attributes:
        text: The value it looked at, in words.
        strength: How far the data can be trusted, 0 to 1.
        metric: The metric's name and value, for predicates that set a limit.
        line: Where in the symbol's file, if not at its start.
        kind: The evidence's kind.
    """

    text: str
    strength: float = 1.0
    metric: tuple[str, int] | None = None
    line: int | None = None
    kind: str = "match"


class Predicate(Protocol):
    """One question about a symbol. Equal ones have the same answers."""

    def holds(self, symbol: Symbol, view: View, /) -> Truth:
        """The answer; `None` where the data cannot tell."""
        ...

    def ask(self, index: SymbolIndex, /) -> Answer:
        """The same answer for all symbols at once."""
        ...

    def observe(self, symbol: Symbol, view: View, /) -> Observation:
        """What the answer rests on."""
        ...

    def words(self) -> str:
        """The question as the end of "a function that …"."""
        ...


class Matcher(Protocol):
    """Something that fits texts: a glob, or a group of constructs."""

    @property
    def text(self) -> str:
        """As the user wrote it."""
        ...

    def matches(self, value: str) -> bool:
        """Whether it fits."""
        ...


# ------------------------------------------------------------------------------------------------ one value


@dataclass(frozen=True, slots=True)
class Flag:
    """A field that is true or false."""

    attribute: str
    wanted: bool
    phrase: str

    def holds(self, symbol: Symbol, _view: View) -> Truth:
        """Whether the field has the wanted value."""
        return getattr(symbol, self.attribute) is self.wanted

    def ask(self, index: SymbolIndex) -> Answer:
        """All symbols whose field has the wanted value."""
        return index.certain(index.having(self.attribute, self.wanted))

    def observe(self, symbol: Symbol, _view: View) -> Observation:
        """The field's value."""
        return Observation("yes" if getattr(symbol, self.attribute) else "no")

    def words(self) -> str:
        """Such as "is not exported"."""
        return f"is {'' if self.wanted else 'not '}{self.phrase}"


@dataclass(frozen=True, slots=True)
class OneOf:
    """A field that must have one of some values; `wanted` turns it round."""

    attribute: str
    options: frozenset[str]
    phrase: str
    wanted: bool = True

    def holds(self, symbol: Symbol, _view: View) -> Truth:
        """Whether the field's value is among the options."""
        return (getattr(symbol, self.attribute) in self.options) is self.wanted

    def ask(self, index: SymbolIndex) -> Answer:
        """All symbols whose field has one of the options."""
        found = union(index.having(self.attribute, option) for option in self.options)
        return index.certain(found if self.wanted else index.everything & ~found)

    def observe(self, symbol: Symbol, _view: View) -> Observation:
        """The field's value."""
        return Observation(str(getattr(symbol, self.attribute)))

    def words(self) -> str:
        """Such as "is a class or function"."""
        return f"{self.phrase if self.wanted else self.phrase.replace('is ', 'is not ', 1)} {either(self.options)}"


@dataclass(frozen=True, slots=True)
class Named:
    """The symbol's own name: bare, or qualified for globs with a dot."""

    globs: tuple[NameGlob, ...]

    def holds(self, symbol: Symbol, _view: View) -> Truth:
        """Whether one of the globs fits."""
        return any(
            glob.matches(symbol.qualified_name) if glob.dotted else glob.matches(symbol.name) for glob in self.globs
        )

    def ask(self, index: SymbolIndex) -> Answer:
        """All symbols with a fitting name."""
        return index.certain(union(index.named(glob) for glob in self.globs))

    def observe(self, symbol: Symbol, _view: View) -> Observation:
        """The name."""
        return Observation(symbol.qualified_name if any(glob.dotted for glob in self.globs) else symbol.name)

    def words(self) -> str:
        """Such as "is named handle_*"."""
        return f"is named {either(glob.text for glob in self.globs)}"


@dataclass(frozen=True, slots=True)
class Placed:
    """Where the symbol stands: path globs look at its file, others at its module and its file's dotted path."""

    globs: tuple[Glob, ...]
    phrase: str

    def holds(self, symbol: Symbol, view: View) -> Truth:
        """Whether one of the globs fits."""
        key = (self, symbol.module, symbol.file)
        known = view.places.get(key)
        if known is None:
            known = view.places[key] = any(self._fits(glob, symbol, view) for glob in self.globs)
        return known

    def _fits(self, glob: Glob, symbol: Symbol, view: View) -> bool:
        if isinstance(glob, PathGlob):
            return glob.matches(symbol.file)
        return glob.matches(symbol.module) or glob.matches(view.dotted(symbol.file))

    def ask(self, index: SymbolIndex) -> Answer:
        """All symbols of the places that fit."""
        return index.certain(union(index.placed(glob) for glob in self.globs))

    def observe(self, symbol: Symbol, _view: View) -> Observation:
        """The file, or the module."""
        return Observation(symbol.file if isinstance(self.globs[0], PathGlob) else symbol.module)

    def words(self) -> str:
        """Such as "is in module src.api.*"."""
        return f"{self.phrase} {either(glob.text for glob in self.globs)}"


@dataclass(frozen=True, slots=True)
class Bound:
    """A metric with a limit: at least, more than, or exactly."""

    metric: str
    relation: Literal["min", "max", "exactly"]
    limit: int

    @property
    def lowest(self) -> int:
        """The smallest value that satisfies it."""
        return self.limit + 1 if self.relation == "max" else self.limit

    def holds(self, symbol: Symbol, view: View) -> Truth:
        """Whether the metric is within the limit; unknown where the metric is."""
        value = view.metric(symbol, self.metric)
        if value is None:
            return None
        return value == self.limit if self.relation == "exactly" else value >= self.lowest

    def ask(self, index: SymbolIndex) -> Answer:
        """All symbols within the limit."""
        values = index.measured(self.metric)
        exact = self.relation == "exactly"
        fitting = (n == self.limit if exact else n is not None and n >= self.lowest for n in values)
        found = union(symbols for symbols, fits in zip(values.values(), fitting, strict=True) if fits)
        return Answer(found, index.everything & ~values.get(None, 0))

    def observe(self, symbol: Symbol, view: View) -> Observation:
        """The metric's value."""
        value = view.metric(symbol, self.metric) or 0
        return Observation(f"{self.metric} is {value}", metric=(self.metric, value), kind="metric")

    def words(self) -> str:
        """Such as "has a cognitive complexity of more than 5"."""
        amount = {"min": "at least", "max": "more than", "exactly": "exactly"}[self.relation]
        return METRICS[self.metric].phrase.format(f"{amount} {self.limit}")


# --------------------------------------------------------------------------------------------- several values


@dataclass(frozen=True, slots=True)
class Subject:
    """Texts that belong to a symbol.

    Attributes:
        values: The texts; `None` where nothing is known about them.
        capability: What the context must be able to tell for absence to mean anything.
        has: The phrase before a wanted text, and `lacks` before an unwanted one.
    """

    values: Callable[[Symbol, View], Sequence[str] | None]
    capability: str
    has: str
    lacks: str


@dataclass(frozen=True, slots=True)
class Contains:
    """Each of some patterns fits one of a subject's texts; with `wanted` false, none of them fits any."""

    subject: Subject
    patterns: tuple[Matcher, ...]
    wanted: bool = True

    def holds(self, symbol: Symbol, view: View) -> Truth:
        """The answer; absence counts only where the context could have told presence."""
        values = self.subject.values(symbol, view)
        if values is None:
            return None
        found = [any(pattern.matches(value) for value in values) for pattern in self.patterns]
        if all(found) if self.wanted else any(found):
            return self.wanted
        return not self.wanted if self.subject.capability in view.capabilities else None

    def ask(self, index: SymbolIndex) -> Answer:
        """All symbols with the texts, or without."""
        values = self.subject.values
        found = [index.containing(values, pattern) for pattern in self.patterns]
        everywhere = self.subject.capability in index.view.capabilities
        return presence(found, self.wanted, index.readable(values) if everywhere else 0)

    def observe(self, symbol: Symbol, view: View) -> Observation:
        """The texts that fit a pattern, or all of them where none does; of very many, the first."""
        values = self.subject.values(symbol, view) or ()
        values = [value for value in values if any(pattern.matches(value) for pattern in self.patterns)] or values
        more = [f"{len(values) - _SHOWN_VALUES} more"] if len(values) > _SHOWN_VALUES else []
        return Observation(", ".join([*values[:_SHOWN_VALUES], *more]) or "none")

    def words(self) -> str:
        """Such as "uses try"."""
        if self.wanted:
            return f"{self.subject.has} {' and '.join(pattern.text for pattern in self.patterns)}"
        return f"{self.subject.lacks} {either(pattern.text for pattern in self.patterns)}"


@dataclass(frozen=True, slots=True)
class Untyped:
    """Some argument has no type; with `wanted` false, all have one."""

    wanted: bool

    def holds(self, symbol: Symbol, view: View) -> Truth:
        """The answer; an argument that is there and has no type counts as untyped only where types are known."""
        if "arguments" not in view.capabilities:
            return None
        return bool(self._untyped(symbol)) is self.wanted

    def ask(self, index: SymbolIndex) -> Answer:
        """All symbols with an argument that has no type, or without one."""
        if "arguments" not in index.view.capabilities:
            return Answer(0, 0)
        found = (bool(self._untyped(symbol)) is self.wanted for symbol in index.symbols)
        return index.certain(index.set_of(position for position, holds in enumerate(found) if holds))

    def observe(self, symbol: Symbol, _view: View) -> Observation:
        """The arguments without a type."""
        return Observation(", ".join(self._untyped(symbol)) or "none without a type")

    def words(self) -> str:
        """Such as "has an argument without a type"."""
        return f"has {'an' if self.wanted else 'no'} argument without a type"

    def _untyped(self, symbol: Symbol) -> list[str]:
        return [argument.name for argument in own_arguments(symbol) if argument.type is None]


@dataclass(frozen=True, slots=True)
class Constructs:
    """A name for one or more control-flow constructs, as the user wrote it."""

    text: str
    names: frozenset[str]

    def matches(self, value: str) -> bool:
        """Whether `value` is one of them."""
        return value in self.names


CONSTRUCTS = tuple(item.encode_name for item in fields(ControlFlow))
"""The constructs that a `ControlFlow` counts, in its order."""


def presence(found: Sequence[int], wanted: bool, told: int) -> Answer:
    """The answer for what must be there, all of it, or with `wanted` false must not, any of it.

    Args:
        found: For each of the things, the symbols where it is.
        wanted: Whether it must be there.
        told: The symbols where absence means something, as presence would have been told.
    """
    there = intersection(found) if wanted else union(found)
    return Answer(there if wanted else told & ~there, there | told)


def own_arguments(symbol: Symbol) -> Sequence[Any]:
    """The declared arguments without a method's `self` or `cls`."""
    arguments = symbol.arguments
    if symbol.kind == "method" and arguments and arguments[0].name in ("self", "cls"):
        return arguments[1:]
    return arguments


def _constructs(symbol: Symbol, _: View) -> Sequence[str]:
    return [name for name, count in zip(CONSTRUCTS, astuple(symbol.control_flow), strict=True) if count]


def _decorators(symbol: Symbol, _: View) -> Sequence[str]:
    return [decorator.partition("(")[0] for decorator in symbol.decorators]


def _argument_types(symbol: Symbol, _: View) -> Sequence[str]:
    return ["".join(argument.type.split()) for argument in own_arguments(symbol) if argument.type is not None]


def _base_classes(symbol: Symbol, _: View) -> Sequence[str] | None:
    if symbol.kind not in CLASS_KINDS:  # what cannot have any says nothing by having none
        return None
    return [base.partition("[")[0] for base in symbol.base_classes]


def _return_type(symbol: Symbol, _: View) -> Sequence[str]:
    return () if symbol.return_type is None else ["".join(symbol.return_type.split())]


def _imports(symbol: Symbol, view: View) -> Sequence[str] | None:
    return view.imports(symbol.module)


CONTROL_FLOW = Subject(_constructs, "control_flow", "uses", "does not use")
DECORATORS = Subject(_decorators, "decorators", "is decorated with", "is not decorated with")
ARGUMENT_TYPES = Subject(_argument_types, "arguments", "has an argument of type", "has no argument of type")
BASE_CLASSES = Subject(_base_classes, "base_classes", "inherits from", "does not inherit from")
RETURN_TYPE = Subject(_return_type, "types", "has a return type", "has no return type")
IMPORTS = Subject(_imports, "imports", "is in a module that imports", "is in a module that does not import")
