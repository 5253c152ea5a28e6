"""Results as Markdown."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence

import contenders as who
from measure import Row
from targets import Results, Size, Verdict, megabytes, plugin_verdicts, verdicts

STAGES = ("discover", "extract", "link", "rules")
OURS = (who.COLD, who.WARM, who.TYPICAL, who.LARGEST, who.UNCHANGED)


def targets(results: Results) -> str:
    """Each target, and whether it is met."""
    lines = []
    for verdict in verdicts(results):
        row = verdict.row if verdict.met is not None else None
        fastest = f"{row.fastest:.3f}" if row is not None and row.fastest is not None else ""
        memory = f"{megabytes(row):.0f}" if row is not None else ""
        lines.append((verdict.path, verdict.target, verdict.measured, fastest, memory, verdict.ratio, _met(verdict)))
    return _table(("path", "target", "median", "fastest", "peak MB", "ratio", "met"), "lllrrrl", lines)


def programs(results: Results) -> str:
    """All that was timed, at every size."""
    lines = []
    for size in results.sizes:
        cold = size.rows[who.COLD].median
        for row in size.rows.values():
            if row.median is None or row.fastest is None:
                lines.append((f"{size.copies}", row.name, row.problem or "not run", *[""] * 6))
                continue
            ratio = f"{cold / row.median:.2f}" if cold else ""
            tree = f"{row.tree / 1e6:.0f}" if row.tree else ""
            first = "" if row.first is None else f"{row.first:.3f}"
            numbers = (f"{row.median:.3f}", f"{row.fastest:.3f}", f"{len(row.seconds)}", first)
            lines.append((f"{size.copies}", row.name, *numbers, tree, f"{row.largest / 1e6:.0f}", ratio))
    titles = (
        "size",
        "program",
        "median s",
        "fastest s",
        "runs",
        "the first s",
        "MB, all processes",
        "MB, largest",
        "our cold : it",
    )
    return _table(titles, "rlrrrrrrr", lines)


def stages(results: Results) -> str:
    """What part of a run each stage takes."""
    lines = []
    for size in results.sizes:
        for name in OURS:
            row = size.rows[name]
            if row.median is not None and row.timings:
                lines.append((f"{size.copies}", name, f"{row.median:.3f}", *_shares(row)))
    return _table(("size", "run", "median s", "process start", *STAGES, "other"), "rlrrrrrr", lines)


def plugins(results: Results) -> str:
    """What a WASM plugin costs."""
    found = results.plugins
    if isinstance(found, str):
        return found
    lines = [
        (
            f"{row['bytes'] / 1e6:.1f}",
            *(f"{1000 * row[name]:.1f}" for name in ("encode", "copy", "guest", "decode")),
            f"{(row['copy'] + row['decode']) / row['guest']:.0%}",
            f"{row['peak'] / 2**20:.0f}",
        )
        for row in found["sizes"]
    ]
    titles = ("context MB", "encode ms", "copy ms", "guest ms", "decode ms", "host : guest", "guest's memory MiB")
    starts, together, peer = found["starts"], found["together"], found["extism"]
    speed = together["serial"] / together["parallel"]
    others = [
        ("cold start of the Rust sample: worker, compiling, first result", f"{starts['cold']:.3f} s"),
        ("warm start: worker, loading, first result", f"{starts['warm']:.3f} s"),
        (
            f"4 plugins on 10 MB each, {together['processors']} processors",
            f"{together['serial']:.3f} s in turn, {together['parallel']:.3f} s side by side ({speed:.2f} times)",
        ),
        (
            "the scanner on 10 MB: Extism's Python SDK, in our process, against our sandbox, in another",
            peer if isinstance(peer, str) else f"{peer['extism']:.3f} s : {peer['ours']:.3f} s",
        ),
    ]
    kept = [(one.path, one.target, one.measured, _met(one)) for one in plugin_verdicts(found)]
    return "\n\n".join(
        [
            _table(("path", "target", "measured", "met"), "llll", kept),
            _table(titles, "rrrrrrr", lines),
            _table(("what", "measured"), "ll", others),
        ]
    )


def growth(results: Results) -> str:
    """Time a file as the repository grows."""
    lines = []
    for size in results.sizes:
        cells = [f"{size.copies}", f"{size.files}", f"{size.size / 1e6:.1f}"]
        for name in (who.COLD, who.WARM):
            per_file = milliseconds_a_file(size, name)
            cells.append("" if per_file is None else f"{per_file:.2f}")
        for name in (who.TYPICAL, who.LARGEST, who.UNCHANGED):
            median = size.rows[name].median
            cells.append("" if median is None else f"{median:.3f}")
        cells.append(f"{max(megabytes(size.rows[name]) for name in (who.COLD, who.WARM)):.0f}")
        lines.append(cells)
    titles = ("size", "files", "MB", "cold, ms a file", "warm, ms a file", "staged typical, s", "staged largest, s")
    return _table((*titles, "nothing staged, s", "peak MB"), "rrrrrrrrr", lines)


def summary(size: Size) -> str:
    """One line, for those who wait."""
    return ", ".join(f"{name.split(',')[0]} {row.median or 0:.2f} s" for name, row in size.rows.items() if name in OURS)


def milliseconds_a_file(size: Size, name: str) -> float | None:
    """A run's median, divided by the repository's files."""
    median = size.rows[name].median
    return None if median is None else 1000 * median / size.files


def _shares(row: Row) -> list[str]:
    """Process start and each stage, in per cent of the wall-clock time."""
    parts: list[list[float]] = []
    for seconds, timing in zip(row.seconds, row.timings, strict=True):
        known = [_sum(timing.get(stage, 0.0)) for stage in STAGES]
        total = timing.get("total", 0.0)
        parts.append([(seconds - total) / seconds, *(x / seconds for x in known), (total - sum(known)) / seconds])
    return [f"{statistics.median(column):.0%}" for column in zip(*parts, strict=True)]


def _met(verdict: Verdict) -> str:
    return {True: "yes", False: "**no**", None: "?"}[verdict.met]


def _sum(value: float | dict[str, float]) -> float:
    return sum(value.values()) if isinstance(value, dict) else value


def _table(titles: Sequence[str], align: str, lines: Iterable[Sequence[str]]) -> str:
    rule = ("---:" if side == "r" else "---" for side in align)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (titles, list(rule), *lines))
