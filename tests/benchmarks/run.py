"""Time the main job beside its peers, on Django, in one run, and print a table.

Usage: python tests/benchmarks/run.py [--quick] [--repeat N] [--source FOLDER]

Programs run by turns, so that a machine that slows down slows all of them. Medians of wall-clock seconds, and the peak
memory of the largest process. Peers are those of the dependency group `bench`; one that is missing is said to be so.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

DJANGO = "django==5.2.*"
BIN = Path(sys.executable).parent


@dataclass
class Contender:
    """A program to time.

    Attributes:
        before: Called before each run; for clearing caches.
    """

    name: str
    command: list[str]
    cold: bool = False
    seconds: list[float] = field(default_factory=list)
    memory: list[int] = field(default_factory=list)
    problem: str | None = None


def main() -> int:
    """Run everything and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="three repeats instead of seven")
    parser.add_argument("--repeat", type=int, help="repeats")
    parser.add_argument("--source", type=Path, help="a folder of Python sources; Django from PyPI by default")
    options = parser.parse_args()
    repeat = options.repeat or (3 if options.quick else 7)
    with tempfile.TemporaryDirectory(prefix="semfora-bench-") as scratch:
        folder = Path(scratch)
        source = options.source or download(folder)
        cache = folder / "cache"
        contenders = line_up(source, folder)
        measure(contenders, repeat, cache, folder)
        report(contenders, source, repeat)
    return 1 if any(c.problem and c.name.startswith("semfora") for c in contenders) else 0


def download(folder: Path) -> Path:
    """Django's sources, unpacked from its wheel."""
    target = folder / "corpus"
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-compile", "--target", str(target), DJANGO],
        check=True,
    )
    return target / "django"


def line_up(source: Path, folder: Path) -> list[Contender]:
    """Ourselves and the peers, each doing the same job it is known for on the same files."""
    where = str(source)
    semfora = [sys.executable, "-m", "semfora_hooks", "suggest", where, "--exit-zero", "-o", str(folder / "out.json")]
    semfora += ["--output-format", "json"]
    return [
        Contender("semfora-hooks, cold, all built-in rules", semfora, cold=True),
        Contender("semfora-hooks, warm, nothing changed", semfora),
        Contender("semfora-hooks --version", [sys.executable, "-m", "semfora_hooks", "--version"]),
        Contender("vulture", [tool("vulture"), where]),
        Contender("radon cc", [tool("radon"), "cc", where]),
        Contender("complexipy", [tool("complexipy"), where, "-q", "--max-complexity-allowed", "15"]),
        Contender(
            "ruff C901",
            [tool("ruff"), "check", "--isolated", "--no-cache", "--exit-zero", "-q", "--select", "C901", where],
        ),
        Contender("python -c pass", [sys.executable, "-c", "pass"]),
    ]


def tool(name: str) -> str:
    """The peer installed beside this Python, or on the path."""
    local = BIN / name
    return str(local) if local.exists() else shutil.which(name) or name


def measure(contenders: list[Contender], repeat: int, cache: Path, folder: Path) -> None:
    """Time every contender by turns; the first turn warms file caches and does not count."""
    for turn in range(repeat + 1):
        for contender in contenders:
            if contender.problem:
                continue
            if contender.cold:
                shutil.rmtree(cache, ignore_errors=True)
            seconds, memory, problem = run(contender.command, cache, folder)
            contender.problem = problem
            if turn:
                contender.seconds.append(seconds)
                contender.memory.append(memory)
            if sys.stderr.isatty():
                print(f"\rturn {turn}/{repeat}: {contender.name:<50}", end="", file=sys.stderr)
    if sys.stderr.isatty():
        print(file=sys.stderr)


def run(command: list[str], cache: Path, folder: Path) -> tuple[float, int, str | None]:
    """Seconds, kibibytes of the largest process, and what went wrong."""
    environment = {**os.environ, "SEMFORA_CACHE_DIR": str(cache), "NO_COLOR": "1"}
    start = time.perf_counter()
    try:
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=folder, env=environment
        )
    except OSError as error:
        return 0.0, 0, f"not run: {error.strerror}"
    assert process.stderr is not None
    errors = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    # vulture and complexipy exit with 3 and 1 when they find something; only a crash is a problem
    if process.returncode < 0 or b"Traceback" in errors or (b"error: " in errors and process.returncode == 2):
        return seconds, 0, f"failed: {errors.decode(errors='replace').strip().splitlines()[-1][:80]}"
    return seconds, usage.ru_maxrss, None


def report(contenders: list[Contender], source: Path, repeat: int) -> None:
    """Print the table, as Markdown."""
    files = list(source.rglob("*.py"))
    size = sum(file.stat().st_size for file in files) / 1e6
    base = next((statistics.median(c.seconds) for c in contenders if c.name == "vulture" and c.seconds), None)
    machine = f"Python {platform.python_version()}, {os.cpu_count()} CPUs"
    print(f"{len(files)} files, {size:.1f} MB; medians of {repeat}; {machine}\n")
    print("| program | seconds | fastest | times vulture's | peak MB |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for contender in contenders:
        if not contender.seconds:
            print(f"| {contender.name} | {contender.problem} | | | |")
            continue
        median = statistics.median(contender.seconds)
        ratio = f"{median / base:.2f}" if base else ""
        memory = max(contender.memory) / 1024
        print(f"| {contender.name} | {median:.2f} | {min(contender.seconds):.2f} | {ratio} | {memory:.0f} |")


if __name__ == "__main__":
    sys.exit(main())
