"""Runs about a change give the same bytes from the stored state as from both sides read whole."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from stock import LONG, sequences

from semfora_hooks import change, keptstate, plugin_manager
from semfora_hooks.config import load_config
from semfora_hooks.discovery import find_root
from semfora_hooks.engine import Request, Result, SuggestEngine
from semfora_hooks.index.extract import Workforce, extract_snapshot
from semfora_hooks.index.incremental.state import StaleStateError
from semfora_hooks.index.project import read_project
from semfora_hooks.index.store import FactStore
from semfora_hooks.model import Report


class Repository:
    """A real git repository and its two ways of being judged."""

    def __init__(self, folder: Path, cache: Path) -> None:
        self.folder = folder
        self.cache = cache
        self.git("init", "-q", "-b", "main")

    def git(self, *arguments: str, check: bool = True) -> str:
        environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
        identity = ["-c", "user.name=t", "-c", "user.email=t@t", "-c", "commit.gpgsign=false", "-c", "gc.auto=0"]
        done = subprocess.run(
            ["git", *identity, *arguments],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert not check or done.returncode == 0, done.stderr
        return done.stdout

    def write(self, path: str, text: str) -> None:
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    def apply(self, kind: str, path: str, value: str) -> None:
        target = self.folder / path if path else self.folder
        if kind == "edit":
            self.write(path, value)
        elif kind == "append":
            self.write(path, (target.read_text() if target.is_file() else "") + "\n\n" + value)
        elif kind == "delete":
            target.unlink(missing_ok=True)
        elif kind in ("rename", "move") and target.is_file() and value != path:
            text = target.read_text()
            target.unlink()
            self.write(value, text if kind == "rename" else text.replace("alpha", "beta"))
        elif kind == "revert":
            self.git("checkout", "-q", "HEAD~1", "--", ".", check=False)
        elif kind == "merge":
            self.commit()
            self.git("checkout", "-q", "-b", "side", "HEAD~1", check=False)
            self.git("checkout", "-q", "side", check=False)
            self.write(path, value)
            self.commit()
            self.git("checkout", "-q", "main")
            self.git("merge", "-q", "-X", "theirs", "--no-commit", "side", check=False)
            self.git("add", "-A")
            self.git("branch", "-q", "-D", "side", check=False)

    def commit(self) -> None:
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", "x")

    def run(self, scope: Any, *, cached: bool, base: str | None = None) -> Result:
        root = find_root([], self.folder)
        config = load_config(root.path, environment={}, overrides={"fail_on": "info", "jobs": 1})
        engine = SuggestEngine(config.replace(use_cache=cached))
        return engine.run(Request(root, scope, base=base, whole=False))

    def report(self, scope: Any, *, cached: bool) -> Report:
        return self.run(scope, cached=cached).report

    def judge(self, scope: Any, *, cached: bool, base: str | None = None) -> bytes:
        result = self.run(scope, cached=cached, base=base)
        report = result.report
        shown = {item.file: result.read_source(item.file) for found in report.recommendations for item in found.symbols}
        report = msgspec.structs.replace(report, timings=type(report.timings)())
        return msgspec.json.encode([report, shown])

    def check_state(self) -> None:
        """The stored state, however it came about, is the one that is made anew."""
        root = find_root([], self.folder)
        config = load_config(root.path, environment={}, overrides={"fail_on": "info", "jobs": 1})
        rules = [loaded.rule for loaded in SuggestEngine(config).load_rules().rules]
        store = FactStore(self.folder)
        extract = lambda snapshot: extract_snapshot(snapshot, None, Workforce(jobs=1))  # noqa: E731
        assert keptstate.check_state(store, root, config, read_project(root.path), extract, rules) == []
        store.close()

    def check(self, scope: Any, base: str | None = None) -> None:
        assert self.judge(scope, cached=True, base=base) == self.judge(scope, cached=False, base=base)


class Reads:
    """Counts how often the state could tell."""

    def __init__(self) -> None:
        self.told = 0
        self.stale: list[str] = []


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Reads:
    counted = Reads()
    read = change.ChangeReader.read

    def count(reader: change.ChangeReader, *arguments: Any) -> change.Change:
        try:
            found = read(reader, *arguments)
        except StaleStateError as error:
            counted.stale.append(str(error))
            raise
        counted.told += 1
        return found

    monkeypatch.setattr(change.ChangeReader, "read", count)
    monkeypatch.setattr(change, "ADVANCE_FILES", 0)
    return counted


@pytest.fixture
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    made = 0
    installed: list[Any] = plugin_manager.installed_points("semfora_hooks", lambda *_: None)
    # Thousands of runs follow; meanwhile nothing is installed.
    monkeypatch.setattr(plugin_manager, "installed_points", lambda *_: list(installed))

    def make() -> Repository:
        nonlocal made
        made += 1
        folder = tmp_path / f"r{made}"
        folder.mkdir()
        shutil.rmtree(tmp_path / "cache", ignore_errors=True)
        monkeypatch.setenv("SEMFORA_CACHE_DIR", str(tmp_path / "cache"))
        return Repository(folder, tmp_path / "cache")

    yield make


def play(
    repository: Repository,
    configuration: dict[str, str],
    files: dict[str, str],
    steps: Sequence[Sequence[tuple[str, str, str]]],
) -> None:
    for path, text in {**configuration, **files}.items():
        repository.write(path, text)
    repository.commit()
    repository.write("README.md", "x")
    repository.commit()
    first = repository.git("rev-parse", "HEAD").strip()
    for step in steps:
        for operation in step:
            repository.apply(*operation)
        repository.git("add", "-A")
        repository.check("staged")
        repository.commit()
    repository.check_state()
    repository.check("range", base=first)


def play_sequences(make: Any, count: int, part: int = 0) -> None:
    """Play random sequences of edits, each in a repository of its own; the same ones each time.

    Args:
        make: Gives a new repository.
        count: How many.
        part: Parts play other sequences.
    """

    @seed(part)
    @settings(
        max_examples=max(1, count * int(os.environ.get("SEMFORA_SEQUENCES", "200")) // 200),
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.generate],
        derandomize=False,
    )
    @given(sequence=sequences)
    def every(sequence: Any) -> None:
        repository = make()
        play(repository, *sequence)
        shutil.rmtree(repository.folder)

    every()


@pytest.mark.parametrize("part", range(5))
def test_random_sequences_of_edits_give_the_report_of_a_cold_run(fresh: Any, reads: Reads, part: int) -> None:
    """200 in all; in parts, so that several processes can take them."""
    play_sequences(fresh, 40, part)
    stale = Counter(reads.stale)
    stale.pop("no such table: link_meta")  # before the first state
    assert reads.told > 4 * stale.total(), stale  # most were told from the stored index
    assert set(stale) <= {"the source roots changed", "naming judges everything anew"}, stale


# ---------------------------------------------------------------------------------------------------------- scenarios

COPY = "def {name}(values):" + LONG.format(n=3, extra="values.sort()")
DRIFTED = "def {name}(values):" + LONG.format(n=3, extra="values.sort(); notify(values, 'drift')")
NEARLY = "def walk(tree, more):\n    for x in tree:\n        if x{extra}:\n            {call}\n"
"""Cognitive complexity 3; one more in a circle of calls."""

POPULAR = "name: popular\ndescription: Called\ncondition: {min_fan_in: 1}\nseverity: info\n"

SCENARIOS: dict[str, tuple[dict[str, str], dict[str, str | None], set[str]]] = {
    "the last call goes": (
        {"a.py": "import b\n\nb.helper()\n", "b.py": "def helper():\n    return 1\n"},
        {"a.py": "import b\n\nprint(b)\n"},
        {"introduced dead-code b.py::helper"},
    ),
    "the last mention in a string goes": (
        {"a.py": "use('helper')\n", "b.py": "def helper():\n    return 1\n"},
        {"a.py": "use('other')\n"},
        {"introduced dead-code b.py::helper"},
    ),
    "a call comes": (
        {"a.py": "print(1)\n", "b.py": "def helper():\n    return 1\n"},
        {"a.py": "from b import helper\n\nhelper()\n"},
        {"fixed dead-code b.py::helper"},
    ),
    "a part of a name goes": (
        {"a.py": "getattr(x, 'handle_' + kind)\n", "b.py": "def handle_leaf():\n    return 1\n"},
        {"a.py": "getattr(x, 'other_' + kind)\n"},
        {"introduced dead-code b.py::handle_leaf"},
    ),
    "the name without its underscore is defined now": (
        {"a.py": "getattr(x, '_' + 'leaf')\nuse('leaf')\n", "b.py": "def _leaf():\n    return 1\n", "c.py": "x = 1\n"},
        {"c.py": "def leaf():\n    return 2\n"},
        {"introduced dead-code b.py::_leaf"},
    ),
    "a circle of calls closes elsewhere": (
        {
            "a.py": "import b\n\n" + NEARLY.format(extra=" and more", call="b.step(x)") + "\nwalk(1, 2)\n",
            "b.py": "def step(x):\n    return x\n",
        },
        {"b.py": "import a\n\n\ndef step(x):\n    return a.walk(x, 1)\n"},
        {"introduced complexity a.py::walk", "introduced module-organization a.py"},
    ),
    "a circle of calls opens elsewhere": (
        {
            "a.py": "import b\n\n" + NEARLY.format(extra=" and more", call="b.step(x)") + "\nwalk(1, 2)\n",
            "b.py": "import c\n\n\ndef step(x):\n    return c.back(x)\n",
            "c.py": "import a\n\n\ndef back(x):\n    return a.walk(x, 1)\n",
        },
        {"b.py": "import c\n\n\ndef step(x):\n    return c.back\n"},
        {"fixed complexity a.py::walk"},
    ),
    "a circle closes through a constructor": (
        {
            "a.py": "import b\n\n" + NEARLY.format(extra=" and more", call="b.Node(x)") + "\nwalk(1, 2)\n",
            "b.py": "import a\n\n\nclass Node:\n    pass\n",
        },
        {"b.py": "import a\n\n\nclass Node:\n    def __init__(self, x):\n        a.walk(x, 1)\n"},
        {"introduced complexity a.py::walk"},
    ),
    "a constructor is run no longer": (
        {
            ".semfora/rules/r.yaml": POPULAR,
            "a.py": "from b import Node\n\nNode(1)\n",
            "b.py": "class Node:\n    def __init__(self, x):\n        self.x = x\n",
        },
        {"a.py": "from b import Node\n\nprint(Node)\n"},
        {"fixed popular b.py::Node.__init__"},
    ),
    "a base class is no longer known": (
        {
            "a.py": "from b import Base\n\n\nclass Child(Base):\n    def _render(self):\n        return 1\n\n\n"
            "print(Child)\n",
            "b.py": "import outside\n\n\nclass Base(outside.Thing):\n    pass\n",
        },
        {"b.py": "class Base:\n    pass\n"},
        {"introduced dead-code a.py::Child._render"},
    ),
    "a star passes on another name": (
        {
            "a.py": "from b import *\n\n" + NEARLY.format(extra=" and more", call="back(x)") + "\nwalk(1, 2)\n",
            "b.py": "from d import *\n",
            "c.py": "def back(x):\n    from a import walk\n\n    return walk(x, 1)\n",
            "d.py": "x = 1\n",
        },
        {"b.py": "from c import *\n"},
        {"introduced complexity a.py::walk"},
    ),
    "a name comes that was absent": (
        {
            "a.py": "import b\n\n" + NEARLY.format(extra=" and more", call="b.back(x)") + "\nwalk(1, 2)\n",
            "b.py": "x = 1\n",
        },
        {"b.py": "def back(x):\n    from a import walk\n\n    return walk(x, 1)\n"},
        {"introduced complexity a.py::walk"},
    ),
    "a module passes on a star": (
        {
            "a.py": "import b\n\n" + NEARLY.format(extra=" and more", call="b.back(x)") + "\nwalk(1, 2)\n",
            "b.py": "x = 1\n",
            "c.py": "def back(x):\n    from a import walk\n\n    return walk(x, 1)\n",
        },
        {"b.py": "from c import *\n"},
        {"introduced complexity a.py::walk"},
    ),
    "a module comes that was outside": (
        {"a.py": "import tools\n\n" + NEARLY.format(extra=" and more", call="tools.back(x)") + "\nwalk(1, 2)\n"},
        {"tools.py": "def back(x):\n    from a import walk\n\n    return walk(x, 1)\n"},
        {"introduced complexity a.py::walk"},
    ),
    "a module goes": (
        {
            "a.py": "import tools\n\n" + NEARLY.format(extra=" and more", call="tools.back(x)") + "\nwalk(1, 2)\n",
            "tools.py": "def back(x):\n    from a import walk\n\n    return walk(x, 1)\n",
        },
        {"tools.py": None},
        {"fixed complexity a.py::walk"},
    ),
    "a method is no longer the only one of its name": (
        {
            ".semfora/rules/r.yaml": POPULAR,
            "a.py": "def run(thing):\n    thing.frobnicate()\n\n\nrun(1)\n",
            "b.py": "class One:\n    def frobnicate(self):\n        return 1\n\n\nprint(One)\n",
        },
        {"c.py": "class Two:\n    def frobnicate(self):\n        return 2\n\n\nprint(Two)\n"},
        {"fixed popular b.py::One.frobnicate"},
    ),
    "a copy comes": (
        {"a.py": COPY.format(name="one") + "\none(1)\n", "b.py": "x = 1\n"},
        {"b.py": COPY.format(name="two") + "\ntwo(1)\n"},
        {"introduced combine-functions a.py::one", "introduced complexity b.py::two"},
    ),
    "one of two copies drifts": (
        {"a.py": COPY.format(name="one") + "\none(1)\n", "b.py": COPY.format(name="two") + "\ntwo(1)\n"},
        {"b.py": DRIFTED.format(name="two") + "\ntwo(1)\n"},
        set(),
    ),
    "two drifted copies meet a third": (
        {"a.py": COPY.format(name="one") + "\none(1)\n", "b.py": DRIFTED.format(name="two") + "\ntwo(1)\n"},
        {"c.py": COPY.format(name="three") + "\nthree(1)\n"},
        {"introduced combine-functions a.py::one", "introduced complexity c.py::three"},
    ),
    "modules import each other": (
        {"a.py": "import b\n", "b.py": "import c\n", "c.py": "x = 1\n"},
        {"c.py": "import a\n"},
        {"introduced module-organization a.py"},
    ),
    "a large circle leaves a small one": (
        {"a.py": "import b\n", "b.py": "import c\n", "c.py": "import a\nimport d\n", "d.py": "import c\n"},
        {"a.py": "x = 1\n"},
        set(),
    ),
    "two files of one module": (
        {"a.py": "def _gone():\n    return 1\n", "a.pyi": "def _gone(): ...\n", "b.py": "import a\n\na._gone()\n"},
        {"b.py": "import a\n\nprint(a)\n"},
        {"introduced dead-code a.py::_gone"},
    ),
    "a file is renamed with its findings": (
        {"a.py": "def _old():\n    return 1\n", "b.py": "x = 1\n"},
        {"a.py": None, "c.py": "def _old():\n    return 1\n"},
        set(),
    ),
    "somebody else's code becomes ours": (
        {"a.py": "# generated by a tool, do not edit\ndef _old():\n    return 1\n"},
        {"a.py": "def _old():\n    return 1\n"},
        {"introduced dead-code a.py::_old"},
    ),
}


def findings(report: Any) -> set[str]:
    fixed = {f"fixed {item.rule_id} {item.symbols[0].id}" for item in report.fixed}
    return fixed | {f"{item.status} {item.rule_id} {item.symbols[0].id}" for item in report.recommendations}


@pytest.mark.parametrize("name", SCENARIOS)
def test_what_a_change_does_elsewhere(name: str, fresh: Any, reads: Reads) -> None:
    files, changes, expected = SCENARIOS[name]
    repository = fresh()
    limits = "[rules.complexity]\nmax-cognitive = 4\n[rules.dead-code]\npublic = 'always'\n"
    for path, text in {"semfora.toml": limits, **files}.items():
        repository.write(path, text)
    repository.commit()
    repository.write("z.py", "y = 1\n")
    repository.git("add", "-A")
    repository.check("staged")  # stores the state
    repository.git("reset", "-q", "--hard")
    for path, text in changes.items():
        if text is None:
            repository.apply("delete", path, "")
        else:
            repository.write(path, text)
    repository.git("add", "-A")
    told = reads.told
    repository.check("staged")
    assert reads.told == told + 1, reads.stale
    report = repository.report("staged", cached=True)
    if expected:
        assert findings(report) == expected
    repository.commit()
    repository.write("z.py", "y = 2\n")
    repository.git("add", "-A")
    repository.check("staged")
    repository.check_state()


def test_worktrees_share_the_state(fresh: Any, reads: Reads, tmp_path: Path) -> None:
    """Two branches, one state: each run tells its own commit as a difference to it."""
    repository = fresh()
    for number in range(4):
        repository.write(f"m{number}.py", f"import m{(number + 1) % 4}\n\n\ndef _one():\n    return {number}\n")
    repository.commit()
    repository.git("worktree", "add", "-q", "-b", "other", str(tmp_path / "other"))
    other = Repository.__new__(Repository)
    other.folder = tmp_path / "other"
    for turn in range(3):
        for work in (repository, other):
            work.write(f"m{turn}.py", f"def {work.folder.name}_{turn}(x):\n    return _two(x)\n")
            work.git("add", "-A")
            work.check("staged")
            work.commit()
            work.check("range", base="HEAD~1")
    assert reads.told == 12, reads.stale


def test_a_third_party_rule_sees_everything(fresh: Any, reads: Reads, monkeypatch: pytest.MonkeyPatch) -> None:
    from semfora_hooks.rules.complexity import Complexity

    seen: list[set[str]] = []
    evaluate = Complexity.evaluate

    def note(rule: Complexity, context: Any) -> Any:
        seen.append({symbol.file for symbol in context.symbols})
        return evaluate(rule, context)

    monkeypatch.setattr(Complexity, "locality", "repository")
    monkeypatch.setattr(Complexity, "evaluate", note)
    repository = fresh()
    repository.write("a.py", "def _one():\n    return 1\n")
    repository.write("far.py", "def _far():\n    return 1\n")
    repository.commit()
    repository.write("a.py", "def _two():\n    return 1\n")
    repository.git("add", "-A")
    repository.check("staged")
    repository.check("staged")
    assert seen == [{"a.py", "far.py"}] * 8
    assert reads.told == 2  # from the stored state, whole


def test_findings_are_kept_and_suppressions_are_not(fresh: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from semfora_hooks import sides

    repository = fresh()
    repository.write("a.py", "def _one():  # semfora: ignore[dead-code] -- kept until=2000-01-01\n    return 1\n")
    first = repository.judge("repo", cached=True)
    monkeypatch.setattr(sides.SideReader, "_whole", None)  # linking anything would fail
    assert repository.judge("repo", cached=True) == first
    repository.write("a.py", "def _one():\n    return 1\n")
    with pytest.raises(TypeError):
        repository.judge("repo", cached=True)
    monkeypatch.undo()


def test_another_process_moves_the_state_meanwhile(fresh: Any, reads: Reads, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is read is one state from beginning to end; a run that finds another one starts again."""
    repository = fresh()
    for number in range(3):
        repository.write(f"m{number}.py", f"def _one():\n    return {number}\n")
    repository.commit()
    repository.write("m0.py", "def _two():\n    return _three()\n")
    repository.git("add", "-A")
    repository.check("staged")
    distance = change.ChangeReader._distance
    moved: list[str] = []

    def move(reader: change.ChangeReader, *arguments: Any) -> Any:
        if not moved:
            moved.append("once")
            with sqlite3.connect(next(repository.cache.glob("*.sqlite"))) as other:
                other.execute("UPDATE link_meta SET value = 'x' WHERE key = 'tree'")
        elif len(moved) == 1:
            moved.append("and back")
            with sqlite3.connect(next(repository.cache.glob("*.sqlite"))) as other:
                tree = repository.git("rev-parse", "HEAD^{tree}").strip()
                other.execute("UPDATE link_meta SET value = ? WHERE key = 'tree'", (tree,))
        return distance(reader, *arguments)

    expected = repository.judge("staged", cached=False)
    monkeypatch.setattr(change.ChangeReader, "_distance", move)
    assert repository.judge("staged", cached=True) == expected
    assert len(moved) == 2
    monkeypatch.undo()


def test_a_damaged_state_costs_time_only(fresh: Any, reads: Reads) -> None:
    repository = fresh()
    for number in range(4):
        repository.write(f"m{number}.py", f"import m{(number + 1) % 4}\n\n\ndef _one(x):\n    return m{number}.f(x)\n")
    repository.commit()
    repository.write("m0.py", "def _two():\n    return _three()\n")
    repository.git("add", "-A")
    repository.check("staged")
    for table, column in (
        ("link_file", "data"),
        ("link_file", "digest"),
        ("link_meta", "value"),
    ):
        path = next(repository.cache.glob("*.sqlite"))
        before = path.stat()
        with sqlite3.connect(path) as connection:
            connection.execute(f"UPDATE OR REPLACE {table} SET {column} = x'ff00'")
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        repository.check("staged")
        repository.check("staged")
        repository.check_state()


@pytest.mark.parametrize("method", ["tally", "regime"])
def test_a_rule_that_cannot_count_is_judged_whole(
    method: str, fresh: Any, reads: Reads, monkeypatch: pytest.MonkeyPatch
) -> None:
    from semfora_hooks.rules.complexity import Complexity

    def fail(*_: Any) -> Any:
        raise RuntimeError("no")

    monkeypatch.setattr(Complexity, method, fail)
    repository = fresh()
    repository.write("a.py", "def _one():\n    return 1\n")
    repository.commit()
    repository.write("a.py", "def _two():\n    return 2\n")
    repository.git("add", "-A")
    repository.check("staged")
    repository.check("staged")
    assert reads.told == 0
    assert findings(repository.report("staged", cached=True)) == {
        "introduced dead-code a.py::_two",
        "fixed dead-code a.py::_one",
    }
