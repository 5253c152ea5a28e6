"""A declared rule in words, one line a key."""

from __future__ import annotations

from collections.abc import Iterator

from semfora_hooks.providers.declarative.logic import All, AnyOf, Clause, Leaf, Not
from semfora_hooks.providers.declarative.rule import DeclarativeRule

_INDENT = "  "


def describe(rule: DeclarativeRule) -> list[str]:
    """What the rule looks at, when it fires and how a finding looks, as indented lines."""
    definition = rule.definition
    named = [part for part in definition.match.parts if isinstance(part, Leaf) and part.key.name == "kind"]
    match = [part for part in definition.match.parts if part not in named]
    condition = definition.condition.parts
    kinds = f"every {rule.subject(named)}"
    lines: list[str] = []
    if match and condition:
        lines += [f"It looks at {kinds} that", *_bullets(match), "and reports it when it", *_bullets(condition)]
    elif match or condition:
        lines += [f"It reports {kinds} that", *_bullets([*match, *condition])]
    else:
        lines += [f"It reports {kinds}."]
    lines.append(f"A finding's confidence is at most {definition.confidence:g}; its group is {definition.group}.")
    if definition.title is not None:
        lines.append(f"Its headline: {' '.join(definition.title.text.split())}")
    return lines


def _bullets(parts: list[Clause] | tuple[Clause, ...], depth: int = 1) -> Iterator[str]:
    for part in parts:
        yield from _clause(part, depth)


def _clause(clause: Clause, depth: int) -> Iterator[str]:
    """One part of a condition: a line for a key, a heading with lines below it for a group."""
    start = f"{_INDENT * depth}- "
    match clause:
        case Leaf():
            yield f"{start}{clause.words()}  ({clause.shown})"
        case All(parts=(only,)) | AnyOf(parts=(only,)):
            yield from _clause(only, depth)
        case All():
            yield f"{start}satisfies all of these:"
            yield from _bullets(clause.parts, depth + 1)
        case AnyOf():
            yield f"{start}satisfies at least one of these:"
            yield from _bullets(clause.parts, depth + 1)
        case Not(part=All(parts=(AnyOf(parts=parts),))):
            yield f"{start}satisfies none of these:"
            yield from _bullets(parts, depth + 1)
        case Not(part=All(parts=(_,)) as part):
            yield f"{start}does not satisfy this:"
            yield from _clause(part, depth + 1)
        case Not(part=All(parts=parts)):
            yield f"{start}does not satisfy all of these together:"
            yield from _bullets(parts, depth + 1)
        case _:
            yield f"{start}{clause.words()}"
