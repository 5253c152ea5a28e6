"""Compiling, checking and evaluating one plugin with wasmtime, core modules here. Runs in the worker process only.

Nothing survives an evaluation: each has its own store, instance and `wasi.Guest`.
"""

from __future__ import annotations

import contextlib
import ctypes
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, Self

import wasmtime

from semfora_hooks.providers.wasm import abi, resources, traps, wasi

TICK = 0.01
"""Seconds between two epochs; deadlines are counted in epochs."""
STACK = 512 << 10
TABLE_ELEMENTS = 100_000
_MAX_DETAIL = 4000
COPIED_OUT = 128 << 20
"""Bytes that wasmtime copies out of a component for one call at most; its own default, which bindings cannot change."""
COMPILE_MEMORY = 2 << 30
"""Private memory that compiling may take; 18 MB of Python interpreter take 0.4 GiB."""
HEADROOM = 64 << 20
"""Private memory the process may need beside a component's own: copies of the context, tables, slack."""

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


@dataclass(slots=True)
class Meter:
    """What an evaluation took.

    Attributes:
        instantiate: Seconds for making the instance; of a core module, its start function's are among them.
        guest: Seconds in the guest's own code; of a component, with those for making the instance.
        used: Bytes of memory it had at the end.
    """

    instantiate: float = 0.0
    guest: float = 0.0
    used: int = 0

    @contextlib.contextmanager
    def starting(self) -> Iterator[None]:
        """Count the time of a block as the instance's."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.instantiate += time.perf_counter() - start

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Count the time of a block as the guest's."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.guest += time.perf_counter() - start


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
    if binary[:8] not in (abi.CORE_MAGIC, abi.COMPONENT_MAGIC):
        if binary[:4] == b"\0asm":
            raise GuestError("compile", f"a WASM binary of unknown version {binary[4:8].hex(' ')}")
        raise GuestError("compile", "the file is not a WASM module or component")
    plugin_type = _plugin_type(is_component=binary[:8] == abi.COMPONENT_MAGIC)
    try:
        with resources.bounded_growth(COMPILE_MEMORY):
            plugin = plugin_type.compile(engine, binary)
    except (wasmtime.WasmtimeError, wasmtime.Trap) as error:
        raise GuestError("compile", f"it does not compile: {str(error)[:_MAX_DETAIL]}") from None
    return _checked(plugin)


def load_plugin(engine: wasmtime.Engine, code: bytes, *, is_component: bool) -> Plugin | None:
    """A plugin from what `Plugin.serialize` gave; `None` where it is of another engine or processor.

    The code is run as it is: it must come from where nobody else can write.
    """
    try:
        plugin = _plugin_type(is_component=is_component).load(engine, code)
    except (wasmtime.WasmtimeError, wasmtime.Trap):
        return None
    return _checked(plugin)


def _plugin_type(*, is_component: bool) -> type[Plugin]:
    if not is_component:
        return CorePlugin
    from semfora_hooks.providers.wasm.componentplugin import ComponentPlugin  # a third of the time a worker starts in

    return ComponentPlugin


def _checked(plugin: Plugin) -> Plugin:
    try:
        plugin.check()
    except GuestError:
        raise
    except Exception as error:  # noqa: BLE001  types that the bindings do not know, such as a stream
        raise GuestError("incompatible", f"its types cannot be read: {error!r}"[:_MAX_DETAIL]) from None
    return plugin


class Plugin(Protocol):
    """A compiled plugin."""

    @classmethod
    def compile(cls, engine: wasmtime.Engine, binary: bytes) -> Plugin:
        """Compile a binary; raises wasmtime's errors."""

    @classmethod
    def load(cls, engine: wasmtime.Engine, code: bytes) -> Plugin:
        """Load what `serialize` gave; raises wasmtime's errors."""

    def serialize(self) -> bytes:
        """The compiled code."""

    def check(self) -> None:
        """Look at imports and exports; raises `GuestError`."""

    def evaluate(self, context: Any, limits: Limits, meter: Meter | None = None) -> tuple[bytes, bytes]:
        """Result and log of one evaluation of `context`, UTF-8 JSON in bytes or in a `ctypes` array of them.

        Raises:
            GuestError: It failed.
        """


class Compiled:
    """What wasmtime compiled, of the type `_kind`; the base of both kinds of plugin."""

    _kind: ClassVar[Any]

    def __init__(self, engine: wasmtime.Engine, compiled: Any) -> None:
        self._engine = engine
        self._compiled = compiled

    @classmethod
    def compile(cls, engine: wasmtime.Engine, binary: bytes) -> Self:
        """See `Plugin`."""
        return cls(engine, cls._kind(engine, binary))

    @classmethod
    def load(cls, engine: wasmtime.Engine, code: bytes) -> Self:
        """See `Plugin`."""
        return cls(engine, cls._kind.deserialize(engine, code))

    def serialize(self) -> bytes:
        """See `Plugin`."""
        return bytes(self._compiled.serialize())


class CorePlugin(Compiled):
    """A core module that exports memory, allocator and `evaluate`."""

    _kind = wasmtime.Module

    def check(self) -> None:
        """See `Plugin`."""
        imports = self._compiled.imports
        for wanted in imports:
            name = f"{wanted.module}.{wanted.name}"
            types = abi.allowed_type(wanted.module, wanted.name or "")
            if types is None:
                raise GuestError("refused_import", f"it imports '{name}', which plugins do not get")
            if not _has_type(wanted.type, *types):
                raise GuestError("refused_import", f"it imports '{name}' with a type that is not the interface's")
        exported = self._compiled.exports
        too_many = abi.count_problem(len(imports), len(exported))
        if too_many is not None:
            raise GuestError("too_large", too_many)
        exports = {export.name: export.type for export in exported}
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

    def evaluate(self, context: Any, limits: Limits, meter: Meter | None = None) -> tuple[bytes, bytes]:
        """See `Plugin`."""
        meter = meter or Meter()
        guest = wasi.Guest()
        try:
            with evaluation(self._engine, limits, instances=1, tables=4, memories=1) as store:
                with meter.starting():
                    linker = wasmtime.Linker(self._engine)
                    guest.link(linker, self._compiled)
                    exports = linker.instantiate(store, self._compiled).exports(store)
                output = _call(store, exports, context, limits, meter)
        except GuestError as failure:
            failure.log = guest.log
            if guest.stopped is not None:
                failure.kind, failure.detail = "trap", guest.stopped
            raise
        if guest.stopped is not None:
            raise GuestError("trap", guest.stopped, guest.log)
        return output, guest.log


def _call(store: wasmtime.Store, exports: Any, context: Any, limits: Limits, meter: Meter) -> bytes:
    """Hand `context` to a core module's instance, call it and copy the result out."""
    memory = exports["memory"]
    with meter.running():
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
    with meter.running():
        packed = exports["evaluate"](store, start, len(context)) & 0xFFFFFFFFFFFFFFFF
    meter.used = memory.data_len(store)  # memory only grows
    start, length = packed >> 32, packed & 0xFFFFFFFF
    if start + length > memory.data_len(store):
        raise GuestError("bad_output", f"it returned a range outside its memory: {length} bytes at {start:#x}")
    check_output_size(length, limits)
    return ctypes.string_at(ctypes.addressof(memory.data_ptr(store).contents) + start, length) if length else b""


@contextlib.contextmanager
def evaluation(
    engine: wasmtime.Engine, limits: Limits, *, instances: int, tables: int, memories: int
) -> Iterator[wasmtime.Store]:
    """A store for one evaluation, with its limits; wasmtime's errors inside become `GuestError`s.

    The store is closed at the end, which gives the guest's memory back: waiting for the last reference to go would keep
    it until the next evaluation.
    """
    store = wasmtime.Store(engine)
    before = resources.private_bytes()
    try:
        store.set_limits(
            memory_size=limits.memory,  # of each memory
            table_elements=TABLE_ELEMENTS,
            instances=instances,
            tables=tables,
            memories=memories,
        )
        store.set_epoch_deadline(int(limits.timeout / TICK) + 1)
        yield store
    except (wasmtime.WasmtimeError, wasmtime.Trap) as error:
        raise GuestError(*traps.classify(error, resources.private_bytes() - before, limits.memory)) from None
    except MemoryError:
        raise GuestError("memory", "the sandbox's process has no more") from None
    finally:
        store.close()


def check_output_size(size: int, limits: Limits) -> None:
    """Raises `GuestError` (`too_large`) for a result that is longer than is read."""
    if size > limits.output:
        raise GuestError("too_large", f"its result has {size} bytes; at most {limits.output} are read")


def _has_type(extern: Any, params: str, results: str) -> bool:
    if not isinstance(extern, wasmtime.FuncType):
        return False
    letters = {"i32": abi.I32, "i64": abi.I64}
    actual = ("".join(letters.get(str(t), "?") for t in types) for types in (extern.params, extern.results))
    return tuple(actual) == (params, results)
