"""Our entry in a `.pre-commit-config.yaml`: behind the others, with every byte of the rest kept, or not at all."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from semfora_hooks import __version__
from semfora_hooks.cli.hookentry import HOOKS, REPOSITORY, NotSafeError, entry, has_entry, new_file, with_entry

OURS = {"repo": REPOSITORY, "rev": f"v{__version__}", "hooks": [{"id": hook} for hook in HOOKS]}


def test_a_new_file() -> None:
    assert yaml.safe_load(new_file()) == {"repos": [OURS]}
    assert has_entry(new_file())


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("repos:\n  - repo: local\n    hooks:\n      - id: x\n", ""),
        ("repos:\n- repo: local\n  hooks:\n  - id: x\n", ""),
        ("repos:\n-   repo: local\n    hooks:\n    -   id: x\n", ""),
        ("repos:\n  - repo: local\n    hooks: [{id: x}]\n", ""),
        (
            "repos:\n  - repo: local\n    hooks:\n      - id: x\n        args: [\n          a,\n        ]\n",
            "",
        ),
        ("repos:\n  - {repo: local, hooks: [{id: x}]}\n", ""),
        ("repos:\n  - repo: local\n    hooks:\n      - id: x\n        entry: |\n          a\n          b\n", ""),
        (
            "repos:\n  - repo: local\n    hooks:\n      - id: x\n        entry: >-\n          a\n          b\n",
            "\n\nci:\n  a: 1\n",
        ),
        ("repos:\n  - repo: local\n    hooks:\n      - id: x\n        entry: 'a\n          b'\n", ""),
        ("repos:\n  - repo: local\n    hooks:\n      - id: x  # last\n        # - id: y\n", "# the end\n"),
        ("repos:\n  - repo: local\n    hooks:\n      - id: x\n", "\nci:\n  autofix: true\n"),
        ("repos:\n- repo: local\n  hooks:\n  - id: x\n", "# settings\nfail_fast: true\n"),
        (
            "# mine\ndefault_stages: [pre-commit]\nrepos:\n  - repo: &r local\n    hooks:\n      - id: x\n",
            "exclude: ^a$\n",
        ),
        ("---\nrepos:\n  - repo: local\n    hooks:\n      - id: x\n", "...\n"),
        ("\ufeffrepos:\n  - repo: local\n    hooks:\n      - id: größe\n", ""),
        ("repos:\n  - repo: local\n    hooks:\n      - id: x\n        args:\n", ""),
    ],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_an_entry_is_added_and_nothing_else_changes(before: str, after: str, newline: str) -> None:
    before, after = before.replace("\n", newline), after.replace("\n", newline)
    old = before + after
    new = with_entry(old)
    assert new.startswith(before)
    assert new.endswith(after)
    added = new[len(before) : len(new) - len(after)]
    assert [line.strip() for line in added.splitlines()] == [line.strip() for line in entry().splitlines()]
    assert added.count(newline) == len(added.splitlines()) == added.count("\n")
    expected: Any = yaml.safe_load(old.removeprefix("\ufeff"))
    assert yaml.safe_load(new.removeprefix("\ufeff")) == {**expected, "repos": [*expected["repos"], OURS]}
    assert not has_entry(old)
    assert has_entry(new)


def test_a_last_line_without_end_gets_one() -> None:
    old = "repos:\n  - repo: local\n    hooks:\n      - id: x"
    assert with_entry(old) == f"{old}\n{entry()}"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# nothing\n",
        "ci: {}\n",
        "repos: []\n",
        "repos:\n",
        "repos: [{repo: local, hooks: []}]\n",
        "repos: &all\n  - repo: local\n    hooks: []\n",
        "- repo: local\n",
        "{repos: [a]}\n",
        "x: &h\n  - id: x\nrepos:\n  - repo: local\n    hooks: *h\n",
    ],
)
def test_what_cannot_be_added_to(text: str) -> None:
    with pytest.raises(NotSafeError):
        with_entry(text)
    assert not has_entry(text)


@pytest.mark.parametrize(
    "item",
    [
        f"{{repo: {REPOSITORY}, rev: v9, hooks: []}}",
        "{repo: git@github.com:mine/semfora-hooks.git, rev: main, hooks: [{id: other}]}",
        "{repo: /copies/abc, rev: v9, hooks: [{id: semfora}]}",
        "{repo: local, hooks: [{id: arch, name: x, entry: semfora-hooks suggest --staged, language: system}]}",
    ],
)
def test_what_counts_as_ours(item: str) -> None:
    assert has_entry(f"repos:\n  - {item}\n")


@pytest.mark.parametrize("text", ["repos: [\n", "a: b: c\n", "repos:\n\t- x\n", "\x00", "a: 1\n---\nb: 2\n", "*x\n"])
def test_what_is_no_yaml(text: str) -> None:
    for function in (has_entry, with_entry):
        with pytest.raises(yaml.YAMLError):
            function(text)


def test_hostile_files() -> None:
    """Aliases of aliases are never expanded, which would take longer than anyone lives; deep nesting is refused."""
    bomb = "a: &b0 [x]\n" + "".join(f"b{i}: &b{i} [*b{i - 1}, *b{i - 1}, *b{i - 1}]\n" for i in range(1, 60))
    assert with_entry(f"{bomb}repos:\n  - repo: local\n    hooks: [{{id: x}}]\n").endswith(entry())
    with pytest.raises(NotSafeError):
        with_entry("[" * 100_000)


layouts = st.builds(
    lambda items, indent, ends, tail: (
        "repos:\n"
        + "".join(
            f"{' ' * indent}- repo: r{i}\n{' ' * indent}  hooks:\n{' ' * (indent + inner)}- id: h{end}"
            for i, (inner, end) in enumerate(zip(items, ends, strict=False))
        )
        + tail
    ),
    st.lists(st.sampled_from([2, 4]), min_size=1, max_size=3),
    st.sampled_from([0, 2, 4]),
    st.lists(
        st.sampled_from(["\n", "\n\n", "  # c\n", "\n# c\n", "\n            # c\n", "\n    args: |\n"]),
        min_size=3,
        max_size=3,
    ),
    st.sampled_from(["", "ci: {}\n", "\nci:\n  a: b\n", "# end", "...\n"]),
)


@settings(max_examples=60, deadline=None)
@given(layouts)
def test_any_layout_is_kept_or_refused(text: str) -> None:
    try:
        new = with_entry(text)
    except (NotSafeError, yaml.YAMLError):
        return
    old: Any = yaml.safe_load(text)
    assert yaml.safe_load(new) == {**old, "repos": [*old["repos"], OURS]}
    left = iter(new)
    assert all(character in left for character in text)  # nothing is lost or turned round
