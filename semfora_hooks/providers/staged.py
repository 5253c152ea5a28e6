"""The rules and plugins that a repository holds as they are staged: what is judged is the next commit, as a whole."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from semfora_hooks.config import Config
from semfora_hooks.errors import SemforaError
from semfora_hooks.git.checkout import staged_copy, unstaged_files
from semfora_hooks.git.process import Running
from semfora_hooks.providers.declarative import RULES_FOLDER
from semfora_hooks.providers.wasm import PLUGIN_FOLDER

_TOP = ".semfora"
_MAX_NOTICES = 10

T = TypeVar("T")


def load_staged(
    root: Path, config: Config, load: Callable[[Config], T], listing: Running | None = None
) -> tuple[T, list[str]]:
    """What `load` gives for a configuration whose rules are those in the index, and remarks about others.

    Args:
        root: The top of the work tree.
        config: The configuration.
        load: Loads all rules; when it returns, it must not need their files any more.
        listing: Git at work, listing what is staged in `.semfora`.

    Raises:
        GitError: It cannot be told what is staged, such as in a conflict.
        SemforaError: It cannot be written to a temporary folder.
    """
    try:
        with staged_copy(root, _TOP, (RULES_FOLDER, PLUGIN_FOLDER), listing) as copy:
            loaded = load(config.replace(rules_root=str(copy.root)))
            unstaged = unstaged_files(root, copy, RULES_FOLDER, (".yaml", ".yml"), deep=True)
            unstaged += unstaged_files(root, copy, PLUGIN_FOLDER, (".wasm",), deep=False)
    except OSError as error:
        text = f"the rules that are staged cannot be copied to a temporary folder: {error}"
        raise SemforaError(text, hint="is there room in it? TMPDIR names another one") from None
    notices = [f"{path}: not staged, so it is not used here; git add it" for path in unstaged[:_MAX_NOTICES]]
    if len(unstaged) > _MAX_NOTICES:
        notices.append(f"{len(unstaged) - _MAX_NOTICES} more files of rules and plugins are not staged")
    return loaded, notices
