"""The command line. Each command's module loads when the command is called; the rest stays out of memory."""

from __future__ import annotations

import contextlib
import os
import re
import sys
import traceback
from importlib import import_module
from pathlib import Path

import click

from semfora_hooks import __version__
from semfora_hooks.errors import SemforaError

EXIT_CLEAN, EXIT_FAILED, EXIT_ERROR, EXIT_INTERRUPTED = 0, 1, 2, 130

_COMMANDS = {
    "suggest": ("semfora_hooks.cli.suggest:suggest", "Analyse the repository and print recommendations."),
    "explain": ("semfora_hooks.cli.explain:explain", "Say what a rule means, or why a finding is there."),
    "context": ("semfora_hooks.cli.inspect:context", "Print the SuggestContext JSON, as a WASM plugin gets it."),
    "graph": ("semfora_hooks.cli.inspect:graph", "Print the symbols and the resolved calls between them."),
    "rules": ("semfora_hooks.cli.rules:rules", "List the rules."),
    "schema": ("semfora_hooks.cli.inspect:schema", "Print the JSON Schema of a document this program writes."),
}
"""Command to where it lives, and its line in `--help`, which imports none of them."""


class _LazyGroup(click.Group):
    """Knows its commands' names, and imports only the one that is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:  # noqa: ARG002
        if name not in _COMMANDS:
            return None
        module, _, attribute = _COMMANDS[name][0].partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:  # click would exit with 1, which means something else here
            drop_output()
            return EXIT_CLEAN

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in _COMMANDS.items()])


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="semfora-hooks", message="%(prog)s %(version)s")
@click.option("--traceback", is_flag=True, help="Show where in the program an error came from.")
def cli(traceback: bool) -> None:
    """Architecture recommendations for whole repositories.

    `semfora-hooks suggest` is the main job; with no options it works in any repository.
    """


def main() -> None:
    """The console script: run a command, map what it ends with to an exit code."""
    wants_traceback = "--traceback" in sys.argv
    _prepare_streams()
    # Processes we start put the current folder on their import path; a repository must not shadow what they import.
    os.environ["PYTHONSAFEPATH"] = "1"
    try:
        code = cli.main(standalone_mode=False) or EXIT_CLEAN
        sys.stdout.flush()
    except click.exceptions.Exit as stop:
        code = stop.exit_code
    except click.ClickException as error:
        error.show()
        code = EXIT_ERROR
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        code = EXIT_INTERRUPTED
    except BrokenPipeError:  # the reader had enough, as `| head` does
        drop_output()
        code = EXIT_CLEAN
    except SemforaError as error:
        if wants_traceback:
            traceback.print_exc()
        click.echo(f"error: {printable(str(error))}", err=True)
        code = EXIT_ERROR
    except OSError as error:
        if wants_traceback:
            traceback.print_exc()
        where = f"{error.filename}: " if error.filename else _without_folder()
        click.echo(f"error: {printable(f'{where}{error.strerror or error}')}", err=True)
        drop_output()
        code = EXIT_ERROR
    except Exception as error:  # noqa: BLE001  the last stop before the user
        if wants_traceback:
            traceback.print_exc()
        click.echo(
            f"error: internal error: {printable(f'{type(error).__name__}: {error}')} (run again with "
            "'semfora-hooks --traceback …' and report it)",
            err=True,
        )
        code = EXIT_ERROR
    sys.exit(code)


def printable(text: str) -> str:
    """A message whose file names cannot drive a terminal or start lines of their own; indented lines stay lines."""
    return "\n".join(
        "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in line)
        for line in re.split(r"\n(?=  )", text)
    )


def _prepare_streams() -> None:
    """Make output possible wherever we run: with a closed stream, and in a locale that cannot show everything."""
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115  for the process's lifetime
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:  # a report names what it names, whatever the locale can show
        reconfigure(errors="backslashreplace")


def _without_folder() -> str:
    """What to say first about an operating-system error that names no file."""
    try:
        Path.cwd()
    except OSError:
        return "the current folder no longer exists: "
    return "output: "


def drop_output() -> None:
    """Send what is still in standard output's buffer nowhere, so that the interpreter does not trip over it at exit."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
