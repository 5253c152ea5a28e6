"""Which contents this user has trusted: one small file a content, in the user's configuration folder.

Named after the content's hash, so that any changed byte makes another content, which nobody has trusted yet, and that
two processes never write the same text. Nothing in a repository can reach it: the folder is the user's alone.
"""

from __future__ import annotations

import os
import re
import stat
import time
from contextlib import suppress
from pathlib import Path

import msgspec

from semfora_hooks.errors import PluginError
from semfora_hooks.providers.wasm.replacing import replace_file
from semfora_hooks.userconfig import user_folder

FOLDER = "trusted-plugins"
_SHA256 = re.compile(r"[0-9a-f]{64}")
_MAX_RECORD = 1 << 16


class TrustRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What was trusted. Only the hash decides; the rest is for `plugin trust --list`.

    Attributes:
        sha256: Of the plugin's bytes.
        name: The plugin's name when it was trusted.
        source: The file it was read from then.
        size: Bytes.
        date: The day, as `YYYY-MM-DD` in UTC.
    """

    sha256: str
    name: str
    source: str
    size: int
    date: str = ""


class TrustStore:
    """The contents this user has trusted.

    Args:
        root: The repository at hand: a store inside it is refused, since whoever wrote the repository wrote it.
        folder: Where they are kept; in the user's configuration folder where `None`.
    """

    def __init__(self, root: Path | None = None, folder: Path | None = None) -> None:
        self.folder = folder or user_folder() / FOLDER
        self._root = root

    def is_trusted(self, sha256: str) -> bool:
        """Whether the content with this hash was trusted.

        Raises:
            PluginError: Others could have written the store, or it cannot be read (`untrusted`).
        """
        return self._check_folder() and self._read(sha256) is not None

    def add(self, record: TrustRecord) -> bool:
        """Trust a content; whether it was not trusted before.

        Raises:
            PluginError: Others could have written the store.
            OSError: It cannot be written.
        """
        self._check_place()
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):
            self.folder.mkdir(mode=0o700)
        self._check_folder()
        if self._read(record.sha256) is not None:
            return False
        if not record.date:
            record = msgspec.structs.replace(record, date=time.strftime("%Y-%m-%d", time.gmtime()))
        data = msgspec.json.format(msgspec.json.encode(record)) + b"\n"
        replace_file(self._path(record.sha256), data, mode=0o600)
        return True

    def revoke(self, sha256: str) -> bool:
        """Take trust away; whether there was any. Errors as in `add`."""
        if not self._check_folder():
            return False
        try:
            self._path(sha256).unlink()
        except FileNotFoundError:
            return False
        return True

    def records(self) -> list[TrustRecord]:
        """Everything that is trusted, by name and hash. Errors as in `is_trusted`."""
        if not self._check_folder():
            return []
        hashes = [path.stem for path in self.folder.iterdir() if _SHA256.fullmatch(path.stem)]
        found = [record for sha256 in hashes if (record := self._read(sha256)) is not None]
        return sorted(found, key=lambda record: (record.name, record.sha256))

    # ------------------------------------------------------------------------------------------------------ checks

    def _path(self, sha256: str) -> Path:
        if not _SHA256.fullmatch(sha256):
            raise ValueError(f"{sha256!r} is no SHA-256 in hexadecimal")
        return self.folder / f"{sha256}.json"

    def _check_place(self) -> None:
        real = Path(os.path.realpath(self.folder))
        if self._root is not None and real.is_relative_to(os.path.realpath(self._root)):
            raise _refusal(self.folder, "lies in the repository", "set SEMFORA_CONFIG_DIR to a folder outside it")

    def _check_folder(self) -> bool:
        """Whether there is a store; raises where others could have written it."""
        self._check_place()
        try:
            status = self.folder.lstat()
        except FileNotFoundError:
            return False
        except OSError as error:
            raise _refusal(self.folder, f"cannot be read: {error.strerror}", "make it readable") from None
        if not stat.S_ISDIR(status.st_mode):
            raise _refusal(self.folder, "is not a folder", "remove it")
        _check_owner(self.folder, status, "chmod 700")
        return True

    def _read(self, sha256: str) -> TrustRecord | None:
        """The record of a content, if it is there and whole."""
        path = self._path(sha256)
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
        try:
            descriptor = os.open(path, flags)
        except FileNotFoundError:
            return None
        except OSError as error:  # a link, for one
            raise _refusal(path, f"cannot be read: {error.strerror}", "remove it") from None
        with os.fdopen(descriptor, "rb") as stream:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise _refusal(path, "is not a regular file", "remove it")
            _check_owner(path, status, "chmod 600")
            data = stream.read(_MAX_RECORD)
        try:
            record = msgspec.json.decode(data, type=TrustRecord)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None
        return record if record.sha256 == sha256 else None


def _check_owner(path: Path, status: os.stat_result, command: str) -> None:
    if hasattr(os, "getuid"):
        if status.st_uid != os.getuid():
            raise _refusal(path, "belongs to another user", "remove it")
        if status.st_mode & 0o077:
            raise _refusal(path, "is open to other users", f"look at what is in it, then: {command} {path}")


def _refusal(path: Path, why: str, hint: str) -> PluginError:
    return PluginError(f"{path}: {why}, so nothing it says is trusted", hint=hint, kind="untrusted")
