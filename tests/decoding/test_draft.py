"""Drafts are well formed or not made; the walk down them stops where the model disagrees."""

import pytest

from quoth.decoding.acceptance import follow
from quoth.decoding.draft import NO_DRAFT, ROOT, Draft, Origin

FORK = Draft(tokens=(5, 6, 7, 8), parents=(-1, 0, 0, 2), origins=(None,) * 4)


@pytest.mark.parametrize(
    ("parents", "message"),
    [((0,), "node 0 of a draft has the parent 0"), ((-2,), "parent -2"), ((-1, -1), "2 parents")],
)
def test_a_malformed_draft_is_refused(parents, message):
    with pytest.raises(ValueError, match=message):
        Draft(tokens=(1,), parents=parents, origins=(None,))


@pytest.mark.parametrize(
    "wrong",
    [
        {"position": None},
        {"position": 0.5},
        {"position": True},
        {"reference_id": ["r"]},
        {"source": "web"},
        {"source": []},
    ],
)
def test_a_malformed_origin_is_refused(wrong):
    with pytest.raises(ValueError, match=r"no place to copy from|is a string"):
        Origin(**({"source": "reference", "position": 0, "reference_id": "r"} | wrong))


def test_the_first_nodes_keep_their_parents():
    assert FORK.first(2) == Draft.chain([5, 6])
    assert FORK.first(4) is FORK
    assert FORK.first(0) == NO_DRAFT


def test_a_chain_is_a_tree_without_forks():
    chain = Draft.chain([4, 5, 6])
    assert chain.parents == (-1, 0, 1)
    assert chain.is_chain
    assert NO_DRAFT.is_chain
    assert not FORK.is_chain


def test_the_first_chain_of_a_tree_is_what_remains_without_forks():
    assert FORK.first_chain() == Draft.chain([5, 6])
    assert NO_DRAFT.first_chain() is NO_DRAFT
    late = Draft(tokens=(1, 2, 3, 4), parents=(-1, -1, 1, 0), origins=(None,) * 4)
    assert late.first_chain() == Draft.chain([1, 4])


def test_children_are_found_by_token():
    assert FORK.child(ROOT, 5) == 0
    assert FORK.child(ROOT, 6) is None
    assert (FORK.child(0, 6), FORK.child(0, 7)) == (1, 2)
    assert FORK.child(2, 8) == 3
    assert FORK.child(3, 8) is None


@pytest.mark.parametrize(
    ("says", "tokens", "nodes"),
    [
        ({ROOT: 9}, (9,), ()),
        ({ROOT: 5, 0: 9}, (5, 9), (0,)),
        ({ROOT: 5, 0: 6, 1: 9}, (5, 6, 9), (0, 1)),
        ({ROOT: 5, 0: 7, 2: 8, 3: 9}, (5, 7, 8, 9), (0, 2, 3)),
    ],
)
def test_the_walk_follows_the_model_down_a_tree(says, tokens, nodes):
    accepted = follow(FORK, says.__getitem__, lambda _token: False)
    assert (accepted.tokens, accepted.nodes) == (tokens, nodes)


def test_the_walk_ends_with_the_text_even_inside_a_draft():
    accepted = follow(Draft.chain([1, 2, 3]), {ROOT: 1, 0: 2}.__getitem__, lambda token: token == 2)
    assert (accepted.tokens, accepted.nodes) == ((1, 2), (0, 1))
