"""Built-in, YAML and WASM rules side by side through the command line: one report, one order, one gate."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import forked
import pytest
import wasmtime

FINDING = (
    '[{"title": "a guest was here", "severity": "error", "confidence": 0.8, '
    '"symbols": [{"id": "app.py::handle_orders"}], "suggestion": "say hello"}]'
)

GUEST = """
(module
  (memory (export "memory") 2)
  (global (export "semfora_abi_v1") i32 (i32.const 1))
  (data (i32.const 0) "%s")
  (func (export "semfora_alloc") (param i32) (result i32) (i32.const 65536))
  (func (export "evaluate") (param i32 i32) (result i64) (i64.const %d)))
"""

ENDLESS = """
(module
  (memory (export "memory") 2)
  (global (export "semfora_abi_v1") i32 (i32.const 1))
  (func (export "semfora_alloc") (param i32) (result i32) (i32.const 65536))
  (func (export "evaluate") (param i32 i32) (result i64) (loop (br 0)) (i64.const 0)))
"""

GREEDY = """
(module
  (memory (export "memory") 2)
  (global (export "semfora_abi_v1") i32 (i32.const 1))
  (func (export "semfora_alloc") (param i32) (result i32) (i32.const 65536))
  (func (export "evaluate") (param i32 i32) (result i64)
    (loop (br_if 0 (i32.ne (memory.grow (i32.const 64)) (i32.const -1))))
    unreachable))
"""

RULE = """
name: handlers-catch
match: {kind: function, name_pattern: "handle_*"}
condition: {missing_control_flow: [try]}
severity: error
suggestion: "Catch in {symbol}"
"""


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    root = tmp_path / "repo"
    (root / ".semfora" / "rules").mkdir(parents=True)
    (root / ".semfora" / "plugins").mkdir()
    (root / ".semfora" / "rules" / "handlers.yaml").write_text(RULE)
    (root / "app.py").write_text(
        "def handle_orders(orders):\n    return list(orders)\n\n\ndef _forgotten():\n    return 1\n\n\n"
        "print(handle_orders([]))\n"
    )
    return root


def add(repo: Path, name: str, wat: str) -> None:
    (repo / ".semfora" / "plugins" / f"{name}.wasm").write_bytes(wasmtime.wat2wasm(wat))


def guest() -> str:
    escaped = FINDING.replace("\\", "\\\\").replace('"', '\\"')
    return GUEST % (escaped, len(FINDING))


def suggest(repo: Path, *options: str) -> tuple[int, dict[str, Any], str]:
    done = forked.run(["suggest", "--output-format", "json", *options], repo)
    return done.returncode, json.loads(done.stdout), done.stderr.decode()


def test_findings_of_all_three_stand_in_one_sorted_list(repo: Path) -> None:
    add(repo, "greeter", guest())
    (repo / ".semfora" / "plugins" / "manifest.yaml").write_text(
        "schema: 1\nplugins:\n  - {name: greeter, group: manners, description: Greets., file: greeter.wasm}\n"
    )
    code, report, _ = suggest(repo)
    assert code == 1
    assert report["errors"] == []
    assert [(item["rule_id"], item["severity"], item["symbols"][0]["id"]) for item in report["recommendations"]] == [
        ("handlers-catch", "error", "app.py::handle_orders"),
        ("manners/greeter", "error", "app.py::handle_orders"),
        ("dead-code", "warning", "app.py::_forgotten"),
    ]
    greeting = report["recommendations"][1]
    assert greeting["title"] == "a guest was here"
    assert greeting["category"] == "custom:manners"
    assert greeting["symbols"][0]["start_line"] == 1
    assert len(greeting["fingerprint"]) == 20

    code, report, _ = suggest(repo, "--ignore", "manners,handlers-catch", "--fail-on", "error")
    assert code == 0
    assert [item["rule_id"] for item in report["recommendations"]] == ["dead-code"]


def test_a_plugin_that_never_ends_is_stopped_and_hides_nothing(repo: Path) -> None:
    add(repo, "endless", ENDLESS)
    add(repo, "greeter", guest())
    (repo / ".semfora" / "plugins" / "manifest.yaml").write_text(
        "schema: 1\nplugins:\n"
        "  - {name: endless, group: wasm, description: Loops., file: endless.wasm, limits: {timeout: 0.5s}}\n"
        "  - {name: greeter, group: wasm, description: Greets., file: greeter.wasm}\n"
    )
    code, report, errors = suggest(repo)
    assert code == 2
    assert [entry["kind"] for entry in report["errors"]] == ["timeout"]
    assert "endless" in report["errors"][0]["message"]
    assert report["errors"][0]["distribution"] == "semfora-hooks"
    assert {item["rule_id"] for item in report["recommendations"]} == {"handlers-catch", "wasm/greeter", "dead-code"}
    assert "Traceback" not in errors
    assert "0.5 s" in report["errors"][0]["message"]


def test_a_plugin_that_takes_all_memory_is_stopped_and_hides_nothing(repo: Path) -> None:
    add(repo, "greedy", GREEDY)
    code, report, _ = suggest(repo)
    assert code == 2
    assert [entry["kind"] for entry in report["errors"]] == ["memory"]
    assert "256 MiB" in report["errors"][0]["message"]
    assert {item["rule_id"] for item in report["recommendations"]} == {"handlers-catch", "dead-code"}


def test_without_the_extra_one_line_says_what_to_install(repo: Path, tmp_path: Path) -> None:
    """The import system is told that there is no wasmtime, as on a machine that has none."""
    add(repo, "greeter", guest())
    hide = "import sys; sys.modules['wasmtime'] = None; from semfora_hooks.cli import main; main()"
    command = [sys.executable, "-c", hide, "suggest", "--output-format", "concise"]
    result = subprocess.run(command, cwd=repo, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 2
    lines = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1
    assert "greeter" in lines[0]
    assert "pip install 'semfora-hooks[wasm]'" in lines[0]
    assert "app.py:1:1: error handlers-catch" in result.stdout

    (repo / "semfora.toml").write_text("[plugins.wasm]\nenabled = false\n")
    result = subprocess.run(command, cwd=repo, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 1  # the YAML rule's finding alone
    assert "error: " not in result.stderr
