"""The pre-commit hooks, as users meet them: a real pre-commit, real commits, our checkout as the hooks' repository."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from precommit_kit import CHECKOUT, HOOKS, RULE, SHOUT, STRICT, TITLES, UNUSED, WHISPER, Hooks, Make, Repository, check

pytestmark = pytest.mark.e2e


# ------------------------------------------------------------------------------------------------------------- commits


def test_a_repository_rule_blocks_a_commit_until_it_is_obeyed(make: Make) -> None:
    repository = make({".semfora/rules/shouting.yaml": RULE, "app.py": "x = 1\n"})
    repository.write("loud.py", SHOUT)
    blocked = repository.commit()
    check(blocked, "Failed")
    assert repository.commits == 1
    for expected in (
        "loud.py:1:1: error no-shouting introduced",
        "`SHOUT_it` shouts",
        "1 | def SHOUT_it():",
        "fix: Say it in lower case.",
        "1 error in 2 files",
        "failed: at least one at or above 'error'",
    ):
        assert expected in blocked.text
    repository.write("loud.py", WHISPER)
    check(repository.commit(), "Passed")
    assert repository.commits == 2


def test_a_builtin_rule_blocks_from_the_configured_severity(make: Make) -> None:
    repository = make({"app.py": "x = 1\n"})
    repository.write("dead.py", UNUSED)
    check(repository.commit(), "Passed")  # a warning, below the default of `error`
    repository.write("pyproject.toml", STRICT)
    repository.write("more.py", UNUSED.replace("_unused", "_forgotten"))
    blocked = repository.commit()
    check(blocked, "Failed")
    assert "more.py:1:1: warning dead-code introduced" in blocked.text
    assert "dead.py" not in blocked.text
    repository.write("more.py", UNUSED.replace("_unused", "_forgotten") + "\n\n_forgotten()\n")
    check(repository.commit(), "Passed")
    assert repository.commits == 3


def test_what_was_there_before_blocks_nothing_but_a_run_over_all_files(make: Make) -> None:
    repository = make({"pyproject.toml": STRICT, "app.py": UNUSED})
    repository.write("app.py", "import os\n\nprint(os.sep)\n\n\n" + UNUSED)
    check(repository.commit(), "Passed")
    assert repository.commits == 2
    everything = repository.pre_commit("run", "--all-files")
    check(everything, "Failed")
    assert "app.py:6:1: warning dead-code" in everything.text


def test_the_first_commit_is_all_new(hooks: Hooks, tmp_path: Path) -> None:
    repository = Repository(hooks, tmp_path / "repo", "semfora")
    repository.write("pyproject.toml", STRICT)
    repository.write("app.py", UNUSED)
    check(repository.commit(), "Failed")
    repository.write("app.py", "x = 1\n")
    check(repository.commit(), "Passed")


def test_a_commit_that_only_deletes_is_judged(make: Make) -> None:
    """It takes away a function's last caller, and so introduces dead code in a file that it does not touch."""
    repository = make(
        {
            "pyproject.toml": STRICT,
            "helpers.py": "def _twice(x):\n    return 2 * x\n",
            "caller.py": "from helpers import _twice\n\nprint(_twice(1))\n",
            "other.py": "y = 2\n",
        }
    )
    repository.git("rm", "-q", "other.py")
    check(repository.commit(), "Passed")
    repository.git("rm", "-q", "caller.py")
    blocked = repository.commit()
    check(blocked, "Failed")
    assert "helpers.py:1:1: warning dead-code introduced" in blocked.text
    assert repository.commits == 2


def test_the_index_is_judged_not_the_work_tree(make: Make) -> None:
    repository = make({"pyproject.toml": STRICT, "app.py": "x = 1\n"})
    repository.write("app.py", UNUSED)
    repository.git("add", "app.py")
    repository.write("app.py", "x = 1\n")  # put right, and not staged
    direct = repository.hooks.run(repository.path, sys.executable, "-m", "semfora_hooks", "suggest", "--auto-scope")
    assert (direct.code, "app.py:1:1: warning dead-code" in direct.text) == (1, True)
    check(repository.commit(stage=False), "Failed")
    repository.git("add", "app.py")
    repository.write("app.py", UNUSED)  # wrong, and not staged
    repository.write("notes.py", "z = 3\n")
    repository.git("add", "notes.py")
    check(repository.commit(stage=False), "Passed")
    assert (repository.path / "app.py").read_text() == UNUSED


def test_untracked_files_make_no_difference(make: Make) -> None:
    repository = make({"pyproject.toml": STRICT, "app.py": "x = 1\n"})
    repository.write("app.py", UNUSED)
    repository.git("add", "app.py")
    repository.write("scratch.py", "from app import _unused\n\n_unused()\n")
    check(repository.commit(stage=False), "Failed")


def test_a_commit_without_source_passes_at_once(make: Make) -> None:
    repository = make({"app.py": UNUSED})
    repository.write("README.md", "# A title\n")
    repository.git("add", "-A")
    found = repository.pre_commit("run", "--verbose")
    check(found, "Passed")
    assert "no findings in 0 files (0 symbols" in found.text
    check(repository.commit(), "Passed")


def test_a_broken_rule_file_is_no_success(make: Make) -> None:
    repository = make({"app.py": "x = 1\n"}, "semfora", "semfora-rules")
    repository.write("app.py", "x = 2\n")
    passed = repository.commit()
    check(passed, "Passed")
    assert "semfora (rules and plugins)" in passed.text and "(no files to check)Skipped" in passed.text
    repository.write(".semfora/rules/bad.yaml", "name: bad\nmatch: {nme: x}\n")
    blocked = repository.commit()
    check(blocked, "Failed")
    check(blocked, "Failed", "semfora (rules and plugins)")
    assert blocked.text.count("- exit code: 2") == 2
    assert blocked.text.count("error: .semfora/rules/bad.yaml:2") == 2


# ------------------------------------------------------------------------------------------------ merges, pushes, more


def test_a_merge_is_judged(make: Make) -> None:
    """Each side takes away one of two callers; only together they leave dead code."""
    files = {
        "pyproject.toml": STRICT,
        "helpers.py": "def _twice(x):\n    return 2 * x\n",
        "one.py": "from helpers import _twice\n\nprint(_twice(1))\n",
        "two.py": "from helpers import _twice\n\nprint(_twice(2))\n",
    }
    repository = make(files, stages=("pre-commit", "pre-merge-commit"))
    repository.git("checkout", "-q", "-b", "side")
    repository.git("rm", "-q", "one.py")
    check(repository.commit(), "Passed")
    repository.git("checkout", "-q", "main")
    repository.git("rm", "-q", "two.py")
    check(repository.commit(), "Passed")
    merged = repository.git("merge", "--no-edit", "side")
    check(merged, "Failed")
    assert "helpers.py:1:1: warning dead-code introduced" in merged.text


def test_a_push_is_judged_against_the_upstream(make: Make, tmp_path: Path) -> None:
    name = "semfora (what the push introduces)"
    repository = make({"pyproject.toml": STRICT, "app.py": UNUSED}, "semfora-push", stages=("pre-push",))
    repository.git("init", "-q", "--bare", str(tmp_path / "remote.git"))
    repository.git("remote", "add", "origin", str(tmp_path / "remote.git"))
    assert repository.git("push", "--no-verify", "-q", "-u", "origin", "main").code == 0
    repository.write("fine.py", WHISPER)
    assert repository.commit().code == 0
    check(repository.git("push"), "Passed", name)
    repository.write("more.py", UNUSED.replace("_unused", "_forgotten"))
    assert repository.commit().code == 0
    blocked = repository.git("push")
    check(blocked, "Failed", name)
    assert "more.py:1:1: warning dead-code introduced" in blocked.text and "app.py" not in blocked.text


def test_the_whole_repository_by_hand(make: Make) -> None:
    repository = make({"pyproject.toml": STRICT, "app.py": UNUSED}, "semfora-all")
    name = "semfora (whole repository)"
    repository.write("README.md", "staged\n")
    repository.git("add", "-A")
    check(repository.pre_commit("run", "--hook-stage", "manual", "semfora-all"), "Failed", name)
    repository.write("app.py", "x = 1\n")
    check(repository.pre_commit("run", "--hook-stage", "manual", "semfora-all", "--all-files"), "Passed", name)


def test_a_report_shows_and_never_fails(make: Make) -> None:
    repository = make({"pyproject.toml": STRICT, "app.py": "x = 1\n"}, "semfora-report")
    repository.write("app.py", UNUSED)
    shown = repository.commit()
    check(shown, "Passed", "semfora (report only)")
    assert "app.py:1:1: warning dead-code introduced" in shown.text


# ------------------------------------------------------------------------------------------------------------ manifests


def manifest() -> dict[str, dict[str, Any]]:
    return {hook["id"]: hook for hook in yaml.safe_load((CHECKOUT / ".pre-commit-hooks.yaml").read_text())}


def test_the_manifest_offers_the_five_hooks() -> None:
    assert tuple(manifest()) == HOOKS


@pytest.mark.parametrize("name", HOOKS)
def test_every_hook_finds_its_own_scope(name: str) -> None:
    hook = manifest()[name]
    assert hook["language"] == "python"
    assert hook["additional_dependencies"] == [".[wasm]"]
    assert hook["minimum_pre_commit_version"] == "3.2.0"
    assert (hook["pass_filenames"], hook["require_serial"]) == (False, True)
    assert hook.get("always_run", False) == ("files" not in hook)
    assert hook["entry"].split()[0] == "semfora-hooks"


def test_titles_are_those_of_the_manifest() -> None:
    assert {name: hook["name"] for name, hook in manifest().items()} == TITLES


def test_stages() -> None:
    on_commit = ["pre-commit", "pre-merge-commit"]
    assert {name: hook["stages"] for name, hook in manifest().items()} == {
        "semfora": on_commit,
        "semfora-push": ["pre-push"],
        "semfora-all": ["manual"],
        "semfora-report": on_commit,
        "semfora-rules": on_commit,
    }


@pytest.mark.parametrize(
    ("command", "file"),
    [("validate-manifest", ".pre-commit-hooks.yaml"), ("validate-config", ".pre-commit-config.yaml")],
)
def test_pre_commit_accepts_our_files(hooks: Hooks, command: str, file: str) -> None:
    found = hooks.run(CHECKOUT, sys.executable, "-m", "pre_commit", command, file)
    assert (found.code, found.text) == (0, "")
