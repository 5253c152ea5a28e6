"""Claims about who calls and imports whom, over the whole repository."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from semfora_hooks.context import SuggestContext
from semfora_hooks.model import Resolution
from semfora_hooks.providers.declarative.globs import Glob, import_glob

_TRUST: Mapping[Resolution, int] = {"name": 0, "inferred": 1, "exact": 2}


class Architecture:
    """The fixture `semfora_arch`: claims about who calls and imports whom, over the whole repository.

    Patterns are globs on dotted module names, in which `*` crosses dots. A package's name stands for everything in it:
    `app.web` is `app.web` and all below, `app.web.*` only what is below.
    """

    def __init__(self, context: SuggestContext) -> None:
        self._context = context

    def modules(self, *patterns: str) -> Modules:
        """The modules of the repository that fit one of `patterns`.

        Raises:
            AssertionError: None does, so that any claim about them would hold.
        """
        __tracebackhide__ = True
        fits = _matcher(patterns)
        names = [module.name for module in self._context.modules if fits(module.name)]
        if not names:
            known = ", ".join(module.name for module in self._context.modules[:10])
            raise AssertionError(f"no module fits {' or '.join(patterns)}; the first modules are: {known}")
        return Modules(self._context, patterns, frozenset(names))


class Modules:
    """Some modules, and what can be claimed about them."""

    def __init__(self, context: SuggestContext, patterns: Sequence[str], names: frozenset[str]) -> None:
        self._context = context
        self._patterns = patterns
        self.names = names

    def should_not_call(self, *patterns: str, trust: Resolution = "inferred") -> None:
        """Claim that nothing in these modules calls what stands in others.

        Args:
            patterns: Modules, or names outside the repository (`requests`). Calls among them do not count.
            trust: The least sure kind of call edge inside the repository that counts: `exact`, `inferred`, or `name`
                (a guess by name alone).

        Raises:
            AssertionError: Something does; the message has a line for each call.
        """
        __tracebackhide__ = True
        self._claim("call", patterns, self._calls(_matcher(patterns), _TRUST[trust]))

    def should_not_import(self, *patterns: str, type_checking: bool = False) -> None:
        """Claim that these modules import none of the others.

        Args:
            patterns: Modules of the repository. Imports among them do not count.
            type_checking: Whether imports that run only for type checkers count too.

        Raises:
            AssertionError: One does; the message has a line for each import.
        """
        __tracebackhide__ = True
        fits = _matcher(patterns)
        self._claim(
            "import",
            patterns,
            (
                f"{edge.file}:{edge.line}: {edge.importer} imports {edge.imported}"
                for edge in self._context.imports
                if edge.importer in self.names
                and fits(edge.imported)
                and not fits(edge.importer)
                and (type_checking or not edge.type_checking)
            ),
        )

    def _calls(self, fits: Callable[[str], bool], least: int) -> Iterator[str]:
        symbols = self._context.by_id
        for call in self._context.calls:
            caller = symbols[call.caller]
            callee = symbols.get(call.callee or "")
            if caller.module not in self.names or fits(caller.module):
                continue
            place = f"{caller.file}:{call.line}: {caller.qualified_name} calls"
            if callee is None and fits(call.external or ""):
                yield f"{place} {call.external}"
            elif callee is not None and fits(callee.module) and _TRUST[call.resolution] >= least:
                yield f"{place} {callee.qualified_name} ({call.resolution})"

    def _claim(self, verb: str, patterns: Sequence[str], found: Iterable[str]) -> None:
        __tracebackhide__ = True
        lines = list(found)
        if lines:
            head = f"{' or '.join(self._patterns)} should not {verb} {' or '.join(patterns)}"
            places = "1 place" if len(lines) == 1 else f"{len(lines)} places"
            raise AssertionError("\n  ".join([f"{head}, and does in {places}:", *lines]))


def _matcher(patterns: Sequence[str]) -> Callable[[str], bool]:
    """Whether a dotted name fits one of `patterns`.

    Raises:
        ValueError: There is none, or one is not a glob.
    """
    if not patterns:
        raise ValueError("name at least one module pattern, such as 'app.web.*'")
    globs: list[Glob] = [import_glob(pattern) for pattern in patterns]
    return lambda name: any(glob.matches(name) for glob in globs)
