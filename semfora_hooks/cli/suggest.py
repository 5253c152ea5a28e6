"""`semfora-hooks suggest`: the main job."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import click
import msgspec

from semfora_hooks import git
from semfora_hooks.cli import EXIT_CLEAN, EXIT_ERROR, EXIT_FAILED, drop_output, output
from semfora_hooks.cli.progress import Bar, orderly_end
from semfora_hooks.config import Config, load_config, nearest
from semfora_hooks.discovery import Root, find_root
from semfora_hooks.engine import Request, Result, SuggestEngine
from semfora_hooks.errors import UsageError
from semfora_hooks.hookspecs import RenderOptions
from semfora_hooks.model import ErrorEntry
from semfora_hooks.plugin_manager import LoadedRule
from semfora_hooks.reporters import REPORTERS

SEVERITIES = click.Choice(["never", "info", "warning", "error"])


def _split(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...] | None:
    """`--select a,b --select c` as one tuple; `None` where the option was not given."""
    names = tuple(part.strip() for value in values for part in value.split(",") if part.strip())
    return names or None


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(readable=False, path_type=Path))
@click.option("--staged", is_flag=True, help="Judge what is staged in git, against HEAD.")
@click.option("--since", metavar="REV", help="Judge what HEAD has on top of its merge base with REV.")
@click.option(
    "--auto-scope", is_flag=True, help="Choose the scope as pre-commit calls it: a range, what is staged, or all."
)
@click.option(
    "--fail-on", type=SEVERITIES, help="Severity from which a finding makes the exit code 1.  [default: error]"
)
@click.option(
    "--min-confidence", type=click.FloatRange(0, 1), metavar="F", help="Leave out findings that are less sure."
)
@click.option(
    "--new-only/--all",
    "new_only",
    default=None,
    help="About a change: only what it introduced or worsened, or everything.",
)
@click.option("--baseline", metavar="FILE", help="Findings that were accepted; '' for none.")
@click.option(
    "--select", multiple=True, metavar="NAMES", callback=_split, help="Rule ids, groups, categories, or 'all'."
)
@click.option("--ignore", multiple=True, metavar="NAMES", callback=_split, help="The same, taken away.")
@click.option("--rule", "rules", multiple=True, metavar="RULE", help="Run this rule only, selected or not; repeatable.")
@click.option(
    "--trace", metavar="SYMBOL", help="With one --rule in YAML: say why it fires on SYMBOL or not, key by key."
)
@click.option(
    "--output-format",
    metavar="FORMAT",
    help=f"{', '.join(REPORTERS)}.  [default: full on a terminal, else concise]",
)
@click.option(
    "-o",
    "--output",
    "outputs",
    multiple=True,
    metavar="FILE",
    help="Write to FILE. FORMAT:FILE writes one more report; repeatable.",
)
@click.option("--exit-zero", is_flag=True, help="Findings never make the exit code 1. Errors still make it 2.")
@click.option("--strict", is_flag=True, help="A file that cannot be analysed wholly is an error.")
@click.option("--no-cache", is_flag=True, help="Neither read nor write the cache of facts.")
@click.option("--statistics", is_flag=True, help="Show findings and seconds by rule.")
@click.option("--plugin-stats", is_flag=True, help="Show what each WASM plugin cost: contexts, bytes, time, memory.")
@click.option("--no-plugins", is_flag=True, help="Only the rules that ship: no third-party providers, no WASM plugins.")
@click.option("--locked", is_flag=True, help="Refuse WASM plugins without an up-to-date manifest.lock.")
@click.option("--disable-provider", multiple=True, metavar="NAME", help="Leave out a provider.")
@click.option(
    "--jobs", type=click.IntRange(0), metavar="N", help="Processes to extract with.  [default: one a processor]"
)
def suggest(paths: tuple[Path, ...], **options: Any) -> int:
    """Analyse the repository and print recommendations.

    With PATHS, the repository around them is analysed and what concerns them is shown.
    """
    if sum((options["staged"], bool(options["since"]), options["auto_scope"])) > 1:
        raise UsageError("--staged, --since and --auto-scope exclude each other")
    if options["rules"] and (options["select"] or options["ignore"]):
        raise UsageError("--rule says which rules run, so --select and --ignore say nothing beside it")
    root = find_root(paths, Path.cwd())
    overrides = {
        key: options[key]
        for key in ("fail_on", "min_confidence", "new_only", "baseline", "select", "ignore", "jobs")
        if options[key] is not None
    }
    if overrides.get("baseline"):
        overrides["baseline"] = _from_here(overrides["baseline"], root.path)
    config = load_config(root.path, overrides=overrides)
    config = config.replace(
        no_plugins=options["no_plugins"],
        use_cache=not options["no_cache"],
        providers=type(config.providers)(disable=(*config.providers.disable, *options["disable_provider"])),
    )
    if options["trace"] is not None:
        return _trace(root, config, options)
    if options["locked"]:
        config = config.requiring_lock()
    errors: list[ErrorEntry] = []
    is_terminal = sys.stdout.isatty()
    # Standard output is the report's; a provider that prints must not spoil it.
    with redirect_stdout(sys.stderr), orderly_end(), Bar() as bar:
        engine = SuggestEngine(config, progress=bar.update, stages=bar.stage)
        outputs = output.plan(
            options["output_format"], options["outputs"], engine.plugins, errors, is_terminal=is_terminal
        )
        one_by_one(engine, options["rules"])
        request = msgspec.structs.replace(_request(root, config, options, os.environ), rules=options["rules"])
        result = engine.run(request)
    report = result.report
    report.errors.extend(errors)
    if options["strict"]:
        report.errors.extend(
            ErrorEntry(kind="incomplete", message=f"{item.file}: {item.reason}", hint="without --strict it is a remark")
            for item in report.incomplete
        )
    if report.errors:
        code = EXIT_ERROR
    else:
        code = EXIT_FAILED if report.summary.failed and not options["exit_zero"] else EXIT_CLEAN
    render = RenderOptions(
        root=str(root.path),
        read_source=result.read_source,
        color=output.wants_color(os.environ),
        width=output.width(os.environ),
        statistics=options["statistics"],
        rules=result.rules,
        exit_code=code,
    )
    try:
        output.write(report, outputs, render)
        output.tell_problems(report, outputs, render, statistics=options["statistics"])
        if options["plugin_stats"]:
            _write_plugin_stats(result)
    except BrokenPipeError:  # the reader had enough, as `| head` does; the verdict stands
        drop_output()
    return code


def one_by_one(engine: SuggestEngine, names: Sequence[str]) -> list[LoadedRule]:
    """The rules of these names.

    Raises:
        UsageError: There is none of a name.
    """
    if not names:
        return []
    known = {item.rule.id: item for item in engine.load_rules().rules}
    for name in names:
        if name not in known:
            guess = nearest(name, sorted(known))
            hint = f"did you mean '{guess}'?" if guess else "semfora-hooks rules list shows the names and what failed"
            raise UsageError(f"there is no rule '{name}'", hint=hint)
    return [known[name] for name in names]


def _trace(root: Root, config: Config, options: Mapping[str, Any]) -> int:
    """Say why a rule fires on a symbol or not, instead of a report."""
    if len(options["rules"]) != 1:
        raise UsageError("--trace needs one --rule beside it", hint="semfora-hooks rules list shows the names")
    if options["output_format"] not in (None, "full", "concise") or options["outputs"]:
        raise UsageError("--trace writes text to standard output, so --output-format and --output say nothing to it")
    from semfora_hooks.cli.trace import print_trace

    with orderly_end(), Bar() as bar:
        engine = SuggestEngine(config, progress=bar.update, stages=bar.stage)
        with redirect_stdout(sys.stderr):
            (rule,) = one_by_one(engine, options["rules"])
        request = msgspec.structs.replace(_request(root, config, options, os.environ), rules=options["rules"])
        return print_trace(engine, request, rule, options["trace"])


def _from_here(path: str, root: Path) -> str:
    """A path of the command line, which starts from the current folder, as one from the root where it is inside."""
    full = Path(os.path.abspath(path))  # noqa: PTH100  links stay as they are
    for base in (root, Path(os.path.abspath(root))):  # noqa: PTH100
        if full.is_relative_to(base):
            return full.relative_to(base).as_posix()
    return str(full)


def _request(root: Root, config: Config, options: Mapping[str, Any], environment: Mapping[str, str]) -> Request:
    """The scope that was asked for, or that pre-commit means."""
    show = not config.new_only
    if (options["staged"] or options["since"]) and not root.is_git:
        raise UsageError(f"{root.path} is not a git repository, so nothing is staged or changed there")
    if options["staged"]:
        return Request(root, "staged", show_inherited=show, whole=False)
    if options["since"]:
        return Request(root, "range", base=options["since"], show_inherited=show, whole=False)
    if options["auto_scope"] and root.is_git:
        start, end = environment.get("PRE_COMMIT_FROM_REF"), environment.get("PRE_COMMIT_TO_REF")
        if start and end:
            return Request(root, "range", base=start, target=end, show_inherited=show, whole=False)
        if environment.get("PRE_COMMIT_REMOTE_NAME"):
            return Request(root, whole=False)  # the first push of a branch: nothing to compare with
        if environment.get("GIT_INDEX_FILE") or git.is_anything_staged(root.path):
            return Request(root, "staged", show_inherited=show, whole=False)
    return Request(root, whole=False)


def _write_plugin_stats(result: Result) -> None:
    """What plugins cost, on standard error."""
    from semfora_hooks.providers.wasm.stats import PluginStats, stats_lines

    known = [
        (rule.id, stats) for rule in result.rules if isinstance(stats := getattr(rule, "stats", None), PluginStats)
    ]
    for line in stats_lines(known) if known else ["plugins: none was run"]:
        click.echo(line, err=True)
