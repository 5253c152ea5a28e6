"""A third-party provider as users meet it: both distributions built and installed in a fresh virtual environment."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sharing import made_once

pytestmark = pytest.mark.e2e

CHECKOUT = Path(__file__).parents[2]
EXAMPLE = CHECKOUT / "plugins" / "semfora-provider-example"

APP = """\
import time


def pause():
    time.sleep(1)


async def handler(request):
    pause()
    return request


print(handler)
"""


class Environment:
    """A virtual environment with semfora-hooks in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.programs = folder / ("Scripts" if sys.platform == "win32" else "bin")

    def call(
        self, *command: str | Path, cwd: Path | None = None, check: bool = True, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        inherited = {
            key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "PYTEST", "PIP_"))
        }
        done = subprocess.run(
            [self.programs / command[0], *command[1:]],
            cwd=cwd or self.folder,
            env={**inherited, **environment},
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=300,
            check=False,
        )
        assert not check or done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done

    def install(self, *arguments: str | Path) -> None:
        """What the pip of this Python installs there: one of its own takes seconds to come by."""
        pip = [sys.executable, "-m", "pip", "--python", self.programs / "python", "install", "-q"]
        done = subprocess.run(
            [*pip, "--disable-pip-version-check", *arguments], cwd=CHECKOUT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr

    def hooks(self, *arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
        done = self.call("semfora-hooks", *arguments, cwd=cwd, check=False, **environment)
        assert "Traceback" not in done.stderr, done.stderr
        return done


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    def install(folder: Path) -> None:
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True, timeout=300)
        made = Environment(folder)
        made.install("--no-compile", "hatchling")
        made.install("--no-compile", "--no-build-isolation", CHECKOUT, f"{EXAMPLE}[test]")

    return Environment(made_once(tmp_path_factory, "provider-example", install))


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    (tmp_path / "app.py").write_text(APP)
    return tmp_path


def test_the_rule_is_listed_with_its_provider(environment: Environment, repository: Path) -> None:
    done = environment.hooks("rules", "list", cwd=repository)
    assert (done.returncode, done.stderr) == (0, "")
    (line,) = (line for line in done.stdout.splitlines() if line.startswith("asyncio/blocking-call"))
    assert line == (
        "asyncio/blocking-call  on   warning  asyncio-example  An async function that runs blocking code stops every "
        "other task of its event loop until it returns"
    )
    rows = json.loads(environment.hooks("rules", "list", "--output-format", "json", cwd=repository).stdout)
    (row,) = (row for row in rows if row["id"] == "asyncio/blocking-call")
    assert (row["provider"], row["distribution"], row["version"], row["group"], row["enabled"]) == (
        "asyncio-example",
        "semfora-provider-example",
        "0.1.0",
        "asyncio",
        True,
    )


def test_the_rule_fires(environment: Environment, repository: Path) -> None:
    done = environment.hooks("suggest", cwd=repository)
    assert (done.returncode, done.stdout) == (
        0,
        "app.py:8:1: warning asyncio/blocking-call `handler` blocks the event loop: it reaches `time.sleep` through "
        "`pause`\n",
    )
    report = json.loads(environment.hooks("suggest", "--output-format", "json", cwd=repository).stdout)
    assert report["errors"] == []
    (found,) = report["recommendations"]
    assert {key: found[key] for key in ("id", "rule_id", "group", "category", "severity", "confidence")} == {
        "id": "asyncio/blocking-call:app.py::handler:time.sleep",
        "rule_id": "asyncio/blocking-call",
        "group": "asyncio",
        "category": "custom:asyncio",
        "severity": "warning",
        "confidence": 0.9,
    }
    assert [symbol["id"] for symbol in found["symbols"]] == ["app.py::handler", "app.py::pause"]
    assert [(item["text"], item["line"]) for item in found["evidence"]] == [
        ("app.handler calls app.pause", 9),
        ("app.pause calls time.sleep", 5),
    ]
    assert set(report["timings"]["rules"]) > {"asyncio/blocking-call", "dead-code"}


@pytest.mark.parametrize(
    "option",
    [
        ("--no-plugins",),
        ("--disable-provider", "asyncio-example"),
        ("--disable-provider", "semfora-provider-example:asyncio-example"),
    ],
)
def test_the_provider_can_be_switched_off(environment: Environment, repository: Path, option: tuple[str, ...]) -> None:
    report = environment.hooks("suggest", *option, "--output-format", "json", cwd=repository)
    assert report.returncode == 0
    assert json.loads(report.stdout)["recommendations"] == []
    assert "asyncio/blocking-call" not in json.loads(report.stdout)["timings"]["rules"]
    listed = environment.hooks("rules", "list", *option, cwd=repository)
    assert (listed.returncode, listed.stderr) == (0, "")
    assert "asyncio" not in listed.stdout
    assert "dead-code" in listed.stdout


def test_the_provider_can_be_switched_off_for_good(environment: Environment, repository: Path) -> None:
    (repository / "semfora.toml").write_text('[providers]\ndisable = ["asyncio-example"]\n')
    done = environment.hooks("suggest", cwd=repository)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_rules_options(environment: Environment, repository: Path) -> None:
    config = repository / "semfora.toml"
    config.write_text('[rules."asyncio/blocking-call"]\nmax-steps = 0\n')
    done = environment.hooks("suggest", cwd=repository)
    assert (done.returncode, done.stdout) == (0, "")
    config.write_text('[rules."asyncio/blocking-call"]\nmax-steps = "far"\n')
    done = environment.hooks("suggest", cwd=repository)
    assert done.returncode == 2
    assert done.stderr.splitlines()[0] == (
        'error: asyncio-example (semfora-provider-example 0.1.0): [tool.semfora.rules."asyncio/blocking-call"]: '
        "Expected `int`, got `str` - at `$.max-steps`"
    )


def test_the_rule_is_explained(environment: Environment, repository: Path) -> None:
    done = environment.hooks("explain", "asyncio/blocking-call", cwd=repository)
    assert done.returncode == 0
    first = "asyncio/blocking-call (custom:asyncio, warning, on; from asyncio-example (semfora-provider-example 0.1.0))"
    assert done.stdout.splitlines()[0] == first
    assert "  max-steps = 5\n      How many synchronous functions to follow from the async one.\n" in done.stdout


def test_no_rule_is_imported_where_none_is_wanted(environment: Environment, repository: Path) -> None:
    code = (
        "import atexit, sys\n"
        "from semfora_hooks.cli import main\n"
        "loaded = lambda: [name for name in sys.modules if 'provider_example' in name]\n"
        "atexit.register(lambda: print(loaded(), file=sys.stderr))\n"
        "sys.argv = ['semfora-hooks', '{}']\n"
        "main()\n"
    )
    seen = {}
    for command in ("graph", "suggest"):
        seen[command] = environment.call("python", "-c", code.format(command), cwd=repository).stderr.splitlines()[-1]
    assert seen == {
        "graph": "['semfora_provider_example']",
        "suggest": "['semfora_provider_example', 'semfora_provider_example.rules']",
    }


def test_the_plugins_own_tests(environment: Environment, tmp_path: Path) -> None:
    shutil.copytree(EXAMPLE / "tests", tmp_path / "tests")
    done = environment.call("pytest", "-q", "-p", "no:cacheprovider", tmp_path / "tests", cwd=tmp_path)
    assert "9 passed" in done.stdout


# ------------------------------------------------------------------------------------------------- broken neighbours

HEAD = """
from semfora_hooks import Recommendation, Rule, RuleProvider, Severity, hookimpl


class Base(Rule):
    id = "{name}/rule"
    group = "{name}"
    category = "custom:broken"
    severity = Severity.INFO
    description = "Breaks."

    def evaluate(self, context):
        return ()


def provider(load):
    return [RuleProvider(name="{name}", load=load)]
"""

BROKEN = {
    "broken-argument": """
        @hookimpl
        def semfora_rule_providers(repository):
            return []
        """,
    "broken-declaring": """
        @hookimpl
        def semfora_rule_providers():
            raise SystemExit("not today")
        """,
    "broken-evaluate": """
        class Late(Base):
            def evaluate(self, context):
                yield Recommendation(title="kept")
                yield Recommendation(title="unsure", confidence=float("nan"))
                yield {"title": "a dict"}
                print("this must not reach standard output")
                raise ZeroDivisionError("late")

        @hookimpl
        def semfora_rule_providers():
            return provider(lambda config: [Late()])
        """,
    "broken-hook": """
        @hookimpl
        def semfora_rules_provider():
            return []
        """,
    "broken-import": """
        import a_module_nobody_has
        """,
    "broken-loading": """
        class Early(Base):
            def evaluate(self, context):
                yield Recommendation(title="loaded early")

        def load(config):
            yield Early()
            raise LookupError("half-way")

        @hookimpl
        def semfora_rule_providers():
            return provider(load)
        """,
}
"""Distribution to the code of its module. Its version is 0.<its place>."""


@pytest.fixture(scope="module")
def broken(environment: Environment, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the broken distributions installed in it, each built from its own project."""
    sources = tmp_path_factory.mktemp("sources")
    for number, (name, code) in enumerate(BROKEN.items()):
        module = name.replace("-", "_")
        (sources / name).mkdir()
        (sources / name / f"{module}.py").write_text(HEAD.replace("{name}", name) + textwrap.dedent(code))
        (sources / name / "pyproject.toml").write_text(
            '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
            f'[project]\nname = "{name}"\nversion = "0.{number}"\n'
            f'[project.entry-points.semfora_hooks]\n{name} = "{module}"\n'
            f'[tool.hatch.build.targets.wheel]\ninclude = ["{module}.py"]\n'
        )

    def install(target: Path) -> None:
        options = ("--no-build-isolation", "--no-deps", "--target", target)
        environment.install(*options, *(sources / name for name in BROKEN))

    return made_once(tmp_path_factory, "broken-distributions", install)


@pytest.fixture
def hooks(environment: Environment, broken: Path, repository: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    return lambda *arguments: environment.hooks(*arguments, cwd=repository, PYTHONPATH=str(broken))


def test_broken_distributions_are_named_and_the_rest_runs(hooks: Callable[..., Any]) -> None:
    done = hooks("suggest", "--output-format", "json")
    assert done.returncode == 2
    report = json.loads(done.stdout)
    assert [item["title"] for item in report["recommendations"]] == [
        "`handler` blocks the event loop: it reaches `time.sleep` through `pause`",
        "kept",
        "loaded early",
    ]
    errors = {(error["distribution"], error["version"], error["provider"]) for error in report["errors"]}
    assert errors == {(name, f"0.{number}", name) for number, name in enumerate(BROKEN)}
    messages = [error["message"] for error in report["errors"]]
    assert "{'repository'}" in messages[0]  # the rest is in pluggy's words
    assert "unknown hook 'semfora_rules_provider'" in messages[1]
    assert [message.partition(": Plugin ")[0].partition(": unknown hook")[0] for message in messages] == [
        "broken-argument (broken-argument 0.0): loading the plugin failed: PluginValidationError",
        "broken-hook (broken-hook 0.3): loading the plugin failed: PluginValidationError",
        "broken-import (broken-import 0.4): loading the plugin failed: ModuleNotFoundError: No module named "
        "'a_module_nobody_has'",
        "broken-declaring (broken-declaring 0.1): semfora_rule_providers failed: SystemExit: not today",
        "broken-loading (broken-loading 0.5): provider 'broken-loading' failed while loading its rules: LookupError: "
        "half-way",
        "broken-evaluate (broken-evaluate 0.2): rule 'broken-evaluate/rule' raised ZeroDivisionError: late",
        "rule 'broken-evaluate/rule' returned the confidence nan; it must be between 0.0 and 1.0",
        "rule 'broken-evaluate/rule' returned dict, not a Recommendation",
    ]
    for line in done.stderr.splitlines():
        assert line == "this must not reach standard output" or (line.startswith("error: ") and "(broken-" in line)


def test_broken_distributions_can_be_switched_off(hooks: Callable[..., Any]) -> None:
    switches = [part for name in BROKEN for part in ("--disable-provider", name)]
    done = hooks("suggest", *switches)
    assert done.returncode == 0
    assert done.stdout.count("\n") == 1
    done = hooks("suggest", "--no-plugins", "--output-format", "json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["errors"] == []


def test_exit_zero_does_not_hide_them(hooks: Callable[..., Any]) -> None:
    assert hooks("suggest", "--exit-zero", "--select", "dead-code").returncode == 2
    assert hooks("rules", "list").returncode == 2
