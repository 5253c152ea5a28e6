"""The errors semfora-hooks raises on purpose. Findings are data (`model.Recommendation`), never exceptions."""

from __future__ import annotations


class SemforaError(Exception):
    """An expected failure, told to the user without a traceback.

    Attributes:
        kind: A stable, machine-readable word, as it stands in `errors[].kind` of the JSON report.
        message: What went wrong, where, and why.
        hint: What to do next, or `None`.
        fatal: Whether the run must exit with 2; otherwise the message is only a notice.
        rule: The id of the rule that does not run for it, where one alone does not.
    """

    kind = "internal"
    rule: str | None = None

    def __init__(self, message: str, *, hint: str | None = None, kind: str | None = None, fatal: bool = True) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.fatal = fatal
        if kind is not None:
            self.kind = kind

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


class ConfigError(SemforaError):
    """The configuration cannot be read, or has an unknown key, a wrong type or an impossible value."""

    kind = "config"


class UsageError(SemforaError):
    """The command line, or the place it was called from, makes no sense."""

    kind = "usage"


class GitError(SemforaError):
    """Git is missing, or refused an operation the scope needs."""

    kind = "git"


class ProviderError(SemforaError):
    """A rule provider, or one of the rules it ships, broke its contract."""

    kind = "provider"


class RuleFileError(SemforaError):
    """A declarative rule file is wrong. The message starts with `file:line:column:`."""

    kind = "rule"


class PluginError(SemforaError):
    """A WASM plugin, or its manifest, is wrong or failed; `kind` says how (`timeout`, `memory`, `trap`, …)."""

    kind = "plugin"
