"""The baseline's file, and what it says beside a run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from semfora_hooks.errors import ConfigError
from semfora_hooks.model import Recommendation, SymbolRef
from semfora_hooks.policy.baseline import Comparison, Entry, compare, entry_of, locate, parse, read, render

A, B, C = "a" * 20, "b" * 20, "c" * 20
DEAD = Entry(rule_id="dead-code", symbol="app.py::_f")
TEXT = f"""\
{{
"schema": "semfora.baseline",
"version": 1,
"findings": {{
 "{A}": {{"rule_id":"dead-code","symbol":"app.py::_f"}},
 "{B}": {{"rule_id":"naming","symbol":""}}
}}
}}
"""


def found(print_: str, rule: str = "dead-code", symbol: str = "app.py::_f") -> Recommendation:
    where = SymbolRef(id=symbol, name="f", file="app.py")
    return Recommendation(rule_id=rule, title="x", symbols=(where,) if symbol else (), fingerprint=print_)


# ---------------------------------------------------------------------------------------------------------------- file


def test_a_finding_is_a_line_and_lines_are_sorted() -> None:
    assert render({B: Entry(rule_id="naming"), A: DEAD}) == TEXT
    assert parse(TEXT.encode(), "b.json") == {A: DEAD, B: Entry(rule_id="naming")}
    without = render({A: DEAD}).splitlines()
    assert set(TEXT.splitlines()) - set(without) == {
        f' "{A}": {{"rule_id":"dead-code","symbol":"app.py::_f"}},',  # its comma
        f' "{B}": {{"rule_id":"naming","symbol":""}}',
    }


def test_an_empty_baseline() -> None:
    assert json.loads(render({})) == {"schema": "semfora.baseline", "version": 1, "findings": {}}
    assert parse(render({}).encode(), "b.json") == {}


words = st.text(st.sampled_from('ab9:.é😀"\\/{}, \n\r\t\0\x7f\u2028'))


@given(st.dictionaries(words, st.builds(Entry, rule_id=words, symbol=words)))
def test_what_is_written_is_what_is_read(entries: dict[str, Entry]) -> None:
    text = render(entries)
    assert parse(text.encode(), "b.json") == entries
    assert render(dict(reversed(entries.items()))) == text
    assert len(text.splitlines()) >= len(entries) + 4


def test_what_is_kept_of_a_finding() -> None:
    assert entry_of(found(A)) == DEAD
    assert entry_of(found(A, symbol="")) == Entry(rule_id="dead-code")
    assert entry_of(found(A, symbol="a\x1b[2J.py::f")).symbol == "a[2J.py::f"


GOOD = f'"schema": "semfora.baseline", "version": 1, "findings": {{"{A}": {{"rule_id": "x"}}}}'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "1:1: not a baseline: the file is empty ("),
        (" \n", "1:1: not a baseline: the file is empty"),
        ("[]", "1:1: not a baseline: expected an object, found a list"),
        ("{", "1:2: not a baseline: not valid JSON: expecting property name enclosed in double quotes"),
        ('{\n "schema": "semfora.baseline",\n "version": 1,,\n}', "3:15: not a baseline: not valid JSON: "),
        ('{"schema": "x" "version": 1}', "1:16: not a baseline: not valid JSON: expecting ',' delimiter"),
        ("{}", "1:1: not a baseline: it has no 'schema'; expected \"semfora.baseline\""),
        ('{"name": "a-package", "version": "1.0.0"}', "1:1: not a baseline: it has no 'schema'"),
        (
            '{"version": 1,\n  "schema": "other", "findings": {}}',
            '2:3: not a baseline: \'schema\' is "other"; expected "semfora.baseline"',
        ),
        (GOOD.join("{}").replace("1,", '"1",'), "1:32: not a baseline: 'version' is \"1\"; expected 1"),
        (GOOD.join("{}").replace("1,", "true,"), "1:32: not a baseline: 'version' is true; expected 1"),
        (GOOD.join("{}").replace("1,", "0,"), "1:32: not a baseline: 'version' is 0; expected 1"),
        (
            GOOD.join("{}").replace("1,", "2,"),
            "1:32: not a baseline: version 2 is from a later semfora-hooks (upgrade semfora-hooks)",
        ),
        ('{"schema": "semfora.baseline", "version": 1}', "1:1: not a baseline: it has no 'findings'"),
        (
            '{"schema": "semfora.baseline", "version": 1,\n"findings": []}',
            "2:1: not a baseline: 'findings' is a list; expected an object",
        ),
        (TEXT.replace('{"rule_id":"naming","symbol":""}', "7"), f'6:2: not a baseline: the entry "{B}" is a number'),
        (TEXT.replace('"rule_id":"naming",', ""), f"6:2: not a baseline: the entry \"{B}\" has no 'rule_id'"),
        (TEXT.replace('"naming"', "null"), f"6:2: not a baseline: 'rule_id' of the entry \"{B}\" is null; expected"),
        (TEXT.replace('"symbol":""', '"symbol":[]'), "6:2: not a baseline: 'symbol' of the entry"),
        (TEXT.replace('"naming"', '"\\ud800"'), "1:1: not a baseline: "),
        ("[" * 100_000, "1:1: not a baseline: nested too deeply"),
        ("1" * 5000, "1:1: not a baseline: not valid JSON: exceeds the limit"),
    ],
)
def test_a_file_that_is_no_baseline(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text.encode(), "b.json")
    assert str(caught.value).startswith(f"b.json:{message}")
    assert len(str(caught.value)) < 300


def test_bytes_that_are_no_text() -> None:
    with pytest.raises(ConfigError, match=r"^b.json:2:3: not a baseline: byte 0xff is not UTF-8 \(restore it from"):
        parse("{\né ".encode() + b"\xff", "b.json")


CONFLICT = TEXT.replace(
    f' "{B}"', f'<<<<<<< HEAD\n "{B}": {{"rule_id":"x"}}\n=======\n "{C}": {{"rule_id":"y"}}\n>>>>>>> other\n "{B}"'
)


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_the_markers_of_a_merge(newline: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(CONFLICT.replace("\n", newline).encode(), "b.json")
    assert str(caught.value) == (
        "b.json:6:1: not a baseline: it holds the conflict markers of a merge "
        "(keep the entries of both sides, then run: semfora-hooks baseline update)"
    )
    sides = [line for line in CONFLICT.splitlines() if line[0] not in "<=>"]
    kept = "\n".join(line + "," if line.startswith(f' "{B}": {{"rule_id":"x"') else line for line in sides)
    kept = kept.replace('"y"}', '"y"},')
    assert set(parse(kept.encode(), "b.json")) == {A, B, C}  # as the hint says: all lines, whatever their order


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"the baseline does not exist \(semfora-hooks baseline create"):
        read(tmp_path / "gone.json")
    (tmp_path / "b.json").write_text(TEXT)
    assert set(read(tmp_path / "b.json")) == {A, B}


def test_links_are_followed_inside_the_repository_only(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    (root / "in").mkdir(parents=True)
    outside.mkdir()
    (root / "in" / "b.json").write_text(TEXT)
    (outside / "b.json").write_text(TEXT)
    (root / "good.json").symlink_to("in/b.json")
    (root / "bad.json").symlink_to(outside / "b.json")
    (root / "folder").symlink_to(outside)
    (root / "hanging.json").symlink_to(outside / "new.json")
    assert locate(root, "good.json") == root / "in" / "b.json"
    assert locate(root, "new/b.json") == root / "new" / "b.json"
    assert locate(root, str(outside / "b.json")) == outside / "b.json"
    assert locate(root, "../outside/b.json") == outside / "b.json"
    for name in ("bad.json", "folder/b.json", "folder/new.json", "hanging.json"):
        with pytest.raises(ConfigError, match=f"{root}/{name}: a symbolic link that leaves the repository"):
            locate(root, name)


# ---------------------------------------------------------------------------------------------------------- comparison


def test_entries_beside_a_run() -> None:
    entries = {A: DEAD, B: Entry(rule_id="naming", symbol="b.py::g"), C: Entry(rule_id="naming", symbol="c.py::h")}
    run = [found(A), found("d" * 20)]
    compared = compare(entries, run, lambda rule: True, ["c.py"])
    assert compared == Comparison(found={A: DEAD}, stale={B: entries[B]}, unchecked={C: entries[C]})
    assert list(compared.remarks("b.json")) == [
        "b.json: 1 entry matches nothing any more (semfora-hooks baseline update drops them)"
    ]
    assert compare(entries, run, lambda rule: rule != "naming").stale == {}
    assert list(compare(entries, run, lambda rule: False).remarks("b.json")) == []
    assert list(compare(entries, [], lambda rule: True).remarks("b.json")) == [
        "b.json: 3 entries match nothing any more (semfora-hooks baseline update drops them)"
    ]
    assert compare({}, run, lambda rule: True) == Comparison()
