"""Small files that must be there whole, or not at all, even after a crash."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path


def replace_file(path: Path, data: bytes, *, mode: int) -> None:
    """Put a file in its place. A link that stands there is replaced, not followed.

    Args:
        path: The file.
        data: Its content.
        mode: Its permissions.

    Raises:
        OSError: The folder cannot be written; nothing has changed then.
    """
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # for its owner alone
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(descriptor)
        Path(temporary).chmod(mode)
        os.replace(temporary, path)  # noqa: PTH105
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)  # noqa: PTH108
        raise
