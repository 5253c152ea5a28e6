"""Sets of positions as whole numbers: bit `n` is set where `n` is in the set. Joining two costs next to nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import reduce
from operator import and_

_NOT_ZERO = re.compile(rb"[^\0]")
_BITS = [[bit for bit in range(8) if byte >> bit & 1] for byte in range(256)]


def bitmap(positions: Iterable[int], size: int) -> int:
    """The set of some positions, all below `size`."""
    data = bytearray(size // 8 + 1)
    for position in positions:
        data[position >> 3] |= 1 << (position & 7)
    return int.from_bytes(data, "little")


def union(sets: Iterable[int]) -> int:
    """What is in any of the sets."""
    found = 0
    for one in sets:
        found |= one
    return found


def intersection(sets: Iterable[int]) -> int:
    """What is in each of the sets, of which there is at least one."""
    return reduce(and_, sets)


def members(bits: int) -> Iterator[int]:
    """The positions in a set, in order."""
    data = bits.to_bytes((bits.bit_length() + 7) // 8, "little")
    for found in _NOT_ZERO.finditer(data):
        start = found.start()
        for bit in _BITS[data[start]]:
            yield start * 8 + bit
