"""What a language must tell the walker beyond its query: the reading of names, parameters, imports and types."""

from __future__ import annotations

import abc
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from tree_sitter import Node

    from semfora_hooks.languages.facts import ImportFacts
    from semfora_hooks.languages.tokens import Tokenizer
    from semfora_hooks.model import Argument, SymbolKind


class Definition(msgspec.Struct, frozen=True):
    """The head of a function or class."""

    name: str
    kind: SymbolKind
    role: str = ""
    is_async: bool = False
    base_classes: tuple[str, ...] = ()
    return_type: str | None = None
    arguments: tuple[Argument, ...] = ()
    body: Node | None = None


class TypeTest(msgspec.Struct, frozen=True):
    """An `isinstance`-like condition: the name tested, the types, and whether failing it raises at once."""

    name: str
    types: tuple[str, ...]
    is_guard: bool


class LanguageSpec(abc.ABC):
    """Reads the syntax of one language. Methods take a node and the file's bytes, and are pure.

    Attributes:
        name: As in `Symbol.language`.
        suffixes: File endings, with the dot.
        capabilities: What the facts can tell (`SuggestContext.generator.capabilities`).
        query: The captures the walker understands, in tree-sitter's query language.
        tokenizer: Splits source into tokens.
    """

    name: str
    suffixes: tuple[str, ...]
    capabilities: tuple[str, ...]
    query: str
    tokenizer: Tokenizer

    @abc.abstractmethod
    def grammar(self) -> object:
        """The tree-sitter language's handle."""

    @abc.abstractmethod
    def decode(self, data: bytes) -> tuple[bytes, str | None]:
        """The file as UTF-8 with `\\n` line ends, and what was wrong with its encoding, if anything."""

    @abc.abstractmethod
    def function(self, node: Node, source: bytes, decorators: Sequence[str], *, in_class: bool) -> Definition:
        """The head of a function definition."""

    @abc.abstractmethod
    def class_(self, node: Node, source: bytes) -> Definition:
        """The head of a class definition."""

    @abc.abstractmethod
    def lambda_arguments(self, node: Node, source: bytes) -> tuple[Argument, ...]:
        """The arguments of a lambda."""

    @abc.abstractmethod
    def type_alias_name(self, node: Node, source: bytes) -> str:
        """What a type alias defines."""

    @abc.abstractmethod
    def decorator(self, node: Node, source: bytes) -> str:
        """A decorator's dotted name, without arguments."""

    @abc.abstractmethod
    def imports(
        self, node: Node, source: bytes, owner: int, *, type_checking: bool, main_only: bool, guarded: bool
    ) -> Iterable[ImportFacts]:
        """What an import statement says."""

    @abc.abstractmethod
    def callee(self, node: Node, source: bytes) -> str:
        """The text of what a call calls: dotted, `.name` for an unknown receiver, empty where it has no name."""

    @abc.abstractmethod
    def binding(self, node: Node, source: bytes) -> tuple[str, str, bool, int | None] | None:
        """`(target, value, is_call, start byte of a bound lambda)` of an assignment that can be followed."""

    @abc.abstractmethod
    def bound(self, node: Node) -> Iterable[Node]:
        """The names that a `binder` binds itself, those of binders inside it left out."""

    @abc.abstractmethod
    def boolean_operators(self, node: Node) -> tuple[list[str], list[int]]:
        """The `and`/`or` operators of an expression in order, and the ids of the nodes inside counted with it."""

    @abc.abstractmethod
    def match_branches(self, node: Node, source: bytes) -> int:
        """Branches of a `match` beyond the one that always is."""

    @abc.abstractmethod
    def type_test(self, node: Node, source: bytes) -> TypeTest | None:
        """The type test in the condition of an `if` or `elif`."""

    @abc.abstractmethod
    def audience(self, node: Node, source: bytes) -> str | None:
        """Who alone runs the body of an `if`: `type_checking`, `main` (the file as a script), or anyone (`None`)."""

    @abc.abstractmethod
    def has_handler(self, node: Node) -> bool:
        """Whether a `try` catches anything."""

    @abc.abstractmethod
    def is_wrapper(self, body: Node, start: int) -> bool:
        """Whether a function's body does nothing but define the function at `start` and return a name."""

    @abc.abstractmethod
    def is_stub(self, body: Node, source: bytes) -> bool:
        """Whether a function's body does nothing."""

    @abc.abstractmethod
    def returns_none(self, body: Node, source: bytes) -> bool | None:
        """Whether a function can return `None`; `None` where that cannot be told."""

    @abc.abstractmethod
    def exports(self, source: bytes) -> list[str] | None:
        """The explicit list of public names, from source without comments."""

    @abc.abstractmethod
    def has_main_guard(self, source: bytes) -> bool:
        """Whether the file can be run as a script."""
