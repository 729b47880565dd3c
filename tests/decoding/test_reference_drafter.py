"""What the reference drafter copies, from where, and how much of it."""

from quoth.decoding import DecodingConfig, Origin, Outcome, Reference
from quoth.decoding.draft import NO_DRAFT
from quoth.decoding.drafting.reference import DraftLength, ReferenceDrafter, ReferenceSession

CONFIG = DecodingConfig()


def said(*tokens: int) -> Outcome:
    return Outcome(token_ids=tokens, draft=NO_DRAFT, accepted=())


def session(prompt: list[int], *sources: list[int]) -> ReferenceSession:
    references = [Reference(f"r{number}", source) for number, source in enumerate(sources)]
    return ReferenceDrafter().start(prompt, references)


def test_the_longest_match_wins():
    drafting = session([1, 2, 3], [3, 50, 51], [2, 3, 60, 61], [9, 3, 70])
    draft = drafting.propose(10)
    assert draft.tokens[:2] == (60, 61)
    assert draft.origins[0] == Origin(source="reference", reference_id="r1", position=2)


def test_of_equal_matches_the_first_reference_wins_and_then_the_latest_place():
    assert session([8, 3], [3, 50], [3, 60]).propose(4).tokens == (50,)
    assert session([2, 3, 10, 2, 3, 11, 2, 3]).propose(2).tokens == (11, 2)


def test_the_copy_in_progress_wins_over_an_earlier_reference():
    drafting = session([1, 2, 3], [4, 5, 6, 40], [3, 4, 5, 6, 41, 42])
    draft = drafting.propose(3)
    assert draft.tokens == (4, 5, 6)
    drafting.observe(Outcome(token_ids=(4, 5, 6), draft=draft, accepted=(0, 1, 2)))
    assert drafting.propose(2).tokens == (41, 42)


def test_a_reference_ends_where_it_ends():
    assert session([1, 2], [1, 2, 7], [50, 51, 52]).propose(10).tokens == (7,)


def test_one_token_is_enough_in_a_reference_but_not_in_the_prompt():
    assert session([7, 40, 41, 7]).propose(5).tokens == ()
    assert session([40, 7], [7, 41]).propose(5).tokens == (41,)


def test_the_output_is_a_source():
    drafting = session([1, 2])
    drafting.observe(said(30, 31, 32, 33, 30, 31))
    draft = drafting.propose(2)
    assert draft.tokens == (32, 33)
    assert draft.origins == (
        Origin(source="output", position=2),
        Origin(source="output", position=3),
    )


def test_the_prompt_is_a_source_and_references_in_it_are_recognised():
    source = [20, 21, 22, 23]
    drafting = session([5, 6, *source, 9, 5, 6], source)
    draft = drafting.propose(6)
    assert draft.tokens[:4] == (20, 21, 22, 23)
    assert draft.origins[0] == Origin(source="reference", reference_id="r0", position=0)
    drafting = session([5, 6, 20, 21, 9, 5, 6], source)
    assert drafting.propose(1).origins == (Origin(source="prompt", position=2),)


def test_drafts_stay_within_the_budget():
    drafting = session([1, 2, 3], [1, 2, 3, *range(10, 60)])
    for budget in (1, 2, 5):
        assert 1 <= len(drafting.propose(budget)) <= budget


def test_drafts_grow_while_they_are_accepted_and_fall_back_after_a_reject():
    length = DraftLength(CONFIG)
    seen = []
    for _ in range(4):
        seen.append(length.next(30))
        length.learn(seen[-1], seen[-1])
    assert seen == [8, 16, 32, 32]
    length.learn(32, 3)
    assert length.next(30) == 4


def test_a_short_match_is_not_trusted_far():
    assert [DraftLength(CONFIG).next(match_length) for match_length in (1, 2, 3, 9)] == [3, 5, 7, 8]


def pauses_while_everything_is_rejected(config: DecodingConfig) -> list[int]:
    """How many steps with no more than the free tokens lie before each longer draft."""
    length = DraftLength(config)
    pauses, pause = [], 0
    for _ in range(60):
        drafted = length.next(9)
        if drafted >= config.min_rows:
            pauses.append(pause)
            pause = 0
        else:
            pause += 1
        if drafted:
            length.learn(drafted, 0)
    return pauses


def test_drafting_pauses_longer_and_longer_while_everything_is_rejected():
    config = DecodingConfig(min_rows=1)
    assert pauses_while_everything_is_rejected(config)[:7] == [0, 0, 1, 2, 4, 8, 8]


def test_a_pause_still_drafts_what_costs_nothing():
    length = DraftLength(CONFIG)
    for _ in range(2):
        length.learn(length.next(9), 0)
    assert length.next(9) == CONFIG.min_rows - 1
    assert length.next(9) == 4


def test_sessions_of_one_drafter_do_not_interact():
    drafter = ReferenceDrafter()
    first = drafter.start([1, 2], [Reference("a", [2, 30])])
    second = drafter.start([1, 2], [Reference("b", [2, 40])])
    first.observe(said(40, 41))
    assert second.propose(1).tokens == (40,)
    assert second.propose(1).origins[0].reference_id == "b"
