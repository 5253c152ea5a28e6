"""`context`, `graph`, `explain`, `rules list`, `schema`, and the program's own help."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest

from .conftest import Outcome, Project

Run = Callable[..., Outcome]

APP = {
    "app.py": """\
    import os

    from lib import Loader


    def start(path: str) -> int:
        loader = Loader(path)
        return loader.load()


    print(start(os.getcwd()))
    """,
    "lib.py": """\
    class Loader:
        def __init__(self, path):
            self.path = path

        def load(self):
            return len(self.path)
    """,
}


@pytest.fixture
def app(project: Project) -> Project:
    return project.write(APP)


# ------------------------------------------------------------------------------------------------------------ context


def test_context(app: Project, run: Run) -> None:
    outcome = run("context")
    document = outcome.json
    assert (outcome.code, outcome.err) == (0, "")
    assert list(document) == [
        "schema",
        "version",
        "generator",
        "repository",
        "scope",
        "config",
        "symbols",
        "calls",
        "modules",
        "duplicates",
    ]
    assert (document["schema"], document["version"]) == ("semfora.suggest_context", 1)
    assert document["repository"] == {"name": "repository", "head": None}
    assert document["scope"] == {"kind": "repo", "base_ref": None, "files": [], "symbols": []}
    assert [symbol["id"] for symbol in document["symbols"]] == [
        "app.py",
        "app.py::start",
        "lib.py",
        "lib.py::Loader",
        "lib.py::Loader.__init__",
        "lib.py::Loader.load",
    ]
    start = next(symbol for symbol in document["symbols"] if symbol["id"] == "app.py::start")
    assert start == {
        "id": "app.py::start",
        "name": "start",
        "qualified_name": "app.start",
        "kind": "function",
        "module": "app",
        "file": "app.py",
        "start_line": 6,
        "end_line": 8,
        "start_column": 1,
        "language": "python",
        "parent": "app.py",
        "is_exported": True,
        "return_type": "int",
        "arguments": [{"name": "path", "type": "str", "kind": "positional"}],
        "control_flow": {"return": 1},
        "metrics": {
            "cyclomatic_complexity": 1,
            "loc": 3,
            "fan_in": 1,
            "fan_out": 2,
            "callers_count": 1,
            "argument_count": 1,
        },
        "entry_point": "none",
        "reachability": "called",
    }


def test_context_in_a_range_names_what_was_touched(app: Project, run: Run) -> None:
    head = app.commit()
    app.write({"lib.py": APP["lib.py"].replace("len(self.path)", "len(self.path) + 1")}).git("add", "-A")
    document = run("context", "--scope", "staged").json
    assert document["repository"] == {"name": "repository", "head": head}
    assert document["scope"] == {
        "kind": "staged",
        "base_ref": head,
        "files": [{"path": "lib.py", "change": "modified", "lines": [[6, 6]]}],
        "symbols": ["lib.py", "lib.py::Loader", "lib.py::Loader.load"],
    }
    app.commit()
    assert run("context", "--scope", "since:HEAD~1").json["scope"]["files"] == document["scope"]["files"]


@pytest.mark.parametrize(
    ("projection", "filled"),
    [
        ("symbols", ["symbols"]),
        ("calls,modules", ["calls", "modules"]),
        ("", []),
        ("symbols, calls, modules, duplicates", ["symbols", "calls", "modules"]),  # there are no duplicates here
    ],
)
def test_projection(app: Project, run: Run, projection: str, filled: list[str]) -> None:
    document = run("context", "--projection", projection).json
    assert [name for name in ("symbols", "calls", "modules", "duplicates") if document[name]] == filled


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("--projection", "symbols,foo"), "there is no section 'foo' (sections: symbols, calls, modules, duplicates)"),
        (("--scope", "all"), "there is no scope 'all' (repo, staged, or since:REV)"),
        (("--scope", "staged"), "{root} is not a git repository"),
    ],
)
def test_context_that_cannot_be(app: Project, run: Run, arguments: tuple[str, ...], text: str) -> None:
    assert run("context", *arguments) == (2, "", f"error: {text.format(root=app.path)}\n")


# -------------------------------------------------------------------------------------------------------------- graph


def test_graph(app: Project, run: Run) -> None:
    outcome = run("graph")
    assert (outcome.code, outcome.err) == (0, "")
    graph = outcome.json
    assert list(graph) == ["symbols", "calls", "externals"]
    assert graph["symbols"][:2] == [
        {"id": "app.py", "qualified_name": "app", "kind": "module", "file": "app.py", "start_line": 1, "end_line": 11},
        {
            "id": "app.py::start",
            "qualified_name": "app.start",
            "kind": "function",
            "file": "app.py",
            "start_line": 6,
            "end_line": 8,
        },
    ]
    assert graph["calls"] == [
        {"caller": "app.py", "callee": "app.py::start", "resolution": "exact", "line": 11},
        {"caller": "app.py::start", "callee": "lib.py::Loader", "resolution": "exact", "line": 7},
        {"caller": "app.py::start", "callee": "lib.py::Loader.load", "resolution": "inferred", "line": 8},
        {"caller": "lib.py::Loader", "callee": "lib.py::Loader.__init__", "resolution": "exact", "line": 1},
    ]
    assert graph["externals"] == [
        {"caller": "app.py", "name": "os.getcwd"},
        {"caller": "app.py", "name": "print"},
        {"caller": "lib.py::Loader.load", "name": "len"},
    ]


DOT = """\
digraph calls {
  rankdir=LR;
  "app.py::start" [label="app.start"];
  "lib.py::Loader.load" [label="lib.Loader.load"];
  "app.py::start" -> "lib.py::Loader.load" [style=dashed];
}
"""


@pytest.mark.parametrize("name", ["load", "lib.Loader.load", "lib.py::Loader.load"])
def test_graph_around_a_symbol(app: Project, run: Run, name: str) -> None:
    assert run("graph", "--symbol", name, "--output-format", "dot") == (0, DOT, "")
    graph = run("graph", "--symbol", name).json
    assert [symbol["id"] for symbol in graph["symbols"]] == ["app.py::start", "lib.py::Loader.load"]
    assert graph["calls"] == [
        {"caller": "app.py::start", "callee": "lib.py::Loader.load", "resolution": "inferred", "line": 8}
    ]
    assert graph["externals"] == [{"caller": "lib.py::Loader.load", "name": "len"}]


def test_graph_as_dot(app: Project, run: Run) -> None:
    lines = run("graph", "--output-format", "dot").out.splitlines()
    assert (lines[0], lines[-1], len(lines)) == ("digraph calls {", "}", 13)
    assert '  "app.py" -> "app.py::start";' in lines


def test_names_in_dot_are_quoted(project: Project, run: Run) -> None:
    project.write({'a"b\\c\nd.py': "print(1)\n"})
    assert '  "a\\"b\\\\c\\nd.py" [label=' in run("graph", "--output-format", "dot").out


def test_graph_of_a_symbol_that_is_not_there(app: Project, run: Run) -> None:
    assert run("graph", "--symbol", "nope") == (
        2,
        "",
        "error: there is no symbol 'nope' (an id, a qualified name or a bare name)\n",
    )


# ------------------------------------------------------------------------------------------------------------ explain


def test_explain_a_rule(app: Project, run: Run) -> None:
    app.write({"semfora.toml": "[rules.complexity]\nmax-cognitive = 7\n[severity]\ncomplexity = 'error'\n"})
    outcome = run("explain", "complexity")
    assert (outcome.code, outcome.err) == (0, "")
    lines = outcome.out.splitlines()
    assert lines[0] == "complexity (complexity, error, on; from builtin (semfora-hooks 0.1.0))"
    assert "Options, in [tool.semfora.rules.complexity]:" in lines
    assert "  max-cognitive = 7 (default 15)" in lines
    assert "  include-tests = false" in lines
    assert "To silence one finding:  # semfora: ignore[complexity] -- why" in lines
    assert max(map(len, lines)) <= 120


def test_explain_a_rule_that_is_off(app: Project, run: Run) -> None:
    app.write({"semfora.toml": 'ignore = ["naming"]\n'})
    assert run("explain", "naming").out.startswith("naming (naming, info, off; from builtin (semfora-hooks 0.1.0))\n")


def test_explain_a_rule_of_the_repository(app: Project, run: Run) -> None:
    rule = """\
        name: no-start
        group: ours
        description: Nobody starts here.
        match: {name: start}
        severity: info
        examples:
          - {language: python, fires: "def start(): return 1\\n"}
        """
    app.write({".semfora/rules/ours.yaml": rule})
    outcome = run("explain", "no-start")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.splitlines()[0].endswith("info, on; from declarative (semfora-hooks 0.1.0))")
    assert "Nobody starts here." in outcome.out


def test_explain_a_finding(project: Project, run: Run) -> None:
    project.write({"app.py": "def _f():\n    return 1\n"})
    (found,) = run("suggest", "--output-format", "json").json["recommendations"]
    outcome = run("explain", found["fingerprint"])
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.startswith(
        "app.py:1:1: warning dead-code (confidence 0.95)\n"
        "  function `_f` is never used\n"
        "  Nothing calls, imports or names it, and its name is private.\n"
        "    - 0 mentions of `_f` outside its definition\n"
        "    - its name is private\n"
        "  fix: Delete it (2 lines), or name what calls it in `entry-points`.\n"
        "\n"
        "dead-code (dead_code, warning, on; from builtin (semfora-hooks 0.1.0))\n"
    )


def test_explain_a_finding_that_is_suppressed(project: Project, run: Run) -> None:
    project.write({"app.py": "def _f():  # semfora: ignore[dead-code] -- on purpose\n    return 1\n"})
    (found,) = run("suggest", "--output-format", "json").json["recommendations"]
    out = run("explain", found["fingerprint"]).out
    assert out.startswith("app.py:1:1: warning dead-code (confidence 0.95)\n")
    assert "\nIt does not count: app.py:1 (comment): on purpose\n" in out


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("dead-cod", "there is no rule 'dead-cod' (did you mean 'dead-code'?)"),
        ("zzz", "there is no rule 'zzz' (semfora-hooks rules list shows the names)"),
        ("0" * 20, f"there is no finding {'0' * 20} in the work tree (it may be fixed, or of another revision)"),
    ],
)
def test_explain_what_is_not_there(app: Project, run: Run, name: str, text: str) -> None:
    assert run("explain", name) == (2, "", f"error: {text}\n")


# -------------------------------------------------------------------------------------------------------------- rules


def test_rules_list(app: Project, run: Run) -> None:
    app.write({"semfora.toml": 'ignore = ["naming"]\nseverity = {complexity = "error"}\n'})
    outcome = run("rules", "list")
    assert (outcome.code, outcome.err) == (0, "")
    assert [line.split()[:4] for line in outcome.out.splitlines()] == [
        ["combine-functions", "on", "warning", "builtin"],
        ["complexity", "on", "error", "builtin"],
        ["dead-code", "on", "warning", "builtin"],
        ["module-organization", "on", "warning", "builtin"],
        ["naming", "off", "info", "builtin"],
        ["type-narrowing", "on", "info", "builtin"],
        ["unused-suppression", "on", "warning", "builtin"],
    ]


def test_rules_list_as_json(app: Project, run: Run) -> None:
    rule = "name: ours\ndescription: |\n  Nobody starts\n  here.\nmatch: {name: start}\ncondition: {min_loc: 1}\n"
    app.write({".semfora/rules/ours.yaml": rule})
    outcome = run("rules", "list", "--output-format", "json")
    assert outcome.code == 0
    rows = {row["id"]: row for row in outcome.json}
    (mine,) = (row for name, row in rows.items() if name.endswith("ours"))
    assert (mine["provider"], mine["distribution"], mine["version"]) == ("declarative", "semfora-hooks", "0.1.0")
    assert mine["origin"].startswith(".semfora/rules/ours.yaml")
    assert mine["description"] == "Nobody starts here."
    assert list(rows["dead-code"]) == [
        "id",
        "group",
        "category",
        "severity",
        "enabled",
        "provider",
        "distribution",
        "version",
        "origin",
        "description",
    ]


def test_rules_list_names_what_cannot_be_loaded(app: Project, run: Run) -> None:
    app.write({".semfora/rules/bad.yaml": "name: [\n"})
    outcome = run("rules", "list")
    assert outcome.code == 2
    assert outcome.err.startswith("error: .semfora/rules/bad.yaml:")
    assert len(outcome.out.splitlines()) == 7


@pytest.mark.parametrize("provider", ["declarative", "semfora-hooks:declarative"])
def test_shipped_providers_can_be_switched_off(app: Project, run: Run, provider: str) -> None:
    app.write({".semfora/rules/bad.yaml": "name: [\n"})
    outcome = run("rules", "list", "--disable-provider", provider)
    assert (outcome.code, outcome.err, len(outcome.out.splitlines())) == (0, "", 7)


def test_disabling_an_unknown_provider(app: Project, run: Run) -> None:
    outcome = run("rules", "list", "--disable-provider", "builtn")
    assert outcome.code == 2
    assert outcome.err == (
        "error: cannot disable the provider 'builtn': there is none of that name (did you mean 'builtin'?)\n"
    )


# ------------------------------------------------------------------------------------------------------ schema, help


@pytest.mark.parametrize("name", ["context", "recommendation", "report", "rule"])
def test_schema(app: Project, run: Run, name: str) -> None:
    outcome = run("schema", name)
    assert (outcome.code, outcome.err) == (0, "")
    jsonschema.Draft202012Validator.check_schema(outcome.json)


def test_an_unknown_schema(app: Project, run: Run) -> None:
    outcome = run("schema", "reprot")
    assert (outcome.code, outcome.out) == (2, "")
    names = sorted(
        path.name.removesuffix(".v1.json")
        for path in (Path(__file__).parents[2] / "docs" / "schemas").glob("*.v1.json")
    )
    assert {"context", "recommendation", "report", "rule"} < set(names)
    assert f"'reprot' is not one of {', '.join(map(repr, names))}" in outcome.err


def test_version(app: Project, run: Run) -> None:
    assert run("--version") == (0, "semfora-hooks 0.1.0\n", "")


def test_help_lists_every_command_as_it_describes_itself(app: Project, run: Run) -> None:
    outcome = run("--help")
    assert outcome.code == 0
    lines = outcome.out.partition("Commands:\n")[2].splitlines()
    described = {line.split()[0]: line.split(maxsplit=1)[1] for line in lines}
    assert list(described)[:6] == ["suggest", "explain", "context", "graph", "rules", "plugin"]
    for name, text in described.items():
        own = run(name, "--help")
        assert own.code == 0
        assert text.rstrip(".").split(",")[0] in " ".join(own.out.split())
    assert run("-h").out == outcome.out
