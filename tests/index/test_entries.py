"""Which file a symbol's id belongs to."""

from __future__ import annotations

import pytest

from semfora_hooks.index.entries import path_of


@pytest.mark.parametrize(
    ("identity", "path"),
    [
        ("a.py", "a.py"),
        ("a.py::f", "a.py"),
        ("pkg/a.pyi::Shelf.__init__", "pkg/a.pyi"),
        ("a.py::f@getter#2", "a.py"),
        ("a.py::f.py", "a.py"),  # the method `py` of the class `f`
        ("we::ird.py", "we::ird.py"),
        ("we::ird.py::f", "we::ird.py"),
        ("a::b::c.py::Shelf.put", "a::b::c.py"),
        ("fol::der/a.py::f", "fol::der/a.py"),
        ("::.py::f", "::.py"),
    ],
)
def test_path_of(identity: str, path: str) -> None:
    assert path_of(identity) == path
