"""Configuration: where values come from, and what is said of wrong ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from semfora_hooks.config import (
    ENVIRONMENT,
    Config,
    load_config,
    nearest,
    parse_duration,
    parse_size,
    unknown_key_text,
)
from semfora_hooks.errors import ConfigError
from semfora_hooks.model import Severity
from semfora_hooks.rules.dead_code import DeadCode

quick = settings(deadline=None, max_examples=200, database=None)


def load(root: Path, environment: dict[str, str] | None = None, **overrides: Any) -> Config:
    return load_config(root, environment=environment or {}, overrides=overrides)


def error(root: Path, environment: dict[str, str] | None = None, **overrides: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        load(root, environment, **overrides)
    assert caught.value.kind == "config"
    return str(caught.value)


def toml(root: Path, text: str) -> None:
    (root / "semfora.toml").write_text(text)


def pyproject(root: Path, text: str) -> None:
    (root / "pyproject.toml").write_text(text)


# --------------------------------------------------------------------------------------------------------- sources


def test_defaults(tmp_path: Path) -> None:
    config = load(tmp_path)
    assert config == Config(root=str(tmp_path))
    assert config.root_path == tmp_path
    assert (config.select, config.fail_on, config.new_only, config.min_confidence) == (
        ("recommended",),
        "error",
        True,
        0.0,
    )
    assert config.max_file_size_bytes == 2 * 1024 * 1024
    assert config.plugins.wasm.memory_ceiling_bytes == 512 * 1024 * 1024
    assert config.plugins.wasm.timeout_ceiling_seconds == 30.0


EVERYTHING = """
{0}src = ["python"]
{0}exclude = ["gen/", "*_pb2.py"]
{0}select = ["all"]
{0}ignore = ["naming"]
{0}fail-on = "warning"
{0}min-confidence = 0.5
{0}new-only = false
{0}baseline = "baseline.json"
{0}entry-points = ["pkg.cli:main"]
{0}frameworks = ["django"]
{0}severity = {{ "complexity" = "info" }}
{0}per-file-ignores = {{ "tests/**" = ["naming", "complexity"] }}
{0}rules.complexity = {{ limit = 20 }}
{0}plugins.wasm.enabled = false
{0}plugins.wasm.locked = true
{0}plugins.wasm.memory-ceiling = "64MiB"
{0}plugins.wasm.timeout-ceiling = "500ms"
{0}plugins.wasm.total-timeout = "2m"
{0}providers = {{ disable = ["wasm"] }}
{0}max-file-size = "10 MB"
{0}jobs = 3
"""


@pytest.mark.parametrize(("name", "prefix"), [("semfora.toml", ""), ("pyproject.toml", "tool.semfora.")])
def test_every_key_from_either_file(tmp_path: Path, name: str, prefix: str) -> None:
    (tmp_path / name).write_text(EVERYTHING.format(prefix))
    config = load(tmp_path)
    assert msgspec.to_builtins(config) == {
        "src": ("python",),
        "exclude": ("gen/", "*_pb2.py"),
        "select": ("all",),
        "ignore": ("naming",),
        "fail-on": "warning",
        "min-confidence": 0.5,
        "new-only": False,
        "baseline": "baseline.json",
        "entry-points": ("pkg.cli:main",),
        "frameworks": ("django",),
        "severity": {"complexity": "info"},
        "per-file-ignores": {"tests/**": ("naming", "complexity")},
        "rules": {"complexity": {"limit": 20}},
        "plugins": {
            "wasm": {
                "enabled": False,
                "locked": True,
                "memory-ceiling": "64MiB",
                "timeout-ceiling": "500ms",
                "total-timeout": "2m",
            }
        },
        "providers": {"disable": ("wasm",)},
        "max-file-size": "10 MB",
        "jobs": 3,
        "root": str(tmp_path),
        "rules-root": "",
        "source": name,
        "no-plugins": False,
        "use-cache": True,
    }
    assert config.severity == {"complexity": Severity.INFO}
    assert config.max_file_size_bytes == 10_000_000
    assert config.plugins.wasm.timeout_ceiling_seconds == 0.5
    assert config.plugins.wasm.total_timeout_seconds == 120.0


def test_the_command_line_beats_the_environment_beats_the_file_beats_the_defaults(tmp_path: Path) -> None:
    toml(tmp_path, 'fail-on = "info"\njobs = 1\nselect = ["a"]\nmin-confidence = 0.1\n')
    environment = {
        "SEMFORA_FAIL_ON": "warning",
        "SEMFORA_JOBS": "2",
        "SEMFORA_SELECT": "b, c ,",
        "SEMFORA_BASELINE": "x",
    }
    config = load(tmp_path, environment, fail_on="never", jobs=4)
    assert (config.fail_on, config.jobs) == ("never", 4)
    assert (config.select, config.baseline) == (("b", "c"), "x")
    assert (config.min_confidence, config.ignore) == (0.1, ())
    assert config.source == "semfora.toml"


def test_every_variable(tmp_path: Path) -> None:
    values = {
        "SEMFORA_FAIL_ON": "info",
        "SEMFORA_MIN_CONFIDENCE": "0.25",
        "SEMFORA_SELECT": "a,b",
        "SEMFORA_IGNORE": "c",
        "SEMFORA_BASELINE": "b.json",
        "SEMFORA_JOBS": "8",
    }
    assert set(values) == set(ENVIRONMENT)
    config = load(tmp_path, values)
    assert (config.fail_on, config.min_confidence, config.select) == ("info", 0.25, ("a", "b"))
    assert (config.ignore, config.baseline, config.jobs) == (("c",), "b.json", 8)


def test_empty_variables_say_nothing(tmp_path: Path) -> None:
    assert load(tmp_path, dict.fromkeys(ENVIRONMENT, "")) == Config(root=str(tmp_path))


def test_the_processs_own_environment_is_the_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEMFORA_JOBS", "5")
    assert load_config(tmp_path).jobs == 5


def test_files_that_are_not_about_us(tmp_path: Path) -> None:
    pyproject(tmp_path, '[project]\nname = "x"\n[tool.ruff]\nselect = 3\n')
    assert load(tmp_path).source is None
    pyproject(tmp_path, "tool = 3\n")
    assert load(tmp_path).source is None


def test_an_empty_table_is_a_source(tmp_path: Path) -> None:
    pyproject(tmp_path, "[tool.semfora]\n")
    assert load(tmp_path) == Config(root=str(tmp_path), source="pyproject.toml")


def test_our_own_file_beside_a_foreign_pyproject(tmp_path: Path) -> None:
    toml(tmp_path, "jobs = 2\n")
    pyproject(tmp_path, "[tool.ruff]\n")
    assert (load(tmp_path).jobs, load(tmp_path).source) == (2, "semfora.toml")


def test_both_files(tmp_path: Path) -> None:
    toml(tmp_path, "jobs = 2\n")
    pyproject(tmp_path, "[tool.semfora]\njobs = 2\n")
    assert error(tmp_path) == (
        "both semfora.toml and [tool.semfora] in pyproject.toml configure semfora-hooks (keep one of them)"
    )


# ---------------------------------------------------------------------------------------------------- wrong values


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("selct = []", "semfora.toml: unknown key 'selct' (did you mean 'select'?)"),
        ("fail_on = 'error'", "semfora.toml: unknown key 'fail_on' (did you mean 'fail-on'?)"),
        ("[plugin.wasm]\n", "semfora.toml: unknown key 'plugin' (did you mean 'plugins'?)"),
        (
            "[plugins.wasm]\nmemory = '1'",
            "semfora.toml: unknown key 'plugins.wasm.memory' (did you mean 'memory-ceiling'?)",
        ),
        (
            "[plugins.wasm]\ntrust = 'explicit'",
            "semfora.toml: unknown key 'plugins.wasm.trust' (it belongs in your own configuration, which no repository "
            "can change; 'semfora-hooks plugin trust --list' names the file)",
        ),
        ("[plugins]\nwsam = {}", "semfora.toml: unknown key 'plugins.wsam' (did you mean 'wasm'?)"),
        ("[providers]\ndisabled = []", "semfora.toml: unknown key 'providers.disabled' (did you mean 'disable'?)"),
        ("[providers]\nq = []", "semfora.toml: unknown key 'providers.q' (valid keys: disable)"),
        ("[tool.semfora]\njobs = 1", "semfora.toml: unknown key 'tool' (valid keys: "),
        ("root = '/'", "semfora.toml: unknown key 'root' ("),
        ("no-plugins = true", "semfora.toml: unknown key 'no-plugins' (did you mean 'plugins'?)"),
        ("use-cache = false", "semfora.toml: unknown key 'use-cache' ("),
        ("source = 'x'", "semfora.toml: unknown key 'source' ("),
        ("select = 'all'", "semfora.toml: 'select': Expected `array`, got `str`"),
        ("select = [1]", "semfora.toml: 'select[0]': Expected `str`, got `int`"),
        ("jobs = '2'", "semfora.toml: 'jobs': Expected `int`, got `str`"),
        ("jobs = true", "semfora.toml: 'jobs': Expected `int`, got `bool`"),
        ("jobs = 1.5", "semfora.toml: 'jobs': Expected `int`, got `float`"),
        ("jobs = -1", "semfora.toml: 'jobs': -1 is negative; 0 means one a processor"),
        ("new-only = 1", "semfora.toml: 'new-only': Expected `bool`, got `int`"),
        ("fail-on = 'fatal'", "semfora.toml: 'fail-on': Invalid enum value 'fatal'"),
        ("fail-on = 2021-01-01", "semfora.toml: 'fail-on': Expected `str`, got `date`"),
        ("min-confidence = 1.01", "semfora.toml: 'min-confidence': 1.01 is not between 0.0 and 1.0"),
        ("min-confidence = nan", "semfora.toml: 'min-confidence': nan is not between 0.0 and 1.0"),
        ("min-confidence = -inf", "semfora.toml: 'min-confidence': -inf is not between 0.0 and 1.0"),
        ("[severity]\nx = 'bad'", "semfora.toml: 'severity.x': Invalid enum value 'bad'"),
        ("[per-file-ignores]\n'a' = 'b'", "semfora.toml: 'per-file-ignores.a': Expected `array`, got `str`"),
        ("rules = []", "semfora.toml: 'rules': Expected `object`, got `array`"),
        ("plugins = 3", "semfora.toml: 'plugins': Expected `object`, got `int`"),
        ("[plugins]\nwasm = 3", "semfora.toml: 'plugins.wasm': Expected `object`, got `int`"),
        ("max-file-size = 5", "semfora.toml: 'max-file-size': Expected `str`, got `int`"),
        ("max-file-size = 'big'", "semfora.toml: 'max-file-size': 'big' is not a size such as '256MiB'"),
        (
            "[plugins.wasm]\nmemory-ceiling = '5 parsecs'",
            "semfora.toml: 'plugins.wasm.memory-ceiling': '5 parsecs' is not a size such as '256MiB'",
        ),
        (
            "[plugins.wasm]\ntimeout-ceiling = 'soon'",
            "semfora.toml: 'plugins.wasm.timeout-ceiling': 'soon' is not a duration such as '5s'",
        ),
        (
            "[plugins.wasm]\ntotal-timeout = 'later'",
            "semfora.toml: 'plugins.wasm.total-timeout': 'later' is not a duration such as '5s'",
        ),
        ("jobs = ", "semfora.toml: not valid TOML: Invalid value (at "),
        ("jobs = 1\njobs = 2", "semfora.toml: not valid TOML: Cannot overwrite a value (at line 2, column 9)"),
    ],
)
def test_mistakes_in_a_file_name_the_file_the_key_and_what_was_meant(tmp_path: Path, text: str, message: str) -> None:
    toml(tmp_path, text + "\n")
    assert error(tmp_path).startswith(message)


@pytest.mark.parametrize(
    ("text", "choices"),
    [
        ("fail-on = 'warn'", "(one of error, info, never, warning)"),
        ("[severity]\ndead-code = 'fatal'", "(one of info, warning, error)"),
    ],
)
def test_a_word_that_is_none_of_a_few_is_told_which_there_are(tmp_path: Path, text: str, choices: str) -> None:
    toml(tmp_path, text + "\n")
    assert error(tmp_path).endswith(choices)


def test_a_rules_options_name_their_choices_too() -> None:
    with pytest.raises(ConfigError) as caught:
        DeadCode.configured(Config(rules={"dead-code": {"public": "sometimes"}}, source="semfora.toml"))
    assert str(caught.value).startswith("semfora.toml: 'rules.dead-code.public': Invalid enum value 'sometimes'")
    assert str(caught.value).endswith("(one of always, auto, never)")


def test_mistakes_in_pyproject_name_it(tmp_path: Path) -> None:
    pyproject(tmp_path, "[tool.semfora]\nselct = []\n")
    assert error(tmp_path) == "pyproject.toml: unknown key 'selct' (did you mean 'select'?)"
    pyproject(tmp_path, "[tool]\nsemfora = 'x'\n")
    assert error(tmp_path) == "pyproject.toml: [tool.semfora] must be a table"
    pyproject(tmp_path, "[tool.semfora\n")
    assert error(tmp_path).startswith("pyproject.toml: not valid TOML: ")


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("SEMFORA_JOBS", "many", "SEMFORA_JOBS: 'many' is not a number"),
        ("SEMFORA_JOBS", "1.5", "SEMFORA_JOBS: '1.5' is not a number"),
        ("SEMFORA_MIN_CONFIDENCE", "high", "SEMFORA_MIN_CONFIDENCE: 'high' is not a number"),
        (
            "SEMFORA_FAIL_ON",
            "fatal",
            "SEMFORA_FAIL_ON: 'fail-on': Invalid enum value 'fatal' (one of error, info, never, warning)",
        ),
    ],
)
def test_mistakes_in_the_environment_name_the_variable(tmp_path: Path, variable: str, value: str, message: str) -> None:
    toml(tmp_path, 'fail-on = "info"\n')
    assert error(tmp_path, {variable: value}) == message


def test_impossible_values_from_the_command_line(tmp_path: Path) -> None:
    assert error(tmp_path, jobs=-3) == "configuration: 'jobs': -3 is negative; 0 means one a processor"
    assert error(tmp_path, {"SEMFORA_MIN_CONFIDENCE": "2"}).endswith("2.0 is not between 0.0 and 1.0")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\xff\xfe", "semfora.toml: not valid TOML: 'utf-8' codec can't decode byte 0xff"),
        (b"#" * (1 << 20) + b"#", "semfora.toml: larger than 1 MiB; refusing to read it as configuration"),
        (b"a = " + b"[" * 100_000, "semfora.toml: not valid TOML: "),
        (b"\0", "semfora.toml: not valid TOML: "),
    ],
)
def test_hostile_files(tmp_path: Path, data: bytes, message: str) -> None:
    (tmp_path / "semfora.toml").write_bytes(data)
    assert error(tmp_path).startswith(message)


def test_a_folder_in_the_place_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "semfora.toml").mkdir()
    assert error(tmp_path) == "semfora.toml: not a regular file"


# ---------------------------------------------------------------------------------------------------- small pieces


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        (12, 12),
        ("12", 12),
        ("12B", 12),
        ("1KiB", 1024),
        ("1 kib", 1024),
        ("1.5MiB", 1_572_864),
        ("2MB", 2_000_000),
        (" 3 GiB ", 3 << 30),
        ("1GB", 10**9),
    ],
)
def test_sizes(text: str | int, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("5s", 5.0), ("500ms", 0.5), ("2m", 120.0), ("2 min", 120.0), (1.5, 1.5), ("3", 3.0), ("0.5S", 0.5)],
)
def test_durations(text: str | float, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "MiB", "-1", "1e3", "1,5", "1 TiB x", "0x10", "½MiB", "1.MiB", "inf", "nan"])
def test_what_is_no_quantity(text: str) -> None:
    with pytest.raises(ValueError, match="is not a size such as '256MiB'"):
        parse_size(text)
    with pytest.raises(ValueError, match="is not a duration such as '5s'"):
        parse_duration(text)


@quick
@given(st.text(max_size=30))
def test_quantities_are_numbers_or_value_errors(text: str) -> None:
    for parse in (parse_size, parse_duration):
        try:
            assert parse(text) >= 0
        except ValueError as problem:
            assert repr(text) in str(problem)


def test_nearest_names() -> None:
    assert nearest("selct", ["select", "ignore"]) == "select"
    assert nearest("zzz", ["select", "ignore"]) is None
    assert unknown_key_text("zzz", ["select", "ignore"]) == "valid keys: ignore, select"
    assert unknown_key_text("ignor", ["select", "ignore"]) == "did you mean 'ignore'?"


def test_a_configuration_is_frozen_and_copied(tmp_path: Path) -> None:
    config = load(tmp_path)
    changed = config.replace(jobs=7)
    assert (config.jobs, changed.jobs) == (0, 7)
    with pytest.raises(AttributeError):
        config.jobs = 3  # type: ignore[misc]
