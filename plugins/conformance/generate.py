"""Write the conformance contexts and what is expected of a plugin: `python generate.py [--check]`.

With `--check` nothing in `cases/` is written; the exit code is 1 if a file would change.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

from semfora_conformance import contexts, reference
from semfora_conformance.canonical import canonical

HERE = Path(__file__).parent


def expected(context: bytes) -> bytes:
    """The canonical form of what the reference says about `context`."""
    return canonical(context, json.dumps(reference.evaluate(json.loads(context))).encode())


def files() -> dict[str, bytes]:
    """Every file that is kept in git, by its path in this folder."""
    result = {}
    for name, make in contexts.CASES.items():
        context = make()
        result[f"cases/{name}.context.json"] = context
        result[f"cases/{name}.expected.json"] = expected(context)
    large = contexts.large()
    digests = {"context": large, "expected": expected(large)}
    lines = [f"{hashlib.sha256(data).hexdigest()}  large.{name}.json\n" for name, data in digests.items()]
    return result | {"large.sha256": "".join(lines).encode()}


def main() -> int:
    """The exit code."""
    wanted = files()
    kept = {path.relative_to(HERE).as_posix() for path in (*HERE.glob("cases/*"), *HERE.glob("large.sha256"))}
    stale = sorted(kept - wanted.keys())
    changed = [name for name, data in wanted.items() if name not in kept or (HERE / name).read_bytes() != data]
    if "--check" in sys.argv[1:]:
        for name in [*stale, *changed]:
            print(f"differs: {name}")  # noqa: T201
        return 1 if stale or changed else 0
    (HERE / "cases").mkdir(exist_ok=True)
    for name in stale:
        (HERE / name).unlink()
    for name in changed:
        (HERE / name).write_bytes(wanted[name])
    large = contexts.large()
    (HERE / "large.context.json").write_bytes(large)
    (HERE / "large.expected.json").write_bytes(expected(large))
    print(f"{len(changed)} files written, {len(stale)} removed; large.context.json has {len(large)} bytes")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
