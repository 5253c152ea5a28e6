"""What is imported when: nothing heavy before it is needed, and never anything out of the analysed repository."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[1]
PROGRAMS = Path(sys.executable).parent

HEAVY = {"wasmtime", "rich", "tree_sitter", "tree_sitter_python", "yaml", "msgspec", "pytest"}


def start(*command: str | Path, cwd: Path, check: bool = True, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        command, cwd=cwd, env={**inherited, **environment}, capture_output=True, text=True, timeout=60, check=False
    )
    assert not check or done.returncode == 0, done.stderr
    return done


def imported(arguments: list[str], cwd: Path) -> set[str]:
    """The top-level modules loaded at the end of a command, in whatever way, shown by `-X importtime` or not."""
    code = (
        "import atexit, sys\n"
        "atexit.register(lambda: print('MODULES', sorted({name.partition('.')[0] for name in sys.modules})))\n"
        f"sys.argv = ['semfora-hooks', *{arguments!r}]\n"
        "from semfora_hooks.cli import main\n"
        "main()\n"
    )
    done = start(sys.executable, "-P", "-c", code, cwd=cwd)
    return set(ast.literal_eval(done.stdout.rpartition("MODULES ")[2]))


QUICK = [("--version", HEAVY | {"click", "pluggy", "sqlite3"}), ("--help", HEAVY | {"pluggy", "sqlite3"})]


@pytest.mark.parametrize(("option", "unwanted"), QUICK)
def test_the_quick_commands_import_nothing_heavy(option: str, unwanted: set[str], tmp_path: Path) -> None:
    assert imported([option], tmp_path).isdisjoint(unwanted)


@pytest.mark.parametrize(("option", "unwanted"), QUICK)
def test_the_quick_commands_as_the_interpreter_sees_them(option: str, unwanted: set[str], tmp_path: Path) -> None:
    done = start(sys.executable, "-X", "importtime", PROGRAMS / "semfora-hooks", option, cwd=tmp_path)
    timed = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if line.startswith("import time:")}
    assert "semfora_hooks.cli" in timed
    assert not [name for name in timed if name.partition(".")[0] in unwanted]


def test_the_version_is_the_same_with_and_without_click(tmp_path: Path) -> None:
    quick = start(PROGRAMS / "semfora-hooks", "--version", cwd=tmp_path)
    usual = start(PROGRAMS / "semfora-hooks", "--traceback", "--version", cwd=tmp_path)  # two options: click's business
    assert quick.stdout == usual.stdout
    assert "click" in imported(["--traceback", "--version"], tmp_path)


def test_the_package_alone_imports_nothing(tmp_path: Path) -> None:
    code = (
        "import sys, typing, __future__; before = set(sys.modules); import semfora_hooks; "
        "print(sorted(set(sys.modules) - before))"
    )
    assert start(sys.executable, "-P", "-c", code, cwd=tmp_path).stdout == "['semfora_hooks']\n"


def test_public_names_load_on_use(tmp_path: Path) -> None:
    code = (
        "import semfora_hooks, sys\n"
        "assert set(dir(semfora_hooks)) == set(semfora_hooks.__all__)\n"
        "for name in semfora_hooks.__all__: assert getattr(semfora_hooks, name) is not None, name\n"
        "print('msgspec' in sys.modules, 'wasmtime' in sys.modules, 'yaml' in sys.modules)\n"
    )
    assert start(sys.executable, "-P", "-c", code, cwd=tmp_path).stdout == "True False False\n"


def test_a_name_that_is_not_public() -> None:
    import semfora_hooks

    with pytest.raises(AttributeError, match=re.escape("module 'semfora_hooks' has no attribute 'Nope'")):
        _ = semfora_hooks.Nope


def test_a_repository_without_rules_and_plugins_loads_neither_yaml_nor_wasm(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("print(1)\n")
    modules = imported(["suggest"], tmp_path)
    assert {"msgspec", "tree_sitter"} <= modules
    assert modules.isdisjoint({"wasmtime", "yaml", "rich", "pathspec", "pytest"})


NEVER_STAGED = {
    "asyncio",
    "bz2",
    "concurrent",
    "difflib",
    "email",
    "importlib_metadata",
    "lzma",
    "multiprocessing",
    "pathspec",
    "platformdirs",
    "pytest",
    "rich",
    "shutil",
    "socket",
    "tempfile",
    "traceback",
    "wasmtime",
    "yaml",
    "zipfile",
}
"""What no small run about a change has a use for."""


@pytest.fixture
def staged(tmp_path: Path) -> Callable[[dict[str, str]], Path]:
    """A git repository with a module and a commit, in which files are then staged."""
    root = tmp_path / "repository"
    root.mkdir()

    def git(*arguments: str) -> None:
        names = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a"}
        start("git", *arguments, cwd=root, **names)

    def stage(files: dict[str, str]) -> Path:
        for name, text in files.items():
            (root / name).write_text(text)
        git("add", "-A")
        return root

    git("init", "-q")
    stage({"app.py": "def used():\n    return 1\n\n\nprint(used())\n"})
    git("commit", "-q", "-m", "first")
    return stage


def test_a_hook_with_nothing_to_do(staged: Callable[[dict[str, str]], Path]) -> None:
    modules = imported(["suggest", "--staged"], staged({"README.md": "words\n"}))
    assert {"click", "msgspec", "pluggy"} <= modules
    assert not modules & (NEVER_STAGED | {"dataclasses", "hashlib", "sqlite3", "tomllib", "tree_sitter"})


def test_a_hook_with_something_to_do(staged: Callable[[dict[str, str]], Path]) -> None:
    modules = imported(["suggest", "--staged"], staged({"app.py": "def used():\n    return 2\n\n\nprint(used())\n"}))
    assert {"sqlite3", "tree_sitter"} <= modules
    assert not modules & (NEVER_STAGED | {"tomllib"})


def test_toml_is_read_where_there_is_some(staged: Callable[[dict[str, str]], Path]) -> None:
    assert "tomllib" in imported(["suggest", "--staged"], staged({"semfora.toml": ""}))


def test_nothing_is_parsed_where_everything_is_known(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("print(1)\n")
    assert "tree_sitter" in imported(["suggest"], tmp_path)
    assert "tree_sitter" not in imported(["suggest"], tmp_path)


# --------------------------------------------------------------------------------------------- hostile repositories

SHADOWS = (
    "msgspec",
    "pathlib",
    "fnmatch",
    "yaml",
    "click",
    "pluggy",
    "pathspec",
    "platformdirs",
    "tree_sitter",
    "tree_sitter_python",
    "wasmtime",
    "sqlite3",
    "tomllib",
    "hashlib",
    "json",
    "subprocess",
    "pickle",
    "multiprocessing",
    "sitecustomize",
    "usercustomize",
)


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A repository whose files are named like what we import, and leave a trace when they are run."""
    root = tmp_path / "hostile"
    root.mkdir()
    trap = f"open({str(tmp_path / 'trace')!r}, 'a').write(__name__ + '\\n')\nraise SystemExit('trapped')\n"
    for name in SHADOWS:
        (root / f"{name}.py").write_text(trap)
    for package in ("wasmtime", "tree_sitter", "importlib_metadata"):
        (root / package).mkdir()
        (root / package / "__init__.py").write_text(trap)
    info = root / "evil-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: evil\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[semfora_hooks]\nevil = yaml\n")
    (root / ".semfora" / "rules").mkdir(parents=True)
    (root / ".semfora" / "rules" / "ours.yaml").write_text("name: ours\ncondition: {min_loc: 9999}\n")
    (root / "semfora.toml").write_text('exclude = ["nothing"]\n')
    return root


COMMANDS = [["--version"], ["suggest"], ["context"], ["rules", "list"], ["explain", "ours"]]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("how", ["module", "script"])
def test_a_repository_cannot_shadow_what_we_import(hostile: Path, how: str, command: list[str]) -> None:
    head = [sys.executable, "-m", "semfora_hooks"] if how == "module" else [PROGRAMS / "semfora-hooks"]
    done = start(*head, *command, cwd=hostile, check=False)
    assert not (hostile.parent / "trace").exists(), (hostile.parent / "trace").read_text()
    assert (done.returncode, "error" in done.stderr, "trapped" in done.stderr) == (0, False, False), done.stderr
    assert "evil" not in done.stdout


def test_a_repository_cannot_shadow_what_worker_processes_import(hostile: Path) -> None:
    """Where forking is unsafe (a thread runs), workers are started afresh, by `python -c`, in the repository."""
    for number in range(4):
        (hostile / f"big{number}.py").write_text(f"# {number}: {'x' * 90}\n" * 2000)
    script = hostile.parent / "start.py"
    script.write_text(
        "import sys, threading\n"
        "from semfora_hooks.cli import main\n"
        "if __name__ == '__main__':\n"
        "    threading.Thread(target=threading.Event().wait, daemon=True).start()\n"
        "    sys.argv = ['semfora-hooks', 'suggest', '--jobs', '2', '--no-cache']\n"
        "    main()\n"
    )
    done = start(sys.executable, script, cwd=hostile, check=False)
    assert not (hostile.parent / "trace").exists(), (hostile.parent / "trace").read_text()
    assert done.returncode == 0, done.stderr
    assert f"in {len(SHADOWS) + 3 + 4} files" in done.stderr


# ------------------------------------------------------------------------------------------------------------- layers


def test_imports_point_down_only() -> None:
    done = start(PROGRAMS / "lint-imports", "--no-cache", cwd=CHECKOUT, check=False)
    assert done.returncode == 0, done.stdout
    assert "Contracts: 2 kept, 0 broken." in done.stdout
