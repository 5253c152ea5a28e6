"""What all our items share: a mark, failures that are text, and collectors that stand beside files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from semfora_hooks.pytest_plugin.options import NAME


class FailedItemError(Exception):
    """What an item fails with: text for the reader, shown without a traceback."""


class PlainItem(pytest.Item):
    """An item whose failures are told in words."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.add_marker(NAME)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Our failures as plain text; a traceback only for what should not happen."""
        return (
            str(excinfo.value) if isinstance(excinfo.value, FailedItemError) else super().repr_failure(excinfo, style)
        )


def items_below(
    session: pytest.Session, kind: type[pytest.Collector], name: str, place: Path, **arguments: Any
) -> Iterator[pytest.Item]:
    """The items of a new collector; their ids start at pytest's root, as all others' do.

    Args:
        session: What they are collected for.
        kind: The collector's class.
        name: Its name.
        place: The path that it stands for.
        **arguments: The collector's own.
    """
    start = Path(os.path.relpath(place, session.config.rootpath)).as_posix()
    for item in session.genitems(kind.from_parent(session, name=name, nodeid=start, **arguments)):
        assert isinstance(item, pytest.Item)
        yield item
