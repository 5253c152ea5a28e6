"""The commands, settings and fixtures of docs/pytest.md, as typed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.e2e

PAGE = (Path(__file__).parents[2] / "docs" / "pytest.md").read_text("utf-8")
ORDERS = "def total(order):\n    return sum(order)\n"
VIEWS = "from app.domain.orders import total\n\n\ndef view(request):\n    return total(request)\n"
RULE = 'name: handlers\nmatch: {name: handle}\nexamples:\n  - fires: "def handle(): pass"\n'


def block(language: str) -> str:
    match = re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert match is not None
    return match[1]


def commands() -> list[str]:
    return [line.partition("  #")[0].strip() for line in block("sh").splitlines()]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "repository"
    files = {
        "app/__init__.py": "",
        "app/domain/__init__.py": "",
        "app/domain/orders.py": ORDERS,
        "app/web/__init__.py": "",
        "app/web/views.py": VIEWS,
        "test_app.py": "from app.web.views import view\n\n\ndef test_view():\n    assert view([1, 2]) == 3\n",
        ".semfora/rules/handlers.yaml": RULE,
        "pytest.ini": "[pytest]\n",
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    for command in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "first"]):
        subprocess.run(["git", *command], cwd=root, check=True)
    return root


def run(root: Path, command: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTEST_ADDOPTS": "-p no:hypothesispytest",
    }
    return subprocess.run(
        ["sh", "-c", command], cwd=root, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.parametrize("command", commands())
def test_a_command_of_the_page(command: str, repository: Path) -> None:
    done = run(repository, command)
    assert done.returncode == 0, done.stdout + done.stderr
    assert ("= semfora =" in done.stdout) == ("no-semfora" not in command and "handlers.yaml" not in command)
    for _, name in re.findall(r"(\w+:|--junitxml=)(out/[\w.]+)", command):
        assert (repository / name).stat().st_size > 100


def test_there_are_commands() -> None:
    assert len(commands()) == 11


def test_the_settings_of_the_page(repository: Path) -> None:
    (repository / "pytest.ini").unlink()
    (repository / "pyproject.toml").write_text(block("toml"))
    (repository / "app/dead.py").write_text("def _unused():\n    return 1\n")
    done = run(repository, "pytest -q -W error")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "FAILED semfora::dead-code" in done.stdout
    assert (repository / "out/report.json").exists()


def test_the_fixtures_of_the_page(repository: Path) -> None:
    (repository / "test_architecture.py").write_text(block("python"))
    done = run(repository, "pytest -q")
    assert done.returncode == 0, done.stdout
    assert "5 passed" in done.stdout
    (repository / "app/domain/orders.py").write_text(f"from app.web.views import view\n\n{ORDERS}\n\nview([])\n")
    broken = run(repository, "pytest -q test_architecture.py")
    assert "1 failed, 3 passed" in broken.stdout
    assert "app.domain.* should not call app.web.*" in broken.stdout


def test_every_option_is_on_the_page() -> None:
    listed = set(re.findall(r"`(--(?:no-)?semfora[a-z-]*)`", PAGE))
    told = run(Path.cwd(), "pytest --help").stdout
    assert listed == set(re.findall(r"^  (--(?:no-)?semfora[a-z-]*)", told, re.MULTILINE))
