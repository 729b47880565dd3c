"""Several drafters as one: who is asked, what is merged, who is believed."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.drafters import Prophet, Propose, good_makers
from quoth.decoding import DecodingConfig, Draft, Origin, Outcome
from quoth.decoding.draft import NO_DRAFT, ROOT
from quoth.decoding.drafting.cost import CostCurve
from quoth.decoding.drafting.guard import GuardedSession
from quoth.decoding.drafting.mixing import Mixer

PLACE = Origin(source="reference", position=0, reference_id="r")


def mixer(*makers: Propose, truth: tuple[int, ...] = (), forks: bool = True) -> Mixer:
    drafters = [Prophet(f"d{number}", truth, make) for number, make in enumerate(makers)]
    return Mixer(
        [GuardedSession(each, (1,), (), vocabulary_size=100) for each in drafters],
        config=DecodingConfig(),
        forks=forks,
        cost=CostCurve(free_rows=4),
    )


def always(tokens: tuple[int, ...], chance: float, origin: Origin | None = None) -> Propose:
    """A drafter that says the same chain each time, sure of every token of it alike."""
    chances = tuple(chance ** (depth + 1) for depth in range(len(tokens)))
    draft = Draft(
        tokens=tokens,
        parents=tuple(range(ROOT, len(tokens) - 1)),
        origins=(origin,) * len(tokens),
        chances=chances,
    )
    return lambda _truth, _budget: draft


def said(*tokens: int) -> Outcome:
    return Outcome(token_ids=tokens, draft=NO_DRAFT, accepted=())


def test_guesses_that_agree_share_a_node_and_keep_the_origin() -> None:
    proposal = mixer(always((5, 6), 0.8), always((5, 7), 0.7, PLACE)).propose(10)
    draft = proposal.draft
    assert sorted(zip(draft.tokens, draft.parents, strict=True)) == [(5, ROOT), (6, 0), (7, 0)]
    first = draft.tokens.index(5)
    assert draft.origins[first] == PLACE
    assert proposal.makers[first] == "d1"
    assert proposal.makers[draft.tokens.index(6)] == "d0"


def test_the_likelier_guess_comes_first_and_the_budget_holds() -> None:
    proposal = mixer(always((5, 6), 0.3), always((8,), 0.9)).propose(2)
    assert proposal.draft.tokens == (8, 5)


def test_without_forks_the_likelier_chain_is_taken() -> None:
    proposal = mixer(always((5, 6), 0.6), always((8, 9), 0.9), forks=False).propose(10)
    assert proposal.draft.is_chain
    assert proposal.draft.tokens == (8, 9)


def test_guesses_that_are_not_worth_their_rows_are_left_out() -> None:
    sure = always(tuple(range(10, 20)), 0.99)
    unsure = always(tuple(range(30, 40)), 0.01)
    tokens = mixer(sure, unsure).propose(24).draft.tokens
    assert set(tokens) == set(range(10, 20))


def test_a_drafter_that_is_always_wrong_is_no_longer_believed() -> None:
    boaster, honest = always((5,), 0.9), always((6,), 0.4)
    drafting = mixer(boaster, honest)
    first = drafting.propose(1).draft
    for _ in range(30):
        drafting.observe(said(6))
        last = drafting.propose(1).draft
    assert (first.tokens, last.tokens) == ((5,), (6,))


def test_a_pass_that_costs_more_per_row_gets_fewer_guesses() -> None:
    guesses = always(tuple(range(10, 30)), 0.9)
    cheap, dear = CostCurve(free_rows=4), CostCurve(free_rows=4)
    for rows in [4, 16] * 40:
        cheap.observe(rows, 1.0)
        dear.observe(rows, 1.0 + (rows - 4) * 0.3)
    sizes = []
    for cost in (cheap, dear):
        sessions = [
            GuardedSession(Prophet("d", (), make), (1,), (), vocabulary_size=100)
            for make in (guesses, always((90,), 0.1))
        ]
        mixed = Mixer(sessions, config=DecodingConfig(), forks=True, cost=cost)
        sizes.append(len(mixed.propose(24).draft))
    assert sizes[0] > sizes[1]


def test_a_pass_held_up_by_something_else_changes_little() -> None:
    cost = CostCurve(free_rows=4)
    for rows in [4, 8, 16, 8] * 30:
        cost.observe(rows, 0.01 * (1 + 0.03 * (rows - 4)))
    before = cost.cost(16)
    cost.observe(16, 60.0)
    assert cost.cost(16) == pytest.approx(before, rel=0.2)
    assert before == pytest.approx(1.36, rel=0.05)


@settings(deadline=None)
@given(
    st.integers(0, 2**32), st.lists(st.integers(0, 9), min_size=1, max_size=40), st.integers(1, 12)
)
def test_what_is_mixed_is_a_sound_draft_within_the_budget(
    seed: int, truth: list[int], budget: int
) -> None:
    makers = list(good_makers(seed, 10, 0).values())
    drafting = mixer(*makers, truth=tuple(truth))
    at = 0
    while at < len(truth):
        proposal = drafting.propose(budget)
        draft = proposal.draft
        assert len(draft) <= budget
        assert len(proposal.makers) == len(draft) == len(draft.chances)
        siblings = list(zip(draft.parents, draft.tokens, strict=True))
        assert len(set(siblings)) == len(siblings)
        step = truth[at : at + 1 + seed % 3]
        drafting.observe(Outcome(token_ids=tuple(step), draft=draft, accepted=()))
        at += len(step)
    assert drafting.failures == 0


def test_where_one_is_sure_the_others_are_not_asked() -> None:
    asked = []

    def other(_truth: object, _budget: int) -> Draft:
        asked.append(1)
        return Draft.chain([9])

    drafting = mixer(always((5, 6), 0.95), other)
    assert drafting.propose(4).draft.tokens == (5, 6)
    assert not asked
    for _ in range(60):  # it was sure, and wrong
        drafting.observe(said(8))
        drafting.propose(4)
    assert asked


def test_branches_that_cost_much_are_left_out() -> None:
    cost = CostCurve(free_rows=4)
    for _ in range(60):
        cost.observe(4, 1.0)
        cost.observe(8, 1.1)
        cost.observe(8, 2.1, 2)
    tree = Draft(
        tokens=(5, 6, 7), parents=(ROOT, 0, ROOT), origins=(None,) * 3, chances=(0.7, 0.5, 0.25)
    )
    drafter = Prophet("d", (), lambda _truth, _budget: tree)
    session = GuardedSession(drafter, (1,), (), vocabulary_size=100)
    sizes = []
    for curve in (CostCurve(free_rows=4), cost):
        mixed = Mixer([session], config=DecodingConfig(), forks=True, cost=curve)
        sizes.append(mixed.propose(9).draft.tokens)
    assert sizes == [(5, 6, 7), (5, 6)]
