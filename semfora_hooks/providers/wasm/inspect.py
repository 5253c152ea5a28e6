"""What a plugin's binary says about itself: kind, imports, exports, memories. Reads bytes; runs and compiles nothing.

The binary formats are those of the WebAssembly core specification (chapter 5) and of the component model
(design/mvp/Binary.md). Only what we show is decoded; whether code is valid, wasmtime decides in the sandbox.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from semfora_hooks.providers.wasm import abi
from semfora_hooks.providers.wasm.abi import BinaryKind
from semfora_hooks.providers.wasm.cursor import BinaryError, Cursor

MAX_ITEMS = 100_000
"""Imports, exports, memories and tables that are read of one binary."""
MAX_TYPES = 500_000
"""Types, and functions, of one module."""
MAX_DEPTH = 32
"""Components in components."""

Grant = Literal["provided", "stubbed", "refused"]

_NUMERIC = {0x7F: "i32", 0x7E: "i64", 0x7D: "f32", 0x7C: "f64", 0x7B: "v128", 0x70: "funcref", 0x6F: "externref"}
_KINDS = {0: "function", 1: "table", 2: "memory", 3: "global", 4: "tag"}
_SORTS = {1: "function", 2: "value", 3: "type", 4: "component", 5: "instance"}
_VALUES = bytes(_NUMERIC)
_LETTERS = {0x7F: abi.I32, 0x7E: abi.I64}
_IS_64 = 4


@dataclass(frozen=True, slots=True)
class Import:
    """One import.

    Attributes:
        name: `module.name`, or a component's one name.
        kind: `function`, `memory`, … or `type`, `instance`, … for a component.
        type: A function's parameters and results.
        grant: Whether plugins get it (`provided`), get a function that always fails (`stubbed`), or may not have it.
    """

    name: str
    kind: str
    type: str | None
    grant: Grant


@dataclass(frozen=True, slots=True)
class Export:
    """One export: `kind` as in `Import`, `type` for functions."""

    name: str
    kind: str
    type: str | None = None


@dataclass(frozen=True, slots=True)
class Bounds:
    """Size of a memory, in pages of 64 KiB, or of a table, in elements; `maximum` is `None` where there is none."""

    minimum: int
    maximum: int | None


@dataclass(slots=True)
class BinaryInfo:
    """What stands in a binary. A component's memories and tables are those of all modules in it.

    Attributes:
        kind: Core module or component.
        abi: The version its marker names; a component with an export `evaluate` has version 1.
        imports: In their order.
        exports: In their order.
        memories: A module's imported ones too.
        tables: The same.
        has_start: Whether a start function runs when it is instantiated.
        problem: Why it cannot run as a plugin: the word of the failure taxonomy, and a sentence.
    """

    kind: BinaryKind
    abi: int | None = None
    imports: list[Import] = field(default_factory=list)
    exports: list[Export] = field(default_factory=list)
    memories: list[Bounds] = field(default_factory=list)
    tables: list[Bounds] = field(default_factory=list)
    has_start: bool = False
    problem: tuple[str, str] | None = None


def inspect(code: bytes) -> BinaryInfo:
    """Read a binary.

    Raises:
        BinaryError: It is not WASM, or malformed where we read it.
    """
    reader = Cursor(code)
    magic = code[:8]
    if magic == abi.CORE_MAGIC:
        module = _Module()
        module.read(reader.skip(8))
        return _module_info(module)
    if magic == abi.COMPONENT_MAGIC:
        info = BinaryInfo("component")
        _read_component(reader.skip(8), info, depth=0)
        _judge_component(info)
        return info
    if magic[:4] == b"\0asm":
        raise BinaryError(f"a WASM binary of unknown version {magic[4:].hex(' ') or 'none'}")
    raise BinaryError("the file is not a WASM module or component")


# ----------------------------------------------------------------------------------------------------- core modules

_FuncType = tuple[bytes, bytes]  # the codes of parameters and results


class _Module:
    """A core module's types, imports, exports and memories."""

    def __init__(self) -> None:
        self.types: list[_FuncType | None] = []
        self.functions: list[int] = []
        self.imports: list[tuple[str, str, str, _FuncType | None]] = []
        self.exports: dict[str, tuple[str, _FuncType | None]] = {}
        self.memories: list[Bounds] = []
        self.tables: list[Bounds] = []
        self.has_start = False

    def read(self, cursor: Cursor, *, whole: bool = True) -> None:
        """Read all sections after the magic number.

        Raises:
            BinaryError: They are malformed, or of proposals that the sandbox has off.
        """
        readers = {4: self._tables, 5: self._memories, 8: self._start}
        if whole:  # of a module in a component, imports and exports are the component's business
            readers |= {1: self._types, 2: self._imports, 3: self._functions, 7: self._exports}
        for number, content in cursor.sections():
            if number in readers:
                readers[number](content)

    def _start(self, _: Cursor) -> None:
        self.has_start = True

    def _types(self, cursor: Cursor) -> None:
        for _ in range(cursor.count(MAX_TYPES, "types")):
            form = cursor.byte()
            if form != 0x60:  # a recursive group or a struct: of proposals that the sandbox has off
                raise BinaryError(f"a type of an unsupported form ({form:#04x})")
            params = self._values(cursor)
            self.types.append((params, self._values(cursor)))

    def _values(self, cursor: Cursor) -> bytes:
        codes = cursor.take(cursor.count(1000, "parameters or results of a function"))
        if codes.translate(None, _VALUES):
            raise BinaryError(f"a value of an unsupported type ({codes.translate(None, _VALUES)[0]:#04x})")
        return codes

    def _type(self, index: int) -> _FuncType | None:
        return self.types[index] if index < len(self.types) else None

    def _imports(self, cursor: Cursor) -> None:
        for _ in range(cursor.count(MAX_ITEMS, "imports")):
            space, name, kind = cursor.name(), cursor.name(), cursor.byte()
            signature = None
            if kind == 0:
                self.functions.append(cursor.number())
                signature = self._type(self.functions[-1])
            elif kind == 1:
                self._table(cursor)
            elif kind == 2:
                self.memories.append(self._bounds(cursor))
            elif kind == 3:
                cursor.skip(2)  # type and mutability
            elif kind == 4:
                cursor.byte()
                cursor.number()
            else:
                raise BinaryError(f"an import of unknown kind {kind}")
            self.imports.append((space, name, _KINDS[kind], signature))

    def _functions(self, cursor: Cursor) -> None:
        self.functions += [cursor.number() for _ in range(cursor.count(MAX_TYPES, "functions"))]

    def _tables(self, cursor: Cursor) -> None:
        for _ in range(cursor.count(MAX_ITEMS, "tables")):
            if not self._table(cursor):
                return  # with an initialiser, whose end only a reader of instructions finds

    def _table(self, cursor: Cursor) -> bool:
        code = cursor.byte()
        is_initialised = code == 0x40
        if is_initialised:
            cursor.byte()
            code = cursor.byte()
        if code not in (0x70, 0x6F):
            raise BinaryError(f"a table of an unsupported type ({code:#04x})")
        self.tables.append(self._bounds(cursor))
        return not is_initialised

    def _memories(self, cursor: Cursor) -> None:
        self.memories += [self._bounds(cursor) for _ in range(cursor.count(MAX_ITEMS, "memories"))]

    def _bounds(self, cursor: Cursor) -> Bounds:
        flags = cursor.byte()
        bits = 64 if flags & _IS_64 else 32
        minimum = cursor.number(bits)
        return Bounds(minimum, cursor.number(bits) if flags & 1 else None)

    def _exports(self, cursor: Cursor) -> None:
        for _ in range(cursor.count(MAX_ITEMS, "exports")):
            name, kind, index = cursor.name(), cursor.byte(), cursor.number()
            signature = None
            if kind == 0 and index < len(self.functions):
                signature = self._type(self.functions[index])
            self.exports[name] = (_KINDS.get(kind, f"kind {kind}"), signature)


def _module_info(module: _Module) -> BinaryInfo:
    imports = []
    problem: tuple[str, str] | None = None
    for space, name, kind, signature in module.imports:
        full = f"{space}.{name}"
        wanted = abi.allowed_type(space, name)
        grant: Grant = "provided" if (space, name) == abi.ABORT or name in abi.ANSWERED else "stubbed"
        if wanted is None:
            grant = "refused"
            problem = problem or ("refused_import", f"it imports '{full}', which plugins do not get")
        elif kind != "function" or _letters(signature) != wanted:
            grant = "refused"
            problem = problem or ("refused_import", f"it imports '{full}' with a type that is not the interface's")
        imports.append(Import(full, kind, _shown(signature), grant))
    return BinaryInfo(
        "module",
        abi=abi.marked_version(module.exports),
        imports=imports,
        exports=[Export(name, kind, _shown(signature)) for name, (kind, signature) in module.exports.items()],
        memories=module.memories,
        tables=module.tables,
        has_start=module.has_start,
        problem=problem or _missing_or_too_many(module),
    )


def _missing_or_too_many(module: _Module) -> tuple[str, str] | None:
    too_many = abi.count_problem(len(module.imports), len(module.exports))
    if too_many is not None:
        return "too_large", too_many
    problem = abi.marker_problem(module.exports)
    if problem is not None:
        return "incompatible", problem
    if module.exports.get("memory", ("", None))[0] != "memory":
        return "incompatible", "it does not export its memory as 'memory'"
    for name, (params, results) in (abi.FUNCTIONS | abi.OPTIONAL_FUNCTIONS).items():
        if name not in module.exports:
            if name in abi.OPTIONAL_FUNCTIONS:
                continue
            return "incompatible", f"it does not export '{name}'"
        if _letters(module.exports[name][1]) != (params, results):
            wanted = abi.signature(params, results)
            return "incompatible", f"its export '{name}' is not a function {wanted}"
    return None


def _letters(signature: _FuncType | None) -> tuple[str, str] | None:
    if signature is None:
        return None
    params, results = ("".join(_LETTERS.get(code, "?") for code in codes) for codes in signature)
    return params, results


def _shown(signature: _FuncType | None) -> str | None:
    if signature is None:
        return None
    params, results = (", ".join(_NUMERIC[code] for code in codes) for codes in signature)
    return f"({params}) -> {results or '()'}"


# ------------------------------------------------------------------------------------------------------- components


def _read_component(cursor: Cursor, info: BinaryInfo, depth: int) -> None:
    """Read a component's own imports and exports, and the memories and tables of every module in it."""
    if depth > MAX_DEPTH:
        raise BinaryError(f"components in components, deeper than {MAX_DEPTH}")
    for number, content in cursor.sections():
        if number == 1:
            if content.take(8) != abi.CORE_MAGIC:
                raise BinaryError("a component that holds something else than modules where modules stand")
            module = _Module()
            module.read(content, whole=False)
            info.memories += module.memories
            info.tables += module.tables
            info.has_start = info.has_start or module.has_start
        elif number == 4:
            if content.take(8) != abi.COMPONENT_MAGIC:
                raise BinaryError("a component that holds something else than components where components stand")
            _read_component(content, info, depth + 1)
        elif number == 10 and depth == 0:
            _component_imports(content, info)
        elif number == 11 and depth == 0:
            _component_exports(content, info)


def _component_imports(cursor: Cursor, info: BinaryInfo) -> None:
    for _ in range(cursor.count(MAX_ITEMS, "imports")):
        name = _component_name(cursor)
        info.imports.append(Import(name, _described(cursor), None, "refused"))


def _component_exports(cursor: Cursor, info: BinaryInfo) -> None:
    for _ in range(cursor.count(MAX_ITEMS, "exports")):
        name = _component_name(cursor)
        kind = _sort(cursor)
        cursor.number()
        if cursor.byte():  # with a type of its own
            _described(cursor)
        info.exports.append(Export(name, kind))


def _component_name(cursor: Cursor) -> str:
    form = cursor.byte()
    if form not in (0, 1):
        raise BinaryError(f"a name of unknown form {form}")
    return cursor.name()


def _sort(cursor: Cursor) -> str:
    sort = cursor.byte()
    if sort == 0:
        cursor.byte()
        return "core module"
    return _SORTS.get(sort, f"sort {sort}")


def _described(cursor: Cursor) -> str:
    """Step over the description of an external, `externdesc`; its kind."""
    form = cursor.byte()
    if form == 0:
        cursor.byte()
        cursor.number()
        return "core module"
    if form in (2, 3):  # bounds: equal to something, or a fresh type
        bound = cursor.byte()
        if form == 2 or bound == 0:
            cursor.number(33)
        return _SORTS[form]
    if form not in _SORTS:
        raise BinaryError(f"an import or export of unknown kind {form}")
    cursor.number()
    return _SORTS[form]


def _judge_component(info: BinaryInfo) -> None:
    kinds = {export.name: export.kind for export in info.exports}
    if kinds.get("evaluate") == "function":
        info.abi = abi.ABI_VERSION
    if info.imports:
        first = min(item.name for item in info.imports)
        info.problem = ("refused_import", f"it imports '{first}'; a component plugin imports nothing")
    elif info.abi is None:
        what = "it does not export 'evaluate'" if "evaluate" not in kinds else "its export 'evaluate' is no function"
        info.problem = ("incompatible", what)
