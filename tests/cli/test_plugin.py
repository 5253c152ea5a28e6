"""`plugin list`, `inspect`, `lock` and `trust`, and `suggest --locked`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import wasmtime

from semfora_hooks.providers.wasm import host
from semfora_hooks.userconfig import user_config_path

from .conftest import Outcome, Project

Run = Callable[..., Outcome]
PLUGINS = ".semfora/plugins"
LOCK = f"{PLUGINS}/manifest.lock"


def module(text: str = "[]", imports: str = "", extra: str = "") -> bytes:
    """A core plugin that would return `text`."""
    return bytes(
        wasmtime.wat2wasm(
            f"""(module {imports} (memory (export "memory") 4) (data (i32.const 16) "{text}") {extra}
            (global (export "semfora_abi_v1") i32 (i32.const 0))
            (func (export "semfora_alloc") (param i32) (result i32) (i32.const 65536))
            (func (export "evaluate") (param i32 i32) (result i64) (i64.const {16 << 32 | len(text)})))"""
        )
    )


GUARD, OTHER = module("[ ]"), module("[  ]")
FORBIDDEN = module(imports='(import "env" "system" (func))')
COMPONENT = bytes(
    wasmtime.wat2wasm(
        """(component
        (core module $m (memory (export "memory") 1)
          (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
          (func (export "evaluate") (param i32 i32) (result i32) (i32.const 0)))
        (core instance $i (instantiate $m))
        (func (export "evaluate") (param "context-json" string) (result string)
          (canon lift (core func $i "evaluate") (memory (core memory $i "memory"))
            (realloc (core func $i "realloc")))))"""
    )
)


@pytest.fixture
def app(project: Project) -> Project:
    """A repository with two plugins and no manifest."""
    project.write({"app.py": "print(1)\n"})
    (project.path / PLUGINS).mkdir(parents=True)
    add(project, "guard.wasm", GUARD)
    add(project, "part.wasm", COMPONENT)
    return project


def add(project: Project, name: str, code: bytes) -> Path:
    path = project.path / PLUGINS / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(code)
    return path


def explicit() -> None:
    user_config_path().write_text('[plugins.wasm]\ntrust = "explicit"\n')


def sha256(code: bytes) -> str:
    return hashlib.sha256(code).hexdigest()


def statuses(run: Run) -> dict[str, str]:
    return {row["name"] or row["file"]: row["status"] for row in run("plugin", "list", "--output-format", "json").json}


@pytest.fixture(autouse=True)
def _nothing_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """None of these commands starts a sandbox."""

    def refuse(*_: object) -> None:
        raise AssertionError("a worker was started")

    monkeypatch.setattr(host.Worker, "__init__", refuse)


# -------------------------------------------------------------------------------------------------------------- list


def test_no_plugins(project: Project, run: Run) -> None:
    project.write({"app.py": "print(1)\n"})
    assert run("plugin", "list") == (0, "there are no plugins in .semfora/plugins\n", "")
    assert run("plugin", "list", "--output-format", "json").json == []
    assert run("plugin", "lock") == (0, "there are no plugins to lock\n", "")
    assert not (project.path / ".semfora").exists()


def test_list(app: Project, run: Run) -> None:
    outcome = run("plugin", "list")
    assert outcome.code == 0
    assert outcome.out == (
        f"wasm/guard  enabled  {sha256(GUARD)[:12]}  guard.wasm\n"
        f"wasm/part   enabled  {sha256(COMPONENT)[:12]}  part.wasm\n"
    )
    assert outcome.err.startswith("note: 2 WASM plugins are not locked")


def test_every_status(app: Project, run: Run) -> None:
    for name in ("locked", "changed", "new", "idle"):
        add(app, f"{name}.wasm", GUARD)
    manifest = "".join(
        f"  - {{name: {name}, group: g, description: d{more}}}\n"
        for name, more in (
            ("locked", ""),
            ("changed", ""),
            ("idle", ", enabled: false"),
            ("gone", ""),
            ("wrong", ", severity: fatal"),
        )
    )
    app.write({f"{PLUGINS}/manifest.yaml": f"plugins:\n{manifest}"})
    assert run("plugin", "lock").code == 2  # `gone` and `wrong` cannot be locked
    add(app, "changed.wasm", OTHER)
    app.write({f"{PLUGINS}/manifest.yaml": f"plugins:\n{manifest}  - {{name: new, group: g, description: d}}\n"})
    outcome = run("plugin", "list", "--output-format", "json")
    assert outcome.code == 2
    rows = {row["name"] or row["file"]: row for row in outcome.json}
    assert {name: (row["status"], row["lock"]) for name, row in rows.items()} == {
        "locked": ("locked", "locked"),
        "changed": ("refused", "changed"),
        "new": ("refused", "unlocked"),
        "idle": ("disabled", None),
        "gone": ("refused", None),
        "guard.wasm": ("unlisted", None),
        "part.wasm": ("unlisted", None),
    }
    assert rows["changed"]["sha256"] == sha256(OTHER)
    assert "changed since it was locked" in rows["changed"]["reason"]
    assert "severity" in outcome.err
    text = run("plugin", "list")
    assert "g/idle" in text.out
    assert "(enabled: false in manifest.yaml)" in text.out
    assert "(review it, then run: semfora-hooks plugin lock changed)" in text.err


def test_trusted_and_switched_off(app: Project, run: Run) -> None:
    explicit()
    assert statuses(run) == {"guard": "refused", "part": "refused"}
    assert run("plugin", "trust", "guard").code == 0
    assert statuses(run) == {"guard": "trusted", "part": "refused"}
    app.write({"semfora.toml": "[plugins.wasm]\nenabled = false\n"})
    assert statuses(run) == {"guard": "disabled", "part": "disabled"}


def test_a_broken_manifest_is_not_called_empty(app: Project, run: Run) -> None:
    app.write({f"{PLUGINS}/manifest.yaml": "plugins: ["})
    outcome = run("plugin", "list")
    assert (outcome.code, outcome.out) == (2, "")
    assert "manifest.yaml:2:1" in outcome.err


@pytest.mark.parametrize("command", [("list",), ("inspect", "guard"), ("run", "guard"), ("lock", "guard")])
def test_a_plugin_with_a_broken_entry_is_not_called_absent_only(
    app: Project, run: Run, command: tuple[str, ...]
) -> None:
    (app.path / PLUGINS / "part.wasm").unlink()
    app.write({f"{PLUGINS}/manifest.yaml": "plugins:\n  - name: guard\n    confg: {}\n"})
    code, out, err = run("plugin", *command)
    assert code == 2
    assert "error: .semfora/plugins/manifest.yaml:3:5: unknown key 'confg' (did you mean 'config'?)\n" in err
    assert "there are no plugins" not in out


def test_names_that_drive_a_terminal(app: Project, run: Run) -> None:
    add(app, "evil\x1b[31m.wasm", GUARD)
    app.write({f"{PLUGINS}/manifest.yaml": "plugins: []\n"})
    outcome = run("plugin", "list")
    assert "\x1b" not in outcome.out + outcome.err
    assert "evil\\x1b[31m.wasm" in outcome.out


# ----------------------------------------------------------------------------------------------------------- inspect


def test_inspect_by_name_by_id_and_by_file(app: Project, run: Run) -> None:
    by_name = run("plugin", "inspect", "guard")
    assert by_name.code == 0
    assert f"sha256    {sha256(GUARD)}\n" in by_name.out
    assert "kind      module, plugin ABI 1\n" in by_name.out
    assert "evaluate  (i32, i32) -> i64\n" in by_name.out
    assert "lock      none\n" in by_name.out
    assert run("plugin", "inspect", "wasm/guard") == by_name
    assert run("plugin", "inspect", f"{PLUGINS}/guard.wasm") == by_name


def test_inspect_in_json(app: Project, run: Run) -> None:
    path = add(app, "odd.wasm", module(imports='(import "env" "system" (func))', extra="(table 3 9 funcref)"))
    run("plugin", "lock", "guard")
    document = run("plugin", "inspect", "odd", "--output-format", "json").json
    assert document["file"] == str(path)
    assert document["kind"] == "module"
    assert document["imports"] == [{"name": "env.system", "kind": "function", "type": "() -> ()", "grant": "refused"}]
    assert document["problem"]["kind"] == "refused_import"
    assert document["memories"] == [{"minimum": 4 << 16, "maximum": None}]
    assert document["tables"] == [{"minimum": 3, "maximum": 9}]
    assert (document["plugin"]["id"], document["plugin"]["lock"]) == ("wasm/odd", "unlocked")
    assert "it is not in manifest.lock" in document["plugin"]["refused"]
    assert run("plugin", "inspect", "guard", "--output-format", "json").json["plugin"]["lock"] == "locked"


def test_inspect_what_is_no_plugin_of_the_repository(app: Project, run: Run, tmp_path: Path) -> None:
    (tmp_path / "other.wasm").write_bytes(OTHER)
    document = run("plugin", "inspect", str(tmp_path / "other.wasm"), "--output-format", "json").json
    assert (document["plugin"], document["trusted"]) == (None, False)
    run("plugin", "trust", str(tmp_path / "other.wasm"))
    assert run("plugin", "inspect", str(tmp_path / "other.wasm"), "--output-format", "json").json["trusted"]


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("gaurd", "there is no plugin and no file 'gaurd' (did you mean 'guard'?)"),
        ("zzz", "(plugins: guard, part)"),
        ("app.py", "the file is not a WASM module or component"),
        (".", "there is no plugin and no file '.'"),
    ],
)
def test_inspect_nothing(app: Project, run: Run, target: str, says: str) -> None:
    outcome = run("plugin", "inspect", target)
    assert (outcome.code, outcome.out) == (2, "")
    assert says in outcome.err


# -------------------------------------------------------------------------------------------------------------- lock


def test_lock_says_what_changed_and_changes_nothing_else(app: Project, run: Run) -> None:
    assert run("plugin", "lock", "--check").code == 1
    assert not (app.path / LOCK).exists()
    outcome = run("plugin", "lock")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out == (
        f"added    guard  {sha256(GUARD)[:12]}  {len(GUARD)} bytes\n"
        f"added    part  {sha256(COMPONENT)[:12]}  {len(COMPONENT)} bytes\n"
        f"{LOCK}: 2 plugins; review it and commit it\n"
    )
    first = (app.path / LOCK).read_text("utf-8")
    stamp = (app.path / LOCK).stat().st_mtime_ns
    assert run("plugin", "lock").out == f"{LOCK}: 2 plugins, nothing changed\n"
    assert (app.path / LOCK).stat().st_mtime_ns == stamp
    assert run("plugin", "lock", "--check") == (0, f"{LOCK} is up to date\n", "")

    add(app, "guard.wasm", OTHER)
    check = run("plugin", "lock", "--check")
    assert check.code == 1
    assert f"changed  guard  {sha256(GUARD)[:12]} -> {sha256(OTHER)[:12]}" in check.out
    assert (app.path / LOCK).read_text("utf-8") == first
    assert run("plugin", "lock").code == 0
    second = (app.path / LOCK).read_text("utf-8")
    differing = [pair for pair in zip(first.splitlines(), second.splitlines(), strict=True) if pair[0] != pair[1]]
    assert [line.partition(" ")[0] for line, _ in differing] == ["sha256", "size"]

    (app.path / PLUGINS / "guard.wasm").unlink()
    assert run("plugin", "lock").out.startswith(f"removed  guard  {sha256(OTHER)[:12]}\n")


def test_lock_some(app: Project, run: Run) -> None:
    assert run("plugin", "lock", "wasm/part").code == 0
    assert statuses(run) == {"guard": "refused", "part": "locked"}
    unknown = run("plugin", "lock", "gaurd")
    assert unknown.code == 2
    assert "there is no plugin 'gaurd' to lock (did you mean 'guard'?)" in unknown.err
    assert run("plugin", "lock", "guard").code == 0
    assert statuses(run) == {"guard": "locked", "part": "locked"}


@pytest.mark.parametrize(("code", "says"), [(FORBIDDEN, "env.system"), (b"\0asm\x01\0\0\0\x01", "cut off")])
def test_what_cannot_run_is_not_locked_and_keeps_its_old_entry(app: Project, run: Run, code: bytes, says: str) -> None:
    run("plugin", "lock")
    before = (app.path / LOCK).read_text("utf-8")
    add(app, "guard.wasm", code)
    outcome = run("plugin", "lock")
    assert outcome.code == 2
    assert says in outcome.err
    assert "it is not locked" in outcome.err
    assert (app.path / LOCK).read_text("utf-8") == before
    assert statuses(run) == {"guard": "refused", "part": "locked"}


def test_lock_with_a_broken_manifest(app: Project, run: Run) -> None:
    run("plugin", "lock")
    before = (app.path / LOCK).read_text("utf-8")
    app.write({f"{PLUGINS}/manifest.yaml": "plugins: ["})
    outcome = run("plugin", "lock")
    assert (outcome.code, outcome.out) == (2, "")
    assert "manifest.yaml:2:1" in outcome.err
    assert (app.path / LOCK).read_text("utf-8") == before
    # One wrong entry costs neither the others their lock, nor itself the one it has.
    app.write(
        {
            f"{PLUGINS}/manifest.yaml": """\
            plugins:
              - {name: guard, group: 7, description: d}
              - {name: part, group: g, description: d}
            """
        }
    )
    outcome = run("plugin", "lock")
    assert outcome.code == 2
    assert (app.path / LOCK).read_text("utf-8") == before


def test_lock_over_a_damaged_lock(app: Project, run: Run) -> None:
    run("plugin", "lock")
    before = (app.path / LOCK).read_text("utf-8")
    app.write({LOCK: "<<<<<<< ours\n"})
    for arguments in (("guard",), ("--check",)):
        outcome = run("plugin", "lock", *arguments)
        assert outcome.code == 2
        assert "the lock is damaged" in outcome.err
    outcome = run("plugin", "lock")
    assert outcome.code == 0
    assert "it is written anew" in outcome.err
    assert (app.path / LOCK).read_text("utf-8") == before
    app.write({LOCK: "version = 99\n"})
    outcome = run("plugin", "lock")
    assert outcome.code == 2
    assert "upgrade semfora-hooks" in outcome.err
    assert (app.path / LOCK).read_text("utf-8") == "version = 99\n"


def test_disabled_plugins_are_locked_if_they_are_there(app: Project, run: Run) -> None:
    app.write(
        {
            f"{PLUGINS}/manifest.yaml": """\
            plugins:
              - {name: guard, group: g, description: d, enabled: false}
              - {name: later, group: g, description: d, enabled: false}
            """
        }
    )
    assert run("plugin", "lock").code == 0
    assert 'name = "guard"' in (app.path / LOCK).read_text("utf-8")
    assert "later" not in (app.path / LOCK).read_text("utf-8")


def test_a_folder_that_is_a_link_is_not_written(project: Project, run: Run, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "guard.wasm").write_bytes(GUARD)
    project.write({"app.py": "print(1)\n"})
    (project.path / ".semfora").mkdir()
    (project.path / PLUGINS).symlink_to(tmp_path / "elsewhere")
    outcome = run("plugin", "lock")
    assert (outcome.code, outcome.out) == (2, "")
    assert "outside the repository" in outcome.err
    assert [path.name for path in (tmp_path / "elsewhere").iterdir()] == ["guard.wasm"]


def test_a_folder_that_cannot_be_written(app: Project, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    import tempfile

    def fail(**_: object) -> None:
        raise PermissionError(13, "Permission denied", "manifest.lock")

    monkeypatch.setattr(tempfile, "mkstemp", fail)
    outcome = run("plugin", "lock")
    assert outcome.code == 2
    assert "manifest.lock: Permission denied" in outcome.err


# ------------------------------------------------------------------------------------------------------------- trust


def test_trust_list_and_revoke(app: Project, run: Run) -> None:
    explicit()
    outcome = run("plugin", "trust", "guard", f"{PLUGINS}/part.wasm")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.startswith(f"trusted  guard  {sha256(GUARD)}  {len(GUARD)} bytes")
    assert run("plugin", "trust", "wasm/guard").out.startswith("already trusted  guard")
    listed = run("plugin", "trust", "--list")
    assert listed.code == 0
    lines = listed.out.splitlines()
    assert lines[0] == f"configuration  {user_config_path()} (trust = explicit)"
    assert lines[1] == f"trusted        {user_config_path().parent / 'trusted-plugins'}"
    assert [line.split()[:2] for line in lines[2:]] == [
        ["guard", sha256(GUARD)],
        ["part", sha256(COMPONENT)],
    ]
    assert run("plugin", "trust", "--revoke", "guard").out.startswith(f"revoked  guard  {sha256(GUARD)}")
    assert statuses(run) == {"guard": "refused", "part": "trusted"}
    assert run("plugin", "trust", "--revoke", sha256(COMPONENT)[:10]).code == 0
    assert statuses(run) == {"guard": "refused", "part": "refused"}
    nothing = run("plugin", "trust", "--revoke", "guard")
    assert (nothing.code, nothing.out) == (2, "")
    assert "nothing that is trusted is called 'guard'" in nothing.err


def test_revoking_a_name_revokes_every_content_it_ever_had(app: Project, run: Run) -> None:
    explicit()
    run("plugin", "trust", "guard")
    add(app, "guard.wasm", OTHER)
    run("plugin", "trust", "guard")
    (app.path / PLUGINS / "guard.wasm").unlink()
    assert len(run("plugin", "trust", "--revoke", "guard").out.splitlines()) == 2
    assert len(run("plugin", "trust", "--list").out.splitlines()) == 2


def test_trust_where_nobody_asks_for_it(app: Project, run: Run) -> None:
    outcome = run("plugin", "trust", "guard")
    assert outcome.code == 0
    assert 'trust = "explicit"' in outcome.err
    assert str(user_config_path()) in outcome.err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "name a plugin or a file (plugins here: guard, part)"),
        (("gaurd",), "did you mean 'guard'?"),
        (("app.py",), "the file is not a WASM module"),
        (("forbidden.wasm",), "it cannot run, and is not trusted"),
        (("--list", "guard"), "--list takes neither names nor --revoke"),
        (("--revoke",), "name a plugin or a file"),
        (("guard", "app.py"), "the file is not a WASM module"),
    ],
)
def test_trust_nothing(app: Project, run: Run, arguments: tuple[str, ...], says: str) -> None:
    (app.path / "forbidden.wasm").write_bytes(FORBIDDEN)
    outcome = run("plugin", "trust", *arguments)
    assert (outcome.code, outcome.out) == (2, "")
    assert says in outcome.err
    assert len(run("plugin", "trust", "--list").out.splitlines()) == 2


def test_a_wrong_configuration_of_the_user(app: Project, run: Run) -> None:
    user_config_path().write_text("[plugins.wasm]\ntrust = true\n")
    for command in (("list",), ("lock",), ("trust", "guard"), ("inspect", "guard")):
        outcome = run("plugin", *command)
        assert (outcome.code, outcome.out) == (2, "")
        assert f"{user_config_path()}: 'plugins.wasm.trust'" in outcome.err


# --------------------------------------------------------------------------------------------------- suggest --locked


def test_suggest_locked_without_a_lock(app: Project, run: Run) -> None:
    outcome = run("suggest", "--locked", "--output-format", "json")
    assert outcome.code == 2
    [error] = json.loads(outcome.out)["errors"]
    assert error["kind"] == "untrusted"
    assert "wasm/guard, wasm/part" in error["message"]
    assert "semfora-hooks plugin lock" in error["hint"]


def test_a_repository_without_plugins_passes_locked(project: Project, run: Run) -> None:
    project.write({"app.py": "print(1)\n"})
    assert run("suggest", "--locked").code == 0


def test_the_configuration_can_ask_for_a_lock(app: Project, run: Run) -> None:
    app.write({"semfora.toml": "[plugins.wasm]\nlocked = true\n"})
    outcome = run("suggest", "--output-format", "json")
    assert outcome.code == 2
    assert [error["kind"] for error in outcome.json["errors"]] == ["untrusted"]
