"""`WasmPluginRunner`: plugins by hand, without the engine around them: for tests of plugins, and for other programs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from semfora_hooks.config import Config
from semfora_hooks.context import SuggestContext
from semfora_hooks.errors import PluginError, SemforaError
from semfora_hooks.model import Recommendation
from semfora_hooks.policy import intake
from semfora_hooks.providers.wasm.loading import load_plugins
from semfora_hooks.providers.wasm.rule import WasmRule
from semfora_hooks.providers.wasm.stats import PluginStats


class PluginFailuresError(PluginError):
    """Some plugins failed; the others' recommendations are here.

    Attributes:
        errors: What failed, each as `suggest` would say it.
        recommendations: What the plugins said nevertheless, in order.
    """

    def __init__(self, errors: Sequence[SemforaError], recommendations: Sequence[Recommendation]) -> None:
        first = errors[0]
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        super().__init__(first.message + more, hint=first.hint, kind=first.kind)
        self.errors = list(errors)
        self.recommendations = list(recommendations)


class WasmPluginRunner:
    """Loads WASM plugins and evaluates contexts with them, in the sandbox that `suggest` uses and with its limits.

    Core modules and components are told apart by their header. Use it in a `with` statement, or call `close`.

    Args:
        config: Where ceilings, and whether there is a cache, come from; the defaults where `None`.

    Attributes:
        plugins: The loaded plugins, by rule id.
        errors: What could not be loaded: it does not keep the others from running.
        notices: Remarks, and failures of plugins that say `on_error: warn`.
    """

    def __init__(self, config: Config | None = None) -> None:
        self._config = config
        self.plugins: dict[str, WasmRule] = {}
        self.errors: list[SemforaError] = []
        self.notices: list[str] = []

    def load_plugins(self, folder: Path | str) -> list[str]:
        """Load the plugins of a folder, by its manifest where it has one. Compiles and runs nothing.

        Args:
            folder: Such as `.semfora/plugins`.

        Returns:
            The ids (`group/name`) of the plugins that are loaded now.

        Raises:
            PluginError: The folder does not exist.
        """
        place = Path(folder).absolute()
        if not place.is_dir():
            raise PluginError(f"{folder}: there is no such folder", kind="manifest")
        config = self._config or Config(root=str(place))
        loaded = load_plugins(config, place)
        self.errors.extend(loaded.errors)
        self.notices.extend(loaded.notices)
        for rule in loaded.rules:
            if rule.id in self.plugins:
                self.errors.append(PluginError(f"{place}: the rule id '{rule.id}' is already taken", kind="manifest"))
            elif isinstance(rule, WasmRule):
                self.plugins[rule.id] = rule
        return [rule.id for rule in loaded.rules if self.plugins.get(rule.id) is rule]

    def evaluate(self, context: SuggestContext) -> list[Recommendation]:
        """What all plugins say of a context; they run side by side, and the order is the same each time.

        Args:
            context: It is shown as it is: cutting it down to a change is the engine's business. The time that all
                plugins have together starts anew with each.

        Raises:
            PluginFailuresError: Some failed. It has the others' recommendations.
        """
        rules = [self.plugins[identity] for identity in sorted(self.plugins)]
        found: list[Recommendation] = []
        errors: list[SemforaError] = []
        for rule in rules:
            rule.renew_budget()
        for rule in rules:
            rule.begin(context)
        for rule in rules:
            try:
                for item in rule.evaluate(context):
                    try:
                        found.append(intake.complete(item, rule, context, None))
                    except SemforaError as error:
                        errors.append(error)
            except SemforaError as error:
                if error.fatal:
                    errors.append(error)
                else:
                    self.notices.append(error.message)
        found = intake.finish(found, context, {})
        if errors:
            raise PluginFailuresError(errors, found)
        return found

    @property
    def stats(self) -> dict[str, PluginStats]:
        """What each plugin has cost so far, by rule id."""
        return {identity: rule.stats for identity, rule in sorted(self.plugins.items())}

    def close(self) -> None:
        """End the sandbox's processes now."""
        for rule in self.plugins.values():
            rule.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
