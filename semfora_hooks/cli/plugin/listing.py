"""`semfora-hooks plugin list`: the plugins of a repository, and which of them run."""

from __future__ import annotations

from typing import Any

import click

from semfora_hooks.cli import EXIT_CLEAN, EXIT_ERROR, printable
from semfora_hooks.cli.plugin.reading import PluginFolder, read_folder, tell
from semfora_hooks.errors import PluginError
from semfora_hooks.providers.wasm import PLUGIN_FOLDER, host
from semfora_hooks.providers.wasm.approval import Approval, approve
from semfora_hooks.providers.wasm.folder import MANIFEST
from semfora_hooks.reporters.jsonreport import as_json


@click.command("list")
@click.option("--output-format", type=click.Choice(["text", "json"]), default="text", show_default=True)
def list_plugins(output_format: str) -> int:
    """List the plugins, and which of them run.

    The status is 'enabled' (it runs), 'locked' (and is what the lock holds), 'trusted' (and its content is trusted by
    this user, who asks for that), 'refused', 'disabled' or 'unlisted'.
    """
    folder = read_folder()
    approvals = approve(folder.config, folder.path, folder.found, folder.user, look_closer=True)
    rows = _rows(folder, {approval.spec.name: approval for approval in approvals.plugins})
    if output_format == "json":
        click.echo(as_json(rows, order=None), nl=False)
    else:
        for line in _table(rows) if rows or not folder.found.errors else ():
            click.echo(printable(line))
    errors = [*folder.found.errors, *approvals.errors]
    tell(errors)
    for notice in approvals.notices:
        click.echo(f"note: {printable(notice)}", err=True)
    if approvals.specs and host.wasmtime_folder() is None:
        click.echo("note: wasmtime is not installed, so none of them runs: pip install 'semfora-hooks[wasm]'", err=True)
    return EXIT_ERROR if errors else EXIT_CLEAN


def _rows(folder: PluginFolder, approvals: dict[str, Approval]) -> list[dict[str, Any]]:
    rows = []
    for spec in folder.found.specs:
        approval = approvals.get(spec.name)
        binary = approval.binary if approval is not None else None
        status, reason = _status(folder, approval)
        rows.append(
            {
                "name": spec.name,
                "id": spec.id,
                "file": spec.file,
                "version": spec.version,
                "status": status,
                "reason": reason,
                "lock": approval.lock if approval is not None else None,
                "trusted": approval.trusted if approval is not None else None,
                "sha256": binary.key if binary is not None else None,
                "size": len(binary.code) if binary is not None else None,
            }
        )
    empty = dict.fromkeys(("version", "lock", "trusted", "sha256", "size"))
    for name, error in folder.found.broken.items():
        rows.append({"name": name, "id": None, "file": None, "status": "refused", "reason": _reason(error), **empty})
    for file in folder.found.unlisted:
        reason = f"not listed in {MANIFEST}"
        rows.append({"name": None, "id": None, "file": file, "status": "unlisted", "reason": reason, **empty})
    return sorted(rows, key=lambda row: (row["name"] is None, row["name"] or row["file"]))


def _status(folder: PluginFolder, approval: Approval | None) -> tuple[str, str | None]:
    if approval is None:
        return "disabled", f"enabled: false in {MANIFEST}"
    if not folder.config.plugins.wasm.enabled:
        return "disabled", f"plugins.wasm.enabled = false in {folder.config.source}"
    if not folder.user.enabled:
        return "disabled", "plugins.wasm.enabled = false in your own configuration"
    if approval.refusal is not None:
        return "refused", _reason(approval.refusal)
    if folder.user.trust == "explicit" and approval.trusted:
        return "trusted", None
    return ("locked" if approval.lock == "locked" else "enabled"), None


def _reason(error: PluginError) -> str:
    return error.message.partition("\n")[0]


def _table(rows: list[dict[str, Any]]) -> list[str]:
    if not rows:
        return [f"there are no plugins in {PLUGIN_FOLDER}"]
    cells = [
        (row["id"] or row["name"] or "-", row["status"], (row["sha256"] or "-")[:12], row["file"] or "-")
        for row in rows
    ]
    widths = [max(len(cell[column]) for cell in cells) for column in range(3)]
    lines = []
    for cell, row in zip(cells, rows, strict=True):
        line = "  ".join([*(text.ljust(width) for text, width in zip(cell, widths, strict=False)), cell[3]])
        # What is refused stands among the errors below, with what to do.
        lines.append(line if row["reason"] is None or row["status"] == "refused" else f"{line}  ({row['reason']})")
    return lines
