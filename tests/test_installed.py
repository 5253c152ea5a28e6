"""Entry points are found without `importlib.metadata`, and are those it would find."""

from __future__ import annotations

import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterable
from pathlib import Path

import pytest

from semfora_hooks import installed
from semfora_hooks.installed import InstalledPoint, installed_points

GROUP = "semfora_hooks"

Plain = list[tuple[str, str, str, str]]


def install(
    folder: Path,
    name: str,
    entry: str | bytes | None = f"[{GROUP}]\nmade = json\n",
    *,
    version: str = "1.0",
    kind: str = "dist-info",
    metadata: str | bytes | None = "Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n\nName: body\n",
) -> Path:
    """A distribution as an installer leaves it."""
    info = folder / (kind if kind == "EGG-INFO" else f"{name}-{version}.{kind}")
    info.mkdir(parents=True)
    if isinstance(metadata, str):
        metadata = metadata.format(name=name, version=version).encode()
    if metadata is not None:
        (info / ("METADATA" if kind == "dist-info" else "PKG-INFO")).write_bytes(metadata)
    if entry is not None:
        (info / "entry_points.txt").write_bytes(entry if isinstance(entry, bytes) else entry.encode())
    return info


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for packages that is the whole import path."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.setattr(sys, "path", [str(folder)])
    return folder


def plain(points: Iterable[InstalledPoint]) -> Plain:
    return sorted((point.name, point.value, point.distribution, point.version) for point in points)


def found() -> Plain:
    """What is found, where nothing fails."""
    problems: list[tuple[str, Exception]] = []
    points = plain(installed_points(GROUP, lambda *problem: problems.append(problem)))
    assert problems == []
    return points


def by_importlib() -> Plain:
    """What `importlib.metadata` finds, in the same words."""
    importlib.invalidate_caches()
    return sorted(
        (point.name, point.value, point.dist.metadata["Name"].lower().replace("_", "-"), point.dist.version)
        for point in importlib.metadata.entry_points(group=GROUP)
        if point.dist is not None
    )


def made(name: str, version: str = "1.0") -> tuple[str, str, str, str]:
    return "made", "json", name, version


def test_this_environment() -> None:
    assert found() == by_importlib()
    assert {("builtin", "semfora-hooks"), ("wasm", "semfora-hooks")} <= {(name, dist) for name, _, dist, _ in found()}


LAYOUTS = {
    "nothing": "",
    "only another group": "[console_scripts]\nsemfora_hooks = json:loads\n",
    "a group that begins like ours": "[semfora_hooks_extra]\nmade = json\n[semfora_hooks.more]\nmade = json\n",
    "several groups": "[console_scripts]\na = json:loads\n[semfora_hooks]\nb = json\nc = json.decoder\n[x]\nd = json\n",
    "the group twice": "[semfora_hooks]\na = json\n\n[x]\nb = json\n\n[semfora_hooks]\nc = json\n",
    "comments and blanks": "# [semfora_hooks]\n\n[semfora_hooks]\n  # a = json\n\n  made   =  json : loads  \n",
    "a name with a space, a value with equals": "[semfora_hooks]\nmy name = json:loads\nother=a=b\n",
    "extras": "[semfora_hooks]\nmade = json:loads [fast,extra]\n",
    "windows": "[semfora_hooks]\r\nmade = json\r\n",
    "not ASCII": "[semfora_hooks]\nprüfer = json\n",
    "a key without a section": "made = json\n[semfora_hooks]\nother = json\n",
}


@pytest.mark.parametrize("entry", LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize("kind", ["dist-info", "egg-info"])
def test_a_file_of_entry_points(site: Path, entry: str, kind: str) -> None:
    install(site, "My_Rules.dotted", entry, kind=kind)
    assert found() == by_importlib()


def test_what_is_installed_removed_and_upgraded_is_seen_at_once(site: Path) -> None:
    """There is no cache: what changes between two calls, or in place with the same size and time, counts."""
    assert found() == []
    first = install(site, "acme-rules")
    assert found() == [made("acme-rules")]
    install(site, "zeta-rules", version="0.3")
    assert found() == [made("acme-rules"), made("zeta-rules", "0.3")]

    shutil.rmtree(first)
    second = install(site, "acme-rules", version="2.0")
    assert found() == [made("acme-rules", "2.0"), made("zeta-rules", "0.3")]

    entry = second / "entry_points.txt"
    before = entry.stat(), second.stat(), site.stat()
    entry.write_text(f"[{GROUP}]\nmake = json\n")
    for path, status in zip((entry, second, site), before, strict=True):
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert found() == [made("zeta-rules", "0.3"), ("make", "json", "acme-rules", "2.0")]

    shutil.rmtree(second)
    assert found() == [made("zeta-rules", "0.3")]


def test_the_first_distribution_of_a_name_hides_the_later_ones(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = tmp_path / "later"
    monkeypatch.setattr(sys, "path", [str(site), str(tmp_path / "missing"), str(later)])
    install(site, "Acme_Rules", f"[{GROUP}]\nnew = json\n", version="2.0")
    install(later, "acme.rules", f"[{GROUP}]\nold = json\n")
    install(site, "bare", None, version="2.0")  # has no entry points any more
    install(later, "bare")
    install(later, "other")
    assert found() == by_importlib() == [made("other"), ("new", "json", "acme-rules", "2.0")]


def test_an_egg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    egg, folder = tmp_path / "acme_rules-1.0-py3.11.egg", tmp_path / "no"
    install(egg, "acme-rules", kind="EGG-INFO")
    install(folder, "never", kind="EGG-INFO")  # a folder of that name elsewhere means nothing
    monkeypatch.setattr(sys, "path", [str(egg), str(folder)])
    assert found() == by_importlib() == [made("acme-rules")]


def test_the_current_folder_where_it_is_on_the_path(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(site, "acme-rules")
    monkeypatch.chdir(site)
    monkeypatch.setattr(sys, "path", [""])
    assert found() == by_importlib() == [made("acme-rules")]


@pytest.mark.parametrize(
    ("metadata", "identity"),
    [
        (None, ("unknown", "?")),
        ("", ("unknown", "?")),
        ("Version: 1.0\n\nName: body\n", ("unknown", "?")),
        ("Name: acme\n\nVersion: 9\n", ("acme", "?")),
        ("name: Acme_Rules\nVERSION: 1.0\n", ("acme-rules", "1.0")),
        (b"Author: \xff\nName: acme\nVersion: 1.0\n", ("acme", "1.0")),
    ],
)
@pytest.mark.parametrize("way", ["folders", "importlib"])
def test_metadata_that_says_little(
    site: Path, monkeypatch: pytest.MonkeyPatch, metadata: str | bytes | None, identity: tuple[str, str], way: str
) -> None:
    if way == "importlib":
        if isinstance(metadata, bytes):  # it refuses what is not UTF-8
            identity = ("unknown", "?")
        monkeypatch.setattr(installed, "_only_folders", lambda: False)
    install(site, "acme", metadata=metadata)
    assert found() == [("made", "json", *identity)]


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        ("[semfora_hooks]\nthis line has no equals sign\n", "'this line has no equals sign'"),
        (b"[semfora_hooks]\nm\xff = json\n", "utf-8"),
    ],
)
def test_a_broken_distribution_is_named_and_the_others_are_found(site: Path, entry: str | bytes, text: str) -> None:
    install(site, "broken", entry)
    install(site, "healthy")
    install(site, "unreadable", None)
    (site / "unreadable-1.0.dist-info" / "entry_points.txt").mkdir()  # not a file: as if it were not there
    (site / "file.egg-info").write_text("Name: file\n")
    problems: list[tuple[str, Exception]] = []
    points = installed_points(GROUP, lambda *problem: problems.append(problem))
    assert plain(points) == [made("healthy")]
    ((place, error),) = problems
    assert place == str(site / "broken-1.0.dist-info")
    assert text in str(error)


# ----------------------------------------------------------------------------------------------- elsewhere than folders


def test_a_distribution_in_a_zip_file(site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(site, "acme-rules")
    archive = tmp_path / "bundle.zip"
    with zipfile.ZipFile(archive, "w") as bundle:
        bundle.writestr("zipped-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: zipped\nVersion: 1.0\n")
        bundle.writestr("zipped-1.0.dist-info/entry_points.txt", f"[{GROUP}]\nmade = json\n")
    monkeypatch.setattr(sys, "path", [str(site), str(archive)])
    assert found() == by_importlib() == [made("acme-rules"), made("zipped")]


def test_a_finder_that_brings_its_own_distributions(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Finder:
        def find_spec(self, *_: object) -> None:
            return None

        def find_distributions(self, context: object = None) -> list[importlib.metadata.Distribution]:
            folder = tmp_path / "elsewhere" / "special-1.0.dist-info"
            return [importlib.metadata.PathDistribution(folder)]

    install(site, "acme-rules")
    install(site, "broken", f"[{GROUP}]\nno equals sign\n")
    install(tmp_path / "elsewhere", "special")
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, Finder()])
    problems: list[tuple[str, Exception]] = []
    points = installed_points(GROUP, lambda *problem: problems.append(problem))
    assert plain(points) == [made("acme-rules"), made("special")]
    assert [place for place, _ in problems] == [str(site / "broken-1.0.dist-info")]


# ---------------------------------------------------------------------------------------------------------- loading


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("json", json),
        ("json.decoder", json.decoder),
        ("json:loads", json.loads),
        (" json : decoder.JSONDecoder.decode ", json.decoder.JSONDecoder.decode),
        ("json:loads [fast]", json.loads),
    ],
)
def test_what_an_entry_point_names(value: str, expected: object) -> None:
    assert InstalledPoint("made", value, "acme", "1.0").load() is expected


@pytest.mark.parametrize(
    ("value", "kind"), [("json:nope", AttributeError), ("no_such_module_x", ImportError), ("", ValueError)]
)
def test_what_an_entry_point_names_in_vain(value: str, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        InstalledPoint("made", value, "acme", "1.0").load()


def test_nothing_is_imported_or_written_to_find_them(tmp_path: Path) -> None:
    code = (
        "import sys; from semfora_hooks.installed import installed_points\n"
        "points = installed_points('semfora_hooks', print)\n"
        "print(sorted(p.name for p in points if p.distribution == 'semfora-hooks'),\n"
        "      sorted({'importlib.metadata', 'email', 'semfora_hooks.providers'} & set(sys.modules)))\n"
    )
    home = tmp_path / "home"
    home.mkdir()
    done = subprocess.run(
        [sys.executable, "-P", "-B", "-c", code],
        cwd=home,
        env={**os.environ, "HOME": str(home), "XDG_CACHE_HOME": str(home), "SEMFORA_CACHE_DIR": str(home)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "['builtin', 'declarative', 'wasm'] []\n"
    assert list(home.iterdir()) == []
