"""Plugins written in WAT, a context made by hand, and repositories to put plugins in."""

from __future__ import annotations

import itertools
import os
import signal
import time
from pathlib import Path
from typing import Any

import wasmtime

from semfora_hooks.config import Config, PluginSettings, WasmSettings
from semfora_hooks.context import SuggestContext
from semfora_hooks.model import CallEdge, Generator, Module, Repository, Scope, Symbol
from semfora_hooks.providers.wasm.binaryfile import read_binary
from semfora_hooks.providers.wasm.folder import discover
from semfora_hooks.providers.wasm.inspect import inspect
from semfora_hooks.providers.wasm.lock import LockedPlugin, render_lock, write_lock

INPUT = 65536
"""Where the test plugins' allocator puts the context."""


def stop(pid: int) -> None:
    """Stop a process, and wait until it stands: the signal alone may come after its next answer."""
    os.kill(pid, signal.SIGSTOP)
    while Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "T":
        time.sleep(0.01)


def data(text: str | bytes) -> str:
    """`text` as the body of a WAT data string."""
    return "".join(f"\\{byte:02x}" for byte in (text.encode() if isinstance(text, str) else text))


def core(
    evaluate: str = "(i64.const 0)",
    *,
    alloc: str = f"(i32.const {INPUT})",
    imports: str = "",
    extra: str = "",
    marker: str = '(global (export "semfora_abi_v1") i32 (i32.const 0))',
    pages: int = 4,
) -> str:
    """A core plugin with the given function bodies."""
    return f"""(module {imports}
      (memory (export "memory") {pages}) {marker}
      (func (export "semfora_alloc") (param $size i32) (result i32) {alloc})
      (func (export "evaluate") (param $ptr i32) (param $len i32) (result i64) {evaluate})
      {extra})"""


def packed(start: int, length: int) -> str:
    """What `evaluate` returns for `length` bytes at `start`."""
    value = start << 32 | length
    return f"(i64.const {value - (1 << 64) if value >= 1 << 63 else value})"


def constant(output: str | bytes) -> str:
    """A core plugin that returns `output`, whatever it gets."""
    raw = output.encode() if isinstance(output, str) else output
    return core(packed(1024, len(raw)), extra=f'(data (i32.const 1024) "{data(raw)}")')


def searching(needle: str, found: str = '[{"title":"found"}]', absent: str = '[{"title":"absent"}]') -> str:
    """A core plugin that says `found` if its context holds `needle`, and else `absent`."""
    return core(
        f"""(local $at i32) (local $i i32)
        (block $done
          (loop $outer
            (br_if $done (i32.gt_u (i32.add (local.get $at) (i32.const {len(needle)})) (local.get $len)))
            (local.set $i (i32.const 0))
            (block $differs
              (loop $inner
                (if (i32.eq (local.get $i) (i32.const {len(needle)})) (then (return {packed(1024, len(found))})))
                (br_if $differs (i32.ne
                  (i32.load8_u (i32.add (local.get $ptr) (i32.add (local.get $at) (local.get $i))))
                  (i32.load8_u (i32.add (i32.const 4096) (local.get $i)))))
                (local.set $i (i32.add (local.get $i) (i32.const 1)))
                (br $inner)))
            (local.set $at (i32.add (local.get $at) (i32.const 1)))
            (br $outer)))
        {packed(2048, len(absent))}""",
        extra=f"""(data (i32.const 1024) "{data(found)}") (data (i32.const 2048) "{data(absent)}")
        (data (i32.const 4096) "{data(needle)}")""",
    )


def component(body: str = "", output: str = '[{"title":"from a component"}]', imports: str = "") -> str:
    """A component plugin that runs `body` and returns `output`."""
    return f"""(component {imports}
      (core module $m
        (memory (export "memory") 4)
        (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const {INPUT}))
        (data (i32.const 1024) "{data(output)}")
        (func (export "evaluate") (param i32 i32) (result i32)
          {body}
          (i32.store (i32.const 0) (i32.const 1024))
          (i32.store (i32.const 4) (i32.const {len(output.encode())}))
          (i32.const 0)))
      (core instance $i (instantiate $m))
      (alias core export $i "memory" (core memory $memory))
      (alias core export $i "realloc" (core func $realloc))
      (alias core export $i "evaluate" (core func $run))
      (func (export "evaluate") (param "context-json" string) (result string)
        (canon lift (core func $run) (memory $memory) (realloc $realloc))))"""


def wasm(wat: str) -> bytes:
    """`wat` assembled."""
    return bytes(wasmtime.wat2wasm(wat))


def symbol(name: str, line: int = 1) -> Symbol:
    return Symbol(
        id=f"app:{name}",
        name=name,
        qualified_name=f"app.{name}",
        kind="function",
        module="app",
        file="src/app.py",
        start_line=line,
        end_line=line + 4,
        start_column=5,
        language="python",
        entry_point="none",
        reachability="called",
    )


def make_context(**changes: Any) -> SuggestContext:
    """Five functions that call each other in a row: `a` calls `b`, `b` calls `c`, and so on."""
    names = "abcde"
    fields: dict[str, Any] = {
        "generator": Generator(version="0", capabilities=("imports",)),
        "repository": Repository(name="example"),
        "symbols": [symbol(name, 10 * index + 1) for index, name in enumerate(names)],
        "calls": [
            CallEdge(caller=f"app:{one}", callee=f"app:{two}", count=1, line=10 * index + 2, resolution="exact")
            for index, (one, two) in enumerate(itertools.pairwise(names))
        ],
        "modules": [Module(name="app", files=1)],
        "scope": Scope(),
    }
    return SuggestContext(**(fields | changes))


class PluginRepository:
    """A repository with a plugin folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root / ".semfora" / "plugins"
        self.folder.mkdir(parents=True)

    def add(self, name: str, code: str | bytes) -> Path:
        """Write a plugin's file."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(wasm(code) if isinstance(code, str) else code)
        return path

    def manifest(self, text: str) -> None:
        """Write the manifest."""
        (self.folder / "manifest.yaml").write_text(text, encoding="utf-8")

    def lock(self) -> None:
        """Lock every plugin as it is."""
        found = discover(self.config(), self.folder)
        entries = []
        for spec in found.specs:
            binary = read_binary(self.folder / spec.file, spec.max_size)
            entries.append(LockedPlugin.of(spec, binary, inspect(binary.code)))
        write_lock(self.folder, render_lock(entries))

    def config(self, **wasm_settings: Any) -> Config:
        """The repository's configuration, with `[tool.semfora.plugins.wasm]`."""
        return Config(root=str(self.root), plugins=PluginSettings(wasm=WasmSettings(**wasm_settings)))
