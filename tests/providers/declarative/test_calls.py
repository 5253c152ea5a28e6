"""Keys that follow the call graph."""

from __future__ import annotations

import itertools

from .builders import call, context, evaluate_one, fired, rule_of, symbol

api, service, db = symbol("api"), symbol("service", module="svc"), symbol("query", module="db")
chain = [call(api, service, line=11), call(service, db, line=12), call(db, "cursor.execute", line=13)]
world = context(api, service, db, calls=chain)


def test_direct_calls_only_unless_asked() -> None:
    assert fired("has_calls_to: query", world) == ["service"]
    assert fired("missing_calls_to: query", world) == ["api", "query"]


def test_transitive_calls_follow_the_graph_to_its_end() -> None:
    assert fired("has_calls_to: query, transitively: true", world) == ["api", "service"]
    assert fired('has_calls_to: "*.execute", transitively: true', world) == ["api", "service", "query"]
    assert fired("missing_calls_to: query, transitively: true", world) == ["query"]
    assert fired("missing_calls_to: cursor.execute, transitively: true", world) == []
    assert fired("has_calls_to: query, transitively: false", world) == ["service"]


def test_builtins_are_what_needs_no_import() -> None:
    plain, method, own, far = symbol("plain"), symbol("method"), symbol("own"), symbol("far")
    mine = symbol("open", module="vault")
    calls = [call(plain, "open"), call(method, "Image.open"), call(own, mine), call(far, plain)]
    here = context(plain, method, own, far, mine, calls=calls)
    assert fired("has_calls_to: open", here) == ["plain", "method", "own"]
    assert fired("has_calls_to: builtins.open", here) == ["plain"]
    assert fired('has_calls_to: "builtins.o*"', here) == ["plain"]
    assert fired("has_calls_to: builtins.open, transitively: true", here) == ["plain", "far"]
    assert fired('has_calls_to: "*.open"', here) == ["method", "own"]


def test_transitively_is_about_its_own_condition_alone() -> None:
    found = fired("missing_calls_to: query, not: {missing_calls_to: cursor.execute, transitively: true}", world)
    assert found == ["api", "query"]


def test_transitive_calls_survive_cycles() -> None:
    a, b = symbol("a"), symbol("b")
    circle = context(a, b, calls=[call(a, b), call(b, a), call(a, a)])
    assert fired("has_calls_to: z, transitively: true", circle) == []
    assert fired("has_calls_to: a, transitively: true", circle) == ["a", "b"]


def test_a_long_chain_is_no_deep_recursion() -> None:
    many = [symbol(f"f{i}") for i in range(5000)]
    calls = [call(one, following) for one, following in itertools.pairwise(many)]
    found = list(rule_of("has_calls_to: f4999, transitively: true").evaluate(context(*many, calls=calls)))
    assert len(found) == 4999
    path = " -> ".join([f"api.loader.f{i}" for i in range(1, 7)])
    assert found[0].evidence[0].text == f"has_calls_to: f4999 (f0 -> {path} -> (4992 more) -> api.loader.f4999)"
    assert (
        found[-7]
        .evidence[0]
        .text.endswith("(f4992 -> " + " -> ".join(f"api.loader.f{i}" for i in range(4993, 5000)) + ")")
    )
    assert " more)" not in found[-7].evidence[0].text


def test_the_evidence_is_the_shortest_path_with_its_line() -> None:
    shortcut = context(api, service, db, calls=[*chain, call(api, "cursor.execute", line=30)])
    rule = rule_of("has_calls_to: cursor.execute, transitively: true")
    texts = {found.symbols[0].name: found.evidence[0] for found in rule.evaluate(shortcut)}
    assert texts["api"].text == "has_calls_to: cursor.execute (api -> cursor.execute)"
    assert texts["service"].text == "has_calls_to: cursor.execute (service -> db.query -> cursor.execute)"
    assert (texts["service"].kind, texts["service"].line) == ("call_path", 12)


def test_confidence_is_the_rules_times_the_weakest_call() -> None:
    def confidence(resolution: str) -> float:
        calls = [call(api, service), call(service, db, resolution=resolution)]
        text = "{name: x, confidence: 0.5, condition: {name: api, has_calls_to: query, transitively: true}}"
        return evaluate_one(text, context(api, service, db, calls=calls)).confidence

    assert [confidence(how) for how in ("exact", "inferred", "name")] == [0.5, 0.45, 0.35]


def test_a_function_that_only_calls_itself_has_no_callers() -> None:
    one = symbol()
    assert fired("no_callers: true", context(one, calls=[call(one, one)])) == ["load"]


def test_no_callers_of_what_is_referenced_is_a_weak_finding() -> None:
    (found,) = rule_of("no_callers: true").evaluate(context(symbol(reachability="referenced")))
    assert found.confidence == 0.6
    assert found.evidence[0].kind == "counter_evidence"


def test_no_callers_of_what_is_reached_in_unknown_ways_is_not_known() -> None:
    hidden = context(symbol(reachability="unknown"))
    assert fired("no_callers: true", hidden) == []
    assert fired("no_callers: false", hidden) == []


def test_called_by_needs_every_glob() -> None:
    other = symbol("other", module="web")
    calls = [call(api, db), call(other, db)]
    both = context(api, other, db, calls=calls)
    assert fired('called_by: ["web.*", api]', both) == ["query"]
    assert fired("called_by: [api, nobody]", both) == []
    assert fired("not: {called_by: api}", both) == ["api", "other"]


def test_callers_are_named_in_the_evidence() -> None:
    callers = [symbol(f"c{i}") for i in range(5)]
    world = context(db, *callers, calls=[call(caller, db) for caller in callers])
    found = next(iter(rule_of("no_callers: false").evaluate(world)))
    assert found.evidence[0].text == (
        "no_callers: false (called by api.loader.c0, api.loader.c1, api.loader.c2 and 2 more)"
    )


def test_an_edge_to_a_symbol_outside_the_projection_is_harmless() -> None:
    gone = symbol("gone")
    assert fired("missing_calls_to: save", context(api, calls=[call(api, gone)])) == ["api"]
