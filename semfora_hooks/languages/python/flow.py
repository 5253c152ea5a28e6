"""Small questions about a function body, answered without running anything and in favour of "cannot tell"."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Node

_SCOPES = frozenset({"function_definition", "class_definition", "lambda"})
_NEVER_NONE = frozenset(
    {
        "string",
        "concatenated_string",
        "integer",
        "float",
        "true",
        "false",
        "list",
        "tuple",
        "dictionary",
        "set",
        "list_comprehension",
        "set_comprehension",
        "dictionary_comprehension",
        "generator_expression",
        "comparison_operator",
        "not_operator",
        "lambda",
        "expression_list",
    }
)
_NEVER_NONE_CALLS = frozenset(
    "str int float bool bytes list dict tuple set frozenset len sorted repr isinstance issubclass sum abs "
    "hash id type".split()
)
_MAX_NODES = 5_000
_MAX_WRAPPER = 50  # statements and comments; asking about each of thousands of nested functions must stay cheap
_MAX_NESTED = 50


def first_child(node: Node) -> Node | None:
    """The first named child, or `None` (`Node.named_child` raises from tree-sitter 0.26 on)."""
    return node.named_child(0) if node.named_child_count else None


def is_stub(body: Node, source: bytes) -> bool:
    """Whether the body is `...`, `pass`, a docstring, `raise NotImplementedError`, or any run of those."""
    first = first_child(body)
    if first is not None and not _does_nothing(first, source):
        return False  # as most bodies do something; listing all their statements would cost more
    return all(_does_nothing(statement, source) for statement in body.named_children)


def _does_nothing(statement: Node, source: bytes) -> bool:
    kind = statement.type
    if kind == "expression_statement":
        child = first_child(statement)
        return child is not None and child.type in ("string", "ellipsis")
    if kind == "raise_statement":
        return b"NotImplementedError" in source[statement.start_byte : statement.end_byte]
    return kind in ("pass_statement", "comment")


def is_wrapper(body: Node, start: int) -> bool:
    """Whether the body only defines the function at byte `start` and returns names: a decorator's shape.

    SonarSource's definition does not let such a function deepen the nesting.
    """
    if body.named_child_count > _MAX_WRAPPER:
        return False
    for statement in body.named_children:
        if statement.type == "comment":
            continue
        if statement.type in ("function_definition", "decorated_definition"):
            if statement.start_byte <= start < statement.end_byte:
                continue
            return False
        if statement.type == "expression_statement" and statement == first_child(body):
            child = first_child(statement)
            if child is not None and child.type == "string":
                continue
        if statement.type == "return_statement":
            value = first_child(statement)
            if statement.named_child_count == 1 and value is not None and value.type == "identifier":
                continue
        return False
    return True


def returns_none(body: Node, source: bytes) -> bool | None:
    """Whether the function can return `None`: `True` if it says so or can reach its end, `False` if it never does.

    `None`, cannot tell: a returned value of unknown type, a generator, or a body too large to look through.
    """
    unknown = False
    for index, node in enumerate(_own_nodes(body)):
        if index > _MAX_NODES or node.type == "yield":
            return None
        if node.type == "return_statement":
            value = first_child(node)
            if value is None or value.type == "none":
                return True
            unknown = unknown or not _is_never_none(value, source)
    if not _terminates(body, source):
        statements = body.named_children
        unknown = unknown or (bool(statements) and statements[-1].type in ("with_statement", "match_statement"))
        return None if unknown else True
    return None if unknown else False


def _is_never_none(value: Node, source: bytes, depth: int = 0) -> bool:
    if depth > _MAX_NESTED:
        return False
    if value.type == "parenthesized_expression":
        inner = first_child(value)
        return inner is not None and _is_never_none(inner, source, depth + 1)
    if value.type == "conditional_expression":
        branches = value.named_children
        return len(branches) == 3 and all(_is_never_none(branches[i], source, depth + 1) for i in (0, 2))
    if value.type == "call":
        function = value.child_by_field_name("function")
        if function is None or function.type != "identifier":
            return False
        return source[function.start_byte : function.end_byte].decode("utf-8", "replace") in _NEVER_NONE_CALLS
    return value.type in _NEVER_NONE


def _own_nodes(body: Node) -> Iterator[Node]:
    """The nodes of a body, in order, without those of nested definitions."""
    pending = list(reversed(body.named_children))
    while pending:
        node = pending.pop()
        yield node
        if node.type not in _SCOPES:
            pending.extend(reversed(node.named_children))


def _terminates(block: Node, source: bytes, depth: int = 0) -> bool:
    """Whether control surely does not fall off the end of `block`."""
    statements = [child for child in block.named_children if child.type != "comment"]
    if not statements or depth > _MAX_NESTED:
        return False
    last = statements[-1]
    if last.type in ("return_statement", "raise_statement"):
        return True
    if last.type == "if_statement":
        branches = [last.child_by_field_name("consequence")]
        has_else = False
        for clause in last.children_by_field_name("alternative"):
            has_else = has_else or clause.type == "else_clause"
            branches.append(clause.child_by_field_name("consequence") or clause.child_by_field_name("body"))
        return has_else and all(b is not None and _terminates(b, source, depth + 1) for b in branches)
    if last.type == "while_statement":
        condition = last.child_by_field_name("condition")
        endless = condition is not None and source[condition.start_byte : condition.end_byte] in (b"True", b"1")
        return endless and b"break" not in source[last.start_byte : last.end_byte]
    if last.type == "try_statement":
        blocks = [last.child_by_field_name("body")]
        for clause in last.named_children:
            if clause.type == "except_clause":
                blocks.append(next((child for child in clause.named_children if child.type == "block"), None))
        return all(b is not None and _terminates(b, source, depth + 1) for b in blocks)
    return False
