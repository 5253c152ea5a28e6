"""The state that changes are told from: what it depends on, storing one, and checking the one that is stored."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from semfora_hooks import discovery, git
from semfora_hooks.config import Config
from semfora_hooks.discovery import Root, Snapshot
from semfora_hooks.hookspecs import Rule
from semfora_hooks.index.facttable import FactTable
from semfora_hooks.index.incremental.state import STATE_VERSION, StaleStateError, State
from semfora_hooks.index.incremental.writing import (
    Description,
    differing_tables,
    remove_state,
    state_rows,
    write_state,
)
from semfora_hooks.index.link import Index, LinkedFiles, assemble, link_files
from semfora_hooks.index.project import Project, outside_callers
from semfora_hooks.index.results import code_stamp
from semfora_hooks.index.store import FactStore, extractor_key
from semfora_hooks.model import Symbol

Extract = Callable[[Snapshot], FactTable]
"""Gives the facts of a snapshot's files."""


def tally(rule: Rule, symbols: Iterable[Symbol]) -> Mapping[str, int]:
    """What a rule counts. If it fails, the change is judged whole, where no rule is asked to count."""
    try:
        return {str(word): int(count) for word, count in rule.tally(symbols).items()}
    except Exception as error:  # a provider's bug must not hide the others' findings
        raise StaleStateError(f"{rule.id} cannot count: {type(error).__name__}: {error}") from error


def state_key(config: Config, project: Project) -> str:
    """What a state depends on besides the files: versions, and the configuration of discovery and linking."""
    parts = (
        STATE_VERSION,
        code_stamp(),
        extractor_key(),
        config.src,
        config.exclude,
        config.max_file_size_bytes,
        outside_callers(config, project),
        project.prefix,
    )
    return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()[:32]


def store_state(
    store: FactStore,
    root: Root,
    config: Config,
    project: Project,
    commit: str,
    snapshot: Snapshot,
    problems: Mapping[str, Sequence[str]],
    linked: LinkedFiles,
    index: Index,
    rules: Iterable[Rule],
) -> None:
    """Keep a commit that was linked whole (with `track`) as the state that changes are told from.

    Raises:
        StaleStateError: A rule cannot say what has to be kept for it.
    """
    tree = git.tree_id(root.path, commit)
    write_state(store, _rows(config, project, tree, snapshot, problems, linked, index, rules))


def _rows(
    config: Config,
    project: Project,
    tree: str,
    snapshot: Snapshot,
    problems: Mapping[str, Sequence[str]],
    linked: LinkedFiles,
    index: Index,
    rules: Iterable[Rule],
) -> dict[str, list[tuple[object, ...]]]:
    about = Description(
        key=state_key(config, project),
        tree=tree,
        prefix=project.prefix,
        tallies={rule.id: tally(rule, index.symbols) for rule in rules},
        problems=[
            *((item.file, item.reason, True) for item in snapshot.incomplete),
            *((path, problem, False) for path, found in problems.items() for problem in found),
        ],
    )
    digests = {file.path: file.digest for file in snapshot.files}
    return state_rows(about, linked, digests, index.statistics, index.symbols)


def check_state(
    store: FactStore, root: Root, config: Config, project: Project, extract: Extract, rules: Sequence[Rule]
) -> list[str]:
    """Where the stored state differs from one that is made anew, a line each; it is removed then.

    A state of other settings is not looked at: no run uses it.
    """
    try:
        state = State(store, state_key(config, project))
    except StaleStateError:
        return []
    snapshot = discovery.revision(root, config, state.tree)
    facts = extract(snapshot)
    linked = link_files(facts, config.src, project.prefix, outside_callers(config, project), track=True)
    kept = [rule for rule in rules if rule.id in state.tallied]
    fresh = _rows(config, project, state.tree, snapshot, facts.problems, linked, assemble(linked), kept)
    wrong = differing_tables(state, fresh)
    if wrong:
        remove_state(store)
    return [f"the stored index: {text}" for text in wrong]
