"""Whatever stands in a rule file: clean errors or rules that run; and a rule finds what asking each symbol finds."""

from __future__ import annotations

import json
import re

import yaml
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from semfora_hooks.providers.declarative.bitmaps import members
from semfora_hooks.providers.declarative.fields import FIELD_NAMES
from semfora_hooks.providers.declarative.keys import ANY, KEY_NAMES, NOT, TRANSITIVELY
from semfora_hooks.providers.declarative.parsing import parse_file
from semfora_hooks.providers.declarative.symbolindex import SymbolIndex
from semfora_hooks.providers.declarative.view import View

from .builders import CAPABILITIES, arg, call, context, flow, metrics, module, symbol

KINDS = ("function", "method", "class", "component", "variable", "module")
NAMES = ("load", "save", "a", "open", "handle_user")
MODULES = ("api", "api.web", "core.db", "core")
GLOBS = ("load", "*a*", "l?ad", "[a-l]*", "api.*", "*.save", "core.db.save", "open", "builtins.open", "builtins.*", "*")
PATHS = ("src/**", "*.py", "src/api/*.py", "**/db.py", "src/core/", "x")
TYPES = ("int", "list[*]", "*", "str | None", "of any kind")
CONSTRUCTS = ("try", "catch", "loop", "if", "match", "switch")

# ------------------------------------------------------------------------------------------------- random rules


def one_or_more(values) -> st.SearchStrategy:
    return st.sampled_from(values) | st.lists(st.sampled_from(values), min_size=1, max_size=3)


def value_of(name: str) -> st.SearchStrategy:
    """Values that are valid for a key, most of them."""
    key = KEY_NAMES[name].name
    if key.startswith(("min_", "max_")) or key == "argument_count":
        return st.integers(0, 4)
    special = {
        "kind": one_or_more(KINDS),
        "language": one_or_more(("python", "go", "Python")),
        "entry_point": st.booleans() | one_or_more(("none", "web_route", "cli_main")),
        "module": one_or_more((*GLOBS, *PATHS)),
        "file": one_or_more(PATHS),
        "imports": one_or_more(("core", "core.*", "requests", "src.core.db", "*")),
        "missing_argument_type": st.booleans() | one_or_more(TYPES),
        "missing_return_type": st.booleans() | one_or_more(TYPES),
    }
    if key in special:
        return special[key]
    if key.endswith("_type"):
        return one_or_more(TYPES)
    if key.endswith("control_flow"):
        return one_or_more(CONSTRUCTS)
    return st.booleans() if key.startswith(("is_", "no_")) else one_or_more(GLOBS)


@st.composite
def conditions(draw, depth: int = 2) -> dict:
    keys = draw(st.lists(st.sampled_from(sorted(KEY_NAMES)), min_size=1, max_size=3, unique=True))
    found = {key: draw(value_of(key)) for key in keys}
    if any(KEY_NAMES[key].name.endswith("calls_to") for key in keys) and draw(st.booleans()):
        found[TRANSITIVELY] = True
    if depth and draw(st.booleans()):
        found[ANY] = draw(st.lists(conditions(depth=depth - 1), min_size=1, max_size=2))
    if depth and draw(st.booleans()):
        found[NOT] = draw(conditions(depth=depth - 1))
    return found


# ------------------------------------------------------------------------------------------------ random contexts


@st.composite
def symbols(draw, number: int):
    name, where = draw(st.sampled_from(NAMES)), draw(st.sampled_from(MODULES))
    few = st.integers(0, 3)
    return symbol(
        name,
        id=f"{number}",
        module=where,
        kind=draw(st.sampled_from(KINDS)),
        file=draw(st.sampled_from((f"src/{where.replace('.', '/')}.py", f"src/{where.replace('.', '/')}/__init__.py"))),
        is_exported=draw(st.booleans()),
        is_async=draw(st.booleans()),
        is_test=draw(st.booleans()),
        decorators=draw(st.sampled_from([(), ("load",), ("api.open(1)", "a")])),
        base_classes=draw(st.sampled_from([(), ("load",), ("api.open[int]",)])),
        return_type=draw(st.sampled_from([None, "int", "list[ int]"])),
        arguments=draw(st.sampled_from([(), (arg("self"), arg("x", "int")), (arg("x"), arg("y", "list[str]"))])),
        control_flow=flow(try_=draw(few), except_=draw(few), for_=draw(few), if_=draw(few)),
        entry_point=draw(st.sampled_from(["none", "web_route"])),
        reachability=draw(st.sampled_from(["called", "referenced", "unreferenced", "unknown"])),
        metrics=metrics(**{name: draw(few) for name in ("loc", "fan_in", "fan_out", "nesting_depth")}),
    )


@st.composite
def contexts(draw):
    there = [draw(symbols(number)) for number in range(draw(st.integers(1, 7)))]
    targets = st.sampled_from([*there, "open", "requests.get", "Image.open"])
    edges = draw(st.lists(st.tuples(st.sampled_from(there), targets), max_size=10))
    calls = [
        call(caller, target, resolution=draw(st.sampled_from(["exact", "inferred", "name"])))
        for caller, target in sorted(edges, key=lambda edge: edge[0].id)
    ]
    known = draw(st.sets(st.sampled_from(MODULES)))
    modules = [module(name, *draw(st.sampled_from([((), ()), (("core.db",), ("requests",))]))) for name in known]
    capabilities = draw(st.sets(st.sampled_from(CAPABILITIES)) | st.just(set(CAPABILITIES)))
    return context(*there, calls=calls, modules=modules, capabilities=sorted(capabilities))


WORLD = context(
    symbol("handle_user", control_flow=flow(try_=1), arguments=(arg("x"),)),
    symbol("save", module="core.db", kind="class", base_classes=("Base",)),
    calls=[call(symbol("handle_user"), "open")],
    modules=[module("api.loader", (), ("requests",))],
)


def run(data: bytes) -> int:
    """Reads a file and runs its rules, on whatever they find; the number of rules."""
    parsed = parse_file("r.yaml", data)
    for error in parsed.errors:
        first, *lines = error.message.splitlines()
        assert re.match(r"r\.yaml:[1-9][0-9]*:[1-9][0-9]*: .", first), error.message
        assert len(lines) in (0, 2)
        assert all(line.isprintable() or "\t" in line for line in (first, *lines)), error.message
    for rule in parsed.rules:
        assert rule.in_words().startswith("Reports every ")
        for found in rule.evaluate(WORLD):
            assert found.title
            assert found.evidence
    return len(parsed.rules)


# ---------------------------------------------------------------------------------------------------------- tests


@settings(max_examples=120, deadline=None)
@given(conditions(), contexts())
def test_sets_and_symbols_agree(condition, world) -> None:
    parsed = parse_file("r.yaml", json.dumps({"name": "x", "match": condition}).encode())
    assume(not parsed.errors)  # such as a condition that can never hold
    (rule,) = parsed.rules
    view, index = View(world), SymbolIndex(View(world))
    for clause in (rule.clause, *rule.clause.parts, *(leaf for leaf, _ in rule.clause.leaves())):
        truths = [clause.holds(one, view) for one in world.symbols]
        for wanted in (True, False):
            asked = [number for number, truth in enumerate(truths) if truth is wanted]
            assert list(members(clause.select(index, wanted))) == asked
    kinds = rule.default_kinds()
    one_by_one = [
        one.id for one in world.symbols if (kinds is None or one.kind in kinds) and rule.clause.holds(one, view)
    ]
    found = list(rule.evaluate(world))
    assert [item.symbols[0].id for item in found] == one_by_one
    # The same answers are found again: what is shared between rules is not used up.
    assert list(rule.evaluate(world.with_config({}))) == found


@settings(max_examples=30, deadline=None)
@given(st.lists(conditions(depth=1), min_size=2, max_size=5), contexts())
def test_rules_do_not_disturb_each_other(several, world) -> None:
    rules = [
        rule
        for number, condition in enumerate(several)
        for rule in parse_file("r.yaml", json.dumps({"name": f"r{number}", "match": condition}).encode()).rules
    ]
    alone = [list(rule.evaluate(context_like(world))) for rule in rules]
    assert [list(rule.evaluate(world)) for rule in rules] == alone


def context_like(world):
    """The same context, with nothing worked out about it."""
    return context(*world.symbols, calls=world.calls, modules=world.modules, capabilities=world.generator.capabilities)


WORDS = (
    *FIELD_NAMES,
    *KEY_NAMES,
    ANY,
    NOT,
    TRANSITIVELY,
    "fires",
    "silent",
    "language",
    "files",
    "<<",
    "x",
    "{symbol}",
)
SCALARS = st.sampled_from((*GLOBS, *PATHS, *CONSTRUCTS, "warning", "python", "{nope}", "", "2024-01-01", "0x1F", "1_0"))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | SCALARS | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(WORDS) | SCALARS, inner, max_size=5),
    max_leaves=20,
)
SHAPED = st.fixed_dictionaries(
    {"name": st.sampled_from(NAMES)}, optional=dict.fromkeys(FIELD_NAMES.keys() - {"name"}, VALUES)
)


@settings(max_examples=250, deadline=None)
@given(VALUES | SHAPED | st.lists(SHAPED | VALUES, max_size=3), st.booleans())
def test_any_document_is_a_rule_or_a_clean_error(document, flow_style) -> None:
    run(yaml.safe_dump(document, default_flow_style=flow_style, allow_unicode=True).encode())


TOKENS = (
    *(": ", "- ", "? ", "&a ", "*a", "<<: ", "!x ", "!!python/object:os.system ", "|\n", ">\n", "a: ", "name: x\n"),
    *("'", '"', "{", "}", "[", "]", ",", "#", "---\n", "...\n", "%YAML 1.1\n"),
    *("\t", "\n", "  ", "\r", "\x85", "\ufeff", "\x00", "é", "\U0001f600"),
)


@settings(max_examples=250, deadline=None)
@given(st.lists(st.sampled_from(TOKENS + WORDS), max_size=25).map("".join) | st.text(max_size=40))
@example("match: &a {any: [*a]}")
@example("[" * 5000)
@example("? ? ? ? x")
def test_any_text_is_a_rule_or_a_clean_error(text) -> None:
    run(text.encode("utf-8", "surrogatepass"))


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_are_a_rule_or_a_clean_error(data) -> None:
    run(data)


RULE = """\
# A rule that uses much of the language.
name: api-error-handling
group: project-conventions
description: API handlers must have {complexity} errors handled
match:
  module: "api.*"
  kind: [function, method]
  any:
    - {name_pattern: "handle_*", is_async: false}
    - not: {has_decorator: [cached, "api.*"]}
condition:
  missing_control_flow: [try, switch]
  max_complexity: 0
  has_calls_to: db.execute
  transitively: true
severity: warning
confidence: 0.9
suggestion: "Add try/except to {symbol} in {file}"
examples:
  - language: python
    fires: |
      def handle_user():
          execute()
---
- id: older
  category: logging
  match: {min_calls: 1, missing_calls: log}
  message: "{symbol} says nothing"
"""


def test_the_rule_to_mutate_is_valid() -> None:
    assert run(RULE.encode()) == 2


@st.composite
def mutations(draw) -> str:
    """The rule with a few edits of its text: parts cut, doubled, moved, or replaced by what means something."""
    text = RULE
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 30)))
        part = text[start:end]
        elsewhere = draw(st.integers(0, len(text)))
        made = draw(st.sampled_from((*TOKENS, *WORDS, "", part * 2, text[elsewhere : elsewhere + 20])))
        text = text[:start] + made + text[end:]
    return text


@st.composite
def word_mutations(draw) -> str:
    """The rule with a few words replaced by other words: most stay YAML, and some stay rules."""
    text = RULE
    for _ in range(draw(st.integers(1, 3))):
        words = list(re.finditer(r"[\w.*-]+", text))
        found = draw(st.sampled_from(words))
        made = draw(st.sampled_from((*WORDS, *GLOBS, *CONSTRUCTS, "3", "true", "null", "1e9", "[x]", "{x: y}")))
        text = text[: found.start()] + made + text[found.end() :]
    return text


@settings(max_examples=600, deadline=None)
@given(mutations() | word_mutations())
def test_a_mutated_rule_is_a_rule_or_a_clean_error(text) -> None:
    run(text.encode("utf-8", "surrogatepass"))
