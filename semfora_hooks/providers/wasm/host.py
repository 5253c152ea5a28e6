"""The host's side of the sandbox: gives plugins to workers, and keeps what they compiled and answered."""

from __future__ import annotations

import contextlib
import hashlib
import math
import os
import threading
import time
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from semfora_hooks.providers.wasm.budget import Budget
from semfora_hooks.providers.wasm.caches import PluginCaches
from semfora_hooks.providers.wasm.projection import Document
from semfora_hooks.providers.wasm.stats import PluginStats
from semfora_hooks.providers.wasm.workerprocess import (
    DATA_LIMIT,
    MAX_OUTPUT,
    START_SECONDS,
    SandboxError,
    Worker,
    wasmtime_folder,
)

__all__ = ["MAX_OUTPUT", "Binary", "Pool", "SandboxError", "Worker", "wasmtime_folder"]

COMPILE_SECONDS = 60.0
SLOW_REFUSAL_SECONDS = 2.0
"""A plugin that is refused after so much compiling, for whatever reason, is not compiled again for a day."""
GRACE_SECONDS = 0.3
"""What an evaluation may take beyond its timeout, which the worker enforces itself, before the worker is killed."""
TRANSFER_RATE = 100 << 20
"""Bytes a second that a context needs at the least to reach the worker; that time is not the plugin's."""
PATIENCE_SECONDS = 0.1
"""How long one waits for a worker that is at work before another is started, which takes about as long."""
MAX_CODE = 512 << 20
"""Bytes of compiled code that a worker may hand over."""
MAX_COMPILED = 64
"""Plugins that a worker keeps compiled; each holds memory and files open."""


@dataclass(frozen=True, slots=True)
class Binary:
    """A plugin's code and its identity, the SHA-256 of the code in hexadecimal."""

    code: bytes
    key: str

    @classmethod
    def of(cls, code: bytes) -> Binary:
        """The binary of `code`."""
        return cls(code, hashlib.sha256(code).hexdigest())

    @property
    def is_component(self) -> bool:
        """Whether its header says that it is a component, not a core module."""
        return self.code[4:8] == b"\x0d\x00\x01\x00"


class Pool:
    """Workers, as many as threads ask at the same time. They end with the pool, and with this process."""

    def __init__(self, memory_ceiling: int, caches: PluginCaches | None = None, budget: Budget | None = None) -> None:
        """Args:
        memory_ceiling: The most memory any guest may have, in bytes.
        caches: What earlier runs kept.
        budget: The time that all plugins have together; as much as they want where `None`.
        """
        self.caches = caches
        self.budget = budget or Budget(math.inf, "")
        # A component may have four memories, and input and output exist twice.
        self._data_limit = DATA_LIMIT + 4 * memory_ceiling
        self._lock = threading.Condition()
        self._idle: list[Worker] = []
        self._all: set[Worker] = set()
        self._refused: dict[str, SandboxError] = {}
        self._finalizer = weakref.finalize(self, _close_all, self._all, os.getpid())

    def warm_up(self) -> None:
        """Start a worker, without waiting for it, if there is none: its start then runs beside other work."""
        with self._lock:
            if not self._all:
                self._idle.append(self._start())

    def preload(self, binary: Binary, stats: PluginStats) -> None:
        """Have a worker load a plugin's compiled code, where it is kept: then evaluating need not wait for that."""
        if self.caches is not None and self._all:
            with contextlib.suppress(SandboxError), self._worker(binary.key) as worker:
                if binary.key not in worker.compiled:
                    self._load(worker, binary, stats)

    def evaluate(
        self,
        binary: Binary,
        context: bytes | Document,
        *,
        memory: int,
        timeout: float,
        stats: PluginStats | None = None,
    ) -> tuple[bytes, str]:
        """Run a plugin.

        Args:
            binary: The plugin.
            context: What its `evaluate` gets, UTF-8.
            memory: Limit of each of its memories, in bytes.
            timeout: Seconds the evaluation may take; compiling has its own limit.
            stats: Where its cost is added.

        Returns:
            The plugin's result, and what it wrote to its standard streams.

        Raises:
            SandboxError: It could not be compiled, or failed.
        """
        document = Document.of(context) if isinstance(context, bytes) else context
        stats = stats or PluginStats()
        stats.contexts += 1
        stats.bytes_in += document.size
        if document.size > memory:
            raise SandboxError("memory", f"its context alone has {document.size} bytes")
        self._check_refusal(binary)
        key = ""
        if self.caches is not None:
            key = self.caches.result_key(binary.key, document.digest(), (memory, timeout, MAX_OUTPUT))
            known = self.caches.result(key)
            if known is not None:
                stats.result_hits += 1
                stats.bytes_out += len(known[0])
                return known
        with self.budget.running(), self._worker(binary.key) as worker:
            if binary.key not in worker.compiled:
                self._make_ready(worker, binary, stats)
            with self._within_budget(timeout) as allowed:
                header = {"op": "evaluate", "key": binary.key, "memory": memory, "timeout": allowed}
                header["output"] = MAX_OUTPUT
                seconds = allowed + GRACE_SECONDS + document.size / TRANSFER_RATE
                start = time.perf_counter()
                reply, output = worker.request(header, document.chunks, seconds)
            stats.guest += (guest := _number(reply, "guest"))
            stats.instantiate += _number(reply, "instantiate")
            stats.copy += max(0.0, time.perf_counter() - start - guest)
            stats.peak_memory = max(stats.peak_memory, int(_number(reply, "used")))
            stats.bytes_out += len(output)
        log = str(reply.get("log", ""))
        if self.caches is not None:
            self.caches.keep_result(key, output, log)
        return output, log

    def close(self) -> None:
        """End all workers now."""
        self._finalizer()

    @contextlib.contextmanager
    def _within_budget(self, seconds: float) -> Iterator[float]:
        """The time that something may take that would have `seconds`, so that the budget is kept.

        Raises:
            SandboxError: There is nothing left, or it took all that was (`timeout`).
        """
        left = self.budget.left()
        together = f"all plugins of a run have {self.budget.seconds:g} s together"
        hint = f"raise {self.budget.setting}, or switch slow plugins off"
        if left <= 0:
            raise SandboxError("timeout", f"not run: {together}, and the others have used them up", hint=hint)
        try:
            yield min(seconds, left)
        except SandboxError as error:
            if error.kind == "timeout" and left < seconds:
                raise SandboxError("timeout", f"stopped: {together}", error.log, hint) from None
            raise

    def _check_refusal(self, binary: Binary) -> None:
        """Raise what compiling a plugin led to before, if it would lead there again."""
        known = self._refused.get(binary.key)
        if known is None and self.caches is not None and (kept := self.caches.refusal(binary.key)) is not None:
            known = self._refused[binary.key] = SandboxError(*kept)
        if known is not None:
            raise SandboxError(known.kind, known.detail, known.log)

    def _make_ready(self, worker: Worker, binary: Binary, stats: PluginStats) -> None:
        """Have a worker load a plugin's compiled code, or compile it."""
        if not self._load(worker, binary, stats):
            start = time.perf_counter()
            self._compile(worker, binary)
            stats.compile += time.perf_counter() - start

    def _load(self, worker: Worker, binary: Binary, stats: PluginStats) -> bool:
        """Have a worker load a plugin's compiled code; whether there was some, and of this kind of processor."""
        if len(worker.compiled) >= MAX_COMPILED:
            worker.request({"op": "forget", "key": worker.compiled.pop(0)}, (), START_SECONDS)
        start = time.perf_counter()
        code = None if self.caches is None else self.caches.compiled.get(self.caches.code_key(binary.key))
        if self.caches is None or code is None:
            return False
        header = {"op": "load", "key": binary.key, "is_component": binary.is_component}
        try:
            with self._within_budget(COMPILE_SECONDS) as seconds:
                reply, _ = worker.request(header, [code], seconds)
        except SandboxError as error:
            if error.hint is None:  # else it is the budget's fault, not the code's
                self.caches.compiled.remove(self.caches.code_key(binary.key))
            raise
        stats.load += time.perf_counter() - start
        if not reply.get("loaded"):
            return False
        stats.compiled_hits += 1
        worker.compiled.append(binary.key)
        return True

    def _compile(self, worker: Worker, binary: Binary) -> None:
        start = time.perf_counter()
        try:
            header = {"op": "compile", "key": binary.key, "keep": self.caches is not None}
            with self._within_budget(COMPILE_SECONDS) as seconds:
                _, code = worker.request(header, [binary.code], seconds, MAX_CODE)
        except SandboxError as error:
            if error.hint is not None:  # the budget is used up, which says nothing about this plugin
                raise
            can_happen_to_any = error.kind == "crash"  # the system may have been short of memory
            if error.kind == "timeout":
                error = SandboxError("compile", f"compiling it takes longer than {COMPILE_SECONDS:g} s")
            elif error.kind == "crash" and worker.greeted:
                error = SandboxError("compile", f"compiling it was too much: {error.detail}", error.log)
            if error.kind != "crash":  # it would fail again, and may take its time
                self._refused[binary.key] = error
            is_slow = time.perf_counter() - start >= min(SLOW_REFUSAL_SECONDS, COMPILE_SECONDS)
            if is_slow and not can_happen_to_any and self.caches is not None:
                self.caches.keep_refusal(binary.key, error.kind, error.detail, error.log)
            raise error from None
        worker.compiled.append(binary.key)
        if code and self.caches is not None:
            self.caches.compiled.put(self.caches.code_key(binary.key), code)

    @contextlib.contextmanager
    def _worker(self, key: str) -> Iterator[Worker]:
        """A worker for this thread alone, if possible one that has compiled `key`."""
        with self._lock:
            worker = self._free(key)
            if worker is None and self._all:
                self._wait_a_little()
                worker = self._free(key)
            if worker is None:
                worker = self._start()
            else:
                self._idle.remove(worker)
        try:
            yield worker
        except SandboxError:
            self._give_back(worker)
            raise
        except BaseException:  # Ctrl-C in the middle of a message: the stream is of no more use
            with self._lock:
                self._drop(worker)
            raise
        self._give_back(worker)

    def _wait_a_little(self) -> None:
        """Wait for a worker that is at work; while one starts, until it has, since another would take as long."""
        end = time.monotonic() + PATIENCE_SECONDS
        while not self._idle and self._all:
            now = time.monotonic()
            if any(not worker.greeted for worker in self._all):
                end = now + PATIENCE_SECONDS
            elif now >= end:
                return
            self._lock.wait(min(end - now, PATIENCE_SECONDS / 2))

    def _free(self, key: str) -> Worker | None:
        """A worker that nobody uses, if possible one that has compiled `key`."""
        for dead in [worker for worker in self._idle if not worker.alive]:
            self._drop(dead)
        return next((w for w in self._idle if key in w.compiled), None) or next(iter(self._idle), None)

    def _start(self) -> Worker:
        worker = Worker(self._data_limit)
        self._all.add(worker)
        return worker

    def _give_back(self, worker: Worker) -> None:
        with self._lock:
            if worker.alive:
                self._idle.append(worker)
            else:
                self._drop(worker)
            self._lock.notify()

    def _drop(self, worker: Worker) -> None:
        if worker in self._idle:
            self._idle.remove(worker)
        self._all.discard(worker)
        worker.close()


def _number(reply: dict[str, Any], name: str) -> float:
    """A number of a reply, which a worker gone wrong may have written."""
    value = reply.get(name)
    return float(value) if isinstance(value, int | float) and 0 <= value < 1 << 62 else 0.0


def _close_all(workers: set[Worker], owner: int) -> None:
    if os.getpid() != owner:  # a forked child: they are not ours
        return
    for worker in list(workers):
        worker.close()
    workers.clear()
