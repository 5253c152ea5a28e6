"""A plugin's code, read once: the bytes that are hashed are those that run."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from semfora_hooks.providers.wasm.host import Binary, SandboxError


def read_binary(path: Path, max_size: int) -> Binary:
    """The code in a file, with its hash.

    Args:
        path: The file, links resolved.
        max_size: Bytes it may have.

    Raises:
        SandboxError: It cannot be read (`compile`), or is larger (`too_large`).
    """
    # The path was checked before: what became a link or a fifo meanwhile is neither followed nor waited for.
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        descriptor = os.open(path, flags)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise SandboxError("compile", "it is not a regular file")
            code = file.read(max_size + 1)
    except OSError as error:
        raise SandboxError("compile", f"the file cannot be read: {error.strerror}") from None
    if len(code) > max_size:
        raise SandboxError("too_large", f"the file has more than {max_size} bytes")
    return Binary.of(code)
