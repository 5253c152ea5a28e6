"""The same rules in three languages: ours, ast-grep's and semgrep's. Six patterns, filled with names of the sources.

The names are those that the sources use most, so that the rules find something, and each rule is about other ones, so
that no tool can answer many of them at once.

Run as a program of its own (`python rules_written.py SOURCE COUNT FOLDER`), for the reason given in `corpus`.
"""

from __future__ import annotations

import ast
import json
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PATTERNS = ("named", "decorated", "calls", "calls-outside-try", "loops", "async-in")


@dataclass(frozen=True)
class Written:
    """One rule in each language; the id is the same, and begins with the pattern's name."""

    id: str
    ours: dict[str, Any]
    ast_grep: dict[str, Any]
    semgrep: dict[str, Any]


@dataclass(frozen=True)
class Names:
    """What to fill patterns with, the most frequent first."""

    functions: list[str]
    decorators: list[str]
    callees: list[str]
    folders: list[str]

    @classmethod
    def of(cls, package: Path) -> Names:
        """Those of a package."""
        functions: Counter[str] = Counter()
        decorators: Counter[str] = Counter()
        callees: Counter[str] = Counter()
        folders: Counter[str] = Counter()
        for path in sorted(package.rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_bytes())):
                if isinstance(node, ast.Call):
                    callees.update(_last_name(node.func))
                elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                    functions[node.name] += 1
                    decorators.update(name for item in node.decorator_list for name in _last_name(item))
                    folders.update(
                        p.relative_to(package.parent).as_posix()
                        for p in path.parents[:-1]
                        if p == package or package in p.parents
                    )
        spare = {"main": functions, "property": decorators, "print": callees}  # for a package that has none
        for name, counter in spare.items():
            if not counter:
                counter[name] = 1
        return cls(*(_by_frequency(counter) for counter in (functions, decorators, callees, folders)))


def write(names: Names, count: int) -> list[Written]:
    """`count` rules, the patterns by turns; where a pattern runs out of names, its later ones are narrower."""
    makers = (_named, _decorated, _calls, _calls_outside_try, _loops, _async_in)
    return [makers[number % len(makers)](names, number // len(makers)) for number in range(count)]


def save(rules: Iterable[Written], folder: Path) -> None:
    """Write all three forms: `ours.yaml`, `ast-grep.yml`, `semgrep.yml` (JSON, which is YAML too)."""
    rules = list(rules)
    folder.mkdir(parents=True, exist_ok=True)
    documents = {
        "ours.yaml": json.dumps([rule.ours for rule in rules], indent=1),
        "ast-grep.yml": "\n---\n".join(json.dumps(rule.ast_grep) for rule in rules),
        "semgrep.yml": json.dumps({"rules": [rule.semgrep for rule in rules]}, indent=1),
    }
    for name, text in documents.items():
        (folder / name).write_text(text + "\n", encoding="utf-8")


def _named(names: Names, number: int) -> Written:
    prefix = names.functions[number % len(names.functions)]
    return _rule(
        f"named-{number}",
        {"name": f"{prefix}*"},
        [{"has": {"field": "name", "regex": f"^{prefix}"}}],
        [{"pattern": "def $F(...): ..."}, _semgrep_name(prefix)],
    )


def _decorated(names: Names, number: int) -> Written:
    turn, index = divmod(number, len(names.decorators))
    decorator = names.decorators[index]
    regex = rf"^@(.*\.)?{decorator}(\(|$)"
    forms = [f"@{decorator}", f"@{decorator}(...)", f"@$M.{decorator}", f"@$M.{decorator}(...)"]
    return _narrowed(
        f"decorated-{number}",
        {"has_decorator": decorator},
        [{"inside": {"kind": "decorated_definition", "has": {"kind": "decorator", "regex": regex}}}],
        [_either(f"{form}\ndef $F(...): ..." for form in forms)],
        turn,
    )


def _calls(names: Names, number: int) -> Written:
    callee = names.callees[number % len(names.callees)]
    return _rule(f"calls-{number}", {"has_calls_to": callee}, [_call(callee)], [_semgrep_call(callee)])


def _calls_outside_try(names: Names, number: int) -> Written:
    callee = names.callees[number % len(names.callees)]
    handlers = ["except $E:\n    ...", "except $E as $N:\n    ...", "except:\n    ...", "finally:\n    ..."]
    return _rule(
        f"calls-outside-try-{number}",
        {"has_calls_to": callee, "missing_control_flow": "try"},
        [_call(callee), {"not": {"has": {"kind": "try_statement", "stopBy": "end"}}}],
        [
            _semgrep_call(callee),
            *({"pattern-not": f"def $F(...):\n  ...\n  try:\n    ...\n  {handler}\n  ..."} for handler in handlers),
        ],
    )


def _loops(names: Names, number: int) -> Written:
    """Functions with a `while`; all but the first rule want a call in them too."""
    ours: dict[str, Any] = {"has_control_flow": "while"}
    ast_grep: list[dict[str, Any]] = [{"has": {"kind": "while_statement", "stopBy": "end"}}]
    semgrep: list[dict[str, Any]] = [{"pattern": "def $F(...):\n  ...\n  while $C:\n    ...\n  ..."}]
    if number:
        callee = names.callees[number % len(names.callees)]
        ours["has_calls_to"] = callee
        ast_grep.append(_call(callee))
        semgrep.append(_semgrep_call(callee))
    return _rule(f"loops-{number}", ours, ast_grep, semgrep)


def _async_in(names: Names, number: int) -> Written:
    turn, index = divmod(number, len(names.folders))
    folder = f"{names.folders[index]}/**"
    rule = _narrowed(
        f"async-in-{number}",
        {"is_async": True, "file": folder},
        [{"regex": "^async"}],
        [{"pattern": "async def $F(...): ..."}],
        turn,
    )
    rule.ast_grep["files"] = [folder]
    rule.semgrep["paths"] = {"include": [f"/{folder}"]}
    return rule


def _narrowed(
    id: str, ours: dict[str, Any], ast_grep: list[dict[str, Any]], semgrep: list[dict[str, Any]], turn: int
) -> Written:
    """The rule as it is at first; later, one for the names that begin with some letter."""
    if turn:
        letter = "abcdefghijklmnopqrstuvwxyz"[turn % 26]
        ours = {**ours, "name": f"{letter}*"}
        ast_grep = [*ast_grep, {"has": {"field": "name", "regex": f"^{letter}"}}]
        semgrep = [*semgrep, _semgrep_name(letter)]
    return _rule(id, ours, ast_grep, semgrep)


def _rule(id: str, ours: dict[str, Any], ast_grep: list[dict[str, Any]], semgrep: list[dict[str, Any]]) -> Written:
    match = {"kind": ["function", "method"]}
    return Written(
        id,
        {"name": id, "description": f"rule {id}", "severity": "warning", "match": match, "condition": ours},
        {
            "id": id,
            "language": "python",
            "severity": "warning",
            "message": f"rule {id}",
            "rule": {"all": [{"kind": "function_definition"}, *ast_grep]},
        },
        {"id": id, "languages": ["python"], "severity": "WARNING", "message": f"rule {id}", "patterns": semgrep},
    )


def _call(callee: str) -> dict[str, Any]:
    """Somewhere inside, a call of what has this name, whatever stands before it."""
    function = {"field": "function", "regex": rf"(^|\.)\s*{callee}$"}
    return {"has": {"kind": "call", "has": function, "stopBy": "end"}}


def _semgrep_call(callee: str) -> dict[str, Any]:
    calls = (f"{callee}(...)", f"$M.{callee}(...)")
    return _either(f"def $F(...):\n  ...\n  <... {call} ...>\n  ..." for call in calls)


def _semgrep_name(prefix: str) -> dict[str, Any]:
    return {"metavariable-regex": {"metavariable": "$F", "regex": f"^{prefix}.*"}}


def _either(patterns: Iterable[str]) -> dict[str, Any]:
    return {"pattern-either": [{"pattern": pattern} for pattern in patterns]}


def _last_name(node: ast.expr) -> Iterator[str]:
    """`c` of `a.b.c` and of `c(…)`; nothing where there is no name."""
    while isinstance(node, ast.Call):
        node = node.func
    name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
    if re.fullmatch(r"[A-Za-z]\w+", name):
        yield name


def _by_frequency(counter: Counter[str]) -> list[str]:
    return sorted(counter, key=lambda name: (-counter[name], name))


def main(source: str, count: str, folder: str) -> None:
    """Write the rules, and say how many."""
    rules = write(Names.of(Path(source).resolve()), int(count))
    save(rules, Path(folder))
    print(json.dumps({"rules": [rule.id for rule in rules]}))


if __name__ == "__main__":
    main(*sys.argv[1:])
