"""Declared rules against ast-grep and semgrep: a few that all three run, and a thousand."""

from __future__ import annotations

import itertools
import json
import shutil
import statistics
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from contenders import BIN, tool
from measure import Row, take_turns
from staging import HERE, Repository

FEW, MANY = 6, 1000
GROUP = "project-conventions"
COLD, WARM, EDITED = "ours, cold", "ours, warm", "ours, warm, a rule edited"
AST_GREP, SEMGREP = "ast-grep", "semgrep"
TARGETS = ((COLD, SEMGREP, 0.2), (WARM, AST_GREP, 1.0))
"""What must take at most how much of the time of what, for the rules that all run."""


@dataclass
class Contest:
    """Some rules, who ran them, and what they found.

    Attributes:
        rules: How many there are.
        rows: By name.
        compared: What `rules_compared` prints; empty where nothing could be compared.
    """

    rules: int
    rows: dict[str, Row] = field(default_factory=dict)
    compared: dict[str, Any] = field(default_factory=dict)


def contest(
    source: Path, scratch: Path, rules: int, *, repeat: int, peers: int, semgrep: Path | str, warm_up: bool = True
) -> Contest:
    """Write the rules, time everyone by turns, and compare the findings.

    Args:
        source: The package to look at.
        scratch: An empty folder.
        rules: How many rules.
        repeat: Our runs that count.
        peers: The peers' runs that count; none where 0.
        semgrep: The program, or why it does not run.
        warm_up: Whether a run of each goes before that does not count.
    """
    repository = Repository.make(source, scratch / "repository", 1)
    root, written = repository.root, scratch / "written"
    _program("rules_written.py", source, rules, written)
    rule_file = root / ".semfora" / "rules" / "ours.yaml"
    rule_file.parent.mkdir(parents=True)
    shutil.copy(written / "ours.yaml", rule_file)
    (root / ".semgrepignore").write_text("# nothing: by default, semgrep leaves out folders called test\n")
    result = Contest(rules)
    rows = [_ours(name, root, scratch, repeat) for name in (COLD, WARM, EDITED)]
    rows[0].environment["SEMFORA_CACHE_DIR"] = str(scratch / "cold")
    rows[0].before = lambda: shutil.rmtree(scratch / "cold", ignore_errors=True)
    # The next program's turn is about the rules as they were, for which findings were kept.
    rows[1].before = _restores(rule_file)
    rows[2].before = _edits(rule_file)
    rows[2].environment["SEMFORA_CACHE_DIR"] = str(scratch / "edited")
    compared = {AST_GREP: _ast_grep(written, root), SEMGREP: _semgrep(semgrep, written, root, scratch)}
    for row in compared.values():
        row.repeat = peers
        if not peers:
            row.problem = row.problem or "not run: too few runs were asked for"
    for row in rows:
        row.warm_up = warm_up
        _once(row)  # builds the index that warm runs find
    for row in compared.values():
        row.warm_up = warm_up and peers > 1
    result.rows = {row.name: row for row in [*rows, *compared.values()]}
    if peers:
        for row in compared.values():
            _once(row, written / f"{row.name}.json")
        shutil.copy(scratch / "report.json", written / "ours.json")
    take_turns(list(result.rows.values()), f"{rules} rules")
    if peers:
        result.compared = _program("rules_compared.py", written, root)
    return result


def targets(few: Contest) -> list[tuple[str, str, str, str]]:
    """Each target: what, the target, what was measured, and whether it is met."""
    lines = []
    for name, peer, limit in TARGETS:
        row, other = few.rows[name], few.rows[peer]
        path, target = f"{few.rules} rules: {name}, against {peer}", f"≤ {limit:g} of its time"
        if row.median is None or other.median is None:
            lines.append((path, target, row.problem or other.problem or "not run", "?"))
        else:
            ratio = row.median / other.median
            measured = f"{row.median:.2f} s : {other.median:.2f} s = {ratio:.2f}"
            lines.append((path, target, measured, "yes" if ratio <= limit else "**no**"))
    return lines


def table(contests: list[Contest]) -> str:
    """Everything as Markdown: targets, times, findings, and why they differ."""
    lines = ["| path | target | measured | met |", "| --- | --- | --- | --- |"]
    lines += [f"| {' | '.join(cells)} |" for cells in targets(contests[0])]
    lines += ["", "| rules | program | seconds | runs | evaluating, s | findings | as ours |"]
    lines += ["| ---: | --- | ---: | ---: | ---: | ---: | ---: |"]
    for one in contests:
        lines += [f"| {one.rules} | {' | '.join(_cells(one, row))} |" for row in one.rows.values()]
    lines += ["", "| rules | pattern | found by alone | findings | why |", "| ---: | --- | --- | ---: | --- |"]
    for one in contests:
        for peer in (AST_GREP, SEMGREP):
            for pattern, who, why, count in one.compared.get(peer, {}).get("differences", ()):
                alone = f"us, not {peer}" if who == "we" else peer
                lines.append(f"| {one.rules} | {pattern} | {alone} | {count} | {why} |")
    return "\n".join(lines)


def _cells(one: Contest, row: Row) -> list[str]:
    if row.median is None:
        return [row.name, row.problem or "not run", *[""] * 4]
    found = one.compared.get(row.name, {})
    # A report leaves out `rules` where the findings were kept; one without `timings` says nothing.
    stages = [sum(timing.get("rules", {}).values()) for timing in row.timings if timing]
    evaluating = statistics.median(stages) if stages else None
    seconds = "" if evaluating is None else f"{evaluating:.3f}"
    total = found.get("found", one.compared.get("ours", "")) if row.report is None else one.compared.get("ours", "")
    return [row.name, f"{row.median:.3f}", f"{len(row.seconds)}", seconds, f"{total}", f"{found.get('common', '')}"]


def _ours(name: str, root: Path, scratch: Path, repeat: int) -> Row:
    report = scratch / "report.json"
    command = [str(BIN / "semfora-hooks"), "suggest", "--select", GROUP, "--exit-zero", "--output-format=json"]
    environment = {"SEMFORA_CACHE_DIR": str(scratch / "warm")}
    return Row(name, [*command, "-o", str(report)], root, environment, repeat=repeat, report=report)


def _ast_grep(written: Path, root: Path) -> Row:
    command = [tool("ast-grep"), "scan", "--rule", str(written / "ast-grep.yml"), "--json=stream", "."]
    return Row(AST_GREP, command, root)


def _semgrep(program: Path | str, written: Path, root: Path, scratch: Path) -> Row:
    environment = {"HOME": str(scratch), "SEMGREP_SEND_METRICS": "off", "SEMGREP_ENABLE_VERSION_CHECK": "0"}
    command = [str(program), "scan", "-q", "--config", str(written / "semgrep.yml"), "--json", "."]
    return Row(SEMGREP, command, root, environment, problem=f"not run: {program}" if isinstance(program, str) else None)


def _edits(path: Path) -> Callable[[], None]:
    """Gives the rules a new description each time, so that no findings that were kept are about them."""
    original = path.read_text(encoding="utf-8")
    numbers = itertools.count(1)
    return lambda: _write(path, original.replace('"rule ', f'"edit {next(numbers)} of rule ', 1))


def _restores(path: Path) -> Callable[[], None]:
    """Takes edits back."""
    original = path.read_text(encoding="utf-8")
    return lambda: _write(path, original)


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _once(row: Row, output: Path | None = None) -> None:
    """Run it without timing it, and keep what it prints."""
    if row.problem is None:
        try:
            done = subprocess.run(
                row.command, cwd=row.cwd, env=row.full_environment(), check=False, capture_output=True
            )
        except OSError as error:
            row.problem = f"not run: {error.strerror}"
            return
        if output is not None and done.stdout:
            output.write_bytes(done.stdout)


def _program(name: str, *arguments: object) -> Any:
    """What a program of this folder prints: it takes more memory than a process that measures should have."""
    command = [sys.executable, str(HERE / name), *map(str, arguments)]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
