"""Calls of a whole repository, packed."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from semfora_hooks.index import calls
from semfora_hooks.index.calls import CallTable, constructor_call
from semfora_hooks.index.filelink import FileLink, LinkedCall
from semfora_hooks.index.link import call_order
from semfora_hooks.model import CallEdge

quick = settings(deadline=None, max_examples=100, database=None)
IDS = {"a.py": ["a.py", "a.py::f", "a.py::F"], "a.py.py": ["a.py.py", "a.py.py::g"], "b.py": ["b.py"]}
CALLEES, EXTERNALS = ["b.py", "a.py::F", "a.py::f"], ["len", "os.path.join"]

keys = st.tuples(
    st.integers(0, 2),
    st.integers(-1, len(CALLEES) - 1),
    st.integers(-1, len(EXTERNALS) - 1),
    st.integers(0, 2),
    st.booleans(),
    st.booleans(),
)
Rows = dict[tuple[int, int, int, int, bool, bool], tuple[int, int]]
linked = st.dictionaries(keys, st.tuples(st.integers(1, 3), st.integers(1, 400)), max_size=12)


def link_of(found: list[LinkedCall]) -> FileLink:
    return FileLink(CALLEES, EXTERNALS, found, [], [], [], [])


def edges_of(links: dict[str, FileLink]) -> list[CallEdge]:
    """The same calls as plain edges."""
    return sorted((edge for path, link in links.items() for edge in link.edges(IDS[path])), key=call_order)


def table_of(links: dict[str, FileLink]) -> CallTable:
    return CallTable.of((IDS[path], link, link.calls, ()) for path, link in links.items())


def _calls_in(path: str, rows: Rows) -> list[LinkedCall]:
    """Calls, each with one target at most."""
    return [
        LinkedCall(caller % len(IDS[path]), callee, -1 if callee >= 0 else external, strength, tried, awaited, *about)
        for (caller, callee, external, strength, tried, awaited), about in rows.items()
    ]


@quick
@given(st.fixed_dictionaries(dict.fromkeys(IDS, linked)), st.sampled_from([0, 5, 1000]))
def test_a_table_holds_the_edges_in_order(found: dict[str, Rows], kept: int) -> None:
    links = {path: link_of(_calls_in(path, rows)) for path, rows in found.items()}
    expected, table = edges_of(links), table_of(links)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(calls, "KEPT", kept)
        assert [*table] == expected
        assert [table[i] for i in range(len(table))] == expected
        assert [table[i - len(table)] for i in range(len(table))] == expected
        assert [*table[1:4]] == expected[1:4]
        assert [*table[::-2]] == expected[::-2]
        assert [*reversed(table)] == expected[::-1]
        assert len(table) == len(expected)
        assert table == expected
        assert table == table_of(links)
        assert table != [
            *expected,
            *expected[:1],
            CallEdge(caller="x", external="y", count=1, line=1, resolution="name"),
        ]
        with pytest.raises(IndexError):
            table[len(table)]
    for caller, outside, symbols, sure in table.targets():
        mine = [edge for edge in expected if edge.caller == caller]
        assert outside == {edge.external for edge in mine if edge.callee is None}
        assert symbols.keys() == {edge.callee for edge in mine} - {None}
        assert sum(symbols.values()) == sum(edge.count for edge in mine if edge.callee is not None)
        assert sure == [edge.callee for edge in mine if edge.callee is not None and edge.resolution == "exact"]
    assert [caller for caller, *_ in table.targets()] == sorted({edge.caller for edge in expected})


def test_calls_of_constructors_stand_among_the_others() -> None:
    link = link_of([LinkedCall(2, 0, -1, 2, False, True, 4, 9), LinkedCall(2, -1, 0, 2, True, False, 1, 2)])
    table = CallTable.of([(IDS["a.py"], link, link.calls, [(2, constructor_call(5, "a.py::F.__init__"))])])
    assert [*table] == [
        CallEdge(caller="a.py::F", external="len", count=1, line=2, resolution="name", in_try=True),
        CallEdge(caller="a.py::F", callee="a.py::F.__init__", count=1, line=5, resolution="exact"),
        CallEdge(caller="a.py::F", callee="b.py", count=4, line=9, resolution="name", is_awaited=True),
    ]


def test_edges_of_a_small_table_are_made_once() -> None:
    table = table_of({"a.py": link_of([LinkedCall(1, 0, -1, 0, False, False, 1, 3)])})
    assert table[0] is table[0] is next(iter(table))
    with pytest.raises(TypeError):
        hash(table)
