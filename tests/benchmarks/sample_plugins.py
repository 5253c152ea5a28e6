"""The 1 MB context of the conformance kit through the sample plugin of each language, as it was frozen.

`python tests/benchmarks/sample_plugins.py [--runs N] [--only c,rust] [--write-docs docs]` prints a table, and writes it
between the markers in `docs/plugins/index.md`. What counts is the sandbox process's time on the processor, which other
programs change little; languages take turns. Every result is compared with what the kit expects; one that differs ends
the program. Linux only.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import sys
import time
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from wasm_guest import NOTHING
from wasmtime import wat2wasm

from semfora_hooks.index.processors import processors
from semfora_hooks.providers.wasm import host
from semfora_hooks.providers.wasm.stats import PluginStats

ROOT = Path(__file__).parents[2]
sys.path += [str(ROOT / "tests"), str(ROOT / "plugins" / "conformance")]

from frozen import Frozen, all_frozen  # noqa: E402
from generate import expected  # noqa: E402
from semfora_conformance import contexts  # noqa: E402
from semfora_conformance.canonical import MEMORY, TIMEOUT, canonical  # noqa: E402

TITLES = {"assemblyscript": "AssemblyScript", "c": "C", "go": "Go", "python": "Python", "rust": "Rust"}
COLUMNS = ("language", "kind", "size", "first compilation", "evaluation", "fastest", "elapsed", "memory")
PLACE = re.compile(r"(<!-- benchmark: languages -->\n)(?:.*?\n)??(<!-- end -->)", re.DOTALL)


@dataclass
class Sample:
    """A plugin and what it took, in seconds and bytes.

    Attributes:
        frozen: The binary.
        binary: Its code.
        first: The first evaluation's time on the processors, which compiles; without a cache.
        processor: That time of each later evaluation: a new instance, the plugin's own code, copies.
        elapsed: The time of each of these as the host sees it.
        peak: The most memory it had; 0 where that cannot be told.
    """

    frozen: Frozen
    binary: host.Binary
    first: float = 0.0
    processor: list[float] = field(default_factory=list)
    elapsed: list[float] = field(default_factory=list)
    peak: int = 0

    def row(self) -> tuple[str, ...]:
        """Its line of the table."""
        size, median = len(self.binary.code), statistics.median(self.processor)
        return (
            f"[{TITLES[self.frozen.record['language']]}]({self.frozen.record['language']}.md)",
            "component" if self.binary.is_component else "core module",
            f"{size / 1000:.0f} KB" if size < 1_000_000 else f"{size / 1e6:.1f} MB",
            f"{self.first - median:.2f} s",
            f"{1000 * median:.1f} ms",
            f"{1000 * min(self.processor):.1f} ms",
            f"{1000 * statistics.median(self.elapsed):.1f} ms",
            f"{self.peak / 2**20:.0f} MiB" if self.peak else "",
        )


def newest() -> dict[str, Frozen]:
    """The last frozen binary of each language: a later one has a longer name, or a higher number."""
    found: dict[str, Frozen] = {}
    for frozen in sorted(all_frozen(), key=lambda frozen: (len(frozen.name), frozen.name)):
        found[frozen.record["language"]] = frozen
    return found


def measure(samples: list[Sample], runs: int) -> None:
    """Fill in what the samples take."""
    context = contexts.large()
    wanted = expected(context)
    pool = host.Pool(MEMORY)
    pool.evaluate(host.Binary.of(bytes(wat2wasm(NOTHING))), b"{}", memory=MEMORY, timeout=TIMEOUT)  # starts it
    [worker] = pool._all
    clock = ~worker.process.pid << 3 | 2  # what clock_getcpuclockid(3) gives
    try:
        for number in range(runs + 1):
            for sample in samples:
                stats = PluginStats()
                before, start = time.clock_gettime(clock), time.perf_counter()
                output, _ = pool.evaluate(sample.binary, context, memory=MEMORY, timeout=TIMEOUT, stats=stats)
                elapsed, processor = time.perf_counter() - start, time.clock_gettime(clock) - before
                if canonical(context, output) != wanted:
                    raise SystemExit(f"{sample.frozen.name} does not give what the conformance kit expects")
                sample.peak = max(sample.peak, stats.peak_memory)
                if number:
                    sample.processor.append(processor)
                    sample.elapsed.append(elapsed)
                else:
                    sample.first = processor
    finally:
        pool.close()


def table(samples: list[Sample], runs: int, load: float) -> str:
    """All of it as Markdown, the fastest first."""
    rows: list[Any] = sorted(samples, key=lambda sample: statistics.median(sample.processor))
    rule = ["---", "---", *["---:"] * (len(COLUMNS) - 2)]
    lines = [f"| {' | '.join(cells)} |" for cells in (COLUMNS, rule, *(sample.row() for sample in rows))]
    python = ".".join(map(str, sys.version_info[:2]))
    note = (
        f"Medians of {runs} runs, but for the fastest; wasmtime {version('wasmtime')}, Python {python}, {processors()} "
        f"processors, whose load was {load:.0%} before."
    )
    return "\n".join([*lines, "", note])


def write(docs: Path, text: str) -> None:
    """Put `text` between the markers of the page.

    Raises:
        SystemExit: It has none.
    """
    page = docs / "plugins" / "index.md"
    before = page.read_text("utf-8")
    if not PLACE.search(before):
        raise SystemExit(f"{page}: no '<!-- benchmark: languages -->', or no '<!-- end -->' below it")
    page.write_text(PLACE.sub(lambda match: f"{match[1]}{text}\n{match[2]}", before), "utf-8")


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=21, metavar="N", help="evaluations that count (default: 21)")
    parser.add_argument(
        "--only", type=lambda text: text.split(","), metavar="LANGUAGES", help="as c,rust; default: all"
    )
    parser.add_argument("--write-docs", type=Path, metavar="FOLDER", help="the folder of docs to write the table into")
    options = parser.parse_args()
    known = newest()
    chosen = options.only or list(known)
    if options.runs < 1 or not set(chosen) <= set(known):
        parser.error(f"runs are at least 1; languages are {', '.join(known)}")
    load = os.getloadavg()[0] / processors()
    samples = [Sample(known[name], host.Binary.of(known[name].code())) for name in chosen]
    measure(samples, options.runs)
    text = table(samples, options.runs, load)
    print(text)
    if options.write_docs:
        write(options.write_docs, text)


if __name__ == "__main__":
    main()
