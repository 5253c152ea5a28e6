"""`suggest --rule` and `suggest --rule RULE --trace SYMBOL`."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from .conftest import Outcome, Project

Run = Callable[..., Outcome]

HANDLERS = """\
name: handlers-catch
match: {module: "app*", name: "handle_*"}
condition: {missing_control_flow: [try]}
confidence: 0.8
"""
QUERIES = """\
name: queries
condition: {has_calls_to: "db.execute", transitively: true}
"""
APP = """\
from service import save

def handle_order(order):
    return save(order)

def handle_all(orders):
    try:
        return [save(order) for order in orders]
    except ValueError:
        return None

def load(path):
    return print(path)

class Loader:
    def load(self):
        return load(1)
"""
SERVICE = """\
import db

def save(order):
    return write(order)

def write(order):
    return db.execute(order)
"""


@pytest.fixture
def app(project: Project) -> Project:
    return project.write(
        {
            "app.py": APP,
            "service.py": SERVICE,
            ".semfora/rules/handlers.yaml": HANDLERS,
            ".semfora/rules/queries.yaml": QUERIES,
        }
    )


# -------------------------------------------------------------------------------------------------------------- --rule


def test_rule_runs_nothing_else(app: Project, run: Run) -> None:
    outcome = run("suggest", "--rule", "handlers-catch")
    assert (outcome.code, outcome.out) == (0, "app.py:3:1: warning handlers-catch handle_order does not use try\n")
    both = run("suggest", "--rule", "handlers-catch", "--rule", "queries", "--output-format", "json").json
    assert set(both["timings"]["rules"]) == {"handlers-catch", "queries"}
    assert run("suggest", "--rule", "handlers-catch", "--fail-on", "warning").code == 1


def test_rule_runs_what_is_not_selected(app: Project, run: Run) -> None:
    app.write({"semfora.toml": 'ignore = ["handlers-catch"]\n'})
    assert "handlers-catch" in run("suggest", "--rule", "handlers-catch").out
    assert "handlers-catch" not in run("suggest").out


def test_rule_hides_no_errors(app: Project, run: Run) -> None:
    app.write({".semfora/rules/bad.yaml": "name: bad\nmatch: {nme: x}\n"})
    outcome = run("suggest", "--rule", "handlers-catch")
    assert outcome.code == 2
    assert "handlers-catch" in outcome.out and ".semfora/rules/bad.yaml:2:9" in outcome.err


def test_rule_about_a_change(app: Project, run: Run) -> None:
    app.commit()
    app.write({"app.py": APP + "\n\ndef handle_new(x):\n    return x\n"}).git("add", "-A")
    outcome = run("suggest", "--staged", "--rule", "handlers-catch", "--output-format", "json")
    assert [(item["symbols"][0]["name"], item["status"]) for item in outcome.json["recommendations"]] == [
        ("handle_new", "introduced")
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--rule", "handlers-cach"), "there is no rule 'handlers-cach' (did you mean 'handlers-catch'?)"),
        (("--rule", "zzz"), "there is no rule 'zzz' (semfora-hooks rules list shows the names and what failed)"),
        (("--rule", "naming", "--select", "all"), "--rule says which rules run, so --select and --ignore say nothing"),
        (("--trace", "load"), "--trace needs one --rule beside it"),
        (("--trace", "load", "--rule", "queries", "--rule", "naming"), "--trace needs one --rule beside it"),
        (("--trace", "load", "--rule", "queries", "--output-format", "json"), "--trace writes text to standard output"),
        (("--trace", "load", "--rule", "queries", "-o", "x.txt"), "--trace writes text to standard output"),
        (("--trace", "load", "--rule", "dead-code"), "--trace works for rules in YAML; 'dead-code' is from builtin"),
        (
            ("--trace", "handle_ordr", "--rule", "queries"),
            "there is no symbol 'handle_ordr' (did you mean 'handle_order'",
        ),
        (
            ("--trace", "service.sve", "--rule", "queries"),
            "there is no symbol 'service.sve' (did you mean 'service.save'",
        ),
        (("--trace", "zzz", "--rule", "queries"), "there is no symbol 'zzz' (an id, a qualified name or its end, "),
        (
            ("--trace", "save", "--rule", "queries", "app.py"),
            "there is no symbol 'save' in app.py (leave the paths out)",
        ),
    ],
)
def test_what_cannot_be(app: Project, run: Run, arguments: tuple[str, ...], message: str) -> None:
    outcome = run("suggest", *arguments)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith(f"error: {message}")


# ------------------------------------------------------------------------------------------------------------- --trace


def trace(run: Run, rule: str, symbol: str, *more: str) -> list[str]:
    outcome = run("suggest", "--rule", rule, "--trace", symbol, *more)
    assert outcome.code == 0
    return outcome.out.splitlines()


def test_a_symbol_on_which_it_fires(app: Project, run: Run) -> None:
    (found,) = run("suggest", "--rule", "handlers-catch", "--output-format", "json").json["recommendations"]
    assert trace(run, "handlers-catch", "handle_order") == [
        "app.py:3:1: function app.handle_order: fires",
        "  yes kind: component, function or method, since the rule names none  (function)",
        "  match",
        "    yes module: app*  (app)",
        "    yes name: handle_*  (handle_order)",
        "  condition",
        "    yes missing_control_flow: try  (return)",
        f"  reported: warning, confidence 0.80; semfora-hooks explain {found['fingerprint']} says more",
        "",
    ]


def test_a_symbol_on_which_it_does_not(app: Project, run: Run) -> None:
    assert trace(run, "handlers-catch", "handle_all")[-4:] == [
        "  condition",
        "    no  missing_control_flow: try  (try)",
        "  silent, since 'missing_control_flow: try' does not hold",
        "",
    ]


def test_every_symbol_of_the_name(app: Project, run: Run) -> None:
    outcome = run("suggest", "--rule", "handlers-catch", "--trace", "load")
    assert [line for line in outcome.out.splitlines() if line and not line.startswith(" ")] == [
        "app.py:12:1: function app.load: silent",
        "app.py:16:5: method app.Loader.load: silent",
    ]
    assert outcome.err == "handlers-catch (.semfora/rules/handlers.yaml:1) fires on 0 of 2 symbols\n"
    for name in ("Loader.load", "app.Loader.load", "app.py::Loader.load"):
        assert trace(run, "handlers-catch", name)[0] == "app.py:16:5: method app.Loader.load: silent"
    assert "  silent, since it is a class and 'name: handle_*' does not hold" in trace(run, "handlers-catch", "Loader")


def test_transitive_calls_show_the_way(app: Project, run: Run) -> None:
    lines = trace(run, "queries", "handle_order")
    assert lines[0] == "app.py:3:1: function app.handle_order: fires"
    assert lines[3:7] == [
        "    yes has_calls_to: db.execute, transitively  (handle_order -> service.save -> service.write -> db.execute)",
        "          app.py:4: app.handle_order calls service.save",
        "          service.py:4: service.save calls service.write",
        "          service.py:7: service.write calls db.execute",
    ]
    silent = trace(run, "queries", "app.load")
    assert silent[3] == (
        "    no  has_calls_to: db.execute, transitively  (no way of calls to db.execute; it calls nothing in the "
        "repository and, elsewhere or unresolved, print)"
    )
    assert trace(run, "queries", "Loader.load")[3].endswith("(no way of calls to db.execute; it calls app.load)")


def test_what_becomes_of_a_finding(app: Project, run: Run) -> None:
    comment = "def handle_order(order):  # semfora: ignore[handlers-catch] -- callers do"
    app.write({"app.py": APP.replace("def handle_order(order):", comment)})
    assert "  suppressed (comment) by app.py:3: callers do" in trace(run, "handlers-catch", "handle_order")
    app.write({"app.py": APP, "semfora.toml": '[per-file-ignores]\n"app.py" = ["handlers-catch"]\n'})
    left_out = "  not reported: 'min-confidence', 'per-file-ignores' or the scope of the run leaves it out"
    assert left_out in trace(run, "handlers-catch", "handle_order")
    app.write({"semfora.toml": ""})
    assert left_out in trace(run, "handlers-catch", "handle_order", "--min-confidence", "0.9")


def test_paths_narrow_the_symbols_down(app: Project, run: Run) -> None:
    app.write({"other/lib.py": "def load():\n    pass\n"})
    assert len([line for line in trace(run, "queries", "load") if ": silent" in line]) == 3
    assert trace(run, "queries", "load", "other")[0] == "other/lib.py:1:1: function other.lib.load: silent"


def test_what_is_staged_is_traced_as_staged(app: Project, run: Run) -> None:
    app.commit()
    app.write({"app.py": "def handle_refunds(x):\n    return x + 1\n\n\n" + APP}).git("add", "-A")
    app.write({"app.py": APP})
    lines = trace(run, "handlers-catch", "handle_refunds", "--staged")
    assert lines[0] == "app.py:1:1: function app.handle_refunds: fires"
    assert "confidence 0.80, introduced" in lines[-2]
    app.git("checkout", "-q", "--force", "HEAD")
    outcome = run("suggest", "--rule", "handlers-catch", "--trace", "load", "--staged")
    assert (outcome.code, outcome.err) == (
        2,
        "error: nothing was analysed, so there is no symbol to trace (leave --staged or --since out)\n",
    )


def test_other_rules_errors_are_told(app: Project, run: Run) -> None:
    app.write({".semfora/rules/bad.yaml": "name: bad\nmatch: {nme: x}\n"})
    outcome = run("suggest", "--rule", "queries", "--trace", "save")
    assert outcome.code == 2
    assert outcome.out.startswith("service.py:3:1: function service.save: fires")
    assert outcome.err.startswith("error: .semfora/rules/bad.yaml:2:9: unknown key 'nme'")


def test_hostile_texts_do_not_drive_the_terminal(project: Project, run: Run) -> None:
    project.write(
        {
            "app.py": "def load():\n    pass\n",
            ".semfora/rules/a.yaml": 'name: a\ncondition: {language: ["\\e]0;x\\a", python], name: load}\n',
        }
    )
    outcome = run("suggest", "--rule", "a", "--trace", "load")
    assert outcome.out.startswith("app.py:1:1: function app.load: fires")
    assert "\x1b" not in outcome.out and "\x07" not in outcome.out
