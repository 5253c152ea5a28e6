"""`module-organization`: modules that import each other in a circle."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta

from semfora_hooks.context import SuggestContext
from semfora_hooks.hookspecs import Example
from semfora_hooks.index.graph import shortest_cycle, strongly_connected
from semfora_hooks.model import Evidence, ImportEdge, Recommendation, Severity, Symbol, SymbolRef
from semfora_hooks.rules.options import BuiltinRule, Options, is_own_code


class OrganizationOptions(Options, frozen=True, kw_only=True):
    """Options of `module-organization`."""

    include_lazy: Annotated[
        bool, Meta(description="Count imports inside functions too; they are often there to break a cycle.")
    ] = False
    include_type_checking: Annotated[bool, Meta(description="Count imports for type checkers only.")] = False


class ModuleOrganization(BuiltinRule[OrganizationOptions]):
    """Fires on import cycles: one finding for each knot of modules, showing its shortest circle."""

    id = "module-organization"
    group = "module-organization"
    category = "module_organization"
    severity = Severity.WARNING
    granularity = "project"
    locality = "imports"
    uses_calls = False
    description = (
        "Modules that import each other, directly or in a circle, when they are loaded. None of them can be understood, "
        "tested or moved without the others, and the order of imports decides whether the program starts."
    )
    remedy = (
        "Move what both need to a third module below them, or turn one direction around by passing in what is needed. "
        "An import that only annotations need belongs under `if TYPE_CHECKING:`."
    )
    options_type: ClassVar = OrganizationOptions

    def evaluate(self, context: SuggestContext) -> Iterator[Recommendation]:
        """Yield a finding for each strongly connected component of the import graph."""
        modules = {symbol.module: symbol for symbol in context.symbols if symbol.kind == "module"}
        own = {symbol.module for symbol in context.symbols if symbol.kind == "module" and is_own_code(symbol)}
        edges: dict[tuple[str, str], ImportEdge] = {}
        graph: dict[str, list[str]] = {}
        for edge in context.imports:
            if edge.importer not in own or edge.imported not in own or not self.wants(edge.lazy, edge.type_checking):
                continue
            if (edge.importer, edge.imported) not in edges:
                edges[edge.importer, edge.imported] = edge
                graph.setdefault(edge.importer, []).append(edge.imported)
        for component in strongly_connected(graph):
            if len(component) > 1:
                yield self._finding(sorted(component), shortest_cycle(graph, component), edges, modules, context)

    def wants(self, lazy: bool, type_checking: bool) -> bool:
        """Whether an import counts, as the options have it."""
        return (self.options.include_lazy or not lazy) and (self.options.include_type_checking or not type_checking)

    def _finding(
        self,
        component: Sequence[str],
        cycle: Sequence[str],
        edges: Mapping[tuple[str, str], ImportEdge],
        modules: Mapping[str, Symbol],
        context: SuggestContext,
    ) -> Recommendation:
        steps = [edges[module, cycle[(i + 1) % len(cycle)]] for i, module in enumerate(cycle)]
        through_package = any(
            edge.importer.startswith(f"{edge.imported}.") or edge.imported.startswith(f"{edge.importer}.")
            for edge in steps
        )
        more = len(component) - len(cycle)
        circle = " → ".join([*cycle, cycle[0]])
        title = (
            f"`{cycle[0]}` and `{cycle[1]}` import each other"
            if len(cycle) == 2
            else f"{len(cycle)} modules import each other in a circle: {circle}"
        )
        description = f"The circle is {circle}."
        if more:
            description += f" It is the shortest of a knot of {len(component)} modules that all reach each other."
        if through_package:
            description += (
                " It passes through a package's own `__init__`, which often works by the order of its imports."
            )
        inward = next((edge for edge in steps if edge.importer.startswith(f"{edge.imported}.")), None)
        last = min(steps, key=lambda edge: (_imports_from(edge, context), edge.importer))
        return Recommendation(
            title=title,
            description=description,
            severity=Severity.INFO if through_package else Severity.WARNING,
            confidence=0.6 if through_package else 0.9,
            symbols=tuple(
                msgspec.structs.replace(SymbolRef.of(modules[edge.importer]), start_line=edge.line) for edge in steps
            ),
            suggestion=(
                f"In `{inward.importer}`, import from the modules that define the names rather than from the package "
                f"`{inward.imported}` around it."
                if inward is not None
                else f"Remove the import of `{last.imported}` from `{last.importer}`: move what it needs to a module that "
                "imports neither, or pass it in."
            ),
            evidence=tuple(
                Evidence(
                    kind="import",
                    text=f"{edge.importer} imports {edge.imported}",
                    symbol=modules[edge.importer].id,
                    file=edge.file,
                    line=edge.line,
                )
                for edge in steps
            ),
            metrics={"modules": len(component)},
        )

    examples = (
        Example(
            fires=True,
            note="two modules that need each other to load",
            files={
                "orders.py": "import customers\n\n\ndef total(order):\n    return customers.discount(order) * order.price\n",
                "customers.py": "from orders import total\n\n\ndef discount(order):\n    return 1\n\n\nprint(total)\n",
            },
        ),
        Example(
            fires=True,
            note="a circle of three",
            files={"a.py": "import b\n", "b.py": "import c\n", "c.py": "import a\n"},
        ),
        Example(
            fires=False,
            note="one direction inside a function: nothing is circular while loading",
            files={
                "orders.py": "import customers\n\nprint(customers)\n",
                "customers.py": "def discount(order):\n    from orders import total\n\n    return total(order)\n",
            },
        ),
        Example(
            fires=False,
            note="for type checkers only",
            files={
                "orders.py": "import customers\n\nprint(customers)\n",
                "customers.py": "from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    from orders import Order\n",
            },
        ),
    )


def _imports_from(edge: ImportEdge, context: SuggestContext) -> int:
    """How many modules the importer imports: the direction of the more basic module is the one to cut."""
    module = context.module_by_name.get(edge.importer)
    return module.efferent_coupling if module is not None else 0
