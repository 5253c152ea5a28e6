"""What `plugin run` and `plugin bench` show a plugin: a document, or this repository."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from semfora_hooks.cli import printable
from semfora_hooks.cli.plugin.reading import PluginFolder
from semfora_hooks.context import SuggestContext
from semfora_hooks.discovery import find_root
from semfora_hooks.engine import Request, SuggestEngine
from semfora_hooks.errors import UsageError
from semfora_hooks.hookspecs import RenderOptions
from semfora_hooks.providers.wasm.binaryfile import read_binary
from semfora_hooks.providers.wasm.host import SandboxError
from semfora_hooks.providers.wasm.projection import Projector
from semfora_hooks.providers.wasm.rule import PluginSpec
from semfora_hooks.reporters.text import incomplete_line
from semfora_hooks.testing.fixtures import MAX_FILE, read_context


def plugin_context(spec: PluginSpec, repository: PluginFolder, document: str | None) -> tuple[bytes, SuggestContext]:
    """The JSON a plugin gets, and the same as rules see it.

    Args:
        spec: The plugin: its `needs` and `config` shape what it gets of the repository.
        repository: The repository around the current folder.
        document: A file with a context, which is given as it is; `-` is standard input. `None`: the repository.

    Raises:
        UsageError: There is no such file.
        SemforaError: It is no context, or the repository cannot be analysed.
    """
    if document is None:
        view = _analysed(repository)
        return bytes(Projector().document(view, spec.needs, spec.config)), view
    data = _standard_input() if document == "-" else _file(Path(document))
    return data, read_context(data, "standard input" if document == "-" else document)


def _analysed(repository: PluginFolder) -> SuggestContext:
    root = find_root([], Path.cwd())
    context, incomplete = SuggestEngine(repository.config).analyse(Request(root))
    options = RenderOptions(root=str(root.path), read_source=lambda _: None)
    for item in incomplete:
        click.echo(printable(incomplete_line(item, options)), err=True)
    return context


def _standard_input() -> bytes:
    data = sys.stdin.buffer.read(MAX_FILE + 1)
    if len(data) > MAX_FILE:
        raise UsageError(f"standard input has more than {MAX_FILE} bytes")
    return data


def _file(path: Path) -> bytes:
    try:
        return read_binary(path.resolve(), MAX_FILE).code
    except SandboxError as error:
        raise UsageError(f"{path}: {error.detail}") from None
