"""Where a report goes: formats by name, files, and what a terminal can show."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path

import click
import msgspec

from semfora_hooks.config import nearest
from semfora_hooks.errors import UsageError
from semfora_hooks.hookspecs import RenderOptions, Reporter
from semfora_hooks.model import ErrorEntry, Report
from semfora_hooks.plugin_manager import Plugins
from semfora_hooks.reporters import REPORTERS, TEXT_FORMATS
from semfora_hooks.reporters.writing import replacing

DEFAULT_WIDTH = 100
"""Columns where there is no terminal that could tell."""


class Output(msgspec.Struct, frozen=True):
    """One rendering of the report. `path` is `None` for standard output."""

    reporter: Reporter
    path: Path | None


class _Formats:
    """Output formats by name. Third parties are asked when a name is not one of ours."""

    def __init__(self, plugins: Plugins, errors: list[ErrorEntry]) -> None:
        self._plugins, self._errors = plugins, errors

    @cached_property
    def _others(self) -> dict[str, Reporter]:
        return self._plugins.reporters(self._errors)

    def find(self, name: str) -> Reporter | None:
        """The format of a name, if there is one."""
        return REPORTERS.get(name) or self._others.get(name)

    def guess(self, name: str) -> str | None:
        """The format that was meant, perhaps."""
        return nearest(name, sorted({*REPORTERS, *self._others}))

    def require(self, name: str) -> Reporter:
        """The format of a name.

        Raises:
            UsageError: There is none.
        """
        reporter = self.find(name)
        if reporter is None:
            known, guess = ", ".join(sorted({*REPORTERS, *self._others})), self.guess(name)
            hint = f"did you mean '{guess}'? There are {known}" if guess else f"one of {known}"
            raise UsageError(f"there is no output format '{name}'", hint=hint)
        return reporter


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
        UsageError: There is no such format, or two reports would go to one place.
    """
    formats = _Formats(plugins, errors)
    split = [_split(item, formats) for item in destinations]
    plain = [path for reporter, path in split if reporter is None] or [None]
    if len(plain) > 1:
        raise UsageError(
            f"--output {plain[0] or '-'} and --output {plain[1] or '-'} ask for the same report twice",
            hint="a second report is --output FORMAT:FILE, such as sarif:report.sarif",
        )
    default = "full" if plain[0] is None and is_terminal else "concise"
    outputs = [Output(formats.require(name or default), plain[0])]
    outputs += [Output(reporter, path) for reporter, path in split if reporter is not None]
    taken: set[str] = set()
    for output in outputs:
        place = "-" if output.path is None else os.path.abspath(output.path)  # noqa: PTH100  links stay as they are
        if place in taken:
            raise UsageError(f"--output: two reports cannot both go to '{output.path or '-'}'")
        taken.add(place)
    return tuple(outputs)


def _split(destination: str, formats: _Formats) -> tuple[Reporter | None, Path | None]:
    """The format that a destination names itself, and the file. A first part that is no format belongs to its name.

    Raises:
        UsageError: The first part was meant as a format, or a format stands alone.
    """
    name, colon, path = destination.partition(":")
    if not path and formats.find(name) is not None:
        hint = f"'{name}:FILE'; a file of that name is './{destination}'"
        raise UsageError(f"--output: '{destination}' is an output format and names no file", hint=hint)
    if not (colon and path and re.fullmatch(r"[\w-]+", name)):
        return None, _path(destination)
    reporter = formats.find(name)
    if reporter is not None:
        return reporter, _path(path)
    guess = formats.guess(name)
    if guess:
        hint = f"did you mean '{guess}:{path}'? A file of that name is './{destination}'"
        raise UsageError(f"--output: there is no output format '{name}'", hint=hint)
    return None, _path(destination)


def _path(name: str) -> Path | None:
    """A file to write; `None` is standard output.

    Raises:
        UsageError: It is a folder.
    """
    if name == "-":
        return None
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
