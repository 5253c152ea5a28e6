"""Python, as the walker needs it. The grammar is tree-sitter-python's."""

from __future__ import annotations

import codecs
import importlib
import io
import keyword
import re
import tokenize
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from semfora_hooks.languages.comments import MARKER
from semfora_hooks.languages.facts import ImportFacts
from semfora_hooks.languages.python.flow import first_child, is_stub, is_wrapper, returns_none
from semfora_hooks.languages.spec import Definition, LanguageSpec, TypeTest
from semfora_hooks.languages.tokens import Tokenizer
from semfora_hooks.model import Argument, SymbolKind

if TYPE_CHECKING:
    from tree_sitter import Node

# Identifiers first, possessively: they are most of the tokens, and a string's prefix must not pass for one.
_TOKEN = rb"""
    [A-Za-z_\x80-\xff][\w\x80-\xff]*+(?!["'])\(?
  | \.[A-Za-z_\x80-\xff][\w\x80-\xff]*+(?!["'])\(?
  | [^\s\w"'.]
  | [rRbBuUfFtT]{0,2}(?:
        \"{3}[^"\\]*+(?:(?:\\.|"(?!""))[^"\\]*+)*+\"{3}
      | '''[^'\\]*+(?:(?:\\.|'(?!''))[^'\\]*+)*+'''
      | "[^"\\\n]*+(?:\\.[^"\\\n]*+)*+"
      | '[^'\\\n]*+(?:\\.[^'\\\n]*+)*+'
    )
  | \d[\w.]*+
  | \S
"""
_LONG_BLOCK = 200
_COMMENT_BLOCK = re.compile(rb"(?:^[ \t\f]*+(?:#[^\n]*+)?\n){%d,}+" % (_LONG_BLOCK + 1), re.M)
_DOTTED = re.compile(rb"[A-Za-z_\x80-\xff][\w\x80-\xff]*(?:\.[A-Za-z_\x80-\xff][\w\x80-\xff]*)*")
_EXPORTS = re.compile(
    rb"^__all__\s*(?::[^=\n]+)?\+?=\s*[\[(]([^\])]*)[\])]|^__all__\.(?:extend|append)\(([^)]*)\)", re.M
)
_STRING = re.compile(rb"[\"']([A-Za-z_]\w*)[\"']")
_MAIN_GUARD = re.compile(rb"^if\s*\(?\s*(?:__name__\s*==|([\"'])__main__\1\s*==\s*__name__\b)", re.M)
_TYPE_CHECKING = re.compile(rb"(?:\w+\.)?TYPE_CHECKING")
_MAIN_CONDITION = re.compile(rb"__name__\s*==|[\"']__main__[\"']\s*==")
_TYPE_TEST = re.compile(rb"not\b|isinstance\(")
_SPACE = re.compile(r"\s+")
_MAX_TEXT = 200

_TYPING = frozenset({"", "typing", "typing_extensions", "t", "te", "tp"})  # not `asyncio.Protocol`
_ENUM_BASES = frozenset({"Enum", "IntEnum", "StrEnum", "Flag", "IntFlag", "ReprEnum"})


class PythonSpec(LanguageSpec):
    """Python 3, and what of Python 2 the grammar tolerates."""

    name = "python"
    suffixes = (".py", ".pyi")
    capabilities = ("arguments", "base_classes", "calls", "control_flow", "decorators", "imports", "metrics", "types")
    query = Path(__file__).with_name("queries.scm").read_text(encoding="utf-8")
    tokenizer = Tokenizer(_TOKEN, frozenset(word.encode() for word in (*keyword.kwlist, "match", "case")))

    def grammar(self) -> object:
        return _binding().language()

    def decode(self, data: bytes) -> tuple[bytes, str | None]:
        problem = None
        if data.startswith(codecs.BOM_UTF8):
            data = data[3:]
        try:
            data.decode()
        except UnicodeDecodeError as error:
            data, problem = _recode(data, error)
        if b"\r" in data:
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        if data.count(b"#") > _LONG_BLOCK:
            data = _COMMENT_BLOCK.sub(_thin_out, data)
        return data, problem

    # -------------------------------------------------------------------------------------------- definitions

    def function(self, node: Node, source: bytes, decorators: Sequence[str], *, in_class: bool) -> Definition:
        name = _field_text(node, "name", source)
        role = ""
        for decorator in decorators:
            owner, _, last = decorator.rpartition(".")
            if last == "overload":
                role = "overload"
            elif last in ("setter", "deleter") and owner == name:
                role = last
        parameters = node.child_by_field_name("parameters")
        return Definition(
            name=name,
            kind="method" if in_class else "function",
            role=role,
            is_async=source.startswith(b"async", node.start_byte),
            return_type=_optional_text(node.child_by_field_name("return_type"), source),
            arguments=_parameters(parameters, source) if parameters is not None else (),
            body=node.child_by_field_name("body"),
        )

    def class_(self, node: Node, source: bytes) -> Definition:
        bases: list[str] = []
        kind: SymbolKind = "class"
        superclasses = node.child_by_field_name("superclasses")
        for base in superclasses.named_children if superclasses is not None else ():
            if base.type in ("keyword_argument", "comment", "dictionary_splat"):
                continue
            text = _text(base, source)
            bases.append(text)
            owner, _, last = text.partition("[")[0].rpartition(".")
            if last in _ENUM_BASES:
                kind = "enum"
            elif last == "Protocol" and owner in _TYPING:
                kind = "interface"
        return Definition(
            name=_field_text(node, "name", source),
            kind=kind,
            base_classes=tuple(bases),
            body=node.child_by_field_name("body"),
        )

    def lambda_arguments(self, node: Node, source: bytes) -> tuple[Argument, ...]:
        parameters = node.child_by_field_name("parameters")
        return tuple(_arguments(parameters, source)) if parameters is not None else ()

    def type_alias_name(self, node: Node, source: bytes) -> str:
        left = node.child_by_field_name("left") or first_child(node)
        return _text(left, source).partition("[")[0] if left is not None else ""

    def decorator(self, node: Node, source: bytes) -> str:
        expression = first_child(node)
        if expression is not None and expression.type == "call":
            expression = expression.child_by_field_name("function")
        return _text(expression, source) if expression is not None else ""

    # ---------------------------------------------------------------------------------- imports, calls, bindings

    def imports(
        self, node: Node, source: bytes, owner: int, *, type_checking: bool, main_only: bool, guarded: bool
    ) -> Iterable[ImportFacts]:
        line = node.start_point[0] + 1
        if node.type == "import_statement":
            for name in node.children_by_field_name("name"):
                module, alias = _aliased(name, source)
                yield ImportFacts(module, 0, (), alias, line, owner, type_checking, main_only, guarded)
            return
        module_node = node.child_by_field_name("module_name")
        if module_node is None:
            return
        text = _text(module_node, source).replace(" ", "")
        module = text.lstrip(".")
        names = []
        for name in node.children_by_field_name("name"):
            imported, alias = _aliased(name, source)
            names.append((imported, alias or imported))
        if not names and any(child.type == "wildcard_import" for child in node.named_children):
            names.append(("*", "*"))
        yield ImportFacts(
            module, len(text) - len(module), tuple(names), None, line, owner, type_checking, main_only, guarded
        )

    def callee(self, node: Node, source: bytes) -> str:
        function = node.child_by_field_name("function")
        return "" if function is None else _reference(function, source)

    def binding(self, node: Node, source: bytes) -> tuple[str, str, bool, int | None] | None:
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        if left is None or right is None or left.type not in ("identifier", "attribute"):
            return None
        target = _reference(left, source)
        if not target or target.startswith("."):
            return None
        if right.type == "lambda":
            return (target, "", False, right.start_byte) if left.type == "identifier" else None
        if right.type == "call":
            value = self.callee(right, source)
            return (target, value, True, None) if value and not value.startswith(".") else None
        return target, _text(right, source), False, None

    def bound(self, node: Node) -> Iterable[Node]:
        kind, children = node.type, node.named_children
        if kind == "as_pattern" and all(child.type != "case_pattern" for child in children):
            return ()  # of a `with` or an `except`: its target is a binder of its own
        if kind == "named_expression":
            children = node.children_by_field_name("name")
        elif kind == "as_pattern_target":
            children = [
                each for child in children for each in ((child,) if child.type != "tuple" else child.named_children)
            ]
        return (child for child in children if child.type == "identifier")

    # -------------------------------------------------------------------------------------------- control flow

    def boolean_operators(self, node: Node) -> tuple[list[str], list[int]]:
        operators: list[str] = []
        inside: list[int] = []
        pending: list[Node | str] = [node]
        while pending:  # in-order, without recursion: chains can be thousands long
            item = pending.pop()
            if isinstance(item, str):
                operators.append(item)
                continue
            left, right = item.child_by_field_name("left"), item.child_by_field_name("right")
            operator = item.child_by_field_name("operator")
            if right is not None and right.type == "boolean_operator":
                pending.append(right)
                inside.append(right.id)
            pending.append(operator.type if operator is not None else "")
            if left is not None and left.type == "boolean_operator":
                pending.append(left)
                inside.append(left.id)
        return operators, inside

    def match_branches(self, node: Node, source: bytes) -> int:
        body = node.child_by_field_name("body")
        cases = [child for child in body.named_children if child.type == "case_clause"] if body is not None else []
        if not cases:
            return 0
        last = cases[-1]
        guarded = last.child_by_field_name("guard") is not None
        patterns = [child for child in last.named_children if child.type == "case_pattern"]
        always = not guarded and len(patterns) == 1 and _is_irrefutable(_text(patterns[0], source))
        return len(cases) - always

    def type_test(self, node: Node, source: bytes) -> TypeTest | None:
        condition = node.child_by_field_name("condition")
        if condition is None or not _TYPE_TEST.match(source, condition.start_byte):
            return None
        negated = condition.type == "not_operator"
        call = condition.child_by_field_name("argument") if negated else condition
        if call is None or call.type != "call" or not source.startswith(b"isinstance(", call.start_byte):
            return None
        arguments = call.child_by_field_name("arguments")
        operands = arguments.named_children if arguments is not None else []
        if len(operands) != 2 or operands[0].type != "identifier":
            return None
        tested = operands[1]
        parts = tested.named_children if tested.type == "tuple" else [tested]
        is_guard = False
        if negated:
            consequence = node.child_by_field_name("consequence")
            first = first_child(consequence) if consequence is not None else None
            is_guard = first is not None and first.type == "raise_statement"
            if not is_guard:
                return None
        return TypeTest(_text(operands[0], source), tuple(_text(part, source) for part in parts), is_guard)

    def audience(self, node: Node, source: bytes) -> str | None:
        condition = node.child_by_field_name("condition")
        if condition is None:
            return None
        start, end = condition.start_byte, condition.end_byte
        if _TYPE_CHECKING.fullmatch(source, start, end):
            return "type_checking"
        return "main" if _MAIN_CONDITION.match(source, start, end) else None

    def has_handler(self, node: Node) -> bool:
        return any(child.type in ("except_clause", "except_group_clause") for child in node.named_children)

    def is_wrapper(self, body: Node, start: int) -> bool:
        return is_wrapper(body, start)

    def is_stub(self, body: Node, source: bytes) -> bool:
        return is_stub(body, source)

    def returns_none(self, body: Node, source: bytes) -> bool | None:
        return returns_none(body, source)

    # ------------------------------------------------------------------------------------------- whole-file facts

    def exports(self, source: bytes) -> list[str] | None:
        found = _EXPORTS.findall(source) if b"__all__" in source else []
        if not found:
            return None
        return sorted({name.decode() for first, second in found for name in _STRING.findall(first or second)})

    def has_main_guard(self, source: bytes) -> bool:
        return b"__name__" in source and _MAIN_GUARD.search(source) is not None


def _binding() -> Any:
    """The grammar's extension module, without its package: that imports `importlib.resources`, which takes 10 ms."""
    package = PathFinder.find_spec("tree_sitter_python")
    inside = package.submodule_search_locations if package is not None else None
    spec = PathFinder.find_spec("tree_sitter_python._binding", inside) if inside is not None else None
    if spec is None or spec.loader is None:  # installed in some other way, or arranged anew by a later version
        return importlib.import_module("tree_sitter_python")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _thin_out(block: re.Match[bytes]) -> bytes:
    """A long run of lines that hold comments at most, as spaces from some line on.

    At each comment the grammar looks for where the next code begins, so that parsing takes the square of their number:
    minutes for a large file that is commented out. The first lines stay, and some comments that speak to us.
    """
    lines = block[0].splitlines(keepends=True)
    heard = [number for number, line in enumerate(lines) if number < 20 or MARKER in line][:100]
    for number in set(range(len(lines))).difference(heard):
        lines[number] = b" " * (len(lines[number]) - 1) + b"\n"
    return b"".join(lines)


def _recode(data: bytes, error: UnicodeDecodeError) -> tuple[bytes, str | None]:
    """Bytes that are not UTF-8: by their PEP 263 declaration, or with replacement characters and a complaint."""
    line = data.count(b"\n", 0, error.start) + 1
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        if encoding not in ("utf-8", "utf-8-sig"):
            return data.decode(encoding).encode(), None
        problem = f"line {line}: not UTF-8 (byte 0x{data[error.start]:02x}) and no encoding is declared"
    except (SyntaxError, LookupError, UnicodeError):
        problem = f"line {line}: not UTF-8 (byte 0x{data[error.start]:02x}), nor what its encoding declaration says"
    return data.decode("utf-8", "replace").encode(), problem


def _text(node: Node, source: bytes) -> str:
    """The node's source on one line, cut to a sane length."""
    start = node.start_byte
    text = source[start : min(node.end_byte, start + 4 * _MAX_TEXT)].decode("utf-8", "replace")
    if not text.isidentifier():
        text = _SPACE.sub(" ", text)
    return text if len(text) <= _MAX_TEXT else text[: _MAX_TEXT - 1] + "…"


def _optional_text(node: Node | None, source: bytes) -> str | None:
    return None if node is None else _text(node, source)


def _field_text(node: Node, field: str, source: bytes) -> str:
    child = node.child_by_field_name(field)
    return "" if child is None else _text(child, source)


def _reference(node: Node, source: bytes) -> str:
    """A dotted reference; `.name` where the receiver is an expression; empty for anything else."""
    kind = node.type
    if kind == "identifier":
        return source[node.start_byte : node.end_byte].decode("utf-8", "replace")
    if kind != "attribute":
        return ""
    text = source[node.start_byte : node.end_byte]
    if len(text) <= _MAX_TEXT:
        if _DOTTED.fullmatch(text):
            return text.decode("utf-8", "replace")
        receiver = node.child_by_field_name("object")
        if receiver is not None and receiver.type == "call" and text.startswith(b"super()"):
            return (
                text.decode("utf-8", "replace")
                if text.count(b".") == 1
                else f".{_field_text(node, 'attribute', source)}"
            )
    return f".{_field_text(node, 'attribute', source)}"


def _aliased(node: Node, source: bytes) -> tuple[str, str | None]:
    if node.type == "aliased_import":
        return _field_text(node, "name", source).replace(" ", ""), _field_text(node, "alias", source)
    return _text(node, source).replace(" ", ""), None


_SPLATS = {"list_splat_pattern": "var_positional", "dictionary_splat_pattern": "var_keyword"}


_KNOWN: dict[bytes, tuple[Argument, ...]] = {}
_MAX_KNOWN = 20_000


def _parameters(parameters: Node, source: bytes) -> tuple[Argument, ...]:
    """The parameters of a function, in order. Many functions are alike in them: each text is read once a process."""
    text = source[parameters.start_byte : parameters.end_byte]
    known = _KNOWN.get(text)
    if known is None:
        known = tuple(_arguments(parameters, source))
        if len(text) <= _MAX_TEXT and not parameters.has_error:  # what an error does depends on what is around
            if len(_KNOWN) >= _MAX_KNOWN:
                _KNOWN.clear()
            _KNOWN[text] = known
    return known


def _arguments(parameters: Node, source: bytes) -> Iterator[Argument]:
    """The declared parameters, in order."""
    found: list[Argument] = []
    keyword_only = False
    for node in parameters.named_children:
        kind, node_type = "keyword_only" if keyword_only else "positional", node.type
        if node_type == "identifier":
            found.append(_plain_argument(_text(node, source), kind))
            continue
        if node_type == "positional_separator":
            found = [_with_kind(argument, "positional_only") for argument in found]
            continue
        if node_type == "keyword_separator":
            keyword_only = True
            continue
        if node_type in ("comment", "ERROR"):
            continue
        name_node = node
        if node_type in ("typed_parameter", "default_parameter", "typed_default_parameter"):
            name_node = node.child_by_field_name("name") or first_child(node) or node
        splat = _SPLATS.get(name_node.type)
        if splat is not None:
            kind = splat
            keyword_only = keyword_only or kind == "var_positional"
            name_node = first_child(name_node) or name_node
        found.append(
            Argument(
                name=_text(name_node, source),
                type=_optional_text(node.child_by_field_name("type"), source),
                default=_optional_text(node.child_by_field_name("value"), source),
                kind=kind,  # type: ignore[arg-type]
            )
        )
    yield from found


@lru_cache(4096)
def _plain_argument(name: str, kind: str) -> Argument:
    """An argument that is only a name, as most are; frozen, so one object serves all of them."""
    return Argument(name=name, kind=kind)  # type: ignore[arg-type]


def _with_kind(argument: Argument, kind: str) -> Argument:
    return Argument(name=argument.name, type=argument.type, default=argument.default, kind=kind)  # type: ignore[arg-type]


def _is_irrefutable(pattern: str) -> bool:
    return re.fullmatch(r"[A-Za-z_]\w*", pattern) is not None
