"""Hostile plugins beside a good one, through the command line: exit code 2, the good one's finding, a helpful error."""

from __future__ import annotations

import json
import os
import time
from typing import Any

import forked
import pytest

from ..builders import PluginRepository, component, constant, core, wasm
from . import sources

pytestmark = pytest.mark.e2e

SYMBOL = "app.py::greet"
GOOD = constant(json.dumps([{"title": "the good one speaks", "severity": "warning", "symbols": [{"id": SYMBOL}]}]))
MANIFEST = """\
defaults: {{limits: {{memory: 16MiB, timeout: 0.5s}}}}
plugins:
  - {{name: evil, group: checks, description: Does harm., version: 6.6.6{more}}}
  - {{name: good, group: checks, description: Does good., limits: {{timeout: 10s}}}}
"""
EVIL = {
    "timeout": (core(sources.LOOP), "stopped at its time limit of 0.5 s", "limits.timeout of 'evil'"),
    "memory": (core(f"{sources.GROW_AND_TOUCH} (unreachable)"), "its limit is 16 MiB", "limits.memory of 'evil'"),
    "trap": (
        sources.named("\x1b[31mpanic_here"),
        "unreachable` instruction executed in panic_here",
        "'enabled: false'",
    ),
    "bad_output": (constant('[{"title":"t","symbols":[{"id":"else.py::where"}]}]'), "'else.py::where'", "bug"),
    "plugin": (constant('{"error":"no \\u001b[2Jlayers"}'), "it reports an error: no layers", "documentation"),
    "too_large": (core(extra="(table 200000 funcref)"), "200000 elements", "the same for every plugin"),
    "compile": (b"\0asm\x01\0\0\0\xff", "it does not compile", "build the plugin again"),
    "incompatible": (core(marker=""), "it is not a semfora plugin", "ABI 1"),
    "refused_import": (core(imports='(import "env" "system" (func))'), "'env.system'", "without access to files"),
}


@pytest.fixture
def project(repository: PluginRepository) -> PluginRepository:
    (repository.root / "app.py").write_text("def greet():\n    return 1\n\n\nprint(greet())\n")
    repository.add("good.wasm", GOOD)
    return repository


def suggest(repository: PluginRepository, *arguments: str, **environment: str) -> tuple[int, str, str]:
    done = forked.run(["suggest", *arguments], repository.root, {**os.environ, **environment}, timeout=60)
    out, err = done.stdout.decode(), done.stderr.decode()
    assert "Traceback" not in err
    assert "\x1b" not in out + err
    return done.returncode, out, err


def report(repository: PluginRepository, *arguments: str, **environment: str) -> tuple[int, Any]:
    code, out, _ = suggest(repository, "--output-format", "json", *arguments, **environment)
    return code, json.loads(out)


@pytest.mark.parametrize("kind", EVIL)
def test_one_that_fails_beside_one_that_does_not(project, kind):
    plugin, said, advice = EVIL[kind]
    project.add("evil.wasm", plugin)
    project.manifest(MANIFEST.format(more=""))
    code, found = report(project)
    assert code == 2
    assert [item["title"] for item in found["recommendations"] if item["group"] == "checks"] == ["the good one speaks"]
    [error] = found["errors"]
    assert error["kind"] == kind
    assert error["message"].startswith("plugin 'checks/evil' 6.6.6 (.semfora/plugins/evil.wasm): ")
    assert said in error["message"]
    assert advice in error["hint"]
    assert error["rule"] == "checks/evil"


def test_all_of_them_at_once_in_text(project):
    """The kinds are no secret of the JSON report, and each plugin gets its line."""
    for kind, (plugin, _, _) in EVIL.items():
        project.add(f"evil-{kind}.wasm", plugin)
    lines = [f"  - {{name: evil-{kind}, group: checks, description: x, limits: {{timeout: 0.5s}}}}" for kind in EVIL]
    project.manifest("\n".join(["plugins:", *lines, "  - {name: good, group: checks, description: Does good.}", ""]))
    code, out, err = suggest(project, "--output-format", "concise")
    assert code == 2
    assert "the good one speaks" in out
    for kind in EVIL:
        assert f"plugin 'checks/evil-{kind}' (.semfora/plugins/evil-{kind}.wasm): " in err


@pytest.mark.parametrize(("on_error", "code", "told"), [("fail", 2, True), ("warn", 0, True), ("skip", 0, False)])
def test_on_error(project, on_error, code, told):
    project.add("evil.wasm", EVIL["trap"][0])
    project.manifest(MANIFEST.format(more=f", on_error: {on_error}"))
    exit_code, found = report(project)
    assert exit_code == code
    assert [item["title"] for item in found["recommendations"] if item["group"] == "checks"] == ["the good one speaks"]
    assert len(found["errors"]) == (on_error == "fail")
    assert any("checks/evil" in notice for notice in found["notices"]) is (on_error == "warn")
    _, out, err = suggest(project)
    assert ("panic_here" in out + err) is told


def test_a_repository_cannot_raise_the_users_ceilings(project, tmp_path):
    """It asks for everything in its own configuration and its manifest, and gets what the user allows."""
    (tmp_path / "user").mkdir(mode=0o700)
    (tmp_path / "user" / "config.toml").write_text(
        '[plugins.wasm]\nmemory-ceiling = "8MiB"\ntimeout-ceiling = "400ms"\n'
    )
    (project.root / "semfora.toml").write_text('[plugins.wasm]\nmemory-ceiling = "3GiB"\ntimeout-ceiling = "10m"\n')
    greedy = "{name: evil, group: checks, description: x, limits: {memory: 3GiB, timeout: 10m}}"
    project.manifest(f"plugins:\n  - {greedy}\n  - {{name: good, group: checks, description: x}}\n")
    for kind, said in (("timeout", "time limit of 0.4 s"), ("memory", "its limit is 8 MiB")):
        project.add("evil.wasm", EVIL[kind][0])
        code, found = report(project, SEMFORA_CONFIG_DIR=str(tmp_path / "user"))
        assert code == 2
        [error] = found["errors"]
        assert error["kind"] == kind, error
        assert said in error["message"]
        assert f"{kind}-ceiling in {tmp_path / 'user' / 'config.toml'}" in error["hint"]


def test_many_slow_plugins_together_have_a_limit_that_a_repository_can_only_lower(project, tmp_path):
    """Twenty endless loops of 5 s each would hold the commit for 50 s on two processors."""
    (tmp_path / "user").mkdir(mode=0o700)
    users = tmp_path / "user" / "config.toml"
    project.add("loop.wasm", core(sources.LOOP))
    names = ["a-good", *(f"loop-{index:02}" for index in range(20))]
    lines = [
        f"  - {{name: {name}, group: checks, description: x, file: {'good' if 'good' in name else 'loop'}.wasm}}\n"
        for name in names
    ]
    project.manifest("plugins:\n" + "".join(lines))
    for user, repository, seconds, source in (("2s", "10m", 2, users), ("10m", "1500ms", 1.5, "semfora.toml")):
        users.write_text(f'[plugins.wasm]\ntotal-timeout = "{user}"\n')
        (project.root / "semfora.toml").write_text(f'[plugins.wasm]\ntotal-timeout = "{repository}"\n')
        started = time.monotonic()
        code, found = report(project, SEMFORA_CONFIG_DIR=str(tmp_path / "user"))
        assert time.monotonic() - started < seconds + 10  # start and end of the program included; 50 s without
        assert code == 2
        assert [item["title"] for item in found["recommendations"] if item["group"] == "checks"] == [
            "the good one speaks"
        ]
        assert [error["kind"] for error in found["errors"]] == ["timeout"] * 20
        for error in found["errors"]:
            assert f"all plugins of a run have {seconds:g} s together" in error["message"]
            assert f"raise plugins.wasm.total-timeout in {source}" in error["hint"]
        assert any("not run: all plugins" in error["message"] for error in found["errors"])
        assert any("stopped: all plugins" in error["message"] for error in found["errors"])


def test_findings_cannot_drive_the_terminal(project):
    evil = "\x1b[2J\x1b]0;owned\x07\x1b[31mred\u202e"
    texts = dict.fromkeys(("title", "description", "suggestion", "discriminator"), evil)
    more = {"severity": "warning", "symbols": [{"id": SYMBOL}], "evidence": [{"kind": evil, "text": evil}]}
    project.add("evil.wasm", constant(json.dumps([texts | more | {"metrics": {evil: 1}}])))
    project.manifest(MANIFEST.format(more=""))
    for form in ("full", "concise", "json"):
        code, out, err = suggest(project, "--output-format", form)
        assert code == 0
        assert "red" in out
        for driving in ("\u202e", "\x07", "\\u001b", "\\u202e", "\\u0007"):
            assert driving not in out + err


def test_a_component_beside_a_core_module(project):
    project.add("evil.wasm", component("(loop (br 0))"))
    project.manifest(MANIFEST.format(more=""))
    code, found = report(project)
    assert code == 2
    assert [error["kind"] for error in found["errors"]] == ["timeout"]
    assert "the good one speaks" in [item["title"] for item in found["recommendations"]]


def test_it_is_the_same_from_the_cache(project):
    """A failure is not kept, a good result is: the second run tells the same."""
    project.add("evil.wasm", wasm(EVIL["trap"][0]))
    project.manifest(MANIFEST.format(more=""))
    first, second = (report(project) for _ in range(2))
    for code, found in (first, second):
        assert code == 2
        found["timings"] = None
    assert first == second
