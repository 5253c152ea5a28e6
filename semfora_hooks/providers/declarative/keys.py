"""The keys of `match` and `condition`: one table for the validator, the compiler, the words and the JSON Schema."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from semfora_hooks.model import SymbolKind
from semfora_hooks.providers.declarative import values
from semfora_hooks.providers.declarative.calls import CalledBy, Calls, NoCallers
from semfora_hooks.providers.declarative.globs import import_glob, module_glob, name_glob, path_glob, type_glob
from semfora_hooks.providers.declarative.predicates import (
    ARGUMENT_TYPES,
    BASE_CLASSES,
    CONSTRUCTS,
    CONTROL_FLOW,
    DECORATORS,
    IMPORTS,
    RETURN_TYPE,
    Bound,
    Constructs,
    Contains,
    Flag,
    Named,
    OneOf,
    Placed,
    Predicate,
    Subject,
    Untyped,
)
from semfora_hooks.providers.declarative.values import COUNT, FLAG, ValueType, choices, flag_or, words
from semfora_hooks.providers.declarative.view import METRICS

CONSTRUCT_GROUPS: Mapping[str, frozenset[str]] = {
    **{name: frozenset({name}) for name in CONSTRUCTS},
    "loop": frozenset({"for", "while"}),
}
SYNONYMS: Mapping[str, str] = {
    "catch": "except",
    "rescue": "except",
    "switch": "match",
    "when": "case",
    "foreach": "for",
    "do": "while",
    "else_if": "elif",
    "elseif": "elif",
    "elsif": "elif",
    "ensure": "finally",
    "throw": "raise",
    "using": "with",
    "conditional": "ternary",
}
"""Other languages' words for the constructs."""

_ANY_TYPE = dataclasses.replace(type_glob("*"), text="of any kind")

METRIC_ALIASES: Mapping[str, str] = {"cognitive_complexity": "complexity", "argument_count": "arity"}
"""Metric to the shorter name it also goes by, after `min_` and `max_` and in templates."""


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a condition.

    Attributes:
        name: As the documentation has it.
        value: The type of what stands behind it.
        build: The predicate for a value.
        help: One line for the schema.
        cost: How dear a look is: 0 a field, 1 a glob, 2 a few look-ups, 3 the call graph.
        aliases: Other names for the same.
        body: It speaks of what only functions have.
        wide: Code elsewhere can change the answer.
    """

    name: str
    value: ValueType
    build: Callable[[Any], Predicate]
    help: str
    cost: int = 0
    aliases: tuple[str, ...] = ()
    body: bool = False
    wide: bool = False


def _constructs(value: tuple[str, ...]) -> tuple[Constructs, ...]:
    return tuple(Constructs(word, CONSTRUCT_GROUPS[SYNONYMS.get(word, word)]) for word in value)


def _entry_point(value: Any) -> Predicate:
    if isinstance(value, bool):
        return OneOf("entry_point", frozenset({"none"}), "is entry point", wanted=not value)
    return OneOf("entry_point", frozenset(value), "is entry point")


def _missing_type(value: Any) -> Predicate:
    return Untyped(value) if isinstance(value, bool) else Contains(ARGUMENT_TYPES, value, wanted=False)


def _missing_return_type(value: Any) -> Predicate:
    if isinstance(value, bool):
        return Contains(RETURN_TYPE, (_ANY_TYPE,), wanted=not value)
    return Contains(RETURN_TYPE, value, wanted=False)


def _flags() -> Iterator[Key]:
    for name, phrase in (("is_exported", "exported"), ("is_async", "async"), ("is_test", "part of a test")):
        yield Key(name, FLAG, _flag(name, phrase), f"Whether the symbol is {phrase}.", body=name == "is_async")


def _flag(attribute: str, phrase: str) -> Callable[[Any], Predicate]:
    return lambda value: Flag(attribute, value, phrase)


def _bound(metric: str, relation: Literal["min", "max", "exactly"]) -> Callable[[Any], Predicate]:
    return lambda value: Bound(metric, relation, value)


def _contains(subject: Subject) -> Callable[[Any], Predicate]:
    return lambda value: Contains(subject, value)


def _limits() -> Iterator[Key]:
    for metric, about in METRICS.items():
        short = METRIC_ALIASES.get(metric)
        cost = 2 if metric == "calls" else 0
        body = metric != "loc"
        for prefix, meaning in (("min", "at least"), ("max", "more than")):
            yield Key(
                f"{prefix}_{metric}",
                COUNT,
                _bound(metric, "min" if prefix == "min" else "max"),
                f"Holds when the symbol {about.phrase.format(f'{meaning} N')}.",
                cost=cost,
                aliases=(f"{prefix}_{short}",) if short else (),
                body=body,
                wide=about.wide,
            )


def _table() -> Iterator[Key]:
    names, modules, paths = values.globs(name_glob), values.globs(module_glob), values.globs(path_glob)
    constructs = choices({**{name: name for name in CONSTRUCT_GROUPS}, **SYNONYMS})
    types = values.globs(type_glob)
    kinds = choices({kind: kind for kind in get_args(SymbolKind)})
    yield Key("kind", kinds, lambda v: OneOf("kind", frozenset(v), "is a"), "The symbol's kind: one of these.")
    yield from _flags()
    yield Key(
        "language",
        words(),
        lambda v: OneOf("language", frozenset(word.lower() for word in v), "is written in"),
        "The language it is written in: one of these.",
    )
    yield Key(
        "entry_point",
        flag_or(words()),
        _entry_point,
        "How it is started from outside: one of these, or whether it is at all.",
    )
    yield Key(
        "name",
        names,
        Named,
        "Globs on the name, or with a dot on the qualified name: one must fit.",
        cost=1,
        aliases=("name_pattern",),
    )
    yield Key(
        "module",
        modules,
        lambda v: Placed(v, "is in module"),
        "Globs on the dotted module, or with a slash on the file's path: one must fit.",
        cost=1,
        aliases=("module_pattern",),
    )
    yield Key("file", paths, lambda v: Placed(v, "is in file"), "Globs on the file's path: one must fit.", cost=1)
    yield from _limits()
    yield Key(
        "argument_count",
        COUNT,
        _bound("argument_count", "exactly"),
        "Exactly so many arguments, without a method's self or cls.",
        aliases=("arity",),
        body=True,
    )
    yield Key("has_decorator", names, _contains(DECORATORS), "Globs on decorators: each must fit one.", cost=1)
    yield Key(
        "has_control_flow",
        constructs,
        lambda v: Contains(CONTROL_FLOW, _constructs(v)),
        "Constructs it must use, each.",
        cost=1,
        body=True,
    )
    yield Key(
        "missing_control_flow",
        constructs,
        lambda v: Contains(CONTROL_FLOW, _constructs(v), wanted=False),
        "Constructs none of which it uses.",
        cost=1,
        body=True,
    )
    yield Key(
        "has_argument_type",
        types,
        _contains(ARGUMENT_TYPES),
        "Written argument types (`*` fits anything): each must be there.",
        cost=1,
        body=True,
    )
    yield Key(
        "missing_argument_type",
        flag_or(types),
        _missing_type,
        "Written argument types none of which is there; or `true`: some argument has no type.",
        cost=1,
        body=True,
    )
    yield Key(
        "has_return_type",
        types,
        _contains(RETURN_TYPE),
        "Written return types (`*` fits anything): each must fit it.",
        cost=1,
        body=True,
    )
    yield Key(
        "missing_return_type",
        flag_or(types),
        _missing_return_type,
        "Written return types none of which it has; or `true`: it has none.",
        cost=1,
        body=True,
    )
    yield Key(
        "has_base_class",
        names,
        _contains(BASE_CLASSES),
        "Globs on the base classes in a class's definition, as written: each must fit one.",
        cost=1,
    )
    yield Key(
        "imports",
        values.globs(import_glob),
        _contains(IMPORTS),
        "Globs on modules its module imports; a package covers what is below: each must be there.",
        cost=2,
        wide=True,
    )
    yield Key(
        "has_calls_to",
        names,
        Calls,
        "Globs on the qualified or bare name of callees: each must be called. `builtins.open` is Python's own.",
        cost=3,
        aliases=("has_calls",),
        body=True,
    )
    yield Key(
        "missing_calls_to",
        names,
        lambda v: Calls(v, wanted=False),
        "Globs on the qualified or bare name of callees: none is called. `builtins.open` is Python's own.",
        cost=3,
        aliases=("missing_calls",),
        body=True,
    )
    yield Key("called_by", names, CalledBy, "Globs on callers: each must fit one.", cost=3, wide=True)
    yield Key("no_callers", FLAG, NoCallers, "Whether nothing else calls it.", cost=3, wide=True)


KEYS: Mapping[str, Key] = {key.name: key for key in _table()}
"""Every key by its name."""

KEY_NAMES: Mapping[str, Key] = {name: key for key in KEYS.values() for name in (key.name, *key.aliases)}
"""The same, also by alias."""

ANY, NOT, TRANSITIVELY = "any", "not", "transitively"
"""The keys that are not about a symbol: alternatives, negation, and how far calls are followed."""
