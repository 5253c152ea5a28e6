"""What plugins cost, for `--plugin-stats`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass
class PluginStats:
    """What one plugin cost in a run. Times are seconds.

    Attributes:
        contexts: Contexts it was given, those answered from the cache included.
        bytes_in: Bytes of those contexts.
        bytes_out: Bytes of its results.
        encode: Making the contexts' JSON; a section that others need too counts where it was made.
        compile: Compiling its code.
        load: Loading compiled code from the cache.
        instantiate: Making instances; for components, `guest` has it too.
        copy: Into and out of its memory, and to and from the worker.
        guest: In its own code.
        decode: Reading its results.
        compiled_hits: How often compiled code was found in the cache.
        result_hits: How often a result was.
        peak_memory: The largest memory it had, in bytes; 0 where that cannot be told (components).
    """

    contexts: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    encode: float = 0.0
    compile: float = 0.0
    load: float = 0.0
    instantiate: float = 0.0
    copy: float = 0.0
    guest: float = 0.0
    decode: float = 0.0
    compiled_hits: int = 0
    result_hits: int = 0
    peak_memory: int = 0

    def add(self, other: PluginStats) -> None:
        """Count what another evaluation cost too."""
        for name in self.__dataclass_fields__:
            mine, its = getattr(self, name), getattr(other, name)
            setattr(self, name, max(mine, its) if name == "peak_memory" else mine + its)


def stats_lines(plugins: Iterable[tuple[str, PluginStats]]) -> list[str]:
    """A table: a line of titles and one for each plugin."""
    titles = (
        "plugin",
        "contexts",
        "kB in",
        "kB out",
        "encode",
        "compile",
        "load",
        "copy",
        "guest",
        "decode",
        "code hits",
        "result hits",
        "peak MiB",
    )
    rows: list[tuple[str, ...]] = [titles]
    for name, stats in plugins:
        times = (stats.encode, stats.compile, stats.load, stats.copy, stats.guest, stats.decode)
        rows.append(
            (
                name,
                f"{stats.contexts}",
                f"{stats.bytes_in / 1000:.1f}",
                f"{stats.bytes_out / 1000:.1f}",
                *(f"{1000 * seconds:.1f}" for seconds in times),
                f"{stats.compiled_hits}",
                f"{stats.result_hits}",
                f"{stats.peak_memory / 2**20:.1f}" if stats.peak_memory else "-",
            )
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) if place == 0 else cell.rjust(width) for place, (cell, width) in enumerate(line))
        for line in (list(zip(row, widths, strict=True)) for row in rows)
    ]
    return ["plugins (times in milliseconds):", *(f"  {line}" for line in lines)]
