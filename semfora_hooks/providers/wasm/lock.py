"""The lock, `.semfora/plugins/manifest.lock`: which bytes were reviewed under which name. Enforced where it is.

TOML with one `[[plugin]]` a plugin, sorted by name, so that its diff shows a changed plugin and nothing else.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from semfora_hooks.config import parse_toml
from semfora_hooks.errors import PluginError
from semfora_hooks.providers.wasm import PLUGIN_FOLDER
from semfora_hooks.providers.wasm.abi import BinaryKind
from semfora_hooks.providers.wasm.folder import checked_file
from semfora_hooks.providers.wasm.replacing import replace_file

if TYPE_CHECKING:
    from semfora_hooks.providers.wasm.host import Binary
    from semfora_hooks.providers.wasm.inspect import BinaryInfo
    from semfora_hooks.providers.wasm.rule import PluginSpec

LOCK = "manifest.lock"
SHOWN = f"{PLUGIN_FOLDER}/{LOCK}"
LOCK_VERSION = 1
MAX_LOCK = 4 << 20

_HEADER = """\
# Written by 'semfora-hooks plugin lock'. Commit this file and review what changes in it:
# a plugin runs only if its bytes are those recorded here.
"""
_SHA256 = re.compile(r"[0-9a-f]{64}")


class LockedPlugin(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One plugin as it was locked.

    Attributes:
        name: Its name in the manifest.
        file: Its file, relative to the plugin folder.
        sha256: Of the file's bytes, in hexadecimal.
        size: Bytes of the file.
        kind: Core module or component.
        abi: The plugin ABI it speaks.
        contract: The version of the JSON contract it was written for.
        imports: What it imports, sorted.
    """

    name: str
    file: str
    sha256: str
    size: int
    kind: BinaryKind
    abi: int
    contract: int
    imports: tuple[str, ...] = ()

    @classmethod
    def of(cls, spec: PluginSpec, binary: Binary, info: BinaryInfo) -> LockedPlugin:
        """The entry for a plugin as it is now."""
        return cls(
            name=spec.name,
            file=spec.file,
            sha256=binary.key,
            size=len(binary.code),
            kind=info.kind,
            abi=info.abi or 0,
            contract=spec.contract,
            imports=tuple(sorted({item.name for item in info.imports})),
        )


class _Document(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    version: int
    plugin: tuple[LockedPlugin, ...] = ()


class LockVersionError(PluginError):
    """A later version of this program wrote the lock."""


def read_lock(folder: Path) -> dict[str, LockedPlugin] | None:
    """The locked plugins by name; `None` where there is no lock.

    Args:
        folder: The plugin folder.

    Raises:
        LockVersionError: A later version of this program wrote it.
        PluginError: It is there and cannot be read or understood (`untrusted`).
    """
    if not os.path.lexists(folder / LOCK):
        return None
    try:
        data = checked_file(folder, LOCK, SHOWN, MAX_LOCK).read_bytes()
    except PluginError as error:
        raise _damaged(error.message.removeprefix(f"{SHOWN}: ")) from None
    except OSError as error:
        raise _damaged(f"it cannot be read: {error.strerror}") from None
    return parse_lock(data)


def parse_lock(data: bytes) -> dict[str, LockedPlugin]:
    """What a lock says; errors as in `read_lock`."""
    try:
        table = parse_toml(data.decode())
    except (ValueError, RecursionError) as error:
        raise _damaged(f"not valid TOML: {error}") from None
    version = table.get("version")
    if type(version) is int and version > LOCK_VERSION:
        message = f"{SHOWN}: version {version} is from a later semfora-hooks; no plugin is run"
        raise LockVersionError(message, hint="upgrade semfora-hooks", kind="untrusted")
    try:
        document = msgspec.convert(table, _Document, strict=True)
    except msgspec.ValidationError as error:
        raise _damaged(str(error)) from None
    if document.version != LOCK_VERSION:
        raise _damaged(f"there is no version {document.version}")
    found: dict[str, LockedPlugin] = {}
    for plugin in document.plugin:
        if plugin.name in found:
            raise _damaged(f"plugin {plugin.name!r} stands in it twice")
        if not _SHA256.fullmatch(plugin.sha256):
            raise _damaged(f"the sha256 of plugin {plugin.name!r} is none: {plugin.sha256[:80]!r}")
        found[plugin.name] = plugin
    return found


def _damaged(why: str) -> PluginError:
    return PluginError(
        f"{SHOWN}: the lock is damaged, so no plugin is run: {why}",
        hint="restore it from version control, or review the plugins and run: semfora-hooks plugin lock",
        kind="untrusted",
    )


def render_lock(plugins: Iterable[LockedPlugin]) -> str:
    """The text of a lock; the same for the same plugins."""
    parts = [f"{_HEADER}version = {LOCK_VERSION}\n"]
    for plugin in sorted(plugins, key=lambda item: item.name):
        lines = ["", "[[plugin]]"]
        lines += [
            f"{name} = {value if isinstance(value, int) else _quoted(value)}"
            for name in plugin.__struct_fields__
            if not isinstance(value := getattr(plugin, name), tuple)
        ]
        if plugin.imports:
            lines += ["imports = [", *(f"    {_quoted(item)}," for item in plugin.imports), "]"]
        parts.append("\n".join(lines) + "\n")
    return "".join(parts)


def _quoted(text: str) -> str:
    """A TOML basic string: JSON's, but for DEL, which TOML wants escaped."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def write_lock(folder: Path, text: str) -> bool:
    """Put a lock in its place, whole or not at all; whether its text changed.

    Raises:
        OSError: The folder cannot be written.
    """
    path = folder / LOCK
    with suppress(OSError, ValueError):
        if not path.is_symlink() and path.read_text("utf-8") == text:
            return False
    replace_file(path, text.encode(), mode=0o644)
    return True


def lock_changes(old: Mapping[str, LockedPlugin], new: Mapping[str, LockedPlugin]) -> list[str]:
    """What differs between two locks, a line or more a plugin, for whoever reviews it."""
    lines = []
    for name in sorted({*old, *new}):
        before, after = old.get(name), new.get(name)
        if before == after:
            continue
        if before is None and after is not None:
            lines.append(f"added    {name}  {after.sha256[:12]}  {after.size:,} bytes")
            lines += [f"           imports {item}" for item in after.imports]
        elif after is None and before is not None:
            lines.append(f"removed  {name}  {before.sha256[:12]}")
        elif before is not None and after is not None:
            lines.append(f"changed  {name}  {_differences(before, after)}")
            lines += [f"           now imports {item}" for item in sorted({*after.imports} - {*before.imports})]
            lines += [f"           no longer imports {item}" for item in sorted({*before.imports} - {*after.imports})]
    return lines


def _differences(before: LockedPlugin, after: LockedPlugin) -> str:
    parts = [f"{before.sha256[:12]} -> {after.sha256[:12]}"] if before.sha256 != after.sha256 else []
    for name in ("file", "size", "kind", "abi", "contract"):
        one, two = getattr(before, name), getattr(after, name)
        if one != two:
            parts.append(f"{name} {one} -> {two}")
    return ", ".join(parts) or "imports"
