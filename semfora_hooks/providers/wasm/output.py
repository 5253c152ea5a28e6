"""Decoding what a plugin returns. Lenient about what is left out or unknown, strict about what is there."""

from __future__ import annotations

from typing import Annotated

import msgspec

from semfora_hooks.context import SuggestContext
from semfora_hooks.model import CATEGORIES, Evidence, Recommendation, Severity, SymbolRef
from semfora_hooks.providers.wasm.text import clean, clean_line

MAX_ERROR_TEXT = 500
_Line = Annotated[int, msgspec.Meta(ge=1)]


class OutputError(Exception):
    """A plugin's output breaks the contract (`bad_output`), or says that it failed (`plugin`)."""

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail


class _Symbol(msgspec.Struct, frozen=True):
    id: str
    name: str | None = None
    file: str | None = None
    module: str | None = None
    start_line: _Line | None = None
    end_line: _Line | None = None
    start_column: _Line | None = None


class _Evidence(msgspec.Struct, frozen=True):
    kind: str
    text: str
    symbol: str | None = None
    file: str | None = None
    line: _Line | None = None


class _Recommendation(msgspec.Struct, frozen=True):
    title: str
    id: str | None = None
    rule_id: str | None = None
    group: str | None = None
    category: str | None = None
    severity: Severity | None = None
    confidence: float | None = None
    description: str | None = None
    symbols: tuple[_Symbol, ...] | None = None
    suggestion: str | None = None
    evidence: tuple[_Evidence, ...] | None = None
    metrics: dict[str, float] | None = None
    discriminator: str | None = None


class _Failure(msgspec.Struct, frozen=True):
    error: str


_ITEMS = msgspec.json.Decoder(list[msgspec.Raw])
_FAILURE = msgspec.json.Decoder(_Failure)
_ITEM = msgspec.json.Decoder(_Recommendation)


def decode(output: bytes, context: SuggestContext) -> tuple[list[Recommendation], OutputError | None]:
    """The well-formed recommendations in `output`, and what is wrong with the others.

    Args:
        output: What the plugin returned.
        context: Where symbols are looked up to fill in what the plugin left out.

    Raises:
        OutputError: `output` is no JSON array, or is the plugin's own error.
    """
    for_array = output.lstrip()[:1] == b"["
    try:
        output.decode()
        items = _ITEMS.decode(output) if for_array else []
        failure = None if for_array else _FAILURE.decode(output)
    except UnicodeDecodeError as error:
        raise OutputError("bad_output", f"its result is not UTF-8 (byte {error.start})") from None
    except msgspec.ValidationError:
        raise OutputError("bad_output", "its result is neither an array nor an object with 'error'") from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise OutputError("bad_output", f"its result is not JSON: {error}") from None
    if failure is not None:
        raise OutputError("plugin", f"it reports an error: {clean_line(failure.error, MAX_ERROR_TEXT) or '(no text)'}")
    recommendations: list[Recommendation] = []
    first: str | None = None
    malformed = 0
    for index, item in enumerate(items):
        try:
            recommendations.append(_recommendation(_ITEM.decode(item), context))
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            malformed += 1
            first = first or f"recommendation {index} of its result: {_field_text(error)}"
    if first is None:
        return recommendations, None
    rest = f" (and {malformed - 1} more malformed)" if malformed > 1 else ""
    return recommendations, OutputError("bad_output", clean_line(first + rest, MAX_ERROR_TEXT))


def normal_category(name: str) -> str:
    """`name` as a fixed category, where it is one apart from `-` for `_`; otherwise unchanged."""
    snake = name.replace("-", "_")
    return snake if snake in CATEGORIES else name


def _field_text(error: Exception) -> str:
    message, found, path = str(error).rpartition(" - at `$")
    if not found:
        return str(error)
    return f"field '{path.removesuffix('`').lstrip('.')}': {message}"


def _recommendation(guest: _Recommendation, context: SuggestContext) -> Recommendation:
    return Recommendation(
        id=clean_line(guest.id or ""),
        rule_id=clean_line(guest.rule_id or ""),
        group=clean_line(guest.group or ""),
        category=normal_category(clean_line(guest.category or "")),
        severity=guest.severity,
        confidence=1.0 if guest.confidence is None else guest.confidence,
        title=clean_line(guest.title),
        description=clean(guest.description or ""),
        symbols=tuple(_symbol(symbol, context) for symbol in guest.symbols or ()),
        suggestion=None if guest.suggestion is None else clean(guest.suggestion),
        evidence=tuple(_evidence(evidence) for evidence in guest.evidence or ()),
        metrics={clean_line(name): value for name, value in (guest.metrics or {}).items()},
        discriminator=clean_line(guest.discriminator or ""),
    )


def _symbol(guest: _Symbol, context: SuggestContext) -> SymbolRef:
    """The reference a plugin means. A symbol's name, file and module come from the index where it knows the symbol."""
    known = context.by_id.get(guest.id)
    if known is not None:
        reference = SymbolRef.of(known)
        return SymbolRef(
            id=reference.id,
            name=reference.name,
            file=reference.file,
            module=reference.module,
            start_line=guest.start_line or reference.start_line,
            end_line=guest.end_line or reference.end_line,
            start_column=guest.start_column or reference.start_column,
        )
    start_line = guest.start_line or 1
    return SymbolRef(
        id=clean_line(guest.id),
        name=clean_line(guest.name or guest.id),
        file=clean_line(guest.file or ""),
        module=clean_line(guest.module or ""),
        start_line=start_line,
        end_line=guest.end_line or start_line,
        start_column=guest.start_column or 1,
    )


def _evidence(guest: _Evidence) -> Evidence:
    return Evidence(
        kind=clean_line(guest.kind),
        text=clean(guest.text),
        symbol=None if guest.symbol is None else clean_line(guest.symbol),
        file=None if guest.file is None else clean_line(guest.file),
        line=guest.line,
    )
