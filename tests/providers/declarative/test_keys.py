"""Every key of a condition, both ways."""

from __future__ import annotations

import pytest

from semfora_hooks.providers.declarative.keys import CONSTRUCT_GROUPS, KEY_NAMES, SYNONYMS
from semfora_hooks.providers.declarative.predicates import CONSTRUCTS

from .builders import arg, call, context, fired, fires, flow, metrics, module, rule, rule_of, symbol, without

ControlFlowFields = {"match", "case", "ternary", "boolean", "comprehension"}

a_class = symbol("handle_user", kind="class", base_classes=("Base", "models.Model[int]"))
a_function = symbol(
    "handle_user",
    is_exported=True,
    is_async=True,
    decorators=("app.route('/x')", "cached"),
    entry_point="web_route",
    control_flow=flow(if_=2, except_=1, try_=1, for_=1),
    arguments=(arg("request", "Request"), arg("ids", "dict[str, int]"), arg("limit")),
    return_type="dict[str, int]",
    metrics=metrics(
        cognitive_complexity=7,
        cyclomatic_complexity=5,
        nesting_depth=2,
        loc=22,
        fan_in=3,
        fan_out=4,
        callers_count=6,
        argument_count=3,
    ),
)

CASES = {
    "kind": ("function", "class"),
    "is_exported": ("true", "false"),
    "is_async": ("true", "false"),
    "is_test": ("false", "true"),
    "language": ("Python", "go"),
    "entry_point": ("web_route", "cli_main"),
    "name": ('"handle_*"', '"handle"'),
    "name_pattern": ("handle_user", "user"),
    "module": ('"api.*"', '"web.*"'),
    "module_pattern": ('"src/api/*"', '"src/*"'),
    "file": ('"**/loader.py"', '"tests/**"'),
    "argument_count": ("3", "2"),
    "arity": ("3", "4"),
    "has_decorator": ("[route, cached]", "[route, other]"),
    "has_control_flow": ("[if, try]", "[if, while]"),
    "missing_control_flow": ("[while, match]", "[while, if]"),
    "has_argument_type": ('["dict[str,int]", Request]', "[Request, int]"),
    "missing_argument_type": ("int", '[int, "dict[*]"]'),
    "has_return_type": ('["dict[str,int]", "dict[*]"]', '["dict[*]", int]'),
    "missing_return_type": ("[int, dict]", '[int, "dict[*]"]'),
    "has_base_class": ("[Base, models.Model]", "[Base, Other]"),
    "imports": ("[requests, core]", "[requests, flask]"),
    "has_calls_to": ("[save, requests.get]", "[save, delete]"),
    "has_calls": ("core.db.save", "core.db.load"),
    "missing_calls_to": ("[delete, audit]", "[delete, save]"),
    "missing_calls": ("delete", '"requests.*"'),
    "called_by": ("[main, api.web.route]", "[main, other]"),
    "no_callers": ("false", "true"),
    **{f"min_{name}": (str(value), str(value + 1)) for name, value in [
        ("cognitive_complexity", 7), ("complexity", 7), ("cyclomatic_complexity", 5), ("nesting_depth", 2), ("loc", 22),
        ("fan_in", 3), ("fan_out", 4), ("callers_count", 6), ("calls", 4), ("argument_count", 3), ("arity", 3),
    ]},
    **{f"max_{name}": (str(value - 1), str(value)) for name, value in [
        ("cognitive_complexity", 7), ("complexity", 7), ("cyclomatic_complexity", 5), ("nesting_depth", 2), ("loc", 22),
        ("fan_in", 3), ("fan_out", 4), ("callers_count", 6), ("calls", 4), ("argument_count", 3), ("arity", 3),
    ]},
}  # fmt: skip


def around_handler(key=""):
    """A repository around a function; around a class for a key that only classes can satisfy."""
    handler = a_class if key == "has_base_class" else a_function
    save = symbol("save", module="core.db", file="src/core/db.py")
    main, route = symbol("main", module="app", file="app.py"), symbol("route", module="api.web", file="src/api/web.py")
    return context(
        handler,
        save,
        main,
        route,
        calls=[
            call(handler, save, count=3),
            call(handler, "requests.get"),
            call(main, handler),
            call(route, handler),
        ],
        modules=[module("api.loader", ["core.db"], ["requests.adapters"])],
    )


def test_every_key_has_a_case() -> None:
    assert set(CASES) == set(KEY_NAMES)


@pytest.mark.parametrize("key", CASES)
def test_the_key_holds_and_does_not(key: str) -> None:
    holds, fails = CASES[key]
    world = around_handler(key)
    assert "handle_user" in fired(f"{key}: {holds}", world)
    assert "handle_user" not in fired(f"{key}: {fails}", world)
    # With all data known, a negation is the exact opposite.
    assert "handle_user" not in fired(f"not: {{{key}: {holds}}}", world)
    assert "handle_user" in fired(f"not: {{{key}: {fails}}}", world)


@pytest.mark.parametrize("key", CASES)
def test_match_and_condition_take_the_same_keys(key: str) -> None:
    world = around_handler(key)
    for value in CASES[key]:
        in_match = rule(f"name: m\nmatch: {{{key}: {value}}}").evaluate(world)
        assert [r.symbols for r in in_match] == [r.symbols for r in rule_of(f"{key}: {value}").evaluate(world)]


@pytest.mark.parametrize("key", CASES)
def test_the_evidence_names_key_value_and_what_was_seen(key: str) -> None:
    holds, fails = CASES[key]
    for condition, negated in ((f"{key}: {holds}", False), (f"not: {{{key}: {fails}}}", True)):
        found = next(r for r in rule_of(condition).evaluate(around_handler(key)) if r.symbols[0].name == "handle_user")
        (evidence,) = found.evidence
        assert evidence.text.startswith(f"not {key}: " if negated else f"{key}: ")
        assert evidence.text.endswith(")")
        assert evidence.file == "src/api/loader.py"


@pytest.mark.parametrize("construct", CONSTRUCTS)
def test_every_construct_is_seen(construct: str) -> None:
    one = symbol(control_flow=flow(**{construct if construct in ControlFlowFields else f"{construct}_": 1}))
    assert fires(f"has_control_flow: {construct}", one)
    assert not fires(f"missing_control_flow: {construct}", one)
    assert fires(f"missing_control_flow: {construct}", symbol())
    assert not fires(f"has_control_flow: {construct}", symbol())


@pytest.mark.parametrize(("word", "construct"), SYNONYMS.items())
def test_synonyms_mean_the_construct(word: str, construct: str) -> None:
    field = construct if construct in ControlFlowFields else f"{construct}_"
    assert fires(f"has_control_flow: {word}", symbol(control_flow=flow(**{field: 1})))
    assert fires(f"missing_control_flow: {word}", symbol())


def test_a_loop_is_either_kind() -> None:
    assert CONSTRUCT_GROUPS["loop"] == {"for", "while"}
    assert fires("has_control_flow: loop", symbol(control_flow=flow(while_=1)))
    assert not fires("missing_control_flow: loop", symbol(control_flow=flow(for_=1)))


@pytest.mark.parametrize("glob", ["api.loader", "src.api.loader", "src.api.*", "src/api/*", "*.loader"])
def test_a_module_glob_knows_module_and_file(glob: str) -> None:
    assert fires(f'module: "{glob}"', symbol())
    assert not fires(f'module: "{glob}"', symbol(module="web", file="web/main.py"))


def test_a_list_for_a_single_value_means_one_of_them() -> None:
    for condition in (
        "kind: [class, function]",
        "name: [a, load]",
        'module: ["x.*", "api.*"]',
        "language: [go, python]",
    ):
        assert fires(condition, symbol())


def test_a_name_with_a_dot_is_qualified() -> None:
    method = symbol("Loader.load", kind="method")
    assert fires("name: Loader.load", method)
    assert fires("name: load", method)
    assert not fires('name: "api*"', method)


def test_entry_point_as_a_flag() -> None:
    assert fires("entry_point: true", a_function)
    assert not fires("entry_point: true", symbol())
    assert fires("entry_point: false", symbol())


def test_no_return_type_at_all() -> None:
    typed, untyped = symbol(return_type="int"), symbol()
    assert fires("missing_return_type: true", untyped)
    assert not fires("missing_return_type: true", typed)
    assert fires("missing_return_type: false", typed)
    assert not fires("missing_return_type: false", untyped)
    assert rule_of("missing_return_type: true").in_words().endswith("has no return type of any kind.")


def test_what_is_no_class_has_no_base_classes_to_miss() -> None:
    assert fires("not: {has_base_class: Base}", symbol(kind="class"))
    assert not fires("not: {has_base_class: Base}", symbol())
    assert not fires("not: {has_base_class: Base}", symbol(kind="class"), capabilities=without("base_classes"))


def test_self_is_no_argument() -> None:
    method = symbol(kind="method", arguments=(arg("self"), arg("x", "int")))
    assert fires("missing_argument_type: false", method)
    assert not fires("missing_argument_type: true", method)
    assert fires("missing_argument_type: true", symbol(arguments=(arg("self"),)))


def test_imports_of_repository_modules_also_by_path() -> None:
    core = symbol("save", module="core.db", file="src/core/db.py")
    world = context(symbol(), core, modules=[module("api.loader", ["core.db"])])
    assert fired("imports: src.core", world) == ["load"]
    assert fired("imports: core", world) == ["load"]
    assert fired("imports: co", world) == []


def test_a_module_nobody_knows_imports_nothing_for_certain() -> None:
    assert not fires("imports: x", symbol())
    assert not fires("not: {imports: x}", symbol())
    assert fires("not: {imports: x}", symbol(), modules=[module("api.loader")])


# ------------------------------------------------------------------------------------------------ default kinds

one_of_each = context(
    symbol("f"),
    symbol("C.m", kind="method"),
    symbol("View", kind="component"),
    symbol("C", kind="class"),
    symbol("mod", kind="module"),
    symbol("V", kind="variable"),
)


@pytest.mark.parametrize(
    ("condition", "names"),
    [
        ('module: "api.*"', ["f", "m", "View", "C"]),
        ("missing_control_flow: try", ["f", "m", "View"]),
        ("missing_calls_to: log", ["f", "m", "View"]),
        ("kind: [module, variable]", ["mod", "V"]),
        ("kind: class, missing_control_flow: try", ["C"]),
        ("not: {kind: function}", ["m", "View", "C"]),
        ("any: [{kind: module}, {kind: class}]", ["C", "mod"]),
    ],
)
def test_which_kinds_a_rule_looks_at(condition: str, names: list[str]) -> None:
    assert fired(condition, one_of_each) == names
