"""The page about security says what the code does: its limits are the constants, its kinds are all there are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from semfora_hooks.config import TOTAL_TIMEOUT, parse_duration
from semfora_hooks.providers.wasm import abi, failures, folder, host, manifest, output, sandbox, wasi

PAGE = (Path(__file__).parents[4] / "docs" / "plugins" / "security.md").read_text("utf-8")


def rows(title: str) -> dict[str, str]:
    """The first table under a heading: its first column and the rest of each line."""
    part = PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    lines = [line.strip("| ") for line in part.splitlines() if line.startswith("|")][2:]
    return {first.strip(): rest for first, _, rest in (line.partition("|") for line in lines)}


@pytest.mark.parametrize(
    ("row", "value"),
    [
        ("time of an evaluation, start functions and allocator included", f"{manifest.DEFAULT_TIMEOUT:g} s"),
        ("time of all plugins of a run together, compiling included", f"{parse_duration(TOTAL_TIMEOUT):g} s"),
        ("memory of a core module", f"{manifest.DEFAULT_MEMORY >> 20} MiB"),
        ("size of the file", f"{folder.MAX_MODULE >> 20} MiB"),
        ("size of a result", f"{host.MAX_OUTPUT >> 20} MiB"),
        ("findings in a result", f"{output.MAX_RECOMMENDATIONS:,}"),
        ("elements of a table", f"{sandbox.TABLE_ELEMENTS:,}"),
        ("imports, exports", f"{abi.MAX_IMPORTS:,}, {abi.MAX_EXPORTS:,}"),
        ("stack", f"{sandbox.STACK >> 10} KiB"),
        ("time to compile", f"{host.COMPILE_SECONDS:g} s"),
        ("memory to compile", f"{sandbox.COMPILE_MEMORY >> 30} GiB"),
        ("what is kept of what it prints", f"{wasi.MAX_LOG >> 10} KiB"),
        ("memory of a component", f"{(sandbox.COPIED_OUT * 3 // 2 + sandbox.HEADROOM) >> 20} MiB more"),
    ],
)
def test_limits(row, value):
    assert re.search(rf"(^|\D){re.escape(value)}", rows("Limits")[row])


def test_kinds():
    told = {kind.strip("`") for kind in rows("Failures")}
    assert told == {*failures._HINTS, "timeout", "memory", "untrusted", "manifest"}


def test_the_grace_of_the_page():
    assert f"{host.GRACE_SECONDS:g} s after the deadline" in PAGE
