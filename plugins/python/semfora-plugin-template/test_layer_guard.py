"""The fixtures and small cases, run natively: `PYTHONPATH=../semfora-plugin-sdk python -m unittest`."""

from __future__ import annotations

import json
import unittest
from pathlib import Path

from layer_guard import evaluate
from semfora_plugin import CallEdge, SuggestContext, Symbol, evaluate_json

FIXTURES = Path(__file__).parent / "fixtures"


def calls(high: str, low: str, *resolutions: str) -> SuggestContext:
    """`low` calls `high` with each of these resolutions, on lines 1, 2, …"""
    edges = enumerate(resolutions, start=1)
    return SuggestContext(
        config={"layers": ["api", "core", "db"]},
        symbols=(Symbol(id="callee", module=high), Symbol(id="caller", module=low)),
        calls=tuple(CallEdge("caller", "callee", line=line, resolution=resolution) for line, resolution in edges),
    )


class LayerGuard(unittest.TestCase):
    """What the rule finds."""

    def test_fixtures(self) -> None:
        contexts = sorted(FIXTURES.glob("*.context.json"))
        self.assertTrue(contexts)
        for path in contexts:
            with self.subTest(path.name):
                expected = path.with_name(path.name.replace(".context.", ".expected."))
                got = json.loads(evaluate_json(path.read_bytes(), evaluate))
                self.assertEqual(got, json.loads(expected.read_bytes()))

    def test_the_first_call_of_a_pair_decides(self) -> None:
        (found,) = evaluate(calls("shop.api", "shop.db", "inferred", "exact"))
        self.assertEqual((found.confidence, found.evidence[0].text), (0.7, "line 1"))

    def test_calls_down_and_inside_a_layer_are_fine(self) -> None:
        for high, low in [("shop.db", "shop.api"), ("shop.api.a", "shop.api.b"), ("apis", "db"), ("api", "tools")]:
            with self.subTest(f"{low} calls {high}"):
                self.assertEqual(list(evaluate(calls(high, low, "exact"))), [])


if __name__ == "__main__":
    unittest.main()
