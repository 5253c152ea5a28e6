"""Worker processes that do what files tell them: die, hang, answer nonsense. A module, so that they can be spawned."""

from __future__ import annotations

import os
import re
import signal
import time
from pathlib import Path
from typing import Any

from semfora_hooks.index import batch, workers

serve = workers._serve
extract = batch.extract


def misbehaving(data: bytes, language: str) -> Any:
    text = data.decode("utf-8", "replace")
    if found := re.search(r"^# once (.*)$", text, re.MULTILINE):
        try:
            Path(found[1]).touch(exist_ok=False)
        except FileExistsError:
            return extract(data, language)
    if found := re.search(r"^# die (\w+)$", text, re.MULTILINE):
        os.kill(os.getpid(), getattr(signal, found[1]))
        time.sleep(600)
    if "# exit" in text:
        os._exit(0)
    while "# spin" in text:
        pass
    if "# sleep" in text:
        time.sleep(600)
    return extract(data, language)


def sabotaged(*arguments: Any) -> None:
    batch.extract = misbehaving
    serve(*arguments)


def stillborn(*arguments: Any) -> None:
    os._exit(3)


def garbled(connection: Any, *_: Any) -> None:
    """A worker whose memory is damaged: it answers with bytes that are no facts."""
    connection.send_bytes(b"")
    while True:
        for _ in workers._decode(connection.recv_bytes()):
            connection.send_bytes(b"\x93nonsense")
