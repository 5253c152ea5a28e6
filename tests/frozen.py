"""Sample plugins as they were built on one day, which every later version of semfora-hooks must run: reading, adding.

`python tests/frozen.py layer-guard-go layer-guard.wasm --language go --build '…' --compiler '…'`, in a clean checkout
of the revision that it was built from, adds one. Nothing replaces one.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import lzma
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "tests" / "fixtures" / "frozen" / "v1"
COMPRESSED_FROM = 1 << 20
"""Bytes from which on a binary is kept as `.wasm.xz`: those that carry a runtime or an interpreter."""


@dataclass(frozen=True)
class Frozen:
    """A frozen binary.

    Attributes:
        name: What its files are called.
        folder: Where they are.
        record: What is known of it: `language`, `sha256` and `size` of the code, `source`, `revision`, `build`,
            `compiler`, `abi`, `contract`.
    """

    name: str
    folder: Path
    record: dict[str, Any]

    @property
    def file(self) -> Path:
        """Where its code is kept, compressed or not."""
        plain = self.folder / f"{self.name}.wasm"
        return plain if plain.exists() else self.folder / f"{self.name}.wasm.xz"

    def code(self) -> bytes:
        """The bytes that were built.

        Raises:
            ValueError: They are not.
        """
        data = self.file.read_bytes()
        if self.file.suffix == ".xz":
            data = lzma.LZMADecompressor(lzma.FORMAT_XZ).decompress(data, self.record["size"] + 1)
        if len(data) != self.record["size"] or hashlib.sha256(data).hexdigest() != self.record["sha256"]:
            raise ValueError(f"{self.file} is not what was frozen")
        return data

    def unpack(self, folder: Path) -> Path:
        """A file with its code in `folder`."""
        file = folder / f"{self.name}.wasm"
        file.write_bytes(self.code())
        return file


def all_frozen(folder: Path = FOLDER) -> list[Frozen]:
    """All that there are, by name."""
    return [Frozen(path.stem, folder, json.loads(path.read_text("utf-8"))) for path in sorted(folder.glob("*.json"))]


def named(name: str) -> Frozen:
    """The one of this name.

    Raises:
        StopIteration: There is none.
    """
    return next(frozen for frozen in all_frozen() if frozen.name == name)


def freeze(name: str, code: bytes, record: dict[str, Any], folder: Path = FOLDER) -> Frozen:
    """Keep a binary.

    Raises:
        FileExistsError: There is one of this name, and people rely on it.
    """
    if any(folder.glob(f"{name}.*")):
        raise FileExistsError(f"{name} is frozen already; give the new one another name")
    is_large = len(code) >= COMPRESSED_FROM
    kept = lzma.compress(code, preset=9 | lzma.PRESET_EXTREME) if is_large else code
    (folder / f"{name}.wasm{'.xz' if is_large else ''}").write_bytes(kept)
    whole = {"language": record["language"], "sha256": hashlib.sha256(code).hexdigest(), "size": len(code)} | record
    (folder / f"{name}.json").write_text(json.dumps(whole, indent=2) + "\n", "utf-8")
    return next(frozen for frozen in all_frozen(folder) if frozen.name == name)


def revision(source: str) -> str:
    """The last commit that changed the folder `source`.

    Raises:
        SystemExit: Files in it are not committed.
    """
    if _git("status", "--porcelain", "--", source):
        raise SystemExit(f"{source}: commit first, so that the revision says what was built")
    return _git("log", "-1", "--format=%H", "--", source)


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def main() -> None:
    """Add a binary."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", help="such as layer-guard-go, or layer-guard-go-2")
    parser.add_argument("binary", type=Path)
    for option in ("language", "build", "compiler"):
        parser.add_argument(f"--{option}", required=True)
    options = parser.parse_args()
    if not re.fullmatch(r"[a-z0-9-]+", options.name):
        parser.error("names have lower-case letters, digits and hyphens")
    source = f"plugins/{options.language}"
    record = {
        "language": options.language,
        "source": f"{source}/semfora-plugin-template",
        "revision": revision(source),
        "build": options.build,
        "compiler": options.compiler,
        "abi": 1,
        "contract": 1,
    }
    found = freeze(options.name, options.binary.read_bytes(), record)
    print(f"{found.file.relative_to(ROOT)}: {found.file.stat().st_size} bytes for {found.record['size']}")


if __name__ == "__main__":
    main()
