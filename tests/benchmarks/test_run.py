"""The benchmark runs, measures everyone, and says what it measured. It asserts no times."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import corpus
import plot
import pytest
from measure import Row, take_turns, timings
from staging import Repository

HERE = Path(__file__).parent
MODEL = '''"""A module."""


class Model:
    def save_it(self, value):
        """Doc."""
        if value:
            return helper(value)
        return None


def helper(value):
    text = "shop.models.Model and helper"
    return text, value


def items(self): return list(self)
'''


@pytest.fixture
def source(tmp_path: Path) -> Path:
    package = tmp_path / "shop"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "models.py").write_text(MODEL)
    (package / "helper.py").write_text("from shop.models import Model, helper\n\nprint(Model().save_it(helper(1)))\n")
    for number in range(6):
        (package / f"part{number}.py").write_text(
            f"def part{number}(x):\n    y = x\n    return y\n\n\npart{number}(1)\n"
        )
    return package


def table(text: str, first: str) -> list[list[str]]:
    """The cells of the table whose first title is `first` and that has the column 'median' or 'median s'."""
    lines = text.splitlines()
    start = next(index for index, line in enumerate(lines) if line.startswith(first))
    end = next((index for index in range(start, len(lines)) if not lines[index].startswith("|")), len(lines))
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[start + 2 : end]]


@pytest.mark.e2e
def test_the_benchmark_measures_us_and_every_peer_and_writes_the_page(source: Path, tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "performance.md").write_text((HERE.parent.parent / "docs" / "performance.md").read_text())
    command = [sys.executable, str(HERE / "run.py"), "--once", "--sizes", "1,2", "--no-install"]
    command += ["--only", "paths,rules,plugins"]
    command += ["--source", str(source), "--write-docs", str(docs)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert result.returncode == 0, result.stderr + result.stdout
    assert result.stdout.startswith("shop: 9 files, 0.0 MB a copy. Python 3.")

    paths = [row[0] for row in table(result.stdout, "| path | target")]
    assert paths == [
        "cold, all built-in rules, 9 files",
        "cold, against vulture",
        "cold, against ast-grep, one rule",
        "cold, against semgrep, one rule",
        "cold, time a file, 18 files against 9",
        "warm, nothing changed, whole report, 9 files",
        "warm, against ast-grep, one rule",
        "staged, 5 typical files",
        "staged, 5 typical files, 18 files against 9",
        "staged, 5 largest ORM files (0 KB)",
        "staged, 5 largest ORM files, 18 files against 9",
        "staged, nothing analysed changed",
        "--version",
        "--help",
        "peak memory, whole run, 16 times",
        "peak memory, whole run, 64 times",
        "WASM host, 10 MB of context",
        "one WASM plugin, staged",
        "pytest start-up, plugin at rest",
    ]
    unknown = {row[0] for row in table(result.stdout, "| path | target") if row[-1] not in ("yes", "**no**")}
    assert unknown <= {  # only what was not asked for, or is not installed
        "cold, against semgrep, one rule",
        "peak memory, whole run, 16 times",
        "peak memory, whole run, 64 times",
    }

    seconds = {(row[0], row[1]): row[2] for row in table(result.stdout, "| size | program")}
    ours = ["cold, all built-in rules", "warm, nothing changed, whole report", "staged, 5 typical files"]
    ours += ["staged, 5 largest ORM files", "staged, nothing analysed changed"]
    peers = ["vulture", "complexipy", "ruff C901", "ast-grep, one rule", "ruff check, the 5 typical files"]
    others = ["--version", "--help", "python -c pass", "pytest without --semfora", "pytest -p no:semfora"]
    others += ["staged, with a WASM plugin", "staged, without it"]
    expected = {("1", name) for name in [*ours, *peers, *others]} | {("2", name) for name in ours}
    assert seconds.keys() == expected | {("1", "semgrep, one rule")}
    assert all(float(seconds[key]) > 0 for key in expected)
    assert seconds["1", "semgrep, one rule"].startswith("not run: ") or float(seconds["1", "semgrep, one rule"]) > 0

    assert [row[:2] for row in table(result.stdout, "| size | run")] == [[n, name] for n in "12" for name in ours]
    page = (docs / "performance.md").read_text()
    assert table(page, "| path | target") == table(result.stdout, "| path | target")
    assert page.count("<!-- end -->") == 7
    plugins = page.partition("<!-- benchmark: plugins -->\n")[2].partition("\n<!-- end -->")[0]
    timeout, growth = table(plugins, "| path | target")[1:]
    assert timeout[0] == "a WASM timeout of 5 s fires"
    assert timeout[-1] in ("yes", "**no**")  # this measures nothing
    assert (growth[0], growth[-1]) == ("a WASM memory limit of 64 MiB: the worker's growth", "yes")
    assert plugins in result.stdout
    programs = table(result.stdout, "| rules | program")
    assert [row[:2] for row in programs if row[0] == "6"] == [
        ["6", name] for name in ("ours, cold", "ours, warm", "ours, warm, a rule edited", "ast-grep", "semgrep")
    ]
    assert all(float(row[2]) > 0 for row in programs if row[1].startswith("ours"))
    findings = {row[1]: row[5:] for row in programs if row[0] == "6"}
    assert int(findings["ours, cold"][0]) > 0
    assert findings["ast-grep"][1] == findings["ours, cold"][0]  # it finds all that we find in a few simple files
    svg = ElementTree.parse(docs / "img" / "growth.svg").getroot()
    assert svg.tag.endswith("}svg")
    assert len(svg.findall("{*}polyline")) == 4


def test_a_page_without_a_place_for_a_table_is_refused_before_anything_is_measured(
    source: Path, tmp_path: Path
) -> None:
    (tmp_path / "performance.md").write_text("# Nothing\n")
    command = [sys.executable, str(HERE / "run.py"), "--source", str(source), "--write-docs", str(tmp_path)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 1
    assert "no '<!-- benchmark: machine -->'" in result.stderr


def test_copies_share_no_names_and_are_python(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    assert corpus.write_copies(source, target, 2)[0] == 18
    assert (target / "shop" / "models.py").read_text() == MODEL
    copy = (target / "shop_2" / "models.py").read_text()
    assert copy == MODEL.replace("Model", "Model_2").replace("shop", "shop_2").replace("save_it", "save_it_2").replace(
        "helper", "helper_2"
    ).replace("items", "items_2")
    # a module's file is renamed with the name it shares with a function, as imports of it are
    assert (target / "shop_2" / "helper_2.py").read_text().startswith("from shop_2.models import Model_2, helper_2\n")
    for path in target.rglob("*.py"):
        ast.parse(path.read_text())


def test_names_that_mean_something_to_python_stay(tmp_path: Path) -> None:
    names = corpus.defined_names(
        ["def __init__(self): ...\ndef list(x): ...\nclass json: ...\nasync def go_on(): ...\n"]
    )
    assert names == {"go_on"}
    assert corpus.defined_names(['def r(): ...\nDATE = r"d"\n']) == set()


def test_each_staged_edit_is_new_valid_and_taken_back(source: Path, tmp_path: Path) -> None:
    repository = Repository.make(source, tmp_path / "repository", 1)

    def staged() -> dict[str, str]:
        names = subprocess.check_output(["git", "diff", "--cached", "--name-only"], cwd=repository.root, text=True)
        return {name: (repository.root / name).read_text() for name in names.splitlines()}

    repository.stage("largest")
    first = staged()
    assert len(first) == 5
    assert "        bench_added_1(1)\n        if value:\n" in first["shop/models.py"] or (
        "    bench_added_1(1)\n    text = " in first["shop/models.py"]
    )
    for text in first.values():
        ast.parse(text)
        assert text.count("bench_added_1(") == 2
    repository.stage("largest")
    assert staged().keys() == first.keys()
    assert all("bench_added_2(" in text and "bench_added_1" not in text for text in staged().values())
    repository.stage_text()
    assert list(staged()) == ["README.md"]
    repository.restore()
    assert staged() == {}
    assert subprocess.check_output(["git", "status", "--porcelain"], cwd=repository.root) == b""


def test_runs_are_counted_and_failures_are_named(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    report.write_text(json.dumps({"recommendations": ['"timings": {'], "timings": {"total": 1.5, "rules": {"a": 1}}}))
    assert timings(report) == {"total": 1.5, "rules": {"a": 1}}
    calls: list[int] = []
    memory = "x = bytearray(60_000_000); import time; time.sleep(0.3)"
    child = [sys.executable, "-c", f"import subprocess, sys; subprocess.run([sys.executable, '-c', {memory!r}])"]
    rows = [
        Row("works", [sys.executable, "-c", "pass"], tmp_path, before=lambda: calls.append(1), repeat=2),
        Row("fails", [sys.executable, "-c", "import sys; sys.exit('no luck')"], tmp_path, report=report),
        Row("crashes", [sys.executable, "-c", "1 / 0"], tmp_path),
        Row("is missing", [str(tmp_path / "nowhere")], tmp_path),
        Row("has a child", child, tmp_path, repeat=1),
    ]
    take_turns(rows, "test")
    works, fails, crashes, missing, parent = rows
    assert len(works.seconds) == 2
    assert len(calls) == 4  # one before those that count, and one after, for the memory
    assert works.first is not None and works.first > 0
    assert works.median is not None and works.median > 0
    assert fails.problem == "failed with 1: no luck"
    assert crashes.problem is not None and "ZeroDivisionError" in crashes.problem
    assert missing.problem == "not run: No such file or directory"
    assert [row.median for row in (fails, crashes, missing)] == [None, None, None]
    assert max(parent.tree, parent.largest) > 60_000_000


def test_the_plot_shows_all_points() -> None:
    lines = [("a <b>", [(1.0, 0.5), (4.0, 0.7), (64.0, 90.0)]), ("one", [(1.0, 3.0)])]
    svg = ElementTree.fromstring(plot.draw("Title & more", "x", "y", lines))
    assert len(svg.findall("{*}circle")) == 4
    texts = [element.text for element in svg.iter() if element.tag.endswith("text")]
    assert {"a <b>", "one", "64", "Title & more", "x", "y"} <= set(texts)
    places = [(float(c.get("cx", "nan")), float(c.get("cy", "nan"))) for c in svg.findall("{*}circle")]
    assert all(0 < x < plot.WIDTH and 0 < y < plot.HEIGHT for x, y in places)
    with pytest.raises(ValueError, match="nothing"):
        plot.draw("", "", "", [])
