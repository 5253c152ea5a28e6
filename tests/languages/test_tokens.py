"""Token streams: pieces of a file read once, and fingerprints of any stretch of it."""

from __future__ import annotations

import textwrap
from array import array

from hypothesis import given, settings
from hypothesis import strategies as st

from semfora_hooks.languages import load_spec
from semfora_hooks.languages.tokens import _LANE, _MULTIPLIER, SHINGLE, SKETCH, count_word, shingle_hashes

from .helpers import read, symbol

quick = settings(deadline=None, max_examples=200, database=None)
TOKENIZER = load_spec("python").tokenizer
WORDS = st.sampled_from([b"x", b".y", b"f(", b"(", b")", b"=", b'"a b"', b"'c'", b"12", b"Class", b"if", b"\xc3\xa9"])


def pieces(source: bytes) -> list[bytes]:
    return TOKENIZER.split(source).words


def test_tokens_are_words_with_their_dots_and_calls() -> None:
    assert pieces(b"  def f(a):\n    return a.b.c('d e', rb\"x\", 1.5e3) \n\n") == [
        *(b"def", b"f(", b"a", b")", b":", b"return", b"a", b".b", b".c(", b"'d e'", b",", b'rb"x"', b",", b"1.5e3"),
        b")",
    ]
    assert pieces(b"") == pieces(b" \n\t ") == []


@quick
@given(st.lists(WORDS, max_size=30), st.sets(st.integers(0, 29)))
def test_cuts_between_tokens_change_nothing(words: list[bytes], cuts: set[int]) -> None:
    source = b" ".join(words)
    offsets = [sum(len(word) + 1 for word in words[:i]) for i in range(len(words))]
    chosen = sorted(offsets[i] for i in cuts if i < len(offsets))
    tokens = TOKENIZER.split(source, chosen)
    assert tokens.words == pieces(source)
    for start in chosen:
        for end in chosen:
            if start <= end:
                first, after = tokens.between(start, end)
                assert tokens.words[first:after] == pieces(source[start:end])


@quick
@given(st.lists(st.integers(0, 2**32 - 1), max_size=40))
def test_one_product_holds_the_hash_of_every_run(codes: list[int]) -> None:
    multipliers = [(_MULTIPLIER >> 8 * _LANE * i) % 2**64 for i in range(SHINGLE)]
    expected = [
        sum(m * code for m, code in zip(reversed(multipliers), codes[i : i + SHINGLE], strict=True)) % 2**64 >> 32
        for i in range(len(codes) - SHINGLE + 1)
    ]
    assert shingle_hashes(array("I", codes)).tolist() == expected


@quick
@given(st.lists(WORDS, max_size=20), st.lists(WORDS, max_size=60), st.lists(WORDS, max_size=20))
def test_a_stretch_looks_the_same_wherever_it_stands(
    before: list[bytes], words: list[bytes], after: list[bytes]
) -> None:
    alone = TOKENIZER.fingerprints(words).of(0, len(words))
    inside = TOKENIZER.fingerprints([*before, *words, *after]).of(len(before), len(before) + len(words))
    assert inside == alone
    sketch = array("I", alone[0]).tolist()
    assert sketch == sorted(set(sketch))
    assert len(sketch) <= min(SKETCH, max(0, len(words) - SHINGLE + 1))


def test_literals_and_local_names_tell_only_literal_digests_apart() -> None:
    one, two, three = (
        TOKENIZER.fingerprints(pieces(source)).of(0, 9)
        for source in (b"x = f(a, 'b', 1)", b"y = f(c, 'd', 2)", b"x = g(a, 'b', 1)")
    )
    assert one[:2] == two[:2]
    assert one[2] != two[2]
    assert one[0] != three[0]
    assert one[1] != three[1]


def test_joined_literals_cannot_be_mistaken_for_each_other() -> None:
    digests = {TOKENIZER.fingerprints(words).of(0, len(words))[2] for words in ([b"ab", b"c"], [b"a", b"bc"], [b"abc"])}
    assert len(digests) == 3


LONG = "\n".join(f"    total{i} = compute(total{i - 1}, limit={i})" for i in range(1, 12))


def test_a_function_looks_the_same_nested_or_not() -> None:
    nested = read(
        "def outer():\n    first()\n" + textwrap.indent(f"def inner(total0):\n{LONG}\n", "    ") + "    last()\n"
    )
    plain = read(f"def inner(total0):\n{LONG}\n")
    inside, alone = symbol(nested, "outer.inner"), symbol(plain, "inner")
    assert alone.shingles
    assert (inside.shingles, inside.tokens, inside.digest, inside.literal_digest) == (
        *(alone.shingles, alone.tokens, alone.digest, alone.literal_digest),
    )
    assert symbol(nested, "outer").tokens > inside.tokens


def test_parameters_of_one_text_are_the_same_in_a_function_and_not_mixed_with_a_lambda() -> None:
    facts = read("def f(a, b=1, *, c): pass\ndef g(a, b=1, *, c): pass\nh = lambda a, b=1: a\n")
    first, second, third = (symbol(facts, name).arguments for name in "fgh")
    assert first == second
    assert [argument.kind for argument in first] == ["positional", "positional", "keyword_only"]
    assert [argument.name for argument in third] == ["a", "b"]


def test_hidden_names_come_in_one_order() -> None:
    names = [f"n{i:02}" for i in range(40)]
    source = "".join(f"def {name}(): pass\n" for name in names) + "def f():\n"
    source += "".join(f"    for {name} in x: {name}()\n" for name in reversed(names))
    found = [[binding.target for binding in read(source).bindings] for _ in range(5)]
    assert found == [names] * 5


def test_words_are_counted_whole() -> None:
    assert count_word(b"get get_x xget get(get) \xc3\xa9get get", b"get") == 4
    assert count_word(b"", b"get") == 0
