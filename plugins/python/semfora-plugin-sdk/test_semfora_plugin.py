"""Tests of the SDK: `python -m unittest`."""

from __future__ import annotations

import json
import unittest
from collections.abc import Iterable

from semfora_plugin import (
    CallEdge,
    Evidence,
    Generator,
    Graph,
    Module,
    PluginError,
    Recommendation,
    SuggestContext,
    Symbol,
    SymbolRef,
    evaluate_json,
    export,
)

MINIMAL = '{"generator": {"version": "1"}, "repository": {"name": "x"}, "scope": {}}'


def nothing(_: SuggestContext) -> Iterable[Recommendation]:
    """Finds nothing."""
    return []


def unused(_: SuggestContext) -> Iterable[Recommendation]:
    """Must not be called."""
    raise AssertionError("not to be called")


class Results(unittest.TestCase):
    """What the host gets."""

    def test_findings_are_an_array_without_defaults(self) -> None:
        symbol = Symbol(id="a.b:c", name="c", file="a/b.py", module="a.b", start_line=3, end_line=4, start_column=5)

        def evaluate(context: SuggestContext) -> Iterable[Recommendation]:
            yield Recommendation(context.repository.name)
            yield Recommendation(
                "\ud800", [SymbolRef.of(symbol)], confidence=0.0, evidence=[Evidence("", "")], metrics={"m": 1}
            )

        reference = {"id": "a.b:c", "name": "c", "file": "a/b.py", "module": "a.b"}
        lines = {"start_line": 3, "end_line": 4, "start_column": 5}
        self.assertEqual(
            json.loads(evaluate_json(MINIMAL, evaluate)),
            [
                {"title": "x"},
                {"title": "\ud800", "symbols": [reference | lines], "confidence": 0.0}
                | {"evidence": [{"kind": "", "text": ""}], "metrics": {"m": 1}},
            ],
        )
        self.assertEqual(evaluate_json(MINIMAL, nothing), "[]")
        self.assertEqual(export(nothing)().evaluate(MINIMAL), "[]")

    def test_the_plugins_own_failure_is_its_text(self) -> None:
        def evaluate(_: SuggestContext) -> Iterable[Recommendation]:
            raise PluginError('no "layers"\n')

        self.assertEqual(json.loads(evaluate_json(MINIMAL, evaluate)), {"error": 'no "layers"\n'})

    def test_an_exception_has_type_text_and_place(self) -> None:
        def evaluate(context: SuggestContext) -> Iterable[Recommendation]:
            yield Recommendation("one")
            yield Recommendation(context.symbols[0].name)

        error = json.loads(evaluate_json(MINIMAL, evaluate))["error"]
        self.assertRegex(error, r"^IndexError: tuple index out of range at .*test_semfora_plugin\.py:\d+$")

        def leave(_: SuggestContext) -> Iterable[Recommendation]:
            raise SystemExit

        self.assertRegex(json.loads(evaluate_json(MINIMAL, leave))["error"], r"^SystemExit at .*_plugin\.py:\d+$")

    def test_what_cannot_be_written_is_a_failure(self) -> None:
        for confidence in (float("nan"), float("inf"), complex(2)):
            found = Recommendation("t", confidence=confidence)  # type: ignore[arg-type]
            error = json.loads(evaluate_json(MINIMAL, lambda _, found=found: [found]))["error"]  # type: ignore[misc]
            self.assertRegex(error, "^the recommendations cannot be written: ")

    def test_a_context_that_is_none_is_a_failure(self) -> None:
        for document, words in [
            ("{", "the context cannot be read"),
            ("[]", "the context cannot be read: SuggestContext: an object is needed"),
            (b"\xff", "the context cannot be read"),
            ('{"symbols": [3]}', "Symbol: an object is needed, not 3"),
            ('{"schema": "other"}', "its schema is 'other'"),
            ('{"version": 2}', "update the plugin"),
            ('{"version": 0}', "upgrade semfora-hooks"),
        ]:
            with self.subTest(document):
                self.assertIn(words, json.loads(evaluate_json(document, unused))["error"])


class Options(unittest.TestCase):
    """Reading the manifest's configuration."""

    def test_strings(self) -> None:
        context = SuggestContext(config={"names": ["a", "ä"], "null": None, "mixed": ["a", 1], "text": "a, b"})
        self.assertEqual(context.strings("names"), ["a", "ä"])
        self.assertEqual(context.strings("null") + context.strings("missing"), [])
        for option in ("mixed", "text"):
            with self.assertRaisesRegex(PluginError, f"^config.{option} must be a list of strings$"):
                context.strings(option)

    def test_capabilities(self) -> None:
        context = SuggestContext(generator=Generator(capabilities=("imports",)))
        self.assertTrue(context.has_capability("imports"))
        self.assertFalse(context.has_capability("control_flow"))


class Graphs(unittest.TestCase):
    """Look-ups."""

    def test_look_ups(self) -> None:
        calls = [("a", "b"), ("a", "b"), ("a", "gone"), ("a", None), ("c", "b"), ("gone", "b")]
        graph = Graph(
            SuggestContext(
                symbols=(Symbol("a", module="m"), Symbol("b", module="m", parent="a"), Symbol("c", module="n")),
                calls=tuple(CallEdge(caller, callee) for caller, callee in calls),
                modules=(Module("m", 1),),
            )
        )
        for found, ids in [
            (graph.callers_of("b"), "ac"),
            (graph.callees_of("a"), "b"),
            (graph.symbols_in("m"), "ab"),
            (graph.children_of("a"), "b"),
            (graph.callers_of("nobody"), ""),
        ]:
            self.assertEqual("".join(symbol.id for symbol in found), ids)
        self.assertEqual([len(graph.calls_from("a")), len(graph.calls_to("b"))], [4, 4])
        known = [graph.ends(CallEdge(caller, callee)) is not None for caller, callee in calls]
        self.assertEqual(known, [True, True, False, False, True, False])
        self.assertIsNone(graph.module("n"))
        self.assertIsNone(graph.symbol("gone"))


if __name__ == "__main__":
    unittest.main()
