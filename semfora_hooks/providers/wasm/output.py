"""Decoding what a plugin returns. Lenient about what is left out or unknown, strict about what is there."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated

import msgspec

from semfora_hooks.context import SuggestContext
from semfora_hooks.model import CATEGORIES, Evidence, Recommendation, Severity, SymbolRef
from semfora_hooks.providers.wasm.text import clean, clean_line

MAX_ERROR_TEXT = 500
MAX_TITLE = 500
MAX_TEXT = 20_000
"""Characters of a description, a suggestion or a piece of evidence."""
MAX_RECOMMENDATIONS = 100_000
_MAX_SALVAGE = 1_000_000
"""Commas in a result up to which it is taken apart to find what is well-formed: each may be an item, with its cost."""
_Line = Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]
_Share = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]
_CUSTOM = re.compile(r"custom:[\w./-]+")


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
    confidence: _Share | None = None
    description: str | None = None
    symbols: tuple[_Symbol, ...] | None = None
    suggestion: str | None = None
    evidence: tuple[_Evidence, ...] | None = None
    metrics: dict[str, float] | None = None
    discriminator: str | None = None


class _Failure(msgspec.Struct, frozen=True):
    error: str


class _ContractError(Exception):
    """A recommendation of the right types says what cannot be."""


_TOO_LONG = "length <="
_AT_MOST = msgspec.Meta(max_length=MAX_RECOMMENDATIONS)
_ALL = msgspec.json.Decoder(Annotated[list[_Recommendation], _AT_MOST])
_PARTS = msgspec.json.Decoder(Annotated[list[msgspec.Raw], _AT_MOST])
_FAILURE = msgspec.json.Decoder(_Failure)
_ITEM = msgspec.json.Decoder(_Recommendation)


def decode(output: bytes, context: SuggestContext) -> tuple[list[Recommendation], OutputError | None]:
    """The well-formed recommendations in `output`, and what is wrong with the others.

    Args:
        output: What the plugin returned.
        context: Where its symbols must be; the host's own names, files and modules of them are what is shown.

    Raises:
        OutputError: `output` is no JSON array (`bad_output`), has too many recommendations (`too_large`), or is the
            plugin's own error (`plugin`).
    """
    recommendations: list[Recommendation] = []
    first: str | None = None
    malformed = 0
    for index, part in enumerate(_parts(output)):
        try:
            item = part if isinstance(part, _Recommendation) else _ITEM.decode(part)
            recommendations.append(_recommendation(item, context))
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, _ContractError) as error:
            malformed += 1
            first = first or f"recommendation {index} of its result: {_field_text(error)}"
    if first is None:
        return recommendations, None
    rest = f" (and {malformed - 1} more malformed)" if malformed > 1 else ""
    return recommendations, OutputError("bad_output", clean_line(first, MAX_ERROR_TEXT) + rest)


def _parts(output: bytes) -> Sequence[_Recommendation | msgspec.Raw]:
    """The elements of the array: decoded where all of them are well-formed, and else to be decoded one by one."""
    try:
        output.decode()
        if output.lstrip()[:1] != b"[":
            text = clean_line(_FAILURE.decode(output).error, MAX_ERROR_TEXT)
            raise OutputError("plugin", f"it reports an error: {text or '(no text)'}")
        try:
            every: list[_Recommendation] = _ALL.decode(output)
            return every
        except msgspec.ValidationError as error:
            if _TOO_LONG in str(error):
                raise
            if output.count(b",") > _MAX_SALVAGE:
                raise OutputError("bad_output", f"its result is malformed: {_field_text(error)}") from None
        parts: list[msgspec.Raw] = _PARTS.decode(output)
        return parts
    except UnicodeDecodeError as error:
        raise OutputError("bad_output", f"its result is not UTF-8 (byte {error.start})") from None
    except msgspec.ValidationError as error:
        if _TOO_LONG in str(error):
            most = f"at most {MAX_RECOMMENDATIONS} are taken, which nothing changes"
            raise OutputError("too_large", f"its result has too many recommendations; {most}") from None
        raise OutputError("bad_output", "its result is neither an array nor an object with 'error'") from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise OutputError("bad_output", f"its result is not JSON: {error}") from None


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
    title = clean_line(guest.title, MAX_TITLE)
    if not title:
        raise _ContractError("field 'title': it is empty")
    category = normal_category(clean_line(guest.category or ""))
    if category and category not in CATEGORIES and not _CUSTOM.fullmatch(category):
        raise _ContractError(f"field 'category': '{category}' is none of {', '.join(CATEGORIES)}, custom:<name>")
    return Recommendation(
        id=clean_line(guest.id or "", MAX_TITLE),
        rule_id=clean_line(guest.rule_id or "", MAX_TITLE),
        group=clean_line(guest.group or "", MAX_TITLE),
        category=category,
        severity=guest.severity,
        confidence=1.0 if guest.confidence is None else guest.confidence,
        title=title,
        description=clean(guest.description or "", MAX_TEXT),
        symbols=tuple(_symbol(index, symbol, context) for index, symbol in enumerate(guest.symbols or ())),
        suggestion=None if guest.suggestion is None else clean(guest.suggestion, MAX_TEXT),
        evidence=tuple(_evidence(evidence) for evidence in guest.evidence or ()),
        metrics={clean_line(name, MAX_TITLE): value for name, value in (guest.metrics or {}).items()},
        discriminator=clean_line(guest.discriminator or "", MAX_TITLE),
    )


def _symbol(index: int, guest: _Symbol, context: SuggestContext) -> SymbolRef:
    """The reference a plugin means by an id: name, file and module are the index's, whatever the plugin says."""
    known = context.by_id.get(guest.id)
    if known is None:
        raise _ContractError(f"field 'symbols[{index}].id': there is no symbol '{guest.id}' in the context")
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


def _evidence(guest: _Evidence) -> Evidence:
    return Evidence(
        kind=clean_line(guest.kind, MAX_TITLE),
        text=clean(guest.text, MAX_TEXT),
        symbol=None if guest.symbol is None else clean_line(guest.symbol, MAX_TITLE),
        file=None if guest.file is None else clean_line(guest.file, MAX_TITLE),
        line=guest.line,
    )
