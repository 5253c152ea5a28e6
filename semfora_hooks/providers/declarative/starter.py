"""A rule to start from: a commented file that is valid, and whose examples hold."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import yaml

from semfora_hooks.errors import UsageError
from semfora_hooks.providers.declarative import RULES_FOLDER
from semfora_hooks.providers.declarative.schema import rule_schema

SCHEMA_FILE = ".semfora/rule.v1.json"
"""Where the JSON Schema stands that editors complete and check rule files with."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(?:/[A-Za-z0-9][A-Za-z0-9._-]*)*")
_LONGEST = 100

_STARTER = """\
# yaml-language-server: $schema={schema}
# Once this file says what you want:
#   semfora-hooks rules validate                        is everything spelled right?
#   semfora-hooks rules test {name}
#                                                       do the examples at the end hold?
#   semfora-hooks suggest --rule {name}
#                                                       what does it find here?
#   semfora-hooks suggest --rule {name} --trace SYMBOL
#                                                       why does it fire on SYMBOL, or not?

name: {text}
group: project-conventions
description: Handlers must handle errors, or callers see tracebacks   # what must be so, and why
suggestion: "Add error handling to {{symbol}}"   # also {{file}}, {{module}}, {{line}}, {{kind}}, {{loc}}, …
severity: warning   # info, warning or error
confidence: 0.9     # how sure a finding is, from 0 to 1

# Which symbols the rule is about. All keys must hold.
match:
  kind: function            # one or a list: function, method, class, …
  name_pattern: "handle_*"  # a glob
  # module: "src.api.*"     # a glob on the dotted module; with a slash in it, on the path
  # is_exported: true
  # has_decorator: "app.*"

# When it fires on one of them. All keys must hold.
condition:
  missing_control_flow: [try]
  # min_loc: 5              # metrics: min_… is "at least", max_… is "more than"
  # has_calls_to: "db.*"    # with `transitively: true` beside it: also through other functions
  # any:                    # alternatives
  #   - max_complexity: 10
  #   - max_nesting_depth: 3
  # not:                    # exceptions
  #   has_decorator: "contextmanager"

# The rule's own tests.
examples:
  - note: nothing is caught
    fires: |
      def handle_order(order):
          return order.total / order.count
  - note: what can go wrong is caught
    silent: |
      def handle_order(order):
          try:
              return order.total / order.count
          except ZeroDivisionError:
              return 0
  - note: another function
    silent: |
      def total(order):
          return order.total / order.count
"""


def starter(name: str) -> str:
    """The text of a new rule's file.

    Raises:
        UsageError: The name cannot be that of a rule and its file.
    """
    if not _NAME.fullmatch(name) or len(name) > _LONGEST:
        shown = name if len(name) <= _LONGEST else f"{name[:_LONGEST]}…"
        raise UsageError(
            f"{shown!r} cannot be the name of a rule and its file",
            hint="letters, digits and . _ - after a letter or digit, such as api-error-handling or api/error-handling",
        )
    text = name if isinstance(yaml.safe_load(name), str) else json.dumps(name)
    schema = "../" * (name.count("/") + 1) + SCHEMA_FILE.rpartition("/")[2]
    return _STARTER.format(schema=schema, name=name, text=text)


def write_starter(root: Path, name: str) -> Path:
    """Write a new rule's file below a repository's rule folder, and the schema beside the folder if there is none.

    Returns:
        The file.

    Raises:
        UsageError: The name cannot be that of a rule, the file is there already, or a link leads out of the repository.
        OSError: It cannot be written.
    """
    text = starter(name)
    path = root / RULES_FOLDER / f"{name}.yaml"
    make_folder(path.parent, root)
    write_schema(root)
    try:
        write_new(path, text)
    except FileExistsError:
        where = path.relative_to(root).as_posix()
        raise UsageError(f"{where} is there already, and nothing is overwritten", hint="choose another name") from None
    return path


def write_schema(root: Path) -> None:
    """Write the schema that the starters name, unless there is one."""
    path = root / SCHEMA_FILE
    if not (path.exists() or path.is_symlink()):
        write_new(path, schema_text())


def schema_text() -> str:
    """The schema as a repository holds it."""
    return json.dumps(rule_schema(), indent=2) + "\n"


def write_new(path: Path, text: str) -> None:
    """Write a file that is not there yet; whatever stands in its place, links too, stays.

    Raises:
        FileExistsError: Something stands there.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
    with open(os.open(path, flags, 0o666), "w", encoding="utf-8", newline="\n") as stream:  # noqa: PTH123
        stream.write(text)


def make_folder(folder: Path, root: Path) -> None:
    """Make a folder below the root, without leaving it through a link.

    Raises:
        UsageError: A link on the way leads out of the repository.
    """
    real = root.resolve()
    steps = folder.relative_to(root).parts
    for count in range(1, len(steps) + 1):
        step = root.joinpath(*steps[:count])
        if not step.resolve().is_relative_to(real):
            raise UsageError(f"{step}: a symbolic link that leaves the repository; nothing is written through it")
        if not step.is_dir():
            step.mkdir()
