"""Rules a repository declares for itself, in `.semfora/rules/**/*.yaml`.

Importing this module declares the provider and nothing more: YAML, the parser and the rules load with `load`.
"""

from __future__ import annotations

from collections.abc import Sequence

from semfora_hooks.config import Config
from semfora_hooks.hookspecs import Loaded, RuleProvider, hookimpl

RULES_FOLDER = ".semfora/rules"
"""Where the rule files stand, below the repository's root."""


@hookimpl
def semfora_rule_providers() -> Sequence[RuleProvider]:
    """The one provider of this module."""
    return [RuleProvider(name="declarative", load=load)]


def load(config: Config) -> Loaded:
    """Every rule of the repository that is fit to run, and what is wrong with the others."""
    root = config.rules_root_path
    folder = root / RULES_FOLDER
    if not folder.exists() and not folder.is_symlink():
        return Loaded()
    from semfora_hooks.providers.declarative.loading import load_folder

    return load_folder(folder, root)
