"""What a core module may import: `wasi_snapshot_preview1` without a world behind it, and `env.abort`. Worker side.

Time, randomness and streams are the same for every evaluation. Nothing here raises: wasmtime-py keeps one global last
exception, which could surface in another call. A guest is stopped by moving its deadline to now.
"""

from __future__ import annotations

import ctypes
import hashlib
from collections.abc import Callable
from typing import Any

import wasmtime

from semfora_hooks.providers.wasm.abi import ABORT, I32, I64, allowed_type

SUCCESS, BADF, FAULT, INVAL, NOSYS = 0, 8, 21, 28, 52
MAX_LOG = 16 << 10
"""Bytes kept of what a guest writes to stdout and stderr: the last, where it says why it fails."""
MAX_VECTORS = 1024
MAX_RANDOM = 1 << 20
_TICK_NS = 1_000_000
_CHARACTER_DEVICE = 2


def _func_type(params: str, results: str) -> wasmtime.FuncType:
    types = {I32: wasmtime.ValType.i32, I64: wasmtime.ValType.i64}
    return wasmtime.FuncType([types[p]() for p in params], [types[r]() for r in results])


class _FaultError(Exception):
    """A guest gave a range outside its memory. Caught before it reaches wasmtime."""


class _Memory:
    """Checked access to the calling guest's memory."""

    def __init__(self, caller: Any) -> None:
        memory = caller.get("memory")
        if not isinstance(memory, wasmtime.Memory):
            raise _FaultError
        self.size = memory.data_len(caller)
        self.base = ctypes.addressof(memory.data_ptr(caller).contents) if self.size else 0

    def read(self, at: int, length: int) -> bytes:
        at, length = at & 0xFFFFFFFF, length & 0xFFFFFFFF
        if at + length > self.size:
            raise _FaultError
        return ctypes.string_at(self.base + at, length)

    def write(self, at: int, data: bytes) -> None:
        at &= 0xFFFFFFFF
        if at + len(data) > self.size:
            raise _FaultError
        ctypes.memmove(self.base + at, data, len(data))

    def u32(self, at: int) -> int:
        return int.from_bytes(self.read(at, 4), "little")


class Guest:
    """The world of one evaluation: its clock, its randomness, what it wrote, and whether it gave up.

    Attributes:
        stopped: Why it ended itself (`proc_exit`, `abort`), or `None`.
    """

    def __init__(self) -> None:
        self._log = bytearray()
        self.stopped: str | None = None
        self._now = 0
        self._random_calls = 0

    @property
    def log(self) -> bytes:
        """The last of what it wrote to stdout and stderr, at most `MAX_LOG` bytes."""
        return bytes(self._log[-MAX_LOG:])

    def link(self, linker: wasmtime.Linker, module: wasmtime.Module) -> None:
        """Define in `linker` what `module` imports; `allowed_type` must have accepted all of it."""
        # Go imports some functions more than once.
        for space, name in sorted({(wanted.module, wanted.name or "") for wanted in module.imports}):
            types = allowed_type(space, name)
            if types is None:
                raise ValueError(f"{space}.{name} is not provided")
            function = self._abort if (space, name) == ABORT else getattr(self, f"_{name}", None)
            linker.define_func(space, name, _func_type(*types), _guarded(function, bool(types[1])), access_caller=True)

    def _stop(self, caller: Any, reason: str) -> None:
        self.stopped = self.stopped or reason
        wasmtime._ffi.wasmtime_context_set_epoch_deadline(caller._context(), 0)

    def _abort(self, caller: Any, message: int, file: int, line: int, column: int) -> None:
        where = f" at {_utf16(caller, file) or '?'}:{line}:{column}" if file or line else ""
        self._stop(caller, f"abort: {_utf16(caller, message) or 'no message'}{where}")

    def _proc_exit(self, caller: Any, code: int) -> None:
        self._stop(caller, f"it called proc_exit({code})")

    def _no_strings(self, caller: Any, count: int, size: int) -> int:
        memory = _Memory(caller)
        memory.write(count, bytes(4))
        memory.write(size, bytes(4))
        return SUCCESS

    _args_sizes_get = _environ_sizes_get = _no_strings

    def _nothing(self, _caller: Any, *_: int) -> int:
        return SUCCESS

    _args_get = _environ_get = _sched_yield = _nothing

    def _clock_res_get(self, caller: Any, _clock: int, at: int) -> int:
        _Memory(caller).write(at, _TICK_NS.to_bytes(8, "little"))
        return SUCCESS

    def _clock_time_get(self, caller: Any, _clock: int, _precision: int, at: int) -> int:
        _Memory(caller).write(at, self._now.to_bytes(8, "little"))
        self._now += _TICK_NS
        return SUCCESS

    def _random_get(self, caller: Any, at: int, length: int) -> int:
        length &= 0xFFFFFFFF
        if length > MAX_RANDOM:
            return INVAL
        self._random_calls += 1
        _Memory(caller).write(at, hashlib.shake_128(b"semfora %d" % self._random_calls).digest(length))
        return SUCCESS

    def _fd_write(self, caller: Any, fd: int, vectors: int, count: int, written: int) -> int:
        if fd not in (1, 2):
            return BADF
        if not 0 <= count <= MAX_VECTORS:
            return INVAL
        memory = _Memory(caller)
        total = 0
        for vector in range(vectors & 0xFFFFFFFF, (vectors & 0xFFFFFFFF) + 8 * count, 8):
            start, length = memory.u32(vector), memory.u32(vector + 4)
            if start + length > memory.size:
                raise _FaultError
            kept = min(length, MAX_LOG)
            self._log += memory.read(start + length - kept, kept)
            total += length
            if len(self._log) > 2 * MAX_LOG:  # not at each write: it may write byte by byte
                del self._log[:-MAX_LOG]
        memory.write(written, (total & 0xFFFFFFFF).to_bytes(4, "little"))
        return SUCCESS

    def _fd_read(self, caller: Any, fd: int, _vectors: int, _count: int, read: int) -> int:
        if fd != 0:
            return BADF
        _Memory(caller).write(read, bytes(4))
        return SUCCESS

    def _fd_fdstat_get(self, caller: Any, fd: int, at: int) -> int:
        if fd not in (0, 1, 2):
            return BADF
        _Memory(caller).write(at, bytes([_CHARACTER_DEVICE]) + bytes(7) + b"\xff" * 8 + bytes(8))
        return SUCCESS

    def _no_folder(self, _caller: Any, *_: int) -> int:
        # wasi-libc lists preopened folders until it gets BADF, and gives up on any other error.
        return BADF

    _fd_prestat_get = _fd_prestat_dir_name = _no_folder


def _guarded(function: Callable[..., int | None] | None, returns: bool) -> Callable[..., int | None]:
    """`function` as a callback that never raises; `NOSYS` where there is none."""

    def call(caller: Any, *args: int) -> int | None:
        if function is None:
            return NOSYS
        try:
            return function(caller, *args)
        except _FaultError:
            return FAULT if returns else None
        except Exception:  # noqa: BLE001 - see the module's docstring
            return INVAL if returns else None

    return call


def _utf16(caller: Any, at: int) -> str:
    """The AssemblyScript string at `at`: UTF-16, its length in bytes in the four bytes before; empty if unreadable."""
    try:
        memory = _Memory(caller)
        at &= 0xFFFFFFFF
        return memory.read(at, min(memory.u32(at - 4), 2048)).decode("utf-16-le", "replace") if at >= 4 else ""
    except _FaultError:
        return ""
