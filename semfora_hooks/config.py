"""Configuration: defaults, then `pyproject.toml` or `semfora.toml`, then the environment, then the command line."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec

from semfora_hooks.errors import ConfigError
from semfora_hooks.model import Severity

FailOn = Literal["never", "info", "warning", "error"]

MEBIBYTE = 1 << 20
MEMORY_CEILING, TIMEOUT_CEILING, TOTAL_TIMEOUT = "512MiB", "30s", "60s"
"""What a WASM plugin, and all of a run together, may have at most, where nothing else is configured."""

BASELINE = ".semfora/baseline.json"
"""Where the baseline is if nothing names another place; it counts if it is there."""

_SIZE_UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KIB": 1 << 10, "MIB": 1 << 20, "GIB": 1 << 30}
_DURATION_UNITS = {"ms": 0.001, "s": 1.0, "": 1.0, "m": 60.0, "min": 60.0}
_QUANTITY = re.compile(r"\s*(\d{1,15}(?:\.\d{1,9})?)\s*([A-Za-z]*)\s*")


def parse_size(text: str | int) -> int:
    """Bytes from `"256MiB"`, `"10 MB"` or a plain number of bytes.

    Raises:
        ValueError: It is not a size.
    """
    match = _QUANTITY.fullmatch(str(text))
    if match is None or match[2].upper() not in _SIZE_UNITS:
        raise ValueError(f"{text!r} is not a size such as '256MiB'")
    return int(float(match[1]) * _SIZE_UNITS[match[2].upper()])


def parse_duration(text: str | float) -> float:
    """Seconds from `"5s"`, `"500ms"`, `"2m"` or a plain number of seconds.

    Raises:
        ValueError: It is not a duration.
    """
    match = _QUANTITY.fullmatch(str(text))
    if match is None or match[2].lower() not in _DURATION_UNITS:
        raise ValueError(f"{text!r} is not a duration such as '5s'")
    return float(match[1]) * _DURATION_UNITS[match[2].lower()]


class WasmSettings(msgspec.Struct, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """`[tool.semfora.plugins.wasm]`: what a repository asks for; the user's own file (`userconfig`) can only narrow it.

    Attributes:
        enabled: Whether plugins run.
        locked: A repository with plugins must have a lock, as with `--locked`.
        memory_ceiling: The most memory a manifest can give a plugin; the user's own ceiling holds in any case.
        timeout_ceiling: The same for the time.
        total_timeout: The time that all plugins of a run have together; the user's own limit holds in any case.
    """

    enabled: bool = True
    locked: bool = False
    memory_ceiling: str | None = None
    timeout_ceiling: str | None = None
    total_timeout: str | None = None

    @property
    def memory_ceiling_bytes(self) -> int:
        """The ceiling in bytes."""
        return parse_size(self.memory_ceiling or MEMORY_CEILING)

    @property
    def timeout_ceiling_seconds(self) -> float:
        """The ceiling in seconds."""
        return parse_duration(self.timeout_ceiling or TIMEOUT_CEILING)

    @property
    def total_timeout_seconds(self) -> float:
        """The time of all plugins of a run in seconds."""
        return parse_duration(self.total_timeout or TOTAL_TIMEOUT)


class PluginSettings(msgspec.Struct, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """`[tool.semfora.plugins]`."""

    wasm: WasmSettings = WasmSettings()


class ProviderSettings(msgspec.Struct, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """`[tool.semfora.providers]`."""

    disable: tuple[str, ...] = ()


class Config(msgspec.Struct, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """Everything that can be configured, checked and frozen.

    Attributes:
        src: Folders that Python's import system would have on its path; found by itself where empty.
        exclude: Globs, in gitignore's syntax, of files to leave out besides those that git ignores.
        select: Rule ids, groups, categories, `recommended` or `all`.
        ignore: The same, taken away from `select`.
        fail_on: The severity from which a finding trips the gate.
        min_confidence: Findings below it are neither shown nor counted.
        new_only: In runs about a change: only what the change introduced or worsened trips the gate.
        baseline: File of accepted findings; where none is named `BASELINE`, if it is there. Empty text, in a file or as
            an option, means none.
        entry_points: `module:name` of code that is called from outside.
        frameworks: Framework packs besides those that are detected.
        severity: Rule id to severity.
        per_file_ignores: Glob to what `ignore` takes.
        rules: Rule id to its options.
        max_file_size: Larger files are not analysed, and said to be so.
        jobs: Processes for extraction; 0 means as many as there are processors.
        root: The repository's folder, absolute. Not a key of the file.
        rules_root: What rules and plugins are read from instead: a copy of what is staged. Not a key of the file.
        source: The file the values came from, for messages. Not a key of the file.
        no_plugins: Run shipped rules only. Not a key of the file.
        use_cache: Whether facts may be read from and kept in the user's cache. Not a key of the file.
    """

    src: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    select: tuple[str, ...] = ("recommended",)
    ignore: tuple[str, ...] = ()
    fail_on: FailOn = "error"
    min_confidence: float = 0.0
    new_only: bool = True
    baseline: str | None = None
    entry_points: tuple[str, ...] = ()
    frameworks: tuple[str, ...] = ()
    severity: dict[str, Severity] = {}
    per_file_ignores: dict[str, tuple[str, ...]] = {}
    rules: dict[str, dict[str, Any]] = {}
    plugins: PluginSettings = PluginSettings()
    providers: ProviderSettings = ProviderSettings()
    max_file_size: str = "2MiB"
    jobs: int = 0
    # Set by the program, not by files:
    root: str = ""
    rules_root: str = ""
    source: str | None = None
    no_plugins: bool = False
    use_cache: bool = True

    @property
    def root_path(self) -> Path:
        """The repository's folder."""
        return Path(self.root)

    @property
    def rules_root_path(self) -> Path:
        """The folder that holds `.semfora` with the rules and plugins that are to be loaded."""
        return Path(self.rules_root or self.root)

    @property
    def max_file_size_bytes(self) -> int:
        """The limit in bytes."""
        return parse_size(self.max_file_size)

    def replace(self, **changes: Any) -> Config:
        """A copy with `changes`."""
        return msgspec.structs.replace(self, **changes)

    def requiring_lock(self) -> Config:
        """A copy that asks for a lock of WASM plugins."""
        wasm = msgspec.structs.replace(self.plugins.wasm, locked=True)
        return self.replace(plugins=msgspec.structs.replace(self.plugins, wasm=wasm))


_INTERNAL = frozenset({"root", "rules-root", "source", "no-plugins", "use-cache"})
_USERS_KEYS = {
    "plugins.wasm.trust": "it belongs in your own configuration, which no repository can change; "
    "'semfora-hooks plugin trust --list' names the file",
}

ENVIRONMENT = {
    "SEMFORA_FAIL_ON": "fail-on",
    "SEMFORA_MIN_CONFIDENCE": "min-confidence",
    "SEMFORA_SELECT": "select",
    "SEMFORA_IGNORE": "ignore",
    "SEMFORA_BASELINE": "baseline",
    "SEMFORA_JOBS": "jobs",
}
"""Environment variables and the keys they set; lists are comma-separated."""


def load_config(
    root: Path,
    *,
    environment: Mapping[str, str] | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> Config:
    """The configuration of the repository at `root`.

    Args:
        root: The repository's folder.
        environment: Environment variables; the process's own where `None`.
        overrides: What the command line set, by field name of `Config`; wins over everything.

    Raises:
        ConfigError: A file cannot be read, or has unknown keys, wrong types or impossible values.
    """
    table, source = _read_files(root)
    where = source or "configuration"
    config = convert_table(table, Config, prefix="", source=where)
    for variable, (key, value) in _from_environment(os.environ if environment is None else environment).items():
        merged = {**table, key: value}
        config = convert_table(merged, Config, prefix="", source=variable)
        table = merged
    config = config.replace(root=str(root), source=source, **dict(overrides or {}))
    if config.baseline is None and os.path.lexists(root / BASELINE):
        config = config.replace(baseline=BASELINE)
    _check_values(config)
    return config.replace(baseline=config.baseline or None)


def _read_files(root: Path) -> tuple[Mapping[str, Any], str | None]:
    """The `semfora` table and the file it stands in; `semfora.toml` and `pyproject.toml` must not both have one."""
    found: list[tuple[Mapping[str, Any], str]] = []
    own = _read_toml(root / "semfora.toml")
    if own is not None:
        found.append((own, "semfora.toml"))
    pyproject = _read_toml(root / "pyproject.toml")
    if pyproject is not None:
        tool = pyproject.get("tool", {})
        table = tool.get("semfora") if isinstance(tool, dict) else None
        if table is not None:
            if not isinstance(table, dict):
                raise ConfigError("pyproject.toml: [tool.semfora] must be a table")
            found.append((table, "pyproject.toml"))
    if len(found) > 1:
        raise ConfigError(
            "both semfora.toml and [tool.semfora] in pyproject.toml configure semfora-hooks",
            hint="keep one of them",
        )
    return found[0] if found else ({}, None)


def _read_toml(path: Path) -> dict[str, Any] | None:
    if not path.exists():
        return None
    if not path.is_file():
        raise ConfigError(f"{path.name}: not a regular file")
    try:
        with path.open("rb") as stream:
            data = stream.read(MEBIBYTE + 1)
    except OSError as error:
        raise ConfigError(f"{path.name}: cannot be read: {error.strerror}") from None
    if len(data) > MEBIBYTE:
        raise ConfigError(f"{path.name}: larger than 1 MiB; refusing to read it as configuration")
    try:
        return parse_toml(data.decode())
    except (ValueError, RecursionError) as error:  # of TOML, of UTF-8, of numbers with too many digits
        raise ConfigError(f"{path.name}: not valid TOML: {error}") from None


@lru_cache(maxsize=2)
def parse_toml(text: str) -> dict[str, Any]:
    """A TOML document, to be read only: whoever reads the same text in this run gets the same one.

    Raises:
        ValueError: It is not TOML.
    """
    import tomllib

    return tomllib.loads(text)


def nearest(name: str, valid: Mapping[str, Any] | list[str] | tuple[str, ...]) -> str | None:
    """The entry of `valid` a person most likely meant by `name`."""
    import difflib

    close = difflib.get_close_matches(name, list(valid), n=1, cutoff=0.6)
    return close[0] if close else None


def unknown_key_text(key: str, valid: list[str]) -> str:
    """The second half of a message about an unknown key: the nearest valid name, or all of them."""
    guess = nearest(key, valid)
    return f"did you mean '{guess}'?" if guess else f"valid keys: {', '.join(sorted(valid))}"


Options = TypeVar("Options", bound=msgspec.Struct)


def convert_table(table: Mapping[str, Any], struct: type[Options], *, prefix: str, source: str) -> Options:
    """A table of the configuration as a struct.

    Args:
        table: The table.
        struct: Its shape.
        prefix: What stands before its keys, for messages (`rules.complexity.`).
        source: The file, for messages.

    Raises:
        ConfigError: An unknown key or a wrong type; the message names key, file and the nearest valid name.
    """
    if not table:
        with suppress(TypeError):  # a field without a default
            return struct()
    _check_keys(table, struct, prefix=prefix, source=source)
    try:
        return msgspec.convert(table, struct, strict=True)
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at `$.")
        key = path.removesuffix("`")
        if key.endswith("[...]"):
            key = _wrong_entry(table, key.removesuffix("[...]"), struct)
        hint = _choices_text(struct, key) if message.startswith("Invalid enum value") else None
        raise ConfigError(f"{source}: '{prefix}{key}': {message}", hint=hint) from None


def _choices_text(struct: type[msgspec.Struct], key: str) -> str | None:
    """What may stand at `key` of a table, where that is one of a few words."""
    from msgspec import inspect

    kind: inspect.Type = inspect.type_info(struct)
    for part in key.partition("[")[0].split("."):
        if isinstance(kind, inspect.StructType):
            fields = {field.encode_name: field.type for field in kind.fields}
            if part not in fields:
                return None
            kind = fields[part]
        elif isinstance(kind, inspect.DictType):
            kind = kind.value_type
    if isinstance(kind, inspect.Metadata):  # of `Annotated`
        kind = kind.type
    if isinstance(kind, inspect.LiteralType):
        values = [str(value) for value in kind.values]
    elif isinstance(kind, inspect.EnumType):
        values = [str(member.value) for member in kind.cls]
    else:
        return None
    return f"one of {', '.join(values)}"


def _wrong_entry(table: Mapping[str, Any], key: str, struct: type[msgspec.Struct]) -> str:
    """Which entry of the table at `key` has the wrong type: msgspec says only that one has."""
    entries = table.get(key)
    for name, value in entries.items() if isinstance(entries, dict) else ():
        try:
            msgspec.convert({key: {name: value}}, struct, strict=True)
        except msgspec.ValidationError:
            return f"{key}.{name}"
    return key


def _check_keys(table: Mapping[str, Any], struct: type[msgspec.Struct], *, prefix: str, source: str) -> None:
    """Refuse keys that `struct` does not have, at any depth, naming the nearest one it has."""
    fields = {field.encode_name: field for field in msgspec.structs.fields(struct)}
    valid = [name for name in fields if not (prefix == "" and name in _INTERNAL)]
    for key, value in table.items():
        if key not in valid:
            hint = _USERS_KEYS.get(f"{prefix}{key}") or unknown_key_text(key, valid)
            raise ConfigError(f"{source}: unknown key '{prefix}{key}'", hint=hint)
        nested = fields[key].type
        if isinstance(nested, type) and issubclass(nested, msgspec.Struct) and isinstance(value, dict):
            _check_keys(value, nested, prefix=f"{prefix}{key}.", source=source)


def _from_environment(environment: Mapping[str, str]) -> dict[str, tuple[str, Any]]:
    """The keys that environment variables set, and their values, by variable."""
    values: dict[str, tuple[str, Any]] = {}
    for variable, key in ENVIRONMENT.items():
        text = environment.get(variable)
        if not text:
            continue
        value: Any = text
        try:
            if key in ("select", "ignore"):
                value = [part.strip() for part in text.split(",") if part.strip()]
            elif key == "min-confidence":
                value = float(text)
            elif key == "jobs":
                value = int(text)
        except ValueError:
            raise ConfigError(f"{variable}: {text!r} is not a number") from None
        values[variable] = (key, value)
    return values


def _check_values(config: Config) -> None:
    """Refuse values that have the right type and make no sense."""
    source = config.source or "configuration"
    if not 0.0 <= config.min_confidence <= 1.0:
        raise ConfigError(f"{source}: 'min-confidence': {config.min_confidence} is not between 0.0 and 1.0")
    if config.jobs < 0:
        raise ConfigError(f"{source}: 'jobs': {config.jobs} is negative; 0 means one a processor")
    wasm = config.plugins.wasm
    check_quantities(source, parse_size, {"max-file-size": config.max_file_size})
    check_quantities(source, parse_size, {"plugins.wasm.memory-ceiling": wasm.memory_ceiling or MEMORY_CEILING})
    check_quantities(source, parse_duration, {"plugins.wasm.timeout-ceiling": wasm.timeout_ceiling or TIMEOUT_CEILING})
    check_quantities(source, parse_duration, {"plugins.wasm.total-timeout": wasm.total_timeout or TOTAL_TIMEOUT})


def check_quantities(source: str, parse: Callable[[str], float], values: Mapping[str, str]) -> None:
    """Refuse sizes or durations that are none.

    Args:
        source: The file, for messages.
        parse: `parse_size` or `parse_duration`.
        values: Key to value.

    Raises:
        ConfigError: One of the values is none.
    """
    for key, value in values.items():
        try:
            parse(value)
        except ValueError as error:
            raise ConfigError(f"{source}: '{key}': {error}") from None
