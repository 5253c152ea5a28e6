"""Where a report goes: formats by name, files written whole or not at all, and what a terminal can show."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

import click
import msgspec

from semfora_hooks.config import nearest
from semfora_hooks.errors import UsageError
from semfora_hooks.hookspecs import RenderOptions, Reporter
from semfora_hooks.model import ErrorEntry, Report
from semfora_hooks.plugin_manager import Plugins
from semfora_hooks.reporters import REPORTERS, TEXT_FORMATS

DEFAULT_WIDTH = 100
"""Columns where there is no terminal that could tell."""


class Output(msgspec.Struct, frozen=True):
    """One rendering of the report. `path` is `None` for standard output."""

    reporter: Reporter
    path: Path | None


def plan(
    name: str | None, destinations: Sequence[str], plugins: Plugins, errors: list[ErrorEntry], *, is_terminal: bool
) -> tuple[Output, ...]:
    """What to write where.

    Args:
        name: `--output-format`, if it was given.
        destinations: `--output`, each `FILE` (in that format) or `FORMAT:FILE` (in another one). Only a `FILE` (or `-`)
            takes the place of standard output.
        plugins: Third parties, who may have formats of their own.
        errors: Gets what is wrong with those.
        is_terminal: Whether standard output is one; it may be redirected while plugins are asked.

    Raises:
        UsageError: There is no such format.
    """
    third_parties: dict[str, Reporter] | None = None

    def find(wanted: str) -> Reporter | None:
        nonlocal third_parties
        if wanted in REPORTERS:
            return REPORTERS[wanted]
        if third_parties is None:
            third_parties = plugins.reporters(errors)
        return third_parties.get(wanted)

    main, *rest = [item for item in destinations if not _format_of(item, find)] or ["-"]
    if rest:
        raise UsageError(
            f"--output {main} and --output {rest[0]} ask for the same report twice",
            hint="a second report is --output FORMAT:FILE, such as sarif:report.sarif",
        )
    outputs = []
    for item in destinations:
        reporter = _format_of(item, find)
        if reporter is not None:
            outputs.append(Output(reporter, _path(item.partition(":")[2])))
    default = "full" if main == "-" and is_terminal else "concise"
    reporter = find(name or default)
    if reporter is None:
        known = sorted({*REPORTERS, *(third_parties or {})})
        guess = nearest(name or "", known)
        hint = f"did you mean '{guess}'? There are {', '.join(known)}" if guess else f"one of {', '.join(known)}"
        raise UsageError(f"there is no output format '{name}'", hint=hint)
    return Output(reporter, None if main == "-" else _path(main)), *outputs


def _format_of(destination: str, find: object) -> Reporter | None:
    """The format that a destination names itself. A first part that is no format belongs to the file's name."""
    name, colon, path = destination.partition(":")
    assert callable(find)
    return find(name) if colon and path and name.isidentifier() else None


def _path(name: str) -> Path:
    """A file to write.

    Raises:
        UsageError: It is a folder.
    """
    path = Path(name)
    if path.is_dir():
        raise UsageError(f"--output: '{name}' is a directory", hint="name a file in it")
    return path


def write(report: Report, outputs: Sequence[Output], options: RenderOptions) -> None:
    """Render the report everywhere it was asked for, files first: a reader of standard output may stop reading.

    Raises:
        UsageError: A file cannot be written.
        BrokenPipeError: Nobody reads standard output any more.
    """
    for output in outputs:
        if output.path is not None:
            plain = msgspec.structs.replace(options, color=False, width=DEFAULT_WIDTH)
            try:
                with replacing(output.path) as stream:
                    output.reporter.render(report, stream, plain)
            except OSError as error:
                raise UsageError(f"{output.path}: cannot be written: {error.strerror}") from None
    for output in outputs:
        if output.path is None:
            _use_utf8(output.reporter.name)
            output.reporter.render(report, sys.stdout, options)
            sys.stdout.flush()


def _use_utf8(name: str) -> None:
    """Formats that say their encoding, or have only one, are written in it whatever the locale is."""
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if name in REPORTERS and name not in TEXT_FORMATS and reconfigure is not None:
        reconfigure(encoding="utf-8", errors="backslashreplace")


@contextmanager
def replacing(path: Path) -> Iterator[TextIO]:
    """A stream whose text becomes the file `path` when all of it is written, or not at all.

    A symbolic link to a file is replaced, not followed: a repository could have put it there. Devices and pipes are
    written as they are.

    Raises:
        OSError: It cannot be written.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        mode = stat.S_IFREG
    if not stat.S_ISREG(mode):
        with path.open("w", encoding="utf-8", errors="backslashreplace", newline="\n") as stream:
            yield stream
        return
    draft = path.with_name(f".{path.name[:200]}.{os.urandom(6).hex()}.tmp")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
    handle = os.open(draft, flags, 0o666)
    try:
        with open(handle, "w", encoding="utf-8", errors="backslashreplace", newline="\n") as stream:  # noqa: PTH123
            yield stream
        if stat.S_IMODE(mode) and not path.is_symlink():
            draft.chmod(stat.S_IMODE(mode))
        draft.replace(path)
    except BaseException:
        with suppress(OSError):
            draft.unlink()
        raise


def tell_problems(report: Report, outputs: Sequence[Output], options: RenderOptions, *, statistics: bool) -> None:
    """On standard error: what the report on standard output does not say itself."""
    from semfora_hooks.reporters.text import error_line, problem_lines, totals, write_statistics

    names = {output.reporter.name for output in outputs if output.path is None}
    if names & REPORTERS.keys() - TEXT_FORMATS:
        lines: list[str] = [error_line(entry) for entry in report.errors]
    else:
        lines = list(problem_lines(report, options))
    for line in lines:
        click.echo(line, err=True)
    if not names or "concise" in names:
        click.echo(totals(report), err=True)
    if statistics and "full" not in names:
        write_statistics(report, sys.stderr)


def width(environment: Mapping[str, str]) -> int:
    """What `shutil.get_terminal_size` says, without its import, which compression modules make slow."""
    try:
        columns = int(environment["COLUMNS"])
    except (KeyError, ValueError):
        columns = 0
    if columns <= 0 and sys.__stdout__ is not None:
        with suppress(OSError, ValueError):
            columns = os.get_terminal_size(sys.__stdout__.fileno()).columns
    return columns if columns > 0 else DEFAULT_WIDTH


def wants_color(environment: Mapping[str, str]) -> bool:
    """Whether standard output is to be coloured: `NO_COLOR`, then `FORCE_COLOR`, then what the terminal can do."""
    if environment.get("NO_COLOR"):
        return False
    if environment.get("FORCE_COLOR", "0") not in ("", "0"):
        return True
    return environment.get("TERM") != "dumb" and sys.stdout.isatty()
