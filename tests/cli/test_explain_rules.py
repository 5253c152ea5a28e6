"""`explain` of rules in YAML, and of their findings."""

from __future__ import annotations

from collections.abc import Callable

from .conftest import Outcome, Project

Run = Callable[..., Outcome]

RULE = """\
# ours
name: queries-in-views
group: layers
description: |
  Views must not query the database,
  or they cannot be tested.
title: "{symbol} queries"
match: {module: "web*"}
condition:
  has_calls_to: "db.execute"
  transitively: true
  not: {name: "admin_*"}
severity: error
confidence: 0.9
suggestion: "Call a service from {symbol}"
examples:
  - note: a query
    fires: |
      import db
      def show():
      \tdb.execute(1)
"""
CODE = {
    "web.py": "from service import load\n\n\ndef show():\n    return load()\n",
    "service.py": "import db\n\n\ndef load():\n    return db.execute(1)\n",
}


def test_a_rule_is_said_in_words(project: Project, run: Run) -> None:
    project.write({".semfora/rules/views.yaml": RULE})
    outcome = run("explain", "queries-in-views")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.splitlines() == [
        "queries-in-views (custom:layers, error, on; from declarative (semfora-hooks 0.1.0))",
        "",
        "Views must not query the database, or they cannot be tested.",
        "",
        ".semfora/rules/views.yaml:2 says in words:",
        "  It looks at every function, method or component that",
        "    - is in module web*  (module: web*)",
        "  and reports it when it",
        "    - calls db.execute, directly or through others  (has_calls_to: db.execute)",
        "    - does not satisfy this:",
        "      - is named admin_*  (name: admin_*)",
        "  A finding's confidence is at most 0.9; its group is layers.",
        "  Its headline: {symbol} queries",
        "",
        "To fix: Call a service from {symbol}",
        "",
        "To silence one finding:  # semfora: ignore[queries-in-views] -- why",
        'To silence the rule:     ignore = ["queries-in-views"] in [tool.semfora]',
        "",
        "Fires: a query",
        "    webexample.py",
        "      import db",
        "      def show():",
        "          db.execute(1)",
    ]


def test_without_a_description_the_words_are_said_once(project: Project, run: Run) -> None:
    project.write({".semfora/rules/a.yaml": "name: a\nmatch: {name: x, kind: class}\n"})
    out = run("explain", "a").out
    assert out.count("is named x") == 1
    assert "  It reports every class that\n    - is named x  (name: x)\n" in out


def test_a_findings_evidence_says_which_keys_matched_with_which_values(project: Project, run: Run) -> None:
    project.write({".semfora/rules/views.yaml": RULE, **CODE})
    (found,) = run("suggest", "--rule", "queries-in-views", "--output-format", "json").json["recommendations"]
    assert [evidence["text"] for evidence in found["evidence"]] == [
        "module: web* (web)",
        "has_calls_to: db.execute (show -> service.load -> db.execute)",
        "not name: admin_* (show)",
    ]
    outcome = run("explain", found["fingerprint"])
    assert outcome.code == 0
    assert "    - has_calls_to: db.execute (show -> service.load -> db.execute) (web.py:5)\n" in outcome.out
    assert ".semfora/rules/views.yaml:2 says in words:\n" in outcome.out


def test_texts_of_a_rule_do_not_drive_the_terminal(project: Project, run: Run) -> None:
    rule = 'name: a\ndescription: "x\\e]0;y\\a\\u202ez"\nmatch: {name: x}\nsuggestion: "a\\e[2J"\n'
    project.write({".semfora/rules/a.yaml": rule})
    outcome = run("explain", "a")
    assert outcome.code == 0
    assert not {"\x1b", "\x07", "\u202e"} & set(outcome.out)
    assert "x\\x1b]0;y\\x07\\u202ez" in outcome.out
