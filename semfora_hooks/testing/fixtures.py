"""Fixtures of WASM plugins: `x.context.json`, what a plugin gets, and `x.expected.json`, what it must say of it.

They are run in the sandbox that `suggest` uses, under the plugin's own limits.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any

import msgspec

from semfora_hooks.config import Config
from semfora_hooks.context import SuggestContext
from semfora_hooks.errors import PluginError, ProviderError
from semfora_hooks.model import ContextDocument, Recommendation
from semfora_hooks.policy.intake import complete
from semfora_hooks.providers.wasm import host
from semfora_hooks.providers.wasm.binaryfile import read_binary
from semfora_hooks.providers.wasm.caches import PluginCaches
from semfora_hooks.providers.wasm.failures import plugin_error
from semfora_hooks.providers.wasm.folder import ceilings
from semfora_hooks.providers.wasm.output import OutputError, decode
from semfora_hooks.providers.wasm.replacing import replace_file
from semfora_hooks.providers.wasm.rule import PluginSpec, WasmRule
from semfora_hooks.providers.wasm.text import clean
from semfora_hooks.reporters.jsonreport import as_json
from semfora_hooks.userconfig import load_user_config

CONTEXT, EXPECTED = ".context.json", ".expected.json"
MAX_FILE = 64 << 20
"""Bytes of a context or of what is expected."""
_COMPARED = 2_000
"""Lines from the first difference on that are looked at."""
_SHOWN = 60
"""Lines of a difference that are shown."""


@dataclass(frozen=True, slots=True)
class Fixture:
    """One pair of files.

    Attributes:
        name: What both files' names start with.
        folder: Where they stand; the real path.
    """

    name: str
    folder: Path

    @property
    def context(self) -> Path:
        """The document that the plugin gets, byte for byte."""
        return self.folder / f"{self.name}{CONTEXT}"

    @property
    def expected(self) -> Path:
        """What it must say: an array of recommendations, or `{"error": …}`."""
        return self.folder / f"{self.name}{EXPECTED}"


@dataclass(frozen=True, slots=True)
class FixtureOutcome:
    """What a plugin made of one of its fixtures.

    Attributes:
        plugin: The plugin.
        fixture: The fixture.
        problem: Why nothing can be compared: the plugin failed, or a file is no good.
        is_new: Whether nothing is expected yet.
        difference: Lines that start with `-` (expected only), `+` (said only) or a space; none if both say the same.
        output: What the plugin said, as an indented JSON document.
    """

    plugin: PluginSpec
    fixture: Fixture
    problem: PluginError | None = None
    is_new: bool = False
    difference: tuple[str, ...] = ()
    output: bytes = b""

    @property
    def passed(self) -> bool:
        """Whether the plugin said what is expected."""
        return self.problem is None and not self.is_new and not self.difference

    def lines(self) -> Iterator[str]:
        """Why it did not pass, without characters that drive a terminal."""
        head = f"{self.plugin.id}, fixture {self.fixture.name}"
        if self.problem is not None:
            hint = f" ({self.problem.hint})" if self.problem.hint else ""
            yield f"{head}: could not be checked: {self.problem.message}{hint}"
            return
        if self.is_new:
            yield f"{head}: there is no {self.fixture.expected.name}; --update writes it"
        else:
            yield f"{head}: other findings than in {self.fixture.expected.name} (- expected, + what the plugin says)"
        yield from (f"  {clean(line)}" for line in self.difference)

    def accept(self) -> None:
        """Write what the plugin said as what is expected from now on.

        Raises:
            PluginError: The file cannot be written.
        """
        path = self.fixture.expected
        try:
            replace_file(path, self.output, mode=0o644)
        except OSError as error:
            raise PluginError(f"{path}: cannot be written: {error.strerror}", kind="fixture") from None


def fixture_folder(spec: PluginSpec, folder: Path) -> Path | None:
    """Where a plugin's fixtures are: what the manifest's `tests` names, else `tests/<name>` if there is such a folder.

    Args:
        spec: The plugin.
        folder: The plugin folder, which the fixtures must not leave.

    Raises:
        PluginError: The manifest names what is no folder, or leads outside.
    """
    where = f"{spec.origin}: plugin '{spec.name}': 'tests'"
    name = spec.tests if spec.tests is not None else f"tests/{spec.name}"
    try:
        path = (folder / name).resolve(strict=True)
    except FileNotFoundError:
        if spec.tests is None:
            return None
        raise PluginError(f"{where}: the folder '{name}' does not exist", kind="fixture") from None
    except (OSError, RuntimeError, ValueError) as error:  # RuntimeError: a loop of links; ValueError: a null byte
        raise PluginError(f"{where}: {name!r} cannot be read: {error}", kind="fixture") from None
    if not path.is_relative_to(folder.resolve()):
        raise PluginError(f"{where}: '{name}' is outside the plugin folder", kind="fixture")
    if not path.is_dir():
        raise PluginError(f"{where}: '{name}' is no folder", kind="fixture")
    return path


def find_fixtures(folder: Path) -> list[Fixture]:
    """The fixtures in a folder, by name.

    Raises:
        PluginError: There is none, something is expected without a context, a name cannot be shown, or the folder
            cannot be read.
    """
    try:
        files = sorted(path.name for path in folder.iterdir())
    except OSError as error:
        raise PluginError(f"{folder}: cannot be read: {error.strerror}", kind="fixture") from None
    names = [file.removesuffix(CONTEXT) for file in files if file.endswith(CONTEXT)]
    for name in names:
        if not name or not name.isprintable():
            raise PluginError(f"{folder}: {name + CONTEXT!r} cannot be a fixture's name", kind="fixture")
    for file in files:
        if file.endswith(EXPECTED) and file.removesuffix(EXPECTED) not in names:
            wanted = file.removesuffix(EXPECTED) + CONTEXT
            raise PluginError(f"{folder / file}: there is no {wanted} beside it", kind="fixture")
    if not names:
        hint = "semfora-hooks plugin run NAME --show-context prints what a plugin gets"
        raise PluginError(f"{folder}: there is no file *{CONTEXT}", hint=hint, kind="fixture")
    return [Fixture(name, folder) for name in names]


class _Compiled(PluginCaches):
    """Keeps compiled code, and no results: a test runs the plugin."""

    def result(self, key: str) -> None:
        """Never known."""

    def keep_result(self, key: str, output: bytes, log: str) -> None:
        """Never kept."""


def plugin_pool(config: Config) -> host.Pool:
    """A sandbox that runs plugins each time they are asked.

    Raises:
        PluginError: wasmtime is not installed.
        ConfigError: The user's own configuration is wrong.
    """
    wasmtime = host.wasmtime_folder()
    if wasmtime is None:
        hint = "pip install 'semfora-hooks[wasm]'"
        raise PluginError("plugins cannot run, because wasmtime is not installed", hint=hint, kind="missing_extra")
    caches = _Compiled(config.root_path, wasmtime) if config.use_cache else None
    return host.Pool(ceilings(config, load_user_config().plugins.wasm).memory, caches)


def try_fixture(spec: PluginSpec, fixture: Fixture, pool: host.Pool) -> FixtureOutcome:
    """Run a plugin on one of its fixtures, and compare. Never raises for what plugin or files may hold."""
    rule = WasmRule(spec, pool)
    try:
        context = _read(fixture.context)
        view = read_context(context, str(fixture.context))
        is_new = not (fixture.expected.exists() or fixture.expected.is_symlink())
        expected = "" if is_new else _expected(_read(fixture.expected), view, rule, fixture.expected)
        output = run_plugin(spec, context, pool)[0]
        got = _said(spec, output, view, rule)
    except PluginError as error:
        return FixtureOutcome(spec, fixture, problem=error)
    document = msgspec.json.format(output, indent=2) + b"\n"
    return FixtureOutcome(spec, fixture, is_new=is_new, difference=tuple(_difference(expected, got)), output=document)


def run_plugin(spec: PluginSpec, context: bytes, pool: host.Pool) -> tuple[bytes, str]:
    """A plugin's result for a document, and what it printed.

    Raises:
        PluginError: It failed.
    """
    try:
        binary = spec.binary or read_binary(spec.path, spec.max_size)
        return pool.evaluate(binary, context, memory=spec.limits.memory, timeout=spec.limits.timeout)
    except host.SandboxError as error:
        raise plugin_error(spec, error.kind, error.detail, error.log) from None


def read_context(data: bytes, where: str) -> SuggestContext:
    """A document as rules see it.

    Args:
        data: The document.
        where: What an error's message starts with.

    Raises:
        PluginError: It is not a `SuggestContext`.
    """
    try:
        document = msgspec.json.decode(data, type=ContextDocument)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise PluginError(f"{where}: it is no SuggestContext: {error}", kind="fixture") from None
    sections = ("symbols", "calls", "modules", "duplicates")
    return SuggestContext(
        generator=document.generator,
        repository=document.repository,
        scope=document.scope,
        config=document.config,
        **{name: getattr(document, name) for name in sections},
    )


def recommendations(output: bytes, context: SuggestContext, rule: WasmRule) -> list[Recommendation]:
    """A plugin's result as a run takes it in: cleaned, checked, completed, in the plugin's order.

    Raises:
        OutputError: It breaks the contract, or says that the plugin failed.
        ProviderError: A value is nonsense.
    """
    found, malformed = decode(output, context)
    if malformed is not None:
        raise malformed
    return [complete(item, rule, context, None) for item in found]


def _normal(output: bytes, context: SuggestContext, rule: WasmRule) -> str:
    """A result in the form in which two are compared: what is left out filled in, whatever its layout; one may raise
    as `recommendations` does.
    """
    document: Any
    try:
        document = recommendations(output, context, rule)
    except OutputError as error:
        if error.kind != "plugin":
            raise
        document = {"error": msgspec.json.decode(output)["error"]}
    return as_json(document)


def _expected(data: bytes, context: SuggestContext, rule: WasmRule, path: Path) -> str:
    try:
        return _normal(data, context, rule)
    except (OutputError, ProviderError) as error:
        hint = 'it is what the plugin returns: an array of recommendations, or {"error": …}'
        why = error.detail if isinstance(error, OutputError) else error.message
        raise PluginError(f"{path}: {why}", hint=hint, kind="fixture") from None


def _said(spec: PluginSpec, output: bytes, context: SuggestContext, rule: WasmRule) -> str:
    try:
        return _normal(output, context, rule)
    except OutputError as error:
        raise plugin_error(spec, error.kind, error.detail) from None
    except ProviderError as error:
        raise plugin_error(spec, "bad_output", error.message) from None


def _read(path: Path) -> bytes:
    try:
        return read_binary(path, MAX_FILE).code
    except host.SandboxError as error:
        raise PluginError(f"{path}: {error.detail}", kind="fixture") from None


def _difference(expected: str, got: str) -> Iterator[str]:
    """The lines in which two documents differ, with three around each; the first that fit."""
    if expected == got:
        return
    before, after = expected.splitlines(), got.splitlines()
    same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(before, after, strict=False)))
    part = slice(max(0, same - 3), same + _COMPARED)  # to compare all of two long documents takes very long
    lines = [
        line
        for line in difflib.unified_diff(before[part], after[part], n=3, lineterm="")
        if not line.startswith(("--- ", "+++ ", "@@ "))
    ]
    yield from lines[:_SHOWN]
    if len(lines) > _SHOWN or max(len(before), len(after)) > same + _COMPARED:
        yield "… and more"
