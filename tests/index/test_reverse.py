"""Links by their other end."""

from __future__ import annotations

from semfora_hooks.index.filelink import FileLink, LinkedImport
from semfora_hooks.index.incremental.reverse import ReverseLinks


def link(*callees: str, constructors: tuple[tuple[str, str], ...] = (), imports: tuple[str, ...] = ()) -> FileLink:
    lines = [LinkedImport(name, 1, False, False) for name in imports]
    return FileLink(list(callees), [], [], list(constructors), [], lines, [])


def test_links_are_found_by_their_other_end() -> None:
    reverse = ReverseLinks()
    assert (dict(reverse.callers), reverse.pairs) == ({}, set())
    pair = ("b.py::C", "base.py::B.__init__")
    reverse.add("a.py", link("b.py::f", "b.py::g", "c.py", constructors=(pair,), imports=("b", "c")))
    reverse.add("d.py", link("b.py::f", imports=("c",)))
    assert set(reverse.callers) == {"b.py", "c.py"}
    reverse.add("e.py", link("co::lon.py::f"))
    assert reverse.callers["co::lon.py"] == {"e.py"}
    assert reverse.callers["b.py"] == {"a.py", "d.py"}
    assert reverse.callers["c.py"] == {"a.py"}
    assert (reverse.importers["b"], reverse.importers["c"]) == ({"a.py"}, {"a.py", "d.py"})
    assert (reverse.constructors["b.py"], reverse.pairs) == ({pair}, {pair})
    assert "base.py" not in reverse.constructors
    assert reverse.callers.get("nowhere.py") is None
