"""Which rules run, how severe they are, and where they are ignored."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from semfora_hooks.config import Config, nearest
from semfora_hooks.errors import ConfigError
from semfora_hooks.files import compile_globs
from semfora_hooks.hookspecs import Rule
from semfora_hooks.model import Recommendation

EVERYTHING = "all"
RECOMMENDED = "recommended"


def selectors(rule: Rule) -> frozenset[str]:
    """The words that select a rule: its id, group and category, `recommended` where it is, and `all`."""
    words = {rule.id, rule.group, rule.category, EVERYTHING}
    if getattr(rule, "recommended", True):
        words.add(RECOMMENDED)
    return frozenset(words)


def comment_words(rules: Iterable[Rule]) -> dict[str, frozenset[str]]:
    """Rule id to the words that name the rule in comments: its id, group and category, nothing that names all."""
    return {rule.id: selectors(rule) - {EVERYTHING, RECOMMENDED} for rule in rules}


def is_selected(rule: Rule, config: Config) -> bool:
    """Whether `select` takes the rule in and `ignore` does not take it out. A rule's own id beats a group."""
    words = selectors(rule)
    if rule.id in config.ignore:
        return False
    if rule.id in config.select:
        return True
    return not words.isdisjoint(config.select) and words.isdisjoint(config.ignore)


def unknown_names(config: Config, rules: Sequence[Rule]) -> list[tuple[str, str, str | None]]:
    """Names in the configuration that no rule answers to: `(key, name, nearest valid name)`."""
    groups = frozenset[str]().union(*(selectors(rule) for rule in rules)) | {EVERYTHING, RECOMMENDED}
    ids = frozenset(rule.id for rule in rules)
    uses: list[tuple[str, Iterable[str], frozenset[str]]] = [
        ("select", config.select, groups),
        ("ignore", config.ignore, groups),
        ("severity", config.severity, ids),
        ("rules", config.rules, ids),
    ]
    uses.extend((f"per-file-ignores.'{glob}'", names, groups) for glob, names in config.per_file_ignores.items())
    return [
        (key, name, nearest(name, sorted(valid))) for key, names, valid in uses for name in names if name not in valid
    ]


def without_effect(config: Config) -> list[str]:
    """What the configuration says and nothing comes of, in words."""
    source = config.source or "configuration"
    return [
        f"{source}: 'src' names '{name}', and there is no such folder in the repository"
        for name in config.src
        if not _is_inside(config.root_path, name)
    ]


def unknown_frameworks(config: Config) -> list[tuple[str, str | None]]:
    """Names in `frameworks` of which nothing is known, each with the nearest that there is."""
    if not config.frameworks:
        return []
    from semfora_hooks.index.frameworks import FRAMEWORKS

    return [(name, nearest(name, sorted(FRAMEWORKS))) for name in config.frameworks if name not in FRAMEWORKS]


def _is_inside(root: Path, name: str) -> bool:
    path = os.path.normpath(root / name)
    return Path(path).is_relative_to(root) and os.path.isdir(path)  # noqa: PTH112


def ignored_in_files(config: Config, rules: Sequence[Rule]) -> Callable[[Recommendation], bool]:
    """A predicate: whether `per-file-ignores` covers a finding, by the file it is reported in."""
    if not config.per_file_ignores:
        return lambda item: False
    words = {rule.id: selectors(rule) for rule in rules}
    try:
        table = [(compile_globs([glob]), frozenset(names)) for glob, names in config.per_file_ignores.items()]
    except ValueError as error:
        raise ConfigError(f"{config.source or 'configuration'}: 'per-file-ignores': {error}") from None

    def is_ignored(item: Recommendation) -> bool:
        if not item.symbols:
            return False
        path = item.symbols[0].file
        return any(match(path) and not names.isdisjoint(words.get(item.rule_id, ())) for match, names in table)

    return is_ignored
