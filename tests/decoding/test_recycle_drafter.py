"""The recycle drafter: what it keeps of the model's expectations, and what it makes of them."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.tiny_model import tiny_llama
from quoth.decoding import Decoder, DecodingConfig, Draft, Outcome
from quoth.decoding.draft import NO_DRAFT
from quoth.decoding.drafting.recycle import RecycleDrafter
from quoth.decoding.drafting.successors import SuccessorStore

CONFIG = DecodingConfig()


def told(token_ids, draft=NO_DRAFT, accepted=(), predicted=()):
    return Outcome(
        token_ids=tuple(token_ids),
        draft=draft,
        accepted=tuple(accepted),
        predicted=np.array(predicted, dtype=np.int64),
    )


def test_what_followed_a_token_is_drafted_when_it_comes_again():
    session = RecycleDrafter(CONFIG).start([5], [])
    assert len(session.propose(8)) == 0
    session.observe(told([6], predicted=[[6, 1, 2]]))  # after 5 comes 6
    session.observe(told([7], predicted=[[7, 3, 4]]))  # after 6 comes 7
    session.observe(told([5], predicted=[[5, 8, 9]]))  # after 7 comes 5
    draft = session.propose(8)
    chain = draft.first_chain()
    assert chain.tokens[:2] == (6, 7)
    assert all(
        draft.chances[p] >= c for p, c in zip(draft.parents, draft.chances, strict=True) if p >= 0
    )


def test_what_the_model_said_after_a_refused_token_is_kept_too():
    session = RecycleDrafter(CONFIG).start([5], [])
    session.observe(told([5], draft=Draft.chain([9, 8]), predicted=[[5, 0, 0], [1, 2, 3], [4] * 3]))
    session.observe(told([9], predicted=[[9, 0, 0]]))
    assert session.propose(1).tokens == (1,)


def test_the_text_itself_outlives_what_was_refused_in_the_same_pass():
    session = RecycleDrafter(CONFIG).start([5], [])
    tree = Draft(tokens=(9, 9), parents=(-1, 0), origins=(None, None))
    session.observe(told([9, 1], tree, accepted=[0], predicted=[[9] * 3, [1, 2, 3], [4, 6, 7]]))
    session.observe(told([9], predicted=[[9, 0, 0]]))
    assert session.propose(1).tokens == (1,)


def test_a_pair_of_tokens_is_believed_more_than_the_last_alone():
    store = SuccessorStore()
    store.learn([1, 2], [3, 3], np.array([[10, 11, 12], [20, 21, 22]]))
    session = RecycleDrafter(CONFIG, store).start([1, 3], [])
    assert session.propose(1).tokens == (10,)
    other = RecycleDrafter(CONFIG, store).start([7, 3], [])
    assert other.propose(1).tokens == (20,)


def test_chances_follow_what_becomes_of_the_guesses():
    always, never = (RecycleDrafter(CONFIG).start([5, 5], []) for _ in range(2))
    for _ in range(60):
        for session, said in ((always, 5), (never, 4)):
            session.observe(told([said], predicted=[[5, 1, 2]]))
            session.observe(told([5], predicted=[[5, 1, 2]]))
            session.propose(4)
    always.propose(4)
    assert always.propose(4).chances[0] > 0.8
    assert max(never.propose(4).chances) < 0.5


def test_without_forks_a_draft_is_a_chain():
    config = replace(CONFIG, forks=False, min_survival=0.0)
    session = RecycleDrafter(config).start([5], [])
    session.observe(told([5], predicted=[[5, 1, 2]]))
    assert session.propose(6).is_chain


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 99), st.integers(0, 99), st.lists(st.integers(0, 99), max_size=3)),
        max_size=40,
    )
)
def test_the_store_gives_back_the_latest_of_each_token_and_pair(rows):
    store = SuccessorStore(max_tokens=80)
    singles, pairs = {}, {}
    for before, token, successors in rows:
        padded = [*successors, 98, 97, 96][:3]
        store.learn([before], [token], np.array([padded]))
        if token < 80:
            singles[token] = pairs[before, token] = padded
    for token in range(100):
        assert store.after(token) == singles.get(token, [])
    for before, token, _ in rows:
        assert store.after_pair(before, token) in ([], pairs.get((before, token), []))


def test_the_store_is_bounded():
    store = SuccessorStore(max_tokens=150_000)
    rng = np.random.default_rng(0)
    for _ in range(50):
        tokens = rng.integers(0, 2**40, 200).tolist() + rng.integers(0, 150_000, 200).tolist()
        store.learn(tokens, tokens, rng.integers(0, 150_000, (400, 3)))
    assert store.nbytes <= 150_000 * 12 + 2**20


@pytest.mark.parametrize("shared", [False, True])
def test_a_store_makes_later_texts_cheaper_only_where_it_is_shared(shared):
    decoder = Decoder(tiny_llama())
    drafter = RecycleDrafter(decoder.config, SuccessorStore() if shared else None)
    options = {"max_new_tokens": 40, "eos_token_ids": ()}
    plain = decoder.generate([5, 6, 7], **options, drafting="none")
    first, second = (decoder.generate([5, 6, 7], **options, drafting=drafter) for _ in range(2))
    assert first.token_ids == second.token_ids == plain.token_ids
    better = second.stats.forward_passes < first.stats.forward_passes
    assert better == shared
