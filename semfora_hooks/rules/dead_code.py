"""`dead-code`: definitions nothing refers to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from semfora_hooks.context import SuggestContext
from semfora_hooks.hookspecs import Example
from semfora_hooks.model import CALLABLE_KINDS, CLASS_KINDS, Evidence, Recommendation, Severity, Symbol, SymbolRef
from semfora_hooks.rules.options import BuiltinRule, Options, is_own_code, plural, shown

# Files that a tool reads by convention: their names are called without being mentioned.
_CONVENTIONAL = re.compile(
    r"(^|/)(conf|conftest|settings[^/]*|manage|setup|noxfile|fabfile|tasks|dodo|wsgi|asgi|gunicorn[^/]*)\.py$|(^|/)(settings|migrations|alembic)/"
)


class DeadCodeOptions(Options, frozen=True, kw_only=True):
    """Options of `dead-code`."""

    public: Annotated[
        Literal["auto", "always", "never"],
        Meta(
            description="Whether unused public functions and classes count: `auto` counts them unless the repository is a "
            "library (packaged for others to import)."
        ),
    ] = "auto"
    include_tests: Annotated[bool, Meta(description="Look at helpers in test code too.")] = False


class DeadCode(BuiltinRule[DeadCodeOptions]):
    """Fires on functions, methods and classes whose name stands nowhere but in their own definition."""

    id = "dead-code"
    group = "dead-code"
    category = "dead_code"
    severity = Severity.WARNING
    granularity = "project"
    locality = "file"
    uses_calls = False
    description = (
        "A function, method or class that nothing in the repository calls, imports or names: not in code, not in a string "
        "that could be used to look it up. Entry points, overrides, decorated functions and what a library exports are "
        "left alone."
    )
    remedy = (
        "Delete it: version control remembers. If something outside calls it, say so: list it in `entry-points`, export it "
        "in `__all__`, or silence the finding with a reason."
    )
    options_type: ClassVar = DeadCodeOptions

    def evaluate(self, context: SuggestContext) -> Iterator[Recommendation]:
        """Yield a finding for each unreferenced definition, the outermost only."""
        dead: set[str] = set()
        for symbol in context.symbols:  # parents stand before their children
            if symbol.parent in dead:
                dead.add(symbol.id)
                continue
            if symbol.kind not in CALLABLE_KINDS and symbol.kind not in CLASS_KINDS:
                continue
            if symbol.reachability != "unreferenced" or not is_own_code(symbol, tests=self.options.include_tests):
                continue
            if symbol.is_stub or symbol.file.endswith(".pyi") or _CONVENTIONAL.search(symbol.file):
                continue
            confidence, why = self._visibility(symbol, context)
            if confidence > 0:
                dead.add(symbol.id)
                yield self._finding(symbol, confidence, why)

    def _visibility(self, symbol: Symbol, context: SuggestContext) -> tuple[float, str]:
        """How sure it is that nobody outside can use the symbol, and the reason; 0 means they may."""
        parent = context.by_id.get(symbol.parent or "")
        if parent is not None and parent.kind in CALLABLE_KINDS:
            return 0.95, "it is local to a function that never uses it"
        if symbol.name.startswith("_"):
            return (0.9 if symbol.kind == "method" else 0.95), "its name is private"
        if _serves_others(parent, context):
            return 0.0, ""
        if parent is not None and parent.kind in CLASS_KINDS and parent.name.startswith("_"):
            return 0.8, "the class around it is private"
        if not symbol.is_exported and parent is not None and parent.kind == "module" and parent.name.startswith("_"):
            return 0.6, "its module is private, though tests elsewhere may use it"
        public = self.options.public
        if public == "never" or (public == "auto" and context.is_library):
            return 0.0, ""
        if symbol.kind == "method":
            return 0.6, "the repository is not a library"
        return 0.75, "the repository is not a library"

    def _finding(self, symbol: Symbol, confidence: float, why: str) -> Recommendation:
        return Recommendation(
            title=f"{symbol.kind} `{shown(symbol)}` is never used",
            description=f"Nothing calls, imports or names it, and {why}.",
            severity=Severity.WARNING if confidence >= 0.7 else Severity.INFO,
            confidence=confidence,
            symbols=(SymbolRef.of(symbol),),
            suggestion=f"Delete it ({plural(symbol.line_count, 'line')}), or name what calls it in `entry-points`.",
            evidence=(
                Evidence(kind="references", text=f"0 mentions of `{symbol.name}` outside its definition"),
                Evidence(kind="visibility", text=why),
            ),
        )

    examples = (
        Example(
            fires=True,
            note="a private helper nobody calls",
            files={
                "report.py": "def render(rows):\n    return list(rows)\n\n\ndef _old_render(rows):\n    return tuple(rows)\n\n\nprint(render([]))\n"
            },
        ),
        Example(
            fires=True,
            note="only its own recursion names it",
            files={"walk.py": "def _walk(tree):\n    for child in tree:\n        _walk(child)\n"},
        ),
        Example(
            fires=False,
            note="looked up by name at run time",
            files={
                "visit.py": "class Visitor:\n    def visit(self, node):\n        return getattr(self, '_visit_' + node.kind)(node)\n\n"
                "    def _visit_leaf(self, node):\n        return node\n\n\nVisitor().visit(None)\n"
            },
        ),
        Example(
            fires=False,
            note="called by a framework through its decorator",
            files={
                "app.py": "from flask import Flask\n\napp = Flask(__name__)\n\n\n@app.route('/')\ndef index():\n    return 'hello'\n"
            },
        ),
        Example(
            fires=False,
            note="a library's public function",
            files={
                "pyproject.toml": "[build-system]\nrequires = ['hatchling']\n",
                "lib/__init__.py": "def helper():\n    return 1\n",
            },
        ),
        Example(
            fires=False,
            note="an override of a base class we do not see",
            files={
                "handler.py": "from http.server import BaseHTTPRequestHandler\n\n\nclass _Handler(BaseHTTPRequestHandler):\n    def do_GET(self):\n        self.send_response(200)\n\n\nprint(_Handler)\n"
            },
        ),
        Example(
            fires=False,
            note="a type stub: it describes what stands elsewhere",
            files={"fast.pyi": "class _Buffer:\n    size: int\n", "run.py": "import fast\n\nfast.go()\n"},
        ),
        Example(
            fires=False,
            note="a class that stands in for another object: who used that one calls it",
            files={
                "streams.py": "class _Counting:\n    def __init__(self, stream):\n        self._stream = stream\n\n    def __getattr__(self, name):\n"
                "        return getattr(self._stream, name)\n\n    def read1(self, size):\n        return self._stream.read(size)\n\n\nprint(_Counting(None))\n"
            },
        ),
        Example(
            fires=False,
            note="a class whose decorator may call its methods: here, Twisted does",
            files={
                "body.py": "from zope.interface import implementer\n\n\n@implementer(IBodyProducer)\nclass _Body:\n"
                "    def startProducing(self, consumer):\n        consumer.write(b'')\n\n\nprint(_Body())\n"
            },
        ),
        Example(
            fires=True,
            note="a decorator that only makes methods calls none",
            files={
                "order.py": "from dataclasses import dataclass\n\n\n@dataclass\nclass _Order:\n    total: int\n\n    def half(self):\n"
                "        return self.total / 2\n\n\nprint(_Order(2))\n"
            },
        ),
    )


def _serves_others(symbol: Symbol | None, context: SuggestContext) -> bool:
    """Whether it is a class whose public methods may be called by what never names them.

    Its decorator may have registered them, or the class passes on what it lacks to another object, and so has the
    methods that this object's users call.
    """
    if symbol is None or symbol.kind not in CLASS_KINDS:
        return False
    return symbol.entry_point == "decorated" or f"{symbol.id}.__getattr__" in context.by_id
