"""Flask, from its source distribution, as a folder."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

NAME = "flask"
VERSION = "3.1.3"
SHA256 = "0ef0e52b8a9cd932855379197dd8f94047b359ca0a78695144304cb45f87c9eb"
ROOT = f"{NAME}-{VERSION}"


def fetch(cache: Path) -> Path:
    """The archive, which pip fetches into `cache` once; processes that want it at the same time wait for each other."""
    archive = cache / f"{ROOT}.tar.gz"
    with (cache / "lock").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        if not archive.is_file():
            with tempfile.TemporaryDirectory(dir=cache) as folder:
                wanted = Path(folder, "requirements.txt")
                wanted.write_text(f"{NAME}=={VERSION} --hash=sha256:{SHA256}\n")
                pip = [sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check", "--no-deps"]
                options = ["--no-binary", NAME, "--require-hashes", "-r", str(wanted), "-d", folder]
                subprocess.run([*pip, *options], check=True, capture_output=True, timeout=300)
                (found,) = Path(folder).glob("*.tar.gz")
                found.rename(archive)
    if hashlib.sha256(archive.read_bytes()).hexdigest() != SHA256:
        archive.unlink()
        raise AssertionError(f"{archive} is not what it was; it was deleted and is fetched again next time")
    return archive


def unpack(archive: Path, target: Path) -> None:
    """What is in the archive, without the folder around it, as `target`."""
    with tempfile.TemporaryDirectory(dir=target.parent) as folder, tarfile.open(archive) as stream:
        stream.extractall(folder, filter="data")
        shutil.move(Path(folder, ROOT), target)
