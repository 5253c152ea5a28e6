"""Documents that are almost JSON, for the readers that SDKs bring along, and what Python's reader says of them."""

from __future__ import annotations

import json
import random

MAX_DEPTH = 512
"""Values inside values up to which the SDKs' readers go."""


def is_json(document: bytes) -> bool | None:
    """What Python's reader says; `None` where the two may differ: bytes that are not UTF-8, too many levels."""

    def refuse(name: str) -> None:
        raise ValueError(name)

    try:
        text = document.decode()
        json.loads(text, parse_constant=refuse)
    except UnicodeDecodeError:
        return None
    except ValueError:
        return False
    return None if text.count("[") + text.count("{") > MAX_DEPTH else True


def damaged(chance: random.Random) -> bytes:
    """A small document with a few bytes changed, inserted, removed or doubled."""
    seeds = (
        b'{"a": [1, -2.5e+3, 0, true, false, null, "x\\u00e9\\ud83d\\ude00\\n"], "b": {"c": {}, "d": []}}',
        b'[{"start_line": 12, "name": "f\\"g\\\\"}, "\xc3\xa9", [[[]]], 0.1, -0]',
        b'{"generator": {"version": "1"}, "symbols": [{"id": "a", "start_line": 1}], "config": {"x": [1]}}',
    )
    document = bytearray(chance.choice(seeds))
    for _ in range(chance.randint(0, 3)):
        at = chance.randrange(len(document))
        letter = chance.choice(b'{}[]:,"\\ue0-+.9tfn \n\x00\x1f\x7f')
        match chance.randrange(4):
            case 0:
                document[at] = letter
            case 1:
                document.insert(at, letter)
            case 2:
                del document[at]
            case _:
                document[at:at] = document[at : at + chance.randint(1, 6)]
    return bytes(document)
