"""What `suppressions` and `baseline` print as JSON: lists of what is accepted, by comments or by the baseline."""

from __future__ import annotations

from typing import Literal

import msgspec

from semfora_hooks.model import CommentState, Severity


class Comment(msgspec.Struct, frozen=True, kw_only=True):
    """A comment that silences findings, or was meant to.

    Attributes:
        file: Where it stands, from the repository's root.
        line: Its own line there, from 1.
        scope: `file`, or `line`: a definition or a place in one.
        rules: The names in its brackets.
        reason: What it says behind `--`.
        until: Its last day, as `YYYY-MM-DD`.
        state: `used`; `partly used`, where some names match nothing; `unused`; `expired`; `malformed`; or `unknown`,
            where a rule it names did not run, or its file could not be analysed wholly.
        used_for: The names in its brackets that match a finding.
        remarks: What is wrong with it, or not known.
    """

    file: str
    line: int
    scope: Literal["file", "line"]
    rules: tuple[str, ...]
    reason: str | None
    until: str | None
    state: CommentState
    used_for: tuple[str, ...]
    remarks: tuple[str, ...]


class Comments(msgspec.Struct, frozen=True, kw_only=True):
    """What `suppressions --output-format json` prints.

    Attributes:
        suppressions: The comments, by file and line.
    """

    schema: Literal["semfora.suppressions"] = "semfora.suppressions"
    version: Literal[1] = 1
    suppressions: tuple[Comment, ...] = ()


class BaselineLine(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of a baseline, or a finding that could become one.

    Attributes:
        fingerprint: Of the finding.
        rule_id: The rule that found it.
        symbol: The id of the symbol that it is about; empty for the repository as a whole.
        severity: Null, as all that follows, where this run does not report the finding.
        file: Where the finding is; null also for the repository as a whole.
        line: The line there, from 1.
        title: The finding, in a line.
    """

    fingerprint: str
    rule_id: str
    symbol: str
    severity: Severity | None = None
    file: str | None = None
    line: int | None = None
    title: str | None = None


class BaselineStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What `baseline create`, `update` and `show` print with `--output-format json`.

    All lists are in the order of reports: severity, then confidence, both descending, then file and line. What is not
    reported comes last, by symbol and rule.

    Attributes:
        file: The baseline, from the repository's root.
        written: Whether this run wrote it.
        accepted: Entries that match a finding.
        stale: Entries that match nothing any more; `update` drops them.
        unchecked: Entries whose rule did not run, or whose file could not be read.
        added: Findings that this run accepted.
        open: Findings that the baseline does not hold.
    """

    schema: Literal["semfora.baseline_status"] = "semfora.baseline_status"
    version: Literal[1] = 1
    file: str
    written: bool = False
    accepted: tuple[BaselineLine, ...] = ()
    stale: tuple[BaselineLine, ...] = ()
    unchecked: tuple[BaselineLine, ...] = ()
    added: tuple[BaselineLine, ...] = ()
    open: tuple[BaselineLine, ...] = ()
