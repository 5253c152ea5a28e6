"""What a manifest says is read once, and is the same from the cache."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from semfora_hooks.providers.wasm import keptmanifest
from semfora_hooks.providers.wasm.caches import caches
from semfora_hooks.providers.wasm.keptmanifest import ManifestReader
from semfora_hooks.providers.wasm.manifest import Manifest, parse_manifest

from .test_loading import ENTRY, FULL

SHOWN = ".semfora/plugins/manifest.yaml"
CONFIG = """
  - name: {0}
    group: g
    description: d
    config: {1}
"""


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What was parsed, since."""
    seen: list[bytes] = []

    def parse(data: bytes, shown: str) -> Manifest:
        seen.append(data)
        return parse_manifest(data, shown)

    monkeypatch.setattr(keptmanifest, "parse_manifest", parse)
    return seen


def reader(folder: Path) -> ManifestReader:
    return ManifestReader(caches(None, folder).manifests)


def text(*configs: str) -> bytes:
    return ("plugins:" + "".join(CONFIG.format(f"p{i}", config) for i, config in enumerate(configs))).encode()


def exactly(manifest: Manifest) -> str:
    """All that it says, with types told apart (1, 1.0 and true are equal), and sets in one order."""

    def ordered(value: object) -> object:
        if isinstance(value, dict):
            return {key: ordered(each) for key, each in value.items()}
        if isinstance(value, (list, tuple)):
            return type(value)(map(ordered, value))
        return sorted(value, key=repr) if isinstance(value, (set, frozenset)) else value

    return repr(ordered(dataclasses.asdict(manifest)))


@pytest.mark.parametrize(
    "data",
    [
        FULL.encode(),
        ("plugins:" + ENTRY.format(name="a") + ENTRY.format(name="b")).encode(),
        text("{a: [1, 1.0, true, null, 'x', {b: -0.0}], c: {}}", "{}", "{n: 9007199254740993, s: 'é\\u0007'}"),
        b"plugins: []\n",
        b"schema: 1\n",
        b"",
        text("{some: !!set {a, b}}"),
    ],
)
def test_it_says_the_same(tmp_path: Path, parsed: list[bytes], data: bytes) -> None:
    expected = exactly(parse_manifest(data, SHOWN))
    for _ in range(3):
        assert exactly(reader(tmp_path)(data, SHOWN)) == expected
    assert parsed == [data]


@pytest.mark.parametrize(
    "data",
    [
        b"plugins: [{name: x}]\n",
        b"plugins: 3\n",
        b"a: [\n",
        text("{day: 2026-01-02}"),
        text("{time: 2026-01-02T03:04:05}"),
        text("{large: 99999999999999999999999}"),
        text("{nan: .nan}"),
    ],
)
def test_errors_and_what_has_no_other_form_are_read_each_time(tmp_path: Path, parsed: list[bytes], data: bytes) -> None:
    expected = parse_manifest(data, SHOWN)
    for _ in range(2):
        found = reader(tmp_path)(data, SHOWN)
        assert [str(error) for error in found.errors] == [str(error) for error in expected.errors]
        assert repr(found.plugins) == repr(expected.plugins)
        assert found.readable == expected.readable
    assert parsed == [data] * 2


def test_another_content_name_or_program_is_another_manifest(
    tmp_path: Path, parsed: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    data = text("{a: 1}")
    read = reader(tmp_path)
    read(data, SHOWN)
    assert read(text("{a: 2}"), SHOWN).plugins[0].entry.config == {"a": 2}
    assert read(data, "elsewhere.yaml").plugins[0].where.startswith("elsewhere.yaml:")
    monkeypatch.setattr(keptmanifest, "code_stamp", lambda: "another")
    read(data, SHOWN)
    assert len(parsed) == 4


def test_a_damaged_entry_is_read_anew(tmp_path: Path, parsed: list[bytes]) -> None:
    data = text("{a: 1}")
    read = reader(tmp_path)
    expected = exactly(read(data, SHOWN))
    cache = caches(None, tmp_path).manifests
    [path] = cache.folder.iterdir()
    good = path.read_bytes()
    for damaged in (good[:-1], good[:-1] + b"\xff", b""):
        path.write_bytes(damaged)
        assert exactly(read(data, SHOWN)) == expected
    cache.put(path.name, b"\xc1 not what we wrote")  # whole, and wrong
    assert exactly(read(data, SHOWN)) == expected
    assert len(parsed) == 5


def test_a_warm_run_does_without_yaml(tmp_path: Path) -> None:
    import subprocess
    import sys

    (tmp_path / "manifest.yaml").write_bytes(text("{a: 1}"))
    program = (
        "import sys, pathlib\n"
        "from semfora_hooks.providers.wasm.caches import caches\n"
        "from semfora_hooks.providers.wasm.keptmanifest import ManifestReader\n"
        f"data = pathlib.Path({str(tmp_path / 'manifest.yaml')!r}).read_bytes()\n"
        f"read = ManifestReader(caches(None, pathlib.Path({str(tmp_path / 'cache')!r})).manifests)\n"
        f"print(len(read(data, {SHOWN!r}).plugins), 'yaml' in sys.modules)\n"
    )
    (tmp_path / "cache").mkdir(mode=0o700)
    said = [
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    ]
    assert said == ["1 True\n", "1 False\n"]
