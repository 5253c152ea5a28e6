"""Where the cache is: where `platformdirs` puts it, although it is seldom asked."""

from __future__ import annotations

import sys
from pathlib import Path

import platformdirs
import pytest

from semfora_hooks.index.database import cache_folder


@pytest.mark.parametrize("home", ["/home/user", "/", "relative", "", None])
@pytest.mark.parametrize("cache", ["/var/tmp/cache", "/with a space/", "relative", " ", "", None])
def test_the_folder_is_the_platforms(monkeypatch: pytest.MonkeyPatch, home: str | None, cache: str | None) -> None:
    monkeypatch.delenv("SEMFORA_CACHE_DIR", raising=False)
    for name, value in (("HOME", home), ("XDG_CACHE_HOME", cache)):
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)
    assert cache_folder() == Path(platformdirs.user_cache_dir("semfora-hooks", appauthor=False)).absolute()


@pytest.mark.parametrize(("platform", "android"), [("darwin", None), ("win32", None), ("linux", "/system")])
def test_elsewhere_platformdirs_decides(
    monkeypatch: pytest.MonkeyPatch, platform: str, android: str | None, tmp_path: Path
) -> None:
    monkeypatch.delenv("SEMFORA_CACHE_DIR", raising=False)
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(platformdirs, "user_cache_dir", lambda *_, **__: str(tmp_path / "theirs"))
    if android:
        monkeypatch.setenv("ANDROID_ROOT", android)
    assert cache_folder() == tmp_path / "theirs"


def test_the_variable_wins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SEMFORA_CACHE_DIR", str(tmp_path / "ours"))
    assert cache_folder() == tmp_path / "ours"
