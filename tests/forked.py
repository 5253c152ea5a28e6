"""Our program in processes that are forked with everything imported already, which costs a fifth of a start of Python.

Each run is a process of its own, with arguments, a folder, an environment and streams of its own. What only a start
from nothing shows (the import path, the locale, capabilities, what is imported when) wants `subprocess` instead.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import json
import os
import pkgutil
import resource
import selectors
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

_NUMBER = struct.Struct("=i")
_END = struct.Struct("=id")
_KEEPS_OUT = ("semfora_hooks.__main__", "semfora_hooks.pytest_plugin", "semfora_hooks.testing")
_IMPORTED_LATE = ("sqlite3", "difflib", "click.shell_completion", "json", "signal", "multiprocessing.connection")


class Done(NamedTuple):
    """What a process left behind; `seconds` are those of processors, its children's included."""

    returncode: int
    stdout: bytes
    stderr: bytes
    seconds: float


class Process:
    """A run of our program that has begun; like `subprocess.Popen`, as far as tests need it.

    Args:
        arguments: Of the command line, after `semfora-hooks`.
        cwd: Where it runs.
        env: Its environment, of which `PYTHONPATH` comes first on the import path; this process's if left out.
        room: Bytes that no file it writes may exceed, as on a disk that fills up.
    """

    def __init__(
        self,
        arguments: Sequence[str | bytes | os.PathLike[str]],
        cwd: Path | str,
        env: Mapping[str, str] | None = None,
        room: int | None = None,
    ) -> None:
        request = {
            "arguments": [os.fsdecode(argument) for argument in arguments],
            "cwd": str(cwd),
            "environment": dict(os.environ if env is None else env),
            "room": room,
        }
        self.returncode: int | None = None
        self._status, theirs = socket.socketpair()
        (out, their_out), (err, their_err) = os.pipe(), os.pipe()
        self.stdout, self.stderr = open(out, "rb", buffering=0), open(err, "rb", buffering=0)
        with tempfile.TemporaryFile() as stream, theirs:
            stream.write(json.dumps(request).encode())
            stream.seek(0)
            socket.send_fds(_server(), [b"+"], [stream.fileno(), their_out, their_err, theirs.fileno()])
        os.close(their_out)
        os.close(their_err)
        self.seconds = 0.0
        (self.pid,) = self._told(_NUMBER)

    def _told(self, what: struct.Struct) -> tuple[Any, ...]:
        data = self._status.recv(what.size, socket.MSG_WAITALL)
        assert len(data) == what.size, "the process that forks is gone"
        return what.unpack(data)

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code, negative for a signal.

        Raises:
            subprocess.TimeoutExpired: It runs on, `timeout` seconds from now.
        """
        if self.returncode is None:
            with selectors.DefaultSelector() as selector:
                selector.register(self._status, selectors.EVENT_READ)
                if not selector.select(timeout):
                    raise subprocess.TimeoutExpired("semfora-hooks", timeout or 0)
            status, self.seconds = self._told(_END)
            self.returncode = os.waitstatus_to_exitcode(status)
            self._status.close()
        return self.returncode

    def poll(self) -> int | None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[bytes, bytes]:
        """All that it writes, and waits for its end.

        Raises:
            subprocess.TimeoutExpired: It runs on, `timeout` seconds from now.
        """
        said: dict[IO[bytes], bytearray] = {self.stdout: bytearray(), self.stderr: bytearray()}
        deadline = None if timeout is None else time.monotonic() + timeout
        with selectors.DefaultSelector() as selector:
            for stream in said:
                if not stream.closed:
                    selector.register(stream, selectors.EVENT_READ)
            while selector.get_map():
                ready = selector.select(None if deadline is None else deadline - time.monotonic())
                if not ready and deadline is not None and time.monotonic() > deadline:
                    raise subprocess.TimeoutExpired("semfora-hooks", timeout or 0)
                for key, _ in ready:
                    stream: Any = key.fileobj
                    data = stream.read(1 << 16)
                    said[stream] += data
                    if not data:
                        selector.unregister(stream)
                        stream.close()
        self.wait(None if deadline is None else max(0.0, deadline - time.monotonic()))
        return bytes(said[self.stdout]), bytes(said[self.stderr])

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def run(
    arguments: Sequence[str | bytes | os.PathLike[str]],
    cwd: Path | str,
    env: Mapping[str, str] | None = None,
    room: int | None = None,
    timeout: float = 120.0,
) -> Done:
    """Run our program to its end: see `Process`."""
    process = Process(arguments, cwd, env, room)
    try:
        out, err = process.communicate(timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    assert process.returncode is not None
    return Done(process.returncode, out, err, process.seconds)


# ----------------------------------------------------------------------------------------------- the process that forks

_control: socket.socket | None = None


def _server() -> socket.socket:
    """The connection to this process's own; it ends when nobody holds the other end any more."""
    global _control
    if _control is None:
        _control, theirs = socket.socketpair()
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "SEMFORA_"))}
        with theirs:
            command = [sys.executable, "-P", __file__, str(theirs.fileno())]
            process = subprocess.Popen(
                command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, cwd="/", env=environment
            )
        atexit.register(process.wait)
        atexit.register(_control.close)  # called first
    return _control


def import_everything() -> None:
    """Whatever a run of the command line may import later on, so that processes that are forked have it."""
    import semfora_hooks

    for module in pkgutil.walk_packages(semfora_hooks.__path__, "semfora_hooks."):
        if not module.name.startswith(_KEEPS_OUT):
            importlib.import_module(module.name)
    for name in _IMPORTED_LATE:
        importlib.import_module(name)
    with contextlib.suppress(ImportError):
        importlib.import_module("wasmtime")


def _requests(control: socket.socket) -> dict[str, Any] | None:
    """Fork for each request; returns in the processes that are to answer one, with it, and here at the end."""
    while True:
        with contextlib.suppress(ChildProcessError):  # those that wait for the others, as far as they are done
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        data, descriptors, _, _ = socket.recv_fds(control, 1, 4)
        if not data:
            with contextlib.suppress(ChildProcessError):
                while os.wait():
                    pass
            return None
        if os.fork() == 0:
            control.close()
            return _attended(*descriptors)
        for descriptor in descriptors:
            os.close(descriptor)


def _attended(request: int, out: int, err: int, status: int) -> dict[str, Any]:
    """Fork once more: a process that tells of the other's end, and the one that returns."""
    pid = os.fork()
    if pid:
        for descriptor in (request, out, err):
            os.close(descriptor)
        with contextlib.suppress(OSError):  # nobody may want to know any more
            os.write(status, _NUMBER.pack(pid))
            _, ended, used = os.wait4(pid, 0)
            os.write(status, _END.pack(ended, used.ru_utime + used.ru_stime))
        os._exit(0)
    os.close(status)
    for descriptor, number in ((out, 1), (err, 2)):
        os.dup2(descriptor, number)
        os.close(descriptor)
    with open(request, "rb") as stream:
        asked: dict[str, Any] = json.load(stream)
    return asked


def _become(request: dict[str, Any]) -> None:
    """Be as if just started so."""
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.path[:0] = filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))
    sys.argv[:] = ["semfora-hooks", *request["arguments"]]
    tempfile.tempdir = None
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = open(2, "w", encoding="utf-8", errors="backslashreplace", closefd=False)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if request["room"] is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (request["room"], request["room"]))


def _main() -> None:
    with socket.socket(fileno=int(sys.argv[1])) as control:
        import_everything()
        gc.freeze()
        request = _requests(control)
    if request is not None:
        _become(request)
        from semfora_hooks.cli import main

        main()


if __name__ == "__main__":
    _main()
