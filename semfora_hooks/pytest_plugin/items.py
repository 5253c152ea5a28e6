"""The items: one a rule or file, and one for what failed in the run."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from semfora_hooks.errors import SemforaError
from semfora_hooks.pytest_plugin.options import NAME
from semfora_hooks.pytest_plugin.session import run_of


class FindingsError(Exception):
    """What an item fails with: text for the reader, shown without a traceback."""


class SemforaCollector(pytest.Collector):
    """Holds the items: one a rule or file, and one for what failed in the run."""

    def collect(self) -> Iterator[SemforaItem]:
        """Make the items, in the same order in every process."""
        for name in run_of(self.config).chosen_names():
            yield SemforaItem.from_parent(self, name=name)


class SemforaItem(pytest.Item):
    """Passes unless a finding of its rule, or in its file, trips the gate."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.add_marker(NAME)

    def runtest(self) -> None:
        """Look at the findings; the first item that runs has the repository analysed."""
        if text := run_of(self.config).verdict(self.name):
            raise FindingsError(text)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Our failures as plain text; a traceback only for what should not happen."""
        if isinstance(excinfo.value, FindingsError):
            return str(excinfo.value)
        if isinstance(excinfo.value, SemforaError):
            return f"error: {excinfo.value}"
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[os.PathLike[str] | str, int | None, str]:
        """Where pytest says the item stands."""
        # Not the end of the node id: pytest would read its dots as those between modules and classes.
        return run_of(self.config).place_of(self.name), None, f"{NAME}: {self.name}"
