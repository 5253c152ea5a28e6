"""What the text of symbols tells once the walk knows where they stand: size, repetition, who is mentioned."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

from semfora_hooks.languages.tokens import count_word
from semfora_hooks.model import CALLABLE_KINDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tree_sitter import Node

    from semfora_hooks.languages.facts import SymbolFacts
    from semfora_hooks.languages.tokens import Fingerprints, Tokenizer

MIN_TOKENS = 40
"""Bodies shorter than this have no fingerprint: they resemble each other by chance."""

MAX_REREAD = 20
MARGIN = 64 * 1024
"""Nested functions are read again for each function around them, up to that many times the file and a little more."""


def measure(
    tokenizer: Tokenizer,
    clean: bytes,
    symbols: Sequence[SymbolFacts],
    spans: Sequence[tuple[int, int]],
    bodies: Sequence[Node | None],
) -> tuple[dict[str, int], list[str]]:
    """Complete symbols by what their text says; returns the file's mentions and fragments (see `FileFacts`).

    Args:
        tokenizer: Of the language.
        clean: The file without comments and docstrings.
        symbols: The module first.
        spans: Where each symbol begins and ends.
        bodies: The body of each, if it has one.
    """
    code_lines = list(accumulate(map(bool, map(bytes.strip, clean.split(b"\n"))), initial=0))
    edges = [
        (body.start_byte, body.end_byte) if body is not None and symbol.kind in CALLABLE_KINDS else None
        for symbol, body in zip(symbols, bodies, strict=True)
    ]
    tokens = tokenizer.split(clean, [offset for edge in edges if edge is not None for offset in edge])
    mentions, fragments = tokenizer.mentions(tokens.words)
    prints: Fingerprints | None = None
    budget = MAX_REREAD * (len(clean) + MARGIN)
    for index, (symbol, (start, end), edge) in enumerate(zip(symbols, spans, edges, strict=True)):
        symbol.loc = code_lines[min(symbol.end_line, len(code_lines) - 1)] - code_lines[symbol.start_line - 1]
        if index == 0:
            continue
        mentions[symbol.name] = mentions.get(symbol.name, 1) - 1
        budget -= end - start
        if budget < 0:
            continue
        name = symbol.name.encode()
        if clean.count(name, start, end) > 1 and count_word(clean[start:end], name) > 1:
            # As the file's mentions are counted, which they are taken from: prose in strings mentions nothing.
            inside, _ = tokenizer.mentions(tokenizer.split(clean[start:end]).words)
            symbol.own_mentions = max(0, inside.get(symbol.name, 0) - 1)
        if edge is not None:
            first, after = tokens.between(*edge)
            symbol.tokens = after - first
            if symbol.tokens >= MIN_TOKENS:
                prints = prints or tokenizer.fingerprints(tokens.words)
                symbol.shingles, symbol.digest, symbol.literal_digest = prints.of(first, after)
    return {name: count for name, count in sorted(mentions.items()) if count > 0}, fragments
