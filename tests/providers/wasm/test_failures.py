"""What users read when a plugin fails: which plugin, which limit, which setting, and what it printed."""

from __future__ import annotations

from pathlib import Path

import pytest

from semfora_hooks.providers.wasm.failures import _HINTS, plugin_error
from semfora_hooks.providers.wasm.manifest import Limits
from semfora_hooks.providers.wasm.rule import PluginSpec


def spec(**changes) -> PluginSpec:
    fields = {
        "name": "guard",
        "group": "architecture",
        "description": "Guards.",
        "path": Path("/nowhere"),
        "shown": ".semfora/plugins/guard.wasm",
        "version": "1.2.3",
        "origin": ".semfora/plugins/manifest.yaml",
        "limits": Limits(memory=64 << 20, timeout=2.5),
    }
    return PluginSpec(**(fields | changes))


@pytest.mark.parametrize("kind", [*_HINTS, "timeout", "memory"])
def test_every_kind_names_the_plugin_and_says_what_to_do(kind):
    error = plugin_error(spec(), kind, "what happened")
    assert error.kind == kind
    assert error.message.startswith("plugin 'architecture/guard' 1.2.3 (.semfora/plugins/guard.wasm): ")
    assert error.hint
    assert error.fatal


@pytest.mark.parametrize(("kind", "limit"), [("timeout", "2.5 s"), ("memory", "64 MiB")])
def test_a_limit_and_the_setting_that_changes_it(kind, limit):
    error = plugin_error(spec(), kind, "more")
    assert limit in error.message
    assert error.hint == f"raise limits.{kind} of 'guard' in .semfora/plugins/manifest.yaml"
    capped = Limits(64 << 20, 2.5, "memory-ceiling in mine.toml", "timeout-ceiling in mine.toml")
    assert plugin_error(spec(limits=capped), kind, "").hint == f"a ceiling decides: {kind}-ceiling in mine.toml"
    alone = plugin_error(spec(has_manifest=False), kind, "")
    assert alone.hint == f"write a manifest.yaml beside it and set limits.{kind} there"


def test_what_the_guest_chose_is_cleaned_and_cut():
    error = plugin_error(
        spec(), "trap", "\x1b[31mboom\n" + "x" * 9000, "noise\n" * 3000 + "\x1b[1mpanicked at lib.rs:7"
    )
    assert error.message.isprintable()
    assert len(error.message) < 1400
    assert "boom xxx" in error.message
    assert error.message.endswith("panicked at lib.rs:7")
    assert "it printed: (" in error.message


def test_a_crash_has_last_words():
    assert "; its last line: out of luck" in plugin_error(spec(), "crash", "it died", "out of luck").message


def test_a_failure_that_only_warns_is_not_fatal():
    assert not plugin_error(spec(on_error="warn"), "trap", "x").fatal
