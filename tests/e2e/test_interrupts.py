"""Runs that are told to end, killed, or watched: what they leave behind, and what they show meanwhile."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import forked
import pytest

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="looks for processes in /proc"),
]

CHECKOUT = Path(__file__).parents[2]
FILES = 700
"""More than are kept at a time (500), so that a run that is killed has kept some."""

DRIVER = """\
import os, sys, time
from semfora_hooks.index import batch

extract = batch.extract

def obedient(data, language):
    while b"# spin" in data:
        pass
    if b"# sleep" in data:
        time.sleep(600)
    if b"# pause" in data:
        if "WORKERS" in os.environ:  # those that have begun, by their number
            open(os.path.join(os.environ["WORKERS"], str(os.getpid())), "w").close()
        time.sleep(float(os.environ.get("PAUSE", "0.02")))
    return extract(data, language)

batch.extract = obedient

if __name__ == "__main__":
    import signal

    from semfora_hooks.cli import main

    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # whoever runs the tests may have used nohup

    main()
"""
"""Workers that do what files tell them: they are forked, and inherit it."""


def make(folder: Path) -> Path:
    folder.mkdir()
    (folder / "semfora.toml").write_text("")
    for number in range(FILES):
        text = f"def _unused_{number}():\n    return {number}\n\n\n# {'x' * 70}\n" + f"# {'y' * 97}\n" * 12
        (folder / f"m{number:03}.py").write_text(text)
    return folder


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return make(tmp_path / "repository")


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The report on such a repository, without a cache."""
    folder = make(tmp_path_factory.mktemp("truth") / "repository")
    return report(folder, inherited(), "--no-cache")


def inherited() -> dict[str, str]:
    """This process's environment without what concerns Python or us."""
    return {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "SEMFORA"))}


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {
        **inherited(),
        "PYTHONPATH": str(CHECKOUT),
        "SEMFORA_CACHE_DIR": str(tmp_path / "cache"),
        "SEMFORA_FILE_SECONDS": "300",
    }


Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def start(repository: Path, environment: dict[str, str], tmp_path: Path) -> Iterator[Start]:
    """Starts runs with workers that obey, each in a process group of its own."""
    (tmp_path / "driver.py").write_text(DRIVER)
    started: list[subprocess.Popen[bytes]] = []

    def go(*arguments: str, **more: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, str(tmp_path / "driver.py"), "suggest", "--exit-zero", "--jobs", "2", *arguments]
        process = subprocess.Popen(
            command,
            cwd=repository,
            env={**environment, **more},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield go
    for process in started:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def group(leader: int) -> set[int]:
    """The other processes of a process group, dead ones that nobody has asked for excluded."""
    found = set()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == leader:
            continue
        with contextlib.suppress(OSError):
            state, _, its_group = (entry / "stat").read_text().rpartition(")")[2].split()[:3]
            if int(its_group) == leader and state not in "ZX":
                found.add(int(entry.name))
    return found


def kept(tmp_path: Path) -> int:
    """How many files' facts are in the cache."""
    count = 0
    for path in (tmp_path / "cache").glob("**/*.sqlite"):
        with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(path, timeout=10)) as connection:
            count += connection.execute("SELECT count(*) FROM blob").fetchone()[0]
    return count


def states(leader: int) -> dict[int, str]:
    """The processes of a group and what each does: `R` where it works or would if it could, `S` where it waits."""
    found = {}
    for process in (leader, *group(leader)):
        with contextlib.suppress(OSError):
            found[process] = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    return found


def all_wait(leader: int) -> bool:
    """Whether nobody of a group has anything to do, which is so if it is time after time."""
    for _ in range(20):
        if set(states(leader).values()) != {"S"}:
            return False
        time.sleep(0.02)
    return True


def wait_for(condition: Callable[[], Any], process: subprocess.Popen[bytes] | None = None) -> None:
    deadline = time.monotonic() + 240
    while not condition():
        assert time.monotonic() < deadline, "it never became true"
        assert process is None or process.poll() is None, process.communicate()
        time.sleep(0.05)


def report(repository: Path, environment: dict[str, str], *arguments: str) -> dict[str, Any]:
    arguments = ("suggest", "--output-format", "json", "--exit-zero", *arguments)
    done = forked.run(arguments, repository, environment, timeout=300)
    assert done.returncode == 0, done.stderr
    made: dict[str, Any] = json.loads(done.stdout)
    del made["timings"]
    return made


ENDS = {
    "Ctrl-C": (signal.SIGINT, True, 130),
    "SIGINT to the parent": (signal.SIGINT, False, 130),
    "SIGTERM": (signal.SIGTERM, False, -signal.SIGTERM),
    "SIGTERM to all": (signal.SIGTERM, True, -signal.SIGTERM),
    "SIGHUP": (signal.SIGHUP, True, -signal.SIGHUP),
}


@pytest.mark.parametrize("end", ENDS)
def test_a_run_that_is_told_to_end(
    end: str, repository: Path, environment: dict[str, str], start: Start, tmp_path: Path, truth: dict[str, Any]
) -> None:
    number, to_all, status = ENDS[end]
    (repository / "endless.py").write_text("# sleep\n")
    process = start()
    wait_for(lambda: kept(tmp_path) >= 500, process)
    wait_for(lambda: len(group(process.pid)) >= 2, process)
    if to_all:
        os.killpg(process.pid, number)
    else:
        process.send_signal(number)
    output, errors = process.communicate(timeout=240)
    assert (process.returncode, output) == (status, b"")
    assert errors.strip() == (b"interrupted" if status == 130 else b"")
    wait_for(lambda: not group(process.pid))
    assert kept(tmp_path) >= 500
    (repository / "endless.py").unlink()
    assert report(repository, environment) == truth


def test_ctrl_c_keeps_all_that_is_done(repository: Path, start: Start, tmp_path: Path) -> None:
    (repository / "a.py").write_text("# sleep\n" * 200)
    process = start()
    wait_for(lambda: kept(tmp_path) >= 500, process)
    wait_for(lambda: all_wait(process.pid), process)  # the other worker has done the rest
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=240)
    assert kept(tmp_path) >= FILES - 64  # but for what the sleeping worker had in hand


def test_a_run_that_is_killed(
    repository: Path, environment: dict[str, str], start: Start, tmp_path: Path, truth: dict[str, Any]
) -> None:
    (repository / "endless.py").write_text("# spin\n")
    process = start(SEMFORA_FILE_SECONDS="2")
    wait_for(lambda: kept(tmp_path) >= 500, process)
    workers = group(process.pid)
    assert workers
    process.kill()
    process.communicate(timeout=240)
    wait_for(lambda: not group(process.pid))  # the kernel ends the one that never ends
    (repository / "endless.py").unlink()
    assert report(repository, environment) == truth


def test_workers_that_somebody_kills_cost_nothing(
    repository: Path, environment: dict[str, str], start: Start, tmp_path: Path
) -> None:
    for path in repository.glob("m*.py"):
        path.write_text(path.read_text() + "# pause\n")
    works_on = tmp_path / "workers"
    works_on.mkdir()
    process = start("--output-format", "json", WORKERS=str(works_on))
    killed: set[int] = set()
    for _ in range(3):
        at_work: set[int] = set()

        def works(at_work: set[int] = at_work) -> bool:
            """Whether a worker is at work that nobody has killed: one that dies before is no worker's death."""
            at_work |= {int(path.name) for path in works_on.iterdir()} - killed
            return bool(at_work)

        wait_for(works, process)
        for worker in at_work:
            with contextlib.suppress(ProcessLookupError):
                os.kill(worker, signal.SIGKILL)
        killed |= at_work
    output, errors = process.communicate(timeout=300)
    made = json.loads(output)
    del made["timings"]
    assert made == report(repository, environment, "--no-cache")
    assert made["incomplete"] == []
    assert b"Traceback" not in errors


def test_a_file_that_hangs_is_named(
    repository: Path, environment: dict[str, str], start: Start, tmp_path: Path
) -> None:
    (repository / "endless.py").write_text("# sleep\n")
    process = start("--output-format", "json", SEMFORA_FILE_SECONDS="2")
    made = json.loads(process.communicate(timeout=300)[0])
    assert process.returncode == 0
    reason = "the parser did not come to an end on this file in 2 s; it was not analysed"
    assert made["incomplete"] == [{"file": "endless.py", "reason": reason}]
    assert made["summary"]["files"] == FILES + 1
    assert report(repository, environment)["incomplete"] == []  # nothing of it was kept


# ------------------------------------------------------------------------------------------------------- executors

PLUGIN = """\
import json, os
from semfora_hooks import hookimpl

@hookimpl
def semfora_executor(config):
    import loky

    class Counting(loky.ProcessPoolExecutor):
        submitted = 0

        def submit(self, *arguments, **options):
            Counting.submitted += 1
            return super().submit(*arguments, **options)

        def shutdown(self, *arguments, **options):
            with open(os.environ["LOKY_LOG"], "w") as stream:
                json.dump([Counting.submitted, sorted(self._processes)], stream)
            super().shutdown(*arguments, **options)

    return Counting(2)
"""


def test_an_executor_of_a_plugin(repository: Path, environment: dict[str, str], tmp_path: Path) -> None:
    """Loky, through an installed distribution, in a process of its own: the same report as ours, byte for byte."""
    site = tmp_path / "site"
    information = site / "acme_loky-1.0.dist-info"
    information.mkdir(parents=True)
    (site / "acme_loky.py").write_text(PLUGIN)
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-loky\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text("[semfora_hooks]\nacme = acme_loky\n")
    log = tmp_path / "log.json"
    with_plugin = {
        **environment,
        "PYTHONPATH": f"{CHECKOUT}{os.pathsep}{site}",
        "LOKY_LOG": str(log),
    }
    borrowed = report(repository, with_plugin, "--no-cache")
    submitted, processes = json.loads(log.read_text())
    assert (submitted >= 10, len(processes)) == (True, 2)
    log.unlink()
    ours = report(repository, environment, "--no-cache", "--jobs", "2")
    alone = report(repository, environment, "--no-cache", "--jobs", "1")
    assert not log.exists()
    assert json.dumps(borrowed) == json.dumps(ours) == json.dumps(alone)
    assert len(ours["recommendations"]) >= FILES
    assert (ours["notices"], ours["errors"], ours["incomplete"]) == ([], [], [])


# -------------------------------------------------------------------------------------------------- progress bar

TERMINAL = """\
import os, pty, sys

sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))
"""


def on_terminal(
    repository: Path, environment: dict[str, str], tmp_path: Path, *arguments: str, **more: str
) -> subprocess.CompletedProcess[bytes]:
    """A run whose standard streams are a terminal, with workers that pause on every file."""
    (tmp_path / "driver.py").write_text(DRIVER)
    command = [sys.executable, str(tmp_path / "driver.py"), "suggest", "--exit-zero", *arguments]
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(TERMINAL), *command],
        cwd=repository,
        env={**environment, "TERM": "xterm-256color", "PAUSE": "0.01", **more},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=300,
        check=False,
    )


@pytest.fixture
def slow(repository: Path) -> Path:
    """Seven seconds for two workers, or half of them with a shorter pause."""
    for path in repository.glob("m*.py"):
        path.write_text(path.read_text() + "# pause\n")
    return repository


def test_a_long_run_shows_how_far_it_is(slow: Path, environment: dict[str, str], tmp_path: Path) -> None:
    done = on_terminal(slow, environment, tmp_path, "--jobs", "2", "-o", str(tmp_path / "report.txt"))
    assert b"Extracting" in done.stdout
    assert b"\x1b[3" in done.stdout  # colours
    assert f"/{FILES}".encode() in done.stdout
    extracting, linking, judging = (done.stdout.rindex(said) for said in (b"Extracting", b"Linking", b"Applying"))
    assert extracting < linking < judging < done.stdout.rindex(b"\r\x1b[2K")  # which leaves no trace of them
    assert b"\x1b[?25h" in done.stdout  # the cursor is back
    assert done.returncode == 0


def test_colour_is_left_out_if_nobody_wants_it(slow: Path, environment: dict[str, str], tmp_path: Path) -> None:
    arguments = ("--jobs", "2", "-o", str(tmp_path / "report.txt"))
    done = on_terminal(slow, environment, tmp_path, *arguments, NO_COLOR="1")
    assert b"Extracting" in done.stdout
    assert b"\x1b[3" not in done.stdout


def test_a_terminal_that_cannot_go_back_gets_no_bar(slow: Path, environment: dict[str, str], tmp_path: Path) -> None:
    assert b"Extracting" not in on_terminal(slow, environment, tmp_path, "--jobs", "2", TERM="dumb").stdout


def test_a_short_run_shows_nothing(repository: Path, environment: dict[str, str], tmp_path: Path) -> None:
    for path in sorted(repository.glob("m*.py"))[20:]:
        path.unlink()
    assert b"Extracting" not in on_terminal(repository, environment, tmp_path).stdout


def test_what_is_no_terminal_gets_no_bar(slow: Path, start: Start) -> None:
    process = start(PAUSE="0.01")
    output, errors = process.communicate(timeout=300)
    assert b"Extracting" not in output + errors
    assert b"\x1b" not in errors
