"""The linked index: ids, metrics, reachability, entry points, imports and modules."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from semfora_hooks.index.entry_points import is_test_file
from semfora_hooks.model import CallEdge, ImportEdge

from .helpers import build, edges, module, sym

# ----------------------------------------------------------------------------------------------------------- ids


def test_ids_are_paths_and_qualified_names_told_apart_where_they_repeat() -> None:
    index = build(
        {
            "pkg/a.py": """
                @overload
                def load(x: int) -> int: ...
                @overload
                def load(x: str) -> str: ...
                def load(x): ...
                if x:
                    def twice(): ...
                else:
                    def twice(): ...
                class A:
                    @property
                    def p(self): ...
                    @p.setter
                    def p(self, v): ...
                    @p.deleter
                    def p(self): ...
                    def m(self):
                        def m(): ...
                class A: ...
            """
        }
    )
    assert [item.id for item in index.symbols] == [
        "pkg/a.py",
        "pkg/a.py::load@overload",
        "pkg/a.py::load@overload#2",
        "pkg/a.py::load",
        "pkg/a.py::twice",
        "pkg/a.py::twice#2",
        "pkg/a.py::A",
        "pkg/a.py::A.p",
        "pkg/a.py::A.p@setter",
        "pkg/a.py::A.p@deleter",
        "pkg/a.py::A.m",
        "pkg/a.py::A.m.m",
        "pkg/a.py::A#2",
    ]
    assert [(item.name, item.qualified_name, item.parent) for item in index.symbols if item.name in ("a", "m")] == [
        ("a", "pkg.a", None),
        ("m", "pkg.a.A.m", "pkg/a.py::A"),
        ("m", "pkg.a.A.m.m", "pkg/a.py::A.m"),
    ]


def test_members_of_redefined_classes_have_ids_of_their_own() -> None:
    index = build(
        {"a.py": "if x:\n    class A:\n        def m(self): ...\nelse:\n    class A:\n        def m(self): ...\n"}
    )
    ids = [item.id for item in index.symbols]
    assert len(ids) == len(set(ids)) == 5
    parents = {item.id: item.parent for item in index.symbols}
    assert [parents[identity] for identity in ids if identity.startswith("a.py::A.m")] == ["a.py::A", "a.py::A#2"]


def test_ids_cannot_be_forged_by_odd_names() -> None:
    index = build({"a.py": "class A: ...\ndef A(): ...\n", "a.pyi": "class A: ...\n", "b::A.py": "def f(): ...\n"})
    ids = [item.id for item in index.symbols]
    assert len(ids) == len(set(ids))


def test_ids_survive_edits_of_bodies_and_shifts_of_lines() -> None:
    before = {"a.py": "import x\n\ndef f(a):\n    return g(a)\n\nclass A:\n    def m(self):\n        if f(1): pass\n"}
    after = {
        "a.py": "# more\n\n"
        + before["a.py"].replace("return g(a)", "y = 1\n    return x.z(a)").replace("import x", "import x, z")
    }
    assert [item.id for item in build(before).symbols] == [item.id for item in build(after).symbols]


def test_the_index_is_the_same_every_time() -> None:
    files = {f"m{i}.py": f"import m{(i + 1) % 5}\ndef f(x):\n    m{(i + 1) % 5}.f(x)\n    x.g()\n" for i in range(5)}
    first, second = build(files), build(files)
    assert replace(first, statistics=second.statistics) == second


def test_everything_is_sorted() -> None:
    index = build({"b.py": "import a\ndef z(): a.y()\ndef c(): z()\n", "a.py": "def y(): ...\ndef x(): y()\n"})
    assert [item.id for item in index.symbols] == ["a.py", "a.py::y", "a.py::x", "b.py", "b.py::z", "b.py::c"]
    assert [(edge.caller, edge.line) for edge in index.calls] == [("a.py::x", 2), ("b.py::c", 3), ("b.py::z", 2)]
    assert [item.name for item in index.modules] == ["a", "b"]


# --------------------------------------------------------------------------------------------------------- calls


def test_calls_keep_their_count_first_line_and_circumstances() -> None:
    index = build(
        {
            "a.py": """\
                import os
                async def g(): ...
                async def f():
                    await g()
                    g()
                    try:
                        g()
                        os.getcwd()
                    except E:
                        g()
                    os.getcwd()
            """
        }
    )
    assert edges(index, "a.py::f") == [
        CallEdge(caller="a.py::f", callee="a.py::g", count=1, line=4, resolution="exact", is_awaited=True),
        CallEdge(caller="a.py::f", callee="a.py::g", count=2, line=5, resolution="exact"),
        CallEdge(caller="a.py::f", callee="a.py::g", count=1, line=7, resolution="exact", in_try=True),
        CallEdge(caller="a.py::f", external="os.getcwd", count=1, line=8, resolution="name", in_try=True),
        CallEdge(caller="a.py::f", external="os.getcwd", count=1, line=11, resolution="name"),
    ]


def test_two_texts_for_one_callee_are_one_edge() -> None:
    index = build({"a.py": "def f(): ...\n", "b.py": "import a\nfrom a import f\ndef g():\n    a.f()\n    f()\n"})
    assert edges(index, "b.py::g") == [
        CallEdge(caller="b.py::g", callee="a.py::f", count=2, line=4, resolution="exact")
    ]


def test_fan_in_fan_out_and_call_sites() -> None:
    index = build(
        {
            "a.py": """
                def target(): ...
                def once():
                    target()
                def twice():
                    target()
                    target()
                    once()
                    print()
                    print()
                    len()
                def recursive():
                    recursive()
                    recursive()
                target()
            """
        }
    )
    metrics = sym(index, "a.py::target").metrics
    assert (metrics.fan_in, metrics.callers_count, metrics.fan_out) == (3, 4, 0)
    metrics = sym(index, "a.py::twice").metrics
    assert (metrics.fan_in, metrics.callers_count, metrics.fan_out) == (0, 0, 4)
    metrics = sym(index, "a.py::recursive").metrics
    assert (metrics.fan_in, metrics.callers_count, metrics.fan_out) == (0, 0, 1)


def test_arguments_are_counted_without_self() -> None:
    index = build(
        {
            "a.py": """
                def f(a, b=1, *c, **d): ...
                class A:
                    def m(self, a): ...
                    @classmethod
                    def c(cls): ...
                    @staticmethod
                    def s(a, b): ...
            """
        }
    )
    counts = {item.name: item.metrics.argument_count for item in index.symbols}
    assert counts == {"a": 0, "f": 4, "A": 0, "m": 1, "c": 0, "s": 2}


def test_recursion_adds_one_by_the_call_graph() -> None:
    index = build(
        {
            "a.py": """
                from b import odd
                def direct(n):
                    if n: return direct(n - 1)
                def even(n):
                    return odd(n - 1)
                def plain(direct):
                    return direct()
                class A:
                    def m(self):
                        self.m()
                    def f(self):
                        x.f()
                def outer():
                    outer_two()
                def outer_two(): ...
            """,
            "b.py": "import a\ndef odd(n):\n    if n: return a.even(n - 1)\n",
        }
    )
    cognitive = {
        item.qualified_name: item.metrics.cognitive_complexity for item in index.symbols if item.kind != "module"
    }
    assert cognitive == {
        "a.direct": 2,
        "a.even": 1,
        "a.plain": 0,
        "a.A": 0,
        "a.A.m": 1,
        "a.A.f": 0,
        "a.outer": 0,
        "a.outer_two": 0,
        "b.odd": 2,
    }


def test_classes_have_no_cyclomatic_complexity() -> None:
    index = build({"a.py": "class A:\n    if x: pass\n    def m(self):\n        if y: pass\n"})
    assert {item.name: item.metrics.cyclomatic_complexity for item in index.symbols} == {"a": 1, "A": 0, "m": 2}


# ------------------------------------------------------------------------------------------------------ exported


def test_what_is_exported() -> None:
    index = build(
        {
            "pub.py": (
                "def f(): ...\ndef _g(): ...\nclass A:\n    def m(self): ...\n    def _n(self): ...\n"
                "    def __len__(self): ...\nclass _B:\n    def m(self): ...\ndef h():\n    def inner(): ...\n"
            ),
            "listed.py": (
                "__all__ = ['f', '_g']\ndef f(): ...\ndef _g(): ...\ndef h(): ...\nclass K:\n    def m(self): ...\n"
            ),
            "_private.py": "def f(): ...\n",
            "_pkg/mod.py": "def f(): ...\n",
            "__main__.py": "def f(): ...\n",
        }
    )
    assert {item.id for item in index.symbols if item.is_exported and item.kind != "module"} == {
        "pub.py::f",
        "pub.py::A",
        "pub.py::A.m",
        "pub.py::A.__len__",
        "pub.py::h",
        "listed.py::f",
        "listed.py::_g",
        "__main__.py::f",
    }


# -------------------------------------------------------------------------------------------------- reachability


def reach(files: dict[str, str], declared: tuple[str, ...] = ()) -> dict[str, tuple[str, str]]:
    """Reachability and entry point of every symbol but modules, by id."""
    index = build(files, declared=declared)
    return {item.id: (item.reachability, item.entry_point) for item in index.symbols if item.kind != "module"}


def test_called_referenced_and_unreferenced() -> None:
    found = reach(
        {
            "a.py": """
                def called(): ...
                def referenced(): ...
                def in_a_string(): ...
                def in_prose(): ...
                def in_a_comment(): ...
                def only_itself():
                    only_itself()
                def unreferenced(): ...
                def imported_elsewhere(): ...
                table = {"x": referenced}
                called()
                name = "in_a_string"
                log("prose about in_prose only")  # in_a_comment
            """,
            "b.py": "from a import imported_elsewhere\n",
        }
    )
    assert {identity.removeprefix("a.py::"): state for identity, (state, _) in found.items()} == {
        "called": "called",
        "referenced": "referenced",
        "in_a_string": "referenced",
        "in_prose": "unreferenced",
        "in_a_comment": "unreferenced",
        "only_itself": "unreferenced",
        "unreferenced": "unreferenced",
        "imported_elsewhere": "referenced",
    }


@pytest.mark.parametrize(
    "expression",
    [
        'getattr(self, "visit_" + x)',
        'getattr(self, f"visit_{x}")',
        'getattr(self, "visit_%s" % x)',
        'getattr(self, "visit_{}".format(x))',
    ],
)
def test_names_put_together_at_run_time_are_unknown(expression: str) -> None:
    found = reach(
        {
            "a.py": (
                "class A:\n    def visit_name(self): ...\n    def other(self): ...\n    def go(self, x):\n"
                f"        {expression}\nA().go(1)\n"
            )
        }
    )
    assert found["a.py::A.visit_name"] == ("unknown", "none")
    assert found["a.py::A.other"] == ("unreferenced", "none")


def test_suffixes_put_together_at_run_time_are_unknown() -> None:
    found = reach({"a.py": "def load_handler(): ...\ndef load_other(): ...\nglobals()[kind + '_handler']()\n"})
    assert found == {"a.py::load_handler": ("unknown", "none"), "a.py::load_other": ("unreferenced", "none")}


def test_recursive_mentions_do_not_keep_a_function_alive_but_others_do() -> None:
    found = reach({"a.py": "def f():\n    f()\n    g = f\n", "b.py": "class B:\n    f = 1\n"})
    assert found["a.py::f"] == ("referenced", "none")
    assert reach({"a.py": "def f():\n    f()\n    g = f\n"})["a.py::f"] == ("unreferenced", "none")


def test_what_a_definition_says_of_itself_in_prose_takes_no_mention_away() -> None:
    source = "def f():\n    raise ValueError('f called with a wrong type')\nsorted(x, key=f)\n"
    assert reach({"a.py": source})["a.py::f"] == ("referenced", "none")


@pytest.mark.parametrize(
    ("path", "source", "identity", "entry"),
    [
        ("tests/test_a.py", "def test_x(): ...", "test_x", "test_function"),
        ("tests/test_a.py", "class TestX:\n    def test_y(self): ...", "TestX.test_y", "test_function"),
        ("tests/test_a.py", "class TestX: ...", "TestX", "test_function"),
        ("a.py", "def test_x(): ...", "test_x", "none"),
        ("conftest.py", "def pytest_configure(): ...", "pytest_configure", "framework"),
        ("conftest.py", "@pytest.fixture\ndef db(): ...", "db", "test_fixture"),
        ("a.py", "@pytest.fixture(scope='session')\ndef db(): ...", "db", "test_fixture"),
        ("a.py", "@app.route('/')\ndef page(): ...", "page", "web_route"),
        ("a.py", "@router.get('/')\nasync def page(): ...", "page", "web_route"),
        ("a.py", "@cli.command()\ndef run(): ...", "run", "cli_main"),
        ("a.py", "@click.group\ndef run(): ...", "run", "cli_main"),
        ("a.py", "@register\ndef plugin(): ...", "plugin", "decorated"),
        ("a.py", "@register('x')\nclass Plugin: ...", "Plugin", "decorated"),
        ("a.py", "@functools.cache\ndef pure(): ...", "pure", "none"),
        ("a.py", "class A:\n    @property\n    def p(self): ...", "A.p", "none"),
        ("a.py", "class A:\n    def __len__(self): ...", "A.__len__", "protocol"),
        ("a.py", "class A:\n    def _repr_html_(self): ...", "A._repr_html_", "protocol"),
        ("a.py", "def main(): ...\nif __name__ == '__main__':\n    sys.exit(run())", "main", "cli_main"),
        ("a.py", "def main(): ...", "main", "none"),
        ("a.py", "class A(External):\n    def hook(self): ...", "A.hook", "framework"),
        ("a.py", "class A(object):\n    def hook(self): ...", "A.hook", "none"),
        ("a.py", "class A(Protocol):\n    def hook(self): ...", "A.hook", "none"),
        ("a.py", "import typing as t\nclass A(t.Protocol[T]):\n    def hook(self): ...", "A.hook", "none"),
        ("a.py", "import asyncio\nclass A(asyncio.Protocol):\n    def hook(self): ...", "A.hook", "framework"),
        ("a.py", "from asyncio import Protocol\nclass A(Protocol):\n    def hook(self): ...", "A.hook", "framework"),
        (
            "a.py",
            "from twisted.internet import protocol\nclass A(protocol.Protocol):\n    def hook(self): ...",
            "A.hook",
            "framework",
        ),
        ("a.py", "class B:\n    def hook(self): ...\nclass A(B):\n    def hook(self): ...", "A.hook", "override"),
        ("a.py", "class B(External): ...\nclass A(B):\n    def hook(self): ...", "A.hook", "framework"),
        ("a.py", "class Mixin:\n    def hook(self):\n        super().hook()", "Mixin.hook", "override"),
        ("a.py", "class Mixin:\n    def hook(self):\n        super().other()", "Mixin.hook", "none"),
        ("a.py", "class A(External):\n    class Meta: ...", "A.Meta", "framework"),
        ("a.py", "class A(External):\n    class _Own: ...", "A._Own", "none"),
        ("a.py", "class B(External): ...\nclass A(B):\n    class Meta: ...", "A.Meta", "framework"),
        ("a.py", "class B:\n    class Meta: ...\nclass A(B):\n    class Meta: ...", "A.Meta", "override"),
        ("a.py", "class A:\n    class Meta: ...", "A.Meta", "none"),
        ("a.py", "class B:\n    def __init_subclass__(cls): ...\nclass A(B): ...", "A", "framework"),
        ("a.py", "class A:\n    def __init_subclass__(cls): ...", "A", "none"),
        ("a.py", "class A(External): ...", "A", "none"),
    ],
)
def test_entry_points(path: str, source: str, identity: str, entry: str) -> None:
    state, found = reach({path: source + "\n"})[f"{path}::{identity}"]
    assert found == entry
    assert (state == "entry_point") is (entry != "none")


def test_declared_entry_points() -> None:
    files = {"pkg/cli.py": "def run(): ...\nclass A:\n    def go(self): ...\ndef other(): ...\n"}
    found = reach(files, declared=("pkg.cli:run", "pkg.cli:A.go"))
    assert found["pkg/cli.py::run"] == ("entry_point", "cli_main")
    assert found["pkg/cli.py::A.go"] == ("entry_point", "cli_main")
    assert found["pkg/cli.py::other"] == ("unreferenced", "none")


def test_a_call_is_said_before_an_entry_point() -> None:
    assert reach({"a.py": "@register\ndef f(): ...\nf()\n"})["a.py::f"] == ("called", "decorated")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("tests/a.py", True),
        ("test/a.py", True),
        ("pkg/tests/helpers/x.py", True),
        ("test_a.py", True),
        ("a_test.py", True),
        ("conftest.py", True),
        ("pkg/conftest.py", True),
        ("pkg/testing/x.py", False),
        ("pkg/testing.py", False),
        ("testing/tests/x.py", True),
        ("contest.py", False),
        ("latest.py", False),
        ("attest_a.py", False),
        ("pkg/protests/x.py", False),
        ("testament.py", False),
    ],
)
def test_test_files(path: str, expected: bool) -> None:
    assert is_test_file(path, ()) is expected


@pytest.mark.parametrize("path", ["testing/x.py", "pkg/testing/deep/x.py", "testing.py"])
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("def test_it(): ...\n", True),
        ("class TestIt:\n    def test_it(self): ...\n", True),
        ("class TestCase:\n    def assertEqual(self, a, b): ...\ndef tester(): ...\n", False),
        ("class test_case: ...\n", False),
    ],
)
def test_what_is_named_testing_is_test_code_if_it_has_tests(path: str, text: str, expected: bool) -> None:
    index = build({path: text})
    assert {symbol.is_test for symbol in index.symbols} == {expected}
    assert ("test_function" in {symbol.entry_point for symbol in index.symbols}) is expected


# ----------------------------------------------------------------------------------------------- imports, modules


def test_import_edges() -> None:
    index = build(
        {
            "pkg/__init__.py": "from . import a\n",
            "pkg/a.py": "import os\nfrom pkg import b as other, missing\nimport pkg.a\n",
            "pkg/b.py": """\
                from typing import TYPE_CHECKING
                if TYPE_CHECKING:
                    from .a import thing
                def f():
                    from . import a
                    import pkg.a
            """,
            "app.py": "import pkg.a\nimport pkg.a\n",
            "script.py": "if __name__ == '__main__':\n    import app\n",
        }
    )
    assert index.imports == [
        ImportEdge(importer="app", imported="pkg.a", file="app.py", line=1),
        ImportEdge(importer="pkg", imported="pkg.a", file="pkg/__init__.py", line=1),
        ImportEdge(importer="pkg.a", imported="pkg", file="pkg/a.py", line=2),
        ImportEdge(importer="pkg.a", imported="pkg.b", file="pkg/a.py", line=2),
        ImportEdge(importer="pkg.b", imported="pkg.a", file="pkg/b.py", line=3, type_checking=True),
        ImportEdge(importer="pkg.b", imported="pkg.a", file="pkg/b.py", line=5, lazy=True),
        ImportEdge(importer="script", imported="app", file="script.py", line=2, lazy=True),
    ]


ROOTED = {"src/x.py": "def y(): ...\n", "src/ns/mod.py": "def z(): ...\n"}


@pytest.mark.parametrize(
    ("text", "imported", "callees"),
    [
        ("from src.x import y\ny()\n", ["x"], ["src/x.py::y"]),
        ("from src import x\nx.y()\n", ["x"], ["src/x.py::y"]),
        ("import src.x as x\nx.y()\n", ["x"], ["src/x.py::y"]),
        ("from src.x import *\ny()\n", ["x"], ["src/x.py::y"]),
        ("from src.ns.mod import z\nz()\n", ["ns.mod"], ["src/ns/mod.py::z"]),
        ("from src.ns import mod\nmod.z()\n", ["ns.mod"], ["src/ns/mod.py::z"]),
        ("from x import y\ny()\n", ["x"], ["src/x.py::y"]),
    ],
)
@pytest.mark.parametrize("path", ["app.py", "tests/test_app.py", "src/app.py"])
def test_a_source_root_is_a_package_too(path: str, text: str, imported: list[str], callees: list[str]) -> None:
    index = build({**ROOTED, path: text})
    assert [edge.imported for edge in index.imports] == imported
    assert [call.callee for call in index.calls] == callees
    assert [module.external_imports for module in index.modules if module.imports] == [()]


def test_source_roots_of_several_projects_are_told_apart() -> None:
    index = build(
        {
            "one/src/x.py": "def y(): ...\n",
            "two/src/x.py": "def y(): ...\n",
            "two/src/only.py": "def here(): ...\n",
            "two/tests/t.py": "from src.only import here\nhere()\n",
            "three/t.py": "from src.only import here\nhere()\n",
            "four.py": "from two.src.only import here\nhere()\n",
        }
    )
    assert [(edge.importer, edge.imported) for edge in index.imports] == [("four", "only"), ("two.tests.t", "only")]
    outside = {module.name: module.external_imports for module in index.modules if module.external_imports}
    assert outside == {"three.t": ("src.only",)}


def test_what_a_source_root_does_not_have_is_outside() -> None:
    index = build({**ROOTED, "app.py": "from src.missing import a\nfrom lib.x import b\na()\nb()\n"})
    assert index.imports == []
    assert sorted(call.external or "" for call in index.calls) == ["lib.x.b", "src.missing.a"]
    # A package that is called `src` stays one.
    index = build({"src/__init__.py": "", "src/x.py": "def y(): ...\n", "app.py": "from src.x import y\ny()\n"})
    assert [edge.imported for edge in index.imports] == ["src.x"]


def test_couplings_and_instability() -> None:
    index = build(
        {
            "core.py": "import os.path\nfrom yaml import x\nx = 1\n",
            "api.py": "import core\nimport core as again\ndef f():\n    import util\n",
            "util.py": "import core\n",
            "app.py": "import api, core\nclass A:\n    def m(self): ...\n",
            "alone.py": "",
        }
    )
    rows = {
        item.name: (item.imports, item.afferent_coupling, item.efferent_coupling, item.instability)
        for item in index.modules
    }
    assert rows == {
        "alone": ((), 0, 0, 0.0),
        "api": (("core", "util"), 1, 2, 0.667),
        "app": (("api", "core"), 0, 2, 1.0),
        "core": ((), 3, 0, 0.0),
        "util": (("core",), 1, 1, 0.5),
    }
    assert module(index, "core").external_imports == ("os.path", "yaml")
    assert (module(index, "app").files, module(index, "app").symbols, module(index, "app").loc) == (1, 2, 3)


def test_mentions_add_up_and_recursion_is_taken_off() -> None:
    index = build({"a.py": "def f():\n    f()\n    g()\n", "b.py": "g()\nfrom a import f\n"})
    assert index.mentions == {"a": 1, "f": 1, "g": 2}


def test_an_empty_repository() -> None:
    index = build({})
    assert (index.symbols, [*index.calls], index.imports, index.modules, index.duplicates) == ([], [], [], [], [])


def test_an_index_of_unreadable_files_is_only_modules() -> None:
    index = build({"a.py": "\0", "pkg/b.py": "def ("})
    assert [(item.id, item.kind) for item in index.symbols] == [("a.py", "module"), ("pkg/b.py", "module")]
