"""The provider of the built-in rules."""

from __future__ import annotations

from semfora_hooks.config import Config
from semfora_hooks.hookspecs import Loaded, RuleProvider, hookimpl


def load(config: Config) -> Loaded:
    """The built-in rules, with their options from `[tool.semfora.rules]`."""
    from semfora_hooks.rules import load_builtin

    return load_builtin(config)


@hookimpl
def semfora_rule_providers() -> list[RuleProvider]:
    """One provider: ours."""
    return [RuleProvider(name="builtin", load=load)]
