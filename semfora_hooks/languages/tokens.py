"""Token streams of source text: who is mentioned, and what a piece of code looks like to a duplicate finder.

A regular expression is enough here, and an order of magnitude faster than walking leaves of a syntax tree: comments
and docstrings are blanked out (by the parser's positions) before the text arrives.
"""

from __future__ import annotations

import re
import sys
from array import array
from binascii import crc32
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import TypeVar

T = TypeVar("T")

SHINGLE = 5
"""Tokens a shingle."""
SKETCH = 128
"""Shingle hashes kept a symbol (bottom-k sketch, Broder 1997): exact up to that many, an estimate beyond."""

_IDENTIFIER = re.compile(rb"[A-Za-z_\x80-\xff][\w\x80-\xff]*")
_CONVERSION = re.compile(rb"%[a-z]")  # of old string formatting: `"_%s_handler"` holds `_handler`, no `s_handler`
_INTERPOLATION = re.compile(rb"\{([^{}]*)")
_QUOTES = frozenset(b"\"'")
_DIGITS = frozenset(b"0123456789")
_VARIABLES = frozenset(b"_abcdefghijklmnopqrstuvwxyz") | frozenset(range(0x80, 0x100))
_LETTERS = _VARIABLES | frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_STRING_CODE, _NUMBER_CODE, _VARIABLE_CODE = crc32(b'""'), crc32(b"0"), crc32(b"v")
_WIDTH = 4  # bytes a code
_LANE = 16  # bytes a sum
_MULTIPLIERS = (  # random
    0x840A1AD3777EF903,
    0xA52A7FAF52664087,
    0xCB891C6DDDB96D7B,
    0x3BF3952FBC1D126D,
    0xC71729AFD93D82F2,
)
_MULTIPLIER = sum(multiplier << 8 * _LANE * i for i, multiplier in enumerate(_MULTIPLIERS))
_MAX_NAME = 200
_CACHE = 200_000  # entries; a long run over hostile names must not grow without bound


def count_word(text: bytes, word: bytes) -> int:
    """How often `word` stands in `text` as a whole identifier."""
    count, position = 0, text.find(word)
    while position >= 0:
        end = position + len(word)
        before, after = text[position - 1 : position] if position else b"", text[end : end + 1]
        count += not (_is_word(before) or _is_word(after))
        position = text.find(word, end)
    return count


def _is_word(character: bytes) -> bool:
    return character.isalnum() or character == b"_" or character >= b"\x80"


class _Table(dict[bytes, T]):
    """What a function says of each token, asked once a token; a look-up runs without Python code."""

    def __init__(self, value: Callable[[bytes], T]) -> None:
        self._value = value

    def __missing__(self, token: bytes) -> T:
        if len(self) > _CACHE:
            self.clear()
        value = self[token] = self._value(token)
        return value


class Tokens:
    """The tokens of one file, and where each piece of it that was asked for begins among them.

    Args:
        find: Gives the tokens of a piece of source.
        source: The file.
        cuts: Offsets where a piece may begin or end. No token reaches across one.
    """

    def __init__(self, find: Callable[[bytes], list[bytes]], source: bytes, cuts: Iterable[int]) -> None:
        self.words: list[bytes] = []
        self._at: dict[int, int] = {}
        edges = sorted({0, *cuts, len(source)})
        for start, end in pairwise(edges):
            self._at[start] = len(self.words)
            self.words += find(source[start:end].rstrip())
        self._at[len(source)] = len(self.words)

    def between(self, start: int, end: int) -> tuple[int, int]:
        """Where the tokens from one cut to another stand in `words`."""
        return self._at[start], self._at[end]


class Fingerprints:
    """What the bodies in a file look like; made once a file, so that nested bodies cost little more.

    Args:
        words: The tokens.
        codes: A number for each, the same for tokens that shall look alike.
    """

    def __init__(self, words: Sequence[bytes], codes: array[int]) -> None:
        self._words = words
        self._codes = codes.tobytes()
        self._hashes = shingle_hashes(codes)

    def of(self, first: int, end: int) -> tuple[bytes, int, int]:
        """The sketch, the digest and the literal digest of the tokens from `first` to before `end`."""
        smallest = sorted(set(self._hashes[first : max(first, end - SHINGLE + 1)]))[:SKETCH]
        normal = self._codes[first * _WIDTH : end * _WIDTH]
        literal = b"\0".join(self._words[first:end])  # no token holds a NUL
        return array("I", smallest).tobytes(), _digest(normal), _digest(literal)


def shingle_hashes(codes: array[int]) -> array[int]:
    """A hash of each run of `SHINGLE` codes, by where it begins.

    Multilinear hashing (Lemire and Kaser, "Strongly universal string hashing is fast", 2014) of all runs at once: the
    sums of codes times multipliers are a convolution, so one product of two large integers has them all, each in a
    lane of 128 bits. Bottom-k sketches need no more than such a family (Thorup, "Bottom-k and priority sampling",
    2013).
    """
    lanes = array("I", bytes(len(codes) * _LANE))
    lanes[::4] = codes
    if sys.byteorder == "big":
        lanes.byteswap()
    product = int.from_bytes(lanes.tobytes(), "little") * _MULTIPLIER
    lanes = array("I", product.to_bytes((len(codes) + SHINGLE - 1) * _LANE, "little"))
    if sys.byteorder == "big":
        lanes.byteswap()
    return lanes[1::4][SHINGLE - 1 : len(codes)]  # the upper half of each sum modulo 2**64


class Tokenizer:
    """Splits and normalises the source of one language.

    Args:
        pattern: Matches one token (verbose syntax). Identifier tokens take a leading `.` and a trailing `(` with
            them, so that attributes and called names can be told from variables without a parser.
        keywords: Words that are never identifiers.
    """

    def __init__(self, pattern: bytes, keywords: frozenset[bytes]) -> None:
        # White space is skipped by the pattern: searching would try every alternative at each blank.
        self._find = re.compile(rb"\s*+(" + pattern + rb")", re.DOTALL | re.VERBOSE).findall
        self._keywords = keywords
        self._names = _Table(self._names_of)
        self._codes = _Table(self._code)

    def split(self, source: bytes, cuts: Iterable[int] = ()) -> Tokens:
        """The tokens of `source`, so that those between any two of `cuts` can be had."""
        return Tokens(self._find, source, cuts)

    def mentions(self, words: Iterable[bytes]) -> tuple[dict[str, int], list[str]]:
        """Identifiers with their counts, and the parts of names that strings hold (with an underscore at an end).

        Strings count where they could name something, or interpolate code.
        """
        counts: dict[str, int] = {}
        fragments: set[str] = set()
        names_of = self._names
        for token, count in Counter(words).items():
            names = names_of[token]
            for name in names:
                counts[name] = counts.get(name, 0) + count
            if names and token[-1] in _QUOTES:
                fragments.update(name for name in names if name[0] == "_" or name[-1] == "_")
        return counts, sorted(fragments)

    def _names_of(self, token: bytes) -> tuple[str, ...]:
        if token[-1] in _QUOTES:
            names = _names_in_string(token) if len(token) > 1 else ()
            return tuple([name.decode("utf-8", "replace") for name in names if name not in self._keywords])
        name = token.strip(b".(")
        if not name or name[0] not in _LETTERS or name in self._keywords:
            return ()
        return (name.decode("utf-8", "replace"),)

    def fingerprints(self, words: Sequence[bytes]) -> Fingerprints:
        """What any stretch of a token stream looks like.

        Local names, numbers and strings look alike in the sketch and in the digest; called names, attributes, class
        names, constants, keywords and operators do not.
        """
        return Fingerprints(words, array("I", map(self._codes.__getitem__, words)))

    def _code(self, token: bytes) -> int:
        first = token[0]
        if first in _QUOTES or token[-1] in _QUOTES:
            return _STRING_CODE
        if first in _DIGITS:
            return _NUMBER_CODE
        # Attributes (first is no letter) and calls (last is "(") keep their names.
        if first in _VARIABLES and token[-1] != 0x28 and token not in self._keywords:
            return _VARIABLE_CODE
        return crc32(token)


def _digest(data: bytes) -> int:
    """64 bits, from two CRCs over different framings: collisions would need an adversary, and cost only a finding."""
    return crc32(data) << 32 | crc32(data[::-1], len(data))


def _names_in_string(token: bytes) -> list[bytes]:
    """Names a string could stand for: all of them where it has no spaces, else those of interpolated code."""
    opening = token.find(token[-1])
    body = token[opening:].strip(b"\"'")
    if len(body) <= _MAX_NAME and not (b" " in body or b"\n" in body or b"\t" in body):
        return _IDENTIFIER.findall(_CONVERSION.sub(b"%", body) if b"%" in body else body)
    prefix = token[:opening].lower() if opening else b""
    if b"f" in prefix or b"t" in prefix:
        return [name for part in _INTERPOLATION.findall(body) for name in _IDENTIFIER.findall(part)]
    return []
