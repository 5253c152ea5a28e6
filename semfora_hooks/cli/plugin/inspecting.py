"""`semfora-hooks plugin inspect`: what stands in a plugin's binary. Neither runs nor compiles it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import click

from semfora_hooks.cli import EXIT_CLEAN, printable
from semfora_hooks.cli.plugin.reading import PluginFolder, read_code, read_folder
from semfora_hooks.errors import PluginError, UsageError
from semfora_hooks.providers.wasm.approval import Approval, approve
from semfora_hooks.providers.wasm.cursor import BinaryError
from semfora_hooks.providers.wasm.folder import MANIFEST
from semfora_hooks.providers.wasm.host import Binary
from semfora_hooks.providers.wasm.inspect import BinaryInfo, Bounds
from semfora_hooks.providers.wasm.inspect import inspect as read_info
from semfora_hooks.providers.wasm.rule import PluginSpec
from semfora_hooks.providers.wasm.trust import TrustStore
from semfora_hooks.reporters.jsonreport import as_json

_PAGE = 64 << 10


@click.command()
@click.argument("target", metavar="NAME|FILE")
@click.option("--output-format", type=click.Choice(["text", "json"]), default="text", show_default=True)
def inspect(target: str, output_format: str) -> int:
    """Say what stands in a plugin's binary: a plugin of this repository, or any file. Nothing of it runs."""
    folder = read_folder()
    spec, path = folder.resolve(target)
    binary = read_code(path)
    try:
        info = read_info(binary.code)
    except BinaryError as error:
        raise UsageError(f"{path}: {error}") from None
    document = {
        "file": str(path),
        "sha256": binary.key,
        "size": len(binary.code),
        "kind": info.kind,
        "abi": info.abi,
        "problem": {"kind": info.problem[0], "message": info.problem[1]} if info.problem else None,
        "imports": [
            {"name": item.name, "kind": item.kind, "type": item.type, "grant": item.grant} for item in info.imports
        ],
        "exports": [{"name": item.name, "kind": item.kind, "type": item.type} for item in info.exports],
        "memories": [_bounds(bounds, _PAGE) for bounds in info.memories],
        "tables": [_bounds(bounds, 1) for bounds in info.tables],
        "has_start": info.has_start,
        "plugin": _plugin(folder, spec) if spec is not None else None,
        "trusted": _trusted(folder, binary),
    }
    if output_format == "json":
        click.echo(as_json(document, order=None), nl=False)
    else:
        for line in _lines(document, info):
            click.echo(printable(line))
    return EXIT_CLEAN


def _bounds(bounds: Bounds, unit: int) -> dict[str, int | None]:
    maximum = None if bounds.maximum is None else bounds.maximum * unit
    return {"minimum": bounds.minimum * unit, "maximum": maximum}


def _plugin(folder: PluginFolder, spec: PluginSpec) -> dict[str, Any]:
    """How the manifest and the lock see the plugin that the binary is."""
    alone = replace(folder.found, specs=[spec], broken={}, is_complete=False)
    approvals = approve(folder.config, folder.path, alone, folder.user, look_closer=True).plugins
    approval = approvals[0] if approvals else Approval(spec)
    return {
        "name": spec.name,
        "id": spec.id,
        "enabled": spec.enabled,
        "contract": spec.contract,
        "needs": spec.needs,
        "granularity": spec.granularity,
        "limits": {"memory": spec.limits.memory, "timeout": spec.limits.timeout},
        "lock": approval.lock,
        "refused": approval.refusal.message if approval.refusal is not None else None,
    }


def _trusted(folder: PluginFolder, binary: Binary) -> bool:
    try:
        return TrustStore(folder.config.root_path).is_trusted(binary.key)
    except PluginError:
        return False


def _lines(document: dict[str, Any], info: BinaryInfo) -> Iterator[str]:
    yield f"file      {document['file']}"
    yield f"sha256    {document['sha256']}"
    yield f"size      {document['size']:,} bytes"
    yield f"kind      {info.kind}, plugin ABI {'unknown' if info.abi is None else info.abi}"
    plugin = document["plugin"]
    if plugin is None:
        yield f"plugin    none of {MANIFEST}"
    else:
        limits = plugin["limits"]
        yield f"plugin    {plugin['id']}, contract {plugin['contract']}" + ("" if plugin["enabled"] else ", disabled")
        yield f"needs     {', '.join(plugin['needs']) or 'nothing'}; {plugin['granularity']}"
        yield f"limits    {limits['memory'] / (1 << 20):.4g} MiB, {limits['timeout']:g} s"
        yield f"lock      {plugin['lock']}"
    yield f"trusted   {'yes' if document['trusted'] else 'no'}, by you"
    yield from _counted("imports", [f"{item.grant:<8}  {item.name}  {item.type or item.kind}" for item in info.imports])
    yield from _counted("exports", [f"{item.name}  {item.type or item.kind}" for item in info.exports])
    yield from _counted("memories", [_size(item) for item in document["memories"]])
    yield from _counted("tables", [_elements(item) for item in document["tables"]])
    if info.has_start:
        yield "start     a start function runs before 'evaluate', under the same limits"
    if info.problem is not None:
        yield f"problem   {info.problem[0]}: {info.problem[1]}"
    if plugin is not None and plugin["refused"]:
        yield f"refused   {plugin['refused']}"


def _counted(title: str, items: list[str]) -> Iterator[str]:
    yield f"{title:<9} {len(items) or 'none'}"
    yield from (f"          {item}" for item in items)


def _size(item: dict[str, int | None]) -> str:
    minimum, maximum = item["minimum"] or 0, item["maximum"]
    return f"{minimum // 1024:,} KiB at first, " + (
        "no maximum of its own" if maximum is None else f"at most {maximum // 1024:,} KiB"
    )


def _elements(item: dict[str, int | None]) -> str:
    maximum = item["maximum"]
    return f"{item['minimum']:,} elements at first, " + (
        "no maximum of its own" if maximum is None else f"at most {maximum:,}"
    )
