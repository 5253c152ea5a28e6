"""The schema of `.semfora/plugins/manifest.yaml`, and reading it into checked entries."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar, get_args

import msgspec

from semfora_hooks.config import nearest, parse_duration, parse_size, unknown_key_text
from semfora_hooks.context import NEEDS
from semfora_hooks.errors import PluginError
from semfora_hooks.model import Granularity, Severity

SCHEMA_VERSION = 1
CONTRACT_VERSION = 1
MAX_MANIFEST = 1 << 20
DEFAULT_MEMORY = 256 << 20
DEFAULT_TIMEOUT = 5.0
MIN_MEMORY = 64 << 10
"""One WASM page."""

OnError = Literal["fail", "warn", "skip"]
Need = Literal["symbols", "calls", "modules", "duplicates"]

NAME_PATTERN = "[A-Za-z0-9][A-Za-z0-9._-]{0,99}"
"""Of names and groups, which together are a rule's id."""

_NAME = re.compile(NAME_PATTERN)
_PATH = re.compile(r"(.*) - at `\$(.*)`", re.DOTALL)
_INDEX = re.compile(r"\[\d+\]")
_MISSING = re.compile("missing required field")
_REQUIRED = ("name", "group", "description")
_PLACEHOLDER = "placeholder"
"""Stands for what an entry lacks, so that the rest of it is checked too; such an entry never runs."""


class _Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A mapping of the manifest."""


class LimitsEntry(_Entry, frozen=True, kw_only=True):
    """`limits:`; `memory` such as `128MiB`, `timeout` such as `2s`."""

    memory: str | int | None = None
    timeout: str | int | float | None = None


class DefaultsEntry(_Entry, frozen=True, kw_only=True):
    """`defaults:` of all plugins."""

    limits: LimitsEntry = LimitsEntry()
    on_error: OnError = "fail"


class PluginEntry(_Entry, frozen=True, kw_only=True):
    """One element of `plugins:`."""

    name: str
    group: str
    description: str
    file: str | None = None
    version: str | None = None
    contract: int = CONTRACT_VERSION
    enabled: bool = True
    severity: Severity = Severity.WARNING
    needs: tuple[Need, ...] = NEEDS  # type: ignore[assignment] # the same four words
    granularity: Granularity = "project"
    config: dict[str, Any] = {}
    limits: LimitsEntry = LimitsEntry()
    on_error: OnError | None = None
    tests: str | None = None

    @property
    def file_name(self) -> str:
        """The file, relative to the folder."""
        return self.file if self.file is not None else f"{self.name}.wasm"


class ManifestEntry(_Entry, frozen=True, kw_only=True):
    """The whole file. `defaults` and each of `plugins` are read on their own, so that no error hides the others."""

    schema: int = SCHEMA_VERSION
    defaults: Any = None
    plugins: list[Any] | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """What one evaluation may use.

    Attributes:
        memory: Bytes.
        timeout: Seconds.
        memory_cap: The setting whose ceiling is lower than what the manifest asks for, if one is.
        timeout_cap: The same for the time.
    """

    memory: int = DEFAULT_MEMORY
    timeout: float = DEFAULT_TIMEOUT
    memory_cap: str | None = None
    timeout_cap: str | None = None

    def capped(self, ceilings: Limits) -> Limits:
        """These limits under ceilings, which name the settings they come from."""
        return Limits(
            memory=min(self.memory, ceilings.memory),
            timeout=min(self.timeout, ceilings.timeout),
            memory_cap=ceilings.memory_cap if ceilings.memory < self.memory else None,
            timeout_cap=ceilings.timeout_cap if ceilings.timeout < self.timeout else None,
        )


@dataclass(frozen=True, slots=True)
class ManifestPlugin:
    """One valid entry.

    Attributes:
        where: Where its file is named: `file:line:column`.
        excerpt: That line with a caret, to end a message with.
    """

    entry: PluginEntry
    limits: Limits
    on_error: OnError
    where: str
    excerpt: str


@dataclass(slots=True)
class Manifest:
    """What a manifest says.

    Attributes:
        plugins: The entries that are valid, in their order.
        errors: What is wrong with the others.
        files: Every file any entry names, wrong entries included: these are not *unlisted*.
        names: Every entry's name, wrong entries included.
        readable: Whether the list of plugins could be read at all.
    """

    plugins: list[ManifestPlugin] = field(default_factory=list)
    errors: list[PluginError] = field(default_factory=list)
    files: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)
    readable: bool = True


def parse_manifest(data: bytes, shown: str) -> Manifest:
    """Read a manifest.

    Args:
        data: The file's content.
        shown: The file's name in messages.
    """
    manifest = Manifest()
    reader = _Reader(shown, manifest.errors)
    if not reader.parse(data):
        manifest.readable = False
        return manifest
    root = reader.root()
    if root is None:
        manifest.readable = False
        return manifest
    # Wrong defaults do not keep plugins from running: ours are strict, and the error is reported.
    given, is_right = reader.convert("$.defaults", DefaultsEntry) if root.defaults is not None else (None, True)
    defaults_entry = given if given is not None and is_right else DefaultsEntry()
    defaults = reader.limits("$.defaults.limits", defaults_entry.limits, Limits()) or Limits()
    seen: dict[str, str] = {}
    for index, raw in enumerate(root.plugins or ()):
        path = f"$.plugins[{index}]"
        _note(raw, manifest)
        entry, is_right = reader.convert(path, PluginEntry)
        if entry is None:
            continue
        is_right &= reader.check_entry(path, entry)
        limits = reader.limits(f"{path}.limits", entry.limits, defaults)
        if limits is None or not is_right:
            continue
        if entry.name in seen:
            reader.error(f"{path}.name", f"a plugin named '{entry.name}' stands at {seen[entry.name]} already")
            continue
        seen[entry.name] = reader.where(f"{path}.name")
        on_error = entry.on_error or defaults_entry.on_error
        place = f"{path}.file"
        manifest.plugins.append(ManifestPlugin(entry, limits, on_error, reader.where(place), reader.excerpt(place)))
    return manifest


def _note(raw: object, manifest: Manifest) -> None:
    """Note what an entry names, right or wrong."""
    if isinstance(raw, dict):
        name = raw.get("name")
        if isinstance(name, str):
            manifest.names.add(name)
        file = raw.get("file", f"{name}.wasm")
        if isinstance(file, str):
            manifest.files.add(posixpath.normpath(file))


_T = TypeVar("_T", bound=msgspec.Struct)


class _Reader:
    """Converts parts of one document, and collects what is wrong with them."""

    def __init__(self, shown: str, errors: list[PluginError]) -> None:
        self._shown = shown
        from semfora_hooks.providers.wasm import yamlfile  # a repository without a manifest need not load YAML

        self._errors = errors
        self._yaml = yamlfile
        self._document = yamlfile.Document()

    def parse(self, data: bytes) -> bool:
        """Whether `data` is YAML with a mapping in it; an empty file is an empty mapping."""
        if len(data) > MAX_MANIFEST:
            self._errors.append(PluginError(f"{self._shown}: larger than 1 MiB", kind="manifest"))
            return False
        self._document.lines = data.decode("utf-8-sig", "replace").splitlines()
        try:
            document = self._yaml.parse(data)
        except self._yaml.YamlError as error:
            self._error_at((error.line, error.column), str(error))
            return False
        document.lines = self._document.lines
        self._document = document
        if self._document.value is None:
            self._document.value = {}
        return True

    def where(self, path: str) -> str:
        """`file:line:column` of the value at `path`."""
        line, column = self._document.place(path)
        return f"{self._shown}:{line}:{column}"

    def excerpt(self, path: str) -> str:
        """The line of the value at `path` with a caret, to end a message with."""
        return self._document.excerpt(*self._document.place(path))

    def error(self, path: str, message: str, *, hint: str | None = None, kind: str = "manifest") -> None:
        """Note an error about the value at `path`."""
        self._error_at(self._document.place(path), message, hint=hint, kind=kind)

    def _error_at(
        self, place: tuple[int, int], message: str, *, hint: str | None = None, kind: str = "manifest"
    ) -> None:
        line, column = place
        text = f"{self._shown}:{line}:{column}: {message}{self._document.excerpt(line, column)}"
        self._errors.append(PluginError(text, hint=hint, kind=kind))

    def root(self) -> ManifestEntry | None:
        """The file's outermost mapping without the keys we do not know, or `None` if nothing of it can be used."""
        if not isinstance(self._document.value, dict):
            self.error("$", "a manifest is a mapping with 'schema' and 'plugins'")
            return None
        # An unknown key is told, and hides nothing of the list.
        self._document.value = self._known("$", self._document.value, ManifestEntry)
        root, is_right = self.convert("$", ManifestEntry)
        if root is None or not is_right:
            return None
        if root.schema != SCHEMA_VERSION:
            advice = "upgrade semfora-hooks" if root.schema > SCHEMA_VERSION else f"the schema is {SCHEMA_VERSION}"
            self.error("$.schema", f"schema {root.schema} is not supported: {advice}", kind="incompatible")
            return None
        return root

    def convert(self, path: str, struct: type[_T]) -> tuple[_T | None, bool]:
        """The value at `path` as `struct`, and whether nothing was wrong with it.

        Everything that is wrong is noted, not only the first. What is wrong or missing has a default in the struct.
        """
        before = len(self._errors)
        value = self._value(path)
        if isinstance(value, dict):
            value = self._known(path, value, struct)
        for _ in range(len(struct.__struct_fields__) + 1):
            try:
                return msgspec.convert(value, struct), len(self._errors) == before
            except msgspec.ValidationError as error:
                if not isinstance(value, dict) or not self._tell_and_mend(path, value, str(error)):
                    self._tell(path, str(error))
                    break
        return None, False

    def _tell_and_mend(self, path: str, table: dict[str, Any], problem: str) -> bool:
        """Note what msgspec found wrong with `table`, and take it out, so that it finds what else is wrong."""
        key = self._key(problem)
        if not key and _MISSING.search(problem):
            missing = [name for name in _REQUIRED if name not in table]
            names = ", ".join(f"`{name}`" for name in missing)
            text = f"missing required field{'s' if len(missing) > 1 else ''} {names}"
            self.error(path, text, hint=f"a plugin has at least {', '.join(_REQUIRED)}")
            table |= dict.fromkeys(missing, _PLACEHOLDER)
            return True
        wrong = re.split(r"[.\[]", key)[0]
        if wrong not in table:
            return False
        self._tell(path, problem)
        del table[wrong]
        if wrong in _REQUIRED:
            table[wrong] = _PLACEHOLDER
        return True

    def _tell(self, path: str, problem: str) -> None:
        """Note an error of msgspec's about something in the value at `path`."""
        match = _PATH.fullmatch(problem)
        message, inner = (match[1], match[2]) if match else (problem, "")
        key = self._key(problem)
        self.error(path + inner, f"'{key}': {message}" if key else message, hint=self._hint(path + inner, message))

    @staticmethod
    def _key(problem: str) -> str:
        match = _PATH.fullmatch(problem)
        return match[2].lstrip(".") if match else ""

    def _value(self, path: str) -> Any:
        value = self._document.value
        for part in re.findall(r"\w+", path):
            value = value[int(part)] if isinstance(value, list) else value[part]
        return value

    def _known(self, path: str, table: Mapping[str, Any], struct: type[msgspec.Struct]) -> dict[str, Any]:
        """`table` without keys that `struct` does not have, at any depth; they are noted."""
        fields = {item.encode_name: item.type for item in msgspec.structs.fields(struct)}
        kept: dict[str, Any] = {}
        for key, value in table.items():
            if key not in fields:
                place = self._document.keys[f"{path}.{key}"]
                self._error_at(place, f"unknown key '{key}'", hint=unknown_key_text(key, list(fields)))
            elif isinstance(value, dict) and isinstance(fields[key], type) and issubclass(fields[key], msgspec.Struct):
                kept[key] = self._known(f"{path}.{key}", value, fields[key])
            else:
                kept[key] = value
        return kept

    def _hint(self, path: str, message: str) -> str | None:
        """What would be valid at `path`, where that is a short list."""
        key = _INDEX.sub("", path).rpartition(".")[2]
        choices = {
            "severity": tuple(severity.value for severity in Severity),
            "granularity": get_args(Granularity),
            "on_error": get_args(OnError),
            "needs": get_args(Need),
        }.get(key)
        if choices:
            value = self._value(path) if path in self._document.places else None
            guess = nearest(value, choices) if isinstance(value, str) else None
            return f"did you mean '{guess}'?" if guess else f"valid: {', '.join(choices)}"
        return "put it in quotes" if re.match("Expected `str( |`).*, got `(bool|int|float|date)", message) else None

    def check_entry(self, path: str, entry: PluginEntry) -> bool:
        """Whether an entry of the right types also makes sense."""
        before = len(self._errors)
        for key, name in (("name", entry.name), ("group", entry.group)):
            if not _NAME.fullmatch(name):
                self.error(f"{path}.{key}", f"'{key}': {name!r}: only letters, digits, '.', '_' and '-'")
        if not entry.file_name.isprintable() or not entry.file_name.strip():
            self.error(f"{path}.file", f"'file': {entry.file_name!r} cannot be read: it is no file's name")
        if not entry.description.strip():
            self.error(f"{path}.description", "'description' is empty")
        if entry.contract != CONTRACT_VERSION:
            advice = "upgrade semfora-hooks" if entry.contract > CONTRACT_VERSION else "update the plugin"
            message = f"plugin '{entry.name}' needs contract {entry.contract}, we speak {CONTRACT_VERSION}: {advice}"
            self.error(f"{path}.contract", message, kind="incompatible")
        return len(self._errors) == before

    def limits(self, path: str, entry: LimitsEntry, defaults: Limits) -> Limits | None:
        """`entry` in numbers, or `None` after noting what is wrong with it."""
        before = len(self._errors)
        memory, timeout = defaults.memory, defaults.timeout
        try:
            if entry.memory is not None:
                memory = parse_size(entry.memory)
                if memory < MIN_MEMORY:
                    raise ValueError(f"{entry.memory!r} is less than one WASM page (64KiB)")
        except ValueError as error:
            self.error(f"{path}.memory", f"'limits.memory': {error}")
        try:
            if entry.timeout is not None:
                timeout = parse_duration(entry.timeout)
                if timeout <= 0:
                    raise ValueError(f"{entry.timeout!r} is no time at all")
        except ValueError as error:
            self.error(f"{path}.timeout", f"'limits.timeout': {error}")
        return Limits(memory, timeout) if len(self._errors) == before else None


def valid_name(name: str) -> bool:
    """Whether `name` can be part of a rule's id."""
    return _NAME.fullmatch(name) is not None
