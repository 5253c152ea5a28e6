"""docs/github-actions.md: the workflow is one by its schema, and its steps do what the page says."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "github-actions.md").read_text("utf-8")

pytestmark = pytest.mark.e2e

BLOCK = PAGE.partition("```yaml\n")[2].partition("```")[0]
# YAML 1.1 reads `on` as a truth value; GitHub reads 1.2.
WORKFLOW: dict[Any, Any] = yaml.safe_load(BLOCK)
STEPS: list[dict[str, Any]] = WORKFLOW["jobs"]["semfora"]["steps"]
UNUSED = "def _{}():\n    return 1\n"


def wrong_ones(folder: Path, texts: dict[str, str]) -> set[str]:
    """Names of those workflows that are none."""
    for name, text in texts.items():
        (folder / name).write_text(text)
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", "-o", "json"]
    done = subprocess.run([*command, *texts], cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    told = json.loads(done.stdout)
    wrong = {item["filename"] for item in (*told["errors"], *told.get("parse_errors", []))}
    assert done.returncode == int(bool(wrong)), done.stderr
    return wrong


def test_the_workflow_is_valid(tmp_path: Path) -> None:
    texts = {"workflow.yml": BLOCK}
    for number, wrong in enumerate(
        (
            ("runs-on: ubuntu-latest", "run-on: x"),
            ("uses: actions/checkout@v6", "usses: x"),
            ("on:\n", "off:\n"),
        )
    ):
        assert wrong[0] in BLOCK
        texts[f"wrong{number}.yml"] = BLOCK.replace(*wrong)
    assert wrong_ones(tmp_path, texts) == texts.keys() - {"workflow.yml"}


def test_it_takes_as_little_as_it_needs() -> None:
    assert WORKFLOW["permissions"] == {"contents": "read"}
    assert WORKFLOW["jobs"]["semfora"]["permissions"] == {"contents": "read", "security-events": "write"}
    assert "secrets" not in BLOCK
    # What others write (names of branches) reaches a shell as a variable only.
    assert [step["run"] for step in STEPS if "${{" in step.get("run", "")] == []
    checkout, *_ = (step for step in STEPS if step.get("uses", "").startswith("actions/checkout@"))
    assert checkout["with"] == {"fetch-depth": 0, "persist-credentials": False}
    (upload,) = (step for step in STEPS if step.get("uses", "").startswith("github/codeql-action/upload-sarif@"))
    (written,) = (step for step in STEPS if "sarif" in step.get("run", ""))
    assert f"-o {upload['with']['sarif_file']}" in written["run"]


class Clone:
    """What `actions/checkout` leaves: a clone with a remote `origin`, and the variables of a runner."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.path = folder / "clone"
        self.summary = folder / "summary.md"
        self.summary.write_text("")
        binaries = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        self.environment = {
            **os.environ,
            "PATH": binaries,
            "GITHUB_STEP_SUMMARY": str(self.summary),
            "BASE": "origin/main",
        }
        source = folder / "origin"
        source.mkdir()
        self.shell("git init -q -b main", source)
        (source / "old.py").write_text(UNUSED.format("old"))
        (source / "semfora.toml").write_text('fail-on = "warning"\n')
        self.shell("git add -A && git commit -q -m first && git checkout -q -b feature", source)
        (source / "new.py").write_text(UNUSED.format("new"))
        self.shell("git add -A && git commit -q -m second", source)
        self.shell(f"git clone -q {' '.join(options)} -b feature file://{source} clone", folder)

    def shell(self, script: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run a step as a runner does."""
        return subprocess.run(
            ["bash", "-e", "-c", script],
            cwd=folder or self.path,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


def runs(condition: str = "") -> list[str]:
    """What steps with this condition run, but for the installation."""
    return [
        step["run"]
        for step in STEPS
        if "run" in step and step.get("if", "") == condition and not step["run"].startswith("pip install")
    ]


def test_the_steps_of_a_pull_request(tmp_path: Path) -> None:
    clone = Clone(tmp_path)
    (everything,) = runs()
    done = clone.shell(everything)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    sarif = json.loads((clone.path / "semfora.sarif").read_text())
    (run,) = sarif["runs"]
    files = [result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for result in run["results"]]
    assert sorted(files) == ["new.py", "old.py"]
    assert all(result["partialFingerprints"] for result in run["results"])
    (introduced,) = runs("github.event_name == 'pull_request'")
    done = clone.shell(introduced)
    assert done.returncode == 1
    (annotation,) = re.findall(r"^::(?:error|warning|notice) .*$", done.stdout, re.MULTILINE)
    assert annotation.startswith("::warning ")
    assert "file=new.py,line=1" in annotation
    assert "old.py" not in clone.summary.read_text()
    assert "new.py" in clone.summary.read_text()


def test_the_steps_of_a_push(tmp_path: Path) -> None:
    clone = Clone(tmp_path)
    (branch,) = runs("github.event_name == 'push'")
    done = clone.shell(branch)
    assert done.returncode == 1
    assert "file=old.py" in done.stdout
    assert "old.py" in clone.summary.read_text()
    (ratchet,) = runs("hashFiles('.semfora/baseline.json') != ''")
    assert clone.shell("semfora-hooks baseline create").returncode == 0
    assert clone.shell(branch).returncode == 0
    assert clone.shell(ratchet).returncode == 0
    (clone.path / "old.py").write_text("x = 1\n")
    done = clone.shell(ratchet)
    assert (done.returncode, done.stdout.splitlines()[0]) == (1, "stale: dead-code old.py::_old")


def test_without_the_past_it_says_how_to_fetch_it(tmp_path: Path) -> None:
    clone = Clone(tmp_path, "--depth", "1")
    (introduced,) = runs("github.event_name == 'pull_request'")
    done = clone.shell(introduced)
    assert done.returncode == 2
    assert "fetch" in done.stderr


def test_a_broken_rule_fails_the_first_step_too(tmp_path: Path) -> None:
    clone = Clone(tmp_path)
    (clone.path / ".semfora" / "rules").mkdir(parents=True)
    (clone.path / ".semfora" / "rules" / "r.yaml").write_text("name: r\n")
    (everything,) = runs()
    assert clone.shell(everything).returncode == 2
    assert (clone.path / "semfora.sarif").is_file()


def test_every_step_is_run_here() -> None:
    covered = {
        *runs(),
        *runs("github.event_name == 'pull_request'"),
        *runs("github.event_name == 'push'"),
        *runs("hashFiles('.semfora/baseline.json') != ''"),
    }
    assert {step["run"] for step in STEPS if "run" in step} - covered == {"pip install 'semfora-hooks[wasm]'"}
