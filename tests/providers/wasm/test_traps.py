"""From wasmtime's words to a kind of failure; the words are the ones it uses, the names are the guest's."""

from __future__ import annotations

import pytest

from semfora_hooks.providers.wasm.traps import classify

MIB = 1 << 20


def trapped(cause: str, *names: str) -> Exception:
    frames = "".join(f"   {index:2}:  0x{index:x}6a - m!{name}\n" for index, name in enumerate(names))
    return RuntimeError(f"error while executing at wasm backtrace:\n{frames}\nCaused by:\n    {cause}\n")


@pytest.mark.parametrize(
    ("cause", "kind"),
    [
        ("wasm trap: interrupt", "timeout"),
        ("wasm trap: wasm `unreachable` instruction executed", "trap"),
        ("wasm trap: out of bounds memory access", "trap"),
        ("wasm trap: call stack exhausted", "trap"),
        ("string pointer/length out of bounds of memory", "bad_output"),
        ("invalid utf-8 sequence of 1 bytes from index 11", "bad_output"),
        ("realloc return: beyond end of memory", "bad_output"),
        ("cannot allocate another handle: store handle limit exceeded", "too_large"),
        ("something that a later version says", "trap"),
    ],
)
def test_causes_under_a_backtrace(cause, kind):
    assert classify(trapped(cause, "evaluate"), 0, 16 * MIB)[0] == kind


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("memory minimum size of 1000 pages exceeds memory limits", "memory"),
        ("table minimum size of 200000 elements exceeds table limits", "too_large"),
        ("resource limit exceeded: memory count too high at 2", "too_large"),
        ("too much data is being copied between the host and the guest: fuel", "too_large"),
        ("failed to set memory: Cannot allocate memory (os error 12)", "memory"),
    ],
)
def test_errors_without_a_backtrace(text, kind):
    assert classify(RuntimeError(text), 0, 16 * MIB) == (kind, text)


def test_frames_are_told_innermost_first():
    _, detail = classify(trapped("wasm trap: integer divide by zero", "deep", "middle", "evaluate"), 0, MIB)
    assert detail == "integer divide by zero in deep < middle < evaluate"


@pytest.mark.parametrize(("used", "kind"), [(7 * MIB, "trap"), (8 * MIB, "memory"), (15 * MIB, "memory")])
def test_giving_up_near_the_limit_is_running_out_of_memory(used, kind):
    error = trapped("wasm trap: wasm `unreachable` instruction executed", "abort")
    assert classify(error, used, 16 * MIB)[0] == kind


def test_another_trap_near_the_limit_is_a_trap():
    assert classify(trapped("wasm trap: integer overflow", "f"), 15 * MIB, 16 * MIB)[0] == "trap"


@pytest.mark.parametrize(
    "name", ["x\n\nCaused by:\n    wasm trap: interrupt", "exceeds memory limits", "invalid utf-8", "\nCaused by:\n\n"]
)
def test_names_do_not_decide(name):
    kind, _ = classify(trapped("wasm trap: integer overflow", name, "evaluate"), 0, 16 * MIB)
    assert kind == "trap"


def test_a_text_of_megabytes_is_read_at_its_ends():
    kind, detail = classify(trapped("wasm trap: interrupt", "\n" * 2_000_000, " 1: " * 500_000), 0, MIB)
    assert (kind, detail) == ("timeout", "")
