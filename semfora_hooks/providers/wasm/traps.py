"""Which kind of failure an error of wasmtime is. Runs in the worker process only, and knows nothing but texts.

wasmtime gives a trap's code for core modules only, so its words decide for both kinds of binary. A guest chooses the
names of its functions, and with them any part of a text but the end: the cause is what follows the last `Caused by:`.
"""

from __future__ import annotations

import re

_CAUSED = "Caused by:\n"
_TRAP = "wasm trap: "
_MAX_TEXT = 8000
"""Characters that are looked at, at the start for frames and at the end for the cause; names may have megabytes."""
_MAX_FRAMES = 5
# Horizontal space only: `\s` matches line ends too, which makes a name of line ends cost the square of its length.
_FRAME = re.compile(r"^[ ]+\d+:[ ]+(?:0x[0-9a-f]+ - )?(.+)$", re.MULTILINE)

_KINDS = {
    "exceeds memory limits": "memory",
    "Cannot allocate memory": "memory",
    "out of memory": "memory",
    "exceeds table limits": "too_large",
    "limit exceeded": "too_large",  # of instances, memories, tables, handles
    "too much data is being copied": "too_large",
    "invalid utf-": "bad_output",
    "unpaired surrogate": "bad_output",
    "string pointer/length": "bad_output",
    "realloc return": "bad_output",
    "pointer not aligned": "bad_output",
    "pointer out of bounds": "bad_output",
}


def classify(error: Exception, used: int, limit: int) -> tuple[str, str]:
    """The kind of failure, as in `PluginError.kind`, and what to say about it.

    Args:
        error: A `WasmtimeError` or `Trap`.
        used: Bytes of memory the guest had when it failed, as far as they are known.
        limit: Bytes it may have.
    """
    text = str(error)
    head, tail = text[:_MAX_TEXT], text[-_MAX_TEXT:]
    _, framed, cause = tail.rpartition(_CAUSED)
    cause = cause.strip()
    frames = _frames(head.partition(_CAUSED)[0]) if framed else ""
    trap = cause.startswith(_TRAP)
    cause = cause.removeprefix(_TRAP)
    detail = f"{cause} in {frames}" if frames else cause
    if trap and cause == "interrupt":
        return "timeout", ""
    # `memory.grow` fails silently; what a guest does then is its own. So a guest that gave up near its limit ran out.
    if used * 2 >= limit and "unreachable" in cause:
        return "memory", f"it gave up with {used / 2**20:.0f} MiB of memory in use ({detail})"
    return next((kind for words, kind in _KINDS.items() if words in cause), "trap"), detail


def _frames(text: str) -> str:
    """The innermost functions of a backtrace, innermost first."""
    return " < ".join(name.rpartition("!")[2] for name in _FRAME.findall(text)[:_MAX_FRAMES])
