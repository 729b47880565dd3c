"""The scores count what they say."""

import pytest

from quoth.decoding.training.evaluation import score
from quoth.decoding.training.examples import Example, Quote
from quoth.decoding.training.prompts import REFUSAL

_PASSAGES = ("Salt is kept here. Ropes too.", "The tower is in Riga. It is old.")
_ASKED = Example(
    question="Where is the tower?",
    passages=_PASSAGES,
    quotes=(Quote(passage=1, start=0, end=21),),
    answers=("Riga",),
)
_UNANSWERABLE = Example(question="Who sings?", passages=_PASSAGES)


def test_perfect_answers_score_one_everywhere() -> None:
    scores = score([_ASKED, _UNANSWERABLE], [_ASKED.answer, REFUSAL])
    assert scores.num_answerable == 1
    assert scores.verbatim == scores.verbatim_chars == 1.0
    assert scores.right_number == scores.right_passage == scores.right_sentence == 1.0
    assert scores.answer_in_quote == scores.refusal_precision == scores.refusal_recall == 1.0
    assert scores.first_passage == 0.0


def test_a_changed_letter_is_not_verbatim() -> None:
    scores = score([_ASKED], ["[2] The tower is in riga."])
    assert scores.verbatim == 0.0
    assert scores.verbatim_chars == pytest.approx(16 / 21)
    assert scores.right_number == 1.0
    assert scores.right_passage == 0.0


def test_a_needless_refusal_counts_as_wrong() -> None:
    scores = score([_ASKED], [REFUSAL])
    assert scores.right_passage == scores.right_number == 0.0
    assert scores.refusal_precision == 0.0


def test_a_quote_of_the_wrong_passage_is_verbatim_but_not_right() -> None:
    scores = score([_ASKED], ["[1] Ropes too."])
    assert scores.verbatim == 1.0
    assert scores.right_passage == 0.0
