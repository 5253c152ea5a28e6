"""One pass over the captures of a query, in source order, with a stack for what encloses what: from syntax to facts.

The walker knows structure (scopes, blocks, nesting) and no language: a `LanguageSpec` reads the syntax of names,
parameters and imports. Nothing recurses, so deep nesting costs memory in proportion and no stack.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import chain
from typing import TYPE_CHECKING

from semfora_hooks.languages.accumulate import Accumulator
from semfora_hooks.languages.comments import blank, is_generated, suppressions
from semfora_hooks.languages.facts import (
    BindingFacts,
    CallFacts,
    FileFacts,
    ImportFacts,
    SymbolFacts,
)
from semfora_hooks.languages.measure import measure
from semfora_hooks.model import CALLABLE_KINDS, CLASS_KINDS, SymbolKind, TypeCheck

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tree_sitter import Node

    from semfora_hooks.languages.spec import LanguageSpec

MAX_DEPTH = 400
"""Enclosing constructs that are followed; Python itself gives up at 100 levels of indentation."""

_STRUCTURES = frozenset({"if", "for", "while", "except", "match", "ternary"})
_HYBRIDS = frozenset({"elif", "else"})
_NESTING = frozenset({"if", "elif", "else", "for", "while", "except", "case"})
_BRANCHES = frozenset({"if", "elif", "for", "while", "except"})
_CONDITIONS = frozenset({"if", "elif", "else", "try", "except"})
_CONSTRUCTS = frozenset({*_STRUCTURES, *_HYBRIDS, "case", "try", "finally", "with", "lambda"})


class _Frame:
    """An open construct: where it ends, what to restore then, and what its children need to know of it."""

    __slots__ = ("audience", "code", "decorators", "end", "flag", "on_close", "symbol", "tests")

    def __init__(self, end: int, code: str) -> None:
        self.end = end
        self.code = code
        self.on_close: Callable[[], None] | None = None
        self.symbol = -1  # of a definition whose body has not begun
        self.flag = False  # of a `try`: it has handlers
        self.audience: str | None = None  # of an `if`: who alone runs its body (`type_checking`, `main`)
        self.decorators: list[str] | None = None  # of a decorated definition
        self.tests: dict[str, tuple[int, tuple[str, ...]]] | None = None  # of an `if`: its chain's type tests


class Walker:
    """Extracts the facts of one file; use once.

    Args:
        spec: The language.
        source: UTF-8 bytes with `\\n` line ends.
    """

    def __init__(self, spec: LanguageSpec, source: bytes) -> None:
        self.spec = spec
        self.source = source
        self.problems: list[str] = []
        self.symbols: list[SymbolFacts] = []
        self._totals: list[Accumulator] = []  # this and the next two: parallel to symbols
        self._ranges: list[tuple[int, int]] = []
        self._bodies: list[Node | None] = []
        self._imports: list[ImportFacts] = []
        self._calls: dict[tuple[int, str, bool, bool], CallFacts] = {}
        self._bindings: list[BindingFacts] = []
        self._tests: dict[int, dict[str, TypeCheck]] = {}
        self._stack: list[_Frame] = []
        self._scope = 0
        self._functions: list[Accumulator] = []  # of the functions around the position
        self._active: list[Accumulator] = []  # the same, and the innermost symbol's if that is no function
        self._in_try = 0
        self._swallowed: set[int] = set()  # boolean operators counted with the expression around them
        self._awaited: set[tuple[int, int]] = set()
        self._bound_lambdas: dict[int, str] = {}

    def facts(self, root: Node, captures: dict[str, list[Node]]) -> FileFacts:
        """Walk `captures` (of the whole tree `root`) and return what they say."""
        lines = self.source.count(b"\n") + (not self.source.endswith(b"\n"))
        self._add_symbol("", "module", (0, len(self.source)), (1, max(1, lines), 1), root)
        self._active = [self._totals[0]]
        # A query returns the nodes of a capture in no particular order, and not in the same one each time.
        comments = sorted(captures.pop("comment", []), key=lambda node: node.start_byte)
        clean = blank(self.source, [*comments, *captures.pop("docstring", [])])
        bound, binders = captures.pop("bound", []), captures.pop("binder", [])
        outside = [(node, True) for node in captures.pop("global", [])]
        outside += [(node, False) for node in captures.pop("nonlocal", [])]
        events = [
            (node.start_byte, -node.end_byte, code != "block", code, order, node)
            for code, nodes in captures.items()
            for order, node in enumerate(nodes)
        ]
        events.sort()
        stack = self._stack
        leaves: dict[str, Callable[[Node], None]] = {
            "call": self._call,
            "binding": self._binding,
            "boolean": self._boolean,
            "await": self._await,
            "decorator": self._decorator,
            "import": self._import,
            "import_from": self._import,
            "type_alias": self._type_alias,
        }
        openers: dict[str, Callable[[_Frame, Node], None]] = {
            **dict.fromkeys(_CONSTRUCTS, self._construct),
            "block": self._block,
            "function": self._definition,
            "class": self._definition,
            "decorated": self._decorated,
        }
        next_close = len(self.source) + 1
        for start, negative_end, _, code, _, node in events:
            if start >= next_close:
                next_close = self._close(start)
            if len(stack) >= MAX_DEPTH:
                self._too_deep(node)
            elif code in leaves:
                leaves[code](node)
            elif code in openers:
                frame = _Frame(-negative_end, code)
                openers[code](frame, node)
                stack.append(frame)
                next_close = -negative_end
            else:
                self._active[-1].count(code)
        self._close(len(self.source) + 1)
        self._release(outside)
        self._hide(bound, binders)
        return self._finish(clean, comments, lines)

    def _too_deep(self, node: Node) -> None:
        if not self.problems:
            line = node.start_point[0] + 1
            self.problems.append(
                f"line {line}: nested deeper than {MAX_DEPTH} constructs; what is inside was not analysed"
            )

    # --------------------------------------------------------------------------------------------------- events

    def _close(self, position: int) -> int:
        """Close what ends before `position`; returns where the innermost of what is left ends."""
        stack = self._stack
        while stack and stack[-1].end <= position:
            frame = stack.pop()
            if frame.on_close is not None:
                frame.on_close()
            if frame.tests is not None:
                for name, (branches, types) in frame.tests.items():
                    self._record_test(name, types, branches=branches)
        return stack[-1].end if stack else len(self.source) + 1

    def _decorated(self, frame: _Frame, _: Node) -> None:
        frame.decorators = []

    def _decorator(self, node: Node) -> None:
        if self._stack and self._stack[-1].decorators is not None:
            self._stack[-1].decorators.append(self.spec.decorator(node, self.source))

    def _import(self, node: Node) -> None:
        around = {outer.code for outer in self._stack}
        self._imports.extend(
            self.spec.imports(
                node,
                self.source,
                self._scope,
                type_checking="type_checking" in around,
                main_only="main" in around,
                guarded=not around.isdisjoint(_CONDITIONS),
            )
        )

    def _type_alias(self, node: Node) -> None:
        name = self.spec.type_alias_name(node, self.source)
        self._add_symbol(name, "type_alias", (node.start_byte, node.end_byte), _position(node), None)

    def _await(self, node: Node) -> None:
        self._active[-1].count("await")
        if node.named_child_count:
            operand = node.named_children[0]
            while operand.type == "parenthesized_expression" and operand.named_child_count:
                operand = operand.named_children[0]
            self._awaited.add((operand.start_byte, operand.end_byte))

    def _construct(self, frame: _Frame, node: Node) -> None:
        """A control-flow construct: count it and let the complexity grow."""
        code, active, spec = frame.code, self._active, self.spec
        active[-1].count(code)
        branches = 0
        if code in _STRUCTURES:
            for total in active:
                total.structure()
        elif code in _HYBRIDS:
            for total in active:
                total.cognitive += 1
        if code in _BRANCHES:
            branches = 1
        elif code == "else":
            branches = bool(self._stack) and self._stack[-1].code == "try"
        elif code == "match":
            branches = spec.match_branches(node, self.source)
        for total in active if branches else ():
            total.cyclomatic += branches

        if code == "ternary":
            self._nest(frame)
        elif code == "lambda":
            name = self._bound_lambdas.get(node.start_byte)
            if name is None:
                self._nest(frame)
            else:
                active[-1].count(code, -1)
                index = self._add_symbol(name, "function", (node.start_byte, node.end_byte), _position(node), None)
                self.symbols[index].arguments = spec.lambda_arguments(node, self.source)
                self._enter_symbol(frame, index, counts=0)
        elif code == "try":
            frame.flag = spec.has_handler(node)
        elif code in ("if", "elif"):
            self._condition(frame, node)

    def _condition(self, frame: _Frame, node: Node) -> None:
        if frame.code == "if":
            frame.audience = self.spec.audience(node, self.source)
        test = self.spec.type_test(node, self.source)
        if test is None:
            return
        if test.is_guard:
            if self._active[-1].depth == 0:
                self._record_test(test.name, test.types, guard=True)
            return
        chain = self._stack[-1] if frame.code == "elif" and self._stack else frame
        if chain.tests is None:
            chain.tests = {}
        branches, types = chain.tests.get(test.name, (0, ()))
        chain.tests[test.name] = (branches + 1, (*types, *test.types))

    def _record_test(self, name: str, types: Sequence[str], *, branches: int = 0, guard: bool = False) -> None:
        tests = self._tests.setdefault(self._scope, {})
        known = tests.get(name)
        if known is not None:
            branches, guard, types = max(branches, known.branches), guard or known.guard, (*known.types, *types)
        tests[name] = TypeCheck(name=name, types=tuple(dict.fromkeys(types)), branches=branches, guard=guard)

    def _nest(self, frame: _Frame) -> None:
        """Raise the cognitive nesting of everything active until `frame` closes."""
        active = self._active
        for total in active:
            total.nesting += 1

        def on_close() -> None:
            for total in active:
                total.nesting -= 1

        frame.on_close = on_close

    def _block(self, frame: _Frame, _: Node) -> None:
        parent = self._stack[-1] if self._stack else None
        if parent is None:
            return
        if parent.symbol >= 0:
            index, parent.symbol = parent.symbol, -1
            self._enter_symbol(frame, index, counts=1)
            return
        nests = parent.code in _NESTING
        if not nests and parent.code not in ("try", "with", "finally"):
            return
        active, own = self._active, self._active[-1]
        handled = parent.code == "try" and parent.flag
        for total in active if nests else ():
            total.nesting += 1
        own.enter_block()
        self._in_try += handled

        def on_close() -> None:
            for total in active if nests else ():
                total.nesting -= 1
            own.depth -= 1
            self._in_try -= handled

        frame.on_close = on_close
        if parent.audience is not None:
            frame.code = parent.audience

    def _enter_symbol(self, frame: _Frame, index: int, *, counts: int) -> None:
        """Make a symbol the scope until its body's frame closes; `counts` is its weight in McCabe's number outside."""
        saved = self._scope, self._functions, self._active, self._in_try
        functions, own = self._functions, self._totals[index]
        nestings = [total.nesting for total in functions]
        if self.symbols[index].kind in CLASS_KINDS:
            for total in functions:  # methods of a local class are read on their own
                total.nesting = 0
            self._active = [*functions, own]
        else:
            parent = self.symbols[self._scope]
            body = self._bodies[self._scope]
            if parent.kind in CLASS_KINDS:
                for total in functions:
                    total.nesting = 0
            elif parent.kind in CALLABLE_KINDS and not (
                body is not None and self.spec.is_wrapper(body, self._ranges[index][0])
            ):
                for total in functions:
                    total.nesting += 1
            for total in functions:
                total.cyclomatic += counts
            self._functions = self._active = [*functions, own]
            self._in_try = 0
        self._scope = index

        def on_close() -> None:
            for total, nesting in zip(functions, nestings, strict=True):
                total.nesting = nesting
            self._scope, self._functions, self._active, self._in_try = saved

        frame.on_close = on_close

    def _definition(self, frame: _Frame, node: Node) -> None:
        decorators = (self._stack[-1].decorators if self._stack else None) or []
        if frame.code == "class":
            head = self.spec.class_(node, self.source)
        else:
            in_class = self.symbols[self._scope].kind in CLASS_KINDS
            head = self.spec.function(node, self.source, decorators, in_class=in_class)
        index = self._add_symbol(head.name, head.kind, (node.start_byte, node.end_byte), _position(node), head.body)
        symbol = self.symbols[index]
        symbol.role = head.role
        symbol.is_async = head.is_async
        symbol.decorators = tuple(decorators)
        symbol.base_classes = head.base_classes
        symbol.return_type = head.return_type
        symbol.arguments = head.arguments
        if head.body is not None and head.kind in CALLABLE_KINDS:
            symbol.is_stub = self.spec.is_stub(head.body, self.source)
            if head.return_type is not None and ("None" in head.return_type or "Optional" in head.return_type):
                symbol.returns_none = self.spec.returns_none(head.body, self.source)
        frame.symbol = index

    def _add_symbol(
        self, name: str, kind: SymbolKind, span: tuple[int, int], position: tuple[int, int, int], body: Node | None
    ) -> int:
        parent = self._scope if self.symbols else -1
        prefix = self.symbols[parent].qualified_name if parent > 0 else ""
        start_line, end_line, column = position
        self.symbols.append(
            SymbolFacts(name, f"{prefix}.{name}" if prefix else name, kind, "", parent, start_line, end_line, column)
        )
        self._totals.append(Accumulator())
        self._ranges.append(span)
        self._bodies.append(body)
        return len(self.symbols) - 1

    def _boolean(self, node: Node) -> None:
        if node.id in self._swallowed:
            return
        operators, swallowed = self.spec.boolean_operators(node)
        self._swallowed.update(swallowed)
        runs = sum(1 for i, operator in enumerate(operators) if i == 0 or operators[i - 1] != operator)
        for total in self._active:
            total.cognitive += runs
        self._active[-1].count("boolean", len(operators))

    def _call(self, node: Node) -> None:
        callee = self.spec.callee(node, self.source)
        if not callee:
            return
        awaited = bool(self._awaited) and (node.start_byte, node.end_byte) in self._awaited
        key = (self._scope, callee, self._in_try > 0, awaited)
        known = self._calls.get(key)
        if known is None:
            self._calls[key] = CallFacts(self._scope, callee, node.start_point[0] + 1, 1, key[2], awaited)
        else:
            known.count += 1

    def _binding(self, node: Node) -> None:
        binding = self.spec.binding(node, self.source)
        if binding is None:
            return
        target, value, is_call, bound_lambda = binding
        if bound_lambda is not None:
            self._bound_lambdas[bound_lambda] = target
        else:
            self._bindings.append(BindingFacts(self._scope, target, value, is_call))

    def _release(self, nodes: list[tuple[Node, bool]]) -> None:
        """Names declared `global` or `nonlocal`: their bindings belong to the module, or to the function around."""
        self._elsewhere: dict[tuple[int, str], int] = {}
        for node, is_global in nodes:
            owner = self._owner(node)
            name = self.source[node.start_byte : node.end_byte].decode("utf-8", "replace")
            self._elsewhere[owner, name] = 0 if is_global else max(self.symbols[owner].parent, 0)
        for binding in self._bindings if self._elsewhere else ():
            binding.owner = self._elsewhere.get((binding.owner, binding.target), binding.owner)

    def _hide(self, bound: list[Node], binders: list[Node]) -> None:
        """Bindings that say nothing of their value, of names that a function uses and that mean something outside."""
        symbols, source = self.symbols, self.source
        outer = {symbol.name for symbol in symbols}
        for item in self._imports:
            outer.update(bound for _, bound in item.names)
            outer.add(item.alias or item.module.partition(".")[0])
        outer.update(binding.target for binding in self._bindings)
        called = {call.callee.partition(".")[0] for call in self._calls.values()}
        used = {name.encode() for name in (called if "*" in outer else called & outer)}
        known = {(binding.owner, binding.target) for binding in self._bindings}
        known.update((owner, arg.name) for owner, symbol in enumerate(symbols) for arg in symbol.arguments)
        hidden: list[BindingFacts] = []
        inside = (node for binder in binders for node in self.spec.bound(binder))
        for node in chain(bound, inside) if used else ():
            text = source[node.start_byte : node.end_byte]
            if text not in used:
                continue
            owner, name = self._owner(node), text.decode("utf-8", "replace")
            if owner and (owner, name) not in known and (owner, name) not in self._elsewhere:
                known.add((owner, name))
                hidden.append(BindingFacts(owner, name, "", False))
        # The nodes come in no particular order; the facts must.
        self._bindings += sorted(hidden, key=lambda binding: (binding.owner, binding.target))

    def _owner(self, node: Node) -> int:
        """The innermost symbol around `node`."""
        position = node.start_byte
        index = bisect_right(self._ranges, (position, len(self.source))) - 1
        while index > 0 and self._ranges[index][1] <= position:
            index = self.symbols[index].parent
        return max(index, 0)

    # --------------------------------------------------------------------------------------------------- the end

    def _finish(self, clean: bytes, comments: list[Node], lines: int) -> FileFacts:
        for index, (symbol, total) in enumerate(zip(self.symbols, self._totals, strict=True)):
            symbol.control_flow = total.control_flow()
            symbol.cognitive, symbol.cyclomatic = total.cognitive, total.cyclomatic
            symbol.nesting_depth = total.max_depth
            if index in self._tests:
                symbol.type_checks = tuple(self._tests[index].values())
        mentions, fragments = measure(self.spec.tokenizer, clean, self.symbols, self._ranges, self._bodies)
        return FileFacts(
            language=self.spec.name,
            symbols=self.symbols,
            imports=self._imports,
            calls=list(self._calls.values()),
            bindings=self._bindings,
            mentions=mentions,
            fragments=fragments,
            exports=self.spec.exports(clean),
            suppressions=suppressions(comments, self.source),
            problems=self.problems,
            lines=lines,
            has_main_guard=self.spec.has_main_guard(clean),
            is_generated=is_generated(comments, self.source),
        )


def _position(node: Node) -> tuple[int, int, int]:
    """Start line, end line (1-based, inclusive) and start column (1-based)."""
    start, end = node.start_point, node.end_point
    return start[0] + 1, end[0] + 1, start[1] + 1
