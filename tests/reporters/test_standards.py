"""Formats that have a standard, against it: SARIF's official schema, GitLab's fields, XML, Markdown as read."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from semfora_hooks.hookspecs import RenderOptions
from semfora_hooks.model import ErrorEntry, Evidence, Incomplete, Report, Severity, Summary, Suppression, SymbolRef
from semfora_hooks.reporters.github import LIMIT
from semfora_hooks.reporters.markdown import code, inline
from semfora_hooks.reporters.text import problem_lines

from .sample import FOUND, HOSTILE, REPORT, ExampleRule, finding, render, symbol

SCHEMAS = Path(__file__).parent / "schemas"
SARIF = jsonschema.Draft4Validator(json.loads((SCHEMAS / "sarif-2.1.0.json").read_text()))
GITLAB = jsonschema.Draft202012Validator(json.loads((SCHEMAS / "gitlab-codequality.json").read_text()))
GFM = MarkdownIt("commonmark", {"html": True, "linkify": False}).enable(["table", "strikethrough"])


def sarif(report: Report = REPORT, **options: Any) -> dict[str, Any]:
    """The log's only run, valid by the official schema."""
    log = json.loads(render("sarif", report, **options))
    SARIF.validate(log)
    (run,) = log["runs"]
    assert isinstance(run, dict)
    return run


def with_found(*found: Any, **fields: Any) -> Report:
    """The sample with other findings."""
    return msgspec.structs.replace(REPORT, recommendations=list(found), **fields)


# -------------------------------------------------------------------------------------------------------------- SARIF


def test_the_schema_can_refuse() -> None:
    log = json.loads(render("sarif"))
    for key, value in (("rank", 101), ("level", "info"), ("ruleIndex", "0"), ("baselineState", "introduced")):
        broken = json.loads(json.dumps(log))
        broken["runs"][0]["results"][0][key] = value
        with pytest.raises(jsonschema.ValidationError):
            SARIF.validate(broken)


def test_sarif_results() -> None:
    run = sarif()
    results = run["results"]
    assert [result["level"] for result in results] == ["error", "warning", "warning", "note"]
    assert [result["rank"] for result in results] == [90.0, 95.5, 90.0, 90.0]
    assert [result.get("baselineState") for result in results] == ["updated", "new", None, "unchanged"]
    assert all(result["partialFingerprints"] for result in results)
    assert "is_x" not in json.dumps(run), "suppressed results are left out"
    rules = run["tool"]["driver"]["rules"]
    assert [rules[result["ruleIndex"]]["id"] for result in results] == [result["ruleId"] for result in results]
    uris = [
        one["physicalLocation"]["artifactLocation"] for one in results[1]["locations"] + results[1]["relatedLocations"]
    ]
    assert [one["uri"] for one in uris] == ["src/b%20c%23%3F.py", "src/gr%C3%B6%C3%9Fe.py", "api.py"]
    assert {one["uriBaseId"] for one in uris} == set(run["originalUriBaseIds"])
    assert [one["id"] for one in results[1]["relatedLocations"]] == [1, 2]


def test_sarif_rules_explain_themselves() -> None:
    (rule,) = (rule for rule in sarif()["tool"]["driver"]["rules"] if rule["id"] == "dead-code")
    assert rule["defaultConfiguration"] == {"level": "warning"}
    assert rule["shortDescription"]["text"] == "Definitions nothing refers to."
    assert "ignore[dead-code]" in rule["help"]["text"]
    assert "**To fix:** Delete it" in rule["help"]["markdown"]


def test_a_rule_that_was_run_is_listed_without_findings() -> None:
    run = sarif(with_found(), rules=[ExampleRule()])
    assert run["results"] == []
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["dead-code"]


@pytest.mark.parametrize(("code", "errors", "successful"), [(0, [], True), (1, [], True), (2, REPORT.errors, False)])
def test_sarif_invocation(code: int, errors: list[ErrorEntry], successful: bool) -> None:
    (invocation,) = sarif(msgspec.structs.replace(REPORT, errors=errors), exit_code=code)["invocations"]
    assert (invocation["exitCode"], invocation["executionSuccessful"]) == (code, successful)
    levels = [one["level"] for one in invocation["toolExecutionNotifications"]]
    assert levels == ["error"] * len(errors) + ["warning", "note"]
    assert "exitCode" not in sarif(exit_code=None)["invocations"][0]


def test_sarif_messages_hold_no_links() -> None:
    text = sarif()["results"][2]["message"]["text"]
    assert r"\[x\](http://evil.example)" in text
    assert not re.search(r"(?<!\\)\[[^\[\]]*(?<!\\)\]\(", text)


# ------------------------------------------------------------------------------------------------------------- GitLab


def test_gitlab() -> None:
    issues = json.loads(render("gitlab"))
    GITLAB.validate(issues)
    with pytest.raises(jsonschema.ValidationError):
        GITLAB.validate([{**issues[0], "severity": "warning"}])
    assert [issue["severity"] for issue in issues] == [
        *("blocker", "blocker", "minor", "info"),
        *("major", "minor", "minor", "info"),
    ]
    assert len({issue["fingerprint"] for issue in issues}) == len(issues)
    assert [issue["fingerprint"] for issue in issues[4:]] == [item.fingerprint for item in FOUND[:4]]


# ------------------------------------------------------------------------------------------------------------- GitHub


def commands(text: str) -> list[tuple[str, dict[str, str], str]]:
    """Workflow commands, read as GitHub's runner reads them."""

    def plain(value: str, *more: str) -> str:
        for character in (*more, "\r", "\n", "%"):
            value = value.replace(f"%{ord(character):02X}", character)
        return value

    found = []
    for line in text.splitlines():
        match = re.match(r"\s*::(\w+)(?: ([^:]*))?::(.*)$", line)
        assert match or "##[" not in line
        if match:
            pairs = (pair.partition("=") for pair in (match[2] or "").split(",") if pair)
            found.append((match[1], {key: plain(value, ":", ",") for key, _, value in pairs}, plain(match[3])))
    return found


def test_github_commands_can_be_read_back() -> None:
    found = commands(render("github"))
    assert [level for level, _, _ in found] == ["error"] * 2 + ["warning", "error"] + ["warning"] * 2 + ["notice"] * 2
    _, properties, message = found[5]
    assert properties == {"file": "a\nb|`<.py", "line": "1", "col": "5", "title": "hostile"}
    assert message.split("\n")[0] == HOSTILE.replace("\x1b", "�")


def test_github_shows_ten_of_a_level_and_counts_the_rest() -> None:
    titles = {"error": 13, "warning": 10, "info": 25}
    found = [
        finding("r", f"100% {level} {number}, ::error::x ##[error]y", level, symbol("f", f"::error::{number}:a,b.py"))
        for level, count in titles.items()
        for number in range(count)
    ]
    text = render("github", with_found(*found, errors=[], incomplete=[], notices=[]))
    levels = [level for level, _, _ in commands(text) if level in ("error", "warning", "notice")]
    assert {level: levels.count(level) for level in set(levels)} == {"error": LIMIT, "warning": LIMIT, "notice": LIMIT}
    (count,) = [message for _, _, message in commands(text) if " more " in message]
    assert count.startswith("3 more errors, 16 more notices: ")
    for item in found:
        assert item.title.split(",")[0].replace("%", "%25") in text or item.title.split(",")[0] in text
    logged = text.partition("::group::")[2].partition("::endgroup::")[0].splitlines()[1:]
    assert len(logged) == 19
    assert all(line.startswith("- ") for line in logged)


def test_github_with_ten_of_each_needs_no_count() -> None:
    found = [finding("r", f"{n}", level, symbol("f")) for level in ("error", "warning", "info") for n in range(LIMIT)]
    text = render("github", with_found(*found, errors=[], incomplete=[], notices=[]))
    assert len(commands(text)) == 3 * LIMIT
    assert "more" not in text


# -------------------------------------------------------------------------------------------------------------- JUnit


def test_junit_counts_what_it_holds() -> None:
    root = ElementTree.fromstring(render("junit"))
    for suite in root:
        cases = suite.findall("testcase")
        assert int(suite.attrib["tests"]) == len(cases)
        for key, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert int(suite.attrib[key]) == len(suite.findall(f"testcase/{tag}"))
            assert int(root.attrib[key]) == len(root.findall(f"testsuite/testcase/{tag}"))


@pytest.mark.parametrize(("fail_on", "failures"), [("never", 0), ("error", 1), ("warning", 3), ("info", 4)])
def test_junit_fails_as_the_gate_does(fail_on: str, failures: int) -> None:
    made = msgspec.structs.replace(REPORT, summary=Summary(fail_on=fail_on, failed=failures > 0))
    root = ElementTree.fromstring(render("junit", made))
    assert root.attrib["failures"] == str(failures)
    assert root.attrib["errors"] == "2"
    assert [case.attrib["classname"] for case in root.iter("testcase") if case.find("skipped") is not None] == [
        "semfora-hooks",
        "naming",
    ]


def test_a_rule_that_failed_has_not_passed_in_junit() -> None:
    made = msgspec.structs.replace(
        REPORT, recommendations=[], timings=msgspec.structs.replace(REPORT.timings, rules={"acme": 1.0})
    )
    root = ElementTree.fromstring(render("junit", made, rules=[]))
    assert [suite.attrib["tests"] for suite in root if suite.attrib["name"] == "acme"] == ["0"]


# ----------------------------------------------------------------------------------------------------------- Markdown


def cells(text: str) -> list[list[str]]:
    """The rows of the document's tables as a parser sees them: visible text of each cell."""
    rows: list[list[str]] = []
    is_inside = False
    for token in GFM.parse(text):
        is_inside = token.type == "table_open" or (is_inside and token.type != "table_close")
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "inline" and is_inside:
            rows[-1].append("".join(_visible(child) for child in token.children or ()))
    return rows


def _visible(token: Any) -> str:
    if token.type == "html_inline":
        assert token.content in ("<br>", "<b>", "</b>", "<code>", "</code>", "<!-- -->"), token.content
        return "\n" if token.content == "<br>" else ""
    assert token.type in ("text", "code_inline", "softbreak", "em_open", "em_close"), token
    return str(token.content)


def test_markdown_table() -> None:
    rows = cells(render("markdown"))
    assert [len(row) for row in rows] == [4] * 5
    assert rows[3][1] == "'a\\nb|`<.py':1:5"
    shown = HOSTILE.replace("\x1b", "�").replace("`a|b`", "a|b")
    assert rows[3][3] == f"{shown}\n{shown}\nFix: {shown}"
    for kind in ("Fixed", "Suppressed", "Errors", "Incomplete", "Notes"):
        assert f"\n### {kind}\n" in render("markdown")


@given(st.text(max_size=40))
@settings(max_examples=200, deadline=None)
def test_text_in_markdown_stays_text(text: str) -> None:
    shown = " ".join("".join(c if c.isprintable() or c.isspace() else "�" for c in text).split())
    expected = "".join(part for part in re.split(r"`([^`]+)`", shown))
    (head, row) = cells(f"| a | b |\n| --- | --- |\n| {inline(text)} | {code(text)} |\n")
    assert head == ["a", "b"]
    assert row == [expected.strip(), shown] or [cell.strip() for cell in row] == [expected.strip(), shown.strip()]


# --------------------------------------------------------------------------------------------------- any text at all

TEXT = st.text(st.characters(exclude_categories=()), max_size=30) | st.sampled_from(
    [
        HOSTILE,
        "\ud800",
        "]]>",
        "-->",
        "</script>",
        "\x00\ufffe\uffff",
        "\u202eabc",
        "::error::",
        "a\r\nb",
        "{0} {",
        "&lt;",
    ]
)
REFERENCE = st.builds(
    SymbolRef,
    id=TEXT,
    name=TEXT,
    file=TEXT.filter(bool),
    start_line=st.integers(1, 99),
    end_line=st.integers(1, 99),
    start_column=st.integers(1, 99),
)


@st.composite
def reports(draw: st.DrawFn) -> Report:
    """Reports whose every text is anything."""
    found = [
        finding(
            draw(st.sampled_from(["rule", "a/b"])),
            draw(TEXT),
            draw(st.sampled_from([one.value for one in Severity])),
            *draw(st.lists(REFERENCE, max_size=2)),
            fingerprint=f"{number:020}",
            description=draw(TEXT),
            suggestion=draw(st.none() | TEXT),
            evidence=(
                Evidence(kind="x", text=draw(TEXT), file=draw(st.none() | TEXT), line=draw(st.none() | st.just(1))),
            ),
            status=draw(st.sampled_from([None, "introduced", "worsened", "inherited"])),
            suppressed=draw(st.none() | st.builds(Suppression, kind=TEXT, file=TEXT, line=st.just(1), reason=TEXT)),
        )
        for number in range(draw(st.integers(0, 3)))
    ]
    return msgspec.structs.replace(
        REPORT,
        recommendations=found,
        errors=[
            ErrorEntry(kind="x", message=draw(TEXT), hint=draw(TEXT), provider=draw(TEXT), distribution=draw(TEXT))
        ],
        incomplete=[Incomplete(file=draw(TEXT.filter(bool)), reason=draw(TEXT))],
        notices=[draw(TEXT)],
    )


class _Tags(HTMLParser):
    """The tags of a page, and its attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}


TAGS = set(
    "html head meta title style body h1 h2 h3 p ul li code table thead tbody tr td th a article span details summary "
    "pre footer strong".split()
)


@given(reports())
@settings(max_examples=120, deadline=None)
def test_any_text_gives_valid_documents(report: Report) -> None:
    open_count = sum(item.suppressed is None for item in report.recommendations)
    assert len(sarif(report)["results"]) == open_count
    issues = json.loads(render("gitlab", report))
    assert len(issues) == open_count + 3
    for issue in issues:
        assert issue["location"]["path"]
    lines = [json.loads(line) for line in render("jsonl", report).split("\n")[:-1]]
    assert sum(line["type"] == "recommendation" for line in lines) == len(report.recommendations)
    assert len(json.loads(render("json", report))["recommendations"]) == len(report.recommendations)
    root = ElementTree.fromstring(render("junit", report))
    assert len(root.findall("testsuite/testcase/failure")) == sum(
        item.severity is Severity.ERROR for item in report.recommendations if item.suppressed is None
    )
    page = _Tags(render("html", report, read_source=lambda path: HOSTILE * 3))
    assert page.tags <= TAGS
    assert page.attributes <= {"lang", "charset", "http-equiv", "content", "name", "id", "class", "href"}
    rows = cells(render("markdown", report))
    assert [len(row) for row in rows] == [4] * (open_count + bool(open_count))
    for name in ("full", "concise", "github", "markdown", "html"):
        made = render(name, report)
        assert [c for c in made if not (c.isprintable() or c == "\n")] == []
        made.encode()
    for line in problem_lines(report, RenderOptions(str(Path.cwd()), lambda path: None)):
        assert all(c.isprintable() or c == "\n" for c in line)
        assert line.startswith(("error: ", "incomplete: ", "note: "))
        assert all(more.startswith("  ") for more in line.split("\n")[1:])
