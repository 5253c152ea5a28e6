"""The schema of rule files that a repository holds for its editors: whether it is ours of today, and making it so."""

from __future__ import annotations

import json
import os
from pathlib import Path

from semfora_hooks.errors import UsageError
from semfora_hooks.providers.declarative.schema import rule_schema
from semfora_hooks.providers.declarative.starter import SCHEMA_FILE, make_folder, schema_text
from semfora_hooks.reporters.writing import replacing

_MAX_BYTES = 4 << 20


def remark(root: Path) -> str | None:
    """What to say of a repository's schema: that it is another version's; nothing where there is none, or it is a link.

    Another layout of the same JSON is the same schema.
    """
    data = _read(root / SCHEMA_FILE)
    if data is None or _is_ours(data):
        return None
    return (
        f"{SCHEMA_FILE} is not the schema that this semfora-hooks has, so editors may complete and mark rules wrongly "
        "(semfora-hooks rules schema --write refreshes it)"
    )


def refresh(root: Path) -> bool:
    """Write the schema, over an older one too; whether anything had to be written.

    Raises:
        UsageError: Something else stands there, a link leads out of the repository, or it cannot be written.
    """
    path = root / SCHEMA_FILE
    if os.path.lexists(path):
        if path.is_symlink() or not path.is_file():
            raise UsageError(f"{SCHEMA_FILE} is a link, or no file, so it is not overwritten")
        data = _read(path)
        if data is not None and _is_ours(data):
            return False
        title = str(rule_schema()["title"]).encode()
        if data is None or (data.strip() not in (b"", b"{}") and title not in data):
            raise UsageError(
                f"{SCHEMA_FILE} holds no schema of rule files, so it is not overwritten",
                hint="move it elsewhere; or, if nobody needs it, delete it",
            )
    try:
        make_folder(path.parent, root)
        with replacing(path) as stream:
            stream.write(schema_text())
    except OSError as error:
        raise UsageError(f"{SCHEMA_FILE}: cannot be written: {error.strerror}") from None
    return True


def _is_ours(data: bytes) -> bool:
    try:
        return bool(json.loads(data) == json.loads(schema_text()))
    except (ValueError, RecursionError):
        return False


def _read(path: Path) -> bytes | None:
    """A regular file's content, if it is one, can be read and is no larger than a schema may be."""
    try:
        if path.is_symlink() or not path.is_file() or path.stat().st_size > _MAX_BYTES:
            return None
        return path.read_bytes()
    except OSError:
        return None
