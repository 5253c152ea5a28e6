"""Reading the sides of a run: what is kept of a judgement."""

from __future__ import annotations

import msgspec

from semfora_hooks.languages.facts import SuppressionFacts
from semfora_hooks.model import Incomplete, Recommendation, Severity
from semfora_hooks.sides import _Judgement


def test_a_judgement_in_parts_is_the_judgement() -> None:
    found = [Recommendation(title=str(number), description="", severity=Severity.INFO) for number in range(70_000)]
    for items in ([], found[:1], found[:40], found):
        judgement = _Judgement(
            items,
            {"a.py::f": 3},
            9,
            [Incomplete(file="b.py", reason="why")],
            {"a.py": [SuppressionFacts(1, True, "ignore[x]")]},
            [("a.py", 1, ("a.py::f", 3, 4))],  # type: ignore[list-item]
        )
        assert msgspec.msgpack.decode(b"".join(judgement.parts())) == msgspec.msgpack.decode(
            msgspec.msgpack.encode(judgement)
        )
