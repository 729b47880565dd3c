"""Which sentence of a text is quoted as the answer to a question about it."""

import random
from collections.abc import Sequence

import pytest

from helpers.made_corpus import SharedWords
from quoth.decoding.training.ranking import rank_questions
from quoth.decoding.training.sources import QuestionRow

_TOLD = "We bought it in May. The handle broke in June"


def _row(context: str) -> QuestionRow:
    return QuestionRow(
        source="made",
        group="kettle",
        question="When did the handle break?",
        context=context,
        answers=("June",),
    )


def _quoted(context: str) -> list[str]:
    return [
        ranked.passages[quote.passage][quote.start : quote.end]
        for ranked in rank_questions([_row(context)], SharedWords(), random.Random(0))
        for quote in ranked.quotes
        if quote.passage is not None
    ]


@pytest.mark.parametrize(
    ("context", "quoted"),
    [
        (f"{_TOLD}. It was cheap.", ["The handle broke in June."]),
        (f"{_TOLD}.It was cheap.", []),
        ("We keep it. In June the 3.5 mm pin broke off.", ["In June the 3.5 mm pin broke off."]),
    ],
)
def test_sentences_that_run_together_are_not_quoted(context: str, quoted: Sequence[str]) -> None:
    assert _quoted(context) == quoted
