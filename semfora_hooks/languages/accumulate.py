"""Complexity of a symbol, accumulated while its syntax tree is walked once."""

from __future__ import annotations

from functools import lru_cache

from semfora_hooks.model import ControlFlow

_FIELDS = {field.rstrip("_"): field for field in ControlFlow.__struct_fields__}


class Accumulator:
    """Running totals of one symbol.

    Attributes:
        cognitive: Cognitive Complexity as SonarSource defines it (G. Ann Campbell, "Cognitive Complexity", 2018):
            breaks in the linear flow cost 1 plus their nesting; `elif`, `else` and each run of like boolean operators
            cost 1. Nested functions count towards the enclosing one. Recursion needs the call graph and is added there.
        cyclomatic: McCabe's number as ruff's C901 counts it: 1, plus 1 a branch, handler, `case` and nested function.
        nesting: Control-flow blocks open around the current position, as the cognitive measure counts them.
        depth: Control-flow blocks open around the current position, `with` and `try` included.
    """

    __slots__ = ("cognitive", "cyclomatic", "depth", "flow", "max_depth", "nesting")

    def __init__(self) -> None:
        self.cognitive = 0
        self.cyclomatic = 1
        self.nesting = 0
        self.depth = 0
        self.max_depth = 0
        self.flow: dict[str, int] = {}

    def count(self, construct: str, by: int = 1) -> None:
        """One more of a construct in the symbol's own body."""
        self.flow[construct] = self.flow.get(construct, 0) + by

    def structure(self) -> None:
        """A break in the linear flow: `if`, a loop, a handler, a ternary, a `match`."""
        self.cognitive += 1 + self.nesting

    def enter_block(self) -> None:
        """One more block around the current position."""
        self.depth += 1
        self.max_depth = max(self.max_depth, self.depth)

    def control_flow(self) -> ControlFlow:
        """The counts by construct."""
        return _control_flow(tuple(self.flow.items()))


@lru_cache(4096)
def _control_flow(counts: tuple[tuple[str, int], ...]) -> ControlFlow:
    """Frozen, so one object serves all symbols of the same counts; a few dozen forms are most of them."""
    return ControlFlow(**{_FIELDS[name]: count for name, count in counts})
