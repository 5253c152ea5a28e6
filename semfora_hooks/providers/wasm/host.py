"""The host's side of the sandbox: starts workers, gives them work, and kills those that exceed their time."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import signal
import subprocess
import sys
import tempfile
import threading
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

from semfora_hooks.providers.wasm import frames

START_SECONDS = 30.0
COMPILE_SECONDS = 60.0
GRACE_SECONDS = 0.3
"""What an evaluation may take beyond its timeout, which the worker enforces itself, before the worker is killed."""
TRANSFER_RATE = 100 << 20
"""Bytes a second that a context needs at the least to reach the worker; that time is not the plugin's."""
MAX_OUTPUT = 8 << 20
MAX_COMPILED = 64
"""Plugins that a worker keeps compiled; each holds memory and files open."""
DATA_LIMIT = 4 << 30
"""Private memory of a worker besides its guests': wasmtime, compiled code, copies of context and output."""

_KEPT_ENVIRONMENT = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT", "TEMP", "TMP", "TMPDIR")
_PACKAGE = __name__.rpartition(".")[0]
# Stub packages: the worker needs four modules, not what the real packages import, and nothing from other folders.
_BOOTSTRAP = """
import sys, types
package, folder, wasmtime_parent, data_limit = sys.argv[1:]
parts = package.split(".")
for depth in range(1, len(parts) + 1):
    name = ".".join(parts[:depth])
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = [folder] if depth == len(parts) else []
if wasmtime_parent not in sys.path:
    sys.path.append(wasmtime_parent)
import importlib
importlib.import_module(package + ".worker").main(int(data_limit))
"""


class SandboxError(Exception):
    """A plugin could not be compiled or evaluated.

    Attributes:
        kind: The word of the failure taxonomy, as in `PluginError.kind`.
        detail: What happened, as far as it is known; the guest may have written it.
        log: What the guest wrote to its standard streams.
    """

    def __init__(self, kind: str, detail: str, log: str = "") -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.log = log


@dataclass(frozen=True, slots=True)
class Binary:
    """A plugin's code and its identity, the SHA-256 of the code in hexadecimal."""

    code: bytes
    key: str

    @classmethod
    def of(cls, code: bytes) -> Binary:
        """The binary of `code`."""
        return cls(code, hashlib.sha256(code).hexdigest())


def wasmtime_folder() -> Path | None:
    """The folder that holds the `wasmtime` package, or `None` where it is not installed."""
    try:
        spec = importlib.util.find_spec("wasmtime")
    except (ImportError, ValueError):
        return None
    return Path(spec.origin).parent.parent if spec is not None and spec.origin is not None else None


class Worker:
    """One sandboxed process. Not thread-safe: `Pool` gives it to one caller at a time.

    Attributes:
        process: The process.
        compiled: Keys of the plugins it keeps compiled, oldest first.
        greeted: Whether it has said that it is ready.
    """

    def __init__(self, data_limit: int = DATA_LIMIT) -> None:
        parent = wasmtime_folder()
        if parent is None:
            raise SandboxError("missing_extra", "wasmtime is not installed")
        self.compiled: list[str] = []
        self.greeted = False
        self._timed_out = False
        self._errors = cast(BinaryIO, tempfile.TemporaryFile())  # noqa: SIM115 - closed with the worker
        arguments = [_PACKAGE, str(Path(__file__).parent), str(parent), str(data_limit)]
        try:
            self.process = subprocess.Popen(
                [sys.executable, "-I", "-c", _BOOTSTRAP, *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                cwd=Path(sys.executable).anchor or None,
                env={name: os.environ[name] for name in _KEPT_ENVIRONMENT if name in os.environ},
                start_new_session=True,  # Ctrl-C is ours to handle
            )
        except OSError as error:
            self._errors.close()
            raise SandboxError("crash", f"the sandbox's process cannot be started: {error}") from None

    @property
    def alive(self) -> bool:
        """Whether the process runs, and nobody has killed it."""
        return not self._timed_out and self.process.poll() is None

    def request(self, header: dict[str, Any], payload: bytes, seconds: float) -> tuple[dict[str, Any], bytes]:
        """Send one message and wait for the reply, at most `seconds`. After an error the worker is dead or reusable.

        Raises:
            SandboxError: The plugin failed, or the process died (`crash`) or was killed for its time (`timeout`).
        """
        if not self.greeted:
            self._greet()
        return self._exchange(header, payload, seconds)

    def _greet(self) -> None:
        try:
            self._exchange(None, b"", START_SECONDS)
        except SandboxError as error:
            if error.kind == "timeout":
                raise SandboxError("crash", f"the sandbox's process did not start in {START_SECONDS:g} s") from None
            raise
        self.greeted = True

    def _exchange(self, header: dict[str, Any] | None, payload: bytes, seconds: float) -> tuple[dict[str, Any], bytes]:
        timer = threading.Timer(seconds, self._expire)
        timer.daemon = True
        timer.start()
        assert self.process.stdin is not None and self.process.stdout is not None
        try:
            if header is not None:
                frames.send(cast(BinaryIO, self.process.stdin), header, payload)
            reply = frames.receive(cast(BinaryIO, self.process.stdout), MAX_OUTPUT)
        except (OSError, frames.FrameError):
            reply = None
        finally:
            timer.cancel()
            timer.join()  # so that it cannot kill the worker when the reply has been read
        if reply is None:
            raise self._death()
        failure = reply[0].get("failure")
        if failure is not None:
            raise SandboxError(str(failure), str(reply[0].get("detail", "")), str(reply[0].get("log", "")))
        return reply

    def _expire(self) -> None:
        self._timed_out = True
        self.process.kill()

    def _death(self) -> SandboxError:
        """Why the process is gone. Reaps it."""
        self.process.kill()
        status = self.process.wait()
        if self._timed_out:
            return SandboxError("timeout", "")
        how = f"exit status {status}"
        if status < 0:
            with contextlib.suppress(ValueError):
                how = signal.Signals(-status).name
        self._errors.seek(0, os.SEEK_END)
        self._errors.seek(max(0, self._errors.tell() - 2000))
        last_words = self._errors.read().decode(errors="replace").strip().rpartition("\n")[2]
        return SandboxError("crash", f"the sandbox's process died ({how})", last_words)

    def close(self) -> None:
        """Kill the process, if it still runs, and wait for its end."""
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self._errors):
            if stream is not None:
                with contextlib.suppress(OSError):  # unsent bytes to a dead process
                    stream.close()


class Pool:
    """Workers, as many as threads ask at the same time. They end with the pool, and with this process."""

    def __init__(self, memory_ceiling: int) -> None:
        """Args:
        memory_ceiling: The most memory any guest may have, in bytes.
        """
        # A component may have four memories, and input and output exist twice.
        self._data_limit = DATA_LIMIT + 4 * memory_ceiling
        self._lock = threading.Lock()
        self._idle: list[Worker] = []
        self._all: set[Worker] = set()
        self._refused: dict[str, SandboxError] = {}
        self._finalizer = weakref.finalize(self, _close_all, self._all, os.getpid())

    def warm_up(self) -> None:
        """Start a worker, without waiting for it, if there is none: its start then runs beside other work."""
        with self._lock:
            if not self._all:
                self._idle.append(self._start())

    def evaluate(self, binary: Binary, context: bytes, *, memory: int, timeout: float) -> tuple[bytes, str]:
        """Run a plugin.

        Args:
            binary: The plugin.
            context: What its `evaluate` gets, UTF-8.
            memory: Limit of each of its memories, in bytes.
            timeout: Seconds the evaluation may take; compiling has its own limit.

        Returns:
            The plugin's result, and what it wrote to its standard streams.

        Raises:
            SandboxError: It could not be compiled, or failed.
        """
        if len(context) > memory:
            raise SandboxError("memory", f"its context alone has {len(context)} bytes")
        refused = self._refused.get(binary.key)
        if refused is not None:
            raise SandboxError(refused.kind, refused.detail, refused.log)
        with self._worker(binary.key) as worker:
            if binary.key not in worker.compiled:
                self._compile(worker, binary)
            header = {"op": "evaluate", "key": binary.key, "memory": memory, "timeout": timeout, "output": MAX_OUTPUT}
            reply, output = worker.request(header, context, timeout + GRACE_SECONDS + len(context) / TRANSFER_RATE)
        return output, str(reply.get("log", ""))

    def close(self) -> None:
        """End all workers now."""
        self._finalizer()

    def _compile(self, worker: Worker, binary: Binary) -> None:
        forget = worker.compiled.pop(0) if len(worker.compiled) >= MAX_COMPILED else None
        try:
            worker.request({"op": "compile", "key": binary.key, "forget": forget}, binary.code, COMPILE_SECONDS)
        except SandboxError as error:
            if error.kind == "timeout":
                error = SandboxError("compile", f"compiling it takes longer than {COMPILE_SECONDS:g} s")
            elif error.kind == "crash" and worker.greeted:
                error = SandboxError("compile", f"compiling it was too much: {error.detail}", error.log)
            if error.kind != "crash":  # it would fail again, and may take its time
                self._refused[binary.key] = error
            raise error from None
        worker.compiled.append(binary.key)

    @contextlib.contextmanager
    def _worker(self, key: str) -> Iterator[Worker]:
        """A worker for this thread alone, if possible one that has compiled `key`."""
        with self._lock:
            for dead in [worker for worker in self._idle if not worker.alive]:
                self._drop(dead)
            worker = next((w for w in self._idle if key in w.compiled), None) or next(iter(self._idle), None)
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

    def _drop(self, worker: Worker) -> None:
        if worker in self._idle:
            self._idle.remove(worker)
        self._all.discard(worker)
        worker.close()


def _close_all(workers: set[Worker], owner: int) -> None:
    if os.getpid() != owner:  # a forked child: they are not ours
        return
    for worker in list(workers):
        worker.close()
    workers.clear()
