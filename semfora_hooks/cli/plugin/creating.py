"""`semfora-hooks plugin new`: a project for a plugin in one of the languages that have an SDK."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from semfora_hooks.cli import EXIT_CLEAN, printable
from semfora_hooks.cli.plugin.scaffold import LANGUAGES, first_steps, write_project
from semfora_hooks.errors import UsageError


@click.command()
@click.argument("name")
@click.option("--lang", "language", type=click.Choice(list(LANGUAGES)), required=True, help="What it is written in.")
@click.option(
    "--into",
    metavar="FOLDER",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=".",
    show_default="the current folder",
    help="Where the project's folder is made.",
)
def new(name: str, language: str, into: Path) -> int:
    """Write a project for a plugin to a new folder NAME: a rule that works, with tests, fixtures and the SDK.

    Its README leads from there to a finding in your repository. Nothing is overwritten, and nothing is downloaded.
    """
    try:
        project = write_project(name, language, into)
    except OSError as error:
        raise UsageError(f"'{into / name}' cannot be written: {error.strerror or error}") from None
    kind = LANGUAGES[language]
    click.echo(printable(f"wrote {project}, a plugin in {kind}; its README.md says what it needs to be built. Then:"))
    for line in [f"cd {shlex.quote(str(project))}", *first_steps(project)]:
        click.echo(f"  {printable(line)}")
    return EXIT_CLEAN
