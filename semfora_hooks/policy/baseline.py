"""The baseline: findings that were accepted once, by fingerprint, in one committed file."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import msgspec

from semfora_hooks.errors import ConfigError
from semfora_hooks.model import Recommendation, Suppression

_MAX_BYTES = 64 << 20


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One accepted finding; only the fingerprint counts, the rest is for readers."""

    fingerprint: str
    rule_id: str = ""
    symbol: str = ""


class Baseline(msgspec.Struct, frozen=True, kw_only=True):
    """The file's content."""

    schema: Literal["semfora.baseline"] = "semfora.baseline"
    version: Literal[1] = 1
    findings: tuple[Entry, ...] = ()


def read(path: Path) -> frozenset[str]:
    """The accepted fingerprints.

    Raises:
        ConfigError: The file is missing or is no baseline.
    """
    try:
        if not path.is_dir() and not path.is_file() and path.exists():
            raise ConfigError(f"{path}: not a regular file, so not a baseline")
        if path.stat().st_size > _MAX_BYTES:
            raise ConfigError(f"{path}: larger than 64 MiB; not a baseline")
        baseline = msgspec.json.decode(path.read_bytes(), type=Baseline)
    except FileNotFoundError:
        raise ConfigError(
            f"{path}: the baseline does not exist", hint="semfora-hooks baseline create, or remove the setting"
        ) from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not a baseline: {error}") from None
    return frozenset(entry.fingerprint for entry in baseline.findings)


def accepted(path: str) -> Suppression:
    """The mark of a finding that the baseline at `path` holds."""
    return Suppression(kind="baseline", file=path, line=1)


def render(found: Iterable[Recommendation]) -> bytes:
    """A baseline that accepts `found`: sorted, one finding a line, the same bytes for the same findings."""
    entries = sorted(
        (
            Entry(fingerprint=item.fingerprint, rule_id=item.rule_id, symbol=item.symbols[0].id if item.symbols else "")
            for item in found
            if item.suppressed is None
        ),
        key=lambda entry: (entry.symbol, entry.rule_id, entry.fingerprint),
    )
    return msgspec.json.format(msgspec.json.encode(Baseline(findings=tuple(entries))), indent=1) + b"\n"
