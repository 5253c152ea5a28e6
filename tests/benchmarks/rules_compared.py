"""Declared rules beside ast-grep and semgrep: the same rules, timed in one session, and their findings compared.

What a tool finds is a set of functions, each told by its file and the line of its `def`. Where sets differ, the
functions that differ are looked at again with Python's own parser, and the difference gets a reason or is called
unexplained.

Run as a program of its own (`python rules_compared.py FOLDER ROOT`), for the reason given in `corpus`.
"""

from __future__ import annotations

import ast
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

Found = Mapping[str, set[tuple[str, int]]]
"""Rule to the functions it found."""

OUTPUTS = {"ast-grep": "ast-grep.json", "semgrep": "semgrep.json"}
OURS = "ours.json"


def read_ours(path: Path) -> Found:
    """The findings in our report."""
    found: defaultdict[str, set[tuple[str, int]]] = defaultdict(set)
    for item in json.loads(path.read_bytes())["recommendations"]:
        first = item["symbols"][0]
        found[item["rule_id"]].add((first["file"], first["start_line"]))
    return found


def read_ast_grep(path: Path) -> Found:
    """The findings in ast-grep's output, which has one in a line."""
    found: defaultdict[str, set[tuple[str, int]]] = defaultdict(set)
    for line in path.read_bytes().splitlines():
        item = json.loads(line)
        found[item["ruleId"]].add((item["file"].removeprefix("./"), item["range"]["start"]["line"] + 1))
    return found


def read_semgrep(path: Path) -> Found:
    """The findings in semgrep's output. It puts the configuration's folders before a rule's name."""
    found: defaultdict[str, set[tuple[str, int]]] = defaultdict(set)
    for item in json.loads(path.read_bytes())["results"]:
        found[item["check_id"].rpartition(".")[2]].add((item["path"].removeprefix("./"), item["start"]["line"]))
    return found


READERS = {"ast-grep": read_ast_grep, "semgrep": read_semgrep}


class Functions:
    """The functions of a repository, as Python's parser sees them."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._file = cache(self._parse)

    def at(self, file: str, line: int) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
        """The function whose `def`, or first decorator, stands in a line."""
        return self._file(file).get(line)

    def renamed(self, file: str) -> Mapping[str, set[str]]:
        """What a file imports under another name, with those names."""
        found: defaultdict[str, set[str]] = defaultdict(set)
        for node in ast.walk(ast.parse((self._root / file).read_bytes())):
            for item in node.names if isinstance(node, (ast.Import, ast.ImportFrom)) else ():
                if item.asname:
                    found[item.name.rpartition(".")[2]].add(item.asname)
        return found

    def normal(self, found: Found) -> Found:
        """The same findings, each at the line of its `def`: semgrep counts decorators as part of a function."""
        return {rule: {(file, self._line(file, line)) for file, line in places} for rule, places in found.items()}

    def _line(self, file: str, line: int) -> int:
        function = self.at(file, line)
        return line if function is None else function.lineno

    def _parse(self, file: str) -> dict[int, ast.FunctionDef | ast.AsyncFunctionDef]:
        table: dict[int, ast.FunctionDef | ast.AsyncFunctionDef] = {}
        for node in ast.walk(ast.parse((self._root / file).read_bytes())):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                table[node.lineno] = node
                table.update(dict.fromkeys((item.lineno for item in node.decorator_list), node))
        return table


NESTED = "what is in a nested function or in a default value is not the function's own, with us"
RENAMED = "imported under another name, which we follow"
MISSED = {
    "semgrep": "semgrep errs, by Python's parser: its patterns do not cover every form of statement",
    "ast-grep": "ast-grep errs, by Python's parser",
}
DECORATED = "semgrep errs: its pattern for `async def` passes over functions with decorators"
UNEXPLAINED = "unexplained"
_CONTENT = {"has_calls_to", "has_control_flow", "missing_control_flow"}
"""Keys about what is in a function."""


class Judge:
    """Tells why a peer and we differ about a function, from what Python's parser sees in it.

    Args:
        rules: Our form of the rules, as `rules_written` saves them.
        functions: The functions of the repository.
    """

    def __init__(self, rules: Path, functions: Functions) -> None:
        self._conditions = {rule["name"]: rule["condition"] for rule in json.loads(rules.read_bytes())}
        self._functions = functions

    def reason(self, rule: str, file: str, line: int, peer: str, *, ours: bool) -> str:
        """Why only we (`ours`), or only the peer, found the function that stands there."""
        function = self._functions.at(file, line)
        if function is None:
            return UNEXPLAINED
        condition = self._conditions[rule]
        if condition.get("is_async") and isinstance(function, ast.AsyncFunctionDef):
            return DECORATED if ours and peer == "semgrep" and function.decorator_list else UNEXPLAINED
        if not condition.keys() & _CONTENT:
            return UNEXPLAINED
        own, whole = _holds(condition, _own_nodes(function)), _holds(condition, ast.walk(function))
        if own is ours and whole is not ours:
            return NESTED
        if own is ours:
            return MISSED[peer]
        callee = condition.get("has_calls_to")
        if ours and callee is not None:
            aliases = self._functions.renamed(file).get(callee, set())
            if any(_holds({**condition, "has_calls_to": alias}, _own_nodes(function)) for alias in aliases):
                return RENAMED
        return UNEXPLAINED


def _holds(condition: Mapping[str, object], nodes: Iterable[ast.AST]) -> bool:
    """Whether syntax nodes satisfy the keys that speak of a function's content; other keys are taken to hold."""
    there = list(nodes)
    wanted = {"while": ast.While}
    if (callee := condition.get("has_calls_to")) is not None and not any(
        isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", None)) == callee
        for node in there
    ):
        return False
    if (construct := condition.get("has_control_flow")) is not None and not any(
        isinstance(node, wanted[str(construct)]) for node in there
    ):
        return False
    return "missing_control_flow" not in condition or not any(isinstance(n, (ast.Try, ast.TryStar)) for n in there)


def _own_nodes(function: ast.AST) -> Iterator[ast.AST]:
    """What is in a function's body and in no function or class within it."""
    waiting: list[ast.AST] = list(getattr(function, "body", ()))
    while waiting:
        node = waiting.pop()
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield node
            waiting.extend(ast.iter_child_nodes(node))


def differences(ours: Found, other: Found, judge: Judge, peer: str) -> list[tuple[str, str, str, int]]:
    """The rules' pattern, who alone found something, why, and how often."""
    counts: Counter[tuple[str, str, str]] = Counter()
    for rule in ours.keys() | other.keys():
        for who, one, two in (("we", ours, other), (peer, other, ours)):
            for file, line in one.get(rule, set()) - two.get(rule, set()):
                why = judge.reason(rule, file, line, peer, ours=who == "we")
                counts[rule.rpartition("-")[0], who, why] += 1
    return [(*key, count) for key, count in sorted(counts.items())]


def main(folder: str, root: str) -> None:
    """Compare what the runs left in a folder; prints JSON."""
    functions = Functions(Path(root))
    judge = Judge(Path(folder) / "ours.yaml", functions)
    ours = functions.normal(read_ours(Path(folder) / OURS))
    result: dict[str, object] = {"ours": sum(map(len, ours.values())), "rules": len(ours)}
    for peer, name in OUTPUTS.items():
        if (Path(folder) / name).is_file():
            other = functions.normal(READERS[peer](Path(folder) / name))
            common = sum(len(places & other.get(rule, set())) for rule, places in ours.items())
            result[peer] = {
                "found": sum(map(len, other.values())),
                "common": common,
                "differences": differences(ours, other, judge, peer),
            }
    print(json.dumps(result))


if __name__ == "__main__":
    main(*sys.argv[1:])
