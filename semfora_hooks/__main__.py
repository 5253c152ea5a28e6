"""`python -m semfora_hooks`."""

import os
import sys


def _forget_working_folder() -> None:
    """Take the current folder off the import path, where `-m` puts it: a repository must not shadow our imports.

    Only modules that Python itself has loaded by now may be imported before.
    """
    try:
        here = os.getcwd()  # noqa: PTH109  pathlib is a module a repository could shadow
    except OSError:
        here = ""  # it is gone; the command will say so
    home = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120
    sys.path[:] = [entry for entry in sys.path if entry not in ("", here) or entry == home]


if __name__ == "__main__":
    _forget_working_folder()
    from semfora_hooks.cli import main

    main()
