from __future__ import annotations

import pytest

from semfora_hooks.languages.facts import FileFacts
from semfora_hooks.model import Argument

from .helpers import read, symbol


def tree(facts: FileFacts) -> list[tuple[str, str, str]]:
    """`(qualified name, kind, parent's qualified name)`, the module left out."""
    return [(item.qualified_name, item.kind, facts.symbols[item.parent].qualified_name) for item in facts.symbols[1:]]


def test_an_empty_file_is_a_module_and_nothing_else() -> None:
    facts = read(b"")
    assert [(s.name, s.qualified_name, s.kind, s.parent) for s in facts.symbols] == [("", "", "module", -1)]
    module = facts.symbols[0]
    assert (module.start_line, module.end_line, module.start_column, module.loc) == (1, 1, 1, 0)
    assert (facts.calls, facts.imports, facts.mentions, facts.exports, facts.problems) == ([], [], {}, None, [])
    assert not facts.has_main_guard


def test_every_kind_of_symbol_with_its_parent() -> None:
    facts = read(
        """
        def function(): ...
        async def coroutine(): ...
        class Plain:
            def method(self):
                def inner():
                    class Deep:
                        def deepest(self): ...
            class Nested:
                async def method(self): ...
        class Colour(enum.Enum):
            RED = 1
        class Flags(IntFlag): ...
        class Reads(Protocol[T]): ...
        type Alias = int
        type Generic[T] = list[T]
        bound = lambda x: x
        """
    )
    assert tree(facts) == [
        ("function", "function", ""),
        ("coroutine", "function", ""),
        ("Plain", "class", ""),
        ("Plain.method", "method", "Plain"),
        ("Plain.method.inner", "function", "Plain.method"),
        ("Plain.method.inner.Deep", "class", "Plain.method.inner"),
        ("Plain.method.inner.Deep.deepest", "method", "Plain.method.inner.Deep"),
        ("Plain.Nested", "class", "Plain"),
        ("Plain.Nested.method", "method", "Plain.Nested"),
        ("Colour", "enum", ""),
        ("Flags", "enum", ""),
        ("Reads", "interface", ""),
        ("Alias", "type_alias", ""),
        ("Generic", "type_alias", ""),
        ("bound", "function", ""),
    ]
    assert [item.name for item in facts.symbols if item.is_async] == ["coroutine", "method"]


def test_a_function_under_a_condition_in_a_class_is_a_method() -> None:
    facts = read(
        """
        class A:
            if sys.platform == "win32":
                def open(self): ...
            else:
                def open(self, mode): ...
        """
    )
    assert tree(facts) == [("A", "class", ""), ("A.open", "method", "A"), ("A.open", "method", "A")]
    assert [len(item.arguments) for item in facts.symbols[2:]] == [1, 2]


def test_positions_start_at_the_definition_not_at_its_decorators() -> None:
    facts = read(b"@one\n@two(3)\nclass A:\n    @three\n    def m(self):\n        pass\n\n\nx = 1\n")
    found = [(s.name, s.start_line, s.end_line, s.start_column) for s in facts.symbols[1:]]
    assert found == [("A", 3, 6, 1), ("m", 5, 6, 5)]


def test_roles_of_overloads_and_accessors() -> None:
    facts = read(
        """
        @overload
        def load(x: int) -> int: ...
        @typing.overload
        def load(x: str) -> str: ...
        def load(x): return x
        class A:
            @property
            def value(self): return 1
            @value.setter
            def value(self, new): pass
            @value.deleter
            def value(self): pass
            @other.setter
            def unrelated(self, new): pass
        """
    )
    assert [(s.qualified_name, s.role) for s in facts.symbols[1:]] == [
        ("load", "overload"),
        ("load", "overload"),
        ("load", ""),
        ("A", ""),
        ("A.value", ""),
        ("A.value", "setter"),
        ("A.value", "deleter"),
        ("A.unrelated", ""),
    ]


def test_arguments_of_every_kind() -> None:
    facts = read(
        """
        def f(a, b: int, /, c=1, d: dict[str, int] = {}, *args: str, e, g: "T" = None, **kwargs: Any) -> list[ int ]:
            pass
        """
    )
    function = symbol(facts, "f")
    assert function.arguments == (
        Argument(name="a", kind="positional_only"),
        Argument(name="b", type="int", kind="positional_only"),
        Argument(name="c", default="1", kind="positional"),
        Argument(name="d", type="dict[str, int]", default="{}", kind="positional"),
        Argument(name="args", type="str", kind="var_positional"),
        Argument(name="e", kind="keyword_only"),
        Argument(name="g", type='"T"', default="None", kind="keyword_only"),
        Argument(name="kwargs", type="Any", kind="var_keyword"),
    )
    assert function.return_type == "list[ int ]"


def test_a_bare_star_makes_what_follows_keyword_only() -> None:
    facts = read("def f(a, *, b, c=2, **rest): pass\ndef g(*, only): pass\n")
    assert [(a.name, a.kind) for a in symbol(facts, "f").arguments] == [
        ("a", "positional"),
        ("b", "keyword_only"),
        ("c", "keyword_only"),
        ("rest", "var_keyword"),
    ]
    assert [(a.name, a.kind) for a in symbol(facts, "g").arguments] == [("only", "keyword_only")]


def test_arguments_over_several_lines_with_comments() -> None:
    facts = read(
        """
        def f(
            a,  # first
            # nothing
            b: Callable[
                [int],
                str,
            ] = lambda x: str(x),
        ): pass
        """
    )
    assert symbol(facts, "f").arguments == (
        Argument(name="a", kind="positional"),
        Argument(name="b", type="Callable[ [int], str, ]", default="lambda x: str(x)", kind="positional"),
    )


def test_a_very_long_default_is_cut() -> None:
    facts = read("def f(a=" + "1 + " * 1000 + "1): pass\n")
    default = symbol(facts, "f").arguments[0].default
    assert default is not None
    assert len(default) == 200
    assert default.startswith("1 + 1 + 1")
    assert default.endswith("…")


def test_lambdas_with_a_name_are_functions_and_others_are_counted() -> None:
    facts = read(
        """
        key = lambda a, *b, c=1: a or c
        def f():
            g = lambda: h()
            return sorted(x, key=lambda y: y)
        table = {1: lambda: 2}
        self.attribute = lambda: 3
        """
    )
    assert [(s.qualified_name, s.kind) for s in facts.symbols[1:]] == [
        ("key", "function"),
        ("f", "function"),
        ("f.g", "function"),
    ]
    assert [(a.name, a.kind, a.default) for a in symbol(facts, "key").arguments] == [
        ("a", "positional", None),
        ("b", "var_positional", None),
        ("c", "keyword_only", "1"),
    ]
    assert symbol(facts, "f").control_flow.lambda_ == 1
    assert facts.symbols[0].control_flow.lambda_ == 2
    assert [facts.symbols[c.owner].qualified_name for c in facts.calls if c.callee == "h"] == ["f.g"]


def test_decorators_are_dotted_names_without_arguments() -> None:
    facts = read(
        """
        @plain
        @pkg.mod.dotted
        @called(1, key="x")
        @app.route("/")
        def f(): pass
        """
    )
    assert symbol(facts, "f").decorators == ("plain", "pkg.mod.dotted", "called", "app.route")


def test_decorators_of_an_outer_definition_do_not_reach_an_inner_one() -> None:
    facts = read(
        """
        @outer
        def f():
            def g(): pass
            @inner
            def h(): pass
        """
    )
    assert [(s.name, s.decorators) for s in facts.symbols[1:]] == [("f", ("outer",)), ("g", ()), ("h", ("inner",))]


@pytest.mark.parametrize(
    ("source", "bases", "kind"),
    [
        ("class A: pass", (), "class"),
        ("class A(): pass", (), "class"),
        ("class A(B, c.D, metaclass=M): pass", ("B", "c.D"), "class"),
        ("class A(Generic[T], B[int]): pass", ("Generic[T]", "B[int]"), "class"),
        ("class A(typing.Protocol): pass", ("typing.Protocol",), "interface"),
        ("class A(asyncio.Protocol): pass", ("asyncio.Protocol",), "class"),
        ("class A(str, Enum): pass", ("str", "Enum"), "enum"),
        ("class A(make(1)): pass", ("make(1)",), "class"),
        ("class A(*bases, **kw): pass", ("*bases",), "class"),
        ("class A[T](B[T]): pass", ("B[T]",), "class"),
    ],
)
def test_bases_and_what_they_make_of_a_class(source: str, bases: tuple[str, ...], kind: str) -> None:
    found = symbol(read(source), "A")
    assert (found.base_classes, found.kind) == (bases, kind)


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [("-> int", "int"), ("-> int | None", "int | None"), ("->'Self'", "'Self'"), ("", None)],
)
def test_return_types(annotation: str, expected: str | None) -> None:
    assert symbol(read(f"def f() {annotation}: pass"), "f").return_type == expected


@pytest.mark.parametrize(
    ("body", "is_stub"),
    [
        ("...", True),
        ("pass", True),
        ("'''Doc.'''", True),
        ("'''Doc.'''\n...", True),
        ("raise NotImplementedError", True),
        ("raise NotImplementedError('later')", True),
        ("# nothing yet\npass", True),
        ("raise ValueError", False),
        ("return None", False),
        ("return", False),
        ("x", False),
        ("'''Doc.'''\nreturn 1", False),
    ],
)
def test_stubs(body: str, is_stub: bool) -> None:
    text = "def f():\n" + "".join(f"    {line}\n" for line in body.split("\n"))
    assert symbol(read(text), "f").is_stub is is_stub


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("return 1", False),
        ("return", True),
        ("return None", True),
        ("pass", True),
        ("if a:\n    return 1", True),
        ("if a:\n    return 1\nelse:\n    return 'x'", False),
        ("if a:\n    return 1\nelif b:\n    return 2", True),
        ("return g()", None),
        ("return x", None),
        ("return len(x)", False),
        ("return 'a' if b else 'c'", False),
        ("return 'a' if b else None", None),
        ("while True:\n    return 1", False),
        ("while True:\n    break\nreturn 1", False),
        ("while True:\n    break", True),
        ("try:\n    return 1\nexcept E:\n    raise", False),
        ("try:\n    return 1\nexcept E:\n    pass", True),
        ("raise E", False),
        ("def g():\n    return None\nreturn 1", False),
        ("yield 1\nreturn", None),
        ("return (1)", False),
        ("with a:\n    return 1", None),
    ],
)
def test_whether_a_function_returns_none(body: str, expected: bool | None) -> None:
    text = "def f() -> int | None:\n" + "".join(f"    {line}\n" for line in body.split("\n"))
    assert symbol(read(text), "f").returns_none is expected


def test_returning_none_is_only_asked_where_the_annotation_allows_it() -> None:
    assert symbol(read("def f() -> int:\n    return 1\n"), "f").returns_none is None
    assert symbol(read("def f():\n    return 1\n"), "f").returns_none is None
    assert symbol(read("def f() -> Optional[int]:\n    return 1\n"), "f").returns_none is False


def test_type_checks_in_chains_and_guards() -> None:
    facts = read(
        """
        def chain(x, y):
            if isinstance(x, int):
                pass
            elif isinstance(x, (str, bytes)):
                pass
            elif isinstance(y, list):
                pass
            if isinstance(x, float): pass
        def guard(x):
            if not isinstance(x, int):
                raise TypeError("x")
        def soft(x):
            if not isinstance(x, int):
                return None
        def late(x):
            if x:
                if not isinstance(x, int):
                    raise TypeError
        """
    )

    def checks(name: str) -> list[tuple[str, tuple[str, ...], int, bool]]:
        return [(c.name, c.types, c.branches, c.guard) for c in symbol(facts, name).type_checks]

    assert sorted(checks("chain")) == [("x", ("int", "str", "bytes", "float"), 2, False), ("y", ("list",), 1, False)]
    assert checks("guard") == [("x", ("int",), 0, True)]
    assert checks("soft") == []
    assert checks("late") == []


def test_lines_of_code_leave_out_blanks_comments_and_docstrings() -> None:
    facts = read(
        '''\
        """Module.

        More.
        """

        import a  # comment


        # comment
        def f(x):
            """One."""
            # comment

            y = """text

            more"""
            return y

        class A:
            """Doc
            string."""

            b = 1
        '''
    )
    assert symbol(facts, "f").loc == 4  # the blank line inside a string is blank too
    assert symbol(facts, "A").loc == 2
    assert facts.symbols[0].loc == 7
    assert facts.lines == 23


def test_own_mentions_count_the_name_inside_its_own_body_only() -> None:
    facts = read(
        """
        def f(n):
            return f(n - 1) + g.f(f_other)
        f(3)
        """
    )
    assert symbol(facts, "f").own_mentions == 2
    assert facts.mentions["f"] == 3
    assert facts.mentions["f_other"] == 1


def test_own_mentions_count_what_mentions_count_and_no_prose() -> None:
    facts = read(
        """
        def f(n):
            log("f was called, and f is slow", f"{f.count} times", "f")
        f(3)
        """
    )
    assert symbol(facts, "f").own_mentions == 2  # interpolated code, and a string that is a name
    assert facts.mentions["f"] == 3


def test_mentions_hold_names_in_code_strings_and_interpolations_but_not_in_prose() -> None:
    facts = read(
        '''
        """Docstring names nothing: secret_doc."""
        # comment: secret_comment
        def defined(argument):
            getattr(thing, "by_name")
            log("a sentence about secret_prose")
            text = f"value {interpolated} is {attr.deep}"
            load("pkg.mod:target")
            "secret_statement"
        class Kept:
            field = 1
            "secret_field"
        '''
    )
    mentions = facts.mentions
    assert {name for name in mentions if name.startswith("secret")} == set()
    assert "defined" not in mentions
    for name in ("argument", "thing", "by_name", "interpolated", "attr", "deep", "pkg", "mod", "target"):
        assert mentions[name] == 1, name


def test_suppressions_keep_comments_that_speak_to_us() -> None:
    facts = read("x = 1  # semfora: ignore[a]\n# semfora: ignore-file\n# other\ny = '# semfora: no'\n")
    assert [(s.line, s.alone, s.text) for s in facts.suppressions] == [
        (1, False, "# semfora: ignore[a]"),
        (2, True, "# semfora: ignore-file"),
    ]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("# Generated by the protocol buffer compiler.  DO NOT EDIT!\nx = 1\n", True),
        ("# @generated\n", True),
        ("# We edit this by hand.\nx = 1\n", False),
        ("x = 'do not edit, generated by'\n", False),
        ('"""Text about things generated by others."""\n', False),
    ],
)
def test_generated_files(source: str, expected: bool) -> None:
    assert read(source).is_generated is expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("__all__ = ['b', 'a']\n", ["a", "b"]),
        ("__all__ = (\n    'a',\n    \"b\",\n)\n", ["a", "b"]),
        ("__all__ = []\n", []),
        ("__all__: list[str] = ['a']\n", ["a"]),
        ("__all__ = ['a']\n__all__ += ['b']\n", ["a", "b"]),
        ("__all__ = ['a']\n__all__.append('b')\n__all__.extend(['c', 'd'])\n", ["a", "b", "c", "d"]),
        ("__all__ = ['a',  # 'not_me'\n 'b']\n", ["a", "b"]),
        ("x = 1\n", None),
        ("def f():\n    __all__ = ['a']\n", None),
        ("# __all__ = ['a']\n", None),
    ],
)
def test_explicit_exports(source: str, expected: list[str] | None) -> None:
    assert read(source).exports == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('if __name__ == "__main__":\n    main()\n', True),
        ("if __name__=='__main__': main()\n", True),
        ("if (__name__ == '__main__'):\n    main()\n", True),
        ("if '__main__' == __name__:\n    main()\n", True),
        ("if __name__ == '__main__' and True:\n    main()\n", True),
        ("if __name__ != '__main__':\n    main()\n", False),
        ("def f():\n    if __name__ == '__main__':\n        pass\n", False),
        ("# if __name__ == '__main__':\nx = 1\n", False),
        ("", False),
    ],
)
def test_main_guards(source: str, expected: bool) -> None:
    assert read(source).has_main_guard is expected
