"""Both sides of a change, from the stored state of the repository and the files that differ from it.

The sides hold what the change reaches (`index.incremental`): all that rules need which say so (`Rule.locality`).
`ChangeReader.read` gives up where that is not enough: then the engine reads both sides whole, and stores a state.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext

import msgspec

from semfora_hooks import discovery, git
from semfora_hooks.config import Config
from semfora_hooks.discovery import Root, Snapshot, SourceFile
from semfora_hooks.errors import GitError
from semfora_hooks.hookspecs import Rule
from semfora_hooks.index.entries import FileEntry
from semfora_hooks.index.extract import has_ours
from semfora_hooks.index.facttable import FactTable
from semfora_hooks.index.incremental.copies import touched_duplicates
from semfora_hooks.index.incremental.difference import Difference, examine
from semfora_hooks.index.incremental.slices import KnownSymbols, Slice, Slicer, import_circles
from semfora_hooks.index.incremental.state import MovedStateError, NoStateError, StaleStateError, State
from semfora_hooks.index.incremental.view import View
from semfora_hooks.index.incremental.whole import Assembler
from semfora_hooks.index.incremental.writing import Description, advance, remove_state
from semfora_hooks.index.modules import module_name
from semfora_hooks.index.project import Project, outside_callers
from semfora_hooks.index.store import FactStore
from semfora_hooks.keptstate import Extract, state_key, tally
from semfora_hooks.languages.facts import FileFacts, SuppressionFacts
from semfora_hooks.model import Duplicate, Incomplete, Recommendation
from semfora_hooks.policy.selection import comment_words

ADVANCE_FILES = 8
"""Files in which the base differs from the state from which it is worth storing the base's."""

Timed = Callable[[str], AbstractContextManager[None]]
"""Adds the time of a block to a stage's."""


class ChangeSide(msgspec.Struct):
    """One side of a change.

    Attributes:
        part: What rules see.
        facts: The files in it.
        files: Files of the whole snapshot.
        symbols: Symbols of the whole snapshot.
        incomplete: What the whole snapshot lacks.
        problems: What extraction says of all its files.
        read_source: A file's text by its path.
        tallies: Sums over the whole snapshot, by rule; none where rules see the whole.
        mentions: How often names are mentioned, where rules see the whole.
        suppressions: Comments that speak to us, by path.
        languages: Those of its files.
    """

    part: Slice
    facts: Mapping[str, FileFacts]
    files: int
    symbols: int
    incomplete: list[Incomplete]
    problems: list[Incomplete]
    read_source: Callable[[str], str | None]
    tallies: Mapping[str, Mapping[str, int]]
    mentions: Mapping[str, int]
    suppressions: Mapping[str, Sequence[SuppressionFacts]]
    languages: set[str]


class Change(msgspec.Struct):
    """Both sides, and which findings in them count; the others come from symbols that are shown by halves.

    Attributes:
        files: Those that the change reaches; `None` where the sides are whole.
    """

    before: ChangeSide
    after: ChangeSide
    files: set[str] | None

    def is_about(self, rule: Rule, found: Recommendation) -> bool:
        """Whether a finding is about what the change reaches."""
        if self.files is None or rule.locality != "file":
            return True
        return bool(found.symbols) and found.symbols[0].file in self.files


class _Distance(msgspec.Struct, frozen=True):
    """Where a snapshot differs from the state: its files there, all paths that differ, and the files' facts."""

    snapshot: Snapshot
    paths: list[str]
    facts: FactTable


def is_local(rules: Iterable[Rule]) -> bool:
    """Whether all of some rules can judge a change by what it reaches."""
    return all(isinstance(rule, Rule) and rule.locality != "repository" for rule in rules)


def _regime(rule: Rule, tally: Mapping[str, int]) -> object:
    try:
        return rule.regime(tally)
    except Exception as error:  # as above
        raise StaleStateError(f"{rule.id} cannot decide: {type(error).__name__}: {error}") from error


class ChangeReader:
    """Reads changes of one repository.

    Args:
        store: Its facts and state.
        root: Where it is.
        config: Its configuration.
        project: What it says of itself.
        extract: Gives the facts of a snapshot's files.
        rules: Those that will judge.
        timed: Keeps the time of stages.
        whole: The rules must see both sides whole.
    """

    def __init__(
        self,
        store: FactStore,
        root: Root,
        config: Config,
        project: Project,
        extract: Extract,
        rules: Sequence[Rule],
        timed: Timed = lambda _: nullcontext(),
        *,
        whole: bool = False,
    ) -> None:
        self._timed = timed
        self._is_whole = whole
        self._store = store
        self._root = root
        self._config = config
        self._project = project
        self._extract = extract
        self._rules = rules
        self._outside = outside_callers(config, project)

    def read(self, base: str, target: str | None, head: str | None) -> Change:
        """Both sides of a change.

        Args:
            base: The commit before it.
            target: The commit after it; what is staged for `None`.
            head: The commit that the side after belongs to.

        Raises:
            NoStateError: There is no state.
            StaleStateError: The state cannot tell.
        """
        try:
            try:
                return self._read(base, target, head)
            except MovedStateError:
                return self._read(base, target, head)
        except (LookupError, TypeError, ValueError, AssertionError) as error:
            # A damaged table can say anything. What it makes us stumble over goes, and everything is read instead.
            remove_state(self._store)
            raise NoStateError(f"the state is damaged: {type(error).__name__}: {error}") from error

    def _read(self, base: str, target: str | None, head: str | None) -> Change:
        state = self._state()
        tree = git.tree_id(self._root.path, base)
        before = self._distance(state, tree, base)
        if len(before.paths) > ADVANCE_FILES and not self._store.read_only and not has_ours(before.facts):
            self._advance(state, before, tree)
            state = self._state()
            before = self._distance(state, tree, base)
        after = self._distance(state, target, head)
        with self._timed("link"), state.frozen():
            return self._compare(state, [before, after])

    def _state(self) -> State:
        state = State(self._store, state_key(self._config, self._project))
        if not {rule.id for rule in self._rules} <= state.tallied:
            raise NoStateError("made with other rules")
        return state

    def _distance(self, state: State, target: str | None, head: str | None) -> _Distance:
        """Where a snapshot differs from the state."""
        with self._timed("discover"):
            changes = [] if target == state.tree else self._raw_changes(state.tree, target)
            difference = discovery.difference(self._root, self._config, changes, head)
        if difference is None:
            raise StaleStateError("the change cannot be told file by file")
        snapshot, paths = difference
        return _Distance(snapshot, paths, self._extract(snapshot))

    def _raw_changes(self, tree: str, target: str | None) -> list[git.RawChange]:
        """Where a snapshot differs from the state's tree, which may be gone: collected, or never in this clone."""
        try:
            return git.raw_changes(self._root.path, tree, target)
        except GitError as error:
            raise NoStateError(str(error)) from error

    def _view(self, state: State, distance: _Distance, *, track: bool = False) -> View:
        """A snapshot as its difference to the state."""
        facts = distance.facts
        changed: dict[str, FileEntry | None] = {
            path: FileEntry(path, *module_name(path, state.roots, state.prefix), facts[path]) if path in facts else None
            for path in distance.paths
        }
        return View(state, changed, self._outside, track=track)

    def _advance(self, state: State, base: _Distance, tree: str) -> None:
        """Make the state that of the base."""
        with self._timed("link"):
            with state.frozen():
                view = self._view(state, base, track=True)
                difference = examine(view, self._config.src, calls_matter=True)
                tallies = self._tallies(view, View(state, {}, self._outside), difference.affected)
            problems = [
                *((item.file, item.reason, True) for item in base.snapshot.incomplete),
                *((path, text, False) for path, found in base.facts.problems.items() for text in found),
            ]
            digests = {file.path: file.digest for file in base.snapshot.files}
            about = Description(state.key, tree, state.prefix, tallies, problems)
            advance(self._store, view, difference, digests, about)

    def _tallies(self, view: View, whole: View, files: Iterable[str]) -> dict[str, Counter[str]]:
        """Each rule's sums over a view, from the state's."""
        new, old = Slicer(view), Slicer(whole)
        paths = list(files)
        found: dict[str, Counter[str]] = {}
        if not view.changed:
            return {rule.id: view.state.tally(rule.id) for rule in self._rules}
        gained = [symbol for path in paths if view.has(path) for symbol in new.symbols(path)]
        lost = [symbol for path in paths if whole.has(path) for symbol in old.symbols(path)]
        for rule in self._rules:
            found[rule.id] = view.state.tally(rule.id)
            found[rule.id].update(tally(rule, gained))
            found[rule.id].subtract(tally(rule, lost))
        return found

    def _compare(self, state: State, distances: Sequence[_Distance]) -> Change:
        return self._wholes(state, distances) if self._is_whole else self._parts(state, distances)

    def _wholes(self, state: State, distances: Sequence[_Distance]) -> Change:
        """Both sides whole, with nothing linked again but what differs from the state."""
        views = [self._view(state, distance) for distance in distances]
        differences = [examine(view, self._config.src, calls_matter=True) for view in views]
        assembler = Assembler(state)
        sides = []
        for view, distance, difference in zip(views, distances, differences, strict=True):
            whole = assembler.whole(view, difference)
            index = whole.index
            part = Slice(index.symbols, index.calls, index.modules, index.imports, index.duplicates)
            side = self._side(view, distance.snapshot, part, {}, whole.facts)
            side.mentions, side.suppressions, side.languages = index.mentions, whole.suppressions, whole.languages
            sides.append(side)
        return Change(sides[0], sides[1], None)

    def _parts(self, state: State, distances: Sequence[_Distance]) -> Change:
        """What the change reaches, of both sides."""
        sides = [self._view(state, distance) for distance in distances]
        calls_matter = any(rule.uses_calls for rule in self._rules)
        differences = [examine(side, self._config.src, calls_matter=calls_matter) for side in sides]
        files = set().union(*(difference.affected for difference in differences))
        duplicates: list[list[Duplicate]] = [[], []]
        if any(rule.locality in ("duplicates", "focus") for rule in self._rules):
            commented = self._commented(sides, "duplicates")
            duplicates = touched_duplicates(sides, {path for side in sides for path in side.changed}, commented)
        circles = self._circles(sides, differences)
        whole = View(state, {}, self._outside)
        made: list[ChangeSide] = []
        # Where calls do not matter, what counts them may differ outside of `files` too.
        known: KnownSymbols | None = {} if calls_matter else None
        for number, (side, distance) in enumerate(zip(sides, distances, strict=True)):
            part = Slicer(side, known).slice(
                files,
                duplicates=duplicates[number],
                circle=circles[number],
                with_calls=calls_matter,
                with_imported=any(rule.uses_calls and rule.locality != "focus" for rule in self._rules),
            )
            facts = {symbol.file: side.entry(symbol.file).facts for symbol in part.symbols}
            tallies = self._tallies(side, whole, differences[number].affected)
            made.append(self._side(side, distance.snapshot, part, tallies, facts))
        for rule in self._rules:
            if _regime(rule, made[0].tallies[rule.id]) != _regime(rule, made[1].tallies[rule.id]):
                raise StaleStateError(f"{rule.id} judges everything anew")
        return Change(made[0], made[1], files)

    def _commented(self, sides: Sequence[View], locality: str) -> list[str]:
        """The files of the change with comments that may silence what rules of a locality find.

        A change that takes such a comment away, or moves it, makes a finding new that has not changed itself.
        """
        words = set().union(*comment_words(rule for rule in self._rules if rule.locality == locality).values())
        found = []
        for path in sorted({path for side in sides for path in side.changed}):
            texts = [mark.text for side in sides if side.has(path) for mark in side.entry(path).facts.suppressions]
            if any(word in text for text in texts for word in words):
                found.append(path)
        return found

    def _circles(self, sides: Sequence[View], differences: Sequence[Difference]) -> list[set[str]]:
        found: list[set[str]] = [set(), set()]
        roots = set().union(*(difference.reimported for difference in differences))
        commented = self._commented(sides, "imports")
        roots.update(side.entry(path).module for side in sides for path in commented if side.has(path))
        for rule in self._rules:
            if rule.locality == "imports":
                wants: Callable[[bool, bool], bool] = getattr(rule, "wants", lambda lazy, typed: True)
                for known, more in zip(found, import_circles(sides, roots, wants), strict=True):
                    known.update(more)
        return found

    def _side(
        self,
        view: View,
        snapshot: Snapshot,
        part: Slice,
        tallies: Mapping[str, Mapping[str, int]],
        facts: Mapping[str, FileFacts],
    ) -> ChangeSide:
        state = view.state
        files, symbols = state.files, state.symbols
        for path, entry in view.changed.items():
            if state.row(path) is not None:
                files -= 1
                symbols -= len(state.entry(path).facts.symbols)
            if entry is not None:
                files += 1
                symbols += len(entry.facts.symbols)
        incomplete = list(snapshot.incomplete)
        problems: list[Incomplete] = []
        for path, reason, is_file in state.problems():
            if path not in view.changed:
                (incomplete if is_file else problems).append(Incomplete(file=path, reason=reason))
        for path, entry in view.changed.items():
            if entry is not None:
                problems.extend(Incomplete(file=path, reason=text) for text in entry.facts.problems)
        reader = self._reader(view, snapshot)
        some = {} if self._is_whole else facts  # to look at all would open them all
        suppressions = {path: item.suppressions for path, item in some.items() if item.suppressions}
        languages = {item.language for item in some.values()}
        about = (files, symbols, incomplete, problems, reader, tallies)
        return ChangeSide(part, facts, *about, {}, suppressions, languages)

    def _reader(self, view: View, snapshot: Snapshot) -> Callable[[str], str | None]:
        """Gives the text of the files of a view."""
        known = {file.path: file for file in snapshot.files}

        def read(path: str) -> str | None:
            file = known.get(path)
            if file is None:
                try:
                    row = view.state.row(path) if path not in view.changed else None
                except StaleStateError:  # the database is closed by now; rows that were read are known
                    row = None
                if row is None:
                    return None
                file = SourceFile(path, row.digest, row.language)
            return snapshot.text(file)

        return read
