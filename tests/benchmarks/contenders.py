"""Who is measured: ourselves in every situation that has a target, and the peers, each doing what it is known for."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from measure import Row
from staging import HERE, Repository

BIN = Path(sys.executable).parent
PATTERN = "eval({})"
"""The one rule of ast-grep and semgrep, as code with a hole for the arguments."""

COLD, WARM = "cold, all built-in rules", "warm, nothing changed, whole report"
TYPICAL, LARGEST = "staged, 5 typical files", "staged, 5 largest ORM files"
UNCHANGED = "staged, nothing analysed changed"
WITH_PLUGIN, WITHOUT_PLUGIN = "staged, with a WASM plugin", "staged, without it"
WITH_PROJECT_PLUGIN = "staged, with a WASM plugin that needs the whole project"
VERSION, HELP, PYTHON = "--version", "--help", "python -c pass"
PYTEST, PYTEST_BLOCKED = "pytest without --semfora", "pytest -p no:semfora"
VULTURE, RADON, COMPLEXIPY, RUFF = "vulture", "radon cc", "complexipy", "ruff C901"
AST_GREP, SEMGREP = "ast-grep, one rule", "semgrep, one rule"
RUFF_STAGED = "ruff check, the 5 typical files"
NO_WASMTIME = "not run: wasmtime is not installed"


@dataclass(frozen=True)
class Repeats:
    """How many runs count: of long programs, of short ones, of peers, and of those whose difference is a few
    milliseconds; and whether long ones, and short ones of ours, get a run that does not count."""

    long: int
    short: int
    peers: int
    differences: int
    warm_up: bool = True
    all_warm_up: bool = True


class Bench:
    """Makes the rows for one repository, which caches of its own belong to."""

    def __init__(self, repository: Repository, scratch: Path, repeats: Repeats) -> None:
        self.repository = repository
        self.root = repository.root
        self.scratch = scratch
        self.cache = scratch / "cache"
        self.repeats = repeats

    def whole(self) -> list[Row]:
        """Runs over everything: without a cache, and with the one that a full run has made."""
        cold = self._ours(COLD, repeat=self.repeats.long, warm_up=self.repeats.warm_up)
        # A cache of its own: the first warm run after a cold one may be slower than the next ones.
        folder = self.scratch / "cold"
        cold.environment["SEMFORA_CACHE_DIR"] = str(folder)
        cold.before = lambda: shutil.rmtree(folder, ignore_errors=True)
        self.index(self.root)
        return [cold, self._ours(WARM, repeat=max(self.repeats.long, min(3, self.repeats.short)))]

    def staged(self) -> list[Row]:
        """Runs over what is staged: something new each time, on an index that earlier runs built."""
        rows = []
        for name, kind in ((TYPICAL, "typical"), (LARGEST, "largest")):
            row = self._ours(name, "--staged")
            row.before = lambda kind=kind: self.repository.stage(kind)
            rows.append(row)
        unchanged = self._ours(UNCHANGED, "--staged")
        unchanged.before = self.repository.stage_text
        return [*rows, unchanged]

    def plugin(self, granularities: Sequence[str]) -> list[Row]:
        """The same staged run in copies of the repository: without a plugin, and with plugins of some granularities."""
        rows = []
        kinds = {"": WITHOUT_PLUGIN, "symbol": WITH_PLUGIN, "project": WITH_PROJECT_PLUGIN}
        for name, granularity in ((kinds[key], key) for key in ("", *granularities)):
            copy = Repository(self.scratch / name.replace(" ", "-"), 0, 0, self.repository.plan)
            repeat = self.repeats.differences if granularity != "project" else max(1, self.repeats.differences // 4)
            row = self._ours(name, "--staged", root=copy.root, repeat=repeat)
            row.before = lambda copy=copy: copy.stage("typical")
            shutil.copytree(self.root, copy.root, symlinks=True)
            if granularity:
                plugin = copy.root / ".semfora" / "plugins" / "nothing.wasm"
                command = [sys.executable, str(HERE / "wasm_guest.py"), "write", str(plugin)]
                if subprocess.run(command, check=False, capture_output=True).returncode:
                    row.problem = NO_WASMTIME
                else:
                    about = f"name: nothing, group: bench, description: Answers nothing., granularity: {granularity}"
                    (plugin.parent / "manifest.yaml").write_text(f"plugins:\n  - {{{about}}}\n")
            copy.commit("with or without a plugin")
            self.index(copy.root)
            rows.append(row)
        return rows

    def index(self, root: Path) -> None:
        """Build the index that warm and staged runs in `root` find, by one full run."""
        row = self._ours("building the index", root=root)
        subprocess.run(row.command, cwd=root, env=row.full_environment(), check=False, capture_output=True)

    def start(self) -> list[Row]:
        """What takes no analysis."""
        rows = [
            Row(name, [str(BIN / "semfora-hooks"), name], self.root, {"SEMFORA_CACHE_DIR": str(self.cache)})
            for name in (VERSION, HELP)
        ]
        rows.append(Row(PYTHON, [sys.executable, "-c", "pass"], self.root))
        for row in rows:
            row.repeat, row.warm_up = self.repeats.short, self.repeats.all_warm_up
        return rows

    def pytest(self) -> list[Row]:
        """pytest on one empty test, with our plugin at rest and with it blocked, and no others that add noise."""
        folder = self.scratch / "pytest"
        folder.mkdir()
        (folder / "pytest.ini").write_text("[pytest]\n")
        (folder / "test_nothing.py").write_text("def test_nothing():\n    pass\n")
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
        command += ["-p", "no:hypothesispytest"]
        return [
            Row(name, [*command, *extra], folder, repeat=self.repeats.differences, warm_up=self.repeats.all_warm_up)
            for name, extra in ((PYTEST, []), (PYTEST_BLOCKED, ["-p", "no:semfora"]))
        ]

    def peers(self, semgrep: Path | None) -> list[Row]:
        """Other programs on the same files, all of them."""
        where = "."
        home = {"HOME": str(self.scratch), "SEMGREP_SEND_METRICS": "off", "SEMGREP_ENABLE_VERSION_CHECK": "0"}
        rule = self.scratch / "rule.yml"
        rule.write_text(
            "rules:\n  - {id: one, languages: [python], severity: WARNING, message: found, "
            f"pattern: {PATTERN.format('...')}}}\n"
        )
        ruff = [tool("ruff"), "check", "--isolated", "--no-cache", "--exit-zero", "-q"]
        rows = [
            Row(VULTURE, [tool("vulture"), where], self.root),
            Row(RADON, [tool("radon"), "cc", where], self.root),
            Row(COMPLEXIPY, [tool("complexipy"), where, "-q", "--max-complexity-allowed", "15"], self.root),
            Row(RUFF, [*ruff, "--select", "C901", where], self.root),
            Row(AST_GREP, [tool("ast-grep"), "run", "-l", "python", "-p", PATTERN.format("$$$"), where], self.root),
            Row(SEMGREP, [str(semgrep), "scan", "-q", "--config", str(rule), where], self.root, home),
        ]
        if semgrep is None:
            rows[-1].problem = "not run: not installed (a full run of the benchmark installs it)"
        for row in rows:
            row.repeat, row.warm_up = self.repeats.peers, self.repeats.warm_up
        return rows

    def staged_peers(self) -> list[Row]:
        """A linter on the files that are staged, with its own default rules."""
        paths = self.repository.staged_paths("typical")
        command = [tool("ruff"), "check", "--isolated", "--no-cache", "--exit-zero", "-q", *paths]
        warm_up = self.repeats.all_warm_up
        return [Row(RUFF_STAGED, command, self.root, repeat=self.repeats.short, warm_up=warm_up)]

    def _ours(
        self,
        name: str,
        *arguments: str,
        root: Path | None = None,
        repeat: int | None = None,
        warm_up: bool = True,
    ) -> Row:
        report = self.scratch / "report.json"
        return Row(
            name,
            [
                str(BIN / "semfora-hooks"),
                "suggest",
                *arguments,
                "--exit-zero",
                "--output-format=json",
                "-o",
                str(report),
            ],
            root or self.root,
            {"SEMFORA_CACHE_DIR": str(self.cache)},
            repeat=repeat or self.repeats.short,
            warm_up=warm_up and self.repeats.all_warm_up,
            report=report,
        )


def tool(name: str) -> str:
    """The peer installed beside this Python, or on the path."""
    local = BIN / name
    return str(local) if local.exists() else shutil.which(name) or name


def find_semgrep(cache: Path, install: bool) -> Path | None:
    """semgrep, in a virtual environment of its own: it pins the versions of sixty packages.

    Args:
        cache: Where the environment is kept.
        install: Whether to make it if it is missing.
    """
    program = cache / "semgrep" / "bin" / "semgrep"
    if not program.exists() and install:
        folder = program.parent.parent
        print(f"installing semgrep into {folder} ...", file=sys.stderr)
        try:
            subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
            subprocess.run([str(folder / "bin" / "pip"), "install", "-q", "semgrep"], check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError) as error:
            print(f"it cannot be installed: {error}", file=sys.stderr)
    if program.exists():
        return program
    found = shutil.which("semgrep")
    return Path(found) if found else None


def overhead_of_wasm(size: int, repeat: int) -> tuple[float, float] | str:
    """Milliseconds of a WASM guest alone on `size` bytes and of the whole evaluation, or why they are not known."""
    import json

    command = [sys.executable, str(HERE / "wasm_guest.py"), "overhead", str(size), str(repeat)]
    result = subprocess.run(command, check=False, capture_output=True, text=True)
    if result.returncode:
        lines = result.stderr.strip().splitlines()
        return f"not run: {lines[-1][:100] if lines else 'no message'}"
    found = json.loads(result.stdout)
    return found["guest"], found["whole"]


def cost_of_plugins(option: str | None) -> dict[str, Any] | str:
    """What `wasm_plugins.py` measures with one of its options, or why it could not."""
    import json

    command = [sys.executable, str(HERE / "wasm_plugins.py"), *([option] if option else [])]
    result = subprocess.run(command, check=False, capture_output=True, text=True)
    if result.returncode:
        lines = result.stderr.strip().splitlines()
        return f"not run: {lines[-1][:100] if lines else 'no message'}"
    found: dict[str, Any] = json.loads(result.stdout)
    return found
