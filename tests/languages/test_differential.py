"""Complexity against other implementations, on source that is always there: the standard library and pytest."""

from __future__ import annotations

import ast
import json
import pickle
import re
import subprocess
import sys
import sysconfig
import warnings
from functools import cache
from pathlib import Path

import _pytest
import complexipy
import pytest
from sharing import made_once

from semfora_hooks.languages.extract import extract

STDLIB = Path(sysconfig.get_paths()["stdlib"])
MODULES = """
    _pydecimal argparse ast asyncio/base_events asyncio/streams asyncio/tasks base64 bdb calendar cmd codecs
    collections/__init__ concurrent/futures/process configparser contextlib copy csv ctypes/util dataclasses
    datetime difflib dis doctest email/_header_value_parser email/message enum fnmatch fractions ftplib functools
    gettext heapq html/parser http/client http/cookiejar http/server imaplib importlib/_bootstrap inspect ipaddress
    json/decoder logging/__init__ mailbox mimetypes multiprocessing/managers ntpath optparse os pathlib pdb pickle
    pickletools platform plistlib posixpath pprint pydoc random shutil smtplib socket ssl statistics subprocess
    tarfile tempfile textwrap threading tokenize traceback turtle types typing unittest/case unittest/mock
    urllib/parse urllib/request uuid weakref xml/dom/minidom zipfile
""".split()

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
LOOPS = (ast.For, ast.AsyncFor, ast.While)
LEAVES = (ast.Name, ast.Constant, ast.expr_context, ast.operator, ast.unaryop, ast.cmpop, ast.Pass, ast.alias)
Place = tuple[int, int]  # line and column of a function's name
Found = dict[Path, dict[Place, tuple[str, int, int]]]
"""Name, cyclomatic and cognitive complexity of every function, by file and by line and column of the definition."""


def files() -> list[Path]:
    """Those of the modules that this Python has as one file, and all of pytest."""
    found = [STDLIB / f"{module}.py" for module in MODULES]
    return [*(path for path in found if path.is_file()), *sorted(Path(_pytest.__file__).parent.rglob("*.py"))]


def extracted() -> Found:
    result: Found = {}
    for path in files():
        facts = extract(path.read_bytes(), "python")
        assert facts.problems == [], path
        lines = path.read_text("utf-8").splitlines()
        result[path] = {
            (item.start_line, item.start_column): (item.name, item.cyclomatic, item.cognitive)
            for item in facts.symbols
            if item.kind in ("function", "method")
            and re.match(r"(async\s+)?def\b", lines[item.start_line - 1][item.start_column - 1 :])
        }
    return result


@pytest.fixture(scope="session")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Found:
    folder = made_once(
        tmp_path_factory, "complexity", lambda folder: (folder / "found").write_bytes(pickle.dumps(extracted()))
    )
    found: Found = pickle.loads((folder / "found").read_bytes())
    return found


Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def sources() -> list[tuple[Path, str, list[Function]]]:
    """Each file with its text and all its functions."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [(path, path.read_text("utf-8"), functions(ast.parse(path.read_bytes()))) for path in files()]


def functions(tree: ast.Module) -> list[Function]:
    """All definitions, which stand where statements stand: expressions, most of the tree, are left out."""
    found: list[Function] = []
    pending: list[ast.AST] = [tree]
    while pending:
        for node in ast.iter_child_nodes(pending.pop()):
            if isinstance(node, (ast.stmt, ast.excepthandler, ast.match_case)):
                pending.append(node)
                if isinstance(node, FUNCTIONS):
                    found.append(node)
    return found


def test_there_is_enough_to_compare(ours: Found) -> None:
    assert len(ours) > 120
    assert sum(len(functions) for functions in ours.values()) > 7_000


def test_cyclomatic_complexity_is_ruffs(ours: Found) -> None:
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--no-cache", "--ignore-noqa", "--select", "C901"]
    command += ["--config", "lint.mccabe.max-complexity=0", "--output-format", "json", *map(str, files())]
    output = json.loads(subprocess.run(command, capture_output=True, check=False).stdout)
    theirs: dict[Path, dict[tuple[int, str], int]] = {}
    for item in output:
        assert item["code"] == "C901", item
        match = re.fullmatch(r"`(.*)` is too complex \((\d+) > 0\)", item["message"])
        assert match is not None
        theirs.setdefault(Path(item["filename"]), {})[item["location"]["row"], match[1]] = int(match[2])
    mine = {
        path: {(line, name): cyclomatic for (line, _), (name, cyclomatic, _) in functions.items()}
        for path, functions in ours.items()
        if functions
    }
    assert mine == theirs


# ------------------------------------------------------------------------------------- a second implementation


class Reference:
    """SonarSource's definition, once more, over Python's own syntax tree.

    Like ours, it lets decorators have a docstring, nests lambdas, and counts a `match` once.
    """

    def __init__(self, lines: list[str], function: ast.AST) -> None:
        self.lines = lines
        self.total = 0
        self.visit_all(function.body, 0, function)  # type: ignore[attr-defined]

    def visit_all(self, nodes: object, nesting: int, around: ast.AST | None) -> None:
        for node in nodes if isinstance(nodes, list) else [nodes]:
            if node is not None:
                self.visit(node, nesting, around)

    def visit(self, node: ast.AST, nesting: int, around: ast.AST | None) -> None:
        """`around` is the function, or `None` directly in a class."""
        go = self.visit_all
        if isinstance(node, LEAVES):
            return
        if isinstance(node, ast.If):
            self.total += 1 + nesting
            while True:
                go(node.test, nesting, around)
                go(node.body, nesting + 1, around)
                if not self.is_elif(node):
                    break
                self.total += 1
                node = node.orelse[0]
                assert isinstance(node, ast.If)
            self.total += bool(node.orelse)
            go(node.orelse, nesting + 1, around)
        elif isinstance(node, LOOPS):
            self.total += 1 + nesting + bool(node.orelse)
            go(node.test if isinstance(node, ast.While) else [node.target, node.iter], nesting, around)
            go([*node.body, *node.orelse], nesting + 1, around)
        elif isinstance(node, (ast.Try, ast.TryStar)):
            self.total += bool(node.orelse)
            go([*node.body, *node.finalbody, *(handler.type for handler in node.handlers)], nesting, around)
            go(node.orelse, nesting + 1, around)
            for handler in node.handlers:
                self.total += 1 + nesting
                go(handler.body, nesting + 1, around)
        elif isinstance(node, ast.Match):
            self.total += 1 + nesting
            go(node.subject, nesting, around)
            for case in node.cases:
                go(case.guard, nesting, around)
                go(case.body, nesting + 1, around)
        elif isinstance(node, ast.IfExp):
            self.total += 1 + nesting
            go([node.body, node.test, node.orelse], nesting + 1, around)
        elif isinstance(node, ast.Lambda):
            go([*node.args.defaults, *node.args.kw_defaults], nesting, around)
            go(node.body, nesting + 1, node)
        elif isinstance(node, FUNCTIONS):
            go([*node.decorator_list, *node.args.defaults, *node.args.kw_defaults, node.returns], nesting, around)
            deeper = 0 if around is None else nesting + (not self.is_wrapper(around, node))
            go(node.body, deeper, node)
        elif isinstance(node, ast.ClassDef):
            go([*node.decorator_list, *node.bases, *node.keywords], nesting, around)
            go(node.body, 0, None)
        elif isinstance(node, ast.BoolOp):
            operators: list[str] = []
            operands: list[ast.expr] = []
            self.flatten(node, operators, operands)
            self.total += sum(index == 0 or operators[index - 1] != one for index, one in enumerate(operators))
            go(operands, nesting, around)
        else:
            go(list(ast.iter_child_nodes(node)), nesting, around)

    def flatten(self, node: ast.BoolOp, operators: list[str], operands: list[ast.expr]) -> None:
        """The operators of an expression in their order; parentheses begin another expression."""
        for index, value in enumerate(node.values):
            if index:
                operators.append(type(node.op).__name__)
            if isinstance(value, ast.BoolOp) and not self.in_parentheses(node, index, value):
                self.flatten(value, operators, operands)
            else:
                operands.append(value)

    def in_parentheses(self, outer: ast.BoolOp, index: int, value: ast.BoolOp) -> bool:
        if index == 0:
            return (outer.lineno, outer.col_offset) != (value.lineno, value.col_offset)
        line, column = value.lineno - 1, value.col_offset
        text = self.lines[line].encode()[:column].decode()
        while not text.strip() or text.lstrip().startswith("#"):
            line -= 1
            text = self.lines[line].partition("#")[0]
        return text.rstrip().endswith("(")

    def is_elif(self, node: ast.If) -> bool:
        if len(node.orelse) != 1 or not isinstance(node.orelse[0], ast.If):
            return False
        inner = node.orelse[0]
        return self.lines[inner.lineno - 1].encode()[inner.col_offset :].startswith(b"elif")

    @staticmethod
    def is_wrapper(around: ast.AST, function: ast.AST) -> bool:
        if isinstance(around, ast.Lambda):
            return False
        statements = list(around.body)  # type: ignore[attr-defined]
        if ast.get_docstring(around, clean=False) is not None:  # type: ignore[arg-type]
            statements = statements[1:]
        return all(
            statement is function or (isinstance(statement, ast.Return) and isinstance(statement.value, ast.Name))
            for statement in statements
        )


def bound_lambdas(lines: list[str], function: Function) -> bool:
    """A lambda with a name is a function to us, which is beside the definition."""
    if not any("lambda" in line for line in lines[function.lineno - 1 : function.end_lineno]):
        return False
    return any(isinstance(node, ast.Assign) and isinstance(node.value, ast.Lambda) for node in ast.walk(function))


def test_cognitive_complexity_is_the_references(ours: Found) -> None:
    compared, wrong = 0, []
    for path, source, nodes in sources():
        mine = ours[path]
        lines = source.split("\n")
        for node in nodes:
            if not bound_lambdas(lines, node):
                found = mine[node.lineno, node.col_offset + 1]
                expected = Reference(lines, node).total
                compared += 1
                if found[2] != expected:
                    wrong.append(f"{path}:{node.lineno} {node.name}: {found[2]}, not {expected}")
    assert wrong == []
    assert compared > 7_000


# --------------------------------------------------------------------------------------------------- complexipy


def complexipy_differs(function: Function) -> str | None:
    """Why complexipy (8.3) and SonarSource's definition part on this function; `None` where they must agree.

    - comprehensions: complexipy counts them and their conditions as loops;
    - `else` of a loop or a `try`: it does not count them;
    - recursion: it counts any call of the same bare name here, we by the call graph;
    - nested functions, lambdas and classes: it has other rules for nesting and for what is a decorator;
    - boolean operators and ternaries: it sees them only in some places (not in subscripts, f-strings, `yield`, `await`,
      `del`, dictionary keys, patterns, a ternary among operands, …), counts some arguments twice, and counts nodes of
      the syntax tree where the definition counts runs (`a or b and c or d` are three, `a or (b or c)` begins another).
    """
    parents: dict[ast.AST, ast.AST] = {}
    for node in ast.walk(function):
        if isinstance(node, (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
            return "comprehension"
        if isinstance(node, (*LOOPS, ast.Try, ast.TryStar)) and node.orelse:
            return "else"
        if node is not function and isinstance(node, (*FUNCTIONS, ast.Lambda, ast.ClassDef)):
            return "nested"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == function.name:
            return "recursion"
        if isinstance(node, ast.BoolOp):
            for index, value in enumerate(node.values):
                inner = isinstance(value, ast.BoolOp)
                if inner and (type(value.op) is type(node.op) or 0 < index < len(node.values) - 1):  # type: ignore[attr-defined]
                    return "run"
        if isinstance(node, (ast.BoolOp, ast.IfExp)):
            parents = parents or {
                child: parent for parent in ast.walk(function) for child in ast.iter_child_nodes(parent)
            }
            if not is_seen(node, parents):
                return "place"
    return None


def is_seen(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> bool:
    """Whether complexipy looks where this operator or ternary stands."""
    parent = parents[node]
    if isinstance(node, ast.IfExp) and isinstance(parent, ast.BoolOp):
        return False
    while isinstance(parent, (ast.BoolOp, ast.IfExp)) or (
        isinstance(parent, ast.UnaryOp) and isinstance(parent.op, ast.Not)
    ):
        parent = parents[parent]
    return isinstance(
        parent, (ast.If, ast.While, ast.Return, ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Assert, ast.Raise)
    )


def test_cognitive_complexity_is_complexipys_where_it_follows_the_definition(ours: Found) -> None:
    compared, wrong = 0, []
    for path, source, nodes in sources():
        theirs = {item.line_start: item for item in complexipy.code_complexity(source).functions}
        for node in nodes:
            if node.lineno not in theirs or complexipy_differs(node) is not None:
                continue
            compared += 1
            found, expected = ours[path][node.lineno, node.col_offset + 1][2], theirs[node.lineno].complexity
            if found != expected:
                wrong.append(f"{path}:{node.lineno} {node.name}: {found}, complexipy {expected}")
    assert wrong == []
    assert compared > 5_000


@pytest.mark.parametrize(
    ("body", "definition", "theirs"),
    [
        ("return [a for a in b if c]", 0, 2),
        ("for a in b: pass\n    else: pass", 2, 1),
        ("return f(1)", 0, 1),
        ("x[a or b] = 1", 1, 0),
        ("x = a or b and c or d", 3, 2),
    ],
)
def test_where_complexipy_differs(body: str, definition: int, theirs: int) -> None:
    source = f"def f():\n    {body}\n"
    facts = extract(source.encode(), "python")
    assert facts.symbols[1].cognitive == definition
    assert complexipy.code_complexity(source).functions[0].complexity == theirs
