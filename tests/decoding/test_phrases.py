"""What the phrases drafter knows, how likely it says things are, and which files it believes."""

import threading

import numpy as np
import pytest

from helpers.stored_files import damaged_copies, hostile_numbers
from helpers.tiny_model import tiny_llama
from quoth.decoding import Decoder, DecodingConfig, Outcome
from quoth.decoding.draft import NO_DRAFT
from quoth.decoding.drafting.array_file import write_arrays
from quoth.decoding.drafting.context_keys import keys_before
from quoth.decoding.drafting.phrase_building import SMALLEST, build_phrases
from quoth.decoding.drafting.phrase_counting import MAX_TOKEN, PhraseCounter
from quoth.decoding.drafting.phrase_store import KIND, VERSION, PhraseStore
from quoth.decoding.drafting.phrases import PhrasesDrafter, continuations
from quoth.errors import ConfigError, DraftStoreError, InputError, TokenizerMismatchError

EAGER = DecodingConfig(min_survival=0.0)


@pytest.fixture
def phrases(tmp_path):
    def make(*texts, max_bytes=1 << 20):
        build_phrases(texts, tmp_path / "p", tokenizer="t", max_bytes=max_bytes)
        return PhraseStore.open(tmp_path / "p", tokenizer="t")

    return make


def chances(store: PhraseStore, *context: int) -> dict[int, float]:
    return dict(continuations(store, context[::-1]))


def test_a_phrase_is_continued_to_its_end(phrases):
    store = phrases([1, 2, 3, 4, 5])
    assert PhrasesDrafter(store, EAGER).start([9, 2], []).propose(8).tokens == (3, 4, 5)


def test_what_follows_more_often_is_likelier(phrases):
    told = chances(phrases([1, 2], [1, 2], [1, 3]), 1)
    assert set(told) == {2, 3}
    assert told[2] == 2 * told[3]


def test_a_longer_context_counts_more_and_the_more_the_oftener_it_was_seen(phrases):
    texts = [[1, 2, 3], *[[7, 2, 4]] * 5]
    told = chances(phrases(*texts), 1, 2)
    often = chances(phrases(*texts, *[[1, 2, 3]] * 9), 1, 2)
    assert told[4] < often[3]
    assert told[3] < often[3]
    assert sum(told.values()) < 1
    assert sum(often.values()) < 1


def test_drafts_fork_and_the_likeliest_come_first(phrases):
    store = phrases(*[[1, 2, 3]] * 5, *[[1, 2, 4]] * 4, [1, 5])
    draft = PhrasesDrafter(store, EAGER).start([1], []).propose(3)
    assert draft.tokens == (2, 3, 4)
    assert draft.parents == (-1, 0, 0)
    assert draft.chances == tuple(sorted(draft.chances, reverse=True))


def test_without_forks_the_draft_is_a_chain(phrases):
    store = phrases(*[[1, 2, 3]] * 5, *[[1, 2, 4]] * 4, [1, 5])
    config = DecodingConfig(min_survival=0.0, forks=False)
    draft = PhrasesDrafter(store, config).start([1], []).propose(9)
    assert draft.tokens == (2, 3)
    assert draft.is_chain


def test_what_the_model_said_is_continued(phrases):
    session = PhrasesDrafter(phrases([1, 2, 3, 4]), EAGER).start([9], [])
    assert session.propose(4) == NO_DRAFT
    session.observe(Outcome(token_ids=(1, 2), draft=NO_DRAFT, accepted=()))
    assert session.propose(1).tokens == (3,)


def test_the_rest_that_is_not_kept_lowers_the_chances(phrases):
    told = chances(phrases(*[[1, token] for token in range(2, 50)], *[[1, 50]] * 2), 1)
    assert len(told) == 4
    assert 0 < told[50] < 0.1


def test_no_phrase_reaches_from_one_text_into_the_next(phrases):
    assert chances(phrases([1, 2], [3, 4]), 2) == {}


def test_counts_of_any_size_keep_their_proportions(phrases):
    told = chances(phrases([1, 2] * 9000, [2, 3, 4] * 3000), 2)
    assert told[1] / told[3] == pytest.approx(3, rel=0.01)


def test_the_file_keeps_to_its_bound_and_keeps_the_frequent(phrases, tmp_path):
    rare = np.random.default_rng(0).integers(100, 10_000, 40_000).tolist()
    store = phrases(*[[1, 2, 3, 4]] * 3, rare, *[[1, 2, 3, 4]] * 3, max_bytes=SMALLEST)
    assert (tmp_path / "p").stat().st_size <= SMALLEST
    assert store.nbytes <= SMALLEST
    assert max(chances(store, 1, 2, 3).items(), key=lambda pair: pair[1])[0] == 4


def test_counting_many_texts_takes_bounded_memory_and_keeps_the_frequent():
    counter = PhraseCounter(max_pairs=20_000)
    rng = np.random.default_rng(0)
    for _ in range(30):
        counter.add([*[1, 2, 3, 4] * 5, *rng.integers(100, 10_000, 20_000).tolist()])
    keys, tokens, counts = counter.pairs()
    assert len(keys) <= 20_000 + 4 * 20_100  # with the texts that were counted last
    found = (keys == keys_before([3, 2, 1])[-1]) & (tokens == 4)
    assert counts[found].tolist() == [150]


def test_a_store_can_be_empty(phrases):
    assert len(phrases()) == 0
    assert PhrasesDrafter(phrases([7]), EAGER).start([7], []).propose(4) == NO_DRAFT


@pytest.mark.parametrize("token", [-1, MAX_TOKEN + 1])
def test_numbers_that_are_no_tokens_are_refused(phrases, token):
    with pytest.raises(ConfigError, match="holds token ids"):
        phrases([1, token])


@pytest.mark.parametrize("text", ["ab", [1.5], [[1, 2]], np.array([[1, 2]]), None])
def test_what_is_no_text_of_tokens_is_refused(phrases, text):
    with pytest.raises(InputError, match="text for phrases must be a flat sequence of integers"):
        phrases([1, 2], text)


def test_texts_may_be_arrays_and_come_one_by_one(phrases):
    store = phrases(np.array([1, 2, 3]), iter([1, 2, 3]), (1, 2, 3))
    assert chances(store, 1, 2) == chances(phrases(*[[1, 2, 3]] * 3), 1, 2)


def test_a_bound_without_room_is_refused(phrases):
    with pytest.raises(ConfigError, match=str(SMALLEST)):
        phrases([1, 2], max_bytes=SMALLEST - 1)


def test_files_of_others_are_refused(phrases, tmp_path):
    phrases([1, 2])
    with pytest.raises(TokenizerMismatchError, match="another tokenizer"):
        PhraseStore.open(tmp_path / "p", tokenizer="u")
    with pytest.raises(DraftStoreError, match="cannot be read"):
        PhraseStore.open(tmp_path / "nowhere", tokenizer="t")
    headers = (b"7", b"[]", b'{"__metadata__": {"about": "3"}}', b"[" * 5000, b"\xff")
    hostile = [len(header).to_bytes(8, "little") + header for header in headers]
    for content in (b"", b"x" * 100, b"\xff" * 100, *hostile):
        (tmp_path / "p").write_bytes(content)
        with pytest.raises(DraftStoreError, match="damaged"):
            PhraseStore.open(tmp_path / "p", tokenizer="t")


def test_a_file_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    with pytest.raises(DraftStoreError, match="cannot be written"):
        build_phrases([[1, 2]], tmp_path / "file" / "p", tokenizer="t")


def test_a_damaged_file_is_refused_whichever_byte_is_wrong(phrases, tmp_path):
    store = phrases([1, 2, 3, 1, 2, 4], max_bytes=SMALLEST)
    path = tmp_path / "copy"
    copies = damaged_copies(tmp_path / "p", step=61)
    for content in copies:
        path.write_bytes(content)
        try:
            opened = PhraseStore.open(path, tokenizer="t")
        except DraftStoreError:
            continue
        assert chances(opened, 1, 2) == chances(store, 1, 2)  # a blank of the header, say


@pytest.mark.parametrize("broken", ["slots", "checks", "starts", "nexts"])
@pytest.mark.parametrize("seed", range(3))
def test_a_file_made_to_hurt_is_refused_or_harmless(phrases, tmp_path, broken, seed):
    """Its checksum is right and one of its arrays is nonsense."""
    store = phrases(list(range(1, 300)) * 2)
    arrays = dict(store._arrays)
    arrays[broken] = hostile_numbers(len(arrays[broken]), seed)
    write_arrays(tmp_path / "h", arrays, kind=KIND, version=VERSION, tokenizer="t")
    try:
        hostile = PhraseStore.open(tmp_path / "h", tokenizer="t")
    except DraftStoreError:
        assert broken in {"slots", "starts"}
        return
    for token in range(300):
        draft = PhrasesDrafter(hostile, EAGER).start([token], []).propose(5)
        assert len(draft) <= 5
        assert all(0 <= chance <= 1 for chance in draft.chances)


def test_many_threads_may_read_at_once(phrases):
    store = phrases([1, 2, 3, 4, 5] * 20)
    results = []

    def work():
        results.extend(chances(store, 1, 2, 3) for _ in range(200))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(result == results[0] for result in results)
    assert len(results) == 800


def test_a_store_that_knows_the_answer_saves_passes_and_changes_nothing(phrases):
    decoder = Decoder(tiny_llama())
    options = {"max_new_tokens": 40, "eos_token_ids": ()}
    plain = decoder.generate([5, 6, 7], drafting="none", **options)
    drafter = PhrasesDrafter(phrases([5, 6, 7, *plain.token_ids]))
    fast = decoder.generate([5, 6, 7], drafting=drafter, **options)
    assert fast.token_ids == plain.token_ids
    assert fast.stats.forward_passes < plain.stats.forward_passes / 2
    assert fast.stats.draft_failures == 0
