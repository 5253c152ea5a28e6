"""What the built-in rules share."""

from __future__ import annotations

import msgspec

from semfora_hooks.model import Symbol


class Options(msgspec.Struct, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """Base of the rules' options: keys of `[tool.semfora.rules.<id>]`, unknown ones refused."""


def is_own_code(symbol: Symbol, *, tests: bool = False) -> bool:
    """Whether people write and read this code here: not generated, not vendored and, unless wanted, no test."""
    return not symbol.is_generated and (tests or not symbol.is_test)


def plural(count: int, noun: str) -> str:
    """`1 copy`, `2 copies`."""
    if count == 1:
        return f"1 {noun}"
    return f"{count} {noun[:-1]}ies" if noun.endswith("y") else f"{count} {noun}s"
