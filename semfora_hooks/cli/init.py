"""`semfora-hooks init`: a configuration, a rule and a hook entry to start from. Overwrites nothing."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable
from pathlib import Path

import click

from semfora_hooks.cli import EXIT_CLEAN, EXIT_ERROR, printable
from semfora_hooks.config import MEBIBYTE, parse_toml
from semfora_hooks.discovery import Root, find_root
from semfora_hooks.errors import ConfigError, RuleFileError, SemforaError, UsageError
from semfora_hooks.providers.declarative import RULES_FOLDER
from semfora_hooks.providers.declarative.loading import rule_files
from semfora_hooks.providers.declarative.starter import write_new, write_starter
from semfora_hooks.reporters.writing import replacing

PYPROJECT, OWN, PRE_COMMIT = "pyproject.toml", "semfora.toml", ".pre-commit-config.yaml"
RULE = "handlers-handle-errors"
"""The starter rule's name: what it checks, until its file says something else."""

_KEYS = """\
fail-on = "error"   # from which severity a finding makes a run fail: never, info, warning, error
# exclude = ["vendor/**"]                  # besides what .gitignore names
# ignore = ["naming"]                      # rules, groups or categories to leave out

# [{prefix}severity]
# dead-code = "info"

# [{prefix}per-file-ignores]
# "tests/**" = ["complexity"]
"""
_SETTINGS = {"fail-on": "error"}
_HEADER = "# Settings of semfora-hooks; every key has a default. 'semfora-hooks rules list' shows what is checked.\n"


class _NotWrittenError(Exception):
    """Something is left to the user.

    Attributes:
        why: What hinders us.
        text: What to add.
    """

    def __init__(self, why: str, text: str) -> None:
        super().__init__(why)
        self.why = why
        self.text = text


@click.command()
def init() -> int:
    """Write a configuration, a rule and a hook entry to start from. Overwrites nothing.

    The configuration goes to pyproject.toml where there is one, else to semfora.toml; the rule to .semfora/rules; the
    hook entry to .pre-commit-config.yaml. What is there already stays as it is, so that it can run twice.
    """
    root = find_root([], Path.cwd())
    code = EXIT_CLEAN
    steps: tuple[tuple[str, Callable[[Root], str]], ...] = (
        ("the configuration", _write_configuration),
        ("a rule", _write_rule),
        ("the hook entry", _write_hook),
    )
    for what, step in steps:
        try:
            click.echo(printable(step(root)))
        except _NotWrittenError as left:
            click.echo(printable(f"{left.why}; to have {what}, add this yourself:"))
            click.echo("".join(f"    {line}".rstrip() + "\n" for line in left.text.splitlines()), nl=False)
        except (SemforaError, OSError) as error:  # one broken file does not keep the others from being written
            text = str(error) if isinstance(error, SemforaError) else f"{error.filename}: {error.strerror}"
            click.echo(f"error: {printable(text)}", err=True)
            code = EXIT_ERROR
    _tell_what_is_next(root)
    return code


def _tell_what_is_next(root: Root) -> None:
    click.echo("next:")
    lines = [
        ("semfora-hooks suggest", "what does it find here?"),
        ("semfora-hooks rules test", "do the rules do what their examples say?"),
        ("semfora-hooks baseline create", "accept what is there; from then on only new findings count"),
    ]
    if root.is_git:
        lines.append(("pre-commit install", "judge every commit by what it introduces"))
    for command, what in lines:
        click.echo(f"  {command:<30}  # {what}")


# ------------------------------------------------------------------------------------------------------- configuration


def _write_configuration(root: Root) -> str:
    """Write the configuration where it belongs; a line that says what was done.

    Raises:
        ConfigError: pyproject.toml is no TOML.
        _NotWrittenError: pyproject.toml cannot be added to.
    """
    own, pyproject = root.path / OWN, root.path / PYPROJECT
    if os.path.lexists(own):
        return f"{OWN} is there already"
    block = f"[tool.semfora]\n{_KEYS.format(prefix='tool.semfora.')}"
    if not os.path.lexists(pyproject):
        write_new(own, _HEADER + _KEYS.format(prefix=""))
        return f"wrote {OWN}"
    text = _plain_text(pyproject, block)
    try:
        table = parse_toml(text.removeprefix("\ufeff"))
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{PYPROJECT}: not valid TOML: {error}", hint="mend it and run this again") from None
    tool = table.get("tool", {})
    if isinstance(tool, dict) and "semfora" in tool:
        return f"{PYPROJECT} has [tool.semfora] already"
    added = _appended(text, block)
    if not (isinstance(tool, dict) and _is_meant(added, {**table, "tool": {**tool, "semfora": _SETTINGS}})):
        raise _NotWrittenError(f"{PYPROJECT} defines [tool] in a way that nothing can be added to", block)
    _replace(pyproject, added)
    return f"added [tool.semfora] to {PYPROJECT}"


def _appended(text: str, block: str) -> str:
    """The text with a block behind it, after an empty line, with the line ends that the text has."""
    newline = "\r\n" if "\r\n" in text else "\n"
    gap = ("" if not text or text.endswith("\n") else newline) + (newline if text.strip() else "")
    return text + gap + block.replace("\n", newline)


def _is_meant(text: str, table: dict[str, object]) -> bool:
    """Whether a text says what is in a table."""
    try:
        return tomllib.loads(text.removeprefix("\ufeff")) == table
    except (ValueError, RecursionError):
        return False


# ---------------------------------------------------------------------------------------------------- rule, hook entry


def _write_rule(root: Root) -> str:
    """Write the starter rule, if there are no rules yet; a line that says what was done.

    Raises:
        RuleFileError: The folder cannot be read.
        UsageError: A link leads out of the repository.
    """
    folder = root.path / RULES_FOLDER
    errors: list[RuleFileError] = []
    if os.path.lexists(folder):
        if any(rule_files(folder, root.path, errors)):
            return f"{RULES_FOLDER} has rules already"
        if errors:
            raise errors[0]
    path = write_starter(root.path, RULE)
    return f"wrote {path.relative_to(root.path).as_posix()}, a rule that says how to go on"


def _write_hook(root: Root) -> str:
    """Write the hook entry; a line that says what was done.

    Raises:
        ConfigError: The file is no YAML.
        _NotWrittenError: The file cannot be added to.
    """
    import yaml

    from semfora_hooks.cli import hookentry

    if not root.is_git:
        return f"no hook entry: {root.path} is not a git repository, and pre-commit needs one"
    path = root.path / PRE_COMMIT
    if not os.path.lexists(path):
        write_new(path, hookentry.new_file())
        return f"wrote {PRE_COMMIT}"
    text = _plain_text(path, hookentry.entry())
    try:
        if hookentry.has_entry(text):
            return f"{PRE_COMMIT} has a hook of ours already"
        added = hookentry.with_entry(text)
    except hookentry.NotSafeError as error:
        raise _NotWrittenError(f"{PRE_COMMIT}: {error}", hookentry.entry()) from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{PRE_COMMIT}{_place(error)}: not valid YAML", hint="mend it and run this again") from None
    _replace(path, added)
    return f"added the hooks {' and '.join(hookentry.HOOKS)} to {PRE_COMMIT}"


def _place(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    return "" if mark is None else f":{mark.line + 1}:{mark.column + 1}"


# --------------------------------------------------------------------------------------------------------------- files


def _plain_text(path: Path, block: str) -> str:
    """A file's text, with its line ends.

    Raises:
        ConfigError: It is no text in UTF-8.
        UsageError: It is no regular file, or too large.
        _NotWrittenError: It is a symbolic link; `block` is then for the user to add.
    """
    if path.is_symlink():
        raise _NotWrittenError(f"{path.name} is a symbolic link, which is not written through", block)
    if not path.is_file():
        raise UsageError(f"{path.name}: not a regular file")
    if path.stat().st_size > MEBIBYTE:
        raise UsageError(f"{path.name}: larger than 1 MiB; refusing to read it as configuration")
    try:
        return path.read_bytes().decode()
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path.name}: not UTF-8 from byte {error.start + 1} on") from None


def _replace(path: Path, text: str) -> None:
    with replacing(path) as stream:
        stream.write(text)
