"""Formats as real programs see them: a terminal, a browser, a shell, and the commands of docs/formats.md."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import shlex
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

import forked
import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs" / "formats.md"
COMMAND = [sys.executable, "-m", "semfora_hooks"]
HOSTILE = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"

pytestmark = pytest.mark.e2e


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with findings, with a name and a text that want to be markup, and a broken file."""
    root = tmp_path / "repository"
    root.mkdir()
    (root / "app.py").write_text(f'def _unused():\n    """{HOSTILE}"""\n    return "\x1b[2J漢字"\n')
    (root / "a<b>&`|.py").write_text("def _other(rows):\n    return rows\n")
    (root / "broken.py").write_text("def broken(:\n")
    rules = root / ".semfora" / "rules"
    rules.mkdir(parents=True)
    text = f"name: hostile\nmatch: {{name: _unused}}\nseverity: error\nsuggestion: {json.dumps(HOSTILE)}\n"
    (rules / "hostile.yaml").write_text(text)
    return root


class Done(NamedTuple):
    """What a command left behind."""

    returncode: int
    stdout: str
    stderr: str


def run(root: Path, *arguments: str, **environment: str) -> Done:
    """The command, to its end."""
    done = forked.run(arguments, root, {**os.environ, **environment})
    return Done(done.returncode, done.stdout.decode(), done.stderr.decode())


# --------------------------------------------------------------------------------------------------------- the terminal


class Screen(NamedTuple):
    """What a command wrote: to the terminal, and to what was no terminal."""

    code: int
    terminal: str
    pipe: str


def on_terminal(root: Path, command: list[str], streams: tuple[str, ...], columns: int, **environment: str) -> Screen:
    """Run a command with some of its output streams on a terminal and the other on a pipe."""
    primary, secondary = pty.openpty()
    fcntl.ioctl(secondary, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    attributes = termios.tcgetattr(secondary)
    attributes[1] &= ~termios.OPOST
    termios.tcsetattr(secondary, termios.TCSANOW, attributes)
    with tempfile.TemporaryFile() as pipe:
        process = subprocess.Popen(
            command,
            cwd=root,
            env={**{k: v for k, v in os.environ.items() if k != "TERM"}, "TERM": "xterm", **environment},
            stdin=subprocess.DEVNULL,
            stdout=secondary if "stdout" in streams else pipe,
            stderr=secondary if "stderr" in streams else pipe,
        )
        os.close(secondary)
        written = b"".join(_read(primary, process))
        os.close(primary)
        code = process.wait(timeout=60)
        pipe.seek(0)
        return Screen(code, written.decode(), pipe.read().decode())


def _read(primary: int, process: subprocess.Popen[bytes]) -> Iterator[bytes]:
    until = time.monotonic() + 120
    while time.monotonic() < until:
        if select.select([primary], [], [], 0.1)[0]:
            try:
                data = os.read(primary, 65536)
            except OSError:  # Linux says so when nobody holds the other end any more
                return
            if not data:
                return
            yield data
        elif process.poll() is not None:
            return


@pytest.mark.parametrize("columns", [40, 100])
def test_full_with_colours_on_a_terminal(repository: Path, columns: int) -> None:
    from rich.cells import cell_len

    screen = on_terminal(repository, [*COMMAND, "suggest"], ("stdout",), columns)
    assert screen.code == 1
    assert "\x1b[31m\x1b[1merror\x1b[0m hostile" in screen.terminal
    assert "\x1b[2J" not in screen.terminal, "the repository's escape sequences stay there"
    plain = re.sub(r"\x1b\[[0-9;]*m", "", screen.terminal)
    assert "\x1b" not in plain
    excerpts = [line for line in plain.splitlines() if re.match(r" {4} +\d+ \|", line)]
    assert excerpts
    assert max(map(cell_len, excerpts)) <= columns
    assert "incomplete: broken.py" in screen.pipe
    assert "\x1b" not in screen.pipe


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_a_terminal_without_colours(repository: Path, environment: dict[str, str]) -> None:
    screen = on_terminal(repository, [*COMMAND, "suggest"], ("stdout", "stderr"), 80, **environment)
    assert "  `_unused`" in screen.terminal or "_unused" in screen.terminal
    assert "fix: " in screen.terminal, "it is the full format"
    assert "\x1b" not in screen.terminal


def test_colours_on_a_pipe_where_they_are_forced(repository: Path) -> None:
    assert "\x1b[1m" in run(repository, "suggest", "--output-format", "full", FORCE_COLOR="1").stdout
    assert "\x1b" not in run(repository, "suggest", "--output-format", "full").stdout
    for name in ("json", "sarif", "junit", "markdown", "html", "github", "gitlab", "jsonl"):
        assert "\x1b" not in run(repository, "suggest", "--output-format", name, FORCE_COLOR="1").stdout


BAR = """
import sys, time
from semfora_hooks.cli import progress
progress.SHOW_AFTER = progress.SHOW_IF_LEFT = 0.05
with progress.Bar() as bar:
    for done in range(1, 31):
        time.sleep(0.02)
        bar.update(done, 30)
    bar.stage("link")
    bar.stage("judge")
    bar.stage("judge")
    bar.stage("extract")
    bar.stage("link")
print("report")
"""


@pytest.mark.parametrize(
    ("streams", "environment", "shows"),
    [
        (("stdout", "stderr"), {}, True),
        (("stderr",), {}, True),
        (("stdout",), {}, False),
        (("stdout", "stderr"), {"TERM": "dumb"}, False),
        (("stderr",), {"NO_COLOR": "1"}, True),
    ],
)
def test_the_progress_bar_is_on_standard_error_and_only_on_a_terminal(
    tmp_path: Path, streams: tuple[str, ...], environment: dict[str, str], shows: bool
) -> None:
    screen = on_terminal(tmp_path, [sys.executable, "-c", BAR], streams, 80, **environment)
    assert screen.code == 0
    assert ("Extracting" in screen.terminal) is shows
    assert "Extracting" not in screen.pipe and "Linking" not in screen.pipe
    said = re.findall(r"\x1b\[2K([A-Z][a-z ]+\.\.\.)", screen.terminal)
    assert said == (["Linking files ...", "Applying rules ...", "Linking files ..."] if shows else [])
    assert "report\n" in (screen.terminal if "stdout" in streams else screen.pipe)
    if shows:
        assert "/30" in screen.terminal
        coloured = re.search(r"\x1b\[[0-9;]*3[0-9]", screen.terminal) is not None
        assert coloured is ("NO_COLOR" not in environment)


def test_statistics_stand_beside_a_report_for_programs(repository: Path) -> None:
    done = run(repository, "suggest", "--statistics", "--output-format", "json")
    assert json.loads(done.stdout)["summary"]["by_rule"]["hostile"] == 1
    assert re.search(r"^ +1 +\d+\.\d{3}  hostile$", done.stderr, re.MULTILINE)


# ---------------------------------------------------------------------------------------------------------- the browser


@pytest.fixture(scope="session")
def browser() -> str:
    """Chromium, from Debian where none is installed. Never skipped: where it cannot be had, tests that need it fail."""
    names = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
    with (Path(tempfile.gettempdir()) / f"semfora-tests-apt-{os.getuid()}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not any(shutil.which(name) for name in names):
            options = ["-q", "-y", "-o", "DPkg::Lock::Timeout=300"]
            environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
            for command in (["update"], ["install", "--no-install-recommends", names[0]]):
                done = subprocess.run(
                    ["apt-get", *options, *command], capture_output=True, text=True, check=False, env=environment
                )
                assert done.returncode == 0, f"Chromium is needed:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    return next(path for name in names if (path := shutil.which(name)))


def page_after_loading(browser: str, page: Path) -> str:
    """The page's DOM as a browser has it after it ran whatever it runs."""
    with tempfile.TemporaryDirectory() as profile:
        options = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            f"--user-data-dir={profile}",
        ]
        done = subprocess.run(
            [browser, *options, "--virtual-time-budget=2000", "--dump-dom", page.as_uri()],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_page_runs_nothing_of_the_repository(repository: Path, tmp_path: Path, browser: str) -> None:
    control = tmp_path / "control.html"
    control.write_text(f"<!DOCTYPE html><title>mine</title><p>{HOSTILE}")
    assert "<title>owned</title>" in page_after_loading(browser, control), "the text does execute where it is let"

    page = tmp_path / "report.html"
    assert run(repository, "suggest", "-o", f"html:{page}").returncode == 1
    dom = page_after_loading(browser, page)
    assert "<title>semfora-hooks</title>" in dom
    assert "<script" not in dom
    assert "<img" not in dom
    assert "document.title='owned'" in dom, "it is shown"
    assert "<summary>Source</summary>" in dom
    assert not re.search(r"""(src|href)=["'](?!#)""", dom), "it loads nothing"


# --------------------------------------------------------------------------------------------------------- the commands


def commands() -> list[str]:
    """The commands in docs/formats.md, one a line."""
    blocks = re.findall(r"```sh\n(.*?)```", DOCS.read_text(), re.DOTALL)
    return [line.partition("  #")[0].strip() for block in blocks for line in block.splitlines() if line.strip()]


@pytest.mark.parametrize("command", commands())
def test_a_command_of_the_page(command: str, repository: Path) -> None:
    program, *arguments = shlex.split(command)
    assert program == "semfora-hooks"
    done = run(repository, *arguments)
    assert done.returncode == 1, done.stderr
    written = {path.suffix: path for path in repository.iterdir() if path.stem == "report"}
    files = [argument.rpartition(":")[2] for argument in arguments if "report." in argument]
    assert sorted(path.name for path in written.values()) == sorted(files)
    for suffix, path in written.items():
        text = path.read_text(encoding="utf-8")
        if suffix == ".xml":
            ElementTree.fromstring(text)
        elif suffix in (".json", ".sarif"):
            json.loads(text)
        else:
            assert "_unused" in text


def test_the_page_names_every_format() -> None:
    from semfora_hooks.reporters import REPORTERS

    table = DOCS.read_text().partition("## Files")[0]
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == list(REPORTERS)


def test_a_report_is_utf_8_whatever_the_locale(repository: Path) -> None:
    (repository / "größe.py").write_text("def _größe():\n    return 1\n", encoding="utf-8")
    command = [*COMMAND, "suggest", "--output-format"]
    for name in ("junit", "html", "sarif"):
        done = subprocess.run(
            [*command, name],
            cwd=repository,
            env={**os.environ, "PYTHONIOENCODING": "latin-1"},
            capture_output=True,
            timeout=60,
            check=False,
        )
        assert "größe.py".encode() in done.stdout or b"gr%C3%B6%C3%9Fe.py" in done.stdout


def test_pytest_writes_the_same_formats(repository: Path) -> None:
    (repository / "test_nothing.py").write_text("def test_nothing():\n    assert True\n")
    arguments = ["--semfora", "--semfora-report=sarif:report.sarif", "--semfora-report=junit:report.xml", "-q"]
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments, "test_nothing.py"]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    (log,) = json.loads((repository / "report.sarif").read_text())["runs"]
    assert {"hostile", "dead-code"} <= {result["ruleId"] for result in log["results"]}
    assert all("help" in rule for rule in log["tool"]["driver"]["rules"])
    assert "exitCode" not in log["invocations"][0], "pytest's own is not ours to say"
    suites = ElementTree.parse(repository / "report.xml").getroot()
    assert suites.attrib["failures"] == "1"
    assert sorted(path.name for path in repository.glob(".*.tmp")) == []
