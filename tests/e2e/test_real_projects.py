"""The main job on five well-known projects, as installed from PyPI: no crash, valid JSON, the same bytes each time."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from sharing import made_once

PROJECTS = {
    "django": "django==5.2.*",
    "sympy": "sympy==1.14.*",
    "requests": "requests==2.34.*",
    "flask": "flask==3.1.*",
    "rich": "rich==15.0.*",
}
SYMPY = {"core", "parsing"}
"""The packages of SymPy that are kept, of 40: its largest classes, and generated parsers' tables. All of it takes a
minute of a processor, and Django is large already."""
SCHEMA = Path(__file__).resolve().parents[2] / "docs" / "schemas" / "report.v1.json"


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    def install(target: Path) -> None:
        pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-compile", "--target", str(target)]
        subprocess.run([*pip, *PROJECTS.values()], check=True, capture_output=True, timeout=300)
        for package in (target / "sympy").iterdir():
            if package.is_dir() and package.name not in SYMPY:
                shutil.rmtree(package)

    return made_once(tmp_path_factory, "projects", install)


def suggest(folder: Path, *options: str) -> tuple[int, dict[str, Any]]:
    command = [sys.executable, "-m", "semfora_hooks", "suggest", str(folder), "--output-format", "json", *options]
    result = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert result.stderr == ""
    report = json.loads(result.stdout)
    report.pop("timings")
    return result.returncode, report


@pytest.mark.parametrize("name", PROJECTS)
def test_a_real_project(installed: Path, name: str) -> None:
    code, report = suggest(installed / name)
    jsonschema.validate({**report, "timings": {}}, json.loads(SCHEMA.read_text("utf-8")))
    assert report["errors"] == []
    assert report["incomplete"] == []
    assert report["summary"]["files"] == len(list((installed / name).rglob("*.py"))) > 15
    assert report["recommendations"]
    assert code == int(report["summary"]["failed"])
    for again in (["--no-cache"], []):  # computed afresh in worker processes; read from the cache
        assert suggest(installed / name, *again) == (code, report)


def test_what_is_dead_in_flask_is_what_a_reader_finds_dead(installed: Path) -> None:
    """`_path_is_ancestor` is the one private function of Flask 3.1 that nothing uses; nothing public is reported."""
    _, report = suggest(installed / "flask", "--select", "dead-code")
    names = [item["symbols"][0]["name"] for item in report["recommendations"]]
    source = "".join(path.read_text("utf-8") for path in (installed / "flask").rglob("*.py"))
    assert all(source.count(name) == 1 for name in names)
    assert len(names) <= 2
