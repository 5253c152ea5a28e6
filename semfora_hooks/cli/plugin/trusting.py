"""`semfora-hooks plugin trust`: which contents this user lets run, where their configuration asks for trust."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import click

from semfora_hooks.cli import EXIT_CLEAN, printable
from semfora_hooks.cli.plugin.reading import PluginFolder, read_code, read_folder
from semfora_hooks.errors import UsageError
from semfora_hooks.providers.wasm.cursor import BinaryError
from semfora_hooks.providers.wasm.inspect import inspect
from semfora_hooks.providers.wasm.trust import TrustRecord, TrustStore
from semfora_hooks.userconfig import user_config_path

_HASH = re.compile(r"[0-9a-f]{8,64}")


@click.command()
@click.argument("targets", nargs=-1, metavar="[NAME|FILE]...")
@click.option("--list", "show", is_flag=True, help="List what is trusted, and where that is kept.")
@click.option("--revoke", is_flag=True, help="Take trust away: NAME, FILE, or the beginning of a hash.")
def trust(targets: tuple[str, ...], show: bool, revoke: bool) -> int:
    """Trust the content that a plugin, or a file, has now. Any other content, even of the same name, stays untrusted.

    It matters where your own configuration says `trust = "explicit"`; '--list' names that file. What is trusted is kept
    outside every repository. Nothing is asked: naming a plugin is the consent.
    """
    folder = read_folder()
    store = TrustStore(folder.config.root_path)
    if show:
        if targets or revoke:
            raise UsageError("--list takes neither names nor --revoke")
        return _show(folder, store)
    if not targets:
        names = ", ".join(spec.name for spec in folder.found.specs) or "none"
        raise UsageError("name a plugin or a file", hint=f"plugins here: {names}")
    if revoke:
        return _revoke(folder, store, targets)
    for record in [_record(folder, target) for target in targets]:  # all of them, or none
        is_new = store.add(record)
        click.echo(printable(f"{'trusted' if is_new else 'already trusted'}  {_line(record)}"))
    if folder.user.trust != "explicit":
        click.echo(
            f'note: plugins run without it, as your configuration does not ask for trust: trust = "explicit" in '
            f"[plugins.wasm] of {printable(str(user_config_path()))} does",
            err=True,
        )
    return EXIT_CLEAN


def _record(folder: PluginFolder, target: str) -> TrustRecord:
    spec, path = folder.resolve(target)
    binary = read_code(path)
    try:
        problem = inspect(binary.code).problem
    except BinaryError as error:
        raise UsageError(f"{path}: {error}; it is not trusted") from None
    if problem is not None:
        raise UsageError(f"{path}: {problem[1]}; it cannot run, and is not trusted")
    name = spec.name if spec is not None else path.stem
    return TrustRecord(sha256=binary.key, name=name, source=str(path), size=len(binary.code))


def _show(folder: PluginFolder, store: TrustStore) -> int:
    click.echo(printable(f"configuration  {user_config_path()} (trust = {folder.user.trust})"))
    click.echo(printable(f"trusted        {store.folder}"))
    for record in store.records():
        click.echo(printable(f"{_line(record)}  {record.date}"))
    return EXIT_CLEAN


def _revoke(folder: PluginFolder, store: TrustStore, targets: Sequence[str]) -> int:
    records = store.records()
    chosen: dict[str, TrustRecord] = {}
    for target in targets:
        found = [record for record in records if _is_meant(folder, record, target)]
        if not found:
            raise UsageError(f"nothing that is trusted is called '{target}'", hint="semfora-hooks plugin trust --list")
        chosen |= {record.sha256: record for record in found}
    for sha256, record in chosen.items():
        store.revoke(sha256)
        click.echo(printable(f"revoked  {_line(record)}"))
    return EXIT_CLEAN


def _is_meant(folder: PluginFolder, record: TrustRecord, target: str) -> bool:
    """Whether a record is of what an argument names: every content ever trusted under a name here, or of a file."""
    if _HASH.fullmatch(target) and record.sha256.startswith(target):
        return True
    spec = folder.named(target)
    if spec is not None:
        return record.source == str(folder.file_of(spec)) or record.name == spec.name
    return record.source == str(Path(target).resolve()) or record.name == target


def _line(record: TrustRecord) -> str:
    return f"{record.name}  {record.sha256}  {record.size:,} bytes  {record.source}"
