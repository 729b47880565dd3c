"""What the lookahead drafter remembers, for whom, for how long, and what it drafts from it."""

import gc
import threading

import pytest

from helpers.stored_files import damaged_copies
from helpers.tiny_model import tiny_llama
from quoth.decoding import Decoder, DecodingConfig, Outcome
from quoth.decoding.draft import NO_DRAFT
from quoth.decoding.drafting.array_file import write_arrays
from quoth.decoding.drafting.lookahead import LookaheadDrafter
from quoth.decoding.drafting.lookahead_store import (
    KIND,
    SMALLEST,
    VERSION,
    LookaheadStore,
    LookaheadStores,
)
from quoth.decoding.drafting.token_ring import PastText
from quoth.errors import ConfigError, DraftStoreError, InputError, TokenizerMismatchError

EAGER = DecodingConfig(min_survival=0.0)


def remembering(*texts: list[int]) -> LookaheadStore:
    store = LookaheadStore(SMALLEST)
    for text in texts:
        store.add(text)
    return store


def said(*tokens: int) -> Outcome:
    return Outcome(token_ids=tokens, draft=NO_DRAFT, accepted=())


def proposed(store: LookaheadStore | None, prompt: list[int], budget: int) -> tuple[int, ...]:
    return LookaheadDrafter(store, EAGER, own_text=False).start(prompt, []).propose(budget).tokens


def test_a_past_text_is_continued():
    assert proposed(remembering([1, 2, 3, 4, 5]), [9, 2, 3], 8) == (4, 5)


def test_the_longest_match_wins_over_the_latest():
    store = remembering([1, 2, 3, 40], [7, 3, 50])
    assert proposed(store, [1, 2, 3], 1) == (40,)


def test_what_was_said_more_often_comes_first():
    store = remembering([3, 40], [3, 50], [3, 40])
    assert proposed(store, [9, 3], 2) == (40, 50)


def test_branches_are_several_and_each_knows_its_chance():
    store = remembering([1, 2, 3, 4], [1, 2, 3, 5], [1, 2, 6])
    draft = LookaheadDrafter(store, EAGER, own_text=False).start([1, 2], []).propose(10)
    assert set(draft.tokens) == {3, 4, 5, 6}
    assert len(draft.chances) == 4
    assert draft.chances == tuple(sorted(draft.chances, reverse=True))
    assert 0 < draft.chances[-1] < draft.chances[0] < 1


def test_an_answer_counts_more_than_a_prompt():
    store = LookaheadStore(SMALLEST)
    store.add([5, 6, 9])  # all of it said
    store.add([5, 7, 9], answer_start=3)  # all of it asked, and later
    assert proposed(store, [5], 1) == (6,)


def test_no_phrase_reaches_from_one_text_into_the_next():
    assert proposed(remembering([1, 2], [3, 4]), [1, 2], 8) == ()


def test_the_own_text_is_used_and_told_where_no_other_drafter_does():
    session = LookaheadDrafter().start([1, 2, 3, 1], [])
    session.observe(said(2))
    draft = session.propose(1)
    assert draft.tokens == (3,)
    assert draft.origins[0] is not None
    assert (draft.origins[0].source, draft.origins[0].position) == ("prompt", 2)


def test_a_text_is_remembered_when_its_session_is_closed_and_only_once():
    store = LookaheadStore(SMALLEST)
    session = LookaheadDrafter(store).start([1, 2], [])
    session.observe(said(3, 4))
    assert store.texts() == []
    session.close()
    session.close()
    assert store.texts() == [PastText(token_ids=(1, 2, 3, 4), answer_start=2)]


def test_the_oldest_text_makes_room_for_the_newest():
    store = LookaheadStore(SMALLEST)
    store.add([1, 2, 3])
    rounds = store.capacity // 100 + 1
    for number in range(rounds):
        store.add([1000 + number] * 99)
    assert proposed(store, [1, 2], 1) == ()
    assert proposed(store, [1000 + rounds - 1], 1) == (1000 + rounds - 1,)
    assert len(store.texts()) < rounds + 1


def test_of_a_long_text_the_end_is_remembered():
    store = LookaheadStore(SMALLEST)
    store.add(list(range(store.capacity)), answer_start=store.capacity - 1)
    (kept,) = store.texts()
    assert kept.token_ids[-1] == store.capacity - 1
    assert len(kept.token_ids) <= store.capacity // 3
    assert kept.answer_start == len(kept.token_ids) - 1


def test_a_scope_never_sees_the_text_of_another():
    stores = LookaheadStores(4 * SMALLEST, max_scopes=4)
    stores.of("ann").add([1, 2, 3])
    assert proposed(stores.of("ben"), [1, 2], 5) == ()
    assert proposed(stores.of("ann"), [1, 2], 5) == (3,)


def test_the_scope_that_was_not_used_for_longest_is_forgotten():
    stores = LookaheadStores(2 * SMALLEST, max_scopes=2)
    for scope in ("ann", "ben", "ann", "eve"):
        stores.of(scope).add([1, 2, 3])
    assert len(stores) == 2
    assert stores.nbytes <= 2 * SMALLEST
    assert stores.of("ann").texts()
    assert not stores.of("ben").texts()
    stores.forget("ann")
    assert not stores.of("ann").texts()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"max_bytes": SMALLEST, "max_scopes": 2}, f"2 scopes need at least {SMALLEST}"),
        ({"max_bytes": 1e9}, "max_bytes is 1000000000.0"),
        ({"max_scopes": 0}, "at least 1"),
    ],
)
def test_scopes_without_room_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        LookaheadStores(**settings)


@pytest.mark.parametrize("max_bytes", [0, SMALLEST - 1, 1e9, None])
def test_a_store_without_room_is_refused(max_bytes):
    with pytest.raises(ConfigError, match=str(SMALLEST)):
        LookaheadStore(max_bytes)


@pytest.mark.parametrize("token", [-1, 2**31, 2**40])
def test_numbers_that_are_no_tokens_are_refused(token):
    with pytest.raises(ConfigError, match="token id"):
        LookaheadStore(SMALLEST).add([1, token])


@pytest.mark.parametrize("text", ["ab", [1.5], [[1, 2]], {1: 2}, None, 5])
def test_what_is_no_text_of_tokens_is_refused(text):
    with pytest.raises(InputError, match="past text must be a flat sequence of integers"):
        LookaheadStore(SMALLEST).add(text)


def test_texts_added_by_many_threads_are_all_there():
    store = LookaheadStore(SMALLEST)
    texts = [[100 * number + place for place in range(9)] for number in range(1, 101)]

    def work(part: list[list[int]]) -> None:
        for text in part:
            store.add(text, answer_start=4)
            store.recall(text[::-1], limit=8, enough=8, width=4)

    threads = [threading.Thread(target=work, args=(texts[number::8],)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(text.token_ids for text in store.texts()) == [tuple(text) for text in texts]
    assert all(proposed(store, text[:2], 3) == tuple(text[2:5]) for text in texts)


def test_the_garbage_collector_may_close_a_session_at_any_moment():
    """A given-up stream is closed by the collector, which may run while the store is locked."""
    store = remembering([1, 2, 3])

    class GivenUp:
        def __init__(self) -> None:
            self.circle = self

        def __del__(self) -> None:
            store.add([7, 8, 9])

    with store._held():
        GivenUp()
        gc.collect()
    assert [text.token_ids for text in store.texts()] == [(1, 2, 3), (7, 8, 9)]


def test_a_saved_store_is_the_same_again(tmp_path):
    store = remembering([1, 2, 3], [4, 5])
    store.add([6, 7, 8], answer_start=2)
    store.save(tmp_path / "past", tokenizer="t")
    loaded = LookaheadStore.load(tmp_path / "past", tokenizer="t", max_bytes=SMALLEST)
    assert loaded.texts() == store.texts()
    assert proposed(loaded, [6, 7], 1) == (8,)
    assert [file.name for file in tmp_path.iterdir()] == ["past"]


def test_an_empty_store_can_be_saved(tmp_path):
    LookaheadStore(SMALLEST).save(tmp_path / "past", tokenizer="t")
    assert LookaheadStore.load(tmp_path / "past", tokenizer="t").texts() == []


def test_a_damaged_file_is_refused_whichever_byte_is_wrong(tmp_path):
    store = remembering([1, 2, 3], [4, 5])
    path = tmp_path / "past"
    store.save(path, tokenizer="t")
    for content in damaged_copies(path):
        path.write_bytes(content)
        try:
            loaded = LookaheadStore.load(path, tokenizer="t", max_bytes=SMALLEST)
        except DraftStoreError:
            continue
        assert loaded.texts() == store.texts()  # a blank of the header, say


def test_files_of_others_are_refused(tmp_path):
    path = tmp_path / "past"
    with pytest.raises(DraftStoreError, match="cannot be read"):
        LookaheadStore.load(path, tokenizer="t")
    remembering([1]).save(path, tokenizer="t")
    with pytest.raises(TokenizerMismatchError, match="another tokenizer"):
        LookaheadStore.load(path, tokenizer="u")


@pytest.mark.parametrize(
    ("tokens", "kinds"), [([2**32 - 1, 0], [0, 0]), ([3, 0], [0]), ([3, 0], [0, 2])]
)
def test_a_file_made_to_hurt_is_refused(tmp_path, tokens, kinds):
    import numpy as np

    arrays = {"tokens": np.array(tokens, dtype="<u4"), "kinds": np.array(kinds, dtype="<u1")}
    write_arrays(tmp_path / "past", arrays, kind=KIND, version=VERSION, tokenizer="t")
    with pytest.raises(DraftStoreError, match="no past answers"):
        LookaheadStore.load(tmp_path / "past", tokenizer="t")


def test_an_answer_given_again_takes_fewer_passes_and_is_the_same():
    decoder = Decoder(tiny_llama())
    options = {"max_new_tokens": 40, "eos_token_ids": ()}
    plain = decoder.generate([5, 6, 7], drafting="none", **options)
    drafter = LookaheadDrafter(LookaheadStore(SMALLEST))
    cold = decoder.generate([5, 6, 7], drafting=drafter, **options)
    warm = decoder.generate([5, 6, 7], drafting=drafter, **options)
    assert cold.token_ids == warm.token_ids == plain.token_ids
    assert warm.stats.forward_passes < cold.stats.forward_passes / 2
    assert warm.stats.draft_failures == cold.stats.draft_failures == 0


def test_a_cancelled_answer_is_remembered_as_far_as_it_came():
    store = LookaheadStore(SMALLEST)
    decoder = Decoder(tiny_llama())
    options = {"max_new_tokens": 40, "eos_token_ids": ()}
    steps = decoder.stream([5, 6, 7], drafting=LookaheadDrafter(store), **options)
    begun = [*next(steps).token_ids, *next(steps).token_ids]
    steps.close()
    assert store.texts() == [PastText(token_ids=(5, 6, 7, *begun), answer_start=3)]
    whole = decoder.generate([5, 6, 7], drafting=LookaheadDrafter(store), **options)
    assert whole.token_ids == decoder.generate([5, 6, 7], drafting="none", **options).token_ids


def test_rows_of_a_batch_are_remembered_each_also_when_it_is_cancelled():
    decoder = Decoder(tiny_llama())
    options = {"max_new_tokens": 6, "eos_token_ids": ()}
    prompts = [[5, 6, 7], [8, 9]]
    store = LookaheadStore(SMALLEST)
    rows = decoder.generate_batch(prompts, drafting=LookaheadDrafter(store), **options)
    expected = {(*prompt, *row.token_ids) for prompt, row in zip(prompts, rows, strict=True)}
    assert {text.token_ids for text in store.texts()} == expected
    cancelled = LookaheadStore(SMALLEST)
    steps = decoder.stream_batch(prompts, drafting=LookaheadDrafter(cancelled), **options)
    for _ in range(2):  # both prompts are read
        next(steps)
    steps.close()
    begun = {text.token_ids for text in cancelled.texts()}
    assert len(begun) == 2
    assert all(any(text == whole[: len(text)] for whole in expected) for text in begun)


class _BadEnd:
    """Drafts nothing, and raises when it is told of the end."""

    name = "bad end"

    def start(self, prompt, references):
        return self

    def propose(self, budget):
        return NO_DRAFT

    def observe(self, outcome):
        pass

    def close(self):
        raise RuntimeError("a drafter that raises in close")


def test_a_drafter_that_raises_at_the_end_is_counted_and_changes_nothing():
    decoder = Decoder(tiny_llama())
    options = {"max_new_tokens": 6, "eos_token_ids": ()}
    plain = decoder.generate([5, 6, 7], drafting="none", **options)
    bad = decoder.generate([5, 6, 7], drafting=_BadEnd(), **options)
    assert bad.token_ids == plain.token_ids
    assert bad.stats.draft_failures == 1
