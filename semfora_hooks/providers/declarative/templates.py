"""Texts with `{variables}`: names from a fixed list, replaced by plain text. No formatting, no attributes.

`{{` and `}}` stand for braces; braces around anything but a name stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from semfora_hooks.model import Symbol
from semfora_hooks.providers.declarative.document import Node, Source, shorten
from semfora_hooks.providers.declarative.keys import METRIC_ALIASES
from semfora_hooks.providers.declarative.values import TEXT, ValueType, read_text
from semfora_hooks.providers.declarative.view import METRICS, View

_PLACEHOLDER = re.compile(r"\{\{|\}\}|\{([A-Za-z_][^{}\s]*)\}")
_SHORT_METRICS = {short: metric for metric, short in METRIC_ALIASES.items()}

VARIABLES = ("symbol", "file", "module", "line", "kind", *METRICS, *_SHORT_METRICS)
"""What may stand in braces."""


@dataclass(frozen=True, slots=True)
class Template:
    """A text whose variables are all known."""

    text: str

    def render(self, symbol: Symbol, view: View) -> str:
        """The text about `symbol`."""

        def replace(found: re.Match[str]) -> str:
            return found[0][0] if found[1] is None else _value(found[1], symbol, view)

        return _PLACEHOLDER.sub(replace, self.text)


def read_template(source: Source, node: Node, what: str) -> Template | None:
    """A text, with a problem recorded for each unknown variable in it."""
    text = read_text(source, node, what)
    if text is None:
        return None
    unknown = list(_unknown(text))
    # Looked up in the source, the places are right in block scalars too; escapes could hide or add one.
    raw = list(_unknown(source.text[node.start : node.end]))
    for index, found in enumerate(unknown):
        place = source.place_at(node.start + raw[index].start()) if len(raw) == len(unknown) else node.place
        what_is_wrong = f"{what}: unknown template variable {shorten(found[0])}"
        source.problem(place, what_is_wrong, key=found[1], valid=VARIABLES)
    return None if unknown else Template(text.strip())


TEMPLATE = ValueType(TEXT.schema, read_template)


def _unknown(text: str) -> Iterator[re.Match[str]]:
    return (found for found in _PLACEHOLDER.finditer(text) if found[1] is not None and found[1] not in VARIABLES)


def _value(name: str, symbol: Symbol, view: View) -> str:
    match name:
        case "symbol":
            return symbol.name
        case "file":
            return symbol.file
        case "module":
            return symbol.module
        case "line":
            return str(symbol.start_line)
        case "kind":
            return symbol.kind
        case _:
            value = view.metric(symbol, _SHORT_METRICS.get(name, name))
            return "unknown" if value is None else str(value)
