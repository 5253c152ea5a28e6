"""What the built-in rules share: where their options come from, and whose code they look at."""

from __future__ import annotations

from typing import ClassVar, Generic, Self, TypeVar

import msgspec

from semfora_hooks.config import Config, convert_table
from semfora_hooks.hookspecs import Rule
from semfora_hooks.model import Symbol


class Options(msgspec.Struct, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """Base of the rules' options: keys of `[tool.semfora.rules.<id>]`, unknown ones refused."""


OptionsT = TypeVar("OptionsT", bound=Options)


class BuiltinRule(Rule, Generic[OptionsT]):
    """A rule with typed options."""

    options_type: ClassVar[type[Options]]

    def __init__(self, options: OptionsT) -> None:
        self.options = options

    def result_key(self) -> str | None:
        """The options; the code itself is in the key of all results."""
        return msgspec.json.encode((self.id, self.options)).decode()

    @classmethod
    def configured(cls, config: Config) -> Self:
        """The rule with its options from the configuration.

        Raises:
            ConfigError: An option is unknown or has the wrong type.
        """
        source = config.source or "configuration"
        table = config.rules.get(cls.id, {})
        return cls(convert_table(table, cls.options_type, prefix=f"rules.{cls.id}.", source=source))  # type: ignore[arg-type]


def is_own_code(symbol: Symbol, *, tests: bool = False) -> bool:
    """Whether people write and read this code here: not generated, not vendored and, unless wanted, no test."""
    return not symbol.is_generated and (tests or not symbol.is_test)


def plural(count: int, noun: str) -> str:
    """`1 copy`, `2 copies`."""
    if count == 1:
        return f"1 {noun}"
    return f"{count} {noun[:-1]}ies" if noun.endswith("y") else f"{count} {noun}s"


def shown(symbol: Symbol) -> str:
    """A symbol's name as a reader knows it: methods with their class."""
    return ".".join(symbol.qualified_name.split(".")[-2:]) if symbol.kind == "method" else symbol.name
