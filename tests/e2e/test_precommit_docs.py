"""The commands of docs/pre-commit.md, as typed, with the page's own configuration."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest
import yaml
from precommit_kit import CHECKOUT, TITLES, WHISPER, Make

pytestmark = pytest.mark.e2e

PAGE = (CHECKOUT / "docs" / "pre-commit.md").read_text("utf-8")


def commands() -> list[str]:
    blocks = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    return [line.partition("  #")[0].strip() for block in blocks for line in block.splitlines() if line.strip()]


def test_every_command_of_the_page(make: Make) -> None:
    """In order, in one repository, with a branch `main` and something staged on another one."""
    repository = make({"app.py": WHISPER, ".semfora/rules/r.yaml": "name: r\nmatch: {name: x}\n"})
    match = re.search(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert match is not None
    (source,) = yaml.safe_load(match[1])["repos"]
    configuration = repository.hooks.configuration(*(hook["id"] for hook in source["hooks"]))
    repository.write(".pre-commit-config.yaml", configuration)
    assert repository.commit("--no-verify").code == 0
    repository.git("checkout", "-q", "-b", "feature")
    repository.write("more.py", WHISPER.replace("whisper", "murmur"))
    assert repository.commit("--no-verify").code == 0
    repository.write("third.py", WHISPER.replace("whisper", "mutter"))
    repository.git("add", "-A")
    path = f"{Path(sys.executable).parent}{os.pathsep}{repository.hooks.environment['PATH']}"
    found = commands()
    assert len(found) == 8
    for command in found:
        done = repository.hooks.run(repository.path, "env", f"PATH={path}", "sh", "-c", command)
        assert (done.code, "Failed" in done.text) == (0, False), (command, done.text)
        if command.startswith("pre-commit run"):
            title = TITLES["semfora-all" if "semfora-all" in command else "semfora"]
            assert re.search(rf"^{re.escape(title)}\.+Passed$", done.text, re.MULTILINE), (command, done.text)
        if command.startswith("SKIP"):
            assert re.search(rf"^{re.escape(TITLES['semfora'])}\.+Skipped$", done.text, re.MULTILINE), done.text
    assert {"pre-commit", "pre-merge-commit", "pre-push"} <= {
        hook.name for hook in (repository.path / ".git" / "hooks").iterdir()
    }


def test_the_page_tells_of_every_hook() -> None:
    listed = re.findall(r"^\| `(semfora[a-z-]*)` \|", PAGE, re.MULTILINE)
    assert listed == list(TITLES)
