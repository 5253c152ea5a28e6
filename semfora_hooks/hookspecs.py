"""The contract with providers, reporters and executors: what a third-party package implements.

A distribution takes part by an entry point in the group `semfora_hooks` that names a module (or object) with functions
marked `@hookimpl`:

    from semfora_hooks import RuleProvider, hookimpl

    @hookimpl
    def semfora_rule_providers():
        return [RuleProvider(name="acme", load=load_rules)]

Hooks only declare, cheaply. Rules run later, by `Rule.evaluate`, and return data.
"""

from __future__ import annotations

import abc
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TextIO

import msgspec
import pluggy

from semfora_hooks.config import Config
from semfora_hooks.context import SuggestContext
from semfora_hooks.errors import SemforaError
from semfora_hooks.model import Granularity, Recommendation, Report, Severity, Symbol

if TYPE_CHECKING:
    from concurrent.futures import Executor

PROJECT_NAME = "semfora_hooks"

Locality = Literal["file", "duplicates", "imports", "focus", "repository"]

hookspec = pluggy.HookspecMarker(PROJECT_NAME)
hookimpl = pluggy.HookimplMarker(PROJECT_NAME)


class Example(msgspec.Struct, frozen=True):
    """A piece of code with what a rule must say about it: documentation and test in one.

    Attributes:
        fires: Whether the rule must report at least one finding, or none.
        files: Path to source; a single file is usually enough.
        options: Rule options that differ from the defaults.
        note: What the example shows, in a few words.
    """

    fires: bool
    files: Mapping[str, str]
    options: Mapping[str, Any] = {}
    note: str = ""


class Rule(abc.ABC):
    """One check. Subclass it, or offer any object with these attributes.

    Attributes:
        id: Unique among all providers; `kebab-case`, or `group/name`.
        group: What the rule is switched on, off and listed with.
        category: One of `model.CATEGORIES`, or `custom:<name>`.
        severity: The default; configuration can change it, a recommendation can set its own.
        description: What the rule finds and why that matters. One paragraph.
        granularity: How much of the repository one decision needs: `symbol`, `module` or `project`.
        remedy: How to fix a finding; shown by `explain`.
        recommended: Whether the default selection (`recommended`) holds the rule.
        options_type: A msgspec struct with the rule's thresholds, all with defaults and descriptions.
        examples: Code that fires it and code that does not; they are the rule's tests.
        origin: The file the rule was read from, where there is one.
        locality: What a finding rests on besides the data of the symbols in the file it is reported in. Nothing
            (`file`), so that a run about a change need show the rule the files that the change reaches and no more; the
            group of `duplicates` or the circle of `imports` it is about; or anything (`repository`). With `focus`
            and a granularity of `symbol` or `module`, the rule gets the symbols (the whole modules) that the change is
            about, with what they call and what calls them, and everything outside runs about a change.
        uses_calls: Whether the rule looks at who calls what, or at metrics that count it.
    """

    id: str
    group: str
    category: str
    severity: Severity
    description: str
    granularity: Granularity = "project"
    remedy: str = ""
    recommended: bool = True
    options_type: ClassVar[type[msgspec.Struct] | None] = None
    examples: Sequence[Example] = ()
    origin: str | None = None
    locality: Locality = "repository"
    uses_calls: bool = True

    @abc.abstractmethod
    def evaluate(self, context: SuggestContext) -> Iterable[Recommendation]:
        """Yield what the rule finds in `context`. Reads nothing else, prints nothing, keeps no state between calls."""

    def tally(self, symbols: Iterable[Symbol]) -> Mapping[str, int]:  # noqa: ARG002
        """What the rule counts over the repository, for some of its symbols; the sums are `context.tally`."""
        return {}

    def regime(self, tally: Mapping[str, int]) -> object:  # noqa: ARG002
        """What the rule decides from its sums. If that differs between two sides, they are compared as a whole."""
        return None

    def result_key(self) -> str | None:
        """What the rule's findings depend on besides the context, if they may be kept; `None` if they may not."""
        return None

    def begin(self, context: SuggestContext) -> None:  # noqa: B027  optional
        """Start evaluating in the background; `evaluate` is called later with the same context, once."""

    def prepare(self) -> None:  # noqa: B027  optional
        """Start what takes long; called before the index is read, only if the rule will run."""


class Loaded(msgspec.Struct, frozen=True):
    """What a provider's `load` may return instead of plain rules: rules, and what could not be loaded.

    Attributes:
        rules: The rules that are fit to run.
        errors: What was wrong with the others. They are reported and make the run exit with 2.
        notices: Remarks for the user that are not errors.
    """

    rules: Sequence[Rule] = ()
    errors: Sequence[SemforaError] = ()
    notices: Sequence[str] = ()


class RuleProvider(msgspec.Struct, frozen=True):
    """A named source of rules. Declaring it costs nothing; `load` does the work when the rules are needed."""

    name: str
    load: Callable[[Config], Iterable[Rule] | Loaded]


class Reporter(msgspec.Struct, frozen=True):
    """An output format: `render(report, stream, **options)` writes `report` to `stream`.

    Attributes:
        name: The value of `--output-format`.
        render: Called with the report, a text stream and the rendering options.
        description: One line for `--help`.
    """

    name: str
    render: Callable[[Report, TextIO, RenderOptions], None]
    description: str = ""


class RenderOptions(msgspec.Struct, frozen=True):
    """What a reporter may want to know besides the report.

    Attributes:
        root: The repository, absolute; paths in the report are relative to it.
        read_source: Gives a file's text by its path in the report, or `None`; for source excerpts.
        color: Whether escape sequences are welcome.
        width: Columns of the output.
        statistics: Whether the user asked for numbers by rule and stage.
        rules: The rules that were run, for formats that explain them.
        exit_code: What the process will end with, where that is known.
        here: Where the reader stands, absolute; the process's current folder where empty.
    """

    root: str
    read_source: Callable[[str], str | None]
    color: bool = False
    width: int = 100
    statistics: bool = False
    rules: Sequence[Rule] = ()
    exit_code: int | None = None
    here: str = ""


@hookspec
def semfora_rule_providers() -> Iterable[RuleProvider]:  # type: ignore[empty-body]
    """Declare rule providers. Import no rules and do no I/O here: every command calls this hook."""


@hookspec
def semfora_reporters() -> Iterable[Reporter]:  # type: ignore[empty-body]
    """Declare output formats."""


@hookspec(firstresult=True)
def semfora_executor(config: Config) -> Executor | None:
    """Provide the executor that extracts files. The first that is not `None` is used, and shut down by the host.

    It is asked only if there is enough to do. It gets `semfora_hooks.index.batch.extract_batch` with plain data, so
    the same version of semfora-hooks must be installed where it runs that. Its results are checked; if it raises,
    stands still for a minute or returns something else, our own processes take over, and a notice says so.
    """


@hookspec
def semfora_run_finished(report: Report) -> None:
    """Observe a finished run. Exceptions are recorded, never fatal."""
