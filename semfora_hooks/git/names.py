"""Paths: git's are bytes, ours are text."""

from __future__ import annotations


def display_path(name: bytes) -> str:
    """A path as text: UTF-8, with escapes for bytes that are not, so that every path can stand in JSON."""
    return name.decode("utf-8", "backslashreplace")


def unquote(name: bytes) -> bytes:
    """A path as git quotes it in patches (C style) back to bytes."""
    escapes = {
        b"n": b"\n",
        b"t": b"\t",
        b"r": b"\r",
        b'"': b'"',
        b"\\": b"\\",
        b"a": b"\a",
        b"b": b"\b",
        b"f": b"\f",
        b"v": b"\v",
    }
    body, out, position = name[1:-1], bytearray(), 0
    while position < len(body):
        character = body[position : position + 1]
        if character != b"\\":
            out += character
            position += 1
        elif body[position + 1 : position + 2].isdigit():
            out.append(int(body[position + 1 : position + 4], 8) & 0xFF)
            position += 4
        else:
            out += escapes.get(body[position + 1 : position + 2], b"")
            position += 2
    return bytes(out)
