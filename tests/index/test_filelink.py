"""Linking one file: the answer is the same whatever was linked before, and holds while what it noted holds."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from stock import paths, sources

from semfora_hooks.index.entries import FileEntry
from semfora_hooks.index.entry_points import NO_CALLERS
from semfora_hooks.index.facttable import FactTable
from semfora_hooks.index.filelink import FileLink, FileLinker, MethodPlace
from semfora_hooks.index.incremental.interface import changed_names
from semfora_hooks.index.link import LinkedFiles, assemble, is_plain_method, is_preferred, link_files
from semfora_hooks.index.names import Resolver
from semfora_hooks.languages.extract import extract
from semfora_hooks.languages.facts import FileFacts

repositories = st.dictionaries(paths, sources, min_size=2, max_size=8)
quick = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


def facts_of(files: dict[str, str]) -> dict[str, FileFacts]:
    return {path: extract(text.encode(), "python") for path, text in sorted(files.items())}


def link_alone(linked: LinkedFiles, entry: FileEntry) -> FileLink:
    """One file, by a linker that has linked nothing before."""
    modules: dict[str, FileEntry] = {}
    methods: dict[str, MethodPlace | None] = {}
    for other in linked.entries:
        if other.module not in modules or is_preferred(other.path, modules[other.module].path):
            modules[other.module] = other
        for index, symbol in enumerate(other.facts.symbols):
            if is_plain_method(symbol):
                methods[symbol.name] = None if symbol.name in methods else (other, index)
    return FileLinker(Resolver(modules), methods.get, NO_CALLERS).link(entry)


@quick
@given(files=repositories)
def test_a_link_does_not_depend_on_what_was_linked_before(files: dict[str, str]) -> None:
    linked = link_files(facts_of(files), track=True)
    for entry, link in zip(linked.entries, linked.links, strict=True):
        assert link_alone(linked, entry) == link


@quick
@given(files=repositories, path=paths, text=sources)
def test_a_link_holds_while_nothing_it_noted_changes(files: dict[str, str], path: str, text: str) -> None:
    before = link_files(facts_of(files), track=True)
    after = link_files(facts_of({**files, path: text}), track=True)
    old = {entry.path: entry for entry in before.entries}
    broken = changed_names(path, old.get(path), next(entry for entry in after.entries if entry.path == path))
    links = {entry.path: link for entry, link in zip(after.entries, after.links, strict=True)}
    for entry, link, notes in zip(before.entries, before.links, before.notes, strict=True):
        told = notes & broken or any(note[0] == "method" for note in notes)  # type: ignore[index]
        if entry.path != path and not told:
            assert links[entry.path] == link, broken


@pytest.mark.parametrize("order", [("a.py", "b.py"), ("b.py", "a.py")])
def test_a_circle_of_imports_gives_the_same_from_both_ends(order: tuple[str, str]) -> None:
    """Whoever asks first sees the circle cut at another place; that must not be remembered."""
    first, second = order
    files = {first: f"from {second[0]} import f\n\nf()\n", second: f"from {first[0]} import f, g\n\nf()\ng()\n"}
    linked = link_files(facts_of({**files, "c.py": "from a import f\nfrom b import f as h\n\nf()\nh()\n"}), track=True)
    for entry, link in zip(linked.entries, linked.links, strict=True):
        assert link_alone(linked, entry) == link


@pytest.fixture
def no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each file is closed when the next one is opened, and no answer is remembered."""
    monkeypatch.setattr("semfora_hooks.index.facttable.FRESH_BYTES", 0)
    monkeypatch.setattr("semfora_hooks.index.entries.OPEN_BYTES", 0)
    monkeypatch.setattr("semfora_hooks.index.memo.MAX_ANSWERS", 0)


@pytest.mark.usefixtures("no_room")
@quick
@given(files=repositories)
def test_what_is_not_kept_open_is_linked_the_same(files: dict[str, str]) -> None:
    plain = facts_of(files)
    table = FactTable()
    for number, (path, facts) in enumerate(plain.items()):
        table.add((str(number), "python"), msgspec.msgpack.encode(facts), facts)
        table.place(path, (str(number), "python"))
    small, large = link_files(table, track=True), link_files(plain, track=True)
    assert (small.links, small.notes) == (large.links, large.notes)
    found, expected = assemble(small), assemble(large)
    assert replace(found, statistics=expected.statistics) == expected
    assert len(found.symbols) >= len(files)
    open_files = [entry for entry in small.entries if entry._facts is not None]
    assert len(open_files) <= 1
    small.close()
    assert all(entry._facts is None for entry in small.entries)
    assert small.entries[0].facts == next(iter(plain.values()))  # it can be opened again


def test_calls_are_kept_encoded_where_nothing_is_tracked() -> None:
    plain = facts_of({"a.py": "import os\n\ndef f():\n    os.getcwd()\n    g()\n\ndef g(): ...\n", "b.py": "len(())\n"})
    packed, tracked = link_files(plain), link_files(plain, track=True)
    assert [link.calls for link in packed.links] == [[], []]
    assert list(packed.calls()) == list(tracked.calls()) == [link.calls for link in tracked.links]
    assert sum(map(len, packed.calls())) == 3
    assert assemble(packed).calls == assemble(tracked).calls


@quick
@given(files=repositories)
def test_what_is_spent_gives_the_same_index(files: dict[str, str]) -> None:
    whole, spent = assemble(link_files(facts_of(files))), assemble(link_files(facts_of(files)), spend=True)
    assert replace(spent, statistics=whole.statistics) == whole
