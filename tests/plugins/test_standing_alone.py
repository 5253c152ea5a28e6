"""`plugins/` for someone who has only one folder of it: no link leads out, and what templates share is the same."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import frozen
import pytest

from . import kit

LANGUAGES = sorted(path.parent for path in kit.PLUGINS.glob("*/semfora-plugin-template"))
FOLDERS = [*LANGUAGES, kit.PLUGINS / "conformance", kit.PLUGINS / "semfora-provider-example"]
LINK = re.compile(r"\]\(([^)\s]+)\)")


README = kit.PLUGINS / "README.md"


def pages(folder: Path) -> list[Path]:
    """Its Markdown files, without those that builds and installations put there."""
    skipped = {"target", "node_modules", ".venv", ".pytest_cache"}
    return [path for path in folder.rglob("*.md") if not skipped & set(path.relative_to(folder).parts)]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)
def test_no_link_leads_out_of_the_folder(folder: Path) -> None:
    assert folder / "README.md" in pages(folder)
    for page in pages(folder):
        for link in LINK.findall(page.read_text("utf-8")):
            if not re.match(r"https?://|#", link):
                target = (page.parent / link.partition("#")[0]).resolve()
                assert target.is_relative_to(folder), f"{page}: {link}"
                assert target.exists(), f"{page}: {link}"


def test_the_first_page_leads_to_every_folder_and_its_command_works(tmp_path: Path) -> None:
    assert {f"{folder.name}/README.md" for folder in FOLDERS} == set(LINK.findall(README.read_text("utf-8")))
    (line,) = kit.commands(README)
    path = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "HOME": str(tmp_path)}
    kit.run(["bash", "-euc", line], tmp_path, path)
    page = (tmp_path / "my-rule" / "README.md").read_text("utf-8")
    assert page.startswith("# my-rule\n")


@pytest.mark.parametrize("folder", LANGUAGES, ids=lambda path: path.name)
def test_every_template_has_the_same_fixtures_and_the_same_manifest(folder: Path) -> None:
    template, first = folder / "semfora-plugin-template", LANGUAGES[0] / "semfora-plugin-template"
    shared = ["manifest.yaml", *sorted(path.relative_to(first).as_posix() for path in (first / "fixtures").iterdir())]
    assert len(shared) >= 7
    assert len(list((template / "fixtures").iterdir())) == len(shared) - 1
    for name in shared:
        assert (template / name).read_bytes() == (first / name).read_bytes(), name


def test_the_conformance_kit_works_from_a_copy(tmp_path: Path) -> None:
    """Its README's commands, with a plugin that somebody else built."""
    copy = tmp_path / "conformance"
    shutil.copytree(kit.PLUGINS / "conformance", copy, ignore=shutil.ignore_patterns("__pycache__", "large.*.json"))
    (copy / "path" / "to").mkdir(parents=True)
    frozen.named("layer-guard-c").unpack(copy / "path" / "to").rename(copy / "path" / "to" / "layer-guard.wasm")
    lines = kit.commands(copy / "README.md")
    assert len(lines) == 2
    path = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "HOME": str(tmp_path)}
    outputs = [kit.run(["bash", "-euc", line], copy, path) for line in lines]
    assert "0 files written, 0 removed; large.context.json has " in outputs[0]
    verdicts = outputs[1].splitlines()
    assert len(verdicts) == len(list((copy / "cases").glob("*.context.json"))) + 1
    assert all(verdict.endswith(": ok") for verdict in verdicts)
