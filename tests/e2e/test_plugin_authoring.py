"""From nothing to a finding, in each language: `plugin new`, then every command of the new project's README."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from plugins.authored import NAME, authored, compiled_plugins, semfora

from semfora_hooks.cli.plugin.scaffold import LANGUAGES

pytestmark = pytest.mark.e2e

FINDING = "shop/db.py:4:1: error architecture/my-rule `shop.db.save` (db) calls `shop.api.notify` (api)"


@pytest.mark.parametrize("language", LANGUAGES)
def test_from_nothing_to_a_finding(language: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    made = authored(tmp_path_factory, language)
    assert FINDING in made.output

    shop = shutil.copytree(made.shop, tmp_path / "shop")
    cache = compiled_plugins(tmp_path_factory)
    code, out, err = semfora(shop, cache, "plugin", "test")
    assert (code, err) == (0, "")
    count = re.fullmatch(r"(\d+) fixtures of 1 plugin: all pass\n", out)
    assert count is not None
    assert int(count[1]) >= 3

    fixture = next((shop / ".semfora/plugins/fixtures").glob("upward.expected.json"))
    fixture.write_text(fixture.read_text("utf-8").replace("(core) calls", "(core) does not call"), "utf-8")
    code, out, err = semfora(shop, cache, "plugin", "test", NAME)
    assert code == 1, out + err
    assert f"architecture/{NAME}, fixture upward: other findings than in upward.expected.json" in out
