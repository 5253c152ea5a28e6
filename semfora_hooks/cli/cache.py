"""`semfora-hooks cache`: what is kept between runs, whether it is true, and how to be rid of it."""

from __future__ import annotations

import datetime
import os
import re
import time
from functools import partial
from pathlib import Path

import click

from semfora_hooks.cli import EXIT_CLEAN, EXIT_ERROR, EXIT_FAILED, printable
from semfora_hooks.config import load_config
from semfora_hooks.discovery import Root, find_root, work_tree
from semfora_hooks.engine import Request, SuggestEngine
from semfora_hooks.errors import SemforaError, UsageError
from semfora_hooks.index import cachefolder, database
from semfora_hooks.index.database import Unusable
from semfora_hooks.index.extract import Workforce, extract_snapshot
from semfora_hooks.index.project import read_project
from semfora_hooks.index.results import remove_results
from semfora_hooks.index.store import FactStore, extractor_key
from semfora_hooks.index.verify import verify as verify_store
from semfora_hooks.keptstate import check_state
from semfora_hooks.providers.wasm.caches import caches as plugin_caches
from semfora_hooks.reporters.jsonreport import as_json

_UNITS = {"h": 3_600, "d": 86_400, "w": 7 * 86_400}
_WAIT = 5.0  # seconds for a run that uses a database to end


@click.group()
def cache() -> None:
    """Look at, check and empty the cache of facts.

    It lies in the user's cache folder, or in SEMFORA_CACHE_DIR, and takes at most SEMFORA_CACHE_SIZE (2G where that
    is not set). Nothing is ever wrong without it, only slower.
    """


# ------------------------------------------------------------------------------------------------------------- info


@cache.command()
@click.option("--output-format", type=click.Choice(["text", "json"]), default="text", show_default=True)
def info(output_format: str) -> int:
    """Show where the cache is, and what is in it."""
    folder = database.cache_folder()
    key = extractor_key()
    rows = []
    for entry in reversed(cachefolder.entries(folder)):
        if not entry.path.exists():
            continue
        found = cachefolder.contents(entry.path, key)
        rows.append(
            {
                "repository": found.repository,
                "file": entry.path.name,
                "bytes": entry.size,
                "rows": found.rows,
                "stale_rows": found.stale,
                "last_used": _date(entry.used),
                "problem": found.problem,
            }
        )
    total = sum(int(str(row["bytes"])) for row in rows)
    document = {
        "folder": str(folder),
        "cap_bytes": _cap(),
        "total_bytes": total,
        "extractor": key,
        "problem": _problem(folder),
        "databases": rows,
        "plugins": {cache.folder.name: cache.usage()._asdict() for cache in plugin_caches()},
    }
    if output_format == "json":
        click.echo(as_json(document, order=None), nl=False)
        return EXIT_CLEAN
    click.echo(printable(f"{folder}: {_size(total)} of at most {_size(_cap())}, {_count(len(rows), 'repository')}"))
    for row in rows:
        facts = "unreadable" if row["rows"] is None else _count(int(str(row["rows"])), "file")
        if row["stale_rows"]:
            facts += f" ({row['stale_rows']} of other versions)"
        name = row["repository"] or row["file"]
        click.echo(printable(f"  {_size(int(str(row['bytes']))):>9}  {row['last_used']}  {facts}  {name}"))
        if row["problem"]:
            click.echo(printable(f"             {row['problem']}"))
    for kept in plugin_caches():
        usage = kept.usage()
        if usage.entries:
            what = f"WASM plugins, {kept.folder.name}: {usage.entries}"
            click.echo(printable(f"  {_size(usage.size):>9}  {what}"))
    if document["problem"]:
        click.echo(f"note: nothing is cached here: {printable(str(document['problem']))}", err=True)
    return EXIT_CLEAN


def _cap() -> int:
    text = os.environ.get("SEMFORA_CACHE_SIZE")
    if not text:
        return cachefolder.DEFAULT_CAP
    try:
        return cachefolder.parse_size(text)
    except ValueError as error:
        raise UsageError(f"SEMFORA_CACHE_SIZE: {error}", hint="runs use the default of 2G meanwhile") from None


def _problem(folder: Path) -> str | None:
    """Why the repository around us would not be cached."""
    if folder.exists() and not os.access(folder, os.W_OK):
        return f"the cache folder {folder} cannot be written"
    try:
        database.check_folder(folder, find_root([], Path.cwd()).path)
    except FileNotFoundError:
        return None
    except (Unusable, OSError, SemforaError) as error:
        return str(error)
    return None


def _date(seconds: float) -> str:
    return datetime.datetime.fromtimestamp(seconds, tz=datetime.UTC).date().isoformat()


def _size(number: int) -> str:
    return f"{number / (1 << 20):.1f} MiB"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun if number == 1 else noun.removesuffix('y') + 'ies' if noun.endswith('y') else noun + 's'}"


# ------------------------------------------------------------------------------------------------------------ clean


def _age(_: click.Context, __: click.Parameter, value: str | None) -> float | None:
    """`30d`, `12h`, `2w` as seconds."""
    if value is None:
        return None
    match = re.fullmatch(r"(\d{1,6})\s*([hdw]?)", value.strip())
    if match is None:
        raise click.BadParameter(f"{value!r} is no age; write it like 30d, 12h or 2w")
    return int(match[1]) * float(_UNITS[match[2] or "d"])


@cache.command()
@click.option(
    "--repository", type=click.Path(path_type=Path), metavar="PATH", help="Only this repository's: '.' for this one."
)
@click.option("--older-than", callback=_age, metavar="AGE", help="Only what was not used for so long: 30d, 12h, 2w.")
def clean(repository: Path | None, older_than: float | None) -> int:
    """Empty the cache. Databases that are in use stay, and are named."""
    folder = database.cache_folder()
    try:
        database.check_folder(folder)
    except FileNotFoundError:
        click.echo("nothing is cached")
        return EXIT_CLEAN
    except Unusable as problem:
        raise UsageError(f"nothing was removed: {problem}") from None
    found = cachefolder.entries(folder)
    before = None if older_than is None else time.time() - older_than
    plugins = [kept.clean(before=before) for kept in plugin_caches()] if repository is None else []
    if repository is not None:
        stem = database.database_path(database.shared_folder(_root(repository)), folder).name.partition("-")[0]
        found = [entry for entry in found if entry.path.name.startswith(stem)]
    if older_than is not None:
        found = [entry for entry in found if entry.used < time.time() - older_than]
    removed = size = 0
    code = EXIT_CLEAN
    for entry in found:
        try:
            counts = entry.path.exists()
            if database.remove_database(entry.path, seconds=_WAIT):
                removed, size = removed + counts, size + entry.size
                continue
            reason = "a run uses it; try again when it ended"
        except OSError as error:
            reason = f"it cannot be removed: {error.strerror or error}"
        click.echo(printable(f"error: {entry.path}: {reason}"), err=True)
        code = EXIT_ERROR
    files = sum(usage.entries for usage in plugins)
    size += sum(usage.size for usage in plugins)
    more = f", {_count(files, 'file')} of WASM plugins" if files else ""
    click.echo(f"removed {_count(removed, 'database')}{more}, {_size(size)}")
    return code


def _root(path: Path) -> Path:
    """The repository around a path; one that is gone is its path."""
    return find_root([path], Path.cwd()).path if path.exists() else path.absolute()


# ----------------------------------------------------------------------------------------------------------- verify


@cache.command()
@click.option(
    "--repository",
    type=click.Path(exists=True, path_type=Path),
    default=".",
    metavar="PATH",
    help="Another than the one around the current folder.",
)
def verify(repository: Path) -> int:
    """Work out again what is cached of a repository, and compare.

    What is wrong is named and removed, and makes the exit code 1.
    """
    root = find_root([repository], Path.cwd())
    config = load_config(root.path)
    store = FactStore(root.path)
    if store.connection is None and not store.mended:
        click.echo(f"nothing to check: {printable(str(store.problem))}")
        return EXIT_CLEAN
    snapshot = work_tree(root, config)
    read_only = store.read_only
    workforce = Workforce(jobs=config.jobs or 0)
    engine = SuggestEngine(config)
    checks = [partial(_check_state, engine, root, workforce), partial(_check_results, engine, root)]
    result = verify_store(store, root, snapshot, workforce, checks)
    store.close()
    for line in result.wrong:
        click.echo(printable(f"wrong: {line}"))
    text = f"{result.checked} of {_count(result.rows, 'cached file')} checked, {len(result.wrong)} wrong"
    if result.wrong:
        text += " and left, as the cache cannot be written" if read_only else " and removed"
    if result.gone:
        text += f"; {result.gone} could not be checked, as their content is gone"
    if result.stale:
        text += f"; {result.stale} of other versions were not checked"
    click.echo(text)
    return EXIT_FAILED if result.wrong else EXIT_CLEAN


def _check_state(engine: SuggestEngine, root: Root, workforce: Workforce, store: FactStore) -> list[str]:
    """Whether the stored index is the one that linking everything gives."""
    if not root.is_git:
        return []
    rules = [loaded.rule for loaded in engine.load_rules().rules]
    project = read_project(root.path)
    return check_state(store, root, engine.config, project, lambda s: extract_snapshot(s, store, workforce), rules)


def _check_results(engine: SuggestEngine, root: Root, store: FactStore) -> list[str]:
    """Whether the findings that are kept for the files on disk are those that judging them gives."""
    fresh = SuggestEngine(engine.config.replace(use_cache=False), engine.plugins)
    here, there = (one.run(Request(root, whole=False)).report for one in (engine, fresh))
    if here.recommendations == there.recommendations and here.incomplete == there.incomplete:
        return []
    remove_results(store)
    return ["the findings that are kept for the files on disk: they are not what the files say"]
