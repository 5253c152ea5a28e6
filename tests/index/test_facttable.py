"""Facts that are kept encoded."""

from __future__ import annotations

import msgspec
import pytest

from semfora_hooks.index import facttable, spool
from semfora_hooks.index.facttable import FactTable
from semfora_hooks.languages.extract import extract

ONE, TWO = ("a" * 40, "python"), ("b" * 40, "python")


def table_of(*sources: tuple[tuple[str, str], str]) -> FactTable:
    table = FactTable()
    for key, text in sources:
        facts = extract(text.encode(), "python")
        table.add(key, msgspec.msgpack.encode(facts), facts)
    return table


def test_files_of_one_content_share_its_facts() -> None:
    table = table_of((ONE, "x = 1\n"), (TWO, "y = 2\n"))
    table.place("b.py", ONE)
    table.place("a.py", TWO)
    table.place("c.py", ONE)
    assert list(table) == ["b.py", "a.py", "c.py"]
    assert table["b.py"] == table["c.py"] != table["a.py"]
    assert table.size("b.py") == table.size("c.py") > 10


def test_a_file_whose_content_is_unknown_has_no_place() -> None:
    table = table_of((ONE, "x = 1\n"))
    assert table.knows(ONE)
    assert not table.knows(TWO)
    with pytest.raises(KeyError):
        table.place("a.py", TWO)
    assert "a.py" not in table


def test_facts_can_be_taken_more_than_once() -> None:
    table = table_of((ONE, "x = 1\n"))
    table.place("a.py", ONE)
    assert table.take("a.py") == table.take("a.py") == table["a.py"]


def test_what_does_not_fit_is_decoded_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(facttable, "FRESH_BYTES", 0)
    table = table_of((ONE, "def f(): ...\n"))
    table.place("a.py", ONE)
    assert table["a.py"] is not table["a.py"]
    assert table["a.py"] == extract(b"def f(): ...\n", "python")


def test_problems_and_comments_are_known_without_decoding() -> None:
    table = table_of((ONE, "def f(:\n"), (TWO, "x = 1  # semfora: ignore[naming] -- why\n"))
    table.place("bad.py", ONE)
    table.place("quiet.py", TWO)
    table.place("other.py", TWO)
    assert list(table.problems) == ["bad.py"]
    assert {path: [item.line for item in found] for path, found in table.suppressions.items()} == {
        "quiet.py": [1],
        "other.py": [1],
    }


def test_facts_beyond_the_limit_are_put_into_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(facttable, "FRESH_BYTES", 0)
    monkeypatch.setattr(spool, "MEMORY_BYTES", 0)
    table = table_of((ONE, "def f(): ...\n"), (TWO, "y = 2\n"))
    table.place("a.py", TWO)
    table.place("b.py", ONE)
    assert table["b.py"] == extract(b"def f(): ...\n", "python")
    assert table["a.py"] == extract(b"y = 2\n", "python")
    assert table.size("a.py") == len(msgspec.msgpack.encode(table["a.py"]))
