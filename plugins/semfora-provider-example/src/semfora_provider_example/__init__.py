"""An example of a third-party rule provider for semfora-hooks.

semfora-hooks imports this module on every run, so it only declares: the rules, and whatever they import, load when
rules are wanted.
"""

from __future__ import annotations

from semfora_hooks import Config, Rule, RuleProvider, hookimpl


def load(config: Config) -> list[Rule]:
    """The rules of this package, with their options from the repository's configuration."""
    from semfora_provider_example.rules import BlockingCall

    return [BlockingCall.configured(config)]


@hookimpl
def semfora_rule_providers() -> list[RuleProvider]:
    """Declare one provider. Costs nothing: nothing is loaded yet."""
    return [RuleProvider(name="asyncio-example", load=load)]
