"""Messages between host and worker: a JSON header and bytes, each with its length in front.

The worker imports this too, so it uses the standard library alone.
"""

from __future__ import annotations

import struct
from typing import Any, BinaryIO

_LENGTHS = struct.Struct("<II")
MAX_HEADER = 1 << 20


class FrameError(Exception):
    """The stream ended inside a message, or what came is no message."""


def send(stream: BinaryIO, header: dict[str, Any], *payload: bytes) -> None:
    """Write one message; its payload may come in pieces.

    Raises:
        OSError: The other side is gone.
    """
    import json  # by the thread that waits for the worker, not by the one that loads plugins

    text = json.dumps(header).encode()
    stream.write(_LENGTHS.pack(len(text), sum(map(len, payload))) + text)
    for piece in payload:
        stream.write(piece)
    stream.flush()


def receive(stream: BinaryIO, max_payload: int) -> tuple[dict[str, Any], bytes] | None:
    """Read one message, or `None` where the stream ends before it starts.

    Args:
        stream: A buffered stream.
        max_payload: Longest payload that is read, in bytes.

    Raises:
        FrameError: The stream ended inside a message, or the message breaks the format.
    """
    lengths = stream.read(_LENGTHS.size)
    if not lengths:
        return None
    if len(lengths) < _LENGTHS.size:
        raise FrameError("cut off")
    header_length, payload_length = _LENGTHS.unpack(lengths)
    if header_length > MAX_HEADER or payload_length > max_payload:
        raise FrameError(f"a message of {header_length} + {payload_length} bytes")
    text, payload = stream.read(header_length), stream.read(payload_length)
    if len(text) < header_length or len(payload) < payload_length:
        raise FrameError("cut off")
    import json

    try:
        header = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FrameError(str(error)) from None
    if not isinstance(header, dict):
        raise FrameError("a header that is no object")
    return header, payload
