"""`unused-suppression`: comments that silence nothing. The policy finds them, once it knows what the other rules said."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, ClassVar

from msgspec import Meta

from semfora_hooks.context import SuggestContext
from semfora_hooks.hookspecs import Example
from semfora_hooks.model import Recommendation, Severity
from semfora_hooks.rules.options import BuiltinRule, Options


class UnusedSuppressionOptions(Options, frozen=True, kw_only=True):
    """Options of `unused-suppression`."""

    require_reason: Annotated[bool, Meta(description="Report comments that do not say why, too.")] = False


class UnusedSuppression(BuiltinRule[UnusedSuppressionOptions]):
    """Says what `policy.unused` finds: it alone knows which comments the other rules' findings met."""

    id = "unused-suppression"
    group = "suppressions"
    category = "custom:suppressions"
    severity = Severity.WARNING
    granularity = "symbol"
    locality = "file"
    uses_calls = False
    description = (
        "A comment `semfora: ignore[…]` that silences nothing: what it was written for is gone, its last day is over, it "
        "names a rule that does not exist, or it is not written as it must be. It hides the next finding that comes to "
        "stand there, or hides none though its writer believes it does. Comments for rules that did not run are left "
        "alone, and so are those that name this rule."
    )
    remedy = "Delete the comment, or the name in its brackets that is not needed; or write it as it must be."
    options_type: ClassVar = UnusedSuppressionOptions

    def evaluate(self, context: SuggestContext) -> Iterable[Recommendation]:  # noqa: ARG002
        """Yield nothing: see the class."""
        return ()

    examples = (
        Example(
            fires=True,
            note="no rule named in brackets",
            files={"app.py": "def load(path):  # semfora: ignore\n    return path\n"},
        ),
        Example(
            fires=True,
            note="no such day",
            files={"app.py": "def load(path):  # semfora: ignore[naming] until=2030-02-30\n    return path\n"},
        ),
        Example(
            fires=True,
            note="its last day is over",
            files={
                "app.py": "def load(path):  # semfora: ignore[naming] until=2020-01-31 -- renamed soon\n    return path\n"
            },
        ),
        Example(
            fires=True,
            note="no reason, where one is asked for",
            options={"require-reason": True},
            files={"app.py": "def load(path):  # semfora: ignore[naming]\n    return path\n"},
        ),
        Example(
            fires=False,
            note="the rule it names did not run, so nobody knows",
            files={"app.py": "def load(path):  # semfora: ignore[naming] -- the API is called so\n    return path\n"},
        ),
        Example(
            fires=False,
            note="words about the program, and text in a string",
            files={"app.py": "# What semfora: says of this file is in the docs.\nHINT = '# semfora: ignore'\n"},
        ),
    )
