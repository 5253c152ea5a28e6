"""Every format against a file that was read by a person. `SEMFORA_UPDATE_GOLDEN=1` writes the files anew."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from semfora_hooks.reporters import REPORTERS

from .sample import REPORT, render

GOLDEN = Path(__file__).parent / "golden"
ENDINGS = {
    "full": "txt",
    "concise": "txt",
    "json": "json",
    "jsonl": "jsonl",
    "sarif": "sarif",
    "github": "txt",
    "gitlab": "json",
    "junit": "xml",
    "markdown": "md",
    "html": "html",
}


@pytest.mark.parametrize("name", list(REPORTERS))
def test_golden(name: str) -> None:
    path = GOLDEN / f"{name}.{ENDINGS[name]}"
    made = render(name, statistics=True)
    if os.environ.get("SEMFORA_UPDATE_GOLDEN") == "1":
        path.write_text(made, encoding="utf-8", newline="\n")
    assert made == path.read_text(encoding="utf-8")


def test_no_file_is_left_over() -> None:
    assert sorted(path.name for path in GOLDEN.iterdir()) == sorted(f"{name}.{end}" for name, end in ENDINGS.items())


@pytest.mark.parametrize("name", list(REPORTERS))
def test_the_same_report_gives_the_same_bytes(name: str) -> None:
    assert render(name, REPORT) == render(name, REPORT)


@pytest.mark.parametrize("name", list(REPORTERS))
def test_no_format_lets_control_characters_through(name: str) -> None:
    made = render(name)
    assert [c for c in made if not (c.isprintable() or c == "\n")] == []
