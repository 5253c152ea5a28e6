"""Rules that need everything get the same bytes from the stored state as from both sides read and linked whole."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import Any

import msgspec
import pytest
from stock import LONG
from test_change import SCENARIOS, Reads, Repository, fresh, play_sequences, reads  # noqa: F401  fixtures

from semfora_hooks import change
from semfora_hooks.context import NEEDS
from semfora_hooks.hookspecs import Loaded, Rule
from semfora_hooks.model import Recommendation, Severity, SymbolRef
from semfora_hooks.providers.wasm.projection import Projector


class Everything(Rule):
    """Says of a side what a plugin of project granularity is sent, and what rules of ours see besides, as hashes."""

    id = "echo/everything"
    group = "echo"
    category = "custom:echo"
    severity = Severity.INFO
    description = "Echoes."
    granularity = "project"
    locality = "repository"

    def evaluate(self, context: Any) -> Any:
        sent = bytes(Projector().document(context, NEEDS, {}))
        more = msgspec.json.encode([context.imports, sorted(context.mentions.items()), context.is_library])
        text = hashlib.sha256(sent + more).hexdigest()
        for symbol in context.symbols[:1]:
            yield Recommendation(
                id="",
                rule_id=self.id,
                group=self.group,
                category=self.category,
                severity=self.severity,
                title=text,
                discriminator=text,
                symbols=(SymbolRef.of(symbol),),
            )


@pytest.fixture(autouse=True)
def _everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("semfora_hooks.providers.wasm.load", lambda config: Loaded([Everything()]))


def test_random_sequences_of_edits_give_the_bytes_of_a_cold_run(fresh: Any, reads: Reads) -> None:  # noqa: F811
    play_sequences(fresh, 12)
    stale = Counter(reads.stale)
    stale.pop("no such table: link_meta")
    assert reads.told > 10 * stale.total(), stale
    assert set(stale) <= {"the source roots changed"}, stale


@pytest.mark.parametrize("name", SCENARIOS)
def test_scenarios(fresh: Any, reads: Reads, name: str) -> None:  # noqa: F811
    """Changes that reach other files than their own."""
    files, edits, _ = SCENARIOS[name]
    repository = fresh()
    for path, text in files.items():
        repository.write(path, text)
    repository.commit()
    repository.write("unrelated.py", "x = 1\n")
    repository.git("add", "-A")
    repository.check("staged")
    repository.commit()
    for path, edited in edits.items():
        if edited is None:
            (repository.folder / path).unlink()
        else:
            repository.write(path, edited)
    repository.git("add", "-A")
    told = reads.told
    repository.check("staged")
    assert reads.told == told + 1, reads.stale
    report = repository.report("staged", cached=True)
    assert Counter(item.status for item in report.recommendations if item.rule_id == Everything.id) == {"introduced": 1}
    assert sum(item.rule_id == Everything.id for item in report.fixed) == 1  # of the side before


@pytest.fixture
def repository(fresh: Any) -> Repository:  # noqa: F811
    made: Repository = fresh()
    for number in range(12):
        made.write(
            f"m{number}.py", f"def f{number}(x):  # semfora: ignore[naming]\n    return g(x)\n\n\nf{number}(1)\n"
        )
    made.write("broken.py", "def (\n")
    made.commit()
    made.write("m3.py", "def f3(x):\n    return x\n\n\nf3(2)\n")
    made.git("add", "-A")
    made.run("staged", cached=True)  # makes the state
    return made


def test_nothing_is_linked_but_what_the_change_reaches(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    from semfora_hooks.index.filelink import FileLinker

    linked: list[str] = []
    link = FileLinker.link

    def note(linker: FileLinker, entry: Any) -> Any:
        linked.append(entry.path)
        return link(linker, entry)

    monkeypatch.setattr(FileLinker, "link", note)
    cold = repository.judge("staged", cached=False)
    assert len(linked) == 26  # both sides
    linked.clear()
    assert repository.judge("staged", cached=True) == cold
    assert linked == ["m3.py"]


@pytest.mark.parametrize("told", [True, False])
def test_copies_are_looked_for_once(repository: Repository, monkeypatch: pytest.MonkeyPatch, told: bool) -> None:
    """On the side after, only where the change touches them, unless too much hangs together."""
    from semfora_hooks.index import link
    from semfora_hooks.index.incremental import whole
    from semfora_hooks.index.incremental.state import StaleStateError

    def stale(*_: Any) -> Any:
        raise StaleStateError("too many bodies resemble each other")

    for number in range(3):
        copy = f"def long_{number}(values):" + LONG.format(n=3, extra="values.sort()")
        repository.write(f"c{number}.py", copy)
    repository.git("add", "-A")
    repository.commit()
    repository.write("c1.py", "x = 1\n")
    repository.git("add", "-A")
    repository.run("staged", cached=True)
    cold = repository.judge("staged", cached=False)
    looked = 0
    find = link._Copies.find

    def note(copies: Any) -> Any:
        nonlocal looked
        looked += 1
        return find(copies)

    monkeypatch.setattr(link._Copies, "find", note)
    if not told:
        monkeypatch.setattr(whole, "touched_duplicates", stale)
    assert repository.judge("staged", cached=True) == cold
    assert looked == (1 if told else 2)


def test_symbols_of_other_files_are_made_once(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    sides: list[Any] = []
    evaluate = Everything.evaluate

    def note(rule: Everything, context: Any) -> Any:
        sides.append(context)
        return evaluate(rule, context)

    monkeypatch.setattr(Everything, "evaluate", note)
    repository.run("staged", cached=True)
    after, before = (side.by_id for side in sides)
    assert after["m5.py::f5"] is before["m5.py::f5"]
    assert after["m3.py::f3"] is not before["m3.py::f3"]


def test_a_run_that_also_lists_what_was_there_before_is_told_from_the_state_too(
    repository: Repository,
    reads: Reads,  # noqa: F811
) -> None:
    from semfora_hooks.config import load_config
    from semfora_hooks.discovery import find_root
    from semfora_hooks.engine import Request, SuggestEngine

    root = find_root([], repository.folder)
    config = load_config(root.path, environment={}, overrides={"fail_on": "info", "jobs": 1})
    reports = []
    for cached in (True, False):
        request = Request(root, "staged", show_inherited=True)
        result = SuggestEngine(config.replace(use_cache=cached)).run(request)
        report = msgspec.structs.replace(result.report, timings=type(result.report.timings)())
        context = msgspec.json.encode(result.context.document(NEEDS))
        reports.append((msgspec.json.encode(report), context, sorted(result.context.mentions.items())))
    assert reads.told == 1
    assert reports[0] == reports[1]


def test_a_state_whose_facts_went_is_not_believed(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    cold = repository.judge("staged", cached=False)
    rows = change.FactStore.rows
    monkeypatch.setattr(change.FactStore, "rows", lambda store, keys: list(rows(store, keys))[1:])
    assert repository.judge("staged", cached=True) == cold
