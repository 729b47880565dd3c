"""Stores of the past and of phrases, whatever is put into them and asked of them."""

import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from quoth.decoding.drafting.context_keys import ORDERS, keys_before, keys_in
from quoth.decoding.drafting.lookahead_store import SMALLEST, LookaheadStore, LookaheadStores
from quoth.decoding.drafting.phrase_building import build_phrases
from quoth.decoding.drafting.phrase_store import COUNT_BITS, MAX_COUNT, PhraseStore
from quoth.decoding.drafting.token_ring import CONTEXT, TokenRing

few_tokens = st.lists(st.integers(0, 3), min_size=1, max_size=30)
texts = st.lists(st.tuples(few_tokens, st.integers(0, 40)), max_size=12)
any_tokens = st.lists(st.integers(0, 2**31 - 1), max_size=3000)


def matches(text: list[int], context: list[int]) -> dict[int, int]:
    """For each place of the text after the context's last token: how many tokens match."""
    found = {}
    for end in range(len(text)):
        length = 0
        while length < min(end + 1, len(context), CONTEXT) and (
            text[end - length] == context[-1 - length]
        ):
            length += 1
        if length:
            found[end + 1] = length
    return found


def upto_end(follows: list[int]) -> list[int]:
    return follows[: follows.index(-1)] if -1 in follows else follows


@settings(deadline=None)
@given(texts, few_tokens)
def test_the_ring_recalls_what_a_scan_finds(past, context):
    ring = TokenRing(2000)
    expected: Counter[tuple[int, tuple[int, ...], bool]] = Counter()
    for text, answer_start in past:
        ring.write(np.array(text), answer_start)
        for place, length in matches(text, context).items():
            follows = tuple(text[place : place + 5])
            expected[length, follows, place >= answer_start] += 1
    recalled: Counter[tuple[int, tuple[int, ...], bool]] = Counter()
    for follows, length, _, in_answer in ring.recall(
        context[::-1], limit=2000, enough=2000, width=5
    ):
        recalled[length, tuple(upto_end(follows)), in_answer] += 1
    assert recalled == expected


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(few_tokens, st.integers(0, 40)), min_size=1, max_size=60), few_tokens)
def test_a_full_ring_recalls_only_what_it_still_holds(past, context):
    ring = TokenRing(64)
    for text, answer_start in past:
        ring.write(np.array(text), answer_start)
        held = ring.texts()
        assert sum(len(text.token_ids) + 1 for text in held) <= 64
        newest = held[-1]
        assert newest.token_ids == tuple(text)
        assert newest.answer_start == min(answer_start, len(text))
        continued = {
            (length, text.token_ids[place:])
            for text in held
            for place, length in matches(list(text.token_ids), context).items()
        }
        for follows, length, age, _ in ring.recall(context[::-1], limit=64, enough=64, width=40):
            assert (length, tuple(upto_end(follows))) in continued
            assert 0 < age < 64


@settings(deadline=None, max_examples=30)
@given(st.lists(any_tokens, max_size=30), st.integers(SMALLEST, 4 * SMALLEST))
def test_a_store_of_the_past_keeps_to_its_bytes(past, max_bytes):
    store = LookaheadStore(max_bytes)
    for text in past:
        store.add(text)
        assert store.nbytes <= max_bytes


@settings(deadline=None, max_examples=30)
@given(st.lists(st.tuples(st.sampled_from("abc"), any_tokens), max_size=20))
def test_scopes_keep_their_texts_apart(said):
    stores = LookaheadStores(2 * SMALLEST, max_scopes=2)
    own: dict[str, set[tuple[int, ...]]] = {scope: set() for scope in "abc"}
    for scope, text in said:
        stores.of(scope).add(text)
        own[scope].add(tuple(text[-stores.of(scope).capacity // 4 :]))
        assert stores.nbytes <= 2 * SMALLEST
        assert len(stores) <= 2
    for scope in "abc":
        for text in stores.of(scope).texts():
            assert any(whole[-len(text.token_ids) :] == text.token_ids for whole in own[scope])


@settings(deadline=None, max_examples=40)
@given(texts)
def test_what_is_saved_can_be_loaded(past):
    store = LookaheadStore(SMALLEST)
    for text, answer_start in past:
        store.add(text, answer_start=answer_start)
    with tempfile.TemporaryDirectory() as folder:
        store.save(Path(folder) / "past", tokenizer="t")
        loaded = LookaheadStore.load(Path(folder) / "past", tokenizer="t", max_bytes=SMALLEST)
    assert loaded.texts() == store.texts()


@settings(deadline=None)
@given(st.lists(st.integers(-1, 2**20), min_size=1, max_size=20))
def test_keys_of_a_whole_text_are_those_of_its_places(tokens):
    for order, (ends, keys) in enumerate(keys_in(np.array(tokens)), start=1):
        told = dict(zip(ends.tolist(), keys.tolist(), strict=True))
        for end in range(len(tokens)):
            context = tokens[max(0, end - order + 1) : end + 1]
            if len(context) == order and min(context) >= 0:
                assert told.pop(end) == keys_before(context[::-1])[-1]
        assert not told


@settings(deadline=None, max_examples=50)
@given(st.lists(few_tokens, max_size=8), few_tokens)
def test_phrases_count_what_a_scan_counts(past, context):
    """With four different tokens nothing is left out."""
    with tempfile.TemporaryDirectory() as folder:
        build_phrases(past, Path(folder) / "p", tokenizer="t", max_bytes=1 << 20)
        store = PhraseStore.open(Path(folder) / "p", tokenizer="t")
        found = store.following(context[::-1])
    for order in range(1, min(ORDERS, len(context)) + 1):
        wanted = context[-order:]
        counts = Counter(
            text[place + order]
            for text in past
            for place in range(len(text) - order)
            if text[place : place + order] == wanted
        )
        if not counts:
            assert len(found) < order
            return
        told = {number >> COUNT_BITS: number & MAX_COUNT for number in found[order - 1]}
        assert told == counts


@settings(deadline=None, max_examples=25)
@given(st.integers(SMALLEST, 4 * SMALLEST), st.integers(0, 10**6), st.integers(1, 30_000))
def test_a_file_of_phrases_keeps_to_its_bytes(max_bytes, seed, length):
    tokens = np.random.default_rng(seed).integers(0, 2000, length).tolist()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "p"
        build_phrases([tokens], path, tokenizer="t", max_bytes=max_bytes)
        assert path.stat().st_size <= max_bytes
        assert PhraseStore.open(path, tokenizer="t").nbytes <= max_bytes
