"""The targets of `performance.md`, each worked out from what was measured."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import contenders as who
from measure import Row

WORKER_SLACK = 16
"""MiB that a worker may grow by besides its guest's memory: compiled code, copies of input and output."""


@dataclass
class Size:
    """What was measured in one repository.

    Attributes:
        copies: Of the original.
        files: Python files.
        size: Their bytes.
        largest_kilobytes: Size of the files that `staged, 5 largest` changes.
        rows: By name.
    """

    copies: int
    files: int
    size: int
    largest_kilobytes: float = 0.0
    rows: dict[str, Row] = field(default_factory=dict)


@dataclass
class Results:
    """Everything that was measured.

    Attributes:
        sizes: From small to large.
        wasm: Milliseconds of a guest, and of the whole evaluation; or why there are none.
        plugins: What `wasm_plugins.py` printed, or why there is nothing.
    """

    sizes: list[Size]
    wasm: tuple[float, float] | str = "not run"
    plugins: dict[str, Any] | str = "not run"


@dataclass
class Verdict:
    """One line of the table of targets.

    Attributes:
        path: What was measured.
        target: What it should be, in words.
        measured: Median, difference or ratio, in words, or why there is none.
        met: `None` where nothing was measured.
        row: The program it is about, where it is one.
        ratio: Our median divided by a peer's.
    """

    path: str
    target: str
    measured: str
    met: bool | None = None
    row: Row | None = None
    ratio: str = ""


def verdicts(results: Results) -> Iterator[Verdict]:
    """A line for each target."""
    small, large = results.sizes[0], results.sizes[-1]
    rows = small.rows
    yield _seconds(f"{who.COLD}, {small.files} files", rows[who.COLD], 2.3)
    for peer, limit in ((who.VULTURE, 0.6), (who.AST_GREP, 3.5), (who.SEMGREP, 0.25)):
        yield _ratio(f"cold, against {peer}", rows[who.COLD], rows[peer], limit)
    growth = f"cold, time a file, {large.files} files against {small.files}"
    yield _growth(growth, small, large, who.COLD, 1.25, "at most 1.25 times", a_file=True)
    yield _seconds(f"{who.WARM}, {small.files} files", rows[who.WARM], 0.5)
    yield _ratio(f"warm, against {who.AST_GREP}", rows[who.WARM], rows[who.AST_GREP], 1.0)
    for name, limit in ((who.TYPICAL, 0.2), (who.LARGEST, 0.35)):
        kilobytes = f" ({small.largest_kilobytes:.0f} KB)" if name == who.LARGEST else ""
        yield _seconds(f"{name}{kilobytes}", rows[name], limit)
        against = f"{name}, {large.files} files against {small.files}"
        yield _growth(against, small, large, name, 1.5, "at most 1.5 times")
    yield _seconds(who.UNCHANGED, rows[who.UNCHANGED], 0.1)
    for name in (who.VERSION, who.HELP):
        yield _seconds(name, rows[name], 0.1)
    for copies, limit in ((16, 800), (64, 1024)):
        yield _memory(results, copies, limit)
    yield _wasm(results.wasm)
    yield _difference("one WASM plugin, staged", rows[who.WITH_PLUGIN], rows[who.WITHOUT_PLUGIN], 150)
    yield _difference("pytest start-up, plugin at rest", rows[who.PYTEST], rows[who.PYTEST_BLOCKED], 5)


def _seconds(path: str, row: Row, limit: float) -> Verdict:
    target = f"≤ {limit:g} s"
    if row.median is None:
        return Verdict(path, target, row.problem or "not run", row=row)
    return Verdict(path, target, f"{row.median:.3f} s", row.median <= limit, row)


def _ratio(path: str, row: Row, peer: Row, limit: float) -> Verdict:
    target = f"≤ {limit:g} of its time"
    if row.median is None or peer.median is None:
        return Verdict(path, target, row.problem or peer.problem or "not run", row=row)
    ratio = row.median / peer.median
    return Verdict(path, target, f"{row.median:.2f} s : {peer.median:.2f} s", ratio <= limit, ratio=f"{ratio:.2f}")


def _growth(
    path: str, small: Size, large: Size, name: str, limit: float, words: str, *, a_file: bool = False
) -> Verdict:
    if large is small:
        return Verdict(path, words, "not run: it needs a larger size")
    first, last = small.rows[name], large.rows[name]
    if first.median is None or last.median is None:
        return Verdict(path, words, first.problem or last.problem or "not run")
    growth = last.median / first.median
    if a_file:
        growth *= small.files / large.files
    return Verdict(path, words, f"{growth:.2f} times", growth <= limit, last)


def _memory(results: Results, copies: int, limit: int) -> Verdict:
    path, target = f"peak memory, whole run, {copies} times", f"≤ {limit} MB"
    size = next((size for size in results.sizes if size.copies == copies), None)
    if size is None:
        return Verdict(path, target, f"not run: size {copies} was not asked for")
    rows = [size.rows[name] for name in (who.COLD, who.WARM)]
    if any(row.problem for row in rows):
        return Verdict(path, target, next(row.problem for row in rows if row.problem) or "not run")
    peaks = [megabytes(row) for row in rows]
    return Verdict(path, target, f"cold {peaks[0]:.0f} MB, warm {peaks[1]:.0f} MB", max(peaks) <= limit)


def _wasm(measured: tuple[float, float] | str) -> Verdict:
    path, target = "WASM host, 10 MB of context", "≤ 15 % of the guest's own time"
    if isinstance(measured, str):
        return Verdict(path, target, measured)
    guest, whole = measured
    share = whole / guest - 1
    return Verdict(path, target, f"{share:.0%} of {guest:.0f} ms", share <= 0.15)


def plugin_verdicts(measured: dict[str, Any]) -> Iterator[Verdict]:
    """The targets of what `wasm_plugins.py` printed."""
    row, limits = measured["sizes"][1], measured["limits"]
    part = (row["copy"] + row["decode"]) / row["guest"]
    yield Verdict(
        "WASM host, 10 MB through the Rust sample",
        "≤ 15 % of the guest's own time",
        f"{part:.0%} of {1000 * row['guest']:.0f} ms",
        part <= 0.15,
    )
    yield Verdict(
        "a WASM timeout of 5 s fires",
        "≤ 5.5 s",
        f"{limits['fired']:.2f} s; threads stood still {1000 * limits['stood_still']:.0f} ms at most",
        limits["fired"] <= 5.5,
    )
    grown = limits["grown"] / 2**20
    yield Verdict(
        "a WASM memory limit of 64 MiB: the worker's growth",
        f"≤ 64 + {WORKER_SLACK} MiB",
        f"{grown:.0f} MiB",
        grown <= 64 + WORKER_SLACK,
    )


def _difference(path: str, row: Row, without: Row, limit: float) -> Verdict:
    target = f"≤ {limit:g} ms more"
    if row.median is None or without.median is None:
        return Verdict(path, target, row.problem or without.problem or "not run", row=row)
    # Of pairs that ran side by side, so that a machine that drifts moves both.
    more = 1000 * statistics.median(a - b for a, b in zip(row.seconds, without.seconds, strict=True))
    fastest = 1000 * (min(row.seconds) - min(without.seconds))
    words = f"{more:+.1f} ms on {1000 * without.median:.0f} (fastest {fastest:+.1f})"
    return Verdict(path, target, words, more <= limit, row)


def megabytes(row: Row) -> float:
    """Its peak: of the process tree where that could be polled, and never below the largest process's."""
    return max(row.tree, row.largest) / 1e6
