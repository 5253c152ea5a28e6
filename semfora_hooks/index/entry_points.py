"""What is called from outside the code we see: by test runners, frameworks, command lines, or the language itself."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from semfora_hooks.index.frameworks import Conventions
from semfora_hooks.languages.facts import SymbolFacts
from semfora_hooks.model import CALLABLE_KINDS

_TEST_FILE = re.compile(r"(^|/)(tests?|conftest)(/|\.py$)|(^|/)test_[^/]*\.pyi?$|_tests?\.pyi?$|(^|/)conftest\.py$")
_TESTING = re.compile(r"(^|/)testing(/|\.py$)")
"""Where some keep their tests, and others what they give to the tests of those who use them: `numpy.testing`."""
_VENDORED = re.compile(r"(^|/)(_?vendor(ed)?|third_?party|extern(al|s)?|site-packages)/")
# `__len__`, and what libraries call by convention: `_repr_html_`, `_sympy_`.
_PROTOCOL = re.compile(r"_[A-Za-z_]\w*_|__\w+__")
_ROUTES = frozenset("route get post put delete patch head options websocket api_view action".split())
_COMMANDS = frozenset("command group callback subcommand".split())
# Decorators that change what a function is, not who calls it.
_TRANSPARENT = frozenset(
    "property staticmethod classmethod cached_property cache lru_cache wraps contextmanager asynccontextmanager "
    "abstractmethod abstractproperty overload override final dataclass total_ordering singledispatch "
    "singledispatchmethod "
    "setter getter deleter no_type_check deprecated runtime_checkable attrs define frozen unique "
    "coroutine njit jit vectorize".split()
)


class OutsideCallers(NamedTuple):
    """What a project says of the callers that its code does not show.

    Attributes:
        entry_points: `module:name` of what is called from outside.
        frameworks: Names of frameworks (`index.frameworks`) whose conventions hold in every file.
    """

    entry_points: tuple[str, ...] = ()
    frameworks: tuple[str, ...] = ()


NO_CALLERS = OutsideCallers()


def is_test_file(path: str, symbols: Iterable[SymbolFacts]) -> bool:
    """Whether a file is where test runners look, or where tests keep their helpers.

    Args:
        path: The file.
        symbols: What it defines. In places that are named `testing`, only a file with tests is a test file.
    """
    if _TEST_FILE.search(path) is not None:
        return True
    return _TESTING.search(path) is not None and any(
        symbol.kind in CALLABLE_KINDS and symbol.name.startswith("test_") for symbol in symbols
    )


def is_vendored(path: str) -> bool:
    """Whether a path lies in a folder for other people's code."""
    return _VENDORED.search(path) is not None


def entry_point(
    symbol: SymbolFacts,
    *,
    module: str,
    in_test_file: bool,
    has_main_guard: bool,
    declared: tuple[str, ...],
    conventions: Conventions,
) -> str:
    """Why `symbol` may be called without a call in sight; `none` where nothing says so.

    Args:
        symbol: The symbol.
        module: Its file's module.
        in_test_file: See `is_test_file`.
        has_main_guard: The file can be run as a script.
        declared: See `OutsideCallers.entry_points`.
        conventions: What frameworks call in its file.
    """
    name = symbol.name
    if symbol.kind == "module":
        return "module"
    if f"{module}:{symbol.qualified_name}" in declared or f"{module}.{symbol.qualified_name}" in declared:
        return "cli_main"
    if _PROTOCOL.fullmatch(name):
        return "protocol"
    if in_test_file and (name.lower().startswith("test") or name.endswith("Test") or name.endswith("Tests")):
        return "test_function"
    for decorator in symbol.decorators:
        owner, _, last = decorator.rpartition(".")
        if owner and last in _ROUTES:
            return "web_route"
        if last in _COMMANDS:
            return "cli_main"
        if last == "fixture":
            return "test_fixture"
        if last not in _TRANSPARENT:
            return "decorated"
    if symbol.parent == 0 and symbol.kind in CALLABLE_KINDS:
        if has_main_guard and name == "main":
            return "cli_main"
        if conventions.has_function(name):
            return "framework"
    if symbol.kind == "method" and name in conventions.methods:
        return "framework"
    return "none"
