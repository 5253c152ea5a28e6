"""What a worker does: from the bytes of a few files to their encoded facts. Any process that has us installed can."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import msgspec

from semfora_hooks.languages.extract import extract
from semfora_hooks.languages.facts import FileFacts, SymbolFacts

CRASHED = "the parser crashed on this file; it was not analysed"
TIMED_OUT = "the parser did not come to an end on this file"
FAILED = "the extractor failed"
"""How the problems begin that are ours rather than the file's. Facts that have one are not kept."""

Item = tuple[str, str, bytes]
"""Content hash and language, with a file's bytes, or with its encoded facts."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(FileFacts).decode


class StrangeResultError(Exception):
    """What came back is not what was asked for; the message says how."""


def extract_item(item: Item) -> Item:
    """The encoded facts of one file; where the extractor fails, facts that say so."""
    oid, language, data = item
    try:
        facts = extract(data, language)
    except Exception as error:  # noqa: BLE001  one file must not hide the others
        facts = broken(language, f"{FAILED}: {type(error).__name__}: {error} (please report this)")
    return oid, language, _encode(facts)


def extract_batch(batch: list[Item], version: str) -> tuple[str, list[Item]]:
    """What other people's executors run. It takes and returns plain data only.

    Args:
        batch: The files.
        version: Of the extractor that is asked for: another machine's may be another one.
    """
    here = _version()
    return here, [extract_item(item) for item in batch] if here == version else []


@cache
def _version() -> str:
    from semfora_hooks.index.store import extractor_key

    return extractor_key()


def decode(item: Item) -> FileFacts:
    """The facts of an encoded item.

    Raises:
        StrangeResultError: They are not the facts of a file in that language.
    """
    _, language, data = item
    try:
        facts = _decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise StrangeResultError(f"facts that cannot be read: {error}") from None
    if facts.language != language or not facts.symbols or facts.symbols[0].kind != "module":
        raise StrangeResultError("facts that are not those of a file")
    return facts


def check(batch: Sequence[Item], result: object, version: str) -> list[tuple[Item, FileFacts]]:
    """The items and facts of a batch that came back from an executor that is not ours.

    Raises:
        StrangeResultError: They are not those of the batch.
    """
    if not isinstance(result, tuple) or len(result) != 2 or not isinstance(result[1], list):
        raise StrangeResultError(f"it returned {type(result).__name__} instead of a version and a list of facts")
    if result[0] != version:
        raise StrangeResultError(f"its extractor is {result[0]!r}, this one {version!r}")
    rows = result[1]
    if not all(isinstance(row, tuple) and len(row) == 3 and isinstance(row[2], bytes) for row in rows):
        raise StrangeResultError("it returned rows that are not facts")
    if [row[:2] for row in rows] != [item[:2] for item in batch]:
        raise StrangeResultError("it returned facts of other files than it was given")
    return [(row, decode(row)) for row in rows]


def broken(language: str, problem: str) -> FileFacts:
    """Facts that say only that there are none."""
    return FileFacts(language=language, symbols=[SymbolFacts("", "", "module", "", -1, 1, 1, 1)], problems=[problem])


def encode_broken(item: Item, problem: str) -> Item:
    """An item whose facts say only that there are none."""
    oid, language, _ = item
    return oid, language, _encode(broken(language, problem))


def is_ours(facts: FileFacts) -> bool:
    """Whether the facts are bad through our fault, or bad luck, and may be better the next time."""
    return any(map(is_our_problem, facts.problems))


def is_our_problem(problem: str) -> bool:
    """Whether a problem of a file is our fault, or bad luck."""
    return problem.startswith((CRASHED, TIMED_OUT, FAILED))
