"""What plugins cost, seen from the command line: statistics, caches, workers only where a plugin runs."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import forked
import pytest
import wasmtime
from providers.wasm.builders import constant, searching

pytestmark = pytest.mark.e2e
MANIFEST = "plugins: [{name: marker, group: marks, description: Marks., granularity: %s}]\n"
APP = "def one():\n    return two()\n\n\ndef two():\n    return 2\n"


class Repository:
    def __init__(self, root: Path, cache: Path) -> None:
        self.root = root
        self.cache = cache
        self.git("init", "-q", "-b", "main")

    def git(self, *arguments: str) -> None:
        identity = ["-c", "user.name=t", "-c", "user.email=t@t", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *identity, *arguments], cwd=self.root, check=True, capture_output=True)

    def write(self, path: str, text: str) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)
        self.git("add", "-A")

    def run(self, *arguments: str) -> tuple[str, str]:
        """Our program, which must succeed, with this repository's cache: what it printed to stdout and stderr."""
        done = forked.run(arguments, self.root, {**os.environ, "SEMFORA_CACHE_DIR": str(self.cache)})
        assert done.returncode == 0, done.stderr
        return done.stdout.decode(), done.stderr.decode()

    def suggest(self, *arguments: str) -> tuple[dict[str, Any], str]:
        out, err = self.run("suggest", "--exit-zero", "--output-format=json", *arguments)
        return json.loads(out), err

    def stats(self, *arguments: str) -> dict[str, str]:
        """The one plugin's row of `--plugin-stats`."""
        lines = self.suggest("--plugin-stats", *arguments)[1].splitlines()
        start = next(i for i, line in enumerate(lines) if line.startswith("plugins (times in milliseconds)"))
        titles, row = lines[start + 1 : start + 3]
        names = ["plugin", "contexts", "kB in", "kB out", "encode", "compile", "load", "copy", "guest", "decode"]
        names += ["code hits", "result hits", "peak MiB"]
        assert titles.split() == " ".join(names).split()
        return dict(zip(names, row.split(), strict=True))


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    (tmp_path / "r").mkdir()
    made = Repository(tmp_path / "r", tmp_path / "cache")
    made.write("app.py", APP)
    found = constant('[{"title":"marked","symbols":[{"id":"app.py::one"}]}]')
    (made.root / ".semfora/plugins").mkdir(parents=True)
    (made.root / ".semfora/plugins/marker.wasm").write_bytes(wasmtime.wat2wasm(found))
    made.write(".semfora/plugins/manifest.yaml", MANIFEST % "symbol")
    made.git("commit", "-q", "-m", "x")
    return made


def marks(report: dict[str, Any]) -> list[str]:
    return [item["status"] for item in report["recommendations"] if item["rule_id"] == "marks/marker"]


def test_statistics_and_caches(repository: Repository) -> None:
    first = repository.stats("--no-cache")
    assert (first["plugin"], first["contexts"], first["code hits"], first["result hits"]) == (
        "marks/marker",
        "1",
        "0",
        "0",
    )
    assert float(first["compile"]) > 0
    assert float(first["kB in"]) > 0.5
    assert float(first["peak MiB"]) > 0
    assert not (repository.cache / "wasm").exists()  # --no-cache writes nothing
    repository.stats()
    folders = {path.name for path in (repository.cache / "wasm").iterdir()}
    assert folders == {"compiled", "results", "manifests"}
    assert repository.stats()["contexts"] == "0"  # nothing changed: what was found is known
    repository.write("app.py", APP + "\n\ndef three():\n    return 3\n")
    again = repository.stats()
    assert (again["code hits"], again["result hits"], again["compile"]) == ("1", "0", "0.0")
    assert repository.stats("--no-cache")["code hits"] == "0"


def test_caches_never_change_a_report(repository: Repository) -> None:
    def report(*arguments: str) -> dict[str, Any]:
        made = repository.suggest(*arguments)[0]
        del made["timings"]
        return made

    for text in (APP, APP + "\n\nthree = 3\n"):
        repository.write("app.py", text)
        reports = [report(), report(), report("--no-cache"), report()]
        assert all(made == reports[0] for made in reports)
        assert marks(reports[0]) == [None]


@pytest.mark.parametrize("granularity", ["symbol", "module", "project"])
def test_statuses_of_a_staged_change(repository: Repository, granularity: str) -> None:
    code = searching("::bad", found='[{"title":"bad","symbols":[{"id":"app.py::bad"}]}]', absent="[]")
    (repository.root / ".semfora/plugins/marker.wasm").write_bytes(wasmtime.wat2wasm(code))
    repository.write(".semfora/plugins/manifest.yaml", MANIFEST % granularity)
    bad = APP + "\n\ndef bad(x):\n    return x\n"

    def staged(text: str, path: str = "app.py") -> tuple[list[str], list[str], int]:
        """Statuses without and with `--all`, and how many are fixed; the same without a cache."""
        repository.write(path, text)
        runs = [repository.suggest("--staged", *more)[0] for more in ((), ("--no-cache",), ("--all",))]
        fixed = [sum(item["rule_id"] == "marks/marker" for item in run["fixed"]) for run in runs]
        assert marks(runs[0]) == marks(runs[1])
        assert len(set(fixed)) == 1
        repository.git("commit", "-q", "-m", "next")
        return marks(runs[0]), marks(runs[2]), fixed[0]

    assert staged(bad) == (["introduced"], ["introduced"], 0)
    assert staged(bad.replace("return x", "return x + 1")) == ([], ["inherited"], 0)
    assert staged("def unrelated():\n    return 1\n", "other.py") == ([], ["inherited"], 0)
    assert staged(APP) == ([], [], 1)


def test_a_change_that_nothing_analyses_starts_no_worker(repository: Repository) -> None:
    repository.write("README.md", "text\n")
    _, errors = repository.suggest("--staged", "--plugin-stats")
    assert "plugins: none was run" in errors
    assert not (repository.cache / "wasm").exists()


def test_cache_commands_know_them(repository: Repository) -> None:
    repository.suggest()

    def cache(*arguments: str) -> str:
        return repository.run("cache", *arguments)[0]

    assert "WASM plugins, compiled: 1" in cache("info")
    assert json.loads(cache("info", "--output-format", "json"))["plugins"]["results"]["entries"] == 1
    assert "3 files of WASM plugins" in cache("clean")
    assert "WASM plugins" not in cache("info")
