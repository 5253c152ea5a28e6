"""Every path by which a name reaches a symbol, and the traps where it must not."""

from __future__ import annotations

import pytest
from stopwatch import at_most

from semfora_hooks.index.modules import module_name, package_prefix, source_roots

from .helpers import build, reached

# ------------------------------------------------------------------------------------------------------- imports

LIBRARY = {
    "pkg/__init__.py": "from .core import public as renamed\nfrom pkg.stars import *\nfrom . import core\n",
    "pkg/core.py": "def public(): ...\ndef _private(): ...\nclass Thing:\n    def run(self): ...\n",
    "pkg/stars.py": "from .deep.far import *\ndef near(): ...\ndef _hidden(): ...\n",
    "pkg/deep/__init__.py": "",
    "pkg/deep/far.py": "def distant(): ...\n",
}


@pytest.mark.parametrize(
    ("imports", "call", "target"),
    [
        ("import pkg.core", "pkg.core.public()", "pkg/core.py::public"),
        ("import pkg.core as c", "c.public()", "pkg/core.py::public"),
        ("import pkg", "pkg.core.public()", "pkg/core.py::public"),
        ("import pkg as p", "p.renamed()", "pkg/core.py::public"),
        ("from pkg import core", "core.public()", "pkg/core.py::public"),
        ("from pkg import core as c", "c.public()", "pkg/core.py::public"),
        ("from pkg.core import public", "public()", "pkg/core.py::public"),
        ("from pkg.core import public as p", "p()", "pkg/core.py::public"),
        ("from pkg import renamed", "renamed()", "pkg/core.py::public"),
        ("from pkg import renamed as again", "again()", "pkg/core.py::public"),
        ("from pkg import near", "near()", "pkg/stars.py::near"),
        ("from pkg import distant", "distant()", "pkg/deep/far.py::distant"),
        ("from pkg import *", "distant()", "pkg/deep/far.py::distant"),
        ("from pkg.core import *", "public()", "pkg/core.py::public"),
        ("import pkg.deep.far", "pkg.deep.far.distant()", "pkg/deep/far.py::distant"),
        ("import pkg.core, pkg.deep.far", "pkg.core.public()", "pkg/core.py::public"),
        ("from pkg.core import Thing", "Thing()", "pkg/core.py::Thing"),
        ("from pkg.core import Thing", "Thing.run(x)", "pkg/core.py::Thing.run"),
        ("from pkg.core import _private", "_private()", "pkg/core.py::_private"),
        ("import os", "os.path.join()", "!os.path.join"),
        ("from os import path as p", "p.join()", "!os.path.join"),
        ("import os.path as p", "p.join()", "!os.path.join"),
        ("import missing", "missing.f()", "!missing.f"),
    ],
)
def test_imports_from_another_package(imports: str, call: str, target: str) -> None:
    index = build({**LIBRARY, "app.py": f"{imports}\ndef f():\n    {call}\n"})
    assert reached(index, "app.py::f") == {target: "name" if target.startswith("!") else "exact"}
    lazy = build({**LIBRARY, "app.py": f"def f():\n    {imports}\n    {call}\n"})
    if "*" not in imports:
        assert reached(lazy, "app.py::f") == reached(index, "app.py::f")


@pytest.mark.parametrize(
    ("path", "imports", "call"),
    [
        ("pkg/other.py", "from .core import public", "public()"),
        ("pkg/other.py", "from . import core", "core.public()"),
        ("pkg/deep/other.py", "from ..core import public", "public()"),
        ("pkg/deep/other.py", "from .. import core", "core.public()"),
        ("pkg/deep/__init__.py", "from ..core import public", "public()"),
        ("pkg/deep/deeper/__init__.py", "from ...core import public", "public()"),
        ("pkg/deep/deeper/x.py", "from ... import core as c", "c.public()"),
    ],
)
def test_relative_imports(path: str, imports: str, call: str) -> None:
    index = build({**LIBRARY, path: f"{imports}\ndef f():\n    {call}\n"})
    assert reached(index, f"{path}::f") == {"pkg/core.py::public": "exact"}


def test_a_star_does_not_bring_private_names_and_relative_imports_do_not_leave_the_top() -> None:
    index = build(
        {
            **LIBRARY,
            "a.py": "from pkg.core import *\ndef f():\n    _private()\n",
            "b.py": "from ....pkg.core import public\ndef f():\n    public()\n",
        }
    )
    assert reached(index, "a.py::f") == {"!_private": "name"}
    assert [callee for callee in reached(index, "b.py::f") if not callee.startswith("!")] in (
        [],
        ["pkg/core.py::public"],
    )


def test_a_star_brings_what_all_lists_but_hides_no_builtin_that_it_does_not_list() -> None:
    index = build(
        {
            "lib.py": "__all__ = ['_listed', 'print']\ndef _listed(): ...\ndef open(): ...\ndef print(): ...\n",
            "app.py": "from lib import *\ndef f():\n    _listed()\n    open()\n    print()\n",
        }
    )
    assert reached(index, "app.py::f") == {"lib.py::_listed": "exact", "!open": "name", "lib.py::print": "exact"}


def test_imports_under_a_condition_or_in_a_class() -> None:
    index = build(
        {
            **LIBRARY,
            "app.py": """
                try:
                    from pkg.core import public
                except ImportError:
                    public = None
                class A:
                    from pkg.core import _private
                    _private()
                def f():
                    public()
            """,
        }
    )
    assert reached(index, "app.py::A") == {"pkg/core.py::_private": "exact"}
    assert reached(index, "app.py::f") == {"pkg/core.py::public": "exact"}


def test_stubs_stand_behind_sources() -> None:
    index = build(
        {
            "a.pyi": "def f(): ...\n",
            "a.py": "def f(): pass\n",
            "b.py": "import a\na.f()\n",
            "c.pyi": "def g(): ...\n",
            "d.py": "import c\nc.g()\n",
        }
    )
    assert reached(index, "b.py") == {"a.py::f": "exact"}
    assert reached(index, "d.py") == {"c.pyi::g": "exact"}


# ------------------------------------------------------------------------------------------------- modules, roots


@pytest.mark.parametrize(
    ("path", "roots", "prefix", "expected"),
    [
        ("a.py", ("",), "", ("a", False)),
        ("a/b/c.py", ("",), "", ("a.b.c", False)),
        ("a/__init__.py", ("",), "", ("a", True)),
        ("src/a/b.py", ("src/", ""), "", ("a.b", False)),
        ("tests/t.py", ("src/", ""), "", ("tests.t", False)),
        ("b.py", ("",), "django.db", ("django.db.b", False)),
        ("__init__.py", ("",), "django", ("django", True)),
        ("__init__.py", ("",), "", ("__init__", True)),
        ("src/a.py", ("src/", ""), "p", ("a", False)),
        ("a.pyi", ("",), "", ("a", False)),
    ],
)
def test_module_names(path: str, roots: tuple[str, ...], prefix: str, expected: tuple[str, bool]) -> None:
    assert module_name(path, roots, prefix) == expected


@pytest.mark.parametrize(
    ("paths", "configured", "expected"),
    [
        (["a.py"], [], ("",)),
        (["src/a/__init__.py"], [], ("src/", "")),
        (["lib/a.py"], [], ("lib/", "")),
        (["src/__init__.py", "src/a.py"], [], ("",)),
        (["one/src/a.py", "two/src/b.py"], [], ("one/src/", "two/src/", "")),
        (["pkg/__init__.py", "pkg/lib/x.py"], [], ("",)),
        (["python/a.py"], ["python"], ("python/", "")),
        (["x/y/a.py"], ["./x/", "x/y"], ("x/y/", "x/", "")),
        (["a.py"], ["."], ("",)),
        (["src/a.py"], ["other"], ("other/", "")),
    ],
)
def test_source_roots(paths: list[str], configured: list[str], expected: tuple[str, ...]) -> None:
    assert source_roots(paths, configured) == expected


def test_the_prefix_of_a_folder_inside_a_package(tmp_path: object) -> None:
    from pathlib import Path

    root = Path(str(tmp_path)) / "not-a-package"
    inner = root / "outer" / "inner"
    inner.mkdir(parents=True)
    (root / "outer" / "__init__.py").touch()
    assert package_prefix(inner) == ""
    (inner / "__init__.py").touch()
    assert package_prefix(inner) == "outer.inner"
    assert package_prefix(root / "outer") == "outer"
    assert package_prefix(root) == ""


def test_source_layouts_resolve_imports() -> None:
    files = {
        "src/app/__init__.py": "",
        "src/app/a.py": "def f(): ...\n",
        "tests/test_a.py": "from app.a import f\nf()\n",
    }
    assert reached(build(files), "tests/test_a.py") == {"src/app/a.py::f": "exact"}
    files = {"python/app/a.py": "def f(): ...\n", "tests/test_a.py": "from app.a import f\nf()\n"}
    assert reached(build(files, src=["python"]), "tests/test_a.py") == {"python/app/a.py::f": "exact"}
    files = {"db/a.py": "def f(): ...\n", "b.py": "from django.db.a import f\nf()\n"}
    assert reached(build(files, prefix="django"), "b.py") == {"db/a.py::f": "exact"}


def test_namespace_packages() -> None:
    files = {
        "ns/one/mod.py": "def f(): ...\n",
        "ns/two/mod.py": (
            "from ns.one import mod\nfrom ns.one.mod import f\nimport ns.one.mod\nmod.f()\nf()\nns.one.mod.f()\n"
        ),
    }
    assert reached(build(files), "ns/two/mod.py") == {"ns/one/mod.py::f": "exact"}


def test_a_package_and_its_module_of_the_same_name() -> None:
    files = {
        "app/__init__.py": "from .app import app\n",
        "app/app.py": "def app(): ...\n",
        "use.py": "from app import app\napp()\nimport app.app\n",
    }
    assert reached(build(files), "use.py") == {"app/app.py::app": "exact"}


# -------------------------------------------------------------------------------------------------------- classes


def test_self_cls_super_and_static_methods() -> None:
    index = build(
        {
            "a.py": """
                class Base:
                    def hook(self): ...
                    def shared(self): ...
                class A(Base):
                    def __init__(self): ...
                    def hook(self):
                        super().hook()
                        self.shared()
                        self.own()
                        self.hook()
                    @classmethod
                    def make(cls):
                        cls.own(None)
                        cls()
                        A()
                    @staticmethod
                    def free(self):
                        self.own()
                    def own(self):
                        def inner():
                            self.shared()
                        A.free(1)
            """
        }
    )
    assert reached(index, "a.py::A.hook") == {
        "a.py::Base.hook": "exact",
        "a.py::Base.shared": "exact",
        "a.py::A.own": "exact",
        "a.py::A.hook": "exact",
        "!super": "name",
    }
    made = reached(index, "a.py::A.make")
    assert made["a.py::A.own"] == "exact"
    assert made["a.py::A"] == "exact"
    assert reached(index, "a.py::A.own.inner") == {"a.py::Base.shared": "exact"}
    assert reached(index, "a.py::A.own") == {"a.py::A.free": "exact"}
    assert reached(index, "a.py::A") == {"a.py::A.__init__": "exact"}


def test_bases_across_files_breadth_first() -> None:
    index = build(
        {
            "base.py": "class Root:\n    def far(self): ...\n    def near(self): ...\n",
            "mid.py": "import base\nclass Left(base.Root): ...\nclass Right(base.Root):\n    def near(self): ...\n",
            "app.py": """
                from mid import Left, Right
                class A(Left, Right):
                    def f(self):
                        self.far()
                        self.near()
                        self.nowhere()
            """,
        }
    )
    assert reached(index, "app.py::A.f") == {
        "base.py::Root.far": "exact",
        "mid.py::Right.near": "exact",
        "!self.nowhere": "name",
    }


def test_generic_bases_and_nested_classes() -> None:
    index = build(
        {
            "a.py": """
                class Box(Generic[T]):
                    class Inner:
                        def deep(self): ...
                    def get(self): ...
                class IntBox(Box[int]):
                    def f(self):
                        self.get()
                def g():
                    Box.Inner.deep(1)
            """
        }
    )
    assert reached(index, "a.py::IntBox.f") == {"a.py::Box.get": "exact"}
    assert reached(index, "a.py::g") == {"a.py::Box.Inner.deep": "exact"}


def test_constructors_reach_init_even_an_inherited_one() -> None:
    index = build(
        {"a.py": "class A:\n    def __init__(self): ...\nclass B(A): ...\nclass C: ...\ndef f():\n    B()\n    C()\n"}
    )
    assert reached(index, "a.py::f") == {"a.py::B": "exact", "a.py::C": "exact"}
    assert reached(index, "a.py::B") == {"a.py::A.__init__": "exact"}
    assert reached(index, "a.py::C") == {}


@pytest.mark.parametrize(
    "annotation",
    [
        *("Pool", '"Pool"', "'Pool'", "Pool | None", "None | Pool", "Optional[Pool]", "typing.Optional[Pool]"),
        *("Optional[Annotated[Pool[int, str], 1]]", "Final[Pool]", "t.Optional[lib.Pool[int | None]]"),
        *('Optional["Pool"]', '"Pool | None"', "Annotated[Pool, 1]", "lib.Pool", "lib.Pool | None", "Pool[int]"),
    ],
)
def test_annotated_arguments_are_instances(annotation: str) -> None:
    index = build(
        {
            "lib.py": (
                "class Pool:\n    def run(self): ...\n    def other_run(self): ...\nclass Other:\n"
                "    def run(self): ...\n"
            ),
            "app.py": f"import lib\nfrom lib import Pool\ndef f(pool: {annotation}):\n    pool.run()\n",
        }
    )
    assert reached(index, "app.py::f") == {"lib.py::Pool.run": "inferred"}


@pytest.mark.parametrize(
    "annotation",
    [
        "Pool[int] | Other[str]",
        "Optional[Pool | Other]",
        "[Pool",
        "None",
        "list[Pool]",
        "Callable[[], Pool]",
        "type[Pool]",
        "Pool | Other",
        "dict[str, Pool]",
        "Sequence['Pool']",
    ],
)
def test_annotations_of_something_else_are_not_instances(annotation: str) -> None:
    index = build(
        {
            "lib.py": "class Pool:\n    def run(self): ...\nclass Other:\n    def run(self): ...\n",
            "app.py": f"from lib import Pool, Other\ndef f(pool: {annotation}):\n    pool.run()\n",
        }
    )
    assert reached(index, "app.py::f") == {"!pool.run": "name"}


def test_receivers_inferred_from_constructors_and_return_types() -> None:
    index = build(
        {
            "lib.py": """
                class Pool:
                    def run(self): ...
                    def spare(self): ...
                class Twin:
                    def run(self): ...
                    def spare(self): ...
                def make() -> Pool: ...
                def maybe() -> Pool | None: ...
                def unknown(): ...
                shared = Pool()
            """,
            "app.py": """
                import lib
                from lib import Pool, make, maybe, shared, unknown
                def local():
                    pool = Pool()
                    pool.run()
                def factory():
                    pool = make()
                    pool.run()
                def optional():
                    pool = maybe()
                    pool.run()
                def nothing():
                    pool = unknown()
                    pool.run()
                def module_level():
                    shared.run()
                    lib.shared.spare()
                def alias():
                    again = shared
                    again.run()
                def twice(flag):
                    pool = Pool()
                    if flag:
                        pool = lib.Twin()
                    pool.run()
                class Owner:
                    kept = Pool()
                    def __init__(self, given: Pool):
                        self.pool = Pool()
                        self.given = given
                    def use(self):
                        self.pool.run()
                    def use_kept(self):
                        self.kept.run()
                class Child(Owner):
                    def use_inherited(self):
                        self.pool.spare()
            """,
        }
    )
    run = {"lib.py::Pool.run": "inferred"}
    assert reached(index, "app.py::local") == {"lib.py::Pool": "exact", **run}
    assert reached(index, "app.py::factory") == {"lib.py::make": "exact", **run}
    assert reached(index, "app.py::optional") == {"lib.py::maybe": "exact", **run}
    assert reached(index, "app.py::nothing") == {"lib.py::unknown": "exact", "!pool.run": "name"}
    assert reached(index, "app.py::module_level") == {**run, "lib.py::Pool.spare": "inferred"}
    assert reached(index, "app.py::alias") == run
    assert reached(index, "app.py::twice") == {
        "lib.py::Pool": "exact",
        "lib.py::Twin": "exact",
        "!pool.run": "name",
    }
    assert reached(index, "app.py::Owner.use") == run
    assert reached(index, "app.py::Owner.use_kept") == run
    assert reached(index, "app.py::Child.use_inherited") == {"lib.py::Pool.spare": "inferred"}


def test_calling_an_instance() -> None:
    index = build({"a.py": "class A:\n    def __call__(self): ...\na = A()\ndef f():\n    a()\n"})
    assert reached(index, "a.py::f") == {"a.py::A.__call__": "inferred"}


def test_the_only_method_of_a_name_is_a_guess_and_says_so() -> None:
    index = build(
        {
            "lib.py": (
                "class A:\n    def frobnicate(self): ...\n    def append(self, x): ...\n"
                "    def twice(self): ...\nclass B:\n    def twice(self): ...\n"
            ),
            "app.py": (
                "import os\ndef f(x):\n    x.frobnicate()\n    g().frobnicate()\n    x.append(1)\n"
                "    x.twice()\n    os.frobnicate()\n"
            ),
        }
    )
    assert reached(index, "app.py::f") == {
        "lib.py::A.frobnicate": "name",
        "!g": "name",
        "!x.append": "name",
        "!x.twice": "name",
        "!os.frobnicate": "name",
    }


# -------------------------------------------------------------------------------------------------------- scopes


def test_local_functions_and_closures() -> None:
    index = build(
        {
            "a.py": """
                def helper(): ...
                def f():
                    def helper(): ...
                    helper()
                    def g():
                        helper()
                        outer()
                def outer(): helper()
            """
        }
    )
    assert reached(index, "a.py::f") == {"a.py::f.helper": "exact"}
    assert reached(index, "a.py::f.g") == {"a.py::f.helper": "exact", "a.py::outer": "exact"}
    assert reached(index, "a.py::outer") == {"a.py::helper": "exact"}


def test_a_parameter_hides_an_import_and_a_global() -> None:
    index = build(
        {
            "lib.py": "def load(): ...\n",
            "a.py": """
                from lib import load
                import lib
                def save(): ...
                def f(load, save, lib):
                    load()
                    save()
                    lib.load()
                def g(*load, **save):
                    load()
                    save()
                h = lambda load: load()
            """,
        }
    )
    assert reached(index, "a.py::f") == {"!load": "name", "!save": "name", "!lib.load": "name"}
    assert reached(index, "a.py::g") == {"!load": "name", "!save": "name"}
    assert reached(index, "a.py::h") == {"!load": "name"}


def test_class_scope_is_not_visible_in_methods() -> None:
    index = build(
        {
            "a.py": """
                def size(): ...
                class A:
                    def size(self): ...
                    def f(self):
                        size()
                    def only_here(self): ...
                    def g(self):
                        only_here()
                    size(1)
            """
        }
    )
    assert reached(index, "a.py::A.f") == {"a.py::size": "exact"}
    assert reached(index, "a.py::A.g") == {"!only_here": "name"}
    assert reached(index, "a.py::A") == {"a.py::A.size": "exact"}


@pytest.mark.parametrize(
    "binding",
    [
        "helper = 1",
        "helper = table['x']",
        "helper: int = 3",
        "helper, other = pair",
        "for helper in helpers: pass",
        "with manager() as helper: pass",
        "try: pass\n    except E as helper: pass",
        "(helper := compute)",
        "import os as helper",
        "helper = make().it()",
        "helper += 1",
        "match x:\n        case helper: pass",
        "[*helper] = x",
        "for a, (b, helper) in c: pass",
    ],
)
def test_a_local_name_hides_a_global(binding: str) -> None:
    index = build({"a.py": f"def helper(): ...\ndef f(x):\n    {binding}\n    helper()\n"})
    assert "a.py::helper" not in reached(index, "a.py::f")


@pytest.mark.parametrize(
    "binding", ["global helper\n    helper = g", "[helper for helper in x]", "x.helper = 1", "call(helper=1)"]
)
def test_what_does_not_hide_a_global(binding: str) -> None:
    index = build({"a.py": f"def helper(): ...\ndef g(): ...\ndef f(x):\n    {binding}\n    helper()\n"})
    assert "a.py::helper" in reached(index, "a.py::f")


def test_a_function_of_a_builtins_name() -> None:
    index = build({"a.py": "def open(): ...\ndef f():\n    open()\n    print()\n", "b.py": "def f():\n    open()\n"})
    assert reached(index, "a.py::f") == {"a.py::open": "exact", "!print": "name"}
    assert reached(index, "b.py::f") == {"!open": "name"}


def test_overloads_and_conditional_definitions_are_one_target() -> None:
    index = build(
        {
            "a.py": """
                @overload
                def f(x: int) -> int: ...
                @overload
                def f(x: str) -> str: ...
                def f(x): return x
                if windows:
                    def g(): ...
                else:
                    def g(): ...
                class A:
                    @property
                    def p(self): ...
                    @p.setter
                    def p(self, v): ...
                def h():
                    f(1)
                    g()
                    A.p()
            """
        }
    )
    assert reached(index, "a.py::h") == {"a.py::f": "exact", "a.py::g#2": "exact", "a.py::A.p": "exact"}


# ------------------------------------------------------------------------------------------------------- hostility


def test_import_cycles_end() -> None:
    index = build(
        {
            "a.py": "from b import x\nfrom b import *\ndef f():\n    x()\n    y()\n",
            "b.py": "from c import x\nfrom c import *\n",
            "c.py": "from a import x\nfrom a import *\n",
        }
    )
    assert reached(index, "a.py::f") == {"!x": "name", "!y": "name"}


def test_a_class_that_inherits_from_itself_or_in_a_circle() -> None:
    index = build(
        {
            "a.py": """
                class A(A):
                    def f(self):
                        self.g()
                        super().g()
                class B(C):
                    def f(self):
                        self.nope()
                        super().f()
                class C(B): ...
                class A2(A2.Inner): ...
            """
        }
    )
    assert reached(index, "a.py::A.f") == {"!self.g": "name", "!super": "name", "!super().g": "name"}
    assert set(reached(index, "a.py::B.f")) <= {"!self.nope", "!super", "a.py::B.f", "!super().f"}


@pytest.mark.parametrize(
    "source",
    [
        "".join(f"x{i} = x{i + 1}\n" for i in range(5_000)) + "x5000 = f\ndef f(): ...\ndef g():\n    x0()\n",
        "".join(f"x{i} = x{i + 1}()\n" for i in range(5_000)) + "def g():\n    x0()\n",
        "".join(f"x{i} = x{(i + 1) % 3000}.y\n" for i in range(3_000)) + "def g():\n    x0.y()\n",
        "class A:\n    def m(self):\n"
        + "".join(f"        self.x{i} = self.x{i + 1}()\n" for i in range(3_000))
        + "        self.x0()\n",
        "".join(f"class A{i}(A{i + 1}): ...\n" for i in range(3_000)) + "def g():\n    A0.m()\n",
        "".join(f"class A{i}(A{i - 1}):\n    def m(self):\n        super().m()\n" for i in range(1_500)),
        "".join(f"def f{i}() -> f{i + 1}: ...\nx{i} = f{i}()\n" for i in range(2_000)) + "def g():\n    x0.m()\n",
        "".join(f"def f{i}(a: x{i + 1}):\n    x{i} = a\n    x{i}.m()\n" for i in range(2_000)),
        "x = x.y.z()\ny = y()\nz = z\ndef g():\n    x()\n    y()\n    z()\n    x.x.x()\n",
        "a" + ".b" * 5_000 + "()\n" + "a = a" + ".b" * 50 + "()\n",
        "from a import *\n" * 2_000 + "x()\n",
        "class A:\n" + "".join(f"    x{i} = x{i + 1}()\n" for i in range(3_000)) + "    x0.y()\n",
    ],
)
def test_hostile_chains_end(source: str) -> None:
    with at_most(30):
        index = build({"a.py": source})
    assert index.modules[0].name == "a"


def test_a_long_chain_of_re_exports_ends() -> None:
    files = {f"m{i}.py": f"from m{i + 1} import name\nfrom m{i + 1} import *\n" for i in range(300)}
    files["m300.py"] = "def name(): ...\ndef starred(): ...\n"
    files["app.py"] = (
        "from m0 import name\nfrom m295 import name as close, starred\ndef f():\n    name()\n"
        "    close()\n    starred()\n"
    )
    with at_most(30):
        index = build(files)
    assert set(reached(index, "app.py::f")) >= {"m300.py::name", "m300.py::starred"}


def test_stars_that_double_at_every_step_end() -> None:
    files = {f"m{i}.py": f"from m{i + 1} import *\nfrom n{i + 1} import *\n" for i in range(30)}
    files.update({f"n{i}.py": f"from m{i + 1} import *\nfrom n{i + 1} import *\n" for i in range(30)})
    files["app.py"] = "from m0 import *\ndef f():\n    nowhere()\n"
    with at_most(30):
        assert reached(build(files), "app.py::f") == {"!nowhere": "name"}
