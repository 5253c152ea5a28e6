"""One sandboxed process: started with next to nothing of ours in it, spoken to over pipes, killed when time is up."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO, cast

from semfora_hooks.providers.wasm import frames, sharedmemory

START_SECONDS = 30.0
MAX_OUTPUT = 8 << 20
DATA_LIMIT = 4 << 30
"""Private memory of a worker besides its guests': wasmtime, compiled code, copies of context and output."""

_KEPT_ENVIRONMENT = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT", "TEMP", "TMP", "TMPDIR")
_PACKAGE = __name__.rpartition(".")[0]
# Stub packages: the worker needs four modules, not what the real packages import, and nothing from other folders.
_BOOTSTRAP = """
import sys, types
package, folder, wasmtime_parent, data_limit, shared = sys.argv[1:]
parts = package.split(".")
for depth in range(1, len(parts) + 1):
    name = ".".join(parts[:depth])
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = [folder] if depth == len(parts) else []
if wasmtime_parent not in sys.path:
    sys.path.append(wasmtime_parent)
import importlib
importlib.import_module(package + ".worker").main(int(data_limit), int(shared))
"""


class SandboxError(Exception):
    """A plugin could not be compiled or evaluated.

    Attributes:
        kind: The word of the failure taxonomy, as in `PluginError.kind`.
        detail: What happened, as far as it is known; the guest may have written it.
        log: What the guest wrote to its standard streams.
        hint: What to do, where it is not what the kind says.
    """

    def __init__(self, kind: str, detail: str, log: str = "", hint: str | None = None) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.log = log
        self.hint = hint


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
        self._shared = sharedmemory.Sender() if sharedmemory.is_available() else None
        inherited = [] if self._shared is None else [self._shared.descriptor]
        arguments = [_PACKAGE, str(Path(__file__).parent), str(parent), str(data_limit), *map(str, inherited or [-1])]
        try:
            self.process = subprocess.Popen(
                [sys.executable, "-I", "-c", _BOOTSTRAP, *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                cwd=Path(sys.executable).anchor or None,
                env={name: os.environ[name] for name in _KEPT_ENVIRONMENT if name in os.environ},
                start_new_session=True,  # Ctrl-C is ours to handle
                pass_fds=inherited,
            )
        except OSError as error:
            self._errors.close()
            if self._shared is not None:
                self._shared.close()
            raise SandboxError("crash", f"the sandbox's process cannot be started: {error}") from None

    @property
    def alive(self) -> bool:
        """Whether the process runs, and nobody has killed it."""
        return not self._timed_out and self.process.poll() is None

    def request(
        self, header: dict[str, Any], payload: Sequence[bytes], seconds: float, max_reply: int = MAX_OUTPUT
    ) -> tuple[dict[str, Any], bytes]:
        """Send one message and wait for the reply, at most `seconds`. After an error the worker is dead or reusable.

        Args:
            header: What to do.
            payload: The bytes that go with it, in pieces.
            seconds: How long it may take.
            max_reply: Bytes that the reply may have.

        Raises:
            SandboxError: The plugin failed, or the process died (`crash`) or was killed for its time (`timeout`).
        """
        if not self.greeted:
            self._greet()
        return self._exchange(header, payload, seconds, max_reply)

    def _greet(self) -> None:
        try:
            self._exchange(None, (), START_SECONDS, MAX_OUTPUT)
        except SandboxError as error:
            if error.kind == "timeout":
                raise SandboxError("crash", f"the sandbox's process did not start in {START_SECONDS:g} s") from None
            raise
        self.greeted = True

    def _exchange(
        self, header: dict[str, Any] | None, payload: Sequence[bytes], seconds: float, max_reply: int
    ) -> tuple[dict[str, Any], bytes]:
        timer = threading.Timer(seconds, self._expire)
        timer.daemon = True
        timer.start()
        assert self.process.stdin is not None and self.process.stdout is not None
        try:
            if header is not None:
                if self._shared is not None:
                    header, payload = header | {"shared": self._shared.write(payload)}, ()
                frames.send(cast(BinaryIO, self.process.stdin), header, *payload)
            reply = frames.receive(cast(BinaryIO, self.process.stdout), max_reply)
            if reply is not None and (size := reply[0].get("shared")) and self._shared is not None:
                if not isinstance(size, int) or not 0 < size <= max_reply:
                    raise frames.FrameError(f"{size!r} bytes in shared memory")
                reply = reply[0], self._shared.read(size)
        except (OSError, frames.FrameError):
            reply = None
        finally:
            timer.cancel()
            timer.join()  # so that it cannot kill the worker when the reply has been read
        if self._shared is not None:
            self._shared.shrink()
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
        if self._shared is not None:
            self._shared.close()
            self._shared = None
