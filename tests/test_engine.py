"""The flow as a whole: what goes in decides what comes out, whatever happens around it."""

from __future__ import annotations

import gc
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from semfora_hooks.config import load_config
from semfora_hooks.discovery import find_root
from semfora_hooks.engine import Request, SuggestEngine
from semfora_hooks.errors import ConfigError, GitError
from semfora_hooks.model import Report
from semfora_hooks.plugin_manager import Plugins

DEAD = "def _f():\n    return 1\n"


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Report]:
    def go(*, paths: tuple[str, ...] = (), config: dict[str, Any] | None = None, **request: Any) -> Report:
        root = find_root([tmp_path / path for path in paths], tmp_path)
        made = SuggestEngine(load_config(root.path, overrides=config))
        return made.run(Request(root, **request)).report

    return go


def found(report: Report) -> list[str]:
    return [item.id for item in report.recommendations]


def test_only_the_rules_that_are_asked_for(tmp_path: Path, run: Callable[..., Report]) -> None:
    (tmp_path / "a.py").write_text(DEAD)
    assert set(run().timings.rules) > {"dead-code", "naming"}
    report = run(rules=("dead-code",), config={"ignore": ("dead-code",)})
    assert (found(report), set(report.timings.rules)) == (["dead-code:a.py::_f"], {"dead-code"})


def test_paths_filter_findings_and_what_is_incomplete(tmp_path: Path, run: Callable[..., Report]) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "m.py").write_text(DEAD)
        (tmp_path / name / "broken.py").write_text("def (:\n")
    (tmp_path / "semfora.toml").write_text("")
    report = run(paths=("a",))
    assert found(report) == ["dead-code:a/m.py::_f"]
    assert {item.file for item in report.incomplete} == {"a/broken.py"}
    assert (report.scope.kind, report.summary.files) == ("files", 4)


def test_a_folder_as_its_own_configuration_says(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(DEAD)
    (tmp_path / "semfora.toml").write_text('fail-on = "warning"\n')
    made = SuggestEngine.for_folder(tmp_path)
    assert made.run(Request(find_root([], tmp_path))).report.summary.failed


def test_the_garbage_collector_is_left_as_it_was(tmp_path: Path, run: Callable[..., Report]) -> None:
    (tmp_path / "a.py").write_text(DEAD)
    assert gc.isenabled()
    run()
    assert gc.isenabled()
    with pytest.raises(ConfigError):
        run(config={"baseline": "gone.json"})
    assert gc.isenabled()
    gc.disable()
    try:
        run()
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_a_change_that_touches_nothing_we_read_stops_at_once(
    tmp_path: Path, run: Callable[..., Report], monkeypatch: pytest.MonkeyPatch
) -> None:
    for command in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "first"]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    (tmp_path / "README.md").write_text("text\n")
    subprocess.run(["git", "add", "-A"], cwd=tmp_path, check=True)
    monkeypatch.setattr(SuggestEngine, "_reader", None)  # analysing anything would fail
    report = run(scope="staged")
    assert (report.scope.kind, report.recommendations, report.errors) == ("staged", [], [])
    assert report.scope.base_ref is not None


@pytest.mark.parametrize("name", ["pyproject.toml", "semfora.toml", ".semfora/rules/a.yaml", "a.pyi"])
def test_a_change_of_configuration_is_judged(tmp_path: Path, run: Callable[..., Report], name: str) -> None:
    (tmp_path / "a.py").write_text(DEAD)
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "first"]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text("")
    subprocess.run(["git", "add", "-A"], cwd=tmp_path, check=True)
    assert run(scope="staged").summary.files >= 1


def test_a_range_whose_revision_is_unknown(tmp_path: Path, run: Callable[..., Report]) -> None:
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    with pytest.raises(GitError, match="the revision 'nope' is not in this repository"):
        run(scope="range", base="nope")


# ----------------------------------------------------------------------------------------------------------- executors


class Counting(ThreadPoolExecutor):
    """An executor that counts what it is given, and whether it was shut down."""

    def __init__(self) -> None:
        super().__init__(1)
        self.submitted = 0
        self.closed = False

    def submit(self, *arguments: Any, **options: Any) -> Any:
        self.submitted += 1
        return super().submit(*arguments, **options)

    def shutdown(self, *arguments: Any, **options: Any) -> None:
        self.closed = True
        super().shutdown(*arguments, **options)


@pytest.fixture
def large(tmp_path: Path) -> Iterator[Path]:
    """Enough source to be worth other processes."""
    for number in range(6):
        # One long comment: the parser needs the square of the time for so many short ones in a row.
        (tmp_path / f"m{number}.py").write_text(f"def _f{number}():\n    return 1\n# {'x' * 110_000}\n")
    yield tmp_path


def test_large_repositories_go_through_the_executor(
    large: Path, run: Callable[..., Report], monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = run(config={"jobs": 1, "use_cache": False})
    executor = Counting()
    monkeypatch.setattr(Plugins, "executor", lambda *_: executor)
    shared = run(config={"use_cache": False})
    assert executor.submitted >= 2
    assert executor.closed
    assert found(shared) == found(alone)
    assert len(found(alone)) == 6


def test_small_repositories_do_not(tmp_path: Path, run: Callable[..., Report], monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.py").write_text(DEAD)
    monkeypatch.setattr(Plugins, "executor", None)  # calling it would fail
    assert found(run()) == ["dead-code:a.py::_f"]


def test_the_executor_is_shut_down_when_the_run_fails(
    large: Path, run: Callable[..., Report], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Failing(Counting):
        def submit(self, *arguments: Any, **options: Any) -> Any:
            raise KeyboardInterrupt

    executor = Failing()
    monkeypatch.setattr(Plugins, "executor", lambda *_: executor)
    with pytest.raises(KeyboardInterrupt):
        run()
    assert executor.closed
