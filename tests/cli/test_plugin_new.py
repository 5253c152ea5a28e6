"""`plugin new`: projects for plugins. `tests/e2e/test_plugin_authoring.py` builds and runs them."""

from __future__ import annotations

import json
import keyword
import re
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from semfora_hooks.cli.plugin import scaffold
from semfora_hooks.cli.plugin.scaffold import LANGUAGES, identifier, write_project
from semfora_hooks.errors import UsageError
from semfora_hooks.providers.wasm.manifest import parse_manifest

from .conftest import Outcome, Project

Run = Callable[..., Outcome]
SOURCES = Path(__file__).parents[2] / "plugins"
PRESENT = [name for name in LANGUAGES if (SOURCES / name / "semfora-plugin-template" / "README.md").is_file()]
SDK = "semfora-plugin-sdk"


@pytest.fixture(params=PRESENT)
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_there_is_a_template_for_these_languages() -> None:
    assert {"rust", "assemblyscript", "go", "python", "c"} <= set(PRESENT)


def texts(project: Path) -> dict[str, str]:
    """The files of a project that are its own, not the SDK's."""
    files = [path for path in project.rglob("*") if path.is_file() and SDK not in path.relative_to(project).parts]
    return {path.relative_to(project).as_posix(): path.read_text("utf-8") for path in files}


def test_the_project_has_its_own_name_everywhere(tmp_path: Path, language: str) -> None:
    project = write_project("my-rule", language, tmp_path)
    assert project == tmp_path / "my-rule"
    files = texts(project)
    for path, text in files.items():
        for word in ("layer-guard", "layer_guard", "LayerGuard", "Layer-guard", "semfora-plugin-template"):
            assert word not in path + text, (path, word)
    assert files["README.md"].startswith("# my-rule\n\n`my-rule` finds calls that go up")
    manifest = parse_manifest((project / "manifest.yaml").read_bytes(), "manifest.yaml")
    assert manifest.errors == []
    (plugin,) = manifest.plugins
    assert (plugin.entry.name, plugin.entry.file_name, plugin.entry.tests) == ("my-rule", "my-rule.wasm", "fixtures")


def test_the_project_stands_alone(tmp_path: Path, language: str) -> None:
    """It has the SDK inside, whole, and nothing in it leads outside."""
    project = write_project("my-rule", language, tmp_path)
    inside = {path.relative_to(project / SDK) for path in (project / SDK).rglob("*") if path.is_file()}
    source = SOURCES / language / SDK
    built = {"target", "node_modules", "build", "zig-out", ".zig-cache"}
    built |= {"__pycache__", ".mypy_cache", ".pytest_cache", ".ruff_cache"}
    wanted = {path.relative_to(source) for path in source.rglob("*") if path.is_file() and path.suffix != ".wasm"}
    assert inside == {path for path in wanted if not built & set(path.parts)}
    for path, text in texts(project).items():
        depth = path.count("/")
        for match in re.finditer(r"(?:\.\./)+", text):
            assert match[0].count("../") <= depth, (path, text[match.start() - 30 : match.end() + 30])
    assert not (project / "README.md").read_text("utf-8").count("beside it,")


def test_what_compilers_leave_is_not_copied(tmp_path: Path, language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import shutil

    source = tmp_path / "plugins"
    shutil.copytree(SOURCES / language, source / language, ignore=shutil.ignore_patterns("target", "node_modules"))
    for folder in (source / language, source / language / SDK, source / language / "semfora-plugin-template"):
        for name in ("target/debug/x", "node_modules/y", "__pycache__/z.pyc", ".zig-cache/c"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(b"\xff")
        (folder / "layer-guard.wasm").write_bytes(b"\xff")
    monkeypatch.setattr(scaffold, "templates", lambda: source)
    project = write_project("x", language, tmp_path)
    files = [path.relative_to(project).as_posix() for path in project.rglob("*") if path.is_file()]
    assert [name for name in files if re.search(r"target/|node_modules|__pycache__|zig-cache|\.wasm$", name)] == []
    assert "README.md" in files


def test_what_is_printed_leads_on(project: Project, run: Run, language: str) -> None:
    outcome = run("plugin", "new", "my-rule", "--lang", language)
    assert (outcome.code, outcome.err) == (0, "")
    first, *commands = outcome.out.splitlines()
    assert first.startswith(f"wrote my-rule, a plugin in {LANGUAGES[language]}; its README.md says")
    readme = (project.path / "my-rule" / "README.md").read_text("utf-8")
    assert commands[0] == "  cd my-rule"
    assert len(commands) >= 3
    assert commands[-1] == "  semfora-hooks plugin test ."
    for command in commands[1:]:
        assert f"\n$ {command.strip()}\n" in readme


def test_into(project: Project, run: Run) -> None:
    (project.path / "some where").mkdir()
    outcome = run("plugin", "new", "x", "--lang", "c", "--into", "some where")
    assert "\n  cd 'some where/x'\n" in outcome.out
    assert (project.path / "some where" / "x" / "x.c").is_file()
    assert [path.name for path in (project.path / "some where").iterdir()] == ["x"]
    assert run("plugin", "new", "y", "--lang", "c", "--into", "nowhere").code == 2


@pytest.mark.parametrize("kind", ["folder", "file", "link"])
def test_nothing_is_overwritten(project: Project, run: Run, kind: str) -> None:
    place = project.path / "x"
    if kind == "folder":
        place.mkdir()
    elif kind == "file":
        place.write_text("mine")
    else:
        place.symlink_to("nowhere")
    outcome = run("plugin", "new", "x", "--lang", "go")
    assert outcome.code == 2
    assert "'x' exists already, and is not overwritten" in outcome.err
    assert [path.name for path in project.path.iterdir()] == ["x"]
    assert kind != "folder" or list(place.iterdir()) == []


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "../x",
        "a/b",
        "/tmp/x",
        "a\\b",
        "a b",
        "-x",
        ".x",
        "x.",
        "x-",
        "a\nb",
        "ü",
        "a;b",
        "x" * 65,
        "$(x)",
    ],
)
def test_hostile_names_are_refused(project: Project, run: Run, name: str) -> None:
    outcome = run("plugin", "new", "--lang", "rust", "--", name)
    assert outcome.code == 2
    assert "cannot be a plugin's name" in outcome.err
    assert list(project.path.iterdir()) == []


@pytest.mark.parametrize("name", ["CON", "nul.x", "com1"])
def test_names_of_devices_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="Windows has a device called so"):
        write_project(name, "c", tmp_path)


@pytest.mark.parametrize(
    "name", ["true", "1.5", "null", "2026-01-01", "0x1", "1e3", "on", "A", "x.y_z-1", "fn", "json"]
)
def test_names_that_mean_something_elsewhere(tmp_path: Path, language: str, name: str) -> None:
    """They stay the plugin's name; words of languages and of formats are not taken for others."""
    project = write_project(name, language, tmp_path)
    assert yaml.safe_load((project / "manifest.yaml").read_bytes())["plugins"][0]["name"] == name
    word = identifier(name)
    files = texts(project)
    if language == "rust":
        manifest = tomllib.loads(files["Cargo.toml"])
        assert (manifest["lib"]["name"], manifest["package"]["name"]) == (word, word.replace("_", "-"))
    elif language == "python":
        assert f"{word}.py" in files
        assert f"\nfrom {word} import evaluate\n" in files[f"test_{word}.py"]
    elif language == "go":
        assert files["go.mod"].startswith(f"module {word.replace('_', '-')}\n")
        assert "replace semfora.dev/plugin-sdk => ./semfora-plugin-sdk" in files["go.mod"]
    elif language == "c":
        assert f"{word}.c" in files
    else:
        assert json.loads(files["package.json"])["name"] == word.replace("_", "-")


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("my-rule", "my_rule"),
        ("My.Rule", "my_rule"),
        ("a--b", "a_b"),
        ("1st", "plugin_1st"),
        ("json", "plugin_json"),
        ("class", "plugin_class"),
        ("fn", "plugin_fn"),
        ("main", "plugin_main"),
        ("serde_json", "plugin_serde_json"),
    ],
)
def test_identifiers(name: str, word: str) -> None:
    assert identifier(name) == word


def test_identifiers_are_words_of_no_language() -> None:
    for name in (*keyword.kwlist, *sys.stdlib_module_names, "fn", "crate", "std", "cmd", "abi", "semfora", "index"):
        found = identifier(name.replace("_", "x") if name.startswith("_") else name)
        assert re.fullmatch(r"[a-z][a-z0-9_]*", found)
        assert found not in {*keyword.kwlist, *sys.stdlib_module_names}


def test_rust_is_a_workspace_of_its_own(tmp_path: Path) -> None:
    project = write_project("zebra", "rust", tmp_path)
    manifest = tomllib.loads((project / "Cargo.toml").read_text("utf-8"))
    assert manifest["workspace"]["members"] == [SDK]
    assert manifest["profile"]["release"]["panic"] == "abort"
    assert manifest["dependencies"][SDK]["path"] == SDK
    names = [item["name"] for item in tomllib.loads((project / "Cargo.lock").read_text("utf-8"))["package"]]
    assert names == sorted(names)
    assert {"zebra", SDK, "serde"} <= set(names)
    assert (project / ".gitignore").read_text("utf-8").split() == ["target/", "*.wasm"]


def test_a_language_whose_template_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scaffold, "templates", lambda: tmp_path / "nowhere")
    with pytest.raises(UsageError, match="has no template for Rust"):
        write_project("x", "rust", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written(project: Project, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("shutil.copytree", full)
    outcome = run("plugin", "new", "x", "--lang", "c")
    assert outcome.code == 2
    assert "'x' cannot be written: No space left on device" in outcome.err
    assert list(project.path.iterdir()) == []


def test_the_language_is_asked_for(run: Run) -> None:
    assert run("plugin", "new", "x").code == 2
    assert run("plugin", "new", "x", "--lang", "cobol").code == 2
