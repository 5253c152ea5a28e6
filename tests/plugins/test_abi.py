"""The page about the ABI: its example is assembled and run, and what it says of exports, imports and bytes is true."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import wasmtime

from semfora_hooks.providers.wasm import abi, host, wasi

from .conftest import PLUGINS

PAGE = (PLUGINS.parent / "docs" / "plugins" / "abi.md").read_text("utf-8")
FINDING = [{"title": "Something calls `eval`", "severity": "warning"}]


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.M | re.S)


@pytest.fixture(scope="module")
def example() -> host.Binary:
    (source,) = blocks("wat")
    return host.Binary.of(bytes(wasmtime.wat2wasm(source)))


@pytest.mark.parametrize(
    ("context", "found"),
    [
        ('{"calls":[{"caller":"a","external":"eval"}]}', FINDING),
        ('"external":"eval"', FINDING),
        ('{"calls":[{"caller":"a","external":"evaluate"}]}', []),
        ('"external":"eval', []),
        ("", []),
        (" " * 300_000 + '"external":"eval"', FINDING),
        (" " * 300_000, []),
    ],
)
def test_the_example_does_what_the_page_says(
    pool: host.Pool, example: host.Binary, context: str, found: list[dict[str, str]]
) -> None:
    output, log = pool.evaluate(example, context.encode(), memory=1 << 20, timeout=60.0)
    assert json.loads(output) == found
    assert log == ""


def test_the_example_gives_up_where_memory_is_short(pool: host.Pool, example: host.Binary) -> None:
    with pytest.raises(host.SandboxError) as caught:
        pool.evaluate(example, b" " * 100_000, memory=2 << 16, timeout=60.0)
    assert caught.value.kind == "memory"


def test_the_commands_of_the_page_lead_to_its_finding(tmp_path: Path) -> None:
    (source,) = blocks("wat")
    (session,) = blocks("console")
    (tmp_path / ".semfora" / "plugins").mkdir(parents=True)
    (tmp_path / "no-eval.wat").write_text(source, encoding="utf-8")
    (tmp_path / "app.py").write_text("def run(text):\n    return eval(text)\n\n\nrun('1')\n")
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    outputs = []
    for line in session.splitlines():
        if line.startswith("$ "):
            done = subprocess.run(
                ["bash", "-euc", line[2:]],
                cwd=tmp_path,
                env={"PATH": path, "HOME": str(tmp_path)},
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stderr
            outputs.append(done.stdout)
    shown = [line for line in session.splitlines() if not line.startswith("$ ")]
    assert len(shown) == 1
    assert shown[0] in outputs[-1]


def test_every_import_and_export_of_the_page_is_the_sandboxs() -> None:
    exports = set(re.findall(r"^\| `(\w+)` \| (?:`\(|memory|anything)", PAGE, re.M))
    required = set(abi.FUNCTIONS)
    assert exports == required | {"memory", f"semfora_abi_v{abi.ABI_VERSION}", *abi.OPTIONAL_FUNCTIONS}
    imports = re.search(r"^\| import \|.*?\n\n", PAGE, re.M | re.S)
    assert imports is not None
    rows = [line.split("|")[1] for line in imports[0].splitlines()[2:] if line]
    named = [name for row in rows for name in re.findall(r"`(\w+)`", row)]
    assert sorted(named) == sorted(abi.ANSWERED), "each once; every other one is said to answer with an error"
    assert rows[-1].strip() == "every other one"
    assert abi.ABORT == ("env", "abort")
    assert f"error {wasi.NOSYS}, *not supported*" in PAGE
    assert f"the last {wasi.MAX_LOG >> 10} KiB are kept" in PAGE
    assert f"more than {host.MAX_OUTPUT >> 20} MiB" in PAGE


def test_the_packed_result_of_the_page() -> None:
    packed = int(re.search(r"^r = ([0-9a-f ]+?)  +0x([0-9A-F]+)$", PAGE, re.M)[2], 16)  # type: ignore[index]
    spelled = bytes.fromhex(re.search(r"^r = ([0-9a-f ]+?) {3,}0x", PAGE, re.M)[1])  # type: ignore[index]
    assert packed == int.from_bytes(spelled, "big") == 1024 << 32 | 49
