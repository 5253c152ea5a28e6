"""`plugin run`: one plugin on this repository or on a document."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import wat

from semfora_hooks.providers.wasm import host

from .conftest import Outcome, Project

Run = Callable[..., Outcome]
PLUGINS = ".semfora/plugins"
GREET: dict[str, Any] = {"title": "It greets", "symbols": [{"id": "app.py::greet"}]}
MANIFEST = """\
plugins:
  - {name: guard, group: g, description: d, severity: error, needs: [symbols], config: {layers: [a, b]}}
"""


@pytest.fixture
def app(project: Project) -> Project:
    files = {"app.py": "def greet():\n    return 1\n\n\nprint(greet())\n", f"{PLUGINS}/manifest.yaml": MANIFEST}
    project.write({**files, "seen.context.json": json.dumps(wat.context(["a::f"]))})
    add(project, wat.plugin([GREET]))
    return project


def add(project: Project, code: bytes) -> Path:
    path = project.path / PLUGINS / "guard.wasm"
    path.write_bytes(code)
    return path


def test_it_prints_what_a_run_would_take_in(app: Project, run: Run) -> None:
    outcome = run("plugin", "run", "guard")
    assert (outcome.code, outcome.err) == (0, "")
    (found,) = outcome.json
    assert found["rule_id"] == "g/guard"
    assert (found["title"], found["severity"], found["group"]) == ("It greets", "error", "g")
    assert found["symbols"][0] | {"file": "app.py", "start_line": 1, "name": "greet"} == found["symbols"][0]
    reported = run("suggest", "--output-format", "json", "--rule", "g/guard", "--exit-zero").json["recommendations"]
    assert [item["fingerprint"] for item in reported] == [found["fingerprint"]]


def test_the_context_is_the_repositorys_with_the_manifests_needs_and_configuration(app: Project, run: Run) -> None:
    shown = run("plugin", "run", "guard", "--show-context")
    assert shown.code == 0
    context = shown.json
    assert context["config"] == {"layers": ["a", "b"]}
    assert "greet" in [symbol["name"] for symbol in context["symbols"]]
    assert context["calls"] == []  # not among its needs
    printed = run("context", "--projection", "symbols").json
    assert context == printed | {"config": {"layers": ["a", "b"]}}


def test_what_show_context_prints_can_be_given_back(app: Project, run: Run) -> None:
    text = run("plugin", "run", "guard", "--show-context").out
    app.write({"mine.context.json": text})
    assert run("plugin", "run", "guard", "mine.context.json").json == run("plugin", "run", "guard").json


def test_a_document_goes_to_the_plugin_as_it_is(app: Project, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    add(app, wat.echo())
    text = json.dumps(wat.context((), config={"x": 1}))
    app.write({"mine.json": text})
    seen = text.replace('"', " ")
    outcome = run("plugin", "run", "guard", "mine.json")
    assert [item["title"] for item in outcome.json] == [" ".join(seen.split())]
    stream = io.TextIOWrapper(io.BytesIO(text.encode()))
    monkeypatch.setattr("sys.stdin", stream)
    assert run("plugin", "run", "guard", "-").json == outcome.json


def test_a_file_elsewhere(app: Project, run: Run) -> None:
    (app.path / "rule.wasm").write_bytes(wat.plugin([{"title": "x", "symbols": [{"id": "a::f"}]}]))
    (found,) = run("plugin", "run", "rule.wasm", "seen.context.json").json
    assert (found["rule_id"], found["severity"]) == ("wasm/rule", "warning")


def test_what_it_prints_goes_to_standard_error(app: Project, run: Run) -> None:
    add(app, wat.plugin([], log="one\n\x1b[2Jtwo\n"))
    outcome = run("plugin", "run", "guard", "seen.context.json")
    assert (outcome.code, outcome.json, outcome.err) == (0, [], "one\ntwo\n")


def test_it_runs_each_time(app: Project, run: Run) -> None:
    """A kept result would not say what the plugin prints now, nor prove anything."""
    add(app, wat.plugin([], log="here\n"))
    suggested = run("suggest", "--rule", "g/guard", "--exit-zero")
    assert suggested.code == 0
    for _ in range(2):
        assert run("plugin", "run", "guard").err == "here\n"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (wat.plugin([], log="last words\n", before=wat.TRAP), "unreachable"),
        (wat.text_plugin("x"), "is not JSON"),
        (wat.text_plugin('{"error": "no layers"}'), "it reports an error: no layers"),
        (b"x", "not a WASM module"),
    ],
)
def test_a_plugin_that_fails(app: Project, run: Run, code: bytes, words: str) -> None:
    add(app, code)
    outcome = run("plugin", "run", "guard", "seen.context.json")
    assert (outcome.code, outcome.out) == (2, "")
    assert "plugin 'g/guard' (.semfora/plugins/guard.wasm): " in outcome.err
    assert words in outcome.err
    assert ("last words\n" in outcome.err) is (b"last words" in code)


def test_what_is_well_formed_is_printed_beside_an_error(app: Project, run: Run) -> None:
    add(app, wat.plugin([{"title": "good"}, {"title": ""}]))
    outcome = run("plugin", "run", "guard", "seen.context.json")
    assert outcome.code == 2
    assert [item["title"] for item in outcome.json] == ["good"]
    assert "recommendation 1 of its result: field 'title': it is empty" in outcome.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("gard",), "did you mean 'guard'?"),
        (("guard", "nowhere.json"), "nowhere.json: the file cannot be read"),
        (("guard", "app.py"), "app.py: it is no SuggestContext"),
        ((".",), "there are no plugins in '.'"),
        (("app.py", "seen.context.json"), "not a WASM module"),
    ],
)
def test_what_there_is_not(app: Project, run: Run, arguments: tuple[str, ...], words: str) -> None:
    outcome = run("plugin", "run", *arguments)
    assert (outcome.code, outcome.out) == (2, "")
    assert words in outcome.err


def test_several_plugins_are_not_one(app: Project, run: Run) -> None:
    (app.path / PLUGINS / "manifest.yaml").unlink()
    (app.path / PLUGINS / "other.wasm").write_bytes(wat.plugin([]))
    outcome = run("plugin", "run", PLUGINS)
    assert outcome.code == 2
    assert "has several plugins: guard, other (name one plugin, or its file)" in outcome.err


@pytest.mark.parametrize("target", ["guard", f"{PLUGINS}/guard.wasm", PLUGINS])
def test_the_lock_counts(app: Project, run: Run, monkeypatch: pytest.MonkeyPatch, target: str) -> None:
    assert run("plugin", "lock").code == 0
    assert run("plugin", "run", target).code == 0
    copy = app.path / "copy.wasm"
    copy.write_bytes(add(app, wat.plugin([], log="changed")).read_bytes())
    assert run("plugin", "run", "copy.wasm", "seen.context.json").code == 0

    def refuse(*_: object) -> None:
        raise AssertionError("a worker was started")

    monkeypatch.setattr(host.Worker, "__init__", refuse)
    outcome = run("plugin", "run", target)
    assert (outcome.code, outcome.out) == (2, "")
    assert "its content changed since it was locked" in outcome.err
