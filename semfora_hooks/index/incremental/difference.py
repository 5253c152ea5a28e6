"""What a difference between a state and a snapshot reaches: which files are linked again, and which are judged again.

Everything outside `affected` has, symbol by symbol, the same data on both sides.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from semfora_hooks.index.entries import FileEntry, path_of
from semfora_hooks.index.entry_points import NO_CALLERS
from semfora_hooks.index.filelink import FileLink
from semfora_hooks.index.incremental.cycles import CallGraph, circles, exact_calls
from semfora_hooks.index.incremental.interface import changed_names, dependency_keys
from semfora_hooks.index.incremental.state import StaleStateError, State, SymbolCounts
from semfora_hooks.index.incremental.view import View, definitions, stored_counts
from semfora_hooks.index.link import is_plain_method
from semfora_hooks.index.modules import PACKAGE_FILES, source_roots
from semfora_hooks.index.reachability import is_part_of, is_usable

MAX_RELINKED = 400
"""Files to link again, as a floor, from which linking everything is the better way."""
_MAX_SHARE = 0.3  # of all files, beyond that floor

Callers = dict[str, tuple[int, tuple[int, ...]]]
"""Caller to its call sites and the resolutions of its calls."""


class Difference(msgspec.Struct):
    """What a difference reaches.

    Attributes:
        affected: Files that have a symbol whose data differs, on either side.
        reimported: Modules whose imports differ, on either side.
        constructors: Pairs of a class and its `__init__` that came (true) or went.
    """

    affected: set[str] = msgspec.field(default_factory=set)
    reimported: set[str] = msgspec.field(default_factory=set)
    constructors: dict[tuple[str, str], bool] = msgspec.field(default_factory=dict)


def examine(view: View, src: Sequence[str], *, calls_matter: bool) -> Difference:
    """Bring a view up to date: link again what must be, and find what the difference reaches.

    Args:
        view: The snapshot; its `links`, `counts`, `mentions` and `fragments` are filled in.
        src: Configured source roots.
        calls_matter: Rules look at who calls what, so files whose callers changed are affected too.

    Raises:
        StaleStateError: The difference is too large, or changes what modules are called.
    """
    state = view.state
    _check_roots(view, src)
    state.load_entries(view.changed)
    old = {path: state.entry(path) for path in view.changed if state.row(path) is not None}
    base = View(state, {}, NO_CALLERS)
    found = Difference(affected=set(view.changed))
    _link_again(view, base, old)
    _compare_links(view, old, found, calls_matter=calls_matter)
    _count_callers(view, old, found, calls_matter=calls_matter)
    _find_recursion(view, base, old, found)
    _compare_words(view, base, old, found)
    for path in list(found.affected):  # files of one module are judged together
        for side in (base, view):
            if side.has(path):
                found.affected.update(side.files_of(side.entry(path).module))
    return found


def _check_roots(view: View, src: Sequence[str]) -> None:
    """Whether a file that came or went changes the folders that modules are named from."""
    moved = [path for path, entry in view.changed.items() if (entry is None) != (view.state.row(path) is None)]
    telling = [path for path in moved if entry_is_telling(path)]
    if not telling or src:
        return
    gone = {path for path, entry in view.changed.items() if entry is None}
    now = [path for path in view.state.paths() if path not in gone]
    now += [path for path, entry in view.changed.items() if entry is not None]
    if source_roots(sorted(set(now)), src) != view.state.roots:
        raise StaleStateError("the source roots changed")


def entry_is_telling(path: str) -> bool:
    """Whether a path can have a say in `modules.source_roots`."""
    *folders, name = path.split("/")
    return name in PACKAGE_FILES or "src" in folders or "lib" in folders


# ------------------------------------------------------------------------------------------------------------ linking


def _link_again(view: View, base: View, old: Mapping[str, FileEntry]) -> None:
    broken: set[tuple[str, ...]] = set()
    for path, entry in view.changed.items():
        if path in old or entry is not None:
            broken |= changed_names(path, old.get(path), entry)
    broken |= {("method", name) for name in _changed_methods(view, base, old)}
    paths = {path for path, entry in view.changed.items() if entry is not None}
    # Rows of files that are gone stay behind in this table.
    sql = "SELECT DISTINCT file FROM link_dependency JOIN link_file ON id = file WHERE key IN (?)"
    ids = {int(file) for (file,) in view.state.query_in(sql, sorted(dependency_keys(broken)))}  # type: ignore[call-overload]
    ids -= view.hidden
    if len(ids) > max(MAX_RELINKED, _MAX_SHARE * view.state.files):
        raise StaleStateError("the change reaches most of the repository")
    paths |= {view.state.row_of(identity).path for identity in ids}
    view.state.load_entries(path for path in paths if path not in view.changed)
    for path in sorted(paths):
        view.add_link(path, view.linker.link(view.entry(path)))
        if view.resolver.memo.track:
            view.notes[path] = view.resolver.memo.collect()


def _changed_methods(view: View, base: View, old: Mapping[str, FileEntry]) -> set[str]:
    """Names whose one method is another now, or no longer the only one."""
    names = set()
    for path, entry in view.changed.items():
        before, after = _methods(old.get(path)), _methods(entry)
        names |= {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    return {name for name in names if _unique(base, name) != _unique(view, name)}


def _methods(entry: FileEntry | None) -> dict[str, list[str]]:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for index, symbol in enumerate(entry.facts.symbols if entry is not None else ()):
        if is_plain_method(symbol):
            assert entry is not None
            found[symbol.name].append(entry.ids[index])
    return found


def _unique(view: View, name: str) -> str | None:
    place = view.unique_method(name)
    return None if place is None else place[0].ids[place[1]]


def _compare_links(view: View, old: Mapping[str, FileEntry], found: Difference, *, calls_matter: bool) -> None:
    state = view.state
    for path in {*view.links, *old}:
        before = state.stored(path).link if state.row(path) is not None else None
        after = view.links.get(path)
        is_new = before is None or after is None or before.entry_points != after.entry_points
        if is_new or (calls_matter and before != after):
            found.affected.add(path)
        if _imported(before) != _imported(after) or _is_generated(old, view, path):
            if path in old or state.row(path) is not None:
                found.reimported.add(state.entry(path).module)
            if view.has(path):
                found.reimported.add(view.entry(path).module)


def _imported(link: FileLink | None) -> set[tuple[str, bool, bool]] | None:
    return None if link is None else {(item.imported, item.lazy, item.type_checking) for item in link.imports}


def _is_generated(old: Mapping[str, FileEntry], view: View, path: str) -> bool:
    """Whether a file became, or is no longer, somebody else's code."""
    new = view.changed.get(path)
    return path in old and new is not None and old[path].facts.is_generated != new.facts.is_generated


# --------------------------------------------------------------------------------------------------------- call graph


def _count_callers(view: View, old: Mapping[str, FileEntry], found: Difference, *, calls_matter: bool) -> None:
    state = view.state
    fan_in: Counter[str] = Counter()
    sites: Counter[str] = Counter()
    touched: set[str] = set()
    pairs: set[tuple[str, str]] = set()
    for path in {*view.links, *old}:
        before = _stored_callers(state, path)
        after = callers(view.entry(path).ids, view.links[path]) if path in view.links else {}
        if state.row(path) is not None:
            pairs.update(state.stored(path).link.constructors)
        if path in view.links:
            pairs.update(view.links[path].constructors)
        for callee in before.keys() | after.keys():
            one, other = before.get(callee, {}), after.get(callee, {})
            if one != other:
                touched.add(callee)
                fan_in[callee] += len(other) - len(one)
                sites[callee] += sum(count for count, _ in other.values()) - sum(count for count, _ in one.values())
    for pair in sorted(pairs):
        before_active, after_active = _is_constructed(view, pair)
        if before_active != after_active:
            found.constructors[pair] = after_active
            step = 1 if after_active else -1
            fan_in[pair[1]] += step
            sites[pair[1]] += step
            touched.add(pair[1])
            if calls_matter:
                found.affected.add(path_of(pair[0]))
    for callee in touched:
        path = path_of(callee)
        known = stored_counts(state, path).get(callee, SymbolCounts())
        view.counts[callee] = known._replace(fan_in=known.fan_in + fan_in[callee], sites=known.sites + sites[callee])
        if calls_matter or bool(known.fan_in) != bool(known.fan_in + fan_in[callee]):
            found.affected.add(path)


def _stored_callers(state: State, path: str) -> dict[str, Callers]:
    if state.row(path) is None:
        return {}
    return callers(state.entry(path).ids, state.stored(path).link)


def callers(ids: Sequence[str], link: FileLink) -> dict[str, Callers]:
    """What a file adds to the callers of each symbol that it calls; calls of a symbol by itself do not count."""
    found: dict[str, Callers] = {}
    for call in link.calls:
        if call.callee >= 0:
            caller, callee = ids[call.caller], link.callees[call.callee]
            if caller != callee:
                known = found.setdefault(callee, {})
                count, resolutions = known.get(caller, (0, ()))
                known[caller] = (count + call.sites, tuple(sorted({*resolutions, call.resolution})))
    return found


def _is_constructed(view: View, pair: tuple[str, str]) -> tuple[bool, bool]:
    """Whether some call runs a class's constructor: in the state, and in the view."""
    rows = view.state.query("SELECT file FROM link_constructor WHERE class = ? AND init = ?", *pair)
    files = {int(file) for (file,) in rows}  # type: ignore[call-overload]
    rest = any(identity not in view.hidden and view.state.row_of(identity).path not in view.links for identity in files)
    return bool(files), rest or pair in view.reverse.pairs


def _find_recursion(view: View, base: View, old: Mapping[str, FileEntry], found: Difference) -> None:
    """Circles of calls that the changed calls open or close."""
    state = view.state
    gone: set[tuple[str, str]] = {pair for pair, active in found.constructors.items() if not active}
    came: set[tuple[str, str]] = {pair for pair, active in found.constructors.items() if active}
    for path in {*view.links, *old}:
        before = set(exact_calls(state.entry(path).ids, state.stored(path).link)) if state.row(path) else set()
        after = set(exact_calls(view.entry(path).ids, view.links[path])) if path in view.links else set()
        gone |= before - after
        came |= after - before
    members = _circle_members(base, {caller for caller, _ in gone if _was_recursive(state, caller)})
    graph = CallGraph(view)
    # An edge to what calls nothing closes no circle.
    starts = {caller for caller, callee in came if caller == callee or graph.callees(callee)}
    recursive = {node for circle in circles([*starts, *members], graph.callees) for node in circle}
    for node in members | recursive:
        known = view.counts.get(node) or stored_counts(state, path_of(node)).get(node, SymbolCounts())
        if known.is_recursive != (node in recursive):
            view.counts[node] = known._replace(is_recursive=node in recursive)
            found.affected.add(path_of(node))


def _circle_members(base: View, roots: set[str]) -> set[str]:
    if not roots:
        return set()
    return {node for circle in circles(roots, CallGraph(base).callees) if roots & set(circle) for node in circle}


def _was_recursive(state: State, identity: str) -> bool:
    return stored_counts(state, path_of(identity)).get(identity, SymbolCounts()).is_recursive


# -------------------------------------------------------------------------------------------------------------- words


def _compare_words(view: View, base: View, old: Mapping[str, FileEntry], found: Difference) -> None:
    """Names and parts of names that are mentioned now, or no longer, and who has them."""
    names: set[str] = set()
    for path, entry in view.changed.items():
        before = old.get(path)
        view.mentions.update(mentions(entry))
        view.mentions.subtract(mentions(before))
        view.fragments.update(fragments(entry))
        view.fragments.subtract(fragments(before))
        names |= (definitions(entry).keys() if entry else set()) ^ (definitions(before).keys() if before else set())
    crossed = {name for name in names if base.is_defined(name) != view.is_defined(name)}
    moved = [name for name, count in view.mentions.items() if count]
    known = view.state.counts_in("link_mention", moved)
    crossed |= {name for name in moved if (known[name] > 0) != (known[name] + view.mentions[name] > 0)}
    sql = "SELECT bare, name, file FROM link_definition WHERE bare IN (?)"
    for bare, name, file in view.state.query_in(sql, sorted({name.lstrip("_") for name in crossed})):
        if (name in crossed or bare in crossed) and file not in view.hidden:
            found.affected.add(view.state.row_of(int(file)).path)  # type: ignore[call-overload]
    shifted = [part for part, count in view.fragments.items() if count]
    held = view.state.counts_in("link_fragment", shifted)
    parts = [part for part in shifted if (held[part] > 0) != (held[part] + view.fragments[part] > 0)]
    if parts:
        for file, name in view.state.query("SELECT file, name FROM link_orphan"):
            if file not in view.hidden and any(is_part_of(part, str(name)) for part in parts):
                found.affected.add(view.state.row_of(int(file)).path)  # type: ignore[call-overload]


def mentions(entry: FileEntry | None) -> Counter[str]:
    """What a file adds to the mentions of names: see `reachability.References`."""
    if entry is None:
        return Counter()
    counts = Counter(entry.facts.mentions)
    for symbol in entry.facts.symbols:
        if symbol.own_mentions:
            counts[symbol.name] -= symbol.own_mentions
    return counts


def fragments(entry: FileEntry | None) -> Iterable[str]:
    """The parts of names that a file adds, each once."""
    return {part for part in entry.facts.fragments if is_usable(part)} if entry is not None else ()
