"""The data every stage hands to the next: symbols, calls, modules, recommendations, the report.

These msgspec structs are the single source of the published JSON contracts (`docs/schemas/`). Adding a field keeps the
version. In a context, fields that are false, 0, empty or null are left out; a report spells everything out.
"""

from __future__ import annotations

import enum
from typing import Any, Literal

import msgspec

SymbolKind = Literal[
    "function",
    "component",
    "class",
    "method",
    "interface",
    "trait",
    "struct",
    "enum",
    "module",
    "type_alias",
    "variable",
]
Resolution = Literal["exact", "inferred", "name"]
ScopeKind = Literal["repo", "staged", "range", "files"]
ChangeKind = Literal["added", "modified", "deleted", "renamed"]
Reachability = Literal["called", "referenced", "entry_point", "unreferenced", "unknown"]
DuplicateKind = Literal["exact", "near", "divergent"]
Status = Literal["introduced", "worsened", "inherited"]
Granularity = Literal["symbol", "module", "project"]
CommentState = Literal["used", "partly used", "unused", "expired", "malformed", "unknown"]

CATEGORIES = ("combine_functions", "naming", "complexity", "dead_code", "module_organization", "type_narrowing")
"""The fixed categories; anything else is `custom:<name>`."""

CALLABLE_KINDS = frozenset({"function", "method", "component"})
CLASS_KINDS = frozenset({"class", "interface", "trait", "struct", "enum"})


class Severity(enum.Enum):
    """How much a finding matters. Ordered: `Severity.INFO < Severity.WARNING < Severity.ERROR`."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"

    @property
    def rank(self) -> int:
        """0 for info, 1 for warning, 2 for error."""
        return _SEVERITY_RANK[self.value]

    def __lt__(self, other: object) -> bool:
        return self.rank < other.rank if isinstance(other, Severity) else NotImplemented

    def __le__(self, other: object) -> bool:
        return self.rank <= other.rank if isinstance(other, Severity) else NotImplemented

    def __gt__(self, other: object) -> bool:
        return self.rank > other.rank if isinstance(other, Severity) else NotImplemented

    def __ge__(self, other: object) -> bool:
        return self.rank >= other.rank if isinstance(other, Severity) else NotImplemented


_SEVERITY_RANK = {"info": 0, "warning": 1, "error": 2}


class _Sparse(msgspec.Struct, frozen=True, omit_defaults=True):
    """A record that leaves its defaults out of JSON: so defaults here are false, 0, empty or null, nothing else."""


class _Full(msgspec.Struct, frozen=True):
    """A record whose every field stands in the JSON."""


# --------------------------------------------------------------------------------------------------- symbols


class Argument(_Sparse, frozen=True, kw_only=True):
    """One parameter of a function, as written."""

    name: str
    type: str | None = None
    default: str | None = None
    kind: Literal["positional", "positional_only", "keyword_only", "var_positional", "var_keyword"]


class ControlFlow(_Sparse, frozen=True, kw_only=True):
    """How often each construct stands in a symbol's own body; nested definitions count for themselves.

    `boolean` counts the operators `and`/`or`. `match` counts statements, `case` their branches.
    """

    if_: int = msgspec.field(default=0, name="if")
    elif_: int = msgspec.field(default=0, name="elif")
    else_: int = msgspec.field(default=0, name="else")
    for_: int = msgspec.field(default=0, name="for")
    while_: int = msgspec.field(default=0, name="while")
    match: int = 0
    case: int = 0
    try_: int = msgspec.field(default=0, name="try")
    except_: int = msgspec.field(default=0, name="except")
    finally_: int = msgspec.field(default=0, name="finally")
    with_: int = msgspec.field(default=0, name="with")
    raise_: int = msgspec.field(default=0, name="raise")
    return_: int = msgspec.field(default=0, name="return")
    yield_: int = msgspec.field(default=0, name="yield")
    await_: int = msgspec.field(default=0, name="await")
    ternary: int = 0
    boolean: int = 0
    comprehension: int = 0
    lambda_: int = msgspec.field(default=0, name="lambda")
    assert_: int = msgspec.field(default=0, name="assert")


class Metrics(_Sparse, frozen=True, kw_only=True):
    """Numbers about one symbol.

    Attributes:
        cognitive_complexity: SonarSource's Cognitive Complexity (G. Ann Campbell, 2018), nested functions included.
        cyclomatic_complexity: McCabe (1976), counted as ruff's C901 does, nested functions included.
        nesting_depth: The deepest nesting of control-flow blocks.
        loc: Lines of code: from the definition to its end, without blank, comment-only and docstring lines.
        fan_in: Distinct symbols that call this one (any resolution).
        fan_out: Distinct symbols and external names that this one calls.
        callers_count: Call sites that reach this symbol.
        argument_count: Declared arguments, without a method's `self` or `cls`.
    """

    cognitive_complexity: int = 0
    cyclomatic_complexity: int = 0
    nesting_depth: int = 0
    loc: int = 0
    fan_in: int = 0
    fan_out: int = 0
    callers_count: int = 0
    argument_count: int = 0


class TypeCheck(_Sparse, frozen=True, kw_only=True):
    """The run-time type tests a function makes on one of its names.

    Attributes:
        name: The variable that is tested.
        types: The types it is tested against, in order of appearance, without repeats.
        branches: How many `if`/`elif` tests of one chain test it.
        guard: The function starts by raising unless the name is an instance of `types`.
    """

    name: str
    types: tuple[str, ...] = ()
    branches: int = 0
    guard: bool = False


class Symbol(_Sparse, frozen=True, kw_only=True, gc=False):
    """A named piece of code, unique within the snapshot."""

    id: str
    name: str
    qualified_name: str
    kind: SymbolKind
    module: str
    file: str
    start_line: int
    end_line: int
    start_column: int
    language: str
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
    entry_point: str
    reachability: Reachability
    type_checks: tuple[TypeCheck, ...] = ()
    returns_none: bool | None = None
    """Whether the function can return `None`: yes, no, or unknown (`None`)."""

    @property
    def line_count(self) -> int:
        """Physical lines from the definition to its end."""
        return self.end_line - self.start_line + 1


class CallEdge(_Sparse, frozen=True, kw_only=True):
    """Calls from one symbol to one target: a symbol of the repository (`callee`) or a name outside it (`external`).

    `resolution` says how far to trust `callee`: `exact` follows the language's scoping and imports, `inferred` follows
    annotations and constructor assignments, `name` matched the only symbol of that name.
    """

    caller: str
    callee: str | None = None
    external: str | None = None
    count: int
    line: int
    resolution: Resolution
    in_try: bool = False
    is_awaited: bool = False


class ImportEdge(_Sparse, frozen=True, kw_only=True):
    """One module-level fact: `importer` imports `imported`, both modules of the repository.

    `lazy` imports stand inside a function, or run only when the file is run as a script;
    `type_checking` ones run only for type checkers.
    """

    importer: str
    imported: str
    file: str
    line: int
    lazy: bool = False
    type_checking: bool = False


class Module(_Sparse, frozen=True, kw_only=True):
    """A module (in Python, one importable file) with its couplings inside the repository.

    `instability` is Robert C. Martin's Ce / (Ca + Ce); 0 where both are 0.
    """

    name: str
    files: int
    symbols: int = 0
    loc: int = 0
    imports: tuple[str, ...] = ()
    external_imports: tuple[str, ...] = ()
    afferent_coupling: int = 0
    efferent_coupling: int = 0
    instability: float = 0.0


class Duplicate(_Sparse, frozen=True, kw_only=True):
    """Symbols that repeat each other.

    Attributes:
        symbols: Ids, sorted by file and line.
        similarity: The lowest Jaccard similarity of their token shingles that holds the group together, 0 to 1.
        kind: `exact` (equal but for local names and literals), `near`, or `divergent` (same name, drifted apart).
        tokens: Length of the shortest one, in tokens.
        identical: They are equal to the letter, comments and layout apart.
    """

    symbols: tuple[str, ...]
    similarity: float
    kind: DuplicateKind
    tokens: int = 0
    identical: bool = False


# --------------------------------------------------------------------------------------------------- context


class ChangedFile(_Sparse, frozen=True, kw_only=True):
    """A file the change touches; `lines` are inclusive 1-based ranges on the new side."""

    path: str
    change: ChangeKind
    old_path: str | None = None
    lines: tuple[tuple[int, int], ...] = ()


class Scope(_Full, frozen=True, kw_only=True):
    """What the run is about."""

    kind: ScopeKind = "repo"
    base_ref: str | None = None
    files: tuple[ChangedFile, ...] = ()
    symbols: tuple[str, ...] = ()


class Generator(_Full, frozen=True, kw_only=True):
    """Who wrote a context, and what its data can be trusted to hold."""

    name: str = "semfora-hooks"
    version: str
    capabilities: tuple[str, ...] = ()


class Repository(_Full, frozen=True, kw_only=True):
    """The analysed repository; `head` is a commit id where there is one."""

    name: str
    head: str | None = None


class ContextDocument(_Full, frozen=True, kw_only=True):
    """The `SuggestContext` JSON, version 1: what a WASM plugin gets and `semfora-hooks context` prints."""

    schema: Literal["semfora.suggest_context"] = "semfora.suggest_context"
    version: Literal[1] = 1
    generator: Generator
    repository: Repository
    scope: Scope
    config: dict[str, Any] = {}
    symbols: list[Symbol] = []
    calls: list[CallEdge] = []
    modules: list[Module] = []
    duplicates: list[Duplicate] = []


# -------------------------------------------------------------------------------------------- recommendations


class SymbolRef(_Full, frozen=True, kw_only=True):
    """Where a recommendation points."""

    id: str
    name: str
    file: str
    module: str = ""
    start_line: int = 1
    end_line: int = 1
    start_column: int = 1

    @classmethod
    def of(cls, symbol: Symbol) -> SymbolRef:
        """The reference to `symbol`."""
        return cls(
            id=symbol.id,
            name=symbol.name,
            file=symbol.file,
            module=symbol.module,
            start_line=symbol.start_line,
            end_line=symbol.end_line,
            start_column=symbol.start_column,
        )


class Evidence(_Full, frozen=True, kw_only=True):
    """One fact behind a recommendation: a metric and its limit, a call path, a counter-indication."""

    kind: str
    text: str
    symbol: str | None = None
    file: str | None = None
    line: int | None = None


class Suppression(_Full, frozen=True, kw_only=True):
    """Why a recommendation does not count: a comment in the code."""

    kind: str
    file: str
    line: int
    reason: str | None = None


class Recommendation(_Full, frozen=True, kw_only=True):
    """One finding. Providers fill in what they know; the host completes and checks it.

    Attributes:
        id: Stable within a run; the host builds `<rule_id>:<symbol id or discriminator>` where it is empty.
        discriminator: Tells apart findings of one rule on one symbol. Part of the fingerprint: no line numbers or
            metric values here.
        metrics: Name to number; an increase makes a known finding *worsened*.
        fingerprint: Filled in by the host: the finding's identity across edits.
    """

    id: str = ""
    rule_id: str = ""
    group: str = ""
    category: str = ""
    severity: Severity | None = None
    confidence: float = 1.0
    title: str
    description: str = ""
    symbols: tuple[SymbolRef, ...] = ()
    suggestion: str | None = None
    evidence: tuple[Evidence, ...] = ()
    metrics: dict[str, float] = {}
    discriminator: str = ""
    fingerprint: str = ""
    status: Status | None = None
    suppressed: Suppression | None = None


# ----------------------------------------------------------------------------------------------------- report


class ErrorEntry(_Full, frozen=True, kw_only=True):
    """Something that failed without stopping the run. Any entry makes the exit code 2.

    `provider` is the entry point's name; `distribution` and `version` say which package to update.
    """

    kind: str
    message: str
    provider: str | None = None
    distribution: str | None = None
    version: str | None = None
    rule: str | None = None
    hint: str | None = None


class Incomplete(_Full, frozen=True, kw_only=True):
    """A file that could not be analysed, or not wholly, and why."""

    file: str
    reason: str


class Tool(_Full, frozen=True, kw_only=True):
    """The program that wrote a report."""

    name: str = "semfora-hooks"
    version: str


class ReportScope(_Full, frozen=True, kw_only=True):
    """The run's scope, as the report repeats it."""

    kind: ScopeKind = "repo"
    base_ref: str | None = None


class Summary(_Full, frozen=True, kw_only=True):
    """The run in numbers. `recommendations` and `by_severity` count what is not suppressed."""

    files: int = 0
    symbols: int = 0
    recommendations: int = 0
    by_severity: dict[str, int] = {}
    by_rule: dict[str, int] = {}
    suppressed: int = 0
    failed: bool = False
    fail_on: str = "error"


class Timings(_Full, frozen=True, kw_only=True):
    """Wall-clock seconds a stage took; `rules` maps rule ids to theirs."""

    discover: float = 0.0
    extract: float = 0.0
    link: float = 0.0
    rules: dict[str, float] = {}
    total: float = 0.0


class Report(_Full, frozen=True, kw_only=True):
    """The outcome of a run: what reporters render and what `--output-format json` prints."""

    schema: Literal["semfora.report"] = "semfora.report"
    version: Literal[1] = 1
    tool: Tool
    scope: ReportScope = ReportScope()
    summary: Summary
    recommendations: list[Recommendation] = []
    fixed: list[Recommendation] = []
    errors: list[ErrorEntry] = []
    incomplete: list[Incomplete] = []
    notices: list[str] = []
    timings: Timings = Timings()
