"""What the reference drafter copies, from where, and how much of it."""

from quoth.decoding import DecodingConfig, Origin, Outcome, Reference
from quoth.decoding.draft import NO_DRAFT, ROOT, Draft
from quoth.decoding.drafting.prepared import PreparedSources
from quoth.decoding.drafting.reference import ReferenceDrafter, ReferenceSession

CONFIG = DecodingConfig()


def said(*tokens: int) -> Outcome:
    return Outcome(token_ids=tokens, draft=NO_DRAFT, accepted=())


def session(prompt: list[int], *sources: list[int]) -> ReferenceSession:
    references = [Reference(f"r{number}", source) for number, source in enumerate(sources)]
    return ReferenceDrafter().start(prompt, references)


def eager_session(prompt: list[int], *sources: list[int]) -> ReferenceSession:
    """Drafts as much as there is."""
    references = [Reference(f"r{number}", source) for number, source in enumerate(sources)]
    return ReferenceDrafter(DecodingConfig(min_survival=0.0)).start(prompt, references)


def path_to(draft: Draft, node: int) -> tuple[int, ...]:
    """The tokens from the root to `node`."""
    if node == ROOT:
        return ()
    return (*path_to(draft, draft.parents[node]), draft.tokens[node])


def copied(draft: Draft) -> set[tuple[int, ...]]:
    """The paths to all nodes that come from some place."""
    return {path_to(draft, node) for node in range(len(draft)) if draft.origins[node] is not None}


def test_the_longest_match_wins():
    drafting = session([1, 2, 3], [3, 50, 51], [2, 3, 60, 61], [9, 3, 70])
    draft = drafting.propose(2)
    assert draft.tokens == (60, 61)
    assert draft.origins[0] == Origin(source="reference", reference_id="r1", position=2)


def test_what_most_occurrences_say_comes_first():
    drafting = session([8, 3], [3, 50], [3, 60], [3, 50])
    assert drafting.propose(1).tokens == (50,)


def test_occurrences_that_agree_share_nodes_and_then_fork():
    sources = [[8, 9, 1, 2, 3], [8, 9, 1, 2, 4], [8, 9, 5]]
    draft = eager_session([8, 9], *sources).propose(10)
    assert copied(draft) == {(1,), (1, 2), (1, 2, 3), (1, 2, 4), (5,)}


def test_after_a_copy_its_source_goes_on_before_others():
    sources = [[4, 5, 6, 40], [3, 4, 5, 6, 41, 42]]
    drafting = session([1, 2, 3], *sources)
    draft = drafting.propose(3)
    assert draft.tokens == (4, 5, 6)
    drafting.observe(Outcome(token_ids=(4, 5, 6), draft=draft, accepted=(0, 1, 2)))
    assert drafting.propose(2).tokens == (41, 42)


def test_a_reference_ends_where_it_ends():
    assert copied(session([1, 2], [1, 2, 7], [50, 51, 52]).propose(10)) == {(7,)}


def test_one_equal_token_is_enough_for_what_costs_nothing():
    assert session([7, 40, 41, 7]).propose(5).tokens[:3] == (40, 41, 7)
    assert copied(session([40, 7], [7, 41]).propose(5)) == {(41,)}


def test_what_is_not_worth_its_row_is_not_drafted():
    sources = [[7, other, 2, 3] for other in range(20, 40)]
    drafter = ReferenceDrafter(DecodingConfig(min_survival=0.2))
    references = [Reference(str(number), source) for number, source in enumerate(sources)]
    assert len(drafter.start([40, 7], references).propose(30)) == CONFIG.min_rows - 1
    assert len(eager_session([40, 7], *sources).propose(30)) == CONFIG.max_draft_tokens


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


def test_a_reference_within_a_longer_one_does_not_take_its_tokens():
    long = [20, 21, 7, 22, 23]
    draft = session([5, *long, 9, 5, 20], [7], long).propose(4)
    assert draft.tokens == (21, 7, 22, 23)
    assert [origin.reference_id for origin in draft.origins] == ["r1"] * 4


def test_a_copy_begins_with_another_spelling() -> None:
    large, small = 10, 11  # "Tea" and "tea"
    spellings = list(range(100))
    spellings[small] = large
    drafter = ReferenceDrafter(prepared=PreparedSources(spellings))
    drafting = drafter.start([1, 2, large], [Reference("r", [3, small, 20, 21])])
    draft = drafting.propose(2)
    assert draft.tokens == (20, 21)
    assert draft.origins[0] == Origin(source="reference", reference_id="r", position=2)


def test_a_copy_is_resumed_behind_a_word_that_the_model_replaced() -> None:
    source = list(range(20, 40))
    drafting = session([1, 20], source)
    draft = drafting.propose(3)
    drafting.observe(Outcome(token_ids=(21, 22, 99), draft=draft, accepted=(0, 1)))
    after = drafting.propose(3)
    assert after.tokens[0] == 24
    assert after.origins[0] == Origin(source="reference", reference_id="r0", position=4)


def test_where_nothing_is_known_the_commonest_tokens_are_guessed() -> None:
    drafting = session([5, 5, 5, 6, 6, 7])
    drafting.observe(said(99))
    draft = drafting.propose(3)
    assert draft.tokens[:2] == (5, 6)
    assert draft.origins[:2] == (None, None)
    assert list(draft.chances) == sorted(draft.chances, reverse=True)


def test_a_source_whose_copies_fail_loses_weight() -> None:
    false = [number for start in range(10, 90) for number in (start, 200)]
    true = [number for start in range(10, 90) for number in (start, 300 + start)]
    drafting = session([1, 10], true, false)
    first = drafting.propose(4)
    for token in range(11, 40):
        drafting.observe(said(300 + token - 1, token))
        drafting.propose(4)
    drafting.observe(said(339, 60))
    assert first.tokens[0] == 200
    assert drafting.propose(4).tokens[0] == 360


def test_drafts_stay_within_the_budget():
    drafting = session([1, 2, 3], [1, 2, 3, *range(10, 60)])
    for budget in (1, 2, 5):
        assert 1 <= len(drafting.propose(budget)) <= budget


def test_a_model_that_does_not_copy_gets_shorter_drafts():
    source = list(range(100, 200))
    drafting = session([1, 100], source)
    drafted = []
    for begin in range(100, 190, 3):
        drafting.observe(said(begin, begin + 1))
        draft = drafting.propose(24)
        drafted.append(len(draft))
        drafting.observe(Outcome(token_ids=(3,), draft=draft, accepted=()))
    assert drafted[0] > drafted[-1]


def test_a_model_that_copies_gets_long_drafts():
    source = list(range(100, 400))
    drafting = session([1, 100], source)
    drafted, at = [], 101
    while at < 350:
        draft = drafting.propose(24)
        drafted.append(len(draft))
        said_now = tuple(range(at, at + len(draft) + 1))
        drafting.observe(
            Outcome(token_ids=said_now, draft=draft, accepted=tuple(range(len(draft))))
        )
        at += len(said_now)
    assert drafted[0] < drafted[-1] == CONFIG.max_draft_tokens


def test_sessions_of_one_drafter_do_not_interact():
    drafter = ReferenceDrafter()
    first = drafter.start([1, 2], [Reference("a", [2, 30])])
    second = drafter.start([1, 2], [Reference("b", [2, 40])])
    first.observe(said(40, 41))
    assert second.propose(1).tokens == (40,)
    assert second.propose(1).origins[0].reference_id == "b"


def test_a_copy_ends_with_its_reference_in_the_prompt_too():
    passages = [[10, 11, 12], [20, 21, 22]]
    prompt = [*passages[0], 1, *passages[1], 2, 10, 11]
    assert copied(eager_session(prompt, *passages).propose(9)) == {(12,)}
    assert (12, 1, 20) in copied(eager_session(prompt).propose(9))  # without references it goes on


def test_a_match_at_the_end_of_a_reference_is_not_copied_further():
    passages = [[10, 11, 12], [20, 21, 22]]
    prompt = [*passages[0], *passages[1], 5, 11, 12]
    draft = eager_session(prompt, *passages).propose(9)
    assert copied(draft) == set()


def test_copies_from_other_spellings_end_with_their_reference_too():
    a, b = [10, 11, 13], [20, 21, 22]
    references = [Reference("a", a), Reference("b", b)]
    spellings = [0 if token == 12 else token for token in range(30)]
    spellings[11] = spellings[12] = 11
    drafter = ReferenceDrafter(
        DecodingConfig(min_survival=0.0), prepared=PreparedSources(spellings)
    )
    draft = drafter.start([*a, *b, 5, 12], references).propose(9)
    assert (13,) in copied(draft)
    assert all(path[:2] != (13, 20) for path in copied(draft))
