"""What is kept of plugins between runs, in the user's cache folder: compiled code, results, what did not compile."""

from __future__ import annotations

import hashlib
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from semfora_hooks.providers.wasm.filecache import FileCache

COMPILED_CAP = 512 << 20
"""Bytes of compiled code; a plugin that carries a Python interpreter takes 60 MB."""
RESULTS_CAP = 64 << 20
REFUSALS_CAP = 1 << 20
MANIFESTS_CAP = 16 << 20
REFUSAL_SECONDS = 86_400.0
"""How long a plugin that was too much to compile is not tried again."""

_ENGINE_SOURCES = ("sandbox.py", "componentplugin.py", "wasi.py", "worker.py")


class _Result(msgspec.Struct, array_like=True):
    output: bytes
    log: str


class _Refusal(msgspec.Struct, array_like=True):
    until: float
    kind: str
    detail: str
    log: str


class PluginCaches:
    """The caches of one run.

    Args:
        root: The repository, which is never written to; `None` where there is none.
        wasmtime_folder: Where wasmtime is installed.
        folder: The user's cache folder where it is not the usual one.
    """

    def __init__(self, root: Path | None, wasmtime_folder: Path, folder: Path | None = None) -> None:
        self.compiled, self.results, self.refusals, _ = caches(root, folder)
        self._stamp = _stamp(wasmtime_folder)

    def code_key(self, binary: str) -> str:
        """The name of compiled code: binary, wasmtime's version, the engine's configuration, platform."""
        return hashlib.sha256(f"code {self._stamp} {binary}".encode()).hexdigest()

    def result_key(self, binary: str, context: bytes, limits: Sequence[float]) -> str:
        """A result's name: also by the context's digest, which covers configuration and contract, and by the limits."""
        text = f"result {self._stamp} {binary} {context.hex()} {' '.join(map(repr, limits))}"
        return hashlib.sha256(text.encode()).hexdigest()

    def result(self, key: str) -> tuple[bytes, str] | None:
        """An output and what was logged, if they are known."""
        data = self.results.get(key)
        if data is None:
            return None
        try:
            known = msgspec.msgpack.decode(data, type=_Result)
        except msgspec.MsgspecError:
            return None
        return known.output, known.log

    def keep_result(self, key: str, output: bytes, log: str) -> None:
        """Keep an output; failures are never kept."""
        self.results.put(key, msgspec.msgpack.encode(_Result(output, log)))

    def refusal(self, binary: str) -> tuple[str, str, str] | None:
        """Kind, detail and log, where compiling a plugin was too much not long ago."""
        data = self.refusals.get(self.code_key(binary))
        if data is None:
            return None
        try:
            known = msgspec.msgpack.decode(data, type=_Refusal)
        except msgspec.MsgspecError:
            return None
        if not time.time() < known.until < time.time() + REFUSAL_SECONDS + 1:
            return None
        return known.kind, f"{known.detail} (not tried again today; 'semfora-hooks cache clean' forgets it)", known.log

    def keep_refusal(self, binary: str, kind: str, detail: str, log: str) -> None:
        """Remember that compiling a plugin was too much."""
        refusal = _Refusal(time.time() + REFUSAL_SECONDS, kind, detail, log)
        self.refusals.put(self.code_key(binary), msgspec.msgpack.encode(refusal))


class Caches(NamedTuple):
    """The places of compiled code, of results, of what did not compile, and of what manifests say."""

    compiled: FileCache
    results: FileCache
    refused: FileCache
    manifests: FileCache


def caches(root: Path | None = None, folder: Path | None = None) -> Caches:
    """All caches; see `PluginCaches` for the arguments."""
    caps = Caches._fields, (COMPILED_CAP, RESULTS_CAP, REFUSALS_CAP, MANIFESTS_CAP)
    return Caches(*(FileCache(name, cap, root, folder) for name, cap in zip(*caps, strict=True)))


def _stamp(wasmtime_folder: Path) -> str:
    """What compiled code and results depend on besides their inputs."""
    here = Path(__file__).parent
    sources = hashlib.sha256(b"\0".join((here / name).read_bytes() for name in _ENGINE_SOURCES)).hexdigest()
    installed = sorted(path.name for path in wasmtime_folder.glob("wasmtime-*.dist-info"))
    machine = os.uname().machine if hasattr(os, "uname") else os.environ.get("PROCESSOR_ARCHITECTURE", "")
    return f"{sources} {' '.join(installed)} {sys.platform} {machine} {sys.maxsize}"
