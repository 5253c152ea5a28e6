"""The same rules in three languages find the same things, and differences get their true reason."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import rules_bench
import rules_compared
import rules_written

from semfora_hooks.providers.declarative.parsing import parse_file

SOURCE = """\
from os import getenv as read


@cached
def outer(x):
    def inner():
        while x:
            try:
                save(x)
            finally:
                pass
    return inner


async def fetch(x):
    save(x)


def own(x=save(1)):
    return x


def renamed():
    return read("A")


class Shop:
    @property
    def total(self):
        return self.save()


@cached
async def later(x):
    return x
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    package = tmp_path / "shop"
    (package / "parts").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "a.py").write_text(SOURCE)
    (package / "parts" / "b.py").write_text("async def fetch_more():\n    while True:\n        await save()\n")
    return package


def test_every_rule_is_valid_and_told_by_its_id(source: Path, tmp_path: Path) -> None:
    names = rules_written.Names.of(source)
    assert names.callees[0] == "save"
    assert names.functions == ["fetch", "fetch_more", "inner", "later", "outer", "own", "renamed", "total"]
    assert sorted(names.decorators) == ["cached", "property"]
    assert names.folders == ["shop", "shop/parts"]
    rules = rules_written.write(names, 60)
    rules_written.save(rules, tmp_path / "out")
    parsed = parse_file("ours.yaml", (tmp_path / "out" / "ours.yaml").read_bytes())
    assert parsed.errors == []
    assert [rule.id for rule in parsed.rules] == [rule.id for rule in rules]
    assert {rule.id.rpartition("-")[0] for rule in rules} == set(rules_written.PATTERNS)
    semgrep = json.loads((tmp_path / "out" / "semgrep.yml").read_text())["rules"]
    documents = (tmp_path / "out" / "ast-grep.yml").read_text().split("\n---\n")
    ids = [rule.id for rule in rules]
    assert [rule["id"] for rule in semgrep] == [json.loads(text)["id"] for text in documents] == ids


def test_findings_are_compared_and_differences_have_their_reason(source: Path, tmp_path: Path) -> None:
    one = rules_bench.contest(source, tmp_path / "bench", 6, repeat=1, peers=1, semgrep="left out", warm_up=False)
    assert {row.name: row.problem for row in one.rows.values() if row.problem} == {"semgrep": "not run: left out"}
    peer = one.compared["ast-grep"]
    nested = rules_compared.NESTED
    assert sorted(map(tuple, peer["differences"])) == [
        ("calls", "ast-grep", nested, 2),
        ("calls-outside-try", "ast-grep", nested, 1),
        ("loops", "ast-grep", nested, 1),
    ]
    assert peer["found"] - peer["common"] == 4
    assert one.compared["ours"] == peer["common"]
    text = rules_bench.table([one])
    assert "| 6 rules: ours, cold, against semgrep | ≤ 0.2 of its time | not run: left out | ? |" in text
    assert f"| 6 | loops | ast-grep | 1 | {nested} |" in text


def test_reasons(source: Path, tmp_path: Path) -> None:
    rules = [
        {"name": "calls-0", "condition": {"has_calls_to": "save"}},
        {"name": "calls-1", "condition": {"has_calls_to": "getenv"}},
        {"name": "outside-0", "condition": {"has_calls_to": "save", "missing_control_flow": "try"}},
        {"name": "named-0", "condition": {"name": "o*"}},
        {"name": "async-in-0", "condition": {"is_async": True, "file": "shop/**"}},
    ]
    (tmp_path / "ours.yaml").write_text(json.dumps(rules))
    functions = rules_compared.Functions(source.parent)
    judge = rules_compared.Judge(tmp_path / "ours.yaml", functions)
    lines = {text.split("(")[0].split()[-1]: n for n, text in enumerate(SOURCE.splitlines(), 1) if "def " in text}

    def why(rule: str, function: str, *, ours: bool) -> str:
        return judge.reason(rule, "shop/a.py", lines[function], "semgrep", ours=ours)

    assert why("calls-0", "outer", ours=False) == rules_compared.NESTED
    assert why("calls-0", "inner", ours=True) == rules_compared.MISSED["semgrep"]
    assert why("calls-0", "inner", ours=False) == rules_compared.UNEXPLAINED  # it would be our mistake
    assert why("outside-0", "inner", ours=False) == rules_compared.MISSED["semgrep"]
    assert why("calls-1", "renamed", ours=True) == rules_compared.RENAMED
    assert why("calls-1", "fetch", ours=True) == rules_compared.UNEXPLAINED
    assert why("named-0", "outer", ours=False) == rules_compared.UNEXPLAINED
    assert why("async-in-0", "later", ours=True) == rules_compared.DECORATED
    assert why("async-in-0", "later", ours=False) == rules_compared.UNEXPLAINED
    assert why("async-in-0", "fetch", ours=True) == rules_compared.UNEXPLAINED
    assert judge.reason("calls-0", "shop/a.py", 9, "semgrep", ours=True) == rules_compared.UNEXPLAINED
    # semgrep counts a decorator as part of its function
    place = ("shop/a.py", lines["total"])
    assert functions.normal({"x": {("shop/a.py", 4), ("shop/a.py", lines["total"] - 1)}}) == {
        "x": {("shop/a.py", 5), place}
    }
