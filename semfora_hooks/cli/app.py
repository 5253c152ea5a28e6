"""The commands, each loaded when it is called; the rest stays out of memory."""

from __future__ import annotations

import click

from semfora_hooks import __version__
from semfora_hooks.cli import EXIT_CLEAN, EXIT_ERROR, drop_output
from semfora_hooks.cli.lazygroup import LazyGroup

_COMMANDS = {
    "suggest": ("semfora_hooks.cli.suggest:suggest", "Analyse the repository and print recommendations."),
    "explain": ("semfora_hooks.cli.explain:explain", "Say what a rule means, or why a finding is there."),
    "context": ("semfora_hooks.cli.inspect:context", "Print the SuggestContext JSON, as a WASM plugin gets it."),
    "graph": ("semfora_hooks.cli.inspect:graph", "Print the symbols and the resolved calls between them."),
    "rules": ("semfora_hooks.cli.rules:rules", "List, write, check and test rules."),
    "plugin": ("semfora_hooks.cli.plugin:plugin", "Write, test, run, list, lock and trust WASM plugins."),
    "suppressions": ("semfora_hooks.cli.suppressions:suppressions", "List the comments that silence findings."),
    "baseline": ("semfora_hooks.cli.baseline:baseline", "Accept the findings of today in a file that is committed."),
    "init": ("semfora_hooks.cli.init:init", "Write a configuration, a rule and a hook entry to start from."),
    "schema": ("semfora_hooks.cli.inspect:schema", "Print the JSON Schema of a document this program writes."),
    "cache": ("semfora_hooks.cli.cache:cache", "Look at, check and empty the cache of facts."),
}
"""Command to where it lives, and its line in `--help`, which imports none of them."""


class _Program(LazyGroup):
    """The whole program: a reader who had enough is no failure."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:  # click would exit with 1, which means something else here
            drop_output()
            return EXIT_CLEAN


@click.group(
    cls=_Program, table=_COMMANDS, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(__version__, prog_name="semfora-hooks", message="%(prog)s %(version)s")
@click.option("--traceback", is_flag=True, help="Show where in the program an error came from.")
def cli(traceback: bool) -> None:
    """Architecture recommendations for whole repositories.

    `semfora-hooks suggest` is the main job; with no options it works in any repository.
    """


def run() -> int:
    """Run the command that `sys.argv` names; its exit code.

    Raises:
        KeyboardInterrupt: It was interrupted.
    """
    try:
        return cli.main(standalone_mode=False) or EXIT_CLEAN
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.ClickException as error:
        error.show()
        return EXIT_ERROR
    except click.Abort:
        raise KeyboardInterrupt from None
