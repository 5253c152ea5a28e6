"""The table of languages: its rows and its place in the page. It asserts no times."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import sample_plugins

SCRIPT = Path(sample_plugins.__file__)
PAGE = sample_plugins.ROOT / "docs" / "plugins" / "index.md"


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.e2e
def test_a_row_for_each_language_goes_between_the_markers(tmp_path: Path) -> None:
    page = tmp_path / "plugins" / "index.md"
    page.parent.mkdir()
    page.write_text(PAGE.read_text("utf-8"), "utf-8")
    done = run("--runs", "2", "--only", "c,rust", "--write-docs", str(tmp_path))
    assert done.returncode == 0, done.stderr
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in done.stdout.splitlines() if "|" in line]
    assert rows[0] == list(sample_plugins.COLUMNS)
    assert {row[0] for row in rows[2:]} == {"[C](c.md)", "[Rust](rust.md)"}
    for row in rows[2:]:
        assert row[1] == "core module"
        numbers = [float(cell.split()[0]) for cell in row[2:]]
        assert all(number > 0 for number in numbers)
        assert numbers[3] <= numbers[2], "the fastest, the median"
    before, _, after = PAGE.read_text("utf-8").partition(sample_plugins.PLACE.search(PAGE.read_text("utf-8"))[0])
    text = page.read_text("utf-8")
    assert text.startswith(before)
    assert text.endswith(after)
    assert done.stdout.strip() in text


def test_the_page_has_a_row_for_each_frozen_language() -> None:
    match = sample_plugins.PLACE.search(PAGE.read_text("utf-8"))
    assert match is not None
    for language in sample_plugins.newest():
        assert f"| [{sample_plugins.TITLES[language]}]({language}.md) |" in match[0]
        assert (PAGE.parent / f"{language}.md").is_file()


def test_the_newest_of_a_language_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("layer-guard-rust-10", "layer-guard-rust", "layer-guard-rust-2")
    made = [sample_plugins.Frozen(name, PAGE.parent, {"language": "rust"}) for name in names]
    monkeypatch.setattr(sample_plugins, "all_frozen", lambda: made)
    assert sample_plugins.newest()["rust"].name == "layer-guard-rust-10"


def test_a_page_without_the_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "index.md").write_text("nothing here\n")
    with pytest.raises(SystemExit, match="no '<!-- benchmark: languages -->'"):
        sample_plugins.write(tmp_path, "| a |")


def test_a_language_that_is_none_is_refused() -> None:
    done = run("--only", "cobol")
    assert done.returncode == 2
    assert "languages are " in done.stderr
