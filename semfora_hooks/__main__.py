"""`python -m semfora_hooks`."""

from __future__ import annotations

import sys
from pathlib import Path


def _forget_working_folder() -> None:
    """Take the current folder off the import path, where `-m` puts it: a repository must not shadow our imports."""
    here = str(Path.cwd())
    home = str(Path(__file__).resolve().parent.parent)
    sys.path[:] = [entry for entry in sys.path if entry not in ("", here) or entry == home]


if __name__ == "__main__":
    _forget_working_folder()
    from semfora_hooks.cli import main

    main()
