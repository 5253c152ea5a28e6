"""Trust by content: asked for by the user alone, kept where no repository reaches, revoked by any changed byte."""

from __future__ import annotations

import multiprocessing
import os
from pathlib import Path

import pytest

from semfora_hooks.errors import ConfigError, PluginError
from semfora_hooks.hookspecs import Loaded
from semfora_hooks.providers import wasm as provider
from semfora_hooks.providers.wasm.binaryfile import read_binary
from semfora_hooks.providers.wasm.trust import TrustRecord, TrustStore
from semfora_hooks.userconfig import user_config_path, user_folder

from .builders import PluginRepository, constant, make_context

ONE, TWO = constant('[{"title":"one"}]'), constant('[{"title":"two"}]')
HASH = "0123456789abcdef" * 4


def configure(text: str) -> None:
    path = user_config_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def trust(path: Path) -> str:
    binary = read_binary(path, 1 << 20)
    TrustStore().add(TrustRecord(sha256=binary.key, name=path.stem, source=str(path), size=len(binary.code)))
    return binary.key


def titles(loaded: Loaded) -> list[str]:
    return [found.title for rule in loaded.rules for found in rule.evaluate(make_context())]


@pytest.fixture
def explicit(repository: PluginRepository) -> PluginRepository:
    """Two plugins, of which the first is trusted, as the user's configuration demands."""
    configure('[plugins.wasm]\ntrust = "explicit"\n')
    trust(repository.add("first.wasm", ONE))
    repository.add("second.wasm", TWO)
    return repository


def test_only_what_is_trusted_runs(explicit):
    loaded = provider.load(explicit.config())
    assert titles(loaded) == ["one"]
    [error] = loaded.errors
    assert (error.kind, error.fatal) == ("untrusted", True)
    assert "'wasm/second'" in error.message
    assert str(user_config_path()) in error.message
    assert error.hint.endswith("semfora-hooks plugin trust second")
    trust(explicit.folder / "second.wasm")
    loaded = provider.load(explicit.config())
    assert (loaded.errors, titles(loaded)) == ([], ["one", "two"])


def test_any_changed_byte_revokes_it(explicit):
    path = explicit.folder / "first.wasm"
    code = bytearray(path.read_bytes())
    code[-1] ^= 1
    path.write_bytes(code)
    loaded = provider.load(explicit.config())
    assert not loaded.rules
    assert [error.kind for error in loaded.errors] == ["untrusted", "untrusted"]


def test_trust_goes_by_content_and_not_by_name(explicit):
    explicit.add("renamed.wasm", ONE)
    loaded = provider.load(explicit.config())
    assert titles(loaded) == ["one", "one"]


def test_trust_does_not_replace_the_lock(explicit):
    trust(explicit.folder / "second.wasm")
    explicit.lock()
    assert titles(provider.load(explicit.config())) == ["one", "two"]
    trust(explicit.add("first.wasm", constant('[{"title":"three"}]')))
    loaded = provider.load(explicit.config())
    assert titles(loaded) == ["two"]
    assert "changed since it was locked" in loaded.errors[0].message


def test_the_lock_does_not_replace_trust(explicit):
    explicit.lock()
    loaded = provider.load(explicit.config(locked=True))
    assert titles(loaded) == ["one"]
    assert "you have not trusted" in loaded.errors[0].message


def test_what_was_trusted_is_what_runs(explicit):
    trust(explicit.folder / "second.wasm")
    loaded = provider.load(explicit.config())
    explicit.add("first.wasm", constant('[{"title":"evil"}]'))
    assert titles(loaded) == ["one", "two"]


def test_without_explicit_trust_nobody_is_asked(repository):
    repository.add("first.wasm", ONE)
    assert titles(provider.load(repository.config())) == ["one"]


# ------------------------------------------------------------------------------------------ the user's configuration


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[plugins.wasm]\ntrust = 'explict'", "explict"),
        ("[plugins.wasm]\ntrsut = 'explicit'", "did you mean 'trust'?"),
        ("[plugins.wasm", "TOML"),
        ("[plugins.wasm]\nmemory-ceiling = 'much'", "not a size"),
        ("[plugins.wasm]\ntimeout-ceiling = 'long'", "not a duration"),
        ("[tool.semfora.plugins.wasm]\ntrust = 'explicit'", "unknown key 'tool'"),
    ],
)
def test_a_wrong_configuration_of_the_user_runs_nothing(repository, text, says):
    repository.add("first.wasm", ONE)
    configure(text)
    with pytest.raises(ConfigError) as caught:
        provider.load(repository.config())
    assert says in str(caught.value)
    assert str(user_config_path()) in caught.value.message


def test_users_can_switch_plugins_off_everywhere(repository):
    repository.add("first.wasm", ONE)
    configure("[plugins.wasm]\nenabled = false\n")
    assert provider.load(repository.config()) == Loaded()


def test_users_can_ask_for_locks_everywhere(repository):
    repository.add("first.wasm", ONE)
    configure("[plugins.wasm]\nlocked = true\n")
    loaded = provider.load(repository.config())
    assert not loaded.rules
    assert str(user_config_path()) in loaded.errors[0].message
    repository.lock()
    assert titles(provider.load(repository.config())) == ["one"]


MANIFEST = "plugins:\n  - {name: first, group: g, description: d, limits: {memory: 2GiB, timeout: 1m}}\n"


@pytest.mark.parametrize(
    ("users", "repositorys", "memory", "timeout", "decides"),
    [
        ("", {}, 512, 30, "user"),
        ("", {"memory_ceiling": "8GiB", "timeout_ceiling": "10m"}, 512, 30, "user"),
        ("", {"memory_ceiling": "100MiB", "timeout_ceiling": "1s"}, 100, 1, "repository"),
        ("memory-ceiling = '1GiB'\ntimeout-ceiling = '45s'", {}, 1024, 45, "user"),
        (
            "memory-ceiling = '1GiB'\ntimeout-ceiling = '45s'",
            {"memory_ceiling": "8GiB", "timeout_ceiling": "10m"},
            1024,
            45,
            "user",
        ),
        ("memory-ceiling = '64MiB'\ntimeout-ceiling = '1s'", {"memory_ceiling": "1GiB"}, 64, 1, "user"),
    ],
)
def test_no_repository_can_raise_the_users_ceilings(repository, users, repositorys, memory, timeout, decides):
    repository.add("first.wasm", ONE)
    repository.manifest(MANIFEST)
    configure(f"[plugins.wasm]\n{users}\n")
    [rule] = provider.load(repository.config(**repositorys)).rules
    limits = rule.spec.limits
    assert (limits.memory, limits.timeout) == (memory << 20, timeout)
    where = str(user_config_path()) if decides == "user" else "the repository's configuration"
    assert (limits.memory_cap, limits.timeout_cap) == (f"memory-ceiling in {where}", f"timeout-ceiling in {where}")


# ------------------------------------------------------------------------------------------------------------- store


def record(sha256: str = HASH, name: str = "guard") -> TrustRecord:
    return TrustRecord(sha256=sha256, name=name, source="/r/.semfora/plugins/guard.wasm", size=3)


def test_the_store_is_the_users_alone():
    store = TrustStore()
    assert store.folder.is_relative_to(user_folder())
    assert not store.is_trusted(HASH)
    before = os.umask(0)  # the user may have any
    try:
        assert store.add(record())
    finally:
        os.umask(before)
    assert store.is_trusted(HASH)
    assert store.folder.stat().st_mode & 0o777 == 0o700
    [path] = store.folder.iterdir()
    assert path.stat().st_mode & 0o777 == 0o600
    assert not store.add(record())
    assert [(entry.name, entry.size) for entry in store.records()] == [("guard", 3)]
    assert store.revoke(HASH)
    assert not store.revoke(HASH)
    assert (store.is_trusted(HASH), store.records()) == (False, [])


@pytest.mark.parametrize("mode", [0o755, 0o770, 0o702])
def test_a_folder_that_others_can_open_is_not_believed(explicit, mode):
    TrustStore().folder.chmod(mode)
    loaded = provider.load(explicit.config())
    assert not loaded.rules
    assert {error.kind for error in loaded.errors} == {"untrusted"}
    assert "open to other users" in loaded.errors[0].message
    assert "chmod 700" in loaded.errors[0].hint
    with pytest.raises(PluginError):
        TrustStore().add(record())


@pytest.mark.parametrize("mode", [0o644, 0o660, 0o602])
def test_a_record_that_others_can_open_is_not_believed(explicit, mode):
    [path] = TrustStore().folder.iterdir()
    path.chmod(mode)
    loaded = provider.load(explicit.config())
    assert not loaded.rules
    assert "chmod 600" in loaded.errors[0].hint


def test_what_belongs_to_another_user_is_not_believed(explicit, monkeypatch):
    store = TrustStore()
    owner = store.folder.stat().st_uid
    monkeypatch.setattr(os, "getuid", lambda: owner + 1)
    with pytest.raises(PluginError, match="another user"):
        store.is_trusted(HASH)


def test_links_are_not_followed(explicit, tmp_path):
    store = TrustStore()
    [path] = store.folder.iterdir()
    path.rename(tmp_path / "moved")
    path.symlink_to(tmp_path / "moved")
    with pytest.raises(PluginError, match="nothing it says is trusted"):
        store.is_trusted(path.stem)
    path.unlink()
    store.folder.rename(tmp_path / "folder")
    store.folder.symlink_to(tmp_path / "folder")
    with pytest.raises(PluginError, match="is not a folder"):
        store.is_trusted(path.stem)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[]", b'{"sha256": "' + b"f" * 64 + b'"}'])
def test_a_damaged_record_trusts_nothing(explicit, content):
    [path] = TrustStore().folder.iterdir()
    path.write_bytes(content)
    assert not TrustStore().is_trusted(path.stem)
    assert not provider.load(explicit.config()).rules
    trust(explicit.folder / "first.wasm")
    assert titles(provider.load(explicit.config())) == ["one"]


def test_a_record_under_another_hash_trusts_nothing(explicit):
    [path] = TrustStore().folder.iterdir()
    other = read_binary(explicit.folder / "second.wasm", 1 << 20).key
    path.rename(path.with_stem(other))
    assert not TrustStore().is_trusted(other)


def test_a_store_inside_the_repository_is_not_believed(explicit, monkeypatch):
    """Whoever wrote the repository would have written it."""
    inside = explicit.root / "config"
    monkeypatch.setenv("SEMFORA_CONFIG_DIR", str(inside))
    configure('[plugins.wasm]\ntrust = "explicit"\n')
    trust(explicit.folder / "first.wasm")
    loaded = provider.load(explicit.config())
    assert not loaded.rules
    assert "lies in the repository" in loaded.errors[0].message
    with pytest.raises(PluginError, match="lies in the repository"):
        TrustStore(explicit.root).add(record())


@pytest.mark.parametrize("name", ["../../etc/passwd", "A" * 64, "0" * 63, ""])
def test_only_hashes_name_records(name):
    store = TrustStore()
    store.add(record())
    with pytest.raises(ValueError, match="SHA-256"):
        store.is_trusted(name)


def add_many(start: int) -> None:
    store = TrustStore()
    for number in range(start, start + 40):
        store.add(record(f"{number:064x}", f"p{number}"))
        store.add(record(f"{1000 + number % 10:064x}", "shared"))


def test_processes_that_write_at_the_same_time():
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=add_many, args=(start,)) for start in (0, 40, 80)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    store = TrustStore()
    assert len(store.records()) == 120 + 10
    assert len(list(store.folder.iterdir())) == 130


def test_a_failed_write_trusts_nothing_and_leaves_nothing(monkeypatch):
    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", fail)
    store = TrustStore()
    with pytest.raises(OSError, match="disk full"):
        store.add(record())
    assert not store.is_trusted(HASH)
    assert list(store.folder.iterdir()) == []
