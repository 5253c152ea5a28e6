"""`semfora-hooks plugin bench`: what one plugin costs."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from typing import Any

import click

from semfora_hooks.cli import EXIT_CLEAN, EXIT_ERROR, EXIT_FAILED, printable
from semfora_hooks.cli.plugin.choosing import choose_one
from semfora_hooks.cli.plugin.contexts import plugin_context
from semfora_hooks.cli.plugin.reading import read_code, tell
from semfora_hooks.config import parse_duration
from semfora_hooks.errors import UsageError
from semfora_hooks.providers.wasm import host
from semfora_hooks.providers.wasm.failures import plugin_error
from semfora_hooks.providers.wasm.output import OutputError, decode
from semfora_hooks.providers.wasm.rule import PluginSpec
from semfora_hooks.providers.wasm.stats import PluginStats
from semfora_hooks.reporters.jsonreport import as_json
from semfora_hooks.testing.fixtures import plugin_pool


@click.command()
@click.argument("target", metavar="NAME|FILE")
@click.argument("document", metavar="[CONTEXT.json|-]", required=False)
@click.option("--runs", type=click.IntRange(1, 10_000), default=20, show_default=True, help="Evaluations to measure.")
@click.option(
    "--budget", metavar="TIME", help="Such as 200ms: exit with 1 if the median of the evaluations takes longer."
)
@click.option("--output-format", type=click.Choice(["text", "json"]), default="text", show_default=True)
def bench(target: str, document: str | None, runs: int, budget: str | None, output_format: str) -> int:
    """Measure one plugin: compiling, making an instance, evaluating, memory.

    The plugin is one of this repository, by its name, or any file. It is compiled once, without the cache, and
    evaluated once before anything is measured. It gets the context of the repository around the current folder with
    the configuration of its manifest, or a document from a file (- is standard input).
    """
    limit = None if budget is None else _seconds(budget)
    chosen, repository = choose_one(target)
    spec = chosen.spec
    context, view = plugin_context(spec, repository, document)
    pool = plugin_pool(repository.config.replace(use_cache=False))
    try:
        binary = spec.binary or read_code(spec.path)
        compiling, output = _evaluate(pool, spec, binary, context)
        found, malformed = decode(output, view)
        if malformed is not None:
            raise malformed
        measured = [_evaluate(pool, spec, binary, context)[0] for _ in range(runs)]
    except host.SandboxError as error:
        tell([plugin_error(spec, error.kind, error.detail, error.log)])
        return EXIT_ERROR
    except OutputError as error:
        tell([plugin_error(spec, error.kind, error.detail)])
        return EXIT_ERROR
    finally:
        pool.close()
    whole = [total for total, _ in measured]
    result = {
        "plugin": spec.id,
        "file": spec.shown,
        "sha256": binary.key,
        "size": len(binary.code),
        "context_bytes": len(context),
        "output_bytes": len(output),
        "recommendations": len(found),
        "runs": runs,
        "compile": compiling[1].compile,
        "instantiate": _spread([stats.instantiate for _, stats in measured]),
        "guest": _spread([_guest(stats, binary) for _, stats in measured]),
        "evaluate": _spread(whole),
        "peak_memory": max(stats.peak_memory for _, stats in measured) or None,
        "budget": limit,
        "within_budget": None if limit is None else statistics.median(whole) <= limit,
    }
    if output_format == "json":
        click.echo(as_json(result, order=None), nl=False)
    else:
        for line in _lines(result):
            click.echo(printable(line))
    return EXIT_FAILED if result["within_budget"] is False else EXIT_CLEAN


def _seconds(text: str) -> float:
    try:
        seconds = parse_duration(text)
    except ValueError as error:
        raise UsageError(f"--budget: {error}") from None
    if seconds <= 0:
        raise UsageError(f"--budget: {text!r} is no time at all")
    return seconds


def _evaluate(
    pool: host.Pool, spec: PluginSpec, binary: host.Binary, context: bytes
) -> tuple[tuple[float, PluginStats], bytes]:
    """One evaluation: seconds in all, as its caller waits for it, and what they were spent on; then the result."""
    stats = PluginStats()
    limits = spec.limits
    start = time.perf_counter()
    output, _ = pool.evaluate(binary, context, memory=limits.memory, timeout=limits.timeout, stats=stats)
    return (time.perf_counter() - start, stats), output


def _guest(stats: PluginStats, binary: host.Binary) -> float:
    """Seconds in the plugin's own code; a component's have those for making the instance among them."""
    return max(0.0, stats.guest - stats.instantiate) if binary.is_component else stats.guest


def _spread(seconds: Sequence[float]) -> dict[str, float]:
    return {"median": statistics.median(seconds), "min": min(seconds), "max": max(seconds)}


def _lines(result: dict[str, Any]) -> list[str]:
    memory = result["peak_memory"]
    count = result["recommendations"]
    lines = [
        f"{result['plugin']} ({result['file']}, {result['size']:,} bytes)",
        f"  context      {result['context_bytes']:,} bytes; {count} {'finding' if count == 1 else 'findings'} in "
        f"{result['output_bytes']:,} bytes",
        f"  compile      {1000 * result['compile']:.1f} ms, once for each content, then kept in the user's cache",
        f"  memory       {'cannot be told' if memory is None else f'{memory / (1 << 20):.1f} MiB at most'}",
        f"  median of {result['runs']} {'evaluation' if result['runs'] == 1 else 'evaluations'} (fastest, slowest), ms",
    ]
    for name, title in (("instantiate", "instantiate"), ("guest", "own code"), ("evaluate", "in all")):
        spread = result[name]
        times = f"{1000 * spread['median']:.2f} ({1000 * spread['min']:.2f}, {1000 * spread['max']:.2f})"
        lines.append(f"    {title:<12} {times}")
    if result["budget"] is not None:
        verdict = "within" if result["within_budget"] else "over"
        lines.append(f"  {verdict} the budget of {1000 * result['budget']:g} ms")
    return lines
