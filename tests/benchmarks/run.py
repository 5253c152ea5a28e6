"""Measure every target of `performance.md`, the peers beside us, and print tables.

Usage: python tests/benchmarks/run.py [--quick | --once] [--repeat N] [--only PARTS] [--sizes 1,4,16,64]
                                      [--source FOLDER] [--write-docs]

Everything runs through the command line, in fresh processes, by turns. The whole takes more than an hour, two thirds
of it at 64 times the size; `--quick` (one size, few repeats, only the paths that have targets) under a minute. With
`--once`, each program runs once and gets small inputs: it shows that the benchmark works, and its numbers say nothing.
Peers are those of the group `bench`, and semgrep, which a run that is not quick installs into an environment of its
own; one that is missing is said to be so.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import contenders as who
import corpus
import plot
import rules_bench
import tables
from measure import Row, take_turns
from staging import HERE, Repository
from targets import Results, Size

DOCS = HERE.parent.parent / "docs"
SIZES = (1, 4, 16, 64)
PARTS = {
    "paths": ("machine", "targets", "growth", "stages", "programs"),
    "rules": ("rules",),
    "plugins": ("plugins",),
}
"""What can be measured on its own, and the sections of the page that it fills."""


def main() -> int:
    """Run everything and print the tables."""
    options = _options()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # installed programs are compiled; a checkout must be able to be
    if options.write_docs:
        _check_docs(options.write_docs, options.only)
    cache = _cache()
    source = options.source or corpus.django(cache)
    semgrep = who.find_semgrep(
        cache, install=not (options.quick or options.source or options.no_install or options.no_peers)
    )
    results = Results([])
    sections: dict[str, str] = {}
    problems = False
    if "plugins" in options.only:
        results.plugins = who.cost_of_plugins("--once" if options.once else "--quick" if options.quick else None)
        sections["plugins"] = tables.plugins(results)
    if "paths" in options.only:
        _all_sizes(results, source, options, semgrep)
        if not results.sizes:
            return 130
        small = (100_000, 1) if options.once else (10_000_000, 5 if options.quick else 15)
        results.wasm = who.overhead_of_wasm(*small)
        made = (tables.targets, tables.growth, tables.stages, tables.programs)
        sections |= {"machine": _machine(results, options)} | {make.__name__: make(results) for make in made}
    if "rules" in options.only:
        sections["rules"], problems = _rules(source, options, semgrep)
    order = [name for part in PARTS.values() for name in part]
    print("\n\n".join(sections[name] for name in order if name in sections))
    if options.write_docs:
        _write_docs(options.write_docs, sections, results)
    ours = [row for size in results.sizes for row in size.rows.values() if row.report is not None]
    return 1 if problems or any(row.problem not in (None, who.NO_WASMTIME) for row in ours) else 0


def _all_sizes(results: Results, source: Path, options: argparse.Namespace, semgrep: Path | None) -> None:
    """Measure each size; those that were finished stay if somebody interrupts."""
    with tempfile.TemporaryDirectory(prefix="semfora-bench-") as folder:
        try:
            for copies in options.sizes:
                scratch = Path(folder) / str(copies)
                scratch.mkdir()
                first = copies == options.sizes[0]
                size = _measure(source, copies, scratch, options, semgrep, first=first)
                results.sizes.append(size)
                shutil.rmtree(scratch)
                print(f"size {copies}: {tables.summary(size)}", file=sys.stderr)
        except KeyboardInterrupt:
            print("\ninterrupted; the tables have the sizes that were finished", file=sys.stderr)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one size, and runs that are few")
    parser.add_argument("--once", action="store_true", help="--quick, each program once: to test the benchmark")
    parser.add_argument("--repeat", type=int, metavar="N", help="runs that count (default: 5)")
    parser.add_argument("--sizes", type=_sizes, help="copies of the sources, as 1,4,16,64 (the default) or fewer")
    parser.add_argument(
        "--only", type=_parts, help=f"parts to measure, as {','.join(PARTS)} (the default; with --quick, paths)"
    )
    parser.add_argument("--source", type=Path, help="a Python package's folder; Django from PyPI by default")
    parser.add_argument("--no-peers", action="store_true", help="only ourselves; for work on one of our stages")
    parser.add_argument("--no-install", action="store_true", help="leave semgrep out where it is not installed")
    parser.add_argument(
        "--write-docs",
        type=Path,
        nargs="?",
        const=DOCS,
        metavar="DOCS",
        help="write the tables into DOCS/performance.md, between its markers, and the plot into DOCS/img",
    )
    options = parser.parse_args()
    options.quick = options.quick or options.once
    options.only = options.only or (("paths",) if options.quick else tuple(PARTS))
    options.sizes = options.sizes or (SIZES[:1] if options.quick else SIZES)
    return options


def _parts(text: str) -> tuple[str, ...]:
    parts = tuple(text.split(","))
    if not set(parts) <= PARTS.keys():
        raise argparse.ArgumentTypeError(f"parts are {', '.join(PARTS)}")
    return parts


def _sizes(text: str) -> tuple[int, ...]:
    sizes = tuple(sorted({int(part) for part in text.split(",")}))
    if not sizes or sizes[0] < 1:
        raise argparse.ArgumentTypeError("sizes are whole numbers from 1")
    return sizes


def _cache() -> Path:
    """Where downloads are kept."""
    given = os.environ.get("SEMFORA_BENCH_DIR")
    if given:
        return Path(given).resolve()
    import platformdirs

    return platformdirs.user_cache_path("semfora-bench")


def _repeats(copies: int, options: argparse.Namespace) -> who.Repeats:
    """Fewer runs of what takes minutes."""
    if options.once:
        return who.Repeats(long=1, short=1, peers=1, differences=1, warm_up=False, all_warm_up=False)
    if options.quick:
        few = options.repeat or 1
        return who.Repeats(long=few, short=2 * few, peers=1, differences=2 * few, warm_up=False)
    repeat = options.repeat or 5
    few = copies < 16
    return who.Repeats(repeat, repeat, peers=repeat, differences=4 * repeat if few else repeat, warm_up=few)


def _measure(
    source: Path, copies: int, scratch: Path, options: argparse.Namespace, semgrep: Path | None, *, first: bool
) -> Size:
    """All rows at one size; peers, and what does not depend on the size, at the first only."""
    repository = Repository.make(source, scratch / "repository", copies)
    size = Size(copies, repository.files, repository.size, repository.staged_kilobytes("largest"))
    bench = who.Bench(repository, scratch, _repeats(copies, options))

    def together(rows: list[Row]) -> None:
        take_turns(rows, f"size {copies}")
        repository.restore()
        size.rows |= {row.name: row for row in rows}

    peers = bench.peers(semgrep) if first else []
    if options.quick:
        peers = [row for row in peers if row.name != who.RADON]  # slow, and no target speaks of it
    for row in peers if options.no_peers else ():
        row.problem = "not run: --no-peers"
    together(bench.whole() + peers)
    together(bench.staged() + (bench.staged_peers() + bench.start() if first else []))
    if first:
        together(bench.plugin(("symbol",) if options.quick else ("symbol", "project")))
        together(bench.pytest())
    return size


def _rules(source: Path, options: argparse.Namespace, semgrep: Path | None) -> tuple[str, bool]:
    """Declared rules beside those of ast-grep and semgrep, as a table; and whether one of our runs failed."""
    repeat = options.repeat or (1 if options.quick else 5)
    missing = "--no-peers" if options.no_peers else "not installed (a full run of the benchmark installs it)"
    contests = []
    for rules in (rules_bench.FEW,) if options.quick else (rules_bench.FEW, rules_bench.MANY):
        many = rules == rules_bench.MANY
        # A thousand rules take ast-grep minutes, and would take semgrep more than an hour.
        peers = 0 if options.no_peers else repeat if not many else 1
        program = "it would take more than an hour" if many else missing if options.no_peers else semgrep or missing
        with tempfile.TemporaryDirectory(prefix="semfora-bench-") as folder:
            contests.append(
                rules_bench.contest(
                    source,
                    Path(folder),
                    rules,
                    repeat=repeat,
                    peers=peers,
                    semgrep=program,
                    warm_up=not options.quick,
                )
            )
    ours = [row for one in contests for row in one.rows.values() if row.report is not None]
    return rules_bench.table(contests), any(row.problem for row in ours)


def _machine(results: Results, options: argparse.Namespace) -> str:
    """What was measured, on what."""
    small = results.sizes[0]
    what = options.source.name if options.source else corpus.DJANGO
    load = f", load {os.getloadavg()[0]:.1f} at the end" if hasattr(os, "getloadavg") else ""
    return (
        f"{what}: {small.files} files, {small.size / 1e6:.1f} MB a copy. Python {platform.python_version()}, "
        f"{os.cpu_count()} CPUs{load}. Wall-clock medians in seconds; the number of runs is in the last table."
    )


def _write_docs(docs: Path, sections: dict[str, str], results: Results) -> None:
    """Replace what stands between the markers, and the plot."""
    page = docs / "performance.md"
    text = page.read_text(encoding="utf-8")
    for name, section in sections.items():
        text = _place(name).sub(lambda match, section=section: f"{match[1]}{section}\n{match[2]}", text)
    page.write_text(text, encoding="utf-8")
    if not results.sizes:
        return
    image = docs / "img" / "growth.svg"
    image.parent.mkdir(exist_ok=True)
    image.write_text(_plot(results), encoding="utf-8")


def _check_docs(docs: Path, parts: Sequence[str]) -> None:
    """Complain before the half hour, not after it."""
    text = (docs / "performance.md").read_text(encoding="utf-8")
    missing = [name for part in parts for name in PARTS[part] if not _place(name).search(text)]
    if missing:
        raise SystemExit(
            f"{docs / 'performance.md'}: no '<!-- benchmark: {missing[0]} -->', or no '<!-- end -->' below it"
        )


def _place(name: str) -> re.Pattern[str]:
    return re.compile(rf"(<!-- benchmark: {name} -->\n)(?:.*?\n)??(<!-- end -->)", re.DOTALL)


def _plot(results: Results) -> str:
    """Time a file against files: flat lines are what we want."""
    lines: list[plot.Line] = []
    for name in (who.COLD, who.WARM):
        points = [(size.files, tables.milliseconds_a_file(size, name)) for size in results.sizes]
        lines.append((f"{name.partition(',')[0]}, a file", [(x, y) for x, y in points if y]))
    for name, label in ((who.TYPICAL, "staged, a staged file"), (who.LARGEST, "staged, a large ORM file")):
        medians = [(size.files, size.rows[name].median) for size in results.sizes]
        lines.append((label, [(x, 1000 * y / corpus.STAGED) for x, y in medians if y]))
    return plot.draw("Time a file as the repository grows", "files in the repository", "milliseconds", lines)


if __name__ == "__main__":
    sys.exit(main())
