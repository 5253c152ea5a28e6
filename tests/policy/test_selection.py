"""Which rules run, and where they are ignored."""

from __future__ import annotations

from pathlib import Path

import pytest

from semfora_hooks.config import Config
from semfora_hooks.errors import ConfigError
from semfora_hooks.policy.selection import (
    ignored_in_files,
    is_selected,
    unknown_frameworks,
    unknown_names,
    without_effect,
)

from .builders import AnyRule, finding, symbol

PLAIN = AnyRule("plain", group="one", category="naming")
OPTIONAL = AnyRule("optional", group="two", category="custom:two", recommended=False)
RULES = [PLAIN, OPTIONAL]


@pytest.mark.parametrize(
    ("select", "ignore", "expected"),
    [
        (("recommended",), (), ["plain"]),
        (("all",), (), ["plain", "optional"]),
        (("recommended", "optional"), (), ["plain", "optional"]),
        (("one",), (), ["plain"]),
        (("custom:two",), (), ["optional"]),
        (("all",), ("two",), ["plain"]),
        (("all",), ("naming", "optional"), []),
        (("optional",), ("two",), ["optional"]),
        (("optional",), ("optional",), []),
        (("all",), ("recommended",), ["optional"]),
        ((), (), []),
        (("plai",), (), []),
    ],
)
def test_selection(select: tuple[str, ...], ignore: tuple[str, ...], expected: list[str]) -> None:
    config = Config(select=select, ignore=ignore)
    assert [rule.id for rule in RULES if is_selected(rule, config)] == expected


def test_unknown_names() -> None:
    config = Config(
        select=("all", "plian"),
        ignore=("two", "zzz"),
        severity={"one": "info", "plain": "info"},  # type: ignore[dict-item]
        rules={"optionl": {}},
        per_file_ignores={"a/**": ("naming", "custom:tw")},
    )
    assert unknown_names(config, RULES) == [
        ("select", "plian", "plain"),
        ("ignore", "zzz", None),
        ("severity", "one", None),  # a group has no severity
        ("rules", "optionl", "optional"),
        ("per-file-ignores.'a/**'", "custom:tw", "custom:two"),
    ]
    assert unknown_names(Config(), RULES) == []


def test_what_has_no_effect_is_told(tmp_path: Path) -> None:
    (tmp_path / "repository" / "src").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "repository" / "a.py").touch()
    root = str(tmp_path / "repository")
    assert without_effect(Config(root=root, src=(".", "src", "src/../src/"))) == []
    wrong = ("sources", "a.py", "../elsewhere")
    assert without_effect(Config(root=root, src=("src", *wrong), source="semfora.toml")) == [
        f"semfora.toml: 'src' names '{name}', and there is no such folder in the repository" for name in wrong
    ]


def test_unknown_frameworks_are_told_with_the_nearest() -> None:
    assert unknown_frameworks(Config()) == []
    assert unknown_frameworks(Config(frameworks=("django", "djngo", "qqq"))) == [("djngo", "django"), ("qqq", None)]


@pytest.mark.parametrize(
    ("globs", "file", "ignored"),
    [
        ({"tests/**": ("plain",)}, "tests/unit/a.py", True),
        ({"tests/**": ("plain",)}, "src/a.py", False),
        ({"tests/**": ("optional",)}, "tests/a.py", False),
        ({"*.py": ("one",)}, "deep/a.py", True),
        ({"/a.py": ("naming",)}, "deep/a.py", False),
        ({"/a.py": ("naming",)}, "a.py", True),
        ({"b.py": ("plain",), "a.py": ("recommended",)}, "a.py", True),
        ({}, "a.py", False),
    ],
)
def test_per_file_ignores(globs: dict[str, tuple[str, ...]], file: str, ignored: bool) -> None:
    is_ignored = ignored_in_files(Config(per_file_ignores=globs), RULES)
    assert is_ignored(finding(symbol(file=file), rule_id="plain")) is ignored
    assert is_ignored(finding(rule_id="plain")) is False  # about the repository, not a file


def test_a_glob_that_is_none() -> None:
    with pytest.raises(ConfigError, match=r"semfora.toml: 'per-file-ignores': '!' is not a pattern"):
        ignored_in_files(Config(per_file_ignores={"!": ("plain",)}, source="semfora.toml"), RULES)
