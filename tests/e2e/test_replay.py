"""A real project's history, replayed: what the hook says of each commit is what a reviewer would say.

The project is Flask as released; the commits and what is right to say of them stand in `replay/commits.py`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

import forked
import pytest
import yaml
from precommit_kit import CHECKOUT, Hooks, check
from replay import commits, project
from replay.commits import HISTORY, Commit, Finding
from replay.tree import Tree, surroundings

pytestmark = pytest.mark.e2e

STRICT = '\n[tool.semfora]\nfail-on = "info"\n'
KNOWN = {
    ("complexity", f"{commits.SOURCE}/cli.py::find_best_app"),
    ("complexity", f"{commits.SOURCE}/cli.py::load_dotenv"),
    ("complexity", f"{commits.SOURCE}/debughelpers.py::explain_template_loading_attempts"),
    ("dead-code", commits.ANCESTOR),
}
"""Some of what was always wrong with the project, by rule and symbol."""


class Outcome(NamedTuple):
    """An exit code, and the JSON report without its times."""

    code: int
    report: dict[str, Any]

    def said(self, *statuses: str) -> list[tuple[str, str, tuple[str, ...]]]:
        """Status, rule and symbols of what is not silenced, sorted."""
        items = [(item["status"], item) for item in self.report["recommendations"]]
        items += [("fixed", item) for item in self.report["fixed"]]
        return sorted(
            (status, item["rule_id"], tuple(sorted(symbol["id"] for symbol in item["symbols"])))
            for status, item in items
            if item.get("suppressed") is None and status in statuses
        )

    @property
    def news(self) -> list[dict[str, Any]]:
        """The findings that were not there before."""
        return [item for item in self.report["recommendations"] if item["status"] != "inherited"]

    def causes(self, finding: Finding) -> list[str]:
        """What is given as the cause of a finding."""
        items = self.report["fixed"] if finding.status == "fixed" else self.report["recommendations"]
        return [
            evidence["text"]
            for item in items
            if item["rule_id"] == finding.rule
            and tuple(sorted(symbol["id"] for symbol in item["symbols"])) == finding.symbols
            for evidence in item["evidence"]
            if evidence["kind"] == "cause"
        ]


NEWS = ("introduced", "worsened", "fixed")
COLD = {
    "Log the clients of sessions",
    "Rename debughelpers to explain",
    "Describe loaders in one place",
    "Loggers are for whatever has a name",
    "Merge branch 'names'",
    "Another formatter",
    "A rule about the environment",
}
"""Commits that are judged without the cache, too: a file comes, one gets another name, copies and a circle of imports
go, a merge, nearly every line of a file, and a rule. A cold run costs four times as much as one about the change."""


class History:
    """The project with all its commits, in a repository.

    Args:
        tree: Its work tree; at a first commit.
    """

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.made: dict[str, str] = {}
        (hook,) = (
            item
            for item in yaml.safe_load((CHECKOUT / ".pre-commit-hooks.yaml").read_text("utf-8"))
            if item["id"] == "semfora"
        )
        program, *self._entry = hook["entry"].split()
        assert program == "semfora-hooks"
        self.start = tree.git("rev-parse", "HEAD")
        for commit in HISTORY:
            if commit.branch != tree.git("branch", "--show-current"):
                known = tree.git("branch", "--list", commit.branch)
                tree.git("checkout", "-q", *([] if known else ["-b"]), commit.branch)
            commit.edit(tree)
            tree.git("add", "-A")
            tree.git("commit", "-q", "-m", commit.subject)
            self.made[commit.subject] = tree.git("rev-parse", "HEAD")
        assert len(self.made) == len(HISTORY)

    def check_out(self, commit: Commit) -> None:
        """As it is after a commit."""
        self.tree.git("reset", "-q", "--hard")
        self.tree.git("checkout", "-q", "--detach", self.made[commit.subject])
        assert self.tree.git("status", "--porcelain") == ""

    def stage(self, commit: Commit) -> None:
        """As it is just before a commit, whose content is staged."""
        stage(self.tree, self.made[commit.subject], is_merge=commit.merges is not None)

    def suggest(self, *options: str, **environment: str) -> Outcome:
        done = forked.run(
            ["suggest", *options, "--output-format", "json"],
            self.tree.root,
            {**self.tree.environment, **environment},
        )
        assert done.stderr == b""
        report = json.loads(done.stdout)
        report.pop("timings")
        assert (report["errors"], report["incomplete"]) == ([], [])
        return Outcome(done.returncode, report)

    def hook(self, *options: str) -> Outcome:
        """What the hook's own command line says, called as `git commit` calls it."""
        assert self._entry[0] == "suggest"
        return self.suggest(*self._entry[1:], *options, GIT_INDEX_FILE=".git/index")

    def cause(self, finding: Finding, commit: Commit) -> str:
        if finding.line is None:
            return finding.cause
        revision = self.made[commit.subject] + ("~" if finding.line.side == "before" else "")
        number = self.tree.line(finding.line.path, finding.line.text, revision)
        return finding.cause.format(f"{finding.line.path}:{number}")


def stage(tree: Tree, revision: str, *, is_merge: bool) -> None:
    """Take a commit back, and leave what it says staged; a merge is one that was not committed yet."""
    tree.git("reset", "-q", "--hard")
    if is_merge:
        tree.git("checkout", "-q", "--detach", f"{revision}^1")
        tree.git("merge", "-q", "--no-ff", "--no-commit", f"{revision}^2")
    else:
        tree.git("checkout", "-q", "--detach", revision)
        tree.git("reset", "-q", "--soft", f"{revision}~")
    assert tree.git("write-tree") == tree.git("rev-parse", f"{revision}^{{tree}}")


@pytest.fixture(scope="module")
def history(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> History:
    base = tmp_path_factory.mktemp("replay")
    cache = request.config.cache
    archive = project.fetch(base if cache is None else Path(cache.mkdir("replay")))
    root = base / "flask"
    project.unpack(archive, root)
    tree = Tree(root, surroundings(SEMFORA_CACHE_DIR=str(base / "cache"), SEMFORA_CONFIG_DIR=str(base / "settings")))
    with (root / "pyproject.toml").open("a") as stream:
        stream.write(STRICT)
    tree.git("init", "-q", "-b", "main")
    tree.git("add", "-A")
    tree.git("commit", "-q", "-m", "As released")
    return History(tree)


def expected(findings: tuple[Finding, ...]) -> list[tuple[str, str, tuple[str, ...]]]:
    return sorted((finding.status, finding.rule, finding.symbols) for finding in findings)


def test_what_was_always_there(history: History) -> None:
    """Each of these findings is inherited by every commit, so none of them proves nothing."""
    history.tree.git("reset", "-q", "--hard")
    history.tree.git("checkout", "-q", "--detach", history.start)
    outcome = history.suggest()
    found = {(item["rule_id"], item["symbols"][0]["id"]) for item in outcome.report["recommendations"]}
    assert found >= KNOWN
    assert outcome.code == 1


def test_cold_runs_are_of_commits_that_there_are() -> None:
    assert {commit.subject for commit in HISTORY} > COLD


@pytest.mark.parametrize("commit", HISTORY, ids=lambda commit: commit.subject)
def test_a_commit(history: History, commit: Commit) -> None:
    history.stage(commit)
    staged = history.hook()
    assert staged.said(*NEWS, "inherited") == expected(commit.findings)
    blocks = any(finding.status != "fixed" for finding in commit.findings)
    assert (staged.code, staged.report["summary"]["failed"]) == (int(blocks), blocks)
    for finding in commit.findings:
        if finding.cause:
            assert history.cause(finding, commit) in staged.causes(finding)

    # Without the cache the same is said; what was there before is shown, and judged, only where that is asked for.
    everything = history.hook("--all", *(["--no-cache"] if commit.subject in COLD else []))
    assert everything.news == staged.news == staged.report["recommendations"]
    assert everything.report["fixed"] == staged.report["fixed"]
    assert bool(everything.said("inherited")) == commit.is_code
    assert everything.code == int(blocks or commit.is_code)

    history.check_out(commit)
    ranged = history.suggest("--since", "HEAD~1")
    brought = expected((*commit.findings, *commit.brought))
    assert ranged.said(*NEWS, "inherited") == brought
    assert ranged.code == int(any(status != "fixed" for status, _, _ in brought))
    if commit.merges is None:
        assert [ranged.report[key] for key in ("recommendations", "fixed")] == [
            staged.report[key] for key in ("recommendations", "fixed")
        ]


@pytest.mark.parametrize(
    "subject",
    [
        "Delete the log of sessions",
        "Rename debughelpers to explain",
        "Say why a helper stays",
        "Merge branch 'names'",
        "Write the changelog",
        "The rule is for all of the package",
    ],
)
def test_a_commit_through_pre_commit(history: History, hooks: Hooks, tmp_path: Path, subject: str) -> None:
    """`git commit` itself, with pre-commit's hook: it goes through if the commit brings nothing bad, and only then."""
    (commit,) = (commit for commit in HISTORY if commit.subject == subject)
    configuration = tmp_path / "pre-commit.yaml"
    configuration.write_text(hooks.configuration("semfora"))
    Tree(tmp_path, hooks.environment).git("clone", "-q", str(history.tree.root), "clone")
    tree = Tree(tmp_path / "clone", hooks.environment)
    installed = hooks.run(tree.root, sys.executable, "-m", "pre_commit", "install", "-c", str(configuration))
    assert installed.code == 0, installed.text
    revision = history.made[subject]
    stage(tree, revision, is_merge=commit.merges is not None)
    head = tree.git("rev-parse", "HEAD")
    done = hooks.run(tree.root, "git", "commit", "-m", subject)
    bad = [finding for finding in commit.findings if finding.status != "fixed"]
    check(done, "Failed" if bad else "Passed")
    for finding in bad:
        assert f"{finding.rule} {finding.status}" in done.text
    if bad:
        assert tree.git("rev-parse", "HEAD") == head
        assert tree.git("write-tree") == tree.git("rev-parse", f"{revision}^{{tree}}")
    else:
        assert tree.git("rev-parse", "HEAD~") == head
        assert tree.git("rev-parse", "HEAD^{tree}") == tree.git("rev-parse", f"{revision}^{{tree}}")
    assert "??" not in tree.git("status", "--porcelain")
