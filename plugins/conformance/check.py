"""Run a plugin on every conformance case: `python check.py layer-guard.wasm`. Exit code 1 if it differs anywhere."""

from __future__ import annotations

import difflib
import sys
from pathlib import Path

from generate import expected
from semfora_conformance import contexts
from semfora_conformance.canonical import run

from semfora_hooks.errors import SemforaError
from semfora_hooks.providers.wasm import host
from semfora_hooks.providers.wasm.output import OutputError

MAX_LINES = 40


def main(arguments: list[str]) -> int:
    """The exit code."""
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)  # noqa: T201
        return 2
    plugin = Path(arguments[0])
    pool = host.Pool(256 << 20)
    failed = 0
    for name, make in {**contexts.CASES, "large": contexts.large}.items():
        context = make()
        wanted = expected(context)
        try:
            got = run(pool, plugin, context)
        except (host.SandboxError, OutputError, SemforaError) as error:
            failed += 1
            log = getattr(error, "log", "")
            print(f"{name}: FAILED: {getattr(error, 'kind', 'refused')}: {error} {log}")  # noqa: T201
            continue
        if got == wanted:
            print(f"{name}: ok")  # noqa: T201
            continue
        failed += 1
        print(f"{name}: DIFFERS")  # noqa: T201
        before, after = wanted.decode().splitlines(), got.decode().splitlines()
        lines = difflib.unified_diff(before, after, "expected", "got", n=2, lineterm="")
        for _, line in zip(range(MAX_LINES), lines, strict=False):
            print(f"    {line}")  # noqa: T201
    pool.close()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
