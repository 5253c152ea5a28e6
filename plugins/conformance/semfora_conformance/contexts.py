"""The contexts of the conformance kit. Deterministic: the same bytes on every machine."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from typing import Any

LAYERS = ["api", "core", "db"]
Json = dict[str, Any]


def compact(value: Json) -> bytes:
    """As the host writes it: no spaces, UTF-8."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def escaped(value: Json) -> bytes:
    """As other tools may write it: indented, everything beyond ASCII escaped, slashes too."""
    return json.dumps(value, ensure_ascii=True, indent=2).replace("/", "\\/").encode() + b"\r\n\t "


def document(**changes: Any) -> Json:
    """A context document with little in it."""
    return {
        "schema": "semfora.suggest_context",
        "version": 1,
        "generator": {"name": "conformance", "version": "1", "capabilities": []},
        "repository": {"name": "kit", "head": None},
        "scope": {"kind": "repo", "base_ref": None, "files": [], "symbols": []},
        "config": {"layers": LAYERS},
    } | changes


def symbol(module: str, name: str, line: int = 1, **changes: Any) -> Json:
    """A function with all that is required of a symbol, and nothing else."""
    return {
        "id": f"{module}:{name}",
        "name": name,
        "qualified_name": f"{module}.{name}",
        "kind": "function",
        "module": module,
        "file": f"src/{module.replace('.', '/')}.py",
        "start_line": line,
        "end_line": line + 8,
        "start_column": 1,
        "language": "python",
        "entry_point": "none",
        "reachability": "called",
    } | changes


def call(caller: Json, callee: Json | None, line: int, resolution: str = "exact", **changes: Any) -> Json:
    """A call of `callee`, or of something outside where that is `None`."""
    target = {"external": "os.getcwd"} if callee is None else {"callee": callee["id"]}
    return {"caller": caller["id"], **target, "count": 1, "line": line, "resolution": resolution} | changes


# --------------------------------------------------------------------------------------------------- contexts


def empty() -> bytes:
    return compact({"generator": {"version": "1"}, "repository": {"name": "kit"}, "scope": {}})


def layers() -> bytes:
    view, other = symbol("shop.api.views", "show"), symbol("shop.api.views", "hide", 20)
    price, tax = symbol("shop.core.prices", "price"), symbol("shop.core.prices", "tax", 20)
    load, save = symbol("shop.db.store", "load"), symbol("shop.db.store", "save", 20)
    helper = symbol("shop.helpers", "helper")
    calls = [
        call(view, other, 2),
        call(view, price, 3),
        call(view, load, 4),
        call(price, load, 3),
        call(price, view, 4, "inferred"),
        call(tax, helper, 21),
        call(helper, view, 2),
        call(load, None, 2),
        call(load, load, 3),
        call(load, view, 4, "name", count=3),
        call(load, view, 6),
        call(load, price, 7),
        call(save, price, 22, "inferred"),
        call(save, view, 23),
        call(save, tax, 24, "name", in_try=True),
        call(save, view, 25, "name"),
    ]
    return compact(document(symbols=[view, other, price, tax, helper, load, save], calls=calls))


def every_field() -> bytes:
    owner = symbol("db.rows", "Row", kind="class", is_exported=True, base_classes=["Base", "abc.ABC"], start_column=3)
    full = symbol(
        "db.rows",
        "fetch",
        12,
        qualified_name="db.rows.Row.fetch",
        kind="method",
        start_column=5,
        parent=owner["id"],
        is_exported=True,
        is_async=True,
        is_test=True,
        is_generated=True,
        is_stub=True,
        decorators=["app.route", "retry(3)"],
        base_classes=["Base"],
        return_type="list[int] | None",
        arguments=[
            {"name": "self", "kind": "positional"},
            {"name": "key", "type": "str", "default": "'a'", "kind": "positional_only"},
            {"name": "limit", "type": "int", "default": "0", "kind": "keyword_only"},
            {"name": "rest", "type": "str", "kind": "var_positional"},
            {"name": "options", "type": "object", "kind": "var_keyword"},
        ],
        control_flow={name: number for number, name in enumerate(CONTROL_FLOW, 1)},
        metrics={name: number for number, name in enumerate(METRICS, 1)},
        entry_point="web_route",
        reachability="entry_point",
        type_checks=[{"name": "key", "types": ["str", "bytes"], "branches": 2, "guard": True}],
        returns_none=True,
    )
    kinds = [
        symbol("api.kinds", f"k_{kind}", 10 * number, kind=kind, reachability=reach, returns_none=False)
        for number, (kind, reach) in enumerate(
            zip(KINDS, [*REACHABILITY, *REACHABILITY, *REACHABILITY], strict=False), 1
        )
    ]
    calls = [
        call(full, kinds[0], 14, "inferred", count=2, in_try=True, is_awaited=True),
        call(full, None, 15, external="asyncio.sleep", is_awaited=True, count=4, in_try=True),
        call(full, kinds[1], 16, "name", count=7),
    ]
    files = [
        {"path": "src/db/rows.py", "old_path": "src/db/old.py", "change": "renamed", "lines": [[10, 24], [30, 30]]},
        {"path": "a.py", "old_path": None, "change": "added", "lines": [[1, 1]]},
        {"path": "m.py", "old_path": None, "change": "modified", "lines": []},
        {"path": "d.py", "old_path": None, "change": "deleted", "lines": []},
    ]
    return compact(
        document(
            generator={"name": "conformance-kit", "version": "9.9.9", "capabilities": ["control_flow", "imports"]},
            repository={"name": "everything", "head": "0123456789abcdef0123456789abcdef01234567"},
            scope={"kind": "range", "base_ref": "origin/main", "files": files, "symbols": [full["id"]]},
            symbols=[owner, full, *kinds],
            calls=calls,
            modules=[
                {
                    "name": "db.rows",
                    "files": 1,
                    "symbols": 2,
                    "loc": 40,
                    "imports": ["api.kinds"],
                    "external_imports": ["asyncio", "os.path"],
                    "afferent_coupling": 2,
                    "efferent_coupling": 5,
                    "instability": 0.7142857142857143,
                }
            ],
            duplicates=[
                {"symbols": [kinds[0]["id"], kinds[1]["id"]], "similarity": 1.0, "kind": "exact", "tokens": 55}
                | {"identical": True},
                {"symbols": [kinds[2]["id"], kinds[3]["id"]], "similarity": 0.93, "kind": "near", "tokens": 70},
                {"symbols": [kinds[4]["id"], full["id"]], "similarity": 0.5, "kind": "divergent", "tokens": 90},
            ],
        )
    )


CONTROL_FLOW = [
    *("if", "elif", "else", "for", "while", "match", "case", "try", "except", "finally", "with", "raise", "return"),
    *("yield", "await", "ternary", "boolean", "comprehension", "lambda"),
    "assert",
]
METRICS = [
    *("cognitive_complexity", "cyclomatic_complexity", "nesting_depth", "loc", "fan_in", "fan_out", "callers_count"),
    "argument_count",
]
KINDS = [
    *("function", "component", "class", "method", "interface", "trait", "struct", "enum", "module", "type_alias"),
    "variable",
]
REACHABILITY = ["called", "referenced", "entry_point", "unreferenced", "unknown"]


def defaults() -> bytes:
    bare = symbol("api.bare", "bare")
    spelled = symbol(
        "db.spelled",
        "spelled",
        parent=None,
        is_exported=False,
        is_async=False,
        is_test=False,
        is_generated=False,
        is_stub=False,
        decorators=[],
        base_classes=[],
        return_type=None,
        arguments=[{"name": "a", "type": None, "default": None, "kind": "positional"}],
        control_flow=dict.fromkeys(CONTROL_FLOW, 0),
        metrics=dict.fromkeys(METRICS, 0),
        type_checks=[{"name": "a", "types": [], "branches": 0, "guard": False}, {"name": "b"}],
        returns_none=None,
    )
    hollow = symbol("db.hollow", "hollow", control_flow={}, metrics={}, arguments=[])
    calls = [
        call(spelled, bare, 2, external=None, in_try=False, is_awaited=False),
        call(spelled, None, 3) | {"callee": None},
        call(hollow, bare, 4),
        {"caller": hollow["id"], "callee": None, "external": None, "count": 1, "line": 5, "resolution": "name"},
    ]
    context = document(symbols=[bare, spelled, hollow], calls=calls)
    del context["schema"], context["version"]
    context["generator"] = {"version": "1"}
    context["repository"] = {"name": "kit"}
    context["scope"] = {"files": [{"path": "a.py", "change": "modified"}]}
    context["modules"] = [{"name": "api.bare", "files": 1}, {"name": "db.spelled", "files": 1, "imports": []}]
    context["duplicates"] = [{"symbols": [], "similarity": 0, "kind": "near"}]
    return compact(context)


def unicode() -> bytes:
    names = ["pr\u00fcfe", "pru\u0308fe", "\u6771\u4eac", "\U0001f600_grin", 'quote"d', "back\\slash", "tab\there"]
    names += [
        "line\nbreak",
        "\u05e9\u05dc\u05d5\u05dd",
        "\u202eoverride",
        "esc\x1b[31mape",
        "nul\x00",
        "\x7fdel",
        "`tick`",
    ]
    names += [
        "\U0001f469\u200d\U0001f4bb",
        "\u00a0space",
        "\ufeffbom",
        "\u2028separator",
        "\u00e9\U0010ffff",
        "</script>",
    ]
    top, bottom = "\u00e4u\u00dferes", "\u5e95"
    upper = [symbol(f"paket.{top}", name, 10 * number) for number, name in enumerate(names, 1)]
    lower = [symbol(f"{bottom}.paket", name, 10 * number) for number, name in enumerate(names, 1)]
    decomposed = symbol("paket.a\u0308u\u00dferes", "decomposed")  # not `top`, though it looks the same
    calls = [call(low, up, number) for number, (low, up) in enumerate(zip(lower, upper, strict=True), 1)]
    calls.append(call(lower[0], decomposed, 99))
    context = document(
        config={"layers": [top, "\U0001f300", bottom]}, symbols=[*upper, decomposed, *lower], calls=calls
    )
    context["repository"]["name"] = "\U0001f600"
    return escaped(context)


def unknown_fields() -> bytes:
    deep: Any = "bottom"
    for _ in range(60):
        deep = {"in": [deep, None, True, -0.5e-3]}
    later = {"later": deep, "Later": [], "": {}, "sections": {"symbols": [{"id": 1}], "calls": {"caller": []}}}
    up, down = symbol("api.a", "up", **later), symbol("db.b", "down", **later)
    down["arguments"] = [{"name": "a", "kind": "positional", **later}]
    down["control_flow"] = {"if": 1, "switch": 3}
    down["metrics"] = {"loc": 3, "halstead": 1.5}
    for one in (up, down):  # an unusual order
        one["id"] = one.pop("id")
    edge = {"is_later": True, **call(down, up, 3), **later}
    modules = [{"name": "api.a", "files": 1, **later}]
    duplicates = [{"symbols": [up["id"], down["id"]], "similarity": 0.9, "kind": "near", **later}]
    scope = {"kind": "repo", "files": [{"path": "a.py", "change": "added", **later}], **later}
    return compact(
        {
            "later": deep,
            "duplicates": duplicates,
            "calls": [edge],
            "modules": modules,
            "symbols": [up, down],
            "imports": [{"importer": "a", "imported": "b"}],
            "config": {"other": later, "layers": LAYERS, "symbols": [], "calls": [1]},
            "scope": scope,
            "repository": {"name": "kit", **later},
            "generator": {"version": "2", **later},
            "version": 1,
            "schema": "semfora.suggest_context",
        }
    )


def dangling() -> bytes:
    up, down, gone = symbol("api.a", "up"), symbol("db.b", "down"), symbol("api.gone", "gone")
    calls = [call(down, gone, 2), call(gone, up, 3), call(gone, gone, 4), call(down, up, 5), call(down, None, 6)]
    return compact(document(symbols=[up, down], calls=calls))


def layer_names() -> bytes:
    modules = ["api", "api.db", "db.api", "apis.core", "API.core", "my_db", "db", "core.db", "core", "db.x.core.y", ""]
    symbols = [symbol(module, "f") for module in modules]
    calls = [call(one, two, line) for one in symbols for line, two in enumerate(symbols, 1)]
    layer_list = ["api", "core", "db", "core", "api", "unused"]
    return compact(document(symbols=symbols, calls=calls, config={"layers": layer_list}))


def _one_finding(**changes: Any) -> bytes:
    up, down = symbol("api.a", "up"), symbol("db.b", "down")
    return compact(document(symbols=[up, down], calls=[call(down, up, 3)], **changes))


def no_config() -> bytes:
    return _one_finding(config={})


def null_config() -> bytes:
    return _one_finding(config={"layers": None})


def bad_config() -> bytes:
    return _one_finding(config={"layers": "api, core"})


def bad_config_item() -> bytes:
    return _one_finding(config={"layers": ["api", 1, "db"]})


def numbers() -> bytes:
    config = {"big": 9007199254740993, "small": -1.5e-7, "exponent": 1e21, "list": [[-1], [[]], {"x": [0, -0.0]}]}
    biggest = (1 << 31) - 1
    up = symbol("api.a", "up", biggest - 8, metrics={"loc": biggest, "fan_in": biggest})
    down = symbol("db.b", "down", biggest - 9, start_column=biggest)
    text = compact(
        document(
            config=config | {"layers": LAYERS},
            symbols=[up, down],
            calls=[call(down, up, biggest, count=biggest)],
            modules=[{"name": "api.a", "files": biggest, "instability": 0.123456789012345678}],
            duplicates=[{"symbols": [up["id"], down["id"]], "similarity": 0.25, "kind": "near", "tokens": biggest}],
        )
    )
    return text.replace(b'"similarity":0.25', b'"similarity":2.5E-1')


def staged() -> bytes:
    up, down, core = symbol("api.a", "up"), symbol("db.b", "down"), symbol("core.c", "mid")
    files = [{"path": "src/db/b.py", "old_path": None, "change": "modified", "lines": [[1, 9]]}]
    scope = {"kind": "staged", "base_ref": "HEAD", "files": files, "symbols": [down["id"]]}
    return compact(
        document(scope=scope, symbols=[up, core, down], calls=[call(core, up, 2), call(down, core, 3, "name")])
    )


class _Dice(random.Random):
    """Draws by `random()` alone, the only method that promises the same numbers in every version of Python."""

    def randint(self, a: int, b: int) -> int:
        return a + int(self.random() * (b - a + 1))

    def choice(self, seq: Sequence[Any]) -> Any:
        return seq[int(self.random() * len(seq))]


def large() -> bytes:
    """About 1 MB, with the proportions of a real repository."""
    source = _Dice(20240117)
    symbols = []
    for number in range(1000):
        layer = ("api", "core", "db", "util")[number % 4]
        module = f"app.{layer}.{source.choice('abcdefgh')}{source.choice('abcdefgh')}_{number % 97}"
        verb, noun = source.choice(["load", "save", "check", "render"]), source.choice(["user", "page"])
        symbols.append(
            symbol(
                module,
                f"{verb}_{noun}_{number}",
                source.randint(1, 900),
                is_exported=source.random() < 0.6,
                return_type=source.choice(["int", "str", "list[str]", "None"]),
                arguments=[
                    {"name": name, "type": source.choice(["int", "str", "Path"]), "kind": "positional"}
                    for name in ("first", "second", "third")[: source.randint(0, 3)]
                ],
                control_flow={"if": source.randint(0, 6), "for": source.randint(0, 2), "return": source.randint(1, 4)},
                metrics={name: source.randint(1, 20) for name in METRICS},
            )
        )
    symbols.sort(key=lambda item: (item["file"], item["start_line"], item["id"]))
    calls = []
    for _ in range(2700):
        caller, callee = source.choice(symbols), source.choice(symbols)
        if "api" not in caller["module"] and source.random() < 0.8:  # most calls go down, as they should
            caller = source.choice([item for item in symbols if ".api." in item["module"]])
        resolution = source.choice(["exact", "exact", "exact", "inferred", "name"])
        target = None if source.random() < 0.2 else callee
        calls.append(call(caller, target, caller["start_line"] + source.randint(1, 8), resolution))
    calls.sort(key=lambda item: (item["caller"], item["line"], item.get("callee") or ""))
    names = sorted({item["module"] for item in symbols})
    modules = [
        {"name": name, "files": 1, "symbols": 3, "loc": 120, "imports": [source.choice(names)], "instability": 0.5}
        for name in names
    ]
    return compact(document(symbols=symbols, calls=calls, modules=modules))


CASES = {
    "empty": empty,
    "layers": layers,
    "every-field": every_field,
    "defaults": defaults,
    "unicode": unicode,
    "unknown-fields": unknown_fields,
    "dangling": dangling,
    "layer-names": layer_names,
    "no-config": no_config,
    "null-config": null_config,
    "bad-config": bad_config,
    "bad-config-item": bad_config_item,
    "numbers": numbers,
    "staged": staged,
}
"""The contexts that are kept in git, by name."""
