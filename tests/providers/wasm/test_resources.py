"""Bounding what a process may allocate, in a process of its own."""

from __future__ import annotations

import subprocess
import sys
import textwrap


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


PREPARED = "from semfora_hooks.providers.wasm.resources import bounded_growth, private_bytes; MIB = 1 << 20\n"


def test_allocating_more_than_allowed_is_refused_and_the_limit_ends_with_the_block():
    out = run(
        PREPARED
        + """
with bounded_growth(64 * MIB):
    small = bytearray(32 * MIB)
    try:
        bytearray(96 * MIB)
    except MemoryError:
        print("refused")
large = bytearray(96 * MIB)
print("allowed")
"""
    )
    assert out.split() == ["refused", "allowed"]


def test_a_lower_limit_of_the_system_stays():
    out = run(
        PREPARED
        + """
import resource
resource.setrlimit(resource.RLIMIT_DATA, (256 * MIB, resource.RLIM_INFINITY))
with bounded_growth(10_000 * MIB):
    print(resource.getrlimit(resource.RLIMIT_DATA)[0] // MIB)
print(resource.getrlimit(resource.RLIMIT_DATA)[0] // MIB)
"""
    )
    assert out.split() == ["256", "256"]


def test_private_bytes_follow_what_is_allocated():
    out = run(
        PREPARED
        + """
before = private_bytes()
held = bytearray(50 * MIB)
print((private_bytes() - before) // MIB)
"""
    )
    assert 49 <= int(out) <= 60
