"""Files of reports: whole or not at all; links and devices."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from semfora_hooks.reporters.writing import replacing


def write(path: Path, text: str = "new\n") -> None:
    with replacing(path) as stream:
        stream.write(text)


def test_a_new_file_has_the_usual_permissions(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write(tmp_path / "a.txt")
    finally:
        os.umask(before)
    assert (tmp_path / "a.txt").read_bytes() == b"new\n"
    assert stat.S_IMODE((tmp_path / "a.txt").stat().st_mode) == 0o640
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_a_file_keeps_its_permissions(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old, and longer\n")
    path.chmod(0o604)
    write(path)
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("new\n", 0o604)


@pytest.mark.parametrize("error", [ValueError("a reporter's bug"), KeyboardInterrupt()])
def test_a_reporter_that_fails_leaves_the_old_file(tmp_path: Path, error: BaseException) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old\n")

    def fail() -> None:
        with replacing(path) as stream:
            stream.write("half of it")
            raise error

    with pytest.raises(type(error)):
        fail()
    assert path.read_text() == "old\n"
    assert [one.name for one in tmp_path.iterdir()] == ["a.txt"]


def test_a_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("precious\n")
    link = tmp_path / "report.txt"
    link.symlink_to(outside)
    write(link)
    assert outside.read_text() == "precious\n"
    assert (link.is_symlink(), link.read_text()) == (False, "new\n")


def test_a_dangling_link_makes_no_file_elsewhere(tmp_path: Path) -> None:
    link = tmp_path / "report.txt"
    link.symlink_to(tmp_path / "elsewhere")
    write(link)
    assert not (tmp_path / "elsewhere").exists()
    assert link.read_text() == "new\n"


def test_pipes_are_written_as_they_are(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    write(Path(f"/dev/fd/{writer}"))
    os.close(writer)
    assert os.read(reader, 100) == b"new\n"
    os.close(reader)


def test_text_that_is_no_unicode_is_written(tmp_path: Path) -> None:
    write(tmp_path / "a.txt", "größe \udcff\n")
    assert (tmp_path / "a.txt").read_bytes() == "größe \\udcff\n".encode()


def test_an_error_names_the_file_that_was_asked_for(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as stop:
        write(tmp_path / "missing" / "a.txt")
    assert stop.value.filename == str(tmp_path / "missing" / "a.txt")


def test_a_run_that_is_killed_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old\n")
    code = (
        "import os, sys; from pathlib import Path; from semfora_hooks.reporters.writing import replacing\n"
        "with replacing(Path(sys.argv[1])) as stream:\n"
        "    stream.write('half'); stream.flush(); os.kill(os.getpid(), 9)\n"
    )
    assert subprocess.run([sys.executable, "-c", code, path], check=False).returncode == -9
    assert path.read_text() == "old\n"
