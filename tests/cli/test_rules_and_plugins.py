"""`rules validate --plugins`: what the hook `semfora-rules` runs."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from .conftest import Outcome, Project
from .test_plugin import FORBIDDEN, GUARD, OTHER, PLUGINS, add

Run = Callable[..., Outcome]
MANIFEST = f"{PLUGINS}/manifest.yaml"
VALIDATE = ("rules", "validate", "--plugins")


@pytest.fixture
def app(project: Project) -> Project:
    """A repository with a rule, a plugin and its manifest."""
    project.write(
        {
            ".semfora/rules/a.yaml": "name: a\nmatch: {name: x}\n",
            MANIFEST: "plugins:\n  - name: guard\n    group: acme\n    description: Guards.\n    file: guard.wasm\n",
        }
    )
    add(project, "guard.wasm", GUARD)
    return project


def test_rules_and_plugins_are_counted(app: Project, run: Run) -> None:
    assert run(*VALIDATE) == (0, "1 rule in 1 file, 1 plugin: all valid; without examples: a\n", "")
    assert run("rules", "validate") == (0, "1 rule in 1 file: all valid; without examples: a\n", "")


def test_a_repository_with_plugins_only(app: Project, run: Run) -> None:
    (app.path / ".semfora/rules/a.yaml").unlink()
    assert run(*VALIDATE) == (0, "0 rules in 0 files, 1 plugin: all valid\n", "")


def test_a_repository_with_nothing(project: Project, run: Run) -> None:
    assert run(*VALIDATE) == run("rules", "validate")
    assert run(*VALIDATE).code == 0


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        (
            "plugins:\n  - name: guard\n    group: acme\n    description: Guards.\n    fiel: guard.wasm\n",
            "unknown key 'fiel'",
        ),
        (
            "plugins:\n  - name: guard\n    group: acme\n    description: Guards.\n    file: gone.wasm\n",
            "the file 'gone.wasm' does not exist",
        ),
        ("plugins: [\n", "manifest.yaml:"),
        (
            "plugins:\n  - name: guard\n    group: acme\n    description: Guards.\n    file: ../../app.wasm\n",
            "app.wasm",
        ),
    ],
)
def test_a_manifest_that_is_wrong(app: Project, run: Run, manifest: str, message: str) -> None:
    app.write({MANIFEST: manifest})
    outcome = run(*VALIDATE)
    assert (outcome.code, outcome.out) == (2, "")
    assert message in outcome.err and "beside rule files; 1 rule can run" in outcome.err
    assert f"error: {MANIFEST}" in outcome.err
    assert run("rules", "validate").code == 0


@pytest.mark.parametrize(
    ("code", "message"),
    [(FORBIDDEN, "imports"), (b"\0asm\1\0\0\0\1", ""), (b"text", "")],
    ids=["import", "cut", "text"],
)
def test_a_binary_that_could_not_run(app: Project, run: Run, code: bytes, message: str) -> None:
    add(app, "guard.wasm", code)
    outcome = run(*VALIDATE)
    assert (outcome.code, outcome.out) == (2, "")
    first, *_, last = outcome.err.splitlines()
    assert first.startswith("error: plugin 'acme/guard' (.semfora/plugins/guard.wasm): ")
    assert message in first
    assert last == "1 error beside rule files; 1 rule can run"


def test_a_plugin_that_changed_since_it_was_locked(app: Project, run: Run) -> None:
    assert run("plugin", "lock").code == 0
    assert run(*VALIDATE).code == 0
    add(app, "guard.wasm", OTHER)
    outcome = run(*VALIDATE)
    assert (outcome.code, outcome.err.count("its content changed since it was locked")) == (2, 1)


def test_what_is_switched_off_is_not_checked(app: Project, run: Run) -> None:
    app.write({MANIFEST: "plugins: [\n", "semfora.toml": "[plugins.wasm]\nenabled = false\n"})
    assert run(*VALIDATE) == (0, "1 rule in 1 file: all valid; without examples: a\n", "")


def test_all_errors_are_told_once(app: Project, run: Run) -> None:
    app.write({".semfora/rules/b.yaml": "name: b\nmatch: {nme: x}\n", MANIFEST: "plugins:\n  - nam: guard\n"})
    outcome = run(*VALIDATE)
    assert outcome.code == 2
    errors = [line for line in outcome.err.splitlines() if line.startswith("error: ")]
    assert len(errors) == len(set(errors))
    assert [line for line in errors if "b.yaml:2" in line] == [errors[0]]
    assert all(MANIFEST in line for line in errors[1:]) and len(errors) > 1


def test_the_configuration_is_read_too(app: Project, run: Run) -> None:
    app.write({"semfora.toml": "fail_on = 'error'\n"})
    outcome = run(*VALIDATE)
    assert (outcome.code, "unknown key 'fail_on'" in outcome.err) == (2, True)


def test_a_range_is_judged_by_the_rules_and_the_baseline_of_the_work_tree(project: Project, run: Run) -> None:
    """On both sides; what is staged is judged by what is staged (`docs/adr/0013-staged-rules.md`)."""
    rule = ".semfora/rules/a.yaml"
    project.write({"app.py": "x = 1\n", rule: "name: a\nmatch: {name: nothing}\n"}).commit()
    project.write({"app.py": "def load(): ...\n\n\nload()\n"}).commit()
    project.write({rule: "name: a\nmatch: {name: load}\n"})  # not committed
    command = ("suggest", "--rule", "a", "--output-format", "json", "--fail-on", "warning")
    outcome = run(*command, "--since", "HEAD~1")
    found = [(item["status"], item["symbols"][0]["id"]) for item in outcome.json["recommendations"]]
    assert (outcome.code, found) == (1, [("introduced", "app.py::load")])
    assert run("baseline", "create", "--rule", "a").code == 0  # neither is this
    assert run(*command, "--since", "HEAD~1").code == 0
    project.write({"app.py": "def load(): ...\n\n\nload(1)\n"}).git("add", "app.py")
    assert run(*command, "--staged", "--all").json["recommendations"] == []
