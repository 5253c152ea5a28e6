"""The grammar is found however it is installed."""

from __future__ import annotations

from importlib.machinery import PathFinder
from types import SimpleNamespace
from typing import Any

import pytest
from tree_sitter import Language, Parser

from semfora_hooks.languages import load_spec
from semfora_hooks.languages.python import spec


def parsed() -> str:
    grammar = Language(load_spec("python").grammar())
    return str(Parser(grammar).parse(b"x = 1").root_node)


@pytest.mark.parametrize("missing", ["tree_sitter_python", "tree_sitter_python._binding"])
def test_a_grammar_that_is_no_package_of_files(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    def find_spec(name: str, path: Any = None) -> Any:
        return None if name == missing else PathFinder.find_spec(name, path)

    expected = parsed()
    assert expected.startswith("(module")
    monkeypatch.setattr(spec, "PathFinder", SimpleNamespace(find_spec=find_spec))
    assert parsed() == expected
