"""Rule files on disk."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pluggy
import pytest
from stopwatch import at_most

from semfora_hooks import hookspecs
from semfora_hooks.config import Config
from semfora_hooks.hookspecs import Loaded
from semfora_hooks.providers import declarative
from semfora_hooks.providers.declarative import load

GOOD = "name: {}\nmatch: {{name: load}}\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    repository = tmp_path / "repository"
    (repository / ".semfora/rules").mkdir(parents=True)
    return repository


def write(root: Path, name: str, text: str) -> Path:
    path = root / ".semfora/rules" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def run(root: Path) -> tuple[list[str], list[str]]:
    """Rule ids, and the errors' first lines."""
    loaded = load(Config(root=str(root)))
    return [rule.id for rule in loaded.rules], [error.message.splitlines()[0] for error in loaded.errors]


def test_the_provider_declares_itself() -> None:
    manager = pluggy.PluginManager(hookspecs.PROJECT_NAME)
    manager.add_hookspecs(hookspecs)
    manager.register(declarative)
    manager.check_pending()
    ((provider,),) = manager.hook.semfora_rule_providers()
    assert (provider.name, provider.load) == ("declarative", load)


def test_importing_and_loading_nothing_is_cheap(tmp_path: Path) -> None:
    code = (
        "import sys; from semfora_hooks.config import Config; from semfora_hooks.providers import declarative\n"
        f"loaded = declarative.load(Config(root={str(tmp_path)!r}))\n"
        "assert list(loaded.rules) == list(loaded.errors) == []\n"
        "print('yaml' in sys.modules, [m for m in sys.modules if m.startswith('semfora_hooks.providers.declarative.')])"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=Path(__file__).parents[3])
    assert (done.stderr, done.stdout) == ("", "False []\n")


def test_without_a_folder_there_is_nothing(tmp_path: Path) -> None:
    assert load(Config(root=str(tmp_path))) == Loaded()


def test_files_are_read_in_order_and_below(root: Path) -> None:
    for name in ("b.yaml", "a.yml", "sub/z.yaml", "sub/deep/y.YAML", "c.yaml"):
        write(root, name, GOOD.format(name.replace("/", "-")))
    write(root, "notes.txt", "no rule")
    write(root, ".#b.yaml", "an editor's own")
    assert run(root) == (["a.yml", "b.yaml", "c.yaml", "sub-deep-y.YAML", "sub-z.yaml"], [])


def test_all_errors_of_all_files_at_once(root: Path) -> None:
    write(root, "a.yaml", "name: a\nmatch: {nme: x}\n")
    write(root, "b.yaml", GOOD.format("b"))
    write(root, "sub/c.yaml", "name: x: y\n")
    assert run(root) == (
        ["b"],
        [
            ".semfora/rules/a.yaml:2:9: unknown key 'nme'",
            ".semfora/rules/sub/c.yaml:1:8: not valid YAML: mapping values are not allowed in this context",
        ],
    )


def test_a_duplicate_name_in_another_file_names_both(root: Path) -> None:
    write(root, "a.yaml", "# first\n" + GOOD.format("same"))
    write(root, "b.yaml", GOOD.format("same"))
    loaded = load(Config(root=str(root)))
    assert [rule.origin for rule in loaded.rules] == [".semfora/rules/a.yaml"]
    (error,) = loaded.errors
    assert error.message.splitlines()[0] == (
        ".semfora/rules/b.yaml:1:7: duplicate rule name 'same'; it is already defined at .semfora/rules/a.yaml:2:7"
    )


def test_a_large_file_is_refused_without_being_read(root: Path) -> None:
    path = write(root, "big.yaml", "")
    with path.open("wb") as file:
        file.truncate(10 << 20)
    write(root, "good.yaml", GOOD.format("good"))
    with at_most(0.5):
        assert run(root) == (
            ["good"],
            [".semfora/rules/big.yaml:1:1: larger than 1 MiB; refusing to read it as rules"],
        )


def test_a_file_of_just_the_limit_is_read(root: Path) -> None:
    text = GOOD.format("x")
    write(root, "a.yaml", text + "#" * ((1 << 20) - len(text)))
    assert run(root) == (["x"], [])
    write(root, "a.yaml", text + "#" * ((1 << 20) - len(text) + 1))
    assert run(root)[0] == []


OUT = "a symbolic link that leaves the repository is not followed"


def test_links_out_of_the_repository_are_refused(root: Path) -> None:
    outside = root.parent / "outside"
    outside.mkdir()
    (outside / "o.yaml").write_text(GOOD.format("outside"))
    (root / ".semfora/rules/file.yaml").symlink_to(outside / "o.yaml")
    (root / ".semfora/rules/folder").symlink_to(outside)
    write(root, "good.yaml", GOOD.format("good"))
    assert run(root) == (
        ["good"],
        [f".semfora/rules/file.yaml:1:1: {OUT}", f".semfora/rules/folder:1:1: {OUT}"],
    )


@pytest.mark.parametrize("name", [".semfora", ".semfora/rules"])
def test_the_folder_itself_may_not_lead_out(tmp_path: Path, name: str) -> None:
    outside = tmp_path / "outside"
    (outside / "rules").mkdir(parents=True)
    (outside / "o.yaml").write_text(GOOD.format("outside"))
    (outside / "rules/o.yaml").write_text(GOOD.format("outside"))
    root = tmp_path / "repository"
    (root / name).parent.mkdir(parents=True)
    (root / name).symlink_to(outside)
    assert run(root) == ([], [f".semfora/rules:1:1: {OUT}"])


def test_links_within_the_repository_are_followed_once(root: Path) -> None:
    shared = root / "shared"
    shared.mkdir()
    (shared / "s.yaml").write_text(GOOD.format("shared"))
    (root / ".semfora/rules/shared").symlink_to(shared)
    (root / ".semfora/rules/loop").symlink_to(root / ".semfora/rules")
    assert run(root) == (["shared"], [])


def test_a_repository_reached_through_a_link(root: Path) -> None:
    write(root, "a.yaml", GOOD.format("a"))
    link = root.parent / "link"
    link.symlink_to(root)
    assert run(link) == (["a"], [])


def test_broken_links_are_errors(root: Path) -> None:
    (root / ".semfora/rules/gone.yaml").symlink_to(root / "nothing")
    (root / ".semfora/rules/self.yaml").symlink_to(root / ".semfora/rules/self.yaml")
    rules, errors = run(root)
    assert rules == []
    assert errors[0] == ".semfora/rules/gone.yaml:1:1: cannot be read: No such file or directory"
    assert errors[1].startswith(".semfora/rules/self.yaml:1:1: cannot be read: ")
    assert len(errors) == 2


def test_a_named_pipe_is_no_rule_file(root: Path) -> None:
    os.mkfifo(root / ".semfora/rules/pipe.yaml")
    assert run(root) == ([], [".semfora/rules/pipe.yaml:1:1: not a regular file"])


def test_a_file_instead_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / ".semfora").mkdir()
    (tmp_path / ".semfora/rules").write_text("name: x")
    assert run(tmp_path) == ([], [".semfora/rules:1:1: expected a folder of rule files"])


def test_a_folder_named_like_a_rule_file(root: Path) -> None:
    write(root, "odd.yaml/a.yaml", GOOD.format("a"))
    assert run(root) == (["a"], [])


def test_sixty_rules_load_quickly(root: Path) -> None:
    for i in range(60):
        write(
            root,
            f"r{i:02}.yaml",
            f"name: r{i}\nmatch: {{module: 'src.*', kind: function}}\ncondition: {{max_loc: {i}}}\n",
        )
    with at_most(1.0):
        rules, errors = run(root)
        assert (len(rules), errors) == (60, [])
