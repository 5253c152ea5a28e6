"""One bad provider is named, with its distribution and version, and everything else still runs."""

from __future__ import annotations

import math
import sys
import types
from collections.abc import Callable, Iterable, Iterator
from importlib.metadata import entry_points
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from semfora_hooks import Loaded, Recommendation, Reporter, Rule, RuleProvider, SemforaError, Severity, hookimpl
from semfora_hooks.config import Config, load_config
from semfora_hooks.discovery import find_root
from semfora_hooks.engine import Request, SuggestEngine
from semfora_hooks.hookspecs import RenderOptions
from semfora_hooks.model import ErrorEntry, Evidence, Report, Symbol, SymbolRef
from semfora_hooks.plugin_manager import Plugins, load_plugins
from semfora_hooks.reporters.jsonreport import as_json
from semfora_hooks.reporters.text import error_line

SOURCE = "def _unused(rows):\n    return list(rows)\n"


class Point:
    """What an `importlib.metadata.EntryPoint` is to us."""

    def __init__(
        self, plugin: object, *, name: str = "acme", distribution: str = "acme-rules", version: str = "2.1"
    ) -> None:
        self.name = name
        self.value = f"{name}.plugin"
        self.dist = SimpleNamespace(metadata={"Name": distribution}, version=version)
        self.plugin = plugin

    def load(self) -> object:
        if isinstance(self.plugin, BaseException):
            raise self.plugin
        return self.plugin


class Says(Rule):
    """A rule that yields what it is given."""

    group = "acme"
    category = "custom:acme"
    severity = Severity.WARNING
    description = "Says things."

    def __init__(self, name: str, *items: Any) -> None:
        self.id = name
        self.items = items

    def evaluate(self, context: Any) -> Iterator[Any]:
        for item in self.items:
            if isinstance(item, BaseException):
                raise item
            yield item(context) if callable(item) else item


def fine(title: str) -> Callable[[Any], Recommendation]:
    def make(context: Any) -> Recommendation:
        return Recommendation(title=title, symbols=(SymbolRef.of(context.symbols[0]),), discriminator=title)

    return make


def plugin(load: Callable[[Config], Any] | None = None, **hooks: Callable[..., Any]) -> object:
    """A plugin that declares one provider with `load`, or has just `hooks`."""
    made = types.ModuleType("made_plugin")
    if load is not None:

        @hookimpl
        def semfora_rule_providers() -> list[RuleProvider]:
            return [RuleProvider(name="made", load=load)]

        made.semfora_rule_providers = semfora_rule_providers  # type: ignore[attr-defined]
    for name, function in hooks.items():
        setattr(made, name, hookimpl(function))
    return made


def rules(*items: Any) -> object:
    return plugin(lambda config: list(items))


GOOD = Point(rules(Says("zeta/good", fine("the good one"))), name="zeta", distribution="zeta-rules", version="0.3")


def make_plugins(*points: Point, **options: Any) -> Plugins:
    """Our own providers, the points under test, and one that works and comes last."""
    found = [*entry_points(group="semfora_hooks"), *points, GOOD]
    own = [point for point in found if isinstance(point, Point) or point.dist.name == "semfora-hooks"]
    return load_plugins(discover=lambda: own, **options)


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Report]:
    """Runs the engine on a scratch repository with plugins; whatever they do, the rest must have run."""
    (tmp_path / "app.py").write_text(SOURCE)

    def go(*points: Point, healthy: bool = True) -> Report:
        config = load_config(tmp_path, overrides={"select": ("all",)})
        report = SuggestEngine(config, make_plugins(*points)).run(Request(find_root([tmp_path], tmp_path))).report
        titles = [item.title for item in report.recommendations]
        assert "function `_unused` is never used" in titles
        assert ("the good one" in titles) is healthy
        assert msgspec.json.decode(as_json(report), type=Report) is not None
        return report

    return go


def only_error(report: Report) -> ErrorEntry:
    (error,) = report.errors
    assert (error.kind, error.provider, error.distribution, error.version) == ("provider", "acme", "acme-rules", "2.1")
    assert "acme (acme-rules 2.1)" in error_line(error)
    assert "\n" not in error_line(error)
    return error


# ------------------------------------------------------------------------------------------------------ registration


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ImportError("no module named spam"), "ImportError: no module named spam"),
        (SyntaxError("bad syntax"), "SyntaxError: bad syntax"),
        (SystemExit(3), "SystemExit: 3"),
        (RecursionError("deep"), "RecursionError: deep"),
        (GeneratorExit(), "GeneratorExit"),
    ],
)
def test_a_plugin_that_raises_at_import(run: Callable[..., Report], error: BaseException, text: str) -> None:
    assert only_error(run(Point(error))).message == f"acme (acme-rules 2.1): loading the plugin failed: {text}"


def test_a_hook_with_an_argument_that_does_not_exist(run: Callable[..., Report]) -> None:
    message = only_error(run(Point(plugin(semfora_rule_providers=lambda config, colour: [])))).message
    assert message.startswith("acme (acme-rules 2.1): loading the plugin failed: PluginValidationError:")
    assert "colour" in message


def test_a_misspelt_hook(run: Callable[..., Report]) -> None:
    message = only_error(run(Point(plugin(semfora_rule_provider=lambda: [])))).message
    assert message.startswith("acme (acme-rules 2.1): loading the plugin failed: PluginValidationError:")
    assert "unknown hook 'semfora_rule_provider'" in message


def test_a_misspelt_hook_beside_good_ones_takes_the_whole_plugin_out(run: Callable[..., Report]) -> None:
    made = plugin(lambda config: [Says("acme/x", fine("must not run"))], semfora_run_finish=lambda report: None)
    report = run(Point(made))
    assert "semfora_run_finish" in only_error(report).message
    assert "acme/x" not in report.summary.by_rule


@pytest.mark.parametrize("empty", [types.ModuleType("empty"), None, object(), 7])
def test_a_plugin_without_hooks(run: Callable[..., Report], empty: object) -> None:
    assert only_error(run(Point(empty))).message == (
        "acme (acme-rules 2.1): loading the plugin failed: TypeError: acme.plugin implements no hook; its functions "
        "need @hookimpl"
    )


def test_a_hook_that_was_not_marked(run: Callable[..., Report]) -> None:
    forgotten = types.ModuleType("forgotten")
    forgotten.semfora_rule_providers = lambda: []  # type: ignore[attr-defined]
    assert "its functions need @hookimpl" in only_error(run(Point(forgotten))).message


def test_the_same_module_under_two_names(run: Callable[..., Report]) -> None:
    made = rules(Says("acme/x", fine("x")))
    error = run(Point(made), Point(made, name="again")).errors[0]
    assert (error.provider, error.distribution, error.version) == ("again", "acme-rules", "2.1")
    assert "already registered" in error.message


# --------------------------------------------------------------------------------------------------------- declaring


def test_a_plugin_that_raises_while_declaring(run: Callable[..., Report]) -> None:
    def semfora_rule_providers() -> None:
        raise RuntimeError("no licence")

    error = only_error(run(Point(plugin(semfora_rule_providers=semfora_rule_providers))))
    assert error.message == "acme (acme-rules 2.1): semfora_rule_providers failed: RuntimeError: no licence"
    assert error.hint == "update acme-rules, or switch it off: --disable-provider acme"


def test_a_plugin_whose_declaring_generator_raises(run: Callable[..., Report]) -> None:
    def semfora_rule_providers() -> Iterator[RuleProvider]:
        yield RuleProvider(name="first", load=lambda config: [])
        raise SystemExit("half-way")

    error = only_error(run(Point(plugin(semfora_rule_providers=semfora_rule_providers))))
    assert error.message == "acme (acme-rules 2.1): semfora_rule_providers failed: SystemExit: half-way"


@pytest.mark.parametrize(
    ("declared", "text"),
    [
        (["a string"], "TypeError: expected RuleProvider, got str"),
        ({"name": "a dict"}, "TypeError: expected RuleProvider, got str"),
        (42, "TypeError: 'int' object is not iterable"),
        ([Says("acme/x")], "TypeError: expected RuleProvider, got Says"),
        ([RuleProvider], "TypeError: expected RuleProvider, got type"),
    ],
)
def test_a_plugin_that_declares_something_else(run: Callable[..., Report], declared: Any, text: str) -> None:
    error = only_error(run(Point(plugin(semfora_rule_providers=lambda: declared))))
    assert error.message == f"acme (acme-rules 2.1): semfora_rule_providers failed: {text}"


def test_a_stranger_beside_a_good_provider(run: Callable[..., Report]) -> None:
    good = RuleProvider(name="made", load=lambda config: [Says("acme/x", fine("still here"))])
    report = run(Point(plugin(semfora_rule_providers=lambda: [object(), good])))
    assert "expected RuleProvider, got object" in only_error(report).message
    assert report.summary.by_rule["acme/x"] == 1


# ----------------------------------------------------------------------------------------------------------- loading


def half_way(config: Config) -> Iterator[Rule]:
    yield Says("acme/early", fine("loaded before the failure"))
    raise ValueError("the second rule is broken")


class Unprintable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("and its text cannot be had either")


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError("bad\nthreshold"), "ValueError: bad threshold"),
        (SystemExit(0), "SystemExit: 0"),
        (ImportError(), "ImportError"),
        (KeyError("x" * 9000), "KeyError: '" + "x" * 499),
        (Unprintable(), "Unprintable: (its text cannot be had)"),
        (ValueError("half a pair: \ud800"), "ValueError: half a pair: \\ud800"),
    ],
)
def test_a_provider_that_raises_while_loading(run: Callable[..., Report], error: BaseException, text: str) -> None:
    def load(config: Config) -> list[Rule]:
        raise error

    entry = only_error(run(Point(plugin(load))))
    assert entry.message == f"acme (acme-rules 2.1): provider 'made' failed while loading its rules: {text}"


def test_an_expected_error_keeps_its_own_words(run: Callable[..., Report]) -> None:
    def load(config: Config) -> list[Rule]:
        raise SemforaError("acme.toml:3: no such team", hint="see acme.example", kind="config")

    (error,) = run(Point(plugin(load))).errors
    assert (error.kind, error.message, error.hint) == ("config", "acme.toml:3: no such team", "see acme.example")
    assert (error.provider, error.distribution, error.version) == ("acme", "acme-rules", "2.1")
    assert error_line(error) == "error: acme (acme-rules 2.1): acme.toml:3: no such team (see acme.example)"


def test_rules_before_a_failing_generator_are_kept(run: Callable[..., Report]) -> None:
    report = run(Point(plugin(half_way)))
    assert "ValueError: the second rule is broken" in only_error(report).message
    assert report.summary.by_rule["acme/early"] == 1


@pytest.mark.parametrize(
    ("loaded", "text"),
    [
        (None, "TypeError: 'NoneType' object is not iterable"),
        (Loaded(rules=5), "TypeError: 'int' object is not iterable"),  # type: ignore[arg-type]
        (Loaded(errors=["x"]), "TypeError: Loaded.errors holds str, not SemforaError"),  # type: ignore[list-item]
        (Loaded(notices=5), "TypeError: 'int' object is not iterable"),  # type: ignore[arg-type]
    ],
)
def test_a_provider_that_loads_nonsense(run: Callable[..., Report], loaded: Any, text: str) -> None:
    error = only_error(run(Point(plugin(lambda config: loaded))))
    assert error.message == f"acme (acme-rules 2.1): provider 'made' failed while loading its rules: {text}"


def test_a_provider_whose_load_is_no_function(run: Callable[..., Report]) -> None:
    declared = [RuleProvider(name="made", load="rules.py")]  # type: ignore[arg-type]
    error = only_error(run(Point(plugin(semfora_rule_providers=lambda: declared))))
    assert error.message.endswith("failed while loading its rules: TypeError: 'str' object is not callable")


def test_errors_of_single_rules_beside_good_ones(run: Callable[..., Report]) -> None:
    loaded = Loaded(
        rules=[Says("acme/x", fine("x"))], errors=[SemforaError("y is broken", kind="rule")], notices=["z is old"]
    )
    report = run(Point(plugin(lambda config: loaded)))
    assert [(error.kind, error.message, error.distribution) for error in report.errors] == [
        ("rule", "y is broken", "acme-rules")
    ]
    assert report.notices == ["z is old"]
    assert report.summary.by_rule["acme/x"] == 1


class Hostile:
    """Not a rule: even looking at it raises."""

    @property
    def id(self) -> str:
        raise RuntimeError("do not touch")


def broken(**attributes: Any) -> Says:
    rule = Says("acme/broken")
    for name, value in attributes.items():
        setattr(rule, name, value)
    return rule


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (broken(id=""), "a rule must have an id, a string without spaces; Says has ''"),
        (broken(id=None), "a rule must have an id, a string without spaces; Says has None"),
        (broken(id="two words"), "a rule must have an id, a string without spaces; Says has 'two words'"),
        (broken(id="bell\x07"), "a rule must have an id, a string without spaces; Says has 'bell\\x07'"),
        (broken(id="half\ud800"), "a rule must have an id, a string without spaces; Says has 'half\\ud800'"),
        (object(), "a rule must have an id, a string without spaces; object has None"),
        ({"id": "acme/dict"}, "a rule must have an id, a string without spaces; dict has None"),
        (Says, "Says is a class; a provider loads rules, made by calling it"),
        (Hostile(), "Hostile is no rule: looking at it raised RuntimeError: do not touch"),
        (broken(severity="error"), "rule 'acme/broken': 'severity' must be a Severity"),
        (broken(group=None), "rule 'acme/broken': 'group' must be a string"),
        (broken(category=3), "rule 'acme/broken': 'category' must be a string"),
        (broken(description=b"x"), "rule 'acme/broken': 'description' must be a string"),
        (broken(evaluate=None), "rule 'acme/broken' has no method 'evaluate'"),
        (broken(granularity="file"), "rule 'acme/broken': 'granularity' must be symbol, module or project"),
        (broken(id="dead-code"), "the rule id 'dead-code' is already taken by builtin (semfora-hooks 0.1.0)"),
    ],
)
def test_an_object_that_is_no_rule(run: Callable[..., Report], rule: Any, text: str) -> None:
    report = run(Point(rules(Says("acme/first", fine("before")), rule, Says("acme/last", fine("after")))))
    assert only_error(report).message == f"acme (acme-rules 2.1): {text}; the rule was not loaded"
    assert report.summary.by_rule["acme/first"] == report.summary.by_rule["acme/last"] == 1


def test_two_providers_with_one_rule_id(run: Callable[..., Report]) -> None:
    second = Point(rules(Says("acme/x", fine("second"))), name="acme-two", distribution="rival", version="9")
    report = run(Point(rules(Says("acme/x", fine("first")))), second)
    (error,) = report.errors
    assert (error.provider, error.distribution, error.version) == ("acme-two", "rival", "9")
    assert error.message == (
        "acme-two (rival 9): the rule id 'acme/x' is already taken by acme (acme-rules 2.1); the rule was not loaded"
    )
    assert "first" in [item.title for item in report.recommendations]


# -------------------------------------------------------------------------------------------------------- evaluating


class Explodes(Says):
    def evaluate(self, context: Any) -> Iterator[Any]:
        raise self.items[0]


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ZeroDivisionError("division by zero"), "ZeroDivisionError: division by zero"),
        (SystemExit(0), "SystemExit: 0"),
        (MemoryError(), "MemoryError"),
        (StopIteration("early"), "StopIteration: early"),
        (Unprintable(), "Unprintable: (its text cannot be had)"),
    ],
)
def test_a_rule_that_raises(run: Callable[..., Report], error: BaseException, text: str) -> None:
    entry = only_error(run(Point(rules(Explodes("acme/x", error)))))
    assert entry.message == f"acme (acme-rules 2.1): rule 'acme/x' raised {text}"
    assert entry.rule == "acme/x"
    assert entry.hint == "update acme-rules, or ignore the rule: --ignore acme/x"


@pytest.mark.parametrize("error", [RuntimeError("late"), SystemExit("late")])
def test_findings_before_a_failure_are_kept(run: Callable[..., Report], error: BaseException) -> None:
    report = run(Point(rules(Says("acme/x", fine("one"), fine("two"), error, fine("never")))))
    assert only_error(report).message.endswith(f"rule 'acme/x' raised {type(error).__name__}: late")
    titles = [item.title for item in report.recommendations if item.rule_id == "acme/x"]
    assert titles == ["one", "two"]


def test_a_rule_that_recurses_for_ever(run: Callable[..., Report]) -> None:
    class Endless(Says):
        def evaluate(self, context: Any) -> Iterator[Any]:
            return self.evaluate(context)

    assert "rule 'acme/x' raised RecursionError" in only_error(run(Point(rules(Endless("acme/x"))))).message


@pytest.mark.parametrize(
    ("returned", "text"),
    [
        (5, "raised TypeError: 'int' object is not iterable"),
        ({"title": "x"}, "returned str, not a Recommendation"),
        (Recommendation(title="x"), "raised TypeError: 'Recommendation' object is not iterable"),
        ("text", "returned str, not a Recommendation"),
    ],
)
def test_a_rule_that_returns_no_iterable_of_findings(run: Callable[..., Report], returned: Any, text: str) -> None:
    class Returns(Says):
        def evaluate(self, context: Any) -> Any:
            return returned

    assert text in only_error(run(Point(rules(Returns("acme/x"))))).message


def test_a_rule_that_returns_none_finds_nothing(run: Callable[..., Report]) -> None:
    class ReturnsNothing(Says):
        def evaluate(self, context: Any) -> Any:
            return None

    assert run(Point(rules(ReturnsNothing("acme/x")))).errors == []


def test_a_rule_whose_evaluate_takes_no_context(run: Callable[..., Report]) -> None:
    class Takes(Says):
        def evaluate(self) -> Any:  # type: ignore[override]
            return ()

    assert "rule 'acme/x' raised TypeError" in only_error(run(Point(rules(Takes("acme/x"))))).message


def wrong(**fields: Any) -> Callable[[Any], Recommendation]:
    def make(context: Any) -> Recommendation:
        values = {"title": "wrong", "symbols": (SymbolRef.of(context.symbols[0]),), **fields}
        return Recommendation(**values)

    return make


@pytest.mark.parametrize(
    ("item", "text"),
    [
        ({"title": "a dict"}, "rule 'acme/x' returned dict, not a Recommendation"),
        (None, "rule 'acme/x' returned NoneType, not a Recommendation"),
        ("a string", "rule 'acme/x' returned str, not a Recommendation"),
        (wrong(confidence=7), "rule 'acme/x' returned the confidence 7.0; it must be between 0.0 and 1.0"),
        (wrong(confidence=-0.1), "rule 'acme/x' returned the confidence -0.1; it must be between 0.0 and 1.0"),
        (wrong(confidence=math.nan), "rule 'acme/x' returned the confidence nan; it must be between 0.0 and 1.0"),
        (wrong(confidence=math.inf), "rule 'acme/x' returned the confidence inf; it must be between 0.0 and 1.0"),
        (
            wrong(confidence="high"),
            "rule 'acme/x' returned a malformed recommendation: Expected `float`, got `str` - at `$.confidence`",
        ),
        (
            wrong(confidence=10**400),
            "rule 'acme/x' returned a malformed recommendation: Number out of range - at `$.confidence`",
        ),
        (
            wrong(symbols=(SymbolRef(id="gone.py::f", name="f", file="gone.py"),)),
            "rule 'acme/x' named a symbol that does not exist: 'gone.py::f'",
        ),
        (wrong(title=""), "rule 'acme/x' returned a recommendation without a title"),
        (wrong(title=" \n "), "rule 'acme/x' returned a recommendation without a title"),
        (
            wrong(title=None),
            "rule 'acme/x' returned a malformed recommendation: Expected `str`, got `null` - at `$.title`",
        ),
        (wrong(metrics={"lines": math.inf}), "rule 'acme/x' returned inf for the metric 'lines'; it must be finite"),
        (wrong(metrics={"lines": math.nan}), "rule 'acme/x' returned nan for the metric 'lines'; it must be finite"),
        (
            wrong(metrics={"lines": "many"}),
            "rule 'acme/x' returned a malformed recommendation: Expected `float`, got `str` - at `$.metrics[...]`",
        ),
        (wrong(category="misc"), "rule 'acme/x' returned the category 'misc'"),
        (wrong(category="custom:"), "rule 'acme/x' returned the category 'custom:'"),
        (
            wrong(severity="fatal"),
            "rule 'acme/x' returned a malformed recommendation: Invalid enum value 'fatal' - at `$.severity`",
        ),
        (
            wrong(symbols="app.py"),
            "rule 'acme/x' returned a malformed recommendation: Expected `array`, got `str` - at `$.symbols`",
        ),
        (
            wrong(discriminator=object()),
            "rule 'acme/x' returned a malformed recommendation: Encoding objects of type object is unsupported",
        ),
    ],
)
def test_a_finding_that_is_nonsense(run: Callable[..., Report], item: Any, text: str) -> None:
    report = run(Point(rules(Says("acme/x", fine("before"), item, item, fine("after")))))
    error = only_error(report)  # once, however often it says the same
    assert (error.message, error.rule) == (text, "acme/x")
    assert [found.title for found in report.recommendations if found.rule_id == "acme/x"] == ["after", "before"]


def test_what_a_rule_says_cannot_drive_a_terminal_or_break_the_report(run: Callable[..., Report]) -> None:
    nasty = "x\x1b[2J\x07\u202e\ud800"
    item = wrong(
        title=nasty,
        description=nasty,
        suggestion=nasty,
        discriminator=nasty,
        group=nasty,
        metrics={nasty: 1.0},
        evidence=(Evidence(kind=nasty, text=nasty, file=nasty, symbol=nasty),),
    )
    report = run(Point(rules(Says("acme/x", item))))
    assert report.errors == []
    (found,) = (found for found in report.recommendations if found.rule_id == "acme/x")
    clean = "x[2J\\ud800"
    assert (found.title, found.description, found.suggestion, found.discriminator, found.group) == (clean,) * 5
    assert found.evidence == (Evidence(kind=clean, text=clean, file=clean, symbol=clean),)
    assert found.metrics == {clean: 1.0}


def test_a_rule_out_of_control(run: Callable[..., Report], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("semfora_hooks.policy.intake.MAX_FINDINGS", 3)
    report = run(Point(rules(Says("acme/x", *(fine(str(number)) for number in range(9))))))
    assert only_error(report).message == "rule 'acme/x' returned more than 3 findings; the rest was dropped"
    assert report.summary.by_rule["acme/x"] == 3


def test_a_rule_cannot_change_what_the_next_one_sees(run: Callable[..., Report]) -> None:
    class Vandal(Says):
        def evaluate(self, context: Any) -> Iterator[Any]:
            context.symbols.clear()
            yield

    class Counts(Says):
        def evaluate(self, context: Any) -> Iterator[Recommendation]:
            yield Recommendation(title=f"{len(context.symbols)} symbols")

    report = run(Point(rules(Vandal("acme/a"), Counts("acme/b"))))
    assert "AttributeError" in only_error(report).message
    assert "2 symbols" in [item.title for item in report.recommendations]


def test_the_host_fills_in_what_a_provider_leaves_out(run: Callable[..., Report]) -> None:
    report = run(Point(rules(Says("acme/x", Recommendation(title="  about\n everything ", confidence=0.123456)))))
    (found,) = (item for item in report.recommendations if item.rule_id == "acme/x")
    assert (found.id, found.group, found.category, found.severity) == (
        "acme/x:repository",
        "acme",
        "custom:acme",
        Severity.WARNING,
    )
    assert (found.title, found.confidence, found.symbols) == ("about everything", 0.1235, ())
    assert len(found.fingerprint) == 20


# --------------------------------------------------------------------------------------------------------- the others


def test_every_kind_of_failure_at_once(run: Callable[..., Report]) -> None:
    def semfora_rule_providers() -> None:
        raise RuntimeError("declaring")

    made = [
        ImportError("importing"),
        plugin(semfora_rule_provider=lambda: []),
        plugin(semfora_rule_providers=semfora_rule_providers),
        plugin(half_way),
        rules(Explodes("b4/x", ValueError("evaluating"))),
        rules(Says("b5/x", fine("kept"), SystemExit(1))),
        rules(Says("b6/x", wrong(confidence=2))),
        rules(object()),
    ]
    points = [Point(item, name=f"b{i}", distribution=f"bad-{i}", version=f"{i}.0") for i, item in enumerate(made)]
    report = run(*points)
    # Loading comes before evaluating; within each, the order is the distributions'.
    assert [error.distribution for error in report.errors] == [
        "bad-0",
        "bad-1",
        "bad-2",
        "bad-3",
        "bad-7",
        "bad-4",
        "bad-5",
        "bad-6",
    ]
    assert all(error.provider == f"b{error.distribution[-1]}" for error in report.errors if error.distribution)
    assert all(error.version == f"{error.distribution[-1]}.0" for error in report.errors if error.distribution)


def test_a_plugin_that_fails_when_the_run_is_over_is_a_notice(run: Callable[..., Report]) -> None:
    def semfora_run_finished(report: Report) -> None:
        raise SystemExit("sending failed")

    report = run(Point(plugin(semfora_run_finished=semfora_run_finished)))
    assert report.errors == []
    assert report.notices == ["acme (acme-rules 2.1): semfora_run_finished raised SystemExit: sending failed"]


def test_a_rule_that_fails_to_prepare_still_runs(run: Callable[..., Report]) -> None:
    class Unprepared(Says):
        def prepare(self) -> None:
            raise SystemExit("not ready")

    report = run(Point(rules(Unprepared("acme/x", fine("ready after all")))))
    assert report.errors == []
    assert report.summary.by_rule["acme/x"] == 1


@pytest.mark.parametrize("provided", ["a string", RuntimeError("no cluster"), SystemExit("no cluster")])
def test_an_executor_that_is_none(run: Callable[..., Report], tmp_path: Path, provided: Any) -> None:
    def semfora_executor(config: Config) -> Any:
        if isinstance(provided, BaseException):
            raise provided
        return provided

    for number in range(3):
        (tmp_path / f"big{number}.py").write_text(f"# {number} {'x' * 80}\n" * 3000)
    report = run(Point(plugin(semfora_executor=semfora_executor)))
    assert "acme (acme-rules 2.1): semfora_executor failed: " in only_error(report).message
    assert report.summary.files == 4


def test_ours_come_first_and_cannot_be_replaced() -> None:
    thief = Point(rules(Says("complexity")), name="aaa", distribution="aaa")
    loaded = make_plugins(thief).load_rules(Config())
    owners = {item.rule.id: item.origin.distribution for item in loaded.rules}
    assert owners["complexity"] == "semfora-hooks"
    assert [error.distribution for error in loaded.errors] == ["aaa"]


def test_no_plugins_leaves_only_ours() -> None:
    plugins = make_plugins(Point(ImportError("never imported")), no_plugins=True)
    assert plugins.errors == []
    assert {origin.distribution for origin in plugins.origins} == {"semfora-hooks"}


@pytest.mark.parametrize("name", ["acme", "acme-rules:acme"])
def test_a_provider_that_is_disabled_is_not_even_imported(name: str) -> None:
    plugins = make_plugins(Point(ImportError("never imported")), disable=[name])
    assert plugins.errors == []
    assert "acme" not in {origin.name for origin in plugins.origins}


def test_disabling_what_is_not_there() -> None:
    (error,) = make_plugins(Point(rules()), disable=["acne"]).errors
    assert error.message == "cannot disable the provider 'acne': there is none of that name"
    assert error.hint == "did you mean 'acme'?"


def test_a_distribution_without_metadata(run: Callable[..., Report]) -> None:
    point = Point(ImportError("broken"))
    point.dist = None  # type: ignore[assignment]
    (error,) = run(point).errors
    assert (error.provider, error.distribution, error.version) == ("acme", "unknown", "?")


def test_two_managers_share_nothing() -> None:
    first = make_plugins(Point(rules(Says("acme/x"))))
    assert {"acme", "zeta"} <= {origin.name for origin in first.origins}
    assert "acme" not in {origin.name for origin in make_plugins().origins}


def test_tracing_writes_to_standard_error(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("SEMFORA_TRACE_PLUGINS", "1")
    make_plugins().load_rules(Config())
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "semfora_rule_providers" in captured.err


def test_an_interruption_is_not_a_providers_failure() -> None:
    with pytest.raises(KeyboardInterrupt):
        make_plugins(Point(KeyboardInterrupt()))


# ---------------------------------------------------------------------------------------------------------- reporters


def render_count(report: Report, stream: Any, options: RenderOptions) -> None:
    stream.write(f"{report.summary.recommendations} in {Path(options.root).name}\n")


def test_a_third_partys_reporter(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = plugin(semfora_reporters=lambda: [Reporter("count", render_count)])
    reporters = make_plugins(Point(made)).reporters([])
    assert list(reporters) == ["count"]
    (tmp_path / "app.py").write_text(SOURCE)
    engine = SuggestEngine(Config(root=str(tmp_path)), make_plugins())
    report = engine.run(Request(find_root([tmp_path], tmp_path))).report
    reporters["count"].render(report, sys.stdout, RenderOptions(str(tmp_path), lambda path: None))
    assert capsys.readouterr().out == f"2 in {tmp_path.name}\n"


@pytest.mark.parametrize("error", [ValueError("no room"), SystemExit("no room")])
def test_a_reporter_that_fails_says_whose_it_is(error: BaseException) -> None:
    def render(report: Report, stream: Any, options: RenderOptions) -> None:
        raise error

    made = plugin(semfora_reporters=lambda: [Reporter("fancy", render)])
    reporter = make_plugins(Point(made)).reporters([])["fancy"]
    with pytest.raises(SemforaError) as caught:
        reporter.render(None, sys.stdout, None)  # type: ignore[arg-type]
    assert caught.value.message == (
        f"acme (acme-rules 2.1): the output format 'fancy' failed: {type(error).__name__}: no room"
    )


def test_a_reporter_hook_that_returns_nonsense() -> None:
    errors: list[ErrorEntry] = []
    made = plugin(semfora_reporters=lambda: [print, Reporter("count", render_count)])
    assert list(make_plugins(Point(made)).reporters(errors)) == ["count"]
    assert [error.message for error in errors] == [
        "acme (acme-rules 2.1): semfora_reporters failed: TypeError: expected Reporter, got builtin_function_or_method"
    ]


# ----------------------------------------------------------------------------------------------- broken installations


def distribution(folder: Path, name: str, entry: str, metadata: str | None = "") -> None:
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    if metadata is not None:
        (info / "METADATA").write_text(metadata or f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(entry)


def names(items: Iterable[Any]) -> set[str]:
    return {item.name for item in items}


def test_entry_points_that_cannot_be_read_cost_only_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    distribution(tmp_path, "mangled", "[semfora_hooks]\nthis line has no equals sign\n")
    distribution(tmp_path, "healthy", "[semfora_hooks]\nhealthy = json\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    plugins = load_plugins(disable=["healthy"])
    assert {"builtin", "declarative", "wasm"} <= names(plugins.origins)
    (error,) = plugins.errors
    assert "mangled-1.0.dist-info: its entry points cannot be read" in error.message


def test_a_distribution_that_lost_its_metadata_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    distribution(tmp_path, "bare", "[semfora_hooks]\nbare = no_such_module_anywhere\n", metadata=None)
    monkeypatch.syspath_prepend(str(tmp_path))
    plugins = load_plugins()
    assert {"builtin", "declarative", "wasm"} <= names(plugins.origins)
    (error,) = plugins.errors
    assert "No module named 'no_such_module_anywhere'" in error.message


def test_symbols_are_what_rules_were_promised(run: Callable[..., Report]) -> None:
    seen: list[Symbol] = []

    class Looks(Says):
        def evaluate(self, context: Any) -> Iterator[Recommendation]:
            seen.extend(context.symbols)
            yield from ()

    assert run(Point(rules(Looks("acme/x")))).errors == []
    assert [symbol.id for symbol in seen] == ["app.py", "app.py::_unused"]
