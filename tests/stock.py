"""Small repositories of definitions that collide on purpose, for tests of linking and of changes.

Names are defined twice, stop being mentioned, come through re-exports and stars; base classes stand elsewhere, copies
drift, calls and imports go in circles.
"""

from __future__ import annotations

from hypothesis import strategies as st

PATHS = ["a.py", "b.py", "pkg/__init__.py", "pkg/a.py", "pkg/b.py", "pkg/sub/c.py", "tests/test_a.py", "b.pyi"]
MODULES = ["a", "b", "pkg", "pkg.a", "pkg.b", "pkg.sub.c", "nowhere"]
NAMES = ["alpha", "beta", "_gamma", "visit_leaf", "_visit_leaf", "loadAll", "get_size"]
CLASSES = ["Base", "Child", "_Hidden"]
BASES = ["object", "models.Model", "db.Model"]
OUTSIDE = [
    "from django.db import models\n",
    "from flask_sqlalchemy import SQLAlchemy\n\ndb = SQLAlchemy()\n",
    "from a import db\n",
    "from .b import db, models\n",
    "import pytest, scrapy\n\n\ndef pytest_alpha(): ...\n",
]
"""What frameworks find."""
LONG = """
    total = 0
    for item in values:
        if item.open and item.price > {n}:
            amount = item.price * item.quantity
            total += round(amount, 2)
        elif item.discount:
            total -= item.discount * {n}
        else:
            log(item, 'none')
    {extra}
    return finish(total, values)
"""


def _indented(n: int) -> str:
    return LONG.format(n=n, extra="pass").replace("\n", "\n    ")


def _function(name: str, target: str, n: int) -> str:
    bodies = [
        f"def {name}(x):\n    return {target}(x)\n",
        f"def {name}(x) -> None:\n    {target}\n    self_made = x\n",
        f"def {name}(values):{LONG.format(n=n, extra='values.sort()')}",
        f"def {name}(values):{LONG.format(n=n + 1, extra='values.reverse(); notify(values, total)')}",
        f"def {name}(values):\n    def inner(values):{_indented(n)}\n    return inner(values) + {target}(values)\n",
        f"def {name}(a, b, c):\n    for x in a:\n        if x:\n            for y in b:\n"
        "                if y and x or c:\n"
        f"                    while c:\n                        if a and b:\n                            {target}(x)\n"
        "    return {name}(a, b, c) if a else None\n".replace("{name}", name),
        f"async def {name}(x: Base):\n    x.{target}()\n    return getattr(x, 'visit_' + x.kind)\n",
        f"@decorated\ndef {name}(x: int | None) -> int | None:\n    return 1\n",
    ]
    return bodies[n % len(bodies)]


def _class(name: str, base: str, method: str, n: int) -> str:
    bodies = [
        f"class {name}({base}):\n    def {method}(self):\n        return self.{method}_x()\n",
        f"class {name}({base}):\n    def __init__(self):\n        self.part = {base}()\n\n    def {method}(self):\n"
        f"        self.part.{method}()\n        super().{method}()\n",
        f"class {name}:\n    def {method}(self, values):{_indented(n)}\n",
        f"class {name}({base}): ...\n",
        f"class {name}({base}):\n    def __init_subclass__(cls): ...\n\n    class {method}: ...\n",
    ]
    return bodies[n % len(bodies)]


SETTINGS = """
[rules.naming]
min-functions = 4
min-majority = 0.6
[rules.complexity]
max-cognitive = 2
[rules.dead-code]
public = "always"
include-tests = true
[rules.module-organization]
include-lazy = true
[rules.combine-functions]
include-tests = true
"""
RULES = """
- name: popular
  description: Called by {fan_in} symbols, from {callers_count} places
  condition: {min_fan_in: 1}
  severity: info
- name: calls-alpha
  match: {kind: [function, method]}
  condition: {has_calls_to: ["*alpha*"]}
  severity: info
- name: called-by-pkg
  condition: {called_by: ["pkg.*"]}
  severity: info
- name: lonely
  match: {kind: [function, method, class]}
  condition: {no_callers: true, imports: ["*b*"]}
  severity: info
- name: outside
  match: {kind: [function, method, class]}
  condition: {entry_point: [framework, override]}
  severity: info
- name: busy
  condition: {min_fan_out: 2, min_calls: 2}
  severity: info
"""

small = st.integers(0, 9)
chunks = st.one_of(
    st.builds(_function, st.sampled_from(NAMES), st.sampled_from([*NAMES, *CLASSES]), small),
    st.builds(_class, st.sampled_from(CLASSES), st.sampled_from([*CLASSES, *BASES]), st.sampled_from(NAMES), small),
    st.builds(lambda m: f"import {m}\n", st.sampled_from(MODULES)),
    st.builds(
        lambda m, n: f"from {m} import {n}\n", st.sampled_from(MODULES), st.sampled_from([*NAMES, *CLASSES, "*"])
    ),
    st.builds(lambda n: f"from . import {n}\n", st.sampled_from(["a", "b", *NAMES])),
    st.builds(
        lambda m, n: f"print({m}.{n}())\n", st.sampled_from(["a", "b", "pkg"]), st.sampled_from([*NAMES, *CLASSES])
    ),
    st.sampled_from(OUTSIDE),
    st.builds(lambda n: f"thing = {n}()\nthing.alpha()\n", st.sampled_from(CLASSES)),
    st.builds(lambda n: f"use('{n}')\n", st.sampled_from([*NAMES, "visit_", "_leaf", "x y"])),
    st.builds(lambda n: f"__all__ = ['{n}']\n", st.sampled_from(NAMES)),
    st.builds(lambda n: f"def {n}(x):  # semfora: ignore[dead-code] -- kept\n    return x\n", st.sampled_from(NAMES)),
    st.sampled_from(
        ["# generated by a tool, do not edit\n", "def broken(:\n", "if __name__ == '__main__':\n    main()\n"]
    ),
)
sources = st.lists(chunks, max_size=5).map("\n\n".join)
paths = st.sampled_from(PATHS)
operations = st.one_of(
    st.tuples(st.just("edit"), paths, sources),
    st.tuples(st.just("append"), paths, chunks),
    st.tuples(st.just("delete"), paths, st.just("")),
    st.tuples(st.just("rename"), paths, paths),
    st.tuples(st.just("move"), paths, paths),
    st.tuples(st.just("revert"), st.just(""), st.just("")),
    st.tuples(st.just("merge"), paths, sources),
)
sequences = st.tuples(
    st.sampled_from([{}, {"semfora.toml": SETTINGS}, {"semfora.toml": SETTINGS, ".semfora/rules/r.yaml": RULES}]),
    st.dictionaries(paths, sources, min_size=3, max_size=len(PATHS)),
    st.lists(st.lists(operations, min_size=1, max_size=3), min_size=1, max_size=4),
)
