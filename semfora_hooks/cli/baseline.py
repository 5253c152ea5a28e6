"""`semfora-hooks baseline`: accept the findings of today, and let their number only fall."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import click
import msgspec

from semfora_hooks.cli import EXIT_CLEAN, EXIT_ERROR, EXIT_FAILED, printable
from semfora_hooks.cli.progress import Bar, orderly_end
from semfora_hooks.config import BASELINE, Config, load_config
from semfora_hooks.discovery import Root, find_root
from semfora_hooks.engine import Request, SuggestEngine
from semfora_hooks.errors import UsageError
from semfora_hooks.hookspecs import RenderOptions
from semfora_hooks.model import Recommendation, Report
from semfora_hooks.policy import baseline as file
from semfora_hooks.policy.baseline import Comparison, Entry
from semfora_hooks.reporters.jsonreport import as_json
from semfora_hooks.reporters.listings import BaselineLine, BaselineStatus
from semfora_hooks.reporters.text import problem_lines
from semfora_hooks.reporters.writing import replacing
from semfora_hooks.rules.options import plural

_Command = TypeVar("_Command", bound=Callable[..., Any])


class _Target(NamedTuple):
    """The repository, its configuration, and the baseline file: its real path, and how messages call it."""

    root: Root
    config: Config
    path: Path
    shown: str

    @property
    def is_used(self) -> bool:
        """Whether `suggest` takes this file without being told."""
        return self.config.baseline == self.shown or (self.config.baseline is None and self.shown == BASELINE)


class _Analysis(NamedTuple):
    """What a run over the whole repository found.

    Attributes:
        report: Its report.
        entries: The baseline, if it was read.
        compared: The baseline beside the run.
        new: Findings that count and are not in it, by fingerprint.
    """

    report: Report
    entries: Mapping[str, Entry]
    compared: Comparison
    new: Mapping[str, Recommendation]


@click.group()
def baseline() -> None:
    """Accept the findings of today in a file that is committed; `suggest` then fails for new ones only."""


def _options(command: _Command) -> _Command:
    """What all commands take."""
    for option in (
        click.option("--output-format", type=click.Choice(["text", "json"]), default="text", show_default=True),
        click.option("--no-cache", is_flag=True, help="Neither read nor write the cache of facts."),
        click.option(
            "--baseline", "name", metavar="FILE", help=f"The file.  [default: the configured one, or {BASELINE}]"
        ),
    ):
        command = option(command)
    return command


_rules = click.option(
    "--rule", "rules", multiple=True, metavar="RULE", help="Accept only what this rule finds; repeatable."
)


@baseline.command()
@_options
@_rules
@click.option("--force", is_flag=True, help="Write anew a baseline that is there already.")
def create(name: str | None, no_cache: bool, output_format: str, rules: tuple[str, ...], force: bool) -> int:
    """Accept everything that is found now. Overwrites nothing without --force."""
    target = _target(name, no_cache=no_cache)
    _check_place(target, force=force)
    analysis = _analyse(target, rules, reads=False)
    if _tell_errors(analysis, target):
        return EXIT_ERROR
    added = {key: file.entry_of(item) for key, item in analysis.new.items()}
    _write(target, added)
    document = _document(target, analysis, added=added, written=True)
    if output_format == "json":
        sys.stdout.write(as_json(document, order=None))
        return EXIT_CLEAN
    click.echo(printable(f"{target.shown}: {plural(len(added), 'finding')} accepted; review it and commit it"))
    if not target.is_used:
        click.echo(printable(f"it counts with: semfora-hooks suggest --baseline {target.shown}"))
        click.echo(printable(f'or, for every run: baseline = "{target.shown}" in the configuration'))
    return EXIT_CLEAN


@baseline.command()
@_options
@_rules
@click.option("--accept-new", is_flag=True, help="Also accept what is found now and not in it.")
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 if something would change.")
def update(
    name: str | None, no_cache: bool, output_format: str, rules: tuple[str, ...], accept_new: bool, check: bool
) -> int:
    """Drop entries that match nothing any more. The baseline only shrinks, but with --accept-new."""
    if rules and not accept_new:
        raise UsageError("--rule says what --accept-new accepts, so it says nothing without it")
    target = _target(name, no_cache=no_cache)
    analysis = _analyse(target, rules)
    if _tell_errors(analysis, target):
        return EXIT_ERROR
    stale = analysis.compared.stale
    added = {key: file.entry_of(item) for key, item in analysis.new.items()} if accept_new else {}
    new = {**{key: entry for key, entry in analysis.entries.items() if key not in stale}, **added}
    has_changed = bool(stale or added)
    if not check:
        _write(target, new)
    document = _document(target, analysis, added=added, written=has_changed and not check)
    if output_format == "json":
        sys.stdout.write(as_json(document, order=None))
    else:
        _print_update(document, len(analysis.entries if check else new), check=check)
    return EXIT_FAILED if check and has_changed else EXIT_CLEAN


@baseline.command()
@_options
def show(name: str | None, no_cache: bool, output_format: str) -> int:
    """List the accepted findings, and the entries that match nothing any more."""
    target = _target(name, no_cache=no_cache)
    analysis = _analyse(target)
    document = _document(target, analysis)
    code = EXIT_ERROR if _tell_errors(analysis, target, is_written=False) else EXIT_CLEAN
    if output_format == "json":
        sys.stdout.write(as_json(document, order=None))
        return code
    _print_lines("", document.accepted)
    _print_lines("stale: ", document.stale)
    _print_lines("not checked: ", document.unchecked)
    counts = [f"{plural(len(analysis.entries), 'accepted finding')}"]
    counts += [f"{len(document.stale)} stale"] if document.stale else []
    counts += [f"{len(document.unchecked)} not checked"] if document.unchecked else []
    counts += [f"{len(document.open)} not in it"] if document.open else []
    click.echo(printable(f"{target.shown}: {', '.join(counts)}"))
    return code


# --------------------------------------------------------------------------------------------------------------- parts


def _target(name: str | None, *, no_cache: bool) -> _Target:
    """Where the baseline is: as the command line names it from here, or the configuration from the root.

    Raises:
        UsageError: It would be in git's own folder.
        ConfigError: The configuration is wrong, or a link leads out of the repository.
    """
    root = find_root([], Path.cwd())
    config = load_config(root.path).replace(use_cache=not no_cache)
    if name == "":
        raise UsageError("--baseline names no file")
    wanted = os.path.abspath(name) if name is not None else root.path / (config.baseline or BASELINE)  # noqa: PTH100
    path = file.locate(root.path, str(wanted))
    if ".git" in (part.lower() for part in path.parts):
        raise UsageError(f"{path}: a baseline cannot be in git's own folder")
    plain = Path(os.path.abspath(wanted))  # noqa: PTH100
    if plain.is_relative_to(root.path):
        return _Target(root, config, path, plain.relative_to(root.path).as_posix())
    if name is None:  # what a repository says must not make us write elsewhere
        raise UsageError(
            f"the configured baseline, {plain}, is outside of the repository",
            hint="if you mean it, name it with --baseline",
        )
    return _Target(root, config, path, str(plain))


def _check_place(target: _Target, *, force: bool) -> None:
    """Refuse to write over what is there.

    Raises:
        UsageError: A baseline is there and `force` is not, or something that is no baseline.
    """
    if not os.path.lexists(target.path):
        return
    if not target.path.is_file():
        raise UsageError(f"{target.shown} is there and no file, so it is not overwritten")
    if not force:
        raise UsageError(
            f"{target.shown} is there already",
            hint="semfora-hooks baseline update drops what is fixed, with --accept-new it also accepts what is new; "
            "create --force writes it anew",
        )
    with target.path.open("rb") as stream:
        beginning = stream.read(4096)
    if beginning.strip() and file.SCHEMA.encode() not in beginning:
        raise UsageError(f"{target.shown} is no baseline, so it is not overwritten, with --force neither")


def _analyse(target: _Target, rules: Sequence[str] = (), *, reads: bool = True) -> _Analysis:
    """A run over the whole repository as it is on disk.

    Args:
        target: The repository.
        rules: The rules to run; all that are selected where empty.
        reads: The baseline is there.

    Raises:
        UsageError: There is no rule of a name.
        ConfigError: The baseline is missing or broken.
    """
    from semfora_hooks.cli.suggest import one_by_one

    config = target.config.replace(baseline=str(target.path) if reads else None)
    with redirect_stdout(sys.stderr), orderly_end(), Bar() as bar:
        engine = SuggestEngine(config, progress=bar.update, stages=bar.stage)
        one_by_one(engine, rules)
        result = engine.run(Request(target.root, rules=tuple(rules), whole=False))
    compared = Comparison() if result.policing is None else result.policing.baseline
    told = set(compared.remarks(str(target.path)))  # which we say ourselves
    report = msgspec.structs.replace(
        result.report, notices=[notice for notice in result.report.notices if notice not in told]
    )
    return _Analysis(
        report,
        {**compared.found, **compared.stale, **compared.unchecked},
        compared,
        {item.fingerprint: item for item in report.recommendations if item.suppressed is None},
    )


def _tell_errors(analysis: _Analysis, target: _Target, *, is_written: bool = True) -> bool:
    """Say what is wrong with the run; whether there are errors, with which nothing is written."""
    options = RenderOptions(root=str(target.root.path), read_source=lambda _: None)
    for line in problem_lines(analysis.report, options):
        click.echo(line, err=True)
    if not analysis.report.errors:
        return False
    if is_written:
        click.echo(printable(f"{target.shown} was not written: with these errors, findings may be missing"), err=True)
    return True


def _document(
    target: _Target, analysis: _Analysis, added: Mapping[str, Entry] = {}, *, written: bool = False
) -> BaselineStatus:
    items = {item.fingerprint: item for item in analysis.report.recommendations}
    places = {name: number for number, name in enumerate(items)}  # which have the order of reports

    def lines(entries: Mapping[str, Entry]) -> tuple[BaselineLine, ...]:
        names = sorted(
            entries,
            key=lambda name: (places.get(name, len(places)), entries[name].symbol, entries[name].rule_id, name),
        )
        return tuple(_line(name, entries[name], items.get(name)) for name in names)

    return BaselineStatus(
        file=target.shown,
        written=written,
        accepted=lines(analysis.compared.found),
        stale=lines(analysis.compared.stale),
        unchecked=lines(analysis.compared.unchecked),
        added=lines(added),
        open=lines({key: file.entry_of(item) for key, item in analysis.new.items() if key not in added}),
    )


def _write(target: _Target, entries: Mapping[str, Entry]) -> None:
    """Put the baseline in its place, whole or not at all; the same bytes are not written again.

    Raises:
        UsageError: It cannot be written.
    """
    text = file.render(entries)
    try:
        if target.path.is_file() and target.path.read_bytes() == text.encode():
            return
        target.path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(target.path) as stream:
            stream.write(text)
    except OSError as error:
        raise UsageError(f"{target.shown}: cannot be written: {error.strerror}") from None


def _print_update(document: BaselineStatus, size: int, *, check: bool) -> None:
    would = "would be " if check else ""
    _print_lines("stale: " if check else "dropped: ", document.stale)
    _print_lines("new: " if check else "accepted: ", document.added)
    changes = [f"{len(document.stale)} {would}dropped"] if document.stale else []
    changes += [f"{len(document.added)} {would}accepted"] if document.added else []
    told = ", ".join(changes) or "nothing changed"
    click.echo(printable(f"{document.file}: {told}; it holds {plural(size, 'finding')}"))
    if document.unchecked:
        click.echo(
            f"note: {plural(len(document.unchecked), 'entry')} could not be checked and stayed: "
            "the rule did not run, or the file could not be read",
            err=True,
        )
    if document.open:
        verb, them = ("is", "it") if len(document.open) == 1 else ("are", "them")
        left = f"{plural(len(document.open), 'finding')} {verb} not in it"
        click.echo(f"note: {left}; --accept-new accepts {them}", err=True)


def _line(name: str, entry: Entry, item: Recommendation | None) -> BaselineLine:
    """An entry, with where the finding is if it is reported."""
    line = BaselineLine(fingerprint=name, rule_id=entry.rule_id, symbol=entry.symbol)
    if item is None:
        return line
    place = item.symbols[0] if item.symbols else None
    return msgspec.structs.replace(
        line,
        severity=item.severity,
        file=None if place is None else place.file,
        line=None if place is None else place.start_line,
        title=item.title,
    )


def _print_lines(prefix: str, lines: Sequence[BaselineLine]) -> None:
    for line in lines:
        text = f"{line.rule_id} {line.symbol or 'repository'}"
        if line.title is not None:
            where = "repository" if line.file is None else f"{line.file}:{line.line}"
            severity = "" if line.severity is None else f"{line.severity.value} "
            text = f"{where}: {severity}{line.rule_id} {line.title}"
        click.echo(printable(f"{prefix}{text}"))
