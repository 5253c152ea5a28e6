"""The built-in rules, one module a family. The provider loads them when rules are wanted."""

from __future__ import annotations

from semfora_hooks.config import Config
from semfora_hooks.errors import ConfigError, SemforaError
from semfora_hooks.hookspecs import Loaded, Rule


def load_builtin(config: Config) -> Loaded:
    """All built-in rules. One whose options are wrong is an error and does not run; the others do."""
    from semfora_hooks.rules.combine_functions import CombineFunctions
    from semfora_hooks.rules.complexity import Complexity
    from semfora_hooks.rules.dead_code import DeadCode
    from semfora_hooks.rules.module_organization import ModuleOrganization
    from semfora_hooks.rules.naming import Naming
    from semfora_hooks.rules.type_narrowing import TypeNarrowing
    from semfora_hooks.rules.unused_suppression import UnusedSuppression

    rules: list[Rule] = []
    errors: list[SemforaError] = []
    kinds = (CombineFunctions, Complexity, DeadCode, ModuleOrganization, Naming, TypeNarrowing, UnusedSuppression)
    for kind in kinds:
        try:
            rules.append(kind.configured(config))
        except ConfigError as error:
            error.rule = kind.id
            errors.append(error)
    return Loaded(rules=rules, errors=errors)
