"""`naming`: names that promise what the code does not keep."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Annotated, ClassVar

from msgspec import Meta

from semfora_hooks.context import SuggestContext
from semfora_hooks.hookspecs import Example
from semfora_hooks.model import CALLABLE_KINDS, Evidence, Recommendation, Severity, Symbol, SymbolRef
from semfora_hooks.rules.options import BuiltinRule, Options, is_own_code, shown

_PREDICATE = re.compile(r"_*(is|has|can|should(?!_not_)|was|are|does)_[a-z0-9]")  # `should_not_…` demands
_GETS_ONLY = re.compile(r"_*(get|compute|calculate)_[a-z0-9]")
_NEIGHBOURS = 3  # functions of the majority's style beside a name that stands out
_CAMEL = re.compile(r"_*[a-z]+[a-z0-9]*[A-Z]\w*")
_SNAKE = re.compile(r"_*[a-z][a-z0-9]*(_[a-z0-9]+)+_*")
# What a predicate may return: booleans, what narrows like one, and what says nothing.
_BOOLEAN = re.compile(
    r"\b(bool|bool_|Bool|Boolean|TypeGuard|TypeIs|Literal|Any|object|NoReturn|Never|Self|NotImplementedType|ndarray|NDArray|"
    r"Series|DataFrame|Index|Tensor|Array|ArrayLike|Awaitable|Coroutine|Callable|Expr|ColumnElement|Q|Mask)\b|^[\"']?[A-Z]\w?[\"']?$"
)


class NamingOptions(Options, frozen=True, kw_only=True):
    """Options of `naming`."""

    min_majority: Annotated[
        float,
        Meta(
            ge=0.5, le=1, description="Share of a repository's functions that must follow a style to make it the style."
        ),
    ] = 0.95
    min_functions: Annotated[
        int, Meta(ge=1, description="Functions a repository must have before its style can be told.")
    ] = 20


class Naming(BuiltinRule[NamingOptions]):
    """Fires on predicates that return no boolean, getters that return nothing, and names against the house style."""

    id = "naming"
    group = "naming"
    category = "naming"
    severity = Severity.INFO
    granularity = "project"
    locality = "file"
    uses_calls = False
    description = (
        "A name that says something else than the code: `is_…` that does not return a boolean, `get_…` that returns "
        "nothing, or a style of words (camelCase, snake_case) that the rest of the repository does not use."
    )
    remedy = "Rename it after what it does: a noun or adjective for what it returns, a verb for what it changes."
    options_type: ClassVar = NamingOptions

    def evaluate(self, context: SuggestContext) -> Iterator[Recommendation]:
        """Yield a finding for each misleading or foreign name."""
        functions = _named_freely(context.symbols)
        styles = self.tally(context.symbols) if context.tally is None else context.tally
        for symbol in functions:
            if symbol.reachability == "referenced":
                continue  # handed over as a callback: its signature is dictated, and nobody reads a call of it
            if not symbol.is_stub and "overload" not in symbol.decorators:
                yield from _promises(symbol)
        yield from self._foreign_style(
            functions, styles, renamable=lambda symbol: not (context.is_library and symbol.is_exported)
        )

    def tally(self, symbols: Iterable[Symbol]) -> Mapping[str, int]:
        """How many functions are named in which style."""
        return Counter(_style(symbol.name) for symbol in _named_freely(symbols))

    def regime(self, tally: Mapping[str, int]) -> object:
        """The style that is the repository's, if one is."""
        return self._majority(tally)

    def _majority(self, styles: Mapping[str, int]) -> tuple[str, str] | None:
        """The style of most names and the other one, where the majority is clear and not everyone."""
        snake, camel = styles.get("snake", 0), styles.get("camel", 0)
        if snake + camel < self.options.min_functions or not (snake and camel):
            return None
        if snake / (snake + camel) >= self.options.min_majority:
            return "snake", "camel"
        return ("camel", "snake") if camel / (snake + camel) >= self.options.min_majority else None

    def _foreign_style(
        self, functions: list[Symbol], styles: Mapping[str, int], renamable: Callable[[Symbol], bool]
    ) -> Iterator[Recommendation]:
        """Names in the minority style, where the majority is clear. A library's public names stay as they are."""
        clear = self._majority(styles)
        if clear is None:
            return
        majority, minority = clear
        words = "snake_case" if majority == "snake" else "camelCase"
        total = styles["snake"] + styles["camel"]
        share = styles[majority] / total
        local = Counter((symbol.module, _style(symbol.name)) for symbol in functions)
        for symbol in functions:
            if local[symbol.module, minority] > 1 or local[symbol.module, majority] < _NEIGHBOURS:
                continue  # a module with a convention of its own, or too small to have one
            if _style(symbol.name) == minority and renamable(symbol) and not _follows_outside_style(symbol):
                other = _to_snake(symbol.name) if minority == "camel" else _to_camel(symbol.name)
                yield Recommendation(
                    title=f"`{shown(symbol)}` is the odd one out: functions here are named in {words}",
                    description=f"{styles[majority]} of {total} functions with more than one word use {words}.",
                    confidence=min(0.9, share * 0.9),
                    symbols=(SymbolRef.of(symbol),),
                    suggestion=f"Rename it to `{other}`.",
                    evidence=(Evidence(kind="majority", text=f"{share:.1%} of {total} names use {words}"),),
                    discriminator="style",
                )

    examples = (
        Example(
            fires=True,
            note="a question whose answer is a list",
            files={
                "a.py": "def is_expired(tokens) -> list[str]:\n    return [token.name for token in tokens if token.old]\n"
            },
        ),
        Example(
            fires=True,
            note="gets nothing",
            files={"a.py": "def get_settings(path) -> None:\n    STATE.update(read(path))\n"},
        ),
        Example(
            fires=False,
            note="a type guard is a boolean",
            files={
                "a.py": "from typing import TypeGuard\n\n\ndef is_text(value) -> TypeGuard[str]:\n    return isinstance(value, str)\n"
            },
        ),
        Example(
            fires=False,
            note="a demand is no question",
            files={"a.py": "def should_not_import(rules, module) -> None:\n    rules.append(module)\n"},
        ),
        Example(
            fires=True,
            note="one camelCase name among many in snake_case",
            options={"min-functions": 4, "min-majority": 0.75},
            files={
                "a.py": "def read_all(): ...\ndef write_all(): ...\ndef sort_all(): ...\ndef drop_all(): ...\ndef findAll(): ...\n"
            },
        ),
        Example(
            fires=False,
            note="a name a base class outside asks for",
            files={
                "a.py": "import unittest\n\n\nclass Checks(unittest.TestCase):\n    def setUpModule(self):\n        self.x_y = 1\n"
            },
        ),
    )


def _named_freely(symbols: Iterable[Symbol]) -> list[Symbol]:
    """The functions whose names their authors chose."""
    return [
        symbol
        for symbol in symbols
        if symbol.kind in CALLABLE_KINDS and is_own_code(symbol) and symbol.entry_point == "none"
    ]


def _promises(symbol: Symbol) -> Iterator[Recommendation]:
    annotation = symbol.return_type
    if annotation is None:
        return
    bare = annotation.strip("\"' ")
    if _PREDICATE.match(symbol.name):
        optional = "None" in bare and "bool" in bare
        if not _BOOLEAN.search(bare) and not optional:
            yield _broken_promise(
                symbol,
                f"`{shown(symbol)}` asks a question, but returns `{bare}`",
                "A name that begins like a question is read as true or false at the call.",
                "Return a boolean, or name it after what it returns.",
                0.5 if bare == "None" else 0.8,
            )
    elif _GETS_ONLY.match(symbol.name) and bare == "None" and symbol.control_flow.yield_ == 0:
        yield _broken_promise(
            symbol,
            f"`{shown(symbol)}` says it gets something, but returns nothing",
            "Whoever calls it looks for a result, and finds a side effect.",
            "Return what it gets, or name it after what it changes.",
            0.8,
        )


def _broken_promise(symbol: Symbol, title: str, why: str, advice: str, confidence: float) -> Recommendation:
    return Recommendation(
        title=title,
        description=why,
        confidence=confidence,
        symbols=(SymbolRef.of(symbol),),
        suggestion=advice,
        evidence=(Evidence(kind="annotation", text=f"declared to return `{symbol.return_type}`"),),
        discriminator="promise",
    )


def _style(name: str) -> str:
    if _SNAKE.fullmatch(name):
        return "snake"
    if _CAMEL.fullmatch(name):
        return "camel"
    return "single"


def _follows_outside_style(symbol: Symbol) -> bool:
    """Names other code dictates: `visit_Name`, `do_GET`, `assertX`, `setUp`, and what tests and frameworks look for."""
    name = symbol.name
    return bool(
        re.match(r"_*(visit|do|on|handle|depart|print|eval|test|assert|emit|generate)_?[A-Z]", name)
        or name in ("setUp", "tearDown", "setUpClass", "tearDownClass", "runTest", "maxDiff")
        or symbol.decorators
    )


def _to_snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def _to_camel(name: str) -> str:
    lead = len(name) - len(name.lstrip("_"))
    head, *rest = name[lead:].strip("_").split("_")
    return name[:lead] + head + "".join(part.capitalize() for part in rest)
