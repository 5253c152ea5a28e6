"""What is wrong with a comment, by what is known of the rules it names."""

from __future__ import annotations

import datetime
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from semfora_hooks.languages.facts import SuppressionFacts
from semfora_hooks.policy.suppression import Mark, Suppressions, read_marks
from semfora_hooks.policy.unused import Anchor, Names, anchors, problems, review, unused

from .builders import AnyRule, finding, symbol

TODAY = datetime.date(2026, 6, 1)
RULES = {
    rule.id: rule
    for rule in (
        AnyRule("plain", group="one", category="naming"),
        AnyRule("other", group="one", category="custom:other"),
        AnyRule("off", group="two"),
        AnyRule("unused-suppression", group="suppressions", category="custom:suppressions"),
    )
}
NAMES = Names(RULES, {"plain", "other", "unused-suppression"}, are_all=True)


def mark(text: str) -> Mark:
    (found,) = read_marks("a.py", [SuppressionFacts(line=3, alone=False, text=f"semfora: {text}")])
    return found


@pytest.mark.parametrize(
    ("text", "used", "expected"),
    [
        ("ignore[plain]", {"plain"}, []),
        ("ignore[plain]", set(), [("unused", ("plain",))]),
        ("ignore[plain, other]", {"other"}, [("unused", ("plain",))]),
        ("ignore[one]", {"one"}, []),
        ("ignore[one]", set(), [("unused", ("one",))]),
        ("ignore[off]", set(), []),  # it did not run
        ("ignore[two, plain]", set(), [("unused", ("plain",))]),
        ("ignore[plane]", set(), [("unused", ("plane",))]),
        ("ignore[all]", set(), [("unused", ("all",))]),
        ("ignore[recommended, *]", set(), [("unused", ("recommended", "*"))]),
        ("ignore[unused-suppression]", set(), []),
        ("ignore[suppressions, plain]", {"plain"}, []),
        ("ignore[plain] until=2026-06-01", {"plain"}, []),
        ("ignore[plain] until=2026-05-31", {"plain"}, [("expired", ("plain",))]),
        ("ignore[off] until=2026-05-31", set(), [("expired", ("off",))]),
        ("ignore", set(), [("malformed", ())]),
        ("ignore[plain] until=2026-02-30", set(), [("malformed", ())]),
    ],
)
def test_problems(text: str, used: set[str], expected: list[tuple[str, tuple[str, ...]]]) -> None:
    assert [(item.kind, item.names) for item in problems(mark(text), used, TODAY, NAMES)] == expected


def test_a_reason_may_be_asked_for() -> None:
    def kinds(text: str, used: set[str]) -> list[str]:
        return [item.kind for item in problems(mark(text), used, TODAY, NAMES, requires_reason=True)]

    assert kinds("ignore[plain]", {"plain"}) == ["reason"]
    assert kinds("ignore[plain] -- because", {"plain"}) == []
    assert kinds("ignore[plain]", set()) == ["unused"]  # it goes: no reason is wanted
    assert kinds("ignore[plain, other]", {"plain"}) == ["unused", "reason"]


def test_where_providers_failed_no_name_is_nobodys() -> None:
    unsure = Names(RULES, {"plain"}, are_all=False)
    assert list(problems(mark("ignore[plane]"), set(), TODAY, unsure)) == []
    assert review(mark("ignore[plane]"), set(), TODAY, unsure).state == "unknown"


@pytest.mark.parametrize(
    ("text", "used", "state"),
    [
        ("ignore[plain]", {"plain"}, "used"),
        ("ignore[plain]", set(), "unused"),
        ("ignore[plain, other]", {"plain"}, "partly used"),
        ("ignore[off]", set(), "unknown"),
        ("ignore[off, plain]", {"plain"}, "used"),
        ("ignore[off, plain]", set(), "partly used"),
        ("ignore[unused-suppression]", set(), "unused"),
        ("ignore[plain] until=2026-05-31", {"plain"}, "expired"),
        ("ignore[]", set(), "malformed"),
    ],
)
def test_review(text: str, used: set[str], state: str) -> None:
    assert review(mark(text), used, TODAY, NAMES).state == state


def comments(*texts: str, line: int = 3) -> dict[str, list[SuppressionFacts]]:
    return {"a.py": [SuppressionFacts(line=line + i, alone=False, text=f"semfora: {t}") for i, t in enumerate(texts)]}


def test_findings_stand_at_their_comments_and_have_prints_of_their_own() -> None:
    module, f = symbol("a", id="a.py", kind="module", line=1), symbol("f", line=2)
    held = comments("ignore[plain]", "ignore[plain]", "ignore[plain, plane]")
    places = anchors(held, [module, f])
    found = unused(Suppressions(held, TODAY, lambda _: None), RULES["unused-suppression"], NAMES, places)
    assert [item.symbols[0].start_line for item in found] == [3, 4, 5]
    assert {item.symbols[0].id for item in found} == {"a.py::f"}
    assert len({item.fingerprint for item in found}) == 3


def test_only_files_that_are_judged() -> None:
    module = symbol("a", id="a.py", kind="module", line=1)
    held = comments("ignore[plain]")
    found = unused(
        Suppressions(held, TODAY, lambda _: None),
        RULES["unused-suppression"],
        NAMES,
        anchors(held, [module]),
        is_judged=lambda path: path != "a.py",
    )
    assert found == []


def test_anchors() -> None:
    module = symbol("a", id="a.py", kind="module", line=1, end_line=50)
    outer, inner = symbol("f", line=3, end_line=20), symbol("f.g", line=5, end_line=9)
    held = {
        "a.py": [
            SuppressionFacts(line=1, alone=True, text="semfora: file-ignore[plain]"),
            SuppressionFacts(line=2, alone=True, text="semfora: ignore[plain]"),
            SuppressionFacts(line=7, alone=False, text="semfora: ignore[plain]"),
            SuppressionFacts(line=15, alone=False, text="semfora: ignore[plain]"),
            SuppressionFacts(line=40, alone=False, text="semfora: ignore[plain]"),
        ]
    }
    found = anchors(held, [module, outer, inner])
    assert {line: place.symbol.id for (_, line), place in found.items()} == {
        1: "a.py",
        2: "a.py::f",
        7: "a.py::f.g",
        15: "a.py::f",
        40: "a.py",
    }
    assert found["a.py", 1] == Anchor(found["a.py", 1].symbol, "module")


TEXT = st.text(st.sampled_from("semfora: ignor[]-,*until=2026#\x00\x1b\néü\ud800"), max_size=40)


@settings(deadline=None)
@given(texts=st.lists(TEXT, max_size=5), alone=st.booleans())
def test_any_comment_can_be_read(texts: list[str], alone: bool) -> None:
    facts = [SuppressionFacts(line=n + 1, alone=alone, text=text) for n, text in enumerate(texts)]
    marks = read_marks("a.py", facts)
    assert len(marks) <= len(facts)
    held = Suppressions({"a.py": facts}, TODAY, lambda _: 1)
    held.find(finding(symbol()), frozenset({"plain"}))
    module = symbol("a", id="a.py", kind="module", line=1)
    found = unused(held, RULES["unused-suppression"], NAMES, anchors({"a.py": facts}, [module]))
    assert len({item.fingerprint for item in found}) == len(found)
    assert all("\x1b" not in item.title and "\n" not in item.title for item in found)


def test_thousands_of_comments_and_findings_do_not_look_at_each_other() -> None:
    """Counted in looks at comments, since seconds depend on the machine."""
    count = 3000
    looks = 0

    class Counting(frozenset[str]):
        def intersection(self, *others: Iterable[object]) -> frozenset[str]:
            nonlocal looks
            looks += 1
            return super().intersection(*others)

    module = symbol("a", id="a.py", kind="module", line=1, end_line=2 * count)
    functions = [symbol(f"f{n}", line=2 * n + 2, end_line=2 * n + 3) for n in range(count)]
    facts = [SuppressionFacts(line=f.start_line, alone=False, text="semfora: ignore[plain]") for f in functions]
    facts += [SuppressionFacts(line=1, alone=True, text="semfora: file-ignore[other]") for _ in range(count)]
    held = Suppressions({"a.py": facts}, TODAY, lambda _: None)
    words = Counting({"plain"})
    assert all(held.find(finding(f), words) is not None for f in functions)
    assert looks <= 3 * count
    places = anchors({"a.py": facts}, [module, *functions])
    assert {place.symbol.name for place in places.values()} == {"a", *(f.name for f in functions)}


@settings(deadline=None)
@given(st.data())
def test_anchors_are_what_is_around(data: st.DataObject) -> None:
    """Whatever is nested in what: the symbol defined on the line, else the innermost around it."""
    module = symbol("a", id="a.py", kind="module", line=1, end_line=40)
    symbols = [module]

    def nest(low: int, high: int) -> None:
        line = low
        while line < high and data.draw(st.booleans()):
            start = data.draw(st.integers(line, high))
            end = data.draw(st.integers(start, high))
            symbols.append(symbol(f"f{len(symbols)}", line=start, end_line=end))
            nest(start + 1, end)
            line = end + 1

    nest(1, 40)
    lines = data.draw(st.sets(st.integers(1, 40), min_size=1))
    facts = [SuppressionFacts(line=line, alone=False, text="semfora: ignore[plain]") for line in sorted(lines)]
    for (_, line), place in anchors({"a.py": facts}, symbols).items():
        defined = [one for one in symbols[1:] if one.start_line == line]
        inside = [one for one in symbols if one.start_line <= line <= one.end_line]
        assert place.symbol.id == (defined[0] if defined else inside[-1]).id
