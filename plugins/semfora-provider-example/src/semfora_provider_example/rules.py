"""The rule `asyncio/blocking-call`."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Annotated, ClassVar

import msgspec

from semfora_hooks import (
    CallEdge,
    Config,
    Evidence,
    Example,
    Recommendation,
    Rule,
    SemforaError,
    Severity,
    SuggestContext,
    Symbol,
    SymbolRef,
)

BLOCKING = (
    "time.sleep",
    "requests.get",
    "requests.post",
    "requests.request",
    "urllib.request.urlopen",
    "subprocess.run",
    "subprocess.check_call",
    "subprocess.check_output",
    "os.system",
    "socket.create_connection",
)


class Options(msgspec.Struct, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """Keys of `[tool.semfora.rules."asyncio/blocking-call"]`."""

    blocking: Annotated[
        tuple[str, ...], msgspec.Meta(description="Globs on the full names of functions that block.")
    ] = BLOCKING
    max_steps: Annotated[
        int, msgspec.Meta(ge=0, description="How many synchronous functions to follow from the async one.")
    ] = 5


class BlockingCall(Rule):
    """Fires on `async` functions that run blocking code, themselves or through functions they call."""

    id = "asyncio/blocking-call"
    group = "asyncio"
    category = "custom:asyncio"
    severity = Severity.WARNING
    granularity = "project"
    description = (
        "An async function that runs blocking code stops every other task of its event loop until it returns. "
        "The rule follows calls through the repository's synchronous functions, as far as they are known."
    )
    remedy = "Await an asynchronous counterpart (`asyncio.sleep`), or move the work to `asyncio.to_thread`."
    options_type: ClassVar = Options

    def __init__(self, options: Options | None = None) -> None:
        self.options = options or Options()

    @classmethod
    def configured(cls, config: Config) -> BlockingCall:
        """The rule with the repository's options.

        Raises:
            SemforaError: An option is unknown or has the wrong type. The user sees the message, not a traceback.
        """
        try:
            return cls(msgspec.convert(config.rules.get(cls.id, {}), Options))
        except msgspec.ValidationError as error:
            raise SemforaError(f'[tool.semfora.rules."{cls.id}"]: {error}', kind="config") from None

    def evaluate(self, context: SuggestContext) -> Iterator[Recommendation]:
        """Yield a finding for each blocking function that an async function reaches."""
        for symbol in context.symbols:
            if symbol.is_async and not symbol.is_test:
                for name, path in self._reached(symbol, context).items():
                    yield _finding(symbol, name, path, context)

    def _reached(self, start: Symbol, context: SuggestContext) -> dict[str, list[CallEdge]]:
        """Blocking functions to the shortest chain of calls that leads there from `start`."""
        found: dict[str, list[CallEdge]] = {}
        seen = {start.id}
        queue: deque[tuple[str, list[CallEdge]]] = deque([(start.id, [])])
        while queue:
            symbol_id, path = queue.popleft()
            for call in context.calls_from(symbol_id):
                if call.external is not None and self._blocks(call.external):
                    found.setdefault(call.external, [*path, call])
                elif call.callee is not None and call.callee not in seen and call.resolution != "name":
                    callee = context.by_id[call.callee]
                    if not callee.is_async and len(path) < self.options.max_steps:
                        seen.add(callee.id)
                        queue.append((callee.id, [*path, call]))
        return found

    def _blocks(self, name: str) -> bool:
        return any(fnmatchcase(name, pattern) for pattern in self.options.blocking)

    examples = (
        Example(
            fires=True,
            note="the call itself",
            files={"app.py": "import time\n\n\nasync def handler():\n    time.sleep(1)\n"},
        ),
        Example(
            fires=True,
            note="through a function in another file",
            files={
                "app.py": "from net import fetch\n\n\nasync def handler(url):\n    return fetch(url)\n",
                "net.py": "import requests\n\n\ndef fetch(url):\n    return requests.get(url).text\n",
            },
        ),
        Example(
            fires=False,
            note="in a thread, where it may block",
            files={
                "app.py": "import asyncio\n\nfrom net import fetch\n\n\nasync def handler(url):\n"
                "    return await asyncio.to_thread(fetch, url)\n",
                "net.py": "import requests\n\n\ndef fetch(url):\n    return requests.get(url).text\n",
            },
        ),
        Example(
            fires=False,
            note="no event loop to block",
            files={"app.py": "import time\n\n\ndef wait():\n    time.sleep(1)\n"},
        ),
        Example(
            fires=False,
            note="too far away to follow",
            options={"max-steps": 0},
            files={
                "app.py": "import time\n\n\ndef wait():\n    time.sleep(1)\n\n\nasync def handler():\n    wait()\n",
            },
        ),
    )


def _finding(symbol: Symbol, name: str, path: list[CallEdge], context: SuggestContext) -> Recommendation:
    steps = [context.by_id[call.caller] for call in path[1:]]
    certain = all(call.resolution == "exact" for call in path[:-1])
    through = f" through {' and '.join(f'`{step.name}`' for step in steps)}" if steps else ""
    return Recommendation(
        title=f"`{symbol.name}` blocks the event loop: it reaches `{name}`{through}",
        description="While that call lasts, no other task of the event loop runs.",
        confidence=(0.95 if certain else 0.75) - 0.05 * min(len(steps), 3),
        symbols=tuple(SymbolRef.of(item) for item in (symbol, *steps)),
        suggestion=f"Await an asynchronous counterpart of `{name}`, or call it by `asyncio.to_thread`.",
        evidence=tuple(
            Evidence(
                kind="call",
                text=f"{context.by_id[call.caller].qualified_name} calls {_target(call, context)}",
                symbol=call.caller,
                file=context.by_id[call.caller].file,
                line=call.line,
            )
            for call in path
        ),
        discriminator=name,  # tells apart two findings on one function; no line numbers here
    )


def _target(call: CallEdge, context: SuggestContext) -> str:
    return call.external or context.by_id[call.callee or ""].qualified_name
