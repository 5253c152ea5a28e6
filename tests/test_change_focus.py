"""Rules that see only what a change is about: the same view from a stored state as from both sides read whole, and news
of what changed alone."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec
import pytest
from test_change import Reads, Repository, fresh, play_sequences, reads  # noqa: F401  fixtures

from semfora_hooks.hookspecs import Loaded, Rule
from semfora_hooks.model import Recommendation, Severity, SymbolRef


def _digest(value: Any) -> str:
    return hashlib.sha256(msgspec.json.encode(value)).hexdigest()[:12]


class Echo(Rule):
    """Says of each symbol everything that its context has of it, and once everything that the context has."""

    category = "custom:echo"
    severity = Severity.INFO
    description = "Echoes."
    locality = "focus"

    def __init__(self, granularity: Any) -> None:
        self.id = f"echo/{granularity}"
        self.group = "echo"
        self.granularity = granularity

    def evaluate(self, context: Any) -> Any:
        core = set(context.scope.symbols)
        modules = {symbol.module for symbol in context.symbols if symbol.id in core}
        document = context.document()
        if context.symbols:
            yield self._about(context.symbols[0], f"all {_digest(document)}", 1)
        for symbol in context.symbols:
            calls = [*context.calls_from(symbol.id), *context.calls_to(symbol.id)]
            data = [
                msgspec.structs.replace(symbol, start_line=0, end_line=0, start_column=0),
                [msgspec.structs.replace(call, line=0) for call in calls],
            ]
            inside = symbol.module in modules if self.granularity == "module" else symbol.id in core
            yield self._about(symbol, _digest(data), int(inside))

    def _about(self, symbol: Any, text: str, inside: int) -> Recommendation:
        return Recommendation(
            id="",
            rule_id=self.id,
            group=self.group,
            category=self.category,
            severity=self.severity,
            confidence=1.0,
            title=text,
            symbols=(SymbolRef.of(symbol),),
            discriminator=text,
            metrics={"inside": inside},
        )


@pytest.fixture
def echo(monkeypatch: pytest.MonkeyPatch) -> None:
    rules = [Echo("symbol"), Echo("module")]
    monkeypatch.setattr("semfora_hooks.providers.wasm.load", lambda config: Loaded(rules))


def news(repository: Repository, rule: str, scope: str = "staged", **changes: Any) -> set[str]:
    report = repository.run(scope, cached=True, **changes).report
    assert not report.errors, report.errors
    return {
        item.symbols[0].name
        for item in report.recommendations
        if item.rule_id == rule and not item.title.startswith("all")
    }


def test_random_sequences_of_edits_give_the_views_of_a_cold_run(fresh: Any, reads: Reads, echo: None) -> None:  # noqa: F811
    play_sequences(fresh, 12)
    assert reads.told > 5


def test_what_did_not_change_is_never_news(fresh: Any, echo: None, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    seen = []
    run = Repository.run

    def watch(repository: Repository, *arguments: Any, **keywords: Any) -> Any:
        result = run(repository, *arguments, **keywords)
        if "\nR" in f"\n{repository.git('diff', 'HEAD', '-M', '--name-status')}":
            return result  # the other file of a module that moved, as a stub is, goes by another name too
        for item in [*result.report.recommendations, *result.report.fixed]:
            if item.rule_id.startswith("echo/"):
                seen.append(item)
                assert item.metrics["inside"], item
        return result

    monkeypatch.setattr(Repository, "run", watch)
    monkeypatch.setattr(Repository, "check", lambda self, scope, base=None: base or self.judge(scope, cached=True))
    play_sequences(fresh, 12)
    assert len(seen) > 50


FILES = {
    "a.py": "from b import work\n\n\ndef caller():\n    return work(1)\n",
    "b.py": "from c import leaf\n\n\ndef work(x):\n    return leaf(x)\n\n\ndef other():\n    return 3\n",
    "c.py": "def leaf(x):\n    return x\n\n\ndef far():\n    return 4\n",
    "d.py": "def alone():\n    return 5\n",
}


@pytest.fixture
def small(fresh: Any, echo: None) -> Repository:  # noqa: F811
    repository: Repository = fresh()
    for path, text in FILES.items():
        repository.write(path, text)
    repository.commit()
    repository.write("d.py", FILES["d.py"] + "\n\nalone()\n")
    repository.git("add", "-A")
    repository.run("staged", cached=True)  # makes the state
    repository.git("reset", "-q", "--hard")
    return repository


def views(repository: Repository, monkeypatch: pytest.MonkeyPatch, *, cached: bool) -> dict[str, list[set[str]]]:
    shown: dict[str, list[set[str]]] = {}
    evaluate = Echo.evaluate

    def note(rule: Echo, context: Any) -> Any:
        shown.setdefault(rule.granularity, []).append({symbol.id for symbol in context.symbols})
        return evaluate(rule, context)

    with monkeypatch.context() as patch:
        patch.setattr(Echo, "evaluate", note)
        repository.run("staged", cached=cached)
    return shown


@pytest.mark.parametrize("cached", [True, False])
def test_what_is_shown(small: Repository, monkeypatch: pytest.MonkeyPatch, cached: bool) -> None:
    small.write("b.py", FILES["b.py"].replace("leaf(x)", "leaf(x + 1)"))
    small.git("add", "-A")
    shown = views(small, monkeypatch, cached=cached)
    names = {kind: [sorted(i.rpartition("::")[2] for i in ids) for ids in both] for kind, both in shown.items()}
    assert names["symbol"] == [["b.py", "caller", "leaf", "work"]] * 2
    assert [set(side) >= {"caller", "leaf", "work", "other"} for side in names["module"]] == [True, True]
    assert not any({"far", "alone"} & set(side) for side in names["module"])


def test_statuses(small: Repository) -> None:
    small.write("b.py", FILES["b.py"].replace("def work(x):", "def work(x, more=None):"))
    small.git("add", "-A")
    assert news(small, "echo/symbol") == {"work"}
    small.write("b.py", FILES["b.py"].replace("leaf(x)", "x"))
    small.git("add", "-A")
    assert {"work", "leaf"} <= news(small, "echo/symbol") <= {"work", "leaf", "b"}


def test_with_all_they_see_everything(small: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    from semfora_hooks.config import load_config
    from semfora_hooks.discovery import find_root
    from semfora_hooks.engine import Request, SuggestEngine

    small.write("b.py", FILES["b.py"] + "\n\ndef new():\n    return 6\n")
    small.git("add", "-A")
    root = find_root([], small.folder)
    result = SuggestEngine(load_config(root.path, environment={})).run(
        Request(root, "staged", show_inherited=True, whole=False)
    )
    echoes = {i.symbols[0].name: i.status for i in result.report.recommendations if i.rule_id == "echo/symbol"}
    assert echoes["alone"] == "inherited"
    assert echoes["new"] == "introduced"


def test_another_rule_that_needs_everything_changes_nothing_for_them(
    small: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    small.write("b.py", FILES["b.py"].replace("leaf(x)", "leaf(x + 1)"))
    small.git("add", "-A")
    alone = views(small, monkeypatch, cached=True)
    monkeypatch.setattr("semfora_hooks.change.is_local", lambda rules: False)
    assert views(small, monkeypatch, cached=True) == alone
