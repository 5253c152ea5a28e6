"""Errors of manifests: where they are, what they say, and that they do not hide other plugins."""

from __future__ import annotations

import textwrap

import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from semfora_hooks.providers.wasm.manifest import parse_manifest
from semfora_hooks.providers.wasm.manifestschema import HELP, manifest_schema
from semfora_hooks.providers.wasm.yamlfile import MAX_DEPTH, YamlError, parse

SCHEMA = jsonschema.Draft202012Validator(manifest_schema())
GOOD = """\
  - name: good
    group: g
    description: Good.
"""


def errors_of(text: str | bytes):
    data = text.encode() if isinstance(text, str) else text
    return parse_manifest(data, "m.yaml").errors


def entry(lines: str) -> str:
    """A manifest whose first plugin has `lines` from line 5 on, and whose second is fine."""
    head = "plugins:\n  - name: bad\n    group: g\n    description: Bad.\n"
    return head + textwrap.indent(textwrap.dedent(lines), "    ") + GOOD


@pytest.mark.parametrize(
    ("lines", "where", "says", "hint"),
    [
        ("serverity: error\n", "5:5", "unknown key 'serverity'", "did you mean 'severity'?"),
        ("zzz: 1\n", "5:5", "unknown key 'zzz'", "valid keys: config, contract"),
        ("severity: fatal\n", "5:15", "'severity'", "valid: info, warning, error"),
        ("severity: eror\n", "5:15", "'severity'", "did you mean 'error'?"),
        ("granularity: symbols\n", "5:18", "'granularity'", "did you mean 'symbol'?"),
        ("on_error: ignore\n", "5:15", "'on_error'", "valid: fail, warn, skip"),
        ("needs: [symbols, call]\n", "5:22", "'needs[1]'", "did you mean 'calls'?"),
        ("needs: symbols\n", "5:12", "'needs'", None),
        ("enabled: maybe\n", "5:14", "'enabled'", None),
        ("version: 1.0\n", "5:14", "'version'", "quotes"),
        ("contract: two\n", "5:15", "'contract'", None),
        ("config: [1]\n", "5:13", "'config'", None),
        ("limits:\n  memory: 1 parsec\n", "6:15", "'1 parsec' is not a size", None),
        ("limits:\n  memory: 1KiB\n", "6:15", "less than one WASM page", None),
        ("limits: {timeout: soon}\n", "5:23", "'soon' is not a duration", None),
        ("limits: {timeout: 0s}\n", "5:23", "no time at all", None),
        ("limits: {timeout: .inf}\n", "5:23", "not a duration", None),
        ("limits: {memory: true}\n", "5:22", "'limits.memory'", None),
        ("limits: {cpu: 1}\n", "5:14", "unknown key 'cpu'", "valid keys: memory, timeout"),
        ("limits: 5s\n", "5:13", "'limits'", None),
        ("contract: 2\n", "5:15", "upgrade semfora-hooks", None),
        ("contract: 0\n", "5:15", "update the plugin", None),
    ],
)
def test_a_bad_entry_is_located_and_the_next_one_survives(lines, where, says, hint):
    manifest = parse_manifest(entry(lines).encode(), "m.yaml")
    [error] = manifest.errors
    assert error.message.startswith(f"m.yaml:{where}: ")
    assert says in error.message
    assert hint is None or hint in error.hint
    assert [plugin.entry.name for plugin in manifest.plugins] == ["good"]
    assert manifest.files == {"bad.wasm", "good.wasm"}


@pytest.mark.parametrize(
    ("text", "where", "says"),
    [
        ("plugins:\n  - group: g\n    description: d\n", "2:5", "missing required field `name`"),
        ("plugins:\n  - name: 5\n    group: g\n    description: d\n", "2:11", "'name'"),
        ("plugins:\n  - name: a/b\n    group: g\n    description: d\n", "2:11", "only letters"),
        ("plugins:\n  - name: a\n    group: 'x y'\n    description: d\n", "3:12", "only letters"),
        ("plugins:\n  - name: a\n    group: g\n    description: ' '\n", "4:18", "empty"),
        ("plugins:\n  - just text\n", "2:5", "Expected `object`"),
        ("plugins: {a: b}\n", "1:10", "'plugins'"),
        ("plugin: []\n", "1:1", "unknown key 'plugin'"),
        ("- a\n", "1:1", "mapping"),
        ("schema: 2\n", "1:9", "upgrade semfora-hooks"),
        ("schema: one\n", "1:9", "'schema'"),
        ("defaults: {limits: {timeout: x}}\n", "1:30", "not a duration"),
        ("defaults: {on_eror: fail}\n", "1:12", "unknown key 'on_eror'"),
        ("defaults: 3\n", "1:11", "Expected `object`"),
        ("plugins: [\n", "2:1", "not valid YAML"),
        ("a: b: c\n", "1:5", "not valid YAML"),
        ("a: 1\na: 2\n", "2:1", "twice"),
        ("1: a\n", "1:1", "must be text"),
        ("? [a]\n: b\n", "1:3", "must be text"),
        ("a: \x07\n", "1:4", "not valid YAML"),
        ("a: !!python/object:os.system {}\n", "1:1", "unknown key"),
        ("schema: !!python/name:os.system\n", "1:9", "not valid YAML"),
        ("schema: 2026-99-99\n", "1:9", "not a valid value"),
        ("---\na: 1\n---\nb: 2\n", "3:1", "not valid YAML"),
        ("x: &a [1]\ny: *a\n", "2:4", "aliases are not allowed"),
    ],
)
def test_errors_are_located(text, where, says):
    [error, *_] = errors_of(text)
    assert error.message.startswith(f"m.yaml:{where}: "), error.message
    assert says in error.message


def test_duplicate_names():
    manifest = parse_manifest(f"plugins:\n{GOOD}{GOOD}".encode(), "m.yaml")
    [error] = manifest.errors
    assert error.message.startswith("m.yaml:5:11: ")
    assert "m.yaml:2:11" in error.message
    assert len(manifest.plugins) == 1


def test_words_that_yaml_takes_for_something_else():
    [error] = errors_of("plugins:\n  - name: off\n    group: g\n    description: d\n")
    assert "got `bool`" in error.message
    assert error.hint == "put it in quotes"


def test_several_errors_are_all_told():
    assert len(errors_of(entry("sevrity: x\nneds: []\n"))) == 2
    manifest = parse_manifest(f"plugins:\n  - name: 1\n  - nam: x\n{GOOD}".encode(), "m.yaml")
    assert [error.message.partition("\n")[0] for error in manifest.errors] == [
        "m.yaml:2:11: 'name': Expected `str`, got `int`",
        "m.yaml:2:5: missing required fields `group`, `description`",
        "m.yaml:3:5: unknown key 'nam'",
        "m.yaml:3:5: missing required fields `name`, `group`, `description`",
    ]
    assert len(manifest.plugins) == 1


def test_all_that_is_wrong_with_one_entry_is_told():
    text = """\
plugins:
  - name: a/b
    group: g
    description: ""
    severity: fatal
    on_error: nothing
    needs: [symbols, call]
    limits: {memory: lots, timeout: soon, cpu: 1}
    contract: 2
    versoin: "1"
"""
    manifest = parse_manifest(text.encode(), "m.yaml")
    assert manifest.plugins == []
    assert sorted(int(error.message.split(":")[1]) for error in manifest.errors) == [2, 4, 5, 6, 7, 8, 8, 8, 9, 10]


def test_errors_show_their_line():
    [error] = errors_of(entry("severity: fatal\n"))
    assert error.message == (
        "m.yaml:5:15: 'severity': Invalid enum value 'fatal'\n        severity: fatal\n                  ^"
    )
    [error] = errors_of("schema: 1\nplugins: [\n  {name: x\x1b[31m")
    assert "\x1b" not in error.message
    [error] = errors_of("x" * 5000 + ": [1")
    assert len(error.message) < 400


def test_wrong_defaults_or_keys_beside_the_list_do_not_hide_it():
    manifest = parse_manifest(f"default: 1\ndefaults: {{on_error: x}}\nplugins:\n{GOOD}".encode(), "m.yaml")
    assert len(manifest.errors) == 2
    assert [plugin.entry.name for plugin in manifest.plugins] == ["good"]
    assert (manifest.plugins[0].limits.memory, manifest.plugins[0].on_error) == (256 << 20, "fail")


def test_bytes_that_are_no_text():
    assert "not UTF-8" in errors_of(b"a: \xff\n")[0].message
    assert "m.yaml:1:" in errors_of(b"\xff\xfe")[0].message
    assert errors_of(b"\xef\xbb\xbfschema: 1\n") == []


def test_bombs_are_refused_quickly():
    laughs = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{chr(98 + i)}: &{chr(98 + i)} [{','.join(['*' + chr(97 + i)] * 9)}]\n" for i in range(9)
    )
    assert "aliases" in errors_of(laughs)[0].message
    assert "nested deeper" in errors_of("plugins: " + "[" * 500_000)[0].message
    assert "nested deeper" in errors_of("plugins: " + "{a: " * 200_000)[0].message
    assert "nested deeper" in errors_of("- " * 300_000)[0].message
    assert "1 MiB" in errors_of(b"#" * ((1 << 20) + 1))[0].message


def test_nesting_that_is_allowed():
    depth = MAX_DEPTH
    assert parse(("[" * depth + "]" * depth).encode()).value is not None
    with pytest.raises(YamlError):
        parse(("[" * (depth + 1) + "]" * (depth + 1)).encode())


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_no_input_raises(data):
    manifest = parse_manifest(data, "m.yaml")
    assert all(error.message.startswith("m.yaml:") for error in manifest.errors)


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
)
KEYS = st.sampled_from(["name", "group", "description", "limits", "needs", "config", "file", "contract", "on_error"])


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(["schema", "defaults", "plugins", "x"]), VALUES), st.dictionaries(KEYS, VALUES))
def test_no_structure_raises(root, plugin):
    text = yaml.safe_dump({**root, "plugins": [plugin]}, allow_unicode=True).encode("utf-8", "replace")
    manifest = parse_manifest(text, "m.yaml")
    assert all(error.message.startswith("m.yaml:") for error in manifest.errors)
    assert len(manifest.plugins) <= 1


def entry_with(lines: str) -> str:
    return f"plugins:\n  - name: a\n    group: g\n    description: d\n{textwrap.indent(lines, '    ')}\n"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "schema: 1\n",
        "plugins:\n",
        "plugins: []\ndefaults:\n",
        f"plugins:\n{GOOD}",
        "defaults: {limits: {memory: 256MiB, timeout: 5s}, on_error: fail}\nplugins:\n" + GOOD,
        *map(
            entry_with,
            [
                "file: x/y.wasm\nversion: '1'\ncontract: 1\nenabled: false\nseverity: info\ntests: t",
                "needs: []\ngranularity: module\nconfig: {a: {b: [1, null]}}\non_error: skip",
                "limits: {memory: 1048576, timeout: 2.5}",
                "limits: {memory: 1.5 gib, timeout: 100 MS}",
                "limits: {memory: 128 kb, timeout: 1min}",
            ],
        ),
    ],
)
def test_what_is_right_is_right_by_the_schema_too(text):
    assert errors_of(text) == []
    assert SCHEMA.is_valid(yaml.safe_load(text))


@pytest.mark.parametrize(
    "text",
    [
        "- a\n",
        "schema: 2\n",
        "plugin: []\n",
        "plugins: {a: b}\n",
        "plugins: [text]\n",
        "defaults: 3\n",
        "defaults: {on_eror: fail}\n",
        "plugins:\n  - {group: g, description: d}\n",
        "plugins:\n  - {name: a/b, group: g, description: d}\n",
        "plugins:\n  - {name: a, group: 'x y', description: d}\n",
        "plugins:\n  - {name: a, group: g, description: ' '}\n",
        *map(
            entry_with,
            [
                "serverity: error",
                "severity: fatal",
                "granularity: symbols",
                "on_error: ignore",
                "needs: [symbols, call]",
                "enabled: maybe",
                "version: 1.0",
                "contract: 2",
                "config: [1]",
                "limits: {memory: 1 parsec}",
                "limits: {memory: -1}",
                "limits: {timeout: soon}",
                "limits: {timeout: 0}",
                "limits: {cpu: 1}",
            ],
        ),
    ],
)
def test_what_is_wrong_is_wrong_by_the_schema_too(text):
    assert errors_of(text)
    assert not SCHEMA.is_valid(yaml.safe_load(text))


def test_every_key_of_the_schema_is_described():
    schema = manifest_schema()
    for name in ("PluginEntry", "DefaultsEntry", "LimitsEntry"):
        properties = schema["$defs"][name]["properties"]
        assert set(properties) == set(HELP[name])
        assert all(value["description"] for value in properties.values())
