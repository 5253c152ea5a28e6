"""`SuggestContext`, version 1: what a plugin gets.

What a context leaves out has its default; fields of a later contract are ignored. Lines and columns are 1-based,
ranges inclusive; paths are relative to the repository, with `/`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

CONTRACT_VERSION = 1
SCHEMA = "semfora.suggest_context"


class PluginError(Exception):
    """The plugin cannot go on, for instance because of its configuration. The user reads the text."""


@dataclass(frozen=True, slots=True)
class Generator:
    """Who wrote a context, and what its data can be trusted to hold."""

    name: str = "semfora-hooks"
    version: str = ""
    capabilities: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Repository:
    """The analysed repository; `head` is a commit, where there is one."""

    name: str = ""
    head: str | None = None


@dataclass(frozen=True, slots=True)
class ChangedFile:
    """A file of the change: `added`, `modified`, `deleted` or `renamed`. `lines` are ranges on the new side."""

    path: str = ""
    change: str = "modified"
    old_path: str | None = None
    lines: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Scope:
    """What a run is about: `repo`, or a change (`staged`, `range`, `files`). `symbols` are the ids it touches."""

    kind: str = "repo"
    base_ref: str | None = None
    files: tuple[ChangedFile, ...] = ()
    symbols: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Argument:
    """A parameter as written: `positional`, `positional_only`, `keyword_only`, `var_positional` or `var_keyword`."""

    name: str = ""
    type: str | None = None
    default: str | None = None
    kind: str = "positional"


@dataclass(frozen=True, slots=True)
class ControlFlow:
    """How often each construct stands in a symbol's own body. `boolean` counts the operators `and` and `or`."""

    if_: int = 0
    elif_: int = 0
    else_: int = 0
    for_: int = 0
    while_: int = 0
    match: int = 0
    case: int = 0
    try_: int = 0
    except_: int = 0
    finally_: int = 0
    with_: int = 0
    raise_: int = 0
    return_: int = 0
    yield_: int = 0
    await_: int = 0
    ternary: int = 0
    boolean: int = 0
    comprehension: int = 0
    lambda_: int = 0
    assert_: int = 0


@dataclass(frozen=True, slots=True)
class Metrics:
    """Numbers about one symbol. `loc` counts lines of code, `callers_count` the places from which it is called."""

    cognitive_complexity: int = 0
    cyclomatic_complexity: int = 0
    nesting_depth: int = 0
    loc: int = 0
    fan_in: int = 0
    fan_out: int = 0
    callers_count: int = 0
    argument_count: int = 0


@dataclass(frozen=True, slots=True)
class TypeCheck:
    """The run-time type tests that a function makes on one of its names."""

    name: str = ""
    types: tuple[str, ...] = ()
    branches: int = 0
    guard: bool = False


@dataclass(frozen=True, slots=True)
class Symbol:
    """A named piece of code, unique within the context.

    Attributes:
        kind: `function`, `method`, `class`, `component`, `enum`, `interface`, `module`, `struct`, `trait`,
            `type_alias` or `variable`.
        parent: The id of the symbol around it.
        is_stub: It is a declaration without a body.
        entry_point: `none`, or how the program is entered here: `cli_main`, `web_route`, …
        reachability: `called`, `entry_point`, `referenced`, `unreferenced` or `unknown`.
        returns_none: `None` where it is not known.
    """

    id: str = ""
    name: str = ""
    qualified_name: str = ""
    kind: str = "function"
    module: str = ""
    file: str = ""
    start_line: int = 1
    end_line: int = 1
    start_column: int = 1
    language: str = ""
    parent: str | None = None
    is_exported: bool = False
    is_async: bool = False
    is_test: bool = False
    is_generated: bool = False
    is_stub: bool = False
    decorators: tuple[str, ...] = ()
    base_classes: tuple[str, ...] = ()
    return_type: str | None = None
    arguments: tuple[Argument, ...] = ()
    control_flow: ControlFlow = ControlFlow()
    metrics: Metrics = Metrics()
    entry_point: str = "none"
    reachability: str = "unknown"
    type_checks: tuple[TypeCheck, ...] = ()
    returns_none: bool | None = None


@dataclass(frozen=True, slots=True)
class CallEdge:
    """Calls from one symbol to a symbol of the repository (`callee`, an id) or a name outside it (`external`).

    `resolution` says how far to trust `callee`: `exact` follows the language's scoping and imports, `inferred` follows
    annotations and assignments, `name` is the only symbol of that name.
    """

    caller: str = ""
    callee: str | None = None
    external: str | None = None
    count: int = 1
    line: int = 1
    resolution: str = "name"
    in_try: bool = False
    is_awaited: bool = False


@dataclass(frozen=True, slots=True)
class Module:
    """A module with its couplings inside the repository. `instability` is Robert C. Martin's Ce / (Ca + Ce)."""

    name: str = ""
    files: int = 0
    symbols: int = 0
    loc: int = 0
    imports: tuple[str, ...] = ()
    external_imports: tuple[str, ...] = ()
    afferent_coupling: int = 0
    efferent_coupling: int = 0
    instability: float = 0.0


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Symbols (ids) that repeat each other: `exact`, `near` or `divergent`."""

    symbols: tuple[str, ...] = ()
    similarity: float = 0.0
    kind: str = "near"
    tokens: int = 0
    identical: bool = False


@dataclass(frozen=True, slots=True)
class SuggestContext:
    """A repository, or the part of it that the plugin's manifest asks for."""

    schema: str = SCHEMA
    version: int = CONTRACT_VERSION
    generator: Generator = Generator()
    repository: Repository = Repository()
    scope: Scope = Scope()
    config: Mapping[str, Any] = field(default_factory=dict)
    symbols: tuple[Symbol, ...] = ()
    calls: tuple[CallEdge, ...] = ()
    modules: tuple[Module, ...] = ()
    duplicates: tuple[Duplicate, ...] = ()

    def has_capability(self, capability: str) -> bool:
        """Whether the writer can tell what `capability` names (`control_flow`, …). If not, missing data say nothing."""
        return capability in self.generator.capabilities

    def strings(self, option: str) -> list[str]:
        """An option of the manifest's `config` as a list of strings; empty where it is missing or null.

        Raises:
            PluginError: It is something else.
        """
        value = self.config.get(option)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise PluginError(f"config.{option} must be a list of strings")
        return list(value)
