"""`type-narrowing`: declared types wider than what the code does with them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, ClassVar

from msgspec import Meta

from semfora_hooks.context import SuggestContext
from semfora_hooks.hookspecs import Example
from semfora_hooks.model import CALLABLE_KINDS, Evidence, Recommendation, Severity, Symbol, SymbolRef, TypeCheck
from semfora_hooks.rules.options import BuiltinRule, Options, is_own_code, shown

# Not `object`: a function that takes it and tests it says so on purpose, at the border to what it does not trust.
_WIDE = frozenset({"Any", "typing.Any", "t.Any"})
_OPTIONAL = re.compile(
    r"(?:typing\.|t\.)?Optional\[(?P<inner>.+)\]|(?P<left>.+?)\s*\|\s*None|None\s*\|\s*(?P<right>.+)"
)


class NarrowingOptions(Options, frozen=True, kw_only=True):
    """Options of `type-narrowing`."""

    min_branches: Annotated[
        int, Meta(ge=2, description="Type tests on one name in one chain from which it is a dispatch by hand.")
    ] = 5


class TypeNarrowing(BuiltinRule[NarrowingOptions]):
    """Fires on needless `Optional` results, on wide parameters with a guard, and on long chains of `isinstance`."""

    id = "type-narrowing"
    group = "type-narrowing"
    category = "type_narrowing"
    severity = Severity.INFO
    granularity = "symbol"
    locality = "file"
    uses_calls = False
    description = (
        "A declared type that is wider than the code: a result that is never `None` but declared so, a parameter declared "
        "`Any` whose first use rejects all but one type, or a long chain of `isinstance` on one value."
    )
    remedy = (
        "Declare what the code does, so that type checkers and readers need not check again. A chain of type tests becomes "
        "a `match` statement, a method of the types, or `functools.singledispatch`."
    )
    options_type: ClassVar = NarrowingOptions

    def evaluate(self, context: SuggestContext) -> Iterator[Recommendation]:
        """Yield a finding for each type that can be narrower."""
        for symbol in context.symbols:
            if symbol.kind not in CALLABLE_KINDS or not is_own_code(symbol) or symbol.is_stub:
                continue
            if symbol.entry_point not in ("override", "framework", "protocol"):
                if not _is_contract(symbol, context):
                    yield from _needless_optional(symbol)
                yield from _guarded_parameters(symbol)
            for check in symbol.type_checks:
                if check.branches >= self.options.min_branches and len(check.types) >= self.options.min_branches:
                    yield _dispatch(symbol, check)

    examples = (
        Example(
            fires=True,
            note="never None, but declared so",
            files={
                "a.py": "def label(count: int) -> str | None:\n    if count == 1:\n        return 'one'\n    return f'{count} of them'\n"
            },
        ),
        Example(
            fires=False,
            note="the end can be reached without a value",
            files={"a.py": "def label(count: int) -> str | None:\n    if count == 1:\n        return 'one'\n"},
        ),
        Example(
            fires=False,
            note="a method that others override: they may return None",
            files={"a.py": "class Page:\n    def title(self) -> str | None:\n        return 'untitled'\n"},
        ),
        Example(
            fires=True,
            note="a private method is nobody else's contract",
            files={"a.py": "class Page:\n    def _title(self) -> str | None:\n        return 'untitled'\n"},
        ),
        Example(
            fires=False,
            note="the decorator says what the result must be",
            files={
                "a.py": "@hookimpl(trylast=True)\ndef run_test(item) -> tuple[object, int] | None:\n    return (item.run(), 1)\n"
            },
        ),
        Example(
            fires=True,
            note="takes anything, accepts one type",
            files={
                "a.py": "from typing import Any\n\n\ndef double(value: Any) -> int:\n    if not isinstance(value, int):\n        raise TypeError(value)\n    return value * 2\n"
            },
        ),
        Example(
            fires=True,
            note="dispatch by hand",
            options={"min-branches": 3},
            files={
                "a.py": "def show(node):\n    if isinstance(node, int):\n        return 1\n    elif isinstance(node, str):\n        return 2\n"
                "    elif isinstance(node, list):\n        return 3\n    return 0\n"
            },
        ),
        Example(
            fires=False,
            note="one test narrows; that is what isinstance is for",
            files={
                "a.py": "def show(node):\n    if isinstance(node, str):\n        return node\n    return repr(node)\n"
            },
        ),
    )


def _is_contract(symbol: Symbol, context: SuggestContext) -> bool:
    """Whether the declared result speaks for others too: a decorator asks for it, or a subclass may return None."""
    if symbol.entry_point == "decorated":
        return True
    owner = context.by_id.get(symbol.parent or "")
    is_private = symbol.name.startswith("_") or (owner is not None and owner.name.startswith("_"))
    is_fixed = any(decorator.rpartition(".")[2] in ("final", "staticmethod") for decorator in symbol.decorators)
    return symbol.kind == "method" and not is_private and not is_fixed


def _needless_optional(symbol: Symbol) -> Iterator[Recommendation]:
    annotation = (symbol.return_type or "").strip("\"' ")
    match = _OPTIONAL.fullmatch(annotation)
    if match is None or symbol.returns_none is not False or symbol.control_flow.yield_:
        return
    inner = match["inner"] or match["left"] or match["right"]
    yield Recommendation(
        title=f"`{shown(symbol)}` never returns None, but is declared `{annotation}`",
        description="Every path returns a value or raises, so callers check for a None that never comes.",
        confidence=0.9,
        symbols=(SymbolRef.of(symbol),),
        suggestion=f"Declare `-> {inner}`.",
        evidence=(Evidence(kind="control_flow", text=f"{symbol.control_flow.return_} returns, none of them None"),),
        discriminator="result",
    )


def _guarded_parameters(symbol: Symbol) -> Iterator[Recommendation]:
    declared = {argument.name: argument.type for argument in symbol.arguments}
    for check in symbol.type_checks:
        annotation = declared.get(check.name)
        if not check.guard or annotation not in _WIDE or not check.types:
            continue
        narrow = " | ".join(check.types)
        yield Recommendation(
            title=f"`{shown(symbol)}` takes `{annotation}` for `{check.name}`, but rejects all but `{narrow}`",
            description="The mistake is found when the program runs; declared, a type checker finds it before.",
            confidence=0.7,
            symbols=(SymbolRef.of(symbol),),
            suggestion=f"Declare `{check.name}: {narrow}`.",
            evidence=(Evidence(kind="type_check", text=f"raises unless `{check.name}` is an instance of `{narrow}`"),),
            discriminator=f"argument:{check.name}",
        )


def _dispatch(symbol: Symbol, check: TypeCheck) -> Recommendation:
    return Recommendation(
        title=f"`{shown(symbol)}` chooses by the type of `{check.name}`, in {check.branches} branches",
        description="A new type means finding and extending this chain; nothing says when a case is missing.",
        confidence=min(0.85, 0.5 + 0.05 * check.branches),
        symbols=(SymbolRef.of(symbol),),
        suggestion=(
            "Give the types a method of their own, or use a `match` statement or `functools.singledispatch`, which name "
            "the cases."
        ),
        evidence=(Evidence(kind="type_check", text=f"tested against {', '.join(check.types[:8])}"),),
        metrics={"branches": check.branches},
        discriminator=f"dispatch:{check.name}",
    )
