"""What every drafter of Quoth keeps, whatever it is asked and told."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from quoth.decoding import DecodingConfig, Draft, Outcome, Reference
from quoth.decoding.draft import NO_DRAFT
from quoth.decoding.drafting.protocol import Drafter, DraftSession
from quoth.decoding.drafting.selection import Material, select_drafters

NAMES = ["none", "reference", "lookahead", "recycle", "jacobi", "auto"]
tokens = st.lists(st.integers(0, 6), min_size=1, max_size=25)
steps = st.lists(st.tuples(st.integers(1, 40), st.integers(0, 40), tokens), max_size=12)


def drafter(name: str) -> Drafter:
    return select_drafters(name, Material(config=DecodingConfig()))[0]


def guesses(rows: int, seed: int) -> NDArray[np.int64]:
    """What a model might have said, as `Outcome.predicted`."""
    return np.random.default_rng(seed).integers(0, 7, (rows, 3))


def play(session: DraftSession, script: list[tuple[int, int, list[int]]]) -> list[Draft]:
    """Ask and tell: accept some of each draft, then let the model say something else."""
    first = Outcome(token_ids=(1,), draft=NO_DRAFT, accepted=(), predicted=guesses(1, 0))
    session.observe(first)
    drafts = []
    for budget, kept, own in script:
        draft = session.propose(budget)
        kept = min(kept, len(draft))
        outcome = Outcome(
            token_ids=(*draft.tokens[:kept], own[0]),
            draft=draft,
            accepted=tuple(range(kept)),
            predicted=guesses(1 + len(draft), own[0]),
        )
        session.observe(outcome)
        drafts.append(draft)
    return drafts


@pytest.mark.parametrize("name", NAMES)
@settings(deadline=None)
@given(tokens, st.lists(tokens, max_size=3), steps)
def test_drafts_keep_to_the_budget_and_name_true_origins(name, prompt, sources, script):
    references = [Reference(str(number), source) for number, source in enumerate(sources)]
    drafts = play(drafter(name).start(prompt, references), script)
    for draft, (budget, _, _) in zip(drafts, script, strict=True):
        assert len(draft) <= budget
        for token, origin in zip(draft.tokens, draft.origins, strict=True):
            if origin is None:
                continue
            if origin.source == "reference":
                assert sources[int(origin.reference_id or "")][origin.position] == token
            if origin.source == "prompt":
                assert prompt[origin.position] == token


@pytest.mark.parametrize("name", NAMES)
@settings(deadline=None)
@given(tokens, tokens, steps, steps)
def test_two_sessions_never_interact(name, first, second, first_script, second_script):
    alone = play(drafter(name).start(first, []), first_script)
    shared = drafter(name)
    mine, other = shared.start(first, []), shared.start(second, [])
    play(other, second_script)
    assert play(mine, first_script) == alone
