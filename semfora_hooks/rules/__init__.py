"""The built-in rules, one module a family. The provider loads them when rules are wanted."""

from __future__ import annotations

from semfora_hooks.config import Config, convert_table
from semfora_hooks.errors import ConfigError, SemforaError
from semfora_hooks.hookspecs import Loaded, Rule


def load_builtin(config: Config) -> Loaded:
    """All built-in rules. One whose options are wrong is an error; the others load."""
    from semfora_hooks.rules.combine_functions import CombineFunctions
    from semfora_hooks.rules.complexity import Complexity
    from semfora_hooks.rules.dead_code import DeadCode
    from semfora_hooks.rules.module_organization import ModuleOrganization
    from semfora_hooks.rules.naming import Naming
    from semfora_hooks.rules.type_narrowing import TypeNarrowing

    rules: list[Rule] = []
    errors: list[SemforaError] = []
    for kind in (CombineFunctions, Complexity, DeadCode, ModuleOrganization, Naming, TypeNarrowing):
        options_type = kind.options_type
        assert options_type is not None
        table = config.rules.get(kind.id, {})
        try:
            options = convert_table(
                table, options_type, prefix=f"rules.{kind.id}.", source=config.source or "configuration"
            )
        except ConfigError as error:
            errors.append(error)
            options = options_type()
        rules.append(kind(options))
    return Loaded(rules=rules, errors=errors)
