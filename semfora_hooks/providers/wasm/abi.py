"""Plugin ABI 1: the exports a plugin has, the imports it may have. Knows no wasmtime, so that looking costs little."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

ABI_VERSION = 1
CORE_MAGIC = b"\0asm\x01\x00\x00\x00"
COMPONENT_MAGIC = b"\0asm\x0d\x00\x01\x00"

BinaryKind = Literal["module", "component"]

I32, I64 = "i", "I"
FUNCTIONS = {"semfora_alloc": (I32, I32), "evaluate": (I32 + I32, I64)}
"""Parameter and result types of the functions a core module exports."""
OPTIONAL_FUNCTIONS = {"_initialize": ("", "")}
"""The same for those that it may export."""

WASI = "wasi_snapshot_preview1"
# Parameter types of every function of the interface; each returns an errno, except proc_exit.
SIGNATURES = {
    "args_get": "ii",
    "args_sizes_get": "ii",
    "clock_res_get": "ii",
    "clock_time_get": "iIi",
    "environ_get": "ii",
    "environ_sizes_get": "ii",
    "fd_advise": "iIIi",
    "fd_allocate": "iII",
    "fd_close": "i",
    "fd_datasync": "i",
    "fd_fdstat_get": "ii",
    "fd_fdstat_set_flags": "ii",
    "fd_fdstat_set_rights": "iII",
    "fd_filestat_get": "ii",
    "fd_filestat_set_size": "iI",
    "fd_filestat_set_times": "iIIi",
    "fd_pread": "iiiIi",
    "fd_prestat_dir_name": "iii",
    "fd_prestat_get": "ii",
    "fd_pwrite": "iiiIi",
    "fd_read": "iiii",
    "fd_readdir": "iiiIi",
    "fd_renumber": "ii",
    "fd_seek": "iIii",
    "fd_sync": "i",
    "fd_tell": "ii",
    "fd_write": "iiii",
    "path_create_directory": "iii",
    "path_filestat_get": "iiiii",
    "path_filestat_set_times": "iiiiIIi",
    "path_link": "iiiiiii",
    "path_open": "iiiiiIIii",
    "path_readlink": "iiiiii",
    "path_remove_directory": "iii",
    "path_rename": "iiiiii",
    "path_symlink": "iiiii",
    "path_unlink_file": "iii",
    "poll_oneoff": "iiii",
    "proc_exit": "i",
    "proc_raise": "i",
    "random_get": "ii",
    "sched_yield": "",
    "sock_accept": "iii",
    "sock_recv": "iiiiii",
    "sock_send": "iiiii",
    "sock_shutdown": "ii",
}
ABORT = ("env", "abort")
ANSWERED = frozenset(
    {
        "args_get",
        "args_sizes_get",
        "clock_res_get",
        "clock_time_get",
        "environ_get",
        "environ_sizes_get",
        "fd_fdstat_get",
        "fd_prestat_dir_name",
        "fd_prestat_get",
        "fd_read",
        "fd_write",
        "proc_exit",
        "random_get",
        "sched_yield",
    }
)
"""Functions of WASI that do something; the others only say that they are not implemented."""

MAX_IMPORTS = 1000
MAX_EXPORTS = 10_000
"""Both are looked at one by one, for each evaluation. The interface has 47 names; Go imports some of them twice."""

_MARKER = re.compile(r"semfora_abi_v(\d+)")
_NAMES = {I32: "i32", I64: "i64"}


def allowed_type(module: str, name: str) -> tuple[str, str] | None:
    """Parameter and result types of an import we provide, or `None` where we do not."""
    if (module, name) == ABORT:
        return "iiii", ""
    if module == WASI and name in SIGNATURES:
        return SIGNATURES[name], "" if name == "proc_exit" else "i"
    return None


def count_problem(imports: int, exports: int) -> str | None:
    """What to say about a core module with too many of either; `None` if it has not."""
    for what, count, most in (("imports", imports, MAX_IMPORTS), ("exports", exports, MAX_EXPORTS)):
        if count > most:
            return f"it has {count} {what}; at most {most} are allowed, which nothing changes"
    return None


def marked_version(exports: Iterable[str]) -> int | None:
    """The ABI version that the marker among a core module's exports names: ours, if it names several."""
    versions = [int(match[1][:9]) for name in exports if (match := _MARKER.fullmatch(name))]
    return ABI_VERSION if ABI_VERSION in versions else max(versions, default=None)


def marker_problem(exports: Iterable[str]) -> str | None:
    """What to say about a core module that has not our marker; `None` if it has."""
    version = marked_version(exports)
    if version == ABI_VERSION:
        return None
    if version is None:
        return f"it is not a semfora plugin: it does not export 'semfora_abi_v{ABI_VERSION}'"
    advice = "upgrade semfora-hooks" if version > ABI_VERSION else "update the plugin"
    return f"it speaks plugin ABI {version}, we speak {ABI_VERSION}: {advice}"


def signature(params: str, results: str) -> str:
    """Types as a reader expects them: `(i32, i32) -> i64`."""
    return f"({', '.join(_NAMES[p] for p in params)}) -> {', '.join(_NAMES[r] for r in results) or '()'}"
