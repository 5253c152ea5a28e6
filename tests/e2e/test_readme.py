"""The README's commands, as typed."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import forked

from semfora_hooks.cli.plugin.scaffold import LANGUAGES, write_project

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text("utf-8")


def marked(name: str) -> str:
    match = re.search(rf"<!-- command: {name} -->\n```sh\n(.+?)\n```", README, re.DOTALL)
    assert match is not None, name
    return match[1]


def copy_of_checkout(target: Path) -> Path:
    ignore = shutil.ignore_patterns(
        *(".venv", ".git", "__pycache__", ".mypy_cache", ".ruff_cache", ".hypothesis", "target", "node_modules")
    )
    shutil.copytree(ROOT, target, ignore=ignore, symlinks=True)
    return target


def contents(project: Path) -> dict[Path, bytes]:
    return {path.relative_to(project): path.read_bytes() for path in project.rglob("*") if path.is_file()}


def test_the_first_command_sets_up_and_finds_something_in_flask(tmp_path: Path) -> None:
    checkout = copy_of_checkout(tmp_path / "checkout")
    result = subprocess.run(
        ["bash", "-c", marked("try")], cwd=checkout, capture_output=True, text=True, timeout=600, check=False
    )
    assert result.returncode == 0, result.stderr
    assert "flask/app.py" in result.stdout
    assert "is hard to follow: cognitive complexity" in result.stdout
    assert re.search(r"\d+ info in \d+ files \(\d+ symbols", result.stdout)
    assert "Traceback" not in result.stderr
    # What is installed from a wheel has the files that are not code, too.
    program = str(checkout / ".venv" / "bin" / "semfora-hooks")
    subprocess.run([program, "rules", "add", "no-print"], cwd=tmp_path, check=True, capture_output=True, timeout=60)
    assert (tmp_path / ".semfora" / "rules" / "no-print.yaml").is_file()
    shutil.rmtree(checkout / "plugins")  # what an installation starts new plugins with is its own
    (tmp_path / "installed").mkdir()
    for language in LANGUAGES:
        command = [program, "plugin", "new", language, "--lang", language, "--into", "installed"]
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=60)
        ours = write_project(language, language, tmp_path)
        assert contents(tmp_path / "installed" / language) == contents(ours)


def test_ci_runs_the_readme_test_command_itself() -> None:
    script = (ROOT / ".ci" / "run").read_text("utf-8")
    assert "command: test" in script
    assert "pytest" in marked("test")


def test_every_semfora_command_of_the_readme_works(tmp_path: Path) -> None:
    """The block of commands runs in a repository that also has the README's rule and configuration."""
    repo = tmp_path / "repo"
    (repo / ".semfora" / "rules").mkdir(parents=True)
    (repo / "src" / "api").mkdir(parents=True)
    (repo / "src" / "api" / "users.py").write_text("def handle_users(request):\n    return request.load()\n")
    rule = re.search(r"```yaml\n(name: api-error-handling.+?)```", README, re.DOTALL)
    config = re.search(r"```toml\n(\[tool.semfora\].+?)```", README, re.DOTALL)
    assert rule is not None
    assert config is not None
    (repo / ".semfora" / "rules" / "api.yaml").write_text(rule[1])
    (repo / "pyproject.toml").write_text(config[1])
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.com"]
    for command in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-qm", "first"]):
        subprocess.run([*git, *command], cwd=repo, check=True, capture_output=True)

    commands = re.findall(r"^semfora-hooks ([^#\n]+)", README, re.MULTILINE)
    assert len(commands) >= 5
    results = {command.strip(): forked.run(command.split(), repo) for command in commands}
    whole = results.pop("suggest")
    assert whole.returncode == 1, whole.stderr
    assert b"src/api/users.py:1:1: error api-error-handling" in whole.stdout
    for command, result in results.items():
        assert result.returncode == 0, (command, result.stdout, result.stderr)
