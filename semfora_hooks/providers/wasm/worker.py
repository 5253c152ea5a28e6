"""The worker process: compiles and evaluates plugins for the host, one request at a time.

It is started by `workerprocess.Worker` with an isolated interpreter. The main thread counts epochs and watches that the
host is alive; a second one, with a stack of known size, serves.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import Any, BinaryIO

import wasmtime

from semfora_hooks.providers.wasm import frames, sandbox, sharedmemory

MAX_REQUEST = 1 << 30
_STACK = 16 << 20
_MAX_DETAIL = 4000


def main(data_limit: int, shared: int) -> None:
    """Serve requests from stdin until it ends.

    Args:
        data_limit: Bytes of private memory this process may have; a backstop behind the limits of each guest.
        shared: Descriptor of the memory that is shared with the host; -1 where payloads come with the requests.
    """
    requests = sys.stdin.buffer
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # a stray print must not end up among the replies
    _limit_resources(data_limit)
    parent = os.getppid()
    try:
        engine = sandbox.make_engine()
    except sandbox.GuestError as failure:
        frames.send(replies, _failed(failure))
        return
    threading.stack_size(_STACK)
    server = threading.Thread(target=_serve, args=(engine, requests, replies, shared), daemon=True)
    server.start()
    started, ticks = time.monotonic(), 0
    while server.is_alive():
        server.join(sandbox.TICK)
        due = int((time.monotonic() - started) / sandbox.TICK)
        while ticks < due:  # catch up where we were held off, so that deadlines do not drift
            engine.increment_epoch()
            ticks += 1
        if os.getppid() != parent:
            break
    os._exit(1)


def _serve(engine: wasmtime.Engine, requests: BinaryIO, replies: BinaryIO, shared: int) -> None:
    plugins: dict[str, sandbox.Plugin] = {}
    receiver = sharedmemory.Receiver(shared) if shared >= 0 else None
    frames.send(replies, {"ready": True})
    while (request := frames.receive(requests, MAX_REQUEST)) is not None:
        header, payload = request
        output = b""
        reply: dict[str, Any] = {}
        try:
            data = payload if receiver is None else receiver.view(header["shared"])
            if header["op"] == "evaluate":
                limits = sandbox.Limits(header["memory"], header["timeout"], header["output"])
                meter = sandbox.Meter()
                output, log = plugins[header["key"]].evaluate(data, limits, meter)
                times = {"instantiate": meter.instantiate, "guest": meter.guest}
                reply = {"log": log.decode(errors="replace"), "used": meter.used, **times}
            elif header["op"] == "compile":
                plugins[header["key"]] = plugin = sandbox.compile_plugin(engine, bytes(data))
                output = plugin.serialize() if header["keep"] else b""
                if output and receiver is not None:
                    receiver.write(output)
                    reply, output = {"shared": len(output)}, b""
            elif header["op"] == "load":
                known = sandbox.load_plugin(engine, bytes(data), is_component=header["is_component"])
                reply = {"loaded": known is not None}
                if known is not None:
                    plugins[header["key"]] = known
            else:
                plugins.pop(header["key"], None)
        except sandbox.GuestError as failure:
            reply = _failed(failure)
        frames.send(replies, reply, output)
    os._exit(0)


def _failed(failure: sandbox.GuestError) -> dict[str, Any]:
    log = failure.log.decode(errors="replace")
    return {"failure": failure.kind, "detail": failure.detail[:_MAX_DETAIL], "log": log}


def _limit_resources(data_limit: int) -> None:
    """No core dumps, some files, bounded private memory.

    wasmtime keeps files (memfd) open for compiled plugins; bounding its reservations of address space is no use.
    """
    try:
        import resource
    except ImportError:  # Windows
        return
    for which, wanted in (("CORE", 0), ("NOFILE", 1024), ("DATA", data_limit)):
        number = getattr(resource, f"RLIMIT_{which}")
        _, hard = resource.getrlimit(number)
        limit = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        try:
            resource.setrlimit(number, (limit, limit))
        except (OSError, ValueError):  # a limit the system does not let us set is not worth failing for
            continue
