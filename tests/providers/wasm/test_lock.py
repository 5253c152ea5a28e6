"""The lock: what it refuses, that the bytes compared are the bytes that run, and its text."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from semfora_hooks.errors import PluginError
from semfora_hooks.hookspecs import Loaded
from semfora_hooks.providers import wasm as provider
from semfora_hooks.providers.wasm.lock import (
    LOCK,
    LockedPlugin,
    LockVersionError,
    lock_changes,
    parse_lock,
    read_lock,
    render_lock,
    write_lock,
)

from .builders import PluginRepository, constant, make_context

ONE, TWO = constant('[{"title":"one"}]'), constant('[{"title":"two"}]')
ENTRY = "  - {{name: {name}, group: g, description: d, file: {file}}}\n"


def titles(loaded: Loaded) -> list[str]:
    return [found.title for rule in loaded.rules for found in rule.evaluate(make_context())]


@pytest.fixture
def locked(repository: PluginRepository) -> PluginRepository:
    repository.add("first.wasm", ONE)
    repository.add("second.wasm", TWO)
    repository.lock()
    return repository


def test_what_is_locked_runs(locked):
    loaded = provider.load(locked.config(locked=True))
    assert (loaded.errors, loaded.notices) == ([], [])
    assert titles(loaded) == ["one", "two"]


def test_without_a_lock_plugins_run_and_one_notice_says_how_to_lock(repository):
    repository.add("first.wasm", ONE)
    repository.add("second.wasm", TWO)
    loaded = provider.load(repository.config())
    assert titles(loaded) == ["one", "two"]
    assert loaded.errors == []
    [notice] = loaded.notices
    assert "semfora-hooks plugin lock" in notice


def test_a_changed_plugin_is_refused_and_the_others_run(locked):
    path = locked.folder / "first.wasm"
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    loaded = provider.load(locked.config())
    assert titles(loaded) == ["two"]
    [error] = loaded.errors
    assert (error.kind, error.fatal) == ("untrusted", True)
    assert "'wasm/first' (.semfora/plugins/first.wasm)" in error.message
    assert "changed since it was locked" in error.message
    assert error.hint.endswith("semfora-hooks plugin lock first")


def test_on_error_does_not_soften_a_refusal(repository):
    repository.add("a.wasm", ONE)
    repository.manifest("defaults: {on_error: skip}\nplugins:\n" + ENTRY.format(name="a", file="a.wasm"))
    repository.lock()
    repository.add("a.wasm", TWO)
    [error] = provider.load(repository.config()).errors
    assert error.fatal


def test_a_plugin_that_is_not_in_the_lock_is_refused(locked):
    locked.add("third.wasm", ONE)
    loaded = provider.load(locked.config())
    assert titles(loaded) == ["one", "two"]
    [error] = loaded.errors
    assert error.kind == "untrusted"
    assert "'wasm/third'" in error.message
    assert "not in manifest.lock" in error.message


def test_a_plugin_that_is_locked_and_gone(locked):
    (locked.folder / "first.wasm").unlink()
    loaded = provider.load(locked.config())
    assert titles(loaded) == ["two"]
    [error] = loaded.errors
    assert (error.kind, error.fatal) == ("untrusted", True)
    assert "first.wasm: plugin 'first' is locked, and is not there any more" in error.message


def test_a_lock_without_any_plugin_left(locked):
    (locked.folder / "first.wasm").unlink()
    (locked.folder / "second.wasm").unlink()
    assert [error.kind for error in provider.load(locked.config()).errors] == ["untrusted", "untrusted"]


def test_a_listed_plugin_whose_file_is_gone_is_told_once(repository):
    repository.add("a.wasm", ONE)
    repository.manifest("plugins:\n" + ENTRY.format(name="a", file="a.wasm"))
    repository.lock()
    (repository.folder / "a.wasm").unlink()
    [error] = provider.load(repository.config()).errors
    assert error.kind == "untrusted"
    assert error.message.startswith(".semfora/plugins/manifest.yaml:2:")


def test_a_plugin_taken_out_of_the_manifest_but_not_of_the_lock(locked):
    locked.manifest("plugins:\n" + ENTRY.format(name="first", file="first.wasm"))
    loaded = provider.load(locked.config())
    assert titles(loaded) == ["one"]
    [error] = loaded.errors
    assert "'second' is locked, and is not there any more" in error.message


def test_a_broken_manifest_entry_is_not_called_gone(locked):
    locked.manifest(
        "plugins:\n"
        + ENTRY.format(name="first", file="first.wasm")
        + ENTRY.format(name="second", file="second.wasm").replace("group: g", "group: 3")
    )
    loaded = provider.load(locked.config())
    assert [error.kind for error in loaded.errors] == ["manifest"]


def test_locked_files_swapped_under_their_names(locked):
    """Both contents are in the lock, but not under these names."""
    first, second = locked.folder / "first.wasm", locked.folder / "second.wasm"
    one, two = first.read_bytes(), second.read_bytes()
    first.write_bytes(two)
    second.write_bytes(one)
    loaded = provider.load(locked.config())
    assert not loaded.rules
    assert [error.kind for error in loaded.errors] == ["untrusted", "untrusted"]


def test_the_same_content_from_another_file(repository):
    repository.add("a.wasm", ONE)
    repository.manifest("plugins:\n" + ENTRY.format(name="a", file="a.wasm"))
    repository.lock()
    repository.add("b.wasm", ONE)
    repository.manifest("plugins:\n" + ENTRY.format(name="a", file="b.wasm"))
    [error] = provider.load(repository.config()).errors
    assert "locked as the file 'a.wasm'" in error.message


def test_a_disabled_plugin_needs_no_lock(locked):
    locked.add("third.wasm", TWO)
    rest = "".join(ENTRY.format(name=name, file=f"{name}.wasm") for name in ("first", "second"))
    third = ENTRY.format(name="third", file="third.wasm").replace("description", "enabled: false, description")
    locked.manifest(f"plugins:\n{rest}{third}")
    loaded = provider.load(locked.config(locked=True))
    assert loaded.errors == []
    assert titles(loaded) == ["one", "two"]


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda text: "", "version"),
        (lambda text: text[:-3], "TOML"),
        (lambda text: "<<<<<<< HEAD\n" + text, "TOML"),
        (lambda text: text.replace("version = 1", "version = 0"), "no version 0"),
        (lambda text: text.replace("version = 1", "version = true"), "Expected `int`"),
        (lambda text: text.replace("size = ", "sise = "), "sise"),
        (lambda text: text.replace('sha256 = "', 'sha256 = "0'), "sha256"),
        (lambda text: text + text[text.index("[[plugin]]") :], "twice"),
        (lambda text: text.replace('kind = "module"', 'kind = "script"'), "script"),
        (lambda text: "\ufeff" + text, "TOML"),
        (lambda text: text.replace("[[plugin]]", "[plugin]", 1), "TOML"),
        (lambda text: "x = " + "[" * 100_000, "TOML"),
    ],
)
def test_a_damaged_lock_refuses_all(locked, damage, says):
    path = locked.folder / LOCK
    path.write_text(damage(path.read_text("utf-8")), encoding="utf-8")
    loaded = provider.load(locked.config())
    assert not loaded.rules
    [error] = loaded.errors
    assert error.kind == "untrusted"
    assert error.message.startswith(".semfora/plugins/manifest.lock: the lock is damaged")
    assert says in error.message
    assert "semfora-hooks plugin lock" in error.hint


def test_a_lock_of_a_later_version(locked):
    path = locked.folder / LOCK
    path.write_text("version = 2\nnews = []\n")
    loaded = provider.load(locked.config())
    assert not loaded.rules
    [error] = loaded.errors
    assert isinstance(error, LockVersionError)
    assert (error.kind, error.hint) == ("untrusted", "upgrade semfora-hooks")


def make_link(path: Path, elsewhere: Path) -> None:
    elsewhere.write_text(path.read_text("utf-8"))
    path.unlink()
    path.symlink_to(elsewhere)


def make_fifo(path: Path, elsewhere: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def make_folder(path: Path, elsewhere: Path) -> None:
    path.unlink()
    path.mkdir()


def make_dangling(path: Path, elsewhere: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere")


@pytest.mark.parametrize("make", [make_link, make_fifo, make_folder, make_dangling])
def test_a_lock_that_is_no_file_of_the_folder_refuses_all(locked, tmp_path, make):
    make(locked.folder / LOCK, tmp_path / "elsewhere")
    loaded = provider.load(locked.config())
    assert not loaded.rules
    assert [error.kind for error in loaded.errors] == ["untrusted"]


@pytest.mark.parametrize("files", [("a.wasm",), ("a.wasm", "b.wasm")])
def test_where_a_lock_is_asked_for_there_must_be_one(repository, files):
    for name in files:
        repository.add(name, ONE)
    loaded = provider.load(repository.config(locked=True))
    assert not loaded.rules
    [error] = loaded.errors
    assert error.kind == "untrusted"
    assert "does not exist" in error.message
    assert all(f"wasm/{name.removesuffix('.wasm')}" in error.message for name in files)
    assert "semfora-hooks plugin lock" in error.hint


def test_a_repository_without_plugins_needs_no_lock(repository):
    repository.manifest("plugins: []\n")
    assert provider.load(repository.config(locked=True)) == Loaded(rules=[], errors=[], notices=[])


def test_what_was_compared_is_what_runs(locked):
    """The file changes between loading and running; the bytes that were hashed run."""
    loaded = provider.load(locked.config())
    locked.add("first.wasm", constant('[{"title":"evil"}]'))
    locked.add("second.wasm", constant('[{"title":"evil"}]'))
    assert titles(loaded) == ["one", "two"]


def test_a_file_that_is_swapped_for_a_link_or_a_fifo_while_we_look(locked, tmp_path, monkeypatch):
    from semfora_hooks.providers.wasm import approval

    real = approval.read_binary

    def swap(path, max_size):
        path.unlink()
        if path.name == "first.wasm":
            (tmp_path / "outside.wasm").write_bytes(b"\0asm")
            path.symlink_to(tmp_path / "outside.wasm")
        else:
            os.mkfifo(path)
        return real(path, max_size)

    monkeypatch.setattr(approval, "read_binary", swap)
    loaded = provider.load(locked.config())
    assert not loaded.rules
    assert [error.kind for error in loaded.errors] == ["compile", "compile"]


# ------------------------------------------------------------------------------------------------------------- text

NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,9}", fullmatch=True)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
ENTRIES = st.builds(
    LockedPlugin,
    name=NAMES,
    file=TEXT,
    sha256=st.from_regex("[0-9a-f]{64}", fullmatch=True),
    size=st.integers(0, 1 << 40),
    kind=st.sampled_from(["module", "component"]),
    abi=st.integers(0, 9),
    contract=st.integers(0, 9),
    imports=st.lists(TEXT, max_size=3).map(tuple),
)


@given(st.lists(ENTRIES, max_size=4, unique_by=lambda entry: entry.name))
def test_what_is_written_is_what_is_read(entries):
    text = render_lock(entries)
    assert parse_lock(text.encode()) == {entry.name: entry for entry in entries}
    assert text == render_lock(reversed(entries))


def test_the_text_is_made_to_be_reviewed():
    entry = LockedPlugin(
        name="layer-guard",
        file="guards/layer.wasm",
        sha256="ab" * 32,
        size=98304,
        kind="module",
        abi=1,
        contract=1,
        imports=("env.abort", "wasi_snapshot_preview1.fd_write"),
    )
    text = render_lock([entry])
    assert text.partition("\n\n")[2] == (
        "[[plugin]]\n"
        'name = "layer-guard"\n'
        'file = "guards/layer.wasm"\n'
        f'sha256 = "{"ab" * 32}"\n'
        "size = 98304\n"
        'kind = "module"\n'
        "abi = 1\n"
        "contract = 1\n"
        "imports = [\n"
        '    "env.abort",\n'
        '    "wasi_snapshot_preview1.fd_write",\n'
        "]\n"
    )
    assert tomllib.loads(text)["version"] == 1


def test_changes_are_told():
    one = LockedPlugin(
        name="a", file="a.wasm", sha256="a" * 64, size=1, kind="module", abi=1, contract=1, imports=("x.y",)
    )
    two = LockedPlugin(name="a", file="a.wasm", sha256="b" * 64, size=2, kind="module", abi=1, contract=1)
    assert lock_changes({}, {"a": one}) == ["added    a  aaaaaaaaaaaa  1 bytes", "           imports x.y"]
    assert lock_changes({"a": one}, {"a": one}) == []
    assert lock_changes({"a": one}, {}) == ["removed  a  aaaaaaaaaaaa"]
    assert lock_changes({"a": one}, {"a": two}) == [
        "changed  a  aaaaaaaaaaaa -> bbbbbbbbbbbb, size 1 -> 2",
        "           no longer imports x.y",
    ]
    assert lock_changes({"a": two}, {"a": one})[1] == "           now imports x.y"


def test_writing_replaces_a_link_and_leaves_no_other_file(tmp_path):
    (tmp_path / "victim").write_text("precious")
    folder = tmp_path / "plugins"
    folder.mkdir()
    (folder / LOCK).symlink_to(tmp_path / "victim")
    assert write_lock(folder, render_lock([]))
    assert (tmp_path / "victim").read_text() == "precious"
    assert read_lock(folder) == {}
    assert not write_lock(folder, render_lock([]))
    assert [path.name for path in folder.iterdir()] == [LOCK]


def test_a_failed_write_keeps_the_old_lock(tmp_path, monkeypatch):
    write_lock(tmp_path, render_lock([]))
    before = (tmp_path / LOCK).read_bytes()

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        write_lock(tmp_path, "other")
    assert (tmp_path / LOCK).read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == [LOCK]


@given(st.binary(max_size=200))
def test_any_bytes_are_a_lock_or_a_clean_error(data):
    try:
        parse_lock(data)
    except PluginError as error:
        assert error.kind == "untrusted"
        assert error.message.startswith(".semfora/plugins/manifest.lock: ")
