"""What extraction learns from one file: a pure function of its bytes, the language and the extractor's version.

Facts know nothing of paths, modules or other files; `semfora_hooks.index.link` puts them together. They are stored, so
any change of meaning here must raise `EXTRACTOR_VERSION`.
"""

from __future__ import annotations

import msgspec

from semfora_hooks.model import Argument, ControlFlow, SymbolKind, TypeCheck

EXTRACTOR_VERSION = 10


class SymbolFacts(msgspec.Struct, array_like=True):
    """A symbol as its file shows it.

    Attributes:
        name: Bare name.
        qualified_name: Dotted path inside the file; empty for the module itself.
        role: Tells same-named siblings apart: `overload`, `setter`, `deleter`, or empty.
        parent: Index of the enclosing symbol in `FileFacts.symbols`; -1 for the module.
        own_mentions: How often its own name stands inside its own body (recursion).
        shingles: The smallest hashes of its token shingles, ascending (bottom-k sketch), packed in 4 bytes each because
            that decodes many times faster than integers; empty where it is too short.
        tokens: Length of its body in tokens.
        digest: Hash of the normalised token stream; equal digests are exact duplicates.
        literal_digest: The same with literals and local names kept.
        is_stub: The body does nothing (`...`, `pass`, a docstring, `raise NotImplementedError`).
    """

    name: str
    qualified_name: str
    kind: SymbolKind
    role: str
    parent: int
    start_line: int
    end_line: int
    start_column: int
    is_async: bool = False
    decorators: tuple[str, ...] = ()
    base_classes: tuple[str, ...] = ()
    return_type: str | None = None
    arguments: tuple[Argument, ...] = ()
    control_flow: ControlFlow = ControlFlow()
    cognitive: int = 0
    cyclomatic: int = 0
    nesting_depth: int = 0
    loc: int = 0
    own_mentions: int = 0
    shingles: bytes = b""
    tokens: int = 0
    digest: int = 0
    literal_digest: int = 0
    is_stub: bool = False
    type_checks: tuple[TypeCheck, ...] = ()
    returns_none: bool | None = None


class CallFacts(msgspec.Struct, array_like=True):
    """Calls of one text in one symbol. `callee` is dotted; a leading dot means an unknown receiver (`f().g` → `.g`)."""

    owner: int
    callee: str
    line: int
    count: int
    in_try: bool
    is_awaited: bool


class ImportFacts(msgspec.Struct, array_like=True):
    """One import statement, or one module of a plain `import a, b as c`.

    Attributes:
        module: Dotted module, without the leading dots.
        level: Leading dots.
        names: `(name, bound as)`; empty for a plain import; `("*", "*")` for a star.
        alias: What a plain import binds: `c` in `import b as c`; `None` binds the first component.
        owner: Index of the symbol it stands in.
        type_checking: It stands under `if TYPE_CHECKING:`.
        main_only: It stands under `if __name__ == "__main__":`.
        guarded: It stands in a `try` block or under a condition.
    """

    module: str
    level: int
    names: tuple[tuple[str, str], ...]
    alias: str | None
    line: int
    owner: int
    type_checking: bool
    main_only: bool
    guarded: bool


class BindingFacts(msgspec.Struct, array_like=True):
    """`target = value` or `target = value(...)`, for inferring receivers. Names are dotted (`self.pool`).

    An empty `value` means that a local name is bound to something that cannot be told, and hides what is outside.
    """

    owner: int
    target: str
    value: str
    is_call: bool


class SuppressionFacts(msgspec.Struct, array_like=True):
    """A comment that speaks to semfora-hooks, with the line it stands on and whether it stands there alone."""

    line: int
    alone: bool
    text: str


class FileFacts(msgspec.Struct, array_like=True):
    """Everything one file says.

    Attributes:
        symbols: The module itself first, then by position.
        mentions: Names in code and in identifier-like strings, without definitions, with their counts.
        fragments: Parts of names in strings: `visit_` of `"visit_" + kind`, `_handler` of `f"{kind}_handler"`.
        exports: What `__all__` lists, or `None` where there is none.
        problems: Why the facts may be incomplete, as sentences.
        has_main_guard: The file can be run as a script.
        is_generated: A comment at the top says that a program wrote it.
    """

    language: str
    symbols: list[SymbolFacts]
    imports: list[ImportFacts] = []
    calls: list[CallFacts] = []
    bindings: list[BindingFacts] = []
    mentions: dict[str, int] = {}
    fragments: list[str] = []
    exports: list[str] | None = None
    suppressions: list[SuppressionFacts] = []
    problems: list[str] = []
    lines: int = 0
    has_main_guard: bool = False
    is_generated: bool = False
