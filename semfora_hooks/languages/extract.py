"""From bytes to facts, for any language: decode, parse, query, walk. Pure, and safe to run in any process."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from semfora_hooks.languages import load_spec
from semfora_hooks.languages.facts import FileFacts, SymbolFacts
from semfora_hooks.languages.walker import Walker

if TYPE_CHECKING:
    from tree_sitter import Node, Parser, Query

LFS_POINTER = b"version https://git-lfs.github.com/spec/"


def extract(data: bytes, language: str) -> FileFacts:
    """The facts of a file's bytes. Never raises for bad input: what could not be read is in `problems`."""
    if b"\0" in data[:65536]:
        return _nothing(language, "binary file: it contains NUL bytes")
    if data.startswith(LFS_POINTER) and len(data) < 1024:
        return _nothing(language, "a Git LFS pointer: its content is not here; git lfs pull fetches it")
    language_spec = load_spec(language)
    source, problem = language_spec.decode(data)
    if b"\0" in source:
        return _nothing(language, "binary file: it contains NUL bytes")
    parser, query = _tools(language)
    from tree_sitter import QueryCursor

    tree = parser.parse(source)
    root = tree.root_node
    walker = Walker(language_spec, source)
    facts = walker.facts(root, QueryCursor(query).captures(root))
    if problem is not None:
        facts.problems.insert(0, problem)
    if root.has_error:
        facts.problems.append(_syntax_problem(root, source))
    return facts


@cache
def _tools(language: str) -> tuple[Parser, Query]:
    from tree_sitter import Language, Parser, Query

    language_spec = load_spec(language)
    grammar = Language(language_spec.grammar())
    return Parser(grammar), Query(grammar, language_spec.query)


def _nothing(language: str, problem: str) -> FileFacts:
    module = SymbolFacts("", "", "module", "", -1, 1, 1, 1)
    return FileFacts(language=language, symbols=[module], problems=[problem])


def _syntax_problem(root: Node, source: bytes) -> str:
    """Where the first syntax error is, by descending into the first child that has one."""
    node = root
    for _ in range(10_000):
        broken = next((child for child in node.children if child.has_error or child.is_missing), None)
        if broken is None or node.is_error:
            break
        node = broken
    if node.is_error:  # an error node swallows whole statements before the culprit
        complete = ("_statement", "_definition")
        node = next((child for child in node.children if not child.type.endswith(complete)), node)
    line = node.start_point[0] + 1
    column = node.start_point[1] + 1
    if node.is_missing:
        where = f"line {line}, column {column}"
        return f"{where}: syntax error: '{node.type}' is missing; the rest was read as far as possible"
    excerpt = source[node.start_byte : node.start_byte + 200].split(b"\n", 1)[0][:40].decode("utf-8", "replace").strip()
    near = f" near '{excerpt}'" if excerpt else ""
    return f"line {line}, column {column}: syntax error{near}; what stands around it was read as far as possible"
