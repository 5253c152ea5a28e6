"""Compiling, checking and evaluating one plugin with wasmtime. Runs in the worker process only.

Nothing survives an evaluation: each has its own store, instance and `wasi.Guest`.
"""

from __future__ import annotations

import ctypes
import re
from dataclasses import dataclass
from typing import Any, Protocol

import wasmtime
from wasmtime import component

from semfora_hooks.providers.wasm import abi, wasi

TICK = 0.01
"""Seconds between two epochs; deadlines are counted in epochs."""
STACK = 512 << 10
TABLE_ELEMENTS = 100_000

_FRAME = re.compile(r"^\s+\d+:\s+(?:0x[0-9a-f]+ - )?(.+)$", re.MULTILINE)
_OFF = (
    "wasm_threads",
    "wasm_memory64",
    "wasm_gc",
    "gc_support",
    "wasm_exceptions",
    "wasm_function_references",
    "wasm_relaxed_simd",
)  # multi_memory stays (compiling components aborts without), and tail_call (QuickJS builds need it)


class GuestError(Exception):
    """A plugin failed; `kind` is the word users see, `detail` says what happened, `log` is what the guest wrote."""

    def __init__(self, kind: str, detail: str, log: bytes = b"") -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.log = log


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one evaluation: memory and output in bytes, timeout in seconds."""

    memory: int
    timeout: float
    output: int


def make_engine() -> wasmtime.Engine:
    """An engine with epoch interruption, and without the features plugins have no use for.

    Raises:
        GuestError: This wasmtime lacks a switch that the sandbox needs (`missing_extra`).
    """
    config = wasmtime.Config()
    settings = dict.fromkeys(_OFF, False) | {
        "epoch_interruption": True,
        "cranelift_nan_canonicalization": True,
        "max_wasm_stack": STACK,
    }
    for name, value in settings.items():
        if not hasattr(type(config), name):  # plain attributes can be set on anything, to no effect
            raise GuestError("missing_extra", f"the wasmtime that is installed has no setting '{name}'")
        setattr(config, name, value)
    return wasmtime.Engine(config)


def compile_plugin(engine: wasmtime.Engine, binary: bytes) -> Plugin:
    """Compile `binary` and check that it is a plugin of our ABI.

    Raises:
        GuestError: It is not WASM or does not compile (`compile`), is no plugin or one of another ABI (`incompatible`),
            or imports something (`refused_import`).
    """
    kinds: dict[bytes, type[Plugin]] = {abi.CORE_MAGIC: CorePlugin, abi.COMPONENT_MAGIC: ComponentPlugin}
    plugin_type = kinds.get(binary[:8])
    if plugin_type is None:
        if binary[:4] == b"\0asm":
            raise GuestError("compile", f"a WASM binary of unknown version {binary[4:8].hex(' ')}")
        raise GuestError("compile", "the file is not a WASM module or component")
    try:
        plugin = plugin_type(engine, binary)
    except (wasmtime.WasmtimeError, wasmtime.Trap) as error:
        raise GuestError("compile", f"it does not compile: {error}") from None
    plugin.check()
    return plugin


class Plugin(Protocol):
    """A compiled plugin."""

    def __init__(self, engine: wasmtime.Engine, binary: bytes) -> None: ...

    def check(self) -> None:
        """Look at imports and exports; raises `GuestError`."""

    def evaluate(self, context: bytes, limits: Limits) -> tuple[bytes, bytes]:
        """Result and log of one evaluation of `context`, UTF-8 JSON; raises `GuestError`."""


class CorePlugin:
    """A core module that exports memory, allocator and `evaluate`."""

    def __init__(self, engine: wasmtime.Engine, binary: bytes) -> None:
        self._engine = engine
        self._module = wasmtime.Module(engine, binary)

    def check(self) -> None:
        """See `Plugin`."""
        for wanted in self._module.imports:
            name = f"{wanted.module}.{wanted.name}"
            types = abi.allowed_type(wanted.module, wanted.name or "")
            if types is None:
                raise GuestError("refused_import", f"it imports '{name}', which plugins do not get")
            if not _has_type(wanted.type, *types):
                raise GuestError("refused_import", f"it imports '{name}' with a type that is not the interface's")
        exports = {export.name: export.type for export in self._module.exports}
        problem = abi.marker_problem(exports)
        if problem is not None:
            raise GuestError("incompatible", problem)
        if not isinstance(exports.get("memory"), wasmtime.MemoryType):
            raise GuestError("incompatible", "it does not export its memory as 'memory'")
        for name, (params, results) in (abi.FUNCTIONS | abi.OPTIONAL_FUNCTIONS).items():
            if name not in exports:
                if name in abi.OPTIONAL_FUNCTIONS:
                    continue
                raise GuestError("incompatible", f"it does not export '{name}'")
            if not _has_type(exports[name], params, results):
                raise GuestError(
                    "incompatible", f"its export '{name}' is not a function {abi.signature(params, results)}"
                )

    def evaluate(self, context: bytes, limits: Limits) -> tuple[bytes, bytes]:
        """See `Plugin`."""
        store = _store(self._engine, limits, instances=1, tables=4, memories=1)
        guest = wasi.Guest()
        memory: Any = None
        try:
            linker = wasmtime.Linker(self._engine)
            guest.link(linker, self._module)
            exports = linker.instantiate(store, self._module).exports(store)
            memory = exports["memory"]
            output = _call(store, exports, memory, context, limits)
        except (wasmtime.WasmtimeError, wasmtime.Trap) as error:
            if guest.stopped is not None:
                raise GuestError("trap", guest.stopped, bytes(guest.log)) from None
            used = memory.data_len(store) if memory is not None else 0
            raise _trap_failure(error, bytes(guest.log), used, limits) from None
        except GuestError as failure:
            failure.log = bytes(guest.log)
            raise
        if guest.stopped is not None:
            raise GuestError("trap", guest.stopped, bytes(guest.log))
        return output, bytes(guest.log)


class ComponentPlugin:
    """A component that exports `evaluate: func(context-json: string) -> string` and imports nothing."""

    def __init__(self, engine: wasmtime.Engine, binary: bytes) -> None:
        self._engine = engine
        self._component = component.Component(engine, binary)

    def check(self) -> None:
        """See `Plugin`."""
        imports = self._component.type.imports(self._engine)
        if imports:
            raise GuestError("refused_import", f"it imports '{min(imports)}'; a component plugin imports nothing")
        exports = self._component.type.exports(self._engine)
        if "evaluate" not in exports:
            raise GuestError("incompatible", "it does not export 'evaluate'")
        item: Any = exports["evaluate"]
        item = getattr(item, "ty", item)  # wasmtime 50 wraps the type
        is_string = component.String
        if not (
            isinstance(item, component.FuncType)
            and [type(param) for _, param in item.params] == [is_string]
            and isinstance(item.result, is_string)
        ):
            raise GuestError("incompatible", "its export 'evaluate' is not a function from string to string")

    def evaluate(self, context: bytes, limits: Limits) -> tuple[bytes, bytes]:
        """See `Plugin`."""
        store = _store(self._engine, limits, instances=64, tables=8, memories=4)
        try:
            instance = component.Linker(self._engine).instantiate(store, self._component)
            function: Any = instance.get_func(store, "evaluate")
            output: bytes = function(store, context.decode()).encode()
        except (wasmtime.WasmtimeError, wasmtime.Trap) as error:
            raise _trap_failure(error, b"", 0, limits) from None
        _check_output_size(len(output), limits)
        return output, b""


def _call(store: wasmtime.Store, exports: Any, memory: Any, context: bytes, limits: Limits) -> bytes:
    """Hand `context` to a core module's instance, call it and copy the result out."""
    if "_initialize" in exports:
        exports["_initialize"](store)
    start = exports["semfora_alloc"](store, len(context)) & 0xFFFFFFFF
    if start == 0:
        raise GuestError("memory", f"its semfora_alloc gave no room for {len(context)} bytes of context")
    if start + len(context) > memory.data_len(store):
        raise GuestError(
            "bad_output", f"its semfora_alloc returned {start:#x}, too close to or outside its memory's end"
        )
    # The base is read anew after each call: growing may have moved the memory.
    ctypes.memmove(ctypes.addressof(memory.data_ptr(store).contents) + start, context, len(context))
    packed = exports["evaluate"](store, start, len(context)) & 0xFFFFFFFFFFFFFFFF
    start, length = packed >> 32, packed & 0xFFFFFFFF
    if start + length > memory.data_len(store):
        raise GuestError("bad_output", f"it returned a range outside its memory: {length} bytes at {start:#x}")
    _check_output_size(length, limits)
    return ctypes.string_at(ctypes.addressof(memory.data_ptr(store).contents) + start, length) if length else b""


def _store(engine: wasmtime.Engine, limits: Limits, *, instances: int, tables: int, memories: int) -> wasmtime.Store:
    store = wasmtime.Store(engine)
    store.set_limits(
        memory_size=limits.memory,  # of each memory
        table_elements=TABLE_ELEMENTS,
        instances=instances,
        tables=tables,
        memories=memories,
    )
    store.set_epoch_deadline(int(limits.timeout / TICK) + 1)
    return store


def _check_output_size(size: int, limits: Limits) -> None:
    if size > limits.output:
        raise GuestError("too_large", f"its result has {size} bytes; at most {limits.output} are read")


def _has_type(extern: Any, params: str, results: str) -> bool:
    if not isinstance(extern, wasmtime.FuncType):
        return False
    letters = {"i32": abi.I32, "i64": abi.I64}
    actual = ("".join(letters.get(str(t), "?") for t in types) for types in (extern.params, extern.results))
    return tuple(actual) == (params, results)


def _trap_failure(error: Exception, log: bytes, used: int, limits: Limits) -> GuestError:
    """Which kind of failure `error` is. Components' traps have no code, so the text decides for both."""
    text = str(error)
    _, found, cause = text.rpartition("wasm trap: ")
    cause = cause.strip()
    if not found:
        memory = "exceeds memory limits" in text
        return GuestError("memory" if memory else "trap", text, log)
    if cause == "interrupt":
        return GuestError("timeout", "", log)
    frames = [name.rpartition("!")[2] for name in _FRAME.findall(text.partition("Caused by:")[0])[:5]]
    detail = f"{cause} in {' < '.join(frames)}" if frames else cause
    # `memory.grow` fails silently; what a guest does then is its own. So a guest that gave up near its limit ran out.
    if used * 2 >= limits.memory and "unreachable" in cause:
        return GuestError("memory", f"it gave up with {used / 2**20:.0f} MiB of memory in use ({detail})", log)
    return GuestError("trap", detail, log)
