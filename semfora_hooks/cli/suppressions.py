"""`semfora-hooks suppressions`: the comments that silence findings, and whether there is still something to silence."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from pathlib import Path

import click
import msgspec

from semfora_hooks.cli import EXIT_CLEAN, EXIT_ERROR, printable
from semfora_hooks.cli.progress import Bar, orderly_end
from semfora_hooks.config import load_config
from semfora_hooks.discovery import find_root
from semfora_hooks.engine import Request, Result, SuggestEngine
from semfora_hooks.hookspecs import RenderOptions
from semfora_hooks.policy.unused import Review, review
from semfora_hooks.reporters.jsonreport import as_json
from semfora_hooks.reporters.listings import Comment, Comments
from semfora_hooks.reporters.text import problem_lines
from semfora_hooks.rules.options import plural


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(readable=False, path_type=Path))
@click.option("--output-format", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--no-cache", is_flag=True, help="Neither read nor write the cache of facts.")
def suppressions(paths: tuple[Path, ...], output_format: str, no_cache: bool) -> int:
    """List the comments that silence findings, with their reasons and last days, and whether they are used.

    A comment is used if a rule that runs here finds something for it to silence. Those of rules that are off, or that
    failed, are listed as unknown.
    """
    root = find_root(paths, Path.cwd())
    config = load_config(root.path).replace(use_cache=not no_cache)
    with redirect_stdout(sys.stderr), orderly_end(), Bar() as bar:
        # Without the paths: what a comment is good for does not depend on what is shown.
        result = SuggestEngine(config, progress=bar.update, stages=bar.stage).run(
            Request(msgspec.structs.replace(root, filters=()), whole=False)
        )
    entries = [entry for entry in _entries(result) if _is_wanted(entry.file, root.filters)]
    if output_format == "json":
        sys.stdout.write(as_json(Comments(suppressions=tuple(entries)), order=None))
    else:
        for entry in entries:
            click.echo(printable(_line(entry)))
    for line in problem_lines(result.report, RenderOptions(root=str(root.path), read_source=lambda _: None)):
        click.echo(line, err=True)
    if output_format == "text":
        click.echo(_totals(entries), err=True)
    return EXIT_ERROR if result.report.errors else EXIT_CLEAN


def _entries(result: Result) -> Iterator[Comment]:
    policing = result.policing
    if policing is None:
        return
    gaps = {item.file for item in result.report.incomplete}
    comments = policing.comments
    for mark, used in zip(comments.marks, comments.used, strict=True):
        found: Review = review(mark, used, comments.today, policing.names, is_whole=mark.path not in gaps)
        yield Comment(
            file=mark.path,
            line=mark.comment_line,
            scope="file" if mark.whole_file else "line",
            rules=mark.rules,
            reason=mark.reason,
            until=None if mark.until is None else mark.until.isoformat(),
            state=found.state,
            used_for=tuple(name for name in mark.rules if name in used),
            remarks=found.remarks,
        )


def _is_wanted(path: str, filters: Sequence[str]) -> bool:
    return not filters or any(path == prefix or path.startswith(f"{prefix}/") for prefix in filters)


def _line(entry: Comment) -> str:
    word = "file-ignore" if entry.scope == "file" else "ignore"
    until = "" if entry.until is None else f" until {entry.until}"
    remarks = f" ({'; '.join(entry.remarks)})" if entry.remarks else ""
    reason = "" if entry.reason is None else f" -- {' '.join(entry.reason.split())}"
    return f"{entry.file}:{entry.line}: {word}[{', '.join(entry.rules)}]{until}: {entry.state}{remarks}{reason}"


def _totals(entries: Sequence[Comment]) -> str:
    if not entries:
        return "no comments silence anything"
    states = Counter(entry.state for entry in entries)
    return f"{plural(len(entries), 'comment')}: " + ", ".join(f"{states[state]} {state}" for state in sorted(states))
