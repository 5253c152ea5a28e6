"""What is listed as fixed: nothing that would not have been reported before the change."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from .conftest import Outcome, Project, statuses

Run = Callable[..., Outcome]

FILES: dict[str, str | None] = {
    "lib/app.py": "def _unused(rows):\n    return list(rows)\n",
    "tools/app.py": "def _forgotten(rows):\n    return list(rows)\n",
    "tangle.py": "def untangle(rows):\n    for row in rows:\n        if row:\n            print(row)\n\nuntangle([])\n",
    "semfora.toml": "[rules.complexity]\nmax-cognitive = 2\n",
}
LIB = ("fixed", "dead-code", "lib/app.py::_unused")
TOOLS = ("fixed", "dead-code", "tools/app.py::_forgotten")
TANGLE = ("fixed", "complexity", "tangle.py::untangle")


@pytest.fixture
def repository(project: Project) -> Project:
    """All three findings are there in the commit, and gone in what is staged."""
    project.write(FILES).commit()
    return project


def fixed(project: Project, run: Run, *options: str) -> list[tuple[str, str, str | None]]:
    project.write({"lib/app.py": "print(1)\n", "tools/app.py": "print(1)\n", "tangle.py": "print(1)\n"}).git(
        "add", "-A"
    )
    staged = statuses(run("suggest", "--staged", "--output-format", "json", *options))
    project.git("commit", "-q", "-m", "change")
    assert statuses(run("suggest", "--since", "HEAD~1", "--output-format", "json", *options)) == staged
    return staged


def test_all_of_it(repository: Project, run: Run) -> None:
    assert fixed(repository, run) == [LIB, TOOLS, TANGLE]


def test_only_what_is_sure_enough(repository: Project, run: Run) -> None:
    before = run("suggest", "--output-format", "json").json["recommendations"]
    confidences = {item["rule_id"]: item["confidence"] for item in before}
    assert confidences["complexity"] < 0.95 <= confidences["dead-code"]
    assert fixed(repository, run, "--min-confidence", "0.95") == [LIB, TOOLS]


def test_only_below_the_paths_that_were_asked_for(repository: Project, run: Run) -> None:
    assert fixed(repository, run, "tools") == [TOOLS]


def test_not_in_files_whose_findings_are_ignored(project: Project, run: Run) -> None:
    ignored = '[per-file-ignores]\n"tools/**" = ["dead-code"]\n'
    project.write({**FILES, "semfora.toml": f"{FILES['semfora.toml']}{ignored}"}).commit()
    assert fixed(project, run) == [LIB, TANGLE]


def test_not_what_a_comment_silenced(project: Project, run: Run) -> None:
    comment = "# semfora: ignore[dead-code] -- called from outside\n"
    project.write({**FILES, "tools/app.py": f"{comment}{FILES['tools/app.py']}"}).commit()
    assert fixed(project, run) == [LIB, TANGLE]


def test_what_was_accepted_before_is_paid_back(repository: Project, run: Run) -> None:
    assert run("suggest", "--fail-on", "info").code == 1
    assert run("baseline", "create").code == 0
    repository.commit("accepted")
    assert run("suggest", "--fail-on", "info").code == 0
    assert fixed(repository, run) == [LIB, TOOLS, TANGLE]
