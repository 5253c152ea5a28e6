"""`plugin test`: fixtures of plugins, in the sandbox and under the plugins' own limits."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import wat

from semfora_hooks.providers.wasm import host
from semfora_hooks.userconfig import user_config_path

from .conftest import Outcome, Project

Run = Callable[..., Outcome]
PLUGINS = ".semfora/plugins"
FINDING: dict[str, Any] = {"title": "It is bad", "severity": "warning", "symbols": [{"id": "a::f"}]}
MANIFEST = """\
plugins:
  - {name: guard, group: g, description: d, tests: cases, limits: {timeout: 1s}}
"""


def write_fixture(folder: Path, name: str, expected: object = None, context: object = None) -> Path:
    """A pair of files; with no `expected`, the context alone."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.context.json").write_text(json.dumps(wat.context() if context is None else context))
    path = folder / f"{name}.expected.json"
    if expected is not None:
        path.write_text(expected if isinstance(expected, str) else json.dumps(expected))
    return path


@pytest.fixture
def app(project: Project) -> Project:
    """A repository with a plugin that always says FINDING, and one fixture that expects it."""
    project.write({"app.py": "print(1)\n", f"{PLUGINS}/manifest.yaml": MANIFEST})
    add(project, "guard", wat.plugin([FINDING]))
    write_fixture(cases(project), "one", [FINDING])
    return project


def add(project: Project, name: str, code: bytes) -> Path:
    path = project.path / PLUGINS / f"{name}.wasm"
    path.write_bytes(code)
    return path


def cases(project: Project) -> Path:
    return project.path / PLUGINS / "cases"


# ---------------------------------------------------------------------------------------------------------- verdicts


def test_it_passes(app: Project, run: Run) -> None:
    assert run("plugin", "test") == (0, "1 fixture of 1 plugin: all pass\n", "")
    for target in ("guard", "g/guard", PLUGINS, f"{PLUGINS}/guard.wasm"):
        assert run("plugin", "test", target) == (0, "1 fixture of 1 plugin: all pass\n", ""), target


def test_layout_order_of_keys_and_defaults_do_not_count(app: Project, run: Run) -> None:
    text = '[ {"symbols":[{"id":"a::f", "name": "f"}],\n"confidence": 1, "severity": "warning", "title": "It is bad"}]'
    write_fixture(cases(app), "one", text)
    assert run("plugin", "test").code == 0


@pytest.mark.parametrize(
    "expected",
    [
        [],
        [FINDING, FINDING],
        [{**FINDING, "severity": "error"}],
        [{**FINDING, "confidence": 0.5}],
        [{**FINDING, "title": "It is good"}],
        [{**FINDING, "symbols": []}],
        [{**FINDING, "metrics": {"n": 1}}],
        [{**FINDING, "suggestion": "do"}],
        {"error": "no"},
    ],
)
def test_every_difference_fails(app: Project, run: Run, expected: object) -> None:
    path = write_fixture(cases(app), "one", expected)
    before = path.read_bytes()
    outcome = run("plugin", "test")
    assert outcome.code == 1
    assert outcome.err == ""
    assert outcome.out.startswith("g/guard, fixture one: other findings than in one.expected.json (- expected, + what")
    assert outcome.out.endswith("\n1 of 1 fixture of 1 plugin failed; --update writes what the plugins say\n")
    assert path.read_bytes() == before


def test_the_difference_is_shown(app: Project, run: Run) -> None:
    write_fixture(cases(app), "one", [{**FINDING, "severity": "error"}])
    lines = run("plugin", "test", "guard").out.splitlines()
    changed = [line for line in lines if line[2:3] in "+-"]
    assert changed == ['  -    "severity": "error",', '  +    "severity": "warning",']
    assert 4 <= len(lines) - 2 <= 9


def test_a_long_difference_is_cut(app: Project, run: Run) -> None:
    write_fixture(cases(app), "one", [{**FINDING, "title": f"number {n}"} for n in range(3000)])
    lines = run("plugin", "test", "guard").out.splitlines()
    assert len(lines) == 63
    assert lines[-2] == "  … and more"


def test_the_order_of_findings_counts(app: Project, run: Run) -> None:
    other = {**FINDING, "title": "Another"}
    add(app, "guard", wat.plugin([FINDING, other]))
    write_fixture(cases(app), "one", [FINDING, other])
    write_fixture(cases(app), "two", [other, FINDING])
    outcome = run("plugin", "test")
    assert outcome.code == 1
    assert "g/guard, fixture two: " in outcome.out
    assert "1 of 2 fixtures of 1 plugin failed" in outcome.out


def test_the_plugins_own_failure_can_be_expected(app: Project, run: Run) -> None:
    add(app, "guard", wat.text_plugin('{"error": "no layers"}'))
    write_fixture(cases(app), "one", {"error": "no layers"})
    write_fixture(cases(app), "two", {"error": "other"})
    outcome = run("plugin", "test")
    assert outcome.code == 1
    assert '  +  "error": "no layers"' in outcome.out
    assert "1 of 2 fixtures" in outcome.out


def test_the_plugin_gets_the_context_byte_for_byte(app: Project, run: Run) -> None:
    add(app, "guard", wat.echo())
    context = json.dumps(wat.context((), config={"layers": ["x"]}), indent=2)
    seen = "".join(" " if c in '"\\\n' else c for c in context)
    path = write_fixture(cases(app), "one", [{"title": seen}])
    path.with_name("one.context.json").write_text(context)
    assert run("plugin", "test").code == 0
    path.with_name("one.context.json").write_text(context.replace('"x"', '"y"'))
    assert run("plugin", "test").code == 1


# ------------------------------------------------------------------------------------------------------------- update


def test_update_writes_what_differs_and_shows_it(app: Project, run: Run) -> None:
    untouched = write_fixture(cases(app), "one", [FINDING])
    wrong = write_fixture(cases(app), "two", [])
    new = write_fixture(cases(app), "three")
    before = untouched.stat().st_mtime_ns
    outcome = run("plugin", "test", "--update")
    assert outcome.code == 0
    assert "fixture two: other findings" in outcome.out
    assert '  +    "title": "It is bad",' in outcome.out
    assert outcome.out.endswith("\n2 of 3 fixtures of 1 plugin written anew; review them\n")
    assert json.loads(wrong.read_text()) == json.loads(new.read_text()) == [FINDING]
    assert wrong.read_text().startswith('[\n  {\n    "title": ')
    assert untouched.stat().st_mtime_ns == before
    assert run("plugin", "test") == (0, "3 fixtures of 1 plugin: all pass\n", "")


def test_without_update_a_context_alone_fails(app: Project, run: Run) -> None:
    path = write_fixture(cases(app), "new")
    outcome = run("plugin", "test")
    assert outcome.code == 1
    assert "g/guard, fixture new: there is no new.expected.json; --update writes it\n" in outcome.out
    assert not path.exists()


def test_update_writes_nothing_where_the_plugin_fails(app: Project, run: Run) -> None:
    add(app, "guard", wat.plugin([FINDING], before=wat.TRAP))
    path = write_fixture(cases(app), "new")
    outcome = run("plugin", "test", "--update")
    assert outcome.code == 2
    assert not path.exists()
    assert json.loads((cases(app) / "one.expected.json").read_text()) == [FINDING]


def test_update_does_not_follow_links(app: Project, run: Run, tmp_path: Path) -> None:
    outside = tmp_path / "outside.json"
    outside.write_text("[]")
    path = write_fixture(cases(app), "one")
    path.unlink()
    path.symlink_to(outside)
    assert run("plugin", "test", "--update").code == 2
    assert outside.read_text() == "[]"


# ------------------------------------------------------------------------------------------------- plugins that fail


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (wat.plugin([FINDING], before=wat.TRAP), "unreachable"),
        (wat.plugin([FINDING], before=wat.SPIN), "time limit of 1 s"),
        (wat.text_plugin("[{}]"), "recommendation 0 of its result"),
        (wat.text_plugin("nonsense"), "is not JSON"),
        (wat.plugin([{**FINDING, "symbols": [{"id": "nobody"}]}]), "there is no symbol 'nobody'"),
        (b"nothing", "not a WASM module"),
    ],
    ids=["trap", "timeout", "malformed", "no JSON", "unknown symbol", "no WASM"],
)
def test_a_plugin_that_fails_is_an_error(app: Project, run: Run, code: bytes, words: str) -> None:
    add(app, "guard", code)
    outcome = run("plugin", "test")
    assert outcome.code == 2
    assert "g/guard, fixture one: could not be checked: plugin 'g/guard' (.semfora/plugins/guard.wasm): " in outcome.out
    assert words in outcome.out
    assert outcome.out.endswith("\n1 of 1 fixture of 1 plugin failed\n")


def test_what_it_prints_is_told_where_it_fails_without_control_characters(app: Project, run: Run) -> None:
    add(app, "guard", wat.plugin([FINDING], log="\x1b[31mred\x1b[0m\n", before=wat.TRAP))
    out = run("plugin", "test").out
    assert "it printed: red" in out
    assert "\x1b" not in out


def test_limits_are_those_of_production(app: Project, run: Run) -> None:
    """The context alone is larger than the plugin's memory may be; a ceiling of the user's counts too."""
    user_config_path().write_text('[plugins.wasm]\nmemory-ceiling = "64KiB"\n')
    outcome = run("plugin", "test")
    assert outcome.code == 2
    assert "ran out of memory; its limit is 0.0625 MiB" in outcome.out
    assert f"memory-ceiling in {user_config_path()}" in outcome.out


def test_one_plugin_that_fails_hides_no_other(app: Project, run: Run) -> None:
    names = ("guard", "bad", "untested")
    manifest = "".join(f"  - {{name: {name}, group: g, description: d}}\n" for name in names)
    app.write({f"{PLUGINS}/manifest.yaml": f"plugins:\n{manifest}  - {{name: gone, group: g, description: d}}\n"})
    add(app, "bad", wat.plugin([], before=wat.TRAP))
    add(app, "untested", wat.plugin([]))
    for name in ("guard", "bad"):
        write_fixture(app.path / PLUGINS / "tests" / name, "x", [FINDING])
    outcome = run("plugin", "test")
    assert outcome.code == 2
    assert "g/bad, fixture x: could not be checked" in outcome.out
    assert outcome.out.endswith("1 of 2 fixtures of 2 plugins failed; without fixtures: g/untested\n")
    assert "the file 'gone.wasm' does not exist" in outcome.err


# ------------------------------------------------------------------------------------------------ fixtures no good


@pytest.mark.parametrize(
    ("context", "words"),
    [
        ("{", "it is no SuggestContext"),
        ("{}", "it is no SuggestContext: Object missing required field `generator`"),
        ('{"generator": 1}', "$.generator"),
        ("[" * 5000, "it is no SuggestContext"),
    ],
)
def test_a_context_that_is_none(app: Project, run: Run, context: str, words: str) -> None:
    write_fixture(cases(app), "one", [])
    (cases(app) / "one.context.json").write_text(context)
    outcome = run("plugin", "test")
    assert outcome.code == 2
    assert words in outcome.out
    assert "one.context.json" in outcome.out


@pytest.mark.parametrize("expected", ["", "1", "[{}]", '[{"title": "x", "symbols": [{"id": "nobody"}]}]'])
def test_something_expected_that_no_plugin_can_say(app: Project, run: Run, expected: str) -> None:
    write_fixture(cases(app), "one", [])
    (cases(app) / "one.expected.json").write_text(expected)
    outcome = run("plugin", "test")
    assert outcome.code == 2
    assert f"could not be checked: {cases(app) / 'one.expected.json'}: " in outcome.out
    assert 'it is what the plugin returns: an array of recommendations, or {"error": …}' in outcome.out


def test_something_expected_of_no_context(app: Project, run: Run) -> None:
    (cases(app) / "lost.expected.json").write_text("[]")
    outcome = run("plugin", "test")
    assert outcome.code == 2
    assert "there is no lost.context.json beside it" in outcome.err


@pytest.mark.parametrize(
    ("tests", "words"),
    [
        ("nowhere", "the folder 'nowhere' does not exist"),
        ("../..", "is outside the plugin folder"),
        ("/", "is outside the plugin folder"),
        ("link", "is outside the plugin folder"),
        ("guard.wasm", "is no folder"),
        ("empty", "there is no file *.context.json"),
    ],
)
def test_a_folder_of_fixtures_that_is_none(app: Project, run: Run, tests: str, words: str) -> None:
    app.write({f"{PLUGINS}/manifest.yaml": MANIFEST.replace("cases", tests)})
    (app.path / PLUGINS / "link").symlink_to(app.path.parent)
    (app.path / PLUGINS / "empty").mkdir()
    outcome = run("plugin", "test")
    assert outcome.code == 2
    assert words in outcome.err
    assert outcome.out == ""


def test_files_that_are_links_are_not_read(app: Project, run: Run, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("password")
    (cases(app) / "two.context.json").symlink_to(secret)
    outcome = run("plugin", "test")
    assert outcome.code == 2
    assert "password" not in outcome.out + outcome.err
    assert "two.context.json: the file cannot be read" in outcome.out


def test_names_of_files_cannot_drive_the_terminal(app: Project, run: Run) -> None:
    write_fixture(cases(app), "a\x1b[31mb", [FINDING])
    outcome = run("plugin", "test")
    assert outcome.code == 2
    assert "cannot be a fixture's name" in outcome.err
    assert "\x1b" not in outcome.err


# ----------------------------------------------------------------------------------------------- what may run, where


def test_no_plugins_and_no_fixtures(project: Project, run: Run) -> None:
    project.write({"app.py": "print(1)\n"})
    assert run("plugin", "test") == (0, "there are no plugins to test\n", "")
    (project.path / PLUGINS).mkdir(parents=True)
    add(project, "guard", wat.plugin([]))
    outcome = run("plugin", "test")
    assert outcome.code == 0
    assert outcome.out == (
        "there are no fixtures; a manifest's 'tests' names their folder, or tests/NAME: wasm/guard\n"
    )
    named = run("plugin", "test", "guard")
    assert named.code == 2
    assert "plugin 'wasm/guard' has no fixtures" in named.err


def test_what_there_is_not(app: Project, run: Run) -> None:
    outcome = run("plugin", "test", "gard")
    assert outcome.code == 2
    assert "there is no plugin, no file and no folder 'gard' (did you mean 'guard'?)" in outcome.err


@pytest.mark.parametrize("target", [(), ("guard",), (f"{PLUGINS}/guard.wasm",)])
def test_the_lock_counts(app: Project, run: Run, target: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    assert run("plugin", "lock").code == 0
    assert run("plugin", "test", *target).code == 0
    add(app, "guard", wat.plugin([FINDING], log="changed"))
    monkeypatch.setattr(host.Worker, "__init__", _refuse)
    outcome = run("plugin", "test", *target)
    assert outcome.code == 2
    assert "its content changed since it was locked" in outcome.err


def test_trust_counts(app: Project, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    user_config_path().write_text('[plugins.wasm]\ntrust = "explicit"\n')
    with monkeypatch.context() as patch:
        patch.setattr(host.Worker, "__init__", _refuse)
        outcome = run("plugin", "test")
        assert outcome.code == 2
        assert "you have not trusted this content" in outcome.err
    assert run("plugin", "trust", "guard").code == 0
    assert run("plugin", "test").code == 0


def _refuse(*_: object) -> None:
    raise AssertionError("a worker was started")


def test_what_is_switched_off_does_not_run(app: Project, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host.Worker, "__init__", _refuse)
    app.write({"semfora.toml": "[plugins.wasm]\nenabled = false\n"})
    outcome = run("plugin", "test")
    assert outcome.code == 2
    assert "plugins.wasm.enabled = false" in outcome.err
    app.write({"semfora.toml": None, f"{PLUGINS}/manifest.yaml": MANIFEST.replace("tests:", "enabled: false, tests:")})
    outcome = run("plugin", "test", "guard")
    assert outcome.code == 2
    assert "plugin 'g/guard' is disabled" in outcome.err


def test_a_file_that_the_manifest_does_not_list(app: Project, run: Run) -> None:
    add(app, "stray", wat.plugin([]))
    outcome = run("plugin", "test", f"{PLUGINS}/stray.wasm")
    assert outcome.code == 2
    assert "is in this repository's plugin folder, and none of its plugins" in outcome.err


def test_a_project_elsewhere_is_its_authors_own(app: Project, run: Run) -> None:
    """Neither lock nor trust are asked; its manifest counts."""
    assert run("plugin", "lock").code == 0
    user_config_path().write_text('[plugins.wasm]\ntrust = "explicit"\n')
    mine = app.path / "mine"
    write_fixture(mine / "fixtures", "one", [FINDING])
    (mine / "rule.wasm").write_bytes(wat.plugin([FINDING]))
    manifest = "plugins:\n  - {name: rule, group: own, description: d, tests: fixtures}\n"
    (mine / "manifest.yaml").write_text(manifest)
    for target, folder in (("mine", "."), ("mine/rule.wasm", "."), (".", "mine"), ("rule.wasm", "mine")):
        assert run("plugin", "test", target, folder=folder) == (0, "1 fixture of 1 plugin: all pass\n", ""), target
    write_fixture(mine / "fixtures", "one", [])
    outcome = run("plugin", "test", "mine")
    assert outcome.code == 1
    assert outcome.out.startswith("own/rule, fixture one: ")


def test_a_project_that_is_not_built(app: Project, run: Run) -> None:
    mine = app.path / "mine"
    mine.mkdir()
    (mine / "manifest.yaml").write_text("plugins:\n  - {name: rule, group: own, description: d}\n")
    outcome = run("plugin", "test", "mine")
    assert outcome.code == 2
    assert "mine/manifest.yaml:2:5: the file 'rule.wasm' does not exist" in outcome.err
    assert "build the plugin first" in outcome.err
    (mine / "manifest.yaml").unlink()
    outcome = run("plugin", "test", "mine")
    assert outcome.code == 2
    assert "there are no plugins in 'mine'" in outcome.err


def test_a_file_elsewhere_with_fixtures_of_ones_choice(app: Project, run: Run) -> None:
    (app.path / "out").mkdir()
    (app.path / "out" / "my_rule.wasm").write_bytes(wat.plugin([FINDING]))
    write_fixture(app.path / "checks", "one", [FINDING])
    assert run("plugin", "test", "out/my_rule.wasm").code == 2
    outcome = run("plugin", "test", "out/my_rule.wasm", "--fixtures", "checks")
    assert outcome == (0, "1 fixture of 1 plugin: all pass\n", "")
    add(app, "other", wat.plugin([]))
    several = run("plugin", "test", "guard", "out/my_rule.wasm", "--fixtures", "checks")
    assert several.code == 2
    assert "--fixtures is for one plugin" in several.err


def test_without_wasmtime(app: Project, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "wasmtime_folder", lambda: None)
    outcome = run("plugin", "test")
    assert outcome.code == 2
    assert "pip install 'semfora-hooks[wasm]'" in outcome.err
