"""Calls, imports, bindings, control flow and complexity."""

from __future__ import annotations

import pytest

from semfora_hooks.languages.facts import BindingFacts, ImportFacts
from semfora_hooks.model import ControlFlow

from .helpers import calls, inside, read, symbol

# --------------------------------------------------------------------------------------------------------- calls


def test_calls_belong_to_the_innermost_symbol_around_them() -> None:
    facts = read(
        """
        at_module()
        @decorating()
        def f(x=default()) -> annotation():
            in_f()
            def g():
                in_g()
            class K(base()):
                in_class()
                def m(self):
                    in_m()
        if cond():
            at_module()
        """
    )
    found = {(facts.symbols[c.owner].qualified_name, c.callee, c.count) for c in facts.calls}
    assert found == {
        ("", "at_module", 2),
        ("", "decorating", 1),
        ("", "default", 1),
        ("", "annotation", 1),
        ("f", "in_f", 1),
        ("f.g", "in_g", 1),
        ("f", "base", 1),
        ("f.K", "in_class", 1),
        ("f.K.m", "in_m", 1),
        ("", "cond", 1),
    }


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("g()", "g"),
        ("a.b.c()", "a.b.c"),
        ("self.run()", "self.run"),
        ("super().run()", "super().run"),
        ("super().run.deep()", ".deep"),
        ("super(A, self).run()", ".run"),
        ("g().h()", ".h"),
        ("a[0].b()", ".b"),
        ("'x'.join(y)", ".join"),
        ("(a or b).c()", ".c"),
        ("(yield).c()", ".c"),
        ("a . b ()", ".b"),
        ("été.naïve()", "été.naïve"),
    ],
)
def test_what_a_call_calls(expression: str, expected: str) -> None:
    assert expected in [call[0] for call in calls(read(inside(f"{expression}\n")))]


@pytest.mark.parametrize("expression", ["a[0]()", "(lambda: 1)()", "g()()", "''()"])
def test_calls_of_what_has_no_name_are_left_out(expression: str) -> None:
    assert [call[0] for call in calls(read(inside(f"{expression}\n")))] in ([], ["g"])


def test_calls_of_one_text_are_counted_once_with_their_first_line() -> None:
    facts = read(inside("g()\nh(g())\ng(); g()\n"))
    assert calls(facts) == [("g", 2, 4, False, False), ("h", 3, 1, False, False)]


def test_in_try_means_a_handler_would_see_the_error() -> None:
    facts = read(
        inside(
            """
            before()
            try:
                body()
                with manager():
                    if x: deeper()
                def nested():
                    in_nested()
                fn = lambda: in_lambda()
                cb(lambda: in_loose_lambda())
                class Local:
                    in_local()
            except A:
                handler()
            except (B, make()):
                handler()
            else:
                in_else()
            finally:
                in_finally()
            after()
            try:
                unprotected()
            finally:
                cleanup()
            try:
                try:
                    both()
                finally:
                    protected_cleanup()
            except* A:
                group_handler()
            """
        )
    )
    in_try = {call[0] for call in calls(facts) if call[3]}
    assert in_try == {"body", "manager", "deeper", "cb", "in_loose_lambda", "both", "protected_cleanup"}
    assert [call[3] for call in calls(facts, "f.nested")] == [False]
    assert [call[3] for call in calls(facts, "f.fn")] == [False]
    assert [call[0] for call in calls(facts) if call[0] == "handler"] == ["handler"]


def test_the_same_call_inside_and_outside_try_is_two_facts() -> None:
    facts = read(inside("try:\n    g()\nexcept E:\n    g()\n"))
    assert calls(facts) == [("g", 3, 1, True, False), ("g", 5, 1, False, False)]


def test_awaited_calls() -> None:
    facts = read(
        inside(
            """
            await g()
            h()
            await a.b(inner())
            x = await (parenthesised())
            async with managed(): pass
            await named
            return await last()
            """
        )
    )
    assert {(call[0], call[4]) for call in calls(facts)} == {
        ("g", True),
        ("h", False),
        ("a.b", True),
        ("inner", False),
        ("parenthesised", True),
        ("managed", False),
        ("last", True),
    }


# ------------------------------------------------------------------------------------------------------- imports


def imports(source: str) -> list[tuple[str, int, tuple[tuple[str, str], ...], str | None]]:
    return [(item.module, item.level, item.names, item.alias) for item in read(source).imports]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import a", [("a", 0, (), None)]),
        ("import a.b.c", [("a.b.c", 0, (), None)]),
        ("import a as b", [("a", 0, (), "b")]),
        ("import a.b as c, d, e.f", [("a.b", 0, (), "c"), ("d", 0, (), None), ("e.f", 0, (), None)]),
        ("from a import b", [("a", 0, (("b", "b"),), None)]),
        ("from a.b import c as d, e", [("a.b", 0, (("c", "d"), ("e", "e")), None)]),
        ("from a import (\n    b,  # why\n    c as d,\n)", [("a", 0, (("b", "b"), ("c", "d")), None)]),
        ("from a import *", [("a", 0, (("*", "*"),), None)]),
        ("from . import a", [("", 1, (("a", "a"),), None)]),
        ("from .. import *", [("", 2, (("*", "*"),), None)]),
        ("from .a.b import c", [("a.b", 1, (("c", "c"),), None)]),
        ("from ...a import c", [("a", 3, (("c", "c"),), None)]),
        ("from .... import c", [("", 4, (("c", "c"),), None)]),
        ("from . . a import c", [("a", 2, (("c", "c"),), None)]),
        ("from a . b import c", [("a.b", 0, (("c", "c"),), None)]),
        ("import a . b", [("a.b", 0, (), None)]),
        ("import a . b as c", [("a.b", 0, (), "c")]),
        ("from __future__ import annotations", []),  # a directive to the compiler
    ],
)
def test_imports_of_every_shape(
    source: str, expected: list[tuple[str, int, tuple[tuple[str, str], ...], str | None]]
) -> None:
    assert imports(source + "\n") == expected


def test_where_an_import_stands() -> None:
    facts = read(
        """
        import top
        if TYPE_CHECKING:
            import checked
            if x:
                import checked_too
        elif other:
            import elif_branch
        else:
            import else_branch
        if typing.TYPE_CHECKING:
            from a import checked_dotted
        if not TYPE_CHECKING:
            import not_checked
        try:
            import tried
        except ImportError:
            import fallback
        with suppress(ImportError):
            import suppressed
        def f():
            import lazy
            if TYPE_CHECKING:
                import lazy_checked
        class A:
            import in_class
        """
    )
    found = {
        (item.names[0][0] if item.names else item.module): (
            facts.symbols[item.owner].qualified_name,
            item.type_checking,
            item.guarded,
        )
        for item in facts.imports
    }
    assert found == {
        "top": ("", False, False),
        "checked": ("", True, True),
        "checked_too": ("", True, True),
        "elif_branch": ("", False, True),
        "else_branch": ("", False, True),
        "checked_dotted": ("", True, True),
        "not_checked": ("", False, True),
        "tried": ("", False, True),
        "fallback": ("", False, True),
        "suppressed": ("", False, False),
        "lazy": ("f", False, False),
        "lazy_checked": ("f", True, True),
        "in_class": ("A", False, False),
    }


def test_imports_that_only_a_script_runs() -> None:
    facts = read(
        """
        import always
        def f():
            if __name__ == "__main__": import odd
        if __name__ == "__main__":
            import one
            if x:
                from two import three
        elif y:
            import four
        else:
            import five
        if "__main__" == __name__: import six
        if __name__: import seven
        """
    )
    assert [item.module for item in facts.imports if item.main_only] == ["odd", "one", "two", "six"]
    assert [item.module for item in facts.imports if not item.main_only] == ["always", "four", "five", "seven"]


def test_lines_of_imports() -> None:
    facts = read("import a\n\nfrom b import (\n    c,\n)\n")
    assert facts.imports == [
        ImportFacts("a", 0, (), None, 1, 0, False, False, False),
        ImportFacts("b", 0, (("c", "c"),), None, 3, 0, False, False, False),
    ]


def test_bindings_that_can_be_followed() -> None:
    facts = read(
        """
        a = b
        c = D()
        e = f.g()
        h = i().j()
        k, l = m()
        n: int = O()
        class K:
            attr = Type()
            def m(self):
                self.x = Y(1)
                self.y.z = W()
                t[0] = V()
                name = self.other
        """
    )
    names = [s.qualified_name for s in facts.symbols]
    assert facts.bindings == [
        BindingFacts(0, "a", "b", False),
        BindingFacts(0, "c", "D", True),
        BindingFacts(0, "e", "f.g", True),
        BindingFacts(0, "n", "O", True),
        BindingFacts(names.index("K"), "attr", "Type", True),
        BindingFacts(names.index("K.m"), "self.x", "Y", True),
        BindingFacts(names.index("K.m"), "self.y.z", "W", True),
    ]


# -------------------------------------------------------------------------------------------------- control flow


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("if a: pass\nelif b: pass\nelif c: pass\nelse: pass", {"if_": 1, "elif_": 2, "else_": 1}),
        ("for a in b: pass\nelse: pass\nasync for c in d: pass", {"for_": 2, "else_": 1}),
        ("while a: pass\nwhile b: pass\nelse: pass", {"while_": 2, "else_": 1}),
        ("match a:\n    case 1: pass\n    case _: pass", {"match": 1, "case": 2}),
        (
            "try: pass\nexcept A: pass\nexcept B: pass\nelse: pass\nfinally: pass",
            {"try_": 1, "except_": 2, "else_": 1, "finally_": 1},
        ),
        ("try: pass\nexcept* A: pass", {"try_": 1, "except_": 1}),
        ("with a, b: pass\nasync with c: pass", {"with_": 2}),
        ("raise A\nreturn\nreturn 1", {"raise_": 1, "return_": 2}),
        ("yield 1\nx = yield\nawait a", {"yield_": 2, "await_": 1}),
        ("yield from a", {"yield_": 1}),
        ("x = a if b else c if d else e", {"ternary": 2}),
        ("x = a and b and c or d\ny = not a", {"boolean": 3}),
        ("[a for a in b if c]\n{a for a in b}\n{a: 1 for a in b}\nf(a for a in b)", {"comprehension": 4}),
        ("f(lambda: 1, lambda: 2)", {"lambda_": 2}),
        ("def g():\n    if a: pass\n    return 1", {}),
        ("class K:\n    if a: pass", {}),
        ("assert a\nassert b, c\nwith d: assert e", {"assert_": 3, "with_": 1}),
        ("x = 1\ndel x\nglobal y\nimport z\npass", {}),
    ],
)
def test_control_flow_is_counted_in_the_symbol_that_holds_it(body: str, expected: dict[str, int]) -> None:
    assert symbol(read(inside(body)), "f").control_flow == ControlFlow(**expected)


def test_control_flow_of_module_and_class_level_code() -> None:
    facts = read(
        """
        if a:
            for b in c: pass
        class K:
            with d: pass
            def m(self):
                while e: pass
        """
    )
    assert facts.symbols[0].control_flow == ControlFlow(if_=1, for_=1)
    assert symbol(facts, "K").control_flow == ControlFlow(with_=1)
    assert symbol(facts, "K.m").control_flow == ControlFlow(while_=1)


@pytest.mark.parametrize(
    ("body", "depth"),
    [
        ("pass", 0),
        ("if a: pass", 1),
        ("if a:\n    pass\nelif b:\n    for c in d: pass\nelse: pass", 2),
        ("try:\n    with a:\n        pass\nfinally:\n    pass", 2),
        ("while a:\n    if b:\n        try: pass\n        except E:\n            if c: pass", 4),
        ("match a:\n    case 1:\n        if b: pass", 2),
        ("def g():\n    if a:\n        if b: pass", 0),
        ("x = a if b else c", 0),
    ],
)
def test_nesting_depth(body: str, depth: int) -> None:
    assert symbol(read(inside(body)), "f").nesting_depth == depth


# ---------------------------------------------------------------------------------------------------- complexity


@pytest.mark.parametrize(
    ("body", "cyclomatic"),
    [
        ("pass", 1),
        ("if a: pass\nelif b: pass\nelse: pass", 3),
        ("if a and b or c: pass", 2),
        ("for a in b: pass\nelse: pass", 2),
        ("while a: pass", 2),
        ("try: pass\nexcept A: pass\nexcept B: pass\nelse: pass\nfinally: pass", 4),
        ("with a: pass", 1),
        ("match a:\n    case 1: pass\n    case 2: pass", 3),
        ("match a:\n    case 1: pass\n    case _: pass", 2),
        ("match a:\n    case 1: pass\n    case other: pass", 2),
        ("match a:\n    case 1: pass\n    case _ if b: pass", 3),
        ("x = a if b else [c for c in d if e]", 1),
        ("def g():\n    if a: pass", 3),
        ("f(lambda: 1)", 1),
    ],
)
def test_cyclomatic_complexity(body: str, cyclomatic: int) -> None:
    assert symbol(read(inside(body)), "f").cyclomatic == cyclomatic


@pytest.mark.parametrize(
    ("body", "cognitive"),
    [
        # Breaks in the linear flow, and what nests in them.
        ("if a: pass", 1),
        ("if a: pass\nelif b: pass\nelse: pass", 3),
        ("if a:\n    pass\nelse:\n    if b: pass", 4),
        ("for a in b:\n    while c:\n        if d: pass", 6),
        ("for a in b: pass\nelse: pass", 2),
        ("while a: pass\nelse:\n    if b: pass", 4),
        ("try:\n    if a: pass\nexcept B:\n    if c: pass", 4),
        ("try: pass\nexcept A: pass\nelse: pass\nfinally:\n    if a: pass", 3),
        ("with a:\n    if b: pass", 1),
        ("match a:\n    case 1: pass\n    case 2: pass\n    case _: pass", 1),
        ("match a:\n    case 1:\n        if b: pass", 3),
        ("x = a if b else c", 1),
        ("x = a if b else (c if d else e)", 3),
        ("if a:\n    x = b if c else d", 3),
        # Boolean operators: one for each run of like ones, wherever they stand.
        ("x = a and b and c and d", 1),
        ("x = a and b or c", 2),
        ("x = a or b and c or d", 3),
        ("x = a and (b or c)", 2),
        ("x = a and not (b and c)", 2),
        ("f(a and b, c and d)", 2),
        ("x[a or b] = f'{c and d}'", 2),
        ("if a and b: pass", 2),
        ("[a for a in b if c and d]", 1),
        # What costs nothing.
        ("return [a for a in b if c]", 0),
        ("raise A", 0),
        ("assert a", 0),
        ("x = not a", 0),
        ("for a in b:\n    break\n    continue", 1),
        # Nested functions count towards the enclosing one, a level deeper.
        ("x = 1\ndef g():\n    if a: pass", 2),
        ("x = 1\ndef g():\n    x = 1\n    def h():\n        if a: pass", 3),
        ("if x:\n    def g():\n        if a: pass", 4),
        ("call(lambda: a if b else c)", 2),
        ("if x:\n    call(lambda: a or b)", 2),
        # Decorators: a wrapper is not nested.
        ("def g():\n    if a: pass\nreturn g", 1),
        ("@wraps(self)\ndef g(*args):\n    if a: pass\nreturn g", 1),
        ("'''Doc.'''\n@wraps(self)\ndef g(*args):\n    if a: pass\nreturn g", 1),
        ("def g():\n    def h():\n        if a: pass\n    return h\nreturn g", 1),
        ("def g():\n    if a: pass\nreturn g()", 2),
        ("def g():\n    if a: pass\nreturn g, 1", 2),
        ("log()\ndef g():\n    if a: pass\nreturn g", 2),
        # Methods of a local class are read on their own.
        ("class K:\n    def m(self):\n        if a: pass", 1),
        ("if x:\n    class K:\n        def m(self):\n            if a: pass", 2),
        ("class K:\n    if x:\n        def m(self):\n            if a: pass", 2),
    ],
)
def test_cognitive_complexity(body: str, cognitive: int) -> None:
    assert symbol(read(inside(body)), "f").cognitive == cognitive


def test_complexity_of_inner_functions_themselves() -> None:
    facts = read(
        """
        def outer():
            if a:
                def inner():
                    if b:
                        for c in d: pass
        """
    )
    assert symbol(facts, "outer").cognitive == 1 + 3 + 4
    assert symbol(facts, "outer.inner").cognitive == 1 + 2
    assert symbol(facts, "outer").cyclomatic == 5
    assert symbol(facts, "outer.inner").cyclomatic == 3


def test_nesting_is_restored_after_a_local_class() -> None:
    facts = read(
        inside("if x:\n    class K:\n        def m(self):\n            if a: pass\n    if y: pass\nif z: pass")
    )
    assert symbol(facts, "f").cognitive == 1 + 1 + 2 + 1


# The examples of the white paper ("Cognitive Complexity", G. Ann Campbell, SonarSource, 2018 and later), as far as they
# can be said in Python. `break OUTER` and `continue OUTER` cannot; where the paper counts 1 for one, the sum says so.


def test_white_paper_sum_of_primes() -> None:
    facts = read(
        """
        def sum_of_primes(max):
            total = 0
            for i in range(1, max + 1):     # +1
                for j in range(2, i):       # +2
                    if i % j == 0:          # +3
                        break               # the paper: +1, a jump to a label
                total += i
            return total
        """
    )
    assert symbol(facts, "sum_of_primes").cognitive == 7 - 1


def test_white_paper_sum_of_primes_with_an_else_for_the_label() -> None:
    facts = read(
        """
        def sum_of_primes(max):
            total = 0
            for i in range(1, max + 1):     # +1
                for j in range(2, i):       # +2
                    if i % j == 0:          # +3
                        break
                else:                       # +1
                    total += i
            return total
        """
    )
    assert symbol(facts, "sum_of_primes").cognitive == 7


def test_white_paper_get_words() -> None:
    facts = read(
        """
        def get_words(number):
            match number:                   # +1
                case 1: return "one"
                case 2: return "a couple"
                case 3: return "a few"
                case _: return "lots"
        """
    )
    assert symbol(facts, "get_words").cognitive == 1
    assert symbol(facts, "get_words").cyclomatic == 4


def test_white_paper_my_method_with_catch() -> None:
    facts = read(
        """
        def my_method():
            try:
                if condition1:                      # +1
                    for i in range(10):             # +2
                        while condition2: pass      # +3
            except (Excep1, Excep2) as e:           # +1
                if condition2: pass                 # +2
        """
    )
    assert symbol(facts, "my_method").cognitive == 9


def test_white_paper_my_method_with_lambda() -> None:
    facts = read(
        """
        def my_method2():
            r = 1
            def run():                  # nesting 1
                if condition1: pass     # +2
        """
    )
    assert symbol(facts, "my_method2").cognitive == 2


def test_white_paper_boolean_sequences() -> None:
    facts = read(
        """
        def first():
            if (a                       # +1
                and b and c             # +1
                or d or e               # +1
                and f):                 # +1
                pass
        def second():
            if (a                       # +1
                and                     # +1
                not (b and c)):         # +1
                pass
        """
    )
    assert symbol(facts, "first").cognitive == 4
    assert symbol(facts, "second").cognitive == 3


def test_white_paper_overridden_symbol_from() -> None:
    facts = read(
        """
        def overridden_symbol_from(self, class_type):
            if class_type.is_unknown():                                                     # +1
                return Symbols.unknown_method_symbol
            unknown_found = False
            symbols = class_type.get_symbol().members().lookup("name")
            for override_symbol in symbols:                                                 # +1
                if (override_symbol.is_kind(MTH)                                            # +2
                        and not override_symbol.is_static()):                               # +1
                    method_java_symbol = override_symbol
                    if can_override(method_java_symbol):                                    # +3
                        overriding = check_overriding_parameters(method_java_symbol, class_type)
                        if overriding is None:                                              # +4
                            if not unknown_found:                                           # +5
                                unknown_found = True
                        elif overriding:                                                    # +1
                            return method_java_symbol
            if unknown_found:                                                               # +1
                return Symbols.unknown_method_symbol
            return None
        """
    )
    assert symbol(facts, "overridden_symbol_from").cognitive == 19


def test_white_paper_add_version() -> None:
    # 35 in the paper; a `do … while` of a `Thread` wait is a plain statement here, `synchronized` is `with`.
    facts = read(
        """
        def add_version(entry, txn):
            ti = self._persistit.get_transaction_index()
            while True:                                                                     # +1
                try:
                    with lock:
                        if self.first is not None:                                          # +2
                            if self.first.version > entry.version:                          # +3
                                raise RollbackException()
                            if txn.is_active():                                             # +3
                                e = self.first
                                while e is not None:                                        # +4
                                    version = e.version
                                    depends = ti.ww_dependency(version, txn.status, 0)
                                    if depends == TIMED_OUT:                                # +5
                                        raise WWRetryException(version)
                                    if depends != 0 and depends != ABORTED:                 # +5, +1
                                        raise RollbackException()
                                    e = e.previous
                        entry.previous = self.first
                        self.first = entry
                        break
                except WWRetryException as re:                                              # +2
                    try:
                        depends = self._persistit.ww_dependency(re.version)
                        if depends != 0 and depends != ABORTED:                             # +3, +1
                            raise RollbackException()
                    except InterruptedException as ie:                                      # +3
                        raise PersistitInterruptedException(ie)
                except InterruptedException as ie:                                          # +2
                    raise PersistitInterruptedException(ie)
        """
    )
    assert symbol(facts, "add_version").cognitive == 35


def test_white_paper_to_regexp() -> None:
    facts = read(
        """
        def to_regexp(ant_pattern, directory_separator):
            escaped = "\\\\" + directory_separator
            sb = ["^"]
            i = 1 if ant_pattern.startswith("/") or ant_pattern.startswith("\\\\") else 0    # +1, +1
            while i < len(ant_pattern):                                                     # +1
                ch = ant_pattern[i]
                if SPECIAL_CHARS.find(ch) != -1:                                            # +2
                    sb.append(ch)
                elif ch == "*":                                                             # +1
                    if i + 1 < len(ant_pattern) and ant_pattern[i + 1] == "*":              # +3, +1
                        if i + 2 < len(ant_pattern) and is_slash(ant_pattern[i + 2]):       # +4, +1
                            sb.append("x")
                            i += 2
                        else:                                                               # +1
                            sb.append(".*")
                            i += 1
                    else:                                                                   # +1
                        sb.append("y")
                elif ch == "?":                                                             # +1
                    sb.append("z")
                elif is_slash(ch):                                                          # +1
                    sb.append(escaped)
                else:                                                                       # +1
                    sb.append(ch)
                i += 1
            return "".join(sb)
        """
    )
    assert symbol(facts, "to_regexp").cognitive == 20


def test_white_paper_decorators() -> None:
    facts = read(
        """
        def a_decorator(a, b):
            def inner(func):        # nesting 0
                if condition:       # +1
                    print(b)
                func()
            return inner
        def not_a_decorator(a, b):
            my_var = a * b
            def inner(func):        # nesting 1
                if condition:       # +2
                    print(b)
                func()
            return inner
        def decorator_generator(a):
            def generator(func):
                def decorator(func):    # nesting 0
                    if condition:       # +1
                        print(b)
                    return func()
                return decorator
            return generator
        """
    )
    assert symbol(facts, "a_decorator").cognitive == 1
    assert symbol(facts, "not_a_decorator").cognitive == 2
    assert symbol(facts, "decorator_generator").cognitive == 1
