"""What surrounds every command: how it ends, and what it leaves as it was."""

from __future__ import annotations

import gc
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from semfora_hooks.cli import app, main

PROGRAM = Path(sys.executable).with_name("semfora-hooks")


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[bool]]:
    """A command, `probe`, that notes whether garbage is collected; its tests say how it ends."""
    seen: list[bool] = []

    @click.command()
    @click.option("--end", default="")
    def probe(end: str) -> int:
        seen.append(gc.isenabled())
        if end == "interrupt":
            raise KeyboardInterrupt
        if end == "bug":
            raise ZeroDivisionError("a bug")
        return 7

    monkeypatch.setattr(app.cli, "get_command", lambda context, name: probe)
    yield seen
    gc.enable()  # `main` switches it off for good: its process ends


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        ([], 7, ""),
        (["--end", "interrupt"], 130, "\ninterrupted\n"),
        (["--end", "bug"], 2, "error: internal error: ZeroDivisionError: a bug (run again with "),
        (["--nope"], 2, "Usage: "),
    ],
)
def test_how_a_command_ends(
    called: list[bool],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    code: int,
    text: str,
) -> None:
    monkeypatch.setattr(sys, "argv", ["semfora-hooks", "probe", *arguments])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == code
    assert capsys.readouterr().err.startswith(text)
    assert called == ([] if "--nope" in arguments else [False])


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_output_that_cannot_be_written_is_an_error(option: str) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run([PROGRAM, option], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, "error: output: No space left on device\n")


def test_output_that_nobody_reads_is_none() -> None:
    with subprocess.Popen([PROGRAM, "--version"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as program:
        assert program.stdout is not None
        assert program.stderr is not None
        program.stdout.close()
        assert program.stderr.read() == b""
    assert program.returncode == 0
