"""The baseline: findings that were accepted once, by fingerprint, in one committed file.

A JSON object with one finding a line, sorted by fingerprint, so that two branches that change it seldom touch the same
lines, and a diff shows the findings that came or went and nothing else.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Literal

import msgspec

from semfora_hooks.errors import ConfigError
from semfora_hooks.git.objects import Index, blob_id, blobs
from semfora_hooks.git.process import run
from semfora_hooks.index.entries import path_of
from semfora_hooks.model import Recommendation, Suppression
from semfora_hooks.policy.intake import clean

SCHEMA: Literal["semfora.baseline"] = "semfora.baseline"
VERSION: Literal[1] = 1
MAX_BYTES = 64 << 20
_EMPTY = (blob_id(b""), blob_id(b"", "sha256"))


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One accepted finding. Only its fingerprint counts; this is for readers.

    Attributes:
        rule_id: The rule that found it.
        symbol: The id of the symbol it is about; empty where it is about the repository.
    """

    rule_id: str
    symbol: str = ""


class _Document(msgspec.Struct, frozen=True, kw_only=True):
    schema: Literal["semfora.baseline"]
    version: Literal[1]
    findings: dict[str, Entry]


# --------------------------------------------------------------------------------------------------------------- file


def locate(root: Path, name: str) -> Path:
    """The file that a setting or an option names: from the root, or absolute.

    Raises:
        ConfigError: A symbolic link leads from inside the repository out of it.
    """
    path = Path(os.path.abspath(root / name))  # noqa: PTH100  links are looked at below
    real = os.path.realpath(path)
    if path.is_relative_to(root) and not Path(real).is_relative_to(os.path.realpath(root)):
        raise ConfigError(
            f"{path}: a symbolic link that leaves the repository; it is not followed",
            hint="keep the baseline in the repository, or name the file it leads to with --baseline",
        )
    return Path(real)


def read(path: Path) -> dict[str, Entry]:
    """The accepted findings, by fingerprint.

    Raises:
        ConfigError: The file is missing or is no baseline.
    """
    return parse(_content(path), str(path))


def read_staged(root: Path, path: Path, notices: list[str]) -> dict[str, Entry]:
    """The findings that the next commit accepts: the baseline as it is staged, whatever the work tree holds.

    Args:
        root: The top of the work tree.
        path: The file, in it.
        notices: Gets a remark about a file that is not staged, which accepts nothing.

    Raises:
        ConfigError: The file is missing, has conflicts or is no baseline.
        GitError: It cannot be told what is staged.
    """
    shown = path.relative_to(root).as_posix()
    name = os.fsencode(shown)
    output = run(root, "ls-files", "-z", "--stage", "--", f":(top,literal){shown}").stdout
    end = b"\t" + name  # else it is a folder, and that is in it
    listed = [line.removesuffix(end).decode() for line in output.split(b"\0") if line.endswith(end)]
    if not listed or (listed[0].split(" ")[1] in _EMPTY and _is_only_announced(root, name)):
        if path.is_file():
            notices.append(f"{shown}: not staged, so it is not used here; git add it")
            return {}
        return read(path)  # which says what there is instead
    _, oid, stage = listed[0].split(" ")
    if len(listed) > 1 or stage != "0":
        raise _conflict(path, {line.split(" ")[2] for line in listed})
    data = blobs(root, [oid], MAX_BYTES)[oid]
    if isinstance(data, int):
        raise ConfigError(f"{path}: what is staged of it cannot be read: it is missing, or larger than 64 MiB")
    return parse(data, f"{path} (staged)")


def _conflict(path: Path, stages: set[str]) -> ConfigError:
    """What to say of a baseline whose conflicts are in the index.

    Args:
        path: The file.
        stages: The stages it has in the index: 1 is the common ancestor, 2 HEAD, 3 what comes in (`git ls-files`).
    """
    todo = "git add it to keep it, or git rm it"
    if {"2", "3"} <= stages:
        what = "HEAD and what is merged into it changed it differently"
        todo = "keep the entries of both, run semfora-hooks baseline update, then git add it"
    elif "2" in stages:
        what = "HEAD changed it, and what is merged into it deleted or renamed it"
    elif "3" in stages:
        what = "what is merged into HEAD changed or renamed it, and HEAD deleted it or has it elsewhere"
    else:
        what = "both sides deleted or renamed it"
    return ConfigError(f"{path}: this baseline has conflicts in git's index: {what}", hint=todo)


def _is_only_announced(root: Path, name: bytes) -> bool:
    """Whether a file that the index holds empty is one that `git add -N` announced."""
    with Index(root, (name,)) as index:
        return all(entry.name != name for entry in index.entries())


def _content(path: Path) -> bytes:
    try:
        if not path.is_dir() and not path.is_file() and path.exists():
            raise ConfigError(f"{path}: not a regular file, so not a baseline")
        if path.stat().st_size > MAX_BYTES:
            raise ConfigError(f"{path}: larger than 64 MiB; not a baseline")
        return path.read_bytes()
    except FileNotFoundError:
        raise ConfigError(
            f"{path}: the baseline does not exist", hint="semfora-hooks baseline create, or remove the setting"
        ) from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None


def parse(data: bytes, where: str) -> dict[str, Entry]:
    """What a baseline says.

    Args:
        data: The file's content.
        where: The file, for messages.

    Raises:
        ConfigError: It is no baseline; the message says where and why.
    """
    try:
        return msgspec.json.decode(data, type=_Document).findings
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        from semfora_hooks.policy.baselinefaults import diagnose

        fault = diagnose(data, str(error))
        place = f"{where}:{fault.line}:{fault.column}"
        raise ConfigError(f"{place}: not a baseline: {fault.why}", hint=fault.hint) from None


def render(entries: Mapping[str, Entry]) -> str:
    """The text of a baseline: the same for the same findings."""
    lines = [f" {_json(print_)}: {_json(entry)}" for print_, entry in sorted(entries.items())]
    body = "{\n" + ",\n".join(lines) + "\n}" if lines else "{}"
    return f'{{\n"schema": {_json(SCHEMA)},\n"version": {VERSION},\n"findings": {body}\n}}\n'


def _json(value: str | Entry) -> str:
    return msgspec.json.encode(value).decode()


def entry_of(item: Recommendation) -> Entry:
    """What the baseline keeps of a finding."""
    return Entry(rule_id=clean(item.rule_id), symbol=clean(item.symbols[0].id) if item.symbols else "")


def accepted(path: str) -> Suppression:
    """The mark of a finding that the baseline at `path` holds."""
    return Suppression(kind="baseline", file=path, line=1)


# --------------------------------------------------------------------------------------------------------- comparison


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """A baseline beside what a run found, each by fingerprint.

    Attributes:
        found: Accepted findings that are still there, whether they are reported or not.
        stale: Entries that match nothing any more.
        unchecked: Entries that match nothing, which proves nothing: their rule did not run, or their file was not read.
    """

    found: Mapping[str, Entry] = {}
    stale: Mapping[str, Entry] = {}
    unchecked: Mapping[str, Entry] = {}

    def remarks(self, path: str) -> Iterator[str]:
        """What a report of the whole repository says about the baseline at `path`."""
        if self.stale:
            count = len(self.stale)
            matches = "1 entry matches" if count == 1 else f"{count} entries match"
            yield f"{path}: {matches} nothing any more (semfora-hooks baseline update drops them)"


def compare(
    entries: Mapping[str, Entry],
    found: Iterable[Recommendation],
    is_checked: Callable[[str], bool],
    gaps: Container[str] = (),
) -> Comparison:
    """Tell entries that are good for something from those that are not.

    Args:
        entries: The baseline.
        found: All that the rules found in the whole repository, reported or not.
        is_checked: Whether a rule, by its id, would have found again what it found before: it ran, or is no more.
        gaps: Files that could not be read, or not wholly.
    """
    if not entries:
        return Comparison()
    now = {item.fingerprint for item in found}
    kept, stale, unchecked = {}, {}, {}
    for name, entry in entries.items():
        if name in now:
            kept[name] = entry
        elif is_checked(entry.rule_id) and path_of(entry.symbol) not in gaps:
            stale[name] = entry
        else:
            unchecked[name] = entry
    return Comparison(found=kept, stale=stale, unchecked=unchecked)
