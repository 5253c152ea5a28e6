"""What every test gets: a cache and a user configuration of its own, none of the settings of whoever runs them."""

from __future__ import annotations

import itertools
import os
import signal

import pytest
from hypothesis import settings

from semfora_hooks.config import ENVIRONMENT

_UNWANTED = (
    *ENVIRONMENT,
    "SEMFORA_TRACE_PLUGINS",
    "PRE_COMMIT_FROM_REF",
    "PRE_COMMIT_TO_REF",
    "NO_COLOR",
    "FORCE_COLOR",
    "COLUMNS",
)


_NUMBERS = itertools.count()

# Examples are searched anew in each run, except where a run judges a change (.ci/run): the same ones each time,
# and a change does not fail for what another let pass. No example has a deadline: machines stall.
settings.register_profile("search", deadline=None)
settings.register_profile("steady", deadline=None, derandomize=True)
settings.load_profile(os.environ.get("SEMFORA_TEST_EXAMPLES", "search"))

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a shell's background job; what tests start would ignore it too
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _own_surroundings(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    # Counted here: `mktemp` looks for a free number among the folders of all tests before, each time.
    folder = tmp_path_factory.getbasetemp() / "surroundings" / str(next(_NUMBERS))
    for name in ("cache", "config"):
        (folder / name).mkdir(0o700, parents=True)
        monkeypatch.setenv(f"SEMFORA_{name.upper()}_DIR", str(folder / name))
    for name in (*_UNWANTED, *(name for name in os.environ if name.startswith("GIT_"))):
        monkeypatch.delenv(name, raising=False)
    # A pytest that a test starts cleans up below its own folder, not what earlier runs left for this one to clean up.
    monkeypatch.setenv("PYTEST_DEBUG_TEMPROOT", str(tmp_path_factory.getbasetemp()))
    monkeypatch.setenv("PYTHONSAFEPATH", "")  # remembered as it was: our `main` sets it
    monkeypatch.delenv("PYTHONSAFEPATH")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", os.devnull)
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "Test")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "test@example.invalid")
