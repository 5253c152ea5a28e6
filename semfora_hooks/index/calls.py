"""The calls of a whole repository, packed: a large one has millions, and few rules look at more than some of them."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from operator import itemgetter
from typing import overload

from semfora_hooks.index.filelink import RESOLUTIONS, FileLink, LinkedCall
from semfora_hooks.model import CallEdge

KEPT = 100_000
"""Calls up to which edges are made once, and not each time they are asked for; 3,000 files have that many."""

_IN_TRY, _IS_AWAITED, _IS_OUTSIDE = 1, 2, 4
_RESOLUTION = 3  # the bits above those
_EXACT = RESOLUTIONS.index("exact")

Row = tuple[int, str, str, bool, bool, int, int, str | None]
"""A call: line, callee, external, in `try`, awaited; sites, flags, and what it calls, be it callee or external."""

_order = itemgetter(0, 1, 2, 3, 4)  # as `link.call_order`


class CallTable(Sequence[CallEdge]):
    """Calls by caller, then line. Nobody can change them."""

    def __init__(self) -> None:
        self._callers: list[str] = []
        self._ends = array("I")  # behind the last call of each caller
        self._targets: list[str | None] = []
        self._sites = array("I")
        self._lines = array("I")
        self._flags = bytearray()
        self._edges: tuple[CallEdge, ...] | None = None

    # ------------------------------------------------------------------------------------------------------- reading

    def __len__(self) -> int:
        return len(self._targets)

    def __iter__(self) -> Iterator[CallEdge]:
        return self._make() if len(self) > KEPT else iter(self._all())

    @overload
    def __getitem__(self, index: int) -> CallEdge: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[CallEdge]: ...
    def __getitem__(self, index: int | slice) -> CallEdge | Sequence[CallEdge]:
        if len(self) <= KEPT:
            return self._all()[index]
        if isinstance(index, slice):
            return tuple(map(self.__getitem__, range(*index.indices(len(self)))))
        position = range(len(self))[index]
        return self._edge(self._callers[bisect_right(self._ends, position)], position)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence):
            return NotImplemented
        return len(self) == len(other) and all(one == two for one, two in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]  # as of other sequences that are compared by what they hold

    def _all(self) -> tuple[CallEdge, ...]:
        if self._edges is None:
            self._edges = tuple(self._make())
        return self._edges

    def _make(self) -> Iterator[CallEdge]:
        for caller, positions in self._by_caller():
            for position in positions:
                yield self._edge(caller, position)

    def _by_caller(self) -> Iterator[tuple[str, range]]:
        start = 0
        for caller, end in zip(self._callers, self._ends, strict=True):
            yield caller, range(start, end)
            start = end

    def _edge(self, caller: str, position: int) -> CallEdge:
        flags, target = self._flags[position], self._targets[position]
        return CallEdge(
            caller=caller,
            callee=None if flags & _IS_OUTSIDE else target,
            external=target if flags & _IS_OUTSIDE else None,
            count=self._sites[position],
            line=self._lines[position],
            resolution=RESOLUTIONS[flags >> _RESOLUTION],
            in_try=bool(flags & _IN_TRY),
            is_awaited=bool(flags & _IS_AWAITED),
        )

    def targets(self) -> Iterator[tuple[str, set[str | None], dict[str, int], list[str]]]:
        """Each caller, with what it calls outside, the symbols that it calls with their sites, and the sure ones."""
        for caller, positions in self._by_caller():
            outside: set[str | None] = set()
            symbols: dict[str, int] = {}
            sure: list[str] = []
            part = slice(positions.start, positions.stop)
            for flags, target, sites in zip(self._flags[part], self._targets[part], self._sites[part], strict=True):
                if flags & _IS_OUTSIDE or target is None:
                    outside.add(target)
                    continue
                symbols[target] = symbols.get(target, 0) + sites
                if flags >> _RESOLUTION == _EXACT:
                    sure.append(target)
            yield caller, outside, symbols, sure

    # ------------------------------------------------------------------------------------------------------- filling

    @classmethod
    def of(
        cls, files: Iterable[tuple[Sequence[str], FileLink, Iterable[LinkedCall], Iterable[tuple[int, Row]]]]
    ) -> CallTable:
        """The calls in some files.

        Args:
            files: For each, the ids of its symbols, what names its callees, its calls, and other calls of its symbols,
                with their local indexes.
        """
        table = cls()
        for ids, link, calls, more in files:
            found: defaultdict[int, list[Row]] = defaultdict(list)
            callees, externals = link.callees, link.externals
            for caller, callee, external, resolution, in_try, is_awaited, sites, line in calls:
                flags = resolution << _RESOLUTION | in_try | is_awaited << 1
                if callee >= 0:
                    name = callees[callee]
                    found[caller].append((line, name, "", in_try, is_awaited, sites, flags, name))
                else:
                    outside = externals[external] if external >= 0 else None
                    about = in_try, is_awaited, sites, flags | _IS_OUTSIDE, outside
                    found[caller].append((line, "", outside or "", *about))
            for caller, row in more:
                found[caller].append(row)
            table._extend((ids[caller], rows) for caller, rows in found.items())
        return table._sorted()

    def _extend(self, groups: Iterable[tuple[str, list[Row]]]) -> None:
        """Add the calls of other callers than those that are there."""
        ordered: list[Row] = []
        start = len(self)
        for caller, rows in sorted(groups, key=itemgetter(0)):
            if len(rows) > 1:
                rows.sort(key=_order)
            ordered.extend(rows)
            self._callers.append(caller)
            self._ends.append(start + len(ordered))
        self._lines.extend([row[0] for row in ordered])
        self._sites.extend([row[5] for row in ordered])
        self._flags.extend([row[6] for row in ordered])
        self._targets.extend([row[7] for row in ordered])

    def _sorted(self) -> CallTable:
        """The same with its callers in order; they are, but where names of files begin alike: `a.py`, `a.py.py`."""
        if all(one < two for one, two in zip(self._callers, self._callers[1:], strict=False)):
            return self
        table = CallTable()
        for caller, positions in sorted(self._by_caller(), key=itemgetter(0)):
            part = slice(positions.start, positions.stop)
            table._callers.append(caller)
            table._targets.extend(self._targets[part])
            table._sites.extend(self._sites[part])
            table._lines.extend(self._lines[part])
            table._flags.extend(self._flags[part])
            table._ends.append(len(table))
        return table


def constructor_call(line: int, init_id: str) -> Row:
    """The call of the `__init__` that runs when a class is called."""
    return line, init_id, "", False, False, 1, _EXACT << _RESOLUTION, init_id
