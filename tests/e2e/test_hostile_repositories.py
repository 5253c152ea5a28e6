"""Repositories that are broken, odd or out to harm, through the real command line: a clear line, the documented exit
code, no traceback, and soon.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import forked
import pytest

pytestmark = pytest.mark.e2e

SECONDS = 20.0
DEAD = "def _f():\n    return 1\n"

PROBLEM = re.compile(r"(error|incomplete|note): \S")
TOTALS = re.compile(
    r"(no findings|(\d+ (errors?|warnings?|info)(, )?)+)(, \d+ suppressed)?(, \d+ fixed)? "
    r"in \d+ files \(\d+ symbols, \d+\.\d s\)(; failed: .*)?"
)


class Outcome(NamedTuple):
    """What a command left behind. `problems` are the lines of standard error without the totals."""

    code: int
    out: str
    problems: list[str]

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def hooks(cwd: Path, *arguments: str | bytes, drop: Callable[[], None] | None = None, **environment: str) -> Outcome:
    """Run the program as users do, and hold it to what holds for every run."""
    its_own = {**os.environ, **environment}
    done: forked.Done | subprocess.CompletedProcess[bytes]
    if drop is None:
        done = forked.run(arguments, cwd, its_own, timeout=10 * SECONDS)
        seconds = done.seconds
    else:
        before = os.times()
        done = subprocess.run(
            [Path(sys.executable).parent / "semfora-hooks", *arguments],
            cwd=cwd,
            env=its_own,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            preexec_fn=drop,
            timeout=10 * SECONDS,
            check=False,
        )
        after = os.times()
        seconds = sum(after[2:4]) - sum(before[2:4])  # of processors, the program's children included
    out, err = done.stdout.decode("utf-8"), done.stderr.decode("utf-8")
    assert "Traceback" not in out + err, err
    assert "internal error" not in err, err
    assert "\x1b" not in out + err
    assert done.returncode in (0, 1, 2)
    lines = [line for line in err.splitlines() if not TOTALS.fullmatch(line)]
    for line in lines:
        assert PROBLEM.match(line) or line.startswith("      "), line  # excerpts of rule files are indented
    assert (done.returncode == 2) == any(line.startswith("error: ") for line in lines), err
    assert seconds < SECONDS, f"{seconds:.1f} s"
    return Outcome(done.returncode, out, lines)


def git(cwd: Path, *arguments: str, check: bool = True) -> str:
    done = subprocess.run(["git", *arguments], cwd=cwd, check=check, capture_output=True, text=True, timeout=60)
    return done.stdout.strip()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    return folder


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    return tmp_path / "trace"


# ---------------------------------------------------------------------------------------------------- empty, or no git


NOTHING = "note: nothing to analyse: there are no files with the endings .py, .pyi here"


def test_an_empty_folder(root: Path) -> None:
    assert hooks(root, "suggest") == (0, "", [NOTHING])
    assert hooks(root, "suggest", "--strict", "--fail-on", "info") == (0, "", [NOTHING])
    assert hooks(root, "context").json["symbols"] == []
    assert hooks(root, "graph").json == {"symbols": [], "calls": [], "externals": []}
    assert hooks(root, "suggest", "--staged") == (
        2,
        "",
        [f"error: {root} is not a git repository, so nothing is staged or changed there"],
    )


def test_a_git_repository_without_commits(root: Path) -> None:
    git(root, "init", "-q")
    assert hooks(root, "suggest") == (0, "", [NOTHING])
    assert hooks(root, "suggest", "--staged") == (0, "", [])
    assert hooks(root, "suggest", "--auto-scope") == (0, "", [NOTHING])
    code, out, (line,) = hooks(root, "suggest", "--since", "HEAD")
    assert (code, out) == (2, "")
    assert line.startswith("error: the revision 'HEAD' is not in this repository")
    (root / "a.py").write_text(DEAD)
    assert hooks(root, "suggest").out == "a.py:1:1: warning dead-code function `_f` is never used\n"


def test_without_git(root: Path) -> None:
    (root / "a.py").write_text(DEAD)
    expected = (0, "a.py:1:1: warning dead-code function `_f` is never used\n", [])
    assert hooks(root, "suggest") == expected
    assert hooks(root, "suggest", PATH="/nowhere") == expected
    assert hooks(root, "suggest", "a.py", PATH="/nowhere") == expected


def test_a_git_repository_where_git_is_not_on_the_path(root: Path) -> None:
    git(root, "init", "-q")
    (root / "a.py").write_text(DEAD)
    line = "error: git is not installed, or not on PATH (install git, or analyse a folder without .git)"
    for arguments in (["suggest"], ["suggest", "--staged"], ["suggest", "a.py"], ["graph"]):
        assert hooks(root, *arguments, PATH="/nowhere") == (2, "", [line])


@pytest.mark.parametrize("content", [None, "gitdir: /nonexistent\n", "nonsense"])
def test_a_git_folder_that_is_none(root: Path, content: str | None) -> None:
    (root / "a.py").write_text(DEAD)
    if content is None:
        (root / ".git").mkdir()
    else:
        (root / ".git").write_text(content)
    code, out, lines = hooks(root, "suggest")
    assert (code, out) == (2, "")
    assert lines[0].startswith(f"error: git ls-files failed in {root}: fatal: ")


def test_a_repository_of_somebody_else(root: Path) -> None:
    git(root, "init", "-q")
    (root / "a.py").write_text(DEAD)
    code, out, (line,) = hooks(root, "suggest", GIT_TEST_ASSUME_DIFFERENT_OWNER="1")
    assert (code, out) == (2, "")
    assert "dubious ownership" in line
    assert f"(if you trust it: git config --global --add safe.directory {root})" in line


# ---------------------------------------------------------------------------------------------------------- odd files


def without_privileges() -> None:
    """Make file modes count for root too, from the next program on: without CAP_DAC_OVERRIDE and ..._READ_SEARCH."""
    if os.geteuid() == 0:
        libc = ctypes.CDLL(None, use_errno=True)
        for capability in (1, 2):
            if libc.prctl(24, capability, 0, 0, 0) != 0:
                raise OSError(ctypes.get_errno(), "prctl(PR_CAPBSET_DROP) failed")


@pytest.fixture
def unreadable(root: Path) -> Iterator[Path]:
    (root / "a.py").write_text(DEAD)
    (root / "closed.py").write_text(DEAD)
    (root / "folder").mkdir()
    (root / "folder" / "b.py").write_text(DEAD)
    (root / "closed.py").chmod(0)
    (root / "folder").chmod(0)
    yield root
    (root / "folder").chmod(0o700)


def test_what_may_not_be_read(unreadable: Path) -> None:
    assert hooks(unreadable, "suggest", drop=without_privileges) == (
        0,
        "a.py:1:1: warning dead-code function `_f` is never used\n",
        [
            "incomplete: closed.py: cannot be read: Permission denied",
            "incomplete: folder: folder cannot be read: Permission denied",
        ],
    )
    assert hooks(unreadable, "suggest", "--strict", drop=without_privileges).code == 2
    assert hooks(unreadable, "suggest", "closed.py", drop=without_privileges).problems == [
        "incomplete: closed.py: cannot be read: Permission denied"
    ]


def test_tracked_files_that_may_not_be_read(unreadable: Path) -> None:
    git(unreadable, "init", "-q")
    (unreadable / "folder").chmod(0o700)
    git(unreadable, "add", "-A")
    (unreadable / "folder").chmod(0)
    code, _, problems = hooks(unreadable, "suggest", drop=without_privileges)
    assert (code, problems) == (
        0,
        [
            "incomplete: closed.py: cannot be read: Permission denied",
            "incomplete: folder/b.py: cannot be read: Permission denied",
        ],
    )


@pytest.mark.parametrize("name", ["pyproject.toml", "semfora.toml"])
def test_a_configuration_that_may_not_be_read(root: Path, name: str) -> None:
    (root / name).write_text("")
    (root / name).chmod(0)
    assert hooks(root, "suggest", drop=without_privileges) == (
        2,
        "",
        [f"error: {name}: cannot be read: Permission denied"],
    )


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\x7fELF\x02\x01\x01\0\0\0\0", "binary file: it contains NUL bytes"),
        (bytes(range(256)) * 100, "binary file: it contains NUL bytes"),
        (b"\x80\x81\x82" * 5000, "not UTF-8"),
        (b"def f():\n    return '\xe9'\n", "not UTF-8"),
        (DEAD.encode("utf-16"), "binary file: it contains NUL bytes"),
        (b"def f(:\n", "syntax error"),
        (b"<<<<<<< HEAD\nx = 1\n=======\nx = 2\n>>>>>>> other\n", "syntax error"),
    ],
)
def test_content_that_is_no_source(root: Path, data: bytes, reason: str) -> None:
    (root / "odd.py").write_bytes(data)
    (root / "a.py").write_text(DEAD)
    code, out, problems = hooks(root, "suggest")
    assert code == 0
    assert "a.py:1:1: warning dead-code function `_f` is never used\n" in out
    assert problems
    assert all(line.startswith("incomplete: odd.py: ") for line in problems)
    assert any(reason in line for line in problems)
    assert hooks(root, "suggest", "--strict").code == 2


def test_source_in_an_encoding_it_declares(root: Path) -> None:
    (root / "a.py").write_bytes("# -*- coding: latin-1 -*-\ndef _größe():\n    return 1\n".encode("latin-1"))
    assert hooks(root, "suggest") == (0, "a.py:2:1: warning dead-code function `_größe` is never used\n", [])


@pytest.mark.parametrize("data", [b"", b"\n", b"\xef\xbb\xbf", b"#", b"\\\n", b"\x0c", b"x = 1\r\rx = 2"])
def test_hardly_any_content(root: Path, data: bytes) -> None:
    (root / "a.py").write_bytes(data)
    assert hooks(root, "suggest")[:2] == (0, "")


def test_five_megabytes_of_generated_code(root: Path) -> None:
    line = "def f{0}(a, b):\n    return a + b * {0}\n"
    (root / "generated.py").write_text("".join(line.format(number) for number in range(125_000)))
    (root / "a.py").write_text(DEAD)
    assert (root / "generated.py").stat().st_size > 5_000_000
    assert hooks(root, "suggest") == (
        0,
        "a.py:1:1: warning dead-code function `_f` is never used\n",
        [
            "incomplete: generated.py: not analysed: 5.2 MiB is more than max-file-size (2 MiB); exclude it, or raise "
            "the limit"
        ],
    )
    (root / "semfora.toml").write_text('exclude = ["generated.py"]\n')
    assert hooks(root, "suggest", "--strict").code == 0


def test_megabytes_of_data_in_one_literal(root: Path) -> None:
    (root / "table.py").write_text(f"TABLE = [{'123456, ' * 300_000}]\n")
    (root / "semfora.toml").write_text('max-file-size = "10MiB"\n')
    assert hooks(root, "suggest") == (0, "", [])


@pytest.mark.parametrize("with_git", [False, True])
def test_links_pipes_and_folders_with_the_names_of_files(root: Path, tmp_path: Path, with_git: bool) -> None:
    (tmp_path / "secret.py").write_text("def _secret():\n    return 1\n")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "o.py").write_text("def _outside():\n    return 1\n")
    (root / "a.py").write_text(DEAD)
    (root / "loop.py").symlink_to("loop.py")
    (root / "ping.py").symlink_to("pong.py")
    (root / "pong.py").symlink_to("ping.py")
    (root / "here").symlink_to(".")
    (root / "package").mkdir()
    (root / "package" / "again").symlink_to("../package")
    (root / "package" / "up").symlink_to("..")
    (root / "secret.py").symlink_to("../secret.py")
    (root / "outside").symlink_to("../outside")
    (root / "alias.py").symlink_to("a.py")
    (root / "nowhere.py").symlink_to("gone.py")
    (root / "folder.py").mkdir()
    (root / "folder.py" / "b.py").write_text("def _g():\n    return 1\n")
    if with_git:
        git(root, "init", "-q")
        git(root, "add", "-A")
    os.mkfifo(root / "pipe.py")
    expected = [
        "incomplete: loop.py: symbolic link that leads nowhere: Too many levels of symbolic links",
        "incomplete: nowhere.py: symbolic link that leads nowhere: No such file or directory",
        "incomplete: ping.py: symbolic link that leads nowhere: Too many levels of symbolic links",
        "incomplete: pipe.py: not a regular file",
        "incomplete: pong.py: symbolic link that leads nowhere: Too many levels of symbolic links",
        "incomplete: secret.py: symbolic link that leaves the repository; not followed",
    ]
    if with_git:
        expected.remove("incomplete: pipe.py: not a regular file")  # git does not even list it
    found = (
        "a.py:1:1: warning dead-code function `_f` is never used\n"
        "folder.py/b.py:1:1: warning dead-code function `_g` is never used\n"
    )
    assert hooks(root, "suggest") == (0, found, expected)
    if with_git:
        assert hooks(root, "suggest", "--staged") == (0, found, [])


def test_a_file_that_becomes_a_pipe(root: Path) -> None:
    git(root, "init", "-q")
    (root / "a.py").write_text(DEAD)
    git(root, "add", "-A")
    (root / "a.py").unlink()
    os.mkfifo(root / "a.py")
    assert hooks(root, "suggest") == (0, "", ["incomplete: a.py: not a regular file"])
    assert hooks(root, "suggest", "--staged").out == "a.py:1:1: warning dead-code function `_f` is never used\n"


def test_a_pipe_as_gitignore_and_as_baseline(root: Path) -> None:
    (root / "a.py").write_text(DEAD)
    os.mkfifo(root / ".gitignore")
    os.mkfifo(root / "pipe.json")
    assert hooks(root, "suggest") == (0, "a.py:1:1: warning dead-code function `_f` is never used\n", [])
    assert hooks(root, "suggest", "--baseline", "pipe.json") == (
        2,
        "",
        [f"error: {root}/pipe.json: not a regular file, so not a baseline"],
    )


def test_a_gitignore_with_lines_that_are_no_patterns(root: Path) -> None:
    (root / "a.py").write_text(DEAD)
    (root / "b.py").write_text(DEAD)
    (root / ".gitignore").write_bytes(b"!\n[z-a]\n\\\nfoo\\\n\xff\xfe\nb.py\n")
    assert hooks(root, "suggest") == (0, "a.py:1:1: warning dead-code function `_f` is never used\n", [])


# ---------------------------------------------------------------------------------------------------------- odd names

NAMES = {
    b"with space.py": "with space.py",
    b"new\nline.py": "'new\\nline.py'",
    b"quo'te\".py": "quo'te\".py",
    b"-dash.py": "-dash.py",
    b"tab\t.py": "'tab\\t.py'",
    b"back\\slash.py": "back\\slash.py",
    b"colon:1:1.py": "colon:1:1.py",
    b"\x1b[31mred.py": "'\\x1b[31mred.py'",
    "über😀.py".encode(): "über😀.py",
    b"$(touch pwned).py": "$(touch pwned).py",
    b"bad\xff.py": "bad\\xff.py",
    b"dir\xfe/x.py": "dir\\xfe/x.py",
    b"glob*[a].py": "glob*[a].py",
}


@pytest.fixture
def names(root: Path) -> Path:
    for name in NAMES:
        path = os.path.join(os.fsencode(root), name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as stream:
            stream.write(DEAD.encode())
    return root


@pytest.mark.parametrize("scope", ["folder", "git", "staged"])
def test_names_that_are_hard_to_write(names: Path, scope: str) -> None:
    options = []
    if scope != "folder":
        git(names, "init", "-q")
        git(names, "add", "-A")
    if scope == "staged":
        options = ["--staged"]
    code, out, problems = hooks(names, "suggest", *options)
    assert (code, problems) == (0, [])
    expected = {f"{shown}:1:1: warning dead-code function `_f` is never used" for shown in NAMES.values()}
    assert set(out.splitlines()) == expected
    report = hooks(names, "suggest", "--output-format", "json", *options).json
    assert report["summary"]["files"] == len(NAMES)
    files = {item["symbols"][0]["file"] for item in report["recommendations"]}
    assert files == {name.decode("utf-8", "backslashreplace") for name in NAMES}
    assert not (names / "pwned").exists()


def test_each_of_them_as_a_path(names: Path) -> None:
    for name, shown in NAMES.items():
        line = f"{shown}:1:1: warning dead-code function `_f` is never used\n"
        assert hooks(names, "suggest", "--", name) == (0, line, [])


def test_a_repository_in_a_folder_whose_name_is_not_utf8(tmp_path: Path) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/r\xe9po \n'x"))
    folder.mkdir()
    (folder / "a.py").write_text(DEAD)
    assert hooks(folder, "suggest") == (0, "a.py:1:1: warning dead-code function `_f` is never used\n", [])
    assert hooks(folder, "context").json["repository"]["name"] == "r\\udce9po \n'x"
    assert hooks(folder, "suggest", "--output-format", "json").json["summary"]["files"] == 1
    assert hooks(folder, "suggest", "gone.py").code == 2
    (folder / "semfora.toml").write_text('baseline = "gone.json"\n')
    assert hooks(folder, "suggest", "--output-format", "json", "-o", "report.json").code == 2


# -------------------------------------------------------------------------------------------------------- deep nesting

DEPTH = 10_000
DEEP = {
    "parentheses": f"x = {'(' * DEPTH}1{')' * DEPTH}\n",
    "unclosed": f"x = {'(' * DEPTH}\n",
    "unopened": f"{')' * DEPTH}\n",
    "lists": f"x = {'[' * DEPTH}{']' * DEPTH}\n",
    "dicts": f"x = {'{1: ' * DEPTH}1{'}' * DEPTH}\n",
    "calls": f"x = {'f(' * DEPTH}1{')' * DEPTH}\n",
    "call-chain": f"x = a{'.b()' * DEPTH}\n",
    "attributes": f"x = a{'.b' * DEPTH}\n",
    "subscripts": f"x = a{'[0]' * DEPTH}\n",
    "operators": f"x = {'1 + ' * DEPTH}1\n",
    "booleans": f"x = {'a and ' * DEPTH}1\n",
    "unary": f"x = {'not ' * DEPTH}1\n",
    "ternaries": f"x = {'1 if a else ' * DEPTH}1\n",
    "lambdas": f"x = {'lambda: ' * DEPTH}1\n",
    "elifs": "if a:\n    pass\n" + "elif b:\n    pass\n" * DEPTH,
    "annotations": f"def f(a: {'list[' * DEPTH}int{']' * DEPTH}):\n    return 1\n",
    "f-strings": "x = " + "f'{" * 500 + "1" + "}'" * 500 + "\n",
    "comprehensions": f"x = {'[a for a in ' * 2000}b{']' * 2000}\n",
    "patterns": f"match x:\n    case {'[' * 2000}{']' * 2000}:\n        pass\n",
    "blocks": "".join(f"{' ' * level}if a:\n" for level in range(1500)) + " " * 1500 + "x = 1\n",
    "classes": "".join(f"{' ' * level}class C{level}:\n" for level in range(700)) + " " * 700 + "x = 1\n",
    "functions": "".join(f"{' ' * level}def f{level}():\n" for level in range(700)) + " " * 700 + "return 1\n",
}


def test_deep_nesting(root: Path) -> None:
    for name, source in DEEP.items():
        (root / f"{name}.py").write_text(source)
    (root / "a.py").write_text(DEAD)
    report = hooks(root, "suggest", "--output-format", "json").json
    assert report["errors"] == []
    assert report["summary"]["files"] == len(DEEP) + 1
    assert "a.py::_f" in {item["symbols"][0]["id"] for item in report["recommendations"]}
    incomplete = {item["file"] for item in report["incomplete"]}
    assert incomplete <= {f"{name}.py" for name in DEEP}
    assert {"unclosed.py", "unopened.py", "lambdas.py"} <= incomplete
    assert "calls.py" not in incomplete  # calls in calls nest nothing that counts


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("pyproject.toml", f"a = {'[' * DEPTH}{']' * DEPTH}\n"),
        ("semfora.toml", f"a = {'{b = ' * DEPTH}1{'}' * DEPTH}\n"),
        (".semfora/rules/deep.yaml", f"{'[' * DEPTH}{']' * DEPTH}\n"),
        (".semfora/rules/deep.yaml", "a: &a [x]\n" + "".join(f"b{i}: &b{i} [*a, *a]\n" for i in range(50))),
        ("base.json", f'{{"findings": {"[" * DEPTH}{"]" * DEPTH}}}'),
    ],
)
def test_deep_nesting_in_what_configures_us(root: Path, name: str, content: str) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(content)
    code, _, problems = hooks(root, "suggest", *(("--baseline", name) if name == "base.json" else ()))
    assert code == 2
    assert name in problems[0]


# ------------------------------------------------------------------------------------------------------- configuration


@pytest.mark.parametrize(
    "data",
    [b"[tool.semfora\n", b"\xff\xfe\x00", b"a = 1\na = 2\n", b"[tool]\nsemfora = 3\n", b"\0", b"x = " + b"9" * 5000],
)
def test_a_corrupt_pyproject(root: Path, data: bytes) -> None:
    (root / "pyproject.toml").write_bytes(data)
    (root / "a.py").write_text(DEAD)
    for command in (["suggest", "--exit-zero"], ["rules", "list"]):
        code, out, (line,) = hooks(root, *command)
        assert (code, out) == (2, "")
        assert line.startswith("error: pyproject.toml: ")


def test_a_pyproject_that_is_a_folder_or_too_large(root: Path) -> None:
    (root / "pyproject.toml").mkdir()
    assert hooks(root, "suggest") == (2, "", ["error: pyproject.toml: not a regular file"])
    (root / "pyproject.toml").rmdir()
    (root / "pyproject.toml").write_text("# " + "x" * (1 << 20))
    assert hooks(root, "suggest") == (
        2,
        "",
        ["error: pyproject.toml: larger than 1 MiB; refusing to read it as configuration"],
    )


@pytest.mark.parametrize("exclude", ["?" * 2000, "[a-z]" * 2000])
def test_long_globs(root: Path, exclude: str) -> None:
    (root / ("a" * 200 + ".py")).write_text(DEAD)
    (root / "semfora.toml").write_text(f'exclude = ["{exclude}"]\n')
    assert hooks(root, "suggest").code == 0


@pytest.mark.parametrize("glob", ["a*" * 200, "**/" * 2000 + "x", "*" * 2000])
def test_globs_that_would_take_minutes(root: Path, glob: str) -> None:
    """Refused in the configuration; passed over in `.gitignore`, as other lines that are no patterns are."""
    (root / ("a" * 200 + ".py")).write_text(DEAD)
    (root / ".gitignore").write_text(f"{glob}\n")
    assert hooks(root, "suggest").code == 0
    (root / "semfora.toml").write_text(f'exclude = ["{glob}"]\n')
    result = hooks(root, "suggest")
    assert result.code == 2
    assert result.problems[0].startswith("error: semfora.toml: 'exclude': '")
    assert "has more than 12 wildcards" in result.problems[0]


@pytest.mark.parametrize("name", ["pyproject.toml", "semfora.toml"])
def test_a_configuration_that_is_a_pipe(root: Path, name: str) -> None:
    os.mkfifo(root / name)
    assert hooks(root, "suggest") == (2, "", [f"error: {name}: not a regular file"])


def test_broken_rule_files(root: Path, tmp_path: Path) -> None:
    rules = root / ".semfora" / "rules"
    rules.mkdir(parents=True)
    (root / "a.py").write_text(DEAD)
    (rules / "good.yaml").write_text("name: good\ndescription: Good.\nmatch: {name: _f}\ncondition: {min_loc: 1}\n")
    (tmp_path / "outside.yaml").write_text((rules / "good.yaml").read_text())
    (rules / "binary.yaml").write_bytes(bytes(range(256)))
    (rules / "latin.yaml").write_bytes(b"name: caf\xe9\n")
    (rules / "huge.yaml").write_text("# " + "x" * (1 << 20))
    (rules / "syntax.yaml").write_text("name: [\n")
    (rules / "tab.yaml").write_text("name:\n\t- x\n")
    (rules / "python.yaml").write_text("!!python/object/apply:os.system ['touch pwned']\n")
    (rules / "keys.yaml").write_text("name: a\nconditon: {min_loc: 1}\n")
    (rules / "link.yaml").symlink_to("../../../outside.yaml")
    (rules / "loop.yaml").symlink_to("loop.yaml")
    (rules / "again").symlink_to("../rules")
    os.mkfifo(rules / "pipe.yaml")
    (rules / "empty.yaml").write_text("")
    code, out, problems = hooks(root, "suggest")
    assert code == 2
    assert out.splitlines() == [
        "a.py:1:1: warning good _f: Good",
        "a.py:1:1: warning dead-code function `_f` is never used",
    ]
    named = {line.split("/")[2].split(":")[0] for line in problems if line.startswith("error: .semfora/rules/")}
    assert named == {
        "binary.yaml",
        "huge.yaml",
        "keys.yaml",
        "latin.yaml",
        "link.yaml",
        "loop.yaml",
        "pipe.yaml",
        "python.yaml",
        "syntax.yaml",
        "tab.yaml",
    }
    assert not (root / "pwned").exists()
    assert hooks(root, "suggest", "--exit-zero").code == 2


@pytest.mark.parametrize("what", [".semfora", ".semfora/rules", ".semfora/plugins"])
def test_rules_and_plugins_behind_a_link_that_leaves_the_repository(root: Path, tmp_path: Path, what: str) -> None:
    outside = tmp_path / "outside"
    (outside / "rules").mkdir(parents=True)
    (outside / "plugins").mkdir()
    (outside / "rules" / "r.yaml").write_text("name: foreign\nmatch: {name: _f}\ncondition: {min_loc: 1}\n")
    (outside / "plugins" / "p.wasm").write_bytes(b"\0asm\x01\0\0\0")
    (root / "a.py").write_text(DEAD)
    if what == ".semfora":
        (root / what).symlink_to(outside)
    else:
        (root / ".semfora").mkdir()
        (root / what).symlink_to(outside / what.partition("/")[2])
    code, out, problems = hooks(root, "suggest")
    assert (code, out) == (2, "a.py:1:1: warning dead-code function `_f` is never used\n")
    errors = [line for line in problems if line.startswith("error: ")]
    assert len(errors) == (2 if what == ".semfora" else 1)
    assert all(("link" in line and "outside" in line) or "leaves the repository" in line for line in errors)


# ----------------------------------------------------------------------------------------------------------------- git


@pytest.fixture
def trap(tmp_path: Path, trace: Path) -> Path:
    """A program that leaves a trace when it is run."""
    program = tmp_path / "trap"
    program.write_text(f"#!/bin/sh\necho \"$0 $*\" >> '{trace}'\nexit 1\n")
    program.chmod(0o755)
    return program


@pytest.fixture
def trapped(root: Path, trap: Path) -> Path:
    """A repository with a change, whose `.git/config` names the trap wherever git starts a program."""
    git(root, "init", "-q", "-b", "main")
    (root / "a.py").write_text(DEAD)
    (root / "gone.py").write_text("print(1)\n")
    (root / ".gitattributes").write_text("*.py diff=evil filter=evil merge=evil\n")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "first")
    (root / "a.py").write_text(DEAD + "\n\ndef _g():\n    return 2\n")
    (root / "gone.py").unlink()
    (root / "new.py").write_text("def _h():\n    return 3\n")
    git(root, "add", "-A")
    for key in (
        "core.fsmonitor",
        "core.pager",
        "core.editor",
        "core.sshCommand",
        "core.askPass",
        "core.gitProxy",
        "credential.helper",
        "diff.external",
        "diff.evil.command",
        "diff.evil.textconv",
        "filter.evil.clean",
        "filter.evil.smudge",
        "filter.evil.process",
        "merge.evil.driver",
        "gpg.program",
        "interactive.diffFilter",
        "sequence.editor",
        "remote.origin.uploadpack",
        "alias.ls-files",
        "alias.diff",
    ):
        git(root, "config", key, f"!{trap}" if key.startswith("alias.") else str(trap))
    git(root, "config", "filter.evil.required", "true")
    git(root, "config", "core.hooksPath", str(trap.parent / "hooks"))
    (trap.parent / "hooks").mkdir()
    for hook in ("post-index-change", "fsmonitor-watchman", "reference-transaction", "pre-auto-gc", "post-checkout"):
        (trap.parent / "hooks" / hook).symlink_to(trap)
    return root


def test_the_trap_works(trapped: Path, trace: Path) -> None:
    """The control: the same repository does run the programs when git is used carelessly."""
    os.utime(trapped / "a.py", (1, 1))
    with contextlib.suppress(subprocess.CalledProcessError):
        git(trapped, "diff", "HEAD")
    git(trapped, "status", check=False)
    assert trace.exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["suggest"],
        ["suggest", "--staged", "--all"],
        ["suggest", "--since", "HEAD"],
        ["suggest", "--auto-scope"],
        ["suggest", "a.py"],
        ["context", "--scope", "staged"],
        ["graph"],
        ["explain", "dead-code"],
    ],
    ids=" ".join,
)
def test_programs_that_git_configuration_names_do_not_run(trapped: Path, trace: Path, arguments: list[str]) -> None:
    os.utime(trapped / "a.py", (1, 1))  # looks changed, so that git would want to compare contents
    outcome = hooks(trapped, *arguments)
    assert not trace.exists(), trace.read_text()
    assert (outcome.code, outcome.problems) == (0, [])
    if arguments == ["suggest", "--staged", "--all"]:
        assert outcome.out.splitlines() == [
            "a.py:1:1: warning dead-code function `_f` is never used",
            "a.py:5:1: warning dead-code function `_g` is never used",
            "new.py:1:1: warning dead-code function `_h` is never used",
        ]


@pytest.fixture
def promising(trapped: Path, tmp_path: Path, trap: Path) -> tuple[Path, str]:
    """The same as a partial clone, with an object missing that git would fetch by running the trap."""
    shutil.copytree(trapped, tmp_path / "origin")
    lost = git(trapped, "rev-parse", "HEAD:gone.py")
    (trapped / ".git" / "objects" / lost[:2] / lost[2:]).unlink()
    for key, value in (
        ("core.repositoryFormatVersion", "1"),
        ("extensions.partialClone", "origin"),
        ("remote.origin.promisor", "true"),
        ("remote.origin.url", str(tmp_path / "origin")),
        ("protocol.allow", "always"),
    ):
        git(trapped, "config", key, value)
    return trapped, lost


def test_the_promise_works(promising: tuple[Path, str], trace: Path) -> None:
    """The control for the next one."""
    folder, lost = promising
    git(folder, "cat-file", "-p", lost, check=False)
    assert trace.exists()


def test_missing_objects_are_not_fetched_by_a_program_the_repository_names(
    promising: tuple[Path, str], trace: Path
) -> None:
    folder, _ = promising
    for arguments in (["suggest", "--staged"], ["suggest", "--since", "HEAD"], ["suggest"]):
        hooks(folder, *arguments)
        assert not trace.exists(), trace.read_text()


def test_a_work_tree_that_is_somewhere_else(root: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "secret.py").write_text("def _secret():\n    return 1\n")
    git(root, "init", "-q")
    (root / "a.py").write_text(DEAD)
    git(root, "config", "core.worktree", str(tmp_path / "other"))
    assert hooks(root, "suggest") == (0, "a.py:1:1: warning dead-code function `_f` is never used\n", [])


def test_a_corrupt_git_repository(root: Path) -> None:
    git(root, "init", "-q")
    (root / "a.py").write_text(DEAD)
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "first")
    (root / "a.py").write_text(DEAD + "\n")
    git(root, "add", "-A")
    (root / ".git" / "index").write_bytes(b"DIRC" + bytes(40))
    for arguments in (["suggest"], ["suggest", "--staged"]):
        code, out, lines = hooks(root, *arguments)
        assert (code, out) == (2, "")
        assert lines[0].startswith("error: git ")


# --------------------------------------------------------------------------------------------------------------- cache


def facts(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.sqlite"))


@pytest.mark.parametrize("damage", ["text", "zeros", "half", "middle", "empty", "folder"])
def test_a_corrupt_cache(root: Path, tmp_path: Path, damage: str) -> None:
    for number in range(30):
        (root / f"m{number}.py").write_text(f"def _f{number}():\n    return {number}\n")
    environment = {"SEMFORA_CACHE_DIR": str(tmp_path / "facts")}
    first = hooks(root, "suggest", **environment)
    assert (first.code, first.problems, first.out.count("\n")) == (0, [], 30)
    (database,) = facts(tmp_path / "facts")
    data = database.read_bytes()
    assert len(data) > 8192
    for leftover in (tmp_path / "facts").glob("*.sqlite-*"):
        leftover.unlink()
    database.unlink()
    if damage == "folder":
        database.mkdir()
    else:
        database.write_bytes(
            {
                "text": b"this is no database\n" * 100,
                "zeros": bytes(len(data)),
                "half": data[: len(data) // 2],
                "middle": data[:4096] + os.urandom(len(data) - 4096),
                "empty": b"",
            }[damage]
        )
    assert hooks(root, "suggest", **environment) == first
    assert hooks(root, "suggest", **environment) == first


def test_a_cache_folder_that_cannot_be(root: Path, tmp_path: Path) -> None:
    (root / "a.py").write_text(DEAD)
    expected = (0, "a.py:1:1: warning dead-code function `_f` is never used\n", [])
    (tmp_path / "file").write_text("in its place\n")
    for folder in (tmp_path / "file", tmp_path / "file" / "below", Path("/dev/null/x"), Path("/proc/nowhere")):
        assert hooks(root, "suggest", SEMFORA_CACHE_DIR=str(folder)) == expected
    assert (tmp_path / "file").read_text() == "in its place\n"


def test_a_cache_folder_that_may_not_be_written(root: Path, tmp_path: Path) -> None:
    (root / "a.py").write_text(DEAD)
    folder = tmp_path / "readonly"
    folder.mkdir(mode=0o500)
    environment = {"SEMFORA_CACHE_DIR": str(folder)}
    expected = (0, "a.py:1:1: warning dead-code function `_f` is never used\n", [])
    assert hooks(root, "suggest", drop=without_privileges, **environment) == expected
    assert list(folder.iterdir()) == []
    folder.chmod(0o700)
    assert hooks(root, "suggest", **environment) == expected
    (database,) = facts(folder)
    database.chmod(0o400)
    folder.chmod(0o500)
    (root / "b.py").write_text("def _g():\n    return 1\n")
    assert hooks(root, "suggest", drop=without_privileges, **environment).out.count("\n") == 2


def test_a_locked_cache(root: Path, tmp_path: Path) -> None:
    import sqlite3

    (root / "a.py").write_text(DEAD)
    environment = {"SEMFORA_CACHE_DIR": str(tmp_path / "facts")}
    first = hooks(root, "suggest", **environment)
    (root / "b.py").write_text("def _g():\n    return 1\n")
    with contextlib.closing(sqlite3.connect(facts(tmp_path / "facts")[0], isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        locked = hooks(root, "suggest", **environment)
        other.execute("ROLLBACK")
    assert (locked.code, locked.problems) == (0, [])
    assert locked.out == first.out + "b.py:1:1: warning dead-code function `_g` is never used\n"
