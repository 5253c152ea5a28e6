"""Plugin folders: with a manifest, without one, and with traps in them."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from semfora_hooks.config import Config
from semfora_hooks.hookspecs import Loaded
from semfora_hooks.model import Severity
from semfora_hooks.providers import wasm as provider
from semfora_hooks.providers.wasm import folder, loading

from .builders import constant, core, make_context, searching

GOOD = constant('[{"title":"alive"}]')
ENTRY = """
  - name: {name}
    group: architecture
    description: Flags calls that cross layers.
"""
FULL = """\
# .semfora/plugins/manifest.yaml
schema: 1
defaults: {limits: {memory: 64MiB, timeout: 3s}, on_error: skip}
plugins:
  - name: layer-guard
    group: architecture
    description: Flags calls that cross layers.
    file: guards/layer.wasm
    version: 0.3.1
    contract: 1
    enabled: true
    severity: error
    needs: [symbols, calls]
    granularity: symbol
    config: {layers: [api, core, db]}
    limits: {memory: 128MiB}
    on_error: warn
    tests: tests/layer-guard
  - name: plain
    group: dead-code
    description: The defaults.
"""


def only_error(loaded: Loaded):
    [error] = loaded.errors
    return error


def test_the_provider_is_declared_cheaply():
    [declared] = provider.semfora_rule_providers()
    assert (declared.name, declared.load) == ("wasm", provider.load)
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); import semfora_hooks.hookspecs; before = set(sys.modules)\n"
        "import semfora_hooks.providers.wasm as p; from semfora_hooks.config import Config\n"
        "print(p.load(Config(root=sys.argv[2])))\n"
        "print(sorted(set(sys.modules) - before))\n"
        "print([name for name in ('wasmtime', 'yaml', 'subprocess', 'ctypes') if name in sys.modules])"
    )
    root = str(Path(provider.__file__).parents[3])
    done = subprocess.run(
        [sys.executable, "-c", program, root, "/nonexistent"], capture_output=True, text=True, check=True, cwd="/"
    )
    loaded, imported, heavy = done.stdout.splitlines()
    assert loaded == repr(Loaded())
    assert imported == "['semfora_hooks.providers', 'semfora_hooks.providers.wasm']"
    assert heavy == "[]"


def test_nothing_to_load(repository, monkeypatch):
    monkeypatch.setattr(loading, "load_plugins", None)
    assert provider.load(Config(root=str(repository.root / "nowhere"))) == Loaded()
    assert provider.load(repository.config()) == Loaded()
    (repository.folder / "README.md").write_text("no plugins yet")
    assert provider.load(repository.config()) == Loaded()


def test_switched_off(repository, monkeypatch):
    repository.add("good.wasm", GOOD)
    monkeypatch.setattr(loading, "load_plugins", None)
    assert provider.load(repository.config(enabled=False)) == Loaded()
    assert provider.load(repository.config().replace(no_plugins=True)) == Loaded()


def test_a_file_in_the_folders_place(tmp_path):
    (tmp_path / ".semfora").mkdir()
    (tmp_path / ".semfora" / "plugins").write_text("")
    assert provider.load(Config(root=str(tmp_path))) == Loaded()


def test_without_a_manifest_every_file_runs(repository):
    repository.add("second.wasm", GOOD)
    repository.add("first.wasm", searching('"config":{}'))
    loaded = provider.load(repository.config())
    assert loaded.errors == []
    assert loaded.notices == [
        "2 WASM plugins are not locked, so a changed binary would run unnoticed; "
        "'semfora-hooks plugin lock' writes .semfora/plugins/manifest.lock to commit"
    ]
    assert [rule.id for rule in loaded.rules] == ["wasm/first", "wasm/second"]
    assert [[r.title for r in rule.evaluate(make_context())] for rule in loaded.rules] == [["found"], ["alive"]]
    assert {rule.category for rule in loaded.rules} == {"custom:wasm"}
    assert loaded.rules[0].origin == ".semfora/plugins/first.wasm"


def test_without_a_manifest_a_name_must_fit(repository):
    repository.add("my plugin.wasm", GOOD)
    repository.add("good.wasm", GOOD)
    loaded = provider.load(repository.config())
    assert [rule.id for rule in loaded.rules] == ["wasm/good"]
    assert "my plugin.wasm" in only_error(loaded).message
    assert only_error(loaded).kind == "manifest"


def test_a_whole_manifest(repository):
    repository.add("guards/layer.wasm", searching('"config":{"layers":["api","core","db"]}'))
    repository.add("plain.wasm", core("(unreachable)"))
    repository.manifest(FULL)
    repository.lock()
    loaded = provider.load(repository.config())
    assert (loaded.errors, loaded.notices) == ([], [])
    guard, plain = loaded.rules
    assert (guard.id, guard.group, guard.category) == (
        "architecture/layer-guard",
        "architecture",
        "custom:architecture",
    )
    assert (guard.severity, guard.granularity) == (Severity.ERROR, "symbol")
    assert guard.description == "Flags calls that cross layers."
    assert guard.origin == ".semfora/plugins/manifest.yaml"
    assert (guard.spec.needs, guard.spec.on_error, guard.spec.version) == (("symbols", "calls"), "warn", "0.3.1")
    assert (guard.spec.limits.memory, guard.spec.limits.timeout) == (128 << 20, 3.0)
    assert [r.title for r in guard.evaluate(make_context())] == ["found"]
    assert (plain.id, plain.category, plain.severity) == ("dead-code/plain", "dead_code", Severity.WARNING)
    assert (plain.spec.limits.memory, plain.spec.limits.timeout, plain.spec.on_error) == (64 << 20, 3.0, "skip")
    assert list(plain.evaluate(make_context())) == []


def test_ceilings_cap_limits(repository):
    repository.add("guards/layer.wasm", GOOD)
    repository.add("plain.wasm", GOOD)
    repository.manifest(FULL)
    guard, plain = provider.load(repository.config(memory_ceiling="100MiB", timeout_ceiling="1s")).rules
    assert (guard.spec.limits.memory, guard.spec.limits.timeout) == (100 << 20, 1.0)
    assert guard.spec.limits.memory_cap == "memory-ceiling in the repository's configuration"
    assert guard.spec.limits.timeout_cap == "timeout-ceiling in the repository's configuration"
    assert (plain.spec.limits.memory, plain.spec.limits.memory_cap) == (64 << 20, None)


def test_ceilings_cap_the_defaults_too(repository):
    repository.add("good.wasm", GOOD)
    [rule] = provider.load(repository.config(memory_ceiling="1MiB", timeout_ceiling="100ms")).rules
    assert (rule.spec.limits.memory, rule.spec.limits.timeout) == (1 << 20, 0.1)


def test_disabled_plugins_need_no_file(repository):
    repository.manifest(f"plugins:{ENTRY.format(name='idle')}    enabled: false\n")
    loaded = provider.load(repository.config())
    assert (list(loaded.rules), loaded.errors, loaded.notices) == ([], [], [])


def test_unlisted_files_are_reported_and_not_run(repository):
    repository.add("good.wasm", GOOD)
    repository.add("idle.wasm", GOOD)
    repository.add("stray.wasm", GOOD)
    repository.manifest(f"plugins:{ENTRY.format(name='good')}{ENTRY.format(name='idle')}    enabled: false\n")
    loaded = provider.load(repository.config())
    assert [rule.id for rule in loaded.rules] == ["architecture/good"]
    assert loaded.errors == []
    assert loaded.notices[0] == ".semfora/plugins/stray.wasm: not listed in manifest.yaml, so it is not run"
    assert loaded.notices[1].startswith("1 WASM plugin is not locked")


def test_an_empty_manifest_lists_nothing(repository):
    repository.add("stray.wasm", GOOD)
    repository.manifest("")
    loaded = provider.load(repository.config())
    assert (list(loaded.rules), loaded.errors, len(loaded.notices)) == ([], [], 1)


def test_a_missing_file_is_an_error_and_the_others_run(repository):
    repository.add("good.wasm", GOOD)
    repository.manifest(f"plugins:{ENTRY.format(name='gone')}    file: gone/x.wasm{ENTRY.format(name='good')}")
    loaded = provider.load(repository.config())
    assert [rule.id for rule in loaded.rules] == ["architecture/good"]
    error = only_error(loaded)
    assert error.message.startswith(".semfora/plugins/manifest.yaml:5:11: ")
    assert "'gone/x.wasm' does not exist" in error.message
    assert error.fatal


@pytest.mark.parametrize(
    "file", ["../outside.wasm", "{root}/outside.wasm", "sub/../../outside.wasm", "../../.git/config"]
)
def test_files_outside_the_folder(repository, file):
    (repository.root / ".semfora" / "outside.wasm").write_bytes(b"\0asm")
    (repository.root / "outside.wasm").write_bytes(b"\0asm")
    (repository.root / ".git").mkdir()
    (repository.root / ".git" / "config").write_text("")
    (repository.folder / "sub").mkdir()
    name = file.format(root=repository.root)
    repository.add("good.wasm", GOOD)
    repository.manifest(f"plugins:{ENTRY.format(name='out')}    file: {name}{ENTRY.format(name='good')}")
    loaded = provider.load(repository.config())
    assert [rule.id for rule in loaded.rules] == ["architecture/good"]
    assert "outside .semfora/plugins" in only_error(loaded).message


def test_links_that_lead_outside(repository, tmp_path):
    (tmp_path / "evil.wasm").write_bytes(b"\0asm")
    (repository.folder / "link.wasm").symlink_to(tmp_path / "evil.wasm")
    (repository.folder / "loop.wasm").symlink_to("loop.wasm")
    (repository.folder / "folder").symlink_to(tmp_path)
    repository.add("good.wasm", GOOD)
    (repository.folder / "alias.wasm").symlink_to("good.wasm")
    loaded = provider.load(repository.config())
    assert [rule.id for rule in loaded.rules] == ["wasm/alias", "wasm/good"]
    link, loop = loaded.errors
    assert "link.wasm' is outside" in link.message
    assert "loop.wasm" in loop.message
    repository.manifest(f"plugins:{ENTRY.format(name='x')}    file: folder/evil.wasm\n")
    assert "outside" in only_error(provider.load(repository.config())).message


def test_a_plugin_folder_that_is_a_link_out_of_the_repository(repository, tmp_path):
    repository.folder.rmdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "x.wasm").write_bytes(b"\0asm")
    repository.folder.symlink_to(tmp_path / "elsewhere")
    loaded = provider.load(repository.config())
    assert not loaded.rules
    assert "outside the repository" in only_error(loaded).message


def test_a_manifest_that_is_a_link_is_not_read(repository, tmp_path):
    (tmp_path / "secret").write_text("password: hunter2")
    (repository.folder / "manifest.yaml").symlink_to(tmp_path / "secret")
    repository.add("good.wasm", GOOD)
    loaded = provider.load(repository.config())
    assert not loaded.rules
    assert "outside" in only_error(loaded).message
    assert "hunter2" not in only_error(loaded).message


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_what_is_no_regular_file(repository, make):
    make(repository.folder / "odd.wasm")
    loaded = provider.load(repository.config())
    assert not loaded.rules
    assert "not a regular file" in only_error(loaded).message


def test_a_null_byte_in_a_file_name(repository):
    repository.manifest(f'plugins:{ENTRY.format(name="x")}    file: "a\\0.wasm"\n')
    assert "cannot be read" in only_error(provider.load(repository.config())).message


def test_what_a_manifest_says_cannot_drive_a_terminal(repository):
    repository.add("x.wasm", GOOD)
    repository.manifest(
        'plugins:\n  - {name: x, group: g, description: "a\\x1b[31mb\\x07", version: "1\\x1b[2J\\n2"}\n'
    )
    [rule] = provider.load(repository.config()).rules
    assert (rule.description, rule.spec.version) == ("ab", "1 2")


def test_a_module_that_is_too_large(repository):
    with (repository.folder / "big.wasm").open("wb") as file:
        file.truncate(folder.MAX_MODULE + 1)
    loaded = provider.load(repository.config())
    assert not loaded.rules
    assert only_error(loaded).kind == "too_large"


def test_modules_that_are_too_large_together(repository):
    for number in range(17):
        with (repository.folder / f"p{number:02}.wasm").open("wb") as file:
            file.truncate(folder.MAX_MODULE)
    loaded = provider.load(repository.config())
    assert len(loaded.rules) == 16
    error = only_error(loaded)
    assert error.kind == "too_large"
    assert "p16.wasm" in error.message


def test_a_manifest_with_the_wrong_ending(repository):
    repository.add("good.wasm", GOOD)
    (repository.folder / "manifest.yml").write_text("plugins: []")
    loaded = provider.load(repository.config())
    assert not loaded.rules
    assert "manifest.yaml" in only_error(loaded).message


def test_an_unreadable_manifest_runs_nothing(repository):
    repository.add("good.wasm", GOOD)
    repository.manifest("plugins: [")
    loaded = provider.load(repository.config())
    assert (list(loaded.rules), list(loaded.notices), len(loaded.errors)) == ([], [], 1)


def test_missing_extra(repository, monkeypatch):
    repository.add("one.wasm", GOOD)
    repository.add("two.wasm", GOOD)
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "wasmtime" else find_spec(name))
    loaded = provider.load(repository.config())
    assert not loaded.rules
    error = only_error(loaded)
    assert (error.kind, error.fatal) == ("missing_extra", True)
    assert "wasm/one, wasm/two" in error.message
    assert "2 WASM plugins were not run" in error.message
    assert "pip install 'semfora-hooks[wasm]'" in error.hint


def test_a_missing_extra_matters_only_if_a_plugin_would_run(repository, monkeypatch):
    repository.manifest(f"plugins:{ENTRY.format(name='idle')}    enabled: false\n")
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    assert provider.load(repository.config()).errors == []


def test_a_blocked_wasmtime_counts_as_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "wasmtime", None)
    assert loading.host.wasmtime_folder() is None
