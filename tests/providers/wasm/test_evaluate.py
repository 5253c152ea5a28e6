"""Plugins that behave: results, what reaches them, and what the host makes of their output."""

from __future__ import annotations

import json

import msgspec
import pytest

from semfora_hooks.errors import PluginError
from semfora_hooks.hookspecs import Rule
from semfora_hooks.model import ChangedFile, Scope, Severity
from semfora_hooks.providers.wasm.manifest import Limits

from .builders import component, constant, core, data, make_context, packed, searching


def test_result_of_a_core_module(evaluate):
    output = [
        {
            "title": "Do this",
            "severity": "error",
            "category": "dead-code",
            "confidence": 0.75,
            "description": "Because.",
            "suggestion": "Fix.",
            "discriminator": "x",
            "symbols": [{"id": "app:b"}],
            "evidence": [{"kind": "metric", "text": "12 > 10", "line": 3}],
            "metrics": {"loc": 12},
        }
    ]
    [found] = evaluate(constant(json.dumps(output)))
    assert (found.title, found.severity, found.category) == ("Do this", Severity.ERROR, "dead_code")
    assert (found.confidence, found.description, found.suggestion) == (0.75, "Because.", "Fix.")
    assert (found.discriminator, found.metrics) == ("x", {"loc": 12.0})
    assert (found.evidence[0].text, found.evidence[0].line) == ("12 > 10", 3)
    [reference] = found.symbols
    assert (reference.name, reference.file, reference.module) == ("b", "src/app.py", "app")
    assert (reference.start_line, reference.end_line, reference.start_column) == (11, 15, 5)


def test_result_of_a_component(evaluate):
    assert [r.title for r in evaluate(component())] == ["from a component"]


def test_only_the_title_is_required(evaluate):
    [found] = evaluate(constant('[{"title":"Look","unknown":[1],"severity":null,"symbols":null}]'))
    assert (found.severity, found.category, found.group, found.rule_id, found.id) == (None, "", "", "", "")
    assert (found.symbols, found.confidence) == ((), 1.0)


def test_no_findings(evaluate):
    assert evaluate(constant("[]")) == []
    assert evaluate(constant(" \n[ ]\t")) == []


def test_symbols_keep_the_lines_a_plugin_narrows_and_lose_a_wrong_name(evaluate):
    symbols = [{"id": "app:a", "name": "wrong", "file": "../../etc/passwd", "start_line": 3, "extra": 1}]
    [found] = evaluate(constant(json.dumps([{"title": "t", "symbols": symbols}])))
    [known] = found.symbols
    assert (known.name, known.file, known.start_line, known.end_line) == ("a", "src/app.py", 3, 5)


@pytest.mark.parametrize(
    "needle",
    ['"schema":"semfora.suggest_context"', '"version":1', '"id":"app:c"', '"caller":"app:a"', '"name":"app"'],
)
def test_the_context_arrives(evaluate, needle):
    assert [r.title for r in evaluate(searching(needle))] == ["found"]


def test_what_is_not_there_is_not_found(evaluate):
    assert [r.title for r in evaluate(searching('"id":"app:zzz"'))] == ["absent"]


def test_the_plugins_own_configuration_arrives(evaluate):
    plugin = searching('"config":{"layers":["api","core"]}')
    assert [r.title for r in evaluate(plugin, config={"layers": ["api", "core"]})] == ["found"]
    assert [r.title for r in evaluate(plugin, config={"layers": ["api"]})] == ["absent"]


def test_needs_select_sections(evaluate, make_rule, context):
    assert [r.title for r in evaluate(searching('"caller":'), needs=("symbols",))] == ["absent"]
    document = msgspec.json.decode(make_rule(constant("[]"), needs=("modules",)).document(context))
    assert [document["symbols"], document["calls"], len(document["modules"])] == [[], [], 1]


@pytest.mark.parametrize(
    ("granularity", "locality"), [("symbol", "focus"), ("module", "focus"), ("project", "repository")]
)
def test_granularity_says_what_runs_about_a_change_show(make_rule, granularity, locality):
    rule = make_rule(constant("[]"), granularity=granularity)
    assert (rule.granularity, rule.locality) == (granularity, locality)
    scope = Scope(kind="staged", files=(ChangedFile(path="src/app.py", change="modified"),), symbols=("app:c",))
    document = msgspec.json.decode(rule.document(make_context(scope=scope)))
    assert "".join(symbol["name"] for symbol in document["symbols"]) == "abcde"  # all of what it is shown
    assert document["scope"]["symbols"] == ["app:c"]


def test_nothing_survives_between_calls(make_rule, context):
    first, again = '[{"title":"first"}]', '[{"title":"again"}]'
    plugin = core(
        f"""(local $used i32)
        (local.set $used (i32.or (global.get $global) (i32.load (i32.const 512))))
        (local.set $used (i32.or (local.get $used) (i32.ne (memory.size) (i32.const 4))))
        (global.set $global (i32.const 1))
        (i32.store (i32.const 512) (i32.const 1))
        (drop (memory.grow (i32.const 1)))
        (if (result i64) (local.get $used) (then {packed(2048, len(again))}) (else {packed(1024, len(first))}))""",
        extra=f"""(global $global (mut i32) (i32.const 0))
        (data (i32.const 1024) "{data(first)}") (data (i32.const 2048) "{data(again)}")""",
    )
    rule = make_rule(plugin)
    assert [[r.title for r in rule.evaluate(context)] for _ in range(3)] == [["first"]] * 3


def test_evaluations_with_one_worker_share_it(make_rule, context, pool):
    rules = [make_rule(constant(f'[{{"title":"{name}"}}]')) for name in "xyz"]
    assert [next(iter(rule.evaluate(context))).title for rule in rules] == ["x", "y", "z"]
    assert len(pool._all) == 1


def test_initialize_is_called_once_before_the_rest(evaluate):
    plugin = core(
        f"(if (result i64) (i32.eq (global.get $n) (i32.const 1)) (then {packed(1024, 20)}) (else (unreachable)))",
        extra="""(global $n (mut i32) (i32.const 0))
        (func (export "_initialize") (global.set $n (i32.add (global.get $n) (i32.const 1))))
        (data (i32.const 1024) "[{\\22title\\22:\\22called\\22}]")""",
    )
    assert [r.title for r in evaluate(plugin)] == ["called"]


def test_control_characters_of_a_guest_do_not_reach_the_terminal(evaluate):
    output = [
        {
            "title": "red \x1b[31mtext\x1b[0m\nsecond\x07 line",
            "description": "a\x1b]0;title\x07b\r\nc\td\u202ee\x9bf",
            "suggestion": "\x1b[2Jgone",
            "evidence": [{"kind": "k\x1b[1m", "text": "n\x00", "symbol": "s\u2028", "file": "f\x7f"}],
        }
    ]
    [found] = evaluate(constant(json.dumps(output)))
    assert found.title == "red text second line"
    assert found.description == "ab\nc\tdef"
    assert found.suggestion == "gone"
    [evidence] = found.evidence
    assert (evidence.kind, evidence.text, evidence.symbol, evidence.file) == ("k", "n", "s", "f")


def test_well_formed_recommendations_come_before_the_error(make_rule, context):
    output = [{"title": "one"}, {"title": 2}, {"titel": "x"}, {"title": "four"}, {"title": "5", "severity": "fatal"}]
    iterator = iter(make_rule(constant(json.dumps(output))).evaluate(context))
    assert [next(iterator).title, next(iterator).title] == ["one", "four"]
    with pytest.raises(PluginError) as caught:
        next(iterator)
    assert caught.value.kind == "bad_output"
    assert "recommendation 1" in caught.value.message
    assert "'title'" in caught.value.message
    assert "2 more malformed" in caught.value.message


@pytest.mark.parametrize(
    ("item", "named"),
    [
        ({"description": "no title"}, "title"),
        ({"title": "t", "severity": "fatal"}, "'severity'"),
        ({"title": "t", "confidence": "high"}, "'confidence'"),
        ({"title": "t", "symbols": ["app:a"]}, "'symbols[0]'"),
        ({"title": "t", "symbols": [{"name": "a"}]}, "id"),
        ({"title": "t", "symbols": [{"id": "a", "start_line": 0}]}, "'symbols[0].start_line'"),
        ({"title": "t", "metrics": {"loc": "many"}}, "'metrics[...]'"),
        ("text", "recommendation 0"),
        ({"title": " \x1b[31m\u202e "}, "'title': it is empty"),
        ({"title": "t", "confidence": 1.5}, "'confidence'"),
        ({"title": "t", "confidence": -0.1}, "'confidence'"),
        ({"title": "t", "category": "nonsense"}, "custom:<name>"),
        ({"title": "t", "category": "custom:a b"}, "'custom:a b'"),
        ({"title": "t", "symbols": [{"id": "nowhere"}]}, "no symbol 'nowhere'"),
        ({"title": "t", "symbols": [{"id": "app:a", "end_line": 10**12}]}, "'symbols[0].end_line'"),
        ({"title": "t", "evidence": [{"kind": "k", "text": "t", "line": 10**400}]}, "'evidence[0].line'"),
        ({"title": "t", "metrics": {"loc": 10**400}}, "'metrics[...]'"),
    ],
)
def test_malformed_fields_are_named(fails, item, named):
    assert named in fails(constant(json.dumps([item])), "bad_output").message


def test_a_sound_recommendation_comes_beside_one_of_a_symbol_from_elsewhere(make_rule, context):
    output = [{"title": "bad", "symbols": [{"id": "app:a"}, {"id": "other:z"}]}, {"title": "good"}]
    iterator = iter(make_rule(constant(json.dumps(output))).evaluate(context))
    assert next(iterator).title == "good"
    with pytest.raises(PluginError) as caught:
        next(iterator)
    assert caught.value.kind == "bad_output"
    assert "recommendation 0 of its result: field 'symbols[1].id': there is no symbol 'other:z'" in caught.value.message


def test_texts_are_cut_and_say_so(evaluate):
    output = [{"title": "t" * 1000, "description": "d" * 30_000, "evidence": [{"kind": "k", "text": "e" * 30_000}]}]
    [found] = evaluate(constant(json.dumps(output)))
    assert found.title == "t" * 500 + "… (500 more characters)"
    assert found.description == "d" * 20_000 + "… (10000 more characters)"
    assert found.evidence[0].text.endswith("e… (10000 more characters)")


def test_rule_attributes(make_rule):
    rule = make_rule(constant("[]"))
    assert isinstance(rule, Rule)
    assert (rule.id, rule.group, rule.category) == ("custom-checks/probe", "custom-checks", "custom:custom-checks")
    assert (rule.severity, rule.granularity, rule.origin) == (
        Severity.WARNING,
        "project",
        ".semfora/plugins/manifest.yaml",
    )
    assert make_rule(constant("[]"), group="dead-code").category == "dead_code"
    assert make_rule(constant("[]"), group="naming").category == "naming"


@pytest.mark.parametrize(("on_error", "fatal"), [("fail", True), ("warn", False)])
def test_on_error_decides_whether_a_failure_is_fatal(fails, on_error, fatal):
    assert fails(core("(unreachable)"), "trap", on_error=on_error).fatal is fatal


def test_on_error_skip_says_nothing(evaluate):
    assert evaluate(core("(unreachable)"), on_error="skip") == []
    mixed = constant('[{"title":"good"},{"title":1}]')
    assert [r.title for r in evaluate(mixed, on_error="skip")] == ["good"]


def test_a_large_context_arrives_whole(evaluate, make_rule):
    many = make_context(symbols=[make_context().symbols[0]] * 20_000, calls=[])
    # The allocator grows the memory for what it is asked for: the host must look at the memory's base afterwards.
    plugin = searching('"duplicates":[]}').replace(
        "(i32.const 65536))",
        "(drop (memory.grow (i32.add (i32.shr_u (local.get $size) (i32.const 16)) (i32.const 1)))) (i32.const 65536))",
        1,
    )
    rule = make_rule(plugin, limits=Limits(memory=64 << 20, timeout=60))
    assert len(rule.document(many)) > 4 << 20
    assert [r.title for r in rule.evaluate(many)] == ["found"]
