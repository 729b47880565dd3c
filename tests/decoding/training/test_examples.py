"""Quotes stand where an example says, and its answer holds them."""

import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quoth.decoding.training.examples import Example, Quote
from quoth.decoding.training.material import Material
from quoth.decoding.training.prompts import REFUSAL
from quoth.decoding.training.ranking import RankedQuestion
from quoth.decoding.training.tasks import Mixture, TaskShape

_PASSAGES = ("Salt is kept here. Ropes too.\nIt is dry. Nobody comes.", "The tower is in Riga.")
_TURN = ("Where is the mill?", "[2] The mill is by the river. [3] It is old.")


def _example(*quotes: Quote) -> Example:
    return Example(question="What?", passages=_PASSAGES, history=(_TURN,), quotes=quotes)


@pytest.mark.parametrize(
    ("quotes", "answer"),
    [
        ((), REFUSAL),
        ((Quote(passage=1, start=0, end=21),), "[2] The tower is in Riga."),
        (
            (Quote(passage=1, start=0, end=21), Quote(passage=0, start=0, end=18)),
            "[2] The tower is in Riga. [1] Salt is kept here.",
        ),
        (
            (Quote(passage=0, start=0, end=18), Quote(passage=0, start=19, end=29)),
            "[1] Salt is kept here. Ropes too.",
        ),
        (
            (Quote(passage=0, start=19, end=29), Quote(passage=0, start=30, end=40)),
            "[1] Ropes too.\nIt is dry.",
        ),
        (
            (Quote(passage=0, start=0, end=18), Quote(passage=0, start=30, end=40)),
            "[1] Salt is kept here. [1] It is dry.",
        ),
        (
            (Quote(passage=0, start=19, end=29), Quote(passage=0, start=0, end=18)),
            "[1] Ropes too. [1] Salt is kept here.",
        ),
        ((Quote(turn=0, start=4, end=29),), "The mill is by the river."),
    ],
)
def test_answers_say_where_each_quote_stands(quotes: tuple[Quote, ...], answer: str) -> None:
    assert _example(*quotes).answer == answer


@pytest.mark.parametrize(
    "make",
    [
        lambda: Quote(start=0, end=3),
        lambda: Quote(start=0, end=3, passage=0, turn=0),
        lambda: Quote(start=3, end=3, passage=0),
        lambda: _example(Quote(start=0, end=3, passage=2)),
        lambda: _example(Quote(start=0, end=3, turn=1)),
        lambda: _example(Quote(start=0, end=300, passage=1)),
    ],
)
def test_quotes_that_stand_nowhere_are_refused(make) -> None:
    with pytest.raises(ValueError, match=r"[Qq]uote"):
        make()


@given(
    seed=st.integers(0, 10**6),
    num_passages=st.integers(1, 5),
    max_chars=st.integers(120, 800),
    real_share=st.sampled_from([0.0, 0.5, 1.0]),
)
def test_whatever_is_drawn_quotes_verbatim(
    material: Material, seed: int, num_passages: int, max_chars: int, real_share: float
) -> None:
    shape = TaskShape(
        max_passages=num_passages,
        max_chars=max_chars,
        real_share=real_share,
        history_share=0.3,
        follow_up_share=0.2,
        joined_share=0.2,
    )
    example = material.mixture.draw(shape, random.Random(seed))
    assert 1 <= len(example.passages) <= max(num_passages, 2 if example.kind == "joined" else 1)
    assert "".join(example.answer_parts) == (example.answer if example.quotes else "")
    for quote, part in zip(example.quotes, example.answer_parts, strict=True):
        text = example.quoted(quote)
        assert part.endswith(text)
        assert text == text.strip() != ""
        marker = re.match(r" ?\[(\d)\] ", part)
        assert (marker is None) == (quote.passage is None)
        if quote.passage is not None and marker:
            assert int(marker[1]) == quote.passage + 1
            assert text in example.passages[quote.passage]
    assert example == material.mixture.draw(shape, random.Random(seed))


def test_follow_ups_are_not_answered_by_their_passages(material: Material) -> None:
    shape = TaskShape(follow_up_share=1.0)
    rng = random.Random(0)
    drawn = [material.mixture.draw(shape, rng) for _ in range(60)]
    quoting = [example for example in drawn if example.quotes]
    assert len(quoting) >= 40
    for example in quoting:
        (quote,) = example.quotes
        assert quote.turn is not None
        assert not any(example.quoted(quote) in passage for passage in example.passages)
        assert example.answer in example.history[quote.turn][1]


@pytest.mark.parametrize(("share", "least", "most"), [(1.0, 0.4, 0.6), (0.4, 0.2, 0.37)])
def test_of_questions_on_forum_posts_a_share_is_taken(
    share: float, least: float, most: float
) -> None:
    quote = Quote(passage=0, start=0, end=18)
    questions = [
        RankedQuestion(question=kind, answers=(), passages=_PASSAGES, quotes=(quote,), kind=kind)
        for kind in ("squadshifts_reddit", "qed_dev")
    ]
    shape = TaskShape(
        forum_share=share, unanswerable_share=0.0, history_share=0.0, follow_up_share=0.0
    )
    mixture, rng = Mixture(questions, None, {}), random.Random(0)
    drawn = [mixture.draw(shape, rng).kind for _ in range(400)]
    assert least < drawn.count("squadshifts_reddit") / 400 < most
