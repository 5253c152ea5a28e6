"""`context`, `graph`, `schema`: what the program knows, as data."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from semfora_hooks.config import load_config
from semfora_hooks.context import NEEDS, SuggestContext
from semfora_hooks.discovery import find_root
from semfora_hooks.engine import Request, SuggestEngine
from semfora_hooks.errors import UsageError
from semfora_hooks.hookspecs import RenderOptions
from semfora_hooks.reporters.jsonreport import SCHEMAS, as_json
from semfora_hooks.reporters.jsonreport import schema as json_schema
from semfora_hooks.reporters.text import incomplete_line


def _analyse(path: Path, scope: str, *, use_cache: bool) -> SuggestContext:
    root = find_root([path], Path.cwd())
    config = load_config(root.path).replace(use_cache=use_cache)
    if scope == "repo":
        request = Request(root)
    elif scope == "staged":
        request = Request(root, "staged")
    elif scope.startswith("since:"):
        request = Request(root, "range", base=scope.removeprefix("since:"))
    else:
        raise UsageError(f"there is no scope '{scope}'", hint="repo, staged, or since:REV")
    if request.scope != "repo" and not root.is_git:
        raise UsageError(f"{root.path} is not a git repository")
    context, incomplete = SuggestEngine(config).analyse(request)
    for item in incomplete:
        click.echo(incomplete_line(item, RenderOptions(root=str(root.path), read_source=lambda _: None)), err=True)
    return context


@click.command()
@click.argument("path", type=click.Path(exists=True, path_type=Path), default=".")
@click.option("--scope", default="repo", show_default=True, metavar="SCOPE", help="repo, staged, or since:REV.")
@click.option("--projection", default=",".join(NEEDS), show_default=True, help="The sections to fill.")
@click.option("--no-cache", is_flag=True, help="Neither read nor write the cache of facts.")
def context(path: Path, scope: str, projection: str, no_cache: bool) -> None:
    """Print the SuggestContext JSON, as a WASM plugin gets it."""
    needs = [part.strip() for part in projection.split(",") if part.strip()]
    unknown = sorted(set(needs) - set(NEEDS))
    if unknown:
        raise UsageError(f"there is no section '{unknown[0]}'", hint=f"sections: {', '.join(NEEDS)}")
    document = _analyse(path, scope, use_cache=not no_cache).document(needs)
    _print_json(document)


@click.command()
@click.argument("path", type=click.Path(exists=True, path_type=Path), default=".")
@click.option("--output-format", type=click.Choice(["json", "dot"]), default="json", show_default=True)
@click.option("--symbol", metavar="NAME", help="Only calls from and to a symbol: its id, qualified or bare name.")
@click.option("--no-cache", is_flag=True, help="Neither read nor write the cache of facts.")
def graph(path: Path, output_format: str, symbol: str | None, no_cache: bool) -> None:
    """Print the symbols and the resolved calls between them."""
    view = _analyse(path, "repo", use_cache=not no_cache)
    kept = {item.id for item in view.symbols}
    calls = list(view.calls)
    if symbol is not None:
        centre = {item.id for item in view.symbols if symbol in (item.id, item.qualified_name, item.name)}
        if not centre:
            raise UsageError(f"there is no symbol '{symbol}'", hint="an id, a qualified name or a bare name")
        calls = [call for call in calls if call.caller in centre or call.callee in centre]
        kept = centre | {call.caller for call in calls} | {call.callee for call in calls if call.callee}
    symbols = [item for item in view.symbols if item.id in kept]
    if output_format == "dot":
        names = {item.id: item.qualified_name for item in symbols}
        lines = ["digraph calls {", "  rankdir=LR;"]
        lines += [f"  {_quote(item.id)} [label={_quote(item.qualified_name)}];" for item in symbols]
        lines += [
            f"  {_quote(call.caller)} -> {_quote(call.callee)}"
            + ("" if call.resolution == "exact" else " [style=dashed]")
            + ";"
            for call in calls
            if call.callee in names
        ]
        click.echo("\n".join([*lines, "}"]))
        return
    fields = ("id", "qualified_name", "kind", "file", "start_line", "end_line")
    _print_json(
        {
            "symbols": [{name: getattr(item, name) for name in fields} for item in symbols],
            "calls": [
                {"caller": call.caller, "callee": call.callee, "resolution": call.resolution, "line": call.line}
                for call in calls
                if call.callee is not None
            ],
            "externals": [
                {"caller": caller, "name": name}
                for caller, name in sorted(
                    {(call.caller, call.external) for call in calls if call.external is not None}
                )
            ],
        }
    )


@click.command()
@click.argument("name", type=click.Choice(sorted([*SCHEMAS, "manifest", "rule"])))
def schema(name: str) -> None:
    """Print the JSON Schema of a document this program writes, or of the rule files and plugin manifests it reads."""
    if name == "manifest":
        from semfora_hooks.providers.wasm.manifestschema import manifest_schema

        _print_json(manifest_schema())
    elif name == "rule":
        from semfora_hooks.providers.declarative.schema import rule_schema

        _print_json(rule_schema())
    else:
        _print_json(json_schema(name))


def _quote(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _print_json(document: object) -> None:
    sys.stdout.write(as_json(document, order=None))
