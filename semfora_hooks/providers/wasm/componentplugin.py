"""Plugins that are components. Runs in the worker process only, which imports this when there is one."""

from __future__ import annotations

import ctypes
from typing import Any

import wasmtime
from wasmtime import component
from wasmtime.component._enter import enter_wasm

from semfora_hooks.providers.wasm import resources
from semfora_hooks.providers.wasm.sandbox import (
    COPIED_OUT,
    HEADROOM,
    Compiled,
    GuestError,
    Limits,
    Meter,
    check_output_size,
    evaluation,
)


class ComponentPlugin(Compiled):
    """A component that exports `evaluate: func(context-json: string) -> string` and imports nothing."""

    _kind = component.Component

    def check(self) -> None:
        """See `Plugin`."""
        imports = self._compiled.type.imports(self._engine)
        if imports:
            raise GuestError("refused_import", f"it imports '{min(imports)}'; a component plugin imports nothing")
        exports = self._compiled.type.exports(self._engine)
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

    def evaluate(self, context: Any, limits: Limits, meter: Meter | None = None) -> tuple[bytes, bytes]:
        """See `Plugin`."""
        meter = meter or Meter()
        # wasmtime's limit is one of each memory; what all of them have together, only the system can bound.
        allowed = limits.memory + COPIED_OUT * 3 // 2 + HEADROOM + 2 * len(context)
        with (
            resources.bounded_growth(allowed),
            evaluation(self._engine, limits, instances=64, tables=8, memories=4) as store,
            meter.running(),
        ):
            before = resources.private_bytes()
            with meter.starting():
                instance = component.Linker(self._engine).instantiate(store, self._compiled)
            output = _call_component(store, instance.get_func(store, "evaluate"), bytes(context), limits)
            meter.used = max(0, resources.private_bytes() - before)
            return output, b""


def _call_component(store: wasmtime.Store, function: Any, context: bytes, limits: Limits) -> bytes:
    """Call a component's function as its `__call__` does, but do not copy a result that is too long."""
    context.decode()  # wasmtime takes a string's word for being UTF-8
    ffi: Any = wasmtime._ffi
    given, got = ffi.wasmtime_component_val_t(), ffi.wasmtime_component_val_t()
    given.kind, given.of.string = ffi.WASMTIME_COMPONENT_STRING, ffi.bytes_to_capi(context)
    try:
        place, param, result = ctypes.byref(function._func), ctypes.byref(given), ctypes.byref(got)
        enter_wasm(lambda: ffi.wasmtime_component_func_call(place, store._context(), param, 1, result, 1))
    finally:
        ffi.wasmtime_component_val_delete(ctypes.byref(given))
    try:
        length = got.of.string.size
        check_output_size(length, limits)
        return ctypes.string_at(got.of.string.data, length) if length else b""
    finally:
        ffi.wasmtime_component_val_delete(ctypes.byref(got))
