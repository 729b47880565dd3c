"""What verdicts come to: shares of the right questions, intervals, outcomes."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quoth.app.evaluating.answers.asking import Asked
from quoth.app.evaluating.answers.figures import SHARES, Share, as_json, figures_by_domain
from quoth.app.evaluating.answers.judging import Given, judge
from quoth.app.evaluating.answers.outcomes import OUTCOMES, outcome_of, sample
from quoth.app.evaluating.answers.questions import AnswerQuestion
from quoth.app.evaluating.answers.tables import tables_of
from quoth.app.evaluating.measures import wilson_interval
from quoth.app.prompting import REFUSAL
from quoth.types import Passage

TEXTS = ("Ravens fly.", "Cats sleep all day.")
PASSAGES = tuple(
    Passage(id=text, document_id=text, document="d.txt", text=text, start=0, end=len(text))
    for text in TEXTS
)
KINDS = {
    "found": AnswerQuestion(id="f", domain="a", question="q", kind="answerable", answers=("cats",)),
    "missed": AnswerQuestion(id="m", domain="a", question="q", kind="answerable", answers=("dog",)),
    "none": AnswerQuestion(id="n", domain="b", question="q", kind="unanswerable"),
    "turn": AnswerQuestion(
        id="t",
        domain="b",
        question="q",
        kind="from_history",
        answers=("fish",),
        history=(("q", "Fish swim."),),
    ),
}


def asked(kind: str, text: str, *, key: str = "", seconds: float = 1.0) -> Asked:
    question = replace(KINDS[kind], id=key or KINDS[kind].id)
    answer = Given(text=text, passages=PASSAGES, citations=(), is_cut_off="!" in text)
    return Asked(
        k=3,
        question=question,
        given=answer,
        verdict=judge(question, answer),
        tokens=len(text),
        first_s=seconds / 2,
        seconds=seconds,
    )


ALL_KINDS = [
    ("found", "[2] Cats sleep all day.", "right"),
    ("found", "[2] sleep", "other_words"),
    ("found", "[1] Ravens fly.", "wrong_passage"),
    ("found", "[1] Cats!", "answer_elsewhere"),
    ("found", REFUSAL, "false_refusal"),
    ("missed", "[1] Ravens fly.", "not_retrieved"),
    ("missed", REFUSAL, "refused_not_retrieved"),
    ("none", REFUSAL, "refused"),
    ("none", "[1] Ravens fly.", "answered"),
    ("turn", "Fish swim.", "from_history"),
    ("turn", REFUSAL, "not_from_history"),
    ("found", "", "empty"),
]


@pytest.mark.parametrize(("kind", "text", "outcome"), ALL_KINDS)
def test_every_answer_has_an_outcome(kind, text, outcome) -> None:
    assert outcome_of(asked(kind, text)) == outcome
    assert outcome in OUTCOMES


def test_each_share_is_of_the_questions_that_it_is_about() -> None:
    group = [asked(kind, text, key=str(n)) for n, (kind, text, _) in enumerate(ALL_KINDS)]
    figures = figures_by_domain(group)
    assert list(figures) == ["a", "b", "all"]
    shares = {name: (share.hits, share.n) for name, share in figures["all"].shares.items()}
    assert shares == {
        "retrieved": (6, 8),
        "right_passage_retrieved": (2, 6),
        "first_passage_retrieved": (0, 6),
        "right_passage_not_first": (2, 6),
        "gold_in_quote_retrieved": (2, 6),
        "right_passage": (2, 8),
        "first_passage": (0, 8),
        "gold_in_quote": (2, 8),
        "from_history": (1, 2),
        "verbatim": (6, 7),
        "verbatim_lax": (6, 7),
        "refused_unanswerable": (1, 2),
        "false_refusal": (1, 6),
        "refused_not_retrieved": (1, 2),
        "empty": (1, 12),
        "runaway": (1, 12),
    }
    assert "retrieved" not in figures["b"].shares
    first = replace(KINDS["found"], answers=("ravens", "cats"))
    given = Given(text="[1] Ravens", passages=PASSAGES, citations=(), is_cut_off=False)
    both = replace(group[0], question=first, given=given, verdict=judge(first, given))
    assert both.verdict.gold == (1, 2)
    assert "right_passage_not_first" not in figures_by_domain([both])["all"].shares
    assert as_json(figures["all"])["right_passage"]["ci95"] == wilson_interval(2, 8)
    cells = {cell for table in tables_of(figures) for row in table.rows for cell in row}
    assert {"25.0 [7-59] 8", "-", "1.00, 1.00"} <= cells
    with pytest.raises(ValueError, match="at least one"):
        figures_by_domain([])


def test_times_are_the_middle_and_the_tail() -> None:
    group = [asked("found", "[2] Cats", key=str(n), seconds=n) for n in range(1, 101)]
    figures = figures_by_domain(group)["all"]
    assert figures.seconds == (50.5, 95)
    assert figures.first_s == (25.25, 47.5)


def test_the_sample_is_the_same_in_any_order_and_holds_each_outcome() -> None:
    group = [asked(kind, text, key=f"{n}-{text}") for kind, text, _ in ALL_KINDS for n in range(5)]
    drawn = sample(group, per_outcome=2)
    assert {name for sorts in drawn.values() for name in sorts} == {o for _, _, o in ALL_KINDS}
    assert all(len(found) == 2 for sorts in drawn.values() for found in sorts.values())
    assert sample(group[::-1], per_outcome=2) == drawn


@given(st.lists(st.sampled_from(ALL_KINDS), min_size=1))
def test_counts_never_exceed_the_answers(kinds) -> None:
    group = [asked(kind, text, key=str(n)) for n, (kind, text, _) in enumerate(kinds)]
    figures = figures_by_domain(group)["all"]
    assert set(figures.shares) <= set(SHARES)
    assert all(0 <= share.hits <= share.n <= len(group) for share in figures.shares.values())
    shares = figures.shares
    if "right_passage" in shares and "retrieved" in shares:
        assert shares["right_passage"].hits <= shares["retrieved"].hits


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_intervals_hold_the_share_and_mirror(counts) -> None:
    hits, n = counts
    low, high = wilson_interval(hits, n)
    assert 0 <= low <= hits / n + 1e-12
    assert hits / n - 1e-12 <= high <= 1
    assert low < high
    mirrored = wilson_interval(n - hits, n)
    assert mirrored == pytest.approx((1 - high, 1 - low))
    wide = wilson_interval(10 * hits, 10 * n)
    assert wide[1] - wide[0] < high - low


def test_wilson_intervals_against_published_values() -> None:
    """Newcombe 1998, table I: 81/263, 15/148 and 0/20, without continuity correction."""
    assert wilson_interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson_interval(15, 148) == pytest.approx((0.0624, 0.1605), abs=5e-5)
    assert wilson_interval(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)
    with pytest.raises(ValueError, match="3 of 2"):
        wilson_interval(3, 2)
    assert math.isclose(Share(hits=1, n=4).value, 0.25)
