"""`semfora-hooks plugin lock`: record what was reviewed."""

from __future__ import annotations

from collections.abc import Sequence

import click

from semfora_hooks.cli import EXIT_CLEAN, EXIT_ERROR, EXIT_FAILED, printable
from semfora_hooks.cli.plugin.reading import PluginFolder, read_folder, tell
from semfora_hooks.config import nearest
from semfora_hooks.errors import PluginError, UsageError
from semfora_hooks.providers.wasm.binaryfile import read_binary
from semfora_hooks.providers.wasm.cursor import BinaryError
from semfora_hooks.providers.wasm.folder import checked_file
from semfora_hooks.providers.wasm.host import SandboxError
from semfora_hooks.providers.wasm.inspect import inspect
from semfora_hooks.providers.wasm.lock import (
    SHOWN,
    LockedPlugin,
    LockVersionError,
    lock_changes,
    read_lock,
    render_lock,
    write_lock,
)
from semfora_hooks.providers.wasm.rule import PluginSpec


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 if the lock is not up to date.")
def lock(names: tuple[str, ...], check: bool) -> int:
    """Record the plugins' contents in .semfora/plugins/manifest.lock; with NAMEs, only those plugins'.

    Commit that file. From then on a plugin that changed is not run until it is locked again. Only what changed is
    updated, and printed. A plugin that cannot run is not locked.
    """
    folder = read_folder()
    if not folder.found.is_complete:
        tell(folder.found.errors)
        return EXIT_ERROR
    chosen = _chosen(folder, names)
    try:
        old = read_lock(folder.path) if folder.path.is_dir() else None
    except LockVersionError:
        raise
    except PluginError as error:
        if names or check:  # what the lock says of the others would be lost
            raise
        click.echo(f"note: {printable(error.message)}; it is written anew", err=True)
        old = {}
    new, errors = _locked(folder, chosen, old or {}, whole=not names)
    errors = [*folder.found.errors, *errors]
    code = _finish(folder, old, new, check=check)
    tell(errors)
    return EXIT_ERROR if errors else code


def _chosen(folder: PluginFolder, names: Sequence[str]) -> list[PluginSpec]:
    if not names:
        return folder.found.specs
    chosen = []
    for name in names:
        spec = folder.named(name)
        if spec is None:
            known = [spec.name for spec in folder.found.specs]
            guess = nearest(name, known)
            hint = f"did you mean '{guess}'?" if guess else f"plugins: {', '.join(sorted(known)) or 'none'}"
            tell(folder.found.errors)  # it may be there, and broken
            raise UsageError(f"there is no plugin '{name}' to lock", hint=hint)
        chosen.append(spec)
    return chosen


def _locked(
    folder: PluginFolder, chosen: Sequence[PluginSpec], old: dict[str, LockedPlugin], *, whole: bool
) -> tuple[dict[str, LockedPlugin], list[PluginError]]:
    """The new lock's entries, and why some plugins have none or the old one."""
    errors: list[PluginError] = []
    new = dict(old)
    if whole:
        known = {spec.name for spec in folder.found.specs} | folder.found.claimed
        new = {name: plugin for name, plugin in old.items() if name in known}
    for spec in chosen:
        if not spec.enabled and not (folder.path / spec.file).exists():
            continue  # it is not there yet; once it is enabled, it has to be locked
        try:
            path = spec.path if spec.enabled else checked_file(folder.path, spec.file, spec.shown, spec.max_size)
            binary = read_binary(path, spec.max_size)
            info = inspect(binary.code)
        except PluginError as error:
            errors.append(error)
            continue
        except SandboxError as error:
            errors.append(_not_locked(spec, error.kind, error.detail))
            continue
        except BinaryError as error:
            errors.append(_not_locked(spec, "compile", str(error)))
            continue
        if info.problem is not None:
            errors.append(_not_locked(spec, *info.problem))
            continue
        new[spec.name] = LockedPlugin.of(spec, binary, info)
    return new, errors


def _not_locked(spec: PluginSpec, kind: str, why: str) -> PluginError:
    return PluginError(f"plugin '{spec.id}' ({spec.shown}): {why}; it is not locked", kind=kind)


def _finish(
    folder: PluginFolder, old: dict[str, LockedPlugin] | None, new: dict[str, LockedPlugin], *, check: bool
) -> int:
    """Write the lock, or compare only, and say what changed."""
    if old is None and not new:
        click.echo("there are no plugins to lock")
        return EXIT_CLEAN
    changes = lock_changes(old or {}, new)
    for line in changes:
        click.echo(printable(line))
    if check:
        is_current = old is not None and not changes
        click.echo(f"{SHOWN} {'is up to date' if is_current else 'is not up to date; run: semfora-hooks plugin lock'}")
        return EXIT_CLEAN if is_current else EXIT_FAILED
    is_written = write_lock(folder.path, render_lock(new.values()))
    count = "1 plugin" if len(new) == 1 else f"{len(new)} plugins"
    text = f"{SHOWN}: {count}" + ("; review it and commit it" if is_written else ", nothing changed")
    click.echo(text)
    return EXIT_CLEAN
