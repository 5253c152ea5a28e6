"""The options of the pytest plugin and their twins in its configuration: all that every session of pytest loads."""

from __future__ import annotations

from pathlib import Path

import pytest

NAME = "semfora"
OPTIONS: dict[str, tuple[str, tuple[str, ...], str]] = {
    "fail-on": ("", ("never", "info", "warning", "error"), "severity from which a finding fails its item"),
    "min-confidence": ("F", (), "leave out findings that are less sure, from 0.0 to 1.0"),
    "since": ("REV", (), "judge only what HEAD has on top of its merge base with REV"),
    "baseline": ("FILE", (), "findings that were accepted"),
    "items": ("", ("rule", "file", "none"), "one test item a rule (the default), one a file, or none: only a list"),
}
"""Name to placeholder, choices and help; each takes one value."""

SHARED = pytest.StashKey[Path]()
"""Where the workers of pytest-xdist share the one analysis."""


def add_options(parser: pytest.Parser) -> None:
    """Declare the options and their twins in the configuration file."""
    group = parser.getgroup(NAME, "architecture recommendations (semfora-hooks)")
    group.addoption("--semfora", action="store_true", dest="semfora", default=None, help="run the rules as tests")
    group.addoption("--no-semfora", action="store_false", dest="semfora", default=None, help="undo --semfora")
    parser.addini("semfora", "run the rules as tests: true or false", type="string", default="")
    for name, (metavar, choices, text) in OPTIONS.items():
        group.addoption(f"--semfora-{name}", metavar=metavar or "|".join(choices), default=None, help=text)
        parser.addini(f"semfora_{name.replace('-', '_')}", f"{text} (--semfora-{name})", type="string", default="")
    text = "write a report, such as json:report.json; may be repeated"
    group.addoption("--semfora-report", metavar="FMT:DEST", action="append", default=None, help=text)
    parser.addini("semfora_report", "reports to write, one FMT:DEST a line", type="string", default="")


def is_on(config: pytest.Config) -> bool:
    """Whether the options, or else the configuration file, switch the plugin on."""
    if config.option.semfora is not None:
        return bool(config.option.semfora)
    return str(config.getini("semfora")).strip().lower() in ("1", "true", "yes", "on")
