"""Reading facts in tests."""

from __future__ import annotations

import textwrap

from semfora_hooks.languages.extract import extract
from semfora_hooks.languages.facts import FileFacts, SymbolFacts


def read(source: str | bytes) -> FileFacts:
    """The facts of Python source; indented text is dedented."""
    data = textwrap.dedent(source).encode() if isinstance(source, str) else source
    return extract(data, "python")


def symbol(facts: FileFacts, qualified_name: str) -> SymbolFacts:
    """The only symbol of that name."""
    found = [item for item in facts.symbols if item.qualified_name == qualified_name]
    assert len(found) == 1, [item.qualified_name for item in facts.symbols]
    return found[0]


def calls(facts: FileFacts, owner: str = "f") -> list[tuple[str, int, int, bool, bool]]:
    """`(callee, line, count, in_try, is_awaited)` of one symbol's own calls."""
    return [
        (call.callee, call.line, call.count, call.in_try, call.is_awaited)
        for call in facts.calls
        if facts.symbols[call.owner].qualified_name == owner
    ]


def inside(body: str) -> str:
    """`body` as the body of `async def f(self)`."""
    return "async def f(self):\n" + textwrap.indent(textwrap.dedent(body).strip("\n"), "    ") + "\n"
