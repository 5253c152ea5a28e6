"""`combine-functions`: functions written twice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, ClassVar

from msgspec import Meta

from semfora_hooks.context import SuggestContext
from semfora_hooks.hookspecs import Example
from semfora_hooks.model import Duplicate, Evidence, Recommendation, Severity, Symbol, SymbolRef
from semfora_hooks.rules.options import BuiltinRule, Options, is_own_code, plural

_TOKENS_PASSED = 4  # `name`, `=`, `name` and `,`: an argument that is passed on
_TOKENS_OF_A_CALL = 16  # `return await self.request("GET", ...)`, and some room


class CombineOptions(Options, frozen=True, kw_only=True):
    """Options of `combine-functions`."""

    min_similarity: Annotated[
        float,
        Meta(
            ge=0.7, le=1, description="Similarity (Jaccard, of five-token shingles) from which bodies are near copies."
        ),
    ] = 0.88
    min_tokens: Annotated[int, Meta(ge=40, description="Bodies with fewer tokens are not compared.")] = 50
    include_tests: Annotated[bool, Meta(description="Look at test code too, where repetition is often a virtue.")] = (
        False
    )


class CombineFunctions(BuiltinRule[CombineOptions]):
    """Fires on groups of functions whose bodies are equal, or nearly."""

    id = "combine-functions"
    group = "duplicates"
    category = "combine_functions"
    severity = Severity.WARNING
    granularity = "project"
    locality = "duplicates"
    uses_calls = False
    description = (
        "Functions with the same body, but for local names and literals, or with nearly the same one. Copies drift apart: "
        "a fix made in one is missing in the others."
    )
    remedy = (
        "Keep one and call it from the other places; what differs becomes a parameter. Methods of sibling classes can move "
        "to a common base."
    )
    options_type: ClassVar = CombineOptions

    def evaluate(self, context: SuggestContext) -> Iterator[Recommendation]:
        """Yield a finding for each group of copies."""
        group_of = {identity: i for i, duplicate in enumerate(context.duplicates) for identity in duplicate.symbols}
        for duplicate in context.duplicates:
            if duplicate.kind == "divergent" or duplicate.similarity < self.options.min_similarity:
                continue
            if duplicate.tokens < self.options.min_tokens:
                continue
            own = (
                symbol
                for symbol in (context.by_id[identity] for identity in duplicate.symbols)
                if is_own_code(symbol, tests=self.options.include_tests)
                and not _only_passes_on(symbol, duplicate.tokens)
            )
            # By name, not by line: the first one is part of the fingerprint, and functions change places.
            symbols = sorted(own, key=lambda symbol: (symbol.file, symbol.id))
            around = {group_of.get(symbol.parent or "") for symbol in symbols}
            if len(around) == 1 and around != {None}:
                continue  # inner functions of copies: the copies are reported
            if len(symbols) > 1:
                yield self._finding(duplicate, symbols, context)

    def _finding(self, duplicate: Duplicate, symbols: Sequence[Symbol], context: SuggestContext) -> Recommendation:
        first = symbols[0]
        exact = duplicate.kind == "exact"
        names = _names(symbols)
        if duplicate.identical:
            how, confidence = "the same, to the letter", 0.97
        elif exact:
            how, confidence = "the same but for local names and literals", 0.9
        else:
            how, confidence = f"{min(99, int(duplicate.similarity * 100))}% the same", duplicate.similarity * 0.9
        size = min(1.0, 0.8 + 0.2 * duplicate.tokens / 150)  # short bodies resemble each other by chance
        same_file = len({symbol.file for symbol in symbols}) == 1
        title = f"{names} are {how}" if len(symbols) == 2 else f"{plural(len(symbols), 'function')} are {how}: {names}"
        return Recommendation(
            title=title,
            description=(
                f"Their bodies ({duplicate.tokens} tokens, {plural(first.metrics.loc, 'line')}) are {how}. "
                "A change to one has to be made in the others too."
            ),
            severity=Severity.WARNING if exact else Severity.INFO,
            confidence=confidence * size,
            symbols=tuple(SymbolRef.of(symbol) for symbol in symbols),
            suggestion=_advice(symbols, context, exact=exact, same_file=same_file),
            evidence=(
                Evidence(
                    kind="similarity", text=f"similarity {duplicate.similarity:.2f} over {duplicate.tokens} tokens"
                ),
                *(
                    Evidence(kind="copy", text="also here", symbol=symbol.id, file=symbol.file, line=symbol.start_line)
                    for symbol in symbols[1:]
                ),
            ),
            metrics={"copies": len(symbols)},
        )

    examples = (
        Example(
            fires=True,
            note="a copy with other names",
            files={
                "billing.py": """\
def total_for_invoice(invoice, rates):
    total = 0
    for line in invoice.lines:
        rate = rates.get(line.currency, 1)
        amount = line.price * line.quantity * rate
        if line.discount:
            amount -= amount * line.discount / 100
        total += round(amount, 2)
    return total
""",
                "quotes.py": """\
def total_for_quote(quote, exchange):
    result = 0
    for item in quote.lines:
        factor = exchange.get(item.currency, 1)
        value = item.price * item.quantity * factor
        if item.discount:
            value -= value * item.discount / 100
        result += round(value, 2)
    return result
""",
            },
        ),
        Example(
            fires=False,
            note="the same shape, but other calls: another meaning",
            files={
                "a.py": """\
def load(path, options):
    handle = open_archive(path, options.mode)
    for entry in handle.entries():
        if entry.is_folder():
            create_folder(entry.name, options.root)
        else:
            extract_entry(entry, options.root, options.overwrite)
    handle.close()
    return handle.count
""",
                "b.py": """\
def send(queue, options):
    channel = connect_queue(queue, options.login)
    for message in channel.messages():
        if message.is_urgent():
            notify_admin(message.title, options.admin)
        else:
            deliver_later(message, options.admin, options.delay)
    channel.finish()
    return channel.sent
""",
            },
        ),
        Example(
            fires=False,
            note="each passes its arguments on to one function, which is where they are combined",
            files={
                "api.py": "\n\n".join(
                    f"def {verb}(url, params, data, headers, cookies, auth, proxy, timeout, verify, trust):\n"
                    f"    return request('{verb}', url, params=params, data=data, headers=headers, cookies=cookies,\n"
                    "        auth=auth, proxy=proxy, timeout=timeout, verify=verify, trust=trust, follow=True)\n"
                    for verb in ("put", "patch")
                )
            },
        ),
        Example(
            fires=False,
            note="too short to be worth a function",
            files={
                "a.py": "def first(values):\n    return values[0] if values else None\n",
                "b.py": "def head(items):\n    return items[0] if items else None\n",
            },
        ),
    )


def _only_passes_on(symbol: Symbol, tokens: int) -> bool:
    """Whether a body is little more than one call that gets the function's own arguments: what is shared is there."""
    most = _TOKENS_PASSED * symbol.metrics.argument_count + _TOKENS_OF_A_CALL
    return symbol.metrics.cyclomatic_complexity == 1 and tokens <= most


def _names(symbols: Sequence[Symbol]) -> str:
    """The symbols' names, with as much of their path as tells them apart."""
    names = [symbol.name for symbol in symbols]
    if len(set(names)) < len(names):
        names = [".".join(symbol.qualified_name.split(".")[-2:]) for symbol in symbols]
    if len(set(names)) < len(names):
        names = [symbol.qualified_name for symbol in symbols]
    shown = [f"`{name}`" for name in names[:4]]
    rest = len(names) - len(shown)
    return (
        " and ".join(shown)
        if len(shown) == 2 and not rest
        else ", ".join(shown) + (f" and {rest} more" if rest else "")
    )


def _advice(symbols: Sequence[Symbol], context: SuggestContext, *, exact: bool, same_file: bool) -> str:
    parents = [context.by_id.get(symbol.parent or "") for symbol in symbols]
    keep = max(symbols, key=lambda symbol: (symbol.metrics.callers_count, -symbols.index(symbol)))
    parameter = "" if exact else "; what differs becomes a parameter"
    if all(symbol.kind == "method" for symbol in symbols) and len({symbol.parent for symbol in symbols}) == 1:
        owner = parents[0]
        return f"Move what they share to one method of `{owner.name if owner else 'the class'}`{parameter}."
    if all(symbol.kind == "method" for symbol in symbols):
        bases = [set(parent.base_classes) if parent is not None else set() for parent in parents]
        shared = sorted(set.intersection(*bases)) if bases else []
        if shared:
            return f"Move it to `{shared[0]}`, which their classes share, or to a mixin beside it."
        return "Move it to a base class or mixin of theirs, or to a function that all of them call."
    if same_file:
        return f"Keep `{keep.name}` and call it from the other places{parameter}."
    return f"Keep `{keep.name}` in `{keep.module}`, or move it to a module all of them import, and call it{parameter}."
