"""docs/plugins: every command of index, writing, testing and publishing as typed, what they show, and every link."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import frozen
import pytest
from plugins.toolchains import python_toolchains

from plugins import kit
from semfora_hooks.cli.plugin.scaffold import LANGUAGES

pytestmark = pytest.mark.e2e

DOCS = kit.ROOT / "docs" / "plugins"
PAGES = sorted(DOCS.glob("*.md"))
TEMPLATE = kit.PLUGINS / "c" / "semfora-plugin-template"
LINK = re.compile(r"(?<!!)\[[^\]\n]*(?:\n[^\]\n]*)?\]\(([^)\s]+)\)")
HOT_SPOT = """def price(order, customer):
    total = 0
    for line in order:
        if line.open:
            if line.count > 3 and customer.good:
                for step in line.steps:
                    if step:
                        total += step
            elif line.count:
                total += line.count
            else:
                total -= 1
    return total


"""


class Session:
    """A reader who types in a page's commands in a shell, and writes its files."""

    def __init__(self, page: Path, scratch: Path) -> None:
        self._blocks = re.findall(r"^```(\w+)\n(.*?)^```$", page.read_text("utf-8"), re.M | re.S)
        self._scratch = scratch
        self.shown: list[str] = []

    def script(self, *, skip: str = "", files: Mapping[str, str] | None = None) -> Iterator[str]:
        """The page as a shell's script.

        Args:
            skip: The beginning of commands that are left out: downloads that tests share.
            files: The language of blocks that are files, and the files' names.
        """
        yield "set -eu"
        for number, (language, text) in enumerate(self._blocks):
            if language in (files or {}):
                (self._scratch / f"block{number}").write_text(text, "utf-8")
                yield f"cp '{self._scratch}/block{number}' '{(files or {})[language]}'"
            if language != "console":
                continue
            for line in text.splitlines():
                if not line.startswith("$ "):
                    self.shown.append(line)
                elif not skip or not line[2:].startswith(skip):
                    fails = re.fullmatch(r"semfora-hooks suggest( --locked)?|pytest --semfora", line[2:])
                    yield f"{line[2:]} || [ $? -eq 1 ]" if fails else line[2:]

    def run(self, script: Iterator[str], where: Path, environment: Mapping[str, str]) -> str:
        """What the whole script prints; every command must succeed, but those that find something exit with 1."""
        done = subprocess.run(
            ["bash", "-xc", "\n".join(script)],
            cwd=where,
            env={**environment},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-5000:]}"
        return done.stdout


def ours() -> dict[str, str]:
    """An environment in which `semfora-hooks`, `python` and `pytest` are the installed ones."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "PYTEST_ADDOPTS": "-p no:cacheprovider"}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The built project of a plugin: the sample in C, as it was frozen."""
    folder = tmp_path / "path" / "to" / "project"
    shutil.copytree(TEMPLATE / "fixtures", folder / "fixtures")
    shutil.copy(TEMPLATE / "manifest.yaml", folder)
    frozen.named("layer-guard-c").unpack(folder).rename(folder / "layer-guard.wasm")
    return folder


def test_from_nothing_to_a_finding(tmp_path: Path) -> None:
    """writing.md, in Python."""
    shop = kit.repository(tmp_path / "shop")
    users = "\n\n".join(f"def sell{number}(order):\n    return price(order, {number})\n" for number in range(12))
    (shop / "shop" / "prices.py").write_text(HOT_SPOT + users)
    toolchains = python_toolchains()
    environment = toolchains.environment() | {"REPO": str(shop), "PYTHONDONTWRITEBYTECODE": "1"}
    rest = environment["PATH"].removeprefix(f"{toolchains.programs}{os.pathsep}")
    environment["PATH"] = os.pathsep.join((str(toolchains.programs), str(Path(sys.executable).parent), rest))
    session = Session(DOCS / "writing.md", tmp_path)
    script = session.script(skip="pip install", files={"python": "hot_spots.py", "yaml": "manifest.yaml"})
    output = session.run(script, tmp_path, environment)
    assert len(session.shown) == 1
    assert output.count(session.shown[0]) == 1
    assert '"title": "`price` is hard to follow, and 12 others rely on it"' in output, "plugin run"
    assert "1 fixture of 1 plugin: all pass" in output
    fixture = tmp_path / "hot-spots" / "fixtures" / "shop.expected.json"
    assert "cognitive complexity" in fixture.read_text("utf-8")


def test_the_page_names_every_language() -> None:
    page = (DOCS / "writing.md").read_text("utf-8")
    assert re.findall(r"^\| `(\w+)` \|", page, re.M) == sorted(LANGUAGES)


def test_the_commands_about_testing(tmp_path: Path, project: Path) -> None:
    shop = kit.repository(tmp_path / "shop")
    shutil.copytree(project, shop / ".semfora" / "plugins")
    shutil.copytree(project.parents[1], shop / "path")
    shutil.copy(project / "layer-guard.wasm", shop)
    shutil.copytree(
        kit.PLUGINS / "conformance",
        shop / "plugins" / "conformance",
        ignore=shutil.ignore_patterns("__pycache__", "large.*.json"),
    )
    (shop / "pytest.ini").write_text("[pytest]\ntestpaths = shop\n")
    (shop / "semfora.toml").write_text('exclude = ["plugins/**"]\n')
    session = Session(DOCS / "testing.md", tmp_path)
    output = session.run(session.script(), shop, ours())
    assert output.count("3 fixtures of 1 plugin: all pass") == 4, "all, by name, by folder, by file"
    assert "1 of 4 fixtures of 1 plugin written anew" in output
    assert "collected 4 items" in output, "pytest: the plugin"
    assert "collected 1 item" in output, "pytest: one fixture"
    assert "within the budget of 2000 ms" in output
    assert '"plugin": "architecture/layer-guard"' in output, "plugin bench as JSON"
    assert output.count('"title": "`shop.db.save` (db) calls `shop.api.notify` (api)"') >= 2, "plugin run, twice"
    assert "large: ok" in output


def test_the_commands_about_publishing(tmp_path: Path, project: Path) -> None:
    shop = kit.repository(tmp_path / "shop")
    session = Session(DOCS / "publishing.md", tmp_path)
    output = session.run(session.script(), project, ours() | {"REPO": str(shop)})
    assert "layer-guard.wasm: OK" in output
    assert output.count("3 fixtures of 1 plugin: all pass") == 2
    assert output.count(kit.FINDING) == 2
    assert f"sha256    {frozen.named('layer-guard-c').record['sha256']}" in output
    assert "added    layer-guard" in output
    assert ".semfora/plugins/manifest.lock is up to date" in output
    assert "removed  layer-guard" in output


# ------------------------------------------------------------------------------------------------------- links


def anchors(page: Path) -> set[str]:
    """The names of a page's headings, as links have them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.M)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    links = [link for link in LINK.findall(page.read_text("utf-8")) if not link.startswith("http")]
    assert links
    for link in links:
        file, _, anchor = link.partition("#")
        target = (page.parent / file).resolve() if file else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_the_overview_leads_to_every_page() -> None:
    links = set(LINK.findall((DOCS / "index.md").read_text("utf-8")))
    assert {page.name for page in PAGES} - {"index.md"} <= links
