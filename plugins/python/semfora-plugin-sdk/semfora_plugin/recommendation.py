"""What a plugin returns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from .context import Symbol


@dataclass(frozen=True, slots=True)
class SymbolRef:
    """Points to a symbol of the context."""

    id: str = ""
    name: str = ""
    file: str = ""
    module: str = ""
    start_line: int = 0
    end_line: int = 0
    start_column: int = 0

    @classmethod
    def of(cls, symbol: Symbol) -> SymbolRef:
        """The reference to `symbol`."""
        return cls(
            symbol.id,
            symbol.name,
            symbol.file,
            symbol.module,
            symbol.start_line,
            symbol.end_line,
            symbol.start_column,
        )


@dataclass(frozen=True, slots=True)
class Evidence:
    """A fact that a finding rests on; `symbol` is an id."""

    kind: str = field(metadata={"always": True})
    text: str = field(metadata={"always": True})
    symbol: str | None = None
    file: str | None = None
    line: int | None = None


@dataclass(slots=True)
class Recommendation:
    """One finding. What is empty the host fills in.

    Attributes:
        title: One line.
        symbols: What it is about (`SymbolRef.of(symbol)`); it is reported at the first.
        severity: `info`, `warning` or `error`; the manifest's where it is `None`.
        confidence: 0.0 to 1.0, derived from the evidence.
        category: `combine_functions`, `naming`, `complexity`, `dead_code`, `module_organization`, `type_narrowing` or
            `custom:<name>`; the one that the manifest's group implies where it is empty.
        description: Why, with the evidence.
        suggestion: What to do.
        metrics: Name to number; an increase makes a known finding worse.
        discriminator: Tells apart findings of one rule on one symbol: no line numbers or metric values here.
        fingerprint: The host's, whatever stands here.
    """

    title: str = field(metadata={"always": True})
    symbols: Sequence[SymbolRef] = ()
    severity: str | None = None
    confidence: float = 1.0
    category: str = ""
    description: str = ""
    suggestion: str | None = None
    evidence: Sequence[Evidence] = ()
    metrics: Mapping[str, float] = field(default_factory=dict)
    discriminator: str = ""
    id: str = ""
    rule_id: str = ""
    group: str = ""
    fingerprint: str = ""
