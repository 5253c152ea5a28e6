"""What comes back from rules, checked and completed: the same for every provider, trusted or not."""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping

import msgspec

from semfora_hooks.context import SuggestContext
from semfora_hooks.errors import ProviderError
from semfora_hooks.hookspecs import Rule
from semfora_hooks.model import CATEGORIES, Evidence, Recommendation, Severity, Symbol, SymbolRef

MAX_FINDINGS = 100_000
"""More from one rule is a rule out of control."""

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def complete(found: object, rule: Rule, context: SuggestContext, severity: Severity | None) -> Recommendation:
    """A checked recommendation with everything the host fills in, but for its fingerprint.

    Args:
        found: What the rule yielded.
        rule: The rule.
        context: Where its symbols must be.
        severity: The configuration's severity for the rule, which wins over the rule's own.

    Raises:
        ProviderError: It is not a recommendation, or one of its fields is nonsense.
    """
    if not isinstance(found, Recommendation):
        raise ProviderError(f"rule '{rule.id}' returned {type(found).__name__}, not a Recommendation")
    try:
        checked = msgspec.convert(msgspec.to_builtins(found), Recommendation)
    except (msgspec.ValidationError, TypeError, ValueError) as error:
        raise ProviderError(f"rule '{rule.id}' returned a malformed recommendation: {error}") from None
    confidence = checked.confidence
    if not (math.isfinite(confidence) and 0.0 <= confidence <= 1.0):
        raise ProviderError(f"rule '{rule.id}' returned the confidence {confidence}; it must be between 0.0 and 1.0")
    for name, value in checked.metrics.items():
        if not math.isfinite(value):
            raise ProviderError(f"rule '{rule.id}' returned {value} for the metric '{name}'; it must be finite")
    if not checked.title.strip():
        raise ProviderError(f"rule '{rule.id}' returned a recommendation without a title")
    category = checked.category or rule.category
    if category not in CATEGORIES and not re.fullmatch(r"custom:[\w./-]+", category):
        raise ProviderError(
            f"rule '{rule.id}' returned the category {category!r}",
            hint=f"one of {', '.join(CATEGORIES)}, or custom:<name>",
        )
    symbols = []
    for ref in checked.symbols:
        symbol = context.by_id.get(ref.id)
        if symbol is None:
            raise ProviderError(f"rule '{rule.id}' named a symbol that does not exist: {ref.id!r}")
        symbols.append(_reference(ref, symbol))
    first = symbols[0].id if symbols else "repository"
    discriminator = clean(checked.discriminator)
    return msgspec.structs.replace(
        checked,
        id=clean(checked.id) or f"{rule.id}:{first}" + (f":{discriminator}" if discriminator else ""),
        rule_id=rule.id,
        group=clean(checked.group) or rule.group,
        category=category,
        severity=severity or checked.severity or rule.severity,
        confidence=round(confidence, 4),
        title=clean(" ".join(checked.title.split())),
        description=clean(checked.description),
        suggestion=None if checked.suggestion is None else clean(checked.suggestion),
        symbols=tuple(symbols),
        discriminator=discriminator,
        metrics={clean(name): value for name, value in checked.metrics.items()},
        evidence=tuple(_clean_evidence(item) for item in checked.evidence),
        status=None,
        suppressed=None,
    )


def finish(
    found: Iterable[Recommendation], context: SuggestContext, aliases: Mapping[str, str]
) -> list[Recommendation]:
    """Sort recommendations and give each its fingerprint and a unique id.

    A fingerprint hashes the rule, the first symbol's identity (module, name within it, kind) and the rule's
    discriminator: no path, line or metric. Where a rule says the same thing twice, the second is numbered.

    Args:
        found: Completed recommendations.
        context: Where their symbols are.
        aliases: Module to the name it has on the other side of a change, for renamed files.
    """
    return number(found, lambda item: _identity(item, context, aliases))


def number(found: Iterable[Recommendation], identify: Callable[[Recommendation], str]) -> list[Recommendation]:
    """Sort recommendations and give each a fingerprint of what `identify` says, and a unique id; see `finish`."""
    ordered = sorted(found, key=order)
    prints: Counter[str] = Counter()
    ids: Counter[str] = Counter()
    result = []
    for item in ordered:
        key = identify(item)
        prints[key] += 1
        ids[item.id] += 1
        digest = hashlib.sha256(f"{key}\0{prints[key]}".encode("utf-8", "surrogatepass")).hexdigest()[:20]
        result.append(
            msgspec.structs.replace(
                item, fingerprint=digest, id=item.id if ids[item.id] == 1 else f"{item.id}#{ids[item.id]}"
            )
        )
    return result


def order(item: Recommendation) -> tuple[object, ...]:
    """The report's order: severity and confidence descending, then file, line, id."""
    severity = item.severity.rank if item.severity is not None else 0
    first = item.symbols[0] if item.symbols else None
    place = (first.file, first.start_line) if first else ("", 0)
    return -severity, -item.confidence, *place, item.id, item.title


def _identity(item: Recommendation, context: SuggestContext, aliases: Mapping[str, str]) -> str:
    if not item.symbols:
        return "\0".join((item.rule_id, "", item.discriminator))
    symbol = context.by_id[item.symbols[0].id]
    return identity(item, symbol.kind, aliases)


def identity(item: Recommendation, kind: str, aliases: Mapping[str, str]) -> str:
    """What a finding's fingerprint hashes.

    Args:
        item: The finding; it has a symbol.
        kind: That symbol's kind.
        aliases: Module to the name it has on the other side of a change.
    """
    place = item.symbols[0]
    inner = place.id.removeprefix(place.file).removeprefix("::")
    return "\0".join((item.rule_id, aliases.get(place.module, place.module), inner, kind, item.discriminator))


def _reference(ref: SymbolRef, symbol: Symbol) -> SymbolRef:
    """The canonical reference, at the line a rule points to inside the symbol, if it does."""
    known = SymbolRef.of(symbol)
    if symbol.start_line < ref.start_line <= symbol.end_line:
        return msgspec.structs.replace(known, start_line=ref.start_line, start_column=1)
    return known


def clean(text: str) -> str:
    """Text that can be shown: no control characters, which would drive a terminal, and no halves of UTF-16 pairs."""
    return _CONTROL.sub("", text.encode("utf-8", "backslashreplace").decode())


def _clean_evidence(item: Evidence) -> Evidence:
    return msgspec.structs.replace(
        item,
        kind=clean(item.kind),
        text=clean(item.text),
        symbol=None if item.symbol is None else clean(item.symbol),
        file=None if item.file is None else clean(item.file),
    )
