"""Fingerprints: what edits leave alone, and that no two findings have the same one."""

from __future__ import annotations

import ast
import random
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stock import PATHS, RULES, SETTINGS, sources

from semfora_hooks.config import load_config
from semfora_hooks.discovery import find_root
from semfora_hooks.engine import Request, SuggestEngine
from semfora_hooks.model import Recommendation

COPY = """\
def {name}(invoice, rates):
    total = 0
    for line in invoice.lines:
        rate = rates.get(line.currency, 1)
        amount = line.price * line.quantity * rate
        if line.discount:
            amount -= amount * line.discount / 100
        total += round(amount, 2)
    return total
"""
BLOCKS = [
    "def _forgotten(rows):\n    return [row for row in rows if row]\n",
    "def _dropped():\n    return 'text'\n",
    COPY.format(name="total_for_invoice"),
    COPY.format(name="total_for_quote"),
    """\
def untangle(rows, more):
    for row in rows:
        if row:
            while more:
                if row and more:
                    more = more.rest
    return rows
""",
    "def is_expired(tokens) -> list[str]:\n    return [token.name for token in tokens if token.old]\n",
    "def find_first(rows) -> int | None:\n    for row in rows:\n        print(row)\n    return 1\n",
    """\
class Shelf:
    def __init__(self, rows):
        self.rows = rows

    def _inner(self):
        return self.rows

    def get_rows(self) -> None:
        self.rows.clear()
""",
]
CALLS = [
    "print(total_for_invoice(1, 2), total_for_quote(1, 2), untangle(1, 2), is_expired([]), find_first([]))",
    "Shelf([]).get_rows()",
]
EXPECTED = {
    ("dead-code", "_forgotten"),
    ("dead-code", "_dropped"),
    ("dead-code", "_inner"),
    ("combine-functions", "total_for_invoice"),
    ("complexity", "untangle"),
    ("naming", "is_expired"),
    ("naming", "get_rows"),
    ("type-narrowing", "find_first"),
    ("unused-suppression", "untangle"),
}
CONFIGURATION = "select = ['all']\n[rules.complexity]\nmax-cognitive = 5\n"


class Workbench:
    """A folder that is judged again and again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def judge(self, files: dict[str, str]) -> list[Recommendation]:
        """What is found in a repository of these files alone."""
        for path in sorted(self.folder.rglob("*"), reverse=True):
            path.unlink() if path.is_file() else path.rmdir()
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        root = find_root([], self.folder)
        config = load_config(root.path, environment={}, overrides={"jobs": 1}).replace(use_cache=False)
        report = SuggestEngine(config).run(Request(root, whole=False)).report
        assert report.errors == []
        return report.recommendations


@pytest.fixture
def workbench(tmp_path: Path) -> Workbench:
    folder = tmp_path / "repository"
    folder.mkdir()
    return Workbench(folder)


def program(blocks: Sequence[str]) -> str:
    """A program of all blocks, in their order, and what calls them."""
    return commented("\n\n".join([*blocks, *CALLS]) + "\n")


def commented(text: str) -> str:
    """The same with a comment that silences nothing."""
    return text.replace("untangle(rows, more):", "untangle(rows, more):  # semfora: ignore[naming]")


def known(found: Sequence[Recommendation]) -> dict[tuple[str, str], str]:
    """Fingerprints by rule and name; each pair is there once."""
    prints = {(item.rule_id, item.symbols[0].name): item.fingerprint for item in found}
    assert len(prints) == len(found)
    return prints


# --------------------------------------------------------------------------------------------------------------- edits


def reformatted(text: str, chance: random.Random) -> str:
    """The same program with another indentation."""
    step = chance.choice(["  ", "   ", "\t"])
    lines = []
    for line in text.split("\n"):
        code = line.lstrip(" ")
        lines.append(step * ((len(line) - len(code)) // 4) + code)
    return "\n".join(lines)


def in_other_words(text: str, _: random.Random) -> str:
    """Python's own idea of its layout: other quotes, blank lines and brackets. Comments stay where they belong."""
    return commented(ast.unparse(ast.parse(text)) + "\n")


def with_lines(text: str, chance: random.Random) -> str:
    """Blank lines and comments between lines, deep inside functions too."""
    lines: list[str] = []
    for line in text.split("\n"):
        indent = re.match(r"\s*", line)[0]  # type: ignore[index]
        if chance.random() < 0.3 and not lines[-1:] == [""]:
            lines.append(
                chance.choice(["", f"{indent}# a remark", f"{indent}# another, longer remark: {chance.random()}"])
            )
        lines.append(line)
    return "\n".join(lines)


def with_neighbours(text: str, chance: random.Random) -> str:
    """New definitions above all others, and constants below."""
    name = f"newcomer_{chance.randrange(100)}"
    return f"def {name}(value):\n    return value\n\n\n{name}(1)\n{text}\nLIMIT = {chance.randrange(100)}\n"


def with_other_bodies(text: str, chance: random.Random) -> str:
    """Each function does one more thing first; copies do the same."""
    step = chance.choice(["print('more')", "log.info('called', 3)", "checked = True", "assert ready"])
    return re.sub(r"^( *)(def .*)$", rf"\1\2\n\1    {step}", text, flags=re.MULTILINE)


EDITS: list[Callable[[str, random.Random], str]] = [
    with_other_bodies,
    with_neighbours,
    reformatted,
    in_other_words,
    with_lines,
]
"""In the order in which they can follow each other: the first ones read lines as they are written here."""


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(order=st.permutations(BLOCKS), edits=st.sets(st.sampled_from(range(len(EDITS)))), seed=st.integers(0, 1 << 20))
def test_what_edits_leave_alone(order: list[str], edits: set[int], seed: int, workbench: Workbench) -> None:
    """Other layout, more lines, another order and other bodies: the same findings, and the same fingerprints."""
    before = known(workbench.judge({"semfora.toml": CONFIGURATION, "app.py": program(BLOCKS)}))
    assert set(before) == EXPECTED
    text = program(order)
    chance = random.Random(seed)
    for number in sorted(edits):
        text = EDITS[number](text, chance)
    ast.parse(text)
    assert known(workbench.judge({"semfora.toml": CONFIGURATION, "app.py": text})) == before


def test_circles_of_imports_survive_too(workbench: Workbench) -> None:
    files = {
        "a.py": "import b\nimport c\n\nprint(b, c)\n",
        "b.py": "import c\n\nprint(c)\n",
        "c.py": "import a\n\nprint(a)\n",
    }
    (before,) = workbench.judge(files)
    swapped = {**files, "a.py": '"""A."""\n\n\nimport c\n\nimport b\n\n\ndef f():\n    return b, c\n\n\nf()\n'}
    (after,) = workbench.judge(swapped)
    assert (before.rule_id, after.fingerprint) == ("module-organization", before.fingerprint)


def test_a_file_in_another_folder_is_another_finding(workbench: Workbench) -> None:
    """A fingerprint names the module: equal files side by side are two findings."""
    text = "def _forgotten():\n    return 1\n"
    found = workbench.judge({"one/app.py": text, "two/app.py": text, "app.py": text})
    assert len({item.fingerprint for item in found}) == len(found) == 3


# ---------------------------------------------------------------------------------------------------------- uniqueness


def repositories() -> Iterator[dict[str, str]]:
    """Random repositories of definitions that collide on purpose."""
    strategy = st.dictionaries(st.sampled_from(PATHS), sources, min_size=3, max_size=len(PATHS))
    seen: list[dict[str, str]] = []

    @settings(max_examples=80, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(files=strategy)
    def collect(files: dict[str, str]) -> None:
        seen.append(files)

    collect()
    yield from seen


def test_no_two_findings_have_the_same_one(workbench: Workbench) -> None:
    total, repeated = 0, 0
    for files in repositories():
        found = workbench.judge(
            {"semfora.toml": "select = ['all']\n" + SETTINGS, ".semfora/rules/r.yaml": RULES, **files}
        )
        prints = [item.fingerprint for item in found]
        assert len(set(prints)) == len(prints)
        assert len({item.id for item in found}) == len(found)
        total += len(found)
        places = {(item.rule_id, item.symbols[0].module, item.symbols[0].name) for item in found if item.symbols}
        repeated += len(found) - len(places)
    assert total > 200  # or it would prove little
    assert repeated > 10  # of one rule about one name in one module: that is where they could meet
