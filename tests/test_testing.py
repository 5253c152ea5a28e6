"""The helpers for authors: one rule on a few files, examples, claims about an architecture, the shared analysis."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from semfora_hooks.config import load_config
from semfora_hooks.context import SuggestContext
from semfora_hooks.discovery import Root
from semfora_hooks.engine import Request, SuggestEngine
from semfora_hooks.errors import ConfigError, SemforaError
from semfora_hooks.hookspecs import Example, Rule
from semfora_hooks.model import Recommendation, Severity, SymbolRef
from semfora_hooks.rules.complexity import Complexity, ComplexityOptions
from semfora_hooks.rules.dead_code import DeadCode, DeadCodeOptions
from semfora_hooks.testing import Analysis, Architecture, RuleTester, check_example, run_rule

DEAD = {"app.py": "def _dead():\n    return 1\n"}
ALIVE = {"app.py": "def _alive():\n    return 1\n\n\n_alive()\n"}


class NoShouting(Rule):
    """Fires on names in capitals; `context.config` holds its options."""

    id = "acme/no-shouting"
    group = "acme"
    category = "custom:acme"
    severity = Severity.WARNING
    description = "Names in capitals."
    examples = (
        Example(fires=True, files={"a.py": "def LOAD(): ...\n"}),
        Example(fires=False, files={"a.py": "def load(): ...\n"}),
    )

    def evaluate(self, context: SuggestContext) -> Iterator[Recommendation]:
        for symbol in context.symbols:
            if symbol.name.isupper() and symbol.name not in context.config.get("allowed", ()):
                yield Recommendation(title=f"{symbol.name} shouts", symbols=(SymbolRef.of(symbol),))


class Raising(NoShouting):
    def evaluate(self, context: SuggestContext) -> Iterator[Recommendation]:
        raise ZeroDivisionError("a bug")


def dead_code() -> DeadCode:
    return DeadCode(DeadCodeOptions())


# ------------------------------------------------------------------------------------------------------------ run_rule


def test_run_rule_gives_complete_findings() -> None:
    (found,) = run_rule(dead_code(), DEAD)
    assert (found.rule_id, found.severity, found.symbols[0].file) == ("dead-code", Severity.WARNING, "app.py")
    assert found.fingerprint
    assert run_rule(dead_code(), ALIVE) == []


def test_run_rule_runs_no_other_rule() -> None:
    shouting = {"a.py": "def LOAD():\n    return 1\n"}
    assert [found.rule_id for found in run_rule(NoShouting(), shouting)] == ["acme/no-shouting"]


def test_options_reach_builtin_rules_and_others() -> None:
    code = {"a.py": "def LOAD(): ...\ndef STORE(): ...\n"}
    assert [found.title for found in run_rule(NoShouting(), code)] == ["LOAD shouts", "STORE shouts"]
    assert [found.title for found in run_rule(NoShouting(), code, {"allowed": ["LOAD"]})] == ["STORE shouts"]
    branch = {"a.py": "def f(a, b):\n    if a:\n        if b:\n            return 1\n    return 2\n\n\nf(1, 2)\n"}
    rule = Complexity(ComplexityOptions())
    assert run_rule(rule, branch) == []
    assert [found.rule_id for found in run_rule(rule, branch, {"max-cognitive": 1})] == ["complexity"]
    with pytest.raises(ConfigError, match=r"rules\.complexity\.max-cognitve"):
        run_rule(rule, branch, {"max-cognitve": 1})


def test_suppressed_findings_are_left_out() -> None:
    assert run_rule(dead_code(), {"app.py": "# semfora: ignore[dead-code] -- kept\n" + DEAD["app.py"]}) == []


def test_a_rule_that_raises_is_no_silent_rule() -> None:
    with pytest.raises(AssertionError, match=r"acme/no-shouting.*\n.*ZeroDivisionError: a bug"):
        run_rule(Raising(), DEAD)


def test_files_stay_inside_their_folder() -> None:
    with pytest.raises(ValueError, match="not a path below"):
        run_rule(dead_code(), {"../escaped.py": "x = 1\n"})


def test_the_surroundings_do_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a git repository around the temporary folder, nor the environment's settings."""
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("SEMFORA_MIN_CONFIDENCE", "1.0")
    monkeypatch.setenv("SEMFORA_IGNORE", "dead-code")
    assert len(run_rule(dead_code(), DEAD)) == 1


# ------------------------------------------------------------------------------------------------------------ examples


@pytest.mark.parametrize(
    ("example", "message"),
    [
        (Example(fires=True, files=ALIVE, note="by name"), r" \(by name\): must fire, and is silent"),
        (Example(fires=False, files=DEAD), r"must be silent, and fires\napp.py:1: function `_dead` is never used"),
        (Example(fires=False, files={"app.py": "def broken(:\n"}), r"could not be checked\nincomplete: app.py"),
    ],
)
def test_a_wrong_example_says_why_and_shows_its_code(example: Example, message: str) -> None:
    with pytest.raises(AssertionError, match=f"rule 'dead-code', example.*{message}") as caught:
        check_example(dead_code(), example)
    assert f"--- app.py\n{example.files['app.py']}" in str(caught.value)


def test_right_examples_pass() -> None:
    check_example(dead_code(), Example(fires=True, files=DEAD))
    check_example(dead_code(), Example(fires=False, files=DEAD | {"b.py": "import app\napp._dead()\n"}))
    RuleTester().check(NoShouting())


def test_an_examples_options_count_and_are_shown() -> None:
    files = {"a.py": "def LOAD(): ...\n"}
    check_example(NoShouting(), Example(fires=False, files=files, options={"allowed": ["LOAD"]}))
    with pytest.raises(AssertionError, match=r"options: \{'allowed': \['OTHER'\]\}"):
        check_example(NoShouting(), Example(fires=False, files=files, options={"allowed": ["OTHER"]}))


def test_a_rule_needs_examples_of_both_kinds() -> None:
    rule = NoShouting()
    rule.examples = rule.examples[:1]
    with pytest.raises(AssertionError, match="needs an example that fires and one that does not"):
        RuleTester().check(rule)
    with pytest.raises(AssertionError, match="ZeroDivisionError"):
        RuleTester().check(Raising())


# -------------------------------------------------------------------------------------------------------- architecture


def engine_of(folder: Path) -> SuggestEngine:
    return SuggestEngine(load_config(folder, environment={}))


def write(folder: Path, files: dict[str, str]) -> Path:
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(textwrap.dedent(text))
    return folder


@pytest.fixture
def arch(tmp_path: Path) -> Architecture:
    files = {
        "app/__init__.py": "",
        "app/domain/__init__.py": "",
        "app/domain/order.py": """\
            import requests

            from app.web import http
            from app.web.http import render


            def place():
                render(1)
                requests.post(2)


            def price(page: http.Page):
                return page.show()
            """,
        "app/web/__init__.py": "",
        "app/web/http.py": """\
            class Page:
                def show(self):
                    return render(self)


            def render(x):
                return x
            """,
    }
    write(tmp_path, files)
    return Architecture(engine_of(tmp_path).analyse(Request(Root(tmp_path, is_git=False)))[0])


def test_a_broken_claim_names_every_call(arch: Architecture) -> None:
    with pytest.raises(AssertionError) as caught:
        arch.modules("app.domain.*").should_not_call("app.web.*")
    assert str(caught.value) == (
        "app.domain.* should not call app.web.*, and does in 2 places:\n"
        "  app/domain/order.py:8: app.domain.order.place calls app.web.http.render (exact)\n"
        "  app/domain/order.py:13: app.domain.order.price calls app.web.http.Page.show (inferred)"
    )
    with pytest.raises(AssertionError, match="in 1 place:"):
        arch.modules("app.domain").should_not_call("app.web", trust="exact")


def test_claims_that_hold(arch: Architecture) -> None:
    arch.modules("app.web.*").should_not_call("app.domain.*")
    arch.modules("app.web").should_not_import("app.domain")
    arch.modules("app.domain.*").should_not_call("urllib", "app.db.*")


def test_calls_among_the_forbidden_do_not_count(arch: Architecture) -> None:
    with pytest.raises(AssertionError) as caught:
        arch.modules("app").should_not_call("app.web")
    assert "Page.show calls" not in str(caught.value)


def test_names_outside_the_repository(arch: Architecture) -> None:
    with pytest.raises(AssertionError, match=r"order\.py:9: app\.domain\.order\.place calls requests\.post$"):
        arch.modules("app.domain.*").should_not_call("requests")


def test_imports(arch: Architecture) -> None:
    with pytest.raises(AssertionError, match=r"app/domain/order\.py:\d+: app\.domain\.order imports app\.web\.http"):
        arch.modules("app.domain.*").should_not_import("app.web.*")


def test_claims_about_nothing_are_refused(arch: Architecture) -> None:
    with pytest.raises(AssertionError, match=r"no module fits app\.domian\.\*; the first modules are: app, app\."):
        arch.modules("app.domian.*")
    with pytest.raises(ValueError, match="at least one module pattern"):
        arch.modules("app").should_not_call()


# ----------------------------------------------------------------------------------------------------- shared analysis


class Counting(SuggestEngine):
    runs = 0

    def run(self, request: Request):  # type: ignore[no-untyped-def]
        self.runs += 1
        return super().run(request)


def analysis(folder: Path, shared: Path | None = None, **request: str) -> tuple[Counting, Analysis]:
    engine = Counting(load_config(folder, environment={}))
    return engine, Analysis(engine, Request(Root(folder, is_git=False), **request), shared)  # type: ignore[arg-type]


def test_a_second_process_reads_what_the_first_found(tmp_path: Path) -> None:
    folder, shared = write(tmp_path / "repo", DEAD | {"main.py": "import app\n"}), tmp_path / "shared"
    shared.mkdir()
    one, first = analysis(folder, shared)
    two, second = analysis(folder, shared)
    assert not first.has_run() and not second.has_run()
    assert first.report == second.report
    assert (one.runs, two.runs) == (1, 0)
    assert first.has_run() and second.has_run()
    assert [found.rule_id for found in second.recommendations()] == ["dead-code"]
    here, there = first.graph, second.graph
    for field in ("symbols", "calls", "modules", "imports", "duplicates"):
        assert list(getattr(here, field)) == list(getattr(there, field)), field
    assert here.symbols and here.modules and here.imports
    assert (dict(here.mentions), here.scope, here.generator) == (dict(there.mentions), there.scope, there.generator)


def test_a_failure_is_shared_and_not_tried_again(tmp_path: Path) -> None:
    folder, shared = write(tmp_path / "repo", DEAD), tmp_path / "shared"
    shared.mkdir()
    one, first = analysis(folder, shared, scope="range", base="nowhere")
    two, second = analysis(folder, shared, scope="range", base="nowhere")
    messages = []
    for each in (first, first, second):
        with pytest.raises(SemforaError) as caught:
            _ = each.report
        messages.append((str(caught.value), caught.value.kind))
    assert len(set(messages)) == 1 and "nowhere" in messages[0][0]
    assert (one.runs, two.runs) == (1, 0)
    assert second.has_run()


def test_processes_at_the_same_time_analyse_once(tmp_path: Path) -> None:
    folder, shared = write(tmp_path / "repo", DEAD), tmp_path / "shared"
    shared.mkdir()
    code = textwrap.dedent(
        f"""
        import time
        from pathlib import Path
        from semfora_hooks.config import load_config
        from semfora_hooks.discovery import Root
        from semfora_hooks.engine import Request, SuggestEngine
        from semfora_hooks.testing import Analysis

        class Slow(SuggestEngine):
            def run(self, request):
                time.sleep(0.5)
                print("ran")
                return super().run(request)

        folder = Path({str(folder)!r})
        request = Request(Root(folder, is_git=False))
        print(len(Analysis(Slow(load_config(folder)), request, Path({str(shared)!r})).recommendations()))
        """
    )
    started = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(3)]
    outputs = sorted(process.communicate(timeout=60)[0] for process in started)
    assert outputs == ["1\n", "1\n", "ran\n1\n"]


def test_an_unfinished_file_is_no_result(tmp_path: Path) -> None:
    """A worker that is killed while it writes leaves a part behind, and the next one starts over."""
    folder, shared = write(tmp_path / "repo", DEAD), tmp_path / "shared"
    shared.mkdir()
    (shared / "report.part").write_bytes(b'{"schema": "semf')
    engine, found = analysis(folder, shared)
    assert len(found.recommendations()) == 1
    assert engine.runs == 1
    assert msgspec.json.decode((shared / "report.json").read_bytes())["schema"] == "semfora.report"


def test_recommendations_can_be_narrowed_down(tmp_path: Path) -> None:
    _, found = analysis(write(tmp_path, DEAD))
    assert len(found.recommendations(rule="dead-code", group="dead-code", min_severity="warning")) == 1
    assert found.recommendations(rule="naming") == []
    assert found.recommendations(group="naming") == []
    assert found.recommendations(min_severity=Severity.ERROR) == []
    with pytest.raises(LookupError, match=r"'dead-cod' did not run; these did: .*dead-code"):
        found.recommendations(rule="dead-cod")
    with pytest.raises(ValueError, match="fatal"):
        found.recommendations(min_severity="fatal")
