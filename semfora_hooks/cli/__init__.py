"""The command line. What runs on every start is in this module, and imports next to nothing."""

from __future__ import annotations

import atexit
import contextlib
import gc
import os
import sys

from semfora_hooks import __version__
from semfora_hooks.errors import SemforaError

EXIT_CLEAN, EXIT_FAILED, EXIT_ERROR, EXIT_INTERRUPTED = 0, 1, 2, 130


def main() -> None:
    """The console script: run a command, map what it ends with to an exit code. The process is over then."""
    _prepare_streams()
    # Processes we start put the current folder on their import path; a repository must not shadow what they import.
    os.environ["PYTHONSAFEPATH"] = "1"
    # A process this short makes little garbage, and everything that it made would be looked at once more when it ends:
    # by a collector that is switched on again, or by the interpreter.
    gc.disable()
    atexit.register(gc.freeze)
    sys.exit(_guarded())


def _guarded() -> int:
    """Run the command; its exit code, whatever it raises."""
    try:
        if sys.argv[1:] == ["--version"]:
            sys.stdout.write(f"semfora-hooks {__version__}\n")
            code = EXIT_CLEAN
        else:
            from semfora_hooks.cli.app import run

            code = run()
        sys.stdout.flush()
    except KeyboardInterrupt:
        _tell("interrupted")
        code = EXIT_INTERRUPTED
    except BrokenPipeError:  # the reader had enough, as `| head` does
        drop_output()
        code = EXIT_CLEAN
    except SemforaError as error:
        _show_traceback()
        _tell(f"error: {printable(str(error))}")
        code = EXIT_ERROR
    except OSError as error:
        _show_traceback()
        where = f"{error.filename}: " if error.filename else _without_folder()
        _tell(f"error: {printable(f'{where}{error.strerror or error}')}")
        drop_output()
        code = EXIT_ERROR
    except Exception as error:  # noqa: BLE001  the last stop before the user
        _show_traceback()
        _tell(
            f"error: internal error: {printable(f'{type(error).__name__}: {error}')} (run again with "
            "'semfora-hooks --traceback …' and report it)"
        )
        code = EXIT_ERROR
    return code


def _tell(line: str) -> None:
    import click

    click.echo(line, err=True)


def _show_traceback() -> None:
    """Print where an error came from, if the user asked for it."""
    if "--traceback" in sys.argv:
        import traceback

        traceback.print_exc()


def printable(text: str) -> str:
    """A message whose file names cannot drive a terminal or start lines of their own; indented lines stay lines."""
    import re

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
        os.getcwd()  # noqa: PTH109
    except OSError:
        return "the current folder no longer exists: "
    return "output: "


def drop_output() -> None:
    """Send what is still in standard output's buffer nowhere, so that the interpreter does not trip over it at exit."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
