"""`plugin bench`: what a plugin costs. No test looks at how long something took, only at what is counted where."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
import wat

from semfora_hooks.providers.wasm import host

from .conftest import Outcome, Project

Run = Callable[..., Outcome]
CONTEXT = json.dumps(wat.context())
OUTPUT = json.dumps([{"title": "x", "symbols": [{"id": "a::f"}]}])


@pytest.fixture
def app(project: Project) -> Project:
    project.write({"app.py": "print(1)\n", "c.json": CONTEXT})
    (project.path / "rule.wasm").write_bytes(wat.text_plugin(OUTPUT))
    return project


def test_what_is_measured(app: Project, run: Run) -> None:
    outcome = run("plugin", "bench", "rule.wasm", "c.json", "--runs", "3", "--output-format", "json")
    assert (outcome.code, outcome.err) == (0, "")
    found = outcome.json
    assert found["plugin"] == "wasm/rule"
    assert found["size"] == (app.path / "rule.wasm").stat().st_size
    assert found["context_bytes"] == len(CONTEXT)
    assert found["output_bytes"] == len(OUTPUT)
    assert (found["runs"], found["recommendations"]) == (3, 1)
    assert found["compile"] > 0
    for name in ("instantiate", "guest", "evaluate"):
        assert 0 < found[name]["min"] <= found[name]["median"] <= found[name]["max"], name
    assert found["evaluate"]["min"] >= found["instantiate"]["min"]
    assert found["peak_memory"] == 4 * 65536
    assert (found["budget"], found["within_budget"]) == (None, None)


def test_each_run_evaluates_and_one_compiles(app: Project, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cache of compiled code and of results, which `suggest` fills, is not asked."""
    asked: list[str] = []
    request = host.Worker.request

    def counted(self: host.Worker, header: dict[str, object], *rest: object, **more: object) -> object:
        asked.append(str(header["op"]))
        return request(self, header, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(host.Worker, "request", counted)
    for _ in range(2):
        asked.clear()
        assert run("plugin", "bench", "rule.wasm", "c.json", "--runs", "4").code == 0
        assert asked == ["compile", *["evaluate"] * 5]


def test_text(app: Project, run: Run) -> None:
    lines = run("plugin", "bench", "rule.wasm", "c.json", "--runs", "2").out.splitlines()
    assert lines[0] == f"wasm/rule (rule.wasm, {(app.path / 'rule.wasm').stat().st_size:,} bytes)"
    assert lines[1] == f"  context      {len(CONTEXT):,} bytes; 1 finding in {len(OUTPUT):,} bytes"
    assert lines[2].startswith("  compile      ")
    assert lines[3] == "  memory       0.2 MiB at most"
    assert lines[4] == "  median of 2 evaluations (fastest, slowest), ms"
    assert [line.split()[0] for line in lines[5:]] == ["instantiate", "own", "in"]


@pytest.mark.parametrize(("budget", "code", "verdict"), [("1m", 0, "within"), ("0.0001ms", 1, "over")])
def test_the_budget(app: Project, run: Run, budget: str, code: int, verdict: str) -> None:
    arguments = ("plugin", "bench", "rule.wasm", "c.json", "--runs", "1", "--budget", budget)
    outcome = run(*arguments)
    assert outcome.code == code
    assert outcome.out.splitlines()[-1].startswith(f"  {verdict} the budget of ")
    found = run(*arguments, "--output-format", "json")
    assert (found.code, found.json["within_budget"]) == (code, code == 0)


@pytest.mark.parametrize("budget", ["soon", "0s", "-1s", ""])
def test_a_budget_that_is_none(app: Project, run: Run, budget: str) -> None:
    outcome = run("plugin", "bench", "rule.wasm", "c.json", f"--budget={budget}")
    assert (outcome.code, outcome.out) == (2, "")
    assert "--budget: " in outcome.err


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (wat.plugin([], before=wat.TRAP), "unreachable"),
        (wat.text_plugin('{"error": "no"}'), "it reports an error: no"),
        (wat.text_plugin("[{}]"), "recommendation 0 of its result"),
        (b"x", "not a WASM module"),
    ],
)
def test_a_plugin_that_fails_has_no_numbers(app: Project, run: Run, code: bytes, words: str) -> None:
    (app.path / "rule.wasm").write_bytes(code)
    outcome = run("plugin", "bench", "rule.wasm", "c.json", "--budget", "1m")
    assert (outcome.code, outcome.out) == (2, "")
    assert words in outcome.err


def test_a_plugin_of_the_repository_gets_the_repository(app: Project, run: Run) -> None:
    (app.path / ".semfora/plugins").mkdir(parents=True)
    (app.path / "rule.wasm").rename(app.path / ".semfora/plugins/guard.wasm")
    (app.path / ".semfora/plugins/guard.wasm").write_bytes(wat.plugin([]))
    found = run("plugin", "bench", "guard", "--runs", "1", "--output-format", "json").json
    context = json.loads(run("plugin", "run", "guard", "--show-context").out)
    assert found["context_bytes"] == len(json.dumps(context, separators=(",", ":"), ensure_ascii=False).encode())


def test_a_component(app: Project, run: Run) -> None:
    """The worker counts making its instance as its own time too; here the two are told apart."""
    (app.path / "part.wasm").write_bytes(wat.component())
    found = run("plugin", "bench", "part.wasm", "c.json", "--runs", "3", "--output-format", "json").json
    assert (found["recommendations"], found["output_bytes"]) == (0, 2)
    assert found["instantiate"]["min"] > 0
    assert found["guest"]["min"] > 0
    assert found["instantiate"]["min"] + found["guest"]["min"] <= found["evaluate"]["max"]
