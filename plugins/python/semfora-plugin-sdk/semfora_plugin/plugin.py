"""Running a plugin's function on a document, as the host does."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any

from .context import CONTRACT_VERSION, SCHEMA, PluginError, SuggestContext
from .recommendation import Recommendation
from .records import decode, encode

Function = Callable[[SuggestContext], Iterable[Recommendation]]


def parse_context(document: str | bytes) -> SuggestContext:
    """Read a context document.

    Raises:
        PluginError: It is not JSON, none of ours, or of another version of the contract.
    """
    try:
        context = decode(SuggestContext, json.loads(document))
    except (ValueError, TypeError) as error:
        raise PluginError(f"the context cannot be read: {error}") from error
    if context.schema != SCHEMA:
        raise PluginError(f"not a context document: its schema is '{context.schema}'")
    if context.version != CONTRACT_VERSION:
        advice = "update the plugin" if context.version > CONTRACT_VERSION else "upgrade semfora-hooks"
        raise PluginError(
            f"the context has contract version {context.version}, this plugin speaks {CONTRACT_VERSION}: {advice}"
        )
    return context


def evaluate_json(document: str | bytes, evaluate: Function) -> str:
    """What the host gets for a document: a JSON array of recommendations, or `{"error": …}`. For tests too.

    An exception of `evaluate` becomes an error with its type, text and place; a `PluginError` with its text alone.
    """
    try:
        context = parse_context(document)
        found = [encode(item) for item in evaluate(context)]
    except PluginError as error:
        return json.dumps({"error": str(error)})
    except BaseException as error:  # noqa: BLE001 - an exception that leaves the component is a trap without a text
        text = f"{type(error).__name__}: {error}".removesuffix(": ")
        return json.dumps({"error": text + _place(error.__traceback__)})
    try:
        return json.dumps(found, allow_nan=False)
    except (ValueError, TypeError) as error:
        return json.dumps({"error": f"the recommendations cannot be written: {error}"})


def _place(traceback: TracebackType | None) -> str:
    """Where an exception was raised: the innermost line."""
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    if traceback is None:
        return ""
    return f" at {traceback.tb_frame.f_code.co_filename.lstrip('/')}:{traceback.tb_lineno}"


def export(evaluate: Function) -> type[Any]:
    """What a plugin's module must call `WitWorld`, so that the component exports `evaluate`."""

    class WitWorld:
        """The world `plugin` of `wit/plugin.wit`."""

        def evaluate(self, context_json: str) -> str:
            """The recommendations for a context document."""
            return evaluate_json(context_json, evaluate)

    return WitWorld
