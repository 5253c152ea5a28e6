"""Lock and trust from the outside: real commits through real hooks, and every command of the two pages about them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import forked
import msgspec
import pytest
import wasmtime
import yaml

from semfora_hooks.providers.wasm.manifest import PluginEntry, parse_manifest
from semfora_hooks.userconfig import load_user_config

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[2]
MANIFEST_PAGE = (ROOT / "docs" / "plugins" / "manifest.md").read_text("utf-8")
SECURITY_PAGE = (ROOT / "docs" / "plugins" / "security.md").read_text("utf-8")
PLUGINS = Path(".semfora", "plugins")


def plugin(title: str) -> bytes:
    """A plugin that reports one finding, about `app.py::greet`."""
    finding = json.dumps([{"title": title, "severity": "error", "symbols": [{"id": "app.py::greet"}]}])
    escaped = finding.replace('"', '\\"')
    return bytes(
        wasmtime.wat2wasm(
            f"""(module (memory (export "memory") 4) (data (i32.const 16) "{escaped}")
            (global (export "semfora_abi_v1") i32 (i32.const 0))
            (func (export "semfora_alloc") (param i32) (result i32) (i32.const 65536))
            (func (export "evaluate") (param i32 i32) (result i64) (i64.const {16 << 32 | len(finding)})))"""
        )
    )


class Repository:
    """A git repository with two plugins."""

    def __init__(self, path: Path) -> None:
        self.path = path
        (path / PLUGINS).mkdir(parents=True)
        (path / "app.py").write_text("def greet():\n    return 1\n\n\nprint(greet())\n")
        self.add("guard", "guard speaks")
        self.add("other", "other speaks")
        self.git("init", "-q", "-b", "main")

    def add(self, name: str, title: str) -> None:
        (self.path / PLUGINS / f"{name}.wasm").write_bytes(plugin(title))

    def git(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["git", *arguments], cwd=self.path, capture_output=True, text=True, check=False)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Our program, with no terminal and nothing to read."""
        done = forked.run(arguments, self.path)
        return subprocess.CompletedProcess(arguments, done.returncode, done.stdout.decode(), done.stderr.decode())

    def report(self, *options: str) -> tuple[int, dict[str, Any]]:
        done = self.run("suggest", "--output-format", "json", *options)
        return done.returncode, json.loads(done.stdout)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    (tmp_path / "repository").mkdir()
    return Repository(tmp_path / "repository")


def titles(report: dict[str, Any]) -> list[str]:
    return sorted(item["title"] for item in report["recommendations"])


def test_a_changed_binary_is_refused_until_it_is_locked_again(repository: Repository) -> None:
    code, report = repository.report()
    assert (code, titles(report)) == (1, ["guard speaks", "other speaks"])
    assert [notice for notice in report["notices"] if "semfora-hooks plugin lock" in notice]
    code, report = repository.report("--locked")
    assert (code, titles(report)) == (2, [])
    assert [error["kind"] for error in report["errors"]] == ["untrusted"]

    assert repository.run("plugin", "lock").returncode == 0
    code, report = repository.report("--locked")
    assert (code, titles(report), report["errors"], report["notices"]) == (1, ["guard speaks", "other speaks"], [], [])

    repository.add("guard", "guard was replaced")
    code, report = repository.report("--exit-zero")
    assert (code, titles(report)) == (2, ["other speaks"])
    [error] = report["errors"]
    assert error["kind"] == "untrusted"
    assert error["hint"].endswith("run: semfora-hooks plugin lock guard")
    command = error["hint"].partition("run: semfora-hooks ")[2]
    assert repository.run(*command.split()).returncode == 0
    code, report = repository.report("--locked")
    assert (code, titles(report), report["errors"]) == (1, ["guard was replaced", "other speaks"], [])


def test_explicit_trust_without_a_terminal(repository: Repository) -> None:
    folder = Path(os.environ["SEMFORA_CONFIG_DIR"])
    (folder / "config.toml").write_text('[plugins.wasm]\ntrust = "explicit"\n')
    code, report = repository.report()
    assert (code, titles(report)) == (2, [])
    assert [error["kind"] for error in report["errors"]] == ["untrusted", "untrusted"]
    for error in report["errors"]:
        command = error["hint"].partition("run: semfora-hooks ")[2]
        assert repository.run(*command.split()).returncode == 0
    code, report = repository.report()
    assert (code, titles(report), report["errors"]) == (1, ["guard speaks", "other speaks"], [])
    repository.add("other", "other was replaced")
    code, report = repository.report()
    assert (code, titles(report)) == (2, ["guard speaks"])
    assert not list(repository.path.rglob("trusted-plugins"))


def test_the_repository_cannot_switch_trust_off(repository: Repository) -> None:
    folder = Path(os.environ["SEMFORA_CONFIG_DIR"])
    (folder / "config.toml").write_text('[plugins.wasm]\ntrust = "explicit"\n')
    (repository.path / "semfora.toml").write_text('[plugins.wasm]\ntrust = "sandbox"\n')
    done = repository.run("suggest")
    assert done.returncode == 2
    assert "semfora.toml: unknown key 'plugins.wasm.trust'" in done.stderr
    for inside in ("config.toml", ".config/semfora-hooks/config.toml", ".semfora/config.toml"):
        path = repository.path / inside
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('[plugins.wasm]\ntrust = "sandbox"\n')
    (repository.path / "semfora.toml").unlink()
    code, report = repository.report()
    assert (code, titles(report)) == (2, [])


def hook(repository: Repository, *arguments: str) -> None:
    """Install our hook `semfora`, as our manifest defines it, with arguments a user adds."""
    definitions = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
    [definition] = [item for item in definitions if item["id"] == "semfora"]
    entry = definition["entry"].replace("semfora-hooks", f"{sys.executable} -m semfora_hooks", 1)
    local = {key: definition[key] for key in ("id", "name", "pass_filenames", "always_run", "require_serial", "stages")}
    local |= {"entry": entry, "language": "system", "args": list(arguments)}
    configuration = {"repos": [{"repo": "local", "hooks": [local]}]}
    (repository.path / ".pre-commit-config.yaml").write_text(yaml.safe_dump(configuration))
    installed = subprocess.run(
        [sys.executable, "-m", "pre_commit", "install"], cwd=repository.path, capture_output=True, check=False
    )
    assert installed.returncode == 0, installed.stdout


def test_the_pre_commit_hook_with_locked(repository: Repository, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("PRE_COMMIT_HOME", str(tmp_path / "pre-commit"))
    repository.git("add", "-A")
    repository.git("commit", "-q", "-m", "first")
    documented = re.search(r"```yaml\n(repos:.+?)```", SECURITY_PAGE, re.DOTALL)
    assert documented is not None
    [user] = yaml.safe_load(documented[1])["repos"][0]["hooks"]
    assert user == {"id": "semfora", "args": ["--locked"]}
    hook(repository, *user["args"])
    with (repository.path / "app.py").open("a") as source:
        source.write("print(2)\n")

    repository.git("add", "-A")
    refused = repository.git("commit", "-m", "no lock")
    assert refused.returncode == 1
    assert "semfora-hooks plugin lock" in refused.stdout + refused.stderr

    assert repository.run("plugin", "lock").returncode == 0
    repository.git("add", "-A")
    accepted = repository.git("commit", "-m", "locked")
    assert accepted.returncode == 0, accepted.stdout + accepted.stderr

    repository.add("guard", "guard was replaced")
    repository.git("add", "-A")
    refused = repository.git("commit", "-m", "a changed binary, and not the lock")
    assert refused.returncode == 1
    assert "changed since it was locked" in refused.stdout + refused.stderr


# ------------------------------------------------------------------------------------------------------------- pages


@pytest.fixture
def documented(repository: Repository) -> Callable[[str], list[str]]:
    """Runs the commands of a text, in a repository with the plugin that they name."""
    repository.add("layer-guard", "layer")
    (repository.path / PLUGINS / "manifest.yaml").write_text(
        "plugins:\n  - {name: layer-guard, group: architecture, description: d}\n"
    )
    bin_folder = repository.path.parent / "bin"
    bin_folder.mkdir()
    program = bin_folder / "semfora-hooks"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m semfora_hooks "$@"\n')
    program.chmod(0o755)
    environment = {**os.environ, "PATH": f"{bin_folder}:{os.environ['PATH']}"}

    def run(text: str) -> list[str]:
        commands = [line for block in re.findall(r"```sh\n(.+?)```", text, re.DOTALL) for line in block.splitlines()]
        for command in commands:
            done = subprocess.run(
                ["sh", "-c", command],
                cwd=repository.path,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
            expected = 1 if "suggest" in command else 0  # the plugin reports an error
            assert done.returncode == expected, (command, done.stdout, done.stderr)
        return commands

    return run


def test_the_commands_of_the_page_about_manifests(documented: Callable[[str], list[str]]) -> None:
    assert len(documented(MANIFEST_PAGE)) == 4


def section(*titles: str) -> str:
    parts = re.split(r"^## (.+)\n", SECURITY_PAGE, flags=re.MULTILINE)
    found = dict(zip(parts[1::2], parts[2::2], strict=True))
    return "\n".join(found[title] for title in titles)


def test_the_commands_of_the_page_about_security(documented: Callable[[str], list[str]]) -> None:
    assert len(documented(section("Lock", "Trust"))) == 7


def test_the_manifests_of_the_page_are_right_and_complete() -> None:
    short, whole = re.findall(r"```yaml\n(.+?)```", MANIFEST_PAGE, re.DOTALL)
    assert parse_manifest(short.encode(), "m").errors == []
    manifest = parse_manifest(whole.encode(), "m")
    assert manifest.errors == []
    [entry] = yaml.safe_load(whole)["plugins"]
    assert set(entry) == set(PluginEntry.__struct_fields__)
    for key in (*PluginEntry.__struct_fields__, "schema", "defaults", "plugins"):
        assert f"| `{key}` |" in MANIFEST_PAGE, key


def test_the_error_of_the_page_is_what_is_printed(repository: Repository) -> None:
    shown = re.search(r"```\n(error: .+?)```", MANIFEST_PAGE, re.DOTALL)
    assert shown is not None
    (repository.path / PLUGINS / "manifest.yaml").write_text(
        "plugins:\n  - name: guard\n    group: g\n    description: d\n    serverity: error\n"
    )
    assert shown[1] in repository.run("suggest").stderr


def test_the_users_settings_of_the_page_are_the_defaults() -> None:
    settings = re.findall(r"```toml\n(.+?)```", section("Trust", "Ceilings"), re.DOTALL)[-1]
    path = Path(os.environ["SEMFORA_CONFIG_DIR"]) / "config.toml"
    default = load_user_config()
    path.write_text(settings)
    assert load_user_config() == default
    assert set(re.findall(r"^([a-z-]+) =", settings, re.MULTILINE)) == {
        field.encode_name for field in msgspec.structs.fields(type(default.plugins.wasm))
    }
