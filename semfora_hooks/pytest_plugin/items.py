"""The items: one a rule or file, and one for what failed in the run."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from semfora_hooks.errors import SemforaError
from semfora_hooks.pytest_plugin.options import NAME
from semfora_hooks.pytest_plugin.plainitem import FailedItemError, PlainItem
from semfora_hooks.pytest_plugin.session import run_of


class SemforaCollector(pytest.Collector):
    """Holds the items: one a rule or file, and one for what failed in the run."""

    def collect(self) -> Iterator[SemforaItem]:
        """Make the items, in the same order in every process."""
        for name in run_of(self.config).chosen_names():
            yield SemforaItem.from_parent(self, name=name)


class SemforaItem(PlainItem):
    """Passes unless a finding of its rule, or in its file, trips the gate."""

    def runtest(self) -> None:
        """Look at the findings; the first item that runs has the repository analysed."""
        if text := run_of(self.config).verdict(self.name):
            raise FailedItemError(text)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """What is wrong with the run as a whole has no traceback either."""
        error = excinfo.value
        return f"error: {error}" if isinstance(error, SemforaError) else super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[os.PathLike[str] | str, int | None, str]:
        """Where pytest says the item stands."""
        # Not the end of the node id: pytest would read its dots as those between modules and classes.
        return run_of(self.config).place_of(self.name), None, f"{NAME}: {self.name}"
