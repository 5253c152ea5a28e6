"""Links by their other end."""

from __future__ import annotations

import pytest

from semfora_hooks.index.filelink import FileLink, LinkedImport
from semfora_hooks.index.incremental.reverse import ReverseLinks, possible_files


def link(*callees: str, constructors: tuple[tuple[str, str], ...] = (), imports: tuple[str, ...] = ()) -> FileLink:
    lines = [LinkedImport(name, 1, False, False) for name in imports]
    return FileLink(list(callees), [], [], list(constructors), [], lines, [])


@pytest.mark.parametrize(
    ("identity", "files"),
    [
        ("a.py", {"a.py"}),
        ("a.py::f", {"a.py", "a.py::f"}),
        ("pkg/a.py::C.f", {"pkg/a.py", "pkg/a.py::C.f"}),
        ("co::lon.py::f", {"co", "co::lon.py", "co::lon.py::f"}),
        ("odd:::f", {"odd", "odd:", "odd:::f"}),
    ],
)
def test_files_an_id_may_belong_to(identity: str, files: set[str]) -> None:
    """As many as `id == file` or `id.startswith(file + "::")` holds for."""
    assert set(possible_files(identity)) == files
    assert all(identity == file or identity.startswith(f"{file}::") for file in files)


def test_links_are_found_by_their_other_end() -> None:
    reverse = ReverseLinks()
    assert (dict(reverse.callers), reverse.pairs) == ({}, set())
    pair = ("b.py::C", "base.py::B.__init__")
    reverse.add("a.py", link("b.py::f", "b.py::g", "c.py", constructors=(pair,), imports=("b", "c")))
    reverse.add("d.py", link("b.py::f", imports=("c",)))
    assert reverse.callers["b.py"] == {"a.py", "d.py"}
    assert reverse.callers["c.py"] == {"a.py"}
    assert reverse.callers["b.py::g"] == {"a.py"}  # nothing asks for it: it is no file
    assert (reverse.importers["b"], reverse.importers["c"]) == ({"a.py"}, {"a.py", "d.py"})
    assert (reverse.constructors["b.py"], reverse.pairs) == ({pair}, {pair})
    assert "base.py" not in reverse.constructors
    assert reverse.callers.get("nowhere.py") is None
