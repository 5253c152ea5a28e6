"""The published schemas are what the program prints, and what it prints follows them; same input, same bytes."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import forked
import jsonschema
import pytest

from semfora_hooks.providers.declarative.schema import rule_schema
from semfora_hooks.reporters import jsonreport

SCHEMAS = Path(__file__).parents[1] / "docs" / "schemas"
NAMES = ("baseline-status", "context", "manifest", "recommendation", "report", "rule", "suppressions")

FILES = {
    "app.py": """\
import os
from typing import Optional

import helpers
from helpers import unused_import


class Loader(helpers.Base):
    \"\"\"Loads.\"\"\"

    limit: int = 3

    def __init__(self, path: str, *rest: int, mode="r", **options) -> None:
        self.path = path

    async def load(self, /, deep: bool = False) -> Optional[int]:
        for entry in os.listdir(self.path):
            if entry and deep:
                try:
                    while True:
                        with open(entry) as stream:
                            if await stream.read() or (deep and entry):
                                return 1
                except OSError:
                    return 2
                finally:
                    print("done")
        return None

    @property
    def size(self):
        return [len(part) for part in self.path if (lambda x: x)(part)]


def _unused(rows):  # semfora: ignore[dead-code] -- kept for the schema test
    return rows


def is_ready(value: object) -> list:
    if isinstance(value, str):
        return [1]
    elif isinstance(value, bytes):
        return [2]
    elif isinstance(value, list):
        return [3]
    elif isinstance(value, tuple):
        return [4]
    match value:
        case 1:
            yield 3
        case _:
            raise ValueError(value if value else None)


print(Loader, is_ready)
""",
    "helpers.py": "import app\n\n\nclass Base:\n    pass\n\n\ndef unused_import():\n    return app\n",
    "copies.py": "".join(
        f"""\
def total_{name}(invoice, rates):
    total = 0
    for line in invoice.lines:
        rate = rates.get(line.currency, 1)
        amount = line.price * line.quantity * rate
        if line.discount:
            amount -= amount * line.discount / 100
        if line.tax:
            amount += amount * line.tax / 100
        total += round(amount, 2)
    return total


print(total_{name})


"""
        for name in ("a", "b")
    ),
    "broken.py": "def broken(:\n    pass\n\n\ndef fine():\n    return 1\n",
    "semfora.toml": "[rules.complexity]\nmax-cognitive = 3\n",
    ".semfora/rules/ours.yaml": "name: ours\ndescription: Ours.\nmatch: {name: is_ready}\ncondition: {min_loc: 1}\n",
    ".semfora/rules/bad.yaml": "name: bad\nfoo: 1\n",
}


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "repository"
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "first"]):
        subprocess.run(["git", *command], cwd=root, check=True)
    (root / "copies.py").write_text(FILES["copies.py"].replace("line.tax:", "line.tax and line.tax > 0 and total:"))
    subprocess.run(["git", "mv", "helpers.py", "aids.py"], cwd=root, check=True)
    subprocess.run(["git", "add", "-A"], cwd=root, check=True)
    return root


@pytest.fixture
def output(repository: Path) -> Callable[..., str]:
    """Runs the program in the repository."""

    def run(*arguments: str, **environment: str) -> str:
        done: forked.Done | subprocess.CompletedProcess[bytes]
        its_own = {**os.environ, **environment}
        if "PYTHONHASHSEED" in environment:  # counts when Python starts
            command = [sys.executable, "-P", "-m", "semfora_hooks", *arguments]
            done = subprocess.run(command, cwd=repository, env=its_own, capture_output=True, timeout=60, check=False)
        else:
            done = forked.run(arguments, repository, its_own)
        assert done.returncode in (0, 2), done.stderr
        assert done.stdout, done.stderr
        return done.stdout.decode()

    return run


def published(name: str) -> dict[str, Any]:
    schema: dict[str, Any] = json.loads((SCHEMAS / f"{name}.v1.json").read_text("utf-8"))
    return schema


def strict(name: str) -> jsonschema.Draft202012Validator:
    """A validator that also refuses fields the schema does not name: what we print must all be documented."""
    schema = published(name)

    def close(node: Any) -> None:
        if isinstance(node, dict):
            if node.get("type") == "object" and "properties" in node:
                node.setdefault("additionalProperties", False)
            for value in node.values():
                close(value)
        elif isinstance(node, list):
            for item in node:
                close(item)

    close(schema)
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.mark.parametrize("name", NAMES)
def test_the_published_file_is_what_the_program_prints(name: str, output: Callable[..., str]) -> None:
    assert (SCHEMAS / f"{name}.v1.json").read_text("utf-8") == output("schema", name), (
        f"run: semfora-hooks schema {name} > docs/schemas/{name}.v1.json"
    )


def test_every_schema_is_published() -> None:
    assert set(NAMES) == {*jsonreport.SCHEMAS, "manifest", "rule"}
    assert {f"{name}.v1.json" for name in NAMES} <= {path.name for path in SCHEMAS.iterdir()}
    assert published("rule") == json.loads(json.dumps(rule_schema()))


@pytest.mark.parametrize("name", NAMES)
def test_descriptions_do_not_depend_on_the_version_of_python(name: str) -> None:
    """Python 3.13 strips the indentation of docstrings; the schemas must be the same everywhere."""

    def check(node: Any) -> int:
        if isinstance(node, dict):
            text = node.get("description")
            if isinstance(text, str):
                lines = [line for line in text.splitlines()[1:] if line.strip()]
                assert not lines or any(not line.startswith(" ") for line in lines), text
            return isinstance(text, str) + sum(check(value) for value in node.values())
        return sum(check(item) for item in node) if isinstance(node, list) else 0

    assert check(published(name)) > (1 if name in ("baseline-status", "suppressions") else 3)


@pytest.mark.parametrize("scope", [(), ("--staged", "--all")])
def test_a_report_follows_its_schema(output: Callable[..., str], scope: tuple[str, ...]) -> None:
    report = json.loads(output("suggest", "--output-format", "json", *scope))
    strict("report").validate(report)
    # The test means something: every part of a report is there.
    assert {item["rule_id"] for item in report["recommendations"]} >= {"ours", "complexity", "dead-code"}
    assert any(item["suppressed"] for item in report["recommendations"])
    assert any(item["metrics"] and item["evidence"] for item in report["recommendations"])
    assert [entry["kind"] for entry in report["errors"]] == ["rule", "rule"]
    assert [item["file"] for item in report["incomplete"]] == ["broken.py"]
    if scope:
        assert {item["status"] for item in report["recommendations"]} >= {"worsened", "inherited"}
    for item in report["recommendations"]:
        strict("recommendation").validate(item)


@pytest.mark.parametrize("scope", ["repo", "staged"])
def test_a_context_follows_its_schema(output: Callable[..., str], scope: str) -> None:
    context = json.loads(output("context", "--scope", scope))
    strict("context").validate(context)
    assert all(context[part] for part in ("symbols", "calls", "modules", "duplicates"))
    assert {symbol["kind"] for symbol in context["symbols"]} >= {"module", "class", "method", "function"}
    if scope == "staged":
        assert [(item["path"], item["change"]) for item in context["scope"]["files"]] == [
            ("aids.py", "renamed"),
            ("copies.py", "modified"),
        ]
        assert context["scope"]["symbols"]


def test_a_list_of_comments_follows_its_schema(output: Callable[..., str], repository: Path) -> None:
    text = FILES["app.py"] + (
        "\n\n# semfora: ignore[naming, dead-code] until=2020-01-31 -- over\ndef late():\n    return 1\n"
        "\n\n# semfora: ignore -- which one?\n# semfora: file-ignore[complexity, no-such] -- most of it\n"
    )
    (repository / "app.py").write_text(text)
    (repository / ".semfora/rules/bad.yaml").unlink()
    listed = json.loads(output("suppressions", "--output-format", "json"))
    strict("suppressions").validate(listed)
    assert {(item["scope"], item["state"]) for item in listed["suppressions"]} == {
        ("line", "used"),
        ("line", "expired"),
        ("line", "malformed"),
        ("file", "partly used"),
    }
    assert any(item["until"] == "2020-01-31" and item["remarks"] for item in listed["suppressions"])


def test_the_status_of_a_baseline_follows_its_schema(output: Callable[..., str], repository: Path) -> None:
    (repository / ".semfora/rules/bad.yaml").unlink()
    as_json = ("--output-format", "json")
    created = json.loads(output("baseline", "create", *as_json))
    (repository / "app.py").write_text(FILES["app.py"].replace("def is_ready", "def _is_ready"))
    shown = json.loads(output("baseline", "show", *as_json))
    updated = json.loads(output("baseline", "update", "--accept-new", *as_json))
    for document in (created, shown, updated):
        strict("baseline-status").validate(document)
        for found in (document[name] for name in ("accepted", "added", "open")):
            ranks = ["error warning info".split().index(line["severity"]) for line in found]
            assert ranks == sorted(ranks)
            assert len(found) < 3 or len(set(ranks)) > 1 or found is document["open"]
    assert created["written"] and len(created["added"]) > 4
    assert shown["accepted"] and shown["stale"] and shown["open"] and not shown["written"]
    assert shown["open"] == updated["added"]
    shown["stale"][0]["rule_id"] = None
    assert not jsonschema.Draft202012Validator(published("baseline-status")).is_valid(shown)


@pytest.mark.parametrize(
    ("name", "command", "path", "value"),
    [
        ("report", ("suggest", "--output-format", "json"), ("recommendations", 0, "confidence"), "high"),
        ("report", ("suggest", "--output-format", "json"), ("recommendations", 0, "severity"), "fatal"),
        ("report", ("suggest", "--output-format", "json"), ("version",), 2),
        ("report", ("suggest", "--output-format", "json"), ("summary", "files"), None),
        ("context", ("context",), ("symbols", 0, "kind"), "thing"),
        ("context", ("context",), ("calls", 0, "resolution"), "guessed"),
        ("context", ("context",), ("schema",), "other"),
        ("suppressions", ("suppressions", "--output-format", "json"), ("suppressions", 0, "state"), "good"),
    ],
)
def test_the_schemas_refuse_what_is_wrong(
    output: Callable[..., str], name: str, command: tuple[str, ...], path: tuple[str | int, ...], value: object
) -> None:
    document = json.loads(output(*command))
    broken = copy.deepcopy(document)
    node = broken
    for key in path[:-1]:
        node = node[key]
    node[path[-1]] = value
    validator = jsonschema.Draft202012Validator(published(name))
    assert validator.is_valid(document)
    assert not validator.is_valid(broken)


# ----------------------------------------------------------------------------------------------------- determinism


def without_timings(text: str) -> str:
    head, found, _ = text.partition('\n  "timings": {')
    assert found
    return head


@pytest.mark.parametrize("scope", [(), ("--staged", "--all")])
def test_two_reports_are_the_same_bytes(
    output: Callable[..., str], repository: Path, tmp_path: Path, scope: tuple[str, ...]
) -> None:
    for number in range(3):  # enough to be worth several processes
        (repository / f"big{number}.py").write_text(f"# {number} {'x' * 100}\n" * 2000 + f"VALUE = {number}\n")
    subprocess.run(["git", "add", "-A"], cwd=repository, check=True)
    command = ("suggest", "--output-format", "json", *scope)
    cold = output(*command, SEMFORA_CACHE_DIR=str(tmp_path / "cache"), PYTHONHASHSEED="1")
    assert list((tmp_path / "cache").glob("*.sqlite"))
    warm = output(*command, SEMFORA_CACHE_DIR=str(tmp_path / "cache"), PYTHONHASHSEED="2")
    without = output(*command, "--no-cache", PYTHONHASHSEED="3")
    parallel = output(*command, "--no-cache", "--jobs", "2", PYTHONHASHSEED="4")
    assert len({without_timings(text) for text in (cold, warm, without, parallel)}) == 1
    assert len(json.loads(cold)["recommendations"]) > 3


def test_two_contexts_are_the_same_bytes(output: Callable[..., str], tmp_path: Path) -> None:
    cold = output("context", SEMFORA_CACHE_DIR=str(tmp_path / "cache"), PYTHONHASHSEED="1")
    warm = output("context", SEMFORA_CACHE_DIR=str(tmp_path / "cache"), PYTHONHASHSEED="2")
    assert cold == warm == output("context", "--no-cache", PYTHONHASHSEED="3")


def test_no_cache_leaves_none(output: Callable[..., str], tmp_path: Path) -> None:
    output("suggest", "--output-format", "json", "--no-cache", SEMFORA_CACHE_DIR=str(tmp_path / "cache"))
    assert not (tmp_path / "cache").exists()
