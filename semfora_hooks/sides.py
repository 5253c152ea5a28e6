"""Snapshots read and linked, as rules get them: one state of a repository, or both sides of a change.

A change is told from a stored state where that is enough (`change`), else both sides are read whole; the answers are
the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from semfora_hooks import __version__, discovery
from semfora_hooks.config import Config
from semfora_hooks.context import SuggestContext
from semfora_hooks.discovery import Root, Snapshot
from semfora_hooks.hookspecs import Rule
from semfora_hooks.index.extract import Workforce, extract_snapshot, has_ours, is_our_problem
from semfora_hooks.index.facttable import FactTable
from semfora_hooks.index.project import Project, outside_callers, read_project
from semfora_hooks.index.results import code_stamp, load_result, save_result
from semfora_hooks.index.store import FactStore, extractor_key
from semfora_hooks.languages import load_spec
from semfora_hooks.languages.facts import FileFacts, SuppressionFacts
from semfora_hooks.model import Generator, Incomplete, Recommendation, Repository, Scope, Symbol
from semfora_hooks.policy.unused import Anchor, Anchors, anchors

if TYPE_CHECKING:
    from semfora_hooks.change import ChangeSide

Judge = Callable[["Side"], tuple[list[Recommendation], bool]]
Timed = Callable[[str], AbstractContextManager[None]]
"""Adds the time of a block to a stage's."""


class Side(msgspec.Struct):
    """One snapshot, read and linked, or the part of it that a change reaches.

    Attributes:
        context: What rules see.
        suppressions: Comments that speak to us, by path.
        files: Files of the whole snapshot.
        symbols: Symbols of the whole snapshot.
        incomplete: Files that the snapshot lacks, or has in part, and why.
        problems: What could not be extracted from the files it has.
        read_source: A file's text by its path, as it was analysed.
        tallies: Where the context is a part: each rule's sums over the whole.
        lines: Where definitions stand, if the context does not say.
        kept_anchors: The symbols that comments belong to, if the context does not say.
        facts: What the files of a change say, and perhaps those of others.
    """

    context: SuggestContext
    suppressions: Mapping[str, Sequence[SuppressionFacts]]
    files: int
    symbols: int
    incomplete: list[Incomplete]
    problems: list[Incomplete]
    read_source: Callable[[str], str | None]
    tallies: Mapping[str, Mapping[str, int]] = {}
    lines: Mapping[str, int] | None = None
    kept_anchors: Anchors | None = None
    facts: Mapping[str, FileFacts] = {}

    def anchors(self) -> Anchors:
        """The symbols that comments belong to."""
        if self.kept_anchors is not None:
            return self.kept_anchors
        return anchors(self.suppressions, self.context.symbols)

    def line_of(self, identity: str) -> int | None:
        """The line of a symbol's definition."""
        if self.lines is not None:
            return self.lines.get(identity)
        symbol = self.context.by_id.get(identity)
        return None if symbol is None else symbol.start_line

    def all_incomplete(self) -> list[Incomplete]:
        """What could not be read, or not wholly, sorted."""
        return sorted([*self.incomplete, *self.problems], key=lambda item: (item.file, item.reason))


class _Judgement(msgspec.Struct, array_like=True):
    """What was said of a snapshot: findings, where their symbols are defined, the size of it all, and comments."""

    found: list[Recommendation]
    lines: dict[str, int]
    symbols: int
    problems: list[Incomplete]
    suppressions: dict[str, list[SuppressionFacts]]
    anchors: list[tuple[str, int, Anchor]]

    def parts(self) -> Iterator[bytes]:
        """It in MessagePack, finding by finding: large repositories have tens of thousands."""
        encode = msgspec.msgpack.Encoder().encode
        yield bytes([0x90 + len(self.__struct_fields__)])  # the heads of this list and of the findings'
        yield b"\xdd" + len(self.found).to_bytes(4, "big")
        yield from map(encode, self.found)
        for name in self.__struct_fields__[1:]:
            yield encode(getattr(self, name))


class Sides(msgspec.Struct):
    """Both sides of a change, and which findings about them count.

    Attributes:
        files: Where they are parts: the files that are shown whole, and outside of which nothing differs.
    """

    before: Side
    after: Side
    is_about: Callable[[Rule, Recommendation], bool] = lambda rule, found: True
    files: set[str] | None = None


class SideReader:
    """Reads the sides of one run.

    Args:
        root: The repository.
        config: Its configuration.
        workforce: Who extracts.
        timed: Keeps the time of stages.
    """

    def __init__(
        self, root: Root, config: Config, workforce: Workforce, timed: Timed = lambda _: nullcontext()
    ) -> None:
        self._root = root
        self._config = config
        self._workforce = workforce
        self._timed = timed

    def work_tree(self, scope: Scope) -> Side:
        """The files on disk."""
        with self._timed("discover"):
            snapshot = discovery.work_tree(self._root, self._config)
            project = read_project(self._root.path)
        with self._open_store() as store:
            return self._whole(snapshot, scope, project, store)

    def judged(
        self, scope: Scope, key: str | None, judge: Judge, prepare: Callable[[], None] = lambda: None
    ) -> tuple[Side, list[Recommendation]]:
        """The files on disk and what is said of them; what was said of the same files before is not worked out again.

        Args:
            scope: What the run is about.
            key: What the findings depend on besides the files; `None` where they must be worked out.
            judge: Gives the findings, and whether they may be kept.
            prepare: Called before the files are read, where they must be.
        """
        with self._timed("discover"):
            snapshot = discovery.work_tree(self._root, self._config)
            project = read_project(self._root.path)
        with self._open_store() as store:
            full_key = None if key is None or store is None else self._result_key(snapshot, project, key)
            if store is not None and full_key is not None and (known := self._known(store, full_key, snapshot, scope)):
                return known
            prepare()
            side = self._whole(snapshot, scope, project, store)
            found, is_sound = judge(side)
            if (
                store is not None
                and full_key is not None
                and is_sound
                and not any(is_our_problem(item.reason) for item in side.problems)
            ):
                lines = {item.symbols[0].id: side.line_of(item.symbols[0].id) for item in found if item.symbols}
                kept = _Judgement(
                    found,
                    {i: line for i, line in lines.items() if line},
                    side.symbols,
                    side.problems,
                    {path: list(comments) for path, comments in side.suppressions.items()},
                    [(path, line, anchor) for (path, line), anchor in side.anchors().items()],
                )
                save_result(store, full_key, kept.parts)
            return side, found

    def _result_key(self, snapshot: Snapshot, project: Project, key: str) -> str:
        config = self._config
        parts = [
            code_stamp(),
            extractor_key(),
            key,
            [config.src, config.entry_points, config.frameworks],
            project,
            [(file.path, file.digest, file.language) for file in snapshot.files],
        ]
        return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()

    def _known(
        self, store: FactStore, key: str, snapshot: Snapshot, scope: Scope
    ) -> tuple[Side, list[Recommendation]] | None:
        with self._timed("extract"):
            data = load_result(store, key)
            if data is None:
                return None
            try:
                kept = msgspec.msgpack.decode(data, type=_Judgement)
            except msgspec.MsgspecError:
                return None
        side = Side(
            SuggestContext(
                generator=_generator({file.language for file in snapshot.files}),
                repository=Repository(name=self._root.path.name, head=snapshot.head),
                scope=scope,
            ),
            kept.suppressions,
            len(snapshot.files),
            kept.symbols,
            snapshot.incomplete,
            kept.problems,
            source_reader(snapshot),
            lines=kept.lines,
            kept_anchors={(path, line): anchor for path, line, anchor in kept.anchors},
        )
        return side, kept.found

    def after(self, scope: Scope, target: str | None) -> Side:
        """The side after a change, whole: a commit, or what is staged for `None`."""
        with self._open_store() as store:
            return self._whole(self._snapshot(target), scope, read_project(self._root.path), store)

    def change(self, scope: Scope, target: str | None, rules: Sequence[Rule], *, in_part: bool) -> Sides:
        """Both sides of a change.

        Args:
            scope: What the change is.
            target: The commit after it; what is staged for `None`.
            rules: Those that will judge.
            in_part: What the change reaches is enough, if it is for the rules.
        """
        from semfora_hooks.change import is_local
        from semfora_hooks.index.incremental.state import NoStateError, StaleStateError

        project = read_project(self._root.path)
        before: Side | None = None
        with self._open_store() as store:
            if store is not None and scope.base_ref is not None:
                keep = [rule for rule in rules if isinstance(rule, Rule)]
                whole = not (in_part and is_local(rules))
                tell = partial(self._tell, store, scope, target, keep, project, whole=whole)
                try:
                    return tell()
                except NoStateError:
                    before = self._base(scope, project, store, keep)
                    with suppress(StaleStateError):
                        return tell()
                except StaleStateError:
                    before = self._base(scope, project, store, keep)
            after = self._whole(self._snapshot(target), scope, project, store)
            return Sides(before or self._base(scope, project, store), after)

    def _base(
        self, scope: Scope, project: Project, store: FactStore | None, keep: Sequence[Rule] | None = None
    ) -> Side:
        """The side before, whole; kept as a state for some rules where `keep` is given."""
        with self._timed("discover"):
            snapshot = discovery.revision(self._root, self._config, scope.base_ref)
        return self._whole(snapshot, scope, project, store, keep)

    # ----------------------------------------------------------------------------------------------- from the state

    def _tell(
        self,
        store: FactStore,
        scope: Scope,
        target: str | None,
        rules: Sequence[Rule],
        project: Project,
        *,
        whole: bool,
    ) -> Sides:
        """Both sides from the stored state: what the change reaches of them, or the whole."""
        from semfora_hooks.change import ChangeReader

        assert scope.base_ref is not None
        head = target if target is not None else scope.base_ref

        def extract(snapshot: Snapshot) -> FactTable:
            with self._timed("extract"):
                return extract_snapshot(snapshot, store, self._workforce)

        reader = ChangeReader(store, self._root, self._config, project, extract, rules, self._timed, whole=whole)
        change = reader.read(scope.base_ref, target, head)
        before = self._part(change.before, scope, project, scope.base_ref)
        return Sides(before, self._part(change.after, scope, project, head), change.is_about, change.files)

    def _part(self, side: ChangeSide, scope: Scope, project: Project, head: str | None) -> Side:
        part = side.part
        context = SuggestContext(
            generator=_generator(side.languages),
            repository=Repository(name=self._root.path.name, head=head),
            symbols=tuple(part.symbols),
            calls=tuple(part.calls),
            modules=tuple(part.modules),
            imports=tuple(part.imports),
            duplicates=tuple(part.duplicates),
            mentions=side.mentions,
            is_library=project.is_library,
            scope=_with_symbols(scope, part.symbols),
        )
        return Side(
            context,
            side.suppressions,
            side.files,
            side.symbols,
            side.incomplete,
            side.problems,
            side.read_source,
            side.tallies,
            facts=side.facts,
        )

    # ------------------------------------------------------------------------------------------------------- whole

    def _snapshot(self, target: str | None) -> Snapshot:
        with self._timed("discover"):
            if target is None:
                return discovery.git_index(self._root, self._config)
            return discovery.revision(self._root, self._config, target)

    def _whole(
        self,
        snapshot: Snapshot,
        scope: Scope,
        project: Project,
        store: FactStore | None,
        keep: Sequence[Rule] | None = None,
    ) -> Side:
        """A whole snapshot; kept as the state that changes are told from, for some rules, where `keep` is given."""
        from semfora_hooks.index.link import assemble, link_files

        config = self._config
        with self._timed("extract"):
            facts = extract_snapshot(snapshot, store, self._workforce)
        # What is bad through our fault may go better next time, so it is not kept.
        keeps = keep is not None and not has_ours(facts)
        with self._timed("link"):
            linked = link_files(facts, config.src, project.prefix, outside_callers(config, project), track=keeps)
            index = assemble(linked, spend=not keeps)
            if keeps and store is not None and keep is not None and scope.base_ref is not None:
                from semfora_hooks.index.incremental.state import StaleStateError
                from semfora_hooks.keptstate import store_state

                with suppress(StaleStateError):
                    about = (config, project, scope.base_ref, snapshot, facts.problems)
                    store_state(store, self._root, *about, linked, index, keep)
            linked.close()
            context = SuggestContext(
                generator=_generator({file.language for file in snapshot.files}),
                repository=Repository(name=self._root.path.name, head=snapshot.head),
                symbols=tuple(index.symbols),  # tuples: no rule may change what the next one sees
                calls=index.calls,
                modules=tuple(index.modules),
                imports=tuple(index.imports),
                duplicates=tuple(index.duplicates),
                mentions=index.mentions,
                is_library=project.is_library,
                scope=_with_symbols(scope, index.symbols),
            )
        problems = [Incomplete(file=path, reason=text) for path, found in facts.problems.items() for text in found]
        return Side(
            context,
            facts.suppressions,
            len(snapshot.files),
            len(index.symbols),
            snapshot.incomplete,
            problems,
            source_reader(snapshot),
            facts=facts if scope.files else {},
        )

    @contextmanager
    def _open_store(self) -> Iterator[FactStore | None]:
        store = FactStore(self._root.path) if self._config.use_cache else None
        try:
            yield store
        finally:
            if store is not None:
                store.close()


def source_reader(snapshot: Snapshot) -> Callable[[str], str | None]:
    """A function that gives the text of a snapshot's files, by path."""
    files = {file.path: file for file in snapshot.files}

    def read(path: str) -> str | None:
        file = files.get(path)
        return None if file is None else snapshot.text(file)

    return read


def _generator(languages: set[str]) -> Generator:
    capabilities = {name for language in languages or {"python"} for name in load_spec(language).capabilities}
    return Generator(version=__version__, capabilities=tuple(sorted(capabilities)))


def _with_symbols(scope: Scope, symbols: Sequence[Symbol]) -> Scope:
    """The scope with the symbols its changed lines touch."""
    if not scope.files:
        return scope
    ranges = {change.path: change.lines for change in scope.files}
    touched = tuple(
        symbol.id
        for symbol in symbols
        if any(low <= symbol.end_line and high >= symbol.start_line for low, high in ranges.get(symbol.file, ()))
    )
    return msgspec.structs.replace(scope, symbols=touched)
