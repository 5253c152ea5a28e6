"""Finding providers by entry points and keeping them apart: one that fails is named, and the others go on.

There is no module-level manager: `load_plugins` makes a new one each time, so that tests never share state.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TextIO

import msgspec
import pluggy

from semfora_hooks import hookspecs
from semfora_hooks.config import Config, nearest
from semfora_hooks.errors import ProviderError, SemforaError
from semfora_hooks.hookspecs import PROJECT_NAME, Loaded, RenderOptions, Reporter, Rule, RuleProvider
from semfora_hooks.installed import InstalledPoint, installed_points
from semfora_hooks.model import ErrorEntry, Report, Severity

if TYPE_CHECKING:
    from concurrent.futures import Executor
    from importlib.metadata import EntryPoint

OWN_DISTRIBUTION = "semfora-hooks"


class Origin(msgspec.Struct, frozen=True):
    """Where a provider comes from: what to name, disable and update when it fails."""

    name: str
    distribution: str
    version: str

    def __str__(self) -> str:
        return f"{self.name} ({self.distribution} {self.version})"


class LoadedRule(msgspec.Struct, frozen=True):
    """A rule that is fit to run, with its provider."""

    rule: Rule
    origin: Origin


class RuleSet(msgspec.Struct):
    """What loading gave: rules by id, errors, notices."""

    rules: list[LoadedRule] = []
    errors: list[ErrorEntry] = []
    notices: list[str] = []


class Plugins:
    """The providers of one run."""

    def __init__(self, manager: pluggy.PluginManager, origins: dict[str, Origin], errors: list[ErrorEntry]) -> None:
        self._manager = manager
        self._origins = origins
        self.errors = errors

    @property
    def origins(self) -> Sequence[Origin]:
        """The registered plugins, by distribution and name."""
        return list(self._origins.values())

    def load_rules(self, config: Config) -> RuleSet:
        """Every rule of every provider, each provider on its own: what fails is in `errors`, the rest is there."""
        found = RuleSet(errors=list(self.errors))
        owners: dict[str, LoadedRule] = {}
        for origin, provider in self._declared("semfora_rule_providers", RuleProvider, found.errors):
            rules, errors, notices = _load(provider, config, origin)
            found.errors.extend(error_entry(error, origin) for error in errors)
            found.notices.extend(notices)
            for rule in rules:
                problem = _rule_problem(rule)
                if problem is None and rule.id in owners:
                    where = f" of {rule.origin}" if getattr(rule, "origin", None) else ""
                    problem = f"the rule id '{rule.id}'{where} is already taken by {owners[rule.id].origin}"
                if problem is not None:
                    refusal = SemforaError(f"{origin}: {problem}; the rule was not loaded", kind="provider")
                    found.errors.append(error_entry(refusal, origin))
                    continue
                owners[rule.id] = LoadedRule(rule, origin)
        found.rules = [owners[rule_id] for rule_id in sorted(owners)]
        return found

    def reporters(self, errors: list[ErrorEntry]) -> dict[str, Reporter]:
        """The output formats third parties declare, by name. One that fails while rendering says whose it is."""
        declared = self._declared("semfora_reporters", Reporter, errors)
        return {reporter.name: _named(reporter, origin) for origin, reporter in declared}

    def executor(self, config: Config, errors: list[ErrorEntry]) -> Executor | None:
        """The first executor a plugin provides, if any."""
        from concurrent.futures import Executor

        for origin, plugin in self._plugins():
            try:
                executor = self._call("semfora_executor", plugin, config=config)
                if executor is None:
                    continue
                if not isinstance(executor, Executor):
                    raise TypeError(f"semfora_executor returned {type(executor).__name__}, not an Executor")
                return executor
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # noqa: BLE001
                errors.append(_failure(origin, "semfora_executor", error))
        return None

    def run_finished(self, report: Report) -> list[str]:
        """Tell every plugin; what they raise comes back as notices."""
        notices = []
        for origin, plugin in self._plugins():
            try:
                self._call("semfora_run_finished", plugin, report=report)
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # noqa: BLE001
                notices.append(f"{origin}: semfora_run_finished raised {describe(error)}")
        return notices

    # ----------------------------------------------------------------------------------------------------- calling

    def _plugins(self) -> Iterable[tuple[Origin, object]]:
        for name, origin in self._origins.items():
            yield origin, self._manager.get_plugin(name)

    def _call(self, hook: str, plugin: object, **arguments: Any) -> Any:
        """One plugin's implementation of a hook; `None` where it has none."""
        others = [other for other in self._manager.get_plugins() if other is not plugin]
        result = self._manager.subset_hook_caller(hook, others)(**arguments)
        if isinstance(result, list):
            return result[0] if result else None
        return result

    def _declared(self, hook: str, kind: type[Any], errors: list[ErrorEntry]) -> Iterable[tuple[Origin, Any]]:
        """What each plugin declares through a hook, generators consumed, strangers refused."""
        for origin, plugin in self._plugins():
            try:
                declared = list(self._call(hook, plugin) or ())
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # noqa: BLE001
                errors.append(_failure(origin, hook, error))
                continue
            for item in declared:
                if isinstance(item, kind):
                    yield origin, item
                else:
                    what = "type" if isinstance(item, type) else type(item).__name__  # whatever its metaclass
                    wrong = TypeError(f"expected {kind.__name__}, got {what}")
                    errors.append(_failure(origin, hook, wrong))


def load_plugins(
    *,
    disable: Sequence[str] = (),
    no_plugins: bool = False,
    discover: Callable[[], Iterable[EntryPoint]] | None = None,
) -> Plugins:
    """Register what the entry points of the group `semfora_hooks` name.

    Args:
        disable: Names of entry points, or `distribution:name`, to leave out.
        no_plugins: Leave out everything that is not ours.
        discover: Gives the entry points; the installed ones where `None`.
    """
    manager = pluggy.PluginManager(PROJECT_NAME)
    manager.add_hookspecs(hookspecs)
    if os.environ.get("SEMFORA_TRACE_PLUGINS"):
        manager.trace.root.setwriter(sys.stderr.write)
        manager.enable_tracing()
    origins: dict[str, Origin] = {}
    errors: list[ErrorEntry] = []
    known: list[str] = []
    found: Sequence[EntryPoint | InstalledPoint] = _installed(errors) if discover is None else list(discover())
    for point, origin in sorted(((p, _origin(p)) for p in found), key=lambda pair: _order(pair[1])):
        key = f"{origin.distribution}:{origin.name}"
        known.extend((origin.name, key))
        if key in origins or origin.name in disable or key in disable:
            continue
        if no_plugins and origin.distribution != OWN_DISTRIBUTION:
            continue
        try:
            plugin = point.load()
            manager.register(plugin, name=key)
            manager.check_pending()
            if not manager.get_hookcallers(plugin):
                raise TypeError(f"{point.value} implements no hook; its functions need @hookimpl")
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001
            if manager.get_plugin(key) is not None:
                manager.unregister(name=key)
            errors.append(_failure(origin, "loading the plugin", error))
            continue
        origins[key] = origin
    for name in disable:
        if name not in known:
            guess = nearest(name, known)
            errors.append(
                ErrorEntry(
                    kind="config",
                    message=f"cannot disable the provider '{name}': there is none of that name",
                    hint=f"did you mean '{guess}'?" if guess else f"providers: {', '.join(sorted(set(known)))}",
                )
            )
    own = found if discover is None else _installed([])
    if not any(_origin(point).distribution == OWN_DISTRIBUTION for point in own):
        errors.append(
            ErrorEntry(
                kind="internal",
                message="semfora-hooks is not installed (its entry points are missing), so it has no rules",
                hint="pip install semfora-hooks, or pip install -e . in its checkout",
            )
        )
    return Plugins(manager, origins, errors)


def error_entry(error: SemforaError, origin: Origin | None = None, rule: str | None = None) -> ErrorEntry:
    """A report's entry for an expected error."""
    return ErrorEntry(
        kind=error.kind,
        message=error.message,
        hint=error.hint,
        rule=rule or error.rule,
        provider=origin.name if origin else None,
        distribution=origin.distribution if origin else None,
        version=origin.version if origin else None,
    )


def _installed(errors: list[ErrorEntry]) -> list[InstalledPoint]:
    """The installed entry points of our group; a distribution whose metadata cannot be read costs only its own."""

    def failed(place: str, error: Exception) -> None:
        text = f"{place}: its entry points cannot be read: {describe(error)}"
        errors.append(ErrorEntry(kind="provider", message=text, hint="reinstall the package"))

    return installed_points(PROJECT_NAME, failed)


def _load(
    provider: RuleProvider, config: Config, origin: Origin
) -> tuple[list[Rule], list[SemforaError], Sequence[str]]:
    rules: list[Rule] = []
    try:
        loaded = provider.load(config)
        if isinstance(loaded, Loaded):
            for error in loaded.errors:
                if not isinstance(error, SemforaError):
                    raise TypeError(f"Loaded.errors holds {type(error).__name__}, not SemforaError")
            return list(loaded.rules), list(loaded.errors), [str(notice) for notice in loaded.notices]
        for rule in loaded:  # one by one: a generator may fail after good rules
            rules.append(rule)
    except SemforaError as error:
        return rules, [error], ()
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001
        text = f"{origin}: provider '{provider.name}' failed while loading its rules: {describe(error)}"
        hint = f"update {origin.distribution}, or switch it off: --disable-provider {origin.name}"
        return rules, [SemforaError(text, kind="provider", hint=hint)], ()
    return rules, [], ()


def _named(reporter: Reporter, origin: Origin) -> Reporter:
    """A third party's reporter that says whose it is when it fails."""

    def render(report: Report, stream: TextIO, options: RenderOptions) -> None:
        try:
            reporter.render(report, stream, options)
        except (SemforaError, BrokenPipeError, KeyboardInterrupt):
            raise
        except BaseException as error:
            raise ProviderError(
                f"{origin}: the output format '{reporter.name}' failed: {describe(error)}",
                hint=f"update {origin.distribution}, or use another --output-format",
            ) from error

    return msgspec.structs.replace(reporter, render=render)


def _rule_problem(rule: object) -> str | None:
    """Why an object is no rule; `None` if it is one."""
    try:
        return _first_problem(rule)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001  an attribute may be a property, and raise
        return f"{type(rule).__name__} is no rule: looking at it raised {describe(error)}"


def _first_problem(rule: object) -> str | None:
    name = getattr(rule, "id", None)
    if isinstance(rule, type):
        return f"{rule.__name__} is a class; a provider loads rules, made by calling it"
    if not isinstance(name, str) or not name.isprintable() or not name or " " in name:
        return f"a rule must have an id, a string without spaces; {type(rule).__name__} has {name!r}"
    for attribute in ("group", "category", "description"):
        if not isinstance(getattr(rule, attribute, None), str):
            return f"rule '{name}': '{attribute}' must be a string"
    if not isinstance(getattr(rule, "severity", None), Severity):
        return f"rule '{name}': 'severity' must be a Severity"
    if not callable(getattr(rule, "evaluate", None)):
        return f"rule '{name}' has no method 'evaluate'"
    if getattr(rule, "granularity", "project") not in ("symbol", "module", "project"):
        return f"rule '{name}': 'granularity' must be symbol, module or project"
    return None


def _order(origin: Origin) -> tuple[bool, str, str]:
    """Ours first, so that nobody takes a shipped rule's id away."""
    return origin.distribution != OWN_DISTRIBUTION, origin.distribution, origin.name


def _origin(point: EntryPoint | InstalledPoint) -> Origin:
    if isinstance(point, InstalledPoint):
        return Origin(point.name, point.distribution, point.version)
    distribution: Any = getattr(point, "dist", None)
    try:
        name = str(distribution.metadata["Name"] or "unknown").lower().replace("_", "-")
        return Origin(point.name, name, str(distribution.version or "?"))
    except Exception:  # noqa: BLE001  a distribution without metadata, or with broken one
        return Origin(point.name, "unknown", "?")


def _failure(origin: Origin, where: str, error: BaseException) -> ErrorEntry:
    text = f"{origin}: {where} failed: {describe(error)}"
    hint = f"update {origin.distribution}, or switch it off: --disable-provider {origin.name}"
    return error_entry(SemforaError(text, kind="provider", hint=hint), origin)


def describe(error: BaseException) -> str:
    """An exception's type and text, on one line that is not too long; whatever its `__str__` does."""
    try:
        text = " ".join(str(error).encode("utf-8", "backslashreplace").decode().split())
    except Exception:  # noqa: BLE001
        text = "(its text cannot be had)"
    return f"{type(error).__name__}: {text[:500]}" if text else type(error).__name__
