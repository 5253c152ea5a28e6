"""The command line. Each command's module loads when the command is called; the rest stays out of memory."""

from __future__ import annotations

import os
import sys
import traceback
from importlib import import_module

import click

from semfora_hooks import __version__
from semfora_hooks.errors import SemforaError

EXIT_CLEAN, EXIT_FAILED, EXIT_ERROR, EXIT_INTERRUPTED = 0, 1, 2, 130

_COMMANDS = {
    "suggest": "semfora_hooks.cli.suggest:suggest",
    "explain": "semfora_hooks.cli.explain:explain",
    "context": "semfora_hooks.cli.inspect:context",
    "graph": "semfora_hooks.cli.inspect:graph",
    "rules": "semfora_hooks.cli.rules:rules",
    "schema": "semfora_hooks.cli.inspect:schema",
}


class _LazyGroup(click.Group):
    """Knows its commands' names, and imports only the one that is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:  # noqa: ARG002
        target = _COMMANDS.get(name)
        if target is None:
            return None
        module, _, attribute = target.partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command


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
    try:
        code = cli.main(standalone_mode=False)
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
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = EXIT_CLEAN
    except SemforaError as error:
        if wants_traceback:
            traceback.print_exc()
        click.echo(f"error: {error}", err=True)
        code = EXIT_ERROR
    except Exception as error:  # noqa: BLE001  the last stop before the user
        if wants_traceback:
            traceback.print_exc()
        click.echo(
            f"error: internal error: {type(error).__name__}: {error} (run again with "
            "'semfora-hooks --traceback …' and report it)",
            err=True,
        )
        code = EXIT_ERROR
    sys.exit(code)
