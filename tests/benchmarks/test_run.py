"""The benchmark runs, measures everyone, and says what it measured. It asserts no times."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

RUN = Path(__file__).with_name("run.py")


def test_the_benchmark_measures_us_and_every_peer(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "a.py").write_text("def f(x):\n    return x if x else None\n\n\nprint(f(1))\n")
    command = [sys.executable, str(RUN), "--repeat", "1", "--source", str(source)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("1 files, 0.0 MB; medians of 1; Python 3.")
    rows = [line.split(" | ") for line in result.stdout.splitlines() if line.startswith("| ")][2:]
    assert [row[0].lstrip("| ") for row in rows] == [
        "semfora-hooks, cold, all built-in rules",
        "semfora-hooks, warm, nothing changed",
        "semfora-hooks --version",
        "vulture",
        "radon cc",
        "complexipy",
        "ruff C901",
        "python -c pass",
    ]
    assert all(float(row[1]) > 0 for row in rows)
