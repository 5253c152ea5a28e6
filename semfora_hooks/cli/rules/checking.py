"""`rules validate` and `rules test`: are the rules in YAML right, and do they do what their examples say?"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING

import click

from semfora_hooks.cli import EXIT_CLEAN, EXIT_ERROR, EXIT_FAILED, printable
from semfora_hooks.cli.rules.reading import RuleFiles, read_rules
from semfora_hooks.cli.rules.schemafile import remark
from semfora_hooks.config import nearest
from semfora_hooks.discovery import find_root
from semfora_hooks.errors import UsageError
from semfora_hooks.model import ErrorEntry
from semfora_hooks.plugin_manager import error_entry
from semfora_hooks.providers.declarative import RULES_FOLDER
from semfora_hooks.providers.declarative.rule import DeclarativeRule
from semfora_hooks.reporters.text import error_line

if TYPE_CHECKING:
    from semfora_hooks.testing.examples import Outcome


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option("--plugins", is_flag=True, help="Check WASM plugins too, and whether all rules load together.")
def validate(paths: tuple[Path, ...], plugins: bool) -> int:
    """Check the rules in YAML: all errors of all files at once, with their places.

    PATHS are rule files, or folders with some; by default everything in .semfora/rules.
    """
    root = find_root([], Path.cwd()).path
    found = read_rules(root, paths)
    _print_errors(found)
    number, others = _check_the_rest(root, {error.message for error in found.errors}) if plugins else (0, [])
    for entry in others:
        click.echo(error_line(entry), err=True)
    note = remark(root)
    if note is not None:
        click.echo(f"note: {note}", err=True)
    if found.errors or others:
        click.echo(f"{_troubles(found, others)}; {_count(len(found.rules), 'rule')} can run", err=True)
        return EXIT_ERROR
    if not found.rules and not number:
        click.echo(_nothing(paths))
        return EXIT_CLEAN
    beside = f", {_count(number, 'plugin')}" if number else ""
    counted = f"{_count(len(found.rules), 'rule')} in {_count(found.files, 'file')}{beside}"
    click.echo(f"{counted}: all valid{_untested(found.rules)}")
    return EXIT_CLEAN


def _troubles(found: RuleFiles, others: Sequence[ErrorEntry]) -> str:
    told = [f"{_count(len(found.errors), 'error')} in {_count(found.broken, 'file')}"] if found.errors else []
    told += [f"{_count(len(others), 'error')} beside rule files"] if others else []
    return ", ".join(told)


def _check_the_rest(root: Path, told: set[str]) -> tuple[int, list[ErrorEntry]]:
    """The number of plugins, and what is wrong with them or with all rules together, except for what was `told`.

    Raises:
        ConfigError: The configuration is wrong.
    """
    from semfora_hooks.cli.plugin.checking import check_plugins
    from semfora_hooks.config import load_config
    from semfora_hooks.engine import SuggestEngine

    number, problems = check_plugins()
    with redirect_stdout(sys.stderr):
        loaded = SuggestEngine(load_config(root)).load_rules()
    entries = {entry.message: entry for entry in (*map(error_entry, problems), *loaded.errors)}
    return number, [entry for message, entry in entries.items() if message not in told]


@click.command()
@click.argument("names", nargs=-1, metavar="[RULE_ID|PATH]...")
@click.option("-u", "--update", is_flag=True, help="Also print what would make examples that fail pass.")
def test(names: tuple[str, ...], update: bool) -> int:
    """Run the rules in YAML on their own examples.

    By default all rules in .semfora/rules; otherwise those of these names, files and folders.
    """
    root = find_root([], Path.cwd()).path
    found, rules = _chosen(root, names)
    _print_errors(found)
    failures = list(_failures(rules))
    for outcome in failures:
        for line in [*outcome.lines(), *(outcome.repairs() if update else ())]:
            click.echo(printable(line.expandtabs(4)))
    failed, broken = len(failures), sum(bool(outcome.problems) for outcome in failures)
    if not rules and not found.errors:
        click.echo(_nothing(names))
        return EXIT_CLEAN
    examples, tested = _count(sum(len(rule.examples) for rule in rules), "example"), _count(len(rules), "rule")
    verdict = f"{failed} of {examples} of {tested} failed" if failed else f"{examples} of {tested}: all pass"
    hint = "; -u prints what would make them pass" if failed > broken and not update else ""
    click.echo(f"{verdict}{_untested(rules)}{hint}")
    return EXIT_ERROR if found.errors or broken else EXIT_FAILED if failed else EXIT_CLEAN


def _failures(rules: Sequence[DeclarativeRule]) -> Iterator[Outcome]:
    """The examples that do not pass."""
    from semfora_hooks.testing.examples import try_example

    for rule in rules:
        for number in range(1, len(rule.examples) + 1):
            with redirect_stdout(sys.stderr):
                outcome = try_example(rule, number)
            if not outcome.passed:
                yield outcome


def _chosen(root: Path, names: Sequence[str]) -> tuple[RuleFiles, list[DeclarativeRule]]:
    """What the arguments name: rules of the repository by their ids, or files and folders.

    Raises:
        UsageError: There is no such rule, and no such file.
    """
    own = read_rules(root)
    if not names:
        return own, own.rules
    known = {rule.id: rule for rule in own.rules}
    paths = [Path(name) for name in names if name not in known]
    for path in paths:
        if not path.exists():
            guess = nearest(str(path), sorted(known))
            hint = f"did you mean '{guess}'?" if guess else f"{RULES_FOLDER} has {', '.join(sorted(known)) or 'none'}"
            raise UsageError(f"there is no rule and no file '{path}'", hint=hint)
    files = read_rules(root, paths) if paths else RuleFiles()
    rules = {(rule.origin, rule.place): rule for rule in (*(known[n] for n in names if n in known), *files.rules)}
    return files, list(rules.values())


def _print_errors(found: RuleFiles) -> None:
    for error in found.errors:
        click.echo(error_line(error_entry(error)), err=True)


def _nothing(given: Sequence[object]) -> str:
    hint = "; semfora-hooks rules new NAME writes one"
    return "there are no rules there" if given else f"there are no rules in {RULES_FOLDER}{hint}"


def _untested(rules: Sequence[DeclarativeRule]) -> str:
    """Which rules have no examples."""
    names = [rule.id for rule in rules if not rule.examples]
    return f"; without examples: {', '.join(names)}" if names else ""


def _count(number: int, noun: str) -> str:
    return f"{number} {noun if number == 1 else f'{noun}s'}"
