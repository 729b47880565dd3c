"""The peers behave as their authors describe; Hugging Face's and Arctic's are their own code."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from peers.llma import LLMA
from peers.lookahead_trie import LookaheadTrie
from peers.prompt_lookup import PromptLookup
from peers.suffix_decoding import SuffixDecoding
from peers.vote_tree import VoteTree
from quoth.decoding import Draft, Drafter, DraftSession, Outcome, Reference
from quoth.decoding.draft import NO_DRAFT, ROOT


def said(*tokens: int) -> Outcome:
    return Outcome(token_ids=tokens, draft=NO_DRAFT, accepted=())


def after(drafter: Drafter, prompt: list[int], *output: int) -> DraftSession:
    session = drafter.start(prompt, [])
    session.observe(said(*output))
    return session


def paths(draft: Draft) -> set[tuple[int, ...]]:
    """Every node of a draft as the tokens from the root down to it."""
    found: list[tuple[int, ...]] = []
    for token, parent in zip(draft.tokens, draft.parents, strict=True):
        found.append((*(found[parent] if parent != ROOT else ()), token))
    return set(found)


def test_prompt_lookup_takes_the_leftmost_pair_and_ten_tokens():
    prompt = [1, 2, *range(10, 30), 1, 2, 40, 41]
    assert after(PromptLookup(), prompt, 1, 2).propose(50).tokens == tuple(range(10, 20))
    assert after(PromptLookup(), prompt, 1, 2).propose(3).tokens == (10, 11, 12)


def test_prompt_lookup_falls_back_to_one_token_and_sees_its_own_output():
    session = after(PromptLookup(), [1, 2, 3], 7, 8, 9)
    assert not len(session.propose(10))
    session.observe(said(7))
    assert session.propose(10).tokens == (8, 9, 7)
    session.observe(said(2))
    assert session.propose(10).tokens == (3, 7, 8, 9, 7, 2)


def test_llma_copies_from_documents_only_and_from_the_first_place():
    documents = [Reference("a", [5, 6, 7, 8]), Reference("b", [5, 6, 9, *range(20, 60)])]
    session = LLMA().start([1, 2, 3], documents)
    session.observe(said(2))
    assert not len(session.propose(50))  # 2 stands in the prompt only
    session.observe(said(6))
    assert session.propose(50).tokens == (7, 8)
    session.observe(said(9))  # 6 9 stands in b only
    assert session.propose(50).tokens == tuple(range(20, 39))
    assert session.propose(4).tokens == (20, 21, 22, 23)


def test_llma_never_looks_up_the_end_of_the_prompt_and_cuts_documents():
    session = LLMA(max_document=3).start([4, 5], [Reference("a", [5, 6, 7, 6, 8])])
    session.observe(said(6))
    assert session.propose(50).tokens == (7,)


def test_votes_weigh_by_length_of_the_match_and_share_prefixes():
    draft = after(VoteTree(), [9, 2, 4, 9, 2, 4, 8, 1, 2, 3, 1], 2).propose(50)
    # 1 2 -> 3 weighs 36; 9 2 -> 4 matches one token, twice: 6 + 6.
    assert draft.tokens[:4] == (3, 1, 2, 4)
    assert {(3,), (3, 1), (3, 1, 2), (4,), (4, 9), (4, 8)} < paths(draft)
    assert len(draft) == 7


def test_unlikely_votes_are_left_out():
    draft = after(VoteTree(), [4, 6, 1, 2, 3, 4, 5, 1, 2, 3], 4).propose(50)
    # 1 2 3 4 -> 5 weighs 6 ** 4, 4 -> 6 only 6; 5 is followed by 1 2 3 4 and the end.
    assert paths(draft) == {(5, 1, 2, 3, 4)[:length] for length in range(1, 6)}


def test_the_trie_merges_branches_most_frequent_first():
    prompt = [1, 2, 3, 7, 1, 2, 4, 7, 1, 2, 4, 8, 0, 1]
    draft = after(LookaheadTrie(branch_length=3), prompt, 2).propose(50)
    assert draft.tokens == (4, 7, 8, 3, 7)
    assert draft.parents == (ROOT, 0, 0, ROOT, 3)


def test_the_trie_asks_the_last_token_alone_if_two_tell_little():
    prompt = [1, 2, 3, 5, 2, 9, 1]
    assert paths(after(LookaheadTrie(branch_length=3), prompt, 2).propose(50)) == {(3,), (3, 5)}
    draft = after(LookaheadTrie(), prompt, 2).propose(50)
    assert {(3,), (3, 5), (9,), (9, 1)} <= paths(draft)


def test_the_trie_does_not_ask_a_stop_token_alone():
    trie = LookaheadTrie(branch_length=12, stop_tokens=(2,))
    assert not len(after(trie, [3, 2, 5, 6], 9, 2).propose(50))
    assert after(LookaheadTrie(), [3, 2, 5, 6], 9, 2).propose(50).tokens[:2] == (5, 6)


def test_the_trie_learns_outputs_a_branch_late():
    session = after(LookaheadTrie(branch_length=2), [0], 5, 6)
    session.observe(said(5))
    assert session.propose(50).tokens == (6, 5)
    assert not len(after(LookaheadTrie(branch_length=3), [0], 5, 6, 5).propose(50))


def test_a_warm_trie_knows_earlier_outputs_but_the_prompt_ranks_first():
    warm = LookaheadTrie(outputs=[[5, 6, 7]] * 3)
    assert paths(after(warm, [0], 5).propose(50)) == {(6,), (6, 7)}
    draft = after(warm, [5, 8, 1], 5).propose(50)
    assert draft.tokens[0] == 8
    assert (6, 7) in paths(draft)


def test_the_trie_keeps_to_the_number_of_nodes():
    prompt = [token for follower in range(100) for token in (1, 100 + follower, 1000 + follower)]
    draft = after(LookaheadTrie(), prompt, 1).propose(500)
    assert len(draft) == 64
    assert len(after(LookaheadTrie(), prompt, 1).propose(9)) == 9


def test_suffix_decoding_drafts_as_much_as_it_matched():
    pytest.importorskip("arctic_inference.suffix_decoding")
    prompt = [1, 2, 3, 4, 5, 6, 7, 8, 0]
    assert after(SuffixDecoding(), prompt, 3).propose(50).tokens == (4,)
    assert after(SuffixDecoding(), prompt, 2, 3, 4).propose(50).tokens == (5, 6, 7)
    assert after(SuffixDecoding(), prompt, 2, 3, 4).propose(2).tokens == (5, 6)
    warm = SuffixDecoding(outputs=[[20, 21, 22, 23]])
    assert after(warm, prompt, 20, 21).propose(50).tokens == (22, 23)


@pytest.mark.parametrize("peer", [PromptLookup(), LLMA(), LookaheadTrie(), VoteTree()])
@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 5), min_size=1, max_size=40), st.integers(1, 20))
def test_drafts_keep_to_the_budget(peer, prompt, budget):
    session = peer.start(prompt, [Reference("a", prompt[::-1])])
    for token in (1, 2, 1):
        session.observe(said(token))
        draft = session.propose(budget)
        assert len(draft) <= budget
        assert len(paths(draft)) == len(draft)  # no guess is made twice
